/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_private.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Percent-decodes into `a`; `plus`: + is a space. False: a broken escape, or
 * what comes out is no UTF-8 or holds a NUL. */
static bool decode(str s, bool plus, struct arena *a, str *out)
{
	if (!str_has(s, '%') && !(plus && str_has(s, '+'))) {
		*out = s;
		return str_is_utf8(s) && !str_has(s, '\0');
	}
	char *to = arena_alloc(a, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '%') {
			int hi = s.n - i > 2 ? hex_digit(s.p[i + 1]) : -1;
			int lo = s.n - i > 2 ? hex_digit(s.p[i + 2]) : -1;
			if (hi < 0 || lo < 0)
				return false;
			c = (char)(hi * 16 + lo);
			i += 2;
		} else if (plus && c == '+') {
			c = ' ';
		}
		to[n++] = c;
	}
	*out = (str){ to, n };
	return str_is_utf8(*out) && !str_has(*out, '\0');
}

/* No "." or ".." and nothing empty between slashes. */
static bool segments_good(str path)
{
	str rest = str_from(path, 1);
	while (rest.n > 0) {
		bool more = str_has(rest, '/');
		str one = str_cut(&rest, '/');
		if (str_eq(one, STR(".")) || str_eq(one, STR("..")) || (one.n == 0 && more))
			return false;
	}
	return true;
}

bool target_parse(str target, struct arena *a, str *path_out, str *query_out, str *host_out)
{
	*host_out = STR_NONE;
	for (size_t i = 0; i < target.n; i++) {
		unsigned char c = (unsigned char)target.p[i];
		if (c <= 0x20 || c >= 0x7f || c == '#' || c == '\\')
			return false;
	}
	/* RFC 9112 section 3.2.2: the absolute form is for proxies, but servers take it */
	for (size_t i = 0; i < 2; i++) {
		str scheme = i ? STR("https://") : STR("http://");
		if (!str_starts_nocase(target, scheme))
			continue;
		target = str_from(target, scheme.n);
		size_t end = str_index(target, '/');
		*host_out = str_head(target, end);
		target = str_from(target, end);
		if (host_out->n == 0)
			return false;
		break;
	}
	if (!str_starts(target, STR("/")))
		return false;
	*query_out = target;
	str path = str_cut(query_out, '?');
	return decode(path, false, a, path_out) && str_is_plain(*path_out) &&
	       segments_good(*path_out);
}

bool pairs_parse(str text, struct arena *a, struct pairs *out)
{
	*out = (struct pairs){ 0 };
	size_t most = 1;
	for (size_t i = 0; i < text.n; i++)
		most += text.p[i] == '&';
	if (most > PAIRS_MAX)
		return false;
	out->list = ARENA_ARRAY(a, most, struct pair);
	while (text.n > 0) {
		str value = str_cut(&text, '&');
		if (value.n == 0)
			continue;
		str name = str_cut(&value, '=');
		struct pair *p = &out->list[out->count];
		if (!decode(name, true, a, &p->name) || !decode(value, true, a, &p->value))
			return false;
		out->count++;
	}
	return true;
}

str pairs_find(const struct pairs *p, str name)
{
	for (size_t i = 0; i < p->count; i++) {
		if (str_eq(p->list[i].name, name))
			return p->list[i].value;
	}
	return STR_NONE;
}
