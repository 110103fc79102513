/* SPDX-License-Identifier: Apache-2.0 */
/* Many records of a list at once: moved, assigned, marked, or taken out as a table. All are changed or
 * none. A form tries first and says what would happen; a program may ask for that with dry_run. */
#include "web/records.h"

enum { BULK_MAX = 1000 };

struct one {
	str id;                    /* as it was sent */
	str title, whole;          /* of the record, when the caller sees it */
	uint64_t based_on;         /* labels are made from this version; 0: whatever stands */
	str labels;                /* STR_NONE: they stay */
	bool refused;
	str words;
};

struct bulk {
	struct page *p;
	struct one list[BULK_MAX];
	size_t count, done;
	bool over, trying;
	str to_state, why, assignee, tlp;
	str fields;                /* JSON; STR_NONE: none change */
};

/* --- what was asked --- */

static void note_id(void *ctx, str name, str value)
{
	struct bulk *b = ctx;
	if (!str_eq(name, STR("id")))
		return;
	b->over = b->count == BULK_MAX;
	if (!b->over)
		b->list[b->count++] = (struct one){ .id = value, .title = STR(""), .words = STR("") };
}

static enum rc take(struct bulk *b, struct json_object **o, struct err *err)
{
	static const char *const members[] = { "ids", "state", "why", "assignee", "tlp", "dry_run" };
	struct page *p = b->p;
	if (p->body.p) {
		enum rc rc = take_members(p, members, COUNT_OF(members), o, err);
		if (rc != RC_OK)
			return rc;
		struct json_object *ids = json_get(*o, "ids");
		for (size_t i = 0; i < json_count(ids); i++)
			note_id(b, STR("id"), json_text(json_at(ids, i)));
		if (!json_get_bool(*o, "dry_run", &b->trying))
			b->trying = false;
	} else {
		page_form_each(p, note_id, b);
		b->trying = str_eq(page_form(p, "step"), STR("try"));
	}
	b->to_state = member(p, *o, "state");
	b->why = member(p, *o, "why");
	b->assignee = member(p, *o, "assignee");
	b->tlp = member(p, *o, "tlp");
	if (b->over)
		return fail(err, RC_INPUT, "at most %d records at once", BULK_MAX);
	return b->count > 0 ? RC_OK : fail(err, RC_INPUT, "no record was chosen");
}

static enum rc take_assignee(struct bulk *b, struct err *err)
{
	struct page *p = b->p;
	const struct type_field *f = p->type->assignee;
	str id = STR("");
	if (b->assignee.n == 0)
		return RC_OK;
	if (!f)
		return fail(err, RC_INPUT, "records of type '%s' are assigned to nobody", p->type->name);
	bool nobody = str_eq(b->assignee, STR("-"));
	enum rc rc = nobody ? RC_OK : read_references(p->r, page_types(p), &p->caller.viewer, f, b->assignee,
						      p->language, p->a, &id, err);
	if (rc != RC_OK)
		return rc;
	struct buf out = BUF_INIT(KIB(4));
	struct json_out j = json_out(&out);
	json_open(&j, '{');
	if (nobody) {
		json_key(&j, str_of(f->name));
		json_raw(&j, STR("null"));
	} else {
		json_put_str(&j, f->name, id);
	}
	json_close(&j, '}');
	b->fields = arena_str(p->a, buf_str(&out));
	buf_free(&out);
	return RC_OK;
}

/* Its labels with another marking; whoever changes it meanwhile is not overwritten. */
static enum rc remark(struct bulk *b, struct one *k, const struct record_view *v)
{
	struct buf text = BUF_INIT(RECORD_BODY_MAX * 2), labels = BUF_INIT(KIB(256));
	struct json_out j = json_out(&text), out = json_out(&labels);
	struct json_object *o = NULL;
	record_view_json(v, &j);
	enum rc rc = json_read(buf_str(&text), &o, NULL);
	if (rc == RC_OK && !str_eq(json_get_str(json_get(o, "labels"), "tlp"), b->tlp)) {
		json_open(&out, '{');
		json_put_str(&out, "tlp", b->tlp);
		json_put_members(&out, json_get(o, "labels"), "tlp");
		json_close(&out, '}');
		k->labels = arena_str(b->p->a, buf_str(&labels));
		k->based_on = record_view_version(v);
	}
	json_free(o);
	buf_free(&text);
	buf_free(&labels);
	return rc;
}

/* What each is called, and its labels as they are to be. One that is not there is told by the job. */
static enum rc look_at_all(struct bulk *b, struct err *err)
{
	struct page *p = b->p;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < b->count; i++) {
		struct one *k = &b->list[i];
		struct record_view v = { 0 };
		struct err why = { 0 };
		struct buf title = BUF_INIT(KIB(8));
		rc = read_record(p->r, page_types(p), &p->caller.viewer, k->id, p->a, &v, &why);
		if (rc == RC_OK && record_view_type(&v) == p->type) {
			record_view_text(&v, p->type->title, &title);
			k->title = arena_str(p->a, buf_str(&title));
			k->whole = record_view_id(&v, p->a);
			rc = b->tlp.n > 0 ? remark(b, k, &v) : RC_OK;
		} else if (rc == RC_ABSENT) {
			rc = RC_OK;
		}
		if (rc != RC_OK)
			(void)fail(err, rc, "%s", why.text);
		record_view_end(&v);
		buf_free(&title);
	}
	return rc;
}

/* --- doing it --- */

static enum rc change_one(struct tx *tx, struct bulk *b, struct one *k, struct err *err)
{
	struct page *p = b->p;
	struct change_request q = { .id = k->id, .to_state = b->to_state, .why = b->why, .fields = b->fields,
				    .labels = k->labels, .based_on = k->based_on, .language = p->language };
	struct record_view out = { 0 };
	struct change_errors errors = { 0 };
	if (!k->whole.p)
		return fail(err, RC_ABSENT, "there is no such record");
	enum rc rc = change_record_tx(tx, p->w->n->records, &p->caller.viewer, &q, p->a, &out, &errors, err);
	if (rc == RC_INPUT && errors.count > 0)
		(void)fail(err, rc, "%s", errors.list[0].text);
	record_view_end(&out);
	return rc;
}

/* All or nothing: the first that cannot be changed is named, and none is. */
static enum rc change_all(struct tx *tx, void *ctx, struct err *err)
{
	struct bulk *b = ctx;
	for (b->done = 0; b->done < b->count; b->done++) {
		struct one *k = &b->list[b->done];
		struct err why = { 0 };
		enum rc rc = change_one(tx, b, k, &why);
		if (rc != RC_OK)
			return fail(err, rc, "nothing was changed: " STR_FMT ": %s", STR_ARG(k->id), why.text);
	}
	return RC_OK;
}

static const char tried[] = "tried";

/* Always "fails", so that nothing of it stays. */
static enum rc try_all(struct tx *tx, void *ctx, struct err *err)
{
	struct bulk *b = ctx;
	for (size_t i = 0; i < b->count; i++) {
		struct one *k = &b->list[i];
		struct err why = { 0 };
		enum rc rc = change_one(tx, b, k, &why);
		if (rc == RC_IO || rc == RC_BUSY) /* the machine, not the record */
			return fail(err, rc, "%s", why.text);
		k->refused = rc != RC_OK;
		k->words = k->refused ? arena_str(b->p->a, str_of(why.text)) : STR("");
		b->done += !k->refused;
	}
	return fail(err, RC_BUSY, "%s", tried);
}

static enum rc run(struct bulk *b, struct err *err)
{
	struct page *p = b->p;
	struct err why = { 0 };
	if (b->to_state.n == 0 && !b->fields.p && b->tlp.n == 0)
		return fail(err, RC_INPUT, "no change was chosen");
	enum rc rc = look_at_all(b, err);
	if (rc != RC_OK)
		return rc;
	rc = store_write(p->w->n->store, b->trying ? try_all : change_all, b, &why);
	if (b->trying && rc == RC_BUSY && str_eq(str_of(why.text), str_of(tried)))
		return RC_OK;
	if (rc == RC_DENIED)
		change_refused(p->w->n->records, p->w->n->store, &p->caller.viewer, b->list[b->done].id,
			       str_of(why.text));
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}

/* --- the answer --- */

static void put_outcome(struct page *p, const struct one *k)
{
	json_open(&p->j, '{');
	json_put_str(&p->j, "id", k->id);
	if (k->whole.p) {
		json_put_str(&p->j, "title", k->title);
		if (p->form == FORM_HTML)
			json_put_str(&p->j, "href", arena_fmt(p->a, "/%s/" STR_FMT, p->type->name, STR_ARG(k->whole)));
	}
	json_put_bool(&p->j, "refused", k->refused);
	json_put_str(&p->j, "words", k->words);
	json_close(&p->j, '}');
}

static const char *state_label(const struct page *p, str name)
{
	int at = type_state(p->type, name);
	return at >= 0 ? words_in(p->type->states[at].label, p->language) : "";
}

static void put_trial(struct bulk *b)
{
	struct page *p = b->p;
	p->template = "records_bulk";
	p->title = arena_z(p->a, str_of(words_in(p->type->plural, p->language)));
	put_type(p, p->type);
	json_put_i64(&p->j, "would_change", (int64_t)b->done);
	json_put_i64(&p->j, "refused", (int64_t)(b->count - b->done));
	if (p->form == FORM_HTML) {
		json_put_str(&p->j, "action", p->path);
		json_put_bool(&p->j, "all", b->done == b->count);
		json_put_str(&p->j, "state", b->to_state.n ? b->to_state : STR(""));
		json_put_str(&p->j, "state_label", str_of(state_label(p, b->to_state)));
		json_put_str(&p->j, "assignee", b->assignee.n ? b->assignee : STR(""));
		json_put_str(&p->j, "tlp", b->tlp.n ? b->tlp : STR(""));
		json_put_str(&p->j, "why", b->why.n ? b->why : STR(""));
	}
	page_rows(p);
	for (size_t i = 0; i < b->count; i++)
		put_outcome(p, &b->list[i]);
	page_rows_end(p);
}

/* Those chosen, as the list's own table. */
static enum rc put_export(struct bulk *b, struct err *err)
{
	struct page *p = b->p;
	const struct type *t = p->type;
	if (!authz_ever(&p->caller.viewer, ACTION_EXPORT, t))
		return fail(err, RC_DENIED, "none of your roles may export these");
	p->form = FORM_CSV;
	p->template = "records";
	p->path = arena_fmt(p->a, "/%s", t->name);
	p->columns = flat_columns(p, t->columns, t->column_count);
	page_rows(p);
	for (size_t i = 0; i < b->count; i++) {
		struct record_view v = { 0 };
		enum rc rc = read_record(p->r, page_types(p), &p->caller.viewer, b->list[i].id, p->a, &v, err);
		if (rc == RC_OK && record_view_type(&v) != t)
			rc = fail(err, RC_ABSENT, "there is no such record");
		if (rc == RC_OK && !record_view_may(&v, ACTION_EXPORT, -1))
			rc = fail(err, RC_DENIED, "none of your roles may export '" STR_FMT "'", STR_ARG(b->list[i].id));
		if (rc == RC_OK)
			put_flat_row(p, &v, t->columns, t->column_count);
		record_view_end(&v);
		if (rc != RC_OK)
			return rc;
		p->row_count++;
	}
	page_rows_end(p);
	return RC_OK;
}

enum rc page_records_bulk(struct page *p, struct err *err)
{
	struct bulk *b = ARENA_NEW(p->a, struct bulk);
	struct json_object *o = NULL;
	*b = (struct bulk){ .p = p, .fields = STR_NONE };
	enum rc rc = take(b, &o, err);
	if (rc == RC_OK)
		rc = page_reader(p, err);
	bool program = o != NULL, export = !program && str_eq(page_form(p, "step"), STR("export"));
	if (rc == RC_OK && export) {
		rc = put_export(b, err);
	} else if (rc == RC_OK) {
		if (program)
			p->form = FORM_JSON;
		rc = take_assignee(b, err);
		if (rc == RC_OK)
			rc = run(b, err);
		if (rc == RC_OK && b->trying) {
			put_trial(b);
		} else if (rc == RC_OK && program) {
			p->template = "record";
			json_put_i64(&p->j, "changed", (int64_t)b->done);
		} else if (rc == RC_OK) {
			page_go(p, arena_fmt(p->a, "/%s", p->type->name));
		}
	}
	json_free(o);
	return rc;
}
