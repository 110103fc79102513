/* SPDX-License-Identifier: Apache-2.0 */
/* repeats.h: has this exact event been here within the repeat window?
 *
 * A memory table (at most `memory_bytes`) holds 64-bit tags of recent events,
 * probed in prefetched batches and rotated before it is full; a hit is
 * confirmed against the stored hash before it counts. What is older than
 * memory stands in tag files, sorted, by (report class, hour of time.source).
 * Correctness never depends on the memory table: it is rebuilt from the store.
 * architecture.md section 2 of the design says why. */
#ifndef RONDA_STORE_REPEATS_H
#define RONDA_STORE_REPEATS_H

#include "store/events.h"

struct repeats;
MUST_CHECK enum rc repeats_open(struct store *s, size_t memory_bytes, int64_t window_us,
				struct repeats **out, struct err *err);
void repeats_close(struct repeats *p);

/* For each row: is_repeat[i] is set when an equal event is stored within the
 * window, or stands earlier in this batch. One caller at a time; the rows
 * count as seen only after repeats_committed(). `report_class`: a number for
 * the kind of report (feed and type), as it narrows which tag files are read. */
MUST_CHECK enum rc repeats_probe(struct repeats *p, uint32_t report_class, const struct batch *b,
				 const struct hash128 *hashes, bool *is_repeat, struct err *err);
/* Inside the job that commits the rows: remembers their hashes durably. */
MUST_CHECK enum rc repeats_commit(struct tx *tx, struct repeats *p, uint32_t report_class,
				  const struct batch *b, const struct hash128 *hashes,
				  uint64_t first_seq, struct err *err);
/* The commit failed: what probe noted for this batch is taken back. */
void repeats_rollback(struct repeats *p, const struct hash128 *hashes, size_t n);

#endif
