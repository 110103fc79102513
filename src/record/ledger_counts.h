/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_counts.h: how many messages went which way, and who never answers, out of the ledger.
 *
 * What is of an exercise, by its item or its recipient, is never counted. Reading for people goes
 * through disclosure/read_lives.h. */
#ifndef RONDA_RECORD_LEDGER_COUNTS_H
#define RONDA_RECORD_LEDGER_COUNTS_H

#include "record/outbox.h"

struct ledger_count {
	str driver;
	enum ledger_kind kind;
	uint64_t rows;
};
/* Rows with at_us in [since_us, until_us), by driver and kind, in that order. */
MUST_CHECK enum rc ledger_counts(struct conn *c, int64_t since_us, int64_t until_us, struct arena *a,
				 struct ledger_count **out, size_t *count_out, struct err *err);

struct ledger_silence {
	str recipient;             /* "organisation--UUID" */
	uint64_t told;             /* messages */
	int64_t first_us, last_us; /* when */
};
/* Organisations that were sent at least `least` messages then which did not bounce, and answered none, the most
 * often told first; at most `limit`. */
MUST_CHECK enum rc ledger_silent(struct conn *c, int64_t since_us, int64_t until_us, uint64_t least, size_t limit,
				 struct arena *a, struct ledger_silence **out, size_t *count_out,
				 struct err *err);

#endif
