#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One answer about thousands of findings, and kill -9 while they are marked: the answer stood at once, each finding is
# marked once, and the writer was never held up by all of them.
. "$RONDA_SOURCE/tests/lib.sh"
all=${FINDINGS:-5000} kills=${KILLS:-6}
. "$RONDA_SOURCE/tests/portal_world.sh"
die() {
	kill -9 $node_pid
	wait $node_pid 2>/dev/null
	node_pid=
}
r init --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
printf '{"name":"Net","kind":"provider","contacts":[{"role":"abuse","channel":"webhook","webhook":"%s/ok"}],"constituency":[{"kind":"network","value":"198.18.0.0/16"}]}' \
	"$HOOK" >"$T/org"
check "an organisation" r organisation new --body "$T/org"
check "messages go out" r rehearsal live --all --why "the receivers are ours"
check "a feed" r feed add telnet --tlp AMBER --complete
made scan_telnet 1 "$all" >"$T/2026-11-20-scan_telnet-first.csv"
check "a report" r intake --feed telnet "$T/2026-11-20-scan_telnet-first.csv"
check "the node runs" serve_links
findings_are "$all"
printf '{"title":"Telnet","kind":"notification","question":"country=ID to=all","answer_by":"%s","texts":[{"language":"en","subject":"Telnet is open","text":"Please close it."}]}' \
	"$(later '1 hour')" >"$T/round"
check "a round" r round new --body "$T/round"
check "is started" r round start 1
until_is "SELECT count(*) FROM outbox WHERE state = 4 AND driver = 'webhook'" 1
ok $? "it is told"
is "$(query "SELECT count(*) FROM outbox_cover WHERE item LIKE 'finding--%'")" "$all" "all in one message"
has "$T/hooks" "What concerns you \\($all\\)" "whose text says how many"
has "$T/hooks" "and $((all - 1000)) more" "and that it does not list them all"
link=$(grep -oE "$URL/a/[a-z0-9]+" "$T/hooks" | head -1)

is "$(curl -s -o "$T/page" -w '%{http_code}' "$link" -d 'kind=not-ours&nonce=n1&words=none+of+them')" 303 "one answer"
die
left=$(query "SELECT $all - (SELECT count(*) FROM answer_finding)")
[ "$left" -gt 0 ] && [ "$(query 'SELECT count(*) FROM answer_follow')" = 1 ]
ok $? "stands, and $left of its findings are still to be marked"
for round in $(seq "$kills"); do
	serve_links || ok 1 "start $round"
	sleep "$(awk -v n="$round" 'BEGIN { srand(n); printf "%.3f", 0.9 + rand() / 3 }')"
	die
done
check "the node starts once more" serve_links
is "$(curl -s -o "$T/page" -w '%{http_code}' "$link" -d 'kind=not-ours&nonce=n1&words=none+of+them')" 303 "the same form again"
until_is "SELECT count(*) FROM answer_follow" 0
ok $? "all is marked"
is "$(query 'SELECT count(*) FROM answer')" 1 "one answer"
is "$(query 'SELECT findings FROM answer')" "$all" "about all of them"
is "$(query 'SELECT count(*) FROM answer_finding')" "$all" "each stands there"
is "$(query "SELECT count(*) FROM finding_mark WHERE mark = 2 AND by = 'answer:1' AND reason = 'not-ours, by link'")" "$all" "and is marked"
is "$(query "SELECT count(*) FROM ledger WHERE kind = 7")" 1 "the ledger has it once"
is "$(query "SELECT count(*) FROM journal WHERE act = 'answer'")" 1 "the journal too"
is "$(query "SELECT count(*) FROM outbox WHERE template = 'answer.arrived'")" 1 "and who has the duty"
stop_node
check "all is sound" r verify
done_testing
