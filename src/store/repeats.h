/* SPDX-License-Identifier: Apache-2.0 */
/* repeats.h: has this exact event been here within the repeat window?
 *
 * What is remembered of an event is 80 bits of its keyed hash, bound to its
 * report class and the hour of its time.source (an exact repeat shares both),
 * and its report. The newest stand in a memory table (at most `memory_bytes`
 * with the cache), probed in prefetched batches and rotated before it is full;
 * all stand on disk: in repeat_log, written in the transaction of the events
 * themselves, later in sorted tag files, written, synced and then named. A hit
 * is confirmed by all 80 bits: two different events of one class and hour agree
 * in them once in 10^24 pairs. Entries of a report that was undone do not count,
 * nor those older than the window (to 1/64 of it). A damaged tag file is one
 * that forgot: its repeats are stored again, nothing is lost.
 *
 * Threads may probe side by side: they see what the others have under way. */
#ifndef RONDA_STORE_REPEATS_H
#define RONDA_STORE_REPEATS_H

#include "store/events.h"

struct repeats;
/* Also gives the store its background work (store_add_tend). Close it before
 * the store, when nothing tends any more. */
MUST_CHECK enum rc repeats_open(struct store *s, size_t memory_bytes, int64_t window_us,
				struct repeats **out, struct err *err);
void repeats_close(struct repeats *p); /* NULL is fine; all tickets must be back */

/* One probed batch on its way to the disk. */
struct repeats_ticket;

/* For each row: is_repeat[i] is set when an equal event is stored within the
 * window, is under way, or stands earlier in this batch. `report_class`: a
 * number for the kind of report (feed and type). Rows that are no repeats are
 * under way until repeats_end(). May wait for another report's batch whose
 * rows this one repeats, until that is with the writer. */
MUST_CHECK enum rc repeats_probe(struct repeats *p, uint32_t report_class, int64_t report,
				 const struct batch *b, const struct hash128 *hashes,
				 bool *is_repeat, struct repeats_ticket **out, struct err *err);
/* Rows of the batch that are no repeats. */
uint32_t repeats_new_rows(const struct repeats_ticket *t);
/* Inside the job that commits exactly those rows, in their order, also when
 * there are none: remembers them durably. RC_CONFLICT: what this batch repeats
 * was not stored after all; probe it again. */
MUST_CHECK enum rc repeats_commit(struct tx *tx, struct repeats_ticket *t, uint64_t first_seq,
				  struct err *err);
/* Ends the ticket (NULL is fine): the job is on disk, or it never will be. */
void repeats_end(struct repeats_ticket *t, bool committed);

/* A store_tend_fn: moves repeat_log into tag files, forgets old ones. */
MUST_CHECK enum rc repeats_tend(struct store *s, void *repeats, bool *did_out, struct err *err);

#endif
