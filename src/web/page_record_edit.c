/* SPDX-License-Identifier: Apache-2.0 */
/* Changing records: forms of browsers and JSON of programs come to the same call. */
#include "web/records.h"

#include <json-c/json.h>

/* What a POST asks for; the texts live in p->a. */
struct asked {
	struct change_request q;
	struct change_errors errors;
	struct json_object *o;     /* a program's body */
};

static bool is_json(const struct page *p)
{
	return p->body.p != NULL;
}

/* What has another kind is refused, not read as nothing: "labels":"RED" must not end as AMBER. */
static enum rc kinds_are(struct json_object *o, struct err *err)
{
	static const struct {
		const char *name;
		enum json_type type;
		const char *must;
	} kinds[] = {
		{ "fields", json_type_object, "an object" }, { "labels", json_type_object, "an object" },
		{ "state", json_type_string, "a text" }, { "why", json_type_string, "a text" },
		{ "kind", json_type_string, "a text" }, { "to", json_type_string, "a text" },
		{ "ids", json_type_array, "a list" }, { "assignee", json_type_string, "a text" },
		{ "tlp", json_type_string, "a text" }, { "dry_run", json_type_boolean, "true or false" },
		{ "held", json_type_boolean, "true or false" },
	};
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct json_object *one = json_get(o, kinds[i].name);
		if (one && !json_object_is_type(one, kinds[i].type))
			return fail(err, RC_INPUT, "'%s' must be %s", kinds[i].name, kinds[i].must);
	}
	return RC_OK;
}

enum rc take_members(struct page *p, const char *const *known, size_t n, struct json_object **out,
		     struct err *err)
{
	enum rc rc = json_read(p->body, out, err);
	if (rc == RC_OK)
		rc = json_only(*out, known, n, err);
	return rc == RC_OK ? kinds_are(*out, err) : rc;
}

/* {"fields":{…},"state":…,"labels":{…},"why":…,"based_on":N} */
static enum rc take_json(struct page *p, struct asked *k, struct err *err)
{
	static const char *const known[] = { "fields", "state", "labels", "why", "based_on" };
	int64_t based_on = 0;
	enum rc rc = take_members(p, known, COUNT_OF(known), &k->o, err);
	if (rc != RC_OK)
		return rc;
	struct buf rest = BUF_INIT(BODY_JSON_MAX * 2);
	struct json_out j = json_out(&rest);
	json_open(&j, '{');
	json_put_members(&j, json_get(k->o, "fields"), NULL);
	json_close(&j, '}');
	k->q.fields = json_get(k->o, "fields") ? arena_str(p->a, buf_str(&rest)) : STR_NONE;
	buf_reset(&rest);
	j = json_out(&rest);
	json_open(&j, '{');
	json_put_members(&j, json_get(k->o, "labels"), NULL);
	json_close(&j, '}');
	k->q.labels = json_get(k->o, "labels") ? arena_str(p->a, buf_str(&rest)) : STR_NONE;
	buf_free(&rest);
	k->q.to_state = json_get_str(k->o, "state");
	k->q.why = json_get_str(k->o, "why");
	if (json_get(k->o, "based_on") && (!json_get_i64(k->o, "based_on", &based_on) || based_on < 1))
		return fail(err, RC_INPUT, "'based_on' is no number of a version");
	k->q.based_on = (uint64_t)based_on;
	return RC_OK;
}

static enum rc take(struct page *p, const struct record_view *v, struct asked *k, struct err *err)
{
	k->q.language = p->language;
	if (is_json(p))
		return take_json(p, k, err);
	str based_on = page_form(p, "based_on");
	if (based_on.n > 0 && !str_to_u64(based_on, &k->q.based_on))
		return fail(err, RC_INPUT, "'based_on' is no number of a version");
	k->q.why = page_form(p, "why");
	k->q.to_state = page_form(p, "state");
	if (page_form(p, "move").p) /* a button of the record's page: no fields came with it */
		return RC_OK;
	return take_form(p, p->type, v, &k->q.fields, &k->q.labels, &k->errors, err);
}

static void put_errors(struct page *p, const struct change_errors *errors)
{
	json_key(&p->j, STR("errors"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < errors->count; i++) {
		const struct body_error *e = &errors->list[i];
		json_open(&p->j, '{');
		json_put_str(&p->j, "field", str_of(e->field ? e->field->name : ""));
		json_put_i64(&p->j, "row", e->row);
		json_put_str(&p->j, "words", str_of(e->text));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

/* What is told by its field is the sender's to mend. */
static int status_of(enum rc rc, const struct asked *k)
{
	return k->errors.count > 0 && rc == RC_LIMIT ? 400 : rc_http_status(rc);
}

/* What was wrong, to a program: all of it at once. */
static void answer_program(struct page *p, enum rc rc, const struct asked *k,
			   const struct record_view *stands, const struct err *err)
{
	p->ans->status = status_of(rc, k);
	p->template = "error";
	p->form = FORM_JSON;
	json_key(&p->j, STR("error"));
	json_open(&p->j, '{');
	json_put_str(&p->j, "kind", str_of(rc_name(rc)));
	json_put_str(&p->j, "words", str_of(err->text));
	put_errors(p, &k->errors);
	if (stands->record) {
		json_key(&p->j, STR("stands"));
		record_view_json(stands, &p->j);
	}
	json_close(&p->j, '}');
}

/* The form again, with what was typed, what is wrong, and, when somebody else was quicker, both. */
static void form_again(struct page *p, enum rc rc, const struct record_view *v, const struct asked *k,
		       const struct record_view *stands, const struct err *err)
{
	p->ans->status = status_of(rc, k);
	p->template = "record_form";
	p->title = arena_fmt(p->a, "%s: %s", words_in(p->type->label, p->language),
			     v ? "edit" : "new").p;
	put_type(p, p->type);
	json_put_str(&p->j, "action", p->path);
	json_put_str(&p->j, "words", str_of(err->text));
	json_put_bool(&p->j, "conflict", rc == RC_CONFLICT);
	json_put_i64(&p->j, "based_on", (int64_t)(stands->record ? record_view_version(stands) :
						  v ? record_view_version(v) : 0));
	if (stands->record)
		put_fields(p, stands);
	put_form(p, p->type, v, &k->errors);
}

static enum rc answer(struct page *p, enum rc rc, const struct record_view *v, const struct asked *k,
		      const struct record_view *out, struct err *err)
{
	if (rc == RC_OK && !is_json(p)) {
		page_go(p, record_href(p, out, ""));
		return RC_OK;
	}
	if (rc == RC_OK) {
		p->form = FORM_JSON;
		p->template = "record";
		p->ans->status = v ? 200 : 201;
		answer_header(p->ans, "Location", record_href(p, out, ""));
		json_key(&p->j, STR("record"));
		record_view_json(out, &p->j);
		return RC_OK;
	}
	if (rc != RC_INPUT && rc != RC_LIMIT && rc != RC_CONFLICT)
		return rc;
	if (is_json(p))
		answer_program(p, rc, k, out, err);
	else
		form_again(p, rc, v, k, out, err);
	return RC_OK;
}

enum rc page_record_create(struct page *p, struct err *err)
{
	struct asked k = { .q = { .type = str_of(p->type->name) } };
	struct record_view out = { 0 };
	enum rc rc = take(p, NULL, &k, err);
	if (rc == RC_OK)
		rc = change_record(p->w->n->records, p->w->n->store, &p->caller.viewer, &k.q, p->a, &out,
				   &k.errors, err);
	rc = answer(p, rc, NULL, &k, &out, err);
	record_view_end(&out);
	json_free(k.o);
	return rc;
}

enum rc page_record_change(struct page *p, struct err *err)
{
	struct asked k = { 0 };
	struct record_view v = { 0 }, out = { 0 };
	enum rc rc = load_record(p, &v, err);
	if (rc == RC_OK) {
		k.q.id = record_view_id(&v, p->a);
		rc = take(p, &v, &k, err);
		if (rc == RC_OK)
			rc = change_record(p->w->n->records, p->w->n->store, &p->caller.viewer, &k.q, p->a,
					   &out, &k.errors, err);
		rc = answer(p, rc, &v, &k, &out, err);
	}
	record_view_end(&out);
	record_view_end(&v);
	json_free(k.o);
	return rc;
}

enum rc page_record_new(struct page *p, struct err *err)
{
	if (!authz_ever(&p->caller.viewer, ACTION_CREATE, p->type))
		return fail(err, RC_ABSENT, "there is nothing here");
	p->template = "record_form";
	p->title = arena_fmt(p->a, "New: %s", words_in(p->type->label, p->language)).p;
	put_type(p, p->type);
	json_put_str(&p->j, "action", arena_fmt(p->a, "/%s", p->type->name));
	json_put_i64(&p->j, "based_on", 0);
	put_form(p, p->type, NULL, NULL);
	return RC_OK;
}

enum rc page_record_edit(struct page *p, struct err *err)
{
	struct record_view v = { 0 };
	enum rc rc = load_record(p, &v, err);
	if (rc == RC_OK && !record_view_may(&v, ACTION_EDIT, -1))
		rc = fail(err, RC_DENIED, "none of your roles may edit this");
	if (rc == RC_OK) {
		p->template = "record_form";
		p->title = arena_fmt(p->a, "Edit: %s", words_in(p->type->label, p->language)).p;
		put_type(p, p->type);
		json_put_str(&p->j, "action", record_href(p, &v, ""));
		json_put_i64(&p->j, "based_on", (int64_t)record_view_version(&v));
		put_form(p, p->type, &v, NULL);
	}
	record_view_end(&v);
	return rc;
}

/* --- links --- */

str member(const struct page *p, struct json_object *o, const char *name)
{
	str text = o ? json_get_str(o, name) : page_form(p, name);
	return text.p ? str_trim_all(text) : text;
}

static enum rc link_or_unlink(struct page *p, bool link, struct err *err)
{
	static const char *const link_members[] = { "to", "kind", "why", "link" };
	struct record_view v = { 0 };
	struct json_object *o = NULL;
	int64_t id = 0;
	enum rc rc = load_record(p, &v, err);
	if (rc == RC_OK && is_json(p))
		rc = take_members(p, link_members, COUNT_OF(link_members), &o, err);
	str from = rc == RC_OK ? record_view_id(&v, p->a) : STR_NONE, why = member(p, o, "why");
	if (rc == RC_OK && link)
		rc = change_link(p->w->n->records, p->w->n->store, &p->caller.viewer, from,
				 member(p, o, "kind").n > 0 ? member(p, o, "kind") : STR("related"),
				 member(p, o, "to"), why, &id, err);
	else if (rc == RC_OK && !str_to_i64(member(p, o, "link"), &id) &&
		 !(o && json_get_i64(o, "link", &id)))
		rc = fail(err, RC_INPUT, "'link' is no number of a link");
	else if (rc == RC_OK)
		rc = change_unlink(p->w->n->records, p->w->n->store, &p->caller.viewer, from, id, why, err);
	if (rc == RC_OK && is_json(p)) {
		p->form = FORM_JSON;
		p->template = "record";
		json_put_i64(&p->j, "link", id);
	} else if (rc == RC_OK) {
		page_go(p, record_href(p, &v, ""));
	}
	record_view_end(&v);
	json_free(o);
	return rc;
}

enum rc page_record_link(struct page *p, struct err *err)
{
	return link_or_unlink(p, true, err);
}

enum rc page_record_unlink(struct page *p, struct err *err)
{
	return link_or_unlink(p, false, err);
}
