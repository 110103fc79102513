#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench/post_many.sh: envelopes of 1,000, by two senders, each on disk before the next, into an empty store and into one that
# has ten million already (put there by SQL, as they would stand; what is measured comes at random). In turns, as other
# work on the machine changes; the ratio is of the medians. RONDA_POST_KIND: "objects" (of others; the usual), "flat" (events of
# another ronda as rondas push them), "mixed" (the same, not in the order of their times), "events" (as STIX).
# RONDA_POST_OBJECTS: how many are there; RONDA_POST_DAYS: of how many days the events are (10), the last one being that of the
# measured ones; RONDA_POST_ROUNDS. Two minutes; 3 GB below TMPDIR.
set -eu
cd "$(dirname "$0")/.."
N=${RONDA_POST_OBJECTS:-10000000}
rounds=${RONDA_POST_ROUNDS:-5}
kind=${RONDA_POST_KIND:-objects}
days=${RONDA_POST_DAYS:-10}
T=$(mktemp -d "${TMPDIR:-/var/tmp}/ronda-many.XXXXXX")
trap 'rm -rf "$T"' EXIT
for p in starter parser mail crypto; do
	[ -e build/bench/ronda-$p ] || ln -s ../ronda-$p build/bench/ronda-$p
done
echo "machine: $(nproc) cores; load before: $(cut -d' ' -f1-3 /proc/loadavg)"
for d in empty many; do
	build/bench/bench-post "$T/$d" "$kind" 1 1 1 >/dev/null 2>&1
done

# The keys stand as they would, in runs of 2^21, 2^17 and 2^13 (src/exchange/object_index.h), each in the order of its tags,
# which are spread evenly. What they are keys of is short: new objects are put behind it, whatever it is.
tag() { echo "-9223372036854775808 + (id - 1 & (1 << $1) - 1) * (1 << 64 - $1)"; }
objects() {
	cat <<SQL
DELETE FROM exchange_object; DELETE FROM exchange_object_key; DELETE FROM exchange_object_run; DELETE FROM exchange_object_filter;
WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < $N)
INSERT INTO exchange_object (id, partner, stix_id, type, version, version_us, tlp, marked, revoked, exercise, at_us, events, title, words, json, shared, tag)
SELECT id, x'0C000000000000000000000000000000', printf('malware--%08x-0000-4000-8000-%012x', id * (4294967295 / $N), 900000000000 + id),
 'malware', '', 1795338000000000, 2, 0, 0, 0, 1795338000000000, 0, '', '', '{}', 0,
 CASE WHEN id <= ($N >> 21 << 21) THEN $(tag 21) WHEN id <= ($N >> 17 << 17) THEN $(tag 17) ELSE $(tag 13) END FROM n;
INSERT INTO exchange_object_key (run, tag, version_us, object) SELECT id - 1 >> 13 << 13, tag, version_us, id FROM exchange_object
 WHERE id > ($N >> 17 << 17) ORDER BY id;
INSERT INTO exchange_object_key (run, tag, version_us, object) SELECT (1 << 40) + (id - 1 >> 17 << 17), tag, version_us, id
 FROM exchange_object WHERE id > ($N >> 21 << 21) AND id <= ($N >> 17 << 17) ORDER BY id;
INSERT INTO exchange_object_key (run, tag, version_us, object) SELECT (2 << 40) + (id - 1 >> 21 << 21), tag, version_us, id
 FROM exchange_object WHERE id <= ($N >> 21 << 21) ORDER BY id;
INSERT INTO exchange_object_run (run, state, target, upto) SELECT DISTINCT run, 1, 0, 0 FROM exchange_object_key;
INSERT OR REPLACE INTO exchange_object_run (run, state, target, upto) VALUES ($N >> 13 << 13, 0, 0, 0);
UPDATE sqlite_sequence SET seq = $N WHERE name = 'exchange_object';
SQL
}

# What stays of events taken: each one's row by the hour of its time, and each report's tags.
events() {
	cat <<SQL
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $N - 1)
INSERT INTO taken_once (hour, tag, report, sum) SELECT 498720 - 24 * $days + i / ($N / 24 / $days), random(), 900000 + i / 1000, i FROM n ORDER BY 1, 2;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $N / 1000 - 1)
INSERT INTO taken_events (partner, report, tags)
SELECT CASE WHEN i % 2 THEN x'0C000000000000000000000000000000' ELSE x'0C010000000000000000000000000000' END, 900000 + i, randomblob(8000) FROM n;
SQL
}

{
	echo "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; PRAGMA temp_store = FILE; BEGIN;"
	if [ "$kind" = objects ]; then objects; else events; fi
	echo "COMMIT; PRAGMA journal_mode = WAL;"
} | SQLITE_TMPDIR="$T" sqlite3 "$T/many/main.db" >/dev/null
sync "$T/many/main.db"
build/bench/bench-post "$T/many" rest >/dev/null 2>&1
echo "made: $N, $(($(stat -c %s "$T/many/main.db") / 1000000)) MB"
median() { sort -n | awk '{ a[NR] = $1 } END { print NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2 }'; }
for _ in $(seq "$rounds"); do
	for d in empty many; do
		said=$(build/bench/bench-post "$T/$d" "$kind" 20 1000 2 2>/dev/null | tail -1)
		echo "$d: $said"
		echo "$said" | sed 's/.*: \([0-9]*\) a second.*/\1/' >>"$T/$d.speed"
	done
	echo "load: $(cut -d' ' -f1-3 /proc/loadavg)"
done
awk -v e="$(median <"$T/empty.speed")" -v m="$(median <"$T/many.speed")" -v k="$kind" \
	'BEGIN { printf "%s: medians %d and %d a second: %.2f\n", k, e, m, m / e }'
