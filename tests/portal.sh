#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The portal: people of two organisations, each of whom sees what is theirs and nothing else; messages that wait there
# until they are opened; answers, proposals; invitations by the confirmed contact, and one-time links.
. "$RONDA_SOURCE/tests/lib.sh"

. "$RONDA_SOURCE/tests/portal_world.sh"
r init --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
for i in 0 1; do
	printf '{"name":"Net %d","kind":"provider","remarks":"canary-remark %d","contacts":[{"role":"abuse","channel":"portal","email":"abuse%d@example.org","confirmed":"2026-11-01"}],"constituency":[{"kind":"network","value":"198.18.%d.0/24"},{"kind":"network","value":"198.18.%d.0/24"}]}' \
		$i $i $i $i $((i + 4)) >"$T/org"
	r organisation new --body "$T/org" >"$T/out" 2>"$T/err"
	ok $? "organisation $i"
done
if r rehearsal live --all --why "all of it is ours" >"$T/out" 2>"$T/err"; then ok 0 "messages go out"; fi
org_of() { r organisation list name="$1" --json | sed -nE 's/.*"id": ?"(organisation--[^"]*)".*/\1/p' | head -1; }
a=$(org_of "Net 0") b=$(org_of "Net 1")
r account new "Person A" --roles constituent --organisation "$a" >/dev/null 2>&1
r account new "Person B" --roles constituent --organisation "$b" >/dev/null 2>&1
ta=$(r token make a --right read --ceiling AMBER --account "Person A" 2>/dev/null | head -1)
tb=$(r token make b --right read --ceiling AMBER --account "Person B" 2>/dev/null | head -1)
tl=$(r token make lead --right operate --ceiling RED --account "Lead A" 2>/dev/null | head -1)
check "a feed that lists all there is" r feed add telnet --tlp AMBER --complete
made scan_telnet 1 300 >"$T/2026-11-20-scan_telnet-first.csv"
check "the node runs" serve_links
as() { who=$1; shift; curl -s --max-time 20 -o "$T/page" -D "$T/head" -w '%{http_code}' -H "Authorization: Bearer $who" "$@"; }
is "$(as "$ta" "$URL/portal.json")" 404 "without the setting there is no portal"
stop_node
check "the node runs with one" serve_links --set portal=yes
check "a report" r intake --feed telnet "$T/2026-11-20-scan_telnet-first.csv"
findings_are 300
check "a feed of stricter label" r feed add strict --tlp AMBER+STRICT
made scan_telnet 1024 5 >"$T/2026-11-20-scan_telnet-strict.csv"
check "and its report" r intake --feed strict "$T/2026-11-20-scan_telnet-strict.csv"
findings_are 305
cat >"$T/round" <<END2
{"title":"Telnet","kind":"notification","question":"country=ID to=all","answer_by":"$(later '1 hour')",
 "texts":[{"language":"en","subject":"Telnet is open","text":"Please close it."}]}
END2
r round new --body "$T/round" >/dev/null
check "a round about them" r round start 1
for _ in $(seq 1200); do
	[ "$(query "SELECT count(*) FROM outbox WHERE driver = 'portal' AND state = 1")" != 2 ] || break
	sleep 0.05
done

# --- each his own ---
is "$(as "$tl" "$URL/portal.json")" 403 "the portal is not for us"
is "$(as "$ta" "$URL/portal.json")" 200 "it is for them"
has "$T/page" '"organisation_name":"Net 0"' "by name"
has "$T/page" '"findings_open":255' "with their findings"
has "$T/page" '"unread":1' "and a message that waits"
has_not "$T/page" '198.18.1.' "and nothing of another"
has_not "$T/page" '198.18.4.' "nor what is above the account's label"
is "$(as "$tb" "$URL/portal.json")" 200 "the other"
has "$T/page" '"findings_open":45' "has others"
is "$(as "$ta" "$URL/portal/findings.csv")" 200 "as a table"
is "$(grep -c '198\.18\.0\.' "$T/page")" 255 "all of theirs"
has_not "$T/page" '198.18.1.' "no other"
is "$(as "$ta" "$URL/portal/export.json")" 200 "all of it to take along"
has_not "$T/page" '198.18.1.' "no other either"
is "$(as "$ta" "$URL/portal/organisation.json")" 200 "what we know of them"
has "$T/page" '198\.18\.0\.0/24' "their range"
has "$T/page" '"email":"abuse0@example.org"' "their contact"
for word in canary-remark 198.18.1. "Net 1"; do has_not "$T/page" "$word" "without '$word'"; done
fa=$(query "SELECT item FROM outbox_cover WHERE message = (SELECT id FROM outbox WHERE recipient LIKE '$a%') LIMIT 1")
fb=$(query "SELECT item FROM outbox_cover WHERE message = (SELECT id FROM outbox WHERE recipient LIKE '$b%') LIMIT 1")
ma=$(query "SELECT id FROM outbox WHERE recipient LIKE '$a%'")
mb=$(query "SELECT id FROM outbox WHERE recipient LIKE '$b%'")
fa=${fa#finding--} fb=${fb#finding--}
is "$(as "$ta" "$URL/portal/findings/$fa.json")" 200 "a finding of theirs"
is "$(as "$ta" "$URL/portal/findings/$fb.json")" 404 "not of another"
is "$(as "$ta" "$URL/portal/messages/$ma.json")" 200 "a message to them"
has "$T/page" '"unread":true' "is closed"
has_not "$T/page" 'Please close it' "and says nothing yet"
is "$(query "SELECT state FROM outbox WHERE id = $ma")" 1 "to look does not open it"
for at in "messages/$mb" "messages/$mb.json"; do is "$(as "$ta" "$URL/portal/$at")" 404 "nobody reads another's: $at"; done
is "$(as "$ta" -d '' "$URL/portal/messages/$mb/read")" 404 "nor opens it"
is "$(as "$ta" -d 'kind=fixed&nonce=x' "$URL/portal/messages/$mb")" 404 "nor answers it"
is "$(query "SELECT state FROM outbox WHERE id = $mb")" 1 "it waits as before"
is "$(as "$ta" -H 'Content-Type: application/json' -d '{"kind":"fixed"}' "$URL/portal/messages/$ma")" 400 "what is closed is not answered"
is "$(as "$ta" -d '' "$URL/portal/messages/$ma/read")" 303 "it is opened"
is "$(as "$ta" -d '' "$URL/portal/messages/$ma/read")" 303 "again, which is nothing"
is "$(query "SELECT state FROM outbox WHERE id = $ma")" 4 "then it was told"
is "$(query "SELECT count(*) FROM ledger WHERE message = $ma AND kind = 8")" 1 "the ledger says that it was shown"
is "$(as "$ta" "$URL/portal/messages/$ma.json")" 200 "it reads"
has "$T/page" 'Please close it' "as we wrote it"
has "$T/page" '198\.18\.0\.' "with what is theirs"
has_not "$T/page" '198.18.4.' "without what is above the account's label"
strict=$(query "SELECT item FROM outbox_cover WHERE message = $ma" | while read -r f; do r findings show "${f#finding--}" 2>/dev/null | grep -q '198.18.4.' && echo "${f#finding--}" && break; done)
is "$(as "$ta" -d "kind=fixed&nonce=n1&finding=$fa&words=canary-answer" -H 'Accept: text/html' "$URL/portal/messages/$ma")" 303 "an answer"
is "$(as "$ta" -d "kind=fixed&nonce=n1&finding=$fb" -H 'Accept: text/html' "$URL/portal/messages/$ma")" 303 "the same form again is the same answer"
is "$(as "$ta" -d "kind=fixed&nonce=n2&finding=$fb" -H 'Accept: text/html' "$URL/portal/messages/$ma")" 400 "another's finding is none of theirs"
is "$(as "$ta" "$URL/portal/findings/$fa.json")" 200 "the finding"
has "$T/page" '"claim":"waits"' "says what they claim"
has "$T/page" 'canary-answer' "in their words"
is "$(as "$tl" "$URL/findings/$fa.json")" 200 "and so it does to us"
has "$T/page" 'canary-answer' "with the words"

# --- a change is proposed, never made ---
before=$(r organisation show "$a" --json | cksum)
is "$(as "$ta" -d 'words=our+new+number+is+%2B62&nonce=p1' "$URL/portal/organisation")" 303 "a change is proposed"
is "$(as "$ta" -d 'words=our+new+number+is+%2B62&nonce=p1' "$URL/portal/organisation")" 303 "the same form again"
is "$(as "$ta" -d 'words=&nonce=p2' "$URL/portal/organisation")" 400 "nothing is no change"
is "$(query "SELECT count(*) FROM outbox WHERE driver = 'notice' AND maker LIKE 'proposal:%'")" 1 "one of us is to confirm it"
is "$(r organisation show "$a" --json | cksum)" "$before" "and nothing has changed"
as "$tl" "$URL/notices.json" >/dev/null
has "$T/page" 'they propose a change.*number is \+62' "with what they said"

# --- who comes in, and how ---
printf '{"name":"Net 2","kind":"provider","contacts":[{"role":"abuse","channel":"webhook","webhook":"%s/ok","confirmed":"2026-11-01"},{"role":"press","channel":"webhook","webhook":"%s/no"}]}' \
	"$HOOK" "$HOOK" >"$T/org"
r organisation new --body "$T/org" >/dev/null
c=$(org_of "Net 2")
check_fails 65 "nobody is invited by a contact that was not confirmed" r account invite-constituent "$c" --contact press
check "by one that was" r account invite-constituent "$c"
link_now() { # until the receiver has link number $1
	for _ in $(seq 600); do
		[ "$(grep -ohE "$URL/portal/sign-in/[a-z0-9]+" "$T/hooks" | sort -u | wc -l)" -lt "$1" ] || break
		sleep 0.1
	done
	grep -ohE "$URL/portal/sign-in/[a-z0-9]+" "$T/hooks" | tail -1
}
link=$(link_now 1)
[ -n "$link" ]
ok $? "the link goes by that contact's way"
browse() { at=$1; shift; curl -s --max-time 20 -b "$T/jar" -c "$T/jar" -o "$T/page" -D "$T/head" -w '%{http_code}' -H 'Accept: text/html' "$@" "$at"; }
for _ in 1 2 3; do browse "$link" >/dev/null; done
is "$(browse "$link")" 200 "to open it shows a button"
is "$(browse "$URL/portal")" 303 "and signs nobody in"
has "$T/head" '^Location: /login' "as before"
is "$(browse "$link" -d '')" 303 "the button does"
has "$T/head" '^Location: /account' "and leads to where a passkey or a password is set"
is "$(browse "$URL/portal")" 200 "then the portal opens"
has "$T/page" 'Net 2' "of their organisation"
is "$(browse "$URL/")" 303 "the watch board"
has "$T/head" '^Location: /portal' "is not theirs"
for at in /findings /events /answers /feeds /count /rehearsal; do is "$(browse "$URL$at")" 403 "nor is $at"; done
is "$(curl -s -o "$T/page" -w '%{http_code}' -d '' "$link")" 403 "the link works once"
is "$(curl -s -o "$T/other" -w '%{http_code}' -d '' "$URL/portal/sign-in/aaaaaaaaaaaaaaaaaaaaaaaaab")" 403 "a forged one never"
sed 's/[0-9a-z]*" *$//' "$T/page" >"$T/one"
sed 's/[0-9a-z]*" *$//' "$T/other" >"$T/two"
cmp -s "$T/one" "$T/two"
ok $? "and both say the same"
name="Net 2 abuse"
ask() { curl -s -o "$1" -w '%{http_code}' --data-urlencode "name=$2" "$URL/portal/sign-in"; }
is "$(ask "$T/one" "$name")" 200 "a one-time link"
is "$(ask "$T/two" "Nobody at all")" 200 "for nobody"
cmp -s "$T/one" "$T/two"
ok $? "looks the same"
link=$(link_now 2)
is "$(query "SELECT count(*) FROM outbox WHERE template = 'portal.sign-in'")" 1 "one is on its way"
is "$(ask "$T/one" "Lead A")" 200 "one of ours asks"
ask "$T/one" "$name" >/dev/null
is "$(query "SELECT count(*) FROM outbox WHERE template = 'portal.sign-in'")" 1 "for whom there is none, nor two in a minute"
rm -f "$T/jar"
is "$(browse "$link" -d '')" 303 "it lets them in"
is "$(browse "$URL/portal")" 200 "to the portal"
r account disable "$name" >/dev/null 2>&1
is "$(browse "$URL/portal")" 303 "until the account is disabled"
sqlite3 -readonly "$D/main.db" .dump >"$T/dump"
has_not "$T/dump" "${link##*/}" "no link stands in the database"
has_not "$T/node.log" "${link##*/}" "nor in the log"

# --- more than a page ---
for port in 2301 2302 2303 2304 2305; do
	made scan_telnet 0 250 | sed -e 1d -e "s/,tcp,23,/,tcp,$port,/"
done >"$T/rows"
{ made scan_telnet 0 0; cat "$T/rows"; } >"$T/2026-11-20-scan_telnet-many.csv"
check "a feed that never lists all" r feed add more --tlp AMBER
check "many more reports" r intake --feed more "$T/2026-11-20-scan_telnet-many.csv"
for _ in $(seq 600); do
	as "$ta" "$URL/portal/findings.csv" >/dev/null
	[ "$(grep -c '198\.18\.0\.' "$T/page")" -lt 1505 ] || break
	sleep 0.1
done
is "$(grep -c '198\.18\.0\.' "$T/page")" 1505 "the table has all of them, not a thousand"
is "$(cut -d, -f1 "$T/page" | sed 1d | sort -u | wc -l)" 1505 "each once"
as "$ta" "$URL/portal/export.json" >/dev/null
is "$(grep -oE '"key":"ip 198\.18\.0\.[0-9]+ port [0-9]+"' "$T/page" | sort -u | wc -l)" 1505 "and so has what is taken along"
stop_node
has_not "$T/node.log" '"error"' "nothing failed"
ronda verify -d "$D" >"$T/out" 2>"$T/err"
ok $? "and all is sound"
done_testing
