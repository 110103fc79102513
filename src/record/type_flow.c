/* SPDX-License-Identifier: Apache-2.0 */
/* "states" and "clocks" of a type file: how a record moves, and what is due. */
#include "record/type_private.h"

static enum rc move_of(struct reading *r, const struct node *n, unsigned from, struct move *m)
{
	static const char *const members[] = { "roles", "why", "label" };
	const struct type *t = r->t;
	int to = type_state(t, n->key);
	if (to < 0)
		return type_refuse(r, n, "there is no state '" STR_FMT "'%s", STR_ARG(n->key),
				   type_nearest(r->a, n->key, t->states, t->state_count, sizeof(*t->states)));
	if ((unsigned)to == from)
		return type_refuse(r, n, "state '" STR_FMT "' moves to itself", STR_ARG(n->key));
	enum rc rc = type_only(r, n, "a move", members, COUNT_OF(members));
	if (rc == RC_OK)
		rc = type_flag(r, n, "why", &m->asks_why);
	if (rc == RC_OK)
		rc = type_label(r, n, "label", false, TYPE_LABEL_CHARS, &m->label);
	if (rc != RC_OK)
		return rc;
	if (!m->label->language)
		m->label = NULL;
	m->to = (unsigned)to;
	const struct node *roles = tree_get(n, "roles");
	if (!roles || roles->kind != JSON_NEST || roles->object || roles->count == 0)
		return type_refuse(r, roles ? roles : n, "a move needs 'roles', a list of who may");
	for (const struct node *role = roles->first; role && rc == RC_OK; role = role->next)
		rc = type_role_of(r, role, role->text, &m->roles);
	return rc;
}

static enum rc state_of(struct reading *r, const struct node *n, struct state *s, unsigned at)
{
	static const char *const members[] = { "label", "closed", "to" };
	enum rc rc = type_only(r, n, "a state", members, COUNT_OF(members));
	if (rc == RC_OK)
		rc = type_label(r, n, "label", true, TYPE_LABEL_CHARS, &s->label);
	if (rc == RC_OK)
		rc = type_flag(r, n, "closed", &s->closed);
	const struct node *to = tree_get(n, "to");
	if (rc != RC_OK || !to)
		return rc;
	if (to->kind != JSON_NEST || !to->object)
		return type_refuse(r, to, "'to' must be an object: the states it may move to");
	struct move *moves = ARENA_ARRAY(r->a, to->count, struct move);
	s->moves = moves;
	for (const struct node *m = to->first; m && rc == RC_OK; m = m->next)
		rc = move_of(r, m, at, &moves[s->move_count++]);
	return rc;
}

enum rc type_states(struct reading *r, const struct node *n)
{
	enum rc rc = RC_OK;
	unsigned at = 0;
	if (n->kind != JSON_NEST || !n->object || n->count == 0)
		return type_refuse(r, n, "'states' must name at least one");
	if (n->count > TYPE_STATES_MAX)
		return type_refuse(r, n, "more than %d states", TYPE_STATES_MAX);
	struct state *list = ARENA_ARRAY(r->a, n->count, struct state);
	for (const struct node *m = n->first; m; m = m->next) {
		if (!type_is_name(m->key, '-'))
			return type_refuse(r, m, "'" STR_FMT "' is no name for a state", STR_ARG(m->key));
		list[r->t->state_count++].name = type_z(r, m->key);
	}
	r->t->states = list;
	for (const struct node *m = n->first; m && rc == RC_OK; m = m->next, at++)
		rc = state_of(r, m, &list[at], at);
	return rc;
}

/* --- clocks --- */

static const struct {
	const char *name, *role;
} watches[] = {
	[WATCH_NONE] = { "", "" },
	[WATCH_NOW] = { "on-duty", "duty" },
	[WATCH_NEXT] = { "next-on-duty", "duty" },
	[WATCH_LEAD] = { "lead-on-duty", "lead" },
};

enum watch watch_parse(str name)
{
	enum watch found = WATCH_NONE;
	for (size_t w = WATCH_NOW; w < COUNT_OF(watches); w++)
		if (str_eq(name, str_of(watches[w].name)))
			found = (enum watch)w;
	return found;
}

const char *watch_name(enum watch w)
{
	return watches[w].name;
}

const char *watch_role(enum watch w)
{
	return watches[w].role;
}

/* A role, or who has the watch. */
static enum rc role_named(struct reading *r, const struct node *n, const char **out)
{
	uint32_t bit = 0;
	bool watch = n->kind == JSON_STRING && watch_parse(n->text) != WATCH_NONE;
	enum rc rc = watch ? RC_OK : type_role_of(r, n, n->kind == JSON_STRING ? n->text : STR(""), &bit);
	*out = rc == RC_OK ? type_z(r, n->text) : NULL;
	return rc;
}

/* [{"after": "PT1H", "to": "duty"}, ...] */
static enum rc ladder_of(struct reading *r, const struct node *n, struct clock_rule *c)
{
	static const char *const members[] = { "after", "to" };
	enum rc rc = RC_OK;
	if (n->kind != JSON_NEST || n->object || n->count > TYPE_ESCALATIONS_MAX)
		return type_refuse(r, n, "'escalate' must be a list of at most %d steps", TYPE_ESCALATIONS_MAX);
	struct escalation *list = ARENA_ARRAY(r->a, n->count, struct escalation);
	c->ladder = list;
	for (const struct node *m = n->first; m && rc == RC_OK; m = m->next) {
		struct escalation *e = &list[c->ladder_count];
		const struct node *after = tree_get(m, "after"), *to = tree_get(m, "to");
		if ((rc = type_only(r, m, "a step of 'escalate'", members, COUNT_OF(members))) != RC_OK)
			return rc;
		if (!after || !to)
			return type_refuse(r, m, "a step of 'escalate' needs 'after' and 'to'");
		if ((rc = type_duration(r, after, &e->after_us)) == RC_OK)
			rc = role_named(r, to, &e->to);
		if (rc == RC_OK && (e->after_us <= 0 || (c->ladder_count && e->after_us <= e[-1].after_us)))
			return type_refuse(r, after, "steps of 'escalate' must rise from above nothing");
		c->ladder_count++;
	}
	return rc;
}

static enum rc clock_of(struct reading *r, const struct node *n, struct clock_rule *c)
{
	static const char *const members[] = { "label", "start", "stop", "pause", "start_at", "due",
					       "business", "call_notes", "tell", "escalate" };
	const struct node *start = tree_get(n, "start"), *stop = tree_get(n, "stop"),
			  *pause = tree_get(n, "pause"), *at = tree_get(n, "start_at"),
			  *due = tree_get(n, "due"), *tell = tree_get(n, "tell"),
			  *escalate = tree_get(n, "escalate");
	enum rc rc = type_only(r, n, "a clock", members, COUNT_OF(members));
	if (rc == RC_OK)
		rc = type_label(r, n, "label", true, TYPE_LABEL_CHARS, &c->label);
	if (rc == RC_OK)
		rc = type_flag(r, n, "business", &c->business);
	if (rc == RC_OK)
		rc = type_flag(r, n, "call_notes", &c->call_notes);
	if (rc == RC_OK && start)
		rc = type_states_of(r, start, &c->start_in);
	if (rc == RC_OK && stop)
		rc = type_states_of(r, stop, &c->stop_in);
	if (rc == RC_OK && pause)
		rc = type_states_of(r, pause, &c->pause_in);
	if (rc != RC_OK)
		return rc;
	if (at && at->kind != JSON_STRING)
		return type_refuse(r, at, "'start_at' must name a field");
	c->start_at = at ? type_z(r, at->text) : NULL;
	if (!due)
		return type_refuse(r, n, "clock '%s' needs 'due'", c->name);
	if ((rc = type_duration(r, due, &c->due_us)) != RC_OK ||
	    (tell && (rc = role_named(r, tell, &c->tell)) != RC_OK) || !escalate)
		return rc;
	return ladder_of(r, escalate, c);
}

enum rc type_clocks(struct reading *r, const struct node *n)
{
	enum rc rc = RC_OK;
	if (n->kind != JSON_NEST || !n->object)
		return type_refuse(r, n, "'clocks' must be an object");
	if (n->count > TYPE_CLOCKS_MAX)
		return type_refuse(r, n, "more than %d clocks", TYPE_CLOCKS_MAX);
	struct clock_rule *list = ARENA_ARRAY(r->a, n->count, struct clock_rule);
	r->t->clocks = list;
	for (const struct node *m = n->first; m && rc == RC_OK; m = m->next) {
		if (!type_is_name(m->key, '-'))
			return type_refuse(r, m, "'" STR_FMT "' is no name for a clock", STR_ARG(m->key));
		struct clock_rule *c = &list[r->t->clock_count++];
		c->name = type_z(r, m->key);
		rc = clock_of(r, m, c);
	}
	return rc;
}
