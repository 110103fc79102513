/* SPDX-License-Identifier: Apache-2.0 */
/* held.h: what is kept for a case until its hold is lifted.
 *
 * A hold names records, findings, events and reports by their ids ("incident--UUID",
 * "finding--HEX", "event--HEX", "report--12"). Nothing that is held is erased, forgotten or ends
 * with its retention. Why, and for which case, is said by the record of the hold, to those who may
 * read it; here it is only its UUID, and a refusal says no more than that there is one. */
#ifndef RONDA_STORE_HELD_H
#define RONDA_STORE_HELD_H

#include "base/uuid.h"
#include "store/store.h"

/* Inside a job. `seq`: of an event, else 0. `secret`: that it is held may not be told to whom it is
 * about (a live case of law enforcement). A second time is RC_OK. */
MUST_CHECK enum rc held_add(struct tx *tx, const struct uuid *hold, str object, uint64_t seq,
			    bool secret, struct err *err);
MUST_CHECK enum rc held_lift(struct tx *tx, const struct uuid *hold, struct err *err);
/* RC_DENIED: it is held. */
MUST_CHECK enum rc held_check(struct conn *c, str object, struct err *err);
MUST_CHECK enum rc held_is(struct conn *c, str object, bool *out, struct err *err);
MUST_CHECK enum rc held_is_secret(struct conn *c, str object, bool *out, struct err *err);
/* Whether any of the events listed for an erasure is held (events_list_add). */
MUST_CHECK enum rc held_check_events(struct conn *c, int64_t list, struct err *err);
MUST_CHECK enum rc held_count(struct conn *c, const struct uuid *hold, int64_t *out, struct err *err);
typedef bool (*held_each)(void *ctx, str object, uint64_t seq); /* false: enough */
MUST_CHECK enum rc held_list(struct conn *c, const struct uuid *hold, held_each each, void *ctx,
			     struct err *err);

#endif
