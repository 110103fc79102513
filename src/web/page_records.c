/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of records: /TYPE, /records (what types there are), /search. */
#include "web/records.h"

static void put_type_members(struct page *p, const struct type *t)
{
	json_put_str(&p->j, "name", str_of(t->name));
	json_put_str(&p->j, "label", str_of(words_in(t->label, p->language)));
	json_put_str(&p->j, "plural", str_of(words_in(t->plural, p->language)));
	json_put_str(&p->j, "help", str_of(t->help ? words_in(t->help, p->language) : ""));
	json_put_str(&p->j, "list_href", arena_fmt(p->a, "/%s", t->name));
	if (authz_ever(&p->caller.viewer, ACTION_CREATE, t))
		json_put_str(&p->j, "new_href", arena_fmt(p->a, "/%s/new", t->name));
}

void put_type(struct page *p, const struct type *t)
{
	json_key(&p->j, STR("type"));
	json_open(&p->j, '{');
	put_type_members(p, t);
	json_close(&p->j, '}');
}

str record_href(struct page *p, const struct record_view *v, const char *behind)
{
	str id = record_view_id(v, p->a), rest = id;
	size_t at = str_find(id, STR("--"));
	return arena_fmt(p->a, "/" STR_FMT "/" STR_FMT "%s", STR_ARG(str_head(rest, at)), STR_ARG(id),
			 behind);
}

str id_href(struct page *p, str id)
{
	size_t at = str_find(id, STR("--"));
	str type = str_head(id, at), rest = str_from(id, at + 2);
	if (at == id.n)
		return STR_NONE;
	if (types_find(page_types(p), type))
		return arena_fmt(p->a, "/" STR_FMT "/" STR_FMT, STR_ARG(type), STR_ARG(id));
	if (str_eq(type, STR("finding")))
		return arena_fmt(p->a, "/findings/" STR_FMT, STR_ARG(rest));
	return str_eq(type, STR("event")) ? arena_fmt(p->a, "/events/" STR_FMT, STR_ARG(rest)) : STR_NONE;
}

void put_reference(struct page *p, const char *key, str id)
{
	struct record_view v = { 0 };
	str title = id, href = STR_NONE;
	if (page_reader(p, NULL) == RC_OK &&
	    read_record(p->r, page_types(p), &p->caller.viewer, id, p->a, &v, NULL) == RC_OK) {
		struct buf b = BUF_INIT(KIB(8));
		if (record_view_type(&v))
			record_view_text(&v, record_view_type(&v)->title, &b);
		title = b.n > 0 ? arena_str(p->a, buf_str(&b)) : id;
		href = id_href(p, id);
		buf_free(&b);
	}
	record_view_end(&v);
	json_key(&p->j, str_of(key));
	json_open(&p->j, '{');
	json_put_str(&p->j, "title", title);
	if (href.n > 0)
		json_put_str(&p->j, "href", href);
	json_close(&p->j, '}');
}

/* --- rows --- */

struct listing {
	struct page *p;
	struct record_query *q;
	const struct type *type;   /* NULL: of all types */
	struct buf cursor;         /* behind the last one seen */
	uint64_t seen;
	bool bulk;                 /* rows may be chosen */
};

static void put_cell(struct page *p, const struct record_view *v, const struct type_field *f)
{
	struct buf b = BUF_INIT(KIB(64));
	record_view_text(v, f, &b);
	str text = buf_str(&b);
	json_open(&p->j, '{');
	json_put_str(&p->j, "label", str_of(words_in(f->label, p->language)));
	if ((f->kind == KIND_REFERENCE || f->kind == KIND_PERSON) && !f->list && text.n > 0) {
		put_reference(p, "reference", text);
	} else {
		for (size_t i = 0; i < f->choice_count; i++)
			if (str_eq(text, str_of(f->choices[i].name)))
				text = str_of(words_in(f->choices[i].label, p->language));
		json_put_str(&p->j, f->kind == KIND_URL ? "defanged_url" : "plain", text);
	}
	json_close(&p->j, '}');
	buf_free(&b);
}

void put_members(struct page *p, const struct record_view *v)
{
	struct buf b = BUF_INIT(RECORD_BODY_MAX * 2);
	struct json_out j = json_out(&b);
	struct json_object *o = NULL;
	record_view_json(v, &j);
	if (json_read(buf_str(&b), &o, NULL) == RC_OK)
		json_put_members(&p->j, o, NULL);
	json_free(o);
	buf_free(&b);
}

/* The state as people of this language say it. */
static void put_state(struct page *p, const struct record_view *v)
{
	const struct type *t = record_view_type(v);
	int state = record_view_state(v);
	if (t && state >= 0)
		json_put_str(&p->j, "state_label", str_of(words_in(t->states[state].label, p->language)));
}

static void put_for_people(struct listing *l, const struct record_view *v)
{
	struct page *p = l->p;
	const struct type *t = record_view_type(v);
	json_put_str(&p->j, "href", record_href(p, v, ""));
	if (l->bulk)
		json_put_str(&p->j, "bulk_id", record_view_id(v, p->a));
	put_state(p, v);
	if (!l->type && t)
		json_put_str(&p->j, "type_label", str_of(words_in(t->label, p->language)));
	json_key(&p->j, STR("cells"));
	json_open(&p->j, '[');
	for (size_t i = 0; l->type && i < l->type->column_count; i++)
		if (l->type->columns[i] != l->type->title)
			put_cell(p, v, l->type->columns[i]);
	json_close(&p->j, ']');
}

void put_flat_row(struct page *p, const struct record_view *v, const struct type_field *const *fields,
		  size_t count)
{
	json_open(&p->j, '{');
	for (size_t i = 0; i < count; i++) {
		struct buf b = BUF_INIT(MIB(1));
		record_view_text(v, fields[i], &b);
		json_put_str(&p->j, fields[i]->name, buf_str(&b));
		buf_free(&b);
	}
	put_members(p, v);
	json_close(&p->j, '}');
}

static bool put_row(void *ctx, const struct record_view *v)
{
	struct listing *l = ctx;
	struct page *p = l->p;
	buf_reset(&l->cursor);
	record_view_cursor(l->q, v, &l->cursor);
	l->seen++;
	if (p->form == FORM_CSV) {
		/* to read is not yet to carry away */
		if (!record_view_may(v, ACTION_EXPORT, -1))
			return true;
		put_flat_row(p, v, l->type ? l->type->columns : NULL,
			     l->type ? l->type->column_count : 0);
	} else {
		json_open(&p->j, '{');
		put_members(p, v);
		if (p->form == FORM_HTML)
			put_for_people(l, v);
		json_close(&p->j, '}');
	}
	p->row_count++;
	return !p->doc.over;
}

static enum rc put_list(struct page *p, const struct type *t, struct record_query *q, bool bulk, struct err *err)
{
	struct listing l = { .p = p, .q = q, .type = t, .bulk = bulk, .cursor = BUF_INIT(KIB(4)) };
	uint64_t limit = page_limit(p, 50);
	enum rc rc = page_reader(p, err);
	if (rc != RC_OK)
		return rc;
	page_rows(p);
	rc = read_records(p->r, page_types(p), &p->caller.viewer, q, limit, p->a, put_row, &l, err);
	page_rows_end(p);
	if (rc == RC_OK && l.seen == limit)
		page_next(p, "after", arena_str(p->a, buf_str(&l.cursor)));
	buf_free(&l.cursor);
	return rc;
}

/* --- what is asked --- */

static enum rc ask_state(struct page *p, const struct type *t, struct record_query *q, struct err *err)
{
	str state = http_query(p->q, "state");
	if (state.n == 0)
		return RC_OK;
	int at = type_state(t, state);
	if (at < 0)
		return fail(err, RC_INPUT, "'" STR_FMT "' is no state of %s", STR_ARG(state), t->name);
	q->states = UINT64_C(1) << at;
	return RC_OK;
}

static enum rc ask_field(struct page *p, const struct type_field *f, struct record_query *q,
			 struct err *err)
{
	str text = http_query(p->q, f->name);
	struct buf b = BUF_INIT(KIB(64));
	struct json_out j = json_out(&b);
	struct json_object *o = NULL;
	struct type_field one = *f;
	if (text.n == 0)
		return RC_OK;
	if (q->filter_count == RECORD_FILTERS_MAX)
		return fail(err, RC_LIMIT, "at most %d filters at once", RECORD_FILTERS_MAX);
	one.list = false;
	struct record_filter *to = &q->filters[q->filter_count];
	*to = (struct record_filter){ .field = f };
	bool begins = f->kind == KIND_TEXT;
	enum rc rc = begins ? RC_OK : kind_parse(&one, text, p->language, &j, err);
	buf_char(&b, ']');
	str array = arena_fmt(p->a, "[" STR_FMT, STR_ARG(buf_str(&b)));
	if (begins) {
		struct buf quoted = BUF_INIT(KIB(64));
		struct json_out k = json_out(&quoted);
		json_str(&k, text);
		array = arena_fmt(p->a, "[" STR_FMT "]", STR_ARG(buf_str(&quoted)));
		buf_free(&quoted);
		to->compare = COMPARE_BEGINS;
	}
	if (rc == RC_OK)
		rc = json_read(array, &o, err);
	if (rc == RC_OK && kind_key(&one, json_at(o, 0), p->a, &to->key))
		q->filter_count++;
	json_free(o);
	buf_free(&b);
	return rc;
}

static enum rc ask_sort(struct page *p, const struct type *t, struct record_query *q, struct err *err)
{
	str sort = http_query(p->q, "sort");
	q->sort = t->sort;
	q->ascending = t->sort && !t->descending;
	if (sort.n == 0)
		return RC_OK;
	q->ascending = !str_starts(sort, STR("-"));
	sort = str_from(sort, !q->ascending);
	if (str_eq(sort, STR("changed"))) {
		q->sort = NULL;
		return RC_OK;
	}
	q->sort = type_find_field(t, sort);
	return q->sort && q->sort->indexed ?
		       RC_OK :
		       fail(err, RC_INPUT, "%s cannot be sorted by '" STR_FMT "'", t->name, STR_ARG(sort));
}

static enum rc ask(struct page *p, const struct type *t, struct record_query *q, struct err *err)
{
	enum rc rc = ask_state(p, t, q, err);
	for (size_t i = 0; i < t->filter_count && rc == RC_OK; i++)
		rc = ask_field(p, t->filters[i], q, err);
	if (rc == RC_OK)
		rc = ask_sort(p, t, q, err);
	q->text = http_query(p->q, "text");
	q->after = http_query(p->q, "after");
	q->overdue = http_query(p->q, "overdue").n > 0;
	q->due_by_us = clock_now_us();
	return rc;
}

/* The filters as they were asked, for the form above the list. */
static void put_filters(struct page *p, const struct type *t)
{
	str state = http_query(p->q, "state");
	json_put_str(&p->j, "text", http_query(p->q, "text").p ? http_query(p->q, "text") : STR(""));
	json_put_bool(&p->j, "overdue", http_query(p->q, "overdue").n > 0);
	json_key(&p->j, STR("states"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < t->state_count; i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "name", str_of(t->states[i].name));
		json_put_str(&p->j, "label", str_of(words_in(t->states[i].label, p->language)));
		json_put_bool(&p->j, "selected", str_eq(state, str_of(t->states[i].name)));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	json_key(&p->j, STR("filters"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < t->filter_count; i++) {
		const struct type_field *f = t->filters[i];
		str value = http_query(p->q, f->name);
		json_open(&p->j, '{');
		json_put_str(&p->j, "name", str_of(f->name));
		json_put_str(&p->j, "label", str_of(words_in(f->label, p->language)));
		json_put_str(&p->j, "value", value.p ? value : STR(""));
		json_put_bool(&p->j, "is_choice", f->choice_count > 0);
		json_key(&p->j, STR("options"));
		json_open(&p->j, '[');
		for (size_t c = 0; c < f->choice_count; c++) {
			json_open(&p->j, '{');
			json_put_str(&p->j, "name", str_of(f->choices[c].name));
			json_put_str(&p->j, "label", str_of(words_in(f->choices[c].label, p->language)));
			json_put_bool(&p->j, "selected", str_eq(value, str_of(f->choices[c].name)));
			json_close(&p->j, '}');
		}
		json_close(&p->j, ']');
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	json_key(&p->j, STR("columns"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < t->column_count; i++) {
		if (t->columns[i] == t->title)
			continue;
		json_open(&p->j, '{');
		json_put_str(&p->j, "label", str_of(words_in(t->columns[i]->label, p->language)));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

const char *const *flat_columns(struct page *p, const struct type_field *const *fields, size_t count)
{
	static const char *const first[] = { "id", "number", "version", "state", "created", "changed", "due" };
	const char **list = ARENA_ARRAY(p->a, COUNT_OF(first) + count + 1, const char *);
	size_t n = 0;
	for (size_t i = 0; i < COUNT_OF(first); i++)
		list[n++] = first[i];
	for (size_t i = 0; i < count; i++)
		list[n++] = fields[i]->name;
	return list;
}

/* What may be done with several at once; false: nothing. Each is asked again when it comes. */
static bool put_bulk(struct page *p, const struct type *t)
{
	const struct viewer *v = &p->caller.viewer;
	bool move = authz_ever(v, ACTION_MOVE, t), edit = authz_ever(v, ACTION_EDIT, t),
	     export = authz_ever(v, ACTION_EXPORT, t);
	if (!p->caller.by_session || (!move && !edit && !export))
		return false;
	put_markings(p, STR(""));
	json_key(&p->j, STR("bulk"));
	json_open(&p->j, '{');
	json_put_str(&p->j, "href", arena_fmt(p->a, "/%s/bulk", t->name));
	json_put_bool(&p->j, "may_move", move);
	json_put_bool(&p->j, "may_assign", edit && t->assignee);
	json_put_bool(&p->j, "may_edit", edit);
	json_put_bool(&p->j, "may_change", move || edit);
	json_put_bool(&p->j, "may_export", export);
	json_close(&p->j, '}');
	return true;
}

enum rc page_records(struct page *p, struct err *err)
{
	const struct type *t = p->type;
	struct record_query q = { .type = t, .with_body = true };
	if (!authz_ever(&p->caller.viewer, ACTION_READ, t))
		return fail(err, RC_ABSENT, "there is nothing here");
	if (p->form == FORM_CSV && !authz_ever(&p->caller.viewer, ACTION_EXPORT, t))
		return fail(err, RC_DENIED, "none of your roles may export these");
	enum rc rc = ask(p, t, &q, err);
	p->template = "records";
	p->title = arena_z(p->a, str_of(words_in(t->plural, p->language)));
	p->columns = flat_columns(p, t->columns, t->column_count);
	if (rc != RC_OK)
		return rc;
	put_type(p, t);
	if (p->form == FORM_HTML) {
		put_filters(p, t);
		put_parts(p, t, NULL);
	}
	put_question_words(p, t->name, t);
	return put_list(p, t, &q, p->form == FORM_HTML && put_bulk(p, t), err);
}

enum rc page_search(struct page *p, struct err *err)
{
	static const char *const columns[] = { "id", "type", "number", "version", "state", "title", "created",
					       "changed", "due", NULL };
	struct record_query q = { .text = http_query(p->q, "text"), .after = http_query(p->q, "after"),
				  .with_body = true };
	p->template = "search";
	p->title = "Search";
	p->columns = columns;
	json_put_str(&p->j, "text", q.text.p ? q.text : STR(""));
	json_put_bool(&p->j, "asked", q.text.n > 0);
	return q.text.n > 0 ? put_list(p, NULL, &q, false, err) : RC_OK;
}

/* Where the rules are, who hears by them, and what came back: pages that are no list of records. */
static void put_telling_links(struct page *p)
{
	const struct type *rule = types_meaning(page_types(p), STR("rule.pace")),
			  *takedown = types_meaning(page_types(p), STR("takedown.asked"));
	if (p->caller.viewer.as.kind != RECIPIENT_STAFF || !rule || !authz_ever(&p->caller.viewer, ACTION_READ, rule))
		return;
	json_key(&p->j, STR("telling_links"));
	json_open(&p->j, '{');
	json_put_str(&p->j, "rules_href", arena_fmt(p->a, "/%s", rule->name));
	if (takedown && authz_ever(&p->caller.viewer, ACTION_READ, takedown))
		json_put_str(&p->j, "takedown_href", STR("/takedown/board"));
	json_close(&p->j, '}');
}

enum rc page_types_list(struct page *p, struct err *err)
{
	const struct types *t = page_types(p);
	(void)err;
	static const char *const columns[] = { "name", "label", "plural", "help", "list_href", NULL };
	p->template = "types";
	p->columns = columns;
	p->title = "Records";
	page_rows(p);
	for (size_t i = 0; i < types_count(t); i++) {
		const struct type *one = types_at(t, i);
		if (!authz_ever(&p->caller.viewer, ACTION_READ, one))
			continue;
		json_open(&p->j, '{');
		put_type_members(p, one);
		json_close(&p->j, '}');
		p->row_count++;
	}
	page_rows_end(p);
	put_telling_links(p);
	return RC_OK;
}
