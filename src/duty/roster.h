/* SPDX-License-Identifier: Apache-2.0 */
/* roster.h: who has the watch, and who is next.
 *
 * A CERT's phone is answered day and night by people who take turns. A shift is a record of a type
 * that means "duty.person", "duty.role", "duty.from", "duty.until" and the states "duty.planned" and
 * "duty.taken" (record/type.h); those that count stand in a small table too, kept by a hook
 * (duty/duty.h), so that who is on duty is one look by time. Here that table is read, and answered
 * from: all but roster_load() is pure. Times are UTC; a shift has its first moment and not its last. */
#ifndef RONDA_DUTY_ROSTER_H
#define RONDA_DUTY_ROSTER_H

#include "base/clock.h"
#include "base/uuid.h"
#include "record/calendar.h"
#include "record/type.h"
#include "store/sql.h"

enum shift_role { SHIFT_FIRST, SHIFT_SECOND, SHIFT_LEAD, SHIFT_ROLES };
const char *shift_role_name(enum shift_role r); /* "first", "second", "lead-on-call" */
bool shift_role_parse(str text, enum shift_role *out);

struct shift {
	struct uuid id, person;
	uint64_t number;           /* "shift-12" */
	enum shift_role role;
	int64_t from_us, until_us;
	bool taken;                /* the person has said that he is there */
};
struct roster {
	const struct shift *shifts; /* by start, role, number */
	size_t count;
};
enum { ROSTER_MOST = 20000, ROSTER_ON_MOST = 16 };
/* How far ahead somebody is looked for who is next. */
#define ROSTER_AHEAD (14 * DAY_US)
/* Shifts that touch [from, until). RC_LIMIT: more than ROSTER_MOST. */
MUST_CHECK enum rc roster_load(struct conn *c, int64_t from_us, int64_t until_us, struct arena *a,
			       struct roster *out, struct err *err);
/* Those that run at `at_us`, the first before the second before the lead, at most `most`; their number. */
size_t roster_on(const struct roster *r, int64_t at_us, const struct shift **out, size_t most);
/* The next to begin after `at_us` in that role; NULL: none is planned. */
const struct shift *roster_following(const struct roster *r, enum shift_role role, int64_t at_us);
/* Who is told at `at_us`; no person twice.
 * WATCH_NOW: those first on duty; is there none, the seconds; else the leads on call.
 * WATCH_NEXT: whom to call when they do not answer: the seconds; is there none but them, the first of
 *   the shift that follows within ROSTER_AHEAD who is somebody else.
 * WATCH_LEAD: the leads on call. */
size_t roster_find(const struct roster *r, enum watch who, int64_t at_us, const struct shift **out,
		   size_t most);

/* What is wrong with a role's shifts in [from, until). */
struct roster_fault {
	bool overlap;              /* else a gap */
	enum shift_role role;
	int64_t from_us, until_us;
	uint64_t first, second;    /* numbers of the shifts that overlap; 0 of a gap */
};
/* At most `most`, by time; *more_out: there are more. */
size_t roster_check(const struct roster *r, enum shift_role role, int64_t from_us, int64_t until_us,
		    struct roster_fault *out, size_t most, bool *more_out);

/* A pattern: spans of each local day, that persons take in turn. */
enum { PATTERN_SPANS_MOST = 8, PATTERN_PERSONS_MOST = 64, PATTERN_WEEKS_MOST = 53 };
struct pattern_span {
	const char *name;          /* "day" */
	int32_t from_s, to_s;      /* of the local day; to_s <= from_s: until the day after */
};
enum turn { TURN_SHIFT, TURN_DAY, TURN_WEEK }; /* the next person has the next shift, day or week */
struct pattern {
	const struct calendar *calendar; /* whose zone it is */
	int32_t first_day;         /* days since 1970 */
	unsigned days;
	struct pattern_span spans[PATTERN_SPANS_MOST];
	size_t span_count, person_count;
	enum turn turn;
};
struct planned {
	size_t person;             /* index */
	const char *name;          /* of its span */
	int32_t day;
	int64_t from_us, until_us;
};
/* "08:00-20:00", "20:00-08:00". */
bool pattern_span_parse(str text, struct pattern_span *out);
/* The i-th shift; false: there are no more. A local time that does not exist begins when the gap
 * ends, so that no shift is lost and none overlaps its neighbour. */
bool pattern_at(const struct pattern *p, size_t i, struct planned *out);

#endif
