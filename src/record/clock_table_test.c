/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks over time zones, summer time both ways, holidays, restarts and clocks that jump: a table whose
 * every line was reasoned by hand. What a line says happens to one record, in this order; `due` and
 * `told` are what must be true at its end. The same lines run through a store where the clock can be
 * moved (clock_jumps below). */
#include "record/record_world.h"

#include "record/clocks.h"

/* States: 0 new, 1 waiting, 2 done. Two steps behind the first: an hour, then a day after it was due. */
enum { NEW, WAITING, DONE };
static const struct escalation ladder[] = { { HOUR_US, "duty" }, { DAY_US, "lead" } };
#define RULE(us, office, field)                                                                   \
	{ .name = "c", .start_in = 1 << NEW, .pause_in = 1 << WAITING, .stop_in = 1 << DONE,      \
	  .due_us = (us), .business = (office), .start_at = (field), .tell = "duty",              \
	  .ladder = ladder, .ladder_count = COUNT_OF(ladder) }
static const struct clock_rule h4 = RULE(4 * HOUR_US, false, NULL), d1 = RULE(DAY_US, false, NULL),
	b1 = RULE(HOUR_US, true, NULL), b2 = RULE(2 * HOUR_US, true, NULL), b8 = RULE(8 * HOUR_US, true, NULL),
	b5 = RULE(5 * HOUR_US, true, NULL), b6 = RULE(6 * HOUR_US, true, NULL),
	bd1 = RULE(DAY_US, true, NULL), bd1h2 = RULE(DAY_US + 2 * HOUR_US, true, NULL),
	bh36 = RULE(36 * HOUR_US, true, NULL), on_day = RULE(0, false, "by"), open_day = RULE(0, true, "by"),
	h12_ahead = RULE(-12 * HOUR_US, false, "by"), d7_ahead = RULE(-7 * DAY_US, false, "by"),
	b2_ahead = RULE(-2 * HOUR_US, true, "by"), bd1_ahead = RULE(-DAY_US, true, "by");

static const char office[] = "Mon-Fri 08:00-17:00", all_day[] = "Mon-Sun 00:00-24:00";
static const char every_day[] = "Mon-Sun 08:00-17:00", nights[] = "Mon-Fri 22:00-06:00";
static const char sundays[] = "Mon-Thu 10:00-17:00; Fri 10:00-15:00; Sun 10:00-17:00";
static const char evenings[] = "Mon 20:00-24:00; Tue-Fri 00:00-04:00, 20:00-24:00; Sat 00:00-04:00";
static const char christmas[] = "2026-12-25 a holiday\n", both_days[] = "2026-12-24 one\n2026-12-25 two\n";
static const char easter[] = "2027-03-26 Friday\n2027-03-29 Monday\n";

/* What happens: "new TIME", "wait TIME", "done TIME": it is moved there; "by VALUE": the field gets this
 * before the next move; "tick TIME": the node looks what is due; "restart". Times of one line need not
 * rise: then the wall clock jumps. 2026-11-20 is a Friday. */
static const struct line {
	const char *what, *zone, *hours, *holidays;
	const struct clock_rule *rule;
	const char *happens, *due;
	unsigned told;
} lines[] = {
	/* --- all hours count: summer time is nothing to them --- */
	{ "four hours", "Asia/Jakarta", office, "", &h4, "new 2026-11-20T02:00:00Z", "2026-11-20T06:00:00Z", 0 },
	{ "four hours over the spring change", "Europe/Berlin", office, "", &h4, "new 2027-03-27T23:00:00Z",
	  "2027-03-28T03:00:00Z", 0 },
	{ "a day over the autumn change has 24 hours", "Europe/Berlin", office, "", &d1,
	  "new 2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", 0 },
	{ "a day over one that Apia left out", "Pacific/Apia", office, "", &d1, "new 2011-12-30T09:00:00Z",
	  "2011-12-31T09:00:00Z", 0 },
	/* --- office hours, Europe: Sunday 2027-03-28 and 2026-10-25, 01:00Z --- */
	{ "an hour on Friday in winter, one on Monday in summer", "Europe/Berlin", office, "", &b2,
	  "new 2027-03-26T15:00:00Z", "2027-03-29T07:00:00Z", 0 },
	{ "a working day keeps the time of day in spring", "Europe/Berlin", office, "", &bd1,
	  "new 2027-03-26T09:00:00Z", "2027-03-29T08:00:00Z", 0 },
	{ "and in autumn", "Europe/Berlin", office, "", &bd1, "new 2026-10-23T08:00:00Z", "2026-10-26T09:00:00Z", 0 },
	{ "an hour on Friday in summer, one on Monday in winter", "Europe/Berlin", office, "", &b2,
	  "new 2026-10-23T14:00:00Z", "2026-10-26T08:00:00Z", 0 },
	{ "hours that begin in the gap begin at its end", "Europe/Berlin", "Sun 02:30-06:00", "", &b1,
	  "new 2027-03-28T00:00:00Z", "2027-03-28T02:00:00Z", 0 },
	{ "the hour that comes twice is two hours", "Europe/Berlin", "Sun 02:00-03:00", "", &b2,
	  "new 2026-10-24T22:00:00Z", "2026-10-25T02:00:00Z", 0 },
	{ "the same time a day later that does not exist", "Europe/Berlin", all_day, "", &bd1,
	  "new 2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", 0 },
	{ "the same time a day later that comes twice: the first", "Europe/Berlin", all_day, "", &bd1,
	  "new 2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", 0 },
	/* --- America: 2027-03-14 07:00Z and 2026-11-01 06:00Z --- */
	{ "New York in spring", "America/New_York", office, "", &b1, "new 2027-03-12T21:30:00Z",
	  "2027-03-15T12:30:00Z", 0 },
	{ "New York in autumn", "America/New_York", office, "", &bd1, "new 2026-10-30T18:00:00Z",
	  "2026-11-02T19:00:00Z", 0 },
	{ "half hours west: St John's", "America/St_Johns", office, "", &b2, "new 2026-11-20T19:30:00Z",
	  "2026-11-23T12:30:00Z", 0 },
	/* --- Lord Howe changes by half an hour: 2026-10-03 15:30Z and 2027-04-03 15:00Z --- */
	{ "Lord Howe in spring", "Australia/Lord_Howe", office, "", &b2, "new 2026-10-02T05:30:00Z",
	  "2026-10-04T22:00:00Z", 0 },
	{ "Lord Howe in autumn", "Australia/Lord_Howe", office, "", &b2, "new 2027-04-02T05:00:00Z",
	  "2027-04-04T22:30:00Z", 0 },
	{ "a working day there", "Australia/Lord_Howe", office, "", &bd1, "new 2026-10-01T23:30:00Z",
	  "2026-10-04T23:00:00Z", 0 },
	{ "the night of its spring has half an hour less", "Australia/Lord_Howe", "Sun 00:00-06:00", "", &b5,
	  "new 2026-10-03T13:30:00Z", "2026-10-03T18:30:00Z", 0 },
	{ "the night of its autumn half an hour more", "Australia/Lord_Howe", "Sun 00:00-06:00", "", &b6,
	  "new 2027-04-03T13:00:00Z", "2027-04-03T19:00:00Z", 0 },
	/* --- Apia had no 2011-12-30: -10:00 until that day's 10:00Z, then +14:00 --- */
	{ "Thursday's last hour, Saturday's first", "Pacific/Apia", every_day, "", &b2, "new 2011-12-30T02:00:00Z",
	  "2011-12-30T19:00:00Z", 0 },
	{ "a day that was not there is no working day", "Pacific/Apia", every_day, "", &bd1,
	  "new 2011-12-29T20:00:00Z", "2011-12-30T20:00:00Z", 0 },
	{ "nor is it one backwards", "Pacific/Apia", every_day, "", &bd1_ahead,
	  "by 2011-12-30T20:00:00Z|new 2011-12-01T00:00:00Z", "2011-12-29T20:00:00Z", 0 },
	/* --- quarters of an hour --- */
	{ "Kathmandu", "Asia/Kathmandu", office, "", &b2, "new 2026-11-20T10:15:00Z", "2026-11-23T03:15:00Z", 0 },
	{ "a working day and two hours there", "Asia/Kathmandu", office, "", &bd1h2, "new 2026-11-20T10:15:00Z",
	  "2026-11-24T03:15:00Z", 0 },
	{ "a week that has its Sunday", "Asia/Kathmandu", sundays, "", &b2, "new 2026-11-20T08:15:00Z",
	  "2026-11-22T05:15:00Z", 0 },
	{ "Chatham in autumn", "Pacific/Chatham", office, "", &b2, "new 2027-04-02T02:15:00Z",
	  "2027-04-04T20:15:00Z", 0 },
	/* --- over midnight --- */
	{ "open all day: hours are hours", "UTC", all_day, "", &bh36, "new 2026-11-20T02:00:00Z",
	  "2026-11-21T14:00:00Z", 0 },
	{ "evenings said in two parts", "Asia/Jakarta", evenings, "", &b2, "new 2026-11-20T16:00:00Z",
	  "2026-11-20T18:00:00Z", 0 },
	{ "the last of them, then Monday's", "Asia/Jakarta", evenings, "", &b2, "new 2026-11-20T20:00:00Z",
	  "2026-11-23T14:00:00Z", 0 },
	{ "nights said in one", "Asia/Jakarta", nights, "", &b8, "new 2026-11-20T16:00:00Z",
	  "2026-11-23T16:00:00Z", 0 },
	{ "a night that holds the spring change has an hour less", "Europe/Berlin", "Sat 22:00-06:00", "", &b8,
	  "new 2027-03-27T21:00:00Z", "2027-04-03T21:00:00Z", 0 },
	/* --- holidays --- */
	{ "over a holiday and the week-end", "Asia/Jakarta", office, christmas, &b2, "new 2026-12-24T09:00:00Z",
	  "2026-12-28T02:00:00Z", 0 },
	{ "from a holiday", "Asia/Jakarta", office, christmas, &b1, "new 2026-12-25T03:00:00Z",
	  "2026-12-28T02:00:00Z", 0 },
	{ "a working day over one", "Asia/Jakarta", office, christmas, &bd1, "new 2026-12-24T03:00:00Z",
	  "2026-12-28T03:00:00Z", 0 },
	{ "over two", "Asia/Jakarta", office, both_days, &b2, "new 2026-12-23T09:00:00Z", "2026-12-28T02:00:00Z", 0 },
	{ "Easter, and summer time in it", "Europe/Berlin", office, easter, &b2, "new 2027-03-25T15:00:00Z",
	  "2027-03-30T07:00:00Z", 0 },
	{ "a holiday ends the night at its midnight", "Asia/Jakarta", nights, christmas, &b8,
	  "new 2026-12-24T16:00:00Z", "2026-12-28T16:00:00Z", 0 },
	{ "all hours count on a holiday too", "Asia/Jakarta", office, christmas, &h4, "new 2026-12-25T03:00:00Z",
	  "2026-12-25T07:00:00Z", 0 },
	/* --- warnings ahead of a date --- */
	{ "twelve hours ahead", "Asia/Jakarta", office, "", &h12_ahead,
	  "by 2026-11-23T02:00:00Z|new 2026-11-20T02:00:00Z", "2026-11-22T14:00:00Z", 0 },
	{ "twelve hours ahead over the spring change", "Europe/Berlin", office, "", &h12_ahead,
	  "by 2027-03-28T06:00:00Z|new 2027-03-20T02:00:00Z", "2027-03-27T18:00:00Z", 0 },
	{ "a working day ahead of Monday is Friday", "Asia/Jakarta", office, "", &bd1_ahead,
	  "by 2026-11-23T03:00:00Z|new 2026-11-16T02:00:00Z", "2026-11-20T03:00:00Z", 0 },
	{ "two open hours ahead", "Asia/Jakarta", office, "", &b2_ahead,
	  "by 2026-11-23T02:00:00Z|new 2026-11-16T02:00:00Z", "2026-11-20T09:00:00Z", 0 },
	{ "a working day ahead over a holiday", "Asia/Jakarta", office, christmas, &bd1_ahead,
	  "by 2026-12-28T03:00:00Z|new 2026-12-01T02:00:00Z", "2026-12-24T03:00:00Z", 0 },
	{ "a working day ahead keeps the time of day", "Europe/Berlin", office, "", &bd1_ahead,
	  "by 2027-03-29T08:00:00Z|new 2027-03-01T02:00:00Z", "2027-03-26T09:00:00Z", 0 },
	{ "a day begins at the team's midnight", "America/New_York", office, "", &on_day,
	  "by 2026-11-23|new 2026-11-20T02:00:00Z", "2026-11-23T05:00:00Z", 0 },
	{ "also east of Greenwich", "Asia/Jakarta", office, "", &d7_ahead, "by 2026-11-23|new 2026-11-02T02:00:00Z",
	  "2026-11-15T17:00:00Z", 0 },
	{ "a Sunday is due when Monday opens", "Asia/Jakarta", office, "", &open_day,
	  "by 2026-11-22|new 2026-11-20T02:00:00Z", "2026-11-23T01:00:00Z", 0 },
	{ "a working day ahead of a Sunday: Thursday's end", "Asia/Jakarta", office, "", &bd1_ahead,
	  "by 2026-11-22|new 2026-11-02T02:00:00Z", "2026-11-19T10:00:00Z", 0 },
	{ "no date: nothing runs", "Asia/Jakarta", office, "", &on_day, "new 2026-11-20T02:00:00Z", "", 0 },
	{ "a date that is taken away", "Asia/Jakarta", office, "", &on_day,
	  "by 2026-11-23T02:00:00Z|new 2026-11-20T02:00:00Z|by |new 2026-11-20T03:00:00Z|tick 2026-11-24T02:00:00Z", "", 0 },
	{ "a date that is moved is told of again", "Asia/Jakarta", office, "", &on_day,
	  "by 2026-11-21T02:00:00Z|new 2026-11-20T02:00:00Z|tick 2026-11-21T02:30:00Z"
	  "|by 2026-11-24T02:00:00Z|new 2026-11-21T03:00:00Z|tick 2026-11-24T02:30:00Z", "2026-11-24T02:00:00Z", 2 },
	{ "a date does not wait", "Asia/Jakarta", office, "", &on_day,
	  "by 2026-11-23T02:00:00Z|new 2026-11-20T02:00:00Z|wait 2026-11-20T03:00:00Z|new 2026-11-25T02:00:00Z",
	  "2026-11-23T02:00:00Z", 0 },
	/* --- pauses --- */
	{ "what is left goes on", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T02:00:00Z|wait 2026-11-20T04:00:00Z|new 2026-11-25T00:00:00Z", "2026-11-25T02:00:00Z", 0 },
	{ "who paused late is as late afterwards", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T02:00:00Z|wait 2026-11-20T07:00:00Z|new 2026-11-20T10:00:00Z", "2026-11-20T09:00:00Z", 0 },
	{ "twice", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T00:00:00Z|wait 2026-11-20T01:00:00Z|new 2026-11-20T02:00:00Z|wait 2026-11-20T03:00:00Z"
	  "|new 2026-11-20T04:00:00Z", "2026-11-20T06:00:00Z", 0 },
	{ "open hours over the week-end", "Asia/Jakarta", office, "", &b2,
	  "new 2026-11-20T09:00:00Z|wait 2026-11-20T09:30:00Z|new 2026-11-25T09:00:00Z", "2026-11-26T01:30:00Z", 0 },
	{ "open hours over the spring change", "Europe/Berlin", office, "", &b2,
	  "new 2027-03-26T15:00:00Z|wait 2027-03-26T15:30:00Z|new 2027-03-29T08:00:00Z", "2027-03-29T09:30:00Z", 0 },
	{ "paused on a holiday", "Asia/Jakarta", office, christmas, &b2,
	  "new 2026-12-24T09:00:00Z|wait 2026-12-25T03:00:00Z|new 2026-12-28T01:00:00Z", "2026-12-28T02:00:00Z", 0 },
	{ "nothing is told while it waits", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T02:00:00Z|wait 2026-11-20T04:00:00Z|tick 2026-11-25T00:00:00Z", "", 0 },
	{ "nothing is told when it is done", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T02:00:00Z|done 2026-11-20T04:00:00Z|tick 2026-11-25T00:00:00Z", "2026-11-20T06:00:00Z", 0 },
	{ "opened again it begins anew", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T02:00:00Z|done 2026-11-20T03:00:00Z|new 2026-11-28T00:00:00Z", "2026-11-28T04:00:00Z", 0 },
	/* --- the ladder, restarts, jumps of a day --- */
	{ "three are told, in their time", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T02:00:00Z|tick 2026-11-20T06:30:00Z|tick 2026-11-20T07:30:00Z|tick 2026-11-21T06:30:00Z"
	  "|tick 2026-12-21T00:00:00Z", "2026-11-20T06:00:00Z", 3 },
	{ "a clock that jumps a day ahead tells all of them once", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T02:00:00Z|tick 2026-11-21T06:30:00Z|tick 2026-11-20T06:30:00Z|tick 2026-11-22T06:30:00Z",
	  "2026-11-20T06:00:00Z", 3 },
	{ "one that jumps a day back tells nobody twice", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T02:00:00Z|tick 2026-11-20T06:30:00Z|tick 2026-11-19T06:30:00Z|tick 2026-11-20T06:40:00Z",
	  "2026-11-20T06:00:00Z", 1 },
	{ "and goes on when it is right again", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T02:00:00Z|tick 2026-11-20T06:30:00Z|tick 2026-11-19T06:30:00Z|tick 2026-11-20T07:10:00Z",
	  "2026-11-20T06:00:00Z", 2 },
	{ "a change while the clock is a day back moves nothing", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T02:00:00Z|new 2026-11-19T03:00:00Z|tick 2026-11-20T06:30:00Z", "2026-11-20T06:00:00Z", 1 },
	{ "a pause while it is a day back leaves what there was", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T02:00:00Z|wait 2026-11-19T03:00:00Z|new 2026-11-20T03:00:00Z", "2026-11-20T07:00:00Z", 0 },
	{ "what a clock a day ahead began is due a day late", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-21T02:00:00Z|tick 2026-11-20T08:00:00Z|tick 2026-11-21T06:30:00Z", "2026-11-21T06:00:00Z", 1 },
	{ "a node that was off tells it at its start", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T02:00:00Z|restart|tick 2026-11-20T06:30:00Z", "2026-11-20T06:00:00Z", 1 },
	{ "what was told is not told again after a restart", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T02:00:00Z|tick 2026-11-20T06:30:00Z|restart|tick 2026-11-20T06:40:00Z",
	  "2026-11-20T06:00:00Z", 1 },
	{ "a restart a day back, with a ladder begun", "Asia/Jakarta", office, "", &h4,
	  "new 2026-11-20T02:00:00Z|tick 2026-11-20T06:30:00Z|restart|tick 2026-11-19T06:40:00Z|restart"
	  "|tick 2026-11-20T07:10:00Z", "2026-11-20T06:00:00Z", 2 },
	{ "a pause lasts over a restart", "Asia/Jakarta", office, "", &b2,
	  "new 2026-11-20T09:00:00Z|wait 2026-11-20T09:30:00Z|restart|new 2026-11-25T09:00:00Z",
	  "2026-11-26T01:30:00Z", 0 },
	{ "steps behind open hours keep to them", "Asia/Jakarta", office, "", &b1,
	  "new 2026-11-20T08:30:00Z|tick 2026-11-20T10:30:00Z|tick 2026-11-23T01:20:00Z|tick 2026-11-23T01:40:00Z",
	  "2026-11-20T09:30:00Z", 2 },
};

static int64_t at(str text)
{
	int64_t us = TIME_NONE;
	CHECK_MSG(time_parse(text, false, &us), "'" STR_FMT "'", STR_ARG(text));
	return us;
}

static int state_of(str act)
{
	static const char *const names[] = { "new", "wait", "done" };
	for (int i = 0; i < (int)COUNT_OF(names); i++)
		if (str_eq(act, str_of(names[i])))
			return i;
	return -1;
}

static struct calendar *calendar_of(const struct line *l)
{
	struct calendar *c = NULL;
	CHECK_RC(calendar_new(str_of(l->zone), str_of(l->hours), str_of(l->holidays), &c, &err), RC_OK, err);
	return c;
}

/* Through a store the times of moves are those of the machine: a little late. */
static void judge(const struct line *l, int64_t due_us, unsigned told, int64_t off_us)
{
	char got[40];
	str text = due_us == TIME_NONE ? STR("") : time_str(got, due_us);
	int64_t want = *l->due ? at(str_of(l->due)) : TIME_NONE;
	bool near = due_us == want ||
		    (due_us != TIME_NONE && want != TIME_NONE && llabs(due_us - want) < off_us);
	CHECK_MSG(near, "%s: due " STR_FMT ", want %s", l->what, STR_ARG(text), l->due);
	CHECK_MSG(told == l->told, "%s: told %u, want %u", l->what, told, l->told);
}

/* --- by the arithmetic alone --- */

static unsigned steps_due(const struct line *l, const struct calendar *c, struct clock_state *s, int64_t now_us)
{
	unsigned n = 0;
	for (int64_t next; (next = clock_next(l->rule, c, s)) != TIME_NONE && next <= now_us; n++)
		s->step++;
	return n;
}

TEST(arithmetic)
{
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		const struct line *l = &lines[i];
		struct calendar *c = calendar_of(l);
		struct clock_state s = { .started_us = TIME_NONE, .due_us = TIME_NONE, .stopped_us = TIME_NONE };
		str rest = str_of(l->happens), by = STR("");
		unsigned told = 0;
		while (c && rest.n > 0) {
			str what = str_cut(&rest, '|'), act = str_cut(&what, ' ');
			int state = state_of(act);
			if (state >= 0)
				s = clock_follow(l->rule, c, s, (unsigned)state, clock_from(c, by), at(what));
			else if (str_eq(act, STR("by")))
				by = what;
			else if (str_eq(act, STR("tick")))
				told += steps_due(l, c, &s, at(what));
		}
		judge(l, s.due_us, told, 0);
		calendar_free(c);
	}
	CHECK_MSG(COUNT_OF(lines) >= 60, "only %zu lines", COUNT_OF(lines));
}

/* --- and as records of a store, with the wall clock moved --- */

struct desk {
	struct world w;
	struct calendar *calendar;
	const struct line *line;
	struct uuid id;
	unsigned version;
	str by;
};

static enum rc follow(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		      const struct record *now, struct err *e)
{
	const struct desk *d = ctx;
	(void)r;
	(void)before;
	return clocks_follow(tx, d->calendar, now, e);
}

static void put_duration(struct buf *b, int64_t us)
{
	buf_fmt(b, "%sP%lldDT%lldM", us < 0 ? "-" : "", (long long)(llabs(us) / DAY_US),
		(long long)(llabs(us) % DAY_US / MINUTE_US));
}

/* A type whose one clock is the line's. */
static str type_text(const struct line *l, struct arena *a)
{
	struct buf b = BUF_INIT(KIB(8));
	str happens = str_of(l->happens), first = str_cut(&happens, '|');
	bool day = str_starts(first, STR("by ")) && first.n == 13;
	buf_fmt(&b, "{\"type\":\"errand\",\"version\":1,\"label\":{\"en\":\"E\"},\"plural\":{\"en\":\"E\"},"
		"\"title\":\"title\",\"fields\":{\"title\":{\"kind\":\"text\",\"required\":[\"*\"],"
		"\"label\":{\"en\":\"T\"}},\"by\":{\"kind\":\"%s\",\"label\":{\"en\":\"B\"}}},\"states\":{"
		"\"new\":{\"label\":{\"en\":\"N\"},\"to\":{\"waiting\":{\"roles\":[\"duty\"]},"
		"\"done\":{\"roles\":[\"duty\"]}}},\"waiting\":{\"label\":{\"en\":\"W\"},\"to\":{"
		"\"new\":{\"roles\":[\"duty\"]},\"done\":{\"roles\":[\"duty\"]}}},\"done\":{\"label\":{"
		"\"en\":\"D\"},\"closed\":true,\"to\":{\"new\":{\"roles\":[\"duty\"]}}}},\"clocks\":{\"c\":{"
		"\"label\":{\"en\":\"C\"},\"start\":[\"new\"],\"pause\":[\"waiting\"],\"stop\":[\"done\"],"
		"%s\"business\":%s,\"tell\":\"duty\",\"escalate\":[{\"after\":\"PT1H\",\"to\":\"duty\"},"
		"{\"after\":\"P1D\",\"to\":\"lead\"}],\"due\":\"", day ? "date" : "time",
		l->rule->start_at ? "\"start_at\":\"by\"," : "", l->rule->business ? "true" : "false");
	put_duration(&b, l->rule->due_us);
	buf_fmt(&b, "\"}},\"rights\":{\"read\":{\"duty\":\"all\"}},\"list\":{\"columns\":[\"title\"]}}");
	str text = arena_str(a, buf_str(&b));
	buf_free(&b);
	return text;
}

static void use_line(struct desk *d)
{
	struct types *base = NULL, *t = NULL;
	CHECK_RC(types_load(NULL, world_roles, &base, &err), RC_OK, err);
	CHECK_RC(types_with(base, type_text(d->line, d->w.a), "types/errand.json", &t, &err), RC_OK, err);
	types_free(base);
	snapshot_drop(d->w.types, d->w.held);
	snapshot_swap(d->w.types, t);
	d->w.held = snapshot_hold(d->w.types);
	d->w.t = t ? types_find(t, STR("errand")) : NULL;
}

static void desk_open(struct desk *d)
{
	CHECK_MSG(world_open(&d->w, d->w.d.path), "%s", err.text);
	use_line(d);
	records_add_hook(d->w.r, &(struct record_hook){ .changed = follow, .ctx = d });
}

static void set_clock(int64_t us)
{
	CHECK(clock_move(us - clock_now_us()));
}

static void put(struct desk *d, int state)
{
	struct record out;
	bool is_new = uuid_is_zero(&d->id);
	str by = d->by.n ? arena_fmt(d->w.a, "\"" STR_FMT "\"", STR_ARG(d->by)) : STR("null");
	struct record_change c = { .type = d->w.t, .id = d->id, .actor = STR("account:1"),
				   .to_state = is_new ? -1 : state,
				   .fields = arena_fmt(d->w.a, "{\"title\":\"t%u\",\"by\":" STR_FMT "}",
						       d->version++, STR_ARG(by)) };
	CHECK_RC(world_put(&d->w, &c, &out), RC_OK, err);
	d->id = out.id;
}

static unsigned ticks(struct desk *d)
{
	size_t did = 1;
	unsigned all = 0;
	while (did > 0) {
		CHECK_RC(clocks_tick(d->w.s, snapshot_table(d->w.held), d->calendar, NULL, 1, 100, &did, &err),
			 RC_OK, err);
		all += (unsigned)did;
	}
	return all;
}

static int64_t due_of(struct desk *d)
{
	struct reader *r;
	struct record_clock *list;
	size_t n = 0;
	CHECK_RC(store_read_begin(d->w.s, &r, &err), RC_OK, err);
	CHECK_RC(clocks_of(reader_conn(r), d->id, d->w.a, &list, &n, &err), RC_OK, err);
	store_read_end(r);
	return n == 1 ? list[0].state.due_us : TIME_NONE;
}

static void run_line(struct desk *d)
{
	str rest = str_of(d->line->happens);
	unsigned told = 0;
	while (rest.n > 0) {
		str what = str_cut(&rest, '|'), act = str_cut(&what, ' ');
		int state = state_of(act);
		if (state >= 0 || str_eq(act, STR("tick")))
			set_clock(at(what));
		if (state >= 0)
			put(d, state);
		else if (str_eq(act, STR("by")))
			d->by = what;
		else if (str_eq(act, STR("tick")))
			told += ticks(d);
		if (str_eq(act, STR("restart"))) {
			world_close(&d->w);
			desk_open(d);
		}
	}
	judge(d->line, due_of(d), told, 20 * SECOND_US);
	put(d, DONE); /* so that the next line's ticks are its own */
}

TEST(clock_jumps)
{
	int64_t before = clock_now_us();
	struct desk d = { .w = { .d = test_dir_new() }, .line = &lines[0] };
	if (!clock_move(0)) {
		printf("# SKIP: this build cannot move the clock\n");
		test_dir_end(&d.w.d);
		return;
	}
	CHECK_RC(store_create(d.w.d.path, "Team B", "ID", &err), RC_OK, err);
	desk_open(&d);
	for (size_t i = 0; i < COUNT_OF(lines) && test_failures == 0; i++) {
		d.line = &lines[i];
		d.calendar = calendar_of(d.line);
		d.id = (struct uuid){ 0 };
		d.by = STR("");
		use_line(&d);
		run_line(&d);
		calendar_free(d.calendar);
	}
	set_clock(before);
	world_close(&d.w);
	test_dir_end(&d.w.d);
}

TEST_MAIN(TEST_RUN(arithmetic), TEST_RUN(clock_jumps))
