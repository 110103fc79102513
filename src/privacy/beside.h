/* SPDX-License-Identifier: Apache-2.0 */
/* beside.h: what is kept about persons beside events, findings and records: who answered, who is on the mail list, who
 * was written to by his address alone, what partners sent that is no item of ours. One row of `besides` (beside.c)
 * each; what is named so is erased by its row of erasers.def. */
#ifndef RONDA_PRIVACY_BESIDE_H
#define RONDA_PRIVACY_BESIDE_H

#include "privacy/subject_private.h"

struct beside_row {
	str object;                /* "answer:3" */
	str text;                  /* what is searched */
	str place;                 /* to go on behind */
};
struct beside {
	const char *kind;          /* of subject_found, and of its row in the register (others.def) */
	const char *part;          /* for who watches the search: "answers" */
	/* Some, behind a place ("": from the first), in `a`; 0: there are no more. RC_DENIED: not the viewer's to read. */
	enum rc (*list)(struct reader *r, const struct subject_ask *q, str after, struct arena *a,
			struct beside_row **out, size_t *count_out, struct err *err);
	/* The content of one, as an object; `whole` false: without what may be about others. RC_ABSENT: it is gone. */
	enum rc (*put)(struct reader *r, const struct subject_ask *q, str object, bool whole, struct arena *a,
		       struct json_out *j, struct err *err);
};
/* NULL behind the last; their order is kept on disk (how far a search came): new ones go to the end. */
const struct beside *beside_at(size_t i);
/* NULL: no kind that is kept beside. */
const struct beside *beside_of(str kind);

#endif
