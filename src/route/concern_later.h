/* SPDX-License-Identifier: Apache-2.0 */
/* concern_later.h: whom an event concerns, found after it was taken in.
 *
 * An event keeps the list of its day (ronda.concerns); open findings follow the directory, and their tellers with them
 * (findings.h). Who is told of events one by one follows by this: what was taken in lately is asked of the directory
 * once more, and what is found is a row (organisation, event) beside the list. It counts as the list does from then on. */
#ifndef RONDA_ROUTE_CONCERN_LATER_H
#define RONDA_ROUTE_CONCERN_LATER_H

#include "route/directory.h"
#include "store/store.h"

/* Which claims these organisations have (ascending, each once): another number when another one is added, and after any
 * change of theirs; never 0. */
MUST_CHECK enum rc concern_later_claims(struct conn *c, const int64_t *orgs, size_t count, uint64_t *out, struct err *err);

/* For each event numbered first..last, oldest first, and each of these organisations that it concerns by its list
 * (`listed`) or as the directory stands now (`d`; NULL: by its list alone): its place among them. False stops. RED ones
 * go nowhere by machine, events of reports that were undone do not exist: none of these. RC_INPUT: some are damaged; the others were given. */
typedef bool (*concern_later_each)(void *ctx, uint64_t seq, int64_t report, size_t place, bool listed);
MUST_CHECK enum rc concern_later_ask(struct reader *r, const struct directory *d, uint64_t first, uint64_t last,
				     const int64_t *orgs, size_t count, concern_later_each each, void *ctx, struct err *err);

/* Inside a job. *new_out: it was not known. */
MUST_CHECK enum rc concern_later_put(struct tx *tx, int64_t org, uint64_t seq, int64_t report, bool *new_out,
				     struct err *err);
MUST_CHECK enum rc concern_later_has(struct conn *c, int64_t org, uint64_t seq, bool *out, struct err *err);
/* Those of one event, or (seq 0) of all events of a report. False stops. */
typedef bool (*concern_later_row)(void *ctx, uint64_t seq, int64_t org);
MUST_CHECK enum rc concern_later_of(struct conn *c, uint64_t seq, int64_t report, concern_later_row each, void *ctx,
				    struct err *err);
/* Inside a job: those of events before this one are forgotten. */
MUST_CHECK enum rc concern_later_forget(struct tx *tx, uint64_t before_seq, struct err *err);

#endif
