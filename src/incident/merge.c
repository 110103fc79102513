/* SPDX-License-Identifier: Apache-2.0 */
#include "incident/merge.h"

#include <json-c/json.h>

enum { LINKS_MOST = 2000 };

/* One end of a merge or split, as the viewer saw it before the job. */
struct side {
	struct record_view view;
	struct case_type type;
	str id;
};
struct kept_link {
	int64_t id;
	str kind, other, why;
	bool outward;
};
struct merging {
	struct records *r;
	struct store *s;
	const struct viewer *v;
	struct snapshot_ref *types;
	struct reader *reader;
	struct arena *a;
	struct side keep, other;
	struct kept_link *links; size_t link_count;
	str why, mark, state;
	struct json_object *fields; /* of the version to make of keep */
	struct merged done;
	struct err *err;
};

static const struct types *types_of(const struct merging *k)
{
	return snapshot_table(k->types);
}

static enum rc begin(struct merging *k)
{
	k->types = snapshot_hold(records_types_snapshot(k->r));
	return store_read_begin(k->s, &k->reader, k->err);
}

static void end(struct merging *k)
{
	json_free(k->fields);
	record_view_end(&k->keep.view);
	record_view_end(&k->other.view);
	if (k->reader)
		store_read_end(k->reader);
	snapshot_drop(records_types_snapshot(k->r), k->types);
}

static enum rc load(struct merging *k, str id, struct side *out)
{
	enum rc rc = read_record(k->reader, types_of(k), k->v, id, k->a, &out->view, k->err);

	if (rc != RC_OK)
		return rc;
	out->id = record_view_id(&out->view, k->a);
	if (!record_view_type(&out->view) || !case_type_of(record_view_type(&out->view), &out->type))
		return fail(k->err, RC_INPUT, "'" STR_FMT "' is no incident", STR_ARG(id));
	return RC_OK;
}

/* --- links made by hand --- */

static bool keep_link(void *ctx, const struct link_view *l)
{
	struct merging *k = ctx;

	k->links[k->link_count++] = (struct kept_link){
		.id = l->id, .kind = arena_str(k->a, l->kind), .other = arena_str(k->a, l->other),
		.why = arena_str(k->a, l->why), .outward = l->outward,
	};
	return k->link_count < LINKS_MOST;
}

static enum rc links_of(struct merging *k, const struct side *s)
{
	k->links = ARENA_ARRAY(k->a, LINKS_MOST, struct kept_link);
	k->link_count = 0;
	return read_record_links(k->reader, types_of(k), k->v, s->id, k->a, keep_link, k, k->err);
}

/* Links of a field's name stand and go with the field. */
static bool by_hand(const struct merging *k, const struct kept_link *l, const struct side *s)
{
	const struct type *from = s->type.type;
	size_t at = str_find(l->other, STR("--"));

	if (!l->outward)
		from = types_find(types_of(k), str_head(l->other, at));
	return !from || !type_find_field(from, l->kind);
}

/* --- rows of indicators --- */

static str row_text(struct json_object *row)
{
	return str_of(json_object_to_json_string_ext(row, JSON_C_TO_STRING_PLAIN));
}

static bool has_row(struct json_object *rows, struct json_object *row, struct arena *a)
{
	str text = arena_str(a, row_text(row));

	for (size_t i = 0; i < json_count(rows); i++)
		if (str_eq(row_text(json_at(rows, i)), text))
			return true;
	return false;
}

static struct json_object *copy_rows(struct json_object *rows)
{
	struct json_object *out = json_object_new_array();

	for (size_t i = 0; i < json_count(rows); i++)
		json_object_array_add(out, json_object_get(json_at(rows, i)));
	return out;
}

static struct json_object *one_member(const struct type_field *f, struct json_object *value)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, f->name, value);
	return o;
}

static str json_of(struct merging *k, struct json_object *o)
{
	return arena_str(k->a, str_of(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)));
}

/* --- the changes --- */

static enum rc put_fields(struct merging *k, struct tx *tx, str id, str fields, str to_state, str why,
			  struct err *err)
{
	const struct change_request q = { .id = id, .fields = fields, .to_state = to_state, .why = why };
	struct change_errors errors = { .count = 0 };
	struct record_view out = { 0 };

	enum rc rc = change_record_tx(tx, k->r, k->v, &q, k->a, &out, &errors, err);
	record_view_end(&out);
	return rc;
}

static enum rc run(struct merging *k, store_job_fn job)
{
	struct err why = { 0 };

	enum rc rc = store_write(k->s, job, k, &why);
	if (rc == RC_DENIED || rc == RC_ABSENT)
		change_refused(k->r, k->s, k->v, k->keep.id, str_of(why.text));
	return rc == RC_OK ? RC_OK : fail(k->err, rc, "%s", why.text);
}

/* --- merge --- */

static enum rc may_merge(struct merging *k)
{
	if (!str_trim_all(k->why).n)
		return fail(k->err, RC_INPUT, "to merge, a reason must be given");
	if (str_eq(k->keep.id, k->other.id))
		return fail(k->err, RC_INPUT, "an incident cannot be merged with itself");
	if (k->keep.type.type != k->other.type.type || k->other.type.merged < 0)
		return fail(k->err, RC_INPUT, "these two cannot be merged");
	if (record_view_labels(&k->keep.view)->exercise != record_view_labels(&k->other.view)->exercise)
		return fail(k->err, RC_INPUT, "what is of an exercise and what is real cannot be one incident");
	if (record_view_state(&k->other.view) == k->other.type.merged)
		return fail(k->err, RC_INPUT, "'" STR_FMT "' is merged already", STR_ARG(k->other.id));
	if (record_view_state(&k->keep.view) == k->keep.type.merged)
		return fail(k->err, RC_INPUT, "'" STR_FMT "' is merged itself", STR_ARG(k->keep.id));
	return RC_OK;
}

static void unite_indicators(struct merging *k)
{
	const struct type_field *f = k->keep.type.indicators;
	struct json_object *theirs = case_value(&k->other.view, f);
	struct json_object *rows = copy_rows(case_value(&k->keep.view, f));

	for (size_t i = 0; f && i < json_count(theirs); i++)
		if (!has_row(rows, json_at(theirs, i), k->a)) {
			json_object_array_add(rows, json_object_get(json_at(theirs, i)));
			k->done.indicators++;
		}
	if (k->done.indicators)
		k->fields = one_member(f, rows);
	else
		json_free(rows);
}

static enum rc link_both(struct merging *k, struct tx *tx, struct err *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < k->link_count; i++) {
		const struct kept_link *l = &k->links[i];
		int64_t id;
		if (!by_hand(k, l, &k->other) || str_eq(l->other, k->keep.id))
			continue;
		str from = l->outward ? k->keep.id : l->other, to = l->outward ? l->other : k->keep.id;
		rc = change_link_tx(tx, k->r, k->v, from, l->kind, to, k->mark, k->a, &id, err);
		k->done.links += rc == RC_OK;
	}
	return rc;
}

static enum rc merge_job(struct tx *tx, void *ctx, struct err *err)
{
	struct merging *k = ctx;
	const struct type *t = k->other.type.type;
	int64_t id;
	enum rc rc = RC_OK;

	k->done.links = 0;
	if (k->fields)
		rc = put_fields(k, tx, k->keep.id, json_of(k, k->fields), STR_NONE, k->mark, err);
	if (rc == RC_OK)
		rc = link_both(k, tx, err);
	if (rc == RC_OK)
		rc = change_link_tx(tx, k->r, k->v, k->other.id, STR("duplicate-of"), k->keep.id, k->mark,
				    k->a, &id, err);
	if (rc == RC_OK)
		rc = put_fields(k, tx, k->other.id, STR_NONE, str_of(t->states[k->other.type.merged].name),
				k->why, err);
	return rc;
}

/* What the merge says on all it makes: the undo finds it by this. */
static str mark_of(struct merging *k)
{
	return arena_fmt(k->a, "merged from " STR_FMT, STR_ARG(k->other.id));
}

enum rc case_merge(struct records *r, struct store *s, const struct viewer *v, str keep, str other,
		   str why, struct arena *a, struct merged *out, struct err *err)
{
	struct merging k = { .r = r, .s = s, .v = v, .a = a, .why = why, .err = err };

	enum rc rc = begin(&k);
	if (rc == RC_OK)
		rc = load(&k, keep, &k.keep);
	if (rc == RC_OK)
		rc = load(&k, other, &k.other);
	if (rc == RC_OK)
		rc = may_merge(&k);
	if (rc == RC_OK)
		rc = links_of(&k, &k.other);
	if (rc == RC_OK) {
		k.mark = mark_of(&k);
		unite_indicators(&k);
		rc = run(&k, merge_job);
	}
	*out = rc == RC_OK ? k.done : (struct merged){ 0 };
	end(&k);
	return rc;
}

/* --- and back --- */

struct before {
	struct merging *k;
	str mark, state, rows_before, rows_after; /* rows as JSON; of the version that says `mark`, and the one before it */
	bool at_mark, done;
};

/* Newest first: the first version in another state is what stood before. */
static bool state_before(void *ctx, const struct record_view *v)
{
	struct before *b = ctx;
	const struct type *t = record_view_type(v);
	int state = record_view_state(v);

	if (!t || state < 0 || state == b->k->other.type.merged)
		return true;
	b->state = str_of(t->states[state].name);
	return false;
}

static bool rows_added(void *ctx, const struct record_view *v)
{
	struct before *b = ctx;
	struct json_object *rows = case_value(v, b->k->keep.type.indicators);
	str text = rows ? arena_str(b->k->a, row_text(rows)) : STR("[]");

	if (b->at_mark) {
		b->rows_before = text;
		b->done = true;
		return false;
	}
	b->at_mark = str_eq(record_view_why(v), b->mark);
	if (b->at_mark)
		b->rows_after = text;
	return true;
}

static enum rc take_rows_back(struct merging *k, const struct before *b)
{
	struct json_object *was = NULL, *is = NULL;
	const struct type_field *f = k->keep.type.indicators;

	if (!b->done)
		return RC_OK;
	enum rc rc = json_read(b->rows_before, &was, k->err);
	if (rc == RC_OK)
		rc = json_read(b->rows_after, &is, k->err);
	if (rc == RC_OK) {
		struct json_object *now = case_value(&k->keep.view, f), *left = json_object_new_array();
		for (size_t i = 0; i < json_count(now); i++) {
			struct json_object *row = json_at(now, i);
			if (has_row(is, row, k->a) && !has_row(was, row, k->a))
				k->done.indicators++;
			else
				json_object_array_add(left, json_object_get(row));
		}
		if (k->done.indicators)
			k->fields = one_member(f, left);
		else
			json_free(left);
	}
	json_free(was);
	json_free(is);
	return rc;
}

static enum rc unmerge_job(struct tx *tx, void *ctx, struct err *err)
{
	struct merging *k = ctx;
	enum rc rc = RC_OK;

	k->done.links = 0;
	for (size_t i = 0; rc == RC_OK && i < k->link_count; i++) {
		const struct kept_link *l = &k->links[i];
		if (!str_eq(l->why, k->mark))
			continue;
		rc = change_unlink_tx(tx, k->r, k->v, k->keep.id, l->id, k->why, k->a, err);
		k->done.links += rc == RC_OK;
	}
	if (rc == RC_OK && k->fields)
		rc = put_fields(k, tx, k->keep.id, json_of(k, k->fields), STR_NONE, k->why, err);
	if (rc == RC_OK)
		rc = put_fields(k, tx, k->other.id, STR_NONE, k->state, k->why, err);
	return rc;
}

/* Whom it went into: the newest link duplicate-of with the mark of a merge. */
static str merged_into(struct merging *k)
{
	for (size_t i = 0; i < k->link_count; i++)
		if (k->links[i].outward && str_eq(k->links[i].kind, STR("duplicate-of")) &&
		    str_eq(k->links[i].why, k->mark))
			return k->links[i].other;
	return STR_NONE;
}

enum rc case_unmerge(struct records *r, struct store *s, const struct viewer *v, str other, str why,
		     struct arena *a, struct merged *out, struct err *err)
{
	struct merging k = { .r = r, .s = s, .v = v, .a = a, .why = why, .err = err };
	struct before b = { .k = &k, .state = STR("") };

	enum rc rc = begin(&k);
	if (rc == RC_OK && !str_trim_all(why).n)
		rc = fail(err, RC_INPUT, "to take a merge back, a reason must be given");
	if (rc == RC_OK)
		rc = load(&k, other, &k.other);
	if (rc == RC_OK && (k.other.type.merged < 0 || record_view_state(&k.other.view) != k.other.type.merged))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is not merged", STR_ARG(other));
	if (rc == RC_OK)
		rc = links_of(&k, &k.other);
	k.mark = mark_of(&k);
	str into = rc == RC_OK ? merged_into(&k) : STR_NONE;
	if (rc == RC_OK && !into.n)
		rc = fail(err, RC_INPUT, "what '" STR_FMT "' was merged into is not known", STR_ARG(other));
	if (rc == RC_OK)
		rc = load(&k, into, &k.keep);
	if (rc == RC_OK)
		rc = links_of(&k, &k.keep);
	if (rc == RC_OK)
		rc = read_record_history(k.reader, types_of(&k), v, k.other.id, INT64_MAX, 1000, a, state_before,
					 &b, err);
	b.mark = k.mark;
	if (rc == RC_OK)
		rc = read_record_history(k.reader, types_of(&k), v, k.keep.id, INT64_MAX, 10000, a, rows_added, &b,
					 err);
	if (rc == RC_OK && !b.state.n)
		rc = fail(err, RC_INPUT, "what '" STR_FMT "' was before is not known", STR_ARG(other));
	k.state = b.state;
	if (rc == RC_OK)
		rc = take_rows_back(&k, &b);
	if (rc == RC_OK)
		rc = run(&k, unmerge_job);
	*out = rc == RC_OK ? k.done : (struct merged){ 0 };
	end(&k);
	return rc;
}
