/* SPDX-License-Identifier: Apache-2.0 */
/* Two organisations made one, in one job. */
#include "directory/merge_private.h"

#include "route/directory_records.h"

enum rc merging_begin(struct merging *m, struct err *err)
{
	m->ref = snapshot_hold(records_types_snapshot(m->r));
	m->types = snapshot_table(m->ref);
	m->type = directory_type(m->types);
	if (!m->type)
		return fail(err, RC_ABSENT, "there is no type of organisations");
	return store_read_begin(m->s, &m->reader, err);
}

void merging_end(struct merging *m)
{
	record_view_end(&m->keep);
	record_view_end(&m->other);
	store_read_end(m->reader);
	snapshot_drop(records_types_snapshot(m->r), m->ref);
}

enum rc merging_load(struct merging *m, str id, struct record_view *out, str *id_out, struct err *err)
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

enum rc merging_change(struct merging *m, struct tx *tx, str id, uint64_t based_on, str fields, str state, str why,
		       uint64_t *version_out, struct err *err)
{
	const struct change_request q = { .id = id, .based_on = based_on, .fields = fields, .to_state = state,
					  .why = why };
	return change_as(m, tx, &q, version_out, err);
}

/* The one kept: what nobody is shown of it comes from `secrets`, in that version. */
enum rc merging_change_keep(struct merging *m, struct tx *tx, uint64_t based_on, str secrets, uint64_t version,
			    uint64_t *version_out, struct err *err)
{
	const struct change_request q = { .id = m->keep_id, .based_on = based_on, .fields = m->keep_fields,
					  .why = m->why, .secrets_of = secrets, .secrets_version = version };
	return change_as(m, tx, &q, version_out, err);
}

/* --- merging --- */

str merging_uuid(const struct merging *m, str id)
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
	sql_blob(q, 1, merging_uuid(m, m->keep_id));
	sql_blob(q, 2, merging_uuid(m, m->other_id));
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
		rc = merging_change(m, tx, m->other_id, m->other_before, m->other_fields, str_of(m->type->states[former->state].name),
			    m->why, &other, err);
	if (rc == RC_OK)
		rc = merging_change_keep(m, tx, m->keep_before, m->other_id, 0, &keep, err);
	for (size_t i = 0; rc == RC_OK && i < m->link_count; i++) {
		const struct link *l = &m->links[i];
		if (!merging_of_a_field(m, l))
			rc = merging_move_link(m, tx, l, &job->lists, err);
		else if (!l->outward && !str_eq(l->end, m->keep_id))
			rc = merging_move_reference(m, tx, l, err);
	}
	if (rc == RC_OK)
		rc = change_link_tx(tx, m->r, m->v, m->other_id, STR("duplicate-of"), m->keep_id, m->why, m->a, &id, err);
	return rc == RC_OK ? note_versions(tx, m, keep, other, err) : rc;
}

enum rc merging_run(struct merging *m, store_job_fn job, void *ctx, struct err *err)
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
	enum rc rc = merging_begin(&m, err);
	if (rc == RC_OK)
		rc = merging_load(&m, keep, &m.keep, &m.keep_id, err);
	if (rc == RC_OK)
		rc = merging_load(&m, other, &m.other, &m.other_id, err);
	if (rc == RC_OK)
		rc = may_merge(&m, err);
	if (rc == RC_OK)
		rc = merging_read_links(&m, m.keep_id, err);
	job.lists = (struct two_lists){ m.links, m.link_count };
	if (rc == RC_OK)
		rc = merging_read_links(&m, m.other_id, err);
	if (rc == RC_OK && m.link_count == LINKS_MOST)
		rc = fail(err, RC_LIMIT, "'" STR_FMT "' has more than %d links", STR_ARG(m.other_id), LINKS_MOST);
	if (rc == RC_OK) {
		m.keep_before = record_view_version(&m.keep);
		m.other_before = record_view_version(&m.other);
		m.state = str_of(m.type->states[record_view_state(&m.other)].name);
		merging_unite(&m);
		rc = merging_run(&m, merge_job, &job, err);
	}
	merging_end(&m);
	return rc;
}
