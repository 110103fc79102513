/* SPDX-License-Identifier: Apache-2.0 */
/* Correspondence on a case: what was written with whom, and writing: a letter is shown first, exactly
 * whom it would reach and how, and sent by a second press. */
#include <json-c/json.h>

#include "incident/thread.h"
#include "notify/letters.h"
#include "web/records.h"

struct writing {
	struct page *p;
	struct json_object *o;   /* a program's body; NULL: a form, or a look */
	struct thread_letter q;
	struct thread_plan plan;
	bool planned;
	str what;                /* "letter" (only show), "fill" (by a text), "send", "note", "round" */
	str refused;             /* why it did not go */
};

static str asked(const struct writing *k, const char *name)
{
	str text = k->o ? json_get_str(k->o, name) : k->p->q->method == HTTP_GET ? http_query(k->p->q, name) : page_form(k->p, name);
	return text.p ? str_trim_all(text) : STR("");
}

static void put_time(struct page *p, const char *name, int64_t us)
{
	if (us)
		json_put_time(&p->j, name, us);
}

static void put_entry(struct page *p, const struct thread_entry *e, str write)
{
	str href = id_href(p, e->id);
	json_open(&p->j, '{');
	json_put_str(&p->j, "id", e->id);
	json_put_str(&p->j, "number", e->number);
	if (href.n > 0)
		json_put_str(&p->j, "href", href);
	json_put_bool(&p->j, "outward", e->outward);
	json_put_bool(&p->j, "note", e->note);
	json_put_str(&p->j, "from", e->from);
	if (e->note)
		page_put_actor_name(p, "from", e->from);
	json_put_str(&p->j, "to", e->to);
	json_put_str(&p->j, "subject", e->subject);
	json_put_str(&p->j, "text", e->text);
	json_put_str(&p->j, "state", e->state);
	json_put_str(&p->j, "words", e->words);
	json_put_bool(&p->j, "encrypted", e->encrypted);
	json_put_bool(&p->j, "signed_good", str_eq(e->signature, STR("good")));
	json_put_bool(&p->j, "signed_bad", str_eq(e->signature, STR("bad")));
	json_put_bool(&p->j, "signed_unknown", str_eq(e->signature, STR("unknown")));
	put_time(p, "at", e->at_us);
	if (e->message)
		json_put_i64(&p->j, "message", e->message);
	if (!e->note)
		json_put_str(&p->j, "answer_href", arena_fmt(p->a, STR_FMT "?answers=" STR_FMT "#write", STR_ARG(write),
							     STR_ARG(e->number)));
	json_close(&p->j, '}');
}

/* "threads":[{"party","entries":[…]}] */
static enum rc put_threads(struct page *p, str id, str write, struct err *err)
{
	struct thread_entry *list = NULL;
	size_t count = 0;
	enum rc rc = thread_read(p->w->n->notify, p->r, page_types(p), &p->caller.viewer, id, p->a, &list, &count, err);
	json_key(&p->j, STR("threads"));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		bool first = i == 0 || list[i].note != list[i - 1].note || !str_eq(list[i].party, list[i - 1].party);
		bool last = i + 1 == count || list[i].note != list[i + 1].note || !str_eq(list[i].party, list[i + 1].party);
		if (first) {
			json_open(&p->j, '{');
			json_put_str(&p->j, "party", list[i].party);
			json_put_bool(&p->j, "notes", list[i].note);
			json_key(&p->j, STR("entries"));
			json_open(&p->j, '[');
		}
		put_entry(p, &list[i], write);
		if (last) {
			json_close(&p->j, ']');
			json_close(&p->j, '}');
		}
	}
	json_close(&p->j, ']');
	return rc;
}

static void put_plan(struct page *p, const struct thread_plan *plan)
{
	json_key(&p->j, STR("plan"));
	json_open(&p->j, '{');
	json_put_str(&p->j, "recipient", plan->recipient);
	json_put_str(&p->j, "name", plan->name);
	json_put_str(&p->j, "address", plan->address);
	json_put_str(&p->j, "subject", plan->subject);
	json_put_str(&p->j, "tlp", str_of(tlp_name(plan->tlp)));
	json_put_bool(&p->j, "may", plan->may);
	json_put_bool(&p->j, "live", plan->live);
	json_put_bool(&p->j, "encrypted", plan->secure.how == SECURE_ENCRYPTED);
	json_put_bool(&p->j, "signed", plan->secure.sign.n > 0 && plan->secure.how != SECURE_REFUSED);
	json_put_bool(&p->j, "looser", plan->tlp < plan->case_tlp);
	json_put_str(&p->j, "case_tlp", str_of(plan->case_tlp < TLP_COUNT ? tlp_name(plan->case_tlp) : "RED"));
	json_put_str(&p->j, "words", plan->words);
	json_put_str(&p->j, "key_words", plan->may ? plan->secure.words : STR(""));
	json_close(&p->j, '}');
}

/* The texts that a letter may begin with. */
static enum rc put_texts(struct writing *k, struct err *err)
{
	struct page *p = k->p;
	struct letter_text *list = NULL;
	size_t count = 0;
	enum rc rc = letter_texts(reader_conn(p->r), p->a, &list, &count, err);
	str chosen = asked(k, "template");
	json_key(&p->j, STR("letters"));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "name", list[i].name);
		json_put_str(&p->j, "label", list[i].label);
		json_put_bool(&p->j, "own", list[i].own);
		json_put_bool(&p->j, "selected", str_eq(chosen, list[i].name));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	return rc;
}

static enum rc put_letter(struct writing *k, struct err *err)
{
	struct page *p = k->p;
	str to = k->q.to.n == 0 && k->planned ? k->plan.recipient : k->q.to;
	json_key(&p->j, STR("form"));
	json_open(&p->j, '{');
	json_put_str(&p->j, "to", to);
	json_put_str(&p->j, "subject", k->q.subject.n == 0 && k->planned ? k->plan.subject : k->q.subject);
	json_put_str(&p->j, "text", k->q.text);
	json_put_str(&p->j, "answers", k->q.answers);
	json_put_str(&p->j, "refused", k->refused);
	put_markings(p, k->q.tlp.n ? k->q.tlp : STR("GREEN"));
	enum rc rc = put_texts(k, err);
	json_close(&p->j, '}');
	if (k->planned)
		put_plan(p, &k->plan);
	return rc;
}

static enum rc show(struct writing *k, const struct record_view *v, struct err *err)
{
	struct page *p = k->p;
	str write = record_href(p, v, "/letters");
	p->template = "thread";
	p->title = arena_fmt(p->a, STR_FMT, STR_ARG(case_name(v, p->a))).p;
	json_put_str(&p->j, "case_href", record_href(p, v, ""));
	json_put_str(&p->j, "case_name", case_name(v, p->a));
	json_put_str(&p->j, "write_href", write);
	json_put_bool(&p->j, "may_write", p->caller.viewer.as.kind == RECIPIENT_STAFF && record_view_may(v, ACTION_LINK, -1));
	json_put_str(&p->j, "idle", str_of(notify_idle(p->w->n->notify)));
	enum rc rc = put_letter(k, err);
	return rc == RC_OK ? put_threads(p, record_view_id(v, p->a), write, err) : rc;
}

/* Who it is, and how, of what was typed; what is wrong is told in the form. */
static enum rc look(struct writing *k, struct err *err)
{
	struct err why = { 0 };
	str text = asked(k, "template");
	bool fills = text.n > 0 && (str_eq(k->what, STR("fill")) || k->p->q->method == HTTP_GET);
	if (k->q.to.n == 0 && k->q.answers.n == 0 && !fills)
		return RC_OK;
	enum rc rc = fills ? thread_begin(k->p->w->n->notify, &k->p->caller.viewer, text, str_of(k->p->caller.name), &k->q, k->p->a,
					  &why) : RC_OK;
	if (rc == RC_OK)
		rc = thread_plan(k->p->w->n->notify, &k->p->caller.viewer, &k->q, k->p->a, &k->plan, &why);
	k->planned = rc == RC_OK;
	if (rc == RC_IO)
		return fail(err, rc, "%s", why.text);
	if (rc != RC_OK)
		k->refused = arena_str(k->p->a, str_of(why.text));
	return RC_OK;
}

static void take(struct writing *k, const struct record_view *v)
{
	k->q = (struct thread_letter){ .about = record_view_id(v, k->p->a), .to = asked(k, "to"), .subject = asked(k, "subject"),
				       .text = asked(k, "text"), .tlp = asked(k, "tlp"), .answers = asked(k, "answers") };
	k->what = asked(k, "do");
	k->refused = STR("");
}

static enum rc load_case(struct page *p, struct record_view *v, struct err *err)
{
	enum rc rc = load_record(p, v, err);
	return rc == RC_OK && !is_case(v) ? fail(err, RC_ABSENT, "there is nothing here") : rc;
}

enum rc page_thread(struct page *p, struct err *err)
{
	struct writing k = { .p = p };
	struct record_view v = { 0 };
	enum rc rc = load_case(p, &v, err);
	if (rc == RC_OK) {
		take(&k, &v);
		rc = look(&k, err);
	}
	if (rc == RC_OK)
		rc = show(&k, &v, err);
	record_view_end(&v);
	return rc;
}

static enum rc act(struct writing *k, str *made, int64_t *message, struct err *err)
{
	struct notify *n = k->p->w->n->notify;
	if (str_eq(k->what, STR("note")))
		return thread_note(n, &k->p->caller.viewer, k->q.about, k->q.text, k->q.tlp, k->p->a, made, err);
	if (str_eq(k->what, STR("round")))
		return thread_round(n, &k->p->caller.viewer, &k->q, k->p->a, made, err);
	return thread_send(n, &k->p->caller.viewer, &k->q, k->p->a, made, message, err);
}

/* A form comes back as a page with what was typed, when it is only looked at or refused; a program has an error. */
enum rc page_thread_write(struct page *p, struct err *err)
{
	struct writing k = { .p = p };
	struct record_view v = { 0 };
	struct err why = { 0 };
	str made = STR("");
	int64_t message = 0;
	enum rc rc = load_case(p, &v, err);
	if (rc == RC_OK && p->body.p)
		rc = json_read(p->body, &k.o, err);
	if (rc == RC_OK)
		take(&k, &v);
	bool rounds = str_eq(k.what, STR("round"));
	bool acts = rc == RC_OK && (str_eq(k.what, STR("send")) || str_eq(k.what, STR("note")) || rounds);
	if (acts) {
		enum rc done = act(&k, &made, &message, &why);
		bool typed = done == RC_INPUT || done == RC_DENIED || done == RC_ABSENT || done == RC_LIMIT;
		if (done != RC_OK && (k.o || !typed))
			rc = fail(err, done, "%s", why.text);
		else if (done != RC_OK)
			k.refused = arena_str(p->a, str_of(why.text));
		acts = done == RC_OK;
	}
	if (rc == RC_OK && acts && k.o) {
		p->form = FORM_JSON;
		p->template = "thread";
		json_put_str(&p->j, "id", made);
		if (message)
			json_put_i64(&p->j, "message", message);
	} else if (rc == RC_OK && acts) {
		page_go(p, rounds ? arena_fmt(p->a, STR_FMT "/dry-run", STR_ARG(id_href(p, made))) : record_href(p, &v, "/letters"));
	} else if (rc == RC_OK) {
		str refused = k.refused;
		rc = str_eq(k.what, STR("note")) ? RC_OK : look(&k, err);
		k.refused = refused.n ? refused : k.refused;
		if (rc == RC_OK)
			rc = show(&k, &v, err);
	}
	record_view_end(&v);
	json_free(k.o);
	return rc;
}
