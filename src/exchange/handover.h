/* SPDX-License-Identifier: Apache-2.0 */
/* handover.h: an item handed over to the team of a partner.
 *
 * The origin offers it by a contribution to that team alone, with a reason and a time until which an answer is expected.
 * Accepted, the receiver's own record is made out of its copy, in the job that says so; from then on what becomes of
 * that record comes back to the origin as contributions. The origin's item says who handles it and waits. Declined, taken
 * back, or not answered in time, all stays as it was, and who has the watch is told by the contribution's own clock.
 *
 * A type takes part by what it means (record/type.h):
 *   handover.by     a field (reference to an organisation): the team that handles it now
 *   handover.waits  the state it is in meanwhile;  handover.work  the state it is worked in
 *   handover.ends   the state in which a record ends that was made of an offer which was over already (may be missing)
 *   handover.outcome  what came of it, told when it is closed (may be missing) */
#ifndef RONDA_EXCHANGE_HANDOVER_H
#define RONDA_EXCHANGE_HANDOVER_H

#include "exchange/together_private.h"

/* As part of exchange_open(). */
MUST_CHECK enum rc team_handover_open(struct exchange *x, struct err *err);

struct team_offer {
	str item;                  /* of ours, as read_record takes it */
	str to;                    /* partner, as partner_find() takes it */
	str why;
	str until;                 /* RFC 3339; "": a day from now */
};
/* Offers it. RC_CONFLICT: it is offered to somebody, or somebody handles it; RC_ABSENT: the partner has not got it. */
MUST_CHECK enum rc team_handover_offer(struct exchange *x, const struct viewer *v, const struct team_offer *q, struct arena *a,
				       str *id_out, struct err *err);
/* Answers the offer that stands for this item (a copy). Accepted: *id_out is our own record made of it, else the
 * answer. RC_CONFLICT: none stands, it was answered, or its time is over. */
MUST_CHECK enum rc team_handover_answer(struct exchange *x, const struct viewer *v, str item, bool accept, str why,
					struct arena *a, str *id_out, struct err *err);
/* Takes the offer back, before it was accepted. */
MUST_CHECK enum rc team_handover_take_back(struct exchange *x, const struct viewer *v, str item, str why, struct arena *a,
					   struct err *err);

/* Inside the job that wrote a contribution of ours: what follows. */
MUST_CHECK enum rc team_handover_said(struct tx *tx, struct exchange *x, const struct types *types, const struct record *before,
				      const struct record *now, const struct word *w, const struct shared_item *s, struct arena *a,
				      struct err *err);
/* Inside the job that took a contribution of a partner about an item of ours. RC_DENIED: he may not say so. */
MUST_CHECK enum rc team_handover_taken(struct tx *tx, struct exchange *x, const struct types *types, const struct partner *from,
				       const struct record *said, const struct word *w, const struct shared_item *s,
				       struct arena *a, struct err *err);
/* Inside the job that took a contribution of a partner about his own item: did we accept too late? Then what we made of it
 * is closed, with the reason, and the watch is told. */
MUST_CHECK enum rc team_handover_over(struct tx *tx, struct exchange *x, const struct types *types, const struct record *said,
				      const struct word *w, struct arena *a, struct err *err);

#endif
