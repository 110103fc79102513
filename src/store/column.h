/* SPDX-License-Identifier: Apache-2.0 */
/* column.h: the values of one column of a chunk, as bytes and back.
 *
 * A column holds the values of one (field, extra key, kind) for the rows that
 * have one. It chooses the smallest of a few plain shapes (one value for all,
 * a dictionary with small numbers, a value each); numbers are kept as distances
 * in as many bytes as the largest needs, byte by byte place ("planes"), so that
 * the compressor behind sees like next to like. docs/format-events.md has the
 * bytes.
 *
 * Reading takes bytes that may be damaged: every count is bounded before memory
 * is taken by it, and what is wrong ends as false. */
#ifndef RONDA_STORE_COLUMN_H
#define RONDA_STORE_COLUMN_H

#include "base/arena.h"
#include "base/buf.h"
#include "event/batch.h"

/* What a row has beside its cells; these stand where fields stand. */
enum {
	COLUMN_INPUT = 240,
	COLUMN_RAW_GAP = 241,   /* raw_offset less the end of the row before */
	COLUMN_RAW_BYTES = 242,
	COLUMN_LINE = 243,
	COLUMN_REPORT = 244,
	COLUMN_RECEIVED = 245,
	COLUMN_FINGERPRINT = 246
};

/* Of numbers, floats (their bits), booleans and times `i`; else `s`. */
struct value {
	union {
		int64_t i;
		str s;
	};
};

/* The rows (ascending, of `all`) and values of one column. */
struct column_in {
	enum cell_kind kind;
	uint32_t all, n; /* rows of the chunk; rows that have a value */
	const uint16_t *row;
	const struct value *value;
};

/* Working memory of column_write(), kept from one column to the next. */
struct column_scratch {
	uint64_t seed; /* of the hash that finds equal values: random */
	uint16_t slot[2 * BATCH_ROWS];
	uint16_t index[BATCH_ROWS];
	uint16_t first[BATCH_ROWS]; /* where a distinct value stands first */
	struct value pick[BATCH_ROWS];
	int64_t number[BATCH_ROWS];
	unsigned char plane[BATCH_ROWS];
};
void column_write(struct column_scratch *scratch, const struct column_in *in, struct buf *out);

/* A column read back: `n` rows, each with one of `values` values. */
struct column {
	enum cell_kind kind;
	uint32_t n, values;
	const uint16_t *row;   /* NULL: all rows, row j at j */
	const uint16_t *index; /* NULL: value j, or the only one */
	const int64_t *number; /* numbers, floats, booleans, times */
	const unsigned char *fixed; /* 16 bytes each of IP, 17 of NET */
	const uint32_t *at;    /* texts: where each begins in bytes, and the end */
	const char *bytes;
};
/* `w` is left behind the column; false: damaged. Memory is taken from `a`;
 * `*cells` is what may still be taken in rows, and is lessened. */
bool column_read(struct wire *w, enum cell_kind kind, uint32_t all, uint64_t *cells,
		 struct arena *a, struct column *out);

bool kind_is_number(enum cell_kind k);

/* Which of the values row number j (of the column's n) has. */
static inline uint32_t column_value(const struct column *c, uint32_t j)
{
	return c->index ? c->index[j] : c->values == 1 ? 0 : j;
}
/* The bytes of value v: text, JSON, 16 or 17 bytes; not of numbers. */
str column_bytes(const struct column *c, uint32_t v);

#endif
