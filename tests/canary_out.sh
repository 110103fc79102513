#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One unique string in what is RED, sealed, or for the team alone; told by every way out there is: webhook, chat,
# SMS, mail, encrypted mail, paper, the page of an answer, the portal of two organisations. What may be told arrives by
# each; the strings by none, nor in a mail that bounced, in figures, in the log, the journal, or on a page without
# login; and one organisation has nothing of the other. Then one in a mail that came in encrypted.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/clock.sh"
. "$RONDA_SOURCE/tests/servers.sh"

hook_pid=
THEIRS=$T/theirs
end_all() {
	[ ! -d "$THEIRS" ] || gpgconf --homedir "$THEIRS" --kill all
	[ -z "$hook_pid" ] || kill "$hook_pid" 2>/dev/null
	postfix_stop
	dovecot_stop
	finish
}
trap end_all EXIT
servers_can || {
	skip "canaries by mail" "$servers_lack"
	done_testing
}
dovecot_start && postfix_start
ok $? "a relay and a mailbox store"
"$RONDA_BUILD/tests/helpers/ronda-hook" "$T/hooks" >"$T/port" &
hook_pid=$!
for _ in $(seq 1200); do
	[ ! -s "$T/port" ] || break
	sleep 0.05
done
HOOK=http://127.0.0.1:$(cat "$T/port")
red=canaryred4f1a sealed=canarysealed77b2 team=canaryteam3c9d find=canaryfind81ee seen=plainlyseen52 came=canarycame0b6d
g() { gpg --batch -q --no-tty --homedir "$THEIRS" --trust-model always "$@"; }
at "2026-12-01 09:00"
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
cat >>"$D/ronda.conf" <<END
send_messages = yes
send_pace = 0s
webhook_hosts = $HOOK
sms_url = $HOOK/ok-sms
mail_from = Team B <cert@example.org>
mail_relays = smtp://127.0.0.1:$SMTP_PORT
ladder_sends = regulator
ladder_pause = 1m
public_pages = yes
portal = yes
mail_receipt = yes
public_url = https://cert.example.org
log_level = debug
END
check "a key of ours" r key generate "Team B" cert@example.org
own=$(cat "$T/out")
echo "mail_sign = $own" >>"$D/ronda.conf"
mkdir -m 700 "$THEIRS"
g --passphrase '' --quick-gen-key "keyed <keyed@outside.example.net>" future-default default 1y 2>/dev/null
g --export --armor keyed@outside.example.net >"$T/keyed.asc"
r key export "$own" >"$T/own.asc" && g --import "$T/own.asc" 2>/dev/null
check "a key of theirs" r key import "$T/keyed.asc"
keyed=$(g --list-keys --with-colons keyed@outside.example.net | awk -F: '/^fpr/ { print $10; exit }')
printf 'seven rivers run north\n' | r seal key >/dev/null 2>&1
n=0
for contact in "\"webhook\":\"$HOOK/ok-hook\",\"channel\":\"webhook\"" "\"webhook\":\"$HOOK/ok-room\",\"channel\":\"chat\"" \
	'"phone":"+62000001","channel":"sms"' '"email":"abuse@outside.example.net","channel":"mail"' \
	'"email":"bounced@outside.example.net","channel":"mail"' '"phone":"+62000002","channel":"letter"' \
	"\"email\":\"keyed@outside.example.net\",\"channel\":\"mail\",\"key\":\"$keyed\""; do
	printf '{"name":"Org %s","kind":"constituent","contacts":[{"role":"abuse",%s}],"constituency":[{"kind":"network","value":"198.18.%s.0/24"}]}' \
		$n "$contact" $n >"$T/org"
	r organisation new --body "$T/org" >/dev/null 2>"$T/err" || ok 1 "an organisation"
	printf '{"__type":"Event","source.ip":"198.18.%s.9","source.fqdn":"only%sof.example.org","time.source":"2026-11-30T01:00:00+00:00","classification.type":"phishing","classification.identifier":"open-telnet","tlp":"GREEN"}\n' $n $n >>"$T/report.json"
	n=$((n + 1))
	r incident new title="$seen $n" class=other severity=low summary="$seen" internal=$team organisation="organisation-$n" \
		--labels '{"tlp":"GREEN","named":["account:1"]}' >/dev/null
	r incident edit $((2 * n - 1)) victim=$sealed >/dev/null 2>"$T/err" || ok 1 "a sealed field"
	r incident new title="$red $n" class=other severity=low summary=$red internal=$red organisation="organisation-$n" \
		--labels '{"tlp":"RED","named":["account:1"]}' >/dev/null
	printf '{"__type":"Event","source.ip":"198.18.%s.7","source.fqdn":"%s.example.org","time.source":"2026-11-30T01:00:00+00:00","classification.type":"phishing","classification.identifier":"open-telnet","tlp":"RED","comment":"%s"}\n' $((n - 1)) $find $find >>"$T/report.json"
	printf '{"__type":"Event","source.ip":"198.18.%s.8","source.fqdn":"%s.example.org","time.source":"2026-11-30T01:00:00+00:00","classification.type":"phishing","classification.identifier":"open-telnet","tlp":"GREEN"}\n' $((n - 1)) $seen >>"$T/report.json"
done
check "a report" r intake "$T/report.json"
for i in $(seq 14); do
	r incident move "$i" open >/dev/null 2>&1
	r incident move "$i" waiting --why $team >/dev/null 2>&1
done
cat >"$T/round" <<END
{"title":"$team","kind":"notification","question":"identifier=open-telnet","answer_by":"2026-12-09 09:00","remarks":"$team",
 "texts":[{"language":"en","subject":"$seen","text":"Please look."}]}
END
check "a notification" r round new --body "$T/round"
sep='['
for one in $(r organisation list --json | grep -oE 'organisation--[0-9a-f-]{36}' | sort -u); do
	printf '%s{"name":"one","role":"host","kinds":["phishing"],"organisation":"%s"}\n' "$sep" "$one"
	sep=,
done >"$D/platforms.json"
echo ']' >>"$D/platforms.json"
check "a takedown" r takedown start "https://login.$seen.example.net/x" kind=phishing internal=$team
check "asked" r takedown ask 1 all
check "another" r takedown start "https://login.$red.example.net/x" kind=phishing evidence=$red
check "asked, too" r takedown ask 2 all
check "RED before it goes" r takedown edit 2 --labels '{"tlp":"RED","named":["account:1"]}'
org_of() { r organisation list name="$1" --json | grep -oE 'organisation--[0-9a-f-]{36}' | head -1; }
for i in 3 4; do
	r account new "Person $i" --roles constituent --organisation "$(org_of "Org $i")" >/dev/null 2>"$T/err"
	ok $? "somebody of organisation $i"
done
t3=$(r token make three --right read --ceiling AMBER --account "Person 3" 2>/dev/null | head -1)
t4=$(r token make four --right read --ceiling AMBER --account "Person 4" 2>/dev/null | head -1)
lead=$(r token make lead --right operate --ceiling RED --account "Lead A" 2>/dev/null | head -1)
r account new "Watcher" --roles viewer >/dev/null 2>&1
low=$(r token make low --right read --ceiling GREEN --account "Watcher" 2>/dev/null | head -1)
check "live" r rehearsal live --all --why "a test of canaries"
if r help rule >/dev/null 2>&1; then
	r rule new title=$team pace=once >/dev/null 2>"$T/err"
	check "a rule for all" r rule move 1 active --why "a test"
fi
check "the node runs" serve
check "the notification starts" r round start 1
settled() {
	for _ in $(seq 600); do
		left=$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM outbox WHERE state IN (1, 2, 3)
			AND driver IN ('webhook', 'chat', 'sms', 'mail')" 2>/dev/null)
		[ "$left" != 0 ] || return 0
		sleep 0.1
	done
	return 1
}
until_made round.notify 7 && until_made ladder.step 7 && until_made takedown.ask 14 && settled
at "2026-12-02 10:00"
until_made clock.due 2 && until_made takedown.repeat 7 && settled
at "2026-12-03 10:30"
until_made clock.due 4 && until_made takedown.repeat 14
ok $? "all that is due was made"
settled
ok $? "everything has ended"

# --- a mail comes in encrypted ---
printf 'Content-Type: text/plain; charset=utf-8; protected-headers="v1"\r\nSubject: subject%s\r\nFrom: keyed@outside.example.net\r\n\r\n%s inside\r\n' $came $came >"$T/part"
g --armor -u keyed@outside.example.net -r "$own" -se -o "$T/part.gpg" "$T/part" 2>/dev/null
{
	printf 'From: <keyed@outside.example.net>\nTo: <cert@example.org>\nDate: Tue, 01 Dec 2026 10:00:00 +0000\nMessage-ID: <sealed1@outside.example.net>\nMIME-Version: 1.0\n'
	printf 'Subject: ...\nContent-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\nContent-Type: application/octet-stream\n\n'
	cat "$T/part.gpg"
	printf '\n--b--\n'
} >"$T/sealed"
check "an encrypted mail comes in" r mail in "$T/sealed" --json
r mail show 1 --json >"$T/out" 2>"$T/err"
has "$T/out" "$came inside" "we read it"
part=${came%??}
check "a case of it" r incident new title="Answers" class=other severity=low
check "filed" r mail file 1 incident-15
for q in "search.json?text=$part" mail.json "mail.json?text=$part" mail.csv mail/1.json mail/1/history.json incident/15.json incident/15/letters.json incident/15/timeline.json portal.json portal/messages.json; do
	for who in "$t3" "$t4" "$low"; do
		curl -s -H "Authorization: Bearer $who" "$URL/$q"
	done
	curl -s "$URL/$q"
done >"$T/came"
has_not "$T/came" $came "nobody outside, and nobody whose clearance is less, finds it"
curl -s -H "Authorization: Bearer $lead" "$URL/search.json?text=$came" >"$T/out"
has "$T/out" '"id":"mail--' "who may, does"
r incident letter 15 --answers mail-1 --to "$(org_of "Org 6")/abuse" --words "We look." >"$T/out" 2>"$T/err"
ok $? "it is answered"
check "and once more, in clear" r incident letter 15 --answers mail-1 --words "Please call." --tlp CLEAR
for _ in $(seq 600); do
	[ "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM outbox WHERE template IN ('mail.receipt', 'mail.letter') AND state > 3")" -lt 3 ] || break
	sleep 0.1
done
settled

# --- what came out, by each way ---
mkdir "$T/ways"
for way in hook room sms; do
	grep "^/ok-$way" "$T/hooks" >"$T/ways/$way"
done
find "$MAILS" -type f -exec cat {} + >"$T/mails"
# as a reader has it: transfer encodings undone
tr -d '\r' <"$T/mails" | sed -e ':a' -e '/=$/{N;s/=\n//;ba' -e '}' >"$T/ways/mail"
tr -d '\r' <"$T/mails" | grep -aE '^[A-Za-z0-9+/]{40,}={0,2}$' | while read -r line; do
	printf '%s' "$line" | base64 -d 2>/dev/null
done >>"$T/ways/mail"
r outbox print >"$T/ways/paper" 2>&1
grep -ohaE '/a/[A-Za-z0-9_-]{10,}' "$T/ways"/* | sort -u >"$T/links"
while read -r link; do
	curl -s "$URL$link"
done <"$T/links" >"$T/ways/answer"
grep -qa '^Subject: .*Re: \[\.\.\.\]' "$T/mails"
ok $? "an answer in clear does not say what it answers"
is "$(grep -ac "$came" "$T/mails")" 0 "what came encrypted goes out in clear nowhere"
# every encrypted mail, opened by its reader
find "$MAILS/keyed@outside.example.net" -type f | while read -r mail; do
	tr -d '\r' <"$mail" | awk 'index($0, "Content-Type: application/octet-stream") == 1 { on = 1 } on && !body && /^$/ { body = 1; next } body && /^--=_/ { exit } body { print }' |
		sed -n '/BEGIN PGP/,$p' | g -d 2>/dev/null | tr -d '\r'
done | sed -e ':a' -e '/=$/{N;s/=\n//;ba' -e '}' >"$T/ways/encrypted"
find "$MAILS/cert@example.org" -type f -exec cat {} + >"$T/ways/bounced" 2>/dev/null
visit() { # token, organisation's number: all of the portal, each message opened
	as() { curl -s -H "Authorization: Bearer $1" -H 'Accept: text/html' "$2"; }
	for id in $(sqlite3 -readonly "$D/main.db" "SELECT id FROM outbox WHERE recipient LIKE 'organisation--%'"); do
		curl -s -o /dev/null -H "Authorization: Bearer $1" -d '' "$URL/portal/messages/$id/read"
		as "$1" "$URL/portal/messages/$id" && as "$1" "$URL/portal/messages/$id.json"
	done
	for id in $(r findings --json | sed -nE 's/.*"id": ?"([0-9a-f]{32})".*/\1/p'); do
		as "$1" "$URL/portal/findings/$id" && as "$1" "$URL/portal/findings/$id.json"
	done
	for path in portal portal/findings portal/messages portal/organisation portal/export; do
		for form in "" .json .csv; do
			as "$1" "$URL/$path$form"
		done
	done
}
visit "$t3" >"$T/ways/portal"
visit "$t4" >"$T/ways/portal-of-another"
for who in "$t3" "$low"; do
	for path in figures figures.json figures.csv count.json count.csv metrics; do
		curl -s -H "Authorization: Bearer $who" "$URL/$path"
	done
done >"$T/ways/figures"
r figures --csv >>"$T/ways/figures" 2>/dev/null
[ -s "$T/ways/figures" ]
ok $? "figures are there"
has "$T/ways/portal" 'only3of' "the portal has what is theirs"
has "$T/ways/portal-of-another" 'only4of' "each its own"
for i in 0 1 2 3 4 5 6; do
	[ $i = 3 ] || has_not "$T/ways/portal" "only${i}of" "nothing of organisation $i is in the portal of 3"
	[ $i = 4 ] || has_not "$T/ways/portal-of-another" "only${i}of" "nor in that of 4"
done
for way in hook room sms mail encrypted paper answer portal portal-of-another; do
	grep -qa $seen "$T/ways/$way"
	ok $? "what may be told came out by $way"
done
find "$MAILS/cert@example.org" -type f >"$T/out" 2>/dev/null
[ -s "$T/out" ]
ok $? "a letter came back"
for path in / /report /warnings /warnings.rss /figures /login /portal /answers /takedown/1 /incident/1 /incident/2.json; do
	curl -s -i -H 'Accept: text/html' "$URL$path"
done >"$T/ways/pages"
r journal --json >"$T/ways/journal" 2>/dev/null
cp "$T/node.log" "$T/ways/log"
for word in $red $sealed $team $find $came; do
	for way in hook room sms mail encrypted paper answer portal portal-of-another bounced figures pages journal log; do
		# reasons that people give stand in the journal
		[ $way$word != journal$team ] || continue
		has_not "$T/ways/$way" $word "$word is not in $way"
	done
	! grep -qaF $word "$T/mails"
	ok $? "nor in a mailbox, raw"
done
r ledger list --csv >"$T/out"
has "$T/out" '"refused"' "the ledger has what was refused"
done_testing
