#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is erased while the node serves is in no file of its directory any more,
# and the journal says who asked for it and why.
. "$RONDA_SOURCE/tests/lib.sh"
canary=Canary-4b1d-of-Someone
ronda init "$D" --name "Team B" --country ID >/dev/null 2>&1
serve
ok $? "a node serves"
made scan_telnet 0 3000 >"$T/2026-11-20-scan_telnet-a.csv"
check "a report" ronda intake -d "$D" "$T/2026-11-20-scan_telnet-a.csv"
{ made scan_telnet 90000 1; echo "\"soon\",high,$canary,tcp,23,,,,,,,,,"; } >"$T/2026-11-20-scan_telnet-$canary.csv"
ronda intake -d "$D" --no-wait "$T/2026-11-20-scan_telnet-$canary.csv" >"$T/out" 2>"$T/err"
made scan_telnet 4000 3000 >"$T/2026-11-20-scan_telnet-b.csv"
check "another report" ronda intake -d "$D" "$T/2026-11-20-scan_telnet-b.csv"
grep -raqF "$canary" "$D"
ok $? "it is there"
check_fails 64 "a reason is needed" ronda erase -d "$D" report:2
check_fails 66 "of what is there" ronda erase -d "$D" report:99 --reason "law"
ronda hold -d "$D" set report 2 --reason "court order" >/dev/null
check_fails 77 "and not under hold" ronda erase -d "$D" report:2 --reason "law"
ronda hold -d "$D" lift 1 >/dev/null
check "it is erased" ronda erase -d "$D" report:2 --reason "asked for by the person"
has "$T/out" '^erased' "to its end"
! grep -raF "$canary" "$D" >"$T/out"
ok $? "no file holds a byte of it"
ronda erase -d "$D" list --all --json >"$T/out"
has "$T/out" '"state":"erased"' "it is listed"
ronda journal -d "$D" list --object report:2 --json >"$T/out"
has "$T/out" '"act":"erase".*"why":"asked for by the person"' "the journal says why"
check "all is sound" ronda verify -d "$D"
# A report whose events were taken back: they go too, and what findings knew of them.
other=canary-9e2c
{ made scan_telnet 90010 1; made scan_telnet 90011 1 | sed -n "2s/host-[0-9]*/$other/p"; } >"$T/2026-11-20-scan_telnet-c.csv"
check "a report of two events" ronda intake -d "$D" "$T/2026-11-20-scan_telnet-c.csv"
check "is taken back" ronda feed -d "$D" undo 4
grep -raqF "$other" "$D"
ok $? "and still on the disk"
check "until it is erased" ronda erase -d "$D" report:4 --reason "asked for by the person"
! grep -raF "$other" "$D" >"$T/out"
ok $? "then no file holds a byte of it"
# A record: its bodies, words, links, and what the journal says of it.
private=canary-5d7e
check "a record" ronda incident -d "$D" new title="$private" class=fraud severity=high summary="about $private"
check "is changed" ronda incident -d "$D" edit 1 summary="more of $private" --why "$private said so"
grep -raqF "$private" "$D"
ok $? "and on the disk"
check "until it is erased" ronda incident -d "$D" erase 1 --why "asked for by the person"
! grep -raF "$private" "$D" >"$T/out"
ok $? "then no file holds a byte of it"
check "it is no longer listed as erasing" ronda erase -d "$D" list --json
has_not "$T/out" 'record:incident' "as all of it is done"
stop_node
check "also afterwards" ronda verify -d "$D"
! grep -raF "$canary" "$D" >"$T/out"
ok $? "and nothing of it came back"
is "$(ronda count -d "$D" --json | number count)" 6001 "events are all there"
done_testing
