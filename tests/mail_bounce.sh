#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Mail that does not arrive: refused by the relay at once, or sent back later by one behind it; the
# next contact is asked. And before that: in rehearsal nobody outside gets anything, by any way.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/servers.sh"
unset LANG LC_ALL LC_MESSAGES
end_all() {
	postfix_stop
	dovecot_stop
	finish
}
trap end_all EXIT
servers_can || {
	skip "mail that does not arrive" "$servers_lack"
	done_testing
}
r() { ronda "$@" -d "$D"; }
query() { sqlite3 -readonly -cmd '.timeout 5000' "$D/main.db" "$1" 2>/dev/null; }
until_is() { # SQL, value, name
	for _ in $(seq 1200); do
		[ "$(query "$1")" != "$2" ] || break
		sleep 0.05
	done
	is "$(query "$1")" "$2" "$3"
}
later() { date -u -d "+$1" +%Y-%m-%dT%H:%M:%SZ; }
dovecot_start
ok $? "a mailbox store runs"
postfix_start
ok $? "a relay runs"
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
printf '%s\n' "$MAIL_PASSWORD" >"$T/password"
chmod 600 "$T/password"
cat >>"$D/ronda.conf" <<END
send_messages = yes
send_pace = 0s
mail_from = Team B <cert@example.org>
mail_rehearsal = rehearsal@example.org
mail_relays = smtp://127.0.0.1:$SMTP_PORT
mail_in = imaps://cert@example.org@localhost:$IMAPS_PORT/INBOX
mail_in_password_file = $T/password
mail_in_every = 1s
mail_ca_file = $CA_FILE
END
organisation() { # name, addresses of its contacts in their order...
	name=$1 rows='' order=0
	shift
	for address in "$@"; do
		order=$((order + 1))
		rows="$rows${rows:+,}{\"role\":\"abuse\",\"email\":\"$address\",\"channel\":\"mail\",\"order\":$order}"
	done
	printf '{"name":"%s","kind":"constituent","contacts":[%s]}' "$name" "$rows" >"$T/org"
	r organisation new --body "$T/org" >"$T/out" 2>"$T/err"
}
organisation Alpha refused@a.example.org abuse@a.example.org
ok $? "an organisation whose first contact is refused"
organisation Beta bounced@b.example.org abuse@b.example.org
organisation Gamma bounced@c.example.org
organisation Delta abuse@d.example.org
rounds=0
round() {
	rounds=$((rounds + 1))
	printf '{"title":"Contacts %d","kind":"contact","question":"kind=constituent","answer_by":"%s"}' $rounds "$(later '1 hour')" >"$T/round"
	r round new --body "$T/round" >"$T/out" 2>"$T/err" && r round start $rounds >"$T/out" 2>"$T/err"
}
trust() { r organisation show "$1" --json | grep -oE '"(email|trust)": ?("[^"]*"|[0-9]+)' | tr -d '" ' | tr '\n' ' '; }

# --- in rehearsal ---
check "the node runs" serve
round
until_is "SELECT count(*) FROM outbox WHERE state = 9 AND driver = 'mail'" 4 "in rehearsal four letters go"
wait_delivered
is "$(mails rehearsal@example.org)" 4 "to our own address"
is "$(mails)" 4 "and to nobody else"
grep -rhaE '^Subject: ' "$MAILS/rehearsal@example.org/Maildir/new" | grep -c 'rehearsal for' >"$T/out"
is "$(cat "$T/out")" 4 "with the true recipient in the subject"
check_fails 77 "nor does a test letter" r mail test abuse@d.example.org
is "$(trust 1)" "email:refused@a.example.org email:abuse@a.example.org " "and nothing is learned of their contacts"

# --- live ---
check "live" r rehearsal live --all --why "a test of bounces"
round
until_is "SELECT count(*) FROM ledger WHERE kind = 11" 3 "what does not arrive is noticed"
until_is "SELECT count(*) FROM outbox WHERE state = 4 AND id > 4" 3 "three letters are sent"
until_is "SELECT count(*) FROM outbox WHERE state = 8" 1 "one could not be"
wait_delivered
is "$(mails abuse@a.example.org)" 1 "after a refusal the next contact has it"
is "$(mails abuse@b.example.org)" 1 "after a notification too"
is "$(mails abuse@d.example.org)" 1 "who is there has it once"
is "$(trust 1)" "email:refused@a.example.org trust:0 email:abuse@a.example.org " "the refused one is trusted no more"
is "$(trust 2)" "email:bounced@b.example.org trust:0 email:abuse@b.example.org " "nor the one that is gone"
r ledger list --csv >"$T/out"
has "$T/out" '"bounced","mail".*550 5.1.1' "the ledger says why"
is "$(query "SELECT count(DISTINCT reference) FROM ledger WHERE kind = 1 AND driver = 'mail'")" 4 "a letter has one Message-ID whoever it goes to"

# --- the next time they are not asked any more ---
round
until_is "SELECT count(*) FROM outbox WHERE id > 8 AND state = 4" 3 "the next round"
wait_delivered
is "$(query "SELECT count(*) FROM ledger WHERE kind = 11")" 3 "tries no dead contact"
is "$(mails abuse@a.example.org)" 2 "and reaches who is there"
check "outbox and ledger agree" r verify
stop_node
done_testing
