/* SPDX-License-Identifier: Apache-2.0 */
/* pack_private.h: what the files behind pack.h share; not for callers. */
#ifndef RONDA_STORE_PACK_PRIVATE_H
#define RONDA_STORE_PACK_PRIVATE_H

#include "base/arena.h"
#include "store/pack.h"
#include "store/raw.h"
#include "store/store_private.h"

/* --- reports.c --- */

/* The reports from first to last whose rows may be packed; `each` says false to
 * stop. And removes just these. */
MUST_CHECK enum rc report_each_to_pack(struct conn *c, int64_t first, int64_t last,
				       bool (*each)(void *ctx, const struct report *r), void *ctx,
				       struct err *err);
MUST_CHECK enum rc report_drop_packed(struct tx *tx, int64_t first, int64_t last, struct err *err);

/* --- report_block.c --- */

/* Makes the body of a block of at most PACK_REPORTS reports, ids ascending. */
void block_pack(const struct report *r, size_t n, struct buf *out);
/* The packed report with that id, its digest zero. A block that was read is kept
 * with the connection until another one is. */
MUST_CHECK enum rc block_find(struct conn *c, int64_t id, struct report *out, bool *found_out,
			      struct err *err);
/* Every report of a block, in order. RC_INPUT: damaged. */
MUST_CHECK enum rc block_each(str body, void (*each)(void *ctx, const struct report *r), void *ctx,
			      struct err *err);

/* The block of that report anew, without its file name and words. */
MUST_CHECK enum rc block_erase(struct tx *tx, int64_t id, struct err *err);

/* --- report_index.c --- */

struct report_mark report_mark_of(const struct key *secret, const struct report *r);
/* A run of these, which are worked over. */
MUST_CHECK enum rc index_add(struct tx *tx, struct report_mark *mark, size_t n, struct err *err);
/* The ids that stand under the mark, newest first, in `a`. */
MUST_CHECK enum rc index_find(struct conn *c, const struct report_mark *want, struct arena *a,
			      int64_t **ids_out, size_t *count_out, struct err *err);
/* Every mark of an id between first and last; in no order. */
MUST_CHECK enum rc index_each(struct conn *c, int64_t first, int64_t last,
			      bool (*each)(void *ctx, const struct report_mark *m), void *ctx,
			      struct err *err);
/* One piece of merging or removing, when there is something to be done. */
MUST_CHECK enum rc index_tend(struct store *s, bool *did_out, struct err *err);
/* Every page of every run; `say` gets a sentence for what is wrong. */
MUST_CHECK enum rc index_check(struct conn *c, void (*say)(void *ctx, const char *words), void *ctx,
			       uint64_t *marks_out, struct err *err);

#endif
