#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One partner sends a hundred times what it may: it is refused with the time to wait, others and feeds get through, and the
# operator sees it. A node that is told so keeps the pace, and a line that costs is not used for more than a day's bytes.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
BIN=$HELPERS/ronda-partner
ronda init "$D" --name "Team B" --country ID --team small --account "Lead" >"$T/out" 2>"$T/err"
with_exchange "$D"
serve
ok $? "a node serves"
n=0
for who in c e; do
	n=$((n + 1))
	made_partner "$T/$who" "$who$who$who$who$who$who$who$who-0000-4000-8000-000000000001"
	line=$(ronda partner -d "$D" invite 2>"$T/err")
	"$BIN" accept "$T/$who" "$line" "Team $who" >"$T/out" 2>&1
	check "partner $n is paired" ronda partner -d "$D" confirm "partner-$n"
done
for k in c e; do
	o=$(org "$D" "Team $k" "198.18.$([ $k = c ] && echo 3 || echo 5).0/24")
	ronda partner -d "$D" edit "partner-$([ $k = c ] && echo 1 || echo 2)" "organisation=$o" >/dev/null 2>&1
	agree "$D" "$o"
done
check "Team C may send 20 objects a second" ronda partner -d "$D" edit partner-1 quota_objects=20
ronda partner -d "$D" edit partner-1 quota_objects=0 >"$T/out" 2>"$T/err"
has "$T/err" "'0' is less than 1" "  nought is no quota"

# --- a flood ---
field() { sed -nE "s/.*$1 ([0-9.]+).*/\1/p" "$2"; }
began=$(date +%s)
"$BIN" pour "$T/c" 6 0 20 4 >"$T/flood" 2>"$T/flood.err" &
flood=$!
sleep 1
"$BIN" pour "$T/e" 4 100 10 1 >"$T/other" 2>"$T/other.err"
ok $? "another partner's are taken meanwhile"
made scan_telnet 0 200 >"$T/2026-11-20-scan_telnet-first.csv"
check "and a feed's report" ronda intake -d "$D" "$T/2026-11-20-scan_telnet-first.csv"
wait $flood
ok $? "the flood gets no other answer than taken, or later"
sed 's/^/# flood: /' "$T/flood"
sed 's/^/# other: /' "$T/other"
is "$(field refused "$T/other")" 0 "nothing of the other one is refused"
[ "$(field taken "$T/other")" -ge 4 ]
ok $? "  and it got through"
[ "$(field refused "$T/flood")" -gt $((2 * $(field taken "$T/flood"))) ]
ok $? "of the flood most is refused"
# ten seconds' worth at once and a second's worth each second, and what was under way when it was used up
t=$(field taken "$T/flood")
[ "$t" -ge 10 ] && [ "$t" -le $((15 + $(date +%s) - began)) ]
ok $? "and as much taken as its quota lets in ($t envelopes of 20)"
is "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM exchange_object")" $((20 * t + 10 * $(field taken "$T/other"))) \
	"what was taken is there, what was refused is not"
url=$(cat "$T/c/address")/taxii2/exchange/collections/
until_over() { # one more is refused
	"$BIN" pour "$T/c" 5 0 100 1 5 >"$T/out" 2>&1
	curl -sk -D "$T/head" -o "$T/out" -w '%{http_code}' --cert "$T/c/cert.pem" --key "$T/c/key.pem" -H 'Accept: application/taxii+json;version=2.1' "$url"
}
is "$(until_over)" 429 "who is over it reads nothing either"
has "$T/head" '^[Rr]etry-[Aa]fter: [1-9][0-9]*' "  and is told when to come again"
has "$T/out" 'more objects than your quota' "  and why"
printf '{"objects":[{"type":"malware","spec_version":"2.1","id":"malware--99999999-0000-4000-8000-000000000001","created":"2026-11-22T09:00:00.000Z","modified":"2026-11-22T09:00:00.000Z","name":"Made up","is_family":false}]}' |
	"$BIN" post "$T/c" lane=warning >"$T/out" 2>&1
has "$T/out" '^202 ' "a warning passes what is over"
ronda partner -d "$D" line partner-1 --json >"$T/out" 2>"$T/err"
has "$T/out" 'sends more than its quota \(20 objects' "the operator sees it"
has "$T/node.log" 'warn a partner sends more than its quota' "  it is in the log"
[ "$(ronda journal list -d "$D" --act exchange.over_quota 2>/dev/null | grep -c over_quota)" = 1 ]
ok $? "  and in the journal once, not each time"
ronda partner -d "$D" line partner-2 --json >"$T/out" 2>"$T/err"
grep -q 'quota' "$T/out"
[ $? = 1 ]
ok $? "  of the other one nothing is said"
stop_node
# --- nodes keep it ---
two_nodes
ok $? "two nodes, paired"
check "A may send B 200 objects a second" ronda partner -d "$T/b" edit partner-1 quota_objects=200
lines() { # first, count
	awk -v f="$1" -v n="$2" 'BEGIN { for (i = f; i < f + n; i++)
		printf "{\"time.source\":\"2026-11-20T07:%02d:%02d+00:00\",\"source.ip\":\"198.18.%d.%d\",\"classification.type\":\"infected-system\",\"malware.name\":\"example\",\"tlp\":\"GREEN\"}\n", i / 60 % 60, i % 60, i / 250, i % 250 + 1 }'
}
lines 0 3000 >"$T/report.jsonl"
check "A has 3,000 events for B" ronda intake -d "$T/a" --feed local --format intelmq --name one.jsonl "$T/report.jsonl"
until_events "$T/b" 3000 1200
ok $? "all come"
is "$(events_of "$T/b")" 3000 "each once"
r=$(sqlite3 -readonly "$T/b/main.db" "SELECT coalesce(sum(refused), 0) FROM partner_quota")
[ "$r" -le 5 ]
ok $? "hardly any push had to be refused for it ($r)"
# --- a line that costs ---
check "the line to B may carry 1,024 bytes a day" ronda partner -d "$T/a" edit partner-1 line_day=1024
lines 3000 100 >"$T/report.jsonl"
check "100 more" ronda intake -d "$T/a" --feed local --format intelmq --name two.jsonl "$T/report.jsonl"
sleep 2
is "$(events_of "$T/b")" 3000 "they wait"
warn() { # title
	ronda warning -d "$T/a" new "title=$1" urgency=act summary="Made up" advice="Patch it" review_by=2030-01-01 --tlp GREEN &&
		ronda warning -d "$T/a" move 1 approved && ronda warning -d "$T/a" move 1 sent
}
warn "Patch now" >"$T/out" 2>"$T/err"
for _ in $(seq 600); do
	[ "$(ronda warning -d "$T/b" list --json 2>/dev/null | grep -c 'Patch now')" = 0 ] || break
	sleep 0.1
done
is "$(ronda warning -d "$T/b" list --json 2>/dev/null | grep -c 'Patch now')" 1 "a warning does not"
ronda partner -d "$T/a" line partner-1 --json >"$T/out"
has "$T/out" 'findings wait until midnight' "the operator is told"
check "the line is cheap again" ronda partner -d "$T/a" edit partner-1 line_day=
ronda partner -d "$T/a" sync partner-1 >"$T/out" 2>"$T/err"
until_events "$T/b" 3100 300
ok $? "and they go on"

# --- a line that costs, and we fetch over it ---
check "A only answers" ronda partner -d "$T/a" edit partner-1 way=none
check "B fetches" ronda partner -d "$T/b" edit partner-1 way=both
lines 3100 500 >"$T/report.jsonl"
check "500 more at A" ronda intake -d "$T/a" --feed local --format intelmq --name three.jsonl "$T/report.jsonl"
used() { ronda partner -d "$T/b" line partner-1 --json | sed -nE 's/.*"bytes_today":([0-9]+).*/\1/p'; }
before=$(used)
for _ in $(seq 100); do
	ronda partner -d "$T/b" sync partner-1 >"$T/out" 2>"$T/err"
	[ "$(events_of "$T/b")" -lt 3600 ] || break
	sleep 0.1
done
is "$(events_of "$T/b")" 3600 "are fetched"
[ "$(used)" -gt $((before + 50000)) ]
ok $? "and counted: $(used) bytes today, $before before"
check "the line from B may carry 1,024 bytes a day" ronda partner -d "$T/b" edit partner-1 line_day=1024
lines 3600 100 >"$T/report.jsonl"
check "100 more at A" ronda intake -d "$T/a" --feed local --format intelmq --name four.jsonl "$T/report.jsonl"
sleep 1
ronda partner -d "$T/b" sync partner-1 >"$T/out" 2>"$T/err"
is "$(events_of "$T/b")" 3600 "are not fetched today"
check "the line is cheap again" ronda partner -d "$T/b" edit partner-1 line_day=
ronda partner -d "$T/b" sync partner-1 >"$T/out" 2>"$T/err"
until_events "$T/b" 3700 300
ok $? "and they are fetched"
end_nodes
done_testing
