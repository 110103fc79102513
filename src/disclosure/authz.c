/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/authz.h"

/* Of an item that belongs to another node we hold a copy: these are ours to do. */
static const uint32_t with_copies = 1u << ACTION_READ | 1u << ACTION_LINK | 1u << ACTION_EXPORT |
				    1u << ACTION_HOLD;
/* What changes nothing. */
static const uint32_t reading = 1u << ACTION_READ | 1u << ACTION_EXPORT | 1u << ACTION_OPEN_SEALED;
/* What one may do without seeing a record that is there. */
static const uint32_t unseen = 1u << ACTION_CREATE | 1u << ACTION_IMPORT;

#define NO(words) ((struct answer){ false, (words) })

static uint64_t states_of(const struct type *t)
{
	return t->state_count >= 64 ? UINT64_MAX : (UINT64_C(1) << t->state_count) - 1;
}

static bool holds_in(const struct grant *g, const struct object *o)
{
	if (o->state < 0) /* what state that is only its origin knows */
		return g->reach == REACH_ALL && (g->states & states_of(o->type)) == states_of(o->type);
	return g->states >> o->state & 1;
}

static bool reaches(enum reach reach, const struct viewer *actor, const struct object *o)
{
	switch (reach) {
	case REACH_NONE:
		return false;
	case REACH_NAMED:
		return o->names_actor;
	case REACH_OWN:
		return uuid_equal(&actor->organisation, &o->organisation);
	case REACH_ALL:
		return uuid_is_zero(&actor->organisation) ||
		       uuid_equal(&actor->organisation, &o->organisation);
	}
	return false;
}

/* One sentence for each way to have no grant, so that people know whom to ask. */
static struct answer find_grant(const struct viewer *actor, enum action action,
				const struct object *o)
{
	bool role = false, state = false;

	for (size_t i = 0; i < o->type->grant_count; i++) {
		const struct grant *g = &o->type->grants[i];

		if (g->action != action || !(g->roles & actor->roles))
			continue;
		role = true;
		if (!holds_in(g, o))
			continue;
		state = true;
		if (reaches(g->reach, actor, o))
			return (struct answer){ true, "a role of the actor is granted it" };
	}
	return !role ? NO("no role of the actor is granted it") :
	       !state ? NO("not granted in this state") :
			NO("granted only for what names the actor or is of the actor's organisation");
}

static struct answer check_move(const struct viewer *actor, const struct object *o)
{
	const struct move *m = (unsigned)o->to_state < o->type->state_count ?
		type_move(o->type, (unsigned)o->state, (unsigned)o->to_state) : NULL;

	if (!m)
		return NO("there is no such move from this state");
	if (!(m->roles & actor->roles))
		return NO("no role of the actor may make this move");
	return find_grant(actor, ACTION_MOVE, o);
}

struct answer authz(const struct viewer *actor, enum action action, const struct object *o)
{
	if (!actor || !o || !o->type || (unsigned)action >= ACTIONS)
		return NO("actor, action, object or its type is not known");
	if (o->state >= (int)o->type->state_count || (o->state < 0 && action != ACTION_READ))
		return NO("its state is not known here");
	if (actor->reads_no_case && !(unseen >> action & 1))
		return NO("the actor runs the node and reads no case");
	if (actor->reads_only && !(reading >> action & 1))
		return NO("this token only reads");
	if (!o->ours && !(with_copies >> action & 1))
		return NO("it belongs to another node");
	if (action == ACTION_ERASE && o->held)
		return NO("it is under hold");
	if (action == ACTION_MOVE)
		return check_move(actor, o);
	return find_grant(actor, action, o);
}

/* Asked of authz itself, with the most favourable object there can be. */
bool authz_ever(const struct viewer *actor, enum action action, const struct type *t)
{
	if (!actor || !t)
		return false;
	struct object o = { .type = t, .organisation = actor->organisation, .names_actor = true,
			    .ours = true };

	for (o.state = 0; o.state < (int)t->state_count; o.state++)
		for (o.to_state = 0; o.to_state < (int)t->state_count; o.to_state++)
			if (authz(actor, action, &o).yes)
				return true;
	return false;
}
