/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's life: opened with the node, told what else happens on a change, and its index
 * and search text made again when a type is defined anew. */
#include <stdio.h>

#include "base/json.h"
#include "record/record_private.h"

enum { REINDEX_ROWS = 200, REINDEX_KEYS = 2000 };

/* --- index and search of a type defined anew --- */

/* What index and search text of a type depend on. */
static struct digest definition_of(const struct type *t)
{
	struct buf b = BUF_INIT(MIB(1));
	buf_add(&b, STR("2\n")); /* of the rules themselves: raise it when they change */
	for (size_t i = 0; i < t->field_count; i++) {
		const struct type_field *f = &t->fields[i];
		buf_fmt(&b, "%s %d %d %d %d %d\n", f->name, (int)f->kind, (int)f->share, f->personal,
			f->list, f->indexed);
		for (size_t k = 0; k < f->row_count; k++)
			buf_fmt(&b, "\t%s %d %d %d\n", f->rows[k].name, (int)f->rows[k].kind,
				(int)f->rows[k].share, f->rows[k].personal);
	}
	struct digest d = sha256(buf_str(&b));
	buf_free(&b);
	return d;
}

struct reindexing {
	struct records *r;
	const struct type *t;
	int64_t name;     /* of the type */
	struct digest definition;
	bool needed;      /* the index is of another definition */
	int64_t row;      /* made again up to here */
	bool more;
};

static enum rc look(struct conn *c, struct reindexing *x, struct err *err)
{
	enum rc rc = name_find(c, str_of(x->t->name), &x->name, err);
	x->needed = true;
	if (rc != RC_OK || !x->name)
		return rc;
	struct sql *q = sql(c, "SELECT made_by FROM record_type WHERE name = ?");
	sql_int(q, 1, x->name);
	struct digest by;
	if (sql_row(q))
		x->needed = !take_digest32(sql_col_blob(q, 0), &by) ||
			    memcmp(by.b, x->definition.b, sizeof(by.b)) != 0;
	else
		x->needed = true;
	return sql_end(q, err);
}


static enum rc clear_some(struct tx *tx, void *ctx, struct err *err)
{
	struct reindexing *x = ctx;
	char from[TYPE_NAME_MAX + 2], to[TYPE_NAME_MAX + 2];
	snprintf(from, sizeof(from), "%s.", x->t->name);
	snprintf(to, sizeof(to), "%s/", x->t->name); /* '/' follows '.' */
	struct sql *q = sql(tx_conn(tx), "DELETE FROM record_index WHERE (field, value, record) IN"
					 " (SELECT field, value, record FROM record_index WHERE field IN"
					 " (SELECT id FROM record_name WHERE name > ? AND name < ?)"
					 " LIMIT ?)");
	sql_str(q, 1, str_of(from));
	sql_str(q, 2, str_of(to));
	sql_int(q, 3, REINDEX_KEYS);
	enum rc rc = sql_run(q, err);
	x->more = sql_changes(tx_conn(tx)) > 0;
	return rc;
}

static enum rc index_row(struct tx *tx, struct reindexing *x, int64_t row, struct arena *a,
			 struct err *err)
{
	struct record now;
	struct json_object *body = NULL;
	enum rc rc = row_load(tx_conn(tx), NULL, row, true, a, &now, err);
	if (rc == RC_OK && now.body.n)
		rc = json_read(now.body, &body, err);
	if (rc == RC_OK)
		rc = index_change(tx_conn(tx), x->t, row, NULL, body, a, err);
	json_free(body);
	search_touch(x->r, row);
	return rc;
}

static enum rc index_some(struct tx *tx, void *ctx, struct err *err)
{
	struct reindexing *x = ctx;
	int64_t rows[REINDEX_ROWS];
	size_t n = 0;
	struct sql *q = sql(tx_conn(tx), "SELECT id, type FROM record WHERE id > ? ORDER BY id LIMIT ?");
	sql_int(q, 1, x->row);
	sql_int(q, 2, REINDEX_ROWS);
	x->more = false;
	while (sql_row(q)) {
		x->more = true;
		x->row = sql_col_int(q, 0);
		if (sql_col_int(q, 1) == x->name)
			rows[n++] = x->row;
	}
	enum rc rc = sql_end(q, err);
	struct arena *a = arena_new(KIB(32));
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		arena_reset(a);
		rc = index_row(tx, x, rows[i], a, err);
	}
	arena_free(a);
	return rc;
}

struct noting {
	struct reindexing *list;
	size_t n;
};

static enum rc note_definitions(struct tx *tx, void *ctx, struct err *err)
{
	struct noting *all = ctx;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < all->n && rc == RC_OK; i++) {
		struct reindexing *x = &all->list[i];
		if (!x->needed)
			continue;
		rc = name_make(tx_conn(tx), str_of(x->t->name), &x->name, err);
		if (rc != RC_OK)
			break;
		struct sql *q = sql(tx_conn(tx), "INSERT INTO record_type (name, last_number, made_by)"
						 " VALUES (?1, 0, ?2) ON CONFLICT (name) DO UPDATE SET"
						 " made_by = ?2");
		sql_int(q, 1, x->name);
		sql_blob(q, 2, digest_str(&x->definition));
		rc = sql_run(q, err);
	}
	return rc;
}

static enum rc until_done(struct reindexing *x, store_job_fn step, struct err *err)
{
	enum rc rc;
	do
		rc = store_write(x->r->s, step, x, err);
	while (rc == RC_OK && x->more);
	return rc;
}

static enum rc look_at_all(struct records *r, const struct types *t, struct noting *all,
			   bool *needed_out, struct err *err)
{
	struct reader *rd;
	*needed_out = false;
	enum rc rc = store_read_begin(r->s, &rd, err);
	if (rc != RC_OK)
		return rc;
	for (; all->n < types_count(t) && rc == RC_OK; all->n++) {
		struct reindexing *x = &all->list[all->n];
		*x = (struct reindexing){ .r = r, .t = types_at(t, all->n) };
		x->definition = definition_of(x->t);
		rc = look(reader_conn(rd), x, err);
		*needed_out |= x->needed;
	}
	store_read_end(rd);
	return rc;
}

static enum rc reindex_all(struct records *r, const struct types *t, struct err *err)
{
	struct noting all = { .list = x_array(types_count(t) + 1, sizeof(struct reindexing)) };
	bool needed;
	enum rc rc = look_at_all(r, t, &all, &needed, err);
	for (size_t i = 0; i < all.n && rc == RC_OK && needed; i++) {
		struct reindexing *x = &all.list[i];
		if (!x->needed || !x->name)
			continue;
		rc = until_done(x, clear_some, err);
		if (rc == RC_OK)
			rc = until_done(x, index_some, err);
	}
	if (rc == RC_OK && needed)
		rc = store_write(r->s, note_definitions, &all, err);
	free(all.list);
	return rc;
}

enum rc records_reindex(struct records *r, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(r->types);
	const struct types *t = snapshot_table(ref);
	enum rc rc = t ? reindex_all(r, t, err) : RC_OK;
	snapshot_drop(r->types, ref);
	return rc;
}

/* By no definition, so that each is made again, also those of types that come back later. */
static enum rc forget_made(struct tx *tx, void *ctx, struct err *err)
{
	struct conn *c = tx_conn(tx);
	(void)ctx;
	enum rc rc = sql_run(sql(c, "UPDATE record_type SET made_by = zeroblob(32)"), err);
	if (rc == RC_OK)
		rc = sql_run(sql(c, "INSERT INTO record_words (record_words) VALUES ('delete-all')"), err);
	if (rc == RC_OK)
		rc = sql_run(sql(c, "INSERT INTO record_parts (record_parts) VALUES ('delete-all')"), err);
	if (rc == RC_OK)
		rc = sql_run(sql(c, "DELETE FROM record_text"), err);
	if (rc == RC_OK)
		rc = sql_run(sql(c, "DELETE FROM record_index WHERE record NOT IN"
				    " (SELECT id FROM record WHERE erased = 0)"), err);
	return rc;
}

enum rc records_rebuild(struct records *r, struct err *err)
{
	enum rc rc = store_write(r->s, forget_made, NULL, err);
	return rc == RC_OK ? records_reindex(r, err) : rc;
}

/* --- life --- */

enum rc records_open(struct store *s, struct journal *j, struct snapshot *types,
		     struct records **out, struct err *err)
{
	struct records *r = x_alloc(sizeof(*r));
	r->s = s;
	r->j = j;
	r->types = types;
	(void)str_to_z(store_node_id(s), r->origin, sizeof(r->origin)); /* always 36 characters */
	r->pack = ZSTD_createCCtx();
	if (!r->pack)
		abort(); /* as everywhere: running out of memory ends the process */
	store_before_commit(s, search_update, r);
	enum rc rc = RC_OK;
	if (!store_read_only(s)) {
		rc = records_reindex(r, err);
		if (rc == RC_OK)
			rc = files_tidy(s, err);
	}
	if (rc != RC_OK) {
		records_close(r);
		return rc;
	}
	store_add_tend(s, search_tend, r);
	*out = r;
	return RC_OK;
}

void records_close(struct records *r)
{
	if (!r)
		return;
	store_no_before_commit(r->s, search_update, r);
	ZSTD_freeCCtx(r->pack);
	free(r->touched);
	free(r);
}

struct snapshot *records_types_snapshot(struct records *r)
{
	return r->types;
}

struct journal *records_journal(struct records *r)
{
	return r->j;
}

void records_add_hook(struct records *r, const struct record_hook *hook)
{
	if (r->hooks == RECORD_HOOKS)
		abort(); /* our own bug: hooks are registered once, at start */
	r->hook[r->hooks++] = *hook;
}
