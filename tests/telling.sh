#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Findings are told to those concerned by rules: rehearsed first, then live, each once; a rebuild, a
# forgotten day, another directory and another start tell nothing again.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/servers.sh"
unset LANG LC_ALL LC_MESSAGES

hook_pid= sink_pid=
end_all() {
	[ -z "$hook_pid" ] || kill "$hook_pid" 2>/dev/null
	sink_stop
	finish
}
trap end_all EXIT

r() { ronda "$@" -d "$D"; }
"$RONDA_BUILD/tests/helpers/ronda-hook" "$T/hooks" >"$T/port" &
hook_pid=$!
for _ in $(seq 1200); do
	[ ! -s "$T/port" ] || break
	sleep 0.05
done
HOOK=http://127.0.0.1:$(cat "$T/port")
send="--set send_messages=yes --set webhook_hosts=$HOOK --set send_pace=0s"
# A relay that takes every mail, for what comes to ourselves in rehearsal.
if servers_can; then
	mkdir -m 777 "$T/sinks"
	chmod 711 "$T"
	sink_start -D "$T/sinks/mail"
	ok $? "a relay runs"
	send="$send --set mail_relays=smtp://127.0.0.1:$SINK_PORT --set mail_from=cert@example.org --set mail_rehearsal=watch@example.org"
fi
query() { sqlite3 -readonly "$D/main.db" "$1" 2>/dev/null; }
arrived() { grep -c "^/$1" "$T/hooks" 2>/dev/null; }
# Until this SQL gives this value; ten seconds at most.
until_is() { # SQL, value, name
	for _ in $(seq 1200); do
		[ "$(query "$1")" != "$2" ] || break
		sleep 0.05
	done
	is "$(query "$1")" "$2" "$3"
}
# All that is made has ended, and nothing is due now.
settled() {
	for _ in $(seq 1200); do
		left=$(query "SELECT (SELECT count(*) FROM outbox WHERE state IN (1, 2, 3) AND driver = 'webhook') +
			(SELECT count(*) FROM tell WHERE next_us < strftime('%s', 'now') * 1000000) +
			(SELECT coalesce(max(seq), 0) FROM transition) > (SELECT coalesce(max(seq), 0) FROM cursor WHERE name = 'teller:rules')")
		[ "$left" != 0 ] || return 0
		sleep 0.05
	done
	return 1
}

ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
is "$(query 'SELECT count(*) FROM rehearsal')" 0 "in rehearsal: no version before it sent"
organisation() { # name, path, network
	printf '{"name":"%s","kind":"constituent","country":"ID","contacts":[{"role":"abuse","webhook":"%s%s","channel":"webhook"}],
		"constituency":[{"kind":"network","value":"%s"}]}' "$1" "$HOOK" "$2" "$3" >"$T/org"
	r organisation new --body "$T/org" >"$T/out" 2>"$T/err"
}
organisation Alpha /ok 198.18.1.0/24
ok $? "an organisation"
organisation Beta /slow 198.18.2.0/24
event() { # address, type, identifier
	printf '{"source.ip":"%s","source.port":53,"classification.type":"%s","classification.identifier":"%s","time.source":"%s"}\n' \
		"$1" "$2" "$3" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
}

# --- rules ---
check "rules to begin with" r rule make-defaults
r rule list --csv >"$T/out"
has "$T/out" '"draft"' "are drafts: nothing is told by them"
check "a rule" r rule new title="DNS at once" types=vulnerable-system identifiers=open-dns pace=once pause=1s contact=abuse rank=1 cap=1000
rule=$(sed -nE 's/^(rule-)?([0-9]+).*/\2/p' "$T/out" | head -1)
event 198.18.1.7 vulnerable-system open-dns >"$T/old.jsonl"
check "a finding before there is a rule" r intake --feed local --format intelmq "$T/old.jsonl"
until_is "SELECT count(*) FROM finding" 1 "is kept"
check "the dry run" r rule dry-run "$rule"
has "$T/out" 'Alpha .*webhook' "says who would be told"
has "$T/out" '198.18.1.7' "and what"
is "$(query 'SELECT count(*) FROM outbox')" 0 "and makes no message"
check "it is active" r rule move "$rule" active --why "a test"

# --- rehearsal ---
# shellcheck disable=SC2086
check "the node serves" serve $send
event 198.18.1.8 vulnerable-system open-dns >"$T/one.jsonl"
check "another finding" r intake --feed local --format intelmq "$T/one.jsonl"
until_is "SELECT count(*) FROM outbox WHERE maker = 'teller:rules' AND state = 9" 1 "is rehearsed"
query "SELECT words FROM outbox"
is "$(arrived ok)" 0 "nothing goes to anybody"
if [ -n "$SINK_PORT" ]; then
	cat "$T"/sinks/* >"$T/sink"
	has "$T/sink" '^RCPT TO:<watch@example.org>|^X-Rcpt-Args: <watch@example.org>' "but to ourselves"
	has "$T/sink" '^Subject: .rehearsal for http://127.0.0.1:[0-9]+/ok' "with the true recipient in the subject"
else
	skip "a rehearsal by mail" "$servers_lack"
fi
is "$(query 'SELECT count(*) FROM finding_mark WHERE mark = 1')" 0 "and it does not count as told"
id() { query "SELECT 'finding--' || lower(hex(id)) FROM finding WHERE key LIKE 'ip $1 %'"; }
check "why" r explain "$(id 198.18.1.8)"
has "$T/out" 'Alpha.*rehears' "it was not told: rehearsal"
check "and the one before" r explain "$(id 198.18.1.7)"
has "$T/out" 'before the rule was active' "which is older than the rule"

# --- live ---
check "one is switched live" r rehearsal live --organisation organisation-1 --why "they agreed"
settled
is "$(arrived ok)" 0 "what is older is not told"
event 198.18.1.9 vulnerable-system open-dns >"$T/two.jsonl"
event 198.18.1.10 vulnerable-system open-dns >>"$T/two.jsonl"
event 198.18.2.9 vulnerable-system open-dns >>"$T/two.jsonl"
event 198.18.2.10 vulnerable-system open-ntp >>"$T/two.jsonl"
event 203.0.113.9 vulnerable-system open-dns >>"$T/two.jsonl"
check "more findings" r intake --feed local --format intelmq "$T/two.jsonl"
until_is "SELECT count(*) FROM outbox WHERE state = 4" 1 "one message"
is "$(arrived ok)" 1 "arrives"
grep '^/ok' "$T/hooks" | cut -f5 >"$T/body"
has "$T/body" '198.18.1.9.*198.18.1.10|198.18.1.10.*198.18.1.9' "with both findings"
has_not "$T/body" '198.18.1.8' "and not what was rehearsed"
has_not "$T/body" 'rule--' "nor by which rule"
is "$(arrived slow)" 0 "the other is not live"
until_is "SELECT count(*) FROM finding_mark WHERE mark = 1" 2 "both are marked told"
check "why" r explain "$(id 198.18.1.9)"
has "$T/out" 'Alpha.*DNS at once.*sent' "told by the rule"
check "another" r explain "$(id 198.18.2.10)"
has "$T/out" 'no active rule fits|another identifier' "not told: no rule"
check "and one of nobody" r explain "$(id 203.0.113.9)"
has "$T/out" 'nobody that the directory knows' "not told: nobody is known"
check "what is counted" r rule counts --csv
has "$T/out" '"no rule","1"' "nothing is silent"
has "$T/out" '"nobody","1"' "nothing"

# --- pages ---
r token make web --right operate --ceiling AMBER --personal --account "Lead A" >"$T/token" 2>&1
token=$(grep -o 'ronda_[A-Za-z0-9_-]*' "$T/token" | head -1)
page() { curl -s -H "Authorization: Bearer $token" -H "Accept: $2" "$URL$1" >"$T/out"; }
page "/findings/$(id 198.18.1.9 | sed 's/finding--//')" application/json
has "$T/out" '"telling":\[\{"title":"Alpha"' "the page of a finding says by which rule it was told"
page "/findings/$(id 198.18.1.9 | sed 's/finding--//')" text/html
has "$T/out" 'By the rules' "for people too"
page /rule/due application/json
has "$T/out" '"what":"no rule"' "the page of what is due says what was not told"
page "/rule/$rule/would-tell" text/html
has "$T/out" 'Nothing was sent' "the page of the dry run"
page /rehearsal text/html
has "$T/out" 'This node is in rehearsal' "the page of rehearsal"
has "$T/out" 'they agreed' "says who is live, and why"
curl -s -X POST -H "Authorization: Bearer $token" -d 'what=class&which=open-dns&to=back&why=no' "$URL/rehearsal" >"$T/out"
is "$(query "SELECT count(*) FROM rehearsal WHERE scope = 3")" 1 "a program switches"
check "and takes it back" r rehearsal live --class open-dns --why "yes"

# --- an inhibition ---
check "an inhibition" r inhibition new title="They move" organisation=organisation-1 reason="maintenance" \
	until="$(date -u -d '+2 days' +%Y-%m-%dT%H:%M:%SZ)"
check "in force" r inhibition move 1 active
event 198.18.1.20 vulnerable-system open-dns >"$T/three.jsonl"
check "a finding" r intake --feed local --format intelmq "$T/three.jsonl"
until_is "SELECT count(*) FROM tell WHERE state = 4" 1 "is inhibited"
check "why" r explain "$(id 198.18.1.20)"
has "$T/out" 'They move' "says by what"

# --- nothing tells again ---
settled
before=$(query 'SELECT count(*) FROM outbox')
check "a rebuild" r rebuild
check "another directory" r organisation edit 1 name="Alpha and Sons" timezone=Asia/Jakarta
organisation Gamma /slow 198.18.1.8/30
check "days are forgotten" r forget --before "$(date -u -d '-30 days' +%Y-%m-%d)"
sleep 1
settled
is "$(query 'SELECT count(*) FROM outbox')" "$before" "make no message"
stop_node
# shellcheck disable=SC2086
check "a second start" serve $send
sleep 1
settled
is "$(query 'SELECT count(*) FROM outbox')" "$before" "neither"
is "$(arrived ok)$(arrived slow)" 10 "one message arrived in all"
done_testing
