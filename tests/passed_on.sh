#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a partner sends and is no item of ronda's goes on to others, byte for byte, as its marking and their agreement let it;
# never back, never twice, not after it was revoked.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
T21='application/taxii+json;version=2.1'
check "a node is made" ronda init "$D" --name "Team B" --country ID --team small --account "Lead"
n=2
for who in C D E; do
	n=$((n + 1))
	o=$(org "$D" "Team $who" "198.18.$n.0/24")
	ronda partner -d "$D" new "name=Team $who" kind=taxii "organisation=$o" >"$T/out" 2>"$T/err"
	ronda partner -d "$D" move "partner-$((n - 2))" active >"$T/out" 2>"$T/err"
	id=$(ronda organisation -d "$D" show "$o" --json | sed -nE 's/.*"id": ?"(organisation--[-0-9a-f]{36})".*/\1/p' | head -1)
	ronda account -d "$D" new "Client $who" --roles constituent --organisation "$id" >"$T/out" 2>"$T/err"
	flows=findings,indicators
	[ $who != E ] || flows=findings
	a=$(ronda agreement -d "$D" new "title=With $o" kind=memorandum "parties=$o" tlp_ceiling=AMBER flows=$flows from=2020-01-01 2>&1 |
		sed -nE 's/.*(agreement-[0-9]+).*/\1/p' | head -1)
	ronda agreement -d "$D" move "$a" in-force --why "signed by both" >"$T/out" 2>"$T/err"
	ok $? "Team $who has an agreement"
	eval "t$who=\$(ronda token -d '$D' make $who --right read --ceiling AMBER --account 'Client $who' 2>'$T/err')"
done
serve --set exchange=yes --set taxii_public=yes
ok $? "and serves"
GREEN=marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb
CLEAR=marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487
RED=marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1
object() { # number, marking, modified [, more]
	printf '{ "type":"malware",  "spec_version":"2.1","id":"malware--00000000-0000-4000-8000-%012d","created":"2026-11-20T00:00:00.000Z","modified":"%s","name":"odd  \\u0041 %d","is_family":false,"x_own":1.50,"object_marking_refs":["%s"]%s}' "$1" "$3" "$1" "$2" "${4:-}"
}
send() { # token, object
	curl -s -H "Authorization: Bearer $1" -H "Content-Type: $T21" -H "Accept: $T21" --data-binary "{\"objects\":[$2]}" \
		"$URL/taxii2/exchange/collections/inbox/objects/" >"$T/out"
}
got() { # token, collection
	curl -s -g -H "Authorization: Bearer $1" -H "Accept: $T21" "$URL/taxii2/exchange/collections/$2/objects/?match[type]=malware&match[version]=all" >"$T/got"
}
until_got() { # token, collection, text
	for _ in $(seq 600); do
		got "$1" "$2"
		grep -qF "$3" "$T/got" && return 0
		sleep 0.1
	done
	return 1
}
V1=2026-11-20T00:00:00.000Z V2=2026-11-21T00:00:00.000Z
send "$tC" "$(object 1 $GREEN $V1)"
has "$T/out" '"success_count": ?1' "C sends"
until_got "$tD" outbox 000000000001
ok $? "and D gets it"
grep -qF "$(object 1 $GREEN $V1)" "$T/got"
ok $? "byte for byte"
send "$tC" "$(object 2 $RED $V1)"
send "$tC" "$(object 3 $CLEAR $V1)"
until_got "$tD" outbox 000000000003
ok $? "what is CLEAR too"
has_not "$T/got" 000000000002 "what is RED not"
got "$tC" outbox
has_not "$T/got" 000000000001 "never back"
got "$tE" outbox
has_not "$T/got" 000000000001 "nor to whom no indicators flow"
until_got "$tE" public 000000000003
ok $? "anybody has what is CLEAR"
has_not "$T/got" 000000000001 "and nothing else"
send "$tD" "$(object 1 $GREEN $V1)"
sleep 1
got "$tC" outbox
has_not "$T/got" 000000000001 "what D sends on does not come back to C"
send "$tC" "$(object 1 $GREEN $V2 ',"revoked":true')"
until_got "$tD" outbox '"revoked":true'
ok $? "revoked: D is told"
is "$(grep -o 'malware--00000000-0000-4000-8000-000000000001' "$T/got" | wc -l)" 1 "and gets the former version no more"
stop_node
done_testing
