/* SPDX-License-Identifier: Apache-2.0 */
/* exchange_world.h: an exchange over a store of its own, for tests of this floor. */
#ifndef RONDA_EXCHANGE_EXCHANGE_WORLD_H
#define RONDA_EXCHANGE_EXCHANGE_WORLD_H

#include "record/record_world.h"

#include "exchange/exchange_private.h"
#include "exchange/partner.h"

struct team {
	struct world w;
	struct exchange x; /* as exchange_open() makes it, without hooks */
};

static inline void team_new(struct team *t)
{
	memset(t, 0, sizeof *t);
	t->w = world_new();
	t->x.w = (struct exchange_world){ .store = t->w.s, .journal = t->w.j, .records = t->w.r, .types = t->w.types,
					  .dir = t->w.d.path };
	CHECK_RC(keys_open(&t->x, &err), RC_OK, err);
}

struct team_partner {
	struct team *t;
	const char *name, *address, *way;
	bool active;
	struct uuid id;
};

static inline enum rc team_put_partner(struct tx *tx, void *ctx, struct err *e)
{
	struct team_partner *p = ctx;
	const struct types *types = snapshot_table(p->t->w.held);
	const struct type *type = types_find(types, STR("partner"));
	struct record out;
	str fields = arena_fmt(p->t->w.a, "{\"name\":\"%s\",\"kind\":\"node\",\"address\":\"%s\"%s%s%s}", p->name, p->address,
			       p->way ? ",\"way\":\"" : "", p->way ? p->way : "", p->way ? "\"" : "");
	const struct record_change c = { .type = type, .fields = fields, .to_state = p->active ? type_state(type, STR("active")) : -1,
					 .actor = STR("unix:0") };
	enum rc rc = record_put(tx, p->t->w.r, &c, p->t->w.a, &out, NULL, 0, NULL, e);
	p->id = out.id;
	return rc;
}

static inline struct uuid team_partner(struct team *t, const char *name, const char *address, const char *way,
				       bool active)
{
	struct team_partner p = { t, name, address, way, active, { { 0 } } };
	CHECK_RC(store_write(t->w.s, team_put_partner, &p, &err), RC_OK, err);
	return p.id;
}

#endif
