/* SPDX-License-Identifier: Apache-2.0 */
/* A takedown, on the page of its record and of its incident: what is up, since when, who was asked, what
 * is next; what would be said; and those that are open, by hours. Of any type that is one
 * (incident/takedown.h). */
#include "incident/takedown.h"
#include "incident/case.h"
#include "web/records.h"

enum { PARTIES_MOST = TAKEDOWN_PARTIES_MOST, LOOKS_SHOWN = 20, OF_INCIDENT_MOST = 50 };

static struct takedowns *all(const struct page *p)
{
	return p->w->n->takedowns;
}

static void put_time(struct page *p, const char *name, int64_t us)
{
	if (us)
		json_put_time(&p->j, name, us);
}

static str item_name(struct page *p)
{
	uint64_t number;
	str path = str_from(p->path, 1), type = str_cut(&path, '/');
	return str_to_u64(p->item, &number) ? arena_fmt(p->a, STR_FMT "-%llu", STR_ARG(type), (unsigned long long)number) :
					      p->item;
}

static str page_of(struct page *p)
{
	str path = str_from(p->path, 1), type = str_cut(&path, '/');
	return arena_fmt(p->a, "/" STR_FMT "/" STR_FMT, STR_ARG(type), STR_ARG(p->item));
}

/* --- one --- */

static void put_party(struct page *p, const struct takedown_status *s, const struct takedown_party *one)
{
	const struct takedown_asked *last = NULL;
	bool names = p->caller.viewer.as.personal_basis;
	for (size_t i = 0; i < s->asked_count; i++)
		if (str_eq(s->asked[i].key, one->key))
			last = &s->asked[i];
	json_open(&p->j, '{');
	json_put_str(&p->j, "party", one->key);
	json_put_str(&p->j, "role", one->role);
	json_put_str(&p->j, "name", one->name.n > 0 ? one->name : one->email.n > 0 && names ? one->email : one->role);
	json_put_str(&p->j, "found", one->found);
	json_put_str(&p->j, "form_url", one->form);
	json_put_bool(&p->j, "chosen", str_eq(one->tell, STR("yes")));
	json_put_bool(&p->j, "left_out", str_eq(one->tell, STR("no")));
	if (last) {
		json_put_time(&p->j, "asked_at", last->at_us); /* another word than of the whole: templates look upwards */
		json_put_str(&p->j, "by", last->template);
		json_put_str(&p->j, "message_state", last->state);
		json_put_i64(&p->j, "message", last->message);
	}
	json_put_str(&p->j, "answer", one->answer.n > 0 ? one->answer : last ? last->answer : STR(""));
	json_put_str(&p->j, "words", one->words);
	json_close(&p->j, '}');
}

static void put_look(struct page *p, const struct takedown_look *l)
{
	json_open(&p->j, '{');
	json_put_time(&p->j, "at", l->at_us);
	json_put_str(&p->j, "outcome", str_of(look_outcome_name(l->outcome)));
	json_put_i64(&p->j, "status", l->status);
	json_put_i64(&p->j, "bytes", l->bytes);
	json_put_str(&p->j, "digest", l->digest);
	json_put_str(&p->j, "dns", l->dns);
	json_put_str(&p->j, "words", l->words);
	json_put_str(&p->j, "head", l->head);
	json_close(&p->j, '}');
}

static void put_status(struct page *p, const struct takedown_status *s)
{
	json_put_str(&p->j, "target", s->target);
	put_time(p, "asked", s->asked_us);
	put_time(p, "down", s->down_us);
	put_time(p, "next_ask", s->next_ask_us);
	put_time(p, "next_look", s->next_look_us);
	json_put_bool(&p->j, "open", s->open);
	if (s->asked_us)
		json_put_i64(&p->j, "hours", ((s->down_us ? s->down_us : clock_now_us()) - s->asked_us) / HOUR_US);
	json_put_i64(&p->j, "repeats", s->rounds);
	json_put_i64(&p->j, "relapses", s->relapses);
	json_put_str(&p->j, "next", str_of(s->next_step));
	json_put_str(&p->j, "last", s->look_count ? arena_fmt(p->a, "%s %d", look_outcome_name(s->looks[0].outcome),
							      s->looks[0].status) : STR(""));
	put_time(p, "looked", s->look_count ? s->looks[0].at_us : 0);
	json_key(&p->j, STR("parties"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < s->party_count; i++)
		put_party(p, s, &s->parties[i]);
	json_close(&p->j, ']');
}

static enum rc put_own(struct page *p, const struct record_view *v, struct err *err)
{
	struct takedown_status s;
	bool edits = record_view_may(v, ACTION_EDIT, -1);
	struct err why = { 0 };
	enum rc rc = takedown_read(all(p), p->r, page_types(p), &p->caller.viewer, record_view_id(v, p->a), p->a, &s, &why);
	if (rc == RC_ABSENT)
		return RC_OK;
	if (rc != RC_OK)
		return fail(err, rc, "%s", why.text);
	put_words(p);
	json_key(&p->j, STR("takedown"));
	json_open(&p->j, '{');
	put_status(p, &s);
	json_key(&p->j, STR("looks"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < s.look_count && i < LOOKS_SHOWN; i++)
		put_look(p, &s.looks[i]);
	json_close(&p->j, ']');
	json_put_str(&p->j, "dry_href", record_href(p, v, "/would-say"));
	if (edits) {
		json_put_str(&p->j, "ask_href", record_href(p, v, "/parties/ask"));
		json_put_str(&p->j, "answer_href", record_href(p, v, "/parties/answer"));
		json_put_str(&p->j, "propose_href", record_href(p, v, "/parties/propose"));
		json_put_bool(&p->j, "registries_off", settings_text(p->w->n->settings, "rdap_url").n == 0);
		json_put_str(&p->j, "look_href", settings_bool(p->w->n->settings, "takedown_check") ?
			record_href(p, v, "/parties/look") : STR(""));
	}
	json_put_str(&p->j, "board_href", arena_fmt(p->a, "/%s/board", record_view_type(v)->name));
	json_put_str(&p->j, "idle", str_of(notify_idle(p->w->n->notify)));
	json_close(&p->j, '}');
	return RC_OK;
}

/* --- of an incident --- */

struct of_incident {
	struct page *p;
	str ids[OF_INCIDENT_MOST];
	size_t count;
};

static bool note_linked(void *ctx, const struct link_view *l)
{
	struct of_incident *k = ctx;
	if (!l->outward && str_eq(l->kind, STR("part-of")) && takedown_is(types_find(page_types(k->p), l->other_type)))
		k->ids[k->count++] = arena_str(k->p->a, l->other);
	return k->count < OF_INCIDENT_MOST;
}

static enum rc put_of_incident(struct page *p, const struct record_view *v, struct err *err)
{
	struct of_incident *k = ARENA_NEW(p->a, struct of_incident);
	k->p = p;
	enum rc rc = read_record_links(p->r, page_types(p), &p->caller.viewer, record_view_id(v, p->a), p->a, note_linked, k, err);
	json_key(&p->j, STR("takedowns"));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < k->count; i++) {
		struct takedown_status s;
		if (takedown_read(all(p), p->r, page_types(p), &p->caller.viewer, k->ids[i], p->a, &s, NULL) != RC_OK)
			continue;
		json_open(&p->j, '{');
		json_put_str(&p->j, "href", id_href(p, k->ids[i]));
		put_status(p, &s);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	if (record_view_may(v, ACTION_LINK, -1) && record_view_may(v, ACTION_EDIT, -1))
		json_put_str(&p->j, "takedown_href", record_href(p, v, "/do/takedown"));
	return rc;
}

enum rc put_takedown(struct page *p, const struct record_view *v, struct err *err)
{
	if (takedown_is(record_view_type(v)))
		return put_own(p, v, err);
	return is_case(v) && p->caller.viewer.as.kind == RECIPIENT_STAFF ? put_of_incident(p, v, err) : RC_OK;
}

/* --- what it would say --- */

static bool put_line(void *ctx, const struct takedown_line *l)
{
	struct page *p = ctx;
	json_open(&p->j, '{');
	json_put_str(&p->j, "title", l->party.name.n > 0 ? l->party.name : l->party.role);
	json_put_str(&p->j, "party", l->party.key);
	json_put_str(&p->j, "to", l->address);
	json_put_str(&p->j, "driver", l->driver);
	json_put_str(&p->j, "language", l->language);
	json_put_bool(&p->j, "told", l->told);
	json_put_str(&p->j, "subject", l->subject);
	json_put_str(&p->j, "text", l->text);
	json_put_str(&p->j, "words", l->words);
	json_close(&p->j, '}');
	p->row_count++;
	return !p->doc.over;
}

enum rc page_takedown_dry(struct page *p, struct err *err)
{
	static const char *const columns[] = { "title", "party", "to", "driver", "language", "told", "subject", "text", "words",
					       NULL };
	size_t count = 0;
	const struct takedown_ask q = { .id = item_name(p), .dry_run = true };
	p->template = "takedown_dry";
	p->title = say(p->language, "What it would say", "Yang akan disampaikan");
	p->columns = columns;
	page_rows(p);
	enum rc rc = takedown_ask(all(p), &p->caller.viewer, &q, p->a, put_line, p, &count, err);
	page_rows_end(p);
	put_words(p);
	json_put_str(&p->j, "record_href", page_of(p));
	return rc;
}

/* --- what is done --- */

struct choosing {
	str list[PARTIES_MOST];
	size_t count;
};

static void note_party(void *ctx, str name, str value)
{
	struct choosing *k = ctx;
	if (str_eq(name, STR("party")) && k->count < PARTIES_MOST)
		k->list[k->count++] = value;
}

static enum rc do_ask(struct page *p, struct json_object *o, size_t *did, struct err *err)
{
	struct choosing k = { .count = 0 };
	struct json_object *list = json_get(o, "parties");
	for (size_t i = 0; i < json_count(list); i++)
		note_party(&k, STR("party"), json_text(json_at(list, i)));
	if (!o)
		page_form_each(p, note_party, &k);
	const struct takedown_ask q = { .id = item_name(p), .parties = k.list, .party_count = k.count };
	/* Nobody chosen is nobody, here. */
	return k.count == 0 ? fail(err, RC_INPUT, "choose who is asked") :
			      takedown_ask(all(p), &p->caller.viewer, &q, p->a, NULL, NULL, did, err);
}

static enum rc do_answer(struct page *p, struct json_object *o, size_t *did, struct err *err)
{
	*did = 1;
	return takedown_answer(all(p), &p->caller.viewer, item_name(p), member(p, o, "party"), member(p, o, "answer"),
			       member(p, o, "words"), p->a, err);
}

static enum rc do_propose(struct page *p, struct json_object *o, size_t *did, struct err *err)
{
	str said = STR("");
	(void)o;
	enum rc rc = takedown_propose(all(p), &p->caller.viewer, item_name(p), p->a, did, &said, err);
	if (rc == RC_OK && p->body.p)
		json_put_str(&p->j, "said", said);
	return rc;
}

static enum rc do_look(struct page *p, struct json_object *o, size_t *did, struct err *err)
{
	struct takedown_look l;
	(void)o;
	*did = 1;
	return takedown_look_now(all(p), &p->caller.viewer, item_name(p), p->a, &l, err);
}

static const struct {
	const char *word;
	enum rc (*run)(struct page *p, struct json_object *o, size_t *did, struct err *err);
} acts[] = {
	{ "ask", do_ask }, { "answer", do_answer }, { "propose", do_propose }, { "look", do_look },
};

enum rc page_takedown_do(struct page *p, struct err *err)
{
	struct json_object *o = NULL;
	size_t at = 0, did = 0;
	while (at < COUNT_OF(acts) && !str_eq(p->item2, str_of(acts[at].word)))
		at++;
	if (at == COUNT_OF(acts))
		return fail(err, RC_ABSENT, "there is nothing here");
	enum rc rc = p->body.p ? json_read(p->body, &o, err) : RC_OK;
	if (rc == RC_OK)
		rc = acts[at].run(p, o, &did, err);
	if (rc == RC_OK && p->body.p) {
		p->form = FORM_JSON;
		p->template = "record";
		json_put_str(&p->j, "done", str_of(acts[at].word));
		json_put_i64(&p->j, "count", (int64_t)did);
	} else if (rc == RC_OK) {
		page_go(p, page_of(p));
	}
	json_free(o);
	return rc;
}

/* --- all --- */

enum rc page_takedown_board(struct page *p, struct err *err)
{
	static const char *const columns[] = { "id", "name", "state", "asked", "hours", "repeats", "relapses", "last", "open", NULL };
	struct takedown_board b = { .count = 0 };
	p->template = "takedown_board";
	p->title = say(p->language, "Takedowns by hours", "Penurunan konten menurut jam");
	p->columns = columns;
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = takedown_board_read(p->r, page_types(p), &p->caller.viewer, p->a, &b, err);
	page_rows(p);
	for (size_t i = 0; rc == RC_OK && i < b.count; i++) {
		const struct takedown_open *o = &b.list[i];
		json_open(&p->j, '{');
		json_put_str(&p->j, "id", o->id);
		json_put_str(&p->j, "name", o->name);
		json_put_str(&p->j, "href", id_href(p, o->id));
		json_put_str(&p->j, "state", str_of(o->state));
		put_time(p, "asked", o->asked_us);
		json_put_i64(&p->j, "hours", o->hours);
		json_put_i64(&p->j, "repeats", o->rounds);
		json_put_i64(&p->j, "relapses", o->relapses);
		json_put_str(&p->j, "last", o->last);
		json_put_bool(&p->j, "open", o->open);
		json_close(&p->j, '}');
	}
	page_rows_end(p);
	p->row_count = b.count;
	put_words(p);
	json_put_i64(&p->j, "open_count", (int64_t)b.open);
	json_put_i64(&p->j, "down_count", (int64_t)b.down);
	if (b.median_hours >= 0)
		json_put_i64(&p->j, "median_hours", b.median_hours);
	return rc;
}
