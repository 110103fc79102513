/* SPDX-License-Identifier: Apache-2.0 */
/* One item and several teams: each team's part, what they say about it, saying something, and handing it over. */
#include <json-c/json.h>

#include "exchange/handover.h"
#include "incident/case.h"
#include "web/records.h"

enum { SHORT_BYTES = 60 };

static const struct page_word words[] = {
#define WORD(name, en, id) { name, en, id },
#include "web/together.def"
#undef WORD
};

struct talking {
	struct page *p;
	struct json_object *o;   /* a program's body; NULL: a form */
	const struct type *type; /* of what they say; NULL: none is loaded */
	str id;                  /* of the item */
	str refused;             /* why it was not done */
	bool ours, hands_over, offered_to_us, offered;
};

static str asked(const struct talking *k, const char *name)
{
	str text = k->o ? json_get_str(k->o, name) : k->p->q->method == HTTP_GET ? STR_NONE : page_form(k->p, name);
	return text.p ? str_trim_all(text) : STR("");
}

static void put_time(struct page *p, const char *name, int64_t us)
{
	if (us)
		json_put_time(&p->j, name, us);
}

/* The words of a type for a choice of what is said, or for a state it is in. */
static str label_of(const struct talking *k, str what)
{
	const struct meaning *m = k->type ? type_meaning(k->type, STR("contribution.what")) : NULL;
	for (size_t i = 0; m && m->field && i < m->field->choice_count; i++)
		if (str_eq(what, str_of(m->field->choices[i].name)))
			return str_of(words_in(m->field->choices[i].label, k->p->language));
	return what;
}

static str state_label(const struct talking *k, str name)
{
	const int state = k->type ? type_state(k->type, name) : -1;
	return state < 0 ? name : str_of(words_in(k->type->states[state].label, k->p->language));
}

/* One who gave no text has a title that says no more than what he did. */
static str shown_of(const struct talking *k, str what, str text)
{
	const struct meaning *m = k->type ? type_meaning(k->type, STR("contribution.what")) : NULL;
	for (size_t i = 0; m && m->field && i < m->field->choice_count; i++)
		if (str_eq(what, str_of(m->field->choices[i].name)) && str_eq(text, str_of(words_in(m->field->choices[i].label, STR("en")))))
			return STR("");
	return text;
}

/* The begin of it, as much as a list to choose from has room for. */
static str short_of(struct talking *k, str text)
{
	str line = str_cut(&text, '\n');
	if (line.n <= SHORT_BYTES)
		return line;
	size_t n = SHORT_BYTES;
	while (n > 0 && ((unsigned char)line.p[n] & 0xc0) == 0x80)
		n--;
	return arena_fmt(k->p->a, STR_FMT "…", STR_ARG(str_head(line, n)));
}

/* A team: its name, or that it is ours, or another one of which nobody says which. */
static void put_team(struct page *p, str team, bool us)
{
	json_put_bool(&p->j, "us", us);
	json_put_bool(&p->j, "another", !us && str_eq(team, STR("?")));
	json_put_str(&p->j, "team", us || str_eq(team, STR("?")) ? STR("") : team);
}

static enum rc put_teams(struct talking *k, struct err *err)
{
	struct page *p = k->p;
	struct together_part *list = NULL;
	size_t count = 0;
	enum rc rc = together_parts(p->w->n->exchange, p->r, page_types(p), &p->caller.viewer, k->id, p->a, &list, &count, err);
	k->ours = rc == RC_OK && count > 0 && list[0].origin;
	json_key(&p->j, STR("teams"));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct together_part *t = &list[i];
		json_open(&p->j, '{');
		put_team(p, t->team, t->us);
		json_put_str(&p->j, "partner", t->partner);
		if (t->partner.n)
			json_put_str(&p->j, "href", id_href(p, t->partner));
		json_put_bool(&p->j, "origin", t->origin);
		json_put_bool(&p->j, "handles", t->handles);
		json_put_bool(&p->j, "silent", t->silent);
		json_put_bool(&p->j, "late", t->silent && t->due_us < clock_now_us());
		json_put_i64(&p->j, "words", (int64_t)t->words);
		put_time(p, "since", t->since_us);
		put_time(p, "receipt", t->receipt_us);
		put_time(p, "withdrawn", t->withdrawn_us);
		put_time(p, "last", t->last_us);
		put_time(p, "due", t->due_us);
		json_put_str(&p->j, "last_what", t->last_what);
		json_put_str(&p->j, "last_text", t->last_text);
		json_put_str(&p->j, "last_label", label_of(k, t->last_what));
		json_put_str(&p->j, "last_words", shown_of(k, t->last_what, t->last_text));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	return rc;
}

static void note_offer(struct talking *k, const struct together_word *w)
{
	bool stands = str_eq(w->what, STR("offered")) && str_eq(w->state, STR("waits"));
	k->offered |= stands && w->ours;
	k->offered_to_us |= stands && !w->ours;
}

static enum rc put_said(struct talking *k, struct err *err)
{
	struct page *p = k->p;
	struct together_word *list = NULL;
	size_t count = 0;
	enum rc rc = together_read(p->w->n->exchange, p->r, page_types(p), &p->caller.viewer, k->id, p->a, &list, &count, err);
	json_key(&p->j, STR("words"));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct together_word *w = &list[i];
		note_offer(k, w);
		json_open(&p->j, '{');
		put_team(p, w->team, w->team.n == 0);
		json_put_str(&p->j, "id", w->id);
		json_put_str(&p->j, "number", w->number);
		json_put_str(&p->j, "href", id_href(p, w->id));
		json_put_str(&p->j, "what", w->what);
		json_put_str(&p->j, "state", w->state);
		str text = w->text.n ? w->text : w->title, shown = shown_of(k, w->what, text);
		json_put_str(&p->j, "text", text);
		json_put_str(&p->j, "shown", shown);
		json_put_str(&p->j, "short", short_of(k, shown.n ? shown : label_of(k, w->what)));
		json_put_str(&p->j, "what_label", label_of(k, w->what));
		json_put_str(&p->j, "state_label", state_label(k, w->state));
		json_put_str(&p->j, "reply_to", w->reply_to);
		json_put_bool(&p->j, "ours", w->ours);
		put_time(p, "at", w->at_us);
		put_time(p, "until", w->until_us);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	return rc;
}

/* What people say by themselves; the rest comes of acts. */
static void put_kinds(struct talking *k)
{
	static const char *const kinds[] = { "comment", "question", "opinion", "acknowledged", "acted", "closed" };
	json_key(&k->p->j, STR("kinds"));
	json_open(&k->p->j, '[');
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		json_open(&k->p->j, '{');
		json_put_str(&k->p->j, "name", str_of(kinds[i]));
		json_put_str(&k->p->j, "label", label_of(k, str_of(kinds[i])));
		json_close(&k->p->j, '}');
	}
	json_close(&k->p->j, ']');
}

static enum rc show(struct talking *k, const struct record_view *v, struct err *err)
{
	struct page *p = k->p;
	const bool staff = p->caller.viewer.as.kind == RECIPIENT_STAFF;
	p->template = "together";
	const char *name = record_title(p, v);
	p->title = arena_fmt(p->a, "%s: %s", say(p->language, "Other teams", "Tim lain"), name).p;
	k->type = types_meaning(page_types(p), STR("contribution.about"));
	page_put_words(p, words, COUNT_OF(words));
	json_put_str(&p->j, "item_href", record_href(p, v, ""));
	json_put_str(&p->j, "item_name", str_of(name));
	json_put_str(&p->j, "write_href", record_href(p, v, "/teams"));
	json_put_str(&p->j, "refused", k->refused);
	json_put_str(&p->j, "typed", k->refused.n ? asked(k, "text") : STR(""));
	enum rc rc = put_teams(k, err);
	if (rc == RC_OK)
		rc = put_said(k, err);
	bool may = staff && record_view_may(v, ACTION_READ, -1) && p->caller.viewer.right != RIGHT_READ;
	json_put_bool(&p->j, "at_origin", k->ours);
	put_kinds(k);
	json_put_bool(&p->j, "may_say", may);
	json_put_bool(&p->j, "may_offer", may && k->hands_over && k->ours && !k->offered);
	json_put_bool(&p->j, "may_take_back", may && k->offered);
	json_put_bool(&p->j, "may_answer", may && k->offered_to_us);
	return rc;
}

static enum rc act(struct talking *k, str *made, struct err *err)
{
	struct exchange *x = k->p->w->n->exchange;
	const struct viewer *v = &k->p->caller.viewer;
	struct arena *a = k->p->a;
	str what = asked(k, "do"), text = asked(k, "text");
	if (str_eq(what, STR("offer"))) {
		const struct team_offer q = { .item = k->id, .to = asked(k, "to"), .why = text, .until = asked(k, "until") };
		return team_handover_offer(x, v, &q, a, made, err);
	}
	if (str_eq(what, STR("accept")) || str_eq(what, STR("decline")))
		return team_handover_answer(x, v, k->id, str_eq(what, STR("accept")), text, a, made, err);
	if (str_eq(what, STR("take-back"))) {
		*made = k->id;
		return team_handover_take_back(x, v, k->id, text, a, err);
	}
	if (!text.n)
		return fail(err, RC_INPUT, "there is nothing to say");
	const struct together_say q = { .about = k->id, .what = asked(k, "what"), .text = text, .reply_to = asked(k, "reply_to"),
					.only_origin = asked(k, "only_origin").n > 0, .tlp = asked(k, "tlp") };
	return together_say(x, v, &q, a, made, err);
}

static enum rc load(struct talking *k, struct record_view *v, struct err *err)
{
	enum rc rc = load_record(k->p, v, err);
	if (rc != RC_OK)
		return rc;
	const struct type *t = record_view_type(v);
	if (!t || !t->offer_flow || k->p->caller.viewer.as.kind != RECIPIENT_STAFF)
		return fail(err, RC_ABSENT, "there is nothing here");
	k->id = record_view_id(v, k->p->a);
	k->hands_over = type_meaning(t, STR("handover.by")) != NULL;
	return RC_OK;
}

enum rc page_together(struct page *p, struct err *err)
{
	struct talking k = { .p = p, .refused = STR("") };
	struct record_view v = { 0 };
	enum rc rc = load(&k, &v, err);
	if (rc == RC_OK)
		rc = show(&k, &v, err);
	record_view_end(&v);
	return rc;
}

/* A form comes back with what was typed when it is refused; a program has an error. */
enum rc page_together_write(struct page *p, struct err *err)
{
	struct talking k = { .p = p, .refused = STR("") };
	struct record_view v = { 0 };
	struct err why = { 0 };
	str made = STR("");
	enum rc rc = load(&k, &v, err);
	if (rc == RC_OK && p->body.p)
		rc = json_read(p->body, &k.o, err);
	enum rc done = rc == RC_OK ? act(&k, &made, &why) : rc;
	if (rc == RC_OK && done != RC_OK && (k.o || done == RC_IO || done == RC_BUSY)) {
		rc = fail(err, done, "%s", why.text);
	} else if (rc == RC_OK && done != RC_OK) {
		k.refused = arena_str(p->a, str_of(why.text));
		rc = show(&k, &v, err);
	} else if (rc == RC_OK && k.o) {
		p->form = FORM_JSON;
		p->template = "together";
		json_put_str(&p->j, "id", made);
	} else if (rc == RC_OK) {
		page_go(p, record_href(p, &v, "/teams"));
	}
	record_view_end(&v);
	json_free(k.o);
	return rc;
}
