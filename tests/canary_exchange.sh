#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One unique string in whatever a partner may not have: events that are RED, AMBER+STRICT, held, played, of others, personal
# fields without a basis; of records what is RED, the team's, for the named, sealed, personal, secret, and the words of
# those who work on them. Then every way to a partner: pushed to one who only listens, pushed to a node, fetched, carried by hand, read by
# TAXII on both ports with each right, the MISP feed, IntelMQ's look-up, Cerebrate's routes, answers, withdrawals, refusals,
# the invitation, what teams say of an item and the pages that show it, and what a node answers that is asked who knows what. All bytes that came out are searched, as they are and as they would be escaped. What may be seen is there.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
C=cccccccc-0000-4000-8000-000000000001
BIN=$HELPERS/ronda-partner
GREEN=marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb
EXT=extension-definition--6f1f3d52-4c0e-4b3a-9d1e-0f9a7c5b8e21
T21='application/taxii+json;version=2.1'

# what may not come out, each planted for its own reason
red=canaryred4a1e strict=canarystrict9c02 held=canaryheld77d1 drill=canarydrill5e8b person=canaryperson2f4c other=canaryother81aa
ours=canaryours6b13 team=canaryteam0d9e named=canarynamed3c57 sealed=canarysealed94f0 secret=canarysecret1b6d draft=canarydraft58e3
who=canarywho7a2d words=canarywords40c8 file=canaryfile6e91 late=canarylate2d77 theirs=canarytheirs5f30 reader=canaryreader8f15
aside=canaryaside6c4e member=canarymember0b92 acked=canaryacked3e17
all="$red $strict $held $drill $person $other $ours $team $named $sealed $secret $draft $who $words $file $late $reader"
seen=plainlyseen61

personal=no
more_conf='log_level = debug
misp_feed = tokens
taxii_public = yes
public_pages = yes
cerebrate_open = yes
'
check "two nodes, without a basis for what is personal" two_nodes
NA=$T/a NB=$T/b
a() { ronda "$@" -d "$NA" >"$T/out" 2>"$T/err" || { echo "# ronda $*"; sed 's/^/# /' "$T/err"; false; }; }

# --- a partner who listens, and one who reads by a token ---
made_partner "$T/c" $C
mkdir "$T/c/got"
"$BIN" serve "$T/c" 127.0.0.1:0 >"$T/c/port" 2>"$T/c/log" &
node_pid=$! # listens on while the nodes stand still
for _ in $(seq 1200); do
	[ ! -s "$T/c/port" ] || break
	sleep 0.05
done
line=$(ronda partner -d "$NA" invite 2>"$T/err")
"$BIN" accept "$T/c" "$line" "Team C" "https://127.0.0.1:$(cat "$T/c/port")" >"$T/out" 2>&1
has "$T/out" '^200 ' "a partner who listens"
check "confirmed" ronda partner -d "$NA" confirm partner-2
oc=$(org "$NA" "Team C" 192.0.2.0/24)
check "an organisation" ronda partner -d "$NA" edit partner-2 "organisation=$oc"
agree "$NA" "$oc"
od=$(org "$NA" "Team D" 198.19.4.0/24)
ronda record -d "$NA" partner new "name=Team D" kind=taxii "organisation=$od" >"$T/out" 2>&1
check "one who reads by a token" ronda record -d "$NA" partner move partner-3 active
agree "$NA" "$od"
full() { ronda organisation -d "$NA" show "$1" --json | grep -oE 'organisation--[-0-9a-f]{36}' | head -1; }
check "an account of his" ronda account -d "$NA" new "Client D" --roles constituent --organisation "$(full "$od")"
td=$(ronda token -d "$NA" make d --right read --ceiling AMBER --account "Client D" 2>/dev/null)
low=$(ronda token -d "$NA" make low --right read --ceiling GREEN --account "Client D" 2>/dev/null)
plain=$(ronda token -d "$NA" make "$reader" --right read --ceiling AMBER 2>/dev/null)
oo=$(org "$NA" "Team E" 198.19.9.0/24)

# --- what may go, and what may not ---
n=0
events() { # network's three parts of who is concerned
	e='{"__type":"Event","time.source":"2026-11-20T01:00:00+00:00","classification.type":"phishing"'
	printf '%s,"source.ip":"%s.1","source.fqdn":"%s.example.org","malware.name":"%s","tlp":"GREEN"}\n' "$e" "$1" $seen $seen
	printf '%s,"source.ip":"%s.2","source.fqdn":"amber%s.example.org","malware.name":"%s","tlp":"AMBER"}\n' "$e" "$1" $seen $seen
	printf '%s,"source.ip":"%s.3","source.fqdn":"%s.example.org","source.url":"http://%s.example.org/%s","malware.name":"%s","comment":"%s","classification.identifier":"%s","extra.note":"%s","extra.%s":"x","tlp":"RED"}\n' \
		"$e" "$1" $red $red $red $red $red $red $red $red
	printf '%s,"source.ip":"%s.5","source.account":"%s","source.local_hostname":"pc","malware.name":"%s","tlp":"GREEN"}\n' "$e" "$1" $person $seen
}
{
	events 198.18.0 # B's
	events 192.0.2 # C's
	events 198.19.4 # D's
	printf '%s,"source.ip":"198.19.9.1","source.fqdn":"%s.example.org","malware.name":"%s","tlp":"GREEN"}\n' "$e" $other $other
	printf '%s,"source.ip":"203.0.113.1","source.fqdn":"%s.example.org","malware.name":"%s","tlp":"GREEN"}\n' "$e" $ours $ours
} >"$T/$file.json"
printf '%s,"source.ip":"198.18.0.7","source.fqdn":"%s.example.org","classification.identifier":"%s","tlp":"GREEN"}\n' "$e" $held $held >"$T/held.json"
printf '%s,"source.ip":"192.0.2.7","source.fqdn":"%s.example.org","classification.identifier":"%s","tlp":"GREEN"}\n' "$e" $held $held >>"$T/held.json"
# Nobody calls while it is made: what is held shall be held before it is offered.
end_nodes
check "what is held" ronda intake -d "$NA" "$T/held.json"
a findings --json
for id in $(grep -oE '"id": ?"[0-9a-f]{32}"' "$T/out" | grep -oE '[0-9a-f]{32}'); do
	ronda findings -d "$NA" mark "$id" held --reason "$words" >"$T/err" 2>&1 || sed 's/^/# /' "$T/err"
done
is "$(ronda findings -d "$NA" --json | grep -c '"held":"2')" 1 "is held"
printf 'seven rivers run north\n' | ronda seal -d "$NA" key >/dev/null 2>&1
check "events of all kinds" ronda intake -d "$NA" "$T/$file.json"
for net in 198.18.0 192.0.2 198.19.4; do
	printf '%s,"source.ip":"%s.6","source.fqdn":"%s.example.org","malware.name":"%s","tlp":"GREEN"}\n' "$e" $net $drill $drill
done >"$T/drill.json"
printf '%s,"source.ip":"192.0.2.9","malware.name":"%s","tlp":"GREEN"}\n' "$e" $seen >"$T/undone.json"
check "what will be taken back" ronda intake -d "$NA" "$T/undone.json"
undone=$(grep -oE "report [0-9]+" "$T/out" | head -1 | grep -oE "[0-9]+")
check "a feed of an exercise" ronda feed -d "$NA" add played --exercise --tlp GREEN
check "what is played" ronda intake -d "$NA" --feed played "$T/drill.json"
# A type of A's own, that B does not know: what is secret in it stays all the same.
a person new "name=$who" "email=$who@example.org" --tlp GREEN &&
	a incident new title=$seen class=other severity=low summary=$seen internal=$team severity_why=$team handover_note=$team \
		reporter=person-1 assignee=person-1 --labels '{"tlp":"GREEN","named":["account:1"]}' &&
	a incident edit 1 victim=$sealed &&
	a incident new title=$red summary=$red class=other severity=low --tlp RED && a incident move 2 open --why $words &&
	a incident new title=$strict summary=$strict class=other severity=low --tlp AMBER+STRICT && a incident move 3 open --why $words &&
	a incident new title=$drill summary=$drill class=other severity=low --labels '{"tlp":"GREEN","exercise":true}' &&
	a incident move 4 open --why $words &&
	a incident new title=$draft summary=$draft class=other severity=low --tlp GREEN &&
	a warning new title=$draft urgency=information summary=$draft advice=$draft --tlp GREEN &&
	a warning new title=$seen urgency=act summary=$seen advice=$seen review_by=2030-01-01 internal=$team assignee=person-1 --tlp CLEAR --why $words &&
	a note new title=$team text_body=$team --tlp GREEN && a note link 1 related incident-1 --why $words &&
	a campaign new title=$red --tlp RED && a incident link 1 part-of campaign-1 --why $words &&
	a duty call incident-1 --organisation "$oo" --result reached --phone "+62 0000" --words $words &&
	printf '%s\n' $secret >"$T/$file.txt" &&
	a evidence new title=$secret exhibit=1 case=incident-1 collected_at="2026-11-20 10:00" collected_by=$who authority=warrant \
		authority_reference=$secret authority_issuer=$secret authority_from=2026-11-20 --tlp GREEN &&
	a evidence add 1 "$T/$file.txt" && a hold place --case incident-1 incident-1 --reason $words &&
	a incident move 1 open --why $words && a warning move 2 approved --why $words && a warning move 2 sent --why $words
ok $? "records of all kinds"

# --- the ways ---
start_node "$NA" && a_pid=$started && URL=$address && start_node "$NB" && b_pid=$started
ok $? "both run"
until_events "$NB" 3 100
ok $? "what may go has come to B"
for _ in $(seq 600); do
	[ "$(cat "$T/c/got/"*.POST 2>/dev/null | grep -c $seen)" -lt 3 ] || break
	sleep 0.1
done
mkdir "$T/ways"
cp "$NA/ronda.conf" "$T/conf"
t21() { curl -s -i --max-time 60 -H "Accept: $T21" "$@"; }
# All there is below a root, by whoever asks so: root, then options of curl
walk() {
	root=$1
	shift
	for path in "" exchange/ exchange/collections/ exchange/collections/public/ exchange/collections/public/objects/ \
		exchange/collections/public/manifest/ exchange/collections/outbox/ exchange/collections/inbox/ \
		exchange/collections/outbox/objects/ exchange/collections/outbox/manifest/ exchange/collections/inbox/objects/ \
		"exchange/collections/outbox/objects/?match%5Btype%5D=incident,report,note,identity,observed-data,indicator" \
		"exchange/collections/outbox/objects/?added_after=2000-01-01T00:00:00Z&limit=1000&match%5Bversion%5D=all" \
		exchange/status/11111111-0000-4000-8000-000000000001/ exchange/nothing; do
		t21 "$@" "$root/taxii2/$path"
	done
	t21 "$@" "$root/taxii2/exchange/collections/outbox/manifest/" | grep -oE '"id": ?"[a-z0-9-]+--[-0-9a-f]{36}"' |
		grep -oE '[a-z0-9-]+--[-0-9a-f]{36}' | sort -u >"$T/ids"
	head -40 "$T/ids" | while read -r id; do
		t21 "$@" "$root/taxii2/exchange/collections/outbox/objects/$id/"
		t21 "$@" "$root/taxii2/exchange/collections/outbox/objects/$id/versions/"
	done
	for lane in warning incident bulk; do # as a node fetches
		t21 "$@" -H "Ronda-Lane: $lane" "$root/taxii2/exchange/collections/outbox/objects/?added_after=2000-01-01T00:00:00Z&limit=1000"
	done
	t21 "$@" -H "Accept-Encoding: gzip" --compressed "$root/taxii2/exchange/collections/outbox/objects/"
	t21 "$@" -X DELETE "$root/taxii2/exchange/collections/outbox/objects/indicator--00000000-0000-4000-8000-000000000000/"
	t21 "$@" -H "Content-Type: $T21" -d '{"objects":[{"type":"x"}]}' "$root/taxii2/exchange/collections/inbox/objects/"
	t21 "$@" -H "Content-Type: $T21" -d '{"objects":' "$root/taxii2/exchange/collections/inbox/objects/"
	t21 "$@" "$root/key"
}
cert="--cert $T/c/cert.pem --key $T/c/key.pem"
# shellcheck disable=SC2086
walk "$(cat "$T/c/address")" -k $cert >"$T/ways/partners-port"
walk "$(cat "$T/c/address")" -k >"$T/ways/partners-port-nobody" 2>&1
walk "$URL" -H "Authorization: Bearer $td" >"$T/ways/token"
walk "$URL" -H "Authorization: Bearer $low" >"$T/ways/token-up-to-green"
walk "$URL" -u "any:$plain" >"$T/ways/token-of-ours"
walk "$URL" >"$T/ways/anybody"
# what a node got that answers nothing but receipts; what B has, says and wrote down
cat "$T/c/got/"* >"$T/ways/pushed"
b_has() {
	for word in "events --json" "findings --json" "incident list --json" "warning list --json" "campaign list --json" "note list --json" \
		"object list --json" "partner line --json" "contribution list --json" "inquiry list --json" "ledger list --csv" "journal --json" "quarantine list" "incident export" "warning export" \
		"organisation list --json" "person list --json" "outbox list" "notice list"; do
		# shellcheck disable=SC2086
		ronda ${word%% *} -d "$NB" ${word#* } 2>&1
	done
	for id in $(ronda incident -d "$NB" list --json 2>/dev/null | grep -oE 'incident--[-0-9a-f]{36}' | sort -u); do
		ronda incident -d "$NB" show "$id" --json 2>&1
		ronda incident -d "$NB" history "$id" 2>&1
		ronda incident -d "$NB" words "$id" --json 2>&1
		ronda incident -d "$NB" parts "$id" --json 2>&1
		ronda trace -d "$NB" "$id" 2>&1
	done
	cat "$NB/main.db" "$NB/main.db-wal" "$T/b.log" 2>/dev/null
}
b_has >"$T/ways/pushed-to-a-node"
# by hand
check "a bundle" ronda partner -d "$NA" export 2
cp "$T/out" "$T/bundle"
cat "$T/err" "$T/bundle" >"$T/ways/bundle-sealed"
# from the beginning: what was pushed is behind his place
printf "503\n\n{}" >"$T/c/answer" # or the line would be quicker than the hand
sqlite3 -cmd ".timeout 5000" "$NA/main.db" "UPDATE partner_cursor SET out_us = 0, looked_us = 0 WHERE partner = (SELECT partner FROM collection WHERE kind = 1 AND alias = 'for-team-c')" 2>"$T/err"
check "a bundle of all" ronda partner -d "$NA" export 2
rm "$T/c/answer"
cp "$T/out" "$T/bundle"
"$BIN" open "$T/c" "$T/bundle" >"$T/ways/bundle" 2>"$T/err"
# beside TAXII
feed() { curl -s -i $(elsewhere "$2") "$URL/misp-feed/$1" -H "Authorization: $2"; }
# a wrong one from elsewhere, or the right ones would wait behind it
elsewhere() { [ "$1" != none ] || echo --interface 127.0.0.2; }
# shellcheck disable=SC2046
for token in "$plain" "$td" "$low" none; do
	feed manifest.json "$token"
	feed hashes.csv "$token"
	for uuid in $(feed manifest.json "$token" | grep -oE '"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}":' | tr -d '":'); do
		feed "$uuid.json" "$token"
	done
	for q in ip=198.18.0.3 ip=198.18.0.6 "ip=198.18.0.1&domain=$seen.example.org" url=http://198.18.0.3/ asn=64500; do
		curl -s -i $(elsewhere "$token") -H "Authorization: Bearer $token" "$URL/intelmq/lookup?classification_taxonomy=x&classification_type=phishing&feed_provider=x&feed_name=x&feed_status=production&$q"
	done
	for path in organisations/index.json individuals/index.json sharing-groups/index.json sharingGroups/index.json \
		organisations/view/1.json sharingGroups/view/1.json instance/status.json open/organisations/index.json \
		open/individuals/index.json open/sharingGroups/index.json; do
		curl -s -i $(elsewhere "$token") -H "Authorization: $token" -H 'Accept: application/json' "$URL/$path"
	done
done >"$T/ways/misp-intelmq-cerebrate"
check "the feed as a folder" ronda misp -d "$NA" export "$T/folder" --tlp AMBER
cat "$T/folder/"* >"$T/ways/misp-folder"
# pages for partners' people, by who may not work here
for token in "$td" "$low" none; do
	for path in partners objects partners.json objects.json partner/1 partner/2.json incident/1.json warnings warnings.rss; do
		curl -s -i $(elsewhere "$token") -H "Authorization: Bearer $token" -H 'Accept: text/html' "$URL/$path"
	done
done >"$T/ways/pages"

# --- what comes later: an answer, a correction, a withdrawal, a refusal, another invitation ---
a findings --json
for id in $(ronda findings -d "$NB" --json 2>/dev/null | grep -oE '"id": ?"[0-9a-f]{32}"' | grep -oE '[0-9a-f]{32}'); do
	ronda findings -d "$NB" mark "$id" answered --reason $theirs >"$T/err" 2>&1
done
a incident edit 1 summary=$seen-corrected internal=$late
check "a report is taken back" ronda feed -d "$NA" undo "$undone"
a warning edit 2 withdrawn_because=$seen && a warning move 2 withdrawn --why $words
for _ in $(seq 600); do
	[ "$(cat "$T/c/got/"*.POST | grep -c '"revoked":true')" -lt 2 ] || break
	sleep 0.1
done
grep -q $seen-corrected "$T/c/got/"*.POST
ok $? "a correction went"
is "$(wc -c <"$T/c/log")" 0 "the partner had no trouble"
[ "$(cat "$T/c/got/"*.POST | grep -c '"revoked":true')" -ge 2 ]
ok $? "and withdrawals"
# --- what is said of an item, and who may know by whom ---
check "C may not know who else takes part" ronda agreement -d "$NA" edit 2 members_hidden=yes
check "B has a name with A" ronda partner -d "$NA" edit partner-1 "name=$member"
shared=$(ronda incident -d "$NA" show 1 --json | grep -oE 'incident--[-0-9a-f]{36}' | head -1)
a incident say 1 "$seen-said" && a incident say 1 "$red" --tlp RED && a incident say 1 "$strict" --tlp AMBER+STRICT &&
	a incident say 2 "$red" && a incident say 3 "$strict" && a incident say 4 "$drill" && a incident say 5 "$draft" &&
	a incident remark 1 --words "$team" && a incident offer 1 --to 1 --why "$aside"
ok $? "A says what some may hear, and what nobody may"
b() { ronda "$@" -d "$NB" >"$T/out" 2>"$T/err" || { echo "# ronda $*"; sed 's/^/# /' "$T/err"; false; }; }
b incident say "$shared" "$seen-by-b" --what question && b incident say "$shared" "$acked" --what acknowledged &&
	b incident say "$shared" "$aside" --only-origin && b incident say "$shared" "$aside" --tlp AMBER+STRICT
ok $? "so does B"
for _ in $(seq 200); do
	! grep -q $seen-said "$T/c/got/"*.POST || ! grep -q $seen-by-b "$T/c/got/"*.POST || break
	sleep 0.1
done
grep -q $seen-said "$T/c/got/"*.POST && grep -q $seen-by-b "$T/c/got/"*.POST
ok $? "C hears what it may"
for _ in $(seq 100); do
	! ronda incident -d "$NA" words 1 2>/dev/null | grep -q "$acked" || ! ronda incident -d "$NB" words "$shared" 2>/dev/null | grep -q "$aside.*waits" || break
	sleep 0.1
done
ronda incident -d "$NA" words 1 >"$T/out" 2>"$T/err"
has "$T/out" "$member.*$aside" "A has what B said to it alone"
objects="taxii2/exchange/collections/outbox/objects/?added_after=2000-01-01T00:00:00Z&limit=1000&match%5Bversion%5D=all"
# shellcheck disable=SC2086
t21 -k $cert "$(cat "$T/c/address")/$objects" >"$T/ways/thread-to-c"
t21 -H "Authorization: Bearer $td" "$URL/$objects" >"$T/ways/thread-to-d"
for token in "$td" "$low" none; do
	for path in incident/1/teams incident/1/teams.json "incident/$shared/teams.json" incident/1/letters incident/1/letters.json incident/1/timeline.json \
		contribution contribution.json contribution.csv contribution/1.json inquiry.json incident.json incident/1.json search.json?text=$seen; do
		curl -s -i $(elsewhere "$token") -H "Authorization: Bearer $token" "$URL/$path"
		curl -s -i $(elsewhere "$token") -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d '{"do":"say","text":"x"}' "$URL/incident/1/teams.json"
	done
done >"$T/ways/thread-pages"

cat "$T/c/got/"* >"$T/ways/pushed-later"
b_has >"$T/ways/pushed-to-a-node-later"

# --- who knows what: A is asked by B ---
for n in a b; do
	check "requests flow" ronda agreement -d "$T/$n" edit 1 flows=findings,incidents,warnings,requests
done
# Asked about by name, the question itself has the name: it is told nothing else.
for value in 198.18.0.1 198.19.4.1 198.18.0.3 198.18.0.6 198.18.0.7 203.0.113.77 $red $strict $held $drill $person \
	$team $named $sealed $secret $draft $who $words $late $aside $red.example.org $held.example.org; do
	ronda partner -d "$NB" knows $value >"$T/out" 2>"$T/err" || sed 's/^/# /' "$T/err"
	echo $value
done >"$T/asked"
all_answered() {
	[ "$(ronda contribution -d "$NB" list what=knows --json 2>/dev/null | grep -c '"what"')" -ge "$(wc -l <"$T/asked")" ]
}
for _ in $(seq 100); do
	! all_answered || break
	sleep 0.2
done
while read -r value; do
	ronda partner -d "$NB" knows "$value" 2>/dev/null | sed 1d | cut -f 4- | sed "s/^/$value	/"
done <"$T/asked" >"$T/known"
is "$(wc -l <"$T/known")" "$(wc -l <"$T/asked")" "each question has its answer"
has "$T/known" "^198.18.0.1	[1-9]" "what B may have is known"
has "$T/known" "^198.19.4.1	[1-9]" "whomever it concerns, when its label lets it"
grep -vE "^198.18.0.1	|^198.19.4.1	" "$T/known" | cut -f 2- | sort -u >"$T/out"
is "$(cat "$T/out")" "$(grep '^203.0.113.77	' "$T/known" | cut -f 2-)" "of the rest it is said what is said of what is not there"

{
	ronda partner -d "$NA" invite | tee "$T/invited"
	cut -d. -f2 <"$T/invited" | tr '_-' '/+' | base64 -d 2>/dev/null
	for act in "post unsigned=1" "post" "post lane=bulk after=9 upto=12"; do
		echo "{\"objects\":[{\"type\":\"report\",\"spec_version\":\"2.1\",\"id\":\"report--11111111-0000-4000-8000-000000000001\",\"created\":\"2026-11-22T09:00:00.000Z\",\"modified\":\"2026-11-22T09:00:00.000Z\",\"revoked\":true,\"object_marking_refs\":[\"$GREEN\"],\"extensions\":{\"$EXT\":{\"extension_type\":\"property-extension\",\"origin\":\"$C\",\"item\":\"$(grep -oE 'incident--[-0-9a-f]{36}' "$T/ways/pushed" | head -1)\"}}}]}" |
			"$BIN" ${act%% *} "$T/c" ${act#post}
	done
} >"$T/ways/refusals" 2>&1

# --- nothing of it came out ---
# A word as others would write it: base64 at each place, hexadecimal, percent, as JSON and HTML may escape it.
forms() {
	printf '%s\n' "$1"
	for before in "" x xx; do
		printf '%s' "$before$1" | base64 | tr -d '\n=' | sed -E 's/^.{4}//; s/.{2}$//; a\'
		printf '%s' "$before$1" | base64 | tr -d '\n=' | tr '+/' '-_' | sed -E 's/^.{4}//; s/.{2}$//; a\'
	done
	hex=$(printf '%s' "$1" | od -An -tx1 | tr -d ' \n')
	echo "$hex"
	echo "$hex" | sed 's/../%&/g'
	echo "$hex" | sed 's/../\\u00&/g'
	echo "$hex" | sed 's/../\&#x&;/g'
}
none() { # way, words
	way=$1
	shift
	for word in "$@"; do
		forms "$word"
	done | grep . | sort -u >"$T/forms"
	grep -aiFo -f "$T/forms" "$T/ways/$way" | sort | uniq -c | sed 's/^/# /'
	! grep -aiqF -f "$T/forms" "$T/ways/$way"
	ok $? "$way: none of $# words"
}
for way in partners-port token pushed bundle; do
	grep -qa $seen "$T/ways/$way"
	ok $? "$way: what may be seen is there"
	grep -qa "amber$seen" "$T/ways/$way"
	ok $? "$way: up to AMBER"
done
grep -qa $seen "$T/ways/token-up-to-green" && ! grep -qa "amber$seen" "$T/ways/token-up-to-green"
ok $? "a token of the partner's reads no more than its own ceiling"
grep -qa $seen "$T/ways/misp-folder"
ok $? "the folder has something"
grep -qa $seen "$T/ways/anybody"
ok $? "anybody has what is CLEAR"
for way in partners-port token token-up-to-green token-of-ours anybody partners-port-nobody pushed pushed-later pushed-to-a-node \
	pushed-to-a-node-later bundle bundle-sealed pages refusals thread-to-c thread-to-d thread-pages; do
	# shellcheck disable=SC2086
	none $way $all
done
for way in thread-to-c thread-to-d pushed-later; do
	grep -qa $seen-by-b "$T/ways/$way"
	ok $? "$way: words that may be seen"
	none $way $aside
done
is "$(grep -a '^HTTP' "$T/ways/thread-pages" | sort -u | tr -d '\r' | cut -d" " -f 2 | tr '\n' ' ')" "200 404 429 " "lists without it, pages that are not there, and a wrong token"
is "$(grep -ac '^HTTP/1.1 429' "$T/ways/thread-pages")" 28 "the wrong token alone was kept out unasked"
none thread-pages $aside $member $acked $seen-said
# C may not know that there is a B, nor that somebody has only seen it
none thread-to-c $member $acked
none pushed-later $member $acked
# who has a token of ours up to AMBER may have what concerns anybody
none misp-intelmq-cerebrate $red $strict $held $drill $person $team $named $sealed $secret $draft $who $words $late $file
none misp-folder $red $strict $held $drill $person $team $named $sealed $secret $draft $who $words $late $file
# the places that a thief finds: logs, journal
# what B told A of it: not why, and not in whose words
for word in "ledger list --csv" "findings --json" "journal --json"; do
	# shellcheck disable=SC2086
	ronda ${word%% *} -d "$NA" ${word#* } 2>&1
done >"$T/ways/answers"
grep -qa answered "$T/ways/answers"
ok $? "B answered"
none answers $theirs
cp "$T/a.log" "$T/ways/log"
none log $red $strict $held $drill $person $other $ours $team $sealed $secret $draft $who
ronda journal -d "$NA" --json >"$T/ways/journal"
none journal $red $strict $held $drill $person $other $ours $team $sealed $secret $draft
printf 'x%s' "$red" | base64 >"$T/ways/try"
printf '%s' "$red" | od -An -tx1 | tr -d ' \n' | sed 's/../%&/g' >>"$T/ways/try"
for word in $red; do forms "$word"; done | grep . >"$T/forms"
is "$(grep -aciF -f "$T/forms" "$T/ways/try")" 2 "a word in disguise would be found"
end_nodes
for n in a b; do
	check "Team $n is sound" ronda verify -d "$T/$n"
	has_not "$T/$n.log" AddressSanitizer "  and had no fault of memory"
done
done_testing
