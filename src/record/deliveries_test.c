/* SPDX-License-Identifier: Apache-2.0 */
#include "record/deliveries.h"

#include "base/test_dir.h"
#include "store/pack_test.h"

struct world {
	struct test_dir d;
	struct store *s;
	struct journal *j;
};

static struct world opened(void)
{
	struct world w = { .d = test_dir_new() };
	CHECK_RC(store_create(w.d.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(w.d.path, NULL, NULL, &w.s, &err), RC_OK, err);
	CHECK_RC(journal_open(w.s, &w.j, &err), RC_OK, err);
	return w;
}

static void ended(struct world *w)
{
	journal_close(w->j);
	store_close(w->s);
	test_dir_end(&w->d);
}

struct one {
	struct world *w;
	struct report r;
	const char *actor;
};

static enum rc end_one(struct tx *tx, void *ctx, struct err *e)
{
	struct one *o = ctx;
	char object[40];
	snprintf(object, sizeof(object), "report:%lld", (long long)o->r.id);
	struct journal_act own = { .act = o->r.state == REPORT_DONE ? "intake" : "intake.refused",
				  .actor = str_of(o->actor),
				  .object = str_of(object),
				  .count = o->r.counts.events };
	enum rc rc = report_save(tx, &o->r, e);
	if (rc != RC_OK)
		return rc;
	return o->r.state == REPORT_DONE ? deliveries_done(tx, o->w->j, &o->r, &own, e)
					 : journal_add(tx, o->w->j, &own, e);
}

static struct report received(struct world *w, const char *text)
{
	struct report r = { .feed = 1 };
	struct raw_intake *in;
	bool known;
	CHECK_RC(raw_begin(w->s, &in, &err), RC_OK, err);
	CHECK_RC(raw_add(in, str_of(text), &err), RC_OK, err);
	CHECK_RC(report_received(in, &r, &known, &err), RC_OK, err);
	return r;
}

static void finish(struct world *w, struct report r, enum report_state state, const char *actor)
{
	struct one o = { .w = w, .r = r, .actor = actor };
	o.r.state = state;
	o.r.counts.events = 2;
	CHECK_RC(store_write(w->s, end_one, &o, &err), RC_OK, err);
}

static enum rc save(struct tx *tx, void *ctx, struct err *e)
{
	return report_save(tx, ctx, e);
}

static void check(struct world *w, uint64_t lines, uint64_t first_bad)
{
	struct reader *r;
	struct journal_check k;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(journal_verify(reader_conn(r), STR_NONE, &k, &err), RC_OK, err);
	CHECK_INT(k.first_bad, 0);
	CHECK_RC(deliveries_verify(w->s, reader_conn(r), &k, &err), RC_OK, err);
	CHECK_MSG(k.first_bad == first_bad, "line %llu: %s", (unsigned long long)k.first_bad,
		  k.words);
	if (!first_bad)
		CHECK_INT(k.lines, lines);
	store_read_end(r);
}

static struct journal_line line(struct world *w, uint64_t number, struct arena *a)
{
	struct reader *r;
	struct journal_line *list;
	size_t n;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(journal_list(reader_conn(r), number + 1, 1, a, &list, &n, &err), RC_OK, err);
	store_read_end(r);
	return n && list[0].number == number ? list[0] : (struct journal_line){ .act = STR("") };
}

static enum rc run_sql(struct tx *tx, void *ctx, struct err *e)
{
	return sql_run(sql(tx_conn(tx), ctx), e);
}

TEST(one_line_for_many)
{
	struct world w = opened();
	struct arena *a = arena_new(KIB(4));
	bool did = true;
	finish(&w, received(&w, "a"), REPORT_DONE, "token:1");
	finish(&w, received(&w, "b"), REPORT_DONE, "token:2");
	struct report slow = received(&w, "slow");
	finish(&w, received(&w, "c"), REPORT_REFUSED, "token:1");
	finish(&w, received(&w, "d"), REPORT_DONE, "token:1");
	CHECK_RC(deliveries_tend(w.s, w.j, &did, &err), RC_OK, err);
	CHECK(!did); /* few, and just come */
	CHECK_STR(line(&w, 1, a).act, STR("intake.refused"));
	CHECK_RC(deliveries_flush(w.s, w.j, &err), RC_OK, err);
	struct journal_line l = line(&w, 2, a);
	CHECK_STR(l.act, STR("intake"));
	CHECK_STR(l.object, STR("reports:1-5"));
	CHECK_INT(l.count, 3);
	CHECK_STR(l.body, STR("{\"by\":[{\"actor\":\"token:1\",\"reports\":2,\"events\":4},"
			      "{\"actor\":\"token:2\",\"reports\":1,\"events\":2}]}"));
	/* nothing new: no line; what comes to its end late has its own */
	CHECK_RC(deliveries_flush(w.s, w.j, &err), RC_OK, err);
	CHECK_STR(line(&w, 3, a).act, STR(""));
	finish(&w, slow, REPORT_DONE, "token:1");
	CHECK_STR(line(&w, 3, a).object, STR("report:3"));
	check(&w, 1, 0);
	arena_free(a);
	ended(&w);
}

static void pack_all(struct world *w)
{
	bool did = true;
	while (did) {
		did = false;
		CHECK_RC(reports_pack(w->s, NULL, &did, &err), RC_OK, err);
	}
}

static const struct {
	const char *what, *change;
	uint64_t first_bad;
} changes[] = {
	{"a packed one is lost",
	 "DELETE FROM report_page WHERE id IN (SELECT id FROM"
	 " report_page LIMIT 1)",
	 1},
	{"a plain one is lost", "DELETE FROM report WHERE id = 4100", 2},
	{"a plain one is another", "UPDATE report SET digest = randomblob(32) WHERE id = 4100", 2},
	{"two removed",
	 "UPDATE report SET id = CASE id WHEN 4100 THEN -1 ELSE -2 END WHERE id IN (4100, 4101)",
	 2},
};

TEST(the_root_holds_when_packed)
{
	struct world w = opened();
	bool did = false;
	add_done(w.s, 1, PACK_REPORTS + 1);
	CHECK_RC(deliveries_tend(w.s, w.j, &did, &err), RC_OK, err);
	CHECK(did);
	add_done(w.s, PACK_REPORTS + 1, PACK_REPORTS + 21);
	CHECK_RC(deliveries_flush(w.s, w.j, &err), RC_OK, err);
	check(&w, 2, 0);
	pack_all(&w);
	check(&w, 2, 0);
	/* undone: it came all the same */
	struct reader *r;
	struct report one;
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(report_load(reader_conn(r), 50, &one, &err), RC_OK, err);
	store_read_end(r);
	one.state = REPORT_UNDONE;
	CHECK_RC(store_write(w.s, save, &one, &err), RC_OK, err);
	check(&w, 2, 0);
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		struct world x = opened();
		add_done(x.s, 1, PACK_REPORTS + 1);
		CHECK_RC(deliveries_flush(x.s, x.j, &err), RC_OK, err);
		add_done(x.s, PACK_REPORTS + 1, PACK_REPORTS + 21);
		CHECK_RC(deliveries_flush(x.s, x.j, &err), RC_OK, err);
		pack_all(&x);
		CHECK_RC(store_write(x.s, run_sql, (void *)(uintptr_t)changes[i].change, &err),
			 RC_OK, err);
		check(&x, 2, changes[i].first_bad);
		ended(&x);
	}
	ended(&w);
}

TEST_MAIN(TEST_RUN(one_line_for_many), TEST_RUN(the_root_holds_when_packed))
