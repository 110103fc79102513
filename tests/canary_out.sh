#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One unique string in what is RED, sealed, or for the team alone; told by every way out there is: webhook, chat,
# SMS, mail, paper, the page of an answer. What may be told arrives by each; the strings by none, nor
# in a mail that bounced, in the log, the journal, or on a page without login.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/clock.sh"
. "$RONDA_SOURCE/tests/servers.sh"

hook_pid=
end_all() {
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
for _ in $(seq 100); do
	[ ! -s "$T/port" ] || break
	sleep 0.05
done
HOOK=http://127.0.0.1:$(cat "$T/port")
red=canaryred4f1a sealed=canarysealed77b2 team=canaryteam3c9d find=canaryfind81ee seen=plainlyseen52
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
public_url = https://cert.example.org
log_level = debug
END
ronda settings -d "$D" >/dev/null 2>&1 || sed -i '/^public_pages/d' "$D/ronda.conf"
printf 'seven rivers run north\n' | r seal key >/dev/null 2>&1
n=0
for contact in "\"webhook\":\"$HOOK/ok-hook\",\"channel\":\"webhook\"" "\"webhook\":\"$HOOK/ok-room\",\"channel\":\"chat\"" \
	'"phone":"+62000001","channel":"sms"' '"email":"abuse@outside.example.net","channel":"mail"' \
	'"email":"bounced@outside.example.net","channel":"mail"' '"phone":"+62000002","channel":"letter"'; do
	printf '{"name":"Org %s","kind":"constituent","contacts":[{"role":"abuse",%s}],"constituency":[{"kind":"network","value":"198.18.%s.0/24"}]}' \
		$n "$contact" $n >"$T/org"
	r organisation new --body "$T/org" >/dev/null 2>"$T/err" || ok 1 "an organisation"
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
for i in $(seq 12); do
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
sleep 2
at "2026-12-02 10:00"
sleep 3
at "2026-12-03 10:30"
sleep 3
settled
ok $? "everything has ended"

# --- what came out, by each way ---
mkdir "$T/ways"
for way in hook room sms; do
	grep "^/ok-$way" "$T/hooks" >"$T/ways/$way"
done
find "$MAILS" -type f -exec cat {} + >"$T/mails"
# as a reader has it: transfer encodings undone
tr -d '\r' <"$T/mails" | sed -e ':a' -e '/=$/{N;s/=\n//;ba' -e '}' >"$T/ways/mail"
tr -d '\r' <"$T/mails" | grep -E '^[A-Za-z0-9+/]{40,}={0,2}$' | while read -r line; do
	printf '%s' "$line" | base64 -d 2>/dev/null
done >>"$T/ways/mail"
r outbox print >"$T/ways/paper" 2>&1
grep -ohaE '/a/[A-Za-z0-9_-]{10,}' "$T/ways"/* | sort -u >"$T/links"
while read -r link; do
	curl -s "$URL$link"
done <"$T/links" >"$T/ways/answer"
for way in hook room sms mail paper answer; do
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
for word in $red $sealed $team $find; do
	for way in hook room sms mail paper answer pages journal log; do
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
