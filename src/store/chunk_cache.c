/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_cache.h"

#include <stdlib.h>

enum { ARENA_BLOCK = KIB(64) };

static void end(struct frame_kept *kept)
{
	struct chunk_kept *one = (struct chunk_kept *)kept;
	arena_free(one->a);
	free(one);
}

static bool decode(struct chunk_kept *one, str bytes, struct ZSTD_DCtx_s *unpack)
{
	struct chunk *c = &one->chunk;
	const struct column *column;
	one->a = arena_new(ARENA_BLOCK);
	bool ok = chunk_open(c, arena_str(one->a, bytes), one->a, unpack, NULL) == RC_OK;
	for (uint32_t i = 0; ok && i < c->columns; i++)
		ok = chunk_column(c, i, &column, NULL) == RC_OK;
	c->unpack = NULL;
	return ok;
}

const struct chunk_kept *chunk_cache_take(struct frame_cache *k, const struct place *at)
{
	return (struct chunk_kept *)frame_cache_take(k, at);
}

const struct chunk_kept *chunk_cache_add(struct frame_cache *k, const struct place *at, str bytes,
					 struct ZSTD_DCtx_s *unpack, unsigned turn)
{
	if (!frame_cache_room(k, turn))
		return NULL;
	struct chunk_kept *one = x_alloc(sizeof *one);
	one->head = (struct frame_kept){ .at = *at, .end = end };
	if (!decode(one, bytes, unpack)) {
		end(&one->head);
		return NULL;
	}
	one->head.bytes = arena_bytes(one->a);
	return (struct chunk_kept *)frame_cache_add(k, &one->head, turn);
}

void chunk_cache_give_back(struct frame_cache *k, const struct chunk_kept *one)
{
	frame_cache_give_back(k, (struct frame_kept *)one);
}
