/* SPDX-License-Identifier: Apache-2.0 */
/* An import: every row is tried and taken back, then laid aside, then applied. */
#include "disclosure/bulk.h"

#include <json-c/json.h>

#include "base/clock.h"
#include "disclosure/bulk_private.h"
#include "disclosure/read_records_private.h"

enum rc bulk_may(const struct viewer *v, const struct type *t, struct err *err)
{
	if (!authz_ever(v, ACTION_IMPORT, t))
		return fail(err, RC_DENIED, "no role of yours imports records of type '%s'", t->name);
	return RC_OK;
}

/* --- one row --- */

/* The one record whose key field has the row's value; *out stays "" when there is none. */
struct found {
	const struct bulk *b;
	str id;
	size_t count;
	struct arena *a;
};

static bool note_found(void *ctx, const struct record *r)
{
	struct found *f = ctx;
	struct labels l;
	struct decision d;
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	if (!record_passes(f->b->v, r, &l, &d))
		return true;
	record_id_format(&id, r->type_name, &r->id);
	f->id = arena_str(f->a, buf_str(&id));
	buf_free(&id);
	return ++f->count < 2;
}

static enum rc find_by_key(struct conn *c, const struct bulk *b, const struct bulk_row *row,
			   struct arena *a, str *id_out, struct err *err)
{
	struct json_object *o = NULL, *v = NULL;
	struct record_query q = { .type = b->q->type, .filter_count = 1, .tlp_mask = UINT32_MAX,
				  .exercise = b->v->exercise, .with_body = true, .after = STR(""),
				  .text = STR("") };
	struct found f = { .b = b, .id = STR(""), .a = a };
	struct buf value = BUF_INIT(MIB(1));
	struct json_out j = json_out(&value);
	enum rc rc = json_read(row->fields, &o, err);
	struct json_object *cell = json_get(o, b->key->name);
	if (rc == RC_OK && cell && row->as_text)
		rc = kind_parse(b->key, json_text(cell), b->q->language, &j, err);
	else if (rc == RC_OK && cell)
		rc = kind_check(b->key, cell, b->q->language, &j, err);
	if (rc == RC_OK && value.n && !str_eq(buf_str(&value), STR("null")))
		rc = json_read(buf_str(&value), &v, err);
	if (rc == RC_OK && !kind_key(b->key, v, a, &q.filters[0].key))
		rc = fail(err, RC_INPUT, "has no %s, which is the key", b->key->name);
	q.filters[0].field = b->key;
	if (rc == RC_OK)
		rc = record_list(c, b->types, &q, note_found, &f, err);
	if (rc == RC_OK && f.count > 1)
		rc = fail(err, RC_INPUT, "several records have this %s", b->key->name);
	*id_out = f.id;
	json_free(o);
	json_free(v);
	buf_free(&value);
	return rc;
}

/* Cells that differ from what stands, so that a table taken out and put back changes nothing. */
static enum rc changed_cells(const struct bulk *b, const struct bulk_row *row,
			     const struct record_view *v, struct arena *a, str *out, struct err *err)
{
	struct json_object *o = NULL;
	struct buf b_out = BUF_INIT(MIB(4)), was = BUF_INIT(MIB(4));
	struct json_out j = json_out(&b_out);
	enum rc rc = json_read(row->fields, &o, err);
	json_open(&j, '{');
	if (rc == RC_OK) {
		json_object_object_foreach(o, name, value)
		{
			const struct type_field *f = type_find_field(b->q->type, str_of(name));
			buf_reset(&was);
			if (f && v->record)
				record_view_text(v, f, &was);
			bool same = row->as_text && str_eq(str_trim_all(json_text(value)),
							   str_trim_all(buf_str(&was)));
			if (same)
				continue;
			json_key(&j, str_of(name));
			json_raw(&j, value ? str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)) :
					     STR("null"));
		}
	}
	json_close(&j, '}');
	*out = arena_str(a, buf_str(&b_out));
	json_free(o);
	buf_free(&b_out);
	buf_free(&was);
	return rc;
}

static enum rc unlike(const struct bulk_row *row, const struct record *r, struct err *err)
{
	if (row->state.n && !str_eq(row->state, r->state_name))
		return fail(err, RC_INPUT, "is in state '" STR_FMT "': that is changed with 'move'",
			    STR_ARG(r->state_name));
	if (row->tlp.n && r->labels.tlp < TLP_COUNT &&
	    !str_eq_nocase(row->tlp, str_of(tlp_name(r->labels.tlp))))
		return fail(err, RC_INPUT, "is marked TLP:%s: that is changed with 'edit --tlp'",
			    tlp_name(r->labels.tlp));
	return RC_OK;
}

static str labels_of_row(const struct bulk *b, const struct bulk_row *row, struct arena *a)
{
	str tlp = row->tlp.n ? row->tlp : b->q->tlp;
	struct buf text = BUF_INIT(KIB(4));
	struct json_out j = json_out(&text);
	if (tlp.n == 0)
		return STR_NONE;
	json_open(&j, '{');
	json_put_str(&j, "tlp", str_head(tlp, 100));
	json_close(&j, '}');
	str s = arena_str(a, buf_str(&text));
	buf_free(&text);
	return s;
}

enum rc bulk_apply(struct tx *tx, struct bulk *b, const struct bulk_row *row, struct arena *a,
		   struct bulk_done *done, struct err *err)
{
	struct record old;
	struct labels l;
	struct decision d;
	struct record_view before = { 0 }, now = { 0 };
	struct change_errors errors = { .count = 0 };
	struct change_request q = { .type = str_of(b->q->type->name), .why = b->q->why, .import = true,
				    .language = b->q->language, .as_text = row->as_text };
	str id = row->id;
	enum rc rc = RC_OK;
	uint64_t n;
	*done = (struct bulk_done){ .before = 0 };
	if (str_to_u64(id, &n))
		id = arena_fmt(a, "%s-%llu", b->q->type->name, (unsigned long long)n);
	if (id.n == 0 && b->key)
		rc = find_by_key(tx_conn(tx), b, row, a, &id, err);
	if (rc == RC_OK && id.n) {
		rc = record_gate(tx_conn(tx), b->types, b->v, id, a, &old, &l, &d, err);
		if (rc == RC_OK && old.type != b->q->type)
			rc = fail(err, RC_INPUT, "'" STR_FMT "' is no %s", STR_ARG(id), b->q->type->name);
		if (rc == RC_OK)
			rc = unlike(row, &old, err);
		if (rc == RC_OK)
			rc = record_view_make(b->v, &old, &l, &d, &before, err);
		if (rc == RC_OK) {
			done->id = old.id;
			done->before = old.version;
			done->fresh = old.created_us >= tx_now_us(tx);
			q.id = id;
			q.based_on = row->version;
		}
	} else if (rc == RC_OK) {
		q.to_state = row->state.n ? row->state : STR_NONE;
		q.labels = labels_of_row(b, row, a);
	}
	if (rc == RC_OK)
		rc = changed_cells(b, row, &before, a, &q.fields, err);
	if (rc == RC_OK)
		rc = change_record_tx(tx, b->r, b->v, &q, a, &now, &errors, err);
	if (rc == RC_INPUT && errors.count > 1)
		fail(err, RC_INPUT, "%s (and %zu more)", errors.list[0].text, errors.count - 1);
	else if (rc == RC_INPUT && errors.count == 1)
		fail(err, RC_INPUT, "%s", errors.list[0].text);
	if (rc == RC_OK && !now.record)
		rc = fail(err, RC_DENIED, "you could not see it any more");
	if (rc == RC_OK) {
		done->id = now.record->id;
		done->after = now.record->version;
	}
	record_view_end(&before);
	record_view_end(&now);
	return rc;
}

void bulk_tell_row(struct bulk *b, uint64_t row, const char *words)
{
	if (b->told++ < BULK_ERRORS_MAX && b->tell)
		b->tell(b->ctx, row, words);
}

/* --- trying --- */

static int64_t started(void)
{
	return clock_mono_us();
}

static bool long_enough(int64_t since)
{
	return clock_mono_us() - since >= BULK_HOLD_US;
}

/* Records that exist may be named by one row only. */
static void note_target(struct bulk *b, const struct bulk_row *row, const struct bulk_done *done)
{
	if (b->target_count == b->target_size) {
		b->target_size = b->target_size ? 2 * b->target_size : 64;
		b->targets = x_grow(b->targets, b->target_size, sizeof(*b->targets));
	}
	b->targets[b->target_count++] = (struct bulk_target){ .id = done->id, .row = row->row };
}

static void note_key(struct bulk *b, const struct bulk_row *row, struct bulk_done *done)
{
	struct json_object *o = NULL;
	if ((done->before && !done->fresh) || !b->key)
		return;
	(void)!json_read(row->fields, &o, NULL); /* it was read before */
	if (json_get(o, b->key->name)) {
		/* two new ones of one key: the same place in the list of targets */
		struct digest d = sha256(str_of(json_object_to_json_string_ext(json_get(o, b->key->name),
									       JSON_C_TO_STRING_PLAIN)));
		memcpy(done->id.b, d.b, sizeof(done->id.b));
	}
	json_free(o);
}

/* Always "fails", so that nothing of it stays. */
static enum rc try_rows(struct tx *tx, void *ctx, struct err *err)
{
	struct bulk *b = ctx;
	int64_t since = started();
	b->tried = false;
	while (!long_enough(since)) {
		struct bulk_row row;
		struct bulk_done done = { .before = 0 };
		struct err why = { 0 };
		arena_reset(b->a);
		enum rc rc = source_next(&b->source, b->a, &row, &why);
		if (rc == RC_ABSENT) {
			b->at_end = true;
			break;
		}
		if (++b->counts.rows > BULK_ROWS_MAX)
			return fail(err, RC_LIMIT, "the file has more than %d rows", BULK_ROWS_MAX);
		if (rc == RC_OK)
			rc = bulk_apply(tx, b, &row, b->a, &done, &why);
		if (bulk_is_machine(rc))
			return fail(err, rc, "%s", why.text);
		if (rc != RC_OK) {
			b->counts.refused++;
			bulk_tell_row(b, b->source.row, why.text);
			continue;
		}
		b->counts.added += done.before == 0;
		b->counts.changed += done.before && done.after != done.before;
		b->counts.same += done.after == done.before;
		note_key(b, &row, &done);
		if (done.before || b->key)
			note_target(b, &row, &done);
	}
	b->tried = true;
	return fail(err, RC_BUSY, "tried");
}

static int by_target(const void *x, const void *y)
{
	const struct bulk_target *a = x, *b = y;
	int c = memcmp(a->id.b, b->id.b, sizeof(a->id.b));
	return c ? c : (a->row > b->row) - (a->row < b->row);
}

static void refuse_doubles(struct bulk *b)
{
	if (b->target_count < 2)
		return;
	qsort(b->targets, b->target_count, sizeof(*b->targets), by_target);
	for (size_t i = 1; i < b->target_count; i++) {
		struct err why;
		if (!uuid_equal(&b->targets[i].id, &b->targets[i - 1].id))
			continue;
		fail(&why, RC_INPUT, "is the same record as row %llu", (unsigned long long)b->targets[i - 1].row);
		b->counts.refused++;
		bulk_tell_row(b, b->targets[i].row, why.text);
	}
}

static enum rc try_all(struct bulk *b, struct err *err)
{
	enum rc rc = source_open(&b->source, b->q, err);
	while (rc == RC_OK && !b->at_end) {
		struct err why = { 0 };
		enum rc one = store_write(b->s, try_rows, b, &why);
		if (!b->tried)
			rc = fail(err, one, "%s", why.text);
	}
	if (rc == RC_OK)
		refuse_doubles(b);
	if (rc == RC_OK && b->counts.refused)
		rc = fail(err, RC_INPUT, "%llu of %llu rows are wrong: nothing was changed",
			  (unsigned long long)b->counts.refused, (unsigned long long)b->counts.rows);
	return rc;
}

/* --- laying aside --- */

static enum rc begin_run(struct tx *tx, void *ctx, struct err *err)
{
	struct bulk *b = ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO import_run (type, actor, at_us, why, language, tlp, key,"
					 " state, rows, applied, next) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0)");
	sql_str(q, 1, str_of(b->q->type->name));
	sql_str(q, 2, str_of(b->v->actor));
	sql_int(q, 3, tx_now_us(tx));
	sql_str(q, 4, b->q->why.p ? b->q->why : STR(""));
	sql_str(q, 5, b->q->language.p ? b->q->language : STR(""));
	sql_str(q, 6, b->q->tlp.p ? b->q->tlp : STR(""));
	sql_str(q, 7, str_of(b->key ? b->key->name : ""));
	enum rc rc = sql_run(q, err);
	b->counts.run = sql_last_id(tx_conn(tx));
	return rc;
}

static enum rc keep_row(struct tx *tx, int64_t run, const struct bulk_row *row, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO import_row (run, row, id, version, state, tlp, fields,"
					 " as_text, before, after, undone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)");
	sql_int(q, 1, run);
	sql_int(q, 2, (int64_t)row->row);
	sql_str(q, 3, row->id);
	sql_int(q, 4, (int64_t)row->version);
	sql_str(q, 5, row->state);
	sql_str(q, 6, row->tlp);
	sql_str(q, 7, row->fields);
	sql_int(q, 8, row->as_text);
	return sql_run(q, err);
}

/* The last lot says that the run may be applied. */
static enum rc keep_rows(struct tx *tx, void *ctx, struct err *err)
{
	struct bulk *b = ctx;
	int64_t since = started();
	struct bulk_source at = b->source; /* a job that fails is run again from here */
	uint64_t kept = 0;
	enum rc rc = RC_OK;
	while (rc == RC_OK && !long_enough(since)) {
		struct bulk_row row;
		arena_reset(b->a);
		rc = source_next(&at, b->a, &row, err);
		if (rc != RC_OK) /* RC_ABSENT: no more; that all can be read was tried */
			break;
		rc = keep_row(tx, b->counts.run, &row, err);
		kept += rc == RC_OK;
	}
	bool end = rc == RC_ABSENT;
	if (rc != RC_OK && !end)
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE import_run SET rows = rows + ?2, state = ?3 WHERE id = ?1");
	sql_int(q, 1, b->counts.run);
	sql_int(q, 2, (int64_t)kept);
	sql_int(q, 3, end ? BULK_APPLYING : BULK_STAGING);
	rc = sql_run(q, err);
	b->source = at;
	b->at_end = end;
	return rc;
}

static enum rc keep_all(struct bulk *b, struct err *err)
{
	enum rc rc = store_write(b->s, begin_run, b, err);
	b->at_end = false;
	if (rc == RC_OK)
		rc = source_open(&b->source, b->q, err);
	while (rc == RC_OK && !b->at_end)
		rc = store_write(b->s, keep_rows, b, err);
	return rc;
}

/* --- applying --- */

enum { LOT = 64 };

static enum rc read_lot(struct conn *c, struct bulk *b, struct bulk_row *rows, size_t *count_out,
			struct err *err)
{
	struct sql *q = sql(c, "SELECT row, id, version, state, tlp, fields, as_text FROM import_row"
			       " WHERE run = ?1 AND row > ?2 ORDER BY row LIMIT 64");
	size_t n = 0;
	sql_int(q, 1, b->counts.run);
	sql_int(q, 2, (int64_t)b->next);
	while (sql_row(q)) /* LIMIT: no more than LOT */
		rows[n++] = (struct bulk_row){ .row = (uint64_t)sql_col_int(q, 0),
					       .id = arena_str(b->a, sql_col_str(q, 1)),
					       .version = (uint64_t)sql_col_int(q, 2),
					       .state = arena_str(b->a, sql_col_str(q, 3)),
					       .tlp = arena_str(b->a, sql_col_str(q, 4)),
					       .fields = arena_str(b->a, sql_col_str(q, 5)),
					       .as_text = sql_col_int(q, 6) != 0 };
	*count_out = n;
	return sql_end(q, err);
}

/* What was applied is not kept a second time. */
static enum rc note_applied(struct tx *tx, struct bulk *b, const struct bulk_row *row,
			    const struct bulk_done *done, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE import_row SET fields = NULL, record = ?3, before = ?4, after = ?5"
					 " WHERE run = ?1 AND row = ?2");
	sql_int(q, 1, b->counts.run);
	sql_int(q, 2, (int64_t)row->row);
	sql_blob(q, 3, str_mem(done->id.b, sizeof(done->id.b)));
	sql_int(q, 4, (int64_t)done->before);
	sql_int(q, 5, (int64_t)done->after);
	return sql_run(q, err);
}

static enum rc end_lot(struct tx *tx, struct bulk *b, uint64_t next, uint64_t applied, bool end,
		       struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE import_run SET next = ?2, applied = applied + ?3, state = ?4"
					 " WHERE id = ?1");
	sql_int(q, 1, b->counts.run);
	sql_int(q, 2, (int64_t)next);
	sql_int(q, 3, (int64_t)applied);
	sql_int(q, 4, end ? BULK_DONE : BULK_APPLYING);
	enum rc rc = sql_run(q, err);
	struct journal_act act = { .act = "record.import", .actor = str_of(b->v->actor),
				   .object = arena_fmt(b->a, "%s:run-%lld", b->q->type->name,
						       (long long)b->counts.run),
				   .count = b->counts.rows };
	return rc == RC_OK && end ? journal_add(tx, records_journal(b->r), &act, err) : rc;
}

static enum rc apply_lot(struct tx *tx, void *ctx, struct err *err)
{
	struct bulk *b = ctx;
	struct bulk_row rows[LOT];
	struct bulk_counts add = { 0 };
	struct arena *one = arena_new(KIB(16));
	int64_t since = started();
	uint64_t next = b->next;
	size_t n = 0, i = 0;
	arena_reset(b->a);
	enum rc rc = read_lot(tx_conn(tx), b, rows, &n, err);
	for (; rc == RC_OK && i < n && !(i && long_enough(since)); i++) {
		struct bulk_done done;
		arena_reset(one);
		b->bad_row = rows[i].row;
		rc = bulk_apply(tx, b, &rows[i], one, &done, err);
		if (rc == RC_OK)
			rc = note_applied(tx, b, &rows[i], &done, err);
		add.added += done.before == 0;
		add.changed += done.before && done.after != done.before;
		add.same += done.after == done.before;
		next = rows[i].row;
	}
	arena_free(one);
	if (rc == RC_OK)
		rc = end_lot(tx, b, next, i, n == 0, err);
	if (rc != RC_OK)
		return rc;
	b->next = next;
	b->counts.added += add.added;
	b->counts.changed += add.changed;
	b->counts.same += add.same;
	b->at_end = n == 0;
	return RC_OK;
}

static enum rc apply_all(struct bulk *b, struct err *err)
{
	enum rc rc = RC_OK;
	b->at_end = false;
	b->counts.added = b->counts.changed = b->counts.same = 0;
	while (rc == RC_OK && !b->at_end)
		rc = store_write(b->s, apply_lot, b, err);
	if (rc == RC_OK || rc == RC_LIMIT || bulk_is_machine(rc))
		return rc; /* the run may be resumed */
	struct err why = *err, again = { 0 };
	struct bulk_counts back;
	bulk_tell_row(b, b->bad_row, why.text);
	rc = bulk_undo(b->r, b->s, b->v, b->q->type, b->counts.run, STR("the import met a record that had changed"),
		       b->tell, b->ctx, &back, &again);
	b->counts.added = b->counts.changed = b->counts.same = 0;
	b->counts.refused = 1;
	return rc == RC_OK ?
		       fail(err, RC_CONFLICT, "row %llu changed while the import ran: all was put back",
			    (unsigned long long)b->bad_row) :
		       fail(err, rc, "row %llu changed while the import ran, and run %lld could not be put back: %s",
			    (unsigned long long)b->bad_row, (long long)b->counts.run, again.text);
}

static enum rc key_of(struct bulk *b, str name, struct err *err)
{
	if (name.n == 0)
		return RC_OK;
	b->key = type_find_field(b->q->type, name);
	if (!b->key || !b->key->indexed || b->key->list)
		return fail(err, RC_INPUT, "'" STR_FMT "' cannot be a key: it must be a field that lists are "
			    "filtered by", STR_ARG(name));
	return RC_OK;
}

static struct bulk begin(struct records *r, struct store *s, const struct viewer *v,
			 const struct bulk_request *q, bulk_tell tell, void *ctx)
{
	struct bulk b = { .r = r, .s = s, .v = v, .q = q, .tell = tell, .ctx = ctx };
	b.a = arena_new(KIB(64));
	b.ref = snapshot_hold(records_types_snapshot(r));
	b.types = snapshot_table(b.ref);
	return b;
}

static void end(struct bulk *b)
{
	arena_free(b->a);
	free(b->targets);
	snapshot_drop(records_types_snapshot(b->r), b->ref);
}

enum rc bulk_import(struct records *r, struct store *s, const struct viewer *v,
		    const struct bulk_request *q, bulk_tell tell, void *ctx, struct bulk_counts *out,
		    struct err *err)
{
	struct bulk b = begin(r, s, v, q, tell, ctx);
	enum rc rc = bulk_may(v, q->type, err);
	if (rc == RC_DENIED)
		change_refused(r, s, v, str_of(q->type->name), STR("import"));
	if (rc == RC_OK)
		rc = key_of(&b, q->key, err);
	if (rc == RC_OK)
		rc = try_all(&b, err);
	if (rc == RC_OK && !q->dry_run)
		rc = keep_all(&b, err);
	if (rc == RC_OK && !q->dry_run)
		rc = apply_all(&b, err);
	if (rc != RC_OK && !q->dry_run && !b.counts.run) /* tried only */
		b.counts.added = b.counts.changed = b.counts.same = 0;
	*out = b.counts;
	end(&b);
	return rc;
}

enum rc bulk_resume(struct records *r, struct store *s, const struct viewer *v, const struct type *t,
		    int64_t run, bulk_tell tell, void *ctx, struct bulk_counts *out, struct err *err)
{
	struct bulk_request q = { .type = t };
	struct arena *a = arena_new(KIB(4));
	struct bulk b = begin(r, s, v, &q, tell, ctx);
	struct reader *rd = NULL;
	struct bulk_stored stored;
	*out = (struct bulk_counts){ 0 };
	enum rc rc = bulk_may(v, t, err);
	if (rc == RC_OK)
		rc = store_read_begin(s, &rd, err);
	if (rc == RC_OK)
		rc = bulk_load(reader_conn(rd), t, run, a, &stored, err);
	store_read_end(rd);
	if (rc == RC_OK && stored.state != BULK_APPLYING)
		rc = fail(err, RC_INPUT, "run %lld is %s: only one that was cut off while applying is resumed",
			  (long long)run, bulk_state_name(stored.state));
	if (rc == RC_OK) {
		q.why = stored.why;
		q.language = stored.language;
		q.tlp = stored.tlp;
		b.next = stored.next;
		b.counts.run = run;
		b.counts.rows = stored.rows;
		rc = key_of(&b, stored.key, err);
	}
	if (rc == RC_OK)
		rc = apply_all(&b, err);
	*out = b.counts;
	end(&b);
	arena_free(a);
	return rc;
}
