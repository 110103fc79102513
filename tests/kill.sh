#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 at any moment, thirty times: what was acknowledged is there once, what
# was interrupted resumes.
. "$RONDA_SOURCE/tests/lib.sh"
rounds=${RONDA_KILL_ROUNDS:-30}
ronda init "$D" --name "Team B" --country ID >/dev/null 2>&1
acknowledged=0
lost=0
# How long one takes here and now, in ms: kills fall between its start and a bit
# behind its end, on a fast machine as on a busy one.
made scan_telnet 90000000 20000 >"$T/2026-11-20-scan_telnet-first.csv"
t0=$(date +%s%N)
ronda intake -d "$D" --no-wait "$T/2026-11-20-scan_telnet-first.csv" >/dev/null 2>&1
whole=$((($(date +%s%N) - t0) / 1000000 + 10))
for round in $(seq "$rounds"); do
	made scan_telnet $((round * 20000)) 20000 >"$T/2026-11-20-scan_telnet-$round.csv"
	ronda intake -d "$D" --no-wait --json "$T/2026-11-20-scan_telnet-$round.csv" >"$T/sum" 2>"$T/err" &
	pid=$!
	# In the raw bytes, in the batches, behind the end.
	at=$((whole * (round * 7 % rounds + 1) * 13 / rounds / 10))
	sleep "$((at / 1000)).$(printf '%03d' $((at % 1000)))"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	if equation "$T/sum" 2>/dev/null && [ "$n_events" = 20000 ]; then
		acknowledged=$((acknowledged + 1))
	fi
done
echo "# $acknowledged of $rounds were acknowledged before the kill"
# A node that serves finishes by itself what was interrupted.
serve
ok $? "the node is up again"
for _ in $(seq 6000); do
	left=$(sqlite3 -readonly "$D/main.db" 'SELECT count(*) FROM report WHERE state = 1')
	[ "$left" = 0 ] && break
	sleep 0.1
done
is "$left" 0 "every interrupted report is finished"
stop_node
# Each report again: those that were there give their summary, the others go in.
for round in $(seq "$rounds"); do
	ronda intake -d "$D" --no-wait --json "$T/2026-11-20-scan_telnet-$round.csv" >"$T/sum" 2>"$T/err"
	equation "$T/sum" && [ "$n_events" = 20000 ] || lost=$((lost + 1))
done
is $lost 0 "no report lost, none cut"
is "$(ronda count -d "$D" --json | number count)" $((rounds * 20000 + 20000)) "no event lost, none doubled"
check "all is sound" ronda verify -d "$D"
done_testing
