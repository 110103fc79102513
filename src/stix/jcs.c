/* SPDX-License-Identifier: Apache-2.0 */
#include "stix/jcs.h"

#include <json-c/json.h>
#include <math.h>

/* What is open: an array, or an object with its keys in order. */
struct level {
	struct json_object *o;
	char **keys; /* NULL: an array */
	size_t at, count;
};

/* The code unit that decides against another string: RFC 8785 section 3.2.3 sorts as UTF-16 does,
 * where what stands above U+FFFF begins with a surrogate, below U+E000. */
static uint32_t sort_weight(uint32_t c)
{
	return c > 0xffff ? 0xd800 : c >= 0xe000 ? c + 0x1000 : c >= 0xd800 ? c + 0x800 : c;
}

/* The next character; json-c and we hold only valid UTF-8. */
static uint32_t next(const unsigned char **p)
{
	const unsigned char *s = *p;
	uint32_t c = *s;
	int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
	c = more == 3 ? c & 7 : more == 2 ? c & 15 : more == 1 ? c & 31 : c;
	for (s++; more > 0 && (*s & 0xc0) == 0x80; more--)
		c = c << 6 | (*s++ & 63u);
	*p = s;
	return c;
}

static int by_utf16(const void *a, const void *b)
{
	const unsigned char *x = *(unsigned char *const *)a, *y = *(unsigned char *const *)b;
	while (*x && *y) {
		uint32_t cx = next(&x), cy = next(&y);
		if (cx == cy)
			continue;
		if (sort_weight(cx) != sort_weight(cy))
			return sort_weight(cx) < sort_weight(cy) ? -1 : 1;
		return cx < cy ? -1 : 1; /* both above U+FFFF: surrogates keep their order */
	}
	return *x ? 1 : *y ? -1 : 0;
}

/* ECMAScript's Number::toString: the fewest digits that read back equal, plain between 1e-7 and
 * 1e21. */
static bool put_double(struct buf *b, double v)
{
	char text[40];
	int digits = 0, exponent = 0;
	if (!isfinite(v))
		return false;
	if (v == 0) {
		buf_char(b, '0');
		return true;
	}
	for (int precision = 0; precision < 17; precision++) {
		snprintf(text, sizeof text, "%.*e", precision, fabs(v));
		if (strtod(text, NULL) == fabs(v))
			break;
	}
	char *e = strchr(text, 'e');
	if (!e)
		return false;
	exponent = (int)strtol(e + 1, NULL, 10) + 1; /* v = 0.DIGITS * 10^exponent */
	*e = '\0';
	char d[20];
	for (const char *p = text; *p && digits < 18; p++)
		if (*p != '.')
			d[digits++] = *p;
	while (digits > 1 && d[digits - 1] == '0')
		digits--;
	if (v < 0)
		buf_char(b, '-');
	if (exponent > 0 && exponent <= 21) {
		for (int i = 0; i < exponent || i < digits; i++) {
			if (i == exponent)
				buf_char(b, '.');
			buf_char(b, i < digits ? d[i] : '0');
		}
	} else if (exponent > -6 && exponent <= 0) {
		buf_add(b, STR("0."));
		for (int i = exponent; i < 0; i++)
			buf_char(b, '0');
		buf_add_mem(b, d, (size_t)digits);
	} else {
		buf_char(b, d[0]);
		if (digits > 1)
			buf_char(b, '.');
		buf_add_mem(b, d + 1, (size_t)digits - 1);
		buf_fmt(b, "e%c%d", exponent > 0 ? '+' : '-', abs(exponent - 1));
	}
	return true;
}

void jcs_text(struct buf *b, str s)
{
	static const char short_ones[] = "\bb\ff\nn\rr\tt";
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		size_t run = i;
		while (run < s.n && (unsigned char)s.p[run] >= 0x20 && s.p[run] != '"' && s.p[run] != '\\')
			run++;
		buf_add(b, str_mem(s.p + i, run - i));
		if ((i = run) == s.n)
			break;
		unsigned char c = (unsigned char)s.p[i];
		const char *at = c ? strchr(short_ones, c) : NULL;
		if (c == '"' || c == '\\') {
			buf_char(b, '\\');
			buf_char(b, (char)c);
		} else if (c < 0x20 && at && (at - short_ones) % 2 == 0) {
			buf_char(b, '\\');
			buf_char(b, at[1]);
		} else {
			buf_fmt(b, "\\u%04x", c);
		}
	}
	buf_char(b, '"');
}

static enum rc enter(struct level *l, struct json_object *o, struct buf *out, struct err *err)
{
	*l = (struct level){ .o = o };
	if (json_object_get_type(o) == json_type_array) {
		l->count = json_object_array_length(o);
		buf_char(out, '[');
		return RC_OK;
	}
	l->count = (size_t)json_object_object_length(o);
	if (l->count > JSON_KEYS_MAX)
		return fail(err, RC_LIMIT, "more than %d members", JSON_KEYS_MAX);
	l->keys = x_array(l->count + 1, sizeof *l->keys);
	size_t n = 0;
	json_object_object_foreach(o, key, value) {
		(void)value;
		l->keys[n++] = key;
	}
	qsort(l->keys, n, sizeof *l->keys, by_utf16);
	buf_char(out, '{');
	return RC_OK;
}

static void leave(struct level *l, struct buf *out)
{
	buf_char(out, l->keys ? '}' : ']');
	free(l->keys);
}

/* A value that holds no other. */
static enum rc put_plain(struct json_object *o, struct buf *out, struct err *err)
{
	switch (json_object_get_type(o)) {
	case json_type_null:
		buf_add(out, STR("null"));
		break;
	case json_type_boolean:
		buf_add(out, json_object_get_boolean(o) ? STR("true") : STR("false"));
		break;
	case json_type_int:
		if (json_object_get_int64(o) < 0)
			buf_i64(out, json_object_get_int64(o));
		else
			buf_u64(out, json_object_get_uint64(o));
		break;
	case json_type_double:
		if (!put_double(out, json_object_get_double(o)))
			return fail(err, RC_INPUT, "a number that is not finite");
		break;
	default:
		jcs_text(out, json_text(o));
	}
	return RC_OK;
}

enum rc jcs_write(struct json_object *o, struct buf *out, struct err *err)
{
	struct level *open = x_array(JSON_DEPTH_MAX, sizeof *open);
	size_t depth = 0;
	enum rc rc = RC_OK;
	struct json_object *value = o;
	for (bool more = true; more && rc == RC_OK;) {
		enum json_type t = json_object_get_type(value);
		if (t != json_type_object && t != json_type_array)
			rc = put_plain(value, out, err);
		else if (depth == JSON_DEPTH_MAX)
			rc = fail(err, RC_LIMIT, "nested deeper than %d", JSON_DEPTH_MAX);
		else
			rc = enter(&open[depth++], value, out, err);
		while (depth > 0 && open[depth - 1].at == open[depth - 1].count)
			leave(&open[--depth], out);
		more = depth > 0;
		if (!more || rc != RC_OK)
			break;
		struct level *l = &open[depth - 1];
		if (l->at > 0)
			buf_char(out, ',');
		if (l->keys) {
			jcs_text(out, str_of(l->keys[l->at]));
			buf_char(out, ':');
			value = json_get(l->o, l->keys[l->at]);
		} else {
			value = json_at(l->o, l->at);
		}
		l->at++;
	}
	while (depth > 0)
		free(open[--depth].keys);
	free(open);
	return rc == RC_OK && out->over ? fail(err, RC_LIMIT, "too long") : rc;
}
