/* SPDX-License-Identifier: Apache-2.0 */
/* offer.h: what is new with us becomes entries of the collections of those it is for.
 *
 * A teller with durable cursors over the events and the versions of records (answers: answer.h): in one job it writes the
 * entries and moves its cursor, so nothing is offered twice or left out by a crash. For whom:
 *   events   that concern the partner's organisation (its numbers in the event's list), when an agreement with the flow
 *            "findings" is in force; never back to whom they came from
 *   records  of types that may be exchanged, ours, the flow of their type agreed; those with an audience only to
 *            it. A new version is a new entry
 * What is offered is checked again when it is read; what is refused now may be offered later when an agreement allows it:
 * what came lately is looked through by itself when claims or flows change (offer_later.c), what is
 * older when a person asks for it (`ronda partner offer`). */
#ifndef RONDA_EXCHANGE_OFFER_H
#define RONDA_EXCHANGE_OFFER_H

#include "exchange/collection.h"

/* exchange_open() and _close(), _start() and _stop() call these. */
MUST_CHECK enum rc offer_open(struct exchange *x, struct err *err);
void offer_close(struct exchange *x);
MUST_CHECK enum rc offer_start(struct exchange *x, struct err *err);
void offer_stop(struct exchange *x);
/* One look, in the caller's thread: *did_out: there may be more. By one thread at a time. */
MUST_CHECK enum rc offer_look(struct exchange *x, bool *did_out, struct err *err);
/* Called after entries were made, so that the courier wakes (offered_fn). */
void offer_wake(struct exchange *x);
/* What is there since a time, to this partner once more: for who is new, or away, or may have more now.
 * *events_out: how many events. Withdrawn things stay withdrawn. */
MUST_CHECK enum rc offer_again(struct exchange *x, const struct partner *p, int64_t since_us, uint64_t *events_out,
			       struct err *err);

#endif
