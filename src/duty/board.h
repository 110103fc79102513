/* SPDX-License-Identifier: Apache-2.0 */
/* board.h: what the one on duty has to look at, as he may see it.
 *
 * Who is on and who is next, and what waits: of records that are due (any type with clocks), of types
 * that mean "duty.triage" (a state in which somebody must look at it first), "duty.work" (being
 * worked) and "duty.waits" (for somebody's answer), of notices, messages and feeds. Everything is
 * counted through the readers that show it, at most BOARD_MOST of a kind. */
#ifndef RONDA_DUTY_BOARD_H
#define RONDA_DUTY_BOARD_H

#include "disclosure/read_records.h"
#include "duty/roster.h"

enum { BOARD_MOST = 1000, BOARD_SHOWN = 20 };
#define BOARD_SOON (4 * HOUR_US)

struct board_item {
	const char *kind;          /* "overdue", "soon", "open", "triage", "waiting", "sign", "round", "notice", "message" */
	str id;                    /* "incident--…"; of a message its number */
	str name;                  /* "incident-42" */
	str title;                 /* "" when it may not be seen */
	str state;
	int64_t due_us, at_us;     /* TIME_NONE: none */
	str person;                /* assignee, "person--…"; "" nobody */
};
struct board_part {
	const char *kind;
	uint64_t count;
	bool more;                 /* at least so many */
	struct board_item *items; size_t item_count; /* the first BOARD_SHOWN */
};
enum board_kind { BOARD_OVERDUE, BOARD_DUE_SOON, BOARD_UNASSIGNED, BOARD_TRIAGE, BOARD_WAITING, BOARD_TO_SIGN,
		  BOARD_ROUNDS, BOARD_NOTICES, BOARD_UNCERTAIN, BOARD_FAILED, BOARD_FEEDS, BOARD_KINDS };
struct board {
	struct roster roster;      /* from a day back to ROSTER_AHEAD */
	const struct shift *on[ROSTER_ON_MOST]; size_t on_count;
	const struct shift *next[SHIFT_ROLES]; /* of each role; NULL: none planned */
	int64_t covered_until_us;  /* first on duty without a gap until then; TIME_NONE: nobody now */
	struct board_part parts[BOARD_KINDS];
};
MUST_CHECK enum rc board_read(struct reader *r, const struct types *t, const struct roles *roles,
			      const struct viewer *v, int64_t now_us, struct arena *a,
			      struct board *out, struct err *err);
const char *board_kind_name(enum board_kind k); /* "overdue" */

#endif
