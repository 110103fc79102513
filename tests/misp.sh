#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Our events as a MISP feed, read by the rules that MISP's and OpenCTI's readers go by; and feeds of others taken in.
. "$RONDA_SOURCE/tests/lib.sh"
B=$RONDA_SOURCE/tests/browser

if ! command -v node >/dev/null; then
	skip "a feed for MISP" "no node"
	done_testing
fi

check "a node is made" ronda init "$D" --name "Team B" --country ID
check "a feed" ronda feed -d "$D" add honeypot --tlp GREEN
check "and one that all may read" ronda feed -d "$D" add open --tlp CLEAR
check "and one whose terms forbid that" ronda feed -d "$D" add closed --tlp CLEAR --licence nobody-knows
line() { # address, class, further members
	printf '{"source.ip":"%s","classification.type":"%s","time.source":"2026-11-20T10:00:00Z"%s}\n' "$1" "$2" "${3:-}"
}
{ line 192.0.2.1 infected-system ',"malware.name":"mirai"'; line 192.0.2.2 infected-system; line 192.0.2.3 scanner; } >"$T/green.json"
{ line 198.18.0.1 scanner; line 198.18.0.2 scanner ',"source.account":"somebody"'; } >"$T/clear.json"
line 198.18.0.9 scanner >"$T/closed.json"
line 198.18.0.8 scanner ',"tlp":"RED"' >"$T/red.json"
check "events" ronda intake -d "$D" --feed honeypot "$T/green.json"
report=$(grep -oE 'report [0-9]+' "$T/out" "$T/err" -h | head -1 | tr -dc 0-9)
check "more" ronda intake -d "$D" --feed open "$T/clear.json"
check "of the closed one" ronda intake -d "$D" --feed closed "$T/closed.json"
check "and a RED one" ronda intake -d "$D" --feed honeypot "$T/red.json"

# --- a folder ---
check "they are exported" ronda misp -d "$D" export "$T/feed"
has "$T/out" "^3 files written" "an event, the digests and the manifest"
uuid=$(sed -nE 's/^\{"([0-9a-f-]{36})":.*/\1/p' "$T/feed/manifest.json")
[ -s "$T/feed/$uuid.json" ]
ok $? "the manifest names the event's file"
has "$T/feed/$uuid.json" '"value":"198.18.0.1"' "what is CLEAR is in it"
has_not "$T/feed/$uuid.json" "198.18.0.9" "what its source keeps is not"
has_not "$T/feed/$uuid.json" "somebody" "nor anything about persons"
has_not "$T/feed/manifest.json" "infected-system" "what is not CLEAR does not exist"
is "$(printf %s 198.18.0.1 | md5sum | cut -d' ' -f1),$uuid" "$(grep "$(printf %s 198.18.0.1 | md5sum | cut -d' ' -f1)" "$T/feed/hashes.csv")" "hashes.csv has its MD5"
check "again" ronda misp -d "$D" export "$T/feed"
has "$T/out" "^0 files written, 3 unchanged" "nothing changed"
check "for those up to AMBER" ronda misp -d "$D" export "$T/amber" --tlp AMBER
has "$T/amber/manifest.json" 'tlp:green.*rsit:malicious-code=.{2}infected-system' "there is more"
! grep -rq "198.18.0.8" "$T/amber"
ok $? "RED goes nowhere"
check_fails 64 "a folder must be named" ronda misp -d "$D" export
check_fails 65 "RED is no marking for a folder" ronda misp -d "$D" export "$T/red" --tlp RED

# --- over HTTP, as MISP asks ---
check "a token" ronda token -d "$D" make reader --right read --ceiling AMBER --expires 30d
token=$(grep -o 'ronda_[A-Za-z0-9_-]*' "$T/out" "$T/err" -h | head -1)
ask() { # path, further options of curl
	path=$1
	shift
	: >"$T/body"
	curl -s -D "$T/head" -o "$T/body" -w '%{http_code}' -H 'Accept: application/json, text/plain, text/*' "$@" "$URL/misp-feed/$path"
}
serve --set misp_feed=tokens
is "$(ask manifest.json)" 403 "not without a token"
is "$(ask manifest.json -H "Authorization: $token")" 200 "a key as MISP sends it"
cp "$T/body" "$T/manifest"
etag=$(sed -nE 's/^[Ee][Tt]ag: (.*)\r$/\1/p' "$T/head")
has "$T/head" '^[Ee][Tt]ag: "[0-9a-f]{32}"' "a strong ETag"
is "$(ask manifest.json -H "Authorization: $token" -H "If-None-Match: $etag")" 304 "and 304 for who knows it"
is "$(wc -c <"$T/body")" 0 "without a body"
node "$B/misp.js" manifest "$T/manifest" >"$T/out" 2>"$T/err"
ok $? "the manifest keeps the format's rules"
for uuid in $(grep -oE '"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}":' "$T/manifest" | tr -d '":'); do
	[ "$(ask "$uuid.json" -H "Authorization: $token")" = 200 ] || break
	cp "$T/body" "$T/event.$uuid"
done
node "$B/misp.js" events "$T" "$T/manifest" >"$T/out" 2>"$T/err"
ok $? "and so do the events"
is "$(ask hashes.csv -H "Authorization: $token")" 200 "digests to look up"
is "$(ask 00000000-0000-5000-8000-000000000000.json -H "Authorization: $token")" 404 "what is not there"
is "$(ask x.json -H "Authorization: $token")" 404 "nor is nonsense"
stop_node

# --- taken back ---
before=$(node "$B/misp.js" latest "$T/amber/manifest.json")
check "a report is taken back" ronda feed -d "$D" undo "$report"
check "and the feed says so" ronda misp -d "$D" export "$T/amber" --tlp AMBER
node "$B/misp.js" deleted "$T/amber" "$before" >"$T/out" 2>"$T/err"
ok $? "objects as deleted, under a later time"

serve --set misp_feed=public
is "$(ask manifest.json)" 200 "open to all"
has "$T/body" 'tlp:clear' "what is CLEAR"
has_not "$T/body" 'tlp:green' "and nothing else"
stop_node
serve
is "$(ask manifest.json -H "Authorization: $token")" 404 "without the setting there is none"
stop_node

# --- a day with more than one file holds ---
awk 'BEGIN { for (i = 0; i < 12000; i++) printf "{\"source.ip\":\"198.19.%d.%d\",\"classification.type\":\"brute-force\",\"time.source\":\"2026-11-20T10:00:00Z\"}\n", i / 256, i % 256 }' >"$T/many.json"
check "12,000 events" ronda intake -d "$D" --feed open "$T/many.json"
check "are released" ronda misp -d "$D" export "$T/feed"
has "$T/out" "^5 files written" "in three parts"
node "$B/misp.js" parts "$T/feed" >"$T/out" 2>"$T/err"
ok $? "each event in one of them"
line 198.19.0.1 brute-force | sed 's/T10:/T12:/' >"$T/one.json"
check "one more" ronda intake -d "$D" --feed open "$T/one.json"
check "is released" ronda misp -d "$D" export "$T/feed"
has "$T/out" "^3 files written, 3 unchanged" "and only the last part is written anew, with digests and manifest"

# --- a feed of others, first as a folder ---
check "a feed of ours for it" ronda feed -d "$D" add circl --tlp AMBER
U1=5d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a11 U2=5d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a12
head_of() { # uuid, timestamp
	printf '"%s":{"info":"i","date":"2026-11-20","timestamp":"%s","analysis":"2","threat_level_id":"2","Orgc":{"uuid":"%s","name":"o"}}' "$1" "$2" $U1
}
event_of() { # uuid, timestamp, address, tag
	printf '{"Event":{"uuid":"%s","info":"botnet","date":"2026-11-20","timestamp":"%s","Tag":[{"name":"%s"},{"name":"rsit:malicious-code=\\"c2-server\\""}],"Attribute":[{"uuid":"6d3b3b3e-9f1b-4a55-8f0e-%s","type":"ip-dst|port","value":"%s|443","to_ids":true,"timestamp":"1795300000"}]}}' \
		"$1" "$2" "$4" "$(printf %s "$1" | tail -c 12)" "$3"
}
F=$T/theirs
mkdir "$F"
printf '{%s,%s}' "$(head_of $U1 1795300000)" "$(head_of $U2 1795300005)" >"$F/manifest.json"
event_of $U1 1795300000 198.18.7.1 tlp:green >"$F/$U1.json"
check_fails 65 "one of its events is not there" ronda misp -d "$D" import "$F" --feed circl
has "$T/out" "^1 MISP events taken, 1 failed; 1 events = 1 accepted" "the other is taken"
ronda events -d "$D" --json ip=198.18.7.1 >"$T/out"
has "$T/out" '"classification.type":"c2-server"' "by its tag's class"
has "$T/out" '"tlp":"GREEN"' "and marking"
has "$T/out" "\"misp.event_uuid\":\"$U1\"" "and where it is from"
event_of $U2 1795300005 198.18.7.2 tlp:nonsense >"$F/$U2.json"
check "the missing one comes" ronda misp -d "$D" import "$F" --feed circl
has "$T/out" "^1 MISP events taken, 0 failed; 1 events = 1 accepted" "and it alone is taken"
ronda events -d "$D" --json ip=198.18.7.2 >"$T/out"
has "$T/out" '"tlp":"RED"' "a marking that is not understood is RED"
check "again" ronda misp -d "$D" import "$F" --feed circl
has "$T/out" "^0 MISP events taken" "nothing is new"
check_fails 66 "there must be a feed for it" ronda misp -d "$D" import "$F/$U1.json" --feed nobody
check "one file" ronda misp -d "$D" import "$F/$U1.json" --feed circl
is "$(ronda events -d "$D" --json ip=198.18.7.1 | wc -l)" 1 "known already"
sed 's/"to_ids":true/"to_ids":true,"deleted":true/; s/1795300000/1795300001/' "$F/$U1.json" >"$T/gone.json"
check "what is deleted there" ronda misp -d "$D" import "$T/gone.json" --feed circl
has "$T/out" "1 deleted: 1 events taken back" "is taken back"
for _ in $(seq 100); do
	ronda events -d "$D" --json ip=198.18.7.1 >"$T/out"
	[ -s "$T/out" ] || break
	serve && sleep 1 && stop_node
done
is "$(cat "$T/out")" "" "and is no more"
printf '{"Event":{"uuid":"x"}}' >"$T/bad.json"
check_fails 65 "what is no MISP event" ronda misp -d "$D" import "$T/bad.json" --feed circl

# --- and over HTTP: a web server that knows nothing of us ---
W=$T/www
mkdir "$W"
cp "$F"/* "$W"
free_port
node "$B/misp.js" www "$W" "$port" >"$T/www.log" 2>&1 &
www=$!
trap 'kill $www 2>/dev/null; finish' EXIT
for _ in $(seq 1200); do curl -s "http://127.0.0.1:$port/" >/dev/null && break; sleep 0.05; done
set_feeds="misp_feeds=circl=http://127.0.0.1:$port"
check "a look" ronda misp -d "$D" --set "$set_feeds" look
has "$T/out" "^circl: 0 MISP events taken, 0 failed" "what the folder brought is known"
event_of $U1 1795300009 198.18.7.3 tlp:green >"$W/$U1.json"
printf '{%s,%s,"../../etc/passwd":{"timestamp":"9"}}' "$(head_of $U1 1795300009)" "$(head_of $U2 1795300005)" >"$W/manifest.json"
check "a newer one" ronda misp -d "$D" --set "$set_feeds" look circl
has "$T/out" "^circl: 1 MISP events taken, 0 failed" "is taken, and names are no paths"
has_not "$T/www.log" "passwd" "nothing else is asked for"
mv "$W/$U2.json" "$T/kept"
printf '{%s,%s}' "$(head_of $U1 1795300009)" "$(head_of $U2 1795300006)" >"$W/manifest.json"
check_fails 75 "one that cannot be had" ronda misp -d "$D" --set "$set_feeds" look
ronda misp -d "$D" --json sources >"$T/out"
has "$T/out" '"waiting":1' "waits"
event_of $U2 1795300006 198.18.7.4 tlp:clear >"$W/$U2.json"
serve --set "$set_feeds" --set misp_every=10s
for _ in $(seq 600); do grep -q "GET /$U2.json.* 200" "$T/www.log" && break; sleep 0.1; done
for _ in $(seq 600); do ronda events -d "$D" --json ip=198.18.7.4 >"$T/out" 2>/dev/null; [ -s "$T/out" ] && break; sleep 0.1; done
has "$T/out" '"tlp":"CLEAR"' "until the node has it, by itself"
stop_node
echo '<html>not today</html>' >"$W/manifest.json"
check_fails 65 "what is no manifest" ronda misp -d "$D" --set "$set_feeds" look
kill $www
wait $www 2>/dev/null
check_fails 75 "nobody there" ronda misp -d "$D" --set "$set_feeds" look
ronda misp -d "$D" --json sources >"$T/out"
has "$T/out" '"failure":"[^"]+"' "why is kept"

done_testing
