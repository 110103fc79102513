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
for _ in $(seq 100); do
	[ ! -s "$T/port" ] || break
	sleep 0.05
done
HOOK=http://127.0.0.1:$(cat "$T/port")
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
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
# Until no message of the webhook driver waits or is under way.
wait_sent() {
	for _ in $(seq 400); do
		left=$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM outbox WHERE state IN (1, 2, 3)
			AND driver = 'webhook' AND tries < 2" 2>/dev/null)
		made=$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM round_state WHERE made = 0
			AND started_us > 0" 2>/dev/null)
		[ "$left$made" != 00 ] || return 0
		sleep 0.05
	done
	return 1
}
later() { date -u -d "+$1" +%Y-%m-%dT%H:%M:%SZ; }

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
for _ in $(seq 100); do
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
for _ in $(seq 100); do
	r round status 2 --csv >"$T/out" 2>/dev/null
	! grep -q '"queued"' "$T/out" || break
	sleep 0.05
done
has "$T/out" '"Delta".*"mail","queued"' "waits"
check "that is closed too soon" r round move 2 closed
r round status 2 --csv >"$T/out"
has "$T/out" '"Delta".*"mail","withdrawn"' "is withdrawn"
stop_node

# --- a sender that is killed ---
kills=${RONDA_KILL_ROUNDS:-12}
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
check "starts" r round start 3
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
sent=$(($(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM outbox
	WHERE state = 4 AND driver = 'webhook'") - 2))
uncertain=$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM outbox WHERE state = 5")
is $((sent + uncertain)) $n "each was sent, or is listed as uncertain"
echo "# $sent sent, $uncertain uncertain after $killed kills; $(wc -l <"$T/hooks" | tr -d ' ') arrived"
[ "$(wc -l <"$T/hooks")" -ge "$sent" ] && [ "$(wc -l <"$T/hooks")" -le $n ]
ok $? "what is said to be sent arrived"
r outbox list --state sent --driver webhook --json -n 1000 | sed -nE 's/.*"id": ?([0-9]+).*/\1/p' | sort >"$T/said"
cut -f2 "$T/hooks" | sed 's/.*-//' | sort >"$T/arrived"
is "$(r outbox list --state sent --driver webhook --json -n 1000 | grep -c 'round.check')" "$((sent + 2))" "the outbox says the same"
comm -23 "$T/said" "$T/arrived" >"$T/missing"
is "$(wc -l <"$T/missing" | tr -d ' ')" 2 "but for the two of the first round"
check "outbox and ledger agree" r verify
has "$T/out" 'outbox and ledger agree' "verify says so"
done_testing
