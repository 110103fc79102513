/* SPDX-License-Identifier: Apache-2.0 */
#include "base/calls.h"

#include "base/clock.h"
#include "base/starter_private.h"
#include "base/test.h"

struct world {
	struct starter *starter;
	struct log *log;
	struct calls *calls;
	struct arena *a;
	str *blocks;
	size_t count;
	bool died;
	struct err err;
};

static struct world world_open(unsigned serves)
{
	struct world w = { .a = arena_new(KIB(4)) };
	const struct calls_options o = { .helper = "echo", .most = 1, .question_bytes = KIB(256),
					 .answer_bytes = KIB(256), .limit_ms = 300, .serves = serves };
	CHECK_RC(starter_new_named("tests/helpers/ronda-starter", &w.starter, &w.err), RC_OK, w.err);
	w.log = log_new(LOG_LEVEL_ERROR);
	w.calls = calls_new(w.starter, w.log, &o);
	return w;
}

static void world_close(struct world *w)
{
	calls_free(w->calls);
	starter_free(w->starter);
	log_free(w->log);
	arena_free(w->a);
}

static enum rc ask(struct world *w, uint32_t what, str block)
{
	return calls_ask(w->calls, what, &block, 1, w->a, &w->blocks, &w->count, &w->died, &w->err);
}

TEST(gives_back_what_it_got)
{
	struct world w = world_open(0);
	const str list[] = { STR("one"), STR(""), str_mem("\0\n", 2), STR("last") };
	CHECK_RC(calls_ask(w.calls, 1, list, COUNT_OF(list), w.a, &w.blocks, &w.count, NULL, &w.err), RC_OK, w.err);
	CHECK_INT(w.count, COUNT_OF(list));
	for (size_t i = 0; i < w.count; i++)
		CHECK_STR(w.blocks[i], list[i]);
	CHECK_RC(calls_ask(w.calls, 1, NULL, 0, w.a, &w.blocks, &w.count, NULL, &w.err), RC_OK, w.err);
	CHECK_INT(w.count, 0);
	world_close(&w);
}

TEST(says_first_what_is_always_said)
{
	struct world w = world_open(0);
	const struct calls_options o = { .helper = "echo", .most = 1, .question_bytes = KIB(64), .answer_bytes = KIB(64),
					 .limit_ms = 300, .always = "where we are" };
	calls_free(w.calls);
	w.calls = calls_new(w.starter, w.log, &o);
	CHECK_RC(ask(&w, 1, STR("one")), RC_OK, w.err);
	CHECK_INT(w.count, 2);
	CHECK_STR(w.blocks[0], STR("where we are"));
	CHECK_STR(w.blocks[1], STR("one"));
	world_close(&w);
}

TEST(one_helper_serves_many_or_one)
{
	for (unsigned serves = 0; serves < 2; serves++) {
		struct world w = world_open(serves);
		CHECK_RC(ask(&w, 2, STR("")), RC_OK, w.err);
		CHECK_RC(ask(&w, 2, STR("")), RC_OK, w.err);
		CHECK_STR(w.blocks[0], serves ? STR("1") : STR("2"));
		world_close(&w);
	}
}

TEST(says_no_and_goes_on)
{
	struct world w = world_open(0);
	CHECK_INT(ask(&w, 5, STR("")), RC_DENIED);
	CHECK_STR(str_of(w.err.text), STR("no to 5"));
	CHECK(!w.died);
	CHECK_RC(ask(&w, 2, STR("")), RC_OK, w.err);
	CHECK_STR(w.blocks[0], STR("2"));
	world_close(&w);
}

/* Each ends the helper; the next question has a new one. */
TEST(dies_hangs_and_lies)
{
	static const struct { uint32_t what; enum rc rc; bool died; } table[] = {
		{ 3, RC_INPUT, true }, { 4, RC_INPUT, true }, { 6, RC_INPUT, true }, { 7, RC_LIMIT, false },
	};
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct world w = world_open(0);
		CHECK_INT(ask(&w, table[i].what, STR("x")), table[i].rc);
		CHECK_INT(w.died, table[i].died);
		CHECK_RC(ask(&w, 2, STR("")), RC_OK, w.err);
		CHECK_STR(w.blocks[0], table[i].died ? STR("1") : STR("2"));
		world_close(&w);
	}
}

TEST(too_long_a_question_is_not_sent)
{
	struct world w = world_open(0);
	char *big = x_alloc(KIB(256));
	CHECK_INT(ask(&w, 1, str_mem(big, KIB(256))), RC_LIMIT);
	CHECK(!w.died);
	CHECK_RC(ask(&w, 1, str_mem(big, KIB(256) - 8)), RC_OK, w.err);
	CHECK_INT(w.blocks[0].n, KIB(256) - 8);
	free(big);
	world_close(&w);
}

TEST_MAIN(TEST_RUN(gives_back_what_it_got), TEST_RUN(says_first_what_is_always_said),
	  TEST_RUN(one_helper_serves_many_or_one),
	  TEST_RUN(says_no_and_goes_on), TEST_RUN(dies_hangs_and_lies), TEST_RUN(too_long_a_question_is_not_sent))
