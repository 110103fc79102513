/* SPDX-License-Identifier: Apache-2.0 */
/* A chunk from bytes: every column, every row, then written again and read
 * back: what was understood once must come back the same. */
#include <stdlib.h>

#include "store/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_whole(str bytes, struct arena *a, struct chunk *c, struct batch *b)
{
	uint16_t all[BATCH_ROWS];
	for (uint32_t i = 0; i < BATCH_ROWS; i++)
		all[i] = (uint16_t)i;
	return chunk_open(c, bytes, a, NULL, NULL) == RC_OK &&
	       chunk_batch(c, all, c->rows, b, NULL) == RC_OK;
}

static void same_or_abort(const struct batch *x, const struct batch *y)
{
	if (x->c.rows != y->c.rows || x->c.cells != y->c.cells)
		abort();
	for (uint32_t r = 0; r < x->c.rows; r++) {
		const struct cell *p = x->cell + x->row[r].first_cell;
		const struct cell *q = y->cell + y->row[r].first_cell;
		if (x->row[r].cells != y->row[r].cells || x->row[r].input != y->row[r].input ||
		    x->row[r].raw_offset != y->row[r].raw_offset)
			abort();
		for (uint32_t i = 0; i < x->row[r].cells; i++)
			if (p[i].field != q[i].field || p[i].kind != q[i].kind ||
			    (kind_is_number(p[i].kind) ?
				     p[i].i != q[i].i :
				     !str_eq(cell_text(x, &p[i]), cell_text(y, &q[i]))))
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(KIB(64));
	struct buf again = BUF_INIT(MIB(64));
	struct chunk c, d;
	struct batch b, back;
	if (read_whole(str_mem(data, size), a, &c, &b)) {
		struct chunk_part part = { .b = &b, .row = b.row, .rows = b.c.rows };
		if (chunk_write(&part, 1, CHUNK_SMALL, &again, NULL) == RC_OK) {
			if (!read_whole(buf_str(&again), a, &d, &back))
				abort();
			same_or_abort(&b, &back);
		}
	}
	buf_free(&again);
	arena_free(a);
	return 0;
}
