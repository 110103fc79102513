/* SPDX-License-Identifier: Apache-2.0 */
#include "base/totp.h"

#include "base/clock.h"
#include "base/test.h"

static const struct totp_secret rfc = { .b = "12345678901234567890", .n = 20 };

/* RFC 4226 appendix D */
TEST(codes_of_a_counter)
{
	static const char *const codes[] = { "755224", "287082", "359152", "969429", "338314",
					     "254676", "287922", "162583", "399871", "520489" };
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		char code[7];
		CHECK(totp_code(&rfc, (int64_t)i, code));
		CHECK_STR(str_of(code), str_of(codes[i]));
	}
}

/* RFC 6238 appendix B, SHA-1: the last six of its eight digits */
TEST(codes_of_a_time)
{
	static const struct { int64_t s; const char *code; } rows[] = {
		{ 59, "287082" },         { 1111111109, "081804" }, { 1111111111, "050471" },
		{ 1234567890, "005924" }, { 2000000000, "279037" }, { 20000000000, "353130" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err err = { 0 };
		int64_t step = 0;
		enum rc rc = totp_check(&rfc, str_of(rows[i].code), rows[i].s * SECOND_US, 0, &step, &err);
		CHECK_RC(rc, RC_OK, err);
		CHECK_INT(step, rows[i].s / 30);
	}
}

TEST(which_steps_are_taken)
{
	const int64_t now_us = INT64_C(1795000000) * SECOND_US, now = totp_step(now_us);
	struct err err = { 0 };

	for (int64_t off = -3; off <= 3; off++) {
		char code[7];
		int64_t step = 77;
		CHECK(totp_code(&rfc, now + off, code));
		enum rc rc = totp_check(&rfc, str_of(code), now_us, 0, &step, &err);
		CHECK_RC(rc, off >= -1 && off <= 1 ? RC_OK : RC_DENIED, err);
		CHECK_INT(step, rc == RC_OK ? now + off : 77);
		/* used once, and with it all before */
		rc = totp_check(&rfc, str_of(code), now_us, now, &step, &err);
		CHECK_RC(rc, off == 1 ? RC_OK : off >= -1 && off <= 0 ? RC_CONFLICT : RC_DENIED, err);
		rc = totp_check(&rfc, str_of(code), now_us, now + off - 1, &step, &err);
		CHECK_RC(rc, off >= -1 && off <= 1 ? RC_OK : RC_DENIED, err);
	}
	static const struct { const char *code; enum rc rc; } rows[] = {
		{ "", RC_INPUT },        { "12345", RC_INPUT },   { "1234567", RC_INPUT },
		{ "12345x", RC_INPUT },  { "-12345", RC_INPUT },  { "\xd9\xa1\xd9\xa2\xd9\xa3", RC_INPUT },
		{ "287082", RC_OK },     { "287 082", RC_OK },    { " 287082 ", RC_OK },
		{ "287083", RC_DENIED },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t step;
		enum rc rc = totp_check(&rfc, str_of(rows[i].code), 59 * SECOND_US, 0, &step, &err);
		CHECK_MSG(rc == rows[i].rc, "%s: %s", rows[i].code, rc_name(rc));
	}
}

TEST(secrets_as_text)
{
	struct buf b = BUF_INIT(KIB(1));
	struct totp_secret back, s = totp_secret_new(), other = totp_secret_new();

	totp_secret_format(&b, &rfc);
	CHECK_STR(buf_str(&b), STR("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
	CHECK(totp_secret_parse(STR("gezd gnbv-gy3t qojq GEZD GNBV GY3T QOJQ"), &back));
	CHECK(back.n == rfc.n && memcmp(back.b, rfc.b, rfc.n) == 0);
	CHECK(s.n == TOTP_SECRET_BYTES && memcmp(s.b, other.b, s.n) != 0);
	static const char *const wrong[] = { "", "A", "GEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1",
					     "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ=" };
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		CHECK_MSG(!totp_secret_parse(str_of(wrong[i]), &back), "%s", wrong[i]);
	/* length in bytes: below, at, above */
	for (size_t n = TOTP_SECRET_BYTES_MAX - 1; n <= TOTP_SECRET_BYTES_MAX + 1; n++) {
		char text[128];
		memset(text, 'A', sizeof(text));
		CHECK_MSG(totp_secret_parse(str_mem(text, (n * 8 + 4) / 5), &back) ==
			  (n <= TOTP_SECRET_BYTES_MAX), "%zu", n);
	}
	buf_reset(&b);
	totp_uri(&b, &rfc, STR("CERT & co"), STR("b@example.org"));
	CHECK_STR(buf_str(&b), STR("otpauth://totp/CERT%20%26%20co:b%40example.org"
				   "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=CERT%20%26%20co"
				   "&algorithm=SHA1&digits=6&period=30"));
	buf_free(&b);
}

TEST_MAIN(TEST_RUN(codes_of_a_counter), TEST_RUN(codes_of_a_time), TEST_RUN(which_steps_are_taken),
	  TEST_RUN(secrets_as_text))
