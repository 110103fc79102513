/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite.h: bytes that must leave the disk, not only the tables.
 *
 * A row that is deleted leaves its frame behind in a segment, and older pages in the
 * log of main.db. In this order they go: rewrite the segment (the rows then name a
 * newer file), fold the log (after which no reader has a view that names the old
 * one), remove the old file. Each call may be repeated after a crash.
 *
 * Serves record/erase.c. Not to be called inside a job. */
#ifndef RONDA_STORE_REWRITE_H
#define RONDA_STORE_REWRITE_H

#include "store/store.h"

/* Files are moved or removed by one at a time: a backup, forgetting, an erasure.
 * false: another has them; nobody waits for them. */
bool store_take_files(struct store *s);
void store_give_files(struct store *s);

/* Copies what rows still name in that file to a newer file of its day, lets the rows
 * name it there, and marks the old file as gone; nothing to do when it is. For who
 * has taken the files. RC_BUSY: a delivery that began earlier may still name
 * something in it: call again later. RC_INPUT: a frame in it is damaged. */
MUST_CHECK enum rc store_rewrite_segment(struct store *s, enum segment which, int32_t day,
					 uint32_t number, struct err *err);
/* Empties the log of main.db. *done_out false: a reader still has an older view. */
MUST_CHECK enum rc store_fold(struct store *s, bool *done_out, struct err *err);
/* Removes the file of a segment that was rewritten, and syncs; absent is fine. */
MUST_CHECK enum rc store_remove_segment(struct store *s, enum segment which, int32_t day,
					uint32_t number, struct err *err);

#endif
