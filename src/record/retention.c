/* SPDX-License-Identifier: Apache-2.0 */
#include "record/retention.h"

#include "base/arena.h"
#include "store/held.h"

struct listing {
	struct conn *c;
	const struct types *types;
	const struct type *type;
	int64_t until_us;
	retained_each each;
	void *ctx;
	bool on;
	enum rc rc;
	struct err *err;
};

static uint64_t closed_states(const struct type *t)
{
	uint64_t states = 0;
	for (size_t i = 0; i < t->state_count; i++)
		if (t->states[i].closed)
			states |= UINT64_C(1) << i;
	return states;
}

/* --- something linked with it is still open --- */

struct linked {
	struct listing *l;
	str self;
	struct arena *a;
	bool open;
	enum rc rc;
};

static bool look_at(void *ctx, const struct record_link *link)
{
	struct linked *k = ctx;
	struct record other;
	struct uuid id;
	str type, end = str_eq(link->from, k->self) ? link->to : link->from;
	if (!record_id_parse(end, &type, &id))
		return true;
	enum rc rc = record_load(k->l->c, k->l->types, id, k->a, &other, k->l->err);
	if (rc == RC_ABSENT)
		return true;
	k->rc = rc;
	k->open = rc == RC_OK && !other.erased && other.type && other.state >= 0 &&
		  closed_states(other.type) && !other.type->states[other.state].closed &&
		  other.type->retention_us;
	return rc == RC_OK && !k->open;
}

/* Directory cards and the like are never closed: types without retention hold nothing back. */
static enum rc is_linked(struct listing *l, str id, struct arena *a, bool *out)
{
	struct linked k = { .l = l, .self = id, .a = a };
	enum rc rc = record_links(l->c, id, 0, look_at, &k, l->err);
	*out = k.open;
	return rc == RC_OK ? k.rc : rc;
}

/* --- one by one --- */

static enum rc judge(struct listing *l, const struct record *r, struct arena *a, struct retained *out)
{
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	bool held = false, linked = false;
	record_id_format(&id, r->type_name, &r->id);
	*out = (struct retained){ .id = arena_str(a, buf_str(&id)),
				  .ends_us = r->changed_us + l->type->retention_us };
	buf_free(&id);
	enum rc rc = held_is(l->c, out->id, &held, l->err);
	if (rc == RC_OK && !held && !r->labels.held)
		rc = is_linked(l, out->id, a, &linked);
	out->stay = held || r->labels.held ? RETENTION_HELD : linked ? RETENTION_LINKED : RETENTION_GOES;
	return rc;
}

static bool take(void *ctx, const struct record *r)
{
	struct listing *l = ctx;
	struct retained one;
	if (r->changed_us > l->until_us - l->type->retention_us)
		return false; /* by time of change: none behind it is due */
	if (r->erased)
		return true;
	struct arena *a = arena_new(KIB(4));
	l->rc = judge(l, r, a, &one);
	l->on = l->rc == RC_OK && l->each(l->ctx, &one);
	arena_free(a);
	return l->on;
}

enum rc retention_list(struct conn *c, const struct types *t, int64_t until_us, retained_each each,
		       void *ctx, struct err *err)
{
	struct listing l = { .c = c, .types = t, .until_us = until_us, .each = each, .ctx = ctx,
			     .on = true, .err = err };
	for (size_t i = 0; i < types_count(t) && l.on && l.rc == RC_OK; i++) {
		struct record_query q = { .type = l.type = types_at(t, i), .ascending = true,
					  .tlp_mask = UINT32_MAX, .exercise = true,
					  .text = STR(""), .after = STR("") };
		q.states = closed_states(l.type);
		if (!l.type->retention_us || !q.states)
			continue;
		enum rc rc = record_list(c, t, &q, take, &l, err);
		if (rc != RC_OK)
			return rc;
	}
	return l.rc;
}

/* --- the end of it --- */

struct ending {
	struct records *r;
	const struct types *types;
	int64_t now_us;
	struct uuid id;
	bool found;
};

static bool first_to_go(void *ctx, const struct retained *r)
{
	struct ending *e = ctx;
	str type;
	e->found = r->stay == RETENTION_GOES && record_id_parse(r->id, &type, &e->id);
	return !e->found;
}

static enum rc find_one(struct conn *c, struct ending *e, struct err *err)
{
	e->found = false;
	return retention_list(c, e->types, e->now_us, first_to_go, e, err);
}

/* Looked up again where it is erased: somebody may just have placed a hold. */
static enum rc end_one(struct tx *tx, void *ctx, struct err *err)
{
	struct ending *e = ctx;
	enum rc rc = find_one(tx_conn(tx), e, err);
	if (rc != RC_OK || !e->found)
		return rc;
	return record_erase(tx, e->r, e->id, STR("node"), STR("retention"), err);
}

enum rc retention_tick(struct store *s, struct records *r, const struct types *t, int64_t now_us,
		       bool *did_out, struct err *err)
{
	struct ending e = { .r = r, .types = t, .now_us = now_us };
	struct reader *rd = NULL;
	*did_out = false;
	enum rc rc = store_read_begin(s, &rd, err);
	if (rc != RC_OK)
		return rc;
	rc = find_one(reader_conn(rd), &e, err);
	store_read_end(rd);
	if (rc == RC_OK && e.found)
		rc = store_write(s, end_one, &e, err);
	*did_out = rc == RC_OK && e.found;
	return rc;
}
