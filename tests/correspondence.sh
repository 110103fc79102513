#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An incident and those it is written about with: letters, answers, notes, by real mail; whom a letter would
# reach is said before, and what may not go by mail does not.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/servers.sh"
unset LANG LC_ALL LC_MESSAGES
THEIRS=$T/theirs
end_all() {
	[ ! -d "$THEIRS" ] || gpgconf --homedir "$THEIRS" --kill all
	postfix_stop
	dovecot_stop
	finish
}
trap end_all EXIT
servers_can || {
	skip "letters by a real relay" "$servers_lack"
	done_testing
}
r() { ronda "$@" -d "$D"; }
g() { gpg --batch -q --no-tty --homedir "$THEIRS" --trust-model always "$@"; }
query() { sqlite3 -readonly -cmd '.timeout 5000' "$D/main.db" "$1"; }
mail_of() { cat "$MAILS/$1"/Maildir/*/* 2>/dev/null | tr -d '\r'; }
# A relay has taken a mail before the mailbox has it: address, pattern, file to keep it in.
arrives() {
	for _ in $(seq 600); do
		mail_of "$1" >"$3"
		! grep -qE -- "$2" "$3" || return 0
		sleep 0.1
	done
	return 1
}
wait_sent() {
	for _ in $(seq 600); do
		[ "$(query "SELECT count(*) FROM outbox WHERE driver = 'mail' AND state IN (1, 2, 3)")" != 0 ] || return 0
		sleep 0.1
	done
	return 1
}
check "a node is made" ronda init "$D" --name "Team B" --country ID --team small --account "Lead A"
mkdir -m 700 "$THEIRS"
g --passphrase '' --quick-gen-key "ani <ani@example.net>" future-default default 1y 2>/dev/null
g --export --armor ani@example.net >"$T/ani.asc"
ani=$(g --list-keys --with-colons ani@example.net | awk -F: '/^fpr/ { print $10; exit }')
check "a key" r key import "$T/ani.asc"
cat >"$T/organisations.jsonl" <<END
{"name":"Ani","kind":"constituent","contacts":[{"role":"abuse","email":"ani@example.net","channel":"mail","key":"$ani"},{"role":"legal","email":"legal@example.net","channel":"mail"}]}
{"name":"Budi","kind":"constituent","contacts":[{"role":"abuse","email":"budi@example.org","channel":"mail"}]}
END
check "constituents" r organisation import "$T/organisations.jsonl"
budi=$(r organisation list --json | grep '"Budi"' | grep -o '"number":[0-9]*' | head -1 | tr -dc 0-9)
ani_org=$(r organisation list --json | grep '"Ani"' | grep -o '"number":[0-9]*' | head -1 | tr -dc 0-9)
check "an incident" r incident new title="A server that scans" class=intrusion-attempts severity=medium
dovecot_start && postfix_start
ok $? "a relay and a mailbox store run"
cat >>"$D/ronda.conf" <<END
send_messages = yes
send_pace = 0s
mail_from = Team B <cert@example.org>
mail_relays = smtp://127.0.0.1:$SMTP_PORT
END
# --- whom it would reach ---
plan() { r incident letter 1 --subject "Your server" --words "Please look." --dry-run --csv "$@" >"$T/out" 2>"$T/err"; }
plan --to "organisation-$budi"
has "$T/out" '"Budi","budi@example.org","Your server","GREEN","in clear","yes","no"' "a letter to Budi: exactly where, in clear, in rehearsal"
plan --to "organisation-$ani_org/legal"
has "$T/out" '"legal@example.net".*"in clear","yes"' "one role of an organisation"
plan --to "organisation-$ani_org/abuse" --tlp AMBER+STRICT
has "$T/out" '"ani@example.net".*"AMBER\+STRICT","encrypted","yes"' "who has a key: encrypted"
plan --to "organisation-$budi" --tlp AMBER+STRICT
has "$T/out" '"refused","no".*must be encrypted' "who has none: refused, in words"
plan --to "organisation-$ani_org/abuse" --tlp RED
has "$T/out" '"no","no","TLP:RED is never sent by mail"' "RED: never"
plan --to "stranger@example.com"
has "$T/out" '"no","no",' "GREEN to an address of which nothing is known: no"
plan --to "stranger@example.com" --tlp CLEAR
has "$T/out" '"stranger@example.com".*"CLEAR","in clear","yes"' "CLEAR: yes"
is "$(query "SELECT count(*) FROM outbox")" 0 "nothing was written"
check_fails 77 "RED is not sent by asking twice" r incident letter 1 --to "organisation-$ani_org" --subject x --words y --tlp RED
check_fails 66 "nobody of that name" r incident letter 1 --to organisation-99 --subject x --words y
is "$(query "SELECT count(*) FROM outbox")" 0 "nothing still"

printf '{"name":"Citra","email":["citra@example.net","second@example.net"],"organisation":"%s"}' \
	"$(r organisation show "$budi" --json | grep -o 'organisation--[0-9a-f-]*' | head -1)" >"$T/person"
check "a person" r person new --body "$T/person"
plan --to person-1
has "$T/out" '"Citra","citra@example.net".*"GREEN","in clear","yes"' "a person of an organisation: by the first of the addresses"
r person new name=Dewi email=dewi@example.net >/dev/null 2>&1
plan --to person-2
has "$T/out" '"Dewi","dewi@example.net".*"no",' "one of none is a stranger"

# --- texts to begin with ---
check "the texts are listed" r template classes --csv
has "$T/out" '"letter-closing","letter"' "those of letters too"
r incident letter 1 --to "organisation-$budi" --template letter-request.id >"$T/out" 2>"$T/err"
has "$T/out" '^Yth. Budi,' "one in Indonesian"
has "$T/out" 'incident-1' "names the incident"
has_not "$T/out" 'A server that scans' "not its title"
has "$T/out" 'Kami memerlukan bantuan Anda' "with its subject"
check_fails 66 "none of that name" r incident letter 1 --to "organisation-$budi" --template letter-none.en
printf '{"title":"Ours","class":"letter-visit","language":"en","subject":"We come to see you","words":"Dear {{to}},\\n{{title}} ({{case}})."}' >"$T/own"
check "one of our own" r template new --body "$T/own"
check_fails 65 "one that is no Mustache" r template new title=x class=letter-x language=en subject=y words='{{#z}}'
r incident letter 1 --to person-1 --template letter-visit.en >"$T/out" 2>"$T/err"
is $? 66 "not while it is a draft"
check "it is put in force" r template move 1 active
r incident letter 1 --to person-1 --template letter-visit.en >"$T/out" 2>"$T/err"
has "$T/out" '^A server that scans \(incident-1\)\.' "then it is there, and may name the title"
is "$(query "SELECT count(*) FROM outbox")" 0 "nothing was sent by all that"

# --- there and back ---
check "live" r rehearsal live --all --why "a test of letters"
check "a letter to Budi" r incident letter 1 --to "organisation-$budi" --subject "Your server" --words "Please look at
198.18.0.1 and tell us."
check "one to Ani, for her alone" r incident letter 1 --to "organisation-$ani_org/abuse" --subject "A secret" --words "CANARY" --tlp AMBER+STRICT
check "an internal note" r incident remark 1 --words "Budi called: they look."
check "the node serves" serve
wait_sent
ok $? "both have ended"
arrives budi@example.org '^Subject: \[ronda #1\] Your server' "$T/budi"
has "$T/budi" '^Subject: \[ronda #1\] Your server' "Budi has it"
has "$T/budi" '198.18.0.1 and tell us' "as it was written"
has_not "$T/budi" Auto-Submitted "as a person's letter"
arrives ani@example.net 'multipart/encrypted' "$T/ani"
has "$T/ani" 'multipart/encrypted' "Ani's is encrypted"
has_not "$T/ani" CANARY "whole"
mails() { r mail list direction=out --csv >"$T/out" 2>"$T/err"; }
mails
has "$T/out" '"sent","Your server"' "a list of letters says sent"
has_not "$T/out" 'Waits|queued' "and none that waits"
id=$(sed -n 's/^Message-ID: <\(.*\)>/\1/p' "$T/budi")
cat >"$T/answer" <<END
From: Budi <budi@example.org>
To: cert@example.org
Subject: RE: [ronda #1] [BUDI-77] Your server
Message-ID: <a1@example.org>
In-Reply-To: <$id>
Date: Sun, 22 Nov 2026 12:00:00 +0000

It is switched off now.
END
check "Budi answers" r mail in "$T/answer"
check "the thread" r incident thread 1 --csv
has "$T/out" '^"Ani","out".*"A secret","sent"' "with Ani"
has "$T/out" '^"Budi","out".*"Your server","sent"' "with Budi: ours"
has "$T/out" '^"Budi","in".*"Budi <budi@example.org>".*It is switched off now' "and his"
has "$T/out" '^"","note".*Budi called' "and the note"
answer=$(grep '^"Budi","in"' "$T/out" | cut -d, -f4 | tr -d '"')
check "he is answered" r incident letter 1 --answers "$answer" --words "Thank you."
wait_sent
arrives budi@example.org '^In-Reply-To: <a1@example.org>' "$T/budi"
has "$T/budi" '^In-Reply-To: <a1@example.org>' "in his thread"
has "$T/budi" '^Subject: \[ronda #[0-9]+\] R[Ee]: \[BUDI-77\] Your server' "under his subject, with his number, and our tag once"
check "a letter to Citra" r incident letter 1 --to person-1 --subject "For you" --words "Hello."
wait_sent
arrives citra@example.net '^Subject: \[ronda #[0-9]+\] For you' "$T/citra"
has "$T/citra" '^To: .*Citra.* <citra@example.net>' "a person has theirs"
check_fails 65 "a note is no letter" r incident letter 1 --answers note-1 --words x

# --- as a page ---
good='a long Password 1'
once=$(r account new "Duty A" --roles duty,analyst >/dev/null 2>&1 && r account invite "Duty A" 2>/dev/null | sed -nE 's,.*/welcome\?once=,,p')
curl -s -o /dev/null -c "$T/jar" --data-urlencode "once=$once" --data-urlencode "new=$good" "$URL/welcome"
page() { # curl's arguments: body in $T/body, code in $status
	status=$(curl -s -o "$T/body" -D "$T/head" -w '%{http_code}' --max-time 60 -b "$T/jar" -H 'Accept: text/html' "$@")
}
page "$URL/incident/1"
has "$T/body" 'href="/incident/incident--[0-9a-f-]*/letters"' "the incident leads to its correspondence"
page "$URL/incident/1/letters"
is "$status" 200 "which is a page"
has "$T/body" '<h2>Budi</h2>' "by party"
has "$T/body" 'Internal notes' "with the notes"
has "$T/body" 'It is switched off now' "and what came in"
csrf=$(sed -nE 's/.*name="csrf" value="([^"]*)".*/\1/p' "$T/body" | head -1)
sent=$(query "SELECT count(*) FROM outbox WHERE template = 'mail.letter'")
write() {
	page -H "Origin: $URL" -H 'Sec-Fetch-Site: same-origin' --data-urlencode "csrf=$csrf" "$@" "$URL/incident/1/letters"
}
write --data-urlencode do=letter --data-urlencode "to=organisation-$budi" --data-urlencode subject=Hello --data-urlencode "text=<script>x" --data-urlencode tlp=GREEN
is "$status" 200 "a letter is looked at"
has "$T/body" 'Would go to' "before it goes"
has "$T/body" '&lt;budi@example.org&gt;' "exactly where"
has "$T/body" 'value="send"' "and may be sent"
has_not "$T/body" '<script>x' "what was typed is escaped"
write --data-urlencode do=fill --data-urlencode "to=organisation-$budi" --data-urlencode template=letter-acknowledgement.en --data-urlencode text=mine --data-urlencode tlp=GREEN
has "$T/body" 'Dear Budi,' "a text takes the place of what was typed"
has "$T/body" 'value="We have your report \(incident-1\)"' "with its subject"
has "$T/body" 'Duty A' "and who writes"
has "$T/body" '&lt;budi@example.org&gt;' "beside whom it reaches"
has "$T/body" 'letter-visit.en, ours' "our own stand in the list"
write --data-urlencode do=letter --data-urlencode "to=organisation-$budi" --data-urlencode subject=Hello --data-urlencode text=x --data-urlencode tlp=AMBER+STRICT
has "$T/body" 'Does not go to' "one that must be encrypted and cannot be"
has_not "$T/body" 'value="send"' "cannot be sent"
write --data-urlencode do=send --data-urlencode "to=organisation-$budi" --data-urlencode subject=Hello --data-urlencode text=x --data-urlencode tlp=RED
has "$T/body" 'TLP:RED is never sent by mail' "nor one of RED by a form of one's own"
is "$(query "SELECT count(*) FROM outbox WHERE template = 'mail.letter'")" "$sent" "nothing was queued"
write --data-urlencode do=send --data-urlencode "to=organisation-$budi" --data-urlencode subject=Hello --data-urlencode text=x --data-urlencode tlp=GREEN
is "$status" 303 "a letter is sent"
write --data-urlencode do=round --data-urlencode "subject=To all of you" --data-urlencode "text=It goes on." --data-urlencode tlp=GREEN
is "$status" 303 "a round to all it concerns"
dry=$(sed -nE 's/^[Ll]ocation: *([^ \r]*).*/\1/p' "$T/head" | tr -d '\r')
page "$URL${dry#"$URL"}"
is "$status" 200 "shows what it would say"
has "$T/body" '<h2>Budi</h2>' "to who was written with"
has "$T/body" '<h2>Ani</h2>' "each of them"
has "$T/body" 'To all of you' "with its subject"
has "$T/body" 'It goes on\.' "and text"
is "$(query "SELECT count(*) FROM outbox WHERE template = 'round.notify'")" 0 "and sends nothing"
write --data-urlencode do=note --data-urlencode "text=A thought"
is "$status" 303 "a note is kept"
is "$(query "SELECT count(*) FROM outbox WHERE template = 'mail.letter'")" $((sent + 1)) "one was queued"
page -X POST --data-urlencode do=send --data-urlencode "to=organisation-$budi" --data-urlencode subject=x --data-urlencode text=x "$URL/incident/1/letters"
is "$status" 403 "not without the form's token"
lead=$(r token make lead --right operate --ceiling RED --account "Lead A" 2>/dev/null)
api() { curl -s -H "Authorization: Bearer $lead" -H 'Content-Type: application/json' -H 'Accept: application/json' "$@"; }
api "$URL/incident/1/letters" >"$T/out"
has "$T/out" '"threads":\[.*"party":"Ani"' "programs have it too"
api -d "{\"do\":\"send\",\"to\":\"organisation-$budi\",\"subject\":\"By a program\",\"text\":\"x\"}" "$URL/incident/1/letters" >"$T/out"
has "$T/out" '"message":[0-9]+' "and write"
api "$URL/incident/2/letters" >"$T/out"
has "$T/out" '404|nothing|no such' "of what is not there: nothing"
wait_sent
arrives budi@example.org '^Subject: \[ronda #[0-9]+\] By a program' "$T/budi"
has "$T/budi" '^Subject: \[ronda #[0-9]+\] By a program' "it arrives"
stop_node
# What ends without a sender: withdrawn, its record follows in the background.
check "one more" r incident letter 1 --to "organisation-$budi" --subject "Never mind" --words "x"
gone=$(query "SELECT max(id) FROM outbox WHERE template = 'mail.letter'")
check "is withdrawn" r outbox withdraw "$gone" --why "written by mistake"
check "the node serves" serve --set send_messages=no
for _ in $(seq 600); do
	r mail list direction=out --csv >"$T/out" 2>"$T/err"
	! grep -q '"failed","Never mind"' "$T/out" || break
	sleep 0.2
done
has "$T/out" '"failed","Never mind"' "its record says so"
stop_node
done_testing
