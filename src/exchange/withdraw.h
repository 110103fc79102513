/* SPDX-License-Identifier: Apache-2.0 */
/* withdraw.h: what was offered and may not stand any more is told to exactly those it was offered to.
 *
 * An event is withdrawn when its report is undone (all that concern the partner and were within an entry of his
 * collection), when it is erased, or when its finding is held. A record is withdrawn when it is erased, or when the
 * check no longer lets what stands of it go to the partner. The entry goes the lane of the original, so that it
 * never passes it. It names a row that lists the items; the row says no more of them than their ids. */
#ifndef RONDA_EXCHANGE_WITHDRAW_H
#define RONDA_EXCHANGE_WITHDRAW_H

#include "exchange/collection.h"

struct withdrawn {
	str object;                /* STIX id, as it was given */
	str item;                  /* "event--…", "incident--…" */
	int64_t at_us;
};
/* What an ENTRY_WITHDRAWN names (its `first`). In `a`. RC_ABSENT: forgotten. */
MUST_CHECK enum rc withdrawn_read(struct reader *r, int64_t id, struct arena *a, struct withdrawn **out, size_t *count_out,
				  struct err *err);

/* Inside a job: a record of which an entry stands in that collection. */
MUST_CHECK enum rc withdraw_record(struct tx *tx, int64_t collection, enum lane lane, str item, str object,
				   struct err *err);
/* Inside a job: events by their numbers, ascending, each once. */
enum { WITHDRAWN_EVENTS_MOST = 4096 };
MUST_CHECK enum rc withdraw_events(struct tx *tx, int64_t collection, const uint64_t *seqs, size_t count, struct err *err);

/* Inside the job that undoes a report: what was offered of it is withdrawn soon after. */
MUST_CHECK enum rc withdraw_report(struct tx *tx, int64_t report, struct err *err);
/* Events that are to be erased: found while they stand, withdrawn in the job that takes them away. */
struct withdrawal;
MUST_CHECK enum rc withdrawal_find(struct exchange *x, const uint64_t *seqs, size_t count, struct withdrawal **out,
				   struct err *err);
MUST_CHECK enum rc withdrawal_put(struct tx *tx, struct withdrawal *w, struct err *err);
void withdrawal_free(struct withdrawal *w); /* NULL is fine */
/* A piece of a report that was undone; in the background, and before its events leave the disk. Threads may. */
MUST_CHECK enum rc withdraw_undone(struct exchange *x, bool *did_out, struct err *err);

#endif
