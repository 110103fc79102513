/* SPDX-License-Identifier: Apache-2.0 */
/* severity.h: how grave an incident is, by a stated rule.
 *
 * Points for what is known (class or type, critical infrastructure, people, spread, loss, whether it
 * goes on) are added; severity.def has them and from how many on it is which level. Pure: the same
 * facts give the same proposal and the same sentence. A person may set another severity and says
 * why; both are shown. */
#ifndef RONDA_INCIDENT_SEVERITY_H
#define RONDA_INCIDENT_SEVERITY_H

#include "incident/case.h"

struct severity_facts {
	str class, type;           /* as taxonomy.def names them; "" not said */
	str spread, active;        /* choices of severity.def: "several", "yes"; "" not said */
	bool critical;             /* critical infrastructure is concerned */
	int64_t people;            /* affected; 0: not said */
	str currency;              /* of the loss, ISO 4217; "": none said */
	int64_t loss;              /* in whole units of it */
};
struct severity {
	const char *level;         /* "low", "medium", "high", "critical" */
	unsigned points;
	str reason;                /* "high, 6 points: intrusions 3, critical infrastructure 2, …" */
};
/* `reason` in `a`, in `language`. */
void severity_propose(const struct severity_facts *f, str language, struct arena *a,
		      struct severity *out);
/* What of it a viewer sees of a record; false: its type is no case. Views of people who may not see
 * a field get a proposal without it. */
bool severity_of_view(const struct record_view *v, str language, struct arena *a, struct severity *out);
/* Of fields that are being written, as a JSON object of the type's names. */
void severity_of_body(const struct case_type *t, struct json_object *body, str language, struct arena *a,
		      struct severity *out);

#endif
