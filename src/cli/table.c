/* SPDX-License-Identifier: Apache-2.0 */
/* table.c: rows of results as text, CSV or JSON. */
#include <stdlib.h>

#include "base/csv.h"
#include "cli/cli_private.h"

/* Text for a terminal waits here until widths are known; then the first lot's hold. */
enum { HELD_ROWS = 500, WIDTH_MOST = 60, CELL_MOST = 4096 };
struct cli_held {
	struct arena *a; /* the cells' bytes */
	str *cells;
	size_t *width;
	size_t count, rows;
	bool fixed;      /* the widths hold */
};

struct cli_table cli_table(struct cli *c, const struct cli_column *columns, size_t count)
{
	return (struct cli_table){ .c = c, .columns = columns, .count = count };
}

int cli_list(struct cli *c, const struct cli_column *columns, size_t count, cli_rows_fn rows)
{
	struct cli_table t = cli_table(c, columns, count);
	struct reader *r = NULL;
	struct err err;
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK) {
		rc = rows(&t, r, &err);
		store_read_end(r);
	}
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

/* --- text --- */

/* Bytes from outside must not move the reader's cursor: controls, also those of C1, which
 * are two bytes of UTF-8. */
static void put_cell(struct buf *b, str v)
{
	v = str_head(v, CELL_MOST);
	for (size_t i = 0; i < v.n; i++) {
		unsigned char ch = (unsigned char)v.p[i];
		bool c1 = ch == 0xc2 && i + 1 < v.n && (unsigned char)v.p[i + 1] < 0xa0;
		buf_char(b, ch < 0x20 || ch == 0x7f || c1 ? '?' : (char)ch);
		i += c1;
	}
}

static size_t width_of(str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static void print_aligned(struct cli *c, const struct cli_held *h, const str *cells)
{
	for (size_t i = 0; i < h->count; i++) {
		cli_print(c, cells[i]);
		for (size_t w = width_of(cells[i]); i + 1 < h->count && w < h->width[i] + 2; w++)
			cli_print(c, STR(" "));
		if (i + 1 < h->count && width_of(cells[i]) >= h->width[i] + 2)
			cli_print(c, STR(" "));
	}
	cli_print(c, STR("\n"));
}

static void let_go(struct cli *c, struct cli_held *h)
{
	for (size_t i = 0; !h->fixed && i < h->rows * h->count; i++) {
		size_t w = width_of(h->cells[i]), *most = &h->width[i % h->count];
		*most = w > *most ? (w < WIDTH_MOST ? w : WIDTH_MOST) : *most;
	}
	h->fixed = true;
	for (size_t i = 0; i < h->rows; i++)
		print_aligned(c, h, h->cells + i * h->count);
	h->rows = 0;
	arena_reset(h->a);
}

static struct cli_held *held(struct cli_table *t)
{
	if (t->c->held)
		return t->c->held;
	struct cli_held *h = x_alloc(sizeof(*h));
	h->a = arena_new(KIB(64));
	h->count = t->count;
	h->cells = x_array((HELD_ROWS + 1) * t->count, sizeof(*h->cells));
	h->width = x_array(t->count, sizeof(*h->width));
	return t->c->held = h;
}

static void hold_row(struct cli_table *t, const str *values)
{
	struct cli_held *h = held(t);
	struct buf b = BUF_INIT(CELL_MOST);
	for (size_t i = 0; i < t->count; i++) {
		buf_reset(&b);
		put_cell(&b, values ? values[i] : str_of(t->columns[i].name));
		h->cells[h->rows * h->count + i] = arena_str(h->a, buf_str(&b));
	}
	buf_free(&b);
	h->rows++;
	if (h->rows > HELD_ROWS)
		let_go(t->c, h);
}

void cli_rows_end(struct cli *c)
{
	if (!c->held)
		return;
	let_go(c, c->held);
	arena_free(c->held->a);
	free(c->held->cells);
	free(c->held->width);
	free(c->held);
	c->held = NULL;
}

static void text_row(struct cli_table *t, const str *values, struct buf *b)
{
	if (t->c->terminal) {
		hold_row(t, values);
		return;
	}
	for (size_t i = 0; i < t->count; i++) {
		put_cell(b, values ? values[i] : str_of(t->columns[i].name));
		buf_char(b, i + 1 == t->count ? '\n' : '\t');
	}
}

/* --- JSON --- */

static bool is_number(str s)
{
	size_t i = s.n > 1 && s.p[0] == '-';
	for (size_t k = i; k < s.n; k++)
		if (s.p[k] < '0' || s.p[k] > '9')
			return false;
	return s.n > i && (s.p[i] != '0' || s.n == i + 1);
}

static void json_value(struct json_out *j, enum cli_kind kind, str v)
{
	switch (kind) {
	case COLUMN_TEXT: json_str(j, v); return;
	case COLUMN_NUMBER:
		if (is_number(v))
			json_raw(j, v);
		else
			json_null(j);
		return;
	case COLUMN_BOOL: json_flag(j, str_eq(v, STR("yes"))); return;
	case COLUMN_TIME:
		if (v.n && v.p[0] >= '0' && v.p[0] <= '9')
			json_str(j, v);
		else
			json_null(j);
		return;
	case COLUMN_JSON:
		if (v.n)
			json_raw(j, v);
		else
			json_null(j);
		return;
	}
}

static void json_row(const struct cli_table *t, const str *values, struct buf *b)
{
	struct json_out j = json_out(b);
	json_open(&j, '{');
	for (size_t i = 0; i < t->count; i++) {
		json_key(&j, str_of(t->columns[i].name));
		json_value(&j, t->columns[i].kind, values[i]);
	}
	json_close(&j, '}');
	buf_char(b, '\n');
}

void cli_print_json(struct cli *c, const struct buf *b)
{
	cli_print(c, buf_str(b));
	cli_print(c, STR("\n"));
}

void cli_done(struct cli *c, const char *name, str value)
{
	struct buf b = BUF_INIT(KIB(64));
	struct json_out j = json_out(&b);
	if (c->form != CLI_JSON)
		return;
	json_open(&j, '{');
	json_put_str(&j, name, value);
	json_close(&j, '}');
	cli_print_json(c, &b);
	buf_free(&b);
}

/* --- CSV, and all of them --- */

static void csv_row(const struct cli_table *t, const str *values, struct buf *b)
{
	struct csv_out csv = { .b = b, .guard = true };
	for (size_t i = 0; i < t->count; i++)
		csv_field(&csv, values ? values[i] : str_of(t->columns[i].name));
	csv_end(&csv);
}

void cli_row(struct cli_table *t, const str *values)
{
	struct buf b = BUF_INIT(MIB(4));
	switch (t->c->form) {
	case CLI_JSON:
		json_row(t, values, &b);
		break;
	case CLI_CSV:
		if (!t->header_done)
			csv_row(t, NULL, &b);
		csv_row(t, values, &b);
		break;
	case CLI_TEXT:
		if (!t->header_done)
			text_row(t, NULL, &b);
		text_row(t, values, &b);
		break;
	}
	t->header_done = true;
	cli_print(t->c, buf_str(&b));
	buf_free(&b);
}
