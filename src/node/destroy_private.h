/* SPDX-License-Identifier: Apache-2.0 */
/* destroy_private.h: what the files of destroying share. */
#ifndef RONDA_NODE_DESTROY_PRIVATE_H
#define RONDA_NODE_DESTROY_PRIVATE_H

#include "node/destroy.h"

/* Of a row of table `destroying`. The row with object "" is the last: first its step is whether
 * the findings have to follow (0 or 1), then DESTROY_TIDY. */
enum destroy_step { DESTROY_UNDO, DESTROY_BEGIN, DESTROY_WAIT, DESTROY_TIDY };

/* One thing on its way out. */
struct goner {
	str object;            /* of its erasing: "report:12"; "" when it is events */
	enum destroy_step step;
	str name;              /* as others name it: "finding--…", "incident--…" */
	uint64_t *seq; size_t seqs; /* events */
	struct digest *digest; size_t digests;
	uint64_t bytes;
};

struct destroying {
	struct node *n;
	const struct viewer *v;
	const struct destroy_request *q;
	const struct types *types;
	struct arena *a;
	struct goner *list; size_t count;
	struct uuid record;
	struct destroy_result *out;
	/* of a request: events are one list, and what may not go stays */
	bool merge;
	struct goner *events;
	uint64_t *seq; size_t seqs, seq_room;
	struct erase_result *erased;
	str *why, *done;
	store_job_fn also;
	void *ctx;
	struct withdrawal *recall; /* what partners were offered of it */
};

/* --- what goes (destroy_find.c) --- */

/* Whatever the object names, with its digests, added to the list. RC_DENIED, RC_BUSY: it stays, `err` says why. */
MUST_CHECK enum rc destroy_find(struct destroying *d, struct reader *r, str object, struct err *err);
struct goner *destroy_add_goner(struct destroying *d, str object, enum destroy_step step, str name);

/* --- what there is to do (destroy.c) --- */

/* `fn` as a job with `d`, and what partners were offered is found before. */
MUST_CHECK enum rc destroy_begin(struct destroying *d, store_job_fn fn, struct err *err);
/* Inside the job: the rows of one. */
MUST_CHECK enum rc destroy_write_down(struct tx *tx, struct destroying *d, struct goner *g, struct err *err);
MUST_CHECK enum rc destroy_add_row(struct tx *tx, const struct destroying *d, str object, int64_t step,
				   struct err *err);
/* Works on it until it has ended, a minute at most. */
MUST_CHECK enum rc destroy_drive(struct destroying *d, struct err *err);

/* --- the work (destroy_work.c) --- */

/* The type such records are of; NULL: none is loaded. */
const struct type *destroy_type(const struct types *t);
/* Rows that are left of this record. */
MUST_CHECK enum rc destroy_rows(struct conn *c, const struct uuid *record, int64_t *count_out,
				struct err *err);
/* What else keeps words about it: outbox, ledger, approvals, imports, emergencies. */
MUST_CHECK enum rc destroy_words(struct tx *tx, struct node *n, str name, str actor, struct err *err);

/* Copies of the report's bytes in watched folders. */
MUST_CHECK enum rc destroy_copies(struct node *n, int64_t report, struct err *err);

#endif
