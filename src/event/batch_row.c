/* SPDX-License-Identifier: Apache-2.0 */
/* Writing rows and rejects. Nothing here allocates. */
#include <assert.h>
#include <math.h>
#include <stdarg.h>

#include "event/batch_private.h"

enum { SMALL_SORT = 64 };

static void row_fails(struct batch *b, enum rc rc, const char *words)
{
	if (b->failed)
		return;
	b->failed = true;
	b->fail_rc = rc;
	b->fail_words = words;
}

static bool key_of_row(struct batch *b, str key, uint16_t *out)
{
	/* Records of one format name their extra fields in the same order. */
	uint32_t guess = b->next_key;
	if (guess < b->c.keys && str_eq(batch_key(b, (uint16_t)guess), key)) {
		b->next_key = guess + 1;
		*out = (uint16_t)guess;
		return true;
	}
	if (key.n == 0 || key.n > EXTRA_KEY_MAX || !str_is_plain(key)) {
		row_fails(b, RC_INPUT, "the name of an extra field is no name");
		return false;
	}
	if (!batch_key_add(b, key, out) || b->c.keys > b->input_start.keys + EVENT_CELLS_MAX) {
		row_fails(b, RC_LIMIT, "too many names of extra fields");
		return false;
	}
	b->next_key = *out + 1u;
	return true;
}

void batch_row_begin(struct batch *b, uint64_t input, uint64_t raw_offset, uint32_t raw_bytes,
		     uint32_t line)
{
	assert(!b->open);
	bool first = b->c.rows == 0 || b->row[b->c.rows - 1].input != input;
	if (first)
		b->input_start = b->c;
	b->open = true;
	b->failed = b->fail_twice = false;
	b->has[0] = b->has[1] = 0;
	b->next_key = 0;
	b->mark_text = b->c.text;
	b->mark_keys = b->c.keys;
	if (b->c.rows == BATCH_ROWS || b->c.rows - b->input_start.rows >= INPUT_ROWS_MAX) {
		row_fails(b, RC_LIMIT, "more events of one record than may be");
		return;
	}
	b->row[b->c.rows] = (struct row){.input = input,
					 .raw_offset = raw_offset,
					 .raw_bytes = raw_bytes,
					 .line = line,
					 .first_cell = b->c.cells};
}

static struct cell *cell_new(struct batch *b, enum field f, str key, enum cell_kind kind)
{
	assert(b->open && (f < FIELD_COUNT || f == FIELD_EXTRA));
	if (b->failed)
		return NULL;
	struct row *r = &b->row[b->c.rows];
	uint16_t index = 0;
	if (r->cells == EVENT_CELLS_MAX ||
	    b->c.cells + r->cells - b->input_start.cells >= INPUT_CELLS_MAX ||
	    b->c.cells + r->cells >= BATCH_CELLS) {
		row_fails(b, RC_LIMIT, "more fields than an event may have");
		return NULL;
	}
	if (f == FIELD_EXTRA) {
		if (!key_of_row(b, key, &index))
			return NULL;
	} else {
		uint64_t bit = (uint64_t)1 << (f % 64);
		if (b->has[f / 64] & bit) {
			row_fails(b, RC_INPUT, field_row(f)->name);
			b->fail_twice = true;
			return NULL;
		}
		b->has[f / 64] |= bit;
	}
	struct cell *c = &b->cell[b->c.cells + r->cells++];
	*c = (struct cell){.field = (uint8_t)f, .kind = (uint8_t)kind, .key = index};
	return c;
}

static void put_bytes(struct batch *b, struct cell *c, const void *p, size_t n)
{
	if (n > INPUT_TEXT_MAX || b->c.text + n > b->input_start.text + INPUT_TEXT_MAX ||
	    b->c.text + n > BATCH_TEXT) {
		row_fails(b, RC_LIMIT, "more text than an event may have");
		return;
	}
	if (n)
		memcpy(b->text + b->c.text, p, n);
	c->at = b->c.text;
	c->n = (uint32_t)n;
	b->c.text += n;
}

void batch_set_int(struct batch *b, enum field f, str key, int64_t v)
{
	struct cell *c = cell_new(b, f, key, CELL_INT);
	if (c)
		c->i = v;
}

void batch_set_float(struct batch *b, enum field f, str key, double v)
{
	struct cell *c = cell_new(b, f, key, CELL_FLOAT);
	if (!c)
		return;
	if (!isfinite(v))
		row_fails(b, RC_INPUT, "a number is not finite");
	c->f = v;
}

void batch_set_bool(struct batch *b, enum field f, str key, bool v)
{
	struct cell *c = cell_new(b, f, key, CELL_BOOL);
	if (c)
		c->i = v;
}

void batch_set_time(struct batch *b, enum field f, int64_t us)
{
	struct cell *c = cell_new(b, f, STR_NONE, CELL_TIME);
	if (!c)
		return;
	if (us < 0 || us >= BATCH_TIME_END)
		row_fails(b, RC_INPUT, "a time outside 1970 to 2261");
	c->i = us;
}

static void set_text(struct batch *b, enum field f, str key, str v, enum cell_kind kind)
{
	struct cell *c = cell_new(b, f, key, kind);
	if (!c)
		return;
	if (!str_is_utf8(v) || str_has(v, '\0'))
		row_fails(b, RC_INPUT, "text that is no UTF-8 or holds a NUL");
	else
		put_bytes(b, c, v.p, v.n);
}

void batch_set_text(struct batch *b, enum field f, str key, str v)
{
	set_text(b, f, key, v, CELL_TEXT);
}

void batch_set_json(struct batch *b, enum field f, str key, str v)
{
	set_text(b, f, key, v, CELL_JSON);
}

void batch_set_ip(struct batch *b, enum field f, const struct ip *ip)
{
	struct cell *c = cell_new(b, f, STR_NONE, CELL_IP);
	if (c)
		put_bytes(b, c, ip->b, sizeof(ip->b));
}

void batch_set_net(struct batch *b, enum field f, const struct net *net)
{
	struct cell *c = cell_new(b, f, STR_NONE, CELL_NET);
	unsigned char raw[17];
	if (!c)
		return;
	memcpy(raw, net->ip.b, 16);
	raw[16] = net->bits;
	put_bytes(b, c, raw, sizeof(raw));
}

bool batch_row_has(const struct batch *b, enum field f)
{
	return b->open && f < FIELD_COUNT && (b->has[f / 64] >> (f % 64) & 1);
}

bool batch_row_has_extra(const struct batch *b, str key)
{
	const struct row *r = &b->row[b->c.rows];
	for (uint32_t i = 0; b->open && !b->failed && i < r->cells; i++) {
		const struct cell *c = &b->cell[b->c.cells + i];
		if (c->field == FIELD_EXTRA && str_eq(batch_key(b, c->key), key))
			return true;
	}
	return false;
}

bool batch_row_begun(const struct batch *b)
{
	return b->open && (b->failed || b->row[b->c.rows].cells > 0);
}

unsigned char *batch_newest_text(struct batch *b, size_t *n_out)
{
	const struct row *r = &b->row[b->c.rows];
	if (!b->open || b->failed || r->cells == 0)
		return NULL;
	const struct cell *c = &b->cell[b->c.cells + r->cells - 1];
	*n_out = c->n;
	return b->text + c->at;
}

str batch_open_text(const struct batch *b, enum field f)
{
	const struct row *r = &b->row[b->c.rows];
	if (!batch_row_has(b, f) || b->failed)
		return STR_NONE;
	for (uint32_t i = 0; i < r->cells; i++)
		if (b->cell[b->c.cells + i].field == f)
			return cell_text(b, &b->cell[b->c.cells + i]);
	return STR_NONE;
}

/* As batch_cell_cmp, by the heads the writer keeps. */
static inline int order(const struct batch *b, const struct cell *x, const struct cell *y)
{
	if (x->field != y->field)
		return x->field < y->field ? -1 : 1;
	uint64_t xh = b->key_head[x->key], yh = b->key_head[y->key];
	if (x->field != FIELD_EXTRA || x->key == y->key)
		return 0;
	if (xh != yh)
		return xh < yh ? -1 : 1;
	return str_cmp(batch_key(b, x->key), batch_key(b, y->key));
}

static int order_r(const void *x, const void *y, void *b)
{
	return order(b, x, y);
}

static void sort_cells(const struct batch *b, struct cell *cells, size_t n)
{
	if (n > SMALL_SORT) {
		qsort_r(cells, n, sizeof(*cells), order_r, (void *)b);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct cell c = cells[i];
		size_t at = i;
		while (at > 0 && order(b, &c, &cells[at - 1]) < 0) {
			cells[at] = cells[at - 1];
			at--;
		}
		cells[at] = c;
	}
}

enum rc batch_row_end(struct batch *b, struct err *err)
{
	assert(b->open);
	if (b->failed) {
		enum rc rc = b->fail_rc;
		const char *words = b->fail_words;
		batch_row_cancel(b);
		return fail(err, rc, "%s%s", words, b->fail_twice ? " is there twice" : "");
	}
	struct row *r = &b->row[b->c.rows];
	struct cell *cells = b->cell + r->first_cell;
	sort_cells(b, cells, r->cells);
	/* Fields were refused twice when they came; extra ones meet only here. */
	for (size_t i = r->cells; i > 1 && cells[i - 2].field == FIELD_EXTRA; i--) {
		if (cells[i - 1].key == cells[i - 2].key) {
			uint16_t key = cells[i - 1].key;
			fail(err, RC_INPUT, "'extra." STR_FMT "' is there twice",
			     STR_ARG(batch_key(b, key)));
			batch_row_cancel(b);
			return RC_INPUT;
		}
	}
	b->spare[b->c.rows] = 0;
	b->c.cells += r->cells;
	b->c.rows++;
	b->open = false;
	return RC_OK;
}

void batch_row_cancel(struct batch *b)
{
	if (!b->open)
		return;
	batch_keys_forget(b, b->mark_keys);
	b->c.text = b->mark_text;
	b->open = b->failed = false;
}

/* --- rejects --- */

static void input_undo(struct batch *b, uint64_t input)
{
	if (b->c.rows == 0 || b->row[b->c.rows - 1].input != input)
		return;
	batch_keys_forget(b, b->input_start.keys);
	b->c.rows = b->input_start.rows;
	b->c.cells = b->input_start.cells;
	b->c.text = b->input_start.text;
}

/* Words may quote bytes of the record: what is not plain UTF-8 becomes '?'. */
static size_t plain_words(char *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)words[i] < 0x20 || words[i] == 0x7f)
			words[i] = '?';
	if (!str_is_utf8(str_mem(words, n)))
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)words[i] >= 0x80)
				words[i] = '?';
	return n;
}

void batch_reject(struct batch *b, enum reject reason, uint64_t input, uint64_t raw_offset,
		  str record, uint32_t line, const char *fmt, ...)
{
	char words[240];
	va_list ap;
	assert(!b->open);
	input_undo(b, input);
	b->c.quarantined++;
	va_start(ap, fmt);
	int n = vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	size_t words_n = n < 0 ? 0 : (size_t)n < sizeof(words) ? (size_t)n : sizeof(words) - 1;
	words_n = plain_words(words, words_n);
	str bytes = str_head(record, REJECT_BYTES_MAX);
	if (b->c.rejects == BATCH_REJECTS || b->c.text + words_n + bytes.n > BATCH_TEXT)
		return;
	b->reject[b->c.rejects++] = (struct rejected){
		.input = input,
		.raw_offset = raw_offset,
		.raw_bytes = record.n > UINT32_MAX ? UINT32_MAX : (uint32_t)record.n,
		.line = line,
		.reason = reason,
		.words_n = (uint32_t)words_n,
		.words_at = b->c.text,
		.bytes_at = b->c.text + words_n,
		.bytes_n = (uint32_t)bytes.n,
	};
	memcpy(b->text + b->c.text, words, words_n);
	if (bytes.n)
		memcpy(b->text + b->c.text + words_n, bytes.p, bytes.n);
	b->c.text += words_n + bytes.n;
}
