/* SPDX-License-Identifier: Apache-2.0 */
/* chunk_cache.h: decoded chunks, held for readers that soon ask for them again (a burst of letters
 * about events of one day). Few, and only so many bytes; shared by all readers of a store. */
#ifndef RONDA_STORE_CHUNK_CACHE_H
#define RONDA_STORE_CHUNK_CACHE_H

#include "store/chunk.h"
#include "store/store.h"

struct chunk_cache;
struct chunk_kept {
	struct chunk chunk; /* all columns are read, and nobody writes to it: readers take a copy with
			     * an arena of their own */
};
struct chunk_cache *chunk_cache_new(size_t bytes_most);
void chunk_cache_free(struct chunk_cache *k); /* nobody holds one any more; NULL is fine */

/* NULL: it is not held. To be given back. */
const struct chunk_kept *chunk_cache_take(struct chunk_cache *k, const struct place *at);
/* Decodes the chunk's bytes and holds it. NULL: there is no room but that of chunks in use, it was
 * cleared after `turn`, or the chunk is damaged (which the reader meets itself). */
const struct chunk_kept *chunk_cache_add(struct chunk_cache *k, const struct place *at, str bytes,
					 struct ZSTD_DCtx_s *unpack, unsigned turn);
void chunk_cache_give_back(struct chunk_cache *k, const struct chunk_kept *one); /* NULL is fine */

/* Events were forgotten: nothing stays. Counts turns, so that what was read before is not added after. */
void chunk_cache_clear(struct chunk_cache *k);
unsigned chunk_cache_turn(struct chunk_cache *k);
size_t chunk_cache_bytes(struct chunk_cache *k);

#endif
