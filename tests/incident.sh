#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A report becomes an incident and is worked to its end: triage, severity with its reason, live links to findings,
# similar ones, merge and split, hand-over, timeline, saved questions, a campaign; in a browser without JavaScript,
# in two languages, and by commands.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES
good='kelapa muda di tepi jalan'
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
inc() { ronda incident -d "$D" "$@"; }
finding() { ronda findings -d "$D" --json --ip "$1" | sed -nE 's/.*"id":"([0-9a-f]{32})".*/\1/p' | head -1; }

# --- from findings ---
made scan_telnet 0 4 >"$T/2026-11-20-scan_telnet-a.csv"
check "a report of a feed comes" ronda intake -d "$D" "$T/2026-11-20-scan_telnet-a.csv"
f0=$(finding 198.18.0.0) f1=$(finding 198.18.0.1) f2=$(finding 198.18.0.2) f3=$(finding 198.18.0.3)
check "an incident of two findings" inc from "$f0" "$f1" spread=several
has "$T/out" '^incident-1 .*\(\+1\), report$' "is a report, named by the first"
inc show 1 --json >"$T/one"
has "$T/one" '"class":"vulnerable","rsit_type":"vulnerable-system","severity":"medium"' "with class, type, and the severity of the rule"
has "$T/one" '"address":"198\.18\.0\.0\\?/32"' "and what to look for"
check "one at once in work" inc from "$f2" --accept title="Telnet at a clinic"
has "$T/out" '^incident-2 Telnet at a clinic, open$' "is an incident"
event=$(ronda events -d "$D" --json ip=198.18.0.3 | sed -nE 's/.*"id":"([0-9a-f]{32})".*/\1/p' | head -1)
check "one of an event" inc from "event--$event" title="From an event"
inc show 3 --json >"$T/out"
has "$T/out" '"class":"vulnerable".*"address":"198\.18\.0\.3' "knows what it was"
inc move 3 rejected --why "to try" >/dev/null 2>&1
check_fails 66 "of what is not there" inc from 00000000000000000000000000000000
check "its severity" inc severity 1
has "$T/out" 'medium, 3 points: vulnerable 1, several organisations 2' "says what was counted"
check "in another language" inc severity 1 --language id
has "$T/out" 'sedang, 3 poin: kerentanan 1, beberapa organisasi 2' "too"
check "another severity is set, with a reason" inc edit 1 severity=critical severity_why="the clinic's pumps"
inc severity 1 --json >"$T/out"
has "$T/out" '"set":"critical","why":"the clinic.s pumps","proposed":"medium"' "both are shown"

# --- live links ---
inc timeline 1 --json >"$T/before"
has "$T/before" '"kind":"event".*198\.18\.0\.1' "the timeline has events of linked findings"
made scan_telnet 0 2 | sed 's/2026-11-20/2026-11-21/' >"$T/2026-11-21-scan_telnet-b.csv"
check "the next day's report" ronda intake -d "$D" "$T/2026-11-21-scan_telnet-b.csv"
inc timeline 1 --json >"$T/after"
[ "$(grep -c '"kind":"event"' "$T/after")" = $(($(grep -c '"kind":"event"' "$T/before") + 2)) ]
ok $? "new events of a linked finding appear"
has "$T/after" '"what":"last seen".*"words":"2"' "the finding as it is now"
check "a page of it" inc timeline 1 --limit 3
next=$(sed -nE 's/.*--after ([0-9:]+)$/\1/p' "$T/err")
[ -n "$next" ]
ok $? "says where it goes on"
for _ in 1 2 3 4 5 6 7 8 9; do
	[ -n "$next" ] || break
	inc timeline 1 --limit 3 --after "$next" --json >>"$T/pages" 2>"$T/err"
	next=$(sed -nE 's/.*--after ([0-9:]+)$/\1/p' "$T/err")
done
inc timeline 1 --limit 3 --json 2>/dev/null | cat - "$T/pages" | sort >"$T/paged"
sort "$T/after" | cmp -s - "$T/paged"
ok $? "page by page nothing is lost and nothing comes twice"

# --- what a person tells: 300 pasted addresses ---
awk 'BEGIN { for (i = 0; i < 300; i++) printf "198.18.%d.%d\n", i / 100 + 8, i % 100 }' >"$T/pasted"
echo 'and hxxp://login[.]bank[.]example[.]org/verify, said abuse@example.org' >>"$T/pasted"
check "what somebody wrote" ronda note -d "$D" new title="A list from a partner" text_body="$(cat "$T/pasted")"
check "becomes an incident" inc from note-1 class=fraud
inc show 4 --json >"$T/out"
is "$(grep -oE '"address":"198' "$T/out" | wc -l)" 300 "with its 300 addresses"
has "$T/out" '"url":"http:\\?/\\?/login\.bank\.example\.org\\?/verify"' "and a defanged URL"
has_not "$T/out" '"domain":"example.org"' "a mail address is none"

# --- similar ---
check "a phishing page" inc new title="Phishing page imitating a bank" class=fraud severity=low rsit_type=phishing \
	'indicators=198.18.8.0/24|||'
check "what is similar" inc similar 5
has "$T/out" 'incident-4 .*198\.18\.8\.0/24' "says by what"
check "another of that kind" inc new title="Bank customers get a phishing mail" class=fraud severity=low
check "is near by its title" inc similar 6
has "$T/out" "incident-5 .*title also has 'phishing'" "and says which words"

# --- merge, back, split ---
check_fails 64 "merging asks for a reason" inc merge 5 6
check "two are one" inc merge 5 6 --why "the same page"
inc show 6 --json >"$T/out"
has "$T/out" '"state":"merged"' "the other is closed"
check "that is taken back" inc unmerge 6 --why "another bank"
inc show 6 --json >"$T/out"
has "$T/out" '"state":"report"' "it is what it was"
check "one is two" inc split 1 198.18.0.1 --title "The second clinic" --why "two owners"
inc show 7 --json >"$T/out"
has "$T/out" '198\.18\.0\.1' "the chosen went"
inc show 1 --json >"$T/out"
has_not "$T/out" '198.18.0.1' "and left the first"

# --- an exercise from birth ---
check "one of an exercise" inc new title="Drill" class=fraud severity=low --labels '{"tlp":"AMBER","exercise":true}'
check_fails 77 "stays one" inc edit 8 --labels '{"tlp":"AMBER"}'
check_fails 77 "and a real one never becomes one" inc edit 5 --labels '{"tlp":"AMBER","exercise":true}'
check_fails 65 "nor are they merged" inc merge 5 8 --why x

# --- 72 hours ---
check "a leak" inc new title="Customer data for sale" class=information-content-security severity=high \
	aware_at="2026-11-20 08:00" breach_law="Personal data protection law, article 46"
inc show 9 --json >"$T/out"
has "$T/out" '"breach_law":"Personal data' "names its law"
ronda due -d "$D" --json --within 30d >"$T/out"
has "$T/out" 'Customer data for sale' "and is due"

# --- the browser ---
person=$(ronda person -d "$D" new name="Analyst A" --json | sed -nE 's/.*"id":"(person--[-0-9a-f]{36})".*/\1/p')
ronda account -d "$D" new "Analyst A" --roles analyst --person "$person" >"$T/out" 2>"$T/err"
ok $? "an analyst"
ronda account -d "$D" new "Duty A" --roles duty,analyst >"$T/out" 2>"$T/err"
ok $? "somebody on duty"
serve
ok $? "a node serves"
lead=$(ronda token -d "$D" make lead --right operate --ceiling RED --account "Lead A" 2>/dev/null)
for who in "Duty A" "Analyst A"; do
	once=$(ronda account -d "$D" invite "$who" 2>/dev/null | sed -nE 's,.*/welcome\?once=,,p')
	curl -s -o /dev/null -c "$T/jar-${who%% *}" --data-urlencode "once=$once" --data-urlencode "new=$good" "$URL/welcome"
done
lang=en jar=Duty
go() {
	: >"$T/body"
	status=$(curl -s -o "$T/body" -D "$T/head" -w '%{http_code}' --max-time 60 -b "$T/jar-$jar" -H "Accept-Language: $lang" -H 'Accept: text/html' "$@" 2>"$T/curl")
}
answers() { # status, name, curl's arguments
	want=$1 name=$2
	shift 2
	go "$@"
	[ "$status" = "$want" ] || { echo "# $status, want $want"; head -c 800 "$T/body" | sed 's/^/# /'; echo; }
	[ "$status" = "$want" ]
	ok $? "$name"
}
says() { has "$T/body" "$@"; }
token() { curl -s -b "$T/jar-$jar" -H 'Accept: text/html' "$URL/account" | sed -nE 's/.*name="csrf" value="([^"]*)".*/\1/p' | head -1; }
to() { tr -d '\r' <"$T/head" | sed -nE 's/^Location: //Ip' | head -1; }
csrf=$(token)
is "${#csrf}" 32 "somebody is signed in"
answers 200 "what waits" "$URL/triage"
says '<h1>Triage</h1>' "has a list"
says 'Phishing page imitating a bank' "with the reports"
has_not "$T/body" 'Telnet at a clinic' "and nothing that is in work"
says 'From feeds, last day' "and what feeds brought"
lang=id answers 200 "in Indonesian" "$URL/triage"
says '<h1>Triase</h1>' "too"
says 'terima sebagai insiden' "with its acts"
id4=$(inc show 5 --json | sed -nE 's/.*"id":"(incident--[-0-9a-f]{36})".*/\1/p')
id5=$(inc show 6 --json | sed -nE 's/.*"id":"(incident--[-0-9a-f]{36})".*/\1/p')
answers 303 "only tried" -d "csrf=$csrf" -d "id=$id4" -d "id=$id5" -d act=accept -d try=yes "$URL/triage"
to | grep -q 'done=2&tried=yes'
ok $? "says how many"
has "$(inc show 5 --json >"$T/out"; echo "$T/out")" '"state":"report"' "nothing is changed"
answers 400 "to reject asks for a reason" -d "csrf=$csrf" -d "id=$id4" -d "id=$id5" -d act=reject "$URL/triage"
answers 400 "none chosen" -d "csrf=$csrf" -d act=accept "$URL/triage"
answers 403 "a form of another site" -d "id=$id4" -d act=accept "$URL/triage"
answers 303 "two are accepted" -d "csrf=$csrf" -d "id=$id4" -d "id=$id5" -d act=accept "$URL/triage"
has "$(inc show 6 --json >"$T/out"; echo "$T/out")" '"state":"open"' "and are incidents"
answers 200 "the page of one" "$URL/incident/1"
for part in overview timeline correspondence indicators tasks evidence sharing; do
	says "id=\"$part\"" "has the part '$part'"
done
says "critical.*the clinic&#39;s pumps.*medium, 3 points" "both severities and their reasons"
has_not "$T/body" '<script' "no script is needed"
lang=id answers 200 "in Indonesian" "$URL/incident/1"
says 'Garis waktu' "too"
says 'sedang, 3 poin' "the reason as well"
has_not "$T/body" '>Timeline<' "and no other language between"
go "$URL/incident/5"
says '<code>198\.18\.8\.0/24' "what to look for"
answers 200 "the timeline alone" "$URL/incident/1/timeline"
says 'finding: last seen' "has findings"
answers 303 "merged by a form" -d "csrf=$csrf" -d other=6 -d why="the same after all" "$URL/incident/5/do/merge"
answers 200 "the other" "$URL/incident/6"
says 'do/unmerge' "offers the way back"
has_not "$T/body" 'do/merge"' "and no other"
answers 303 "which is taken" -d "csrf=$csrf" -d why="no" "$URL/incident/6/do/unmerge"
answers 404 "an act that is none" -d "csrf=$csrf" "$URL/incident/6/do/explode"
answers 404 "nor of another type" -d "csrf=$csrf" -d why=x "$URL/note/1/do/merge"
answers 303 "handed over" -d "csrf=$csrf" -d person=person-1 --data-urlencode "note=call the bank at nine" "$URL/incident/5/do/hand-over"
answers 403 "who gave it does not confirm" -d "csrf=$csrf" "$URL/incident/5/do/confirm"
jar=Analyst csrf=$(jar=Analyst token)
go "$URL/incident/5"
says 'call the bank at nine' "who takes it reads the note"
says 'I take it over' "and has a button"
answers 303 "he confirms" -d "csrf=$csrf" "$URL/incident/5/do/confirm"
go "$URL/incident/5"
has_not "$T/body" 'I take it over' "once"
jar=Duty csrf=$(jar=Duty token)
answers 200 "findings" "$URL/findings?type=vulnerable-system&ip=198.18.0.0/24"
says 'name="source" value="'"$f3"'"' "can be chosen"
says 'name="f.words" value="type=vulnerable-system ip=198.18.0.0/24"' "the question can be kept"
answers 303 "an incident of one" -d "csrf=$csrf" -d "source=$f3" -d act=incident "$URL/from"
to | grep -qE '^/incident/incident--[-0-9a-f]{36}/edit$'
ok $? "opens its form, filled in"
answers 200 "the finding" "$URL/findings/$f3"
says 'vulnerable-system open-telnet|Vulnerable-system' "names it"
jar=Analyst csrf=$(jar=Analyst token)
answers 403 "to mark them is not an analyst's" -d "csrf=$csrf" -d "source=$f3" -d act=told -d why="by phone" "$URL/from"
jar=Duty csrf=$(jar=Duty token)
api() { curl -s -o "$T/body" -w '%{http_code}' -H "Authorization: Bearer $lead" -H 'Content-Type: application/json' "$@"; }
is "$(api -d "{\"sources\":[\"$f3\"],\"act\":\"told\",\"why\":\"by phone\"}" "$URL/from")" 200 "findings are marked as told"
ronda findings -d "$D" --json --ip 198.18.0.3 >"$T/out"
has "$T/out" '"told":"20[0-9]{2}-' "they are"

answers 200 "the tour" "$URL/tour"
says 'A finding becomes an incident' "goes on to incidents"
says 'name="source" value="finding--' "and makes one"

# --- saved questions ---
answers 303 "a question is kept" -F "csrf=$csrf" -F based_on=0 -F "f.title=Telnet" -F f.over=findings -F "f.words=type=vulnerable-system ip=198.18.0.0/24" "$URL/question"
answers 200 "and asked" "$URL/question/1/ask"
is "$(grep -c 'name="id"' "$T/body")" 4 "finds four"
is "$(api -d '{"all":true,"act":"answered","why":"they wrote","dry_run":true}' "$URL/question/1/ask")" 200 "the same is done to all it finds, only tried"
ronda findings -d "$D" --json >"$T/out"
has_not "$T/out" '"answered":"2026' "nothing is changed"
is "$(api -d '{"all":true,"act":"answered","why":"they wrote"}' "$URL/question/1/ask")" 200 "then done"
is "$(ronda findings -d "$D" --json | grep -c '"answered":"2026')" 4 "to all four"
check "a question over records" ronda question -d "$D" new title="Fraud in work" over=incident 'words=class=fraud state=open'
check "by command" ronda question -d "$D" run 2
is "$(grep -c '^incident--' "$T/out")" 2 "finds two"
check "what it would do" ronda question -d "$D" act 2 move waiting --why "asked the bank" --dry-run
has "$T/out" 'would change: 2' "is said"
check "and does" ronda question -d "$D" act 2 move waiting --why "asked the bank"
check "now it finds none" ronda question -d "$D" run 2
has_not "$T/out" 'incident--' "as it should"
check "a word that is not understood" ronda question -d "$D" new title="Bad" over=incident 'words=weight=3'
check_fails 65 "is named when asked" ronda question -d "$D" run 3
has "$T/err" "cannot be filtered by 'weight'" "in words"

lang=id answers 200 "in Indonesian" "$URL/question/1/ask"
says 'Dengan yang dipilih' "too"
lang=id answers 200 "and the timeline" "$URL/incident/1/timeline"
says 'temuan: last seen|dibuat: Laporan' "with what happened"
answers 200 "the watch board" "$URL/"
says '<b>[0-9]+</b> reports waiting' "says how many wait"

# --- a campaign ---
check "a campaign" ronda campaign -d "$D" new title="Waves of phishing" attackers="Group One" from=2026-11-01
check "has incidents" inc link 5 part-of campaign-1
answers 200 "its page" "$URL/campaign/1"
says 'Incidents of it' "lists them"
says 'Phishing page imitating a bank' "by name"
ronda campaign -d "$D" edit 1 'indicators=198.18.8.7|||' >"$T/out" 2>&1
inc similar 5 >"$T/out"
has "$T/out" 'campaign-1 .*198\.18\.8' "and is similar to what it holds"
stop_node

# --- what was written before the table of indicators came ---
sqlite3 "$D/main.db" 'SELECT kind, hex(value), hex(record) FROM indicator ORDER BY 1, 2, 3' >"$T/kept"
[ "$(wc -l <"$T/kept")" -gt 300 ]
ok $? "the table has them"
sqlite3 "$D/main.db" "DELETE FROM indicator; DELETE FROM node WHERE key = 'indicators'"
serve
for _ in $(seq 600); do
	[ -z "$(sqlite3 "$D/main.db" "SELECT 1 FROM node WHERE key = 'indicators' AND length(value) = 0")" ] || break
	sleep 0.1
done
stop_node
sqlite3 "$D/main.db" 'SELECT kind, hex(value), hex(record) FROM indicator ORDER BY 1, 2, 3' >"$T/again"
cmp -s "$T/kept" "$T/again"
ok $? "and gets them again"
grep -aqr "login\.bank\.example\.org" "$D"
ok $? "what an incident names is in the directory"
check "until it is erased" inc erase 4 --why "asked to"
! grep -aqr "login\.bank\.example\.org" "$D"
ok $? "then nowhere"
check "the node is sound" ronda verify -d "$D"
done_testing
