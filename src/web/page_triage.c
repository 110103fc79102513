/* SPDX-License-Identifier: Apache-2.0 */
/* What waits to be looked at: reports of people and of feeds, whom each may concern, and the same done to many. */
#include <json-c/json.h>

#include "incident/act.h"
#include "incident/from.h"
#include "incident/indicators.h"
#include "web/records.h"

enum { GROUPS_MOST = 20, QUARANTINE_LOOK = 100, CASES_LOOK = 200, MAILS_MOST = 20 };

struct listing {
	struct page *p;
	struct record_query *q;
	struct case_type t;
	struct buf cursor;
	uint64_t seen;
};

/* --- rows --- */

static str choice_label(struct page *p, const struct type_field *f, str name)
{
	for (size_t i = 0; f && i < f->choice_count; i++)
		if (str_eq(str_of(f->choices[i].name), name))
			return str_of(words_in(f->choices[i].label, p->language));
	return name;
}

/* When nobody has said whose it is: whom the directory names for its first indicator. */
static void put_guess(struct listing *l, const struct record_view *v)
{
	struct page *p = l->p;
	const struct directory *d = page_directory(p);
	struct indicator *list = NULL;
	size_t n = d && case_value(v, l->t.indicators) ? indicators_of(l->t.indicators, v->body, p->a, &list) : 0;
	struct who who;

	if (n == 0 || list[0].kind == INDICATOR_DIGEST ||
	    read_who(&p->caller.viewer, d, p->w->n->enrich, list[0].text, clock_now_us(), &who, NULL) != RC_OK ||
	    who.concerns.count == 0)
		return;
	const struct org *o = directory_org(d, who.concerns.list[0].org);
	json_put_str(&p->j, "guess", o ? o->name : STR(""));
	json_put_str(&p->j, "guess_reason", str_of(who.concerns.list[0].reason));
}

static bool put_row(void *ctx, const struct record_view *v)
{
	struct listing *l = ctx;
	struct page *p = l->p;
	str organisation = json_text(case_value(v, l->t.type->organisation));
	str assignee = json_text(case_value(v, l->t.type->assignee)), how = json_text(case_value(v, l->t.how));

	buf_reset(&l->cursor);
	record_view_cursor(l->q, v, &l->cursor);
	l->seen++;
	json_open(&p->j, '{');
	put_members(p, v);
	json_put_str(&p->j, "class", json_text(case_value(v, l->t.class)));
	json_put_str(&p->j, "source", how);
	if (p->form == FORM_HTML) {
		json_put_str(&p->j, "href", record_href(p, v, ""));
		json_put_str(&p->j, "class_label", choice_label(p, l->t.class, json_text(case_value(v, l->t.class))));
		json_put_str(&p->j, "source_label", choice_label(p, l->t.how, how));
		json_put_str(&p->j, "severity_label",
			     choice_label(p, l->t.severity, json_text(case_value(v, l->t.severity))));
		json_put_str(&p->j, "state_label",
			     str_of(words_in(l->t.type->states[record_view_state(v)].label, p->language)));
	}
	if (organisation.n > 0)
		put_reference(p, "organisation_ref", organisation);
	else
		put_guess(l, v);
	if (assignee.n > 0)
		put_reference(p, "assignee_ref", assignee);
	json_close(&p->j, '}');
	p->row_count++;
	return !p->doc.over;
}

static enum rc put_reports(struct page *p, const struct case_type *t, struct err *err)
{
	uint64_t limit = page_limit(p, 50);
	struct record_query q = { .type = t->type, .with_body = true, .ascending = true,
				  .states = UINT64_C(1) << t->report, .after = http_query(p->q, "after") };
	struct listing l = { .p = p, .q = &q, .t = *t, .cursor = BUF_INIT(KIB(4)) };

	if (t->triage >= 0)
		q.states |= UINT64_C(1) << t->triage;
	page_rows(p);
	enum rc rc = read_records(p->r, page_types(p), &p->caller.viewer, &q, limit, p->a, put_row, &l, err);
	page_rows_end(p);
	if (rc == RC_OK && l.seen == limit)
		page_next(p, "after", arena_str(p->a, buf_str(&l.cursor)));
	buf_free(&l.cursor);
	return rc;
}

/* --- mails that nobody has read --- */

static bool put_mail(void *ctx, const struct record_view *v)
{
	struct page *p = ctx;
	const struct type *t = record_view_type(v);
	static const char *const shown[][2] = { { "mail.from", "from" }, { "mail.kind", "kind" } };
	json_open(&p->j, '{');
	put_members(p, v);
	json_put_str(&p->j, "href", record_href(p, v, ""));
	for (size_t i = 0; i < COUNT_OF(shown); i++) {
		const struct meaning *m = type_meaning(t, str_of(shown[i][0]));
		str text = m ? json_text(case_value(v, m->field)) : STR_NONE;
		json_put_str(&p->j, shown[i][1], m && m->field->choice_count ? choice_label(p, m->field, text) : text);
	}
	json_close(&p->j, '}');
	return !p->doc.over;
}

static enum rc put_mails(struct page *p, struct err *err)
{
	const struct type *t = types_meaning(page_types(p), STR("mail.unread"));
	if (!t || !authz_ever(&p->caller.viewer, ACTION_READ, t))
		return RC_OK;
	const struct meaning *unread = type_meaning(t, STR("mail.unread"));
	struct record_query q = { .type = t, .with_body = true, .ascending = true, .states = UINT64_C(1) << unread->state };
	json_put_str(&p->j, "mails_title", str_of(say(p->language, "Unread mails", "Surel belum dibaca")));
	json_put_str(&p->j, "mails_none", str_of(say(p->language, "None.", "Tidak ada.")));
	json_put_str(&p->j, "mails_href", arena_fmt(p->a, "/%s?state=%s", t->name, t->states[unread->state].name));
	json_put_str(&p->j, "mails_all", str_of(say(p->language, "All unread", "Semua yang belum dibaca")));
	json_key(&p->j, STR("mails"));
	json_open(&p->j, '[');
	enum rc rc = read_records(p->r, page_types(p), &p->caller.viewer, &q, MAILS_MOST, p->a, put_mail, p, err);
	json_close(&p->j, ']');
	return rc;
}

/* --- what feeds brought --- */

static enum rc put_feeds(struct page *p, struct err *err)
{
	static const enum count_by by[] = { BY_FEED, BY_TYPE };
	struct event_query q = { .from_us = clock_now_us() - DAY_US };
	struct count_row *rows = NULL;
	struct quarantined *bad = NULL;
	size_t n = 0, waiting = 0, open = 0;

	if (!right_includes(p->caller.viewer.right, RIGHT_READ))
		return RC_OK;
	enum rc rc = read_counts(p->r, &p->caller.viewer, &q, by, COUNT_OF(by), p->a, &rows, &n, err);
	if (rc == RC_OK)
		rc = read_quarantine(p->r, &p->caller.viewer, 0, QUARANTINE_LOOK, false, p->a, &bad, &waiting, err);
	for (size_t i = 0; rc == RC_OK && i < waiting; i++)
		open += bad[i].state == QUARANTINE_OPEN;
	if (rc != RC_OK)
		return rc;
	json_key(&p->j, STR("feeds"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < n && i < GROUPS_MOST; i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "feed", rows[i].key[0]);
		json_put_str(&p->j, "type", rows[i].key[1]);
		json_put_i64(&p->j, "count", (int64_t)rows[i].count);
		json_put_str(&p->j, "href", page_link(p, "/findings", "type", rows[i].key[1]));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	json_put_i64(&p->j, "quarantine_open", (int64_t)open);
	json_put_bool(&p->j, "quarantine_more", waiting == QUARANTINE_LOOK);
	return RC_OK;
}

enum rc page_triage(struct page *p, struct err *err)
{
	struct case_type t;
	str done = http_query(p->q, "done");

	if (!case_type_find(page_types(p), &t) || !authz_ever(&p->caller.viewer, ACTION_READ, t.type))
		return fail(err, RC_ABSENT, "there is nothing here");
	if (p->form == FORM_CSV && !authz_ever(&p->caller.viewer, ACTION_EXPORT, t.type))
		return fail(err, RC_DENIED, "none of your roles may export these");
	p->template = "triage";
	p->title = say(p->language, "Triage", "Triase");
	put_words(p);
	json_put_bool(&p->j, "may_act", authz_ever(&p->caller.viewer, ACTION_MOVE, t.type));
	json_put_bool(&p->j, "keys", p->form == FORM_HTML);
	if (authz_ever(&p->caller.viewer, ACTION_CREATE, t.type))
		json_put_str(&p->j, "new_href", arena_fmt(p->a, "/%s/new", t.type->name));
	if (done.n > 0)
		json_put_str(&p->j, "done", str_head(done, 20));
	json_put_bool(&p->j, "tried", http_query(p->q, "tried").n > 0);
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = put_reports(p, &t, err);
	if (rc == RC_OK)
		rc = put_mails(p, err);
	return rc == RC_OK ? put_feeds(p, err) : rc;
}

/* --- how many, for other pages --- */

static enum rc put_case_count(struct page *p, const struct type *t, uint64_t states, const char *key, struct err *err)
{
	struct record_query q = { .type = t, .states = states };
	uint64_t n = 0;
	bool more = false;
	enum rc rc = read_record_count(p->r, page_types(p), &p->caller.viewer, &q, CASES_LOOK, &n, &more, err);
	json_put_str(&p->j, key, arena_fmt(p->a, "%llu%s", (unsigned long long)n, more ? "+" : ""));
	return rc;
}

enum rc page_put_cases(struct page *p, struct err *err)
{
	struct case_type t;
	if (!case_type_find(page_types(p), &t) || !authz_ever(&p->caller.viewer, ACTION_READ, t.type))
		return RC_OK;
	uint64_t waiting = UINT64_C(1) << t.report | (t.triage >= 0 ? UINT64_C(1) << t.triage : 0);
	json_key(&p->j, STR("cases"));
	json_open(&p->j, '{');
	enum rc rc = put_case_count(p, t.type, waiting, "waiting", err);
	if (rc == RC_OK)
		rc = put_case_count(p, t.type, UINT64_C(1) << t.open, "in_work", err);
	json_put_str(&p->j, "list_href", arena_fmt(p->a, "/%s?state=%s", t.type->name, t.type->states[t.open].name));
	json_put_bool(&p->j, "may_make", authz_ever(&p->caller.viewer, ACTION_CREATE, t.type));
	json_close(&p->j, '}');
	return rc;
}

/* --- the same done to many --- */

void chosen_add(struct chosen *c, str id)
{
	if (c->count <= CHOSEN_MOST)
		c->ids[c->count++] = id;
}

static void note_chosen(void *ctx, str name, str value)
{
	struct chosen *c = ctx;
	if (str_eq(name, str_of(c->name)))
		chosen_add(c, value);
}

void take_chosen(struct page *p, struct json_object *o, const char *name, const char *plural, struct chosen *c)
{
	struct json_object *ids = json_get(o, plural);
	c->name = name;
	for (size_t i = 0; i < json_count(ids); i++)
		chosen_add(c, json_text(json_at(ids, i)));
	if (!o)
		page_form_each(p, note_chosen, c);
}

static str state_named(const struct case_type *t, int state)
{
	return state >= 0 ? str_of(t->type->states[state].name) : STR_NONE;
}

/* "accept", "look", "reject", "assign", "link": what each is in terms of the type. */
static enum rc take_act(struct page *p, const struct case_type *t, str act, str target, struct case_act *q,
			struct err *err)
{
	uint64_t number;

	if (str_eq(act, STR("accept")))
		q->to_state = state_named(t, t->open);
	else if (str_eq(act, STR("look")))
		q->to_state = state_named(t, t->triage);
	else if (str_eq(act, STR("reject")))
		q->to_state = state_named(t, t->rejected);
	else if (str_eq(act, STR("assign")) && t->type->assignee) {
		enum rc rc = page_reader(p, err);
		if (rc == RC_OK)
			rc = read_references(p->r, page_types(p), &p->caller.viewer, t->type->assignee, target,
					     p->language, p->a, &q->person, err);
		q->person = str_trim_all(q->person);
		return rc == RC_OK && q->person.n == 0 ? fail(err, RC_INPUT, "say to whom") : rc;
	} else if (str_eq(act, STR("link"))) {
		q->link_kind = STR("related");
		q->link_to = str_to_u64(target, &number) ? arena_fmt(p->a, "%s-" STR_FMT, t->type->name, STR_ARG(target)) :
							   target;
		return target.n > 0 ? RC_OK : fail(err, RC_INPUT, "say to which incident");
	} else {
		return fail(err, RC_INPUT, "'" STR_FMT "' is nothing that is done here", STR_ARG(str_head(act, 40)));
	}
	return RC_OK;
}

enum rc page_triage_act(struct page *p, struct err *err)
{
	struct chosen *c = ARENA_NEW(p->a, struct chosen);
	struct json_object *o = NULL;
	struct case_type t;
	size_t done = 0;

	if (!case_type_find(page_types(p), &t) || !authz_ever(&p->caller.viewer, ACTION_READ, t.type))
		return fail(err, RC_ABSENT, "there is nothing here");
	enum rc rc = p->body.p ? json_read(p->body, &o, err) : RC_OK;
	bool only_try = false;
	take_chosen(p, o, "id", "ids", c);
	struct case_act q = { .ids = c->ids, .count = c->count, .why = member(p, o, "why"), .language = p->language };
	only_try = (o && json_get_bool(o, "dry_run", &only_try) && only_try) || page_form(p, "try").p;
	q.dry_run = only_try;
	if (rc == RC_OK)
		rc = take_act(p, &t, member(p, o, "act"), member(p, o, "target"), &q, err);
	if (rc == RC_OK)
		rc = case_act(p->w->n->records, p->w->n->store, &p->caller.viewer, &q, &done, err);
	if (rc == RC_OK && o) {
		p->form = FORM_JSON;
		p->template = "record";
		json_put_i64(&p->j, "changed", (int64_t)done);
		json_put_bool(&p->j, "dry_run", only_try);
	} else if (rc == RC_OK) {
		page_go(p, arena_fmt(p->a, "/triage?done=%zu%s", done, only_try ? "&tried=yes" : ""));
	}
	json_free(o);
	return rc;
}

/* --- an incident from findings, from quarantine, from what somebody wrote --- */

/* A finding's id as its page has it. */
static str source_of(struct page *p, str text)
{
	uint8_t b[16];

	return hex_parse(text, b, sizeof(b)) ? arena_fmt(p->a, "finding--" STR_FMT, STR_ARG(text)) : text;
}

/* A form with "source" once or more and "act": "incident", or for findings a mark: "told", "answered", "held"; or
 * {"sources":[…],"fields":{…},"open":true,"why":…}. */
enum rc page_from(struct page *p, struct err *err)
{
	struct chosen *c = ARENA_NEW(p->a, struct chosen);
	struct json_object *o = NULL;
	struct change_errors errors = { .count = 0 };
	struct node *n = p->w->n;
	str id = STR(""), act;
	bool open = false;
	size_t done = 0;

	enum rc rc = p->body.p ? json_read(p->body, &o, err) : RC_OK;
	struct json_object *fields = json_get(o, "fields");
	take_chosen(p, o, "source", "sources", c);
	act = member(p, o, "act");
	if (rc == RC_OK && act.n > 0 && !str_eq(act, STR("incident"))) {
		rc = findings_act(n->records, n->store, &p->caller.viewer, c->ids, c->count, act, member(p, o, "why"),
				  page_form(p, "try").p != NULL, &done, err);
	} else if (rc == RC_OK) {
		for (size_t i = 0; i < c->count; i++)
			c->ids[i] = source_of(p, c->ids[i]);
		(void)(o && json_get_bool(o, "open", &open));
		const struct from_request q = {
			.sources = c->ids, .source_count = c->count, .why = member(p, o, "why"), .language = p->language,
			.open = open, .fields = fields ? str_of(json_object_to_json_string_ext(fields, JSON_C_TO_STRING_PLAIN)) :
							 STR_NONE };
		rc = case_from(n->records, n->store, page_types(p), page_directory(p), &p->caller.viewer, &q, p->a, &id,
			       &errors, err);
	}
	if (rc == RC_OK && o) {
		p->form = FORM_JSON;
		p->template = "record";
		p->ans->status = id.n > 0 ? 201 : 200;
		json_put_str(&p->j, "id", id);
		json_put_i64(&p->j, "marked", (int64_t)done);
	} else if (rc == RC_OK) {
		page_go(p, id.n > 0 ? arena_fmt(p->a, STR_FMT "/edit", STR_ARG(id_href(p, id))) : STR("/findings"));
	}
	json_free(o);
	return rc;
}
