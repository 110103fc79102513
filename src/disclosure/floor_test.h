/* SPDX-License-Identifier: Apache-2.0 */
/* floor_test.h: the tables of events and findings as doubles that keep nothing back, whatever they are
 * asked, and answer as a test says: what is missing in an answer the readers left out. Only tests
 * include it. */
#ifndef RONDA_DISCLOSURE_FLOOR_TEST_H
#define RONDA_DISCLOSURE_FLOOR_TEST_H

#include "base/test.h"

#include "disclosure/read.h"

static struct below {
	struct batch *events;      /* NULL: none */
	struct finding findings[64];
	size_t finding_count;
	struct count_row counts[4];
	size_t count_count;
	enum rc events_rc, counts_rc, findings_rc; /* how each ends */
	unsigned findings_good;    /* so many findings are given before findings_rc; 0: none */
	struct event_query asked;  /* the last question of each */
	struct finding_query asked_findings;
} below;

static enum rc below_end(enum rc rc, struct err *e)
{
	return rc == RC_OK ? RC_OK : fail(e, rc, "the floor below says %s", rc_name(rc));
}

enum rc events_scan(struct reader *r, const struct event_query *q, event_each each, void *ctx, struct err *e)
{
	(void)r;
	below.asked = *q;
	for (uint32_t i = 0; below.events && i < below.events->c.rows; i++) {
		const struct event_row row = { .seq = i + 1, .report = 1, .received_us = SECOND_US, .batch = below.events,
					       .row = &below.events->row[i] };
		if (!each(ctx, &row))
			break;
	}
	return below_end(below.events_rc, e);
}

enum rc events_count(struct reader *r, const struct event_query *q, const enum count_by *by, size_t by_count,
		     struct arena *a, struct count_row **rows_out, size_t *count_out, struct err *e)
{
	(void)r, (void)q, (void)by, (void)by_count;
	*rows_out = ARENA_ARRAY(a, COUNT_OF(below.counts), struct count_row);
	memcpy(*rows_out, below.counts, sizeof(below.counts));
	*count_out = below.count_count;
	return below_end(below.counts_rc, e);
}

enum rc findings_list(struct reader *r, const struct finding_query *q, finding_each each, void *ctx, struct err *e)
{
	(void)r;
	below.asked_findings = *q;
	for (size_t i = 0; i < below.finding_count; i++)
		if (!each(ctx, &below.findings[i]))
			break;
	return below_end(below.findings_rc, e);
}

enum rc findings_get(struct reader *r, struct hash128 id, struct arena *a, struct finding *out, struct err *e)
{
	(void)r, (void)a;
	bool good = below.findings_rc == RC_OK || (below.findings_good > 0 && below.findings_good-- > 0);
	for (size_t i = 0; good && i < below.finding_count; i++)
		if (below.findings[i].id.hi == id.hi && below.findings[i].id.lo == id.lo) {
			*out = below.findings[i];
			return RC_OK;
		}
	return below_end(below.findings_rc == RC_OK ? RC_ABSENT : below.findings_rc, e);
}

enum rc findings_feeds(struct reader *r, struct hash128 id, struct arena *a, struct finding_feed **out,
		       size_t *count_out, struct err *e)
{
	(void)r, (void)id, (void)a;
	*out = NULL;
	*count_out = 0;
	return below_end(below.findings_rc, e);
}

const char *finding_state_name(enum finding_state s)
{
	return s == FINDING_GONE ? "gone" : s == FINDING_RETURNED ? "returned" : "open";
}

#endif
