/* SPDX-License-Identifier: Apache-2.0 */
/* The events of one report, or single ones, leave chunks and tail, for good. */
#include "base/arena.h"
#include "store/events_private.h"
#include "store/store_private.h"

/* One call does at most this much: it runs in the writer's thread. */
enum { ROWS_MOST = 200, CHUNKS_MOST = 32 };

struct dropping {
	struct tx *tx;
	int64_t report;
	events_left left;
	void *ctx;
	struct arena *a;
	struct buf frame;
};

/* A chunk of several reports. */
struct mixed {
	uint64_t first;
	struct place at;
	struct chunk chunk;
	const int64_t *report, *received, *print; /* one a row */
	bool has_prints;
};

static enum rc drop_tail(struct dropping *d, bool *more, struct err *err)
{
	struct sql *q = sql(d->tx->c, "DELETE FROM tail WHERE first_seq IN"
				      " (SELECT first_seq FROM tail WHERE report = ? LIMIT ?)");
	sql_int(q, 1, d->report);
	sql_int(q, 2, ROWS_MOST);
	enum rc rc = sql_run(q, err);
	*more |= rc == RC_OK && sql_changes(d->tx->c) == ROWS_MOST;
	return rc;
}

static enum rc delete_chunk(struct dropping *d, uint64_t first, const struct place *at,
			    struct err *err)
{
	struct sql *q = sql(d->tx->c, "DELETE FROM chunk WHERE first_seq = ?");
	sql_int(q, 1, (int64_t)first);
	enum rc rc = sql_run(q, err);
	return rc == RC_OK ? d->left(d->ctx, d->tx, at, err) : rc;
}

/* Chunks of this report alone. */
static enum rc drop_chunks(struct dropping *d, bool *more, struct err *err)
{
	enum rc rc = RC_OK;
	int n = 0;
	struct sql *q = sql(d->tx->c, "SELECT first_seq, day, number FROM chunk WHERE report = ?"
				      " LIMIT ?");
	sql_int(q, 1, d->report);
	sql_int(q, 2, ROWS_MOST);
	uint64_t first[ROWS_MOST];
	struct place at[ROWS_MOST];
	for (; n < ROWS_MOST && sql_row(q); n++) {
		first[n] = (uint64_t)sql_col_int(q, 0);
		at[n] = (struct place){ .day = (int32_t)sql_col_int(q, 1),
					.number = (uint32_t)sql_col_int(q, 2) };
	}
	rc = sql_end(q, err);
	for (int i = 0; i < n && rc == RC_OK; i++)
		rc = delete_chunk(d, first[i], &at[i], err);
	*more |= n == ROWS_MOST;
	return rc;
}

/* --- chunks of several reports: what is of others is written anew --- */

/* Of the bytes in d->frame. */
static enum rc read_mixed(struct dropping *d, struct mixed *m, struct err *err)
{
	uint32_t prints = 0;
	arena_reset(d->a);
	enum rc rc = chunk_open(&m->chunk, buf_str(&d->frame), d->a, NULL, err);
	if (rc == RC_OK)
		rc = chunk_numbers(&m->chunk, COLUMN_REPORT, 0, &m->report, err);
	if (rc == RC_OK)
		rc = chunk_numbers(&m->chunk, COLUMN_RECEIVED, 0, &m->received, err);
	if (rc == RC_OK)
		rc = chunk_numbers(&m->chunk, COLUMN_FINGERPRINT, 0, &m->print, err);
	if (rc == RC_OK)
		chunk_find(&m->chunk, COLUMN_FINGERPRINT, STR_NONE, &prints);
	m->has_prints = prints > 0;
	return rc;
}

static enum rc open_mixed(struct dropping *d, struct mixed *m, struct err *err)
{
	char name[SEGMENT_NAME];
	struct io_file *f;
	buf_reset(&d->frame);
	enum rc rc = io_open(segment_dir(d->tx->s, SEGMENT_EVENTS),
			     segment_file_name(m->at.day, m->at.number, name), IO_READ, &f, err);
	if (rc != RC_OK)
		return rc;
	rc = frame_read(f, SEGMENT_EVENTS, &m->at, &d->frame, err);
	io_close(f);
	return rc == RC_OK ? read_mixed(d, m, err) : rc;
}

/* Rows from..until of the chunk as one of their own, with their numbers. */
static enum rc write_run(struct dropping *d, struct mixed *m, uint32_t from, uint32_t until,
			 struct err *err)
{
	uint16_t pick[BATCH_ROWS];
	struct batch b;
	struct zone zone;
	struct buf bytes = BUF_INIT(MIB(60));
	int64_t report = m->report[from];
	for (uint32_t i = from; i < until; i++) {
		pick[i - from] = (uint16_t)i;
		report = m->report[i] == report ? report : 0;
	}
	enum rc rc = chunk_batch(&m->chunk, pick, until - from, &b, err);
	if (rc != RC_OK)
		return rc;
	struct chunk_part part = { .b = &b,
				   .row = b.row,
				   .rows = until - from,
				   .reports = m->report + from,
				   .received = m->received + from,
				   .fingerprint = m->has_prints ? (const uint64_t *)m->print + from
								: NULL };
	rc = chunk_write(&part, 1, CHUNK_SMALL, &bytes, err);
	if (rc == RC_OK) {
		zone_make(&part, 1, &zone);
		rc = manifest_add(d->tx, buf_str(&bytes), &zone, report, m->at.day, m->first + from,
				  err);
		zone_free(&zone);
	}
	buf_free(&bytes);
	return rc;
}

static enum rc part_chunk(struct dropping *d, struct mixed *m, bool *found, struct err *err)
{
	uint32_t n = m->chunk.rows, from = 0;
	*found = false;
	for (uint32_t i = 0; i < n; i++)
		*found |= m->report[i] == d->report;
	if (!*found)
		return RC_OK;
	enum rc rc = delete_chunk(d, m->first, &m->at, err);
	for (uint32_t i = 0; i <= n && rc == RC_OK; i++) {
		if (i < n && m->report[i] != d->report)
			continue;
		if (i > from)
			rc = write_run(d, m, from, i, err);
		from = i + 1;
	}
	return rc;
}

/* Until one was parted: then the others wait for the next call. */
static enum rc part_chunks(struct dropping *d, int32_t day, uint64_t *at, bool *more,
			   struct err *err)
{
	struct mixed m[CHUNKS_MOST];
	int n = 0;
	struct sql *q = sql(d->tx->c, "SELECT first_seq, number, offset, bytes FROM chunk WHERE"
				      " first_seq > ? AND day = ? AND report = 0"
				      " ORDER BY first_seq LIMIT ?");
	sql_int(q, 1, (int64_t)*at);
	sql_int(q, 2, day);
	sql_int(q, 3, CHUNKS_MOST);
	for (; n < CHUNKS_MOST && sql_row(q); n++)
		m[n] = (struct mixed){ .first = (uint64_t)sql_col_int(q, 0),
				       .at = { .day = day,
					       .number = (uint32_t)sql_col_int(q, 1),
					       .offset = (uint64_t)sql_col_int(q, 2),
					       .bytes = (uint32_t)sql_col_int(q, 3) } };
	enum rc rc = sql_end(q, err);
	bool found = false;
	for (int i = 0; i < n && rc == RC_OK && !found; i++) {
		rc = open_mixed(d, &m[i], err);
		if (rc == RC_OK)
			rc = part_chunk(d, &m[i], &found, err);
		*at = m[i].first;
	}
	*more |= found || n == CHUNKS_MOST;
	return rc;
}

enum rc events_drop(struct tx *tx, int64_t report, int32_t day, uint64_t *at, events_left left,
		    void *ctx, bool *more_out, struct err *err)
{
	struct dropping d = { .tx = tx,
			      .report = report,
			      .left = left,
			      .ctx = ctx,
			      .a = arena_new(KIB(256)),
			      .frame = BUF_INIT(FRAME_MAX + FRAME_HEAD + 1) };
	*more_out = false;
	enum rc rc = drop_tail(&d, more_out, err);
	/* what is left of it could become part of a chunk that was looked at already */
	if (rc == RC_OK && !*more_out)
		rc = drop_chunks(&d, more_out, err);
	if (rc == RC_OK && !*more_out)
		rc = part_chunks(&d, day, at, more_out, err);
	arena_free(d.a);
	buf_free(&d.frame);
	return rc;
}

/* --- single events --- */

enum rc events_list_new(struct conn *c, int64_t *list_out, struct err *err)
{
	/* a number is not used again while an erasure of that name is listed */
	struct sql *q = sql(c, "SELECT 1 + max(coalesce((SELECT max(list) FROM erasing_event), 0),"
			       " coalesce((SELECT max(CAST(substr(object, 8) AS INTEGER)) FROM erasing"
			       " WHERE object >= 'events:' AND object < 'events;'), 0))");
	*list_out = sql_row(q) ? sql_col_int(q, 0) : 1;
	return sql_end(q, err);
}

enum rc events_list_add(struct tx *tx, int64_t list, uint64_t seq, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO erasing_event (list, seq) VALUES (?, ?)"
					 " ON CONFLICT DO NOTHING");
	sql_int(q, 1, list);
	sql_int(q, 2, (int64_t)seq);
	return sql_run(q, err);
}

static enum rc first_listed(struct conn *c, int64_t list, uint64_t *seq_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT seq FROM erasing_event WHERE list = ? ORDER BY seq LIMIT 1");
	sql_int(q, 1, list);
	*seq_out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

/* Where the event stands: rows 0: nowhere any more. A piece of the tail is in d->frame. */
static enum rc find_piece(struct dropping *d, uint64_t seq, struct mixed *m, uint32_t *rows_out,
			  bool *tail_out, struct err *err)
{
	struct sql *q = sql(d->tx->c, "SELECT first_seq, rows, day, number, offset, bytes FROM chunk"
				      " WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1");
	sql_int(q, 1, (int64_t)seq);
	*rows_out = 0;
	*tail_out = false;
	if (sql_row(q) && (uint64_t)(sql_col_int(q, 0) + sql_col_int(q, 1)) > seq) {
		*rows_out = (uint32_t)sql_col_int(q, 1);
		*m = (struct mixed){ .first = (uint64_t)sql_col_int(q, 0),
				     .at = { .day = (int32_t)sql_col_int(q, 2),
					     .number = (uint32_t)sql_col_int(q, 3),
					     .offset = (uint64_t)sql_col_int(q, 4),
					     .bytes = (uint32_t)sql_col_int(q, 5) } };
	}
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || *rows_out)
		return rc;
	q = sql(d->tx->c, "SELECT first_seq, rows, day, body FROM tail WHERE first_seq <= ?"
			  " ORDER BY first_seq DESC LIMIT 1");
	sql_int(q, 1, (int64_t)seq);
	if (sql_row(q) && (uint64_t)(sql_col_int(q, 0) + sql_col_int(q, 1)) > seq) {
		*tail_out = true;
		*rows_out = (uint32_t)sql_col_int(q, 1);
		*m = (struct mixed){ .first = (uint64_t)sql_col_int(q, 0),
				     .at = { .day = (int32_t)sql_col_int(q, 2) } };
		buf_reset(&d->frame);
		buf_add(&d->frame, sql_col_blob(q, 3));
	}
	return sql_end(q, err);
}

static enum rc delete_tail(struct dropping *d, uint64_t first, struct err *err)
{
	struct sql *q = sql(d->tx->c, "DELETE FROM tail WHERE first_seq = ?");
	sql_int(q, 1, (int64_t)first);
	return sql_run(q, err);
}

static enum rc load_listed(struct dropping *d, int64_t list, const struct mixed *m, bool *goes,
			   struct err *err)
{
	struct sql *q = sql(d->tx->c, "SELECT seq FROM erasing_event WHERE list = ? AND seq >= ?"
				      " AND seq < ?");
	sql_int(q, 1, list);
	sql_int(q, 2, (int64_t)m->first);
	sql_int(q, 3, (int64_t)(m->first + m->chunk.rows));
	while (sql_row(q))
		goes[(uint64_t)sql_col_int(q, 0) - m->first] = true;
	return sql_end(q, err);
}

static enum rc part_piece(struct dropping *d, int64_t list, struct mixed *m, bool tail,
			  struct err *err)
{
	bool goes[BATCH_ROWS] = { false };
	uint32_t n = m->chunk.rows, from = 0;
	if (n > BATCH_ROWS)
		return fail(err, RC_INPUT, "a chunk of %u events is damaged", (unsigned)n);
	enum rc rc = load_listed(d, list, m, goes, err);
	if (rc == RC_OK)
		rc = tail ? delete_tail(d, m->first, err) : delete_chunk(d, m->first, &m->at, err);
	for (uint32_t i = 0; i <= n && rc == RC_OK; i++) {
		if (i < n && !goes[i])
			continue;
		if (i > from)
			rc = write_run(d, m, from, i, err);
		from = i + 1;
	}
	return rc;
}

static enum rc drop_piece(struct dropping *d, int64_t list, uint64_t seq, struct err *err)
{
	struct mixed m = { .first = seq };
	uint32_t rows = 0;
	bool tail = false;
	enum rc rc = find_piece(d, seq, &m, &rows, &tail, err);
	if (rc == RC_OK && rows) {
		rc = tail ? read_mixed(d, &m, err) : open_mixed(d, &m, err);
		if (rc == RC_OK)
			rc = part_piece(d, list, &m, tail, err);
	}
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(d->tx->c, "DELETE FROM erasing_event WHERE list = ? AND seq >= ? AND seq < ?");
	sql_int(q, 1, list);
	sql_int(q, 2, (int64_t)m.first);
	sql_int(q, 3, (int64_t)(m.first + (rows ? rows : 1)));
	return sql_run(q, err);
}

enum rc events_drop_listed(struct tx *tx, int64_t list, events_left left, void *ctx,
			   bool *more_out, struct err *err)
{
	struct dropping d = { .tx = tx,
			      .left = left,
			      .ctx = ctx,
			      .a = arena_new(KIB(256)),
			      .frame = BUF_INIT(FRAME_MAX + FRAME_HEAD + 1) };
	uint64_t seq = 0;
	enum rc rc = first_listed(tx->c, list, &seq, err);
	if (rc == RC_OK && seq)
		rc = drop_piece(&d, list, seq, err);
	*more_out = rc == RC_OK && seq != 0;
	arena_free(d.a);
	buf_free(&d.frame);
	return rc;
}
