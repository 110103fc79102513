#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One unique string in a RED event and in a personal field; every output driven;
# all bytes that came out searched for it.
. "$RONDA_SOURCE/tests/lib.sh"
ronda init "$D" --name "Team B" --country ID >/dev/null 2>&1
red=canaryred7f3a personal=canaryperson91bc marker='<script>alert(1)</script>'
{
	printf '{"__type":"Event","source.ip":"198.18.7.7","source.fqdn":"%s.example.org","time.source":"2026-11-20T01:00:00+00:00","classification.type":"phishing","classification.identifier":"%s","tlp":"RED","comment":"%s","extra.note":"%s"}\n' $red $red $red $red
	printf '{"__type":"Event","source.ip":"198.18.7.8","source.account":"%s","time.source":"2026-11-20T01:00:00+00:00","classification.type":"phishing","tlp":"GREEN","comment":"%s","classification.identifier":"\\u0022%s"}\n' $personal "$marker" "$marker"
	printf '{"__type":"Event","source.ip":"not an address","comment":"%s","tlp":"RED"}\n' $red
} >"$T/report.json"
check "a report with canaries" ronda intake -d "$D" "$T/report.json"
reader=$(ronda token -d "$D" make reader --right read --ceiling GREEN 2>/dev/null)
operator=$(ronda token -d "$D" make operator --right operate --ceiling GREEN 2>/dev/null)
serve --set log_level=debug 2>/dev/null
ok $? "a node serves, logging all it can"
: >"$T/all"
: >"$T/html"
for token in "$reader" "$operator" none; do
	for path in / /events /findings /count /who /quarantine /feeds /tour /healthz /metrics /login; do
		for suffix in "" .json .csv; do
			curl -s -i -H "Authorization: Bearer $token" -H 'Accept: text/html' "$URL$path$suffix" >"$T/one"
			cat "$T/one" >>"$T/all"
			! grep -qi '^content-type: text/html' "$T/one" || cat "$T/one" >>"$T/html"
		done
	done
	for q in "events.json?ip=198.18.7.7" "events.json?identifier=$red" "count.json?by=identifier" "count.csv?by=identifier" \
		"events.json?fqdn=$red.example.org" "findings.json?ip=198.18.7.7" "events?type=phishing" "findings?type=phishing"; do
		# The question itself stands in its answer: what the asker knows is no leak.
		curl -s -i -H "Authorization: Bearer $token" "$URL/$q" | sed 's/"query":{[^}]*}//' >>"$T/all"
	done
done
stop_node
[ "$(wc -c <"$T/all")" -gt 20000 ]
ok $? "every output was driven"
grep -q '198.18.7.8' "$T/all"
ok $? "what may be seen is seen"
has_not "$T/all" $red "the RED canary came out nowhere"
has_not "$T/all" $personal "nor the personal one"
grep -q 'alert(1)' "$T/html"
ok $? "markup from a feed is shown on pages"
has_not "$T/html" "$marker" "as text, never as markup"
has_not "$T/node.log" $red "the log does not have it"
has_not "$T/node.log" $personal "nor the personal one"
has_not "$T/node.log" "$reader" "nor a token"
! grep -qaF "$reader" "$D/main.db"
ok $? "a token does not stand in the database"
ronda events -d "$D" --json ip=198.18.7.7 >"$T/out"
has "$T/out" $red "the owner on the machine does see it"
done_testing
