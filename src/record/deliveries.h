/* SPDX-License-Identifier: Apache-2.0 */
/* deliveries.h: the journal's line for many deliveries.
 *
 * An ordinary delivery that was accepted has no line of its own: one line stands
 * for all that were read to their end since the one before, written when there
 * are some thousands, after a minute, when the node ends, and before one of them
 * is undone. Its object is "reports:FIRST-LAST", its count how many of these
 * were done, its root a hash over their digests, its body who delivered how much.
 * A delivery that was refused, or that a group line has passed over while it was
 * still being read, gets a line of its own ("report:ID"). */
#ifndef RONDA_RECORD_DELIVERIES_H
#define RONDA_RECORD_DELIVERIES_H

#include "record/journal.h"
#include "store/reports.h"

/* Inside the job that ends the report as done: notes it for the next group line,
 * or adds `own`, when that line has gone past it. */
MUST_CHECK enum rc deliveries_done(struct tx *tx, struct journal *j, const struct report *r,
				   const struct journal_act *own, struct err *err);

/* Background work, for store_add_tend(); ctx is the journal. */
MUST_CHECK enum rc deliveries_tend(struct store *s, void *ctx, bool *did_out, struct err *err);
/* Writes what there is, at once. */
MUST_CHECK enum rc deliveries_flush(struct store *s, struct journal *j, struct err *err);

/* Every group line against the reports that are kept; `out` as that of
 * journal_verify(), which should have found the chain sound: first_bad and words
 * are set by what differs, lines by how many group lines there are. */
MUST_CHECK enum rc deliveries_verify(struct store *s, struct conn *c, struct journal_check *out,
				     struct err *err);

#endif
