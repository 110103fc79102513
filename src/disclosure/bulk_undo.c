/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of imports: which there were, and back to what stood before one. */
#include <json-c/json.h>

#include "base/clock.h"
#include "disclosure/bulk_private.h"
#include "disclosure/read_records_private.h"

const char *bulk_state_name(enum bulk_state s)
{
	switch (s) {
	case BULK_STAGING: return "not begun";
	case BULK_APPLYING: return "applying";
	case BULK_DONE: return "done";
	case BULK_PARTLY: return "partly undone";
	case BULK_UNDONE: return "undone";
	}
	return "";
}

enum rc bulk_load(struct conn *c, const struct type *t, int64_t run, struct arena *a,
		  struct bulk_stored *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT why, language, tlp, key, state, rows, next FROM import_run"
			       " WHERE id = ?1 AND type = ?2");
	bool there = false;
	sql_int(q, 1, run);
	sql_str(q, 2, str_of(t->name));
	if (sql_row(q)) {
		there = true;
		*out = (struct bulk_stored){ .why = arena_str(a, sql_col_str(q, 0)),
					     .language = arena_str(a, sql_col_str(q, 1)),
					     .tlp = arena_str(a, sql_col_str(q, 2)),
					     .key = arena_str(a, sql_col_str(q, 3)),
					     .state = (enum bulk_state)sql_col_int(q, 4),
					     .rows = (uint64_t)sql_col_int(q, 5),
					     .next = (uint64_t)sql_col_int(q, 6) };
	}
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || there)
		return rc;
	return fail(err, RC_ABSENT, "there is no import run %lld of type '%s'", (long long)run, t->name);
}

/* --- rows back, the last first --- */

enum { LOT = 64 };
struct undo_row {
	uint64_t row, before, after;
	struct uuid id;
};
struct undoing {
	struct bulk *b;
	int64_t run;
	str why;
	uint64_t below;            /* rows under this one are next */
	uint64_t above;            /* ... but not this one, which failed; 0: none did */
	uint64_t failed, last;
	size_t count;              /* rows of the lot that were done */
	struct bulk_counts lot;
	bool left;                 /* rows that stay as they are */
};

/* Every field the viewer sees as it was, so that what it did not have is taken away. */
static enum rc fields_then(struct tx *tx, struct undoing *u, const struct undo_row *row,
			   const struct labels *l, const struct decision *d, struct buf *out,
			   struct err *err)
{
	struct bulk *b = u->b;
	struct record then;
	struct record_view v = { 0 };
	struct json_out j = json_out(out);
	enum rc rc = record_load_version(tx_conn(tx), b->types, row->id, row->before, b->a, &then, err);
	if (rc == RC_OK)
		rc = record_view_make(b->v, &then, l, d, &v, err);
	json_open(&j, '{');
	for (size_t i = 0; rc == RC_OK && i < b->q->type->field_count; i++) {
		const struct type_field *f = &b->q->type->fields[i];
		struct json_object *was = json_get(v.body, f->name);
		if (field_is_cut(&v, f))
			continue;
		json_key(&j, str_of(f->name));
		json_raw(&j, was ? str_of(json_object_to_json_string_ext(was, JSON_C_TO_STRING_PLAIN)) :
				   STR("null"));
	}
	json_close(&j, '}');
	record_view_end(&v);
	return rc;
}

static enum rc put_back(struct tx *tx, struct undoing *u, const struct undo_row *row, str id,
			const struct labels *l, const struct decision *d, struct err *err)
{
	struct bulk *b = u->b;
	struct record_view now = { 0 };
	struct change_errors errors = { .count = 0 };
	struct buf fields = BUF_INIT(MIB(4));
	enum rc rc = fields_then(tx, u, row, l, d, &fields, err);
	struct change_request q = { .id = id, .based_on = row->after, .fields = buf_str(&fields), .why = u->why,
				    .secrets_of = id, .secrets_version = row->before };
	if (rc == RC_OK)
		rc = change_record_tx(tx, b->r, b->v, &q, b->a, &now, &errors, err);
	record_view_end(&now);
	buf_free(&fields);
	return rc;
}

static enum rc undo_one(struct tx *tx, struct undoing *u, const struct undo_row *row, struct err *err)
{
	struct bulk *b = u->b;
	struct record now;
	struct labels l;
	struct decision d;
	struct buf text = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&text, str_of(b->q->type->name), &row->id);
	str id = arena_str(b->a, buf_str(&text));
	buf_free(&text);
	enum rc rc = record_gate(tx_conn(tx), b->types, b->v, id, b->a, &now, &l, &d, err);
	if (rc == RC_OK && now.version != row->after)
		rc = fail(err, RC_CONFLICT, "%s-%llu was changed since: it stays as it is", b->q->type->name,
			  (unsigned long long)now.number);
	if (rc == RC_OK && row->before == 0)
		rc = change_erase_tx(tx, b->r, b->v, id, u->why, b->a, err);
	else if (rc == RC_OK && row->before != row->after)
		rc = put_back(tx, u, row, id, &l, &d, err);
	if (rc != RC_OK)
		return rc;
	u->lot.added += row->before == 0;
	u->lot.changed += row->before && row->before != row->after;
	struct sql *q = sql(tx_conn(tx), "UPDATE import_row SET undone = 1 WHERE run = ?1 AND row = ?2");
	sql_int(q, 1, u->run);
	sql_int(q, 2, (int64_t)row->row);
	return sql_run(q, err);
}

static enum rc read_applied(struct conn *c, const struct undoing *u, struct undo_row *rows, size_t *n,
			    struct err *err)
{
	struct sql *q = sql(c, "SELECT row, record, before, after FROM import_row WHERE run = ?1 AND row < ?2"
			       " AND row > ?3 AND after > 0 AND undone = 0 ORDER BY row DESC LIMIT 64");
	sql_int(q, 1, u->run);
	sql_int(q, 2, (int64_t)u->below);
	sql_int(q, 3, (int64_t)u->above);
	while (sql_row(q)) { /* LIMIT: no more than LOT */
		str id = sql_col_blob(q, 1);
		struct undo_row *row = &rows[(*n)++];
		*row = (struct undo_row){ .row = (uint64_t)sql_col_int(q, 0),
					  .before = (uint64_t)sql_col_int(q, 2),
					  .after = (uint64_t)sql_col_int(q, 3) };
		if (id.n == sizeof(row->id.b))
			memcpy(row->id.b, id.p, sizeof(row->id.b));
	}
	return sql_end(q, err);
}

/* A row that fails takes the lot back; the next one ends before it. */
static enum rc undo_lot(struct tx *tx, void *ctx, struct err *err)
{
	struct undoing *u = ctx;
	struct undo_row rows[LOT];
	int64_t since = clock_mono_us();
	size_t n = 0;
	u->lot = (struct bulk_counts){ 0 };
	u->count = 0;
	arena_reset(u->b->a);
	enum rc rc = read_applied(tx_conn(tx), u, rows, &n, err);
	for (size_t i = 0; rc == RC_OK && i < n && !(i && clock_mono_us() - since >= BULK_HOLD_US); i++) {
		u->failed = rows[i].row;
		rc = undo_one(tx, u, &rows[i], err);
		u->last = rows[i].row;
		u->count += rc == RC_OK;
	}
	return rc;
}

static enum rc undo_rows(struct undoing *u, struct err *err)
{
	struct bulk *b = u->b;
	for (;;) {
		struct err why = { 0 };
		enum rc rc = store_write(b->s, undo_lot, u, &why);
		if (rc == RC_LIMIT || bulk_is_machine(rc))
			return fail(err, rc, "%s", why.text);
		if (rc != RC_OK) {
			u->left = true;
			u->above = u->failed;
			b->counts.rows++;
			b->counts.refused++;
			bulk_tell_row(b, u->failed, why.text);
			continue;
		}
		b->counts.rows += u->count;
		b->counts.added += u->lot.added;
		b->counts.changed += u->lot.changed;
		if (u->count) {
			u->below = u->last;
		} else if (u->above) {
			u->below = u->above;
			u->above = 0;
		} else {
			return RC_OK;
		}
	}
}

/* Rows never applied are thrown away, and the journal has the act. */
static enum rc end_undo(struct tx *tx, void *ctx, struct err *err)
{
	struct undoing *u = ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE import_row SET fields = NULL WHERE run = ?1 AND fields IS NOT NULL");
	sql_int(q, 1, u->run);
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "UPDATE import_run SET state = ?2 WHERE id = ?1");
	sql_int(q, 1, u->run);
	sql_int(q, 2, u->left ? BULK_PARTLY : BULK_UNDONE);
	rc = sql_run(q, err);
	struct journal_act act = { .act = "record.import.undo", .actor = str_of(u->b->v->actor),
				   .object = arena_fmt(u->b->a, "%s:run-%lld", u->b->q->type->name,
						       (long long)u->run),
				   .count = u->b->counts.rows };
	return rc == RC_OK ? journal_add(tx, records_journal(u->b->r), &act, err) : rc;
}

enum rc bulk_undo(struct records *r, struct store *s, const struct viewer *v, const struct type *t,
		  int64_t run, str why, bulk_tell tell, void *ctx, struct bulk_counts *out,
		  struct err *err)
{
	struct bulk_request q = { .type = t };
	struct bulk b = { .r = r, .s = s, .v = v, .q = &q, .tell = tell, .ctx = ctx };
	struct bulk_stored stored = { .state = BULK_UNDONE };
	struct reader *rd = NULL;
	struct undoing u = { .b = &b, .run = run, .why = why, .below = INT64_MAX };
	b.a = arena_new(KIB(64));
	b.counts.run = run;
	struct snapshot_ref *ref = snapshot_hold(records_types_snapshot(r));
	b.types = snapshot_table(ref);
	enum rc rc = bulk_may(v, t, err);
	if (rc == RC_OK)
		rc = store_read_begin(s, &rd, err);
	if (rc == RC_OK)
		rc = bulk_load(reader_conn(rd), t, run, b.a, &stored, err);
	store_read_end(rd);
	if (rc == RC_OK && stored.state == BULK_UNDONE)
		rc = fail(err, RC_CONFLICT, "run %lld is undone already", (long long)run);
	if (rc == RC_OK && !str_trim_all(why).n)
		u.why = STR("the import was undone");
	if (rc == RC_OK)
		rc = undo_rows(&u, err);
	if (rc == RC_OK)
		rc = store_write(s, end_undo, &u, err);
	if (rc == RC_OK && u.left)
		rc = fail(err, RC_CONFLICT, "%llu rows of run %lld stay as they are", (unsigned long long)b.counts.refused,
			  (long long)run);
	*out = b.counts;
	arena_free(b.a);
	snapshot_drop(records_types_snapshot(r), ref);
	return rc;
}

enum rc bulk_runs(struct reader *r, const struct viewer *v, const struct type *t, bulk_run_each each,
		  void *ctx, struct err *err)
{
	enum rc rc = bulk_may(v, t, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT id, at_us, actor, state, why, rows, applied FROM import_run"
					    " WHERE type = ? ORDER BY id DESC");
	sql_str(q, 1, str_of(t->name));
	while (sql_row(q)) {
		struct bulk_run run = { .id = sql_col_int(q, 0), .at_us = sql_col_int(q, 1),
					.actor = sql_col_str(q, 2),
					.state = str_of(bulk_state_name((enum bulk_state)sql_col_int(q, 3))),
					.why = sql_col_str(q, 4), .rows = (uint64_t)sql_col_int(q, 5),
					.applied = (uint64_t)sql_col_int(q, 6) };
		if (!each(ctx, &run))
			break;
	}
	return sql_end(q, err);
}
