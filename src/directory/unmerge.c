/* SPDX-License-Identifier: Apache-2.0 */
/* A merge taken back: both as they were, with what was moved. */
#include "directory/merge_private.h"

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
	sql_blob(q, 1, merging_uuid(m, m->other_id));
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
		json_raw(&j, was ? merging_plain(was) : STR("null"));
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
	enum rc rc = merging_change_keep(m, tx, b->keep_after, m->keep_id, m->keep_before, NULL, err);
	if (rc == RC_OK)
		rc = merging_change(m, tx, m->other_id, b->other_after, m->other_fields, m->state, m->why, NULL, err);
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
		rc = merging_point(m, tx, b->references[i].end, b->references[i].kind, m->keep_id, m->other_id, &done, err);
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
	enum rc rc = merging_begin(&m, err);
	if (rc == RC_OK)
		rc = merging_load(&m, other, &m.other, &m.other_id, err);
	if (rc == RC_OK)
		rc = find_merge(&b, err);
	if (rc == RC_OK)
		rc = merging_load(&m, m.keep_id, &m.keep, &m.keep_id, err);
	if (rc == RC_OK && (record_view_version(&m.keep) != b.keep_after || record_view_version(&m.other) != b.other_after))
		rc = fail(err, RC_CONFLICT, "one of them was changed since they were merged: put the change back first");
	if (rc == RC_OK)
		rc = fields_then(&m, m.keep_id, m.keep_before, &m.keep_fields, err);
	if (rc == RC_OK)
		rc = fields_then(&m, m.other_id, m.other_before, &m.other_fields, err);
	if (rc == RC_OK)
		rc = find_moved(&b, err);
	if (rc == RC_OK)
		rc = merging_run(&m, unmerge_job, &b, err);
	merging_end(&m);
	return rc;
}
