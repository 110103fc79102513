/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of two organisations as one. */
#include "directory/merge_private.h"

str merging_plain(struct json_object *o)
{
	return str_of(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
}

static str cell(struct json_object *row, const char *name)
{
	str s = json_get_str(row, name);
	return s.p ? s : STR("");
}

/* Rows are the same when what names them is: of a contact the way to reach it, of a claim what is
 * claimed; of others all of it. */
static bool same_row(struct json_object *x, struct json_object *y)
{
	static const char *const ways[] = { "email", "phone", "webhook" };
	if (json_get(x, "value") && json_get(y, "value"))
		return str_eq(cell(x, "kind"), cell(y, "kind")) && str_eq(cell(x, "value"), cell(y, "value")) &&
		       str_eq(cell(x, "role"), cell(y, "role")) && str_eq(cell(x, "from"), cell(y, "from")) &&
		       str_eq(cell(x, "until"), cell(y, "until"));
	for (size_t i = 0; i < COUNT_OF(ways); i++)
		if (cell(x, ways[i]).n || cell(y, ways[i]).n)
			return str_eq_nocase(cell(x, ways[i]), cell(y, ways[i])) && str_eq(cell(x, "role"), cell(y, "role"));
	return json_object_equal(x, y);
}

bool merging_has_item(struct json_object *list, struct json_object *item, bool rows)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (rows ? same_row(json_at(list, i), item) : json_object_equal(json_at(list, i), item))
			return true;
	return false;
}

static struct json_object *united_list(struct json_object *mine, struct json_object *theirs, bool rows,
				       struct json_object *more)
{
	struct json_object *out = json_object_new_array();
	struct json_object *const from[] = { mine, theirs, more };
	for (size_t k = 0; k < COUNT_OF(from); k++)
		for (size_t i = 0; i < json_count(from[k]); i++)
			if (!merging_has_item(out, json_at(from[k], i), rows))
				json_object_array_add(out, json_object_get(json_at(from[k], i)));
	return out;
}

/* NULL: nothing changes. What is kept has the word; the other fills what it lacks. */
static struct json_object *united(struct merging *m, const struct type_field *f)
{
	struct json_object *mine = json_get(m->keep.body, f->name), *theirs = json_get(m->other.body, f->name);
	struct json_object *more = NULL, *out = NULL;
	const struct meaning *names = type_meaning(m->type, STR("organisation.other-names"));
	const struct meaning *title = type_meaning(m->type, STR("organisation.name"));
	if (names && names->field == f && title && title->field) {
		/* what the other was called is a name of this one */
		struct json_object *its = json_get(m->other.body, title->field->name);
		if (its && !json_object_equal(its, json_get(m->keep.body, title->field->name))) {
			more = json_object_new_array();
			json_object_array_add(more, json_object_get(its));
		}
	}
	if (f->list || f->kind == KIND_ROWS)
		out = united_list(mine, theirs, f->kind == KIND_ROWS, more);
	else if (!mine && theirs && !str_eq(json_text(theirs), m->keep_id))
		out = json_object_get(theirs);
	json_free(more);
	if (out && ((mine && json_object_equal(out, mine)) ||
		    ((f->list || f->kind == KIND_ROWS) && json_count(out) == 0))) {
		json_free(out);
		out = NULL;
	}
	return out;
}

void merging_unite(struct merging *m)
{
	struct buf b = BUF_INIT(MIB(4));
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	for (size_t i = 0; i < m->type->field_count; i++) {
		const struct type_field *f = &m->type->fields[i];
		struct json_object *value = united(m, f);
		if (!value)
			continue;
		json_key(&j, str_of(f->name));
		json_raw(&j, merging_plain(value));
		json_free(value);
	}
	json_close(&j, '}');
	m->keep_fields = arena_str(m->a, buf_str(&b));
	buf_free(&b);
}
