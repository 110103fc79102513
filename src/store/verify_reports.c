/* SPDX-License-Identifier: Apache-2.0 */
#include "store/verify_private.h"

enum { PAGE = 64 };

/* --- digests --- */

/* Whether the digest is that of the report: its row has it, or, when it was
 * packed, the index knows the report under it. */
static enum rc is_digest_of(struct verifying *v, struct conn *c, int64_t report,
			    const struct digest *d, bool *is_out, struct err *err)
{
	struct report r;
	struct digest none = {{0}};
	int64_t *id;
	size_t n;
	enum rc rc = report_load(c, report, &r, err);
	*is_out = rc == RC_OK && memcmp(d->b, r.digest.b, sizeof(d->b)) == 0;
	/* refused ones are not in the index: whoever sends them again tries again */
	if (rc != RC_OK || *is_out || memcmp(r.digest.b, none.b, sizeof(none.b)) != 0)
		return rc;
	*is_out = r.state == REPORT_REFUSED;
	r.digest = *d;
	struct report_mark mark = report_mark_of(store_secret(v->s), &r);
	arena_reset(v->a);
	rc = index_find(c, &mark, v->a, &id, &n, err);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		*is_out |= id[i] == report;
	return rc;
}

void verify_digest(struct verifying *v, struct conn *c, int64_t report, const struct digest *d)
{
	struct err err;
	bool is = false;
	if (is_digest_of(v, c, report, d, &is, &err) != RC_OK)
		verify_damaged(v,
			       "raw bytes of report %lld: %s; they can be forgotten with their day",
			       (long long)report, err.text);
	else if (!is)
		verify_damaged(
			v,
			"report %lld: its raw bytes are not those that came, by their digest; put "
			"the segment back from a backup",
			(long long)report);
}

/* --- frames of several reports --- */

struct frame {
	int64_t first, last;
	struct place at;
};

static enum rc page_of_frames(struct reader *r, int64_t behind, struct frame *page,
			      size_t *count_out, struct err *err)
{
	struct sql *q =
		sql(reader_conn(r), "SELECT first, last, day, number, offset, bytes FROM raw_frame"
				    " WHERE first > ? ORDER BY first LIMIT ?");
	sql_int(q, 1, behind);
	sql_int(q, 2, PAGE);
	size_t n = 0;
	while (n < PAGE && sql_row(q))
		page[n++] = (struct frame){ .first = sql_col_int(q, 0),
					   .last = sql_col_int(q, 1),
					   .at = { .day = (int32_t)sql_col_int(q, 2),
						  .number = (uint32_t)sql_col_int(q, 3),
						  .offset = (uint64_t)sql_col_int(q, 4),
						  .bytes = (uint32_t)sql_col_int(q, 5)}};
	*count_out = n;
	return sql_end(q, err);
}

static void check_frame(struct verifying *v, struct reader *r, const struct frame *f)
{
	struct err err;
	char place[128];
	struct raw_walk w = {0};
	int64_t id = 0;
	str bytes;
	buf_reset(&v->frame);
	enum rc rc = reader_frame(r, SEGMENT_RAW, &f->at, &v->frame, &err);
	v->out->frames++;
	if (rc == RC_ABSENT && verify_is_forgotten(v, SEGMENT_RAW, &f->at))
		return;
	if (rc == RC_OK)
		rc = raw_walk_begin(&w, buf_str(&v->frame), &err);
	while (rc == RC_OK && raw_walk_next(&w, &id, &bytes)) {
		struct digest d = sha256(bytes);
		verify_digest(v, reader_conn(r), id, &d);
	}
	if (rc == RC_OK && (w.head.bad || id != f->last))
		rc = fail(&err, RC_INPUT, "it holds other reports than main.db says");
	raw_walk_end(&w);
	if (rc == RC_OK)
		return;
	verify_where(SEGMENT_RAW, &f->at, place);
	verify_damaged(v,
		       "%s: raw bytes of reports %lld to %lld: %s; put the file back from a "
		       "backup, or ask "
		       "their senders to send them again",
		       place, (long long)f->first, (long long)f->last, err.text);
}

enum rc verify_frames(struct verifying *v, struct err *err)
{
	struct frame page[PAGE];
	int64_t first = INT64_MIN, last = INT64_MIN;
	enum rc rc = RC_OK;
	for (size_t n = 1; n && rc == RC_OK;) {
		struct reader *r;
		rc = store_read_begin(v->s, &r, err);
		if (rc != RC_OK)
			break;
		rc = page_of_frames(r, first, page, &n, err);
		for (size_t i = 0; i < n && rc == RC_OK; i++) {
			if (page[i].first <= last)
				verify_damaged(
					v,
					"report %lld is in two frames; restore main.db from a "
					"backup",
					(long long)page[i].first);
			check_frame(v, r, &page[i]);
			first = page[i].first;
			last = page[i].last;
			verify_step(v);
		}
		store_read_end(r);
	}
	return rc;
}

static enum rc check_raw_tail(struct verifying *v, struct conn *c, struct err *err)
{
	struct sql *q = sql(c, "SELECT report, body FROM raw_tail ORDER BY report");
	while (sql_row(q)) {
		struct err why;
		int64_t id = sql_col_int(q, 0);
		buf_reset(&v->part);
		if (raw_unpack(sql_col_blob(q, 1), &v->part, &why) != RC_OK) {
			verify_damaged(
				v,
				"main.db: raw bytes of report %lld: %s; ask its sender to send it "
				"again",
				(long long)id, why.text);
			continue;
		}
		struct digest d = sha256(buf_str(&v->part));
		verify_digest(v, c, id, &d);
	}
	return sql_end(q, err);
}

struct block_check {
	int64_t first, last;
	uint64_t reports, done;
};

static void count_report(void *ctx, const struct report *r)
{
	struct block_check *k = ctx;
	k->first = k->reports++ ? k->first : r->id;
	k->last = r->id;
	k->done += r->state == REPORT_DONE;
}

static void say_index(void *ctx, const char *words)
{
	verify_damaged(ctx, "main.db: %s; restore it from a backup", words);
}

static enum rc check_blocks(struct verifying *v, struct conn *c, struct err *err)
{
	struct err why;
	uint64_t done = 0, marks = 0;
	int64_t before = 0;
	struct sql *q =
		sql(c, "SELECT first, last, reports, body FROM report_block ORDER BY first");
	while (sql_row(q)) {
		struct block_check k = {0};
		int64_t first = sql_col_int(q, 0), last = sql_col_int(q, 1);
		enum rc rc = block_each(sql_col_blob(q, 3), count_report, &k, &why);
		if (rc == RC_OK && (k.first != first || k.last != last || first <= before ||
				    k.reports != (uint64_t)sql_col_int(q, 2)))
			rc = fail(&why, RC_INPUT, "it holds other reports than its row says");
		if (rc != RC_OK)
			verify_damaged(
				v, "main.db: reports %lld to %lld: %s; restore it from a backup",
				(long long)first, (long long)last, why.text);
		before = last;
		done += k.done;
		v->out->reports += k.reports;
		verify_step(v);
	}
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK)
		rc = index_check(c, say_index, v, &marks, err);
	if (rc == RC_OK && marks != done)
		verify_damaged(
			v,
			"main.db: the runs of digests know %llu reports, the blocks hold %llu; "
			"restore it from a backup",
			(unsigned long long)marks, (unsigned long long)done);
	return rc;
}

enum rc verify_reports(struct verifying *v, struct conn *c, struct err *err)
{
	enum rc rc = check_raw_tail(v, c, err);
	return rc == RC_OK ? check_blocks(v, c, err) : rc;
}
