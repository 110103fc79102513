/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/rule.h"

enum { HOUR_S = 3600, HOURS = 24, WEEK = 7 };

static int64_t next_hour(const struct calendar *c, int64_t at_us)
{
	int32_t day = calendar_day(c, at_us);
	for (int32_t hour = 0; hour <= 2 * HOURS; hour++) {
		int64_t t = calendar_at(c, day + hour / HOURS, hour % HOURS * HOUR_S);
		if (t > at_us)
			return t;
	}
	return at_us + HOUR_US;
}

/* 0: Monday. 1970 began on a Thursday. */
static int weekday_of(int32_t day)
{
	int d = (day + 3) % WEEK;
	return d < 0 ? d + WEEK : d;
}

static int64_t next_day(const struct rule *r, const struct calendar *c, int64_t at_us)
{
	int32_t day = calendar_day(c, at_us);
	for (int32_t i = 0; i <= WEEK; i++) {
		int64_t t = calendar_at(c, day + i, r->hour * HOUR_S);
		if (t > at_us && (r->pace == PACE_DAILY || weekday_of(day + i) == r->weekday))
			return t;
	}
	return at_us + DAY_US;
}

int64_t rule_next(const struct rule *r, const struct calendar *c, int64_t at_us)
{
	switch (r->pace) {
	case PACE_ONCE:
		return at_us + r->pause_us;
	case PACE_HOURLY:
		return next_hour(c, at_us);
	case PACE_DAILY:
	case PACE_WEEKLY:
		return next_day(r, c, at_us);
	}
	return at_us;
}

int64_t rule_quiet_end(const struct rule *r, const struct calendar *c, int64_t at_us)
{
	int32_t day = calendar_day(c, at_us);
	if (r->quiet_from < 0 || r->quiet_until < 0 || r->quiet_from == r->quiet_until)
		return at_us;
	for (int32_t d = day - 1; d <= day; d++) {
		int64_t from = calendar_at(c, d, r->quiet_from * HOUR_S);
		int64_t until = calendar_at(c, r->quiet_from < r->quiet_until ? d : d + 1, r->quiet_until * HOUR_S);
		if (from <= at_us && at_us < until)
			return until;
	}
	return at_us;
}

/* ISO 8601: the week belongs to the year its Thursday lies in. */
static str week_name(int32_t day, char text[RULE_PERIOD_BYTES])
{
	char date[16], first[16];
	int64_t begin_us = 0;
	int32_t thursday = day - weekday_of(day) + 3;
	str s = time_day_str(date, (int64_t)thursday * DAY_US);
	snprintf(first, sizeof first, "%.4s-01-01", s.p);
	(void)!time_parse(str_of(first), true, &begin_us);
	int n = snprintf(text, RULE_PERIOD_BYTES, "%.4s-W%02d", s.p,
			 (int)((thursday - (int32_t)(begin_us / DAY_US)) / WEEK + 1));
	return str_mem(text, (size_t)n);
}

str rule_period(const struct rule *r, const struct calendar *c, int64_t at_us, char text[RULE_PERIOD_BYTES])
{
	char local[40];
	str s = r->pace == PACE_ONCE ? time_str(local, at_us) : calendar_local(c, at_us, local);
	int n = 0;
	switch (r->pace) {
	case PACE_ONCE:
		n = snprintf(text, RULE_PERIOD_BYTES, "%.19sZ", s.p);
		break;
	case PACE_HOURLY:
		n = snprintf(text, RULE_PERIOD_BYTES, "%.10sT%.2s", s.p, s.p + 11);
		break;
	case PACE_DAILY:
		n = snprintf(text, RULE_PERIOD_BYTES, "%.10s", s.p);
		break;
	case PACE_WEEKLY:
		return week_name(calendar_day(c, at_us), text);
	}
	return str_mem(text, (size_t)n);
}
