/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

size_t csv_frame(str window, char quote, bool last)
{
	const char *p = window.p, *end = p + window.n;
	/* A line end inside quotes does not end the record: so count the quotes
	 * of each line; an odd number so far means we stand inside. */
	bool inside = false;
	while (p < end) {
		const char *line_end = memchr(p, '\n', (size_t)(end - p));
		const char *stop = line_end ? line_end : end;
		for (const char *q = p; quote && (q = memchr(q, quote, (size_t)(stop - q))); q++)
			inside = !inside;
		if (!line_end)
			break;
		if (!inside)
			return (size_t)(line_end + 1 - window.p);
		p = line_end + 1;
	}
	return last ? window.n : 0;
}

static str without_line_end(str s)
{
	if (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

/* *s stands behind an opening quote; takes the field and its closing quote. */
static enum rc quoted(str *s, char quote, struct arena *a, str *out, struct err *err)
{
	size_t doubled = 0, i = 0;
	while (i < s->n) {
		size_t at = i + str_index(str_from(*s, i), quote);
		if (at >= s->n)
			break;
		if (at + 1 < s->n && s->p[at + 1] == quote) {
			doubled++;
			i = at + 2;
			continue;
		}
		*out = str_head(*s, at);
		*s = str_from(*s, at + 1);
		if (doubled) {
			char *copy = arena_alloc(a, at), *to = copy;
			for (size_t k = 0; k < at; k++) {
				*to++ = out->p[k];
				k += out->p[k] == quote;
			}
			*out = str_mem(copy, (size_t)(to - copy));
		}
		return RC_OK;
	}
	return fail(err, RC_INPUT, "a quote is not closed");
}

enum rc csv_split(str record, char delimiter, char quote, struct arena *a, str *fields, size_t most,
		  size_t *count_out, struct err *err)
{
	str s = without_line_end(record);
	size_t count = 0;
	for (;;) {
		if (count == most || count == CSV_COLUMNS_MAX)
			return fail(err, RC_LIMIT, "more than %zu columns", count);
		str field;
		if (quote && s.n && s.p[0] == quote) {
			s = str_from(s, 1);
			enum rc rc = quoted(&s, quote, a, &field, err);
			if (rc != RC_OK)
				return rc;
			if (s.n && s.p[0] != delimiter)
				return fail(err, RC_INPUT, "bytes behind a closing quote in column %zu",
					    count + 1);
		} else {
			field = str_head(s, str_index(s, delimiter));
			s = str_from(s, field.n);
		}
		if (field.n > CSV_FIELD_MAX)
			return fail(err, RC_LIMIT, "column %zu is longer than 1 MiB", count + 1);
		fields[count++] = field;
		if (s.n == 0)
			break;
		s = str_from(s, 1); /* the delimiter */
	}
	*count_out = count;
	return RC_OK;
}

void csv_field(struct csv_out *c, str s)
{
	if (c->comma)
		buf_char(c->b, ',');
	c->comma = true;
	buf_char(c->b, '"');
	if (c->guard && s.n && s.p[0] && strchr("=+-@\t\r", s.p[0]))
		buf_char(c->b, '\'');
	while (s.n) {
		size_t at = str_index(s, '"');
		buf_add(c->b, str_head(s, at));
		if (at < s.n)
			buf_add(c->b, STR("\"\""));
		s = str_from(s, at + 1);
	}
	buf_char(c->b, '"');
}

void csv_end(struct csv_out *c)
{
	buf_add(c->b, STR("\r\n"));
	c->comma = false;
}
