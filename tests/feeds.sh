#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A feed's life: switched on with its defaults, delivering from a watched folder,
# complete runs that make findings go and return, a bad run taken back.
. "$RONDA_SOURCE/tests/lib.sh"
ronda init "$D" --name "Team B" --country ID >/dev/null 2>&1
mkdir "$T/in"
check "a feed with a folder" ronda feed -d "$D" add scans --tlp GREEN --complete --folder "$T/in" --period 1d
check_fails 78 "its name is taken" ronda feed -d "$D" add scans --tlp GREEN

made scan_telnet 0 100 >"$T/2026-11-18-scan_telnet-a.csv"
ronda intake -d "$D" --feed scans --json "$T/2026-11-18-scan_telnet-a.csv" >"$T/sum"
is "$(ronda findings -d "$D" --json | wc -l)" 100 "findings open"
made scan_telnet 50 100 | sed 's/2026-11-20/2026-11-21/' >"$T/2026-11-21-scan_telnet-b.csv"
ronda intake -d "$D" --feed scans --json "$T/2026-11-21-scan_telnet-b.csv" >"$T/sum"
sleep 1
is "$(ronda findings -d "$D" --state gone --json | wc -l)" 50 "what the next complete run lacks is gone"
made scan_telnet 0 150 | sed 's/2026-11-20/2026-11-22/' >"$T/2026-11-22-scan_telnet-c.csv"
ronda intake -d "$D" --feed scans --json "$T/2026-11-22-scan_telnet-c.csv" >"$T/sum"
is "$(ronda findings -d "$D" --state returned --json | wc -l)" 50 "and comes back"

before=$(ronda count -d "$D" --by type,cc --json)
findings_before=$(ronda findings -d "$D" --json | sort | sha256sum)
made scan_telnet 900000 300 | sed 's/2026-11-20/2026-11-22/' >"$T/2026-11-22-scan_telnet-bad.csv"
ronda intake -d "$D" --json "$T/2026-11-22-scan_telnet-bad.csv" >"$T/sum"
report=$(sqlite3 -readonly "$D/main.db" 'SELECT max(id) FROM report')
check "a bad run is taken back" ronda feed -d "$D" undo "$report"
is "$(ronda count -d "$D" --by type,cc --json)" "$before" "counts are as before"
is "$(ronda findings -d "$D" --json | sort | sha256sum)" "$findings_before" "findings are as before"
check_fails 78 "not twice" ronda feed -d "$D" undo "$report"
(cat "$T/2026-11-22-scan_telnet-bad.csv"; echo) | ronda intake -d "$D" --name 2026-11-22-scan_telnet-good.csv --json - >"$T/sum"
is "$(number events <"$T/sum")" 300 "delivered again with another byte, it is new and no repeat"

serve
made scan_telnet 300 10 | sed 's/2026-11-20/2026-11-22/' >"$T/in/.hidden"
mv "$T/in/.hidden" "$T/in/2026-11-22-scan_telnet-d.csv"
echo '{"not":"a report' >"$T/in/noise.bin"
touch -d '10 seconds ago' "$T/in/"*
for _ in $(seq 600); do [ -e "$T/in/done/2026-11-22-scan_telnet-d.csv" ] && break; sleep 0.1; done
[ -e "$T/in/done/2026-11-22-scan_telnet-d.csv" ]
ok $? "a file in the folder is taken and moved to done/"
for _ in $(seq 600); do [ -e "$T/in/refused/noise.bin" ] && break; sleep 0.1; done
[ -e "$T/in/refused/noise.bin" ]
ok $? "what no format reads is moved to refused/"
stop_node
check "switched off" ronda feed -d "$D" off scans
check_fails 77 "it delivers no more" ronda intake -d "$D" --feed scans "$T/2026-11-18-scan_telnet-a.csv"
ronda feed -d "$D" list >"$T/out"
has "$T/out" 'scans.*no.*GREEN' "and stays in the list"

day=$(date -u +%F)
check "today is put under hold" ronda hold -d "$D" set day "$day" --reason "case 1"
is "$(ronda hold -d "$D" list --json | wc -l)" 1 "it is listed"
check "forgetting yesterday" ronda forget -d "$D" --before "$day"
[ "$(ronda count -d "$D" --json | number count)" -gt 0 ]
ok $? "today's events are there"
check "all is sound" ronda verify -d "$D"
done_testing
