/* SPDX-License-Identifier: Apache-2.0 */
#include "record/clocks.h"

#include "base/test.h"

static struct err err;

/* States: 0 new, 1 working, 2 waiting, 3 done. */
static const struct escalation ladder[] = { { HOUR_US, "duty" }, { DAY_US, "lead" } };
static const struct clock_rule plain = { .name = "plain", .start_in = 1 | 2, .pause_in = 4,
					 .stop_in = 8, .due_us = 4 * HOUR_US, .tell = "duty",
					 .ladder = ladder, .ladder_count = 2 };
static const struct clock_rule office = { .name = "office", .start_in = 1 | 2, .pause_in = 4,
					  .stop_in = 8, .due_us = DAY_US, .business = true,
					  .tell = "duty", .ladder = ladder, .ladder_count = 2 };
static const struct clock_rule ahead = { .name = "ahead", .start_in = 1 | 2, .pause_in = 4,
					 .stop_in = 8, .due_us = -12 * HOUR_US, .start_at = "by",
					 .tell = "lead" };

static int64_t at(const char *text)
{
	int64_t us = TIME_NONE;
	CHECK_MSG(!*text || time_parse(str_of(text), false, &us), "%s", text);
	return us;
}

/* What happens to one record, one line after the other; "" as due: none. 2026-11-20 is a Friday;
 * the office is open Mon-Fri 08:00-17:00 in Jakarta (01:00-10:00 UTC). */
static const struct {
	const char *what;
	const struct clock_rule *rule; /* NULL: goes on with the record of the line before */
	unsigned state;
	const char *from, *now, *due;
	bool paused, stopped;
} lines[] = {
	{ "starts", &plain, 0, "", "2026-11-20T02:00:00Z", "2026-11-20T06:00:00Z", false, false },
	{ "goes on where it also starts", NULL, 1, "", "2026-11-20T03:00:00Z", "2026-11-20T06:00:00Z", false, false },
	{ "pauses with 2 h left", NULL, 2, "", "2026-11-20T04:00:00Z", "", true, false },
	{ "stays paused", NULL, 2, "", "2026-11-20T05:00:00Z", "", true, false },
	{ "goes on with 2 h", NULL, 1, "", "2026-11-25T00:00:00Z", "2026-11-25T02:00:00Z", false, false },
	{ "pauses when it is late", NULL, 2, "", "2026-11-25T03:00:00Z", "", true, false },
	{ "is as late afterwards", NULL, 1, "", "2026-11-26T00:00:00Z", "2026-11-25T23:00:00Z", false, false },
	{ "the wall clock jumps back a day", NULL, 1, "", "2026-11-25T00:00:00Z", "2026-11-25T23:00:00Z", false, false },
	{ "stops", NULL, 3, "", "2026-11-26T01:00:00Z", "2026-11-25T23:00:00Z", false, true },
	{ "stays stopped", NULL, 3, "", "2026-11-27T01:00:00Z", "2026-11-25T23:00:00Z", false, true },
	{ "opened again: starts anew", NULL, 1, "", "2026-11-28T00:00:00Z", "2026-11-28T04:00:00Z", false, false },
	{ "stops out of a pause", &plain, 0, "", "2026-11-20T02:00:00Z", "2026-11-20T06:00:00Z", false, false },
	{ "pauses", NULL, 2, "", "2026-11-20T03:00:00Z", "", true, false },
	{ "and is stopped, not paused", NULL, 3, "", "2026-11-20T04:00:00Z", "", false, true },
	{ "a state that only pauses starts nothing", &plain, 2, "", "2026-11-20T02:00:00Z", "", false, false },
	{ "a state that only stops starts nothing", &plain, 3, "", "2026-11-20T02:00:00Z", "", false, false },

	{ "a working day over the week-end", &office, 0, "", "2026-11-20T05:00:00Z", "2026-11-23T05:00:00Z", false, false },
	{ "from a Sunday night", &office, 0, "", "2026-11-22T15:00:00Z", "2026-11-24T01:00:00Z", false, false },
	{ "pauses on Monday with a day's hours left", NULL, 2, "", "2026-11-23T01:00:00Z", "", true, false },
	{ "over a Saturday no hour is lost", NULL, 1, "", "2026-11-28T03:00:00Z", "2026-11-30T10:00:00Z", false, false },

	{ "no date: not running", &ahead, 0, "", "2026-11-20T02:00:00Z", "", false, false },
	{ "a date comes: 12 h ahead of it", NULL, 0, "2026-11-23T02:00:00Z", "2026-11-20T03:00:00Z", "2026-11-22T14:00:00Z", false, false },
	{ "the date is moved", NULL, 1, "2026-11-24T02:00:00Z", "2026-11-20T04:00:00Z", "2026-11-23T14:00:00Z", false, false },
	{ "pauses", NULL, 2, "2026-11-24T02:00:00Z", "2026-11-20T05:00:00Z", "", true, false },
	{ "a date does not wait", NULL, 1, "2026-11-24T02:00:00Z", "2026-11-24T05:00:00Z", "2026-11-23T14:00:00Z", false, false },
	{ "the date is taken away", NULL, 1, "", "2026-11-24T06:00:00Z", "", false, false },
};

static struct calendar *jakarta(void)
{
	struct calendar *c = NULL;
	CHECK_RC(calendar_new(STR("Asia/Jakarta"), STR("Mon-Fri 08:00-17:00"), STR_NONE, &c, &err), RC_OK,
		 err);
	return c;
}

TEST(a_record_moves)
{
	struct calendar *c = jakarta();
	const struct clock_rule *rule = NULL;
	struct clock_state s = { 0 };
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		if (lines[i].rule) {
			rule = lines[i].rule;
			s = (struct clock_state){ .started_us = TIME_NONE, .due_us = TIME_NONE,
						  .stopped_us = TIME_NONE };
		}
		s = clock_follow(rule, c, s, lines[i].state, at(lines[i].from), at(lines[i].now));
		char got[40];
		str due = s.due_us == TIME_NONE ? STR("none") : time_str(got, s.due_us);
		CHECK_MSG(s.due_us == at(lines[i].due), "%s: due " STR_FMT, lines[i].what, STR_ARG(due));
		CHECK_MSG(s.paused == lines[i].paused, "%s: paused %d", lines[i].what, s.paused);
		CHECK_MSG((s.stopped_us != TIME_NONE) == lines[i].stopped, "%s: stopped %d",
			  lines[i].what, s.stopped_us != TIME_NONE);
	}
	calendar_free(c);
}

TEST(the_ladder)
{
	struct calendar *c = jakarta();
	struct clock_state none = { .started_us = TIME_NONE, .due_us = TIME_NONE, .stopped_us = TIME_NONE };
	struct clock_state s = clock_follow(&plain, c, none, 0, TIME_NONE, at("2026-11-20T02:00:00Z"));
	CHECK_INT(clock_next(&plain, c, &s), at("2026-11-20T06:00:00Z"));
	s.step = 1;
	CHECK_INT(clock_next(&plain, c, &s), at("2026-11-20T07:00:00Z"));
	s.step = 2;
	CHECK_INT(clock_next(&plain, c, &s), at("2026-11-21T06:00:00Z"));
	s.step = 3;
	CHECK(clock_next(&plain, c, &s) == TIME_NONE);
	s = clock_follow(&office, c, none, 0, TIME_NONE, at("2026-11-20T09:30:00Z"));
	CHECK_INT(s.due_us, at("2026-11-23T09:30:00Z"));
	s.step = 1; /* an hour of business: half of it on Tuesday */
	CHECK_INT(clock_next(&office, c, &s), at("2026-11-24T01:30:00Z"));
	s.paused = true;
	CHECK(clock_next(&office, c, &s) == TIME_NONE);
	CHECK(clock_next(&office, c, &none) == TIME_NONE);
	calendar_free(c);
}

TEST_MAIN(TEST_RUN(a_record_moves), TEST_RUN(the_ladder))
