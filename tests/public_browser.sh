#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The pages for everybody, and the figures, in a real browser on a small telephone, without JavaScript.
. "$RONDA_SOURCE/tests/lib.sh"
B=$RONDA_SOURCE/tests/browser

if ! command -v node >/dev/null || ! command -v chromium >/dev/null || ! "$B/install" >"$T/out" 2>&1; then
	tail -3 "$T/out" | sed 's/^/# /'
	skip "the public pages in a browser" "no node or chromium, or npm's registry is not reached"
	done_testing
fi
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
made scan_telnet 0 40 >"$T/2026-11-20-scan_telnet-a.csv"
check "with findings" ronda intake -d "$D" "$T/2026-11-20-scan_telnet-a.csv"
printf '[{"name":{"en":"Helpline A","id":"Layanan A"},"for":{"en":"children and parents"},"phone":"+62 000 000","hours":"24/7"}]' >"$D/helplines.json"
printf '{"title":"A hole in mail servers that is used already","urgency":"now","summary":"It spreads.","advice":"Update.","review_by":"2030-01-01","products":[{"vendor":"Example","product":"Mail server","versions":"before 4.2","cve":"CVE-2026-12345"}],"references":["https://example.org/advisory"]}' >"$T/body"
check "and a warning" ronda warning -d "$D" new --body "$T/body" --tlp CLEAR --why "a test"
check "approved" ronda warning -d "$D" move 1 approved
check "and sent" ronda warning -d "$D" move 1 sent
serve --set public_pages=yes --set public_url=https://ronda.example.org
ok $? "it serves"
token=$(ronda token -d "$D" make look --right read --ceiling AMBER 2>/dev/null)
HOME=$T timeout 200 node "$B/public.js" "$URL" "$token" ${PICTURES:+"$PICTURES"} >"$T/seen" 2>"$T/err"
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
