/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/feeds.h"

#include "base/arena.h"
#include "base/test.h"
#include "base/test_dir.h"

static struct err err;

struct place_of_test {
	struct test_dir dir;
	struct store *store;
	struct journal *journal;
	struct arena *a;
};

static struct place_of_test begin(void)
{
	struct place_of_test p = { .dir = test_dir_new(), .a = arena_new(KIB(16)) };

	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(p.dir.path, "Team", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(p.dir.path, NULL, NULL, &p.store, &err), RC_OK, err);
	CHECK_RC(journal_open(p.store, &p.journal, &err), RC_OK, err);
	return p;
}

static void end(struct place_of_test *p)
{
	journal_close(p->journal);
	store_close(p->store);
	arena_free(p->a);
	test_dir_end(&p->dir);
}

struct job {
	struct journal *journal;
	enum { ADD, OFF, ON, REPORTED, ACCURACY } what;
	struct feed feed;
	int64_t id, at_us;
};

static enum rc run_job(struct tx *tx, void *ctx, struct err *e)
{
	struct job *job = ctx;

	switch (job->what) {
	case ADD: return feed_add(tx, job->journal, &job->feed, STR("unix:1"), &job->id, e);
	case OFF: return feed_off(tx, job->journal, job->feed.name, STR("unix:1"), e);
	case ON: return feed_on(tx, job->journal, job->feed.name, STR("unix:1"), e);
	case REPORTED: return feed_reported(tx, job->id, job->at_us, e);
	case ACCURACY: return feed_set_accuracy(tx, job->journal, job->feed.name, (int)job->at_us, STR("unix:1"), e);
	}
	return RC_IO;
}

static enum rc do_job(struct place_of_test *p, struct job *job)
{
	job->journal = p->journal;
	return store_write(p->store, run_job, job, &err);
}

/* --- what may stand in a row --- */

static char long_text[2000];

TEST(only_sound_feeds_are_added)
{
	static const struct { const char *what; struct feed feed; enum rc rc; } cases[] = {
		{ "plain", { .name = STR_INIT("local"), .tlp = TLP_AMBER }, RC_OK },
		{ "twice", { .name = STR_INIT("local"), .tlp = TLP_GREEN }, RC_CONFLICT },
		{ "all signs", { .name = STR_INIT("0a_b.c-d"), .tlp = TLP_RED }, RC_OK },
		{ "no marking", { .name = STR_INIT("x"), .tlp = TLP_COUNT }, RC_INPUT },
		{ "wild marking", { .name = STR_INIT("x"), .tlp = (enum tlp)77 }, RC_INPUT },
		{ "no name", { .name = STR_INIT(""), .tlp = TLP_CLEAR }, RC_INPUT },
		{ "capital", { .name = STR_INIT("Local"), .tlp = TLP_CLEAR }, RC_INPUT },
		{ "dot first", { .name = STR_INIT(".x"), .tlp = TLP_CLEAR }, RC_INPUT },
		{ "slash", { .name = STR_INIT("a/b"), .tlp = TLP_CLEAR }, RC_INPUT },
		{ "quote", { .name = STR_INIT("a'b"), .tlp = TLP_CLEAR }, RC_INPUT },
		{ "NUL", { .name = STR_INIT("a\0b"), .tlp = TLP_CLEAR }, RC_INPUT },
		{ "63", { .name = { long_text, 63 }, .tlp = TLP_CLEAR }, RC_OK },
		{ "64", { .name = { long_text, 64 }, .tlp = TLP_CLEAR }, RC_INPUT },
		{ "line end in provider", { .name = STR_INIT("p"), .provider = STR_INIT("a\nb") }, RC_INPUT },
		{ "long provider", { .name = STR_INIT("p"), .provider = { long_text, 501 } }, RC_INPUT },
		{ "script as URL", { .name = STR_INIT("u"), .url = STR_INIT("javascript:1") }, RC_INPUT },
		{ "URL", { .name = STR_INIT("u"), .url = STR_INIT("https://example.org/x") }, RC_OK },
		{ "long format", { .name = STR_INIT("f"), .format = { long_text, 32 } }, RC_INPUT },
		{ "folder not whole", { .name = STR_INIT("f"), .folder = STR_INIT("in") }, RC_INPUT },
		{ "folder", { .name = STR_INIT("f"), .folder = STR_INIT("/srv/in") }, RC_OK },
		{ "as sure as can be", { .name = STR_INIT("s"), .has_accuracy = true, .accuracy = 100 }, RC_OK },
		{ "surer", { .name = STR_INIT("t"), .has_accuracy = true, .accuracy = 101 }, RC_INPUT },
		{ "less than nothing", { .name = STR_INIT("t"), .has_accuracy = true, .accuracy = -1 }, RC_INPUT },
		{ "negative period", { .name = STR_INIT("t"), .period_us = -1 }, RC_INPUT },
		{ "endless period", { .name = STR_INIT("t"), .period_us = INT64_MAX }, RC_INPUT },
	};
	struct place_of_test p = begin();

	memset(long_text, 'a', sizeof(long_text));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct job job = { .what = ADD, .feed = cases[i].feed };
		enum rc rc = do_job(&p, &job);

		CHECK_MSG(rc == cases[i].rc, "%s: %s", cases[i].what, rc_name(rc));
		CHECK((rc == RC_OK) == (job.id > 0));
	}
	end(&p);
}

/* --- coming back as they went in --- */

static const struct feed whole = {
	.name = STR_INIT("sensors"), .provider = STR_INIT("Example"), .url = STR_INIT("http://example.org/"),
	.licence = STR_INIT("CC0"), .tlp = TLP_AMBER_STRICT, .on = true, .exercise = true,
	.format = STR_INIT("ipline"), .mapping = STR_INIT("{\"a\":\0 1}"), .folder = STR_INIT("/srv"),
	.period_us = DAY_US, .complete = true, .has_accuracy = true, .accuracy = 70,
};

static void check_same(const struct feed *f)
{
	CHECK_STR(f->name, whole.name);
	CHECK_STR(f->provider, whole.provider);
	CHECK_STR(f->url, whole.url);
	CHECK_STR(f->licence, whole.licence);
	CHECK_INT(f->tlp, whole.tlp);
	CHECK(f->on && f->exercise && f->complete);
	CHECK_STR(f->format, whole.format);
	CHECK_STR(f->mapping, whole.mapping);
	CHECK_STR(f->folder, whole.folder);
	CHECK_INT(f->period_us, whole.period_us);
	CHECK(f->has_accuracy && f->accuracy == whole.accuracy);
	CHECK(f->made_us > 0);
}

TEST(read_back)
{
	struct place_of_test p = begin();
	struct job job = { .what = ADD, .feed = whole };
	struct reader *r;
	struct feed f, *list;
	size_t n;

	CHECK_RC(do_job(&p, &job), RC_OK, err);
	struct job plain = { .what = ADD, .feed = { .name = STR("local"), .tlp = TLP_AMBER } };
	CHECK_RC(do_job(&p, &plain), RC_OK, err);
	job.what = REPORTED;
	job.at_us = 5;
	CHECK_RC(do_job(&p, &job), RC_OK, err);
	job.at_us = 4; /* an older report ends later */
	CHECK_RC(do_job(&p, &job), RC_OK, err);

	CHECK_RC(store_read_begin(p.store, &r, &err), RC_OK, err);
	struct conn *c = reader_conn(r);
	CHECK_RC(feed_by_name(c, STR("sensors"), p.a, &f, &err), RC_OK, err);
	check_same(&f);
	CHECK_INT(f.last_report_us, 5);
	CHECK_RC(feed_by_id(c, job.id, p.a, &f, &err), RC_OK, err);
	check_same(&f);
	CHECK_RC(feed_by_name(c, STR("local"), p.a, &f, &err), RC_OK, err);
	CHECK_STR(f.format, STR("auto"));
	CHECK_STR(f.mapping, STR(""));
	CHECK(!f.on && !f.has_accuracy);
	CHECK_RC(feed_list(c, p.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 2);
	CHECK_STR(list[0].name, STR("local"));
	CHECK_RC(feed_by_name(c, STR("none"), p.a, &f, &err), RC_ABSENT, err);
	CHECK_RC(feed_by_name(c, STR_NONE, p.a, &f, &err), RC_ABSENT, err);
	CHECK_RC(feed_by_id(c, 99, p.a, &f, &err), RC_ABSENT, err);
	store_read_end(r);
	end(&p);
}

TEST(how_sure_it_is)
{
	static const struct { const char *name; int accuracy; enum rc rc; bool has; } cases[] = {
		{ "sensors", 0, RC_OK, true },	    { "sensors", 100, RC_OK, true }, { "sensors", 101, RC_INPUT, true },
		{ "sensors", -2, RC_INPUT, true }, { "sensors", -1, RC_OK, false }, { "nothing", 5, RC_ABSENT, false },
	};
	struct place_of_test p = begin();
	struct job job = { .what = ADD, .feed = whole };
	CHECK_RC(do_job(&p, &job), RC_OK, err);
	job.what = ACCURACY;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct reader *r;
		struct feed f;
		job.feed.name = str_of(cases[i].name);
		job.at_us = cases[i].accuracy;
		CHECK_RC(do_job(&p, &job), cases[i].rc, err);
		CHECK_RC(store_read_begin(p.store, &r, &err), RC_OK, err);
		CHECK_RC(feed_by_name(reader_conn(r), STR("sensors"), p.a, &f, &err), RC_OK, err);
		CHECK(f.has_accuracy == cases[i].has);
		if (cases[i].rc == RC_OK && cases[i].has)
			CHECK_INT(f.accuracy, cases[i].accuracy);
		store_read_end(r);
	}
	end(&p);
}

TEST(off_is_written_down_and_nothing_is_lost)
{
	struct place_of_test p = begin();
	struct job job = { .what = ADD, .feed = whole };
	struct journal_line *lines;
	struct reader *r;
	struct feed f;
	size_t n;

	CHECK_RC(do_job(&p, &job), RC_OK, err);
	job.what = OFF;
	CHECK_RC(do_job(&p, &job), RC_OK, err);
	CHECK_RC(store_read_begin(p.store, &r, &err), RC_OK, err);
	CHECK_RC(feed_by_id(reader_conn(r), job.id, p.a, &f, &err), RC_OK, err);
	CHECK(!f.on);
	store_read_end(r);
	job.what = ON;
	CHECK_RC(do_job(&p, &job), RC_OK, err);
	struct job none = { .what = OFF, .feed = { .name = STR("none") } };
	CHECK_RC(do_job(&p, &none), RC_ABSENT, err);

	CHECK_RC(store_read_begin(p.store, &r, &err), RC_OK, err);
	CHECK_RC(journal_list(reader_conn(r), 0, 10, p.a, &lines, &n, &err), RC_OK, err);
	CHECK_INT(n, 3);
	if (n == 3) {
		CHECK_STR(lines[0].act, STR("feed.on"));
		CHECK_STR(lines[1].act, STR("feed.off"));
		CHECK_STR(lines[1].object, STR("feed:sensors"));
		CHECK_STR(lines[1].actor, STR("unix:1"));
		CHECK_STR(lines[2].act, STR("feed.add"));
		CHECK(str_find(lines[2].body, STR("AMBER+STRICT")) < lines[2].body.n);
	}
	store_read_end(r);
	end(&p);
}

TEST(many)
{
	struct place_of_test p = begin();
	struct reader *r;
	struct feed *list;
	size_t n;

	for (int i = 0; i < 40; i++) {
		struct job job = { .what = ADD, .feed = { .name = arena_fmt(p.a, "f%02d", i) } };
		CHECK_RC(do_job(&p, &job), RC_OK, err);
	}
	CHECK_RC(store_read_begin(p.store, &r, &err), RC_OK, err);
	CHECK_RC(feed_list(reader_conn(r), p.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 40);
	CHECK_STR(list[39].name, STR("f39"));
	store_read_end(r);
	end(&p);
}

TEST_MAIN(TEST_RUN(only_sound_feeds_are_added), TEST_RUN(read_back), TEST_RUN(how_sure_it_is),
	  TEST_RUN(off_is_written_down_and_nothing_is_lost), TEST_RUN(many))
