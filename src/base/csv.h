/* SPDX-License-Identifier: Apache-2.0 */
/* csv.h: comma-separated values (RFC 4180) in and out.
 *
 * In: a record may span lines inside quotes; any one-byte delimiter; CRLF or
 * LF. Out: every field quoted; with `guard` a leading = + - @ TAB CR gets a
 * quote sign before it, so that a spreadsheet runs nothing. */
#ifndef RONDA_BASE_CSV_H
#define RONDA_BASE_CSV_H

#include "base/arena.h"
#include "base/buf.h"

enum { CSV_COLUMNS_MAX = 1000 };
#define CSV_FIELD_MAX MIB(1)

/* Bytes of the first record with its line end; 0 when the window holds no
 * whole record (then, if `last`, all of it is the record). */
size_t csv_frame(str window, char quote, bool last);

/* Splits one record (without regard to its line end) into at most `most`
 * fields. Doubled quotes are undone into `a`; other fields point into the
 * record. RC_INPUT: quote not closed, bytes behind a closing quote. RC_LIMIT:
 * columns or a field over the limit. */
MUST_CHECK enum rc csv_split(str record, char delimiter, char quote, struct arena *a, str *fields,
			     size_t most, size_t *count_out, struct err *err);

struct csv_out {
	struct buf *b;
	bool guard, comma;
};
void csv_field(struct csv_out *c, str s);
void csv_end(struct csv_out *c); /* CRLF */

#endif
