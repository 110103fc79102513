/* SPDX-License-Identifier: Apache-2.0 */
/* Run under TSan too (make tsan): queues and snapshots are where threads meet. */
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/queue.h"
#include "base/snapshot.h"
#include "base/test.h"

enum { ITEMS = 20000, PUTTERS = 3 };

static void *put_many(void *arg)
{
	for (intptr_t i = 1; i <= ITEMS; i++)
		if (!queue_put(arg, (void *)i))
			return (void *)1;
	return NULL;
}

TEST(nothing_lost_between_threads)
{
	struct queue *q = queue_new(8);
	pthread_t t[PUTTERS];
	for (int i = 0; i < PUTTERS; i++)
		pthread_create(&t[i], NULL, put_many, q);
	int64_t sum = 0;
	for (int i = 0; i < ITEMS * PUTTERS; i++)
		sum += (intptr_t)queue_take(q);
	for (int i = 0; i < PUTTERS; i++)
		pthread_join(t[i], NULL);
	CHECK_INT(sum, (int64_t)PUTTERS * ITEMS * (ITEMS + 1) / 2);
	CHECK(!queue_take_for(q, 0));
	int x;
	queue_put(q, &x);
	queue_close(q);
	CHECK(!queue_put(q, &x));
	CHECK(queue_take(q) == &x); /* what was in stays */
	CHECK(queue_take(q) == NULL);
	queue_free(q);
}

TEST(full_refuses_a_try)
{
	struct queue *q = queue_new(1);
	int x;
	CHECK(queue_try_put(q, &x) && !queue_try_put(q, &x));
	CHECK_INT(queue_length(q), 1);
	queue_free(q);
}

static void *open_gate(void *g)
{
	gate_open(g);
	return NULL;
}

TEST(gates)
{
	struct gate *g = gate_new();
	CHECK(!gate_wait_for(g, 1000));
	pthread_t t;
	pthread_create(&t, NULL, open_gate, g);
	gate_wait(g);
	CHECK(gate_wait_for(g, 0));
	pthread_join(t, NULL);
	gate_free(g);
}

static void *hold_often(void *s)
{
	for (int i = 0; i < 5000; i++) {
		struct snapshot_ref *r = snapshot_hold(s);
		const int *v = snapshot_table(r);
		if (v && v[0] != v[1])
			return (void *)1;
		snapshot_drop(s, r);
	}
	return NULL;
}

TEST(a_table_is_seen_whole)
{
	struct snapshot *s = snapshot_new(free);
	CHECK(snapshot_hold(s) == NULL && snapshot_table(NULL) == NULL);
	pthread_t t[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, hold_often, s);
	for (int i = 0; i < 2000; i++) {
		int *v = x_array(2, sizeof(*v));
		v[0] = v[1] = i;
		snapshot_swap(s, v);
	}
	for (int i = 0; i < 2; i++) {
		void *bad;
		pthread_join(t[i], &bad);
		CHECK(bad == NULL);
	}
	snapshot_free(s);
}

TEST_MAIN(TEST_RUN(nothing_lost_between_threads), TEST_RUN(full_refuses_a_try), TEST_RUN(gates),
	  TEST_RUN(a_table_is_seen_whole))
