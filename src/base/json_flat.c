/* SPDX-License-Identifier: Apache-2.0 */
/* The strict scanner of one flat object: RFC 8259, no extensions. Values that
 * nest are walked with a bit a level, never by recursion. */
#include "base/json.h"

struct scan {
	const unsigned char *p, *end;
	struct arena *a;
	struct err *err;
};

static void skip_space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static enum rc bad(struct scan *s, const char *what)
{
	return fail(s->err, RC_INPUT, "JSON: %s", what);
}

static int hex4(const unsigned char *p)
{
	int v = 0;
	for (int i = 0; i < 4; i++) {
		unsigned char c = p[i];
		int d = c >= '0' && c <= '9' ? c - '0' :
			c >= 'a' && c <= 'f' ? c - 'a' + 10 :
			c >= 'A' && c <= 'F' ? c - 'A' + 10 :
					       -1;
		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

static char *put_utf8(char *to, unsigned c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	return to;
}

/* p stands behind "\u"; moves behind the last digit used. A lone surrogate is
 * refused: it has no UTF-8 form. */
static enum rc unicode_escape(struct scan *s, const unsigned char **p, unsigned *out)
{
	if (s->end - *p < 4)
		return bad(s, "\\u is cut off");
	int hi = hex4(*p);
	*p += 4;
	if (hi < 0)
		return bad(s, "\\u without four hex digits");
	if (hi >= 0xdc00 && hi <= 0xdfff)
		return bad(s, "a lone surrogate");
	if (hi >= 0xd800 && hi <= 0xdbff) {
		if (s->end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
			return bad(s, "a lone surrogate");
		int lo = hex4(*p + 2);
		if (lo < 0xdc00 || lo > 0xdfff)
			return bad(s, "a lone surrogate");
		*p += 6;
		*out = 0x10000u + (((unsigned)hi & 0x3ff) << 10) + ((unsigned)lo & 0x3ff);
		return RC_OK;
	}
	*out = (unsigned)hi;
	return RC_OK;
}

static enum rc unescape(struct scan *s, str raw, str *out)
{
	char *start = arena_alloc(s->a, raw.n), *to = start;
	const unsigned char *p = (const unsigned char *)raw.p, *end = p + raw.n;
	while (p < end) {
		if (*p != '\\') {
			*to++ = (char)*p++;
			continue;
		}
		p++; /* the scan saw to it that something follows */
		unsigned c = 0;
		switch (*p++) {
		case '"': *to++ = '"'; break;
		case '\\': *to++ = '\\'; break;
		case '/': *to++ = '/'; break;
		case 'b': *to++ = '\b'; break;
		case 'f': *to++ = '\f'; break;
		case 'n': *to++ = '\n'; break;
		case 'r': *to++ = '\r'; break;
		case 't': *to++ = '\t'; break;
		case 'u': {
			enum rc rc = unicode_escape(s, &p, &c);
			if (rc != RC_OK)
				return rc;
			to = put_utf8(to, c);
			break;
		}
		default: return bad(s, "an unknown escape");
		}
	}
	*out = str_mem(start, (size_t)(to - start));
	return RC_OK;
}

/* p stands behind the opening quote; raw_out is what is between the quotes. */
static enum rc span_string(struct scan *s, str *raw_out, bool *escaped_out)
{
	const unsigned char *start = s->p;
	bool escaped = false;
	while (s->p < s->end && *s->p != '"') {
		if (*s->p < 0x20)
			return bad(s, "a control character in a string");
		if (*s->p == '\\') {
			escaped = true;
			s->p++;
			if (s->p == s->end)
				break;
		}
		s->p++;
	}
	if (s->p >= s->end)
		return bad(s, "a string is not closed");
	*raw_out = str_mem(start, (size_t)(s->p - start));
	*escaped_out = escaped;
	s->p++;
	if (raw_out->n > JSON_STRING_MAX)
		return fail(s->err, RC_LIMIT, "JSON: a string is longer than 1 MiB");
	return RC_OK;
}

static enum rc string(struct scan *s, str *out)
{
	bool escaped = false;
	enum rc rc = span_string(s, out, &escaped);
	if (rc == RC_OK && escaped)
		rc = unescape(s, *out, out);
	return rc;
}

static bool is_digit(const struct scan *s)
{
	return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static bool digits(struct scan *s)
{
	if (!is_digit(s))
		return false;
	while (is_digit(s))
		s->p++;
	return true;
}

static enum rc number(struct scan *s, str *out)
{
	const unsigned char *start = s->p;
	if (*s->p == '-')
		s->p++;
	bool zero = is_digit(s) && *s->p == '0';
	if (zero)
		s->p++;
	else if (!digits(s))
		return bad(s, "a number without digits");
	if (zero && is_digit(s))
		return bad(s, "a number with a leading zero");
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!digits(s))
			return bad(s, "a number without digits behind its point");
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		if (!digits(s))
			return bad(s, "a number without digits in its exponent");
	}
	*out = str_mem(start, (size_t)(s->p - start));
	if (out->n > JSON_DIGITS_MAX)
		return fail(s->err, RC_LIMIT, "JSON: a number of more than %d digits", JSON_DIGITS_MAX);
	return RC_OK;
}

static enum rc word(struct scan *s, const char *z, size_t n)
{
	if ((size_t)(s->end - s->p) < n || memcmp(s->p, z, n) != 0)
		return bad(s, "a value is none");
	s->p += n;
	return RC_OK;
}

static enum rc scalar(struct scan *s, str *out, enum json_kind *kind)
{
	const unsigned char *start = s->p;
	enum rc rc;
	switch (*s->p) {
	case '"':
		s->p++;
		*kind = JSON_STRING;
		return string(s, out);
	case 't':
		*kind = JSON_TRUE;
		rc = word(s, "true", 4);
		break;
	case 'f':
		*kind = JSON_FALSE;
		rc = word(s, "false", 5);
		break;
	case 'n':
		*kind = JSON_NULL;
		rc = word(s, "null", 4);
		break;
	default:
		*kind = JSON_NUMBER;
		return number(s, out);
	}
	*out = str_mem(start, (size_t)(s->p - start));
	return rc;
}

/* One key and its colon inside a nested object. */
static enum rc nested_key(struct scan *s)
{
	str key;
	skip_space(s);
	if (s->p >= s->end || *s->p != '"')
		return bad(s, "a key is no string");
	s->p++;
	enum rc rc = string(s, &key);
	if (rc != RC_OK)
		return rc;
	skip_space(s);
	if (s->p >= s->end || *s->p != ':')
		return bad(s, "no colon behind a key");
	s->p++;
	return RC_OK;
}

/* Walks a nested array or object; `objects` has a bit for each open level. */
static enum rc nest(struct scan *s, str *out)
{
	const unsigned char *start = s->p;
	uint64_t objects = 0;
	unsigned depth = 1; /* the outer object */
	enum rc rc;
	bool value_next = true;
	for (;;) {
		skip_space(s);
		if (s->p >= s->end)
			return bad(s, "brackets are not closed");
		if (value_next && (*s->p == '{' || *s->p == '[')) {
			if (depth == JSON_DEPTH_MAX)
				return fail(s->err, RC_LIMIT, "JSON: nested deeper than %d", JSON_DEPTH_MAX);
			bool object = *s->p++ == '{';
			depth++;
			objects = objects << 1 | object;
			skip_space(s);
			if (s->p < s->end && *s->p == (object ? '}' : ']'))
				value_next = false; /* empty: closed below */
			else if (object && (rc = nested_key(s)) != RC_OK)
				return rc;
			if (value_next)
				continue;
		} else if (value_next) {
			str text;
			enum json_kind kind;
			if ((rc = scalar(s, &text, &kind)) != RC_OK)
				return rc;
			value_next = false;
			continue;
		}
		/* behind a value: a comma or the end of a level */
		if (*s->p == ',') {
			s->p++;
			if (objects & 1 && (rc = nested_key(s)) != RC_OK)
				return rc;
			value_next = true;
		} else if (*s->p == (objects & 1 ? '}' : ']')) {
			s->p++;
			objects >>= 1;
			if (--depth == 1) {
				*out = str_mem(start, (size_t)(s->p - start));
				return RC_OK;
			}
		} else {
			return bad(s, "neither comma nor end of brackets");
		}
	}
}

/* Keys seen so far, by a small hash table of indexes, so that a thousand keys
 * cost no more than a thousand look-ups. */
static bool seen_before(uint16_t *slots, const struct json_pair *pairs, size_t at)
{
	uint32_t h = 2166136261u;
	str key = pairs[at].key;
	for (size_t i = 0; i < key.n; i++)
		h = (h ^ (unsigned char)key.p[i]) * 16777619u;
	for (size_t slot = h & 2047;; slot = (slot + 1) & 2047) {
		if (slots[slot] == 0) {
			slots[slot] = (uint16_t)(at + 1);
			return false;
		}
		if (str_eq(pairs[slots[slot] - 1].key, key))
			return true;
	}
}

static enum rc pair(struct scan *s, struct json_pair *p)
{
	skip_space(s);
	if (s->p >= s->end || *s->p != '"')
		return bad(s, "a key is no string");
	s->p++;
	enum rc rc = string(s, &p->key);
	if (rc != RC_OK)
		return rc;
	skip_space(s);
	if (s->p >= s->end || *s->p != ':')
		return bad(s, "no colon behind a key");
	s->p++;
	skip_space(s);
	if (s->p >= s->end)
		return bad(s, "a key without a value");
	if (*s->p == '{' || *s->p == '[') {
		p->kind = JSON_NEST;
		return nest(s, &p->value);
	}
	return scalar(s, &p->value, &p->kind);
}

enum rc json_flat(str text, struct arena *a, struct json_pair **pairs_out, size_t *count_out,
		  struct err *err)
{
	struct scan s = { .p = (const unsigned char *)text.p, .a = a, .err = err };
	uint16_t slots[2048] = { 0 };
	size_t count = 0, size = 32;
	struct json_pair *pairs = ARENA_ARRAY(a, size, struct json_pair);
	if (text.n == 0)
		return bad(&s, "nothing there");
	s.end = s.p + text.n;
	if (!str_is_utf8(text))
		return bad(&s, "no valid UTF-8");
	skip_space(&s);
	if (s.p >= s.end || *s.p != '{')
		return bad(&s, "not an object");
	s.p++;
	skip_space(&s);
	bool more = s.p < s.end && *s.p != '}';
	while (more) {
		if (count == JSON_KEYS_MAX)
			return fail(err, RC_LIMIT, "JSON: more than %d keys", JSON_KEYS_MAX);
		if (count == size) {
			struct json_pair *wider = ARENA_ARRAY(a, 2 * size, struct json_pair);
			memcpy(wider, pairs, size * sizeof(*pairs));
			pairs = wider;
			size *= 2;
		}
		enum rc rc = pair(&s, &pairs[count]);
		if (rc != RC_OK)
			return rc;
		if (seen_before(slots, pairs, count))
			return bad(&s, "a key stands there twice");
		count++;
		skip_space(&s);
		more = s.p < s.end && *s.p == ',';
		if (more)
			s.p++;
	}
	if (s.p >= s.end || *s.p != '}')
		return bad(&s, "the object is not closed");
	s.p++;
	skip_space(&s);
	if (s.p != s.end)
		return bad(&s, "bytes behind the object");
	*pairs_out = pairs;
	*count_out = count;
	return RC_OK;
}
