/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pack_private.h"

#include <stdlib.h>

enum { STRAGGLERS = 100 };
#define PACK_BYTES MIB(4) /* of raw bytes, unpacked: what one transaction takes */

struct shared_frame {
	int64_t first, last;
	struct buf payload;
};

struct packing {
	struct store *s;
	int64_t first, last; /* reports whose bytes are taken, of one day */
	int32_t day;
	uint64_t taken;   /* as many */
	bool full, ended; /* no more fit; no more of that day will come */
	struct shared_frame *frame;
	size_t frames, room;
	struct report *report; /* those whose rows go into the block */
	size_t reports;
	struct report_mark *mark;
	size_t marks;
	struct buf body;
};

/* --- the bytes --- */

static void end_frame(struct packing *p, struct raw_shared *f)
{
	if (f->count) {
		if (p->frames == p->room) {
			p->room = p->room ? 2 * p->room : 16;
			p->frame = x_grow(p->frame, p->room, sizeof(*p->frame));
		}
		struct shared_frame *to = &p->frame[p->frames++];
		*to = (struct shared_frame){
			.first = f->first, .last = f->last, .payload = BUF_INIT(RAW_PAYLOAD_MOST)};
		raw_shared_pack(f, &to->payload);
	}
	raw_shared_free(f);
	raw_shared_begin(f);
}

/* What packed reports end with: those behind it come next. */
static enum rc packed_until(struct conn *c, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT max(coalesce((SELECT last FROM report_block ORDER BY first"
			       " DESC LIMIT 1), 0), coalesce((SELECT last FROM raw_frame ORDER BY"
			       " first DESC LIMIT 1), 0))");
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

/* The next PACK_REPORTS that are in the journal and not being read any more. */
static enum rc is_due(struct conn *c, int64_t from, int64_t told, struct packing *p, bool *due_out,
		      struct err *err)
{
	int32_t day = 0;
	struct sql *q = sql(c, "SELECT report, day FROM raw_tail WHERE report > ? AND report <= ?"
			       " AND report NOT IN (SELECT id FROM report WHERE state = 1)"
			       " ORDER BY report LIMIT ?");
	sql_int(q, 1, from);
	sql_int(q, 2, told);
	sql_int(q, 3, PACK_REPORTS + 1);
	while (!p->full && !p->ended && sql_row(q)) {
		day = (int32_t)sql_col_int(q, 1);
		p->ended = p->taken && day != p->day;
		if (p->ended)
			break;
		p->day = day;
		p->last = sql_col_int(q, 0);
		p->first = p->taken++ ? p->first : p->last;
		p->full = p->taken == PACK_REPORTS;
	}
	*due_out = p->taken && (p->full || p->ended || p->day < time_day(clock_now_us()));
	return sql_end(q, err);
}

static enum rc take_bytes(struct conn *c, struct packing *p, struct err *err)
{
	struct raw_shared f;
	struct buf one = BUF_INIT(RAW_PART);
	enum rc rc = RC_OK;
	int64_t last = p->first;
	size_t bytes = 0;
	raw_shared_begin(&f);
	p->taken = 0;
	struct sql *q = sql(c, "SELECT report, body FROM raw_tail WHERE report >= ? AND report <= ?"
			       " AND report NOT IN (SELECT id FROM report WHERE state = 1)"
			       " ORDER BY report");
	sql_int(q, 1, p->first);
	sql_int(q, 2, p->last);
	while (rc == RC_OK && sql_row(q) && (!bytes || bytes < PACK_BYTES)) {
		last = sql_col_int(q, 0);
		buf_reset(&one);
		rc = raw_unpack(sql_col_blob(q, 1), &one, err);
		if (rc == RC_OK && !raw_shared_add(&f, last, buf_str(&one))) {
			end_frame(p, &f);
			(void)raw_shared_add(&f, last, buf_str(&one)); /* alone it fits */
		}
		bytes += one.n;
		p->taken++;
	}
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	p->last = last;
	end_frame(p, &f);
	raw_shared_free(&f);
	buf_free(&one);
	return rc == RC_OK ? end : rc;
}

/* --- the rows --- */

static bool take_report(void *ctx, const struct report *r)
{
	struct packing *p = ctx;
	if (p->reports == PACK_REPORTS)
		return false;
	p->report[p->reports++] = *r;
	if (r->state == REPORT_DONE)
		p->mark[p->marks++] = report_mark_of(store_secret(p->s), r);
	return true;
}

static enum rc prepare(struct reader *r, struct packing *p, struct err *err)
{
	enum rc rc = take_bytes(reader_conn(r), p, err);
	p->report = x_array(PACK_REPORTS, sizeof(*p->report));
	p->mark = x_array(PACK_REPORTS, sizeof(*p->mark));
	if (rc == RC_OK)
		rc = report_each_to_pack(reader_conn(r), p->first, p->last, take_report, p, err);
	if (rc == RC_OK && p->reports)
		block_pack(p->report, p->reports, &p->body);
	return rc;
}

/* --- the job --- */

static enum rc name_frames(struct tx *tx, const struct packing *p, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < p->frames && rc == RC_OK; i++) {
		const struct shared_frame *f = &p->frame[i];
		struct place at;
		rc = tx_append(tx, SEGMENT_RAW, p->day, buf_str(&f->payload), &at, err);
		if (rc == RC_OK)
			rc = raw_name_frame(tx, f->first, f->last, &at, err);
	}
	return rc;
}

static enum rc name_block(struct tx *tx, struct packing *p, struct err *err)
{
	struct sql *q =
		sql(tx_conn(tx), "INSERT INTO report_block (first, last, reports, stamp, body)"
				 " VALUES (?, ?, ?, ?, ?)");
	sql_int(q, 1, p->report[0].id);
	sql_int(q, 2, p->report[p->reports - 1].id);
	sql_int(q, 3, (int64_t)p->reports);
	sql_int(q, 4, (int64_t)(random_u64() >> 1));
	sql_blob(q, 5, buf_str(&p->body));
	enum rc rc = sql_run(q, err);
	return rc == RC_OK ? index_add(tx, p->mark, p->marks, err) : rc;
}

struct compare {
	const struct packing *p;
	size_t at;
};

static bool is_next(void *ctx, const struct report *r)
{
	struct compare *k = ctx;
	bool same = k->at < k->p->reports && k->p->report[k->at].id == r->id &&
		    k->p->report[k->at].state == r->state;
	k->at = same ? k->at + 1 : SIZE_MAX;
	return same;
}

static enum rc changed(struct err *err)
{
	return fail(err, RC_CONFLICT, "a report changed while it was packed");
}

/* What was read may have changed: undone, forgotten, or read to its end. */
static enum rc swap(struct tx *tx, void *ctx, struct err *err)
{
	struct packing *p = ctx;
	struct compare k = { .p = p };
	struct conn *c = tx_conn(tx);
	enum rc rc = report_each_to_pack(c, p->first, p->last, is_next, &k, err);
	if (rc == RC_OK && k.at != p->reports)
		return changed(err);
	if (rc == RC_OK)
		rc = report_drop_packed(tx, p->first, p->last, err);
	if (rc == RC_OK && (size_t)sql_changes(c) != p->reports)
		return changed(err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(c, "DELETE FROM raw_tail WHERE report >= ? AND report <= ?"
			       " AND report NOT IN (SELECT id FROM report WHERE state = 1)");
	sql_int(q, 1, p->first);
	sql_int(q, 2, p->last);
	rc = sql_run(q, err);
	if (rc == RC_OK && (uint64_t)sql_changes(c) != p->taken)
		return changed(err);
	if (rc == RC_OK)
		rc = name_frames(tx, p, err);
	return rc == RC_OK && p->reports ? name_block(tx, p, err) : rc;
}

/* --- those that came to their end after others around them were packed --- */

struct straggler {
	int64_t report;
	int32_t day;
	struct buf body;
};

static enum rc move_alone(struct tx *tx, void *ctx, struct err *err)
{
	const struct straggler *one = ctx;
	struct place at;
	struct sql *q = sql(tx_conn(tx), "DELETE FROM raw_tail WHERE report = ?");
	sql_int(q, 1, one->report);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && sql_changes(tx_conn(tx)) != 1)
		return changed(err);
	if (rc == RC_OK)
		rc = tx_append(tx, SEGMENT_RAW, one->day, buf_str(&one->body), &at, err);
	return rc == RC_OK ? raw_name_part(tx, one->report, 0, &at, err) : rc;
}

/* Their bytes get a frame of their own and their row stays plain. */
static enum rc move_stragglers(struct store *s, struct reader *r, int64_t until, bool *did_out,
			       struct err *err)
{
	struct straggler *list = x_array(STRAGGLERS, sizeof(*list));
	size_t n = 0;
	struct sql *q = sql(reader_conn(r), "SELECT report, day, body FROM raw_tail"
					    " WHERE report <= ? AND report NOT IN"
					    " (SELECT id FROM report WHERE state = 1) LIMIT ?");
	sql_int(q, 1, until);
	sql_int(q, 2, STRAGGLERS);
	while (n < STRAGGLERS && sql_row(q)) {
		list[n] = (struct straggler){ .report = sql_col_int(q, 0),
					     .day = (int32_t)sql_col_int(q, 1),
					     .body = BUF_INIT(RAW_SMALL + 64) };
		buf_add(&list[n++].body, sql_col_blob(q, 2));
	}
	enum rc rc = sql_end(q, err);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		rc = store_write(s, move_alone, &list[i], err);
		*did_out |= rc == RC_OK;
		if (rc == RC_CONFLICT) /* forgotten meanwhile */
			rc = RC_OK;
	}
	for (size_t i = 0; i < n; i++)
		buf_free(&list[i].body);
	free(list);
	return rc;
}

/* --- one piece of work --- */

static void packing_free(struct packing *p)
{
	for (size_t i = 0; i < p->frames; i++)
		buf_free(&p->frame[i].payload);
	free(p->frame);
	free(p->report);
	free(p->mark);
	buf_free(&p->body);
}

static enum rc pack_next(struct store *s, struct reader *r, bool *did_out, struct err *err)
{
	struct packing p = { .s = s, .body = BUF_INIT(MIB(16)) };
	struct conn *c = reader_conn(r);
	int64_t from = 0, told = 0;
	bool due = false;
	enum rc rc = packed_until(c, &from, err);
	if (rc == RC_OK)
		rc = reports_told(c, &told, err);
	if (rc == RC_OK && from)
		rc = move_stragglers(s, r, from, did_out, err);
	if (rc == RC_OK && told > from)
		rc = is_due(c, from, told, &p, &due, err);
	if (rc == RC_OK && due)
		rc = prepare(r, &p, err);
	if (rc == RC_OK && due) {
		rc = store_write(s, swap, &p, err);
		*did_out |= rc == RC_OK;
		if (rc == RC_CONFLICT) /* the next call sees what it is now */
			rc = RC_OK;
	}
	packing_free(&p);
	return rc;
}

enum rc reports_pack(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct reader *r;
	(void)ctx;
	/* one run after the other: pages that are appended leave no gaps */
	enum rc rc = index_tend(s, did_out, err);
	if (rc != RC_OK || *did_out)
		return rc;
	rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = pack_next(s, r, did_out, err);
	store_read_end(r);
	return rc;
}
