/* SPDX-License-Identifier: Apache-2.0 */
#include "node/statements.h"

#include "incident/case.h"

enum { ENDS_MOST = 200 };

struct ends {
	struct conn *c;
	const struct types *t;
	struct arena *a;
	str self;
	str list[ENDS_MOST];
	size_t count;
};

static bool take_end(void *ctx, const struct record_link *l)
{
	struct ends *e = ctx;
	e->list[e->count++] = arena_str(e->a, str_eq(l->from, e->self) ? l->to : l->from);
	return e->count < ENDS_MOST;
}

static str id_of(struct arena *a, const struct record *r)
{
	struct buf b = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&b, r->type_name, &r->id);
	str id = arena_str(a, buf_str(&b));
	buf_free(&b);
	return id;
}

static enum rc ends_of(struct ends *e, const struct record *r, struct err *err)
{
	e->self = id_of(e->a, r);
	e->count = 0;
	return record_links(e->c, e->self, INT64_MAX, take_end, e, err);
}

/* RC_ABSENT: it is no record of ours. */
static enum rc load(const struct ends *e, str end, struct record *out)
{
	struct uuid id;
	str type;
	return record_id_parse(end, &type, &id) ? record_load(e->c, e->t, id, e->a, out, NULL) : RC_ABSENT;
}

static bool is_open_case(const struct record *r)
{
	struct case_type k;
	return r->type && !r->erased && case_type_of(r->type, &k) && r->state >= 0 && !r->type->states[r->state].closed;
}

static enum rc any_open(const struct ends *of, const struct record *statement, bool *out, struct err *err)
{
	struct ends e = { .c = of->c, .t = of->t, .a = of->a };
	*out = false;
	enum rc rc = ends_of(&e, statement, err);
	for (size_t i = 0; rc == RC_OK && i < e.count && !*out; i++) {
		struct record other;
		if (load(&e, e.list[i], &other) == RC_OK)
			*out = is_open_case(&other);
	}
	return rc;
}

static enum rc close_one(struct tx *tx, struct records *r, const struct ends *e, const struct record *s, struct err *err)
{
	const struct meaning *accepted = s->type ? type_meaning(s->type, STR("statement.accepted")) : NULL;
	const struct meaning *closed = s->type ? type_meaning(s->type, STR("statement.closed")) : NULL;
	struct record now;
	bool open = true;
	if (!accepted || !closed || accepted->field || closed->field || s->erased || s->state != (int)accepted->state)
		return RC_OK;
	enum rc rc = any_open(e, s, &open, err);
	if (rc != RC_OK || open)
		return rc;
	const struct record_change c = { .type = s->type, .id = s->id, .fields = STR_NONE, .to_state = (int)closed->state,
					 .labels = STR_NONE, .why = STR("the case is closed"), .language = STR_NONE,
					 .actor = STR("node:public"), .origin = STR_NONE };
	return record_put(tx, r, &c, e->a, &now, NULL, 0, NULL, err);
}

enum rc statements_follow(struct tx *tx, struct records *r, void *ctx, const struct record *before,
			  const struct record *now, struct err *err)
{
	const struct node *n = ctx;
	struct case_type k;
	bool ended = now->type && !now->erased && before && before->state != now->state && now->state >= 0 &&
		     now->type->states[now->state].closed && case_type_of(now->type, &k);
	if (!ended)
		return RC_OK;
	struct snapshot_ref *types = snapshot_hold(n->types);
	struct ends *e = x_alloc(sizeof(*e));
	*e = (struct ends){ .c = tx_conn(tx), .t = snapshot_table(types), .a = arena_new(KIB(16)) };
	enum rc rc = ends_of(e, now, err);
	for (size_t i = 0; rc == RC_OK && i < e->count; i++) {
		struct record other;
		if (load(e, e->list[i], &other) == RC_OK)
			rc = close_one(tx, r, e, &other, err);
	}
	arena_free(e->a);
	free(e);
	snapshot_drop(n->types, types);
	return rc;
}
