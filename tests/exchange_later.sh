#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What came in before a partner was known to be concerned, or before findings flowed to him, goes to him by itself once it
# is known: once, traced, and recalled as all he has.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
unset LANG LC_ALL LC_MESSAGES RONDA_DIR
trap finish EXIT
a() { word=$1; shift; ronda "$word" -d "$T/a" "$@"; }
within() { # seconds, command...
	end=$(($(date +%s) + $1))
	shift
	until "$@" >"$T/tried" 2>&1; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 0.2
	done
}
report() { # first, count: lines about 198.18.0.0/16
	made x "$1" "$2" | a intake - >"$T/out" 2>"$T/err"
}
has_events() { [ "$(events_of "$T/b")" = "$1" ]; }
at_a() { [ "$(events_of "$T/a")" = "$1" ]; }
whose() { ronda who -d "$T/a" 198.18.0.0 2>/dev/null | grep -qF "Team B"; }
nobodys() { ! whose; }
waits_for_none() { a partner line 1 --json | grep -q '"waiting":0,'; }

check "two nodes, paired and agreed" two_nodes
check "B claims another network, as A knows it" a organisation edit "$o" "constituency=network|203.0.113.0/24"
within 30 nobodys
ok $? "once the table has it"
check "a report about 198.18.0.0/16" report 0 60
within 20 at_a 60
ok $? "is at A"
sleep 3
is "$(events_of "$T/b")" 0 "it is for nobody"
check "B claims that network after all" a organisation edit "$o" "constituency=network|198.18.0.0/16"
within 60 has_events 60
ok $? "all of it is at B, and nobody asked for it"
check "what comes then" report 60 40
within 30 has_events 100
ok $? "is there too"
id=$(a events --limit 1000 --json | grep -F '"198.18.0.5"' | sed -nE 's/.*"id": ?"([0-9a-f]{32})".*/\1/p' | head -1)
check "the way of one of them" a trace "event--$id"
has "$T/out" 'offered.*Team B' "says that it was offered"
has "$T/out" 'receipt.*Team B' "and received"

# --- while no agreement lets them flow ---
check "the agreement is suspended" a agreement move 1 suspended --why "a pause"
check "a report meanwhile" report 100 50
within 20 at_a 150
ok $? "is at A"
sleep 3
is "$(events_of "$T/b")" 100 "nothing leaves"
check "it is in force again" a agreement move 1 in-force --why "on we go"
within 60 has_events 150
ok $? "what came meanwhile is at B"
sleep 3
within 10 waits_for_none
ok $? "nothing waits"
a ledger --to "$(a partner show 1 --json | sed -nE 's/.*"id": ?"(partner--[0-9a-f-]{36})".*/\1/p' | head -1)" --json >"$T/ledger"
is "$(sed -nE 's/.*"kind": ?"receipt".*"covers": ?([0-9]+).*/\1/p' "$T/ledger" | awk '{ n += $1 } END { print n + 0 }')" 150 "each was sent once"

# --- taken back ---
check "A undoes the first report" a feed undo 1 --why "of another day"
gone() { ronda events -d "$T/b" --limit 1000 --json | grep -c '"198.18.0.5"' | grep -qx 0; }
within 60 gone
ok $? "it is gone at B"
within 30 has_events 90
ok $? "that report alone"
done_testing
