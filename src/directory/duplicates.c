/* SPDX-License-Identifier: Apache-2.0 */
/* Which organisations could be one: by ids they have elsewhere, web site, name, what they claim,
 * and names that are nearly the same. */
#include <stdlib.h>
#include <json-c/json.h>

#include "directory/import_private.h"
#include "directory/merge.h"
#include "route/directory_records.h"

enum key_kind { KEY_EXTERNAL, KEY_NAME, KEY_HOST, KEY_CLAIM, KEY_KINDS };
enum { PLATFORM = 4 /* a site of more is nobody's own */, NEIGHBOURS = 12, LONG = 16, SHORT = 9 };
static const struct {
	const char *words;
	unsigned weight;
} reasons[] = {
	[KEY_EXTERNAL] = { "same id elsewhere", 100 },
	[KEY_NAME] = { "same name", 60 },
	[KEY_HOST] = { "same web site", 40 },
	[KEY_CLAIM] = { "both answer for", 50 },
	[KEY_KINDS] = { "nearly the same name", 30 },
};

struct dup_org {
	str id, name, country, core, eroc; /* core: the name without what it legally is; backwards */
	uint64_t number;
};
struct dup_key {
	enum key_kind kind;
	str text;
	uint32_t org;
};
struct pair {
	uint32_t a, b;
	unsigned reason;
	str about;
};
struct finding {
	struct arena *a;
	struct dup_org *orgs;
	size_t count, room;
	struct dup_key *keys;
	size_t key_count, key_room;
	struct pair *pairs;
	size_t pair_count, pair_room;
};

static void add_key(struct finding *f, enum key_kind kind, str text)
{
	if (text.n == 0)
		return;
	if (f->key_count == f->key_room) {
		f->key_room = f->key_room ? 2 * f->key_room : 1024;
		f->keys = x_grow(f->keys, f->key_room, sizeof(*f->keys));
	}
	f->keys[f->key_count++] = (struct dup_key){ kind, text, (uint32_t)f->count };
}

/* Words that say what something legally is, and not who. */
static str core_of(struct arena *a, str folded)
{
	static const char *const legal[] = { "pt", "tbk", "ltd", "limited", "inc", "llc", "gmbh", "ag", "sa", "bv",
					     "sdn", "bhd", "pte", "co", "corp", "corporation", "company", "the", "cv",
					     "persero", "plc", "lda" };
	char *to = arena_alloc(a, folded.n + 1);
	size_t n = 0;
	while (folded.n) {
		str word = str_cut(&folded, ' ');
		bool out = false;
		for (size_t i = 0; i < COUNT_OF(legal); i++)
			out |= str_eq(word, str_of(legal[i]));
		if (out)
			continue;
		memcpy(to + n, word.p, word.n);
		n += word.n;
	}
	return str_mem(to, n);
}

static str backwards(struct arena *a, str s)
{
	char *to = arena_alloc(a, s.n + 1);
	for (size_t i = 0; i < s.n; i++)
		to[i] = s.p[s.n - 1 - i];
	return str_mem(to, s.n);
}

static bool keep(void *ctx, const struct record_view *v)
{
	struct finding *f = ctx;
	const struct type *t = record_view_type(v);
	int state = record_view_state(v);
	struct arena *a = f->a;
	str name = json_get_str(v->body, "name");
	if (!t || state < 0 || t->states[state].closed || name.n == 0)
		return true;
	if (f->count == f->room) {
		f->room = f->room ? 2 * f->room : 256;
		f->orgs = x_grow(f->orgs, f->room, sizeof(*f->orgs));
	}
	struct dup_org *o = &f->orgs[f->count];
	str folded = import_fold(a, name);
	*o = (struct dup_org){ .id = record_view_id(v, a), .name = arena_str(a, name), .number = record_view_number(v),
			   .country = arena_str(a, json_get_str(v->body, "country")), .core = core_of(a, folded) };
	o->eroc = backwards(a, o->core);
	add_key(f, KEY_NAME, folded);
	add_key(f, KEY_HOST, import_host(a, json_get_str(v->body, "website")));
	struct json_object *list = json_get(v->body, "other_names");
	for (size_t i = 0; i < json_count(list); i++)
		add_key(f, KEY_NAME, import_fold(a, json_text(json_at(list, i))));
	list = json_get(v->body, "external");
	for (size_t i = 0; i < json_count(list); i++)
		add_key(f, KEY_EXTERNAL, arena_str(a, json_text(json_at(list, i))));
	list = json_get(v->body, "constituency");
	for (size_t i = 0; i < json_count(list); i++) {
		struct json_object *c = json_at(list, i);
		if (!str_eq(json_get_str(c, "kind"), STR("country")))
			add_key(f, KEY_CLAIM, arena_str(a, json_get_str(c, "value")));
	}
	f->count++;
	return true;
}

static int by_key(const void *x, const void *y)
{
	const struct dup_key *a = x, *b = y;
	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	int c = str_cmp(a->text, b->text);
	return c ? c : (a->org > b->org) - (a->org < b->org);
}

static bool elsewhere(const struct dup_org *x, const struct dup_org *y)
{
	return x->country.n && y->country.n && !str_eq(x->country, y->country);
}

static void add_pair(struct finding *f, uint32_t x, uint32_t y, unsigned reason, str about)
{
	const struct dup_org *o = &f->orgs[x], *p = &f->orgs[y];
	if (x == y || (reason != KEY_EXTERNAL && reason != KEY_CLAIM && elsewhere(o, p)))
		return;
	if (f->pair_count == f->pair_room) {
		f->pair_room = f->pair_room ? 2 * f->pair_room : 256;
		f->pairs = x_grow(f->pairs, f->pair_room, sizeof(*f->pairs));
	}
	bool turn = o->number > p->number;
	f->pairs[f->pair_count++] = (struct pair){ turn ? y : x, turn ? x : y, reason, about };
}

static void same_keys(struct finding *f)
{
	if (f->key_count)
		qsort(f->keys, f->key_count, sizeof(*f->keys), by_key);
	for (size_t i = 0, end; i < f->key_count; i = end) {
		for (end = i + 1; end < f->key_count && f->keys[end].kind == f->keys[i].kind &&
				  str_eq(f->keys[end].text, f->keys[i].text); end++)
			;
		if (f->keys[i].kind == KEY_HOST && end - i > PLATFORM)
			continue;
		for (size_t x = i; x < end && x < i + 50; x++)
			for (size_t y = x + 1; y < end && y < x + 50; y++)
				add_pair(f, f->keys[x].org, f->keys[y].org, f->keys[i].kind, f->keys[i].text);
	}
}

/* Letters to change, put in or leave out, up to 2; 3: more (Levenshtein). */
static unsigned distance(str x, str y)
{
	enum { WIDTH = 5 }; /* the diagonal and two beside it on each side */
	unsigned row[WIDTH], next[WIDTH];
	if (x.n > 200 || y.n > 200 || (x.n > y.n ? x.n - y.n : y.n - x.n) > 2)
		return 3;
	for (int d = 0; d < WIDTH; d++)
		row[d] = d < 2 ? 3 : (unsigned)(d - 2);
	for (size_t i = 1; i <= x.n; i++) {
		for (int d = 0; d < WIDTH; d++) {
			long k = (long)i + d - 2;
			unsigned best = 3;
			if (k == 0)
				best = i < 3 ? (unsigned)i : 3;
			if (k >= 1 && k <= (long)y.n) {
				unsigned swap = row[d] + (x.p[i - 1] != y.p[k - 1]);
				unsigned gone = d + 1 < WIDTH ? row[d + 1] + 1 : 3;
				unsigned put = d > 0 ? next[d - 1] + 1 : 3;
				best = swap < gone ? swap : gone;
				best = put < best ? put : best;
			}
			next[d] = best > 3 ? 3 : best;
		}
		memcpy(row, next, sizeof(row));
	}
	return row[2 + (long)y.n - (long)x.n];
}

static bool near(const struct dup_org *x, const struct dup_org *y)
{
	size_t n = x->core.n < y->core.n ? x->core.n : y->core.n;
	/* names of hosts differ by design */
	bool hosts = str_has(x->name, '.') && !str_has(x->name, ' ');
	if (n == 0 || hosts || str_eq(x->name, y->name))
		return false;
	if (str_eq(x->core, y->core))
		return true;
	/* a digit makes another branch, not a slip of the pen */
	for (size_t i = 0; i < x->core.n && i < y->core.n; i++)
		if (x->core.p[i] != y->core.p[i] && x->core.p[i] >= '0' && x->core.p[i] <= '9')
			return false;
	return n >= SHORT && distance(x->core, y->core) <= (n >= LONG ? 2u : 1u);
}

static int by_core(const void *x, const void *y, void *ctx)
{
	const struct finding *f = ctx;
	return str_cmp(f->orgs[*(const uint32_t *)x].core, f->orgs[*(const uint32_t *)y].core);
}

static int by_eroc(const void *x, const void *y, void *ctx)
{
	const struct finding *f = ctx;
	return str_cmp(f->orgs[*(const uint32_t *)x].eroc, f->orgs[*(const uint32_t *)y].eroc);
}

/* Names that differ little stand beside one another in one order or the other. */
static void near_names(struct finding *f)
{
	uint32_t *order = x_array(f->count + 1, sizeof(*order));
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < f->count; i++)
			order[i] = (uint32_t)i;
		qsort_r(order, f->count, sizeof(*order), pass ? by_eroc : by_core, f);
		for (size_t i = 0; i < f->count; i++)
			for (size_t k = i + 1; k < f->count && k <= i + NEIGHBOURS; k++)
				if (near(&f->orgs[order[i]], &f->orgs[order[k]]))
					add_pair(f, order[i], order[k], KEY_KINDS, STR(""));
	}
	free(order);
}

static int by_pair(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;
	if (a->a != b->a)
		return a->a < b->a ? -1 : 1;
	if (a->b != b->b)
		return a->b < b->b ? -1 : 1;
	return (a->reason > b->reason) - (a->reason < b->reason);
}

static int by_weight(const void *x, const void *y)
{
	const struct duplicate *a = x, *b = y;
	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	if (a->a_number != b->a_number)
		return a->a_number < b->a_number ? -1 : 1;
	return (a->b_number > b->b_number) - (a->b_number < b->b_number);
}

/* All reasons of a pair as one line; of one kind the first is named. */
static size_t join_pairs(struct finding *f, struct arena *a, struct duplicate *out)
{
	size_t n = 0;
	if (f->pair_count)
		qsort(f->pairs, f->pair_count, sizeof(*f->pairs), by_pair);
	for (size_t i = 0, end; i < f->pair_count; i = end) {
		const struct pair *p = &f->pairs[i];
		const struct dup_org *x = &f->orgs[p->a], *y = &f->orgs[p->b];
		struct buf why = BUF_INIT(KIB(2));
		unsigned weight = 0;
		for (end = i; end < f->pair_count && f->pairs[end].a == p->a && f->pairs[end].b == p->b; end++) {
			const struct pair *one = &f->pairs[end];
			if (end > i && one->reason == f->pairs[end - 1].reason)
				continue;
			buf_fmt(&why, "%s%s", why.n ? ", " : "", reasons[one->reason].words);
			if (one->about.n)
				buf_fmt(&why, " '" STR_FMT "'", STR_ARG(str_head(one->about, 100)));
			weight += reasons[one->reason].weight;
		}
		out[n++] = (struct duplicate){ .a = x->id, .b = y->id, .a_name = x->name, .b_name = y->name,
					       .a_number = x->number, .b_number = y->number, .weight = weight,
					       .why = arena_str(a, buf_str(&why)) };
		buf_free(&why);
	}
	return n;
}

enum rc duplicates_find(struct reader *r, const struct types *t, const struct viewer *v, struct arena *a,
			struct duplicate **out, size_t *count_out, bool *more_out, struct err *err)
{
	struct finding f = { .a = a };
	struct arena *one = arena_new(KIB(64));
	struct record_query q = { .type = directory_type(t), .with_body = true, .after = STR(""), .text = STR("") };
	enum rc rc = q.type ? read_records(r, t, v, &q, UINT64_MAX, one, keep, &f, err) :
			      fail(err, RC_ABSENT, "there is no type of organisations");
	arena_free(one);
	*out = NULL;
	*count_out = 0;
	*more_out = false;
	if (rc == RC_OK) {
		same_keys(&f);
		near_names(&f);
		*out = ARENA_ARRAY(a, f.pair_count + 1, struct duplicate);
		size_t n = join_pairs(&f, a, *out);
		if (n > 1)
			qsort(*out, n, sizeof(**out), by_weight);
		*more_out = n > DUPLICATES_MOST;
		*count_out = *more_out ? DUPLICATES_MOST : n;
	}
	free(f.orgs);
	free(f.keys);
	free(f.pairs);
	return rc;
}
