/* SPDX-License-Identifier: Apache-2.0 */
#include "web/document.h"

#include <json-c/json.h>

#include "base/csv.h"
#include "base/hash.h"
#include "event/normalise.h"
#include "web/assets.h"

struct compiled {
	const char *name; /* "events" */
	struct mustache *m;
};
struct templates {
	struct compiled *list;
	size_t count;
	char style_tag[20];
	struct arena *a;
};

static str asset(str name)
{
	for (size_t i = 0; i < asset_count; i++) {
		if (str_eq(str_of(assets[i].name), name))
			return str_mem(assets[i].p, assets[i].n);
	}
	return STR_NONE;
}

static str find_partial(void *ctx, str name)
{
	struct arena *a = ctx;
	return asset(arena_fmt(a, STR_FMT ".mustache", STR_ARG(name)));
}

str templates_style(void)
{
	return asset(STR("style.css"));
}

str templates_list_script(void)
{
	return asset(STR("list.js"));
}

str templates_passkey_script(void)
{
	return asset(STR("passkey.js"));
}

const char *templates_style_tag(const struct templates *t)
{
	return t->style_tag;
}

enum rc templates_new(struct templates **out, struct err *err)
{
	struct templates *t = x_alloc(sizeof *t);
	struct buf tag = BUF_INIT(20);
	struct digest style = sha256(templates_style());
	enum rc rc = RC_OK;
	t->a = arena_new(KIB(4));
	t->list = x_array(asset_count, sizeof *t->list);
	hex_format(&tag, style.b, 8);
	(void)str_to_z(buf_str(&tag), t->style_tag, sizeof t->style_tag);
	buf_free(&tag);
	for (size_t i = 0; rc == RC_OK && i < asset_count; i++) {
		str name = str_of(assets[i].name), ending = STR(".mustache");
		if (!str_ends(name, ending))
			continue;
		struct compiled *c = &t->list[t->count];
		c->name = arena_z(t->a, str_head(name, name.n - ending.n));
		struct err why = { 0 };
		rc = mustache_compile(str_mem(assets[i].p, assets[i].n), find_partial, t->a, &c->m, &why);
		if (rc != RC_OK)
			rc = fail(err, rc, "template '%s': %s", assets[i].name, why.text);
		else
			t->count++;
	}
	if (rc == RC_OK)
		*out = t;
	else
		templates_free(t);
	return rc;
}

void templates_free(struct templates *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		mustache_free(t->list[i].m);
	free(t->list);
	arena_free(t->a);
	free(t);
}

/* --- what templates need beside the document --- */

void defang(struct buf *out, str url)
{
	url_defang(out, url);
}

static struct json_object *shown_value(str name, struct json_object *v)
{
	if (!str_ends(name, STR("url")) || !json_object_is_type(v, json_type_string))
		return json_object_get(v);
	struct buf b = BUF_INIT(MIB(4));
	defang(&b, json_text(v));
	struct json_object *shown = json_object_new_string_len(buf_str(&b).p, (int)b.n);
	buf_free(&b);
	return shown;
}

struct member {
	const char *name;
	struct json_object *value;
};

static size_t members_of(struct json_object *o, struct arena *a, struct member **out)
{
	size_t n = 0;
	struct json_object_iterator at = json_object_iter_begin(o), end = json_object_iter_end(o);
	*out = ARENA_ARRAY(a, (size_t)json_object_object_length(o) + 1, struct member);
	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
		(*out)[n++] = (struct member){ json_object_iter_peek_name(&at),
					       json_object_iter_peek_value(&at) };
	return n;
}

/* "2026-11-22T02:45:29.123456+00:00" is "2026-11-22 02:45:29Z" for people. */
static void shorten_time(struct json_object *v)
{
	char text[21];
	str s = json_text(v), zone = STR("+00:00");
	if (s.n < 25 || s.n > 32 || s.p[10] != 'T' || s.p[13] != ':' || s.p[16] != ':' ||
	    !str_ends(s, zone))
		return;
	memcpy(text, s.p, 19);
	text[10] = ' ';
	text[19] = 'Z';
	json_object_set_string_len(v, text, 20);
}

static void add_aliases(struct json_object *o, struct arena *a)
{
	struct member *m;
	size_t n = members_of(o, a, &m);
	for (size_t i = 0; i < n; i++) {
		str name = str_of(m[i].name);
		shorten_time(m[i].value);
		if (!str_has(name, '.') && !str_ends(name, STR("url")))
			continue;
		char *alias = arena_z(a, name);
		for (char *c = alias; *c; c++)
			*c = *c == '.' ? '_' : *c;
		json_object_object_add(o, alias, shown_value(name, m[i].value));
	}
}

/* Of the rows in an object's lists: a page that is one thing with parts ("takedown": its parties). */
static void shorten_parts(struct json_object *o, struct arena *a)
{
	struct member *lists, *m;
	size_t n = members_of(o, a, &lists);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < json_count(lists[i].value); k++) {
			struct json_object *row = json_at(lists[i].value, k);
			size_t members = json_object_is_type(row, json_type_object) ? members_of(row, a, &m) : 0;
			for (size_t j = 0; j < members; j++)
				shorten_time(m[j].value);
		}
}

static struct json_object *list_fields(struct json_object *event, struct arena *a)
{
	struct json_object *list = json_object_new_array();
	struct member *m;
	size_t n = members_of(event, a, &m);
	for (size_t i = 0; i < n; i++) {
		struct json_object *one = json_object_new_object();
		json_object_object_add(one, "name", json_object_new_string(m[i].name));
		json_object_object_add(one, "value", shown_value(str_of(m[i].name), m[i].value));
		json_object_array_add(list, one);
	}
	return list;
}

static void make_ready(struct json_object *doc)
{
	struct arena *a = arena_new(KIB(16));
	struct json_object *event = json_get(doc, "event");
	struct member *m;
	if (json_object_is_type(event, json_type_object))
		json_object_object_add(doc, "fields", list_fields(event, a));
	size_t n = members_of(doc, a, &m);
	for (size_t i = 0; i < n; i++) {
		shorten_time(m[i].value);
		if (json_object_is_type(m[i].value, json_type_object)) {
			shorten_parts(m[i].value, a);
			add_aliases(m[i].value, a);
		}
		for (size_t k = 0; k < json_count(m[i].value); k++) {
			struct json_object *row = json_at(m[i].value, k);
			if (json_object_is_type(row, json_type_object)) {
				shorten_parts(row, a);
				add_aliases(row, a);
			}
		}
	}
	arena_free(a);
}

enum rc document_html(const struct templates *t, const char *name, str json, struct buf *out,
		      struct err *err)
{
	struct json_object *doc = NULL;
	enum rc rc = json_read(json, &doc, err);
	if (rc != RC_OK)
		return rc;
	rc = fail(err, RC_ABSENT, "there is no template '%s'", name);
	make_ready(doc);
	for (size_t i = 0; i < t->count; i++) {
		if (str_eq(str_of(t->list[i].name), str_of(name)))
			rc = mustache_render(t->list[i].m, doc, out, err);
	}
	json_free(doc);
	return rc;
}

/* --- CSV --- */

enum { COLUMNS_MOST = 500 };
struct columns {
	const char *names[COLUMNS_MOST];
	size_t count;
};

static void add_column(struct columns *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++) {
		if (str_eq(str_of(c->names[i]), str_of(name)))
			return;
	}
	if (c->count < COLUMNS_MOST)
		c->names[c->count++] = name;
}

static void collect_columns(struct json_object *rows, const char *const *given, struct columns *c)
{
	for (size_t i = 0; given && given[i]; i++)
		add_column(c, given[i]);
	if (given)
		return;
	for (size_t i = 0; i < json_count(rows); i++) {
		struct json_object *row = json_at(rows, i);
		struct json_object_iterator at = json_object_iter_begin(row);
		struct json_object_iterator end = json_object_iter_end(row);
		for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
			add_column(c, json_object_iter_peek_name(&at));
	}
}

static str cell(struct json_object *v)
{
	if (!v)
		return STR("");
	if (json_object_is_type(v, json_type_string))
		return json_text(v);
	return str_of(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN));
}

enum rc document_csv(str json, const char *const *columns, bool guard, struct buf *out,
		     struct err *err)
{
	struct json_object *doc = NULL;
	enum rc rc = json_read(json, &doc, err);
	if (rc != RC_OK)
		return rc;
	struct json_object *rows = json_get(doc, "rows");
	struct columns c = { .count = 0 };
	struct csv_out csv = { .b = out, .guard = guard };
	collect_columns(rows, columns, &c);
	for (size_t i = 0; i < c.count; i++)
		csv_field(&csv, str_of(c.names[i]));
	csv_end(&csv);
	for (size_t i = 0; i < json_count(rows) && !out->over; i++) {
		for (size_t k = 0; k < c.count; k++)
			csv_field(&csv, cell(json_get(json_at(rows, i), c.names[k])));
		csv_end(&csv);
	}
	json_free(doc);
	return out->over ? fail(err, RC_LIMIT, "the table is too large") : RC_OK;
}
