/* SPDX-License-Identifier: Apache-2.0 */
#include "base/settings.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

struct value {
	const struct setting_row *row;
	int64_t number;
	str text;
	const char *source;
};

struct settings {
	struct arena *a;
	struct value *values;
	size_t count;
};

static bool read_number(enum setting_type type, str text, int64_t *out)
{
	uint64_t size;
	switch (type) {
	case SETTING_INT: return str_to_i64(text, out);
	case SETTING_SIZE:
		if (!str_to_size(text, &size) || size > INT64_MAX)
			return false;
		*out = (int64_t)size;
		return true;
	case SETTING_DURATION: return duration_parse(text, out);
	case SETTING_BOOL:
		if (!str_eq(text, STR("yes")) && !str_eq(text, STR("no")))
			return false;
		*out = text.n == 3;
		return true;
	case SETTING_TEXT: *out = 0; return true;
	}
	return false;
}

static const char *wanted(enum setting_type type)
{
	switch (type) {
	case SETTING_INT: return "a whole number";
	case SETTING_SIZE: return "a size like 64K, 16M or 2G";
	case SETTING_DURATION: return "a duration like 30s, 15m, 12h or 3d";
	case SETTING_BOOL: return "yes or no";
	case SETTING_TEXT: return "plain text";
	}
	return "";
}

static enum rc set(struct settings *s, str name, str text, const char *source, const char *where,
		   struct err *err)
{
	for (size_t i = 0; i < s->count; i++) {
		struct value *v = &s->values[i];
		const struct setting_row *row = v->row;
		if (!str_eq(name, str_of(row->name)))
			continue;
		int64_t number = 0, bound;
		if (!str_is_plain(text) || !read_number(row->type, text, &number))
			return fail(err, RC_INPUT, "%s: '%s' takes %s, not '" STR_FMT "'", where,
				    row->name, wanted(row->type), STR_ARG(text));
		if (row->least[0] && read_number(row->type, str_of(row->least), &bound) && number < bound)
			return fail(err, RC_INPUT, "%s: '%s' is at least %s, not '" STR_FMT "'", where,
				    row->name, row->least, STR_ARG(text));
		if (row->most[0] && read_number(row->type, str_of(row->most), &bound) && number > bound)
			return fail(err, RC_INPUT, "%s: '%s' is at most %s, not '" STR_FMT "'", where,
				    row->name, row->most, STR_ARG(text));
		v->number = number;
		v->text = arena_str(s->a, text);
		v->source = source;
		return RC_OK;
	}
	return fail(err, RC_INPUT, "%s: there is no setting '" STR_FMT "'; 'ronda settings' lists them",
		    where, STR_ARG(name));
}

static enum rc read_file(struct settings *s, str file, const char *file_name, struct err *err)
{
	str line;
	for (unsigned number = 1; str_line(&file, &line); number++) {
		char where[160];
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		snprintf(where, sizeof(where), "%s line %u", file_name, number);
		if (!str_has(line, '='))
			return fail(err, RC_INPUT, "%s: not 'name = value'", where);
		str name = str_trim(str_cut(&line, '='));
		enum rc rc = set(s, name, str_trim(line), "file", where, err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* RONDA_INTAKE_BODY_MAX=... ; names of ours that are no setting belong to tests and tools. */
static enum rc read_environment(struct settings *s, char *const *environment, struct err *err)
{
	for (; environment && *environment; environment++) {
		str text = str_of(*environment);
		if (!str_starts(text, STR("RONDA_")))
			continue;
		str upper = str_from(str_cut(&text, '='), 6);
		char *name = arena_z(s->a, upper);
		for (char *p = name; *p; p++)
			*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
		bool known = false;
		for (size_t i = 0; i < s->count; i++)
			known = known || str_eq(str_of(name), str_of(s->values[i].row->name));
		if (!known)
			continue;
		enum rc rc = set(s, str_of(name), text, "environment", "environment", err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc load_all(struct settings *s, str file, const char *file_name,
			char *const *environment, const char *const *overrides,
			size_t override_count, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < s->count; i++)
		rc = set(s, str_of(s->values[i].row->name), str_of(s->values[i].row->fallback),
			 "default", "settings.def", err);
	if (rc == RC_OK)
		rc = read_file(s, file, file_name, err);
	if (rc == RC_OK)
		rc = read_environment(s, environment, err);
	for (size_t i = 0; rc == RC_OK && i < override_count; i++) {
		str text = str_of(overrides[i]);
		str name = str_trim(str_cut(&text, '='));
		rc = set(s, name, str_trim(text), "option", "--set", err);
	}
	return rc;
}

enum rc settings_load(const struct setting_row *rows, size_t count, str file, const char *file_name,
		      char *const *environment, const char *const *overrides, size_t override_count,
		      struct settings **out, struct err *err)
{
	struct settings *s = x_alloc(sizeof(*s));
	s->a = arena_new(KIB(8));
	s->values = ARENA_ARRAY(s->a, count, struct value);
	s->count = count;
	for (size_t i = 0; i < count; i++)
		s->values[i].row = &rows[i];
	enum rc rc = load_all(s, file, file_name, environment, overrides, override_count, err);
	if (rc != RC_OK) {
		settings_free(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	arena_free(s->a);
	free(s);
}

static const struct value *find(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (str_eq(str_of(s->values[i].row->name), str_of(name)))
			return &s->values[i];
	assert(!"a setting without a row");
	abort();
}

int64_t settings_int(const struct settings *s, const char *name)
{
	return find(s, name)->number;
}

bool settings_bool(const struct settings *s, const char *name)
{
	return find(s, name)->number != 0;
}

str settings_text(const struct settings *s, const char *name)
{
	return find(s, name)->text;
}

const char *settings_source(const struct settings *s, const char *name)
{
	return find(s, name)->source;
}

void settings_format(const struct settings *s, const char *name, struct buf *out)
{
	buf_fmt(out, "%s = ", name);
	buf_add(out, find(s, name)->text);
}
