#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Signing in as people do: invited, with a password, a second factor, recovery codes;
# what ends a session; two persons where one is not enough; sealed keys.
. "$RONDA_SOURCE/tests/lib.sh"
status=
ask() { # curl's arguments: the body in $T/body, the head in $T/head, $status
	: >"$T/body"
	status=$(curl -s -o "$T/body" -D "$T/head" -w '%{http_code}' --max-time 20 -H 'Accept: text/html' "$@" 2>"$T/curl")
}
answers() { # status, name, curl's arguments
	want=$1 name=$2
	shift 2
	ask "$@"
	[ "$status" = "$want" ] || { echo "# $status, want $want"; head -c 600 "$T/body" | sed 's/^/# /'; }
	[ "$status" = "$want" ]
	ok $? "$name"
}
to() { tr -d '\r' <"$T/head" | sed -nE 's/^Location: //Ip' | head -1; }
cookie() { tr -d '\r' <"$T/head" | sed -nE 's/^Set-Cookie: (ronda=[^;]+).*/\1/Ip' | head -1; }
field() { # name of a hidden field in $T/body
	sed -nE "s/.*name=\"$1\" value=\"([^\"]*)\".*/\1/p" "$T/body" | head -1
}
csrf() { # jar
	ask -b "$1" "$URL/account"
	field csrf
}
# The one-time code of the base32 secret $1, $2 steps from now (RFC 6238).
code() {
	hex=$(printf '%s' "$1" | base32 -d | od -An -tx1 | tr -d ' \n')
	step=$(printf '%016x' $(($(date +%s) / 30 + $2)))
	mac=$(printf '%s' "$step" | sed 's/../\\x&/g' | xargs -0 printf | openssl dgst -sha1 -mac HMAC -macopt "hexkey:$hex" |
		sed 's/.*= *//')
	at=$((0x$(printf '%s' "$mac" | cut -c40) * 2))
	four=$(printf '%s' "$mac" | cut -c$((at + 1))-$((at + 8)))
	printf '%06d' $(((0x$four & 0x7fffffff) % 1000000))
}
sign_in() { # jar, name, password: as far as that goes
	rm -f "$1"
	ask -c "$1" --data-urlencode "name=$2" --data-urlencode "password=$3" "$URL/login"
}
link() { sed -nE 's,.*(/welcome\?once=.*),\1,p'; }
good='kelapa muda di tepi jalan'
better='pisang goreng tiap pagi'

ronda init "$D" --name "Team B" --country ID --team small >/dev/null 2>&1
ronda account -d "$D" new "Viewer A" --roles viewer
ronda account -d "$D" new "Lead A" --roles lead
serve

# --- invited ---
w=$(ronda account -d "$D" invite "Viewer A" 2>/dev/null | link)
old=$w
w=$(ronda account -d "$D" invite "Viewer A" 2>/dev/null | link)
answers 403 "a newer invitation ends the older" "$URL$old"
answers 200 "an invitation opens a page" "$URL$w"
has "$T/body" 'You are <b>Viewer A</b>' "that greets by name"
once=${w#*once=}
for weak in short aaaaaaaaaaaaaaaa 'viewer a viewer a'; do
	answers 400 "no password: $weak" --data-urlencode "once=$once" --data-urlencode "new=$weak" "$URL/welcome"
done
answers 303 "a good one signs in" -c "$T/jar" --data-urlencode "once=$once" --data-urlencode "new=$good" "$URL/welcome"
answers 200 "and opens pages" -b "$T/jar" "$URL/events"
has "$T/body" 'You are <a href="/account">Viewer A</a>' "as this person"
answers 403 "an invitation works once" --data-urlencode "once=$once" --data-urlencode "new=$better" "$URL/welcome"

# --- name and password ---
sign_in "$T/jar2" 'VIEWER  a' "$good"
is "$(to)" '/login?wrong=name' "a name is not its letters alone"
sign_in "$T/jar2" 'vIEWER a' "$good"
is "$status $(to)" "303 /" "but case does not matter"
first=$(cookie)
ask -d "name=Viewer A&password=wrong" "$URL/login"
grep -vi '^date:' "$T/head" >"$T/known"
ask -d "name=Nobody A&password=wrong" "$URL/login"
grep -vi '^date:' "$T/head" >"$T/unknown"
cmp -s "$T/known" "$T/unknown"
ok $? "wrong and unknown answer the same"
has_not "$T/head" 'Set-Cookie' "and open nothing"
answers 405 "no way in by PUT" -X PUT -d "name=Viewer A&password=$good" "$URL/login"
answers 405 "nor by GET of a form" "$URL/login/second?ticket=x&code=1"

# --- fixation: an id that was there before opens nothing afterwards ---
answers 303 "signing in with a cookie somebody set" -b 'ronda=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' \
	--data-urlencode 'name=Viewer A' --data-urlencode "password=$good" "$URL/login"
[ "$(cookie)" != 'ronda=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' ] && [ -n "$(cookie)" ]
ok $? "gives another one"
answers 401 "the one that was set opens nothing" -b 'ronda=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' "$URL/events.json"
c=$(csrf "$first")
ask -b "$first" --data-urlencode "csrf=$c" --data-urlencode 'name=Viewer A' --data-urlencode "password=$good" "$URL/login"
second=$(cookie)
answers 401 "signing in again ends the session before" -b "$first" "$URL/events.json"
answers 200 "and opens a new one" -b "$second" "$URL/events.json"

# --- what ends a session ---
c=$(csrf "$second")
answers 403 "a password is asked to change it" -b "$second" --data-urlencode "csrf=$c" -d "password=wrong" \
	--data-urlencode "new=$better" "$URL/account/password"
answers 403 "and the token of the form" -b "$second" --data-urlencode "password=$good" --data-urlencode "new=$better" \
	"$URL/account/password"
answers 303 "a password is changed" -b "$second" --data-urlencode "csrf=$c" --data-urlencode "password=$good" \
	--data-urlencode "new=$better" "$URL/account/password"
third=$(cookie)
answers 401 "that ends the session" -b "$second" "$URL/events.json"
answers 401 "and all others of the account" -b "$T/jar" "$URL/events.json"
answers 200 "but for a new one here" -b "$third" "$URL/events.json"
sign_in "$T/jar2" 'Viewer A' "$good"
is "$(to)" '/login?wrong=name' "the old password is none"
ronda account -d "$D" disable "Viewer A"
answers 401 "a disabled account's session ends" -b "$third" "$URL/events.json"
sign_in "$T/jar2" 'Viewer A' "$better"
is "$(to)" '/login?wrong=name' "and it does not come in"
ronda account -d "$D" enable "Viewer A"
answers 401 "enabled again, the session stays over" -b "$third" "$URL/events.json"
sign_in "$T/jar2" 'Viewer A' "$better"
answers 200 "until it signs in" -b "$T/jar2" "$URL/events"
ronda account -d "$D" roles "Viewer A" viewer,analyst
answers 401 "more roles: sign in again" -b "$T/jar2" "$URL/events.json"
stop_node
serve

# --- a second factor, for roles that ask for one ---
printf '%s\n' "$good" | ronda account -d "$D" password "Lead A"
sign_in "$T/lead" 'Lead A' "$good"
is "$(to)" /account "a lead without second factor is led to enrol one"
answers 303 "and elsewhere he is led there too" -b "$T/lead" "$URL/events"
is "$(to)" /account "to his account"
answers 403 "nothing else opens" -b "$T/lead" "$URL/events.json"
answers 404 "by no other page" -b "$T/lead" "$URL/approvals.json"
c=$(csrf "$T/lead")
answers 403 "nor is a case key made" -b "$T/lead" --data-urlencode "csrf=$c" -d "new=seven rivers run north" \
	-d "again=seven rivers run north" "$URL/case-key/new"
answers 403 "recovery codes alone are no second factor" -b "$T/lead" --data-urlencode "csrf=$c" "$URL/account/codes"
answers 200 "one-time codes are begun" -b "$T/lead" --data-urlencode "csrf=$c" "$URL/account/totp"
has "$T/body" '<path d="M4 4h1v1h-1z' "with a QR code"
has "$T/body" 'otpauth://totp/' "and as text"
secret=$(sed -nE 's,.*class="secret"><code>([A-Z2-7]+)</code>.*,\1,p' "$T/body")
ticket=$(field ticket)
answers 400 "a wrong code enrols nothing" -b "$T/lead" --data-urlencode "csrf=$c" -d "ticket=$ticket&code=000000" \
	"$URL/account/totp-confirm"
answers 200 "the right one does" -b "$T/lead" -c "$T/lead" --data-urlencode "csrf=$c" \
	-d "ticket=$ticket&code=$(code "$secret" 0)" "$URL/account/totp-confirm"
sed -nE 's,.*<code>([a-z2-7-]{19})</code>.*,\1,p' "$T/body" >"$T/codes"
is "$(wc -l <"$T/codes")" 10 "and shows ten recovery codes"
answers 200 "now all is open" -b "$T/lead" "$URL/events"
sign_in "$T/lead2" 'Lead A' "$good"
is "$status" 200 "signing in asks for the second factor"
[ -z "$(cookie)" ]
ok $? "and opens no session before"
ticket=$(field ticket)
answers 200 "a wrong code is asked again" -d "ticket=$ticket&code=000000" "$URL/login/second"
has "$T/body" 'code is wrong' "and said"
one=$(code "$secret" 1)
answers 303 "the right code signs in" -c "$T/lead2" -d "ticket=$ticket&code=$one" "$URL/login/second"
answers 200 "really" -b "$T/lead2" "$URL/events"
answers 403 "the step is used up" -d "ticket=$ticket&code=$one" "$URL/login/second"
sign_in "$T/lead3" 'Lead A' "$good"
ticket=$(field ticket)
answers 200 "the same code twice is refused" -d "ticket=$ticket&code=$one" "$URL/login/second"
answers 303 "a recovery code signs in" -d "ticket=$ticket" --data-urlencode "code=$(sed -n 3p "$T/codes")" "$URL/login/second"
sign_in "$T/lead3" 'Lead A' "$good"
answers 200 "but once" -d "ticket=$(field ticket)" --data-urlencode "code=$(sed -n 3p "$T/codes")" "$URL/login/second"
is "$(ronda account -d "$D" list --json | sed -nE 's/.*"name":"Lead A".*"totp":([a-z]+).*"codes":([0-9]+).*/\1 \2/p')" \
	"true 9" "nine are left"
c=$(csrf "$T/lead2")
answers 403 "what the roles ask for stays" -b "$T/lead2" --data-urlencode "csrf=$c" --data-urlencode "password=$good" \
	"$URL/account/totp-remove"

# --- a case key in the browser ---
answers 200 "no case key yet" -b "$T/lead2" "$URL/case-key"
answers 400 "two passphrases that differ" -b "$T/lead2" --data-urlencode "csrf=$c" -d "new=seven rivers run north" \
	-d "again=eight" "$URL/case-key/new"
answers 200 "a case key is made" -b "$T/lead2" --data-urlencode "csrf=$c" -d "new=seven rivers run north" \
	-d "again=seven rivers run north" -d shares=3 "$URL/case-key/new"
grep -o 'ronda_share_[A-Za-z0-9_-]*' "$T/body" >"$T/shares"
is "$(wc -l <"$T/shares")" 3 "with three shares"
answers 403 "a wrong passphrase opens nothing" -b "$T/lead2" --data-urlencode "csrf=$c" -d "passphrase=eight rivers run north" \
	"$URL/case-key/open"
cp "$T/lead2" "$T/before"
ronda incident -d "$D" new title="A case" class=other severity=low victim="met in the third village" \
	--labels '{"tlp":"AMBER","named":["account:3"]}' >"$T/out" 2>"$T/err"
ok $? "something is sealed to the lead"
answers 200 "he opens the record" -b "$T/lead2" "$URL/incident/1"
has_not "$T/body" 'third village' "and does not see it"
has "$T/body" 'href="/case-key\?next=%2Fincident%2F' "but is asked for his passphrase"
answers 303 "the right one does" -b "$T/lead2" -c "$T/lead2" --data-urlencode "csrf=$c" \
	-d "passphrase=seven rivers run north" "$URL/case-key/open"
answers 401 "with a new session id: the old one is over" -b "$T/before" "$URL/events.json"
answers 200 "the new one has the key" -b "$T/lead2" "$URL/case-key"
has "$T/body" 'open in this session' "and says so"
answers 200 "the record again" -b "$T/lead2" "$URL/incident/1"
has "$T/body" 'third village' "what is sealed is there"
answers 200 "the list" -b "$T/lead2" "$URL/incident.csv"
has_not "$T/body" 'third village' "lists and exports hold none of it"
(sed -n 1p "$T/shares"; echo; echo eight rivers run south) >"$T/one"
check_fails 77 "one share recovers nothing" ronda seal -d "$D" recover "Lead A" <"$T/one"
(sed -n '1p;3p' "$T/shares"; echo eight rivers run south) >"$T/two"
check "two shares do" ronda seal -d "$D" recover "Lead A" <"$T/two"
c=$(csrf "$T/lead2")
answers 403 "the old passphrase is none" -b "$T/lead2" --data-urlencode "csrf=$c" -d "passphrase=seven rivers run north" \
	"$URL/case-key/open"
answers 303 "the new one opens" -b "$T/lead2" --data-urlencode "csrf=$c" -d "passphrase=eight rivers run south" \
	"$URL/case-key/open"
echo seven rivers run north | ronda seal -d "$D" key >"$T/own" 2>"$T/err"
is "$(grep -c '^ronda_share_' "$T/own")" 3 "on the command line too"
echo seven rivers run north | ronda seal -d "$D" open >"$T/out" 2>"$T/err"
ok $? "its passphrase opens it"
echo eight rivers run north | ronda seal -d "$D" open >"$T/out" 2>"$T/err"
[ $? = 77 ]
ok $? "another does not"

# --- tokens of accounts ---
t=$(ronda token -d "$D" make "script" --right read --ceiling RED --personal --account "Viewer A" 2>/dev/null)
answers 200 "a token of an account reads" -H "Authorization: Bearer $t" "$URL/events.json"
ronda account -d "$D" disable "Viewer A"
answers 401 "and ends with it" -H "Authorization: Bearer $t" "$URL/events.json"

# --- what the store holds, and the log ---
stop_node
sqlite3 "$D/main.db" .dump >"$T/dump"
ronda journal -d "$D" list -n 1000 --json >"$T/journal"
for s in "$good" "$better" "$secret" "$t" "$once" "$(sed -n 1p "$T/codes")" 'seven rivers' "$(sed -n 1p "$T/shares")"; do
	cat "$T/dump" "$T/journal" "$T/node.log" >"$T/all"
	has_not "$T/all" "$s" "no secret in dump, journal and log"
done
for act in login account.invite account.password account.totp account.codes account.code seal.key seal.recover token.make; do
	has "$T/journal" "\"$act\"" "$act is in the journal"
done
check "the chain verifies" ronda journal -d "$D" verify

# --- guesses ---
serve
wrong=0
for i in $(seq 30); do
	ask -d "name=Lead A&password=guess number $i of many" "$URL/login"
	[ "$status" = 303 ] && wrong=$((wrong + 1))
done
is "$wrong" 10 "of 30 guesses ten are tried"
sign_in "$T/jar2" 'lEAD a' "$good"
is "$status" 503 "then not even the right one, however written"
stop_node

# --- a large team: two persons ---
D=$T/large
ronda init "$D" --name "Team C" --country MY --team large >/dev/null 2>&1
check "the first colleague is a notice" ronda account -d "$D" new "Lead A" --roles lead
check_fails 75 "then two persons are needed" ronda account -d "$D" new "Analyst A" --roles analyst
has "$T/err" 'second person.*approval 2 ' "which is said"
is "$(ronda account -d "$D" list --json | wc -l)" 2 "nothing was done"
printf '%s\n' "$good" | ronda account -d "$D" password "Lead A" 2>/dev/null
check_fails 77 "nobody approves his own" ronda approval -d "$D" approve 2
serve
sign_in "$T/lead" 'Lead A' "$good"
c=$(csrf "$T/lead")
ask -b "$T/lead" --data-urlencode "csrf=$c" "$URL/account/totp"
secret=$(sed -nE 's,.*class="secret"><code>([A-Z2-7]+)</code>.*,\1,p' "$T/body")
answers 200 "the lead enrols" -b "$T/lead" -c "$T/lead" --data-urlencode "csrf=$c" -d "ticket=$(field ticket)&code=$(code "$secret" 0)" \
	"$URL/account/totp-confirm"
answers 200 "sees what waits" -b "$T/lead" "$URL/"
has "$T/body" 'new account &#39;analyst a&#39;|new account .*analyst a' "on the watch board"
answers 200 "and all of it" -b "$T/lead" "$URL/approvals"
c=$(field csrf)
answers 303 "approves" -b "$T/lead" --data-urlencode "csrf=$c" -d answer=yes "$URL/approvals/2"
check "and it is done by whoever asked" ronda account -d "$D" new "Analyst A" --roles analyst
check_fails 75 "once" ronda account -d "$D" new "Analyst B" --roles analyst
check_fails 75 "no roles rise by one person" ronda account -d "$D" roles "Analyst A" analyst,lead
check_fails 75 "nobody becomes another alone" ronda account -d "$D" invite "Lead A"
check_fails 75 "nor by a password" sh -c "printf '%s\n' '$better' | ronda account -d '$D' password 'Lead A'"
check "an invitation for who is new is fine" ronda account -d "$D" invite "Analyst A"
ronda approval -d "$D" list --json >"$T/out"
is "$(grep -c '"state":"open"' "$T/out")" 4 "four things wait"
ronda journal -d "$D" list --json >"$T/journal"
has "$T/journal" '"actor":"account:1","act":"approval.ask"' "who asked is in the journal"
has "$T/journal" '"actor":"account:2","act":"approval.approve"' "and who approved"

# --- and to erase ---
check_fails 75 "the owner asks to be a lead too" ronda account -d "$D" roles owner administrator,lead
n=$(sed -nE 's/.*approval ([0-9]+) .*/\1/p' "$T/err")
answers 303 "which another grants" -b "$T/lead" --data-urlencode "csrf=$c" -d answer=yes "$URL/approvals/$n"
check "he is" ronda account -d "$D" roles owner administrator,lead
check "something is written down" ronda note -d "$D" new title="A note to be erased" text_body="who was it"
check_fails 75 "nobody erases alone" ronda note -d "$D" erase 1 --why "asked by the person concerned"
n=$(sed -nE 's/.*approval ([0-9]+) .*/\1/p' "$T/err")
check "it is still there" ronda note -d "$D" show 1
answers 303 "another approves" -b "$T/lead" --data-urlencode "csrf=$c" -d answer=yes "$URL/approvals/$n"
check "then it is erased" ronda note -d "$D" erase 1 --why "asked by the person concerned"

# --- and for another key of the node ---
check_fails 75 "nobody changes the key alone" ronda journal -d "$D" key --reason "a copy was stolen"
n=$(sed -nE 's/.*approval ([0-9]+) .*/\1/p' "$T/err")
answers 303 "another approves" -b "$T/lead" --data-urlencode "csrf=$c" -d answer=yes "$URL/approvals/$n"
check "then it is another" ronda journal -d "$D" key --reason "a copy was stolen"
check "under which all is sound" ronda journal -d "$D" verify
ronda journal -d "$D" list --json >"$T/journal"
has "$T/journal" '"actor":"account:1","act":"approval.done"' "the journal says that two did it"
stop_node
done_testing
