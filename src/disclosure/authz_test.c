/* SPDX-License-Identifier: Apache-2.0 */
/* authz against a second statement of it, made of sets: what a type grants is written out as the
 * set of all (action, role, state, reach) and of all (role, from, to); the answer is whether what
 * the actor is and the object is meet in it, outside the sets of what nobody may. */
#include "disclosure/authz.h"

#include "base/test.h"

enum { ROLES = 6, STATES = 5, GRANTS = 24, MOVES = 6, ITEMS = 100000 };

/* A generator that gives the same numbers on every machine. */
static uint64_t random_state = 88172645463325252u;
static unsigned below(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % n;
}

struct made_type {
	struct type type;
	struct state states[STATES];
	struct move moves[STATES][MOVES];
	struct grant grants[GRANTS];
};

static void make_type(struct made_type *m)
{
	*m = (struct made_type){ 0 };
	m->type = (struct type){ .name = "thing", .states = m->states, .grants = m->grants,
				 .state_count = 1 + below(STATES), .grant_count = below(GRANTS + 1) };
	for (size_t s = 0; s < m->type.state_count; s++) {
		m->states[s] = (struct state){ .name = "s", .moves = m->moves[s],
					       .move_count = below(MOVES) };
		if (m->states[s].move_count > m->type.state_count)
			m->states[s].move_count = m->type.state_count;
		for (unsigned i = 0; i < m->states[s].move_count; i++) /* a state is named once */
			m->moves[s][i] = (struct move){ .to = i, .roles = below(1 << ROLES) };
	}
	for (size_t i = 0; i < m->type.grant_count; i++)
		m->grants[i] = (struct grant){ .action = (enum action)below(ACTIONS),
					       .roles = below(1 << ROLES),
					       .states = below(3) ? below(1 << STATES) : UINT64_MAX,
					       .reach = (enum reach)below(4) };
}

/* --- the sets --- */
struct sets {
	bool granted[ACTIONS][ROLES][STATES][4];
	bool everywhere[ACTIONS][ROLES]; /* by one grant, in every state, of anybody's */
	bool movable[ROLES][STATES][STATES];
};

static void write_out(const struct made_type *m, struct sets *s)
{
	*s = (struct sets){ 0 };
	for (size_t i = 0; i < m->type.grant_count; i++)
		for (int role = 0; role < ROLES; role++) {
			const struct grant *g = &m->grants[i];
			size_t in = 0;

			if (!(g->roles & 1u << role))
				continue;
			for (size_t state = 0; state < m->type.state_count; state++)
				if (g->states & UINT64_C(1) << state) {
					s->granted[g->action][role][state][g->reach] = true;
					in++;
				}
			if (in == m->type.state_count && g->reach == REACH_ALL)
				s->everywhere[g->action][role] = true;
		}
	for (size_t from = 0; from < m->type.state_count; from++)
		for (size_t to = 0; to < m->type.state_count; to++) {
			const struct move *first = NULL;

			for (size_t i = 0; i < m->states[from].move_count && !first; i++)
				if (m->moves[from][i].to == to)
					first = &m->moves[from][i];
			for (int role = 0; first && role < ROLES; role++)
				s->movable[role][from][to] = first->roles & 1u << role;
		}
}

static const struct uuid organisations[] = { { { 0 } }, { { 1 } }, { { 0, 2 } } };

/* Is the object within this reach of the actor? `who`, `whose`: of organisations. */
static bool within(int reach, int who, int whose, const struct object *o)
{
	const bool reached[4] = { false, o->names_actor, who == whose, who == 0 || who == whose };
	return reached[reach];
}

static bool expected(const struct sets *s, const struct viewer *v, int who, int whose,
		     enum action action, const struct object *o)
{
	static const enum action on_copies[] = { ACTION_READ, ACTION_LINK, ACTION_EXPORT, ACTION_HOLD };
	bool any_role = false, mover = action != ACTION_MOVE, on_copy = false;

	for (size_t i = 0; i < COUNT_OF(on_copies); i++)
		on_copy |= on_copies[i] == action;
	if (v->reads_no_case && action != ACTION_CREATE && action != ACTION_IMPORT)
		return false;
	if (v->reads_only && action != ACTION_READ && action != ACTION_EXPORT &&
	    action != ACTION_OPEN_SEALED)
		return false;
	if ((!o->ours && !on_copy) || (o->held && action == ACTION_ERASE))
		return false;
	for (int role = 0; role < ROLES; role++) {
		if (!(v->roles & 1u << role))
			continue;
		if (o->state == -1)
			any_role |= action == ACTION_READ && s->everywhere[action][role] &&
				    within(REACH_ALL, who, whose, o);
		for (int reach = 0; o->state >= 0 && reach < 4; reach++)
			any_role |= s->granted[action][role][o->state][reach] &&
				    within(reach, who, whose, o);
		if (action == ACTION_MOVE && o->state >= 0 && o->to_state >= 0 && o->to_state < STATES)
			mover |= s->movable[role][o->state][o->to_state];
	}
	return any_role && mover;
}

TEST(random_items)
{
	struct made_type m;
	struct sets s;
	uint64_t allowed[ACTIONS] = { 0 }, wrong = 0;

	for (unsigned n = 0; n < ITEMS; n++) {
		if (n % 50 == 0) {
			make_type(&m);
			write_out(&m, &s);
		}
		int who = (int)below(3), whose = (int)below(3);
		struct viewer v = { .roles = below(1 << ROLES), .organisation = organisations[who],
				    .reads_no_case = below(8) == 0, .reads_only = below(8) == 0 };
		struct object o = { .type = &m.type, .state = (int)below((unsigned)m.type.state_count + 1) - 1,
				    .organisation = organisations[whose], .names_actor = below(2),
				    .ours = below(4) != 0, .held = below(4) == 0,
				    .to_state = (int)below((unsigned)m.type.state_count + 2) - 1 };
		enum action action = (enum action)below(ACTIONS);
		struct answer got = authz(&v, action, &o);
		bool want = expected(&s, &v, who, whose, action, &o);

		CHECK_MSG(got.yes == want, "item %u: %s, state %d to %d, roles %x: %d (%s), want %d", n,
			  action_name(action), o.state, o.to_state, (unsigned)v.roles, got.yes, got.rule,
			  want);
		CHECK(got.rule && got.rule[0]);
		wrong += got.yes != want;
		allowed[action] += got.yes;
		if (got.yes && o.ours && !o.held) /* a favourable object exists: this one */
			CHECK(o.state < 0 || authz_ever(&v, action, &m.type));
		if (!authz_ever(&v, action, &m.type))
			CHECK(!got.yes || o.state < 0);
	}
	printf("# %d random questions, %d answered otherwise\n", ITEMS, (int)wrong);
	for (int a = 0; a < ACTIONS; a++)
		CHECK_MSG(allowed[a] > 20, "%s was allowed %d times", action_name((enum action)a),
			  (int)allowed[a]);
}

/* What no random item is: missing, and outside the enums. */
TEST(nothing_and_nonsense)
{
	static const struct grant all[] = {
		{ ACTION_READ, UINT32_MAX, UINT64_MAX, REACH_ALL },
		{ ACTION_EDIT, UINT32_MAX, UINT64_MAX, (enum reach)77 },
	};
	static const struct state states[64] = { { .name = "a" } };
	struct type t = { .name = "thing", .states = states, .state_count = 1, .grants = all,
			  .grant_count = COUNT_OF(all) };
	const struct viewer v = { .roles = 1 };
	struct object o = { .type = &t, .ours = true }, unknown = { .ours = true };

	CHECK(authz(&v, ACTION_READ, &o).yes);
	CHECK(!authz(&v, ACTION_EDIT, &o).yes); /* a reach that there is not */
	CHECK(!authz(NULL, ACTION_READ, &o).yes);
	CHECK(!authz(&v, ACTION_READ, NULL).yes);
	CHECK(!authz(&v, ACTION_READ, &unknown).yes);
	CHECK(!authz(&v, ACTIONS, &o).yes);
	CHECK(!authz(&v, (enum action)-1, &o).yes);
	CHECK(!authz_ever(NULL, ACTION_READ, &t));
	CHECK(!authz_ever(&v, ACTION_READ, NULL));
	CHECK(!authz_ever(&v, ACTION_CREATE, &t));
	o.state = 1;
	CHECK(!authz(&v, ACTION_READ, &o).yes); /* behind the last */
	o.state = -1;
	CHECK(authz(&v, ACTION_READ, &o).yes);
	CHECK(!authz(&v, ACTION_EXPORT, &o).yes);
	t.state_count = 64;
	CHECK(authz(&v, ACTION_READ, &o).yes);
	o.state = 63;
	CHECK(authz(&v, ACTION_READ, &o).yes);
}

/* Each refusal says why. */
TEST(the_rule_is_told)
{
	static const struct grant grants[] = { { ACTION_EDIT, 1, 2, REACH_OWN } };
	static const struct move moves[] = { { .to = 1, .roles = 2 } };
	static const struct state states[] = { { .name = "a", .moves = moves, .move_count = 1 },
					       { .name = "b" } };
	const struct type t = { .name = "thing", .states = states, .state_count = 2,
				.grants = grants, .grant_count = 1 };
	static const struct { struct viewer v; enum action action; struct object o; const char *rule; }
	cases[] = {
		{ { .roles = 2 }, ACTION_EDIT, { .state = 1, .ours = true },
		  "no role of the actor is granted it" },
		{ { .roles = 1 }, ACTION_EDIT, { .state = 0, .ours = true }, "not granted in this state" },
		{ { .roles = 1, .organisation = { { 9 } } }, ACTION_EDIT, { .state = 1, .ours = true },
		  "granted only for what names the actor or is of the actor's organisation" },
		{ { .roles = 1 }, ACTION_EDIT, { .state = 1 }, "it belongs to another node" },
		{ { .roles = 1 }, ACTION_ERASE, { .ours = true, .held = true }, "it is under hold" },
		{ { .roles = 1 }, ACTION_MOVE, { .ours = true, .to_state = 1 },
		  "no role of the actor may make this move" },
		{ { .roles = 1 }, ACTION_MOVE, { .ours = true, .to_state = 0 },
		  "there is no such move from this state" },
		{ { .roles = 1, .reads_no_case = true }, ACTION_READ, { .ours = true },
		  "the actor runs the node and reads no case" },
		{ { .roles = 1, .reads_only = true }, ACTION_EDIT, { .state = 1, .ours = true },
		  "this token only reads" },
		{ { .roles = 1 }, ACTION_EDIT, { .state = 1, .ours = true }, NULL },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct object o = cases[i].o;
		o.type = &t;
		struct answer a = authz(&cases[i].v, cases[i].action, &o);

		CHECK_MSG(a.yes == !cases[i].rule, "row %zu", i);
		if (cases[i].rule)
			CHECK_STR(str_of(a.rule), str_of(cases[i].rule));
	}
}

TEST_MAIN(TEST_RUN(random_items), TEST_RUN(nothing_and_nonsense), TEST_RUN(the_rule_is_told))
