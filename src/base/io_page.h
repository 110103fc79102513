/* SPDX-License-Identifier: Apache-2.0 */
/* io_page.h: what a page of an SQLite database holds besides its content.
 *
 * PRAGMA secure_delete overwrites what is deleted where it stands. But when SQLite
 * (3.40) moves rows between pages to balance a tree, copies of them may stay in
 * the unallocated space of a page, and are still there when the row itself is
 * deleted later. io_vfs.c clears that space whenever a page is written to the
 * database file, so that what was deleted and folded in is in none of its bytes. */
#ifndef RONDA_BASE_IO_PAGE_H
#define RONDA_BASE_IO_PAGE_H

#include "base/str.h"

/* The unallocated space of page `number` (from 1): *from_out, *until_out are offsets
 * in it. False: it has none, is no page of a tree, or is not as it should be (SQLite's
 * file format, section 1.6). Overflow and free pages begin with a page number, which
 * looks like the kind of a tree's page only behind the 2^25th: those are left alone. */
bool io_page_gap(str page, uint64_t number, size_t *from_out, size_t *until_out);

#endif
