#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Letters a second, made and handed to Postfix's smtp-sink: median of three, with the memory of the
# node and its helpers (PSS). RONDA_BENCH_LETTERS: how many (3,000).
set -eu
cd "$(dirname "$0")/.."
RONDA_SOURCE=$PWD RONDA_BUILD=${RONDA_BUILD:-build}
n=${RONDA_BENCH_LETTERS:-3000}
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
measure() { # what, letters, signed
	: >"$T/rates"; : >"$T/memory"
	for _ in 1 2 3; do run "$2" "$3"; done
	printf '%-58s %s\n' "$1 letters made and handed over a second" "$(median <"$T/rates")" \
		"peak memory of the node and its helpers (MiB, PSS)" "$(sort -n "$T/memory" | tail -1)"
}
measure unsigned "$n" ""
measure signed $((n / 10)) signed
