#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The list of warnings, as its readers have it: asked for on the page, confirmed by the letter's link, a
# warning that is published comes by a real relay into a real mailbox, and one press of the mail program's
# button ends it (RFC 2369, RFC 8058); who never confirmed, and who left, gets nothing.
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
	skip "the list by a real relay" "$servers_lack"
	done_testing
}
r() { ronda "$@" -d "$D"; }
status() { curl -s -o "$T/out" -w '%{http_code}' "$@"; }
letter() { find "$MAILS/$1/Maildir" -type f \( -path '*/new/*' -o -path '*/cur/*' \) -newer "$T/mark" 2>/dev/null | head -1; }
# The newest letter of an address since $T/mark: ADDRESS; its lines whole in $T/letter, quoted-printable undone
wait_letter() {
	for _ in $(seq 600); do
		[ -z "$(letter "$1")" ] || break
		sleep 0.1
	done
	[ -n "$(letter "$1")" ] && tr -d '\r' <"$(letter "$1")" >"$T/raw" &&
		sed -e ':a' -e '/=$/{N;s/=\n//;ba' -e '}' -e 's/=3D/=/g' "$T/raw" >"$T/letter"
}
# Until what was published is in the outbox for all who are on the list.
wait_mailed() {
	for _ in $(seq 600); do
		[ "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM subscriber_mailing WHERE done = 0")" != 0 ] || break
		sleep 0.1
	done
}
mark() {
	touch "$T/mark"
	sleep 0.05
}
warn() { # title, TLP
	printf '{"title":"%s","urgency":"act","summary":"It spreads.","advice":"Update now.","review_by":"2030-01-01"}' "$1" >"$T/body"
	number=$(r warning new --body "$T/body" --tlp "$2" --why "a test" 2>&1 | sed -nE 's/.*warning-([0-9]+).*/\1/p' | head -1)
	r warning move "$number" approved >"$T/out" 2>"$T/err" && r warning move "$number" sent >"$T/out" 2>"$T/err"
}

dovecot_start
ok $? "a mailbox store runs"
postfix_start
ok $? "a relay runs"
r init --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
cat >>"$D/ronda.conf" <<END
send_messages = yes
send_pace = 0s
mail_from = Team B <cert@example.org>
mail_relays = smtp://127.0.0.1:$SMTP_PORT
END
check "it writes to others" r rehearsal live --all --why "the mailboxes are ours"
free_port
URL=http://127.0.0.1:$port
serve --set "listen=127.0.0.1:$port" --set "public_url=$URL" --set public_pages=yes
ok $? "it serves"

# --- coming ---
mark
is "$(status --data-urlencode 'mail=reader@example.org' "$URL/warnings/subscribe?lang=id")" 303 "somebody asks, in Indonesian"
is "$(status --data-urlencode 'mail=never@example.org' "$URL/warnings/subscribe?lang=en")" 303 "somebody else too"
wait_letter reader@example.org
ok $? "a letter comes"
has "$T/letter" '^Subject: .*mohon' "in the language of the page"
has "$T/letter" '^Auto-Submitted: auto-generated$' "written by a machine, as it says"
confirm=$(grep -oE "$URL/warnings/list/[a-z0-9]+" "$T/letter" | head -1)
[ -n "$confirm" ]
ok $? "with a link"
wait_letter never@example.org
ok $? "the other has one too"
has "$T/letter" 'confirm that you want our warnings' "in English"
is "$(status "$confirm")" 200 "a scanner opens the link"
mark
warn "Before anybody confirmed" CLEAR
ok $? "a warning is published"
wait_mailed
is "$(status --data csrf= "$confirm")" 200 "the button of the page confirms"
warn "For our readers" CLEAR
ok $? "another is published"
warn "canary-amber" AMBER
ok $? "and one that is not for everybody"

# --- a warning ---
wait_letter reader@example.org
ok $? "the warning comes"
has "$T/letter" '^Subject: .*For our readers' "with its title"
has "$T/letter" 'Update now' "and what to do"
has "$T/raw" '^List-Unsubscribe: *<http' "a mail program finds how to leave (RFC 2369)"
has "$T/raw" '^List-Unsubscribe-Post: *List-Unsubscribe=One-Click$' "by one press (RFC 8058)"
leave=$(sed -e ':a' -e 'N;$!ba' -e 's/\n[ \t]/ /g' "$T/raw" | sed -nE 's/^List-Unsubscribe: *<([^>]*)>.*/\1/p' | head -1)
grep -qF "$leave" "$T/letter"
ok $? "the letter's text has the same link for people"
sleep 1
wait_delivered
is "$(mails never@example.org)" 1 "who has not confirmed got no warning"
is "$(mails reader@example.org)" 2 "who did, that one alone"
cat "$MAILS"/*/Maildir/*/* >"$T/all" 2>/dev/null
has_not "$T/all" canary "nothing of the other"

# --- leaving ---
is "$(status "$leave")" 200 "a scanner opens this link too"
mark
warn "Still on the list" CLEAR
wait_letter reader@example.org
ok $? "and the reader is on the list as before"
is "$(status --data 'List-Unsubscribe=One-Click' "$leave")" 200 "the mail program's one press"
is "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM subscriber WHERE email LIKE 'reader%'")" 0 "erases the address"
had=$(mails reader@example.org)
warn "After that" CLEAR
ok $? "another warning is published"
wait_mailed
wait_delivered
is "$(mails reader@example.org)" "$had" "and does not come"
stop_node
check "the store is sound" r verify
done_testing
