/* SPDX-License-Identifier: Apache-2.0 */
#include "route/findings_world.h"

TEST(opened_and_counted)
{
	struct world w = world_new();
	DELIVER(&w, HONEYPOT, VULN("198.18.0.1", 10), VULN("198.18.0.2", 20), VULN("198.18.0.1", 30));
	fold(&w);
	CHECK_LIST(&w, 0, "ip 198.18.0.1 port 23 open 2; ip 198.18.0.2 port 23 open 1");
	CHECK_NEWS(&w, "opened opened");
	fold(&w); /* nothing twice */
	DELIVER(&w, HONEYPOT, VULN("198.18.0.2", 5));
	fold(&w);
	CHECK_LIST(&w, 0, "ip 198.18.0.1 port 23 open 2; ip 198.18.0.2 port 23 open 2");
	CHECK_NEWS(&w, "");
	rebuild_changes_nothing(&w);
	world_end(&w);
}

TEST(caught_up)
{
	struct world w = world_new();
	struct reader *r;
	bool done = false;
	for (int i = 0; i < 2; i++) {
		CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
		CHECK_RC(findings_caught_up(r, &done, &err), RC_OK, err);
		store_read_end(r);
		CHECK(done == (i == 0));
		DELIVER(&w, HONEYPOT, { .ip = "198.18.0.1", .type = "test" });
	}
	fold(&w); /* events that make no finding move the cursor too */
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(findings_caught_up(r, &done, &err), RC_OK, err);
	store_read_end(r);
	CHECK(done);
	CHECK_LIST(&w, 0, "");
	world_end(&w);
}

/* Folded one by one, with a restart in between, as well as all at once. */
TEST(steps_do_not_matter)
{
	struct buf whole = BUF_INIT(MIB(1)), parts = BUF_INIT(MIB(1));
	for (int round = 0; round < 2; round++) {
		struct world w = world_new();
		for (int64_t i = 0; i < 40; i++) {
			static const char *const ips[] = { "198.18.0.1", "198.18.0.2", "198.19.0.3" };
			static const char *const severities[] = { "low", "high" };
			DELIVER(&w, HONEYPOT + i % 2, { .ip = ips[i % 3], .type = "vulnerable-system", .port = 23,
						  .at = i * 7 % 11, .severity = severities[i % 2], .tlp = (int)(i % 4) });
			if (round == 0)
				continue;
			uint64_t did = 1;
			CHECK_RC(findings_fold(w.s, w.d, 1, &did, &err), RC_OK, err);
			if (i % 10 == 0) {
				store_close(w.s);
				CHECK_RC(store_open(w.dir.path, NULL, NULL, &w.s, &err), RC_OK, err);
			}
		}
		fold(&w);
		struct reader *r;
		const struct finding_query q = { .tlp_mask = 31 };
		CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
		CHECK_RC(findings_list(r, &q, dump_one, round ? &parts : &whole, &err), RC_OK, err);
		store_read_end(r);
		struct buf news_ = BUF_INIT(MIB(1));
		(void)news(&w, &news_);
		buf_free(&news_);
		rebuild_changes_nothing(&w);
		world_end(&w);
	}
	/* Ids differ between nodes, and with them the order of what was seen last at one time. */
	CHECK(whole.n > 100 && whole.n == parts.n);
	str lines = buf_str(&whole);
	for (str l; str_line(&lines, &l);)
		CHECK_MSG(str_find(buf_str(&parts), l) < parts.n, "only at once: " STR_FMT, STR_ARG(l));
	buf_free(&whole);
	buf_free(&parts);
}

TEST(changed)
{
	struct world w = world_new();
	DELIVER(&w, HONEYPOT, { .ip = "198.18.0.1", .type = "scanner", .severity = "low", .at = 10, .tlp = TLP_AMBER });
	fold(&w);
	CHECK_NEWS(&w, "opened");
	DELIVER(&w, HONEYPOT, { .ip = "198.18.0.1", .type = "scanner", .severity = "high", .at = 20, .tlp = TLP_CLEAR });
	fold(&w);
	CHECK_NEWS(&w, "changed");
	/* What is older than we know changes only counts. */
	DELIVER(&w, HONEYPOT, { .ip = "198.18.0.1", .type = "scanner", .severity = "low", .at = 15 });
	fold(&w);
	CHECK_NEWS(&w, "");
	struct reader *r;
	struct buf out = BUF_INIT(4096);
	const struct finding_query amber = { .tlp_mask = 1u << TLP_AMBER };
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(findings_list(r, &amber, dump_one, &out, &err), RC_OK, err);
	store_read_end(r);
	CHECK_STR(buf_str(&out), STR("ip 198.18.0.1 open 3 0 1700000010000000 1700000020000000 3 2 0 high 1\n"));
	buf_free(&out);
	rebuild_changes_nothing(&w);
	world_end(&w);
}

TEST(how_sure_they_are)
{
	struct world w = world_new();
	struct buf before = BUF_INIT(MIB(1)), after = BUF_INIT(MIB(1));
	DELIVER(&w, HONEYPOT, { .ip = "198.18.0.1", .type = "scanner", .at = 10 }, { .ip = "198.18.0.2", .type = "scanner", .at = 10, .accuracy = 1 });
	fold(&w);
	CHECK_NEWS(&w, "opened opened");
	DELIVER(&w, LIST, { .ip = "198.18.0.1", .type = "scanner", .at = 20, .accuracy = 41 });
	fold(&w);
	CHECK_NEWS(&w, "changed"); /* one says how sure it is */
	DELIVER(&w, HONEYPOT, { .ip = "198.18.0.1", .type = "scanner", .at = 30, .accuracy = 21 },
		{ .ip = "198.18.0.1", .type = "scanner", .at = 40 });
	fold(&w);
	CHECK_NEWS(&w, ""); /* the surest counts */
	DELIVER(&w, HONEYPOT, { .ip = "198.18.0.1", .type = "scanner", .at = 5, .accuracy = 101 });
	fold(&w);
	CHECK_NEWS(&w, "changed"); /* whenever it was */
	dump(&w, &before);
	CHECK(str_find(buf_str(&before), STR("sure 100")) < before.n && str_find(buf_str(&before), STR("sure 0")) < before.n);
	rebuild_changes_nothing(&w);
	/* Forgotten days still say it. */
	CHECK_RC(findings_before_forget(w.s, time_day(clock_now_us()) + 1, &err), RC_OK, err);
	run_sql(&w, "DELETE FROM tail");
	run_sql(&w, "DELETE FROM chunk");
	rebuild_changes_nothing(&w);
	dump(&w, &after);
	CHECK_STR(buf_str(&after), buf_str(&before));
	buf_free(&before);
	buf_free(&after);
	world_end(&w);
}

TEST(exercises_apart)
{
	struct world w = world_new();
	DELIVER(&w, HONEYPOT, VULN("198.18.0.1", 10),
		{ .ip = "198.18.0.1", .type = "vulnerable-system", .port = 23, .at = 20, .exercise = true });
	fold(&w);
	CHECK_LIST(&w, 0, "ip 198.18.0.1 port 23 open 1 exercise; ip 198.18.0.1 port 23 open 1");
	struct reader *r;
	struct buf out = BUF_INIT(4096);
	struct listing l = { &out };
	const struct finding_query real = { .tlp_mask = 31 };
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(findings_list(r, &real, list_one, &l, &err), RC_OK, err);
	store_read_end(r);
	CHECK_STR(buf_str(&out), STR("ip 198.18.0.1 port 23 open 1"));
	buf_free(&out);
	world_end(&w);
}

TEST(gone_and_returned)
{
	struct world w = world_new();
	int64_t first = DELIVER(&w, LIST, VULN("198.18.0.1", 10), VULN("198.18.0.2", 10));
	complete(&w, LIST, first);
	CHECK_NEWS(&w, "opened opened");
	int64_t second = DELIVER(&w, LIST, VULN("198.18.0.1", 20));
	complete(&w, LIST, second);
	complete(&w, LIST, second); /* a run counts once */
	CHECK_NEWS(&w, "gone");
	CHECK_LIST(&w, 0, "ip 198.18.0.1 port 23 open 2");
	CHECK_LIST(&w, FINDING_GONE, "ip 198.18.0.2 port 23 gone 1");
	rebuild_changes_nothing(&w);
	int64_t third = DELIVER(&w, LIST, VULN("198.18.0.1", 30), VULN("198.18.0.2", 30));
	complete(&w, LIST, third);
	CHECK_NEWS(&w, "returned");
	CHECK_LIST(&w, FINDING_RETURNED, "ip 198.18.0.2 port 23 returned 2");
	rebuild_changes_nothing(&w);
	world_end(&w);
}

/* A run that is empty is a run; one that never came is none. */
TEST(empty_and_silent)
{
	struct world w = world_new();
	complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.1", 10)));
	DELIVER(&w, HONEYPOT, VULN("198.18.0.9", 1000));
	fold(&w);
	CHECK_NEWS(&w, "opened opened");
	complete(&w, LIST, deliver(&w, LIST, NULL, 0));
	CHECK_NEWS(&w, "gone");
	CHECK_LIST(&w, 0, "ip 198.18.0.9 port 23 open 1");
	world_end(&w);
}

TEST(not_before_all_is_folded)
{
	struct world w = world_new();
	complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.1", 10)));
	int64_t second = DELIVER(&w, LIST, VULN("198.18.0.1", 20));
	CHECK_RC(findings_run_complete(w.s, LIST, second, &err), RC_OK, err);
	CHECK_LIST(&w, FINDING_GONE, "");
	complete(&w, LIST, second);
	CHECK_LIST(&w, 0, "ip 198.18.0.1 port 23 open 2");
	world_end(&w);
}

TEST(two_feeds)
{
	struct world w = world_new();
	complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.1", 10), VULN("198.18.0.2", 10), VULN("198.18.0.3", 10)));
	complete(&w, LIST_TOO, DELIVER(&w, LIST_TOO, VULN("198.18.0.1", 5), VULN("198.18.0.2", 15)));
	DELIVER(&w, HONEYPOT, VULN("198.18.0.3", 20));
	fold(&w);
	CHECK_NEWS(&w, "opened opened opened");
	rebuild_changes_nothing(&w);
	/* The first feed misses all three. 1: the other saw it before, so it is
	 * gone; 2: the other list saw it later; 3: the honeypot did. */
	complete(&w, LIST, deliver(&w, LIST, NULL, 0));
	CHECK_NEWS(&w, "gone");
	CHECK_LIST(&w, FINDING_GONE, "ip 198.18.0.1 port 23 gone 2");
	rebuild_changes_nothing(&w);
	/* Now the other list misses 2 as well. */
	complete(&w, LIST_TOO, deliver(&w, LIST_TOO, NULL, 0));
	CHECK_NEWS(&w, "gone");
	CHECK_LIST(&w, 0, "ip 198.18.0.3 port 23 open 2");
	rebuild_changes_nothing(&w);
	world_end(&w);
}

struct noting {
	struct seen_again list[4];
	size_t n;
	int64_t feed, run;
};
static enum rc note_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct noting *n = ctx;
	return findings_note_seen(tx, n->feed, n->run, n->list, n->n, e);
}
/* A run of which all lines are exact repeats: no events. */
static int64_t deliver_repeats(struct world *w, int64_t feed, const struct line *lines, size_t n)
{
	struct batch *b = batch_new();
	struct noting note = { .feed = feed, .run = deliver(w, feed, NULL, 0) };
	const bool repeat[4] = { true, true, true, true };
	for (size_t i = 0; i < n; i++)
		fill(b, &lines[i]);
	note.n = findings_seen_again(w->s, b, repeat, 0, note.list);
	CHECK_INT(note.n, n);
	CHECK_RC(store_write(w->s, note_job, &note, &err), RC_OK, err);
	batch_free(b);
	return note.run;
}

TEST(repeats_stand_in_a_run)
{
	struct world w = world_new();
	const struct line lines[] = { VULN("198.18.0.1", 10), VULN("198.18.0.2", 10) };
	complete(&w, LIST, deliver(&w, LIST, lines, 2));
	complete(&w, LIST, deliver_repeats(&w, LIST, lines, 1));
	CHECK_NEWS(&w, "opened opened gone");
	CHECK_LIST(&w, 0, "ip 198.18.0.1 port 23 open 1");
	rebuild_changes_nothing(&w);
	complete(&w, LIST, deliver_repeats(&w, LIST, lines, 2));
	CHECK_NEWS(&w, "returned");
	rebuild_changes_nothing(&w);
	world_end(&w);
}

/* The repeat may come before its first event is folded. */
TEST(repeat_before_the_fold)
{
	struct world w = world_new();
	const struct line lines[] = { VULN("198.18.0.1", 10), VULN("198.18.0.2", 10) };
	deliver(&w, LIST, lines, 2);
	complete(&w, LIST, deliver_repeats(&w, LIST, lines, 1));
	CHECK_NEWS(&w, "opened opened gone");
	CHECK_LIST(&w, 0, "ip 198.18.0.1 port 23 open 1");
	world_end(&w);
}

TEST(shared_address)
{
	struct world w = world_new();
#define CLIENT(when, p) { .ip = "100.64.0.1", .type = "infected-system", .port = (p), .at = (when) }
	complete(&w, LIST, DELIVER(&w, LIST, CLIENT(10, 4000), CLIENT(20, 4001), CLIENT(20, 4002)));
	CHECK_NEWS(&w, "opened opened opened");
	complete(&w, LIST, deliver(&w, LIST, NULL, 0));
	CHECK_NEWS(&w, "");
	struct reader *r;
	struct buf out = BUF_INIT(4096);
	struct listing l = { &out };
	const struct finding_query q = { .tlp_mask = 31, .org = TELCO, .limit = 1 };
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(findings_list(r, &q, list_one, &l, &err), RC_OK, err);
	store_read_end(r);
	CHECK(str_find(buf_str(&out), STR(" at 2023-11-14T22:13:40+00:00 open 1")) < out.n);
	buf_free(&out);
	/* The day's word counts: a directory that says otherwise now makes nothing new of it. */
	directory_free(w.d);
	w.d = directory_of("198.18.0.0/24");
	rebuild_changes_nothing(&w);
	world_end(&w);
}

static enum rc mark_job(struct tx *tx, void *ctx, struct err *e)
{
	return findings_mark(tx, *(struct hash128 *)ctx, MARK_TOLD, STR("by mail"), STR("unix:1000"), e);
}
static bool take_id(void *ctx, const struct finding *f)
{
	*(struct hash128 *)ctx = f->id;
	return false;
}

/* A view does not change: what was found in it once is the same the second time, in another arena, whatever was
 * written meanwhile. */
TEST(found_again)
{
	struct world w = world_new();
	DELIVER(&w, HONEYPOT, VULN("198.18.0.1", 10), VULN("198.18.5.1", 20));
	fold(&w);
	struct reader *r, *later;
	struct hash128 id = { 0 }, unknown = { 1, 2 };
	struct arena *first = arena_new(KIB(16)), *second = arena_new(KIB(16));
	struct finding f, again;
	const struct finding_query q = { .tlp_mask = 31, .limit = 1 };
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(findings_list(r, &q, take_id, &id, &err), RC_OK, err);
	CHECK_RC(findings_get(r, id, first, &f, &err), RC_OK, err);
	CHECK_RC(findings_get(r, unknown, first, &again, &err), RC_ABSENT, err);
	CHECK_RC(store_write(w.s, mark_job, &id, &err), RC_OK, err);
	char *key = arena_z(second, f.key);
	arena_reset(first);
	(void)memset(arena_alloc(first, KIB(8)), 'x', KIB(8));
	CHECK_RC(findings_get(r, id, second, &again, &err), RC_OK, err);
	CHECK_STR(again.key, str_of(key));
	CHECK(id_cmp(again.id, id) == 0 && again.told_us == 0 && again.events == 1);
	CHECK_INT(again.concerns.count, f.concerns.count);
	CHECK_RC(store_read_begin(w.s, &later, &err), RC_OK, err);
	CHECK_RC(findings_get(later, id, second, &again, &err), RC_OK, err);
	CHECK(again.told_us > 0);
	CHECK_RC(findings_get(later, id, first, &again, &err), RC_OK, err);
	CHECK_STR(again.mark_reason, STR("by mail"));
	CHECK(again.told_us > 0);
	store_read_end(later);
	store_read_end(r);
	arena_free(first);
	arena_free(second);
	world_end(&w);
}

struct marking {
	struct finding_marked list[4];
	size_t count, marked;
};

static enum rc mark_many(struct tx *tx, void *ctx, struct err *e)
{
	struct marking *k = ctx;
	return findings_mark_all(tx, k->list, k->count, MARK_TOLD, STR("node:teller"), &k->marked, e);
}

TEST(marks_of_many)
{
	struct world w = world_new();
	DELIVER(&w, HONEYPOT, VULN("198.18.0.1", 10), VULN("198.18.5.1", 20));
	fold(&w);
	struct reader *r;
	struct finding f;
	struct arena *a = arena_new(KIB(16));
	struct finding_query q = { .tlp_mask = 31, .limit = 1 };
	struct marking k = { .count = 4 };
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(findings_list(r, &q, take_id, &k.list[0].id, &err), RC_OK, err);
	CHECK_RC(findings_get(r, k.list[0].id, a, &f, &err), RC_OK, err);
	q.after = f.id;
	q.after_last_seen_us = f.last_seen_us;
	CHECK_RC(findings_list(r, &q, take_id, &k.list[1].id, &err), RC_OK, err);
	store_read_end(r);
	k.list[0].reason = STR("message 1");
	k.list[1].reason = STR("message 1");
	k.list[2] = (struct finding_marked){ { 3, 4 }, STR("message 1") }; /* there is none */
	k.list[3] = (struct finding_marked){ k.list[0].id, STR("message 2") };
	CHECK_RC(store_write(w.s, mark_many, &k, &err), RC_OK, err);
	CHECK_INT(k.marked, 2);
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	for (size_t i = 0; i < 2; i++) {
		CHECK_RC(findings_get(r, k.list[i].id, a, &f, &err), RC_OK, err);
		CHECK(f.told_us > 0);
		CHECK_STR(f.mark_reason, STR("message 1"));
	}
	store_read_end(r);
	k.count = 0;
	CHECK_RC(store_write(w.s, mark_many, &k, &err), RC_OK, err);
	CHECK_INT(k.marked, 0);
	arena_free(a);
	world_end(&w);
}

TEST(filters_and_marks)
{
	struct world w = world_new();
	DELIVER(&w, HONEYPOT, { .ip = "198.18.0.1", .type = "scanner", .severity = "high", .at = 10 },
		{ .ip = "198.18.5.1", .type = "scanner", .severity = "low", .at = 20 }, VULN("2001:db8::1", 30));
	fold(&w);
	struct net net;
	CHECK(net_parse(STR("198.18.0.0/16"), true, &net));
	const struct {
		const char *what;
		struct finding_query q;
		size_t want;
	} asked[] = {
		{ "all", { .tlp_mask = 31 }, 3 },
		{ "no marking allowed", { .tlp_mask = 0 }, 0 },
		{ "type", { .tlp_mask = 31, .type = "scanner" }, 2 },
		{ "severity", { .tlp_mask = 31, .severity = "high" }, 1 },
		{ "network", { .tlp_mask = 31, .net = net, .has_net = true }, 2 },
		{ "organisation", { .tlp_mask = 31, .org = HOLDER }, 1 },
		{ "no such organisation", { .tlp_mask = 31, .org = 99 }, 0 },
		{ "gone", { .tlp_mask = 31, .state = FINDING_GONE }, 0 },
		{ "limit", { .tlp_mask = 31, .limit = 2 }, 2 },
	};
	struct reader *r;
	struct hash128 id = { 0 };
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(asked); i++) {
		struct buf out = BUF_INIT(4096);
		size_t lines = 0;
		CHECK_RC(findings_list(r, &asked[i].q, dump_one, &out, &err), RC_OK, err);
		for (size_t k = 0; k < out.n; k++)
			lines += out.p[k] == '\n';
		CHECK_MSG(lines == asked[i].want, "%s: %zu", asked[i].what, lines);
		buf_free(&out);
	}
	/* Page by page. */
	struct finding_query page = { .tlp_mask = 31, .limit = 1 };
	struct arena *a = arena_new(KIB(16));
	struct finding f;
	size_t pages = 0;
	for (struct hash128 last = { 0 }; pages < 5; pages++) {
		id = last;
		CHECK_RC(findings_list(r, &page, take_id, &last, &err), RC_OK, err);
		if (last.hi == id.hi && last.lo == id.lo)
			break;
		CHECK_RC(findings_get(r, last, a, &f, &err), RC_OK, err);
		page.after = last;
		page.after_last_seen_us = f.last_seen_us;
	}
	CHECK_INT(pages, 3);
	store_read_end(r);
	CHECK_RC(store_write(w.s, mark_job, &id, &err), RC_OK, err);
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(findings_get(r, id, a, &f, &err), RC_OK, err);
	CHECK(f.told_us > 0 && f.answered_us == 0 && f.held_us == 0);
	CHECK_STR(f.mark_reason, STR("by mail"));
	id.lo++;
	CHECK_RC(findings_get(r, id, a, &f, &err), RC_ABSENT, err);
	store_read_end(r);
	CHECK_RC(store_write(w.s, mark_job, &id, &err), RC_ABSENT, err);
	arena_free(a);
	world_end(&w);
}

TEST(feeds_of_a_finding)
{
	struct world w = world_new();
	DELIVER(&w, LIST, VULN("198.18.0.1", 10), VULN("198.18.0.1", 40));
	fold(&w);
	struct hash128 id = { 0 };
	for (int round = 1; round <= 2; round++) {
		struct reader *r;
		struct arena *a = arena_new(KIB(16));
		struct finding_feed *feeds;
		const struct finding_query q = { .tlp_mask = 31 };
		size_t n = 0;
		CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
		CHECK_RC(findings_list(r, &q, take_id, &id, &err), RC_OK, err);
		CHECK_RC(findings_feeds(r, id, a, &feeds, &n, &err), RC_OK, err);
		CHECK_INT(n, round);
		CHECK(feeds[0].feed == LIST && feeds[0].first_seen_us == 1700000010 * SECOND_US &&
		      feeds[0].last_seen_us == 1700000040 * SECOND_US && feeds[0].report == 1);
		if (round == 2)
			CHECK(feeds[1].feed == HONEYPOT && feeds[1].first_seen_us == 1700000020 * SECOND_US &&
			      feeds[1].last_seen_us == 1700000020 * SECOND_US);
		store_read_end(r);
		arena_free(a);
		DELIVER(&w, HONEYPOT, VULN("198.18.0.1", 20));
		fold(&w);
	}
	world_end(&w);
}

static size_t lines_of(const char *path, struct buf *out)
{
	char piece[4096];
	size_t n, lines = 0;
	FILE *f = fopen(path, "re");
	buf_reset(out);
	while (f && (n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add_mem(out, piece, n);
	if (f)
		fclose(f);
	for (size_t i = 0; i < out->n; i++)
		lines += out->p[i] == '\n';
	return lines;
}

TEST(file_teller)
{
	struct world w = world_new();
	char path[512];
	uint64_t told;
	struct buf text = BUF_INIT(MIB(1));
	test_dir_in(&w.dir, path, "transitions.txt");
	DELIVER(&w, HONEYPOT, VULN("198.18.0.1", 10), VULN("198.18.0.2", 10));
	fold(&w);
	CHECK_RC(transitions_tell_file(w.s, path, &told, &err), RC_OK, err);
	CHECK_INT(told, 2);
	CHECK_INT(lines_of(path, &text), 2);
	CHECK(str_starts(buf_str(&text), STR("1 ")) && str_find(buf_str(&text), STR(" opened ")) < text.n &&
	      str_find(buf_str(&text), STR(" TLP:CLEAR\n")) < text.n);
	CHECK_RC(transitions_tell_file(w.s, path, &told, &err), RC_OK, err);
	CHECK_INT(told, 0);
	/* The cursor was lost after the file was synced: no line twice. */
	run_sql(&w, "DELETE FROM cursor WHERE name = 'teller:file'");
	/* The machine died within a line: it is written whole again. */
	DELIVER(&w, HONEYPOT, VULN("198.18.0.3", 10));
	fold(&w);
	FILE *f = fopen(path, "ae");
	CHECK(f && fputs("3 2026-", f) >= 0);
	if (f)
		fclose(f);
	CHECK_RC(transitions_tell_file(w.s, path, &told, &err), RC_OK, err);
	CHECK_INT(lines_of(path, &text), 3);
	CHECK(str_find(buf_str(&text), STR("\n3 ")) < text.n);
	CHECK_RC(transitions_tell_file(w.s, "/nonexistent/x", &told, &err), RC_ABSENT, err);
	buf_free(&text);
	world_end(&w);
}

TEST(tellers)
{
	struct world w = world_new();
	struct reader *r;
	struct transition_row *rows;
	struct arena *a = arena_new(KIB(16));
	size_t n;
	uint64_t low = 1;
	DELIVER(&w, HONEYPOT, VULN("198.18.0.1", 10), VULN("198.18.0.2", 10));
	fold(&w);
	CHECK_NEWS(&w, "opened opened");
	CHECK_RC(store_write(w.s, told_job, &low, &err), RC_OK, err); /* never back */
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(transitions_read(reader_conn(r), "test", 10, a, &rows, &n, &err), RC_OK, err);
	CHECK_INT(n, 0);
	CHECK_RC(transitions_read(reader_conn(r), "other", 1, a, &rows, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	CHECK_INT(rows[0].seq, 1);
	CHECK_RC(transitions_read(reader_conn(r), "", 1, a, &rows, &n, &err), RC_INPUT, err);
	store_read_end(r);
	arena_free(a);
	world_end(&w);
}

/* New findings a second, the hard case: each event is another one. */
TEST(speed)
{
	enum { ROWS = 4000, BATCHES = 5 };
	struct world w = world_new();
	struct delivery d = { .w = &w, .feed = HONEYPOT, .n = ROWS };
	for (uint32_t k = 0; k < BATCHES; k++) {
		struct report r = { .id = ++w.reports, .feed = HONEYPOT, .received_us = clock_now_us() };
		d.b = batch_new();
		for (uint32_t i = 0; i < ROWS; i++) {
			char ip[32];
			snprintf(ip, sizeof(ip), "198.18.%u.%u", (k * ROWS + i) >> 8 & 255, i & 255);
			fill(d.b, &(struct line){ .ip = ip, .type = "vulnerable-system", .port = 1 + (int)i, .at = i });
		}
		CHECK_RC(event_chunk_new(d.b, &r, NULL, &d.chunk, &err), RC_OK, err);
		CHECK_RC(store_write(w.s, deliver_job, &d, &err), RC_OK, err);
		event_chunk_free(d.chunk);
		batch_free(d.b);
	}
	int64_t start = clock_mono_us();
	fold(&w);
	int64_t us = clock_mono_us() - start;
	printf("# %.0f k new findings/s\n", 1000.0 * ROWS * BATCHES / (double)us);
	world_end(&w);
}

struct given {
	uint64_t seq[8];
	size_t n, most;
};

static bool take_event(void *ctx, const struct event_row *e, size_t place)
{
	struct given *g = ctx;
	CHECK(place == 0 && g->n < COUNT_OF(g->seq));
	g->seq[g->n++] = e->seq;
	return g->n < g->most;
}

/* One finding of which an event has the name in another place: each event once, whatever is known before. */
TEST(newest_events)
{
	struct world w = world_new();
	DELIVER(&w, HONEYPOT, { .ip = "198.18.0.1", .type = "vulnerable-system", .identifier = "x", .port = 23, .at = 10 },
		{ .ip = "198.18.0.1", .type = "vulnerable-system", .malware = "x", .port = 23, .at = 20 },
		{ .ip = "198.18.0.2", .type = "vulnerable-system", .identifier = "x", .port = 23, .at = 25 },
		{ .ip = "198.18.0.1", .type = "vulnerable-system", .identifier = "x", .port = 23, .at = 30 });
	fold(&w);
	struct reader *r;
	struct net net;
	struct finding f;
	struct hash128 id = { 0 };
	struct arena *a = arena_new(KIB(16));
	CHECK(net_parse(STR("198.18.0.1/32"), true, &net));
	const struct finding_query q = { .tlp_mask = 31, .net = net, .has_net = true };
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(findings_list(r, &q, take_id, &id, &err), RC_OK, err);
	CHECK_RC(findings_get(r, id, a, &f, &err), RC_OK, err);
	CHECK_INT(f.events, 3);
	static const struct {
		const char *identifier, *want;
		uint64_t events;
		size_t per, most;
		int64_t org;
	} cases[] = {
		{ "", "4 2 1 ", 0, 5, 8, HOLDER },   { "", "4 2 1 ", 3, 5, 8, 0 },     { "x", "4 1 2 ", 3, 5, 8, HOLDER },
		{ "x", "4 1 2 ", 9, 5, 8, HOLDER },  { "x", "4 1 ", 2, 5, 8, HOLDER }, { "x", "4 ", 3, 1, 8, HOLDER },
		{ "x", "4 1 ", 3, 5, 2, HOLDER },    { "y", "4 2 1 ", 3, 5, 8, 0 },    { "x", "4 ", 3, 5, 8, 99 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct finding_wanted wanted = { .id = id, .last_us = f.last_seen_us, .events = cases[i].events,
						 .identifier = str_of(cases[i].identifier) };
		struct given g = { .most = cases[i].most };
		struct buf got = BUF_INIT(200);
		CHECK_RC(findings_newest_events(r, &wanted, 1, cases[i].org, cases[i].per, take_event, &g, &err), RC_OK, err);
		for (size_t k = 0; k < g.n; k++)
			buf_fmt(&got, "%llu ", (unsigned long long)g.seq[k]);
		CHECK_STR(buf_str(&got), str_of(cases[i].want));
		buf_free(&got);
	}
	store_read_end(r);
	arena_free(a);
	world_end(&w);
}

EVERY_WAY(opened_and_counted)
EVERY_WAY(newest_events)
EVERY_WAY(caught_up)
EVERY_WAY(steps_do_not_matter)
EVERY_WAY(changed)
EVERY_WAY(how_sure_they_are)
EVERY_WAY(exercises_apart)
EVERY_WAY(gone_and_returned)
EVERY_WAY(empty_and_silent)
EVERY_WAY(not_before_all_is_folded)
EVERY_WAY(two_feeds)
EVERY_WAY(repeats_stand_in_a_run)
EVERY_WAY(repeat_before_the_fold)
EVERY_WAY(shared_address)
EVERY_WAY(filters_and_marks)
EVERY_WAY(found_again)
EVERY_WAY(marks_of_many)
EVERY_WAY(feeds_of_a_finding)
EVERY_WAY(file_teller)
EVERY_WAY(tellers)

TEST_MAIN(RUN_EVERY_WAY(opened_and_counted), RUN_EVERY_WAY(caught_up),
	  RUN_EVERY_WAY(steps_do_not_matter), RUN_EVERY_WAY(changed),
	  RUN_EVERY_WAY(how_sure_they_are), RUN_EVERY_WAY(exercises_apart), RUN_EVERY_WAY(gone_and_returned),
	  RUN_EVERY_WAY(empty_and_silent), RUN_EVERY_WAY(not_before_all_is_folded),
	  RUN_EVERY_WAY(two_feeds), RUN_EVERY_WAY(repeats_stand_in_a_run),
	  RUN_EVERY_WAY(repeat_before_the_fold), RUN_EVERY_WAY(shared_address),
	  RUN_EVERY_WAY(filters_and_marks), RUN_EVERY_WAY(feeds_of_a_finding),
	  RUN_EVERY_WAY(file_teller), RUN_EVERY_WAY(tellers), RUN_EVERY_WAY(newest_events), RUN_EVERY_WAY(found_again),
	  RUN_EVERY_WAY(marks_of_many), TEST_RUN(speed))
