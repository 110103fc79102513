/* SPDX-License-Identifier: Apache-2.0 */
/* case.h: what incidents are worked by: fields and states that a type names in `means`
 * ("case.severity", "case.open"). A type that says what its class, severity and states of
 * report and work are is one that is worked as a case, whatever its name. */
#ifndef RONDA_INCIDENT_CASE_H
#define RONDA_INCIDENT_CASE_H

#include "disclosure/change.h"

/* Fields are NULL, states -1, when the type has none that means it. */
struct case_type {
	const struct type *type;
	const struct type_field *class, *kind, *severity, *severity_why, *summary, *indicators, *happened,
		*spread, *active, *people, *critical, *loss, *handover, *handover_note, *how;
	int report, triage, open, rejected, merged;
};
/* False: the type is no case. */
bool case_type_of(const struct type *t, struct case_type *out);
/* The first type, by name, that is one; false: none is loaded. */
bool case_type_find(const struct types *t, struct case_type *out);

/* A field's value in what the viewer sees; NULL when there is none, or it is cut. */
struct json_object *case_value(const struct record_view *v, const struct type_field *f);
/* "incident-42 What happened": how a record is named in sentences. In `a`. */
str case_name(const struct record_view *v, struct arena *a);

/* The sentence in the reader's language: English, or Indonesian for "id" and "id-ID". */
const char *say(str language, const char *english, const char *indonesian);

#endif
