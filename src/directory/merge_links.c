/* SPDX-License-Identifier: Apache-2.0 */
/* Links of the one that goes, and what other records refer to, pointed at the one that is kept. */
#include "directory/merge_private.h"

/* --- links --- */

static bool keep_link(void *ctx, const struct link_view *l)
{
	struct merging *m = ctx;
	m->links[m->link_count++] = (struct link){ .id = l->id, .kind = arena_str(m->a, l->kind),
						   .end = arena_str(m->a, l->other), .why = arena_str(m->a, l->why),
						   .outward = l->outward };
	return m->link_count < LINKS_MOST;
}

enum rc merging_read_links(struct merging *m, str id, struct err *err)
{
	m->links = ARENA_ARRAY(m->a, LINKS_MOST, struct link);
	m->link_count = 0;
	return read_record_links(m->reader, m->types, m->v, id, m->a, keep_link, m, err);
}

/* A link of a field's name stands and goes with that field. */
bool merging_of_a_field(const struct merging *m, const struct link *l)
{
	const struct type *from = l->outward ? m->type : types_find(m->types, str_head(l->end, str_find(l->end, STR("--"))));
	return from && type_find_field(from, l->kind);
}

static enum rc note_link(struct tx *tx, const struct merging *m, const struct link *l, int64_t added, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO organisation_merge_link (merge, kind, end, outward, why, added)"
					 " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
	sql_int(q, 1, m->merge);
	sql_str(q, 2, l->kind);
	sql_str(q, 3, l->end);
	sql_int(q, 4, l->outward);
	sql_str(q, 5, l->why.p ? l->why : STR(""));
	sql_int(q, 6, added);
	return sql_run(q, err);
}

static bool stands_at_keep(struct merging *m, const struct link *l, const struct link *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(list[i].kind, l->kind) && str_eq(list[i].end, l->end) && list[i].outward == l->outward)
			return true;
	return str_eq(l->end, m->keep_id);
}

enum rc merging_move_link(struct merging *m, struct tx *tx, const struct link *l, const struct two_lists *t,
			  struct err *err)
{
	int64_t id = 0;
	enum rc rc = RC_OK;
	if (!stands_at_keep(m, l, t->keep, t->keep_count))
		rc = change_link_tx(tx, m->r, m->v, l->outward ? m->keep_id : l->end, l->kind,
				    l->outward ? l->end : m->keep_id, l->why, m->a, &id, err);
	if (rc == RC_OK)
		rc = change_unlink_tx(tx, m->r, m->v, m->other_id, l->id, m->why, m->a, err);
	if (rc == RC_OK)
		rc = note_link(tx, m, l, id, err);
	m->done->links += rc == RC_OK;
	return rc;
}

/* --- what other records refer to --- */

/* The value of a reference field with `from` replaced by `to`; NULL: it does not name it. */
static struct json_object *pointed(struct json_object *value, const struct type_field *f, str from, str to)
{
	struct json_object *out;
	if (!f->list)
		return str_eq(json_text(value), from) ? json_object_new_string_len(to.p, (int)to.n) : NULL;
	bool named = false;
	out = json_object_new_array();
	for (size_t i = 0; i < json_count(value); i++) {
		bool it = str_eq(json_text(json_at(value, i)), from);
		struct json_object *item = it ? json_object_new_string_len(to.p, (int)to.n) :
						json_object_get(json_at(value, i));
		named |= it;
		if (merging_has_item(out, item, false))
			json_free(item);
		else
			json_object_array_add(out, item);
	}
	if (!named) {
		json_free(out);
		out = NULL;
	}
	return out;
}

/* As far as the viewer may, and not where a case is closed: that says who it was then. */
enum rc merging_point(struct merging *m, struct tx *tx, str record, str field, str from, str to, bool *done,
		      struct err *err)
{
	struct record_view v = { 0 };
	struct err why = { 0 };
	*done = false;
	if (read_record(m->reader, m->types, m->v, record, m->a, &v, &why) != RC_OK) {
		record_view_end(&v);
		return RC_OK;
	}
	const struct type *t = record_view_type(&v);
	const struct type_field *f = t ? type_find_field(t, field) : NULL;
	int state = record_view_state(&v);
	bool may = f && f->kind == KIND_REFERENCE && state >= 0 && !t->states[state].closed &&
		   record_view_may(&v, ACTION_EDIT, -1);
	struct json_object *value = may ? pointed(json_get(v.body, f->name), f, from, to) : NULL;
	enum rc rc = RC_OK;
	if (value) {
		str fields = arena_fmt(m->a, "{\"%s\":" STR_FMT "}", f->name, STR_ARG(merging_plain(value)));
		/* whatever version stands: it may have been changed here, by another of its fields */
		rc = merging_change(m, tx, record, 0, fields, STR_NONE, m->why, NULL, &why);
		*done = rc == RC_OK;
		/* what its own rules refuse stays as it is; the machine's failures end all */
		rc = rc == RC_IO || rc == RC_BUSY || rc == RC_CONFLICT ? fail(err, rc, "%s", why.text) : RC_OK;
	}
	json_free(value);
	record_view_end(&v);
	return rc;
}

enum rc merging_move_reference(struct merging *m, struct tx *tx, const struct link *l, struct err *err)
{
	bool done;
	enum rc rc = merging_point(m, tx, l->end, l->kind, m->other_id, m->keep_id, &done, err);
	if (rc != RC_OK || !done) {
		m->done->left += rc == RC_OK;
		return rc;
	}
	m->done->references++;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO organisation_merge_reference (merge, record, field)"
					 " VALUES (?1, ?2, ?3)");
	sql_int(q, 1, m->merge);
	sql_str(q, 2, l->end);
	sql_str(q, 3, l->kind);
	return sql_run(q, err);
}
