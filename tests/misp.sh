#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Our events as a MISP feed, read by the rules that MISP's and OpenCTI's readers go by; and feeds of others taken in.
. "$RONDA_SOURCE/tests/lib.sh"

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
python3 - "$T/manifest" <<'PY' >"$T/out" 2>"$T/err"
import json, re, sys
m = json.load(open(sys.argv[1]))
assert m, "empty"
seconds = []
for uuid, e in m.items():
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", uuid)
    for key in ("info", "date", "timestamp", "analysis", "threat_level_id"):
        assert isinstance(e[key], str), key
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", e["date"])
    assert e["Orgc"]["uuid"] and e["Orgc"]["name"]
    assert any(t["name"].startswith("tlp:") for t in e["Tag"])
    seconds.append(int(e["timestamp"]))
assert len(set(seconds)) == len(seconds), "two releases in one second"
PY
ok $? "the manifest keeps the format's rules"
for uuid in $(grep -oE '"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}":' "$T/manifest" | tr -d '":'); do
	[ "$(ask "$uuid.json" -H "Authorization: $token")" = 200 ] || break
	cp "$T/body" "$T/event.$uuid"
done
python3 - "$T" "$T/manifest" <<'PY' >"$T/out" 2>"$T/err"
import json, re, sys
# pairs that the core format allows, of those there are here
legal = {("ip-src", "Network activity"), ("ip-dst", "Network activity"), ("port", "Network activity"), ("port", "Other"),
         ("domain", "Network activity"), ("hostname", "Network activity"), ("url", "Network activity"), ("AS", "Network activity"),
         ("text", "Network activity"), ("text", "Other"), ("text", "Payload delivery"), ("md5", "Payload delivery"),
         ("sha1", "Payload delivery"), ("sha256", "Payload delivery"), ("comment", "Other")}
m = json.load(open(sys.argv[2]))
uuids = set()
for uuid, head in m.items():
    e = json.load(open(f"{sys.argv[1]}/event.{uuid}"))["Event"]
    assert e["uuid"] == uuid and e["timestamp"] == head["timestamp"]
    assert e["published"] is True and "id" not in e and "distribution" not in e
    live = 0
    for o in e["Object"]:
        assert o["template_uuid"] and o["template_version"] and isinstance(o["timestamp"], str)
        for a in o["Attribute"]:
            assert (a["type"], a["category"]) in legal, a
            assert a["object_relation"] and isinstance(a["timestamp"], str) and a["to_ids"] in (True, False)
            assert a["uuid"] not in uuids
            uuids.add(a["uuid"])
            live += not a["deleted"]
    assert live + len(e["Attribute"]) > 0, "empty for a server that pulls"
PY
ok $? "and so do the events"
is "$(ask hashes.csv -H "Authorization: $token")" 200 "digests to look up"
is "$(ask 00000000-0000-5000-8000-000000000000.json -H "Authorization: $token")" 404 "what is not there"
is "$(ask x.json -H "Authorization: $token")" 404 "nor is nonsense"
stop_node

# --- taken back ---
before=$(python3 -c 'import json,sys; print(max(int(e["timestamp"]) for e in json.load(open(sys.argv[1])).values()))' "$T/amber/manifest.json")
check "a report is taken back" ronda feed -d "$D" undo "$report"
check "and the feed says so" ronda misp -d "$D" export "$T/amber" --tlp AMBER
python3 - "$T/amber" "$before" <<'PY' >"$T/out" 2>"$T/err"
import json, sys
m = json.load(open(f"{sys.argv[1]}/manifest.json"))
gone = [u for u, e in m.items() if "tlp:green" in [t["name"] for t in e["Tag"]]]
assert len(gone) == 2, "a uuid left silently"
for u in gone:
    assert int(m[u]["timestamp"]) > int(sys.argv[2]), "no new time"
    e = json.load(open(f"{sys.argv[1]}/{u}.json"))["Event"]
    assert all(o["deleted"] for o in e["Object"]) and e["Object"], "something is left"
    assert e["Attribute"], "empty for a server that pulls"
PY
ok $? "objects as deleted, under a later time"

serve --set misp_feed=public
is "$(ask manifest.json)" 200 "open to all"
has "$T/body" 'tlp:clear' "what is CLEAR"
has_not "$T/body" 'tlp:green' "and nothing else"
stop_node
serve
is "$(ask manifest.json -H "Authorization: $token")" 404 "without the setting there is none"
stop_node

done_testing
