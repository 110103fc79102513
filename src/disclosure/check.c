/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/check.h"

/* The words of check.def: each column is a set of bits, bit n for value n. */
enum {
	PUBLIC = 1 << RECIPIENT_PUBLIC,
	STAFF = 1 << RECIPIENT_STAFF,
	CONSTITUENT = 1 << RECIPIENT_CONSTITUENT,
	COMMUNITY = 1 << RECIPIENT_COMMUNITY,
	PARTNER = 1 << RECIPIENT_PARTNER,
	LOG = 1 << RECIPIENT_LOG,
	ANYBODY = PUBLIC | STAFF | CONSTITUENT | COMMUNITY | PARTNER | LOG
};
enum {
	EXPORT = 1 << CHANNEL_EXPORT,
	MAIL = 1 << CHANNEL_MAIL,
	WEBHOOK = 1 << CHANNEL_WEBHOOK,
	FEED = 1 << CHANNEL_FEED,
	LOGS = 1 << CHANNEL_LOG,
	INSIDE = 1 << CHANNEL_SCREEN | 1 << CHANNEL_API | 1 << CHANNEL_CLI,
	OUTWARD = 1 << CHANNEL_SCREEN | 1 << CHANNEL_API | EXPORT | MAIL | WEBHOOK | FEED,
	MACHINE = 1 << CHANNEL_API | FEED | 1 << CHANNEL_SYNC,
	ANYWAY = INSIDE | OUTWARD | MACHINE | LOGS
};
enum {
	HANDLING = 1 << PURPOSE_HANDLING,
	STATISTICS = 1 << PURPOSE_STATISTICS,
	OPERATION = 1 << PURPOSE_OPERATION,
	ANYTHING = HANDLING | STATISTICS | OPERATION
};
enum {
	CLEAR = 1 << TLP_CLEAR,
	RED = 1 << TLP_RED,
	UPTO_GREEN = CLEAR | 1 << TLP_GREEN,
	UPTO_AMBER = UPTO_GREEN | 1 << TLP_AMBER,
	UPTO_STRICT = UPTO_AMBER | 1 << TLP_AMBER_STRICT,
	ANY_TLP = UPTO_STRICT | RED
};
enum fact {
	OVER_CEILING = 1 << 0,
	DRILL = 1 << 1,
	DRILL_ELSEWHERE = 1 << 2,
	HELD = 1 << 3,
	PERSONAL = 1 << 4,
	FEW = 1 << 5,
	NAMED = 1 << 6,
	OWN = 1 << 7
};

static const struct rule {
	unsigned recipients, channels, purposes, markings, all, none;
	enum verdict verdict;
	const char *words;
} rules[] = {
#define RULE(to, by, why, marked, all, none, answer, words) \
	{ to, by, why, marked, all, none, DISCLOSE_##answer, words },
#include "disclosure/check.def"
#undef RULE
};

static bool in_range(const struct labels *item, const struct recipient *to, enum channel channel,
		     enum purpose purpose)
{
	/* Enums may be signed: the cast sends what is below zero to the top. */
	return (unsigned)item->tlp <= TLP_COUNT && (unsigned)to->ceiling < TLP_COUNT &&
	       to->kind != RECIPIENT_NONE && (unsigned)to->kind < RECIPIENT_KINDS &&
	       channel != CHANNEL_NONE && (unsigned)channel < CHANNELS &&
	       purpose != PURPOSE_NONE && (unsigned)purpose < PURPOSES;
}

static unsigned gather_facts(const struct labels *item, enum tlp tlp, const struct recipient *to,
			     const struct policy *policy)
{
	uint64_t k = policy->public_k > PUBLIC_K_LEAST ? policy->public_k : PUBLIC_K_LEAST;

	return (tlp > to->ceiling ? OVER_CEILING : 0u) |
	       (item->exercise ? DRILL : 0u) |
	       (item->exercise && !to->exercise_member ? DRILL_ELSEWHERE : 0u) |
	       (item->held ? HELD : 0u) |
	       (item->personal ? PERSONAL : 0u) |
	       (item->sources < k ? FEW : 0u) |
	       (to->named ? NAMED : 0u) |
	       (item->about_recipient ? OWN : 0u);
}

/* The public has no legal basis for anything, whatever a row says. */
static bool must_cut(const struct labels *item, const struct recipient *to)
{
	return item->personal && (!to->personal_basis || to->kind == RECIPIENT_PUBLIC);
}

struct decision may_disclose(const struct labels *item, const struct recipient *to,
			     enum channel channel, enum purpose purpose,
			     const struct policy *policy)
{
	if (!item || !to || !policy)
		return (struct decision){ DISCLOSE_NO, "item, recipient or policy is missing" };
	if (!in_range(item, to, channel, purpose))
		return (struct decision){ DISCLOSE_NO, "a label, recipient, channel or purpose is not known" };

	enum tlp tlp = item->tlp == TLP_COUNT ? TLP_RED : item->tlp;
	unsigned facts = gather_facts(item, tlp, to, policy);

	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		const struct rule *r = &rules[i];

		if (!(r->recipients >> to->kind & 1) || !(r->channels >> channel & 1) ||
		    !(r->purposes >> purpose & 1) || !(r->markings >> tlp & 1) ||
		    (facts & r->all) != r->all || (facts & r->none))
			continue;
		if (r->verdict == DISCLOSE_YES && must_cut(item, to))
			return (struct decision){ DISCLOSE_REDACT,
						  "personal fields are cut: no legal basis is set" };
		return (struct decision){ r->verdict, r->words };
	}
	return (struct decision){ DISCLOSE_NO, "no rule allows it" };
}

uint32_t disclosure_tlp_mask(const struct recipient *to, enum channel channel, enum purpose purpose,
			     const struct policy *policy)
{
	uint32_t mask = 0;

	for (enum tlp t = TLP_CLEAR; t < TLP_COUNT; t++) {
		struct labels item = { .tlp = t, .sources = UINT64_MAX };

		if (may_disclose(&item, to, channel, purpose, policy).verdict != DISCLOSE_NO)
			mask |= 1u << t;
	}
	return mask;
}
