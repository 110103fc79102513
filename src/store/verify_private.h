/* SPDX-License-Identifier: Apache-2.0 */
/* verify_private.h: what the files of verify share; for them only. */
#ifndef RONDA_STORE_VERIFY_PRIVATE_H
#define RONDA_STORE_VERIFY_PRIVATE_H

#include "base/arena.h"
#include "store/pack_private.h"
#include "store/upkeep_private.h"

struct verifying {
	struct store *s;
	void (*say)(void *ctx, const char *sentence);
	void (*progress)(void *ctx, uint64_t done, uint64_t all);
	void *ctx;
	struct verify_result *out;
	uint64_t done, all;
	struct buf frame, part;
	struct arena *a;
};

/* Something is wrong: says so. */
void verify_damaged(struct verifying *v, const char *fmt, ...) PRINTF_LIKE(2, 3);
void verify_step(struct verifying *v);
/* "raw/2026-01-31.seg at byte 16" */
void verify_where(enum segment which, const struct place *at, char text[128]);
bool verify_is_forgotten(struct verifying *v, enum segment which, const struct place *at);

/* --- verify_reports.c --- */

/* Whether the bytes with digest `d` are those of the report. */
void verify_digest(struct verifying *v, struct conn *c, int64_t report, const struct digest *d);
/* Raw bytes in main.db, blocks and runs of packed reports: in one view. */
MUST_CHECK enum rc verify_reports(struct verifying *v, struct conn *c, struct err *err);
/* Frames of several reports. */
MUST_CHECK enum rc verify_frames(struct verifying *v, struct err *err);

#endif
