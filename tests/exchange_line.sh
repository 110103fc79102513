#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A slow line between two nodes that breaks in the middle, again and again: all comes, in order, once; what a break sends
# again is at most what was under way.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
two_nodes
ok $? "two nodes, paired"
free_port
line_port=$port
"$HELPERS/ronda-line" "$line_port" "$b_port" 50 16000 "$T/line" &
line_pid=$!
pids="$pids $line_pid"
check "they speak over a slow line" ronda partner -d "$T/a" edit partner-1 "address=https://127.0.0.1:$line_port"
made scan_telnet 0 2000 >"$T/2026-11-20-scan_telnet-first.csv"
check "a report comes to Team A" ronda intake -d "$T/a" "$T/2026-11-20-scan_telnet-first.csv"
for _ in 1 2 3; do
	sleep 1
	kill -USR1 $line_pid
	sleep 0.5
	kill -USR2 $line_pid
	ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>&1
done
until_events "$T/b" 2000 400
ok $? "all of it came to Team B"
is "$(events_of "$T/b")" 2000 "each once"
for n in a b; do
	ronda events -d "$T/$n" --csv --oldest 2>/dev/null | cut -d, -f1,3 | sort >"$T/events-$n"
done
check "the same events" cmp "$T/events-a" "$T/events-b"
kill -USR1 $line_pid
made scan_telnet 2000 10 >"$T/2026-11-20-scan_telnet-second.csv"
check "a report while it is cut" ronda intake -d "$T/a" "$T/2026-11-20-scan_telnet-second.csv"
sleep 1
is "$(events_of "$T/b")" 2000 "does not come"
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>"$T/err"
grep -qiE 'reach|connect|line|closed|answer' "$T/out" "$T/err"
ok $? "and Team A is told why"
kill -USR2 $line_pid
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>"$T/err"
until_events "$T/b" 2010 400
ok $? "and comes when it is mended"
echo "# bytes on the line: $(cat "$T/line")"

# --- who comes back and calls us is called at once, whatever pause we have come to ---
kill "$b_pid"
wait "$b_pid" 2>/dev/null
check "its way is its own again" ronda partner -d "$T/a" edit partner-1 "address=https://127.0.0.1:$b_port"
made scan_telnet 2010 10 >"$T/2026-11-20-scan_telnet-third.csv"
check "a report while Team B is away" ronda intake -d "$T/a" "$T/2026-11-20-scan_telnet-third.csv"
retry_of() { date -d "$(ronda partner -d "$T/a" line partner-1 --json 2>/dev/null | sed -nE 's/.*"retry":"([^"]+)".*/\1/p' | head -1)" +%s 2>/dev/null; }
for _ in $(seq 300); do # seconds of pauses that grow
	retry=$(retry_of)
	[ "${retry:-0}" -lt $(($(date +%s) + 20)) ] || break
	sleep 0.5
done
[ "${retry:-0}" -gt "$(date +%s)" ]
ok $? "it is not called for a while"
start_node "$T/b" --set "exchange_listen=127.0.0.1:$b_port"
ok $? "it is back"
b_pid=$started
back=$(date +%s)
until_events "$T/b" 2020 900
ok $? "what waited comes"
if [ "$back" -lt $((retry - 15)) ]; then
	success=$(date -d "$(ronda partner -d "$T/a" line partner-1 --json | sed -nE 's/.*"success":"([^"]+)".*/\1/p' | head -1)" +%s)
	[ "${success:-0}" -lt "$retry" ] || echo "# called at $success, which was to be at $retry"
	[ "${success:-$retry}" -lt "$retry" ]
	ok $? "  before the pause was over"
else
	skip "  before the pause was over" "it took longer to come back"
fi
end_nodes
for n in a b; do
	check "all is sound with $n" ronda verify -d "$T/$n"
done
done_testing
