/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/shadowserver_private.h"

/* Index of the next `c` from `i`, or s.n. Fields are short: a loop beats a call. */
static inline size_t next(str s, size_t i, char c)
{
	while (i < s.n && s.p[i] != c)
		i++;
	return i;
}

/* Copies the quoted field that begins behind its quote at `from` and ends before the delimiter at
 * `to`: doubled quotes become one, the closing one goes, what follows it stays. */
static str unquote(str s, size_t from, size_t to, struct arena *a)
{
	char *copy = arena_alloc(a, to - from), *out = copy;
	bool inside = true;
	for (size_t i = from; i < to; i++) {
		if (!inside || s.p[i] != '"') {
			*out++ = s.p[i];
		} else if (i + 1 < to && s.p[i + 1] == '"') {
			*out++ = '"';
			i++;
		} else {
			inside = false;
		}
	}
	return str_mem(copy, (size_t)(out - copy));
}

/* The field whose opening quote is at *at; *at becomes the place of the delimiter behind it. */
static bool quoted(str s, size_t *at, struct arena *a, str *out)
{
	size_t from = *at + 1, i = next(s, from, '"'), end;
	bool plain = i + 1 >= s.n || s.p[i + 1] == ',';
	if (plain && i < s.n) { /* nearly all of them */
		*out = str_head(str_from(s, from), i - from);
		*at = i + 1;
		return true;
	}
	while (i + 1 < s.n && s.p[i + 1] == '"')
		i = next(s, i + 2, '"');
	if (i >= s.n)
		return false;
	end = next(s, i + 1, ',');
	*out = unquote(s, from, end, a);
	*at = end;
	return true;
}

bool ss_split(str line, struct arena *a, str *fields, size_t most, size_t *count_out,
	      size_t *longest_out)
{
	size_t at = 0, count = 0, longest = 0, said = 0;
	for (;; at++) { /* over the delimiter */
		str field;
		if (at < line.n && line.p[at] == '"') {
			if (!quoted(line, &at, a, &field))
				return false;
		} else {
			size_t end = next(line, at, ',');
			field = str_head(str_from(line, at), end - at);
			at = end;
		}
		if (count < most)
			fields[count] = field;
		count++;
		if (field.n)
			said = count;
		if (field.n > longest)
			longest = field.n;
		if (at >= line.n)
			break;
	}
	*count_out = count <= most ? count : said > most ? said : most;
	*longest_out = longest;
	return true;
}
