/* SPDX-License-Identifier: Apache-2.0 */
#include "duty/ladder.h"

#include "base/test.h"

static struct err err;

#define PROVIDER "organisation--00000000-0000-4000-8000-000000000001"
#define REGULATOR "organisation--00000000-0000-4000-8000-000000000002"
#define CONTACT(as, rank, mail, number) \
	{ .organisation = STR_INIT(PROVIDER), .role = STR_INIT(as), .order = (rank), .email = STR_INIT(mail), .phone = STR_INIT(number) }
#define ABOVE(as, mail) \
	{ .organisation = STR_INIT(REGULATOR), .role = STR_INIT(as), .email = STR_INIT(mail), .above = true }
static const struct ladder_contact whole[] = {
	CONTACT("press", 1, "press@example.org", ""), CONTACT("security", 1, "sec@example.org", ""),
	CONTACT("abuse", 9, "late@example.org", ""), CONTACT("abuse", 2, "abuse@example.org", ""),
	CONTACT("abuse", 1, "", ""), CONTACT("management", 0, "", "+1"), ABOVE("security", "reg@example.org"),
};
static const struct ladder_contact no_manager[] = { CONTACT("abuse", 1, "abuse@example.org", ""),
						     ABOVE("abuse", "reg@example.org") };
static const struct ladder_contact manager_only[] = { CONTACT("legal", 1, "legal@example.org", "") };
static const struct ladder_contact press_only[] = { CONTACT("press", 1, "press@example.org", "") };

/* Fridays and Mondays: 2026-11-20 is a Friday; the pause is three working days, 08:00-17:00 UTC. */
#define EVENT(when, kind, whom, as) { when, LADDER_##kind, whom, as }
struct what {
	const char *at;
	enum ladder_what what;
	const char *organisation, *role;
};
#define ENOUGH 5
static const struct {
	const char *name;
	const struct ladder_contact *contacts;
	size_t contact_count;
	struct what events[ENOUGH];
	bool finished;
	enum ladder_rung rung;
	const char *email, *due, *why;
} rows[] = {
	{ "nothing was said yet: at once", whole, COUNT_OF(whole), { { 0 } }, false, RUNG_DESK, "abuse@example.org",
	  "2026-11-20T09:00:00Z", "nobody has been told yet" },
	{ "the desk was told before it waits: from then on it counts the waiting", whole, COUNT_OF(whole),
	  { EVENT("2026-11-19T09:00:00Z", TOLD, PROVIDER, "abuse") }, false, RUNG_MANAGER, "",
	  "2026-11-25T09:00:00Z", "the desk has not answered" },
	{ "told while it waits", whole, COUNT_OF(whole), { EVENT("2026-11-20T10:00:00Z", TOLD, PROVIDER, "abuse") },
	  false, RUNG_MANAGER, "", "2026-11-25T10:00:00Z", "the desk has not answered" },
	{ "told, whom is not said: the desk", whole, COUNT_OF(whole),
	  { EVENT("2026-11-20T10:00:00Z", TOLD, PROVIDER, "") }, false, RUNG_MANAGER, "", "2026-11-25T10:00:00Z",
	  "the desk has not answered" },
	{ "an answer begins the pause anew", whole, COUNT_OF(whole),
	  { EVENT("2026-11-20T10:00:00Z", TOLD, PROVIDER, "abuse"),
	    EVENT("2026-11-24T12:00:00Z", ANSWERED, PROVIDER, "abuse") },
	  false, RUNG_MANAGER, "", "2026-11-27T12:00:00Z", "they answered, and it still waits" },
	{ "the manager was called in vain", whole, COUNT_OF(whole),
	  { EVENT("2026-11-20T10:00:00Z", TOLD, PROVIDER, "abuse"),
	    EVENT("2026-11-25T10:00:00Z", TRIED, PROVIDER, "management") },
	  false, RUNG_REGULATOR, "reg@example.org", "2026-11-30T10:00:00Z",
	  "neither the desk nor the manager has answered" },
	{ "in another order of lines", whole, COUNT_OF(whole),
	  { EVENT("2026-11-25T10:00:00Z", TRIED, PROVIDER, "management"),
	    EVENT("2026-11-20T10:00:00Z", TOLD, PROVIDER, "abuse") },
	  false, RUNG_REGULATOR, "reg@example.org", "2026-11-30T10:00:00Z",
	  "neither the desk nor the manager has answered" },
	{ "the regulator was told", whole, COUNT_OF(whole),
	  { EVENT("2026-11-30T10:00:00Z", TOLD, REGULATOR, "security") }, true, 0, NULL, "",
	  "the regulator has been told" },
	{ "one of us was asked to call the manager: he is told it is not done", whole, COUNT_OF(whole),
	  { EVENT("2026-11-20T10:00:00Z", TOLD, PROVIDER, "abuse"),
	    EVENT("2026-11-25T10:00:00Z", ASKED, PROVIDER, "management") },
	  false, RUNG_MANAGER, "", "2026-11-30T10:00:00Z", "the desk has not answered" },
	{ "and no more than once", whole, COUNT_OF(whole),
	  { EVENT("2026-11-20T10:00:00Z", TOLD, PROVIDER, "abuse"),
	    EVENT("2026-11-25T10:00:00Z", ASKED, PROVIDER, "management"),
	    EVENT("2026-11-30T10:00:00Z", ASKED, PROVIDER, "management") },
	  false, RUNG_MANAGER, "", "", "the desk has not answered" },
	{ "when he has called the pause begins", whole, COUNT_OF(whole),
	  { EVENT("2026-11-20T10:00:00Z", TOLD, PROVIDER, "abuse"),
	    EVENT("2026-11-25T10:00:00Z", ASKED, PROVIDER, "management"),
	    EVENT("2026-11-26T10:00:00Z", TRIED, PROVIDER, "management") },
	  false, RUNG_REGULATOR, "reg@example.org", "2026-12-01T10:00:00Z",
	  "neither the desk nor the manager has answered" },
	{ "without a manager the regulator comes next", no_manager, COUNT_OF(no_manager),
	  { EVENT("2026-11-20T10:00:00Z", TOLD, PROVIDER, "abuse") }, false, RUNG_REGULATOR, "reg@example.org",
	  "2026-11-25T10:00:00Z", "neither the desk nor the manager has answered" },
	{ "without a desk the manager is first", manager_only, COUNT_OF(manager_only), { { 0 } }, false,
	  RUNG_MANAGER, "legal@example.org", "2026-11-20T09:00:00Z",
	  "nobody has been told yet, and there is no contact below" },
	{ "nobody above the manager", manager_only, COUNT_OF(manager_only),
	  { EVENT("2026-11-20T10:00:00Z", TOLD, PROVIDER, "legal") }, true, 0, NULL, "", "there is nobody above" },
	{ "the press is not asked to act", press_only, COUNT_OF(press_only), { { 0 } }, true, 0, NULL, "",
	  "there is no contact that can be reached" },
	{ "no contact at all", NULL, 0, { { 0 } }, true, 0, NULL, "", "there is no contact that can be reached" },
};

static int64_t at(const char *text)
{
	int64_t us = TIME_NONE;
	CHECK_MSG(!*text || time_parse(str_of(text), false, &us), "%s", text);
	return us;
}

TEST(what_is_next)
{
	struct calendar *c = NULL;
	CHECK_RC(calendar_new(STR("UTC"), STR("Mon-Fri 08:00-17:00"), STR_NONE, &c, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ladder_event events[ENOUGH];
		struct ladder_ask ask = { .since_us = at("2026-11-20T09:00:00Z"), .pause_us = 3 * DAY_US, .calendar = c,
					  .organisation = STR(PROVIDER), .contacts = rows[i].contacts,
					  .contact_count = rows[i].contact_count, .events = events };
		for (const struct what *w = rows[i].events; ask.event_count < ENOUGH && w->at; w++)
			events[ask.event_count++] = (struct ladder_event){ .at_us = at(w->at), .what = w->what,
									   .organisation = str_of(w->organisation),
									   .role = str_of(w->role) };
		struct ladder_next n = ladder_find(&ask);
		char got[40];
		str due = n.due_us == TIME_NONE ? STR("") : time_str(got, n.due_us);
		CHECK_MSG(n.finished == rows[i].finished && (n.finished || n.rung == rows[i].rung), "%s: %s", rows[i].name,
			  n.finished ? "finished" : ladder_rung_name(n.rung));
		CHECK_MSG(n.due_us == at(rows[i].due), "%s: due " STR_FMT, rows[i].name, STR_ARG(due));
		CHECK_MSG(strcmp(n.why, rows[i].why) == 0, "%s: %s", rows[i].name, n.why);
		CHECK_MSG(n.finished || str_eq(n.rungs[n.rung]->email, str_of(rows[i].email)), "%s: " STR_FMT,
			  rows[i].name, STR_ARG(n.rungs[n.rung]->email));
	}
	calendar_free(c);
}

TEST_MAIN(TEST_RUN(what_is_next))
