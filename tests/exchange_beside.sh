#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What runs beside the courier: somebody who has it go now, a node that is stopped while the other one does not answer, and
# nothing at all: two nodes at rest use no processor.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
two_nodes
ok $? "two nodes, paired"
# --- at rest ---
ticks() { # pids: of the processor, hundredths of a second, with those of their helpers
	for p in "$@" $(for q in "$@"; do pgrep -P "$q"; done); do
		sed -E 's/^.*\) //' "/proc/$p/stat" 2>/dev/null | cut -d' ' -f12,13
	done | awk '{ s += $1 + $2 } END { print s }'
}
made scan_telnet 0 50 >"$T/2026-11-20-scan_telnet-first.csv"
ronda intake -d "$T/a" "$T/2026-11-20-scan_telnet-first.csv" >"$T/out" 2>"$T/err"
until_events "$T/b" 50 300
ok $? "a report came over"
# On a busy machine what follows a report takes its time.
for _ in 1 2 3 4 5 6; do
	sleep 3
	before=$(ticks "$a_pid" "$b_pid")
	sleep 5
	used=$(($(ticks "$a_pid" "$b_pid") - before))
	[ $used -ge 100 ] || break
done
[ $used -lt 100 ]
ok $? "then both rest: $used of 1,000 ticks in five seconds"
# --- asked to go now, while it goes ---
free_port
line_port=$port
"$HELPERS/ronda-line" "$line_port" "$b_port" 20 64000 "$T/line" &
line_pid=$!
pids="$pids $line_pid"
check "they speak over a slow line" ronda partner -d "$T/a" edit partner-1 "address=https://127.0.0.1:$line_port"
made scan_telnet 50 3000 >"$T/2026-11-20-scan_telnet-second.csv"
check "a long report" ronda intake -d "$T/a" "$T/2026-11-20-scan_telnet-second.csv"
asked=
for i in 1 2 3 4; do
	ronda partner -d "$T/a" sync partner-1 >"$T/sync-$i" 2>&1 &
	asked="$asked $!"
done
bad_syncs=0
for p in $asked; do
	wait "$p" || bad_syncs=$((bad_syncs + 1))
done
is $bad_syncs 0 "four ask for it to go now: each is served"
until_events "$T/b" 3050 600
ok $? "all comes"
is "$(events_of "$T/b")" 3050 "each once"
is "$(sqlite3 -readonly "$T/b/main.db" "SELECT count(*) FROM journal WHERE act = 'exchange.take'")" \
	"$(sqlite3 -readonly "$T/a/main.db" "SELECT count(*) FROM partner_receipt")" "and each batch went once: never two beside each other"
# --- stopped while nobody answers ---
kill -STOP "$b_pid"
made scan_telnet 4000 50 >"$T/2026-11-20-scan_telnet-third.csv"
ronda intake -d "$T/a" "$T/2026-11-20-scan_telnet-third.csv" >"$T/out" 2>"$T/err"
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>"$T/err" &
asked=$!
for _ in $(seq 600); do # until the node has been asked
	! ls -l "/proc/$asked/fd" 2>/dev/null | grep -q socket: || break
	sleep 0.1
done
sleep 2
kill "$a_pid"
stopped=no
for _ in $(seq 600); do
	kill -0 "$a_pid" 2>/dev/null || { stopped=yes; break; }
	sleep 0.1
done
is $stopped yes "a node that waits for an answer is stopped all the same"
wait "$asked"
is $? 75 "who asked is told"
has "$T/err" 'stopping|not waited for' "  that it was stopped"
kill -CONT "$b_pid"
start_node "$T/a"
ok $? "started again"
a_pid=$started
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>"$T/err"
until_events "$T/b" 3100 300
ok $? "it goes on"
is "$(events_of "$T/b")" 3100 "each once"
end_nodes
done_testing
