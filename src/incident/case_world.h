/* SPDX-License-Identifier: Apache-2.0 */
/* case_world.h: incidents of our team and of two organisations, for the tests of this folder. */
#ifndef RONDA_INCIDENT_CASE_WORLD_H
#define RONDA_INCIDENT_CASE_WORLD_H

#include "disclosure/records_world.h"

#include "incident/indicators.h"

static inline struct world cases_new(void)
{
	struct world w = world_new();
	records_add_hook(w.r, &(struct record_hook){ .changed = indicators_follow });
	return w;
}

/* A record of a type with these fields, by `v`; its id, "" when it was refused. */
static inline str put_new(struct world *w, const struct viewer *v, const char *type, const char *fields,
			  const char *labels)
{
	struct record_view view = { 0 };
	const struct change_request q = { .type = str_of(type), .fields = str_of(fields),
					  .labels = labels ? str_of(labels) : STR_NONE };
	enum rc rc = change(w, v, &q, &view);
	str id = rc == RC_OK && view.record ? record_view_id(&view, w->a) : STR("");
	record_view_end(&view);
	return id;
}

/* An incident with these indicators (rows) and what else, as members of JSON. */
static inline str incident(struct world *w, const char *title, const char *rows, const char *more,
			   const char *labels)
{
	struct viewer lead = staff(LEAD | ANALYST, 1);
	return put_new(w, &lead, "incident",
		       arena_fmt(w->a, "{\"title\":\"%s\",\"class\":\"fraud\",\"severity\":\"low\",\"indicators\":[%s]%s}",
				 title, rows, more).p, labels);
}

static inline enum rc move(struct world *w, const struct viewer *v, str id, const char *state)
{
	const struct change_request q = { .id = id, .to_state = str_of(state), .why = STR("because") };
	return change(w, v, &q, NULL);
}

#endif
