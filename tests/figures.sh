#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A week in figures, against what is reckoned by hand: told, answered, gone, back; what still waits counts as
# waiting; an exercise in none; few sources are not published; the page says the same. The clock is moved.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/clock.sh"

at "2026-12-01 08:00"
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
check "a feed that lists all there is" r feed add scans --tlp CLEAR --complete
check "a feed of an exercise" r feed add drill --tlp CLEAR --exercise
lines() { # file date octets...
	file=$1 day=$2
	shift 2
	echo "timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city,naics,sector,banner" >"$T/$file"
	for i in "$@"; do
		printf '"%s 07:00:00",high,198.18.0.%d,tcp,23,h%d.example.org,telnet,64500,ID,,,0,,"login:"\n' "$day" "$i" "$i"
	done >>"$T/$file"
}
scan() { # feed file
	r intake --feed "$1" "$T/$2" >"$T/out" 2>"$T/err"
}
# Ten findings at 08:00 of the first day; eight are told, two hours later or five; four answer, an hour later.
lines 2026-12-01-scan_telnet-a.csv 2026-12-01 1 2 3 4 5 6 7 8 9 10
scan scans 2026-12-01-scan_telnet-a.csv
ok $? "ten are found"
lines 2026-12-01-scan_telnet-x.csv 2026-12-01 101 102 103
scan drill 2026-12-01-scan_telnet-x.csv
ok $? "and three of an exercise"
id_of() { r findings --json --ip "198.18.0.$1" 2>/dev/null | sed -nE 's/.*"id":"([0-9a-f]{32})".*/\1/p' | head -1; }
for i in 1 2 3 4 5 6 7 8 9 10; do
	eval "f$i=$(id_of $i)"
done
mark() { # what octets...
	what=$1
	shift
	for i in "$@"; do
		eval "id=\$f$i"
		r findings mark "$id" "$what" --reason "a test" >/dev/null 2>"$T/err" || return 1
	done
}
at "2026-12-01 10:00"
mark told 1 2 3 4
ok $? "four are told"
at "2026-12-01 11:00"
mark answered 1 2
ok $? "of whom two answer"
at "2026-12-01 13:00"
mark told 5 6 7 8
ok $? "four more"
at "2026-12-01 14:00"
mark answered 5 6
ok $? "of whom two answer"
# The next day six are gone: four that were told and two that were not; a day later one of them is back.
at "2026-12-02 08:00"
lines 2026-12-02-scan_telnet-b.csv 2026-12-02 5 6 7 8
scan scans 2026-12-02-scan_telnet-b.csv
ok $? "the next day six are gone"
at "2026-12-03 08:00"
lines 2026-12-03-scan_telnet-c.csv 2026-12-03 1 5 6 7 8
scan scans 2026-12-03-scan_telnet-c.csv
ok $? "one is back the day after"
at "2026-12-04 08:00"

# median and how many of how many: of `figures --csv`, columns by name
r figures --csv >"$T/csv" 2>"$T/err"
ok $? "figures"
cell() { # column
	awk -F'","' -v want="$1" 'NR == 1 { gsub(/"/, ""); n = split($0, h, ","); for (i = 1; i <= n; i++) if (h[i] == want) at = i; next }
		{ gsub(/"/, "", $at); print $at; exit }' "$T/csv"
}
hours() { # column, to the nearest: the commands before took some seconds
	echo $((($(cell "$1") + 1800) / 3600))
}
is "$(cell findings)" 10 "ten findings, those of the exercise are not counted"
is "$(cell told)-$(cell answered)-$(cell gone)-$(cell returned)" 8-4-6-1 "eight told, four answered, six gone, one came back"
is "$(cell open)" 5 "five are open"
# told: four after 2 h, four after 5 h, two never (gone after a day): S falls to 6/10, then 2/10
is "$(hours time_to_tell)" 5 "half are told after five hours"
is "$(cell tell_n)-$(cell tell_censored)" 10-2 "of ten, two never"
# answered: four of eight an hour after; S = 1/2 there
is "$(hours time_to_acknowledge)" 1 "half answer within an hour"
is "$(cell acknowledge_n)-$(cell acknowledge_censored)" 8-4 "of eight, four never"
is "$(hours time_to_fix)" 24 "half are gone after a day"
is "$(cell fix_n)-$(cell fix_censored)" 10-4 "of ten, four are still there"
# told: four of eight are gone 22 h after; S = 1/2 there
is "$(hours time_to_fix_told)" 22 "those who were told: after 22 hours"
check "as text" r figures --by class
has "$T/out" '(5 h 0|4 h [345][0-9]) min \(8 of 10\)' "with how many of how many"
check "as JSON" r figures --by month --json
has "$T/out" '"key":"2026-12".*"findings":10' "by month"
has "$T/out" '"time_to_tell":\{"n":10,"censored":2,"median":1[78][0-9]{3},"low":[67][0-9]{3},"high":1[78][0-9]{3}' "with the interval"
check "those opened later" r figures --since 2026-12-02 --json
has "$T/out" '"findings":0' "are none"
check "of a feed" r figures --by feed
has "$T/out" '^scans' "by name"
check_fails 64 "by what there is not" r figures --by weather

# --- to publish ---
check "for the public" r figures --by class --public --since 2026-12 --until 2027-01 --json
has "$T/out" '"public":true' "it says so"
has "$T/out" '"rows":\[\{"key":"vulnerable-system.*"findings":10,"open":5,"told":8,"answered":null,' "four answers are too few to say"
check_fails 77 "not by organisation" r figures --by organisation --public
check_fails 77 "nor by the day" r figures --by class --public --since 2026-12-02

# --- the page ---
serve
ok $? "it serves"
token=$(ronda token -d "$D" make look --right read --ceiling AMBER 2>/dev/null)
curl -s -H "Authorization: Bearer $token" "$URL/figures.json?by=class" >"$T/out"
has "$T/out" '"findings":10.*"time_to_acknowledge":\{"n":8,"censored":4,"median":3[0-9]{3}[,}]' "the page says the same"
curl -s -H "Authorization: Bearer $token" "$URL/figures.csv?by=class" >"$T/out"
has "$T/out" '^"open-telnet|^"vulnerable-system.*","10","5","8","4",' "as CSV too"
curl -s -H "Authorization: Bearer $token" -H 'Accept: text/html' "$URL/figures?by=class" >"$T/out"
has "$T/out" '(5 h 0|4 h [345][0-9]) min' "and in words"
is "$(curl -s -o "$T/out" -w '%{http_code}' "$URL/figures.json")" 401 "not for strangers"
low=$(ronda token -d "$D" make low --right intake 2>/dev/null)
is "$(curl -s -o "$T/out" -w '%{http_code}' -H "Authorization: Bearer $low" "$URL/figures.json")" 403 "nor without the right"
stop_node
done_testing
