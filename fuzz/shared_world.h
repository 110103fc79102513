/* SPDX-License-Identifier: Apache-2.0 */
/* shared_world.h: the same node with an agreement with its partner, and a warning of ours that was offered to him. */
#ifndef RONDA_FUZZ_SHARED_WORLD_H
#define RONDA_FUZZ_SHARED_WORLD_H

#include "partner_world.h"

#define SHARED_HOUSE "organisation--0c010000-0000-0000-0000-000000000000"
#define SHARED_WARNING_ID "11111111-0000-4000-8000-000000000001"

struct shared_put {
	struct partner_world *w;
	const char *type, *id, *fields, *state, *labels;
};

static inline enum rc shared_put_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct shared_put *p = ctx;
	struct world *t = &p->w->team.w;
	const struct type *type = types_find(snapshot_table(t->held), str_of(p->type));
	struct record out;
	struct record_change c = { .type = type, .fields = p->fields ? str_of(p->fields) : STR_NONE,
				   .to_state = p->state ? type_state(type, str_of(p->state)) : -1, .actor = STR("unix:0"),
				   .labels = p->labels ? str_of(p->labels) : STR_NONE, .why = STR("so") };
	if (p->id)
		MUST(uuid_parse(str_of(p->id), p->fields ? &c.new_id : &c.id));
	return record_put(tx, t->r, &c, t->a, &out, NULL, 0, NULL, e);
}

static inline enum rc shared_org_job(struct tx *tx, void *ctx, struct err *e)
{
	struct uuid house;
	str type;
	(void)ctx;
	MUST(record_id_parse(STR(SHARED_HOUSE), &type, &house));
	struct sql *q = sql(tx_conn(tx), "INSERT INTO org (id, name, folded, kind, country, sector, timezone, changed_us, record,"
					 " gone) VALUES (7, 'team c', 'team c', '', '', '', '', 0, ?1, 0)");
	sql_blob(q, 1, str_mem(house.b, sizeof house.b));
	return sql_run(q, e);
}

static inline void shared_put(struct partner_world *w, const char *type, const char *id, const char *fields, const char *state,
			      const char *labels)
{
	struct shared_put p = { w, type, id, fields, state, labels };
	MUST(store_write(w->team.w.s, shared_put_job, &p, &err) == RC_OK);
}

/* The partner's record names SHARED_HOUSE as its organisation. */
static inline void shared_world_fill(struct partner_world *w)
{
	bool did = true;
	MUST(offer_open(&w->team.x, &err) == RC_OK);
	MUST(store_write(w->team.w.s, shared_org_job, NULL, &err) == RC_OK);
	shared_put(w, "agreement", NULL, "{\"title\":\"x\",\"kind\":\"treaty\",\"parties\":[\"" SHARED_HOUSE "\"],"
		   "\"flows\":[\"findings\",\"warnings\",\"incidents\",\"requests\"],\"tlp_ceiling\":\"AMBER\",\"from\":\"2020-01-01\"}",
		   "in-force", NULL);
	shared_put(w, "warning", SHARED_WARNING_ID, "{\"title\":\"Patch 192.0.2.7\",\"urgency\":\"act\",\"summary\":\"x\",\"advice\":\"y\","
		   "\"review_by\":\"2030-01-01\"}", NULL, "{\"tlp\":\"AMBER\"}");
	shared_put(w, "warning", SHARED_WARNING_ID, NULL, "approved", NULL);
	shared_put(w, "warning", SHARED_WARNING_ID, NULL, "sent", NULL);
	while (did)
		MUST(offer_look(&w->team.x, &did, &err) == RC_OK);
}

#endif
