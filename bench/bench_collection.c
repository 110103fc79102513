/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of a partner's collection, however much stands before them; and what offering costs.
 * bench-collection [foreign] [NUMBER]...: makes so many events in a folder of its own, one in ten about the partner; or so
 * many objects of another partner, all of them offered, with their keys as they stand when the background is done. */
#include <stdlib.h>
#include <time.h>

#include "base/test_dir.h"
#include "disclosure/told_partner.h"
#include "exchange/exchange_private.h"
#include "exchange/offer.h"
#include "store/events.h"

enum { ORG = 7, ROUNDS = 200 };
static const struct uuid house = { { 0xc, 1 } };
#define HOUSE "organisation--0c010000-0000-0000-0000-000000000000"
static const char *const roles[] = { "viewer", "analyst", "duty", "lead", "liaison", "protection", "auditor",
				     "administrator", "constituent", NULL };

static struct err err;

static void must(enum rc rc)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "bench-collection: %s\n", err.text);
	exit(1);
}

struct bench {
	struct test_dir dir;
	struct exchange x;
	struct snapshot *types;
	struct arena *a;
	struct uuid partner;
};

static void free_types(void *t)
{
	types_free(t);
}

/* --- somebody to offer to --- */

struct putting {
	struct bench *b;
	struct record_change c;
	struct record out;
};

static enum rc put_job(struct tx *tx, void *ctx, struct err *e)
{
	struct putting *p = ctx;
	struct body_error errors[8];
	size_t count;
	return record_put(tx, p->b->x.w.records, &p->c, p->b->a, &p->out, errors, COUNT_OF(errors), &count, e);
}

static struct uuid put(struct bench *b, const char *type, const char *fields, const char *state)
{
	struct snapshot_ref *ref = snapshot_hold(b->types);
	const struct type *t = types_find(snapshot_table(ref), str_of(type));
	struct putting p = { .b = b, .c = { .type = t, .fields = str_of(fields), .to_state = type_state(t, str_of(state)),
					    .actor = STR("unix:0"), .labels = STR_NONE, .why = STR_NONE } };
	must(store_write(b->x.w.store, put_job, &p, &err));
	snapshot_drop(b->types, ref);
	return p.out.id;
}

static enum rc org_job(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO org (id, name, folded, kind, country, sector, timezone, changed_us, record)"
					 " VALUES (7, 'c', 'c', '', '', '', '', 0, ?)");
	(void)ctx;
	sql_blob(q, 1, str_mem(house.b, sizeof house.b));
	return sql_run(q, e);
}

static void bench_new(struct bench *b)
{
	const struct policy_sources from = { .roles = STR("roles"), .public_k = 5 };
	struct types *types = NULL;
	*b = (struct bench){ .dir = test_dir_new(), .types = snapshot_new(free_types), .a = arena_new(KIB(64)) };
	must(hash_init(&err));
	must(types_load(NULL, roles, &types, &err));
	snapshot_swap(b->types, types);
	must(store_create(b->dir.path, "Team A", "ID", &err));
	b->x.w.types = b->types;
	must(store_open(b->dir.path, NULL, NULL, &b->x.w.store, &err));
	must(journal_open(b->x.w.store, &b->x.w.journal, &err));
	must(records_open(b->x.w.store, b->x.w.journal, b->types, &b->x.w.records, &err));
	must(policies_open(b->x.w.store, b->x.w.records, &from, &b->x.w.policies, &err));
	must(offer_open(&b->x, &err));
	must(store_write(b->x.w.store, org_job, NULL, &err));
	b->partner = put(b, "partner", "{\"name\":\"Team C\",\"kind\":\"node\",\"organisation\":\"" HOUSE "\"}", "active");
	(void)put(b, "agreement", "{\"title\":\"x\",\"kind\":\"treaty\",\"parties\":[\"" HOUSE "\"],\"flows\":[\"findings\",\"indicators\"],"
				  "\"tlp_ceiling\":\"AMBER\",\"from\":\"2020-01-01\"}", "in-force");
}

static void bench_end(struct bench *b)
{
	offer_close(&b->x);
	policies_close(b->x.w.policies);
	records_close(b->x.w.records);
	journal_close(b->x.w.journal);
	store_close(b->x.w.store);
	snapshot_free(b->types);
	arena_free(b->a);
	test_dir_end(&b->dir);
}

/* --- events --- */

struct delivery {
	struct event_chunk *chunk;
	uint64_t first;
};

static enum rc deliver_job(struct tx *tx, void *ctx, struct err *e)
{
	struct delivery *d = ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO report (id, feed, state, received_us, digest, bytes, format,"
					 " file_name, type, parser_version, next_offset, next_input, inputs, accepted, events, repeats,"
					 " quarantined, dropped, blank, parse_us, words, exercise) VALUES (1, 1, 2, ?1, x'00', 0, '', '',"
					 " '', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 0)");
	sql_int(q, 1, tx_now_us(tx));
	enum rc rc = sql_run(q, e);
	return rc == RC_OK ? event_chunk_commit(tx, d->chunk, &d->first, e) : rc;
}

static void fill(struct batch *b, uint64_t at)
{
	static const char *const types[] = { "infected-system", "scanner", "vulnerable-system", "phishing" };
	for (uint32_t i = 0; i < BATCH_ROWS; i++) {
		uint64_t n = at + i;
		struct ip ip = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 18, (uint8_t)(n >> 8), (uint8_t)n } };
		char text[40];
		batch_row_begin(b, i + 1, 0, 0, 1);
		batch_set_ip(b, FIELD_SOURCE_IP, &ip);
		batch_set_int(b, FIELD_SOURCE_PORT, STR_NONE, (int64_t)(1024 + n % 60000));
		batch_set_int(b, FIELD_SOURCE_ASN, STR_NONE, 64500);
		batch_set_text(b, FIELD_CLASSIFICATION_TYPE, STR_NONE, str_of(types[n % 4]));
		snprintf(text, sizeof text, "host-%llu.example.org", (unsigned long long)(n % 5000));
		batch_set_text(b, FIELD_SOURCE_FQDN, STR_NONE, str_of(text));
		batch_set_text(b, FIELD_MALWARE_NAME, STR_NONE, STR("andromeda"));
		batch_set_text(b, FIELD_FEED_NAME, STR_NONE, STR("bench"));
		snprintf(text, sizeof text, "%d 1 network", n % 10 ? (int)(10 + n % 10) : ORG);
		batch_set_text(b, FIELD_RONDA_CONCERNS, STR_NONE, str_of(text));
		batch_set_time(b, FIELD_TIME_SOURCE, (1700000000 + (int64_t)n / 100) * SECOND_US);
		batch_set_int(b, FIELD_TLP, STR_NONE, TLP_GREEN);
		must(batch_row_end(b, &err));
	}
}

static void make_events(struct bench *b, uint64_t from, uint64_t upto)
{
	const struct report r = { .id = 1, .feed = 1, .received_us = clock_now_us() };
	for (uint64_t at = from; at < upto; at += BATCH_ROWS) {
		struct batch *batch = batch_new();
		struct delivery d = { .first = 0 };
		fill(batch, at);
		must(event_chunk_new(batch, &r, NULL, &d.chunk, &err));
		must(store_write(b->x.w.store, deliver_job, &d, &err));
		event_chunk_free(d.chunk);
		batch_free(batch);
	}
}

/* --- objects of others --- */

struct objects {
	struct uuid partner;
	int64_t collection, at_us, from, upto, all;
};

static enum rc run_over(struct sql *q, const struct objects *o, struct err *e)
{
	sql_int(q, 1, o->from);
	sql_int(q, 2, o->upto);
	return sql_run(q, e);
}

/* Numbered from..upto. Tags are spread over a run, as digests are (exchange/object_index.h). */
static enum rc objects_job(struct tx *tx, void *ctx, struct err *e)
{
	struct objects *o = ctx;
	struct conn *c = tx_conn(tx);
	struct sql *q = sql(c, "WITH RECURSIVE n(id) AS (SELECT ?1 UNION ALL SELECT id + 1 FROM n WHERE id < ?2), t AS (SELECT id, CASE"
			       " WHEN id <= (?3 >> 21 << 21) THEN 21 WHEN id <= (?3 >> 17 << 17) THEN 17 ELSE 13 END AS bits FROM n)"
			       " INSERT INTO exchange_object (id, partner, stix_id, type, version, version_us, tlp, marked, revoked,"
			       " exercise, at_us, events, title, words, json, shared, tag) SELECT id, x'0D020000000000000000000000000000',"
			       " printf('malware--00000000-0000-4000-8000-%012x', id), 'malware', '2026-11-22T09:00:00.000Z',"
			       " 1795338000000000, 1, 0, 0, 0, 1795338000000000, 0, 'Made up', '',"
			       " printf('{\"type\":\"malware\",\"spec_version\":\"2.1\",\"id\":\"malware--00000000-0000-4000-8000-%012x\","
			       "\"created\":\"2026-11-22T09:00:00.000Z\",\"modified\":\"2026-11-22T09:00:00.000Z\",\"name\":\"Made up\","
			       "\"is_family\":false}', id), 0, -9223372036854775808 + (id - 1 & (1 << bits) - 1) * (1 << 64 - bits) FROM t");
	sql_int(q, 3, o->all);
	enum rc rc = run_over(q, o, e);
	if (rc == RC_OK) {
		q = sql(c, "INSERT INTO exchange_object_key (run, tag, version_us, object) SELECT CASE WHEN id <= (?3 >> 21 << 21) THEN"
			   " (2 << 40) + (id - 1 >> 21 << 21) WHEN id <= (?3 >> 17 << 17) THEN (1 << 40) + (id - 1 >> 17 << 17)"
			   " ELSE id - 1 >> 13 << 13 END, tag, version_us, id FROM exchange_object WHERE id BETWEEN ?1 AND ?2");
		sql_int(q, 3, o->all);
		rc = run_over(q, o, e);
	}
	if (rc == RC_OK) {
		q = sql(c, "INSERT INTO collection_entry (collection, added_us, kind, lane, first, last, count) SELECT ?3, ?4 + id * 16,"
			   " 4, 2, id, id, 1 FROM exchange_object WHERE id BETWEEN ?1 AND ?2");
		_Static_assert(ENTRY_OBJECT == 4 && LANE_BULK == 2 && ENTRY_STEP == 16, "as the statement says");
		sql_int(q, 3, o->collection);
		sql_int(q, 4, o->at_us);
		rc = run_over(q, o, e);
	}
	return rc;
}

static enum rc place_job(struct tx *tx, void *ctx, struct err *e)
{
	struct objects *o = ctx;
	struct collection k;
	struct arena *a = arena_new(KIB(4));
	enum rc rc = collection_of(tx, COLLECTION_OUT, o->partner, STR("Team C"), a, &k, e);
	arena_free(a);
	o->collection = k.id;
	o->at_us = k.last_us + 1;
	return rc;
}

static enum rc end_job(struct tx *tx, void *ctx, struct err *e)
{
	struct objects *o = ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE collection SET last_us = ?2 WHERE id = ?1");
	sql_int(q, 1, o->collection);
	sql_int(q, 2, o->at_us + o->all * ENTRY_STEP + ENTRY_STEP - 1);
	enum rc rc = sql_run(q, e);
	return rc != RC_OK ? rc : sql_run(sql(tx_conn(tx), "INSERT OR REPLACE INTO exchange_object_run (run, state, target, upto)"
							   " SELECT DISTINCT run, 1, 0, 0 FROM exchange_object_key"), e);
}

static void make_objects(struct bench *b, uint64_t all)
{
	struct objects at = { .partner = b->partner, .all = (int64_t)all };
	must(store_write(b->x.w.store, place_job, &at, &err));
	for (at.from = 1; at.from <= at.all; at.from = at.upto + 1) {
		at.upto = at.from + 99999 < at.all ? at.from + 99999 : at.all;
		must(store_write(b->x.w.store, objects_job, &at, &err));
	}
	must(store_write(b->x.w.store, end_job, &at, &err));
}

/* --- measuring --- */

static bool take(void *ctx, const struct page_object *o)
{
	size_t *bytes = ctx;
	*bytes += o->json.n;
	return true;
}

/* Pages of 100 objects a second of one processor, from a place in the collection (in thousandths of it). */
enum shape { WHOLE, CARRIERS, FLAT }; /* for any reader; for a ronda, as STIX and without */
static double pages(struct bench *b, int thousandth, enum shape shape, size_t *bytes)
{
	struct reader *r;
	struct collection c;
	struct told_to to;
	struct entry first;
	bool found;
	int64_t start = clock_mono_us();
	clock_t used = clock(); /* of one processor, whatever else it does */
	size_t given = 0;
	int rounds = 0;
	for (; rounds < ROUNDS && clock_mono_us() - start < 10 * SECOND_US; rounds++) {
		struct page_end end;
		must(store_read_begin(b->x.w.store, &r, &err));
		must(collection_of_partner(reader_conn(r), COLLECTION_OUT, b->partner, b->a, &c, &err));
		must(told_partner(r, b->x.w.policies, house, STR("partner-c"), false, &to, &err));
		must(entry_after(reader_conn(r), c.id, LANE_BULK, 0, &first, &found, &err));
		const struct page_query q = { .after_us = first.added_us + (c.last_us - first.added_us) / 1000 * thousandth,
					      .lane = -1, .carriers = shape != WHOLE, .flat = shape == FLAT, .limit = 100 };
		must(collection_page(&b->x, r, &c, &to, &q, take, &given, &end, &err));
		store_read_end(r);
	}
	*bytes = given / (size_t)rounds;
	return rounds / ((double)(clock() - used) / CLOCKS_PER_SEC);
}

static void measure(struct bench *b, uint64_t number, const char *what)
{
	static const int places[] = { 0, 500, 950 };
	size_t bytes;
	printf("%10llu %s:", (unsigned long long)number, what);
	static const char *const names[] = { [WHOLE] = "pages ", [CARRIERS] = "| carriers ", [FLAT] = "| flat " };
	for (enum shape shape = WHOLE; shape <= (what[0] == 'e' ? FLAT : WHOLE); shape++)
		for (size_t i = 0; i < COUNT_OF(places); i++) {
			double speed = pages(b, places[i], shape, &bytes);
			printf(" %s%d%% %.0f/s (%zu B)", i ? "" : names[shape], places[i] / 10, speed, bytes);
		}
	printf("\n");
}

static int foreign(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		struct bench b;
		uint64_t all;
		if (!str_to_u64(str_of(argv[i]), &all) || all == 0)
			return fprintf(stderr, "bench-collection foreign [NUMBER]...\n"), 1;
		bench_new(&b);
		make_objects(&b, all);
		measure(&b, all, "objects of others");
		bench_end(&b);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && str_eq(str_of(argv[1]), STR("foreign")))
		return foreign(argc, argv);
	static const char *const usual[] = { "10000", "100000", "1000000" };
	struct bench b;
	uint64_t have = 0;
	bench_new(&b);
	for (int i = 0; i < (argc > 1 ? argc - 1 : (int)COUNT_OF(usual)); i++) {
		uint64_t want;
		if (!str_to_u64(str_of(argc > 1 ? argv[i + 1] : usual[i]), &want) || want <= have)
			return fprintf(stderr, "bench-collection [EVENTS]..., growing\n"), 1;
		want = (want + BATCH_ROWS - 1) / BATCH_ROWS * BATCH_ROWS;
		make_events(&b, have, want);
		int64_t start = clock_mono_us();
		for (bool did = true; did;)
			must(offer_look(&b.x, &did, &err));
		double seconds = (double)(clock_mono_us() - start) / (double)SECOND_US;
		printf("offering: %.2f M events/s\n", (double)(want - have) / seconds / 1e6);
		have = want;
		measure(&b, have, "events");
	}
	bench_end(&b);
	return 0;
}
