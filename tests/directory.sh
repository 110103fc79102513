#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Organisations are records that route: a change is in force at once, on a node that serves too; one
# takes another's place and gives it back; a claim is proved by a token in a real DNS, approved, ended.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES

r() { ronda "$@" -d "$D"; }
# Whom WHAT concerns first, within five seconds: the served table follows its records.
whom() { # what, name expected, words
	for _ in $(seq 600); do
		r who "$1" --csv >"$T/out" 2>"$T/err"
		! sed -n 2p "$T/out" | grep -qF "\"$2\"" || break
		sleep 0.1
	done
	sed -n 2p "$T/out" | grep -qF "\"$1\",\"$2\""
	ok $? "$3"
}
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"

# --- a record routes ---
check "an organisation" r organisation new name="Agency One" kind=agency country=ID \
	contacts="abuse | Desk | desk@one.example" constituency="network | 198.18.1.0/24
domain | one.example"
whom 198.18.1.7 "Agency One" "is concerned with its network"
check_fails 65 "another cannot claim it" r organisation new name="Agency Two" kind=agency constituency="network | 198.18.1.0/24"
has "$T/err" "Constituency: row 1: net '198.18.1.0/24' is also claimed by 'Agency One'" "which is said at the row"
check_fails 65 "nor something that is none" r organisation new name="Agency Two" kind=agency constituency="network | 198.18.1.7/24"
has "$T/err" "is '198.18.1.0/24' meant" "with what is meant"
check "another one" r organisation new name="Agency Two" kind=agency country=ID
cat >"$T/more.csv" <<'END'
name,kind,country,networks,email
Agency One,agency,ID,198.18.1.0/24 198.18.2.0/24,desk@one.example
Bank Tiga,constituent,ID,198.18.3.0/24,soc@tiga.example
END
check "a file changes records" r directory import "$T/more.csv"
has "$T/out" '1 added, 1 changed' "one is new, one changed"
check "and again" r directory import "$T/more.csv"
has "$T/out" '0 added, 0 changed, 2 the same' "changes nothing"
whom www.one.example "Agency One" "what was written by hand stays"
check "the record says who did it" r organisation history 1
has "$T/out" 'account:1' "the caller, not the node"
r organisation show 1 >"$T/out"
has "$T/out" 'Desk' "what the file does not know stays"

# --- whom to call: hours, on the command line and the page ---
check "contacts with hours" r organisation edit 3 timezone=Asia/Jakarta regulator=organisation-2 \
	contacts="abuse | Desk | soc@tiga.example | +000-1 | Mon-Sun 00:00-00:01 | phone
point24 | Night | night@tiga.example | +000-2"
r who 198.18.3.1 --json >"$T/out"
has "$T/out" '"call":\{"role":"point24","name":"Night","channel":"phone","reach":"\+000-2","now":"open"' "who is there now"
check "an agreement" r agreement new title="MoU Tiga" kind=memorandum parties=organisation-3 tlp_ceiling=AMBER \
	flows=findings from=2020-01-01
check "in force" r agreement move 1 in-force
r token make web --right operate --ceiling AMBER --personal --account "Lead A" >"$T/token" 2>&1
token=$(grep -o 'ronda_[A-Za-z0-9_-]*' "$T/token" | head -1)
page() { curl -s -H "Authorization: Bearer $token" -H "Accept: $2" "$URL$1" >"$T/out"; }

# --- one takes another's place, while the node serves ---
check "the node serves" serve
page '/who?q=198.18.3.1' text/html
has "$T/out" '<a href="/organisation/organisation--[0-9a-f-]*">Bank Tiga</a>' "who links to the organisation"
has "$T/out" 'Call first: <b>Night point24</b> by phone: <b>\+000-2</b>' "and says whom to call"
page /organisation/3 application/json
has "$T/out" '"call":\{"name":"Night"' "the page says whom to call"
has "$T/out" '"agreements":\[\{"title":"MoU Tiga"' "and what agreement is in force"
has "$T/out" '"regulator":\{"title":"Agency Two"' "and who stands above it"
page /organisation/3 text/html
has "$T/out" 'Call first: <b>Night 24-hour contact</b>' "for people too"
curl -s -X POST -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
	-d '{"to":"organisation-2","from":"2026-12-01","why":"a page"}' "$URL/organisation/1/succeed" >"$T/out"
has "$T/out" '"moved":3' "a program hands over"
page /organisation/2 application/json
has "$T/out" '"predecessors":\[\{"title":"Agency One"' "which the page of the new one shows"
check "and back" r directory succeed 1 2 --back --why "not yet"
check "from the first of December" r directory succeed 1 2 --from 2026-12-01 --why "law 12"
r organisation show 1 --json >"$T/one"
r organisation show 2 --json >"$T/two"
today=$(date -u +%Y-%m-%d)
if expr "$today" \< 2026-12-01 >/dev/null; then
	has "$T/one" '"state":"active"' "the old one is active until then"
	whom 198.18.2.7 "Agency One" "and still concerned"
fi
has "$T/one" '"until":"2026-11-30"' "its rows end the day before"
has "$T/one" '"successor":"organisation--' "and it names its successor"
has "$T/two" '"from":"2026-12-01".*"source":"organisation--' "where they begin"
check "it is taken back" r directory succeed 1 2 --back --why "the law was withdrawn"
whom 198.18.2.7 "Agency One" "the old one has it again"
r organisation show 1 --json >"$T/one"
has_not "$T/one" '"until"' "without an end"
has_not "$T/one" '"successor"' "or a successor"
check_fails 65 "once" r directory succeed 1 2 --back --why "again"
check "from today" r directory succeed 1 2 --why "law 13"
whom 198.18.2.7 "Agency Two" "the new one is concerned at once"
r organisation show 1 --json >"$T/one"
has "$T/one" '"state":"former"' "the old one is former"
r directory list --csv >"$T/out"
has "$T/out" '"Agency Two","agency","ID".*"organisation--[0-9a-f-]*"' "the list names the records"
has_not "$T/out" 'Agency One' "and no longer in the list"
check "back once more" r directory succeed 1 2 --back --why "no"
whom 198.18.2.7 "Agency One" "it is the old one's"
check "as it was: today again" r directory succeed 1 2 --why "law 13"
whom www.one.example "Agency Two" "its domain too"
check_fails 65 "nobody follows himself" r directory succeed 2 2 --why x
check_fails 65 "a day that is none" r directory succeed 2 3 --from soon --why x
stop_node

# --- claims ---
check "a domain is claimed" r claim new organisation=organisation-3 kind=domain value=tiga.example from=2020-01-01
check "its token" r claim token 1
token=$(sed -n 's/.*TXT "\(.*\)"/\1/p' "$T/out")
has "$T/out" '^_ronda.tiga.example. IN TXT "ronda-claim=[0-9a-f]{32}"' "says what to publish"
check "another claim" r claim new organisation=organisation-3 kind=domain value=other.example
r claim token 2 >"$T/out"
has_not "$T/out" "$token" "has another token"
unbound=$(command -v unbound || echo /usr/sbin/unbound)
if [ -x "$unbound" ]; then
	free_port
	cat >"$T/unbound.conf" <<END
server:
	interface: 127.0.0.1@$port
	do-daemonize: no
	use-syslog: no
	logfile: ""
	chroot: ""
	username: ""
	directory: "$T"
	pidfile: ""
	module-config: "iterator"
	local-zone: "example." static
	local-data: '_ronda.tiga.example. TXT "something else"'
	local-data: '_ronda.tiga.example. TXT "$token"'
	local-data: '_ronda.other.example. TXT "ronda-claim=00000000000000000000000000000000"'
remote-control:
	control-enable: no
END
	"$unbound" -c "$T/unbound.conf" >"$T/unbound.log" 2>&1 &
	dns=$!
	trap 'kill $dns 2>/dev/null; finish' EXIT
	for _ in $(seq 1200); do
		[ -z "$(ss -Hlun "sport = :$port")" ] || break
		sleep 0.05
	done
	check_fails 66 "what is published for another proves nothing" r claim check 2 --set dns_server=127.0.0.1@$port
	has "$T/err" 'none of them' "which is said"
	check "the token is found" r claim check 1 --set dns_server=127.0.0.1@$port
	r claim show 1 --json >"$T/out"
	has "$T/out" '"state":"proved"' "so it is proved"
	has "$T/out" '"method":"dns".*"proved_on"' "by the DNS, today"
	check_fails 78 "once" r claim check 1 --set dns_server=127.0.0.1@$port
	kill $dns
	wait $dns 2>/dev/null
	check "a third" r claim new organisation=organisation-3 kind=domain value=silent.example
	check_fails 75 "nobody answers" r claim check 3 --set dns_server=127.0.0.1@$port
	has "$T/err" 'could not be looked up' "which is said"
else
	skip "proof by the DNS" "there is no unbound"
	check "by hand" r claim edit 1 method=letter
	check "proved" r claim move 1 proved
fi
whom a.tiga.example "(nobody known)" "what is proved is not yet approved"
check "it is approved" r claim move 1 approved
whom a.tiga.example "Bank Tiga" "and in force"
r organisation show 3 --json >"$T/out"
has "$T/out" "\"from\":\"$today\".*\"source\":\"claim--" "from today on, not from when it says"
sed -i '/^Agency/d' "$T/more.csv"
check "the file does not know of it" r directory import "$T/more.csv"
has "$T/out" '1 the same' "so nothing changes"
whom a.tiga.example "Bank Tiga" "and leaves it alone"
check "somebody else claims it" r claim new organisation=organisation-2 kind=domain value=tiga.example method=letter
n=$(sed -n 's/^claim-\([0-9]*\) .*/\1/p' "$T/out")
check "with a letter" r claim move "$n" proved
check_fails 65 "it cannot be approved beside the other" r claim move "$n" approved
has "$T/err" "also claimed by 'Bank Tiga'" "which is said"

# --- who is of that organisation sees its own records, and nothing that was told before ---
org=$(r organisation show 3 --json | grep -o '"id":"organisation--[0-9a-f-]*"' | head -1 | cut -d'"' -f4)
check "a person of the bank" r account new "Person T" --roles constituent --organisation "$org"
r token make tiga --right read --ceiling AMBER --account "Person T" >"$T/token" 2>&1
token=$(grep -o 'ronda_[A-Za-z0-9_-]*' "$T/token" | head -1)
serve
for path in /events /findings /who?q=198.18.3.1 /count; do
	is "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$URL$path")" 403 "nothing at $path"
done
page /claim/1 application/json
has "$T/out" '"state":"approved"' "their claim is theirs to see"
is "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$URL/claim/$n")" 404 "another's is not"
page /organisation/3 application/json
has "$T/out" '"title":"Bank Tiga"' "so is their organisation"
has_not "$T/out" 'findings?org' "without a word of findings"
stop_node

check "the first ends" r claim move 1 ended --why "sold"
whom a.tiga.example "(nobody known)" "and is out of force"
check "now it can" r claim move "$n" approved
whom a.tiga.example "Agency Two" "and the other has it"

# --- a description after RFC 2350 ---
check "our own team" r organisation new name="team b" kind=csirt country=ID timezone=Asia/Jakarta address="Jalan Satu 1" \
	mission="To help those who are attacked." contacts="point24 | Duty | duty@team-b.example | +000-9" \
	constituency="country | ID"
check "describes itself" r directory rfc2350
has "$T/out" '^2.7 Electronic mail address' "in the outline of RFC 2350"
has "$T/out" '^    point24: duty@team-b.example' "with its address"
has "$T/out" '^    country ID$' "its constituency"
has "$T/out" 'To help those' "its mission"
has "$T/out" 'Not stated' "and says what is missing"
check "another too" r directory rfc2350 3
has "$T/out" '^Bank Tiga: description' "by its number"
check_fails 66 "nobody" r directory rfc2350 4711
check "all is sound" r verify
done_testing
