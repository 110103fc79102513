/* SPDX-License-Identifier: Apache-2.0 */
/* break_glass.h: emergency disclosure: one record, one person, one hour, a reason, a review.
 *
 * A person of ours whose role says "breaks_glass" gives a reason and may then read one record that
 * his labels or rights keep from him, on the screen and the command line. He cannot change it, and
 * it stays out of his lists, searches and exports; what is sealed stays sealed; a drill stays with
 * those in it; a record of an organisation's classification nobody is cleared for stays shut. The
 * journal has a line at once, and the case stays open until another person who approves has looked
 * at it. */
#ifndef RONDA_DISCLOSURE_BREAK_GLASS_H
#define RONDA_DISCLOSURE_BREAK_GLASS_H

#include "disclosure/account.h"
#include "disclosure/read_records.h"

#define BREAK_GLASS_US HOUR_US
enum { BREAK_GLASS_REASON_LEAST = 10, BREAK_GLASS_REASON_MOST = 1000 };

/* RC_DENIED: no role of his may, or he is nobody's account. RC_INPUT: the reason is too short.
 * RC_ABSENT: no such record. */
MUST_CHECK enum rc break_glass(struct records *r, struct store *s, const struct roles *roles,
			       const struct viewer *v, str item, str reason, int64_t *id_out,
			       int64_t *until_us_out, struct err *err);
/* RC_DENIED: his own, or no role of his approves. RC_CONFLICT: reviewed already. RC_INPUT: without
 * words. */
MUST_CHECK enum rc break_glass_review(struct records *r, struct store *s, const struct roles *roles,
				      const struct viewer *v, int64_t id, str words, struct err *err);
struct glass {
	int64_t id, at_us, until_us, reviewed_us; /* 0: to be reviewed */
	str item, actor, reason, reviewed_by, words;
};
/* Newest first; `open`: only those to be reviewed. For who breaks or reviews: RC_DENIED else. */
MUST_CHECK enum rc break_glass_list(struct conn *c, const struct roles *roles, const struct viewer *v,
				    bool open, size_t limit, struct arena *a, struct glass **out,
				    size_t *count_out, struct err *err);

#endif
