#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is due, who is told, who takes note; a plan becomes tasks; outbox and ledger say what was.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES

r() { ronda "$@" -d "$D"; }
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
mkdir "$D/types"
cat >"$D/types/errand.json" <<'END'
{ "type": "errand", "version": 1, "title": "what", "label": { "en": "Errand" }, "plural": { "en": "Errands" },
  "fields": { "what": { "kind": "text", "max": 80, "required": ["*"], "label": { "en": "What" } } },
  "states": { "open": { "label": { "en": "Open" }, "to": { "done": { "roles": ["lead"] } } },
    "done": { "label": { "en": "Done" }, "closed": true } },
  "clocks": { "answer": { "label": { "en": "Answer" }, "start": ["open"], "stop": ["done"], "due": "PT1S",
    "tell": "lead", "escalate": [{ "after": "P1D", "to": "duty" }] } },
  "rights": { "read": { "lead": "all" }, "create": { "lead": "all" }, "edit": { "lead": "all" },
    "move": { "lead": "all" } },
  "list": { "columns": ["what"] } }
END

# --- due, told, noted ---
check "an errand" r errand new what="Call them"
check "and another" r errand new what="Write to them"
sleep 1.1
check "what is due" r due
has "$T/out" '^errand-1.*Call them' "names it"
check "only what is overdue" r due --within 0
has "$T/out" 'errand-2' "and both are"
check_fails 64 "a time that is none" r due --within soon
check "the node runs" serve
for _ in $(seq 600); do
	r notice list >"$T/out" 2>"$T/err"
	[ "$(grep -c 'Call them\|Write to them' "$T/out")" != 2 ] || break
	sleep 0.1
done
is "$(grep -c role:lead "$T/out")" 2 "both are told to the role"
n=$(grep 'Call them' "$T/out" | cut -f1)
check "a note is taken" r notice note "$n" --words "calling now"
check_fails 78 "once" r notice note "$n"
r notice list >"$T/out"
has_not "$T/out" 'Call them' "it waits no longer"
check_fails 66 "there is no other" r notice note 4711
check "the other moves on" r errand move 2 done
r notice list >"$T/out"
is "$(grep -c role: "$T/out")" 0 "and nobody need care any more"
r due --within 0 >"$T/out"
has "$T/out" '^errand-1' "what was noted is overdue all the same"
has_not "$T/out" 'errand-2' "what is done is not"

# --- outbox and ledger ---
check "the outbox" r outbox list --csv
has "$T/out" '"withdrawn"' "has what was called off"
has "$T/out" '"sent"' "and what was noted"
check "of one state" r outbox list --state sent --json
is "$(wc -l <"$T/out" | tr -d ' ')" 1 "one"
check "one message" r outbox show "$n" --json
has "$T/out" '"clock":"answer"' "says of which clock"
check_fails 78 "what was sent cannot be withdrawn" r outbox withdraw "$n" --why "too late"
check_fails 64 "a state that is none" r outbox list --state flown
check "the ledger" r ledger list --json
has "$T/out" '"kind":"receipt".*calling now' "has the receipt"
check "of one item" r ledger list --item errand-2 --csv
has "$T/out" '"withdrawn"' "says how it ended"
has_not "$T/out" '"receipt"' "and nothing of the other"
check "of one recipient" r ledger list --to role:duty
is "$(grep -c 'role:duty' "$T/out")" 0 "who got nothing"

# --- a plan becomes tasks ---
cat >"$T/plan" <<'END'
{"title":"When it burns","steps":[{"title":"Call the owner","role":"duty","after":"PT4H"},{"title":"Write it down"}]}
END
check "a plan" r plan new --body "$T/plan"
check "an incident" r incident new title="It burns" class=fraud severity=low summary="It burns"
check_fails 65 "a draft makes nothing" r plan make 1 --for incident-1
has "$T/err" "while it is 'draft'" "and says why"
check "it is put to use" r plan move 1 in-use
check_fails 65 "it is for something" r plan make 1
check "and makes tasks" r plan make 1 --for incident-1
is "$(grep -c '^task--' "$T/out")" 2 "one a step"
check_fails 78 "once" r plan make 1 --for incident-1
has "$T/err" "made already: 'task-1' and 1 more" "and names them"
r task list --csv >"$T/out"
has "$T/out" 'Call the owner' "they are in the list"
check_fails 66 "for what is not there nothing is made" r plan make 1 --for incident-9
check_fails 65 "an incident makes nothing" r incident make 1 --for incident-1

# --- in the browser ---
token=$(r token make "dash" --right operate --ceiling AMBER 2>/dev/null | head -1)
get() { curl -s -o "$T/page" -w '%{http_code}' -H "Authorization: Bearer $token" "$@"; }
is "$(get "$URL/notices.json")" 200 "the page of notices"
has "$T/page" '"rows":\[' "as JSON"
is "$(get "$URL/")" 200 "the watch board"
has "$T/page" '"notices":' "counts them"
is "$(curl -s -o /dev/null -w '%{http_code}' "$URL/notices.json")" 401 "not for anybody"
lead=$token
is "$(get -H 'Accept: text/html' "$URL/plan/1")" 404 "a token without an account sees no plan"
token=$(r token make "lead" --right operate --ceiling AMBER --account "Lead A" 2>/dev/null | head -1)
is "$(get -H 'Accept: text/html' "$URL/plan/1")" 200 "the plan's page"
has "$T/page" 'action="/plan/plan--[^"]*/make"' "has the button"
is "$(get -H 'Accept: text/html' "$URL/incident/1")" 200 "an incident's"
has "$T/page" "action=\"/plan/plan--[^\"]*/make\"" "offers the plans for its type"
check "a third errand" r errand new what="Look again"
for _ in $(seq 600); do
	get "$URL/notices.json" >/dev/null
	! grep -q 'Look again' "$T/page" || break
	sleep 0.1
done
has "$T/page" '"title":"Look again"' "becomes a notice on the page"
n=$(sed -nE 's/.*"id": ?([0-9]+),[^}]*"title": ?"Look again".*/\1/p' "$T/page" | head -1)
get -H 'Accept: application/json' "$URL/" >/dev/null
has "$T/page" '"due":2' "the watch board counts what is due"
has "$T/page" '"notices":1,' "and the notices"
is "$(get --data-urlencode "words=seen" "$URL/notices/$n")" 303 "a note on the page"
is "$(get --data-urlencode "words=seen" "$URL/notices/$n")" 409 "once there too"
get "$URL/notices.json" >/dev/null
has_not "$T/page" 'Look again' "and it is gone"
check "another incident" r incident new title="It smokes" class=fraud severity=low summary="It smokes"
post() { curl -s -o "$T/page" -w '%{http_code}' -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"; }
is "$(post -d '{"for":"incident-2"}' "$URL/plan/1/make")" 200 "a program makes tasks"
has "$T/page" '"made":\["task--[^]]*","task--[^]]*"\]' "and is told which"
is "$(post -d '{"for":"incident-2"}' "$URL/plan/1/make")" 409 "once"
is "$(post -d '{"for":"incident-9"}' "$URL/plan/1/make")" 404 "for what is there"
is "$(post -d '{"for":7}' "$URL/plan/1/make")" 400 "named as text"
is "$(post -d '{"for":"incident-2"}' "$URL/incident/1/make")" 400 "of what makes something"
token=$lead
is "$(post -d '{"for":"incident-2"}' "$URL/plan/1/make")" 404 "not by a token without roles"
stop_node

check "outbox and ledger agree" r verify
has "$T/out" 'outbox and ledger agree' "verify says so"
done_testing
