/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/access_guard.h"

#include <stdatomic.h>

#include "base/arena.h"
#include "base/hash.h"

/* A set of WAYS slots for each value of some hash bits; a slot is one word,
 * swapped whole, so no lock is needed: 44 bits of the address's hash, 12 bits
 * of window number, 8 bits of tries. */
enum { SETS = 1024, WAYS = 4 };
enum { TRIES_BITS = 8, WINDOW_BITS = 12 };
#define TRIES_MASK ((UINT64_C(1) << TRIES_BITS) - 1)
#define WINDOW_MASK ((UINT64_C(1) << WINDOW_BITS) - 1)
#define TAG_SHIFT (TRIES_BITS + WINDOW_BITS)

struct access_guard {
	struct key key, name_key; /* nobody outside can choose addresses that meet in one set */
	_Atomic uint64_t slot[SETS][WAYS];
};

struct access_guard *guard_new(void)
{
	struct access_guard *g = x_alloc(sizeof(*g));

	random_bytes(g->key.b, sizeof(g->key.b));
	random_bytes(g->name_key.b, sizeof(g->name_key.b));
	return g;
}

void guard_free(struct access_guard *g)
{
	free(g);
}

/* Whose try it is and in which window, as the upper bits of its slot's word. */
static uint64_t tag_of(const struct key *key, str whose, size_t *set_out)
{
	struct hash128 h = keyed_hash128_raw(key, whose);
	uint64_t window = (uint64_t)(clock_mono_us() / GUARD_WINDOW_US) + 1;
	*set_out = h.lo % SETS;
	return (h.hi << TAG_SHIFT) | (window & WINDOW_MASK) << TRIES_BITS;
}

static uint64_t name_of(const struct access_guard *g, const struct ip *from, size_t *set_out)
{
	struct ip ip = *from;

	if (!ip_is4(&ip))
		ip_mask(&ip, 64);
	return tag_of(&g->key, str_mem(ip.b, sizeof(ip.b)), set_out);
}

static uint64_t tries_now(uint64_t word, uint64_t name)
{
	bool same_window = ((word ^ name) >> TRIES_BITS & WINDOW_MASK) == 0;

	return same_window ? word & TRIES_MASK : 0;
}

static bool is_of(uint64_t word, uint64_t name)
{
	return (word ^ name) >> TRIES_BITS == 0;
}

/* The slot of this name, else the emptiest one, and the word that was in it. */
static _Atomic uint64_t *find_slot(struct access_guard *g, size_t set, uint64_t name, uint64_t *word_out)
{
	_Atomic uint64_t *best = NULL;
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < WAYS; i++) {
		_Atomic uint64_t *at = &g->slot[set][i];
		uint64_t word = atomic_load(at);

		if (is_of(word, name)) {
			*word_out = word;
			return at;
		}
		if (tries_now(word, name) < least) {
			least = tries_now(word, name);
			*word_out = word;
			best = at;
		}
	}
	return best;
}

static bool enter(struct access_guard *g, size_t set, uint64_t name)
{
	for (;;) {
		uint64_t old;
		_Atomic uint64_t *at = find_slot(g, set, name, &old);
		uint64_t tries = is_of(old, name) ? old & TRIES_MASK : 0;

		if (tries >= GUARD_TRIES)
			return false;
		if (atomic_compare_exchange_weak(at, &old, name | (tries + 1)))
			return true; /* else another thread was quicker */
	}
}

static void give_back(struct access_guard *g, size_t set, uint64_t name)
{
	uint64_t old;
	_Atomic uint64_t *at = find_slot(g, set, name, &old);
	/* Forgotten meanwhile, or another window: nothing to give back. */
	while (is_of(old, name) && (old & TRIES_MASK) > 0)
		if (atomic_compare_exchange_weak(at, &old, old - 1))
			return;
}

bool guard_enter(struct access_guard *g, const struct ip *from)
{
	size_t set;

	if (!from)
		return true;
	uint64_t name = name_of(g, from, &set);
	return enter(g, set, name);
}

void guard_leave(struct access_guard *g, const struct ip *from, bool right)
{
	size_t set;

	if (!from || !right)
		return;
	uint64_t name = name_of(g, from, &set);
	give_back(g, set, name);
}

bool guard_open(struct access_guard *g, const struct ip *from)
{
	size_t set;
	uint64_t word;

	if (!from)
		return true;
	uint64_t name = name_of(g, from, &set);
	find_slot(g, set, name, &word);
	return !is_of(word, name) || (word & TRIES_MASK) < GUARD_TRIES;
}

void guard_wrong(struct access_guard *g, const struct ip *from)
{
	(void)!guard_enter(g, from); /* never left */
}

bool guard_enter_name(struct access_guard *g, str folded)
{
	size_t set;
	uint64_t name = tag_of(&g->name_key, folded, &set);

	return enter(g, set, name);
}

void guard_leave_name(struct access_guard *g, str folded, bool right)
{
	size_t set;

	if (!right)
		return;
	uint64_t name = tag_of(&g->name_key, folded, &set);
	give_back(g, set, name);
}
