/* SPDX-License-Identifier: Apache-2.0 */
/* succession.h: one organisation takes another's place.
 *
 * An agency is replaced, a provider bought. From a day on what the old one claimed is the new
 * one's: its rows of constituency end on the day before, the same rows begin at the successor
 * (with "source" the old one's id), the old one names it as `successor` and, once the day has
 * come, is former. Nothing is lost: what was before stands in the old one's rows and history;
 * open findings follow the directory. Taking it back moves the rows home and reopens them. Both
 * records change in one job, by the rights of who asks. */
#ifndef RONDA_DIRECTORY_SUCCESSION_H
#define RONDA_DIRECTORY_SUCCESSION_H

#include "disclosure/change.h"

struct succession {
	str from, to;     /* organisations, as read_record takes them */
	str day;          /* "2026-12-01": the first of the successor; STR_NONE: today (UTC) */
	str why, language;
	bool back;        /* take it back: `day` is not looked at */
	int64_t now_us;
};
struct succession_done {
	size_t moved;     /* rows of constituency */
	bool former;      /* the old one is former now; false: the day is still to come */
	str from, to;     /* ids, in the arena */
};
/* RC_INPUT: no day, no organisations, nothing to take back; RC_CONFLICT: one changed meanwhile;
 * RC_ABSENT, RC_DENIED as change_record(). */
MUST_CHECK enum rc directory_succeed(struct records *r, struct store *s, const struct viewer *v,
				     const struct succession *q, struct arena *a,
				     struct succession_done *out, struct err *err);

#endif
