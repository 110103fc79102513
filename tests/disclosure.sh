#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An agreement allows and its end stops; 'explain' says which rule decided; an emergency is
# written down; a node's own marks count.
. "$RONDA_SOURCE/tests/lib.sh"
ronda init "$D" --name "Team B" --country ID >/dev/null 2>&1
says() { # WHAT, words, then arguments of explain
	what=$1 words=$2
	shift 2
	ronda explain -d "$D" "$@" --json >"$T/said" 2>&1
	grep -qF "$words" "$T/said"
	ok $? "$what"
	grep -qF "$words" "$T/said" || sed 's/^/# /' "$T/said"
}
printf '%s' '{"classifications":{"RAHASIA":{"tlp":"CLEAR","to":["staff"]}},"licences":{"terms of A":{"to":["staff","partner"],"own":true,"attribution":"A"}}}' >"$D/marks.json"
check "an organisation" ronda organisation -d "$D" new name="Team A" kind=csirt
check "an incident" ronda incident -d "$D" new title=t class=other severity=low internal=remarks --tlp AMBER
p=partner:organisation-1
says "a partner without an agreement gets CLEAR at most" '"decision":"no","rule":"no agreement in force with this partner goes up to its marking"' incident-1 --to $p --by sync
check "an understanding, set by the lead" ronda agreement -d "$D" new title=u kind=informal \
	parties="$(ronda organisation -d "$D" show organisation-1 --json | sed 's/.*"id":"\(organisation--[^"]*\)".*/\1/')" \
	tlp_ceiling=AMBER flows=incidents from=2020-01-01
says "a draft allows nothing" '"decision":"no"' incident-1 --to $p --by sync
check "in force" ronda agreement -d "$D" move agreement-1 in-force
says "it allows" '"decision":"cut"' incident-1 --to $p --by sync
has "$T/said" '"agreement":"informal"' "and is named"
has "$T/said" '"internal"' "what is the team's would be cut"
n=$(sed 's/.*"policy":\([0-9]*\).*/\1/' "$T/said")
check "a lower ceiling" ronda agreement -d "$D" edit agreement-1 tlp_ceiling=GREEN
says "stops it" '"decision":"no"' incident-1 --to $p --by sync
has_not "$T/said" "\"policy\":$n," "under another policy"
check "AMBER again" ronda agreement -d "$D" edit agreement-1 tlp_ceiling=AMBER
check "ended" ronda agreement -d "$D" move agreement-1 ended --why over
says "nothing goes any more" '"decision":"no"' incident-1 --to $p --by sync
says "our own people see it" '"decision":"yes"' incident-1 --to account:owner
says "the public does not" '"decision":"no"' incident-1 --to public --by feed
says "nor a log" '"decision":"no"' incident-1 --to log --by log --purpose operation
check "a national classification of its own" ronda incident -d "$D" new title=s class=other severity=low \
	--labels '{"tlp":"CLEAR","classification":"rahasia"}'
says "counts" '"rule":"the recipient is not cleared for its national classification"' incident-2 --to public --by feed
check "terms of a source" ronda incident -d "$D" new title=s class=other severity=low --labels '{"tlp":"CLEAR","licence":"terms of A"}'
says "count" 'the terms of its source do not let it be passed on' incident-3 --to public --by export
says "and say whom to name" '"attribution":"A"' incident-3 --to $p --by sync
ronda explain -d "$D" incident-99 --to public 2>"$T/err"
has "$T/err" "there is no such record" "what is not there"
ronda explain -d "$D" incident-1 --to somebody 2>"$T/err"
has "$T/err" "'somebody' is neither" "to whom must be said"

ronda break-glass -d "$D" incident-1 --reason short 2>"$T/err"
has "$T/err" "a reason of 10 to 1000 bytes" "an emergency needs a reason"
check "an emergency" ronda break-glass -d "$D" incident-1 --reason "a plant is on fire"
ronda break-glass -d "$D" list >"$T/out"
has "$T/out" "a plant is on fire" "is listed until it is reviewed"
ronda break-glass -d "$D" review 1 --reason "it was right" 2>"$T/err"
has "$T/err" "ronda break-glass: " "not by the one who asked"
ronda journal -d "$D" >"$T/out"
has "$T/out" "break-glass" "the journal has it"
done_testing
