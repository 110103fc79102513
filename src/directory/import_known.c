/* SPDX-License-Identifier: Apache-2.0 */
/* Organisations that stand, and which of them a draft is. */
#include <stdlib.h>
#include <json-c/json.h>

#include "directory/import_private.h"
#include "route/directory_records.h"

enum key_kind { KEY_EXTERNAL, KEY_NAME, KEY_HOST, KEY_CLAIM };
struct key_at {
	enum key_kind kind;
	str text;
	uint32_t place;
};
struct entry {
	struct known k;
	str name, country, successor;
	bool closed;
};
struct taken {
	str key, name;
	const struct draft *by;
};
struct known_all {
	struct arena *a;
	struct entry *list;
	size_t count, room;
	struct key_at *keys;
	size_t key_count, key_room;
	struct taken *taken;       /* claims of the drafts so far */
	size_t taken_count, taken_mask;
};

static void key_add(struct known_all *k, enum key_kind kind, str text, size_t place)
{
	if (text.n == 0)
		return;
	if (k->key_count == k->key_room) {
		k->key_room = k->key_room ? 2 * k->key_room : 1024;
		k->keys = x_grow(k->keys, k->key_room, sizeof(*k->keys));
	}
	k->keys[k->key_count++] = (struct key_at){ kind, text, (uint32_t)place };
}

/* Two cannot hold one claim in one role (route/directory_records.h). */
static str claim_key(struct arena *a, str kind, str value, str role)
{
	if (str_eq(kind, STR("asn")) && str_starts_nocase(value, STR("AS")))
		value = str_from(value, 2);
	char *key = arena_z(a, arena_fmt(a, STR_FMT " " STR_FMT " " STR_FMT, STR_ARG(kind), STR_ARG(value), STR_ARG(role)));
	for (char *p = key; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
	return str_of(key);
}

static bool keep(void *ctx, const struct record_view *v)
{
	struct known_all *k = ctx;
	const struct type *t = record_view_type(v);
	int state = record_view_state(v);
	struct arena *a = k->a;
	if (k->count == k->room) {
		k->room = k->room ? 2 * k->room : 256;
		k->list = x_grow(k->list, k->room, sizeof(*k->list));
	}
	struct entry *e = &k->list[k->count];
	*e = (struct entry){ .closed = t && state >= 0 && t->states[state].closed };
	e->k.id = record_view_id(v, a);
	e->k.version = record_view_version(v);
	e->k.body = arena_str(a, str_of(json_object_to_json_string_ext(v->body, JSON_C_TO_STRING_PLAIN)));
	e->name = arena_str(a, json_get_str(v->body, "name"));
	e->country = arena_str(a, json_get_str(v->body, "country"));
	e->successor = arena_str(a, json_get_str(v->body, "successor"));
	key_add(k, KEY_NAME, import_fold(a, json_get_str(v->body, "name")), k->count);
	key_add(k, KEY_HOST, import_host(a, json_get_str(v->body, "website")), k->count);
	struct json_object *list = json_get(v->body, "other_names");
	for (size_t i = 0; i < json_count(list); i++)
		key_add(k, KEY_NAME, import_fold(a, json_text(json_at(list, i))), k->count);
	list = json_get(v->body, "external");
	for (size_t i = 0; i < json_count(list); i++)
		key_add(k, KEY_EXTERNAL, arena_str(a, json_text(json_at(list, i))), k->count);
	list = json_get(v->body, "constituency");
	for (size_t i = 0; !e->closed && i < json_count(list); i++) {
		struct json_object *c = json_at(list, i);
		key_add(k, KEY_CLAIM, claim_key(a, json_get_str(c, "kind"), json_get_str(c, "value"), json_get_str(c, "role")),
			k->count);
	}
	k->count++;
	return true;
}

static int by_key(const void *x, const void *y)
{
	const struct key_at *a = x, *b = y;
	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	int c = str_cmp(a->text, b->text);
	return c ? c : (a->place > b->place) - (a->place < b->place);
}

enum rc known_load(struct reader *r, const struct types *t, const struct viewer *v, struct known_all **out,
		   struct err *err)
{
	struct known_all *k = x_alloc(sizeof(*k));
	k->a = arena_new(KIB(64));
	struct arena *a = arena_new(KIB(64));
	struct record_query q = { .type = directory_type(t), .with_body = true,
				  .after = STR(""), .text = STR("") };
	enum rc rc = q.type ? read_records(r, t, v, &q, UINT64_MAX, a, keep, k, err) :
			      fail(err, RC_ABSENT, "there is no type of organisations");
	arena_free(a);
	if (rc != RC_OK) {
		known_free(k);
		return rc;
	}
	if (k->key_count)
		qsort(k->keys, k->key_count, sizeof(*k->keys), by_key);
	*out = k;
	return RC_OK;
}

void known_free(struct known_all *k)
{
	if (!k)
		return;
	free(k->list);
	free(k->keys);
	free(k->taken);
	arena_free(k->a);
	free(k);
}

static size_t first_key(const struct known_all *k, enum key_kind kind, str text)
{
	size_t low = 0, high = k->key_count;
	const struct key_at want = { kind, text, 0 };
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (by_key(&k->keys[mid], &want) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static const struct entry *entry_of_id(const struct known_all *k, str id)
{
	for (size_t i = 0; i < k->count; i++)
		if (str_eq(k->list[i].k.id, id))
			return &k->list[i];
	return NULL;
}

/* Who followed it, when it is no longer; at most some steps, as a chain may be a ring. */
static const struct entry *today(const struct known_all *k, const struct entry *e)
{
	for (int i = 0; i < 8 && e->closed && e->successor.n; i++) {
		const struct entry *next = entry_of_id(k, e->successor);
		if (!next)
			break;
		e = next;
	}
	return e;
}

/* Of the organisations with the key the one that is meant: one that is active before those that
 * are not. *others: further ones. */
static const struct entry *by(const struct known_all *k, enum key_kind kind, str text, str country, size_t *others)
{
	const struct entry *found = NULL;
	*others = 0;
	if (text.n == 0)
		return NULL;
	for (size_t i = first_key(k, kind, text); i < k->key_count && k->keys[i].kind == kind &&
						  str_eq(k->keys[i].text, text); i++) {
		const struct entry *e = today(k, &k->list[k->keys[i].place]);
		bool elsewhere = country.n && e->country.n && !str_eq(country, e->country);
		if (elsewhere || e == found)
			continue;
		if (!found || (found->closed && !e->closed)) {
			found = e;
			*others = 0;
		} else if (found->closed == e->closed) {
			(*others)++;
		}
	}
	return found;
}

enum rc known_find(struct known_all *k, const struct draft *d, const struct known **out, struct err *err)
{
	size_t others = 0;
	*out = NULL;
	const struct entry *e = by(k, KEY_EXTERNAL, d->external, STR(""), &others);
	if (!e)
		e = by(k, KEY_NAME, import_fold(k->a, d->name), d->country, &others);
	for (size_t i = 0; !e && i < d->name_count; i++)
		e = by(k, KEY_NAME, import_fold(k->a, d->names[i]), d->country, &others);
	if (e && others)
		return fail(err, RC_CONFLICT, "'" STR_FMT "' could be several organisations: merge them, or give one the "
			    "id '" STR_FMT "'", STR_ARG(str_head(d->name, 60)), STR_ARG(str_head(d->external, 60)));
	if (!e && d->website_is_own) {
		e = by(k, KEY_HOST, import_host(k->a, d->website), d->country, &others);
		if (others)
			e = NULL;
	}
	if (e)
		*out = &e->k;
	return RC_OK;
}

static uint64_t hash_of(str s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

static struct taken *taken_at(struct known_all *k, str key)
{
	size_t at = hash_of(key) & k->taken_mask;
	while (k->taken[at].by && !str_eq(k->taken[at].key, key))
		at = (at + 1) & k->taken_mask;
	return &k->taken[at];
}

static void taken_widen(struct known_all *k)
{
	struct taken *old = k->taken;
	size_t n = old ? k->taken_mask + 1 : 0;
	k->taken_mask = n ? 2 * n - 1 : 1023;
	k->taken = x_array(k->taken_mask + 1, sizeof(*k->taken));
	for (size_t i = 0; i < n; i++)
		if (old[i].by)
			*taken_at(k, old[i].key) = old[i];
	free(old);
}

str known_rival(struct known_all *k, const struct known *who, const struct draft *d, const struct draft_claim *c)
{
	str keys[] = { claim_key(k->a, c->kind, c->value, c->role), claim_key(k->a, c->kind, c->value, STR("")) };
	if (str_eq(c->kind, STR("country"))) /* several may answer for a country */
		return STR("");
	for (size_t n = 0; n < COUNT_OF(keys); n++)
		for (size_t i = first_key(k, KEY_CLAIM, keys[n]);
		     i < k->key_count && k->keys[i].kind == KEY_CLAIM && str_eq(k->keys[i].text, keys[n]); i++)
			if (&k->list[k->keys[i].place].k != who)
				return k->list[k->keys[i].place].name;
	if ((k->taken_count + 1) * 2 > k->taken_mask)
		taken_widen(k);
	struct taken *t = taken_at(k, keys[0]);
	if (t->by)
		return t->by == d ? STR("") : t->name;
	*t = (struct taken){ keys[0], d->name, d };
	k->taken_count++;
	return STR("");
}
