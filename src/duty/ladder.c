/* SPDX-License-Identifier: Apache-2.0 */
#include "duty/ladder.h"

const char *ladder_rung_name(enum ladder_rung r)
{
	static const char *const names[RUNGS] = { "desk", "manager", "regulator" };
	return names[r];
}

enum rc ladder_sends_parse(str text, int *out, struct err *err)
{
	*out = -1;
	for (int i = 0; i < RUNGS; i++)
		if (str_eq(text, str_of(ladder_rung_name((enum ladder_rung)i))))
			*out = i;
	return *out >= 0 || str_eq(text, STR("none")) ? RC_OK :
		       fail(err, RC_INPUT, "ladder_sends: '" STR_FMT "' is none of none, desk, manager, regulator",
			    STR_ARG(text));
}

/* In the order they are asked within a step. */
static const struct {
	str role;
	enum ladder_rung rung;
} ranks[] = {
	{ STR_INIT("abuse"), RUNG_DESK },      { STR_INIT("security"), RUNG_DESK },
	{ STR_INIT("point24"), RUNG_DESK },    { STR_INIT("operations"), RUNG_DESK },
	{ STR_INIT("management"), RUNG_MANAGER }, { STR_INIT("legal"), RUNG_MANAGER },
};

static size_t rank_of(str role)
{
	size_t i = 0;
	while (i < COUNT_OF(ranks) && !str_eq(role, ranks[i].role))
		i++;
	return i;
}

enum ladder_rung ladder_rung_of(str role, bool above)
{
	size_t rank = rank_of(role);
	return above ? RUNG_REGULATOR : rank < COUNT_OF(ranks) ? ranks[rank].rung : RUNG_DESK;
}

static bool reachable(const struct ladder_contact *c)
{
	return c->email.n > 0 || c->phone.n > 0 || c->webhook.n > 0 || str_eq(c->channel, STR("portal")) ||
	       str_eq(c->channel, STR("letter"));
}

static bool comes_first(const struct ladder_contact *x, const struct ladder_contact *y)
{
	size_t a = rank_of(x->role), b = rank_of(y->role);
	int64_t i = x->order ? x->order : INT64_MAX, j = y->order ? y->order : INT64_MAX;
	return a != b ? a < b : i < j;
}

/* The press is not asked to act. */
static bool is_for(const struct ladder_contact *c, enum ladder_rung rung)
{
	return reachable(c) && !str_eq(c->role, STR("press")) && ladder_rung_of(c->role, c->above) == rung;
}

static const struct ladder_contact *contact_of(const struct ladder_ask *ask, enum ladder_rung rung)
{
	const struct ladder_contact *best = NULL;
	for (size_t i = 0; i < ask->contact_count; i++) {
		const struct ladder_contact *c = &ask->contacts[i];
		if (is_for(c, rung) && (!best || comes_first(c, best)))
			best = c;
	}
	return best;
}

struct reached {
	int64_t asked_us[RUNGS];   /* one of us, to take that step; TIME_NONE */
	bool said[RUNGS];          /* that he has not was said */
	int rung;                  /* the highest asked; -1: nobody */
	int64_t last_us;           /* of what was asked or answered */
	bool answered;             /* that was an answer */
};

static struct reached how_far(const struct ladder_ask *ask, struct ladder_next *n)
{
	struct reached r = { .rung = -1, .last_us = ask->since_us,
			     .asked_us = { TIME_NONE, TIME_NONE, TIME_NONE } };
	for (size_t i = 0; i < ask->event_count; i++) {
		const struct ladder_event *e = &ask->events[i];
		bool above = !str_eq(e->organisation, ask->organisation);
		enum ladder_rung rung = ladder_rung_of(e->role, above);
		if (e->what == LADDER_ASKED) {
			r.said[rung] = r.said[rung] || r.asked_us[rung] != TIME_NONE;
			r.asked_us[rung] = e->at_us > r.asked_us[rung] ? e->at_us : r.asked_us[rung];
			continue;
		}
		if (e->what != LADDER_ANSWERED) {
			r.rung = (int)rung > r.rung ? (int)rung : r.rung;
			n->asked_us[rung] = e->at_us > n->asked_us[rung] ? e->at_us : n->asked_us[rung];
		}
		if (e->at_us >= r.last_us) {
			r.answered = e->what == LADDER_ANSWERED;
			r.last_us = e->at_us;
		}
	}
	return r;
}

static const char *reason(const struct reached *r, enum ladder_rung rung)
{
	static const char *const silent[RUNGS] = {
		"nobody has been told yet",
		"the desk has not answered",
		"neither the desk nor the manager has answered",
	};
	if (r->rung >= 0 && r->answered)
		return "they answered, and it still waits";
	if (r->rung < 0 && rung != RUNG_DESK)
		return "nobody has been told yet, and there is no contact below";
	return silent[rung];
}

struct ladder_next ladder_find(const struct ladder_ask *ask)
{
	struct ladder_next n = { .due_us = TIME_NONE, .asked_us = { TIME_NONE, TIME_NONE, TIME_NONE } };
	struct reached r = how_far(ask, &n);
	int next = r.rung + 1;
	for (int i = 0; i < RUNGS; i++)
		n.rungs[i] = contact_of(ask, (enum ladder_rung)i);
	while (next < RUNGS && !n.rungs[next])
		next++;
	if (next == RUNGS) {
		n.finished = true;
		n.why = r.rung == RUNG_REGULATOR ? "the regulator has been told" :
			r.rung < 0 ? "there is no contact that can be reached" : "there is nobody above";
		return n;
	}
	n.rung = (enum ladder_rung)next;
	n.due_us = r.rung < 0 ? ask->since_us : calendar_add(ask->calendar, r.last_us, ask->pause_us);
	n.why = reason(&r, n.rung);
	n.by_person = r.asked_us[next] != TIME_NONE;
	if (n.by_person)
		n.due_us = r.said[next] ? TIME_NONE :
					  calendar_add(ask->calendar, r.asked_us[next], ask->pause_us);
	return n;
}
