/* SPDX-License-Identifier: Apache-2.0 */
/* Counting by groups: each chunk's values become small numbers once, rows are
 * counted by tuples of these, and texts are made only at the end. */
#include <stdlib.h>

#include "base/clock.h"
#include "store/events_private.h"

enum { KEYS_MAX = 4, GROUPS_MAX = 1 << 20, WORDS_MAX = 1 << 22 };

struct word {
	uint64_t hash;
	str s;     /* text, or 8 bytes of a number */
};

/* Distinct values of one key, numbered from 1; 0 is "none". */
struct words {
	struct arena *a;
	struct word *list;
	uint32_t n, room;
	uint32_t *slot; /* number, 0: empty */
	uint32_t slots;
};

struct group {
	uint32_t word[KEYS_MAX];
	uint64_t count;
};

struct groups {
	struct group *list;
	uint32_t n, room;
	uint32_t *slot; /* place + 1 */
	uint32_t slots;
};

struct counter {
	struct selection s;
	const enum count_by *by;
	size_t keys;
	uint64_t seed;
	struct arena *a; /* words live here */
	struct words words[KEYS_MAX];
	struct groups groups;
};

static uint64_t stir(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

static uint64_t hash_of(uint64_t seed, str s)
{
	uint64_t h = seed;
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return stir(h);
}

static void words_grow(struct words *w)
{
	w->slots = w->slots ? 2 * w->slots : 256;
	free(w->slot);
	w->slot = x_array(w->slots, sizeof(*w->slot));
	for (uint32_t i = 0; i < w->n; i++) {
		uint32_t at = (uint32_t)w->list[i].hash & (w->slots - 1);
		while (w->slot[at])
			at = (at + 1) & (w->slots - 1);
		w->slot[at] = i + 1;
	}
}

/* The number of a word; 0 also when there is no more room. */
static uint32_t word_number(struct counter *c, struct words *w, str s)
{
	uint64_t hash = hash_of(c->seed, s);
	if (2 * (w->n + 1) > w->slots)
		words_grow(w);
	uint32_t at = (uint32_t)hash & (w->slots - 1);
	for (; w->slot[at]; at = (at + 1) & (w->slots - 1))
		if (w->list[w->slot[at] - 1].hash == hash && str_eq(w->list[w->slot[at] - 1].s, s))
			return w->slot[at];
	if (w->n == WORDS_MAX)
		return UINT32_MAX;
	if (w->n == w->room) {
		w->room = w->room ? 2 * w->room : 64;
		w->list = x_grow(w->list, w->room, sizeof(*w->list));
	}
	w->list[w->n] = (struct word){ .hash = hash, .s = arena_str(c->a, s) };
	return w->slot[at] = ++w->n;
}

static uint32_t number_word(struct counter *c, struct words *w, int64_t v)
{
	return word_number(c, w, str_mem(&v, sizeof(v)));
}

static uint64_t group_hash(const uint32_t *word)
{
	return stir(stir(word[0] | (uint64_t)word[1] << 32) ^ (word[2] | (uint64_t)word[3] << 32));
}

static void groups_grow(struct groups *g)
{
	g->slots = g->slots ? 2 * g->slots : 1024;
	free(g->slot);
	g->slot = x_array(g->slots, sizeof(*g->slot));
	for (uint32_t i = 0; i < g->n; i++) {
		uint32_t at = (uint32_t)group_hash(g->list[i].word) & (g->slots - 1);
		while (g->slot[at])
			at = (at + 1) & (g->slots - 1);
		g->slot[at] = i + 1;
	}
}

/* False: over the limit. */
static bool group_add(struct groups *g, const uint32_t *word, uint64_t count)
{
	if (2 * (g->n + 1) > g->slots)
		groups_grow(g);
	uint32_t at = (uint32_t)group_hash(word) & (g->slots - 1);
	for (; g->slot[at]; at = (at + 1) & (g->slots - 1)) {
		struct group *have = &g->list[g->slot[at] - 1];
		if (memcmp(have->word, word, sizeof(have->word)) == 0) {
			have->count += count;
			return true;
		}
	}
	if (g->n == GROUPS_MAX)
		return false;
	if (g->n == g->room) {
		g->room = g->room ? 2 * g->room : 256;
		g->list = x_grow(g->list, g->room, sizeof(*g->list));
	}
	g->list[g->n] = (struct group){ .count = count };
	memcpy(g->list[g->n].word, word, sizeof(g->list[g->n].word));
	g->slot[at] = ++g->n;
	return true;
}

/* --- one chunk --- */

static uint8_t field_of(enum count_by by)
{
	static const uint8_t fields[COUNT_BY_KEYS] = {
		[BY_DAY] = FIELD_TIME_SOURCE,
		[BY_TYPE] = FIELD_CLASSIFICATION_TYPE,
		[BY_TAXONOMY] = FIELD_CLASSIFICATION_TAXONOMY,
		[BY_CC] = FIELD_SOURCE_GEOLOCATION_CC,
		[BY_ASN] = FIELD_SOURCE_ASN,
		[BY_ORG] = FIELD_RONDA_CONCERNS,
		[BY_FEED] = FIELD_FEED_NAME,
		[BY_IDENTIFIER] = FIELD_CLASSIFICATION_IDENTIFIER,
		[BY_SEVERITY] = FIELD_SEVERITY,
		[BY_TLP] = FIELD_TLP,
	};
	return fields[by];
}

static int64_t number_by(enum count_by by, int64_t v)
{
	return by == BY_DAY ? time_day(v) : by == BY_TLP ? (int64_t)tlp_stored(v) : v;
}

static bool is_number_key(enum count_by by)
{
	return by == BY_DAY || by == BY_ASN || by == BY_TLP;
}

/* The word of every distinct value; times fall into few days. */
static bool value_words(struct counter *c, size_t key, const struct column *d, uint32_t *word)
{
	struct words *w = &c->words[key];
	int64_t last = 0;
	bool number = kind_is_number(d->kind);
	for (uint32_t v = 0; v < d->values; v++) {
		if (number) {
			int64_t n = number_by(c->by[key], d->number[v]);
			word[v] = v && n == last ? word[v - 1] : number_word(c, w, n);
			last = n;
		} else {
			word[v] = word_number(c, w, column_bytes(d, v));
		}
		if (word[v] == UINT32_MAX)
			return false;
	}
	return true;
}

static enum rc key_words(struct counter *c, size_t key, uint32_t (*word)[KEYS_MAX], struct err *err)
{
	struct selection *s = &c->s;
	enum count_by by = c->by[key];
	uint32_t count, first = chunk_find(&s->chunk, field_of(by), STR_NONE, &count);
	if (by == BY_TLP) { /* no marking is RED */
		uint32_t red = number_word(c, &c->words[key], TLP_RED);
		for (uint32_t r = 0; r < s->chunk.rows; r++)
			word[r][key] = red;
	}
	for (uint32_t i = first; i < first + count; i++) {
		const struct column *d;
		if (kind_is_number(s->chunk.column[i].kind) != is_number_key(by))
			continue;
		enum rc rc = chunk_column(&s->chunk, i, &d, err);
		if (rc)
			return rc;
		uint32_t *of = ARENA_ARRAY(s->one, d->values, uint32_t);
		if (!value_words(c, key, d, of))
			return fail(err, RC_LIMIT, "too many different values to count by");
		for (uint32_t j = 0; j < d->n; j++)
			word[d->row ? d->row[j] : j][key] = of[column_value(d, j)];
	}
	return RC_OK;
}

static enum rc count_chunk(struct counter *c, struct err *err)
{
	struct selection *s = &c->s;
	uint32_t(*word)[KEYS_MAX] = arena_array(s->one, s->chunk.rows, sizeof(*word));
	enum rc rc = RC_OK;
	for (size_t k = 0; k < c->keys && !rc; k++)
		rc = key_words(c, k, word, err);
	if (rc)
		return rc;
	/* rows of one kind follow each other: they are added together */
	const uint32_t *last = NULL;
	uint64_t run = 0;
	for (uint32_t r = 0; r < s->chunk.rows; r++) {
		if (!s->hit[r])
			continue;
		if (last && memcmp(last, word[r], sizeof(word[r])) == 0) {
			run++;
			continue;
		}
		if (last && !group_add(&c->groups, last, run))
			return fail(err, RC_LIMIT, "over %d groups", GROUPS_MAX);
		last = word[r];
		run = 1;
	}
	if (last && !group_add(&c->groups, last, run))
		return fail(err, RC_LIMIT, "over %d groups", GROUPS_MAX);
	return RC_OK;
}

/* --- the end --- */

/* Texts of concerns become organisations; one event counts once for each. */
static bool spread_orgs(struct counter *c, size_t key, struct words *orgs, struct groups *out)
{
	for (uint32_t i = 0; i < c->groups.n; i++) {
		struct group g = c->groups.list[i];
		str text = g.word[key] ? c->words[key].list[g.word[key] - 1].s : STR_NONE;
		uint32_t seen[64];
		size_t n = 0;
		int64_t org;
		while (n < COUNT_OF(seen) && concern_next(&text, &org)) {
			uint32_t word = number_word(c, orgs, org);
			bool twice = false;
			for (size_t k = 0; k < n; k++)
				twice |= seen[k] == word;
			if (!twice)
				seen[n++] = word;
		}
		if (!n)
			seen[n++] = 0;
		for (size_t k = 0; k < n; k++) {
			g.word[key] = seen[k];
			if (!group_add(out, g.word, g.count))
				return false;
		}
	}
	return true;
}

static enum rc orgs_apart(struct counter *c, struct err *err)
{
	for (size_t k = 0; k < c->keys; k++) {
		if (c->by[k] != BY_ORG)
			continue;
		struct words orgs = { 0 };
		struct groups out = { 0 };
		bool fits = spread_orgs(c, k, &orgs, &out);
		free(c->words[k].list);
		free(c->words[k].slot);
		free(c->groups.list);
		free(c->groups.slot);
		c->words[k] = orgs;
		c->groups = out;
		if (!fits)
			return fail(err, RC_LIMIT, "over %d groups", GROUPS_MAX);
	}
	return RC_OK;
}

static str word_text(const struct counter *c, size_t key, uint32_t word, struct arena *a)
{
	int64_t v;
	char day[16];
	if (!word)
		return STR("");
	str s = c->words[key].list[word - 1].s;
	enum count_by by = c->by[key];
	if (!is_number_key(by) && by != BY_ORG)
		return arena_str(a, s);
	memcpy(&v, s.p, sizeof(v));
	if (by == BY_TLP)
		return str_of(tlp_name((enum tlp)v));
	if (by == BY_DAY)
		return arena_str(a, time_day_str(day, v * DAY_US));
	return arena_fmt(a, "%lld", (long long)v);
}

static int most_first(const void *x, const void *y)
{
	const struct count_row *a = x, *b = y;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	for (size_t k = 0; k < KEYS_MAX; k++) {
		int order = str_cmp(a->key[k], b->key[k]);
		if (order)
			return order;
	}
	return 0;
}

static struct count_row *make_rows(const struct counter *c, struct arena *a)
{
	struct count_row *rows = ARENA_ARRAY(a, c->groups.n, struct count_row);
	for (uint32_t i = 0; i < c->groups.n; i++) {
		rows[i].count = c->groups.list[i].count;
		for (size_t k = 0; k < KEYS_MAX; k++)
			rows[i].key[k] = k < c->keys ?
						 word_text(c, k, c->groups.list[i].word[k], a) :
						 STR("");
	}
	qsort(rows, c->groups.n, sizeof(*rows), most_first);
	return rows;
}

static void counter_free(struct counter *c)
{
	for (size_t k = 0; k < c->keys; k++) {
		free(c->words[k].list);
		free(c->words[k].slot);
	}
	free(c->groups.list);
	free(c->groups.slot);
	arena_free(c->a);
}

enum rc events_count(struct reader *r, const struct event_query *q, const enum count_by *by,
		     size_t by_count, struct arena *a, struct count_row **rows_out,
		     size_t *count_out, struct err *err)
{
	if (by_count > KEYS_MAX)
		return fail(err, RC_LIMIT, "more than %d keys to count by", KEYS_MAX);
	struct counter c = { .by = by, .keys = by_count, .seed = random_u64(),
			     .a = arena_new(KIB(64)) };
	struct candidate chunk;
	enum rc rc = selection_begin(&c.s, r, q, err);
	while (!rc && selection_next(&c.s, &chunk, &rc, err)) {
		struct err local = { 0 };
		rc = count_chunk(&c, &local);
		if (rc && selection_tolerates(&c.s, rc, &local))
			rc = RC_OK;
		else if (rc && err)
			*err = local;
	}
	if (!rc)
		rc = orgs_apart(&c, err);
	rc = selection_end(&c.s, rc, err);
	/* what is damaged is left out and told; the rest is counted */
	if (!rc || rc == RC_INPUT) {
		*rows_out = make_rows(&c, a);
		*count_out = c.groups.n;
	}
	counter_free(&c);
	return rc;
}
