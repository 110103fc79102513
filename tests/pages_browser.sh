#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The pages of the demonstration in a real browser, at the width of a small telephone: every link from the
# watch board answers, nothing scrolls sideways, every field and table says what it is; the tour's story is there.
. "$RONDA_SOURCE/tests/lib.sh"
B=$RONDA_SOURCE/tests/browser
free_port

if ! command -v node >/dev/null || ! command -v chromium >/dev/null || ! "$B/install" >"$T/out" 2>&1; then
	tail -3 "$T/out" | sed 's/^/# /'
	skip "the pages in a browser" "no node or chromium, or npm's registry is not reached"
	done_testing
fi
true >"$T/address" # there before the loop below looks
ronda demo "$D" --listen "127.0.0.1:$port" --every 1h >"$T/address" 2>"$T/node.log" &
node_pid=$!
told() { # the tour's story, which the demonstration makes behind its first reports
	curl -s -b "$T/jar" "http://127.0.0.1:$port/tour.json" | tr ',' '\n' >"$T/tour"
	for word in calls dry rehearsed answer answered takedown; do
		grep -q "\"${word}_href\":" "$T/tour" || return 1
	done
}
for _ in $(seq 1200); do
	[ "$(wc -l <"$T/address")" -lt 2 ] || break
	sleep 0.05
done
link=$(sed -n 2p "$T/address")
once=$(ronda account -d "$D" invite "Duty A" 2>/dev/null | sed -nE 's,.*/welcome\?once=,,p')
curl -s -o /dev/null -c "$T/jar" --data-urlencode "once=$once" \
	--data-urlencode "new=kelapa muda di tepi jalan" "http://127.0.0.1:$port/welcome"
for _ in $(seq 600); do
	! told || break
	sleep 0.1
done
told
ok $? "the demonstration has an incident worked to its end, and findings told, rehearsed and answered"
is "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM ledger WHERE kind IN (1, 2) AND driver <> 'portal'")" 0 \
	"nothing went out but by the portal, which is here"
grep -E '"(warn|error)"| warn | error ' "$T/node.log" >"$T/out"
is "$(wc -l <"$T/out")" 0 "and it failed in nothing"
HOME=$T timeout 400 node "$B/pages.js" "http://127.0.0.1:$port" "$link" >"$T/seen" 2>"$T/err"
while read -r word rest; do
	case $word in
	ok) ok 0 "$rest" ;;
	not) ok 1 "${rest#ok }" ;;
	'#') echo "# $rest" ;;
	esac
done <"$T/seen"
has "$T/seen" '^done$' "the browser came to the end"
stop_node
done_testing
