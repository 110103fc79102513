#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench/flood.sh: what others notice of a partner that sends a hundred times its quota: delay of another partner's envelopes of
# 10 objects, ten a second, and of a report of 1,000 events given in from a file, alone and beside the flood.
# RONDA_FLOOD_SECONDS (20) each; RONDA_FLOOD_QUOTA: objects a second (20); RONDA_FLOOD_THREADS of the flood (4);
# RONDA_FLOOD_RATE: objects a second all of them try to send (100 times the quota; 0: as many as they can). The flood's own
# program runs on the same machine.
set -u
RONDA_SOURCE=$(cd "$(dirname "$0")/.." && pwd)
RONDA_BUILD=${RONDA_BUILD:-$RONDA_SOURCE/build}
export RONDA_SOURCE
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
BIN=$HELPERS/ronda-partner
seconds=${RONDA_FLOOD_SECONDS:-20}
quota=${RONDA_FLOOD_QUOTA:-20}
threads=${RONDA_FLOOD_THREADS:-4}
rate=${RONDA_FLOOD_RATE:-$((quota * 100))}
each=100
every=0
[ "$rate" = 0 ] || every=$((1000 * each * threads / rate))
echo "machine: $(nproc) cores, $(sed -nE 's/^model name.*: //p' /proc/cpuinfo | head -1); load before: $(cut -d' ' -f1-3 /proc/loadavg)"
ronda init "$D" --name "Team B" --country ID --team small --account "Lead" >"$T/out" 2>"$T/err"
with_exchange "$D"
serve || { cat "$T/node.log"; exit 1; }
n=0
for who in c e; do
	n=$((n + 1))
	made_partner "$T/$who" "$who$who$who$who$who$who$who$who-0000-4000-8000-000000000001"
	"$BIN" accept "$T/$who" "$(ronda partner -d "$D" invite 2>/dev/null)" "Team $who" >/dev/null 2>&1
	ronda partner -d "$D" confirm "partner-$n" >/dev/null 2>&1
	o=$(org "$D" "Team $who" "198.18.$n.0/24")
	ronda partner -d "$D" edit "partner-$n" "organisation=$o" >/dev/null 2>&1
	agree "$D" "$o"
done
ronda partner -d "$D" edit partner-1 quota_objects="$quota" >/dev/null 2>&1
reports() { # name: a report a second, ms each
	for i in $(seq $((seconds - 2))); do
		made scan_telnet $((base + i * 1000)) 1000 >"$T/2026-11-20-scan_telnet-$1-$i.csv"
		b=$(date +%s%N)
		ronda intake -d "$D" "$T/2026-11-20-scan_telnet-$1-$i.csv" >/dev/null 2>>"$T/intake.err"
		echo $((($(date +%s%N) - b) / 1000000)) >>"$T/feed-$1"
		sleep 0.5
	done
}
once() { # name
	: >"$T/feed-$1"
	reports "$1" &
	r=$!
	"$BIN" pour "$T/e" "$seconds" 100 10 1 >"$T/other-$1" 2>&1
	wait $r
	sort -n "$T/feed-$1" | awk -v f="$1" '{ v[NR] = $1 } END { printf "%s: feed, 1,000 events: p50 %d, p99 %d ms; ", f, v[int((NR + 1) / 2)], v[int(NR * 0.99 + 0.999)] }'
	echo "other partner: $(sed -E 's/failed.*p50/p50/' "$T/other-$1")"
}
ticks() { sed -E 's/^.*\) //' "/proc/$node_pid/stat" | cut -d' ' -f12,13 | awk '{ print $1 + $2 }'; }
base=0
once alone
base=100000
"$BIN" pour "$T/c" $((seconds + 3)) "$every" $each "$threads" >"$T/flood" 2>&1 &
flood=$!
sleep 1
before=$(ticks)
once flooded
wait $flood
echo "flood: $(sed -E 's/p50.*//' "$T/flood"), $rate objects a second wanted; the node used $(($(ticks) - before)) hundredths of a second meanwhile"
sqlite3 -readonly "$D/main.db" "SELECT 'kept of both: ' || count(*) || ' objects' FROM exchange_object"
stop_node
