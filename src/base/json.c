/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <endian.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"

enum rc json_read(str text, struct json_object **out, struct err *err)
{
	if (text.n == 0 || text.n > INT32_MAX)
		return fail(err, RC_INPUT, "JSON: %s", text.n ? "too long" : "nothing there");
	if (!str_is_utf8(text)) /* json-c lets overlong forms through */
		return fail(err, RC_INPUT, "JSON: no valid UTF-8");
	struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH_MAX);
	if (!tok)
		return fail(err, RC_LIMIT, "JSON: out of memory");
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *o = json_tokener_parse_ex(tok, text.p, (int)text.n);
	enum json_tokener_error why = json_tokener_get_error(tok);
	size_t end = json_tokener_get_parse_end(tok);
	/* A bare number at the very end of the text waits for more: say there is none. */
	if (why == json_tokener_continue && end == text.n) {
		o = json_tokener_parse_ex(tok, "\n", 1);
		why = json_tokener_get_error(tok);
	} else if (why == json_tokener_success && str_trim_all(str_from(text, end)).n) {
		json_object_put(o);
		o = NULL;
		why = json_tokener_error_parse_unexpected;
	}
	json_tokener_free(tok);
	if (why != json_tokener_success) {
		json_object_put(o);
		return fail(err, why == json_tokener_error_depth ? RC_LIMIT : RC_INPUT,
			    "JSON: %s at byte %zu", json_tokener_error_desc(why), end);
	}
	*out = o;
	return RC_OK;
}

void json_free(struct json_object *o)
{
	json_object_put(o);
}

struct json_object *json_get(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;
	if (!json_object_is_type(o, json_type_object))
		return NULL;
	return json_object_object_get_ex(o, key, &value) ? value : NULL;
}

str json_text(struct json_object *o)
{
	if (!json_object_is_type(o, json_type_string))
		return STR_NONE;
	return str_mem(json_object_get_string(o), (size_t)json_object_get_string_len(o));
}

str json_get_str(struct json_object *o, const char *key)
{
	return json_text(json_get(o, key));
}

bool json_get_i64(struct json_object *o, const char *key, int64_t *out)
{
	struct json_object *v = json_get(o, key);
	if (!json_object_is_type(v, json_type_int))
		return false;
	*out = json_object_get_int64(v);
	return true;
}

bool json_get_bool(struct json_object *o, const char *key, bool *out)
{
	struct json_object *v = json_get(o, key);
	if (!json_object_is_type(v, json_type_boolean))
		return false;
	*out = json_object_get_boolean(v);
	return true;
}

size_t json_count(struct json_object *o)
{
	return json_object_is_type(o, json_type_array) ? json_object_array_length(o) : 0;
}

struct json_object *json_at(struct json_object *o, size_t i)
{
	return i < json_count(o) ? json_object_array_get_idx(o, i) : NULL;
}

struct json_out json_out(struct buf *b)
{
	return (struct json_out){ .b = b };
}

static void before_value(struct json_out *j)
{
	if (j->comma)
		buf_char(j->b, ',');
	j->comma = true;
}

void json_open(struct json_out *j, char bracket)
{
	before_value(j);
	buf_char(j->b, bracket);
	j->comma = false;
	j->depth++;
}

void json_close(struct json_out *j, char bracket)
{
	buf_char(j->b, bracket);
	j->comma = true;
	j->depth--;
}

/* Length of the valid UTF-8 sequence at p, 0 when there is none. */
static size_t utf8_length(const char *p, size_t n)
{
	for (size_t len = 1; len <= 4 && len <= n; len++)
		if (str_is_utf8((str){ p, len }))
			return len;
	return 0;
}

/* One character that is written otherwise; `to` has room for six. */
static size_t put_one(char *to, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	to[0] = '\\';
	if (c == '"' || c == '\\' || c == '\n') {
		to[1] = c == '\n' ? 'n' : (char)c;
		return 2;
	}
	memcpy(to + 1, "u00", 3);
	to[4] = digits[c >> 4];
	to[5] = digits[c & 15];
	return 6;
}

/* Copies to where the first of these eight bytes stands that is not to be copied as it is: how many are. */
static size_t copy_plain(char *to, const char *from, bool high_too)
{
	const uint64_t each = UINT64_MAX / 255, top = each * 0x80;
	uint64_t w;
	memcpy(&w, from, sizeof w);
	memcpy(to, &w, sizeof w);
	w = le64toh(w); /* the first byte is the lowest */
	const uint64_t quote = w ^ each * '"', slash = w ^ each * '\\', del = w ^ each * 0x7f;
	/* the top bit of a byte that is nothing, or below a space, when it borrows: the lowest such is right */
	const uint64_t out = (((w - each * 0x20) & ~w) | ((quote - each) & ~quote) | ((slash - each) & ~slash) |
			      ((del - each) & ~del) | (high_too ? 0 : w)) & top;
	return out ? (size_t)__builtin_ctzll(out) / 8 : sizeof w;
}

/* By pieces on the stack: text in which every tenth byte is a quote is what extensions hold. */
static void put_escaped(struct buf *b, str s)
{
	char piece[192]; /* each call makes it zero, most strings are short */
	size_t n = 1, i = 0;
	bool known = false, clean = false;
	piece[0] = '"';
	while (i < s.n) {
		if (n > sizeof piece - 16) {
			buf_add_mem(b, piece, n);
			n = 0;
		}
		const size_t left = s.n - i;
		char last[8] = "xxxxxxx";
		if (left < 8)
			memcpy(last, s.p + i, left);
		size_t plain = copy_plain(piece + n, left < 8 ? last : s.p + i, clean);
		plain = plain < left ? plain : left;
		n += plain;
		i += plain;
		if (plain == 8 || plain == left)
			continue;
		const unsigned char c = (unsigned char)s.p[i]; /* one that is not to be copied as it is */
		if (c >= 0x80 && !known) {
			clean = str_is_utf8(str_from(s, i));
			known = true;
		}
		if (c >= 0x80 && clean)
			continue; /* seen for the first time: as it is, by eight */
		if (c < 0x80) {
			n += put_one(piece + n, c);
			i++;
		} else {
			size_t len = utf8_length(s.p + i, s.n - i);
			memcpy(piece + n, len ? s.p + i : "\xef\xbf\xbd", len ? len : 3); /* U+FFFD */
			n += len ? len : 3;
			i += len ? len : 1;
		}
	}
	piece[n++] = '"';
	buf_add_mem(b, piece, n);
}

void json_key(struct json_out *j, str key)
{
	before_value(j);
	put_escaped(j->b, key);
	buf_char(j->b, ':');
	j->comma = false;
}

void json_str(struct json_out *j, str s)
{
	before_value(j);
	put_escaped(j->b, s);
}

void json_i64(struct json_out *j, int64_t v)
{
	before_value(j);
	buf_i64(j->b, v);
}

void json_u64(struct json_out *j, uint64_t v)
{
	before_value(j);
	buf_u64(j->b, v);
}

void json_double(struct json_out *j, double v)
{
	char text[40];
	before_value(j);
	if (!isfinite(v)) {
		buf_add(j->b, STR("null"));
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*g", precision, v);
		double back = 0;
		if (str_to_double(str_of(text), &back) && memcmp(&back, &v, sizeof(v)) == 0)
			break;
	}
	buf_add(j->b, str_of(text));
	if (!strpbrk(text, ".e"))
		buf_add(j->b, STR(".0"));
}

void json_flag(struct json_out *j, bool v)
{
	before_value(j);
	buf_add(j->b, v ? STR("true") : STR("false"));
}

void json_null(struct json_out *j)
{
	before_value(j);
	buf_add(j->b, STR("null"));
}

void json_raw(struct json_out *j, str json_text)
{
	before_value(j);
	buf_add(j->b, json_text);
}

void json_put_str(struct json_out *j, const char *key, str v)
{
	json_key(j, str_of(key));
	json_str(j, v);
}

void json_put_i64(struct json_out *j, const char *key, int64_t v)
{
	json_key(j, str_of(key));
	json_i64(j, v);
}

void json_put_bool(struct json_out *j, const char *key, bool v)
{
	json_key(j, str_of(key));
	json_flag(j, v);
}

void json_put_time(struct json_out *j, const char *key, int64_t us)
{
	char text[40];
	json_key(j, str_of(key));
	if (us == TIME_NONE || us == 0)
		json_null(j);
	else
		json_str(j, time_str(text, us));
}

void json_put_members(struct json_out *j, struct json_object *o, const char *but)
{
	if (!json_object_is_type(o, json_type_object))
		return;
	json_object_object_foreach(o, name, value)
	{
		if (but && strcmp(name, but) == 0)
			continue;
		json_key(j, str_of(name));
		json_raw(j, str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)));
	}
}

enum rc json_only(struct json_object *o, const char *const *names, size_t count, struct err *err)
{
	if (!json_object_is_type(o, json_type_object))
		return fail(err, RC_INPUT, "what was sent is no JSON object");
	json_object_object_foreach(o, name, value)
	{
		size_t i = 0;
		(void)value;
		while (i < count && strcmp(name, names[i]) != 0)
			i++;
		if (i == count)
			return fail(err, RC_INPUT, "there is no member '%.60s'", name);
	}
	return RC_OK;
}
