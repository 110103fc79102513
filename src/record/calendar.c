/* SPDX-License-Identifier: Apache-2.0 */
#include "record/calendar.h"

/* GLib's header of alloca() names what base/banned.h forbids: it is left out. */
#define __G_ALLOCA_H__
#include <glib.h>

#include "base/arena.h"

enum { SPANS = 4, WEEK = 7, DAY_S = 86400, DAYS_MOST = CALENDAR_YEARS_MOST * 366 };

struct span {
	int32_t from_s, to_s; /* seconds of the local day */
};
struct calendar {
	GTimeZone *zone;
	struct span open[WEEK][SPANS]; /* Monday first; an empty span ends the list */
	int32_t *holidays;             /* days since 1970, sorted */
	size_t holiday_count;
};

/* --- reading the settings --- */

static const char *const day_names[WEEK] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

static bool parse_day(str text, unsigned *out)
{
	for (unsigned i = 0; i < WEEK; i++) {
		if (str_eq_nocase(text, str_of(day_names[i]))) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool parse_hour(str text, int32_t *out)
{
	str rest = text, hour = str_cut(&rest, ':');
	uint32_t h, m;
	if (hour.n != 2 || rest.n != 2 || !str_to_u32(hour, &h) || !str_to_u32(rest, &m) || m > 59 ||
	    h > 24 || (h == 24 && m > 0))
		return false;
	*out = (int32_t)(h * 3600 + m * 60);
	return true;
}

/* Into its place among the spans of that day. */
static enum rc add_span(struct calendar *c, unsigned day, struct span s, str text, struct err *err)
{
	struct span *open = c->open[day];
	size_t n = 0, at = 0;
	while (n < SPANS && open[n].to_s > 0)
		n++;
	if (n == SPANS)
		return fail(err, RC_LIMIT, "'" STR_FMT "' has more than %d spans on %s", STR_ARG(text),
			    SPANS, day_names[day]);
	while (at < n && open[at].from_s < s.from_s)
		at++;
	if ((at > 0 && open[at - 1].to_s > s.from_s) || (at < n && open[at].from_s < s.to_s))
		return fail(err, RC_INPUT, "'" STR_FMT "' overlaps with other hours on %s", STR_ARG(text),
			    day_names[day]);
	memmove(&open[at + 1], &open[at], (n - at) * sizeof(*open));
	open[at] = s;
	return RC_OK;
}

/* "22:00-06:00" is two: until midnight, and of the day after from then on. */
static enum rc add_hours(struct calendar *c, unsigned day, struct span s, str text, struct err *err)
{
	if (s.from_s < s.to_s)
		return add_span(c, day, s, text, err);
	enum rc rc = add_span(c, day, (struct span){ s.from_s, DAY_S }, text, err);
	if (rc == RC_OK && s.to_s > 0)
		rc = add_span(c, (day + 1) % WEEK, (struct span){ 0, s.to_s }, text, err);
	return rc;
}

/* "Mon-Fri 08:00-12:00, 13:00-17:00" */
static enum rc parse_days(struct calendar *c, str text, struct err *err)
{
	str rest = text, days = str_cut(&rest, ' '), last = days, first = str_cut(&last, '-');
	unsigned from, to;
	if (!parse_day(first, &from) || !parse_day(last.n > 0 ? last : first, &to) || to < from)
		return fail(err, RC_INPUT, "'" STR_FMT "' are no days, as in Mon-Fri", STR_ARG(days));
	if (str_trim(rest).n == 0)
		return fail(err, RC_INPUT, "'" STR_FMT "' has no hours", STR_ARG(text));
	while (rest.n > 0) {
		str hours = str_trim(str_cut(&rest, ',')), end = hours, begin = str_cut(&end, '-');
		struct span s;
		if (!parse_hour(begin, &s.from_s) || !parse_hour(end, &s.to_s) || s.from_s == s.to_s ||
		    s.from_s == DAY_S)
			return fail(err, RC_INPUT, "'" STR_FMT "' are no hours, as in 08:00-17:00",
				    STR_ARG(hours));
		for (unsigned day = from; day <= to; day++) {
			enum rc rc = add_hours(c, day, s, text, err);
			if (rc != RC_OK)
				return rc;
		}
	}
	return RC_OK;
}

static enum rc parse_hours(struct calendar *c, str hours, struct err *err)
{
	bool any = false;
	while (hours.n > 0) {
		str days = str_trim(str_cut(&hours, ';'));
		if (days.n == 0)
			continue;
		enum rc rc = parse_days(c, days, err);
		if (rc != RC_OK)
			return rc;
		any = true;
	}
	return any ? RC_OK : fail(err, RC_INPUT, "business hours name no day");
}

static int by_number(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
	return (x > y) - (x < y);
}

static enum rc parse_holidays(struct calendar *c, str text, struct err *err)
{
	str line;
	c->holidays = x_array(CALENDAR_HOLIDAYS_MOST, sizeof *c->holidays);
	for (size_t number = 1; str_line(&text, &line); number++) {
		int64_t at;
		str rest = str_trim(line), day = str_cut(&rest, ' ');
		if (day.n == 0 || day.p[0] == '#')
			continue;
		if (day.n != 10 || !time_parse(day, true, &at))
			return fail(err, RC_INPUT, "holidays, line %zu: '" STR_FMT "' is no date, as in "
				    "2026-12-25", number, STR_ARG(day));
		if (c->holiday_count == CALENDAR_HOLIDAYS_MOST)
			return fail(err, RC_LIMIT, "more than %d holidays", CALENDAR_HOLIDAYS_MOST);
		c->holidays[c->holiday_count++] = time_day(at);
	}
	qsort(c->holidays, c->holiday_count, sizeof *c->holidays, by_number);
	return RC_OK;
}

enum rc calendar_new(str zone, str hours, str holidays, struct calendar **out, struct err *err)
{
	char name[64];
	if (zone.n == 0 || zone.n >= sizeof name || !str_is_plain(zone))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no time zone", STR_ARG(zone));
	memcpy(name, zone.p, zone.n);
	name[zone.n] = 0;
	struct calendar *c = x_alloc(sizeof *c);
	enum rc rc = RC_OK;
	c->zone = g_time_zone_new_identifier(name);
	if (!c->zone)
		rc = fail(err, RC_INPUT, "'%s' is no time zone of this machine, as in Asia/Jakarta", name);
	if (rc == RC_OK)
		rc = parse_hours(c, hours, err);
	if (rc == RC_OK)
		rc = parse_holidays(c, holidays, err);
	if (rc != RC_OK) {
		calendar_free(c);
		return rc;
	}
	*out = c;
	return RC_OK;
}

void calendar_free(struct calendar *c)
{
	if (!c)
		return;
	if (c->zone)
		g_time_zone_unref(c->zone);
	free(c->holidays);
	free(c);
}

/* --- local time --- */

static int64_t floor_seconds(int64_t us)
{
	return us / SECOND_US - (us % SECOND_US < 0);
}

static int32_t offset_at(const struct calendar *c, int64_t utc_s)
{
	gint at = g_time_zone_find_interval(c->zone, G_TIME_TYPE_UNIVERSAL, utc_s);
	return at < 0 ? 0 : g_time_zone_get_offset(c->zone, at);
}

static int64_t local_of(const struct calendar *c, int64_t at_us)
{
	return at_us + offset_at(c, floor_seconds(at_us)) * SECOND_US;
}

/* A local time that the change to summer time leaves out becomes the end of the gap; of one
 * that the change back has twice, hours begin with the first and end with the second. */
static int64_t utc_of(const struct calendar *c, int32_t day, int32_t second, bool is_end)
{
	gint64 local_s = (gint64)day * DAY_S + second;
	gint at = g_time_zone_adjust_time(c->zone, is_end ? G_TIME_TYPE_STANDARD : G_TIME_TYPE_DAYLIGHT,
					  &local_s);
	return (local_s - g_time_zone_get_offset(c->zone, at)) * SECOND_US;
}

int64_t calendar_at(const struct calendar *c, int32_t day, int32_t second)
{
	return utc_of(c, day, second, false);
}

int32_t calendar_day(const struct calendar *c, int64_t at_us)
{
	return time_day(local_of(c, at_us));
}

/* A place that moves over the date line leaves a day out (Apia had no 2011-12-30). */
static bool day_is_there(const struct calendar *c, int32_t day)
{
	return utc_of(c, day, 0, false) < utc_of(c, day + 1, 0, false);
}

static const struct span *spans_of(const struct calendar *c, int32_t day)
{
	static const struct span none[1];
	if (!day_is_there(c, day) ||
	    bsearch(&day, c->holidays, c->holiday_count, sizeof day, by_number))
		return none;
	return c->open[((day + 3) % WEEK + WEEK) % WEEK]; /* 1970-01-01 was a Thursday */
}

static size_t span_count(const struct span *s)
{
	size_t n = 0;
	while (n < SPANS && s[n].to_s > 0)
		n++;
	return n;
}

/* --- counting --- */

/* Open time inside one day, cut to [from, to]. */
static int64_t open_in_day(const struct calendar *c, int32_t day, int64_t from_us, int64_t to_us)
{
	const struct span *s = spans_of(c, day);
	int64_t sum = 0;
	for (size_t i = 0, n = span_count(s); i < n; i++) {
		int64_t begin = utc_of(c, day, s[i].from_s, false), end = utc_of(c, day, s[i].to_s, true);
		begin = begin > from_us ? begin : from_us;
		end = end < to_us ? end : to_us;
		sum += end > begin ? end - begin : 0;
	}
	return sum;
}

bool calendar_is_open(const struct calendar *c, int64_t at_us)
{
	return open_in_day(c, time_day(local_of(c, at_us)), at_us, at_us + 1) > 0;
}

int64_t calendar_between(const struct calendar *c, int64_t from_us, int64_t to_us)
{
	int64_t sum = 0;
	if (to_us <= from_us)
		return 0;
	int32_t day = time_day(local_of(c, from_us)), last = time_day(local_of(c, to_us));
	if (last - day > DAYS_MOST)
		last = day + DAYS_MOST;
	for (; day <= last; day++)
		sum += open_in_day(c, day, from_us, to_us);
	return sum;
}

static int64_t add_forward(const struct calendar *c, int64_t from_us, int64_t us)
{
	int32_t first = time_day(local_of(c, from_us));
	for (int32_t day = first; day - first <= DAYS_MOST; day++) {
		const struct span *s = spans_of(c, day);
		for (size_t i = 0, n = span_count(s); i < n; i++) {
			int64_t begin = utc_of(c, day, s[i].from_s, false), end = utc_of(c, day, s[i].to_s, true);
			begin = begin > from_us ? begin : from_us;
			if (end <= begin)
				continue;
			if (us <= end - begin)
				return begin + us;
			us -= end - begin;
		}
	}
	return TIME_NONE;
}

static int64_t add_backward(const struct calendar *c, int64_t from_us, int64_t us)
{
	int32_t first = time_day(local_of(c, from_us));
	for (int32_t day = first; first - day <= DAYS_MOST; day--) {
		const struct span *s = spans_of(c, day);
		for (size_t n = span_count(s), i = n; i-- > 0;) {
			int64_t begin = utc_of(c, day, s[i].from_s, false), end = utc_of(c, day, s[i].to_s, true);
			end = end < from_us ? end : from_us;
			if (end <= begin)
				continue;
			if (us <= end - begin)
				return end - us;
			us -= end - begin;
		}
	}
	return TIME_NONE;
}

int64_t calendar_add_open(const struct calendar *c, int64_t from_us, int64_t us)
{
	return us < 0 ? add_backward(c, from_us, -us) : add_forward(c, from_us, us);
}

/* The same time of day `days` working days on (or back). */
static int64_t add_days(const struct calendar *c, int64_t from_us, int64_t days)
{
	int32_t day = time_day(local_of(c, from_us)), step = days < 0 ? -1 : 1, gone = 0;
	int32_t second = (int32_t)(floor_seconds(local_of(c, from_us)) - (int64_t)day * DAY_S);
	while (days != 0) {
		day += step;
		if (++gone > DAYS_MOST)
			return TIME_NONE;
		if (span_count(spans_of(c, day)) > 0)
			days -= step;
	}
	return utc_of(c, day, second, false);
}

int64_t calendar_add(const struct calendar *c, int64_t from_us, int64_t us)
{
	int64_t days = us / DAY_US, rest = us % DAY_US;
	/* What begins outside the hours begins at the next opening (the last one, backwards). */
	int64_t at = us < 0 ? add_backward(c, from_us, 0) : add_forward(c, from_us, 0);
	if (at != TIME_NONE && days != 0)
		at = add_days(c, at, days);
	if (at != TIME_NONE)
		at = us < 0 ? add_backward(c, at, -rest) : add_forward(c, at, rest);
	return at;
}

str calendar_local(const struct calendar *c, int64_t at_us, char text[40])
{
	int32_t offset = offset_at(c, floor_seconds(at_us)), minutes = abs(offset) / 60;
	char utc[40];
	str s = time_str(utc, local_of(c, at_us) / SECOND_US * SECOND_US);
	int n = snprintf(text, 40, "%.10s %.5s %c%02d:%02d", s.p, s.p + 11, offset < 0 ? '-' : '+',
			 minutes / 60, minutes % 60);
	return str_mem(text, (size_t)n);
}
