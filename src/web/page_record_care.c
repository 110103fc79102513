/* SPDX-License-Identifier: Apache-2.0 */
/* A record kept from being erased, and one that is erased. */
#include "web/records.h"

/* Its labels with "held" as asked; in p->a. */
static enum rc labels_held(struct page *p, const struct record_view *v, bool held, str *out)
{
	struct buf text = BUF_INIT(RECORD_BODY_MAX * 2), labels = BUF_INIT(KIB(256));
	struct json_out j = json_out(&text), l = json_out(&labels);
	struct json_object *o = NULL;
	record_view_json(v, &j);
	enum rc rc = json_read(buf_str(&text), &o, NULL);
	json_open(&l, '{');
	json_put_members(&l, json_get(o, "labels"), "held");
	if (held)
		json_put_bool(&l, "held", true);
	json_close(&l, '}');
	*out = arena_str(p->a, buf_str(&labels));
	json_free(o);
	buf_free(&text);
	buf_free(&labels);
	return rc;
}

static enum rc take(struct page *p, const char *const *known, size_t n, struct json_object **o, struct err *err)
{
	return p->body.p ? take_members(p, known, n, o, err) : RC_OK;
}

/* {"held":true,"why":…}: while it is held nobody erases it, and it goes to nobody outside. */
enum rc page_record_hold(struct page *p, struct err *err)
{
	static const char *const known[] = { "held", "why" };
	struct record_view v = { 0 }, out = { 0 };
	struct change_errors errors = { 0 };
	struct json_object *o = NULL;
	bool held = str_eq(page_form(p, "held"), STR("yes"));
	enum rc rc = load_record(p, &v, err);
	if (rc == RC_OK)
		rc = take(p, known, COUNT_OF(known), &o, err);
	if (rc == RC_OK && o && !json_get_bool(o, "held", &held))
		rc = fail(err, RC_INPUT, "'held' must be true or false");
	struct change_request q = { .language = p->language, .why = member(p, o, "why") };
	if (rc == RC_OK) {
		q.id = record_view_id(&v, p->a);
		q.based_on = record_view_version(&v);
		rc = labels_held(p, &v, held, &q.labels);
	}
	if (rc == RC_OK)
		rc = change_record(p->w->n->records, p->w->n->store, &p->caller.viewer, &q, p->a, &out, &errors, err);
	if (rc == RC_OK && o) {
		p->form = FORM_JSON;
		p->template = "record";
		json_put_bool(&p->j, "held", held);
	} else if (rc == RC_OK) {
		page_go(p, record_href(p, &v, ""));
	}
	record_view_end(&out);
	record_view_end(&v);
	json_free(o);
	return rc;
}

/* {"why":…}. What a second person must approve first waits: 202, with words. */
enum rc page_record_erase(struct page *p, struct err *err)
{
	static const char *const known[] = { "why" };
	struct record_view v = { 0 };
	struct json_object *o = NULL;
	enum rc rc = load_record(p, &v, err);
	if (rc == RC_OK)
		rc = take(p, known, COUNT_OF(known), &o, err);
	str why = rc == RC_OK ? member(p, o, "why") : STR("");
	if (rc == RC_OK && !o && !str_eq(page_form(p, "sure"), STR("yes")))
		rc = fail(err, RC_INPUT, "say that you are sure: what is erased does not come back");
	str id = rc == RC_OK ? record_view_id(&v, p->a) : STR("");
	record_view_end(&v);
	if (rc == RC_OK)
		rc = change_erase(p->w->n->records, p->w->n->store, &p->caller.viewer, id, why.p ? why : STR(""), err);
	bool waits = rc == RC_BUSY, program = o != NULL;
	json_free(o);
	if (rc != RC_OK && !waits)
		return rc;
	if (!program && !waits) {
		page_go(p, arena_fmt(p->a, "/%s", p->type->name));
		return RC_OK;
	}
	if (program)
		p->form = FORM_JSON;
	p->title = "It waits";
	p->template = "waits";
	p->ans->status = waits ? 202 : 200;
	json_put_bool(&p->j, "erased", !waits);
	json_put_str(&p->j, "words", waits ? arena_str(p->a, str_of(err->text)) : STR(""));
	return RC_OK;
}
