#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The link in a message: what it shows, who may answer by it, what an answer does; scanners that open every
# link, links that are guessed, old, withdrawn; a claim of fixed held against the next complete run.
. "$RONDA_SOURCE/tests/lib.sh"


# Days are counted from today as the node sees it: the second run lies behind what was answered in between.
now=$(date +%s)
[ -z "${RONDA_CLOCK_FILE:-}" ] || now=$((now + $(cat "$RONDA_CLOCK_FILE")))
day() { date -u -d "@$((now + $1 * 86400))" +%Y-%m-%d; } # days from today
first=$(day -2) second=$(day 2)
. "$RONDA_SOURCE/tests/portal_world.sh"
r init --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
for i in 0 1; do
	languages='"en"'
	[ $i = 0 ] || languages='"id"'
	printf '{"name":"Net %d","kind":"provider","languages":[%s],"contacts":[{"role":"abuse","channel":"webhook","webhook":"%s/ok"}],"constituency":[{"kind":"network","value":"198.18.%d.0/24"}]}' \
		$i "$languages" "$HOOK" $i >"$T/org"
	r organisation new --body "$T/org" >"$T/out" 2>"$T/err"
	ok $? "organisation $i"
done
if r rehearsal live --all --why "the receivers are ours" >"$T/out" 2>"$T/err"; then ok 0 "messages go out"; fi
printf '{"name":"Paper","kind":"vendor","contacts":[{"role":"abuse","channel":"letter","email":"paper@example.org"}]}' >"$T/org"
r organisation new --body "$T/org" >"$T/out" 2>"$T/err"
check "a feed that lists all there is" r feed add telnet --tlp AMBER --complete
made scan_telnet 1 300 | sed "s/2026-11-20/$first/" >"$T/$first-scan_telnet-first.csv"
check "the node runs" serve_links
check "a report" r intake --feed telnet "$T/$first-scan_telnet-first.csv"
findings_are 300
cat >"$T/round" <<END2
{"title":"Telnet","kind":"notification","question":"country=ID to=all","answer_by":"$(later '1 hour')",
 "texts":[{"language":"en","subject":"Telnet is open","text":"Please close it."},
          {"language":"id","subject":"Telnet terbuka","text":"Mohon ditutup."}]}
END2
r round new --body "$T/round" >/dev/null
check "a round about them" r round start 1
for _ in $(seq 1200); do
	[ "$(query "SELECT count(*) FROM outbox WHERE state = 4 AND driver = 'webhook'")" != 2 ] || break
	sleep 0.05
done
link_of() { grep -h "$1" "$T/hooks" | grep -oE "$URL/a/[a-z0-9]+" | head -1; } # words of the message
en=$(link_of 'Telnet is open')
id=$(link_of 'Telnet terbuka')
[ -n "$en" ] && [ -n "$id" ] && [ "$en" != "$id" ]
ok $? "each message has a link of its own"
token=${en##*/}
get() { # address, further arguments: the status; the page in $T/page, the head in $T/head
	at=$1
	shift
	curl -s -o "$T/page" -D "$T/head" -w '%{http_code}' -H 'Accept: text/html' "$@" "$at"
}

# --- looking ---
state() {
	for t in answer answer_finding outbox ledger journal finding_mark record_file; do
		query "SELECT '$t', count(*) FROM $t"
	done
	query "SELECT max(rowid) FROM journal"
}
# What was sent is marked told behind it.
marked() { query "SELECT (SELECT seq FROM cursor WHERE name = 'tell:marked') >= (SELECT max(id) FROM ledger)"; }
for _ in $(seq 1200); do
	[ "$(marked)" != 1 ] || break
	sleep 0.05
done
state >"$T/before"
is "$(get "$en")" 200 "who opens it sees the page"
has "$T/page" 'Telnet is open' "with what it told"
has "$T/page" '198\.18\.0\.7 ' "and what it is about"
has_not "$T/page" '198.18.1.' "nothing of another"
has "$T/page" '<html lang="en">' "in their language"
has "$T/page" 'name="kind" value="not-ours"' "and a form"
has_not "$T/page" '<script' "without a script"
has "$T/head" '^Referrer-Policy: no-referrer' "the address is told to nobody"
has "$T/head" '^Cache-Control: no-store' "it is kept nowhere"
has "$T/head" '^X-Robots-Tag: noindex' "nor in an index"
has_not "$T/head" 'Set-Cookie' "no cookie"
is "$(get "$id")" 200 "the other's"
has "$T/page" '<html lang="id">' "in theirs"
has "$T/page" 'Telnet terbuka' "as it was told"
has "$T/page" 'Bukan milik kami' "with a form of their words"
has_not "$T/page" '198.18.0.' "and nothing of the first"
is "$(get "$id?lang=en")" 200 "in another language, if they choose"
has "$T/page" 'It is not ours' "that is known"
is "$(get "$en.csv")" 200 "all of it as a table"
is "$(grep -c '198\.18\.0\.' "$T/page")" 255 "every finding"
has_not "$T/page" '198.18.1.' "of theirs alone"
get "$en" >/dev/null
has "$T/page" 'What was seen, the newest first' "the page lists the first of the events behind it"
has "$T/page" 'href="[^"]*csv\?of=events"' "with a link to all of them"
is "$(get "$en.csv?of=events")" 200 "and the events behind it"
is "$(grep -c '198\.18\.0\.' "$T/page")" 255 "of each finding"
has "$T/page" '^"?time.source"?,"?source.ip"?,"?source.port"?' "with time, address and port"
has_not "$T/page" '198.18.1.' "and none of another"
is "$(get "$en.json")" 200 "for programs"
has "$T/page" '"subject":"' "as JSON"
for _ in $(seq 20); do
	get "$en" >/dev/null
	get "$en" -I >/dev/null
	get "$en?kind=fixed&words=x&done=1" >/dev/null
done
state >"$T/after"
sed -i '/journal/d; $d' "$T/before" "$T/after" # of the table that was exported there is a line
cmp -s "$T/before" "$T/after"
ok $? "to look changes nothing, however often"
query "SELECT object FROM journal WHERE act = 'export'" >"$T/out"
has_not "$T/out" "$token" "the export's line of the journal does not hold the token"

# --- answering ---
nonce=$(get "$en" >/dev/null; sed -nE 's/.*name="nonce" value="([0-9a-f]+)".*/\1/p' "$T/page" | head -1)
id_of() { r findings --json | sed -nE "s/.*\"id\":\"([0-9a-f]{32})\".*\"ip $1 .*/\1/p" | head -1; }
one=$(id_of 198.18.0.7) two=$(id_of 198.18.0.8) other=$(id_of 198.18.1.7)
is "$(get "$en" -d '')" 400 "an answer that says nothing"
has "$T/page" 'Say what your answer is' "is told so"
is "$(get "$id" -d 'kind=question')" 400 "a question of no words"
has "$T/page" 'Pertanyaan perlu keterangan' "in their language"
is "$(get "$en" -H 'Origin: http://evil.example' -d "kind=fixed&nonce=x")" 403 "from another site it is refused"
is "$(get "$en" -F kind=fixed -F "nonce=$nonce" -F "finding=$one" -F "finding=$two" -F "words=both closed" -F "by=Anna")" 303 "an answer"
has "$T/head" '^Location: /a/.*done=1' "leads back"
is "$(get "$en?done=1")" 200 "to the page"
has "$T/page" 'Your answer is with us' "that says thanks"
has "$T/page" 'both closed' "and shows it"
is "$(get "$en" -F kind=fixed -F "nonce=$nonce" -F "finding=$one" -F "finding=$two" -F "words=both closed" -F "by=Anna")" 303 "the same form again"
is "$(query 'SELECT count(*) FROM answer')" 1 "counts once"
is "$(query 'SELECT count(*) FROM answer_finding')" 2 "for what was ticked"
is "$(query "SELECT count(*) FROM ledger WHERE kind = 7")" 1 "and stands in the ledger once"
is "$(get "$en" -d "kind=fixed&nonce=n2&finding=$other")" 400 "another's finding is none of theirs"
printf 'GIF89a canary-picture' >"$T/shot.gif"
is "$(get "$id" -F kind=not-ours -F nonce=n3 -F "words=canary-words of them" -F "file=@$T/shot.gif")" 303 "not theirs, with a picture"
is "$(get "$id" -H 'Content-Type: application/json' -d '{"kind":"question","words":"what is telnet?"}')" 200 "a program asks"
has "$T/page" '"answer":[0-9]+' "and is told the number"
head -c 1400000 /dev/zero >"$T/big"
is "$(get "$en" -F kind=working -F nonce=n4 -F "file=@$T/big")" 413 "a file that is too large is not taken"
head -c 1100000 /dev/zero >"$T/big"
is "$(get "$en" -F kind=working -F nonce=n4 -F "file=@$T/big")" 400 "nor one a little too large"
is "$(query 'SELECT count(*) FROM answer')" 3 "three answers in all"
r round status 1 --csv >"$T/out"
has "$T/out" '"Net 0".*both closed' "the round knows what was answered"
has "$T/out" '"Net 1".*what is telnet' "by each"

# --- what we see of it ---
dash=$(r token make "dash" --right operate --ceiling RED --account "Lead A" 2>/dev/null | head -1)
as() { curl -s -o "$T/page" -w '%{http_code}' -H "Authorization: Bearer $dash" "$@"; }
is "$(as "$URL/notices.json")" 200 "notices"
has "$T/page" 'they say it is not theirs' "say that one is not theirs"
has "$T/page" 'they ask: what is telnet' "and what is asked"
is "$(as "$URL/answers.json")" 200 "answers that wait for us"
is "$(grep -o '"waits":true' "$T/page" | wc -l)" 2 "are two"
is "$(as -H 'Accept: text/html' "$URL/answers?all=1")" 200 "all of them"
has "$T/page" 'both closed' "with the one that asks nothing"
wait_id=$(query "SELECT id FROM answer WHERE kind = 3")
is "$(as "$URL/answers/$wait_id/file")" 403 "the picture of a stranger is not handed out"
is "$(as -d '' "$URL/answers/$wait_id")" 303 "one is seen to"
is "$(as -d '' "$URL/answers/$wait_id")" 409 "once"
is "$(as "$URL/findings/$one.json")" 200 "the finding"
has "$T/page" '"claim":"waits"' "is claimed to be fixed"
has "$T/page" 'both closed' "with their words"
has "$T/page" '"ledger":\[.*"kind":"sent"' "and who was told"
is "$(as -H 'Accept: text/html' "$URL/findings/$one")" 200 "its page"
has "$T/page" 'answered by link: <b>fixed</b>' "says it too"
r findings show "$other" >"$T/out" 2>/dev/null
has_not "$T/out" 'canary-words' "the mark of a finding holds no word of theirs"

# --- fixed, and what came after ---
made scan_telnet 1 300 | grep -v '198.18.0.8,' | sed "s/2026-11-20/$second/" >"$T/$second-scan_telnet-second.csv"
check "the next complete run" r intake --feed telnet "$T/$second-scan_telnet-second.csv"
for _ in $(seq 600); do
	as "$URL/findings/$two.json" >/dev/null
	! grep -q '"state":"gone"' "$T/page" || break
	sleep 0.1
done
has "$T/page" '"claim":"confirmed"' "what is gone was fixed"
as "$URL/findings/$one.json" >/dev/null
has "$T/page" '"claim":"came-back"' "what is seen again was not"
as -H 'Accept: text/html' "$URL/findings/$one" >/dev/null
has "$T/page" 'Claimed to be fixed, and came back' "and its page says so"

# --- what may not be told any more ---
get "$en" >/dev/null
has "$T/page" '198\.18\.0\.9 ' "a finding is shown"
nine=$(id_of 198.18.0.9)
check "somebody holds it back" r findings mark "$nine" held --reason "a search is prepared"
is "$(get "$en")" 200 "then the page"
has_not "$T/page" '198.18.0.9 ' "says nothing of it"
has "$T/page" 'Some of it may not be shown any more' "but that something is left out"
get "$en.csv" >/dev/null
has_not "$T/page" '198.18.0.9 ' "nor does the table"
get "$en.csv?of=events" >/dev/null
! grep -qE '198\.18\.0\.9[^0-9]' "$T/page"
ok $? "nor that of the events"

check "what it was about becomes RED" r round edit 1 --tlp RED --why "a source is at risk"
is "$(get "$en")" 200 "its page"
for word in 'Telnet is open' 'Please close it' '198.18.0.7 '; do has_not "$T/page" "$word" "says nothing of '$word'"; done
has "$T/page" 'may not be shown any more' "but that it may not be shown"
is "$(get "$en" -d 'kind=working&nonce=red1')" 303 "and takes an answer all the same"
is "$(get "$en.csv")" 200 "the table"
has_not "$T/page" '198.18.0.7' "is none"
r round edit 1 --tlp AMBER --why "over" >/dev/null 2>&1

# --- withdrawn, old ---
printf '{"title":"On paper","kind":"contact","question":"name=Paper","answer_by":"%s"}' "$(later '1 hour')" >"$T/round"
r round new --body "$T/round" >/dev/null
check "one on paper" r round start 2
for _ in $(seq 1200); do
	[ -z "$(query "SELECT id FROM outbox WHERE driver = 'print' AND state = 1")" ] || break
	sleep 0.05
done
r outbox print >"$T/out" 2>/dev/null
paper=$(grep -oE "$URL/a/[a-z0-9]+" "$T/out" | head -1)
[ -n "$paper" ]
ok $? "has its link in print"
is "$(get "$paper" -d 'kind=working&nonce=n5')" 400 "what was not posted yet cannot be answered"
r round move 2 closed >/dev/null
for _ in $(seq 1200); do
	[ -n "$(query "SELECT id FROM outbox WHERE driver = 'print' AND state = 1")" ] || break
	sleep 0.05
done
is "$(get "$paper")" 200 "withdrawn"
has "$T/page" 'This message was withdrawn' "it says so"
has_not "$T/page" '<form method="post" action="/a/' "and takes no answer"
is "$(get "$paper" -d 'kind=working&nonce=n6')" 200 "by no way"
is "$(query 'SELECT count(*) FROM answer')" 4 "nothing came of it"
stop_node
check "their words are erased" r erase "answer:$wait_id" --reason "they asked for it"
sqlite3 -readonly "$D/main.db" .dump >"$T/dump"
has_not "$T/dump" "canary-words" "from everything"
is "$(grep -ac 'canary-words' "$D/main.db")" 0 "also from the file itself"
is "$(query 'SELECT count(*) FROM answer')" 4 "that there was an answer stays"
sqlite3 "$D/main.db" "UPDATE outbox SET made_us = made_us - 86400000000 * 100 WHERE id = (SELECT message FROM answer WHERE kind = 3)"
check "the node runs again" serve_links

# --- guessing: from other addresses, so that this one stays open ---
from() { n=$1; shift; curl -s -o "$T/page.$n" -w '%{http_code}\n' -H 'Accept: text/html' --interface "127.0.0.$n" "$@"; }
is "$(from 2 "$id")" 404 "an old link opens nothing"
is "$(from 2 "$URL/a/aaaaaaaaaaaaaaaaaaaab")" 404 "nor a forged one"
from 3 "$id" >/dev/null
from 4 "$URL/a/aaaaaaaaaaaaaaaaaaaab" >/dev/null
cmp -s "$T/page.3" "$T/page.4"
ok $? "and the two look the same to the letter"
has "$T/page.3" 'This link opens nothing' "in plain words"
for _ in $(seq 12); do from 5 "$URL/a/aaaaaaaaaaaaaaaaaaaab"; done >"$T/out"
is "$(sort "$T/out" | uniq -c | awk '{ printf "%s %s ", $1, $2 }')" "10 404 2 429 " "after ten wrong ones of an address it has to wait"
is "$(from 5 "$en")" 429 "then the right one too"
is "$(from 6 "$en")" 200 "others not"
head -c 700000 /dev/urandom | tr -dc 'abcdefghijkmnpqrstuvwxyz23456789' | fold -w 21 | head -3000 >"$T/guesses"
guess() { # ten a source address: none is held up
	n=10
	while read -r g; do
		printf 'url = "%s/a/%s"\noutput = "/dev/null"\ninterface = "127.0.%d.%d"\nwrite-out = "%%{http_code}\\n"\nsilent\nnext\n' \
			"$URL" "$g" $((1 + n / 2500)) $((1 + n / 10 % 250))
		n=$((n + 1))
	done <"$T/guesses"
}
guess | sed '$d' >"$T/config"
curl -s -K "$T/config" >"$T/out" 2>/dev/null
is "$(wc -l <"$T/guesses")" 3000 "three thousand guesses"
is "$(sort "$T/out" | uniq -c | awk '{ printf "%s %s ", $1, $2 }')" "3000 404 " "find nothing"
is "$(from 7 -F kind=fixed -F nonce=n9 -F "file=@$T/shot.gif" "$URL/a/aaaaaaaaaaaaaaaaaaaab")" 404 "a forged link takes no file"
stop_node
has_not "$T/node.log" "$token" "no token stands in the log"
has_not "$T/node.log" '"error"' "nothing failed"
sqlite3 -readonly "$D/main.db" .dump >"$T/dump"
has_not "$T/dump" "$token" "nor in the database"
ronda verify -d "$D" >"$T/out" 2>"$T/err"
ok $? "and all is sound"
done_testing
