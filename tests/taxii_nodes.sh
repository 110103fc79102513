#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Node B knows node A as a TAXII 2.1 server alone, over TLS: by an authority, by its key, and both ways. What A says in
# ronda's own extension counts for B only when the partner's record names A's node.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
trap finish EXIT

for n in a b; do
	check "node $n is made" ronda init "$T/$n" --name "Team $(echo $n | tr ab AB)" --country ID --team small --account "Lead"
done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/key.pem" -out "$T/cert.pem" \
	-subj "/CN=127.0.0.1" -addext "subjectAltName=IP:127.0.0.1" -days 30 2>"$T/err"
pin=$(openssl x509 -in "$T/cert.pem" -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64)

# --- A serves; B is a constituent's account there ---
oa=$(org "$T/a" "Team B" 198.18.0.0/16)
check "A has a partner" ronda partner -d "$T/a" new name="Team B" kind=taxii "organisation=$oa"
check "who is active" ronda partner -d "$T/a" move partner-1 active
agree "$T/a" "$oa"
id=$(ronda organisation -d "$T/a" show "$oa" --json | sed -nE 's/.*"id": ?"(organisation--[-0-9a-f]{36})".*/\1/p' | head -1)
check "with an account" ronda account -d "$T/a" new "Client B" --roles constituent --organisation "$id"
token=$(ronda token -d "$T/a" make b --right read --ceiling AMBER --account "Client B" 2>"$T/err")
check "a feed" ronda feed -d "$T/a" add honeypot --tlp GREEN
start_node "$T/a" --set exchange=yes --set tls_cert="$T/cert.pem" --set tls_key="$T/key.pem"
ok $? "A serves by TLS"
url=$(echo "$address" | sed 's|http://|https://|')

ob=$(org "$T/b" "Team A" 198.19.0.0/16)
cat >>"$T/b/ronda.conf" <<CONF
exchange = yes
taxii_hosts = $url
taxii_keys_file = $T/keys
exchange_pull_every = 1s
CONF
: >"$T/keys"
chmod 600 "$T/keys"
check "A is a partner of B" ronda partner -d "$T/b" new name="Team A" kind=taxii "organisation=$ob" "address=$url" way=both
check "who is active" ronda partner -d "$T/b" move partner-1 active
agree "$T/b" "$ob"
check_fails 77 "whom no authority knows" ronda partner -d "$T/b" collections 1
has "$T/err" "TLS of '127.0.0.1' is not trusted" "is not asked"
printf 'Team A = bearer %s\nTeam A = authority %s/cert.pem\n' "$token" "$T" >"$T/keys"
check "by an authority" ronda partner -d "$T/b" collections 1 --json
has "$T/out" '"outbox"|"for-team-b"' "it is"
printf 'Team A = basic any:%s\nTeam A = pin sha256//%s\n' "$token" "$(printf '%032d' 0 | base64 -w0)" >"$T/keys"
check_fails 77 "another key" ronda partner -d "$T/b" collections 1
printf 'Team A = basic any:%s\nTeam A = pin sha256//%s\n' "$token" "$pin" >"$T/keys"
check "its key" ronda partner -d "$T/b" collections 1

# --- fetched as from anybody ---
seen() { # first, last
	for n in $(seq "$1" "$2"); do
		printf '{"source.ip":"198.18.1.%s","classification.type":"infected-system","time.source":"2026-11-20T10:00:00Z"}\n' "$n"
	done >"$T/in.json"
	ronda intake -d "$T/a" --feed honeypot "$T/in.json" >"$T/out" 2>"$T/err"
}
seen 1 8
for _ in $(seq 600); do curl -sk -H "Authorization: Bearer $token" "$url/taxii2/exchange/collections/outbox/objects/?match\[type\]=observed-data" | grep -q 198.18 && break; sleep 0.1; done
check "fetched" ronda partner -d "$T/b" sync 1
is "$(events_of "$T/b")" 8 "what A lets go"
is "$(ronda events -d "$T/b" --json ip=198.18.1.3 | sed -nE 's/.*"tlp":"([^"]*)".*/\1/p')" GREEN "as it is marked"
is "$(ronda events -d "$T/b" --json ip=198.18.1.3 | grep -c origin_node)" 0 "nobody's word is taken for its origin"
ronda object -d "$T/b" list --limit 1000 --type observed-data --json >"$T/out" 2>/dev/null
is "$(grep -o '"observed-data--[^"]*"' "$T/out" | sort -u | wc -l)" 8 "kept as they came"

# --- and sent ---
check "a feed" ronda feed -d "$T/b" add honeypot --tlp GREEN
printf '{"source.ip":"198.19.1.1","classification.type":"infected-system","time.source":"2026-11-20T10:00:00Z"}\n' >"$T/in.json"
start_node "$T/b"
ok $? "B runs"
check "an event of B's" ronda intake -d "$T/b" --feed honeypot "$T/in.json"
for _ in $(seq 600); do ronda partner -d "$T/b" line 1 --json >"$T/out" 2>/dev/null; grep -qE '"sent": ?[1-9]' "$T/out" && break; sleep 0.1; done
has "$T/out" '"sent": ?[1-9]' "is sent"
has "$T/out" '"trouble": ?""' "and all is well"
seen 9 12
until_events "$T/b" 13 300
ok $? "and what is new at A comes by itself"
end_nodes
done_testing
