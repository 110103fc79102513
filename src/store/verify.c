/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>

#include "store/chunk.h"
#include "store/repeats_private.h"
#include "store/verify_private.h"

enum { PAGE = 128, SAY_MOST = 1000 };

void verify_damaged(struct verifying *v, const char *fmt, ...)
{
	v->out->damaged++;
	if (!v->say || v->out->damaged > SAY_MOST)
		return;
	struct buf b = BUF_INIT(KIB(4));
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_add(&b, str_of(text));
	if (v->out->damaged == SAY_MOST)
		buf_add(&b, STR(" (there is more; no further damage is listed)"));
	v->say(v->ctx, b.p);
	buf_free(&b);
}

void verify_step(struct verifying *v)
{
	v->done++;
	if (v->progress)
		v->progress(v->ctx, v->done, v->all > v->done ? v->all : v->done);
}

/* --- main.db --- */

static enum rc count_all(struct verifying *v, struct conn *c, struct err *err)
{
	struct sql *q = sql(c, "SELECT (SELECT count(*) FROM raw) + (SELECT count(*) FROM chunk)"
			       " + (SELECT count(*) FROM tail) + (SELECT count(*) FROM"
			       " raw_frame) + (SELECT count(*) FROM report_block)");
	if (sql_row(q))
		v->all = (uint64_t)sql_col_int(q, 0);
	return sql_end(q, err);
}

static void check_database(struct verifying *v, struct conn *c)
{
	struct err err;
	struct sql *q = sql(c, "PRAGMA integrity_check(100)");
	while (sql_row(q)) {
		str words = sql_col_str(q, 0);
		if (!str_eq(words, STR("ok")))
			verify_damaged(v,
				"main.db: " STR_FMT "; restore it from a backup, or copy what is "
				"readable with sqlite3's .recover into a new store",
				STR_ARG(words));
	}
	if (sql_end(q, &err) != RC_OK)
		verify_damaged(v, "main.db cannot be read whole: %s; restore it from a backup", err.text);
	if (count_all(v, c, &err) != RC_OK)
		verify_damaged(v, "%s; restore main.db from a backup", err.text);
}

/* --- files --- */

static const char *kind_name(enum segment which)
{
	return which == SEGMENT_RAW ? "raw" : which == SEGMENT_EVENTS ? "events" : "findings";
}

/* Of files that hold nothing but frames, one behind the other. */
static void check_frames(struct verifying *v, struct io_file *f, const char *name, uint64_t bytes)
{
	struct err err;
	for (uint64_t at = SEGMENT_HEAD; at < bytes;) {
		struct place place = { .offset = at };
		enum rc rc = frame_size(f, at, &place.bytes, &err);
		buf_reset(&v->frame);
		if (rc == RC_OK)
			rc = frame_read(f, SEGMENT_FINDINGS, &place, &v->frame, &err);
		v->out->frames++;
		if (rc != RC_OK)
			verify_damaged(v,
				"findings/%s at byte %llu: %s; put the file back from a backup, or "
				"run ronda rebuild, which makes its findings anew",
				name, (unsigned long long)at, err.text);
		if (place.bytes == 0) /* where the next one begins cannot be known */
			return;
		at += place.bytes;
	}
}

static void check_files(struct verifying *v, struct conn *c)
{
	struct err err;
	struct sql *q = sql(c, "SELECT kind, day, number, bytes FROM segment WHERE bytes >= 0");
	while (sql_row(q)) {
		int64_t kind = sql_col_int(q, 0);
		enum segment which = kind == SEGMENT_RAW    ? SEGMENT_RAW :
				     kind == SEGMENT_EVENTS ? SEGMENT_EVENTS :
							      SEGMENT_FINDINGS;
		char name[SEGMENT_NAME];
		struct io_file *f;
		uint64_t size = 0, want = (uint64_t)sql_col_int(q, 3);
		segment_file_name((int32_t)sql_col_int(q, 1), (uint32_t)sql_col_int(q, 2), name);
		if (io_open(segment_dir(v->s, which), name, IO_READ, &f, &err) != RC_OK) {
			verify_damaged(v, "%s/%s: %s; put the file back from a backup", kind_name(which),
				name, err.text);
			continue;
		}
		if (io_size(f, &size, &err) != RC_OK || size < want)
			verify_damaged(v,
				"%s/%s has %llu bytes, main.db names %llu; put the file back from "
				"a "
				"backup",
				kind_name(which), name, (unsigned long long)size,
				(unsigned long long)want);
		else if (segment_check_head(f, which, (int32_t)sql_col_int(q, 1), &err) != RC_OK)
			verify_damaged(v, "%s/%s: %s; put the file back from a backup", kind_name(which),
				name, err.text);
		else if (which == SEGMENT_FINDINGS)
			check_frames(v, f, name, want);
		io_close(f);
	}
	if (sql_end(q, &err) != RC_OK)
		verify_damaged(v, "the list of segments cannot be read: %s", err.text);
}

/* --- frames --- */

struct item {
	int64_t report, part; /* raw: its key; chunk, tail: part is first_seq */
	uint32_t rows;
	struct place at;
};

void verify_where(enum segment which, const struct place *at, char text[128])
{
	char name[SEGMENT_NAME];
	segment_file_name(at->day, at->number, name);
	snprintf(text, 128, "%s/%s at byte %llu", kind_name(which), name,
		 (unsigned long long)at->offset);
}

/* A day may be forgotten while we read: then its files go, and that is no damage. */
bool verify_is_forgotten(struct verifying *v, enum segment which, const struct place *at)
{
	struct reader *r;
	bool gone = false;
	if (store_read_begin(v->s, &r, NULL) != RC_OK)
		return false;
	struct sql *q = sql(reader_conn(r), "SELECT bytes FROM segment WHERE kind = ? AND day = ?"
					    " AND number = ?");
	sql_int(q, 1, which);
	sql_int(q, 2, at->day);
	sql_int(q, 3, at->number);
	if (sql_row(q))
		gone = sql_col_int(q, 0) < 0;
	enum rc rc = sql_end(q, NULL);
	store_read_end(r);
	return rc == RC_OK && gone;
}

/* The bytes of a report from first to last part, against its digest. */
struct whole {
	int64_t report;
	struct sha256 *sha;
	bool broken;
};

static void end_report(struct verifying *v, struct whole *w)
{
	struct reader *view;
	struct err err;
	if (!w->sha)
		return;
	struct digest d = sha256_end(w->sha);
	w->sha = NULL;
	if (w->broken || store_read_begin(v->s, &view, &err) != RC_OK)
		return;
	verify_digest(v, reader_conn(view), w->report, &d);
	store_read_end(view);
}

static void check_part(struct verifying *v, struct reader *r, struct whole *w,
		       const struct item *item)
{
	struct err err;
	char place[128];
	if (item->report != w->report || !w->sha) {
		end_report(v, w);
		*w = (struct whole){ .report = item->report, .sha = sha256_new() };
	}
	buf_reset(&v->frame);
	buf_reset(&v->part);
	enum rc rc = reader_frame(r, SEGMENT_RAW, &item->at, &v->frame, &err);
	if (rc == RC_OK)
		rc = raw_unpack(buf_str(&v->frame), &v->part, &err);
	v->out->frames++;
	if (rc == RC_OK) {
		sha256_add(w->sha, buf_str(&v->part));
		return;
	}
	w->broken = true;
	if (rc == RC_ABSENT && verify_is_forgotten(v, SEGMENT_RAW, &item->at))
		return;
	verify_where(SEGMENT_RAW, &item->at, place);
	verify_damaged(v,
		"%s: raw bytes of report %lld, part %lld: %s; ask its sender to send it again, or "
		"put the file back from a backup",
		place, (long long)item->report, (long long)item->part, err.text);
}

static enum rc page_of_raw(struct reader *r, const struct item *last, struct item *page,
			   size_t *count_out, struct err *err)
{
	struct sql *q =
		sql(reader_conn(r), "SELECT report, part, day, number, offset, bytes FROM raw"
				    " WHERE (report, part) > (?, ?) ORDER BY report, part LIMIT ?");
	sql_int(q, 1, last->report);
	sql_int(q, 2, last->part);
	sql_int(q, 3, PAGE);
	size_t n = 0;
	while (n < PAGE && sql_row(q))
		page[n++] = (struct item){ .report = sql_col_int(q, 0),
					   .part = sql_col_int(q, 1),
					   .at = { .day = (int32_t)sql_col_int(q, 2),
						   .number = (uint32_t)sql_col_int(q, 3),
						   .offset = (uint64_t)sql_col_int(q, 4),
						   .bytes = (uint32_t)sql_col_int(q, 5) } };
	*count_out = n;
	return sql_end(q, err);
}

static enum rc page_of_chunks(struct reader *r, const struct item *last, struct item *page,
			      size_t *count_out, struct err *err)
{
	struct sql *q =
		sql(reader_conn(r), "SELECT first_seq, rows, day, number, offset, bytes FROM"
				    " chunk WHERE first_seq > ? ORDER BY first_seq LIMIT ?");
	sql_int(q, 1, last->part);
	sql_int(q, 2, PAGE);
	size_t n = 0;
	while (n < PAGE && sql_row(q))
		page[n++] = (struct item){ .part = sql_col_int(q, 0),
					   .rows = (uint32_t)sql_col_int(q, 1),
					   .at = { .day = (int32_t)sql_col_int(q, 2),
						   .number = (uint32_t)sql_col_int(q, 3),
						   .offset = (uint64_t)sql_col_int(q, 4),
						   .bytes = (uint32_t)sql_col_int(q, 5) } };
	*count_out = n;
	return sql_end(q, err);
}

/* Everything in a chunk is read back as events. */
static enum rc decode(struct verifying *v, str bytes, uint32_t rows, struct err *err)
{
	struct chunk chunk;
	struct batch batch;
	arena_reset(v->a);
	enum rc rc = chunk_open(&chunk, bytes, v->a, NULL, err);
	if (rc != RC_OK)
		return rc;
	if (chunk.rows != rows || rows > BATCH_ROWS)
		return fail(err, RC_INPUT, "it holds %u events, main.db says %u",
			    (unsigned)chunk.rows, (unsigned)rows);
	uint16_t *pick = ARENA_ARRAY(v->a, rows + 1, uint16_t);
	for (uint32_t i = 0; i < rows; i++)
		pick[i] = (uint16_t)i;
	return chunk_batch(&chunk, pick, rows, &batch, err);
}

static void check_chunk(struct verifying *v, struct reader *r, const struct item *item)
{
	struct err err;
	char place[128];
	buf_reset(&v->frame);
	enum rc rc = reader_frame(r, SEGMENT_EVENTS, &item->at, &v->frame, &err);
	if (rc == RC_OK)
		rc = decode(v, buf_str(&v->frame), item->rows, &err);
	v->out->frames++;
	v->out->rows += item->rows;
	if (rc == RC_OK || (rc == RC_ABSENT && verify_is_forgotten(v, SEGMENT_EVENTS, &item->at)))
		return;
	verify_where(SEGMENT_EVENTS, &item->at, place);
	verify_damaged(v,
		"%s: events %lld to %lld: %s; put the file back from a backup, or undo the report "
		"and send it again",
		place, (long long)item->part, (long long)item->part + item->rows - 1, err.text);
}

/* A page at a time, each in a view of its own: reading everything takes long, and
 * a view that is held keeps the log of main.db from starting anew. */
static enum rc check_raw(struct verifying *v, struct err *err)
{
	struct item page[PAGE], last = { .report = INT64_MIN, .part = INT64_MIN };
	struct whole w = { 0 };
	enum rc rc = RC_OK;
	for (size_t n = 1; n && rc == RC_OK;) {
		struct reader *r;
		rc = store_read_begin(v->s, &r, err);
		if (rc != RC_OK)
			break;
		rc = page_of_raw(r, &last, page, &n, err);
		for (size_t i = 0; i < n && rc == RC_OK; i++) {
			check_part(v, r, &w, &page[i]);
			verify_step(v);
		}
		if (n)
			last = page[n - 1];
		store_read_end(r);
	}
	end_report(v, &w);
	return rc;
}

static enum rc check_chunks(struct verifying *v, struct err *err)
{
	struct item page[PAGE], last = { .part = INT64_MIN };
	int64_t free_seq = INT64_MIN; /* behind the last event seen */
	enum rc rc = RC_OK;
	for (size_t n = 1; n && rc == RC_OK;) {
		struct reader *r;
		rc = store_read_begin(v->s, &r, err);
		if (rc != RC_OK)
			break;
		rc = page_of_chunks(r, &last, page, &n, err);
		for (size_t i = 0; i < n && rc == RC_OK; i++) {
			if (page[i].part < free_seq)
				verify_damaged(v,
					"events from %lld on are in two chunks; restore main.db "
					"from a "
					"backup",
					(long long)page[i].part);
			free_seq = page[i].part + page[i].rows;
			check_chunk(v, r, &page[i]);
			verify_step(v);
		}
		if (n)
			last = page[n - 1];
		store_read_end(r);
	}
	return rc;
}

static enum rc check_tail(struct verifying *v, struct conn *c, struct err *err)
{
	struct sql *q = sql(c, "SELECT first_seq, rows, body FROM tail ORDER BY first_seq");
	while (sql_row(q)) {
		struct err why;
		uint32_t rows = (uint32_t)sql_col_int(q, 1);
		if (decode(v, sql_col_blob(q, 2), rows, &why) != RC_OK)
			verify_damaged(v,
				"main.db: events %lld to %lld, not yet sealed: %s; undo the report "
				"and "
				"send it again",
				(long long)sql_col_int(q, 0),
				(long long)sql_col_int(q, 0) + rows - 1, why.text);
		v->out->rows += rows;
		verify_step(v);
	}
	return sql_end(q, err);
}

static void say_whole(void *ctx, const char *words)
{
	verify_damaged(ctx, "%s", words);
}

static enum rc check_in_view(struct verifying *v, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(v->s, &r, err);
	if (rc != RC_OK)
		return rc;
	check_database(v, reader_conn(r));
	check_files(v, reader_conn(r));
	rc = check_tail(v, reader_conn(r), err);
	/* a row without a digest stands before a packed one */
	struct sql *q = sql(reader_conn(r), "SELECT count(*) FROM report WHERE length(digest) > 0");
	if (sql_row(q))
		v->out->reports = (uint64_t)sql_col_int(q, 0);
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	rc = rc == RC_OK ? end : rc;
	if (rc == RC_OK)
		rc = verify_reports(v, reader_conn(r), err);
	if (rc == RC_OK)
		rc = repeat_files_check(v->s, reader_conn(r), say_whole, v, err);
	store_read_end(r);
	return rc;
}

enum rc store_verify(struct store *s, void (*say)(void *ctx, const char *sentence), void *ctx,
		     void (*progress)(void *ctx, uint64_t done, uint64_t all),
		     struct verify_result *out, struct err *err)
{
	struct verifying v = { .s = s,
			       .say = say,
			       .progress = progress,
			       .ctx = ctx,
			       .out = out,
			       .frame = BUF_INIT(FRAME_MAX + FRAME_HEAD + 1),
			       .part = BUF_INIT(RAW_PART + 1),
			       .a = arena_new(MIB(1)) };
	*out = (struct verify_result){ 0 };
	enum rc rc = check_in_view(&v, err);
	if (rc == RC_OK)
		rc = check_raw(&v, err);
	if (rc == RC_OK)
		rc = verify_frames(&v, err);
	if (rc == RC_OK)
		rc = check_chunks(&v, err);
	if (rc == RC_IO && out->damaged) {
		/* that main.db is damaged was said; the rest cannot be reached through it */
		verify_damaged(&v, "what main.db names behind its damage was not checked: %s",
			err ? err->text : "");
		rc = RC_OK;
	}
	buf_free(&v.frame);
	buf_free(&v.part);
	arena_free(v.a);
	return rc;
}
