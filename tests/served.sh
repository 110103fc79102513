#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A node that serves, and the commands beside it: they speak to it over
# DIR/sock. What happens when it is told to read its settings again, to end, or
# when it or one of its children is killed.
. "$RONDA_SOURCE/tests/lib.sh"
# A child of process $1 whose program is called $2.
child_of() { ps -o pid=,comm= --ppid "$1" 2>/dev/null | awk -v c="$2" '$2 == c { print $1; exit }'; }
until_true() { # seconds, command...
	left=$(($1 * 20))
	shift
	while [ $left -gt 0 ]; do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
		left=$((left - 1))
	done
	return 1
}
ended() { ! kill -0 "$1" 2>/dev/null; }

ronda init "$D" --name "Team B" --country ID >"$T/secret" 2>/dev/null
is "$(stat -c %a "$D")" 700 "the directory is its owner's alone"
serve
ok $? "a node serves"
is "$(stat -c %a "$D/sock")" 600 "and listens at DIR/sock for its owner"

# --- commands beside it ---
made scan_telnet 0 100 >"$T/2026-11-20-scan_telnet-a.csv"
ronda intake -d "$D" --json "$T/2026-11-20-scan_telnet-a.csv" >"$T/sum" 2>"$T/err"
equation "$T/sum"
is "$n_events" 100 "a file is taken in"
made scan_telnet 100 100 >"$T/b.csv"
ronda intake -d "$D" --json --name 2026-11-20-scan_telnet-b.csv - <"$T/b.csv" >"$T/sum" 2>"$T/err"
equation "$T/sum"
is "$n_events" 100 "standard input too"
mkdir "$T/elsewhere"
made scan_telnet 200 100 >"$T/elsewhere/2026-11-20-scan_telnet-c.csv"
(cd "$T/elsewhere" && ronda intake -d "$D" --json ./2026-11-20-scan_telnet-c.csv) >"$T/sum" 2>"$T/err"
equation "$T/sum"
is "$n_events" 100 "and a path below the caller's own directory"
check_fails 66 "a file that is not there is named" ronda intake -d "$D" "$T/none.csv"
has "$T/err" 'none\.csv' "by its name"
(cd "$T" && ronda events -d node --json --limit 7) >"$T/out"
is "$(wc -l <"$T/out")" 7 "events, with a relative directory"
ronda events -d "$D" --json 2>"$T/err" | head -1 >"$T/out"
is "$(wc -l <"$T/out")" 1 "a reader that stops early harms nobody"
is "$(ronda count -d "$D" --json | number count)" 300 "the node goes on"
RONDA_DIR=$D ronda count --json >"$T/out"
is "$(number count <"$T/out")" 300 "RONDA_DIR names the directory"

printf '198.18.1.7\nAS64500\n' | ronda who -d "$D" - >"$T/out" 2>"$T/err"
has_not "$T/out" 'Bank Dua' "an unknown bank is not named"
printf 'name,kind,country,sector,networks,asns,domains,email,role\nBank Dua,constituent,ID,finance,198.18.1.0/24,,bank-dua.example,soc@bank-dua.example,abuse\n' >"$T/dir.csv"
check "the directory is imported into the running node" ronda directory -d "$D" import "$T/dir.csv"
printf '198.18.1.7\nAS64500\n' | ronda who -d "$D" - >"$T/out"
has "$T/out" 'Bank Dua.*soc@bank-dua' "and known at once"

made scan_telnet 300 2 | sed 's/198.18.1.44/not-an-address/' >"$T/2026-11-20-scan_telnet-d.csv"
ronda intake -d "$D" --json "$T/2026-11-20-scan_telnet-d.csv" >"$T/sum"
is "$(number quarantined <"$T/sum")" 1 "a bad line is kept apart"
ronda quarantine -d "$D" show 1 >"$T/out"
has "$T/out" 'not-an-address' "and shown"
check "all is verified while it serves" ronda verify -d "$D"
check "the journal too" ronda journal -d "$D" verify

check_fails 75 "a second node on the directory is refused" ronda serve -d "$D" --set listen=127.0.0.1:0
has "$T/err" 'serves .* already' "in words"
check_fails 64 "settings of a call are refused where they cannot work" ronda count -d "$D" --set parsers=1
has "$T/err" 'SIGHUP' "and the way is named"
check_fails 64 "an unknown option" ronda count -d "$D" --nonsense
check_fails 64 "an unknown command" ronda nonsense -d "$D"
timeout -s KILL 0.3 ronda intake -d "$D" - </dev/zero >/dev/null 2>&1
holds_zero() { ls -l /proc/$node_pid/fd 2>/dev/null | grep -q /dev/zero; }
lets_zero_go() { ! holds_zero; }
until_true 5 lets_zero_go
ok $? "the node stops reading for a caller that was killed"
mkfifo "$T/silent"
sleep 60 >"$T/silent" &
silent=$!
threads() { ls /proc/$node_pid/task | wc -l; }
few_threads() { [ "$(threads)" -le "$before" ]; }
before=$(threads)
timeout -s KILL 0.3 ronda intake -d "$D" - <"$T/silent" >/dev/null 2>&1
until_true 5 few_threads && lets_zero_go
ok $? "nor waits for input that does not come"
kill $silent
check_fails 65 "handles of the caller's shell are not the node's" ronda intake -d "$D" /dev/fd/3
is "$(ronda count -d "$D" --json | number count)" 301 "nothing of it was taken in"

# --- somebody else on the machine ---
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$T"
	as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
	if as_nobody "$RONDA_BUILD/ronda" version >/dev/null 2>&1; then
		as_nobody "$RONDA_BUILD/ronda" count -d "$D" >"$T/out" 2>"$T/err"
		[ $? = 77 ]
		ok $? "another user gets nothing"
		! as_nobody ls "$D" >/dev/null 2>&1
		ok $? "nor reads the directory"
		chmod 711 "$D"
		chmod 666 "$D/sock"
		as_nobody "$RONDA_BUILD/ronda" count -d "$D" >"$T/out" 2>"$T/err"
		[ $? = 77 ] && [ ! -s "$T/out" ]
		ok $? "not even where the modes were opened"
		has "$T/node.log" 'refused.*65534' "and the log says who asked"
		chmod 700 "$D"
		chmod 600 "$D/sock"
	else
		skip "another user" "the program is where nobody can run it"
	fi
else
	skip "another user" "only root can become one"
fi

# --- settings read again ---
log_has() { grep -qE -- "$1" "$T/node.log"; }
echo 'log_level = debug' >"$D/ronda.conf"
kill -HUP $node_pid
until_true 5 log_has 'read again'
ok $? "SIGHUP: the settings are read again"
echo 'log_level = shouting' >"$D/ronda.conf"
kill -HUP $node_pid
until_true 5 log_has 'old settings stay'
ok $? "a wrong one is refused, the old ones stay"
echo 'listen 1' >"$D/ronda.conf"
kill -HUP $node_pid
until_true 5 log_has 'line 1'
ok $? "with its line"
check "and it serves on" ronda count -d "$D"
rm "$D/ronda.conf"

# --- a parser child is killed in the middle of a report ---
made scan_telnet 10000 150000 >"$T/2026-11-20-scan_telnet-big.csv"
ronda intake -d "$D" --json "$T/2026-11-20-scan_telnet-big.csv" >"$T/sum" 2>"$T/err" &
intake=$!
starter=$(child_of $node_pid ronda-starter)
killed=0
for _ in 1 2 3 4; do
	sleep 0.15
	parser=$(child_of "$starter" ronda-parser)
	[ -z "$parser" ] || { kill -0 $intake 2>/dev/null && kill -9 "$parser" && killed=$((killed + 1)); }
done
wait $intake
ok $? "parser children are killed, the report comes to its end"
[ $killed -gt 0 ] && log_has 'parser child ended.*signal=?"?:? ?9'
ok $? "killed $killed times under way, and the log says so"
equation "$T/sum"
ok $? "its records add up"
# A record at which two children ended is kept apart, guilty or not: a retry clears it.
is $((n_events + n_quarantined)) 150000 "nothing lost, nothing doubled"
ronda quarantine -d "$D" retry >"$T/out" 2>"$T/err"
is "$(ronda count -d "$D" --json | number count)" 150301 "and all of it is counted"

# --- the end ---
made scan_telnet 400000 200000 >"$T/2026-11-20-scan_telnet-last.csv"
ronda intake -d "$D" --json "$T/2026-11-20-scan_telnet-last.csv" >"$T/sum" 2>"$T/err" &
intake=$!
sleep 0.2
kill -TERM $node_pid
until_true 10 ended $node_pid
ok $? "SIGTERM ends the node within ten seconds"
kill -9 $node_pid 2>/dev/null
wait $node_pid
is $? 0 "with 0"
node_pid=
wait $intake
code=$?
if [ $code = 0 ]; then
	equation "$T/sum" && [ "$n_events" = 200000 ]
else
	[ -s "$T/err" ]
fi
ok $? "what was under way came to its end or was told that it did not (exit $code)"
[ ! -e "$D/sock" ]
ok $? "its socket went with it"
ronda intake -d "$D" --json "$T/2026-11-20-scan_telnet-last.csv" >"$T/sum" 2>"$T/err"
equation "$T/sum"
is "$n_events" 200000 "the same report again: whole"
is "$(ronda count -d "$D" --json | number count)" 350301 "and once"

serve
kill -9 $node_pid
wait $node_pid 2>/dev/null
node_pid=
[ -e "$D/sock" ]
ok $? "a node killed with -9 leaves its socket"
check "the next command works" ronda count -d "$D"
serve
ok $? "and the next node"

# --- the starter is killed ---
made scan_telnet 700000 100000 >"$T/2026-11-20-scan_telnet-s.csv"
starter=$(child_of $node_pid ronda-starter)
ronda intake -d "$D" --json "$T/2026-11-20-scan_telnet-s.csv" >"$T/sum" 2>"$T/err" &
intake=$!
sleep 0.1
kill -9 "$starter"
until_true 15 ended $intake
ok $? "the starter is killed: intake does not hang"
wait $intake
[ $? != 0 ] && [ -s "$T/err" ]
ok $? "it says that it could not"
until_true 10 ended $node_pid
ok $? "the node ends, to be started again"
kill -9 $node_pid 2>/dev/null
wait $node_pid
is $? 74 "with the code of a failed machine"
node_pid=
has "$T/node.log" 'starter was killed' "the log says why"
serve
ok $? "it starts again"
ronda intake -d "$D" --json "$T/2026-11-20-scan_telnet-s.csv" >"$T/sum" 2>"$T/err"
equation "$T/sum"
is "$n_events" 100000 "the report is whole"
is "$(ronda count -d "$D" --json | number count)" 450301 "and once"
stop_node
check "all is sound" ronda verify -d "$D"
done_testing
