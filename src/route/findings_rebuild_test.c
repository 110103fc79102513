/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "route/findings_private.h"
#include "route/findings_world.h"
#include "store/upkeep.h"

TEST(rebuild_mends)
{
	struct world w = world_new();
	complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.1", 10), VULN("198.18.0.2", 10), VULN("198.18.0.3", 10)));
	complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.1", 20), VULN("198.18.0.3", 20)));
	DELIVER(&w, HONEYPOT, VULN("198.18.0.1", 15));
	fold(&w);
	CHECK_NEWS(&w, "opened opened opened gone");
	struct buf before = BUF_INIT(MIB(1)), after = BUF_INIT(MIB(1));
	dump(&w, &before);
	/* Counts that are wrong are put right without a word. */
	run_sql(&w, "UPDATE finding SET events = events + 5, first_seen = 1");
	run_sql(&w, "DELETE FROM finding_feed");
	CHECK_RC(findings_rebuild(w.s, w.d, &err), RC_OK, err);
	CHECK_NEWS(&w, "");
	dump(&w, &after);
	CHECK_STR(buf_str(&after), buf_str(&before));
	/* All lost: open ones are told again, as nobody can know that they were. */
	run_sql(&w, "DELETE FROM finding");
	run_sql(&w, "DELETE FROM finding_layer");
	CHECK_RC(findings_rebuild(w.s, w.d, &err), RC_OK, err);
	CHECK_NEWS(&w, "opened opened");
	dump(&w, &after);
	CHECK_STR(buf_str(&after), buf_str(&before));
	buf_free(&before);
	buf_free(&after);
	world_end(&w);
}

/* --- a file that is damaged, or not there --- */

static bool take_name(void *ctx, const char *name)
{
	snprintf(ctx, 64, "%s", name);
	return !strstr(name, ".seg");
}

TEST(damaged_layer)
{
	struct buf before = BUF_INIT(MIB(1)), after = BUF_INIT(MIB(1));
	for (int round = 0; round < 2; round++) {
		struct world w = world_new();
		struct io_dir *dir;
		struct io_file *f;
		char name[64] = "";
		uint64_t did;
		complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.1", 10), VULN("198.18.0.2", 10)));
		complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.1", 20)));
		CHECK_NEWS(&w, "opened opened gone");
		dump(&w, &before);
		CHECK_RC(io_dir_sub(store_dir(w.s), "findings", false, &dir, &err), RC_OK, err);
		CHECK_RC(io_dir_each(dir, take_name, name, &err), RC_OK, err);
		if (round) {
			CHECK_RC(io_unlink(dir, name, &err), RC_OK, err);
		} else {
			CHECK_RC(io_open(dir, name, IO_WRITE, &f, &err), RC_OK, err);
			CHECK_RC(io_write_at(f, 60, STR("damage"), &err), RC_OK, err);
			io_close(f);
		}
		io_dir_close(dir);
		store_close(w.s);
		struct verify_result v;
		CHECK_RC(store_open(w.dir.path, NULL, NULL, &w.s, &err), RC_OK, err);
		CHECK_RC(store_verify(w.s, NULL, NULL, NULL, &v, &err), RC_OK, err);
		CHECK_INT(v.damaged, 1);
		/* What cannot be read is not taken for absent. */
		DELIVER(&w, HONEYPOT, VULN("198.18.0.1", 15));
		CHECK_RC(findings_fold(w.s, w.d, 100, &did, &err), RC_INPUT, err);
		CHECK_NEWS(&w, "");
		CHECK_RC(findings_rebuild(w.s, w.d, &err), RC_OK, err);
		dump(&w, &after);
		CHECK_STR(buf_str(&after), buf_str(&before));
		CHECK_NEWS(&w, "opened");
		CHECK_RC(store_verify(w.s, NULL, NULL, NULL, &v, &err), RC_OK, err);
		CHECK_INT(v.damaged, 0);
		fold(&w);
		rebuild_changes_nothing(&w);
		world_end(&w);
	}
	buf_free(&before);
	buf_free(&after);
}

static void in_one_layer(void)
{
	way = IN_ONE_LAYER;
	test_damaged_layer();
}

/* --- many --- */

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(*seed >> 4) * sides >> 28);
}

/* Some hosts of `of`, in one report. */
static int64_t deliver_some(struct world *w, int64_t feed, uint32_t *seed, uint32_t of, uint32_t in_ten)
{
	static char ip[4000][32];
	static struct line lines[4000];
	size_t n = 0;
	for (uint32_t i = 0; i < of; i++) {
		static const char *const severities[] = { "low", "high", NULL };
		if (dice(seed, 10) >= in_ten)
			continue;
		snprintf(ip[n], sizeof(ip[n]), i % 7 ? "198.18.%u.%u" : "2001:db8::%x:%x", i / 250, i % 250);
		lines[n] = (struct line){ .ip = ip[n], .type = i % 5 ? "vulnerable-system" : "scanner",
					  .port = i % 3 ? 23 : 0, .at = dice(seed, 1000),
					  .severity = i % 11 ? NULL : severities[dice(seed, 3)] };
		n++;
	}
	return deliver(w, feed, lines, n);
}

struct paging {
	int64_t last_us;
	struct hash128 id;
	size_t n, disorder;
};
static bool page_one(void *ctx, const struct finding *f)
{
	struct paging *p = ctx;
	bool in_order = p->n == 0 || f->last_seen_us < p->last_us ||
			(f->last_seen_us == p->last_us && id_cmp(f->id, p->id) < 0);
	p->disorder += !in_order;
	p->last_us = f->last_seen_us;
	p->id = f->id;
	p->n++;
	return true;
}

/* Page by page the same findings as all at once, each once. */
static void check_pages(struct world *w)
{
	struct reader *r;
	const struct finding_query all = { .tlp_mask = 31 };
	struct finding_query page = { .tlp_mask = 31, .limit = 170 };
	struct paging whole = { 0 }, parts = { 0 };
	size_t before;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(findings_list(r, &all, page_one, &whole, &err), RC_OK, err);
	do {
		before = parts.n;
		CHECK_RC(findings_list(r, &page, page_one, &parts, &err), RC_OK, err);
		page.after = parts.id;
		page.after_last_seen_us = parts.last_us;
	} while (parts.n > before);
	store_read_end(r);
	CHECK(whole.n > 1000);
	CHECK_INT(parts.n, whole.n);
	CHECK_INT(whole.disorder + parts.disorder, 0);
}

TEST(many)
{
	struct world w = world_new();
	uint32_t seed = 7;
	struct buf said = BUF_INIT(MIB(4));
	for (int i = 0; i < 12; i++) {
		int64_t feed = 1 + i % 3;
		int64_t run = deliver_some(&w, feed, &seed, 4000, i % 4 == 3 ? 1 : 6);
		if (feed == HONEYPOT)
			fold(&w);
		else
			complete(&w, feed, run);
		if (i == 5)
			CHECK_RC(findings_before_forget(w.s, time_day(clock_now_us()) + 1, &err), RC_OK, err);
		do
			(void)news(&w, &said);
		while (said.n);
		if (i % 3 == 2) {
			rebuild_changes_nothing(&w);
			check_pages(&w);
		}
	}
	run_sql(&w, "UPDATE report SET state = 4 WHERE id = 11");
	CHECK_RC(findings_undo_report(w.s, w.d, 11, &err), RC_OK, err);
	tend(w.s);
	do
		(void)news(&w, &said);
	while (said.n);
	rebuild_changes_nothing(&w);
	check_pages(&w);
	buf_free(&said);
	world_end(&w);
}

/* Part by part, as when there are more findings than fit into memory. */
TEST(rebuild_in_parts)
{
	struct world w = world_new();
	struct buf before = BUF_INIT(MIB(1)), after = BUF_INIT(MIB(1));
	for (int i = 0; i < 40; i++) {
		char ip[32];
		snprintf(ip, sizeof(ip), "198.18.0.%d", i);
		DELIVER(&w, LIST, VULN(ip, i), VULN(ip, i + 1));
	}
	complete(&w, LIST, w.reports);
	CHECK_RC(findings_before_forget(w.s, time_day(clock_now_us()) + 1, &err), RC_OK, err);
	for (int i = 20; i < 60; i++) {
		char ip[32];
		snprintf(ip, sizeof(ip), "198.18.0.%d", i);
		DELIVER(&w, HONEYPOT, VULN(ip, i));
	}
	fold(&w);
	struct buf said = BUF_INIT(4096);
	(void)news(&w, &said);
	dump(&w, &before);
	for (size_t most = 2; most < 100; most *= 3) {
		run_sql(&w, "UPDATE finding SET events = events + 1");
		CHECK_RC(findings_rebuild_by(w.s, w.d, most, false, &err), RC_OK, err);
		dump(&w, &after);
		CHECK_STR(buf_str(&after), buf_str(&before));
		CHECK_NEWS(&w, "");
	}
	buf_free(&said);
	buf_free(&before);
	buf_free(&after);
	world_end(&w);
}

TEST(forgotten_events_still_count)
{
	struct world w = world_new();
	complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.1", 10), VULN("198.18.0.2", 10)));
	complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.1", 20)));
	DELIVER(&w, HONEYPOT, VULN("198.18.0.1", 30));
	CHECK_RC(findings_before_forget(w.s, time_day(clock_now_us()) + 1, &err), RC_BUSY, err);
	fold(&w);
	CHECK_NEWS(&w, "opened opened gone");
	CHECK_RC(findings_before_forget(w.s, time_day(clock_now_us()), &err), RC_OK, err);
	CHECK_RC(findings_before_forget(w.s, time_day(clock_now_us()) + 1, &err), RC_OK, err);
	rebuild_changes_nothing(&w); /* held: base and events, nothing twice */
	run_sql(&w, "DELETE FROM tail");
	run_sql(&w, "DELETE FROM chunk");
	rebuild_changes_nothing(&w);
	DELIVER(&w, HONEYPOT, VULN("198.18.0.1", 40));
	fold(&w);
	rebuild_changes_nothing(&w);
	CHECK_LIST(&w, 0, "ip 198.18.0.1 port 23 open 4");
	/* And once more on top of the base. */
	CHECK_RC(findings_before_forget(w.s, time_day(clock_now_us()) + 1, &err), RC_OK, err);
	run_sql(&w, "DELETE FROM tail");
	rebuild_changes_nothing(&w);
	world_end(&w);
}

TEST(undo)
{
	struct world w = world_new();
	struct buf before = BUF_INIT(MIB(1)), after = BUF_INIT(MIB(1));
	complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.1", 10), VULN("198.18.0.2", 10)));
	CHECK_NEWS(&w, "opened opened");
	dump(&w, &before);
	/* A bad run: one is new, one counts again, one seems gone. */
	int64_t bad = DELIVER(&w, LIST, VULN("198.18.0.1", 20), VULN("198.18.0.66", 20));
	complete(&w, LIST, bad);
	int64_t other = DELIVER(&w, HONEYPOT, VULN("198.18.0.1", 30));
	fold(&w);
	CHECK_NEWS(&w, "opened gone");
	run_sql(&w, "UPDATE report SET state = 4 WHERE id = 2");
	CHECK_INT(bad, 2);
	CHECK_RC(findings_undo_report(w.s, w.d, bad, &err), RC_OK, err);
	struct buf said = BUF_INIT(4096);
	str told = news(&w, &said);
	CHECK(str_eq(told, STR("gone returned")) || str_eq(told, STR("returned gone")));
	buf_free(&said);
	CHECK_LIST(&w, 0, "ip 198.18.0.1 port 23 open 2; ip 198.18.0.2 port 23 open 1");
	rebuild_changes_nothing(&w);
	CHECK_INT(other, 3);
	run_sql(&w, "UPDATE report SET state = 4 WHERE id = 3");
	CHECK_RC(findings_undo_report(w.s, w.d, other, &err), RC_OK, err);
	dump(&w, &after);
	CHECK_STR(buf_str(&after), buf_str(&before));
	buf_free(&before);
	buf_free(&after);
	world_end(&w);
}

TEST(undo_of_a_return)
{
	struct world w = world_new();
	struct buf before = BUF_INIT(MIB(1)), after = BUF_INIT(MIB(1));
	complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.1", 10)));
	complete(&w, LIST, deliver(&w, LIST, NULL, 0));
	dump(&w, &before);
	complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.1", 30)));
	CHECK_NEWS(&w, "opened gone returned");
	run_sql(&w, "UPDATE report SET state = 4 WHERE id = 3");
	CHECK_RC(findings_undo_report(w.s, w.d, 3, &err), RC_OK, err);
	CHECK_NEWS(&w, "gone");
	dump(&w, &after);
	CHECK_STR(buf_str(&after), buf_str(&before));
	buf_free(&before);
	buf_free(&after);
	world_end(&w);
}

TEST(follow_the_directory)
{
	struct world w = world_new();
	DELIVER(&w, HONEYPOT, VULN("198.18.0.1", 10), VULN("198.18.5.1", 20));
	fold(&w);
	CHECK_NEWS(&w, "opened opened");
	CHECK_RC(findings_reroute(w.s, w.d, &err), RC_OK, err);
	CHECK_NEWS(&w, "");
	directory_free(w.d);
	w.d = directory_of("198.18.5.0/24"); /* one lost, one won */
	CHECK_RC(findings_reroute(w.s, w.d, &err), RC_OK, err);
	CHECK_NEWS(&w, "changed changed");
	struct buf out = BUF_INIT(4096);
	struct listing l = { &out };
	struct reader *r;
	const struct finding_query q = { .tlp_mask = 31, .org = HOLDER };
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(findings_list(r, &q, list_one, &l, &err), RC_OK, err);
	store_read_end(r);
	CHECK_STR(buf_str(&out), STR("ip 198.18.5.1 port 23 open 1"));
	buf_free(&out);
	rebuild_changes_nothing(&w);
	world_end(&w);
}

/* --- rebuild beside a fold that goes on --- */

struct folding {
	struct world *w;
	bool stop; /* read and written by one thread each, atomically */
};

static void *fold_thread(void *ctx)
{
	struct folding *f = ctx;
	struct err why;
	while (!__atomic_load_n(&f->stop, __ATOMIC_ACQUIRE)) {
		uint64_t did;
		CHECK_RC(findings_fold(f->w->s, f->w->d, 3, &did, &why), RC_OK, why);
	}
	return NULL;
}

static void *tend_thread(void *ctx)
{
	struct folding *f = ctx;
	const struct tend_sizes by = { .rows = 1, .layers = 2, .transitions = 1 };
	struct err why;
	while (!__atomic_load_n(&f->stop, __ATOMIC_ACQUIRE)) {
		bool did;
		CHECK_RC(findings_tend_by(f->w->s, &by, &did, &why), RC_OK, why);
		CHECK_RC(store_tend(f->w->s, &did, &why), RC_OK, why);
	}
	return NULL;
}

TEST(beside_the_fold)
{
	struct world w = world_new();
	struct folding f = { .w = &w };
	struct err why;
	pthread_t thread, tender;
	CHECK(pthread_create(&thread, NULL, fold_thread, &f) == 0);
	if (way != IN_ROWS)
		CHECK(pthread_create(&tender, NULL, tend_thread, &f) == 0);
	for (int64_t i = 0; i < 60; i++) {
		static const char *const ips[] = { "198.18.0.1", "198.18.0.2", "198.19.0.3" };
		DELIVER(&w, HONEYPOT + i % 2, VULN(ips[i % 3], i), VULN(ips[(i + 1) % 3], 100 - i));
		if (i % 6 == 5)
			CHECK_RC(findings_rebuild(w.s, w.d, &why), RC_OK, why);
		if (i % 10 == 9)
			CHECK_RC(findings_before_forget(w.s, time_day(clock_now_us()), &why), RC_OK, why);
	}
	DELIVER(&w, LIST, VULN("198.18.0.1", 1003), VULN("198.18.0.2", 1002), VULN("198.19.0.3", 1001));
	__atomic_store_n(&f.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	if (way != IN_ROWS)
		pthread_join(tender, NULL);
	fold(&w);
	CHECK_NEWS(&w, "opened opened opened"); /* and nothing that was not true */
	CHECK_LIST(&w, 0, "ip 198.18.0.1 port 23 open 41; ip 198.18.0.2 port 23 open 41; "
			  "ip 198.19.0.3 port 23 open 41");
	rebuild_changes_nothing(&w);
	world_end(&w);
}

EVERY_WAY(rebuild_mends)
EVERY_WAY(many)
EVERY_WAY(rebuild_in_parts)
EVERY_WAY(forgotten_events_still_count)
EVERY_WAY(undo)
EVERY_WAY(undo_of_a_return)
EVERY_WAY(follow_the_directory)
EVERY_WAY(beside_the_fold)

TEST_MAIN(RUN_EVERY_WAY(rebuild_mends), { "damaged_layer", in_one_layer }, RUN_EVERY_WAY(many),
	  RUN_EVERY_WAY(rebuild_in_parts),
	  RUN_EVERY_WAY(forgotten_events_still_count), RUN_EVERY_WAY(undo),
	  RUN_EVERY_WAY(undo_of_a_return), RUN_EVERY_WAY(follow_the_directory),
	  RUN_EVERY_WAY(beside_the_fold))
