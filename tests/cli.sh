#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command line itself: options, exit codes, JSON of every command, tables on
# a terminal and in a pipe, completion.
. "$RONDA_SOURCE/tests/lib.sh"
# Each line of a file is JSON, or all of it is.
all_json() {
	[ "$(sqlite3 :memory: "SELECT json_valid(readfile('$1'))")" = 1 ] && return 0
	[ -s "$1" ] || return 1
	while IFS= read -r line; do
		printf '%s' "$line" >"$T/line"
		[ "$(sqlite3 :memory: "SELECT json_valid(readfile('$T/line'))")" = 1 ] || return 1
	done <"$1"
}
json() { # name, command...
	name=$1
	shift
	"$@" --json >"$T/out" 2>"$T/err"
	code=$?
	[ $code = 0 ] || [ $code = 65 ] || echo "# exit $code"
	all_json "$T/out"
	ok $? "$name: JSON"
}
json_type() { # line, key: the type of its value
	printf '%s' "$1" >"$T/line"
	sqlite3 :memory: "SELECT json_type(readfile('$T/line'), '\$.$2')"
}

json init ronda init "$D" --name 'Team "B"' --country ID
json version ronda version
json check ronda check -d "$D"
made scan_telnet 0 60 >"$T/2026-11-20-scan_telnet-a.csv"
echo '"not a time",high,198.18.0.1,tcp,23,,,,,,,,,' >>"$T/2026-11-20-scan_telnet-a.csv"
printf '"not a time",high,"\001\033[31m",tcp,23,,,,,,,,,\n' >>"$T/2026-11-20-scan_telnet-a.csv"
json intake ronda intake -d "$D" "$T/2026-11-20-scan_telnet-a.csv"
printf 'name,kind,country,sector,networks,asns,domains,email,role\nBank "Dua",constituent,ID,finance,198.18.0.0/24,,bank-dua.example,soc@bank-dua.example,abuse\n' >"$T/dir.csv"
json "directory import" ronda directory -d "$D" import "$T/dir.csv"
json "directory list" ronda directory -d "$D" list
is "$(json_type "$(cat "$T/out")" id)" integer "an id is a number"
json who ronda who -d "$D" 198.18.0.7 AS64500
json events ronda events -d "$D" --limit 5
is "$(wc -l <"$T/out")" 5 "--limit is kept"
json findings ronda findings -d "$D" --limit 5
is "$(wc -l <"$T/out")" 5 "--limit is kept"
id=$(head -1 "$T/out" | sed -nE 's/.*"id": ?"([0-9a-f]{32})".*/\1/p')
json "findings mark" ronda findings -d "$D" mark "$id" told --reason 'called "them"'
json count ronda count -d "$D" --by day,type
json "quarantine list" ronda quarantine -d "$D" list
is "$(wc -l <"$T/out") $(json_type "$(head -1 "$T/out")" line)" "2 integer" "its numbers are numbers"
is "$(ronda quarantine -d "$D" list --json --limit 1 | wc -l)" 1 "--limit is kept"
json "quarantine show" ronda quarantine -d "$D" show 2
json "quarantine retry" ronda quarantine -d "$D" retry
json "feed add" ronda feed -d "$D" add scans --tlp GREEN --period 1d
json "feed list" ronda feed -d "$D" list
line=$(head -1 "$T/out")
case $(json_type "$line" on) in true | false) ok 0 "truth is truth" ;; *) ok 1 "truth is truth" ;; esac
json "feed undo" ronda feed -d "$D" undo 1
json "feed off" ronda feed -d "$D" off scans
json "token make" ronda token -d "$D" make 'the "hall"'
json "token list" ronda token -d "$D" list
is "$(json_type "$(cat "$T/out")" id) $(json_type "$(cat "$T/out")" last_used)" "integer null" "never is null"
json "token revoke" ronda token -d "$D" revoke 1
json "hold set" ronda hold -d "$D" set report 1 --reason 'case "1"'
json "hold list" ronda hold -d "$D" list
json "hold lift" ronda hold -d "$D" lift 1
json "journal list" ronda journal -d "$D" list
is "$(json_type "$(head -1 "$T/out")" number)" integer "its number is a number"
is "$(grep -c '"body":"' "$T/out")" 0 "its body is an object"
is "$(ronda journal -d "$D" list --json --limit 2 | wc -l)" 2 "--limit is kept"
json "journal show" ronda journal -d "$D" show 1
json "journal list by object" ronda journal -d "$D" list --object feed:local --actor node --from 2026-01-01
has_not "$T/out" '"actor":"unix' "and of nobody else"
check_fails 66 "a line that is not there" ronda journal -d "$D" show 999999
check_fails 65 "a number that is none" ronda journal -d "$D" list --before x
check_fails 65 "a time that is none" ronda journal -d "$D" list --from soon
json "journal verify" ronda journal -d "$D" verify
json "journal head" ronda journal -d "$D" head
head=$(ronda journal -d "$D" head)
printf '# kept elsewhere\n%s\n' "$head" >"$T/heads"
check "verify against a file of heads" ronda journal -d "$D" verify --against "$T/heads"
has "$T/out" '1 heads kept elsewhere agree' "says how many agree"
ronda init "$T/other" --name Other --country ID >/dev/null 2>&1
ronda journal -d "$T/other" witness "$(ronda journal -d "$D" head --json | sed -E 's/.*"node":"([^"]*)".*/\1/')" "$head" >>"$T/heads" 2>"$T/err"
check "and with one another node witnessed" ronda verify -d "$D" --against "$T/heads"
sed 's/^witness \(.*\)....$/witness \10000/' "$T/heads" >"$T/forged"
check_fails 65 "a forged one is refused" ronda journal -d "$D" verify --against "$T/forged"
check_fails 65 "another key needs a reason" ronda journal -d "$D" key
check "another key" ronda journal -d "$D" key --reason "a copy was stolen"
check "heads kept under the old one agree" ronda verify -d "$D" --against "$T/heads"
ronda journal -d "$D" list --act node.key --json >"$T/out"
has "$T/out" 'a copy was stolen' "the journal says so"
json verify ronda verify -d "$D"
json rebuild ronda rebuild -d "$D"
json "rebuild search" ronda rebuild --search -d "$D"
json forget ronda forget -d "$D" --before 2026-01-01 --dry-run
json settings ronda settings -d "$D"

# --- wrong use ---
check_fails 64 "no such command" ronda nonsense
check_fails 64 "no such option" ronda count -d "$D" --nonsense
has "$T/err" "there is no option '--nonsense'" "named"
check_fails 64 "a value is missing" ronda events -d "$D" --limit
has "$T/err" "'--limit' needs N" "named"
check_fails 64 "a value too many" ronda events -d "$D" --oldest=yes
check_fails 64 "no number" ronda events -d "$D" --limit ten
check_fails 64 "no file" ronda intake -d "$D"
check_fails 65 "wrong input" ronda events -d "$D" ip=nonsense
check_fails 66 "no such directory" ronda count -d "$T/none"
check_fails 66 "no such setting" ronda settings -d "$D" nonsense
check_fails 66 "no such record" ronda quarantine -d "$D" show 99
check_fails 66 "no such feed" ronda intake -d "$D" --feed nonsense "$T/dir.csv"
check_fails 78 "it is there already" ronda init "$D" --name B --country ID
echo 'log_level = shouting' >"$D/ronda.conf"
check_fails 65 "a level that is none" ronda check -d "$D"
rm "$D/ronda.conf"
# what is read at start is tested beside a node that runs
serve
mkdir -p "$D/types"
printf '{ "type": "visit",\n "version": "one" }\n' >"$D/types/visit.json"
check_fails 65 "a type that is none" ronda check -d "$D"
has "$T/err" "visit.json:1" "and its line"
rm "$D/types/visit.json"
echo "2026-13-01 no such day" >"$D/holidays.txt"
check_fails 65 "a holiday that is none" ronda check -d "$D"
has "$T/err" "2026-13-01" "named"
rm "$D/holidays.txt"
echo '{"licences":{"x":{}}}' >"$D/marks.json"
check_fails 65 "marks that are none" ronda check -d "$D"
rm "$D/marks.json"
echo '{"analyst":7}' >"$D/roles.json"
check_fails 65 "roles that are none" ronda check -d "$D"
rm "$D/roles.json"
echo '[{"name":"Helpline A"}]' >"$D/helplines.json"
check_fails 65 "a helpline nobody can call" ronda check -d "$D"
has "$T/err" "helplines.json: row 1: neither 'phone' nor 'hours'" "is named"
echo '[{"name":{"en":"Helpline A"},"phone":"+62 000"}]' >"$D/helplines.json"
echo '[{"role":"platform","email":"abuse@example.org","domain":["example.org"]}]' >"$D/platforms.json"
check_fails 65 "a member of platforms.json that is none" ronda check -d "$D"
has "$T/err" "platforms.json: row 1: .*domain" "is named"
echo '{}' >"$D/platforms.json"
check_fails 65 "platforms that are no list" ronda check -d "$D"
echo '[{"role":"platform","email":"abuse@example.org","domains":["example.org"]}]' >"$D/platforms.json"
echo '{"nowhere":{}}' >"$D/destinations"
chmod 600 "$D/destinations"
check_fails 65 "destinations that are none" ronda check -d "$D" --set "destinations_file=$D/destinations"
has "$T/err" "is no beginning of a URL" "in words"
mkdir "$D/mappings"
echo '{{#open}}' >"$D/mappings/own.json.mustache"
check_fails 65 "a mapping that is none" ronda check -d "$D"
rm -r "$D/mappings" "$D/destinations"
check "and all is sound again" ronda check -d "$D"
stop_node
ronda help man >"$T/man"
for code in 64 65 66 73 74 75 77 78; do grep -q "$code " "$T/man" || echo "# $code"; done
! command -v man >/dev/null || ! man --warnings -l "$T/man" 2>&1 >/dev/null | grep .
ok $? "the manual is sound roff"

# --- tables ---
made scan_telnet 500 5 >"$T/2026-11-20-scan_telnet-b.csv"
ronda intake -d "$D" "$T/2026-11-20-scan_telnet-b.csv" >/dev/null
ronda events -d "$D" --limit 3 >"$T/out"
is "$(head -1 "$T/out" | tr -cd '\t' | wc -c)" 8 "a pipe gets TABs"
ronda events -d "$D" --limit 5 >/dev/full 2>"$T/err"
is $? 74 "what cannot be written is not called done"
if command -v script >/dev/null; then
	script -qec "ronda events -d '$D' --limit 3" /dev/null </dev/null >"$T/out" 2>/dev/null
	has_not "$T/out" "$(printf '\t')" "a terminal gets none"
	is "$(tr -d '\r' <"$T/out" | grep -E 'severity|high' | sed -E 's/(severity|high).*//' | awk '{ print length }' | sort -u | wc -l)" 1 \
		"but columns that stand below each other"
	script -qec "ronda quarantine -d '$D' list" /dev/null </dev/null >"$T/out" 2>/dev/null
	! tr -d '\r\n' <"$T/out" | LC_ALL=C grep -q '[[:cntrl:]]'
	ok $? "and nothing that moves its cursor"
else
	skip "a terminal" "no script(1)"
fi

# --- another process holds the directory for a moment ---
if command -v flock >/dev/null; then
	(exec 9>>"$D/lock" && flock 9 && exec sleep 600) &
	holder=$!
	for _ in $(seq 1200); do
		flock -n "$D/lock" true || break
		sleep 0.02
	done
	ronda feed list -d "$D" >"$T/out" 2>"$T/err" &
	waiter=$!
	for _ in $(seq 1200); do
		! grep -q "waiting for another process" "$T/err" || break
		kill -0 $waiter 2>/dev/null || break
		sleep 0.05
	done
	has "$T/err" "waiting for another process that holds '$D'" "a command waits for it, and says so"
	kill $holder
	wait $holder 2>/dev/null
	wait $waiter
	ok $? "until it is let go"
else
	skip "a held directory" "no flock(1)"
fi

# --- completion ---
ronda help completion >"$T/completion"
complete_line() { # words...: what the last may become
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ronda; printf "%s\n" "${COMPREPLY[@]}"' - "$T/completion" "$@"
}
if command -v bash >/dev/null; then
	check "the completion is sound" bash -n "$T/completion"
	is "$(complete_line ronda int)" intake "a command"
	complete_line ronda events --li >"$T/out"
	is "$(cat "$T/out")" --limit "an option of its own"
	complete_line ronda who --js >"$T/out"
	is "$(cat "$T/out")" --json "one of all"
	complete_line ronda quarantine sh >"$T/out"
	is "$(cat "$T/out")" show "a word of a command"
	complete_line ronda feed add x --tlp AMB | tr '\n' ' ' >"$T/out"
	is "$(cat "$T/out")" "AMBER AMBER+STRICT " "a marking"
	(cd "$T" && complete_line ronda intake di) >"$T/out"
	is "$(cat "$T/out")" dir.csv "a file"
	(cd "$T" && complete_line ronda di) >"$T/out"
	is "$(cat "$T/out")" directory "no file where a command belongs"
else
	skip "completion" "no bash"
fi

# --- what others said moves no cursor ---
ronda partner line "$(printf 'x\033]0;title\007y')" -d "$D" >"$T/out" 2>"$T/err"
has "$T/err" "no partner 'x[?]]0;title[?]y'" "controls in what we say are shown as such"
is "$(tr -d '\n\040-\176' <"$T/err" | wc -c | tr -d ' ')" 0 "and none comes through"
done_testing
