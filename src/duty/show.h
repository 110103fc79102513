/* SPDX-License-Identifier: Apache-2.0 */
/* show.h: the roster for people and for their calendars. */
#ifndef RONDA_DUTY_SHOW_H
#define RONDA_DUTY_SHOW_H

#include "disclosure/read_records.h"
#include "duty/board.h"
#include "duty/ladder.h"
#include "duty/roster.h"

/* The name of a person as the viewer may see it; else his id. */
str duty_person_name(struct reader *r, const struct types *t, const struct viewer *v,
		     const struct uuid *person, struct arena *a);
/* May he see who is on duty: a role of his reads shifts. RC_DENIED. */
MUST_CHECK enum rc duty_may_see(const struct types *t, const struct viewer *v, struct err *err);

/* {"id","shift","role","person","name","from","until","taken"} */
void duty_put_shift(struct json_out *j, struct reader *r, const struct types *t, const struct viewer *v,
		    const struct shift *s, struct arena *a);
/* Members of a board into the object that is open: "on", "next", "covered_until", "parts". */
void duty_put_board(struct json_out *j, struct reader *r, const struct types *t, const struct viewer *v,
		    const struct board *b, struct arena *a);
/* Members of a ladder into the object that is open: "item", "waits", "steps", "next", "history". */
void duty_put_ladder(struct json_out *j, const struct ladder *l);

/* Shifts of [from, until) as iCalendar (RFC 5545): lines end with CR LF and are folded at 75 octets
 * (section 3.1), times are UTC (3.3.5 form 2). `name` of the node is part of the UID (3.8.4.7). */
MUST_CHECK enum rc duty_calendar(struct reader *r, const struct types *t, const struct viewer *v,
				 str node, int64_t from_us, int64_t until_us, struct arena *a,
				 struct buf *out, struct err *err);
/* One content line, folded; `value` is text (3.3.11) and is escaped when `escape`. */
void ical_line(struct buf *out, const char *name, str value, bool escape);

#endif
