/* SPDX-License-Identifier: Apache-2.0 */
/* To whom we offer, and the events that concern them. */
#include "exchange/offer_private.h"

#include <stdlib.h>

#include "store/reports.h"

enum { PARTNERS_MOST = 4096 };

/* Room for one more than there are: anybody. */
static bool gather(void *ctx, const struct partner *p)
{
	struct targets *t = ctx;
	if (t->count == PARTNERS_MOST)
		return true;
	if (t->count + 2 > t->room) {
		t->room = t->room * 2;
		struct target *list = ARENA_ARRAY(t->a, t->room, struct target);
		memcpy(list, t->list, t->count * sizeof *list);
		t->list = list;
	}
	t->list[t->count++] = (struct target){ .p = *p };
	return true;
}

static enum rc feed_of(struct conn *c, str name, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id FROM feed WHERE name = ?");
	sql_str(q, 1, name);
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

static enum rc know(struct exchange *x, struct reader *r, struct targets *t, struct target *one, struct err *err)
{
	str feed = partner_feed(&one->p, t->a);
	enum rc rc = told_partner(r, x->w.policies, one->p.organisation, feed, one->p.exercise, &one->to, err);
	if (rc == RC_OK)
		rc = feed_of(reader_conn(r), feed, &one->feed, err);
	if (rc == RC_OK)
		rc = told_partner_flow(x->w.policies, one->p.organisation, STR("findings"), NULL, &one->findings, err);
	if (rc == RC_OK)
		rc = told_partner_flow(x->w.policies, one->p.organisation, STR("indicators"), NULL, &one->indicators, err);
	return rc;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void list_orgs(struct targets *t, bool all)
{
	size_t n = 0;
	t->orgs = ARENA_ARRAY(t->a, t->count + 1, int64_t);
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].to.org && (all || t->list[i].findings))
			t->orgs[n++] = t->list[i].to.org;
	qsort(t->orgs, n, sizeof *t->orgs, by_number);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || t->orgs[i] != t->orgs[t->org_count - 1])
			t->orgs[t->org_count++] = t->orgs[i];
	for (size_t i = 0; i < t->count; i++) {
		int64_t *at = t->list[i].to.org ? bsearch(&t->list[i].to.org, t->orgs, t->org_count, sizeof *at, by_number) :
						  NULL;
		t->list[i].place = at ? (size_t)(at - t->orgs) : SIZE_MAX;
	}
}

enum rc targets_load(struct exchange *x, struct reader *r, bool all, struct targets *out, struct err *err)
{
	*out = (struct targets){ .a = arena_new(KIB(16)), .room = 8 };
	out->list = ARENA_ARRAY(out->a, out->room, struct target);
	enum rc rc = partners_list(x, reader_conn(r), !all, out->a, gather, out, err);
	for (size_t i = 0; rc == RC_OK && i < out->count; i++)
		rc = know(x, r, out, &out->list[i], err);
	if (rc == RC_OK)
		list_orgs(out, all);
	if (rc != RC_OK)
		targets_free(out);
	return rc;
}

void targets_free(struct targets *t)
{
	if (t->a)
		arena_free(t->a);
	*t = (struct targets){ .a = NULL };
}

/* --- events --- */

struct counting {
	struct targets *t;
	struct conn *c;
	int64_t report, feed;      /* asked last */
	enum rc rc;
	struct err *err;
};

static bool count_one(void *ctx, uint64_t seq, int64_t report, size_t place)
{
	struct counting *k = ctx;
	if (report != k->report) {
		struct report row;
		k->rc = report_load(k->c, report, &row, k->err);
		if (k->rc != RC_OK)
			return false;
		k->report = report;
		k->feed = row.feed;
	}
	for (size_t i = 0; i < k->t->count; i++) {
		struct target *one = &k->t->list[i];
		if (one->place != place || !one->findings || (one->feed && one->feed == k->feed))
			continue;
		one->first = one->count ? one->first : seq;
		one->last = seq;
		one->count++;
	}
	return true;
}

enum rc targets_count(struct targets *t, struct reader *r, uint64_t first, uint64_t last, struct err *err)
{
	struct counting k = { .t = t, .c = reader_conn(r), .err = err };
	const struct event_query q = { .after_seq = first - 1, .before_seq = last + 1, .oldest_first = true, .exercise = true,
				       .tlp_mask = (1u << TLP_COUNT) - 1 };
	for (size_t i = 0; i < t->count; i++)
		t->list[i].count = 0;
	if (t->org_count == 0)
		return RC_OK;
	enum rc rc = told_concerning(r, &q, t->orgs, t->org_count, count_one, &k, err);
	if (rc == RC_INPUT) /* what is damaged is for `verify` to tell */
		rc = RC_OK;
	return rc != RC_OK ? rc : k.rc;
}

enum rc targets_offer_events(struct tx *tx, struct targets *t, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < t->count; i++) {
		const struct target *one = &t->list[i];
		struct collection c;
		int64_t added;
		const struct entry e = { .kind = ENTRY_EVENTS, .lane = LANE_BULK, .first = one->first, .last = one->last,
					 .count = one->count };
		if (one->count == 0)
			continue;
		rc = collection_of(tx, COLLECTION_OUT, one->p.id, one->p.name, t->a, &c, err);
		if (rc == RC_OK)
			rc = entry_put(tx, c.id, &e, &added, err);
	}
	return rc;
}
