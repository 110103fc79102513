/* SPDX-License-Identifier: Apache-2.0 */
#include "store/events_private.h"

enum { ROWS_FIRST = 128, ROWS_OF_PAGE = 48 };

struct scan {
	struct selection s;
	event_each each;
	void *ctx;
	uint64_t left; /* rows that may still be given */
	bool stopped;
};

/* Places of the selected rows, ascending; when there are more than may be
 * given, those that come first in the order asked for. */
static uint32_t pick_rows(const struct scan *scan, uint16_t *pick)
{
	const struct selection *s = &scan->s;
	uint32_t n = 0, skip = 0;
	if (s->hits > scan->left && !s->q->oldest_first)
		skip = s->hits - (uint32_t)scan->left;
	for (uint32_t r = 0; r < s->chunk.rows; r++) {
		if (!s->hit[r])
			continue;
		if (skip)
			skip--;
		else if (n < scan->left)
			pick[n++] = (uint16_t)r;
	}
	return n;
}

static enum rc give_rows(struct scan *scan, const struct candidate *c, const uint16_t *pick, uint32_t n, struct err *err)
{
	struct selection *s = &scan->s;
	const int64_t *report, *received;
	struct batch b;
	enum rc rc = chunk_numbers_of(&s->chunk, COLUMN_REPORT, pick, n, &report, err);
	rc = rc ? rc : chunk_numbers_of(&s->chunk, COLUMN_RECEIVED, pick, n, &received, err);
	rc = rc ? rc : chunk_batch(&s->chunk, pick, n, &b, err);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < n && !scan->stopped; i++) {
		uint32_t at = s->q->oldest_first ? i : n - 1 - i;
		struct event_row row = { .seq = c->first + pick[at],
					 .report = report[at],
					 .received_us = received[at],
					 .batch = &b,
					 .row = &b.row[at] };
		scan->stopped = !scan->each(scan->ctx, &row);
	}
	return RC_OK;
}

/* Few at first: who soon has enough does not wait for the rows of a whole chunk. */
static enum rc give_chunk(struct scan *scan, const struct candidate *c, struct err *err)
{
	struct selection *s = &scan->s;
	uint16_t *pick = ARENA_ARRAY(s->one, s->chunk.rows, uint16_t);
	uint32_t n = pick_rows(scan, pick), given = 0;
	enum rc rc = RC_OK;
	for (uint32_t most = s->q->again ? ROWS_OF_PAGE : ROWS_FIRST; !rc && given < n && !scan->stopped; most *= 4) {
		uint32_t some = n - given < most ? n - given : most;
		rc = give_rows(scan, c, s->q->oldest_first ? pick + given : pick + n - given - some, some, err);
		given += some;
	}
	scan->left -= n;
	return rc;
}

enum rc events_scan(struct reader *r, const struct event_query *q, event_each each, void *ctx,
		    struct err *err)
{
	struct scan scan = { .each = each, .ctx = ctx, .left = q->limit ? q->limit : UINT64_MAX };
	struct candidate c;
	enum rc rc = selection_begin(&scan.s, r, q, err);
	while (!rc && scan.left && !scan.stopped && selection_next(&scan.s, &c, &rc, err)) {
		struct err local = { 0 };
		rc = give_chunk(&scan, &c, &local);
		if (rc && selection_tolerates(&scan.s, rc, &local))
			rc = RC_OK;
		else if (rc && err)
			*err = local;
	}
	return selection_end(&scan.s, rc, err);
}
