/* SPDX-License-Identifier: Apache-2.0 */
/* Counts. Staff count what they may see; the public counts more carefully. */
#include "disclosure/read_private.h"

#include "base/clock.h"

/* By what the public may group and filter: what names no network, organisation
 * or feed. */
static const struct public_key {
	enum count_by by;
	enum field field;
} public_keys[] = {
	{ BY_DAY, FIELD_TIME_SOURCE },
	{ BY_TYPE, FIELD_CLASSIFICATION_TYPE },
	{ BY_TAXONOMY, FIELD_CLASSIFICATION_TAXONOMY },
	{ BY_CC, FIELD_SOURCE_GEOLOCATION_CC },
	{ BY_IDENTIFIER, FIELD_CLASSIFICATION_IDENTIFIER },
	{ BY_SEVERITY, FIELD_SEVERITY },
};

static const struct public_key *find_by(enum count_by by)
{
	for (size_t i = 0; i < COUNT_OF(public_keys); i++)
		if (public_keys[i].by == by)
			return &public_keys[i];
	return NULL;
}

static bool is_public_field(enum field f)
{
	for (size_t i = 0; i < COUNT_OF(public_keys); i++)
		if (public_keys[i].field == f)
			return true;
	return false;
}

static enum rc check_public_question(const struct event_query *q, const enum count_by *by,
				     size_t by_count, struct err *err)
{
	bool fine = q->report == 0 && q->before_seq == 0 && q->after_seq == 0;

	for (size_t i = 0; i < by_count; i++)
		fine = fine && find_by(by[i]);
	for (size_t i = 0; i < q->filter_count; i++)
		fine = fine && q->filters[i].op == FILTER_EQ && is_public_field(q->filters[i].field);
	if (!fine)
		return fail(err, RC_DENIED, "the public counts by day, type, taxonomy, country, "
			    "identifier and severity only");
	return RC_OK;
}

/* Two questions an hour apart would tell of that hour. */
static void widen_to_days(struct event_query *q)
{
	if (q->from_us > 0)
		q->from_us -= q->from_us % DAY_US;
	if (q->until_us > 0 && q->until_us < INT64_MAX - DAY_US && q->until_us % DAY_US)
		q->until_us += DAY_US - q->until_us % DAY_US;
}

/* --- how many sources a group was made from --- */

enum { SOURCES_MOST = 1024 };
struct sources {
	uint64_t seen[SOURCES_MOST];
	size_t count, enough;
};

static uint64_t source_of(const struct event_row *e)
{
	static const enum field by_field[] = { FIELD_SOURCE_IP, FIELD_SOURCE_FQDN, FIELD_SOURCE_URL };
	static const struct key fixed = { { 0 } }; /* told apart, not hidden */

	for (size_t i = 0; i < COUNT_OF(by_field); i++) {
		const struct cell *c = batch_find(e->batch, e->row, by_field[i]);
		struct ip ip;

		if (cell_ip(e->batch, c, &ip)) {
			if (!ip_is4(&ip))
				ip_mask(&ip, 64); /* one household has that many */
			return keyed_hash128_raw(&fixed, str_mem(ip.b, sizeof(ip.b))).lo;
		}
		if (c)
			return keyed_hash128_raw(&fixed, cell_text(e->batch, c)).lo;
	}
	return 0;
}

static bool collect_source(void *ctx, const struct event_row *e)
{
	struct sources *s = ctx;
	uint64_t source = source_of(e);

	if (source == 0)
		return true; /* cannot be told from another: adds nothing */
	for (size_t i = 0; i < s->count; i++)
		if (s->seen[i] == source)
			return true;
	s->seen[s->count++] = source;
	return s->count < s->enough;
}

/* The question narrowed to one group. False when it cannot be: an event
 * without the value is not found by asking for "". */
static bool narrow(const struct event_query *q, const enum count_by *by, size_t by_count,
		   const struct count_row *row, struct event_filter *filters, struct event_query *out)
{
	size_t n = q->filter_count;

	*out = *q;
	if (n > 0)
		memcpy(filters, q->filters, n * sizeof(*filters));
	for (size_t i = 0; i < by_count; i++) {
		int64_t day_us;

		if (row->key[i].n == 0)
			return false;
		if (by[i] != BY_DAY) {
			filters[n++] = (struct event_filter){ .field = find_by(by[i])->field,
							      .op = FILTER_EQ, .text = row->key[i] };
			continue;
		}
		if (!time_parse(row->key[i], true, &day_us))
			return false;
		out->from_us = day_us > out->from_us ? day_us : out->from_us;
		if (out->until_us == 0 || out->until_us > day_us + DAY_US)
			out->until_us = day_us + DAY_US;
	}
	out->filters = filters;
	out->filter_count = n;
	return true;
}

struct public_count {
	struct reader *r;
	const struct viewer *v;
	const struct event_query *q;
	const enum count_by *by;
	size_t by_count;
	struct event_filter *filters; /* room for those of q and one a key */
	struct sources *sources;
};

static enum rc group_is_public(const struct public_count *p, const struct count_row *row,
			       bool *public_out, struct err *err)
{
	struct event_query one;
	struct labels item = { .tlp = TLP_CLEAR, .sources = row->count };

	/* A group cannot have more sources than events. */
	*public_out = viewer_verdict(p->v, &item, PURPOSE_STATISTICS) == DISCLOSE_YES &&
		      narrow(p->q, p->by, p->by_count, row, p->filters, &one);
	if (!*public_out)
		return RC_OK;
	p->sources->count = 0;
	struct err damage;
	enum rc rc = events_scan(p->r, &one, collect_source, p->sources, &damage);
	item.sources = p->sources->count;
	*public_out = viewer_verdict(p->v, &item, PURPOSE_STATISTICS) == DISCLOSE_YES;
	/* RC_INPUT: what is damaged is left out, and told by the count itself. */
	return rc == RC_OK || rc == RC_INPUT ? RC_OK : fail(err, rc, "%s", damage.text);
}

static enum rc keep_public(const struct public_count *p, struct count_row *rows, size_t *count,
			   struct err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++) {
		bool is_public = false;
		enum rc rc = group_is_public(p, &rows[i], &is_public, err);

		if (rc != RC_OK)
			return rc;
		if (is_public)
			rows[kept++] = rows[i];
	}
	*count = kept;
	return RC_OK;
}

static enum rc count_for_public(struct reader *r, const struct viewer *v, struct event_query *q,
				const enum count_by *by, size_t by_count, struct arena *a,
				struct count_row **rows_out, size_t *count_out, struct err *err)
{
	uint64_t k = v->policy.public_k > PUBLIC_K_LEAST ? v->policy.public_k : PUBLIC_K_LEAST;
	struct public_count p = {
		.r = r, .v = v, .q = q, .by = by, .by_count = by_count,
		.filters = ARENA_ARRAY(a, q->filter_count + by_count + 1, struct event_filter),
		.sources = ARENA_NEW(a, struct sources),
	};

	p.sources->enough = k < SOURCES_MOST ? (size_t)k : SOURCES_MOST;
	enum rc rc = check_public_question(q, by, by_count, err);
	if (rc != RC_OK)
		return rc;
	widen_to_days(q);
	struct count_row *rows = NULL;
	size_t count = 0;
	rc = events_count(r, q, by, by_count, a, &rows, &count, err);
	if (rc != RC_OK && rc != RC_INPUT) /* RC_INPUT: damaged parts are left out, the rest counts */
		return rc;
	enum rc kept = keep_public(&p, rows, &count, err);
	if (kept != RC_OK)
		return kept;
	*rows_out = rows;
	*count_out = count;
	return rc;
}

enum rc read_counts(struct reader *r, const struct viewer *v, struct event_query *q,
		    const enum count_by *by, size_t by_count, struct arena *a,
		    struct count_row **rows_out, size_t *count_out, struct err *err)
{
	*rows_out = NULL;
	*count_out = 0;
	if (by_count > 4)
		return fail(err, RC_INPUT, "counts are grouped by at most 4 keys");
	q->tlp_mask = disclosure_tlp_mask(&v->as, v->channel, PURPOSE_STATISTICS, &v->policy);
	q->exercise = false;
	if (v->as.kind == RECIPIENT_PUBLIC)
		return count_for_public(r, v, q, by, by_count, a, rows_out, count_out, err);
	enum rc rc = need_right(v, RIGHT_READ, err);
	if (rc == RC_OK)
		rc = check_filters(v, q, err);
	return rc == RC_OK ? events_count(r, q, by, by_count, a, rows_out, count_out, err) : rc;
}
