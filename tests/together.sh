#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Three teams work on one incident: A has it, B and C answer to it, and each sees what the others say through A, which alone
# says who they are.
. "$RONDA_SOURCE/tests/lib.sh"
A=$T/a B=$T/b C=$T/c
pid_a='' pid_b='' pid_c=''
ends() {
	for p in $pid_a $pid_b $pid_c; do kill -9 "$p" 2>/dev/null; done
	rm -rf "$T"
}
trap ends EXIT
node() { # folder, name
	free_port
	ronda init "$1" --name "$2" --country ID --team small --account lead >"$T/out" 2>"$T/err" || return 1
	{
		echo "listen = 127.0.0.1:0"
		echo "exchange = yes"
		echo "exchange_listen = 127.0.0.1:$port"
		echo "exchange_address = https://127.0.0.1:$port"
	} >>"$1/ronda.conf"
}
start() { # letter: its pid in pid_LETTER
	eval "dir=\$$(echo "$1" | tr abc ABC)"
	: >"$T/address_$1"
	ronda serve -d "$dir" >"$T/address_$1" 2>>"$T/log_$1" &
	eval "pid_$1=$!"
	for _ in $(seq 1200); do
		[ ! -s "$T/address_$1" ] || return 0
		sleep 0.05
	done
	return 1
}
kill9() { # letter
	eval "p=\$pid_$1"
	kill -9 "$p" 2>/dev/null
	wait "$p" 2>/dev/null
	eval "pid_$1="
}
within() { # seconds, command...: until it succeeds
	end=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 0.1
	done
}
org() { # folder, name, network
	ronda organisation -d "$1" new "name=$2" kind=csirt "constituency=network|$3" 2>&1 | sed -nE 's/.*(organisation-[0-9]+).*/\1/p' | head -1
}
agree() { # folder, organisation, more fields...: its number in $number
	dir=$1 party=$2
	shift 2
	number=$(ronda agreement -d "$dir" new "title=With $party" kind=memorandum "parties=$party" tlp_ceiling=AMBER flows=incidents,requests \
		personal=yes from=2026-01-01 "$@" 2>&1 | sed -nE 's/.*(agreement-[0-9]+).*/\1/p' | head -1)
	ronda agreement -d "$dir" move "$number" in-force --why "signed" >/dev/null 2>&1
}
pair() { # folder, its partner's number there, other folder, its number there
	line=$(ronda partner -d "$1" invite 2>/dev/null)
	ronda partner -d "$3" accept "$line" >/dev/null 2>"$T/err" && ronda partner -d "$1" confirm "$2" >/dev/null 2>"$T/err" &&
		ronda partner -d "$3" confirm "$4" >/dev/null 2>"$T/err"
}
id_of() { # folder, type, number
	ronda "$2" -d "$1" show "$3" --json 2>/dev/null | sed -nE 's/.*"id": ?"([a-z]+--[^"]*)".*/\1/p' | head -1
}
# What everybody sees of the thread on the incident: a line for each word.
words() { ronda incident -d "$1" words "$I" 2>/dev/null >"$T/words"; }
sees() { words "$1" && grep -q -- "$2" "$T/words"; }
sees_not() { words "$1" && ! grep -q -- "$2" "$T/words"; }
copied() { ronda incident -d "$1" show "$I" >"$T/shown" 2>/dev/null; }
state_is() { ronda incident -d "$1" show "$2" --json 2>/dev/null | grep -q "\"state\": \?\"$3\""; }

for n in "$A Team A" "$B Team B" "$C Team C"; do
	node "${n%% *}" "${n#* }"
	ok $? "node of ${n#* }"
done
start a && start b && start c
ok $? "all serve"
pair "$A" 1 "$B" 1
ok $? "A and B are paired"
pair "$A" 2 "$C" 1
ok $? "A and C are paired"
for n in 1 2; do
	team="Team $(echo $n | tr 12 BC)" node_dir=$B
	[ $n = 1 ] || node_dir=$C
	o=$(org "$A" "$team" 198.1$((7 + n)).0.0/16)
	check "A says whose node $team's is" ronda partner -d "$A" edit $n "organisation=$o" "name=$team"
	agree "$A" "$o"
	eval "agreement_$n=$number"
	o=$(org "$node_dir" "Team A" 192.0.2.0/24)
	check "$team says whose A's is" ronda partner -d "$node_dir" edit 1 "organisation=$o" "name=Team A"
	agree "$node_dir" "$o"
done

# --- one incident, three teams ---
check "an incident" ronda incident -d "$A" new "title=Mail server taken over" class=intrusions severity=high "summary=A web shell was found"
I=$(id_of "$A" incident 1)
check "is worked on" ronda incident -d "$A" move 1 open
within 30 copied "$B" && within 30 copied "$C"
ok $? "B and C have it"
check "B says something" ronda incident -d "$B" say "$I" "We saw the same shell last week"
within 30 sees "$A" "Team B.*the same shell"
ok $? "A sees it, and who said it"
within 30 sees "$C" "Team B.*the same shell"
ok $? "C sees it, and that B said it"
is "$(grep -c 'the same shell' "$T/words")" 1 "once"
words "$B"
is "$(grep -c 'the same shell' "$T/words")" 1 "B does not get its own words back"
q=$(ronda incident -d "$B" say "$I" "Is the host still up?" --what question 2>/dev/null)
within 30 sees "$C" "Is the host still up"
ok $? "C sees B's question"
passed=$(sed -nE 's/.*Is the host still up\?	([^	]*).*/\1/p' "$T/words")
check "C answers it" ronda incident -d "$C" say "$I" "No, it is off the net" --reply "$passed"
answered() { ronda contribution -d "$B" show "$q" --json 2>/dev/null | grep -q '"state": \?"answered"'; }
within 30 answered
ok $? "B's question is answered, at B"
within 30 sees "$B" "Team C.*off the net"
ok $? "by Team C"

# --- handed over ---
check "A offers it to B" ronda incident -d "$A" offer 1 --to 1 --why "The host is in your country"
within 30 sees "$B" "offered.*waits.*in your country"
ok $? "B sees the offer"
is "$(ronda incident -d "$A" offer 1 --to 2 --why "So do you" >"$T/out" 2>&1; echo $?)" 78 "it is offered to one at a time"
sees_not "$C" "in your country"
ok $? "C does not see it"
check "B declines" ronda incident -d "$B" decline "$I" --why "Not our constituency"
within 30 sees "$A" "Team B.*declined.*Not our constituency"
ok $? "A sees why"
check "A offers it to C" ronda incident -d "$A" offer 1 --to 2 --why "The host is in your country"
within 30 sees "$C" "offered.*waits.*in your country"
ok $? "C sees the offer"
check "C accepts" ronda incident -d "$C" accept "$I"
is "$(ronda incident -d "$C" accept "$I" >"$T/out" 2>&1; echo $?)" 78 "once"
within 30 state_is "$A" 1 waiting
ok $? "A's incident waits"
ronda incident -d "$A" show 1 >"$T/out"
has "$T/out" "Team C" "and says who handles it"
check "C has one of its own" ronda incident -d "$C" show 1
has "$T/out" "Mail server taken over" "with what A had told"
check "C closes it" ronda incident -d "$C" edit 1 "outcome=The server was set up anew"
check "C resolves it" ronda incident -d "$C" move 1 resolved
within 30 sees "$A" "Team C.*closed.*set up anew"
ok $? "A sees what came of it"
within 30 state_is "$A" 1 open
ok $? "A's incident is with A again"
within 30 sees "$B" "Team C.*closed.*set up anew"
ok $? "B sees it too"
check "each team's part" ronda incident -d "$A" parts 1
has "$T/out" "^Team B	.*declined	Not our constituency	no" "B's last word"
has "$T/out" "^Team C	.*closed" "C's"
ronda token -d "$A" make t --right operate --ceiling AMBER --account lead >"$T/token" 2>"$T/err"
ask() { curl -s --max-time 20 -o "$T/page" -w '%{http_code}' -H "Authorization: Bearer $(head -1 "$T/token")" "$@"; }
url_a=$(head -1 "$T/address_a")
is "$(ask "$url_a/incident/1/teams.json")" 200 "the same by program"
has "$T/page" '"team":"Team C"' "with each team"
is "$(ask -H 'Content-Type: application/json' -d '{"do":"say","text":"Thank you both"}' "$url_a/incident/1/teams.json")" 200 "and said by program"
within 30 sees "$B" "Team A.*Thank you both"
ok $? "the others see it"

# --- an offer that nobody answers, that is taken back, that is answered too late ---
offer_is() { # folder, words of the offer, state
	ronda contribution -d "$1" list what=offered --json 2>/dev/null | grep -- "$2" | grep -q "\"state\": \?\"$3\""
}
soon() { date -u -d '+12 seconds' +%FT%TZ; }
is "$(ronda incident -d "$A" offer 1 --to 1 --why "Late" --until 2026-01-01T00:00:00Z >"$T/out" 2>&1; echo $?)" 65 "no answer is asked for in the past"
check "what came back from C is offered to B, for seconds" ronda incident -d "$A" offer 1 --to 1 --why "Yours for a moment" --until "$(soon)"
within 60 offer_is "$A" "Yours for a moment" lapsed
ok $? "nobody answers: it is over"
within 30 offer_is "$B" "Yours for a moment" lapsed
ok $? "B sees that"
is "$(ronda incident -d "$B" accept "$I" >"$T/out" 2>&1; echo $?)" 78 "and cannot accept it any more"
state_is "$A" 1 open
ok $? "all stayed as it was"
check "offered again" ronda incident -d "$A" offer 1 --to 1 --why "Yours for a day"
within 30 sees "$B" "Yours for a day"
ok $? "B sees it"
check "A takes it back" ronda incident -d "$A" take-back 1 --why "We found the host ourselves"
is "$(ronda incident -d "$A" take-back 1 --why "Again" >"$T/out" 2>&1; echo $?)" 78 "once"
within 30 offer_is "$B" "Yours for a day" taken-back
ok $? "B sees that"
is "$(ronda incident -d "$B" decline "$I" --why "No" >"$T/out" 2>&1; echo $?)" 78 "and answers it no more"
check "offered a third time" ronda incident -d "$A" offer 1 --to 1 --why "Yours if you like"
within 30 sees "$B" "Yours if you like"
ok $? "B sees it"
kill9 b
check "cut off, B accepts" ronda incident -d "$B" accept "$I"
check "while A takes it back" ronda incident -d "$A" take-back 1 --why "No word from you"
start b
within 60 sees "$B" "over before this answer came"
ok $? "B is told that its answer came too late"
offer_is "$A" "Yours if you like" taken-back && state_is "$A" 1 open
ok $? "A's incident is with A"
ronda incident -d "$A" words 1 >"$T/out" 2>"$T/err"
is "$(grep -c 'over before this answer' "$T/out")" 1 "it is said once"
words "$C"
has_not "$T/words" "over before this answer" "and not to C"
own_is() { # number at B, state
	ronda incident -d "$B" show "$1" --json 2>/dev/null | grep -q "\"state\": \?\"$2\""
}
within 30 own_is 1 abandoned
ok $? "what B made of it is closed"
ronda incident -d "$B" history 1 >"$T/out" 2>"$T/err"
has "$T/out" "the offer was over before our answer came" "with the reason"
noticed() { ronda notice -d "$1" list 2>/dev/null | grep -q "$2"; }
within 30 noticed "$B" "the offer was over before our answer came"
ok $? "B's watch is told"
within 30 noticed "$A" "accepted the hand-over when the offer was over"
ok $? "so is A's"
within 30 sees "$A" "Team B.*acted.*over before this was taken over"
ok $? "A sees that B's is closed"
state_is "$A" 1 open && sees_not "$C" "over before this was taken over"
ok $? "A's stays open, and C hears nothing of it"

# --- taken back ---
mine=$(ronda contribution -d "$B" list what=comment --json 2>/dev/null | grep 'same shell' | grep -oE 'contribution--[0-9a-f-]*' | head -1)
check "B withdraws what it said" ronda contribution -d "$B" move "$mine" withdrawn --why "Another host"
within 30 sees_not "$A" "the same shell"
ok $? "A has it no more"
within 30 sees_not "$C" "the same shell"
ok $? "nor has C"

# --- killed in mid-work: nothing is lost or doubled ---
for round in 1 2 3; do
	for n in 1 2 3 4; do
		ronda incident -d "$B" say "$I" "Word $round-$n of B" >/dev/null 2>&1
	done &
	said=$!
	sleep 0.$((2 + round * 2))
	kill9 a
	wait $said
	start a
	[ $round != 2 ] || { kill9 c && start c; }
done
all_at() { words "$1" && [ "$(grep -c 'Word [1-3]-[1-4] of B' "$T/words")" = 12 ]; }
within 90 all_at "$A"
ok $? "A was killed three times, and has each word once"
within 90 all_at "$C"
ok $? "so has C"

# --- who may not know who else there is ---
check "A's agreement with C hides the others" ronda agreement -d "$A" edit "$agreement_2" members_hidden=yes
check "another incident" ronda incident -d "$A" new "title=Second" class=fraud severity=low
I=$(id_of "$A" incident 2)
check "is worked on" ronda incident -d "$A" move 2 open
within 30 copied "$B" && within 30 copied "$C"
ok $? "B and C have it"
check "B has seen it" ronda incident -d "$B" say "$I" "noted" --what acknowledged
check "B says something" ronda incident -d "$B" say "$I" "Is it the same group?" --what question
check "C says something" ronda incident -d "$C" say "$I" "Perhaps"
within 30 sees "$C" "another team.*Is it the same group"
ok $? "C sees the question"
within 30 sees "$B" "Team C.*Perhaps"
ok $? "B sees C's name"
sees "$A" "Team B.*noted"
ok $? "A sees that B has it"
ronda contribution -d "$C" list "about=$I" --json >"$T/all" 2>"$T/err"
ronda incident -d "$C" parts "$I" --json >>"$T/all" 2>>"$T/err"
ronda incident -d "$C" show "$I" --json >>"$T/all" 2>>"$T/err"
ronda incident -d "$C" history "$I" --json >>"$T/all" 2>>"$T/err"
has "$T/all" "Is it the same group" "C is shown all of it"
has_not "$T/all" "Team B" "but B's name is in none of it"
has_not "$T/all" "$(id_of "$A" partner 1)" "nor its record"
has_not "$T/all" noted "nor that somebody has seen it: teams cannot be counted"
is "$(ronda incident -d "$C" parts "$I" --json 2>/dev/null | grep -c '"team"')" 2 "to C there are A and C"

# --- who knows what ---
knows() { ronda partner -d "$1" knows "$2" >"$T/knows" 2>"$T/err"; }
told() { knows "$1" "$2" && grep -q "^$3" "$T/knows"; }
check "B has an incident about an address, for partners" ronda incident -d "$B" new "title=Shell on 198.18.0.7" class=intrusions severity=low \
	'indicators=[{"address":"198.18.0.7"}]'
check "is worked on" ronda incident -d "$B" move 2 open
check "and one that stays with it" ronda incident -d "$B" new "title=Shell on 198.18.0.8" class=intrusions severity=low
printf '198.18.0.7\n' | ronda intake -d "$B" --feed own --format ipline - >"$T/out" 2>"$T/err"
check "A asks" ronda partner -d "$A" knows 198.18.0.7
within 30 told "$A" 198.18.0.7 "Team B	[^	]*	[^	]*	1	"
ok $? "B knows one"
within 30 told "$A" 198.18.0.7 "Team C	[^	]*	[^	]*	0	"
ok $? "C none"
check "A asks about what B may not tell" ronda partner -d "$A" knows 198.18.0.8
within 30 told "$A" 198.18.0.8 "Team B	[^	]*	[^	]*	0	.*Nothing that we may tell"
ok $? "as if there were none"
within 30 told "$A" 198.18.0.8 "Team C	[^	]*	[^	]*	0	.*Nothing that we may tell"
ok $? "as with C, which has none"
cut -f 4- "$T/knows" | sed 1d | sort -u >"$T/same"
is "$(wc -l <"$T/same")" 1 "who has nothing and who may not say it say the same"
is "$(ronda partner -d "$A" knows 198.18.0.0/16 >"$T/out" 2>&1; echo $?)" 65 "no network is asked about"
check "B's ledger" ronda ledger -d "$B" --json
has "$T/out" "asked who knows '198.18.0.7': told 1" "has the question and its answer"
check "A's ledger" ronda ledger -d "$A" --json
has "$T/out" '"words":"knows' "has the answers"
ronda contribution -d "$C" list --json >"$T/out" 2>"$T/err"
has_not "$T/out" "Known" "C does not see what B answered"
done_testing
