#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tour with partners as a browser without JavaScript walks it, by forms and cookies: three teams stand beside each
# other as ./run starts them; a report here is a finding there, a warning above what is agreed is refused in the ledger, a
# withdrawal has two receipts and one missing, what waits while a team is cut off arrives when it is not. Again after a
# restart. A demonstration of one team says why the steps are off.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES RONDA_DIR
tour_pid=
end_all() {
	[ -z "$tour_pid" ] || kill "$tour_pid" 2>/dev/null
	[ -z "$tour_pid" ] || wait "$tour_pid" 2>/dev/null
	finish
}
trap end_all EXIT
free_port
begin() { # how many, as whom: the teams, and signs in with Team A
	: >"$T/links"
	ronda demo "$T/teams" --teams "$1" --listen "127.0.0.1:$port" --every 1h --as "${2:-Lead A}" >"$T/links" \
		2>"$T/log" &
	tour_pid=$!
	for _ in $(seq 900); do
		[ "$(wc -l <"$T/links")" -lt "$1" ] || break
		kill -0 $tour_pid 2>/dev/null || break
		sleep 0.1
	done
	link=$(sed -n 's/^Team A	//p' "$T/links")
	U=${link%/login*}
	curl -s -c "$T/jar" "$link" >/dev/null
	curl -s -o "$T/out" -b "$T/jar" -c "$T/jar" --data-urlencode "once=${link#*once=}" "$U/login"
	at=$U/tour/partners
}
end() {
	kill -INT $tour_pid
	wait $tour_pid
	code=$?
	tour_pid=
	return $code
}
look() { # the page, without its markup, one line
	curl -s -b "$T/jar" "$at" >"$T/page.html"
	tr '\n' ' ' <"$T/page.html" | sed -E 's,</?(b|a|span|time)( [^>]*)?>,,g; s/<[^>]*>/ /g; s/&#39;/'"'"'/g; s/ +/ /g' >"$T/page"
}
press() { # the button of a step, as it stands on the page where we are; then we are where it leads
	step=$1
	look
	tr '\n' ' ' <"$T/page.html" | grep -o "action=\"/tour/partners/$step\".*" | sed 's,</form>.*,,' |
		grep -oE 'name="[a-z]+" value="[^"]*"' | sed -E 's/name="([a-z]+)" value="([^"]*)"/\1=\2/' >"$T/fields"
	set --
	while read -r field; do
		set -- "$@" --data-urlencode "$field"
	done <"$T/fields"
	to=$(curl -s -b "$T/jar" -o "$T/out" -w '%{redirect_url}' "$@" "$U/tour/partners/$step")
	[ -n "$to" ] && at=${to%#*}
}
shows() { # words, within a while; then the name
	for _ in $(seq 600); do
		look
		! grep -qE -- "$1" "$T/page" || break
		sleep 0.1
	done
	has "$T/page" "$1" "$2"
}
walk() {
	press report
	ok $? "a report is handed in"
	shows 'Team C took it in [0-9.]+ s after us\. There it is the finding' "it is a finding at Team C, and how long it took"
	has "$T/page" 'receipt Team C' "with the receipt in its way"
	press keep
	shows "Team B is not told: no agreement in force with this partner goes up to its marking\." "refused in one sentence"
	has "$T/page" 'In the ledger: Not for partners .* refused Team B' "and in the ledger"
	press send
	shows 'is sent: 2 receipts, 1 missing: Team D' "a warning is with those who are there"
	press withdraw
	shows 'is withdrawn: 2 receipts, 1 missing: Team D\.' "withdrawn: two receipts, one missing, and whose"
	press cut
	shows 'Team C is cut off now\. [0-9]+ things wait here for it, the oldest since' "cut off: what waits, and since when"
	has "$T/page" 'Team C has not said so yet' "nothing arrives"
	curl -s -b "$T/jar" "$U/tour/teams" >"$T/out"
	has "$T/out" 'It is cut off: it does not answer' "the teams side by side say so too"
	press mend
	shows 'Nothing waits for it\..*Written while the cable was cut Team B said so after [0-9.]+ s Team C said so after' \
		"mended: all of it arrives"
}

begin 3
is "$(wc -l <"$T/links")" 3 "three teams serve, a link for each"
walk
curl -s -b "$T/jar" "$U/tour/teams" >"$T/out"
is "$(grep -c '<section aria-labelledby="team-' "$T/out")" 3 "three teams stand side by side"
has "$T/out" 'Team D</b>: It is switched off' "and it is said who is missing"
c_findings() { curl -s -b "$T/jar" "$U/tour/teams.json" | grep -q '"name":"Team C".*"findings":\[{"id"'; }
c_findings
ok $? "what Team C says of itself is there"
page() { curl -s -o "$T/out" -w '%{http_code}' -b "$T/jar" "$@"; }
is "$(page "$U/partners")" 200 "the partners"
has "$T/out" '<a href="/partners" aria-current="page">' "stand in the navigation"
has "$T/out" "was not reached.*It is tried again by itself; see with them" "what is wrong, and the next step"
page -H 'Accept-Language: id' "$U/partners" >"$T/code"
has "$T/out" 'Terakhir berhasil' "in Indonesian too"
page -H 'Accept-Language: id' "$at" >"$T/code"
has "$T/out" 'Kabel putus, lalu tersambung lagi' "as is the tour"

# --- not for everybody ---
csrf=$(sed -nE 's/.*name="csrf" value="([^"]+)".*/\1/p' "$T/page.html" | head -1)
is "$(page --data-urlencode "csrf=wrong" "$U/tour/partners/cut")" 403 "no step without the token of the form"
is "$(page --data-urlencode "csrf=$csrf" "$U/tour/partners/nothing")" 404 "there are no other steps"
is "$(page --data-urlencode "csrf=$csrf" --data-urlencode "as=Lead A" "$U/tour/link")" 404 "no link for who has but a session"

# --- again, after a restart ---
end
is $? 0 "it ends"
is "$(pgrep -f "$T/teams/team-" | wc -l)" 0 "and all its nodes with it"
before=$at
begin 3
at=$U/tour/partners?${before#*\?}
shows 'is withdrawn: 2 receipts, 1 missing: Team D\.' "after a restart the page shows what it showed"
walk
end

# --- a viewer ---
begin 3 "Viewer A"
look
has "$T/page" "may look, but not press the buttons" "a viewer may look"
has_not "$T/page.html" 'action="/tour/partners/' "and has no buttons"
csrf=$(sed -nE 's/.*name="csrf" value="([^"]+)".*/\1/p' "$T/page.html" | head -1)
is "$(page --data-urlencode "csrf=$csrf" "$U/tour/partners/report")" 403 "nor can he press them"
end

# --- one alone ---
begin 1
look
has "$T/page" "no other team stands beside this node" "one team alone says why the steps are off"
is "$(page --data-urlencode "csrf=$(sed -nE 's/.*name="csrf" value="([^"]+)".*/\1/p' "$T/page.html" | head -1)" \
	"$U/tour/partners/report")" 404 "and none can be taken"
end
check_fails 78 "several teams are not put into one node" ronda demo "$T/teams/team-1" --teams 3 --listen "127.0.0.1:$port"
for i in 1 2 3; do
	check "what team $i has is sound" ronda verify -d "$T/teams/team-$i"
done
done_testing
