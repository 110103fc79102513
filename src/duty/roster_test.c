/* SPDX-License-Identifier: Apache-2.0 */
#include "duty/roster.h"

#include "base/test.h"
#include "duty/handover.h"
#include "duty/show.h"

static struct err err;

#define DAY(n, h) ((n) * DAY_US + (h) * HOUR_US)
static struct uuid person(unsigned char n)
{
	return (struct uuid){ .b = { n } };
}

/* Day and night by A and B, nights have a second (C; on the second night B himself), L leads all
 * the time, day 2 has nobody from 14:00 to 16:00, and two from 10:00 to 11:00. */
#define SHIFT(n, who, as, from, until) \
	{ .number = (n), .person = { .b = { (who) } }, .role = (as), .from_us = (from), .until_us = (until) }
static const struct shift week[] = {
	SHIFT(1, 'L', SHIFT_LEAD, DAY(0, 0), DAY(4, 0)),
	SHIFT(2, 'A', SHIFT_FIRST, DAY(0, 8), DAY(0, 20)),
	SHIFT(3, 'B', SHIFT_FIRST, DAY(0, 20), DAY(1, 8)),
	SHIFT(4, 'C', SHIFT_SECOND, DAY(0, 20), DAY(1, 8)),
	SHIFT(5, 'A', SHIFT_FIRST, DAY(1, 8), DAY(1, 20)),
	SHIFT(6, 'B', SHIFT_FIRST, DAY(1, 20), DAY(2, 8)),
	SHIFT(7, 'B', SHIFT_SECOND, DAY(1, 20), DAY(2, 8)),
	SHIFT(8, 'A', SHIFT_FIRST, DAY(2, 8), DAY(2, 11)),
	SHIFT(9, 'C', SHIFT_FIRST, DAY(2, 10), DAY(2, 14)),
	SHIFT(10, 'A', SHIFT_FIRST, DAY(2, 16), DAY(2, 20)),
	SHIFT(11, 'C', SHIFT_SECOND, DAY(2, 14), DAY(2, 16)),
};
static const struct roster roster = { week, COUNT_OF(week) };

static const struct {
	const char *what;
	int64_t at_us;
	const char *now, *next, *lead; /* numbers of shifts */
} looks[] = {
	{ "before anybody but the lead", DAY(0, 1), "1", "2", "1" },
	{ "the day", DAY(0, 12), "2", "3", "1" },
	{ "its last moment", DAY(0, 20) - 1, "2", "3", "1" },
	{ "the night's first", DAY(0, 20), "3", "4", "1" },
	{ "the second is the first himself: the one who follows", DAY(1, 21), "6", "8", "1" },
	{ "two at once", DAY(2, 10), "8 9", "", "1" },
	{ "only a second: he is now", DAY(2, 15), "11", "10", "1" },
	{ "only the lead", DAY(2, 21), "1", "", "1" },
	{ "nobody", DAY(5, 0), "", "", "" },
};

static str found(enum watch who, int64_t at_us, char text[64])
{
	const struct shift *list[ROSTER_ON_MOST];
	size_t n = roster_find(&roster, who, at_us, list, ROSTER_ON_MOST), len = 0;
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, 64 - len, "%s%llu", i ? " " : "",
					(unsigned long long)list[i]->number);
	return str_mem(text, len);
}

TEST(who_is_told)
{
	for (size_t i = 0; i < COUNT_OF(looks); i++) {
		char text[64];
		const struct { enum watch who; const char *want; } asks[] = {
			{ WATCH_NOW, looks[i].now }, { WATCH_NEXT, looks[i].next }, { WATCH_LEAD, looks[i].lead },
			{ WATCH_NONE, "" } };
		for (size_t w = 0; w < COUNT_OF(asks); w++) {
			str got = found(asks[w].who, looks[i].at_us, text);
			CHECK_MSG(str_eq(got, str_of(asks[w].want)), "%s: %s is '" STR_FMT "', want '%s'",
				  looks[i].what, watch_name(asks[w].who), STR_ARG(got), asks[w].want);
		}
	}
	CHECK(roster_following(&roster, SHIFT_FIRST, DAY(0, 8))->number == 3);
	CHECK(!roster_following(&roster, SHIFT_SECOND, DAY(2, 14)));
}

static bool same_fault(const struct roster_fault *f, bool overlap, int64_t from, int64_t until)
{
	return f->overlap == overlap && f->from_us == from && f->until_us == until;
}

TEST(what_is_wrong)
{
	struct roster_fault f[8];
	bool more = true;
	CHECK_INT(roster_check(&roster, SHIFT_FIRST, DAY(0, 0), DAY(3, 0), f, 8, &more), 4);
	CHECK(!more);
	CHECK(same_fault(&f[0], false, DAY(0, 0), DAY(0, 8)));
	CHECK(same_fault(&f[1], true, DAY(2, 10), DAY(2, 11)) && f[1].first == 8 && f[1].second == 9);
	CHECK(same_fault(&f[2], false, DAY(2, 14), DAY(2, 16)));
	CHECK(same_fault(&f[3], false, DAY(2, 20), DAY(3, 0)));
	CHECK_INT(roster_check(&roster, SHIFT_FIRST, DAY(0, 0), DAY(3, 0), f, 2, &more), 2);
	CHECK(more);
	CHECK_INT(roster_check(&roster, SHIFT_FIRST, DAY(0, 10), DAY(2, 8), f, 8, &more), 0);
	CHECK_INT(roster_check(&roster, SHIFT_LEAD, DAY(0, 0), DAY(5, 0), f, 8, &more), 1);
	CHECK_INT(roster_check(&(struct roster){ 0 }, SHIFT_FIRST, 0, DAY(1, 0), f, 8, &more), 1);
	CHECK(same_fault(&f[0], false, 0, DAY(1, 0)));
}

/* --- patterns --- */

static const struct {
	const char *text;
	bool ok;
	int32_t from_s, to_s;
} spans[] = {
	{ "08:00-20:00", true, 28800, 72000 }, { "20:00-08:00", true, 72000, 28800 },
	{ "00:00-24:00", true, 0, 86400 },     { " 07:30 - 19:30 ", true, 27000, 70200 },
	{ "24:00-08:00", false, 0, 0 },	       { "8-20", false, 0, 0 },
	{ "08:60-20:00", false, 0, 0 },	       { "08:00", false, 0, 0 },
	{ "", false, 0, 0 },		       { "08:00-25:00", false, 0, 0 },
};

TEST(spans_of_a_day)
{
	for (size_t i = 0; i < COUNT_OF(spans); i++) {
		struct pattern_span s = { 0 };
		bool ok = pattern_span_parse(str_of(spans[i].text), &s);
		CHECK_MSG(ok == spans[i].ok, "'%s'", spans[i].text);
		CHECK_MSG(!ok || (s.from_s == spans[i].from_s && s.to_s == spans[i].to_s), "'%s'", spans[i].text);
	}
}

static struct calendar *zone(const char *name)
{
	struct calendar *c = NULL;
	CHECK_RC(calendar_new(str_of(name), STR("Mon-Fri 08:00-17:00"), STR_NONE, &c, &err), RC_OK, err);
	return c;
}

static int64_t at(const char *text)
{
	int64_t us = 0;
	CHECK_MSG(time_parse(str_of(text), false, &us), "%s", text);
	return us;
}

/* Over every change of the clock shift follows on shift; nights are an hour shorter or longer. */
static const struct {
	const char *zone, *first_day, *night_from, *night_until;
	size_t night;
} changes[] = {
	{ "Europe/Berlin", "2027-03-25", "2027-03-27T19:00:00Z", "2027-03-28T06:00:00Z", 5 },
	{ "Europe/Berlin", "2026-10-22", "2026-10-24T18:00:00Z", "2026-10-25T07:00:00Z", 5 },
	{ "America/New_York", "2027-03-11", "2027-03-14T01:00:00Z", "2027-03-14T12:00:00Z", 5 },
	{ "Australia/Lord_Howe", "2026-10-01", "2026-10-03T09:30:00Z", "2026-10-03T21:00:00Z", 5 },
	{ "Asia/Kathmandu", "2026-12-01", "2026-12-01T14:15:00Z", "2026-12-02T02:15:00Z", 1 },
};

TEST(patterns_over_summer_time)
{
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		struct calendar *c = zone(changes[i].zone);
		struct pattern p = { .calendar = c, .days = 10, .span_count = 2, .person_count = 3,
				     .spans = { { "day", 8 * 3600, 20 * 3600 }, { "night", 20 * 3600, 8 * 3600 } } };
		struct planned s, last = { 0 };
		int64_t day;
		size_t n = 0;
		CHECK(time_parse(str_of(changes[i].first_day), true, &day));
		p.first_day = time_day(day);
		for (; pattern_at(&p, n, &s); n++) {
			CHECK_MSG(n == 0 || s.from_us == last.until_us, "%s: shift %zu does not follow", changes[i].zone, n);
			CHECK_INT(s.person, n % 3);
			if (n == changes[i].night) {
				CHECK_INT(s.from_us, at(changes[i].night_from));
				CHECK_INT(s.until_us, at(changes[i].night_until));
			}
			last = s;
		}
		CHECK_INT(n, 20);
		calendar_free(c);
	}
}

TEST(turns)
{
	static const struct { enum turn turn; size_t want[8]; } rows[] = {
		{ TURN_SHIFT, { 0, 1, 2, 0, 1, 2, 0, 1 } },
		{ TURN_DAY, { 0, 0, 1, 1, 2, 2, 0, 0 } },
		{ TURN_WEEK, { 0, 1, 0, 1, 0, 1, 0, 1 } },
	};
	struct calendar *c = zone("UTC");
	struct planned s;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct pattern p = { .calendar = c, .days = 14, .span_count = 2, .person_count = 3,
				     .turn = rows[i].turn,
				     .spans = { { "day", 0, 43200 }, { "night", 43200, 86400 } } };
		for (size_t k = 0; k < 8; k++)
			CHECK_MSG(pattern_at(&p, k, &s) && s.person == rows[i].want[k], "turn %zu, shift %zu: %zu", i, k,
				  s.person);
		if (rows[i].turn == TURN_WEEK) /* the week after */
			CHECK(pattern_at(&p, 14, &s) && s.person == 1 && pattern_at(&p, 15, &s) && s.person == 2);
	}
	CHECK(!pattern_at(&(struct pattern){ .calendar = c, .days = 1 }, 0, &s));
	calendar_free(c);
}

/* --- hand-over --- */

static const struct {
	const char *what;
	unsigned char who;
	int64_t now_us;
	uint64_t from, to;
} overs[] = {
	{ "at the end of the day", 'A', DAY(0, 19), 2, 3 },
	{ "a little late", 'A', DAY(0, 22), 2, 3 },
	{ "too late: of the one who is there", 'A', DAY(1, 3), 3, 5 },
	{ "by somebody else", 'X', DAY(0, 12), 2, 3 },
	{ "before a gap: to the next there is", 'C', DAY(2, 13), 9, 10 },
	{ "nobody follows", 'A', DAY(2, 19), 10, 0 },
	{ "nobody is there", 'X', DAY(3, 0), 0, 0 },
};

TEST(between_which_shifts)
{
	for (size_t i = 0; i < COUNT_OF(overs); i++) {
		const struct shift *from, *to;
		struct uuid who = person(overs[i].who);
		handover_between(&roster, &who, overs[i].now_us, &from, &to);
		CHECK_MSG((from ? from->number : 0) == overs[i].from && (to ? to->number : 0) == overs[i].to,
			  "%s: %llu to %llu", overs[i].what, from ? (unsigned long long)from->number : 0,
			  to ? (unsigned long long)to->number : 0);
	}
}

/* --- RFC 5545, sections 3.1 and 3.3.11 --- */

static const struct {
	const char *what, *value, *want;
} contents[] = {
	{ "as it is", "first: A", "SUMMARY:first: A\r\n" },
	{ "marks are escaped", "a;b,c\\d\ne", "SUMMARY:a\\;b\\,c\\\\d\\ne\r\n" },
	{ "controls are left out", "a\r\x01" "b", "SUMMARY:ab\r\n" },
	{ "75 octets are one line", "0123456789012345678901234567890123456789012345678901234567890123456",
	  "SUMMARY:0123456789012345678901234567890123456789012345678901234567890123456\r\n" },
	{ "76 are two", "01234567890123456789012345678901234567890123456789012345678901234567",
	  "SUMMARY:0123456789012345678901234567890123456789012345678901234567890123456\r\n 7\r\n" },
	{ "a character is not split", "012345678901234567890123456789012345678901234567890123456789012345\xC3\xA9",
	  "SUMMARY:012345678901234567890123456789012345678901234567890123456789012345\r\n \xC3\xA9\r\n" },
};

TEST(content_lines)
{
	for (size_t i = 0; i < COUNT_OF(contents); i++) {
		struct buf b = BUF_INIT(KIB(4));
		ical_line(&b, "SUMMARY", str_of(contents[i].value), true);
		CHECK_MSG(str_eq(buf_str(&b), str_of(contents[i].want)), "%s: " STR_FMT, contents[i].what,
			  STR_ARG(buf_str(&b)));
		buf_free(&b);
	}
}

TEST_MAIN(TEST_RUN(who_is_told), TEST_RUN(what_is_wrong), TEST_RUN(spans_of_a_day),
	  TEST_RUN(patterns_over_summer_time), TEST_RUN(turns), TEST_RUN(between_which_shifts),
	  TEST_RUN(content_lines))
