#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a backup costs: its speed, the memory of the serving node, and how much
# longer deliveries take beside it (at most twice). RONDA_BENCH_LINES sets the
# size (default 1,000,000 lines in the node, a fifth in each delivery).
set -eu
cd "$(dirname "$0")/.."
B=build
N=${RONDA_BENCH_LINES:-1000000}
T=$(mktemp -d "${TMPDIR:-/var/tmp}/ronda-bench.XXXXXX")
pid=
loop=
trap '[ -z "$loop" ] || kill $loop 2>/dev/null; [ -z "$pid" ] || kill $pid 2>/dev/null; rm -rf "$T"' EXIT
ninja -C $B ronda ronda-parser ronda-starter bench-all >/dev/null
ronda=$PWD/$B/ronda
number() { sed -nE "s/.*\"$1\": ?(-?[0-9.]+).*/\1/p" | tail -1; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
say() { printf '%-58s %s\n' "$1" "$2"; }
pss() { awk '/^Pss:/ { printf "%.1f", $2 / 1024 }' /proc/$pid/smaps_rollup; }

$ronda init "$T/node" --name Bench --country ID >/dev/null 2>&1
$B/bench/generate skewed "$N" >"$T/2026-11-21-scan_telnet-all.csv" 2>/dev/null
$ronda intake -d "$T/node" --no-wait "$T/2026-11-21-scan_telnet-all.csv" >/dev/null
public=$($ronda backup key "$T/secret" 2>/dev/null)
$ronda serve -d "$T/node" --set listen=127.0.0.1:0 >"$T/address" 2>/dev/null &
pid=$!
for _ in $(seq 100); do [ -s "$T/address" ] && break; sleep 0.05; done
rest=$(pss)

# Deliveries, new ones each time, alone and beside backups without a pause.
at=0
deliver() { # file for the seconds
	for _ in 1 2 3 4 5; do
		at=$((at + 1))
		$B/bench/generate new $((N / 5)) 2>/dev/null |
			sed "s/^\"2026-11-2[0-9]/\"2026-10-$(printf '%02d' $at)/" >"$T/2026-11-20-scan_telnet-$at.csv"
		$ronda intake -d "$T/node" --no-wait --json "$T/2026-11-20-scan_telnet-$at.csv" >"$T/sum" 2>"$T/err"
		number seconds <"$T/sum" >>"$1"
	done
}
deliver "$T/alone"
while [ ! -e "$T/stop" ]; do
	$ronda backup -d "$T/node" --key "$public" --to - 2>>"$T/said" >/dev/null || exit 1
done &
loop=$!
deliver "$T/beside"
peak=$(pss)
touch "$T/stop"
wait $loop
loop=
alone=$(median <"$T/alone") beside=$(median <"$T/beside")
say "a delivery of $((N / 5)) lines alone, beside a backup (s)" "$alone, $beside: $(awk "BEGIN { printf \"%.2f\", $beside / $alone }") times"
say "memory of the node at rest, beside backup and delivery" "$rest, $peak MiB"
$B/bench/measure $ronda backup -d "$T/node" --key "$public" --to "$T/backup" 2>"$T/measured" >/dev/null
seconds=$(number seconds <"$T/measured")
db=$(wc -c <"$T/node/main.db")
bytes=$(wc -c <"$T/backup")
say "a backup of $((bytes >> 20)) MiB, $((db >> 20)) of them main.db" "$(awk "BEGIN { printf \"%.1f s, %.0f MiB/s\", $seconds, $bytes / 1048576 / $seconds }")"
kill $pid
wait $pid || true
pid=
$B/bench/measure $ronda restore "$T/backup" --key "$T/secret" --to "$T/new" 2>"$T/measured" >/dev/null
say "restored and read again; memory of it" "$(number seconds <"$T/measured") s; $(number peak_mib <"$T/measured") MiB"
