/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/test.h"

/* A small generator, the same each run. */
static uint64_t next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

static void set_random(struct batch *b, uint64_t *s, enum field f, str key)
{
	char text[64];
	struct net net = { .bits = (uint8_t)(next(s) % 129) };
	int n = snprintf(text, sizeof(text), "v%u", (unsigned)(next(s) % (1u << (next(s) % 20))));
	switch (next(s) % (f == FIELD_EXTRA ? 5 : 8)) {
	case 0:
		batch_set_int(b, f, key, (int64_t)(next(s) << 33 ^ next(s)) >> (next(s) % 64));
		return;
	case 1:
		batch_set_float(b, f, key, (double)next(s) / 7.0 - 1e6);
		return;
	case 2:
		batch_set_bool(b, f, key, next(s) & 1);
		return;
	case 3:
		batch_set_text(b, f, key, str_mem(text, (size_t)n));
		return;
	case 4:
		batch_set_json(b, f, key, next(s) & 1 ? STR("[1,2]") : STR("{\"a\":\"b\"}"));
		return;
	case 5:
		batch_set_time(b, f,
			       (int64_t)(next(s) % 2000000000) * (next(s) & 1 ? SECOND_US : 777));
		return;
	default:
		for (size_t i = 0; i < 16; i++)
			net.ip.b[i] = (uint8_t)next(s);
		if (next(s) & 1)
			memcpy(net.ip.b, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		if (next(s) & 1)
			batch_set_ip(b, f, &net.ip);
		else
			batch_set_net(b, f, &net);
	}
}

static struct batch *random_batch(uint64_t seed, uint32_t rows, uint32_t fields, uint32_t keys)
{
	struct batch *b = batch_new();
	uint64_t s = seed;
	struct err err;
	uint64_t offset = next(&s) % 1000;
	for (uint32_t r = 0; r < rows; r++) {
		uint32_t bytes = (uint32_t)(next(&s) % 500);
		batch_row_begin(b, r + 1, offset, bytes, r % 7 ? r : UINT32_MAX);
		for (uint32_t f = 0; f < fields; f++)
			if (next(&s) % 8 > f % 9)
				set_random(b, &s, (enum field)(f % FIELD_COUNT), STR_NONE);
		for (uint32_t k = 0; k < keys && k < 3; k++) {
			char name[32];
			int n = snprintf(name, sizeof(name), "k%u", (r * 3 + k) % keys);
			set_random(b, &s, FIELD_EXTRA, str_mem(name, (size_t)n));
		}
		CHECK_RC(batch_row_end(b, &err), RC_OK, err);
		offset += bytes + 1;
	}
	return b;
}

static bool same_row(const struct batch *x, const struct row *p, const struct batch *y,
		     const struct row *q)
{
	if (p->input != q->input || p->raw_offset != q->raw_offset ||
	    p->raw_bytes != q->raw_bytes || p->line != q->line || p->cells != q->cells)
		return false;
	for (uint32_t i = 0; i < p->cells; i++) {
		const struct cell *a = x->cell + p->first_cell + i;
		const struct cell *b = y->cell + q->first_cell + i;
		if (a->field != b->field || a->kind != b->kind || a->n != b->n)
			return false;
		if (a->field == FIELD_EXTRA && !str_eq(batch_key(x, a->key), batch_key(y, b->key)))
			return false;
		if (kind_is_number(a->kind) ? a->i != b->i :
					      memcmp(x->text + a->at, y->text + b->at, a->n) != 0)
			return false;
	}
	return true;
}

static enum rc read_all(str bytes, struct arena *a, struct batch *out, struct chunk *c,
			struct err *err)
{
	enum rc rc = chunk_open(c, bytes, a, NULL, err);
	uint16_t all[BATCH_ROWS];
	for (uint32_t i = 0; i < BATCH_ROWS; i++)
		all[i] = (uint16_t)i;
	return rc ? rc : chunk_batch(c, all, c->rows, out, err);
}

static void check_round(const struct batch *b, enum chunk_effort effort, const char *what)
{
	struct buf bytes = BUF_INIT(MIB(64));
	struct arena *a = arena_new(KIB(64));
	struct err err;
	struct chunk c;
	struct batch back;
	struct chunk_part part = { .b = b, .row = b->row, .rows = b->c.rows, .report = 7,
				   .received_us = 9 };
	CHECK_RC(chunk_write(&part, 1, effort, &bytes, &err), RC_OK, err);
	CHECK_RC(read_all(buf_str(&bytes), a, &back, &c, &err), RC_OK, err);
	CHECK_INT(back.c.rows, b->c.rows);
	uint32_t wrong = 0;
	for (uint32_t r = 0; r < b->c.rows && r < back.c.rows; r++)
		wrong += !same_row(b, &b->row[r], &back, &back.row[r]);
	CHECK_MSG(wrong == 0, "%s: %u rows differ", what, wrong);
	const int64_t *report;
	CHECK_RC(chunk_numbers(&c, COLUMN_REPORT, -1, &report, &err), RC_OK, err);
	for (uint32_t r = 0; r < c.rows; r++)
		CHECK_INT(report[r], 7);
	arena_free(a);
	buf_free(&bytes);
}

TEST(round_trip)
{
	static const struct {
		const char *what;
		uint32_t rows, fields, keys;
	} cases[] = {
		{ "nothing", 0, 0, 0 },	      { "one row", 1, 40, 2 },
		{ "a row without cells", 1, 0, 0 }, { "two rows", 2, 88, 3 },
		{ "a few", 50, 88, 5 },	      { "full", BATCH_ROWS, 30, 4 },
		{ "sparse", 3000, 9, 1000 },    { "keys", 1000, 2, 3000 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (uint64_t seed = 1; seed < 3; seed++) {
			struct batch *b = random_batch(seed + i * 100, cases[i].rows,
						       cases[i].fields, cases[i].keys);
			check_round(b, CHUNK_SMALL, cases[i].what);
			check_round(b, CHUNK_QUICK, cases[i].what);
			batch_free(b);
		}
}

TEST(parts_and_picks)
{
	struct batch *x = random_batch(5, 100, 20, 10), *y = random_batch(6, 60, 30, 12);
	uint64_t print[60];
	for (size_t i = 0; i < 60; i++)
		print[i] = i * i << 40;
	struct chunk_part parts[] = {
		{ .b = x, .row = x->row, .rows = 100, .report = 1, .received_us = 10 },
		{ .b = y, .row = y->row, .rows = 60, .report = 2, .received_us = 20,
		  .exercise = true, .fingerprint = print },
	};
	struct buf bytes = BUF_INIT(MIB(64));
	struct arena *a = arena_new(KIB(64));
	struct err err;
	struct chunk c;
	struct batch back;
	CHECK_RC(chunk_write(parts, 2, CHUNK_SMALL, &bytes, &err), RC_OK, err);
	CHECK_RC(chunk_open(&c, buf_str(&bytes), a, NULL, &err), RC_OK, err);
	static const uint16_t pick[] = { 3, 99, 100, 159 };
	CHECK_RC(chunk_batch(&c, pick, 4, &back, &err), RC_OK, err);
	CHECK(same_row(x, &x->row[3], &back, &back.row[0]));
	CHECK(same_row(x, &x->row[99], &back, &back.row[1]));
	CHECK_INT(back.row[3].raw_offset, y->row[59].raw_offset);
	const struct cell *e = batch_find(&back, &back.row[2], FIELD_EXERCISE);
	CHECK(e && e->kind == CELL_BOOL && e->i == 1);
	const int64_t *n;
	CHECK_RC(chunk_numbers(&c, COLUMN_RECEIVED, -1, &n, &err), RC_OK, err);
	CHECK_INT(n[99], 10);
	CHECK_INT(n[100], 20);
	CHECK_RC(chunk_numbers(&c, COLUMN_FINGERPRINT, -1, &n, &err), RC_OK, err);
	CHECK_INT(n[99], -1);
	CHECK_INT(n[103], (int64_t)print[3]);
	arena_free(a);
	buf_free(&bytes);
	batch_free(x);
	batch_free(y);
}

/* A handful of rows, and more of them than are remembered in a short list: the same as all of them. */
TEST(some_rows)
{
	static const uint32_t counts[] = { 0, 1, 23, 24, 25, 150 };
	static const uint8_t columns[] = { COLUMN_INPUT, COLUMN_RAW_BYTES, COLUMN_LINE, COLUMN_REPORT, COLUMN_RECEIVED,
					   COLUMN_FINGERPRINT };
	struct batch *x = random_batch(8, 300, 40, 6);
	uint64_t print[10] = { 7, 8, 9 };
	struct chunk_part parts[] = {
		{ .b = x, .row = x->row, .rows = 290, .report = 1, .received_us = 10 },
		{ .b = x, .row = x->row + 290, .rows = 10, .report = 2, .received_us = 20, .fingerprint = print },
	};
	struct buf bytes = BUF_INIT(MIB(64));
	struct arena *a = arena_new(KIB(64));
	struct err err;
	CHECK_RC(chunk_write(parts, 2, CHUNK_SMALL, &bytes, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		uint16_t pick[300];
		uint32_t n = 0;
		struct chunk c;
		struct batch back;
		const int64_t *all, *some;
		for (uint32_t r = 0; r < 300 && n < counts[i]; r += 300 / counts[i])
			pick[n++] = (uint16_t)r;
		arena_reset(a);
		CHECK_RC(chunk_open(&c, buf_str(&bytes), a, NULL, &err), RC_OK, err);
		CHECK_RC(chunk_batch(&c, pick, n, &back, &err), RC_OK, err);
		for (uint32_t j = 0; j < n; j++)
			CHECK_MSG(same_row(x, &x->row[pick[j]], &back, &back.row[j]), "%u rows: row %u", n, pick[j]);
		for (size_t k = 0; k < COUNT_OF(columns); k++) {
			CHECK_RC(chunk_numbers(&c, columns[k], 0, &all, &err), RC_OK, err);
			CHECK_RC(chunk_numbers_of(&c, columns[k], pick, n, &some, &err), RC_OK, err);
			for (uint32_t j = 0; j < n; j++)
				CHECK_MSG(some[j] == all[pick[j]], "column %u, row %u", columns[k], pick[j]);
		}
	}
	arena_free(a);
	buf_free(&bytes);
	batch_free(x);
}

TEST(too_much)
{
	struct batch *x = random_batch(5, BATCH_ROWS, 1, 0);
	struct chunk_part parts[] = { { .b = x, .row = x->row, .rows = BATCH_ROWS },
				      { .b = x, .row = x->row, .rows = 1 } };
	struct buf bytes = BUF_INIT(MIB(64)), small = BUF_INIT(100);
	struct err err;
	CHECK_RC(chunk_write(parts, 2, CHUNK_SMALL, &bytes, &err), RC_LIMIT, err);
	CHECK_RC(chunk_write(parts, 1, CHUNK_SMALL, &small, &err), RC_LIMIT, err);
	buf_free(&bytes);
	buf_free(&small);
	batch_free(x);
}

/* Every byte flipped, and every cut: told, or a chunk of some sort; no crash. */
static void damage(enum chunk_effort effort)
{
	struct batch *b = random_batch(77, 24, 50, 5);
	struct buf bytes = BUF_INIT(MIB(64));
	struct arena *a = arena_new(KIB(64));
	struct err err;
	struct chunk c;
	struct batch back;
	struct chunk_part part = { .b = b, .row = b->row, .rows = b->c.rows };
	CHECK_RC(chunk_write(&part, 1, effort, &bytes, &err), RC_OK, err);
	for (size_t i = 0; i < bytes.n; i++)
		for (unsigned bit = 0; bit < 8; bit += 5) {
			bytes.p[i] = (char)(bytes.p[i] ^ 1 << bit);
			enum rc rc = read_all(buf_str(&bytes), a, &back, &c, &err);
			CHECK(rc == RC_OK || rc == RC_INPUT);
			bytes.p[i] = (char)(bytes.p[i] ^ 1 << bit);
			arena_reset(a);
		}
	for (size_t n = 0; n < bytes.n; n++) {
		CHECK_RC(read_all(str_mem(bytes.p, n), a, &back, &c, &err), RC_INPUT, err);
		arena_reset(a);
	}
	arena_free(a);
	buf_free(&bytes);
	batch_free(b);
}

TEST(damaged)
{
	damage(CHUNK_SMALL);
	damage(CHUNK_QUICK);
}

TEST_MAIN(TEST_RUN(round_trip), TEST_RUN(parts_and_picks), TEST_RUN(some_rows), TEST_RUN(too_much), TEST_RUN(damaged))
