/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mime_text.h"

/* Length of the character at the front by RFC 3629; 0: it is none. */
static size_t char_length(str s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
	return n > 0 && n <= s.n && str_is_utf8(str_head(s, n)) ? n : 0;
}

/* C1 controls, and marks that turn the direction of what stands around them: U+200E, U+200F, U+202A to
 * U+202E, U+2066 to U+2069, and U+FEFF. */
static bool is_hidden(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	if (n == 2)
		return u[0] == 0xc2 && u[1] < 0xa0;
	if (n != 3)
		return false;
	if (u[0] == 0xe2 && u[1] == 0x80)
		return u[2] == 0x8e || u[2] == 0x8f || (u[2] >= 0xaa && u[2] <= 0xae);
	if (u[0] == 0xe2 && u[1] == 0x81)
		return u[2] >= 0xa6 && u[2] <= 0xa9;
	return u[0] == 0xef && u[1] == 0xbb && u[2] == 0xbf;
}

bool mime_clean(str text, bool lines, size_t most, struct buf *out)
{
	size_t begin = out->n;
	bool space = false;

	while (text.n > 0) {
		size_t n = char_length(text);
		str add = n > 0 ? str_head(text, n) : STR("\xef\xbf\xbd");
		unsigned char c = n == 1 ? (unsigned char)text.p[0] : 'x';
		if (c == '\r' && text.n > 1 && text.p[1] == '\n')
			c = 0;
		text = str_from(text, n > 0 ? n : 1);
		if (n > 1 && is_hidden(add.p, n))
			continue;
		if (c == '\r' || c == '\n' || c == '\t' || c == ' ') {
			if (!lines) {
				space = true;
				continue;
			}
			add = c == '\r' ? STR("\n") : c == '\t' ? STR(" ") : add;
		} else if (c < 0x20 || c == 0x7f) {
			continue;
		}
		if (space && out->n > begin)
			buf_char(out, ' ');
		space = false;
		if (out->n - begin + add.n + 1 > most)
			return true;
		buf_add(out, add);
	}
	return out->over;
}

/* --- HTML --- */

static const struct {
	const char *name;
	const char *means;
} entities[] = {
	{ "amp", "&" }, { "lt", "<" }, { "gt", ">" }, { "quot", "\"" }, { "apos", "'" }, { "nbsp", " " },
	{ "copy", "\xc2\xa9" }, { "reg", "\xc2\xae" }, { "ndash", "\xe2\x80\x93" }, { "mdash", "\xe2\x80\x94" },
	{ "hellip", "\xe2\x80\xa6" }, { "bull", "\xe2\x80\xa2" }, { "lsquo", "\xe2\x80\x98" },
	{ "rsquo", "\xe2\x80\x99" }, { "ldquo", "\xe2\x80\x9c" }, { "rdquo", "\xe2\x80\x9d" },
	{ "eacute", "\xc3\xa9" }, { "auml", "\xc3\xa4" }, { "ouml", "\xc3\xb6" }, { "uuml", "\xc3\xbc" },
	{ "szlig", "\xc3\x9f" },
};

static void put_code(uint32_t c, struct buf *out)
{
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
		buf_add(out, STR("\xef\xbf\xbd"));
	} else if (c < 0x80) {
		buf_char(out, (char)c);
	} else if (c < 0x800) {
		buf_char(out, (char)(0xc0 | c >> 6));
		buf_char(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_char(out, (char)(0xe0 | c >> 12));
		buf_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_char(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_char(out, (char)(0xf0 | c >> 18));
		buf_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_char(out, (char)(0x80 | (c & 0x3f)));
	}
}

/* "#233", "#xE9" */
static bool code_of(str body, uint32_t *out)
{
	uint32_t v = 0, base = 10;
	size_t i = 1;
	if (body.n > 1 && (body.p[1] == 'x' || body.p[1] == 'X')) {
		base = 16;
		i = 2;
	}
	if (i == body.n || body.n > 9)
		return false;
	for (; i < body.n; i++) {
		char c = body.p[i];
		uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0') :
				 c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10) :
				 c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10) : 99;
		if (digit >= base)
			return false;
		v = v * base + digit;
		if (v > 0x10ffff)
			v = 0x110000;
	}
	*out = v;
	return true;
}

/* How long the entity at the front is; what is none is a '&'. */
static size_t put_entity(str s, struct buf *out)
{
	size_t end = str_index(str_head(s, 12), ';');
	uint32_t code;
	if (end < 12 && end < s.n) {
		str body = str_head(str_from(s, 1), end - 1);
		if (body.n > 1 && body.p[0] == '#' && code_of(body, &code)) {
			put_code(code, out);
			return end + 1;
		}
		for (size_t i = 0; i < COUNT_OF(entities); i++)
			if (str_eq_nocase(body, str_of(entities[i].name))) {
				buf_add(out, str_of(entities[i].means));
				return end + 1;
			}
	}
	buf_char(out, '&');
	return 1;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* The name of the tag at the front ("<p ", "</P>"), without '/'. */
static str tag_name(str s, bool *ends)
{
	size_t i = 1;
	*ends = i < s.n && s.p[i] == '/';
	i += *ends;
	size_t from = i;
	while (i < s.n && is_name_char(s.p[i]))
		i++;
	return str_head(str_from(s, from), i - from);
}

/* Up to behind the '>' that ends a tag; quotes hide one. A quote that is never closed hides none. */
static size_t tag_end(str s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '>')
			return i + 1;
		if (s.p[i] == '"' || s.p[i] == '\'') {
			size_t close = str_index(str_head(str_from(s, i + 1), 4096), s.p[i]);
			if (i + 1 + close < s.n && close < 4096)
				i += close + 1;
		}
	}
	return s.n;
}

static bool one_of(str name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq_nocase(name, str_of(names[i])))
			return true;
	return false;
}

/* Up to behind the end tag of an element whose inside is no text. */
static size_t skip_element(str s, str name)
{
	for (size_t i = 0; i < s.n; i++) {
		size_t next = str_index(str_from(s, i), '<');
		i += next;
		if (i < s.n && i + 1 < s.n && s.p[i + 1] == '/' && str_starts_nocase(str_from(s, i + 2), name))
			return i + tag_end(str_from(s, i));
	}
	return s.n;
}

static void line_end(struct buf *out)
{
	while (out->n > 0 && out->p[out->n - 1] == ' ')
		out->p[--out->n] = '\0';
	if (out->n > 0 && !(out->n > 1 && out->p[out->n - 1] == '\n' && out->p[out->n - 2] == '\n'))
		buf_char(out, '\n');
}

static size_t put_tag(str s, struct buf *out)
{
	static const char *const blocks[] = { "br", "p", "div", "tr", "table", "ul", "ol", "li", "h1", "h2", "h3", "h4",
					      "h5", "h6", "pre", "blockquote", "hr", "title", "section" };
	static const char *const silent[] = { "script", "style", "head", "template", "noscript", "svg", "object" };
	bool ends;
	if (str_starts(s, STR("<!--"))) {
		size_t at = str_find(str_from(s, 4), STR("-->"));
		return at + 4 < s.n ? at + 7 : s.n;
	}
	str name = tag_name(s, &ends);
	if (name.n == 0 && !ends && !(s.n > 1 && (s.p[1] == '!' || s.p[1] == '?'))) {
		buf_char(out, '<');
		return 1;
	}
	size_t n = tag_end(s);
	if (!ends && one_of(name, silent, COUNT_OF(silent)))
		return n + skip_element(str_from(s, n), name);
	if (one_of(name, blocks, COUNT_OF(blocks)))
		line_end(out);
	else if (str_eq_nocase(name, STR("td")) && ends)
		buf_char(out, ' ');
	return n;
}

void mime_html_text(str html, struct buf *out)
{
	while (html.n > 0 && !out->over) {
		char c = html.p[0];
		size_t n = 1;
		if (c == '<')
			n = put_tag(html, out);
		else if (c == '&')
			n = put_entity(html, out);
		else if (c == '\n' || c == '\r' || c == '\t' || c == ' ') {
			if (out->n > 0 && out->p[out->n - 1] != ' ' && out->p[out->n - 1] != '\n')
				buf_char(out, ' ');
		} else {
			buf_char(out, c);
		}
		html = str_from(html, n);
	}
}

/* --- header fields --- */

static bool is_field_name(str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~')
			return false;
	return name.n > 0 && name.n <= 80;
}

bool mime_field_next(str *text, struct buf *scratch, str *name_out, str *value_out)
{
	str line;
	while (str_line(text, &line)) {
		if (line.n == 0)
			return false;
		size_t colon = str_index(line, ':');
		buf_reset(scratch);
		buf_add(scratch, str_trim(str_from(line, colon + 1)));
		while (text->n > 0 && (text->p[0] == ' ' || text->p[0] == '\t')) {
			str more;
			if (!str_line(text, &more))
				break;
			buf_char(scratch, ' ');
			buf_add(scratch, str_trim(more));
		}
		if (colon < line.n && is_field_name(str_trim(str_head(line, colon)))) {
			*name_out = str_trim(str_head(line, colon));
			*value_out = buf_str(scratch);
			return true;
		}
	}
	return false;
}
