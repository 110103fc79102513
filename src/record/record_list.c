/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: what filters, search and rights leave is cut to one set of rows (a bit each); then
 * an index is walked in the order asked for, and what stands in the set is given. No step
 * depends on how many pages went before. */
#include "base/json.h"
#include "record/record_private.h"

enum { FEW = 2000, STATES = TYPE_STATES_MAX };

bool record_condition(str text, str *name, enum compare *how, str *value)
{
	size_t at = str_index(text, '=');
	if (at == 0 || at == text.n)
		return false;
	char before = text.p[at - 1];
	*how = before == '>' ? COMPARE_LEAST :
	       before == '<' ? COMPARE_MOST :
	       before == '^' ? COMPARE_BEGINS :
			       COMPARE_IS;
	*name = str_head(text, at - (*how != COMPARE_IS));
	*value = str_from(text, at + 1);
	return name->n > 0;
}

/* Where a list goes on: behind this value, and at this value behind this row. */
struct spot {
	enum at { AT_START, AT_NUMBER, AT_TEXT, AT_CHANGED, AT_NONE } at; /* NONE: those without */
	int64_t number;
	str text;
	int64_t row;
};

struct listing {
	struct conn *c;
	const struct types *t;
	const struct record_query *q;
	record_each each;
	void *ctx;
	struct err *err;
	struct arena *a, *row_arena;
	bool cut;             /* `set` counts: else all rows */
	struct id_set set;
	int64_t highest, type; /* names; type 0: all */
	int64_t state[STATES]; /* names of the states asked for */
	size_t states;
	int64_t field;         /* name of the field it is sorted by */
	struct spot from;
	bool enough;
};

/* --- cursors: "c.TIME.UUID", "n.NUMBER.UUID", "t.HEX.UUID", "-.TIME.UUID" --- */

void record_cursor(const struct record_query *q, const struct record *r, struct buf *out)
{
	if (!q->sort || !r->has_sort_key) {
		buf_add(out, q->sort ? STR("-.") : STR("c."));
		buf_i64(out, r->changed_us);
	} else if (r->sort_key.is_number) {
		buf_add(out, STR("n."));
		buf_i64(out, r->sort_key.number);
	} else {
		buf_add(out, STR("t."));
		hex_format(out, r->sort_key.text.p, r->sort_key.text.n);
	}
	buf_char(out, '.');
	uuid_format(out, &r->id);
}

static bool take_hex(str hex, struct arena *a, str *out)
{
	if (hex.n > 512 || hex.n % 2)
		return false;
	char *p = arena_alloc(a, hex.n / 2 + 1);
	*out = str_mem(p, hex.n / 2);
	return hex_parse(hex, p, hex.n / 2);
}

static enum rc read_cursor(struct listing *l)
{
	str rest = l->q->after, kind = str_cut(&rest, '.'), value = str_cut(&rest, '.');
	struct spot *at = &l->from;
	struct uuid id;
	bool sound = kind.n == 1 && uuid_parse(rest, &id);
	if (!l->q->after.n)
		return RC_OK;
	if (sound && kind.p[0] == (l->q->sort ? '-' : 'c')) {
		at->at = l->q->sort ? AT_NONE : AT_CHANGED;
		sound = str_to_i64(value, &at->number);
	} else if (sound && l->q->sort && kind.p[0] == 'n') {
		at->at = AT_NUMBER;
		sound = str_to_i64(value, &at->number);
	} else if (sound && l->q->sort && kind.p[0] == 't') {
		at->at = AT_TEXT;
		sound = take_hex(value, l->a, &at->text);
	} else {
		sound = false;
	}
	enum rc rc = sound ? row_find(l->c, &id, &at->row, l->err) : RC_OK;
	if (rc == RC_OK && (!sound || !at->row))
		return fail(l->err, RC_INPUT, "that is no place in this list");
	return rc;
}

/* --- sets --- */

static enum rc read_set(struct sql *s, struct id_set *to, struct err *err)
{
	while (sql_row(s))
		id_set_add(to, sql_col_int(s, 0));
	return sql_end(s, err);
}

/* Leaves in the list what stands in `one` too. Takes it. */
static void cut(struct listing *l, struct id_set *one)
{
	if (l->cut) {
		id_set_and(&l->set, one);
		id_set_free(one);
	} else {
		l->set = *one;
		l->cut = true;
	}
}

static void bind_key(struct sql *s, int at, const struct kind_key *k)
{
	if (k->is_number)
		sql_int(s, at, k->number);
	else
		sql_str(s, at, k->text);
}

static enum rc filter_set(struct listing *l, const struct record_filter *f, struct id_set *to)
{
	char text[2 * TYPE_NAME_MAX + 2];
	int64_t field;
	enum rc rc = name_find(l->c, field_name(l->q->type, f->field, text), &field, l->err);
	if (rc != RC_OK)
		return rc;
	struct sql *s = NULL;
	str end;
	switch (f->compare) {
	case COMPARE_IS:
		s = sql(l->c, "SELECT record FROM record_index WHERE field = ? AND value = ?");
		break;
	case COMPARE_LEAST: /* numbers stand before all text, and blobs behind it */
		s = f->key.is_number ?
			    sql(l->c, "SELECT record FROM record_index WHERE field = ? AND value >= ?"
				      " AND value < ''") :
			    sql(l->c, "SELECT record FROM record_index WHERE field = ? AND value >= ?");
		break;
	case COMPARE_MOST:
		s = f->key.is_number ?
			    sql(l->c, "SELECT record FROM record_index WHERE field = ? AND value <= ?") :
			    sql(l->c, "SELECT record FROM record_index WHERE field = ? AND value <= ?"
				      " AND value >= ''");
		break;
	case COMPARE_BEGINS:
		if (f->key.is_number)
			return fail(l->err, RC_INPUT, "'%s' is compared as a number", f->field->name);
		end = arena_fmt(l->a, STR_FMT "\xff", STR_ARG(f->key.text));
		s = sql(l->c, "SELECT record FROM record_index WHERE field = ? AND value >= ?"
			      " AND value < ?");
		sql_str(s, 3, end);
		break;
	}
	if (!s)
		return fail(l->err, RC_INPUT, "there is no such comparison");
	sql_int(s, 1, field);
	bind_key(s, 2, &f->key);
	return read_set(s, to, l->err);
}

static enum rc due_set(struct listing *l, struct id_set *to)
{
	struct sql *s = sql(l->c, "SELECT id FROM record WHERE due_us IS NOT NULL AND due_us <= ?");
	sql_int(s, 1, l->q->due_by_us);
	return read_set(s, to, l->err);
}

static enum rc organisation_set(struct listing *l, struct id_set *to)
{
	struct sql *s = sql(l->c, "SELECT id FROM record WHERE organisation IS NOT NULL"
				  " AND organisation = ?");
	sql_blob(s, 1, uuid_str(&l->q->only_organisation));
	return read_set(s, to, l->err);
}

/* What the row itself says: rights and state. Those of an index walk, or of the row. */
static bool fits(const struct listing *l, int64_t state, int64_t tlp, int64_t exercise)
{
	if (tlp < 0 || tlp > TLP_COUNT || !(l->q->tlp_mask >> tlp & 1) || (exercise && !l->q->exercise))
		return false;
	bool found = l->q->states == 0;
	for (size_t i = 0; i < l->states && !found; i++)
		found = l->state[i] == state;
	return found;
}

static enum rc fitting_set(struct listing *l, struct id_set *to)
{
	struct sql *s = sql(l->c, "SELECT id, state, tlp, exercise FROM record WHERE type = ?");
	sql_int(s, 1, l->type);
	while (sql_row(s))
		if (fits(l, sql_col_int(s, 1), sql_col_int(s, 2), sql_col_int(s, 3)))
			id_set_add(to, sql_col_int(s, 0));
	return sql_end(s, l->err);
}

typedef enum rc (*fill_set)(struct listing *l, struct id_set *to);

static enum rc find_text(struct listing *l, struct id_set *to)
{
	return search_find(l->c, l->q, to, l->err);
}

static enum rc make_set(struct listing *l)
{
	const struct record_query *q = l->q;
	const struct {
		bool wanted;
		fill_set fill;
	} sets[] = {
		{ str_trim_all(q->text).n > 0, find_text },
		{ q->overdue, due_set },
		{ !uuid_is_zero(&q->only_organisation), organisation_set },
		{ q->sort != NULL && q->states, fitting_set },
	};
	enum rc rc = RC_OK;
	for (size_t i = 0; i < q->filter_count && rc == RC_OK; i++) {
		struct id_set one = id_set_new(l->highest);
		rc = filter_set(l, &q->filters[i], &one);
		cut(l, &one);
	}
	for (size_t i = 0; i < COUNT_OF(sets) && rc == RC_OK; i++)
		if (sets[i].wanted) {
			struct id_set one = id_set_new(l->highest);
			rc = sets[i].fill(l, &one);
			cut(l, &one);
		}
	return rc;
}

/* --- giving --- */

static enum rc give(struct listing *l, int64_t row, const struct kind_key *key)
{
	struct record r;
	arena_reset(l->row_arena);
	enum rc rc = row_load(l->c, l->t, row, l->q->with_body, l->row_arena, &r, l->err);
	if (rc != RC_OK)
		return rc;
	if (l->q->type) { /* the very definition it was asked by */
		r.type = l->q->type;
		r.state = type_state(r.type, r.state_name);
	}
	r.has_sort_key = key != NULL;
	if (key)
		r.sort_key = *key;
	l->enough = !l->each(l->ctx, &r);
	return RC_OK;
}

/* --- walks --- */

static struct sql *changed_walk(const struct listing *l)
{
	bool up = l->q->ascending && !l->q->sort;
	struct sql *s;
	if (l->type && up)
		s = sql(l->c, "SELECT id, state, tlp, exercise FROM record WHERE type = ?3 AND"
			      " (changed_us, id) > (?1, ?2) ORDER BY changed_us, id");
	else if (l->type)
		s = sql(l->c, "SELECT id, state, tlp, exercise FROM record WHERE type = ?3 AND"
			      " (changed_us, id) < (?1, ?2) ORDER BY changed_us DESC, id DESC");
	else if (up)
		s = sql(l->c, "SELECT id, 0, tlp, exercise FROM record WHERE"
			      " (changed_us, id) > (?1, ?2) ORDER BY changed_us, id");
	else
		s = sql(l->c, "SELECT id, 0, tlp, exercise FROM record WHERE"
			      " (changed_us, id) < (?1, ?2) ORDER BY changed_us DESC, id DESC");
	bool going_on = l->from.at == AT_CHANGED || l->from.at == AT_NONE;
	sql_int(s, 1, going_on ? l->from.number : up ? INT64_MIN : INT64_MAX);
	sql_int(s, 2, going_on ? l->from.row : up ? INT64_MIN : INT64_MAX);
	if (l->type)
		sql_int(s, 3, l->type);
	return s;
}

/* By time of change, but for those in `without`. */
static enum rc walk_changed(struct listing *l, const struct id_set *without)
{
	struct sql *s = changed_walk(l);
	enum rc gave = RC_OK;
	while (!l->enough && gave == RC_OK && sql_row(s)) {
		int64_t row = sql_col_int(s, 0);
		if ((!l->cut || id_set_has(&l->set, row)) && (!without || !id_set_has(without, row)) &&
		    fits(l, sql_col_int(s, 1), sql_col_int(s, 2), sql_col_int(s, 3)))
			gave = give(l, row, NULL);
	}
	enum rc rc = sql_end(s, l->err);
	return gave == RC_OK ? rc : gave;
}

struct few {
	int64_t row, changed_us;
};

static int by_change(const void *x, const void *y)
{
	const struct few *a = x, *b = y;
	if (a->changed_us != b->changed_us)
		return a->changed_us < b->changed_us ? -1 : 1;
	return a->row < b->row ? -1 : a->row > b->row;
}

/* When the set is small it is fetched and put in order: no walk over all. */
static enum rc give_few(struct listing *l)
{
	struct few *list = x_array(id_set_count(&l->set) + 1, sizeof(*list));
	size_t n = 0;
	enum rc rc = RC_OK;
	for (int64_t row = id_set_next(&l->set, 0); row >= 0 && rc == RC_OK;
	     row = id_set_next(&l->set, row + 1)) {
		struct sql *s = sql(l->c, "SELECT changed_us, state, tlp, exercise, type FROM record"
					  " WHERE id = ?");
		sql_int(s, 1, row);
		if (sql_row(s) && (!l->type || sql_col_int(s, 4) == l->type) &&
		    fits(l, sql_col_int(s, 1), sql_col_int(s, 2), sql_col_int(s, 3)))
			list[n++] = (struct few){ .row = row, .changed_us = sql_col_int(s, 0) };
		rc = sql_end(s, l->err);
	}
	if (n)
		qsort(list, n, sizeof(*list), by_change);
	struct few from = { .row = l->from.row, .changed_us = l->from.number };
	for (size_t i = 0; i < n && rc == RC_OK && !l->enough; i++) {
		const struct few *f = &list[l->q->ascending ? i : n - 1 - i];
		int order = l->from.at == AT_START ? 0 : by_change(f, &from);
		if (l->from.at == AT_START || (l->q->ascending ? order > 0 : order < 0))
			rc = give(l, f->row, NULL);
	}
	free(list);
	return rc;
}

static struct sql *value_walk(const struct listing *l)
{
	struct sql *s =
		l->q->ascending ?
			sql(l->c, "SELECT record, value, typeof(value) = 'integer' FROM record_index"
				  " WHERE field = ?1 AND"
				  " (value, record) > (?2, ?3) ORDER BY value, record") :
			sql(l->c, "SELECT record, value, typeof(value) = 'integer' FROM record_index"
				  " WHERE field = ?1 AND"
				  " (value, record) < (?2, ?3) ORDER BY value DESC, record DESC");
	sql_int(s, 1, l->field);
	sql_int(s, 3, l->from.row);
	if (l->from.at == AT_NUMBER)
		sql_int(s, 2, l->from.number);
	else if (l->from.at == AT_TEXT)
		sql_str(s, 2, l->from.text);
	else if (l->q->ascending)
		sql_int(s, 2, INT64_MIN);
	else
		sql_blob(s, 2, STR("")); /* behind all numbers and text */
	return s;
}

static bool row_fits(struct listing *l, int64_t row, enum rc *rc)
{
	struct sql *s = sql(l->c, "SELECT state, tlp, exercise FROM record WHERE id = ?");
	sql_int(s, 1, row);
	bool yes = sql_row(s) && fits(l, sql_col_int(s, 0), sql_col_int(s, 1), sql_col_int(s, 2));
	*rc = sql_end(s, l->err);
	return yes;
}

/* By the values of a field. */
static enum rc walk_values(struct listing *l)
{
	struct sql *s = value_walk(l);
	enum rc gave = RC_OK;
	while (!l->enough && gave == RC_OK && sql_row(s)) {
		int64_t row = sql_col_int(s, 0);
		if ((l->cut && !id_set_has(&l->set, row)) || !row_fits(l, row, &gave))
			continue;
		bool number = sql_col_int(s, 2) != 0;
		struct kind_key key = { .is_number = number,
					.number = number ? sql_col_int(s, 1) : 0,
					.text = number ? STR("") : sql_col_str(s, 1) };
		gave = give(l, row, &key);
	}
	enum rc rc = sql_end(s, l->err);
	return gave == RC_OK ? rc : gave;
}

/* Then those that have no value, newest change first. */
static enum rc walk_rest(struct listing *l)
{
	struct id_set with = id_set_new(l->highest);
	struct sql *s = sql(l->c, "SELECT record FROM record_index WHERE field = ?");
	sql_int(s, 1, l->field);
	enum rc rc = read_set(s, &with, l->err);
	if (rc == RC_OK)
		rc = walk_changed(l, &with);
	id_set_free(&with);
	return rc;
}

static enum rc walk_sorted(struct listing *l)
{
	enum rc rc = RC_OK;
	if (l->from.at != AT_NONE) {
		rc = walk_values(l);
		l->from.at = AT_START;
	}
	return rc == RC_OK && !l->enough ? walk_rest(l) : rc;
}

/* --- the whole --- */

static enum rc check_query(const struct listing *l)
{
	const struct record_query *q = l->q;
	if (!q->type && (q->sort || q->filter_count || q->states))
		return fail(l->err, RC_INPUT, "a list of all types has no filter, state or order of one");
	if (q->filter_count > RECORD_FILTERS_MAX)
		return fail(l->err, RC_INPUT, "a list takes at most %d filters", RECORD_FILTERS_MAX);
	if (q->sort && (!q->sort->indexed || q->sort->list || q->sort->share >= SHARE_NAMED))
		return fail(l->err, RC_INPUT, "a list cannot be ordered by '%s'", q->sort->name);
	for (size_t i = 0; i < q->filter_count; i++)
		if (!q->filters[i].field->indexed || q->filters[i].field->share >= SHARE_NAMED)
			return fail(l->err, RC_INPUT, "a list cannot be filtered by '%s'",
				    q->filters[i].field->name);
	return RC_OK;
}

static enum rc read_names(struct listing *l)
{
	const struct record_query *q = l->q;
	char text[2 * TYPE_NAME_MAX + 2];
	struct sql *s = sql(l->c, "SELECT coalesce(max(id), 0) FROM record");
	if (sql_row(s))
		l->highest = sql_col_int(s, 0);
	enum rc rc = sql_end(s, l->err);
	if (rc != RC_OK || !q->type)
		return rc;
	rc = name_find(l->c, str_of(q->type->name), &l->type, l->err);
	for (size_t i = 0; i < q->type->state_count && rc == RC_OK; i++)
		if (q->states >> i & 1)
			rc = name_find(l->c, str_of(q->type->states[i].name), &l->state[l->states++],
				       l->err);
	if (rc == RC_OK && q->sort)
		rc = name_find(l->c, field_name(q->type, q->sort, text), &l->field, l->err);
	return rc;
}

static enum rc walk(struct listing *l)
{
	bool none = l->cut && id_set_next(&l->set, 0) < 0;
	if (none || (l->q->type && !l->type)) /* nothing fits, or none of that type was ever made */
		return RC_OK;
	if (l->q->sort)
		return walk_sorted(l);
	if (l->cut && id_set_count(&l->set) <= FEW)
		return give_few(l);
	return walk_changed(l, NULL);
}

enum rc record_list(struct conn *c, const struct types *t, const struct record_query *q,
		    record_each each, void *ctx, struct err *err)
{
	struct listing l = { .c = c, .t = t, .q = q, .each = each, .ctx = ctx, .err = err,
			     .a = arena_new(KIB(4)), .row_arena = arena_new(KIB(16)) };
	enum rc rc = check_query(&l);
	if (rc == RC_OK)
		rc = read_names(&l);
	if (rc == RC_OK)
		rc = read_cursor(&l);
	if (rc == RC_OK)
		rc = make_set(&l);
	if (rc == RC_OK)
		rc = walk(&l);
	id_set_free(&l.set);
	arena_free(l.a);
	arena_free(l.row_arena);
	return rc;
}
