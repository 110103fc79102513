/* SPDX-License-Identifier: Apache-2.0 */
/* courier.h: takes what is offered to each partner who is pushed to, and fetches from each we pull from.
 *
 * One partner, three cursors out (a lane each: warnings pass incidents, incidents pass bulk) and three in, each the
 * date_added up to which the other side said that it is on its disk. A batch is a page of the collection
 * (collection_page) as an envelope, packed by zstd, signed; it names the cursor it stands on
 * (`Ronda-After`) and ends at (`Ronda-Upto`). A receiver whose cursor is another answers 409 with his: we go on from there.
 * So a lost answer is no lost or doubled item. Batches grow and shrink with what the line carries: on poor ones
 * at most 64 KiB go before an answer. Each answered batch is a receipt row, and a row of the ledger. */
#ifndef RONDA_EXCHANGE_COURIER_H
#define RONDA_EXCHANGE_COURIER_H

#include "exchange/collection.h"

struct line_state {        /* of one partner, for pages and commands */
	int64_t out_us[3], in_us[3];   /* by lane: up to where he has it, or may not have it; we have his */
	int64_t last_success_us, last_try_us, retry_us;
	int64_t fetch_retry_us; /* of fetching; retry_us: of sending */
	str failure;           /* words with the next step; "": the last try went well */
	str fetch_failure;     /* the same of fetching from him */
	str note;              /* what is odd at his server, though it went well; "" */
	uint64_t sent, received, bytes_out, bytes_in;
	int64_t rtt_us;        /* 0: not measured */
	uint64_t rate;         /* bytes a second the line carried */
};
MUST_CHECK enum rc courier_state(struct exchange *x, struct conn *c, struct uuid partner, struct arena *a,
				 struct line_state *out, struct err *err);
/* One receipt: what the partner said that it has. */
struct receipt { int64_t at_us; enum lane lane; int64_t after_us, upto_us; uint64_t objects, failures; str id; };
/* The receipt that covers an entry's time; RC_ABSENT: none yet. */
MUST_CHECK enum rc receipt_of(struct conn *c, struct uuid partner, enum lane lane, int64_t added_us, struct arena *a,
			      struct receipt *out, struct err *err);

/* A partner asked for what is behind `after_us` of a lane of his outbox: he has what stands before it. */
MUST_CHECK enum rc courier_fetched(struct exchange *x, struct uuid partner, enum lane lane, int64_t after_us,
				   struct err *err);

/* exchange_start() and _stop() call these. */
MUST_CHECK enum rc courier_start(struct exchange *x, struct err *err);
/* Ends within a second or two, whatever is under way. */
void courier_stop(struct exchange *x);
/* When nobody asks it any more. */
void courier_free(struct exchange *x);
void courier_wake(struct exchange *x);
/* He called us, and proved who he is: the line is there, and if he is not called for a while because it was not, he is
 * called at once. Any thread; cheap. */
void courier_reached(struct exchange *x, struct uuid partner);
/* Pushes and pulls once with one partner, now, in the caller's thread: `ronda partner sync`. Never beside a round of
 * the courier with the same partner: that one ends after the batch under way, and this goes on where it stood. */
MUST_CHECK enum rc courier_once(struct exchange *x, const struct partner *p, struct arena *a, struct line_state *out,
				struct err *err);

#endif
