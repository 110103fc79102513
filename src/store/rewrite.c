/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rewrite.h"

#include "base/arena.h"
#include "store/store_private.h"

/* One transaction takes at most this much, so that nobody waits for it long. */
enum { SLICE_ROWS = 200, ROUNDS = 8 };
#define SLICE_BYTES MIB(4)

bool store_take_files(struct store *s)
{
	return !atomic_exchange(&s->files_taken, true);
}

void store_give_files(struct store *s)
{
	atomic_store(&s->files_taken, false);
}

/* --- what rows name in the file --- */

struct named {
	int64_t report, part; /* events: part is first_seq; report 0: of several, its first */
	struct place at;
};

struct rewriting {
	struct store *s;
	enum segment which;
	int32_t day;
	uint32_t number;
	struct named *row;
	size_t n, from, until;
	struct buf frame;
	bool gone, busy;
};

static enum rc list_rows(struct rewriting *w, struct err *err)
{
	struct reader *r;
	size_t room = w->n;
	w->n = 0;
	enum rc rc = store_read_begin(w->s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = w->which == SEGMENT_RAW
				? sql(reader_conn(r),
				      "SELECT report, part, offset, bytes FROM raw"
				      " WHERE day = ?1 AND number = ?2 UNION ALL"
				      " SELECT 0, first, offset, bytes FROM raw_frame"
				      " WHERE day = ?1 AND number = ?2 ORDER BY 3")
				: sql(reader_conn(r), "SELECT report, first_seq, offset, bytes FROM chunk"
						      " WHERE day = ? AND number = ? ORDER BY offset");
	sql_int(q, 1, w->day);
	sql_int(q, 2, w->number);
	while (sql_row(q)) {
		if (w->n >= room) {
			room = room ? 2 * room : 256;
			w->row = x_grow(w->row, room, sizeof(*w->row));
		}
		w->row[w->n++] = (struct named){ .report = sql_col_int(q, 0),
						 .part = sql_col_int(q, 1),
						 .at = { .day = w->day,
							 .number = w->number,
							 .offset = (uint64_t)sql_col_int(q, 2),
							 .bytes = (uint32_t)sql_col_int(q, 3) } };
	}
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

/* --- jobs --- */

static enum rc run_job(struct rewriting *w, store_job_fn fn, size_t bytes, struct err *err)
{
	struct store_job job = { .fn = fn, .ctx = w, .bytes = bytes, .use_reserve = true };
	store_submit(w->s, &job);
	return store_wait(w->s, &job, err);
}

/* From here on nothing more is added to the old file. */
static enum rc leave_file(struct tx *tx, void *ctx, struct err *err)
{
	const struct rewriting *w = ctx;
	struct sql *q = sql(tx->c, "SELECT max(number) FROM segment WHERE kind = ? AND day = ?");
	sql_int(q, 1, w->which);
	sql_int(q, 2, w->day);
	bool newest = sql_row(q) && sql_col_int(q, 0) == w->number;
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && newest)
		rc = segments_start_new(tx->segments, tx->c, w->which, w->day, err);
	if (rc != RC_OK || !newest)
		return rc;
	/* a change, so that the new file is named with this commit */
	q = sql(tx->c, "UPDATE segment SET bytes = bytes WHERE kind = ? AND day = ? AND number = ?");
	sql_int(q, 1, w->which);
	sql_int(q, 2, w->day);
	sql_int(q, 3, w->number);
	return sql_run(q, err);
}

/* What was deleted since it was listed must not be copied. */
static enum rc is_named(struct tx *tx, const struct rewriting *w, const struct named *n, bool *out,
			struct err *err)
{
	struct sql *q = w->which == SEGMENT_RAW
				? n->report
					  ? sql(tx->c, "SELECT 1 FROM raw WHERE part = ?1 AND number ="
						       " ?2 AND offset = ?3 AND report = ?4")
					  : sql(tx->c, "SELECT 1 FROM raw_frame WHERE first = ?1 AND"
						       " number = ?2 AND offset = ?3 AND ?4 = 0")
				: sql(tx->c, "SELECT 1 FROM chunk WHERE first_seq = ? AND number = ?"
					     " AND offset = ?");
	sql_int(q, 1, n->part);
	sql_int(q, 2, n->at.number);
	sql_int(q, 3, (int64_t)n->at.offset);
	if (w->which == SEGMENT_RAW)
		sql_int(q, 4, n->report);
	*out = sql_row(q);
	return sql_end(q, err);
}

static enum rc name_anew(struct tx *tx, const struct rewriting *w, const struct named *n,
			 const struct place *at, struct err *err)
{
	struct sql *q = w->which == SEGMENT_RAW
				? n->report
					  ? sql(tx->c, "UPDATE raw SET number = ?1, offset = ?2, bytes ="
						       " ?3 WHERE part = ?4 AND report = ?5")
					  : sql(tx->c, "UPDATE raw_frame SET number = ?1, offset = ?2,"
						       " bytes = ?3 WHERE first = ?4 AND ?5 = 0")
				: sql(tx->c, "UPDATE chunk SET number = ?, offset = ?, bytes = ?"
					     " WHERE first_seq = ?");
	sql_int(q, 1, at->number);
	sql_int(q, 2, (int64_t)at->offset);
	sql_int(q, 3, at->bytes);
	sql_int(q, 4, n->part);
	if (w->which == SEGMENT_RAW)
		sql_int(q, 5, n->report);
	return sql_run(q, err);
}

static enum rc copy_slice(struct tx *tx, void *ctx, struct err *err)
{
	struct rewriting *w = ctx;
	struct io_file *file = NULL;
	char name[SEGMENT_NAME];
	enum rc rc = io_open(segment_dir(tx->s, w->which),
			     segment_file_name(w->day, w->number, name), IO_READ, &file, err);
	for (size_t i = w->from; i < w->until && rc == RC_OK; i++) {
		struct place at;
		bool named = false;
		rc = is_named(tx, w, &w->row[i], &named, err);
		if (rc != RC_OK || !named)
			continue;
		buf_reset(&w->frame);
		rc = frame_read(file, w->which, &w->row[i].at, &w->frame, err);
		if (rc == RC_OK)
			rc = tx_append(tx, w->which, w->day, buf_str(&w->frame), &at, err);
		if (rc == RC_OK)
			rc = name_anew(tx, w, &w->row[i], &at, err);
	}
	io_close(file);
	return rc;
}

/* Marks the file as gone, when no row names it and nothing is being added. */
static enum rc retire(struct tx *tx, void *ctx, struct err *err)
{
	struct rewriting *w = ctx;
	struct sql *q = w->which == SEGMENT_RAW
				? sql(tx->c, "SELECT 1 FROM raw WHERE day = ?1 AND number = ?2 UNION"
					     " ALL SELECT 1 FROM raw_frame WHERE day = ?1 AND"
					     " number = ?2 LIMIT 1")
				: sql(tx->c, "SELECT 1 FROM chunk WHERE day = ? AND number = ? LIMIT 1");
	sql_int(q, 1, w->day);
	sql_int(q, 2, w->number);
	bool named = sql_row(q);
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || named)
		return rc;
	w->busy = !segments_close(tx->segments, w->which, w->day, w->number);
	if (w->busy)
		return RC_OK;
	q = sql(tx->c, "UPDATE segment SET bytes = -1 WHERE kind = ? AND day = ? AND number = ?");
	sql_int(q, 1, w->which);
	sql_int(q, 2, w->day);
	sql_int(q, 3, w->number);
	w->gone = true;
	return sql_run(q, err);
}

static enum rc nothing(struct tx *tx, void *ctx, struct err *err)
{
	(void)tx;
	(void)ctx;
	(void)err;
	return RC_OK;
}

/* --- deliveries under way: they have parts in the file that no row names yet --- */

/* Those that began since the file was left are counted elsewhere: wait for the others. */
static bool deliveries_are_over(struct rewriting *w)
{
	struct store *s = w->s;
	const struct place *p = &s->rewriting;
	if (w->which != SEGMENT_RAW)
		return true;
	if (p->day != w->day || p->number != w->number || !p->bytes) {
		unsigned old = atomic_load(&s->raw_turn) & 1;
		if (atomic_load(&s->raw_under_way[!old]))
			return false; /* of the turn before last: the counter is not free yet */
		s->rewriting = (struct place){ .day = w->day, .number = w->number, .bytes = 1 };
		atomic_fetch_add(&s->raw_turn, 1);
	}
	return atomic_load(&s->raw_under_way[!(atomic_load(&s->raw_turn) & 1)]) == 0;
}

/* --- all of it --- */

static enum rc is_gone(struct rewriting *w, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(w->s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT 1 FROM segment WHERE kind = ? AND day = ?"
					    " AND number = ? AND bytes >= 0");
	sql_int(q, 1, w->which);
	sql_int(q, 2, w->day);
	sql_int(q, 3, w->number);
	w->gone = !sql_row(q);
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

static enum rc copy_rows(struct rewriting *w, struct err *err)
{
	enum rc rc = RC_OK;
	for (w->until = 0; w->until < w->n && rc == RC_OK;) {
		size_t bytes = 0;
		w->from = w->until;
		while (w->until < w->n && w->until - w->from < SLICE_ROWS &&
		       (bytes < SLICE_BYTES || w->until == w->from))
			bytes += w->row[w->until++].at.bytes;
		rc = run_job(w, copy_slice, bytes, err);
	}
	return rc;
}

enum rc store_rewrite_segment(struct store *s, enum segment which, int32_t day, uint32_t number,
			      struct err *err)
{
	struct rewriting w = { .s = s,
			       .which = which,
			       .day = day,
			       .number = number,
			       .frame = BUF_INIT(FRAME_MAX + FRAME_HEAD + 1) };
	enum rc rc = is_gone(&w, err);
	if (rc == RC_OK && !w.gone)
		rc = run_job(&w, leave_file, 0, err);
	/* a delivery that ended while we copied has named more in it: once again */
	for (int round = 0; rc == RC_OK && !w.gone && round < ROUNDS; round++) {
		rc = list_rows(&w, err);
		if (rc == RC_OK)
			rc = copy_rows(&w, err);
		if (rc == RC_OK && !w.n && !deliveries_are_over(&w))
			break;
		if (rc == RC_OK && !w.n)
			rc = run_job(&w, retire, 0, err);
	}
	if (rc == RC_OK && !w.gone)
		rc = fail(err, RC_BUSY, "a report of that day is coming in");
	if (w.gone)
		s->rewriting = (struct place){ 0 };
	free(w.row);
	buf_free(&w.frame);
	return rc;
}

enum rc store_fold(struct store *s, bool *done_out, struct err *err)
{
	unsigned before = atomic_load(&s->folds);
	struct rewriting w = { .s = s };
	atomic_store(&s->fold_wanted, true);
	/* the writer folds after a job: when the second one ends, it has tried */
	enum rc rc = run_job(&w, nothing, 0, err);
	if (rc == RC_OK)
		rc = run_job(&w, nothing, 0, err);
	*done_out = rc == RC_OK && atomic_load(&s->folds) != before;
	return rc;
}

enum rc store_remove_segment(struct store *s, enum segment which, int32_t day, uint32_t number,
			     struct err *err)
{
	char name[SEGMENT_NAME];
	store_drop_handles(s);
	enum rc rc = io_unlink(segment_dir(s, which), segment_file_name(day, number, name), err);
	if (rc == RC_ABSENT)
		rc = RC_OK;
	return rc == RC_OK ? io_dir_sync(segment_dir(s, which), err) : rc;
}
