#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# People and their roles: from the first account of a node to what each may do on
# the command line.
. "$RONDA_SOURCE/tests/lib.sh"

ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" --json >"$T/out" 2>"$T/err"
ok $? "a node of a small team is made"
has "$T/out" '"team":"small","account":"Lead A"' "and says so"
is "$(ronda account -d "$D" list --json | sed -nE 's/.*"roles":"([^"]*)".*/\1/p')" \
	"viewer analyst duty lead liaison protection administrator" "who made it has all roles but the auditor's"
ronda init "$T/large" --name "Team C" --country MY --team large >"$T/out" 2>"$T/err"
is "$(ronda account -d "$T/large" list --json | sed -nE 's/.*"roles":"([^"]*)".*/\1/p')" administrator \
	"in a large team the administrator's"
check_fails 64 "a team is small or large" ronda init "$T/huge" --name "Team D" --country MY --team huge
[ ! -e "$T/huge" ]
ok $? "nothing is made then"
check_fails 65 "a name must be one" ronda init "$T/noname" --name "Team D" --country MY --account "$(printf 'a\tb')"
[ ! -e "$T/noname" ]
ok $? "nor then"

check "an account is made" ronda account -d "$D" new "Analyst A" --roles analyst
check_fails 78 "its name is its name however written" ronda account -d "$D" new "ANALYST a" --roles lead
check_fails 65 "a role must exist" ronda account -d "$D" new "Analyst B" --roles analyst,boss
has "$T/err" "there is no role 'boss'" "it is named"
check "roles change" ronda account -d "$D" roles "analyst a" analyst,liaison
check "an account is disabled" ronda account -d "$D" disable "Analyst A"
check "and enabled" ronda account -d "$D" enable "Analyst A"
ronda journal -d "$D" list --json >"$T/journal"
for act in account.make account.roles account.disable account.enable; do
	has "$T/journal" "\"$act\"" "$act is in the journal"
done
check_fails 66 "an account must exist" ronda account -d "$D" disable "Nobody A"

# --- a large team: the administrator runs the machine, and gives away no more than he has ---
check_fails 77 "an administrator makes no token for RED" \
	ronda token -d "$T/large" make x --right read --ceiling RED
check "but one for AMBER" ronda token -d "$T/large" make x --right read --ceiling AMBER

# --- roles are data ---
cat >"$D/roles.json" <<'END'
{ "press": { "label": { "en": "Press" }, "help": { "en": "Writes." }, "right": "signed-in" } }
END
check "a role of the node's own" ronda account -d "$D" new "Press A" --roles press
echo '{ "press": { "label": { "en": "Press" }, "help": { "en": "Writes." }, "might": true } }' >"$D/roles.json"
check_fails 65 "a bad file is refused" ronda account -d "$D" list
has "$T/err" 'roles.json: press: might: there is no such member' "by its place"
rm "$D/roles.json"
ronda account -d "$D" list --json >"$T/out"
has "$T/out" '"name":"Press A".*"roles":""' "a role that is gone gives nothing"

# --- other Unix users, while the node serves ---
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$T"
	as() { u=$1; shift; setpriv --reuid="$u" --regid="$u" --clear-groups "$@"; }
	if as 65534 "$RONDA_BUILD/ronda" version >/dev/null 2>&1; then
		serve
		is "$(stat -c %a "$D/sock")" 600 "the socket is the owner's"
		ronda account -d "$D" unix "Analyst A" 65534
		ronda account -d "$D" new "Duty A" --roles duty --unix 65533
		ronda account -d "$D" new "Auditor A" --roles auditor --unix 65532
		is "$(stat -c %a "$D/sock")" 666 "and others', when one has an account"
		chmod 711 "$D"
		check "an analyst counts" as 65534 "$RONDA_BUILD/ronda" count -d "$D"
		check_fails 77 "makes no feed" as 65534 "$RONDA_BUILD/ronda" feed -d "$D" list
		check_fails 77 "no account" as 65534 "$RONDA_BUILD/ronda" account -d "$D" list
		check_fails 77 "reads no journal" as 65534 "$RONDA_BUILD/ronda" journal -d "$D" list
		check "an auditor reads the journal" as 65532 "$RONDA_BUILD/ronda" journal -d "$D" list
		grep -q refusal "$T/out"
		ok $? "and finds the refusals there"
		check_fails 77 "a stranger does nothing" as 65531 "$RONDA_BUILD/ronda" count -d "$D"
		echo secret >"$T/secret"
		chmod 600 "$T/secret"
		check_fails 77 "a duty officer gets no file read by the node" \
			as 65533 "$RONDA_BUILD/ronda" intake -d "$D" "$T/secret"
		check_fails 77 "and makes no account" as 65533 "$RONDA_BUILD/ronda" account -d "$D" new X --roles lead
		check "an account is disabled while it works" ronda account -d "$D" disable "Analyst A"
		check_fails 77 "it does nothing more" as 65534 "$RONDA_BUILD/ronda" count -d "$D"
		chmod 700 "$D"
		stop_node
	else
		skip "other Unix users" "the program is where nobody can run it"
	fi
else
	skip "other Unix users" "only root can become one"
fi
done_testing
