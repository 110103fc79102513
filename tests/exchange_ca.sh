#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One authority of a community: whom it names is taken for that partner with another key, both ways; a wrong name, an expired
# certificate, another authority and a revoked key are refused in words; without the setting nobody vouches.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
. "$RONDA_SOURCE/tests/authority_lib.sh"
trap finish EXIT
C=cccccccc-0000-4000-8000-000000000001
BIN=$HELPERS/ronda-partner
issue() { # directory, authority, subjectAltName, how long
	mkdir -p "$T/$1"
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/$1/key.pem" -out "$T/$1/request.pem" -subj "/CN=node" 2>/dev/null
	printf 'subjectAltName=%s\n' "$3" >"$T/extensions"
	certify "$T/$1/request.pem" "$2" "$T/$1/cert.pem" "$4" "$T/extensions"
}
# The answer to who shows what stands in a directory: status in $code, body in $T/body.
calls() { # directory
	code=$(curl -s -k --cert "$T/$1/cert.pem" --key "$T/$1/key.pem" -o "$T/body" -w '%{http_code}' "https://127.0.0.1:$X/taxii2/")
}
refused() { # name, directory, words
	calls "$2"
	is "$code" 403 "$1"
	has "$T/body" "$3" "  in words"
}

authority ca
authority other
issue right ca "URI:urn:uuid:$C" 30
issue wrong ca "URI:urn:uuid:dddddddd-0000-4000-8000-000000000002" 30
issue two ca "URI:urn:uuid:$C,URI:urn:uuid:dddddddd-0000-4000-8000-000000000002" 30
issue none ca "DNS:$C" 30
issue over ca "URI:urn:uuid:$C" over
issue other-right other "URI:urn:uuid:$C" 30
ok $? "certificates"

ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
with_exchange "$D"
made_partner "$T/c" $C
made_partner "$T/stranger" $C
serve
ok $? "and serves"
line=$(ronda partner -d "$D" invite 2>"$T/err")
"$BIN" accept "$T/c" "$line" "Team C" >"$T/out" 2>&1
has "$T/out" '^200 ' "a partner"
check "its words are compared" ronda partner -d "$D" confirm partner-1
calls c
is "$code" 200 "it is known by its key"

# --- without the setting ---
refused "without an authority another key is nobody's" right "that key is no partner"

# --- with it: who calls us ---
stop_node
echo "exchange_ca_file = $T/ca.pem" >>"$D/ronda.conf"
serve
ok $? "with an authority the node serves"
calls c
is "$code" 200 "the paired key is good as before"
calls right
is "$code" 200 "another key is, when the authority names the partner's node"
refused "a node that is no partner" wrong "which is no active partner"
refused "two nodes in one certificate" two "names more than one node"
refused "a name of another form" none "names no node"
refused "a certificate that is over" over "has expired"
refused "another authority" other-right "not from our authority"
has "$T/node.log" "warn .*a caller is no partner.* why=\"its certificate names" "the log says so"
mkdir "$T/renewed"
cp -r "$T/c/." "$T/renewed/"
cp "$T/right/cert.pem" "$T/right/key.pem" "$T/renewed/"
printf '{"objects":[]}' | "$BIN" post "$T/renewed" >"$T/out" 2>"$T/err"
printf '{"objects":[]}' | "$BIN" post "$T/c" >"$T/expected" 2>"$T/err"
has "$T/out" "^422 .*no object" "what it sends is read"
is "$(head -1 "$T/out")" "$(head -1 "$T/expected")" "and is taken as with the paired key"
printf x | "$BIN" post "$T/renewed" sign="$T/stranger" >"$T/out" 2>"$T/err"
has "$T/out" "^403 .*sign" "signed by a key that is not of the pairing it is not"

# --- whom we call ---
serves() { # directory
	: >"$T/port"
	"$BIN" serve "$T/$1" 127.0.0.1:0 >"$T/port" 2>"$T/err" &
	server=$!
	pids="$pids $server"
	for _ in $(seq 600); do [ ! -s "$T/port" ] || break; sleep 0.1; done
	ronda partner -d "$D" edit partner-1 "address=https://127.0.0.1:$(cat "$T/port")" way=push >"$T/out" 2>"$T/err"
}
reaches() { # directory
	serves "$1"
	ronda partner -d "$D" sync partner-1 >"$T/out" 2>"$T/err"
	synced=$?
	cat "$T/out" "$T/err" >"$T/said"
	kill "$server"
	wait "$server" 2>/dev/null
}
not_reached() { # name, directory, words
	reaches "$2"
	[ "$synced" != 0 ]
	ok $? "$1"
	has "$T/said" "$3" "  in words"
}
for n in wrong over other-right; do
	mkdir "$T/s-$n"
	cp -r "$T/c/." "$T/s-$n/"
	cp "$T/$n/cert.pem" "$T/$n/key.pem" "$T/s-$n/"
done
reaches c
is "$synced" 0 "the partner is called, with the key of its pairing"
reaches renewed
is "$synced" 0 "and with another one that the authority names it by"
not_reached "another node's certificate is not its" s-wrong "names another node"
not_reached "nor one that is over" s-over "has expired"
not_reached "nor one of another authority" s-other-right "not from our authority"

# --- a revoked key, and who is not active ---
check "the partner is paused" ronda partner -d "$D" move partner-1 paused --why "a holiday"
refused "who is paused is not let in by an authority" right "no active partner"
check "and goes on" ronda partner -d "$D" move partner-1 active --why "back"
calls right
is "$code" 200 "then he is"
check "its keys are revoked" ronda partner -d "$D" keys revoke partner-1 --why "lost"
refused "a revoked key stays refused" c "revoked"
refused "and no authority brings back whose keys were revoked" right "were revoked"
not_reached "nor is he called" renewed "no key that is good"

# --- not any more ---
stop_node
sed -i '/^exchange_ca_file/d' "$D/ronda.conf"
serve
ok $? "without the setting again"
refused "nobody vouches" right "that key is no partner"
stop_node
check_fails 65 "a file that is not there is no authority" timeout 60 ronda serve -d "$D" --set listen=127.0.0.1:0 --set "exchange_ca_file=$T/nothing.pem"
has "$T/err" "exchange_ca_file .*cannot be read" "and is named"
done_testing
