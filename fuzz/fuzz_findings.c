/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of a file of findings, and packed transitions, from bytes; the first
 * says which. A block that was understood is written again and read back: the
 * rows must be the same. */
#include <stdlib.h>

#include "route/finding_layer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_rows(str bytes, const struct key *key, struct arena *a, ZSTD_DCtx *unpack,
		      struct block *b, struct finding_row *rows)
{
	if (!block_open(b, bytes, key, a) || !block_need_rest(b, unpack))
		return false;
	for (uint32_t i = 0; i < b->rows; i++) {
		if (!block_row(b, i, a, &rows[i]))
			return false;
		(void)block_facts(b, i);
		(void)block_seek(b, block_hi(b, i));
	}
	return true;
}

static bool same(const struct finding_row *x, const struct finding_row *y)
{
	return id_cmp(x->id, y->id) == 0 && x->state == y->state && x->first_us == y->first_us &&
	       x->last_us == y->last_us && x->feed == y->feed && x->run == y->run &&
	       x->events == y->events && x->returns == y->returns && x->tlp == y->tlp &&
	       x->exercise == y->exercise && x->shared_address == y->shared_address &&
	       x->asn == y->asn && x->feeds == y->feeds && x->has_ip == y->has_ip &&
	       memcmp(&x->ip, &y->ip, sizeof(x->ip)) == 0 && str_eq(x->cc, y->cc) &&
	       str_eq(x->type, y->type) && str_eq(x->identifier, y->identifier) &&
	       str_eq(x->severity, y->severity) && str_eq(x->key, y->key) &&
	       str_eq(x->concerns, y->concerns) && str_eq(x->sides, y->sides) &&
	       x->seen_count == y->seen_count &&
	       (!x->seen_count || memcmp(x->seen, y->seen, x->seen_count * sizeof(*x->seen)) == 0);
}

static void try_block(str bytes, struct arena *a)
{
	static const struct key key;
	struct finding_row *rows = ARENA_ARRAY(a, 2 * BLOCK_ROWS, struct finding_row);
	ZSTD_DCtx *unpack = ZSTD_createDCtx();
	struct block b, again;
	if (read_rows(bytes, &key, a, unpack, &b, rows)) {
		struct block_writer *w = block_writer_new(&key);
		struct buf out = BUF_INIT(MIB(64));
		struct zone z;
		uint32_t n = 0;
		while (n < b.rows && block_add(w, &rows[n]))
			n++;
		if (n)
			block_finish(w, &out, &z);
		if (n && (out.over || !read_rows(buf_str(&out), &key, a, unpack, &again, rows + BLOCK_ROWS)))
			abort();
		for (uint32_t i = 0; i < n; i++)
			if (!same(&rows[i], &rows[BLOCK_ROWS + i]))
				abort();
		buf_free(&out);
		block_writer_free(w);
	}
	ZSTD_freeDCtx(unpack);
}

static bool each(void *ctx, const struct transition_row *t)
{
	*(uint64_t *)ctx += t->finding.hi;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(KIB(64));
	struct page_ref *pages;
	struct zone zones[PAGE_BLOCKS];
	uint64_t sum = 0;
	size_t n;
	if (size) {
		str bytes = str_mem(data + 1, size - 1);
		switch (data[0]) {
		case 'B': try_block(bytes, a); break;
		case 'P': (void)zones_read(bytes, zones, &n); break;
		case 'E': (void)foot_read(bytes, a, &pages, &n); break;
		case 'F': (void)filter_may_have(bytes, size); break;
		case 'T': (void)pack_read(bytes, 1, each, &sum); break;
		default: break;
		}
	}
	arena_free(a);
	return 0;
}
