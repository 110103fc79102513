#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 of either node while reports flow from one to the other: nothing lost, nothing doubled, and both say the same of
# where they stand. RONDA_EXCHANGE_KILLS: how often.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
rounds=${RONDA_EXCHANGE_KILLS:-4}
each=300
seed=${RONDA_EXCHANGE_SEED:-$$}
two_nodes
ok $? "two nodes, paired"
echo "# seed $seed"
for round in $(seq "$rounds"); do
	made scan_telnet $(((round - 1) * each)) $each >"$T/2026-11-20-scan_telnet-$round.csv"
	ronda intake -d "$T/a" --no-wait "$T/2026-11-20-scan_telnet-$round.csv" >"$T/out" 2>"$T/err"
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	ms=$((seed / 65536 % 700))
	sleep "0.$(printf '%03d' $ms)"
	if [ $((round % 2)) = 0 ]; then
		kill -9 "$a_pid"
		wait "$a_pid" 2>/dev/null
		start_node "$T/a"
		ok $? "Team A was killed after $ms ms, and is up again"
		a_pid=$started
	else
		kill -9 "$b_pid"
		wait "$b_pid" 2>/dev/null
		start_node "$T/b"
		ok $? "Team B was killed after $ms ms, and is up again"
		b_pid=$started
	fi
done
# What was not acknowledged comes again from whoever reports; what was there is known.
for round in $(seq "$rounds"); do
	ronda intake -d "$T/a" "$T/2026-11-20-scan_telnet-$round.csv" >"$T/out" 2>"$T/err"
done
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>&1
until_events "$T/b" $((rounds * each)) 300
ok $? "nothing is lost"
is "$(events_of "$T/a")" $((rounds * each)) "none doubled with Team A"
is "$(events_of "$T/b")" $((rounds * each)) "none doubled with Team B"
for n in a b; do
	ronda events -d "$T/$n" --csv --oldest 2>/dev/null | cut -d, -f1,3 | sort >"$T/events-$n"
done
check "the same events" cmp "$T/events-a" "$T/events-b"
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>&1
end_nodes
places() { sqlite3 -readonly "$1" "$2"; }
is "$(places "$T/a/main.db" "SELECT max(upto_us) FROM partner_receipt WHERE lane = 2")" \
	"$(places "$T/b/main.db" "SELECT upto_us FROM taken_upto WHERE lane = 2")" "the last receipt is where Team B stands"
for n in a b; do
	check "all is sound with $n" ronda verify -d "$T/$n"
done
done_testing
