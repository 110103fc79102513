/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"

#include "base/test.h"

static const struct {
	const char *what;
	str text;
	bool good;
} cases[] = {
	{ "as written", STR_INIT("f81d4fae-7dec-41d0-a765-00a0c91e6bf6"), true },
	{ "upper case", STR_INIT("F81D4FAE-7DEC-41D0-A765-00A0C91E6BF6"), true },
	{ "one digit short", STR_INIT("f81d4fae-7dec-41d0-a765-00a0c91e6bf"), false },
	{ "one digit more", STR_INIT("f81d4fae-7dec-41d0-a765-00a0c91e6bf60"), false },
	{ "without hyphens", STR_INIT("f81d4fae7dec41d0a76500a0c91e6bf6"), false },
	{ "no hex digit", STR_INIT("g81d4fae-7dec-41d0-a765-00a0c91e6bf6"), false },
	{ "nothing", STR_INIT(""), false },
	{ "groups of other sizes", STR_INIT("f81d4fae7-dec-41d0-a765-00a0c91e6bf6"), false },
};

TEST(uuid_text)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct uuid u = { { 0 } }, again;
		bool good = uuid_parse(cases[i].text, &u);
		struct buf b = BUF_INIT(64);
		uuid_format(&b, &u);
		CHECK_MSG(good == cases[i].good, "%s", cases[i].what);
		CHECK_MSG(good ? uuid_parse(buf_str(&b), &again) && uuid_equal(&u, &again)
			       : uuid_is_zero(&u), "%s", cases[i].what);
		buf_free(&b);
	}
}

TEST(uuid_random)
{
	struct uuid a = uuid_random(), b = uuid_random();
	CHECK(!uuid_equal(&a, &b));
	CHECK(a.b[6] >> 4 == 4 && a.b[8] >> 6 == 2);
}

TEST_MAIN(TEST_RUN(uuid_text), TEST_RUN(uuid_random))
