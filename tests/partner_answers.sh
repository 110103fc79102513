#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Between two nodes: what became of A's event at B comes back to A, once; what A takes back leaves B, with its finding; what B
# says of an item that is not its own changes nothing.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
A=$T/a B=$T/b
trap finish EXIT
field() { # name, file with one JSON object a line
	sed -nE "s/.*\"$1\": ?\"?([^\",}]*)\"?[,}].*/\1/p" "$2" | head -1
}
count_at() { ronda events -d "$1" list --limit 1000 --json 2>/dev/null | grep -c '"source.ip"'; }
has_events() { [ "$(count_at "$1")" = "$2" ]; }
report() { # first, count: lines about addresses of B's
	made x "$1" "$2" | ronda intake -d "$A" - >"$T/out" 2>"$T/err"
}


new_node a "Team A"
ok $? "node A"
new_node b "Team B"
ok $? "node B"
printf 'portal = yes\nsend_messages = yes\nsend_pace = 0s\n' >>"$B/ronda.conf"
start a
ok $? "A serves"
start b
ok $? "B serves"
line=$(ronda partner -d "$A" invite 2>"$T/err")
check "B accepts the invitation" ronda partner -d "$B" accept "$line"
check "A confirms" ronda partner -d "$A" confirm 1
check "B confirms" ronda partner -d "$B" confirm 1
of_b=$(org "$A" "Team B" 198.18.0.0/16)
of_a=$(org "$B" "Team A" 192.0.2.0/24)
printf '{"name":"Own house","kind":"constituent","contacts":[{"role":"abuse","channel":"portal","email":"abuse@example.org","confirmed":"2026-11-01"}],"constituency":[{"kind":"network","value":"198.18.0.0/16"}]}' >"$T/org"
check "B's constituent" ronda organisation -d "$B" new --body "$T/org"
check "A says whose the partner is" ronda partner -d "$A" edit 1 "organisation=$of_b"
check "B says whose the partner is" ronda partner -d "$B" edit 1 "organisation=$of_a"
for dir in "$A" "$B"; do
	o=$of_b
	[ "$dir" = "$A" ] || o=$of_a
	check "an agreement" ronda agreement -d "$dir" new title=MoU kind=memorandum "parties=$o" tlp_ceiling=AMBER flows=findings \
		from=2026-01-01 personal=yes
	check "in force" ronda agreement -d "$dir" move 1 in-force
done
check "B's messages go out" ronda rehearsal -d "$B" live --all --why "all of it is ours"
at_b() { [ "$(ronda events -d "$B" --limit 1000 --json 2>/dev/null | grep -c '"source.ip"')" = "$1" ]; }
report 1 20
within 30 at_b 20
ok $? "what A reports is at B"
found_at_b() { [ "$(ronda findings -d "$B" --limit 1000 --json 2>/dev/null | grep -c telnet)" = "$1" ]; }
within 30 found_at_b 20
ok $? "as findings"

# --- B tells whose they are, and he answers ---
url_b=$(head -1 "$T/b.address")
house=$(ronda organisation -d "$B" list name="Own house" --json | sed -nE 's/.*"id": ?"(organisation--[^"]*)".*/\1/p' | head -1)
ronda account -d "$B" new "Person B" --roles constituent --organisation "$house" >"$T/out" 2>"$T/err"
ok $? "a person of his"
token=$(ronda token -d "$B" make b --right read --ceiling AMBER --account "Person B" 2>/dev/null | head -1)
cat >"$T/round" <<END2
{"title":"Telnet","kind":"notification","question":"identifier=open-telnet to=all","answer_by":"$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)",
 "texts":[{"language":"en","subject":"Telnet is open","text":"Please close it."}]}
END2
check "a round" ronda round -d "$B" new --body "$T/round"
check "is begun" ronda round -d "$B" start 1
ask() { curl -s --max-time 20 -o "$T/page" -w '%{http_code}' -H "Authorization: Bearer $token" "$@"; }
has_message() {
	ask "$url_b/portal/messages.json" >/dev/null
	message=$(grep -oE '"(id|message)":[0-9]+' "$T/page" | head -1 | sed 's/.*://')
	[ -n "$message" ]
}
within 30 has_message
ok $? "he has a message"
is "$(ask -d '' "$url_b/portal/messages/$message/read")" 303 "which he opens"
ledger_a() { ronda ledger -d "$A" --limit 1000 --json 2>/dev/null >"$T/ledger"; }
said_at_a() { ledger_a; [ "$(grep -c "\"words\":\"$1" "$T/ledger")" -ge "$2" ]; }
within 30 said_at_a told 20
ok $? "A learns that each was told"
is "$(ask -d 'kind=fixed&nonce=n1&words=canary-inside' -H 'Accept: text/html' "$url_b/portal/messages/$message")" 303 "he answers: fixed"
within 30 said_at_a fixed 20
ok $? "A learns it"
sleep 2
ledger_a
is "$(grep -c '"words":"fixed' "$T/ledger")" 20 "once for each"
has_not "$T/ledger" canary-inside "not in his words"
finding_says() { ronda findings -d "$A" --json --limit 1 >"$T/out"; grep -q "fixed, by a partner" "$T/out"; }
within 30 finding_says
has "$T/out" 'fixed, by a partner' "and its findings say so"

# --- what is not his changes nothing ---
check "B's ledger" ronda ledger -d "$B" --json
has_not "$T/out" '"kind":"answer","driver":"sync"' "B was told nothing about its own"

# --- A takes it back ---
run=$(ronda feed -d "$A" reports --json 2>/dev/null | sed -nE 's/.*"id": ?([0-9]+).*/\1/p' | head -1)
check "A undoes the report" ronda feed -d "$A" undo "${run:-1}"
within 60 at_b 0
ok $? "it leaves B"
within 60 found_at_b 0
ok $? "and its findings, too"
report 100 5
within 30 at_b 5
ok $? "what comes afterwards comes"
done_testing
