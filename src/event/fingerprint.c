/* SPDX-License-Identifier: Apache-2.0 */
#include "event/fingerprint.h"

#include <stdlib.h>

/* What says nothing of the event itself, or is ours. */
static bool is_ours(uint8_t field)
{
	switch (field) {
	case FIELD_TIME_OBSERVATION:
	case FIELD_FEED_ACCURACY:
	case FIELD_FEED_CODE:
	case FIELD_FEED_DOCUMENTATION:
	case FIELD_FEED_NAME:
	case FIELD_FEED_PROVIDER:
	case FIELD_FEED_URL:
	case FIELD_EVENT_HASH:
	case FIELD_EXERCISE:
	case FIELD_RAW:
	case FIELD_RONDA_CONCERNS:
	case FIELD_RONDA_TIME_ASSUMED:
		return true;
	default:
		return false;
	}
}

static char *put64(char *to, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		to[i] = (char)(v >> (8 * i));
	return to + 8;
}

/* field, kind, length of name, length of value, name, value: nothing two
 * different events could share. */
static void put_cell(struct buf *out, const struct batch *b, const struct cell *c)
{
	bool number = c->kind <= CELL_TIME;
	str key = c->field == FIELD_EXTRA ? batch_key(b, c->key) : STR_NONE;
	str value = number ? STR_NONE : str_mem(b->text + c->at, c->n);
	char *to = buf_room(out, 18 + key.n + value.n), *start = to;
	if (!to)
		return;
	*to++ = (char)c->field;
	*to++ = (char)c->kind;
	to = put64(to, (uint64_t)key.n << 32 | value.n);
	if (key.n)
		memcpy(to, key.p, key.n);
	to += key.n;
	if (number)
		to = put64(to, (uint64_t)c->i);
	else if (value.n)
		memcpy(to, value.p, value.n);
	out->n += (size_t)(to - start) + (number ? 0 : value.n);
}

static int by_key(const void *x, const void *y, void *ctx)
{
	const struct batch *b = ctx;
	const struct cell *const *p = x, *const *q = y;
	return str_cmp(batch_key(b, (*p)->key), batch_key(b, (*q)->key));
}

/* A batch numbers its extra keys as they come; the hash must not depend on
 * what else was in the batch, so they are taken by name. */
static void put_extras(struct buf *out, const struct batch *b, const struct cell *c, uint32_t n)
{
	const struct cell *order[EVENT_CELLS_MAX];
	void *ctx = (void *)(uintptr_t)b; /* qsort_r takes no const */
	bool sorted = true;
	n = n < EVENT_CELLS_MAX ? n : EVENT_CELLS_MAX;
	for (uint32_t i = 0; i < n; i++) {
		order[i] = &c[i];
		sorted = sorted && (!i || by_key(&order[i - 1], &order[i], ctx) < 0);
	}
	if (!sorted)
		qsort_r(order, n, sizeof(*order), by_key, ctx);
	for (uint32_t i = 0; i < n; i++)
		put_cell(out, b, order[i]);
}

static void put_row(struct buf *out, const struct batch *b, const struct row *r)
{
	const struct cell *c = b->cell + r->first_cell, *end = c + r->cells;
	buf_reset(out);
	for (; c < end && c->field != FIELD_EXTRA; c++)
		if (!is_ours(c->field))
			put_cell(out, b, c);
	if (c < end)
		put_extras(out, b, c, (uint32_t)(end - c));
}

struct hash128 event_fingerprint(const struct key *key, const struct batch *b, const struct row *r,
				 struct buf *scratch)
{
	put_row(scratch, b, r);
	if (!scratch->over)
		return keyed_hash128_raw(key, buf_str(scratch));
	/* never a hash of only a part: two events would be one */
	struct buf all = BUF_INIT(SIZE_MAX / 2);
	put_row(&all, b, r);
	struct hash128 h = keyed_hash128_raw(key, buf_str(&all));
	buf_free(&all);
	return h;
}
