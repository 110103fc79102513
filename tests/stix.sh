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
is "$(grep -c '"type":"observed-data"' "$T/bundle")" 4 "one observation an event"
is "$(grep -c '"type":"indicator"' "$T/bundle")" 3 "an indicator where the source is what is bad"
has "$T/bundle" 'marking-definition--e828b379' "RED is told as such to its owner"
check "by a filter" ronda stix -d "$D" type=phishing
is "$(grep -c '"type":"observed-data"' "$T/out")" 1 "what was asked for alone"
if [ ! -d "$SHARED/data/samples/stix/schemas" ]; then
	skip "the schemas of OASIS" "they are not here"
elif ! command -v node >/dev/null || ! "$B/install" >"$T/out" 2>&1; then
	skip "the schemas of OASIS" "no node, or npm's registry is not reached"
else
	node "$B/stix.js" "$SHARED/data/samples/stix/schemas" "$T/bundle" >"$T/out" 2>"$T/err"
	ok $? "a validator reads it"
	is "$(sed -n 's/^wrong //p' "$T/out")" 0 "and finds nothing wrong"
	is "$(grep -c '^type ' "$T/out")" 13 "in objects of every type we make"
fi
done_testing
