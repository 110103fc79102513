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
	for _ in $(seq 600); do
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

# A text that is a report, of who is named for it; nothing of it when he is not.
printf 'From: Desk <desk@partner.example.org>\nSubject: today\n\ntimestamp,ip\n2026-11-20 01:02:03,198.18.0.41\n2026-11-20 01:02:04,198.18.0.42\n-- \nDesk\n' >"$T/body1"
r mail in "$T/body1" --json >"$T/out" 2>"$T/err"
has "$T/out" '"kind":"message".*"reports":0' "a text is no report by itself"
sed 's/today/today too/' "$T/body1" | r mail in - --json --set mail_bodies=partner.example.org >"$T/out" 2>"$T/err"
has "$T/out" '"kind":"report".*"reports":1' "of a sender who is named for it, it is one"
is "$(r events --json feed.name=partner | grep -cE '198.18.0.4[12]')" 2 "and its lines are events"
sed 's/desk@partner.example.org/desk@other.example.org/' "$T/body1" | r mail in - --json --set 'mail_bodies=*' >"$T/out" 2>"$T/err"
has "$T/out" '"kind":"message".*"reports":0' "without a feed it is none, whoever is named"
printf 'From: Desk <desk@partner.example.org>\nSubject: X-ARF\n\n{"xarf_version":"4.0.0","timestamp":"2026-11-20T01:02:03Z","source_identifier":"198.18.0.43","category":"messaging","type":"spam"}\n' |
	r mail in - --json >"$T/out" 2>"$T/err"
has "$T/out" '"kind":"report".*"reports":1' "X-ARF as the text is seen by what it is"
printf 'From: Desk <desk@partner.example.org>\nSubject: prose\n\nGood morning, nothing to tell today.\n' |
	r mail in - --json --set mail_bodies=partner.example.org >"$T/out" 2>"$T/err"
has "$T/out" '"kind":"report".*"words":".*text. is no report' "a text that is none is kept, with the reason"
# --- erased: what is left lets nothing in again, and says nothing ---
printf 'From: Cora <cora@example.org>\nTo: cert@example.net\nSubject: about me\nMessage-ID: <cora-canary@example.org>\n\nForget CANARYCORA.\n' >"$T/cora"
cora=$(r mail in "$T/cora" --json 2>"$T/err" | sed -nE 's/.*"record":"([^"]*)".*/\1/p')
check "a mail is erased" r mail erase "$cora" --why "asked for by the person"
is "$(query "SELECT count(*) FROM mail_in WHERE message_id LIKE '%cora%' OR words LIKE '%CORA%'")" 0 "its row says nothing of it"
sqlite3 -readonly "$D/main.db" "SELECT hex(digest) FROM mail_in WHERE id = (SELECT max(id) FROM mail_in)" >"$T/digest"
has_not "$T/digest" "$(sha256sum <"$T/cora" | cut -c1-64 | tr a-f A-F)" "nor by its digest"
sed 's/$/\r/' "$T/cora" | r mail in - --json >"$T/out" 2>"$T/err"
has "$T/out" '"known":true.*"words":""' "found again it does not come in again"
is "$(r mail list --csv --limit 500 | grep -c 'about me')" 0 "and no record of it comes back"
! grep -rqa CANARYCORA "$D"
ok $? "no byte of it is left"

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
# More than are taken at once, looked for once an hour: worked off without a pause, and it is said how far.
for i in $(seq 1000 1699); do letter "$i" "many $i" | post "$i.many"; done
serve --set mail_in_every=1h >/dev/null
wait_query "SELECT remain > 0 FROM mail_box" 1
ok $? "it is said how many the mailbox still has"
r mail in status --json >"$T/out" 2>"$T/err"
has "$T/out" '"in_mailbox":[1-9]' "also to who asks"
is "$(query "SELECT min(words) FROM mail_box")" '' "the box is well"
read=$(r token make reader --right read 2>/dev/null)
status=$(curl -s -o "$T/body" -w '%{http_code}' "$URL/healthz")
is "$status" 200 "the node answers meanwhile"
stopped=$(date +%s)
stop_node
waits=$(query "SELECT count(*) FROM mail_in WHERE state = 1")
echo "# ended within $(($(date +%s) - stopped)) s with $waits mails that wait"
serve --set mail_in_every=1h >/dev/null
for _ in 1 2 3 4; do # 30 s each: seven hundred mails on a machine that has other work
	wait_query "SELECT count(*) FROM mail_in WHERE state = 2 AND box LIKE '%/box'" 740 >"$T/out" && break
done
is "$(query "SELECT count(*) FROM mail_in WHERE state = 2 AND box LIKE '%/box'")" 740 "all are worked off within the first look"
is "$(query "SELECT remain FROM mail_box")" 0 "and none is left in the mailbox"
is "$(query "SELECT group_concat(id) = (SELECT group_concat(id) FROM (SELECT id FROM mail_in WHERE box LIKE '%/box' AND id > 0 ORDER BY id)) FROM (SELECT id FROM mail_in WHERE box LIKE '%/box' ORDER BY at_us, id)")" 1 "in the order they came"
curl -s -o "$T/body" -H "Authorization: Bearer $read" "$URL/metrics"
has "$T/body" '^ronda_mails_waiting 0$' "the figures for machines say that none waits"
has "$T/body" '^ronda_mails_in_mailbox 0$' "that none is left"
has "$T/body" '^ronda_mailbox_fails 0$' "that the box is read"
has "$T/body" "^ronda_mails_message_total $(mails_are 6)\$" "and how many of each kind came: messages"
has "$T/body" "^ronda_mails_report_total $(mails_are 3)\$" "reports"
has "$T/body" "^ronda_mails_unreadable_total $(mails_are 7)\$" "unreadable ones"
good='a long Password 1'
once=$(r account new "Duty A" --roles duty,analyst >/dev/null 2>&1 && r account invite "Duty A" 2>/dev/null | sed -nE 's,.*/welcome\?once=,,p')
curl -s -o /dev/null -c "$T/jar" --data-urlencode "once=$once" --data-urlencode "new=$good" "$URL/welcome"
curl -s -o "$T/body" -b "$T/jar" -H 'Accept: text/html' "$URL/triage"
has "$T/body" 'Unread mails' "unread mails stand where the next thing to do is looked for"
has "$T/body" 'again|burst 1[0-9]{2}' "by their subjects"
has "$T/body" 'href="/mail\?state=unread"' "with a way to all of them"
has_not "$T/body" 'Out of office' "and none that a program wrote"
stop_node
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
for _ in $(seq 600); do
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
reply "abuse@n1.example.org" "RE: [ronda #$number] open telnet [NetOne #4711]" "Message-ID: <rt-4711-1@n1.example.org>
In-Reply-To: <$id>" "Fixed since this morning."
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
Message-ID: <rt-4711-2@n1.example.org>
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

# --- one thread through their ticket systems' subjects and our numbers, both ways ---
one=$id
next_letter() { # round's number, subject: starts it; what comes of it is in $T/letter, with $number and $id
	sed "s/\"subject\":\"[^\"]*\"/\"subject\":\"$2\"/" "$T/round" >"$T/round.next"
	r round new --body "$T/round.next" >"$T/out" 2>"$T/err" && r round start "$1" >"$T/out" 2>"$T/err" || return 1
	come_in "$number"
}
come_in() { # waits for a letter to them with a higher number than that
	for _ in $(seq 600); do
		number=$(cat "$MAILS/abuse@n1.example.org/Maildir"/*/* 2>/dev/null | tr -d '\r' | sed -n 's/^X-Ronda-Message: //p' | sort -n | tail -1)
		[ "$number" -le "$1" ] || break
		sleep 0.1
	done
	# header lines whole
	cat "$(grep -l "^X-Ronda-Message: $number" "$MAILS/abuse@n1.example.org/Maildir"/*/* | head -1)" | tr -d '\r' |
		sed -e ':a' -e '$!N;s/\n[ \t][ \t]*/ /;ta' -e 'P;D' >"$T/letter"
	id=$(sed -n 's/^Message-ID: <\(.*\)>.*/\1/ip' "$T/letter" | head -1)
	[ "$number" -gt "$1" ]
}
next_letter 2 "still open"
ok $? "a second letter about the same"
has "$T/letter" "^Subject: \\[ronda #$number\\] \\[NetOne #4711\\] still open" "bears the number of their ticket"
has "$T/letter" "^References: <$one> <rt-4711-1@n1.example.org> .*<rt-4711-2@n1.example.org>$" "and stands in their thread"
has "$T/letter" "^In-Reply-To: <rt-4711-2@n1.example.org>" "behind their last word"
two=$id
reply "abuse@n1.example.org" "[Ticket#2026112210000017] Re: [ronda #$number] [NetOne #4711] still open" "Message-ID: <otrs-17-1@n1.example.org>
References: <otrs-17-0@n1.example.org>" "Working on it."
wait_query "SELECT theirs FROM mail_foreign WHERE ours = $number" '[Ticket#2026112210000017]'
ok $? "another system of theirs answers, by our number alone"
is "$(query "SELECT count(*) FROM answer WHERE message = $number AND kind = 1")" 1 "and that is an answer"
next_letter 3 "open still"
ok $? "a third letter"
has "$T/letter" "^Subject: \\[ronda #$number\\] \\[Ticket#2026112210000017\\] open still" "bears the newer number"
has "$T/letter" "^References: <$one> <rt-4711-1@n1.example.org> .*<$two> <otrs-17-1@n1.example.org>$" "and the whole thread, oldest first"
check "an incident" r incident new title="Telnet" class=fraud severity=low summary=x
incident=$(r incident list --json | sed -nE 's/.*"number":([0-9]+).*"Telnet".*|.*"Telnet".*"number":([0-9]+).*/\1\2/p' | head -1)
mail=$(query "SELECT lower(hex(record)) FROM mail_in WHERE message_id = 'otrs-17-1@n1.example.org'" | sed -E 's/(.{8})(.{4})(.{4})(.{4})(.{12})/mail--\1-\2-\3-\4-\5/')
check "their mail is filed into it" r mail file "$mail" "incident-$incident"
check "a person writes back" r incident letter "$incident" --answers "$mail" --subject "a word" --words "Thank you."
come_in "$number"
ok $? "that comes too"
has "$T/letter" "^Subject: \\[ronda #$number\\] \\[Ticket#2026112210000017\\] a word" "under their number"
has "$T/letter" "^In-Reply-To: <otrs-17-1@n1.example.org>" "in answer to their mail"
stop_node
check "the store is sound" r verify

# --- two nodes that write back ---
mine=$D
D=$T/other
ronda init "$D" --name "Team D" --country ID --team small --account "Lead D" >"$T/out" 2>"$T/err"
ok $? "a second node is made"
# By STARTTLS, and what is taken goes to another folder.
sed "s/cert@example.net/peer@example.com/g; s/Team B/Team D/; s#imaps://#imap://#; s/:$IMAPS_PORT/:$IMAP_PORT/" "$mine/ronda.conf" >>"$D/ronda.conf"
echo 'mail_in_move = Done' >>"$D/ronda.conf"
mkdir -p "$MAILS/peer@example.com/Maildir/.Done/cur" "$MAILS/peer@example.com/Maildir/.Done/new" "$MAILS/peer@example.com/Maildir/.Done/tmp"
chown -R mail:mail "$MAILS/peer@example.com"
for D in "$T/other" "$mine"; do
	echo 'mail_receipt = yes' >>"$D/ronda.conf"
	r rehearsal live --all --why "a test of receipts" >"$T/out" 2>"$T/err" || ok 1 "live"
done
D=$T/other
check "it serves" serve
other_pid=$node_pid
D=$mine
check "and so does the first" serve
# A person's letter, by a program that says nothing of itself; then by the other node: those are never answered by a program.
printf 'From: Team D <peer@example.com>\nTo: cert@example.net\nSubject: a word\nMessage-ID: <w1@example.com>\n\nHello.\n' | submit peer@example.com cert@example.net
printf 'From: Team D <peer@example.com>\nTo: cert@example.net\nSubject: one more\nMessage-ID: <w2@example.com>\n\nHello.\n' | submit peer@example.com cert@example.net
wait_query "SELECT count(*) FROM outbox WHERE template = 'mail.receipt' AND state = 4" 1
ok $? "who writes is told that it came"
D=$T/other
wait_query "SELECT count(*) FROM mail_in WHERE kind = 4 AND state = 2" 1
ok $? "to the other node that is automatic"
is "$(find "$MAILS/peer@example.com/Maildir/.Done/cur" "$MAILS/peer@example.com/Maildir/.Done/new" -type f | wc -l | tr -d ' ')" 1 "taken by STARTTLS, it is moved away"
check "the other has an incident" r incident new title="A word" class=fraud severity=low summary=x
check "and writes to the first by itself" r incident letter 1 --to cert@example.net --subject "by hand" --words "Hello." --tlp CLEAR
D=$mine
wait_query "SELECT count(*) FROM mail_in WHERE message_id LIKE '%@example.com' AND kind = 6 AND state = 2" 3
ok $? "its letter has come as a message"
wait_delivered
sleep 4
D=$T/other
is "$(query "SELECT count(*) FROM outbox WHERE template <> 'mail.letter'")" 0 "nothing was answered to the receipt"
is "$(query "SELECT count(*) FROM mail_in")" 1 "and to its letter no receipt came"
is "$(query "SELECT count(*) FROM answer")" 0 "nor is the receipt an answer"
D=$mine
is "$(query "SELECT count(*) FROM outbox WHERE template = 'mail.receipt'")" 1 "three mails of one day, one receipt"
kill "$other_pid"
wait "$other_pid" 2>/dev/null
stop_node
has_not "$T/node.log" "$MAIL_PASSWORD" "no password in the log"
done_testing
