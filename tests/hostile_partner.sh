#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A partner that is paired and means ill, and others who are not: each is refused in plain words that the operator sees, and
# nothing changes.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
C=cccccccc-0000-4000-8000-000000000001
E=dddddddd-0000-4000-8000-000000000002
GREEN=marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb
STRICT=marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003
CLEAR=marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487
EXT=extension-definition--6f1f3d52-4c0e-4b3a-9d1e-0f9a7c5b8e21
BIN=$HELPERS/ronda-partner
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
with_exchange "$D"
made_partner "$T/c" $C
made_partner "$T/e" $E
made_partner "$T/nobody" eeeeeeee-0000-4000-8000-000000000003
serve
ok $? "and serves"
B=$(ronda version -d "$D" >/dev/null 2>&1; sqlite3 -readonly "$D/main.db" "SELECT value FROM meta WHERE key = 'node_id'" 2>/dev/null)

# --- pairing ---
line=$(ronda partner -d "$D" invite 2>"$T/err")
"$BIN" accept "$T/c" "$line" "Team C" >"$T/out" 2>&1
has "$T/out" '^200 ' "an invitation"
to=$(cat "$T/c/to")
[ -n "$B" ] || B=$to
"$BIN" accept "$T/e" "$line" "Team E" >"$T/out" 2>&1
has "$T/out" '^403 .*was used already' "is good once"
has "$T/node.log" 'warn .*the invitation was used already' "and the second one is in the log"
"$BIN" accept "$T/e" "$(printf %s "$line" | tr 'B' 'C')" "Team E" >"$T/out" 2>&1
has "$T/out" 'was not copied whole' "one letter of it changed"
printf 'x' | "$BIN" post "$T/c" >"$T/out"
has "$T/out" '^403 ' "nothing is taken before the words were compared"
check "the words are compared" ronda partner -d "$D" confirm partner-1
line=$(ronda partner -d "$D" invite 2>"$T/err")
"$BIN" accept "$T/e" "$line" "Team E" >"$T/out" 2>&1
has "$T/out" '^200 ' "another partner"
check "confirmed" ronda partner -d "$D" confirm partner-2
oc=$(org "$D" "Team C" 198.18.3.0/24)
oe=$(org "$D" "Team E" 198.18.5.0/24)
check "is an organisation" ronda partner -d "$D" edit partner-1 "organisation=$oc"
check "and the other one" ronda partner -d "$D" edit partner-2 "organisation=$oe"
agree "$D" "$oc"
agree "$D" "$oe"

# --- what they say ---
object() { # type, id, modified, mark, origin, item, member, text
	printf '{"type":"%s","spec_version":"2.1","id":"%s--%s","created":"2026-11-22T09:00:00.000Z","modified":"%s",%s"object_marking_refs":["%s"],"extensions":{"%s":{"extension_type":"property-extension","origin":"%s","item":"%s"' \
		"$1" "$1" "$2" "$3" "$([ -n "$7" ] || printf '"revoked":true,')" "$4" $EXT "$5" "$6"
	[ -z "$7" ] || printf ',"%s":"%s"' "$7" "$(printf %s "$8" | sed 's/"/\\"/g')"
	printf '}}}'
}
envelope() { printf '{"objects":[%s]}' "$1"; }
warning() { # uuid, version, mark, origin, labels, title
	object report "$1" "2026-11-22T09:00:0$2.000Z" "$3" "$4" "warning--$1" record \
		"{\"id\":\"warning--$1\",\"type\":\"warning\",\"type_version\":1,\"version\":$2,\"origin\":\"$4\",\"organisation\":null,\"created\":\"2026-11-22T09:00:00Z\",\"changed\":\"2026-11-22T09:00:0$2Z\",\"state\":\"sent\",\"labels\":{\"tlp\":\"$5\"},\"body\":{\"title\":\"$6\"}}"
}
event() { # number, mark, origin, time, address
	object observed-data "22222222-0000-4000-8000-00000000000$1" 2026-11-22T09:00:00.000Z "$2" "$3" "event--0000000000000000000000000000000$1" event \
		"{\"time.source\":\"$4\",\"source.ip\":\"$5\",\"classification.type\":\"infected-system\",\"malware.name\":\"example\"}"
}
post() { "$BIN" post "$T/c" "$@" >"$T/out" 2>"$T/err"; }
# What stands here, but for who called.
stands() {
	sqlite3 -readonly "$D/main.db" "SELECT count(*), coalesce(max(id), 0) FROM record_version; SELECT count(*) FROM record;
		SELECT count(*) FROM exchange_object; SELECT lane, upto_us FROM taken_upto ORDER BY partner, lane;
		SELECT count(*) FROM partner_key WHERE state = 2"
	ronda count -d "$D" --json
}
# What is said is refused: refused NAME WHERE PATTERN, after a post; WHERE: the answer's.
refused() { # name, regular expression of the answer
	has "$T/out" "$2" "$1"
	stands >"$T/stands-now"
	cmp -s "$T/stands" "$T/stands-now" || diff "$T/stands" "$T/stands-now" | sed 's/^/# /'
	cmp -s "$T/stands" "$T/stands-now"
	ok $? "  and nothing changed"
}
W=11111111-0000-4000-8000-000000000001
{ envelope "$(event 1 $GREEN $C 2026-11-22T09:00:00+00:00 198.18.9.1),$(warning $W 1 $STRICT $C AMBER+STRICT 'Theirs')"; } >"$T/good"
post <"$T/good"
has "$T/out" '^202 .*"success_count":2' "an honest push is taken"
ours=$(ronda warning -d "$D" new title="Ours" urgency=information --json 2>/dev/null | sed -nE 's/.*"id": ?"warning--([-0-9a-f]{36})".*/\1/p' | head -1)
[ -n "$ours" ]
ok $? "a warning of ours"
flat() { # origin, event id, address, more members
	printf '{"objects":[],"origin":"%s","events":[{"id":"%s","time.source":"2026-11-22T09:00:00+00:00","source.ip":"%s","classification.type":"infected-system","malware.name":"example","tlp":"GREEN"%s}]}' "$@"
}
post_flat() { post "type=application/vnd.ronda.envelope+json;version=1" "$@"; }
n=$(ronda count -d "$D" --json)
flat $C 00000000000000000000000000000001 198.18.9.1 '' | post_flat
has "$T/out" '^202 .*"success_count":1' "the same event without STIX around it"
is "$(ronda count -d "$D" --json)" "$n" "  is the same event"
post lane=bulk after=0 upto=1000 <"$T/good"
has "$T/out" '^202 ' "a push that says where it stands"
stands >"$T/stands"

# --- who is it? ---
url=$(cat "$T/c/address")/taxii2/exchange/collections
is "$(curl -sk -o "$T/out" -w '%{http_code}' --cert "$T/nobody/cert.pem" --key "$T/nobody/key.pem" "$url/")" 403 "a certificate that nobody knows"
is "$(curl -sk -o "$T/out" -w '%{http_code}' "$url/")" 401 "none at all"
has "$T/node.log" 'warn a caller is no partner' "  is in the log"
ronda journal list -d "$D" --act refusal >"$T/out" 2>&1
has "$T/out" "partners' listener" "  and in the journal"
curl -sk --tls-max 1.2 --cert "$T/c/cert.pem" --key "$T/c/key.pem" "$url/" >"$T/out" 2>"$T/err"
[ $? = 35 ]
ok $? "TLS 1.2 gets no connection"
for v in tls1 tls1_1 tls1_2; do
	# SECLEVEL=0: else openssl itself does not offer them
	openssl s_client -$v -cipher ALL:@SECLEVEL=0 -cert "$T/c/cert.pem" -key "$T/c/key.pem" -connect "127.0.0.1:$X" </dev/null >"$T/out" 2>&1
	[ $? = 1 ] && grep -q 'CONNECTED' "$T/out" && grep -q 'no peer certificate available' "$T/out" && grep -qE 'written [1-9][0-9]* bytes' "$T/out"
	ok $? "  nor does $v: it is not even shown who we are"
done
openssl s_client -tls1_3 -cert "$T/c/cert.pem" -key "$T/c/key.pem" -connect "127.0.0.1:$X" </dev/null >"$T/out" 2>&1
has "$T/out" 'New, TLSv1.3' "  TLS 1.3 does"
post unsigned=1 <"$T/good"
refused "a body that is not signed" '^403 .*not signed by the key'
post sign="$T/e" <"$T/good"
refused "signed by another partner" '^403 .*not signed by the key'
post as=$E <"$T/good"
refused "signed as another node" '^403 .*not signed by the key'
has "$T/node.log" 'warn a push is not signed by its sender' "  is in the log"
n=$(wc -c <"$T/good")
wrong=0
for i in $(seq 0 24); do
	post flip=$((i * (n - 1) / 24)) <"$T/good"
	grep -q '^403 .*not signed by the key' "$T/out" || wrong=$((wrong + 1))
done
is $wrong 0 "a bit flipped anywhere is refused before anything is read"
printf '{"objects":[' | "$BIN" post "$T/c" flip=0 >"$T/out"
refused "broken JSON with a flipped bit: the signature first" '^403 '
zstd -qc "$T/good" >"$T/good.zst"
post encoding=zstd flip=40 <"$T/good.zst"
refused "packed, and flipped" '^403 '

# --- again, and in another order ---
post lane=bulk after=0 upto=1000 <"$T/good"
refused "the same push again" '^409 .*"upto": ?1000'
post lane=bulk after=5000 upto=6000 <"$T/good"
refused "a later one before its time" '^409 .*"upto": ?1000'
post lane=bulk after=1000 upto=900 <"$T/good"
refused "one that goes backwards" '^400 '
post lane=sideways after=1000 upto=2000 <"$T/good"
refused "a lane that is none" '^400 '
post <"$T/good"
refused "all of it again, without a place" '^202 '

# --- what is not theirs ---
envelope "$(event 2 $GREEN $E 2026-11-22T09:00:00+00:00 198.18.9.2)" >"$T/body"
post <"$T/body"
refused "an event in the name of another" '"failure_count": ?1.*belongs to another node than yours'
flat $E 00000000000000000000000000000002 198.18.9.2 '' | post_flat
refused "without STIX in the name of another" '"failure_count": ?1.*belongs to another node than yours'
flat "$B" 00000000000000000000000000000002 198.18.9.2 '' | post_flat
refused "and in ours" '"failure_count": ?1.*is ours'
flat $C 00000000000000000000000000000002 198.18.9.2 ',"extra":{"a":{}}' | post_flat
refused "with what nests" '"failure_count": ?1.*nothing nests'
flat $C ../2 198.18.9.2 '' | post_flat
refused "with no id" '"failure_count": ?1.*which event it is'
flat $C 00000000000000000000000000000002 198.18.9.2 '' | post "type=application/vnd.ronda.envelope+json;version=2"
refused "of a version that nobody knows" '^415 '
envelope "$(event 2 $GREEN "$B" 2026-11-22T09:00:00+00:00 198.18.9.2)" >"$T/body"
post <"$T/body"
refused "in our name" '"failure_count": ?1.*is ours'
envelope "$(warning $W 2 $GREEN $E GREEN 'Theirs?')" >"$T/body"
"$BIN" post "$T/e" <"$T/body" >"$T/out" 2>&1
refused "another partner's record, as one's own" '"failure_count": ?1.*belongs to another node than yours'
envelope "$(warning "$ours" 9 $GREEN $C GREEN 'Overwritten')" >"$T/body"
post <"$T/body"
refused "our warning, overwritten" '"failure_count": ?1.*it is ours: nobody else changes it'
ronda journal list -d "$D" --act exchange.refused >"$T/out" 2>&1
has "$T/out" 'it is ours: nobody else changes it' "  is in the journal"
has "$T/node.log" 'warn a partner claimed what is not his: refused' "  and in the log"
envelope "$(object report "$ours" 2026-11-22T10:00:00.000Z $GREEN $C "warning--$ours" '' '')" >"$T/body"
post <"$T/body"
refused "our warning, withdrawn" '"failure_count": ?1.*not yours to withdraw'
envelope "$(object report $W 2026-11-22T10:00:00.000Z $GREEN $C "warning--$W" '' '')" >"$T/body"
"$BIN" post "$T/e" <"$T/body" >"$T/out" 2>&1
refused "another's warning, withdrawn in his name" '"failure_count": ?1.*belongs to another node than yours'
envelope "$(object report $W 2026-11-22T10:00:00.000Z $GREEN $E "warning--$W" '' '')" >"$T/body"
"$BIN" post "$T/e" <"$T/body" >"$T/out" 2>&1
refused "and in one's own" '"failure_count": ?1.*not yours to withdraw'
envelope "$(warning $W 2 $CLEAR $C CLEAR 'Theirs, corrected')" >"$T/body"
post <"$T/body"
has "$T/out" '"success_count": ?1' "their correction is taken"
is "$(ronda warning -d "$D" show "warning--$W" --json 2>/dev/null | grep -oE '"tlp": ?"[^"]*"' | head -1)" '"tlp":"AMBER+STRICT"' \
	"  but its marking does not get looser"
stands >"$T/stands"

# --- what is another's to read ---
for who in c e; do
	curl -sk --cert "$T/$who/cert.pem" --key "$T/$who/key.pem" -H 'Accept: application/taxii+json;version=2.1' "$url/" >"$T/collections-$who"
done
for id in $(grep -oE '"id": ?"[-0-9a-f]{36}"' "$T/collections-e" | grep -oE '[-0-9a-f]{36}'); do
	! grep -qF "$id" "$T/collections-c" || continue # what is public
	for what in "" objects/ manifest/; do
		got=$(curl -sk -o "$T/out" -w '%{http_code}' --cert "$T/c/cert.pem" --key "$T/c/key.pem" -H 'Accept: application/taxii+json;version=2.1' "$url/$id/$what")
		is "$got" 404 "another's collection is not there: $what"
	done
	post path="/taxii2/exchange/collections/$id/objects/" <"$T/good"
	refused "nor to be written to" '^404 '
done

# --- what cannot be read ---
printf '{"objects":[{"type":"indicator"' >"$T/body"
post <"$T/body"
refused "half an envelope" '^400 '
printf 'no JSON at all' >"$T/body"
post <"$T/body"
refused "no envelope" '^400 '
post encoding=zstd <"$T/body"
refused "packed, as it says, and not" '^400 '
post encoding=compress <"$T/body"
refused "an encoding that nobody knows" '^415 '
post type=text/plain <"$T/good"
refused "another type" '^415 '
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "["; }' >"$T/body"
post <"$T/body"
refused "brackets without end" '^400 '
envelope '{"type":"indicator","id":"nonsense"},{"type":7},[],"x",{"id":"report--1"}' >"$T/body"
post <"$T/body"
refused "malformed objects, each for itself" '"failure_count": ?5'
{
	printf '{"objects":['
	seq 100001 | awk '{ printf "%s{\"type\":\"identity\"}", (NR > 1) ? "," : "" }'
	printf ']}'
} >"$T/body"
post <"$T/body"
refused "more objects than an envelope may hold" '^4(13|22) .*100000'
head -c 100000000 /dev/zero | zstd -qc >"$T/body"
post encoding=zstd <"$T/body"
refused "a hundred million bytes, packed to nothing" '^413 '
head -c 20000000 /dev/urandom >"$T/body"
"$BIN" post "$T/c" <"$T/body" >"$T/out" 2>&1
refused "a body over max_content_length" '^(413|0) '

# --- taken, with care ---
envelope "$(event 3 marking-definition--99999999-0000-4000-8000-000000000009 $C 2026-11-22T09:00:00+00:00 198.18.9.3)" >"$T/body"
post <"$T/body"
has "$T/out" '"success_count": ?1' "a marking that nobody knows"
is "$(ronda events -d "$D" ip=198.18.9.3 --json | grep -oE '"(tlp|marking)": ?"[^"]*"' | head -1)" '"tlp":"RED"' "  is RED"
envelope "$(event 4 $GREEN $C "$(date -u -d '+1 day' +%FT%T)+00:00" 198.18.9.4)" >"$T/body"
post <"$T/body"
has "$T/out" '^202 .*"total_count": ?1' "a clock that is a day ahead is answered"
envelope "$(event 5 $GREEN $C "$(date -u -d '-1 day' +%FT%T)+00:00" 198.18.9.5)" >"$T/body"
post <"$T/body"
has "$T/out" '"success_count": ?1' "one that is a day behind is taken"
is "$(ronda events -d "$D" ip=198.18.9.5 --json | wc -l)" 1 "  and the event is there"


# --- a partner who answers, ill: what the operator reads, and that the others go on ---
F=ffffffff-0000-4000-8000-000000000004
made_partner "$T/f" $F
mkdir "$T/f/got"
"$BIN" serve "$T/f" 127.0.0.1:0 >"$T/f/port" 2>"$T/f/log" &
pids="$pids $!"
for _ in $(seq 1200); do
	[ ! -s "$T/f/port" ] || break
	sleep 0.05
done
line=$(ronda partner -d "$D" invite 2>"$T/err")
"$BIN" accept "$T/f" "$line" "Team F" "https://127.0.0.1:$(cat "$T/f/port")" >"$T/out" 2>&1
check "a partner who listens" ronda partner -d "$D" confirm partner-3
of=$(org "$D" "Team F" 198.18.6.0/24)
check "is an organisation" ronda partner -d "$D" edit partner-3 "organisation=$of" way=both
agree "$D" "$of"
says() { printf "$@" >"$T/f/answer.new" && mv "$T/f/answer.new" "$T/f/answer.POST"; }
# Its line says so, and Team E is served as before: trouble NAME PATTERN
trouble() {
	ronda partner -d "$D" sync partner-3 >"$T/out" 2>&1
	ronda partner -d "$D" line partner-3 >"$T/line" 2>&1
	cat "$T/line" >>"$T/out"
	has "$T/out" "$2" "$1"
	[ "$(ls "$T/f/got" | wc -l)" -lt "$3" ]
	ok $? "  after few requests"
	rm -f "$T/f/got/"*
	"$BIN" post "$T/e" <"$T/good-e" >"$T/out" 2>&1
	has "$T/out" '^202 ' "  the others go on"
}
envelope "$(event 9 $GREEN $E 2026-11-22T09:00:00+00:00 198.18.9.9)" >"$T/good-e"
printf '{"__type":"Event","time.source":"2026-11-22T01:00:00+00:00","classification.type":"phishing","source.ip":"198.18.6.1","tlp":"GREEN"}\n' >"$T/one.json"
says '500\n\n{}'
for _ in $(seq 600); do
	! ronda who -d "$D" 198.18.6.1 2>/dev/null | grep -q "Team F" || break
	sleep 0.1
done
check "something for him" ronda intake -d "$D" "$T/one.json"
for _ in $(seq 600); do
	! ls "$T/f/got" | grep -q POST || break # fetching from him goes on meanwhile
	sleep 0.1
done
trouble "500 for each" 'answers with 500' 12
says '404\n\n{}'
trouble "404" 'has no exchange at that address' 12
says '403\n\n{"title":"go away"}'
trouble "403" 'does not take us for its partner \(go away\)' 12
says '429\nRetry-After: 5\n\n{"title":"slower"}'
trouble "429" 'quota at .Team F. is used up \(slower\)|asks to come later \(slower\)' 12
says '409\n\n{"details":{"upto":9223372036854775807}}'
trouble "409 with a time to come" 'stands elsewhere and does not say where' 12
says '409\n\n{"details":{"upto":-5}}'
trouble "409 with no time" 'stands elsewhere and does not say where' 12
says '200\n\n%s' "$(head -c 3000 /dev/zero | tr '\0' '[')"
trouble "brackets" 'trouble|answers|unexpected|JSON|nest' 12
# a page that says there is more, and is the same for ever
rm "$T/f/answer.POST" # it takes what is sent
ronda partner -d "$D" sync partner-3 >"$T/out" 2>&1
{
	printf '200\nX-TAXII-Date-Added-Last: 2026-11-22T09:00:00.000001Z\nX-TAXII-Date-Added-First: 2026-11-22T09:00:00.000001Z\n\n'
	printf '{"more":true,"next":"x",%s' "$(envelope "$(event 7 $GREEN $F 2026-11-22T09:00:00+00:00 198.18.9.7)" | cut -c2-)"
} >"$T/f/answer.GET"
trouble "a page that repeats for ever" 'offers the same page for ever' 12
is "$(ronda events -d "$D" ip=198.18.9.7 --json | wc -l)" 1 "  of which there is one event"
# what he offers cannot be had, what is for him goes on
for _ in $(seq 6); do
	ronda partner -d "$D" sync partner-3 >/dev/null 2>&1
done
rm -f "$T/f/got/"*
sed 's/198.18.6.1/198.18.6.2/; s/T01:00/T02:00/' "$T/one.json" >"$T/two.json"
check "something more for him" ronda intake -d "$D" "$T/two.json"
for _ in $(seq 300); do
	! ls "$T/f/got" | grep -q POST || break
	sleep 0.1
done
is "$(ls "$T/f/got" | sed 's/.*\(POST\|GET\).*/\1/' | sort -u | tr '\n' ' ')" "POST " "is sent while fetching waits"
check "the line" ronda partner -d "$D" line partner-3 --json
has "$T/out" '"fetch_retry":"2' "says when that is tried again"
has "$T/out" 'nothing is fetched from it \(sending goes on\): .*offers the same page for ever' "and what fails"
rm "$T/f/answer.GET"
check "it is asked for now" ronda partner -d "$D" sync partner-3
check "the line" ronda partner -d "$D" line partner-3 --json
has "$T/out" '"trouble":""' "says that all is well"
stands >"$T/stands"

# --- a server with his key that offers older versions alone ---
good_F=https://127.0.0.1:$(cat "$T/f/port")
older() { # version
	free_port
	openssl s_server -$1 -cipher ALL:@SECLEVEL=0 -cert "$T/f/cert.pem" -key "$T/f/key.pem" -accept "127.0.0.1:$port" -www -msg >"$T/older" 2>&1 &
	older=$!
	pids="$pids $older"
	for _ in $(seq 1200); do
		[ -z "$(ss -Hltn "sport = :$port")" ] || break
		sleep 0.05
	done
	ronda partner -d "$D" edit partner-3 "address=https://127.0.0.1:$port" >"$T/out" 2>"$T/err"
	ronda partner -d "$D" sync partner-3 >"$T/said" 2>&1
	kill "$older"
	wait "$older" 2>/dev/null
}
for v in tls1 tls1_1 tls1_2; do
	older $v
	has "$T/said" 'ended the connection while TLS began' "he is not spoken with by $v"
	[ "$(grep -c "<<< .*ClientHello" "$T/older")" -gt 0 ] && ! grep -q "<<< .*Finished" "$T/older"
	ok $? "  nothing was said but that"
done
older tls1_3
has "$T/older" "<<< .*Finished" "by tls1_3 he is"
check "he is where he was" ronda partner -d "$D" edit partner-3 "address=$good_F"
stands >"$T/stands"

# --- keys ---
stands >"$T/stands"
check "its key is revoked" ronda partner -d "$D" keys revoke partner-1 --why "lost"
stands >"$T/stands"
post <"$T/good"
refused "a revoked key" '^403 '
ronda partner -d "$D" keys restore partner-1 1 --why "found again" >"$T/out" 2>&1
refused "in a small team it is final at once" 'that revocation is final'
"$BIN" post "$T/e" <"$T/body" >"$T/out" 2>&1
has "$T/out" '^202 ' "the others go on"
# --- by a token of somebody of his organisation, who is not the node ---
check "an account of his" ronda account -d "$D" new "Client C" --roles constituent --organisation \
	"$(ronda organisation -d "$D" show "$oe" --json | grep -oE 'organisation--[-0-9a-f]{36}' | head -1)"
token=$(ronda token -d "$D" make e --right read --ceiling AMBER --account "Client C" 2>/dev/null)
envelope "$(event 8 $GREEN $E 2026-11-22T09:00:00+00:00 198.18.9.8)" >"$T/body"
curl -s -w '%{http_code}' -H "Authorization: Bearer $token" -H 'Content-Type: application/taxii+json;version=2.1' \
	--data-binary @"$T/body" "$URL/taxii2/exchange/collections/inbox/objects/" >"$T/out"
refused "nobody posts for a node by a token, unsigned" 'is a node: it posts at the partners. listener'
stop_node
check "all is sound" ronda verify -d "$D"
has_not "$T/node.log" AddressSanitizer "no fault of memory"

# --- in a large team one person refuses its keys, two say that it stays so, or that it was a mistake ---
large() {
	D=$T/large
	ronda init "$D" --name "Team L" --country ID --team large --account "Admin A" >"$T/out" 2>"$T/err"
	ok $? "a large team's node"
	with_exchange "$D"
	made_partner "$T/l" 99999999-0000-4000-8000-000000000009
	chmod 755 "$T"
	check "its first lead" ronda account -d "$D" new "Lead 1" --roles lead --unix 64001
	serve
	ok $? "serves"
	chmod 711 "$D"
	ronda account -d "$D" new "Lead 2" --roles lead --unix 64002 >"$T/out" 2>"$T/err"
	check "who lets in" as 1 approval approve 2
	check "the second" ronda account -d "$D" new "Lead 2" --roles lead --unix 64002
	line=$(as 1 partner invite 2>"$T/err")
	"$BIN" accept "$T/l" "$line" "Team C" >"$T/out" 2>&1
	check "they pair" as 1 partner confirm partner-1
	knocks 422 "the partner's key is taken"
	check "one of them revokes it" as 1 partner keys revoke partner-1 --why "lost"
	waits
	first=$n
	knocks 403 "it is refused from then on"
	check_fails 75 "nobody restores it alone" as 1 partner keys restore partner-1 1 --why "found again"
	waits
	check_fails 77 "nor approves that himself" as 1 approval approve "$n"
	knocks 403 "it is refused still"
	check "the other approves" as 2 approval approve "$n"
	check_fails 75 "who did not ask for it" as 2 partner keys restore partner-1 1 --why "found again"
	check "then it is restored" as 1 partner keys restore partner-1 1 --why "found again"
	knocks 422 "and taken again"
	check "and revoked again" as 1 partner keys revoke partner-1 --why "lost for good"
	waits
	check "a yes to the first time" as 2 approval approve "$first"
	check "is none to this" as 1 partner keys revoke partner-1 --why "lost for good"
	has "$T/err" "approval $n " "which waits"
	check "until the other says so" as 2 approval approve "$n"
	check "then it is final" as 1 partner keys revoke partner-1 --why "lost for good"
	has_not "$T/err" "second person" "and nothing waits"
	check_fails 77 "nobody is asked to restore it" as 1 partner keys restore partner-1 1 --why "found again"
	has "$T/err" "that revocation is final" "it is said why"
	knocks 403 "it is refused"
	ronda journal -d "$D" list --json >"$T/journal"
	has "$T/journal" '"act":"partner.key.final"' "the journal has it"
	stop_node
}
as() { # number of a lead, ronda's words
	u=$((64000 + $1))
	shift
	setpriv --reuid=$u --regid=$u --clear-groups "$RONDA_BUILD/ronda" "$@" -d "$D"
}
knocks() { # status, name: an empty envelope of the partner is answered so
	printf '{"objects":[]}' | "$BIN" post "$T/l" >"$T/out" 2>&1
	has "$T/out" "^$1 " "$2"
}
waits() { # what was asked for last, in $n
	n=$(sed -nE 's/.*approval ([0-9]+) .*/\1/p' "$T/err")
	[ -n "$n" ]
	ok $? "  it waits for a second person"
}
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	large
else
	skip "keys in a large team" "not root, or no setpriv"
fi
done_testing
