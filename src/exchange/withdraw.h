/* SPDX-License-Identifier: Apache-2.0 */
/* withdraw.h: what was offered and may not stand any more is told to exactly those it was offered to.
 *
 * An event is withdrawn when its report is undone (all that concern the partner and were within an entry of his
 * collection), when it is erased, or when its finding is held. A record is withdrawn when it is erased, or when the
 * check no longer lets what stands of it go to the partner. The entry goes the lane of the original, so that it
 * never passes it. It names a row that lists the items; the row says no more of them than their ids, and why: what the person
 * said who took it back. That is told to whom the check lets it (collection_page()); the withdrawal itself always is. */
#ifndef RONDA_EXCHANGE_WITHDRAW_H
#define RONDA_EXCHANGE_WITHDRAW_H

#include "exchange/collection.h"

struct withdrawn {
	str object;                /* STIX id, as it was given */
	str item;                  /* "event--…", "incident--…" */
	int64_t at_us;
	str why;                   /* "": nobody said */
	enum tlp tlp;              /* of the reason */
};
/* A reason, in words of whoever did it; cut to STIX_WHY_MOST. */
struct withdrawn_why {
	str words;
	enum tlp tlp;              /* TLP_COUNT: not understood */
};
/* Why is nobody else's business: what the law destroys, what a person asked for. */
extern const struct withdrawn_why withdrawn_unsaid;
/* What an ENTRY_WITHDRAWN names (its `first`). In `a`. RC_ABSENT: forgotten. */
MUST_CHECK enum rc withdrawn_read(struct reader *r, int64_t id, struct arena *a, struct withdrawn **out, size_t *count_out,
				  struct err *err);

/* The newest withdrawal of an item in that collection; of an event: among the last WITHDRAWALS_LOOKED. */
enum { WITHDRAWALS_LOOKED = 1000 };
struct withdrawn_at {
	int64_t added_us;
	enum lane lane;
	str why;                   /* ours, whether it is told or not */
};
MUST_CHECK enum rc withdrawn_find(struct reader *r, int64_t collection, str item, struct arena *a,
				  struct withdrawn_at *out, bool *found, struct err *err);

/* The same of an event among those offered later: when it stands in the collection. */
MUST_CHECK enum rc withdrawn_later_find(struct reader *r, int64_t collection, uint64_t seq, struct arena *a,
					struct withdrawn_at *out, bool *found, struct err *err);

/* Items withdrawn or corrected in one lane of a collection behind a place: he has not said that he knows. */
MUST_CHECK enum rc withdrawn_unanswered(struct conn *c, int64_t collection, enum lane lane, int64_t after_us, uint64_t *out,
					struct err *err);

/* Inside a job: a record of which an entry stands in that collection. */
MUST_CHECK enum rc withdraw_record(struct tx *tx, int64_t collection, enum lane lane, str item, str object,
				   const struct withdrawn_why *why, struct err *err);
/* Inside a job: events by their numbers, ascending, each once. */
enum { WITHDRAWN_EVENTS_MOST = 4096 };
MUST_CHECK enum rc withdraw_events(struct tx *tx, int64_t collection, const uint64_t *seqs, size_t count,
				   const struct withdrawn_why *why, struct err *err);

/* Inside a job: events that had been withdrawn, or kept back meanwhile, are given again. */
MUST_CHECK enum rc withdrawn_again(struct tx *tx, int64_t collection, const uint64_t *seqs, size_t count, struct err *err);
/* Inside a job: events he was never offered, of which it was found later that they concern him
 * (route/concern_later.h). Numbers as withdraw_events(). */
MUST_CHECK enum rc withdrawn_later(struct tx *tx, int64_t collection, const uint64_t *seqs, size_t count, struct err *err);
/* The numbers an ENTRY_AGAIN or ENTRY_LATER names. In `a`. RC_ABSENT. */
MUST_CHECK enum rc withdrawn_seqs(struct reader *r, int64_t id, struct arena *a, uint64_t **out, size_t *count_out,
				  struct err *err);

/* Inside the job that undoes a report: what was offered of it is withdrawn soon after. `why`: as people write, so
 * TLP:AMBER; "" none. */
MUST_CHECK enum rc withdraw_report(struct tx *tx, int64_t report, str why, struct err *err);
/* Events that are to be erased: found while they stand, withdrawn in the job that takes them away. */
struct withdrawal;
MUST_CHECK enum rc withdrawal_find(struct exchange *x, const uint64_t *seqs, size_t count, struct withdrawal **out,
				   struct err *err);
MUST_CHECK enum rc withdrawal_put(struct tx *tx, struct withdrawal *w, const struct withdrawn_why *why, struct err *err);
void withdrawal_free(struct withdrawal *w); /* NULL is fine */
/* Inside a job: they may go again, to those to whom they were offered. */
MUST_CHECK enum rc withdrawal_over(struct tx *tx, struct withdrawal *w, struct err *err);
/* A store_tend_fn; `ctx` is the exchange: events of findings that a person holds back are withdrawn, and given again
 * when nobody does any more (withdraw_held.c). Why they are held stays here. */
MUST_CHECK enum rc withdraw_held(struct store *s, void *ctx, bool *did_out, struct err *err);
/* A piece of a report that was undone; in the background, and before its events leave the disk. Threads may. */
MUST_CHECK enum rc withdraw_undone(struct exchange *x, bool *did_out, struct err *err);

#endif
