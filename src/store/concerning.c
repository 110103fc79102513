/* SPDX-License-Identifier: Apache-2.0 */
/* Whom events concern: of each chunk one column is read, each of its values understood once. */
#include "store/events_private.h"

enum { CONCERNED_MOST = 16 }; /* organisations of one event (route/concern.h) */

struct concerned { /* by one value of the column */
	uint32_t n;
	uint32_t place[CONCERNED_MOST];
};

struct concerning {
	struct selection s;
	const int64_t *orgs;
	size_t count;
	event_concerning_each each;
	void *ctx;
	bool stopped;
};

/* False: none of ours. */
static bool find(const struct concerning *k, int64_t org, uint32_t *place_out)
{
	size_t low = 0, high = k->count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (k->orgs[mid] < org)
			low = mid + 1;
		else
			high = mid;
	}
	*place_out = (uint32_t)low;
	return low < k->count && k->orgs[low] == org;
}

static void understand(const struct concerning *k, str text, struct concerned *out)
{
	int64_t org;
	uint32_t place;
	while (out->n < CONCERNED_MOST && concern_next(&text, &org)) {
		bool twice = !find(k, org, &place);
		for (uint32_t i = 0; i < out->n; i++)
			twice |= out->place[i] == place; /* in two roles */
		if (!twice)
			out->place[out->n++] = place;
	}
}

static void give(struct concerning *k, const struct candidate *c, const struct column *d, const int64_t *report)
{
	struct concerned *by = ARENA_ARRAY(k->s.one, d->values, struct concerned);
	bool any = false;
	for (uint32_t v = 0; v < d->values; v++) {
		understand(k, column_bytes(d, v), &by[v]);
		any |= by[v].n > 0;
	}
	for (uint32_t j = 0; any && j < d->n && !k->stopped; j++) {
		uint32_t row = d->row ? d->row[j] : j;
		const struct concerned *to = &by[column_value(d, j)];
		for (uint32_t i = 0; i < to->n && k->s.hit[row] && !k->stopped; i++)
			k->stopped = !k->each(k->ctx, c->first + row, report[row], to->place[i]);
	}
}

static enum rc give_chunk(struct concerning *k, const struct candidate *c, struct err *err)
{
	struct selection *s = &k->s;
	const int64_t *report;
	uint32_t count, first = chunk_find(&s->chunk, FIELD_RONDA_CONCERNS, STR_NONE, &count);
	enum rc rc = chunk_numbers(&s->chunk, COLUMN_REPORT, 0, &report, err);
	for (uint32_t i = first; i < first + count && rc == RC_OK && !k->stopped; i++) {
		const struct column *d;
		if (kind_is_number(s->chunk.column[i].kind))
			continue;
		rc = chunk_column(&s->chunk, i, &d, err);
		if (rc == RC_OK)
			give(k, c, d, report);
	}
	return rc;
}

enum rc events_concerning(struct reader *r, const struct event_query *q, const int64_t *orgs, size_t count,
			  event_concerning_each each, void *ctx, struct err *err)
{
	struct concerning k = { .orgs = orgs, .count = count, .each = each, .ctx = ctx };
	struct candidate c;
	enum rc rc = selection_begin(&k.s, r, q, err);
	while (!rc && !k.stopped && selection_next(&k.s, &c, &rc, err)) {
		struct err local = { 0 };
		rc = give_chunk(&k, &c, &local);
		if (rc && selection_tolerates(&k.s, rc, &local))
			rc = RC_OK;
		else if (rc && err)
			*err = local;
	}
	return selection_end(&k.s, rc, err);
}
