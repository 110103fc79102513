#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a partner posts that is nobody's item: kept byte for byte, shown under its marking, and events where we read it.
. "$RONDA_SOURCE/tests/lib.sh"
T21='application/taxii+json;version=2.1'
check "a node is made" ronda init "$D" --name "Team B" --country ID --team small --account "Lead A"
org=$(ronda organisation -d "$D" new "name=Team C" kind=csirt "constituency=network|198.18.3.0/24" 2>&1 |
	sed -nE 's/.*(organisation-[0-9]+).*/\1/p' | head -1)
check "a partner" ronda record -d "$D" partner new "name=Team C" kind=taxii "organisation=$org"
check "is active" ronda record -d "$D" partner move partner-1 active
id=$(ronda organisation -d "$D" show "$org" --json | sed -nE 's/.*"id": ?"(organisation--[-0-9a-f]{36})".*/\1/p' | head -1)
check "has an account" ronda account -d "$D" new "Client C" --roles constituent --organisation "$id"
token=$(ronda token -d "$D" make c --right read --ceiling AMBER --account "Client C" 2>"$T/err")
ours=$(ronda token -d "$D" make ours --right read --ceiling RED 2>"$T/err")
low=$(ronda token -d "$D" make low --right read --ceiling GREEN 2>"$T/err")
serve
ok $? "and serves"
post() { # file, name
	got=$(curl -s --max-time 60 -o "$T/body" -w '%{http_code}' -H "Accept: $T21" -H "Content-Type: $T21" \
		-H "Authorization: Bearer $token" --data-binary "@$1" "$URL/taxii2/exchange/collections/inbox/objects/")
	is "$got" 202 "$2"
}
count() { # member of the status
	sed -nE "s/.*\"$1\": ?([0-9]+).*/\1/p" "$T/body"
}

U=11111111-1111-4111-8111-11111111111
A='"created":"2026-11-20T01:02:03.000Z","modified":"2026-11-20T01:02:03.000Z"'
printf '{ "type" : "malware","id":"malware--%s1",%s, "spec_version":"2.1","is_family":false, "name":"M<b>\\u00e9","x_n":1.50e+01}' "$U" "$A" >"$T/malware"
printf '{"type":"indicator","id":"indicator--%s2",%s,"spec_version":"2.1","valid_from":"2026-11-20T01:02:03Z","pattern_type":"stix","pattern":"[ipv4-addr:value = '"'198.18.3.7'"' OR url:value LIKE '"'%%x'"']","object_marking_refs":["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"]}' "$U" "$A" >"$T/indicator"
printf '{"type":"report","id":"report--%s3",%s,"spec_version":"2.1","published":"2026-11-20T01:02:03Z","name":"R","object_refs":["malware--%s1"],"object_marking_refs":["marking-definition--%s9"]}' "$U" "$A" "$U" "$U" >"$T/report"
printf '{"objects":[%s,%s,\n%s ,{"type":"tool"},{"type":"tool","id":"tool--1"}]}' "$(cat "$T/malware")" "$(cat "$T/indicator")" "$(cat "$T/report")" >"$T/envelope"
post "$T/envelope" "five objects"
is "$(count success_count)" 3 "three are taken"
is "$(count failure_count)" 2 "two are none, each with its words"
check "they are listed" ronda object -d "$D" list --csv
is "$(grep -c '"malware\|"indicator\|"report' "$T/out")" 3 "all three"
for type in malware indicator report; do
	n=$(ronda object -d "$D" list --type $type --json | sed -nE 's/.*"id": ?"([^"]*)".*/\1/p')
	ronda object -d "$D" show "$n" --raw >"$T/shown"
	{ cat "$T/$type"; echo; } >"$T/want"
	cmp -s "$T/shown" "$T/want"
	ok $? "$type is kept byte for byte"
done
check "the indicator" ronda object -d "$D" show "indicator--${U}2"
has "$T/out" '^events   1 ' "made one event"
has "$T/out" '^not read part of its pattern' "and says what of it was not read"
has "$T/out" '^marking  TLP:AMBER' "under its marking"
check "the report" ronda object -d "$D" show "report--${U}3"
has "$T/out" '^marking  TLP:RED, as its own is not understood' "an unknown marking is RED"
check "the malware" ronda object -d "$D" show "malware--${U}1"
has "$T/out" "the partner's default" "no marking is the partner's default"
check "the event came by its feed" ronda events -d "$D" source.ip=198.18.3.7 --json
has "$T/out" 'partner-team-c' "of the partner"
is "$(grep -c . "$T/out")" 1 "one"
post "$T/envelope" "the same again"
is "$(count success_count)" 3 "is no fault"
is "$(ronda events -d "$D" source.ip=198.18.3.7 --json | grep -c .)" 1 "and no second event"
is "$(ronda object -d "$D" list --json | grep -c .)" 3 "or object"

sed 's/"name":"M/"name":"another/' "$T/malware" >"$T/other"
printf '{"objects":[%s]}' "$(cat "$T/other")" >"$T/envelope"
post "$T/envelope" "other bytes under the same version"
is "$(count failure_count)" 1 "are refused"
sed 's/"modified":"2026-11-20T01:02:03/"modified":"2026-11-21T01:02:03/; s/"x_n"/"revoked":true,"x_n"/' "$T/malware" >"$T/gone"
printf '{"objects":[%s]}' "$(cat "$T/gone")" >"$T/envelope"
post "$T/envelope" "withdrawn by its maker"
is "$(count success_count)" 1 "that is taken"
check "shown so" ronda object -d "$D" show "malware--${U}1"
has "$T/out" 'withdrawn by its maker' "as withdrawn"

get() { # token, path
	curl -s --max-time 30 -H "Authorization: Bearer $1" "$URL$2" >"$T/page"
}
get "$ours" /objects.json
is "$(grep -o '"row":' "$T/page" | grep -c .)" 3 "the page has all for who may see RED"
get "$low" /objects.json
is "$(grep -o '"row":' "$T/page" | grep -c .)" 0 "none above his ceiling"
get "$token" /objects.json
is "$(grep -c '"rows"' "$T/page")" 0 "the partner has no such page"
curl -s --max-time 30 -H "Authorization: Bearer $ours" -H 'Accept: text/html' "$URL/objects" >"$T/page"
has "$T/page" 'M&lt;b&gt;é' "names are escaped"
row=$(grep -o 'href="/objects/[0-9]*"' "$T/page" | head -1 | grep -o '[0-9]*')
curl -s --max-time 30 -H "Authorization: Bearer $ours" -H 'Accept: text/html' "$URL/objects/$row" >"$T/page"
has "$T/page" 'As it came' "one object"

# what there is of others' STIX: a clear word for each object, and none lost
S=$SHARED/data/samples/stix
if [ ! -d "$S" ]; then
	skip "bundles of others" "they are not here"
else
	for file in "$S"/oasis-examples/*.json "$S"/idioms-2.1/*.json "$S"/idioms-2.0/*.json; do
		curl -s --max-time 60 -o "$T/body" -w '%{http_code}\n' -H "Accept: $T21" -H "Content-Type: $T21" -H "Authorization: Bearer $token" \
			--data-binary "@$file" "$URL/taxii2/exchange/collections/inbox/objects/" >>"$T/codes"
		echo "$(count total_count) $(count success_count) $(count failure_count)" >>"$T/counts"
	done
	is "$(sort -u "$T/codes" | tr '\n' ' ')" "202 " "$(grep -c . "$T/codes") bundles are taken"
	awk '$1 != $2 + $3 { bad = 1 } { n += $1; ok += $2 } END { print "# " ok " of " n " objects taken"; exit bad }' "$T/counts"
	ok $? "each object is a success or a failure"
	is "$(ronda object -d "$D" list --limit 1000 --json | grep -c .)" "$(ronda object -d "$D" list --limit 2000 --json | grep -c .)" "all listed"
fi
done_testing
