#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A partner's MISP server: fetched from, sent to, asked. The other side is tests/browser/misp_server.js, which is ours.
. "$RONDA_SOURCE/tests/lib.sh"

if ! command -v node >/dev/null; then
	skip "a partner's MISP server" "no node"
	done_testing
fi

K=$T/theirs
mkdir "$K"
free_port
node "$RONDA_SOURCE/tests/browser/misp_server.js" "$K" secret-key-of-forty-characters-0123456789 "$port" >"$T/misp.log" 2>&1 &
misp=$!
trap 'kill $misp 2>/dev/null; finish' EXIT
for _ in $(seq 1200); do curl -s "http://127.0.0.1:$port/" >/dev/null && break; sleep 0.05; done

check "a node is made" ronda init "$D" --name "Team B" --country ID
cat >>"$D/ronda.conf" <<CONF
misp_hosts = http://127.0.0.1:$port
misp_keys_file = $T/keys
CONF
check "an organisation" ronda organisation -d "$D" new name="Team C" kind=csirt \
	'constituency=[{"kind":"network","value":"198.18.0.0/16","role":"holder"}]'
check "its MISP" ronda partner -d "$D" new name="Team C" kind=misp organisation=organisation-1 "address=http://127.0.0.1:$port/" way=both
check_fails 77 "which is not in use yet" ronda misp -d "$D" pull --partner "Team C"
: >"$T/keys"
check "now it is" ronda partner -d "$D" move partner-1 active
check_fails 65 "without a key" ronda misp -d "$D" pull --partner "Team C"
echo "Team C wrong-key" >"$T/keys"
check_fails 77 "with a wrong one" ronda misp -d "$D" pull --partner "Team C"
has "$T/err" "answers 403: Authentication failed" "in the server's words"
printf '# keys\nTeam C secret-key-of-forty-characters-0123456789\n' >"$T/keys"

# --- fetched ---
event_of() { # uuid, timestamp, address, distribution, tags
	printf '{"Event":{"uuid":"%s","info":"botnet","date":"2026-11-20","timestamp":"%s","distribution":"%s","Tag":[%s],"Attribute":[{"uuid":"6%s","type":"ip-src","category":"Network activity","value":"%s","to_ids":true,"timestamp":"1795300000"}]}}' \
		"$1" "$2" "$4" "$5" "$(printf %s "$1" | cut -c2-)" "$3" >"$K/$1.json"
}
U=5d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a1
event_of ${U}1 1795300000 198.19.7.1 1 '{"name":"tlp:clear"}'
event_of ${U}2 1795300001 198.19.7.2 3 '{"name":"tlp:green"},{"name":"watch"}'
event_of ${U}3 1795200000 198.19.7.3 0 ''
check "fetched" ronda misp -d "$D" pull
has "$T/out" "^3 MISP events taken, 0 failed" "all there is"
marked() { ronda events -d "$D" --json "ip=$1" | sed -nE 's/.*"tlp":"([^"]*)".*/\1/p'; }
is "$(marked 198.19.7.1)" AMBER "what is for their community is AMBER whatever its tag"
is "$(marked 198.19.7.2)" GREEN "what is for all as its tag says"
is "$(marked 198.19.7.3)" AMBER+STRICT "what is for them alone"
check "again" ronda misp -d "$D" pull
has "$T/out" "^0 MISP events taken" "nothing is new"
event_of ${U}4 1795100000 198.19.7.4 3 '{"name":"watch"}'
event_of ${U}5 1795400000 198.19.7.5 3 ''
check "by tag" ronda misp -d "$D" --set misp_tags=watch pull
has "$T/out" "^1 MISP events taken" "also one with an older time that came late"

# --- asked ---
check "who knows an address" ronda misp -d "$D" --csv search 198.19.7.2
has "$T/out" "^.Team C.,.${U}2.,.botnet.,.ip-src.,.Network activity.,.198.19.7.2.,.yes.,.tlp:green watch." "is said"
ronda journal -d "$D" --json >"$T/out" 2>&1
has "$T/out" '"misp.search"' "and that we asked is kept"
check "nobody knows this" ronda misp -d "$D" search 198.19.9.9
is "$(cat "$T/out")" "" "and nothing is said"
check "a sighting" ronda misp -d "$D" sighting 6d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a12 --partner "Team C" --false-positive
has "$K/last" '"type":"1"' "is told as a false alarm"
check_fails 65 "of what is no attribute" ronda misp -d "$D" sighting nonsense --partner "Team C"

# --- sent ---
check_fails 77 "nothing flows without an agreement" ronda misp -d "$D" push
check "an agreement" ronda agreement -d "$D" new title=u kind=informal parties=organisation-1 from=2020-01-01 \
	tlp_ceiling=GREEN flows=findings
check "in force" ronda agreement -d "$D" move agreement-1 in-force
check "what was before is not poured out" ronda misp -d "$D" push
has "$T/out" "^0 MISP events sent" "by itself"
check "a feed" ronda feed -d "$D" add honeypot --tlp GREEN
printf '%s\n' '{"source.ip":"198.18.0.1","classification.type":"infected-system","time.source":"2026-11-20T10:00:00Z"}' \
	'{"source.ip":"203.0.113.9","classification.type":"infected-system","time.source":"2026-11-20T10:00:00Z"}' >"$T/in.json"
check "events" ronda intake -d "$D" --feed honeypot "$T/in.json"
check "sent" ronda misp -d "$D" push
has "$T/out" "^1 MISP events sent with 1 objects" "what concerns them"
sent=$(grep -l infected-system "$K"/*.json | head -1)
has "$sent" '198.18.0.1' "is there"
ronda ledger -d "$D" --json >"$T/out"
has "$T/out" '"driver":"misp"' "and in the ledger"
has "$sent" '"distribution":"1"' "for their community, as it is GREEN"
! grep -q 203.0.113.9 "$K"/*.json
ok $? "and nothing of others"
echo '{"source.ip":"198.18.0.2","classification.type":"infected-system","time.source":"2026-11-20T11:00:00Z"}' >"$T/in.json"
check "one more that day" ronda intake -d "$D" --feed honeypot "$T/in.json"
check "sent too" ronda misp -d "$D" push
is "$(tail -1 "$K/log")" "POST /events/edit/$(basename "$sent" .json)" "by editing what is there"
has "$sent" '198.18.0.1' "which keeps the first"
has "$sent" '198.18.0.2' "and has the second"
rm "$sent"
echo '{"source.ip":"198.18.0.3","classification.type":"infected-system","time.source":"2026-11-20T12:00:00Z"}' >"$T/in.json"
check "they deleted it" ronda intake -d "$D" --feed honeypot "$T/in.json"
check "then it is made again" ronda misp -d "$D" push
is "$(tail -1 "$K/log")" "POST /events/add" "by adding"
check "the agreement ends" ronda agreement -d "$D" move agreement-1 ended --why over
check_fails 77 "and nothing more flows" ronda misp -d "$D" push

done_testing
