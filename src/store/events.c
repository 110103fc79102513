/* SPDX-License-Identifier: Apache-2.0 */
#include "store/events.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/events_private.h"

/* Fewer rows than this go to the tail first: a chunk of few is mostly directory. */
enum { CHUNK_ROWS_LEAST = 512 };

struct event_chunk {
	struct zone zone;
	struct buf bytes;
	int64_t report;
	int32_t day;
};

enum rc event_chunk_new(const struct batch *b, const struct report *r, const uint64_t *fp_half,
			struct event_chunk **out, struct err *err)
{
	struct chunk_part part = { .b = b, .row = b->row, .rows = b->c.rows, .report = r->id,
				   .received_us = r->received_us, .exercise = r->exercise,
				   .fingerprint = fp_half };
	enum chunk_effort effort = part.rows < CHUNK_ROWS_LEAST ? CHUNK_QUICK : CHUNK_SMALL;
	struct event_chunk *c = x_alloc(sizeof(*c));
	c->bytes = (struct buf)BUF_INIT(MIB(60));
	c->report = r->id;
	c->day = time_day(r->received_us);
	enum rc rc = chunk_write(&part, 1, effort, &c->bytes, err);
	if (!rc)
		zone_make(&part, 1, &c->zone);
	if (rc)
		event_chunk_free(c);
	else
		*out = c;
	return rc;
}

void event_chunk_free(struct event_chunk *c)
{
	if (!c)
		return;
	zone_free(&c->zone);
	buf_free(&c->bytes);
	free(c);
}

size_t event_chunk_bytes(const struct event_chunk *c)
{
	return c->bytes.n + c->zone.map.n + c->zone.bloom.n + 256;
}

uint32_t event_chunk_rows(const struct event_chunk *c)
{
	return c->zone.rows;
}

/* Kept apart from the rows: what is forgotten must not give its numbers back. */
static enum rc last_seq(struct conn *c, uint64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT value FROM node WHERE key = 'events.last_seq'");
	*out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

static enum rc set_last_seq(struct conn *c, uint64_t seq, struct err *err)
{
	struct sql *q = sql(c, "INSERT INTO node (key, value) VALUES ('events.last_seq', ?1)"
			       " ON CONFLICT (key) DO UPDATE SET value = excluded.value");
	sql_int(q, 1, (int64_t)seq);
	return sql_run(q, err);
}

static void bind_time(struct sql *q, int at, bool timed, int64_t us)
{
	if (timed)
		sql_int(q, at, us);
	else
		sql_null(q, at);
}

static enum rc add_tail(struct conn *c, const struct event_chunk *e, uint64_t first,
			struct err *err)
{
	struct sql *q = sql(c, "INSERT INTO tail (first_seq, rows, report, day, tlp_set, exercise,"
			       " min_time, max_time, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
	sql_int(q, 1, (int64_t)first);
	sql_int(q, 2, e->zone.rows);
	sql_int(q, 3, e->report);
	sql_int(q, 4, e->day);
	sql_int(q, 5, e->zone.tlp_set);
	sql_int(q, 6, e->zone.exercise);
	bind_time(q, 7, e->zone.timed, e->zone.min_time);
	bind_time(q, 8, e->zone.timed, e->zone.max_time);
	sql_blob(q, 9, buf_str(&e->bytes));
	return sql_run(q, err);
}

enum rc manifest_add(struct tx *tx, str bytes, const struct zone *z, int64_t report, int32_t day,
		     uint64_t first, struct err *err)
{
	struct place at;
	enum rc rc = tx_append(tx, SEGMENT_EVENTS, day, bytes, &at, err);
	if (rc)
		return rc;
	struct sql *q = sql(tx_conn(tx),
			    "INSERT INTO chunk (first_seq, rows, report, day, number, offset,"
			    " bytes, tlp_set, exercise, min_time, max_time, zone, bloom)"
			    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	sql_int(q, 1, (int64_t)first);
	sql_int(q, 2, z->rows);
	sql_int(q, 3, report);
	sql_int(q, 4, at.day);
	sql_int(q, 5, at.number);
	sql_int(q, 6, (int64_t)at.offset);
	sql_int(q, 7, at.bytes);
	sql_int(q, 8, z->tlp_set);
	sql_int(q, 9, z->exercise);
	bind_time(q, 10, z->timed, z->min_time);
	bind_time(q, 11, z->timed, z->max_time);
	sql_blob(q, 12, buf_str(&z->map));
	sql_blob(q, 13, buf_str(&z->bloom));
	return sql_run(q, err);
}

enum rc event_chunk_commit(struct tx *tx, struct event_chunk *c, uint64_t *first_seq_out,
			   struct err *err)
{
	uint64_t last;
	enum rc rc = last_seq(tx_conn(tx), &last, err);
	if (rc)
		return rc;
	*first_seq_out = last + 1;
	if (!c->zone.rows)
		return RC_OK;
	rc = c->zone.rows < CHUNK_ROWS_LEAST ?
		     add_tail(tx_conn(tx), c, last + 1, err) :
		     manifest_add(tx, buf_str(&c->bytes), &c->zone, c->report, c->day, last + 1,
				  err);
	return rc ? rc : set_last_seq(tx_conn(tx), last + c->zone.rows, err);
}

enum rc events_last_seq(struct reader *r, uint64_t *out, struct err *err)
{
	return last_seq(reader_conn(r), out, err);
}

/* --- outside ids --- */

static uint64_t keyed64(const struct key *secret, const char *purpose, uint64_t v)
{
	char raw[8];
	for (unsigned i = 0; i < 8; i++)
		raw[i] = (char)(v >> (8 * i));
	return keyed_hash128(secret, purpose, str_mem(raw, sizeof(raw))).hi;
}

/* The number hidden under a mask that follows from its own seal. */
str event_id(const struct key *secret, uint64_t seq, char text[40])
{
	uint64_t seal = keyed64(secret, "event seal", seq);
	uint64_t hidden = seq ^ keyed64(secret, "event mask", seal);
	static const char digits[] = "0123456789abcdef";
	for (unsigned i = 0; i < 32; i++)
		text[i] = digits[(i < 16 ? hidden : seal) >> (60 - i % 16 * 4) & 15];
	text[32] = '\0';
	return str_mem(text, 32);
}

/* The same work whether it is ours or not; the seal is compared in constant time. */
bool event_id_parse(const struct key *secret, str text, uint64_t *seq_out)
{
	unsigned char raw[16] = { 0 };
	bool formed = hex_parse(text, raw, sizeof(raw));
	uint64_t half[2] = { 0 };
	for (unsigned i = 0; i < 16; i++)
		half[i / 8] = half[i / 8] << 8 | raw[i];
	uint64_t seq = half[0] ^ keyed64(secret, "event mask", half[1]);
	uint64_t seal = keyed64(secret, "event seal", seq);
	bool same = str_eq_secret(str_mem(&seal, sizeof(seal)), str_mem(&half[1], sizeof(seal)));
	if (!formed || !same || seq == 0)
		return false;
	*seq_out = seq;
	return true;
}
