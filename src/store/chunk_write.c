/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk.h"

#include <stdlib.h>
#include <zstd.h>

#include "base/hash.h"

/* A column smaller than this shares a compressed group with its like: a zstd
 * frame of its own would be mostly frame. */
enum { OWN_GROUP_BYTES = 600, SHARED_GROUP_BYTES = 8192 };

struct out_column {
	uint8_t field, kind;
	str key;
	uint32_t n, filled, first; /* cells; cells placed; place of the first */
	uint32_t group, bytes;
};

struct out_group {
	uint32_t raw, stored;
};

struct writer {
	struct arena *a;
	uint32_t rows, cells;
	struct out_column *column;
	uint32_t columns, column_room;
	uint32_t *sorted;
	uint16_t plain[256][CELL_KINDS]; /* field, kind -> column + 1 */
	/* extra keys: by name, over all parts */
	str *name;
	uint32_t names, name_room;
	uint16_t *name_slot; /* 2 * BATCH_CELLS at most */
	uint32_t name_mask;
	uint16_t (*extra)[CELL_KINDS]; /* name, kind -> column + 1 */
	uint16_t *row;
	struct value *value;
	struct out_group *group;
	uint32_t groups;
	struct buf shared, one, body;
	ZSTD_CCtx *pack;
	struct column_scratch *scratch;
};

enum { COLUMNS_MAX = 32768, NAMES_MAX = 16384, PER_ROW_COLUMNS = 8 };

static uint16_t column_add(struct writer *w, uint8_t field, uint8_t kind, str key)
{
	if (w->columns == w->column_room) {
		uint32_t room = w->column_room ? 2 * w->column_room : 64;
		struct out_column *more = ARENA_ARRAY(w->a, room, struct out_column);
		if (w->columns)
			memcpy(more, w->column, w->columns * sizeof(*more));
		w->column = more;
		w->column_room = room;
	}
	w->column[w->columns] = (struct out_column){ .field = field, .kind = kind, .key = key };
	return (uint16_t)++w->columns;
}

static uint32_t name_hash(uint64_t seed, str s)
{
	uint64_t h = seed;
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return (uint32_t)(h >> 32 ^ h);
}

/* The number of an extra key's name; names are one list over all parts. */
static bool name_number(struct writer *w, str name, uint32_t *out)
{
	uint32_t at = name_hash(w->scratch->seed, name) & w->name_mask;
	while (w->name_slot[at]) {
		uint32_t have = w->name_slot[at] - 1u;
		if (str_eq(w->name[have], name)) {
			*out = have;
			return true;
		}
		at = (at + 1) & w->name_mask;
	}
	if (w->names == w->name_room)
		return false;
	w->name[w->names] = name;
	w->name_slot[at] = (uint16_t)(w->names + 1);
	*out = w->names++;
	return true;
}

/* Room for the names of all parts, as far as they can differ. */
static void names_prepare(struct writer *w, const struct chunk_part *parts, size_t count)
{
	uint64_t keys = 0;
	for (size_t p = 0; p < count; p++)
		keys += parts[p].b->c.keys;
	w->name_room = keys < NAMES_MAX ? (uint32_t)keys : NAMES_MAX;
	uint32_t slots = 16;
	while (slots < 2 * w->name_room)
		slots *= 2;
	w->name_mask = slots - 1;
	w->name = ARENA_ARRAY(w->a, w->name_room + 1, str);
	w->name_slot = ARENA_ARRAY(w->a, slots, uint16_t);
	w->extra = arena_array(w->a, w->name_room + 1, sizeof(*w->extra));
}

static uint16_t *column_slot(struct writer *w, const struct cell *c, const uint32_t *numbers)
{
	return c->field == FIELD_EXTRA ? &w->extra[numbers[c->key]][c->kind] :
					 &w->plain[c->field][c->kind];
}

static bool part_names(struct writer *w, const struct chunk_part *p, uint32_t *numbers)
{
	for (uint32_t k = 0; k < p->b->c.keys; k++)
		if (!name_number(w, batch_key(p->b, (uint16_t)k), &numbers[k]))
			return false;
	return true;
}

/* An exercise is marked in the row itself, whatever the row says. */
static bool is_forced(const struct chunk_part *p, const struct cell *c)
{
	return p->exercise && c->field == FIELD_EXERCISE;
}

static void count_forced(struct writer *w, const struct chunk_part *p)
{
	if (!p->exercise || !p->rows)
		return;
	uint16_t *slot = &w->plain[FIELD_EXERCISE][CELL_BOOL];
	if (!*slot)
		*slot = column_add(w, FIELD_EXERCISE, CELL_BOOL, STR_NONE);
	w->column[*slot - 1].n += p->rows;
	w->cells += p->rows;
}

static bool count_part(struct writer *w, const struct chunk_part *p, const uint32_t *numbers)
{
	count_forced(w, p);
	for (uint32_t r = 0; r < p->rows; r++) {
		const struct cell *c = p->b->cell + p->row[r].first_cell;
		for (uint32_t i = 0; i < p->row[r].cells; i++, c++) {
			if (is_forced(p, c))
				continue;
			uint16_t *slot = column_slot(w, c, numbers);
			if (!*slot) {
				if (w->columns >= COLUMNS_MAX - PER_ROW_COLUMNS)
					return false;
				str key = c->field == FIELD_EXTRA ? w->name[numbers[c->key]] :
								    STR_NONE;
				*slot = column_add(w, c->field, c->kind, key);
			}
			w->column[*slot - 1].n++;
			w->cells++;
		}
		if (w->cells > BATCH_CELLS)
			return false;
	}
	w->rows += p->rows;
	return true;
}

static void place(struct writer *w, uint32_t column, uint32_t row, struct value v)
{
	struct out_column *c = &w->column[column];
	uint32_t at = c->first + c->filled++;
	w->row[at] = (uint16_t)row;
	w->value[at] = v;
}

static void place_part(struct writer *w, const struct chunk_part *p, const uint32_t *numbers,
		       uint32_t first_row)
{
	for (uint32_t r = 0; r < p->rows; r++) {
		const struct cell *c = p->b->cell + p->row[r].first_cell;
		if (p->exercise)
			place(w, w->plain[FIELD_EXERCISE][CELL_BOOL] - 1u, first_row + r,
			      (struct value){ .i = 1 });
		for (uint32_t i = 0; i < p->row[r].cells; i++, c++) {
			if (is_forced(p, c))
				continue;
			struct value v = { .s = STR_NONE };
			if (kind_is_number(c->kind))
				v.i = c->i;
			else
				v.s = str_mem(p->b->text + c->at, c->n);
			place(w, *column_slot(w, c, numbers) - 1u, first_row + r, v);
		}
	}
}

static uint64_t row_number(const struct chunk_part *p, uint32_t r, uint8_t which, uint64_t end)
{
	const struct row *row = &p->row[r];
	switch (which) {
	case COLUMN_INPUT:
		return row->input;
	case COLUMN_RAW_GAP:
		return row->raw_offset - end;
	case COLUMN_RAW_BYTES:
		return row->raw_bytes;
	case COLUMN_LINE:
		return row->line;
	case COLUMN_REPORT:
		return (uint64_t)(p->reports ? p->reports[r] : p->report);
	case COLUMN_RECEIVED:
		return (uint64_t)(p->received ? p->received[r] : p->received_us);
	default:
		return p->fingerprint[r];
	}
}

/* Numbers each row has beside its cells, one column each. */
static void rows_column(struct writer *w, const struct chunk_part *parts, size_t count,
			uint8_t which)
{
	uint32_t column = column_add(w, which, CELL_INT, STR_NONE) - 1u;
	uint32_t n = 0;
	uint64_t end = 0; /* of the record before */
	w->column[column].first = w->cells;
	for (size_t k = 0; k < count; k++) {
		const struct chunk_part *p = &parts[k];
		if (which == COLUMN_FINGERPRINT && !p->fingerprint) {
			n += p->rows;
			continue;
		}
		for (uint32_t r = 0; r < p->rows; r++) {
			uint64_t v = row_number(p, r, which, end);
			end = p->row[r].raw_offset + p->row[r].raw_bytes;
			place(w, column, n++, (struct value){ .i = (int64_t)v });
		}
	}
	w->column[column].n = w->column[column].filled;
	w->cells += w->column[column].n;
}

static int by_name(const void *x, const void *y, void *ctx)
{
	const struct writer *w = ctx;
	const struct out_column *a = &w->column[*(const uint32_t *)x];
	const struct out_column *b = &w->column[*(const uint32_t *)y];
	if (a->field != b->field)
		return a->field < b->field ? -1 : 1;
	int names = str_cmp(a->key, b->key);
	return names ? names : (int)a->kind - (int)b->kind;
}

/* Gives `raw` a group of its own: compressed when that helps. */
static void group_put(struct writer *w, struct buf *raw, enum chunk_effort effort)
{
	struct out_group *g = &w->group[w->groups++];
	*g = (struct out_group){ .raw = (uint32_t)raw->n, .stored = (uint32_t)raw->n };
	size_t most = ZSTD_compressBound(raw->n);
	char *to = effort == CHUNK_SMALL && raw->n > 64 ? buf_room(&w->body, most) : NULL;
	size_t n = to ? ZSTD_compressCCtx(w->pack, to, most, raw->p, raw->n, 1) : SIZE_MAX;
	if (to && !ZSTD_isError(n) && n + raw->n / 32 < raw->n) {
		w->body.n += n;
		g->stored = (uint32_t)n;
	} else {
		buf_add(&w->body, buf_str(raw));
	}
	buf_reset(raw);
}

/* The columns that wait in the shared group learn its number. */
static void shared_put(struct writer *w, uint32_t until, enum chunk_effort effort)
{
	if (!w->shared.n)
		return;
	for (uint32_t i = 0; i < until; i++)
		if (w->column[w->sorted[i]].group == UINT32_MAX)
			w->column[w->sorted[i]].group = w->groups;
	group_put(w, &w->shared, effort);
}

static void columns_put(struct writer *w, enum chunk_effort effort)
{
	for (uint32_t i = 0; i < w->columns; i++) {
		struct out_column *c = &w->column[w->sorted[i]];
		struct column_in in = { .kind = c->kind, .all = w->rows, .n = c->n,
					.row = w->row + c->first, .value = w->value + c->first };
		column_write(w->scratch, &in, &w->one);
		c->bytes = (uint32_t)w->one.n;
		if (effort == CHUNK_SMALL && w->one.n >= OWN_GROUP_BYTES) {
			c->group = w->groups;
			group_put(w, &w->one, effort);
			continue;
		}
		c->group = UINT32_MAX;
		buf_add(&w->shared, buf_str(&w->one));
		buf_reset(&w->one);
		if (effort == CHUNK_SMALL && w->shared.n >= SHARED_GROUP_BYTES)
			shared_put(w, i + 1, effort);
	}
	shared_put(w, w->columns, effort);
}

static void directory_put(const struct writer *w, struct buf *out)
{
	buf_add(out, STR("RCK\x01"));
	buf_varint(out, w->rows);
	buf_varint(out, w->groups);
	for (uint32_t i = 0; i < w->groups; i++) {
		buf_varint(out, w->group[i].stored);
		buf_varint(out, w->group[i].raw);
	}
	buf_varint(out, w->columns);
	for (uint32_t i = 0; i < w->columns; i++) {
		const struct out_column *c = &w->column[w->sorted[i]];
		buf_char(out, (char)c->field);
		buf_char(out, (char)c->kind);
		if (c->field == FIELD_EXTRA) {
			buf_varint(out, c->key.n);
			buf_add(out, c->key);
		}
		buf_varint(out, c->group);
		buf_varint(out, c->bytes);
	}
	buf_add(out, buf_str(&w->body));
}

/* Everything into columns: counted first, so that each is one piece of memory. */
static bool gather(struct writer *w, const struct chunk_part *parts, size_t count)
{
	uint32_t **numbers = ARENA_ARRAY(w->a, count, uint32_t *);
	bool fingerprint = false;
	uint64_t rows = 0;
	names_prepare(w, parts, count);
	for (size_t p = 0; p < count; p++) {
		rows += parts[p].rows;
		fingerprint |= parts[p].fingerprint != NULL;
		numbers[p] = ARENA_ARRAY(w->a, parts[p].b->c.keys, uint32_t);
		if (rows > BATCH_ROWS || !part_names(w, &parts[p], numbers[p]) ||
		    !count_part(w, &parts[p], numbers[p]))
			return false;
	}
	size_t room = w->cells + (size_t)PER_ROW_COLUMNS * w->rows;
	w->row = ARENA_ARRAY(w->a, room, uint16_t);
	w->value = ARENA_ARRAY(w->a, room, struct value);
	for (uint32_t i = 0, first = 0; i < w->columns; i++) {
		w->column[i].first = first;
		first += w->column[i].n;
	}
	for (size_t p = 0, first = 0; p < count; first += parts[p++].rows)
		place_part(w, &parts[p], numbers[p], (uint32_t)first);
	for (uint8_t f = COLUMN_INPUT; f <= COLUMN_FINGERPRINT; f++)
		if (f != COLUMN_FINGERPRINT || fingerprint)
			rows_column(w, parts, count, f);
	return true;
}

enum rc chunk_write(const struct chunk_part *parts, size_t count, enum chunk_effort effort,
		    struct buf *out, struct err *err)
{
	struct writer w = { .a = arena_new(KIB(64)),
			    .shared = BUF_INIT(MIB(64)),
			    .one = BUF_INIT(MIB(64)),
			    .body = BUF_INIT(MIB(64)) };
	enum rc rc = RC_OK;
	w.scratch = x_alloc(sizeof(*w.scratch));
	w.scratch->seed = random_u64();
	if (effort == CHUNK_SMALL)
		w.pack = ZSTD_createCCtx();
	if (!gather(&w, parts, count)) {
		rc = fail(err, RC_LIMIT, "too many rows, cells or columns for one chunk");
		goto out;
	}
	w.sorted = ARENA_ARRAY(w.a, w.columns, uint32_t);
	for (uint32_t i = 0; i < w.columns; i++)
		w.sorted[i] = i;
	qsort_r(w.sorted, w.columns, sizeof(*w.sorted), by_name, &w);
	w.group = ARENA_ARRAY(w.a, w.columns + 1, struct out_group);
	columns_put(&w, effort);
	directory_put(&w, out);
	if (w.shared.over || w.one.over || w.body.over || out->over)
		rc = fail(err, RC_LIMIT, "chunk of %u rows is too large", w.rows);
out:
	ZSTD_freeCCtx(w.pack);
	buf_free(&w.shared);
	buf_free(&w.one);
	buf_free(&w.body);
	free(w.scratch);
	arena_free(w.a);
	return rc;
}
