#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A partner that is away for seven days gets what happened meanwhile in its order and once, and a warning before all of it; an
# agreement that ends while something waits lets nothing more of it out. With a clock that is moved.
# RONDA_AWAY_EVENTS: how many in a week (700; 'make long' takes 1,000,000 and prints what it took).
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/clock.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
each=$((${RONDA_AWAY_EVENTS:-700} / 7))
tries=$((600 + each / 20))
at "2026-12-01 08:00"
two_nodes
ok $? "two nodes, paired"
[ "$each" -lt 10000 ] || for n in a b; do
	ronda partner -d "$T/$n" edit partner-1 quota_objects=1000000 quota_bytes=1073741824 >"$T/out" 2>"$T/err"
	ok $? "their quota is no matter here"
done
day() { # number: a report of that day, times and addresses of its own
	awk -v d="$1" -v n=$each -v date="$(date -ud "2026-12-01 +$1 days" +%F)" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "{\"time.source\":\"%sT%02d:%02d:%02d+00:00\",\"source.ip\":\"198.18.%d.%d\",\"source.port\":%d,\"classification.type\":\"infected-system\",\"malware.name\":\"example\",\"tlp\":\"GREEN\"}\n", date, i / 3600 % 8, i / 60 % 60, i % 60, d * 10 + int(i / 250) % 10, i % 250 + 1, 1024 + int(i / 2500) }' \
		>"$T/day-$1.jsonl"
	ronda intake -d "$T/a" --feed local --format intelmq --name "day-$1.jsonl" "$T/day-$1.jsonl" >"$T/out" 2>"$T/err"
}
# Events of a node, by its last number: what is counted often.
last_of() { sqlite3 -readonly -cmd '.timeout 5000' "$1/main.db" "SELECT max(coalesce((SELECT max(first_seq + rows - 1) FROM chunk), 0), coalesce((SELECT max(first_seq + rows - 1) FROM tail), 0))"; }
until_last() { # events
	for _ in $(seq $tries); do
		[ "$(last_of "$T/b")" -lt "$1" ] || return 0
		sleep 0.2
	done
	echo "# $(last_of "$T/b") of $1 events; $(ronda partner -d "$T/a" line partner-1 2>/dev/null | tail -1)"
	return 1
}
# Memory of a node with its helpers, KiB, each second until $T/enough is there: the most, in file FILE.
watch() { # pid, file
	while [ ! -e "$T/enough" ]; do
		for q in "$1" $(pgrep -P "$1"); do awk '/^Pss:/ { print $2 }' "/proc/$q/smaps_rollup" 2>/dev/null; done |
			awk '{ s += $1 } END { print s + 0 }' >>"$2"
		sleep 1
	done
}
# Of the first and the last third of what was sampled, and the most, MiB.
said() { awk '{ v[NR] = $1; if ($1 > m) m = $1 } END { k = int((NR + 2) / 3)
	for (i = 1; i <= k; i++) { a += v[i]; b += v[NR + 1 - i] }
	printf "first third %d, last third %d, most %d MiB", a / k / 1024, b / k / 1024, m / 1024 }' "$1"; }
day 0
until_last $each
ok $? "a report of the first day is there"
kill "$b_pid"
wait "$b_pid" 2>/dev/null
bad_days=0
for d in 1 2 3 4 5 6 7; do
	at "$(date -ud "2026-12-01 +$d days" +%F) 08:00"
	day $d || bad_days=$((bad_days + 1))
done
is $bad_days 0 "Team B is away; a report each day for a week"
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>"$T/err"
[ -s "$T/err" ]
ok $? "Team A is told that nobody answers"
start_node "$T/b" --set "exchange_listen=127.0.0.1:$b_port"
ok $? "Team B is back"
b_pid=$started
rm -f "$T/enough"
watch "$a_pid" "$T/memory-a" &
watch_a=$!
watch "$b_pid" "$T/memory-b" &
watch_b=$!
began=$(date +%s)
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>"$T/err" &
sync=$!
if [ "$each" -ge 10000 ]; then
	until_last $((each + 20000))
	ok $? "it catches up"
	ronda warning -d "$T/a" new title="Patch now" urgency=act summary="Made up" advice="Patch it" review_by=2030-01-01 --tlp GREEN >"$T/out" 2>"$T/err" &&
		ronda warning -d "$T/a" move 1 approved >"$T/out" 2>"$T/err" && ronda warning -d "$T/a" move 1 sent >"$T/out" 2>"$T/err"
	ok $? "a warning is sent while it does"
	for _ in $(seq 600); do
		ronda warning -d "$T/b" list --json 2>/dev/null | grep -q 'Patch now' && break
		sleep 0.1
	done
	behind=$(last_of "$T/b")
	[ "$behind" -lt $((8 * each)) ]
	ok $? "it passes the bulk: there with $behind of $((8 * each)) events"
fi
wait $sync
until_last $((8 * each))
ok $? "nothing is lost"
took=$(($(date +%s) - began))
: >"$T/enough"
wait $watch_a $watch_b
echo "# $((7 * each)) events in $took s; memory of A: $(said "$T/memory-a"); of B: $(said "$T/memory-b")"
is "$(events_of "$T/b")" $((8 * each)) "and nothing is doubled"
is "$(ronda events -d "$T/b" --json 2>/dev/null | grep -oE '"extra.origin_event": ?"[^"]*"|"origin_event": ?"[^"]*"' | sort -u | wc -l)" $((8 * each)) "  each is another one of theirs"
# Each batch goes on where the one before it ended; within one the order is that of the collection.
sqlite3 -readonly "$T/a/main.db" "SELECT after_us, upto_us FROM partner_receipt WHERE lane = 2 ORDER BY id" >"$T/chain"
awk -F'|' '$1 != last || $2 <= $1 { bad = 1 } { last = $2 } END { exit bad || NR < 2 }' last=0 "$T/chain" >"$T/out"
ok $? "in order: each batch begins where the one before it ended"
is "$(sqlite3 -readonly "$T/a/main.db" "SELECT sum(objects) FROM partner_receipt WHERE lane = 2")" $((8 * each)) "and there is a receipt for each"
# --- an agreement that ends ---
kill "$b_pid"
wait "$b_pid" 2>/dev/null
d=8
while [ $d -le 14 ]; do # as many wait as before
	at "$(date -ud "2026-12-01 +$d days" +%F) 08:00"
	day $d
	d=$((d + 1))
	[ "$each" -ge 10000 ] || break
done
waits=$((each * (d - 8)))
[ "$each" -ge 10000 ] && { # it has begun to leave
	start_node "$T/b" --set "exchange_listen=127.0.0.1:$b_port"
	b_pid=$started
	ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>"$T/err" &
	sync=$!
	until_last $((8 * each + 5000))
	ok $? "$waits wait, and begin to go"
}
check "the agreement ends while they wait" ronda agreement -d "$T/a" move 1 ended --why "over"
ended=$(sqlite3 -readonly "$T/a/main.db" "SELECT max(at_us) FROM journal")
[ "$each" -lt 10000 ] || wait $sync
[ "$each" -ge 10000 ] || {
	start_node "$T/b" --set "exchange_listen=127.0.0.1:$b_port"
	b_pid=$started
}
day 15
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>"$T/err"
sleep 2
stand=$(events_of "$T/b")
at "2026-12-16 12:00"
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>"$T/err"
sleep $((each < 10000 ? 1 : 60))
is "$(events_of "$T/b")" "$stand" "and nothing more of it leaves"
if [ "$each" -ge 10000 ]; then
	[ "$stand" -lt $((8 * each + waits)) ]
	ok $? "  though $((8 * each + waits - stand)) waited"
	last=$(sqlite3 -readonly "$T/a/main.db" "SELECT max(at_us) FROM partner_receipt")
	echo "# the last batch left $(((last - ended) / 1000)) ms after the agreement ended"
	[ $((last - ended)) -lt 60000000 ]
	ok $? "  none later than 60 s after it ended"
else
	is "$stand" $((8 * each)) "  all of it waits"
fi
end_nodes
for n in a b; do
	check "all is sound with $n" ronda verify -d "$T/$n"
done
done_testing
