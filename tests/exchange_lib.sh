# SPDX-License-Identifier: Apache-2.0
# exchange_lib.sh: what the scenarios of the exchange share: nodes beside each other, and a partner that is no node.
HELPERS=$RONDA_BUILD/tests/helpers
pids=

# So many free ports in a row, the first in $port.
free_ports() { # count
	for _ in $(seq 100); do
		free_port
		! ss -Htan | awk -v from="$port" -v n="$1" '{ sub(/.*:/, "", $4); if ($4 + 0 >= from && $4 + 0 < from + n) found = 1 } END { exit !found }' || { ports=$((ports + $1)); continue; }
		return
	done
}
# The listener for partners of node DIR, in $X; settings as lines of its ronda.conf.
with_exchange() { # directory
	free_port
	X=$port
	printf 'exchange = yes\nexchange_listen = 127.0.0.1:%s\nexchange_address = https://127.0.0.1:%s\n' "$X" "$X" >>"$1/ronda.conf"
}
# Its findings concern it from when the directory's table has it on, a moment after its record is there.
org() { # directory, name, network: organisation-N
	ronda organisation -d "$1" new "name=$2" kind=csirt "constituency=network|$3" 2>&1 | sed -nE 's/.*(organisation-[0-9]+).*/\1/p' | head -1
	for _ in $(seq 600); do
		! ronda who -d "$1" "${3%/*}" 2>/dev/null | grep -qF "$2" || break
		sleep 0.1
	done
}
agree() { # directory, organisation: an agreement in force, its number in $A
	A=$(ronda agreement -d "$1" new "title=With $2" kind=memorandum "parties=$2" tlp_ceiling=AMBER "flows=findings,incidents,warnings" \
		"personal=${personal:-yes}" "from=$(date -u +%F)" 2>&1 | sed -nE 's/.*(agreement-[0-9]+).*/\1/p' | head -1)
	ronda agreement -d "$1" move "$A" in-force --why "signed by both" >/dev/null 2>&1
}
# A partner without a node: its keys in directory DIR, its node id ID.
made_partner() { # directory, node id
	mkdir -p "$1"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1/key.pem" -out "$1/cert.pem" \
		-subj "/CN=partner" -days 30 2>/dev/null
	"$HELPERS/ronda-partner" keys "$1" "$2"
}
# Starts node DIR; its address in $address, its pid in $started. Ends with end_nodes.
start_node() { # directory, further options
	dir=$1
	shift
	: >"$dir.address"
	ronda serve -d "$dir" --set listen=127.0.0.1:0 "$@" >"$dir.address" 2>>"$dir.log" &
	started=$!
	pids="$pids $started"
	for _ in $(seq 1200); do
		[ ! -s "$dir.address" ] || break
		kill -0 $started 2>/dev/null || break
		sleep 0.05
	done
	address=$(head -1 "$dir.address")
	[ -n "$address" ]
}
end_nodes() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null
	done
	for pid in $pids; do
		wait "$pid" 2>/dev/null
	done
	pids=
}
finish() {
	for pid in $node_pid $pids; do
		kill -9 "$pid" 2>/dev/null
	done
	rm -rf "$T"
}

# A node by its letter: $T/LETTER, with a listener for partners in $LETTER_port.
new_node() { # letter, name
	ronda init "$T/$1" --name "$2" --country ID --team small --account Lead >"$T/out" 2>"$T/err" || return 1
	with_exchange "$T/$1"
	printf %s "${more_conf:-}" >>"$T/$1/ronda.conf" # further settings, a line each
	eval "${1}_port=\$X"
}
start() { # letter: its pid in $LETTER_pid, its address in $T/LETTER.address, its log in $T/LETTER.log
	start_node "$T/$1" && eval "${1}_pid=\$started"
}
stop() { # letter, signal
	eval "p=\$${1}_pid"
	kill "-${2:-TERM}" "$p" 2>/dev/null
	wait "$p" 2>/dev/null
}
# Nodes $T/a ("Team A") and $T/b ("Team B"), which is responsible for 198.18.0.0/16: paired and agreed. Both run; pids in $a_pid,
# $b_pid, listeners in $a_port, $b_port.
two_nodes() {
	made_nodes && start_nodes && pair_nodes
}
made_nodes() {
	new_node a "Team A" && new_node b "Team B"
}
start_nodes() {
	start a && start b
}
pair_nodes() {
	line=$(ronda partner -d "$T/b" invite 2>"$T/err") &&
	ronda partner -d "$T/a" accept "$line" >"$T/out" 2>"$T/err" &&
	ronda partner -d "$T/a" confirm partner-1 >"$T/out" 2>"$T/err" &&
	ronda partner -d "$T/b" confirm partner-1 >"$T/out" 2>"$T/err" || return 1
	o=$(org "$T/a" "Team B" 198.18.0.0/16)
	ronda partner -d "$T/a" edit partner-1 "organisation=$o" >"$T/out" 2>"$T/err" || return 1
	agree "$T/a" "$o"
	o=$(org "$T/b" "Team A" 198.19.0.0/16)
	ronda partner -d "$T/b" edit partner-1 "organisation=$o" >"$T/out" 2>"$T/err" || return 1
	agree "$T/b" "$o"
}
events_of() { ronda events -d "$1" --json 2>/dev/null | wc -l; } # directory
# Until B has as many events, or TRIES tenths of a second went by.
until_events() { # directory, events, tries
	for _ in $(seq "$3"); do
		[ "$(events_of "$1")" -lt "$2" ] || return 0
		sleep 0.1
	done
	echo "# $(events_of "$1") of $2 events; $(ronda partner -d "$T/a" line partner-1 2>/dev/null | tail -1)"
	tail -3 "$T/a.log" "$T/b.log" | sed 's/^/# /'
	return 1
}
