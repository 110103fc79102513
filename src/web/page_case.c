/* SPDX-License-Identifier: Apache-2.0 */
/* The page of an incident: what a record's page has, and severity with its reason, clocks, who is responsible for
 * each indicator, similar cases, what is linked by kind, the timeline. What is done there: page_case_do.c. */
#include "incident/indicators.h"
#include "incident/merge.h"
#include "incident/severity.h"
#include "incident/similar.h"
#include "record/clocks.h"
#include "web/records.h"

enum { SHOWN_ENTRIES = 30, SHOWN_MESSAGES = 200, WHO_MOST = 50, WHO_EACH = 3, LINKS_MOST = 500 };

bool is_case(const struct record_view *v)
{
	struct case_type t;

	return record_view_type(v) && case_type_of(record_view_type(v), &t);
}

/* --- header --- */

static str choice_label(struct page *p, const struct type_field *f, str name)
{
	for (size_t i = 0; f && i < f->choice_count; i++)
		if (str_eq(str_of(f->choices[i].name), name))
			return str_of(words_in(f->choices[i].label, p->language));
	return name;
}

static void put_choice(struct page *p, const struct record_view *v, const char *key, const struct type_field *f)
{
	str name = json_text(case_value(v, f));

	json_put_str(&p->j, key, name);
	json_put_str(&p->j, arena_fmt(p->a, "%s_label", key).p, choice_label(p, f, name));
}

static void put_severity(struct page *p, const struct record_view *v, const struct case_type *t)
{
	struct severity s;
	str set = json_text(case_value(v, t->severity));

	put_choice(p, v, "severity", t->severity);
	if (t->severity_why)
		json_put_str(&p->j, "severity_why", json_text(case_value(v, t->severity_why)));
	if (!severity_of_view(v, p->language, p->a, &s))
		return;
	json_put_str(&p->j, "proposed", str_of(s.level));
	json_put_str(&p->j, "proposed_label", choice_label(p, t->severity, str_of(s.level)));
	json_put_str(&p->j, "proposed_reason", s.reason);
	json_put_bool(&p->j, "differs", !str_eq(set, str_of(s.level)));
	json_put_bool(&p->j, "why_missing", t->severity_why && !case_value(v, t->severity_why) && !record_view_cuts(v, t->severity_why) &&
					    !str_eq(set, str_of(s.level)));
}

static void put_handling(struct page *p, const struct record_view *v, const struct case_type *t)
{
	str assignee = json_text(case_value(v, t->type->assignee));
	int state = record_view_state(v);
	bool edits = record_view_may(v, ACTION_EDIT, -1), merged = t->merged >= 0 && state == t->merged;

	if (assignee.n > 0)
		put_reference(p, "assignee", assignee);
	if (t->handover) {
		json_put_bool(&p->j, "waits", str_eq(json_text(case_value(v, t->handover)), STR("given")));
		json_put_str(&p->j, "handover_note", json_text(case_value(v, t->handover_note)));
	}
	json_put_bool(&p->j, "may_confirm", case_may_confirm(v));
	json_put_bool(&p->j, "may_hand_over", edits && t->handover && !merged);
	json_put_bool(&p->j, "may_merge", edits && record_view_may(v, ACTION_LINK, -1) && !merged);
	json_put_bool(&p->j, "may_unmerge", merged && record_view_may(v, ACTION_MOVE, t->open));
	json_put_str(&p->j, "do_href", record_href(p, v, "/do"));
	json_put_str(&p->j, "timeline_href", record_href(p, v, "/timeline"));
}

/* For our own people: what runs, and until when. */
static enum rc put_clocks(struct page *p, const struct record_view *v, struct err *err)
{
	const struct type *t = record_view_type(v);
	struct record_clock *list = NULL;
	struct uuid id;
	size_t n = 0;
	str type;
	enum rc rc = RC_OK;

	if (p->caller.viewer.as.kind == RECIPIENT_STAFF && record_id_parse(record_view_id(v, p->a), &type, &id))
		rc = clocks_of(reader_conn(p->r), id, p->a, &list, &n, err);
	json_key(&p->j, STR("clocks"));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		const struct clock_state *s = &list[i].state;
		const char *label = NULL;
		for (size_t c = 0; c < t->clock_count; c++)
			if (str_eq(list[i].rule, str_of(t->clocks[c].name)))
				label = words_in(t->clocks[c].label, p->language);
		if (!label || s->started_us == TIME_NONE || s->stopped_us != TIME_NONE)
			continue;
		json_open(&p->j, '{');
		json_put_str(&p->j, "label", str_of(label));
		if (s->due_us != TIME_NONE)
			json_put_time(&p->j, "due", s->due_us);
		json_put_bool(&p->j, "is_paused", s->paused);
		json_put_bool(&p->j, "over", s->due_us != TIME_NONE && s->due_us < clock_now_us());
		json_put_str(&p->j, "noted_by", list[i].noted_by);
		page_put_actor_name(p, "noted_by", list[i].noted_by);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	return rc;
}

/* --- similar --- */

static enum rc put_similar(struct page *p, str id, struct err *err)
{
	struct similar *list = NULL;
	size_t n = 0;
	enum rc rc = similar_cases(p->r, page_types(p), &p->caller.viewer, id, p->language, p->a, &list, &n, err);

	json_key(&p->j, STR("similar"));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		int state = type_state(list[i].type, list[i].state);
		json_open(&p->j, '{');
		json_put_str(&p->j, "id", list[i].id);
		json_put_str(&p->j, "href", id_href(p, list[i].id));
		json_put_str(&p->j, "name", list[i].name);
		json_put_str(&p->j, "state", list[i].state);
		json_put_str(&p->j, "state_label",
			     state >= 0 ? str_of(words_in(list[i].type->states[state].label, p->language)) : STR(""));
		json_put_i64(&p->j, "score", list[i].score);
		json_key(&p->j, STR("reasons"));
		json_open(&p->j, '[');
		for (size_t k = 0; k < list[i].reason_count; k++)
			json_str(&p->j, list[i].reasons[k]);
		json_close(&p->j, ']');
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	return rc;
}

/* --- indicators --- */

static void put_responsible(struct page *p, const struct indicator *one)
{
	const struct directory *d = page_directory(p);
	struct who who;

	json_key(&p->j, STR("responsible"));
	json_open(&p->j, '[');
	if (d && one->kind != INDICATOR_DIGEST &&
	    read_who(&p->caller.viewer, d, p->w->n->enrich, one->text, clock_now_us(), &who, NULL) == RC_OK)
		for (size_t i = 0; i < who.concerns.count && i < WHO_EACH; i++) {
			const struct org *o = directory_org(d, who.concerns.list[i].org);
			json_open(&p->j, '{');
			json_put_str(&p->j, "organisation", o ? o->name : STR(""));
			json_put_str(&p->j, "role", str_of(role_name(who.concerns.list[i].role)));
			json_put_str(&p->j, "reason", str_of(who.concerns.list[i].reason));
			json_close(&p->j, '}');
		}
	json_close(&p->j, ']');
}

static void put_indicators(struct page *p, const struct record_view *v, const struct case_type *t)
{
	static const char *const kinds[] = { "", "net", "domain", "url", "digest" };
	struct indicator *list = NULL;
	size_t n = case_value(v, t->indicators) ? indicators_of(t->indicators, v->body, p->a, &list) : 0;

	json_key(&p->j, STR("responsibles"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < n; i++) {
		bool plain = list[i].kind == INDICATOR_NET || list[i].kind == INDICATOR_DIGEST;
		if (list[i].from_url)
			continue;
		json_open(&p->j, '{');
		json_put_str(&p->j, "kind", str_of(kinds[list[i].kind]));
		json_put_str(&p->j, plain || p->form != FORM_HTML ? "text" : "text_url", list[i].text);
		json_put_str(&p->j, "chosen", list[i].text);
		if (i < WHO_MOST)
			put_responsible(p, &list[i]);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

/* --- what is linked, by what it is --- */

/* A type belongs to a part of the page by what it means, or as what plans become. */
static const char *const section_of_meaning[][2] = {
	{ "evidence.", "evidence" }, { "custody.", "evidence" }, { "call.", "correspondence" },
	{ "round.", "correspondence" },
};

static const char *section_of(const struct types *types, const struct type *t)
{
	for (size_t i = 0; t && i < types_count(types); i++) {
		const struct makes *m = types_at(types, i)->makes;
		if (m && str_eq(str_of(m->type), str_of(t->name)))
			return "tasks";
	}
	for (size_t i = 0; t && i < t->mean_count; i++)
		for (size_t k = 0; k < COUNT_OF(section_of_meaning); k++)
			if (str_starts(str_of(t->means[i].name), str_of(section_of_meaning[k][0])))
				return section_of_meaning[k][1];
	return "linked";
}

struct linking {
	struct page *p;
	struct link_view list[LINKS_MOST];
	size_t count;
};

static bool note_link(void *ctx, const struct link_view *l)
{
	struct linking *k = ctx;
	struct link_view *to = &k->list[k->count++];
	const str texts[] = { l->kind, l->why, l->other, l->other_title, l->other_type, l->other_state };
	str *copies[] = { &to->kind, &to->why, &to->other, &to->other_title, &to->other_type, &to->other_state };

	*to = *l;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		*copies[i] = arena_str(k->p->a, texts[i]);
	return k->count < LINKS_MOST;
}

static void put_section_link(struct page *p, const struct link_view *l, const char *section)
{
	const struct type *t = types_find(page_types(p), l->other_type);
	int state = t ? type_state(t, l->other_state) : -1;

	if (strcmp(section_of(page_types(p), t), section) != 0)
		return;
	json_open(&p->j, '{');
	json_put_i64(&p->j, "id", l->id);
	json_put_str(&p->j, "kind", l->kind);
	json_put_bool(&p->j, "outward", l->outward);
	json_put_str(&p->j, "other", l->other);
	json_put_str(&p->j, "other_title", l->other_title.n > 0 ? l->other_title : l->other);
	json_put_str(&p->j, "type_label", t ? str_of(words_in(t->label, p->language)) : l->other_type);
	json_put_str(&p->j, "state_label", state >= 0 ? str_of(words_in(t->states[state].label, p->language)) :
							l->other_state);
	json_put_str(&p->j, "why", l->why);
	json_put_time(&p->j, "at", l->at_us);
	str href = id_href(p, l->other);
	if (href.n > 0)
		json_put_str(&p->j, "href", href);
	json_close(&p->j, '}');
}

static enum rc put_sections(struct page *p, str id, struct err *err)
{
	static const char *const sections[] = { "tasks", "evidence", "correspondence", "linked" };
	struct linking *k = ARENA_NEW(p->a, struct linking);

	k->p = p;
	enum rc rc = read_record_links(p->r, page_types(p), &p->caller.viewer, id, p->a, note_link, k, err);
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(sections); i++) {
		json_key(&p->j, arena_fmt(p->a, "part_%s", sections[i]));
		json_open(&p->j, '[');
		for (size_t l = 0; l < k->count; l++)
			put_section_link(p, &k->list[l], sections[i]);
		json_close(&p->j, ']');
	}
	return rc;
}

static enum rc put_times(struct page *p, str id, struct err *err)
{
	size_t n = 0;
	enum rc rc = put_timeline(p, "timeline", TIMELINE_ALL, id, STR(""), SHOWN_ENTRIES, &n, err);

	if (rc == RC_OK)
		rc = put_timeline(p, "sharing", TIMELINE_DISCLOSED, id, STR(""), SHOWN_MESSAGES, &n, err);
	if (rc == RC_OK)
		rc = put_timeline(p, "messages", TIMELINE_MESSAGES, id, STR(""), SHOWN_MESSAGES, &n, err);
	json_put_bool(&p->j, "has_messages", n > 0);
	return rc;
}

enum rc put_case(struct page *p, const struct record_view *v, struct err *err)
{
	str id = record_view_id(v, p->a);
	struct case_type t;

	if (!case_type_of(record_view_type(v), &t))
		return RC_OK;
	p->template = "case";
	put_words(p);
	json_key(&p->j, STR("case"));
	json_open(&p->j, '{');
	put_choice(p, v, "class", t.class);
	if (t.kind)
		put_choice(p, v, "rsit", t.kind);
	put_severity(p, v, &t);
	put_handling(p, v, &t);
	json_close(&p->j, '}');
	enum rc rc = put_clocks(p, v, err);
	if (rc == RC_OK) {
		put_indicators(p, v, &t);
		rc = put_similar(p, id, err);
	}
	if (rc == RC_OK)
		rc = put_sections(p, id, err);
	return rc == RC_OK ? put_times(p, id, err) : rc;
}

/* --- a campaign: the incidents of it, and whose they are --- */

struct members {
	struct page *p;
	size_t n;
};

static bool put_member(void *ctx, const struct link_view *l)
{
	struct members *m = ctx;
	struct page *p = m->p;
	struct record_view v = { 0 };
	const struct type *t;

	if (l->outward || !str_eq(l->kind, STR("part-of")) ||
	    read_record(p->r, page_types(p), &p->caller.viewer, l->other, p->a, &v, NULL) != RC_OK)
		return true;
	t = record_view_type(&v);
	int state = record_view_state(&v);
	str organisation = t ? json_text(case_value(&v, t->organisation)) : STR("");
	json_open(&p->j, '{');
	json_put_str(&p->j, "id", l->other);
	json_put_str(&p->j, "name", case_name(&v, p->a));
	json_put_str(&p->j, "href", id_href(p, l->other));
	json_put_str(&p->j, "state_label",
		     t && state >= 0 ? str_of(words_in(t->states[state].label, p->language)) : STR(""));
	if (organisation.n > 0)
		put_reference(p, "organisation", organisation);
	json_close(&p->j, '}');
	record_view_end(&v);
	m->n++;
	return !p->doc.over;
}

enum rc put_members_of(struct page *p, const struct record_view *v, struct err *err)
{
	struct members m = { .p = p };

	if (!type_meaning(record_view_type(v), STR("campaign.members")))
		return RC_OK;
	put_words(p);
	json_key(&p->j, STR("members"));
	json_open(&p->j, '[');
	enum rc rc = read_record_links(p->r, page_types(p), &p->caller.viewer, record_view_id(v, p->a), p->a, put_member, &m,
				       err);
	json_close(&p->j, ']');
	json_put_bool(&p->j, "has_members", m.n > 0);
	return rc;
}
