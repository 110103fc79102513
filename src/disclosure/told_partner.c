/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/told_partner.h"

#include "disclosure/read_private.h"
#include "disclosure/told_private.h"
#include "route/concern_later.h"

enum rc told_partner(struct reader *r, struct policies *p, struct uuid organisation, str feed, bool exercise,
		     struct told_to *out, struct err *err)
{
	enum rc rc = told_outsider(p, RECIPIENT_PARTNER, TLP_AMBER_STRICT, organisation, exercise, CHANNEL_SYNC, out, err);
	out->feed = feed;
	return rc == RC_OK ? told_number_of(reader_conn(r), organisation, &out->org, err) : rc;
}

enum rc told_partner_flow(struct policies *p, struct uuid organisation, str flow, struct told_to *to, bool *out,
			  struct err *err)
{
	struct recipient under = { .kind = RECIPIENT_PARTNER };
	struct policy policy;
	if (to)
		under = to->viewer.as;
	under.personal_basis = false; /* of the other agreement */
	enum rc rc = policies_flow(p, organisation, flow, &under, &policy, err);
	*out = rc == RC_OK && under.agreement;
	if (*out && to) {
		to->viewer.as = under;
		to->viewer.policy = policy;
	}
	return rc;
}

/* --- events --- */

struct ranging {
	const struct told_to *to;
	const struct key *secret;
	struct findings_held *held;
	told_range_each each;
	void *ctx;
	uint64_t refused;
};

static bool came_from(const struct event_row *e, str feed)
{
	const struct cell *c = batch_find(e->batch, e->row, FIELD_FEED_NAME);
	return feed.n && c && str_eq(cell_text(e->batch, c), feed);
}

static struct labels labels_of_event(const struct ranging *g, const struct event_row *e)
{
	const struct cell *tlp = batch_find(e->batch, e->row, FIELD_TLP);
	const struct cell *drill = batch_find(e->batch, e->row, FIELD_EXERCISE);
	struct labels item = { .tlp = TLP_COUNT, .personal = true, .sources = 1, .about_recipient = true };
	if (tlp && tlp->i < TLP_COUNT)
		item.tlp = (enum tlp)tlp->i;
	item.exercise = drill && drill->i != 0;
	item.held = findings_held_has(g->held, e);
	/* what another node told us is not ours to widen */
	item.foreign = batch_find_extra(e->batch, e->row, STR("origin_node")) != NULL;
	return item;
}

static enum verdict ask(const struct told_to *to, const struct labels *item)
{
	enum verdict verdict = may_disclose(item, &to->viewer.as, to->viewer.channel, to->purpose, &to->viewer.policy).verdict;
	return item->exercise == to->viewer.exercise ? verdict : DISCLOSE_NO;
}

static bool tell(void *ctx, const struct event_row *e)
{
	struct ranging *g = ctx;
	const struct told_to *to = g->to;
	if (came_from(e, to->feed))
		return true;
	struct labels item = labels_of_event(g, e);
	enum verdict verdict = ask(to, &item);
	if (verdict == DISCLOSE_NO) {
		g->refused++;
		return true;
	}
	struct event_view view = { .received_us = e->received_us, .row = e,
				   .cut_personal = verdict == DISCLOSE_REDACT };
	event_id(g->secret, e->seq, view.id);
	return g->each(g->ctx, &view, e->seq);
}

/* Of those in `q`, which concern it. */
static enum rc tell_all(struct reader *r, const struct told_to *to, const struct event_query *q, struct ranging *g,
			uint64_t *refused, struct err *err)
{
	g->to = to;
	g->secret = store_secret(reader_store(r));
	enum rc rc = findings_held_load(r, &g->held, err);
	if (rc != RC_OK)
		return rc;
	rc = events_scan(r, q, tell, g, err);
	findings_held_free(g->held);
	*refused = g->refused;
	return rc;
}

enum rc told_event_range(struct reader *r, const struct told_to *to, uint64_t first, uint64_t last,
			 told_range_each each, void *ctx, uint64_t *refused, struct err *err)
{
	struct ranging g = { .each = each, .ctx = ctx };
	const struct event_filter concerns = { .field = FIELD_RONDA_CONCERNS, .op = FILTER_ORG, .number = to->org };
	const struct event_query q = { .filters = &concerns, .filter_count = 1, .after_seq = first - 1,
				       .before_seq = last + 1, .tlp_mask = (1u << TLP_COUNT) - 1, .exercise = true,
				       .again = true, .oldest_first = true };
	*refused = 0;
	if (to->org == 0)
		return RC_OK; /* not in the directory: nothing concerns it */
	return tell_all(r, to, &q, &g, refused, err);
}

enum rc told_event(struct reader *r, const struct told_to *to, uint64_t seq, told_range_each each, void *ctx,
		   uint64_t *refused, struct err *err)
{
	struct ranging g = { .each = each, .ctx = ctx };
	const struct event_query q = { .after_seq = seq - 1, .before_seq = seq + 1, .tlp_mask = (1u << TLP_COUNT) - 1,
				       .exercise = true, .again = true };
	bool later = false;
	*refused = 0;
	enum rc rc = concern_later_has(reader_conn(r), to->org, seq, &later, err);
	if (rc == RC_OK && later)
		return tell_all(r, to, &q, &g, refused, err);
	return rc == RC_OK ? told_event_range(r, to, seq, seq, each, ctx, refused, err) : rc;
}

enum rc told_concerning(struct reader *r, const struct event_query *q, const int64_t *orgs, size_t count,
			event_concerning_each each, void *ctx, struct err *err)
{
	return events_concerning(r, q, orgs, count, each, ctx, err);
}

/* --- who knows what --- */

struct knowing {
	struct ranging g;
	const struct event_filter *f;
	uint64_t most;
	struct told_known *out;
};

static bool know(void *ctx, const struct event_row *e)
{
	struct knowing *k = ctx;
	const struct told_to *to = k->g.to;
	const struct cell *seen = batch_find(e->batch, e->row, FIELD_TIME_SOURCE);
	int64_t at_us = seen ? seen->i : e->received_us;
	if (came_from(e, to->feed))
		return true;
	struct labels item = labels_of_event(&k->g, e);
	item.about_recipient = false;
	enum verdict verdict = ask(to, &item);
	/* what a filter finds tells as much as the field itself */
	if (verdict == DISCLOSE_NO || (verdict == DISCLOSE_REDACT && field_is_personal(k->f->field, k->f->key)))
		return true;
	struct told_known *n = k->out;
	n->first_us = n->count == 0 || at_us < n->first_us ? at_us : n->first_us;
	n->last_us = n->count == 0 || at_us > n->last_us ? at_us : n->last_us;
	n->tlp = item.tlp > n->tlp ? item.tlp : n->tlp;
	return ++n->count < k->most;
}

enum rc told_known(struct reader *r, const struct told_to *to, const struct event_filter *f, uint64_t most,
		   struct told_known *out, struct err *err)
{
	struct knowing k = { .g = { .to = to }, .f = f, .most = most, .out = out };
	const struct event_query q = { .filters = f, .filter_count = 1, .tlp_mask = (1u << TLP_COUNT) - 1, .exercise = true };
	*out = (struct told_known){ .tlp = TLP_CLEAR };
	enum rc rc = findings_held_load(r, &k.g.held, err);
	if (rc != RC_OK)
		return rc;
	rc = events_scan(r, &q, know, &k, err);
	findings_held_free(k.g.held);
	return rc;
}
