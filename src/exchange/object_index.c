/* SPDX-License-Identifier: Apache-2.0 */
/* Table exchange_object_run: a run's number is its level, then the row it began with, so that none is given twice. */
#include "exchange/object_index.h"

#include <stdatomic.h>
#include <stdlib.h>

/* RUN_OPEN: keys are put into it; RUN_CLOSED: of them `target` <> 0 are being made into that one; RUN_MADE: being made, not
 * looked into; RUN_GOING: its keys stand in another. upto: what is made or gone has all tags below. As SQL has them. */
enum run_state { RUN_OPEN, RUN_CLOSED, RUN_MADE, RUN_GOING };
enum { TOGETHER = 16, FILTERS_MOST = 256, FILTER_BITS = 12, FILTER_LOOKS = 5, LEVEL_MOST = 12,
       FILTER_KEYS_MOST = 1 << 22 /* of a longer run none is made */ };
#define FILTER_BYTES_MOST MIB(24) /* in memory */
#define REST_US (10 * MINUTE_US)

/* Bits of a run that is closed (Bloom 1970), as table exchange_object_filter has them; n 0: it has none. */
struct filter {
	int64_t run;
	size_t n;                  /* bytes */
	uint8_t *b;
};
/* Of the writer thread, but for the atomics. What a filter says holds even if the group it was read in is lost: it is made of
 * keys that were on disk, of a run that is not changed. */
struct object_index {
	struct store *s;
	struct filter list[FILTERS_MOST];
	size_t count;
	atomic_size_t bytes;
	atomic_llong asked_us;     /* when a job last wanted to know (clock_mono_us) */
};

int64_t object_tag(str stix_id)
{
	struct digest d = sha256(stix_id);
	struct wire w = wire_of(str_mem(d.b, 8));
	return (int64_t)wire_le64(&w);
}

/* --- filters --- */

/* Bytes are fewer than 2^29. */
static size_t filter_bit(size_t bytes, uint64_t tag, unsigned look)
{
	const uint64_t step = (tag << 29 | tag >> 35) | 1;
	return (size_t)(((tag + look * step) >> 32) * (bytes * 8) >> 32);
}

static void filter_add(uint8_t *b, size_t n, uint64_t tag)
{
	for (unsigned i = 0; i < FILTER_LOOKS; i++) {
		const size_t bit = filter_bit(n, tag, i);
		b[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
}

static bool filter_may_have(const struct filter *f, uint64_t tag)
{
	for (unsigned i = 0; i < FILTER_LOOKS; i++) {
		const size_t bit = filter_bit(f->n, tag, i);
		if (!(f->b[bit / 8] >> bit % 8 & 1))
			return false;
	}
	return true;
}

struct object_index *object_index_new(struct store *s)
{
	struct object_index *x = x_alloc(sizeof *x);
	*x = (struct object_index){ .s = s };
	store_add_tend(s, object_index_tend, x);
	return x;
}

static void let_go(struct object_index *x, size_t i)
{
	atomic_fetch_sub(&x->bytes, x->list[i].n);
	free(x->list[i].b);
	x->list[i] = x->list[--x->count];
}

static void let_all_go(struct object_index *x)
{
	while (x->count)
		let_go(x, x->count - 1);
}

void object_index_free(struct object_index *x)
{
	if (!x)
		return;
	let_all_go(x);
	free(x);
}

size_t object_index_memory(const struct object_index *x)
{
	return atomic_load(&x->bytes);
}

/* In memory, read if need be. NULL: none is made yet, or there is no room. */
static const struct filter *filter_of(struct conn *c, struct object_index *x, int64_t run)
{
	for (size_t i = 0; i < x->count; i++)
		if (x->list[i].run == run)
			return x->list[i].n ? &x->list[i] : NULL;
	if (x->count == FILTERS_MOST || atomic_load(&x->bytes) >= FILTER_BYTES_MOST)
		return NULL;
	struct filter *f = NULL;
	struct sql *q = sql(c, "SELECT bits FROM exchange_object_filter WHERE run = ?");
	sql_int(q, 1, run);
	if (sql_row(q)) {
		str bits = sql_col_blob(q, 0);
		f = &x->list[x->count++];
		*f = (struct filter){ run, bits.n, bits.n ? x_alloc(bits.n) : NULL };
		if (bits.n)
			memcpy(f->b, bits.p, bits.n);
		atomic_fetch_add(&x->bytes, bits.n);
	}
	return sql_end(q, NULL) == RC_OK && f && f->n ? f : NULL; /* without it the run itself is asked */
}

/* --- inside a job --- */

struct object_runs object_runs(struct conn *c, struct object_index *x, int64_t tag)
{
	if (x)
		atomic_store(&x->asked_us, clock_mono_us());
	return (struct object_runs){ .q = sql(c, "SELECT run, state FROM exchange_object_run WHERE state < 2"), .c = c,
				     .x = x, .tag = tag };
}

bool object_runs_next(struct object_runs *at, int64_t *run_out)
{
	while (sql_row(at->q)) {
		*run_out = sql_col_int(at->q, 0);
		const bool closed = sql_col_int(at->q, 1) == RUN_CLOSED;
		const struct filter *f = at->x && closed ? filter_of(at->c, at->x, *run_out) : NULL;
		if (!f || filter_may_have(f, (uint64_t)at->tag))
			return true;
	}
	return false;
}

enum rc object_runs_end(struct object_runs *at, struct err *err)
{
	return sql_end(at->q, err);
}

/* The next key goes into a new run. */
static enum rc close_run(struct conn *c, int64_t id, struct err *err)
{
	enum rc rc = sql_run(sql(c, "UPDATE exchange_object_run SET state = 1 WHERE state = 0"), err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(c, "INSERT INTO exchange_object_run (run, state, target, upto) VALUES (?, 0, 0, 0)");
	sql_int(q, 1, id);
	return sql_run(q, err);
}

enum rc object_index_put(struct tx *tx, int64_t id, int64_t tag, int64_t version_us, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO exchange_object_key (run, tag, version_us, object)"
					 " SELECT run, ?1, ?2, ?3 FROM exchange_object_run WHERE state = 0");
	sql_int(q, 1, tag);
	sql_int(q, 2, version_us);
	sql_int(q, 3, id);
	enum rc rc = sql_run(q, err);
	return rc == RC_OK && id % OBJECT_RUN == 0 ? close_run(tx_conn(tx), id, err) : rc;
}

/* Also out of one that is being made: what went into it already. */
enum rc object_index_drop(struct tx *tx, int64_t id, int64_t tag, int64_t version_us, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM exchange_object_key WHERE run IN (SELECT run FROM exchange_object_run)"
					 " AND tag = ?1 AND version_us = ?2 AND object = ?3");
	sql_int(q, 1, tag);
	sql_int(q, 2, version_us);
	sql_int(q, 3, id);
	return sql_run(q, err);
}

/* --- filters in the background --- */

struct filtering {
	int64_t run;
	struct buf bits;
};

static enum rc next_without(struct conn *c, int64_t *run, bool *found, struct err *err)
{
	struct sql *q = sql(c, "SELECT run FROM exchange_object_run r WHERE state = 1 AND NOT EXISTS"
			       " (SELECT 1 FROM exchange_object_filter f WHERE f.run = r.run) ORDER BY run LIMIT 1");
	*found = sql_row(q);
	*run = *found ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

static enum rc read_keys(struct conn *c, struct filtering *f, struct err *err)
{
	struct sql *q = sql(c, "SELECT count(*) FROM exchange_object_key WHERE run = ?");
	sql_int(q, 1, f->run);
	const int64_t keys = sql_row(q) ? sql_col_int(q, 0) : 0;
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || keys > FILTER_KEYS_MOST)
		return rc;
	const size_t n = (size_t)keys * FILTER_BITS / 8 + 8;
	uint8_t *b = x_alloc(n);
	memset(b, 0, n);
	q = sql(c, "SELECT tag FROM exchange_object_key WHERE run = ?");
	sql_int(q, 1, f->run);
	while (sql_row(q))
		filter_add(b, n, (uint64_t)sql_col_int(q, 0));
	rc = sql_end(q, err);
	if (rc == RC_OK)
		buf_add(&f->bits, str_mem((const char *)b, n));
	free(b);
	return rc;
}

static enum rc keep_filter(struct tx *tx, void *ctx, struct err *err)
{
	const struct filtering *f = ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO exchange_object_filter (run, bits) SELECT run, ?2"
					 " FROM exchange_object_run WHERE run = ?1 AND state = 1");
	sql_int(q, 1, f->run);
	sql_blob(q, 2, f->bits.n ? buf_str(&f->bits) : STR(""));
	return sql_run(q, err);
}

static enum rc tend_filters(struct store *s, struct reader *r, bool *did, struct err *err)
{
	struct filtering f = { .bits = BUF_INIT(MIB(8)) };
	bool found;
	enum rc rc = next_without(reader_conn(r), &f.run, &found, err);
	if (rc == RC_OK && found)
		rc = read_keys(reader_conn(r), &f, err);
	if (rc == RC_OK && found)
		rc = store_write(s, keep_filter, &f, err);
	*did |= rc == RC_OK && found;
	buf_free(&f.bits);
	return rc;
}

static enum rc rest_job(struct tx *tx, void *ctx, struct err *err)
{
	(void)tx;
	(void)err;
	let_all_go(ctx);
	return RC_OK;
}

/* Nobody asked for long. */
static enum rc tend_memory(struct object_index *x, struct err *err)
{
	if (!atomic_load(&x->bytes) || clock_mono_us() - atomic_load(&x->asked_us) < REST_US)
		return RC_OK;
	return store_write(x->s, rest_job, x, err);
}

/* --- runs of runs --- */

enum { RUN_LEVEL = 40 }; /* bits before it */

struct work {
	enum { WORK_NONE, WORK_DROP, WORK_BEGIN, WORK_MOVE } what;
	int64_t run;               /* WORK_BEGIN: the level */
	int64_t from;              /* WORK_DROP, WORK_MOVE: tags from here on */
};

static enum rc find_run(struct sql *q, int what, struct work *out, struct err *err)
{
	if (sql_row(q))
		*out = (struct work){ what, sql_col_int(q, 0), sql_col_int(q, 1) };
	return sql_end(q, err);
}

static enum rc find_work(struct conn *c, struct work *out, struct err *err)
{
	*out = (struct work){ .what = WORK_NONE };
	enum rc rc = find_run(sql(c, "SELECT run, upto FROM exchange_object_run WHERE state = 3 ORDER BY run LIMIT 1"), WORK_DROP,
			      out, err);
	if (rc != RC_OK || out->what)
		return rc;
	struct sql *q = sql(c, "SELECT run >> 40 AS level, 0 FROM exchange_object_run r WHERE state = 1 AND target = 0"
			       " AND NOT EXISTS (SELECT 1 FROM exchange_object_run m WHERE m.state = 2"
			       " AND m.run >> 40 = (r.run >> 40) + 1) GROUP BY level HAVING count(*) >= ? AND level < ? ORDER BY level LIMIT 1");
	_Static_assert(RUN_LEVEL == 40, "as the statements say");
	sql_int(q, 1, TOGETHER);
	sql_int(q, 2, LEVEL_MOST);
	rc = find_run(q, WORK_BEGIN, out, err);
	if (rc != RC_OK || out->what)
		return rc;
	return find_run(sql(c, "SELECT run, upto FROM exchange_object_run WHERE state = 2 ORDER BY run LIMIT 1"), WORK_MOVE, out,
			err);
}

/* The oldest sixteen: the new one is called by the newest of them. */
static enum rc begin_run(struct conn *c, int64_t level, struct err *err)
{
	struct sql *q = sql(c, "SELECT max(run) FROM (SELECT run FROM exchange_object_run WHERE state = 1 AND target = 0"
			       " AND run >> 40 = ? ORDER BY run LIMIT ?)");
	int64_t last = 0;
	sql_int(q, 1, level);
	sql_int(q, 2, TOGETHER);
	if (sql_row(q))
		last = sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	const int64_t target = last + ((int64_t)1 << RUN_LEVEL);
	q = sql(c, "UPDATE exchange_object_run SET target = ?1 WHERE state = 1 AND target = 0 AND run >> 40 = ?2 AND run <= ?3");
	sql_int(q, 1, target);
	sql_int(q, 2, level);
	sql_int(q, 3, last);
	if ((rc = sql_run(q, err)) != RC_OK)
		return rc;
	q = sql(c, "INSERT INTO exchange_object_run (run, state, target, upto) VALUES (?1, 2, 0, ?2)");
	sql_int(q, 1, target);
	sql_int(q, 2, INT64_MIN);
	return sql_run(q, err);
}

/* The last tag of the part that is done in one job: about OBJECT_RUN keys. */
static int64_t part_end(const struct work *w)
{
	const int level = (int)(w->run >> RUN_LEVEL);
	if (level == 0)
		return INT64_MAX;
	const uint64_t wide = UINT64_C(1) << (64 - 4 * level), left = (uint64_t)INT64_MAX - (uint64_t)w->from;
	return left < wide ? INT64_MAX : (int64_t)((uint64_t)w->from + wide - 1);
}

static enum rc set_upto(struct conn *c, const struct work *w, int64_t last, struct err *err)
{
	struct sql *q = sql(c, "UPDATE exchange_object_run SET upto = ?2 WHERE run = ?1");
	sql_int(q, 1, w->run);
	sql_int(q, 2, last + 1);
	return sql_run(q, err);
}

/* It is looked into from now on, and its sources are not. */
static enum rc end_move(struct conn *c, const struct work *w, struct err *err)
{
	struct sql *q = sql(c, "UPDATE exchange_object_run SET state = CASE WHEN run = ?1 THEN 1 ELSE 3 END, upto = ?2"
			       " WHERE run = ?1 OR target = ?1");
	sql_int(q, 1, w->run);
	sql_int(q, 2, INT64_MIN);
	return sql_run(q, err);
}

static enum rc move_part(struct conn *c, const struct work *w, struct err *err)
{
	const int64_t last = part_end(w);
	struct sql *q = sql(c, "INSERT INTO exchange_object_key (run, tag, version_us, object) SELECT ?1, tag, version_us, object"
			       " FROM exchange_object_key WHERE run IN (SELECT run FROM exchange_object_run WHERE target = ?1)"
			       " AND tag BETWEEN ?2 AND ?3 ORDER BY tag, version_us, object");
	sql_int(q, 1, w->run);
	sql_int(q, 2, w->from);
	sql_int(q, 3, last);
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	return last == INT64_MAX ? end_move(c, w, err) : set_upto(c, w, last, err);
}

static enum rc drop_part(struct conn *c, struct object_index *x, const struct work *w, struct err *err)
{
	for (size_t i = 0; i < x->count; i++)
		if (x->list[i].run == w->run)
			let_go(x, i);
	const int64_t last = part_end(w);
	struct sql *q = sql(c, "DELETE FROM exchange_object_key WHERE run = ?1 AND tag BETWEEN ?2 AND ?3");
	sql_int(q, 1, w->run);
	sql_int(q, 2, w->from);
	sql_int(q, 3, last);
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK || last != INT64_MAX)
		return rc == RC_OK ? set_upto(c, w, last, err) : rc;
	q = sql(c, "DELETE FROM exchange_object_filter WHERE run = ?");
	sql_int(q, 1, w->run);
	if ((rc = sql_run(q, err)) != RC_OK)
		return rc;
	q = sql(c, "DELETE FROM exchange_object_run WHERE run = ?");
	sql_int(q, 1, w->run);
	return sql_run(q, err);
}

/* What there is to do is looked up again: only the writer knows. */
static enum rc work_job(struct tx *tx, void *ctx, struct err *err)
{
	struct work w;
	enum rc rc = find_work(tx_conn(tx), &w, err);
	if (rc != RC_OK)
		return rc;
	switch (w.what) {
	case WORK_NONE:
		break;
	case WORK_DROP:
		return drop_part(tx_conn(tx), ctx, &w, err);
	case WORK_BEGIN:
		return begin_run(tx_conn(tx), w.run, err);
	case WORK_MOVE:
		return move_part(tx_conn(tx), &w, err);
	}
	return RC_OK;
}

enum rc object_index_tend(struct store *s, void *index, bool *did_out, struct err *err)
{
	struct reader *r = NULL;
	struct work w = { .what = WORK_NONE };
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = find_work(reader_conn(r), &w, err);
	if (rc == RC_OK)
		rc = tend_filters(s, r, did_out, err);
	store_read_end(r);
	if (rc == RC_OK)
		rc = tend_memory(index, err);
	if (rc != RC_OK || w.what == WORK_NONE)
		return rc;
	*did_out = true;
	return store_write(s, work_job, index, err);
}
