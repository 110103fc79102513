/* SPDX-License-Identifier: Apache-2.0 */
#include "store/repeat_table.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"

enum { SLOT_BYTES = 8 + 4 + 2 + 1, SLICES = 64 };

struct generation {
	uint64_t *tag; /* 0: empty */
	uint32_t *report;
	uint16_t *check;
	uint8_t *slice;
	size_t used;
	uint64_t seq_most;
	int64_t first_us; /* when its first entry came */
};

struct repeat_table {
	size_t slots; /* of a generation */
	int64_t window_us, slice_us;
	struct generation now, before;
};

static void generation_make(struct generation *g, size_t slots)
{
	g->tag = x_array(slots, sizeof(*g->tag));
	g->report = x_array(slots, sizeof(*g->report));
	g->check = x_array(slots, sizeof(*g->check));
	g->slice = x_array(slots, sizeof(*g->slice));
}

static void generation_drop(struct generation *g)
{
	free(g->tag);
	free(g->report);
	free(g->check);
	free(g->slice);
	*g = (struct generation){ 0 };
}

struct repeat_table *repeat_table_new(size_t bytes, int64_t window_us)
{
	struct repeat_table *t = x_alloc(sizeof(*t));
	t->slots = bytes / 2 / SLOT_BYTES;
	if (t->slots < KIB(16))
		t->slots = KIB(16);
	if (t->slots > UINT32_MAX)
		t->slots = UINT32_MAX;
	t->window_us = window_us;
	t->slice_us = window_us / SLICES > 0 ? window_us / SLICES : 1;
	return t;
}

void repeat_table_free(struct repeat_table *t)
{
	if (!t)
		return;
	generation_drop(&t->now);
	generation_drop(&t->before);
	free(t);
}

static size_t home(const struct repeat_table *t, uint64_t tag)
{
	return (size_t)((tag >> 32) * t->slots >> 32);
}

void repeat_table_prefetch(const struct repeat_table *t, const struct repeat_key *k)
{
	size_t at = home(t, k->tag);
	if (t->now.used)
		__builtin_prefetch(&t->now.tag[at]);
	if (t->before.used)
		__builtin_prefetch(&t->before.tag[at]);
}

static uint8_t slice_of(const struct repeat_table *t, int64_t us)
{
	return (uint8_t)(us / t->slice_us);
}

static bool generation_has(const struct repeat_table *t, const struct generation *g,
			   const struct repeat_key *k, uint8_t now,
			   bool (*counts)(void *ctx, uint32_t report), void *ctx)
{
	if (!g->used)
		return false;
	for (size_t at = home(t, k->tag); g->tag[at]; at = at + 1 < t->slots ? at + 1 : 0) {
		if (g->tag[at] != k->tag || g->check[at] != k->check)
			continue;
		int age = (int8_t)(uint8_t)(now - g->slice[at]);
		if (age <= SLICES && age >= -SLICES && counts(ctx, g->report[at]))
			return true;
	}
	return false;
}

bool repeat_table_has(const struct repeat_table *t, const struct repeat_key *k, int64_t now_us,
		      bool (*counts)(void *ctx, uint32_t report), void *ctx)
{
	uint8_t now = slice_of(t, now_us);
	return generation_has(t, &t->now, k, now, counts, ctx) ||
	       generation_has(t, &t->before, k, now, counts, ctx);
}

/* Three quarters full is full: beyond, runs of taken slots grow long. */
size_t repeat_table_capacity(const struct repeat_table *t)
{
	return t->slots / 4 * 3;
}

size_t repeat_table_room(const struct repeat_table *t)
{
	return repeat_table_capacity(t) - t->now.used;
}

uint64_t repeat_table_drops(const struct repeat_table *t)
{
	return t->before.seq_most;
}

void repeat_table_rotate(struct repeat_table *t)
{
	generation_drop(&t->before);
	t->before = t->now;
	t->now = (struct generation){ 0 };
}

/* A slice is told modulo 256, four windows: no entry may live for three. */
bool repeat_table_stale(const struct repeat_table *t, int64_t now_us)
{
	return (t->now.used && now_us - t->now.first_us > t->window_us) ||
	       (t->before.used && now_us - t->before.first_us > 2 * t->window_us);
}

void repeat_table_add(struct repeat_table *t, const struct repeat_key *k, uint32_t report,
		      uint64_t seq, int64_t at_us)
{
	struct generation *g = &t->now;
	assert(repeat_table_room(t) > 0);
	if (!g->tag)
		generation_make(g, t->slots);
	if (!g->used || at_us < g->first_us)
		g->first_us = at_us;
	size_t at = home(t, k->tag);
	while (g->tag[at])
		at = at + 1 < t->slots ? at + 1 : 0;
	g->tag[at] = k->tag;
	g->check[at] = k->check;
	g->report[at] = report;
	g->slice[at] = slice_of(t, at_us);
	g->used++;
	if (seq > g->seq_most)
		g->seq_most = seq;
}
