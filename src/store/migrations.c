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
	/* raw.c: bytes of small reports, until they share a frame */
	"CREATE TABLE raw_tail (report INTEGER PRIMARY KEY, day INTEGER NOT NULL,"
	" body BLOB NOT NULL);"
	/* pack.c: frames of several reports, with ids from first to last */
	"CREATE TABLE raw_frame (first INTEGER PRIMARY KEY, last INTEGER NOT NULL,"
	" day INTEGER NOT NULL, number INTEGER NOT NULL, offset INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL);"
	/* report_block.c: rows of finished reports; stamp: random, names the content */
	"CREATE TABLE report_block (first INTEGER PRIMARY KEY, last INTEGER NOT NULL,"
	" reports INTEGER NOT NULL, stamp INTEGER NOT NULL, body BLOB NOT NULL);"
	/* report_index.c: state 0 being made, 1 in use, 2 being removed */
	"CREATE TABLE report_run (id INTEGER PRIMARY KEY, state INTEGER NOT NULL,"
	" goes_into INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
	" level INTEGER NOT NULL, entries INTEGER NOT NULL, pages INTEGER NOT NULL,"
	" written INTEGER NOT NULL);"
	"CREATE TABLE report_page (id INTEGER PRIMARY KEY, body BLOB NOT NULL);"
	/* record/deliveries.c: who delivered what the next line of the journal is for */
	"CREATE TABLE delivered_by (actor TEXT PRIMARY KEY, reports INTEGER NOT NULL,"
	" events INTEGER NOT NULL) WITHOUT ROWID;"
	/* what was delivered before has its line in the journal */
	"INSERT INTO node (key, value) SELECT 'reports.told', coalesce(max(id), 0) FROM report;"
	/* --- record: journal --- */
	/* journal_list.c: the history of one object */
	"CREATE INDEX journal_object ON journal (object);"
	/* witness.c: the newest head of another node that was witnessed here */
	"CREATE TABLE witnessed (node TEXT PRIMARY KEY, number INTEGER NOT NULL, hash BLOB NOT NULL,"
	" at_us INTEGER NOT NULL) WITHOUT ROWID;"
	/* erase.c: what is being erased, how far it came (ended_us 0: under way), what it
	 * waits for; and the segment files that hold bytes of it */
	"CREATE TABLE erasing (id INTEGER PRIMARY KEY, object TEXT NOT NULL, why TEXT NOT NULL,"
	" asked_by TEXT NOT NULL, asked_us INTEGER NOT NULL, step INTEGER NOT NULL,"
	" at INTEGER NOT NULL DEFAULT 0,"
	" ended_us INTEGER NOT NULL, words TEXT NOT NULL);"
	"CREATE INDEX erasing_open ON erasing (id) WHERE ended_us = 0;"
	"CREATE TABLE erasing_file (erasing INTEGER, kind INTEGER, day INTEGER, number INTEGER,"
	" PRIMARY KEY (erasing, kind, day, number)) WITHOUT ROWID;"
	/* --- record: records, links, search --- */
	/* record_names.c: names of types, states, origins, kinds of links, and fields
	 * ("incident.severity"), said once; never taken away */
	"CREATE TABLE record_name (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL);"
	/* record.c: the newest number given; by what definition index and search were made */
	"CREATE TABLE record_type (name INTEGER PRIMARY KEY, last_number INTEGER NOT NULL,"
	" made_by BLOB NOT NULL);"
	/* record.c: what stands; type, origin and state name a record_name, version_id the newest
	 * record_version. organisation: NULL: the node's own. due_us: NULL: nothing is */
	"CREATE TABLE record (id INTEGER PRIMARY KEY, uuid BLOB UNIQUE NOT NULL, type INTEGER NOT NULL,"
	" number INTEGER NOT NULL, origin INTEGER NOT NULL, version INTEGER NOT NULL,"
	" version_id INTEGER NOT NULL, created_us INTEGER NOT NULL, changed_us INTEGER NOT NULL,"
	" organisation BLOB, state INTEGER NOT NULL, tlp INTEGER NOT NULL, exercise INTEGER NOT NULL,"
	" sealed INTEGER NOT NULL, erased INTEGER NOT NULL, due_us INTEGER, title TEXT NOT NULL);"
	"CREATE UNIQUE INDEX record_number ON record (type, number) WHERE number > 0;"
	"CREATE INDEX record_changed ON record (type, changed_us, id, state, tlp, exercise);"
	"CREATE INDEX record_changed_all ON record (changed_us, id, tlp, exercise);"
	"CREATE INDEX record_due ON record (due_us) WHERE due_us IS NOT NULL;"
	"CREATE INDEX record_organisation ON record (organisation) WHERE organisation IS NOT NULL;"
	/* record.c: each version whole. body: JSON, or zstd of it when that begins with 28 b5 2f fd;
	 * labels, why, salt and body are NULL once erased: the chain goes on without them */
	"CREATE TABLE record_version (id INTEGER PRIMARY KEY, record INTEGER NOT NULL,"
	" version INTEGER NOT NULL, type_version INTEGER NOT NULL, organisation BLOB,"
	" author TEXT NOT NULL, at_us INTEGER NOT NULL, state INTEGER NOT NULL, commitment BLOB NOT NULL,"
	" hash BLOB NOT NULL, salt BLOB, labels TEXT, why TEXT, body BLOB);"
	"CREATE UNIQUE INDEX record_version_of ON record_version (record, version);"
	/* record_links.c: ends are blobs: 1, the uuid and the type of a record, else the id as text.
	 * pair: hash of from, kind and to. share: 0: made by hand, else 1 + that of the field */
	"CREATE TABLE record_link (id INTEGER PRIMARY KEY, from_end BLOB NOT NULL, kind INTEGER NOT NULL,"
	" to_end BLOB NOT NULL, pair INTEGER NOT NULL, share INTEGER NOT NULL, author TEXT NOT NULL,"
	" why TEXT NOT NULL, at_us INTEGER NOT NULL, removed_us INTEGER NOT NULL);"
	"CREATE INDEX record_link_from ON record_link (from_end, id);"
	"CREATE INDEX record_link_to ON record_link (to_end, id);"
	"CREATE INDEX record_link_pair ON record_link (pair) WHERE removed_us = 0;"
	/* record_index.c: values of fields of what stands, for filters and order; field: a record_name */
	"CREATE TABLE record_index (field INTEGER, value, record INTEGER,"
	" PRIMARY KEY (field, value, record)) WITHOUT ROWID;"
	/* record_search.c: words of what stands, a row for each who may see them (id: 4 * record
	 * + 0 open, 1 party, 2 team, 3 personal), and two ways to find them: whole words, and
	 * parts of at least three letters in any script */
	"CREATE TABLE record_text (id INTEGER PRIMARY KEY, words TEXT NOT NULL);"
	"CREATE VIRTUAL TABLE record_words USING fts5 (words, content = 'record_text',"
	" content_rowid = 'id', columnsize = 0, prefix = '1 2', tokenize = 'unicode61 remove_diacritics 2');"
	"CREATE VIRTUAL TABLE record_parts USING fts5 (words, content = 'record_text',"
	" content_rowid = 'id', columnsize = 0, tokenize = 'trigram');"
	/* fewer, larger merges: half the work of writing, little more when reading */
	"INSERT INTO record_words (record_words, rank) VALUES ('automerge', 16);"
	"INSERT INTO record_parts (record_parts, rank) VALUES ('automerge', 16);"
	"INSERT INTO record_words (record_words, rank) VALUES ('crisismerge', 64);"
	"INSERT INTO record_parts (record_parts, rank) VALUES ('crisismerge', 64);"
	/* record_files.c: bytes of FILE fields, and who may name them: a record that did
	 * (record > 0), or who put them there (record 0) */
	"CREATE TABLE record_file (id INTEGER PRIMARY KEY, digest BLOB UNIQUE NOT NULL,"
	" bytes BLOB NOT NULL);"
	"CREATE TABLE record_file_use (digest BLOB, record INTEGER, actor TEXT, at_us INTEGER NOT NULL,"
	" PRIMARY KEY (digest, record, actor)) WITHOUT ROWID;"
	"CREATE INDEX record_file_record ON record_file_use (record);"
	/* --- record: clocks, outbox, ledger --- */
	/* clocks.c: times NULL when there are none; next_us: of the next step of the ladder */
	"CREATE TABLE record_clock (record BLOB, rule TEXT, started_us INTEGER, due_us INTEGER,"
	" left_us INTEGER NOT NULL, stopped_us INTEGER, step INTEGER NOT NULL,"
	" paused INTEGER NOT NULL, next_us INTEGER, noted_by TEXT NOT NULL,"
	" PRIMARY KEY (record, rule)) WITHOUT ROWID;"
	"CREATE INDEX record_clock_next ON record_clock (next_us) WHERE next_us IS NOT NULL;"
	/* outbox.c: lease_us 0: nobody has it. maker and made_at: the cursor it came with */
	"CREATE TABLE outbox (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, lane INTEGER NOT NULL,"
	" driver TEXT NOT NULL, recipient TEXT NOT NULL, item TEXT NOT NULL,"
	" item_version INTEGER NOT NULL, template TEXT NOT NULL, details TEXT NOT NULL,"
	" purpose INTEGER NOT NULL, policy INTEGER NOT NULL, maker TEXT NOT NULL,"
	" made_at INTEGER NOT NULL, made_us INTEGER NOT NULL, not_before_us INTEGER NOT NULL,"
	" expires_us INTEGER NOT NULL, lease_us INTEGER NOT NULL, tries INTEGER NOT NULL,"
	" words TEXT NOT NULL, UNIQUE (maker, made_at, driver, recipient));"
	"CREATE INDEX outbox_queued ON outbox (driver, lane, not_before_us, id) WHERE state = 1;"
	"CREATE INDEX outbox_waiting ON outbox (driver, recipient, id) WHERE state = 1;"
	"CREATE INDEX outbox_leased ON outbox (lease_us) WHERE state IN (2, 3);"
	"CREATE TABLE outbox_cover (message INTEGER, item TEXT, version INTEGER NOT NULL,"
	" PRIMARY KEY (message, item)) WITHOUT ROWID;"
	"CREATE INDEX outbox_cover_item ON outbox_cover (item, message);"
	/* ledger.c: reference makes receipts of one message once */
	"CREATE TABLE ledger (id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL,"
	" message INTEGER NOT NULL, kind INTEGER NOT NULL, driver TEXT NOT NULL,"
	" recipient TEXT NOT NULL, item TEXT NOT NULL, item_version INTEGER NOT NULL,"
	" purpose INTEGER NOT NULL, policy INTEGER NOT NULL, rule TEXT NOT NULL, cut TEXT NOT NULL,"
	" reference TEXT NOT NULL, words TEXT NOT NULL, covers INTEGER NOT NULL);"
	"CREATE INDEX ledger_item ON ledger (item, id);"
	"CREATE INDEX ledger_recipient ON ledger (recipient, id);"
	"CREATE INDEX ledger_message ON ledger (message, kind, reference) WHERE message > 0;"
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
	/* --- disclosure: policy, refusals, break-glass --- */
	/* policy.c: every policy that was ever in force; next_us: when a day in it comes */
	"CREATE TABLE policy (number INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, digest BLOB NOT NULL,"
	" next_us INTEGER NOT NULL, body TEXT NOT NULL);"
	/* break_glass.c: emergencies; record: the uuid; reviewed_us 0: still to be looked at */
	"CREATE TABLE break_glass (id INTEGER PRIMARY KEY, record BLOB NOT NULL, item TEXT NOT NULL,"
	" actor TEXT NOT NULL, reason TEXT NOT NULL, at_us INTEGER NOT NULL, until_us INTEGER NOT NULL,"
	" reviewed_by TEXT NOT NULL, reviewed_us INTEGER NOT NULL, words TEXT NOT NULL);"
	"CREATE INDEX break_glass_record ON break_glass (record, actor, until_us);"
	"CREATE INDEX break_glass_open ON break_glass (id) WHERE reviewed_us = 0;"
	/* refused.c: refusals since the actor's last journal line about them */
	"CREATE TABLE refusal (actor TEXT PRIMARY KEY, at_us INTEGER NOT NULL, count INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	/* --- disclosure: imports --- */
	/* bulk.c: runs (state: enum bulk_state; next: the last row applied), and their rows: id "" of a
	 * new one; fields: JSON until it is applied, then NULL; versions before and after */
	"CREATE TABLE import_run (id INTEGER PRIMARY KEY, type TEXT NOT NULL, actor TEXT NOT NULL,"
	" at_us INTEGER NOT NULL, why TEXT NOT NULL, language TEXT NOT NULL, tlp TEXT NOT NULL,"
	" key TEXT NOT NULL, state INTEGER NOT NULL, rows INTEGER NOT NULL, applied INTEGER NOT NULL,"
	" next INTEGER NOT NULL);"
	"CREATE TABLE import_row (run INTEGER, row INTEGER, id TEXT NOT NULL, version INTEGER NOT NULL,"
	" state TEXT NOT NULL, tlp TEXT NOT NULL, fields TEXT, as_text INTEGER NOT NULL, record BLOB,"
	" before INTEGER NOT NULL, after INTEGER NOT NULL, undone INTEGER NOT NULL,"
	" PRIMARY KEY (run, row)) WITHOUT ROWID;"
	/* --- disclosure: accounts, policy, seals --- */
	/* account.c. roles: names of roles.json, space between; unix_uid, subject: NULL when none;
	 * secrets: counts changes of what the account proves itself by, so that sessions end */
	"CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT NOT NULL, folded TEXT UNIQUE NOT NULL,"
	" display TEXT NOT NULL, roles TEXT NOT NULL, organisation BLOB NOT NULL, person BLOB NOT NULL,"
	" unix_uid INTEGER UNIQUE, subject TEXT UNIQUE, disabled INTEGER NOT NULL,"
	" secrets INTEGER NOT NULL, made_us INTEGER NOT NULL, last_seen_us INTEGER NOT NULL);"
	/* secrets.c: hashes; totp is encrypted under DIR/account.key */
	"CREATE TABLE account_secret (account INTEGER PRIMARY KEY, password TEXT NOT NULL,"
	" password_us INTEGER NOT NULL, totp BLOB NOT NULL, totp_step INTEGER NOT NULL);"
	"CREATE TABLE account_code (account INTEGER, digest BLOB, PRIMARY KEY (account, digest))"
	" WITHOUT ROWID;"
	"CREATE TABLE account_invite (hash BLOB PRIMARY KEY, account INTEGER NOT NULL,"
	" made_us INTEGER NOT NULL) WITHOUT ROWID;"
	/* passkeys.c */
	"CREATE TABLE account_passkey (id BLOB PRIMARY KEY, account INTEGER NOT NULL, label TEXT NOT NULL,"
	" key BLOB NOT NULL, alg INTEGER NOT NULL, counter INTEGER NOT NULL, backed_up INTEGER NOT NULL,"
	" made_us INTEGER NOT NULL, used_us INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX account_passkey_of ON account_passkey (account);"
	/* token.c: what a token of an account may, beyond its row in `token` */
	"CREATE TABLE token_account (token INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
	" reads_only INTEGER NOT NULL);"
	/* approval.c */
	"CREATE TABLE approval (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, object TEXT NOT NULL,"
	" what TEXT NOT NULL, why TEXT NOT NULL, state INTEGER NOT NULL, asked_by TEXT NOT NULL,"
	" asked_us INTEGER NOT NULL, answered_by TEXT NOT NULL, answered_us INTEGER NOT NULL,"
	" done_us INTEGER NOT NULL);"
	/* seal.c: persons' keys, and a case's keys wrapped to them */
	"CREATE TABLE seal_person (account INTEGER PRIMARY KEY, public BLOB NOT NULL,"
	" salt BLOB NOT NULL, secret BLOB NOT NULL, recovery BLOB NOT NULL, made_us INTEGER NOT NULL);"
	"CREATE TABLE seal_wrap (record BLOB, number INTEGER, account INTEGER, wrapped BLOB NOT NULL,"
	" PRIMARY KEY (record, number, account)) WITHOUT ROWID;"
	"PRAGMA user_version = 2;";

static const char version_3[] =
	/* --- record: purpose, retention --- */
	/* --- route: the directory as records, contacts of last resort --- */
	/* fallback_store.c: images of sources; state 0 coming, 1 in force, 2 the one before, 3 going */
	"CREATE TABLE fallback_load (id INTEGER PRIMARY KEY, source TEXT NOT NULL, digest BLOB NOT NULL,"
	" bytes INTEGER NOT NULL, entries INTEGER NOT NULL, contacts INTEGER NOT NULL,"
	" at_us INTEGER NOT NULL, state INTEGER NOT NULL);"
	"CREATE TABLE fallback_piece (id INTEGER PRIMARY KEY, load INTEGER NOT NULL, at INTEGER NOT NULL,"
	" bytes BLOB NOT NULL);"
	"CREATE UNIQUE INDEX fallback_piece_of ON fallback_piece (load, at);"
	/* fallback_note.c: what was looked up about one subject; kind -1: it said nothing */
	"CREATE TABLE fallback_look (id INTEGER PRIMARY KEY, source TEXT NOT NULL, subject TEXT NOT NULL,"
	" kind INTEGER NOT NULL, first BLOB NOT NULL, last BLOB NOT NULL, asn_first INTEGER NOT NULL,"
	" asn_last INTEGER NOT NULL, domain TEXT NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL,"
	" country TEXT NOT NULL, trust INTEGER NOT NULL, seen_day INTEGER NOT NULL,"
	" until_us INTEGER NOT NULL);"
	"CREATE INDEX fallback_look_of ON fallback_look (source, subject);"
	"CREATE INDEX fallback_look_until ON fallback_look (until_us);"
	/* node/lookup.c: when a host was asked last */
	"CREATE TABLE fallback_pace (host TEXT PRIMARY KEY, at_us INTEGER NOT NULL) WITHOUT ROWID;"
	/* directory_records.c: record: the uuid of the one this row is made of, NULL: none yet; several
	 * may have one name; gone: 1 former, 2 erased. Rows are never taken away, so that no number
	 * comes to mean another organisation */
	"CREATE TABLE org_3 (id INTEGER PRIMARY KEY, record BLOB UNIQUE, name TEXT NOT NULL,"
	" folded TEXT NOT NULL, kind TEXT NOT NULL, country TEXT NOT NULL, sector TEXT NOT NULL,"
	" timezone TEXT NOT NULL, changed_us INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0,"
	" former_us INTEGER NOT NULL DEFAULT 0);"
	"INSERT INTO org_3 (id, name, folded, kind, country, sector, timezone, changed_us)"
	" SELECT id, name, folded, kind, country, sector, timezone, changed_us FROM org;"
	"DROP TABLE org;"
	"ALTER TABLE org_3 RENAME TO org;"
	"CREATE INDEX org_folded ON org (folded);"
	/* directory_former.c: when all that was claimed by one that has a successor has ended; 0: never */
	"CREATE INDEX org_former ON org (former_us) WHERE former_us > 0;"
	"ALTER TABLE org_contact ADD COLUMN name TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE org_contact ADD COLUMN channel TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE org_contact ADD COLUMN hours TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE org_contact ADD COLUMN languages TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE org_contact ADD COLUMN place INTEGER NOT NULL DEFAULT 0;"
	/* who else claims this? */
	"CREATE INDEX org_scope_value ON org_scope (kind, value);"
	/* --- disclosure --- */
	/* --- notify: drivers, rounds --- */
	/* round_members.c: rounds whose list was made from this version of their record; times NULL: not
	 * (yet). made: all its messages are; counted: its silence is */
	"CREATE TABLE round_state (round BLOB PRIMARY KEY, version INTEGER NOT NULL,"
	" notifies INTEGER NOT NULL, by TEXT NOT NULL, started_us INTEGER, closed_us INTEGER,"
	" due_us INTEGER, next_us INTEGER, made INTEGER NOT NULL, counted INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX round_state_made ON round_state (started_us) WHERE made = 0;"
	"CREATE INDEX round_state_due ON round_state (due_us) WHERE counted = 0;"
	"CREATE INDEX round_state_next ON round_state (next_us) WHERE next_us IS NOT NULL;"
	/* round_members.c: who is told in a round, in order of `place`; covers: ids by space that it is
	 * about. driver: "" before it was chosen; message: of the outbox, 0: not made yet. silent_us: the
	 * due time passed without an answer */
	"CREATE TABLE round_member (round BLOB NOT NULL, organisation BLOB NOT NULL, place INTEGER NOT NULL,"
	" recipient TEXT NOT NULL, covers TEXT NOT NULL, driver TEXT NOT NULL, message INTEGER NOT NULL,"
	" answered_us INTEGER, answered_by TEXT NOT NULL, words TEXT NOT NULL, noted_by TEXT NOT NULL,"
	" silent_us INTEGER, PRIMARY KEY (round, organisation)) WITHOUT ROWID;"
	"CREATE INDEX round_member_place ON round_member (round, place);"
	"CREATE INDEX round_member_message ON round_member (message) WHERE message > 0;"
	"CREATE INDEX round_member_of ON round_member (organisation);"
	/* --- directory --- */
	/* directory/merge.c: organisations made one: uuids, and versions before and after on both sides;
	 * undone_us 0: it stands */
	"CREATE TABLE organisation_merge (id INTEGER PRIMARY KEY, keep BLOB NOT NULL, other BLOB NOT NULL,"
	" keep_before INTEGER NOT NULL, keep_after INTEGER NOT NULL, other_before INTEGER NOT NULL,"
	" other_after INTEGER NOT NULL, state TEXT NOT NULL, actor TEXT NOT NULL, why TEXT NOT NULL,"
	" at_us INTEGER NOT NULL, undone_us INTEGER NOT NULL);"
	"CREATE INDEX organisation_merge_other ON organisation_merge (other, undone_us);"
	/* links that moved, as they stood at the other; added: the id it has at keep, 0: stood there
	 * already; and references of other records: field, and versions before and after */
	"CREATE TABLE organisation_merge_link (id INTEGER PRIMARY KEY, merge INTEGER NOT NULL,"
	" kind TEXT NOT NULL, end TEXT NOT NULL, outward INTEGER NOT NULL, why TEXT NOT NULL,"
	" added INTEGER NOT NULL);"
	"CREATE INDEX organisation_merge_link_of ON organisation_merge_link (merge);"
	"CREATE TABLE organisation_merge_reference (id INTEGER PRIMARY KEY, merge INTEGER NOT NULL,"
	" record TEXT NOT NULL, field TEXT NOT NULL);"
	"CREATE INDEX organisation_merge_reference_of ON organisation_merge_reference (merge);"
	/* --- duty: shifts, paging --- */
	/* duty.c: shifts that count (planned or taken) out of the records of that name, by time; role:
	 * enum shift_role */
	"CREATE TABLE duty_shift (record BLOB PRIMARY KEY, number INTEGER NOT NULL, person BLOB NOT NULL,"
	" role INTEGER NOT NULL, from_us INTEGER NOT NULL, until_us INTEGER NOT NULL,"
	" taken INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX duty_shift_until ON duty_shift (until_us);"
	/* duty.c: by what a person is paged, in order, space between */
	"CREATE TABLE duty_pager (person BLOB PRIMARY KEY, channels TEXT NOT NULL) WITHOUT ROWID;"
	/* handover.c: who wrote it, so that another signs */
	"CREATE TABLE duty_handover (record BLOB PRIMARY KEY, writer TEXT NOT NULL) WITHOUT ROWID;"
	/* ladder_tend.c: records that wait for an organisation's answer, since when, when to look
	 * again (NULL: not by itself); and the steps taken */
	"CREATE TABLE duty_ladder (record BLOB PRIMARY KEY, item TEXT NOT NULL,"
	" since_us INTEGER NOT NULL, next_us INTEGER) WITHOUT ROWID;"
	"CREATE INDEX duty_ladder_next ON duty_ladder (next_us) WHERE next_us IS NOT NULL;"
	"CREATE TABLE duty_step (record BLOB, since_us INTEGER, step INTEGER, at_us INTEGER NOT NULL,"
	" organisation TEXT NOT NULL, contact TEXT NOT NULL, channel TEXT NOT NULL,"
	" PRIMARY KEY (record, since_us, step)) WITHOUT ROWID;"
	/* --- evidence: items, custody --- */
	/* item.c: what is kept of an exhibit, in which file of DIR/evidence. state: 0 good, 1 differs,
	 * 2 missing, 3 destroyed */
	"CREATE TABLE evidence_item (id INTEGER PRIMARY KEY, evidence BLOB NOT NULL, n INTEGER NOT NULL,"
	" name TEXT NOT NULL, media TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 BLOB NOT NULL,"
	" sha512 BLOB NOT NULL, stored BLOB NOT NULL, stored_bytes INTEGER NOT NULL, key TEXT NOT NULL,"
	" added_us INTEGER NOT NULL, checked_us INTEGER NOT NULL, state INTEGER NOT NULL,"
	" UNIQUE (evidence, n));"
	"CREATE INDEX evidence_item_stored ON evidence_item (stored);"
	"CREATE INDEX evidence_item_checked ON evidence_item (state, checked_us);"
	/* custody.c: exhibit numbers, once in a case ("" of none) */
	"CREATE TABLE evidence_number (parent TEXT NOT NULL, number TEXT NOT NULL, evidence BLOB NOT NULL,"
	" PRIMARY KEY (parent, number)) WITHOUT ROWID;"
	"CREATE INDEX evidence_number_of ON evidence_number (evidence);"
	/* files about to get their name: removed at the next start when no item names them */
	"CREATE TABLE evidence_adding (stored BLOB PRIMARY KEY) WITHOUT ROWID;"
	/* files no item names any more: removed once that is on disk */
	"CREATE TABLE evidence_gone (stored BLOB PRIMARY KEY) WITHOUT ROWID;"
	/* custody.c: what happened to an exhibit, each line bound to the one before */
	"CREATE TABLE evidence_chain (evidence BLOB NOT NULL, n INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" what TEXT NOT NULL, custody BLOB NOT NULL, hash BLOB NOT NULL, line TEXT NOT NULL,"
	" PRIMARY KEY (evidence, n)) WITHOUT ROWID;"
	"CREATE INDEX evidence_chain_custody ON evidence_chain (custody);"
	/* who confirmed as giver, and what */
	"CREATE TABLE evidence_given (custody BLOB PRIMARY KEY, actor TEXT NOT NULL, digest BLOB NOT NULL)"
	" WITHOUT ROWID;"
	/* --- incident --- */
	/* indicators.c: what stands in fields that mean indicators. kind: enum indicator_kind; value: text, of
	 * networks 16 bytes of the address and one of the prefix; record: its uuid */
	"CREATE TABLE indicator (kind INTEGER, value BLOB, record BLOB, type TEXT NOT NULL, text TEXT NOT NULL,"
	" PRIMARY KEY (kind, value, record)) WITHOUT ROWID;"
	"CREATE INDEX indicator_record ON indicator (record);"
	/* --- privacy: destruction --- */
	/* store/destroyed.c: digests of what may not come back, and how often it did; raw files with
	 * unnamed parts of it */
	"CREATE TABLE destroyed (digest BLOB PRIMARY KEY, item TEXT NOT NULL, bytes INTEGER NOT NULL,"
	" at_us INTEGER NOT NULL, seen INTEGER NOT NULL, told INTEGER NOT NULL, last_us INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE destroyed_report (report INTEGER PRIMARY KEY);" /* they came again inside of it */
	"CREATE TABLE destroyed_left (day INTEGER, number INTEGER, PRIMARY KEY (day, number))"
	" WITHOUT ROWID;"
	/* store/events_drop.c: events on their way out, by the list they are erased with */
	"CREATE TABLE erasing_event (list INTEGER, seq INTEGER, PRIMARY KEY (list, seq)) WITHOUT ROWID;"
	/* store/held.c: what is kept for a case; hold: uuid of the record that says why; seq: of an
	 * event, else 0; secret: may not be told to whom it is about */
	"CREATE TABLE held (object TEXT, hold BLOB, seq INTEGER NOT NULL, secret INTEGER NOT NULL,"
	" PRIMARY KEY (object, hold))"
	" WITHOUT ROWID;"
	"CREATE INDEX held_event ON held (seq) WHERE seq > 0;"
	"CREATE INDEX held_by ON held (hold);"
	/* privacy/subject_search.c: what was found of a person, for a request; how far the search came */
	"CREATE TABLE subject_found (record BLOB, object TEXT, kind TEXT NOT NULL, identifier INTEGER NOT NULL,"
	" erased INTEGER NOT NULL, PRIMARY KEY (record, object)) WITHOUT ROWID;"
	"CREATE TABLE subject_search (record BLOB PRIMARY KEY, part INTEGER NOT NULL, at INTEGER NOT NULL,"
	" ended_us INTEGER NOT NULL) WITHOUT ROWID;"
	/* node/destroy.c: what is being destroyed; object "": the findings are to follow */
	"CREATE TABLE destroying (record BLOB, object TEXT, step INTEGER NOT NULL, erasing INTEGER NOT NULL,"
	" actor TEXT NOT NULL, why TEXT NOT NULL, PRIMARY KEY (record, object)) WITHOUT ROWID;"
	"PRAGMA user_version = 3;";

static const char version_4[] =
	/* --- record, outbox, ledger --- */
	/* --- route: findings, transitions --- */
	/* --- disclosure: accounts of constituents --- */
	/* notify/sign_in.c: by which contact an account was invited ("organisation--…/abuse"); links that were used */
	"CREATE TABLE constituent (account INTEGER PRIMARY KEY, contact TEXT NOT NULL);"
	"CREATE TABLE sign_in_used (message INTEGER PRIMARY KEY, at_us INTEGER NOT NULL);"
	/* --- notify: rehearsal --- */
	/* rehearsal.c: who is live, or back in rehearsal; scope: enum rehearsal_scope, 0: an older version made
	 * this node, which may have sent without it; its key is 'restored' (restored.c): made from a backup, and
	 * nobody switched since */
	"CREATE TABLE rehearsal (scope INTEGER, key TEXT, live INTEGER NOT NULL, since_us INTEGER NOT NULL,"
	" by TEXT NOT NULL, why TEXT NOT NULL, PRIMARY KEY (scope, key)) WITHOUT ROWID;"
	"INSERT INTO rehearsal (scope, key, live, since_us, by, why) SELECT 0, '', 0, 0, '', ''"
	" WHERE EXISTS (SELECT 1 FROM node WHERE key = 'id');"
	/* --- notify: rules, teller, escalation --- */
	/* teller_hook.c: since when a rule is active */
	"CREATE TABLE tell_rule (rule BLOB PRIMARY KEY, active_us INTEGER NOT NULL) WITHOUT ROWID;"
	/* teller_rows.c: a finding and an organisation (zero: nobody is known yet): what of it is to be told by
	 * which rule, or was. at_us: when it opened or came back; what: enum transition, 0: again; step: of the
	 * escalation; told: how often a message was made, unanswered: since the last answer; next_us: when it is
	 * due, NULL: not by itself; state: enum tell_state */
	"CREATE TABLE tell (finding BLOB, organisation BLOB, rule BLOB NOT NULL, class TEXT NOT NULL,"
	" what INTEGER NOT NULL, at_us INTEGER NOT NULL, step INTEGER NOT NULL, told INTEGER NOT NULL,"
	" unanswered INTEGER NOT NULL, last_us INTEGER NOT NULL, next_us INTEGER, message INTEGER NOT NULL,"
	" state INTEGER NOT NULL, PRIMARY KEY (finding, organisation)) WITHOUT ROWID;"
	"CREATE INDEX tell_next ON tell (next_us) WHERE next_us IS NOT NULL;"
	"CREATE INDEX tell_group ON tell (organisation, rule, class, step, next_us) WHERE next_us IS NOT NULL;"
	/* teller_rows.c: messages that rules made */
	"CREATE TABLE tell_message (message INTEGER PRIMARY KEY, recipient TEXT NOT NULL, rule BLOB NOT NULL,"
	" class TEXT NOT NULL, period TEXT NOT NULL, at_us INTEGER NOT NULL, findings INTEGER NOT NULL);"
	"CREATE INDEX tell_message_cap ON tell_message (recipient, at_us);"
	/* What was there before there were rules is told by none, and marked by none. */
	"INSERT INTO cursor (name, seq) SELECT 'teller:rules', max(coalesce((SELECT max(seq) FROM transition), 0),"
	" coalesce((SELECT max(last_seq) FROM transition_pack), 0)) WHERE EXISTS (SELECT 1 FROM node WHERE key = 'id');"
	"INSERT INTO cursor (name, seq) SELECT 'tell:marked', last FROM (SELECT max(id) AS last FROM ledger)"
	" WHERE last > 0;"
	/* teller_rows.c: why so many were not told, by day */
	"CREATE TABLE tell_count (day INTEGER, state INTEGER, count INTEGER NOT NULL, PRIMARY KEY (day, state))"
	" WITHOUT ROWID;"
	/* --- notify: letters, templates --- */
	/* own_texts.c: of records that are in force; text: subject, empty line, text */
	"CREATE TABLE letter_text (class TEXT, language TEXT, record BLOB NOT NULL, text TEXT NOT NULL,"
	" PRIMARY KEY (class, language)) WITHOUT ROWID;"
	/* --- notify: mail out, bounces --- */
	/* --- notify: mail in, threads --- */
	/* inbound_keep.c: each mail that came, once; digest: of its bytes with lines by LF; state 1 waits,
	 * 2 done; kind: enum inbound_kind; record: its uuid; message: of ours, that it truly answers, or 0.
	 * The bytes stand in mail_in_raw until it is done */
	"CREATE TABLE mail_in (id INTEGER PRIMARY KEY, digest BLOB UNIQUE NOT NULL, at_us INTEGER NOT NULL,"
	" box TEXT NOT NULL, bytes INTEGER NOT NULL, state INTEGER NOT NULL, kind INTEGER NOT NULL,"
	" message_id TEXT NOT NULL, record BLOB, reports INTEGER NOT NULL, tries INTEGER NOT NULL,"
	" words TEXT NOT NULL, message INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX mail_in_waiting ON mail_in (id) WHERE state = 1;"
	"CREATE INDEX mail_in_message ON mail_in (message_id) WHERE message_id <> '';"
	"CREATE INDEX mail_in_answers ON mail_in (message, id) WHERE message > 0;"
	"CREATE INDEX mail_in_record ON mail_in (record) WHERE record IS NOT NULL;"
	"CREATE TABLE mail_in_raw (id INTEGER PRIMARY KEY, body BLOB NOT NULL);"
	/* how many of each kind there ever were */
	"CREATE TABLE mail_in_count (kind INTEGER PRIMARY KEY, mails INTEGER NOT NULL);"
	/* node/mail_pick.c: up to where a mailbox was read (RFC 3501 section 2.3.1.1); words: why it
	 * cannot be, since then; '' it can. remain: mails in it that were not taken yet at the last look */
	"CREATE TABLE mail_box (name TEXT PRIMARY KEY, validity INTEGER NOT NULL, uid INTEGER NOT NULL,"
	" words TEXT NOT NULL, since_us INTEGER NOT NULL, remain INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
	/* inbound_tags.c: the number another one's ticket system gave to what answers a message of ours */
	"CREATE TABLE mail_foreign (organisation TEXT, ours INTEGER, theirs TEXT NOT NULL, at_us INTEGER NOT NULL,"
	" PRIMARY KEY (organisation, ours)) WITHOUT ROWID;"
	/* inbound_receipt.c: who was told that his mail came; sender: a keyed hash */
	"CREATE TABLE mail_receipt (sender BLOB PRIMARY KEY, at_us INTEGER NOT NULL) WITHOUT ROWID;"
	/* --- notify: answers --- */
	/* answers.c: what was answered to a message. kind: enum answer_kind; findings: how many; key: of the
	 * submission; file: digest in record_file, or NULL; seen_us: one of us took note, 0: nobody has to */
	"CREATE TABLE answer (id INTEGER PRIMARY KEY, message INTEGER NOT NULL, kind INTEGER NOT NULL,"
	" at_us INTEGER NOT NULL, channel TEXT NOT NULL, by TEXT NOT NULL, words TEXT NOT NULL,"
	" organisation TEXT NOT NULL, recipient TEXT NOT NULL, item TEXT NOT NULL, findings INTEGER NOT NULL,"
	" file BLOB, file_name TEXT NOT NULL, key TEXT NOT NULL, seen_us INTEGER, seen_by TEXT NOT NULL,"
	" UNIQUE (message, key));"
	"CREATE INDEX answer_organisation ON answer (organisation, id);"
	"CREATE INDEX answer_waiting ON answer (id) WHERE seen_us IS NULL;"
	/* claim: enum claim, as it was noted first */
	"CREATE TABLE answer_finding (finding BLOB, answer INTEGER, claim INTEGER NOT NULL, claim_us INTEGER NOT NULL,"
	" PRIMARY KEY (finding, answer)) WITHOUT ROWID;"
	"CREATE INDEX answer_finding_of ON answer_finding (answer);"
	"CREATE INDEX answer_finding_claim ON answer_finding (finding, answer) WHERE claim = 1;"
	/* inbox.c: what was sent to one organisation */
	"CREATE INDEX outbox_recipient ON outbox (recipient, id);"
	/* --- incident: takedown, correspondence --- */
	/* incident/takedown_tend.c: open and closed takedowns, what is due; messages to each party; looks */
	"CREATE TABLE takedown_watch (record BLOB PRIMARY KEY, item TEXT NOT NULL, open INTEGER NOT NULL,"
	" down INTEGER NOT NULL, quiet INTEGER NOT NULL, asked_us INTEGER NOT NULL, down_us INTEGER NOT NULL,"
	" ask_us INTEGER NOT NULL, look_us INTEGER NOT NULL, gone_run INTEGER NOT NULL, gone_us INTEGER NOT NULL,"
	" up_run INTEGER NOT NULL, rounds INTEGER NOT NULL, relapses INTEGER NOT NULL, thank INTEGER NOT NULL,"
	" back INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX takedown_ask_due ON takedown_watch (ask_us) WHERE ask_us > 0;"
	"CREATE INDEX takedown_look_due ON takedown_watch (look_us) WHERE look_us > 0;"
	"CREATE INDEX takedown_thank_due ON takedown_watch (record) WHERE thank > 0;"
	"CREATE TABLE takedown_ask (record BLOB, party TEXT, seq INTEGER, at_us INTEGER NOT NULL,"
	" template TEXT NOT NULL, message INTEGER NOT NULL, PRIMARY KEY (record, party, seq)) WITHOUT ROWID;"
	"CREATE TABLE takedown_look (record BLOB, at_us INTEGER, outcome INTEGER NOT NULL, status INTEGER NOT NULL,"
	" digest TEXT NOT NULL, bytes INTEGER NOT NULL, head TEXT NOT NULL, dns TEXT NOT NULL, words TEXT NOT NULL,"
	" PRIMARY KEY (record, at_us)) WITHOUT ROWID;"
	/* --- stats --- */
	/* --- web: public reports, mail list --- */
	/* notify/subscribers.c: state 1 asked, 2 confirmed, 3 left; email NULL once it left, or never confirmed:
	 * rows stay, so that the link in an old mail means nobody else */
	"CREATE TABLE subscriber (id INTEGER PRIMARY KEY, email TEXT UNIQUE, language TEXT NOT NULL,"
	" state INTEGER NOT NULL, asked_us INTEGER NOT NULL, changed_us INTEGER NOT NULL);"
	"CREATE INDEX subscriber_asked ON subscriber (asked_us) WHERE state = 1;"
	/* warnings on their way to the list: up to which subscriber they came */
	"CREATE TABLE subscriber_mailing (record BLOB PRIMARY KEY, item TEXT NOT NULL, version INTEGER NOT NULL,"
	" upto INTEGER NOT NULL, done INTEGER NOT NULL, at_us INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX subscriber_mailing_open ON subscriber_mailing (at_us) WHERE done = 0;"
	"PRAGMA user_version = 4;";

static const char version_5[] =
	/* --- the outbox: what runs out, what was made for one item --- */
	"CREATE INDEX outbox_expires ON outbox (driver, expires_us) WHERE state = 1 AND expires_us > 0;"
	"CREATE INDEX outbox_item ON outbox (item, id);"
	/* --- rules by confidence, contacts of last resort --- */
	/* findings_rows.c: highest that its events stated, and one; 0: none did */
	"ALTER TABLE finding ADD COLUMN confidence INTEGER NOT NULL DEFAULT 0;"
	/* feeds.c: of events that state none; NULL: not stated */
	"ALTER TABLE feed ADD COLUMN accuracy INTEGER;"
	/* last_resort.c: who is told though he is not in the directory; id: keyed hash of the address, as it
	 * stands for an organisation in table tell; dead_us: what was sent there came back */
	"CREATE TABLE tell_contact (id BLOB PRIMARY KEY, email TEXT NOT NULL, found_us INTEGER NOT NULL,"
	" dead_us INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
	/* --- exchange: collections --- */
	/* exchange/collection.c: partner: uuid of its record, zeros: anybody's; last_us: time handed out last.
	 * item: events by their numbers, else of what it names */
	"CREATE TABLE collection (id INTEGER PRIMARY KEY, uuid BLOB UNIQUE NOT NULL, kind INTEGER NOT NULL,"
	" partner BLOB NOT NULL, alias TEXT UNIQUE NOT NULL, title TEXT NOT NULL, last_us INTEGER NOT NULL,"
	" UNIQUE (kind, partner));"
	"CREATE TABLE collection_entry (collection INTEGER, added_us INTEGER, kind INTEGER NOT NULL,"
	" lane INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL,"
	" PRIMARY KEY (collection, added_us)) WITHOUT ROWID;"
	"CREATE INDEX collection_entry_lane ON collection_entry (collection, lane, added_us);"
	"CREATE INDEX collection_entry_item ON collection_entry (kind, first, collection);"
	/* --- exchange: objects of others --- */
	/* exchange/object_store.c: partner: uuid of the record; version_us: TIME_NONE of an observable; tlp: TLP_COUNT is a
	 * marking that is not understood; json: as it was received */
	"CREATE TABLE exchange_object (id INTEGER PRIMARY KEY AUTOINCREMENT, partner BLOB NOT NULL,"
	" stix_id TEXT NOT NULL, type TEXT NOT NULL, version TEXT NOT NULL, version_us INTEGER NOT NULL,"
	" tlp INTEGER NOT NULL, marked INTEGER NOT NULL, revoked INTEGER NOT NULL, exercise INTEGER NOT NULL,"
	" at_us INTEGER NOT NULL, events INTEGER NOT NULL, title TEXT NOT NULL, words TEXT NOT NULL,"
	" json TEXT NOT NULL, UNIQUE (stix_id, partner, version_us));"
	"CREATE INDEX exchange_object_type ON exchange_object (type, id);"
	/* taxii_status.failures: JSON list; taken: a row for each lane, how far we have come in his outbox */
	"CREATE TABLE taxii_status (id BLOB PRIMARY KEY, partner BLOB NOT NULL, at_us INTEGER NOT NULL,"
	" total INTEGER NOT NULL, successes INTEGER NOT NULL, failures TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX taxii_status_at ON taxii_status (at_us);"
	"CREATE TABLE taken_upto (partner BLOB NOT NULL, lane INTEGER NOT NULL, upto_us INTEGER NOT NULL,"
	" PRIMARY KEY (partner, lane)) WITHOUT ROWID;"
	/* take_answer.c: each answer once; take_events.c: tags: eight bytes for each event's id there, sorted */
	"CREATE TABLE taken_answer (partner BLOB NOT NULL, id TEXT NOT NULL, PRIMARY KEY (partner, id)) WITHOUT ROWID;"
	"CREATE TABLE taken_events (partner BLOB NOT NULL, report INTEGER NOT NULL, tags BLOB NOT NULL,"
	" PRIMARY KEY (partner, report));"
	/* node/withdrawn.c: erasings after which the findings are made anew */
	"CREATE TABLE taken_back (erasing INTEGER PRIMARY KEY);"
	/* --- exchange: partners --- */
	/* exchange/partner_keys.c: by what partners prove who they are; partner: uuid of the record; pin: SHA-256 of
	 * the certificate's SubjectPublicKeyInfo, sign: Ed25519; state: enum key_state; until_us 0: no end */
	"CREATE TABLE partner_key (id INTEGER PRIMARY KEY, partner BLOB NOT NULL, pin BLOB UNIQUE NOT NULL,"
	" sign BLOB NOT NULL, state INTEGER NOT NULL, since_us INTEGER NOT NULL, until_us INTEGER NOT NULL,"
	" changed_us INTEGER NOT NULL, why TEXT NOT NULL);"
	"CREATE INDEX partner_key_of ON partner_key (partner, id);"
	/* exchange/pairing.c: invitations of ours, each good once; secret: a keyed hash; partner: who used it */
	"CREATE TABLE partner_invite (id INTEGER PRIMARY KEY, secret BLOB UNIQUE NOT NULL, made_us INTEGER NOT NULL,"
	" expires_us INTEGER NOT NULL, by TEXT NOT NULL, used_us INTEGER NOT NULL, partner BLOB);"
	/* --- exchange: the way over, receipts --- */
	/* exchange/line.c: up to which date_added of what we offer a partner has it, by lane (enum lane); what each
	 * of its answers said; how it stands with the line. looked_us: offered up to there nothing more may go;
	 * told_key_us: which next key of ours it knows */
	"CREATE TABLE partner_cursor (partner BLOB, lane INTEGER, out_us INTEGER NOT NULL,"
	" looked_us INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (partner, lane)) WITHOUT ROWID;"
	"CREATE TABLE partner_receipt (id INTEGER PRIMARY KEY, partner BLOB NOT NULL, lane INTEGER NOT NULL,"
	" at_us INTEGER NOT NULL, after_us INTEGER NOT NULL, upto_us INTEGER NOT NULL, objects INTEGER NOT NULL,"
	" failures INTEGER NOT NULL, status TEXT NOT NULL);"
	"CREATE INDEX partner_receipt_of ON partner_receipt (partner, lane, upto_us);"
	"CREATE TABLE partner_line (partner BLOB PRIMARY KEY, success_us INTEGER NOT NULL DEFAULT 0,"
	" try_us INTEGER NOT NULL DEFAULT 0, retry_us INTEGER NOT NULL DEFAULT 0, failure TEXT NOT NULL DEFAULT '',"
	" sent INTEGER NOT NULL DEFAULT 0, received INTEGER NOT NULL DEFAULT 0, bytes_out INTEGER NOT NULL DEFAULT 0,"
	" bytes_in INTEGER NOT NULL DEFAULT 0, rtt_us INTEGER NOT NULL DEFAULT 0, rate INTEGER NOT NULL DEFAULT 0,"
	" told_key_us INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
	/* --- exchange: withdrawal, contributions --- */
	/* exchange/offer.c begins with what comes from now on */
	"INSERT INTO cursor (name, seq) SELECT 'outbox:exchange:events',"
	" max(coalesce((SELECT first_seq + rows - 1 FROM chunk ORDER BY first_seq DESC LIMIT 1), 0),"
	" coalesce((SELECT first_seq + rows - 1 FROM tail ORDER BY first_seq DESC LIMIT 1), 0))"
	" WHERE EXISTS (SELECT 1 FROM chunk) OR EXISTS (SELECT 1 FROM tail);"
	"INSERT INTO cursor (name, seq) SELECT 'outbox:exchange:records', max(id) FROM record_version HAVING count(*) > 0;"
	/* exchange/withdraw.c: what an entry of a withdrawal names, of one collection. seqs: numbers of events, the first
	 * and then the steps between them (LEB128); else item and what it is in STIX. exchange_undone: reports taken
	 * back whose events are still to be withdrawn, up to at_seq */
	"CREATE TABLE exchange_withdrawn (id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" item TEXT NOT NULL, object TEXT NOT NULL, seqs BLOB);"
	"CREATE INDEX exchange_withdrawn_item ON exchange_withdrawn (item, collection) WHERE item <> '';"
	/* route/findings_held.c */
	"CREATE INDEX finding_mark_held ON finding_mark (id) WHERE mark = 3;"
	"CREATE TABLE exchange_undone (report INTEGER PRIMARY KEY, at_seq INTEGER NOT NULL);"
	"CREATE TABLE exchange_answer (id INTEGER PRIMARY KEY AUTOINCREMENT, partner BLOB NOT NULL, item TEXT NOT NULL,"
	" origin TEXT NOT NULL, about TEXT NOT NULL, what TEXT NOT NULL, words TEXT NOT NULL, key TEXT NOT NULL,"
	" at_us INTEGER NOT NULL, tlp INTEGER NOT NULL, UNIQUE (partner, key));"
	/* --- exchange: MISP, TAXII clients --- */
	/* misp_release.c: events of a day, class and marking as they were let out last, at second `stamp`;
	 * how far the events were looked at, and the journal's acts that take some away */
	"CREATE TABLE misp_release (id INTEGER PRIMARY KEY, uuid BLOB UNIQUE NOT NULL, day INTEGER NOT NULL,"
	" type TEXT NOT NULL, tlp INTEGER NOT NULL, part INTEGER NOT NULL, first_seq INTEGER NOT NULL,"
	" last_seq INTEGER NOT NULL, events INTEGER NOT NULL, present INTEGER NOT NULL, stamp INTEGER UNIQUE NOT NULL,"
	" runs BLOB NOT NULL, UNIQUE (day, type, tlp, part));"
	/* misp_seen.c, misp_push.c: what was taken of each source, and how its last look ended; what was sent */
	"CREATE TABLE misp_source (name TEXT PRIMARY KEY, looked_us INTEGER NOT NULL, fine_us INTEGER NOT NULL,"
	" events INTEGER NOT NULL, failure TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE misp_seen (source TEXT, uuid BLOB, stamp INTEGER NOT NULL, tries INTEGER NOT NULL,"
	" failure TEXT NOT NULL, PRIMARY KEY (source, uuid)) WITHOUT ROWID;"
	"CREATE TABLE misp_taken (source TEXT, uuid BLOB, report INTEGER, PRIMARY KEY (source, uuid, report)) WITHOUT ROWID;"
	"CREATE TABLE misp_push (partner BLOB PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE misp_pushed (partner BLOB, uuid BLOB, at_us INTEGER NOT NULL, PRIMARY KEY (partner, uuid))"
	" WITHOUT ROWID;"
	"CREATE TABLE misp_feed (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, act INTEGER NOT NULL,"
	" watch_until_us INTEGER NOT NULL);"
	/* --- notify: answers --- */
	/* answers_follow.c: answers of which findings are still to be marked; behind: the last item that was */
	"CREATE TABLE answer_follow (answer INTEGER PRIMARY KEY, behind TEXT NOT NULL);"
	"PRAGMA user_version = 5;";

static const char version_6[] =
	/* --- exchange: the line, quota --- */
	/* exchange/quota.c: what a partner's quota refused; bytes on the line of a day (days since 1970, UTC) */
	"CREATE TABLE partner_quota (partner BLOB PRIMARY KEY, refused INTEGER NOT NULL DEFAULT 0,"
	" refused_us INTEGER NOT NULL DEFAULT 0, day INTEGER NOT NULL DEFAULT 0, day_bytes INTEGER NOT NULL DEFAULT 0)"
	" WITHOUT ROWID;"
	/* --- exchange: origin, corrections, withdrawal --- */
	/* exchange/withdraw.c: why, and how it is marked: told when the check lets it */
	"ALTER TABLE exchange_withdrawn ADD COLUMN why TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE exchange_withdrawn ADD COLUMN tlp INTEGER NOT NULL DEFAULT 4;"
	/* again: what was withdrawn is given again */
	"ALTER TABLE exchange_withdrawn ADD COLUMN again INTEGER NOT NULL DEFAULT 0;"
	/* again 2: events he never had, that were found later to concern him. route/concern_later.c: which organisations an
	 * event concerns beside its list */
	"CREATE TABLE concerned_later (seq INTEGER NOT NULL, org INTEGER NOT NULL, report INTEGER NOT NULL,"
	" PRIMARY KEY (seq, org)) WITHOUT ROWID;"
	"CREATE INDEX concerned_later_report ON concerned_later (report, seq);"
	/* exchange/line.c: what failed of fetching, as failure and retry_us of sending */
	"ALTER TABLE partner_line ADD COLUMN fetch_failure TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE partner_line ADD COLUMN fetch_retry_us INTEGER NOT NULL DEFAULT 0;"
	/* exchange/withdraw_held.c: findings held back whose events are withdrawn */
	"CREATE TABLE exchange_held (finding BLOB PRIMARY KEY) WITHOUT ROWID;"
	"ALTER TABLE exchange_undone ADD COLUMN why TEXT NOT NULL DEFAULT '';"
	/* take_withdrawn.c: what its origin took back, and what it said of it; node: the origin */
	"CREATE TABLE taken_withdrawn (node BLOB NOT NULL, item TEXT NOT NULL, partner BLOB NOT NULL, at_us INTEGER NOT NULL,"
	" taken_us INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY (node, item)) WITHOUT ROWID;"
	"CREATE INDEX taken_withdrawn_item ON taken_withdrawn (item);"
	/* take_once.c: hour: of time.source; tag: of origin and id; sum: of the content */
	"CREATE TABLE taken_once (hour INTEGER NOT NULL, tag INTEGER NOT NULL, report INTEGER NOT NULL, sum INTEGER NOT NULL,"
	" PRIMARY KEY (hour, tag)) WITHOUT ROWID;"
	/* --- exchange: working together --- */
	/* --- exchange: objects of others --- */
	/* exchange/object_index.c: keys of exchange_object in runs, made into longer ones: tag: tag8(stix_id); one index over
	 * all of them would change a page for each object that comes. shared: another row may have the same stix_id */
	"CREATE TABLE exchange_object_6 (id INTEGER PRIMARY KEY AUTOINCREMENT, partner BLOB NOT NULL,"
	" stix_id TEXT NOT NULL, tag INTEGER NOT NULL, type TEXT NOT NULL, version TEXT NOT NULL, version_us INTEGER NOT NULL,"
	" tlp INTEGER NOT NULL, marked INTEGER NOT NULL, revoked INTEGER NOT NULL, exercise INTEGER NOT NULL,"
	" at_us INTEGER NOT NULL, events INTEGER NOT NULL, title TEXT NOT NULL, words TEXT NOT NULL,"
	" json TEXT NOT NULL, shared INTEGER NOT NULL);"
	"INSERT INTO exchange_object_6 SELECT id, partner, stix_id, tag8(stix_id), type, version, version_us, tlp, marked, revoked,"
	" exercise, at_us, events, title, words, json, 1 FROM exchange_object ORDER BY id;"
	"DELETE FROM sqlite_sequence WHERE name = 'exchange_object_6';"
	"INSERT INTO sqlite_sequence (name, seq) SELECT 'exchange_object_6', seq FROM sqlite_sequence WHERE name = 'exchange_object';"
	"DROP TABLE exchange_object;"
	"ALTER TABLE exchange_object_6 RENAME TO exchange_object;"
	"CREATE INDEX exchange_object_type ON exchange_object (type, id);"
	"CREATE TABLE exchange_object_key (run INTEGER, tag INTEGER, version_us INTEGER, object INTEGER,"
	" PRIMARY KEY (run, tag, version_us, object)) WITHOUT ROWID;"
	"CREATE TABLE exchange_object_run (run INTEGER PRIMARY KEY, state INTEGER NOT NULL, target INTEGER NOT NULL,"
	" upto INTEGER NOT NULL);"
	"CREATE TABLE exchange_object_filter (run INTEGER PRIMARY KEY, bits BLOB NOT NULL);"
	"INSERT INTO exchange_object_run (run, state, target, upto) VALUES (0, 0, 0, 0);"
	"INSERT INTO exchange_object_run (run, state, target, upto) SELECT 1 << 40, 1, 0, 0 WHERE EXISTS"
	" (SELECT 1 FROM exchange_object);"
	"INSERT INTO exchange_object_key (run, tag, version_us, object) SELECT 1 << 40, tag, version_us, id FROM exchange_object"
	" ORDER BY tag, version_us, id;"
	/* --- exchange: TAXII servers we call --- */
	/* exchange/offer_objects.c begins with what comes from now on */
	"INSERT INTO cursor (name, seq) SELECT 'outbox:exchange:objects', max(id) FROM exchange_object HAVING count(*) > 0;"
	/* exchange/taxii_fetch.c: how far we are in each collection of a partner's server, as the server says it (after, next,
	 * last); skew_us: its clock less ours then; note: what is odd there, in words */
	"CREATE TABLE taxii_place (partner BLOB, collection TEXT, after TEXT NOT NULL, next TEXT NOT NULL, last TEXT NOT NULL,"
	" skew_us INTEGER NOT NULL, note TEXT NOT NULL, PRIMARY KEY (partner, collection)) WITHOUT ROWID;"
	/* --- exchange: keys of partners --- */
	/* exchange/partner_keys.c: revocations that a second person confirmed, where the team asks for two */
	"CREATE TABLE partner_key_final (key INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, by TEXT NOT NULL);"
	"PRAGMA user_version = 6;";

const char *const store_migrations[] = { version_1, version_2, version_3, version_4, version_5, version_6 };
const int store_version = (int)COUNT_OF(store_migrations);
