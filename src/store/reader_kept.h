/* SPDX-License-Identifier: Apache-2.0 */
/* reader_kept.h: what was read once in a view, kept for the next question to the same view. */
#ifndef RONDA_STORE_READER_KEPT_H
#define RONDA_STORE_READER_KEPT_H

#include "store/frame_cache.h"

/* One thing, ended with the view (store_read_end); a new one ends the one before. NULL: none. */
void *reader_kept(const struct reader *r);
void reader_keep(struct reader *r, void *kept, void (*kept_free)(void *kept));

/* Decoded blocks of findings, shared by all readers and jobs. */
struct frame_cache *store_blocks(const struct store *s);

#endif
