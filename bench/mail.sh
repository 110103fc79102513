#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Letters a second, made and handed to Postfix's smtp-sink: median of three, with the memory of the
# node and its helpers (PSS). RONDA_BENCH_LETTERS: how many (3,000). Then digests: 500 constituents with
# RONDA_BENCH_FINDINGS (100,000) in letters of RONDA_BENCH_EACH (50, 100, 200), which the teller has put
# together before; each with its events as CSV and X-ARF. RONDA_BENCH_ROUNDS (3); RONDA_BENCH_WHAT:
# which of "unsigned signed digests".
set -eu
unset MALLOC_PERTURB_ # it writes into memory that nobody uses
cd "$(dirname "$0")/.."
RONDA_SOURCE=$PWD RONDA_BUILD=${RONDA_BUILD:-build}
n=${RONDA_BENCH_LETTERS:-3000}
findings=${RONDA_BENCH_FINDINGS:-100000}
sizes=${RONDA_BENCH_EACH:-50 100 200}
rounds=${RONDA_BENCH_ROUNDS:-3}
what=${RONDA_BENCH_WHAT:-unsigned signed digests}
organisations=500
. tests/lib.sh
. tests/servers.sh
set +u
end_all() {
	sink_stop
	finish
}
trap end_all EXIT
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
query() { sqlite3 -readonly -cmd '.timeout 5000' "$D/main.db" "$1" 2>/dev/null; }
# Of a process and those below it, in KiB.
pss() {
	for p in $1 $(pgrep -P "$1") $(pgrep -P "$1" | xargs -rn1 pgrep -P); do
		sed -n 's/^Pss: *\([0-9]*\) kB/\1/p' "/proc/$p/smaps_rollup" 2>/dev/null
	done | awk '{ s += $1 } END { print s + 0 }'
}
sink_start || { echo "smtp-sink does not start"; exit 1; }
# One run; adds to $T/rates and $T/memory: how many letters, "signed" or ""
run() {
	rm -rf "$D"
	ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >/dev/null 2>&1
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++)
		printf "{\"name\":\"Net %d\",\"kind\":\"constituent\",\"contacts\":[{\"role\":\"abuse\",\"email\":\"abuse@n%d.example.org\",\"channel\":\"mail\"}]}\n", i, i }' >"$T/organisations.jsonl"
	ronda organisation import -d "$D" "$T/organisations.jsonl" >/dev/null 2>&1
	ronda rehearsal live --all --why "a measurement" -d "$D" >/dev/null
	printf '{"title":"Contacts","kind":"contact","question":"kind=constituent","answer_by":"%s"}' \
		"$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)" >"$T/round"
	ronda round new --body "$T/round" -d "$D" >/dev/null
	ronda round start 1 -d "$D" >/dev/null 2>&1
	sign=
	[ -z "$2" ] || sign=$(ronda key generate "Team B" cert@example.org -d "$D" 2>/dev/null | grep -oE '[0-9A-F]{40}' | head -1)
	serve --set send_messages=yes --set send_pace=0s --set "mail_from=Team B <cert@example.org>" --set mail_sign="$sign" \
		--set mail_relays="smtp://127.0.0.1:$SINK_PORT" ${RONDA_BENCH_SETS:-} || { cat "$T/node.log"; exit 1; }
	watch "$1"
}
# Until so many letters are sent; then what it took.
watch() {
	peak=0
	while [ "$(query "SELECT count(*) FROM outbox WHERE state = 4 AND driver = 'mail'")" != "$1" ]; do
		now=$(pss "$node_pid")
		[ "$now" -le "$peak" ] || peak=$now
		sleep 0.5
	done
	stop_node
	query "SELECT CAST(($1 - 1) * 1000000.0 / (max(at_us) - min(at_us)) AS INTEGER) FROM ledger WHERE kind = 1 AND driver = 'mail'" >>"$T/rates"
	echo $((peak / 1024)) >>"$T/memory"
}
# One run of digests: how many letters, findings of each. Every report has machines of all networks, in no order
# of theirs, as feeds have.
run_digests() {
	rm -rf "$D"
	ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >/dev/null 2>&1
	awk -v n=$organisations 'BEGIN { for (i = 0; i < n; i++)
		printf "{\"name\":\"Net %d\",\"kind\":\"constituent\",\"contacts\":[{\"role\":\"abuse\",\"email\":\"abuse@n%d.example.org\",\"channel\":\"mail\"}],\"constituency\":[{\"kind\":\"network\",\"value\":\"198.%d.%d.0/24\"}]}\n",
			i, i, 18 + int(i / 256), i % 256 }' >"$T/organisations.jsonl"
	ronda organisation import -d "$D" "$T/organisations.jsonl" >/dev/null 2>&1
	ronda rehearsal live --all --why "a measurement" -d "$D" >/dev/null
	ronda rule new title="What stands open" types=vulnerable-system pace=once pause=1s contact=abuse rank=1 cap=1000 -d "$D" >/dev/null
	ronda rule move 1 active --why "a measurement" -d "$D" >/dev/null
	number=0
	for kind in scan_telnet scan_ftp scan_vnc scan_rdp scan_redis scan_mongodb scan_elasticsearch scan_adb; do
		number=$((number + 1))
		[ $number -le $(($1 / organisations)) ] || break
		awk -v orgs=$organisations -v each="$2" -v port=$((1000 + number)) 'BEGIN {
			print "timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city"
			for (k = 0; k < each; k++) for (i = 0; i < orgs; i++)
				printf "\"2026-11-20 %02d:%02d:%02d\",high,198.%d.%d.%d,tcp,%d,host-%d-%d.example.org,open,64500,ID,,\n",
					(i + k) % 24, i % 60, k % 60, 18 + int(i / 256), i % 256, k + 1, port, i, k }' >"$T/2026-11-20-$kind-part.csv"
		ronda intake "$T/2026-11-20-$kind-part.csv" -d "$D" >/dev/null 2>&1
	done
	all=$(($1 * $2))
	set -- --set send_messages=yes --set send_pace=0s --set "mail_from=Team B <cert@example.org>"
	serve "$@" ${RONDA_BENCH_SETS:-} || { cat "$T/node.log"; exit 1; } # no relay yet: they wait
	while [ "$(query "SELECT count(DISTINCT item) FROM outbox_cover")" != "$all" ]; do sleep 1; done
	letters=$(query "SELECT count(*) FROM outbox WHERE driver = 'mail'") # what came late stands in one more
	stop_node
	serve "$@" --set mail_relays="smtp://127.0.0.1:$SINK_PORT" ${RONDA_BENCH_SETS:-} || { cat "$T/node.log"; exit 1; }
	watch "$letters"
}
median_of() { # what
	printf '%-58s %s\n' "$1 letters made and handed over a second" "$(median <"$T/rates")" \
		"peak memory of the node and its helpers (MiB, PSS)" "$(sort -n "$T/memory" | tail -1)"
}
measure() { # what, letters, signed
	: >"$T/rates"; : >"$T/memory"
	for _ in $(seq "$rounds"); do run "$2" "$3"; done
	median_of "$1"
}
measure_digests() { # findings of each
	each=$1
	: >"$T/rates"; : >"$T/memory"
	for _ in $(seq "$rounds"); do run_digests $((findings / each / organisations * organisations)) "$each"; done
	median_of "of $each findings each,"
}
for one in $what; do
	case $one in
	unsigned) measure unsigned "$n" "" ;;
	signed) measure signed $((n / 10)) signed ;;
	digests) for each in $sizes; do measure_digests "$each"; done ;;
	esac
done
