#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two versions of ronda: A has a type that B lacks, and a later version of one that B has, with a further field; A's events have
# fields that B does not know. B keeps all of it whole, through a kill, and shows it once it has the types; what B answers still
# names it.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
unset LANG LC_ALL LC_MESSAGES RONDA_DIR
trap finish EXIT
a() { word=$1; shift; ronda "$word" -d "$T/a" "$@"; }
b() { word=$1; shift; ronda "$word" -d "$T/b" "$@"; }
visit_type() {
	cat <<'END'
{ "type": "visit", "version": 1, "title": "who", "exchange": true, "offer": { "flow": "warnings" },
  "label": { "en": "Visit", "id": "Kunjungan" }, "plural": { "en": "Visits", "id": "Kunjungan" },
  "fields": {
    "who": { "kind": "text", "max": 80, "share": "open", "required": ["*"], "label": { "en": "Who", "id": "Siapa" } },
    "day": { "kind": "date", "share": "open", "label": { "en": "Day", "id": "Hari" } },
    "badge": { "kind": "text", "max": 20, "share": "open", "label": { "en": "Badge" } } },
  "states": { "asked": { "label": { "en": "Asked" }, "to": { "agreed": { "roles": ["duty", "lead"] } } },
    "agreed": { "label": { "en": "Agreed" }, "closed": true } },
  "rights": { "read": { "viewer": "all", "lead": "all" }, "create": { "lead": "all" }, "edit": { "lead": "all" }, "move": { "lead": "all" } },
  "list": { "columns": ["who", "day"], "filters": ["day"], "sort": "day" } }
END
}
# The built-in warning, a version on, with a field more.
warning_type() {
	awk '/"version":/ && !done { n = $0; gsub(/[^0-9]/, "", n); sub(/[0-9]+/, n + 1); done = 1 } { print }
		/"fields": *\{/ && !added { print "    \"rumour\": { \"kind\": \"text\", \"max\": 200, \"share\": \"open\", \"label\": { \"en\": \"Rumour\", \"id\": \"Kabar\" } },"; added = 1 }' \
		"$RONDA_SOURCE/src/record/types/warning.json"
}
check "two nodes, paired and agreed" two_nodes
kill "$a_pid"
wait "$a_pid" 2>/dev/null
mkdir -p "$T/a/types"
visit_type >"$T/a/types/visit.json"
warning_type >"$T/a/types/warning.json"
start_node "$T/a" --set "exchange_listen=127.0.0.1:$a_port"
ok $? "A has a type and a field that B lacks"
a_pid=$started

# --- a field ---
check "a warning with a field that B does not know" a warning new title="Patch it" urgency=act summary="Made up" advice="Patch it" \
	review_by=2030-01-01 rumour="heard at a gate" --tlp GREEN
check "is approved" a warning move 1 approved
check "and sent" a warning move 1 sent
w=$(a warning show 1 --json | sed -nE 's/.*"id": ?"(warning--[0-9a-f-]{36})".*/\1/p' | head -1)
has_warning() { b warning show "$w" --json >"$T/out" && grep -q "Patch it" "$T/out"; }
within 30 has_warning
ok $? "B has it"

# --- a type ---
check "a record of a type that B does not know" a visit new who="Team D" day=2026-12-01 badge=V-17 --tlp GREEN
check "is agreed" a visit move 1 agreed
v=$(a visit show 1 --json | sed -nE 's/.*"id": ?"(visit--[0-9a-f-]{36})".*/\1/p' | head -1)
b_has() { a trace "$1" | grep -q 'receipt.*Team B'; }
within 30 b_has "$v"
ok $? "B says that it has it"
b trace "$v" >"$T/out" 2>"$T/err"
ok $? "B knows where it came from"

# --- an event ---
printf '%s\n' '{"time.source":"2026-11-20T10:00:00+00:00","time.observation":"2026-11-20T10:00:00+00:00","classification.type":"vulnerable-system","classification.identifier":"open-telnet","source.ip":"198.18.0.9","source.port":23,"feed.name":"x","extra.shade":"blue","source.mood":"grim","weather":7}' \
	>"$T/events.json"
a intake --format intelmq "$T/events.json" >"$T/out" 2>"$T/err"
a events --json >"$T/out"
has "$T/out" blue "A has an event with fields of its own"
has_event() { [ "$(events_of "$T/b")" = 1 ]; }
within 30 has_event
ok $? "B has it"
b events --json >"$T/event"
for word in blue grim; do
	! grep -q "$word" "$T/out" || has "$T/event" "$word" "with '$word'"
done

# --- B learns ---
kill -9 "$b_pid"
wait "$b_pid" 2>/dev/null
mkdir -p "$T/b/types"
visit_type >"$T/b/types/visit.json"
warning_type >"$T/b/types/warning.json"
start_node "$T/b" --set "exchange_listen=127.0.0.1:$b_port"
ok $? "B is killed, and starts with what it lacked"
b visit show "$v" >"$T/out" 2>"$T/err"
ok $? "the record is there"
has "$T/out" "Team D" "whole"
has "$T/out" "V-17" "to its last field"
has "$T/out" "Agreed" "in its state"
b warning show "$w" >"$T/out" 2>"$T/err"
has "$T/out" "heard at a gate" "and the field of the warning"
check "B says something of it" b contribution new "about=$w" what=acted "title=We passed it on"
answered() { a contribution list | grep -q "We passed it on"; }
within 30 answered
ok $? "which is with A"
check "A corrects it" a warning edit 1 "rumour=heard at two gates"
corrected() { b warning show "$w" | grep -q 'two gates'; }
within 30 corrected
ok $? "B follows"
end_nodes
for n in a b; do
	check "what $n has is sound" ronda verify -d "$T/$n"
done
done_testing
