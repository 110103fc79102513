#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Does a store that got its events one by one end bigger than one that got them
# at once? bench/growth.sh [N [CONNECTIONS]] posts N events, one a request, and
# delivers the same number in one file; prints bytes an event of both, file by
# file, and what fills main.db. With CONNECTIONS many are under way at once (and
# nobody asks for each before the next), which is how to get to a million.
set -eu
cd "$(dirname "$0")/.."
N=${1:-20000}
connections=${2:-}
ronda=$PWD/build/ronda
T=$(mktemp -d "${TMPDIR:-/var/tmp}/ronda-growth.XXXXXX")
pid=
trap '[ -z "$pid" ] || kill $pid; rm -rf "$T"' EXIT
per() { # name, directory
	for part in events repeats raw main.db; do
		bytes=$(du -cb "$2/$part" 2>/dev/null | tail -1 | cut -f1)
		awk "BEGIN { printf \"%-12s %-8s %8.1f bytes an event\n\", \"$1\", \"$part\", $bytes / $N }"
	done
}
$ronda init "$T/one" --name One --country ID >/dev/null 2>&1
intake=$($ronda token -d "$T/one" make in --right intake 2>/dev/null)
read=$($ronda token -d "$T/one" make out --right read --ceiling RED 2>/dev/null)
$ronda serve -d "$T/one" --set listen=127.0.0.1:0 >"$T/address" 2>/dev/null &
pid=$!
while [ ! -s "$T/address" ]; do sleep 0.05; done
if [ "$connections" ]; then
	build/bench/deliver "$(head -1 "$T/address")" "$intake" "$N" "$connections"
else
	build/bench/visible "$(head -1 "$T/address")" "$intake" "$read" "$N"
fi
# what is done in the background: the tail is sealed, reports are packed, findings follow
last=
while now=$(du -sb "$T/one" | cut -f1); [ "$now" != "$last" ]; do
	last=$now
	sleep 5
done
kill $pid
wait $pid || true
pid=
$ronda init "$T/bulk" --name Bulk --country ID >/dev/null 2>&1
$ronda events -d "$T/one" --json | sed 's/"id":"[0-9a-f]*",//; s/"time.observation":"[^"]*",//' >"$T/all.json"
$ronda intake -d "$T/bulk" --format intelmq "$T/all.json" >/dev/null
$ronda verify -d "$T/bulk" >/dev/null
per "one by one" "$T/one"
per "at once" "$T/bulk"
sqlite3 "$T/one/main.db" "PRAGMA freelist_count" "PRAGMA page_size" |
	awk -v n="$N" 'NR == 1 { free = $1 } NR == 2 { printf "main.db of one by one: free pages %.1f bytes an event\n", free * $1 / n }'
sqlite3 -separator ' ' "$T/one/main.db" "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 20" |
	awk -v n="$N" '$2 / n >= 0.05 { printf "main.db of one by one: %-28s %8.1f bytes an event\n", $1, $2 / n }'
