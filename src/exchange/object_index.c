/* SPDX-License-Identifier: Apache-2.0 */
/* Table exchange_object_run: a run's number is its level, then the row it began with, so that none is given twice. */
#include "exchange/object_index.h"

#include <stdatomic.h>
#include <stdlib.h>

/* RUN_OPEN: keys are put into it; RUN_CLOSED: of them `target` <> 0 are being made into that one; RUN_MADE: being made, not
 * looked into; RUN_GOING: its keys stand in another. upto: what is made or gone has all tags below. As SQL has them. */
enum run_state { RUN_OPEN, RUN_CLOSED, RUN_MADE, RUN_GOING };
enum { TOGETHER = 16, FILTERS_MOST = 256, FILTER_BITS = 12, FILTER_LOOKS = 5, LEVEL_MOST = 12 };
#define FILTER_BYTES_MOST MIB(24)
#define REST_US (10 * MINUTE_US)

struct filter {
	int64_t run;
	uint64_t bits;
	uint64_t words[];
};
struct filters {
	size_t count;
	struct filter *list[FILTERS_MOST];
};
struct object_index {
	struct store *s;
	struct filters *asked;     /* of the writer thread; they are never changed */
	struct filters *made;      /* of the background: the same, but while they are handed over */
	atomic_llong asked_us;     /* when a job last wanted to know (clock_mono_us) */
};

int64_t object_tag(str stix_id)
{
	struct digest d = sha256(stix_id);
	struct wire w = wire_of(str_mem(d.b, 8));
	return (int64_t)wire_le64(&w);
}

/* --- filters (Bloom 1970) --- */

static uint64_t filter_bit(const struct filter *f, uint64_t tag, unsigned look)
{
	uint64_t step = (tag << 29 | tag >> 35) | 1;
	return ((tag + look * step) >> 32) * f->bits >> 32; /* they are fewer than 2^32: FILTER_BYTES_MOST */
}

static void filter_add(struct filter *f, uint64_t tag)
{
	for (unsigned i = 0; i < FILTER_LOOKS; i++) {
		uint64_t bit = filter_bit(f, tag, i);
		f->words[bit / 64] |= UINT64_C(1) << bit % 64;
	}
}

static bool filter_may_have(const struct filter *f, uint64_t tag)
{
	for (unsigned i = 0; i < FILTER_LOOKS; i++) {
		uint64_t bit = filter_bit(f, tag, i);
		if (!(f->words[bit / 64] >> bit % 64 & 1))
			return false;
	}
	return true;
}

static size_t filter_bytes(uint64_t keys)
{
	return (size_t)((keys * FILTER_BITS + 63) / 64 + 1) * 8;
}

static struct filter *filter_new(int64_t run, uint64_t keys)
{
	struct filter *f = x_alloc(sizeof *f + filter_bytes(keys));
	f->run = run;
	f->bits = filter_bytes(keys) * 8;
	memset(f->words, 0, filter_bytes(keys));
	return f;
}

static struct filter *filter_of(const struct filters *list, int64_t run)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->list[i]->run == run)
			return list->list[i];
	return NULL;
}

struct object_index *object_index_new(struct store *s)
{
	struct object_index *x = x_alloc(sizeof *x);
	x->s = s;
	x->asked = x_alloc(sizeof *x->asked);
	x->made = x_alloc(sizeof *x->made);
	store_add_tend(s, object_index_tend, x);
	return x;
}

void object_index_free(struct object_index *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->made->count; i++)
		free(x->made->list[i]);
	free(x->made);
	free(x->asked);
	free(x);
}

size_t object_index_memory(const struct object_index *x)
{
	size_t n = 0;
	for (size_t i = 0; i < x->made->count; i++)
		n += (size_t)x->made->list[i]->bits / 8;
	return n;
}

/* --- inside a job --- */

struct object_runs object_runs(struct conn *c, struct object_index *x, int64_t tag)
{
	if (x)
		atomic_store(&x->asked_us, clock_mono_us());
	return (struct object_runs){ .q = sql(c, "SELECT run FROM exchange_object_run WHERE state < 2"), .x = x, .tag = tag };
}

bool object_runs_next(struct object_runs *at, int64_t *run_out)
{
	while (sql_row(at->q)) {
		*run_out = sql_col_int(at->q, 0);
		const struct filter *f = at->x ? filter_of(at->x->asked, *run_out) : NULL;
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

struct handing {
	struct object_index *x;
	struct filters *list;
};

static enum rc hand_over(struct tx *tx, void *ctx, struct err *err)
{
	struct handing *k = ctx;
	struct filters *was = k->x->asked;
	(void)tx;
	(void)err;
	k->x->asked = k->list;
	k->list = was;
	return RC_OK;
}

/* From now on the writer asks `next`, and not what is no more in it. Whether its group could be committed is all the
 * same: runs with a filter were there before. */
static enum rc use_filters(struct object_index *x, const struct filters *next, struct err *err)
{
	struct handing k = { x, x_alloc(sizeof *k.list) };
	struct filters *own = k.list;
	*own = *next;
	enum rc rc = store_write(x->s, hand_over, &k, err);
	const struct filters *old = k.list == own ? next : x->made, *kept = k.list == own ? x->made : next;
	for (size_t i = 0; i < old->count; i++)
		if (!filter_of(kept, old->list[i]->run))
			free(old->list[i]);
	if (k.list != own)
		*x->made = *next;
	free(k.list);
	return rc;
}

static enum rc read_keys(struct conn *c, int64_t run, size_t room, struct filter **out, struct err *err)
{
	struct sql *q = sql(c, "SELECT count(*) FROM exchange_object_key WHERE run = ?");
	uint64_t keys = 0;
	sql_int(q, 1, run);
	if (sql_row(q))
		keys = (uint64_t)sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || filter_bytes(keys) > room)
		return rc;
	struct filter *f = filter_new(run, keys);
	q = sql(c, "SELECT tag FROM exchange_object_key WHERE run = ?");
	sql_int(q, 1, run);
	while (sql_row(q))
		filter_add(f, (uint64_t)sql_col_int(q, 0));
	rc = sql_end(q, err);
	if (rc == RC_OK)
		*out = f;
	else
		free(f);
	return rc;
}

/* One more of those without, the shortest first; what has no run any more goes. */
static enum rc next_filters(struct object_index *x, struct reader *r, struct filters *next, bool *differs, struct err *err)
{
	struct conn *c = reader_conn(r);
	struct sql *q = sql(c, "SELECT run FROM exchange_object_run WHERE state = 1 ORDER BY run");
	struct filter *made = NULL;
	size_t used = object_index_memory(x);
	enum rc rc = RC_OK;
	while (rc == RC_OK && sql_row(q) && next->count < FILTERS_MOST) {
		const int64_t run = sql_col_int(q, 0);
		struct filter *f = filter_of(x->made, run);
		if (!f && !made && used < FILTER_BYTES_MOST) {
			rc = read_keys(c, run, FILTER_BYTES_MOST - used, &made, err);
			f = made;
		}
		if (f)
			next->list[next->count++] = f;
	}
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	rc = rc == RC_OK ? end : rc;
	*differs = made || next->count != x->made->count;
	if (rc != RC_OK)
		free(made);
	return rc;
}

static enum rc tend_filters(struct object_index *x, struct reader *r, bool *did, struct err *err)
{
	struct filters next = { .count = 0 };
	const int64_t asked = atomic_load(&x->asked_us);
	bool differs = x->made->count > 0;
	enum rc rc = RC_OK;
	if (asked && clock_mono_us() - asked < REST_US)
		rc = next_filters(x, r, &next, &differs, err);
	if (rc != RC_OK || !differs)
		return rc;
	*did = true;
	return use_filters(x, &next, err);
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

static enum rc drop_part(struct conn *c, const struct work *w, struct err *err)
{
	const int64_t last = part_end(w);
	struct sql *q = sql(c, "DELETE FROM exchange_object_key WHERE run = ?1 AND tag BETWEEN ?2 AND ?3");
	sql_int(q, 1, w->run);
	sql_int(q, 2, w->from);
	sql_int(q, 3, last);
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK || last != INT64_MAX)
		return rc == RC_OK ? set_upto(c, w, last, err) : rc;
	q = sql(c, "DELETE FROM exchange_object_run WHERE run = ?");
	sql_int(q, 1, w->run);
	return sql_run(q, err);
}

/* What there is to do is looked up again: only the writer knows. */
static enum rc work_job(struct tx *tx, void *ctx, struct err *err)
{
	struct work w;
	enum rc rc = find_work(tx_conn(tx), &w, err);
	(void)ctx;
	if (rc != RC_OK)
		return rc;
	switch (w.what) {
	case WORK_NONE:
		break;
	case WORK_DROP:
		return drop_part(tx_conn(tx), &w, err);
	case WORK_BEGIN:
		return begin_run(tx_conn(tx), w.run, err);
	case WORK_MOVE:
		return move_part(tx_conn(tx), &w, err);
	}
	return RC_OK;
}

enum rc object_index_tend(struct store *s, void *index, bool *did_out, struct err *err)
{
	struct object_index *x = index;
	struct reader *r = NULL;
	struct work w = { .what = WORK_NONE };
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = find_work(reader_conn(r), &w, err);
	if (rc == RC_OK)
		rc = tend_filters(x, r, did_out, err);
	store_read_end(r);
	if (rc != RC_OK || w.what == WORK_NONE)
		return rc;
	*did_out = true;
	return store_write(s, work_job, NULL, err);
}
