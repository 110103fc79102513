/* SPDX-License-Identifier: Apache-2.0 */
/* calendar.h: when people work: a time zone, opening hours, holidays.
 *
 * Clocks of records count either all time or business time. Business time is
 * what lies inside the opening hours of days that are no holiday, in the zone
 * (IANA names; summer time is followed by GLib's GTimeZone). A duration of whole
 * days means that many working days, what is left over means open hours: "P1DT2H"
 * from Friday 16:00 with 08:00-17:00 is Tuesday 09:00. Immutable: threads share it. */
#ifndef RONDA_RECORD_CALENDAR_H
#define RONDA_RECORD_CALENDAR_H

#include "base/clock.h"

enum { CALENDAR_YEARS_MOST = 20, CALENDAR_HOLIDAYS_MOST = 4096 };

struct calendar;
/* `zone`: "Asia/Jakarta". `hours`: "Mon-Fri 08:00-12:00, 13:00-17:00; Sat 08:00-12:00"; "22:00-06:00"
 * ends on the day after, and a holiday closes what lies on its own day.
 * `holidays`: a line each, "2026-12-25 words"; '#' starts a comment; STR_NONE: none.
 * RC_INPUT names what is not understood, with its line. */
MUST_CHECK enum rc calendar_new(str zone, str hours, str holidays, struct calendar **out,
				struct err *err);
void calendar_free(struct calendar *c); /* NULL is fine */

bool calendar_is_open(const struct calendar *c, int64_t at_us);
/* `us` of business time after `from` (before it, when negative), as above. TIME_NONE when
 * there is no such moment within CALENDAR_YEARS_MOST. */
int64_t calendar_add(const struct calendar *c, int64_t from_us, int64_t us);
/* The same counting open hours alone, never days: what was left of a paused clock. */
int64_t calendar_add_open(const struct calendar *c, int64_t from_us, int64_t us);
/* Open time from `from` to `to`; 0 when `to` is not later. */
int64_t calendar_between(const struct calendar *c, int64_t from_us, int64_t to_us);
/* The moment when it is `second` (0 to 86400) of day `day` (since 1970) there. A time that the change
 * to summer time leaves out is the end of the gap, one that comes twice is the first. */
int64_t calendar_at(const struct calendar *c, int32_t day, int32_t second);
/* The day it is there. */
int32_t calendar_day(const struct calendar *c, int64_t at_us);
/* "2026-11-22 09:00 +07:00" there; for people. `text` takes 40 bytes. */
str calendar_local(const struct calendar *c, int64_t at_us, char text[40]);

#endif
