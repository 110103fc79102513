/* SPDX-License-Identifier: Apache-2.0 */
/* Values of fields, kept so that a list in their order is a walk along them. */
#include "base/json.h"
#include "record/record_private.h"

struct keys {
	struct index_key *list;
	size_t n, room;
	struct arena *a;
};

static int key_cmp(const struct kind_key *x, const struct kind_key *y)
{
	if (x->is_number != y->is_number)
		return x->is_number ? -1 : 1;
	if (x->is_number)
		return x->number < y->number ? -1 : x->number > y->number;
	return str_cmp(x->text, y->text);
}

/* In order, each once: lists may hold the same value twice. */
static bool add_key(void *ctx, const struct value *v)
{
	struct keys *k = ctx;
	struct index_key key = { .field = v->field };
	if (!kind_key(v->field, v->json, k->a, &key.key))
		return true;
	size_t at = k->n;
	for (; at > 0 && k->list[at - 1].field == key.field; at--) {
		int order = key_cmp(&key.key, &k->list[at - 1].key);
		if (order == 0)
			return true;
		if (order > 0)
			break;
	}
	if (k->n == k->room) {
		struct index_key *more = ARENA_ARRAY(k->a, k->room ? 2 * k->room : 16, struct index_key);
		if (k->n)
			memcpy(more, k->list, k->n * sizeof(*more));
		k->list = more;
		k->room = k->room ? 2 * k->room : 16;
	}
	memmove(&k->list[at + 1], &k->list[at], (k->n - at) * sizeof(key));
	k->list[at] = key;
	k->n++;
	return true;
}

struct index_key *index_keys(const struct type *t, struct json_object *body, struct arena *a,
			     size_t *count_out)
{
	struct keys k = { .a = a };
	for (size_t i = 0; body && i < t->field_count; i++) {
		const struct type_field *f = &t->fields[i];
		if (f->indexed && f->share < SHARE_NAMED && f->kind != KIND_SECRET &&
		    f->kind != KIND_ROWS)
			field_values(f, body, add_key, &k);
	}
	*count_out = k.n;
	return k.list;
}

static int place_cmp(const struct index_key *x, const struct index_key *y)
{
	if (x->field->at != y->field->at)
		return x->field->at < y->field->at ? -1 : 1;
	return key_cmp(&x->key, &y->key);
}

static enum rc one(struct conn *c, const struct type *t, int64_t row, const struct index_key *k,
		   bool add, struct err *err)
{
	char text[2 * TYPE_NAME_MAX + 2];
	int64_t field;
	enum rc rc = name_make(c, field_name(t, k->field, text), &field, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q =
		add ? sql(c, "INSERT OR IGNORE INTO record_index (field, value, record)"
			     " VALUES (?, ?, ?)") :
		      sql(c, "DELETE FROM record_index WHERE field = ? AND value = ? AND record = ?");
	sql_int(q, 1, field);
	if (k->key.is_number)
		sql_int(q, 2, k->key.number);
	else
		sql_str(q, 2, k->key.text);
	sql_int(q, 3, row);
	return sql_run(q, err);
}

enum rc index_change(struct conn *c, const struct type *t, int64_t row, struct json_object *before,
		     struct json_object *after, struct arena *a, struct err *err)
{
	size_t old_n, new_n;
	struct index_key *old = index_keys(t, before, a, &old_n);
	struct index_key *new = index_keys(t, after, a, &new_n);
	enum rc rc = RC_OK;
	for (size_t i = 0, k = 0; rc == RC_OK && (i < old_n || k < new_n);) {
		int order = i == old_n ? 1 : k == new_n ? -1 : place_cmp(&old[i], &new[k]);
		if (order < 0)
			rc = one(c, t, row, &old[i], false, err);
		else if (order > 0)
			rc = one(c, t, row, &new[k], true, err);
		i += order <= 0;
		k += order >= 0;
	}
	return rc;
}
