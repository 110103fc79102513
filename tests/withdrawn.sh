#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Between two nodes: what A takes back is taken back at B with its reason, and that it was stays; a correction reaches who had
# what went before; a version told twice with another content changes nothing; a finding held back is recalled, and given again.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
unset LANG LC_ALL LC_MESSAGES RONDA_DIR
trap finish EXIT
a() { word=$1; shift; ronda "$word" -d "$T/a" "$@"; }
b() { word=$1; shift; ronda "$word" -d "$T/b" "$@"; }
there() { # file, pattern: of what the last command printed
	grep -qE "$2" "$1"
}
shows() { # letter, id, pattern
	ronda warning -d "$T/$1" show "$2" >"$T/shown" 2>&1 && grep -qE "$3" "$T/shown"
}
way() { # letter, id, pattern
	ronda trace -d "$T/$1" "$2" >"$T/way" 2>&1 && grep -qE "$3" "$T/way"
}
report() { # first, count: lines about addresses of B's; its number in $R
	made x "$1" "$2" | a intake - >"$T/out" 2>"$T/err"
	R=$((R + 1))
}
R=0
has_events() { [ "$(events_of "$T/$1")" = "$2" ]; }

check "two nodes, paired and agreed" two_nodes

# --- a warning ---
warn() { # title
	a warning new "title=$1" urgency=act summary="Made up" advice="Patch it" review_by=2030-01-01 --tlp GREEN &&
		a warning move "$2" approved && a warning move "$2" sent
}
check "a warning is sent" warn "Patch the mail server" 1
w=$(a warning show 1 --json | sed -nE 's/.*"id": ?"(warning--[0-9a-f-]{36})".*/\1/p' | head -1)
within 30 shows b "$w" "Patch the mail server"
ok $? "B has it"
take_back() { a warning edit 1 withdrawn_because="There was none" && a warning move 1 withdrawn --why "the list was wrong"; }
check "A takes it back" take_back
within 30 shows b "$w" "withdrawn by its origin"
ok $? "B sees that it is withdrawn"
has "$T/shown" "the list was wrong" "and why"
has_not "$T/shown" "Patch the mail server" "and nothing of what it said"
way b "$w" 'withdrawn.*Team A.*the list was wrong'
ok $? "its way at B says so"
within 30 way a "$w" 'receipt.*Team B'
ok $? "A has B's receipt"
has "$T/way" 'withdrawn.*Team B.*the list was wrong' "A's way says what was told"
received() { a ledger --json | grep -q '"words": *"received: withdrawn"'; }
within 30 received
ok $? "and B's own, which names the item"

# --- corrections ---
id_of() { a warning show "$1" --json | sed -nE 's/.*"id": ?"(warning--[0-9a-f-]{36})".*/\1/p' | head -1; }
check "two more" warn "Second words" 2
check "are sent" warn "Third words" 3
w2=$(id_of 2) w3=$(id_of 3)
within 30 shows b "$w3" "Third words"
ok $? "B has both"
check "warnings are not agreed any more" a agreement edit agreement-1 flows=findings
check "one is corrected" a warning edit 2 "title=Corrected words"
within 30 shows b "$w2" "Corrected words"
ok $? "B has the correction all the same"
check "a new one is sent" warn "Fourth words" 4
check "the corrected one is marked for nobody" a warning edit 2 "title=Narrow words" --tlp RED
within 30 shows b "$w2" "withdrawn by its origin"
ok $? "then B has it no more"
has_not "$T/shown" "words" "nothing of it"
! ronda warning -d "$T/b" show "$(id_of 4)" >"$T/out" 2>"$T/err"
ok $? "what is new does not go"
check "the agreement ends" a agreement move agreement-1 ended --why "it is over"
check "the third is corrected" a warning edit 3 "title=Late words"
holds_old() { way a warning-3 'no receipt yet.*Team B' && a partner line partner-1 --json | grep -qE '"withdrawn_missing": ?"?1'; }
within 30 holds_old
ok $? "A sees that Team B still holds what it was"
sleep 1
shows b "$w3" "Third words"
ok $? "nothing left"
agree "$T/a" organisation-1
within 30 shows b "$w3" "Late words"
ok $? "under a new agreement it goes"

# --- a report ---
report 1 30
within 30 has_events b 30
ok $? "30 events are with B"
e=$(a events --json | sed -nE 's/.*"id": ?"(event--)?([0-9a-f]{32})".*/\2/p' | head -1)
kill -9 "$b_pid"
wait "$b_pid" 2>/dev/null
check "the report is undone while B is down" a feed undo "$R" --why "of another day"
missing() { a partner line partner-1 --json | grep -qE '"withdrawn_missing": ?"?30'; }
within 30 missing
ok $? "A sees that 30 are not answered"
way a "event--$e" 'no receipt yet.*Team B'
ok $? "and of one event, who has not"
check "B is there again" start_node "$T/b" --set "exchange_listen=127.0.0.1:$b_port"
within 60 has_events b 0
ok $? "then they are gone at B"
within 30 way b "event--$e" 'withdrawn.*Team A.*of another day'
ok $? "with the reason"
within 30 way a "event--$e" 'receipt.*Team B'
ok $? "and A has the receipt"
no_findings() { ! b findings --json | grep -q '"key"'; }
within 30 no_findings
ok $? "B's findings followed"
# --- a finding that is held back ---
report 1 30
within 30 has_events b 30
ok $? "another report is with B"
f=$(a findings --json | sed -nE 's/.*"id": ?"([0-9a-f]{32})".*/\1/p' | head -1)
check "a finding is held back" a findings mark "$f" held --reason "canary: the police asks"
within 30 has_events b 29
ok $? "its event leaves B"
kill -9 "$a_pid"
wait "$a_pid" 2>/dev/null
start_node "$T/a" --set "exchange_listen=127.0.0.1:$a_port"
ok $? "A is killed, and starts"
check "it is held no more" a findings unmark "$f" held --reason "they are done"
within 60 has_events b 30
ok $? "B is given it again"
sleep 2
is "$(events_of "$T/b")" 30 "once"
b findings --json >"$T/out"
is "$(grep -c '"key"' "$T/out")" 30 "and has its finding"
! grep -rqa "the police asks" "$T/b" 2>/dev/null
ok $? "why it was held stays with A"
end_nodes
for n in a b; do
	check "what $n has is sound" ronda verify -d "$T/$n"
done
done_testing
