#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Events as a STIX bundle, held against the schemas of OASIS by a validator that is not ours.
. "$RONDA_SOURCE/tests/lib.sh"
B=$RONDA_SOURCE/tests/browser
check "a node is made" ronda init "$D" --name "Team B" --country ID
check "a feed" ronda feed -d "$D" add f --tlp GREEN
cat >"$T/events" <<'END'
{"time.source":"2026-11-20T01:02:03Z","source.ip":"192.0.2.7","source.port":23,"source.asn":64500,"source.as_name":"Net","source.registry":"APNIC","protocol.transport":"tcp","protocol.application":"telnet","classification.type":"vulnerable-system","classification.identifier":"open-telnet","extra.a b":"c'\"d"}
{"time.source":"2026-11-20T01:02:04.25Z","source.url":"http://a.example.org/it's","source.fqdn":"a.example.org","source.ip":"2001:db8::1","classification.type":"phishing","tlp":"AMBER+STRICT"}
{"time.source":"2026-11-20T01:02:05Z","source.ip":"198.18.0.1","destination.ip":"198.18.0.2","destination.port":443,"destination.fqdn":"xn--bcher-kva.example","protocol.transport":"udp","classification.type":"c2-server","malware.hash.md5":"d41d8cd98f00b204e9800998ecf8427e","malware.hash.sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","tlp":"CLEAR"}
{"time.source":"2026-11-20T01:02:06Z","source.ip":"198.18.0.1","classification.type":"scanner","tlp":"RED"}
END
check "are taken in" ronda intake -d "$D" --feed f "$T/events"
ronda stix -d "$D" >"$T/bundle" 2>"$T/err"
ok $? "a bundle"
ronda stix -d "$D" >"$T/again" 2>"$T/err"
sed 1d "$T/bundle" >"$T/a"
sed 1d "$T/again" >"$T/b"
cmp -s "$T/a" "$T/b"
ok $? "made again it is the same, but for its own id"
has "$T/bundle" 'ipv4-addr--' "observables"
has_not "$T/bundle" "ronda.concerns" "whom it concerns stays here"
is "$(grep -c '"type":"observed-data"' "$T/bundle")" 4 "one observation an event"
is "$(grep -c '"type":"indicator"' "$T/bundle")" 3 "an indicator where the source is what is bad"
has "$T/bundle" 'marking-definition--e828b379' "RED is told as such to its owner"
check "by a filter" ronda stix -d "$D" type=phishing
is "$(grep -c '"type":"observed-data"' "$T/out")" 1 "what was asked for alone"
# something that STIX has no object for is not left out
cat >"$T/odd" <<'END'
{"time.source":"2026-11-20T01:02:07Z","source.account":"a@example.org","classification.type":"data-leak"}
{"time.source":"2026-11-20T01:02:08Z","classification.type":"other","comment":"no address"}
END
check "two more" ronda intake -d "$D" --feed f "$T/odd"
ronda stix -d "$D" >"$T/bundle" 2>"$T/err"
is "$(grep -c '"type":"observed-data"' "$T/bundle")" 6 "no event is left out"
is "$(grep -c '"origin":"[0-9a-f-]*","item":"event--[0-9a-f]*","event":' "$T/bundle")" 6 "each says whose it is and stands whole"
# records of every type that may be exchanged
check "an incident" ronda incident -d "$D" new title="It's \"bad\"" class=fraud rsit_type=phishing severity=high summary=what
check "a warning" ronda warning -d "$D" new title=W urgency=now summary=s advice=a
check "a note" ronda note -d "$D" new title=N text_body=t language=id
check "a campaign" ronda campaign -d "$D" new title=C from=2026-11-01 until=2026-11-20
check "a plan" ronda plan -d "$D" new title=P purpose=p
check "an organisation" ronda organisation -d "$D" new name=O kind=csirt sector=finance website=https://example.org/
check "a second incident, about it" ronda incident -d "$D" new title=I class=fraud severity=low organisation=organisation-1
check "records" ronda stix -d "$D" record incident-1 warning-1 note-1 campaign-1 plan-1 organisation-1 incident-2
cp "$T/out" "$T/records"
is "$(grep -c '"record":"{' "$T/records")" 7 "each stands whole"
for type in incident report note campaign course-of-action identity relationship; do
	has "$T/records" "\"type\":\"$type\"" "one becomes $type"
done
# readers know a report by its id, or by name and day: a new version changes neither, and is later
of() { # member of the report in a file
	sed -nE '/"type":"report"/s/.*"'"$1"'":"([^"]*)".*/\1/p' "$2"
}
check "a second version" ronda warning -d "$D" edit 1 advice=b
ronda stix -d "$D" record warning-1 >"$T/second" 2>"$T/err"
for member in id created published name; do
	is "$(of $member "$T/second")" "$(of $member "$T/records")" "has the same $member"
done
printf '%s\n%s\n' "$(of modified "$T/records")" "$(of modified "$T/second")" | sort -uc && [ "$(of modified "$T/second")" != "$(of modified "$T/records")" ]
ok $? "and a later 'modified'"
ronda stix -d "$D" record incident-9 >"$T/out" 2>&1
is $? 66 "one that is not there is an error"
if [ ! -d "$SHARED/data/samples/stix/schemas" ]; then
	skip "the schemas of OASIS" "they are not here"
elif ! command -v node >/dev/null || ! "$B/install" >"$T/out" 2>&1; then
	skip "the schemas of OASIS" "no node, or npm's registry is not reached"
else
	node "$B/stix.js" "$SHARED/data/samples/stix/schemas" "$T/bundle" >"$T/out" 2>"$T/err"
	ok $? "a validator reads it"
	is "$(sed -n 's/^wrong //p' "$T/out")" 0 "and finds nothing wrong"
	is "$(grep -c '^type ' "$T/out")" 15 "in objects of every type we make of events"
	node "$B/stix.js" "$SHARED/data/samples/stix/schemas" "$T/records" >"$T/out" 2>"$T/err"
	ok $? "a validator reads records"
	is "$(sed -n 's/^wrong //p' "$T/out")" 0 "and finds nothing wrong"
	is "$(grep -c '^type ' "$T/out")" 9 "in objects of every type we make of records"
fi
done_testing
