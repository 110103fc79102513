#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Letters to those whom findings concern, through a real relay into a real mailbox store: in their
# language, with the events as CSV and X-ARF, one thread for one thing, locked up where it could hurt.
# They are read again by a parser that is not ours; reports are checked by the public schema.
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
	skip "letters in a mailbox" "$servers_lack"
	done_testing
}
reader=$RONDA_SOURCE/tests/browser/letters.js
"$RONDA_SOURCE/tests/browser/install" >/dev/null 2>"$T/npm" || {
	skip "letters read by another parser" "packages of npm are not here: $(tail -1 "$T/npm")"
	done_testing
}
schemas=${RONDA_XARF_SCHEMAS:-$RONDA_SOURCE/../shared/data/samples/xarf/schemas}
r() { ronda "$@" -d "$D"; }
query() { sqlite3 -readonly -cmd '.timeout 5000' "$D/main.db" "$1"; }
lacks() { # file, words, name
	! grep -qe "$2" "$1"
	ok $? "$3"
}
until_is() { # SQL, value, name
	for _ in $(seq 1200); do
		[ "$(query "$1" 2>/dev/null)" != "$2" ] || break
		sleep 0.05
	done
	is "$(query "$1")" "$2" "$3"
}
dovecot_start
ok $? "a mailbox store runs"
postfix_start
ok $? "a relay runs"

ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
cat >>"$D/ronda.conf" <<END
send_messages = yes
send_pace = 0s
mail_from = Team Bé "CERT" <cert@example.org>
mail_reply_to = cert+{token}@example.org
mail_relays = smtp://127.0.0.1:$SMTP_PORT
public_url = https://ronda.example.org
END
organisation() { # name, address, network, more
	printf '{"name":"%s","kind":"constituent","country":"ID","contacts":[{"role":"abuse","email":"%s","channel":"mail"}],
		"constituency":[{"kind":"network","value":"%s"}]%s}' "$1" "$2" "$3" "$4" >"$T/org"
	r organisation new --body "$T/org" >"$T/out" 2>"$T/err"
}
organisation 'Alpha\r\nBcc: victim@example.org' abuse@alpha.example.org 198.18.1.0/24 ',"languages":["en"]'
organisation Alpha abuse@alpha.example.org 198.18.1.0/24 ',"languages":["en"]'
ok $? "who reads English"
organisation Béta abuse@beta.example.org 198.18.2.0/24 ',"languages":["id"]'
ok $? "who reads Indonesian"
organisation Gamma abuse@gamma.example.org 198.18.3.0/24 ',"file_password":"said on the telephone"'
ok $? "who has a password for archives"
check "live" r rehearsal live --all --why "a test of letters"
check "a rule" r rule new title="All at once" pace=once pause=1s contact=abuse rank=1 cap=1000
rule=$(sed -nE 's/^(rule-)?([0-9]+).*/\2/p' "$T/out" | head -1)
check "it is active" r rule move "$rule" active --why "a test"
check "the node serves" serve

event() { # address, type, identifier, more
	printf '{"source.ip":"%s","source.port":5353,"protocol.transport":"udp","classification.type":"%s","classification.identifier":"%s","time.source":"%s"%s}\n' \
		"$1" "$2" "$3" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$4"
}
# One of each type that there is, to one of them.
types=$(sed -nE 's/^TYPE\("([^"]*)".*/\1/p' "$RONDA_SOURCE/src/event/taxonomy.def" | grep -v '^test$')
n=0
for type in $types; do
	n=$((n + 1))
	event "198.18.1.$n" "$type" "kind-$n" ',"source.url":"http://x'"$n"'.example.org/a?b=c"'
done >"$T/all.jsonl"
event 198.18.2.7 ddos-amplifier dns-open-resolver ',"event_description.text":"=HYPERLINK(\"http://example.org\")"' >>"$T/all.jsonl"
event 198.18.2.8 vulnerable-system "cve-2021-44228" ',"product.vulnerabilities":"CVE-2021-44228"' >>"$T/all.jsonl"
event 198.18.3.9 phishing "" ',"source.url":"http://login.bank.example.org/x.php","source.fqdn":"login.bank.example.org"' >>"$T/all.jsonl"
check "reports of all types" r intake --feed local --format intelmq "$T/all.jsonl"
until_is "SELECT (SELECT count(*) FROM finding) - (SELECT count(*) FROM finding_mark WHERE mark = 1)" 0 "every finding is told"
until_is "SELECT count(*) FROM outbox WHERE driver = 'mail' AND state IN (1, 2, 3)" 0 "no letter waits"
is "$(query "SELECT count(*) FROM outbox WHERE driver = 'mail' AND state <> 4")" 0 "each was sent"
wait_delivered
ok $? "and delivered"

# --- by a parser that is not ours ---
mkdir "$T/files" "$T/zip"
node "$reader" read "$MAILS" >"$T/mails" 2>"$T/err"
ok $? "another parser reads them"
is "$(wc -l <"$T/mails")" "$(query "SELECT count(*) FROM outbox WHERE driver = 'mail' AND state = 4")" "all of them"
node "$reader" save "$MAILS" "$T/files" 2>"$T/err"
ok $? "and what is attached"
grep abuse@beta "$T/mails" >"$T/beta"
has "$T/beta" 'Resolver DNS terbuka di jaringan Anda \(1\)' "an Indonesian subject"
has "$T/beta" 'APA YANG PERLU DILAKUKAN' "and text"
has "$T/beta" 'Béta' "with the recipient's name"
grep abuse@alpha "$T/mails" >"$T/alpha"
has "$T/alpha" 'Security findings in your network' "an English one"
lacks "$T/mails" '"bcc"' "no name made a header"
has "$T/mails" 'Team Bé' "who it is from, with an accent"
lacks "$T/mails" '"text":"[^"]*http://x' "nobody opens a place by mistake"
has "$T/alpha" 'hxxp://x[0-9]*\[\.\]example\[\.\]org/a\?b=c' "it is written so"
has "$T/mails" 'https://ronda.example.org/a/' "each can be answered by a link"
is "$(grep -c '"auto-submitted"' "$T/mails")" "$(wc -l <"$T/mails")" "each says that a program sent it"
is "$(grep -c '"x-ronda-loop"' "$T/mails")" "$(wc -l <"$T/mails")" "and which"
is "$(sed 's/.*"id":"\([^"]*\)".*/\1/' "$T/mails" | sort -u | wc -l)" "$(wc -l <"$T/mails")" "each has an id of its own"
grep -h HYPERLINK "$T"/files/*events.csv >"$T/cell"
has "$T/cell" "\"'=HYPERLINK" "nothing runs in a spreadsheet"
longest=$(find "$MAILS" -type f -path '*/new/*' -exec awk 'length > m { m = length } END { print m + 0 }' {} + | sort -n | tail -1)
[ "$longest" -le 998 ]
ok $? "no line is too long ($longest)"

# --- locked up ---
gamma=$(find "$T/files" -name '*events.zip')
[ -s "$gamma" ]
ok $? "what could hurt is in an archive"
if command -v 7z >/dev/null; then
	7z x -p"said on the telephone" -o"$T/zip" "$gamma" >/dev/null 2>&1
	has "$T/zip/events.csv" 'http://login.bank.example.org/x.php' "it opens with the password"
else
	skip "the archive opens with the password" "7z is not installed; notify-letter opens one by libzip"
fi
lacks "$T/mails" 'said on the telephone' "which is in no mail"
if grep -q "said on the telephone" "$T/node.log" 2>/dev/null; then ok 1 "nor in a log"; else ok 0 "nor in a log"; fi

# --- reports by the schema ---
if [ -d "$schemas/v4" ]; then
	node "$reader" xarf "$schemas" "$T"/files/*xarf-*.json >"$T/xarf" 2>"$T/err"
	ok $? "each X-ARF report is valid by the public schema"
	grep -v '^valid' "$T/xarf" | head -5 | sed 's/^/# /'
	echo "# $(sort "$T/xarf" | uniq -c | tr -s ' ' | tr '\n' ';')"
	[ "$(sort -u "$T/xarf" | wc -l)" -ge 12 ]
	ok $? "of at least twelve kinds"
else
	skip "X-ARF by the public schema" "the schemas are not here: set RONDA_XARF_SCHEMAS"
fi

# --- a text of one's own, and one thread ---
check "a copy of a built-in text" r template from open-dns.id
has "$T/out" '^template--' "is a draft"
r template edit 1 'words={{#to}}' >"$T/out" 2>"$T/err"
is $? 65 "one that does not compile is refused"
has "$T/err" 'line 1: section .to. is not closed' "with line and reason"
check "another wording" r template edit 1 'words={{> head}}Kata-kata kami sendiri.'
check "how it reads" r template preview 1
has "$T/out" 'Kata-kata kami sendiri' "with the words"
has "$T/out" '192\.0\.2\.7' "and made-up findings"
check "from now on" r template move 1 active
event 198.18.2.17 ddos-amplifier dns-open-resolver '' >"$T/more.jsonl"
check "one more" r intake --feed local --format intelmq "$T/more.jsonl"
until_is "SELECT count(*) FROM outbox WHERE template = 'tell.open-dns' AND state = 4" 2 "is told"
wait_delivered
node "$reader" read "$MAILS" 2>"$T/err" | grep abuse@beta | grep 198.18.2.17 >"$T/own"
has "$T/own" 'Kata-kata kami sendiri' "in the words that the team wrote"
has "$T/own" '"references":""' "of another thing: another thread"
stop_node
done_testing
