/* SPDX-License-Identifier: Apache-2.0 */
/* clocks.h: what is due, and who is told when it is not done.
 *
 * A type's clocks (type.h) run while a record is in the states they name. Their
 * state is a row, written in the same job as the record's version; so it
 * survives restarts, and a wall clock that jumps back fires nothing twice: each
 * step of the ladder (due, then each escalation) is taken once. What a step
 * tells is a message of the driver "notice" (outbox.h) and, of who has the watch, pages beside it; to
 * take note of it, or to move the record on, stops the ladder. */
#ifndef RONDA_RECORD_CLOCKS_H
#define RONDA_RECORD_CLOCKS_H

#include "record/calendar.h"
#include "record/outbox.h"
#include "record/record.h"

struct clock_state {
	int64_t started_us;  /* TIME_NONE: not running */
	int64_t due_us;      /* TIME_NONE while paused */
	int64_t left_us;     /* PAUSED: how much is left; may be negative */
	int64_t stopped_us;  /* TIME_NONE: not yet */
	unsigned step;       /* steps of the ladder taken */
	bool paused;
};
/* Pure. What becomes of a clock when its record is in `state` at `now_us`; `from_us` is
 * the rule's start_at field (TIME_NONE: no such field, or empty). */
struct clock_state clock_follow(const struct clock_rule *rule, const struct calendar *c,
				struct clock_state before, unsigned state, int64_t from_us,
				int64_t now_us);
/* What a TIME or DATE says, for start_at: a day begins at the team's midnight. TIME_NONE: nothing. */
int64_t clock_from(const struct calendar *c, str value);
/* When the next step is to be taken; TIME_NONE: never. */
int64_t clock_next(const struct clock_rule *rule, const struct calendar *c,
		   const struct clock_state *s);

/* Inside the job that wrote `now`: `calendar` is the node's. Sets now->due_us's row too. When a clock
 * stops or its date is moved, notices of it that nobody has taken note of are withdrawn. */
MUST_CHECK enum rc clocks_follow(struct tx *tx, const struct calendar *c, const struct record *now,
				 struct err *err);
/* Who has the watch, as a floor above knows it: each told by a message of its own. */
struct clock_told {
	const char *driver;        /* "notice"; "webhook", "sms", "chat" page him */
	str recipient;             /* "person--…" */
	const char *template;      /* "clock.due", "duty.page" */
	int64_t after_us;          /* not before so long from now */
};
struct clock_watch {
	/* Nobody: *count_out 0. */
	enum rc (*find)(struct tx *tx, void *ctx, enum watch who, struct arena *a,
			struct clock_told **out, size_t *count_out, struct err *err);
	void *ctx;
};
/* Takes every step that is due, at most `most`; *did_out: how many. `policy`: its number. `watch`: NULL:
 * there is no roster, the roles behind are told. */
MUST_CHECK enum rc clocks_tick(struct store *s, const struct types *t, const struct calendar *c,
			       const struct clock_watch *watch, uint64_t policy, size_t most,
			       size_t *did_out, struct err *err);
/* Someone has taken note: the ladder of this clock stops, what still pages somebody of it is withdrawn;
 * the clock runs on. Journalled. */
MUST_CHECK enum rc clock_noted(struct tx *tx, struct journal *j, struct uuid record, str rule, str by,
			       str words, struct err *err);

struct record_clock {
	str rule;
	struct clock_state state;
	int64_t next_us;
	str noted_by;
};
MUST_CHECK enum rc clocks_of(struct conn *c, struct uuid record, struct arena *a,
			     struct record_clock **out, size_t *count_out, struct err *err);

#endif
