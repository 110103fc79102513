/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.h: a shared table that is swapped whole.
 *
 * Readers take a reference and see one unchanging table for as long as they
 * hold it; a writer builds a new one beside it and swaps. The old table is
 * freed when its last reader lets go. */
#ifndef RONDA_BASE_SNAPSHOT_H
#define RONDA_BASE_SNAPSHOT_H

struct snapshot;     /* the place */
struct snapshot_ref; /* one table, held */

struct snapshot *snapshot_new(void (*free_table)(void *table));
void snapshot_free(struct snapshot *s); /* all references must be back */

void snapshot_swap(struct snapshot *s, void *table); /* takes the table */

/* NULL before the first swap. End with snapshot_drop(). */
struct snapshot_ref *snapshot_hold(struct snapshot *s);
const void *snapshot_table(const struct snapshot_ref *ref); /* NULL ref: NULL */
void snapshot_drop(struct snapshot *s, struct snapshot_ref *ref);

#endif
