/* SPDX-License-Identifier: Apache-2.0 */
/* The tail becomes chunks: events delivered one by one end as dense as those
 * that came in bulk. */
#include <stdlib.h>

#include "base/clock.h"
#include "store/events_private.h"

/* Rows of the tail that follow each other and are of one day. */
struct run {
	uint64_t first;
	uint32_t rows, entries;
	int32_t day;
	bool closed; /* cannot grow any more */
};

static enum rc find_run(struct reader *r, int32_t today, struct run *out, bool *found,
			struct err *err)
{
	uint64_t last;
	enum rc rc = events_last_seq(r, &last, err);
	if (rc)
		return rc;
	struct run run = { 0 };
	struct sql *q = sql(reader_conn(r), "SELECT first_seq, rows, day FROM tail"
					    " ORDER BY first_seq");
	*found = false;
	while (!*found && sql_row(q)) {
		uint64_t first = (uint64_t)sql_col_int(q, 0);
		uint32_t rows = (uint32_t)sql_col_int(q, 1);
		int32_t day = (int32_t)sql_col_int(q, 2);
		bool joins = run.rows && first == run.first + run.rows && day == run.day &&
			     run.rows + rows <= BATCH_ROWS;
		if (run.rows && !joins) {
			*found = true;
			break;
		}
		if (!run.rows)
			run = (struct run){ .first = first, .day = day };
		run.rows += rows;
		run.entries++;
		*found = run.rows == BATCH_ROWS;
	}
	rc = sql_end(q, err);
	if (!*found && run.rows)
		*found = run.day < today || run.first + run.rows <= last;
	*out = run;
	return rc;
}

/* A batch as it is needed until the chunk is written, without what reading it
 * took. */
static struct batch *keep_batch(const struct batch *b, struct arena *a)
{
	struct batch *to = ARENA_NEW(a, struct batch);
	to->c = b->c;
	to->row = ARENA_ARRAY(a, b->c.rows, struct row);
	to->cell = ARENA_ARRAY(a, b->c.cells, struct cell);
	to->key = ARENA_ARRAY(a, b->c.keys, struct key_ref);
	to->text = arena_alloc(a, (size_t)b->c.text);
	memcpy(to->row, b->row, b->c.rows * sizeof(*b->row));
	if (b->c.cells)
		memcpy(to->cell, b->cell, b->c.cells * sizeof(*b->cell));
	if (b->c.keys)
		memcpy(to->key, b->key, b->c.keys * sizeof(*b->key));
	if (b->c.text)
		memcpy(to->text, b->text, (size_t)b->c.text);
	return to;
}

static const int64_t *keep_numbers(const int64_t *v, uint32_t n, struct arena *a)
{
	int64_t *to = ARENA_ARRAY(a, n, int64_t);
	memcpy(to, v, n * sizeof(*v));
	return to;
}

static enum rc open_entry(str body, struct arena *one, struct arena *a, struct chunk_part *out,
			  struct err *err)
{
	struct chunk c;
	struct batch b;
	const int64_t *report, *received, *print;
	uint32_t prints;
	uint16_t all[BATCH_ROWS];
	for (uint32_t i = 0; i < BATCH_ROWS; i++)
		all[i] = (uint16_t)i;
	enum rc rc = chunk_open(&c, body, one, NULL, err);
	rc = rc ? rc : chunk_numbers(&c, COLUMN_REPORT, 0, &report, err);
	rc = rc ? rc : chunk_numbers(&c, COLUMN_RECEIVED, 0, &received, err);
	rc = rc ? rc : chunk_numbers(&c, COLUMN_FINGERPRINT, 0, &print, err);
	rc = rc ? rc : chunk_batch(&c, all, c.rows, &b, err);
	if (rc)
		return rc;
	chunk_find(&c, COLUMN_FINGERPRINT, STR_NONE, &prints);
	*out = (struct chunk_part){ .b = keep_batch(&b, a), .rows = c.rows };
	out->row = out->b->row;
	out->reports = keep_numbers(report, c.rows, a);
	out->received = keep_numbers(received, c.rows, a);
	if (prints)
		out->fingerprint = (const uint64_t *)keep_numbers(print, c.rows, a);
	return RC_OK;
}

struct sealing {
	struct run run;
	struct chunk_part *part;
	size_t parts;
	struct zone zone;
	struct buf bytes;
	int64_t report; /* 0: of several */
};

/* As many entries of the run as fit into one chunk. */
static enum rc read_run(struct reader *r, struct sealing *s, struct arena *a, struct err *err)
{
	struct arena *one = arena_new(KIB(64));
	enum rc rc = RC_OK;
	uint64_t cells = 0, text = 0;
	uint32_t rows = 0;
	s->part = ARENA_ARRAY(a, s->run.entries, struct chunk_part);
	struct sql *q = sql(reader_conn(r), "SELECT report, body FROM tail WHERE first_seq >= ?1"
					    " AND first_seq < ?2 ORDER BY first_seq");
	sql_int(q, 1, (int64_t)s->run.first);
	sql_int(q, 2, (int64_t)(s->run.first + s->run.rows));
	while (!rc && s->parts < s->run.entries && sql_row(q)) {
		struct chunk_part *p = &s->part[s->parts];
		int64_t report = sql_col_int(q, 0);
		arena_reset(one);
		rc = open_entry(sql_col_blob(q, 1), one, a, p, err);
		if (rc)
			break;
		cells += p->b->c.cells;
		text += p->b->c.text;
		if (s->parts && (cells > BATCH_CELLS || text > BATCH_TEXT))
			break;
		s->report = !s->parts || s->report == report ? report : 0;
		rows += p->rows;
		s->parts++;
	}
	enum rc end = sql_end(q, rc ? NULL : err);
	s->run.rows = rows;
	arena_free(one);
	return rc ? rc : end;
}

static enum rc swap(struct tx *tx, void *ctx, struct err *err)
{
	struct sealing *s = ctx;
	struct sql *q = sql(tx_conn(tx), "DELETE FROM tail WHERE first_seq >= ?1"
					 " AND first_seq < ?2");
	sql_int(q, 1, (int64_t)s->run.first);
	sql_int(q, 2, (int64_t)(s->run.first + s->run.rows));
	enum rc rc = sql_run(q, err);
	if (rc)
		return rc;
	if (sql_changes(tx_conn(tx)) != (int64_t)s->parts)
		return fail(err, RC_CONFLICT, "the tail changed while it was sealed");
	return manifest_add(tx, buf_str(&s->bytes), &s->zone, s->report, s->run.day, s->run.first,
			    err);
}

static enum rc make_chunk(struct reader *r, struct sealing *s, struct err *err)
{
	struct arena *a = arena_new(MIB(1));
	enum rc rc = read_run(r, s, a, err);
	if (!rc)
		rc = chunk_write(s->part, s->parts, CHUNK_SMALL, &s->bytes, err);
	/* too many different columns for one chunk: fewer entries have fewer */
	while (rc == RC_LIMIT && s->parts > 1) {
		s->parts /= 2;
		s->run.rows = 0;
		for (size_t i = 0; i < s->parts; i++)
			s->run.rows += s->part[i].rows;
		buf_reset(&s->bytes);
		rc = chunk_write(s->part, s->parts, CHUNK_SMALL, &s->bytes, err);
	}
	if (!rc)
		zone_make(s->part, s->parts, &s->zone);
	arena_free(a);
	return rc;
}

enum rc events_seal(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct sealing one = { .bytes = BUF_INIT(MIB(60)) };
	struct reader *r;
	bool found = false;
	(void)ctx;
	*did_out = false;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc)
		return rc;
	rc = find_run(r, time_day(clock_now_us()), &one.run, &found, err);
	if (!rc && found)
		rc = make_chunk(r, &one, err);
	store_read_end(r);
	if (!rc && found) {
		rc = store_write(s, swap, &one, err);
		*did_out = rc == RC_OK;
		if (rc == RC_CONFLICT) /* forgotten meanwhile: the next call sees what is left */
			rc = RC_OK;
	}
	zone_free(&one.zone);
	buf_free(&one.bytes);
	return rc;
}
