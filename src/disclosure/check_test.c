/* SPDX-License-Identifier: Apache-2.0 */
/* The whole table of the check against a second description of it, written as
 * a picture: a letter says the strictest marking that may leave. */
#include "disclosure/check.h"

#include "base/test.h"

static const struct policy policy = { .number = 7, .public_k = 5 };

/* Columns: none screen api cli export mail webhook feed sync log.
 * C clear, G green, A amber, S amber+strict, R red (only for a named person,
 * else S), - nothing. `own`: the item is about the recipient's own asset. */
static const struct {
	enum recipient_kind kind;
	const char *plain, *own;
} handling[] = {
	{ RECIPIENT_NONE,        "----------", "----------" },
	{ RECIPIENT_PUBLIC,      "-CC-CCCC--", "-CC-CCCC--" },
	{ RECIPIENT_STAFF,       "-RRRSSAA--", "-RRRSSAA--" },
	{ RECIPIENT_CONSTITUENT, "-GG-GGGG--", "-SS-SSSS--" },
	{ RECIPIENT_COMMUNITY,   "-GG-GGGG--", "-SS-SSSS--" },
	{ RECIPIENT_PARTNER,     "--G----GG-", "--S----SS-" },
	{ RECIPIENT_LOG,         "----------", "----------" },
};
/* Counts go where items go, and into metrics. Running the node is our own affair. */
static const char *const counts_in_log = "---------C";
static const char *const operation_staff = "-RRR------";
static const char *const operation_log = "---------C";
static const char *const nothing = "----------";

static const char *picture(enum recipient_kind kind, enum purpose purpose, bool own)
{
	if (purpose == PURPOSE_OPERATION)
		return kind == RECIPIENT_STAFF ? operation_staff :
		       kind == RECIPIENT_LOG   ? operation_log : nothing;
	if (purpose == PURPOSE_STATISTICS && kind == RECIPIENT_LOG)
		return counts_in_log;
	if (purpose != PURPOSE_HANDLING && purpose != PURPOSE_STATISTICS)
		return nothing;
	return own ? handling[kind].own : handling[kind].plain;
}

static int strictest(char letter, bool named)
{
	switch (letter) {
	case 'C': return TLP_CLEAR;
	case 'G': return TLP_GREEN;
	case 'A': return TLP_AMBER;
	case 'S': return TLP_AMBER_STRICT;
	case 'R': return named ? TLP_RED : TLP_AMBER_STRICT;
	default: return -1;
	}
}

static enum verdict expected(const struct labels *i, const struct recipient *to, enum channel channel,
			     enum purpose purpose)
{
	int tlp = i->tlp == TLP_COUNT ? TLP_RED : (int)i->tlp;
	bool eyes = channel == CHANNEL_SCREEN || channel == CHANNEL_API || channel == CHANNEL_CLI;
	bool open = to->kind == RECIPIENT_PUBLIC || to->kind == RECIPIENT_LOG;

	if (tlp > strictest(picture(to->kind, purpose, i->about_recipient)[channel], to->named))
		return DISCLOSE_NO;
	if (tlp > (int)to->ceiling)
		return DISCLOSE_NO;
	if (i->exercise && (open || !to->exercise_member))
		return DISCLOSE_NO;
	if (i->held && !(to->kind == RECIPIENT_STAFF && eyes && purpose == PURPOSE_HANDLING))
		return DISCLOSE_NO;
	if (open && purpose == PURPOSE_STATISTICS && i->sources < 5)
		return DISCLOSE_NO;
	if (i->personal && to->kind == RECIPIENT_LOG)
		return DISCLOSE_NO;
	if (i->personal && (to->kind == RECIPIENT_PUBLIC || !to->personal_basis))
		return DISCLOSE_REDACT;
	return DISCLOSE_YES;
}

/* One bit of `n` each: every combination of what can be true of item and recipient. */
enum { FLAG_COMBINATIONS = 1 << 8 };

static void set_flags(unsigned n, struct labels *i, struct recipient *to)
{
	i->personal = n & 1;
	i->exercise = n & 2;
	i->about_recipient = n & 4;
	i->held = n & 8;
	i->sources = n & 16 ? 5 : 4;
	to->named = n & 32;
	to->personal_basis = n & 64;
	to->exercise_member = n & 128;
}

static uint64_t compare_cell(enum tlp tlp, enum recipient_kind kind, enum channel c, enum purpose p)
{
	uint64_t allowed = 0;

	for (enum tlp ceiling = TLP_CLEAR; ceiling < TLP_COUNT; ceiling++) {
		for (unsigned n = 0; n < FLAG_COMBINATIONS; n++) {
			struct labels i = { .tlp = tlp };
			struct recipient to = { .kind = kind, .ceiling = ceiling };
			set_flags(n, &i, &to);
			struct decision d = may_disclose(&i, &to, c, p, &policy);
			enum verdict want = expected(&i, &to, c, p);

			CHECK_MSG(d.verdict == want,
				  "tlp %d kind %d channel %d purpose %d ceiling %d flags %u: %d (%s), want %d",
				  tlp, kind, c, p, ceiling, n, d.verdict, d.rule, want);
			CHECK(d.rule && d.rule[0]);
			allowed += d.verdict != DISCLOSE_NO;
		}
	}
	return allowed;
}

TEST(whole_table)
{
	uint64_t allowed = 0;

	for (enum tlp t = TLP_CLEAR; t <= TLP_COUNT; t++)
		for (enum recipient_kind k = RECIPIENT_NONE; k < RECIPIENT_KINDS; k++)
			for (enum channel c = CHANNEL_NONE; c < CHANNELS; c++)
				for (enum purpose p = PURPOSE_NONE; p < PURPOSES; p++)
					allowed += compare_cell(t, k, c, p);
	CHECK(allowed > 1000);
}

TEST(outside_the_enums)
{
	static const int wild[] = { -1, -2147483647 - 1, 1000, 2147483647 };
	const struct labels item = { .tlp = TLP_CLEAR, .sources = 100 };
	const struct recipient staff = { .kind = RECIPIENT_STAFF, .ceiling = TLP_RED, .named = true };

	CHECK_INT(may_disclose(&item, &staff, CHANNEL_SCREEN, PURPOSE_HANDLING, &policy).verdict, DISCLOSE_YES);
	for (size_t n = 0; n < COUNT_OF(wild) + 1; n++) {
		/* The last round: the first value behind each enum. */
		bool edge = n == COUNT_OF(wild);
		struct labels i = item;
		struct recipient kind = staff, ceiling = staff;

		i.tlp = (enum tlp)(edge ? TLP_COUNT + 1 : wild[n]);
		kind.kind = (enum recipient_kind)(edge ? RECIPIENT_KINDS : wild[n]);
		ceiling.ceiling = (enum tlp)(edge ? TLP_COUNT : wild[n]);
		enum channel c = (enum channel)(edge ? CHANNELS : wild[n]);
		enum purpose p = (enum purpose)(edge ? PURPOSES : wild[n]);
		const struct decision d[] = {
			may_disclose(&i, &staff, CHANNEL_SCREEN, PURPOSE_HANDLING, &policy),
			may_disclose(&item, &kind, CHANNEL_SCREEN, PURPOSE_HANDLING, &policy),
			may_disclose(&item, &ceiling, CHANNEL_SCREEN, PURPOSE_HANDLING, &policy),
			may_disclose(&item, &staff, c, PURPOSE_HANDLING, &policy),
			may_disclose(&item, &staff, CHANNEL_SCREEN, p, &policy),
		};

		for (size_t at = 0; at < COUNT_OF(d); at++)
			CHECK_MSG(d[at].verdict == DISCLOSE_NO, "round %zu, value %zu", n, at);
	}
}

TEST(something_missing)
{
	const struct labels item = { .tlp = TLP_CLEAR, .sources = 100 };
	const struct recipient staff = { .kind = RECIPIENT_STAFF, .ceiling = TLP_RED };

	CHECK_INT(may_disclose(NULL, &staff, CHANNEL_SCREEN, PURPOSE_HANDLING, &policy).verdict, DISCLOSE_NO);
	CHECK_INT(may_disclose(&item, NULL, CHANNEL_SCREEN, PURPOSE_HANDLING, &policy).verdict, DISCLOSE_NO);
	CHECK_INT(may_disclose(&item, &staff, CHANNEL_SCREEN, PURPOSE_HANDLING, NULL).verdict, DISCLOSE_NO);
	CHECK_INT(disclosure_tlp_mask(NULL, CHANNEL_SCREEN, PURPOSE_HANDLING, &policy), 0);
	CHECK_INT(may_disclose(&(struct labels){ 0 }, &(struct recipient){ 0 }, CHANNEL_NONE, PURPOSE_NONE,
			       &policy).verdict, DISCLOSE_NO);
}

TEST(public_counts_need_sources)
{
	static const struct { uint64_t k, sources; enum verdict want; } cases[] = {
		{ 5, 0, DISCLOSE_NO },  { 5, 4, DISCLOSE_NO },   { 5, 5, DISCLOSE_YES },
		{ 0, 4, DISCLOSE_NO },  { 0, 5, DISCLOSE_YES },  { 1, 4, DISCLOSE_NO },
		{ 10, 9, DISCLOSE_NO }, { 10, 10, DISCLOSE_YES }, { UINT64_MAX, 1000, DISCLOSE_NO },
	};
	const struct recipient anyone = { .kind = RECIPIENT_PUBLIC };

	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct labels i = { .tlp = TLP_CLEAR, .sources = cases[n].sources };
		struct policy p = { .public_k = cases[n].k };

		CHECK_MSG(may_disclose(&i, &anyone, CHANNEL_SCREEN, PURPOSE_STATISTICS, &p).verdict ==
			  cases[n].want, "row %zu", n);
	}
}

TEST(mask_is_the_check)
{
	for (enum recipient_kind k = RECIPIENT_NONE; k < RECIPIENT_KINDS; k++)
		for (enum channel c = CHANNEL_NONE; c < CHANNELS; c++)
			for (enum purpose p = PURPOSE_NONE; p < PURPOSES; p++)
				for (int n = 0; n < TLP_COUNT * 2; n++) {
					struct recipient to = { .kind = k, .ceiling = (enum tlp)(n / 2),
								.named = n & 1 };
					int most = strictest(picture(k, p, false)[c], to.named);
					uint32_t want = 0;

					for (int t = 0; t <= most && t <= (int)to.ceiling; t++)
						want |= 1u << t;
					CHECK_INT(disclosure_tlp_mask(&to, c, p, &policy), want);
				}
}

TEST_MAIN(TEST_RUN(whole_table), TEST_RUN(outside_the_enums), TEST_RUN(something_missing),
	  TEST_RUN(public_counts_need_sources), TEST_RUN(mask_is_the_check))
