#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Pages of records as a browser without JavaScript and a program use them: one type that a
# data file brings, and the built-in ones; then what nobody should send.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES
good='kelapa muda di tepi jalan'

ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
mkdir "$D/types"
sed -n '/^{ "type": "visit"/,/^END$/p' "$RONDA_SOURCE/tests/record_types.sh" | sed '$d' >"$D/types/visit.json"
sed -i 's/"create": { "analyst": "all"/"create": { "duty": "all", "analyst": "all"/
	s/"edit": { "analyst": "all"/"edit": { "duty": "all", "analyst": "all"/; s/"read": { /&"duty": "all", /
	s/"move": { /&"duty": "all", /; s/"link": { /&"duty": "all", /' "$D/types/visit.json"
ronda account -d "$D" new "Duty A" --roles duty >/dev/null
ronda account -d "$D" new "Viewer A" --roles viewer >/dev/null
serve
ok $? "a node serves"
lead=$(ronda token -d "$D" make lead --right operate --ceiling RED --account "Lead A" 2>/dev/null)
viewer=$(ronda token -d "$D" make viewer --right read --ceiling AMBER --account "Viewer A" 2>/dev/null)
once=$(ronda account -d "$D" invite "Duty A" 2>/dev/null | sed -nE 's,.*/welcome\?once=,,p')
curl -s -o /dev/null -c "$T/jar" --data-urlencode "once=$once" --data-urlencode "new=$good" "$URL/welcome"

status=
go() { # the browser's way: body in $T/body, head in $T/head, $status
	: >"$T/body"
	status=$(curl -s -o "$T/body" -D "$T/head" -w '%{http_code}' --max-time 60 -b "$T/jar" -H 'Accept: text/html' "$@" 2>"$T/curl")
}
api() { # the program's
	: >"$T/body"
	status=$(curl -s -o "$T/body" -D "$T/head" -w '%{http_code}' --max-time 60 -H "Authorization: Bearer $lead" "$@" 2>"$T/curl")
}
answers() { # status, name, go or api, curl's arguments
	want=$1 name=$2
	shift 2
	"$@"
	[ "$status" = "$want" ] || { echo "# $status, want $want"; head -c 800 "$T/body" | sed 's/^/# /'; echo; }
	[ "$status" = "$want" ]
	ok $? "$name"
}
json() { api -H 'Content-Type: application/json' "$@"; }
to() { tr -d '\r' <"$T/head" | sed -nE 's/^Location: //Ip' | head -1; }
says() { has "$T/body" "$@"; }
csrf=$(curl -s -b "$T/jar" -H 'Accept: text/html' "$URL/account" | sed -nE 's/.*name="csrf" value="([^"]*)".*/\1/p' | head -1)
is "${#csrf}" 32 "and somebody is signed in"

# --- the type of the data file: list, form, detail, history, search ---
answers 200 "what types there are" go "$URL/records"
says '<a href="/visit">Visits</a>' "the one from the data file is among them"
answers 200 "a list" go "$URL/visit"
says 'Nothing matches' "that is empty"
answers 200 "a form" go "$URL/visit/new"
says '<label for="f.who">Who <span class="must">\(required\)' "has its labels"
says '<option value="training">Training</option>' "and choices"
go -H 'Accept-Language: id-ID' "$URL/visit/new"
says '<option value="training">Pelatihan</option>' "in the reader's language"
new() { go -F "csrf=$csrf" -F based_on=0 "$@" "$URL/visit"; }
answers 303 "one is made" new -F "f.who=Team <A>" -F f.day=2026-12-01 -F f.purpose=training -F f.guests=3 -F "why=they asked" -F l.tlp=GREEN
at=$(to)
answers 303 "another" new -F "f.who==SUM(A1)" -F f.day=2026-11-30 -F f.purpose=audit -F f.badge=B-2 -F "f.remarks=two lines"
answers 200 "its page opens" go "$URL$at"
says '<dt>Who</dt><dd>.*Team &lt;A&gt;' "with its values"
says 'TLP:GREEN' "its marking"
says '<button>Agreed</button>' "and the moves one may make"
has_not "$T/body" '>Declined<' "but no others"
answers 200 "by its number too" go "$URL/visit/1"
answers 400 "a form with errors comes back" new -F f.who= -F f.guests=51 -F f.day=soon -F "f.remarks=kept as typed"
says 'Please mend this' "with a summary"
says '<a href="#f.guests">Guests: &#39;51&#39; is more than 50' "of every error, linked to its field"
says '<a href="#f.day">Day: ' "of every error"
says '<a href="#f.who">Who: is missing' "what is missing too"
says 'aria-describedby="f.guests-e"' "the field is tied to its error"
says '>kept as typed</textarea>' "and what was typed is kept"
answers 200 "a list of two" go "$URL/visit"
says 'Team &lt;A&gt;' "both are there"
answers 200 "filtered" go "$URL/visit?purpose=audit"
has_not "$T/body" 'Team &lt;A&gt;' "one is left"
answers 200 "by a state" go "$URL/visit?state=agreed"
says 'Nothing matches' "none"
answers 200 "by a word" go "$URL/visit?text=lines"
says 'SUM\(A1\)' "it is found"
answers 200 "searched over all types" go "$URL/search?text=lines"
says 'Visit 2' "it is found"
answers 200 "a page at a time" api "$URL/visit.json?limit=1&sort=-day"
next=$(sed -nE 's/.*"next_url":"([^"]*)".*/\1/p' "$T/body" | sed 's,\\/,/,g')
answers 200 "and the next" api "$URL$next"
says '"title":"=SUM\(A1\)"' "goes on where it ended"

# --- changing it ---
answers 200 "the form of what stands" go "$URL/visit/1/edit"
says 'name="f.who" value="Team &lt;A&gt;"' "is filled"
says 'name="based_on" value="1"' "and knows its version"
edit() { go -F "csrf=$csrf" "$@" "$URL/visit/1"; }
answers 303 "it is changed" edit -F based_on=1 -F f.guests=4 -F why=more
answers 409 "who comes second" edit -F based_on=1 -F f.guests=9 -F "f.who=Second" -F "f.remarks=typed for long"
says 'it was changed meanwhile: version 2 stands' "is told"
says '<dt>Guests</dt><dd><span class="value">4' "sees what stands"
says 'name="f.guests" value="9"' "and what he wrote"
says '>typed for long</textarea>' "all of it"
answers 303 "and puts his over it" edit -F based_on=2 -F f.guests=9 -F f.who=Second
answers 200 "nothing is lost" go "$URL/visit/1/history/2"
says '<dd><span class="value">4' "of the first"
answers 403 "a move that is not his" edit -F based_on=3 -F move=1 -F state=declined -F why=x
answers 400 "a state that is none" edit -F based_on=3 -F move=1 -F state=lost
answers 303 "a move" edit -F based_on=3 -F move=1 -F state=agreed
go "$URL/visit/1"
says '<b>Agreed</b>' "is made"
answers 303 "an incident" go -F "csrf=$csrf" -F based_on=0 -F f.title=Phishing -F f.class=fraud -F f.severity=low \
	-F f.indicators.0.address=192.0.2.0/24 -F f.indicators.1.address= -F f.indicators.2.domain=example.org -F "f.loss=IDR 12,50" "$URL/incident"
incident=$(to)
go "$URL$incident"
says '192\.0\.2\.0/24' "with rows"
is "$(api "$URL/incident/1.json"; sed -nE 's/.*"indicators":(\[[^]]*\]).*/\1/p' "$T/body" | grep -o '{' | wc -l)" 2 "but no empty ones"
move() { go -F "csrf=$csrf" -F move=1 -F state=rejected "$@" "$URL$incident"; }
answers 400 "a move asks for a reason" move -F based_on=1
says 'why|reason' "and says so"
answers 400 "and for the fields of that state" move -F based_on=1 -F "why=not <ours>"
says '<a href="#f.outcome">Outcome: ' "which are named"
says '<input type="hidden" name="state" value="rejected">' "in a form that goes on with the move"
says 'name="why" value="not &lt;ours&gt;"' "and the reason"
answers 303 "they are given" go -F "csrf=$csrf" -F state=rejected -F based_on=1 -F "why=not <ours>" -F "f.outcome=None" "$URL$incident"
go "$URL$incident"
says '<b>Rejected</b>' "and it has moved"
answers 200 "the history" go "$URL$incident/history"
says 'not &lt;ours&gt;' "has it"

# --- links ---
answers 303 "a link" go -d "csrf=$csrf" -d to=visit-2 -d kind=related "$URL$incident/link"
go "$URL$incident"
says '>=SUM\(A1\)</a>' "is seen"
says '<button>Unlink</button>' "with a way to take it away"
link=$(sed -nE 's/.*name="link" value="([0-9]+)".*/\1/p' "$T/body")
go "$URL/visit/2"
says '>Phishing</a>' "and from the other end"
answers 404 "a link to what is not there" go -d "csrf=$csrf" -d to=visit-99 "$URL$incident/link"
answers 400 "a link without a number" go -d "csrf=$csrf" -d link=x "$URL$incident/unlink"
answers 303 "it is taken away" go -d "csrf=$csrf" -d "link=$link" "$URL$incident/unlink"
go "$URL$incident"
has_not "$T/body" 'SUM' "and gone"

# --- files ---
printf 'first\0bytes' >"$T/one.bin"
printf '<script>alert(1)</script>' >"$T/two.html"
answers 303 "a note with two files" go -F "csrf=$csrf" -F based_on=0 -F "f.title=Two files" -F f.files.there=1 \
	-F "f.files=@$T/one.bin;filename=../../x" -F "f.files=@$T/two.html" "$URL/note"
note=$(to)
go "$URL$note"
says '>x </span>|x <a href' "a name has no folders"
has_not "$T/body" '../x' "none"
file=$(grep -oE 'href="[^"]*/file/[^"]*"' "$T/body" | sed -n '1s/href="//; 1s/"$//p' | sed 's/&amp;/\&/g')
html=$(grep -oE 'href="[^"]*/file/[^"]*"' "$T/body" | sed -n '2s/href="//; 2s/"$//p' | sed 's/&amp;/\&/g')
answers 200 "a file comes down" go "$URL$file"
cmp -s "$T/body" "$T/one.bin"
ok $? "byte by byte"
answers 200 "one of markup" go "$URL$html"
has "$T/head" '^Content-Type: application/octet-stream' "is never shown"
has "$T/head" '^Content-Disposition: attachment; filename' "but saved"
digest=$(echo "$file" | sed -E 's,.*/file/([0-9a-f]*).*,\1,')
answers 404 "not as another record's" go "$URL$incident/file/$digest?field=files"
answers 404 "not as another field's" go "$URL$note/file/$digest?field=title"
answers 303 "one is kept, one goes" go -F "csrf=$csrf" -F based_on=1 -F f.files.there=1 -F "f.files.keep=$digest" "$URL$note"
answers 404 "what went is not given" go "$(echo "$URL$html" | sed 's/version=1/version=2/')"
answers 200 "but as it stood in the version that had it" go "$URL$note/history/1"
old=$(grep -oE 'href="[^"]*/file/[^"]*"' "$T/body" | sed -n '2s/href="//; 2s/"$//p' | sed 's/&amp;/\&/g')
answers 200 "it still comes down" go "$URL$old"
cmp -s "$T/body" "$T/two.html"
ok $? "whole"
answers 200 "what stays is" go "$URL$file"

# --- more rows than a form holds ---
{
	printf '{"fields":{"title":"Many indicators","class":"other","severity":"low","indicators":['
	for i in $(seq 150); do printf '%s{"address":"198.18.0.%d"}' "$([ $i = 1 ] || echo ,)" $i; done
	printf ']}}'
} >"$T/many.json"
answers 201 "150 rows by JSON" json --data-binary "@$T/many.json" "$URL/incident"
many=$(to)
answers 200 "its form" go "$URL$many/edit"
says '150 rows are more than a form holds' "says why they are not in it"
answers 303 "and is taken" go -F "csrf=$csrf" -F based_on=1 -F "f.title=Many of them" "$URL$many"
go "$URL$many.json" >/dev/null
is "$(grep -o '198\.18\.0\.[0-9]*' "$T/body" | sort -u | wc -l)" 150 "without losing one"
# --- as JSON and CSV ---
answers 200 "a list as CSV" api "$URL/visit.csv"
says "\"'=SUM\(A1\)\"" "with nothing a spreadsheet would run"
is "$(tr -d '\r' <"$T/body" | head -1)" '"id","number","version","state","created","changed","due","who","day","purpose"' "and columns of the type"
answers 200 "one as CSV" api "$URL/visit/1.csv"
is "$(wc -l <"$T/body")" 2 "is one row"
says '"Second"' "of its fields"
answers 200 "a history as CSV" api "$URL/visit/1/history.csv"
is "$(wc -l <"$T/body")" 5 "has its versions"
answers 200 "a search as CSV" api "$URL/search.csv?text=lines"
says '"visit","2"' "too"
answers 200 "the types as CSV" api "$URL/records.csv"
says '^"visit","Visit","Visits"' "too"
answers 403 "CSV is an export, which is a right" go "$URL/visit.csv"
answers 200 "and a search" go "$URL/search.csv?text=lines"
has_not "$T/body" SUM "gives only what may be exported"
answers 403 "nor is one record" go "$URL/visit/1.csv"
ronda journal -d "$D" list --limit 200 --json >"$T/journal"
has "$T/journal" '"export".*"/visit"|"/visit".*"export"' "an export stands in the journal"
answers 201 "a program makes one" json -d '{"fields":{"who":"By JSON","guests":2},"why":"w","labels":{"tlp":"GREEN"}}' "$URL/visit"
says '"number":3,"version":1,"state":"asked"' "and gets it"
answers 200 "changes it" json -d '{"fields":{"guests":null,"badge":"B-3"},"based_on":1,"state":"agreed"}' "$URL/visit/3"
says '"body":\{"who":"By JSON","badge":"B-3"\}' "null takes away"
answers 409 "is told when it comes second" json -d '{"fields":{"badge":"B-4"},"based_on":1}' "$URL/visit/3"
says '"stands":\{.*"version":2' "with what stands"
answers 400 "and all that is wrong" json -d '{"fields":{"guests":99,"day":"x"}}' "$URL/visit"
says '"field":"guests".*"field":"day"|"field":"day".*"field":"guests"|"field":"who"' "by field"
answers 200 "links" json -d '{"to":"visit-1"}' "$URL/visit/3/link"
link=$(number link <"$T/body")
answers 200 "and unlinks" json -d "{\"link\":$link}" "$URL/visit/3/unlink"
answers 200 "moves many" json -d "{\"ids\":[\"visit-1\",\"visit-3\"],\"state\":\"over\"}" "$URL/visit/bulk"
says '"changed":2' "at once"
api "$URL/visit/2.json"
before=$(cat "$T/body")
answers 403 "or none" json -d '{"ids":["visit-2","visit-1"],"state":"agreed"}' "$URL/visit/bulk"
api "$URL/visit/2.json"
is "$(cat "$T/body")" "$before" "the first was not moved either"

# --- what nobody should send ---
all() { # all that there is, to compare
	for t in visit incident note organisation person task warning agreement plan; do
		curl -s -H "Authorization: Bearer $lead" "$URL/$t.json"
	done
}
all >"$T/before"
one_sentence() { # name: the answer is one sentence in plain words
	sed -nE 's/.*"words":"(([^"\\]|\\.)*)".*/\1/p' "$T/body" | head -1 >"$T/words"
	[ -s "$T/words" ] && [ "$(wc -c <"$T/words")" -lt 300 ] && ! grep -qE 'SQL|sqlite|/tmp|assert|0x[0-9a-f]{4}' "$T/words"
	ok $? "  in one sentence: $(cut -c1-90 "$T/words")"
}
bad() { answers "$@"; one_sentence; }
bad 400 "a hostile sort" api "$URL/visit.json?sort=day%3BDROP%20TABLE%20record"
bad 400 "a sort by what is no column" api "$URL/visit.json?sort=remarks"
bad 400 "a state that is none" api "$URL/visit.json?state=%27%20OR%201%3D1"
bad 400 "a value that is none" api "$URL/visit.json?guests=1%20OR%201"
answers 200 "a filter nobody knows is none" api "$URL/visit.json?body%20LIKE=1"
bad 400 "a cursor of one's own" api "$URL/visit.json?after=nonsense%27"
bad 400 "words that are none" api "$URL/search.json?text=a%20b%20c%20d%20e%20f%20g%20h%20i%20j"
bad 400 "over-long text" json -d "{\"fields\":{\"who\":\"$(head -c 500 /dev/zero | tr '\0' x)\"}}" "$URL/visit"
bad 400 "a field that is none" json -d '{"fields":{"who":"x","whose":"y"}}' "$URL/visit"
bad 400 "a member that is none: id" json -d '{"id":"visit--1","fields":{"who":"x"}}' "$URL/visit"
bad 400 "origin" json -d '{"origin":"x","fields":{"who":"x"}}' "$URL/visit"
bad 400 "author" json -d '{"author":"account:1","fields":{"who":"x"}}' "$URL/visit"
bad 400 "a field of the engine" json -d '{"fields":{"who":"x","author":"account:1"}}' "$URL/visit"
bad 400 "an unknown state" json -d '{"state":"lost"}' "$URL/visit/2"
bad 403 "a forbidden move" json -d '{"state":"over"}' "$URL/visit/2"
bad 400 "no JSON" json -d '{"fields":' "$URL/visit"
bad 400 "JSON of another kind" json -d '[1]' "$URL/visit"
bad 400 "fields that are a list" json -d '{"fields":["who"]}' "$URL/visit"
bad 400 "a label nobody knows is not let in unread" json -d '{"fields":{"who":"x"},"labels":"RED"}' "$URL/visit"
bad 404 "an id of another type" api "$URL/incident/$(basename "$at")"
bad 404 "no id at all" api "$URL/visit/%3Cscript%3E"
bad 404 "a version that is none" api "$URL/visit/2/history/99"
bad 400 "a version of one's own" json -d '{"based_on":-1,"fields":{"badge":"x"}}' "$URL/visit/2"
bad 400 "a file named .x" json -d '{"fields":{"title":"x","files":[{"digest":"'"$digest"'","name":".x","bytes":11}]}}' "$URL/note"
bad 400 "a file named ../../x" json -d '{"fields":{"title":"x","files":[{"digest":"'"$digest"'","name":"../../x","bytes":11}]}}' "$URL/note"
for many in 1000 1001; do
	awk -v n=$many 'BEGIN { printf "{\"state\":\"lost\",\"ids\":["; for (i = 1; i <= n; i++) printf "%s\"visit-2\"", (i > 1 ? "," : ""); print "]}" }' >"$T/many.json"
	bad 400 "$many at once" json --data-binary "@$T/many.json" "$URL/visit/bulk"
done
has "$T/words" 'at most 1000 records at once' "one too many is told"
bad 400 "none at once" json -d '{"ids":[],"state":"agreed"}' "$URL/visit/bulk"
bad 400 "ids that are none" json -d '{"ids":"visit-2","state":"agreed"}' "$URL/visit/bulk"
answers 415 "a body that is nothing known" api -H 'Content-Type: text/xml' -d '<x/>' "$URL/visit"
head -c 10485760 /dev/zero | tr '\0' n >"$T/big"
{ printf '{"fields":{"title":"big","text_body":"'; cat "$T/big"; printf '"}}'; } >"$T/big.json"
answers 413 "a note of 10 MB as JSON" json --data-binary "@$T/big.json" "$URL/note"
answers 400 "as a form" go -F "csrf=$csrf" -F based_on=0 -F f.title=big -F "f.text_body=<$T/big" "$URL/note"
says 'Text: .*(characters|long|large)' "is told by its field"
cat "$T/big" "$T/big" "$T/big" >"$T/bigger"
answers 413 "30 MB of anything" go -F "csrf=$csrf" -F based_on=0 -F f.title=big -F "f.files=@$T/bigger" "$URL/note"
head -c 17000000 /dev/zero >"$T/file"
answers 400 "a file above 16 MiB" go -F "csrf=$csrf" -F based_on=0 -F f.title=big -F f.files.there=1 -F "f.files=@$T/file" "$URL/note"
says '16 MiB' "is told"
answers 400 "a form without a boundary" api -H 'Content-Type: multipart/form-data' --data-binary 'x' "$URL/note"
all >"$T/after"
cmp -s "$T/before" "$T/after"
ok $? "and nothing is changed by any of it"

# --- forms of others ---
for how in "no token of the form" "another's token" "a foreign Origin" "a foreign site"; do
	for path in /visit /visit/2 /visit/2/link /visit/2/unlink /visit/bulk; do
		for kind in -d -F; do
			case $how in
			no*) set -- "$kind" x=1 ;;
			another*) set -- "$kind" csrf=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ;;
			*Origin) set -- "$kind" "csrf=$csrf" -H 'Origin: https://evil.example.org' ;;
			*) set -- "$kind" "csrf=$csrf" -H 'Sec-Fetch-Site: cross-site' ;;
			esac
			go "$@" "$kind" f.who=forged "$kind" to=visit-1 "$kind" link=1 "$kind" id=visit-2 "$kind" state=declined "$URL$path"
			[ "$status" = 403 ] || { echo "# $path $kind: $status"; false; }
			ok $? "POST $path ($kind) with $how"
		done
	done
done
answers 403 "JSON by a cookie" go -H 'Content-Type: application/json' -d '{"fields":{"who":"forged"}}' "$URL/visit"
for path in /visit/2/link /visit/2/unlink; do
	answers 405 "GET $path" go "$URL$path?to=visit-1&link=1"
done
answers 404 "GET /visit/bulk" go "$URL/visit/bulk?id=visit-2&state=declined"
answers 405 "PUT" go -X PUT -d x=1 "$URL/visit/2"
answers 405 "DELETE" go -X DELETE "$URL/visit/2"
for path in /visit /visit/2 /visit/2/link /visit/2/unlink /visit/bulk; do
	status=$(curl -s -o "$T/body" -w '%{http_code}' -H "Authorization: Bearer $viewer" -H 'Content-Type: application/json' \
		-d '{"fields":{"who":"no"},"to":"visit-1","link":1,"ids":["visit-2"],"state":"declined"}' "$URL$path")
	case $status in 400 | 403 | 404) true ;; *) echo "# $path: $status" && false ;; esac
	ok $? "a viewer changes nothing at $path"
	status=$(curl -s -o "$T/body" -w '%{http_code}' -H 'Content-Type: application/json' -d '{}' "$URL$path")
	is "$status" 401 "nobody does at $path"
done
all >"$T/after"
cmp -s "$T/before" "$T/after"
ok $? "nothing is changed by any of it"
stop_node
ronda verify -d "$D" >"$T/out" 2>"$T/err"
ok $? "and all is sound"
done_testing
