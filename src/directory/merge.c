/* SPDX-License-Identifier: Apache-2.0 */
#include "directory/merge.h"

#include <json-c/json.h>

#include "route/directory_records.h"

enum { LINKS_MOST = 2000, ROWS_MOST = 10000, CONTACTS_MOST = 200 };

struct link {
	int64_t id;
	str kind, end, why;
	bool outward;
};
struct merging {
	struct records *r;
	struct store *s;
	const struct viewer *v;
	struct snapshot_ref *ref;
	const struct types *types;
	const struct type *type;
	struct reader *reader;
	struct arena *a;
	struct record_view keep, other;
	str keep_id, other_id, why;
	uint64_t keep_before, other_before;
	str state;                 /* of the other, before */
	struct link *links;
	size_t link_count;
	str keep_fields, other_fields;
	int64_t merge;             /* id of its row */
	struct merge_done *done;
};

static enum rc begin(struct merging *m, struct err *err)
{
	m->ref = snapshot_hold(records_types_snapshot(m->r));
	m->types = snapshot_table(m->ref);
	m->type = directory_type(m->types);
	if (!m->type)
		return fail(err, RC_ABSENT, "there is no type of organisations");
	return store_read_begin(m->s, &m->reader, err);
}

static void end(struct merging *m)
{
	record_view_end(&m->keep);
	record_view_end(&m->other);
	store_read_end(m->reader);
	snapshot_drop(records_types_snapshot(m->r), m->ref);
}

static enum rc load(struct merging *m, str id, struct record_view *out, str *id_out, struct err *err)
{
	enum rc rc = read_record(m->reader, m->types, m->v, id, m->a, out, err);
	if (rc != RC_OK)
		return rc;
	*id_out = record_view_id(out, m->a);
	if (record_view_type(out) != m->type)
		return fail(err, RC_INPUT, "'" STR_FMT "' is no organisation", STR_ARG(id));
	for (size_t i = 0; i < m->type->field_count; i++)
		if (m->type->fields[i].kind != KIND_SECRET && record_view_cuts(out, &m->type->fields[i]))
			return fail(err, RC_DENIED, "you do not see all of '" STR_FMT "'", STR_ARG(id));
	return RC_OK;
}

static bool is_former(const struct merging *m, const struct record_view *v)
{
	const struct meaning *former = type_meaning(m->type, STR("organisation.former"));
	return former && !former->field && record_view_state(v) == (int)former->state;
}

static enum rc change_as(struct merging *m, struct tx *tx, const struct change_request *q, uint64_t *version_out,
			 struct err *err)
{
	struct change_errors errors = { .count = 0 };
	struct record_view now = { 0 };
	enum rc rc = change_record_tx(tx, m->r, m->v, q, m->a, &now, &errors, err);
	if (rc == RC_OK && version_out)
		*version_out = record_view_version(&now);
	record_view_end(&now);
	return rc;
}

static enum rc change(struct merging *m, struct tx *tx, str id, uint64_t based_on, str fields, str state, str why,
		      uint64_t *version_out, struct err *err)
{
	const struct change_request q = { .id = id, .based_on = based_on, .fields = fields, .to_state = state,
					  .why = why };
	return change_as(m, tx, &q, version_out, err);
}

/* The one kept: what nobody is shown of it comes from `secrets`, in that version. */
static enum rc change_keep(struct merging *m, struct tx *tx, uint64_t based_on, str secrets, uint64_t version,
			   uint64_t *version_out, struct err *err)
{
	const struct change_request q = { .id = m->keep_id, .based_on = based_on, .fields = m->keep_fields,
					  .why = m->why, .secrets_of = secrets, .secrets_version = version };
	return change_as(m, tx, &q, version_out, err);
}

static str plain(struct json_object *o)
{
	return str_of(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
}

/* --- fields of both as one --- */

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

static bool has_item(struct json_object *list, struct json_object *item, bool rows)
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
			if (!has_item(out, json_at(from[k], i), rows))
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

static void unite_fields(struct merging *m)
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
		json_raw(&j, plain(value));
		json_free(value);
	}
	json_close(&j, '}');
	m->keep_fields = arena_str(m->a, buf_str(&b));
	buf_free(&b);
}

/* --- links --- */

static bool keep_link(void *ctx, const struct link_view *l)
{
	struct merging *m = ctx;
	m->links[m->link_count++] = (struct link){ .id = l->id, .kind = arena_str(m->a, l->kind),
						   .end = arena_str(m->a, l->other), .why = arena_str(m->a, l->why),
						   .outward = l->outward };
	return m->link_count < LINKS_MOST;
}

static enum rc read_links(struct merging *m, str id, struct err *err)
{
	m->links = ARENA_ARRAY(m->a, LINKS_MOST, struct link);
	m->link_count = 0;
	return read_record_links(m->reader, m->types, m->v, id, m->a, keep_link, m, err);
}

/* A link of a field's name stands and goes with that field. */
static bool of_a_field(const struct merging *m, const struct link *l)
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

struct two_lists {
	const struct link *keep;
	size_t keep_count;
};

static enum rc move_link(struct merging *m, struct tx *tx, const struct link *l, const struct two_lists *t,
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
		if (has_item(out, item, false))
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
static enum rc point(struct merging *m, struct tx *tx, str record, str field, str from, str to, bool *done,
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
		str fields = arena_fmt(m->a, "{\"%s\":" STR_FMT "}", f->name, STR_ARG(plain(value)));
		/* whatever version stands: it may have been changed here, by another of its fields */
		rc = change(m, tx, record, 0, fields, STR_NONE, m->why, NULL, &why);
		*done = rc == RC_OK;
		/* what its own rules refuse stays as it is; the machine's failures end all */
		rc = rc == RC_IO || rc == RC_BUSY || rc == RC_CONFLICT ? fail(err, rc, "%s", why.text) : RC_OK;
	}
	json_free(value);
	record_view_end(&v);
	return rc;
}

static enum rc move_reference(struct merging *m, struct tx *tx, const struct link *l, struct err *err)
{
	bool done;
	enum rc rc = point(m, tx, l->end, l->kind, m->other_id, m->keep_id, &done, err);
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

/* --- merging --- */

static str uuid_of(const struct merging *m, str id)
{
	struct uuid u = { { 0 } };
	(void)uuid_parse(str_from(id, str_find(id, STR("--")) + 2), &u);
	return arena_str(m->a, str_mem(u.b, sizeof(u.b)));
}

static enum rc note_merge(struct tx *tx, struct merging *m, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO organisation_merge (keep, other, keep_before, keep_after,"
					 " other_before, other_after, state, actor, why, at_us, undone_us)"
					 " VALUES (?1, ?2, ?3, 0, ?4, 0, ?5, ?6, ?7, ?8, 0)");
	sql_blob(q, 1, uuid_of(m, m->keep_id));
	sql_blob(q, 2, uuid_of(m, m->other_id));
	sql_int(q, 3, (int64_t)m->keep_before);
	sql_int(q, 4, (int64_t)m->other_before);
	sql_str(q, 5, m->state);
	sql_str(q, 6, str_of(m->v->actor));
	sql_str(q, 7, m->why);
	sql_int(q, 8, tx_now_us(tx));
	enum rc rc = sql_run(q, err);
	m->merge = sql_last_id(tx_conn(tx));
	return rc;
}

static enum rc note_versions(struct tx *tx, struct merging *m, uint64_t keep, uint64_t other, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE organisation_merge SET keep_after = ?2, other_after = ?3 WHERE id = ?1");
	sql_int(q, 1, m->merge);
	sql_int(q, 2, (int64_t)keep);
	sql_int(q, 3, (int64_t)other);
	enum rc rc = sql_run(q, err);
	struct journal_act act = { .act = "organisation.merge", .actor = str_of(m->v->actor), .object = m->keep_id,
				   .count = m->done->links + m->done->references };
	return rc == RC_OK ? journal_add(tx, records_journal(m->r), &act, err) : rc;
}

struct merge_job {
	struct merging *m;
	struct two_lists lists;
};

/* The other becomes former first: what it claims is free then. */
static enum rc merge_job(struct tx *tx, void *ctx, struct err *err)
{
	struct merge_job *job = ctx;
	struct merging *m = job->m;
	const struct meaning *former = type_meaning(m->type, STR("organisation.former"));
	uint64_t keep = m->keep_before, other = 0;
	int64_t id;
	*m->done = (struct merge_done){ .keep = m->keep_id, .other = m->other_id };
	enum rc rc = note_merge(tx, m, err);
	if (rc == RC_OK)
		rc = change(m, tx, m->other_id, m->other_before, m->other_fields, str_of(m->type->states[former->state].name),
			    m->why, &other, err);
	if (rc == RC_OK)
		rc = change_keep(m, tx, m->keep_before, m->other_id, 0, &keep, err);
	for (size_t i = 0; rc == RC_OK && i < m->link_count; i++) {
		const struct link *l = &m->links[i];
		if (!of_a_field(m, l))
			rc = move_link(m, tx, l, &job->lists, err);
		else if (!l->outward && !str_eq(l->end, m->keep_id))
			rc = move_reference(m, tx, l, err);
	}
	if (rc == RC_OK)
		rc = change_link_tx(tx, m->r, m->v, m->other_id, STR("duplicate-of"), m->keep_id, m->why, m->a, &id, err);
	return rc == RC_OK ? note_versions(tx, m, keep, other, err) : rc;
}

static enum rc run_job(struct merging *m, store_job_fn job, void *ctx, struct err *err)
{
	struct err why = { 0 };
	enum rc rc = store_write(m->s, job, ctx, &why);
	if (rc == RC_DENIED || rc == RC_ABSENT)
		change_refused(m->r, m->s, m->v, m->other_id, str_of(why.text));
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}

static enum rc may_merge(struct merging *m, struct err *err)
{
	const struct meaning *successor = type_meaning(m->type, STR("organisation.successor"));
	const struct meaning *former = type_meaning(m->type, STR("organisation.former"));
	if (!str_trim_all(m->why).n)
		return fail(err, RC_INPUT, "to merge, a reason must be given");
	if (str_eq(m->keep_id, m->other_id))
		return fail(err, RC_INPUT, "an organisation cannot be merged with itself");
	if (is_former(m, &m->keep) || is_former(m, &m->other))
		return fail(err, RC_INPUT, "one of them is former already");
	if (!former || former->field)
		return fail(err, RC_INPUT, "organisations cannot become former here");
	if (record_view_labels(&m->keep)->exercise != record_view_labels(&m->other)->exercise)
		return fail(err, RC_INPUT, "what is of an exercise and what is real cannot be one");
	m->other_fields = successor && successor->field ?
				  arena_fmt(m->a, "{\"%s\":\"" STR_FMT "\"}", successor->field->name, STR_ARG(m->keep_id)) :
				  STR_NONE;
	return RC_OK;
}

enum rc organisations_merge(struct records *r, struct store *s, const struct viewer *v, str keep, str other,
			    str why, struct arena *a, struct merge_done *out, struct err *err)
{
	struct merging m = { .r = r, .s = s, .v = v, .a = a, .why = why, .done = out };
	struct merge_job job = { .m = &m };
	*out = (struct merge_done){ .links = 0 };
	enum rc rc = begin(&m, err);
	if (rc == RC_OK)
		rc = load(&m, keep, &m.keep, &m.keep_id, err);
	if (rc == RC_OK)
		rc = load(&m, other, &m.other, &m.other_id, err);
	if (rc == RC_OK)
		rc = may_merge(&m, err);
	if (rc == RC_OK)
		rc = read_links(&m, m.keep_id, err);
	job.lists = (struct two_lists){ m.links, m.link_count };
	if (rc == RC_OK)
		rc = read_links(&m, m.other_id, err);
	if (rc == RC_OK && m.link_count == LINKS_MOST)
		rc = fail(err, RC_LIMIT, "'" STR_FMT "' has more than %d links", STR_ARG(m.other_id), LINKS_MOST);
	if (rc == RC_OK) {
		m.keep_before = record_view_version(&m.keep);
		m.other_before = record_view_version(&m.other);
		m.state = str_of(m.type->states[record_view_state(&m.other)].name);
		unite_fields(&m);
		rc = run_job(&m, merge_job, &job, err);
	}
	end(&m);
	return rc;
}

/* --- and back --- */

struct back {
	struct merging *m;
	uint64_t keep_after, other_after;
	struct link *links;        /* id: where it was added to the one kept; 0: stood there already */
	size_t link_count;
	struct link *references;   /* kind: field, end: record */
	size_t reference_count;
};

static enum rc find_merge(struct back *b, struct err *err)
{
	struct merging *m = b->m;
	struct buf id = BUF_INIT(64);
	struct sql *q = sql(reader_conn(m->reader), "SELECT id, keep, keep_before, keep_after, other_before, other_after, state"
						    " FROM organisation_merge WHERE other = ? AND undone_us = 0"
						    " ORDER BY id DESC");
	sql_blob(q, 1, uuid_of(m, m->other_id));
	bool there = sql_row(q);
	if (there) {
		struct uuid keep = { { 0 } };
		str blob = sql_col_blob(q, 1);
		if (blob.n == sizeof(keep.b))
			memcpy(keep.b, blob.p, sizeof(keep.b));
		m->merge = sql_col_int(q, 0);
		uuid_format(&id, &keep);
		m->keep_id = arena_fmt(m->a, "%s--" STR_FMT, m->type->name, STR_ARG(buf_str(&id)));
		m->keep_before = (uint64_t)sql_col_int(q, 2);
		b->keep_after = (uint64_t)sql_col_int(q, 3);
		m->other_before = (uint64_t)sql_col_int(q, 4);
		b->other_after = (uint64_t)sql_col_int(q, 5);
		m->state = arena_str(m->a, sql_col_str(q, 6));
	}
	enum rc rc = sql_end(q, err);
	buf_free(&id);
	return rc == RC_OK && !there ? fail(err, RC_ABSENT, "'" STR_FMT "' was not merged with another", STR_ARG(m->other_id)) :
				       rc;
}

static enum rc find_moved(struct back *b, struct err *err)
{
	struct merging *m = b->m;
	b->links = ARENA_ARRAY(m->a, LINKS_MOST, struct link);
	b->references = ARENA_ARRAY(m->a, LINKS_MOST, struct link);
	struct sql *q = sql(reader_conn(m->reader), "SELECT kind, end, outward, why, added FROM organisation_merge_link"
						    " WHERE merge = ? ORDER BY id");
	sql_int(q, 1, m->merge);
	while (b->link_count < LINKS_MOST && sql_row(q))
		b->links[b->link_count++] = (struct link){
			.kind = arena_str(m->a, sql_col_str(q, 0)), .end = arena_str(m->a, sql_col_str(q, 1)),
			.outward = sql_col_int(q, 2) != 0, .why = arena_str(m->a, sql_col_str(q, 3)), .id = sql_col_int(q, 4) };
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(reader_conn(m->reader), "SELECT record, field FROM organisation_merge_reference WHERE merge = ?"
					" ORDER BY id");
	sql_int(q, 1, m->merge);
	while (b->reference_count < LINKS_MOST && sql_row(q))
		b->references[b->reference_count++] = (struct link){ .end = arena_str(m->a, sql_col_str(q, 0)),
								     .kind = arena_str(m->a, sql_col_str(q, 1)) };
	return sql_end(q, err);
}

/* All fields as they were in that version; what it did not have is taken away. Secret ones apart: they
 * are in no view. */
static enum rc fields_then(struct merging *m, str id, uint64_t version, str *out, struct err *err)
{
	struct record_view then = { 0 };
	struct buf b = BUF_INIT(MIB(4));
	struct json_out j = json_out(&b);
	enum rc rc = read_record_version(m->reader, m->types, m->v, id, version, m->a, &then, err);
	json_open(&j, '{');
	for (size_t i = 0; rc == RC_OK && i < m->type->field_count; i++) {
		struct json_object *was = json_get(then.body, m->type->fields[i].name);
		if (m->type->fields[i].kind == KIND_SECRET)
			continue;
		json_key(&j, str_of(m->type->fields[i].name));
		json_raw(&j, was ? plain(was) : STR("null"));
	}
	json_close(&j, '}');
	*out = arena_str(m->a, buf_str(&b));
	record_view_end(&then);
	buf_free(&b);
	return rc;
}

struct standing {
	str end, kind;
	bool outward;
	int64_t id;
};
static bool same_link(void *ctx, const struct link_view *l)
{
	struct standing *f = ctx;
	if (str_eq(l->kind, f->kind) && str_eq(l->other, f->end) && l->outward == f->outward)
		f->id = l->id;
	return f->id == 0;
}

/* The duplicate-of, and links of the one kept that came from the other: those that still stand. */
static enum rc unlink_there(struct merging *m, struct tx *tx, str at, str kind, str end, bool outward, struct err *err)
{
	struct standing f = { .end = end, .kind = kind, .outward = outward };
	enum rc rc = read_record_links(m->reader, m->types, m->v, at, m->a, same_link, &f, err);
	return rc == RC_OK && f.id ? change_unlink_tx(tx, m->r, m->v, at, f.id, m->why, m->a, err) : rc;
}

static enum rc unmerge_job(struct tx *tx, void *ctx, struct err *err)
{
	struct back *b = ctx;
	struct merging *m = b->m;
	int64_t id;
	*m->done = (struct merge_done){ .keep = m->keep_id, .other = m->other_id };
	/* the one kept first: what both claimed is the other's again */
	enum rc rc = change_keep(m, tx, b->keep_after, m->keep_id, m->keep_before, NULL, err);
	if (rc == RC_OK)
		rc = change(m, tx, m->other_id, b->other_after, m->other_fields, m->state, m->why, NULL, err);
	if (rc == RC_OK)
		rc = unlink_there(m, tx, m->other_id, STR("duplicate-of"), m->keep_id, true, err);
	for (size_t i = 0; rc == RC_OK && i < b->link_count; i++) {
		const struct link *l = &b->links[i];
		if (l->id)
			rc = unlink_there(m, tx, m->keep_id, l->kind, l->end, l->outward, err);
		if (rc == RC_OK)
			rc = change_link_tx(tx, m->r, m->v, l->outward ? m->other_id : l->end, l->kind,
					    l->outward ? l->end : m->other_id, l->why, m->a, &id, err);
		m->done->links += rc == RC_OK;
	}
	for (size_t i = 0; rc == RC_OK && i < b->reference_count; i++) {
		bool done;
		rc = point(m, tx, b->references[i].end, b->references[i].kind, m->keep_id, m->other_id, &done, err);
		m->done->references += done;
		m->done->left += rc == RC_OK && !done;
	}
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE organisation_merge SET undone_us = ?2 WHERE id = ?1");
	sql_int(q, 1, m->merge);
	sql_int(q, 2, tx_now_us(tx));
	rc = sql_run(q, err);
	struct journal_act act = { .act = "organisation.unmerge", .actor = str_of(m->v->actor), .object = m->keep_id,
				   .count = m->done->links + m->done->references };
	return rc == RC_OK ? journal_add(tx, records_journal(m->r), &act, err) : rc;
}

enum rc organisations_unmerge(struct records *r, struct store *s, const struct viewer *v, str other, str why,
			      struct arena *a, struct merge_done *out, struct err *err)
{
	struct merging m = { .r = r, .s = s, .v = v, .a = a, .done = out };
	struct back b = { .m = &m };
	m.why = str_trim_all(why).n ? why : STR("the merge was taken back");
	*out = (struct merge_done){ .links = 0 };
	enum rc rc = begin(&m, err);
	if (rc == RC_OK)
		rc = load(&m, other, &m.other, &m.other_id, err);
	if (rc == RC_OK)
		rc = find_merge(&b, err);
	if (rc == RC_OK)
		rc = load(&m, m.keep_id, &m.keep, &m.keep_id, err);
	if (rc == RC_OK && (record_view_version(&m.keep) != b.keep_after || record_view_version(&m.other) != b.other_after))
		rc = fail(err, RC_CONFLICT, "one of them was changed since they were merged: put the change back first");
	if (rc == RC_OK)
		rc = fields_then(&m, m.keep_id, m.keep_before, &m.keep_fields, err);
	if (rc == RC_OK)
		rc = fields_then(&m, m.other_id, m.other_before, &m.other_fields, err);
	if (rc == RC_OK)
		rc = find_moved(&b, err);
	if (rc == RC_OK)
		rc = run_job(&m, unmerge_job, &b, err);
	end(&m);
	return rc;
}
