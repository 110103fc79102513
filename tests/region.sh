#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Three teams on one machine, as `ronda demo region` makes them: what comes in with Team A and concerns Team C is with
# Team C; a warning above what was agreed goes to nobody; one that is withdrawn is withdrawn where it went, and who has not
# said so yet is named; a team that was away catches up.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES RONDA_DIR

region_pid=
end_all() {
	[ -z "$region_pid" ] || kill "$region_pid" 2>/dev/null
	[ -z "$region_pid" ] || wait "$region_pid" 2>/dev/null
	[ -z "${c_pid:-}" ] || kill "$c_pid" 2>/dev/null
	finish
}
trap end_all EXIT
free_port
team() { # number, command...
	n=$1
	shift
	ronda "$@" -d "$T/region/team-$n"
}
within() { # seconds, command...
	tries=$(($1 * 10))
	shift
	for _ in $(seq $tries); do
		! "$@" >"$T/out" 2>"$T/err" || return 0
		sleep 0.1
	done
	return 1
}
ronda demo region "$T/region" --nodes 3 --listen "127.0.0.1:$port" --every 1h --lines 60 >"$T/links" 2>"$T/log" &
region_pid=$!
there() { [ "$(wc -l <"$T/links")" = 3 ]; }
within 60 there
ok $? "three teams serve, paired, under agreements"
has "$T/links" '^Team C.*http://127.0.0.1:[0-9]+/login\?once=' "a link for each"

# --- a report ---
has_findings() { team 3 findings --json | grep -q '"key"'; }
within 30 has_findings
ok $? "what concerns Team C is with Team C"
team 3 count --by feed >"$T/out"
has "$T/out" '^partner-team-a' "from Team A"
f=$(team 1 findings --json | grep '"cc":"KH"' | sed -nE 's/.*"id": ?"([0-9a-f]{32})".*/\1/p' | head -1)
receipted() { team 1 trace "finding--$f" | grep -qE 'receipt.*Team C'; }
within 20 receipted
ok $? "its way, from report to receipt"
team 1 trace "finding--$f" >"$T/out"
has "$T/out" 'offered.*Team C' "was offered to Team C"
has_not "$T/out" "Team B" "and to nobody else"

# --- warnings ---
warn() { # number it gets, marking, title
	team 1 warning new title="$3" urgency=act summary="Made up" advice="Patch it" review_by=2030-01-01 --tlp "$2" &&
		team 1 warning move "$1" approved && team 1 warning move "$1" sent
}
check "a warning is sent" warn 1 GREEN "Patch the mail server"
reads() { team "$1" warning list --json | grep -q "$2"; }
within 20 reads 2 "Patch the mail server"
ok $? "Team B has it"
within 20 reads 3 "Patch the mail server"
ok $? "and Team C"
check "one above what was agreed" warn 2 AMBER+STRICT "Not for partners"
kept_back() { team 1 trace warning-2 | grep -q 'refused.*Team B'; }
within 20 kept_back
ok $? "is refused, in the ledger"
b=$(team 1 organisation list --json 'name=Team B' | sed -nE 's/.*"id": ?"(organisation--[0-9a-f-]{36})".*/\1/p' | head -1)
team 1 explain warning-2 --to "partner:$b" --by sync >"$T/out" 2>&1
has "$T/out" 'agree|AMBER' "with the rule in plain words"
! reads 2 "Not for partners" && ! reads 3 "Not for partners"
ok $? "it is with nobody"

# --- withdrawn while one is away ---
c_pid=$(pgrep -P "$region_pid" -f "team-3")
kill -STOP "$c_pid"
withdraw() { team 1 warning edit 1 withdrawn_because="It was none" && team 1 warning move 1 withdrawn --why "made up"; }
check "it is withdrawn" withdraw
withdrawn_by() { grep -q "receipt.*$1.*received: withdrawn" "$T/way"; }
half() { team 1 trace warning-1 >"$T/way"; withdrawn_by "Team B" && ! withdrawn_by "Team C"; }
within 20 half
ok $? "Team B has said that it knows, Team C has not"
kill -CONT "$c_pid"
c_pid=
whole() { team 1 trace warning-1 >"$T/way"; withdrawn_by "Team C"; }
within 40 whole
ok $? "then it has too"
! reads 3 "Patch the mail server"
ok $? "and has it no more"

# --- the end ---
kill -INT "$region_pid"
wait "$region_pid"
is $? 0 "it ends"
region_pid=
sleep 0.2
is "$(pgrep -f "$T/region/team-" | wc -l)" 0 "and all its nodes with it"
for i in 1 2 3; do
	check "what team $i has is sound" team $i verify
done
done_testing
