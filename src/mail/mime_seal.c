/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mime_child.h"

/* The next line "--boundary" at or behind *at: where it begins; *at: behind it. raw.n: none. */
static size_t delimiter(str raw, str boundary, size_t *at)
{
	for (size_t i = *at; i < raw.n;) {
		size_t end = i + str_index(str_from(raw, i), '\n');
		str line = str_head(str_from(raw, i), end - i);
		size_t next = end < raw.n ? end + 1 : end;
		if (str_starts(line, STR("--")) && str_starts(str_from(line, 2), boundary)) {
			str rest = str_trim_all(str_from(line, 2 + boundary.n));
			if (rest.n == 0 || str_eq(rest, STR("--"))) {
				*at = next;
				return i;
			}
		}
		i = next;
	}
	return raw.n;
}

void mime_entity(str raw, const char *boundary, struct buf *out)
{
	str mark = str_of(boundary);
	size_t at = 0;
	if (mark.n == 0 || delimiter(raw, mark, &at) == raw.n)
		return;
	size_t from = at, end = delimiter(raw, mark, &at);
	if (end == raw.n)
		return;
	/* The line end before a delimiter belongs to it. */
	if (end > from && raw.p[end - 1] == '\n')
		end--;
	if (end > from && raw.p[end - 1] == '\r')
		end--;
	for (size_t i = from; i < end; i++) {
		if (raw.p[i] == '\n' && (i == from || raw.p[i - 1] != '\r'))
			buf_char(out, '\r');
		buf_char(out, raw.p[i]);
	}
}
