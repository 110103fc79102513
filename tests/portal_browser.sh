#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page behind the link in a message, and the portal, in a real browser: without scripts, 320 pixels wide, nothing
# scrolls sideways, axe-core finds nothing.
. "$RONDA_SOURCE/tests/lib.sh"
B=$RONDA_SOURCE/tests/browser

if ! command -v node >/dev/null || ! command -v chromium >/dev/null || ! "$B/install" >"$T/out" 2>&1; then
	tail -3 "$T/out" | sed 's/^/# /'
	skip "pages for people outside in a browser" "no node or chromium, or npm's registry is not reached"
	done_testing
fi
. "$RONDA_SOURCE/tests/portal_world.sh"
r init --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
printf '{"name":"Net 0 of the Northern Provinces","kind":"provider","mission":"Networks for schools","contacts":[{"role":"abuse","channel":"webhook","webhook":"%s/ok","email":"abuse-desk@northern-provinces.example.org","confirmed":"2026-11-01"},{"role":"management","channel":"portal"}],"constituency":[{"kind":"network","value":"198.18.0.0/24"},{"kind":"domain","value":"a-rather-long-name-of-a-domain.northern-provinces.example.org"}]}' "$HOOK" >"$T/org"
r organisation new --body "$T/org" >"$T/out" 2>"$T/err"
ok $? "an organisation"
r rehearsal live --all --why "the receivers are ours" >"$T/out" 2>"$T/err"
ok $? "messages go out"
made scan_telnet 1 60 >"$T/2026-11-20-scan_telnet-first.csv"
r intake "$T/2026-11-20-scan_telnet-first.csv" >/dev/null 2>&1
serve_links --set portal=yes
ok $? "it serves"
findings_are 60
printf '{"title":"Telnet","kind":"notification","question":"country=ID to=all","answer_by":"%s","texts":[{"language":"en","subject":"Telnet is open","text":"Please close it."},{"language":"id","subject":"Telnet terbuka","text":"Mohon ditutup."}]}' "$(later '1 hour')" >"$T/round"
r round new --body "$T/round" >/dev/null
r round start 1 >/dev/null 2>&1
printf '{"title":"Still there","kind":"contact","role":"management","question":"name=\\"Net 0 of the Northern Provinces\\"","answer_by":"%s","texts":[{"language":"en","subject":"Are you still there?","text":"Please say so."}]}' "$(later '1 hour')" >"$T/round"
r round new --body "$T/round" >"$T/out" 2>"$T/err"
r round start 2 >"$T/out" 2>"$T/err"
ok $? "rounds"
org=$(r organisation list --json | sed -nE 's/.*"id": ?"(organisation--[^"]*)".*/\1/p' | head -1)
check "an invitation" r account invite-constituent "$org" --contact abuse --name "Night desk"
for _ in $(seq 600); do
	answer=$(grep -h 'Telnet is open' "$T/hooks" | grep -oE "$URL/a/[a-z0-9]+" | head -1)
	sign_in=$(grep -ohE "$URL/portal/sign-in/[a-z0-9]+" "$T/hooks" | head -1)
	waits=$(query "SELECT count(*) FROM outbox WHERE driver = 'portal'")
	[ -z "$answer" ] || [ -z "$sign_in" ] || [ "$waits" = 0 ] || break
	sleep 0.1
done
HOME=$T timeout 300 node "$B/outside.js" "$URL" "$answer" "$sign_in" ${PICTURES:-} >"$T/seen" 2>"$T/err"
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
