#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A person's own account in a real browser: Chromium with its virtual authenticator, driven by
# npm's playwright-core.
. "$RONDA_SOURCE/tests/lib.sh"
B=$RONDA_SOURCE/tests/browser
free_port

if ! command -v node >/dev/null || ! command -v chromium >/dev/null || ! "$B/install" >"$T/out" 2>&1; then
	tail -3 "$T/out" | sed 's/^/# /'
	skip "an account in a browser" "no node or chromium, or npm's registry is not reached"
	done_testing
fi
ronda init "$D" --name "Team B" --country ID >/dev/null 2>&1
ronda account -d "$D" new "Lead A" --roles lead
echo 'kelapa muda di tepi jalan' | ronda account -d "$D" password "Lead A"
echo "public_url = http://localhost:$port" >"$D/ronda.conf"
ronda serve -d "$D" --set "listen=127.0.0.1:$port" >"$T/address" 2>"$T/node.log" &
node_pid=$!
for _ in $(seq 1200); do
	[ ! -s "$T/address" ] || break
	sleep 0.05
done
HOME=$T timeout 300 node "$B/account.js" "http://localhost:$port" "Lead A" 'kelapa muda di tepi jalan' >"$T/seen" 2>"$T/err"
while read -r word rest; do
	case $word in
	ok) ok 0 "$rest" ;;
	not) ok 1 "${rest#ok }" ;;
	'#') echo "# $rest" ;;
	esac
done <"$T/seen"
has "$T/seen" '^done$' "the browser came to the end"
is "$(ronda account -d "$D" passkey "Lead A" --json | grep -c '"label":"a laptop"')" 1 "the command line lists it"
stop_node
done_testing
