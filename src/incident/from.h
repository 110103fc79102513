/* SPDX-License-Identifier: Apache-2.0 */
/* from.h: a case made from what is there: findings, a record of quarantine, a note or another
 * person's report. What is known is filled in, and what it came from is linked. */
#ifndef RONDA_INCIDENT_FROM_H
#define RONDA_INCIDENT_FROM_H

#include "disclosure/read.h"
#include "incident/case.h"

enum { FROM_MOST = 1000 };
struct from_request {
	const str *sources; size_t source_count; /* "finding--HEX", "event--HEX", "quarantine--N", or a record as read_record takes it */
	str fields;                /* JSON object over what is filled in; STR_NONE: none */
	bool open;                 /* at once an incident, not a report */
	str why, language;
};
/* RC_INPUT: nothing to make it from, or real ones and an exercise at once. RC_ABSENT: one the viewer
 * may not see. Labels are the strictest of the sources'. Nothing is made unless all is. */
MUST_CHECK enum rc case_from(struct records *r, struct store *s, const struct types *t,
			     const struct directory *d, const struct viewer *v,
			     const struct from_request *q, struct arena *a, str *id_out,
			     struct change_errors *errors, struct err *err);
/* Addresses, networks, domains, URLs and digests that a text names, defanged or not, as rows of `f`;
 * at most 500. Into an array that is open. */
void indicators_in_text(const struct type_field *f, str text, struct json_out *j, size_t *count);

#endif
