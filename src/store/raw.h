/* SPDX-License-Identifier: Apache-2.0 */
/* raw.h: how delivered bytes stand in raw/DAY.seg; between reports.c, raw.c and
 * upkeep.c, not for callers (reports.h is for them).
 *
 * A report is cut into parts of 256 KiB; each is one frame. Its payload: one
 * byte how it is packed, the unpacked length (le32), the bytes. */
#ifndef RONDA_STORE_RAW_H
#define RONDA_STORE_RAW_H

#include "store/reports.h"

enum raw_packing { RAW_PLAIN = 0, RAW_ZSTD = 1 };
#define RAW_PART KIB(256)

/* Appends the payload for `part` (at most RAW_PART bytes) to `out`. */
void raw_pack(str part, struct buf *out);
/* The bytes of a payload, added to `out`; RC_INPUT: damaged. */
MUST_CHECK enum rc raw_unpack(str payload, struct buf *out, struct err *err);

/* A row of its own, state and progress as they stand in `r`; sets r->id. */
MUST_CHECK enum rc report_add(struct tx *tx, struct report *r, struct err *err);
/* The report of that feed with those bytes which is under way or done. */
MUST_CHECK enum rc report_find(struct conn *c, int64_t feed, const struct digest *digest,
			       struct report *out, bool *found_out, struct err *err);

#endif
