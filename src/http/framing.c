/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_private.h"

/* The library is lenient: it takes bare LF for a line end, joins folded lines,
 * skips doubled spaces and stops at a NUL. Each of these makes the head it hands
 * us shorter than the bytes that came. It parses in place, so we walk what it
 * found and demand that every byte of the head is accounted for: method SP
 * target SP version CRLF, then name ":" blanks value CRLF for each header, then
 * CRLF. Anything else is refused before a body is read. (Inside a chunked body
 * a bare LF behind a chunk's size is the library's to accept.) */

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_token_char(s.p[i]))
			return false;
	}
	return s.n > 0;
}

/* RFC 9110 section 5.5: no controls but TAB; bytes above 127 are opaque. */
static bool is_field_value(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* Do the parts the library found add up to the bytes of the head? */
static bool adds_up(const struct head *head)
{
	uintptr_t at = (uintptr_t)head->method, start = at;
	at += strlen(head->method) + 1;
	if ((uintptr_t)head->uri != at)
		return false;
	at += head->target.n + 1;
	if ((uintptr_t)head->version != at)
		return false;
	at += strlen(head->version) + 2;
	for (size_t i = 0; i < head->headers.count; i++) {
		const struct pair *h = &head->headers.list[i];
		if ((uintptr_t)h->name.p != at)
			return false;
		at += h->name.n + 1;
		uintptr_t value = (uintptr_t)h->value.p;
		if (value < at || value - at > head->head_bytes)
			return false;
		for (const char *blank = h->name.p + h->name.n + 1; blank < h->value.p; blank++) {
			if (*blank != ' ' && *blank != '\t')
				return false;
		}
		at = value + h->value.n + 2;
	}
	return at + 2 - start == head->head_bytes;
}

/* Digits only, no sign, no list. */
static bool parse_length(str s, uint64_t *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n > 0 && s.n <= 19 && str_to_u64(s, out);
}

static bool is_host(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    (c && strchr("-._~:[]%", c));
		if (!good)
			return false;
	}
	return s.n <= 255;
}

struct framing {
	unsigned hosts, lengths, encodings, types;
	str length, encoding, expect, host;
};

static void collect(const struct head *head, struct framing *f)
{
	for (size_t i = 0; i < head->headers.count; i++) {
		str name = head->headers.list[i].name;
		str value = str_trim(head->headers.list[i].value);
		if (str_eq_nocase(name, STR("host"))) {
			f->hosts++;
			f->host = value;
		} else if (str_eq_nocase(name, STR("content-length"))) {
			f->lengths++;
			f->length = value;
		} else if (str_eq_nocase(name, STR("transfer-encoding"))) {
			f->encodings++;
			f->encoding = value;
		} else if (str_eq_nocase(name, STR("content-type"))) {
			f->types++;
		} else if (str_eq_nocase(name, STR("expect"))) {
			f->expect = value;
		}
	}
}

static int check_body(struct head *head, const struct framing *f, bool one_one, const char **words)
{
	if (f->encodings > 0 && f->lengths > 0)
		return *words = "both Content-Length and Transfer-Encoding", 400;
	if (f->encodings > 1 || f->lengths > 1)
		return *words = "the length of the body is said twice", 400;
	if (f->encodings && (!one_one || !str_eq_nocase(f->encoding, STR("chunked"))))
		return *words = "Transfer-Encoding is not 'chunked' in HTTP/1.1", 400;
	if (f->lengths && !parse_length(f->length, &head->length))
		return *words = "Content-Length is no number", 400;
	if (f->expect.p && !str_eq_nocase(f->expect, STR("100-continue")))
		return *words = "Expect asks for what we cannot do", 417;
	head->chunked = f->encodings == 1;
	head->has_length = f->lengths == 1;
	return 0;
}

static int check_sizes(const struct head *head, const struct http_limits *limits, const char **words)
{
	/* with its CRLF, as it stands on the wire */
	size_t line = strlen(head->method) + head->target.n + strlen(head->version) + 4;
	if (line > limits->line_bytes)
		return *words = "the request line is too long", 414;
	if (head->too_many || head->headers.count > limits->headers)
		return *words = "too many headers", 431;
	if (head->head_bytes - line > limits->head_bytes)
		return *words = "the headers are too large", 431;
	return 0;
}

int framing_check(struct head *head, const struct http_limits *limits, const char **words_out)
{
	const char *words = NULL;
	int status = check_sizes(head, limits, &words);
	if (status) {
		*words_out = words;
		return status;
	}
	*words_out = "the request is malformed";
	str version = str_of(head->version);
	bool one_one = str_eq(version, STR("HTTP/1.1"));
	if (!is_token(str_of(head->method)) || (!one_one && !str_eq(version, STR("HTTP/1.0"))))
		return 400;
	for (size_t i = 0; i < head->headers.count; i++) {
		const struct pair *h = &head->headers.list[i];
		if (!is_token(h->name) || !is_field_value(h->value))
			return 400;
	}
	if (!adds_up(head))
		return 400;
	struct framing f = { 0 };
	collect(head, &f);
	if (f.hosts > 1 || (one_one && f.hosts == 0) || !is_host(f.host) || f.types > 1)
		return 400;
	return check_body(head, &f, one_one, words_out);
}
