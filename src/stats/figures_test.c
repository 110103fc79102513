/* SPDX-License-Identifier: Apache-2.0 */
/* Figures over made-up lives: the table of lives is a double, the store a real one. */
#include "stats/figures.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/test.h"
#include "base/test_dir.h"

static struct err err;

enum { LIVES = 600, NOW = 1000000 };
static struct finding findings[LIVES];
static struct life lives[LIVES];
static size_t live;

enum rc lives_each(struct reader *r, const struct lives_query *q, life_each each, void *ctx, struct err *e)
{
	(void)r;
	(void)e;
	bool more = true;
	for (size_t i = 0; more && i < live; i++)
		if (q->tlp_mask >> findings[i].tlp & 1)
			more = each(ctx, &findings[i], &lives[i]);
	return RC_OK;
}

static uint64_t seed = 7;

static int64_t any(int64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)(seed >> 33) % below;
}

static void random_lives(size_t n)
{
	static const char *const classes[] = { "scanner", "phishing", "malware", "spam" };
	static char keys[LIVES][40];
	live = n;
	for (size_t i = 0; i < n; i++) {
		struct life *l = &lives[i];
		snprintf(keys[i], sizeof(keys[i]), "ip 198.18.%d.%d port 23", (int)(i / 200), (int)(i % 200));
		findings[i] = (struct finding){ .id = { i, i }, .tlp = TLP_CLEAR, .type = str_of(classes[any(4)]),
						.identifier = STR(""), .key = str_of(keys[i]), .cc = STR("ID"),
						.feed = 1, .shared_address = any(10) == 0 };
		*l = (struct life){ .opened_us = (1 + any(200)) * SECOND_US };
		if (any(3))
			l->told_us = l->opened_us + any(300) * SECOND_US;
		if (l->told_us && any(2))
			l->answered_us = l->told_us + any(300) * SECOND_US;
		if (any(4))
			l->gone_us = l->opened_us + any(900) * SECOND_US;
		if (l->told_us && l->gone_us >= l->told_us && l->gone_us)
			l->fixed_us = l->gone_us;
		l->returns = l->gone_us && any(4) == 0;
		findings[i].state = l->returns ? FINDING_RETURNED : l->gone_us ? FINDING_GONE : FINDING_OPEN;
	}
}

/* --- the same, plainly --- */

struct seen {
	int64_t s;
	bool ended;
};

static int64_t plain_median(const struct seen *list, size_t n)
{
	double alive = 1;
	for (int64_t t = 0; t <= NOW; t++) {
		size_t at_risk = 0, ended = 0;
		for (size_t i = 0; i < n; i++) {
			at_risk += list[i].s >= t;
			ended += list[i].s == t && list[i].ended;
		}
		if (at_risk == 0)
			return -1;
		alive *= 1 - (double)ended / (double)at_risk;
		if (alive <= 0.5 + 1e-9)
			return t;
	}
	return -1;
}

static size_t plain_cases(const char *class, enum figure_time what, struct seen *out)
{
	size_t n = 0;
	for (size_t i = 0; i < live; i++) {
		const struct life *l = &lives[i];
		int64_t now = NOW * SECOND_US, from = l->opened_us, end = 0, last = now;
		if (class && !str_eq(findings[i].type, str_of(class)))
			continue;
		if (what == TIME_TO_ACKNOWLEDGE || what == TIME_TO_FIX_TOLD)
			from = l->told_us;
		if (!from || (findings[i].shared_address && what >= TIME_TO_FIX))
			continue;
		if (what == TIME_TO_TELL)
			end = l->told_us && (!l->gone_us || l->told_us <= l->gone_us) ? l->told_us : 0;
		if (what == TIME_TO_TELL && l->gone_us)
			last = l->gone_us;
		if (what == TIME_TO_ACKNOWLEDGE)
			end = l->answered_us;
		if (what == TIME_TO_ACKNOWLEDGE && l->fixed_us)
			last = l->fixed_us;
		if (what == TIME_TO_FIX)
			end = l->gone_us;
		if (what == TIME_TO_FIX_TOLD)
			end = l->fixed_us;
		out[n++] = (struct seen){ ((end ? end : last) - from) / SECOND_US, end != 0 };
	}
	return n;
}

static void compare(const struct figure_row *row, const char *class)
{
	struct seen list[LIVES];
	for (enum figure_time t = 0; t < FIGURE_TIMES; t++) {
		size_t n = plain_cases(class, t, list), ended = 0;
		for (size_t i = 0; i < n; i++)
			ended += list[i].ended;
		CHECK_INT(row->times[t].n, n);
		CHECK_INT(row->times[t].censored, n - ended);
		CHECK_MSG(row->times[t].median_s == plain_median(list, n), "%s %s: %lld, not %lld",
			  class ? class : "all", figure_time_name(t), (long long)row->times[t].median_s,
			  (long long)plain_median(list, n));
	}
}

struct world {
	struct test_dir dir;
	struct store *s;
	struct reader *r;
	struct arena *a;
};

static struct world world_new(void)
{
	struct world w = { .dir = test_dir_new(), .a = arena_new(KIB(64)) };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(w.dir.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(w.dir.path, NULL, NULL, &w.s, &err), RC_OK, err);
	CHECK_RC(store_read_begin(w.s, &w.r, &err), RC_OK, err);
	return w;
}

static void world_end(struct world *w)
{
	store_read_end(w->r);
	store_close(w->s);
	test_dir_end(&w->dir);
	arena_free(w->a);
}

TEST(against_a_plain_one)
{
	struct world w = world_new();
	struct viewer v = viewer_owner(1);
	for (size_t n = 0; n <= LIVES; n = n * 3 + 1) {
		struct figures_query q = { .by = FIGURES_CLASS, .now_us = NOW * SECOND_US, .dir = w.dir.path };
		struct figures f;
		random_lives(n);
		CHECK_RC(figures_read(w.r, &v, &q, w.a, &f, &err), RC_OK, err);
		compare(&f.all, NULL);
		uint64_t sum = 0;
		for (size_t i = 0; i < f.count; i++) {
			char class[64];
			CHECK(str_to_z(f.rows[i].key, class, sizeof(class)));
			compare(&f.rows[i], class);
			sum += f.rows[i].counts[COUNT_FINDINGS];
			CHECK(i == 0 || f.rows[i - 1].counts[COUNT_FINDINGS] >= f.rows[i].counts[COUNT_FINDINGS]);
		}
		CHECK_INT(sum, n);
		CHECK_INT(f.all.counts[COUNT_FINDINGS], n);
		/* those opened then alone */
		q.since_us = 50 * SECOND_US;
		q.until_us = 100 * SECOND_US;
		q.by = FIGURES_ALL;
		CHECK_RC(figures_read(w.r, &v, &q, w.a, &f, &err), RC_OK, err);
		size_t then = 0;
		for (size_t i = 0; i < n; i++)
			then += lives[i].opened_us >= q.since_us && lives[i].opened_us < q.until_us;
		CHECK_INT(f.all.counts[COUNT_FINDINGS], then);
	}
	world_end(&w);
}

/* What each group may be called, and how many there may be. */
TEST(groups)
{
	struct world w = world_new();
	struct viewer v = viewer_owner(1);
	struct figures f;
	random_lives(3);
	findings[0].concerns = (struct concerns){ .count = 1, .list = { { .org = 4 } } };
	for (enum figure_by by = FIGURES_ALL; by < FIGURES_BYS; by++) {
		static const size_t rows[] = { [FIGURES_ALL] = 1, [FIGURES_ORGANISATION] = 2, [FIGURES_CLASS] = 0,
					       [FIGURES_FEED] = 1, [FIGURES_COUNTRY] = 1, [FIGURES_MONTH] = 1 };
		const struct figures_query q = { .by = by, .now_us = NOW * SECOND_US };
		enum figure_by back;
		CHECK(figure_by_parse(str_of(figure_by_name(by)), &back) && back == by);
		CHECK_RC(figures_read(w.r, &v, &q, w.a, &f, &err), RC_OK, err);
		CHECK(rows[by] == 0 || f.count == rows[by]);
		if (by == FIGURES_MONTH)
			CHECK_STR(f.rows[0].name, STR("1970-01"));
	}
	world_end(&w);
}

TEST(small_cells)
{
	struct world w = world_new();
	struct viewer v = viewer_public(CHANNEL_SCREEN);
	const struct figures_query q = { .by = FIGURES_CLASS, .now_us = NOW * SECOND_US };
	struct figures f;
	random_lives(40);
	for (size_t i = 0; i < 40; i++)
		findings[i].type = i < 20 ? STR("scanner") : i < 30 ? STR("phishing") : i < 37 ? STR("malware") : STR("spam");
	findings[0].tlp = TLP_AMBER; /* is in none */
	for (size_t i = 30; i < 37; i++)
		findings[i].key = STR("ip 192.0.2.1 port 1"); /* seven findings, one source */
	lives[1].told_us = SECOND_US;
	CHECK_RC(figures_read(w.r, &v, &q, w.a, &f, &err), RC_OK, err);
	/* spam (3) and malware (one source) are too few even together: phishing goes with them */
	CHECK_INT(f.count, 2);
	for (size_t i = 0; i < f.count; i++) {
		const struct figure_row *row = &f.rows[i];
		CHECK(str_eq(row->name, STR("(others)")) || str_eq(row->name, STR("scanner")));
		CHECK(row->counts[COUNT_FINDINGS] == 19 || row->counts[COUNT_FINDINGS] == 20);
		for (size_t c = 0; c < FIGURE_COUNTS; c++)
			CHECK(row->counts[c] == 0 || row->counts[c] >= 5);
	}
	CHECK_INT(f.message_count + f.silent_count, 0);
	/* four in all */
	live = 4;
	CHECK_RC(figures_read(w.r, &v, &q, w.a, &f, &err), RC_OK, err);
	CHECK_INT(f.count, 0);
	CHECK_INT(f.all.counts[COUNT_FINDINGS], 0);
	CHECK_INT(f.all.times[TIME_TO_FIX].n, 0);
	static const struct {
		struct figures_query q;
		enum rc rc;
	} asked[] = {
		{ { .by = FIGURES_ORGANISATION }, RC_DENIED },
		{ { .by = FIGURES_FEED }, RC_DENIED },
		{ { .by = FIGURES_MONTH, .since_us = SECOND_US }, RC_DENIED },
		{ { .by = FIGURES_MONTH, .until_us = 31 * DAY_US }, RC_OK },
		{ { .by = FIGURES_MONTH, .until_us = 30 * DAY_US }, RC_DENIED },
	};
	for (size_t i = 0; i < COUNT_OF(asked); i++)
		CHECK_RC(figures_read(w.r, &v, &asked[i].q, w.a, &f, &err), asked[i].rc, err);
	world_end(&w);
}

/* --- messages --- */

#define ORG_A "organisation--00000000-0000-4000-8000-00000000000a"
#define ORG_B "organisation--00000000-0000-4000-8000-00000000000b"
#define ORG_C "organisation--00000000-0000-4000-8000-00000000000c"
#define PLAYED "organisation--00000000-0000-4000-8000-0000000000ee"

static enum rc fill(struct tx *tx, void *ctx, struct err *e)
{
	static const struct ledger_row rows[] = {
		{ .kind = LEDGER_SENT, .driver = STR_INIT("mail"), .recipient = STR_INIT(ORG_A "/abuse"), .item = STR_INIT("rule--x") },
		{ .kind = LEDGER_SENT, .driver = STR_INIT("mail"), .recipient = STR_INIT(ORG_A "/abuse"), .item = STR_INIT("rule--x") },
		{ .kind = LEDGER_SENT, .driver = STR_INIT("webhook"), .recipient = STR_INIT(ORG_A), .item = STR_INIT("rule--x") },
		{ .kind = LEDGER_SENT, .driver = STR_INIT("mail"), .recipient = STR_INIT(ORG_B), .item = STR_INIT("rule--x") },
		{ .kind = LEDGER_SENT, .driver = STR_INIT("mail"), .recipient = STR_INIT(ORG_B), .item = STR_INIT("rule--x") },
		{ .kind = LEDGER_SENT, .driver = STR_INIT("mail"), .recipient = STR_INIT(ORG_B), .item = STR_INIT("rule--x") },
		{ .kind = LEDGER_ANSWER, .driver = STR_INIT("mail"), .recipient = STR_INIT(ORG_B "/abuse"), .item = STR_INIT("rule--x") },
		{ .kind = LEDGER_UNCERTAIN, .driver = STR_INIT("mail"), .recipient = STR_INIT(ORG_B), .item = STR_INIT("rule--x") },
		{ .kind = LEDGER_SENT, .driver = STR_INIT("mail"), .recipient = STR_INIT(PLAYED "/abuse"), .item = STR_INIT("rule--x") },
		{ .kind = LEDGER_SENT, .driver = STR_INIT("mail"), .recipient = STR_INIT(ORG_A), .item = STR_INIT(PLAYED) },
		{ .kind = LEDGER_SENT, .driver = STR_INIT("sms"), .recipient = STR_INIT(ORG_C), .item = STR_INIT("rule--x") },
		{ .kind = LEDGER_SENT, .driver = STR_INIT("sms"), .recipient = STR_INIT(ORG_C), .item = STR_INIT("rule--x") },
		{ .kind = LEDGER_SENT, .driver = STR_INIT("sms"), .recipient = STR_INIT(ORG_C), .item = STR_INIT("rule--x") },
		{ .kind = LEDGER_BOUNCED, .driver = STR_INIT("sms"), .recipient = STR_INIT(ORG_C), .item = STR_INIT("rule--x") },
		{ .kind = LEDGER_SENT, .driver = STR_INIT("notice"), .recipient = STR_INIT("account:3"), .item = STR_INIT("rule--x") },
	};
	(void)ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO record (uuid, type, number, origin, version, version_id, created_us,"
					 " changed_us, state, tlp, exercise, sealed, erased, title) VALUES"
					 " (x'000000000000400080000000000000ee', 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, '')");
	enum rc rc = sql_run(q, e);
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(rows); i++)
		rc = ledger_add(tx, &rows[i], NULL, e);
	return rc;
}

TEST(messages)
{
	struct world w = world_new();
	struct viewer v = viewer_owner(1);
	const struct figures_query q = { .now_us = clock_now_us() };
	struct figures f;
	struct buf b = BUF_INIT(KIB(64));
	struct json_out j = json_out(&b);
	live = 0;
	CHECK_RC(store_write(w.s, fill, NULL, &err), RC_OK, err);
	store_read_end(w.r);
	CHECK_RC(store_read_begin(w.s, &w.r, &err), RC_OK, err);
	CHECK_RC(figures_read(w.r, &v, &q, w.a, &f, &err), RC_OK, err);
	for (size_t i = 0; i < f.message_count; i++)
		buf_fmt(&b, STR_FMT " %s %llu;", STR_ARG(f.messages[i].driver), ledger_kind_name(f.messages[i].kind),
			(unsigned long long)f.messages[i].rows);
	CHECK_STR(buf_str(&b), STR("mail sent 5;mail uncertain 1;mail answer 1;notice sent 1;sms sent 3;sms bounced 1;webhook sent 1;"));
	CHECK_INT(f.silent_count, 1);
	CHECK_STR(f.silent[0].recipient, STR(ORG_A));
	CHECK_INT(f.silent[0].told, 3);
	buf_reset(&b);
	json_open(&j, '{');
	figures_json(&f, NULL, &j);
	json_close(&j, '}');
	CHECK(str_find(buf_str(&b), STR("\"time_to_fix\":{\"n\":0,\"censored\":0,\"median\":null")) < b.n);
	buf_free(&b);
	world_end(&w);
}

TEST(words)
{
	static const struct { int64_t s; const char *words; } rows[] = {
		{ -1, "not reached" }, { 0, "0 s" }, { 59, "59 s" }, { 60, "1 min" }, { 3660, "1 h 1 min" },
		{ 90000, "1 d 1 h" },
	};
	static const struct { const char *text; bool good; int64_t us; } times[] = {
		{ "2026-01", true, 1767225600 * SECOND_US }, { "2026-01-01", true, 1767225600 * SECOND_US },
		{ "10s", true, 90 * SECOND_US }, { "30d", true, 0 }, { "2026-13", false, 0 }, { "soon", false, 0 },
	};
	struct arena *a = arena_new(KIB(1));
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		CHECK_STR(figure_words(a, rows[i].s), str_of(rows[i].words));
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		int64_t us = 0;
		CHECK_INT(figure_time_parse(str_of(times[i].text), 100 * SECOND_US, &us), times[i].good);
		CHECK(!times[i].good || us == times[i].us);
	}
	arena_free(a);
}

TEST_MAIN(TEST_RUN(against_a_plain_one), TEST_RUN(groups), TEST_RUN(small_cells), TEST_RUN(messages), TEST_RUN(words))
