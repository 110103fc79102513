/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of packed reports, as columns. docs/format.md has the bytes. */
#include <stdlib.h>
#include <zstd.h>

#include "store/column.h"
#include "store/pack_private.h"

enum { VERSION = 1, LEVEL = 9, NUMBERS = 16, TEXTS = 4 };
#define UNPACKED_MOST MIB(8)

/* --- the columns, in the order they stand --- */

static void get_numbers(const struct report *r, int64_t v[NUMBERS])
{
	int64_t all[NUMBERS] = {
		r->id,
		r->feed,
		r->state,
		r->received_us,
		(int64_t)r->bytes,
		r->parser_version,
		(int64_t)(r->next_offset - r->bytes), /* mostly 0: it was read to its end */
		(int64_t)r->next_input,
		(int64_t)r->counts.inputs,
		(int64_t)r->counts.accepted,
		(int64_t)r->counts.events,
		(int64_t)r->counts.repeats,
		(int64_t)r->counts.dropped,
		(int64_t)r->counts.blank,
		r->parse_us,
		r->exercise,
	};
	memcpy(v, all, sizeof(all));
}

static void set_numbers(struct report *r, const int64_t v[NUMBERS])
{
	*r = (struct report){
		.id = v[0],
		.feed = v[1],
		.state = v[2] == REPORT_REFUSED ? REPORT_REFUSED : REPORT_DONE,
		.received_us = v[3],
		.bytes = (uint64_t)v[4],
		.parser_version = (uint32_t)v[5],
		.next_offset = (uint64_t)v[6] + (uint64_t)v[4],
		.next_input = (uint64_t)v[7],
		.counts = { .inputs = (uint64_t)v[8],
			   .accepted = (uint64_t)v[9],
			   .events = (uint64_t)v[10],
			   .repeats = (uint64_t)v[11],
			   .dropped = (uint64_t)v[12],
			   .blank = (uint64_t)v[13] },
		.parse_us = v[14],
		.exercise = v[15] != 0,
	};
}

static void get_texts(const struct report *r, str v[TEXTS])
{
	v[0] = str_of(r->format);
	v[1] = str_of(r->file_name);
	v[2] = str_of(r->type);
	v[3] = str_of(r->words);
}

static void set_text(str s, char *to, size_t size)
{
	if (!str_to_z(s, to, size))
		(void)str_to_z(str_head(s, size - 1), to, size);
}

static void set_texts(struct report *r, const str v[TEXTS])
{
	set_text(v[0], r->format, sizeof(r->format));
	set_text(v[1], r->file_name, sizeof(r->file_name));
	set_text(v[2], r->type, sizeof(r->type));
	set_text(v[3], r->words, sizeof(r->words));
}

/* --- writing --- */

void block_pack(const struct report *r, size_t n, struct buf *out)
{
	struct column_scratch *scratch = x_alloc(sizeof(*scratch));
	struct value *value = x_array(n, sizeof(*value));
	struct buf all = BUF_INIT(UNPACKED_MOST);
	struct column_in in = { .all = (uint32_t)n, .n = (uint32_t)n, .value = value };
	scratch->seed = random_u64();
	in.kind = CELL_INT;
	for (size_t k = 0; k < NUMBERS; k++) {
		for (size_t i = 0; i < n; i++) {
			int64_t v[NUMBERS];
			get_numbers(&r[i], v);
			value[i].i = v[k];
		}
		column_write(scratch, &in, &all);
	}
	in.kind = CELL_TEXT;
	for (size_t k = 0; k < TEXTS; k++) {
		for (size_t i = 0; i < n; i++) {
			str v[TEXTS];
			get_texts(&r[i], v);
			value[i].s = v[k];
		}
		column_write(scratch, &in, &all);
	}
	buf_char(out, VERSION);
	buf_le32(out, (uint32_t)n);
	buf_le32(out, (uint32_t)all.n);
	size_t bound = ZSTD_compressBound(all.n);
	char *to = buf_room(out, bound);
	size_t packed = to ? ZSTD_compress(to, bound, all.p, all.n, LEVEL) : 0;
	out->n += ZSTD_isError(packed) ? 0 : packed; /* with that much room it does not fail */
	buf_free(&all);
	free(value);
	free(scratch);
}

/* --- reading --- */

struct block {
	int64_t first, stamp;
	uint32_t rows;
	struct arena *a;
	struct column number[NUMBERS], text[TEXTS];
};

static void block_free(void *ctx)
{
	struct block *b = ctx;
	if (b)
		arena_free(b->a);
	free(b);
}

static bool read_columns(struct block *b, struct wire *w)
{
	uint64_t cells = (uint64_t)(NUMBERS + TEXTS) * PACK_REPORTS;
	bool sound = true;
	for (size_t k = 0; k < NUMBERS && sound; k++)
		sound = column_read(w, CELL_INT, b->rows, &cells, b->a, &b->number[k]) &&
			b->number[k].n == b->rows;
	for (size_t k = 0; k < TEXTS && sound; k++)
		sound = column_read(w, CELL_TEXT, b->rows, &cells, b->a, &b->text[k]) &&
			b->text[k].n == b->rows;
	return sound && !w->bad && !wire_left(w);
}

static int64_t number_at(const struct block *b, size_t k, uint32_t row)
{
	return b->number[k].number[column_value(&b->number[k], row)];
}

static enum rc block_open(str body, struct block **out, struct err *err)
{
	struct wire w = wire_of(body);
	uint8_t version = wire_u8(&w);
	uint32_t rows = wire_le32(&w), n = wire_le32(&w);
	if (w.bad || version != VERSION || !rows || rows > PACK_REPORTS || n > UNPACKED_MOST)
		return fail(err, RC_INPUT, "a block of reports is damaged");
	struct block *b = x_alloc(sizeof(*b));
	b->a = arena_new(KIB(64));
	b->rows = rows;
	char *to = arena_alloc(b->a, n + 1);
	str packed = wire_bytes(&w, wire_left(&w));
	bool sound = ZSTD_decompress(to, n, packed.p, packed.n) == n;
	struct wire in = wire_of(str_mem(to, n));
	sound = sound && read_columns(b, &in);
	for (uint32_t i = 1; i < rows && sound; i++)
		sound = number_at(b, 0, i) > number_at(b, 0, i - 1);
	if (!sound) {
		block_free(b);
		return fail(err, RC_INPUT, "a block of reports is damaged");
	}
	*out = b;
	return RC_OK;
}

static void take(const struct block *b, uint32_t row, struct report *out)
{
	int64_t v[NUMBERS];
	str t[TEXTS];
	for (size_t k = 0; k < NUMBERS; k++)
		v[k] = number_at(b, k, row);
	for (size_t k = 0; k < TEXTS; k++)
		t[k] = column_bytes(&b->text[k], column_value(&b->text[k], row));
	set_numbers(out, v);
	set_texts(out, t);
}

enum rc block_each(str body, void (*each)(void *ctx, const struct report *r), void *ctx,
		   struct err *err)
{
	struct block *b;
	struct report r;
	enum rc rc = block_open(body, &b, err);
	if (rc != RC_OK)
		return rc;
	for (uint32_t i = 0; i < b->rows; i++) {
		take(b, i, &r);
		each(ctx, &r);
	}
	block_free(b);
	return RC_OK;
}

static bool find_row(const struct block *b, int64_t id, uint32_t *row_out)
{
	uint32_t lo = 0, hi = b->rows;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (number_at(b, 0, mid) < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	*row_out = lo;
	return lo < b->rows && number_at(b, 0, lo) == id;
}

/* Whoever walks over events asks for one report after the other, so a block is
 * read once for thousands. Its stamp says whether what the connection sees now is
 * what was read: a commit that failed may have been followed by another one. */
static enum rc open_kept(struct conn *c, int64_t first, int64_t stamp, struct block **out,
			 struct err *err)
{
	*out = conn_kept(c);
	if (*out && (*out)->first == first && (*out)->stamp == stamp)
		return RC_OK;
	conn_keep(c, NULL, NULL);
	struct sql *q = sql(c, "SELECT body FROM report_block WHERE first = ?");
	sql_int(q, 1, first);
	enum rc rc = RC_OK;
	if (sql_row(q))
		rc = block_open(sql_col_blob(q, 0), out, err);
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	rc = rc == RC_OK ? end : rc;
	if (rc != RC_OK)
		return rc;
	(*out)->first = first;
	(*out)->stamp = stamp;
	conn_keep(c, *out, block_free);
	return RC_OK;
}

enum rc block_find(struct conn *c, int64_t id, struct report *out, bool *found_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT first, last, stamp FROM report_block WHERE first <= ?"
			       " ORDER BY first DESC LIMIT 1");
	int64_t first = 0, stamp = 0;
	sql_int(q, 1, id);
	*found_out = sql_row(q) && sql_col_int(q, 1) >= id;
	if (*found_out) {
		first = sql_col_int(q, 0);
		stamp = sql_col_int(q, 2);
	}
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || !*found_out)
		return rc;
	struct block *b;
	uint32_t row;
	rc = open_kept(c, first, stamp, &b, err);
	*found_out = rc == RC_OK && find_row(b, id, &row);
	if (*found_out)
		take(b, row, out);
	return rc;
}

struct erasing {
	struct report *r;
	size_t n;
	int64_t id;
};

static void take_over(void *ctx, const struct report *r)
{
	struct erasing *e = ctx;
	struct report *to = &e->r[e->n++];
	*to = *r;
	if (r->id == e->id)
		to->file_name[0] = to->words[0] = '\0';
}

static enum rc name_body(struct tx *tx, int64_t first, str body, struct err *err)
{
	struct sql *q =
		sql(tx_conn(tx), "UPDATE report_block SET body = ?, stamp = ? WHERE first = ?");
	sql_blob(q, 1, body);
	sql_int(q, 2, (int64_t)(random_u64() >> 1));
	sql_int(q, 3, first);
	return sql_run(q, err);
}

enum rc block_erase(struct tx *tx, int64_t id, struct err *err)
{
	struct erasing e = { .r = x_array(PACK_REPORTS, sizeof(*e.r)), .id = id };
	struct buf body = BUF_INIT(MIB(16));
	struct sql *q = sql(tx_conn(tx), "SELECT first, last, body FROM report_block"
					 " WHERE first <= ? ORDER BY first DESC LIMIT 1");
	int64_t first = 0;
	enum rc rc = RC_OK;
	sql_int(q, 1, id);
	if (sql_row(q) && sql_col_int(q, 1) >= id) {
		first = sql_col_int(q, 0);
		rc = block_each(sql_col_blob(q, 2), take_over, &e, err);
	}
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	rc = rc == RC_OK ? end : rc;
	if (rc == RC_OK && e.n) {
		block_pack(e.r, e.n, &body);
		rc = name_body(tx, first, buf_str(&body), err);
	}
	buf_free(&body);
	free(e.r);
	return rc;
}
