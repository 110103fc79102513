#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Flipped bytes are found and named, nothing crashes, the rest stays readable.
. "$RONDA_SOURCE/tests/lib.sh"
ronda init "$D" --name "Team B" --country ID >/dev/null 2>&1
for i in 1 2 3; do
	made scan_telnet $((i * 10000)) 9000 >"$T/2026-11-20-scan_telnet-$i.csv"
	ronda intake -d "$D" "$T/2026-11-20-scan_telnet-$i.csv" >/dev/null 2>&1
done
check "sound before" ronda verify -d "$D"
cp -a "$D" "$T/good"
found=0
crashed=0
tries=0
unseen=
for seg in "$D"/events/*.seg "$D"/raw/*.seg; do
	size=$(stat -c %s "$seg")
	for k in $(seq 50); do
		tries=$((tries + 1))
		at=$(( (k * 7919 * 31 + tries * 104729) % size ))
		byte=$(od -An -tu1 -j $at -N 1 "$seg" | tr -d ' ')
		printf "\\$(printf '%03o' $((byte ^ (1 << (k % 8)))))" | dd of="$seg" bs=1 seek=$at conv=notrunc 2>/dev/null
		ronda verify -d "$D" >"$T/out" 2>"$T/err"
		code=$?
		case $code in
		74) found=$((found + 1)) ;;
		0) unseen="$unseen ${seg##*/}:$at" ;;
		*) crashed=$((crashed + 1)); echo "# exit $code at $at: $(head -1 "$T/err")" ;;
		esac
		ronda events -d "$D" --limit 5 >/dev/null 2>&1
		[ $? -lt 128 ] || crashed=$((crashed + 1))
		printf "\\$(printf '%03o' "$byte")" | dd of="$seg" bs=1 seek=$at conv=notrunc 2>/dev/null
	done
done
is $crashed 0 "no crash in $tries flips"
is $found $tries "every flip in a segment is found"
for u in $unseen; do echo "# not seen by verify: $u"; done
check "sound again" ronda verify -d "$D"
sqlite3 "$D/main.db" "UPDATE journal SET object = 'report:999' WHERE number = 3" 2>/dev/null
ronda journal -d "$D" verify >"$T/out" 2>"$T/err"
is $? 74 "an edited journal line is found"
has "$T/out" 'line 3 ' "and named"
rm -rf "$D"
cp -a "$T/good" "$D"
head=$(ronda journal -d "$D" head)
sqlite3 "$D/main.db" "DELETE FROM journal WHERE number = (SELECT max(number) FROM journal); DELETE FROM journal_head WHERE number > (SELECT max(number) FROM journal)"
ronda journal -d "$D" verify --against "$head" >"$T/out" 2>"$T/err"
is $? 74 "a cut tail shows against a head kept elsewhere"
rm -rf "$D"
cp -a "$T/good" "$D"
ronda note -d "$D" new title=First text=one >/dev/null 2>&1
ronda note -d "$D" new title=Second text=two >/dev/null 2>&1
ronda note -d "$D" edit 2 text=three >/dev/null 2>&1
check "records are sound" ronda verify -d "$D"
cp -a "$D" "$T/noted"
for change in \
	"UPDATE record_version SET body = '{\"title\":\"Second\",\"text\":\"four\"}' WHERE record = 2 AND version = 2" \
	"UPDATE record_version SET author = 'account:9' WHERE record = 2 AND version = 2" \
	"DELETE FROM record_version WHERE record = 2 AND version = 2"; do
	sqlite3 "$D/main.db" "$change"
	ronda verify -d "$D" >"$T/out" 2>"$T/err"
	is $? 74 "found: $change"
	has "$T/err" 'note--.* version 2: ' "and named"
	rm -rf "$D"
	cp -a "$T/noted" "$D"
done
done_testing
