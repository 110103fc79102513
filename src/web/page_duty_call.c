/* SPDX-License-Identifier: Apache-2.0 */
/* A call in two clicks: the form with everything filled in and what may not be said; then it is noted. */
#include "duty/call.h"
#include "web/records.h"

static void put_before(struct page *p, const struct call_before *b)
{
	json_put_str(&p->j, "about", b->about);
	json_put_str(&p->j, "about_title", b->about_title.n > 0 ? b->about_title : b->about);
	json_put_str(&p->j, "about_href", b->about.n > 0 ? id_href(p, b->about) : STR(""));
	json_put_str(&p->j, "organisation", b->organisation);
	json_put_str(&p->j, "organisation_name", b->organisation_name);
	json_put_bool(&p->j, "checked", b->checked);
	json_put_bool(&p->j, "may", b->may);
	json_put_str(&p->j, "rule", str_of(b->rule));
	json_put_str(&p->j, "label", b->label);
	json_key(&p->j, STR("cut"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < b->cut_count; i++)
		json_str(&p->j, str_of(b->cut[i]));
	json_close(&p->j, ']');
	json_key(&p->j, STR("contacts"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < b->contact_count; i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "role", b->contacts[i].role);
		json_put_str(&p->j, "name", b->contacts[i].name);
		json_put_str(&p->j, "phone", b->contacts[i].phone);
		json_put_i64(&p->j, "n", (int64_t)i);
		json_put_bool(&p->j, "first", i == 0);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

enum rc page_duty_call(struct page *p, struct err *err)
{
	struct call_before before;
	str about = http_query(p->q, "about"), organisation = http_query(p->q, "organisation");
	p->template = "duty_call";
	p->title = "Call";
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = call_prepare(p->r, page_types(p), p->w->n->policies, &p->caller.viewer,
				  about.n > 0 ? about : STR(""), organisation.n > 0 ? organisation : STR(""),
				  p->a, &before, err);
	if (rc == RC_OK)
		put_before(p, &before);
	return rc;
}

/* The number of the list that was chosen, "role name number" apart by line breaks, unless another was typed. */
static void take_contact(struct page *p, struct call_said *q)
{
	str chosen = page_form(p, "whom");
	str role = str_cut(&chosen, '|'), phone = str_cut(&chosen, '|');
	if (q->phone.n > 0 || phone.n == 0)
		return;
	q->role = role;
	q->phone = phone;
	if (q->contact.n == 0)
		q->contact = chosen;
}

static str given(str s)
{
	return s.n > 0 ? s : STR("");
}

static void from_form(struct page *p, struct call_said *q)
{
	*q = (struct call_said){ .about = given(page_form(p, "about")), .organisation = given(page_form(p, "organisation")),
				 .contact = given(page_form(p, "contact")), .role = STR(""),
				 .phone = given(page_form(p, "phone")), .direction = given(page_form(p, "direction")),
				 .result = given(page_form(p, "result")), .words = given(page_form(p, "words")),
				 .at_us = TIME_NONE };
	take_contact(p, q);
}

static enum rc from_json(struct json_object *o, struct call_said *q, struct err *err)
{
	static const char *const names[] = { "about", "organisation", "contact", "role", "phone", "direction",
					     "result", "words", "at" };
	str at = json_get_str(o, "at");
	enum rc rc = json_only(o, names, COUNT_OF(names), err);
	*q = (struct call_said){ .about = given(json_get_str(o, "about")),
				 .organisation = given(json_get_str(o, "organisation")),
				 .contact = given(json_get_str(o, "contact")), .role = given(json_get_str(o, "role")),
				 .phone = given(json_get_str(o, "phone")),
				 .direction = given(json_get_str(o, "direction")),
				 .result = given(json_get_str(o, "result")),
				 .words = given(json_get_str(o, "words")), .at_us = TIME_NONE };
	if (rc == RC_OK && at.n > 0 && !time_parse(at, true, &q->at_us))
		rc = fail(err, RC_INPUT, "'at' is no time");
	return rc;
}

enum rc page_duty_call_save(struct page *p, struct err *err)
{
	struct node *n = p->w->n;
	struct json_object *o = NULL;
	struct call_said q;
	struct call_done done;
	bool program = p->body.p != NULL;
	enum rc rc = RC_OK;
	if (program)
		rc = json_read(p->body, &o, err);
	if (rc == RC_OK && program)
		rc = from_json(o, &q, err);
	else if (rc == RC_OK)
		from_form(p, &q);
	if (rc == RC_OK)
		rc = call_save(n->records, n->store, n->policies, page_types(p), &p->caller.viewer, &q, p->a,
			       &done, err);
	if (rc == RC_OK && program) {
		p->form = FORM_JSON;
		p->template = "duty_call";
		json_put_str(&p->j, "id", done.id);
		json_put_bool(&p->j, "told", done.told);
		json_put_i64(&p->j, "clocks", done.clocks);
		json_put_bool(&p->j, "confirmed", done.confirmed);
	} else if (rc == RC_OK) {
		page_go(p, id_href(p, done.id));
	}
	json_free(o);
	return rc;
}
