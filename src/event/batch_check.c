/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of a parser child, believed only after it was copied and read
 * through. Nothing here looks at the shared area but the one copying of each
 * part; the counts come over the socket and cannot change under us. */
#include "event/batch_private.h"

#include <math.h>

#include "base/json.h"

struct check {
	struct batch *b;
	struct err *err;
	struct arena *scratch; /* for JSON; NULL until one is met */
	uint64_t text_used;    /* no two values may share so much text that it multiplies */
};

static enum rc wrong(struct check *k, const char *what, uint64_t at)
{
	return fail(k->err, RC_INPUT, "batch of the parser: %s at %llu", what,
		    (unsigned long long)at);
}

/* n bytes of text at `at`, all of them there. */
static bool text_span(struct check *k, uint64_t at, uint64_t n)
{
	uint64_t end = k->b->c.text;
	k->text_used += n;
	return n <= end && at <= end - n && k->text_used <= end;
}

static enum rc check_counts(const struct batch_counts *c, struct err *err)
{
	if (c->rows > BATCH_ROWS || c->cells > BATCH_CELLS || c->keys > BATCH_KEYS ||
	    c->rejects > BATCH_REJECTS || c->text > BATCH_TEXT)
		return fail(err, RC_INPUT, "batch of the parser: a count is over its limit");
	if (c->rejects > c->quarantined || c->quarantined > c->inputs || c->dropped > c->inputs ||
	    c->blank > c->inputs)
		return fail(err, RC_INPUT, "batch of the parser: the counts do not add up");
	return RC_OK;
}

/* Copies each used part; behind each row's cells stays room for batch_amend. */
static void copy_parts(struct batch *to, const void *area, const struct batch_counts *c)
{
	struct batch from = {0};
	batch_lay(&from, (void *)(uintptr_t)area);
	memcpy(to->row, from.row, c->rows * sizeof(*to->row));
	memcpy(to->key, from.key, c->keys * sizeof(*to->key));
	memcpy(to->reject, from.reject, c->rejects * sizeof(*to->reject));
	memcpy(to->text, from.text, c->text);
	to->c = *c;
}

/* Rows own neighbouring cells, all of them, in order. Moves them apart. */
static enum rc copy_cells(struct check *k, const void *area, const struct batch_counts *c)
{
	struct batch *b = k->b, from = {0};
	batch_lay(&from, (void *)(uintptr_t)area);
	uint32_t next = 0, place = 0;
	uint32_t spare = c->rows ? ((uint32_t)BATCH_CELLS - c->cells) / c->rows : 0;
	if (spare > BATCH_SPARE_CELLS)
		spare = BATCH_SPARE_CELLS;
	for (uint32_t i = 0; i < c->rows; i++) {
		struct row *r = &b->row[i];
		if (r->first_cell != next || r->cells > EVENT_CELLS_MAX ||
		    r->cells > c->cells - next)
			return wrong(k, "cells of a row", i);
		memcpy(b->cell + place, from.cell + next, r->cells * sizeof(struct cell));
		next += r->cells;
		r->first_cell = place;
		b->spare[i] = (uint8_t)spare;
		place += r->cells + spare;
	}
	b->c.cells = place;
	return next == c->cells ? RC_OK : wrong(k, "cells that belong to no row", next);
}

static enum rc check_keys(struct check *k)
{
	struct batch *b = k->b;
	uint32_t count = b->c.keys;
	for (uint32_t i = 0; i < count; i++) {
		const struct key_ref *key = &b->key[i];
		if (key->n == 0 || key->n > EXTRA_KEY_MAX || !text_span(k, key->at, key->n) ||
		    !str_is_plain(batch_key(b, (uint16_t)i)))
			return wrong(k, "the name of an extra field", i);
		if (!batch_key_index(b, i))
			return wrong(k, "the name of an extra field twice", i);
	}
	return RC_OK;
}

/* --- values --- */

/* The one kind each type of field has. */
static const uint8_t kind_of_type[] = {
	[FT_TEXT] = CELL_TEXT,      [FT_LOWER] = CELL_TEXT,    [FT_UPPER] = CELL_TEXT,
	[FT_IP] = CELL_IP,          [FT_NET] = CELL_NET,       [FT_FQDN] = CELL_TEXT,
	[FT_URL] = CELL_TEXT,       [FT_TIME] = CELL_TIME,     [FT_ASN] = CELL_INT,
	[FT_INT] = CELL_INT,        [FT_FLOAT] = CELL_FLOAT,   [FT_BOOL] = CELL_BOOL,
	[FT_ACCURACY] = CELL_FLOAT, [FT_REGISTRY] = CELL_TEXT, [FT_TLP] = CELL_INT,
	[FT_TAXONOMY] = CELL_TEXT,  [FT_TYPE] = CELL_TEXT,     [FT_SEVERITY] = CELL_TEXT,
	[FT_JSON] = CELL_JSON,      [FT_BASE64] = CELL_TEXT,   [FT_CONCERNS] = CELL_TEXT,
};

static bool registry_known(str s)
{
	static const str known[] = {STR_INIT("AFRINIC"), STR_INIT("APNIC"), STR_INIT("ARIN"),
				    STR_INIT("LACNIC"), STR_INIT("RIPE")};
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (str_eq(known[i], s))
			return true;
	return false;
}

static bool name_bytes(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c <= 0x20 || c == 0x7f || (c >= 'A' && c <= 'Z'))
			return false;
	}
	return s.n > 0;
}

/* One whole JSON value: "1,\"b\":2" would slip through in quotes of ours. */
static bool json_whole(struct check *k, str text)
{
	struct json_pair *pairs;
	size_t count;
	if (text.n == 0 || text.n > RECORD_MAX)
		return false;
	if (!k->scratch)
		k->scratch = arena_new(KIB(64));
	arena_reset(k->scratch);
	char *p = arena_alloc(k->scratch, text.n + 6);
	memcpy(p, "{\"v\":", 5);
	memcpy(p + 5, text.p, text.n);
	p[text.n + 5] = '}';
	return json_flat(str_mem(p, text.n + 6), k->scratch, &pairs, &count, NULL) == RC_OK &&
	       count == 1;
}

static size_t characters(str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static bool text_fits(const struct field_row *f, str s)
{
	if (f->longest && s.n > f->longest && characters(s) > f->longest)
		return false;
	switch (f->type) {
	case FT_TYPE:
		return str_eq(type_canonical(s), s) && s.n > 0;
	case FT_TAXONOMY:
		return str_eq(taxonomy_canonical(s), s) && s.n > 0;
	case FT_SEVERITY:
		return severity_rank(s) >= 0;
	case FT_REGISTRY:
		return registry_known(s);
	case FT_FQDN:
		return name_bytes(s);
	case FT_URL:
		return s.n > 0 && str_is_plain(s);
	default:
		return true;
	}
}

static bool number_fits(const struct field_row *f, enum field field, int64_t v)
{
	switch (f->type) {
	case FT_ASN:
		return v >= 1 && v <= UINT32_MAX;
	case FT_TLP:
		return v >= 0 && v < TLP_COUNT;
	default:
		return (field != FIELD_SOURCE_PORT && field != FIELD_DESTINATION_PORT) ||
		       (v >= 0 && v <= UINT16_MAX);
	}
}

/* What kind and bytes alone must be, whatever the field. */
static const char *cell_wrong(struct check *k, const struct cell *c)
{
	if (c->kind < CELL_TEXT && c->n)
		return "a number with text";
	switch (c->kind) {
	case CELL_INT:
		return NULL;
	case CELL_FLOAT:
		return isfinite(c->f) ? NULL : "a number that is not finite";
	case CELL_BOOL:
		return c->i == 0 || c->i == 1 ? NULL : "a truth value";
	case CELL_TIME:
		return c->i >= 0 && c->i < BATCH_TIME_END ? NULL : "a time";
	default:
		break;
	}
	if (c->kind >= CELL_KINDS || !text_span(k, c->at, c->n))
		return "the place of a value";
	str s = cell_text(k->b, c);
	switch (c->kind) {
	case CELL_IP:
		return s.n == 16 ? NULL : "an address";
	case CELL_NET:
		return s.n == 17 && (unsigned char)s.p[16] <= 128 ? NULL : "a network";
	case CELL_JSON:
		return str_is_utf8(s) && json_whole(k, s) ? NULL : "JSON";
	default:
		return str_is_utf8(s) && !str_has(s, '\0') ? NULL : "a text";
	}
}

static bool net_is_masked(const struct batch *b, const struct cell *c)
{
	struct net net;
	if (!cell_net(b, c, &net))
		return false;
	struct ip ip = net.ip;
	ip_mask(&ip, net.bits);
	return ip_cmp(&ip, &net.ip) == 0;
}

static enum rc check_cell(struct check *k, const struct cell *c, uint32_t row)
{
	const char *what = cell_wrong(k, c);
	if (what)
		return wrong(k, what, row);
	if (c->field == FIELD_EXTRA) {
		bool fits = c->key < k->b->c.keys && c->kind != CELL_IP && c->kind != CELL_NET &&
			    c->kind != CELL_TIME;
		return fits ? RC_OK : wrong(k, "an extra field", row);
	}
	if (c->field >= FIELD_COUNT || c->key != 0)
		return wrong(k, "a field", row);
	const struct field_row *f = field_row((enum field)c->field);
	bool fits = f->class != FIELD_OURS && c->kind == kind_of_type[f->type];
	if (fits && c->kind == CELL_INT)
		fits = number_fits(f, (enum field)c->field, c->i);
	else if (fits && c->kind == CELL_TEXT)
		fits = text_fits(f, cell_text(k->b, c));
	else if (fits && c->kind == CELL_NET)
		fits = net_is_masked(k->b, c);
	else if (fits && f->type == FT_ACCURACY)
		fits = c->f >= 0 && c->f <= 100;
	return fits ? RC_OK : wrong(k, f->name, row);
}

static enum rc check_row_order(struct check *k, uint32_t i)
{
	const struct row *r = &k->b->row[i], *before = i ? r - 1 : NULL;
	if (r->input == 0 || r->input > k->b->c.next_input || r->raw_offset > k->b->c.next_offset)
		return wrong(k, "the record of a row", i);
	if (!before)
		return RC_OK;
	bool same = r->input == before->input;
	if (same ? r->raw_offset != before->raw_offset || r->raw_bytes != before->raw_bytes
		 : r->input < before->input || r->raw_offset < before->raw_offset)
		return wrong(k, "the order of rows", i);
	return RC_OK;
}

static enum rc check_row(struct check *k, uint32_t i)
{
	const struct row *r = &k->b->row[i];
	enum rc rc = check_row_order(k, i);
	for (uint32_t n = 0; rc == RC_OK && n < r->cells; n++) {
		const struct cell *c = k->b->cell + r->first_cell + n;
		rc = check_cell(k, c, i);
		if (rc == RC_OK && n && batch_cell_cmp(k->b, c - 1, c) >= 0)
			rc = wrong(k, "the order of fields", i);
	}
	return rc;
}

static enum rc check_reject(struct check *k, uint32_t i)
{
	struct rejected *r = &k->b->reject[i];
	if (r->reason < REJECT_SYNTAX || r->reason > REJECT_FORMAT)
		return wrong(k, "the reason of a reject", i);
	if (r->words_n > 1024 || r->bytes_n > REJECT_BYTES_MAX ||
	    !text_span(k, r->words_at, r->words_n) || !text_span(k, r->bytes_at, r->bytes_n) ||
	    !str_is_plain(str_mem(k->b->text + r->words_at, r->words_n)))
		return wrong(k, "the text of a reject", i);
	if (r->input == 0 || r->input > k->b->c.next_input || (i && r->input <= r[-1].input))
		return wrong(k, "the order of rejects", i);
	r->spare = 0;
	return RC_OK;
}

/* A record is accepted or quarantined, and all are counted. */
static enum rc check_sums(struct check *k)
{
	const struct batch *b = k->b;
	uint64_t accepted = 0;
	uint32_t reject = 0;
	for (uint32_t i = 0; i < b->c.rows; i++) {
		uint64_t input = b->row[i].input;
		accepted += i == 0 || input != b->row[i - 1].input;
		while (reject < b->c.rejects && b->reject[reject].input < input)
			reject++;
		if (reject < b->c.rejects && b->reject[reject].input == input)
			return wrong(k, "a record both taken and quarantined", i);
	}
	uint64_t left = b->c.inputs,
		 parts[] = {accepted, b->c.quarantined, b->c.dropped, b->c.blank};
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (parts[i] > left)
			return wrong(k, "counts that do not add up", left);
		left -= parts[i];
	}
	return left == 0 ? RC_OK : wrong(k, "records that are not counted", left);
}

static enum rc check_all(struct check *k)
{
	enum rc rc = check_keys(k);
	for (uint32_t i = 0; rc == RC_OK && i < k->b->c.rows; i++)
		rc = check_row(k, i);
	for (uint32_t i = 0; rc == RC_OK && i < k->b->c.rejects; i++)
		rc = check_reject(k, i);
	return rc == RC_OK ? check_sums(k) : rc;
}

enum rc batch_copy_checked(struct batch *to, const void *area, const struct batch_counts *counts,
			   struct err *err)
{
	const struct batch_counts c = *counts;
	struct check k = {.b = to, .err = err};
	batch_reset(to);
	enum rc rc = check_counts(&c, err);
	if (rc != RC_OK)
		return rc;
	copy_parts(to, area, &c);
	rc = copy_cells(&k, area, &c);
	if (rc == RC_OK)
		rc = check_all(&k);
	arena_free(k.scratch);
	if (rc != RC_OK) {
		to->c.keys = BATCH_KEYS; /* so that reset empties the table */
		batch_reset(to);
	}
	return rc;
}
