/* SPDX-License-Identifier: Apache-2.0 */
/* upkeep_private.h: what verify, forget and hold share; not for callers. */
#ifndef RONDA_STORE_UPKEEP_PRIVATE_H
#define RONDA_STORE_UPKEEP_PRIVATE_H

#include "store/store_private.h"
#include "store/upkeep.h"

enum hold_kind { HOLD_REPORT, HOLD_DAY, HOLD_ORG };
struct held {
	enum hold_kind kind;
	int64_t id; /* of the report or organisation; the day */
};
/* "report 12", "day 2026-01-31", "org 5"; false: none of these. */
bool hold_parse(str what, struct held *out);
/* Those in force, in `a`. */
MUST_CHECK enum rc holds_load(struct conn *c, struct arena *a, struct held **out, size_t *count_out,
			      struct err *err);

#endif
