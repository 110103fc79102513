#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A node in rehearsal, tried by every path: rounds, takedowns, ladders, rules, invitations and sign-in links of the
# portal, letters on an incident, receipts for mails that came, the list of warnings; by webhook, chat, SMS
# and mail. Nothing reaches anybody but ourselves; what would have gone lies in our own mailbox.
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
	skip "a rehearsal with mail" "$servers_lack"
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
at "2026-12-01 09:00"
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
cat >>"$D/ronda.conf" <<END
send_messages = yes
send_pace = 0s
webhook_hosts = $HOOK
sms_url = $HOOK/ok
mail_from = Team B <cert@example.org>
mail_relays = smtp://127.0.0.1:$SMTP_PORT
ladder_sends = regulator
ladder_pause = 1m
portal = yes
public_pages = yes
mail_receipt = yes
mail_in = $T/box
mail_in_every = 1s
public_url = https://cert.example.org
END

# --- who could be reached ---
organisation() { # name, third part of the network, contact
	printf '{"name":"%s","kind":"constituent","contacts":[{"role":"abuse",%s}],"constituency":[{"kind":"network","value":"198.18.%s.0/24"}]}' \
		"$1" "$3" "$2" >"$T/org"
	r organisation new --body "$T/org" >"$T/out" 2>"$T/err" || ok 1 "organisation $1"
}
organisation "By hook" 0 "\"webhook\":\"$HOOK/ok\",\"channel\":\"webhook\""
organisation "By room" 1 "\"webhook\":\"$HOOK/ok\",\"channel\":\"chat\""
organisation "By phone" 2 '"phone":"+62000001","channel":"sms"'
organisation "By mail" 3 '"email":"abuse@outside.example.net","channel":"mail"'
organisation "By portal" 4 '"email":"people@outside.example.net","channel":"portal","confirmed":"2026-11-01"'
organisation "By invitation" 6 "\"webhook\":\"$HOOK/ok\",\"channel\":\"webhook\",\"confirmed\":\"2026-11-01\""
mkdir -p "$T/box/new" "$T/box/cur" "$T/box/tmp"
id=$(r person new name="Night C" pages=webhook pager_webhook="$HOOK/ok" --json | sed -nE 's/.*"id": ?"(person--[^"]*)".*/\1/p' | head -1)
check "somebody of ours" r account new "Night C" --roles duty --person "$id"
check "has the watch" r duty plan --from 2026-12-01 --weeks 1 --persons "Night C" --day 00:00-24:00
mkdir "$D/types"
cat >"$D/types/errand.json" <<'END2'
{ "type": "errand", "version": 1, "title": "what", "label": { "en": "Errand" }, "plural": { "en": "Errands" },
  "fields": { "what": { "kind": "text", "max": 80, "share": "open", "required": ["*"], "label": { "en": "What" } } },
  "states": { "open": { "label": { "en": "Open" }, "to": { "done": { "roles": ["lead"] } } },
    "done": { "label": { "en": "Done" }, "closed": true } },
  "clocks": { "answer": { "label": { "en": "Answer" }, "start": ["open"], "stop": ["done"], "due": "PT1S",
    "tell": "on-duty" } },
  "rights": { "read": { "lead": "all", "duty": "all" }, "create": { "lead": "all" }, "edit": { "lead": "all" },
    "move": { "lead": "all" } },
  "list": { "columns": ["what"] } }
END2
made telnet 0 1280 >"$T/2026-11-20-scan_telnet-first.csv"
check "findings about all of them" r intake "$T/2026-11-20-scan_telnet-first.csv"

# --- every path ---
check "the node runs" serve
cat >"$T/round" <<'END2'
{"title":"Are you there","kind":"contact","question":"kind=constituent","answer_by":"2026-12-09 09:00",
 "texts":[{"language":"en","subject":"Are you there?","text":"Please say so."}]}
END2
check "a round of contacts" r round new --body "$T/round"
check "starts" r round start 1
cat >"$T/round" <<'END2'
{"title":"Telnet is open","kind":"notification","question":"identifier=open-telnet","answer_by":"2026-12-09 09:00",
 "texts":[{"language":"en","subject":"Telnet is open","text":"Please close it."}]}
END2
check "a notification" r round new --body "$T/round"
check "starts too" r round start 2
orgs=$(r organisation list --json | grep -oE 'organisation--[0-9a-f-]{36}' | sort -u | tr '\n' ' ')
sep='['
for one in $orgs; do
	printf '%s{"name":"one","role":"host","kinds":["phishing"],"organisation":"%s"}\n' "$sep" "$one"
	sep=,
done >"$D/platforms.json"
printf ',{"name":"List","role":"block-list","kinds":["phishing"],"email":"list@outside.example.net"}]\n' >>"$D/platforms.json"
check "a takedown" r takedown start "https://login.outside.example.net/x" kind=phishing
check "of which all are asked" r takedown ask 1 all
for n in 1 2 3 4; do
	r incident new title="Waits $n" class=other severity=low organisation="organisation-$n" >/dev/null
	r incident move "$n" open >/dev/null
	r incident move "$n" waiting --why "for an answer" >/dev/null 2>"$T/err" || ok 1 "an incident that waits"
done
check "something is due for who is on duty" r errand new what="Look at it"
# people of the portal: invited, and who ask for a link
org_of() { r organisation list name="$1" --json | grep -oE 'organisation--[0-9a-f-]{36}' | head -1; }
for whom in "By portal" "By invitation"; do
	check "people of '$whom' are invited" r account invite-constituent "$(org_of "$whom")"
	curl -s -o "$T/out" --data-urlencode "name=$whom abuse" "$URL/portal/sign-in"
done
# letters of a person, to one we know and to one of whom nothing is known
check "a letter on an incident" r incident letter 1 --to "$(org_of "By mail")" --subject "Look" --words "Please look."
check "one to a bare address" r incident letter 1 --to stranger@outside.example.net --subject "Look" --words "Please look." --tlp CLEAR
# who writes to us gets a receipt
printf 'From: Ani <ani@outside.example.net>\nTo: cert@example.org\nReply-To: other@outside.example.net\nReturn-Receipt-To: third@outside.example.net\nDisposition-Notification-To: third@outside.example.net\nSubject: help\nMessage-ID: <h1@outside.example.net>\n\nPlease help.\n' >"$T/box/tmp/1"
mv "$T/box/tmp/1" "$T/box/new/1"
# the list of warnings: even who asks himself is written to only when it is live
curl -s -o "$T/out" --data-urlencode mail=reader@outside.example.net "$URL/warnings/subscribe"
confirm=$(sqlite3 -readonly "$D/main.db" "SELECT details FROM outbox WHERE template = 'list.confirm'" |
	sed -nE 's,.*(/warnings/list/[a-z0-9]+).*,\1,p')
curl -s -o "$T/out" --data csrf= "$URL$confirm"
is "$(sqlite3 -readonly "$D/main.db" "SELECT state FROM subscriber")" 2 "somebody is on the list of warnings"
r warning new title="To all" urgency=act summary="All of you" advice="update" review_by=2030-01-01 --tlp CLEAR --why "a test" >"$T/out" 2>"$T/err"
check "a warning" r warning move 1 approved
check "is published" r warning move 1 sent
check_fails 77 "nor does a test letter go to anybody" r mail test stranger@outside.example.net
paths="round.check round.notify takedown.ask ladder.step duty.page portal.invite portal.sign-in mail.letter mail.receipt
	list.confirm list.warning"
if r help rule >/dev/null 2>&1; then
	check "a rule for all" r rule new title="Tell all" pace=once
	r rule move 1 active --why "a test" >"$T/out" 2>"$T/err"
	for n in 0 1 2 3; do
		printf '{"__type":"Event","source.ip":"198.18.%s.250","time.source":"2026-12-01T08:30:00+00:00","classification.type":"vulnerable-system","classification.identifier":"open-dns","source.port":53,"protocol.transport":"udp"}\n' $n
	done >"$T/report.json"
	check "what it tells of" r intake "$T/report.json"
	paths="$paths tell"
else
	skip "rules" "this build has none"
fi
settled() { # nothing waits or is under way but what a person has to do
	for _ in $(seq 600); do
		left=$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM outbox WHERE state IN (1, 2, 3)
			AND driver NOT IN ('notice', 'print', 'portal', 'none')" 2>/dev/null)
		[ "$left" != 0 ] || return 0
		sleep 0.1
	done
	r outbox list --csv | grep -E 'queued|taken|draining' | head -5 | sed 's/^/# /'
	return 1
}
until_made round.check 6 && until_made round.notify 5 && until_made ladder.step 4 && until_made takedown.ask 7 && settled
at "2026-12-02 10:00"
until_made takedown.repeat 7 && { [ "${paths%tell}" = "$paths" ] || until_made tell.open-dns 4; } && settled
at "2026-12-03 10:30"
until_made takedown.repeat 14 && settled
ok $? "everything has ended"
for _ in $(seq 600); do
	[ "$(sqlite3 -readonly "$D/main.db" "SELECT count(DISTINCT template) FROM outbox WHERE template IN ('mail.receipt', 'list.warning')")" != 2 ] || break
	sleep 0.1
done
settled
for path in $paths; do
	n=$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM outbox WHERE template = '$path' OR template LIKE '$path.%'")
	[ "$n" -gt 0 ]
	ok $? "$path was tried ($n messages)"
done

# --- who heard of it ---
grep -v '"kind":"duty.page"\|"kind":"clock.due"\|"kind":"ladder.call"' "$T/hooks" >"$T/out" 2>/dev/null
is "$(grep -c . "$T/out")" 0 "no hook, room or telephone of others was called"
grep -q '"kind":"duty.page"' "$T/hooks"
ok $? "our own are"
is "$(ls "$MAILS")" "cert@example.org" "no mailbox but ours has mail"
n=$(find "$MAILS/cert@example.org" -type f -path '*/new/*' | wc -l)
[ "$n" -ge 16 ]
ok $? "ours has $n"
find "$MAILS" -type f -path '*/new/*' -exec grep -LE '^Subject:.*(\[rehearsal for |=\?)' {} + >"$T/out"
is "$(cat "$T/out")" "" "each says whom it was for"
find "$MAILS" -type f -path '*/new/*' -exec sed -s '/^.\{0,1\}$/,$d' {} + |
	grep -iE '^(To|Cc|Bcc|Resent-To|Delivered-To|X-Original-To):' | grep -v 'cert@example.org' >"$T/out"
is "$(cat "$T/out")" "" "and none is addressed to anybody else"
r ledger list --csv >"$T/out"
grep -E '"(sent|uncertain|receipt|answer)"' "$T/out" | grep -E 'organisation--|party:' >"$T/err"
is "$(cat "$T/err")" "" "the ledger has nobody outside as told"
has "$T/out" '"rehearsed"' "but as rehearsed"
r findings --json | grep -c '"told":"2' >"$T/out"
is "$(cat "$T/out")" 0 "no finding counts as told"
link=$(find "$MAILS" -type f -path '*/new/*' -exec cat {} + | grep -oE '/a/[A-Za-z0-9_-]{10,}' | head -1)
[ -z "$link" ] || curl -s -o "$T/out" -d 'kind=fixed&answer=fixed&words=x' "$URL$link"
is "$(sqlite3 -readonly "$D/main.db" 'SELECT count(*) FROM answer')" 0 "its link answers nothing"
in_link=$(find "$MAILS" -type f -path '*/new/*' -exec cat {} + | tr -d '\r' | sed -e ':a' -e '/=$/{N;s/=\n//;ba' -e '}' |
	grep -oE '/portal/sign-in/[a-z0-9]{10,}' | head -1)
[ -n "$in_link" ]
ok $? "a link to sign in came to us"
is "$(curl -s -o "$T/out" -w '%{http_code}' -d '' "$URL$in_link")" 403 "it lets nobody in"
is "$(sqlite3 -readonly "$D/main.db" 'SELECT count(*) FROM sign_in_used')" 0 "and is not used up"

# --- the test can fail: live, the same goes out ---
check "live" r rehearsal live --all --why "the rehearsal is over"
cat >"$T/round" <<'END2'
{"title":"And now","kind":"contact","question":"kind=constituent","answer_by":"2026-12-19 09:00",
 "texts":[{"language":"en","subject":"And now?","text":"Please say so."}]}
END2
r round new --body "$T/round" >/dev/null
check "a round then" r round start 3
for _ in $(seq 600); do
	! grep -q 'And now' "$T/hooks" || break
	sleep 0.1
done
settled
grep -q 'And now' "$T/hooks"
ok $? "arrives by hook"
[ -d "$MAILS/abuse@outside.example.net" ]
ok $? "and by mail"
curl -s -o "$T/out" --data-urlencode mail=second@outside.example.net "$URL/warnings/subscribe"
curl -s -o "$T/out" --data-urlencode "name=By portal abuse" "$URL/portal/sign-in"
check "and a letter" r incident letter 1 --to stranger@outside.example.net --subject "Again" --words "Please look." --tlp CLEAR
printf 'From: Budi <budi@outside.example.net>\nTo: cert@example.org\nSubject: help\nMessage-ID: <h2@outside.example.net>\n\nPlease help.\n' >"$T/box/tmp/2"
mv "$T/box/tmp/2" "$T/box/new/2"
for who in second people stranger budi; do
	for _ in $(seq 600); do
		[ ! -d "$MAILS/$who@outside.example.net" ] || break
		sleep 0.1
	done
	[ -d "$MAILS/$who@outside.example.net" ]
	ok $? "so do the other ways: $who"
done
done_testing
