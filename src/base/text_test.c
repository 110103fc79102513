/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/ip.h"
#include "base/test.h"

TEST(numbers)
{
	static const struct { str text; bool ok; uint64_t v; } u64[] = {
		{ STR_INIT("0"), true, 0 },
		{ STR_INIT("18446744073709551615"), true, UINT64_MAX },
		{ STR_INIT("18446744073709551616"), false, 0 },
		{ STR_INIT(""), false, 0 },
		{ STR_INIT("-1"), false, 0 },
		{ STR_INIT(" 1"), false, 0 },
		{ STR_INIT("1x"), false, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(u64); i++) {
		uint64_t v = 77;
		CHECK_MSG(str_to_u64(u64[i].text, &v) == u64[i].ok, "row %zu", i);
		CHECK_MSG(v == (u64[i].ok ? u64[i].v : 77), "row %zu leaves the variable", i);
	}
	int64_t s = 0;
	CHECK(str_to_i64(STR("-9223372036854775808"), &s) && s == INT64_MIN);
	CHECK(!str_to_i64(STR("-9223372036854775809"), &s));
	CHECK(!str_to_i64(STR("9223372036854775808"), &s));
	double d = 0;
	CHECK(str_to_double(STR("-1.5e3"), &d) && d == -1500);
	CHECK(!str_to_double(STR("nan"), &d));
	CHECK(!str_to_double(STR("0x10"), &d));
	CHECK(!str_to_double(STR("1e999"), &d));
	CHECK(s == INT64_MIN);
	uint64_t size = 0;
	CHECK(str_to_size(STR("64K"), &size) && size == 65536);
	CHECK(!str_to_size(STR("K"), &size));
}

TEST(utf8)
{
	static const struct { str text; bool ok; } rows[] = {
		{ STR_INIT("plain"), true },
		{ STR_INIT("caf\xc3\xa9 and more than eight"), true },
		{ STR_INIT("\xf0\x9f\x98\x80"), true },
		{ STR_INIT("\xc0\x80"), false },         /* overlong NUL */
		{ STR_INIT("\xe0\x80\x80"), false },     /* overlong */
		{ STR_INIT("\xed\xa0\x80"), false },     /* surrogate */
		{ STR_INIT("\xf4\x90\x80\x80"), false }, /* above U+10FFFF */
		{ STR_INIT("\xc3"), false },
		{ STR_INIT("\x80"), false },
		{ STR_INIT("12345678\xff"), false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		CHECK_MSG(str_is_utf8(rows[i].text) == rows[i].ok, "row %zu", i);
	CHECK(!str_is_plain(STR("a\nb")));
	CHECK(str_is_plain(STR("a b")));
}

TEST(cutting)
{
	str s = STR("a,b,,c"), line;
	CHECK_STR(str_cut(&s, ','), STR("a"));
	CHECK_STR(str_cut(&s, ','), STR("b"));
	CHECK_STR(str_cut(&s, ','), STR(""));
	CHECK_STR(str_cut(&s, ','), STR("c"));
	CHECK_INT(s.n, 0);
	str text = STR("one\r\ntwo\n\nlast");
	CHECK(str_line(&text, &line));
	CHECK_STR(line, STR("one"));
	CHECK(str_line(&text, &line) && str_line(&text, &line));
	CHECK_STR(line, STR(""));
	CHECK(str_line(&text, &line));
	CHECK_STR(line, STR("last"));
	CHECK(!str_line(&text, &line));
	CHECK_STR(str_trim(STR(" \tx y ")), STR("x y"));
	char z[4];
	CHECK(str_to_z(STR("abc"), z, sizeof(z)));
	CHECK(!str_to_z(STR("abcd"), z, sizeof(z)));
	CHECK(!str_to_z(STR("a\0b"), z, sizeof(z)));
}

TEST(times)
{
	static const struct { str text; bool utc, ok; const char *want; } rows[] = {
		{ STR_INIT("2026-11-22T02:45:29Z"), false, true, "2026-11-22T02:45:29+00:00" },
		{ STR_INIT("2026-11-22 02:45:29"), true, true, "2026-11-22T02:45:29+00:00" },
		{ STR_INIT("2026-11-22 02:45:29"), false, false, NULL },
		{ STR_INIT("2026-11-22T02:45:29.5+07:00"), false, true, "2026-11-21T19:45:29.500000+00:00" },
		{ STR_INIT("2026-11-22T02:45:29-0330"), false, true, "2026-11-22T06:15:29+00:00" },
		{ STR_INIT("2024-02-29"), true, true, "2024-02-29T00:00:00+00:00" },
		{ STR_INIT("2023-02-29"), true, false, NULL },
		{ STR_INIT("2026-13-01"), true, false, NULL },
		{ STR_INIT("1969-12-31T23:59:59Z"), false, false, NULL },
		{ STR_INIT("2026-11-22 24:00:00"), true, false, NULL },
		{ STR_INIT("2016-12-31T23:59:60Z"), false, true, "2017-01-01T00:00:00+00:00" },
		{ STR_INIT("2038-01-19T03:14:08Z"), false, true, "2038-01-19T03:14:08+00:00" },
		{ STR_INIT("20261122T024529Z"), false, true, "2026-11-22T02:45:29+00:00" },
		{ STR_INIT("yesterday"), true, false, NULL },
		{ STR_INIT("2026-11-22 02:45:29 UTC"), false, true, "2026-11-22T02:45:29+00:00" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t us = -5;
		char text[40];
		bool ok = time_parse(rows[i].text, rows[i].utc, &us);
		CHECK_MSG(ok == rows[i].ok, "row %zu", i);
		if (ok && rows[i].ok)
			CHECK_STR(time_str(text, us), str_of(rows[i].want));
		else
			CHECK_INT(us, -5);
	}
	/* every day of four centuries there and back */
	for (int64_t day = 0; day < 106000; day += 7) {
		char text[16];
		int64_t us = 0;
		str s = time_day_str(text, day * DAY_US + 3);
		CHECK_MSG(time_parse(s, true, &us) && us == day * DAY_US, STR_FMT, STR_ARG(s));
	}
	int64_t us = 0;
	CHECK(duration_parse(STR("12h"), &us) && us == 12 * HOUR_US);
	CHECK(!duration_parse(STR("h"), &us));
	CHECK(!duration_parse(STR("99999999999999w"), &us));
	CHECK_INT(time_day(-1), -1);
}

TEST(addresses)
{
	static const struct { const char *in, *out; } good[] = {
		{ "192.0.2.7", "192.0.2.7" },       { "2001:DB8::0:7", "2001:db8::7" },
		{ "::", "::" },                     { "::ffff:192.0.2.7", "192.0.2.7" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
	};
	static const char *const wrong[] = {
		"192.0.2", "192.0.2.256", "192.0.2.07", "192.0.2.1.", " 192.0.2.1", "192.0.2.1/32",
		"2001:db8::1::2", "fe80::1%eth0", "", ":", "1", "0x7f.0.0.1", "::1 ",
	};
	char text[56];
	struct ip ip;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		CHECK_MSG(ip_parse(str_of(good[i].in), &ip), "%s", good[i].in);
		CHECK_STR(ip_str(text, &ip), str_of(good[i].out));
	}
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		CHECK_MSG(!ip_parse(str_of(wrong[i]), &ip), "%s", wrong[i]);

	struct net net = { 0 };
	CHECK(net_parse(STR("198.18.7.9/15"), false, &net));
	CHECK_STR(net_str(text, &net), STR("198.18.0.0/15"));
	CHECK(!net_parse(STR("198.18.7.9/15"), true, &net));
	CHECK(!net_parse(STR("198.18.0.0/33"), false, &net));
	CHECK(!net_parse(STR("198.18.0.0/"), false, &net));
	CHECK(ip_parse(STR("198.19.255.255"), &ip) && net_has(&net, &ip));
	CHECK(ip_parse(STR("198.20.0.0"), &ip) && !net_has(&net, &ip));
	ip = net_last(&net);
	CHECK_STR(ip_str(text, &ip), STR("198.19.255.255"));
	CHECK(net_parse(STR("2001:db8::/32"), true, &net));
	CHECK_STR(net_str(text, &net), STR("2001:db8::/32"));
	CHECK(ip_parse(STR("8.8.8.8"), &ip) && !ip_is_special(&ip));
	CHECK(ip_parse(STR("::1"), &ip) && ip_is_special(&ip));
	CHECK(ip_parse(STR("100.127.0.1"), &ip) && ip_is_special(&ip));
	CHECK(ip_parse(STR("2606:4700::1"), &ip) && !ip_is_special(&ip));
}

TEST(buffers)
{
	struct buf b = BUF_INIT(10);
	buf_add(&b, STR("123456"));
	buf_add(&b, STR("78901"));
	CHECK(b.over);
	CHECK_STR(buf_str(&b), STR("123456"));
	buf_add(&b, STR("7"));
	CHECK_STR(buf_str(&b), STR("123456")); /* over sticks */
	buf_reset(&b);
	buf_fmt(&b, "%d-%s", 12, "ab");
	CHECK_STR(buf_str(&b), STR("12-ab"));
	buf_free(&b);

	static const uint64_t values[] = { 0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX };
	struct buf w = BUF_INIT(KIB(1));
	for (size_t i = 0; i < COUNT_OF(values); i++)
		buf_varint(&w, values[i]);
	buf_le32(&w, 0xdeadbeef);
	struct wire r = wire_of(buf_str(&w));
	for (size_t i = 0; i < COUNT_OF(values); i++)
		CHECK_INT(wire_varint(&r), values[i]);
	CHECK_INT(wire_le32(&r), 0xdeadbeef);
	CHECK(!r.bad && wire_left(&r) == 0);
	wire_u8(&r);
	CHECK(r.bad);
	r = wire_of(STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
	wire_varint(&r);
	CHECK(r.bad); /* more than 64 bits */
	r = wire_of(STR("\x7f" "ab"));
	wire_block(&r);
	CHECK(r.bad);
	buf_free(&w);
}

TEST(arenas)
{
	struct arena *a = arena_new(256);
	for (int i = 1; i < 2000; i++) {
		unsigned char *p = arena_alloc(a, (size_t)i);
		CHECK((uintptr_t)p % _Alignof(max_align_t) == 0 && p[0] == 0 && p[i - 1] == 0);
		memset(p, 0xff, (size_t)i);
	}
	arena_reset(a);
	CHECK(arena_bytes(a) < 1024);
	CHECK_STR(arena_fmt(a, "%s %d", "x", 7), STR("x 7"));
	arena_free(a);
	arena_free(NULL);
}

TEST(hashes)
{
	struct err err;
	CHECK_RC(hash_init(&err), RC_OK, err);
	struct buf hex = BUF_INIT(200);
	struct digest d = sha256(STR("abc"));
	hex_format(&hex, d.b, sizeof(d.b));
	CHECK_STR(buf_str(&hex), STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	struct digest back;
	CHECK(hex_parse(buf_str(&hex), back.b, sizeof(back.b)) && memcmp(&back, &d, sizeof(d)) == 0);
	CHECK(!hex_parse(STR("zz"), back.b, 1));

	static const struct { str text, bytes; bool ok; } rows[] = {
		{ STR_INIT(""), STR_INIT(""), true },
		{ STR_INIT("_-8A"), STR_INIT("\xff\xef\x00"), true },
		{ STR_INIT("YQ"), STR_INIT("a"), true },
		{ STR_INIT("YQ=="), STR_INIT(""), false },  /* padding */
		{ STR_INIT("YR"), STR_INIT(""), false },    /* bits left over */
		{ STR_INIT("Y"), STR_INIT(""), false },
		{ STR_INIT("Y Q"), STR_INIT(""), false },
		{ STR_INIT("+/8A"), STR_INIT(""), false },  /* the other alphabet */
		{ STR_INIT("AAAAAAAA"), STR_INIT(""), false }, /* longer than there is room */
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = BUF_INIT(5);
		CHECK_MSG(base64url_parse(rows[i].text, &b) == rows[i].ok, "row %zu", i);
		CHECK_STR(buf_str(&b), rows[i].bytes);
		CHECK(!b.over);
		buf_free(&b);
	}
	struct buf url = BUF_INIT(KIB(1));
	percent_format(&url, STR("aZ9-._~ /?&=+%\xc3\xa9"));
	CHECK_STR(buf_str(&url), STR("aZ9-._~%20%2F%3F%26%3D%2B%25%C3%A9"));
	buf_free(&url);
	CHECK_INT(crc32_of(STR("123456789")), 0xcbf43926);
	struct key k = { { 1 } };
	struct hash128 one = keyed_hash128(&k, "a", STR("x")), two = keyed_hash128(&k, "b", STR("x"));
	CHECK(one.hi != two.hi || one.lo != two.lo);
	struct key k2 = key_derive(&k, "repeat");
	one = keyed_hash128_raw(&k2, STR("x"));
	two = keyed_hash128_raw(&k, STR("x"));
	CHECK(one.hi != two.hi);
	buf_free(&hex);
}

TEST(errors)
{
	struct err err;
	CHECK_INT(fail(&err, RC_INPUT, "line %d: '%s'", 7, "a\nb"), RC_INPUT);
	CHECK_STR(str_of(err.text), STR("line 7: 'a?b'"));
	CHECK_INT(fail(NULL, RC_IO, "x"), RC_IO);
	CHECK_INT(fail_errno(&err, 28, "write"), RC_LIMIT);
	CHECK(rc_exit_code(RC_OK) == 0 && rc_exit_code(RC_IO) != 0);
	CHECK_INT(rc_http_status(RC_LIMIT), 507);
}

TEST_MAIN(TEST_RUN(numbers), TEST_RUN(utf8), TEST_RUN(cutting), TEST_RUN(times), TEST_RUN(addresses),
	  TEST_RUN(buffers), TEST_RUN(arenas), TEST_RUN(hashes), TEST_RUN(errors))
