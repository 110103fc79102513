/* SPDX-License-Identifier: Apache-2.0 */
/* offer.h: what is new with us becomes entries of the collections of those it is for.
 *
 * A teller with durable cursors over the events, the versions of records and the ledger: in one job it writes the
 * entries and moves its cursor, so nothing is offered twice or left out by a crash. For whom:
 *   events   that concern the partner's organisation (its numbers in the event's list), when an agreement with the flow
 *            "findings" is in force; never back to whom they came from
 *   records  of types that may be exchanged, ours, the flow of their type agreed; those with an audience only to
 *            it. A new version is a new entry
 *   answers  what became of events that came from the partner: told, acknowledged, fixed, gone
 * What is offered is checked again when it is read; what is refused now may be offered later when an agreement allows it:
 * a backfill is asked for by a person (`ronda partner offer`). */
#ifndef RONDA_EXCHANGE_OFFER_H
#define RONDA_EXCHANGE_OFFER_H

#include "exchange/collection.h"

/* Registers with the store's background work; exchange_open() calls it. */
MUST_CHECK enum rc offer_open(struct exchange *x, struct err *err);
/* Called (by the background) after entries were made, so that the courier wakes. */
void offer_wake(struct exchange *x);

#endif
