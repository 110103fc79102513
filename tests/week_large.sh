#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A week of a CERT of forty: a ministry's page at a host abroad, an attack on a bank, a leak and its
# 72 hours, two persons where two are asked for. Everything in it is made up.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/clock.sh"

# --- the house: forty accounts, six kinds of work ---
at "2026-11-30 01:00"
ronda init "$D" --name "Team B" --country ID --team large --account "Admin A" >"$T/out" 2>"$T/err"
ok $? "a large team makes its node"
printf 'timezone = Asia/Jakarta\nbusiness_hours = Mon-Fri 08:00-17:00\nnetwork_overlay = %s\n' "$T/overlay" >>"$D/ronda.conf"
printf '198.18.0.0/16 64500 ID Telecom\n198.19.0.0/16 64503 SG Host Tiga\n' >"$T/overlay"
cat >"$T/dir.csv" <<'END'
name,kind,country,sector,networks,asns,domains,email,role,phone
Team B,csirt,ID,,,,.id,duty@team-b.example,24x7,
Team C,csirt,SG,,,,.sg,duty@team-c.example,24x7,
Bank Dua,constituent,ID,finance,198.18.1.0/24,,bank-dua.example,soc@bank-dua.example,abuse,+62 0000
Host Tiga,host,SG,,198.19.0.0/16,64503,,abuse@host-tiga.example,abuse,
Telecom,provider,ID,telecommunications,198.18.0.0/16,64500,,abuse@telecom.example,abuse,
Ministry of Works,agency,ID,government,198.18.9.0/24,,works.go.id,it@works.go.id,abuse,
Registry,registrar,ID,,,,go.id,desk@registry.example,abuse,
END
if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
	skip "a team of forty" "not root, or no setpriv"
	done_testing
fi
chmod 755 "$T"
# Each person works as the Unix user of his account, 64000 and up; the owner of the directory is Admin A.
as() { # number, ronda's words
	u=$((64000 + $1))
	shift
	setpriv --reuid="$u" --regid="$u" --clear-groups "$RONDA_BUILD/ronda" "$@" -d "$D"
}
check "the first lead is let in by one, with a notice" r account new "Lead 1" --roles "lead duty" --unix 64001
check "the node runs" serve
chmod 711 "$D"
make() { # number, name, roles
	r account new "$2" --roles "$3" --unix $((64000 + $1))
}
check_fails 75 "the next account waits for a second person" make 2 "Lead 2" "lead liaison"
i=2
while [ $i -le 40 ]; do
	case $i in
	2) echo "2 Lead:lead liaison" ;;
	[3-8]) echo "$i Duty:duty analyst" ;;
	9) echo "9 Auditor:auditor" ;;
	10) echo "10 Liaison:liaison" ;;
	11) echo "11 Care:protection" ;;
	*) echo "$i Analyst:analyst" ;;
	esac
	i=$((i + 1))
done >"$T/people"
while read -r n who; do
	make "$n" "${who%%:*} $n" "${who#*:}" >/dev/null 2>&1
done <"$T/people"
as 1 approval list -n 100 --json >"$T/asked"
is "$(grep -c '"state":"open"' "$T/asked")" 39 "thirty-nine wait"
sed -nE 's/.*"id": ?"?([0-9]+)"?,.*"state":"open".*/\1/p' "$T/asked" >"$T/ids"
while read -r n; do
	as 1 approval approve "$n" >/dev/null 2>"$T/err" || break
done <"$T/ids"
while read -r n who; do
	make "$n" "${who%%:*} $n" "${who#*:}" >/dev/null 2>"$T/err" || break
done <"$T/people"
is "$(r account list | wc -l)" 42 "then there are forty and the administrator"

as 2 directory import - <"$T/dir.csv" >"$T/out" 2>"$T/err"
ok $? "the directory"
as 9 directory import - <"$T/dir.csv" >"$T/out" 2>"$T/err"
is $? 77 "which an auditor does not change"
number_of() { as 2 organisation list --json | grep -F "\"title\":\"$1\"" | sed -nE 's/.*"number": ?([0-9]+).*/\1/p' | head -1; }
bank=$(number_of "Bank Dua") ministry=$(number_of "Ministry of Works")

# --- Tuesday: a ministry's page at a host abroad ---
at "2026-12-01 02:00"
cat >"$T/ministry.json" <<'END'
{"time.source":"2026-12-01T01:40:00Z","classification.type":"phishing","source.url":"http://apps.works.go.id/login","source.ip":"198.19.9.9"}
END
check "a page of the ministry asks for passwords" r intake "$T/ministry.json"
finding() { as 3 findings "$@" --json | sed -nE 's/.*"id": ?"([0-9a-f]{32})".*/\1/p' | head -1; }
concerned() { as 3 findings --json | grep -F "\"id\":\"$1\"" | grep -oE '"organisation": ?"[^"]*"' | sed -E 's/.*: ?"(.*)"/\1/' | paste -sd, -; }
f=$(finding --type phishing)
is "$(concerned "$f")" "Ministry of Works,Host Tiga,Registry,Team B,Team C" \
	"the ministry first, then the host, the registrar, we, and the CSIRT abroad"
check "it becomes an incident" as 3 incident from "$f" title="The ministry's page asks for passwords"
check_fails 66 "which the administrator does not see" r incident show 1
check "a person for the case" as 3 person new name="Analyst 20"
check "it is accepted" as 3 incident move 1 open

# --- Wednesday: an attack on a bank, from everywhere ---
at "2026-12-02 03:00"
awk 'BEGIN { for (i = 1; i <= 200; i++)
	printf "{\"time.source\":\"2026-12-02T02:%02d:00Z\",\"classification.type\":\"ddos\",\"source.ip\":\"198.19.%d.%d\",\"destination.ip\":\"198.18.1.5\",\"destination.port\":443}\n", i % 60, i / 100, i % 100 + 1 }' >"$T/ddos.json"
r intake --json "$T/ddos.json" >"$T/sum"
equation "$T/sum"
is "$n_accepted" 200 "two hundred sources"
f=$(finding --type ddos)
has_bank=$(concerned "$f")
case $has_bank in *"Bank Dua"*) true ;; *) false ;; esac
ok $? "the bank is concerned although it is the destination"
is "$(as 3 findings --org "$bank" --type ddos --json | grep -c .)" 200 "all of it is on the bank's list"
check "a saved question" as 4 question new title="Attack on Bank Dua" over=findings words="type=ddos"
check "one incident of it" as 4 incident new title="Attack on Bank Dua" class=availability rsit_type=ddos severity=high \
	summary="Two hundred sources" organisation="organisation-$bank" parts=critical spread=abroad active=yes
check "the rule says how grave it is" as 4 incident severity 2
has "$T/out" 'critical|high' "with its reason"
check "it is accepted" as 4 incident move 2 open
check "whom to call" as 4 duty call incident-2
has "$T/out" '\+62 0000' "the bank's desk"
check "the call is noted" as 4 duty call incident-2 --result reached --as abuse --phone "+62 0000" --words "provider filters"
check_fails 77 "an auditor calls nobody" as 9 duty call incident-2 --result reached --as abuse --phone "+62 0000"
check "but reads what was said" as 9 ledger list --item incident-2 --csv
has "$T/out" '"said"' "in the ledger"

# --- Thursday: a leak, and its 72 hours ---
at "2026-12-03 01:00"
check "a leak" as 5 incident new title="Customers' data on a forum" class=information-content-security rsit_type=data-leak \
	severity=high summary="A list is offered" organisation="organisation-$bank" parts=breach aware_at="2026-12-03 00:30"
check "it is accepted" as 5 incident move 3 open
check "when the 72 hours end" as 5 due --within 4d
has "$T/out" 'incident-3.*2026-12-06T00:30' "from when it was known, over the weekend"
check "it is given on" as 5 person new name="Duty 6"
at "2026-12-05 12:00"
as 1 notice list >"$T/out" 2>"$T/err"
has_not "$T/out" "Customers' data" "nobody is alarmed yet"
at "2026-12-06 00:31"
until_has "Customers' data" as 6 notice list
ok $? "when they end whoever has the watch is told"
at "2026-12-06 01:31"
until_has "Customers' data" as 1 notice list
ok $? "an hour later the leads"
check "the lead holds it for the authority" as 1 hold place --case incident-3 incident-3 --reason "the authority asks"

# --- the week's end ---
check_fails 77 "what is held nobody erases" as 1 incident erase 3 --why "no longer needed"
check_fails 77 "an analyst erases nothing" as 20 incident erase 3 --why "no longer needed"
check_fails 66 "the administrator finds no case" r incident show 3
as 2 journal list --json -n 5 >/dev/null 2>&1
check "the auditor reads the journal" as 9 journal list --json
has "$T/out" 'record\.' "with what was done"
stop_node
check "everything is sound" r verify
check "and the journal" r journal verify
done_testing
