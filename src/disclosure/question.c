/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/question.h"

#include "base/clock.h"

enum { WORDS_MOST = 4000, WORD_COUNT = 32 };

/* --- words --- */

void question_add_word(struct buf *words, str name, str value)
{
	bool quoted = value.n == 0;

	for (size_t i = 0; i < value.n; i++)
		quoted = quoted || value.p[i] == ' ' || value.p[i] == '"' || value.p[i] == '\\';
	buf_add(words, words->n ? STR(" ") : STR(""));
	buf_add(words, name);
	buf_char(words, '=');
	buf_add(words, quoted ? STR("\"") : STR(""));
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '"' || value.p[i] == '\\')
			buf_char(words, '\\');
		buf_char(words, value.p[i]);
	}
	buf_add(words, quoted ? STR("\"") : STR(""));
}

/* The next word, quotes taken off, in `a`; false: no more. */
static bool next_word(str *rest, struct arena *a, str *out)
{
	struct buf b = BUF_INIT(WORDS_MOST + 1);
	bool quoted = false, any = false;
	size_t i = 0;

	while (i < rest->n && (rest->p[i] == ' ' || rest->p[i] == '\t'))
		i++;
	for (; i < rest->n && (quoted || (rest->p[i] != ' ' && rest->p[i] != '\t')); i++) {
		char c = rest->p[i];
		any = true;
		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (c == '\\' && quoted && i + 1 < rest->n)
			c = rest->p[++i];
		buf_char(&b, c);
	}
	*rest = str_from(*rest, i);
	*out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return any;
}

struct asking {
	struct reader *r;
	const struct types *t;
	const struct viewer *v;
	str language;
	struct arena *a;
	struct question *q;
	struct err *err;
};

/* --- findings --- */

static enum rc finding_word(struct asking *k, str name, str value)
{
	static const enum finding_state states[] = { FINDING_OPEN, FINDING_GONE, FINDING_RETURNED };
	struct finding_query *q = &k->q->findings;

	if (str_eq(name, STR("state"))) {
		for (size_t i = 0; i < COUNT_OF(states); i++)
			if (str_eq(value, str_of(finding_state_name(states[i])))) {
				q->state = states[i] == FINDING_OPEN ? 0 : states[i];
				return RC_OK;
			}
		return fail(k->err, RC_INPUT, "'" STR_FMT "' is no state of a finding", STR_ARG(str_head(value, 40)));
	}
	if (str_eq(name, STR("type"))) {
		q->type = arena_z(k->a, type_canonical(value).p ? type_canonical(value) : value);
		return RC_OK;
	}
	if (str_eq(name, STR("severity"))) {
		q->severity = arena_z(k->a, value);
		return severity_rank(value) >= 0 ? RC_OK : fail(k->err, RC_INPUT, "'" STR_FMT "' is no severity",
								 STR_ARG(str_head(value, 40)));
	}
	if (str_eq(name, STR("ip"))) {
		q->has_net = net_parse(value, false, &q->net);
		return q->has_net ? RC_OK : fail(k->err, RC_INPUT, "'" STR_FMT "' is no address or network",
						 STR_ARG(str_head(value, 80)));
	}
	if (str_eq(name, STR("org")))
		return str_to_i64(value, &q->org) ? RC_OK :
			fail(k->err, RC_INPUT, "'" STR_FMT "' is no number of an organisation", STR_ARG(str_head(value, 40)));
	return fail(k->err, RC_INPUT, "findings have no filter '" STR_FMT "'", STR_ARG(str_head(name, 40)));
}

/* --- records --- */

static enum rc state_words(struct asking *k, str value)
{
	while (value.n) {
		str one = str_cut(&value, ',');
		int state = type_state(k->q->type, str_trim(one));
		if (state < 0)
			return fail(k->err, RC_INPUT, "there is no state '" STR_FMT "'", STR_ARG(str_head(one, 40)));
		k->q->records.states |= UINT64_C(1) << state;
	}
	return RC_OK;
}

/* The value as the index has it: references by what people type, beginnings as they are. */
static enum rc key_of(struct asking *k, const struct type_field *f, enum compare how, str value, struct kind_key *out)
{
	struct buf b = BUF_INIT(KIB(64));
	struct json_out j = json_out(&b);
	struct json_object *list = NULL;
	struct type_field one = *f;
	str text = value;

	one.list = false;
	json_open(&j, '[');
	enum rc rc = RC_OK;
	if (how == COMPARE_BEGINS) {
		json_str(&j, value);
	} else {
		rc = read_references(k->r, k->t, k->v, &one, value, k->language, k->a, &text, k->err);
		if (rc == RC_OK)
			rc = kind_parse(&one, text, k->language, &j, k->err);
	}
	json_close(&j, ']');
	if (rc == RC_OK)
		rc = json_read(buf_str(&b), &list, k->err);
	if (rc == RC_OK && !kind_key(&one, json_at(list, 0), k->a, out))
		rc = fail(k->err, RC_INPUT, "'" STR_FMT "' can be no value of '%s'", STR_ARG(str_head(value, 80)), f->name);
	json_free(list);
	buf_free(&b);
	return rc;
}

static enum rc record_word(struct asking *k, str name, enum compare how, str value)
{
	struct record_query *q = &k->q->records;

	if (how == COMPARE_IS && str_eq(name, STR("text"))) {
		q->text = value;
		return RC_OK;
	}
	if (how == COMPARE_IS && str_eq(name, STR("state")))
		return state_words(k, value);
	if (how == COMPARE_IS && str_eq(name, STR("overdue"))) {
		q->overdue = true;
		q->due_by_us = clock_now_us();
		return RC_OK;
	}
	const struct type_field *f = type_find_field(k->q->type, name);
	if (!f || !f->indexed)
		return fail(k->err, RC_INPUT, "a list of '%s' cannot be filtered by '" STR_FMT "'", k->q->type->name,
			    STR_ARG(str_head(name, 40)));
	if (q->filter_count == RECORD_FILTERS_MAX)
		return fail(k->err, RC_LIMIT, "more than %d filters", RECORD_FILTERS_MAX);
	struct record_filter *to = &q->filters[q->filter_count];
	*to = (struct record_filter){ .field = f, .compare = how };
	enum rc rc = key_of(k, f, how, value, &to->key);
	q->filter_count += rc == RC_OK;
	return rc;
}

/* --- the whole --- */

static enum rc begin(struct asking *k)
{
	struct question *q = k->q;

	if (str_eq(q->over, STR("findings"))) {
		q->of = QUESTION_FINDINGS;
	} else if (str_eq(q->over, STR("events"))) {
		q->of = QUESTION_EVENTS;
		q->events = ARENA_NEW(k->a, struct filter_set);
	} else {
		q->of = QUESTION_RECORDS;
		q->type = types_find(k->t, q->over);
		if (!q->type || !authz_ever(k->v, ACTION_READ, q->type))
			return fail(k->err, RC_INPUT, "nothing is called '" STR_FMT "': findings, events, or a type",
				    STR_ARG(str_head(q->over, 40)));
		q->records = (struct record_query){ .type = q->type, .sort = q->type->sort, .with_body = true,
						    .ascending = q->type->sort && !q->type->descending };
	}
	return RC_OK;
}

static enum rc one_word(struct asking *k, str word)
{
	enum compare how;
	str name, value;

	if (!record_condition(word, &name, &how, &value))
		return fail(k->err, RC_INPUT, "'" STR_FMT "' is no NAME=VALUE", STR_ARG(str_head(word, 80)));
	if (k->q->of == QUESTION_RECORDS)
		return record_word(k, name, how, value);
	if (how != COMPARE_IS)
		return fail(k->err, RC_INPUT, "'" STR_FMT "': only NAME=VALUE is understood here", STR_ARG(str_head(word, 80)));
	return k->q->of == QUESTION_FINDINGS ? finding_word(k, name, value) :
					       filter_add(k->q->events, name, value, k->a, k->err);
}

enum rc question_parse(struct reader *r, const struct types *t, const struct viewer *v, str over, str words,
		       str language, struct arena *a, struct question *out, struct err *err)
{
	struct asking k = { r, t, v, language, a, out, err };
	size_t n = 0;
	str word;

	*out = (struct question){ .over = arena_str(a, str_trim_all(over)), .words = arena_str(a, words) };
	if (words.n > WORDS_MOST)
		return fail(err, RC_LIMIT, "a question has at most %d characters", WORDS_MOST);
	enum rc rc = begin(&k);
	while (rc == RC_OK && next_word(&words, a, &word)) {
		if (++n > WORD_COUNT)
			return fail(err, RC_LIMIT, "a question has at most %d words", WORD_COUNT);
		rc = one_word(&k, word);
	}
	return rc;
}

static str text_meant(const struct record_view *v, const char *meaning, struct arena *a)
{
	const struct meaning *m = type_meaning(record_view_type(v), str_of(meaning));
	struct buf b = BUF_INIT(KIB(16));

	if (m && m->field && !record_view_cuts(v, m->field))
		record_view_text(v, m->field, &b);
	str text = arena_str(a, buf_str(&b));
	buf_free(&b);
	return text;
}

enum rc question_of_view(struct reader *r, const struct types *t, const struct record_view *v, str language,
			 struct arena *a, struct question *out, struct err *err)
{
	str over = text_meant(v, "question.over", a);

	*out = (struct question){ 0 };
	if (!over.n)
		return fail(err, RC_INPUT, "it holds no question");
	return question_parse(r, t, v->viewer, over, text_meant(v, "question.words", a), language, a, out, err);
}

/* --- asking --- */

struct giving {
	struct question *q;
	struct arena *a;
	size_t left;
	bool more;
	question_each each;
	void *ctx;
};

static bool give(struct giving *g, const struct question_item *i)
{
	if (g->left == 0) {
		g->more = true;
		return false;
	}
	g->left--;
	return g->each(g->ctx, i);
}

static bool give_finding(void *ctx, const struct finding *f)
{
	struct giving *g = ctx;
	const struct question_item i = {
		.id = arena_fmt(g->a, "finding--%016llx%016llx", (unsigned long long)f->id.hi, (unsigned long long)f->id.lo),
		.title = arena_fmt(g->a, STR_FMT " " STR_FMT, STR_ARG(f->type), STR_ARG(f->key)),
		.state = str_of(finding_state_name(f->state)), .at_us = f->last_seen_us, .finding = f,
	};

	return give(g, &i);
}

static bool give_event(void *ctx, const struct event_view *e)
{
	struct giving *g = ctx;
	struct buf b = BUF_INIT(KIB(4));
	struct question_item i = { .id = arena_fmt(g->a, "event--%s", e->id), .state = STR(""), .event = e,
				   .at_us = e->received_us };

	(void)event_view_value(e, STR("classification.type"), &b);
	buf_char(&b, ' ');
	if (!event_view_value(e, STR("source.ip"), &b))
		(void)event_view_value(e, STR("source.fqdn"), &b);
	i.title = arena_str(g->a, buf_str(&b));
	buf_reset(&b);
	if (event_view_value(e, STR("time.source"), &b))
		(void)time_parse(buf_str(&b), true, &i.at_us);
	buf_free(&b);
	return give(g, &i);
}

static bool give_record(void *ctx, const struct record_view *v)
{
	struct giving *g = ctx;
	const struct type *t = record_view_type(v);
	struct buf b = BUF_INIT(KIB(8));
	int state = record_view_state(v);

	if (!record_view_cuts(v, t->title))
		record_view_text(v, t->title, &b);
	const struct question_item i = { .id = record_view_id(v, g->a), .title = arena_str(g->a, buf_str(&b)),
					 .state = state >= 0 ? str_of(t->states[state].name) : STR(""),
					 .at_us = record_view_changed(v), .record = v };
	buf_free(&b);
	return give(g, &i);
}

enum rc question_ask(struct reader *r, const struct types *t, const struct viewer *v, struct question *q,
		     size_t limit, struct arena *a, question_each each, void *ctx, bool *more_out, struct err *err)
{
	struct giving g = { .q = q, .a = a, .left = limit, .each = each, .ctx = ctx };
	enum rc rc = RC_OK;

	switch (q->of) {
	case QUESTION_FINDINGS:
		q->findings.limit = limit + 1;
		rc = read_findings(r, v, &q->findings, give_finding, &g, err);
		break;
	case QUESTION_EVENTS:
		q->events->query.limit = limit + 1;
		rc = read_events(r, v, &q->events->query, give_event, &g, err);
		break;
	case QUESTION_RECORDS:
		rc = read_records(r, t, v, &q->records, limit + 1, a, give_record, &g, err);
		break;
	}
	*more_out = g.more;
	return rc;
}
