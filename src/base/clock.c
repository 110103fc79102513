/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

#ifdef RONDA_TEST_CLOCK
/* The one mutable static of this file: tests move every clock of the process at once. */
static _Atomic int64_t moved_us;

static int64_t file_offset_us(void)
{
	const char *path = getenv("RONDA_CLOCK_FILE");
	if (!path)
		return 0;
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	char text[32];
	int64_t seconds = 0;
	if (fgets(text, sizeof(text), f) && !str_to_i64(str_trim_all(str_of(text)), &seconds))
		seconds = 0;
	fclose(f);
	return seconds * SECOND_US;
}

int64_t clock_now_us(void)
{
	return read_clock(CLOCK_REALTIME) + atomic_load(&moved_us) + file_offset_us();
}

bool clock_move(int64_t us)
{
	atomic_fetch_add(&moved_us, us);
	return true;
}
#else
int64_t clock_now_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

bool clock_move(int64_t us)
{
	(void)us;
	return false;
}
#endif

int64_t clock_mono_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

struct civil {
	int64_t year;
	unsigned month, day;
};

/* Days since 1970 to the proleptic Gregorian calendar and back, by eras of 400 years. */
static struct civil civil_of_day(int64_t days)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	unsigned doe = (unsigned)(days - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;
	unsigned month = mp < 10 ? mp + 3 : mp - 9;
	return (struct civil){ .year = (int64_t)yoe + era * 400 + (month <= 2),
			       .month = month,
			       .day = doy - (153 * mp + 2) / 5 + 1 };
}

static int64_t day_of_civil(struct civil c)
{
	int64_t y = c.year - (c.month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	unsigned yoe = (unsigned)(y - era * 400);
	unsigned doy = (153 * (c.month > 2 ? c.month - 3 : c.month + 9) + 2) / 5 + c.day - 1;
	unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + (int64_t)doe - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int32_t time_day(int64_t us)
{
	return (int32_t)floor_div(us, DAY_US);
}

static char *digits(char *to, unsigned v, int n)
{
	for (int i = n - 1; i >= 0; i--) {
		to[i] = (char)('0' + v % 10);
		v /= 10;
	}
	return to + n;
}

static char *put_date(char *p, int64_t us)
{
	struct civil c = civil_of_day(time_day(us));
	p = digits(p, (unsigned)(c.year < 0 ? 0 : c.year % 10000), 4);
	*p++ = '-';
	p = digits(p, c.month, 2);
	*p++ = '-';
	return digits(p, c.day, 2);
}

str time_day_str(char text[16], int64_t us)
{
	char *end = put_date(text, us);
	*end = '\0';
	return (str){ text, (size_t)(end - text) };
}

str time_str(char text[40], int64_t us)
{
	int64_t in_day = us - (int64_t)time_day(us) * DAY_US;
	unsigned s = (unsigned)(in_day / SECOND_US), frac = (unsigned)(in_day % SECOND_US);
	char *p = put_date(text, us);
	*p++ = 'T';
	p = digits(p, s / 3600, 2);
	*p++ = ':';
	p = digits(p, s / 60 % 60, 2);
	*p++ = ':';
	p = digits(p, s % 60, 2);
	if (frac) {
		*p++ = '.';
		p = digits(p, frac, 6);
	}
	memcpy(p, "+00:00", 7);
	return (str){ text, (size_t)(p + 6 - text) };
}

void time_format(struct buf *out, int64_t us)
{
	char text[40];
	buf_add(out, time_str(text, us));
}

static bool take_digits(str *s, size_t n, unsigned *out)
{
	unsigned v = 0;
	if (s->n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned)(unsigned char)s->p[i] - '0';
		if (d > 9)
			return false;
		v = v * 10 + d;
	}
	*s = str_from(*s, n);
	*out = v;
	return true;
}

static bool take_char(str *s, const char *any)
{
	if (s->n == 0 || s->p[0] == '\0' || !strchr(any, s->p[0]))
		return false;
	*s = str_from(*s, 1);
	return true;
}

static bool take_date(str *s, int64_t *day_out)
{
	static const unsigned char month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned year, month, day;
	if (!take_digits(s, 4, &year))
		return false;
	bool dashes = take_char(s, "-/");
	if (!take_digits(s, 2, &month) || (dashes && !take_char(s, "-/")) || !take_digits(s, 2, &day))
		return false;
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 ||
	    day > month_days[month - 1] + (unsigned)(month == 2 && leap))
		return false;
	*day_out = day_of_civil((struct civil){ .year = year, .month = month, .day = day });
	return true;
}

static bool take_clock(str *s, int64_t *us_out)
{
	unsigned h, m, sec = 0;
	if (!take_digits(s, 2, &h))
		return false;
	bool colon = take_char(s, ":");
	if (!take_digits(s, 2, &m))
		return false;
	if (colon ? take_char(s, ":") : s->n && s->p[0] >= '0' && s->p[0] <= '9')
		if (!take_digits(s, 2, &sec))
			return false;
	/* A leap second (:60) is the first instant of the next minute here. */
	if (h > 23 || m > 59 || sec > 60)
		return false;
	int64_t us = ((int64_t)h * 3600 + m * 60 + sec) * SECOND_US;
	if (take_char(s, ".,")) {
		int64_t unit = SECOND_US / 10;
		unsigned d;
		if (!take_digits(s, 1, &d))
			return false;
		do {
			us += d * unit;
			unit /= 10;
		} while (take_digits(s, 1, &d));
	}
	*us_out = us;
	return true;
}

static bool take_zone(str *s, bool assume_utc, int64_t *offset_us_out)
{
	*offset_us_out = 0;
	*s = str_trim(*s);
	if (s->n == 0)
		return assume_utc;
	if (str_eq_nocase(*s, STR("Z")) || str_eq_nocase(*s, STR("UTC")) || str_eq_nocase(*s, STR("GMT"))) {
		s->n = 0;
		return true;
	}
	bool minus = s->p[0] == '-';
	unsigned h, m = 0;
	if (!take_char(s, "+-") || !take_digits(s, 2, &h))
		return false;
	take_char(s, ":");
	if (s->n && !take_digits(s, 2, &m))
		return false;
	if (s->n || h > 23 || m > 59)
		return false;
	*offset_us_out = ((int64_t)h * 3600 + m * 60) * SECOND_US * (minus ? -1 : 1);
	return true;
}

bool time_parse(str text, bool assume_utc, int64_t *us_out)
{
	int64_t day, in_day = 0, offset = 0;
	str s = str_trim(text);
	if (!take_date(&s, &day))
		return false;
	if (s.n) {
		take_char(&s, "Tt _");
		if (!take_clock(&s, &in_day) || !take_zone(&s, assume_utc, &offset))
			return false;
	}
	int64_t us = day * DAY_US + in_day - offset;
	if (us < 0)
		return false;
	*us_out = us;
	return true;
}

bool duration_parse(str text, int64_t *us_out)
{
	static const struct { char c; int64_t us; } units[] = {
		{ 's', SECOND_US }, { 'm', MINUTE_US }, { 'h', HOUR_US }, { 'd', DAY_US }, { 'w', 7 * DAY_US },
	};
	str s = str_trim(text);
	int64_t unit = SECOND_US;
	for (size_t i = 0; s.n && i < COUNT_OF(units); i++) {
		if (s.p[s.n - 1] == units[i].c) {
			unit = units[i].us;
			s.n--;
			break;
		}
	}
	uint64_t v;
	if (!str_to_u64(s, &v) || v > (uint64_t)(INT64_MAX / unit))
		return false;
	*us_out = (int64_t)v * unit;
	return true;
}

void duration_format(struct buf *out, int64_t us)
{
	static const struct { char c; int64_t us; } units[] = {
		{ 'd', DAY_US }, { 'h', HOUR_US }, { 'm', MINUTE_US }, { 's', SECOND_US },
	};
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (us % units[i].us == 0 && us >= units[i].us) {
			buf_i64(out, us / units[i].us);
			buf_char(out, units[i].c);
			return;
		}
	}
	buf_fmt(out, "%gs", (double)us / (double)SECOND_US);
}
