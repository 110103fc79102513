/* SPDX-License-Identifier: Apache-2.0 */
/* retention.h: what has been kept long enough.
 *
 * A type says how long its records are kept once closed ("retention"). It counts from the last
 * change. What is due is erased in the background with the reason "retention". Not while it is
 * under hold, nor while something linked with it is still open. Whoever wants to
 * keep one sees it listed before. */
#ifndef RONDA_RECORD_RETENTION_H
#define RONDA_RECORD_RETENTION_H

#include "record/record.h"

#define RETENTION_LISTED_US (30 * DAY_US)

enum retention_stay { RETENTION_GOES, RETENTION_HELD, RETENTION_LINKED };
struct retained {
	str id;                    /* "incident--…" */
	int64_t ends_us;           /* when it is kept long enough */
	enum retention_stay stay;  /* why it stays all the same */
};
typedef bool (*retained_each)(void *ctx, const struct retained *r); /* false: enough */
/* What ends up to `until_us`, type by type, soonest first. */
MUST_CHECK enum rc retention_list(struct conn *c, const struct types *t, int64_t until_us,
				  retained_each each, void *ctx, struct err *err);
/* Erases one that is due; *did_out false: none is. */
MUST_CHECK enum rc retention_tick(struct store *s, struct records *r, const struct types *t,
				  int64_t now_us, bool *did_out, struct err *err);

#endif
