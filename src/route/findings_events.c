/* SPDX-License-Identifier: Apache-2.0 */
/* Back from findings to their newest events, without reading all there are. */
#include <stdlib.h>

#include "base/clock.h"
#include "route/findings_private.h"

enum { ASKED_ALONE = 64 };

struct newest {
	struct key key;
	struct finding_event e;
	struct finding_wanted *list;
	struct finding_wanted **sorted;
	size_t count, per, complete;
	uint64_t *seqs;      /* what was given by the first reading, ascending */
	size_t seq_count;
	bool noting;
	finding_event_each each;
	void *ctx;
	bool stopped;
};

static int by_id(const void *a, const void *b)
{
	const struct finding_wanted *x = *(struct finding_wanted *const *)a, *y = *(struct finding_wanted *const *)b;
	return id_cmp(x->id, y->id);
}

static int id_to(const void *key, const void *member)
{
	return id_cmp(*(const struct hash128 *)key, (*(struct finding_wanted *const *)member)->id);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static bool was_given(const struct newest *n, uint64_t seq)
{
	return !n->noting && n->seq_count > 0 && bsearch(&seq, n->seqs, n->seq_count, sizeof seq, by_number);
}

/* No more is wanted of it, or no more is there. */
static bool is_complete(const struct newest *n, const struct finding_wanted *f)
{
	return f->given >= n->per || (f->events > 0 && f->given >= f->events);
}

static bool give(void *ctx, const struct event_row *row)
{
	struct newest *n = ctx;
	if (!finding_id_of(&n->key, row->batch, row->row, row->received_us, &n->e))
		return true;
	struct finding_wanted **at = bsearch(&n->e.id, n->sorted, n->count, sizeof(*n->sorted), id_to);
	if (!at || is_complete(n, *at) || was_given(n, row->seq))
		return true;
	(*at)->given++;
	n->complete += is_complete(n, *at);
	if (n->noting)
		n->seqs[n->seq_count++] = row->seq;
	n->stopped = !n->each(n->ctx, row, (size_t)(*at - n->list));
	return !n->stopped && n->complete < n->count;
}

static enum rc scan(struct reader *r, struct newest *n, struct event_query *q, struct err *err)
{
	q->tlp_mask = (1u << TLP_COUNT) - 1;
	q->exercise = true;
	q->again = true;
	enum rc rc = events_scan(r, q, give, n, err);
	/* What is damaged is for `verify` to tell. */
	return rc == RC_INPUT ? RC_OK : rc;
}

/* The identifier that all of them have; "": they have not. */
static str identifier_of_all(const struct finding_wanted *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!str_eq(list[i].identifier, list[0].identifier))
			return STR("");
	return count ? list[0].identifier : STR("");
}

/* Findings of one kind are told of together, and few chunks are of it; what is still wanted then
 * (a finding may have been seen under another name, or before) is looked for in all. */
static enum rc scan_all(struct reader *r, struct newest *n, struct event_query *q, struct err *err)
{
	const struct event_filter *concerned = q->filters;
	struct event_filter both[2] = { { .field = FIELD_CLASSIFICATION_IDENTIFIER, .op = FILTER_EQ,
					  .text = identifier_of_all(n->list, n->count) } };
	if (q->filter_count > 0)
		both[1] = *concerned;
	if (both[0].text.n > 0) {
		struct event_query of_kind = *q;
		of_kind.filters = both;
		of_kind.filter_count = 1 + q->filter_count;
		n->noting = true;
		enum rc rc = scan(r, n, &of_kind, err);
		n->noting = false;
		if (rc != RC_OK || n->stopped || n->complete == n->count)
			return rc;
		qsort(n->seqs, n->seq_count, sizeof *n->seqs, by_number);
	}
	return scan(r, n, q, err);
}

enum rc findings_newest_events(struct reader *r, struct finding_wanted *list, size_t count, int64_t org, size_t per,
			       finding_event_each each, void *ctx, struct err *err)
{
	struct newest n = { .key = finding_key_derive(store_secret(reader_store(r))), .e = FINDING_EVENT_INIT,
			    .list = list, .sorted = x_array(count + 1, sizeof(*n.sorted)), .count = count, .per = per,
			    .each = each, .ctx = ctx, .seqs = x_array(count * per + 1, sizeof(*n.seqs)) };
	int64_t oldest = INT64_MAX;
	for (size_t i = 0; i < count; i++) {
		n.sorted[i] = &list[i];
		list[i].given = 0;
		oldest = list[i].last_us < oldest ? list[i].last_us : oldest;
	}
	qsort(n.sorted, count, sizeof(*n.sorted), by_id);
	const struct event_filter concerned = { .op = FILTER_ORG, .field = FIELD_RONDA_CONCERNS, .number = org };
	struct event_query q = { .from_us = oldest - DAY_US > 0 ? oldest - DAY_US : 1, .filters = &concerned,
				 .filter_count = org != 0 };
	enum rc rc = count ? scan_all(r, &n, &q, err) : RC_OK;
	/* Those that concerned somebody else then: at the time of their newest event. */
	for (size_t i = 0, asked = 0; rc == RC_OK && !n.stopped && i < count && asked < ASKED_ALONE; i++) {
		if (list[i].given > 0)
			continue;
		struct event_query one = { .from_us = list[i].last_us, .until_us = list[i].last_us + 1 };
		rc = scan(r, &n, &one, err);
		asked++;
	}
	finding_event_free(&n.e);
	free(n.seqs);
	free(n.sorted);
	return rc;
}

/* --- the other way --- */

struct one_event {
	struct key key;
	uint64_t seq;
	struct hash128 id;
	bool found;
};

static bool find_one(void *ctx, const struct event_row *row)
{
	struct one_event *o = ctx;
	struct finding_event e = FINDING_EVENT_INIT;
	o->found = row->seq == o->seq && finding_id_of(&o->key, row->batch, row->row, row->received_us, &e);
	o->id = e.id;
	finding_event_free(&e);
	return false;
}

enum rc findings_event_finding(struct reader *r, str event, int64_t org, struct hash128 *out, struct err *err)
{
	const struct key *secret = store_secret(reader_store(r));
	struct one_event o = { .key = finding_key_derive(secret) };
	const struct event_filter concerned = { .op = FILTER_ORG, .field = FIELD_RONDA_CONCERNS, .number = org };
	if (!event_id_parse(secret, event, &o.seq) || o.seq == 0)
		return fail(err, RC_ABSENT, "there is no such event");
	const struct event_query q = { .before_seq = o.seq + 1, .after_seq = o.seq - 1, .filters = &concerned,
				       .filter_count = 1, .tlp_mask = (1u << TLP_COUNT) - 1, .exercise = true,
				       .again = true, .limit = 1 };
	enum rc rc = events_scan(r, &q, find_one, &o, err);
	if (rc != RC_OK || !o.found)
		return rc == RC_OK ? fail(err, RC_ABSENT, "there is no such event") : rc;
	*out = o.id;
	return RC_OK;
}
