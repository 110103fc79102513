/* SPDX-License-Identifier: Apache-2.0 */
/* In the background: rows of main.db become a layer, layers become fewer, rows
 * of transitions become packs. Nothing of this changes what a finding is, so
 * nobody who read before has to read again. */
#include <stdlib.h>

#include "route/finding_write.h"

enum {
	ROWS_MOST = 4096, /* of main.db, before they become a layer */
	ROWS_PIECE = 2048, /* ... of so many: taking them out must not hold up the writer */
	FANIN = 8,        /* neighbours of like size that become one */
	LEVEL_ROWS = 32768
};

const struct tend_sizes tend_sizes_default = { .rows = ROWS_MOST, .layers = FANIN, .transitions = 5120 };

/* --- rows become a layer --- */

struct flush {
	struct writing w; /* its list: what is taken out of main.db */
	bool caught_up;
};

static enum rc many_rows(struct conn *c, int64_t most, bool *rows, bool *notes, struct err *err)
{
	struct sql *q = sql(c, "SELECT (SELECT count(*) FROM (SELECT 1 FROM finding LIMIT ?1)), "
			       "(SELECT count(*) FROM (SELECT 1 FROM finding_feed LIMIT ?1))");
	sql_int(q, 1, most);
	*rows = *notes = false;
	if (sql_row(q)) {
		*rows = sql_col_int(q, 0) >= most;
		*notes = sql_col_int(q, 1) >= most;
	}
	return sql_end(q, err);
}

static enum rc some_ids(struct conn *c, struct arena *a, struct hash128 **out, size_t *n, struct err *err)
{
	struct sql *q = sql(c, "SELECT id FROM finding UNION SELECT id FROM finding_feed ORDER BY id LIMIT 2048");
	*out = ARENA_ARRAY(a, ROWS_PIECE, struct hash128);
	*n = 0;
	while (*n < ROWS_PIECE && sql_row(q))
		(*out)[(*n)++] = id_of_bytes(sql_col_blob(q, 0));
	return sql_end(q, err);
}

static enum rc flush_one(struct flush *f, struct view *v, struct hash128 id, struct arena *a,
			 struct err *err)
{
	struct found was;
	enum rc rc = view_find(v, id, a, &was, err);
	if (rc == RC_OK)
		return writing_put(&f->w, &was.row, &was, 0, err);
	if (rc != RC_ABSENT)
		return rc;
	/* One that is no more hides those in layers; notes of one there is not wait
	 * until every event is folded, and then mean nothing. */
	if (was.in_db || (was.notes && f->caught_up)) {
		was.row.id = id;
		return writing_drop(&f->w, &was.row, &was, 0, err);
	}
	return RC_OK;
}

static enum rc flush_rows(struct store *s, struct reader *r, struct flush *f, struct err *err)
{
	struct view v;
	struct hash128 *ids;
	size_t n;
	struct arena *a = arena_new(KIB(16));
	enum rc rc = view_begin(&v, r, NULL, false, err);
	if (rc == RC_OK) {
		rc = writing_begin(&f->w, s, &v, true, err);
		if (rc == RC_OK)
			rc = some_ids(v.c, v.a, &ids, &n, err);
		for (size_t i = 0; rc == RC_OK && i < n; i++) {
			arena_reset(a);
			rc = flush_one(f, &v, ids[i], a, err);
		}
		view_end(&v);
	}
	arena_free(a);
	return rc;
}

static enum rc tend_rows(struct store *s, uint32_t most, bool *did_out, struct err *err)
{
	struct flush f = { .caught_up = false };
	struct reader *r;
	bool rows = false, notes = false;
	*did_out = false;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = many_rows(reader_conn(r), most, &rows, &notes, err);
	if (rc == RC_OK)
		rc = findings_caught_up(r, &f.caught_up, err);
	/* Notes alone only when none of them waits for its finding: else the same
	 * ones would be looked at again and again. */
	bool due = rc == RC_OK && (rows || (notes && f.caught_up));
	if (due)
		rc = flush_rows(s, r, &f, err);
	store_read_end(r);
	if (due && rc == RC_OK && f.w.n) {
		rc = writing_commit(&f.w, err);
		*did_out = rc == RC_OK;
	}
	writing_end(&f.w);
	/* The fold was quicker: at the next call. */
	return rc == RC_CONFLICT ? RC_OK : rc;
}

/* --- layers become fewer --- */

/* 32 k findings: 0; eight times as many each further level. */
static unsigned level_of(uint64_t rows)
{
	unsigned level = 0;
	for (uint64_t most = LEVEL_ROWS; rows > most && level < 20; most *= FANIN)
		level++;
	return level;
}

/* The newest layers that are not above a level, when they are eight; and all,
 * when the others have grown as large as the oldest. Newest first: from 0 on. */
static size_t count_due(const struct view *v, uint32_t fanin)
{
	for (unsigned level = 0; level < 20; level++) {
		size_t n = 0;
		while (n < v->layers && level_of(v->layer[n].rows) <= level)
			n++;
		if (n >= fanin)
			return n;
	}
	uint64_t newer = 0;
	for (size_t i = 0; i + 1 < v->layers; i++)
		newer += v->layer[i].rows;
	return v->layers > 1 && newer >= v->layer[v->layers - 1].rows ? v->layers : 0;
}

struct merge {
	struct layer_writer *out;
	struct layer *list; /* those that go: newest first */
	size_t n;
	bool any;
};

static enum rc forget_layer(struct tx *tx, const struct layer *l, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM finding_layer WHERE id = ? AND number = ?");
	sql_int(q, 1, l->id);
	sql_int(q, 2, l->foot.number);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && sql_changes(tx_conn(tx)) != 1)
		return fail(err, RC_CONFLICT, "layers changed meanwhile");
	return rc == RC_OK ? frame_file_forget(tx, SEGMENT_FINDINGS, l->foot.day, l->foot.number, err) : rc;
}

static enum rc swap_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct merge *m = ctx;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < m->n && rc == RC_OK; i++)
		rc = forget_layer(tx, &m->list[i], err);
	/* As new as the newest it is made of. */
	return rc == RC_OK && m->any ? layer_name(tx, m->out, m->list[0].id, err) : rc;
}

static enum rc merge_rows(struct view *v, struct merge *m, bool oldest, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	struct finding_row f;
	enum rc rc = view_walk_layers(v, err);
	while (rc == RC_OK && view_next_any(v, a, &f, &rc, err)) {
		if (f.state != FINDING_NO_MORE || !oldest)
			rc = layer_add(m->out, &f, err);
		arena_reset(a);
	}
	arena_free(a);
	m->any = layer_rows(m->out) > 0;
	return rc == RC_OK && m->any ? layer_finish(m->out, err) : rc;
}

static enum rc merge_some(struct store *s, struct view *v, size_t n, struct err *err)
{
	struct merge m = { .list = v->layer, .n = n };
	bool oldest = n == v->layers;
	enum rc rc = layer_begin(s, &m.out, err);
	if (rc != RC_OK)
		return rc;
	size_t all = v->layers;
	v->layers = n;
	rc = merge_rows(v, &m, oldest, err);
	v->layers = all;
	bool job = rc == RC_OK;
	if (job)
		rc = store_write(s, swap_job, &m, err);
	layer_end(m.out, job && m.any ? rc : RC_CONFLICT);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		frame_file_retire(s, SEGMENT_FINDINGS, m.list[i].foot.day, m.list[i].foot.number);
	return rc;
}

/* `all`: whether it is due or not. */
static enum rc tend_layers(struct store *s, uint32_t fanin, bool all, bool *did_out, struct err *err)
{
	struct reader *r;
	struct view v;
	*did_out = false;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = view_begin(&v, r, NULL, false, err);
	/* Only we take layers away: they can be read without keeping a view open, which
	 * would keep the log of main.db from starting anew. */
	v.r = NULL;
	v.c = NULL;
	store_read_end(r);
	if (rc == RC_OK) {
		size_t n = all ? v.layers : count_due(&v, fanin);
		if (n)
			rc = merge_some(s, &v, n, err);
		*did_out = n && rc == RC_OK;
		view_end(&v);
	}
	return rc == RC_CONFLICT ? RC_OK : rc;
}

/* --- all of it anew, when somebody asks --- */

#define TIDY STR("findings:tidy") /* a cursor: not 0 while it is wanted */
enum { TIDY_ROUNDS = 1000 };

enum rc findings_tidy_wanted(struct conn *c, bool *out, struct err *err)
{
	int64_t wanted = 0;
	enum rc rc = cursor_get(c, TIDY, &wanted, err);
	*out = wanted != 0;
	return rc;
}

enum rc findings_tidy(struct tx *tx, struct err *err)
{
	return cursor_set(tx_conn(tx), TIDY, 1, err);
}

static enum rc is_tidy(struct tx *tx, void *ctx, struct err *err)
{
	(void)ctx;
	return cursor_set(tx_conn(tx), TIDY, 0, err);
}

static enum rc is_wanted(struct store *s, bool *out, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = findings_tidy_wanted(reader_conn(r), out, err);
	store_read_end(r);
	return rc;
}

/* A finding that is no more only hides what layers say of it, until all of them are one. */
static enum rc tidy(struct store *s, bool *did_out, struct err *err)
{
	bool wanted = false, did = true;
	enum rc rc = is_wanted(s, &wanted, err);
	*did_out = false;
	if (rc != RC_OK || !wanted)
		return rc;
	for (int i = 0; rc == RC_OK && did && i < TIDY_ROUNDS; i++)
		rc = tend_rows(s, 1, &did, err);
	if (rc == RC_OK && !did)
		rc = tend_layers(s, 0, true, &did, err);
	*did_out = rc == RC_OK;
	return rc == RC_OK ? store_write(s, is_tidy, NULL, err) : rc;
}

enum rc findings_tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	(void)ctx;
	return findings_tend_by(s, &tend_sizes_default, did_out, err);
}

enum rc findings_tend_by(struct store *s, const struct tend_sizes *by, bool *did_out, struct err *err)
{
	bool did = false;
	*did_out = false;
	if (store_read_only(s))
		return RC_OK;
	enum rc rc = tidy(s, did_out, err);
	if (rc == RC_OK && !*did_out)
		rc = tend_rows(s, by->rows, did_out, err);
	if (rc == RC_OK)
		rc = tend_layers(s, by->layers, false, &did, err);
	*did_out |= did;
	if (rc == RC_OK)
		rc = transitions_pack(s, by->transitions, &did, err);
	*did_out |= did;
	/* A damaged file is told by whoever reads it and by verify; others who have work
	 * in the background need not wait for it. */
	return rc == RC_INPUT ? RC_OK : rc;
}

/* --- what cannot be read any more --- */

static enum rc read_through(struct view *v, struct layer *l, struct err *err)
{
	struct finding_row f;
	struct arena *a = arena_new(KIB(16));
	enum rc rc = layer_need_foot(v, l, err);
	for (size_t p = 0; rc == RC_OK && p < l->pages; p++) {
		rc = layer_need_zones(v, l, p, err);
		for (size_t z = 0; rc == RC_OK && z < l->zones; z++) {
			rc = layer_need_block(v, l, p, z, err);
			for (uint32_t i = 0; rc == RC_OK && i < l->block.rows; i++)
				rc = layer_row(v, l, i, a, &f, err);
			arena_reset(a);
		}
	}
	arena_free(a);
	return rc;
}

static enum rc drop_job(struct tx *tx, void *ctx, struct err *err)
{
	enum rc rc = findings_disturbed(tx, err);
	return rc == RC_OK ? forget_layer(tx, ctx, err) : rc;
}

enum rc layers_drop_damaged(struct store *s, struct err *err)
{
	struct reader *r;
	struct view v;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = view_begin(&v, r, NULL, false, err);
	for (size_t i = 0; rc == RC_OK && i < v.layers; i++) {
		rc = read_through(&v, &v.layer[i], err);
		if (rc != RC_INPUT)
			continue;
		/* merged meanwhile: then it is gone, and was read through */
		rc = store_write(s, drop_job, &v.layer[i], err);
		if (rc == RC_OK)
			frame_file_retire(s, SEGMENT_FINDINGS, v.layer[i].foot.day, v.layer[i].foot.number);
		rc = rc == RC_CONFLICT ? RC_OK : rc;
	}
	if (v.c)
		view_end(&v);
	store_read_end(r);
	return rc;
}
