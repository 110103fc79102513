/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/format.h"

#include <stdarg.h>

#define FORMAT(name) extern const struct intake_format intake_##name;
#include "intake/formats.def"
#undef FORMAT

const struct intake_format *const intake_formats[] = {
#define FORMAT(name) &intake_##name,
#include "intake/formats.def"
#undef FORMAT
};
const size_t intake_format_count = COUNT_OF(intake_formats);

const struct intake_format *intake_format_find(str name)
{
	for (size_t i = 0; i < intake_format_count; i++)
		if (str_eq(str_of(intake_formats[i]->name), name))
			return intake_formats[i];
	return NULL;
}

const struct intake_format *intake_format_guess(const struct intake_sample *s)
{
	const struct intake_format *best = NULL;
	int surest = 0;
	for (size_t i = 0; i < intake_format_count; i++) {
		int sure = intake_formats[i]->claims(s);
		if (sure > surest) {
			surest = sure;
			best = intake_formats[i];
		}
	}
	return best;
}

void parse_blank(struct parse *p)
{
	p->told = true;
	p->batch->c.blank++;
}

void parse_drop(struct parse *p)
{
	p->told = true;
	p->batch->c.dropped++;
}

void parse_reject(struct parse *p, enum reject reason, const char *fmt, ...)
{
	char words[240];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	batch_row_cancel(p->batch);
	p->told = true;
	batch_reject(p->batch, reason, p->input, p->offset, p->bytes, p->line, "%s", words);
}

void parse_event(struct parse *p)
{
	uint32_t bytes = p->bytes.n < UINT32_MAX ? (uint32_t)p->bytes.n : UINT32_MAX;
	batch_row_begin(p->batch, p->input, p->offset, bytes, p->line);
}

bool parse_event_end(struct parse *p)
{
	struct err err = { 0 };
	enum rc rc = batch_row_end(p->batch, &err);
	if (rc == RC_OK)
		return true;
	parse_reject(p, rc == RC_LIMIT ? REJECT_LIMIT : REJECT_FIELD, "%s", err.text);
	return false;
}

/* Length of the record at the start of `w`, following each quote; 0 when it does not end. */
static size_t csv_exact(str w, char delimiter, char quote)
{
	size_t i = 0;
	while (i < w.n) {
		if (w.p[i] == quote) { /* a quoted field: to its closing quote */
			for (i++; i < w.n; i += 2) {
				i += str_index(str_from(w, i), quote);
				if (i + 1 >= w.n || w.p[i + 1] != quote)
					break;
			}
			i++;
		}
		while (i < w.n && w.p[i] != delimiter && w.p[i] != '\n')
			i++;
		if (i < w.n && w.p[i++] == '\n')
			return i;
	}
	return 0;
}

size_t parse_frame_csv(str window, char delimiter, char quote, bool last)
{
	size_t line = str_index(window, '\n');
	if (line == window.n)
		return last ? window.n : 0;
	size_t quotes = 0;
	for (str rest = str_head(window, line); quote && rest.n; quotes++) {
		size_t at = str_index(rest, quote);
		if (at == rest.n)
			break;
		rest = str_from(rest, at + 1);
	}
	if (quotes % 2 == 0) /* nearly every line: all its quotes are closed */
		return line + 1;
	size_t n = csv_exact(window, delimiter, quote);
	if (n || !last)
		return n;
	/* The end of the report: either the last record spans lines and has no line end, or a
	 * quote was never closed. An even number of quotes means the former. */
	for (size_t i = line; i < window.n; i++)
		quotes += window.p[i] == quote;
	return quotes % 2 == 0 ? window.n : line + 1;
}
