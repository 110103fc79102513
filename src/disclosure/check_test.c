/* SPDX-License-Identifier: Apache-2.0 */
/* The whole check against a second statement of it: how far each recipient is reached is drawn as
 * a picture (a letter says the strictest marking that may leave), what an audience and an
 * agreement add is said in words, and then all that forbids. */
#include "disclosure/check.h"

#include "base/test.h"

/* Marks of our own, so that no row of marks.def is what makes a test pass. */
enum { TO_STAFF = 1 << RECIPIENT_STAFF, TO_CONSTITUENT = 1 << RECIPIENT_CONSTITUENT,
       TO_PARTNER = 1 << RECIPIENT_PARTNER };
static const struct classification levels[] = {
	{ "low", TLP_GREEN, ~0u, "" },
	{ "middle", TLP_AMBER_STRICT, TO_STAFF | TO_PARTNER, "" },
	{ "high", TLP_RED, TO_STAFF, "" },
	{ "nobody's", TLP_CLEAR, 0, "" },
};
static const struct licence terms[] = {
	{ "free", ~0u, true, "", "" },
	{ "ours", TO_STAFF, false, "", "" },
	{ "own", TO_STAFF, true, "", "" },
	{ "served", TO_STAFF | TO_CONSTITUENT, true, "", "" },
};
static const struct marks marks = { levels, COUNT_OF(levels), terms, COUNT_OF(terms) };
static const struct policy policy = { .number = 7, .public_k = 5, .marks = &marks };

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
	{ RECIPIENT_PARTNER,     "--C----CC-", "--S----SS-" },
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
	if (purpose == PURPOSE_NONE)
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

static bool one_of(enum recipient_kind kind, enum recipient_kind a, enum recipient_kind b)
{
	return kind == a || kind == b;
}

/* How strict it is: what is marked and not understood is RED. */
static int strictness(const struct labels *i)
{
	return i->tlp == TLP_COUNT || i->pap == PAP_COUNT ? TLP_RED : (int)i->tlp;
}

/* Up to which marking the recipient is reached; -1 not at all. */
static int reach(const struct labels *i, const struct recipient *to, enum channel channel,
		 enum purpose purpose)
{
	bool named = to->named && (i->names_recipient || !i->for_named);
	int most = strictest(picture(to->kind, purpose, i->about_recipient)[channel], named);
	bool client = to->kind == RECIPIENT_CONSTITUENT;

	if (most < 0 || purpose == PURPOSE_OPERATION ||
	    !(client || one_of(to->kind, RECIPIENT_COMMUNITY, RECIPIENT_PARTNER)))
		return most;
	if (i->invited && !i->foreign && to->kind != RECIPIENT_PARTNER)
		most = TLP_AMBER_STRICT;
	if (to->agreement && to->agreed_pap >= i->pap) { /* of what is not ours only so much may be passed on */
		int cap = !i->foreign ? TLP_AMBER_STRICT : client ? TLP_AMBER : TLP_GREEN;

		cap = (int)to->agreed < cap ? (int)to->agreed : cap;
		most = cap > most ? cap : most;
	}
	return most;
}

static bool forbidden(const struct labels *i, const struct recipient *to, enum channel channel,
		      enum purpose purpose)
{
	bool eyes = channel == CHANNEL_SCREEN || channel == CHANNEL_API || channel == CHANNEL_CLI;
	bool open = one_of(to->kind, RECIPIENT_PUBLIC, RECIPIENT_LOG);
	bool ours = to->kind == RECIPIENT_STAFF, counting = purpose == PURPOSE_STATISTICS;
	bool used = !counting && purpose != PURPOSE_OPERATION;
	unsigned who = 1u << to->kind;

	if (strictness(i) > (int)to->ceiling)
		return true;
	if (i->uncleared & who)
		return true;
	if (i->exercise && (open || !to->exercise_member))
		return true;
	if (i->held && !(ours && eyes && purpose == PURPOSE_HANDLING))
		return true;
	if (i->excluded && !ours)
		return true;
	if ((i->unlicensed & who) && !ours && !counting && !(i->about_recipient && !i->unlicensed_own))
		return true;
	if (open && counting && i->sources < 5)
		return true;
	if (to->kind == RECIPIENT_LOG && (i->personal || i->sealed))
		return true;
	switch (i->pap) {
	case PAP_CLEAR:
	case PAP_GREEN:
		return false;
	case PAP_AMBER:
		return purpose == PURPOSE_ACTION ||
		       (used && (channel == CHANNEL_FEED || to->kind == RECIPIENT_PUBLIC));
	case PAP_RED:
	case PAP_COUNT:
		return purpose == PURPOSE_ACTION || purpose == PURPOSE_LOOKUP ||
		       (used && (channel == CHANNEL_FEED || to->kind == RECIPIENT_PUBLIC));
	}
	return true;
}

static unsigned expected_cut(const struct labels *i, const struct recipient *to, enum channel channel,
			     enum purpose purpose)
{
	static const enum channel eyes[] = { CHANNEL_SCREEN, CHANNEL_API, CHANNEL_CLI };
	bool seen = false;

	for (size_t n = 0; n < COUNT_OF(eyes); n++)
		seen |= eyes[n] == channel;
	bool basis = to->personal_basis && to->kind != RECIPIENT_PUBLIC;
	bool key = to->opened && seen && purpose == PURPOSE_HANDLING && to->kind == RECIPIENT_STAFF;
	return (i->personal && !basis ? CUT_PERSONAL : 0u) + (i->sealed && !key ? CUT_SEALED : 0u);
}

static enum verdict expected(const struct labels *i, const struct recipient *to, enum channel channel,
			     enum purpose purpose)
{
	if (strictness(i) > reach(i, to, channel, purpose) || forbidden(i, to, channel, purpose))
		return DISCLOSE_NO;
	return expected_cut(i, to, channel, purpose) ? DISCLOSE_REDACT : DISCLOSE_YES;
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

/* A generator that gives the same numbers on every machine. */
static uint64_t random_state = 88172645463325252u;
static unsigned below(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % n;
}

static struct labels random_item(void)
{
	return (struct labels){
		.tlp = (enum tlp)below(TLP_COUNT + 1), .pap = (enum pap)below(PAP_COUNT + 1),
		.uncleared = below(3) ? 0 : below(128), .unlicensed = below(3) ? 0 : below(128),
		.unlicensed_own = below(4) == 0,
		.personal = below(2), .sealed = below(4) == 0, .exercise = below(4) == 0,
		.about_recipient = below(2), .held = below(8) == 0, .foreign = below(3) == 0,
		.excluded = below(8) == 0, .invited = below(4) == 0,
		.for_named = below(2), .names_recipient = below(2), .sources = below(10),
	};
}

static struct recipient random_recipient(enum recipient_kind kind)
{
	return (struct recipient){
		.kind = kind, .ceiling = below(2) ? TLP_RED : (enum tlp)below(TLP_COUNT),
		.named = below(2), .personal_basis = below(2), .exercise_member = below(2),
		.agreement = below(2), .agreed = (enum tlp)below(TLP_COUNT),
		.agreed_pap = below(2) ? PAP_RED : (enum pap)below(PAP_COUNT), .opened = below(4) == 0,
	};
}

enum { ITEMS = 100000 };

TEST(random_items)
{
	uint64_t asked = 0, wrong = 0, left[RECIPIENT_KINDS] = { 0 };

	for (unsigned n = 0; n < ITEMS; n++) {
		struct labels i = random_item();

		for (enum recipient_kind k = RECIPIENT_PUBLIC; k < RECIPIENT_KINDS; k++) {
			struct recipient to = random_recipient(k);
			enum purpose p = (enum purpose)(1 + below(PURPOSES - 1));

			for (enum channel c = CHANNEL_SCREEN; c < CHANNELS; c++, asked++) {
				struct decision d = may_disclose(&i, &to, c, p, &policy);
				enum verdict want = expected(&i, &to, c, p);
				bool same = d.verdict == want &&
					    (want != DISCLOSE_REDACT || d.cut == expected_cut(&i, &to, c, p));

				wrong += !same;
				left[k] += d.verdict != DISCLOSE_NO;
				CHECK_MSG(same, "item %u to %s by %s for %s: %d (%s), want %d", n,
					  recipient_name(k), channel_name(c), purpose_name(p), d.verdict,
					  d.rule, want);
			}
		}
	}
	printf("# %d random items, %d questions, %d answered otherwise\n", ITEMS, (int)asked, (int)wrong);
	for (enum recipient_kind k = RECIPIENT_PUBLIC; k < RECIPIENT_KINDS; k++)
		CHECK_MSG(left[k] > 500, "%s was told %d times", recipient_name(k), (int)left[k]);
}

/* Of two items one is made: whoever may not have either may not have it. */
TEST(derived_is_the_strictest)
{
	for (unsigned n = 0; n < ITEMS; n++) {
		struct labels a = random_item(), b = random_item(), made = a;
		struct recipient to = random_recipient((enum recipient_kind)(1 + below(RECIPIENT_KINDS - 1)));
		enum channel c = (enum channel)(1 + below(CHANNELS - 1));
		enum purpose p = (enum purpose)(1 + below(PURPOSES - 1));

		labels_strictest(&made, &b);
		if (p == PURPOSE_STATISTICS) /* what is made of more sources hides each better */
			a.sources = b.sources = made.sources;
		struct decision da = may_disclose(&a, &to, c, p, &policy), db = may_disclose(&b, &to, c, p, &policy),
				dm = may_disclose(&made, &to, c, p, &policy);
		enum verdict least = da.verdict < db.verdict ? da.verdict : db.verdict;

		CHECK_MSG(dm.verdict <= least, "pair %u: %d (%s), of %d (%s) and %d (%s)", n, dm.verdict,
			  dm.rule, da.verdict, da.rule, db.verdict, db.rule);
	}
}

TEST(shares)
{
	/* open, party, team, named, sealed: letters for who is reached */
	static const struct { enum recipient_kind kind; bool own, agreed, named, opened; const char *want; }
	cases[] = {
		{ RECIPIENT_STAFF, false, false, false, false, "opt--" },
		{ RECIPIENT_STAFF, false, false, true, false, "optn-" },
		{ RECIPIENT_STAFF, false, false, true, true, "optns" },
		{ RECIPIENT_STAFF, false, false, false, true, "opt-s" },
		{ RECIPIENT_CONSTITUENT, false, false, false, false, "o----" },
		{ RECIPIENT_CONSTITUENT, true, false, false, true, "op---" },
		{ RECIPIENT_CONSTITUENT, true, false, true, false, "op-n-" },
		{ RECIPIENT_COMMUNITY, false, true, false, false, "op---" },
		{ RECIPIENT_COMMUNITY, false, false, false, false, "o----" },
		{ RECIPIENT_PARTNER, false, true, false, false, "op---" },
		{ RECIPIENT_PARTNER, false, false, true, false, "o--n-" },
		{ RECIPIENT_PUBLIC, true, true, true, true, "o----" },
		{ RECIPIENT_LOG, true, true, true, true, "o----" },
		{ RECIPIENT_NONE, true, true, true, true, "o----" },
	};

	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct labels i = { .about_recipient = cases[n].own, .names_recipient = cases[n].named };
		struct recipient to = { .kind = cases[n].kind, .agreement = cases[n].agreed,
					.opened = cases[n].opened };

		for (int s = SHARE_OPEN; s <= SHARE_SEALED; s++)
			CHECK_MSG(share_reaches((enum share)s, &i, &to) == (cases[n].want[s] != '-'),
				  "row %zu, share %d", n, s);
		CHECK(!share_reaches((enum share)99, &i, &to));
	}
}

/* What a classification and a licence do to the labels, and so to who gets it. */
TEST(marks_that_are_data)
{
	/* staff (named), constituent, the same of his own, partner with an agreement, public */
	static const struct { const char *level, *terms; const char *want; } cases[] = {
		{ "", "", "scopP" },          { "low", "", "scop-" },       { "LOW", "free", "scop-" },
		{ "middle", "", "s--p-" },    { "high", "", "s----" },      { "nobody's", "", "-----" },
		{ "unheard of", "", "s----" },{ "", "free", "scopP" },      { "", "ours", "s----" },
		{ "", "own", "s-o--" },       { "", "served", "sco--" },    { "", "unheard of", "s----" },
		{ "middle", "served", "s----" },
	};
	static const struct recipient to[] = {
		{ .kind = RECIPIENT_STAFF, .ceiling = TLP_RED, .named = true },
		{ .kind = RECIPIENT_CONSTITUENT, .ceiling = TLP_RED },
		{ .kind = RECIPIENT_CONSTITUENT, .ceiling = TLP_RED },
		{ .kind = RECIPIENT_PARTNER, .ceiling = TLP_RED, .agreement = true, .agreed = TLP_RED },
		{ .kind = RECIPIENT_PUBLIC, .ceiling = TLP_RED },
	};

	for (size_t n = 0; n < COUNT_OF(cases); n++)
		for (size_t r = 0; r < COUNT_OF(to); r++) {
			struct labels i = { .tlp = TLP_CLEAR, .about_recipient = r == 2, .sources = 1 };

			labels_classify(&i, &marks, str_of(cases[n].level));
			labels_license(&i, &marks, str_of(cases[n].terms));
			CHECK_MSG((may_disclose(&i, &to[r], CHANNEL_API, PURPOSE_HANDLING, &policy).verdict !=
				   DISCLOSE_NO) == (cases[n].want[r] != '-'), "row %zu, recipient %zu", n, r);
		}
	/* of two sources: what either forbids */
	struct labels two = { .tlp = TLP_CLEAR, .about_recipient = true, .sources = 1 };
	labels_license(&two, &marks, STR("ours"));
	labels_license(&two, &marks, STR("own"));
	CHECK_INT(may_disclose(&two, &to[1], CHANNEL_API, PURPOSE_HANDLING, &policy).verdict, DISCLOSE_NO);
	struct labels unnamed = { .tlp = TLP_CLEAR, .sources = 1 };
	labels_classify(&unnamed, &marks, STR("unheard of"));
	CHECK_INT(may_disclose(&unnamed, &(struct recipient){ .kind = RECIPIENT_STAFF, .ceiling = TLP_RED },
			       CHANNEL_SCREEN, PURPOSE_HANDLING, &policy).verdict, DISCLOSE_NO);
}

/* The built-in ones have sensible neighbours: each says whom it reaches, and at most our own. */
TEST(built_in_marks)
{
	CHECK(marks_classification(&marks_built_in, STR("secret"))->tlp == TLP_RED);
	CHECK(marks_classification(&marks_built_in, STR("secrets")) == NULL);
	CHECK(marks_licence(&marks_built_in, STR("cc-by-4.0"))->attribution[0] != 0);
	CHECK(marks_licence(&marks_built_in, STR("=1+1")) == NULL);
	for (size_t i = 0; i < marks_built_in.licence_count; i++)
		CHECK(marks_built_in.licences[i].to & TO_STAFF);
	CHECK_STR(str_of(recipient_name(RECIPIENT_PARTNER)), STR("partner"));
	CHECK_STR(str_of(recipient_name(RECIPIENT_KINDS)), STR("nobody"));
}

TEST(names)
{
	CHECK_STR(str_of(channel_name(CHANNEL_FEED)), STR("feed"));
	CHECK_STR(str_of(channel_name((enum channel)-1)), STR("none"));
	CHECK_STR(str_of(purpose_name(PURPOSE_ACTION)), STR("action"));
	CHECK_STR(str_of(purpose_name(PURPOSES)), STR("none"));
	CHECK(policy_marks(NULL) == &marks_built_in);
	CHECK(policy_marks(&(struct policy){ 0 }) == &marks_built_in);
	CHECK(policy_marks(&policy) == &marks);
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
		struct labels pap = item;
		struct recipient kind = staff, ceiling = staff, agreed = staff;

		struct recipient agreed_pap = staff;
		agreed_pap.agreed_pap = (enum pap)(edge ? PAP_COUNT : wild[n]);
		pap.pap = (enum pap)(edge ? PAP_COUNT + 1 : wild[n]);
		agreed.agreed = (enum tlp)(edge ? TLP_COUNT : wild[n]);
		i.tlp = (enum tlp)(edge ? TLP_COUNT + 1 : wild[n]);
		kind.kind = (enum recipient_kind)(edge ? RECIPIENT_KINDS : wild[n]);
		ceiling.ceiling = (enum tlp)(edge ? TLP_COUNT : wild[n]);
		enum channel c = (enum channel)(edge ? CHANNELS : wild[n]);
		enum purpose p = (enum purpose)(edge ? PURPOSES : wild[n]);
		const struct decision d[] = {
			may_disclose(&i, &staff, CHANNEL_SCREEN, PURPOSE_HANDLING, &policy),
			may_disclose(&item, &kind, CHANNEL_SCREEN, PURPOSE_HANDLING, &policy),
			may_disclose(&pap, &staff, CHANNEL_SCREEN, PURPOSE_HANDLING, &policy),
			may_disclose(&item, &agreed, CHANNEL_SCREEN, PURPOSE_HANDLING, &policy),
			may_disclose(&item, &agreed_pap, CHANNEL_SCREEN, PURPOSE_HANDLING, &policy),
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

TEST_MAIN(TEST_RUN(whole_table), TEST_RUN(random_items), TEST_RUN(derived_is_the_strictest),
	  TEST_RUN(shares), TEST_RUN(marks_that_are_data), TEST_RUN(built_in_marks), TEST_RUN(names),
	  TEST_RUN(outside_the_enums), TEST_RUN(something_missing),
	  TEST_RUN(public_counts_need_sources), TEST_RUN(mask_is_the_check))
