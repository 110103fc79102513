/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io_page.h"

enum {
	INDEX_INNER = 2,
	TABLE_INNER = 5,
	INDEX_LEAF = 10,
	TABLE_LEAF = 13,
	FILE_HEAD = 100, /* before the head of page 1 */
	LEAF_HEAD = 8,
	INNER_HEAD = 12
};
#define PAGES_TOLD_APART (UINT64_C(1) << 25)

static size_t be16(str page, size_t at)
{
	const unsigned char *p = (const unsigned char *)page.p + at;
	return (size_t)p[0] << 8 | p[1];
}

bool io_page_gap(str page, uint64_t number, size_t *from_out, size_t *until_out)
{
	if (page.n < 512 || page.n > 65536 || (page.n & (page.n - 1)) || number == 0 ||
	    number >= PAGES_TOLD_APART)
		return false;
	size_t head = number == 1 ? FILE_HEAD : 0;
	int kind = (unsigned char)page.p[head];
	bool inner = kind == INDEX_INNER || kind == TABLE_INNER;
	if (!inner && kind != INDEX_LEAF && kind != TABLE_LEAF)
		return false;
	size_t cells = be16(page, head + 3), content = be16(page, head + 5);
	size_t from = head + (inner ? INNER_HEAD : LEAF_HEAD) + 2 * cells;
	size_t until = content ? content : 65536;
	if (from >= until || until > page.n)
		return false;
	/* nothing that is in use may stand in it */
	for (size_t i = 0; i < cells; i++) {
		size_t cell = be16(page, from - 2 * cells + 2 * i);
		if (cell < until || cell >= page.n)
			return false;
	}
	size_t block = be16(page, head + 1);
	if (block && block < until)
		return false;
	*from_out = from;
	*until_out = until;
	return true;
}
