#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench/exchange.sh: reports at one node become findings of its partners: from when a report of 1,000 events (one each second) is
# handed in until the last of them is a finding of the partner it is for, of all reports and partners; and the memory of
# each node. RONDA_EXCHANGE_NODES: "3 11"; RONDA_EXCHANGE_SECONDS; RONDA_EXCHANGE_RATE: events a second.
set -u
RONDA_SOURCE=$(cd "$(dirname "$0")/.." && pwd)
RONDA_BUILD=${RONDA_BUILD:-$RONDA_SOURCE/build}
export RONDA_SOURCE
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
seconds=${RONDA_EXCHANGE_SECONDS:-30}
rate=${RONDA_EXCHANGE_RATE:-1000}
echo "machine: $(nproc) cores, $(sed -nE 's/^model name.*: //p' /proc/cpuinfo | head -1); load before: $(cut -d' ' -f1-3 /proc/loadavg)"
now_ms() { echo $(($(date +%s%N) / 1000000)); }
# Lines of report R: each partner in turn, addresses that did not occur before.
lines() { # report, partners
	awk -v r="$1" -v n="$rate" -v p="$2" -v at="$(date -u +%FT%T)" 'BEGIN {
		for (i = 0; i < n; i++) {
			k = r * n + i
			printf "{\"time.source\":\"%s+00:00\",\"source.ip\":\"10.%d.%d.%d\",\"source.port\":%d,\"classification.type\":\"infected-system\",\"malware.name\":\"example\",\"tlp\":\"GREEN\"}\n", at, 1 + k % p, int(k / p / 250) % 256, int(k / p) % 250, 1024 + int(k / 250 / 250 / p)
		} }'
}
region() { # nodes
	partners=$(($1 - 1))
	rm -rf "$T"/n*
	for i in $(seq 0 $partners); do
		ronda init "$T/n$i" --name "Team $i" --country ID --team small --account Lead >/dev/null 2>&1
		with_exchange "$T/n$i"
		printf 'parsers = 1\nhttp_threads = 2\n' >>"$T/n$i/ronda.conf"
		start_node "$T/n$i" || { echo "node $i does not start"; cat "$T/n$i.log"; exit 1; }
		eval "pid_$i=$started"
	done
	for i in $(seq $partners); do
		line=$(ronda partner -d "$T/n$i" invite 2>/dev/null)
		ronda partner -d "$T/n0" accept "$line" >/dev/null 2>&1
		o=$(org "$T/n0" "Team $i" "10.$i.0.0/16")
		ronda partner -d "$T/n0" edit "partner-$i" "organisation=$o" >/dev/null 2>&1
		ronda partner -d "$T/n0" confirm "partner-$i" >/dev/null 2>&1
		agree "$T/n0" "$o"
		o=$(org "$T/n$i" "Team 0" 10.200.0.0/16)
		ronda partner -d "$T/n$i" edit partner-1 "organisation=$o" >/dev/null 2>&1
		ronda partner -d "$T/n$i" confirm partner-1 >/dev/null 2>&1
		agree "$T/n$i" "$o"
	done
	# How far the findings of each are, as often as it can be asked.
	asked="SELECT strftime('%s','now') * 1000 + substr(strftime('%f','now'), 4)"
	attached=
	for i in $(seq $partners); do
		[ "$i" = 1 ] || attached="$attached ATTACH 'file:$T/n$i/main.db?mode=ro' AS d$i;"
		asked="$asked, coalesce((SELECT seq FROM $([ "$i" = 1 ] && echo main || echo "d$i").cursor WHERE name = 'fold'), 0)"
	done
	: >"$T/samples"
	: >"$T/sent"
	last=$((seconds * rate / partners))
	(while [ ! -e "$T/enough" ]; do echo "$asked;"; sleep 0.02; done |
		sqlite3 -readonly -cmd "$attached" "file:$T/n1/main.db?mode=ro" >"$T/samples" 2>"$T/samples.err") &
	sampler=$!
	begin=$(now_ms)
	for r in $(seq 0 $((seconds - 1))); do
		lines "$r" $partners >"$T/report.jsonl"
		while [ "$(now_ms)" -lt $((begin + r * 1000)) ]; do sleep 0.01; done
		echo "$(now_ms)" >>"$T/sent"
		ronda intake -d "$T/n0" --no-wait --feed local --format intelmq --name "report-$r.jsonl" "$T/report.jsonl" >/dev/null 2>>"$T/intake.err"
	done
	for _ in $(seq 600); do
		tail -1 "$T/samples" | awk -F'|' -v n=$last '{ for (i = 2; i <= NF; i++) if ($i < n) exit 1 }' && break
		sleep 0.1
	done
	took=$(($(now_ms) - begin))
	: >"$T/enough"
	wait $sampler
	rm "$T/enough"
	memory=
	for i in $(seq 0 $partners); do
		eval "p=\$pid_$i"
		memory="$memory $(for q in $p $(pgrep -P "$p"); do awk '/^Pss:/ { print $2 }' "/proc/$q/smaps_rollup" 2>/dev/null; done |
			awk '{ s += $1 } END { printf "%d", s / 1024 }')"
	done
	awk -F'|' -v per=$((rate / partners)) -v n=$partners 'NR == FNR { sent[FNR] = $1; reports = FNR; next }
		{ for (i = 1; i <= n; i++) while (at[i] < reports && $(i + 1) >= (at[i] + 1) * per) { at[i]++; print $1 - sent[at[i]] } }' \
		"$T/sent" "$T/samples" | sort -n >"$T/late"
	awk -v nodes="$1" -v took=$took -v want=$((seconds * partners)) '{ v[NR] = $1 } END {
		if (NR == 0) { print "nothing arrived"; exit }
		printf "%d nodes: %d of %d deliveries; report handed in -> finding visible: p50 %d ms, p99 %d ms, most %d ms; all of it in %.1f s\n",
			nodes, NR, want, v[int((NR + 1) / 2)], v[int(NR * 0.99 + 0.999)], v[NR], took / 1000 }' "$T/late"
	echo "$1 nodes: memory of each, MiB (PSS, of its tree; the first takes the reports):$memory"
	end_nodes
}
for n in ${RONDA_EXCHANGE_NODES:-3 11}; do
	region "$n"
done
