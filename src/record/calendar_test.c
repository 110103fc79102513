/* SPDX-License-Identifier: Apache-2.0 */
#include "record/calendar.h"

#include "base/test.h"

static struct err err;

static int64_t at(const char *text)
{
	int64_t us = 0;
	CHECK_MSG(time_parse(str_of(text), false, &us), "%s", text);
	return us;
}

static struct calendar *office(const char *zone)
{
	struct calendar *c = NULL;
	CHECK_RC(calendar_new(str_of(zone), STR("Mon-Fri 08:00-12:00, 13:00-17:00; Sat 08:00-12:00"),
			      STR("# public holidays\n2026-12-25 a holiday\n\n2027-01-01\n"), &c, &err),
		 RC_OK, err);
	return c;
}

/* 2026-11-20 is a Friday. Jakarta is UTC+7 all year, New York has summer time until
 * 2026-11-01 06:00Z and again from 2027-03-14 07:00Z. */
static const struct {
	const char *what, *zone, *from, *want;
	int64_t us;
} sums[] = {
	{ "an hour inside", "Asia/Jakarta", "2026-11-20T02:00:00Z", "2026-11-20T03:00:00Z", HOUR_US },
	{ "over the noon break", "Asia/Jakarta", "2026-11-20T04:30:00Z", "2026-11-20T06:30:00Z", HOUR_US },
	{ "over the night, Saturday is short", "Asia/Jakarta", "2026-11-20T09:00:00Z",
	  "2026-11-21T02:00:00Z", 2 * HOUR_US },
	{ "over Sunday", "Asia/Jakarta", "2026-11-21T04:00:00Z", "2026-11-23T02:00:00Z", 2 * HOUR_US },
	{ "from a Sunday: at Monday's opening", "Asia/Jakarta", "2026-11-22T05:00:00Z",
	  "2026-11-23T01:00:00Z", 0 },
	{ "one working day", "Asia/Jakarta", "2026-11-20T02:00:00Z", "2026-11-21T02:00:00Z", DAY_US },
	{ "two working days jump Sunday", "Asia/Jakarta", "2026-11-20T02:00:00Z",
	  "2026-11-23T02:00:00Z", 2 * DAY_US },
	{ "a day and two hours", "Asia/Jakarta", "2026-11-20T02:00:00Z", "2026-11-21T04:00:00Z",
	  DAY_US + 2 * HOUR_US },
	{ "a holiday does not count", "Asia/Jakarta", "2026-12-24T02:00:00Z", "2026-12-26T02:00:00Z",
	  DAY_US },
	{ "an hour back", "Asia/Jakarta", "2026-11-20T03:00:00Z", "2026-11-20T02:00:00Z", -HOUR_US },
	{ "back over the night", "Asia/Jakarta", "2026-11-20T02:00:00Z", "2026-11-19T09:00:00Z",
	  -2 * HOUR_US },
	{ "a working day back over Sunday", "Asia/Jakarta", "2026-11-23T02:00:00Z",
	  "2026-11-21T02:00:00Z", -DAY_US },
	{ "before summer time ends: 08:00 is 12:00Z", "America/New_York", "2026-10-30T11:00:00Z",
	  "2026-10-30T12:00:00Z", 0 },
	{ "after it ended: 08:00 is 13:00Z", "America/New_York", "2026-11-02T11:00:00Z",
	  "2026-11-02T13:00:00Z", 0 },
	{ "a working day over the change keeps the hour", "America/New_York", "2026-10-31T14:00:00Z",
	  "2026-11-02T15:00:00Z", DAY_US },
};

TEST(sums)
{
	for (size_t i = 0; i < COUNT_OF(sums); i++) {
		struct calendar *c = office(sums[i].zone);
		char got[40];
		str s = time_str(got, calendar_add(c, at(sums[i].from), sums[i].us));
		CHECK_MSG(calendar_add(c, at(sums[i].from), sums[i].us) == at(sums[i].want),
			  "%s: got " STR_FMT ", want %s", sums[i].what, STR_ARG(s), sums[i].want);
		calendar_free(c);
	}
}

TEST(between_and_back)
{
	struct calendar *c = office("Asia/Jakarta");
	int64_t from = at("2026-11-20T02:10:00Z"), to = at("2026-11-24T09:20:00Z");
	int64_t open = calendar_between(c, from, to);
	/* Friday 09:10-17:00 less noon, Saturday 4 h, Monday 8 h, Tuesday 08:00-16:20 less noon */
	CHECK_INT(open, (410 + 240 + 480 + 440) * MINUTE_US);
	CHECK_INT(calendar_add_open(c, from, open), to);
	CHECK_INT(calendar_add_open(c, to, -open), from);
	CHECK_INT(calendar_between(c, to, from), 0);
	CHECK(calendar_is_open(c, from) && !calendar_is_open(c, at("2026-11-20T05:30:00Z")));
	CHECK(!calendar_is_open(c, at("2026-12-25T03:00:00Z")));
	char text[40];
	CHECK_STR(calendar_local(c, from, text), STR("2026-11-20 09:10 +07:00"));
	calendar_free(c);
	/* A span that summer time cuts: 02:00-03:00 does not exist on that day. */
	CHECK_RC(calendar_new(STR("America/New_York"), STR("Mon-Sun 01:00-04:00"), STR_NONE, &c, &err),
		 RC_OK, err);
	CHECK_INT(calendar_between(c, at("2027-03-14T05:00:00Z"), at("2027-03-14T12:00:00Z")), 2 * HOUR_US);
	CHECK_INT(calendar_between(c, at("2026-11-01T04:00:00Z"), at("2026-11-01T12:00:00Z")), 4 * HOUR_US);
	calendar_free(c);
}

static const struct {
	const char *what, *zone, *hours, *holidays, *words;
	enum rc rc;
} bad[] = {
	{ "no zone", "", "Mon 08:00-17:00", "", "time zone", RC_INPUT },
	{ "a zone that is none", "Asia/Nowhere", "Mon 08:00-17:00", "", "Asia/Nowhere", RC_INPUT },
	{ "a zone that is a path", "../../etc/passwd", "Mon 08:00-17:00", "", "time zone", RC_INPUT },
	{ "no day", "UTC", " ; ", "", "no day", RC_INPUT },
	{ "a day that is none", "UTC", "Mun 08:00-17:00", "", "'Mun'", RC_INPUT },
	{ "days backwards", "UTC", "Fri-Mon 08:00-17:00", "", "'Fri-Mon'", RC_INPUT },
	{ "no hours", "UTC", "Mon", "", "no hours", RC_INPUT },
	{ "hours of no length", "UTC", "Mon 08:00-08:00", "", "'08:00-08:00'", RC_INPUT },
	{ "a night that meets the next morning", "UTC", "Mon 17:00-08:00; Tue 07:00-12:00", "", "overlaps", RC_INPUT },
	{ "hour 25", "UTC", "Mon 08:00-25:00", "", "no hours", RC_INPUT },
	{ "spans that overlap", "UTC", "Mon 08:00-12:00, 11:00-13:00", "", "overlaps", RC_INPUT },
	{ "five spans", "UTC", "Mon 01:00-02:00, 03:00-04:00, 05:00-06:00, 07:00-08:00, 09:00-10:00", "",
	  "more than 4", RC_LIMIT },
	{ "a holiday that is no date", "UTC", "Mon 08:00-17:00", "2026-12-25\n25.12. no\n", "line 2",
	  RC_INPUT },
};

TEST(bad_settings)
{
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct calendar *c = NULL;
		err = (struct err){ 0 };
		enum rc rc = calendar_new(str_of(bad[i].zone), str_of(bad[i].hours),
					  str_of(bad[i].holidays), &c, &err);
		CHECK_MSG(rc == bad[i].rc && strstr(err.text, bad[i].words), "%s: %s", bad[i].what,
			  err.text);
	}
}

TEST(never)
{
	struct calendar *c = NULL;
	CHECK_RC(calendar_new(STR("UTC"), STR("Mon 08:00-08:01"), STR_NONE, &c, &err), RC_OK, err);
	CHECK(calendar_add_open(c, 0, 1000 * DAY_US) == TIME_NONE);
	CHECK(calendar_add_open(c, 0, -1000 * DAY_US) == TIME_NONE);
	CHECK(calendar_add(c, 0, INT64_MAX / 2) == TIME_NONE);
	calendar_free(c);
}

TEST_MAIN(TEST_RUN(sums), TEST_RUN(between_and_back), TEST_RUN(bad_settings), TEST_RUN(never))
