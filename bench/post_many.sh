#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench/post_many.sh: envelopes of 1,000 objects of others, by two senders, each on disk before the next, into an empty store and
# into one that has ten million objects already (put there by SQL, in the order of their ids; what is measured comes at
# random). In turns, as other work on the machine changes. RONDA_POST_OBJECTS: how many are there; RONDA_POST_ROUNDS.
# It needs 7 GB below TMPDIR.
set -eu
cd "$(dirname "$0")/.."
N=${RONDA_POST_OBJECTS:-10000000}
rounds=${RONDA_POST_ROUNDS:-5}
T=$(mktemp -d "${TMPDIR:-/var/tmp}/ronda-many.XXXXXX")
trap 'rm -rf "$T"' EXIT
for p in starter parser mail crypto; do
	[ -e build/bench/ronda-$p ] || ln -s ../ronda-$p build/bench/ronda-$p
done
echo "machine: $(nproc) cores; load before: $(cut -d' ' -f1-3 /proc/loadavg)"
for d in empty many; do
	build/bench/bench-post "$T/$d" objects 1 1 1 >/dev/null 2>&1
done
sqlite3 "$T/many/main.db" >/dev/null <<SQL
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000;
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $N - 1)
INSERT INTO exchange_object (partner, stix_id, type, version, version_us, tlp, marked, revoked, exercise, at_us, events, title, words, json)
SELECT CASE WHEN i % 2 THEN x'0C000000000000000000000000000000' ELSE x'0C010000000000000000000000000000' END,
 printf('malware--%08x-0000-4000-8000-%012x', i * (4294967295 / $N), 900000000000 + i), 'malware', '2026-11-22T09:00:00.000Z',
 1795338000000000, 2, 0, 0, 0, 1795338000000000, 0, 'Made up', '',
 printf('{"type":"malware","spec_version":"2.1","id":"malware--%08x-0000-4000-8000-%012x","created":"2026-11-22T09:00:00.000Z","modified":"2026-11-22T09:00:00.000Z","name":"Made up %d","is_family":false,"malware_types":["bot"],"description":"%0120d"}',
  i * (4294967295 / $N), 900000000000 + i, i % 1000, i) FROM n;
COMMIT;
PRAGMA journal_mode = WAL;
SQL
echo "made: $(($(stat -c %s "$T/many/main.db") / 1000000)) MB"
for _ in $(seq "$rounds"); do
	for d in empty many; do
		echo "$d: $(build/bench/bench-post "$T/$d" objects 20 1000 2 2>/dev/null | tail -1)"
	done
	echo "load: $(cut -d' ' -f1-3 /proc/loadavg)"
done
