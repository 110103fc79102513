#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Nodes that are all paired with each other, while links between them are cut and mended at random, nodes stand still, or are
# killed and started again; and reports, warnings, corrections, withdrawals and reports taken back come in meanwhile at random.
# When all is mended, each node has exactly what it must: nothing lost, nothing doubled, nothing with whom it must not be.
# RONDA_NIGHT_NODES: how many (4; at most 11), RONDA_NIGHT_SECONDS (25), RONDA_NIGHT_SEED, RONDA_NIGHT_PAUSE: longest pause
# between two of those, in ms (400).
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
unset LANG LC_ALL LC_MESSAGES RONDA_DIR
nodes=${RONDA_NIGHT_NODES:-4}
seconds=${RONDA_NIGHT_SECONDS:-25}
pause=${RONDA_NIGHT_PAUSE:-400}
seed=${RONDA_NIGHT_SEED:-$$}
echo "# seed $seed"
R=$T/region
region_pid=
end_all() {
	[ -z "$region_pid" ] || kill "$region_pid" 2>/dev/null
	[ -z "$region_pid" ] || wait "$region_pid" 2>/dev/null
	[ -z "${frozen:-}" ] || eval "kill -CONT \$pid_$frozen" 2>/dev/null
	finish
}
trap end_all EXIT
# below $1, in $r
random() {
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	r=$((seed / 65536 % $1))
}
other_than() { # node: another, in $o
	random $((nodes - 1))
	o=$((r + 1))
	[ "$o" -lt "$1" ] || o=$((o + 1))
}

# --- the region ---
free_ports $((2 * nodes))
ronda demo region "$R" --nodes "$nodes" --listen "127.0.0.1:$port" --every 1d --lines 1 >"$T/links" 2>"$T/log" &
region_pid=$!
for _ in $(seq 3000); do
	[ "$(cat "$T/links" 2>/dev/null | wc -l)" != "$nodes" ] || break
	kill -0 $region_pid 2>/dev/null || break
	sleep 0.1
done
is "$(wc -l <"$T/links")" "$nodes" "$nodes nodes, each paired with each"
kill -INT $region_pid
wait $region_pid
region_pid=
for i in $(seq "$nodes"); do
	start_node "$R/team-$i" || break
	eval "pid_$i=$started"
done
is "$i" "$nodes" "they run by themselves"
# Node i's line to node k is its own; who came later than k has k's invitation, and the other way round: both numbers follow.
all_lines=
for i in $(seq "$nodes"); do
	for k in $(seq "$nodes"); do
		[ "$i" != "$k" ] || continue
		free_port
		behind=$(sed -nE 's/^exchange_listen = .*:([0-9]+)/\1/p' "$R/team-$k/ronda.conf")
		"$HELPERS/ronda-line" "$port" "$behind" 0 0 "$T/line-$i-$k" &
		eval "line_${i}_$k=$!"
		pids="$pids $!"
		all_lines="$all_lines ${i}_$k"
		number=$k
		[ "$k" -lt "$i" ] || number=$((k - 1))
		ronda partner -d "$R/team-$i" edit "partner-$number" "address=https://127.0.0.1:$port" >"$T/out" 2>"$T/err" || echo "# node $i: $(cat "$T/err")"
	done
done

# --- what is given in ---
: >"$T/given"     # node, about, number of the event, report
: >"$T/warned"    # node, number there, title, marking, words now (withdrawn: -)
: >"$T/again"     # node, file: not acknowledged
frozen=
events=0 reports=0 warnings=0 cuts=0 kills=0 stills=0 corrected=0 taken=0 undone=0
event() { # number, about: one line
	printf '{"time.source":"%s+00:00","source.ip":"198.18.%d.%d","source.port":%d,"classification.type":"infected-system","malware.name":"night","tlp":"GREEN"}\n' \
		"$at" $((16 * $2 - 16 + $1 / 250 % 16)) $(($1 % 250)) $((1024 + $1 / 4000))
}
give() { # node, file
	ronda intake -d "$R/team-$1" --feed local --format intelmq --name "$(basename "$2")" "$2" >"$T/taken" 2>"$T/err" ||
		{ echo "$1 $2" >>"$T/again"; return 1; }
}
report() { # node
	reports=$((reports + 1))
	at=$(date -u +%FT%T)
	file=$T/report-$reports.jsonl
	random 40
	for _ in $(seq $((r + 1))); do
		other_than "$1"
		events=$((events + 1))
		event $events $o >>"$file"
		echo "$1 $o $events $reports" >>"$T/new"
	done
	give "$1" "$file"
	# Some are taken back at once, some later, most never.
	id=$(sed -nE 's/.*report ([0-9]+),.*/\1/p' "$T/taken")
	cat "$T/new" >>"$T/given"
	rm "$T/new"
	[ -z "$id" ] || echo "$1 $reports $id" >>"$T/known"
}
undo() {
	line=$(shuf_one "$T/known")
	[ -n "$line" ] || return
	set -- $line
	[ "$1" != "$frozen" ] || return
	ronda feed -d "$R/team-$1" undo "$3" >"$T/out" 2>"$T/err" || { echo "# node $1: undo $3: $(cat "$T/err")"; return; }
	undone=$((undone + 1))
	grep -v " $2 $3\$" "$T/known" >"$T/new"
	mv "$T/new" "$T/known"
	grep -v " $2\$" "$T/given" >"$T/new"
	mv "$T/new" "$T/given"
}
shuf_one() { # file: a line of it
	[ -s "$1" ] || return
	random "$(wc -l <"$1")"
	sed -n "$((r + 1))p" "$1"
}
warn() { # node
	warnings=$((warnings + 1))
	random 4
	mark=GREEN
	[ "$r" != 0 ] || mark=AMBER+STRICT
	n=$(($(cut -d' ' -f1 "$T/warned" | grep -cx "$1") + 1))
	n=$(ronda warning -d "$R/team-$1" new title="Night $warnings" urgency=act summary=first advice="Patch it" review_by=2040-01-01 --tlp $mark 2>"$T/err" |
		sed -nE 's/.*warning-([0-9]+).*/\1/p' | head -1)
	[ -n "$n" ] && ronda warning -d "$R/team-$1" move "$n" approved >"$T/out" 2>"$T/err" &&
		ronda warning -d "$R/team-$1" move "$n" sent >"$T/out" 2>"$T/err" || echo "# node $1: warning $warnings: $(cat "$T/err")"
	echo "$1 $n $warnings $mark first" >>"$T/warned"
}
correct() {
	line=$(grep -v ' -$' "$T/warned" >"$T/new"; shuf_one "$T/new")
	[ -n "$line" ] || return
	set -- $line
	[ "$1" != "$frozen" ] || return
	random 3
	if [ "$r" = 0 ]; then
		words=-
		ronda warning -d "$R/team-$1" edit "$2" withdrawn_because="It was none" >"$T/out" 2>"$T/err" &&
			ronda warning -d "$R/team-$1" move "$2" withdrawn --why "made up" >"$T/out" 2>"$T/err" || echo "# node $1: withdrawing $2: $(cat "$T/err")"
		taken=$((taken + 1))
	else
		corrected=$((corrected + 1))
		words=words-$corrected
		ronda warning -d "$R/team-$1" edit "$2" summary=$words >"$T/out" 2>"$T/err" || echo "# node $1: correcting $2: $(cat "$T/err")"
	fi
	sed -E "s/^($1 $2 .*) [^ ]+\$/\\1 $words/" "$T/warned" >"$T/new"
	mv "$T/new" "$T/warned"
}
: >"$T/known"

# --- the night ---
cut=' '
end=$(($(date +%s) + seconds))
while [ "$(date +%s)" -lt $end ]; do
	random "$pause"
	sleep "$((r / 1000)).$(printf '%03d' $((r % 1000)))"
	if [ -n "$frozen" ]; then
		random 3
		[ "$r" = 0 ] || { eval "kill -CONT \$pid_$frozen"; frozen=; }
	fi
	random "$nodes"
	at_node=$((r + 1))
	[ "$at_node" != "$frozen" ] || continue
	random 16
	case $r in
	0 | 1 | 2 | 3 | 4) report "$at_node" ;;
	5 | 6) warn "$at_node" ;;
	7 | 8) correct ;;
	9) undo ;;
	10 | 11)
		other_than "$at_node"
		cuts=$((cuts + 1))
		eval "kill -USR1 \$line_${at_node}_$o"
		cut="$cut${at_node}_$o "
		;;
	12 | 13)
		set -- $cut
		[ $# -gt 0 ] || continue
		random $#
		shift "$r"
		eval "kill -USR2 \$line_$1"
		cut=" $(echo "$cut" | tr ' ' '\n' | grep -vx "$1" | tr '\n' ' ')"
		;;
	14)
		[ -z "$frozen" ] || continue
		stills=$((stills + 1))
		frozen=$at_node
		eval "kill -STOP \$pid_$frozen"
		;;
	15)
		kills=$((kills + 1))
		eval "kill -9 \$pid_$at_node; wait \$pid_$at_node 2>/dev/null"
		start_node "$R/team-$at_node" || echo "# node $at_node does not start: $(tail -1 "$R/team-$at_node.log")"
		eval "pid_$at_node=$started"
		;;
	esac
done

# --- the morning ---
[ -z "$frozen" ] || eval "kill -CONT \$pid_$frozen"
frozen=
for l in $all_lines; do eval "kill -USR2 \$line_$l"; done
echo "# $seconds s: $reports reports of $events events, $undone taken back, $warnings warnings, $corrected corrected, $taken withdrawn; $cuts cuts, $stills stood still, $kills killed"
while read -r i file; do give "$i" "$file" || echo "# $file is not taken by node $i: $(cat "$T/err")"; done <"$T/again"
morning=$(date +%s)
for k in $(seq "$nodes"); do
	awk -v k="$k" '$1 == k || $2 == k { e = $3; printf "198.18.%d.%d %d\n", 16 * $2 - 16 + int(e / 250) % 16, e % 250, 1024 + int(e / 4000) }' "$T/given" | sort >"$T/must-$k"
	awk -v k="$k" '$1 == k || ($4 == "GREEN" && $5 != "-") { print "Night " $3, ($5 == "-" ? "withdrawn" : $5) }' "$T/warned" | sort >"$T/must-warn-$k"
done
look() { # node: what it has
	ronda events -d "$R/team-$1" --json 2>"$T/err" | grep '"malware.name": *"night"' |
		sed -E 's/.*"source.ip": *"([^"]*)".*/\1 &/; s/^([^ ]*) .*"source.port": *"?([0-9]+).*/\1 \2/' | sort >"$T/has-$1"
	sqlite3 -readonly "file:$R/team-$1/main.db?mode=ro" "SELECT r.title, CASE s.name WHEN 'withdrawn' THEN s.name ELSE json_extract(v.body, '\$.summary') END FROM record r
		JOIN record_name t ON t.id = r.type JOIN record_name s ON s.id = r.state JOIN record_version v ON v.id = r.version_id
		WHERE t.name = 'warning' AND r.erased = 0 AND r.title LIKE 'Night %'" | tr '|' ' ' | sort >"$T/has-warn-$1"
	ronda partner -d "$R/team-$1" line --json >"$T/lines-$1" 2>"$T/err"
}
stands() { # node
	look "$1"
	cmp -s "$T/must-$1" "$T/has-$1" && cmp -s "$T/must-warn-$1" "$T/has-warn-$1" && ! grep -qv '"waiting":0,' "$T/lines-$1"
}
left=$(seq "$nodes")
for _ in $(seq 600); do
	more=
	for i in $left; do
		stands "$i" || more="$more $i"
	done
	left=$more
	[ -n "$left" ] || break
	sleep 1
done
echo "# converged $(($(date +%s) - morning)) s after it was mended"
: >"$T/out"
for i in $(seq "$nodes"); do
	stands "$i"
	cmp "$T/must-$i" "$T/has-$i" >/dev/null
	ok $? "node $i has the $(wc -l <"$T/must-$i") events it must, each once, and no other"
	comm -3 "$T/must-$i" "$T/has-$i" | head -5 | sed 's/^/# /'
	cmp "$T/must-warn-$i" "$T/has-warn-$i" >/dev/null
	ok $? "and the $(wc -l <"$T/must-warn-$i") warnings in their last words"
	comm -3 "$T/must-warn-$i" "$T/has-warn-$i" | head -5 | sed 's/^/# /'
	! grep -qv '"waiting":0,' "$T/lines-$i"
	ok $? "nothing waits there"
done
end_nodes
# Where the last receipt of each lane stands with who sent, the other stands too.
wrong=0
for i in $(seq "$nodes"); do
	check "all is sound with node $i" ronda verify -d "$R/team-$i"
	for k in $(seq "$nodes"); do
		[ "$i" != "$k" ] || continue
		to=$k
		[ "$k" -lt "$i" ] || to=$((k - 1))
		from=$i
		[ "$i" -lt "$k" ] || from=$((i - 1))
		of="(SELECT r.uuid FROM record r JOIN record_name t ON t.id = r.type WHERE t.name = 'partner' AND r.number ="
		for lane in 0 1 2; do
			a=$(sqlite3 -readonly "$R/team-$i/main.db" "SELECT coalesce(max(upto_us), 0) FROM partner_receipt WHERE lane = $lane AND partner = $of $to)")
			b=$(sqlite3 -readonly "$R/team-$k/main.db" "SELECT coalesce(max(upto_us), 0) FROM taken_upto WHERE lane = $lane AND partner = $of $from)")
			[ "$a" = "$b" ] && continue
			wrong=$((wrong + 1))
			echo "# node $i to $k, lane $lane: receipt $a, there $b"
		done
	done
done
is $wrong 0 "each last receipt is where the other stands"
done_testing
