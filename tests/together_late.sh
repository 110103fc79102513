#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Team C gets an incident later than Team B: what was said of it before comes behind it, in order, once, as far as labels let
# it; and nothing comes twice when it is changed or offered again.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
within() { # command...: until it succeeds, a minute at most
	for _ in $(seq 100); do
		! "$@" || return 0
		sleep 0.2
	done
	return 1
}
sees() { ronda incident -d "$1" words "$2" >"$T/words" 2>/dev/null && grep -q -- "$3" "$T/words"; }
id_of() { ronda incident -d "$NA" show "$1" --json 2>/dev/null | grep -oE 'incident--[-0-9a-f]{36}' | head -1; }
has_it() { ronda incident -d "$1" show "$2" >/dev/null 2>&1; }
entries() { # words in C's collection, as A wrote them down
	sqlite3 -readonly "$NA/main.db" "SELECT count(*) FROM collection_entry e JOIN collection c ON c.id = e.collection JOIN record_version v ON v.id = e.first
		JOIN record r ON r.id = v.record JOIN record_name t ON t.id = r.type WHERE c.kind = 1 AND c.alias = 'for-team-c' AND e.kind = 2 AND t.name = 'contribution'"
}
check "Team A and Team B" two_nodes
NA=$T/a NB=$T/b NC=$T/c
check "an incident" ronda incident -d "$NA" new "title=Mail server taken over" class=intrusions severity=high
check "is worked on" ronda incident -d "$NA" move 1 open
I=$(id_of 1)
within has_it "$NB" "$I"
ok $? "B has it"
check "A says something" ronda incident -d "$NA" say 1 "First word"
q=$(ronda incident -d "$NB" say "$I" "Second word: is it up?" --what question 2>"$T/err")
within sees "$NA" 1 "Second word"
ok $? "B asks"
check "A answers" ronda incident -d "$NA" say 1 "Third word" --reply "$q"
check "one for A's own people" ronda incident -d "$NA" say 1 "Not for C" --tlp RED
w=$(ronda incident -d "$NA" say 1 "Taken back" 2>"$T/err")
check "one that is withdrawn" ronda contribution -d "$NA" move "$w" withdrawn --why "wrong"
check "one of B's for A alone" ronda incident -d "$NB" say "$I" "For A alone" --only-origin
check "B's last" ronda incident -d "$NB" say "$I" "Fourth word"
within sees "$NA" 1 "Fourth word"
ok $? "A has them all"
check "a second incident" ronda incident -d "$NA" new "title=Another" class=fraud severity=low
check "of which is spoken" ronda incident -d "$NA" say 2 "Before it was open"
check "before it is worked on" ronda incident -d "$NA" move 2 open
J=$(id_of 2)
within sees "$NB" "$J" "Before it was open"
ok $? "B gets the word with it"

# --- C comes ---
ronda init "$NC" --name "Team C" --country ID --team small --account lead >"$T/out" 2>"$T/err"
with_exchange "$NC"
start_node "$NC"
ok $? "Team C begins"
line=$(ronda partner -d "$NC" invite 2>"$T/err")
ronda partner -d "$NA" accept "$line" >"$T/out" 2>"$T/err" && ronda partner -d "$NA" confirm partner-2 >"$T/out" 2>"$T/err" &&
	ronda partner -d "$NC" confirm partner-1 >"$T/out" 2>"$T/err"
ok $? "it is paired with A"
o=$(org "$NA" "Team C" 198.20.0.0/16)
check "A knows whose it is" ronda partner -d "$NA" edit partner-2 "organisation=$o" "name=Team C"
agree "$NA" "$o"
o=$(org "$NC" "Team A" 198.19.0.0/16)
check "and C whose A's is" ronda partner -d "$NC" edit partner-1 "organisation=$o" "name=Team A"
agree "$NC" "$o"
check "the incident is changed" ronda incident -d "$NA" edit 1 "summary=A web shell was found"
within sees "$NC" "$I" "Fourth word"
ok $? "C gets it, and what was said"
sed -nE 's/.*(First|Second|Third|Fourth) word.*/\1/p' "$T/words" | tr '\n' ' ' >"$T/order"
is "$(cat "$T/order")" "First Second Third Fourth " "each word once, in order"
grep -q "Team B.*Second word" "$T/words"
ok $? "by who said it"
has_not "$T/words" "Not for C" "none that is too strict"
has_not "$T/words" "Taken back" "none that was withdrawn"
has_not "$T/words" "For A alone" "none that was for A alone"
s=$(ronda incident -d "$NB" words "$I" --json | grep 'First word' | sed -nE 's/.*"at": ?"([^"]*)".*/\1/p')
is "$(ronda incident -d "$NC" words "$I" --json | grep 'First word' | sed -nE 's/.*"at": ?"([^"]*)".*/\1/p')" "$s" "with the time when it was said"
received() { ronda incident -d "$NA" parts 1 --json 2>/dev/null | grep '"team": \?"Team C"' | grep -q '"receipt": \?"20'; }
within received
ok $? "A has C's receipt"
is "$(entries)" 4 "four words were offered to it"
check "the incident is changed again" ronda incident -d "$NA" edit 1 "summary=Two web shells were found"
check "C says something" ronda incident -d "$NC" say "$I" "Fifth word"
within sees "$NB" "$I" "Team C.*Fifth word"
ok $? "B sees it"
is "$(entries)" 4 "nothing of what it had is offered again"
check "the rest is offered to C" ronda partner -d "$NA" offer 2 --since 2026-01-01
within sees "$NC" "$J" "Before it was open"
ok $? "the second incident comes with its word"
ronda incident -d "$NC" words "$I" >"$T/words" 2>"$T/err"
is "$(grep -c ' word' "$T/words")" 5 "what is given again stands there once"
for n in a b c; do
	has_not "$T/$n.log" AddressSanitizer "no fault of memory at Team $(echo $n | tr abc ABC)"
done
end_nodes
done_testing
