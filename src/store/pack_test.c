/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/test_dir.h"
#include "store/pack_test.h"
#include "store/rewrite.h"
#include "store/upkeep.h"

struct world {
	struct test_dir d;
	struct store *s;
	char said[4096];
};

static struct world created(void)
{
	struct world w = { .d = test_dir_new() };
	CHECK_RC(store_create(w.d.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(w.d.path, NULL, NULL, &w.s, &err), RC_OK, err);
	return w;
}

static void ended(struct world *w)
{
	store_close(w->s);
	test_dir_end(&w->d);
}

static enum rc save(struct tx *tx, void *ctx, struct err *e)
{
	return report_save(tx, ctx, e);
}

static struct report received(struct world *w, int64_t feed, str bytes, bool *known_out)
{
	struct report r = { .feed = feed };
	struct raw_intake *in;
	(void)str_to_z(STR("auto"), r.format, sizeof(r.format));
	CHECK_RC(raw_begin(w->s, &in, &err), RC_OK, err);
	CHECK_RC(raw_add(in, bytes, &err), RC_OK, err);
	CHECK_RC(report_received(in, &r, known_out, &err), RC_OK, err);
	return r;
}

static void finished(struct world *w, struct report *r, enum report_state state)
{
	r->state = state;
	r->next_offset = r->bytes;
	r->next_input = 1;
	r->counts.inputs = r->counts.accepted = r->counts.events = 1;
	r->parse_us = 1000 + r->id % 999;
	(void)str_to_z(STR("intelmq"), r->format, sizeof(r->format));
	CHECK_RC(store_write(w->s, save, r, &err), RC_OK, err);
}

static void tend(struct world *w)
{
	bool did = true;
	for (int i = 0; did && i < 10000; i++) {
		did = false;
		CHECK_RC(reports_pack(w->s, NULL, &did, &err), RC_OK, err);
	}
}

static int64_t number(struct world *w, const char *literal)
{
	struct reader *r;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), literal);
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

static struct report loaded(struct world *w, int64_t id)
{
	struct reader *r;
	struct report out = {0};
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(report_load(reader_conn(r), id, &out, &err), RC_OK, err);
	store_read_end(r);
	return out;
}

static bool reads_back(struct world *w, int64_t id, str want)
{
	struct raw_reader *r;
	char got[1000];
	if (raw_open(w->s, id, &r, &err) != RC_OK)
		return false;
	long n = raw_read(r, got, sizeof(got));
	raw_close(r);
	return n == (long)want.n && memcmp(got, want.p, want.n) == 0;
}

static void say(void *ctx, const char *sentence)
{
	struct world *w = ctx;
	size_t n = strlen(w->said);
	snprintf(w->said + n, sizeof(w->said) - n, "%s\n", sentence);
}

static struct verify_result verify(struct world *w)
{
	struct verify_result v = {0};
	w->said[0] = '\0';
	CHECK_RC(store_verify(w->s, say, w, NULL, &v, &err), RC_OK, err);
	return v;
}

TEST(packed_ones_are_there_once)
{
	enum { N = PACK_REPORTS + 10 };
	struct world w = created();
	char text[200];
	bool known;
	add_done(w.s, 1, N + 1);
	tend(&w);
	CHECK_INT(number(&w, "SELECT count(*) FROM report_block"), 0); /* not in the journal yet */
	CHECK_RC(store_write(w.s, tell_all, NULL, &err), RC_OK, err);
	tend(&w);
	CHECK_INT(number(&w, "SELECT reports FROM report_block"), PACK_REPORTS);
	CHECK_INT(number(&w, "SELECT count(*) FROM report"), 10);
	CHECK_INT(number(&w, "SELECT count(*) FROM raw_tail"), 10);
	CHECK_INT(number(&w, "SELECT count(*) FROM raw"), 0);
	struct verify_result v = verify(&w);
	CHECK_MSG(v.damaged == 0, "%s", w.said);
	CHECK_INT(v.reports, N);
	for (int64_t id = 1; id <= N; id += 37) {
		struct report r = loaded(&w, id);
		CHECK_INT(r.id, id);
		CHECK_INT(r.state, REPORT_DONE);
		CHECK_INT(r.counts.events, 1);
		CHECK_INT(r.parse_us, 1000 + id % 999);
		CHECK_STR(str_of(r.format), STR("intelmq"));
		CHECK_MSG(reads_back(&w, id, bytes_of(id, text)), "report %lld", (long long)id);
	}
	/* sent again: the first summary; by another feed: another report */
	for (int64_t id = 1; id <= N; id += 911) {
		struct report r = received(&w, 1, bytes_of(id, text), &known);
		CHECK(known);
		CHECK_INT(r.id, id);
		CHECK_INT(r.parse_us, 1000 + id % 999);
	}
	struct report r = received(&w, 2, bytes_of(5, text), &known);
	CHECK(!known);
	CHECK_INT(r.id, N + 1);
	struct reader *view;
	CHECK_RC(store_read_begin(w.s, &view, &err), RC_OK, err);
	CHECK_RC(report_load(reader_conn(view), N + 9, &r, &err), RC_ABSENT, err);
	CHECK_RC(report_load(reader_conn(view), 0, &r, &err), RC_ABSENT, err);
	store_read_end(view);
	ended(&w);
}

TEST(numbers_are_not_given_twice)
{
	struct world w = created();
	bool known;
	add_done(w.s, 1, PACK_REPORTS + 1);
	CHECK_RC(store_write(w.s, tell_all, NULL, &err), RC_OK, err);
	tend(&w);
	CHECK_INT(number(&w, "SELECT count(*) FROM report"), 0);
	CHECK_INT(received(&w, 1, STR("new"), &known).id, PACK_REPORTS + 1);
	ended(&w);
}

static enum rc sql_job(struct tx *tx, void *ctx, struct err *e)
{
	return sql_run(sql(tx_conn(tx), ctx), e);
}

static void run_sql(struct world *w, const char *literal)
{
	CHECK_RC(store_write(w->s, sql_job, (void *)(uintptr_t)literal, &err), RC_OK, err);
}

TEST(some_stay_plain)
{
	struct world w = created();
	char text[200];
	bool known;
	struct report parsing = received(&w, 1, STR("still read"), &known);
	struct report refused = received(&w, 1, STR("refused"), &known);
	finished(&w, &refused, REPORT_REFUSED);
	struct report bad = received(&w, 1, STR("one bad record"), &known);
	bad.counts.quarantined = 1;
	finished(&w, &bad, REPORT_DONE);
	struct report undone = received(&w, 1, STR("undone"), &known);
	finished(&w, &undone, REPORT_UNDONE);
	add_done(w.s, 5, PACK_REPORTS + 10);
	CHECK_RC(store_write(w.s, tell_all, NULL, &err), RC_OK, err);
	tend(&w);
	/* of 4096 whose bytes were taken two have plain rows; the one being read is not among them
	 */
	CHECK_INT(number(&w, "SELECT reports FROM report_block"), PACK_REPORTS - 2);
	CHECK_INT(number(&w, "SELECT count(*) FROM report WHERE id <= 4"), 3);
	CHECK_INT(number(&w, "SELECT count(*) FROM raw_tail WHERE report <= 4096"), 1);
	CHECK_INT(loaded(&w, refused.id).state, REPORT_REFUSED);
	CHECK(reads_back(&w, refused.id, STR("refused")));
	CHECK(reads_back(&w, bad.id, STR("one bad record")));
	CHECK(reads_back(&w, undone.id, STR("undone")));
	CHECK(reads_back(&w, parsing.id, STR("still read")));
	/* a refused one may be tried again; and it comes to its end after all */
	struct report again = received(&w, 1, STR("refused"), &known);
	CHECK(!known);
	CHECK(again.id != refused.id);
	finished(&w, &parsing, REPORT_DONE);
	tend(&w);
	CHECK_INT(number(&w, "SELECT count(*) FROM raw_tail WHERE report <= 4096"), 0);
	CHECK_INT(number(&w, "SELECT count(*) FROM raw"), 1);
	CHECK(reads_back(&w, parsing.id, STR("still read")));
	CHECK_INT(received(&w, 1, STR("still read"), &known).id, parsing.id);
	CHECK(known);
	CHECK(reads_back(&w, 9, bytes_of(9, text)));
	struct verify_result v = verify(&w);
	CHECK_MSG(v.damaged == 0, "%s", w.said);
	ended(&w);
}

TEST(a_packed_one_is_undone)
{
	struct world w = created();
	char text[200];
	bool known;
	add_done(w.s, 1, PACK_REPORTS + 1);
	CHECK_RC(store_write(w.s, tell_all, NULL, &err), RC_OK, err);
	tend(&w);
	struct report r = loaded(&w, 77);
	r.state = REPORT_UNDONE;
	CHECK_RC(store_write(w.s, save, &r, &err), RC_OK, err);
	CHECK_INT(loaded(&w, 77).state, REPORT_UNDONE);
	CHECK_INT(loaded(&w, 77).counts.events, 1);
	CHECK_INT(number(&w, "SELECT id FROM report WHERE state = 4"), 77);
	CHECK(reads_back(&w, 77, bytes_of(77, text)));
	struct verify_result v = verify(&w);
	CHECK_MSG(v.damaged == 0, "%s", w.said);
	CHECK_INT(v.reports, PACK_REPORTS);
	/* sent again it is new, and known from then on */
	r = received(&w, 1, bytes_of(77, text), &known);
	CHECK(!known);
	CHECK_INT(r.id, PACK_REPORTS + 1);
	finished(&w, &r, REPORT_DONE);
	CHECK_INT(received(&w, 1, bytes_of(77, text), &known).id, PACK_REPORTS + 1);
	CHECK(known);
	tend(&w);
	CHECK_INT(number(&w, "SELECT count(*) FROM report WHERE id = 77"), 1);
	r.id = PACK_REPORTS + 99;
	CHECK_RC(store_write(w.s, save, &r, &err), RC_ABSENT, err);
	ended(&w);
}

TEST(runs_are_merged)
{
	enum { RUNS = 8 * 8 + 5, EACH = 50 };
	struct world w = created();
	char text[200];
	bool known;
	CHECK_RC(store_write(w.s, tell_all, NULL, &err), RC_OK, err);
	for (int64_t i = 0; i < RUNS; i++) {
		add_done(w.s, i * EACH + 1, (i + 1) * EACH + 1);
		CHECK_RC(store_write(w.s, make_old, NULL, &err), RC_OK, err);
		tend(&w);
	}
	CHECK_INT(number(&w, "SELECT count(*) FROM report_block"), RUNS);
	CHECK_INT(number(&w, "SELECT count(*) FROM report_run"), 6);
	CHECK_INT(number(&w, "SELECT max(level) FROM report_run"), 2);
	CHECK_INT(number(&w, "SELECT sum(entries) FROM report_run"), RUNS * EACH);
	CHECK_INT(number(&w, "SELECT count(*) FROM report"), 0);
	for (int64_t id = 1; id <= RUNS * EACH; id += 13) {
		struct report r = received(&w, 1, bytes_of(id, text), &known);
		CHECK(known);
		CHECK_INT(r.id, id);
	}
	(void)received(&w, 1, STR("never seen"), &known);
	CHECK(!known);
	struct verify_result v = verify(&w);
	CHECK_MSG(v.damaged == 0, "%s", w.said);
	ended(&w);
}

/* A merge goes on where it stopped, and nobody sees it half. */
TEST(a_merge_is_interrupted)
{
	enum { N = 8 * PACK_REPORTS };
	struct world w = created();
	struct report_mark *mark;
	struct reader *r;
	char text[200];
	size_t n;
	bool known, did = true;
	CHECK_RC(store_write(w.s, tell_all, NULL, &err), RC_OK, err);
	add_done(w.s, 1, N + 1);
	for (int step = 0; did; step++) {
		did = false;
		CHECK_RC(reports_pack(w.s, NULL, &did, &err), RC_OK, err);
		CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
		CHECK_RC(reports_marks(w.s, reader_conn(r), 1, N, N, &mark, &n, &err), RC_OK, err);
		store_read_end(r);
		CHECK_INT(n, N);
		for (size_t i = 0; i < n; i++)
			CHECK_MSG(mark[i].id == (int64_t)i + 1, "step %d: report %zu", step, i + 1);
		free(mark);
		if (step < 8)
			continue;
		store_close(w.s);
		CHECK_RC(store_open(w.d.path, NULL, NULL, &w.s, &err), RC_OK, err);
		CHECK_INT(received(&w, 1, bytes_of(4711 + step, text), &known).id, 4711 + step);
		CHECK(known);
	}
	CHECK_INT(number(&w, "SELECT count(*) FROM report_run"), 1);
	CHECK_INT(number(&w, "SELECT entries FROM report_run"), N);
	struct verify_result v = verify(&w);
	CHECK_MSG(v.damaged == 0, "%s", w.said);
	ended(&w);
}

/* Packs and merges until told to stop. */
struct packer {
	struct store *s;
	atomic_bool stop;
	enum rc rc;
};

static void *keep_packing(void *ctx)
{
	struct packer *p = ctx;
	struct err e;
	while (p->rc == RC_OK && !atomic_load(&p->stop)) {
		bool did = false;
		p->rc = store_write(p->s, make_old, NULL, &e);
		if (p->rc == RC_OK)
			p->rc = reports_pack(p->s, NULL, &did, &e);
	}
	return NULL;
}

/* Whatever the packer is at: in one view each report is there, and once. */
TEST(readers_beside_it)
{
	enum { ROUNDS = 60, EACH = 60 };
	struct world w = created();
	struct packer p = { .s = w.s };
	pthread_t thread;
	char text[200];
	bool known;
	CHECK_RC(store_write(w.s, tell_all, NULL, &err), RC_OK, err);
	CHECK_INT(pthread_create(&thread, NULL, keep_packing, &p), 0);
	for (int64_t i = 0; i < ROUNDS; i++) {
		struct reader *r;
		struct report_mark *mark;
		size_t n;
		int64_t last = (i + 1) * EACH;
		add_done(w.s, i * EACH + 1, last + 1);
		CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
		CHECK_RC(reports_marks(w.s, reader_conn(r), 1, last, (size_t)last, &mark, &n, &err),
			 RC_OK, err);
		CHECK_INT(n, last);
		for (int64_t id = 1 + i; id <= last; id += 97) {
			struct report one;
			CHECK_RC(report_load(reader_conn(r), id, &one, &err), RC_OK, err);
			CHECK_MSG(reads_back(&w, id, bytes_of(id, text)), "report %lld",
				  (long long)id);
		}
		store_read_end(r);
		free(mark);
		CHECK_INT(received(&w, 1, bytes_of(last - 3, text), &known).id, last - 3);
		CHECK(known);
	}
	atomic_store(&p.stop, true);
	pthread_join(thread, NULL);
	CHECK_RC(p.rc, RC_OK, err);
	CHECK(number(&w, "SELECT count(*) FROM report_block") > 3);
	struct verify_result v = verify(&w);
	CHECK_MSG(v.damaged == 0, "%s", w.said);
	ended(&w);
}

static enum rc hold(struct tx *tx, void *ctx, struct err *e)
{
	int64_t id;
	return hold_set(tx, str_of(ctx), STR("court order"), STR("unix:0"), &id, e);
}

TEST(forgotten_but_for_what_is_held)
{
	struct world w = created();
	struct forget_result f;
	char text[200], what[] = "report 100", late[] = "report 4100", wrong[] = "report 99999";
	bool known;
	add_done(w.s, 1, PACK_REPORTS + 11);
	CHECK_RC(store_write(w.s, tell_all, NULL, &err), RC_OK, err);
	tend(&w);
	CHECK_RC(store_write(w.s, hold, what, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, hold, late, &err), RC_OK, err); /* in main.db still */
	CHECK_RC(store_write(w.s, hold, wrong, &err), RC_ABSENT, err);
	int32_t tomorrow = time_day(clock_now_us()) + 1;
	CHECK_RC(store_forget(w.s, tomorrow, true, &f, &err), RC_OK, err);
	CHECK(f.raw_bytes > 0);
	CHECK(reads_back(&w, 7, bytes_of(7, text)));
	CHECK_RC(store_forget(w.s, tomorrow, false, &f, &err), RC_OK, err);
	CHECK(reads_back(&w, 100, bytes_of(100, text)));
	CHECK(reads_back(&w, 4100, bytes_of(4100, text)));
	CHECK(!reads_back(&w, 7, bytes_of(7, text)));
	CHECK_INT(err.rc, RC_ABSENT);
	CHECK(!reads_back(&w, 4099, bytes_of(4099, text)));
	CHECK_INT(number(&w, "SELECT count(*) FROM raw_frame"), 0);
	struct verify_result v = verify(&w);
	CHECK_MSG(v.damaged == 0, "%s", w.said);
	CHECK_INT(v.reports, PACK_REPORTS + 10);
	/* what it said is not forgotten: sent again it is known */
	CHECK_INT(received(&w, 1, bytes_of(7, text), &known).id, 7);
	CHECK(known);
	/* and with the hold lifted all of it goes */
	run_sql(&w, "UPDATE hold SET lifted_us = 1");
	CHECK_RC(store_forget(w.s, tomorrow, false, &f, &err), RC_OK, err);
	CHECK(!reads_back(&w, 100, bytes_of(100, text)));
	CHECK(!reads_back(&w, 4100, bytes_of(4100, text)));
	CHECK_INT(number(&w, "SELECT count(*) FROM segment WHERE bytes >= 0 AND kind = 0"), 0);
	ended(&w);
}

struct erased {
	int64_t id;
	unsigned files;
	int32_t day;
	uint32_t number;
};

static enum rc note_file(void *ctx, int32_t day, uint32_t number, struct err *e)
{
	struct erased *x = ctx;
	(void)e;
	x->files++;
	x->day = day;
	x->number = number;
	return RC_OK;
}

static enum rc erase(struct tx *tx, void *ctx, struct err *e)
{
	struct erased *x = ctx;
	return report_erase(tx, x->id, note_file, x, e);
}

TEST(one_of_a_shared_frame_is_erased)
{
	struct world w = created();
	char text[200];
	bool known;
	add_done(w.s, 1, PACK_REPORTS + 11);
	CHECK_RC(store_write(w.s, tell_all, NULL, &err), RC_OK, err);
	tend(&w);
	struct erased x = { .id = 100 }, waiting = { .id = 4100 };
	CHECK_RC(store_write(w.s, erase, &x, &err), RC_OK, err);
	CHECK_INT(x.files, 1);
	CHECK_RC(store_write(w.s, erase, &x, &err), RC_OK, err); /* once more: nothing to do */
	CHECK_INT(x.files, 1);
	CHECK_RC(store_write(w.s, erase, &waiting, &err), RC_OK, err);
	CHECK_INT(waiting.files, 0);
	CHECK(!reads_back(&w, 100, bytes_of(100, text)));
	CHECK_INT(err.rc, RC_ABSENT);
	CHECK(!reads_back(&w, 4100, bytes_of(4100, text)));
	/* the file goes; what else stood in it is kept, also for who reads just now */
	struct raw_reader *reading;
	char got[200];
	CHECK_RC(raw_open(w.s, 99, &reading, &err), RC_OK, err);
	CHECK_RC(store_rewrite_segment(w.s, SEGMENT_RAW, x.day, x.number, &err), RC_OK, err);
	CHECK_RC(store_remove_segment(w.s, SEGMENT_RAW, x.day, x.number, &err), RC_OK, err);
	CHECK_INT(raw_read(reading, got, sizeof(got)), bytes_of(99, text).n);
	raw_close(reading);
	for (int64_t id = 1; id <= PACK_REPORTS + 10; id++)
		CHECK_MSG(id == 100 || id == 4100 || reads_back(&w, id, bytes_of(id, text)),
			  "report %lld", (long long)id);
	CHECK_INT(loaded(&w, 100).counts.events, 1);
	CHECK_INT(received(&w, 1, bytes_of(100, text), &known).id, 100);
	CHECK(known);
	struct verify_result v = verify(&w);
	CHECK_MSG(v.damaged == 0, "%s", w.said);
	ended(&w);
}

static const struct {
	const char *what, *change;
} changes[] = {
	{"a block", "UPDATE report_block SET body = substr(body, 1, 200)"},
	{"a block's count", "UPDATE report_block SET reports = 7"},
	{"a page of digests", "UPDATE report_page SET body = substr(body, 1, 100)"
			      " WHERE id = (SELECT max(id) FROM report_page)"},
	{"a page of digests lost", "DELETE FROM report_page WHERE id = (SELECT max(id) FROM"
				   " report_page)"},
	{"bytes in the tail", "UPDATE raw_tail SET body = x'0001000000ff' WHERE report = 4100"},
	{"another frame", "UPDATE raw_frame SET last = last + 1"},
	{"a report lost", "DELETE FROM report WHERE id = 4097"},
};

TEST(damage_is_found)
{
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		struct world w = created();
		add_done(w.s, 1, PACK_REPORTS + 11);
		CHECK_RC(store_write(w.s, tell_all, NULL, &err), RC_OK, err);
		tend(&w);
		CHECK_INT(verify(&w).damaged, 0);
		run_sql(&w, changes[i].change);
		CHECK_MSG(verify(&w).damaged > 0, "%s", changes[i].what);
		ended(&w);
	}
}

static void ignore(void *ctx, const struct report *r)
{
	(void)ctx;
	(void)r;
}

/* Bytes that may be anything: no crash, and what is wrong is told. */
TEST(damaged_bodies)
{
	struct buf block = BUF_INIT(MIB(1)), frame = BUF_INIT(RAW_PAYLOAD_MOST);
	struct report r[3] = {{ .id = 5, .state = REPORT_DONE }, { .id = 6 }, { .id = 9 }};
	struct raw_shared f;
	unsigned found = 0;
	block_pack(r, 3, &block);
	raw_shared_begin(&f);
	CHECK(raw_shared_add(&f, 5, STR("five")));
	CHECK(raw_shared_add(&f, 9, STR("nine")));
	raw_shared_pack(&f, &frame);
	struct buf *both[] = {&block, &frame};
	for (size_t k = 0; k < COUNT_OF(both); k++)
		for (size_t i = 0; i < both[k]->n; i++)
			for (unsigned bit = 0; bit < 8; bit++) {
				struct buf out = BUF_INIT(RAW_PART);
				both[k]->p[i] ^= (char)(1u << bit);
				enum rc rc = k ? raw_shared_find(buf_str(both[k]), 9, &out, &err)
					       : block_each(buf_str(both[k]), ignore, NULL, &err);
				found += rc != RC_OK;
				both[k]->p[i] ^= (char)(1u << bit);
				buf_free(&out);
			}
	CHECK(found > 0);
	raw_shared_free(&f);
	buf_free(&block);
	buf_free(&frame);
}

TEST_MAIN(TEST_RUN(packed_ones_are_there_once), TEST_RUN(numbers_are_not_given_twice),
	  TEST_RUN(some_stay_plain), TEST_RUN(a_packed_one_is_undone), TEST_RUN(runs_are_merged),
	  TEST_RUN(a_merge_is_interrupted), TEST_RUN(readers_beside_it),
	  TEST_RUN(forgotten_but_for_what_is_held), TEST_RUN(one_of_a_shared_frame_is_erased),
	  TEST_RUN(damage_is_found),
	  TEST_RUN(damaged_bodies))
