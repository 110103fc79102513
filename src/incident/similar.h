/* SPDX-License-Identifier: Apache-2.0 */
/* similar.h: which other records a case may belong with, and why.
 *
 * Ranked: the same indicator (or a network around it), the same finding, the same organisation and
 * class within 90 days, a title with the same words. Each with its reasons as sentences. What the
 * viewer may not see is not in it, and no reason rests on a field he may not see, here or there. */
#ifndef RONDA_INCIDENT_SIMILAR_H
#define RONDA_INCIDENT_SIMILAR_H

#include "incident/case.h"

enum { SIMILAR_MOST = 20, SIMILAR_REASONS = 6 };
struct similar {
	str id, name, state;       /* "incident--…", "incident-42 Title", name of the state */
	const struct type *type;
	int64_t changed_us;
	unsigned score;            /* of the reasons together, for the order */
	str reasons[SIMILAR_REASONS];
	size_t reason_count;
};
/* Best first, at most SIMILAR_MOST, in `a`. RC_ABSENT: no such record for him. */
MUST_CHECK enum rc similar_cases(struct reader *r, const struct types *t, const struct viewer *v,
				 str id, str language, struct arena *a, struct similar **out,
				 size_t *count_out, struct err *err);

#endif
