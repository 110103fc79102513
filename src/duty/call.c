/* SPDX-License-Identifier: Apache-2.0 */
/* Before a call: whom, and what may be said. call_save.c notes it. */
#include "duty/call.h"

#include "disclosure/told.h"
#include "duty/duty_private.h"

enum { CONTACTS_MOST = 50 };

static str member(struct json_object *o, const char *name, struct arena *a)
{
	str s = json_get_str(o, name);
	return s.n > 0 ? arena_str(a, s) : STR("");
}

static str title_of(const struct record_view *view, struct arena *a)
{
	struct buf b = BUF_INIT(KIB(8));
	if (record_view_type(view))
		record_view_text(view, record_view_type(view)->title, &b);
	str s = arena_str(a, buf_str(&b));
	buf_free(&b);
	return s;
}

struct preparing {
	struct reader *r;
	const struct types *t;
	struct policies *p;
	const struct viewer *v;
	struct arena *a;
	struct call_before *out;
	struct err *err;
	bool own;                  /* the item is about that organisation */
};

static enum rc read_finding_of(struct preparing *k, struct finding *out)
{
	str id = str_from(k->out->about, STR("finding--").n);
	return read_finding(k->r, k->v, id, k->a, out, k->err);
}

/* The record behind the number findings know an organisation by; "" none. */
static enum rc organisation_of(struct preparing *k, int64_t number, str *out)
{
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	struct uuid uuid;
	struct sql *q = sql(reader_conn(k->r), "SELECT record FROM org WHERE id = ? AND gone = 0");
	sql_int(q, 1, number);
	bool found = sql_row(q) && sql_col_blob(q, 0).n == sizeof uuid.b;
	if (found)
		memcpy(uuid.b, sql_col_blob(q, 0).p, sizeof uuid.b);
	enum rc rc = sql_end(q, k->err);
	for (size_t i = 0; found && id.n == 0 && i < types_count(k->t); i++)
		if (type_meaning(types_at(k->t, i), STR("organisation.contacts")))
			record_id_format(&id, str_of(types_at(k->t, i)->name), &uuid);
	*out = arena_str(k->a, buf_str(&id));
	buf_free(&id);
	return rc;
}

/* Of a finding, whom it concerns first. */
static enum rc read_about_finding(struct preparing *k)
{
	struct finding f;
	enum rc rc = read_finding_of(k, &f);
	if (rc != RC_OK || k->out->organisation.n > 0 || f.concerns.count == 0)
		return rc;
	return organisation_of(k, f.concerns.list[0].org, &k->out->organisation);
}

static enum rc read_about(struct preparing *k, str about)
{
	struct record_view view = { 0 };
	k->out->about = about;
	if (str_starts(about, STR("finding--")))
		return read_about_finding(k);
	if (!duty_is_record(about))
		return RC_OK;
	enum rc rc = read_record(k->r, k->t, k->v, about, k->a, &view, k->err);
	if (rc == RC_OK) {
		const struct type *t = record_view_type(&view);
		k->out->about = record_view_id(&view, k->a);
		k->out->version = record_view_version(&view);
		k->out->about_title = title_of(&view, k->a);
		str whose = t && t->organisation ? member(view.body, t->organisation->name, k->a) : STR("");
		/* The card of an organisation itself. */
		if (duty_field(t, "organisation.contacts"))
			whose = k->out->about;
		if (k->out->organisation.n == 0)
			k->out->organisation = whose;
	}
	record_view_end(&view);
	return rc;
}

static enum rc read_organisation(struct preparing *k)
{
	struct record_view view = { 0 };
	if (k->out->organisation.n == 0)
		return RC_OK;
	enum rc rc = read_record(k->r, k->t, k->v, k->out->organisation, k->a, &view, k->err);
	if (rc == RC_OK) {
		struct ladder_contact *list = ARENA_ARRAY(k->a, CONTACTS_MOST, struct ladder_contact);
		struct json_object *rows = duty_list(record_view_type(&view), view.body, "organisation.contacts");
		k->out->organisation = record_view_id(&view, k->a);
		k->out->organisation_name = title_of(&view, k->a);
		k->out->contacts = list;
		for (size_t i = 0; i < json_count(rows) && k->out->contact_count < CONTACTS_MOST; i++) {
			struct json_object *o = json_at(rows, i);
			if (json_get_str(o, "phone").n > 0)
				list[k->out->contact_count++] = (struct ladder_contact){
					.name = member(o, "name", k->a), .role = member(o, "role", k->a),
					.phone = member(o, "phone", k->a) };
		}
	}
	record_view_end(&view);
	return rc;
}

/* Is it one of those the finding concerns? */
static enum rc look_at_finding(struct preparing *k, struct uuid organisation)
{
	struct finding f;
	struct told_to to;
	if (!str_starts(k->out->about, STR("finding--")))
		return RC_OK;
	enum rc rc = read_finding_of(k, &f);
	if (rc == RC_OK)
		rc = told_organisation(k->r, k->p, organisation, false, CHANNEL_MAIL, &to, k->err);
	for (size_t i = 0; rc == RC_OK && to.org != 0 && i < f.concerns.count; i++)
		k->own = k->own || f.concerns.list[i].org == to.org;
	return rc;
}

/* What may be said is what may be written to them. */
static enum rc ask_check(struct preparing *k)
{
	struct explanation *e = ARENA_NEW(k->a, struct explanation);
	struct explain_ask ask = { .item = k->out->about, .by = CHANNEL_MAIL, .purpose = PURPOSE_HANDLING,
				   .to = { .kind = RECIPIENT_CONSTITUENT, .ceiling = TLP_AMBER_STRICT } };
	str agreement;
	if (k->out->about.n == 0 || k->out->organisation.n == 0)
		return RC_OK;
	enum rc rc = explain_whose(k->r, k->t, k->v, k->out->organisation, k->a, &ask.organisation, k->err);
	if (rc == RC_OK)
		rc = look_at_finding(k, ask.organisation);
	ask.own = k->own;
	if (rc == RC_OK)
		rc = policies_recipient(k->p, ask.organisation, &ask.to, &ask.policy, k->a, &agreement, k->err);
	if (rc == RC_OK)
		rc = explain_item(k->r, k->t, k->v, &ask, k->a, e, k->err);
	if (rc != RC_OK)
		return rc;
	k->out->checked = true;
	k->out->may = e->told;
	k->out->rule = e->decision.rule;
	k->out->policy = ask.policy.number;
	k->out->cut = e->cut;
	k->out->cut_count = e->cut_count;
	k->out->label = arena_fmt(k->a, "TLP:%s", e->labels.tlp < TLP_COUNT ? tlp_name(e->labels.tlp) : "RED");
	return RC_OK;
}

enum rc call_prepare(struct reader *r, const struct types *t, struct policies *p, const struct viewer *v,
		     str about, str organisation, struct arena *a, struct call_before *out, struct err *err)
{
	*out = (struct call_before){ .about = STR(""), .about_title = STR(""), .organisation = organisation,
				     .organisation_name = STR(""), .label = STR(""), .rule = "" };
	struct preparing k = { r, t, p, v, a, out, err, false };
	enum rc rc = read_about(&k, about);
	if (rc == RC_OK)
		rc = read_organisation(&k);
	return rc == RC_OK ? ask_check(&k) : rc;
}
