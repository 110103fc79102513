/* SPDX-License-Identifier: Apache-2.0 */
/* quarantine.h: records that could not become events, with reason, bytes and
 * place. Constant cost a record; the readers above pass disclosure/read.h. */
#ifndef RONDA_STORE_QUARANTINE_H
#define RONDA_STORE_QUARANTINE_H

#include "store/events.h"

/* Inside the job that commits the batch: stores its rejects (at most
 * BATCH_REJECTS; the rest are counted in the report only). */
MUST_CHECK enum rc quarantine_commit(struct tx *tx, const struct report *r, const struct batch *b,
				     struct err *err);

struct quarantined {
	int64_t id, report, feed, at_us;
	uint64_t input, offset;
	uint32_t line, record_bytes;
	enum reject reason;
	enum { QUARANTINE_OPEN, QUARANTINE_RETRIED, QUARANTINE_DISCARDED } state;
	str words, bytes, feed_name, file_name;
};
/* Newest first, id below `before` when not 0. `bytes` only with_bytes. */
MUST_CHECK enum rc quarantine_list(struct conn *c, int64_t before, size_t limit, bool with_bytes,
				   struct arena *a, struct quarantined **out, size_t *count_out,
				   struct err *err);
MUST_CHECK enum rc quarantine_get(struct conn *c, int64_t id, struct arena *a,
				  struct quarantined *out, struct err *err);
MUST_CHECK enum rc quarantine_mark(struct tx *tx, int64_t id, int state, struct err *err);

#endif
