#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A full disk and a read-only one: intake says so with 507 or an exit code,
# reading goes on, and after room is made all goes on by itself.
. "$RONDA_SOURCE/tests/lib.sh"
mkdir "$T/small"
if ! mount -t tmpfs -o size=96m tmpfs "$T/small" 2>/dev/null; then
	skip "full disk" "mounting needs root"
	done_testing
fi
MOUNTED=$T/small
D=$T/small/node
ronda init "$D" --name "Team B" --country ID --set reserve=8M >/dev/null 2>&1
printf 'reserve = 8M\n' >"$D/ronda.conf"
made scan_telnet 0 1000 >"$T/2026-11-20-scan_telnet-a.csv"
check "a report while there is room" ronda intake -d "$D" "$T/2026-11-20-scan_telnet-a.csv"
intake=$(ronda token -d "$D" make t --right intake 2>/dev/null)
read=$(ronda token -d "$D" make r --right read 2>/dev/null)
serve
ok $? "a node serves"
dd if=/dev/zero of="$T/small/ballast" bs=1M 2>/dev/null
made scan_telnet 5000 20000 >"$T/2026-11-20-scan_telnet-b.csv"
post() { # file
	curl -s -o "$T/out" -D "$T/headers" -w '%{http_code}' -H "Authorization: Bearer $intake" \
		--data-binary @"$1" "$URL/api/reports?name=${1##*/}"
}
is "$(post "$T/2026-11-20-scan_telnet-b.csv")" 507 "with a full disk a report gets 507"
has "$T/headers" '^Retry-After: [0-9]' "with Retry-After"
has "$T/out" 'disk' "and the cause in words"
is "$(curl -s -o "$T/out" -w '%{http_code}' -H "Authorization: Bearer $read" "$URL/events.json?limit=5")" 200 "reading goes on"
is "$(curl -s -o "$T/out" -w '%{http_code}' "$URL/healthz")" 200 "health answers"
ronda intake -d "$D" "$T/2026-11-20-scan_telnet-b.csv" >"$T/out" 2>"$T/err"
is $? 73 "the command says it by its exit code"
rm "$T/small/ballast"
is "$(post "$T/2026-11-20-scan_telnet-b.csv")" 202 "after room is made, it goes on by itself"
is "$(number events <"$T/out")" 20000 "nothing lost, nothing doubled"
stop_node
check "all is sound" ronda verify -d "$D"
mount -o remount,ro "$T/small"
ronda events -d "$D" --json --limit 3 >"$T/out" 2>"$T/err"
is "$(wc -l <"$T/out")" 3 "a read-only disk can be read"
ronda intake -d "$D" "$T/2026-11-20-scan_telnet-a.csv" >"$T/out" 2>"$T/err"
[ $? != 0 ]
ok $? "and takes nothing in"
done_testing
