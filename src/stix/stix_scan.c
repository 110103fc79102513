/* SPDX-License-Identifier: Apache-2.0 */
#include "stix/stix_scan.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct scan_list *l)
{
	while (l->p < l->end && is_space(*l->p))
		l->p++;
}

/* `p` stands on the opening quote; behind the closing one. NULL: there is none. */
static const char *string_end(const char *p, const char *end)
{
	for (p++; p < end; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '"')
			return p + 1;
	}
	return NULL;
}

static const char *value_end(const char *p, const char *end)
{
	size_t depth = 0;
	if (p < end && *p == '"')
		return string_end(p, end);
	while (p && p < end) {
		if (*p == '"') {
			p = string_end(p, end);
			continue;
		}
		if (*p == '{' || *p == '[') {
			depth++;
		} else if (*p == '}' || *p == ']') {
			if (depth == 0)
				return p;
			if (--depth == 0)
				return p + 1;
		} else if (depth == 0 && (*p == ',' || is_space(*p))) {
			return p;
		}
		p++;
	}
	return depth == 0 ? p : NULL;
}

struct scan_list scan_of(str text)
{
	return (struct scan_list){ .p = text.p ? text.p : "", .end = text.p ? text.p + text.n : "" };
}

static bool broken(struct scan_list *l)
{
	l->bad = true;
	return false;
}

/* Before the next part: its opening bracket, or the comma. False: the closing one is behind us. */
static bool next(struct scan_list *l, char opening, char closing)
{
	if (l->bad || l->done)
		return false;
	skip_space(l);
	if (l->p >= l->end || (!l->begun && *l->p != opening))
		return broken(l);
	bool first = !l->begun;
	l->begun = true;
	if (first || *l->p == ',') {
		l->p++;
		skip_space(l);
		if (l->p >= l->end)
			return broken(l);
		if (!first || *l->p != closing)
			return true;
	}
	if (*l->p != closing)
		return broken(l);
	l->p++;
	l->done = true;
	return false;
}

static bool value(struct scan_list *l, str *out)
{
	const char *from = l->p, *to = value_end(from, l->end);
	if (!to || to == from)
		return broken(l);
	*out = str_mem(from, (size_t)(to - from));
	l->p = to;
	return true;
}

bool scan_element(struct scan_list *l, str *out)
{
	return next(l, '[', ']') && value(l, out);
}

bool scan_member(struct scan_list *l, str *key, str *out)
{
	if (!next(l, '{', '}'))
		return false;
	if (*l->p != '"')
		return broken(l);
	const char *from = l->p + 1, *to = string_end(l->p, l->end);
	if (!to)
		return broken(l);
	*key = str_mem(from, (size_t)(to - 1 - from));
	l->p = to;
	skip_space(l);
	if (l->p >= l->end || *l->p != ':')
		return broken(l);
	l->p++;
	skip_space(l);
	return value(l, out);
}

str scan_rest(const struct scan_list *l)
{
	return str_mem(l->p, (size_t)(l->end - l->p));
}

str scan_plain(str text)
{
	if (text.n < 2 || text.p[0] != '"' || text.p[text.n - 1] != '"' || str_has(text, '\\'))
		return STR_NONE;
	return str_mem(text.p + 1, text.n - 2);
}

bool scan_string(str *text, str *out)
{
	while (text->n > 0) {
		size_t at = str_index(*text, '"');
		const char *end = at < text->n ? string_end(text->p + at, text->p + text->n) : NULL;
		if (!end)
			break;
		*out = scan_plain(str_mem(text->p + at, (size_t)(end - text->p) - at));
		*text = str_mem(end, (size_t)(text->p + text->n - end));
		if (out->p)
			return true;
	}
	return false;
}
