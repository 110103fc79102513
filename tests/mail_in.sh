#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Mails come in: out of a Maildir while the node is killed, out of a real mailbox store by IMAP; what they
# are is seen, what they bring goes to intake, what answers a letter of ours is an answer, and what
# does not arrive lowers the contact.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/servers.sh"
unset LANG LC_ALL LC_MESSAGES
end_all() {
	postfix_stop
	dovecot_stop
	finish
}
trap end_all EXIT
r() { ronda "$@" -d "$D"; }
query() { sqlite3 -readonly -cmd '.timeout 5000' "$D/main.db" "$1"; }
mails_are() { query "SELECT coalesce((SELECT mails FROM mail_in_count WHERE kind = $1), 0)"; }
# Until a query gives a value: QUERY VALUE
wait_query() {
	for _ in $(seq 300); do
		[ "$(query "$1" 2>/dev/null)" != "$2" ] || return 0
		sleep 0.1
	done
	echo "# '$(query "$1")', want '$2'"
	return 1
}
post() { # name: stdin into the Maildir, as a delivery does
	cat >"$T/box/tmp/$1" && mv "$T/box/tmp/$1" "$T/box/new/$1"
}
letter() { # number, subject
	printf 'From: Ani <ani@example.org>\nTo: cert@example.net\nSubject: %s\nMessage-ID: <m%s@example.org>\n\nText %s.\n' \
		"$2" "$1" "$1"
}
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
mkdir -p "$T/box/new" "$T/box/cur" "$T/box/tmp"
cat >>"$D/ronda.conf" <<END
mail_in = $T/box
mail_in_every = 1s
mail_from = Team B <cert@example.net>
mail_feeds = fbl@example.org=complaints, partner.example.org=partner
END
check "a feed for complaints" r feed add complaints --tlp AMBER
check "and one for a partner" r feed add partner --tlp GREEN

# --- one after the other, by hand ---
letter 1 hello >"$T/m1"
r mail in "$T/m1" --json >"$T/out" 2>"$T/err"
ok $? "a mail by hand"
has "$T/out" '"kind":"message","known":false,"record":"mail--' "it is a message to us"
sed 's/$/\r/' "$T/m1" >"$T/m1.crlf"
r mail in "$T/m1.crlf" --json >"$T/out" 2>"$T/err"
has "$T/out" '"known":true' "the same with other line ends is known"
is "$(r mail list --csv | grep -c hello)" 1 "there is one record of it"
printf 'From: fbl@example.org\nSubject: complaint\nPrecedence: bulk\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nspam\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: x\nVersion: 1\nSource-IP: 198.18.0.9\nArrival-Date: Thu, 19 Nov 2026 14:00:00 +0000\n\n--b\nContent-Type: text/rfc822-headers\n\nSubject: caf\351\n\n--b--\n' >"$T/arf"
r mail in "$T/arf" --json >"$T/out" 2>"$T/err"
has "$T/out" '"kind":"report".*"reports":1' "a complaint goes to intake"
is "$(r events --json feed.name=complaints | grep -c 198.18.0.9)" 1 "as an event of its feed"
printf 'From: Desk <desk@partner.example.org>\nSubject: list\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee there\n--b\nContent-Type: text/csv; name=ips.csv\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\naXAKMTk4LjE4LjAuMjEKMTk4LjE4LjAuMjIK\n--b\nContent-Type: application/json; name=xarf.json\n\n{"xarf_version":"4.0.0","timestamp":"2026-11-20T01:02:03Z","source_identifier":"198.18.0.23","category":"messaging","type":"spam"}\n--b--\n' >"$T/csv"
r mail in "$T/csv" --json >"$T/out" 2>"$T/err"
has "$T/out" '"kind":"report".*"reports":2' "a list and an X-ARF go to intake"
is "$(r events --json feed.name=partner | wc -l | tr -d ' ')" 3 "as events of the partner's feed"
r mail show 3 --json >"$T/out" 2>"$T/err"
r mail show 3 >"$T/out" 2>"$T/err"
has "$T/out" 'brought' "and the mail names its reports"
sed 's/desk@partner.example.org/desk@other.example.org/' "$T/csv" >"$T/csv2"
r mail in "$T/csv2" --json >"$T/out" 2>"$T/err"
has "$T/out" '"kind":"message".*"reports":0' "of a stranger nothing goes to intake by itself"
mkdir "$T/www"
printf 'ip\n198.18.0.31\n' >"$T/www/list.csv"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext "subjectAltName=IP:127.0.0.1" -keyout "$T/www.key" -out "$T/www.pem" 2>/dev/null
free_port && www=$port
(cd "$T/www" && exec openssl s_server -quiet -WWW -accept "127.0.0.1:$www" -cert "$T/www.pem" -key "$T/www.key") >"$T/www.log" 2>&1 &
www_pid=$!
wait_listens "$www" $www_pid
printf 'From: desk@partner.example.org\nSubject: by link\n\nToday: <https://127.0.0.1:%s/list.csv>, https://127.0.0.1:%s/list.csv and https://127.0.0.1:1/other\n' "$www" "$www" >"$T/link"
r mail in "$T/link" --json --set mail_link_hosts="https://127.0.0.1:$www" --set fetch_ca_file="$T/www.pem" >"$T/out" 2>"$T/err"
has "$T/out" '"kind":"report".*"reports":1' "a link of a host that is named is fetched"
is "$(r events --json feed.name=partner | grep -c 198.18.0.31)" 1 "and what it gives goes to intake"
sed 's/by link/again/' "$T/link" | r mail in - --json >"$T/out" 2>"$T/err"
has "$T/out" '"kind":"message"' "without the setting it is a message"
kill $www_pid
wait $www_pid 2>/dev/null
printf 'From: ani@example.org\nSubject: Out of office\nAuto-Submitted: auto-replied\nIn-Reply-To: <m1@example.org>\n\naway\n' | r mail in - --json >"$T/out" 2>"$T/err"
has "$T/out" '"kind":"automatic"' "an absence is automatic"
r mail show 7 >"$T/out" 2>"$T/err"
has "$T/out" 'Follows: mail-1' "and stands in its thread"
check "an incident" r incident new title="Open relay" class=fraud severity=low summary=x
check "a mail is filed into it" r mail file 1 incident-1
r mail show 1 >"$T/out" 2>"$T/err"
has "$T/out" 'Incident: incident-1' "and names it"
printf 'From: Ani <ani@example.org>\nSubject: Re: hello\nMessage-ID: <m2@example.org>\nReferences: <m1@example.org>\n\nmore\n' | r mail in - --json >"$T/out" 2>"$T/err"
r mail show 8 >"$T/out" 2>"$T/err"
has "$T/out" 'Incident: incident-1' "what follows in the thread belongs to it too"
printf 'no mail at all\n' | r mail in - --json >"$T/out" 2>"$T/err"
has "$T/out" '"kind":"unreadable".*"words":"it cannot be read' "what is no mail is kept with the reason"
node=$(query "SELECT value FROM node WHERE key = 'node.id'" 2>/dev/null)
[ -n "$node" ] || node=$(r verify --json 2>/dev/null | sed -n 's/.*"node": *"\([^"]*\)".*/\1/p')
printf '\211PNG\r\n\032\n' | base64 >"$T/png"
printf 'From: x@example.org\nSubject: see\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nlook\n--b\nContent-Type: application/pdf; name=bill.pdf\nContent-Transfer-Encoding: base64\n\n%s\n--b--\n' "$(cat "$T/png")" >"$T/media"
r mail in "$T/media" --json >"$T/out" 2>"$T/err"
has "$T/out" 'pictures or films' "a picture under another name is seen"
is "$(query "SELECT count(*) FROM mail_in_raw")" 0 "and no second copy of any mail is left"

# --- out of a Maildir, while the node is killed ---
for i in $(seq 100 139); do letter "$i" "burst $i" | post "$i.example"; done
killed=0
while [ $killed -lt 8 ]; do
	killed=$((killed + 1))
	serve >/dev/null || break
	sleep "0.$((200 + killed * 83 % 700))"
	kill -9 "$node_pid" 2>/dev/null
	wait "$node_pid" 2>/dev/null
done
is $killed 8 "the node was killed while it took mails, and came up again each time"
check "once more, and left alone" serve
wait_query "SELECT count(*) FROM mail_in WHERE state = 2 AND box LIKE '%/box'" 40
ok $? "each mail of the box is filed"
stop_node
is "$(query "SELECT count(*) FROM mail_in WHERE box LIKE '%/box'")" 40 "none twice"
is "$(r mail list --csv --limit 500 | grep -c 'burst ')" 40 "a record for each, and no more"
is "$(find "$T/box/new" -type f | wc -l | tr -d ' ')" 0 "nothing is left in new"
is "$(find "$T/box/cur" -type f -name '*:2,S' | wc -l | tr -d ' ')" 40 "all stand in cur as seen"
check "and the store is sound" r verify
r mail in status >"$T/out" 2>"$T/err"
has "$T/out" 'state.it is read since' "the state says that the box is read"
rm -rf "$T/box/new"
serve >/dev/null
wait_query "SELECT words LIKE '%is no Maildir' FROM mail_box" 1
ok $? "a box that is gone is said"
mkdir "$T/box/new"
wait_query "SELECT words FROM mail_box" ''
ok $? "and that it is back"
stop_node

# --- samples ---
if [ -d "$SHARED/data/samples/mail" ]; then
	understood=0 unread=0 wrong=0
	mine=$D
	D=$T/samples
	ronda init "$D" --name "Team C" --country ID >"$T/out" 2>"$T/err" && r feed add complaints --tlp AMBER >"$T/out" 2>"$T/err"
	ok $? "a node for samples"
	for f in $(find "$SHARED/data/samples/mail" "$SHARED/data/samples/abuse-mail" "$SHARED/data/samples/arf" -name '*.eml' | sort); do
		if r mail in "$f" --json --set 'mail_feeds=*=complaints' >"$T/sum" 2>"$T/err" &&
			grep -qE '"kind":"[a-z]+".*"words":"[^"]' "$T/sum"; then
			if grep -q '"kind":"unreadable"' "$T/sum"; then
				unread=$((unread + 1))
				echo "# ${f#"$SHARED"/}: $(sed 's/.*"words"://' "$T/sum")"
			else
				understood=$((understood + 1))
			fi
		else
			wrong=$((wrong + 1))
			echo "# ${f#"$SHARED"/}: $(cat "$T/err" "$T/sum")"
		fi
	done
	is $wrong 0 "each sample is understood, or kept with a reason"
	echo "# $understood understood, $unread kept unread; events: $(r events --json feed.name=complaints --limit 1000 | wc -l)"
	[ $understood -gt 100 ] || [ $unread -le 2 ]
	ok $? "nearly all are understood"
	r quarantine list --csv >"$T/q" 2>/dev/null
	sed 's/^/# quarantined: /' "$T/q" | cut -c1-160
	check "its store is sound" r verify
	D=$mine
else
	skip "samples of mails" "no samples beside this tree"
fi

# --- real servers ---
servers_can || {
	skip "mails by IMAP, answers and bounces" "$servers_lack"
	done_testing
}
dovecot_start && postfix_start
ok $? "a relay and a mailbox store run"
printf '%s\n' "$MAIL_PASSWORD" >"$T/password"
chmod 600 "$T/password"
sed -i '/^mail_/d' "$D/ronda.conf"
cat >>"$D/ronda.conf" <<END
send_messages = yes
send_pace = 0s
mail_from = Team B <cert@example.net>
mail_relays = smtp://cert@example.net@localhost:$SUBMISSION_PORT
mail_password_file = $T/password
mail_ca_file = $CA_FILE
mail_in = imaps://cert@example.net@localhost:$IMAPS_PORT/INBOX
mail_in_password_file = $T/password
mail_in_every = 1s
END
submit() { # from, to: stdin
	curl -sS --url "smtp://127.0.0.1:$SMTP_PORT" --mail-from "$1" --mail-rcpt "$2" -T - 2>"$T/err"
}
letter 900 "by IMAP" | submit ani@example.org cert@example.net
ok $? "a mail is sent to us"
wait_delivered
check "the node is up" serve
wait_query "SELECT count(*) FROM mail_in WHERE box LIKE 'imaps:%' AND state = 2" 1
ok $? "and comes in by IMAP"
[ -s "$T/node.log" ] && grep -i "mailbox waits" "$T/node.log" | sed 's/^/# /'
is "$(find "$MAILS/cert@example.net/Maildir/cur" -name '*:2,*S*' | wc -l | tr -d ' ')" 1 "it is marked as seen there"

# A letter of ours, and its answer.
printf '%s\n' '{"name":"Net 1","kind":"constituent","contacts":[{"role":"abuse","email":"abuse@n1.example.org","channel":"mail"}],"constituency":[{"kind":"network","value":"198.18.1.0/24"}]}' \
	'{"name":"Net 2","kind":"constituent","contacts":[{"role":"abuse","email":"bounced@n2.example.org","channel":"mail"}],"constituency":[{"kind":"network","value":"198.18.2.0/24"}]}' >"$T/organisations.jsonl"
check "two constituents" r organisation import "$T/organisations.jsonl"
for _ in $(seq 100); do
	! r who 198.18.2.7 2>/dev/null | grep -q "Net 2" || break
	sleep 0.1
done
check "live" r rehearsal live --all --why "a test of answers"
{ echo 'timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city'
	echo '"2026-11-20 01:02:03",high,198.18.1.7,tcp,23,h1.example.org,open,64500,ID,,'
	echo '"2026-11-20 01:02:03",high,198.18.2.7,tcp,23,h2.example.org,open,64500,ID,,'
} >"$T/2026-11-20-scan_telnet-first.csv"
check "something to tell" r intake "$T/2026-11-20-scan_telnet-first.csv"
cat >"$T/round" <<END
{"title":"Open telnet","kind":"notification","question":"type=vulnerable-system","answer_by":"$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)",
 "texts":[{"language":"en","subject":"open telnet","text":"Please close it."}]}
END
identifier=$(r findings --csv | grep 198.18.1.7 | cut -d, -f5 | tr -d '"')
sed -i "s/type=vulnerable-system/identifier=$identifier/" "$T/round"
check "a round" r round new --body "$T/round"
check "goes out" r round start 1
wait_query "SELECT count(*) FROM outbox WHERE driver = 'mail' AND state = 4" 2
sent=$?
ok $sent "by mail"
[ $sent = 0 ] || done_testing
wait_delivered
theirs=$(find "$MAILS/abuse@n1.example.org/Maildir/new" -type f | head -1)
id=$(sed -n 's/^Message-ID: <\(.*\)>.*/\1/ip' "$theirs" | head -1)
number=${id%%.*}
token=$(sed -n 's/^X-Ronda-Thread: *//ip' "$theirs" | tr -d '\r' | head -1)
[ -n "$token" ]
ok $? "the letter bears the thread's token"
reply() { # from, subject, more headers, text
	printf 'From: %s\nTo: cert@example.net\nSubject: %s\n%s\n\n%b\n' "$1" "$2" "$3" "$4" | submit "$1" cert@example.net
}
reply "abuse@n1.example.org" "RE: [ronda #$number] open telnet [NetOne #4711]" "In-Reply-To: <$id>" "Fixed since this morning."
wait_query "SELECT count(*) FROM answer WHERE channel = 'mail' AND kind = 2" 1
ok $? "the answer says that it is fixed"
is "$(query "SELECT theirs FROM mail_foreign")" '[NetOne #4711]' "the number of their ticket system is learned"
reply "someone@elsewhere.example.org" "RE: [ronda #$number] open telnet" "In-Reply-To: <$id>" "Not ours."
wait_query "SELECT words LIKE '%comes from elsewhere%' FROM mail_in WHERE kind = 6 ORDER BY id DESC LIMIT 1" 1
ok $? "who was not written to answers nothing by knowing its number"
is "$(query "SELECT count(*) FROM answer")" 1 "there is one answer"
reply "someone@elsewhere.example.org" "about that" "X: y" "We are working on it.\n\n> Reference: $token"
wait_query "SELECT count(*) FROM answer WHERE channel = 'mail' AND kind = 1" 1
ok $? "with the token it counts, wherever it comes from"
reply "abuse@n1.example.org" "Autoreply: [ronda #$number] open telnet" "Auto-Submitted: auto-replied
In-Reply-To: <$id>" "We got your mail. $token"
wait_query "SELECT count(*) FROM mail_in WHERE kind = 4 AND box LIKE 'imaps:%'" 1
ok $? "an acknowledgement by a program is automatic"
is "$(query "SELECT count(*) FROM answer")" 2 "and no answer"
submit x@example.org cert@example.net <"$theirs"
wait_query "SELECT mails FROM mail_in_count WHERE kind = 1" 1
ok $? "our own letter, sent back to us, is a loop"
is "$(query "SELECT count(*) FROM mail_in WHERE kind = 1 AND record IS NOT NULL")" 0 "and no record"
printf 'From: MAILER-DAEMON@example.org\nTo: cert@example.net\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nsorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; abuse@n1.example.org\nAction: failed\nStatus: 5.1.1\n\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <%s>\n\n--b--\n' "$id" | submit '' cert@example.net
wait_query "SELECT count(*) FROM mail_in WHERE kind = 2 AND words LIKE '%nothing follows%'" 1
ok $? "a forged delivery status is kept, and nothing follows from it"
wait_query "SELECT count(*) FROM mail_in WHERE kind = 2 AND words LIKE 'a delivery status about a mail of ours%'" 1
ok $? "the true one, of the relay, is believed"
query "SELECT kind, words FROM ledger WHERE driver = 'mail' ORDER BY id" | sed 's/^/# ledger: /'
for f in $(r organisation list --csv | sed -n 's/^"*\([0-9]*\)"*,.*Net 2.*/\1/p' | head -1); do
	r organisation show "$f" --json >"$T/out" 2>"$T/err"
	has "$T/out" '"trust": *0' "and its contact is trusted no more"
done
stop_node
check "the store is sound" r verify

# --- two nodes that write back ---
mine=$D
D=$T/other
ronda init "$D" --name "Team D" --country ID --team small --account "Lead D" >"$T/out" 2>"$T/err"
ok $? "a second node is made"
sed "s/cert@example.net/peer@example.com/g; s/Team B/Team D/" "$mine/ronda.conf" >>"$D/ronda.conf"
for D in "$T/other" "$mine"; do
	echo 'mail_receipt = yes' >>"$D/ronda.conf"
	r rehearsal live --all --why "a test of receipts" >"$T/out" 2>"$T/err" || ok 1 "live"
done
D=$T/other
check "it serves" serve
other_pid=$node_pid
D=$mine
check "and so does the first" serve
printf 'From: Team D <peer@example.com>\nTo: cert@example.net\nSubject: a word\nMessage-ID: <w1@example.com>\n\nHello.\n' | submit peer@example.com cert@example.net
printf 'From: Team D <peer@example.com>\nTo: cert@example.net\nSubject: one more\nMessage-ID: <w2@example.com>\n\nHello.\n' | submit peer@example.com cert@example.net
wait_query "SELECT count(*) FROM outbox WHERE template = 'mail.receipt' AND state = 4" 1
ok $? "who writes is told that it came"
D=$T/other
wait_query "SELECT count(*) FROM mail_in WHERE kind = 4 AND state = 2" 1
ok $? "to the other node that is automatic"
sleep 4
is "$(query "SELECT count(*) FROM outbox")" 0 "and it answers nothing"
D=$mine
is "$(query "SELECT count(*) FROM outbox WHERE template = 'mail.receipt'")" 1 "two mails of one day, one receipt"
kill "$other_pid"
wait "$other_pid" 2>/dev/null
stop_node
has_not "$T/node.log" "$MAIL_PASSWORD" "no password in the log"
done_testing
