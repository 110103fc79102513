#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two organisations we serve, a person of each, and what is about each: every address of
# routes.def with every id of the other, to read and to write; then markup in every field of
# every form, and every page searched for it.
. "$RONDA_SOURCE/tests/lib.sh"
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
# A kind of thing with which they may do all there is, as long as it is their own.
mkdir "$D/types"
cat >"$D/types/matter.json" <<'END2'
{ "type": "matter", "version": 1, "title": "title", "organisation": "organisation",
  "label": { "en": "Matter" }, "plural": { "en": "Matters" },
  "fields": {
    "title": { "kind": "text", "share": "party", "required": ["*"], "label": { "en": "Title" } },
    "organisation": { "kind": "reference", "to": "organisation", "share": "party", "label": { "en": "Whose" } },
    "paper": { "kind": "file", "share": "party", "label": { "en": "Paper" } } },
  "states": { "open": { "label": { "en": "Open" }, "to": { "shut": { "roles": ["constituent", "lead"] } } },
    "shut": { "label": { "en": "Shut" }, "closed": true } },
  "rights": {
    "read": { "lead": "all", "constituent": "own" }, "create": { "lead": "all", "constituent": "own" },
    "edit": { "lead": "all", "constituent": "own" }, "move": { "lead": "all", "constituent": "own" },
    "link": { "lead": "all", "constituent": "own" }, "export": { "lead": "all", "constituent": "own" } },
  "list": { "columns": ["title", "organisation"], "filters": ["organisation"], "sort": "title" } }
END2
serve --set portal=yes
ok $? "and serves"
lead=$(ronda token -d "$D" make lead --right operate --ceiling RED --account "Lead A" 2>/dev/null)
as() { who=$1; shift; curl -s --max-time 20 -H "Authorization: Bearer $who" "$@"; }
make() { # token, type, JSON: its id
	as "$1" -H 'Content-Type: application/json' -d "$3" "$URL/$2" >"$T/made"
	sed -nE 's/.*"id":"([a-z]+--[-0-9a-f]{36})".*/\1/p' "$T/made" | head -1
}

# --- two organisations ---
a=$(make "$lead" organisation '{"fields":{"name":"Bank Satu","kind":"constituent","contacts":[{"role":"abuse","channel":"portal","email":"abuse0@example.org"}],"constituency":[{"kind":"network","value":"198.18.0.0/24"}]}}')
b=$(make "$lead" organisation '{"fields":{"name":"Bank Dua","kind":"constituent","contacts":[{"role":"abuse","channel":"portal","email":"abuse1@example.org"}],"constituency":[{"kind":"network","value":"198.18.1.0/24"}]}}')
ronda account -d "$D" new "Person A" --roles constituent --organisation "$a" >/dev/null 2>"$T/err"
ok $? "a person of one"
ronda account -d "$D" new "Person B" --roles constituent --organisation "$b" >/dev/null 2>"$T/err"
ok $? "a person of the other"
ta=$(ronda token -d "$D" make a --right read --ceiling AMBER --account "Person A" 2>"$T/err")
tb=$(ronda token -d "$D" make b --right read --ceiling AMBER --account "Person B" 2>"$T/err")
same='"indicators":[{"address":"192.0.2.7"}]'
ia=$(make "$lead" incident "{\"fields\":{\"title\":\"About Satu\",\"class\":\"other\",\"severity\":\"low\",\"organisation\":\"$a\",$same}}")
ib=$(make "$lead" incident "{\"fields\":{\"title\":\"About Dua\",\"class\":\"other\",\"severity\":\"low\",\"organisation\":\"$b\",$same}}")
ib2=$(make "$tb" incident '{"fields":{"title":"By Dua","class":"other","severity":"low"}}')
ia2=$(make "$ta" incident '{"fields":{"title":"By Satu","class":"other","severity":"low"}}')
pb=$(make "$lead" person "{\"fields\":{\"name\":\"Person of Dua\",\"organisation\":\"$b\"}}")
ma=$(make "$ta" matter '{"fields":{"title":"Matter of Satu"}}')
mb=$(make "$tb" matter '{"fields":{"title":"Matter of Dua"}}')
as "$tb" -F based_on=1 -F f.paper.there=1 -F "f.paper=@$D/types/matter.json;filename=paper.txt" "$URL/matter/$mb" >"$T/out"
paper=$(as "$tb" "$URL/matter/$mb.json" | sed -nE 's/.*"digest":"([0-9a-f]{64})".*/\1/p')
is "$(as "$tb" -o "$T/out" -w '%{http_code}' "$URL/matter/$mb/file/$paper?field=paper")" 200 "whose file it is gets it"
is "$(as "$ta" -o "$T/out" -w '%{http_code}' "$URL/matter/$mb/file/$paper?field=paper")" 404 "nobody else"
is "$(as "$ta" -o "$T/out" -w '%{http_code}' "$URL/matter/$ma/file/$paper?field=paper")" 404 "nor through his own"
nb=$(make "$lead" note '{"fields":{"title":"Internal"}}')
for id in "$a" "$b" "$ia" "$ib" "$ib2" "$ia2" "$pb" "$nb" "$ma" "$mb"; do
	[ -n "$id" ] || { echo "# none:" && cat "$T/made"; false; }
	ok $? "a record: $id"
done
as "$ta" "$URL/incident.json" >"$T/out"
has "$T/out" "$ia2" "who made one sees it"
has_not "$T/out" "$ib" "not the other's"
as "$tb" "$URL/incident.json" >"$T/out"
has "$T/out" "$ib2" "nor the other way"
has_not "$T/out" "$ia" "round"
number_of() { as "$lead" "$URL/$1/$2.json" | sed -nE 's/.*"record":\{[^}]*"number":([0-9]+).*/\1/p'; }

# what concerns each, and a message to each that waits in the portal
{
	echo 'timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city'
	echo '"2026-11-20 01:02:03",high,198.18.0.7,tcp,23,satu.example.org,telnet,64500,ID,,'
	echo '"2026-11-20 01:02:03",high,198.18.1.7,tcp,23,hostofdua.example.org,telnet,64500,ID,,'
} >"$T/2026-11-20-scan_telnet-first.csv"
until_told() { # until the second organisation has its address
	for _ in $(seq 600); do
		! ronda who -d "$D" 198.18.1.7 2>/dev/null | grep -q "Bank Dua" || return 0
		sleep 0.1
	done
	return 1
}
check "whose network it is, is known" until_told
check "a report" ronda intake -d "$D" "$T/2026-11-20-scan_telnet-first.csv"
make "$lead" round "{\"fields\":{\"title\":\"Telnet\",\"kind\":\"notification\",\"question\":\"identifier=open-telnet\",\"answer_by\":\"$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)\",\"texts\":[{\"language\":\"en\",\"subject\":\"Telnet is open\",\"text\":\"Please close it.\"}]}}" >/dev/null
check "a round about it" ronda round -d "$D" start 1
store() { sqlite3 -readonly -cmd '.timeout 5000' "$D/main.db" "$1"; }
for _ in $(seq 600); do
	message_b=$(store "SELECT id FROM outbox WHERE recipient LIKE '$b%' AND template = 'round.notify'")
	[ -z "$message_b" ] || break
	sleep 0.1
done
finding_b=$(ronda findings -d "$D" --json | grep 198.18.1.7 | sed -nE 's/.*"id": ?"([0-9a-f]{32})".*/\1/p' | head -1)
event_b=$(ronda events -d "$D" --json | grep hostofdua | sed -nE 's/.*"id": ?"([^"]*)".*/\1/p' | head -1)
[ -n "$message_b" ] && [ -n "$finding_b" ]
ok $? "a message and a finding of the other: $message_b $finding_b $event_b"
is "$(as "$tb" -o "$T/out" -w '%{http_code}' "$URL/portal/findings/$finding_b.json")" 200 "whose it is sees it"
theirs="$mb $b $ib $ib2 $pb $nb"
numbers=
for id in $theirs; do numbers="$numbers ${id%%--*}-$(number_of "${id%%--*}" "$id")"; done
echo "$numbers" | grep -qE '^( [a-z]+-[0-9]+){6}$'
ok $? "with their numbers:$numbers"
everything() { # but the hour it is there now
	{
	for id in $theirs $a $ia $ia2 $ma; do
		as "$lead" "$URL/${id%%--*}/$id.json"
		as "$lead" "$URL/${id%%--*}/$id/history.json"
	done
	for t in matter organisation incident person note task warning agreement plan; do as "$lead" "$URL/$t.json"; done
	} | sed -E 's/"local_time":"[^"]*"//g'
}
everything >"$T/before"
[ "$(wc -c <"$T/before")" -gt 5000 ]
ok $? "all of it is noted down"
sed -nE 's/^(ROUTE\((GET|POST), |(BODY|UPLOAD)\()"([^"]*)".*/\2\3 \4/p' "$RONDA_SOURCE/src/routes.def" >"$T/routes"
[ "$(wc -l <"$T/routes")" = "$(grep -cE '^(ROUTE|BODY|UPLOAD)\(' "$RONDA_SOURCE/src/routes.def")" ]
ok $? "every route of the table is walked"
: >"$T/came"
: >"$T/lists"
walked=0 wrong=0 lists=0
try() { # address, curl's arguments: nothing of the other comes, nothing happens
	at=$1
	shift
	status=$(as "$ta" -o "$T/one" -w '%{http_code}' "$@" "$URL$at")
	cat "$T/one" >>"$T/came"
	walked=$((walked + 1))
	case $status in
	404) ;;
	429) case $at in /a/* | /portal/sign-in/*) ;; *) false ;; esac ;; # links that are guessed
	200) case $at in /portal/sign-in/*) ;; *) false ;; esac ;; # a button, whatever stands behind: it lets nobody in
	403) case $at in /incident* | /matter* | /person* | /organisation* | /note*) false ;; esac ;; # no right to this kind of thing at all
	*) false ;;
	esac || {
		echo "# $at $*: $status $(head -c 300 "$T/one")" | head -c 600
		wrong=$((wrong + 1))
	}
}
while read -r method route; do
	case $route in
	*'*'*) ;;
	*) # a list: nothing of the other stands in it
		[ "$method" = GET ] || continue
		for form in "" .json .csv; do
			for type in matter organisation incident person note task warning round mail; do
				as "$ta" -H 'Accept: text/html' "$URL$(echo "$route" | sed "s,:type,$type,")$form" >>"$T/lists"
				lists=$((lists + 1))
				[ "${route#*:type}" != "$route" ] || break
			done
		done
		continue
		;;
	esac
	case $route in
	/:type/*) ;;
	/organisations/view/* | /individuals/view/* | /sharing*/view/*) ;; # a message's number may be that of one's own there
	*) # ids of what is no record
		for id in $message_b $finding_b $event_b; do
			path=$(echo "$route" | sed "s,[*],$id,; s,[*],1,")
			[ "$method" = GET ] || try "$path" -d kind=fixed -d nonce=x -d answer=yes -d words=taken
			[ "$method" != GET ] || for form in "" .json .csv; do try "$path$form"; done
		done
		;;
	esac
	for id in $theirs $numbers; do
		type=${id%%-*}
		[ "${route#/:type}" != "$route" ] || type=
		path=$(echo "$route" | sed "s,:type,$type,; s,[*],$id,; s,[*],1,")
		for form in "" .json .csv; do
			[ "$method" != GET ] || try "$path$form"
		done
		[ "$method" != GET ] || { [ -z "$type" ] || try "$path" -H 'Accept: text/html'; continue; }
		[ "$method" != BODY ] || {
			try "$path" -H 'Content-Type: application/json' -d '{"fields":{"title":"taken"},"why":"x"}'
			try "$path" -F f.title=taken -F based_on=1
		}
		try "$path" -d f.title=taken -d state=shut -d move=1 -d "to=$ma" -d link=1 -d answer=yes
	done
done <"$T/routes"
[ "$walked" -gt 200 ]
ok $? "$walked questions with ids of the other"
is "$wrong" 0 "all of them answered 404, or 403 where there is no right to the kind"
for word in "About Dua" "By Dua" "Matter of Dua" "Person of Dua" "Bank Dua" Internal hostofdua 198.18.1.; do
	has_not "$T/came" "$word" "'$word' came to nobody else"
done
[ "$lists" -gt 100 ]
ok $? "$lists lists and pages without an id"
has "$T/lists" 'Satu' "which have what is his"
for word in "About Dua" "By Dua" "Matter of Dua" "Person of Dua" "Bank Dua" hostofdua 198.18.1.; do
	has_not "$T/lists" "$word" "not '$word'"
done
is "$(store "SELECT state FROM outbox WHERE id = $message_b")" 1 "their message waits as before"
is "$(store "SELECT count(*) FROM answer")" 0 "and nobody has answered it"
everything >"$T/after"
cmp -s "$T/before" "$T/after"
ok $? "and nothing is changed"

# by what a body names
refused() { # status, name, type/path, JSON
	status=$(as "$ta" -o "$T/one" -w '%{http_code}' -H 'Content-Type: application/json' -d "$4" "$URL/$3")
	[ "$status" = "$1" ] && ! grep -qE "of Dua|Bank Dua|Internal" "$T/one" || { echo "# $status $(head -c 400 "$T/one")"; false; }
	ok $? "$2: $status"
}
for id in $theirs; do
	refused 404 "his own and the other's at once: ${id%%--*}" matter/bulk "{\"ids\":[\"$ma\",\"$id\"],\"state\":\"shut\"}"
	refused 404 "the other's first" matter/bulk "{\"ids\":[\"$id\",\"$ma\"],\"state\":\"shut\"}"
	refused 404 "a link to the other's" "matter/$ma/link" "{\"to\":\"$id\"}"
done
refused 404 "a link of the other's through his own" "matter/$ma/unlink" '{"link":1}'
refused 400 "the other's file by its digest" "matter/$ma" "{\"fields\":{\"paper\":{\"digest\":\"$paper\",\"name\":\"x\",\"bytes\":1}}}"
refused 403 "one of his own given away" "matter/$ma" "{\"fields\":{\"organisation\":\"$b\"}}"
refused 403 "one about the other" incident "{\"fields\":{\"title\":\"x\",\"class\":\"other\",\"severity\":\"low\",\"organisation\":\"$b\"}}"
refused 403 "his own given to the other" "incident/$ia2" "{\"fields\":{\"organisation\":\"$b\"}}"
refused 403 "a person of the other" person "{\"fields\":{\"name\":\"x\",\"organisation\":\"$b\"}}"
for id in $ib $ib2; do
	refused 404 "the other's in triage" triage "{\"ids\":[\"$id\"],\"act\":\"accept\"}"
	refused 403 "his own linked with the other's" triage "{\"ids\":[\"$ia2\"],\"act\":\"link\",\"target\":\"$id\"}"
	refused 404 "the other's merged into his own" "incident/$ia2/do/merge" "{\"other\":\"$id\",\"why\":\"x\"}"
	refused 404 "one made of the other's" from "{\"sources\":[\"$id\"]}"
done
refused 404 "one made of what is internal" from "{\"sources\":[\"$nb\"]}"
as "$ta" "$URL/incident/$ia.json" >"$T/one"
has "$T/one" '"similar":\[' "the page of his own says what is similar"
for word in "About Dua" "By Dua" "Bank Dua" Internal; do has_not "$T/one" "$word" "but '$word' is not in it"; done
as "$ta" "$URL/incident/$ia/timeline.json" >"$T/one"
for word in "About Dua" "By Dua" "Bank Dua" Internal account:; do has_not "$T/one" "$word" "nor '$word' in its timeline"; done
as "$ta" "$URL/triage.json" >"$T/one"
has "$T/one" "$ia2" "what waits of his own he sees"
for word in "About Dua" "By Dua" "Bank Dua" Internal; do has_not "$T/one" "$word" "but not '$word'"; done
as "$ta" "$URL/search.json?text=Dua" >"$T/out"
has_not "$T/out" '"id"' "a search finds nothing of it"
for q in "incident.json?organisation=$b" "incident.json?text=Dua" "person.json?organisation=$b" "incident.csv" "matter.csv" "matter.json?organisation=$b"; do
	as "$ta" "$URL/$q" >"$T/out"
	has_not "$T/out" Dua "nor does $q"
done
everything >"$T/after"
cmp -s "$T/before" "$T/after"
ok $? "nothing is changed by that either"

# --- markup in every field of every form ---
ask() { curl -s --max-time 20 -H "Authorization: Bearer $lead" -H 'Accept: text/html' "$@"; }
nasty() { printf "'\"><script>canary%s</script><img src=x onerror=canary%s>javascript:canary%s" "$1" "$1" "$1"; }
: >"$T/pages"
: >"$T/made.rows"
n=0
for type in $(cd "$RONDA_SOURCE/src/record/types" && ls ./*.json | sed 's,^\./,,; s,\.json$,,'); do
	ask "$URL/$type/new" >"$T/form"
	[ "$(grep -c 'name="f\.' "$T/form")" -gt 1 ] || { echo "# no form of $type"; false; }
	ok $? "$type has a form"
	set --
	grep -oE '(<input|<textarea|<select)[^>]* name="(f\.|l\.|why|based)[^"]*"[^>]*>' "$T/form" >"$T/inputs"
	while read -r input; do
		n=$((n + 1))
		name=$(echo "$input" | sed -nE 's/.* name="([^"]*)".*/\1/p')
		printf '%s' "$(nasty $n)" >"$T/value.$n"
		echo "$name $n"
	done <"$T/inputs" >"$T/names"
	n=$((n + $(wc -l <"$T/names")))
	# all wrong at once: each value comes back in the form
	while read -r name k; do set -- "$@" -F "$name=<$T/value.$k"; done <"$T/names"
	ask "$@" "$URL/$type" >>"$T/pages"
	# and one field at a time as what is kept: texts keep anything
	title=$(grep -oE 'name="f\.[a-z_]*"' "$T/inputs" | sed -nE '1s/name="f\.(.*)"/\1/p')
	while read -r name k; do
		field=${name#f.}
		case $field in *.* | "$name") continue ;; esac
		v=$(nasty "$k" | sed 's/"/\\"/g')
		case $type in
		incident) rest='"class":"other","severity":"low",' ;;
		*) rest= ;;
		esac
		[ "$field" = "$title" ] || rest="$rest\"$title\":\"t\","
		as "$lead" -H 'Content-Type: application/json' -H 'Accept: text/html' \
			-d "{\"why\":\"$v\",\"fields\":{$rest\"$field\":\"$v\"}}" "$URL/$type" >>"$T/made.all"
	done <"$T/names"
	# columns of rows: one at a time, beside the first column, which must be there in most
	first=
	while read -r name k; do
		case ${name#f.} in
		*.*.*) ;;
		*) continue ;;
		esac
		field=${name#f.} column=${name##*.}
		[ "$first" != "" ] && [ "${first%%.*}" = "${field%%.*}" ] || first=${field%%.*}.$column
		[ "${field#*.}" = "${field#*.0.}" ] || [ "${field#*.}" = "0.$column" ] || continue
		v=$(nasty "$k" | sed 's/"/\\"/g')
		beside="\"${first#*.}\":\"t\","
		[ "${first#*.}" != "$column" ] || beside=
		case $type in
		incident) rest='"class":"other","severity":"low",' ;;
		organisation) rest='"kind":"vendor",' ;;
		*) rest= ;;
		esac
		for with in "" $beside; do
			as "$lead" -H 'Content-Type: application/json' -H 'Accept: text/html' \
				-d "{\"fields\":{$rest\"$title\":\"t\",\"${field%%.*}\":[{$with\"$column\":\"$v\"}]}}" "$URL/$type" >>"$T/made.rows"
		done
	done <"$T/names"
	for path in "$type" "$type.json" "$type/new" "$type?text=canary" "$type?state=$(nasty q | sed 's/ /%20/g; s/"/%22/g; s/</%3C/g; s/>/%3E/g')" \
		"$type?sort=%22%3E%3Cscript%3Ecanary" "$type/%22%3E%3Cscript%3Ecanary" "search?text=%22%3E%3Cscript%3Ecanary" "search?text=canary"; do
		case $path in
		*.json) ask -i "$URL/$path" >"$T/one"; has "$T/one" '^Content-Type: application/json' "$path is never a page" ;;
		*) ask "$URL/$path" >>"$T/pages" ;;
		esac
	done
	for id in $(as "$lead" "$URL/$type.json" | grep -oE "\"id\":\"$type--[-0-9a-f]*" | cut -d'"' -f4); do
		for part in "" /edit /history /history/1; do ask "$URL/$type/$id$part" >>"$T/pages"; done
		# what stands and what was typed, side by side
		ask -F "f.$title=$(nasty c)" -F based_on=99 "$URL/$type/$id" >>"$T/pages"
	done
done
# reasons: of a link, a move, an emergency and its review, of what is tried and held
v=$(nasty why | sed 's/"/\\"/g')
nasty why >"$T/why"
post() { at=$1; shift; as "$lead" -H 'Content-Type: application/json' -d "$1" "$URL/$at" >>"$T/made.why"; }
post "incident/$ia/link" "{\"to\":\"$ib\",\"kind\":\"related\",\"why\":\"$v\"}"
post "incident/$ia/link" "{\"to\":\"$ib\",\"kind\":\"$v\",\"why\":\"x\"}"
post "incident/$ia" "{\"state\":\"open\",\"why\":\"$v\"}"
post "incident/$ia/hold" "{\"held\":true,\"why\":\"$v\"}"
is "$(as "$lead" "$URL/incident/$ia.json" | grep -c 'canarywhy')" 1 "reasons are kept"
ronda account -d "$D" new "Lead B" --roles lead >/dev/null 2>&1
leadb=$(ronda token -d "$D" make leadb --right operate --ceiling RED --account "Lead B" 2>/dev/null)
as "$lead" --data-urlencode "item=$ib" --data-urlencode "reason@$T/why" "$URL/break-glass" >"$T/out"
as "$leadb" --data-urlencode "words@$T/why" "$URL/break-glass/1" >"$T/out"
as "$lead" --data-urlencode "item=$ib" --data-urlencode "reason@$T/why" "$URL/break-glass" >"$T/out"
is "$(as "$lead" "$URL/break-glass.json" | grep -o 'canarywhy' | wc -l | awk '{ print ($1 >= 6) }')" 1 "also those of emergencies"
for path in "incident/$ia" "incident/$ia/history" "incident/$ib" break-glass "break-glass?item=%22%3E%3Cscript%3Ecanary" approvals \
	"explain?item=%22%3E%3Cscript%3Ecanary&to=%22%3E%3Cscript%3Ecanary" "explain?item=$ia&to=%27%22%3E%3Cscript%3Ecanary&by=%3Cscript%3Ecanary"; do
	ask "$URL/$path" >>"$T/pages"
done
ask -F step=try -F "id=$ia" -F "id=%22><script>canary" -F state=closed -F "assignee=<$T/why" -F "why=<$T/why" "$URL/incident/bulk" >>"$T/pages"
ask -F step=try -F "id=$ia" -F "tlp=<$T/why" -F "why=<$T/why" "$URL/incident/bulk" >>"$T/pages"
ask -F step=try -F "id=$ia" -F "state=<$T/why" "$URL/incident/bulk" >>"$T/pages"
[ "$(grep -o '"version":1' "$T/made.rows" | wc -l)" -ge 4 ]
ok $? "markup was kept in columns of $(grep -o '"version":1' "$T/made.rows" | wc -l) records"
grep -c '"record":{' "$T/made.all" >"$T/out"
[ "$(grep -o '"version":1' "$T/made.all" | wc -l)" -ge 10 ]
ok $? "markup was kept in $(grep -o '"version":1' "$T/made.all" | wc -l) records"
is "$(grep -c 'canary' "$T/pages" | awk '{ print ($1 > 200) }')" 1 "and came on pages $(grep -c 'canary' "$T/pages") times"
for raw in '<script>canary' '<img src=x' '"><' "'\"" 'href="javascript:' "src=\"javascript:" 'action="javascript:' '<script>c'; do
	case $raw in
	'"><') ! grep -qE '"><(script|img)' "$T/pages" ;;
	"'\"") ! grep -qF "'\"" "$T/pages" ;;
	*) ! grep -qF -- "$raw" "$T/pages" ;;
	esac || { echo "# $(grep -F -m1 -- "$raw" "$T/pages" | cut -c1-300)"; false; }
	ok $? "never as $raw"
done
stop_node
ronda verify -d "$D" >"$T/out" 2>"$T/err"
ok $? "and all is sound"
done_testing
