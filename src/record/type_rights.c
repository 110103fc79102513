/* SPDX-License-Identifier: Apache-2.0 */
/* "blocks", "rights", "list", "makes" and "means" of a type file: what names its fields and states. */
#include "record/type_private.h"

enum rc type_blocks(struct reading *r, const struct node *n)
{
	enum rc rc = RC_OK;
	if (n->kind != JSON_NEST || !n->object)
		return type_refuse(r, n, "'blocks' must be an object");
	if (n->count > TYPE_BLOCKS_MAX)
		return type_refuse(r, n, "more than %d blocks", TYPE_BLOCKS_MAX);
	struct block *list = ARENA_ARRAY(r->a, n->count, struct block);
	r->t->blocks = list;
	for (const struct node *m = n->first; m && rc == RC_OK; m = m->next) {
		if (!type_is_name(m->key, '-'))
			return type_refuse(r, m, "'" STR_FMT "' is no name for a block", STR_ARG(m->key));
		struct block *b = &list[r->t->block_count++];
		b->name = type_z(r, m->key);
		rc = type_words_of(r, m, "a block", TYPE_LABEL_CHARS, NULL, &b->label);
	}
	return rc;
}

static enum rc reach_of(struct reading *r, const struct node *n, enum reach *out)
{
	static const char *const names[] = { "named", "own", "all" };
	int at = n->kind == JSON_STRING ? type_index_in(n->text, names, COUNT_OF(names)) : -1;
	if (at < 0)
		return type_refuse(r, n, "how far a right reaches is \"all\", \"own\" or \"named\"");
	*out = (enum reach)(at + REACH_NAMED);
	return RC_OK;
}

/* "analyst": "all" or "constituent": {"reach": "own", "states": ["report"]} */
static enum rc grant_of(struct reading *r, const struct node *n, struct grant *g)
{
	static const char *const members[] = { "reach", "states" };
	enum rc rc = type_role_of(r, n, n->key, &g->roles);
	g->states = (UINT64_C(1) << r->t->state_count) - 1;
	if (rc != RC_OK)
		return rc;
	if (n->kind != JSON_NEST)
		return reach_of(r, n, &g->reach);
	if ((rc = type_only(r, n, "a right", members, COUNT_OF(members))) != RC_OK)
		return rc;
	const struct node *reach = tree_get(n, "reach"), *in = tree_get(n, "states");
	if (!reach)
		return type_refuse(r, n, "'reach' is missing");
	if ((rc = reach_of(r, reach, &g->reach)) == RC_OK && in)
		rc = type_states_of(r, in, &g->states);
	return rc;
}

enum rc type_rights(struct reading *r, const struct node *n)
{
	const char *names[ACTIONS];
	size_t most = 0;
	for (unsigned i = 0; i < ACTIONS; i++)
		names[i] = action_name((enum action)i);
	enum rc rc = type_only(r, n, "'rights'", names, ACTIONS);
	if (rc != RC_OK)
		return rc;
	for (const struct node *m = n->first; m; m = m->next)
		most += m->count;
	struct grant *list = ARENA_ARRAY(r->a, most, struct grant);
	size_t count = 0;
	for (const struct node *m = n->first; m; m = m->next) {
		if (m->kind != JSON_NEST || !m->object)
			return type_refuse(r, m, "a right must be an object: roles and how far each reaches");
		size_t from = count;
		for (const struct node *role = m->first; role; role = role->next) {
			struct grant g = { .action = (enum action)type_index_in(m->key, names, ACTIONS) };
			if ((rc = grant_of(r, role, &g)) != RC_OK)
				return rc;
			size_t i = from;
			while (i < count && (list[i].reach != g.reach || list[i].states != g.states))
				i++;
			if (i == count)
				list[count++] = g;
			list[i].roles |= g.roles;
		}
	}
	r->t->grants = list;
	r->t->grant_count = count;
	return RC_OK;
}

enum rc type_field_named(struct reading *r, const struct node *n, str name,
			 const struct type_field **out)
{
	const struct type *t = r->t;
	*out = n->kind == JSON_STRING ? type_find_field(t, name) : NULL;
	if (!*out)
		return type_refuse(r, n, "there is no field '" STR_FMT "'%s", STR_ARG(name),
				   type_nearest(r->a, name, t->fields, t->field_count, sizeof(*t->fields)));
	return RC_OK;
}

/* Indexed: shown in lists, filtered and sorted by. */
static enum rc indexed(struct reading *r, const struct node *n, str name, const struct type_field **out)
{
	enum rc rc = type_field_named(r, n, name, out);
	if (rc != RC_OK)
		return rc;
	enum kind k = (*out)->kind;
	if (k == KIND_ROWS || k == KIND_LONG || k == KIND_FILE || k == KIND_SECRET ||
	    (*out)->share == SHARE_SEALED)
		return type_refuse(r, n, "field '%s' cannot stand in a list: %s", (*out)->name,
				   (*out)->share == SHARE_SEALED ? "it is sealed" : kind_name(k));
	((struct type_field *)(uintptr_t)*out)->indexed = true;
	return RC_OK;
}

static enum rc fields_named(struct reading *r, const struct node *n,
			    const struct type_field *const **out, size_t *count_out)
{
	enum rc rc = RC_OK;
	if (n->kind != JSON_NEST || n->object || n->count > TYPE_LIST_MAX)
		return type_refuse(r, n, "'" STR_FMT "' must be a list of at most %d fields", STR_ARG(n->key),
				   TYPE_LIST_MAX);
	const struct type_field **list = ARENA_ARRAY(r->a, n->count, const struct type_field *);
	for (const struct node *m = n->first; m && rc == RC_OK; m = m->next)
		rc = indexed(r, m, m->text, &list[(*count_out)++]);
	*out = list;
	return rc;
}

enum rc type_list(struct reading *r, const struct node *n)
{
	static const char *const members[] = { "columns", "filters", "sort" };
	struct type *t = r->t;
	enum rc rc = type_only(r, n, "'list'", members, COUNT_OF(members));
	const struct node *columns = tree_get(n, "columns"), *filters = tree_get(n, "filters"),
			  *sort = tree_get(n, "sort");
	if (rc == RC_OK && columns)
		rc = fields_named(r, columns, &t->columns, &t->column_count);
	if (rc == RC_OK && filters)
		rc = fields_named(r, filters, &t->filters, &t->filter_count);
	if (rc != RC_OK || !sort)
		return rc;
	str name = sort->text;
	t->descending = str_starts(name, STR("-"));
	name = str_from(name, t->descending);
	return str_eq(name, STR("changed")) ? RC_OK : indexed(r, sort, name, &t->sort);
}

enum rc type_single(struct reading *r, const char *name, const struct type_field **out)
{
	const struct node *n = tree_get(r->root, name);
	return n ? type_field_named(r, n, n->text, out) : RC_OK;
}

/* --- what is made of it --- */

static enum rc name_in(struct reading *r, const struct node *o, const char *member, const char **out)
{
	const struct node *n = tree_get(o, member);
	if (n && (n->kind != JSON_STRING || n->text.n == 0))
		return type_refuse(r, n, "'%s' must name a field of the other type", member);
	*out = n ? type_z(r, n->text) : NULL;
	return RC_OK;
}

static const struct type_field *column_of(const struct makes *m, str name)
{
	for (size_t i = 0; i < m->from->row_count; i++)
		if (str_eq(str_of(m->from->rows[i].name), name))
			return &m->from->rows[i];
	return NULL;
}

static enum rc copies(struct reading *r, const struct node *n, struct makes *m)
{
	if (n->kind != JSON_NEST || !n->object || n->count > TYPE_COLUMNS_MAX)
		return type_refuse(r, n, "'copy' must be an object: columns and the fields they become");
	struct made_column *list = ARENA_ARRAY(r->a, n->count, struct made_column);
	m->copy = list;
	for (const struct node *c = n->first; c; c = c->next) {
		if (!column_of(m, c->key) || c->kind != JSON_STRING)
			return type_refuse(r, c, "'" STR_FMT "' is no column of '%s'", STR_ARG(c->key),
					   m->from->name);
		list[m->copy_count++] = (struct made_column){ type_z(r, c->key), type_z(r, c->text) };
	}
	return RC_OK;
}

enum rc type_makes(struct reading *r, const struct node *n)
{
	static const char *const members[] = { "type", "from", "in", "parent", "origin", "number", "due",
					       "after", "copy", "for" };
	struct makes *m = ARENA_NEW(r->a, struct makes);
	enum rc rc = type_only(r, n, "'makes'", members, COUNT_OF(members));
	const struct node *from = tree_get(n, "from"), *copy = tree_get(n, "copy"), *in = tree_get(n, "in"),
			  *of_type = tree_get(n, "for");
	m->states = (UINT64_C(1) << r->t->state_count) - 1;
	if (rc == RC_OK && (!tree_get(n, "type") || !from || !copy))
		return type_refuse(r, n, "'makes' needs 'type', 'from' and 'copy'");
	if (rc == RC_OK)
		rc = type_field_named(r, from, from->text, &m->from);
	if (rc == RC_OK && m->from->kind != KIND_ROWS)
		return type_refuse(r, from, "'from' must name rows");
	if (rc != RC_OK || (rc = name_in(r, n, "type", &m->type)) != RC_OK ||
	    (rc = name_in(r, n, "parent", &m->parent)) != RC_OK ||
	    (rc = name_in(r, n, "origin", &m->origin)) != RC_OK ||
	    (rc = name_in(r, n, "number", &m->number)) != RC_OK ||
	    (rc = name_in(r, n, "due", &m->due)) != RC_OK ||
	    (rc = name_in(r, n, "after", &m->after)) != RC_OK)
		return rc;
	if (of_type && (rc = type_field_named(r, of_type, of_type->text, &m->of_type)) != RC_OK)
		return rc;
	if (of_type && (!m->parent || m->of_type->kind != KIND_TEXT || m->of_type->list))
		return type_refuse(r, of_type, "'for' must name a text that says a type, beside 'parent'");
	if (!m->due != !m->after)
		return type_refuse(r, n, "'due' and 'after' go together");
	const struct type_field *after = m->after ? column_of(m, str_of(m->after)) : NULL;
	if (m->after && (!after || after->kind != KIND_DURATION))
		return type_refuse(r, tree_get(n, "after"), "'after' must name a column that is a duration");
	if (in && (rc = type_states_of(r, in, &m->states)) != RC_OK)
		return rc;
	r->t->makes = m;
	return copies(r, copy, m);
}

/* --- what it means to code that knows no type --- */

/* "agreement.party": "parties", or "state:in-force". */
static enum rc meaning(struct reading *r, const struct node *n, struct meaning *m)
{
	bool sound = n->key.n <= 2 * TYPE_NAME_MAX && str_has(n->key, '.');

	for (size_t i = 0; sound && i < n->key.n; i++)
		sound = (n->key.p[i] >= 'a' && n->key.p[i] <= 'z') || n->key.p[i] == '.' ||
			n->key.p[i] == '-';
	if (!sound)
		return type_refuse(r, n, "'" STR_FMT "' is no meaning: letters a-z, a dot, letters",
				   STR_ARG(n->key));
	m->name = type_z(r, n->key);
	if (n->kind != JSON_STRING || !str_starts(n->text, STR("state:")))
		return type_field_named(r, n, n->text, &m->field);
	int state = type_state(r->t, str_from(n->text, 6));
	if (state < 0)
		return type_refuse(r, n, "there is no state '" STR_FMT "'", STR_ARG(str_from(n->text, 6)));
	m->state = (unsigned)state;
	return RC_OK;
}

enum rc type_means(struct reading *r, const struct node *n)
{
	enum rc rc = RC_OK;
	if (n->kind != JSON_NEST || !n->object || n->count > TYPE_MEANS_MAX)
		return type_refuse(r, n, "'means' must be an object of at most %d members", TYPE_MEANS_MAX);
	struct meaning *list = ARENA_ARRAY(r->a, n->count + 1, struct meaning);
	for (const struct node *m = n->first; m && rc == RC_OK; m = m->next)
		rc = meaning(r, m, &list[r->t->mean_count++]);
	r->t->means = list;
	return rc;
}

/* --- what partners are offered --- */

enum rc type_offer(struct reading *r, const struct node *n)
{
	static const char *const members[] = { "flow", "about", "states", "withdrawn", "public" };
	struct type *t = r->t;
	enum rc rc = type_only(r, n, "'offer'", members, COUNT_OF(members));
	const struct node *flow = tree_get(n, "flow"), *in = tree_get(n, "states"), *out = tree_get(n, "withdrawn");
	if (rc != RC_OK)
		return rc;
	const struct node *about = tree_get(n, "about");
	if (about && flow)
		return type_refuse(r, n, "'offer' says its flow, or what it is about, not both");
	if (!about && (!flow || flow->kind != JSON_STRING || !type_is_name(flow->text, '-')))
		return type_refuse(r, n, "'offer' must say which flow of an agreement it goes with");
	if (!t->exchange)
		return type_refuse(r, n, "only what may be exchanged can be offered: 'exchange' is missing");
	if (about && (rc = type_field_named(r, about, about->text, &t->offer_about)) != RC_OK)
		return rc;
	if (about && t->offer_about->kind != KIND_TEXT)
		return type_refuse(r, about, "'%s' must be a text: the id of a record", t->offer_about->name);
	t->offer_flow = about ? NULL : type_z(r, flow->text);
	if ((rc = type_flag(r, n, "public", &t->offer_public)) != RC_OK)
		return rc;
	t->offer_in = (UINT64_C(1) << t->state_count) - 1;
	rc = in ? type_states_of(r, in, &t->offer_in) : RC_OK;
	if (rc == RC_OK && out)
		rc = type_states_of(r, out, &t->offer_not_in);
	if (rc == RC_OK && (t->offer_in & t->offer_not_in))
		rc = type_refuse(r, out, "a state in which it is withdrawn is none in which it is offered");
	return rc;
}
