/* SPDX-License-Identifier: Apache-2.0 */
/* Lives and counts for figures. The tables are doubles that keep nothing back. */
#include "disclosure/read_lives.h"

#include "base/test.h"
#include "base/test_dir.h"

static struct err err;

static const struct finding findings[] = {
	{ .id = { 1, 1 }, .tlp = TLP_CLEAR },
	{ .id = { 1, 2 }, .tlp = TLP_AMBER },
	{ .id = { 1, 3 }, .tlp = TLP_RED },
	{ .id = { 1, 4 }, .tlp = TLP_CLEAR, .exercise = true },
	{ .id = { 1, 5 }, .tlp = TLP_CLEAR, .held_us = 5 },
	{ .id = { 1, 6 }, .tlp = TLP_COUNT },
};

static uint32_t asked_mask;

enum rc lives_each(struct reader *r, const struct lives_query *q, life_each each, void *ctx, struct err *e)
{
	static const struct life life = { .opened_us = 1 };
	(void)r;
	(void)e;
	asked_mask = q->tlp_mask;
	for (size_t i = 0; i < COUNT_OF(findings); i++)
		if (!each(ctx, &findings[i], &life))
			break;
	return RC_OK;
}

struct out {
	uint64_t ids; /* bit per id */
	size_t n, most;
};

static bool take(void *ctx, const struct finding *f, const struct life *l)
{
	struct out *o = ctx;
	CHECK_INT(l->opened_us, 1);
	o->ids |= UINT64_C(1) << f->id.lo;
	return ++o->n < o->most;
}

static struct viewer staff(enum right right, enum tlp ceiling)
{
	struct viewer v = viewer_owner(1);

	v.right = right;
	v.as.ceiling = ceiling;
	v.as.named = ceiling == TLP_RED;
	v.as.exercise_member = v.exercise = false;
	return v;
}

TEST(who_gets_which)
{
	const struct {
		const char *what;
		struct viewer v;
		enum rc rc;
		uint64_t ids;
		uint32_t mask;
	} cases[] = {
		{ "all", staff(RIGHT_OPERATE, TLP_RED), RC_OK, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 6, 31 },
		{ "amber", staff(RIGHT_READ, TLP_AMBER), RC_OK, 1 << 1 | 1 << 2, 7 },
		{ "clear", staff(RIGHT_READ, TLP_CLEAR), RC_OK, 1 << 1, 1 },
		{ "the public", viewer_public(CHANNEL_SCREEN), RC_OK, 1 << 1, 1 },
		{ "no right", staff(RIGHT_INTAKE, TLP_RED), RC_DENIED, 0, 0 },
		{ "signed in alone", staff(RIGHT_SIGNED_IN, TLP_RED), RC_DENIED, 0, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct out o = { .most = 100 };

		asked_mask = 0;
		CHECK_RC(read_lives(NULL, &cases[i].v, NULL, 0, take, &o, &err), cases[i].rc, err);
		/* a marking that is none is as RED */
		CHECK_MSG(o.ids == cases[i].ids, "%s: %llx", cases[i].what, (unsigned long long)o.ids);
		CHECK_INT(asked_mask, cases[i].mask);
	}
	struct viewer v = staff(RIGHT_OPERATE, TLP_RED);
	struct out o = { .most = 1 };
	CHECK_RC(read_lives(NULL, &v, NULL, 0, take, &o, &err), RC_OK, err);
	CHECK_INT(o.n, 1);
}

TEST(how_many_sources)
{
	struct viewer open = viewer_public(CHANNEL_SCREEN), ours = staff(RIGHT_READ, TLP_AMBER);

	CHECK_INT(read_figure_least(&ours), 0);
	CHECK_INT(read_figure_least(&open), PUBLIC_K_LEAST);
	CHECK(read_figure_shown(&ours, 1) && read_figure_shown(&open, 5) && !read_figure_shown(&open, 4));
	open.policy.public_k = 9;
	CHECK_INT(read_figure_least(&open), 9);
	CHECK(read_figure_shown(&open, 9) && !read_figure_shown(&open, 8));
}

static enum rc fill(struct tx *tx, void *ctx, struct err *e)
{
	const struct ledger_row row = { .kind = LEDGER_SENT, .driver = STR("mail"), .item = STR("rule--x"),
					.recipient = STR("organisation--00000000-0000-4000-8000-00000000000a") };
	(void)ctx;
	return ledger_add(tx, &row, NULL, e);
}

TEST(messages)
{
	struct test_dir dir = test_dir_new();
	struct viewer read = staff(RIGHT_READ, TLP_AMBER), none = viewer_public(CHANNEL_SCREEN);
	struct arena *a = arena_new(KIB(4));
	struct ledger_count *counts;
	struct ledger_silence *silent;
	struct reader *r;
	struct store *s;
	size_t n;

	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(dir.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(dir.path, NULL, NULL, &s, &err), RC_OK, err);
	CHECK_RC(store_write(s, fill, NULL, &err), RC_OK, err);
	CHECK_RC(store_read_begin(s, &r, &err), RC_OK, err);
	CHECK_RC(read_message_counts(r, &read, 0, INT64_MAX, a, &counts, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	CHECK_RC(read_silent(r, &read, 0, INT64_MAX, 1, 10, a, &silent, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	CHECK_RC(read_message_counts(r, &none, 0, INT64_MAX, a, &counts, &n, &err), RC_DENIED, err);
	CHECK_INT(n, 0);
	CHECK_RC(read_silent(r, &none, 0, INT64_MAX, 1, 10, a, &silent, &n, &err), RC_DENIED, err);
	CHECK_INT(n, 0);
	store_read_end(r);
	store_close(s);
	arena_free(a);
	test_dir_end(&dir);
}

TEST_MAIN(TEST_RUN(who_gets_which), TEST_RUN(how_many_sources), TEST_RUN(messages))
