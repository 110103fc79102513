#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How long other people's directories take to become ours, and what they cost:
#   bench/directory.sh BUILD [RANGES]     made-up data in a directory of its own
set -eu
build=$(cd "$1" && pwd)
ranges=${2:-1000000}
here=$(dirname "$0")/..
T=$(mktemp -d "${TMPDIR:-/tmp}/ronda-bench.XXXXXX")
node=
trap '[ -z "$node" ] || kill "$node"; rm -rf "$T"' EXIT
PATH=$build:$PATH
made() { awk -v form="$1" -v from=1 -v n="$2" -f "$here/tests/directory.awk" >"$T/$1.$3"; }
step() { # words, command…: seconds and most memory
	words=$1
	shift
	/usr/bin/time -f '%e %U %M' -o "$T/time" "$@" >"$T/out" 2>"$T/err" || { cat "$T/err" >&2; exit 1; }
	awk -v w="$words" '{ printf "%-44s %6.1f s, %5.1f s of processor, %4d MiB\n", w, $1, $2, $3 / 1024 }' "$T/time"
}
ronda init "$T/n" --name B --country ID --team small --account A >/dev/null 2>&1
made ti 1500 json
made first 1500 json
made cerebrate 1000 json
made csv 1000 csv
made rpsl "$ranges" txt
gzip -k "$T/rpsl.txt"
dir="ronda directory -d $T/n"
for f in ti.json first.json cerebrate.json csv.csv; do
	step "import of ${f%.*}" $dir import "$T/$f" --form "${f%.*}"
done
step "import of ti a second time" $dir import "$T/ti.json"
step "duplicates among 5,000" $dir duplicates
step "whois dump of $ranges ranges ($(stat -c %s "$T/rpsl.txt" | awk '{ print int($1 / 1048576) }') MiB, gzip)" $dir import "$T/rpsl.txt.gz"
step "the same a second time" $dir import "$T/rpsl.txt.gz"
awk 'BEGIN { for (i = 0; i < 10000; i++) printf "100.%d.%d.%d\n", 64 + i % 16, i * 7 % 256, i * 13 % 256 }' >"$T/asked"
step "who for 10,000 addresses" sh -c "ronda who -d $T/n --json - <$T/asked"
ls -l "$T"/n/contacts-*.cache | awk '{ printf "mapped file: %d MiB\n", $5 / 1048576 }'
ls -l "$T/n/main.db" | awk '{ printf "main.db: %d MiB\n", $5 / 1048576 }'
ronda serve -d "$T/n" --set listen=127.0.0.1:0 >"$T/out" 2>&1 &
node=$!
sleep 3
awk '/VmHWM|RssAnon|RssFile/ { printf "%s %d MiB  ", $1, $2 / 1024 } END { print "of a node that serves" }' /proc/$node/status
