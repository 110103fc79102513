/* SPDX-License-Identifier: Apache-2.0 */
/* Who is on the list of a round. */
#include <json-c/json.h>

#include "disclosure/question.h"
#include "event/normalise.h"
#include "notify/round_private.h"

enum { WORDS_MOST = 16, FINDINGS_AT_ONCE = 1000, COVERS_BYTES_MAX = ROUND_COVERS_MAX * 48, INDEX_SIZE = 1 << 16,
       SAVED_MOST = 200000 };

/* --- the plan --- */

bool round_is_type(const struct type *t)
{
	return t && type_meaning(t, STR("round.kind")) && type_meaning(t, STR("round.started"));
}

static struct json_object *value_of(const struct type *t, struct json_object *body, const char *meaning)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));
	return m && m->field ? json_get(body, m->field->name) : NULL;
}

static str text_of(const struct type *t, struct json_object *body, const char *meaning, struct arena *a)
{
	str s = json_text(value_of(t, body, meaning));
	return arena_str(a, s.p ? s : STR(""));
}

int64_t round_plan_time(const struct type *t, struct json_object *body, const char *meaning)
{
	str s = json_text(value_of(t, body, meaning));
	int64_t us;
	return s.n > 0 && time_parse(s, true, &us) ? us : 0;
}

static bool in_state(const struct type *t, int state, const char *meaning)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));
	return m && !m->field && state >= 0 && m->state == (unsigned)state;
}

static void take_plan(const struct record_view *v, struct arena *a, struct plan *out)
{
	const struct type *t = record_view_type(v);
	struct json_object *list = value_of(t, v->body, "round.organisations");
	struct buf title = BUF_INIT(KIB(4));
	record_view_text(v, t->title, &title);
	str every = text_of(t, v->body, "round.every", a), type;
	*out = (struct plan){
		.id = record_view_id(v, a), .title = arena_str(a, buf_str(&title)), .type = t,
		.question = text_of(t, v->body, "round.question", a), .role = text_of(t, v->body, "round.role", a),
		.saved = text_of(t, v->body, "round.saved", a),
		.version = record_view_version(v),
		.notifies = str_eq(text_of(t, v->body, "round.kind", a), STR("notification")),
		.draft = in_state(t, record_view_state(v), "round.draft"),
		.started = in_state(t, record_view_state(v), "round.started"),
		.due_us = round_plan_time(t, v->body, "round.due"),
	};
	buf_free(&title);
	if (every.n > 0 && !iso_duration_parse(every, &out->every_us))
		out->every_us = 0;
	(void)record_id_parse(out->id, &type, &out->uuid);
	out->organisations = ARENA_ARRAY(a, json_count(list) + 1, str);
	for (size_t i = 0; i < json_count(list); i++)
		out->organisations[out->organisation_count++] = arena_str(a, json_text(json_at(list, i)));
}

enum rc round_plan_read(struct reader *r, const struct types *t, const struct viewer *v, str id, struct arena *a,
		  struct plan *out, struct err *err)
{
	struct record_view view = { 0 };
	struct addressee whole = { 0 };
	enum rc rc = read_record(r, t, v, id, a, &view, err);
	if (rc == RC_OK && !round_is_type(record_view_type(&view)))
		rc = fail(err, RC_ABSENT, "there is no such round");
	if (rc == RC_OK)
		take_plan(&view, a, out);
	record_view_end(&view);
	if (rc == RC_OK)
		rc = told_addressee(reader_conn(r), t, out->id, a, &whole, err);
	out->exercise = whole.exercise;
	json_free(whole.body);
	return rc;
}

/* --- the list --- */

static size_t slot_of(const struct member_list *l, const struct uuid *id)
{
	size_t at = (size_t)id->b[0] << 8 | id->b[1]; /* random by themselves */
	while (l->index[at] >= 0 && !uuid_equal(&l->list[l->index[at]].organisation, id))
		at = (at + 1) % l->index_size;
	return at;
}

static struct member *find_member(const struct member_list *l, const struct uuid *id)
{
	int64_t at = l->index[slot_of(l, id)];
	return at >= 0 ? &l->list[at] : NULL;
}

struct collecting {
	struct reader *r;
	const struct types *types;
	const struct viewer *v;
	const struct plan *p;
	struct arena *a;
	struct member_list *out;
	const struct type *organisation;
	struct word {
		str name, value;
	} words[WORDS_MOST];
	size_t word_count;
	bool to_all;
	enum rc rc;
	struct err *err;
};

static struct member *add_member(struct collecting *k, const struct addressee *who)
{
	struct member_list *l = k->out;
	if (l->count == ROUND_MEMBERS_MAX) {
		k->rc = fail(k->err, RC_LIMIT, "more than %d organisations: narrow the question", ROUND_MEMBERS_MAX);
		return NULL;
	}
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->list = x_grow(l->list, l->room, sizeof *l->list);
	}
	l->index[slot_of(l, &who->id)] = (int64_t)l->count;
	struct member *m = &l->list[l->count];
	str id = addressee_id(who, k->a);
	*m = (struct member){ .organisation = who->id, .place = (int64_t)l->count++, .id = id,
			      .title = arena_str(k->a, who->title), .covers = BUF_INIT(COVERS_BYTES_MAX) };
	m->recipient = k->p->role.n > 0 ? arena_fmt(k->a, STR_FMT "/" STR_FMT, STR_ARG(id), STR_ARG(k->p->role)) : id;
	return m;
}

/* One in use, of the world (real or played) that the round is of. NULL: not for this round. */
static struct member *member_of(struct collecting *k, const struct uuid *id)
{
	struct addressee who = { 0 };
	struct member *m = find_member(k->out, id);
	if (m)
		return m;
	k->rc = told_addressee_of(reader_conn(k->r), k->types, *id, k->a, &who, k->err);
	if (k->rc == RC_ABSENT)
		k->rc = RC_OK;
	else if (k->rc == RC_OK && who.type == k->organisation && !who.closed && who.exercise == k->p->exercise)
		m = add_member(k, &who);
	json_free(who.body);
	return m;
}

/* --- words: NAME=VALUE, NAME="two words" --- */

static enum rc take_words(struct collecting *k)
{
	str rest = str_trim(k->p->question);
	while (rest.n > 0) {
		struct word *w = &k->words[k->word_count];
		w->name = str_cut(&rest, '=');
		if (rest.n > 0 && rest.p[0] == '"') {
			rest = str_from(rest, 1);
			w->value = str_cut(&rest, '"');
		} else {
			w->value = str_cut(&rest, ' ');
		}
		rest = str_trim(rest);
		if (w->name.n == 0 || w->value.n == 0 || str_has(w->name, ' '))
			return fail(k->err, RC_INPUT, "question: '" STR_FMT "' is no NAME=VALUE", STR_ARG(str_head(w->name, 60)));
		if (++k->word_count == WORDS_MOST)
			return fail(k->err, RC_LIMIT, "question: at most %d conditions", WORDS_MOST - 1);
	}
	return RC_OK;
}

/* --- organisations by their fields --- */

static bool has_value(const struct record_view *v, const struct type_field *f, str value)
{
	struct buf text = BUF_INIT(MIB(1));
	bool has = false;
	record_view_text(v, f, &text);
	str line, rest = buf_str(&text);
	while (!has && str_line(&rest, &line))
		has = str_eq_nocase(line, value);
	buf_free(&text);
	return has;
}

static bool each_organisation(void *ctx, const struct record_view *v)
{
	struct collecting *k = ctx;
	struct uuid id;
	str type;
	bool fits = true;
	for (size_t i = 0; fits && i < k->word_count; i++)
		fits = has_value(v, type_find_field(k->organisation, k->words[i].name), k->words[i].value);
	if (fits && record_id_parse(record_view_id(v, k->a), &type, &id))
		(void)member_of(k, &id);
	return k->rc == RC_OK;
}

static enum rc organisations(struct collecting *k)
{
	struct record_query q = { .type = k->organisation, .with_body = true };
	for (size_t i = 0; i < k->word_count; i++) {
		const struct type_field *f = type_find_field(k->organisation, k->words[i].name);
		if (!f || f->kind == KIND_ROWS || f->kind == KIND_SECRET)
			return fail(k->err, RC_INPUT, "question: organisations cannot be chosen by '" STR_FMT "'",
				    STR_ARG(str_head(k->words[i].name, 60)));
	}
	enum rc rc = read_records(k->r, k->types, k->v, &q, 10 * ROUND_MEMBERS_MAX, k->a, each_organisation, k, k->err);
	return rc == RC_OK ? k->rc : rc;
}

/* --- findings and whom they concern --- */

static bool finding_fits(const struct collecting *k, const struct finding *f)
{
	for (size_t i = 0; i < k->word_count; i++) {
		str name = k->words[i].name, value = k->words[i].value, has = STR_NONE;
		uint32_t asn;
		if (str_eq(name, STR("identifier")))
			has = f->identifier;
		else if (str_eq(name, STR("cc")) || str_eq(name, STR("country")))
			has = f->cc;
		else if (str_eq(name, STR("asn")) &&
			 str_to_u32(str_starts_nocase(value, STR("AS")) ? str_from(value, 2) : value, &asn) && asn == f->asn)
			continue;
		else if (!str_eq(name, STR("asn")))
			continue; /* the query asked for it */
		if (!str_eq_nocase(has, value))
			return false;
	}
	return true;
}

static enum rc add_cover(struct collecting *k, struct member *m, const struct finding *f)
{
	if (m->cover_count == ROUND_COVERS_MAX)
		return fail(k->err, RC_LIMIT, "more than %d findings concern '" STR_FMT "': narrow the question",
			    ROUND_COVERS_MAX, STR_ARG(m->title));
	m->cover_count++;
	buf_fmt(&m->covers, "%sfinding--%016llx%016llx", m->covers.n ? " " : "", (unsigned long long)f->id.hi,
		(unsigned long long)f->id.lo);
	return RC_OK;
}

static enum rc record_of(struct collecting *k, int64_t org, struct uuid *out, bool *found_out)
{
	struct sql *q = sql(reader_conn(k->r), "SELECT record FROM org WHERE id = ? AND gone = 0"
					       " AND record IS NOT NULL");
	sql_int(q, 1, org);
	*found_out = sql_row(q) && sql_col_blob(q, 0).n == sizeof out->b;
	if (*found_out)
		memcpy(out->b, sql_col_blob(q, 0).p, sizeof out->b);
	return sql_end(q, k->err);
}

struct paging {
	struct collecting *k;
	struct hash128 last;
	int64_t last_seen_us;
	size_t seen;
};

static bool each_finding(void *ctx, const struct finding *f)
{
	struct paging *p = ctx;
	struct collecting *k = p->k;
	bool more = finding_fits(k, f) && f->exercise == k->p->exercise;
	p->last = f->id;
	p->last_seen_us = f->last_seen_us;
	p->seen++;
	/* Whom it concerns first: the nearest to it. */
	for (size_t i = 0; more && k->rc == RC_OK && i < f->concerns.count; i++) {
		struct uuid id;
		bool found = false;
		k->rc = record_of(k, f->concerns.list[i].org, &id, &found);
		struct member *m = k->rc == RC_OK && found ? member_of(k, &id) : NULL;
		if (m && k->rc == RC_OK)
			k->rc = add_cover(k, m, f);
		more = k->to_all || !m;
	}
	return k->rc == RC_OK;
}

static enum rc finding_words(struct collecting *k, struct finding_query *q)
{
	static const char *const looked_at[] = { "identifier", "cc", "country", "asn" };
	for (size_t i = 0; i < k->word_count; i++) {
		str name = k->words[i].name, value = k->words[i].value;
		bool known = false;
		for (size_t n = 0; n < COUNT_OF(looked_at); n++)
			known = known || str_eq(name, str_of(looked_at[n]));
		if (str_eq(name, STR("type")))
			q->type = arena_z(k->a, type_canonical(value).p ? type_canonical(value) : value);
		else if (str_eq(name, STR("severity")) && severity_rank(value) >= 0)
			q->severity = arena_z(k->a, value);
		else if (str_eq(name, STR("ip")) && net_parse(value, false, &q->net))
			q->has_net = true;
		else if (str_eq(name, STR("to")) && str_eq(value, STR("all")))
			k->to_all = true;
		else if (!known)
			return fail(k->err, RC_INPUT, "question: findings cannot be chosen by '" STR_FMT "=" STR_FMT
				    "' (type, severity, ip, asn, country, identifier; to=all)",
				    STR_ARG(str_head(name, 40)), STR_ARG(str_head(value, 40)));
	}
	return RC_OK;
}

static enum rc findings(struct collecting *k)
{
	struct finding_query q = { .limit = FINDINGS_AT_ONCE };
	struct paging p = { .k = k };
	enum rc rc = finding_words(k, &q);
	do {
		p.seen = 0;
		if (rc == RC_OK)
			rc = read_findings(k->r, k->v, &q, each_finding, &p, k->err);
		q.after = p.last;
		q.after_last_seen_us = p.last_seen_us;
	} while (rc == RC_OK && k->rc == RC_OK && p.seen > 0);
	return rc == RC_OK ? k->rc : rc;
}

/* --- a question kept under a name --- */

static bool each_answer(void *ctx, const struct question_item *i)
{
	struct paging *p = ctx;
	struct uuid id;
	str type;
	if (i->finding)
		return each_finding(p, i->finding);
	if (i->record && record_id_parse(i->id, &type, &id))
		(void)member_of(p->k, &id);
	return p->k->rc == RC_OK;
}

static enum rc saved(struct collecting *k)
{
	struct record_view view = { 0 };
	struct question q = { .over = STR("") };
	struct paging p = { .k = k };
	bool more = false;
	k->word_count = 0; /* it has words of its own */
	enum rc rc = read_record(k->r, k->types, k->v, k->p->saved, k->a, &view, k->err);
	if (rc == RC_OK)
		rc = question_of_view(k->r, k->types, &view, STR("en"), k->a, &q, k->err);
	bool fits = (q.of == QUESTION_FINDINGS && k->p->notifies) ||
		    (q.of == QUESTION_RECORDS && q.type == k->organisation);
	if (rc == RC_OK && !fits)
		rc = fail(k->err, RC_INPUT, "a question over '" STR_FMT "' says not whom such a round is for",
			  STR_ARG(q.over));
	if (rc == RC_OK)
		rc = question_ask(k->r, k->types, k->v, &q, SAVED_MOST, k->a, each_answer, &p, &more, k->err);
	if (rc == RC_OK && more)
		rc = fail(k->err, RC_LIMIT, "the saved question finds more than %d: narrow it", SAVED_MOST);
	record_view_end(&view);
	return rc == RC_OK ? k->rc : rc;
}

/* --- all of it --- */

static enum rc named(struct collecting *k)
{
	for (size_t i = 0; i < k->p->organisation_count && k->rc == RC_OK; i++) {
		struct uuid id;
		str type;
		if (record_id_parse(k->p->organisations[i], &type, &id))
			(void)member_of(k, &id);
	}
	return k->rc;
}

enum rc round_list_collect(struct reader *r, const struct types *t, const struct viewer *v, const struct plan *p,
		     struct arena *a, struct member_list *out, struct err *err)
{
	struct collecting k = { .r = r, .types = t, .v = v, .p = p, .a = a, .out = out, .rc = RC_OK, .err = err,
				.organisation = types_meaning(t, STR("organisation.contacts")) };
	*out = (struct member_list){ .a = a, .index_size = INDEX_SIZE };
	out->index = x_array(INDEX_SIZE, sizeof *out->index);
	memset(out->index, 0xff, INDEX_SIZE * sizeof *out->index);
	enum rc rc = k.organisation ? take_words(&k) : fail(err, RC_ABSENT, "there is no type of organisations here");
	if (rc == RC_OK)
		rc = named(&k);
	if (rc == RC_OK && p->question.n > 0)
		rc = p->notifies ? findings(&k) : organisations(&k);
	if (rc == RC_OK && p->saved.n > 0)
		rc = saved(&k);
	if (rc == RC_OK && out->count == 0)
		rc = fail(err, RC_INPUT, p->question.n > 0 || p->saved.n > 0 || p->organisation_count > 0 ?
						 "nobody is on the list of this round" :
						 "say who is asked: 'organisations', or a 'question'");
	if (rc != RC_OK)
		round_list_free(out);
	return rc;
}

void round_list_free(struct member_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		buf_free(&l->list[i].covers);
	free(l->list);
	free(l->index);
	*l = (struct member_list){ .a = l->a };
}
