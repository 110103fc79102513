/* SPDX-License-Identifier: Apache-2.0 */
#include "base/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t not_empty, not_full;
	void **items;
	size_t capacity, first, count;
	bool closed;
};

static void cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

static struct timespec deadline(int64_t timeout_us)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	int64_t ns = t.tv_nsec + timeout_us % 1000000 * 1000;
	t.tv_sec += timeout_us / 1000000 + ns / 1000000000;
	t.tv_nsec = ns % 1000000000;
	return t;
}

struct queue *queue_new(size_t capacity)
{
	struct queue *q = x_alloc(sizeof(*q));
	pthread_mutex_init(&q->lock, NULL);
	cond_init(&q->not_empty);
	cond_init(&q->not_full);
	q->capacity = capacity ? capacity : 1;
	q->items = x_array(q->capacity, sizeof(*q->items));
	return q;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	pthread_cond_destroy(&q->not_empty);
	pthread_cond_destroy(&q->not_full);
	pthread_mutex_destroy(&q->lock);
	free(q->items);
	free(q);
}

static bool put(struct queue *q, void *item, bool wait)
{
	pthread_mutex_lock(&q->lock);
	while (wait && !q->closed && q->count == q->capacity)
		pthread_cond_wait(&q->not_full, &q->lock);
	bool ok = !q->closed && q->count < q->capacity;
	if (ok) {
		q->items[(q->first + q->count++) % q->capacity] = item;
		pthread_cond_signal(&q->not_empty);
	}
	pthread_mutex_unlock(&q->lock);
	return ok;
}

bool queue_put(struct queue *q, void *item)
{
	return put(q, item, true);
}

bool queue_try_put(struct queue *q, void *item)
{
	return put(q, item, false);
}

static void *take_locked(struct queue *q)
{
	if (q->count == 0)
		return NULL;
	void *item = q->items[q->first];
	q->first = (q->first + 1) % q->capacity;
	q->count--;
	pthread_cond_signal(&q->not_full);
	return item;
}

void *queue_take(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	while (q->count == 0 && !q->closed)
		pthread_cond_wait(&q->not_empty, &q->lock);
	void *item = take_locked(q);
	pthread_mutex_unlock(&q->lock);
	return item;
}

void *queue_take_for(struct queue *q, int64_t timeout_us)
{
	struct timespec until = deadline(timeout_us);
	pthread_mutex_lock(&q->lock);
	while (q->count == 0 && !q->closed && timeout_us > 0)
		if (pthread_cond_timedwait(&q->not_empty, &q->lock, &until) != 0)
			break;
	void *item = take_locked(q);
	pthread_mutex_unlock(&q->lock);
	return item;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->not_empty);
	pthread_cond_broadcast(&q->not_full);
	pthread_mutex_unlock(&q->lock);
}

bool queue_closed(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	bool closed = q->closed;
	pthread_mutex_unlock(&q->lock);
	return closed;
}

size_t queue_length(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	size_t n = q->count;
	pthread_mutex_unlock(&q->lock);
	return n;
}

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t opened;
	bool open;
};

struct gate *gate_new(void)
{
	struct gate *g = x_alloc(sizeof(*g));
	pthread_mutex_init(&g->lock, NULL);
	cond_init(&g->opened);
	return g;
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	/* The opener may still hold the lock it signalled under. */
	pthread_mutex_lock(&g->lock);
	pthread_mutex_unlock(&g->lock);
	pthread_cond_destroy(&g->opened);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

void gate_open(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->open = true;
	pthread_cond_broadcast(&g->opened);
	pthread_mutex_unlock(&g->lock);
}

void gate_wait(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	while (!g->open)
		pthread_cond_wait(&g->opened, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

bool gate_wait_for(struct gate *g, int64_t timeout_us)
{
	struct timespec until = deadline(timeout_us);
	pthread_mutex_lock(&g->lock);
	while (!g->open)
		if (pthread_cond_timedwait(&g->opened, &g->lock, &until) != 0)
			break;
	bool open = g->open;
	pthread_mutex_unlock(&g->lock);
	return open;
}

struct claims {
	pthread_mutex_t lock;
	int64_t *ids;
	size_t count, size;
};

struct claims *claims_new(void)
{
	struct claims *c = x_alloc(sizeof(*c));
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void claims_free(struct claims *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c->ids);
	free(c);
}

bool claims_take(struct claims *c, int64_t id)
{
	pthread_mutex_lock(&c->lock);
	size_t i = 0;
	while (i < c->count && c->ids[i] != id)
		i++;
	bool is_free = i == c->count;
	if (is_free) {
		if (c->count == c->size) {
			c->size = 2 * c->size + 8;
			c->ids = x_grow(c->ids, c->size, sizeof(*c->ids));
		}
		c->ids[c->count++] = id;
	}
	pthread_mutex_unlock(&c->lock);
	return is_free;
}

void claims_release(struct claims *c, int64_t id)
{
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->count; i++) {
		if (c->ids[i] == id) {
			c->ids[i] = c->ids[--c->count];
			break;
		}
	}
	pthread_mutex_unlock(&c->lock);
}

bool claims_any(struct claims *c)
{
	pthread_mutex_lock(&c->lock);
	bool any = c->count > 0;
	pthread_mutex_unlock(&c->lock);
	return any;
}
