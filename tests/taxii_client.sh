#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A partner's TAXII 2.1 server, fetched from and sent to. The other side is tests/browser/taxii_server.js, which does one
# thing wrong at a time; it is ours, so what this shows is how we bear a server (docs/taxii.md).
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
if ! command -v node >/dev/null; then
	skip "a partner's TAXII server" "no node"
	done_testing
fi
K=$T/theirs
mkdir "$K"
free_port
U=http://127.0.0.1:$port
node "$RONDA_SOURCE/tests/browser/taxii_server.js" "$K" "$port" >"$T/server.log" 2>&1 &
pids=$!
trap finish EXIT
for _ in $(seq 1200); do curl -s "$U/taxii2/" >/dev/null && break; sleep 0.05; done

check "a node is made" ronda init "$D" --name "Team B" --country ID
cat >>"$D/ronda.conf" <<CONF
exchange = yes
taxii_hosts = $U
taxii_keys_file = $T/keys
exchange_pull_every = 1s
CONF
o=$(org "$D" "Team C" 198.18.0.0/16)
check "a partner with a TAXII server" ronda partner -d "$D" new name="Team C" kind=taxii "organisation=$o" "address=$U" way=pull
check_fails 77 "which is not in use yet" ronda partner -d "$D" collections 1
check "now it is" ronda partner -d "$D" move partner-1 active

# objects FIRST LAST [1]: what the server has, one a second (1: all at once), from 121 on two days later, with a marking where N is even
objects() {
	node -e 'const [from, to, same] = process.argv.slice(1).map(Number), two = n => String(n).padStart(2, "0")
		const list = []
		for (let n = from; n <= to; n++) {
			const at = same ? "2026-11-20T10:00:00.000000Z" : new Date(Date.UTC(2026, 10, n > 120 ? 22 : 20) + n * 1000).toISOString().replace("Z", "000Z")
			const o = { type: "indicator", spec_version: "2.1", id: "indicator--00000000-0000-4000-8000-" + String(n).padStart(12, "0"),
				created: "2026-11-20T00:00:00.000Z", modified: "2026-11-20T00:00:00.000Z", name: "address " + n,
				indicator_types: ["compromised"], pattern_type: "stix", valid_from: "2026-11-20T00:00:00Z",
				pattern: `[ipv4-addr:value = \x27198.19.${n >> 8}.${n & 255}\x27]` }
			if (n % 2 == 0) o.object_marking_refs = ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]
			list.push({ added: at, object: o })
		}
		console.log(JSON.stringify(list))' "$1" "$2" "${3:-0}" >"$K/objects.new"
	mv "$K/objects.new" "$K/objects.json"
}
mode() { echo "$1" >"$K/mode"; }
sync() { ronda partner -d "$D" sync 1 --json >"$T/out" 2>"$T/err"; }
kept() { ronda object -d "$D" list --limit 1000 --json 2>/dev/null | grep -o '"indicator--[^"]*"' | sort -u | wc -l; }
events() { ronda events -d "$D" --json 2>/dev/null | wc -l; }
trouble() { ronda partner -d "$D" line 1 --json 2>/dev/null | sed -nE 's/.*"trouble": ?"(([^"\\]|\\.)*)".*/\1/p'; }

# --- who we are ---
echo 'Basic dXM6c2VjcmV0' >"$K/key"
: >"$T/keys"
chmod 600 "$T/keys"
check_fails 77 "without a key" ronda partner -d "$D" collections 1
has "$T/err" "does not let us in \(401, who are you" "in the server's words"
chmod 644 "$T/keys"
printf '# who we are\nTeam C = basic us:secret\n' >"$T/keys"
check_fails 77 "a file that others may read" ronda partner -d "$D" collections 1
has "$T/err" "chmod 600" "is not taken"
chmod 600 "$T/keys"
check "with it" ronda partner -d "$D" collections 1 --json
has "$T/out" '"alias": ?"feed"' "it offers what we may read"
has "$T/out" '"alias": ?"drop"' "and write"
has "$T/out" '"we fetch"' "and what we use is said"
echo 'Bearer abc' >"$K/key"
printf 'Team C = bearer abc\n' >"$T/keys"
check "by a token" ronda partner -d "$D" collections 1

# --- fetched ---
objects 1 5
check "fetched" sync
is "$(kept)" 5 "all there is"
is "$(events)" 5 "and events of it"
is "$(ronda events -d "$D" --json ip=198.19.0.2 | sed -nE 's/.*"tlp":"([^"]*)".*/\1/p')" GREEN "as it is marked"
is "$(ronda events -d "$D" --json ip=198.19.0.3 | sed -nE 's/.*"tlp":"([^"]*)".*/\1/p')" AMBER "else as the partner's are"
check "again" sync
is "$(tail -1 "$K/asked" | grep -o 'added_after=2026-11-20T00%3A00%3A05.000000Z')" "added_after=2026-11-20T00%3A00%3A05.000000Z" \
	"only what is new is asked for"
is "$(events)" 5 "and nothing is there twice"
echo 3 >"$K/cap"
objects 1 20
check "in pages of three" sync
is "$(kept)" 20 "all of them"

# --- what a server does wrong: one line says it, what can be taken is taken, nothing doubles ---
bad() { # mode, exit code, words
	mode "$1"
	sync
	is "$?" "$2" "a server that is '$1'"
	has "$T/err" "$3" "in one line"
	trouble >"$T/out"
	has "$T/out" "$3" "which stands until it is better"
}
objects 1 30
bad same-page 65 "gives the same page for ever"
bad same-next 65 "gives the same page for ever"
bad no-dates 65 "does not say when its objects were added"
is "$(kept)" 30 "but they are taken"
bad no-place 65 "says that there is more, but not where"
bad empty-for-ever 65 "page after page and nothing newer"
bad text 65 "answers with 'text/html', which is no TAXII 2.1"
bad taxii20 65 "speaks TAXII 2.0"
bad broken 65 "what is no JSON"
bad nests 65 "what is no JSON"
bad not-a-list 65 "'objects' that is no list"
bad huge 73 "over 67108864 bytes"
bad 429 75 "asks to come later \(429, slow down"
bad 503 75 "asks to come later \(503, busy"
bad 500 75 "asks to come later \(500"
bad 418 65 "refuses what we ask \(418, a tea pot"
bad away 77 "sends on to another server"
bad other-root 77 "has its API root at another server"
bad two 65 "has several collections"
mode here
check "sent on within the same server" sync
is "$(trouble)" "" "all is well"
mode skew
check "a clock a day ahead" sync
trouble >"$T/out"
has "$T/out" "is 14[34][0-9] minutes ahead of ours" "is said"
mode large
objects 1 60
check "more than was asked for" sync
is "$(kept)" 60 "is taken"
echo 7 >"$K/cap"
objects 1 100
mode no-next
check "without next" sync
is "$(kept)" 100 "by the time of the last"
objects 101 120 1
sed -i 's/2026-11-20T10:00:00/2026-11-21T10:00:00/g' "$K/objects.json"
mode one-moment
sync
trouble >"$T/out"
has "$T/out" "more objects of one moment" "objects of one moment that no page can hold are said"
mode good
is "$(ronda events -d "$D" --json | sort | uniq -d | wc -l)" 0 "nothing is there twice"

# --- sent ---
mode good
rm -f "$K/cap"
posted() { sed -nE 's/.*"type": ?"([a-z0-9-]+)".*/\1/p' "$K/posted" 2>/dev/null | grep -c "^$1$"; }
given() { grep -o '"id":"observed-data--[^"]*"' "$K/posted" 2>/dev/null | sort | uniq -c | sort -rn; } # of ours, how often each
check "we send as well" ronda partner -d "$D" edit partner-1 way=both
check "without an agreement" sync
is "$(posted observed-data)" 0 "nothing goes"
agree "$D" "$o"
check "a feed" ronda feed -d "$D" add honeypot --tlp GREEN
seen() { # first, last
	for n in $(seq "$1" "$2"); do
		printf '{"source.ip":"198.18.1.%s","classification.type":"infected-system","time.source":"2026-11-20T10:00:00Z"}\n' "$n"
	done >"$T/in.json"
	printf '%s\n' '{"source.ip":"203.0.113.9","classification.type":"infected-system","time.source":"2026-11-20T10:00:00Z"}' >>"$T/in.json"
	ronda intake -d "$D" --feed honeypot "$T/in.json" >"$T/out" 2>"$T/err"
}
seen 1 9
echo 20000 >"$K/max"
serve
ok $? "the node runs"
for _ in $(seq 600); do [ "$(posted observed-data)" -lt 9 ] || break; sleep 0.1; done
is "$(given | wc -l)" 9 "what concerns them goes by itself"
has_not "$K/posted" 203.0.113.9 "and nothing else"
is "$(awk '$1 > 20000' "$K/envelopes" | wc -l)" 0 "in envelopes their server takes"
mode slow
seen 10 12
for _ in $(seq 600); do [ "$(given | wc -l)" -lt 12 ] || break; sleep 0.1; done
is "$(given | wc -l)" 12 "a status that is not done yet"
for _ in $(seq 600); do grep -q 'GET /api/status/' "$K/asked" && break; sleep 0.1; done
has "$K/asked" 'GET /api/status/' "is asked for until it is"
mode fail-some
seen 13 15
for _ in $(seq 600); do [ "$(given | wc -l)" -lt 15 ] || break; sleep 0.1; done
for _ in $(seq 600); do ronda ledger -d "$D" --to "$(ronda partner -d "$D" show 1 --json | sed -nE 's/.*"id": ?"(partner--[-0-9a-f]{36})".*/\1/p' | head -1)" >"$T/ledger" 2>&1; grep -q 'we keep no such things' "$T/ledger" && break; sleep 0.1; done
has "$T/ledger" "failed.*we keep no such things" "what they refuse stands in the ledger"
mode refuse-all
seen 16 18
for _ in $(seq 600); do trouble >"$T/out"; grep -q 'not these' "$T/out" && break; sleep 0.1; done
has "$T/out" "not these" "who refuses all is no reason to go on"
mode good
objects 121 140
for _ in $(seq 600); do [ "$(given | wc -l)" -ge 18 ] && [ "$(kept)" -ge 127 ] && break; sleep 0.1; done
is "$(given | wc -l)" 18 "afterwards all of it goes"
is "$(kept)" 127 "and what they have comes, by itself"
is "$(given | awk '$1 > 1' | wc -l)" 0 "each once"

# --- kill -9 in the middle: nothing lost, nothing doubled ---
echo 2 >"$K/cap"
objects 141 240
for _ in 1 2 3; do
	sleep 0.7
	kill -9 "$node_pid"
	wait "$node_pid" 2>/dev/null
	serve
done
for _ in $(seq 600); do [ "$(kept)" -lt 227 ] || break; sleep 0.1; done
is "$(kept)" 227 "all of it is there after three kills"
is "$(ronda events -d "$D" --json | grep -o '"extra.origin_event":"[^"]*"' | sort | uniq -d | wc -l)" 0 "nothing of it twice"
done_testing
