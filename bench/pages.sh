#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench/pages.sh: GET of 100 objects over HTTP by ApacheBench (Debian's apache2-utils): a TAXII client by token at the common
# listener, and a partner by his key at the partners' own (TLS 1.3). First page and the next, kept connections.
# RONDA_PAGES_EVENTS (100000), RONDA_PAGES_GETS (3000), RONDA_PAGES_AT_ONCE (4); median of three, and what the node used.
set -u
RONDA_SOURCE=$(cd "$(dirname "$0")/.." && pwd)
RONDA_BUILD=${RONDA_BUILD:-$RONDA_SOURCE/build}
export RONDA_SOURCE
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
events=${RONDA_PAGES_EVENTS:-100000} gets=${RONDA_PAGES_GETS:-3000} at_once=${RONDA_PAGES_AT_ONCE:-4}
command -v ab >/dev/null || { echo "pages: not measured: there is no 'ab'"; exit 0; }
ronda init "$D" --name "Team B" --country ID --team small --account Lead >"$T/out" 2>&1
with_exchange "$D"
echo "exchange_quota_share = 6400" >>"$D/ronda.conf" # what is measured is the node, not the quota
made_partner "$T/c" cccccccc-0000-4000-8000-000000000001
serve || exit 1
"$HELPERS/ronda-partner" accept "$T/c" "$(ronda partner -d "$D" invite 2>/dev/null)" "Team C" >"$T/out" 2>&1
ronda partner -d "$D" confirm partner-1 >"$T/out" 2>&1
o=$(org "$D" "Team C" 198.18.0.0/16)
ronda partner -d "$D" edit partner-1 "organisation=$o" way=none >"$T/out" 2>&1
agree "$D" "$o"
id=$(ronda organisation -d "$D" show "$o" --json | sed -nE 's/.*"id": ?"(organisation--[-0-9a-f]{36})".*/\1/p' | head -1)
ronda account -d "$D" new "Client C" --roles constituent --organisation "$id" >"$T/out" 2>&1
token=$(ronda token -d "$D" make c --right read --ceiling AMBER --account "Client C" 2>/dev/null)
made scan_telnet 0 "$events" >"$T/2026-11-20-scan_telnet-pages.csv"
ronda intake -d "$D" "$T/2026-11-20-scan_telnet-pages.csv" >"$T/out" 2>&1
cat "$T/c/cert.pem" "$T/c/key.pem" >"$T/c/both.pem"
objects=taxii2/exchange/collections/outbox/objects/
accept="Accept: application/taxii+json;version=2.1"
for _ in $(seq 600); do
	sleep 0.1
	curl -s -D "$T/head" -o "$T/page" -H "$accept" -H "Authorization: Bearer $token" "$URL/$objects?limit=100"
	[ "$(wc -c <"$T/page")" -lt 10000 ] || break
done
sleep 2 # entries of all of them
first=$(sed -nE 's/^[Xx]-[Tt][Aa][Xx][Ii][Ii]-[Dd]ate-[Aa]dded-[Ff]irst: (.*[^\r])\r?$/\1/p' "$T/head")
used() { awk '{ print $14 + $15 }' "/proc/$node_pid/stat"; } # hundredths of a second
measure() { # name, URL, options of ab
	name=$1 url=$2
	shift 2
	: >"$T/rates"
	for _ in 1 2 3; do
		before=$(used)
		ab -q -k -n "$gets" -c "$at_once" -H "$accept" "$@" "$url" >"$T/ab" 2>&1
		awk -v n="$gets" -v cpu=$(($(used) - before)) '/^Requests per second/ { r = $4 } /^Non-2xx|^Failed requests/ { if ($NF > 0) bad = $NF }
			END { printf "%.0f %.0f %d\n", r, n * 100 / (cpu ? cpu : 1), bad }' "$T/ab" >>"$T/rates"
	done
	sort -n "$T/rates" | sed -n 2p | {
		read -r rate cpu bad
		echo "$name: $rate pages a second, $cpu of a processor second of the node, $bad failed"
	}
}
echo "$events events, pages of 100 objects ($(wc -c <"$T/page") bytes), $at_once at once, $gets each; $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
measure "token, first page" "$URL/$objects?limit=100" -H "Authorization: Bearer $token"
measure "token, behind $first" "$URL/$objects?limit=100&added_after=$first" -H "Authorization: Bearer $token"
measure "partner's key, first page" "https://127.0.0.1:$X/$objects?limit=100" -E "$T/c/both.pem"
measure "partner's key, one lane for a ronda" "https://127.0.0.1:$X/$objects?limit=100" -E "$T/c/both.pem" -H "Ronda-Lane: bulk"
