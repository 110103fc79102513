/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a body, one by one: entries of lists and columns of rows each for itself. */
#include "base/json.h"
#include "record/record_private.h"

struct walk {
	value_each each;
	void *ctx;
	bool enough;
};

static void give(struct walk *w, const struct type_field *f, const struct type_field *top,
		 struct json_object *json)
{
	if (!json || w->enough)
		return;
	struct value v = {
		.field = f,
		.top = top,
		.share = f->share > top->share ? f->share : top->share,
		.personal = f->personal || top->personal,
		.json = json,
	};
	w->enough = !w->each(w->ctx, &v);
}

static void give_all(struct walk *w, const struct type_field *f, const struct type_field *top,
		     struct json_object *json)
{
	if (!f->list) {
		give(w, f, top, json);
		return;
	}
	for (size_t i = 0; i < json_count(json); i++)
		give(w, f, top, json_at(json, i));
}

static void walk_field(struct walk *w, const struct type_field *f, struct json_object *body)
{
	struct json_object *json = json_get(body, f->name);
	if (f->share == SHARE_SEALED) { /* one ciphertext, whatever is in it */
		give(w, f, f, json);
		return;
	}
	if (f->kind != KIND_ROWS) {
		give_all(w, f, f, json);
		return;
	}
	for (size_t i = 0; i < json_count(json); i++)
		for (size_t k = 0; k < f->row_count; k++)
			give_all(w, &f->rows[k], f, json_get(json_at(json, i), f->rows[k].name));
}

void field_values(const struct type_field *f, struct json_object *body, value_each each, void *ctx)
{
	struct walk w = { .each = each, .ctx = ctx };
	walk_field(&w, f, body);
}

void values_each(const struct type *t, struct json_object *body, value_each each, void *ctx)
{
	struct walk w = { .each = each, .ctx = ctx };
	for (size_t i = 0; i < t->field_count && !w.enough; i++)
		walk_field(&w, &t->fields[i], body);
}
