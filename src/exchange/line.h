/* SPDX-License-Identifier: Apache-2.0 */
/* line.h: how it stands with the line to one partner, in its rows: cursors, receipts, counts, the last failure. Between
 * courier, bundles and the listener. */
#ifndef RONDA_EXCHANGE_LINE_H
#define RONDA_EXCHANGE_LINE_H

#include "exchange/courier.h"
#include "exchange/keys.h"

enum { LANE_COUNT = 3 };
const char *lane_name(enum lane l); /* "warning", "incident", "bulk": as Ronda-Lane says it */
bool lane_of_name(str name, enum lane *out);

/* One batch that the other side answered, or a bundle's receipt. */
struct sent_batch {
	struct uuid partner;
	enum lane lane;
	int64_t after_us, upto_us; /* 0: not ours; counted only */
	uint64_t objects, failures, bytes;
	str id;                    /* of the status there */
	str words;                 /* of the first failure; "" */
	uint64_t policy;
	int64_t rtt_us;            /* 0: not measured */
	uint64_t rate;
};
/* Inside a job: cursor, receipt, ledger, counts. RC_CONFLICT: the cursor does not stand at after_us. */
MUST_CHECK enum rc line_sent(struct tx *tx, const struct sent_batch *b, struct err *err);
/* He asks for what is behind `upto_us`, so all before it is on his disk: cursor, receipt and ledger of that lane. Inside a
 * job. */
MUST_CHECK enum rc line_fetched(struct tx *tx, struct uuid partner, enum lane lane, int64_t collection, int64_t upto_us,
				uint64_t policy, struct err *err);
/* Inside a job: the other side stands there. */
MUST_CHECK enum rc line_set_cursor(struct tx *tx, struct uuid partner, enum lane lane, int64_t out_us, struct err *err);
MUST_CHECK enum rc line_cursor(struct conn *c, struct uuid partner, enum lane lane, int64_t *out, struct err *err);
/* Inside a job: of what is offered up to there nothing more may go now; for what is said of the line alone. */
MUST_CHECK enum rc line_set_looked(struct tx *tx, struct uuid partner, enum lane lane, int64_t looked_us, struct err *err);
/* Inside a job: what came in. */
MUST_CHECK enum rc line_received(struct tx *tx, struct uuid partner, uint64_t objects, uint64_t bytes, struct err *err);
/* Inside a job: a try that failed (words), or went well (""). */
MUST_CHECK enum rc line_tried(struct tx *tx, struct uuid partner, str failure, int64_t retry_us, struct err *err);
/* The same of fetching from him: sending does not wait for it, nor it for sending. */
MUST_CHECK enum rc line_fetch_tried(struct tx *tx, struct uuid partner, str failure, int64_t retry_us, struct err *err);
/* Which next identity of ours it was told of (made_us); 0: none. */
MUST_CHECK enum rc line_told_key(struct conn *c, struct uuid partner, int64_t *out, struct err *err);
MUST_CHECK enum rc line_set_told_key(struct tx *tx, struct uuid partner, int64_t made_us, struct err *err);

#endif
