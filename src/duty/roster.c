/* SPDX-License-Identifier: Apache-2.0 */
#include "duty/roster.h"

static const char *const role_names[SHIFT_ROLES] = { "first", "second", "lead-on-call" };

const char *shift_role_name(enum shift_role r)
{
	return role_names[r];
}

bool shift_role_parse(str text, enum shift_role *out)
{
	for (size_t i = 0; i < SHIFT_ROLES; i++) {
		if (str_eq(text, str_of(role_names[i]))) {
			*out = (enum shift_role)i;
			return true;
		}
	}
	return false;
}

/* --- reading --- */

static bool take_row(struct sql *q, struct shift *out)
{
	str id = sql_col_blob(q, 0), person = sql_col_blob(q, 2);
	int64_t role = sql_col_int(q, 3);
	if (id.n != sizeof out->id.b || person.n != sizeof out->person.b || role < 0 || role >= SHIFT_ROLES)
		return false;
	*out = (struct shift){ .number = (uint64_t)sql_col_int(q, 1), .role = (enum shift_role)role,
			       .from_us = sql_col_int(q, 4), .until_us = sql_col_int(q, 5),
			       .taken = sql_col_int(q, 6) != 0 };
	memcpy(out->id.b, id.p, id.n);
	memcpy(out->person.b, person.p, person.n);
	return true;
}

enum rc roster_load(struct conn *c, int64_t from_us, int64_t until_us, struct arena *a,
		    struct roster *out, struct err *err)
{
	size_t count = 0, room = 64;
	struct shift *list = x_array(room, sizeof *list);
	struct sql *q = sql(c, "SELECT record, number, person, role, from_us, until_us, taken FROM duty_shift"
			       " WHERE until_us > ? AND from_us < ? ORDER BY from_us, role, number LIMIT ?");
	sql_int(q, 1, from_us);
	sql_int(q, 2, until_us);
	sql_int(q, 3, ROSTER_MOST + 1);
	while (sql_row(q) && count <= ROSTER_MOST) {
		if (count == room)
			list = x_grow(list, room *= 2, sizeof *list);
		count += take_row(q, &list[count]);
	}
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && count > ROSTER_MOST)
		rc = fail(err, RC_LIMIT, "more than %d shifts at once", ROSTER_MOST);
	*out = (struct roster){ .count = rc == RC_OK ? count : 0 };
	struct shift *kept = ARENA_ARRAY(a, out->count + 1, struct shift);
	if (out->count > 0)
		memcpy(kept, list, out->count * sizeof *list);
	out->shifts = kept;
	free(list);
	return rc;
}

/* --- who --- */

size_t roster_on(const struct roster *r, int64_t at_us, const struct shift **out, size_t most)
{
	size_t n = 0;
	for (int role = SHIFT_FIRST; role < SHIFT_ROLES; role++) {
		for (size_t i = 0; i < r->count && n < most; i++) {
			const struct shift *s = &r->shifts[i];
			if ((int)s->role == role && s->from_us <= at_us && at_us < s->until_us)
				out[n++] = s;
		}
	}
	return n;
}

const struct shift *roster_following(const struct roster *r, enum shift_role role, int64_t at_us)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->shifts[i].role == role && r->shifts[i].from_us > at_us)
			return &r->shifts[i];
	return NULL;
}

static bool has_person(const struct shift *const *list, size_t n, const struct shift *s)
{
	for (size_t i = 0; i < n; i++)
		if (uuid_equal(&list[i]->person, &s->person))
			return true;
	return false;
}

/* Persons of one role among those who are on. */
static size_t of_role(const struct shift *const *on, size_t count, enum shift_role role,
		      const struct shift **out, size_t most)
{
	size_t n = 0;
	for (size_t i = 0; i < count && n < most; i++)
		if (on[i]->role == role && !has_person(out, n, on[i]))
			out[n++] = on[i];
	return n;
}

static size_t find_now(const struct shift *const *on, size_t count, const struct shift **out, size_t most)
{
	size_t n = 0;
	for (int role = SHIFT_FIRST; role < SHIFT_ROLES && n == 0; role++)
		n = of_role(on, count, (enum shift_role)role, out, most);
	return n;
}

static size_t find_next(const struct roster *r, const struct shift *const *on, size_t count, int64_t at_us,
			const struct shift **out, size_t most)
{
	const struct shift *now[ROSTER_ON_MOST], *second[ROSTER_ON_MOST];
	size_t told = find_now(on, count, now, ROSTER_ON_MOST), n = 0;
	size_t seconds = of_role(on, count, SHIFT_SECOND, second, ROSTER_ON_MOST);
	for (size_t i = 0; i < seconds && n < most; i++)
		if (!has_person(now, told, second[i]))
			out[n++] = second[i];
	for (size_t i = 0; i < r->count && n == 0 && most > 0; i++) {
		const struct shift *s = &r->shifts[i];
		if (s->role == SHIFT_FIRST && s->from_us > at_us && s->from_us < at_us + ROSTER_AHEAD &&
		    !has_person(now, told, s))
			out[n++] = s;
	}
	return n;
}

size_t roster_find(const struct roster *r, enum watch who, int64_t at_us, const struct shift **out,
		   size_t most)
{
	const struct shift *on[ROSTER_ON_MOST];
	size_t count = roster_on(r, at_us, on, ROSTER_ON_MOST);
	switch (who) {
	case WATCH_NONE:
		return 0;
	case WATCH_NOW:
		return find_now(on, count, out, most);
	case WATCH_NEXT:
		return find_next(r, on, count, at_us, out, most);
	case WATCH_LEAD:
		return of_role(on, count, SHIFT_LEAD, out, most);
	}
	return 0;
}

/* --- what is wrong --- */

struct faults {
	struct roster_fault *list;
	size_t count, most;
	bool more;
};

static void add_fault(struct faults *f, const struct roster_fault *one)
{
	if (one->from_us >= one->until_us)
		return;
	if (f->count == f->most)
		f->more = true;
	else
		f->list[f->count++] = *one;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

size_t roster_check(const struct roster *r, enum shift_role role, int64_t from_us, int64_t until_us,
		    struct roster_fault *out, size_t most, bool *more_out)
{
	struct faults f = { .list = out, .most = most };
	const struct shift *last = NULL; /* of those that began, the one that ends last */
	int64_t covered = from_us;
	for (size_t i = 0; i < r->count; i++) {
		const struct shift *s = &r->shifts[i];
		if (s->role != role || s->until_us <= from_us || s->from_us >= until_us)
			continue;
		add_fault(&f, &(struct roster_fault){ .role = role, .from_us = covered, .until_us = s->from_us });
		if (last && last->until_us > s->from_us) {
			int64_t begin = s->from_us > from_us ? s->from_us : from_us;
			add_fault(&f, &(struct roster_fault){
					      .overlap = true, .role = role, .from_us = begin,
					      .until_us = least(least(last->until_us, s->until_us), until_us),
					      .first = last->number, .second = s->number });
		}
		if (!last || s->until_us > last->until_us)
			last = s;
		covered = last->until_us > covered ? last->until_us : covered;
	}
	add_fault(&f, &(struct roster_fault){ .role = role, .from_us = covered, .until_us = until_us });
	*more_out = f.more;
	return f.count;
}

/* --- patterns --- */

enum { DAY_S = 86400, WEEK_DAYS = 7 };

static bool parse_hour(str text, int32_t *out)
{
	str rest = text, hour = str_cut(&rest, ':');
	uint32_t h, m;
	if (hour.n != 2 || rest.n != 2 || !str_to_u32(hour, &h) || !str_to_u32(rest, &m) || m > 59 ||
	    h > 24 || (h == 24 && m > 0))
		return false;
	*out = (int32_t)(h * 3600 + m * 60);
	return true;
}

bool pattern_span_parse(str text, struct pattern_span *out)
{
	str to = text, from = str_cut(&to, '-');
	return parse_hour(str_trim(from), &out->from_s) && parse_hour(str_trim(to), &out->to_s) &&
	       out->from_s < DAY_S;
}

static int64_t moment(const struct pattern *p, int32_t day, int32_t second)
{
	return calendar_at(p->calendar, day + second / DAY_S, second % DAY_S);
}

bool pattern_at(const struct pattern *p, size_t i, struct planned *out)
{
	if (p->span_count == 0 || p->person_count == 0 || i / p->span_count >= p->days)
		return false;
	size_t day = i / p->span_count, turn = p->turn == TURN_SHIFT ? i : p->turn == TURN_DAY ? day : day / WEEK_DAYS;
	const struct pattern_span *s = &p->spans[i % p->span_count];
	/* By week each span has a person of its own, else one would have day and night. */
	if (p->turn == TURN_WEEK)
		turn = turn + i % p->span_count;
	*out = (struct planned){ .name = s->name, .day = p->first_day + (int32_t)day };
	out->person = turn % p->person_count;
	out->from_us = moment(p, out->day, s->from_s);
	out->until_us = moment(p, out->day, s->to_s > s->from_s ? s->to_s : s->to_s + DAY_S);
	return true;
}
