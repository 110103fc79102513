#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make bench: what a node does, measured from outside, each figure the median of
# three. RONDA_BENCH_LINES sets the size (default 2,000,000).
set -eu
cd "$(dirname "$0")/.."
B=build
N=${RONDA_BENCH_LINES:-2000000}
RUNS=${RONDA_BENCH_RUNS:-3}
T=$(mktemp -d "${TMPDIR:-/var/tmp}/ronda-bench.XXXXXX")
trap 'rm -rf "$T"' EXIT
ninja -C $B ronda ronda-parser ronda-starter bench-all >/dev/null
ronda=$PWD/$B/ronda

number() { sed -nE "s/.*\"$1\": ?(-?[0-9.]+).*/\1/p" | tail -1; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
used() { du -cb "$@" 2>/dev/null | tail -1 | cut -f1; }
say() { printf '%-58s %s\n' "$1" "$2"; }

echo "machine: $(nproc) cores, $(sed -nE 's/^model name.*: //p' /proc/cpuinfo | head -1), $(free -g | awk '/^Mem/ { print $2 }') GiB"
for kind in skewed new; do
	file=$T/2026-11-21-scan_telnet-$kind.csv
	$B/bench/generate $kind "$N" >"$file" 2>"$T/truth"
	unique=$(number unique <"$T/truth")
	ports=$(number ports <"$T/truth")
	: >"$T/rate"; : >"$T/settled"; : >"$T/mem"; : >"$T/tree"; : >"$T/bytes"; : >"$T/all"
	for _ in $(seq "$RUNS"); do
		rm -rf "$T/node"
		$ronda init "$T/node" --name Bench --country ID >/dev/null 2>&1
		$B/bench/measure $ronda intake -d "$T/node" --json "$file" >"$T/sum" 2>"$T/measured"
		[ "$(number inputs <"$T/sum")" = "$N" ] || { echo "inputs differ: $(cat "$T/sum")"; exit 1; }
		[ "$(number events <"$T/sum")" = "$unique" ] || { echo "events differ: $(cat "$T/sum") want $unique"; exit 1; }
		awk "BEGIN { print int($N / $(number seconds <"$T/sum")) }" >>"$T/rate"
		awk "BEGIN { print int($N / $(number findings_seconds <"$T/sum")) }" >>"$T/settled"
		number peak_node_mib <"$T/measured" >>"$T/mem"
		number peak_mib <"$T/measured" >>"$T/tree"
		# Sealing and merging happen beside; give them their moment, then count the bytes.
		$ronda verify -d "$T/node" >/dev/null 2>&1
		events=$(used "$T"/node/events "$T"/node/repeats)
		awk "BEGIN { printf \"%.1f\n\", $events / $unique }" >>"$T/bytes"
		all=$(used "$T"/node/events "$T"/node/repeats "$T"/node/findings "$T"/node/main.db)
		awk "BEGIN { printf \"%.1f\n\", $all / $unique }" >>"$T/all"
	done
	say "$kind: lines acknowledged a second" "$(median <"$T/rate")"
	say "$kind: lines a second until the findings have seen them" "$(median <"$T/settled")"
	say "$kind: peak memory of the node, of the tree (MiB, PSS)" "$(median <"$T/mem"), $(median <"$T/tree")"
	say "$kind: bytes an event (chunks and repeat files)" "$(median <"$T/bytes")"
	say "$kind: bytes an event with findings and main.db" "$(median <"$T/all")"
	# Rows and a checksum read back.
	$ronda events -d "$T/node" --json 2>/dev/null |
		grep -o '"source.port":[0-9]*' |
		awk -F: -v u="$unique" -v p="$ports" '{ n++; s += $2 } END {
			if (n != u || s != p) { printf "read back differs: %d rows, sum %d; want %d, %d\n", n, s, u, p; exit 1 }
			printf "%-58s %s\n", "read back: rows and sum of ports", "equal" }'
	rm -f "$file"
done

# A thousand bad lines in five thousand against none.
$B/bench/generate new 5000 >"$T/2026-11-21-scan_telnet-good.csv" 2>/dev/null
awk 'NR > 1 && NR % 5 == 0 { print "\"no time\",x,not an address,,,"; next } { print }' \
	"$T/2026-11-21-scan_telnet-good.csv" >"$T/2026-11-21-scan_telnet-bad.csv"
for which in good bad; do
	: >"$T/$which.s"
	for _ in $(seq 5); do
		rm -rf "$T/node"
		$ronda init "$T/node" --name Bench --country ID >/dev/null 2>&1
		$ronda intake -d "$T/node" --no-wait --json "$T/2026-11-21-scan_telnet-$which.csv" 2>/dev/null |
			number seconds >>"$T/$which.s"
	done
done
say "5,000 lines, 1,000 of them bad: time against none bad" \
	"$(awk "BEGIN { printf \"%.2f\", $(median <"$T/bad.s") / $(median <"$T/good.s") }")"

# From POST to visible, one event at a time against a serving node.
rm -rf "$T/node"
$ronda init "$T/node" --name Bench --country ID >/dev/null 2>&1
intake=$($ronda token -d "$T/node" make bench --right intake 2>/dev/null)
read=$($ronda token -d "$T/node" make bench --right read --ceiling RED 2>/dev/null)
$ronda serve -d "$T/node" --set listen=127.0.0.1:0 >"$T/address" 2>/dev/null &
pid=$!
for _ in $(seq 100); do [ -s "$T/address" ] && break; sleep 0.05; done
url=$(head -1 "$T/address")
$B/bench/visible "$url" "$intake" "$read" "${RONDA_BENCH_POSTS:-1000}"
echo "memory of the serving node at rest: $(awk '/^Pss:/ { printf "%.1f MiB", $2 / 1024 }' /proc/$pid/smaps_rollup)"
kill $pid
wait $pid || true

# Whether the time of a wrong sign-in tells that there is an account.
echo "a wrong sign-in, medians:"
$B/bench/bench-login || echo "more than 5 % apart"
$B/bench/bench-roster || echo "over a millisecond"
