/* SPDX-License-Identifier: Apache-2.0 */
/* take.h: the one way in for what a partner sends, however it came.
 *
 * Each object is judged alone: a bad one is a failure with words, the others count. Bytes are hostile until
 * stix_read (stix/stix_read.h) made sense of them.
 *   event of the partner's own    -> the way of a report, feed "partner-NAME"; extra.origin_event is its id there
 *   record of the partner's own   -> a copy under its origin and version (record.h); labels only get stricter
 *   answer to an item of ours     -> ledger (LEDGER_RECEIPT, LEDGER_ANSWER), marks of the finding, a contribution
 *   withdrawal of its own item    -> taken back here; a receipt; refused for what is not its own
 *   any other STIX object         -> kept as received, shown, passed on under its markings; indicators with a
 *                                    pattern we read, observed-data: also events
 * Exactly once: events by the repeat filter (the origin's id is part of them), records and objects by id and version. */
#ifndef RONDA_EXCHANGE_TAKE_H
#define RONDA_EXCHANGE_TAKE_H

#include "exchange/collection.h"

struct take_failure { str id, version, words; };
struct taken {
	uint64_t objects, successes;
	uint64_t old;              /* of the successes: had no effect, as they, or later versions, stand here */
	struct take_failure *failures; size_t failure_count; /* in `a` */
	str *ids, *versions;       /* of all objects, in their order; in `a` */
	int64_t report;            /* 0: no event was among them */
};
/* `objects`: text of a TAXII envelope or STIX bundle. `from`: who proved to be it, as partner_by_pin() found
 * him. RC_INPUT: unusable as a whole (nothing was taken). RC_LIMIT: too large. */
MUST_CHECK enum rc take_envelope(struct exchange *x, const struct partner *from, str objects, str name,
				 struct arena *a, struct taken *out, struct err *err);

/* The same, and what belongs to it is written in its last commit, when *out says how it went: one sync less than after it.
 * An error of `fn` undoes that alone: what was taken stays, and so does the journal's line. */
struct take_then {
	enum rc (*fn)(struct tx *tx, void *ctx, struct err *err);
	void *ctx;
	bool ran;                  /* false: it did not come to that, as there was no object */
	enum rc rc;                /* of fn */
	struct err err;
};
MUST_CHECK enum rc take_envelope_then(struct exchange *x, const struct partner *from, str objects, str name,
				      struct arena *a, struct taken *out, struct take_then *then, struct err *err);

/* The same of a page that was fetched from his server. One that is no ronda (no node is named in his record) is believed
 * nothing in our extension: its objects are kept as those of others. */
MUST_CHECK enum rc take_fetched(struct exchange *x, const struct partner *from, str objects, str name,
				struct arena *a, struct taken *out, struct err *err);

/* Up to which date_added of his, in one lane, what he sent is on our disk: our cursor in his outbox, pushed or pulled.
 * 0: nothing yet. */
MUST_CHECK enum rc take_upto(struct conn *c, struct uuid partner, enum lane lane, int64_t *out, struct err *err);
/* Inside a job, after what stood up to there was taken. RC_CONFLICT: it does not stand at `after`. */
MUST_CHECK enum rc take_moved(struct tx *tx, struct uuid partner, enum lane lane, int64_t after, int64_t upto,
			      struct err *err);

#endif
