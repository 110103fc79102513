/* SPDX-License-Identifier: Apache-2.0 */
/* The small parts of a type file: names, words in languages, roles, states, durations; and how an
 * error says where it is. */
#include "record/type_private.h"

#include <stdarg.h>

#include "record/kind_private.h"

enum rc type_refuse(const struct reading *r, const struct node *at, const char *fmt, ...)
{
	char words[240];
	va_list list;
	va_start(list, fmt);
	vsnprintf(words, sizeof(words), fmt, list);
	va_end(list);
	return fail(r->err, RC_INPUT, "%s:%u: %s", r->file, at ? at->line : 1, words);
}

/* Insertions, deletions and changes between two short words; 9: many. */
static unsigned distance(str a, str b)
{
	unsigned row[TYPE_NAME_MAX + 2];
	if (a.n > TYPE_NAME_MAX || b.n > TYPE_NAME_MAX)
		return 9;
	for (unsigned i = 0; i <= b.n; i++)
		row[i] = i;
	for (size_t i = 0; i < a.n; i++) {
		unsigned corner = row[0];
		row[0] = (unsigned)i + 1;
		for (size_t k = 0; k < b.n; k++) {
			unsigned change = corner + (a.p[i] != b.p[k]);
			unsigned other = (row[k] < row[k + 1] ? row[k] : row[k + 1]) + 1;
			corner = row[k + 1];
			row[k + 1] = change < other ? change : other;
		}
	}
	return row[b.n];
}

const char *type_nearest(struct arena *a, str got, const void *names, size_t count, size_t stride)
{
	unsigned best = got.n > 4 ? 3 : 2;
	const char *found = NULL;
	for (size_t i = 0; i < count; i++) {
		const char *name = *(const char *const *)((const char *)names + i * stride);
		unsigned d = distance(got, str_of(name));
		if (d < best) {
			best = d;
			found = name;
		}
	}
	return found ? arena_fmt(a, " (do you mean '%s'?)", found).p : "";
}
int type_index_in(str name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(name, str_of(names[i])))
			return (int)i;
	return -1;
}

const char *type_z(struct reading *r, str s)
{
	return arena_z(r->a, s);
}

/* Members of object `n` are all in `names`. */
enum rc type_only(struct reading *r, const struct node *n, const char *what,
		    const char *const *names, size_t count)
{
	if (n->kind != JSON_NEST || !n->object)
		return type_refuse(r, n, "%s must be an object in braces", what);
	for (const struct node *m = n->first; m; m = m->next)
		if (type_index_in(m->key, names, count) < 0)
			return type_refuse(r, m, "'" STR_FMT "' is no member of %s%s", STR_ARG(m->key), what,
					   type_nearest(r->a, m->key, names, count, sizeof(*names)));
	return RC_OK;
}

enum rc type_flag(struct reading *r, const struct node *o, const char *name, bool *out)
{
	const struct node *n = tree_get(o, name);
	if (n && n->kind != JSON_TRUE && n->kind != JSON_FALSE)
		return type_refuse(r, n, "'%s' must be true or false", name);
	*out = n && n->kind == JSON_TRUE;
	return RC_OK;
}

enum rc type_whole(struct reading *r, const struct node *n, uint64_t least, uint64_t most,
		     uint64_t *out)
{
	if (n->kind != JSON_NUMBER || !str_to_u64(n->text, out) || *out < least || *out > most)
		return type_refuse(r, n, "'" STR_FMT "' must be a whole number from %llu to %llu",
				   STR_ARG(n->key), (unsigned long long)least, (unsigned long long)most);
	return RC_OK;
}

/* Letters, digits and `joint` between them; begins with a letter. */
bool type_is_name(str s, char joint)
{
	if (s.n == 0 || s.n > TYPE_NAME_MAX || s.p[0] < 'a' || s.p[0] > 'z')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		bool letter = s.p[i] >= 'a' && s.p[i] <= 'z', digit = s.p[i] >= '0' && s.p[i] <= '9';
		if (!letter && !digit && !(s.p[i] == joint && s.p[i - 1] != joint))
			return false;
	}
	return s.p[s.n - 1] != joint;
}

/* No part of it is a number: "visit-7" is always the seventh visit. */
bool type_name_ok(str s)
{
	bool ok = type_is_name(s, '-');
	while (ok && s.n) {
		str part = str_cut(&s, '-');
		ok = part.n && part.p[0] >= 'a';
	}
	return ok;
}

static bool is_language(str s)
{
	size_t n = str_index(s, '-');
	if (n < 2 || n > 3 || s.n > 16 || s.n == n + 1)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= 'a' && c <= 'z') || (i > n && ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
		      || i == n))
			return false;
	}
	return true;
}

/* {"en":"…","id":"…"}; the member `beside` (may be NULL) is no language. */
enum rc type_words_of(struct reading *r, const struct node *n, const char *what, size_t longest,
		     const char *beside, const struct words **out)
{
	size_t count = 0;
	bool english = false;
	if (n->kind != JSON_NEST || !n->object)
		return type_refuse(r, n, "%s needs a text for each language, as {\"en\": \"…\"}", what);
	struct words *w = ARENA_ARRAY(r->a, n->count + 1, struct words);
	for (const struct node *m = n->first; m; m = m->next) {
		if (beside && str_eq(m->key, str_of(beside)))
			continue;
		if (!is_language(m->key))
			return type_refuse(r, m, "'" STR_FMT "' is no language, say 'en' or 'id'", STR_ARG(m->key));
		if (count == TYPE_WORDS_MAX)
			return type_refuse(r, m, "more than %d languages", TYPE_WORDS_MAX);
		if (m->kind != JSON_STRING || str_trim(m->text).n == 0)
			return type_refuse(r, m, "%s in '" STR_FMT "' must be a text", what, STR_ARG(m->key));
		if (text_characters(m->text) > longest)
			return type_refuse(r, m, "%s has more than %zu characters", what, longest);
		english = english || str_eq(m->key, STR("en"));
		w[count++] = (struct words){ .language = type_z(r, m->key), .text = type_z(r, m->text) };
	}
	if (!english)
		return type_refuse(r, n, "%s has no text in English ('en')", what);
	*out = w;
	return RC_OK;
}

enum rc type_label(struct reading *r, const struct node *o, const char *name, bool needed,
			size_t longest, const struct words **out)
{
	static const struct words none[] = { { NULL, NULL } };
	const struct node *n = tree_get(o, name);
	*out = none;
	if (!n && needed)
		return type_refuse(r, o, "'%s' is missing", name);
	return n ? type_words_of(r, n, arena_fmt(r->a, "'%s'", name).p, longest, NULL, out) : RC_OK;
}

/* ["a","b"] or ["*"]: names of states. */
enum rc type_states_of(struct reading *r, const struct node *n, uint64_t *out)
{
	const struct type *t = r->t;
	uint64_t bits = 0;
	if (n->kind != JSON_NEST || n->object)
		return type_refuse(r, n, "'" STR_FMT "' must be a list of states", STR_ARG(n->key));
	for (const struct node *m = n->first; m; m = m->next) {
		int s = m->kind == JSON_STRING ? type_state(t, m->text) : -1;
		if (m->kind == JSON_STRING && str_eq(m->text, STR("*")))
			bits |= (UINT64_C(1) << t->state_count) - 1;
		else if (s < 0)
			return type_refuse(r, m, "there is no state '" STR_FMT "'%s", STR_ARG(m->text),
					   type_nearest(r->a, m->text, t->states, t->state_count,
							sizeof(*t->states)));
		else
			bits |= UINT64_C(1) << s;
	}
	*out = bits;
	return RC_OK;
}

enum rc type_role_of(struct reading *r, const struct node *at, str name, uint32_t *out)
{
	size_t count = 0;
	while (r->roles[count])
		count++;
	int bit = type_index_in(name, r->roles, count);
	if (bit < 0)
		return type_refuse(r, at, "there is no role '" STR_FMT "'%s", STR_ARG(name),
				   type_nearest(r->a, name, r->roles, count, sizeof(*r->roles)));
	*out |= UINT32_C(1) << bit;
	return RC_OK;
}

enum rc type_duration(struct reading *r, const struct node *n, int64_t *out)
{
	if (n->kind != JSON_STRING || !iso_duration_parse(n->text, out))
		return type_refuse(r, n, "'" STR_FMT "' is no duration, say \"PT4H\", \"P5D\" or \"-PT12H\"",
				   STR_ARG(n->text));
	return RC_OK;
}
