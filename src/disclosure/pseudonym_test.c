/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/pseudonym.h"

#include "base/test.h"

static const struct key secret = { { 1, 2, 3 } }, other_secret = { { 3, 2, 1 } };
static const struct uuid a = { { 0xa } }, b = { { 0xb } };

static str made(const struct key *k, const struct uuid *partner, int64_t day, const char *kind,
		const char *value, struct buf *out)
{
	buf_reset(out);
	pseudonym(k, partner, day * DAY_US, str_of(kind), str_of(value), out);
	return buf_str(out);
}

/* The same only when secret, partner, period, kind and value are the same. */
TEST(joinable_by_one_partner_in_one_period)
{
	static const struct { const struct key *k; const struct uuid *partner; int64_t day; const char *kind, *value;
			      bool same; } cases[] = {
		{ &secret, &a, 30000, "mail", "x@example.org", true },
		{ &secret, &a, 30029, "mail", "x@example.org", true },
		{ &secret, &a, 30030, "mail", "x@example.org", false },
		{ &secret, &a, 29999, "mail", "x@example.org", false },
		{ &secret, &b, 30000, "mail", "x@example.org", false },
		{ &other_secret, &a, 30000, "mail", "x@example.org", false },
		{ &secret, &a, 30000, "person", "x@example.org", false },
		{ &secret, &a, 30000, "mai", "lx@example.org", false },
		{ &secret, &a, 30000, "mail", "y@example.org", false },
		{ &secret, &a, -1, "mail", "x@example.org", false },
	};
	struct buf first = BUF_INIT(100), out = BUF_INIT(100);
	str want = made(&secret, &a, 30000, "mail", "x@example.org", &first);

	CHECK_INT(want.n, PSEUDONYM_BYTES);
	CHECK(str_starts(want, STR("p-")) && str_is_plain(want));
	CHECK(str_find(want, STR("example")) == want.n);
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		CHECK_MSG(str_eq(made(cases[i].k, cases[i].partner, cases[i].day, cases[i].kind, cases[i].value,
				      &out), want) == cases[i].same, "row %zu", i);
	/* before 1970 there are periods too, of the same length */
	buf_reset(&first);
	buf_add(&first, made(&secret, &a, -1, "mail", "x", &out));
	CHECK_STR(made(&secret, &a, -30, "mail", "x", &out), buf_str(&first));
	CHECK(!str_eq(made(&secret, &a, -31, "mail", "x", &out), buf_str(&first)));
	CHECK(!str_eq(made(&secret, &a, 0, "mail", "x", &out), buf_str(&first)));
	buf_free(&first);
	buf_free(&out);
}

TEST_MAIN(TEST_RUN(joinable_by_one_partner_in_one_period))
