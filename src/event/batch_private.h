/* SPDX-License-Identifier: Apache-2.0 */
/* batch_private.h: what the files of the batch share; never for callers. */
#ifndef RONDA_EVENT_BATCH_PRIVATE_H
#define RONDA_EVENT_BATCH_PRIVATE_H

#include "event/batch.h"

/* Points the arrays of `b` into `area`, nothing else. */
void batch_lay(struct batch *b, void *area);

/* Puts key `index` (its key_ref and text stand already) into the hash table.
 * False when a key of that name is there. */
bool batch_key_index(struct batch *b, uint32_t index);

/* Takes back the newest keys until `down_to` are left. */
void batch_keys_forget(struct batch *b, uint32_t down_to);

/* The bytes of the value that was set last in the open row; NULL when it has
 * none or the row failed. May be changed in place, not in length. */
unsigned char *batch_newest_text(struct batch *b, size_t *n_out);
/* The text of a field of the open row; STR_NONE when it has none. */
str batch_open_text(const struct batch *b, enum field f);

/* <0, 0, >0 by field, then by the name of the extra key. */
int batch_cell_cmp(const struct batch *b, const struct cell *x, const struct cell *y);

/* Later than this no time may be: 2262-01-01. */
#define BATCH_TIME_END INT64_C(9214646400000000)

#endif
