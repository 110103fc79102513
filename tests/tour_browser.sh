#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tour with partners in a real browser: each button pressed without JavaScript, the pages of partners at the width of a
# small telephone and of a desk, with axe-core looking.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES RONDA_DIR
B=$RONDA_SOURCE/tests/browser
free_port
if ! command -v node >/dev/null || ! command -v chromium >/dev/null || ! "$B/install" >"$T/out" 2>&1; then
	tail -3 "$T/out" | sed 's/^/# /'
	skip "the tour in a browser" "no node or chromium, or npm's registry is not reached"
	done_testing
fi
true >"$T/links"
ronda demo "$T/teams" --teams 3 --listen "127.0.0.1:$port" --every 1h >"$T/links" 2>"$T/log" &
tour_pid=$!
end_all() {
	kill "$tour_pid" 2>/dev/null
	wait "$tour_pid" 2>/dev/null
	finish
}
trap end_all EXIT
for _ in $(seq 900); do
	[ "$(wc -l <"$T/links")" -lt 3 ] || break
	sleep 0.1
done
link=$(sed -n 's/^Team A	//p' "$T/links")
HOME=$T timeout 400 node "$B/tour.js" "${link%/login*}" "$link" >"$T/seen" 2>"$T/err"
while read -r word rest; do
	case $word in
	ok) ok 0 "$rest" ;;
	not) ok 1 "${rest#ok }" ;;
	'#') echo "# $rest" ;;
	esac
done <"$T/seen"
has "$T/seen" '^done$' "the browser came to the end"
done_testing
