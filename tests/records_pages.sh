#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Pages beside those of single records, as a browser without JavaScript uses them: who may be told,
# emergencies, several records at once, holding and erasing, plans that fit.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES
good='kelapa muda di tepi jalan'

ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
for who in "Duty A:duty" "Viewer A:viewer"; do
	ronda account -d "$D" new "${who%%:*}" --roles "${who#*:}" >"$T/out" 2>"$T/err"
	ok $? "${who%%:*}"
done
serve
ok $? "and serves"
lead=$(ronda token -d "$D" make lead --right operate --ceiling RED --account "Lead A" 2>/dev/null)
enter() { # name: a cookie jar of his, $csrf
	once=$(ronda account -d "$D" invite "$1" 2>/dev/null | sed -nE 's,.*/welcome\?once=,,p')
	rm -f "$T/jar.$2"
	curl -s -o /dev/null -c "$T/jar.$2" --data-urlencode "once=$once" --data-urlencode "new=$good" "$URL/welcome"
}
enter "Duty A" duty
enter "Viewer A" viewer
jar=duty
go() { # a browser: body in $T/body, head in $T/head, $status
	: >"$T/body"
	status=$(curl -s -o "$T/body" -D "$T/head" -w '%{http_code}' --max-time 60 -b "$T/jar.$jar" -H 'Accept: text/html' "$@" 2>"$T/curl")
}
api() {
	: >"$T/body"
	status=$(curl -s -o "$T/body" -D "$T/head" -w '%{http_code}' --max-time 60 -H "Authorization: Bearer $lead" "$@" 2>"$T/curl")
}
json() { api -H 'Content-Type: application/json' "$@"; }
answers() { # status, name, go or api, curl's arguments
	want=$1 name=$2
	shift 2
	"$@"
	[ "$status" = "$want" ] || { echo "# $status, want $want"; head -c 800 "$T/body" | sed 's/^/# /'; echo; }
	[ "$status" = "$want" ]
	ok $? "$name"
}
says() { has "$T/body" "$@"; }
to() { tr -d '\r' <"$T/head" | sed -nE 's/^Location: //Ip' | head -1; }
token() { curl -s -b "$T/jar.$jar" -H 'Accept: text/html' "$URL/account" | sed -nE 's/.*name="csrf" value="([^"]*)".*/\1/p' | head -1; }
csrf=$(token)
is "${#csrf}" 32 "somebody is signed in"
id_of() { sed -nE 's/.*"id":"([a-z]+--[-0-9a-f]{36})".*/\1/p' "$T/body" | head -1; }
make() { json -d "$2" "$URL/$1"; id_of; }
one=$(make incident '{"fields":{"title":"Mail is down","class":"availability","severity":"low"},"labels":{"tlp":"GREEN"}}')
two=$(make incident '{"fields":{"title":"Web is down","class":"availability","severity":"low"}}')
red=$(make incident '{"fields":{"title":"canary-red-title","class":"other","severity":"high"},"labels":{"tlp":"RED"}}')
person=$(make person '{"fields":{"name":"Analyst Satu"}}')
for id in "$one" "$two" "$red" "$person"; do
	[ -n "$id" ]
	ok $? "a record: $id"
done

# --- may this go to them? ---
answers 200 "a form to ask" go "$URL/explain"
says 'name="item"' "with what"
says '<option selected>screen</option>' "and by which way"
answers 200 "GREEN to the public" go "$URL/explain?item=$one&to=public&by=feed"
says '<h2 id="h-answer">No</h2>' "no"
says '<dt>Rule</dt><dd>[a-z]' "and by which rule"
answers 200 "to a colleague" go "$URL/explain?item=incident-1&to=account:Viewer%20A"
says '<h2 id="h-answer">Yes</h2>' "yes"
answers 404 "of what he cannot see" go "$URL/explain?item=$red&to=public"
has_not "$T/body" 'canary-red' "nothing is said"
says 'name="item" value="incident--' "the form comes back as it was typed"
answers 400 "to nobody" go "$URL/explain?item=$one&to=nobody"
says 'role="alert">' "is told above the form"
answers 400 "by no way" go "$URL/explain?item=$one&to=public&by=pigeon"
answers 200 "a program" api "$URL/explain.json?item=$one&to=public&by=feed"
says '"decision":"no"' "gets the same"
answers 400 "and must ask whole" api "$URL/explain.json?item=$one"
ronda explain -d "$D" "$one" --to public --by feed --json >"$T/out" 2>"$T/err"
api "$URL/explain.json?item=$one&to=public&by=feed"
is "$(sed -nE 's/.*"rule": ?"([^"]*)".*/\1/p' "$T/out")" "$(sed -nE 's/.*"rule":"([^"]*)".*/\1/p' "$T/body")" "the command says the same rule"
answers 200 "the page of a record" go "$URL/incident/1"
says 'href="/explain\?item=incident' "leads there"

# --- emergencies ---
answers 404 "RED is not for him" go "$URL/incident/$red"
answers 200 "a page for emergencies" go "$URL/break-glass"
says 'Nothing yet' "that is empty"
answers 400 "no reason, no record" go -d "csrf=$csrf" -d "item=$red" -d reason=x "$URL/break-glass"
answers 404 "no such record" go -d "csrf=$csrf" -d item=incident-99 -d "reason=the hospital called us" "$URL/break-glass"
answers 303 "with a reason" go -d "csrf=$csrf" -d "item=incident-3" -d "reason=the hospital called us" "$URL/break-glass"
is "$(to)" "/incident/$red" "he is led to it"
answers 200 "and reads it" go "$URL/incident/$red"
says 'canary-red-title' "for an hour"
go "$URL/incident"
has_not "$T/body" 'canary-red' "not in lists"
answers 200 "the list of emergencies" go "$URL/break-glass"
says 'the hospital called us' "has it"
has_not "$T/body" 'name="words"' "and nothing for him to review"
jar=viewer
csrf=$(token)
answers 403 "who holds no such role sees none" go "$URL/break-glass"
answers 403 "and breaks none" go -d "csrf=$csrf" -d "item=incident-3" -d "reason=the hospital called us" "$URL/break-glass"
answers 404 "so it stays shut" go "$URL/incident/$red"
jar=duty
csrf=$(token)
answers 403 "nobody reviews himself" go -d "csrf=$csrf" -d "words=that was right to do" "$URL/break-glass/1"
api "$URL/break-glass.json"
says '"open":true' "open"
status=$(curl -s -o "$T/body" -w '%{http_code}' -H "Authorization: Bearer $lead" -d "words=that was right to do" "$URL/break-glass/1")
is "$status" 303 "another person does"
go "$URL/break-glass"
says '[a-z]+:[0-9]+: that was right to do' "and it stands there"

# --- several at once ---
answers 200 "a list" go "$URL/incident"
says "type=\"checkbox\" name=\"id\" value=\"$one\"" "has a box for each"
says 'name="step" value="try"' "and a button to try"
bulk() { go -F "csrf=$csrf" "$@" "$URL/incident/bulk"; }
answers 400 "none chosen" bulk -F step=try -F state=open
answers 400 "nothing to do" bulk -F step=try -F "id=$one"
answers 200 "tried" bulk -F step=try -F "id=$one" -F "id=$two" -F state=open -F "assignee=person-1" -F tlp=AMBER+STRICT -F why=shift
says 'Nothing is changed yet. 2 would change' "it says what would happen"
says 'Mail is down' "to which"
says 'name="assignee" value="person-1"' "and goes on with what was chosen"
api "$URL/incident/1.json"
says '"state":"report"' "nothing has"
answers 303 "done" bulk -F "id=$one" -F "id=$two" -F state=open -F "assignee=person-1" -F tlp=AMBER+STRICT -F why=shift
for n in 1 2; do
	api "$URL/incident/$n.json"
	says '"state":"open"' "incident $n is moved"
	says "\"assignee\":\"$person\"" "assigned"
	says '"tlp":"AMBER\+STRICT"' "and marked"
done
answers 200 "tried, with one that cannot" bulk -F step=try -F "id=$one" -F "id=incident--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ff" -F state=closed
says 'not all can be' "says so"
says 'refused: ' "of which"
has_not "$T/body" 'Do it' "and offers nothing more"
answers 404 "nor is it done" bulk -F "id=$one" -F "id=incident--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ff" -F tlp=RED
answers 400 "assigned to nobody known" bulk -F step=try -F "id=$one" -F assignee=person-9
answers 303 "assigned to nobody" bulk -F "id=$two" -F assignee=-
api "$URL/incident/2.json"
has_not "$T/body" '"assignee"' "so it is"
answers 200 "taken out" bulk -F step=export -F "id=$one"
says '^"?id' "as a table"
is "$(grep -c 'incident--' "$T/body")" 1 "of what was chosen alone"
answers 200 "a program tries" json -d "{\"ids\":[\"$one\",\"incident-99\"],\"tlp\":\"RED\",\"dry_run\":true}" "$URL/incident/bulk"
says '"would_change":1,"refused":1' "and is told"
answers 400 "what is no text" json -d "{\"ids\":[\"$one\"],\"tlp\":7}" "$URL/incident/bulk"
jar=viewer
go "$URL/incident"
has_not "$T/body" 'name="step" value="try"' "who may change none is offered none"
jar=duty

# --- plans that fit ---
plan=$(make plan '{"fields":{"title":"When mail is down","for_type":"incident","steps":[{"title":"Call the provider"}]}}')
other=$(make plan '{"fields":{"title":"For warnings","for_type":"warning","steps":[{"title":"Write"}]}}')
for id in "$plan" "$other"; do json -d '{"state":"in-use"}' "$URL/plan/$id"; done
answers 200 "an incident" go "$URL/incident/1"
says 'When mail is down' "offers the plan that fits"
has_not "$T/body" 'For warnings' "and no other"
answers 400 "which is refused" json -d "{\"for\":\"incident-1\"}" "$URL/plan/$other/make"
says 'is not for records of type' "in words"
answers 303 "its button" go -F "csrf=$csrf" -F "for=$one" "$URL/plan/$plan/make"
api "$URL/task.json"
says 'Call the provider' "makes the tasks"

# --- held, and erased ---
answers 200 "an incident" go "$URL/incident/2"
has_not "$T/body" '/erase"' "is not the duty officer's to erase"
answers 403 "he cannot" go -F "csrf=$csrf" -F why=x -F sure=yes "$URL/incident/2/erase"
answers 200 "held" json -d '{"held":true,"why":"a court asked"}' "$URL/incident/2/hold"
api "$URL/incident/2.json"
says '"held":true' "so it is"
answers 403 "then nobody erases it" json -d '{"why":"asked for"}' "$URL/incident/2/erase"
answers 400 "held is yes or no" json -d '{"held":"perhaps"}' "$URL/incident/2/hold"
answers 200 "lifted" json -d '{"held":false,"why":"over"}' "$URL/incident/2/hold"
answers 400 "erased without a reason" json -d '{}' "$URL/incident/2/erase"
answers 200 "erased" json -d '{"why":"asked for"}' "$URL/incident/2/erase"
says '"erased":true' "it is"
# People are told who by name, programs by the number that stays.
answers 200 "a history" go "$URL/incident/incident-1/history"
has "$T/body" 'data-label="Who">Duty A<' "names the colleague"
answers 200 "to a program" go "$URL/incident/incident-1/history.json"
has "$T/body" '"author":"account:' "by his number"
api "$URL/search.json?text=Web"
has_not "$T/body" "$two" "and not found any more"
stop_node
ronda verify -d "$D" >"$T/out" 2>"$T/err"
ok $? "and all is sound"
done_testing
