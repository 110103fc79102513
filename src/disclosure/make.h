/* SPDX-License-Identifier: Apache-2.0 */
/* make.h: rows of one record become records of another type, as `makes` of its type says.
 *
 * A response plan is written down once; when something happens its steps become tasks. All are
 * made in one job or none is, each through change.h: who may not create them makes none. What is
 * made carries the stricter of the labels of both, and belongs to both. */
#ifndef RONDA_DISCLOSURE_MAKE_H
#define RONDA_DISCLOSURE_MAKE_H

#include "disclosure/change.h"
#include "record/calendar.h"

struct make_request {
	str origin;                /* whose rows they are: as read_record takes it */
	str parent;                /* what they are for; STR_NONE when the type asks for none */
	const struct calendar *calendar; /* for types whose clock counts business hours */
	int64_t now_us;            /* what is due is counted from here */
	str language;
};
struct made {
	str *ids;                  /* "task--…" in the order of the rows, in the arena */
	size_t count;
};
/* RC_CONFLICT: made already for the same two; names what is there, as far as the viewer may see
 * it. RC_INPUT: nothing to make, not in that state, what a row has does not fit. RC_ABSENT, RC_DENIED: as
 * change_record(). */
MUST_CHECK enum rc change_make(struct records *r, struct store *s, const struct viewer *v,
			       const struct make_request *q, struct arena *a, struct made *out,
			       struct err *err);
/* May it be asked for, of this record as it stands? For buttons. */
bool make_possible(const struct types *t, const struct record_view *origin);
/* Records of which something may be made for `parent`, as its viewer sees them: plans that fit. At
 * most `limit`; the newest 1,000 of a type are looked at. */
MUST_CHECK enum rc make_offers(struct reader *r, const struct types *t,
			       const struct record_view *parent, size_t limit, struct arena *a,
			       record_view_each each, void *ctx, struct err *err);

#endif
