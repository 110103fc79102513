/* SPDX-License-Identifier: Apache-2.0 */
#include "node/demo_watch.h"

#include "duty/roster.h"

enum { DAYS = 14, MORNING_S = 8 * 3600, EVENING_S = 20 * 3600, WHOLE_DAY_S = 24 * 3600 };

static enum rc put(struct tx *tx, struct node *n, const struct type *type, str fields, struct arena *a,
		   struct record *out, struct err *err)
{
	struct record_change c = { .type = type, .fields = fields, .to_state = -1, .actor = STR("node"),
				   .why = STR("the demonstration") };
	return record_put(tx, n->records, &c, a, out, NULL, 0, NULL, err);
}

enum rc demo_person(struct tx *tx, struct node *n, str name, struct arena *a, struct uuid *out,
		    struct err *err)
{
	struct record r = { .version = 0 };
	struct snapshot_ref *ref = snapshot_hold(n->types);
	const struct types *t = snapshot_table(ref);
	const struct type *shift = types_meaning(t, STR("duty.person"));
	const struct meaning *who = shift ? type_meaning(shift, STR("duty.person")) : NULL;
	const struct type *person = who && who->field->refers_to ? types_find(t, str_of(who->field->refers_to)) : NULL;
	enum rc rc = person ? put(tx, n, person, arena_fmt(a, "{\"%s\":\"" STR_FMT "\"}", person->title->name,
							   STR_ARG(name)), a, &r, err) : RC_OK;
	*out = r.id;
	snapshot_drop(n->types, ref);
	return rc;
}

struct turn_of {
	const char *what;
	int person;
	enum shift_role role;
	int32_t from_s, to_s;
};

static enum rc put_shift(struct tx *tx, struct node *n, const struct type *type, const struct turn_of *w,
			 const struct uuid *person, int32_t day, struct arena *a, struct err *err)
{
	struct record r;
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	char date[16], from[40], until[40];
	const struct meaning *who = type_meaning(type, STR("duty.person"));
	str d = time_day_str(date, (int64_t)day * DAY_US);
	str f = time_str(from, calendar_at(n->calendar, day, w->from_s));
	str u = time_str(until, calendar_at(n->calendar, day + w->to_s / WHOLE_DAY_S, w->to_s % WHOLE_DAY_S));
	record_id_format(&id, str_of(who->field->refers_to), person);
	enum rc rc = put(tx, n, type,
			 arena_fmt(a, "{\"title\":\"" STR_FMT " %s\",\"person\":\"" STR_FMT "\",\"role\":\"%s\","
				   "\"from\":\"" STR_FMT "\",\"until\":\"" STR_FMT "\"}", STR_ARG(d), w->what,
				   STR_ARG(buf_str(&id)), shift_role_name(w->role), STR_ARG(f), STR_ARG(u)),
			 a, &r, err);
	buf_free(&id);
	return rc;
}

enum rc demo_roster(struct tx *tx, struct node *n, const struct uuid people[DEMO_WATCH_PEOPLE],
		    struct arena *a, struct err *err)
{
	static const struct turn_of turns[] = {
		{ "lead on call", 0, SHIFT_LEAD, 0, WHOLE_DAY_S },
		{ "day", 1, SHIFT_FIRST, MORNING_S, EVENING_S },
		{ "night", 2, SHIFT_FIRST, EVENING_S, WHOLE_DAY_S + MORNING_S },
	};
	struct snapshot_ref *ref = snapshot_hold(n->types);
	const struct type *type = types_meaning(snapshot_table(ref), STR("duty.person"));
	int32_t today = calendar_day(n->calendar, clock_now_us()) - 1;
	enum rc rc = RC_OK;
	for (int32_t day = 0; type && rc == RC_OK && day < DAYS; day++)
		for (size_t i = 0; rc == RC_OK && i < COUNT_OF(turns); i++)
			rc = put_shift(tx, n, type, &turns[i], &people[turns[i].person], today + day, a, err);
	snapshot_drop(n->types, ref);
	return rc;
}
