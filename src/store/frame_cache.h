/* SPDX-License-Identifier: Apache-2.0 */
/* frame_cache.h: what was decoded of frames, held for readers that soon ask for the same (a burst of
 * letters). Only so many bytes; shared by all readers of a store, so nobody writes to what is held. */
#ifndef RONDA_STORE_FRAME_CACHE_H
#define RONDA_STORE_FRAME_CACHE_H

#include "store/store.h"

/* Stands first in what is held, which x_alloc() gave. */
struct frame_kept {
	struct place at;
	size_t bytes;
	void (*end)(struct frame_kept *one); /* frees it */
	int64_t used_us; /* monotonic; this and the rest are the cache's */
	unsigned users;
	bool gone;
};

struct frame_cache;
struct frame_cache *frame_cache_new(size_t bytes_most);
void frame_cache_free(struct frame_cache *k); /* nobody holds anything any more; NULL is fine */

/* NULL: it is not held. To be given back. */
struct frame_kept *frame_cache_take(struct frame_cache *k, const struct place *at);
/* Whether one more would find room as it seems: asked before the work of making it. */
bool frame_cache_room(struct frame_cache *k, unsigned turn);
/* Takes `one` (at, bytes and end are set) and gives back what is held for its place. NULL: there is
 * no room but that of things in use, or it was cleared after `turn`; then `one` is freed. */
struct frame_kept *frame_cache_add(struct frame_cache *k, struct frame_kept *one, unsigned turn);
void frame_cache_give_back(struct frame_cache *k, struct frame_kept *one); /* NULL is fine */

/* Lets go what nobody took since `unused_us` (monotonic): a burst is over, its memory is for others. */
void frame_cache_rest(struct frame_cache *k, int64_t unused_us);
/* Something was forgotten: nothing stays. Counts turns, so that what was read before is not added after. */
void frame_cache_clear(struct frame_cache *k);
unsigned frame_cache_turn(struct frame_cache *k);
size_t frame_cache_bytes(struct frame_cache *k);

#endif
