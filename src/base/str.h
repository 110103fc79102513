/* SPDX-License-Identifier: Apache-2.0 */
/* str.h: a view of bytes that someone else owns.
 *
 * Passed by value, never NUL-terminated: terminate only at the border to the
 * OS or to a library. Bytes from outside stay views until they are checked.
 * Numbers parse whole or not at all, and leave *out alone when they don't. */
#ifndef RONDA_BASE_STR_H
#define RONDA_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/rc.h"

typedef struct str {
	const char *p;
	size_t n;
} str;

#define STR(literal) ((str){ (literal), sizeof(literal) - 1 })
#define STR_INIT(literal) { (literal), sizeof(literal) - 1 }
#define STR_NONE ((str){ NULL, 0 })

/* printf: "%.*s" and its two arguments. */
#define STR_FMT "%.*s"
#define STR_ARG(s) ((s).n > 4096 ? 4096 : (int)(s).n), ((s).p ? (s).p : "")

static inline str str_of(const char *z)
{
	return (str){ z, z ? strlen(z) : 0 };
}
static inline str str_mem(const void *p, size_t n)
{
	return (str){ (const char *)p, n };
}
static inline bool str_eq(str a, str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool str_starts(str s, str head)
{
	return s.n >= head.n && (head.n == 0 || memcmp(s.p, head.p, head.n) == 0);
}
static inline bool str_ends(str s, str tail)
{
	return s.n >= tail.n && (tail.n == 0 || memcmp(s.p + s.n - tail.n, tail.p, tail.n) == 0);
}
static inline str str_from(str s, size_t at)
{
	return at >= s.n ? (str){ s.n ? s.p + s.n : s.p, 0 } : (str){ s.p + at, s.n - at };
}
static inline str str_head(str s, size_t n)
{
	return (str){ s.p, n < s.n ? n : s.n };
}

/* <0, 0, >0 by unsigned bytes, shorter first. */
int str_cmp(str a, str b);
/* ASCII only: fit for protocol words and host names. */
bool str_eq_nocase(str a, str b);
bool str_starts_nocase(str s, str head);
/* Index of the first `c` or of `needle`; s.n when there is none. */
size_t str_index(str s, char c);
size_t str_find(str s, str needle);
bool str_has(str s, char c);
/* Spaces and tabs off both ends; str_trim_all also CR and LF. */
str str_trim(str s);
str str_trim_all(str s);

/* Takes the part before `c` off the front of *s and the `c` with it; when
 * there is no `c`, takes everything. Ends when s->n == 0. */
str str_cut(str *s, char c);
/* Next line without its LF or CR LF; false when *s is used up. */
bool str_line(str *s, str *line_out);

bool str_to_u64(str s, uint64_t *out);
bool str_to_i64(str s, int64_t *out);
bool str_to_u32(str s, uint32_t *out);
/* Decimal floating point as JSON writes it; no hex, inf or nan. */
bool str_to_double(str s, double *out);
/* "64K", "1M", "2G", "512": bytes. */
bool str_to_size(str s, uint64_t *bytes_out);

/* RFC 3629: no overlong forms, surrogates or values over U+10FFFF. */
bool str_is_utf8(str s);
/* UTF-8 and free of C0 controls, DEL and NUL (TAB counts as control). */
bool str_is_plain(str s);

/* Copies into a caller's array for the OS; false (and "") when it has a NUL
 * inside or does not fit. */
bool str_to_z(str s, char *z, size_t size);

/* Constant time in the length: for secrets. */
bool str_eq_secret(str a, str b);

#endif
