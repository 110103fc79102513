/* SPDX-License-Identifier: Apache-2.0 */
/* pack.h: finished reports take little room.
 *
 * A delivery of a single event costs a row, an index entry and a place of its
 * own, ten times what the event costs. So reports that are done move, some
 * thousands at a time and in the order of their ids: rows into a block of
 * columns (report_block.c), bytes into frames they share (raw_shared.c), digests
 * into sorted runs (report_index.c). reports.h reads all of it as before.
 *
 * What is packed is not changed any more: a packed report that is undone or
 * mended gets a plain row again, which stands before the packed one. Reports
 * that are still parsed, of which records are in quarantine, or of a feed of
 * complete lists keep their plain row. */
#ifndef RONDA_STORE_PACK_H
#define RONDA_STORE_PACK_H

#include "store/reports.h"

enum { PACK_REPORTS = 4096 };

/* Background work, for store_add_tend() (ctx is not used): packs when there are
 * PACK_REPORTS small ones up to reports_told(), or those of an earlier day; and
 * merges the runs of digests. */
MUST_CHECK enum rc reports_pack(struct store *s, void *ctx, bool *did_out, struct err *err);

/* The reports up to this id are in the journal: only they are packed. */
MUST_CHECK enum rc reports_told(struct conn *c, int64_t *id_out, struct err *err);
MUST_CHECK enum rc reports_tell(struct tx *tx, int64_t id, struct err *err);

/* What stands for a report in the hash of many: 96 bits of a keyed hash of its
 * feed and digest. The same whether it is packed or not. */
struct report_mark {
	int64_t id;
	uint64_t hi;
	uint32_t lo;
};
/* The marks of the reports with first <= id <= last that are done (or were, before
 * they were undone), ascending by id. *out is yours to free(). RC_LIMIT: more
 * than `most`. */
MUST_CHECK enum rc reports_marks(struct store *s, struct conn *c, int64_t first, int64_t last,
				 size_t most, struct report_mark **out, size_t *count_out,
				 struct err *err);

#endif
