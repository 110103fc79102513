/* SPDX-License-Identifier: Apache-2.0 */
/* A case that is two, and one that passes from hand to hand. */
#include <json-c/json.h>

#include "base/ip.h"
#include "incident/merge.h"

enum { LINKS_MOST = 2000 };

struct moved_link {
	int64_t id;
	str kind, other;
	bool outward;
};
struct splitting {
	struct records *r;
	const struct viewer *v;
	const struct split_request *q;
	const struct types *types;
	struct arena *a;
	struct record_view view;
	struct case_type type;
	str id, made, fields, rest;
	struct moved_link *links; size_t link_count;
	struct err *err;
};

static str json_of(struct splitting *k, struct json_object *o)
{
	return arena_str(k->a, str_of(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)));
}

/* --- what is chosen --- */

/* A bare address is the network of it alone. */
static bool same_value(str x, str y)
{
	struct net a, b;

	return str_eq(x, y) || (net_parse(x, false, &a) && net_parse(y, false, &b) && a.bits == b.bits &&
				ip_cmp(&a.ip, &b.ip) == 0);
}

static bool names_row(const struct split_request *q, struct json_object *row, bool *used)
{
	bool named = false;

	json_object_object_foreach(row, name, value)
		for (size_t i = 0; i < q->indicator_count; i++)
			if (name && same_value(json_text(value), q->indicators[i]))
				named = used[i] = true;
	return named;
}

static enum rc choose_rows(struct splitting *k, struct json_object *taken, struct json_object *left)
{
	struct json_object *rows = case_value(&k->view, k->type.indicators);
	bool *used = ARENA_ARRAY(k->a, k->q->indicator_count + 1, bool);

	for (size_t i = 0; i < json_count(rows); i++) {
		struct json_object *row = json_at(rows, i);
		json_object_array_add(names_row(k->q, row, used) ? taken : left, json_object_get(row));
	}
	for (size_t i = 0; i < k->q->indicator_count; i++)
		if (!used[i])
			return fail(k->err, RC_INPUT, "'" STR_FMT "' is no indicator of it",
				    STR_ARG(str_head(k->q->indicators[i], 100)));
	return RC_OK;
}

static bool choose_link(void *ctx, const struct link_view *l)
{
	struct splitting *k = ctx;

	for (size_t i = 0; i < k->q->link_count; i++)
		if (k->q->links[i] == l->id && k->link_count < LINKS_MOST)
			k->links[k->link_count++] = (struct moved_link){
				l->id, arena_str(k->a, l->kind), arena_str(k->a, l->other), l->outward };
	return true;
}

static void copy(struct splitting *k, struct json_object *to, const struct type_field *f)
{
	struct json_object *value = case_value(&k->view, f);

	if (value)
		json_object_object_add(to, f->name, json_object_get(value));
}

static enum rc choose(struct splitting *k, struct reader *r)
{
	const struct type_field *f = k->type.indicators;
	struct json_object *fields = json_object_new_object(), *rest = json_object_new_object();
	struct json_object *taken = json_object_new_array(), *left = json_object_new_array();

	enum rc rc = choose_rows(k, taken, left);
	k->links = ARENA_ARRAY(k->a, LINKS_MOST, struct moved_link);
	if (rc == RC_OK)
		rc = read_record_links(r, k->types, k->v, k->id, k->a, choose_link, k, k->err);
	if (rc == RC_OK && k->link_count != k->q->link_count)
		rc = fail(k->err, RC_INPUT, "there is no such link");
	if (rc == RC_OK && k->link_count + json_count(taken) == 0)
		rc = fail(k->err, RC_INPUT, "say what goes to the new one: indicators, links");
	copy(k, fields, k->type.class);
	copy(k, fields, k->type.kind);
	copy(k, fields, k->type.severity);
	copy(k, fields, k->type.type->organisation);
	json_object_object_add(fields, k->type.type->title->name,
			       json_object_new_string_len(k->q->title.p, (int)k->q->title.n));
	if (rc == RC_OK && json_count(taken)) {
		json_object_object_add(fields, f->name, json_object_get(taken));
		json_object_object_add(rest, f->name, json_object_get(left));
		k->rest = json_of(k, rest);
	}
	k->fields = json_of(k, fields);
	json_free(taken);
	json_free(left);
	json_free(fields);
	json_free(rest);
	return rc;
}

/* --- the job --- */

static enum rc change(struct splitting *k, struct tx *tx, const struct change_request *q, str *id_out,
		      struct err *err)
{
	struct change_errors errors = { .count = 0 };
	struct record_view out = { 0 };

	enum rc rc = change_record_tx(tx, k->r, k->v, q, k->a, &out, &errors, err);
	if (rc == RC_OK && id_out && !out.record)
		rc = fail(err, RC_DENIED, "you could not see what you make");
	else if (rc == RC_OK && id_out)
		*id_out = record_view_id(&out, k->a);
	record_view_end(&out);
	return rc;
}

static enum rc move_link(struct splitting *k, struct tx *tx, const struct moved_link *l, struct err *err)
{
	str from = l->outward ? k->made : l->other, to = l->outward ? l->other : k->made;
	int64_t id;

	enum rc rc = change_link_tx(tx, k->r, k->v, from, l->kind, to, k->q->why, k->a, &id, err);
	return rc == RC_OK ? change_unlink_tx(tx, k->r, k->v, k->id, l->id, k->q->why, k->a, err) : rc;
}

static enum rc split_job(struct tx *tx, void *ctx, struct err *err)
{
	struct splitting *k = ctx;
	int64_t id, state = record_view_state(&k->view);
	const struct change_request made = { .type = str_of(k->type.type->name), .fields = k->fields,
					     .labels = record_view_labels(&k->view)->json, .why = k->q->why,
					     .language = k->q->language };

	enum rc rc = change(k, tx, &made, &k->made, err);
	if (rc == RC_OK && k->rest.n)
		rc = change(k, tx, &(struct change_request){ .id = k->id, .fields = k->rest, .why = k->q->why }, NULL, err);
	for (size_t i = 0; rc == RC_OK && i < k->link_count; i++)
		rc = move_link(k, tx, &k->links[i], err);
	if (rc == RC_OK)
		rc = change_link_tx(tx, k->r, k->v, k->made, STR("split-from"), k->id, k->q->why, k->a, &id, err);
	/* what is worked already is worked on */
	if (rc == RC_OK && state == k->type.open)
		rc = change(k, tx, &(struct change_request){ .id = k->made, .why = k->q->why,
				.to_state = str_of(k->type.type->states[state].name) }, NULL, err);
	return rc;
}

enum rc case_split(struct records *r, struct store *s, const struct viewer *v,
		   const struct split_request *q, struct arena *a, str *id_out, struct err *err)
{
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(r));
	struct splitting k = { .r = r, .v = v, .q = q, .types = snapshot_table(types), .a = a, .err = err };
	struct reader *reader = NULL;
	struct err why = { 0 };

	*id_out = STR("");
	enum rc rc = store_read_begin(s, &reader, err);
	if (rc == RC_OK && (!str_trim_all(q->why).n || !str_trim_all(q->title).n))
		rc = fail(err, RC_INPUT, "to split, give the new one a title, and a reason");
	if (rc == RC_OK)
		rc = read_record(reader, k.types, v, q->id, a, &k.view, err);
	if (rc == RC_OK && (!record_view_type(&k.view) || !case_type_of(record_view_type(&k.view), &k.type)))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no incident", STR_ARG(q->id));
	if (rc == RC_OK) {
		k.id = record_view_id(&k.view, a);
		rc = choose(&k, reader);
	}
	if (reader)
		store_read_end(reader);
	if (rc == RC_OK) {
		rc = store_write(s, split_job, &k, &why);
		if (rc == RC_DENIED || rc == RC_ABSENT)
			change_refused(r, s, v, k.id, str_of(why.text));
		if (rc != RC_OK)
			rc = fail(err, rc, "%s", why.text);
		else
			*id_out = k.made;
	}
	record_view_end(&k.view);
	snapshot_drop(records_types_snapshot(r), types);
	return rc;
}

/* --- from hand to hand --- */

static enum rc load_case(struct records *r, struct store *s, const struct viewer *v, str id, struct arena *a,
			 struct record_view *view, struct case_type *type, struct err *err)
{
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(r));
	struct reader *reader = NULL;

	enum rc rc = store_read_begin(s, &reader, err);
	if (rc == RC_OK)
		rc = read_record(reader, snapshot_table(types), v, id, a, view, err);
	if (rc == RC_OK && (!record_view_type(view) || !case_type_of(record_view_type(view), type) ||
			    !type->handover || !type->handover_note || !type->type->assignee))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is nothing that is handed over", STR_ARG(id));
	if (reader)
		store_read_end(reader);
	snapshot_drop(records_types_snapshot(r), types);
	return rc;
}

static enum rc put(struct records *r, struct store *s, const struct viewer *v, const struct record_view *view,
		   str id, struct json_object *fields, str why, struct arena *a, struct err *err)
{
	struct change_errors errors = { .count = 0 };
	struct record_view out = { 0 };
	const struct change_request q = {
		.id = id, .based_on = record_view_version(view), .why = why,
		.fields = str_of(json_object_to_json_string_ext(fields, JSON_C_TO_STRING_PLAIN)),
	};

	enum rc rc = change_record(r, s, v, &q, a, &out, &errors, err);
	record_view_end(&out);
	return rc;
}

static void add(struct json_object *o, const struct type_field *f, str value)
{
	json_object_object_add(o, f->name, json_object_new_string_len(value.p, (int)value.n));
}

enum rc case_hand_over(struct records *r, struct store *s, const struct viewer *v, str id, str person,
		       str note, struct arena *a, struct err *err)
{
	struct record_view view = { 0 };
	struct case_type t;

	if (!str_trim_all(note).n)
		return fail(err, RC_INPUT, "to hand over, write a note for who takes it");
	enum rc rc = load_case(r, s, v, id, a, &view, &t, err);
	if (rc == RC_OK) {
		struct json_object *fields = json_object_new_object();
		add(fields, t.type->assignee, person);
		add(fields, t.handover_note, note);
		add(fields, t.handover, STR("given"));
		rc = put(r, s, v, &view, record_view_id(&view, a), fields, STR("handed over"), a, err);
		json_free(fields);
	}
	record_view_end(&view);
	return rc;
}

static bool is_assignee(const struct record_view *v, const struct type_field *f)
{
	struct uuid id;
	str type;

	return !uuid_is_zero(&v->viewer->person) &&
	       record_id_parse(json_text(case_value(v, f)), &type, &id) && uuid_equal(&id, &v->viewer->person);
}

bool case_may_confirm(const struct record_view *v)
{
	struct case_type t;

	return record_view_type(v) && case_type_of(record_view_type(v), &t) && t.handover && t.type->assignee &&
	       str_eq(json_text(case_value(v, t.handover)), STR("given")) && is_assignee(v, t.type->assignee);
}

enum rc case_confirm(struct records *r, struct store *s, const struct viewer *v, str id, struct arena *a,
		     struct err *err)
{
	struct record_view view = { 0 };
	struct case_type t;

	enum rc rc = load_case(r, s, v, id, a, &view, &t, err);
	if (rc == RC_OK && !str_eq(json_text(case_value(&view, t.handover)), STR("given")))
		rc = fail(err, RC_INPUT, "no hand-over of it waits to be confirmed");
	if (rc == RC_OK && !case_may_confirm(&view)) {
		rc = fail(err, RC_DENIED, "only who takes it over confirms it");
		change_refused(r, s, v, record_view_id(&view, a), str_of(err ? err->text : ""));
	}
	if (rc == RC_OK) {
		struct json_object *fields = json_object_new_object();
		add(fields, t.handover, STR("confirmed"));
		rc = put(r, s, v, &view, record_view_id(&view, a), fields, STR("hand-over confirmed"), a, err);
		json_free(fields);
	}
	record_view_end(&view);
	return rc;
}
