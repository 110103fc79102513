/* SPDX-License-Identifier: Apache-2.0 */
/* The portal: what we know of them. They propose, one of us confirms and changes. */
#include "notify/proposal.h"
#include "web/portal.h"
#include "web/records.h"

enum { RANGES_MOST = 1000, CLAIMS_MOST = 100 };

static str text_of(struct json_object *row, const char *name)
{
	str s = json_get_str(row, name);
	return s.p ? s : STR("");
}

/* As the type says it in their language; what it does not know stays. */
static str words_of(struct page *p, const struct type_field *rows, const char *column, str name)
{
	for (size_t i = 0; rows && i < rows->row_count; i++) {
		const struct type_field *f = &rows->rows[i];
		for (size_t k = 0; strcmp(f->name, column) == 0 && k < f->choice_count; k++)
			if (str_eq(str_of(f->choices[k].name), name))
				return str_of(words_in(f->choices[k].label, p->language));
	}
	return name;
}

static const struct type_field *field_meant(const struct type *t, const char *meaning)
{
	const struct meaning *m = t ? type_meaning(t, str_of(meaning)) : NULL;
	return m ? m->field : NULL;
}

/* From its first day to its last, as UTC days are written. */
static const char *season_of(str from, str until)
{
	struct buf today = BUF_INIT(80);
	time_format(&today, clock_now_us());
	str now = str_head(buf_str(&today), 10);
	bool early = from.n > 0 && str_cmp(str_head(from, 10), now) > 0;
	bool late = until.n > 0 && str_cmp(str_head(until, 10), now) < 0;
	buf_free(&today);
	return early ? "p_season_early" : late ? "p_season_over" : "p_season_now";
}

static void put_rows(struct page *p, const struct portal *k, const struct type_field *f, const char *name,
		     struct json_object *rows, const char *const *columns)
{
	json_key(&p->j, str_of(name));
	json_open(&p->j, '[');
	for (size_t i = 0; i < json_count(rows) && i < RANGES_MOST; i++) {
		json_open(&p->j, '{');
		for (size_t c = 0; columns[c]; c++)
			json_put_str(&p->j, columns[c], p->form == FORM_HTML ?
				     words_of(p, f, columns[c], text_of(json_at(rows, i), columns[c])) :
				     text_of(json_at(rows, i), columns[c]));
		if (p->form == FORM_HTML)
			json_put_str(&p->j, "season", portal_word(k, season_of(text_of(json_at(rows, i), "from"),
								       text_of(json_at(rows, i), "until"))));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

static void put_meant(struct page *p, const struct record_view *v, const char *name, const char *meaning)
{
	struct buf b = BUF_INIT(KIB(8));
	const struct meaning *m = type_meaning(record_view_type(v), str_of(meaning));
	if (m && m->field)
		record_view_text(v, m->field, &b);
	json_put_str(&p->j, name, buf_str(&b));
	buf_free(&b);
}

static bool put_claim(void *ctx, const struct record_view *v)
{
	struct page *p = ctx;
	const struct type *t = record_view_type(v);
	int state = record_view_state(v);
	json_open(&p->j, '{');
	put_meant(p, v, "value", "claim.value");
	put_meant(p, v, "role", "claim.role");
	put_meant(p, v, "from", "claim.from");
	put_meant(p, v, "until", "claim.until");
	json_put_str(&p->j, "state", state < 0 ? STR("") : str_of(words_in(t->states[state].label, p->language)));
	json_put_str(&p->j, "href", id_href(p, record_view_id(v, p->a)));
	json_close(&p->j, '}');
	return !p->doc.over;
}

/* Records of a type that claims ranges: as any record he may read. */
static enum rc put_claims(struct page *p, struct err *err)
{
	enum rc rc = RC_OK;
	const struct types *t = page_types(p);
	json_key(&p->j, STR("claims"));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < types_count(t); i++) {
		struct record_query q = { .type = types_at(t, i) };
		struct err why = { 0 };
		if (!type_meaning(q.type, STR("claim.value")))
			continue;
		rc = read_records(p->r, t, &p->caller.viewer, &q, CLAIMS_MOST, p->a, put_claim, p, &why);
		rc = rc == RC_DENIED ? RC_OK : rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
	}
	json_close(&p->j, ']');
	return rc;
}

static enum rc put_own(struct page *p, struct portal *k, struct err *err)
{
	static const char *const ranges[] = { "kind", "value", "role", "from", "until", NULL };
	static const char *const contacts[] = { "role", "name", "email", "phone", "channel", "confirmed", NULL };
	struct record_view v = { 0 };
	struct told_own own = { .claims = NULL };
	enum rc rc = read_record(p->r, page_types(p), &p->caller.viewer, k->organisation, p->a, &v, err);
	const struct type *theirs = rc == RC_OK ? record_view_type(&v) : NULL;
	if (rc == RC_OK)
		put_fields(p, &v);
	record_view_end(&v);
	if (rc == RC_OK)
		rc = told_own(reader_conn(p->r), page_types(p), &k->to, p->a, &own, err);
	if (rc == RC_OK) {
		put_rows(p, k, theirs ? field_meant(theirs, "organisation.claims") : NULL, "ranges", own.claims, ranges);
		put_rows(p, k, theirs ? field_meant(theirs, "organisation.contacts") : NULL, "contacts", own.contacts,
			 contacts);
	}
	json_free(own.who.body);
	return rc == RC_OK ? put_claims(p, err) : rc;
}

enum rc page_portal_organisation(struct page *p, struct err *err)
{
	struct portal k;
	p->template = "portal_organisation";
	enum rc rc = portal_enter(p, &k, "organisation", err);
	if (rc != RC_OK)
		return rc;
	p->title = arena_z(p->a, k.title);
	p->language = k.language;
	json_put_bool(&p->j, "done", http_query(p->q, "done").n > 0);
	outside_put_nonce(p);
	return put_own(p, &k, err);
}

struct proposing {
	struct page *p;
	const struct portal *k;
	str words, key;
};

static enum rc propose(struct tx *tx, void *ctx, struct err *err)
{
	const struct proposing *g = ctx;
	return proposal_put(tx, g->p->w->n->notify, g->k->organisation, str_of(g->p->caller.viewer.actor), g->words, g->key,
			    err);
}

enum rc page_portal_propose(struct page *p, struct err *err)
{
	struct portal k;
	enum rc rc = portal_enter(p, &k, "organisation", err);
	struct buf words = BUF_INIT(KIB(16));
	str said = str_trim_all(page_form(p, "words"));
	for (size_t i = 0; i < said.n; i++)
		if (said.p[i] != '\r')
			buf_char(&words, said.p[i]);
	struct proposing g = { p, &k, buf_str(&words), page_form(p, "nonce") };
	if (rc == RC_OK && p->caller.viewer.reads_only)
		rc = fail(err, RC_DENIED, "this token only reads");
	if (rc == RC_OK)
		rc = store_write(p->w->n->store, propose, &g, err);
	buf_free(&words);
	if (rc == RC_OK)
		page_go(p, STR("/portal/organisation?done=1"));
	return rc;
}
