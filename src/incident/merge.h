/* SPDX-License-Identifier: Apache-2.0 */
/* merge.h: two cases that are one, one that is two, and a case that passes from hand to hand.
 *
 * Everything is versions and links of the records themselves: nothing is lost, and the history says
 * what was done. Each call is one job: all of it or nothing; rights are asked as for each change by
 * hand (change.h). */
#ifndef RONDA_INCIDENT_MERGE_H
#define RONDA_INCIDENT_MERGE_H

#include "incident/case.h"

/* `other` goes into `keep`: its indicators are added to those of `keep`, links made by hand are
 * made from (or to) `keep` too, and `other` becomes "case.merged" with a link duplicate-of. RC_INPUT: one is
 * of an exercise and one is not, or they are of different types, or there is no reason. RC_LIMIT:
 * more indicators than a record takes. */
struct merged {
	size_t indicators, links;
};
MUST_CHECK enum rc case_merge(struct records *r, struct store *s, const struct viewer *v, str keep,
			      str other, str why, struct arena *a, struct merged *out, struct err *err);
/* Takes it back: `other` is in the state it was in, what the merge added to the record it went into
 * goes, unless somebody changed it since. RC_INPUT: it is not merged. */
MUST_CHECK enum rc case_unmerge(struct records *r, struct store *s, const struct viewer *v, str other,
				str why, struct arena *a, struct merged *out, struct err *err);

/* A new case with the chosen indicators (values) and links (ids), which leave `id`; it has class,
 * severity, organisation and labels of `id`, and a link split-from. RC_INPUT: nothing is chosen, or
 * something that is not there. */
struct split_request {
	str id, title, why, language;
	const str *indicators; size_t indicator_count;
	const int64_t *links; size_t link_count;
};
MUST_CHECK enum rc case_split(struct records *r, struct store *s, const struct viewer *v,
			      const struct split_request *q, struct arena *a, str *id_out,
			      struct err *err);

/* Hands it over: another assignee, a note for him; he confirms. RC_INPUT: no note, no such field. */
MUST_CHECK enum rc case_hand_over(struct records *r, struct store *s, const struct viewer *v, str id,
				  str person, str note, struct arena *a, struct err *err);
/* By the assignee alone: RC_DENIED for all others. RC_INPUT: nothing waits to be confirmed. */
MUST_CHECK enum rc case_confirm(struct records *r, struct store *s, const struct viewer *v, str id,
				struct arena *a, struct err *err);
/* Is it this viewer who has to confirm? For buttons. */
bool case_may_confirm(const struct record_view *v);

#endif
