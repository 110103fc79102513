/* SPDX-License-Identifier: Apache-2.0 */
/* notices.h: what somebody here has to take note of.
 *
 * A notice is a message of the driver "notice" (record/outbox.h): to an account, to the record of
 * a person, or to a role. Nobody sends it anywhere: it waits until one of those it is for says
 * that he has seen it. That ends the message, with a receipt in the ledger, and stops the ladder
 * of the clock that made it (record/clocks.h). What it is about is shown through the same gate as
 * any record; who may not see that learns that something is due, and no more. */
#ifndef RONDA_DISCLOSURE_NOTICES_H
#define RONDA_DISCLOSURE_NOTICES_H

#include "disclosure/account.h"
#include "disclosure/read_records.h"

struct notice {
	int64_t id, made_us;
	str to;                    /* "account:3", "person--…", "role:duty" */
	bool visible;              /* he may see what it is about; else what follows is empty */
	str item, type, title;     /* "incident--…", its type's name, its title ("" when cut) */
	str clock;                 /* name of the clock; "" of another kind of notice */
	int64_t due_us;            /* TIME_NONE: nothing is due */
	int64_t step;              /* of the ladder, from 0 */
	str watch;                 /* "on-duty": told because he has the watch; "" else */
	bool nobody;               /* ... that nobody had: it is to the role behind */
	str words;                 /* of whoever made it; "" none */
};
/* For this viewer, whose bits `roles` names, newest first; `before` an id, 0: from the newest; at most 1000. */
MUST_CHECK enum rc read_notices(struct reader *r, const struct types *t, const struct roles *roles,
				const struct viewer *v, int64_t before, size_t limit, struct arena *a, struct notice **out,
				size_t *count_out, struct err *err);
/* He has seen it; `words` may be "". In one job, journalled. RC_ABSENT: no such notice for him.
 * RC_DENIED: he may not see what it is about, or only reads. RC_CONFLICT: somebody has taken note of
 * it, or it was withdrawn. */
MUST_CHECK enum rc notice_take(struct records *r, struct store *s, const struct roles *roles,
			       const struct viewer *v, int64_t id, str words, struct err *err);

#endif
