#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A backup while deliveries come in, then the node is killed: elsewhere it is made
# again, with all that was acknowledged before the backup began.
. "$RONDA_SOURCE/tests/lib.sh"
canary=canary3b9d7
ronda init "$D" --name "Team B" --country ID >/dev/null 2>&1
check "a pair of keys, without a node" ronda backup key "$T/secret"
public=$(ronda backup key "$T/other" 2>/dev/null)
is "$(stat -c %a "$T/secret")" 600 "the secret one is the keeper's alone"
check_fails 74 "and is not written over" ronda backup key "$T/secret"
public=$(sed -nE 's/.*public key is (rbp1[0-9a-f]*)/\1/p' "$T/secret")
check_fails 64 "without a key there is no backup" ronda backup -d "$D" --to "$T/none"
printf 'backup_key = rbp1nonsense\n' >"$D/ronda.conf"
check_fails 65 "a key that is none is named" ronda check -d "$D"
printf 'backup_key = %s\n' "$public" >"$D/ronda.conf"
check "the public one is a setting" ronda check -d "$D"

check "a key to sign with" ronda key generate -d "$D" "Team B" cert@example.org
signs=$(cat "$T/out")
serve
ok $? "a node serves"
{
	printf '{"__type":"Event","source.ip":"198.18.7.7","source.fqdn":"%s.example.org","time.source":"2026-11-20T01:00:00+00:00","classification.type":"phishing","tlp":"RED","comment":"%s"}\n' $canary $canary
	printf '{"__type":"Event","source.ip":"not an address","comment":"%s","tlp":"RED"}\n' $canary
} >"$T/report.json"
check "a report with a canary" ronda intake -d "$D" --format intelmq "$T/report.json"
# Deliveries until told to stop; those acknowledged before the backup are counted.
deliveries() {
	n=0
	while [ ! -e "$T/stop" ]; do
		n=$((n + 1))
		made scan_telnet $((n * 2000)) 2000 >"$T/2026-11-20-scan_telnet-$n.csv"
		ronda intake -d "$D" --no-wait "$T/2026-11-20-scan_telnet-$n.csv" >"$T/sum" 2>/dev/null &&
			echo $n >>"$T/acknowledged"
	done
}
: >"$T/acknowledged"
deliveries &
deliverer=$!
for _ in $(seq 1200); do
	[ "$(wc -l <"$T/acknowledged")" -lt 5 ] || break
	sleep 0.05
done
before=$(wc -l <"$T/acknowledged")
check "a backup beside them" ronda backup -d "$D" --to "$T/backup"
has "$T/err" 'files, .* bytes encrypted; journal head [0-9]+:' "says what is in it"
ronda backup -d "$D" --to - >"$T/piped" 2>"$T/err"
ok $? "another into a pipe"
check_fails 74 "a file that is there is not written over" ronda backup -d "$D" --to "$T/backup"
head=$(ronda journal -d "$D" head)
kill -9 $node_pid
wait $node_pid 2>/dev/null
node_pid=
touch "$T/stop"
wait $deliverer
during=$(($(wc -l <"$T/acknowledged") - before))
echo "# $before reports before, $during beside and after it"

for s in $canary 'Team B' SQLite RONDASEG rfrm scan_telnet "$public" journal; do
	has_not "$T/backup" "$s" "no '$s' in the backup"
done
check "it is whole" ronda restore "$T/backup" --key "$T/secret"
has "$T/out" "^whole: the backup of node 'Team B'" "and says whose it is"
check "restored elsewhere" ronda restore "$T/backup" --key "$T/secret" --to "$T/new"
has "$T/out" 'was read again and is sound' "and read again"
check "verify agrees" ronda verify -d "$T/new"
check "its journal too" ronda journal -d "$T/new" verify
ronda journal -d "$T/new" list --json >"$T/out"
has "$T/out" '"act":"restore"' "its journal says that it was restored"
has "$T/out" '"act":"backup"' "and that it was backed up"
events=$(ronda count -d "$T/new" --json | number count)
[ "$events" -ge $((before * 2000)) ]
ok $? "all that was acknowledged before is there ($events events, $((before * 2000)) at least)"
is "$(ronda events -d "$T/new" --json fqdn=$canary.example.org 2>/dev/null | wc -l)" 1 "so is the canary"
is "$(ronda settings -d "$T/new" --json backup_key | grep -c "$public")" 1 "and the settings"
check "the key ring is there" ronda key list -d "$T/new" --csv
has "$T/out" "$signs.*signs, encrypts.*yes.*valid" "with our own key, and its private part"
is "$(stat -c %a "$T/new/gnupg" "$T/new/gnupg/private-keys-v1.d" | sort -u)" 700 "ours alone"
has_not "$T/new/ronda.conf" rbs1 "but no secret key"
ronda restore "$T/backup" --key "$T/secret" --to "$T/old" --against "$head" >"$T/out" 2>"$T/err"
is $? 74 "a head kept elsewhere shows what the backup has not"
has "$T/err" 'tail was cut' "in words"
check "the piped one" ronda restore - --key "$T/secret" --to "$T/piped.new" <"$T/piped"
# It goes on where it was: what was delivered is known, what is new is taken.
D=$T/new
reports=$(sqlite3 -readonly "$D/main.db" 'SELECT count(*) FROM report')
serve
ok $? "it serves"
ronda intake -d "$D" --no-wait --json "$T/2026-11-20-scan_telnet-1.csv" >"$T/sum" 2>"$T/err"
is "$(sqlite3 -readonly "$D/main.db" 'SELECT count(*) FROM report')" "$reports" "and knows what it had"
stop_node

check_fails 77 "another key is refused" ronda restore "$T/backup" --key "$T/other" --to "$T/no"
has "$T/err" 'another key' "in words"
check_fails 65 "the public key is none to restore with" ronda restore "$T/backup" --key "$D/ronda.conf" --to "$T/no"
bytes=$(wc -c <"$T/backup")
for at in 30 200 $((bytes / 2)) $((bytes - 5)); do
	cp "$T/backup" "$T/flipped"
	printf '\377\376' | dd of="$T/flipped" bs=1 seek=$at conv=notrunc 2>/dev/null
	ronda restore "$T/flipped" --key "$T/secret" --to "$T/no" >"$T/out" 2>"$T/err"
	code=$?
	[ $code = 65 ] || [ $code = 77 ]
	ok $? "bytes changed at $at are found"
	[ ! -e "$T/no" ]
	ok $? "and nothing of it stays"
done
for n in 5 100 300 $((bytes / 2)) $((bytes - 1)); do
	head -c $n "$T/backup" >"$T/cut"
	check_fails 65 "cut off at $n" ronda restore "$T/cut" --key "$T/secret" --to "$T/no"
	has "$T/err" 'cut off|no backup' "in words"
done
cat "$T/backup" "$T/backup" >"$T/twice"
check_fails 65 "two in one file" ronda restore "$T/twice" --key "$T/secret" --to "$T/no"
check_fails 65 "something else" ronda restore "$T/report.json" --key "$T/secret" --to "$T/no"
[ ! -e "$T/no" ]
ok $? "nothing of all that stays"
check_fails 78 "a directory in use is not written into" ronda restore "$T/backup" --key "$T/secret" --to "$T/new"
done_testing
