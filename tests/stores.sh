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
	# of another's object that stood there: found by its id
	[ "$v" != v5 ] || sqlite3 "$D/main.db" "INSERT INTO exchange_object (id, partner, stix_id, type, version, version_us, tlp, marked,
		revoked, exercise, at_us, events, title, words, json) VALUES (7, zeroblob(16), 'tool--11111111-1111-4111-8111-111111111111',
		'tool', '', 0, 1, 0, 0, 0, 0, 0, 'T', '', '{}')"
	check "$v is sound" ronda verify -d "$D"
	[ "$v" != v5 ] || is "$(sqlite3 "$D/main.db" "SELECT printf('%016x', k.tag), k.object, n.stix_id FROM exchange_object n
		JOIN exchange_object_key k ON k.object = n.id AND k.tag = n.tag AND k.version_us = n.version_us
		JOIN exchange_object_run r ON r.run = k.run AND r.state = 1; SELECT seq FROM sqlite_sequence WHERE name = 'exchange_object'" |
		tr '\n' ' ')" "$(printf %s tool--11111111-1111-4111-8111-111111111111 | sha256sum | cut -c1-16 |
		sed 's/\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)/\8\7\6\5\4\3\2\1/')|7|tool--11111111-1111-4111-8111-111111111111 7 " \
		"v5 keeps the objects of others, with their keys"
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
