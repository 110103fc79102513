#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What Team B's people say of a finding that came from Team A stands with A's finding, once; what came from nobody, is marked
# too strictly or is no word is refused in words; nothing goes when findings do not flow.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
within() { # command...: until it succeeds, a minute at most
	for _ in $(seq 200); do
		! "$@" || return 0
		sleep 0.2
	done
	return 1
}
finding() { # directory, address: its id
	ronda findings -d "$1" --ip "$2" --json 2>/dev/null | sed -nE 's/.*"id": ?"([0-9a-f]{32})".*/\1/p' | head -1
}
check "Team A and Team B" two_nodes
NA=$T/a NB=$T/b
agreed=$A
e='{"__type":"Event","time.source":"2026-11-20T01:00:00+00:00","classification.type":"phishing"'
printf '%s,"source.ip":"198.18.0.1","tlp":"GREEN"}\n%s,"source.ip":"198.18.0.2","tlp":"AMBER"}\n' "$e" "$e" >"$T/theirs.json"
printf '%s,"source.ip":"198.18.0.9","tlp":"GREEN"}\n' "$e" >"$T/ours.json"
check "A has a report about B's network" ronda intake -d "$NA" "$T/theirs.json"
check "B has one of its own" ronda intake -d "$NB" "$T/ours.json"
until_events "$NB" 3 200
ok $? "B has all of them"
there() { [ -n "$(finding "$NB" 198.18.0.1)" ] && [ -n "$(finding "$NB" 198.18.0.2)" ] && [ -n "$(finding "$NB" 198.18.0.9)" ]; }
within there
ok $? "as findings"
f=$(finding "$NB" 198.18.0.1) g=$(finding "$NB" 198.18.0.2) own=$(finding "$NB" 198.18.0.9)
check "B asks about the first" ronda findings -d "$NB" say "$f" "Was it seen at night too?" --what question
check "and says something of the second" ronda findings -d "$NB" say "$g" "It is a honeypot of ours"
page() { # what A shows of its finding about an address
	curl -s --max-time 20 -H "Authorization: Bearer $token" "$url/findings/$(finding "$NA" "$1").json" >"$T/page"
	grep -q -- "$2" "$T/page"
}
token=$(ronda token -d "$NA" make t --right operate --ceiling RED --account "Lead" 2>/dev/null | head -1) url=$(head -1 "$T/a.address")
within page 198.18.0.1 '"words":"question: Was it seen at night too?"'
ok $? "A sees the question at its finding"
has "$T/page" '"title":"Team B"' "and who asks"
has_not "$T/page" honeypot "and not what was said of the other"
within page 198.18.0.2 '"words":"comment: It is a honeypot of ours"'
ok $? "A sees what was said of the second at that"
is "$(ronda ledger -d "$NA" --json | grep -c 'Was it seen at night')" 1 "once"
ronda journal -d "$NB" --json >"$T/out" 2>"$T/err"
has "$T/out" 'finding.say' "B's journal has it"
has_not "$T/out" 'Was it seen' "without the words"

check_fails 66 "what came from nobody is said to nobody" ronda findings -d "$NB" say "$own" "Hello"
has "$T/err" "came from no partner" "in words"
check_fails 65 "no such word" ronda findings -d "$NB" say "$f" "Hello" --what offered
check_fails 65 "nothing is not said" ronda findings -d "$NB" say "$f" " "
check_fails 65 "not looser than the finding" ronda findings -d "$NB" say "$g" "Hello" --tlp GREEN
check_fails 77 "not above what is agreed" ronda findings -d "$NB" say "$f" "Above" --tlp RED
check "findings flow no more" ronda agreement -d "$NB" edit "$agreed" flows=incidents
check_fails 77 "then no words do" ronda findings -d "$NB" say "$f" "Not agreed"
has "$T/err" "no agreement" "in words"
# what waits is not sent either when it is not agreed any more
check "they flow again" ronda agreement -d "$NB" edit "$agreed" flows=findings,incidents
kill "$a_pid"
wait "$a_pid"
check "said while A is away" ronda findings -d "$NB" say "$f" "Too late"
check "and not agreed when it is there again" ronda agreement -d "$NB" edit "$agreed" flows=incidents
start_node "$NA"
ok $? "A is there again"
url=$address
check "an incident behind it" ronda incident -d "$NB" new "title=Behind it" class=fraud severity=low
check "goes" ronda incident -d "$NB" move 1 open
incident_there() { ronda incident -d "$NA" list 2>/dev/null | grep -q "Behind it"; }
within incident_there
ok $? "A has what came behind"
page 198.18.0.1 "Above\|Not agreed\|Too late"
is $? 1 "and none of what was not to be said"
for n in a b; do
	has_not "$T/$n.log" AddressSanitizer "no fault of memory at Team $(echo $n | tr ab AB)"
done
end_nodes
done_testing
