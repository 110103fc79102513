#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A sealed field from writing to reading: who is named opens it with his passphrase; nobody else, no
# dump, no search and no export does.
. "$RONDA_SOURCE/tests/lib.sh"
secret='a child of seven in the third village'
pass='seven rivers run north'

ronda init "$D" --name "Team B" --country ID --account "Lead A" >/dev/null 2>&1
incident() { ronda incident -d "$D" "$@"; }
check_fails 77 "nobody has a case key: nothing can be sealed" \
	incident new title="A case" class=other severity=high victim="$secret"
has "$T/err" 'case key' "and why is said"
printf '%s\n' "$pass" | ronda seal -d "$D" key >"$T/shares" 2>/dev/null
check "with a key it is" incident new title="A case" class=other severity=high victim="$secret"
incident show 1 >"$T/out"
has_not "$T/out" "$secret" "shown without passphrase it is cut"
has "$T/out" 'you may not see: victim' "which is said"
printf '%s\n' "$pass" | incident show 1 --case-key >"$T/out" 2>"$T/err"
has "$T/out" "$secret" "shown with it, it is there"
printf 'eight rivers run north\n' | incident show 1 --case-key >"$T/out" 2>"$T/err"
[ $? = 77 ]
ok $? "a wrong passphrase opens nothing"
has_not "$T/out" "$secret" "at all"

incident search village >"$T/out" 2>&1
has_not "$T/out" "A case" "no search finds it"
printf '%s\n' "$pass" | incident export --case-key >"$T/out" 2>&1
has_not "$T/out" "$secret" "no export holds it, not with the passphrase either"
incident list --json >"$T/out"
has_not "$T/out" "$secret" "no list"
incident history 1 >"$T/out"
has_not "$T/out" "$secret" "no history"
ronda journal -d "$D" list -n 1000 --json >"$T/out"
has_not "$T/out" "$secret" "no journal"
sqlite3 "$D/main.db" .dump >"$T/dump"
cat "$D"/main.db* >"$T/bytes"
grep -qaF '"sealed":' "$T/bytes"
ok $? "the database holds ciphertext"
for f in dump bytes; do
	has_not "$T/$f" "$secret" "the $f not the words"
	has_not "$T/$f" "$pass" "nor the passphrase"
	has_not "$T/$f" "$(sed -n 1p "$T/shares")" "nor a share"
done

# --- the administrator, and a lead who is not named ---
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$T"
	as() { u=$1; shift; setpriv --reuid="$u" --regid="$u" --clear-groups "$@"; }
	if as 65534 "$RONDA_BUILD/ronda" version >/dev/null 2>&1; then
		ronda account -d "$D" new "Administrator A" --roles administrator --unix 65534
		ronda account -d "$D" new "Lead B" --roles lead --unix 65533
		serve
		chmod 711 "$D"
		other() { printf '%s\n' "$pass" | as "$1" "$RONDA_BUILD/ronda" incident -d "$D" show 1 --case-key >"$T/out" 2>&1; }
		printf '%s\n' "$pass" | as 65534 "$RONDA_BUILD/ronda" seal -d "$D" key >/dev/null 2>&1
		printf '%s\n' "$pass" | as 65533 "$RONDA_BUILD/ronda" seal -d "$D" key >/dev/null 2>&1
		other 65534
		has_not "$T/out" "$secret" "an administrator with a key of his own does not see it"
		has_not "$T/out" "A case" "nor the case"
		other 65533
		has "$T/out" "A case" "a lead who is not named sees the case"
		has_not "$T/out" "$secret" "but not what is sealed"
		labels='{"tlp":"AMBER","named":["account:1","account:3"]}'
		incident edit 1 --labels "$labels" --why "Lead B joins" >"$T/out" 2>"$T/err"
		[ $? = 77 ]
		ok $? "to name him asks for the passphrase"
		printf '%s\n' "$pass" | incident edit 1 --case-key --labels "$labels" --why "Lead B joins" >"$T/out" 2>"$T/err"
		ok $? "with it he is named"
		other 65533
		has "$T/out" "$secret" "and reads it with his own passphrase"
		incident edit 1 --labels '{"tlp":"AMBER","named":["account:1"]}' --why "Lead B leaves" >"$T/out" 2>"$T/err"
		ok $? "he is taken off"
		other 65533
		has_not "$T/out" "$secret" "and reads it no more"
		chmod 700 "$D"
		stop_node
	else
		skip "other Unix users" "the program is where nobody can run it"
	fi
else
	skip "other Unix users" "only root can become one"
fi

# --- the passphrase is lost ---
(sed -n '2,3p' "$T/shares"; echo eight rivers run south) | ronda seal -d "$D" recover "Lead A" >"$T/out" 2>"$T/err"
ok $? "two shares make a new passphrase"
printf 'eight rivers run south\n' | incident show 1 --case-key >"$T/out" 2>"$T/err"
has "$T/out" "$secret" "that opens the case"
check "erased" incident erase 1 --why "the court says so"
printf 'eight rivers run south\n' | incident show 1 --case-key >"$T/out" 2>"$T/err"
has_not "$T/out" "$secret" "nobody opens it again"
is "$(sqlite3 "$D/main.db" 'SELECT count(*) FROM seal_wrap')" 0 "its keys are gone"
done_testing
