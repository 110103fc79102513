/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/recovery.h"

#include "base/test.h"

static const struct key key = { "0123456789abcdef0123456789abcde" };

TEST(ten_codes_each_once)
{
	struct recovery r, other;
	struct digest kept[RECOVERY_CODES];

	recovery_new(&key, &r);
	recovery_new(&key, &other);
	memcpy(kept, r.digests, sizeof(kept));
	for (int i = 0; i < RECOVERY_CODES; i++) {
		str code = str_of(r.codes[i]);
		CHECK_INT(code.n, 19);
		CHECK(code.p[4] == '-' && code.p[9] == '-' && code.p[14] == '-');
		for (int j = 0; j < i; j++)
			CHECK(strcmp(r.codes[i], r.codes[j]) != 0);
		CHECK_INT(recovery_find(&key, code, kept, RECOVERY_CODES), i);
		CHECK_INT(recovery_find(&key, code, other.digests, RECOVERY_CODES), -1);
		CHECK_INT(recovery_find(&key, code, kept, 0), -1);
	}
	/* used: its digest goes, the others stay */
	kept[3] = kept[9];
	CHECK_INT(recovery_find(&key, str_of(r.codes[3]), kept, 9), -1);
	CHECK_INT(recovery_find(&key, str_of(r.codes[9]), kept, 9), 3);
	recovery_wipe(&r);
	CHECK_INT(r.codes[0][0], 0);
}

TEST(as_people_type_them)
{
	struct recovery r;
	struct key other = key;
	char typed[64];

	recovery_new(&key, &r);
	const char *c = r.codes[7];
	for (size_t i = 0; c[i]; i++)
		typed[i] = c[i] >= 'a' && c[i] <= 'z' ? (char)(c[i] - 32) : c[i];
	CHECK_INT(recovery_find(&key, str_mem(typed, 19), r.digests, RECOVERY_CODES), 7);
	snprintf(typed, sizeof(typed), " %.4s %.4s%.4s - %.4s ", c, c + 5, c + 10, c + 15);
	CHECK_INT(recovery_find(&key, str_of(typed), r.digests, RECOVERY_CODES), 7);
	snprintf(typed, sizeof(typed), "%.18s", c); /* one letter short */
	CHECK_INT(recovery_find(&key, str_of(typed), r.digests, RECOVERY_CODES), -1);
	snprintf(typed, sizeof(typed), "%sa", c);   /* one too many */
	CHECK_INT(recovery_find(&key, str_of(typed), r.digests, RECOVERY_CODES), -1);
	snprintf(typed, sizeof(typed), "%.18s%c", c, c[18] == 'a' ? 'b' : 'a');
	CHECK_INT(recovery_find(&key, str_of(typed), r.digests, RECOVERY_CODES), -1);
	static const str wrong[] = { STR_INIT(""), STR_INIT("----"), STR_INIT("0000-0000-0000-0000"),
				     STR_INIT("aaaa-aaaa-aaaa-aaa\0"), STR_INIT("aaaa-aaaa-aaaa-aaa\xc3") };
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		CHECK_INT(recovery_find(&key, wrong[i], r.digests, RECOVERY_CODES), -1);
	other.b[0] ^= 1;
	CHECK_INT(recovery_find(&other, str_of(c), r.digests, RECOVERY_CODES), -1);
}

TEST_MAIN(TEST_RUN(ten_codes_each_once), TEST_RUN(as_people_type_them))
