/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, counts and search of records. The query is narrowed so that little is read in vain;
 * what decides is the gate, asked for each row. */
#include "disclosure/read_private.h"
#include "disclosure/read_records_private.h"

static bool is_ours(const struct viewer *v)
{
	return v->as.kind == RECIPIENT_STAFF;
}

/* Where and what stands behind a value tells as much as the value: may he ever see it? Fields for
 * the party are asked again for each row. */
static bool may_ask_for(const struct viewer *v, const struct type_field *f)
{
	if (f->kind == KIND_SECRET || (f->personal && viewer_cuts_personal(v)))
		return false;
	switch (f->share) {
	case SHARE_OPEN:
	case SHARE_PARTY:
		return true;
	case SHARE_TEAM:
		return is_ours(v);
	case SHARE_NAMED:
	case SHARE_SEALED:
		break;
	}
	return false;
}

/* The markings some record can have that passes: asked of the check with the most favourable
 * item there can be. */
static uint32_t widest_mask(const struct viewer *v)
{
	uint32_t mask = 0;

	for (int t = TLP_CLEAR; t <= TLP_COUNT; t++) {
		struct labels item = { .tlp = (enum tlp)t, .about_recipient = true, .invited = true,
				       .for_named = true, .names_recipient = true, .sources = 1 };

		if (viewer_verdict(v, &item, PURPOSE_HANDLING) != DISCLOSE_NO)
			mask |= 1u << t;
	}
	return mask;
}

/* True when only his own organisation's records can pass. */
static bool bound_to_own(const struct viewer *v, const struct type *t)
{
	if (uuid_is_zero(&v->organisation) || !t || !t->organisation)
		return false;
	for (size_t i = 0; i < t->grant_count; i++)
		if (t->grants[i].action == ACTION_READ && (t->grants[i].roles & v->roles) &&
		    t->grants[i].reach == REACH_NAMED)
			return false;
	return true;
}

static enum rc narrow(const struct viewer *v, struct record_query *q, struct err *err)
{
	if (q->type && !authz_ever(v, ACTION_READ, q->type))
		return fail(err, RC_DENIED, "no role of yours reads records of type '%s'", q->type->name);
	for (size_t i = 0; i < q->filter_count; i++)
		if (!may_ask_for(v, q->filters[i].field))
			return fail(err, RC_DENIED, "you may not search by '%s'", q->filters[i].field->name);
	if (q->sort && !may_ask_for(v, q->sort)) {
		q->sort = NULL;
		q->ascending = false;
	}
	q->tlp_mask = widest_mask(v);
	q->exercise = v->exercise && v->as.exercise_member;
	q->text_share = is_ours(v) ? SHARE_TEAM : SHARE_PARTY;
	q->text_personal = !viewer_cuts_personal(v);
	q->with_body = true; /* rights and cuts are in it */
	if (bound_to_own(v, q->type) && uuid_is_zero(&q->only_organisation))
		q->only_organisation = v->organisation;
	return RC_OK;
}

struct list_gate {
	const struct viewer *v;
	const struct record_query *q;
	record_view_each each; /* NULL: only counted */
	void *ctx;
	uint64_t limit, given;
	bool more;
	enum rc rc;
	struct err *err;
};

/* A row that was found or placed by what is cut in it would tell what it is. */
static bool found_by_what_is_seen(const struct list_gate *g, const struct record_view *view,
				  const struct labels *l)
{
	for (size_t i = 0; i < g->q->filter_count; i++)
		if (field_is_cut(view, g->q->filters[i].field))
			return false;
	if (g->q->sort && field_is_cut(view, g->q->sort))
		return false;
	return !g->q->text.n || share_reaches(g->q->text_share, l, &g->v->as);
}

static bool pass_record(void *ctx, const struct record *r)
{
	struct list_gate *g = ctx;
	struct record_view view;
	struct labels labels;
	struct decision decision;

	if (!record_passes(g->v, r, &labels, &decision))
		return true;
	g->rc = record_view_make(g->v, r, &labels, &decision, &view, g->err);
	bool shown = g->rc == RC_OK && found_by_what_is_seen(g, &view, &labels);
	bool go_on = g->rc == RC_OK;

	if (shown && g->given == g->limit) {
		g->more = true;
		go_on = false;
	} else if (shown) {
		g->given++;
		go_on = g->each ? g->each(g->ctx, &view) && g->given < g->limit : true;
	}
	record_view_end(&view);
	return go_on;
}

enum rc read_records(struct reader *r, const struct types *t, const struct viewer *v,
		     struct record_query *q, uint64_t limit, struct arena *a, record_view_each each,
		     void *ctx, struct err *err)
{
	struct list_gate g = { .v = v, .q = q, .each = each, .ctx = ctx, .limit = limit, .err = err };

	(void)a; /* a row lives until `each` returns */
	enum rc rc = narrow(v, q, err);
	if (rc != RC_OK || limit == 0)
		return rc;
	rc = record_list(reader_conn(r), t, q, pass_record, &g, err);
	return rc == RC_OK ? g.rc : rc;
}

enum rc read_record_count(struct reader *r, const struct types *t, const struct viewer *v,
			  struct record_query *q, uint64_t most, uint64_t *count_out, bool *more_out,
			  struct err *err)
{
	struct list_gate g = { .v = v, .q = q, .limit = most, .err = err };

	*count_out = 0;
	*more_out = false;
	enum rc rc = narrow(v, q, err);
	if (rc == RC_OK)
		rc = record_list(reader_conn(r), t, q, pass_record, &g, err);
	*count_out = g.given;
	*more_out = g.more;
	return rc == RC_OK ? g.rc : rc;
}

void record_view_cursor(const struct record_query *q, const struct record_view *v, struct buf *out)
{
	record_cursor(q, v->record, out);
}
