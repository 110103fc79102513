/* SPDX-License-Identifier: Apache-2.0 */
/* upkeep.h: what keeps a store sound and small: verify, forget, hold.
 *
 * verify reads everything and says what is damaged; forget removes days of
 * events and raw bytes (manifest rows first, then files), keeping what is under
 * hold; a hold names a report, a day or an organisation until it is lifted. */
#ifndef RONDA_STORE_UPKEEP_H
#define RONDA_STORE_UPKEEP_H

#include "store/events.h"

struct verify_result {
	uint64_t frames, rows, reports, damaged;
};
/* `say` gets a sentence for each thing wrong (where, what, what to do). */
MUST_CHECK enum rc store_verify(struct store *s, void (*say)(void *ctx, const char *sentence),
				void *ctx, void (*progress)(void *ctx, uint64_t done, uint64_t all),
				struct verify_result *out, struct err *err);

struct forget_result {
	uint64_t events, raw_bytes, held_events;
};
/* Days of receipt before `day`; dry: only counts. */
MUST_CHECK enum rc store_forget(struct store *s, int32_t before_day, bool dry,
				struct forget_result *out, struct err *err);

struct hold {
	int64_t id;
	str what;   /* "report ID", "day YYYY-MM-DD", "org ID" */
	str reason, by;
	int64_t set_us, lifted_us; /* 0: in force */
};
MUST_CHECK enum rc hold_set(struct tx *tx, str what, str reason, str by, int64_t *id_out,
			    struct err *err);
MUST_CHECK enum rc hold_lift(struct tx *tx, int64_t id, str by, struct err *err);
MUST_CHECK enum rc hold_list(struct conn *c, struct arena *a, struct hold **out, size_t *count_out,
			     struct err *err);

#endif
