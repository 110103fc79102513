/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/access_guard.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/test.h"

static struct ip address(const char *text)
{
	struct ip ip = { { 0 } };

	CHECK(ip_parse(str_of(text), &ip));
	return ip;
}

/* How many of `tries` wrong tries reach the check. */
static int reach(struct access_guard *g, const char *text, int tries)
{
	struct ip ip = address(text);
	int n = 0;

	for (int i = 0; i < tries; i++)
		if (guard_enter(g, &ip)) {
			guard_leave(g, &ip, false);
			n++;
		}
	return n;
}

TEST(wrong_tries_are_counted_by_address)
{
	struct access_guard *g = guard_new();

	CHECK_INT(reach(g, "192.0.2.1", 1000), GUARD_TRIES);
	CHECK_INT(reach(g, "192.0.2.1", 10), 0);
	CHECK_INT(reach(g, "192.0.2.2", 1000), GUARD_TRIES);
	/* One /64 is one address; the next /64 is another. */
	CHECK_INT(reach(g, "2001:db8::1", 6) + reach(g, "2001:db8::ffff:2", 1000), GUARD_TRIES);
	CHECK_INT(reach(g, "2001:db8:0:1::1", 1000), GUARD_TRIES);
	guard_free(g);
	guard_free(NULL);
}

TEST(right_tries_cost_nothing)
{
	struct access_guard *g = guard_new();
	struct ip ip = address("192.0.2.1");

	for (int i = 0; i < 1000; i++) {
		CHECK(guard_enter(g, &ip));
		guard_leave(g, &ip, true);
	}
	CHECK_INT(reach(g, "192.0.2.1", 1000), GUARD_TRIES);
	guard_leave(g, &ip, true); /* nothing goes below the wrong ones but by being right */
	CHECK_INT(reach(g, "192.0.2.1", 1000), 1);
	CHECK(guard_enter(g, NULL));
	guard_leave(g, NULL, false);
	guard_free(g);
}

/* Neither who never tried nor who gave back already gets more than the ten. */
TEST(nothing_is_given_back_twice)
{
	struct access_guard *g = guard_new();
	struct ip ip = address("192.0.2.1"), other = address("192.0.2.2");

	guard_leave(g, &other, true);
	CHECK_INT(reach(g, "192.0.2.2", 1000), GUARD_TRIES);
	CHECK(guard_enter(g, &ip));
	guard_leave(g, &ip, true);
	guard_leave(g, &ip, true);
	CHECK_INT(reach(g, "192.0.2.1", 1000), GUARD_TRIES);
	guard_free(g);
}

TEST(many_addresses_lock_nobody_out)
{
	struct access_guard *g = guard_new();

	for (unsigned i = 0; i < 100000; i++) {
		struct ip ip = { { 0x20, 0x01, 0x0d, 0xb8, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };

		CHECK(guard_enter(g, &ip));
	}
	struct ip late = address("198.18.0.1");
	CHECK(guard_enter(g, &late));
	guard_free(g);
}

static struct { struct access_guard *g; _Atomic int reached; } shared;

static void *try_often(void *unused)
{
	struct ip ip = address("192.0.2.1");

	for (int i = 0; i < 1000; i++)
		if (guard_enter(shared.g, &ip)) {
			atomic_fetch_add(&shared.reached, 1);
			guard_leave(shared.g, &ip, false);
		}
	return unused;
}

TEST(threads_together_get_no_more)
{
	pthread_t t[4];

	shared.g = guard_new();
	for (size_t i = 0; i < COUNT_OF(t); i++)
		CHECK_INT(pthread_create(&t[i], NULL, try_often, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(t); i++)
		pthread_join(t[i], NULL);
	CHECK_INT(atomic_load(&shared.reached), GUARD_TRIES);
	guard_free(shared.g);
}

static void *be_right(void *unused)
{
	struct ip ip = address("192.0.2.1");

	for (int i = 0; i < 300000; i++)
		if (guard_enter(shared.g, &ip))
			guard_leave(shared.g, &ip, true);
		else
			atomic_fetch_add(&shared.reached, 1);
	return unused;
}

/* However they meet, right ones leave nothing behind. */
TEST(threads_that_are_right_cost_nothing)
{
	pthread_t t[4];

	shared.g = guard_new();
	atomic_store(&shared.reached, 0);
	for (size_t i = 0; i < COUNT_OF(t); i++)
		CHECK_INT(pthread_create(&t[i], NULL, be_right, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(t); i++)
		pthread_join(t[i], NULL);
	CHECK_INT(atomic_load(&shared.reached), 0); /* nobody was turned away */
	CHECK_INT(reach(shared.g, "192.0.2.1", 1000), GUARD_TRIES);
	guard_free(shared.g);
}

/* Twenty right ones under way are no wrong ones; wrong ones count with those of other doors. */
TEST(many_right_ones_at_once)
{
	struct access_guard *g = guard_new();
	struct ip ip = address("192.0.2.1");

	for (int i = 0; i < 20; i++)
		CHECK(guard_open(g, &ip));
	for (int i = 0; i < GUARD_TRIES; i++) {
		CHECK(guard_open(g, &ip));
		guard_wrong(g, &ip);
	}
	CHECK(!guard_open(g, &ip) && !guard_enter(g, &ip));
	guard_wrong(g, &ip);
	CHECK(!guard_open(g, &ip));
	ip = address("192.0.2.2");
	CHECK(guard_open(g, &ip) && guard_open(g, NULL));
	guard_wrong(g, NULL);
	guard_free(g);
}

TEST_MAIN(TEST_RUN(wrong_tries_are_counted_by_address), TEST_RUN(right_tries_cost_nothing),
	  TEST_RUN(nothing_is_given_back_twice),
	  TEST_RUN(many_addresses_lock_nobody_out), TEST_RUN(threads_together_get_no_more),
	  TEST_RUN(threads_that_are_right_cost_nothing),
	  TEST_RUN(many_right_ones_at_once))
