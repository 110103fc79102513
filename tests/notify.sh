#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is to be told goes out: a check of contacts by webhook, answers, silence; and a sender that is
# killed at any moment tells nobody twice and forgets nobody.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES

hook_pid=
end_all() {
	[ -z "$hook_pid" ] || kill "$hook_pid" 2>/dev/null
	finish
}
trap end_all EXIT

r() { ronda "$@" -d "$D"; }
"$RONDA_BUILD/tests/helpers/ronda-hook" "$T/hooks" >"$T/port" &
hook_pid=$!
for _ in $(seq 1200); do
	[ ! -s "$T/port" ] || break
	sleep 0.05
done
HOOK=http://127.0.0.1:$(cat "$T/port")
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
ronda rehearsal -d "$D" show >"$T/out" 2>"$T/err"
has "$T/out" 'node.*rehearsal' "a new node is in rehearsal"
check_fails 65 "which is ended with a reason alone" r rehearsal live --all
check "by a person with an account" r rehearsal live --all --why "a test"
r journal list --csv >"$T/out" 2>"$T/err"
has "$T/out" 'rehearsal.live' "and stands in the journal"
printf '{"%s/ok":{"secret":"sixteen letters or more"}}' "$HOOK" >"$T/destinations"
chmod 644 "$T/destinations"
send="--set send_messages=yes --set webhook_hosts=$HOOK --set destinations_file=$T/destinations --set send_pace=0s"
# shellcheck disable=SC2086
check_fails 77 "a file of secrets that others may read" ronda serve -d "$D" --set listen=127.0.0.1:0 $send
chmod 600 "$T/destinations"

# $1: name, $2: path of the receiver, $3: more fields of the contact, $4: more of the organisation
organisation() {
	printf '{"name":"%s","kind":"constituent","contacts":[{"role":"abuse","webhook":"%s%s","channel":"webhook"%s}]%s}' \
		"$1" "$HOOK" "$2" "$3" "$4" >"$T/org"
	r organisation new --body "$T/org" >"$T/out" 2>"$T/err"
}
# Until every round has made its messages and none of the webhook driver waits or is under way. Asked at once:
# between two questions a round could make its messages.
wait_sent() {
	for _ in $(seq 1200); do
		left=$(sqlite3 -readonly "$D/main.db" "SELECT (SELECT count(*) FROM outbox WHERE state IN (1, 2, 3)
			AND driver = 'webhook') + (SELECT count(*) FROM round_state WHERE made = 0 AND started_us > 0)" 2>/dev/null)
		[ "$left" != 0 ] || return 0
		sleep 0.05
	done
	return 1
}
later() { date -u -d "+$1" +%Y-%m-%dT%H:%M:%SZ; }

mkdir "$D/types"
cat >"$D/types/errand.json" <<'END2'
{ "type": "errand", "version": 1, "title": "what", "label": { "en": "Errand" }, "plural": { "en": "Errands" },
  "fields": { "what": { "kind": "text", "max": 80, "required": ["*"], "label": { "en": "What" } } },
  "states": { "open": { "label": { "en": "Open" }, "to": { "done": { "roles": ["lead"] } } },
    "done": { "label": { "en": "Done" }, "closed": true } },
  "clocks": { "answer": { "label": { "en": "Answer" }, "start": ["open"], "stop": ["done"], "due": "PT1S",
    "tell": "on-duty" } },
  "rights": { "read": { "lead": "all", "duty": "all" }, "create": { "lead": "all" }, "edit": { "lead": "all" },
    "move": { "lead": "all" } },
  "list": { "columns": ["what"] } }
END2

# --- a check of contacts ---
organisation "Alpha" /ok '' ',"languages":["id"]'
ok $? "an organisation with a webhook"
organisation "Beta" /ok '' ''
organisation "Gamma" /no '' ''
printf '{"name":"Delta","kind":"constituent","contacts":[{"role":"abuse","email":"abuse@example.org"}]}' >"$T/org"
r organisation new --body "$T/org" >/dev/null
printf '{"name":"Epsilon","kind":"constituent"}' >"$T/org"
r organisation new --body "$T/org" >/dev/null
printf '{"name":"Zeta","kind":"provider","contacts":[{"role":"abuse","webhook":"%s/ok"}]}' "$HOOK" >"$T/org"
r organisation new --body "$T/org" >/dev/null
cat >"$T/round" <<END2
{"title":"Contacts of autumn","kind":"contact","question":"kind=constituent","answer_by":"$(later '3 seconds')",
 "texts":[{"language":"en","subject":"Are you there?","text":"Please say so."},
          {"language":"id","subject":"Apakah Anda ada?","text":"Mohon dijawab."}]}
END2
check "a round" r round new --body "$T/round"
check "a dry run" r round dry-run 1
has "$T/out" 'Team B: pemeriksaan kontak: Apakah Anda ada\?' "says what it would say, in their language"
has "$T/out" 'Epsilon .* is told nothing: no contact is known' "and who is told nothing, and why"
has_not "$T/out" 'Zeta' "others are not on the list"
is "$(sqlite3 -readonly "$D/main.db" 'SELECT count(*) FROM outbox')" 0 "it makes no message"
check_fails 65 "the general way does not start it" r round move 1 started
has "$T/err" "its list is not made yet" "and says how"
check "it starts" r round start 1
is "$(head -1 "$T/out")" 5 "with five on its list"
has "$T/err" "no node serves" "and says that nothing is sent yet"
check_fails 78 "once" r round start 1
# shellcheck disable=SC2086
check "the node runs" serve $send
wait_sent
ok $? "everything is sent or waits for another driver"
is "$(grep -c '^/ok' "$T/hooks")" 2 "two arrived"
is "$(grep -c '^/no' "$T/hooks")" 1 "one was not wanted"
grep -h 'Apakah' "$T/hooks" | cut -f5 >"$T/body"
has "$T/body" '"kind":"round.check".*"language":"id".*Apakah Anda ada\?.*Mohon dijawab' "the text is theirs"
line=$(grep -h 'Apakah' "$T/hooks")
at=$(printf '%s' "$line" | sed -nE 's/.*t=([0-9]+),v1=([0-9a-f]+).*/\1/p')
mac=$(printf '%s' "$line" | sed -nE 's/.*t=([0-9]+),v1=([0-9a-f]+).*/\2/p')
want=$( (printf '%s.' "$at"; printf '%s' "$(cat "$T/body")") | openssl dgst -sha256 -hmac "sixteen letters or more" | sed 's/.*= //')
is "$mac" "$want" "and signed, as another program reckons it"
check "how it fares" r round status 1 --csv
has "$T/out" '"Alpha".*"webhook","sent"' "told"
has "$T/out" '"Gamma".*"failed".*answered 404' "not told, and why"
has "$T/out" '"Delta".*"mail","queued"' "waits for another driver"
has "$T/out" '"Epsilon".*"none"' "has no contact"
check "what waits, on paper" r outbox print
has "$T/out" 'abuse@example.org' "with its address"
has "$T/out" 'Please say so' "and its text"
mail=$(sed -nE 's/^.?Message ([0-9]+)$/\1/p' "$T/out" | head -1)
printf '%s\n' "$mail" >"$T/yes"
ronda outbox -d "$D" print --ask --words "letter of today" <"$T/yes" >"$T/out" 2>"$T/err"
ok $? "who posted it says so"
r ledger list --csv >"$T/out"
has "$T/out" '"sent","mail".*posted by unix:[0-9]+: letter of today|"sent","mail".*posted by account:1: letter of today' "and it stands in the ledger"
check_fails 78 "once" r outbox posted "$mail"
check "an answer" r round answer 1 1 --words "we are here" --by "Night desk"
check "the same again" r round answer 1 1 --words "we are here" --by "Night desk"
check_fails 66 "of nobody on the list" r round answer 1 6
r ledger list --to "$(r organisation show 1 --json | sed -nE 's/.*"id": ?"(organisation--[^"]*)".*/\1/p' | head -1)" --csv >"$T/out"
is "$(grep -c '"answer"' "$T/out")" 1 "stands in the ledger once"
r organisation show 1 --json >"$T/out"
has "$T/out" '"confirmed": ?"[0-9-]+"' "and confirms the contact"
for _ in $(seq 600); do
	[ "$(sqlite3 -readonly "$D/main.db" 'SELECT counted FROM round_state')" != 1 ] || break
	sleep 0.1
done
check "who does not answer" r round stale --csv
has "$T/out" '"Beta"' "is listed"
has_not "$T/out" '"Alpha"' "who answers is not"
r organisation show 2 --json >"$T/out"
has "$T/out" '"unanswered": ?1' "silence counts at the contact"
check "a late answer" r round answer 1 2 --words "sorry"
r round stale --csv >"$T/out"
has_not "$T/out" '"Beta"' "ends it"
check "it is closed" r round move 1 closed
printf '{"title":"Never mind","kind":"contact","question":"name=Delta","answer_by":"%s"}' "$(later '1 hour')" >"$T/round"
r round new --body "$T/round" >/dev/null
check "another" r round start 2
for _ in $(seq 1200); do
	r round status 2 --csv >"$T/out" 2>/dev/null
	! grep -q '"queued"' "$T/out" || break
	sleep 0.05
done
has "$T/out" '"Delta".*"mail","queued"' "waits"
check "that is closed too soon" r round move 2 closed
r round status 2 --csv >"$T/out"
has "$T/out" '"Delta".*"mail","withdrawn"' "is withdrawn"
stop_node

# --- a notification: each of its own ---
: >"$T/hooks"
for i in 0 1; do
	printf '{"name":"Net %d","kind":"provider","contacts":[{"role":"abuse","webhook":"%s/ok"}],"constituency":[{"kind":"network","value":"198.18.%d.0/24"}]}' \
		$i "$HOOK" $i >"$T/org"
	r organisation new --body "$T/org" >/dev/null
done
made scan_telnet 1 300 >"$T/2026-11-20-scan_telnet-first.csv"
# shellcheck disable=SC2086
check "the node runs again" serve $send
check "a report" r intake "$T/2026-11-20-scan_telnet-first.csv"
for _ in $(seq 600); do
	[ "$(r findings --json 2>/dev/null | grep -c telnet)" != 300 ] || break
	sleep 0.1
done
cat >"$T/round" <<END2
{"title":"Telnet","kind":"notification","question":"country=ID to=all","answer_by":"$(later '1 hour')",
 "texts":[{"language":"en","subject":"Telnet is open","text":"Please close it."}]}
END2
check "a round about them" r round new --body "$T/round"
check "a dry run" r round dry-run 3 --csv
is "$(grep -c 'Telnet is open' "$T/out")" 2 "would tell two"
has "$T/out" '"Net 0".*"255"' "one of 255 findings"
has "$T/out" '"Net 1".*"45"' "the other of 45"
token=$(r token make "dash" --right operate --ceiling AMBER --account "Lead A" 2>/dev/null | head -1)
get() { curl -s -o "$T/page" -w '%{http_code}' -H "Authorization: Bearer $token" "$@"; }
is "$(get -H 'Accept: text/html' "$URL/round/3")" 200 "its page"
has "$T/page" 'action="/round/round--[^"]*/start"' "has a button to start it"
has_not "$T/page" 'value="started"' "and not the general one"
is "$(get -H 'Accept: text/html' "$URL/round/3/dry-run")" 200 "and a page of what it would say"
has "$T/page" 'Please close it' "with the text"
is "$(get -d "" "$URL/round/3/start")" 200 "a program starts it"
has "$T/page" '"members":2' "and is told how many"
is "$(get -d "" "$URL/round/3/start")" 409 "once"
wait_sent
ok $? "the messages go out"
is "$(grep -c 'Telnet is open' "$T/hooks")" 2 "both are told"
grep 'Net 0\|198.18.0.9 ' "$T/hooks" | head -1 >"$T/first"
has_not "$T/first" '198.18.1.' "one only of its own"
id=$(r findings --json | sed -nE 's/.*"id":"([0-9a-f]{32})".*198\.18\.1\.7 .*/\1/p' | head -1)
r ledger list --item "finding--$id" --csv >"$T/out"
is "$(grep -c '"sent"' "$T/out")" 1 "the ledger says who was told of a finding"
is "$(get -H 'Accept: text/html' "$URL/round/3")" 200 "its page now"
has "$T/page" '0 of 2 answered' "counts the answers"
has "$T/page" 'name="organisation" value="organisation--' "and takes them"
org=$(r organisation list name="Net 1" --json | sed -nE 's/.*"id": ?"(organisation--[^"]*)".*/\1/p' | head -1)
is "$(get --data-urlencode "organisation=$org" --data-urlencode "words=closed" "$URL/round/3/answer")" 303 "an answer on the page"
is "$(get -H 'Content-Type: application/json' -d "{\"organisation\":\"$org\",\"words\":\"closed\"}" "$URL/round/3/answer")" 200 "the same by a program"
is "$(get -H 'Content-Type: application/json' -d "{\"organisation\":\"$org\",\"words\":\"closed\",\"at\":\"never\"}" "$URL/round/3/answer")" 400 "a time that is none"
is "$(get "$URL/round/3.json")" 200 "as JSON"
has "$T/page" '"answered":1' "it counts"
has "$T/page" '"answer":"closed"' "and has the words"
is "$(get "$URL/round/stale.json")" 200 "who does not answer"
token=$(r token make "other" --right read --ceiling AMBER 2>/dev/null | head -1)
is "$(get -d "" "$URL/round/3/start")" 404 "a token without roles sees no round"
stop_node

# --- who has the watch is paged ---
: >"$T/hooks"
r person new name="Night C" pages=webhook pager_webhook="$HOOK/ok" >/dev/null
person=$(r person show 1 --json | sed -E 's/.*"id":"(person--[^"]*)".*/\1/' | head -1)
check "a person with a pager" r account new "Night C" --roles duty --person "$person"
check "who has the watch" r shift new title="Tonight" person=1 role=first from="$(later '-1 hour')" until="$(later '5 hours')"
check "something is due" r errand new what="Call the bank" --tlp AMBER
check "and something that goes by no pager" r errand new what="canary of the safe" --tlp RED
# shellcheck disable=SC2086
check "the node runs again" serve $send
for _ in $(seq 600); do
	[ "$(grep -c duty.page "$T/hooks")" != 2 ] || break
	sleep 0.1
done
has "$T/hooks" '"kind":"duty.page".*you are called: errand-1 Call the bank' "he is paged, with what it is about"
is "$(grep -c duty.page "$T/hooks")" 2 "and of the other"
has_not "$T/hooks" 'canary' "without a word of it"
stop_node

has_not "$T/node.log" 'background work of the store failed' "nothing failed behind it"
has_not "$T/node.log" 'sixteen letters' "no secret in the log"
has_not "$D/main.db" 'sixteen letters' "nor in the database"

# --- a sender that is killed ---
kills=${RONDA_KILL_ROUNDS:-12}
sent_by_now() { sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM outbox WHERE state = 4 AND driver = 'webhook'"; }
before=$(sent_by_now)
: >"$T/hooks"
n=60
i=0
while [ $i -lt $n ]; do
	i=$((i + 1))
	printf '{"name":"Kappa %d","kind":"host","contacts":[{"role":"abuse","webhook":"%s/slow"}]}\n' $i "$HOOK"
done >"$T/orgs.jsonl"
check "sixty more" r organisation import "$T/orgs.jsonl"
printf '{"title":"Under fire","kind":"contact","question":"kind=host","answer_by":"%s"}' "$(later '1 hour')" >"$T/round"
check "a round for them" r round new --body "$T/round"
check "starts" r round start 4
killed=0
while [ $killed -lt "$kills" ]; do
	killed=$((killed + 1))
	# shellcheck disable=SC2086
	serve $send >/dev/null || break
	ms=$((100 + killed * 67 % 400))
	sleep "0.$(printf '%03d' $ms)"
	kill -9 "$node_pid" 2>/dev/null
	wait "$node_pid" 2>/dev/null
done
is $killed "$kills" "the node was killed, and came up again each time"
# shellcheck disable=SC2086
check "once more, and left alone" serve $send
wait_sent
ok $? "everything is sent"
stop_node
cut -f2 "$T/hooks" | sort | uniq -c | awk '{ print $1 }' | sort -n | tail -1 >"$T/most"
is "$(cat "$T/most")" 1 "nobody was told twice"
sent=$(($(sent_by_now) - before))
uncertain=$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM outbox WHERE state = 5")
is $((sent + uncertain)) $n "each was sent, or is listed as uncertain"
echo "# $sent sent, $uncertain uncertain after $killed kills; $(wc -l <"$T/hooks" | tr -d ' ') arrived"
[ "$(wc -l <"$T/hooks")" -ge "$sent" ] && [ "$(wc -l <"$T/hooks")" -le $n ]
ok $? "what is said to be sent arrived"
r outbox list --state sent --driver webhook --json -n 1000 | sed -nE 's/.*"id": ?([0-9]+).*/\1/p' | sort >"$T/said"
cut -f2 "$T/hooks" | sed 's/.*-//' | sort >"$T/arrived"
is "$(wc -l <"$T/said" | tr -d ' ')" "$((sent + before))" "the outbox says the same"
comm -23 "$T/said" "$T/arrived" >"$T/missing"
is "$(wc -l <"$T/missing" | tr -d ' ')" "$before" "each of them is one that arrived, but for those before"
check "outbox and ledger agree" r verify
has "$T/out" 'outbox and ledger agree' "verify says so"
done_testing
