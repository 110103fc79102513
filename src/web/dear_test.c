/* SPDX-License-Identifier: Apache-2.0 */
#include "web/dear.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/test.h"

/* What is made: how often it was made; held back until it may end. */
struct making {
	struct dear *d;
	const char *key;
	atomic_int made, inside, most;
	atomic_bool held;
	enum rc rc;
};

static enum rc make(void *ctx, struct buf *out, uint64_t *count_out, struct err *err)
{
	struct making *m = ctx;
	int now = atomic_fetch_add(&m->inside, 1) + 1;
	if (now > atomic_load(&m->most))
		atomic_store(&m->most, now);
	*count_out = (uint64_t)atomic_fetch_add(&m->made, 1) + 1;
	while (atomic_load(&m->held))
		sched_yield();
	buf_fmt(out, "%s %llu", m->key, (unsigned long long)*count_out);
	atomic_fetch_sub(&m->inside, 1);
	return m->rc == RC_OK ? RC_OK : fail(err, m->rc, "not made");
}

static str get(struct making *m, const char *key, struct buf *out, enum rc *rc)
{
	struct err err;
	uint64_t count = 0;
	buf_reset(out);
	*rc = dear_get(m->d, str_of(key), make, m, out, &count, &err);
	return buf_str(out);
}

TEST(what_was_quick_is_made_anew)
{
	struct making m = { .d = dear_new(HOUR_US, 0), .key = "a" };
	struct buf b = BUF_INIT(100);
	enum rc rc;
	CHECK(str_eq(get(&m, "a", &b, &rc), STR("a 1")) && rc == RC_OK);
	CHECK(str_eq(get(&m, "a", &b, &rc), STR("a 2")) && rc == RC_OK);
	buf_free(&b);
	dear_free(m.d);
}

/* Asks until it is made anew: what is kept stays for twenty times what it cost, next to nothing. */
static void *ask_until_made(void *ctx)
{
	struct making *m = ctx;
	struct buf b = BUF_INIT(100);
	enum rc rc;
	int before = atomic_load(&m->made);
	while (atomic_load(&m->made) == before)
		get(m, "a", &b, &rc);
	buf_free(&b);
	return NULL;
}

TEST(others_get_the_last_while_one_is_made)
{
	struct making m = { .d = dear_new(0, 1000), .key = "a" };
	struct buf b = BUF_INIT(100);
	pthread_t other;
	enum rc rc;
	CHECK(str_eq(get(&m, "a", &b, &rc), STR("a 1")) && rc == RC_OK);
	atomic_store(&m.held, true);
	CHECK(pthread_create(&other, NULL, ask_until_made, &m) == 0);
	while (atomic_load(&m.inside) == 0)
		sched_yield();
	CHECK(str_starts(get(&m, "a", &b, &rc), STR("a ")) && rc == RC_OK);
	get(&m, "b", &b, &rc);
	CHECK(rc == RC_BUSY);
	atomic_store(&m.held, false);
	pthread_join(other, NULL);
	CHECK(atomic_load(&m.most) == 1);
	m.key = "b";
	CHECK(str_starts(get(&m, "b", &b, &rc), STR("b ")) && rc == RC_OK);
	buf_free(&b);
	dear_free(m.d);
}

TEST(a_failure_is_not_kept_and_few_are)
{
	struct making m = { .d = dear_new(0, 1000), .key = "x", .rc = RC_INPUT };
	struct buf b = BUF_INIT(100);
	enum rc rc;
	get(&m, "x", &b, &rc);
	CHECK(rc == RC_INPUT);
	m.rc = RC_OK;
	for (int i = 0; i < 3 * DEAR_KEPT; i++) {
		char key[16];
		snprintf(key, sizeof key, "key %d", i);
		get(&m, key, &b, &rc);
		CHECK(rc == RC_OK);
	}
	CHECK(atomic_load(&m.made) == 1 + 3 * DEAR_KEPT);
	buf_free(&b);
	dear_free(m.d);
}

TEST_MAIN(TEST_RUN(what_was_quick_is_made_anew), TEST_RUN(others_get_the_last_while_one_is_made),
	  TEST_RUN(a_failure_is_not_kept_and_few_are))
