/* SPDX-License-Identifier: Apache-2.0 */
/* What is read round and round, as a burst of letters does, would put out of a small cache each time
 * what it needs next. So a chunk that was used a moment ago keeps its place, and a new one waits. */
#include "store/chunk_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"

enum { KEPT_MOST = 64, ARENA_BLOCK = KIB(64) };
#define IN_USE_US (2 * SECOND_US)

struct kept {
	struct chunk_kept kept; /* first: what is given out is this */
	struct place at;
	struct arena *a;
	size_t bytes;
	int64_t used_us;        /* monotonic */
	unsigned users;
	bool gone;              /* freed by the last user */
};
struct chunk_cache {
	pthread_mutex_t lock;
	struct kept *list[KEPT_MOST];
	size_t count, bytes, bytes_most, largest;
	unsigned turn;
};

struct chunk_cache *chunk_cache_new(size_t bytes_most)
{
	struct chunk_cache *k = x_alloc(sizeof *k);
	(void)pthread_mutex_init(&k->lock, NULL);
	k->bytes_most = bytes_most;
	return k;
}

static void kept_free(struct kept *one)
{
	arena_free(one->a);
	free(one);
}

/* With the lock. */
static void remove_at(struct chunk_cache *k, size_t i)
{
	struct kept *one = k->list[i];
	k->list[i] = k->list[--k->count];
	k->bytes -= one->bytes;
	one->gone = true;
	if (one->users == 0)
		kept_free(one);
}

static struct kept *find(struct chunk_cache *k, const struct place *at)
{
	for (size_t i = 0; i < k->count; i++) {
		const struct place *p = &k->list[i]->at;
		if (p->day == at->day && p->number == at->number && p->offset == at->offset && p->bytes == at->bytes)
			return k->list[i];
	}
	return NULL;
}

static const struct chunk_kept *lend(struct kept *one)
{
	one->users++;
	one->used_us = clock_mono_us();
	return &one->kept;
}

const struct chunk_kept *chunk_cache_take(struct chunk_cache *k, const struct place *at)
{
	(void)pthread_mutex_lock(&k->lock);
	struct kept *one = find(k, at);
	const struct chunk_kept *lent = one ? lend(one) : NULL;
	(void)pthread_mutex_unlock(&k->lock);
	return lent;
}

/* Makes room for so many bytes, of what nobody asked for of late. With the lock. */
static bool make_room(struct chunk_cache *k, size_t bytes)
{
	int64_t stale_us = clock_mono_us() - IN_USE_US;
	for (size_t i = k->count; i > 0 && (k->count == KEPT_MOST || k->bytes + bytes > k->bytes_most); i--)
		if (k->list[i - 1]->used_us < stale_us)
			remove_at(k, i - 1);
	return k->count < KEPT_MOST && k->bytes + bytes <= k->bytes_most;
}

static bool decode(struct kept *one, str bytes, struct ZSTD_DCtx_s *unpack)
{
	struct chunk *c = &one->kept.chunk;
	const struct column *column;
	one->a = arena_new(ARENA_BLOCK);
	bool ok = chunk_open(c, arena_str(one->a, bytes), one->a, unpack, NULL) == RC_OK;
	for (uint32_t i = 0; ok && i < c->columns; i++)
		ok = chunk_column(c, i, &column, NULL) == RC_OK;
	c->unpack = NULL;
	one->bytes = arena_bytes(one->a);
	return ok;
}

const struct chunk_kept *chunk_cache_add(struct chunk_cache *k, const struct place *at, str bytes,
					 struct ZSTD_DCtx_s *unpack, unsigned turn)
{
	(void)pthread_mutex_lock(&k->lock);
	bool room = turn == k->turn && make_room(k, k->largest);
	(void)pthread_mutex_unlock(&k->lock);
	if (!room)
		return NULL;
	struct kept *one = x_alloc(sizeof *one);
	one->at = *at;
	bool ok = decode(one, bytes, unpack);
	(void)pthread_mutex_lock(&k->lock);
	struct kept *other = find(k, at); /* another thread was quicker */
	if (ok && one->bytes > k->largest && one->bytes <= k->bytes_most)
		k->largest = one->bytes;
	ok = ok && turn == k->turn && !other && make_room(k, one->bytes);
	if (ok) {
		k->list[k->count++] = one;
		k->bytes += one->bytes;
	}
	const struct chunk_kept *lent = ok ? lend(one) : other && turn == k->turn ? lend(other) : NULL;
	(void)pthread_mutex_unlock(&k->lock);
	if (!ok)
		kept_free(one);
	return lent;
}

void chunk_cache_give_back(struct chunk_cache *k, const struct chunk_kept *kept)
{
	struct kept *one = (struct kept *)kept;
	if (!one)
		return;
	(void)pthread_mutex_lock(&k->lock);
	bool last = --one->users == 0 && one->gone;
	(void)pthread_mutex_unlock(&k->lock);
	if (last)
		kept_free(one);
}

void chunk_cache_clear(struct chunk_cache *k)
{
	(void)pthread_mutex_lock(&k->lock);
	while (k->count > 0)
		remove_at(k, k->count - 1);
	k->turn++;
	k->largest = 0;
	(void)pthread_mutex_unlock(&k->lock);
}

unsigned chunk_cache_turn(struct chunk_cache *k)
{
	(void)pthread_mutex_lock(&k->lock);
	unsigned turn = k->turn;
	(void)pthread_mutex_unlock(&k->lock);
	return turn;
}

size_t chunk_cache_bytes(struct chunk_cache *k)
{
	(void)pthread_mutex_lock(&k->lock);
	size_t bytes = k->bytes;
	(void)pthread_mutex_unlock(&k->lock);
	return bytes;
}

void chunk_cache_free(struct chunk_cache *k)
{
	if (!k)
		return;
	chunk_cache_clear(k);
	(void)pthread_mutex_destroy(&k->lock);
	free(k);
}
