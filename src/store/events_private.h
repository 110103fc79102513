/* SPDX-License-Identifier: Apache-2.0 */
/* events_private.h: what the files behind events.h share; not for callers. */
#ifndef RONDA_STORE_EVENTS_PRIVATE_H
#define RONDA_STORE_EVENTS_PRIVATE_H

#include "store/chunk_cache.h"
#include "store/zone.h"

/* --- events.c --- */

/* Appends a chunk and names it: rows first .. first + z->rows - 1. `report` 0:
 * of several. */
MUST_CHECK enum rc manifest_add(struct tx *tx, str bytes, const struct zone *z, int64_t report,
				int32_t day, uint64_t first, struct err *err);

/* --- select.c --- */

enum { FILTERS_MAX = 32 };

/* A row of the manifest or of the tail. */
struct candidate {
	uint64_t first;
	uint32_t rows, tlp_set;
	int64_t report; /* 0: of several */
	int exercise;
	bool tail, timed;
	int64_t min_time, max_time;
	struct place at; /* not of the tail */
};

/* One reading of a query, newest or oldest first. */
struct selection {
	struct reader *r;
	const struct event_query *q;
	struct matcher matcher[FILTERS_MAX];
	int64_t *undone; /* reports, ascending */
	size_t undone_count;
	struct arena *a;     /* of the whole reading */
	struct arena *one;   /* of one chunk: emptied by the next */
	struct buf bytes;
	struct ZSTD_DCtx_s *unpack;
	struct chunk chunk;
	const struct chunk_kept *kept; /* what `chunk` is a copy of; NULL: decoded for this reading */
	unsigned turn;
	uint8_t *hit;        /* one a row of the chunk: 1 when selected */
	uint32_t hits;
	struct err damage;   /* the first that was met */
	bool damaged;
	struct cursor {
		struct candidate *page;
		uint32_t n, at;
		uint64_t bound;
		bool end;
	} cursor[2];         /* chunks, tail */
};
MUST_CHECK enum rc selection_begin(struct selection *s, struct reader *r,
				   const struct event_query *q, struct err *err);
/* The next chunk in which rows are selected; false: no more, or an error. */
bool selection_next(struct selection *s, struct candidate *out, enum rc *rc, struct err *err);
/* RC_INPUT when something damaged was left out. */
MUST_CHECK enum rc selection_end(struct selection *s, enum rc rc, struct err *err);

/* A chunk read wrongly is left out and told at the end; other errors stop. */
bool selection_tolerates(struct selection *s, enum rc rc, const struct err *err);

#endif
