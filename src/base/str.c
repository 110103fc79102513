/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>

int str_cmp(str a, str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

bool str_starts_nocase(str s, str head)
{
	if (s.n < head.n)
		return false;
	for (size_t i = 0; i < head.n; i++)
		if (lower((unsigned char)s.p[i]) != lower((unsigned char)head.p[i]))
			return false;
	return true;
}

bool str_eq_nocase(str a, str b)
{
	return a.n == b.n && str_starts_nocase(a, b);
}

size_t str_index(str s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
	return at ? (size_t)(at - s.p) : s.n;
}

size_t str_find(str s, str needle)
{
	if (needle.n == 0)
		return 0;
	const char *at = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
	return at ? (size_t)(at - s.p) : s.n;
}

bool str_has(str s, char c)
{
	return str_index(s, c) < s.n;
}

static str trim(str s, bool lines)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t' ||
		       (lines && (s.p[0] == '\r' || s.p[0] == '\n')))) {
		s.p++;
		s.n--;
	}
	while (s.n) {
		char c = s.p[s.n - 1];
		if (c != ' ' && c != '\t' && !(lines && (c == '\r' || c == '\n')))
			break;
		s.n--;
	}
	return s;
}

str str_trim(str s)
{
	return trim(s, false);
}

str str_trim_all(str s)
{
	return trim(s, true);
}

str str_cut(str *s, char c)
{
	size_t at = str_index(*s, c);
	str part = { s->p, at };
	*s = str_from(*s, at < s->n ? at + 1 : at);
	return part;
}

bool str_line(str *s, str *line_out)
{
	if (s->n == 0)
		return false;
	str line = str_cut(s, '\n');
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	*line_out = line;
	return true;
}

bool str_to_u64(str s, uint64_t *out)
{
	if (s.n == 0 || s.n > 20)
		return false;
	uint64_t v = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return true;
}

bool str_to_i64(str s, int64_t *out)
{
	bool minus = s.n && s.p[0] == '-';
	uint64_t v;
	if (!str_to_u64(minus ? str_from(s, 1) : s, &v))
		return false;
	if (v > (uint64_t)INT64_MAX + (minus ? 1 : 0))
		return false;
	*out = minus ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool str_to_u32(str s, uint32_t *out)
{
	uint64_t v;
	if (!str_to_u64(s, &v) || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

bool str_to_double(str s, double *out)
{
	char z[80];
	if (s.n == 0 || s.n >= sizeof(z))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("0123456789+-.eE", s.p[i]) || s.p[i] == '\0')
			return false;
	memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	char *end;
	errno = 0;
	double v = strtod(z, &end);
	if (*end || end == z || (errno == ERANGE && (v > 1 || v < -1)))
		return false;
	*out = v;
	return true;
}

bool str_to_size(str s, uint64_t *bytes_out)
{
	unsigned shift = 0;
	if (s.n) {
		switch (s.p[s.n - 1]) {
		case 'K': case 'k': shift = 10; break;
		case 'M': case 'm': shift = 20; break;
		case 'G': case 'g': shift = 30; break;
		default: break;
		}
	}
	if (shift)
		s.n--;
	uint64_t v;
	if (!str_to_u64(s, &v) || v > (UINT64_MAX >> shift))
		return false;
	*bytes_out = v << shift;
	return true;
}

bool str_is_utf8(str s)
{
	const unsigned char *p = (const unsigned char *)s.p, *end = s.n ? p + s.n : p;
	while (p < end) {
		/* Most bytes are ASCII: eight at a time. */
		uint64_t word;
		if (end - p >= 8) {
			memcpy(&word, p, 8);
			if (!(word & 0x8080808080808080u)) {
				p += 8;
				continue;
			}
		}
		unsigned c = *p++;
		if (c < 0x80)
			continue;
		unsigned more, min;
		if (c >= 0xc2 && c <= 0xdf) {
			more = 1, min = 0x80, c &= 0x1f;
		} else if ((c & 0xf0) == 0xe0) {
			more = 2, min = 0x800, c &= 0x0f;
		} else if (c >= 0xf0 && c <= 0xf4) {
			more = 3, min = 0x10000, c &= 0x07;
		} else {
			return false;
		}
		if ((size_t)(end - p) < more)
			return false;
		while (more--) {
			if ((*p & 0xc0) != 0x80)
				return false;
			c = c << 6 | (*p++ & 0x3f);
		}
		if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return false;
	}
	return true;
}

bool str_is_plain(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 0x20 || c == 0x7f)
			return false;
	}
	return str_is_utf8(s);
}

bool str_to_z(str s, char *z, size_t size)
{
	if (s.n >= size || (s.n && memchr(s.p, 0, s.n))) {
		z[0] = '\0';
		return false;
	}
	if (s.n)
		memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return true;
}

bool str_eq_secret(str a, str b)
{
	if (a.n != b.n)
		return false;
	unsigned char diff = 0;
	for (size_t i = 0; i < a.n; i++)
		diff |= (unsigned char)(a.p[i] ^ b.p[i]);
	return diff == 0;
}
