#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A node is made again from a backup: what waited in it may have been sent since, so the copy sends nothing, to
# nobody, before a person has said so; then it goes on. Answers, subscribers and proofs come back with it.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES
hook_pid=
cleanup() {
	[ -z "$hook_pid" ] || kill "$hook_pid" 2>/dev/null
	finish
}
trap cleanup EXIT
r() { ronda "$@" -d "$D"; }
query() { sqlite3 -readonly "$D/main.db" "$1" 2>/dev/null; }
until_is() { # statement, what it gives
	for _ in $(seq 1200); do
		[ "$(query "$1")" != "$2" ] || return 0
		sleep 0.05
	done
	return 1
}
got() { grep -c '^/ok' "$T/hooks"; }

"$RONDA_BUILD/tests/helpers/ronda-hook" "$T/hooks" >"$T/port" &
hook_pid=$!
for _ in $(seq 1200); do
	[ ! -s "$T/port" ] || break
	sleep 0.05
done
HOOK=http://127.0.0.1:$(cat "$T/port")
send="--set send_messages=yes --set webhook_hosts=$HOOK --set send_pace=0s"
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
check "it is live" r rehearsal live --all --why "a test"
printf '{"name":"Alpha","kind":"constituent","file_password":"agreed on paper","contacts":[{"role":"abuse","webhook":"%s/ok","channel":"webhook"}]}' \
	"$HOOK" >"$T/org"
check "an organisation" r organisation new --body "$T/org"
# $1: number; messages are made while the node runs
round() {
	printf '{"title":"Round %s","kind":"contact","question":"name=Alpha","answer_by":"%s","texts":[{"language":"en","subject":"There?","text":"Are you there?"}]}' \
		"$1" "$(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)" >"$T/round"
	r round new --body "$T/round" >"$T/out" 2>"$T/err"
	check "round $1" r round start "$1"
}
round 1
# shellcheck disable=SC2086
serve $send
until_is "SELECT count(*) FROM outbox WHERE driver = 'webhook' AND state = 4" 1
ok $? "one message is sent"
check "and answered" r round answer 1 1 --words "we are here" --by "Night desk"
stop_node
round 2
serve
until_is "SELECT count(*) FROM outbox WHERE driver = 'webhook' AND state = 1" 1
ok $? "another waits"
ronda backup key "$T/secret" >"$T/out" 2>"$T/err"
public=$(sed -nE 's/.*public key is (rbp1[0-9a-f]*)/\1/p' "$T/secret")
stop_node
printf 'backup_key = %s\n' "$public" >>"$D/ronda.conf"
sqlite3 "$D/main.db" "INSERT INTO subscriber (email, language, state, asked_us, changed_us) VALUES ('a@example.org', 'en', 2, 1, 1);
	INSERT INTO takedown_look VALUES (x'01', 1, 1, 200, 'd', 1, 'proof of it', '', '');"
check "a backup" r backup --to "$T/backup"
answers=$(query "SELECT count(*) FROM round_member WHERE words = 'we are here'")
# shellcheck disable=SC2086
serve $send
until_is "SELECT count(*) FROM outbox WHERE driver = 'webhook' AND state = 4" 2
ok $? "the old node sends it afterwards"
is "$(got)" 2 "which arrives"
stop_node

old=$D
check "made again" ronda restore "$T/backup" --key "$T/secret" --to "$T/new"
has "$T/err" 'writes to nobody.*1 messages that waited are uncertain' "says what became of them"
D=$T/new
is "$(query "SELECT count(*) FROM round_member WHERE words = 'we are here'")" "$answers" "answers are there"
is "$(query "SELECT count(*) FROM subscriber WHERE email = 'a@example.org'")" 1 "subscribers"
is "$(query "SELECT count(*) FROM takedown_look WHERE head = 'proof of it'")" 1 "proofs"
has "$D/main.db" 'agreed on paper' "and the password of archives"
r rehearsal show >"$T/out"
has "$T/out" 'node.*rehearsal.*node:restore' "it is in rehearsal"
r journal list --json >"$T/out"
has "$T/out" '"act":"restore"' "the journal has it"
check "it is sound" r verify
round 3
# The mailbox may be read by the old one still.
mkdir -p "$T/box/new" "$T/box/cur" "$T/box/tmp"
printf 'From: Alice <alice@example.org>\nTo: cert@example.org\nSubject: hello\nMessage-ID: <1@example.org>\n\nhello\n' >"$T/box/new/1"
# shellcheck disable=SC2086
serve $send --set "mail_in=$T/box" --set mail_in_every=1s
until_is "SELECT count(*) FROM outbox WHERE driver = 'webhook' AND state = 1" 1
ok $? "what is made there waits"
sleep 1
is "$(query "SELECT count(*) FROM outbox WHERE driver = 'webhook' AND state IN (1, 5)")" 2 "and is not even rehearsed"
is "$(got)" 2 "nobody got anything"
until_is "SELECT words LIKE '%made from a backup%' FROM mail_box" 1
ok $? "its mailbox is left alone"
is "$(ls "$T/box/new")" 1 "to the last mail"
stop_node
check "a person switches it" r rehearsal live --all --why "the old node is gone"
# shellcheck disable=SC2086
serve $send --set "mail_in=$T/box" --set mail_in_every=1s
until_is "SELECT count(*) FROM outbox WHERE driver = 'webhook' AND state = 4" 2
ok $? "then it sends what it made"
until_is "SELECT count(*) FROM mail_in" 1
ok $? "and reads its mailbox"
is "$(got)" 3 "nothing twice"
is "$(query "SELECT count(*) FROM outbox WHERE driver = 'webhook' AND state = 5")" 1 "what waited is a person's to send"
stop_node
check "it is sound" r verify
is "$(grep -c 'agreed on paper' "$T/hooks")" 0 "the password went to nobody"
[ -d "$old" ]
ok $? "the old node is untouched"
done_testing
