#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Thousands of deliveries of one event: they are packed in the background, and
# everything that was promised of a delivery still holds: known when sent again,
# undone, held, its bytes there, the journal and verify sound, also after kill -9.
. "$RONDA_SOURCE/tests/lib.sh"
N=4160
ronda init "$D" --name "Team B" --country ID >/dev/null 2>&1
mkdir "$T/one"
awk -v n=$N 'BEGIN { for (i = 1; i <= n; i++)
	printf "{\"__type\":\"Event\",\"source.ip\":\"198.18.%d.%d\",\"time.source\":\"2026-11-20T00:00:00+00:00\",\"classification.type\":\"scanner\"}\n",
		i / 256, i % 256 }' | split -l 1 -a 4 -d - "$T/one/"
(cd "$T/one" && ls | xargs ronda intake -d "$D" --format intelmq --json) >"$T/sum" 2>"$T/err"
is "$(number events <"$T/sum") $(number reports <"$T/sum")" "$N $N" "each is acknowledged"
intake=$(ronda token -d "$D" make in --right intake 2>/dev/null)
query() { sqlite3 -readonly "$D/main.db" "$1"; }
serve
for _ in $(seq 600); do
	[ "$(query 'SELECT count(*) FROM report')" -gt 1000 ] || break
	sleep 0.1
done
is "$(query 'SELECT sum(reports) FROM report_block')" 4096 "most are packed"
post() { curl -s -H "Authorization: Bearer $intake" --data-binary @"$1" "$URL/api/reports?format=intelmq"; }
post "$T/one/0076" >"$T/again"
is "$(number report <"$T/again") $(number events <"$T/again")" "77 1" "sent again it gets its first summary"
has "$T/again" '"known":true' "as known"
kill -9 "$node_pid"
wait "$node_pid" 2>/dev/null
node_pid=
check "all is sound after kill -9" ronda verify -d "$D"
has "$T/out" " $N reports; 0 damaged" "and all are there"
is "$(ronda count -d "$D" --json | number count)" $N "with their events"
[ "$(ronda journal -d "$D" list --json --limit 1000 | grep -c '"intake"')" -lt 10 ]
ok $? "a few lines of the journal are for all of them"

check "one is put under hold" ronda hold -d "$D" set report 200 --reason "case 12"
check "one is undone" ronda feed -d "$D" undo 77
check_fails 78 "not twice" ronda feed -d "$D" undo 77
is "$(ronda count -d "$D" --json | number count)" $((N - 1)) "its event is gone"
check_fails 66 "what never came cannot be held" ronda hold -d "$D" set report 999999 --reason "case 12"
findings=$(ronda findings -d "$D" --json | sort | sha256sum)
check "findings are made anew" ronda rebuild -d "$D"
is "$(ronda findings -d "$D" --json | sort | sha256sum)" "$findings" "and are the same"
check "all is sound" ronda verify -d "$D"

sqlite3 "$D/main.db" "DELETE FROM report_page WHERE id = (SELECT max(id) FROM report_page)"
check_fails 74 "a lost page of digests is found" ronda verify -d "$D"
has "$T/out" "journal" "by the journal's line too"
done_testing
