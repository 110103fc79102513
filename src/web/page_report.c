/* SPDX-License-Identifier: Apache-2.0 */
/* Telling us something without signing in, and asking how far it has come. No file is taken here. */
#include "incident/statement.h"
#include "web/public.h"

struct told_form {
	str what, when, where, contact;
	bool consent;
};

static void show_form(struct page *p, const struct told_form *f, str wrong)
{
	p->template = "report";
	str language = public_frame(p);
	p->title = arena_z(p->a, public_word(language, "report"));
	public_put_helplines(p, language);
	json_put_str(&p->j, "wrong", wrong);
	json_put_str(&p->j, "given_what", f->what);
	json_put_str(&p->j, "given_when", f->when);
	json_put_str(&p->j, "given_where", f->where);
	json_put_str(&p->j, "given_contact", f->contact);
	json_put_bool(&p->j, "given_consent", f->consent);
}

enum rc page_report(struct page *p, struct err *err)
{
	const struct told_form empty = { STR(""), STR(""), STR(""), STR(""), false };
	enum rc rc = public_on(p, err);
	if (rc == RC_OK)
		show_form(p, &empty, STR(""));
	return rc;
}

static str field(struct page *p, const char *name)
{
	str s = page_form(p, name);
	return s.p ? str_trim_all(s) : STR("");
}

enum rc page_report_give(struct page *p, struct err *err)
{
	const struct node *n = p->w->n;
	struct told_form f = { field(p, "what"), field(p, "when"), field(p, "where"), field(p, "contact"),
			       page_form(p, "consent").p != NULL };
	str language = outside_language(p, STR(""));
	struct viewer v;
	struct err why = { 0 };
	char receipt[RECEIPT_BYTES];
	enum rc rc = public_on(p, err);
	if (rc != RC_OK)
		return rc;
	const struct statement_new q = { .what = f.what, .when = f.when, .where = f.where, .contact = f.contact,
					 .consent = f.consent, .language = language };
	if (statement_check(&q, NULL) != RC_OK) {
		show_form(p, &f, public_word(language, f.what.n == 0 ? "e_what" : "e_long"));
		p->ans->status = 400;
		return RC_OK;
	}
	if (!public_enter(p, true)) {
		show_form(p, &f, public_word(language, "often"));
		p->ans->status = 429;
		answer_header(p->ans, "Retry-After", STR("600"));
		return RC_OK;
	}
	rc = public_finder(p, &v, err);
	if (rc != RC_OK)
		return rc;
	rc = statement_make(n->records, n->store, page_types(p), &v, &q, receipt, &why);
	if (rc != RC_OK)
		return fail(err, rc, "%s", why.text);
	if (p->form == FORM_JSON) {
		p->template = "report";
		p->ans->status = 201;
		json_put_str(&p->j, "receipt", str_of(receipt));
		return RC_OK;
	}
	page_go(p, arena_fmt(p->a, "/report/%s?lang=" STR_FMT "&new=1", receipt, STR_ARG(language)));
	return RC_OK;
}

/* "/report/NUMBER", or "/report/status?number=…" of the form. */
enum rc page_receipt(struct page *p, struct err *err)
{
	bool asked = str_eq(p->item, STR("status"));
	str number = asked ? str_trim_all(http_query(p->q, "number")) : p->item;
	struct statement_status status;
	struct viewer v;
	struct err why = { 0 };
	enum rc rc = public_on(p, err);
	if (rc == RC_OK)
		rc = public_finder(p, &v, err);
	if (rc == RC_OK)
		rc = page_reader(p, err);
	if (rc != RC_OK)
		return rc;
	bool open = guard_open(p->w->receipts, &p->q->from);
	rc = open ? statement_find(p->r, page_types(p), &v, number, p->a, &status, &why) : RC_ABSENT;
	if (rc != RC_OK && rc != RC_ABSENT)
		return fail(err, rc, "%s", why.text);
	if (open && rc == RC_ABSENT)
		guard_wrong(p->w->receipts, &p->q->from);
	p->template = "receipt";
	str language = public_frame(p);
	p->title = arena_z(p->a, public_word(language, "receipt"));
	public_put_helplines(p, language);
	json_put_bool(&p->j, "found", rc == RC_OK);
	json_put_bool(&p->j, "often", !open);
	json_put_bool(&p->j, "new", rc == RC_OK && http_query(p->q, "new").n > 0);
	if (rc == RC_OK) {
		json_put_str(&p->j, "number", number);
		json_put_str(&p->j, "stage", str_of(statement_stage_name(status.stage)));
		json_put_str(&p->j, "words", public_word(language, statement_stage_name(status.stage)));
		json_put_time(&p->j, "received", status.received_us);
		json_put_time(&p->j, "changed", status.changed_us);
	}
	p->ans->status = !open ? 429 : rc == RC_OK ? 200 : 404;
	if (!open)
		answer_header(p->ans, "Retry-After", STR("600"));
	return RC_OK;
}
