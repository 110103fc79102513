#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# More teams than are paired each with each: all with Team A, who takes the reports. Every event is with the one partner it is
# for, and with nobody else; a node at rest needs so little that 193 of them fit into 8 GiB; ^C ends them all.
# RONDA_REGION_NODES: how many (13; at most 193), RONDA_REGION_EACH: events for each (20).
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
unset LANG LC_ALL LC_MESSAGES RONDA_DIR
unset MALLOC_PERTURB_ # it writes to all that is allocated, used or not: no memory can be measured under it
nodes=${RONDA_REGION_NODES:-13}
each=${RONDA_REGION_EACH:-20}
region_pid=
end_all() {
	[ -z "$region_pid" ] || kill "$region_pid" 2>/dev/null
	[ -z "$region_pid" ] || wait "$region_pid" 2>/dev/null
	finish
}
trap end_all EXIT
now_ms() { echo $(($(date +%s%N) / 1000000)); }
teams() { pgrep -f "^ronda serve.*-d $T/region/team-[0-9]+\$"; }
of_tree() { for p in $(teams); do echo "$p"; pgrep -P "$p"; done; }
pss_kib() { for p in $(of_tree); do cat "/proc/$p/smaps_rollup" 2>/dev/null; done | awk '/^Pss:/ { s += $2 } END { print s }'; }
ticks() { for p in $(of_tree); do cat "/proc/$p/stat" 2>/dev/null; done | awk '{ s += $14 + $15 } END { print s }'; }
free_ports $((2 * nodes))
begun=$(now_ms)
ronda demo region "$T/region" --nodes "$nodes" --listen "127.0.0.1:$port" --every 1d --lines 1 >"$T/links" 2>"$T/log" &
region_pid=$!
for _ in $(seq 12000); do
	[ "$(cat "$T/links" 2>/dev/null | wc -l)" != "$nodes" ] || break
	kill -0 $region_pid 2>/dev/null || break
	sleep 0.1
done
is "$(wc -l <"$T/links")" "$nodes" "$nodes teams serve, paired with Team A"
echo "# after $(($(now_ms) - begun)) ms"
has "$T/log" "$((nodes - 1)) of $((nodes - 1)) teams are paired" "it said how far it was"
sleep "${RONDA_REGION_REST:-5}"

# --- at rest ---
memory=$(pss_kib)
before=$(ticks)
sleep 5
echo "# at rest: $((memory / 1024)) MiB in all (PSS of $(teams | wc -l) trees), $((memory / nodes)) KiB a node; $((($(ticks) - before) * 100 / 5 / $(getconf CLK_TCK))) % of a core, load $(cut -d' ' -f1 /proc/loadavg)"
[ $((memory / nodes)) -le $((8 * 1024 * 1024 / 193)) ]
ok $? "so much that 193 would be in 8 GiB"

# --- an event for each, many times ---
# Team 2 to 11 have 198.18.(16 N - 16).0/20 and a country, the others 198.19.(N - 1).0/24.
awk -v n="$nodes" -v each="$each" -v at="$(date -u +%FT%T)" 'BEGIN {
	split("BN ID KH LA MM MY PH SG TH TL VN", cc, " ")
	for (e = 1; e <= each; e++) for (t = 2; t <= n; t++) {
		ip = t <= 11 ? "198.18." (16 * t - 16) "." e : "198.19." (t - 1) "." e
		printf "{\"time.source\":\"%s+00:00\",\"source.ip\":\"%s\",\"source.port\":4444,\"classification.type\":\"infected-system\",\"malware.name\":\"region-test\",\"tlp\":\"GREEN\"%s}\n", at, ip, t <= 11 ? ",\"source.geolocation.cc\":\"" cc[t] "\"" : ""
	} }' >"$T/report.jsonl"
sent=$(now_ms)
check "a report about every team" ronda intake -d "$T/region/team-1" --feed local --format intelmq --name all.jsonl "$T/report.jsonl"
waiting=$(seq 2 "$nodes")
while [ -n "$waiting" ] && [ $(($(now_ms) - sent)) -lt 600000 ]; do
	left=
	for t in $waiting; do
		[ "$(sqlite3 -readonly "file:$T/region/team-$t/main.db?mode=ro" "SELECT count(*) FROM finding")" -ge "$each" ] || left="$left $t"
	done
	waiting=$left
	sleep 0.1
done
is "$waiting" "" "what concerns each is with each"
echo "# $((each * (nodes - 1))) events were with $((nodes - 1)) partners after $(($(now_ms) - sent)) ms"
# Of 198.18.(16 N - 16).E or 198.19.(N - 1).E, each once; and nothing of another's.
wrong=0
for t in $(seq 2 "$nodes"); do
	net=198.19.$((t - 1))
	[ "$t" -gt 11 ] || net=198.18.$((16 * t - 16))
	ronda findings -d "$T/region/team-$t" --json --ip 198.18.0.0/15 >"$T/out"
	sed -nE 's/.*"key":"ip ([0-9.]+)( .*)?".*/\1/p' "$T/out" | awk -F'"' '{ print $1 }' | sort >"$T/has"
	for e in $(seq "$each"); do echo "$net.$e"; done | sort >"$T/must"
	# The first report of the region itself may have brought one more, of its own networks.
	pre=$(echo "$net" | sed 's/\./\\./g')
	[ "$t" -gt 11 ] || pre='198\.18\.('$(seq -s'|' $((16 * t - 16)) $((16 * t - 1)))')'
	if ! comm -13 "$T/has" "$T/must" | grep -q . && ! grep -vqE "^$pre\.[0-9]+\$" "$T/has" && [ -z "$(uniq -d "$T/has")" ] &&
		[ "$(wc -l <"$T/has")" -le $((each + 1)) ]; then
		continue
	fi
	wrong=$((wrong + 1))
	echo "# team $t: $(wc -l <"$T/has") findings, missing $(comm -13 "$T/has" "$T/must" | wc -l)"
done
: >"$T/out"
is $wrong 0 "with the one partner it is for, once, and nobody else"

# --- the end ---
begun=$(now_ms)
kill -INT "$region_pid"
wait "$region_pid"
is $? 0 "it ends"
region_pid=
echo "# within $(($(now_ms) - begun)) ms"
is "$(teams | wc -l)" 0 "and all its nodes with it"
done_testing
