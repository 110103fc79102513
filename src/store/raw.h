/* SPDX-License-Identifier: Apache-2.0 */
/* raw.h: how delivered bytes stand in raw/DAY.seg; between the files that keep
 * reports, not for callers (reports.h is for them).
 *
 * A report is cut into parts of 256 KiB; each is one frame. Its payload: one
 * byte how it is packed, the unpacked length (le32), the bytes.
 *
 * A small report waits in main.db (table raw_tail, as such a payload) until
 * pack.c puts it, with others of its day, into a frame that they share. */
#ifndef RONDA_STORE_RAW_H
#define RONDA_STORE_RAW_H

#include "store/reports.h"

enum raw_packing { RAW_PLAIN = 0, RAW_ZSTD = 1, RAW_SHARED = 2 };
#define RAW_PART KIB(256)
#define RAW_PAYLOAD_MOST KIB(384) /* more than any payload has */
#define RAW_SMALL KIB(4) /* a report of so many bytes at most waits in main.db */

/* Appends the payload for `part` (at most RAW_PART bytes) to `out`. */
void raw_pack(str part, struct buf *out);
/* The bytes of a payload, added to `out`; RC_INPUT: damaged. */
MUST_CHECK enum rc raw_unpack(str payload, struct buf *out, struct err *err);

/* --- raw_shared.c: frames of several reports --- */

/* Collects whole reports, ids ascending; false: no room, the frame is full. */
struct raw_shared {
	struct buf head, bytes; /* (id less the one before, length) each; the bytes of all */
	int64_t first, last;
	uint32_t count;
};
void raw_shared_begin(struct raw_shared *f);
bool raw_shared_add(struct raw_shared *f, int64_t report, str bytes);
void raw_shared_pack(const struct raw_shared *f, struct buf *out); /* appends the payload */
void raw_shared_free(struct raw_shared *f);

/* A payload read back; `bytes` holds what `next` walks over. */
struct raw_walk {
	struct buf bytes;
	struct wire head;
	size_t at;
	uint32_t left;
	int64_t report;
};
MUST_CHECK enum rc raw_walk_begin(struct raw_walk *w, str payload, struct err *err);
/* The next report of the frame; false: no more (or damaged: w->head.bad). */
bool raw_walk_next(struct raw_walk *w, int64_t *report_out, str *bytes_out);
void raw_walk_end(struct raw_walk *w);
/* The bytes of one report in it, added to `out`; RC_ABSENT: it is not in there. */
MUST_CHECK enum rc raw_shared_find(str payload, int64_t report, struct buf *out, struct err *err);

/* --- rows --- */

/* Names the frame as part `part` of the report. */
MUST_CHECK enum rc raw_name_part(struct tx *tx, int64_t report, size_t part,
				 const struct place *at, struct err *err);
/* Names a frame of the reports first to last. */
MUST_CHECK enum rc raw_name_frame(struct tx *tx, int64_t first, int64_t last,
				  const struct place *at, struct err *err);
/* The shared frame that may hold the report; *found_out false: none does. */
MUST_CHECK enum rc raw_frame_of(struct conn *c, int64_t report, struct place *out,
				bool *found_out, struct err *err);

/* A row of its own, state and progress as they stand in `r`; sets r->id. */
MUST_CHECK enum rc report_add(struct tx *tx, struct report *r, struct err *err);
/* The report of that feed with those bytes which is under way or done. `secret`
 * is the store's; read of `want`: feed, digest, bytes. */
MUST_CHECK enum rc report_find(struct conn *c, const struct key *secret,
			       const struct report *want, struct report *out, bool *found_out,
			       struct err *err);

#endif
