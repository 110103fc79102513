#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A partner that is away for seven days gets what happened meanwhile in its order and once; an agreement that ended while
# something waited lets nothing of it out. With a clock that is moved.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/clock.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
each=100
at "2026-12-01 08:00"
two_nodes
ok $? "two nodes, paired"
day() { # number: a report of that day, times and addresses of its own
	awk -v d="$1" -v n=$each -v date="$(date -ud "2026-12-01 +$1 days" +%F)" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "{\"time.source\":\"%sT07:%02d:%02d+00:00\",\"source.ip\":\"198.18.%d.%d\",\"classification.type\":\"infected-system\",\"malware.name\":\"example\",\"tlp\":\"GREEN\"}\n", date, i / 60, i % 60, d, i + 1 }' \
		>"$T/day-$1.jsonl"
	ronda intake -d "$T/a" --feed local --format intelmq --name "day-$1.jsonl" "$T/day-$1.jsonl" >"$T/out" 2>"$T/err"
}
day 0
until_events "$T/b" $each 300
ok $? "a report of the first day is there at once"
kill "$b_pid"
wait "$b_pid" 2>/dev/null
bad_days=0
for d in 1 2 3 4 5 6 7; do
	at "$(date -ud "2026-12-01 +$d days" +%F) 08:00"
	day $d || bad_days=$((bad_days + 1))
done
is $bad_days 0 "Team B is away; a report each day for a week"
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>"$T/err"
[ -s "$T/err" ]
ok $? "Team A is told that nobody answers"
start_node "$T/b" --set "exchange_listen=127.0.0.1:$b_port"
ok $? "Team B is back"
b_pid=$started
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>"$T/err"
until_events "$T/b" $((8 * each)) 600
ok $? "nothing is lost"
is "$(events_of "$T/b")" $((8 * each)) "and nothing is doubled"
# Each batch goes on where the one before it ended; within one the order is that of the collection.
sqlite3 -readonly "$T/a/main.db" "SELECT after_us, upto_us FROM partner_receipt WHERE lane = 2 ORDER BY id" >"$T/chain"
awk -F'|' '$1 != last || $2 <= $1 { bad = 1 } { last = $2 } END { exit bad || NR < 2 }' last=0 "$T/chain" >"$T/out"
ok $? "in order: each batch begins where the one before it ended"
is "$(sqlite3 -readonly "$T/a/main.db" "SELECT sum(objects) FROM partner_receipt WHERE lane = 2")" $((8 * each)) "and there is a receipt for each"
# --- an agreement that ended ---
kill "$b_pid"
wait "$b_pid" 2>/dev/null
day 8
check "the agreement ends while something waits" ronda agreement -d "$T/a" move 1 ended --why "over"
start_node "$T/b"
b_pid=$started
day 9
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>"$T/err"
at "2026-12-10 12:00"
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>"$T/err"
is "$(events_of "$T/b")" $((8 * each)) "and nothing of it leaves"
end_nodes
for n in a b; do
	check "all is sound with $n" ronda verify -d "$T/$n"
done
done_testing
