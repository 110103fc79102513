/* SPDX-License-Identifier: Apache-2.0 */
/* What is read round and round, as a burst of letters does, would put out of a small cache each time
 * what it needs next. So what was used a moment ago keeps its place, and a new one waits. */
#include "store/frame_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"

enum { KEPT_MOST = 256 };
#define IN_USE_US (2 * SECOND_US)

struct frame_cache {
	pthread_mutex_t lock;
	struct frame_kept *list[KEPT_MOST];
	size_t count, bytes, bytes_most, largest;
	unsigned turn;
};

struct frame_cache *frame_cache_new(size_t bytes_most)
{
	struct frame_cache *k = x_alloc(sizeof *k);
	(void)pthread_mutex_init(&k->lock, NULL);
	k->bytes_most = bytes_most;
	return k;
}

/* With the lock. */
static void remove_at(struct frame_cache *k, size_t i)
{
	struct frame_kept *one = k->list[i];
	k->list[i] = k->list[--k->count];
	k->bytes -= one->bytes;
	one->gone = true;
	if (one->users == 0)
		one->end(one);
}

static struct frame_kept *find(struct frame_cache *k, const struct place *at)
{
	for (size_t i = 0; i < k->count; i++) {
		const struct place *p = &k->list[i]->at;
		if (p->day == at->day && p->number == at->number && p->offset == at->offset && p->bytes == at->bytes)
			return k->list[i];
	}
	return NULL;
}

static struct frame_kept *lend(struct frame_kept *one)
{
	one->users++;
	one->used_us = clock_mono_us();
	return one;
}

struct frame_kept *frame_cache_take(struct frame_cache *k, const struct place *at)
{
	(void)pthread_mutex_lock(&k->lock);
	struct frame_kept *one = find(k, at);
	struct frame_kept *lent = one ? lend(one) : NULL;
	(void)pthread_mutex_unlock(&k->lock);
	return lent;
}

/* Makes room for so many bytes, of what nobody asked for of late. With the lock. */
static bool make_room(struct frame_cache *k, size_t bytes)
{
	int64_t stale_us = clock_mono_us() - IN_USE_US;
	for (size_t i = k->count; i > 0 && (k->count == KEPT_MOST || k->bytes + bytes > k->bytes_most); i--)
		if (k->list[i - 1]->used_us < stale_us)
			remove_at(k, i - 1);
	return k->count < KEPT_MOST && k->bytes + bytes <= k->bytes_most;
}

bool frame_cache_room(struct frame_cache *k, unsigned turn)
{
	(void)pthread_mutex_lock(&k->lock);
	bool room = turn == k->turn && make_room(k, k->largest);
	(void)pthread_mutex_unlock(&k->lock);
	return room;
}

struct frame_kept *frame_cache_add(struct frame_cache *k, struct frame_kept *one, unsigned turn)
{
	(void)pthread_mutex_lock(&k->lock);
	struct frame_kept *other = find(k, &one->at); /* another thread was quicker */
	if (one->bytes > k->largest && one->bytes <= k->bytes_most)
		k->largest = one->bytes;
	bool ok = turn == k->turn && !other && make_room(k, one->bytes);
	if (ok) {
		k->list[k->count++] = one;
		k->bytes += one->bytes;
	}
	struct frame_kept *lent = ok ? lend(one) : other && turn == k->turn ? lend(other) : NULL;
	(void)pthread_mutex_unlock(&k->lock);
	if (!ok)
		one->end(one);
	return lent;
}

void frame_cache_give_back(struct frame_cache *k, struct frame_kept *one)
{
	if (!one)
		return;
	(void)pthread_mutex_lock(&k->lock);
	bool last = --one->users == 0 && one->gone;
	(void)pthread_mutex_unlock(&k->lock);
	if (last)
		one->end(one);
}

void frame_cache_rest(struct frame_cache *k, int64_t unused_us)
{
	(void)pthread_mutex_lock(&k->lock);
	for (size_t i = k->count; i > 0; i--)
		if (k->list[i - 1]->users == 0 && k->list[i - 1]->used_us < unused_us)
			remove_at(k, i - 1);
	(void)pthread_mutex_unlock(&k->lock);
}

void frame_cache_clear(struct frame_cache *k)
{
	(void)pthread_mutex_lock(&k->lock);
	while (k->count > 0)
		remove_at(k, k->count - 1);
	k->turn++;
	k->largest = 0;
	(void)pthread_mutex_unlock(&k->lock);
}

unsigned frame_cache_turn(struct frame_cache *k)
{
	(void)pthread_mutex_lock(&k->lock);
	unsigned turn = k->turn;
	(void)pthread_mutex_unlock(&k->lock);
	return turn;
}

size_t frame_cache_bytes(struct frame_cache *k)
{
	(void)pthread_mutex_lock(&k->lock);
	size_t bytes = k->bytes;
	(void)pthread_mutex_unlock(&k->lock);
	return bytes;
}

void frame_cache_free(struct frame_cache *k)
{
	if (!k)
		return;
	frame_cache_clear(k);
	(void)pthread_mutex_destroy(&k->lock);
	free(k);
}
