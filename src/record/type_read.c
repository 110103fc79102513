/* SPDX-License-Identifier: Apache-2.0 */
/* One type file: its members, each checked where it stands. What needs the whole
 * type is in type_check.c, what needs other types in type_load.c. */
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
#define NEAREST(r, got, names) \
	type_nearest((r)->a, (got), (names), COUNT_OF(names), sizeof((names)[0]))

static int index_in(str name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(name, str_of(names[i])))
			return (int)i;
	return -1;
}

static const char *z(struct reading *r, str s)
{
	return arena_z(r->a, s);
}

/* Members of object `n` are all in `names`. */
static enum rc only(struct reading *r, const struct node *n, const char *what,
		    const char *const *names, size_t count)
{
	if (n->kind != JSON_NEST || !n->object)
		return type_refuse(r, n, "%s must be an object in braces", what);
	for (const struct node *m = n->first; m; m = m->next)
		if (index_in(m->key, names, count) < 0)
			return type_refuse(r, m, "'" STR_FMT "' is no member of %s%s", STR_ARG(m->key), what,
					   type_nearest(r->a, m->key, names, count, sizeof(*names)));
	return RC_OK;
}

static enum rc flag(struct reading *r, const struct node *o, const char *name, bool *out)
{
	const struct node *n = tree_get(o, name);
	if (n && n->kind != JSON_TRUE && n->kind != JSON_FALSE)
		return type_refuse(r, n, "'%s' must be true or false", name);
	*out = n && n->kind == JSON_TRUE;
	return RC_OK;
}

static enum rc whole(struct reading *r, const struct node *n, uint64_t least, uint64_t most,
		     uint64_t *out)
{
	if (n->kind != JSON_NUMBER || !str_to_u64(n->text, out) || *out < least || *out > most)
		return type_refuse(r, n, "'" STR_FMT "' must be a whole number from %llu to %llu",
				   STR_ARG(n->key), (unsigned long long)least, (unsigned long long)most);
	return RC_OK;
}

/* Letters, digits and `joint` between them; begins with a letter. */
static bool is_name(str s, char joint)
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
	bool ok = is_name(s, '-');
	while (ok && s.n) {
		str part = str_cut(&s, '-');
		ok = part.n && part.p[0] >= 'a';
	}
	return ok;
}

/* Choices may be codes of others: "AMBER+STRICT", "CVSS:3.1". */
static bool is_choice_name(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!word && !(i && strchr("-_+.:", c)))
			return false;
	}
	return s.n > 0 && s.n <= TYPE_NAME_MAX;
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
static enum rc words(struct reading *r, const struct node *n, const char *what, size_t longest,
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
		w[count++] = (struct words){ .language = z(r, m->key), .text = z(r, m->text) };
	}
	if (!english)
		return type_refuse(r, n, "%s has no text in English ('en')", what);
	*out = w;
	return RC_OK;
}

static enum rc label_of(struct reading *r, const struct node *o, const char *name, bool needed,
			size_t longest, const struct words **out)
{
	static const struct words none[] = { { NULL, NULL } };
	const struct node *n = tree_get(o, name);
	*out = none;
	if (!n && needed)
		return type_refuse(r, o, "'%s' is missing", name);
	return n ? words(r, n, arena_fmt(r->a, "'%s'", name).p, longest, NULL, out) : RC_OK;
}

/* ["a","b"] or ["*"]: names of states. */
static enum rc states_of(struct reading *r, const struct node *n, uint64_t *out)
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

static enum rc role_of(struct reading *r, const struct node *at, str name, uint32_t *out)
{
	size_t count = 0;
	while (r->roles[count])
		count++;
	int bit = index_in(name, r->roles, count);
	if (bit < 0)
		return type_refuse(r, at, "there is no role '" STR_FMT "'%s", STR_ARG(name),
				   type_nearest(r->a, name, r->roles, count, sizeof(*r->roles)));
	*out |= UINT32_C(1) << bit;
	return RC_OK;
}

static enum rc duration_of(struct reading *r, const struct node *n, int64_t *out)
{
	if (n->kind != JSON_STRING || !iso_duration_parse(n->text, out))
		return type_refuse(r, n, "'" STR_FMT "' is no duration, say \"PT4H\", \"P5D\" or \"-PT12H\"",
				   STR_ARG(n->text));
	return RC_OK;
}

/* --- fields --- */

static enum rc choices(struct reading *r, const struct node *n, struct type_field *f, bool column)
{
	if (n->kind != JSON_NEST || !n->object || n->count == 0)
		return type_refuse(r, n, "'choices' must name at least one");
	if (n->count > TYPE_CHOICES_MAX)
		return type_refuse(r, n, "more than %d choices", TYPE_CHOICES_MAX);
	struct choice *list = ARENA_ARRAY(r->a, n->count, struct choice);
	for (const struct node *m = n->first; m; m = m->next) {
		struct choice *c = &list[f->choice_count++];
		if (!is_choice_name(m->key))
			return type_refuse(r, m, "'" STR_FMT "' is no name for a choice", STR_ARG(m->key));
		enum rc rc = words(r, m, "a choice", TYPE_LABEL_CHARS, "opens", &c->label);
		if (rc != RC_OK)
			return rc;
		c->name = z(r, m->key);
		const struct node *opens = tree_get(m, "opens");
		if (opens && (opens->kind != JSON_STRING || column))
			return type_refuse(r, opens, column ? "a choice in rows opens no block" :
							      "'opens' must name a block");
		c->opens = opens ? z(r, opens->text) : NULL;
	}
	f->choices = list;
	return RC_OK;
}

/* What "max" of a kind may be; 0: it has none. */
static uint64_t longest_of(enum kind k, uint64_t *most_out)
{
	*most_out = k == KIND_TEXT ? KIND_TEXT_MOST :
		    k == KIND_LONG ? KIND_LONG_MOST :
		    k == KIND_ROWS ? KIND_ROWS_MOST :
				     0;
	return k == KIND_TEXT ? KIND_TEXT_USUAL :
	       k == KIND_LONG ? KIND_LONG_USUAL :
	       k == KIND_ROWS ? KIND_ROWS_USUAL :
				0;
}

static enum rc limits(struct reading *r, const struct node *n, struct type_field *f)
{
	const struct node *min = tree_get(n, "min"), *max = tree_get(n, "max"),
			  *decimals = tree_get(n, "decimals");
	uint64_t most = 0, v = 0;
	enum rc rc = RC_OK;
	f->longest = longest_of(f->kind, &most);
	if (f->kind == KIND_NUMBER) {
		if (decimals && (rc = whole(r, decimals, 0, KIND_DECIMALS_MOST, &v)) != RC_OK)
			return rc;
		f->decimals = (unsigned)v;
		f->least = -KIND_NUMBER_MOST;
		f->most = KIND_NUMBER_MOST;
		f->has_range = min || max;
		if (min && (min->kind != JSON_NUMBER || !decimal_parse(min->text, f->decimals, &f->least)))
			return type_refuse(r, min, "'min' must be a number of at most %u decimals", f->decimals);
		if (max && (max->kind != JSON_NUMBER || !decimal_parse(max->text, f->decimals, &f->most)))
			return type_refuse(r, max, "'max' must be a number of at most %u decimals", f->decimals);
		if (f->least > f->most)
			return type_refuse(r, min ? min : max, "'min' is more than 'max'");
		return RC_OK;
	}
	if (min || decimals)
		return type_refuse(r, min ? min : decimals, "only a number has '%s'",
				   min ? "min" : "decimals");
	if (max && most == 0)
		return type_refuse(r, max, "a field of kind '%s' has no 'max'", kind_name(f->kind));
	return max ? whole(r, max, 1, most, &f->longest) : RC_OK;
}

static enum rc kind_of(struct reading *r, const struct node *n, struct type_field *f)
{
	const struct node *kind = tree_get(n, "kind");
	const char *names[KINDS];
	for (unsigned k = 0; k < KINDS; k++)
		names[k] = kind_name((enum kind)k);
	if (!kind)
		return type_refuse(r, n, "field '%s' has no 'kind'", f->name);
	int k = kind->kind == JSON_STRING ? index_in(kind->text, names, KINDS) : -1;
	if (k < 0)
		return type_refuse(r, kind, "there is no kind '" STR_FMT "'%s", STR_ARG(kind->text),
				   NEAREST(r, kind->text, names));
	f->kind = (enum kind)k;
	return RC_OK;
}

static enum rc share_of(struct reading *r, const struct node *n, struct type_field *f)
{
	const struct node *share = tree_get(n, "share");
	f->share = SHARE_TEAM;
	if (!share)
		return RC_OK;
	for (unsigned s = SHARE_OPEN; s <= SHARE_SEALED; s++)
		if (share->kind == JSON_STRING && str_eq(share->text, str_of(share_name((enum share)s)))) {
			f->share = (enum share)s;
			return RC_OK;
		}
	return type_refuse(r, share, "'share' must be open, party, team, named or sealed");
}

/* Members that only some kinds have. */
static enum rc of_kind(struct reading *r, const struct node *n, struct type_field *f, bool column)
{
	static const struct { const char *name; enum kind kind; bool needed; } members[] = {
		{ "choices", KIND_CHOICE, true }, { "to", KIND_REFERENCE, false }, { "rows", KIND_ROWS, true },
	};
	for (size_t i = 0; i < COUNT_OF(members); i++) {
		const struct node *m = tree_get(n, members[i].name);
		if (m && f->kind != members[i].kind)
			return type_refuse(r, m, "only kind '%s' has '%s'", kind_name(members[i].kind),
					   members[i].name);
		if (!m && members[i].needed && f->kind == members[i].kind)
			return type_refuse(r, n, "field '%s' needs '%s'", f->name, members[i].name);
	}
	const struct node *to = tree_get(n, "to");
	if (to && to->kind != JSON_STRING)
		return type_refuse(r, to, "'to' must name a type");
	f->refers_to = to ? z(r, to->text) : f->kind == KIND_PERSON ? kind_name(KIND_PERSON) : NULL;
	if (f->kind == KIND_CHOICE)
		return choices(r, tree_get(n, "choices"), f, column);
	return RC_OK;
}

static enum rc fields(struct reading *r, const struct node *n, bool column,
		      const struct type_field **out, size_t *count_out);

static enum rc field(struct reading *r, const struct node *n, struct type_field *f, bool column)
{
	static const char *const members[] = { "kind", "label", "help", "max", "min", "decimals", "choices",
					       "to", "required", "rows", "share", "personal", "list",
					       "since", "block" };
	enum { COLUMN_MEMBERS = 9 };
	const struct node *m;
	enum rc rc = only(r, n, column ? "a column" : "a field", members,
			  column ? COLUMN_MEMBERS : COUNT_OF(members));
	if (rc == RC_OK)
		rc = kind_of(r, n, f);
	if (rc == RC_OK && column && (f->kind == KIND_ROWS || f->kind == KIND_FILE || f->kind == KIND_SECRET))
		return type_refuse(r, n, "'%s' cannot stand inside rows", kind_name(f->kind));
	if (rc == RC_OK)
		rc = label_of(r, n, "label", true, TYPE_LABEL_CHARS, &f->label);
	if (rc == RC_OK)
		rc = label_of(r, n, "help", false, TYPE_HELP_CHARS, &f->help);
	if (rc == RC_OK)
		rc = limits(r, n, f);
	if (rc == RC_OK)
		rc = of_kind(r, n, f, column);
	if (rc == RC_OK && (m = tree_get(n, "required")))
		rc = states_of(r, m, &f->required_in);
	f->since = 1;
	if (rc != RC_OK || column)
		return rc;
	if ((rc = share_of(r, n, f)) != RC_OK || (rc = flag(r, n, "personal", &f->personal)) != RC_OK ||
	    (rc = flag(r, n, "list", &f->list)) != RC_OK)
		return rc;
	if (f->list && (f->kind == KIND_ROWS || f->kind == KIND_LONG || f->kind == KIND_FLAG ||
			f->kind == KIND_SECRET))
		return type_refuse(r, tree_get(n, "list"), "there are no lists of kind '%s'",
				   kind_name(f->kind));
	if ((m = tree_get(n, "since"))) {
		uint64_t since = 1;
		if ((rc = whole(r, m, 1, r->t->version, &since)) != RC_OK)
			return rc;
		f->since = (uint32_t)since;
	}
	if ((m = tree_get(n, "block"))) {
		if (m->kind != JSON_STRING)
			return type_refuse(r, m, "'block' must name a block");
		f->block = z(r, m->text);
	}
	if (f->kind == KIND_ROWS)
		return fields(r, tree_get(n, "rows"), true, &f->rows, &f->row_count);
	return RC_OK;
}

/* Names that mean something else wherever a field's name stands. */
static const char *const reserved[] = { "id", "type", "number", "version", "state", "author", "created",
					"changed", "labels", "due", "text", "why", "origin", "after",
					"links", "tlp" };

/* A type's fields, or the columns of one: these have no rows, so this goes two deep. */
static enum rc fields(struct reading *r, const struct node *n, bool column,
		      const struct type_field **out, size_t *count_out)
{
	size_t most = column ? TYPE_COLUMNS_MAX : TYPE_FIELDS_MAX;
	if (n->kind != JSON_NEST || !n->object || n->count == 0)
		return type_refuse(r, n, "'" STR_FMT "' must name at least one field", STR_ARG(n->key));
	if (n->count > most)
		return type_refuse(r, n, "more than %zu fields", most);
	struct type_field *list = ARENA_ARRAY(r->a, n->count, struct type_field);
	size_t count = 0;
	for (const struct node *m = n->first; m; m = m->next) {
		struct type_field *f = &list[count];
		if (!is_name(m->key, '_'))
			return type_refuse(r, m, "'" STR_FMT "' is no name for a field: letters a-z, digits and _, "
					   "at most %d", STR_ARG(m->key), TYPE_NAME_MAX);
		if (!column && index_in(m->key, reserved, COUNT_OF(reserved)) >= 0)
			return type_refuse(r, m, "every record has '" STR_FMT "' already", STR_ARG(m->key));
		f->name = z(r, m->key);
		f->at = (unsigned)count++;
		enum rc rc = field(r, m, f, column);
		if (rc != RC_OK)
			return rc;
	}
	*out = list;
	*count_out = count;
	return RC_OK;
}

/* --- states --- */

static enum rc move_of(struct reading *r, const struct node *n, unsigned from, struct move *m)
{
	static const char *const members[] = { "roles", "why", "label" };
	const struct type *t = r->t;
	int to = type_state(t, n->key);
	if (to < 0)
		return type_refuse(r, n, "there is no state '" STR_FMT "'%s", STR_ARG(n->key),
				   type_nearest(r->a, n->key, t->states, t->state_count, sizeof(*t->states)));
	if ((unsigned)to == from)
		return type_refuse(r, n, "state '" STR_FMT "' moves to itself", STR_ARG(n->key));
	enum rc rc = only(r, n, "a move", members, COUNT_OF(members));
	if (rc == RC_OK)
		rc = flag(r, n, "why", &m->asks_why);
	if (rc == RC_OK)
		rc = label_of(r, n, "label", false, TYPE_LABEL_CHARS, &m->label);
	if (rc != RC_OK)
		return rc;
	if (!m->label->language)
		m->label = NULL;
	m->to = (unsigned)to;
	const struct node *roles = tree_get(n, "roles");
	if (!roles || roles->kind != JSON_NEST || roles->object || roles->count == 0)
		return type_refuse(r, roles ? roles : n, "a move needs 'roles', a list of who may");
	for (const struct node *role = roles->first; role && rc == RC_OK; role = role->next)
		rc = role_of(r, role, role->text, &m->roles);
	return rc;
}

static enum rc state_of(struct reading *r, const struct node *n, struct state *s, unsigned at)
{
	static const char *const members[] = { "label", "closed", "to" };
	enum rc rc = only(r, n, "a state", members, COUNT_OF(members));
	if (rc == RC_OK)
		rc = label_of(r, n, "label", true, TYPE_LABEL_CHARS, &s->label);
	if (rc == RC_OK)
		rc = flag(r, n, "closed", &s->closed);
	const struct node *to = tree_get(n, "to");
	if (rc != RC_OK || !to)
		return rc;
	if (to->kind != JSON_NEST || !to->object)
		return type_refuse(r, to, "'to' must be an object: the states it may move to");
	struct move *moves = ARENA_ARRAY(r->a, to->count, struct move);
	s->moves = moves;
	for (const struct node *m = to->first; m && rc == RC_OK; m = m->next)
		rc = move_of(r, m, at, &moves[s->move_count++]);
	return rc;
}

static enum rc states(struct reading *r, const struct node *n)
{
	enum rc rc = RC_OK;
	unsigned at = 0;
	if (n->kind != JSON_NEST || !n->object || n->count == 0)
		return type_refuse(r, n, "'states' must name at least one");
	if (n->count > TYPE_STATES_MAX)
		return type_refuse(r, n, "more than %d states", TYPE_STATES_MAX);
	struct state *list = ARENA_ARRAY(r->a, n->count, struct state);
	for (const struct node *m = n->first; m; m = m->next) {
		if (!is_name(m->key, '-'))
			return type_refuse(r, m, "'" STR_FMT "' is no name for a state", STR_ARG(m->key));
		list[r->t->state_count++].name = z(r, m->key);
	}
	r->t->states = list;
	for (const struct node *m = n->first; m && rc == RC_OK; m = m->next, at++)
		rc = state_of(r, m, &list[at], at);
	return rc;
}

/* --- clocks, blocks, rights, list --- */

static enum rc role_named(struct reading *r, const struct node *n, const char **out)
{
	uint32_t bit = 0;
	enum rc rc = role_of(r, n, n->kind == JSON_STRING ? n->text : STR(""), &bit);
	*out = rc == RC_OK ? z(r, n->text) : NULL;
	return rc;
}

/* [{"after": "PT1H", "to": "duty"}, ...] */
static enum rc ladder_of(struct reading *r, const struct node *n, struct clock_rule *c)
{
	static const char *const members[] = { "after", "to" };
	enum rc rc = RC_OK;
	if (n->kind != JSON_NEST || n->object || n->count > TYPE_ESCALATIONS_MAX)
		return type_refuse(r, n, "'escalate' must be a list of at most %d steps", TYPE_ESCALATIONS_MAX);
	struct escalation *list = ARENA_ARRAY(r->a, n->count, struct escalation);
	c->ladder = list;
	for (const struct node *m = n->first; m && rc == RC_OK; m = m->next) {
		struct escalation *e = &list[c->ladder_count];
		const struct node *after = tree_get(m, "after"), *to = tree_get(m, "to");
		if ((rc = only(r, m, "a step of 'escalate'", members, COUNT_OF(members))) != RC_OK)
			return rc;
		if (!after || !to)
			return type_refuse(r, m, "a step of 'escalate' needs 'after' and 'to'");
		if ((rc = duration_of(r, after, &e->after_us)) == RC_OK)
			rc = role_named(r, to, &e->to);
		if (rc == RC_OK && (e->after_us <= 0 || (c->ladder_count && e->after_us <= e[-1].after_us)))
			return type_refuse(r, after, "steps of 'escalate' must rise from above nothing");
		c->ladder_count++;
	}
	return rc;
}

static enum rc clock_of(struct reading *r, const struct node *n, struct clock_rule *c)
{
	static const char *const members[] = { "label", "start", "stop", "pause", "start_at", "due",
					       "business", "tell", "escalate" };
	const struct node *start = tree_get(n, "start"), *stop = tree_get(n, "stop"),
			  *pause = tree_get(n, "pause"), *at = tree_get(n, "start_at"),
			  *due = tree_get(n, "due"), *tell = tree_get(n, "tell"),
			  *escalate = tree_get(n, "escalate");
	enum rc rc = only(r, n, "a clock", members, COUNT_OF(members));
	if (rc == RC_OK)
		rc = label_of(r, n, "label", true, TYPE_LABEL_CHARS, &c->label);
	if (rc == RC_OK)
		rc = flag(r, n, "business", &c->business);
	if (rc == RC_OK && start)
		rc = states_of(r, start, &c->start_in);
	if (rc == RC_OK && stop)
		rc = states_of(r, stop, &c->stop_in);
	if (rc == RC_OK && pause)
		rc = states_of(r, pause, &c->pause_in);
	if (rc != RC_OK)
		return rc;
	if (at && at->kind != JSON_STRING)
		return type_refuse(r, at, "'start_at' must name a field");
	c->start_at = at ? z(r, at->text) : NULL;
	if (!due)
		return type_refuse(r, n, "clock '%s' needs 'due'", c->name);
	if ((rc = duration_of(r, due, &c->due_us)) != RC_OK ||
	    (tell && (rc = role_named(r, tell, &c->tell)) != RC_OK) || !escalate)
		return rc;
	return ladder_of(r, escalate, c);
}

static enum rc clocks(struct reading *r, const struct node *n)
{
	enum rc rc = RC_OK;
	if (n->kind != JSON_NEST || !n->object)
		return type_refuse(r, n, "'clocks' must be an object");
	if (n->count > TYPE_CLOCKS_MAX)
		return type_refuse(r, n, "more than %d clocks", TYPE_CLOCKS_MAX);
	struct clock_rule *list = ARENA_ARRAY(r->a, n->count, struct clock_rule);
	r->t->clocks = list;
	for (const struct node *m = n->first; m && rc == RC_OK; m = m->next) {
		if (!is_name(m->key, '-'))
			return type_refuse(r, m, "'" STR_FMT "' is no name for a clock", STR_ARG(m->key));
		struct clock_rule *c = &list[r->t->clock_count++];
		c->name = z(r, m->key);
		rc = clock_of(r, m, c);
	}
	return rc;
}

static enum rc blocks(struct reading *r, const struct node *n)
{
	enum rc rc = RC_OK;
	if (n->kind != JSON_NEST || !n->object)
		return type_refuse(r, n, "'blocks' must be an object");
	if (n->count > TYPE_BLOCKS_MAX)
		return type_refuse(r, n, "more than %d blocks", TYPE_BLOCKS_MAX);
	struct block *list = ARENA_ARRAY(r->a, n->count, struct block);
	r->t->blocks = list;
	for (const struct node *m = n->first; m && rc == RC_OK; m = m->next) {
		if (!is_name(m->key, '-'))
			return type_refuse(r, m, "'" STR_FMT "' is no name for a block", STR_ARG(m->key));
		struct block *b = &list[r->t->block_count++];
		b->name = z(r, m->key);
		rc = words(r, m, "a block", TYPE_LABEL_CHARS, NULL, &b->label);
	}
	return rc;
}

static enum rc reach_of(struct reading *r, const struct node *n, enum reach *out)
{
	static const char *const names[] = { "named", "own", "all" };
	int at = n->kind == JSON_STRING ? index_in(n->text, names, COUNT_OF(names)) : -1;
	if (at < 0)
		return type_refuse(r, n, "how far a right reaches is \"all\", \"own\" or \"named\"");
	*out = (enum reach)(at + REACH_NAMED);
	return RC_OK;
}

/* "analyst": "all" or "constituent": {"reach": "own", "states": ["report"]} */
static enum rc grant_of(struct reading *r, const struct node *n, struct grant *g)
{
	static const char *const members[] = { "reach", "states" };
	enum rc rc = role_of(r, n, n->key, &g->roles);
	g->states = (UINT64_C(1) << r->t->state_count) - 1;
	if (rc != RC_OK)
		return rc;
	if (n->kind != JSON_NEST)
		return reach_of(r, n, &g->reach);
	if ((rc = only(r, n, "a right", members, COUNT_OF(members))) != RC_OK)
		return rc;
	const struct node *reach = tree_get(n, "reach"), *in = tree_get(n, "states");
	if (!reach)
		return type_refuse(r, n, "'reach' is missing");
	if ((rc = reach_of(r, reach, &g->reach)) == RC_OK && in)
		rc = states_of(r, in, &g->states);
	return rc;
}

static enum rc rights(struct reading *r, const struct node *n)
{
	const char *names[ACTIONS];
	size_t most = 0;
	for (unsigned i = 0; i < ACTIONS; i++)
		names[i] = action_name((enum action)i);
	enum rc rc = only(r, n, "'rights'", names, ACTIONS);
	if (rc != RC_OK)
		return rc;
	for (const struct node *m = n->first; m; m = m->next)
		most += m->count;
	struct grant *list = ARENA_ARRAY(r->a, most, struct grant);
	size_t count = 0;
	for (const struct node *m = n->first; m; m = m->next) {
		if (m->kind != JSON_NEST || !m->object)
			return type_refuse(r, m, "a right must be an object: roles and how far each reaches");
		size_t from = count;
		for (const struct node *role = m->first; role; role = role->next) {
			struct grant g = { .action = (enum action)index_in(m->key, names, ACTIONS) };
			if ((rc = grant_of(r, role, &g)) != RC_OK)
				return rc;
			size_t i = from;
			while (i < count && (list[i].reach != g.reach || list[i].states != g.states))
				i++;
			if (i == count)
				list[count++] = g;
			list[i].roles |= g.roles;
		}
	}
	r->t->grants = list;
	r->t->grant_count = count;
	return RC_OK;
}

/* A field of the type by a name in the tree. */
static enum rc field_named(struct reading *r, const struct node *n, str name,
			   const struct type_field **out)
{
	const struct type *t = r->t;
	*out = n->kind == JSON_STRING ? type_find_field(t, name) : NULL;
	if (!*out)
		return type_refuse(r, n, "there is no field '" STR_FMT "'%s", STR_ARG(name),
				   type_nearest(r->a, name, t->fields, t->field_count, sizeof(*t->fields)));
	return RC_OK;
}

/* Indexed: shown in lists, filtered and sorted by. */
static enum rc indexed(struct reading *r, const struct node *n, str name, const struct type_field **out)
{
	enum rc rc = field_named(r, n, name, out);
	if (rc != RC_OK)
		return rc;
	enum kind k = (*out)->kind;
	if (k == KIND_ROWS || k == KIND_LONG || k == KIND_FILE || k == KIND_SECRET ||
	    (*out)->share == SHARE_SEALED)
		return type_refuse(r, n, "field '%s' cannot stand in a list: %s", (*out)->name,
				   (*out)->share == SHARE_SEALED ? "it is sealed" : kind_name(k));
	((struct type_field *)(uintptr_t)*out)->indexed = true;
	return RC_OK;
}

static enum rc fields_named(struct reading *r, const struct node *n,
			    const struct type_field *const **out, size_t *count_out)
{
	enum rc rc = RC_OK;
	if (n->kind != JSON_NEST || n->object || n->count > TYPE_LIST_MAX)
		return type_refuse(r, n, "'" STR_FMT "' must be a list of at most %d fields", STR_ARG(n->key),
				   TYPE_LIST_MAX);
	const struct type_field **list = ARENA_ARRAY(r->a, n->count, const struct type_field *);
	for (const struct node *m = n->first; m && rc == RC_OK; m = m->next)
		rc = indexed(r, m, m->text, &list[(*count_out)++]);
	*out = list;
	return rc;
}

static enum rc list_of(struct reading *r, const struct node *n)
{
	static const char *const members[] = { "columns", "filters", "sort" };
	struct type *t = r->t;
	enum rc rc = only(r, n, "'list'", members, COUNT_OF(members));
	const struct node *columns = tree_get(n, "columns"), *filters = tree_get(n, "filters"),
			  *sort = tree_get(n, "sort");
	if (rc == RC_OK && columns)
		rc = fields_named(r, columns, &t->columns, &t->column_count);
	if (rc == RC_OK && filters)
		rc = fields_named(r, filters, &t->filters, &t->filter_count);
	if (rc != RC_OK || !sort)
		return rc;
	str name = sort->text;
	t->descending = str_starts(name, STR("-"));
	name = str_from(name, t->descending);
	return str_eq(name, STR("changed")) ? RC_OK : indexed(r, sort, name, &t->sort);
}

static enum rc single(struct reading *r, const char *name, const struct type_field **out)
{
	const struct node *n = tree_get(r->root, name);
	return n ? field_named(r, n, n->text, out) : RC_OK;
}

/* --- what is made of it --- */

static enum rc name_in(struct reading *r, const struct node *o, const char *member, const char **out)
{
	const struct node *n = tree_get(o, member);
	if (n && (n->kind != JSON_STRING || n->text.n == 0))
		return type_refuse(r, n, "'%s' must name a field of the other type", member);
	*out = n ? z(r, n->text) : NULL;
	return RC_OK;
}

static const struct type_field *column_of(const struct makes *m, str name)
{
	for (size_t i = 0; i < m->from->row_count; i++)
		if (str_eq(str_of(m->from->rows[i].name), name))
			return &m->from->rows[i];
	return NULL;
}

static enum rc copies(struct reading *r, const struct node *n, struct makes *m)
{
	if (n->kind != JSON_NEST || !n->object || n->count > TYPE_COLUMNS_MAX)
		return type_refuse(r, n, "'copy' must be an object: columns and the fields they become");
	struct made_column *list = ARENA_ARRAY(r->a, n->count, struct made_column);
	m->copy = list;
	for (const struct node *c = n->first; c; c = c->next) {
		if (!column_of(m, c->key) || c->kind != JSON_STRING)
			return type_refuse(r, c, "'" STR_FMT "' is no column of '%s'", STR_ARG(c->key),
					   m->from->name);
		list[m->copy_count++] = (struct made_column){ z(r, c->key), z(r, c->text) };
	}
	return RC_OK;
}

static enum rc makes_of(struct reading *r, const struct node *n)
{
	static const char *const members[] = { "type", "from", "in", "parent", "origin", "number", "due",
					       "after", "copy" };
	struct makes *m = ARENA_NEW(r->a, struct makes);
	enum rc rc = only(r, n, "'makes'", members, COUNT_OF(members));
	const struct node *from = tree_get(n, "from"), *copy = tree_get(n, "copy"), *in = tree_get(n, "in");
	m->states = (UINT64_C(1) << r->t->state_count) - 1;
	if (rc == RC_OK && (!tree_get(n, "type") || !from || !copy))
		return type_refuse(r, n, "'makes' needs 'type', 'from' and 'copy'");
	if (rc == RC_OK)
		rc = field_named(r, from, from->text, &m->from);
	if (rc == RC_OK && m->from->kind != KIND_ROWS)
		return type_refuse(r, from, "'from' must name rows");
	if (rc != RC_OK || (rc = name_in(r, n, "type", &m->type)) != RC_OK ||
	    (rc = name_in(r, n, "parent", &m->parent)) != RC_OK ||
	    (rc = name_in(r, n, "origin", &m->origin)) != RC_OK ||
	    (rc = name_in(r, n, "number", &m->number)) != RC_OK ||
	    (rc = name_in(r, n, "due", &m->due)) != RC_OK ||
	    (rc = name_in(r, n, "after", &m->after)) != RC_OK)
		return rc;
	if (!m->due != !m->after)
		return type_refuse(r, n, "'due' and 'after' go together");
	const struct type_field *after = m->after ? column_of(m, str_of(m->after)) : NULL;
	if (m->after && (!after || after->kind != KIND_DURATION))
		return type_refuse(r, tree_get(n, "after"), "'after' must name a column that is a duration");
	if (in && (rc = states_of(r, in, &m->states)) != RC_OK)
		return rc;
	r->t->makes = m;
	return copies(r, copy, m);
}

/* --- what it means to code that knows no type --- */

/* "agreement.party": "parties", or "state:in-force". */
static enum rc meaning(struct reading *r, const struct node *n, struct meaning *m)
{
	bool sound = n->key.n <= 2 * TYPE_NAME_MAX && str_has(n->key, '.');

	for (size_t i = 0; sound && i < n->key.n; i++)
		sound = (n->key.p[i] >= 'a' && n->key.p[i] <= 'z') || n->key.p[i] == '.' ||
			n->key.p[i] == '-';
	if (!sound)
		return type_refuse(r, n, "'" STR_FMT "' is no meaning: letters a-z, a dot, letters",
				   STR_ARG(n->key));
	m->name = z(r, n->key);
	if (n->kind != JSON_STRING || !str_starts(n->text, STR("state:")))
		return field_named(r, n, n->text, &m->field);
	int state = type_state(r->t, str_from(n->text, 6));
	if (state < 0)
		return type_refuse(r, n, "there is no state '" STR_FMT "'", STR_ARG(str_from(n->text, 6)));
	m->state = (unsigned)state;
	return RC_OK;
}

static enum rc means(struct reading *r, const struct node *n)
{
	enum rc rc = RC_OK;
	if (n->kind != JSON_NEST || !n->object || n->count > TYPE_LIST_MAX)
		return type_refuse(r, n, "'means' must be an object of at most %d members", TYPE_LIST_MAX);
	struct meaning *list = ARENA_ARRAY(r->a, n->count + 1, struct meaning);
	for (const struct node *m = n->first; m && rc == RC_OK; m = m->next)
		rc = meaning(r, m, &list[r->t->mean_count++]);
	r->t->means = list;
	return rc;
}

enum rc type_read(struct reading *r, str text)
{
	static const char *const members[] = { "type", "version", "label", "plural", "help", "title",
					       "organisation", "assignee", "retention", "exchange", "fields",
					       "blocks", "states", "clocks", "rights", "list", "means",
					       "makes" };
	static const char *const needed[] = { "type", "version", "label", "plural", "title", "fields",
					      "states", "rights" };
	struct type *t = r->t = ARENA_NEW(r->a, struct type);
	uint64_t version = 0;
	t->descending = true;
	t->text = arena_str(r->a, text);
	enum rc rc = tree_read(t->text, r->file, r->a, &r->root, r->err);
	if (rc == RC_OK)
		rc = only(r, r->root, "a type", members, COUNT_OF(members));
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(needed); i++)
		if (!tree_get(r->root, needed[i]))
			return type_refuse(r, NULL, "'%s' is missing", needed[i]);
	if (rc != RC_OK)
		return rc;
	const struct node *n = tree_get(r->root, "type");
	if (n->kind != JSON_STRING || !type_name_ok(n->text))
		return type_refuse(r, n, "a type is named in letters a-z, digits and -, at most %d, and a "
				   "letter behind each -", TYPE_NAME_MAX);
	t->name = z(r, n->text);
	if ((rc = whole(r, tree_get(r->root, "version"), 1, UINT32_MAX, &version)) != RC_OK)
		return rc;
	t->version = (uint32_t)version;
	if ((rc = label_of(r, r->root, "label", true, TYPE_LABEL_CHARS, &t->label)) != RC_OK ||
	    (rc = label_of(r, r->root, "plural", true, TYPE_LABEL_CHARS, &t->plural)) != RC_OK ||
	    (rc = label_of(r, r->root, "help", false, TYPE_HELP_CHARS, &t->help)) != RC_OK ||
	    (rc = flag(r, r->root, "exchange", &t->exchange)) != RC_OK ||
	    (rc = states(r, tree_get(r->root, "states"))) != RC_OK)
		return rc;
	if ((n = tree_get(r->root, "blocks")) && (rc = blocks(r, n)) != RC_OK)
		return rc;
	if ((rc = fields(r, tree_get(r->root, "fields"), false, &t->fields, &t->field_count)) != RC_OK)
		return rc;
	if ((n = tree_get(r->root, "clocks")) && (rc = clocks(r, n)) != RC_OK)
		return rc;
	if ((n = tree_get(r->root, "retention")) && (rc = duration_of(r, n, &t->retention_us)) != RC_OK)
		return rc;
	if ((rc = rights(r, tree_get(r->root, "rights"))) != RC_OK ||
	    (rc = single(r, "title", &t->title)) != RC_OK ||
	    (rc = single(r, "organisation", &t->organisation)) != RC_OK ||
	    (rc = single(r, "assignee", &t->assignee)) != RC_OK)
		return rc;
	if ((n = tree_get(r->root, "list")) && (rc = list_of(r, n)) != RC_OK)
		return rc;
	if ((n = tree_get(r->root, "makes")) && (rc = makes_of(r, n)) != RC_OK)
		return rc;
	if ((n = tree_get(r->root, "means")) && (rc = means(r, n)) != RC_OK)
		return rc;
	return type_check(r);
}
