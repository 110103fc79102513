#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The watch of a small team: a night that does not answer, a hand-over, a call, a provider that never
# answers. The clock is moved; a build that cannot says so.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES
r() { ronda "$@" -d "$D"; }
if ! grep -qa RONDA_CLOCK_FILE "$RONDA_BUILD/ronda"; then
	skip "the watch over a week" "this build cannot move the clock"
	done_testing
fi
RONDA_CLOCK_FILE=$T/clock
export RONDA_CLOCK_FILE
at() { # it is that time now
	echo $(($(date -ud "$1" +%s) - $(date +%s))) >"$T/clock.new"
	mv "$T/clock.new" "$T/clock"
}
# Waits until the output of a command has what is looked for; leaves it in $T/out.
until_has() { # extended regular expression, command...
	want=$1
	shift
	for _ in $(seq 600); do
		"$@" >"$T/out" 2>"$T/err"
		! grep -qE -- "$want" "$T/out" || return 0
		sleep 0.1
	done
	return 1
}
# Counts what a list has: rows EXPRESSION command...
rows() {
	what=$1
	shift
	"$@" 2>/dev/null | grep -cE -- "$what"
}

at "2026-12-01 19:00"
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
for name in "Day B" "Night C" "Second D" "Lead E"; do
	r person new name="$name" >/dev/null 2>&1
done
check "the night's person is paged by two ways" r person edit 2 pages=webhook,sms \
	pager_webhook=https://pager.example.org/night pager_sms=+62000000
account() { # name, roles, number of its person
	id=$(r person show "$3" --json | sed -E 's/.*"id":"(person--[^"]*)".*/\1/' | head -1)
	r account new "$1" --roles "$2" --person "$id" >/dev/null 2>"$T/err"
}
account "Day B" duty 1
ok $? "accounts know their persons"
account "Night C" duty 2
account "Second D" duty 3
account "Lead E" "lead duty" 4

# --- the roster ---
check "nobody is on duty yet" r duty now
has "$T/err" 'nobody is on duty' "and it says so"
check "a plan is tried" r duty plan --from 2026-12-01 --weeks 1 --persons "Day B,Night C" \
	--day 08:00-20:00 --night 20:00-08:00 --dry-run --csv
is "$(grep -c '"night"\|^night' "$T/out")" 7 "seven nights"
r shift list >"$T/out" 2>&1
has_not "$T/out" 'night' "nothing was made"
check "and made" r duty plan --from 2026-12-01 --weeks 1 --persons "Day B,Night C" \
	--day 08:00-20:00 --night 20:00-08:00
has "$T/out" '14 shifts added' "fourteen shifts"
run=$(sed -nE 's/^run ([0-9]+);.*/\1/p' "$T/out")
check "it can be taken back" r shift import undo "$run"
r duty list --from 2026-12-01 >"$T/out"
has_not "$T/out" 'shift-' "nobody is planned then"
check "made again" r duty plan --from 2026-12-01 --weeks 2 --persons "Day B,Night C" \
	--day 08:00-20:00 --night 20:00-08:00
check "a second for the nights" r duty plan --from 2026-12-01 --weeks 2 --persons "Second D" \
	--night 20:00-08:00 --role second
check "a lead on call" r duty plan --from 2026-12-01 --weeks 2 --persons "Lead E" \
	--day 00:00-24:00 --role lead-on-call
check "who is on duty" r duty now
has "$T/out" 'first.*Day B' "the day"
has "$T/out" 'lead-on-call.*Lead E' "and the lead"
has_not "$T/out" 'Second D' "the second comes at night"
check "who is next" r duty next
has "$T/out" 'first.*Night C' "the night"
check "gaps are found" r duty check --from 2026-12-01 --days 21
has "$T/out" 'gap.first.2026-12-15T08:00' "the week after has nobody"
check_fails 66 "somebody who is not there" r duty plan --persons "Nobody" --day 08:00-20:00
check_fails 64 "hours that are none" r duty plan --persons "Day B" --day 8-20
check "the roster as a calendar" r duty ical --from 2026-12-01 --days 7
has "$T/out" '^BEGIN:VCALENDAR' "in iCalendar's form"
has "$T/out" '^DTSTART:20261201T200000Z' "with the night's beginning"
is "$(grep -c '^BEGIN:VEVENT' "$T/out")" 28 "every shift in it"

# --- the night does not answer ---
check "the node runs" serve
token() { r token make "$1" --right operate --ceiling RED --personal --account "$1" 2>/dev/null | head -1; }
day=$(token "Day B") night=$(token "Night C") second=$(token "Second D") lead=$(token "Lead E")
get() { curl -s -o "$T/page" -w '%{http_code}' -H "Authorization: Bearer $1" "$URL$2"; }
notices() { curl -s -H "Authorization: Bearer $1" "$URL/notices.json"; }
at "2026-12-01 22:00"
at "2026-11-28 00:00"
check "before the first shift" r incident new title="Too early" class=other severity=low summary="Early"
at "2026-11-28 04:30"
until_has 'Too early.*on-duty: nobody was' r notice list
ok $? "nobody on duty: the role is told, and why"
check "it is taken on" r incident move 1 open
at "2026-12-01 22:00"
check "a report comes at night" r incident new title="Shop is down" class=availability severity=high \
	summary="The shop is down"
at "2026-12-02 02:00:30"
until_has 'Shop is down' notices "$night"
ok $? "four hours later the night is noticed"
has_not "$T/out" 'role:duty' "in person, not by role"
until_has 'duty.page' r outbox list --driver webhook
ok $? "and paged by webhook"
until_has 'duty.page' r outbox list --driver sms
ok $? "and by text message, a little later"
r outbox list --driver sms --csv >"$T/out"
has "$T/out" '2026-12-02T02:03' "not at once"
notices "$second" >"$T/out"
has_not "$T/out" 'Shop is down' "the second sleeps"
at "2026-12-02 03:00:30"
until_has 'Shop is down' notices "$second"
ok $? "an hour later the second is noticed"
notices "$lead" >"$T/out"
has_not "$T/out" 'Shop is down' "the lead sleeps"
at "2026-12-02 06:00:30"
until_has 'Shop is down' notices "$lead"
ok $? "then the lead"
is "$(rows 'Shop is down' notices "$night")" 1 "nobody is told twice"
n=$(notices "$lead" | sed -nE 's/.*"id": ?([0-9]+),[^}]*"title": ?"Shop is down".*/\1/p')
is "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $lead" \
	-d 'words=on it' "$URL/notices/$n")" 303 "who answers through the API"
r outbox list --driver sms --csv >"$T/out"
has_not "$T/out" '"queued"' "and no pager rings any more"
check "it is taken on" r incident move 2 open
is "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $night" -d 'x=1' "$URL/duty/take")" 303 \
	"the night says that it is there"
is "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $night" -d 'x=1' "$URL/duty/take")" 409 "once"
check_fails 66 "who has no shift cannot" r duty take

# --- hand-over ---
check "another report" r incident new title="Mail leaks" class=fraud severity=low summary="Mail leaks"
at "2026-12-02 07:59"
at "2026-12-02 10:02"
until_has 'Mail leaks' notices "$day"
ok $? "what is due in the day goes to the day"
at "2026-12-02 19:50"
is "$(curl -s -o "$T/page" -w '%{http_code}' -H "Authorization: Bearer $day" -d 'text=Watch the mail' \
	"$URL/duty/handover")" 303 "the day writes the hand-over"
check "it has what is open" r handover show 1 --json
has "$T/out" '"item":"incident-3"' "the report"
has "$T/out" 'Watch the mail' "and the words"
get "$day" /duty.json >/dev/null
has "$T/page" '"part":"sign",[^}]*"count":1' "the board says that it is to be signed"
has "$T/page" '"part":"notices",[^}]*"count":1' "and what waits"
is "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $night" -d 'x=1' \
	"$URL/duty/sign/handover-1")" 303 "the night signs it"
until_has 'Mail leaks' notices "$night"
ok $? "what was noticed to the day is noticed to the night"
notices "$day" >"$T/out"
has_not "$T/out" 'Mail leaks' "and no more to the day"
check "who is on duty now" r duty now
has "$T/out" 'Night C.*yes$' "the night, before its time"
has_not "$T/out" 'Day B' "not the day"
r notice list >"$T/out"
has_not "$T/out" 'handover' "the leads need not know"
check_fails 66 "there is no other" r duty sign 9

# --- the board and the calendar in the browser ---
is "$(curl -s -o "$T/page" -w '%{http_code}' -H "Authorization: Bearer $day" -H 'Accept: text/html' \
	"$URL/duty")" 200 "the board as a page"
has "$T/page" 'Night C' "names who is on"
is "$(curl -s -o "$T/page" -w '%{http_code}' -u "calendar:$day" "$URL/duty.ics")" 200 "the calendar with a token"
has "$T/page" 'BEGIN:VEVENT' "has shifts"
is "$(curl -s -o /dev/null -w '%{http_code}' "$URL/duty.ics")" 401 "not for anybody"
is "$(curl -s -o /dev/null -w '%{http_code}' -u "calendar:$day" -d 'x=1' "$URL/duty/handover")" 401 \
	"a name and a password change nothing"
check "the board in the shell" r duty board --json
has "$T/out" '"part":"waiting"' "as JSON"

# --- a call ---
check "an organisation" r organisation new --body - <<'END'
{"name":"Provider X","kind":"provider","constituency":[{"kind":"network","value":"198.18.0.0/15","role":"network"}],"contacts":[
 {"role":"abuse","name":"Desk","email":"abuse@provider.example","channel":"mail","order":1},
 {"role":"management","name":"Manager M","phone":"+62 0001","channel":"phone","order":2}]}
END
check "a regulator" r organisation new --body - <<'END'
{"name":"Regulator R","kind":"regulator","contacts":[
 {"role":"security","name":"Watch","email":"watch@regulator.example","channel":"mail"}]}
END
check "it stands above" r organisation edit 1 regulator=organisation-2
check "the provider's incident" r incident new title="Phishing host" class=fraud severity=high \
	summary="A bank is imitated" organisation=organisation-1 internal="whom we suspect"
check "before the call" r duty call incident-4 --csv
has "$T/out" 'Manager M.*yes.*internal' "whom, and what may not be said"
check "nobody answers" r duty call incident-4 --result no-answer --phone "+62 0001" --as management
r ledger list --item incident-4 --csv >"$T/out"
has_not "$T/out" 'phone' "nothing was said"
r organisation show 1 --json >"$T/out"
has "$T/out" '"unanswered":1' "and the card counts it"
check "he is reached" r duty call incident-4 --result reached --phone "+62 0001" --as management \
	--words "will look at it" --json
has "$T/out" '"told":true' "he was told"
has "$T/out" '"confirmed":true' "his number is right"
r ledger list --item incident-4 --csv >"$T/out"
has "$T/out" '"said".*phone.*management' "the ledger has it"
has "$T/out" 'internal' "and what was not to be said"
r organisation show 1 --json >"$T/out"
has "$T/out" '"confirmed":"2026-12-02"' "and the card the day"
check "a RED one" r incident new title="Secret matter" class=fraud severity=high \
	summary="Nobody knows" organisation=organisation-1 --tlp RED
check "before that call" r duty call incident-5
has "$T/err" 'nothing of it may be said' "nothing may be said"
is "$(curl -s -o "$T/page" -w '%{http_code}' -H "Authorization: Bearer $day" -H 'Accept: text/html' \
	"$URL/duty/call?about=incident-4")" 200 "the form"
has "$T/page" 'Manager M' "has the number"
has "$T/page" 'Not to be said: <b>internal' "and what may not be said"
is "$(curl -s -o "$T/page" -w '%{http_code}' -H "Authorization: Bearer $day" -F about=incident-4 \
	-F 'whom=management|+62 0001|Manager M' -F result=left-message "$URL/duty/call")" 303 "the second click notes it"
is "$(rows 'about call--' r incident show 4)" 3 "the incident has its calls"
made scan_telnet 0 3 >"$T/2026-11-20-scan_telnet-test.csv"
check "reports of a scan" r intake "$T/2026-11-20-scan_telnet-test.csv"
until_has '"id":"[0-9a-f]*"' r findings --json
finding=$(sed -nE '1s/.*"id":"([0-9a-f]+)".*/\1/p' "$T/out")
check "before a call about a finding" r duty call "finding--$finding"
has "$T/out" 'Manager M.*yes' "it may be told"
check "before one to those it does not concern" r duty call "finding--$finding" --organisation organisation-2
has "$T/err" 'nothing of it may be said' "nothing may be said"
check "and the call" r duty call "finding--$finding" --organisation organisation-1 --result left-message --json
has "$T/out" '"told":true' "stands in the ledger"
r ledger list --item "finding--$finding" --csv >"$T/out"
has "$T/out" '"said".*phone' "of the finding"
check "a task with a due time" r task new title="Call them" due_by="2026-12-02 18:00" parent=incident-4
until_has 'Call them' notices "$night"
ok $? "is noticed"
check "a call about it" r duty call task-1 --organisation organisation-1 --result reached --json
has "$T/out" '"clocks":1' "stops its ladder"

# --- a provider that never answers ---
check "a fourth" r incident new title="Spam for weeks" class=abusive-content severity=low \
	summary="Spam" organisation=organisation-1
check "it is taken on" r incident move 6 open
check_fails 65 "what waits for nobody has no ladder" r duty ladder task-1
check "its ladder" r duty ladder incident-6
has "$T/err" 'desk.*when it waits' "begins at the desk"
check "it waits for the provider" r incident move 6 waiting --why "provider is to act"
until_has 'organisation--[^/]*/abuse' r outbox list --item incident-6
ok $? "the desk is written to"
steps() { r outbox list --item incident-6 --csv | grep -c ladder; }
at "2026-12-04 19:00"
sleep 1
is "$(steps)" 1 "two working days later nothing more"
at "2026-12-08 09:00"
until_has 'ladder.call' r outbox list --item incident-6
ok $? "after three working days somebody is to call the manager"
check "nobody answers" r duty call incident-6 --result no-answer --phone "+62 0001" --as management
at "2026-12-10 12:00"
sleep 1
is "$(rows 'regulator|organisation--[^/]*/security' r outbox list --item incident-6)" 0 "the regulator not yet"
at "2026-12-11 12:00"
until_has 'ask the regulator' notices "$day"
ok $? "then who is on duty is asked to tell the regulator"
is "$(rows '/security' r outbox list --item incident-6)" 0 "nothing goes there by itself"
check "its ladder says so" r duty ladder incident-6
has "$T/err" 'regulator.*not yet done' "and that it is not done"
at "2026-12-17 12:00"
until_has 'not done yet: ask the regulator' r notice list
ok $? "nobody does it: the lead is told"
at "2026-12-31 12:00"
sleep 1
is "$(steps)" 4 "once"
check "he calls the regulator" r duty call incident-6 --organisation organisation-2 --as security --result reached
check "the whole of it" r duty ladder incident-6
has "$T/err" 'the regulator has been told' "there is no further step"
is "$(get "$day" "/duty/ladder.json?about=incident-6")" 200 "on one page"
has "$T/page" '"what":"tried"' "with the call"
stop_node
check_fails 65 "a step that there is not" ronda serve -d "$D" --set listen=127.0.0.1:0 --set ladder_sends=minister
check "the node runs again, and may tell a regulator by itself" serve --set ladder_sends=regulator
at "2027-01-20 12:00"
sleep 1
is "$(steps)" 4 "nothing is told twice after a restart"
check "moved on" r incident move 6 open
check "and waiting again" r incident move 6 waiting --why "they promised"
sleep 1
is "$(steps)" 4 "the ladder knows who was asked"
check "another one" r incident new title="Spam again" class=abusive-content severity=low \
	summary="Spam" organisation=organisation-1
check "it is taken on" r incident move 7 open
check "and waits" r incident move 7 waiting --why "provider is to act"
until_has 'organisation--[^/]*/abuse' r outbox list --item incident-7
ok $? "the desk is written to"
check "the manager does not answer" r duty call incident-7 --result no-answer --phone "+62 0001" --as management
at "2027-01-26 12:00"
until_has '/security' r outbox list --item incident-7
ok $? "and the regulator is written to"
at "2027-01-21 12:00"
check "one more hand-over" r duty handover --text "by Lead A"
check "whoever writes it may sign it in a small team" r duty sign 2
r notice list >"$T/out"
has "$T/out" 'role:lead.*handover--' "and the leads know"
stop_node
check "outbox and ledger agree" r verify
done_testing
