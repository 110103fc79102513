/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, durations and dates as text: exact, without floating point. */
#include "base/clock.h"
#include "record/kind_private.h"

size_t text_characters(str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

str text_brief(str s, size_t most)
{
	size_t n = s.n < most ? s.n : most;
	while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return str_head(s, n);
}

/* Digits off the front of *s; false: none, or more than 15. */
static bool digits(str *s, int64_t *out)
{
	size_t n = 0;
	int64_t v = 0;
	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9' && n < 16)
		v = v * 10 + (s->p[n++] - '0');
	*s = str_from(*s, n);
	*out = v;
	return n > 0 && n < 16;
}

bool iso_duration_parse(str text, int64_t *us_out)
{
	static const struct { char c; bool in_time; int64_t us; } units[] = {
		{ 'Y', false, 365 * DAY_US }, { 'M', false, 30 * DAY_US }, { 'W', false, 7 * DAY_US },
		{ 'D', false, DAY_US },       { 'H', true, HOUR_US },	   { 'M', true, MINUTE_US },
		{ 'S', true, SECOND_US },
	};
	const int64_t most = 365000 * DAY_US;
	bool minus = str_starts(text, STR("-")), in_time = false;
	str s = str_from(text, minus);
	int64_t sum = 0;
	size_t next = 0;
	if (!str_starts(s, STR("P")) || s.n < 2)
		return false;
	s = str_from(s, 1);
	while (s.n) {
		int64_t v = 0;
		if (!in_time && s.p[0] == 'T') {
			in_time = true;
			s = str_from(s, 1);
		}
		if (!digits(&s, &v) || s.n == 0)
			return false;
		while (next < COUNT_OF(units) && (units[next].c != s.p[0] || units[next].in_time != in_time))
			next++;
		if (next == COUNT_OF(units) || v > (most - sum) / units[next].us)
			return false;
		sum += v * units[next++].us;
		s = str_from(s, 1);
	}
	*us_out = minus ? -sum : sum;
	return true;
}

void iso_duration_format(struct buf *out, int64_t us)
{
	static const struct { char c; int64_t us; } units[] = {
		{ 'H', HOUR_US }, { 'M', MINUTE_US }, { 'S', SECOND_US },
	};
	int64_t left = us < 0 ? -us : us;
	bool time = false;
	buf_add(out, us < 0 ? STR("-P") : STR("P"));
	if (left >= DAY_US)
		buf_fmt(out, "%lldD", (long long)(left / DAY_US));
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		int64_t n = left % DAY_US / units[i].us;
		left -= n * units[i].us;
		if (n == 0 && !(i == 2 && us > -SECOND_US && us < SECOND_US))
			continue;
		if (!time)
			buf_char(out, 'T');
		time = true;
		buf_fmt(out, "%lld%c", (long long)n, units[i].c);
	}
}

bool decimal_parse(str text, unsigned decimals, int64_t *out)
{
	bool minus = str_starts(text, STR("-"));
	str behind = str_from(text, minus), before = str_cut(&behind, '.');
	bool point = before.n + minus < text.n;
	int64_t v = 0;
	if (before.n == 0 || (point && behind.n == 0) || behind.n > decimals)
		return false;
	for (size_t i = 0; i < before.n + decimals; i++) {
		size_t k = i - before.n;
		char c = i < before.n ? before.p[i] : k < behind.n ? behind.p[k] : '0';
		if (c < '0' || c > '9' || v > (KIND_NUMBER_MOST - (c - '0')) / 10)
			return false;
		v = v * 10 + (c - '0');
	}
	*out = minus ? -v : v;
	return true;
}

void decimal_format(struct buf *out, int64_t v, unsigned decimals, bool all)
{
	int64_t unit = 1, whole, part;
	for (unsigned i = 0; i < decimals; i++)
		unit *= 10;
	whole = v / unit;
	part = v % unit < 0 ? -(v % unit) : v % unit;
	if (v < 0)
		buf_char(out, '-');
	buf_i64(out, whole < 0 ? -whole : whole);
	while (!all && decimals && part % 10 == 0) {
		part /= 10;
		decimals--;
	}
	if (decimals)
		buf_fmt(out, ".%0*lld", (int)decimals, (long long)part);
}

bool date_parse(str text, int64_t *day_out)
{
	static const unsigned char month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	static const short before_month[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	uint64_t y, m, d;
	if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-' || !str_to_u64(str_head(text, 4), &y) ||
	    !str_to_u64(str_mem(text.p + 5, 2), &m) || !str_to_u64(str_from(text, 8), &d))
		return false;
	if (y < 1900 || y > 2261 || m < 1 || m > 12 || d < 1)
		return false;
	bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
	if (d > month_days[m - 1] + (unsigned)(m == 2 && leap))
		return false;
	int64_t before = (int64_t)y - 1; /* whole years before this one, for leap days */
	*day_out = before * 365 + before / 4 - before / 100 + before / 400 + before_month[m - 1] +
		   (m > 2 && leap) + (int64_t)d - 1 - 719162; /* days from 0001-01-01 to 1970-01-01 */
	return true;
}
