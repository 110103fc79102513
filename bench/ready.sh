#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How long after kill -9 a node with many reports is ready again: bench/ready.sh
# [N] fills a store with N reports of one event each (1,000,000), kills the node
# while more come in, starts it anew and prints the time until /healthz answers
# 200 and until a report sent again gets its first summary back; the median of
# three. With a directory instead of N: a copy of that store is used as it is.
set -eu
cd "$(dirname "$0")/.."
ronda=$PWD/build/ronda
T=$(mktemp -d "${TMPDIR:-/var/tmp}/ronda-ready.XXXXXX")
pid= more=
trap '[ -z "$pid" ] || kill -9 $pid; [ -z "$more" ] || kill $more; rm -rf "$T"' EXIT
now() { date +%s%N; }
serve() {
	: >"$T/address"
	$ronda serve -d "$T/node" --set listen=127.0.0.1:0 >"$T/address" 2>>"$T/log" &
	pid=$!
	while [ ! -s "$T/address" ]; do sleep 0.01; done
	url=$(head -1 "$T/address")
}
healthy() { [ "$(curl -s -o "$T/health" -w '%{http_code}' "$url/healthz")" = 200 ]; }
post() { curl -s -H "Authorization: Bearer $intake" --data-binary "@$T/again" "$url/api/reports?format=intelmq"; }

if [ -d "${1:-}" ]; then
	cp -a "$1" "$T/node"
else
	$ronda init "$T/node" --name Ready --country ID >/dev/null 2>&1
fi
intake=$($ronda token -d "$T/node" make in --right intake 2>/dev/null)
serve
[ -d "${1:-}" ] || build/bench/deliver "$url" "$intake" "${1:-1000000}" 64
echo '{"source.ip":"192.0.2.1","time.source":"2026-01-31T00:00:00Z","classification.type":"scanner"}' >"$T/again"
first=$(post | grep -o '"report":[0-9]*')
for round in 1 2 3; do
	build/bench/deliver "$url" "$intake" 100000 64 >/dev/null 2>&1 &
	more=$!
	sleep 5
	kill -9 $pid
	wait $pid || true
	pid=
	wait $more || true
	more=
	start=$(now)
	serve
	while ! healthy; do sleep 0.01; done
	ready=$(now)
	again=$(post | grep -o '"report":[0-9]*')
	[ "$again" = "$first" ] || { echo "sent again it is $again, not $first" >&2; exit 1; }
	echo "$(((ready - start) / 1000000)) $((($(now) - start) / 1000000))" >>"$T/times"
	echo "round $round: $(tail -1 "$T/times") ms" >&2
done
printf '%-58s %s\n' "reports in the store" \
	"$(sqlite3 "$T/node/main.db" "SELECT (SELECT count(*) FROM report) + (SELECT total(reports) FROM report_block)")"
printf '%-58s %s ms\n' "ready again after kill -9: until /healthz is 200, median" "$(cut -d' ' -f1 "$T/times" | sort -n | sed -n 2p)"
printf '%-58s %s ms\n' "until a report sent again is known, median" "$(cut -d' ' -f2 "$T/times" | sort -n | sed -n 2p)"
