/* SPDX-License-Identifier: Apache-2.0 */
/* JSON, CSV and settings: what they take, what they refuse. */
#include <json-c/json.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/json.h"
#include "base/settings.h"
#include "base/test.h"

static const struct { const char *text; enum rc rc; } objects[] = {
	{ "{}", RC_OK },
	{ " {\"a\":1, \"b\" : \"x\" }\r\n", RC_OK },
	{ "{\"a\":{\"b\":[1,2,{\"c\":null}],\"d\":{}}}", RC_OK },
	{ "{\"a\":[[],[[]]]}", RC_OK },
	{ "{\"a\":-0.5e-7}", RC_OK },
	{ "{\"a\":\"\\u00e9\\ud83d\\ude00\\n\"}", RC_OK },
	{ "", RC_INPUT },
	{ "[]", RC_INPUT },
	{ "{\"a\":1,}", RC_INPUT },
	{ "{\"a\":01}", RC_INPUT },
	{ "{\"a\":1.}", RC_INPUT },
	{ "{\"a\":.5}", RC_INPUT },
	{ "{\"a\":+1}", RC_INPUT },
	{ "{\"a\":1e}", RC_INPUT },
	{ "{\"a\":NaN}", RC_INPUT },
	{ "{\"a\":tru}", RC_INPUT },
	{ "{\"a\":1 \"b\":2}", RC_INPUT },
	{ "{\"a\"}", RC_INPUT },
	{ "{a:1}", RC_INPUT },
	{ "{'a':1}", RC_INPUT },
	{ "{\"a\":1}{}", RC_INPUT },
	{ "{\"a\":1,\"a\":2}", RC_INPUT },
	{ "{\"a\":1,\"\\u0061\":2}", RC_INPUT },
	{ "{\"a\":\"\n\"}", RC_INPUT },
	{ "{\"a\":\"\\x\"}", RC_INPUT },
	{ "{\"a\":\"\\ud800\"}", RC_INPUT },
	{ "{\"a\":\"\\udc00\"}", RC_INPUT },
	{ "{\"a\":\"\xff\"}", RC_INPUT },
	{ "{\"a\":\"x", RC_INPUT },
	{ "{\"a\":\"x\\", RC_INPUT },
	{ "{\"a\":[1,2}", RC_INPUT },
	{ "{\"a\":[1,]}", RC_INPUT },
	{ "{\"a\":[,1]}", RC_INPUT },
	{ "{\"a\":{\"b\":1,}}", RC_INPUT },
	{ "{\"a\":{\"b\"}}", RC_INPUT },
	{ "{\"a\":{]}", RC_INPUT },
	{ "{\"a\":[1 2]}", RC_INPUT },
};

TEST(json_flat_table)
{
	struct arena *a = arena_new(KIB(4));
	for (size_t i = 0; i < COUNT_OF(objects); i++) {
		struct json_pair *pairs;
		size_t n;
		struct err err = { 0 };
		enum rc rc = json_flat(str_of(objects[i].text), a, &pairs, &n, &err);
		CHECK_MSG(rc == objects[i].rc, "%s: %s", objects[i].text, err.text);
		arena_reset(a);
	}
	arena_free(a);
}

TEST(json_flat_values)
{
	struct arena *a = arena_new(KIB(4));
	struct json_pair *p;
	size_t n = 0;
	struct err err;
	CHECK_RC(json_flat(STR("{\"k\\u00e9y\":\"a\\\"\\ud83d\\ude00\",\"n\":-1.5,\"t\":true,\"x\":[1, {\"y\":2}]}"),
			   a, &p, &n, &err), RC_OK, err);
	CHECK_INT(n, 4);
	CHECK_STR(p[0].key, STR("k\xc3\xa9y"));
	CHECK_STR(p[0].value, STR("a\"\xf0\x9f\x98\x80"));
	CHECK(p[1].kind == JSON_NUMBER && str_eq(p[1].value, STR("-1.5")));
	CHECK(p[2].kind == JSON_TRUE);
	CHECK(p[3].kind == JSON_NEST && str_eq(p[3].value, STR("[1, {\"y\":2}]")));
	arena_free(a);
}

/* One below, at, one above each limit. */
TEST(json_limits)
{
	struct arena *a = arena_new(KIB(64));
	struct json_pair *p;
	size_t n;
	struct err err;
	for (int over = -1; over <= 1; over++) {
		enum rc want = over > 0 ? RC_LIMIT : RC_OK;
		struct buf b = BUF_INIT(MIB(4));
		/* depth: the outer object counts */
		buf_add(&b, STR("{\"a\":"));
		for (int i = 0; i < JSON_DEPTH_MAX - 1 + over; i++)
			buf_char(&b, '[');
		for (int i = 0; i < JSON_DEPTH_MAX - 1 + over; i++)
			buf_char(&b, ']');
		buf_char(&b, '}');
		CHECK_RC(json_flat(buf_str(&b), a, &p, &n, &err), want, err);
		buf_reset(&b);
		/* keys */
		buf_char(&b, '{');
		for (int i = 0; i < JSON_KEYS_MAX + over; i++)
			buf_fmt(&b, "%s\"k%d\":1", i ? "," : "", i);
		buf_char(&b, '}');
		CHECK_RC(json_flat(buf_str(&b), a, &p, &n, &err), want, err);
		buf_reset(&b);
		/* digits */
		buf_add(&b, STR("{\"a\":"));
		for (int i = 0; i < JSON_DIGITS_MAX + over; i++)
			buf_char(&b, '1');
		buf_char(&b, '}');
		CHECK_RC(json_flat(buf_str(&b), a, &p, &n, &err), want, err);
		buf_reset(&b);
		/* a string */
		buf_add(&b, STR("{\"a\":\""));
		for (int i = 0; i < (int)JSON_STRING_MAX + over; i++)
			buf_char(&b, 'x');
		buf_add(&b, STR("\"}"));
		CHECK_RC(json_flat(buf_str(&b), a, &p, &n, &err), want, err);
		buf_free(&b);
		arena_reset(a);
	}
	arena_free(a);
}

TEST(json_trees)
{
	struct json_object *o = NULL;
	struct err err;
	CHECK_RC(json_read(STR("{\"s\":\"x\",\"n\":7,\"b\":true,\"l\":[1,2]}"), &o, &err), RC_OK, err);
	int64_t n = 0;
	bool b = false;
	CHECK_STR(json_get_str(o, "s"), STR("x"));
	CHECK(json_get_i64(o, "n", &n) && n == 7);
	CHECK(json_get_bool(o, "b", &b) && b);
	CHECK(!json_get_i64(o, "s", &n));
	CHECK_INT(json_count(json_get(o, "l")), 2);
	CHECK(json_at(json_get(o, "l"), 2) == NULL);
	json_free(o);
	static const char *const wrong[] = { "\"\xc0\xb4\"", "", "{", "[1,]", "{\"a\":1} x", "nul", "'a'", "[\"\xff\"]" };
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		CHECK_MSG(json_read(str_of(wrong[i]), &o, &err) != RC_OK, "%s", wrong[i]);
	struct buf deep = BUF_INIT(KIB(4));
	for (int i = 0; i < JSON_DEPTH_MAX + 1; i++)
		buf_char(&deep, '[');
	for (int i = 0; i < JSON_DEPTH_MAX + 1; i++)
		buf_char(&deep, ']');
	CHECK(json_read(buf_str(&deep), &o, &err) != RC_OK);
	buf_free(&deep);
}

TEST(json_writer)
{
	struct buf b = BUF_INIT(KIB(4));
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "a", STR("q\"\\\n\x01\x7f\xff\xc3\xa9"));
	json_put_i64(&j, "i", -7);
	json_key(&j, STR("l"));
	json_open(&j, '[');
	json_double(&j, 0.1);
	json_double(&j, 3);
	json_null(&j);
	json_close(&j, ']');
	json_put_time(&j, "t", SECOND_US);
	json_close(&j, '}');
	CHECK_STR(buf_str(&b), STR("{\"a\":\"q\\\"\\\\\\n\\u0001\\u007f\xef\xbf\xbd\xc3\xa9\",\"i\":-7,"
				   "\"l\":[0.1,3.0,null],\"t\":\"1970-01-01T00:00:01+00:00\"}"));
	buf_free(&b);
}

/* Every byte at every place of texts as long as a few words, alone and behind text that is no ASCII; and where a piece of
 * the writer ends. */
static void check_byte(unsigned c, size_t length, size_t at, bool high)
{
	char text[1200], want[80];
	struct buf out = BUF_INIT(KIB(8));
	struct json_out j = json_out(&out);
	memset(text, 'x', sizeof text);
	if (high)
		memcpy(text, "\xc3\xa9", 2);
	text[at] = (char)c;
	json_str(&j, str_mem(text, length));
	if (c == '"' || c == '\\')
		snprintf(want, sizeof want, "\\%c", (char)c);
	else if (c == '\n')
		snprintf(want, sizeof want, "\\n");
	else if (c < 0x20 || c == 0x7f)
		snprintf(want, sizeof want, "\\u%04x", c);
	else
		snprintf(want, sizeof want, c < 0x80 ? "%c" : "\xef\xbf\xbd", (int)c);
	str got = buf_str(&out), w = str_of(want);
	CHECK_MSG(got.n == length + 1 + w.n && got.p[0] == '"' && got.p[got.n - 1] == '"' &&
			  memcmp(got.p + 1, text, at) == 0 && memcmp(got.p + 1 + at, w.p, w.n) == 0 &&
			  memcmp(got.p + 1 + at + w.n, text + at + 1, length - at - 1) == 0,
		  "byte %u at %zu of %zu, high %d", c, at, length, high);
	buf_free(&out);
}

TEST(json_escapes)
{
	for (unsigned c = 0; c < 256; c++)
		for (size_t length = 1; length < 20; length++)
			for (size_t at = 0; at < length; at++) {
				check_byte(c, length, at, false);
				if (at >= 2)
					check_byte(c, length, at, true);
			}
	for (size_t at = 160; at < 520; at++) {
		check_byte('"', 1200, at, false);
		check_byte(1, 1200, at, true);
		check_byte(0xff, 1200, at, true);
	}
	struct buf out = BUF_INIT(16);
	struct json_out j = json_out(&out);
	json_str(&j, STR("longer than its cap"));
	CHECK(out.over);
	buf_reset(&out);
	for (size_t i = 0; i < 16; i++)
		buf_char(&out, 'x');
	CHECK(!out.over && out.n == 16);
	buf_char(&out, 'y');
	CHECK(out.over && out.n == 16);
	buf_free(&out);
}

TEST(csv_records)
{
	static const struct { const char *text; enum rc rc; size_t n; const char *want; } rows[] = {
		{ "a,b,c\r\n", RC_OK, 3, "a|b|c|" },
		{ "\"a,1\",\"b\"\"q\"\"\",\n", RC_OK, 3, "a,1|b\"q\"||" },
		{ "\"x\ny\",2", RC_OK, 2, "x\ny|2|" },
		{ "", RC_OK, 1, "|" },
		{ "\"\",\"\"", RC_OK, 2, "||" },
		{ "a\"b,c", RC_OK, 2, "a\"b|c|" },
		{ "\"a\"b,c", RC_INPUT, 0, "" },
		{ "\"a", RC_INPUT, 0, "" },
		{ "1,2,3,4,5", RC_LIMIT, 0, "" },
	};
	struct arena *a = arena_new(KIB(1));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str f[4];
		size_t n = 0;
		struct err err;
		struct buf got = BUF_INIT(KIB(1));
		CHECK_RC(csv_split(str_of(rows[i].text), ',', '"', a, f, 4, &n, &err), rows[i].rc, err);
		for (size_t k = 0; rows[i].rc == RC_OK && k < n; k++) {
			buf_add(&got, f[k]);
			buf_char(&got, '|');
		}
		CHECK_STR(buf_str(&got), str_of(rows[i].want));
		buf_free(&got);
	}
	CHECK_INT(csv_frame(STR("\"a\nb\",c\nnext"), '"', false), 8);
	CHECK_INT(csv_frame(STR("\"a\nb"), '"', false), 0);
	CHECK_INT(csv_frame(STR("a,b"), '"', true), 3);
	CHECK_INT(csv_frame(STR("a,b"), '"', false), 0);
	arena_free(a);
}

TEST(csv_guard)
{
	static const char *const formulas[] = { "=1+1", "+1", "-1", "@x", "\tx", "\rx" };
	for (size_t i = 0; i < COUNT_OF(formulas); i++) {
		struct buf b = BUF_INIT(KIB(1));
		struct csv_out c = { .b = &b, .guard = true };
		csv_field(&c, str_of(formulas[i]));
		csv_field(&c, STR("a\"b"));
		csv_end(&c);
		CHECK(str_starts(buf_str(&b), STR("\"'")));
		CHECK(str_ends(buf_str(&b), STR(",\"a\"\"b\"\r\n")));
		buf_free(&b);
	}
}

static const struct setting_row rows[] = {
	{ "listen", SETTING_TEXT, "127.0.0.1:8420", "", "", "where" },
	{ "body_max", SETTING_SIZE, "64M", "64K", "1G", "longest" },
	{ "every", SETTING_DURATION, "1d", "1m", "30d", "how often" },
	{ "fast", SETTING_BOOL, "no", "", "", "quick" },
};

TEST(settings_order)
{
	char *env[] = { "RONDA_FAST=yes", "RONDA_OTHER=1", "PATH=x", NULL };
	static const char *const over[] = { "every=2h" };
	struct settings *s = NULL;
	struct err err;
	CHECK_RC(settings_load(rows, COUNT_OF(rows), STR("# c\n\nbody_max = 1M\nevery=3h\nfast = no\n"),
			       "ronda.conf", env, over, 1, &s, &err), RC_OK, err);
	CHECK_INT(settings_int(s, "body_max"), MIB(1));
	CHECK_INT(settings_int(s, "every"), 2 * HOUR_US);
	CHECK(settings_bool(s, "fast"));
	CHECK_STR(settings_text(s, "listen"), STR("127.0.0.1:8420"));
	CHECK_STR(str_of(settings_source(s, "fast")), STR("environment"));
	CHECK_STR(str_of(settings_source(s, "every")), STR("option"));
	settings_free(s);
	static const struct { const char *file, *words; } wrong[] = {
		{ "a = 1", "ronda.conf line 1: there is no setting 'a'" },
		{ "\nbody_max = x", "ronda.conf line 2: 'body_max' takes a size" },
		{ "body_max = 1K", "ronda.conf line 1: 'body_max' is at least 64K" },
		{ "body_max = 2G", "ronda.conf line 1: 'body_max' is at most 1G" },
		{ "fast = true", "ronda.conf line 1: 'fast' takes yes or no" },
		{ "fast", "ronda.conf line 1: not 'name = value'" },
	};
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		CHECK_RC(settings_load(rows, COUNT_OF(rows), str_of(wrong[i].file), "ronda.conf", NULL,
				       NULL, 0, &s, &err), RC_INPUT, err);
		CHECK_MSG(str_starts(str_of(err.text), str_of(wrong[i].words)), "%s", err.text);
	}
}

TEST_MAIN(TEST_RUN(json_flat_table), TEST_RUN(json_flat_values), TEST_RUN(json_limits),
	  TEST_RUN(json_trees), TEST_RUN(json_writer), TEST_RUN(json_escapes), TEST_RUN(csv_records), TEST_RUN(csv_guard),
	  TEST_RUN(settings_order))
