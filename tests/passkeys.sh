#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Passkeys in a real browser: Chromium with its virtual authenticator, driven by
# npm's playwright-core.
. "$RONDA_SOURCE/tests/lib.sh"
B=$RONDA_SOURCE/tests/browser
free_port
app_pid=

end_all() {
	[ -z "$app_pid" ] || kill "$app_pid" 2>/dev/null
	finish
}
trap end_all EXIT

if ! command -v node >/dev/null || ! command -v chromium >/dev/null || ! "$B/install" >"$T/out" 2>&1; then
	tail -3 "$T/out" | sed 's/^/# /'
	skip "passkeys in a browser" "no node or chromium, or npm's registry is not reached"
	done_testing
fi
[ "$(wc -c <"$RONDA_SOURCE/src/web/passkey.js")" -le 2048 ]
ok $? "the page's script is at most 2 KiB"
mkfifo "$T/fifo"
: >"$T/app"
"$RONDA_BUILD/tests/helpers/ronda-signin" "$RONDA_SOURCE/src/web/passkey.js" "listen=127.0.0.1:$port" \
	"public_url=http://localhost:$port" <"$T/fifo" >"$T/app" 2>"$T/app.log" &
app_pid=$!
exec 8>"$T/fifo"
for _ in $(seq 1200); do
	[ ! -s "$T/app" ] || break
	sleep 0.05
done
HOME=$T timeout 300 node "$B/passkey.js" "$(cat "$T/app")" 8>&- >"$T/seen" 2>"$T/err"
while read -r word rest; do
	case $word in
	ok) ok 0 "$rest" ;;
	not) ok 1 "${rest#ok }" ;;
	'#') echo "# $rest" ;;
	esac
done <"$T/seen"
has "$T/seen" '^done$' "the browser came to the end"
exec 8>&-
wait "$app_pid"
code=$?
app_pid=
[ $code = 0 ] || sed 's/^/# /' "$T/app.log"
is $code 0 "nothing leaked or broke on the way"
done_testing
