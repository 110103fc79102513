/* SPDX-License-Identifier: Apache-2.0 */
/* chunk_cache.h: decoded chunks of events in a frame_cache. */
#ifndef RONDA_STORE_CHUNK_CACHE_H
#define RONDA_STORE_CHUNK_CACHE_H

#include "store/chunk.h"
#include "store/frame_cache.h"

struct chunk_kept {
	struct frame_kept head;
	struct chunk chunk; /* all columns are read: readers take a copy with an arena of their own */
	struct arena *a;
};
/* NULL: it is not held. To be given back. */
const struct chunk_kept *chunk_cache_take(struct frame_cache *k, const struct place *at);
/* Decodes the chunk's bytes and holds it. NULL as frame_cache_add(), or the chunk is damaged (which
 * the reader meets itself). */
const struct chunk_kept *chunk_cache_add(struct frame_cache *k, const struct place *at, str bytes,
					 struct ZSTD_DCtx_s *unpack, unsigned turn);
void chunk_cache_give_back(struct frame_cache *k, const struct chunk_kept *one); /* NULL is fine */

#endif
