/* SPDX-License-Identifier: Apache-2.0 */
/* A set of rows: what a filter or a search found. A bit each, so that sets of any size are cut
 * with each other in no time: a hundred thousand records are 12 KiB. */
#include "record/record_private.h"

struct id_set id_set_new(int64_t highest)
{
	size_t words = (size_t)(highest < 0 ? 0 : highest) / 64 + 1;
	return (struct id_set){ .bits = x_array(words, sizeof(uint64_t)), .words = words };
}

void id_set_free(struct id_set *s)
{
	free(s->bits);
	*s = (struct id_set){ 0 };
}

void id_set_add(struct id_set *s, int64_t id)
{
	if (id >= 0 && (uint64_t)id / 64 < s->words)
		s->bits[id / 64] |= UINT64_C(1) << (id % 64);
}

bool id_set_has(const struct id_set *s, int64_t id)
{
	return id >= 0 && (uint64_t)id / 64 < s->words && s->bits[id / 64] >> (id % 64) & 1;
}

size_t id_set_count(const struct id_set *s)
{
	size_t n = 0;
	for (size_t i = 0; i < s->words; i++)
		n += (size_t)__builtin_popcountll(s->bits[i]);
	return n;
}

void id_set_and(struct id_set *s, const struct id_set *other)
{
	for (size_t i = 0; i < s->words; i++)
		s->bits[i] &= i < other->words ? other->bits[i] : 0;
}

void id_set_or(struct id_set *s, const struct id_set *other)
{
	for (size_t i = 0; i < s->words && i < other->words; i++)
		s->bits[i] |= other->bits[i];
}

int64_t id_set_next(const struct id_set *s, int64_t id)
{
	for (size_t at = (size_t)id / 64; at < s->words; at++) {
		uint64_t bits = s->bits[at];
		if (at == (size_t)id / 64)
			bits &= UINT64_MAX << (id % 64);
		if (bits)
			return (int64_t)(at * 64) + __builtin_ctzll(bits);
	}
	return -1;
}
