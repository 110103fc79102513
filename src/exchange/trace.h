/* SPDX-License-Identifier: Apache-2.0 */
/* trace.h: the way of one item, from when it came to who said that he has it.
 *
 * An event, a finding or a record, by its id; of a finding its newest event goes the way to partners. Each step
 * says when, what and with whom; what the viewer may not see is not there (disclosure/read.h). */
#ifndef RONDA_EXCHANGE_TRACE_H
#define RONDA_EXCHANGE_TRACE_H

#include "exchange/courier.h"

struct trace_step {
	int64_t at_us;
	const char *what;      /* "happened", "received", "opened", "told", "answered", "offered", "receipt", … */
	str who;               /* partner, recipient, feed; "" */
	str words;
	bool missing;          /* it should be there and is not: no receipt yet */
};
typedef bool (*trace_each)(void *ctx, const struct trace_step *s);
/* In the order of time. RC_ABSENT: there is no such item, or not for this viewer. */
MUST_CHECK enum rc trace_item(struct exchange *x, struct reader *r, const struct types *t, const struct roles *roles,
			      const struct viewer *v, str id, struct arena *a, trace_each each, void *ctx,
			      struct err *err);

#endif
