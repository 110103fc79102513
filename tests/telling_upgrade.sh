#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A node of the version before rules and rehearsal is started by this one: it tells nobody anything by itself, one that
# sent goes on live, one that did not begins in rehearsal, and it stays so at the next start.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES

hook_pid=
end_all() {
	[ -z "$hook_pid" ] || kill "$hook_pid" 2>/dev/null
	finish
}
trap end_all EXIT

r() { ronda "$@" -d "$D"; }
query() { sqlite3 -readonly "$D/main.db" "$1"; }
"$RONDA_BUILD/tests/helpers/ronda-hook" "$T/hooks" >"$T/port" &
hook_pid=$!
for _ in $(seq 1200); do
	[ ! -s "$T/port" ] || break
	sleep 0.05
done
HOOK=http://127.0.0.1:$(cat "$T/port")
# a notice is for our own watch: of the old incident's clock that ran out meanwhile, say
MESSAGES="SELECT count(*) FROM outbox WHERE driver <> 'notice'"
run() { serve --set "webhook_hosts=$HOOK" --set send_pace=0s "$@"; }

for sends in yes no; do
	rm -rf "$D"
	mkdir -m 0700 "$D"
	cp -r "$RONDA_SOURCE"/tests/data/stores/v3/. "$D"
	before=$(query "$MESSAGES")
	ledger=$(query 'SELECT count(*) FROM ledger')
	check "sent before: $sends: it starts" run --set "send_messages=$sends"
	made scan_telnet 7000 50 >"$T/2026-11-20-scan_telnet-a.csv"
	check "a report" r intake "$T/2026-11-20-scan_telnet-a.csv"
	for _ in $(seq 1200); do
		[ "$(query "SELECT count(*) FROM transition")" -lt 50 ] || break
		sleep 0.05
	done
	for _ in $(seq 1200); do
		[ "$(query "SELECT (SELECT seq FROM cursor WHERE name = 'teller:rules') < (SELECT max(seq) FROM transition)")" = 1 ] || break
		sleep 0.05
	done
	is "$(query "SELECT seq >= (SELECT max(seq) FROM transition) FROM cursor WHERE name = 'teller:rules'")" 1 "the teller has seen it"
	is "$(query "$MESSAGES")" "$before" "no message was made"
	is "$(query 'SELECT count(*) FROM ledger')" "$ledger" "none was sent"
	r rehearsal show >"$T/out" 2>"$T/err"
	case $sends in
	yes) has "$T/out" 'node.*live' "it is live" ;;
	no) has "$T/out" 'node.*rehearsal' "it is in rehearsal" ;;
	esac
	cp "$T/out" "$T/standing"
	stop_node
	check "it starts again, with senders" run --set send_messages=yes
	r rehearsal show >"$T/out" 2>"$T/err"
	cmp -s "$T/out" "$T/standing"
	ok $? "and stands as it stood"
	stop_node
	check "all is sound" r verify
done
is "$(wc -l <"$T/hooks" 2>/dev/null || echo 0)" 0 "nothing reached anybody"
done_testing
