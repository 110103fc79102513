/* SPDX-License-Identifier: Apache-2.0 */
/* who_knows.h: has another team seen this address, domain, digest or malware?
 *
 * The question is a record (a type that means "inquiry.value") that is offered like any other, to partners whose agreement lets
 * "requests" flow. The node of one who is asked answers by itself, once, by a contribution to the asker alone: how often the
 * value stands in events and records of its own that the check lets the asker have, first and last, marked as the
 * strictest of them. What may not be told is answered as what is not there. Each question that was answered is a row of
 * the ledger here, each answer one there; who asks more than partner_questions_a_day is told so and no more. */
#ifndef RONDA_EXCHANGE_WHO_KNOWS_H
#define RONDA_EXCHANGE_WHO_KNOWS_H

#include "disclosure/change.h"
#include "exchange/partner.h"

enum { KNOWN_MOST = 10000 };   /* counted up to so many */

/* As part of exchange_open(): answers what is asked. */
MUST_CHECK enum rc who_knows_open(struct exchange *x, struct err *err);

/* RC_INPUT: networks, patterns and texts of several words are not asked about. */
MUST_CHECK enum rc who_knows_value(str value, struct err *err);
/* Asks everybody, or `partner` alone ("": everybody). *id_out: "inquiry--…". */
MUST_CHECK enum rc who_knows_ask(struct exchange *x, const struct viewer *v, str value, str partner, str tlp, str why,
				 struct arena *a, str *id_out, struct err *err);

#endif
