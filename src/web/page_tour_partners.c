/* SPDX-License-Identifier: Apache-2.0 */
/* The tour goes on: what partners do. Each step is a button that does it (page_tour_steps.c); what is shown is what the
 * node, and the partner's own node, say of it now. */
#include "disclosure/explain.h"
#include "disclosure/read_outbox.h"
#include "incident/case.h"
#include "web/tour.h"

enum { STEPS_MOST = 200, LEDGER_MOST = 20 };

static const struct page_word words[] = {
#define WORD(name, en, id) { name, en, id },
#include "web/tour.def"
#undef WORD
};

const char *const tour_names[TOUR_MADE] = { "event", "seen", "kept", "sent", "line", "queued" };

str *tour_made_at(struct tour_made *m, size_t i)
{
	str *const all[TOUR_MADE] = { &m->event, &m->seen, &m->kept, &m->sent, &m->line, &m->queued };
	return all[i];
}

str tour_href(struct page *p, const struct tour_made *m, const char *part)
{
	struct tour_made copy = *m;
	struct buf query = BUF_INIT(1000);
	for (size_t i = 0; i < TOUR_MADE; i++)
		if (tour_made_at(&copy, i)->n > 0)
			fetch_form(&query, tour_names[i], *tour_made_at(&copy, i));
	str out = arena_fmt(p->a, "/tour/partners%s" STR_FMT "%s%s", query.n > 0 ? "?" : "", STR_ARG(buf_str(&query)),
			    *part ? "#" : "", part);
	buf_free(&query);
	return out;
}

/* --- the teams --- */

enum rc tour_teams(struct page *p, struct tour_teams *out, struct err *err)
{
	*out = (struct tour_teams){ .count = 0 };
	enum rc rc = beside_teams(p->w->n, p->a, &out->list, &out->count, err);
	for (size_t i = 0; rc == RC_OK && i < out->count; i++) {
		const struct beside_team *t = &out->list[i];
		if (t->self)
			out->self = t;
		else if (t->state == BESIDE_OFF)
			out->off = t;
		else
			out->far = t;
		if (!t->self && t->state != BESIDE_OFF && !out->near)
			out->near = t;
	}
	if (rc == RC_OK && (!out->self || !out->far))
		rc = fail(err, RC_ABSENT, "no other team stands beside this node: './run' starts three");
	return rc == RC_OK && out->self->number != 1 ?
		       fail(err, RC_ABSENT, "the steps with partners are walked at Team A: open the first link that was printed") : rc;
}

struct looking {
	struct partner *out;
	str name;
	bool found;
};

static bool is_named(void *ctx, const struct partner *p)
{
	struct looking *l = ctx;
	l->found = str_eq(p->name, l->name);
	if (l->found)
		*l->out = *p;
	return !l->found;
}

enum rc tour_partner(struct page *p, struct reader *r, str name, struct partner *out, struct err *err)
{
	struct looking l = { .out = out, .name = name };
	enum rc rc = partners_list(p->w->n->exchange, reader_conn(r), false, p->a, is_named, &l, err);
	return rc == RC_OK && !l.found ? fail(err, RC_ABSENT, "'" STR_FMT "' is no partner here", STR_ARG(name)) : rc;
}

/* --- the way of an item --- */

static struct tour_party *party(struct tour_way *w, str name)
{
	for (size_t i = 0; i < w->party_count; i++)
		if (str_eq(w->parties[i].name, name))
			return &w->parties[i];
	if (w->party_count == TOUR_PARTIES)
		return &w->parties[0];
	w->parties[w->party_count] = (struct tour_party){ .name = name };
	return &w->parties[w->party_count++];
}

static bool keep_step(void *ctx, const struct trace_step *s)
{
	struct tour_way *w = ctx;
	str what = str_of(s->what);
	w->steps[w->count++] = *s;
	if (str_eq(what, STR("received")) || str_eq(what, STR("made")))
		w->begun_us = s->at_us;
	if (str_eq(what, STR("offered")))
		party(w, s->who)->offered_us = s->at_us;
	if (str_eq(what, STR("refused")))
		party(w, s->who)->refused = true;
	if (str_eq(what, STR("withdrawn"))) {
		party(w, s->who)->withdrawn_us = s->at_us;
		w->withdrawn = true;
	}
	if (str_eq(what, STR("receipt")))
		party(w, s->who)->receipt_us = s->at_us;
	return w->count < STEPS_MOST;
}

enum rc tour_way(struct page *p, struct reader *r, str id, struct tour_way *out, struct err *err)
{
	*out = (struct tour_way){ .steps = arena_array(p->a, STEPS_MOST, sizeof *out->steps) };
	return trace_item(p->w->n->exchange, r, page_types(p), p->w->n->roles, &p->caller.viewer, id, p->a, keep_step, out,
			  err);
}

/* --- what is shown --- */

void put_tour_words(struct page *p)
{
	page_put_words(p, words, COUNT_OF(words));
}

static str step_words(struct page *p, const char *what)
{
	static const struct { const char *en, *id; } all[] = {
		{ "happened", "terjadi" }, { "received", "diterima" }, { "made", "dibuat" }, { "changed", "diubah" },
		{ "offered", "ditawarkan" }, { "receipt", "tanda terima" }, { "no receipt yet", "belum ada tanda terima" },
		{ "withdrawn", "ditarik" }, { "refused", "ditolak" }, { "kept back", "ditahan" }, { "sent", "terkirim" },
	};
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (str_eq(str_of(what), str_of(all[i].en)))
			return str_of(say(p->language, all[i].en, all[i].id));
	return str_of(what);
}

/* "0.31" seconds */
static str seconds(struct page *p, int64_t us)
{
	us = us < 0 ? 0 : us;
	return arena_fmt(p->a, "%lld.%02lld", (long long)(us / SECOND_US), (long long)(us % SECOND_US / 10000));
}

static void put_way(struct page *p, const struct tour_way *w)
{
	json_key(&p->j, STR("steps"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < w->count; i++) {
		const struct trace_step *s = &w->steps[i];
		json_open(&p->j, '{');
		if (!s->missing) {
			json_put_time(&p->j, "at", s->at_us);
			if (s->at_us >= w->begun_us)
				json_put_str(&p->j, "after", seconds(p, s->at_us - w->begun_us));
		}
		json_put_str(&p->j, "what", step_words(p, s->what));
		json_put_str(&p->j, "who", s->who);
		page_put_actor_name(p, "who", s->who);
		json_put_str(&p->j, "words", s->words);
		json_put_bool(&p->j, "missing", s->missing);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

/* Who said that he has it as it stands, and who has not: the withdrawal once it was withdrawn. */
static void put_parties(struct page *p, const struct tour_way *w)
{
	struct buf missing = BUF_INIT(400);
	int64_t receipts = 0, gone = 0;
	json_key(&p->j, STR("parties"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < w->party_count; i++) {
		const struct tour_party *t = &w->parties[i];
		int64_t since = w->withdrawn ? t->withdrawn_us : t->offered_us;
		bool has = since && t->receipt_us >= since;
		if (!since)
			continue;
		receipts += has;
		gone += !has;
		if (!has)
			buf_fmt(&missing, "%s" STR_FMT, missing.n > 0 ? ", " : "", STR_ARG(t->name));
		json_open(&p->j, '{');
		json_put_str(&p->j, "name", t->name);
		json_put_bool(&p->j, "has", has);
		if (has)
			json_put_str(&p->j, "after", seconds(p, t->receipt_us - since));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	json_put_i64(&p->j, "receipts", receipts);
	json_put_i64(&p->j, "missing", gone);
	json_put_bool(&p->j, "any_missing", gone > 0);
	json_put_str(&p->j, "missing_who", arena_str(p->a, buf_str(&missing)));
	buf_free(&missing);
}

static bool take_ip(void *ctx, const struct event_view *e)
{
	struct buf *b = ctx;
	(void)event_view_value(e, STR("source.ip"), b);
	return false;
}

/* What people call it: the title of a record, the address an event is about. */
static str title_of(struct page *p, str id, const struct tour_way *w)
{
	struct buf ip = BUF_INIT(64);
	str title = id;
	struct err err;
	for (size_t i = 0; i < w->count; i++)
		if (str_eq(str_of(w->steps[i].what), STR("made")))
			title = w->steps[i].words;
	if (str_starts(id, STR("event--")) &&
	    read_event(p->r, &p->caller.viewer, str_from(id, 7), take_ip, &ip, &err) == RC_OK && ip.n > 0)
		title = arena_str(p->a, buf_str(&ip));
	buf_free(&ip);
	return title;
}

/* Begins member `key` with the way of an item; false: there is none, and nothing was begun. */
static bool begin_part(struct page *p, const char *key, str id, struct tour_way *w)
{
	struct err err;
	if (id.n == 0 || tour_way(p, p->r, id, w, &err) != RC_OK)
		return false;
	json_key(&p->j, str_of(key));
	json_open(&p->j, '{');
	json_put_str(&p->j, "id", id);
	json_put_str(&p->j, "href", str_starts(id, STR("event--")) ? arena_fmt(p->a, "/events/" STR_FMT,
										 STR_ARG(str_from(id, 7))) : id_href(p, id));
	json_put_str(&p->j, "title", title_of(p, id, w));
	put_way(p, w);
	return true;
}

/* What the far team's own node says of it. */
static void put_there(struct page *p, const struct beside_team *far, const struct tour_way *w, str ip)
{
	struct json_object *events = NULL, *findings = NULL;
	struct err err;
	str q = arena_fmt(p->a, "?ip=" STR_FMT "&limit=1", STR_ARG(ip));
	int64_t at = 0;
	json_key(&p->j, STR("there"));
	json_open(&p->j, '{');
	json_put_str(&p->j, "team", far->name);
	enum rc rc = beside_ask(far, arena_fmt(p->a, "/events.json" STR_FMT, STR_ARG(q)), p->a, &events, &err);
	if (rc == RC_OK)
		rc = beside_ask(far, arena_fmt(p->a, "/findings.json" STR_FMT, STR_ARG(q)), p->a, &findings, &err);
	if (rc != RC_OK)
		json_put_str(&p->j, "trouble", str_of(err.text));
	str taken = json_get_str(json_at(json_get(events, "rows"), 0), "time.observation");
	str key = json_get_str(json_at(json_get(findings, "rows"), 0), "key");
	if (taken.n > 0 && time_parse(taken, true, &at))
		json_put_str(&p->j, "after", seconds(p, at - w->begun_us));
	if (key.n > 0)
		json_put_str(&p->j, "finding", key);
	json_free(events);
	json_free(findings);
	json_close(&p->j, '}');
}

static void put_report(struct page *p, const struct tour_made *m, const struct tour_teams *t)
{
	struct tour_way w;
	uint64_t ms;
	if (!begin_part(p, "report", m->event, &w))
		return;
	if (str_to_u64(m->seen, &ms))
		json_put_str(&p->j, "seen", seconds(p, (int64_t)ms * 1000));
	put_there(p, t->far, &w, title_of(p, m->event, &w));
	json_close(&p->j, '}');
}

/* The check's own words for each partner beside us. */
static void put_said(struct page *p, str id, const struct tour_teams *t)
{
	json_key(&p->j, STR("said"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < t->count; i++) {
		struct explain_ask ask = { .item = id, .by = CHANNEL_SYNC, .purpose = PURPOSE_HANDLING };
		struct explanation e;
		struct viewer room;
		struct partner partner;
		struct err err;
		struct buf to = BUF_INIT(100);
		str agreement;
		if (t->list[i].self || tour_partner(p, p->r, t->list[i].name, &partner, &err) != RC_OK)
			continue;
		buf_add(&to, STR("partner:organisation--"));
		uuid_format(&to, &partner.organisation);
		if (explain_to(p->r, page_types(p), p->w->n->roles, p->w->n->policies, &p->caller.viewer, arena_str(p->a, buf_str(&to)),
			       p->a, &ask, &room, &agreement, &err) == RC_OK &&
		    explain_item(p->r, page_types(p), &p->caller.viewer, &ask, p->a, &e, &err) == RC_OK) {
			json_open(&p->j, '{');
			json_put_str(&p->j, "name", t->list[i].name);
			json_put_bool(&p->j, "told", e.told);
			json_put_str(&p->j, "decision", str_of(explanation_word(&e)));
			json_put_str(&p->j, "rule", str_of(explanation_rule(&e)));
			json_close(&p->j, '}');
		}
		buf_free(&to);
	}
	json_close(&p->j, ']');
}

static void put_ledger(struct page *p, str id)
{
	const struct ledger_query q = { .recipient = STR(""), .item = id, .limit = LEDGER_MOST };
	struct ledger_row *list = NULL;
	struct partner partner;
	struct err err;
	size_t n = 0;
	if (read_ledger(p->r, page_types(p), p->w->n->roles, &p->caller.viewer, &q, p->a, &list, &n, &err) != RC_OK)
		return;
	json_key(&p->j, STR("ledger"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < n; i++) {
		str to = list[i].recipient;
		if (partner_find(p->w->n->exchange, reader_conn(p->r), to, p->a, &partner, &err) == RC_OK)
			to = partner.name;
		json_open(&p->j, '{');
		json_put_time(&p->j, "at", list[i].at_us);
		json_put_str(&p->j, "kind", str_of(ledger_kind_name(list[i].kind)));
		json_put_str(&p->j, "to", to);
		json_put_str(&p->j, "rule", list[i].rule);
		json_put_str(&p->j, "words", str_eq(list[i].words, list[i].rule) ? STR("") : list[i].words);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

static void put_kept(struct page *p, const struct tour_made *m, const struct tour_teams *t)
{
	struct tour_way w;
	if (!begin_part(p, "kept", m->kept, &w))
		return;
	put_said(p, m->kept, t);
	put_ledger(p, m->kept);
	json_close(&p->j, '}');
}

static void put_sent(struct page *p, const struct tour_made *m)
{
	struct tour_way w;
	if (!begin_part(p, "sent", m->sent, &w))
		return;
	put_parties(p, &w);
	json_put_bool(&p->j, "withdrawn", w.withdrawn);
	json_close(&p->j, '}');
}

static void put_cable(struct page *p, const struct tour_made *m, const struct tour_teams *t)
{
	struct tour_way w;
	struct partner partner;
	struct partner_status s;
	struct err err;
	json_put_bool(&p->j, "cut", t->far->state == BESIDE_CUT);
	json_put_str(&p->j, "again", tour_href(p, m, "cable"));
	if (tour_partner(p, p->r, t->far->name, &partner, &err) == RC_OK &&
	    partner_status(p->w->n->exchange, p->r, &partner, clock_now_us(), p->a, &s, &err) == RC_OK) {
		json_key(&p->j, STR("line"));
		json_open(&p->j, '{');
		partner_status_json(&partner, &s, &p->j);
		json_put_bool(&p->j, "waiting", s.backlog[0].items + s.backlog[1].items + s.backlog[2].items > 0);
		json_close(&p->j, '}');
	}
	if (begin_part(p, "queued", m->queued, &w)) {
		put_parties(p, &w);
		json_close(&p->j, '}');
	}
	if (begin_part(p, "late", m->line, &w)) {
		put_parties(p, &w);
		json_close(&p->j, '}');
	}
}

enum rc page_tour_partners(struct page *p, struct err *err)
{
	struct tour_made made;
	struct tour_teams t;
	struct err why = { 0 };
	p->template = "tour_partners";
	p->title = say(p->language, "Three minutes with partners", "Tiga menit bersama mitra");
	put_tour_words(p);
	enum rc rc = page_reader(p, err);
	if (rc != RC_OK)
		return rc;
	rc = tour_teams(p, &t, &why);
	json_put_bool(&p->j, "on", rc == RC_OK);
	if (rc != RC_OK) {
		json_put_str(&p->j, "off", str_of(why.text));
		return RC_OK;
	}
	json_put_bool(&p->j, "may", right_includes(p->caller.viewer.right, RIGHT_OPERATE));
	json_put_str(&p->j, "near", t.near->name);
	json_put_str(&p->j, "far", t.far->name);
	if (t.off)
		json_put_str(&p->j, "switched_off", t.off->name);
	json_key(&p->j, STR("made"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < TOUR_MADE; i++) {
		str value = http_query(p->q, tour_names[i]);
		*tour_made_at(&made, i) = value.n > 0 ? value : STR("");
		if (value.n == 0)
			continue;
		json_open(&p->j, '{');
		json_put_str(&p->j, "key", str_of(tour_names[i]));
		json_put_str(&p->j, "value", value);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	put_report(p, &made, &t);
	put_kept(p, &made, &t);
	put_sent(p, &made);
	put_cable(p, &made, &t);
	return RC_OK;
}
