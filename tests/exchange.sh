#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two nodes on one machine: paired by a line and six words, an agreement, a report at A is a finding at B; what was said to
# be on the other's disk is, once, whatever is killed; an agreement that ended, and a key that was revoked, let nothing
# through; new keys under way; what is carried by hand.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
A=$T/a B=$T/b
trap finish EXIT
field() { # name, file with one JSON object a line
	sed -nE "s/.*\"$1\": ?\"?([^\",}]*)\"?[,}].*/\1/p" "$2" | head -1
}
count_at() { ronda events -d "$1" --limit 5000 --json 2>/dev/null | grep -c '"source.ip"'; }
has_events() { [ "$(count_at "$1")" = "$2" ]; }
report() { # first, count: lines about addresses of B's
	made x "$1" "$2" | ronda intake -d "$A" - >"$T/out" 2>"$T/err"
}

new_node a "Team A"
ok $? "node A"
new_node b "Team B"
ok $? "node B"
start a
ok $? "A serves"
start b
ok $? "B serves"

in_use() { ronda partner -d "$A" keys --json >"$T/keys" && grep -q 'in use' "$T/keys" && ! grep -q announced "$T/keys"; }

# --- pairing ---
check "A invites" ronda partner -d "$A" invite
line=$(cat "$T/out")
is "$(wc -l <"$T/out" | tr -d ' ')" 1 "with one line"
check_fails 65 "cut short it says so" ronda partner -d "$B" accept "${line%???}"
check "B accepts it" ronda partner -d "$B" accept "$line" --json
words=$(field words "$T/out")
is "$(echo "$words" | wc -w | tr -d ' ')" 6 "six words"
ronda partner -d "$A" words --json >"$T/out"
is "$(field words "$T/out")" "$words" "are the same at A"
check_fails 77 "the invitation is good once" ronda partner -d "$B" accept "$line"
has "$T/err" 'used already' "and says so"
is "$(curl -s -k -o "$T/body" -w '%{http_code}' "https://127.0.0.1:$a_port/taxii2/")" 401 "who shows no certificate is nobody"
check "A confirms" ronda partner -d "$A" confirm 1
check "B confirms" ronda partner -d "$B" confirm 1
of_b=$(org "$A" "Team B" 198.18.0.0/16)
of_a=$(org "$B" "Team A" 192.0.2.0/24)
own=$(org "$B" "Own house" 198.18.0.0/16)
[ -n "$of_b" ] && [ -n "$of_a" ] && [ -n "$own" ]
ok $? "organisations on both sides"
check "A says whose it is" ronda partner -d "$A" edit 1 "organisation=$of_b"
check "B says whose it is" ronda partner -d "$B" edit 1 "organisation=$of_a"
agree() { # folder, organisation
	ronda agreement -d "$1" new title=MoU kind=memorandum "parties=$2" tlp_ceiling=AMBER flows=findings from=2026-01-01 \
		personal=yes >"$T/out" 2>"$T/err" && ronda agreement -d "$1" move 1 in-force >>"$T/out" 2>>"$T/err"
}
agree "$A" "$of_b"
ok $? "an agreement in force at A"
agree "$B" "$of_a"
ok $? "and at B"

# --- a report at A is at B ---
report 0 50
ok $? "a report at A"
within 20 has_events "$B" 50
ok $? "is at B"
finding() { ronda findings -d "$B" --json | grep -c '"id"' | grep -qx 50; }
within 10 finding
ok $? "as findings of its own"
ronda partner -d "$A" line 1 --json >"$T/out"
has "$T/out" '"trouble":""' "the line is well"
waits() { ronda partner -d "$A" line 1 --json | grep -q "\"waiting\":$1,"; }
within 10 waits 0
ok $? "nothing waits"
check "the ledger" ronda ledger -d "$A" --json
has "$T/out" '"kind":"receipt".*"driver":"sync".*"to":"partner--' "has the receipt"

# --- either is killed ---
i=100
for who in a b a b; do
	report "$i" 100
	sleep 0.$((i % 4))
	stop $who KILL
	start $who
	i=$((i + 100))
done
ok $? "each is killed twice while something is on its way"
within 60 has_events "$B" 450
ok $? "nothing is lost"
sleep 2
is "$(count_at "$B")" 450 "and nothing doubled"

# --- carried by hand: the line is cut, a stick goes over, its receipts come back ---
check "A pauses the line" ronda partner -d "$A" edit 1 way=none
report 2000 50
offered() { ronda partner -d "$A" line 1 --json | grep -q '"waiting":50,'; }
within 10 offered
ok $? "fifty wait"
check "a bundle" ronda partner -d "$A" export 1
cp "$T/out" "$T/stick"
has_not "$T/stick" "198.18" "is sealed"
size=$(wc -c <"$T/stick")
refused=0
for at in 3 20 80 130 200 330 420 480 560 $((size / 2)) $((size - 40)); do
	cp "$T/stick" "$T/bad"
	printf '\001' | dd of="$T/bad" bs=1 seek="$at" conv=notrunc 2>/dev/null
	ronda partner -d "$B" import "$T/bad" >/dev/null 2>&1 || refused=$((refused + 1))
done
is "$refused" 11 "a byte of it changed, wherever: refused"
is "$(count_at "$B")" 450 "and nothing of it taken"
check "B takes it" ronda partner -d "$B" import "$T/stick"
within 10 has_events "$B" 500
ok $? "fifty more at B"
check "a second time it is known" ronda partner -d "$B" import "$T/stick" --json
has "$T/err" '"objects":0,"known":1' "and passed over"
check_fails 77 "it is for nobody else" ronda partner -d "$A" import "$T/stick"
check "B's own bundle" ronda partner -d "$B" export 1
cp "$T/out" "$T/back"
check "brings the receipts" ronda partner -d "$A" import "$T/back"
within 5 waits 0
ok $? "so nothing waits"
check "the line again" ronda partner -d "$A" edit 1 way=

# --- B behind NAT: it calls A, A does not call ---
check "B fetches" ronda partner -d "$B" edit 1 way=both
check "A only answers" ronda partner -d "$A" edit 1 way=none
report 3000 50
within 10 offered
check "B fetches now" ronda partner -d "$B" sync 1
within 10 has_events "$B" 550
ok $? "what waited is there"
check "and asks what is behind it" ronda partner -d "$B" sync 1
within 5 waits 0
ok $? "which is A's receipt"
check "A announces a new key" ronda partner -d "$A" keys rotate
check "B asks for it" ronda partner -d "$B" sync 1
check "and once more" ronda partner -d "$B" sync 1
within 15 in_use
ok $? "it is used once B knows it"
check "B fetches under it" ronda partner -d "$B" sync 1
check "A sends again" ronda partner -d "$A" edit 1 way=
report 4000 50
within 20 has_events "$B" 600
ok $? "and goes on where B stood"
is "$(count_at "$B")" 600 "nothing twice"

# --- an agreement that ended ---
stop b
report 1000 200
check "the agreement ends" ronda agreement -d "$A" move 1 ended --why "over"
start b
sleep 5
is "$(count_at "$B")" 600 "what waited does not leave"

# --- keys ---
check "A announces another key" ronda partner -d "$A" keys rotate
within 15 in_use
ok $? "it is pushed, and used"
check "another round goes well under it" ronda partner -d "$A" sync 1
check "B revokes all it has" ronda partner -d "$B" keys revoke 1 --why "stolen"
check_fails 77 "A is refused at once" ronda partner -d "$A" sync 1
has "$T/err" 'does not take us for its partner' "and is told what to do"
done_testing
