/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a record for people: each by its kind. */
#include "web/records.h"

static void put_label(struct page *p, const struct type_field *f)
{
	json_put_str(&p->j, "label", str_of(words_in(f->label, p->language)));
}

static bool is_reference(const struct type_field *f)
{
	return f->kind == KIND_REFERENCE || f->kind == KIND_PERSON;
}

static str choice_label(struct page *p, const struct type_field *f, str name)
{
	for (size_t i = 0; i < f->choice_count; i++)
		if (str_eq(str_of(f->choices[i].name), name))
			return str_of(words_in(f->choices[i].label, p->language));
	return name;
}

/* What one value looks like, from its JSON. */
static void put_value(struct page *p, const struct record_view *v, const struct type_field *f,
		      struct json_object *value)
{
	struct buf text = BUF_INIT(MIB(1));
	struct type_field one = *f;
	one.list = false;
	kind_format(&one, value, &text);
	str s = buf_str(&text);
	json_open(&p->j, '{');
	if (is_reference(f))
		put_reference(p, "reference", s);
	else if (f->kind == KIND_URL) /* a name ending in "url" is never a link (document.h) */
		json_put_str(&p->j, "defanged_url", s);
	else if (f->kind == KIND_CHOICE)
		json_put_str(&p->j, "plain", choice_label(p, f, s));
	else if (f->kind == KIND_FLAG)
		json_put_str(&p->j, "plain", STR("yes"));
	else if (f->kind == KIND_LONG)
		json_put_str(&p->j, "long", s);
	else if (f->kind == KIND_FILE)
		json_put_str(&p->j, "plain", json_get_str(value, "name"));
	else
		json_put_str(&p->j, "plain", s);
	if (f->kind == KIND_FILE) {
		str digest = json_get_str(value, "digest");
		json_put_str(&p->j, "file_href", arena_fmt(p->a, STR_FMT STR_FMT "?field=%s&version=%llu",
							   STR_ARG(record_href(p, v, "/file/")), STR_ARG(digest),
							   f->name, (unsigned long long)record_view_version(v)));
	}
	json_close(&p->j, '}');
	buf_free(&text);
}

static void put_rows(struct page *p, const struct record_view *v, const struct type_field *f, struct json_object *rows)
{
	json_key(&p->j, STR("columns"));
	json_open(&p->j, '[');
	for (size_t c = 0; c < f->row_count; c++) {
		json_open(&p->j, '{');
		put_label(p, &f->rows[c]);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	json_key(&p->j, STR("rows"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < json_count(rows); i++) {
		json_open(&p->j, '{');
		json_key(&p->j, STR("cells"));
		json_open(&p->j, '[');
		for (size_t c = 0; c < f->row_count; c++) {
			struct json_object *cell = json_get(json_at(rows, i), f->rows[c].name);
			json_open(&p->j, '{');
			put_label(p, &f->rows[c]);
			json_key(&p->j, STR("values"));
			json_open(&p->j, '[');
			if (cell)
				put_value(p, v, &f->rows[c], cell);
			json_close(&p->j, ']');
			json_close(&p->j, '}');
		}
		json_close(&p->j, ']');
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

void put_fields(struct page *p, const struct record_view *v)
{
	const struct type *t = record_view_type(v);
	json_key(&p->j, STR("fields"));
	json_open(&p->j, '[');
	for (size_t i = 0; t && i < t->field_count; i++) {
		const struct type_field *f = &t->fields[i];
		struct json_object *value = json_get(v->body, f->name);
		if (!value)
			continue;
		json_open(&p->j, '{');
		put_label(p, f);
		json_put_bool(&p->j, "is_rows", f->kind == KIND_ROWS);
		if (f->kind == KIND_ROWS) {
			put_rows(p, v, f, value);
		} else {
			json_key(&p->j, STR("values"));
			json_open(&p->j, '[');
			for (size_t k = 0; f->list && k < json_count(value); k++)
				put_value(p, v, f, json_at(value, k));
			if (!f->list)
				put_value(p, v, f, value);
			json_close(&p->j, ']');
		}
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}
