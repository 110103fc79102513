/* SPDX-License-Identifier: Apache-2.0 */
/* The power goes, or one call to the machine fails: what was acknowledged is
 * there once, nothing is there in half. A run is recorded; the directory is then
 * rebuilt as it may stand after a cut at many points, opened and looked through. */
#include "base/test.h"

#include <errno.h>

#include "base/arena.h"
#include "base/io_trace.h"
#include "base/test_dir.h"
#include "record/journal.h"
#include "store/quarantine.h"
#include "store/upkeep.h"

static struct err err;

#ifdef RONDA_SANITIZED
enum { CUTS = 60, FAIL_STEP = 4 };
#else
enum { CUTS = 216, FAIL_STEP = 1 };
#endif
enum { DELIVERIES = 24, ROUND = 3 };

/* --- the run that is recorded --- */

/* One delivery: its bytes, then its events, quarantine and journal line. */
struct delivery {
	int number;
	size_t bytes;
	uint32_t rows, rejects;
	struct digest digest;
	struct report r;
	bool received, committed; /* acknowledged */
	struct batch *b;
	struct event_chunk *chunk;
	struct journal *j;
};

static struct delivery made_up(int number)
{
	static const size_t bytes[] = { 40, 3000, 300000, 0, 90000, 700000 };
	static const uint32_t rows[] = { 3, 600, 1, 0, 700, 40 };
	struct delivery d = { .number = number,
			      .bytes = bytes[number % 6] + (size_t)number,
			      .rows = rows[(number / 2) % 6],
			      .rejects = (uint32_t)number % 4 };
	return d;
}

static void fill(char *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		p[i] = (char)('a' + (seed >> 59));
	}
}

static enum rc receive(struct store *s, struct delivery *d)
{
	struct raw_intake *in;
	bool known;
	char *p = x_alloc(d->bytes + 1);
	fill(p, d->bytes, (uint64_t)d->number + 1);
	d->digest = sha256(str_mem(p, d->bytes));
	d->r = (struct report){ .feed = 1 };
	enum rc rc = raw_begin(s, &in, &err);
	if (rc == RC_OK) {
		(void)!raw_add(in, str_mem(p, d->bytes), &err); /* the error sticks */
		rc = report_received(in, &d->r, &known, &err);
	}
	free(p);
	return rc;
}

static void make_batch(struct delivery *d)
{
	char host[64];
	batch_reset(d->b);
	for (uint32_t i = 0; i < d->rows; i++) {
		snprintf(host, sizeof(host), "h%u.d%d.example.org", (unsigned)i, d->number);
		batch_row_begin(d->b, i + 1, i, 1, i + 1);
		batch_set_text(d->b, FIELD_CLASSIFICATION_TYPE, STR_NONE, STR("scanner"));
		batch_set_text(d->b, FIELD_SOURCE_FQDN, STR_NONE, str_of(host));
		CHECK_RC(batch_row_end(d->b, &err), RC_OK, err);
	}
	/* long ones, so that the log of main.db is folded in along the way */
	static const char bad[60000] = { 'x' };
	for (uint32_t i = 0; i < d->rejects; i++)
		batch_reject(d->b, REJECT_FIELD, d->rows + i + 1, i, str_mem(bad, sizeof(bad)), i,
			     "wrong");
}

static enum rc commit_job(struct tx *tx, void *ctx, struct err *e)
{
	struct delivery *d = ctx;
	char object[32];
	uint64_t first;
	snprintf(object, sizeof(object), "report:%lld", (long long)d->r.id);
	struct journal_act act = {
		.act = "intake", .actor = STR("node"), .object = str_of(object), .count = d->rows
	};
	d->r.state = REPORT_DONE;
	d->r.counts.events = d->rows;
	enum rc rc = event_chunk_commit(tx, d->chunk, &first, e);
	if (rc == RC_OK)
		rc = quarantine_commit(tx, &d->r, d->b, e);
	if (rc == RC_OK)
		rc = report_save(tx, &d->r, e);
	return rc == RC_OK ? journal_add(tx, d->j, &act, e) : rc;
}

/* Leaves work behind it and then changes its mind. */
static enum rc change_mind(struct tx *tx, void *ctx, struct err *e)
{
	struct place at;
	struct report r = *(struct report *)ctx;
	(void)!tx_append(tx, SEGMENT_EVENTS, time_day(tx_now_us(tx)), STR("never named"), &at, e);
	r.counts.dropped = 77;
	(void)!report_save(tx, &r, e);
	return fail(e, RC_INPUT, "no");
}

/* The deliveries of one round are committed side by side, with a job that fails
 * among them. Each acknowledgement is marked in the trace, when there is one. */
static void deliver_round(struct store *s, struct journal *j, struct delivery *d, int n,
			  struct io_trace *t, uint64_t *acks)
{
	struct store_job job[ROUND + 1];
	bool ready[ROUND] = { false };
	for (int i = 0; i < n; i++) {
		d[i].received = receive(s, &d[i]) == RC_OK;
		if (d[i].received && t)
			io_trace_mark(t, ++*acks);
		d[i].j = j;
		d[i].b = batch_new();
		make_batch(&d[i]);
		ready[i] = d[i].received &&
			   event_chunk_new(d[i].b, &d[i].r, NULL, &d[i].chunk, &err) == RC_OK;
	}
	for (int i = 0; i < n; i++) {
		job[i] = (struct store_job){ .fn = commit_job, .ctx = &d[i], .bytes = 1000 };
		if (ready[i])
			store_submit(s, &job[i]);
	}
	struct report mind = d[0].r;
	job[ROUND] = (struct store_job){ .fn = change_mind, .ctx = &mind };
	store_submit(s, &job[ROUND]);
	for (int i = 0; i < n; i++) {
		d[i].committed = ready[i] && store_wait(s, &job[i], &err) == RC_OK;
		if (d[i].committed && t)
			io_trace_mark(t, ++*acks);
		event_chunk_free(d[i].chunk);
		batch_free(d[i].b);
	}
	CHECK(store_wait(s, &job[ROUND], &err) != RC_OK);
}

/* --- what must hold afterwards --- */

static int64_t number(struct conn *c, const char *literal, int64_t id)
{
	struct sql *q = sql(c, literal);
	sql_int(q, 1, id);
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	return n;
}

/* The id of the report with those bytes; 0: none, -1: several. */
static int64_t find_report(struct conn *c, const struct delivery *d)
{
	struct sql *q = sql(c, "SELECT count(*), max(id) FROM report WHERE digest = ?");
	sql_blob(q, 1, str_mem(d->digest.b, sizeof(d->digest.b)));
	int64_t id = 0;
	if (sql_row(q) && sql_col_int(q, 0))
		id = sql_col_int(q, 0) == 1 ? sql_col_int(q, 1) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	return id;
}

static void check_delivery(struct conn *c, const struct delivery *d, bool received, bool committed,
			   const char *where)
{
	int64_t id = find_report(c, d);
	CHECK_MSG(id >= 0, "%s: delivery %d is there twice", where, d->number);
	CHECK_MSG(!received || id > 0, "%s: delivery %d was acknowledged and is gone", where,
		  d->number);
	if (id <= 0) {
		CHECK_MSG(!committed, "%s: delivery %d was committed and is gone", where,
			  d->number);
		return;
	}
	struct report r;
	CHECK_RC(report_load(c, id, &r, &err), RC_OK, err);
	bool done = r.state == REPORT_DONE;
	CHECK_MSG(done || !committed, "%s: delivery %d was committed and is not", where, d->number);
	int64_t events =
		number(c,
		       "SELECT (SELECT coalesce(sum(rows), 0) FROM chunk WHERE report = ?1)"
		       " + (SELECT coalesce(sum(rows), 0) FROM tail WHERE report = ?1)",
		       id);
	int64_t bad = number(c, "SELECT count(*) FROM quarantine WHERE report = ?", id);
	int64_t lines = number(c, "SELECT count(*) FROM journal WHERE object = 'report:' || ?", id);
	CHECK_MSG(events == (done ? d->rows : 0) && bad == (done ? d->rejects : 0) &&
			  lines == (done ? 1 : 0) && r.counts.dropped == 0,
		  "%s: delivery %d is there in part: %lld events, %lld bad, %lld lines, done %d",
		  where, d->number, (long long)events, (long long)bad, (long long)lines, done);
}

static void say(void *ctx, const char *sentence)
{
	printf("# %s: %s\n", (const char *)ctx, sentence);
}

/* Opens what is left, looks at everything, and goes on working with it. `acks`
 * were given; `created`: also the store itself was. */
static void check_store(const char *path, const struct delivery *d, int n, uint64_t acks,
			bool created, const char *where)
{
	struct store *s;
	struct reader *r;
	struct journal_check k;
	struct verify_result v;
	struct journal *j;
	enum rc rc = store_open(path, NULL, NULL, &s, &err);
	if (!created && rc == RC_ABSENT) {
		/* the creation never ended: it can be done again */
		CHECK_RC(store_create(path, "Team B", "ID", &err), RC_OK, err);
		rc = store_open(path, NULL, NULL, &s, &err);
	}
	CHECK_MSG(rc == RC_OK, "%s: %s", where, err.text);
	if (rc != RC_OK)
		return;
	char ctx[128];
	snprintf(ctx, sizeof(ctx), "%s", where);
	CHECK_RC(store_verify(s, say, ctx, NULL, &v, &err), RC_OK, err);
	CHECK_MSG(v.damaged == 0, "%s: damaged", where);
	CHECK_RC(store_read_begin(s, &r, &err), RC_OK, err);
	CHECK_RC(journal_verify(reader_conn(r), STR_NONE, &k, &err), RC_OK, err);
	CHECK_MSG(k.first_bad == 0, "%s: journal line %llu: %s", where,
		  (unsigned long long)k.first_bad, k.words);
	/* acknowledgements come in a fixed order: each round first receives all */
	for (int i = 0; i < n; i++) {
		uint64_t before = (uint64_t)(i / ROUND) * 2 * ROUND, place = (uint64_t)(i % ROUND);
		bool received = acks ? acks > before + place : d[i].received;
		bool committed = acks ? acks > before + ROUND + place : d[i].committed;
		if (created && acks == 0) {
			received = d[i].received;
			committed = d[i].committed;
		}
		check_delivery(reader_conn(r), &d[i], received, committed, where);
	}
	store_read_end(r);
	rc = journal_open(s, &j, &err);
	CHECK_RC(rc, RC_OK, err);
	if (rc == RC_OK) {
		struct delivery more = made_up(1000);
		uint64_t none = 0;
		deliver_round(s, j, &more, 1, NULL, &none);
		CHECK_MSG(more.committed, "%s: cannot go on: %s", where, err.text);
		journal_close(j);
	}
	store_close(s);
}

TEST(power_cuts)
{
	struct test_dir d = test_dir_new(), cut = test_dir_new();
	struct io_trace *t = io_trace_begin(d.path);
	struct delivery deliveries[DELIVERIES];
	struct store *s;
	struct journal *j;
	uint64_t acks = 0;
	CHECK_RC(store_create(d.path, "Team B", "ID", &err), RC_OK, err);
	size_t created = io_trace_events(t);
	CHECK_RC(store_open(d.path, NULL, NULL, &s, &err), RC_OK, err);
	CHECK_RC(journal_open(s, &j, &err), RC_OK, err);
	for (int i = 0; i < DELIVERIES; i += ROUND) {
		for (int k = 0; k < ROUND; k++)
			deliveries[i + k] = made_up(i + k);
		deliver_round(s, j, &deliveries[i], ROUND, t, &acks);
	}
	CHECK_INT(acks, 2 * DELIVERIES);
	journal_close(j);
	store_close(s);
	io_trace_stop(t);
	size_t all = io_trace_events(t);
	printf("# %zu events, %d cuts\n", all, CUTS);
	for (size_t i = 0; i <= CUTS && test_failures < 20; i++) {
		char path[512], where[64];
		uint64_t highest;
		size_t n = all * i / CUTS;
		enum io_cut how = (enum io_cut)(i % IO_CUTS);
		snprintf(where, sizeof(where), "cut %zu at event %zu, kind %u", i, n,
			 (unsigned)how);
		test_dir_in(&cut, path, "store");
		CHECK_RC(io_trace_rebuild(t, n, how, i, path, &err), RC_OK, err);
		(void)io_trace_marks(t, n, &highest);
		for (int k = 0; k < DELIVERIES && highest == 0; k++)
			deliveries[k].received = deliveries[k].committed = false;
		check_store(path, deliveries, DELIVERIES, highest, n >= created, where);
		test_dir_remove_path(path);
	}
	io_trace_free(t);
	test_dir_end(&cut);
	test_dir_end(&d);
}

/* --- forgetting under a hold --- */

static enum rc hold_second(struct tx *tx, void *ctx, struct err *e)
{
	return hold_set(tx, STR("report 2"), STR("court order"), STR("unix:0"), ctx, e);
}

static void check_forgotten(const char *path, bool finished, const char *where)
{
	struct store *s;
	struct reader *r;
	struct verify_result v;
	char ctx[128];
	snprintf(ctx, sizeof(ctx), "%s", where);
	CHECK_RC(store_open(path, NULL, NULL, &s, &err), RC_OK, err);
	CHECK_RC(store_verify(s, say, ctx, NULL, &v, &err), RC_OK, err);
	CHECK_MSG(v.damaged == 0, "%s: damaged", where);
	CHECK_RC(store_read_begin(s, &r, &err), RC_OK, err);
	int64_t held = number(reader_conn(r),
			      "SELECT coalesce(sum(rows), 0) FROM chunk"
			      " WHERE report = 2 AND ? > 0",
			      1);
	CHECK_MSG(held == 700, "%s: %lld events under hold", where, (long long)held);
	int64_t parts = number(reader_conn(r), "SELECT count(*) FROM raw WHERE report = ?", 2);
	CHECK_MSG(parts == 2, "%s: %lld parts under hold", where, (long long)parts);
	store_read_end(r);
	struct forget_result f;
	CHECK_RC(store_forget(s, time_day(clock_now_us()) + 1, false, &f, &err), RC_OK, err);
	CHECK_MSG(f.held_events == 700 && (!finished || f.events == 0),
		  "%s: %llu held, %llu forgotten", where, (unsigned long long)f.held_events,
		  (unsigned long long)f.events);
	CHECK_RC(store_verify(s, say, ctx, NULL, &v, &err), RC_OK, err);
	CHECK_MSG(v.damaged == 0 && v.rows == 700, "%s: %llu events left", where,
		  (unsigned long long)v.rows);
	store_close(s);
}

TEST(power_cuts_while_forgetting)
{
	struct test_dir d = test_dir_new(), cut = test_dir_new();
	struct io_trace *t = io_trace_begin(d.path);
	struct delivery one[ROUND];
	struct store *s;
	struct journal *j;
	struct forget_result f;
	int64_t id;
	uint64_t acks = 0;
	CHECK_RC(store_create(d.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(d.path, NULL, NULL, &s, &err), RC_OK, err);
	CHECK_RC(journal_open(s, &j, &err), RC_OK, err);
	for (int i = 0; i < ROUND; i++) {
		one[i] = made_up(i);
		one[i].bytes = 300000 + (size_t)i;
		one[i].rows = i == 1 ? 700 : 600;
	}
	deliver_round(s, j, one, ROUND, t, &acks);
	CHECK_RC(store_write(s, hold_second, &id, &err), RC_OK, err);
	size_t from = io_trace_events(t);
	CHECK_RC(store_forget(s, time_day(clock_now_us()) + 1, false, &f, &err), RC_OK, err);
	size_t until = io_trace_events(t);
	journal_close(j);
	store_close(s);
	io_trace_stop(t);
	for (size_t n = from; n <= until && test_failures < 20; n++) {
		char path[512], where[64];
		enum io_cut how = (enum io_cut)(n % IO_CUTS);
		snprintf(where, sizeof(where), "forgetting, event %zu, kind %u", n - from,
			 (unsigned)how);
		test_dir_in(&cut, path, "store");
		CHECK_RC(io_trace_rebuild(t, n, how, n, path, &err), RC_OK, err);
		check_forgotten(path, n == until && how == IO_CUT_KEEP, where);
		test_dir_remove_path(path);
	}
	printf("# %zu cuts\n", until - from + 1);
	io_trace_free(t);
	test_dir_end(&cut);
	test_dir_end(&d);
}

/* --- one call fails --- */

struct attempt {
	bool created;
	struct delivery d[ROUND];
};

/* Everything a store does, in small; stops where it must. */
static void attempt(const char *path, struct attempt *a)
{
	struct store *s;
	struct journal *j;
	struct forget_result f;
	uint64_t acks = 0;
	*a = (struct attempt){ 0 };
	for (int i = 0; i < ROUND; i++) {
		a->d[i] = made_up(i);
		a->d[i].bytes = 1000 + (size_t)i;
		char p[1100];
		fill(p, a->d[i].bytes, (uint64_t)i + 1);
		a->d[i].digest = sha256(str_mem(p, a->d[i].bytes));
		a->d[i].rows = i ? 10 : 520;
		a->d[i].rejects = 0;
	}
	a->created = store_create(path, "Team B", "ID", &err) == RC_OK;
	if (store_open(path, NULL, NULL, &s, &err) != RC_OK)
		return;
	if (journal_open(s, &j, &err) == RC_OK) {
		deliver_round(s, j, a->d, ROUND, NULL, &acks);
		(void)!store_forget(s, 1, false, &f, &err); /* nothing that old */
		journal_close(j);
	}
	store_close(s);
}

static void fail_at(uint64_t n, int code, const char *where, bool *failed_out)
{
	struct test_dir d = test_dir_new(), cut = test_dir_new();
	struct io_trace *t = io_trace_begin(d.path);
	struct attempt a;
	char path[512];
	io_trace_fail(t, n, code, false);
	attempt(d.path, &a);
	io_trace_stop(t);
	*failed_out = io_trace_failed(t);
	/* as it stands now, and had the power gone at the end */
	check_store(d.path, a.d, ROUND, 0, a.created, where);
	test_dir_in(&cut, path, "store");
	CHECK_RC(io_trace_rebuild(t, io_trace_events(t), IO_CUT_DROP, n, path, &err), RC_OK, err);
	check_store(path, a.d, ROUND, 0, a.created, where);
	io_trace_free(t);
	test_dir_remove_path(path);
	test_dir_end(&cut);
	test_dir_end(&d);
}

static void every_call(int code, const char *name)
{
	bool failed = true;
	uint64_t n;
	for (n = 1; failed && test_failures < 20; n += FAIL_STEP) {
		char where[64];
		snprintf(where, sizeof(where), "%s at call %llu", name, (unsigned long long)n);
		fail_at(n, code, where, &failed);
	}
	printf("# %llu calls failed with %s\n", (unsigned long long)(n - 1) / FAIL_STEP, name);
	CHECK(n > 50);
}

TEST(every_call_fails_once_EIO)
{
	every_call(EIO, "EIO");
}

TEST(every_call_fails_once_ENOSPC)
{
	every_call(ENOSPC, "ENOSPC");
}

TEST_MAIN(TEST_RUN(power_cuts), TEST_RUN(power_cuts_while_forgetting),
	  TEST_RUN(every_call_fails_once_EIO), TEST_RUN(every_call_fails_once_ENOSPC))
