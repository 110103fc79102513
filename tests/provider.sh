#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A node whose people sign in at a real OpenID provider (npm's oidc-provider) over TLS on
# loopback: groups become roles, accounts are linked, nobody is taken over.
. "$RONDA_SOURCE/tests/lib.sh"
B=$RONDA_SOURCE/tests/browser
free_port && app_port=$port
free_port && idp_port=$port
app=http://localhost:$app_port
idp_pid=''

end_all() {
	[ -z "$idp_pid" ] || kill "$idp_pid" 2>/dev/null
	finish
}
trap end_all EXIT

if ! command -v node >/dev/null || ! "$B/install" >"$T/out" 2>&1; then
	tail -3 "$T/out" | sed 's/^/# /'
	skip "people of a real provider" "no node, or npm's registry is not reached"
	done_testing
fi
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost -keyout "$T/key.pem" -out "$T/cert.pem" 2>"$T/err" || exit 1
export NODE_EXTRA_CA_CERTS="$T/cert.pem"
node "$B/provider.js" "$idp_port" "$T/cert.pem" "$T/key.pem" "$app/login/oidc" userinfo >"$T/idp" 2>"$T/idp.log" &
idp_pid=$!
for _ in $(seq 600); do
	[ ! -s "$T/idp" ] || break
	kill -0 $idp_pid 2>/dev/null || { cat "$T/idp.log" >&2; exit 1; }
	sleep 0.1
done

ronda init "$D" --name "Team B" --country ID >/dev/null 2>&1
printf 'secret of ronda ES256: +&=%%\n' >"$T/secret"
configure() { # oidc_roles
	cat >"$D/ronda.conf" <<-END
		public_url = $app
		oidc_issuer = https://localhost:$idp_port
		oidc_client_id = ronda ES256
		oidc_client_secret_file = $T/secret
		oidc_roles = $1
		fetch_ca_file = $T/cert.pem
	END
}
start() {
	stop_node
	configure "$1"
	: >"$T/address"
	ronda serve -d "$D" --set "listen=127.0.0.1:$app_port" >"$T/address" 2>"$T/node.log" &
	node_pid=$!
	for _ in $(seq 1200); do
		[ ! -s "$T/address" ] || return 0
		kill -0 $node_pid 2>/dev/null || { sed 's/^/# /' "$T/node.log"; return 1; }
		sleep 0.05
	done
}
flow() { # step
	START=/login/provider THEN=/account.json node "$B/oidc_flow.js" "$app" "$1" >"$T/out" 2>"$T/err" || sed 's/^/# /' "$T/err"
}
roles() { ronda account -d "$D" list --json | sed -nE "s/.*\"name\":\"$1\".*\"roles\":\"([^\"]*)\".*/\1/p"; }

start ''
ok $? "a node with a provider starts"
flow good
has "$T/out" '"status":403,.*you have no account here' "known to the provider alone is nobody here"
start 'duty=duty analyst, others=lead'
flow good
has "$T/out" '"status":200,.*"roles":"analyst duty"' "groups become roles of a new account"
name=$(sed -nE 's/.*"name":"([^"]*)".*/\1/p' "$T/out")
is "$(roles "$name")" "analyst duty" "which the node lists"
start 'duty=viewer'
flow good
has "$T/out" '"status":200,.*"roles":"viewer"' "roles follow the groups"
flow replay
has "$T/out" '"status":403,.*not begun here' "the same answer twice"
flow state
has "$T/out" '"status":403' "another state"
flow cancel
has "$T/out" '"status":403' "the person says no"
ronda account -d "$D" disable "$name"
flow good
has "$T/out" '"status":403,.*not in use' "a disabled account does not come in"
ronda account -d "$D" enable "$name"
ronda account -d "$D" subject "$name" none
flow good
has "$T/out" '"status":403,.*an administrator must link it' "an account is not taken over by its name"
ronda account -d "$D" subject "$name" "https://localhost:$idp_port" siti
start ''
flow good
has "$T/out" '"status":200,.*"roles":"viewer"' "linked, it comes in without groups"
ronda journal -d "$D" list --json >"$T/journal"
has "$T/journal" '"act":"login".*"by":"provider"' "the journal says how"
stop_node
configure 'duty=boss'
: >"$T/out" # the node empties it too, but perhaps only after the first look
ronda serve -d "$D" --set listen=127.0.0.1:0 >"$T/out" 2>"$T/err" &
node_pid=$!
for _ in $(seq 1200); do [ ! -s "$T/out" ] && kill -0 $node_pid 2>/dev/null || break; sleep 0.05; done
[ ! -s "$T/out" ] && grep -q "there is no role 'boss'" "$T/err"
ok $? "a role that there is not is said at the start"
done_testing
