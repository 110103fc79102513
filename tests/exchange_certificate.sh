#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Team B has its key certified by an authority that both teams name: what it asks for, what partners are shown on the port and
# in calls, that who knows the key notices nothing, and that its next key is taken by Team A, which never heard of it.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
. "$RONDA_SOURCE/tests/authority_lib.sh"
trap finish EXIT
CHAIN=$T/b.pem
authority root && authority region root && authority other
ok $? "an authority, with one below it, and another one"
more_conf="exchange_ca_file = $T/root.pem
"
made_nodes
ok $? "two nodes"
echo "exchange_certificate = $CHAIN" >>"$T/b/ronda.conf"

# --- what the authority is asked for ---
requested() { # file, further words of the request
	ronda partner -d "$T/b" request $2 >"$T/$1.request" 2>"$T/err" && openssl req -verify -noout -text -in "$T/$1.request" >"$T/out" 2>&1
}
requested b ""
ok $? "Team B prints a request that verifies"
node=$(ronda partner -d "$T/b" invite 2>/dev/null | sed 's/^ronda1\.//;s/\..*//' | tr -- '-_' '+/' | base64 -d 2>/dev/null | grep -oE '"node":"[^"]*"' | cut -d'"' -f4)
has "$T/out" "URI:urn:uuid:$node, URI:https://127.0.0.1:$b_port, IP Address:127.0.0.1" "with its node, its address, its host"
has "$T/out" "O = Team B, CN = Team B" "  and the team"
# SHA-256 of the SubjectPublicKeyInfo that PEM on standard input has
pin() { openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1; }
ours=$(ronda partner -d "$T/b" keys --json 2>/dev/null | grep '"ours"' | grep -oE '[0-9a-f]{64}' | head -1)
is "$(openssl req -in "$T/b.request" -noout -pubkey | pin)" "$ours" "it is of the key that partners know"
check_fails 66 "there is no next key to ask for" ronda partner -d "$T/b" request --next
check_fails 64 "nor anything else" ronda partner -d "$T/b" request partner-1

# --- shown ---
issued() { # request, authority, how long: as $T/leaf.pem
	certify "$T/$1.request" "$2" "$T/leaf.pem" "$3"
}
# Keeps what the listener shows in $T/shown; who asks is given no more than that.
shown() {
	openssl s_client -connect "127.0.0.1:$b_port" -showcerts </dev/null 2>/dev/null | sed -n '/BEGIN CERT/,/END CERT/p' >"$T/shown"
}
verified() { shown && openssl verify -purpose sslserver -CAfile "$T/root.pem" -untrusted "$T/shown" "$T/shown"; }
self_signed() { shown && openssl verify -CAfile "$T/shown" "$T/shown"; }
until_ok() { # command: until it succeeds
	for _ in $(seq 600); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.2
	done
	return 1
}
issued b region 30 && cat "$T/leaf.pem" "$T/region.pem" >"$CHAIN"
ok $? "the authority signs it"
start_nodes
ok $? "both serve"
verified >"$T/out" 2>&1
ok $? "who connects to Team B is shown what the authority signed"
is "$(grep -c BEGIN "$T/shown")" 2 "  with who signed it"
is "$(openssl x509 -in "$T/shown" -noout -pubkey | pin)" "$ours" "  of the same key"
until_ok grep -q 'partners are shown exchange_certificate' "$T/b.log"
ok $? "the log says so"
ronda partner -d "$T/b" keys >"$T/out" 2>"$T/err"
has "$T/err" 'partners are shown exchange_certificate, until ' "and who looks at its keys"
pair_nodes
ok $? "they pair, by the key"
report() { # first, count
	made scan_telnet "$1" "$2" >"$T/2026-11-20-scan_telnet-$1.csv"
	ronda intake -d "$T/a" "$T/2026-11-20-scan_telnet-$1.csv" >"$T/out" 2>"$T/err"
}
report 0 20 && until_events "$T/b" 20 300
ok $? "what Team A pushes comes to Team B"
check "Team B calls Team A" ronda partner -d "$T/b" sync partner-1

# --- not shown: the one it made itself is, and partners who know the key notice nothing ---
# Its log says so; each record that changes makes the node look within a second, else it may take ten.
logged() { # words
	quota=$((quota + 1))
	ronda partner -d "$T/b" edit partner-1 "quota_objects=$quota" >"$T/out" 2>"$T/err"
	until_ok sh -c 'tail -1 "$1" | grep -qE "$2"' sh "$T/b.log" "$1"
	ok $? "  the log says so"
}
quota=1000
not_shown() { # name, words
	ronda partner -d "$T/b" keys >"$T/out" 2>"$T/err"
	has "$T/err" "exchange_certificate is not shown to partners, but the one the node made itself: .*$2" "$1"
	until_ok self_signed
	ok $? "  so the listener shows its own"
	is "$(openssl x509 -in "$T/shown" -noout -pubkey | pin)" "$ours" "  of the same key"
	logged "warn exchange_certificate is not shown.*$2"
	check "  Team A calls it" ronda partner -d "$T/a" sync partner-1
	check "  it calls Team A" ronda partner -d "$T/b" sync partner-1
}
issued b root over && cat "$T/leaf.pem" >"$CHAIN"
not_shown "one that has expired" "it has expired, 2020-02-01"
issued b root early && cat "$T/leaf.pem" >"$CHAIN"
not_shown "one that is not valid yet" "it is not valid before 2090-01-01"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/another.key" -out "$T/another.request" -subj /CN=another 2>/dev/null
issued another root 30 && cat "$T/leaf.pem" >"$CHAIN"
not_shown "one of another key" "it is of another key"
echo "no certificate" >"$CHAIN"
not_shown "none" "there is no certificate in it"
issued b root 30 && cat "$T/leaf.pem" >"$CHAIN"
until_ok verified
ok $? "a good one is shown again, without a restart"
logged "partners are shown exchange_certificate"

# --- the next key, of which Team A never hears ---
kill "$a_pid"
wait "$a_pid" 2>/dev/null
check "Team B makes a new key while Team A is away" ronda partner -d "$T/b" keys rotate
has "$T/err" "the new key needs a certificate of its own: 'ronda partner request --next'" "  and is told that it needs another certificate"
requested next --next
ok $? "asks for it"
issued next region 30 && cat "$T/leaf.pem" "$T/region.pem" >>"$CHAIN"
until_ok verified
is "$(openssl x509 -in "$T/shown" -noout -pubkey | pin)" "$ours" "beside it, that of the key in use is shown"
check "uses the new key" ronda partner -d "$T/b" keys switch
has "$T/err" 'partners are shown exchange_certificate, until ' "  with its certificate"
check "  which the listener shows at once" verified
next=$(openssl req -in "$T/next.request" -noout -pubkey | pin)
is "$(openssl x509 -in "$T/shown" -noout -pubkey | pin)" "$next" "  of the new key"
start_node "$T/a"
ok $? "Team A is back"
a_pid=$started
ronda partner -d "$T/a" keys --json >"$T/out" 2>/dev/null
has_not "$T/out" "$next" "it does not know that key"
report 100 20 && until_events "$T/b" 40 300
ok $? "but calls who shows it: the authority names Team B"
ronda partner -d "$T/b" edit partner-1 way=both >"$T/out" 2>"$T/err"
check "and lets in who calls with it, to read" ronda partner -d "$T/b" sync partner-1
has_not "$T/a.log" 'a caller is no partner' "  without a word of doubt"
cp "$CHAIN" "$T/good.pem"
issued next other 30 && cat "$T/leaf.pem" >"$CHAIN"
until_ok sh -c 'openssl s_client -connect "127.0.0.1:$1" </dev/null 2>/dev/null | grep -q "issuer=CN = other"' sh "$b_port"
ok $? "signed by another authority"
kill "$a_pid"
wait "$a_pid" 2>/dev/null
start_node "$T/a" # no connection of before
check_fails 77 "Team A does not call it" ronda partner -d "$T/a" sync partner-1
has "$T/err" "nor does the authority vouch for it: .*not from our authority" "  and says why"
check_fails 77 "nor lets it in" ronda partner -d "$T/b" sync partner-1
has "$T/a.log" 'a caller is no partner.*not from our authority' "  as its log says"
: >"$CHAIN"
until_ok self_signed
check_fails 77 "nor with the certificate that Team B made itself" ronda partner -d "$T/a" sync partner-1
cp "$T/good.pem" "$CHAIN"
until_ok verified
check "until the right one is back" ronda partner -d "$T/a" sync partner-1
check "both ways" ronda partner -d "$T/b" sync partner-1
end_nodes
for n in a b; do
	check "all is sound" ronda verify -d "$T/$n"
	has_not "$T/$n.log" AddressSanitizer "no fault of memory"
done
done_testing
