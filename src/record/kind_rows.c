/* SPDX-License-Identifier: Apache-2.0 */
/* ROWS: small tables inside a body. */
#include <json-c/json.h>

#include "record/kind_private.h"

struct table {
	const struct type_field *f;
	const struct rows_ask *ask;
	enum rc rc;
	struct buf row, cell;
};

static void told(struct table *t, unsigned row, const struct type_field *column, const struct err *why)
{
	const char *label = words_in(t->f->label, t->ask->language);
	struct err e = { 0 };
	if (t->rc == RC_OK)
		t->rc = why->rc;
	if (column)
		fail(&e, why->rc, "%s: row %u: %s: %s", label, row, words_in(column->label, t->ask->language),
		     why->text);
	else if (row)
		fail(&e, why->rc, "%s: row %u: %s", label, row, why->text);
	else
		fail(&e, why->rc, "%s: %s", label, why->text);
	t->ask->tell(t->ask->ctx, t->f, row, &e);
}

static bool is_column(const struct type_field *f, const char *name)
{
	for (size_t i = 0; i < f->row_count; i++)
		if (str_eq(str_of(f->rows[i].name), str_of(name)))
			return true;
	return false;
}

static void unknown_members(struct table *t, struct json_object *v, unsigned row, struct json_out *out)
{
	json_object_object_foreach(v, name, value)
	{
		struct err why = { 0 };
		if (is_column(t->f, name))
			continue;
		if (t->ask->keep_unknown) {
			json_key(out, str_of(name));
			json_raw(out, str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)));
			continue;
		}
		fail(&why, RC_INPUT, "there is no column '" STR_FMT "'", STR_ARG(text_brief(str_of(name), 60)));
		told(t, row, NULL, &why);
	}
}

/* False: the row is empty and is left out. */
static bool one_row(struct table *t, struct json_object *v, unsigned row)
{
	struct json_out out = json_out(&t->row);
	struct err why = { 0 };
	buf_reset(&t->row);
	if (!json_object_is_type(v, json_type_object)) {
		fail(&why, RC_INPUT, "must be an object");
		told(t, row, NULL, &why);
		return false;
	}
	json_open(&out, '{');
	for (size_t i = 0; i < t->f->row_count; i++) {
		const struct type_field *c = &t->f->rows[i];
		struct json_object *cell = json_get(v, c->name);
		struct json_out cell_out = json_out(&t->cell);
		buf_reset(&t->cell);
		if (!json_object_is_type(cell, json_type_null) &&
		    value_check(c, cell, &cell_out, &why) != RC_OK) {
			told(t, row, c, &why);
			continue;
		}
		if (t->cell.n && !str_eq(buf_str(&t->cell), STR("null"))) {
			json_key(&out, str_of(c->name));
			json_raw(&out, buf_str(&t->cell));
		} else if (t->ask->state >= 0 && (c->required_in >> t->ask->state & 1) &&
			   json_object_object_length(v) > 0) {
			fail(&why, RC_INPUT, "is missing");
			told(t, row, c, &why);
		}
	}
	unknown_members(t, v, row, &out);
	json_close(&out, '}');
	return t->row.n > 2;
}

enum rc rows_check(const struct type_field *f, struct json_object *v, const struct rows_ask *ask,
		   struct json_out *out, struct err *err)
{
	struct table t = { .f = f, .ask = ask, .row = BUF_INIT(MIB(1)), .cell = BUF_INIT(MIB(1)) };
	struct buf all = BUF_INIT(MIB(4));
	struct err why = { 0 };
	size_t n = json_count(v);
	if (!json_object_is_type(v, json_type_array)) {
		fail(&why, RC_INPUT, "must be a list of rows");
		told(&t, 0, NULL, &why);
	} else if (n > f->longest) {
		fail(&why, RC_LIMIT, "%zu rows, at most %llu are taken", n, (unsigned long long)f->longest);
		told(&t, 0, NULL, &why);
		n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (!one_row(&t, json_at(v, i), (unsigned)i + 1))
			continue;
		buf_char(&all, all.n ? ',' : '[');
		buf_add(&all, buf_str(&t.row));
	}
	if (t.rc == RC_OK && (all.over || t.row.over)) {
		fail(&why, RC_LIMIT, "larger than 4 MiB");
		told(&t, 0, NULL, &why);
	}
	if (t.rc == RC_OK && all.n) {
		buf_char(&all, ']');
		json_raw(out, buf_str(&all));
	} else if (t.rc == RC_OK) {
		json_null(out);
	}
	buf_free(&t.row);
	buf_free(&t.cell);
	buf_free(&all);
	return t.rc == RC_OK ? RC_OK : fail(err, t.rc, "%s has errors", f->name);
}

static enum rc wrong(const struct type_field *f, str language, unsigned row, const char *column,
		     const char *what, struct err *err)
{
	const char *label = words_in(f->label, language);
	if (column)
		return fail(err, RC_INPUT, "%s: row %u: %s: %s", label, row, column, what);
	return row ? fail(err, RC_INPUT, "%s: row %u: %s", label, row, what) :
		     fail(err, RC_INPUT, "%s: %s", label, what);
}

/* Takes one cell off *line, undoing what rows_format escaped. */
static void take_cell(str *line, struct buf *cell)
{
	size_t i = 0;
	buf_reset(cell);
	for (; i < line->n && line->p[i] != '|'; i++) {
		char c = line->p[i];
		if (c == '\\' && i + 1 < line->n) {
			char next = line->p[++i];
			c = next == 'n' ? '\n' : next;
		}
		buf_char(cell, c);
	}
	*line = str_from(*line, i + 1);
}

static enum rc parse_line(const struct type_field *f, str line, str language, unsigned row,
			  struct json_out *out, struct err *err)
{
	struct buf cell = BUF_INIT(MIB(1)), value = BUF_INIT(MIB(1));
	enum rc rc = RC_OK;
	size_t i = 0;
	json_open(out, '{');
	for (; rc == RC_OK && line.n && i < f->row_count; i++) {
		const struct type_field *c = &f->rows[i];
		struct json_out j = json_out(&value);
		struct err why = { 0 };
		take_cell(&line, &cell);
		buf_reset(&value);
		if (str_trim_all(buf_str(&cell)).n == 0)
			continue;
		if (value_parse(c, buf_str(&cell), language, &j, &why) != RC_OK) {
			rc = wrong(f, language, row, words_in(c->label, language), why.text, err);
			continue;
		}
		json_key(out, str_of(c->name));
		json_raw(out, buf_str(&value));
	}
	json_close(out, '}');
	if (rc == RC_OK && line.n)
		rc = wrong(f, language, row, NULL, "more columns than there are", err);
	buf_free(&cell);
	buf_free(&value);
	return rc;
}

static enum rc parse_array(const struct type_field *f, str text, str language, struct json_out *out,
			   struct err *err)
{
	struct json_object *v = NULL;
	struct err why = { 0 };
	if (json_read(text, &v, &why) != RC_OK)
		return wrong(f, language, 0, NULL, why.text, err);
	enum rc rc = kind_check(f, v, language, out, err);
	json_free(v);
	return rc;
}

enum rc rows_parse(const struct type_field *f, str text, str language, struct json_out *out,
		   struct err *err)
{
	str line, rest = str_trim_all(text);
	unsigned row = 0;
	enum rc rc = RC_OK;
	if (rest.n > MIB(4))
		return wrong(f, language, 0, NULL, "larger than 4 MiB", err);
	if (str_starts(rest, STR("[")))
		return parse_array(f, rest, language, out, err);
	json_open(out, '[');
	while (rc == RC_OK && str_line(&rest, &line)) {
		row++;
		if (str_trim(line).n == 0)
			continue;
		if (row > f->longest)
			return wrong(f, language, row, NULL, "more rows than are taken", err);
		rc = parse_line(f, line, language, row, out, err);
	}
	json_close(out, ']');
	return rc;
}

static void put_cell(str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		/* a bracket in front would be JSON */
		if (s.p[i] == '|' || s.p[i] == '\\' || s.p[i] == '\n' || (i == 0 && s.p[i] == '['))
			buf_char(out, '\\');
		buf_char(out, s.p[i] == '\n' ? 'n' : s.p[i]);
	}
}

void rows_format(const struct type_field *f, struct json_object *value, struct buf *out)
{
	struct buf cell = BUF_INIT(MIB(1));
	for (size_t i = 0; i < json_count(value); i++) {
		struct json_object *row = json_at(value, i);
		size_t last = f->row_count;
		while (last && !json_get(row, f->rows[last - 1].name))
			last--;
		if (i)
			buf_char(out, '\n');
		for (size_t c = 0; c < last; c++) {
			buf_reset(&cell);
			kind_format(&f->rows[c], json_get(row, f->rows[c].name), &cell);
			if (c)
				buf_add(out, STR(" | "));
			put_cell(buf_str(&cell), out);
		}
	}
	buf_free(&cell);
}
