#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is kept about persons: why, how long, what a person is told who asks, what is erased then,
# and what a hold keeps all the same.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES

r() { ronda "$@" -d "$D"; }
nowhere() { # pattern, name
	! grep -rlaiF "$1" "$D" >"$T/out" 2>/dev/null
	ok $? "$2"
}
line() { made scan_telnet "$2" 1 | sed -n "2s/host-[0-9]*/$1/p"; }
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
r account new "Lead B" --roles lead >/dev/null
r account new "Viewer A" --roles viewer >/dev/null
mkdir "$D/types"
cat >"$D/types/errand.json" <<'END'
{ "type": "errand", "version": 1, "title": "what", "label": { "en": "Errand" }, "plural": { "en": "Errands" },
  "retention": "PT15S", "purpose": { "en": "To run it." }, "basis": { "en": "Somebody asked." },
  "fields": { "what": { "kind": "text", "max": 80, "required": ["*"], "label": { "en": "What" } },
    "who": { "kind": "text", "personal": true, "label": { "en": "Who" } } },
  "states": { "open": { "label": { "en": "Open" }, "to": { "done": { "roles": ["lead"] } } },
    "done": { "label": { "en": "Done" }, "closed": true } },
  "rights": { "read": { "lead": "all" }, "create": { "lead": "all" }, "edit": { "lead": "all" },
    "move": { "lead": "all" }, "link": { "lead": "all" }, "erase": { "lead": "all" }, "hold": { "lead": "all" } },
  "list": { "columns": ["what"] } }
END

# --- the register of processing ---
check "the register" r privacy register --json
has "$T/out" '"type":"errand".*"purpose":"To run it."' "names the type of a data file"
has "$T/out" '"type":"errand"[^{]*"personal":\["Who"\]' "and its personal fields"
is "$(tr '{' '\n' <"$T/out" | grep -c '"type":.*"purpose":""')" 0 "no type is without a purpose"
is "$(tr '{' '\n' <"$T/out" | grep -c '"type":.*"basis":""')" 0 "nor without a legal basis"
r privacy register --language id --json >"$T/out"
has "$T/out" 'Untuk menangani insiden' "in Indonesian, too"

# --- retention ---
check "an errand" r errand new what="qzkeep1a Call them" who="Team C"
check "another" r errand new what="qzkeep2b Write to them"
check "one linked with what is open" r errand new what="qzkeep3c Wait for them"
check "an incident" r incident new title="Open one" class=fraud severity=low
check "the link" r errand link 3 related incident-1
for i in 1 2 3; do r errand move $i done >/dev/null; done
check "one is held" r errand edit 2 --labels '{"tlp":"AMBER","held":true}'
check "what ends" r retention list
has "$T/out" 'errand--.*is erased' "is listed before"
has "$T/out" 'stays: under hold' "with what is held"
has "$T/out" 'stays: linked with what is open' "and what is linked"
serve
ok $? "the node serves"
for _ in $(seq 900); do
	grep -rqaF qzkeep1a "$D" || break
	sleep 0.1
done
nowhere qzkeep1a "what was kept long enough is gone, to its last byte"
r errand show 2 >"$T/out"
has "$T/out" 'qzkeep2b' "what is held is not"
r errand show 3 >"$T/out"
has "$T/out" 'qzkeep3c' "nor what is linked"
r journal list --json >"$T/out"
has "$T/out" '"why":"retention"' "the journal says why"

# --- a person asks ---
stop_node
sqlite3 "$D/main.db" "INSERT INTO subscriber (id, email, language, state, asked_us, changed_us) VALUES
	(5, 'qzalice@example.org', 'en', 2, 1, 1), (6, 'bob@example.org', 'en', 2, 1, 1);
	INSERT INTO outbox (id, state, lane, driver, recipient, item, item_version, template, details, purpose, policy, maker,
	made_at, made_us, not_before_us, expires_us, lease_us, tries, words)
	VALUES (901, 4, 1, 'mail', 'organisation--x', '', 0, 'tell', '{}', 1, 1, 'test', 1, 1, 0, 0, 0, 1, '');
	INSERT INTO ledger (at_us, message, kind, driver, recipient, item, item_version, purpose, policy, rule, cut, reference,
	words, covers) SELECT 1, 901, kind, 'mail', 'organisation--x', '', 0, 1, 1, '', '', reference, '', 0 FROM
	(SELECT 1 AS kind, '' AS reference UNION SELECT 7, 'answer:7' UNION SELECT 7, 'answer:8');
	INSERT INTO answer (id, message, kind, at_us, channel, by, words, organisation, recipient, item, findings, file_name,
	key, seen_by) VALUES (7, 901, 2, 1, 'link', 'Alice', 'write to qzalice@example.org', '', 'organisation--x', '', 0, '', 'a', ''),
	(8, 901, 2, 1, 'link', 'Bob', 'bob did it', '', 'organisation--x', '', 0, '', 'b', '');
	INSERT INTO tell_contact (id, email, found_us) VALUES (x'00', 'Qzalice@example.org', 1), (x'01', 'qzcarol@example.org', 1);
	INSERT INTO outbox (id, state, lane, driver, recipient, item, item_version, template, details, purpose, policy, maker,
	made_at, made_us, not_before_us, expires_us, lease_us, tries, words)
	SELECT n, state, 1, 'mail', recipient, '', 0, 'tell', '{}', 1, 1, 'test', n, 1, 4000000000000000, 0, 0, 1, words FROM
	(SELECT 902 AS n, 4 AS state, 'contact:Qzalice@example.org' AS recipient, 'taken' AS words UNION
	SELECT 903, 8, 'address:qzalice@example.org', '550 <qzalice@example.org>: no such user' UNION
	SELECT 904, 1, 'contact:Qzalice@example.org', '' UNION SELECT 905, 4, 'contact:qzcarol@example.org', 'taken');
	INSERT INTO ledger (at_us, message, kind, driver, recipient, item, item_version, purpose, policy, rule, cut, reference,
	words, covers) SELECT 1, id, CASE state WHEN 4 THEN 1 ELSE 5 END, 'mail', recipient, '', 0, 1, 1, '', '', '', words, 0
	FROM outbox WHERE id IN (902, 903, 905);
	INSERT INTO round_member (round, organisation, place, recipient, covers, driver, message, answered_us, answered_by, words, noted_by)
	VALUES (x'11111111111141118111111111111111', zeroblob(16), 0, 'organisation--x', '', 'mail', 901, 1, 'Qzalice', 'call +62 812 5550 1234', ''),
	(x'11111111111141118111111111111111', x'01', 1, 'organisation--y', '', 'mail', 0, 1, 'Bob', 'he said', '');
	INSERT INTO tell_message (message, recipient, rule, class, period, at_us, findings)
	VALUES (902, 'contact:Qzalice@example.org', x'00', 'x', '', 1, 1);
	INSERT INTO fallback_look (source, subject, kind, first, last, asn_first, asn_last, domain, email, name, country, trust,
	seen_day, until_us) VALUES ('rdap', '203.0.113.1', 0, zeroblob(16), zeroblob(16), 0, 0, '', 'qzalice@example.org',
	'Qzalice Example', 'ID', 50, 20000, 4000000000000000);
	INSERT INTO exchange_object (id, partner, stix_id, tag, type, version, version_us, tlp, marked, revoked, exercise, at_us, events,
	title, words, json) SELECT n, zeroblob(16), 'identity--00000000-0000-4000-8000-00000000000' || n, n, 'identity', '', n, 1, 1, 0,
	0, 1, 0, name, '', json_object('type', 'identity', 'name', name, 'contact_information', mail) FROM
	(SELECT 1 AS n, 'Qzalice Example' AS name, 'qzalice@example.org' AS mail UNION SELECT 2, 'Carol', 'qzcarol@example.org');
	INSERT INTO exchange_object_key (run, tag, version_us, object) VALUES (0, 1, 1, 1), (0, 2, 2, 2);" ||
	ok 1 "rows of others"
serve
{ made scan_telnet 100 3; line alice.qzhome 20001; line bob.other 20002; } >"$T/2026-11-20-scan_telnet-a.csv"
check "events" r intake "$T/2026-11-20-scan_telnet-a.csv"
ip=198.18.$((20001 / 256 % 256)).$((20001 % 256))
check "a person in the directory" r person new name="Qzalice Example" email=qzalice@example.org phone="+62 812 5550 1234"
check "another" r person new name="Bob Example" email=bob@example.org
check "an incident about both" r incident new title="Two people" class=fraud severity=low summary="qzalice@example.org wrote" reporter=person-2
check "one that is nobody's" r incident new title="Nothing" class=fraud severity=low
cat >"$T/request.json" <<END
{ "title": "Request of November", "wants": "both", "asked_by": "Alice", "received": "2026-11-20", "identity": "passport seen",
  "identifiers": [ { "kind": "ip", "value": "$ip" }, { "kind": "e-mail", "value": "QZALICE@example.org" },
    { "kind": "phone", "value": "0812-5550-1234" }, { "kind": "domain", "value": "qzhome.example.org" } ] }
END
check "the request" r subject new --body "$T/request.json"
r due --within 40d >"$T/out"
has "$T/out" 'subject-1' "has a clock"
check "is searched for" r subject search 1
has "$T/out" 'found$' "to its end"
r subject found 1 --csv >"$T/found"
is "$(grep -c ',"event",' "$T/found")" 1 "the event of the address"
is "$(grep -c ',"finding",' "$T/found")" 1 "its finding"
is "$(grep -c '^"person--' "$T/found")" 1 "the person's card"
is "$(grep -c '^"incident--' "$T/found")" 1 "the incident"
is "$(grep -c '^"answer:7","answer"' "$T/found")" 1 "an answer that names her"
is "$(grep -c '^"subscriber:5","subscriber"' "$T/found")" 1 "her place on the mail list"
is "$(grep -c '^"contact:[0-9a-f]*","contact"' "$T/found")" 1 "her address, that a registry named, by its hash"
has_not "$T/found" 'qzalice' "nothing of it is in the list"
is "$(grep -c '^"object:1","object"' "$T/found")" 1 "what a partner sent of her"
is "$(grep -c '^"round-answer:1*4*1*81*.0","round-answer"' "$T/found")" 1 "what was noted of a call with her"
is "$(grep -cE '^"(answer:8|subscriber:6|object:2)"' "$T/found")" 0 "and no other's"
contact=$(sed -nE 's/^"(contact:[0-9a-f]*)".*/\1/p' "$T/found")
check "again" r subject search 1
r subject found 1 --csv >"$T/again"
cmp -s "$T/found" "$T/again"
ok $? "the same is found"
check "the reply" r subject pack 1 -o "$T/pack"
has "$T/pack/letter.txt" 'neither confirm nor deny' "says what it never says"
has "$T/pack/objects.json" 'Qzalice Example' "what is kept of the person"
has "$T/pack/table.csv" 'To find and reach|To reach the person' "why"
has "$T/pack/table.csv" '^"event--.*,"local",' "from whom"
is "$(stat -c %a "$T/pack/objects.json")" 600 "for the eyes of who made it"
has "$T/pack/objects.json" '"words":"write to qzalice' "her words"
has "$T/pack/objects.json" '"by":"\[blackened' "not who signed them"
has "$T/pack/table.csv" '^"subscriber:5".*"Consent' "and on what ground her address is kept"
has "$T/pack/objects.json" '"email":"qzalice@example.org","last_resort":true,"messages":3' "where she was written to"
has "$T/pack/table.csv" "^\"$contact\",.*As of the messages" "and why that is kept"
has "$T/pack/objects.json" '"contact_information":"qzalice@example.org"' "what the partner sent"
incident=$(grep '^"incident--' "$T/found" | cut -d'"' -f2)
person2=$(r person show 2 --json | sed -nE 's/.*"id":"(person--[^"]*)".*/\1/p')
has_not "$T/pack/objects.json" "$person2" "other persons are blackened"
has "$T/pack/objects.json" 'blackened' "and that is told"

# --- what is not given out ---
echo "{ \"exceptions\": [{ \"object\": \"$incident\", \"ground\": \"law-enforcement\" }] }" >"$T/exception.json"
check "an exception" r subject edit 1 --body "$T/exception.json" --why "court"
r subject pack 1 --json >"$T/out"
has_not "$T/out" "$incident" "is not in the reply"
r subject pack 1 >"$T/out"
has_not "$T/out" 'Not given out' "nor is that there is one"
check_fails 78 "nothing is erased before it was reviewed" r subject purge 1
check "it is reviewed" r subject move 1 reviewed
check_fails 77 "as it stands" sh -c "echo '{ \"exceptions\": [] }' >'$T/none.json'; ronda subject edit 1 --body '$T/none.json' -d '$D'"
check "and erased" r subject purge 1
has "$T/out" ' erased, ' "as far as it may be"
nowhere "Qzalice Example" "the card is gone to its last byte"
nowhere alice.qzhome "the event, too"
is "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM subscriber WHERE email IS NOT NULL")" 1 "her place on the list"
is "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM answer WHERE words <> ''")" 1 "and her words"
is "$(sqlite3 -readonly "$D/main.db" "SELECT group_concat(DISTINCT recipient) FROM (SELECT recipient FROM outbox UNION SELECT
	recipient FROM ledger UNION SELECT recipient FROM tell_message) WHERE recipient LIKE '%@%'")" contact:qzcarol@example.org \
	"her address stands for no recipient any more"
is "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM outbox o JOIN ledger l ON l.message = o.id AND l.recipient = o.recipient
	WHERE o.recipient IN ('$contact', 'address:${contact#contact:}')")" 3 "that somebody was told does"
is "$(sqlite3 -readonly "$D/main.db" "SELECT state FROM outbox WHERE id = 904")" 7 "what waited for her is refused"
is "$(sqlite3 -readonly "$D/main.db" "SELECT words FROM outbox WHERE id = 903")" "" "what a server said of her is gone"
is "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM tell_contact WHERE email = '' AND dead_us > 0")" 1 "no rule writes to her again"
is "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM fallback_look WHERE email <> '' OR name <> ''")" 0 "what was looked up is gone"
is "$(sqlite3 -readonly "$D/main.db" "SELECT group_concat(answered_by || words) FROM round_member")" ",Bobhe said" "what she said on the telephone"
is "$(sqlite3 -readonly "$D/main.db" "SELECT group_concat(id) FROM exchange_object")" 2 "what the partner sent, too"
r journal list --object "$contact" --json >"$T/out"
has "$T/out" '"act":"erase"' "the journal says so"
has_not "$T/out" 'example.org' "and not who it was"
check "another, by the address" r erase contact:QZCAROL@example.org --reason "asked for"
is "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM ledger WHERE recipient LIKE '%@%'")" 0 "the ledger does not name him"
check_fails 66 "nor twice" r erase contact:qzcarol@example.org --reason "asked for"
check "an object of hers" r erase object:2 --reason "asked for"
nowhere qzcarol "then nothing names her"
r events --json >"$T/out"
is "$(wc -l <"$T/out")" 4 "the others are there"
check "what is excepted stays" r incident show 2
check "all is sound" r verify
check_fails 77 "a viewer sees no request" sh -c "ronda token -d '$D' make v --right read --ceiling AMBER --account 'Viewer A' >'$T/token' 2>/dev/null; curl -sf -H \"Authorization: Bearer \$(cat '$T/token')\" '$URL/subject/1.json' >/dev/null && exit 0; exit 77"

# --- a hold for a case ---
{ made scan_telnet 100 1 | head -1; line held.one 30001; line free.two 30002; } >"$T/2026-11-20-scan_telnet-h.csv"
check "a report" r intake "$T/2026-11-20-scan_telnet-h.csv"
check "a case" r incident new title="The case" class=fraud severity=low
case=$(r incident list --json | sed -nE 's/.*"number":([0-9]+).*"title":"The case".*/\1/p' | head -1)
check "a note for it" r note new title="qznote of the case"
check_fails 66 "what is not there is not held" r hold place --case "incident-$case" note-77
check "a hold, by name and by a question" r hold place --case "incident-$case" --ground law-enforcement \
	--reason "qzwhy of the police" note-1 source.reverse_dns=held.one.example.org
has "$T/out" ': 2 held' "of both"
check "is listed" r hold list --json
has "$T/out" '"record":"preservation-1"' "with its record"
check "says what it keeps" r hold show preservation-1
is "$(grep -c 'event--\|note--' "$T/out")" 2 "each of them"
check_fails 77 "what is held is not erased" r note erase 1 --why "no longer needed"
has_not "$T/err" qzwhy "and why is not said"
event=$(r events --json source.reverse_dns=held.one.example.org | sed -nE 's/.*"id":"([0-9a-f]{32})".*/\1/p' | head -1)
check_fails 77 "nor destroyed" r destroy "event--$event" --refer "Hotline"
r account new "Duty B" --roles duty >/dev/null
duty=$(r token make duty --right operate --ceiling AMBER --account "Duty B" 2>/dev/null)
for url in "$URL/preservation/1.json" "$URL/preservation.json" "$URL/search.json?text=police"; do
	curl -s -H "Authorization: Bearer $duty" "$url" >"$T/out"
	has_not "$T/out" qzwhy "who may not read it does not learn why"
done
echo '{ "title": "Second request", "asked_by": "Nobody", "received": "2026-11-20", "identity": "seen", "identifiers": [ { "kind": "domain", "value": "held.one.example.org" } ] }' >"$T/request.json"
check "a person asks about it" r subject new --body "$T/request.json"
check "it is found" r subject search 2
r subject found 2 --csv >"$T/out"
has "$T/out" '"event--.*"neither"' "but nobody is told"
r subject pack 2 --json >"$T/out"
has_not "$T/out" held.one "in the reply"
check_fails 64 "lifting asks for a reason" sh -c "ronda hold lift preservation-1 -d '$D' || exit 64"
check "it is lifted" r hold lift preservation-1 --reason "case closed"
check "then it may be erased" r note erase 1 --why "no longer needed"

# --- pages ---
lead=$(r token make lead --right operate --ceiling AMBER+STRICT --personal --account "Lead B" 2>/dev/null)
api() { # status in $status, body in $T/body
	status=$(curl -s -o "$T/body" -w '%{http_code}' --max-time 60 -H "Authorization: Bearer $lead" "$@" 2>"$T/curl")
}
api -H 'Accept: text/html' "$URL/privacy"
is "$status" 200 "the register is a page"
has "$T/body" 'Incidents' "with each type"
check "an event of a person" r intake "$T/2026-11-20-scan_telnet-a.csv"
echo '{ "title": "Third request", "asked_by": "Nobody", "received": "2026-11-20", "identity": "seen", "identifiers": [ { "kind": "e-mail", "value": "bob@example.org" } ] }' >"$T/request.json"
check "a third request" r subject new --body "$T/request.json"
api -H 'Accept: text/html' "$URL/subject/3"
has "$T/body" '/found">What is kept about this person' "leads to what is kept"
api -d do=search "$URL/subject/3/found"
is "$status" 200 "a search over HTTP"
has "$T/body" '"said":"Searched to the end' "comes to its end"
has "$T/body" '"kind":"record"' "and finds the card"
api "$URL/subject/3/reply.json"
has "$T/body" 'Bob Example' "the reply has it"
api -d do=purge "$URL/subject/3/found"
has "$T/body" '"confirm":true' "erasing asks again"
api -d do=purge -d meant=yes "$URL/subject/3/found"
is "$status" 409 "and waits for the review"
check "it is reviewed" r subject move 3 reviewed
api -d do=purge -d meant=yes "$URL/subject/3/found"
is "$status" 200 "then it is done"
nowhere "Bob Example" "to the last byte"
api "$URL/incident/1/found"
is "$status" 404 "other records have no such page"
api -H 'Accept: text/html' "$URL/incident/1"
has "$T/body" '/destroy\?object=incident--' "a record's page leads to destroying it"
api -d "objects=incident-1" -d agency=Hotline "$URL/destroy"
has "$T/body" '"confirm":true' "which asks again"
r incident show 1 >"$T/out"
has "$T/out" 'Open one' "and does nothing yet"
api -d "objects=incident-1" -d agency=Hotline -d meant=yes "$URL/destroy"
is "$status" 200 "it is meant"
has "$T/body" '"ended":true' "and done"
api "$URL/incident/1.json"
has_not "$T/body" 'Open one' "it is gone"
curl -s -o "$T/body" -w '%{http_code}' -H "Authorization: Bearer $(cat "$T/token")" -d "objects=incident-2" -d agency=x -d meant=yes "$URL/destroy" >"$T/status"
is "$(cat "$T/status")" 404 "a viewer has no such page"
stop_node
done_testing
