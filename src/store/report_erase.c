/* SPDX-License-Identifier: Apache-2.0 */
/* What a sender delivered and wrote leaves the rows; record/erase.c sees to it that
 * it also leaves the files and the log. */
#include "store/pack_private.h"

struct files {
	enum rc (*file)(void *ctx, int32_t day, uint32_t number, struct err *err);
	void *ctx;
};

static enum rc drop_own_frames(struct tx *tx, int64_t id, const struct files *f, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT DISTINCT day, number FROM raw WHERE report = ?");
	enum rc rc = RC_OK;
	sql_int(q, 1, id);
	while (rc == RC_OK && sql_row(q))
		rc = f->file(f->ctx, (int32_t)sql_col_int(q, 0), (uint32_t)sql_col_int(q, 1), err);
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	if (rc != RC_OK || end != RC_OK)
		return rc != RC_OK ? rc : end;
	q = sql(tx_conn(tx), "DELETE FROM raw WHERE report = ?");
	sql_int(q, 1, id);
	return sql_run(q, err);
}

/* The frame once more without the report; false in *in_it_out: it was not in it. */
static enum rc without(struct tx *tx, const struct place *at, int64_t id, struct raw_shared *out,
		       bool *in_it_out, struct err *err)
{
	struct buf frame = BUF_INIT(RAW_PAYLOAD_MOST);
	struct raw_walk w = { 0 };
	struct io_file *file;
	char name[SEGMENT_NAME];
	int64_t report;
	str bytes;
	enum rc rc = io_open(segment_dir(tx->s, SEGMENT_RAW),
			     segment_file_name(at->day, at->number, name), IO_READ, &file, err);
	if (rc == RC_OK) {
		rc = frame_read(file, SEGMENT_RAW, at, &frame, err);
		io_close(file);
	}
	if (rc == RC_OK)
		rc = raw_walk_begin(&w, buf_str(&frame), err);
	while (rc == RC_OK && raw_walk_next(&w, &report, &bytes)) {
		*in_it_out |= report == id;
		if (report != id)
			(void)raw_shared_add(out, report, bytes); /* they fitted with it too */
	}
	if (rc == RC_OK && w.head.bad)
		rc = fail(err, RC_INPUT, "the list of reports in the frame is damaged");
	raw_walk_end(&w);
	buf_free(&frame);
	return rc;
}

static enum rc name_frame(struct tx *tx, int64_t id, const struct raw_shared *f, int32_t day,
			  struct err *err)
{
	struct buf payload = BUF_INIT(RAW_PAYLOAD_MOST);
	struct place at = { 0 };
	enum rc rc = RC_OK;
	struct sql *q = sql(tx_conn(tx), "DELETE FROM raw_frame WHERE first = (SELECT first FROM"
					 " raw_frame WHERE first <= ? ORDER BY first DESC LIMIT 1)");
	sql_int(q, 1, id);
	rc = sql_run(q, err);
	if (rc != RC_OK || !f->count)
		return rc;
	raw_shared_pack(f, &payload);
	rc = tx_append(tx, SEGMENT_RAW, day, buf_str(&payload), &at, err);
	buf_free(&payload);
	return rc == RC_OK ? raw_name_frame(tx, f->first, f->last, &at, err) : rc;
}

static enum rc drop_from_shared(struct tx *tx, int64_t id, const struct files *f, struct err *err)
{
	struct place at;
	struct raw_shared rest;
	bool found, in_it = false;
	enum rc rc = raw_frame_of(tx_conn(tx), id, &at, &found, err);
	if (rc != RC_OK || !found)
		return rc;
	raw_shared_begin(&rest);
	rc = without(tx, &at, id, &rest, &in_it, err);
	if (rc == RC_OK && in_it)
		rc = name_frame(tx, id, &rest, at.day, err);
	if (rc == RC_OK && in_it)
		rc = f->file(f->ctx, at.day, at.number, err);
	raw_shared_free(&rest);
	return rc;
}

enum rc report_erase(struct tx *tx, int64_t id,
		     enum rc (*file)(void *ctx, int32_t day, uint32_t number, struct err *err),
		     void *ctx, struct err *err)
{
	struct files f = { .file = file, .ctx = ctx };
	enum rc rc = drop_own_frames(tx, id, &f, err);
	if (rc == RC_OK)
		rc = drop_from_shared(tx, id, &f, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "DELETE FROM raw_tail WHERE report = ?");
	sql_int(q, 1, id);
	rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "UPDATE report SET file_name = '', words = '' WHERE id = ?");
	sql_int(q, 1, id);
	rc = sql_run(q, err);
	return rc == RC_OK ? block_erase(tx, id, err) : rc;
}
