/* SPDX-License-Identifier: Apache-2.0 */
/* What a type must be as a whole: every state can be reached, every block opened,
 * every clock starts and its title is a text. */
#include "record/type_private.h"

static const struct node *member(const struct reading *r, const char *section, const char *name)
{
	return tree_get(tree_get(r->root, section), name);
}

static enum rc states_reached(struct reading *r)
{
	const struct type *t = r->t;
	uint64_t reached = 1, before = 0;
	while (reached != before) {
		before = reached;
		for (size_t s = 0; s < t->state_count; s++)
			for (size_t m = 0; (before >> s & 1) && m < t->states[s].move_count; m++)
				reached |= UINT64_C(1) << t->states[s].moves[m].to;
	}
	for (size_t s = 0; s < t->state_count; s++)
		if (!(reached >> s & 1))
			return type_refuse(r, member(r, "states", t->states[s].name),
					   "no move leads to state '%s'", t->states[s].name);
	return RC_OK;
}

static int block_index(const struct type *t, const char *name)
{
	for (size_t i = 0; i < t->block_count; i++)
		if (str_eq(str_of(t->blocks[i].name), str_of(name)))
			return (int)i;
	return -1;
}

static enum rc block_known(struct reading *r, const struct node *at, const char *name)
{
	const struct type *t = r->t;
	if (block_index(t, name) >= 0)
		return RC_OK;
	return type_refuse(r, at, "there is no block '%s'%s", name,
			   type_nearest(r->a, str_of(name), t->blocks, t->block_count, sizeof(*t->blocks)));
}

static enum rc block_names(struct reading *r)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < r->t->field_count; i++) {
		const struct type_field *f = &r->t->fields[i];
		const struct node *n = member(r, "fields", f->name);
		if (f->block && (rc = block_known(r, tree_get(n, "block"), f->block)) != RC_OK)
			return rc;
		for (size_t c = 0; c < f->choice_count; c++)
			if (f->choices[c].opens &&
			    (rc = block_known(r, tree_get(tree_get(n, "choices"), f->choices[c].name),
					      f->choices[c].opens)) != RC_OK)
				return rc;
	}
	return rc;
}

/* Opens what a field outside of all blocks opens, then what fields in those open: what
 * is left is opened by nothing, or only from within. */
static enum rc blocks_open(struct reading *r)
{
	const struct type *t = r->t;
	uint64_t open = 0, before = 1, named = 0;
	while (open != before) {
		before = open;
		for (size_t i = 0; i < t->field_count; i++) {
			const struct type_field *f = &t->fields[i];
			bool shown = !f->block || (before >> block_index(t, f->block) & 1);
			for (size_t c = 0; c < f->choice_count; c++) {
				if (!f->choices[c].opens)
					continue;
				uint64_t bit = UINT64_C(1) << block_index(t, f->choices[c].opens);
				named |= bit;
				if (shown)
					open |= bit;
			}
		}
	}
	for (size_t b = 0; b < t->block_count; b++)
		if (!(open >> b & 1))
			return type_refuse(r, member(r, "blocks", t->blocks[b].name),
					   named >> b & 1 ? "block '%s' is opened only by fields inside it (a cycle)" :
							    "no choice opens block '%s'", t->blocks[b].name);
	return RC_OK;
}

static enum rc title(struct reading *r)
{
	const struct type *t = r->t;
	const struct type_field *f = t->title;
	const struct node *at = tree_get(r->root, "title");
	if (f->kind != KIND_TEXT || f->list)
		return type_refuse(r, at, "the title must be a text, field '%s' is none", f->name);
	if (f->block || f->share >= SHARE_NAMED)
		return type_refuse(r, at, "the title must always be there: field '%s' %s", f->name,
				   f->block ? "stands in a block" : "is for named persons only");
	if (f->required_in != (UINT64_C(1) << t->state_count) - 1)
		return type_refuse(r, at, "the title must be required: [\"*\"]");
	return RC_OK;
}

static enum rc persons(struct reading *r)
{
	const struct type_field *o = r->t->organisation, *p = r->t->assignee;
	if (o && (o->kind != KIND_REFERENCE || o->list || !o->refers_to || o->block))
		return type_refuse(r, tree_get(r->root, "organisation"),
				   "'organisation' must be one reference with 'to', outside of blocks");
	if (p && (p->kind != KIND_PERSON || p->list))
		return type_refuse(r, tree_get(r->root, "assignee"), "'assignee' must be one person");
	return RC_OK;
}

static enum rc clock_field(struct reading *r, const struct clock_rule *c)
{
	const struct type *t = r->t;
	const struct node *at = tree_get(member(r, "clocks", c->name), "start_at");
	const struct type_field *f = type_find_field(t, str_of(c->start_at));
	if (!f)
		return type_refuse(r, at, "there is no field '%s'%s", c->start_at,
				   type_nearest(r->a, str_of(c->start_at), t->fields, t->field_count,
						sizeof(*t->fields)));
	if ((f->kind != KIND_TIME && f->kind != KIND_DATE) || f->list || f->share == SHARE_SEALED)
		return type_refuse(r, at, "a clock counts from one date or time, field '%s' is none", f->name);
	return RC_OK;
}

static enum rc clocks(struct reading *r)
{
	struct type *t = r->t;
	uint64_t closed = 0, all = (UINT64_C(1) << t->state_count) - 1;
	enum rc rc = RC_OK;
	for (size_t s = 0; s < t->state_count; s++)
		closed |= (uint64_t)t->states[s].closed << s;
	for (size_t i = 0; i < t->clock_count; i++) {
		/* the list is ours, in the arena: only the outside sees it as const */
		struct clock_rule *c = (struct clock_rule *)(uintptr_t)&t->clocks[i];
		const struct node *at = member(r, "clocks", c->name);
		if (c->start_at && (rc = clock_field(r, c)) != RC_OK)
			return rc;
		if (!tree_get(at, "stop"))
			c->stop_in = closed & ~c->start_in;
		if (!tree_get(at, "start") && c->start_at)
			c->start_in = all & ~c->stop_in & ~c->pause_in;
		if (c->start_in == 0)
			return type_refuse(r, at, "clock '%s' starts nowhere: name states in 'start', or a field in "
					   "'start_at'", c->name);
		if (c->start_in & c->stop_in || c->start_in & c->pause_in || c->stop_in & c->pause_in)
			return type_refuse(r, at, "clock '%s' starts, stops or pauses in one and the same state",
					   c->name);
		if (!c->start_at && c->due_us <= 0)
			return type_refuse(r, tree_get(at, "due"), "'due' must be after the start");
	}
	return RC_OK;
}

static enum rc readable(struct reading *r)
{
	for (size_t i = 0; i < r->t->grant_count; i++)
		if (r->t->grants[i].action == ACTION_READ)
			return RC_OK;
	return type_refuse(r, tree_get(r->root, "rights"), "nobody may read it: 'rights' needs 'read'");
}

enum rc type_check(struct reading *r)
{
	enum rc rc = states_reached(r);
	if (rc == RC_OK)
		rc = block_names(r);
	if (rc == RC_OK)
		rc = blocks_open(r);
	if (rc == RC_OK)
		rc = title(r);
	if (rc == RC_OK)
		rc = persons(r);
	if (rc == RC_OK)
		rc = clocks(r);
	if (rc == RC_OK && r->t->retention_us < 0)
		rc = type_refuse(r, tree_get(r->root, "retention"), "'retention' cannot be negative");
	return rc == RC_OK ? readable(r) : rc;
}
