#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A newcomer's first day, from an empty directory to a finding marked as told.
. "$RONDA_SOURCE/tests/lib.sh"

check "a node is made" ronda init "$D" --name "Team B" --country ID
[ "$(wc -l <"$T/out")" = 1 ] && [ "$(wc -c <"$T/out")" -gt 20 ]
ok $? "its set-up secret is the one line on stdout"
check_fails 78 "and not made twice" ronda init "$D" --name "Team B" --country ID
check_fails 64 "a country is needed" ronda init "$T/other" --name "Team B"

cat >"$T/dir.csv" <<'EOF'
name,kind,country,sector,networks,asns,domains,email,role
Team B,csirt,ID,,,,.id,duty@team-b.example,24x7
Telecom,constituent,ID,telecommunications,,64500,,abuse@telecom.example,abuse
Bank Dua,constituent,ID,finance,198.18.1.0/24,,bank-dua.example,soc@bank-dua.example,abuse
EOF
sed 's/198.18.1.0\/24/198.18.1.0\/33/' "$T/dir.csv" >"$T/bad.csv"
ronda directory -d "$D" import "$T/bad.csv" >"$T/out" 2>"$T/err"
[ $? != 0 ]
ok $? "a bad CIDR is refused"
has "$T/err" '^row 4:' "and named by its row"
ronda directory -d "$D" import --dry-run --json "$T/dir.csv" >"$T/out" 2>"$T/err"
is "$(number added <"$T/out")" 3 "a dry run says what would come"
is "$(ronda directory -d "$D" list --json | wc -l)" 0 "and changes nothing"
check "the directory is imported" ronda directory -d "$D" import "$T/dir.csv"
is "$(ronda directory -d "$D" import --json "$T/dir.csv" | number same)" 3 "again: nothing new"

made scan_telnet 0 5000 >"$T/2026-11-20-scan_telnet-made.csv"
ronda intake -d "$D" --json "$T/2026-11-20-scan_telnet-made.csv" >"$T/sum" 2>"$T/err"
ok $? "a report is taken in"
equation "$T/sum"
ok $? "and its records add up"
is "$n_events" 5000 "every line is an event"
ronda intake -d "$D" --json "$T/2026-11-20-scan_telnet-made.csv" >"$T/sum2" 2>"$T/err"
equation "$T/sum2"
is "$n_events" 5000 "the same bytes again give the first summary"
is "$(ronda count -d "$D" --json | number count)" 5000 "and no second copy"

made scan_telnet 4990 20 >"$T/2026-11-20-scan_telnet-more.csv"
ronda intake -d "$D" --json "$T/2026-11-20-scan_telnet-more.csv" >"$T/sum"
equation "$T/sum"
is "$n_events $n_repeats" "10 10" "of a report that overlaps, repeats are known"

made scan_telnet 10000 50 >"$T/2026-11-20-scan_telnet-p.csv"
gzip -k "$T/2026-11-20-scan_telnet-p.csv"
made scan_telnet 11000 50 >"$T/2026-11-20-scan_telnet-q.csv"
(cd "$T" && zip -q q.zip 2026-11-20-scan_telnet-q.csv)
made scan_telnet 12000 50 >"$T/2026-11-20-scan_telnet-r.csv"
zstd -q "$T/2026-11-20-scan_telnet-r.csv"
for f in 2026-11-20-scan_telnet-p.csv.gz q.zip 2026-11-20-scan_telnet-r.csv.zst; do
	ronda intake -d "$D" --json "$T/$f" >"$T/sum" 2>"$T/err"
	equation "$T/sum"
	is "$n_events" 50 "packed as ${f##*.}"
done

made scan_telnet 20000 10 >"$T/2026-11-20-scan_telnet-s.csv"
echo '"not a time",high,198.18.0.1,tcp,23,,,,,,,,,' >>"$T/2026-11-20-scan_telnet-s.csv"
printf '"2026-11-20 00:00:00",high,not-an-address,tcp,23,,,,,,,,,\n' >>"$T/2026-11-20-scan_telnet-s.csv"
ronda intake -d "$D" --json "$T/2026-11-20-scan_telnet-s.csv" >"$T/sum" 2>"$T/err"
equation "$T/sum"
is "$n_events $n_quarantined" "10 2" "bad lines are kept apart"
is "$(ronda quarantine -d "$D" list --json | wc -l)" 2 "and listed"
ronda quarantine -d "$D" show 1 >"$T/out"
has "$T/out" 'not a time' "with their bytes"
check "and may be tried again" ronda quarantine -d "$D" retry

printf '# list\n198.18.9.1\n198.18.9.0/28\nexample.org\nhttp://www.example.org/x\n0.0.0.0 bad.example.org\n' >"$T/list.txt"
ronda intake -d "$D" --json "$T/list.txt" >"$T/sum" 2>"$T/err"
equation "$T/sum"
is "$n_events $n_blank" "5 1" "a block list of all kinds"
printf '{"__type":"Event","source.ip":"198.18.9.9","time.source":"2026-11-20T01:02:03+00:00","classification.type":"phishing","tlp":"RED","extra.note":"x"}\n' >"$T/iq.json"
ronda intake -d "$D" --json "$T/iq.json" >"$T/sum" 2>"$T/err"
equation "$T/sum"
is "$n_events" 1 "IntelMQ's lines"

ronda who -d "$D" 198.18.1.7 >"$T/out"
has "$T/out" 'Bank Dua.*asset holder' "who answers with organisation, role and reason"
printf '198.18.1.7\nAS64500\nhxxp://www.bank-dua[.]example/\n' | ronda who -d "$D" - >"$T/out"
has "$T/out" 'bank-dua' "also a pasted list"
is "$(ronda events -d "$D" type=phishing --json | wc -l)" 1 "events are found by filter"
ronda events -d "$D" ip=198.18.9.9 --json >"$T/out"
has "$T/out" '"source.ip":"198.18.9.9"' "by address, with IntelMQ's names"
has "$T/out" '"tlp":"RED"' "with their own marking"
ronda events -d "$D" --csv --limit 3 >"$T/out"
is "$(wc -l <"$T/out")" 4 "as CSV"
check_fails 65 "an unknown filter is named" ronda events -d "$D" nonsense_field=1
ronda count -d "$D" --by day,type,cc --csv >"$T/out"
has "$T/out" '"2026-11-20","vulnerable-system","ID","5' "counted by day, type and country"
ronda count -d "$D" --by organisation --json >"$T/out"
has "$T/out" 'Bank Dua' "and by organisation"

ronda findings -d "$D" --json --type vulnerable-system --limit 5 >"$T/out"
is "$(wc -l <"$T/out")" 5 "findings are open"
id=$(head -1 "$T/out" | sed -nE 's/.*"id": ?"([0-9a-f]{32})".*/\1/p')
check "one is marked as told" ronda findings -d "$D" mark "$id" told --reason "called the duty desk"
check_fails 66 "a made-up one is not found" ronda findings -d "$D" mark 00000000000000000000000000000000 told --reason x

check "all is sound" ronda verify -d "$D"
check "the journal too" ronda journal -d "$D" verify
ronda journal -d "$D" list --json >"$T/out"
has "$T/out" '"act":"intake"' "every intake has its line"
check "findings made anew" ronda rebuild -d "$D"
check "feeds are added" ronda feed -d "$D" add scans --tlp GREEN --period 1d
check_fails 64 "never without a marking" ronda feed -d "$D" add other
check "settings are shown" ronda settings -d "$D" listen
echo 'listen 1' >"$D/ronda.conf"
check_fails 65 "a bad settings file is refused" ronda check -d "$D"
has "$T/err" 'line 1' "with its line"
rm "$D/ronda.conf"
for c in $(ronda help | sed -nE 's/^  ([a-z]+) .*/\1/p'); do
	ronda $c --help >"$T/out" 2>"$T/err"
	has "$T/out" '^Example:' "help of $c ends with an example"
done
done_testing
