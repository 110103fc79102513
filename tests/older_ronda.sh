#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A partner's node that knows only STIX: it says 415 to events without STIX around them, and gets STIX.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
C=cccccccc-0000-4000-8000-000000000001
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
with_exchange "$D"
made_partner "$T/c" $C
serve
ok $? "and serves"
line=$(ronda partner -d "$D" invite 2>"$T/err")
"$HELPERS/ronda-partner" accept "$T/c" "$line" "Team C" >"$T/out" 2>&1
has "$T/out" '^200 ' "a partner"
check "confirmed" ronda partner -d "$D" confirm partner-1
oc=$(org "$D" "Team C" 198.18.3.0/24)
agree "$D" "$oc"

# The older node: what it hears in $T/heard, what it says through a pipe.
free_port
mkfifo "$T/says"
openssl s_server -accept "127.0.0.1:$port" -cert "$T/c/cert.pem" -key "$T/c/key.pem" -verify 1 -quiet <"$T/says" >"$T/heard" 2>"$T/older.log" &
pids="$pids $!"
exec 3>"$T/says"
says() { # status, body
	printf 'HTTP/1.1 %s\r\nContent-Type: application/taxii+json;version=2.1\r\nContent-Length: %d\r\n\r\n%s' "$1" ${#2} "$2" >&3
}
heard() { # regular expression: within a minute
	for _ in $(seq 600); do
		! grep -qaE "$1" "$T/heard" || return 0
		sleep 0.1
	done
	return 1
}
check "its node is there" ronda partner -d "$D" edit partner-1 "organisation=$oc" "address=https://127.0.0.1:$port" way=push
printf '%s\n' 'timestamp,ip,protocol,port,tag' '"2026-11-22 09:00:00",198.18.3.7,tcp,23,telnet' >"$T/2026-11-22-scan_telnet-older.csv"
check "an event for it" ronda intake -d "$D" "$T/2026-11-22-scan_telnet-older.csv"
heard '^GET /taxii2/ '
ok $? "it is greeted"
says "200 OK" '{"title":"An older one"}'
heard '^Content-Type: application/vnd.ronda.envelope\+json;version=1'
ok $? "it is offered without STIX"
says "415 Unsupported Media Type" '{"title":"send application/taxii+json;version=2.1"}'
heard '^Content-Type: application/taxii\+json;version=2.1'
ok $? "and goes as STIX when that is not known"
says "202 Accepted" '{"id":"00000000-0000-4000-8000-000000000009","status":"complete","success_count":1,"failure_count":0}'
for _ in $(seq 600); do
	ronda partner -d "$D" line partner-1 >"$T/out" 2>&1
	[ "$(sqlite3 -readonly "$D/main.db" "SELECT coalesce(sum(sent), 0) FROM partner_line")" -lt 1 ] || break
	sleep 0.1
done
is "$(sqlite3 -readonly "$D/main.db" "SELECT sent FROM partner_line")" 1 "taken once"
is "$(sqlite3 -readonly "$D/main.db" "SELECT status FROM partner_receipt")" 00000000-0000-4000-8000-000000000009 "with its receipt"
exec 3>&-
end_nodes
stop_node
done_testing
