/* SPDX-License-Identifier: Apache-2.0 */
#include "incident/similar.h"

#include <stdlib.h>

#include "base/clock.h"
#include "incident/indicators.h"

enum { CANDIDATES_MOST = 400, LIKE_MOST = 50, NEAR_MOST = 40, WORDS_MOST = 4, WORD_LEAST = 4, SEARCHES_MOST = 2,
       SCORE_INDICATOR = 20, SCORE_AROUND = 8, SCORE_HOST = 6, SCORE_FINDING = 30, SCORE_ORGANISATION = 5,
       SCORE_WORD = 2, SCORE_INDICATORS_MOST = 60 };
#define NEAR_US (90 * DAY_US)

struct looking {
	struct reader *r;
	const struct types *t;
	const struct viewer *v;
	str language, self;
	const struct record_view *own;
	struct case_type type;
	struct arena *a;
	struct similar *list;
	size_t count;
	bool titled[CANDIDATES_MOST];
	unsigned indicator_score[CANDIDATES_MOST]; /* of one record; a long list is not a close case */
	const struct indicator *now; /* being looked for */
	str finding;
	str words[WORDS_MOST]; size_t word_count;
};

/* --- candidates --- */

static struct similar *entry(struct looking *k, str id)
{
	for (size_t i = 0; i < k->count; i++)
		if (str_eq(k->list[i].id, id))
			return &k->list[i];
	if (k->count == CANDIDATES_MOST || str_eq(id, k->self))
		return NULL;
	k->list[k->count] = (struct similar){ .id = arena_str(k->a, id) };
	return &k->list[k->count++];
}

static void because(struct looking *k, struct similar *s, unsigned score, str words)
{
	(void)k;
	s->score += score;
	if (s->reason_count < SIMILAR_REASONS)
		s->reasons[s->reason_count++] = words;
}

/* --- the same indicator --- */

static const char *indicator_words(const struct looking *k, enum indicator_kind kind)
{
	switch (kind) {
	case INDICATOR_NET: return say(k->language, "same address", "alamat sama");
	case INDICATOR_DOMAIN: return say(k->language, "same domain", "domain sama");
	case INDICATOR_URL: return say(k->language, "same URL", "URL sama");
	case INDICATOR_DIGEST: return say(k->language, "same digest", "intisari sama");
	}
	return "";
}

static bool same_indicator(void *ctx, str id, str text)
{
	struct looking *k = ctx;
	struct similar *s = entry(k, id);

	if (!s)
		return true;
	unsigned *sum = &k->indicator_score[s - k->list];
	bool equal = str_eq(text, k->now->text);
	unsigned score = !equal ? SCORE_AROUND : k->now->from_url ? SCORE_HOST : SCORE_INDICATOR;
	if (*sum + score > SCORE_INDICATORS_MOST)
		score = SCORE_INDICATORS_MOST - *sum;
	*sum += score;
	because(k, s, score,
		equal ? arena_fmt(k->a, "%s " STR_FMT, indicator_words(k, k->now->kind), STR_ARG(text)) :
			arena_fmt(k->a, STR_FMT " %s " STR_FMT, STR_ARG(k->now->text),
				  say(k->language, "and", "dan"), STR_ARG(text)));
	return true;
}

static enum rc by_indicators(struct looking *k, struct err *err)
{
	struct indicator *list = NULL;
	enum rc rc = RC_OK;
	const struct meaning *m = type_meaning(record_view_type(k->own), STR("case.indicators"));
	const struct type_field *f = m ? m->field : NULL;

	if (!f || record_view_cuts(k->own, f))
		return RC_OK;
	size_t n = indicators_of(f, k->own->body, k->a, &list);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		k->now = &list[i];
		rc = indicators_like(reader_conn(k->r), &list[i], LIKE_MOST, same_indicator, k, err);
	}
	return rc;
}

/* --- the same finding --- */

static bool of_same_finding(void *ctx, const struct link_view *l)
{
	struct looking *k = ctx;
	struct similar *s = entry(k, l->other);

	if (s)
		because(k, s, SCORE_FINDING,
			arena_fmt(k->a, "%s " STR_FMT, say(k->language, "same finding", "temuan sama"),
				  STR_ARG(k->finding)));
	return true;
}

struct findings {
	struct looking *k;
	str list[100]; /* ids with their words */
	str title[100];
	size_t count;
};

static bool note_finding(void *ctx, const struct link_view *l)
{
	struct findings *f = ctx;

	if (l->outward && str_starts(l->other, STR("finding--")) && f->count < COUNT_OF(f->list)) {
		f->list[f->count] = arena_str(f->k->a, l->other);
		f->title[f->count++] = arena_str(f->k->a, l->other_title);
	}
	return true;
}

static enum rc by_findings(struct looking *k, struct err *err)
{
	struct findings *f = ARENA_NEW(k->a, struct findings);

	f->k = k;
	enum rc rc = read_record_links(k->r, k->t, k->v, k->self, k->a, note_finding, f, err);
	for (size_t i = 0; rc == RC_OK && i < f->count; i++) {
		k->finding = f->title[i];
		rc = read_links_to(k->r, k->t, k->v, f->list[i], k->a, of_same_finding, k, err);
	}
	return rc;
}

/* --- the same organisation and class, near in time --- */

static int64_t changed_of(const struct record_view *v)
{
	return record_view_changed(v);
}

static bool near_in_time(void *ctx, const struct record_view *v)
{
	struct looking *k = ctx;
	int64_t apart = changed_of(v) - changed_of(k->own);
	struct similar *s;

	if (apart < -NEAR_US)
		return false; /* newest first: nothing nearer comes */
	if (apart > NEAR_US || !(s = entry(k, record_view_id(v, k->a))))
		return true;
	apart = (apart < 0 ? -apart : apart) / DAY_US;
	because(k, s, SCORE_ORGANISATION,
		arena_fmt(k->a, "%s, %lld %s",
			  say(k->language, "same organisation and class", "organisasi dan kelas sama"),
			  (long long)apart, say(k->language, "days apart", "hari selisihnya")));
	return true;
}

static bool add_filter(struct looking *k, struct record_query *q, const struct type_field *f)
{
	struct record_filter *to = &q->filters[q->filter_count];
	struct json_object *value = case_value(k->own, f);

	if (!f || !f->indexed || !value || !kind_key(f, value, k->a, &to->key))
		return false;
	to->field = f;
	to->compare = COMPARE_IS;
	q->filter_count++;
	return true;
}

static enum rc by_organisation(struct looking *k, struct err *err)
{
	struct record_query q = { .type = k->type.type };

	if (!k->type.type || !add_filter(k, &q, k->type.type->organisation) ||
	    !add_filter(k, &q, k->type.class))
		return RC_OK;
	return read_records(k->r, k->t, k->v, &q, NEAR_MOST, k->a, near_in_time, k, err);
}

/* --- a near title --- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80);
}

/* The longest words say most. */
static void take_word(struct looking *k, str word)
{
	size_t at = k->word_count;

	if (word.n < WORD_LEAST || word.n > 60)
		return;
	for (size_t i = 0; i < k->word_count; i++)
		if (str_eq_nocase(k->words[i], word))
			return;
	while (at > 0 && k->words[at - 1].n < word.n)
		at--;
	if (at == WORDS_MOST)
		return;
	size_t last = k->word_count < WORDS_MOST ? k->word_count++ : WORDS_MOST - 1;
	memmove(&k->words[at + 1], &k->words[at], (last - at) * sizeof(str));
	k->words[at] = word;
}

static void words_of_title(struct looking *k, str title)
{
	for (size_t i = 0; i < title.n;) {
		size_t from = i;
		while (i < title.n && is_letter(title.p[i]))
			i++;
		take_word(k, str_mem(title.p + from, i - from));
		while (i < title.n && !is_letter(title.p[i]))
			i++;
	}
}

/* Search looks at all fields: only a word in the title counts here. */
static bool near_title(void *ctx, const struct record_view *v)
{
	struct looking *k = ctx;
	const struct type_field *f = record_view_type(v)->title;
	struct buf title = BUF_INIT(KIB(8)), shared = BUF_INIT(KIB(1));
	struct similar *s;
	unsigned n = 0;

	if (f && !record_view_cuts(v, f))
		record_view_text(v, f, &title);
	for (size_t i = 0; i < k->word_count; i++) {
		bool there = false;
		for (size_t at = 0; !there && at + k->words[i].n <= title.n; at++)
			there = str_eq_nocase(str_mem(title.p + at, k->words[i].n), k->words[i]);
		if (there) {
			buf_fmt(&shared, "%s'" STR_FMT "'", n++ ? ", " : "", STR_ARG(k->words[i]));
		}
	}
	/* one word of many is chance; each word's search may find it again */
	if (2 * n >= k->word_count && (s = entry(k, record_view_id(v, k->a))) && !k->titled[s - k->list]) {
		k->titled[s - k->list] = true;
		because(k, s, SCORE_WORD * n,
			arena_fmt(k->a, "%s " STR_FMT, say(k->language, "title also has", "judul juga memuat"),
				  STR_ARG(buf_str(&shared))));
	}
	buf_free(&title);
	buf_free(&shared);
	return true;
}

static enum rc by_title(struct looking *k, struct err *err)
{
	const struct type *t = record_view_type(k->own);
	struct buf title = BUF_INIT(KIB(8));
	enum rc rc = RC_OK;

	if (!t->title || record_view_cuts(k->own, t->title))
		return RC_OK;
	record_view_text(k->own, t->title, &title);
	words_of_title(k, arena_str(k->a, buf_str(&title)));
	buf_free(&title);
	for (size_t i = 0; rc == RC_OK && i < k->word_count && i < SEARCHES_MOST; i++) {
		struct record_query q = { .type = t, .with_body = true, .text = k->words[i] };
		rc = read_records(k->r, k->t, k->v, &q, NEAR_MOST, k->a, near_title, k, err);
	}
	return rc;
}

/* --- what is shown --- */

/* Reasons from the index rest on a field of the other: he must see it there too. */
static bool sees_reasons(const struct looking *k, const struct similar *s, const struct record_view *v)
{
	const struct meaning *m = type_meaning(record_view_type(v), STR("case.indicators"));

	return !k->indicator_score[s - k->list] || (m && m->field && !record_view_cuts(v, m->field));
}

static enum rc fill(struct looking *k, struct similar *s, struct err *err)
{
	struct record_view v = { 0 };
	struct err why = { 0 };

	enum rc rc = read_record(k->r, k->t, k->v, s->id, k->a, &v, &why);
	if (rc != RC_OK || !record_view_type(&v) || !sees_reasons(k, s, &v)) {
		record_view_end(&v);
		s->score = 0;
		return rc == RC_OK || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", why.text);
	}
	int state = record_view_state(&v);
	s->type = record_view_type(&v);
	s->name = case_name(&v, k->a);
	s->state = state >= 0 ? str_of(s->type->states[state].name) : STR("");
	s->changed_us = changed_of(&v);
	record_view_end(&v);
	return RC_OK;
}

static int best_first(const void *a, const void *b)
{
	const struct similar *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	if (x->changed_us != y->changed_us)
		return x->changed_us < y->changed_us ? 1 : -1;
	return str_cmp(x->id, y->id);
}

/* Before they are looked at: only those that can be among the first. */
static int by_score(const void *a, const void *b)
{
	const struct similar *const *x = a, *const *y = b;

	return (*x)->score < (*y)->score ? 1 : (*x)->score > (*y)->score ? -1 : 0;
}

static enum rc rank(struct looking *k, struct similar **out, size_t *count_out, struct err *err)
{
	struct similar **order = ARENA_ARRAY(k->a, k->count + 1, struct similar *);
	struct similar *best = ARENA_ARRAY(k->a, SIMILAR_MOST + 1, struct similar);
	size_t n = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < k->count; i++)
		order[i] = &k->list[i];
	qsort(order, k->count, sizeof(*order), by_score);
	for (size_t i = 0; rc == RC_OK && i < k->count && n < SIMILAR_MOST; i++) {
		rc = fill(k, order[i], err);
		if (rc == RC_OK && order[i]->score > 0)
			best[n++] = *order[i];
	}
	qsort(best, n, sizeof(*best), best_first);
	*out = best;
	*count_out = n;
	return rc;
}

enum rc similar_cases(struct reader *r, const struct types *t, const struct viewer *v, str id,
		      str language, struct arena *a, struct similar **out, size_t *count_out,
		      struct err *err)
{
	struct looking *k = ARENA_NEW(a, struct looking);
	struct record_view own = { 0 };

	*out = NULL;
	*count_out = 0;
	enum rc rc = read_record(r, t, v, id, a, &own, err);
	if (rc == RC_OK && !record_view_type(&own))
		rc = fail(err, RC_INPUT, "its type is not known here");
	if (rc == RC_OK) {
		*k = (struct looking){ .r = r, .t = t, .v = v, .language = language, .own = &own, .a = a,
				       .self = record_view_id(&own, a),
				       .list = ARENA_ARRAY(a, CANDIDATES_MOST, struct similar) };
		if (!case_type_of(record_view_type(&own), &k->type))
			k->type = (struct case_type){ 0 };
		rc = by_findings(k, err);
	}
	if (rc == RC_OK)
		rc = by_indicators(k, err);
	if (rc == RC_OK)
		rc = by_organisation(k, err);
	if (rc == RC_OK)
		rc = by_title(k, err);
	if (rc == RC_OK)
		rc = rank(k, out, count_out, err);
	record_view_end(&own);
	return rc;
}
