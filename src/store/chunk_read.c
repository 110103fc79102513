/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk.h"

#include <math.h>
#include <zstd.h>

enum { COLUMNS_MAX = 32768 };
/* What all groups together may unpack to: a batch's text, and its numbers. */
#define UNPACKED_MAX (2 * (uint64_t)BATCH_TEXT + 64 * (uint64_t)BATCH_CELLS)

static enum rc damaged(struct err *err, const char *what)
{
	return fail(err, RC_INPUT, "chunk is damaged: %s", what);
}

static bool open_groups(struct chunk *c, struct wire *w)
{
	uint64_t n = wire_varint(w), sum = 0;
	if (w->bad || n > COLUMNS_MAX || n > wire_left(w) / 2)
		return false;
	c->groups = (uint32_t)n;
	c->group = ARENA_ARRAY(c->a, c->groups, struct chunk_group);
	for (uint32_t i = 0; i < c->groups; i++) {
		uint64_t stored = wire_varint(w), raw = wire_varint(w);
		sum += raw;
		if (w->bad || stored > UINT32_MAX || raw > UNPACKED_MAX || sum > UNPACKED_MAX ||
		    stored > raw)
			return false;
		c->group[i].stored.n = (size_t)stored;
		c->group[i].raw_bytes = (uint32_t)raw;
	}
	return true;
}

static int column_order(const struct chunk_column *x, const struct chunk_column *y)
{
	if (x->field != y->field)
		return x->field < y->field ? -1 : 1;
	int names = str_cmp(x->key, y->key);
	return names ? names : (int)x->kind - (int)y->kind;
}

static bool is_column(const struct chunk_column *c)
{
	bool per_row = c->field >= COLUMN_INPUT && c->field <= COLUMN_FINGERPRINT;
	return c->kind < CELL_KINDS && (!per_row || c->kind == CELL_INT);
}

static bool open_columns(struct chunk *c, struct wire *w)
{
	uint64_t n = wire_varint(w);
	if (w->bad || n > COLUMNS_MAX || n > wire_left(w) / 4)
		return false;
	c->columns = (uint32_t)n;
	c->column = ARENA_ARRAY(c->a, c->columns, struct chunk_column);
	uint32_t *used = ARENA_ARRAY(c->a, c->groups, uint32_t);
	for (uint32_t i = 0; i < c->columns; i++) {
		struct chunk_column *to = &c->column[i];
		to->field = wire_u8(w);
		to->kind = wire_u8(w);
		if (to->field == FIELD_EXTRA)
			to->key = wire_block(w);
		uint64_t group = wire_varint(w), bytes = wire_varint(w);
		if (w->bad || group >= c->groups || !is_column(to) ||
		    bytes > c->group[group].raw_bytes - used[group] ||
		    (i && column_order(to - 1, to) >= 0))
			return false;
		to->group = (uint32_t)group;
		to->at = used[group];
		to->bytes = (uint32_t)bytes;
		used[group] += to->bytes;
	}
	return true;
}

enum rc chunk_open(struct chunk *c, str bytes, struct arena *a, ZSTD_DCtx *unpack, struct err *err)
{
	struct wire w = wire_of(bytes);
	*c = (struct chunk){ .a = a, .unpack = unpack,
			     .cells_left = BATCH_CELLS + UINT64_C(8) * BATCH_ROWS };
	str magic = wire_bytes(&w, 4);
	if (!str_eq(magic, STR("RCK\x01")))
		return damaged(err, "it does not begin as one");
	uint64_t rows = wire_varint(&w);
	if (w.bad || rows > BATCH_ROWS || !open_groups(c, &w) || !open_columns(c, &w))
		return damaged(err, "directory");
	c->rows = (uint32_t)rows;
	for (uint32_t i = 0; i < c->groups; i++)
		c->group[i].stored = wire_bytes(&w, c->group[i].stored.n);
	if (w.bad || wire_left(&w))
		return damaged(err, "length");
	return RC_OK;
}

uint32_t chunk_find(const struct chunk *c, uint8_t field, str key, uint32_t *count_out)
{
	struct chunk_column want = { .field = field, .key = key };
	uint32_t low = 0, high = c->columns;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (column_order(&c->column[mid], &want) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	uint32_t end = low;
	while (end < c->columns && c->column[end].field == field &&
	       str_eq(c->column[end].key, key))
		end++;
	*count_out = end - low;
	return low;
}

static bool unpack_group(struct chunk *c, struct chunk_group *g)
{
	if (g->raw)
		return true;
	if (g->stored.n == g->raw_bytes) {
		g->raw = (const unsigned char *)g->stored.p;
		return true;
	}
	/* what the frame itself says must agree before memory is taken */
	if (ZSTD_getFrameContentSize(g->stored.p, g->stored.n) != g->raw_bytes)
		return false;
	unsigned char *to = arena_alloc(c->a, g->raw_bytes);
	size_t n = c->unpack ? ZSTD_decompressDCtx(c->unpack, to, g->raw_bytes, g->stored.p,
						   g->stored.n) :
			       ZSTD_decompress(to, g->raw_bytes, g->stored.p, g->stored.n);
	if (n != g->raw_bytes) /* also when it is an error code */
		return false;
	g->raw = to;
	return true;
}

static bool is_sound(const struct column *d)
{
	for (uint32_t i = 0; i < d->values; i++) {
		double f;
		switch (d->kind) {
		case CELL_BOOL:
			if (d->number[i] != 0 && d->number[i] != 1)
				return false;
			break;
		case CELL_FLOAT:
			memcpy(&f, &d->number[i], sizeof(f));
			if (!isfinite(f))
				return false;
			break;
		case CELL_NET:
			if (d->fixed[(size_t)i * 17 + 16] > 128)
				return false;
			break;
		case CELL_INT:
		case CELL_TIME:
		case CELL_TEXT:
		case CELL_JSON:
		case CELL_IP:
		case CELL_KINDS:
			return true;
		}
	}
	return true;
}

enum rc chunk_column(struct chunk *c, uint32_t i, const struct column **out, struct err *err)
{
	struct chunk_column *col = &c->column[i];
	*out = &col->data;
	if (col->read)
		return RC_OK;
	struct chunk_group *g = &c->group[col->group];
	if (!unpack_group(c, g))
		return damaged(err, "compressed bytes");
	struct wire w = wire_of(str_mem(g->raw + col->at, col->bytes));
	if (!column_read(&w, col->kind, c->rows, &c->cells_left, c->a, &col->data) ||
	    wire_left(&w) || !is_sound(&col->data))
		return damaged(err, "column");
	col->read = true;
	return RC_OK;
}

enum rc chunk_numbers(struct chunk *c, uint8_t field, int64_t absent, const int64_t **out,
		      struct err *err)
{
	uint32_t count, first = chunk_find(c, field, STR_NONE, &count);
	int64_t *v = ARENA_ARRAY(c->a, c->rows, int64_t);
	for (uint32_t r = 0; r < c->rows; r++)
		v[r] = absent;
	*out = v;
	for (uint32_t i = first; i < first + count; i++) {
		const struct column *d;
		if (!kind_is_number(c->column[i].kind))
			continue;
		enum rc rc = chunk_column(c, i, &d, err);
		if (rc)
			return rc;
		for (uint32_t j = 0; j < d->n; j++)
			v[d->row ? d->row[j] : j] = d->number[column_value(d, j)];
	}
	return RC_OK;
}

/* --- rows again --- */

enum { FEW = 24 };

struct maker {
	struct chunk *c;
	struct batch *b;
	const uint16_t *pick; /* place in the batch -> place in the chunk */
	uint32_t *filled;
	size_t text_room;
	uint16_t key;
};

static bool is_cell(const struct chunk_column *c)
{
	return c->field < FIELD_COUNT || c->field == FIELD_EXTRA;
}

static uint64_t text_add(struct maker *m, str s)
{
	uint64_t at = m->b->c.text;
	if (s.n)
		memcpy(m->b->text + at, s.p, s.n);
	m->b->c.text += s.n;
	return at;
}

/* Which of the column's values the row at this place of the chunk has; *from, 0 at first, moves along
 * with rows that are asked for in order. False: it has none. */
static bool value_of(const struct column *d, uint16_t row, uint32_t *from, uint32_t *out)
{
	uint32_t low = *from, high = d->n;
	if (!d->row) {
		*out = column_value(d, row);
		return row < d->n;
	}
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (d->row[mid] < row)
			low = mid + 1;
		else
			high = mid;
	}
	*from = low;
	if (low == d->n || d->row[low] != row)
		return false;
	*out = column_value(d, low);
	return true;
}

/* What is remembered of each value of a column, 0 at first: of a few rows in a short list, so that a handful out of
 * thousands does not cost a table of all values. */
struct by_value {
	uint64_t *all;
	uint32_t count, value[FEW];
	uint64_t of[FEW];
};

static void by_value_begin(struct by_value *k, const struct maker *m, const struct column *d)
{
	k->count = 0;
	k->all = m->b->c.rows > FEW ? ARENA_ARRAY(m->c->a, d->values, uint64_t) : NULL;
}

static uint64_t *by_value(struct by_value *k, uint32_t v)
{
	uint32_t i = 0;
	if (k->all)
		return &k->all[v];
	while (i < k->count && k->value[i] != v)
		i++;
	if (i == k->count) {
		k->value[i] = v;
		k->of[i] = 0;
		k->count++;
	}
	return &k->of[i];
}

/* Bytes the picked rows' values need when each distinct one is copied once;
 * also counts the cells of each row. */
static void measure(struct maker *m, const struct column *d)
{
	bool number = kind_is_number(d->kind);
	struct by_value seen;
	uint32_t from = 0, v;
	if (!number)
		by_value_begin(&seen, m, d);
	for (uint32_t j = 0; j < m->b->c.rows; j++) {
		if (!value_of(d, m->pick[j], &from, &v))
			continue;
		m->b->row[j].cells++;
		m->b->c.cells++;
		uint64_t *at = number ? NULL : by_value(&seen, v);
		if (at && !*at) {
			*at = 1;
			m->text_room += column_bytes(d, v).n;
		}
	}
}

static void fill(struct maker *m, const struct chunk_column *col, const struct column *d)
{
	bool number = kind_is_number(d->kind);
	struct by_value placed;
	uint32_t from = 0, v;
	if (!number)
		by_value_begin(&placed, m, d);
	for (uint32_t j = 0; j < m->b->c.rows; j++) {
		if (!value_of(d, m->pick[j], &from, &v))
			continue;
		struct cell *cell = &m->b->cell[m->b->row[j].first_cell + m->filled[j]++];
		*cell = (struct cell){ .field = col->field, .kind = col->kind, .key = m->key };
		if (number) {
			cell->i = d->number[v];
			continue;
		}
		str s = column_bytes(d, v);
		uint64_t *place = by_value(&placed, v);
		if (!*place)
			*place = text_add(m, s) + 1;
		cell->at = *place - 1;
		cell->n = (uint32_t)s.n;
	}
}

/* A column that is asked from the first row on, one after the other. */
struct walk {
	const struct column *d; /* NULL: there is none */
	uint32_t at;
};

static enum rc walk_begin(struct chunk *c, uint8_t field, struct walk *out, struct err *err)
{
	uint32_t count, first = chunk_find(c, field, STR_NONE, &count);
	*out = (struct walk){ NULL, 0 };
	return count ? chunk_column(c, first, &out->d, err) : RC_OK; /* such columns are of one kind */
}

static int64_t walk_to(struct walk *w, uint32_t row)
{
	const struct column *d = w->d;
	if (!d)
		return 0;
	if (!d->row)
		return row < d->n ? d->number[column_value(d, row)] : 0;
	while (w->at < d->n && d->row[w->at] < row)
		w->at++;
	return w->at < d->n && d->row[w->at] == row ? d->number[column_value(d, w->at)] : 0;
}

static enum rc make_rows(struct maker *m, const uint16_t *pick, uint32_t n, struct err *err)
{
	struct walk input, gap, bytes, line;
	enum rc rc = walk_begin(m->c, COLUMN_INPUT, &input, err);
	rc = rc ? rc : walk_begin(m->c, COLUMN_RAW_GAP, &gap, err);
	rc = rc ? rc : walk_begin(m->c, COLUMN_RAW_BYTES, &bytes, err);
	rc = rc ? rc : walk_begin(m->c, COLUMN_LINE, &line, err);
	if (rc)
		return rc;
	uint64_t end = 0;
	for (uint32_t r = 0, j = 0; r < m->c->rows && j < n; r++) {
		uint64_t at = end + (uint64_t)walk_to(&gap, r);
		uint32_t size = (uint32_t)walk_to(&bytes, r);
		end = at + size;
		if (pick[j] != r)
			continue;
		m->b->row[j++] = (struct row){ .input = (uint64_t)walk_to(&input, r), .raw_offset = at,
					       .raw_bytes = size, .line = (uint32_t)walk_to(&line, r) };
	}
	return RC_OK;
}

enum rc chunk_numbers_of(struct chunk *c, uint8_t field, const uint16_t *pick, uint32_t n, const int64_t **out,
			 struct err *err)
{
	struct walk w;
	int64_t *v = ARENA_ARRAY(c->a, n, int64_t);
	*out = v;
	enum rc rc = walk_begin(c, field, &w, err);
	for (uint32_t j = 0; rc == RC_OK && j < n; j++)
		v[j] = walk_to(&w, pick[j]);
	return rc;
}

/* Names are in the directory's order, so numbers and names sort alike. */
static bool make_keys(struct maker *m)
{
	struct chunk *c = m->c;
	m->b->key = ARENA_ARRAY(c->a, c->columns, struct key_ref);
	for (uint32_t i = 0; i < c->columns; i++) {
		if (c->column[i].field != FIELD_EXTRA ||
		    (i && c->column[i - 1].field == FIELD_EXTRA &&
		     str_eq(c->column[i - 1].key, c->column[i].key)))
			continue;
		str key = c->column[i].key;
		m->b->key[m->b->c.keys++] = (struct key_ref){ .at = text_add(m, key),
							      .n = (uint32_t)key.n };
	}
	return m->b->c.keys <= UINT16_MAX;
}

static uint16_t key_before(const struct chunk *c, uint32_t i, uint16_t key)
{
	if (c->column[i].field != FIELD_EXTRA)
		return 0;
	bool same = i && c->column[i - 1].field == FIELD_EXTRA &&
		    str_eq(c->column[i - 1].key, c->column[i].key);
	bool first = !i || c->column[i - 1].field != FIELD_EXTRA;
	return (uint16_t)(first ? 0 : same ? key : key + 1);
}

/* Cells of a row follow each other; a row must not say one thing twice. */
static bool is_row_sound(const struct batch *b, const struct row *r)
{
	const struct cell *c = b->cell + r->first_cell;
	for (uint32_t i = 1; i < r->cells; i++)
		if (c[i].field == c[i - 1].field && c[i].key == c[i - 1].key)
			return false;
	return true;
}

enum rc chunk_batch(struct chunk *c, const uint16_t *pick, uint32_t n, struct batch *out,
		    struct err *err)
{
	struct maker m = { .c = c, .b = out, .pick = pick,
			   .filled = ARENA_ARRAY(c->a, n, uint32_t) };
	const struct column *d;
	*out = (struct batch){ .row = ARENA_ARRAY(c->a, n, struct row), .c.rows = n };
	enum rc rc = make_rows(&m, pick, n, err);
	for (uint32_t i = 0; i < c->columns && !rc; i++) {
		m.text_room += c->column[i].key.n;
		if (is_cell(&c->column[i])) {
			rc = chunk_column(c, i, &d, err);
			if (!rc)
				measure(&m, d);
		}
	}
	if (rc)
		return rc;
	out->text = arena_alloc(c->a, m.text_room);
	out->cell = ARENA_ARRAY(c->a, out->c.cells, struct cell);
	for (uint32_t j = 0, first = 0; j < n; first += out->row[j++].cells)
		out->row[j].first_cell = first;
	if (!make_keys(&m))
		return damaged(err, "keys");
	for (uint32_t i = 0; i < c->columns; i++) {
		m.key = key_before(c, i, m.key);
		if (is_cell(&c->column[i]))
			fill(&m, &c->column[i], &c->column[i].data);
	}
	for (uint32_t j = 0; j < n; j++)
		if (!is_row_sound(out, &out->row[j]))
			return damaged(err, "a row says one thing twice");
	return RC_OK;
}
