/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migrations.h"

#include "base/rc.h"

/* A step is one string, longer than ISO C asks compilers to take; ours take it. */
#pragma GCC diagnostic ignored "-Woverlength-strings"

/* Times are microseconds since 1970 UTC, days are days since 1970, hashes are
 * blobs. Each paragraph belongs to the file it names. */
static const char version_1[] =
	/* store.c */
	"CREATE TABLE node (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
	/* segment.c: files that exist; `bytes` is how far they are named. -1: forgotten, the
	 * number is not used again while a reader may still look for it */
	"CREATE TABLE segment (kind INTEGER, day INTEGER, number INTEGER, bytes INTEGER NOT NULL,"
	" PRIMARY KEY (kind, day, number)) WITHOUT ROWID;"
	/* feeds.c */
	"CREATE TABLE feed (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, provider TEXT NOT NULL,"
	" url TEXT NOT NULL, licence TEXT NOT NULL, tlp INTEGER NOT NULL, is_on INTEGER NOT NULL,"
	" exercise INTEGER NOT NULL, format TEXT NOT NULL, mapping BLOB NOT NULL, folder TEXT NOT NULL,"
	" period_us INTEGER NOT NULL, complete INTEGER NOT NULL, made_us INTEGER NOT NULL,"
	" last_report_us INTEGER NOT NULL);"
	/* reports.c */
	"CREATE TABLE report (id INTEGER PRIMARY KEY, feed INTEGER NOT NULL, state INTEGER NOT NULL,"
	" received_us INTEGER NOT NULL, digest BLOB NOT NULL, bytes INTEGER NOT NULL,"
	" format TEXT NOT NULL, file_name TEXT NOT NULL, type TEXT NOT NULL,"
	" parser_version INTEGER NOT NULL, next_offset INTEGER NOT NULL, next_input INTEGER NOT NULL,"
	" inputs INTEGER NOT NULL, accepted INTEGER NOT NULL, events INTEGER NOT NULL,"
	" repeats INTEGER NOT NULL, quarantined INTEGER NOT NULL, dropped INTEGER NOT NULL,"
	" blank INTEGER NOT NULL, parse_us INTEGER NOT NULL, words TEXT NOT NULL,"
	" exercise INTEGER NOT NULL);"
	"CREATE INDEX report_digest ON report (digest, feed);"
	"CREATE INDEX report_unfinished ON report (id) WHERE state = 1;"
	"CREATE TABLE raw (report INTEGER, part INTEGER, day INTEGER NOT NULL, number INTEGER NOT NULL,"
	" offset INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (report, part)) WITHOUT ROWID;"
	/* events.c: manifest and tail. first_seq..first_seq+rows-1; tlp_set: bit per marking */
	"CREATE TABLE chunk (first_seq INTEGER PRIMARY KEY, rows INTEGER NOT NULL, report INTEGER NOT NULL,"
	" day INTEGER NOT NULL, number INTEGER NOT NULL, offset INTEGER NOT NULL, bytes INTEGER NOT NULL,"
	" tlp_set INTEGER NOT NULL, exercise INTEGER NOT NULL, min_time INTEGER, max_time INTEGER,"
	" zone BLOB NOT NULL, bloom BLOB NOT NULL);"
	"CREATE TABLE tail (first_seq INTEGER PRIMARY KEY, rows INTEGER NOT NULL, report INTEGER NOT NULL,"
	" day INTEGER NOT NULL, tlp_set INTEGER NOT NULL, exercise INTEGER NOT NULL,"
	" min_time INTEGER, max_time INTEGER, body BLOB NOT NULL);"
	"CREATE INDEX report_undone ON report (id) WHERE state = 4;"
	/* repeats.c: tag files, and the log of hashes not yet in one */
	"CREATE TABLE repeat_file (id INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL,"
	" last_seq INTEGER NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,"
	" entries INTEGER NOT NULL, bytes INTEGER NOT NULL);"
	"CREATE TABLE repeat_log (first_seq INTEGER PRIMARY KEY, rows INTEGER NOT NULL,"
	" report INTEGER NOT NULL, ticket INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" body BLOB NOT NULL);"
	/* quarantine.c */
	"CREATE TABLE quarantine (id INTEGER PRIMARY KEY, report INTEGER NOT NULL, feed INTEGER NOT NULL,"
	" at_us INTEGER NOT NULL, input INTEGER NOT NULL, offset INTEGER NOT NULL, line INTEGER NOT NULL,"
	" record_bytes INTEGER NOT NULL, reason INTEGER NOT NULL, state INTEGER NOT NULL,"
	" words TEXT NOT NULL, bytes BLOB NOT NULL);"
	/* upkeep.c */
	"CREATE TABLE hold (id INTEGER PRIMARY KEY, what TEXT NOT NULL, reason TEXT NOT NULL,"
	" set_by TEXT NOT NULL, set_us INTEGER NOT NULL, lifted_by TEXT NOT NULL, lifted_us INTEGER NOT NULL);"
	/* journal.c */
	"CREATE TABLE journal (number INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, actor TEXT NOT NULL,"
	" act TEXT NOT NULL, object TEXT NOT NULL, count INTEGER NOT NULL, root BLOB NOT NULL,"
	" commitment BLOB NOT NULL, salt BLOB, body TEXT, hash BLOB NOT NULL);"
	"CREATE TABLE journal_head (number INTEGER PRIMARY KEY, hash BLOB NOT NULL, signature BLOB NOT NULL);"
	/* access.c */
	"CREATE TABLE token (id INTEGER PRIMARY KEY, hash BLOB UNIQUE NOT NULL, label TEXT NOT NULL,"
	" access INTEGER NOT NULL, ceiling INTEGER NOT NULL, personal_basis INTEGER NOT NULL,"
	" address TEXT NOT NULL, feed TEXT NOT NULL, made_us INTEGER NOT NULL, expires_us INTEGER NOT NULL,"
	" last_used_us INTEGER NOT NULL, revoked_us INTEGER NOT NULL);"
	/* directory.c */
	"CREATE TABLE org (id INTEGER PRIMARY KEY, name TEXT NOT NULL, folded TEXT UNIQUE NOT NULL,"
	" kind TEXT NOT NULL, country TEXT NOT NULL, sector TEXT NOT NULL, timezone TEXT NOT NULL,"
	" changed_us INTEGER NOT NULL);"
	"CREATE TABLE org_contact (org INTEGER NOT NULL, at INTEGER NOT NULL, role TEXT NOT NULL,"
	" email TEXT NOT NULL, phone TEXT NOT NULL, PRIMARY KEY (org, at)) WITHOUT ROWID;"
	"CREATE TABLE org_scope (id INTEGER PRIMARY KEY, org INTEGER NOT NULL, kind TEXT NOT NULL,"
	" value TEXT NOT NULL, role INTEGER NOT NULL, shared_address INTEGER NOT NULL,"
	" from_us INTEGER NOT NULL, until_us INTEGER NOT NULL);"
	"CREATE INDEX org_scope_org ON org_scope (org);"
	/* findings.c */
	"CREATE TABLE finding (id BLOB PRIMARY KEY, state INTEGER NOT NULL, first_seen INTEGER NOT NULL,"
	" last_seen INTEGER NOT NULL, events INTEGER NOT NULL, returns INTEGER NOT NULL,"
	" feed INTEGER NOT NULL, run INTEGER NOT NULL, tlp INTEGER NOT NULL, exercise INTEGER NOT NULL,"
	" shared_address INTEGER NOT NULL, asn INTEGER NOT NULL, cc TEXT NOT NULL, type TEXT NOT NULL,"
	" identifier TEXT NOT NULL, severity TEXT NOT NULL, key TEXT NOT NULL, ip BLOB,"
	" concerns TEXT NOT NULL, feeds INTEGER NOT NULL, sides BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX finding_last ON finding (last_seen, id);"
	"CREATE TABLE finding_feed (id BLOB, feed INTEGER, first_seen INTEGER NOT NULL,"
	" last_seen INTEGER NOT NULL, run INTEGER NOT NULL, PRIMARY KEY (id, feed)) WITHOUT ROWID;"
	"CREATE TABLE finding_mark (id BLOB, mark INTEGER, at_us INTEGER NOT NULL, by TEXT NOT NULL,"
	" reason TEXT NOT NULL, PRIMARY KEY (id, mark)) WITHOUT ROWID;"
	"CREATE TABLE finding_base (id BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE transition (seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, finding BLOB NOT NULL,"
	" what INTEGER NOT NULL, tlp INTEGER NOT NULL, exercise INTEGER NOT NULL);"
	"CREATE TABLE cursor (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;"
	/* "rond", so that file(1) and a person know whose it is */
	"PRAGMA application_id = 1919905380;"
	"PRAGMA user_version = 1;";

/* Each paragraph belongs to the file it names; they stand in the order of the floors. */
static const char version_2[] =
	/* --- store: reports, raw --- */
	/* --- record: journal --- */
	/* --- record: records, links, search --- */
	/* --- record: clocks, outbox, ledger --- */
	/* --- route: findings --- */
	/* finding_view.c: files of findings sorted by id; of two the one with the larger id is
	 * newer and hides the other; `foot` is where its list of pages stands. Findings of table
	 * `finding` are newer than all of them, with state 0 one that is no more */
	"CREATE TABLE finding_layer (id INTEGER PRIMARY KEY, day INTEGER NOT NULL,"
	" number INTEGER NOT NULL, foot INTEGER NOT NULL, foot_bytes INTEGER NOT NULL,"
	" rows INTEGER NOT NULL, bytes INTEGER NOT NULL);"
	/* transition_pack.c: transitions that are no longer rows of their own */
	"CREATE TABLE transition_pack (last_seq INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL,"
	" rows INTEGER NOT NULL, body BLOB NOT NULL);"
	/* --- disclosure: accounts, policy, seals --- */
	"PRAGMA user_version = 2;";

const char *const store_migrations[] = { version_1, version_2 };
const int store_version = (int)COUNT_OF(store_migrations);
