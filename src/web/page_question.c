/* SPDX-License-Identifier: Apache-2.0 */
/* Saved questions: a list kept with its filter, asked again, and the same done to what it finds. */
#include "disclosure/question.h"
#include "incident/act.h"
#include "incident/from.h"
#include "web/records.h"

/* --- saving one --- */

struct saving {
	const struct type *type;   /* of a list of records; NULL: of findings or events */
	struct buf words;
};

/* Of the address: a list of records takes a text for the beginning of one. */
static void add_query(void *ctx, str name, str value)
{
	static const str not_asked[] = { STR_INIT("after"), STR_INIT("before"), STR_INIT("limit"), STR_INIT("sort") };
	struct saving *s = ctx;
	const struct type_field *f = s->type ? type_find_field(s->type, name) : NULL;
	char with[TYPE_NAME_MAX + 2];

	for (size_t i = 0; i < COUNT_OF(not_asked); i++)
		if (str_eq(name, not_asked[i]))
			return;
	if (value.n == 0 || name.n > TYPE_NAME_MAX)
		return;
	memcpy(with, name.p, name.n);
	with[name.n] = '^';
	question_add_word(&s->words, str_mem(with, name.n + (f && f->kind == KIND_TEXT)), value);
}

void put_question_words(struct page *p, const char *over, const struct type *t)
{
	struct saving s = { .type = t, .words = BUF_INIT(KIB(8)) };
	const struct types *types = page_types(p);
	bool may = false;

	for (size_t i = 0; i < types_count(types) && p->form == FORM_HTML; i++) {
		const struct type *one = types_at(types, i);
		const struct meaning *over_field = type_meaning(one, STR("question.over"));
		const struct meaning *words_field = type_meaning(one, STR("question.words"));
		if (!over_field || !words_field || may || !authz_ever(&p->caller.viewer, ACTION_CREATE, one))
			continue;
		may = true;
		http_query_each(p->q, add_query, &s);
		json_key(&p->j, STR("question"));
		json_open(&p->j, '{');
		json_put_str(&p->j, "href", arena_fmt(p->a, "/%s", one->name));
		json_put_str(&p->j, "title_field", arena_fmt(p->a, "f.%s", one->title->name));
		json_put_str(&p->j, "over_field", arena_fmt(p->a, "f.%s", over_field->field->name));
		json_put_str(&p->j, "words_field", arena_fmt(p->a, "f.%s", words_field->field->name));
		json_put_str(&p->j, "over", str_of(over));
		json_put_str(&p->j, "asked_words", buf_str(&s.words));
		json_put_str(&p->j, "save", str_of(say(p->language, "Save this question", "Simpan pertanyaan ini")));
		json_put_str(&p->j, "name", str_of(say(p->language, "Name", "Nama")));
		json_close(&p->j, '}');
	}
	buf_free(&s.words);
}

/* --- asking it --- */

static enum rc load_question(struct page *p, struct record_view *v, struct question *q, struct err *err)
{
	enum rc rc = load_record(p, v, err);

	if (rc == RC_OK && !type_meaning(p->type, STR("question.over")))
		rc = fail(err, RC_ABSENT, "there is nothing here");
	return rc == RC_OK ? question_of_view(p->r, page_types(p), v, p->language, p->a, q, err) : rc;
}

static bool put_item(void *ctx, const struct question_item *i)
{
	struct page *p = ctx;
	const struct type *t = i->record ? record_view_type(i->record) : NULL;
	int state = t ? type_state(t, i->state) : -1;
	str href = id_href(p, i->id);

	/* a table that leaves: of records only what may be taken out */
	if (p->form == FORM_CSV && i->record && !record_view_may(i->record, ACTION_EXPORT, -1))
		return true;
	json_open(&p->j, '{');
	json_put_str(&p->j, "id", i->id);
	json_put_str(&p->j, "title", i->title.n > 0 ? i->title : i->id);
	json_put_str(&p->j, "state", i->state);
	json_put_str(&p->j, "state_label", state >= 0 ? str_of(words_in(t->states[state].label, p->language)) : i->state);
	json_put_time(&p->j, "at", i->at_us);
	if (href.n > 0)
		json_put_str(&p->j, "href", href);
	json_close(&p->j, '}');
	p->row_count++;
	return !p->doc.over;
}

static void put_states(struct page *p, const struct type *t)
{
	json_key(&p->j, STR("states"));
	json_open(&p->j, '[');
	for (size_t i = 0; t && i < t->state_count; i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "name", str_of(t->states[i].name));
		json_put_str(&p->j, "label", str_of(words_in(t->states[i].label, p->language)));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

enum rc page_question(struct page *p, struct err *err)
{
	static const char *const columns[] = { "id", "title", "state", "at", NULL };
	struct record_view v = { 0 };
	struct question q;
	str done = http_query(p->q, "done");
	bool more = false;

	p->template = "question";
	p->columns = columns;
	enum rc rc = load_question(p, &v, &q, err);
	if (rc == RC_OK && p->form == FORM_CSV && q.type && !authz_ever(&p->caller.viewer, ACTION_EXPORT, q.type))
		rc = fail(err, RC_DENIED, "none of your roles may export these");
	if (rc == RC_OK) {
		p->title = record_title(p, &v);
		put_words(p);
		json_put_bool(&p->j, "keys", p->form == FORM_HTML);
		json_put_str(&p->j, "record_href", record_href(p, &v, ""));
		json_put_str(&p->j, "ask_href", record_href(p, &v, "/ask"));
		json_put_str(&p->j, "over", q.over);
		json_put_str(&p->j, "asked_words", q.words);
		json_put_bool(&p->j, "of_findings", q.of == QUESTION_FINDINGS);
		json_put_bool(&p->j, "of_records", q.of == QUESTION_RECORDS);
		put_states(p, q.type);
		if (done.n > 0)
			json_put_str(&p->j, "done", str_head(done, 20));
		json_put_bool(&p->j, "tried", http_query(p->q, "tried").n > 0);
		page_rows(p);
		rc = question_ask(p->r, page_types(p), &p->caller.viewer, &q, (size_t)page_limit(p, 100), p->a, put_item, p,
				  &more, err);
		page_rows_end(p);
		json_put_bool(&p->j, "more", more);
	}
	record_view_end(&v);
	return rc;
}

/* --- the same done to what it finds --- */

static bool note_item(void *ctx, const struct question_item *i)
{
	chosen_add(ctx, i->id);
	return true;
}

static bool flag(struct page *p, struct json_object *o, const char *name)
{
	bool set = false;

	return o ? json_get_bool(o, name, &set) && set : page_form(p, name).p != NULL;
}

struct doing {
	struct page *p;
	struct json_object *o;
	struct question *q;
	struct chosen *c;
	bool dry_run;
	size_t done;
	str made;
};

static enum rc on_findings(struct doing *k, str act, struct err *err)
{
	struct node *n = k->p->w->n;
	struct change_errors errors = { .count = 0 };

	if (!str_eq(act, STR("incident"))) {
		for (size_t i = 0; i < k->c->count; i++)
			k->c->ids[i] = str_from(k->c->ids[i], STR("finding--").n);
		return findings_act(n->records, n->store, &k->p->caller.viewer, k->c->ids, k->c->count, act,
				    member(k->p, k->o, "why"), k->dry_run, &k->done, err);
	}
	const struct from_request from = { .sources = k->c->ids, .source_count = k->c->count,
					   .why = member(k->p, k->o, "why"), .language = k->p->language };
	k->done = k->c->count;
	return k->dry_run ? RC_OK : case_from(n->records, n->store, page_types(k->p), page_directory(k->p),
					      &k->p->caller.viewer, &from, k->p->a, &k->made, &errors, err);
}

static enum rc on_records(struct doing *k, str act, struct err *err)
{
	struct page *p = k->p;
	str target = member(p, k->o, "target");
	struct case_act q = { .ids = k->c->ids, .count = k->c->count, .why = member(p, k->o, "why"),
			      .language = p->language, .dry_run = k->dry_run };
	enum rc rc = RC_OK;

	if (str_eq(act, STR("move"))) {
		q.to_state = member(p, k->o, "state");
		rc = q.to_state.n > 0 ? RC_OK : fail(err, RC_INPUT, "no state was chosen");
	} else if (str_eq(act, STR("assign")) && k->q->type->assignee) {
		rc = read_references(p->r, page_types(p), &p->caller.viewer, k->q->type->assignee, target, p->language, p->a,
				     &q.person, err);
		q.person = str_trim_all(q.person);
	} else if (str_eq(act, STR("link"))) {
		q.link_kind = member(p, k->o, "kind").n > 0 ? member(p, k->o, "kind") : STR("related");
		q.link_to = target;
	} else {
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is nothing that is done here", STR_ARG(str_head(act, 40)));
	}
	return rc == RC_OK ? case_act(p->w->n->records, p->w->n->store, &p->caller.viewer, &q, &k->done, err) : rc;
}

enum rc page_question_act(struct page *p, struct err *err)
{
	struct record_view v = { 0 };
	struct question q;
	bool more = false;
	struct doing k = { .p = p, .q = &q, .c = ARENA_NEW(p->a, struct chosen) };

	enum rc rc = load_question(p, &v, &q, err);
	if (rc == RC_OK && p->body.p)
		rc = json_read(p->body, &k.o, err);
	if (rc == RC_OK) {
		k.dry_run = flag(p, k.o, "dry_run");
		take_chosen(p, k.o, "id", "ids", k.c);
		if (flag(p, k.o, "all") && k.c->count == 0)
			rc = question_ask(p->r, page_types(p), &p->caller.viewer, &q, ACT_MOST, p->a, note_item, k.c, &more, err);
		if (rc == RC_OK && more)
			rc = fail(err, RC_LIMIT, "it finds more than %d: ask for less at once", ACT_MOST);
	}
	if (rc == RC_OK && q.of == QUESTION_EVENTS)
		rc = fail(err, RC_INPUT, "nothing is done to events");
	if (rc == RC_OK)
		rc = q.of == QUESTION_FINDINGS ? on_findings(&k, member(p, k.o, "act"), err) :
						 on_records(&k, member(p, k.o, "act"), err);
	if (rc == RC_OK && k.o) {
		p->form = FORM_JSON;
		p->template = "record";
		json_put_i64(&p->j, "changed", (int64_t)k.done);
		json_put_bool(&p->j, "dry_run", k.dry_run);
		json_put_str(&p->j, "id", k.made);
	} else if (rc == RC_OK) {
		page_go(p, k.made.n > 0 ? id_href(p, k.made) :
					  arena_fmt(p->a, STR_FMT "?done=%zu%s", STR_ARG(record_href(p, &v, "/ask")), k.done,
						    k.dry_run ? "&tried=yes" : ""));
	}
	record_view_end(&v);
	json_free(k.o);
	return rc;
}
