/* SPDX-License-Identifier: Apache-2.0 */
/* clocks_private.h: rows of record_clock, for the files that keep and follow clocks. */
#ifndef RONDA_RECORD_CLOCKS_PRIVATE_H
#define RONDA_RECORD_CLOCKS_PRIVATE_H

#include "record/clocks.h"

enum { CLOCK_MAKER_MAX = RECORD_ID_BYTES + TYPE_NAME_MAX + 64 };
#define CLOCK_COLUMNS "rule, started_us, due_us, left_us, stopped_us, step, paused, next_us, noted_by"

/* Those columns, from the first. */
void clock_take_row(struct sql *q, struct arena *a, struct record_clock *out);
MUST_CHECK enum rc clock_save(struct conn *c, struct uuid record, const struct record_clock *k,
			      struct err *err);
/* "clock:incident--…:triage", who makes its messages. */
void clock_maker(struct buf *out, str type, const struct uuid *id, str rule);

#endif
