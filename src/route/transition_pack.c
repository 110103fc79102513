/* SPDX-License-Identifier: Apache-2.0 */
/* Transitions as they are written: few as rows of main.db; many, and those that
 * have become many, packed by up to 4,096 into one row of columns. Their numbers
 * go on without a gap over both. */
#include <zstd.h>

#include "route/findings_private.h"
#include "store/column.h"

enum { VERSION = 1, PACK_ROWS = BATCH_ROWS, FEW = 1024, BODY_MOST = 1 << 20 };

/* As they stand in a pack. */
struct packed {
	const struct told *list;
	const int64_t *at_us; /* NULL: all at `now_us` */
	int64_t now_us;
	uint32_t n;
};

static void put_numbers(struct column_scratch *s, const struct value *v, uint32_t n, struct buf *out)
{
	const struct column_in in = { .kind = CELL_INT, .all = n, .n = n, .value = v };
	column_write(s, &in, out);
}

/* Ids of one fold ascend: their upper half is kept as steps. */
static void write_pack(const struct packed *p, struct buf *out)
{
	struct buf raw = BUF_INIT(BODY_MOST);
	struct column_scratch *s = x_alloc(sizeof(*s));
	struct value *v = x_array(p->n, sizeof(*v));
	s->seed = random_u64();
	for (uint32_t i = 0; i < p->n; i++)
		v[i].i = p->at_us ? p->at_us[i] : p->now_us;
	put_numbers(s, v, p->n, &raw);
	for (uint32_t i = 0; i < p->n; i++)
		v[i].i = p->list[i].what | p->list[i].tlp << 3 | p->list[i].exercise << 6;
	put_numbers(s, v, p->n, &raw);
	for (uint32_t i = 0; i < p->n; i++)
		v[i].i = (int64_t)p->list[i].finding.hi;
	put_numbers(s, v, p->n, &raw);
	for (uint32_t i = 0; i < p->n; i++)
		buf_le64(&raw, p->list[i].finding.lo);
	buf_char(out, VERSION);
	buf_varint(out, p->n);
	buf_varint(out, raw.n);
	size_t most = ZSTD_compressBound(raw.n);
	char *to = buf_room(out, most);
	size_t n = to ? ZSTD_compress(to, most, raw.p, raw.n, 1) : SIZE_MAX;
	if (to && !ZSTD_isError(n) && n < raw.n)
		out->n += n;
	else
		buf_add(out, buf_str(&raw));
	buf_free(&raw);
	free(v);
	free(s);
}

static bool take_numbers(struct wire *w, uint32_t n, struct arena *a, struct column *out)
{
	uint64_t cells = PACK_ROWS;
	return column_read(w, CELL_INT, n, &cells, a, out) && out->n == n;
}

static int64_t number(const struct column *c, uint32_t i)
{
	return c->number[column_value(c, i)];
}

static bool read_raw(str raw, uint32_t n, uint64_t first_seq, struct arena *a, pack_each each, void *ctx)
{
	struct wire w = wire_of(raw);
	struct column at, flags, hi;
	if (!take_numbers(&w, n, a, &at) || !take_numbers(&w, n, a, &flags) || !take_numbers(&w, n, a, &hi) ||
	    wire_left(&w) != 8 * (size_t)n)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		int64_t f = number(&flags, i);
		const struct transition_row t = {
			.seq = first_seq + i, .at_us = number(&at, i),
			.finding = { (uint64_t)number(&hi, i), wire_le64(&w) },
			.what = (enum transition)(f & 7),
			.tlp = (f >> 3 & 7) < TLP_COUNT ? (enum tlp)(f >> 3 & 7) : TLP_RED,
			.exercise = f >> 6 & 1,
		};
		if (!each(ctx, &t))
			break;
	}
	return true;
}

bool pack_read(str body, uint64_t first_seq, pack_each each, void *ctx)
{
	struct wire w = wire_of(body);
	uint8_t version = wire_u8(&w);
	uint64_t n = wire_varint(&w), bytes = wire_varint(&w);
	str stored = wire_bytes(&w, wire_left(&w));
	if (w.bad || version != VERSION || n == 0 || n > PACK_ROWS || bytes > BODY_MOST)
		return false;
	struct arena *a = arena_new(KIB(128));
	bool sound = stored.n == bytes;
	str raw = stored;
	if (!sound && ZSTD_getFrameContentSize(stored.p, stored.n) == bytes) {
		char *to = arena_alloc(a, (size_t)bytes + 1);
		size_t got = ZSTD_decompress(to, (size_t)bytes, stored.p, stored.n);
		sound = !ZSTD_isError(got) && got == bytes;
		raw = str_mem(to, (size_t)bytes);
	}
	sound = sound && read_raw(raw, (uint32_t)n, first_seq, a, each, ctx);
	arena_free(a);
	return sound;
}

/* --- writing --- */

static enum rc last_seq(struct conn *c, uint64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT max(coalesce((SELECT max(seq) FROM transition), 0), "
			       "coalesce((SELECT max(last_seq) FROM transition_pack), 0))");
	*out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

static enum rc insert_pack(struct conn *c, uint64_t first_seq, const struct packed *p, struct err *err)
{
	struct buf body = BUF_INIT(2 * BODY_MOST);
	write_pack(p, &body);
	struct sql *q = sql(c, "INSERT INTO transition_pack (last_seq, first_seq, rows, body) "
			       "VALUES (?, ?, ?, ?)");
	sql_int(q, 1, (int64_t)(first_seq + p->n - 1));
	sql_int(q, 2, (int64_t)first_seq);
	sql_int(q, 3, p->n);
	sql_blob(q, 4, buf_str(&body));
	enum rc rc = sql_run(q, err);
	buf_free(&body);
	return rc;
}

static enum rc insert_row(struct tx *tx, uint64_t seq, const struct told *t, struct err *err)
{
	char raw[16];
	struct sql *q = sql(tx_conn(tx), "INSERT INTO transition (seq, at_us, finding, what, tlp, exercise) "
					 "VALUES (?, ?, ?, ?, ?, ?)");
	id_bytes(t->finding, raw);
	sql_int(q, 1, (int64_t)seq);
	sql_int(q, 2, tx_now_us(tx));
	sql_blob(q, 3, str_mem(raw, 16));
	sql_int(q, 4, t->what);
	sql_int(q, 5, t->tlp);
	sql_int(q, 6, t->exercise);
	return sql_run(q, err);
}

enum rc transitions_add(struct tx *tx, const struct told *list, size_t n, struct err *err)
{
	uint64_t last = 0;
	enum rc rc = n ? last_seq(tx_conn(tx), &last, err) : RC_OK;
	while (n >= FEW && rc == RC_OK) {
		struct packed p = { .list = list, .now_us = tx_now_us(tx),
				    .n = n < PACK_ROWS ? (uint32_t)n : PACK_ROWS };
		rc = insert_pack(tx_conn(tx), last + 1, &p, err);
		last += p.n;
		list += p.n;
		n -= p.n;
	}
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = insert_row(tx, ++last, &list[i], err);
	return rc;
}

/* --- rows that became many --- */

struct packing {
	struct told list[PACK_ROWS];
	int64_t at_us[PACK_ROWS];
	uint64_t first;
	uint32_t n;
};

static enum rc pack_job(struct tx *tx, void *ctx, struct err *err)
{
	struct packing *p = ctx;
	const struct packed packed = { .list = p->list, .at_us = p->at_us, .n = p->n };
	struct sql *q = sql(tx_conn(tx), "DELETE FROM transition WHERE seq BETWEEN ? AND ?");
	sql_int(q, 1, (int64_t)p->first);
	sql_int(q, 2, (int64_t)(p->first + p->n - 1));
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && sql_changes(tx_conn(tx)) != p->n)
		return fail(err, RC_CONFLICT, "transitions changed meanwhile");
	return rc == RC_OK ? insert_pack(tx_conn(tx), p->first, &packed, err) : rc;
}

/* The oldest rows that follow each other; the newest stay rows. */
static enum rc read_rows(struct conn *c, struct packing *p, struct err *err)
{
	struct sql *q = sql(c, "SELECT seq, at_us, finding, what, tlp, exercise FROM transition ORDER BY seq "
			       "LIMIT 4096");
	while (p->n < PACK_ROWS && sql_row(q)) {
		uint64_t seq = (uint64_t)sql_col_int(q, 0);
		if (p->n && seq != p->first + p->n)
			break;
		if (!p->n)
			p->first = seq;
		p->at_us[p->n] = sql_col_int(q, 1);
		p->list[p->n++] = (struct told){ id_of_bytes(sql_col_blob(q, 2)),
						 (uint8_t)sql_col_int(q, 3), (uint8_t)sql_col_int(q, 4),
						 sql_col_int(q, 5) != 0 };
	}
	return sql_end(q, err);
}

enum rc transitions_pack(struct store *s, uint32_t least, bool *did_out, struct err *err)
{
	struct packing *p = x_alloc(sizeof(*p));
	struct reader *r;
	bool many = false;
	*did_out = false;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK) {
		struct sql *q = sql(reader_conn(r), "SELECT count(*) FROM (SELECT 1 FROM transition LIMIT ?)");
		sql_int(q, 1, least);
		many = sql_row(q) && sql_col_int(q, 0) == least;
		rc = sql_end(q, err);
		if (rc == RC_OK && many)
			rc = read_rows(reader_conn(r), p, err);
		store_read_end(r);
	}
	if (rc == RC_OK && many) {
		rc = store_write(s, pack_job, p, err);
		*did_out = rc == RC_OK;
	}
	free(p);
	return rc == RC_CONFLICT ? RC_OK : rc;
}
