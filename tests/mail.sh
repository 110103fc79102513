#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Letters go out through a relay that misbehaves in every way there is, while the node is killed again
# and again; behind it are a real relay and a real mailbox store. What arrived is counted there:
# nobody forgotten, nobody told twice but where the ledger says that nobody could know.
#
#   RONDA_MAIL_ORGANISATIONS   constituents (60)      RONDA_MAIL_CLASSES   kinds of findings (5)
#   RONDA_MAIL_FINDINGS        of a kind each (10)    RONDA_KILL_ROUNDS    kills of the node (30)
#   RONDA_MAIL_LIFE            seconds that it lives longer before each (0)
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/servers.sh"
unset LANG LC_ALL LC_MESSAGES
organisations=${RONDA_MAIL_ORGANISATIONS:-60}
classes=${RONDA_MAIL_CLASSES:-5}
each=${RONDA_MAIL_FINDINGS:-10}
kills=${RONDA_KILL_ROUNDS:-30}
life=${RONDA_MAIL_LIFE:-0}
relay_pid=
end_all() {
	[ -z "$relay_pid" ] || kill "$relay_pid" 2>/dev/null
	postfix_stop
	dovecot_stop
	finish
}
trap end_all EXIT
servers_can || {
	skip "letters by real relays" "$servers_lack"
	done_testing
}
r() { ronda "$@" -d "$D"; }
query() { sqlite3 -readonly -cmd '.timeout 5000' "$D/main.db" "$1"; }
# Until every finding stands in a letter, and none of these waits or is under way.
wait_sent() {
	for _ in $(seq 3000); do
		if [ "$(query "SELECT count(*) FROM outbox WHERE state IN (1, 2, 3) AND driver = 'mail'" 2>/dev/null)" = 0 ] &&
			[ "$(query "SELECT count(DISTINCT item) FROM outbox_cover" 2>/dev/null)" = $findings ]; then
			return 0
		fi
		sleep 0.3
	done
	return 1
}
dovecot_start
ok $? "a mailbox store runs"
postfix_start
ok $? "a relay runs"
free_port && bad_port=$port
"$RONDA_BUILD/tests/helpers/ronda-relay" "$bad_port" "$SMTP_PORT" "$T/relay.log" 5 2500 &
relay_pid=$!
wait_listens "$bad_port" $relay_pid
ok $? "and one in front of it that is bad at it"

# --- whom it concerns ---
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
printf '%s\n' "$MAIL_PASSWORD" >"$T/password"
chmod 600 "$T/password"
cat >>"$D/ronda.conf" <<END
send_messages = yes
send_pace = 0s
mail_from = Team B <cert@example.org>
mail_relays = smtp://127.0.0.1:$bad_port, smtp://cert@example.org@localhost:$SUBMISSION_PORT
mail_password_file = $T/password
mail_ca_file = $CA_FILE
mail_timeout = 2s
END
awk -v n="$organisations" 'BEGIN { for (i = 0; i < n; i++)
	printf "{\"name\":\"Net %d\",\"kind\":\"constituent\",\"contacts\":[{\"role\":\"abuse\",\"email\":\"abuse@n%d.example.org\",\"channel\":\"mail\"}],\"constituency\":[{\"kind\":\"network\",\"value\":\"198.%d.%d.0/24\"}]}\n",
		i, i, 18 + int(i / 256), i % 256 }' >"$T/organisations.jsonl"
check "constituents" r organisation import "$T/organisations.jsonl"
check "live" r rehearsal live --all --why "a test of relays"
check "a rule" r rule new title="What stands open" types=vulnerable-system pace=once pause=1s contact=abuse rank=1 cap=1000
check "is active" r rule move 1 active --why "a test of relays"
kinds='scan_telnet scan_ftp scan_vnc scan_rdp scan_redis scan_mongodb scan_elasticsearch scan_adb scan_smb scan_rsync'
# Each machine of each network, each kind at a port of its own; in parts, one before each kill.
parts=$((kills / classes))
[ $parts -gt 0 ] || parts=1
report() { # number of the kind from 1, its name, part from 0
	awk -v orgs="$organisations" -v each="$each" -v port=$((1000 + $1)) -v part="$3" -v parts="$parts" 'BEGIN {
		print "timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city"
		for (i = 0; i < orgs; i++) for (k = part; k < each; k += parts)
			printf "\"2026-11-20 %02d:%02d:%02d\",high,198.%d.%d.%d,tcp,%d,host-%d-%d.example.org,open,64500,ID,,\n",
				(i + k) % 24, i % 60, k % 60, 18 + int(i / 256), i % 256, k + 1, port, i, k }' >"$T/2026-11-20-$2-part.csv"
	r intake "$T/2026-11-20-$2-part.csv" >"$T/out" 2>"$T/err" || ok 1 "a report of $2"
}

# --- under fire ---
killed=0
while [ $killed -lt "$kills" ]; do
	if [ $killed -lt $((classes * parts)) ]; then
		number=$((killed % classes + 1))
		report $number "$(echo $kinds | cut -d' ' -f$number)" $((killed / classes))
	fi
	killed=$((killed + 1))
	serve >/dev/null || break
	sleep "$((life + killed * 67 % 120 / 100)).$(printf '%02d' $((30 + killed * 67 % 70)))"
	kill -9 "$node_pid" 2>/dev/null
	wait "$node_pid" 2>/dev/null
done
is $killed "$kills" "the node was killed while it told and sent, and came up again each time"
findings=$((organisations * classes * each))
is "$(r findings --json | grep -c '"id"')" $findings "as many findings as were reported"
echo "# after the kills: $(query "SELECT count(*) FROM outbox WHERE state = 4 AND driver = 'mail'") sent"
check "once more, and left alone" serve
wait_sent
ok $? "every letter has ended"
letters=$(query "SELECT count(*) FROM outbox WHERE driver = 'mail'")
uncertain=$(query "SELECT count(*) FROM outbox WHERE state = 5 AND driver = 'mail'")
failed=$(query "SELECT count(*) FROM outbox WHERE state = 8 AND driver = 'mail'")
cut=$(grep -cE '^(cut|hang)-after|^cut-middle' "$T/relay.log")
echo "# $(query "SELECT count(*) FROM outbox WHERE state = 4 AND driver = 'mail'") sent, $uncertain uncertain, $failed failed"
cut -d' ' -f1 "$T/relay.log" | sort | uniq -c | sed 's/^/# relay:/'
for end in later hang cut cut-after later-after refused-after hang-after; do
	has "$T/relay.log" "^$end " "the relay had its way: $end"
done
is "$(query "SELECT count(*) FROM ledger WHERE kind = 2 AND driver = 'mail'")" "$uncertain" "what nobody can know stands in the ledger"
is "$(query "SELECT count(*) FROM outbox WHERE driver = 'mail' AND state NOT IN (4, 5, 8)")" 0 "each letter is sent, uncertain or failed"
refused=$(grep -c '^refused-after' "$T/relay.log") # who was killed before he wrote that down does not know it
[ "$failed" -le "$refused" ] && [ $((refused - failed)) -le "$kills" ]
ok $? "those have failed that were not wanted: $failed of $refused"

# --- a person sees to the rest: by the good relay ---
kill $relay_pid
wait $relay_pid 2>/dev/null
relay_pid=
for id in $(query "SELECT id FROM outbox WHERE state IN (5, 8) AND driver = 'mail'"); do
	r outbox again "$id" --why "it may not have arrived" >"$T/out" 2>"$T/err" || ok 1 "message $id is sent again"
done
wait_sent
ok $? "what had failed is sent again"
is "$(query "SELECT count(*) FROM outbox WHERE state <> 4 AND driver = 'mail'")" 0 "and all is sent"
for _ in $(seq 600); do # marks follow the ledger
	[ "$(query 'SELECT count(DISTINCT id) FROM finding_mark WHERE mark = 1')" != $findings ] || break
	sleep 0.1
done
stop_node
wait_delivered
ok $? "the relay has delivered"

# --- what the mailbox store says ---
find "$MAILS" -path '*/Maildir/new/*' -type f -exec grep -him1 '^Message-ID:' {} + | sed 's/.*<\(.*\)>.*/\1/' | sort >"$T/arrived"
sort -u "$T/arrived" >"$T/ids"
query "SELECT DISTINCT reference FROM ledger WHERE driver = 'mail' AND kind = 1" | tr -d '<>' | sort -u >"$T/ledger"
is "$(wc -l <"$T/ids")" "$letters" "as many letters as there were to be"
diff "$T/ids" "$T/ledger" >"$T/out"
ok $? "their Message-IDs are those of the ledger"
uniq -d "$T/arrived" >"$T/twice"
extra=$(($(wc -l <"$T/arrived") - $(wc -l <"$T/ids")))
query "SELECT reference, message FROM ledger WHERE driver = 'mail' AND kind = 2" >"$T/uncertain"
query "SELECT message FROM ledger WHERE driver = 'mail' AND kind = 2" | sort -u >"$T/doubt"
sed 's/\..*//' "$T/twice" | sort -u >"$T/copied"
comm -23 "$T/copied" "$T/doubt" >"$T/out"
is "$(wc -l <"$T/out" | tr -d ' ')" 0 "who got a copy more is one that the ledger calls uncertain"
[ "$extra" -le "$uncertain" ]
ok $? "there are no more copies than doubts"
echo "# $letters letters, $extra extra copies, $uncertain uncertain, $cut cut behind or in the mail, $killed kills"
query "SELECT c.item FROM outbox_cover c JOIN outbox m ON m.id = c.message WHERE m.driver = 'mail'
	GROUP BY 1 HAVING count(DISTINCT m.id) > 1" >"$T/out"
is "$(wc -l <"$T/out" | tr -d ' ')" 0 "no finding is in two letters"
query "SELECT recipient, template, json_extract(details, '$.period') FROM outbox WHERE driver = 'mail'
	GROUP BY 1, 2, 3 HAVING count(*) > 1" >"$T/out"
is "$(wc -l <"$T/out" | tr -d ' ')" 0 "and nobody has two of one kind and period"
is "$(query "SELECT count(DISTINCT c.item) FROM outbox_cover c JOIN ledger l ON l.message = c.message AND l.kind = 1")" \
	$findings "no finding is untold"
is "$(query 'SELECT count(DISTINCT id) FROM finding_mark WHERE mark = 1')" $findings "each is marked so"
addresses=$(find "$MAILS" -mindepth 1 -maxdepth 1 -type d -name 'abuse@n*' | wc -l)
is "$addresses" "$organisations" "each constituent has mail"
for i in 0 7 11; do
	grep -rhoE '198\.1[89]\.[0-9]+\.' "$MAILS/abuse@n$i.example.org/Maildir/new" | sort -u >"$T/out"
	is "$(cat "$T/out")" "198.18.$i." "and one only of its own network"
done
check "outbox and ledger agree" r verify
has_not "$T/node.log" "$MAIL_PASSWORD" "no password in the log"
has_not "$D/main.db" "$MAIL_PASSWORD" "nor in the database"
done_testing
