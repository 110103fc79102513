/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a file: CSV with a header, or one JSON object a line. */
#include <json-c/json.h>

#include "base/csv.h"
#include "disclosure/bulk_private.h"

static const struct {
	str name;
	enum bulk_to to;
} common[] = {
	{ STR_INIT("id"), BULK_ID },	       { STR_INIT("number"), BULK_NUMBER },
	{ STR_INIT("version"), BULK_VERSION }, { STR_INIT("state"), BULK_STATE },
	{ STR_INIT("tlp"), BULK_TLP },	       { STR_INIT("changed"), BULK_NOTHING },
	{ STR_INIT("due"), BULK_NOTHING },     { STR_INIT("title"), BULK_NOTHING },
};

static const struct type_field *field_named(const struct type *t, str name)
{
	const struct type_field *f = type_find_field(t, name);
	for (size_t i = 0; !f && i < t->field_count; i++)
		for (const struct words *w = t->fields[i].label; !f && w->language; w++)
			if (str_eq_nocase(name, str_of(w->text)))
				f = &t->fields[i];
	return f;
}

/* What a column's name means here; false: nothing that is known. */
static bool column_named(const struct bulk_source *s, str name, struct bulk_column *out)
{
	name = str_trim(name);
	for (size_t i = 0; i < s->map_count; i++) {
		if (!str_eq_nocase(name, s->map[i].column))
			continue;
		name = s->map[i].field;
		if (name.n == 0) {
			*out = (struct bulk_column){ .to = BULK_NOTHING };
			return true;
		}
		break;
	}
	*out = (struct bulk_column){ .to = BULK_FIELD, .field = field_named(s->q->type, name) };
	if (out->field)
		return true;
	for (size_t i = 0; i < COUNT_OF(common); i++)
		if (str_eq(name, common[i].name)) {
			out->to = common[i].to;
			return true;
		}
	return false;
}

static enum rc read_map(struct bulk_source *s, struct err *err)
{
	str rest = s->q->map;
	while (str_trim(rest).n) {
		str part = str_cut(&rest, ','), field = part, column = str_trim(str_cut(&field, '='));
		if (column.n == 0 || !str_has(part, '='))
			return fail(err, RC_INPUT, "a map is COLUMN=FIELD,COLUMN=FIELD, not '" STR_FMT "'",
				    STR_ARG(part));
		if (s->map_count == BULK_MAP_MAX)
			return fail(err, RC_LIMIT, "a map has at most %d columns", BULK_MAP_MAX);
		field = str_trim(field);
		struct bulk_column known;
		s->map[s->map_count].column = column;
		s->map[s->map_count].field = field;
		if (field.n && !column_named(s, field, &known))
			return fail(err, RC_INPUT, "there is no field '" STR_FMT "' in '%s'", STR_ARG(field),
				    s->q->type->name);
		s->map_count++;
	}
	return RC_OK;
}

static str next_record(struct bulk_source *s)
{
	size_t n = csv_frame(s->left, '"', true);
	str record = str_head(s->left, n);
	s->left = str_from(s->left, n);
	s->row++;
	return record;
}

/* Spreadsheets of many countries write semicolons. */
static char delimiter_of(str header)
{
	size_t commas = 0, semicolons = 0, tabs = 0;
	for (size_t i = 0; i < header.n; i++) {
		commas += header.p[i] == ',';
		semicolons += header.p[i] == ';';
		tabs += header.p[i] == '\t';
	}
	return tabs > commas && tabs > semicolons ? '\t' : semicolons > commas ? ';' : ',';
}

static enum rc read_header(struct bulk_source *s, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	str names[BULK_COLUMNS_MAX];
	str header = next_record(s);
	s->delimiter = delimiter_of(header);
	enum rc rc = csv_split(header, s->delimiter, '"', a, names, BULK_COLUMNS_MAX, &s->column_count, err);
	for (size_t i = 0; rc == RC_OK && i < s->column_count; i++) {
		struct bulk_column *to = &s->columns[i];
		if (!column_named(s, names[i], to))
			rc = fail(err, RC_INPUT, "column '" STR_FMT "' is no field of '%s'; say which with a map, or "
				  "leave it out with '" STR_FMT "='", STR_ARG(str_head(names[i], 60)),
				  s->q->type->name, STR_ARG(str_head(names[i], 60)));
		for (size_t k = 0; rc == RC_OK && k < i; k++)
			if (to->to != BULK_NOTHING && s->columns[k].to == to->to && s->columns[k].field == to->field)
				rc = fail(err, RC_INPUT, "column '" STR_FMT "' stands there twice",
					  STR_ARG(str_head(names[i], 60)));
	}
	arena_free(a);
	return rc;
}

enum rc source_open(struct bulk_source *s, const struct bulk_request *q, struct err *err)
{
	*s = (struct bulk_source){ .q = q, .left = q->text };
	if (str_starts(s->left, STR("\xef\xbb\xbf"))) /* the mark some programs put before UTF-8 */
		s->left = str_from(s->left, 3);
	if (q->text.n > BULK_FILE_MAX)
		return fail(err, RC_LIMIT, "the file is over %zu MiB: take it in parts", BULK_FILE_MAX >> 20);
	if (!str_is_utf8(q->text))
		return fail(err, RC_INPUT, "the file is no valid UTF-8");
	if (str_trim_all(s->left).n == 0)
		return fail(err, RC_INPUT, "the file is empty");
	enum rc rc = read_map(s, err);
	return rc == RC_OK && q->csv ? read_header(s, err) : rc;
}

/* The quote sign that our own export puts before what a spreadsheet would run. */
static str unguard(str cell)
{
	bool guarded = cell.n > 1 && cell.p[0] == '\'' && memchr("=+-@\t\r", cell.p[1], 6);
	return guarded ? str_from(cell, 1) : cell;
}

static enum rc take(struct bulk_row *out, const struct bulk_column *c, const struct type *t, str value,
		    struct arena *a, struct err *err)
{
	value = str_trim_all(value);
	if (value.n == 0)
		return RC_OK;
	switch (c->to) {
	case BULK_ID: out->id = value; return RC_OK;
	case BULK_NUMBER:
		if (!out->id.n) /* an id says more */
			out->id = arena_fmt(a, "%s-" STR_FMT, t->name, STR_ARG(value));
		return RC_OK;
	case BULK_VERSION:
		return str_to_u64(value, &out->version) ?
			       RC_OK :
			       fail(err, RC_INPUT, "'" STR_FMT "' is no number of a version", STR_ARG(value));
	case BULK_STATE: out->state = value; return RC_OK;
	case BULK_TLP: out->tlp = value; return RC_OK;
	case BULK_FIELD:
	case BULK_NOTHING: break;
	}
	return RC_OK;
}

static enum rc csv_row(struct bulk_source *s, str record, struct arena *a, struct bulk_row *out,
		       struct err *err)
{
	str cells[BULK_COLUMNS_MAX];
	size_t n = 0;
	struct buf b = BUF_INIT(MIB(4));
	struct json_out j = json_out(&b);
	enum rc rc = csv_split(record, s->delimiter, '"', a, cells, BULK_COLUMNS_MAX, &n, err);
	if (rc == RC_OK && n != s->column_count)
		rc = fail(err, RC_INPUT, "%zu columns, the header has %zu", n, s->column_count);
	json_open(&j, '{');
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		str cell = unguard(cells[i]);
		if (s->columns[i].to == BULK_FIELD) {
			json_key(&j, str_of(s->columns[i].field->name));
			json_str(&j, cell);
		} else {
			rc = take(out, &s->columns[i], s->q->type, cell, a, err);
		}
	}
	json_close(&j, '}');
	if (rc == RC_OK && b.over)
		rc = fail(err, RC_INPUT, "is too large");
	out->fields = arena_str(a, buf_str(&b));
	out->as_text = true;
	buf_free(&b);
	return rc;
}

/* A scalar as text; "" for what is none. */
static str scalar(struct json_object *v)
{
	if (json_object_is_type(v, json_type_string))
		return json_text(v);
	if (json_object_is_type(v, json_type_int))
		return str_of(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN));
	return STR("");
}

static enum rc json_members(struct bulk_source *s, struct json_object *o, bool exported, struct arena *a,
			    struct bulk_row *out, struct json_out *j, struct err *err)
{
	bool *seen = ARENA_ARRAY(a, s->q->type->field_count + 1, bool);
	memset(seen, 0, s->q->type->field_count + 1);
	json_object_object_foreach(o, name, value)
	{
		struct bulk_column c;
		bool known = column_named(s, str_of(name), &c);
		if (known && c.to == BULK_NOTHING)
			continue;
		if (known && c.to != BULK_FIELD && !exported) {
			enum rc rc = take(out, &c, s->q->type, arena_str(a, scalar(value)), a, err);
			if (rc != RC_OK)
				return rc;
			continue;
		}
		size_t at = c.field ? (size_t)(c.field - s->q->type->fields) : s->q->type->field_count;
		if (c.field && seen[at]) /* under its name and its label: which one? */
			return fail(err, RC_INPUT, "'%s' stands there twice", c.field->name);
		seen[at] = true;
		json_key(j, c.field ? str_of(c.field->name) : str_of(name)); /* unknown: the engine says so */
		json_raw(j, value ? str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)) :
				    STR("null"));
	}
	return RC_OK;
}

/* What `export` puts around the fields. */
static enum rc exported_head(struct bulk_source *s, struct json_object *o, struct arena *a,
			     struct bulk_row *out, struct err *err)
{
	static const char *const heads[] = { "id", "number", "version", "state" };
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(heads); i++) {
		struct bulk_column c;
		(void)column_named(s, str_of(heads[i]), &c); /* a map may make another of it */
		if (c.to != BULK_FIELD && c.to != BULK_NOTHING)
			rc = take(out, &c, s->q->type, arena_str(a, scalar(json_get(o, heads[i]))), a, err);
	}
	out->tlp = arena_str(a, json_get_str(json_get(o, "labels"), "tlp"));
	return rc;
}

static enum rc json_row(struct bulk_source *s, str line, struct arena *a, struct bulk_row *out,
			struct err *err)
{
	struct json_object *o = NULL;
	struct buf b = BUF_INIT(MIB(4));
	struct json_out j = json_out(&b);
	enum rc rc = json_read(line, &o, err);
	if (rc == RC_OK && !json_object_is_type(o, json_type_object))
		rc = fail(err, RC_INPUT, "must be one JSON object a line");
	json_open(&j, '{');
	if (rc == RC_OK) {
		struct json_object *body = json_get(o, "body");
		bool exported = json_object_is_type(body, json_type_object) &&
				!type_find_field(s->q->type, STR("body"));
		rc = json_members(s, exported ? body : o, exported, a, out, &j, err);
		if (rc == RC_OK && exported)
			rc = exported_head(s, o, a, out, err);
	}
	json_close(&j, '}');
	if (rc == RC_OK && b.over)
		rc = fail(err, RC_INPUT, "is too large");
	out->fields = arena_str(a, buf_str(&b));
	json_free(o);
	buf_free(&b);
	return rc;
}

enum rc source_next(struct bulk_source *s, struct arena *a, struct bulk_row *out, struct err *err)
{
	str line = STR_NONE;
	do {
		if (s->left.n == 0)
			return RC_ABSENT;
		if (s->q->csv) {
			line = next_record(s);
		} else {
			(void)str_line(&s->left, &line);
			s->row++;
		}
	} while (str_trim_all(line).n == 0);
	*out = (struct bulk_row){ .row = s->row, .id = STR(""), .state = STR(""), .tlp = STR("") };
	enum rc rc = s->q->csv ? csv_row(s, line, a, out, err) : json_row(s, line, a, out, err);
	return rc == RC_OK ? RC_OK : RC_INPUT;
}
