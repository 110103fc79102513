/* SPDX-License-Identifier: Apache-2.0 */
/* chunk.h: up to 4,096 events as columns, and back.
 *
 * A chunk is made from parts (rows of a batch, of one report each) and is
 * self-describing: a directory of columns in front, then the columns in
 * compressed groups, so that a reader unpacks only what it asks for. Bytes are
 * read as if they could be damaged or hostile. docs/format-events.md has them. */
#ifndef RONDA_STORE_CHUNK_H
#define RONDA_STORE_CHUNK_H

#include "store/column.h"

/* Rows of one report. */
struct chunk_part {
	const struct batch *b;
	const struct row *row; /* `rows` of them, one after the other */
	uint32_t rows;
	int64_t report, received_us;
	bool exercise;               /* every row becomes one of an exercise */
	const uint64_t *fingerprint; /* one a row; NULL: not kept */
	/* when not NULL, one a row, instead of the two above */
	const int64_t *reports, *received;
};

enum chunk_effort {
	CHUNK_QUICK, /* lives for minutes: not compressed */
	CHUNK_SMALL
};
/* Rows over all parts at most BATCH_ROWS, cells at most BATCH_CELLS. RC_LIMIT:
 * over these. */
MUST_CHECK enum rc chunk_write(const struct chunk_part *parts, size_t count,
			       enum chunk_effort effort, struct buf *out, struct err *err);

struct chunk_column {
	uint8_t field; /* enum field, or COLUMN_* */
	uint8_t kind;
	str key;       /* FIELD_EXTRA: its name */
	uint32_t group, at, bytes;
	bool read;     /* `data` is there */
	struct column data;
};

struct chunk_group {
	str stored;
	uint32_t raw_bytes;
	const unsigned char *raw; /* unpacked, once asked for */
};

/* An opened chunk: lives in the arena, points into the bytes it was opened on. */
struct chunk {
	uint32_t rows;
	uint32_t columns, groups;
	struct chunk_column *column; /* by (field, key, kind) */
	struct chunk_group *group;
	uint64_t cells_left;
	struct arena *a;
	struct ZSTD_DCtx_s *unpack; /* borrowed; may be NULL */
};
/* RC_INPUT: damaged. `unpack` (may be NULL) saves making one for each chunk. */
MUST_CHECK enum rc chunk_open(struct chunk *c, str bytes, struct arena *a,
			      struct ZSTD_DCtx_s *unpack, struct err *err);
/* The columns of a field (of an extra key): index of the first, and how many
 * follow each other (one a kind). */
uint32_t chunk_find(const struct chunk *c, uint8_t field, str key, uint32_t *count_out);
MUST_CHECK enum rc chunk_column(struct chunk *c, uint32_t i, const struct column **out,
				struct err *err);
/* One number for each row of the chunk, or `absent`; in the arena. */
MUST_CHECK enum rc chunk_numbers(struct chunk *c, uint8_t field, int64_t absent,
				 const int64_t **out, struct err *err);

/* The same of a COLUMN_* field for the rows of `pick` (ascending; `n` of them) alone, 0 where there is none. */
MUST_CHECK enum rc chunk_numbers_of(struct chunk *c, uint8_t field, const uint16_t *pick, uint32_t n,
				    const int64_t **out, struct err *err);

/* Makes rows of `pick` (ascending places in the chunk; `n` of them) into a
 * batch for reading: out->row[j] is row pick[j]. Lives in the arena. */
MUST_CHECK enum rc chunk_batch(struct chunk *c, const uint16_t *pick, uint32_t n, struct batch *out,
			       struct err *err);

#endif
