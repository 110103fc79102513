/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of clocks.h: pure, so that a table can test it. */
#include "record/clocks.h"

static int64_t add(const struct clock_rule *rule, const struct calendar *c, int64_t from_us,
		   int64_t us)
{
	return rule->business ? calendar_add(c, from_us, us) : from_us + us;
}

static int64_t left_between(const struct clock_rule *rule, const struct calendar *c, int64_t now_us,
			    int64_t due_us)
{
	if (!rule->business)
		return due_us - now_us;
	return due_us >= now_us ? calendar_between(c, now_us, due_us)
				: -calendar_between(c, due_us, now_us);
}

static int64_t due_after_pause(const struct clock_rule *rule, const struct calendar *c,
			       int64_t now_us, int64_t left_us)
{
	return rule->business ? calendar_add_open(c, now_us, left_us) : now_us + left_us;
}

enum { DATE_CHARS = 10 }; /* "2026-11-22" */

int64_t clock_from(const struct calendar *c, str value)
{
	int64_t us;
	if (value.n == 0 || !time_parse(value, true, &us))
		return TIME_NONE;
	return value.n == DATE_CHARS ? calendar_at(c, time_day(us), 0) : us;
}

/* A wall clock that jumps back leaves no more than the clock ever had. */
static int64_t left_of(const struct clock_rule *rule, const struct calendar *c,
		       const struct clock_state *s, int64_t now_us)
{
	if (s->due_us == TIME_NONE)
		return 0;
	int64_t left = left_between(rule, c, now_us, s->due_us);
	int64_t most = left_between(rule, c, s->started_us, s->due_us);
	return now_us < s->started_us && most >= 0 && left > most ? most : left;
}

static const struct clock_state idle = { .started_us = TIME_NONE, .due_us = TIME_NONE,
					 .stopped_us = TIME_NONE };

static struct clock_state start(const struct clock_rule *rule, const struct calendar *c,
				int64_t from_us, int64_t now_us)
{
	struct clock_state s = idle;
	if (rule->start_at && from_us == TIME_NONE)
		return s;
	s.started_us = now_us;
	s.due_us = add(rule, c, rule->start_at ? from_us : now_us, rule->due_us);
	return s;
}

struct clock_state clock_follow(const struct clock_rule *rule, const struct calendar *c,
				struct clock_state s, unsigned state, int64_t from_us, int64_t now_us)
{
	bool starts = rule->start_in >> state & 1, pauses = rule->pause_in >> state & 1;
	bool running = s.started_us != TIME_NONE && s.stopped_us == TIME_NONE;

	if (rule->stop_in >> state & 1) {
		if (running)
			s.stopped_us = now_us;
		s.paused = false;
		return s;
	}
	if (!running)
		return starts ? start(rule, c, from_us, now_us) : s;
	if (rule->start_at) {
		/* The date it counts from may be changed, or taken away. */
		if (from_us == TIME_NONE)
			return idle;
		int64_t due_us = add(rule, c, from_us, rule->due_us);
		if (!s.paused && due_us != s.due_us)
			s = (struct clock_state){ .started_us = s.started_us, .due_us = due_us,
						  .stopped_us = TIME_NONE };
	}
	if (pauses && !s.paused) {
		s.left_us = left_of(rule, c, &s, now_us);
		s.due_us = TIME_NONE;
		s.paused = true;
	} else if (!pauses && s.paused) {
		s.due_us = rule->start_at ? add(rule, c, from_us, rule->due_us)
					  : due_after_pause(rule, c, now_us, s.left_us);
		s.left_us = 0;
		s.paused = false;
	}
	return s;
}

int64_t clock_next(const struct clock_rule *rule, const struct calendar *c,
		   const struct clock_state *s)
{
	if (s->started_us == TIME_NONE || s->stopped_us != TIME_NONE || s->paused ||
	    s->due_us == TIME_NONE || s->step > rule->ladder_count)
		return TIME_NONE;
	return s->step == 0 ? s->due_us : add(rule, c, s->due_us, rule->ladder[s->step - 1].after_us);
}
