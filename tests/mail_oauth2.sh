#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Signing in to a relay by OAuth2: tokens of a real provider (npm's oidc-provider), which Dovecot asks
# what they are good for when Postfix asks it.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/servers.sh"
unset LANG LC_ALL LC_MESSAGES
B=$RONDA_SOURCE/tests/browser
idp_pid=
end_all() {
	[ -z "$idp_pid" ] || kill "$idp_pid" 2>/dev/null
	postfix_stop
	dovecot_stop
	finish
}
trap end_all EXIT
if ! servers_can || ! command -v node >/dev/null || ! "$B/install" >"$T/out" 2>&1; then
	skip "a relay that is signed in to by OAuth2" "${servers_lack:-no node, or npm's registry is not reached}"
	done_testing
fi
r() { ronda "$@" -d "$D"; }
free_port && idp_port=$port
servers_place
export NODE_EXTRA_CA_CERTS="$CA_FILE"
provider() {
	[ -z "$idp_pid" ] || end_server "$idp_pid"
	: >"$T/idp"
	node "$B/provider.js" "$idp_port" "$CA_FILE" "$SERVERS/key.pem" https://localhost/none mail >"$T/idp" 2>"$T/idp.log" &
	idp_pid=$!
	wait_listens "$idp_port" $idp_pid
}
provider || sed 's/^/# /' "$T/idp.log"
listens "$idp_port"
ok $? "a provider runs"
mkdir -p "$SERVERS/dovecot"
cat >"$SERVERS/dovecot/oauth2.conf" <<END
introspection_mode = post
introspection_url = https://relay:secret-of-relay@localhost:$idp_port/token/introspection
tls_ca_cert_file = $CA_FILE
active_attribute = active
active_value = true
username_attribute = client_id
username_format = %u
END
DOVECOT_PASSDB="passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = $SERVERS/dovecot/oauth2.conf
}"
dovecot_start
ok $? "a mailbox store runs"
postfix_start
ok $? "a relay runs"
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
printf 'secret-of-cert@example.org\n' >"$T/secret"
grep -v " " "$T/idp" | head -1 >"$T/refresh"
chmod 600 "$T/secret" "$T/refresh"
conf() { # relay, more settings
	{
		echo "mail_from = Team B <cert@example.org>"
		echo "mail_relays = $1"
		echo "mail_ca_file = $CA_FILE"
		echo "fetch_ca_file = $CA_FILE"
		echo "mail_oauth2_token_url = https://localhost:$idp_port/token"
		echo "mail_oauth2_client_id = cert@example.org"
		echo "mail_oauth2_client_secret_file = $T/secret"
		[ $# = 1 ] || echo "$2"
	} >"$D/ronda.conf"
}
submission=smtp://cert@example.org@localhost:$SUBMISSION_PORT
conf "$submission"
check "a letter, by a token of the client's own" r mail test cert@example.org
conf "smtps://cert@example.org@localhost:$SMTPS_PORT"
check "the same over TLS from the first byte" r mail test cert@example.org
has "$SERVERS/postfix/log/mail.log" 'sasl_method=OAUTHBEARER' "by OAUTHBEARER"
conf "smtp://other@example.org@localhost:$SUBMISSION_PORT"
check_fails 75 "a token of another name than the login's" r mail test cert@example.org
conf "$submission" "mail_oauth2_refresh_token_file = $T/refresh"
cp "$T/refresh" "$T/before"
check "by a refresh token" r mail test cert@example.org
! cmp -s "$T/refresh" "$T/before"
ok $? "which is replaced by the one that came with it"
is "$(stat -c %a "$T/refresh")" 600 "and still nobody else's"
check "and that one is good the next time" r mail test cert@example.org
cp "$T/before" "$T/refresh"
check_fails 75 "an old one is not" r mail test cert@example.org
has "$T/err" 'invalid_grant' "as the provider says"
printf 'wrong\n' >"$T/secret"
conf "$submission"
check_fails 75 "a wrong secret" r mail test cert@example.org
printf 'secret-of-cert@example.org\n' >"$T/secret"
wait_delivered
is "$(mails cert@example.org)" 4 "four have arrived"

# --- a node that goes on sending ---
cat >>"$D/ronda.conf" <<END
send_messages = yes
send_pace = 0s
mail_timeout = 5s
END
for i in 1 2 3; do
	printf '{"name":"Net %d","kind":"constituent","contacts":[{"role":"abuse","email":"abuse@n%d.example.org","channel":"mail"}]}\n' $i $i
done >"$T/organisations.jsonl"
r organisation import "$T/organisations.jsonl" >"$T/out" 2>"$T/err"
check "live" r rehearsal live --all --why "a test of relays"
round() {
	printf '{"title":"Contacts %d","kind":"contact","question":"kind=constituent","answer_by":"%s"}' \
		"$1" "$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)" >"$T/round"
	r round new --body "$T/round" >"$T/out" 2>"$T/err" && r round start "$1" >"$T/out" 2>"$T/err"
}
wait_sent() {
	for _ in $(seq 600); do
		[ "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM outbox WHERE state = 4" 2>/dev/null)" != "$1" ] || return 0
		sleep 0.1
	done
	return 1
}
# Mails are taken by the same tokens; there is no password.
cat >>"$D/ronda.conf" <<END
mail_in = imaps://cert@example.org@localhost:$IMAPS_PORT/INBOX
mail_in_every = 1s
END
query() { sqlite3 -readonly -cmd '.timeout 5000' "$D/main.db" "$1" 2>/dev/null; }
wait_query() { # query, value
	for _ in $(seq 600); do
		[ "$(query "$1")" != "$2" ] || return 0
		sleep 0.1
	done
	echo "# '$(query "$1")', want '$2'"
	return 1
}
submit() { # number
	printf 'From: Ani <ani@example.net>\nTo: cert@example.org\nSubject: hello %s\nMessage-ID: <m%s@example.net>\n\nGood day.\n' "$1" "$1" |
		curl -sS --url "smtp://127.0.0.1:$SMTP_PORT" --mail-from ani@example.net --mail-rcpt cert@example.org -T - 2>"$T/err"
}
check "a mail comes to us" submit 1
check "the node runs" serve
wait_query "SELECT count(*) FROM mail_in WHERE kind = 6 AND state = 2" 1
ok $? "and is taken by IMAP, signed in by a token"
wait_query "SELECT count(*) FROM mail_in WHERE state = 2" 5
ok $? "with the four that stand there; those count for nothing"
grep -qE 'imap-login: (Info: )?Login: user=<cert@example.org>, method=(OAUTHBEARER|XOAUTH2)' "$SERVERS/dovecot/log"
ok $? "as the store says"
round 1
wait_sent 3
ok $? "three letters are sent"
provider
ok $? "the provider starts anew, and knows no token of before"
round 2
wait_sent 6
ok $? "the node asks for another token, and sends"
check "another mail" submit 2
wait_query "SELECT count(*) FROM mail_in WHERE kind = 6 AND state = 2" 2
ok $? "and takes mails again"
wait_query "SELECT words FROM mail_box" ''
ok $? "nothing is wrong with the mailbox any more"
stop_node
# A token of another name than the mailbox's.
sed -i 's/^mail_in = .*/mail_in = imaps:\/\/other@example.org@localhost:'"$IMAPS_PORT"'\/INBOX/' "$D/ronda.conf"
check "the node runs with another mailbox" serve
wait_query "SELECT words LIKE '%does not let%in' FROM mail_box WHERE name LIKE '%other@%'" 1
ok $? "which it is not let into, and says so"
stop_node
has_not "$T/node.log" 'secret-of' "no secret in the log"
r ledger list --csv >"$T/out"
has_not "$T/out" 'secret-of' "nor in the ledger"
done_testing
