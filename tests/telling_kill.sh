#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 at any moment while findings are told: cursor, rows and messages are of one transaction, so no finding stands
# in two messages and none is left untold; what the hook got twice was uncertain.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES
hook_pid=
end_all() {
	[ -z "$hook_pid" ] || kill "$hook_pid" 2>/dev/null
	finish
}
trap end_all EXIT
r() { ronda "$@" -d "$D"; }
rounds=${ROUNDS:-12} each=40
"$RONDA_BUILD/tests/helpers/ronda-hook" "$T/hooks" >"$T/port" &
hook_pid=$!
for _ in $(seq 1200); do
	[ ! -s "$T/port" ] || break
	sleep 0.05
done
HOOK=http://127.0.0.1:$(cat "$T/port")
send="--set send_messages=yes --set webhook_hosts=$HOOK --set send_pace=0s"
query() { sqlite3 -readonly "$D/main.db" "$1" 2>/dev/null; }
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
for n in 1 2 3 4; do
	printf '{"name":"House %s","kind":"constituent","contacts":[{"role":"abuse","webhook":"%s/ok","channel":"webhook"}],
		"constituency":[{"kind":"network","value":"198.18.%s.0/24"}]}' "$n" "$HOOK" "$n" >"$T/org"
	r organisation new --body "$T/org" >"$T/out" 2>"$T/err" || ok 1 "organisation $n"
done
check "live" r rehearsal live --all --why "a test"
check "a rule" r rule new title="DNS at once" types=vulnerable-system identifiers=open-dns pace=once pause=1s contact=abuse rank=1 cap=1000
check "is active" r rule move "$(sed -nE 's/^(rule-)?([0-9]+).*/\2/p' "$T/out" | head -1)" active --why "a test"

# Deliveries are taken while the node is down too; each round is killed somewhere between start and the end of telling.
for round in $(seq "$rounds"); do
	for i in $(seq $each); do
		printf '{"source.ip":"198.18.%d.%d","source.port":53,"classification.type":"vulnerable-system","classification.identifier":"open-dns","time.source":"%s"}\n' \
			$((i % 4 + 1)) $(((round - 1) * each / 4 + (i - 1) / 4 + 1)) "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
	done >"$T/events-$round.jsonl"
	r intake --feed local --format intelmq "$T/events-$round.jsonl" >"$T/out" 2>"$T/err" || ok 1 "delivery $round"
	# shellcheck disable=SC2086
	serve $send || ok 1 "start $round"
	sleep "$(awk -v n="$round" -v all="$rounds" 'BEGIN { srand(n); printf "%.3f", 0.02 + 3 * (n - 1) / all + rand() / 5 }')"
	kill -9 $node_pid
	wait $node_pid 2>/dev/null
	node_pid=
done
# shellcheck disable=SC2086
serve $send
ok $? "it starts once more"
for _ in $(seq 1200); do
	left=$(query "SELECT (SELECT count(*) FROM outbox WHERE state IN (1, 2, 3) AND driver = 'webhook') +
		(SELECT count(*) FROM tell WHERE next_us < strftime('%s', 'now') * 1000000) +
		(SELECT coalesce(max(seq), 0) FROM transition) > (SELECT coalesce(max(seq), 0) FROM cursor WHERE name = 'teller:rules')")
	[ "$left" != 0 ] || break
	sleep 0.05
done
is "$left" 0 "all is told"
is "$(query 'SELECT count(*) FROM finding')" $((rounds * each)) "findings"
is "$(query "SELECT count(DISTINCT item) FROM outbox_cover WHERE item LIKE 'finding--%'")" $((rounds * each)) "each is in a message"
is "$(query "SELECT count(*) FROM (SELECT item FROM outbox_cover GROUP BY item HAVING count(*) > 1)")" 0 "none in two"
is "$(query "SELECT count(*) FROM outbox WHERE driver = 'webhook' AND state NOT IN (4, 5)")" 0 "each was sent, or is uncertain"
messages=$(query "SELECT count(*) FROM outbox WHERE driver = 'webhook'")
unsure=$(query "SELECT count(*) FROM outbox WHERE driver = 'webhook' AND state = 5")
got=$(grep -c '^/ok' "$T/hooks")
echo "# $messages messages of $((rounds * each)) findings, $unsure uncertain, $got came to the hook"
[ "$got" -le "$messages" ] && [ "$got" -ge $((messages - unsure)) ]
ok $? "and nothing came twice"
stop_node
check "all is sound" r verify
done_testing
