#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Does a store that got its events one by one end bigger than one that got them
# at once? bench/growth.sh [N] posts N events, one a request, and delivers the
# same number in one file; prints bytes an event of both, file by file.
set -eu
cd "$(dirname "$0")/.."
N=${1:-20000}
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
build/bench/visible "$(head -1 "$T/address")" "$intake" "$read" "$N"
sleep 5 # the tail is sealed in the background
kill $pid
wait $pid || true
pid=
$ronda init "$T/bulk" --name Bulk --country ID >/dev/null 2>&1
$ronda events -d "$T/one" --json | sed 's/"id":"[0-9a-f]*",//; s/"time.observation":"[^"]*",//' >"$T/all.json"
$ronda intake -d "$T/bulk" --format intelmq "$T/all.json" >/dev/null
$ronda verify -d "$T/bulk" >/dev/null
per "one by one" "$T/one"
per "at once" "$T/bulk"
