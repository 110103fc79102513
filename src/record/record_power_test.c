/* SPDX-License-Identifier: Apache-2.0 */
/* The power goes, or one call to the machine fails, while records are changed: what was
 * acknowledged is there, and records, links, index, search and journal agree. */
#include "record/record_world.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/io_trace.h"

#ifdef RONDA_SANITIZED
enum { CUTS = 40, FAIL_STEP = 6 };
#else
enum { CUTS = 160, FAIL_STEP = 1 };
#endif
enum { RECORDS = 6, SIDE = 3, STEPS = 7 };

/* What is done to each record, one after the other; SIDE records side by side. */
enum step { CREATE, EDIT, LINK, MOVE, EDIT_AGAIN, UNLINK, ERASE };
static const int version_after[STEPS] = { 1, 2, 2, 3, 4, 4, 5 };

struct change {
	struct world *w;
	int record;
	enum step step;
	struct arena *a;
	bool done; /* acknowledged */
	bool changes_mind;
};

static struct uuid id_of(int record)
{
	struct uuid id = { { 0 } };
	id.b[0] = 0xab;
	id.b[6] = 0x40;
	id.b[8] = 0x80;
	id.b[15] = (uint8_t)(record + 1);
	return id;
}

static str text_id(struct arena *a, int record)
{
	struct uuid id = id_of(record);
	struct buf b = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&b, STR("case"), &id);
	str text = arena_str(a, buf_str(&b));
	buf_free(&b);
	return text;
}

/* A word only this version of this record has. */
static str word_of(struct arena *a, int record, int version)
{
	return arena_fmt(a, "wort%c%cende", 'a' + record, 'a' + version);
}

static enum rc put_step(struct tx *tx, struct change *k, struct err *e)
{
	struct record out;
	struct uuid id = id_of(k->record);
	int version = version_after[k->step];
	struct record_change c = { .type = k->w->t, .to_state = -1, .actor = STR("account:1"),
				   .why = STR("so it is") };
	if (k->step == CREATE)
		c.new_id = id;
	else
		c.id = id;
	c.fields = arena_fmt(k->a, "{\"title\":\"" STR_FMT "\",\"severity\":\"%s\",\"score\":%d}",
			     STR_ARG(word_of(k->a, k->record, version)), version % 2 ? "low" : "high",
			     version);
	if (k->step == MOVE)
		c.to_state = 1;
	/* a reference, so that a link hangs on it */
	if (k->step == EDIT && k->record >= SIDE)
		c.fields = arena_fmt(k->a, STR_FMT ",\"also\":[\"" STR_FMT "\"]}",
				     STR_ARG(str_head(c.fields, c.fields.n - 1)),
				     STR_ARG(text_id(k->a, k->record - SIDE)));
	return record_put(tx, k->w->r, &c, k->a, &out, NULL, 0, NULL, e);
}

static bool take_id(void *ctx, const struct record_link *l)
{
	if (str_eq(l->kind, STR("related")))
		*(int64_t *)ctx = l->id;
	return true;
}

static enum rc step_job(struct tx *tx, void *ctx, struct err *e)
{
	struct change *k = ctx;
	str id = text_id(k->a, k->record);
	int64_t link = 0;
	enum rc rc = RC_OK;
	switch (k->step) {
	case CREATE:
	case EDIT:
	case MOVE:
	case EDIT_AGAIN:
		rc = put_step(tx, k, e);
		break;
	case LINK:
		rc = record_link(tx, k->w->r, id, STR("related"), STR("finding--0a"), STR("account:1"),
				 STR("it is"), &link, e);
		break;
	case UNLINK:
		rc = record_links(tx_conn(tx), id, 0, take_id, &link, e);
		if (rc == RC_OK)
			rc = record_unlink(tx, k->w->r, link, STR("account:1"), STR("no"), e);
		break;
	case ERASE:
		rc = record_erase(tx, k->w->r, id_of(k->record), STR("account:1"), STR("enough"), e);
		break;
	}
	return rc == RC_OK && k->changes_mind ? fail(e, RC_INPUT, "no") : rc;
}

/* SIDE records take the step side by side, with one that changes its mind among them. */
static void round_of(struct world *w, int first, enum step step, struct change *k, struct io_trace *t,
		     uint64_t *acks)
{
	struct store_job job[SIDE + 1];
	struct change mind = { .w = w, .record = RECORDS, .step = CREATE, .a = arena_new(KIB(8)),
			       .changes_mind = true };
	job[SIDE] = (struct store_job){ .fn = step_job, .ctx = &mind };
	for (int i = 0; i < SIDE; i++) {
		k[i] = (struct change){ .w = w, .record = first + i, .step = step, .a = arena_new(KIB(8)) };
		job[i] = (struct store_job){ .fn = step_job, .ctx = &k[i], .use_reserve = true };
		store_submit(w->s, &job[i]);
		if (i == 0)
			store_submit(w->s, &job[SIDE]);
	}
	for (int i = 0; i < SIDE; i++) {
		k[i].done = store_wait(w->s, &job[i], &err) == RC_OK;
		if (k[i].done && t)
			io_trace_mark(t, ++*acks);
		arena_free(k[i].a);
	}
	CHECK(store_wait(w->s, &job[SIDE], &err) != RC_OK);
	arena_free(mind.a);
}

enum { ROUNDS_ALL = RECORDS / SIDE * STEPS, CHANGES = ROUNDS_ALL * SIDE };

/* In rounds: the first SIDE take all steps, then the others. */
static void change_all(struct world *w, struct change done[CHANGES], struct io_trace *t, uint64_t *acks)
{
	for (int i = 0; i < ROUNDS_ALL; i++) {
		bool did;
		round_of(w, i / STEPS * SIDE, (enum step)(i % STEPS), &done[i * SIDE], t, acks);
		(void)!store_tend(w->s, &did, &err); /* what the background does between */
	}
}

/* --- what must hold afterwards --- */

static bool count_one(void *ctx, const struct record *r)
{
	(void)r;
	++*(int *)ctx;
	return true;
}

/* How many are found by that word. */
static int found(struct world *w, struct conn *c, str word)
{
	int n = 0;
	struct record_query q = { .type = w->t, .tlp_mask = 0x3f, .exercise = true, .text = word,
				  .text_share = SHARE_TEAM };
	CHECK_RC(record_list(c, snapshot_table(w->held), &q, count_one, &n, &err), RC_OK, err);
	return n;
}

static void check_record(struct world *w, struct conn *c, int record, int least, bool erased,
			 const char *where)
{
	struct record r;
	enum rc rc = record_load(c, snapshot_table(w->held), id_of(record), w->a, &r, &err);
	if (rc == RC_ABSENT) {
		CHECK_MSG(least == 0, "%s: record %d was acknowledged and is gone", where, record);
		CHECK(found(w, c, word_of(w->a, record, 1)) == 0);
		return;
	}
	CHECK_RC(rc, RC_OK, err);
	CHECK_MSG((int)r.version >= least, "%s: record %d has version %d of %d", where, record,
		  (int)r.version, least);
	CHECK_MSG(r.erased == (r.title.n == 0) && r.erased >= erased, "%s: record %d is %serased", where,
		  record, r.erased ? "" : "not ");
	/* its words, and none of an older version */
	for (int v = 1; v <= 4; v++) {
		str word = word_of(w->a, record, v);
		CHECK_MSG(found(w, c, word) == str_eq(word, r.title),
			  "%s: record %d version %d: search for words of %d", where, record,
			  (int)r.version, v);
	}
}

static enum rc check_words(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	enum rc rc = sql_run(sql(tx_conn(tx), "INSERT INTO record_words (record_words, rank)"
					      " VALUES ('integrity-check', 1)"),
			     e);
	if (rc == RC_OK)
		rc = sql_run(sql(tx_conn(tx), "INSERT INTO record_parts (record_parts, rank)"
					      " VALUES ('integrity-check', 1)"),
			     e);
	return rc;
}

static void check_store(const char *path, const struct change *done, uint64_t acks, bool by_acks,
			const char *where)
{
	struct world w = { 0 };
	struct reader *rd;
	struct records_check k;
	struct journal_check j;
	CHECK_MSG(world_open(&w, path), "%s: %s", where, err.text);
	if (!w.r)
		return;
	CHECK_RC(store_read_begin(w.s, &rd, &err), RC_OK, err);
	struct conn *c = reader_conn(rd);
	CHECK_RC(records_verify(c, snapshot_table(w.held), &k, &err), RC_OK, err);
	CHECK_MSG(!k.words[0], "%s: %s", where, k.words);
	CHECK_RC(journal_verify(c, STR_NONE, &j, &err), RC_OK, err);
	CHECK_MSG(j.first_bad == 0, "%s: journal line %d: %s", where, (int)j.first_bad, j.words);
	for (int record = 0; record < RECORDS; record++) {
		int least = 0;
		bool erased = false;
		for (int i = 0; i < CHANGES; i++) {
			bool acked = by_acks ? (uint64_t)i < acks : done[i].done;
			if (done[i].record != record || !acked)
				continue;
			least += done[i].step != LINK && done[i].step != UNLINK;
			erased |= done[i].step == ERASE;
		}
		check_record(&w, c, record, least, erased, where);
	}
	CHECK_RC(record_load(c, NULL, id_of(RECORDS), w.a, &(struct record){ 0 }, &err), RC_ABSENT, err);
	store_read_end(rd);
	CHECK_RC(store_write(w.s, check_words, NULL, &err), RC_OK, err);
	(void)world_case_new(&w, "{\"title\":\"it goes on\"}");
	world_close(&w);
}

TEST(power_cuts)
{
	struct test_dir d = test_dir_new(), cut = test_dir_new();
	struct io_trace *t = io_trace_begin(d.path);
	struct world w = { .d = d };
	static struct change done[CHANGES];
	uint64_t acks = 0;
	CHECK_RC(store_create(d.path, "Team B", "ID", &err), RC_OK, err);
	CHECK(world_open(&w, d.path));
	size_t created = io_trace_events(t);
	change_all(&w, done, t, &acks);
	CHECK_INT(acks, CHANGES);
	world_close(&w);
	io_trace_stop(t);
	size_t all = io_trace_events(t) - created;
	printf("# %zu events, %d cuts\n", all, CUTS);
	for (size_t i = 0; i <= CUTS && test_failures < 20; i++) {
		char path[512], where[64];
		uint64_t highest = 0;
		size_t n = created + all * i / CUTS;
		enum io_cut how = (enum io_cut)(i % IO_CUTS);
		snprintf(where, sizeof(where), "cut %zu at event %zu, kind %u", i, n, (unsigned)how);
		test_dir_in(&cut, path, "store");
		CHECK_RC(io_trace_rebuild(t, n, how, i, path, &err), RC_OK, err);
		(void)io_trace_marks(t, n, &highest);
		check_store(path, done, highest, true, where);
		test_dir_remove_path(path);
	}
	io_trace_free(t);
	test_dir_end(&cut);
	test_dir_end(&d);
}

/* --- one call fails --- */

static void fail_at(uint64_t n, int code, const char *where, bool *failed_out)
{
	struct test_dir d = test_dir_new(), cut = test_dir_new();
	static struct change done[CHANGES];
	struct world w = { .d = d };
	char path[512];
	memset(done, 0, sizeof(done));
	/* made and opened before: that every call of those may fail is seen elsewhere */
	struct io_trace *t = io_trace_begin(d.path);
	CHECK_RC(store_create(d.path, "Team B", "ID", &err), RC_OK, err);
	CHECK(world_open(&w, d.path));
	io_trace_fail(t, n, code, false);
	uint64_t acks = 0;
	change_all(&w, done, NULL, &acks);
	world_close(&w);
	io_trace_stop(t);
	*failed_out = io_trace_failed(t);
	/* as it stands now, and had the power gone at the end */
	check_store(d.path, done, 0, false, where);
	test_dir_in(&cut, path, "store");
	CHECK_RC(io_trace_rebuild(t, io_trace_events(t), IO_CUT_DROP, n, path, &err), RC_OK, err);
	check_store(path, done, 0, false, where);
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

/* --- kill -9 --- */

enum { KILLS = 6 };

/* Makes records with words of their own until it is killed; tells each that was acknowledged. */
static void go_on_forever(const char *path, int to)
{
	struct world w = { 0 };
	if (!world_open(&w, path))
		_exit(1);
	for (int i = 0;; i++) {
		struct record r;
		arena_reset(w.a);
		struct record_change c = { .type = w.t, .to_state = -1, .actor = STR("account:1"),
					   .fields = arena_fmt(w.a, "{\"title\":\"wort%d\",\"score\":%d}", i, i) };
		if (world_put(&w, &c, &r) != RC_OK)
			_exit(1);
		c = (struct record_change){ .type = w.t, .id = r.id, .to_state = 1, .actor = STR("account:1") };
		if (world_put(&w, &c, &r) != RC_OK || write(to, r.id.b, sizeof(r.id.b)) != sizeof(r.id.b))
			_exit(1);
	}
}

TEST(killed)
{
	struct test_dir d = test_dir_new();
	size_t told = 0;
	struct uuid *ids = x_array(100000, sizeof(*ids));
	CHECK_RC(store_create(d.path, "Team B", "ID", &err), RC_OK, err);
	for (int i = 0; i < KILLS; i++) {
		int ends[2];
		CHECK(pipe(ends) == 0);
		pid_t child = fork();
		if (child == 0) {
			close(ends[0]);
			go_on_forever(d.path, ends[1]);
		}
		close(ends[1]);
		/* killed in the midst of it, after some were told */
		for (int k = 0; k < 5 + 7 * i; k++)
			if (told < 100000 && read(ends[0], &ids[told], sizeof(*ids)) == sizeof(*ids))
				told++;
		CHECK(child > 0 && kill(child, SIGKILL) == 0);
		int status;
		CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
		while (told < 100000 && read(ends[0], &ids[told], sizeof(*ids)) == sizeof(*ids))
			told++;
		close(ends[0]);
		struct world w = { .d = d };
		struct reader *rd;
		struct records_check k;
		CHECK(world_open(&w, d.path));
		CHECK_RC(store_read_begin(w.s, &rd, &err), RC_OK, err);
		CHECK_RC(records_verify(reader_conn(rd), snapshot_table(w.held), &k, &err), RC_OK, err);
		CHECK_MSG(!k.words[0], "%s", k.words);
		for (size_t n = 0; n < told; n++) {
			struct record r;
			arena_reset(w.a);
			CHECK_RC(record_load(reader_conn(rd), NULL, ids[n], w.a, &r, &err), RC_OK, err);
			CHECK(r.version == 2 && found(&w, reader_conn(rd), r.title) >= 1);
		}
		store_read_end(rd);
		CHECK_RC(store_write(w.s, check_words, NULL, &err), RC_OK, err);
		world_close(&w);
	}
	CHECK(told >= 5 * KILLS);
	printf("# %zu acknowledged\n", told);
	free(ids);
	test_dir_end(&d);
}

TEST_MAIN(TEST_RUN(power_cuts), TEST_RUN(killed), TEST_RUN(every_call_fails_once_EIO),
	  TEST_RUN(every_call_fails_once_ENOSPC))
