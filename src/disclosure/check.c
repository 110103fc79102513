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
	LOOKUP = 1 << PURPOSE_LOOKUP,
	ACTION = 1 << PURPOSE_ACTION,
	USE = HANDLING | LOOKUP | ACTION,
	ANYTHING = USE | STATISTICS | OPERATION
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
	OWN = 1 << 7,
	SEALED = 1 << 8,
	UNCLEARED = 1 << 9,
	UNLICENSED = 1 << 10,
	OTHER_AUDIENCE = 1 << 11,
	INVITED = 1 << 12,
	AGREED = 1 << 13,
	FOREIGN = 1 << 14,
	PAP_OVER_GREEN = 1 << 15,
	PAP_OVER_AMBER = 1 << 16
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

static const char *const channel_names[] = { "none", "screen", "api", "cli", "export", "mail",
					    "webhook", "feed", "sync", "log" };
static const char *const purpose_names[] = { "none", "handling", "statistics", "operation",
					    "lookup", "action" };

const char *channel_name(enum channel c)
{
	return (unsigned)c < COUNT_OF(channel_names) ? channel_names[c] : "none";
}

const char *purpose_name(enum purpose p)
{
	return (unsigned)p < COUNT_OF(purpose_names) ? purpose_names[p] : "none";
}

const struct marks *policy_marks(const struct policy *p)
{
	return p && p->marks ? p->marks : &marks_built_in;
}

static bool in_range(const struct labels *item, const struct recipient *to, enum channel channel,
		     enum purpose purpose)
{
	/* Enums may be signed: the cast sends what is below zero to the top. */
	return (unsigned)item->tlp <= TLP_COUNT && (unsigned)item->pap <= PAP_COUNT &&
	       (unsigned)to->ceiling < TLP_COUNT && (unsigned)to->agreed < TLP_COUNT &&
	       (unsigned)to->agreed_pap < PAP_COUNT &&
	       to->kind != RECIPIENT_NONE && (unsigned)to->kind < RECIPIENT_KINDS &&
	       channel != CHANNEL_NONE && (unsigned)channel < CHANNELS &&
	       purpose != PURPOSE_NONE && (unsigned)purpose < PURPOSES;
}

static unsigned gather_facts(const struct labels *item, enum tlp tlp, const struct recipient *to,
			     const struct policy *policy)
{
	uint64_t k = policy->public_k > PUBLIC_K_LEAST ? policy->public_k : PUBLIC_K_LEAST;
	bool unlicensed = (item->unlicensed >> to->kind & 1) &&
			  (!item->about_recipient || item->unlicensed_own);
	bool named = to->named && (!item->for_named || item->names_recipient);

	return (tlp > to->ceiling ? OVER_CEILING : 0u) |
	       (item->exercise ? DRILL : 0u) |
	       (item->exercise && !to->exercise_member ? DRILL_ELSEWHERE : 0u) |
	       (item->held ? HELD : 0u) |
	       (item->personal ? PERSONAL : 0u) |
	       (item->sealed ? SEALED : 0u) |
	       (item->sources < k ? FEW : 0u) |
	       (named ? NAMED : 0u) |
	       (item->about_recipient ? OWN : 0u) |
	       (item->uncleared >> to->kind & 1 ? UNCLEARED : 0u) |
	       (unlicensed ? UNLICENSED : 0u) |
	       (item->excluded ? OTHER_AUDIENCE : 0u) |
	       (item->invited ? INVITED : 0u) |
	       (to->agreement && tlp <= to->agreed && item->pap <= to->agreed_pap ? AGREED : 0u) |
	       (item->foreign ? FOREIGN : 0u) |
	       (item->pap > PAP_GREEN ? PAP_OVER_GREEN : 0u) |
	       (item->pap > PAP_AMBER ? PAP_OVER_AMBER : 0u);
}

/* The public has no legal basis for anything, whatever a row says. What is sealed opens on the
 * screen of who holds its key, to handle it, and nowhere else. */
static unsigned must_cut(const struct labels *item, const struct recipient *to, enum channel channel,
			 enum purpose purpose)
{
	bool opened = to->opened && to->kind == RECIPIENT_STAFF && (INSIDE >> channel & 1) &&
		      purpose == PURPOSE_HANDLING;

	return (item->personal && (!to->personal_basis || to->kind == RECIPIENT_PUBLIC) ?
		CUT_PERSONAL : 0u) | (item->sealed && !opened ? CUT_SEALED : 0u);
}

static const char *const cut_words[] = {
	[CUT_PERSONAL] = "personal fields are cut: no legal basis is set",
	[CUT_SEALED] = "sealed fields are cut: they are not open to the recipient",
	[CUT_PERSONAL | CUT_SEALED] = "personal and sealed fields are cut",
};

struct decision may_disclose(const struct labels *item, const struct recipient *to,
			     enum channel channel, enum purpose purpose,
			     const struct policy *policy)
{
	if (!item || !to || !policy)
		return (struct decision){ DISCLOSE_NO, 0, "item, recipient or policy is missing" };
	if (!in_range(item, to, channel, purpose))
		return (struct decision){ DISCLOSE_NO, 0,
					  "a label, recipient, channel or purpose is not known" };

	bool known = item->tlp != TLP_COUNT && item->pap != PAP_COUNT;
	enum tlp tlp = known ? item->tlp : TLP_RED;
	unsigned facts = gather_facts(item, tlp, to, policy);

	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		const struct rule *r = &rules[i];

		if (!(r->recipients >> to->kind & 1) || !(r->channels >> channel & 1) ||
		    !(r->purposes >> purpose & 1) || !(r->markings >> tlp & 1) ||
		    (facts & r->all) != r->all || (facts & r->none))
			continue;
		unsigned cut = r->verdict == DISCLOSE_YES ? must_cut(item, to, channel, purpose) : 0;
		if (cut)
			return (struct decision){ DISCLOSE_REDACT, cut, cut_words[cut] };
		return (struct decision){ r->verdict, 0, r->words };
	}
	return (struct decision){ DISCLOSE_NO, 0, "no rule allows it" };
}

bool share_reaches(enum share share, const struct labels *item, const struct recipient *to)
{
	bool ours = to->kind == RECIPIENT_STAFF;
	bool somebody = ours || to->kind == RECIPIENT_CONSTITUENT || to->kind == RECIPIENT_COMMUNITY ||
			to->kind == RECIPIENT_PARTNER;

	switch (share) {
	case SHARE_OPEN:
		return true;
	case SHARE_PARTY:
		return ours || (somebody && (item->about_recipient || to->agreement));
	case SHARE_TEAM:
		return ours;
	case SHARE_NAMED:
		return somebody && item->names_recipient;
	case SHARE_SEALED:
		return ours && to->opened;
	}
	return false;
}

void labels_classify(struct labels *into, const struct marks *m, str name)
{
	const struct classification *c = marks_classification(m, name);

	if (name.n == 0)
		return;
	into->uncleared |= ~(c ? c->cleared : (uint32_t)STAFF);
	if (!c)
		into->tlp = TLP_COUNT;
	else if (c->tlp > into->tlp)
		into->tlp = c->tlp;
}

void labels_license(struct labels *into, const struct marks *m, str name)
{
	const struct licence *l = marks_licence(m, name);

	if (name.n == 0)
		return;
	into->unlicensed |= ~(l ? l->to : (uint32_t)STAFF);
	into->unlicensed_own = into->unlicensed_own || !l || !l->own;
}

void labels_strictest(struct labels *into, const struct labels *other)
{
	bool named = (!into->for_named || into->names_recipient) &&
		     (!other->for_named || other->names_recipient);

	if (other->tlp > into->tlp)
		into->tlp = other->tlp;
	if (other->pap > into->pap)
		into->pap = other->pap;
	if (other->sources > into->sources) /* the same ones, as far as is known */
		into->sources = other->sources;
	into->uncleared |= other->uncleared;
	into->unlicensed |= other->unlicensed;
	into->unlicensed_own = into->unlicensed_own || other->unlicensed_own;
	into->personal = into->personal || other->personal;
	into->sealed = into->sealed || other->sealed;
	into->exercise = into->exercise || other->exercise;
	into->held = into->held || other->held;
	into->foreign = into->foreign || other->foreign;
	into->about_recipient = into->about_recipient && other->about_recipient;
	into->excluded = into->excluded || other->excluded;
	into->invited = into->invited && other->invited;
	into->for_named = into->for_named || other->for_named;
	into->names_recipient = into->for_named && named;
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
