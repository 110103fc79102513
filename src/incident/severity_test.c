/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include "incident/severity.h"

static const struct {
	const char *what;
	struct severity_facts f;
	const char *level;
	unsigned points;
	const char *words;
} table[] = {
	{ "nothing known", { .people = 0 }, "low", 0, "low, 0 points: nothing is known that counts" },
	{ "a class", { .class = STR_INIT("fraud") }, "low", 2, "low, 2 points: fraud 2" },
	{ "a type instead of its class", { .class = STR_INIT("availability"), .type = STR_INIT("ddos") },
	  "medium", 3, "medium, 3 points: distributed denial of service 3" },
	{ "a type without a row", { .class = STR_INIT("fraud"), .type = STR_INIT("phishing") }, "low", 2,
	  "low, 2 points: fraud 2" },
	{ "an unknown class counts nothing", { .class = STR_INIT("weather") }, "low", 0, NULL },
	{ "critical infrastructure", { .class = STR_INIT("intrusions"), .critical = true }, "high", 5,
	  "high, 5 points: intrusions 3, critical infrastructure 2" },
	{ "still going on", { .class = STR_INIT("fraud"), .active = STR_INIT("yes") }, "medium", 3, NULL },
	{ "not going on", { .class = STR_INIT("fraud"), .active = STR_INIT("no") }, "low", 2, NULL },
	{ "below the first step", { .class = STR_INIT("fraud"), .people = 99 }, "low", 2, NULL },
	{ "at it", { .class = STR_INIT("fraud"), .people = 100 }, "medium", 3,
	  "medium, 3 points: fraud 2, a hundred people or more 1" },
	{ "only the highest step", { .class = STR_INIT("fraud"), .people = 2000000 }, "high", 5, NULL },
	{ "a loss", { .class = STR_INIT("fraud"), .currency = STR_INIT("IDR"), .loss = 10000000000 },
	  "medium", 4, "medium, 4 points: fraud 2, a loss from IDR 10000000000 2" },
	{ "a currency without a row", { .class = STR_INIT("fraud"), .currency = STR_INIT("XXX"), .loss = 1 << 30 },
	  "low", 2, NULL },
	{ "negative figures", { .class = STR_INIT("fraud"), .currency = STR_INIT("IDR"), .loss = -5, .people = -1 },
	  "low", 2, NULL },
	{ "all of it", { .class = STR_INIT("intrusions"), .type = STR_INIT("sabotage"), .critical = true,
	    .people = 1000000, .spread = STR_INIT("country"), .active = STR_INIT("yes"),
	    .currency = STR_INIT("USD"), .loss = 1000000 }, "critical", 15, NULL },
};

TEST(rule)
{
	struct arena *a = arena_new(KIB(4));

	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct severity s;
		severity_propose(&table[i].f, STR("en"), a, &s);
		CHECK_MSG(str_eq(str_of(s.level), str_of(table[i].level)) && s.points == table[i].points,
			  "%s: %s %u", table[i].what, s.level, s.points);
		if (table[i].words)
			CHECK_STR(s.reason, str_of(table[i].words));
	}
	arena_free(a);
}

TEST(more_is_never_less)
{
	static const char *const spread[] = { "", "one", "organisation", "several", "country" };
	struct arena *a = arena_new(KIB(4));
	unsigned before = 0;

	for (size_t i = 0; i < COUNT_OF(spread); i++) {
		struct severity s;
		struct severity_facts f = { .class = STR("fraud"), .spread = str_of(spread[i]) };
		severity_propose(&f, STR("en"), a, &s);
		CHECK_MSG(s.points >= before, "spread %s", spread[i]);
		before = s.points;
	}
	arena_free(a);
}

TEST(in_two_languages)
{
	struct arena *a = arena_new(KIB(4));
	struct severity s;
	struct severity_facts f = { .class = STR("intrusions"), .critical = true };

	severity_propose(&f, STR("id-ID"), a, &s);
	CHECK_STR(s.reason, STR("tinggi, 5 poin: penyusupan 3, infrastruktur vital 2"));
	arena_free(a);
}

TEST_MAIN(TEST_RUN(rule), TEST_RUN(more_is_never_less), TEST_RUN(in_two_languages))
