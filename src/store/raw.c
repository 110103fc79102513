/* SPDX-License-Identifier: Apache-2.0 */
#include "store/raw.h"

#include <zstd.h>

#include "base/arena.h"
#include "store/destroyed.h"
#include "store/store_private.h"

/* --- packing --- */

enum { RAW_HEAD = 5, WORTH_PACKING = 128 };

void raw_pack(str part, struct buf *out)
{
	size_t bound = ZSTD_compressBound(part.n), packed = 0, at = out->n;
	buf_char(out, RAW_PLAIN);
	buf_le32(out, (uint32_t)part.n);
	char *to = part.n >= WORTH_PACKING ? buf_room(out, bound) : NULL;
	if (to)
		packed = ZSTD_compress(to, bound, part.p, part.n, 1);
	if (!to || ZSTD_isError(packed) || packed >= part.n) {
		buf_add(out, part);
		return;
	}
	out->p[at] = RAW_ZSTD;
	out->n += packed;
}

enum rc raw_unpack(str payload, struct buf *out, struct err *err)
{
	struct wire w = wire_of(payload);
	uint8_t packing = wire_u8(&w);
	uint32_t n = wire_le32(&w);
	if (w.bad || n > RAW_PART || (packing != RAW_PLAIN && packing != RAW_ZSTD))
		return fail(err, RC_INPUT, "the frame holds no raw bytes");
	str body = wire_bytes(&w, wire_left(&w));
	char *to = buf_room(out, n);
	if (!to)
		return fail(err, RC_LIMIT, "no room for %u raw bytes", (unsigned)n);
	size_t got = body.n;
	if (packing == RAW_ZSTD)
		got = ZSTD_decompress(to, n, body.p, body.n);
	else if (got == n && n)
		memcpy(to, body.p, n);
	if (got != n)
		return fail(err, RC_INPUT, "the raw bytes of the frame do not unpack");
	out->n += n;
	return RC_OK;
}

/* --- taking a delivery in --- */

enum { UNDER_WAY = 4 };

/* One part on its way to the segment. */
struct append {
	struct store_job job;
	struct buf payload;
	int32_t day;
	struct place at;
	bool busy;
};

struct raw_intake {
	struct store *s;
	unsigned turn; /* counted in: rewrite.c */
	int64_t begun_us;
	struct sha256 *sha;
	struct buf part; /* not yet appended */
	struct append append[UNDER_WAY];
	unsigned next;
	struct place *place; /* parts that are appended */
	size_t places, room;
	uint64_t bytes;
	enum rc rc; /* the first failure: later bytes are not looked at */
	struct err err;
};

enum rc raw_begin(struct store *s, struct raw_intake **out, struct err *err)
{
	if (store_read_only(s))
		return fail(err, RC_IO, "the store is read-only");
	struct raw_intake *in = x_alloc(sizeof(*in));
	in->s = s;
	in->turn = atomic_load(&s->raw_turn) & 1;
	atomic_fetch_add(&s->raw_under_way[in->turn], 1);
	in->begun_us = clock_now_us();
	in->sha = sha256_new();
	in->part = (struct buf)BUF_INIT(RAW_PART);
	for (unsigned i = 0; i < UNDER_WAY; i++)
		in->append[i].payload = (struct buf)BUF_INIT(ZSTD_COMPRESSBOUND(RAW_PART) + 64);
	*out = in;
	return RC_OK;
}

static enum rc append_part(struct tx *tx, void *ctx, struct err *err)
{
	struct append *a = ctx;
	return tx_append(tx, SEGMENT_RAW, a->day, buf_str(&a->payload), &a->at, err);
}

static void keep_place(struct raw_intake *in, const struct place *at)
{
	if (in->places == in->room) {
		in->room = in->room ? 2 * in->room : 16;
		in->place = x_grow(in->place, in->room, sizeof(*in->place));
	}
	in->place[in->places++] = *at;
}

/* Parts end in the order they were sent off, one slot after the other. */
static void collect(struct raw_intake *in, struct append *a)
{
	if (!a->busy)
		return;
	a->busy = false;
	struct err err;
	enum rc rc = store_wait(in->s, &a->job, &err);
	if (rc == RC_OK) {
		keep_place(in, &a->at);
	} else if (in->rc == RC_OK) {
		in->rc = rc;
		in->err = err;
	}
}

static void send_part(struct raw_intake *in)
{
	struct append *a = &in->append[in->next];
	in->next = (in->next + 1) % UNDER_WAY;
	collect(in, a);
	if (in->rc != RC_OK)
		return;
	buf_reset(&a->payload);
	raw_pack(buf_str(&in->part), &a->payload);
	buf_reset(&in->part);
	a->day = time_day(in->begun_us);
	a->job = (struct store_job){
		.fn = append_part, .ctx = a, .bytes = a->payload.n, .unnamed = true
	};
	a->busy = true;
	store_submit(in->s, &a->job);
}

enum rc raw_add(struct raw_intake *in, str bytes, struct err *err)
{
	while (bytes.n && in->rc == RC_OK) {
		if (in->part.n == RAW_PART)
			send_part(in);
		str some = str_head(bytes, RAW_PART - in->part.n);
		buf_add(&in->part, some);
		sha256_add(in->sha, some);
		in->bytes += some.n;
		bytes = str_from(bytes, some.n);
	}
	if (in->rc != RC_OK && err)
		*err = in->err;
	return in->rc;
}

static void collect_all(struct raw_intake *in)
{
	for (unsigned i = 0; i < UNDER_WAY; i++)
		collect(in, &in->append[(in->next + i) % UNDER_WAY]);
}

void raw_abort(struct raw_intake *in)
{
	if (!in)
		return;
	collect_all(in);
	atomic_fetch_sub(&in->s->raw_under_way[in->turn], 1);
	if (in->sha)
		(void)sha256_end(in->sha);
	for (unsigned i = 0; i < UNDER_WAY; i++)
		buf_free(&in->append[i].payload);
	buf_free(&in->part);
	free(in->place);
	free(in);
}

/* --- making it durable --- */

struct receiving {
	struct raw_intake *in;
	struct report *r;
	bool known, destroyed;
	str last; /* payload of the last part */
};

/* A day may be forgotten while a slow delivery of it comes in, or the file rewritten. */
static enum rc still_there(struct tx *tx, const struct place *at, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT bytes FROM segment WHERE kind = 0 AND day = ?"
					 " AND number = ?");
	sql_int(q, 1, at->day);
	sql_int(q, 2, at->number);
	bool forgotten = sql_row(q) && sql_col_int(q, 0) < 0;
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && forgotten)
		return fail(err, RC_BUSY,
			    "the day of this report was forgotten or rewritten while it came: "
			    "send it again");
	return rc;
}

enum rc raw_name_part(struct tx *tx, int64_t report, size_t part, const struct place *at,
		      struct err *err)
{
	struct sql *q =
		sql(tx_conn(tx), "INSERT INTO raw (report, part, day, number, offset, bytes)"
				 " VALUES (?, ?, ?, ?, ?, ?)");
	sql_int(q, 1, report);
	sql_int(q, 2, (int64_t)part);
	sql_int(q, 3, at->day);
	sql_int(q, 4, at->number);
	sql_int(q, 5, (int64_t)at->offset);
	sql_int(q, 6, at->bytes);
	return sql_run(q, err);
}

/* A small report whole: it needs no frame of its own, and no sync but that of
 * main.db. */
static enum rc keep_in_tail(struct tx *tx, const struct receiving *rx, struct err *err)
{
	struct sql *q =
		sql(tx_conn(tx), "INSERT INTO raw_tail (report, day, body) VALUES (?, ?, ?)");
	sql_int(q, 1, rx->r->id);
	sql_int(q, 2, time_day(rx->in->begun_us));
	sql_blob(q, 3, rx->last);
	return sql_run(q, err);
}

/* Bytes that were destroyed: they are counted, and what already stands in a file of them,
 * without a name, is to leave it. */
static enum rc turn_away(struct tx *tx, struct receiving *rx, struct err *err)
{
	const struct raw_intake *in = rx->in;
	enum rc rc = destroyed_find(tx_conn(tx), &rx->r->digest, &rx->destroyed, err);
	if (rc != RC_OK || !rx->destroyed)
		return rc;
	rc = destroyed_again(tx, &rx->r->digest, err);
	for (size_t i = 0; i < in->places && rc == RC_OK; i++)
		if (i == 0 || in->place[i].number != in->place[i - 1].number)
			rc = destroyed_left(tx, in->place[i].day, in->place[i].number, err);
	return rc;
}

static enum rc receive(struct tx *tx, void *ctx, struct err *err)
{
	struct receiving *rx = ctx;
	struct raw_intake *in = rx->in;
	struct report before;
	struct place last;
	bool small = in->places == 0 && in->part.n <= RAW_SMALL;
	enum rc rc = turn_away(tx, rx, err);
	if (rc != RC_OK || rx->destroyed)
		return rc;
	rc = report_find(tx_conn(tx), store_secret(tx_store(tx)), rx->r, &before, &rx->known, err);
	if (rc == RC_OK && rx->known) {
		*rx->r = before;
		return RC_OK;
	}
	if (rc == RC_OK && !small)
		rc = tx_append(tx, SEGMENT_RAW, time_day(in->begun_us), rx->last, &last, err);
	if (rc == RC_OK)
		rc = report_add(tx, rx->r, err);
	if (rc == RC_OK && small)
		return keep_in_tail(tx, rx, err);
	for (size_t i = 0; i < in->places && rc == RC_OK; i++) {
		if (i == 0 || in->place[i].number != in->place[i - 1].number)
			rc = still_there(tx, &in->place[i], err);
		if (rc == RC_OK)
			rc = raw_name_part(tx, rx->r->id, i, &in->place[i], err);
	}
	return rc == RC_OK ? raw_name_part(tx, rx->r->id, in->places, &last, err) : rc;
}

enum rc report_received(struct raw_intake *in, struct report *r, bool *known_out, struct err *err)
{
	collect_all(in);
	enum rc rc = in->rc;
	if (rc != RC_OK && err)
		*err = in->err;
	struct receiving rx = { .in = in, .r = r };
	struct buf *payload = &in->append[0].payload;
	r->state = REPORT_PARSING;
	r->received_us = in->begun_us;
	r->bytes = in->bytes;
	r->digest = sha256_end(in->sha);
	in->sha = NULL;
	if (rc == RC_OK) {
		buf_reset(payload);
		raw_pack(buf_str(&in->part), payload);
		rx.last = buf_str(payload);
		struct store_job job = { .fn = receive, .ctx = &rx, .bytes = payload->n };
		store_submit(in->s, &job);
		rc = store_wait(in->s, &job, err);
	}
	if (rc == RC_OK && rx.destroyed)
		rc = fail(err, RC_DENIED, "these bytes were destroyed and are not taken again");
	*known_out = rx.known;
	raw_abort(in);
	return rc;
}

/* --- reading it again --- */

struct raw_reader {
	struct store *s;
	int64_t report;
	struct place *place;
	size_t places, next;
	struct buf frame, part;
	bool shared;     /* the one place is that of a frame of several */
	bool in_tail;    /* no place: `tail` holds the payload */
	struct buf tail;
	size_t at; /* in part */
	struct err err;
	bool failed;
};

static enum rc load_places(struct raw_reader *r, struct conn *c, struct err *err)
{
	size_t room = r->places;
	r->places = 0;
	struct sql *q = sql(c, "SELECT day, number, offset, bytes FROM raw WHERE report = ?"
			       " ORDER BY part");
	sql_int(q, 1, r->report);
	while (sql_row(q)) {
		if (r->places >= room) {
			room = room ? 2 * room : 16;
			r->place = x_grow(r->place, room, sizeof(*r->place));
		}
		r->place[r->places++] = (struct place){ .day = (int32_t)sql_col_int(q, 0),
							.number = (uint32_t)sql_col_int(q, 1),
							.offset = (uint64_t)sql_col_int(q, 2),
							.bytes = (uint32_t)sql_col_int(q, 3) };
	}
	return sql_end(q, err);
}

/* Taken along: before it is read it may have been put into a shared frame. */
static enum rc load_tail(struct raw_reader *r, struct conn *c, struct err *err)
{
	struct sql *q = sql(c, "SELECT body FROM raw_tail WHERE report = ?");
	sql_int(q, 1, r->report);
	r->in_tail = sql_row(q);
	if (r->in_tail)
		buf_add(&r->tail, sql_col_blob(q, 0));
	r->places = r->in_tail;
	return sql_end(q, err);
}

enum rc raw_name_frame(struct tx *tx, int64_t first, int64_t last, const struct place *at,
		       struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO raw_frame (first, last, day, number, offset,"
					 " bytes) VALUES (?, ?, ?, ?, ?, ?)");
	sql_int(q, 1, first);
	sql_int(q, 2, last);
	sql_int(q, 3, at->day);
	sql_int(q, 4, at->number);
	sql_int(q, 5, (int64_t)at->offset);
	sql_int(q, 6, at->bytes);
	return sql_run(q, err);
}

enum rc raw_frame_of(struct conn *c, int64_t report, struct place *out, bool *found_out,
		     struct err *err)
{
	struct sql *q = sql(c, "SELECT last, day, number, offset, bytes FROM raw_frame"
			       " WHERE first <= ? ORDER BY first DESC LIMIT 1");
	sql_int(q, 1, report);
	*found_out = sql_row(q) && sql_col_int(q, 0) >= report;
	if (*found_out)
		*out = (struct place){ .day = (int32_t)sql_col_int(q, 1),
				       .number = (uint32_t)sql_col_int(q, 2),
				       .offset = (uint64_t)sql_col_int(q, 3),
				       .bytes = (uint32_t)sql_col_int(q, 4) };
	return sql_end(q, err);
}

static enum rc find_bytes(struct raw_reader *r, struct conn *c, struct err *err)
{
	enum rc rc = load_places(r, c, err);
	if (rc == RC_OK && !r->places)
		rc = load_tail(r, c, err);
	if (rc == RC_OK && !r->places) {
		r->place = x_alloc(sizeof(*r->place));
		rc = raw_frame_of(c, r->report, r->place, &r->shared, err);
		r->places = r->shared;
	}
	if (rc == RC_OK && !r->places)
		return fail(err, RC_ABSENT, "the bytes of report %lld are forgotten",
			    (long long)r->report);
	return rc;
}

enum rc raw_open(struct store *s, int64_t report, struct raw_reader **out, struct err *err)
{
	struct raw_reader *r = x_alloc(sizeof(*r));
	struct reader *view;
	r->s = s;
	r->report = report;
	r->frame = (struct buf)BUF_INIT(RAW_PAYLOAD_MOST);
	r->part = (struct buf)BUF_INIT(RAW_PART);
	r->tail = (struct buf)BUF_INIT(RAW_SMALL + 64);
	enum rc rc = store_read_begin(s, &view, err);
	if (rc == RC_OK) {
		rc = find_bytes(r, reader_conn(view), err);
		store_read_end(view);
	}
	if (rc != RC_OK) {
		raw_close(r);
		return rc;
	}
	*out = r;
	return RC_OK;
}

/* A view is taken for each part only: parsing a large report takes long, and a
 * view that is held keeps the log of main.db from starting anew. */
static enum rc next_part(struct raw_reader *r)
{
	struct reader *view;
	enum rc rc;
	buf_reset(&r->frame);
	buf_reset(&r->part);
	r->at = 0;
	if (r->in_tail) {
		r->next++;
		return raw_unpack(buf_str(&r->tail), &r->part, &r->err);
	}
	rc = store_read_begin(r->s, &view, &r->err);
	if (rc != RC_OK)
		return rc;
	rc = reader_frame(view, SEGMENT_RAW, &r->place[r->next], &r->frame, &r->err);
	if (rc == RC_ABSENT) { /* the file may have been rewritten since: look again */
		free(r->place);
		r->place = NULL;
		r->places = 0;
		r->shared = false;
		rc = find_bytes(r, reader_conn(view), &r->err);
		if (rc == RC_OK && r->next >= r->places)
			rc = fail(&r->err, RC_ABSENT, "the bytes of report %lld are forgotten",
				  (long long)r->report);
		if (rc == RC_OK)
			rc = reader_frame(view, SEGMENT_RAW, &r->place[r->next], &r->frame, &r->err);
	}
	store_read_end(view);
	if (rc == RC_OK && r->shared)
		rc = raw_shared_find(buf_str(&r->frame), r->report, &r->part, &r->err);
	else if (rc == RC_OK)
		rc = raw_unpack(buf_str(&r->frame), &r->part, &r->err);
	if (rc == RC_OK)
		r->next++;
	return rc;
}

long raw_read(struct raw_reader *r, void *to, size_t n)
{
	while (!r->failed && r->at == r->part.n && r->next < r->places)
		r->failed = next_part(r) != RC_OK;
	if (r->failed)
		return -1;
	size_t left = r->part.n - r->at;
	if (n > left)
		n = left;
	if (n)
		memcpy(to, r->part.p + r->at, n);
	r->at += n;
	return (long)n;
}

const struct err *raw_error(const struct raw_reader *r)
{
	return &r->err;
}

void raw_rewind(struct raw_reader *r)
{
	r->next = r->at = 0;
	r->failed = false;
	buf_reset(&r->part);
}

void raw_close(struct raw_reader *r)
{
	if (!r)
		return;
	buf_free(&r->frame);
	buf_free(&r->part);
	buf_free(&r->tail);
	free(r->place);
	free(r);
}
