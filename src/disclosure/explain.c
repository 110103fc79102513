/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/explain.h"

#include "disclosure/read_records_private.h"
#include "intake/feeds.h"

/* The recipient as a viewer: what labels_for and the cuts ask. */
static struct viewer viewer_of(const struct explain_ask *ask)
{
	struct viewer v = { .as = ask->to, .channel = ask->by, .organisation = ask->organisation };

	if (ask->account)
		v = *ask->account;
	v.channel = ask->by;
	v.policy = ask->policy;
	return v;
}

static void decide(const struct explain_ask *ask, const struct viewer *v, struct explanation *out)
{
	out->decision = may_disclose(&out->labels, &v->as, ask->by, ask->purpose, &ask->policy);
	out->told = out->decision.verdict != DISCLOSE_NO && (!out->asks_rights || out->rights.yes);
}

static void note_attribution(const struct explain_ask *ask, str licence, struct arena *a,
			     struct explanation *out)
{
	const struct licence *l = marks_licence(policy_marks(&ask->policy), licence);

	out->attribution = l ? arena_str(a, str_of(l->attribution)) : STR("");
}

/* --- records --- */

static enum rc explain_record(struct reader *r, const struct types *t, const struct viewer *asker,
			      const struct explain_ask *ask, struct arena *a, struct explanation *out,
			      struct err *err)
{
	struct record record;
	struct labels l;
	struct decision d;
	struct record_view view;
	struct viewer v = viewer_of(ask);

	enum rc rc = record_gate(reader_conn(r), t, asker, ask->item, a, &record, &l, &d, err);
	if (rc != RC_OK)
		return rc;
	struct object o = object_of(&record, &v);
	out->labels = labels_for(&record, &v);
	out->asks_rights = ask->account != NULL;
	if (out->asks_rights)
		out->rights = authz(&v, ask->by == CHANNEL_EXPORT ? ACTION_EXPORT : ACTION_READ, &o);
	decide(ask, &v, out);
	note_attribution(ask, record.labels.licence, a, out);
	if (!out->told)
		return RC_OK;
	rc = record_view_make(&v, &record, &out->labels, &out->decision, &view, err);
	for (size_t i = 0; rc == RC_OK && i < record.type->field_count; i++) {
		const struct type_field *f = &record.type->fields[i];
		if (view.hidden[f->at / 64] >> f->at % 64 & 1)
			out->cut[out->cut_count++] = f->name;
	}
	record_view_end(&view);
	return rc;
}

/* --- findings and events --- */

/* What is made from several sources is bound by the terms of each. */
static enum rc add_terms(struct reader *r, int64_t id, const struct explain_ask *ask, struct arena *a,
			 struct explanation *out, struct err *err)
{
	struct feed feed;

	enum rc rc = feed_by_id(reader_conn(r), id, a, &feed, err);
	if (rc != RC_OK)
		return rc;
	labels_license(&out->labels, policy_marks(&ask->policy), feed.licence);
	if (!out->attribution.n)
		note_attribution(ask, feed.licence, a, out);
	return RC_OK;
}

static enum rc explain_finding(struct reader *r, const struct viewer *asker,
			       const struct explain_ask *ask, struct arena *a,
			       struct explanation *out, struct err *err)
{
	struct finding f;
	struct finding_feed *feeds = NULL;
	size_t count = 0;
	struct viewer v = viewer_of(ask);

	enum rc rc = read_finding(r, asker, str_from(ask->item, 9), a, &f, err);
	if (rc == RC_OK)
		rc = findings_feeds(r, f.id, a, &feeds, &count, err);
	if (rc != RC_OK)
		return rc;
	out->labels = (struct labels){ .tlp = f.tlp, .personal = f.mark_reason.n > 0,
				       .exercise = f.exercise, .held = f.held_us != 0,
				       .about_recipient = ask->own, .foreign = true, .sources = 1 };
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = add_terms(r, feeds[i].feed, ask, a, out, err);
	if (rc != RC_OK)
		return rc;
	decide(ask, &v, out);
	if (out->told && (out->decision.cut & CUT_PERSONAL))
		out->cut[out->cut_count++] = "reason";
	return RC_OK;
}

struct event_look {
	const struct explain_ask *ask;
	struct arena *a;
	str tlp, feed;
	bool exercise;
};

static bool look(void *ctx, const struct event_view *e)
{
	struct event_look *l = ctx;
	struct buf text = BUF_INIT(KIB(4));

	if (event_view_value(e, STR("tlp"), &text))
		l->tlp = arena_str(l->a, buf_str(&text));
	buf_reset(&text);
	if (event_view_value(e, STR("feed.name"), &text))
		l->feed = arena_str(l->a, buf_str(&text));
	buf_reset(&text);
	if (event_view_value(e, STR("exercise"), &text))
		l->exercise = str_eq(buf_str(&text), STR("true"));
	buf_free(&text);
	return false;
}

static enum rc explain_event(struct reader *r, const struct viewer *asker,
			     const struct explain_ask *ask, struct arena *a, struct explanation *out,
			     struct err *err)
{
	struct event_look l = { .ask = ask, .a = a };
	struct viewer v = viewer_of(ask);
	struct feed feed = { .licence = STR("") };

	enum rc rc = read_event(r, asker, str_from(ask->item, 7), look, &l, err);
	if (rc == RC_OK && l.feed.n)
		rc = feed_by_name(reader_conn(r), l.feed, a, &feed, err);
	if (rc == RC_ABSENT && l.tlp.n) /* of a feed that is not ours: no terms are known */
		rc = RC_OK;
	if (rc != RC_OK)
		return rc;
	out->labels = (struct labels){ .personal = true, .exercise = l.exercise || feed.exercise,
				       .about_recipient = ask->own, .foreign = true, .sources = 1 };
	if (!tlp_parse(l.tlp, &out->labels.tlp))
		out->labels.tlp = TLP_COUNT;
	labels_license(&out->labels, policy_marks(&ask->policy), feed.licence);
	decide(ask, &v, out);
	note_attribution(ask, feed.licence, a, out);
	if (out->told && (out->decision.cut & CUT_PERSONAL))
		out->cut[out->cut_count++] = "personal fields, if it has any";
	return RC_OK;
}

enum rc explain_whose(struct reader *r, const struct types *t, const struct viewer *asker, str id,
		      struct arena *a, struct uuid *out, struct err *err)
{
	struct record record;
	struct labels l;
	struct decision d;
	str type;

	if (record_id_parse(id, &type, out))
		return RC_OK;
	enum rc rc = record_gate(reader_conn(r), t, asker, id, a, &record, &l, &d, err);
	if (rc == RC_OK)
		*out = record.id;
	return rc;
}

enum rc explain_item(struct reader *r, const struct types *t, const struct viewer *asker,
		     const struct explain_ask *ask, struct arena *a, struct explanation *out,
		     struct err *err)
{
	*out = (struct explanation){ .attribution = STR("") };
	if (str_starts(ask->item, STR("finding--")))
		return explain_finding(r, asker, ask, a, out, err);
	if (str_starts(ask->item, STR("event--")))
		return explain_event(r, asker, ask, a, out, err);
	return explain_record(r, t, asker, ask, a, out, err);
}
