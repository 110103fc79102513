#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Data directories of released versions open, are sound, and hold what they held;
# one of a newer version is refused.
. "$RONDA_SOURCE/tests/lib.sh"
for old in "$RONDA_SOURCE"/tests/data/stores/*/; do
	v=$(basename "$old")
	rm -rf "$D"
	mkdir -m 0700 "$D"
	cp -r "$old". "$D"
	check "$v is sound" ronda verify -d "$D"
	ronda count -d "$D" --by day,type,cc --json >"$T/count"
	cmp -s "$T/count" "$RONDA_SOURCE/tests/data/stores/$v.count"
	ok $? "$v holds its events"
	ronda findings -d "$D" --json | sed -E 's/"id": ?"[0-9a-f]*"//' | wc -l >"$T/findings"
	cmp -s "$T/findings" "$RONDA_SOURCE/tests/data/stores/$v.findings"
	ok $? "$v holds its findings"
	if [ -e "$RONDA_SOURCE/tests/data/stores/$v.records" ]; then
		ronda verify -d "$D" --json | grep -oE '"records":[0-9]+,"record_versions":[0-9]+,"records_sound":true' >"$T/records"
		cmp -s "$T/records" "$RONDA_SOURCE/tests/data/stores/$v.records"
		# also what its directory became: Bank Dua's record takes up its row, two are new
		ok $? "$v holds its records, each version as it was written"
	fi
	check "$v has its journal" ronda journal -d "$D" verify
	made scan_telnet 0 50 >"$T/2026-11-20-scan_telnet-a.csv"
	check "$v takes a report" ronda intake -d "$D" "$T/2026-11-20-scan_telnet-a.csv"
done
sqlite3 "$D/main.db" 'PRAGMA user_version = 999'
check_fails 78 "a store of a newer ronda is refused" ronda count -d "$D"
has "$T/err" 'newer' "with the reason"
done_testing
