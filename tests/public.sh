#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Pages for everybody: off they are not there; on, somebody tells us something, follows it by its number to the
# end, and reads the warnings that are for everybody and no others; what he writes runs nowhere, floods are refused.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES
good='kelapa muda di tepi jalan'
r() { ronda "$@" -d "$D"; }
status() { curl -s -o "$T/out" -D "$T/head" -w '%{http_code}' "$@"; }

ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"

# --- off ---
serve
ok $? "it serves"
for path in /report /report/status /warnings /warnings.rss /warnings/1 /.well-known/security.txt /rfc2350.txt; do
	is "$(status "$URL$path")" 404 "off: $path is not there"
	has "$T/out" 'there is nothing here' "and says nothing else"
done
is "$(status --data-urlencode 'what=x' "$URL/report")" 404 "nor does it take anything"
stop_node
is "$(sqlite3 "$D/main.db" "SELECT count(*) FROM record")" 0 "and nothing was kept"

# --- on ---
printf '[{"name":{"en":"Helpline A","id":"Layanan A"},"for":{"en":"children"},"phone":"+62 000 <b>","hours":"24/7"},"junk"]' >"$D/helplines.json"
serve --set public_pages=yes --set public_url=https://ronda.example.org --set public_reports=9
is "$(status "$URL/report")" 200 "on: the form is there"
has "$T/out" 'emergency number' "with whom to call first"
has "$T/out" 'Helpline A.*tel:\+62000' "and who helps"
has_not "$T/out" '<b>"' "whose number is text"
has_not "$T/out" 'type="file"' "no file can be sent"
has_not "$T/out" '<script' "there is no script"
! grep -qi '^set-cookie' "$T/head"
ok $? "and no cookie"
has "$T/head" "[Cc]ontent-[Ss]ecurity-[Pp]olicy:.*default-src 'none'|[Cc]ontent-[Ss]ecurity-[Pp]olicy" "a strict policy of the page"
is "$(status "$URL/report?lang=id")" 200 "in Indonesian"
has "$T/out" 'Laporkan kepada kami' "too"
has "$T/out" 'Layanan A' "with its helplines"

is "$(status --data-urlencode 'what=' "$URL/report")" 400 "nothing is no report"
canary='<script>alert("canary-xss")</script>'
is "$(status --data-urlencode "what=$canary
hxxp://192.0.2[.]7/login takes passwords" --data-urlencode "where=$canary" --data-urlencode 'when=yesterday' \
	--data-urlencode 'contact=canary-contact@example.org' --data-urlencode consent=yes "$URL/report?lang=en")" 303 "somebody tells us"
where=$(sed -nE 's/^[Ll]ocation: ([^\r]*).*/\1/p' "$T/head")
receipt=$(printf '%s' "$where" | sed -nE 's,^/report/([0-9A-Z-]{24})\?.*,\1,p')
[ -n "$receipt" ]
ok $? "and gets a number of 20 letters"
is "$(status "$URL$where")" 200 "its page"
has "$T/out" "$receipt" "shows the number"
has "$T/out" 'Received\. Nobody' "and that it waits"
has_not "$T/out" 'canary' "nothing of what was written"
is "$(status "$URL/report/status?number=$(printf '%s' "$receipt" | tr 'A-Z' 'a-z' | tr -d -)")" 200 "typed in small letters"
is "$(status "$URL/report/AAAA-AAAA-AAAA-AAAA-AAAA")" 404 "another number is none"
is "$(status -F 'what=x' -F "file=@$T/head" "$URL/report")" 403 "an upload is refused"
is "$(status -H 'Content-Type: application/json' -d '{"what":"x"}' "$URL/report")" 403 "and so is JSON"
is "$(status -H 'Origin: https://elsewhere.example.org' --data-urlencode 'what=x' "$URL/report")" 403 "and a form of another site"
head -c 70000 /dev/zero | tr '\0' a >"$T/long"
is "$(status --data-urlencode "what@$T/long" "$URL/report" | head -c 1)" 4 "or more than a form holds"
head -c 6000 "$T/long" >"$T/longer"
is "$(status --data-urlencode "what@$T/longer" "$URL/report")" 400 "5001 letters are too many"
has "$T/out" 'too long' "and it says so"

# --- ours see it, as text ---
r statement show 1 --json >"$T/one" 2>"$T/err"
has "$T/one" '"tlp":"AMBER"' "it is a record, TLP:AMBER"
has "$T/one" 'canary-xss' "with the words"
check "somebody is on duty" r account new "Duty A" --roles duty,analyst
once=$(ronda account -d "$D" invite "Duty A" 2>/dev/null | sed -nE 's,.*/welcome\?once=,,p')
curl -s -o /dev/null -c "$T/jar" --data-urlencode "once=$once" --data-urlencode "new=$good" "$URL/welcome"
ours() { curl -s -b "$T/jar" "$@"; }
ours "$URL/triage" >"$T/out"
has "$T/out" 'Told without signing in' "it waits in triage"
has "$T/out" '&lt;script&gt;' "escaped"
has_not "$T/out" '<script>alert' "and runs nowhere"
ours "$URL/statement/1" >"$T/out"
has "$T/out" '&lt;script&gt;' "its page too"
has_not "$T/out" '<script>alert' "runs nothing"
has_not "$T/node.log" 'canary' "the log has nothing of it"

# --- worked to its end ---
check "an incident is made of it" r incident from statement-1 --accept
is "$(r statement show 1 --json 2>/dev/null | sed -nE 's/.*"state":"([a-z]*)".*/\1/p' | head -1)" accepted "which takes it up"
status "$URL/report/$receipt" >/dev/null
has "$T/out" 'being worked' "the reporter sees it"
check "the incident's end is written" r incident edit 1 outcome="taken down"
check "the incident ends" r incident move 1 resolved
is "$(r statement show 1 --json 2>/dev/null | sed -nE 's/.*"state":"([a-z]*)".*/\1/p' | head -1)" closed "and with it the statement"
status "$URL/report/$receipt" >/dev/null
has "$T/out" 'It is closed' "the reporter sees that too"

# --- warnings ---
warn() { # title, TLP, more fields, to its end?
	printf '{"title":"%s","urgency":"act","summary":"%s happens & spreads","advice":"update <b>now</b>","review_by":"2030-01-01","internal":"canary-internal","indicators":[{"domain":"canary-indicator.example.org"}]%s}' \
		"$1" "$1" "$3" >"$T/body"
	number=$(r warning new --body "$T/body" --tlp "$2" --why "a test" 2>&1 | sed -nE 's/.*warning-([0-9]+).*/\1/p' | head -1)
	[ -z "$4" ] || { r warning move "$number" approved && r warning move "$number" sent; } >"$T/out" 2>"$T/err"
}
warn "Open to all" CLEAR "" yes
ok $? "a warning is sent, TLP:CLEAR"
warn "canary-amber" AMBER "" yes
warn "canary-green" GREEN "" yes
warn "canary-draft" CLEAR "" ""
warn "canary-partners" CLEAR ',"audience":["partners"]' yes
warn "For the public" CLEAR ',"audience":["partners","public"]' yes
r warning list --json >"$T/all"
is "$(grep -o '"type":"warning"' "$T/all" | wc -l)" 6 "six warnings are there"
sleep 16 # what is shown is kept so long
is "$(status "$URL/warnings")" 200 "the public's list"
cp "$T/out" "$T/list"
has "$T/list" 'Open to all' "has the one for all"
has "$T/list" 'For the public' "and the one for the public"
is "$(grep -c '<article>' "$T/list")" 2 "and no other"
has "$T/head" '[Cc]ache-[Cc]ontrol: public' "and may be kept"
is "$(status "$URL/warnings.rss")" 200 "as RSS"
cp "$T/out" "$T/rss"
has "$T/head" 'application/rss\+xml' "of that type"
is "$(grep -c '<item>' "$T/rss")" 2 "with two items"
has "$T/rss" '<link>https://ronda.example.org/warnings/1</link>' "and links"
has "$T/rss" '<pubDate>(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT</pubDate>' "and times as RFC 822"
has "$T/rss" 'happens &amp; spreads' "escaped"
if command -v xmllint >/dev/null; then
	check "an XML parser reads it" xmllint --noout --nonet "$T/rss"
	is "$(xmllint --xpath 'count(/rss[@version="2.0"]/channel[title and link and description]/item[title and guid])' "$T/rss")" 2 "as RSS 2.0"
else
	skip "an XML parser reads the RSS" "no xmllint"
fi
curl -s "$URL/warnings.json" >"$T/json"
curl -s "$URL/warnings/1" >"$T/page"
has "$T/page" 'update &lt;b&gt;now&lt;/b&gt;' "the page of one has what to do, as text"
for n in 2 3 4 5 99 x; do
	is "$(status "$URL/warnings/$n")" 404 "warning $n is not there"
	cat "$T/out" >>"$T/others"
done
is "$(ours -o "$T/out" -w '%{http_code}' "$URL/warnings/2")" 404 "nor for one of ours who asks here"
cat "$T/list" "$T/rss" "$T/json" "$T/page" "$T/others" "$T/out" >"$T/shown"
has_not "$T/shown" 'canary' "nothing of another warning, and no field that is ours, is anywhere"
check "why it is withdrawn" r warning edit 1 withdrawn_because="wrong"
check "a warning is withdrawn" r warning move 1 withdrawn --why "wrong"
is "$(status "$URL/warnings/1")" 404 "and is gone"

# --- by mail ---
is "$(status "$URL/warnings/subscribe")" 200 "warnings may come by mail"
is "$(status --data-urlencode 'mail=nobody' "$URL/warnings/subscribe")" 400 "not to what is no address"
is "$(status --data-urlencode 'mail=reader@example.org' "$URL/warnings/subscribe")" 303 "somebody asks"
link_in() { # template
	sqlite3 -readonly "$D/main.db" "SELECT details FROM outbox WHERE template = '$1' ORDER BY id DESC LIMIT 1" |
		sed -nE 's,.*(/warnings/list/[a-z0-9]+).*,\1,p'
}
state_of() { sqlite3 -readonly "$D/main.db" "SELECT state, email IS NULL FROM subscriber ORDER BY id DESC LIMIT 1"; }
confirm=$(link_in list.confirm)
is "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM outbox WHERE template = 'list.confirm'")" 1 "one mail waits"
is "$(status "$URL$confirm")" 200 "its link"
has "$T/out" '<button class="main">Yes, send them' "asks"
is "$(state_of)" '1|0' "and changes nothing"
is "$(status --data csrf= "$URL$confirm")" 200 "the button behind it does"
is "$(state_of)" '2|0' "so that the list has one"
warn "By mail" CLEAR "" yes
warn "canary-not-by-mail" AMBER "" yes
for _ in $(seq 600); do
	leave=$(link_in list.warning)
	[ -z "$leave" ] || break
	sleep 0.1
done
is "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM outbox WHERE template = 'list.warning'")" 1 "a warning for all makes one message, another none"
is "$(status "$URL$leave")" 200 "the link that ends it asks too"
is "$(state_of)" '2|0' "and changes nothing"
is "$(status --data 'List-Unsubscribe=One-Click' "$URL$leave")" 200 "a mail program's button ends it"
is "$(state_of)" '3|1' "and the address is gone"
is "$(status "$URL$leave")" 404 "then it opens nothing"
is "$(status "$URL/warnings/list/aaaaaaaaaaaaaaaaaaaaa")" 404 "as one that was made up"

# --- who we are ---
is "$(status "$URL/.well-known/security.txt")" 200 "security.txt"
has "$T/out" '^Contact: https://ronda.example.org/report$' "says where"
has "$T/out" '^Expires: 20[0-9]{2}-[0-9]{2}-[0-9]{2}T00:00:00\+00:00$' "and until when"
is "$(status "$URL/rfc2350.txt")" 404 "our card is not there while we have none that is CLEAR"
printf '{"name":"Team B","kind":"csirt","country":"ID"}' >"$T/body"
check "ours is written" r organisation new --body "$T/body" --tlp CLEAR --why "a test"
for _ in $(seq 600); do
	[ "$(status "$URL/rfc2350.txt")" != 200 ] || break
	sleep 0.1
done
has "$T/out" 'Team B' "then it is"

# --- floods ---
told=3 # with what was asked above
limited=0
for i in $(seq 20); do
	code=$(status --data-urlencode "what=flood $i" "$URL/report")
	case $code in
	303) told=$((told + 1)) ;;
	429) limited=$((limited + 1)) ;;
	esac
done
is "$told" 9 "an hour takes as many as it may"
[ "$limited" -ge 12 ]
ok $? "the others are told to wait"
has "$T/out" 'wait ten minutes' "in words"
codes=$(for i in $(seq 15); do status "$URL/report/0000-0000-0000-0000-$(printf '%04d' "$i")"; echo; done)
is "$(echo "$codes" | sort | uniq -c | awk '{printf "%s ", $2}')" "404 429 " "numbers cannot be guessed for long"
is "$(status "$URL/healthz")" 200 "and the node is well"
grep -E ' error ' "$T/node.log" >"$T/out"
is "$(wc -l <"$T/out")" 0 "nothing failed"
stop_node
check "the store is sound" r verify
done_testing
