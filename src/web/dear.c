/* SPDX-License-Identifier: Apache-2.0 */
#include "web/dear.h"

#include <pthread.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"

struct kept {
	struct arena *a; /* NULL: empty */
	str key, text;
	uint64_t count;
	int64_t at_us, cost_us;
};

struct dear {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool busy;
	int64_t dear_us, wait_us;
	struct kept list[DEAR_KEPT];
};

struct dear *dear_new(int64_t dear_us, int64_t wait_us)
{
	struct dear *d = x_alloc(sizeof *d);
	*d = (struct dear){ .dear_us = dear_us, .wait_us = wait_us };
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->done, NULL);
	return d;
}

void dear_free(struct dear *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < DEAR_KEPT; i++)
		arena_free(d->list[i].a);
	pthread_mutex_destroy(&d->lock);
	pthread_cond_destroy(&d->done);
	free(d);
}

static const struct kept *find(const struct dear *d, str key)
{
	for (size_t i = 0; i < DEAR_KEPT; i++)
		if (d->list[i].a && str_eq(d->list[i].key, key))
			return &d->list[i];
	return NULL;
}

static bool is_new(const struct kept *k)
{
	int64_t long_us = k->cost_us < DEAR_LONGEST_US / DEAR_TIMES ? k->cost_us * DEAR_TIMES : DEAR_LONGEST_US;
	return clock_mono_us() - k->at_us <= long_us;
}

static void give(const struct kept *k, struct buf *out, uint64_t *count_out)
{
	buf_add(out, k->text);
	*count_out = k->count;
}

/* In the place of the same key, else a free one, else the oldest. */
static void keep(struct dear *d, str key, str text, uint64_t count, int64_t cost_us)
{
	struct kept *to = &d->list[0];
	for (size_t i = 0; i < DEAR_KEPT; i++) {
		struct kept *k = &d->list[i];
		if (k->a && str_eq(k->key, key)) {
			to = k;
			break;
		}
		if (!k->a || (to->a && k->at_us < to->at_us))
			to = k;
	}
	arena_free(to->a);
	*to = (struct kept){ .a = arena_new(KIB(1)), .count = count, .at_us = clock_mono_us(), .cost_us = cost_us };
	to->key = arena_str(to->a, key);
	to->text = arena_str(to->a, text);
}

/* With the lock. False: it took too long. */
static bool wait_done(struct dear *d)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	int64_t ns = until.tv_nsec + d->wait_us % SECOND_US * 1000;
	until.tv_sec += d->wait_us / SECOND_US + ns / 1000000000;
	until.tv_nsec = ns % 1000000000;
	while (d->busy)
		if (pthread_cond_timedwait(&d->done, &d->lock, &until) != 0)
			return !d->busy;
	return true;
}

/* With the lock. True: there is one to give, or `rc` says that there is none. */
static bool have(struct dear *d, str key, struct buf *out, uint64_t *count_out, enum rc *rc, struct err *err)
{
	const struct kept *k = find(d, key);
	if (!k || !(d->busy || is_new(k))) {
		if (!wait_done(d)) {
			*rc = fail(err, RC_BUSY, "this is being reckoned for others: try again in a moment");
			return true;
		}
		k = find(d, key); /* made meanwhile? */
		if (!k || !is_new(k))
			return false;
	}
	give(k, out, count_out);
	return true;
}

enum rc dear_get(struct dear *d, str key, dear_make make, void *ctx, struct buf *out, uint64_t *count_out,
		 struct err *err)
{
	enum rc rc = RC_OK;
	pthread_mutex_lock(&d->lock);
	bool had = have(d, key, out, count_out, &rc, err);
	d->busy = d->busy || !had;
	pthread_mutex_unlock(&d->lock);
	if (had)
		return rc;
	size_t before = out->n;
	int64_t began = clock_mono_us();
	rc = make(ctx, out, count_out, err);
	pthread_mutex_lock(&d->lock);
	int64_t cost = clock_mono_us() - began;
	if (rc == RC_OK && cost >= d->dear_us && !out->over && out->n - before <= DEAR_TEXT_MAX)
		keep(d, key, str_from(buf_str(out), before), *count_out, cost);
	d->busy = false;
	pthread_cond_broadcast(&d->done);
	pthread_mutex_unlock(&d->lock);
	return rc;
}
