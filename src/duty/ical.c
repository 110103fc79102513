/* SPDX-License-Identifier: Apache-2.0 */
/* The roster as iCalendar, RFC 5545. */
#include "duty/show.h"

enum { LINE_MOST = 75, CONTINUATION = 0x80, CONTINUATION_MASK = 0xC0 };

/* A line of 75 octets at most, no character split over two. */
static void fold(struct buf *out, str line)
{
	size_t room = LINE_MOST;
	while (line.n > room) {
		size_t n = room;
		while (n > 1 && ((unsigned char)line.p[n] & CONTINUATION_MASK) == CONTINUATION)
			n--;
		buf_add(out, str_head(line, n));
		buf_add(out, STR("\r\n "));
		line = str_from(line, n);
		room = LINE_MOST - 1;
	}
	buf_add(out, line);
	buf_add(out, STR("\r\n"));
}

static void add_escaped(struct buf *out, str value)
{
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];
		if (c == '\\' || c == ';' || c == ',')
			buf_char(out, '\\');
		if (c == '\n')
			buf_add(out, STR("\\n"));
		else if ((unsigned char)c >= ' ' && c != 0x7f)
			buf_char(out, c);
	}
}

void ical_line(struct buf *out, const char *name, str value, bool escape)
{
	struct buf line = BUF_INIT(KIB(16));
	buf_add(&line, str_of(name));
	buf_char(&line, ':');
	if (escape)
		add_escaped(&line, value);
	else
		buf_add(&line, value);
	fold(out, buf_str(&line));
	buf_free(&line);
}

/* "20261201T010000Z" out of "2026-12-01T01:00:00+00:00" */
static str stamp(int64_t us, char text[40])
{
	char iso[40];
	str s = time_str(iso, us - us % SECOND_US);
	size_t n = 0;
	for (size_t i = 0; i < s.n && i < 19; i++)
		if (s.p[i] != '-' && s.p[i] != ':')
			text[n++] = s.p[i];
	text[n++] = 'Z';
	return str_mem(text, n);
}

static void put_event(struct buf *out, const struct shift *s, str name, str node, int64_t now_us,
		      struct arena *a)
{
	char text[40];
	struct buf uid = BUF_INIT(KIB(1));
	uuid_format(&uid, &s->id);
	buf_char(&uid, '@');
	buf_add(&uid, node);
	ical_line(out, "BEGIN", STR("VEVENT"), false);
	ical_line(out, "UID", buf_str(&uid), true);
	ical_line(out, "DTSTAMP", stamp(now_us, text), false);
	ical_line(out, "DTSTART", stamp(s->from_us, text), false);
	ical_line(out, "DTEND", stamp(s->until_us, text), false);
	ical_line(out, "SUMMARY", arena_fmt(a, "%s: " STR_FMT, shift_role_name(s->role), STR_ARG(name)), true);
	ical_line(out, "STATUS", s->taken ? STR("CONFIRMED") : STR("TENTATIVE"), false);
	ical_line(out, "END", STR("VEVENT"), false);
	buf_free(&uid);
}

enum rc duty_calendar(struct reader *r, const struct types *t, const struct viewer *v, str node,
		      int64_t from_us, int64_t until_us, struct arena *a, struct buf *out, struct err *err)
{
	struct roster roster;
	enum rc rc = duty_may_see(t, v, err);
	if (rc == RC_OK)
		rc = roster_load(reader_conn(r), from_us, until_us, a, &roster, err);
	if (rc != RC_OK)
		return rc;
	ical_line(out, "BEGIN", STR("VCALENDAR"), false);
	ical_line(out, "VERSION", STR("2.0"), false);
	ical_line(out, "PRODID", STR("-//ronda//duty//EN"), false);
	for (size_t i = 0; i < roster.count; i++)
		put_event(out, &roster.shifts[i], duty_person_name(r, t, v, &roster.shifts[i].person, a), node,
			  clock_now_us(), a);
	ical_line(out, "END", STR("VCALENDAR"), false);
	return out->over ? fail(err, RC_LIMIT, "the calendar is too large") : RC_OK;
}
