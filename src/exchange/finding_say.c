/* SPDX-License-Identifier: Apache-2.0 */
/* The partners from whom a finding's newest events came are asked for by the events themselves; each gets the words once. */
#include "exchange/finding_say.h"

#include "disclosure/told_partner.h"
#include "exchange/exchange_private.h"
#include "record/journal.h"

enum { EVENTS_LOOKED = 64, PARTNERS_MOST = 16 };

struct saying {
	struct exchange *x;
	const struct viewer *v;
	const struct finding_say *q;
	struct arena *a;
	struct reader *r;
	struct finding finding;
	str what, key;
	enum tlp tlp;
	struct partner_answer list[PARTNERS_MOST];
	size_t count;
	bool came;                 /* from a partner at all */
	enum rc rc;
	struct err *err;
};

/* May these words go to him: findings flow, and the check lets them. */
static enum rc may_go(struct saying *k, const struct partner *p, bool *out, struct err *err)
{
	struct told_to to;
	enum rc rc = told_partner(k->r, k->x->w.policies, p->organisation, partner_feed(p, k->a), p->exercise, &to, err);
	if (rc == RC_OK)
		rc = told_partner_flow(k->x->w.policies, p->organisation, STR("findings"), &to, out, err);
	const struct labels item = { .tlp = k->tlp, .sources = 1, .about_recipient = true, .exercise = k->finding.exercise,
				     .held = k->finding.held_us != 0 };
	*out = rc == RC_OK && *out && may_disclose(&item, &to.viewer.as, to.viewer.channel, to.purpose, &to.viewer.policy).verdict !=
					      DISCLOSE_NO;
	return rc;
}

/* Did this event come by the partner's own feed? What another feed says of its origin is not believed. */
static enum rc came_by(struct saying *k, const struct event_row *e, const struct partner *p, bool *out, struct err *err)
{
	struct sql *q = sql(reader_conn(k->r), "SELECT 1 FROM report r JOIN feed f ON f.id = r.feed WHERE r.id = ? AND f.name = ?");
	sql_int(q, 1, e->report);
	sql_str(q, 2, partner_feed(p, k->a));
	*out = sql_row(q);
	return sql_end(q, err);
}

static enum rc add(struct saying *k, const struct event_row *e, str node, str event, struct err *err)
{
	struct partner from;
	struct err none = { 0 };
	char about[STIX_ID_MAX];
	bool may = false, came = false;
	str head = STR("event--");
	enum rc rc = partner_by_node(k->x, reader_conn(k->r), true, node, k->a, &from, &none);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", none.text);
	rc = came_by(k, e, &from, &came, err);
	if (rc != RC_OK || !came || !str_starts(event, head))
		return rc;
	k->came = true;
	for (size_t i = 0; i < k->count; i++)
		if (uuid_equal(&k->list[i].partner, &from.id))
			return RC_OK;
	rc = may_go(k, &from, &may, err);
	if (rc != RC_OK || !may || k->count == PARTNERS_MOST)
		return rc;
	str item = arena_str(k->a, event), origin = arena_str(k->a, node);
	stix_event_object_id(origin, str_from(item, head.n), about);
	k->list[k->count++] = (struct partner_answer){ .partner = from.id, .item = item, .origin = origin,
						       .about = arena_str(k->a, str_of(about)), .what = k->what,
						       .words = k->q->text, .key = k->key, .at_us = clock_now_us(),
						       .tlp = k->tlp };
	return RC_OK;
}

static bool take_event(void *ctx, const struct event_row *row, size_t place)
{
	struct saying *k = ctx;
	struct event_view view = { .row = row };
	struct buf node = BUF_INIT(64), event = BUF_INIT(80);
	(void)place;
	if (event_view_value(&view, STR("extra.origin_node"), &node) && event_view_value(&view, STR("extra.origin_event"), &event))
		k->rc = add(k, row, buf_str(&node), buf_str(&event), k->err);
	buf_free(&node);
	buf_free(&event);
	return k->rc == RC_OK;
}

static enum rc read_what(struct saying *k, struct err *err)
{
	static const char *const all[] = { "comment", "question", "opinion" };
	k->what = k->q->what.n ? k->q->what : STR("comment");
	size_t i = 0;
	while (i < COUNT_OF(all) && !str_eq(k->what, str_of(all[i])))
		i++;
	if (i == COUNT_OF(all))
		return fail(err, RC_INPUT, "of a finding one says a comment, a question or an opinion");
	if (str_trim_all(k->q->text).n == 0)
		return fail(err, RC_INPUT, "there is nothing to say");
	if (k->q->text.n > FINDING_WORDS_MOST)
		return fail(err, RC_LIMIT, "of a finding no more than %d bytes are said at once", FINDING_WORDS_MOST);
	return str_is_utf8(k->q->text) ? RC_OK : fail(err, RC_INPUT, "the words are no UTF-8");
}

static enum rc read_marking(struct saying *k, struct err *err)
{
	k->tlp = k->finding.tlp < TLP_COUNT ? k->finding.tlp : TLP_RED;
	enum tlp said = k->tlp;
	if (k->q->tlp.n && !tlp_parse(k->q->tlp, &said))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no marking", STR_ARG(str_head(k->q->tlp, 40)));
	if (said < k->tlp)
		return fail(err, RC_INPUT, "what is said about a finding is not marked looser than it: it is TLP:%s", tlp_name(k->tlp));
	k->tlp = said;
	return RC_OK;
}

static enum rc say_job(struct tx *tx, void *ctx, struct err *err)
{
	struct saying *k = ctx;
	const struct journal_act act = { .act = "finding.say", .actor = str_of(k->v->actor),
					 .object = arena_fmt(k->a, "finding:" STR_FMT, STR_ARG(k->q->finding)), .count = k->count };
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < k->count; i++)
		rc = partner_answer_offer(tx, &k->list[i], err);
	return rc == RC_OK ? journal_add(tx, k->x->w.journal, &act, err) : rc;
}

static enum rc find_partners(struct saying *k, struct err *err)
{
	enum rc rc = read_finding(k->r, k->v, k->q->finding, k->a, &k->finding, err);
	if (rc == RC_OK)
		rc = read_marking(k, err);
	if (rc != RC_OK)
		return rc;
	struct finding_wanted wanted = { .id = k->finding.id, .last_us = k->finding.last_seen_us, .events = k->finding.events,
					 .identifier = k->finding.identifier };
	rc = findings_newest_events(k->r, &wanted, 1, 0, EVENTS_LOOKED, take_event, k, err);
	if (rc != RC_OK || k->rc != RC_OK)
		return rc != RC_OK ? rc : k->rc;
	if (!k->came)
		return fail(err, RC_ABSENT, "it came from no partner: there is nobody to say it to");
	return k->count ? RC_OK : fail(err, RC_DENIED, "no agreement with the partner it came from lets findings flow up to TLP:%s",
				       tlp_name(k->tlp));
}

enum rc finding_say(struct exchange *x, const struct viewer *v, const struct finding_say *q, struct arena *a, size_t *count_out,
		    struct err *err)
{
	const struct uuid once = uuid_random();
	struct saying k = { .x = x, .v = v, .q = q, .a = a, .err = err };
	struct buf key = BUF_INIT(64);
	*count_out = 0;
	buf_add(&key, STR("said "));
	uuid_format(&key, &once);
	k.key = arena_str(a, buf_str(&key));
	buf_free(&key);
	enum rc rc = v->as.kind == RECIPIENT_STAFF ? read_what(&k, err) : fail(err, RC_DENIED, "only our own people say so");
	if (rc == RC_OK)
		rc = store_read_begin(x->w.store, &k.r, err);
	if (rc == RC_OK)
		rc = find_partners(&k, err);
	if (k.r)
		store_read_end(k.r);
	if (rc == RC_OK)
		rc = store_write(x->w.store, say_job, &k, err);
	*count_out = rc == RC_OK ? k.count : 0;
	return rc;
}
