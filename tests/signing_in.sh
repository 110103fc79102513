#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A node as an administrator sets it up, a real identity provider and a real
# browser: in through the provider, then with a passkey.
. "$RONDA_SOURCE/tests/lib.sh"
B=$RONDA_SOURCE/tests/browser
free_port && idp_port=$port
free_port
idp_pid=

end_all() {
	[ -z "$idp_pid" ] || kill "$idp_pid" 2>/dev/null
	finish
}
trap end_all EXIT

if ! command -v node >/dev/null || ! command -v chromium >/dev/null || ! "$B/install" >"$T/out" 2>&1; then
	tail -3 "$T/out" | sed 's/^/# /'
	skip "signing in to a node with a browser" "no node or chromium, or npm's registry is not reached"
	done_testing
fi
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost -keyout "$T/key.pem" -out "$T/cert.pem" 2>"$T/err" || exit 1
: >"$T/idp"
node "$B/provider.js" "$idp_port" "$T/cert.pem" "$T/key.pem" "http://localhost:$port/login/oidc" userinfo \
	>"$T/idp" 2>"$T/idp.log" &
idp_pid=$!
for _ in $(seq 600); do
	[ ! -s "$T/idp" ] || break
	sleep 0.1
done
ronda init "$D" --name "Team B" --country ID --account "Lead A" >"$T/out" 2>"$T/err"
printf 'secret of ronda ES256: +&=%%\n' >"$T/secret"
cat >>"$D/ronda.conf" <<END
public_url = http://localhost:$port
fetch_ca_file = $T/cert.pem
oidc_issuer = https://localhost:$idp_port
oidc_client_id = ronda ES256
oidc_client_secret_file = $T/secret
oidc_roles = duty=duty
END
serve --set "listen=127.0.0.1:$port"
ok $? "a node with these settings serves"
HOME=$T timeout 300 node "$B/signing_in.js" "http://localhost:$port" >"$T/seen" 2>"$T/err"
while read -r word rest; do
	case $word in
	ok) ok 0 "$rest" ;;
	not) ok 1 "${rest#ok }" ;;
	'#') echo "# $rest" ;;
	esac
done <"$T/seen"
has "$T/seen" '^done$' "the browser came to the end"
stop_node
ronda journal -d "$D" list --json >"$T/journal"
has "$T/journal" 'siti' "the journal knows who it was"
has_not "$T/node.log" "secret of ronda" "no secret is in the log"
has_not "$T/journal" "secret of ronda" "nor in the journal"
done_testing
