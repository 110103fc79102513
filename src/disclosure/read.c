/* SPDX-License-Identifier: Apache-2.0 */
/* Events for output, one by one. Counts: read_counts.c. */
#include "disclosure/read_private.h"

/* --- what the readers share --- */

enum rc need_right(const struct viewer *v, enum right right, struct err *err)
{
	if (right_includes(v->right, right))
		return RC_OK;
	return fail(err, RC_DENIED, "this needs the right '%s'", right_name(right));
}

enum verdict viewer_verdict(const struct viewer *v, const struct labels *item, enum purpose purpose)
{
	return may_disclose(item, &v->as, v->channel, purpose, &v->policy).verdict;
}

bool viewer_cuts_personal(const struct viewer *v)
{
	const struct labels plainest = { .tlp = TLP_CLEAR, .personal = true, .sources = UINT64_MAX };

	return viewer_verdict(v, &plainest, PURPOSE_HANDLING) != DISCLOSE_YES;
}

/* --- events --- */

/* The check's answers for this viewer, asked once: by marking, exercise and whether its finding is held. An
 * item counts as having personal fields; where it has none nothing is cut. */
struct gate_ctx {
	const struct key *secret;
	enum verdict verdict[TLP_COUNT + 1][2][2]; /* played, held back */
	struct findings_held *held; /* NULL: this viewer sees what is held */
	event_view_each each;
	void *ctx;
	uint64_t given;
};

static void ask_check(const struct viewer *v, struct gate_ctx *g)
{
	for (int i = 0; i < 4 * (TLP_COUNT + 1); i++) {
		bool drill = i & 1, held = i & 2;
		struct labels item = { .tlp = (enum tlp)(i / 4), .personal = true,
				       .exercise = drill, .held = held, .sources = 1 };
		g->verdict[i / 4][drill][held] = viewer_verdict(v, &item, PURPOSE_HANDLING);
	}
}

static enum verdict verdict_of(const struct gate_ctx *g, const struct event_row *e)
{
	const struct cell *tlp = batch_find(e->batch, e->row, FIELD_TLP);
	const struct cell *drill = batch_find(e->batch, e->row, FIELD_EXERCISE);
	bool known = tlp && tlp->kind == CELL_INT && tlp->i >= TLP_CLEAR && tlp->i < TLP_COUNT;

	bool held = g->held && findings_held_has(g->held, e);

	return g->verdict[known ? tlp->i : TLP_COUNT][drill && drill->i != 0][held];
}

static bool pass_event(void *ctx, const struct event_row *e)
{
	struct gate_ctx *g = ctx;
	struct event_view view = { .received_us = e->received_us, .row = e };
	enum verdict verdict = verdict_of(g, e);

	if (verdict == DISCLOSE_NO)
		return true;
	view.cut_personal = verdict == DISCLOSE_REDACT;
	event_id(g->secret, e->seq, view.id);
	g->given++;
	return g->each(g->ctx, &view);
}

/* What a filter finds tells as much as the field itself would. */
enum rc check_filters(const struct viewer *v, const struct event_query *q, struct err *err)
{
	if (!viewer_cuts_personal(v))
		return RC_OK;
	for (size_t i = 0; i < q->filter_count; i++) {
		const struct event_filter *f = &q->filters[i];

		if (f->op != FILTER_ORG && field_is_personal(f->field, f->key))
			return fail(err, RC_DENIED, "filters by personal fields need a legal basis for them");
	}
	return RC_OK;
}

static enum rc scan(struct reader *r, const struct viewer *v, struct event_query *q,
		    struct gate_ctx *g, struct err *err)
{
	q->tlp_mask = disclosure_tlp_mask(&v->as, v->channel, PURPOSE_HANDLING, &v->policy);
	q->exercise = v->exercise && v->as.exercise_member;
	g->secret = store_secret(reader_store(r));
	ask_check(v, g);
	enum rc rc = RC_OK;
	if (g->verdict[TLP_CLEAR][0][1] != g->verdict[TLP_CLEAR][0][0])
		rc = findings_held_load(r, &g->held, err);
	if (rc == RC_OK)
		rc = events_scan(r, q, pass_event, g, err);
	findings_held_free(g->held);
	return rc;
}

enum rc read_events(struct reader *r, const struct viewer *v, struct event_query *q,
		    event_view_each each, void *ctx, struct err *err)
{
	struct gate_ctx g = { .each = each, .ctx = ctx };

	enum rc rc = need_right(v, RIGHT_READ, err);
	if (rc == RC_OK)
		rc = check_filters(v, q, err);
	return rc == RC_OK ? scan(r, v, q, &g, err) : rc;
}

enum rc read_event(struct reader *r, const struct viewer *v, str id, event_view_each each, void *ctx,
		   struct err *err)
{
	struct gate_ctx g = { .each = each, .ctx = ctx };
	uint64_t seq = 0;

	enum rc rc = need_right(v, RIGHT_READ, err);
	if (rc != RC_OK)
		return rc;
	/* An id nobody gave out costs a look-up too: as one that may not be seen. */
	bool ours = event_id_parse(store_secret(reader_store(r)), id, &seq);
	struct event_query q = { .before_seq = ours ? seq + 1 : 2, .after_seq = ours ? seq - 1 : 1,
				 .limit = 1 };
	rc = scan(r, v, &q, &g, err);
	if (rc != RC_OK || g.given > 0)
		return rc;
	return fail(err, RC_ABSENT, "there is no such event");
}
