#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# TAXII 2.1 at /taxii2/: requests and what each is answered (docs/taxii.md names the clauses), what a partner posts, and what
# he may not.
. "$RONDA_SOURCE/tests/lib.sh"
T21='application/taxii+json;version=2.1'
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
org() { # name, network: id
	ronda organisation -d "$D" new "name=$1" kind=csirt "constituency=network|$2" 2>&1 | sed -nE 's/.*(organisation-[0-9]+).*/\1/p' | head -1
}
c=$(org "Team C" 198.18.3.0/24)
other=$(org "Team D" 198.18.4.0/24)
for who in C D; do
	o=$c
	[ $who = C ] || o=$other
	check "partner Team $who" ronda record -d "$D" partner new "name=Team $who" kind=taxii "organisation=$o"
	p=$(sed -nE 's/.*(partner-[0-9]+).*/\1/p' "$T/out")
	check "is active" ronda record -d "$D" partner move "$p" active
	id=$(ronda organisation -d "$D" show "$o" --json | sed -nE 's/.*"id": ?"(organisation--[-0-9a-f]{36})".*/\1/p' | head -1)
	check "has an account" ronda account -d "$D" new "Client $who" --roles constituent --organisation "$id"
done
tc=$(ronda token -d "$D" make c --right read --ceiling AMBER --account "Client C" 2>"$T/err")
td=$(ronda token -d "$D" make d --right read --ceiling AMBER --account "Client D" 2>"$T/err")
ours=$(ronda token -d "$D" make ours --right read --ceiling AMBER 2>"$T/err")
intake=$(ronda token -d "$D" make intake --right intake 2>"$T/err")
serve --set exchange=yes
ok $? "and serves"

# ask STATUS NAME PATH [curl options]: with the partner's token, unless they name another
ask() {
	want=$1 name=$2 path=$3
	shift 3
	got=$(curl -s -g --max-time 30 -o "$T/body" -D "$T/head" -w '%{http_code}' -H "Accept: ${accept-$T21}" -H "Authorization: Bearer ${token-$tc}" \
		"$@" "$URL/taxii2/$path")
	[ "$got" = "$want" ] || { head -c 300 "$T/body" | sed 's/^/# /'; echo; }
	is "$got" "$want" "$name"
	if [ -s "$T/body" ]; then
		grep -qi "^content-type: $T21" "$T/head" || { echo "# content type"; grep -i '^content-type' "$T/head"; bad=$((bad + 1)); }
	fi
	grep -qi '^date: ' "$T/head" || { echo "# no Date"; bad=$((bad + 1)); }
}
post() { # STATUS NAME BODY [curl options]
	want=$1 name=$2 body=$3
	shift 3
	printf '%s' "$body" >"$T/post"
	ask "$want" "$name" exchange/collections/inbox/objects/ -H "Content-Type: ${type-$T21}" --data-binary "@${file-$T/post}" "$@"
}
field() { # an expression over the answer, d
	node -e 'const d = JSON.parse(require("fs").readFileSync(process.argv[2]));
		const v = eval(process.argv[1]); console.log(typeof v == "object" ? JSON.stringify(v) : v)' "$1" "$T/body" 2>/dev/null
}

# --- who (section 3) ---
token=ronda_wrong ask 401 "a wrong token" ''
has "$T/head" '^[Ww][Ww][Ww]-[Aa]uthenticate: Basic' "says how to sign in"
is "$(curl -s -o "$T/body" -w '%{http_code}' "$URL/taxii2/")" 401 "nobody, while the public collection is closed"
is "$(curl -s -o "$T/body" -w '%{http_code}' -u "any:$tc" "$URL/taxii2/")" 200 "Basic, the token as the password"
key=$(printf 'misp:%s' "$tc" | base64 -w0)
is "$(curl -s -o "$T/body" -w '%{http_code}' -H "Authorization: basic $key" "$URL/taxii2/")" 200 "a lower-case scheme, as MISP sends it"
is "$(curl -s -o "$T/body" -w '%{http_code}' -H "authorization: bearer $tc" "$URL/taxii2/")" 200 "and Bearer"
token=$intake ask 403 "a token that may read nothing" ''
token=$ours ask 200 "a token of ours reads" ''

# --- discovery, root, collections (sections 1, 4) ---
ask 200 "discovery" ''
is "$(field 'd.api_roots[0]')" /taxii2/exchange/ "its root"
is "$(field 'd.default')" /taxii2/exchange/ "is the default"
tag_of() { sed -nE 's/^[Ee][Tt][Aa][Gg]: (.*)\r$/\1/p' "$T/head"; }
for path in '' exchange/ exchange/collections/ exchange/collections/outbox/; do
	ask 200 "/$path" "$path"
	tag=$(tag_of)
	has "$T/head" '^[Ee][Tt][Aa][Gg]: W/"[0-9a-f]{32}"' "has a tag"
	: >"$T/body"
	ask 304 "who has it" "$path" -H "If-None-Match: \"x\", $tag"
	is "$(wc -c <"$T/body")" 0 "gets no body"
	is "$(tag_of)" "$tag" "and the tag again"
	ask 200 "who has another" "$path" -H 'If-None-Match: "x"'
done
ask 304 "who has a page of collections packed" exchange/collections/outbox/ -H "If-None-Match: $tag" -H "Accept-Encoding: gzip"
token=$td ask 200 "another's is another" exchange/collections/outbox/ -H "If-None-Match: $tag"
ask 200 "pages have none" exchange/collections/outbox/objects/
is "$(tag_of)" "" "they are asked for from a place on"
ask 200 "the root" exchange/
is "$(field 'd.versions')" "[\"$T21\"]" "its versions"
is "$(field 'd.max_content_length')" 16777216 "max_content_length"
ask 200 "collections" exchange/collections/
is "$(field 'd.collections.length')" 2 "his own two"
out=$(field 'd.collections.find(c => c.can_read).id')
in=$(field 'd.collections.find(c => c.can_write).id')
ask 200 "a collection by its id" "exchange/collections/$out/"
is "$(field '[d.can_read, d.can_write]')" '[true,false]' "to be read"
ask 200 "by alias" exchange/collections/inbox/
is "$(field 'd.id')" "$in" "the same"
is "$(field '[d.can_read, d.can_write]')" '[false,true]' "to be written to"
token=$td ask 404 "another's collection is not there" "exchange/collections/$out/"
token=$td ask 404 "nor its objects" "exchange/collections/$out/objects/"
token=$td ask 404 "nor to write" "exchange/collections/$in/objects/" -H "Content-Type: $T21" -d '{"objects":[]}'
token=$ours ask 404 "nor for a token of ours" "exchange/collections/$out/objects/"

# --- addresses, methods, types (sections 1, 2, 9) ---
while read -r want path; do
	ask "$want" "GET $path" "$path"
done <<'END'
404 nothing/
404 exchange
404 exchange/collections
404 exchange/collections/outbox
404 exchange/collections/outbox/objects
404 exchange/collections/nothing/
404 exchange/collections/00000000-0000-4000-8000-000000000000/
404 exchange/status/
404 exchange/status/00000000-0000-4000-8000-000000000000/
404 exchange/status/nonsense/
404 exchange/collections/outbox/objects/indicator--00000000-0000-4000-8000-000000000000/
404 exchange/collections/outbox/objects/indicator--00000000-0000-4000-8000-000000000000/versions/
403 exchange/collections/inbox/objects/
403 exchange/collections/inbox/manifest/
200 exchange/collections/outbox/objects/
200 exchange/collections/outbox/manifest/
200 exchange/collections/outbox/objects/?match[id]=indicator--00000000-0000-4000-8000-000000000000
200 exchange/collections/outbox/objects/?limit=5&unknown=1
200 exchange/collections/outbox/objects/?limit=99999
200 exchange/collections/outbox/objects/?added_after=2026-11-22T00:00:00.000001Z
200 exchange/collections/outbox/objects/?match%5Btype%5D=indicator,report&match[version]=first,all
200 exchange/collections/outbox/objects/?match[version]=2026-11-22T00:00:00Z
200 exchange/collections/outbox/objects/?match[spec_version]=2.1
400 exchange/collections/outbox/objects/?limit=0
400 exchange/collections/outbox/objects/?limit=-1
400 exchange/collections/outbox/objects/?limit=ten
400 exchange/collections/outbox/objects/?added_after=yesterday
400 exchange/collections/outbox/objects/?added_after=2026-11-22
400 exchange/collections/outbox/objects/?next=nonsense
400 exchange/collections/outbox/objects/?match[version]=newest
400 exchange/collections/outbox/objects/?match[spec_version]=3
400 exchange/collections/outbox/objects/?match[id]=
400 exchange/collections/outbox/objects/?match[type]=a&match[type]=b
400 exchange/collections/outbox/manifest/?limit=0
END
has "$T/body" '"title":.*"http_status": ?"400"' "an error says what, with its status as a string"
has_not "$T/head" "X-TAXII-Date-Added-First" "nothing given, no times"
ask 405 "PUT" exchange/ -X PUT
has "$T/head" '^[Aa]llow: GET, HEAD' "says what there is"
ask 405 "POST where nothing is posted" exchange/collections/ -H "Content-Type: $T21" -d '{}'
ask 405 "DELETE of a collection" exchange/collections/outbox/ -X DELETE
ask 403 "DELETE where he only reads" exchange/collections/outbox/objects/indicator--00000000-0000-4000-8000-000000000000/ -X DELETE
ask 404 "DELETE of what he never added" exchange/collections/inbox/objects/indicator--00000000-0000-4000-8000-000000000000/ -X DELETE
token=$td ask 404 "DELETE where he does neither" "exchange/collections/$out/objects/indicator--00000000-0000-4000-8000-000000000000/" -X DELETE
is "$(curl -s -I -H "Authorization: Bearer $tc" -o "$T/head" -w '%{http_code}' "$URL/taxii2/exchange/")" 200 "HEAD"
while IFS='|' read -r want accept; do
	ask "$want" "Accept: $accept" exchange/
done <<'END'
200|application/taxii+json
200|application/taxii+json; version="2.1"
200|text/html, application/taxii+json;version=2.1;q=0.5
200|*/*
200|application/*
406|application/taxii+json;version=2.0
406|application/json
406|application/taxii+json;version=2.1;q=0
406|application/vnd.oasis.taxii+json
END
unset accept
is "$(curl -s -H 'Accept:' -H "Authorization: Bearer $tc" -o "$T/body" -w '%{http_code}' "$URL/taxii2/")" 200 "no Accept at all"
for type in application/json 'application/taxii+json;version=2.0' 'application/stix+json;version=2.1' text/plain; do
	post 415 "Content-Type: $type" '{"objects":[]}'
done
unset type
post 415 "an encoding nobody knows" '{}' -H 'Content-Encoding: br'
long=$(head -c 9000 /dev/zero | tr '\0' a)
got=$(curl -s -o "$T/body" -w '%{http_code}' -H "Authorization: Bearer $tc" "$URL/taxii2/exchange/collections/outbox/objects/?next=$long")
is "$got" 414 "a query that is too long"

# --- reading: what concerns him, by agreement (sections 4 to 7) ---
check "an agreement" ronda agreement -d "$D" new "title=With C" kind=memorandum "parties=$c" tlp_ceiling=AMBER flows=findings from=2026-01-01
agreement=$(sed -nE 's/.*(agreement-[0-9]+).*/\1/p' "$T/out" | head -1)
check "in force" ronda agreement -d "$D" move "$agreement" in-force
for i in 1 2 3 4 5 6 7; do
	echo "{\"source.ip\":\"198.18.3.$((100 + i))\",\"source.port\":23,\"classification.type\":\"vulnerable-system\",\"classification.identifier\":\"open-telnet\",\"time.source\":\"2026-11-22T08:00:0$i+00:00\"}"
	echo "{\"source.ip\":\"198.18.4.$((100 + i))\",\"classification.type\":\"vulnerable-system\",\"time.source\":\"2026-11-22T08:00:0$i+00:00\"}"
done >"$T/events.json"
check "events of two partners" ronda intake -d "$D" --feed local --format intelmq "$T/events.json"
n=0
while [ $n -lt 200 ]; do
	curl -s -g -H "Authorization: Bearer $tc" -o "$T/body" "$URL/taxii2/exchange/collections/outbox/objects/?match[type]=observed-data"
	n=$((n + 1))
	[ "$(field 'd.objects.length')" != 7 ] || break
	sleep 0.1
done
token=$tc
ask 200 "what concerns him" 'exchange/collections/outbox/objects/?match[type]=observed-data'
is "$(field 'd.objects.length')" 7 "seven events"
is "$(field 'd.more')" undefined "and no more"
has_not "$T/body" "198.18.4." "nothing of the other's"
has "$T/head" '^X-TAXII-Date-Added-First: 20[0-9-]+T[0-9:]+\.[0-9]{6}Z' "when the first was added"
has "$T/head" '^X-TAXII-Date-Added-Last: 20[0-9-]+T[0-9:]+\.[0-9]{6}Z' "and the last"
ask 200 "all of it" exchange/collections/outbox/objects/
all=$(field 'd.objects.length')
field 'd.objects.map(o => o.id).join("\n")' >"$T/all"
is "$(sort "$T/all" | uniq -d | wc -l)" 0 "nothing twice"
ask 200 "the manifest" exchange/collections/outbox/manifest/
is "$(field 'd.objects.length')" "$all" "has as many"
is "$(field 'd.objects.every((o, i) => i == 0 || o.date_added > d.objects[i - 1].date_added)')" true "strictly ascending"
is "$(field 'd.objects.every(o => o.version && o.media_type == "application/stix+json;version=2.1")')" true "with versions and types"
# Both ways to go on (section 7): by next, and by added_after of the last header.
for limit in 1 2 3 5; do
	: >"$T/pages"
	query="limit=$limit"
	last=
	pages=0
	while [ $pages -lt 100 ]; do
		curl -s -g -H "Accept: $T21" -H "Authorization: Bearer $tc" -o "$T/body" -D "$T/head" "$URL/taxii2/exchange/collections/outbox/objects/?$query"
		field 'd.objects ? d.objects.map(o => o.id).join("\n") : ""' | grep . >>"$T/pages"
		pages=$((pages + 1))
		[ "$(field 'd.more')" = true ] || break
		query="limit=$limit&next=$(field 'd.next')"
	done
	cmp -s "$T/all" "$T/pages"
	ok $? "by next, $limit at a time: the same, in the same order"
	: >"$T/pages"
	query="limit=$limit"
	pages=0
	while [ $pages -lt 100 ]; do
		curl -s -g -H "Accept: $T21" -H "Authorization: Bearer $tc" -o "$T/body" -D "$T/head" "$URL/taxii2/exchange/collections/outbox/objects/?$query"
		field 'd.objects ? d.objects.map(o => o.id).join("\n") : ""' | grep . >>"$T/pages"
		pages=$((pages + 1))
		last=$(sed -nE 's/^X-TAXII-Date-Added-Last: ([^\r]*).*/\1/Ip' "$T/head" | tr -d '\r')
		[ -n "$last" ] || break
		query="limit=$limit&added_after=$last"
	done
	cmp -s "$T/all" "$T/pages"
	ok $? "by added_after, $limit at a time: the same"
done
ask 200 "a page" 'exchange/collections/outbox/objects/?limit=2'
next=$(field 'd.next')
ask 200 "the next" "exchange/collections/outbox/objects/?limit=2&next=$next"
cp "$T/body" "$T/first"
ask 200 "the next again, after a lost answer" "exchange/collections/outbox/objects/?limit=2&next=$next"
cmp -s "$T/body" "$T/first"
ok $? "is the same"
ask 400 "next with another limit" "exchange/collections/outbox/objects/?limit=3&next=$next"
ask 400 "next at another address" "exchange/collections/outbox/manifest/?limit=2&next=$next"
ask 400 "next, changed" "exchange/collections/outbox/objects/?limit=2&next=A${next#?}"
token=$td ask 400 "another's next" "exchange/collections/outbox/objects/?limit=2&next=$next"
one=$(grep '^observed-data' "$T/all" | head -1)
ask 200 "one object" "exchange/collections/outbox/objects/$one/"
is "$(field 'd.objects.length + " " + d.objects[0].id')" "1 $one" "alone"
ask 200 "its versions" "exchange/collections/outbox/objects/$one/versions/"
is "$(field 'd.versions.length')" 1 "one"
version=$(field 'd.versions[0]')
ask 200 "by its version" "exchange/collections/outbox/objects/$one/?match[version]=$version"
is "$(field 'd.objects.length')" 1 "is there"
ask 200 "the same instant, written otherwise" "exchange/collections/outbox/objects/?match[id]=$one&match[version]=$(echo "$version" | sed 's/\.\([0-9]*\)Z/.\1000Z/')"
is "$(field 'd.objects.length')" 1 "is there, too"
ask 404 "another version of it" "exchange/collections/outbox/objects/$one/?match[version]=2001-01-01T00:00:00Z"
ask 200 "two, of which one is there" "exchange/collections/outbox/objects/?match[id]=$one,note--00000000-0000-4000-8000-000000000000"
is "$(field 'd.objects.length')" 1 "one"
two=$(curl -s -g -H "Accept: $T21" -H "Authorization: Bearer $tc" "$URL/taxii2/exchange/collections/outbox/objects/?match[type]=observed-data" |
	grep -oE '"id": ?"observed-data--[-0-9a-f]{36}"' | tail -1 | grep -oE 'observed-data--[-0-9a-f]{36}')
ask 200 "an event by its id, among what no event can be" "exchange/collections/outbox/objects/?match[id]=$two,incident--00000000-0000-4000-8000-000000000000"
is "$(field 'd.objects.length + " " + d.objects[0].id + " " + !!d.more')" "1 $two false" "is found"
after=$(sed -nE 's/^[Xx]-[Tt][Aa][Xx][Ii][Ii]-[Dd]ate-[Aa]dded-[Ff]irst: (.*)\r$/\1/p' "$T/head")
ask 200 "and from its own time on" "exchange/collections/outbox/objects/?match[id]=$two&added_after=$after"
is "$(field 'JSON.stringify(d)')" '{}' "no more"
ask 200 "its versions by type" "exchange/collections/outbox/manifest/?match[id]=$two&match[type]=indicator"
is "$(field 'JSON.stringify(d)')" '{}' "are none of another type"
ask 200 "of no type" 'exchange/collections/outbox/objects/?match[type]=campaign'
is "$(field 'JSON.stringify(d)')" '{}' "is empty"
ask 200 "of STIX 2.0" 'exchange/collections/outbox/objects/?match[spec_version]=2.0&match[type]=observed-data'
is "$(field 'JSON.stringify(d)')" '{}' "nothing"
ask 200 "added later than all" 'exchange/collections/outbox/objects/?added_after=2100-01-01T00:00:00Z'
is "$(field 'JSON.stringify(d)')" '{}' "nothing"
check "the agreement ends" ronda agreement -d "$D" move "$agreement" ended --why "over"
ask 200 "then" exchange/collections/outbox/objects/
has_not "$T/body" "198.18.3." "nothing goes any more"

# --- POST (section 8) ---
indicator() { # number, name
	printf '{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d","created":"2026-11-22T09:00:00.000Z","modified":"2026-11-22T09:00:00.000Z","name":"%s","pattern":"[ipv4-addr:value = '"'"'198.18.3.%d'"'"']","pattern_type":"stix","valid_from":"2026-11-22T09:00:00Z","indicator_types":["malicious-activity"]}' "$1" "$2" "$1"
}
post 202 "one object" "{\"objects\":[$(indicator 1 one)]}"
is "$(field '[d.status, d.total_count, d.success_count, d.failure_count, d.pending_count]')" '["complete",1,1,0,0]' "is taken"
is "$(field 'd.successes[0].id')" indicator--00000000-0000-4000-8000-000000000001 "by its id"
status=$(field 'd.id')
ask 200 "its status, later" "exchange/status/$status/"
is "$(field '[d.success_count, d.id]')" "[1,\"$status\"]" "says the same"
token=$td ask 404 "for nobody else" "exchange/status/$status/"
post 202 "the same again" "{\"objects\":[$(indicator 1 one)]}"
is "$(field 'd.success_count')" 1 "is a success"
post 202 "the same version with other content" "{\"objects\":[$(indicator 1 other)]}"
is "$(field '[d.failure_count, d.failures.length]')" '[1,1]' "is a failure"
post 202 "a bad one among good ones" "{\"objects\":[$(indicator 2 two),{\"type\":\"nonsense\"},7,$(indicator 3 three)]}"
is "$(field '[d.total_count, d.success_count, d.failure_count]')" '[4,2,2]' "fails alone"
has "$T/body" '"message": ?"' "with words"
post 202 "a bundle is taken too" "{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-000000000001\",\"objects\":[$(indicator 4 four)]}"
post 400 "no JSON" 'nonsense'
post 400 "a list" '[]'
post 422 "no objects" '{}'
post 422 "an empty list" '{"objects":[]}'
printf '{"objects":[%s]}' "$(indicator 5 five)" | gzip -c >"$T/packed"
file=$T/packed post 202 "gzip" '' -H 'Content-Encoding: gzip'
printf '{"objects":[%s]}' "$(indicator 6 six)" | zstd -q -c >"$T/packed" 2>/dev/null &&
	file=$T/packed post 202 "zstd" '' -H 'Content-Encoding: zstd'
head -c 40 "$T/packed" >"$T/cut"
file=$T/cut post 400 "a packed body cut off" '' -H 'Content-Encoding: gzip'
head -c 80000000 /dev/zero | gzip -c >"$T/bomb"
file=$T/bomb post 413 "a body that unpacks without end" '' -H 'Content-Encoding: gzip'
head -c 16777217 /dev/zero | tr '\0' ' ' >"$T/large"
ask 413 "a body over max_content_length" exchange/collections/inbox/objects/ -H "Content-Type: $T21" -H 'Expect:' --data-binary "@$T/large"
ask 413 "of unknown length, too" exchange/collections/inbox/objects/ -H "Content-Type: $T21" -H 'Expect:' -H 'Transfer-Encoding: chunked' --data-binary "@$T/large"
ask 403 "his outbox takes nothing" exchange/collections/outbox/objects/ -H "Content-Type: $T21" -d '{"objects":[]}'

# --- a push says where it stands ---
push() { # STATUS NAME AFTER UPTO BODY
	post "$1" "$2" "$5" -H 'Ronda-Lane: bulk' -H "Ronda-After: $3" -H "Ronda-Upto: $4"
}
push 202 "a push from the begin" 0 100 "{\"objects\":[$(indicator 7 seven)]}"
push 409 "the same push again" 0 100 "{\"objects\":[$(indicator 7 seven)]}"
is "$(field 'd.details.upto')" 100 "says where we stand"
push 202 "and goes on" 100 250 "{\"objects\":[$(indicator 8 eight)]}"
push 400 "backwards" 250 200 "{\"objects\":[$(indicator 9 nine)]}"

# --- what he may not (threat 24) ---
ext='extension-definition--6f1f3d52-4c0e-4b3a-9d1e-0f9a7c5b8e21'
forged() { # origin
	printf '{"type":"observed-data","spec_version":"2.1","id":"observed-data--00000000-0000-4000-8000-000000000009","created":"2026-11-22T09:00:00.000Z","modified":"2026-11-22T09:00:00.000Z","first_observed":"2026-11-22T09:00:00Z","last_observed":"2026-11-22T09:00:00Z","number_observed":1,"object_refs":["ipv4-addr--00000000-0000-4000-8000-000000000009"],"extensions":{"%s":{"extension_type":"property-extension","origin":"%s","item":"event--0123456789abcdef0123456789abcdef","event":"{\\"source.ip\\":\\"192.0.2.66\\"}"}}}' "$ext" "$1"
}
post 202 "an event under another's name" "{\"objects\":[$(forged 99999999-0000-4000-8000-000000000001)]}"
is "$(field 'd.failure_count')" 1 "is refused"
has "$T/body" 'only its origin sends it' "in words"
check "the journal" ronda journal -d "$D" list --json
has "$T/out" 'exchange\.refused' "has it"

# --- what became of it ---
for _ in $(seq 600); do
	ronda events -d "$D" --json >"$T/out" 2>"$T/err"
	! grep -qF 198.18.3.1 "$T/out" || break
	sleep 0.1
done
has "$T/out" '198\.18\.3\.1' "an indicator's address is an event"
has_not "$T/out" '192.0.2.66' "the forged one is not"
has "$T/out" 'origin_event' "with the id it came under"
is "$(grep -o '198\.18\.3\.1"' "$T/out" | wc -l)" 1 "once, though it came twice"

# --- DELETE: who added it, his own versions, nobody else ---
mine=indicator--00000000-0000-4000-8000-000000000071
versioned() { # modified
	printf '{"objects":[{"type":"indicator","spec_version":"2.1","id":"%s","created":"2026-11-20T00:00:00.000Z","modified":"%s","name":"versions","indicator_types":["compromised"],"pattern_type":"stix","valid_from":"2026-11-20T00:00:00Z","pattern":"[ipv4-addr:value = '"'198.18.3.71'"']"}]}' $mine "$1"
}
post 202 "a version" "$(versioned 2026-11-20T00:00:00.000Z)"
post 202 "and another" "$(versioned 2026-11-21T00:00:00.000Z)"
at=exchange/collections/inbox/objects/$mine/
token=$td ask 404 "DELETE of what somebody else added" $at -X DELETE
ask 404 "of a version that is none" "$at?match[version]=2026-11-23T00:00:00Z" -X DELETE
ask 400 "of what is no version" "$at?match[version]=newest" -X DELETE
ask 200 "of the older version" "$at?match[version]=2026-11-20T00:00:00Z" -X DELETE
is "$(wc -c <"$T/body")" 0 "says no more"
ronda object -d "$D" show $mine --json >"$T/out" 2>"$T/err"
has "$T/out" '2026-11-21' "the newer one stays"
ask 200 "of all that is left" $at -X DELETE
check_fails 66 "then it is not there" ronda object -d "$D" show $mine
ask 404 "and cannot be deleted again" $at -X DELETE
check "the journal" ronda journal -d "$D" list --json
has "$T/out" 'exchange\.delete' "has it"
for _ in $(seq 600); do ronda events -d "$D" --json ip=198.18.3.71 2>/dev/null | grep -q . || break; sleep 0.1; done
is "$(ronda events -d "$D" --json ip=198.18.3.71 | wc -l)" 0 "what was made of it goes too"
done_testing
