/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a batch, and adding to finished rows. */
#include "event/batch_private.h"

const char *reject_name(enum reject r)
{
	switch (r) {
	case REJECT_SYNTAX:
		return "syntax";
	case REJECT_FIELD:
		return "field";
	case REJECT_LIMIT:
		return "limit";
	case REJECT_TEXT:
		return "text";
	case REJECT_TIMEOUT:
		return "timeout";
	case REJECT_CRASH:
		return "crash";
	case REJECT_PACKING:
		return "packing";
	case REJECT_FORMAT:
		return "format";
	}
	return "?";
}

str batch_key(const struct batch *b, uint16_t key)
{
	const struct key_ref *k = &b->key[key];
	return str_mem(b->text + k->at, k->n);
}

int batch_cell_cmp(const struct batch *b, const struct cell *x, const struct cell *y)
{
	if (x->field != y->field)
		return x->field < y->field ? -1 : 1;
	if (x->field != FIELD_EXTRA || x->key == y->key)
		return 0;
	return str_cmp(batch_key(b, x->key), batch_key(b, y->key));
}

/* The first cell whose field is f or greater. */
static uint32_t lower_bound(const struct batch *b, const struct row *r, enum field f)
{
	const struct cell *cells = b->cell + r->first_cell;
	uint32_t low = 0, high = r->cells;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (cells[mid].field < f)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct cell *batch_find(const struct batch *b, const struct row *r, enum field f)
{
	uint32_t at = lower_bound(b, r, f);
	const struct cell *c = b->cell + r->first_cell + at;
	return at < r->cells && c->field == f ? c : NULL;
}

const struct cell *batch_find_extra(const struct batch *b, const struct row *r, str key)
{
	for (uint32_t i = lower_bound(b, r, FIELD_EXTRA); i < r->cells; i++) {
		const struct cell *c = b->cell + r->first_cell + i;
		if (str_eq(batch_key(b, c->key), key))
			return c;
	}
	return NULL;
}

static bool has_bytes(const struct cell *c)
{
	return c->kind >= CELL_TEXT && c->kind < CELL_KINDS;
}

str cell_text(const struct batch *b, const struct cell *c)
{
	return has_bytes(c) ? str_mem(b->text + c->at, c->n) : STR_NONE;
}

bool cell_ip(const struct batch *b, const struct cell *c, struct ip *out)
{
	if (!c || c->kind != CELL_IP)
		return false;
	memcpy(out->b, b->text + c->at, sizeof(out->b));
	return true;
}

bool cell_net(const struct batch *b, const struct cell *c, struct net *out)
{
	if (!c || c->kind != CELL_NET)
		return false;
	memcpy(out->ip.b, b->text + c->at, sizeof(out->ip.b));
	out->bits = b->text[c->at + 16];
	return true;
}

str cell_name(const struct batch *b, const struct cell *c, struct arena *a)
{
	if (c->field < FIELD_COUNT)
		return str_of(field_row((enum field)c->field)->name);
	str key = batch_key(b, c->key);
	char *p = arena_alloc(a, key.n + 6);
	memcpy(p, "extra.", 6);
	memcpy(p + 6, key.p, key.n);
	return str_mem(p, key.n + 6);
}

/* Makes room for one more cell behind the row: what was kept there, the end of
 * the array when the row is the last, or a move to the end. */
static enum rc row_grow(struct batch *b, uint32_t row)
{
	struct row *r = &b->row[row];
	if (b->spare[row]) {
		b->spare[row]--;
		return RC_OK;
	}
	uint32_t left = (uint32_t)BATCH_CELLS - b->c.cells;
	if (left < r->cells + 1)
		return RC_LIMIT;
	uint32_t spare = left - r->cells - 1;
	if (spare > BATCH_SPARE_CELLS)
		spare = BATCH_SPARE_CELLS;
	memcpy(b->cell + b->c.cells, b->cell + r->first_cell, r->cells * sizeof(struct cell));
	r->first_cell = b->c.cells;
	b->c.cells += r->cells + 1 + spare;
	b->spare[row] = (uint8_t)spare;
	return RC_OK;
}

enum rc batch_amend(struct batch *b, uint32_t row, const struct cell *value, str bytes)
{
	struct row *r = &b->row[row];
	struct cell c = *value;
	c.n = 0;
	if (has_bytes(&c) && bytes.n > BATCH_TEXT - b->c.text)
		return RC_LIMIT;
	uint32_t at = lower_bound(b, r, (enum field)c.field);
	while (at < r->cells && batch_cell_cmp(b, b->cell + r->first_cell + at, &c) < 0)
		at++;
	bool replace = at < r->cells && batch_cell_cmp(b, b->cell + r->first_cell + at, &c) == 0;
	if (!replace && row_grow(b, row) != RC_OK)
		return RC_LIMIT;
	if (has_bytes(&c)) {
		if (bytes.n)
			memcpy(b->text + b->c.text, bytes.p, bytes.n);
		c.at = b->c.text;
		c.n = (uint32_t)bytes.n;
		b->c.text += bytes.n;
	}
	struct cell *place = b->cell + r->first_cell + at;
	if (!replace) {
		memmove(place + 1, place, (r->cells - at) * sizeof(*place));
		r->cells++;
	}
	*place = c;
	return RC_OK;
}
