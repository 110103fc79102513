#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Signing in at a real OpenID provider (npm's oidc-provider) over TLS on loopback,
# in every way that should work and some that should not.
. "$RONDA_SOURCE/tests/lib.sh"
B=$RONDA_SOURCE/tests/browser
free_port && app_port=$port
free_port && idp_port=$port
app=http://localhost:$app_port
idp_pid='' app_pid=''

end_all() {
	[ -z "$app_pid" ] || kill "$app_pid" 2>/dev/null
	[ -z "$idp_pid" ] || kill "$idp_pid" 2>/dev/null
	finish
}
trap end_all EXIT

if ! command -v node >/dev/null || ! "$B/install" >"$T/out" 2>&1; then
	tail -3 "$T/out" | sed 's/^/# /'
	skip "signing in at a real provider" "no node, or npm's registry is not reached"
	done_testing
fi
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost -keyout "$T/key.pem" -out "$T/cert.pem" 2>"$T/err" || exit 1
export NODE_EXTRA_CA_CERTS="$T/cert.pem"

provider() { # userinfo|token
	[ -z "$idp_pid" ] || { kill "$idp_pid"; wait "$idp_pid" 2>/dev/null; }
	: >"$T/idp"
	node "$B/provider.js" "$idp_port" "$T/cert.pem" "$T/key.pem" "$app/oidc/back" "$1" \
		8>&- >"$T/idp" 2>"$T/idp.log" &
	idp_pid=$!
	for _ in $(seq 600); do
		[ ! -s "$T/idp" ] || return 0
		kill -0 $idp_pid 2>/dev/null || { cat "$T/idp.log" >&2; return 1; }
		sleep 0.1
	done
}
# Ends with its standard input, a fifo that descriptor 8 holds open.
start_app() { # client id, more settings...
	stop_app
	id=$1
	shift
	printf 'secret of %s: +&=%%\n' "$id" >"$T/secret"
	rm -f "$T/fifo" && mkfifo "$T/fifo"
	: >"$T/app"
	"$RONDA_BUILD/tests/helpers/ronda-signin" "$RONDA_SOURCE/src/web/passkey.js" \
		"listen=127.0.0.1:$app_port" "public_url=$app/" "oidc_issuer=https://localhost:$idp_port" \
		"oidc_client_id=$id" "oidc_client_secret_file=$T/secret" "fetch_ca_file=$T/cert.pem" "$@" \
		<"$T/fifo" >"$T/app" 2>"$T/app.log" &
	app_pid=$!
	exec 8>"$T/fifo"
	for _ in $(seq 1200); do
		[ ! -s "$T/app" ] || return 0
		kill -0 $app_pid 2>/dev/null || { cat "$T/app.log" >&2; return 1; }
		sleep 0.05
	done
}
stop_app() {
	[ -n "$app_pid" ] || return 0
	exec 8>&-
	wait "$app_pid"
	code=$?
	app_pid=
	[ $code = 0 ] || { sed 's/^/# /' "$T/app.log"; return 1; }
}
flow() { # step: what the application says at the end, in $T/out
	node "$B/oidc_flow.js" "$app" "$1" >"$T/out" 2>"$T/err" || sed 's/^/# /' "$T/err"
}

provider userinfo
ok $? "the provider starts"
for alg in RS256 PS256 ES256 EdDSA; do
	start_app "ronda $alg"
	flow good
	has "$T/out" '"status":200,.*"subject":"siti","name":"Duty of siti","email":"siti@example.org","email_verified":true,"groups":\["duty","lead & more"\]' \
		"signed in, ID token by $alg, claims of userinfo"
done
has "$T/out" "\"issuer\":\"https://localhost:$idp_port\"" "the issuer is named"

flow cancel
has "$T/out" '"status":403,"error":"denied","words":"identity provider: .access_denied' "the person says no"
flow state
has "$T/out" '"status":403,.*belongs to no sign-in of this browser.*"subject":""' "a state that is not ours"
flow replay
has "$T/out" '"status":403,.*belongs to no sign-in of this browser.*"subject":""' "the same answer twice"
flow code
has "$T/out" '"status":403,.*does not take the code: .invalid_grant.*"subject":""' "a code that is made up"
flow crossed
has "$T/out" '"status":403,.*does not take the code: .invalid_grant.*"subject":""' "the code of another sign-in (PKCE)"
flow good
has "$T/out" '"status":200,.*"subject":"siti"' "and it still works"

provider token
ok $? "the provider comes back with new keys"
flow good
has "$T/out" '"status":200,.*"subject":"siti","name":"Duty of siti".*"groups":\["duty"' "keys that are new are fetched; claims of the token"
provider token
flow good
has "$T/out" '"status":403,.*signed with a key that the provider does not show' "but no more than once a minute"

start_app "ronda ES256" oidc_groups_claim= oidc_scope=openid
flow good
has "$T/out" '"status":200,.*"subject":"siti","name":"","email":"".*"groups":\[\]' "nothing asked, nothing known but the subject"
start_app public "oidc_client_secret_file="
flow good
has "$T/out" '"status":200,.*"subject":"siti"' "a client without secret, with PKCE"
start_app "ronda RS256"
echo wrong >"$T/secret.2"
start_app "ronda RS256" "oidc_client_secret_file=$T/secret.2"
flow good
has "$T/out" '"status":403,.*does not take the code: .invalid_client' "a wrong secret"
start_app "ronda RS256" fetch_ca_file=
flow good
has "$T/out" '"status":403,.*TLS of .localhost. is not trusted' "a certificate that nobody vouches for"
start_app "ronda RS256" "oidc_issuer=https://localhost:$idp_port/other"
flow good
has "$T/out" '"status":(400|403),' "an issuer that is not there"
start_app "ronda RS256"
kill "$idp_pid"
wait "$idp_pid" 2>/dev/null
idp_pid=
flow good
has "$T/out" '"status":503,.*was not reached' "the provider is away"
stop_app
ok $? "nothing leaked or broke on the way"
done_testing
