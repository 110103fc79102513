# SPDX-License-Identifier: Apache-2.0
# clock.sh: for scenarios that move the clock; to be read after lib.sh. Only a build with
# -Dtest_clock=true can (base/clock.h): ./test runs these on the sanitized one.
unset LANG LC_ALL LC_MESSAGES
if ! grep -qa RONDA_CLOCK_FILE "$RONDA_BUILD/ronda"; then
	skip "$(basename "$0" .sh)" "this build cannot move the clock"
	done_testing
fi
RONDA_CLOCK_FILE=$T/clock
export RONDA_CLOCK_FILE

at() { # it is that time now (UTC), for every process of the scenario
	echo $(($(date -ud "$1" +%s) - $(date +%s))) >"$T/clock.new"
	mv "$T/clock.new" "$T/clock"
}
r() { ronda "$@" -d "$D"; }
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
# Persons and their accounts: person NAME ROLES [FIELD=VALUE...]
person() {
	who=$1 roles=$2
	shift 2
	id=$(r person new name="$who" "$@" --json | sed -nE 's/.*"id": ?"(person--[^"]*)".*/\1/p' | head -1)
	r account new "$who" --roles "$roles" --person "$id" >/dev/null
}
# The first finding of such words, by id.
finding() { r findings "$@" --json | sed -nE 's/.*"id": ?"([0-9a-f]{32})".*/\1/p' | head -1; }
# What it concerns, in order: names with a comma between.
concerned() { # finding
	r findings --json | grep -F "\"id\":\"$1\"" | grep -oE '"organisation": ?"[^"]*"' |
		sed -E 's/.*: ?"(.*)"/\1/' | paste -sd, -
}
# Waits until as many messages of a template have been made, whatever became of them.
until_made() { # template, how many at least
	for _ in $(seq 600); do
		made_now=$(sqlite3 -readonly -cmd '.timeout 5000' "$D/main.db" "SELECT count(*) FROM outbox WHERE template = '$1'")
		[ "${made_now:-0}" -lt "$2" ] || return 0
		sleep 0.1
	done
	return 1
}
