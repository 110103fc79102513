#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A week of a team of three: a page abroad that imitates a bank, 300 addresses in a mail, a provider
# that does not answer, a night that does not wake up. Everything in it is made up.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/clock.sh"

# --- Monday: the team, its neighbours, its constituents ---
at "2026-11-30 07:55"
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a team of three makes its node"
printf 'timezone = UTC\nbusiness_hours = Mon-Fri 08:00-17:00\nnetwork_overlay = %s\nladder_sends = regulator\n' "$T/overlay" >>"$D/ronda.conf"
printf '198.18.0.0/16 64500 ID Telecom\n198.19.0.0/16 64503 SG Host Tiga\n' >"$T/overlay"
cat >"$T/dir.csv" <<'END'
name,kind,country,sector,networks,asns,domains,email,role,phone
Team B,csirt,ID,,,,.id,duty@team-b.example,24x7,
Team C,csirt,SG,,,,.sg,duty@team-c.example,24x7,
Bank Dua,constituent,ID,finance,198.18.1.0/24,,bank-dua.example,soc@bank-dua.example,abuse,
Host Tiga,host,SG,,198.19.0.0/16,64503,,abuse@host-tiga.example,abuse,+65 0000
Telecom,provider,ID,telecommunications,198.18.0.0/16,64500,,abuse@telecom.example,abuse,
Regulator,regulator,ID,,,,,watch@regulator.example,security,
END
check "the directory" r directory import "$T/dir.csv"
id_of() { r organisation list --json | grep -F "\"title\":\"$1\"" | sed -nE 's/.*"number": ?([0-9]+).*/\1/p' | head -1; }
telecom=$(id_of Telecom) regulator=$(id_of Regulator) bank=$(id_of "Bank Dua") host=$(id_of "Host Tiga")
check "the regulator stands above the provider" r organisation edit "$telecom" "regulator=organisation-$regulator"
person "Night B" "analyst duty"
person "Day C" "analyst duty"
lead=$(r person new name="Lead A" --json | sed -nE 's/.*"id": ?"(person--[^"]*)".*/\1/p' | head -1)
check "the first account gets its person" r account person "Lead A" "$lead"
check "a week is planned" r duty plan --from 2026-11-30 --weeks 1 --persons "Day C,Night B" --day 08:00-20:00 --night 20:00-08:00
check "with a lead on call" r duty plan --from 2026-11-30 --weeks 1 --persons "Lead A" --day 00:00-24:00 --role lead-on-call
at "2026-11-30 08:10"
check "the node runs" serve

# --- a page abroad that imitates a bank ---
cat >"$T/phishing.json" <<'END'
{"time.source":"2026-11-30T08:02:00Z","classification.type":"phishing","source.url":"http://bank-dua.login-page.example/a","source.ip":"198.19.4.4"}
END
check "the bank forwards a link" r intake "$T/phishing.json"
f=$(finding --type phishing)
is "$(concerned "$f")" "Host Tiga,Team C" "whoever hosts it is concerned, then the CSIRT of that country"
check "it becomes an incident" r incident from "$f" title="Page that imitates Bank Dua"
check "the bank is named" r incident link 1 related "organisation-$bank" --why "its page is imitated"
check "Day C takes it on" r incident edit 1 assignee=person-2
check "it is accepted" r incident move 1 open
check "whom to call" r duty call incident-1
has "$T/out" '\+65 0000' "the host's desk"
check "the host is called" r duty call incident-1 --result reached --as abuse --phone "+65 0000" --words "takes it down today"
r ledger list --item incident-1 --csv >"$T/out"
has "$T/out" '"said"' "the ledger knows what was said"
cat >"$T/phishing2.json" <<'END'
{"time.source":"2026-11-30T10:31:00Z","classification.type":"phishing","source.url":"http://bank-dua.login-page.example/a","source.ip":"198.19.4.4"}
END
at "2026-11-30 10:32"
check "it is reported again" r intake "$T/phishing2.json"
check "the timeline" r incident timeline 1
is "$(grep -c '	event	phishing' "$T/out")" 2 "has both events"
has "$T/out" 'call--' "and the call"
at "2026-11-30 15:00"
check "it is gone" r incident edit 1 outcome="Taken down by the host"
check "and resolved" r incident move 1 resolved
check "the same page again, on another host" r incident new title="Page that imitates Bank Dua" class=fraud severity=high \
	indicators='|bank-dua.login-page.example|http://bank-dua.login-page.example/a'
check "is known" r incident similar 2
has "$T/out" 'incident-1.*bank-dua.login-page.example' "with the reason"

# --- Tuesday: 300 addresses in a mail ---
at "2026-12-01 09:00"
awk 'BEGIN { for (i = 1; i <= 100; i++) print "198.18.1." i
	for (i = 1; i <= 100; i++) print "198.18.44." i
	for (i = 1; i <= 100; i++) print "198.19.7." i
	print "and so on" }' >"$T/pasted"
r who - <"$T/pasted" >"$T/out" 2>"$T/err"
is "$(grep -cE '^  198' "$T/out")" 300 "each of 300 pasted addresses is answered"
is "$(grep -cE '^[A-Z].*<' "$T/out")" 3 "grouped by the three who must act"
has "$T/err" "'and so on' is no address" "what is none is said"
printf 'header no\ncolumn 1 -> source.ip\nset classification.type = infected-system\nset malware.name = made-up\n' >"$T/pasted.map"
check "a feed for it" r feed add pasted --tlp GREEN --mapping "$T/pasted.map"
r intake --feed pasted --json "$T/pasted" >"$T/sum"
equation "$T/sum"
is "$n_accepted $n_quarantined" "300 1" "301 lines: 300 taken, one in quarantine"
check "a notification round" r round new title="Infected machines" kind=notification question="type=infected-system" \
	texts='en | Infected machines in your network | Please clean the machines below and tell us.' answer_by="2026-12-03 09:00"
r round dry-run 1 --json >"$T/out" 2>"$T/err"
ok $? "is tried first"
for own in "Bank Dua:198.18.1." "Telecom:198.18.44." "Host Tiga:198.19.7."; do
	grep -F "\"organisation\":\"${own%%:*}\"" "$T/out" >"$T/one" || grep -F "${own%%:*}" "$T/out" >"$T/one"
	has "$T/one" "$(printf %s "${own#*:}" | sed 's/\./\\./g')" "${own%%:*} is shown its own"
done
r round dry-run 1 | awk '/^--- /{n=$0} /^- ip/{print n, $0}' >"$T/texts"
is "$(grep -E '^--- Bank Dua' "$T/texts" | grep -cE '198\.18\.44|198\.19\.')" 0 "nobody is shown another's"
check "it is started" r round start 1
for _ in $(seq 600); do
	[ "$(rows 'round' r outbox list --item round-1)" -lt 3 ] || break
	sleep 0.1
done
is "$(rows 'round' r outbox list --item round-1)" 3 "one message for each of the three"
check "Bank Dua answers" r round answer 1 "organisation-$bank" --words "cleaned 100" --by "SOC"
check "the state of it" r round status 1
is "$(grep -c 'cleaned 100' "$T/out")" 1 "one answer, two open"

# --- Wednesday: a provider that does not answer ---
at "2026-12-02 09:00"
check "spam for weeks" r incident new title="Spam for weeks" class=abusive-content severity=low summary="Spam" organisation="organisation-$telecom"
check "it is taken on" r incident move 3 open
check "and waits for the provider" r incident move 3 waiting --why "the provider is to act"
until_has 'organisation--[^/]*/abuse' r outbox list --item incident-3
ok $? "the desk is told"

# --- Thursday: a night that does not wake up ---
token() { r token make "$1" --right operate --ceiling RED --personal --account "$1" 2>/dev/null | head -1; }
notices() { curl -s -H "Authorization: Bearer $1" "$URL/notices.json"; }
night=$(token "Night B") lead=$(token "Lead A")
at "2026-12-03 22:00"
check "a report at night" r incident new title="Shop is down" class=availability severity=high summary="The shop is down"
at "2026-12-04 02:00:30"
until_has 'Shop is down' notices "$night"
ok $? "the night is noticed"
at "2026-12-04 06:30"
until_has 'Shop is down' notices "$lead"
ok $? "nobody answers: the lead is"
n=$(notices "$lead" | sed -nE 's/.*"id": ?([0-9]+),[^}]*"title": ?"Shop is down".*/\1/p')
is "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $lead" -d 'words=on it' "$URL/notices/$n")" 303 \
	"who takes note"
check "and takes it on" r incident move 4 open

# --- the week after: up to the regulator ---
at "2026-12-07 10:00"
until_has 'management|ladder|/security' r outbox list --item incident-3
ok $? "three working days later the next step of the ladder is taken"
at "2026-12-14 10:00"
until_has 'organisation--[^/]*/security' r outbox list --item incident-3
ok $? "at last the regulator is told"
check "the history as one page" r duty ladder incident-3
check "the lead hands the week over" r duty handover --text "Spam of Telecom is with the regulator"
stop_node
check "everything is sound" r verify
check "and the journal" r journal verify
done_testing
