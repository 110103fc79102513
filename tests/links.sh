#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs that look through mail open every link in it, and every link behind that, by all methods but the form's own. All
# that the node ever writes into a message is opened so: the store stays as it was, byte for byte, and each link still works.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/portal_world.sh"
r init --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
printf '{"name":"Net 0","kind":"provider","contacts":[{"role":"abuse","channel":"webhook","webhook":"%s/ok","confirmed":"2026-11-01"}],"constituency":[{"kind":"network","value":"198.18.0.0/24"}]}' "$HOOK" >"$T/org"
check "an organisation" r organisation new --body "$T/org"
org=$(r organisation list --json | grep -oE 'organisation--[0-9a-f-]{36}' | head -1)
check "live" r rehearsal live --all --why "the receiver is ours"
made telnet 1 20 >"$T/2026-11-20-scan_telnet-first.csv"
check "findings" r intake "$T/2026-11-20-scan_telnet-first.csv"
check "the node serves" serve_links --set portal=yes --set public_pages=yes
printf '{"title":"Telnet","kind":"notification","question":"identifier=open-telnet","answer_by":"%s","texts":[{"language":"en","subject":"Telnet is open","text":"Please close it."}]}' \
	"$(later '1 hour')" >"$T/round"
r round new --body "$T/round" >"$T/out" 2>"$T/err"
check "a round" r round start 1
check "people of the portal are invited" r account invite-constituent "$org"
until_is "SELECT count(*) FROM outbox WHERE state = 4 AND driver = 'webhook'" 2
ok $? "both have arrived"
curl -s -o "$T/out" --data-urlencode "name=Net 0 abuse" "$URL/portal/sign-in"
until_is "SELECT count(*) FROM outbox WHERE state = 4 AND template = 'portal.sign-in'" 1
ok $? "and so has a link to sign in"
list_link() { # template
	query "SELECT details FROM outbox WHERE template = '$1' ORDER BY id DESC LIMIT 1" | sed -nE 's,.*(/warnings/list/[a-z0-9]+).*,\1,p'
}
curl -s -o "$T/out" --data-urlencode mail=one@example.org "$URL/warnings/subscribe"
curl -s -o "$T/out" -d '' "$URL$(list_link list.confirm)"
curl -s -o "$T/out" --data-urlencode mail=two@example.org "$URL/warnings/subscribe"
r warning new title="To all" urgency=act summary="All of you" advice="update" review_by=2030-01-01 --tlp CLEAR --why "a test" >"$T/out" 2>"$T/err"
r warning move 1 approved >"$T/out" 2>"$T/err"
check "a warning" r warning move 1 sent
until_is "SELECT count(*) FROM outbox WHERE template = 'list.warning'" 1
ok $? "for who is on the list"
curl -s -o /dev/null -D "$T/head" --data-urlencode "what=something" --data-urlencode consent=yes "$URL/report"
r account new "Duty A" --roles duty,analyst >/dev/null 2>&1
once=$(ronda account -d "$D" invite "Duty A" 2>/dev/null | sed -nE 's,.*/welcome\?once=,,p')
answer=$(grep -ohE '/a/[a-z0-9]{10,}' "$T/hooks" | head -1)
grep -ohE '/portal/sign-in/[a-z0-9]{10,}' "$T/hooks" | awk '!seen[$0]++' >"$T/sign-in"
invited=$(sed -n 1p "$T/sign-in") asked=$(sed -n 2p "$T/sign-in")
confirm=$(list_link list.confirm) leave=$(list_link list.warning)
receipt=$(sed -nE 's,^[Ll]ocation: (/report/[0-9A-Z-]{24}).*,\1,p' "$T/head")
links="$answer $invited $asked $confirm $leave $receipt /welcome?once=$once"
is "$(for one in $answer $invited $asked $confirm $leave $receipt $once; do echo "$one"; done | sort -u | wc -l)" 7 "links of seven kinds"

# --- they are opened ---
dump() { query .dump; }
for _ in $(seq 60); do # the node comes to rest
	dump >"$T/before"
	sleep 1
	dump >"$T/after"
	! cmp -s "$T/before" "$T/after" || break
done
cmp -s "$T/before" "$T/after"
ok $? "nothing happens by itself any more"
opened=0
: >"$T/pages"
open_it() {
	curl -s --max-time 20 "$@" >>"$T/pages"
	opened=$((opened + 1))
}
for link in $links; do
	at=$URL$link
	more='kind=fixed&answer=fixed&words=x&csrf=x&nonce=x&confirm=1&done=1&go=1&List-Unsubscribe=One-Click&_method=POST'
	case $at in
	*\?*) more="$at&$more" ;;
	*) more="$at?$more" ;;
	esac
	for _ in 1 2 3; do
		open_it -H 'Accept: text/html' -A 'Mozilla/5.0 (compatible; SafeLinks)' "$at"
	done
	open_it -I "$at"
	open_it -H 'Accept: text/html' "$more"
	open_it -H 'Accept: application/json' "$at"
	open_it -H 'Sec-Purpose: prefetch;prerender' -H 'Purpose: prefetch' -H 'Accept: text/html' "$at"
	open_it -H 'X-HTTP-Method-Override: POST' -H 'X-Method-Override: POST' -H 'X-HTTP-Method: POST' "$at"
	for method in OPTIONS PUT DELETE PATCH TRACE; do
		open_it -X "$method" "$at"
	done
	open_it -X GET -d 'kind=fixed&answer=fixed&nonce=x&List-Unsubscribe=One-Click' "$at"
	# with what the page itself leads to
	curl -s -H 'Accept: text/html' "$at" | grep -oE '(href|action|src)="/[^"]*"' | cut -d'"' -f2 | sed 's/&amp;/\&/g' | grep -v '\.csv' | sort -u >"$T/further"
	while read -r further; do
		open_it -H 'Accept: text/html' "$URL$further"
	done <"$T/further"
done
sleep 1
dump >"$T/after"
cmp -s "$T/before" "$T/after" || diff "$T/before" "$T/after" | cut -c1-200 | head -6 | sed 's/^/# /'
cmp -s "$T/before" "$T/after"
ok $? "$opened times a link was opened, and nothing in the store is another"
has_not "$T/node.log" "${answer#/a/}" "no link stands in the log"
for link in $invited $asked $confirm $leave; do has_not "$T/node.log" "${link##*/}" "nor ${link%/*}"; done

# --- the test can fail: the form's own method does it ---
button() { # status, name, arguments
	want=$1 words=$2
	shift 2
	is "$(curl -s -o "$T/out" -w '%{http_code}' "$@")" "$want" "$words"
}
button 303 "the answer is given" -H 'Accept: text/html' -d 'kind=fixed&nonce=n1' "$URL$answer"
is "$(query "SELECT count(*) FROM answer")" 1 "and there"
button 200 "the list is confirmed" -d 'csrf=' "$URL$confirm"
button 200 "and left" -d 'List-Unsubscribe=One-Click' "$URL$leave"
button 303 "who asked for a link comes in" -d '' "$URL$asked"
button 303 "the invitation lets in" -d '' "$URL$invited"
button 303 "and so does that of one of us" --data-urlencode "once=$once" --data-urlencode 'new=kelapa muda di tepi jalan' "$URL/welcome"
is "$(curl -s -o "$T/out" -w '%{http_code}' "$URL$receipt")" 200 "the receipt is read again"
stop_node
check "the store is sound" r verify
done_testing
