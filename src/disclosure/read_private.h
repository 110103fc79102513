/* SPDX-License-Identifier: Apache-2.0 */
/* read_private.h: what the readers share. */
#ifndef RONDA_DISCLOSURE_READ_PRIVATE_H
#define RONDA_DISCLOSURE_READ_PRIVATE_H

#include "disclosure/read.h"

/* Fields that leave only with a legal basis: those of fields.def, the raw
 * record, and extra.* whose name says so (personal.def). */
bool field_is_personal(enum field f, str extra_key);

/* RC_DENIED when the viewer has not the right. */
MUST_CHECK enum rc need_right(const struct viewer *v, enum right right, struct err *err);
/* The check for one item as this viewer would see it. */
enum verdict viewer_verdict(const struct viewer *v, const struct labels *item, enum purpose purpose);
bool viewer_cuts_personal(const struct viewer *v);
/* RC_DENIED: a filter by a field the viewer may not see. */
MUST_CHECK enum rc check_filters(const struct viewer *v, const struct event_query *q,
				 struct err *err);

/* {organisation_id, organisation, role, reason}; `d` may be NULL. */
void match_json(const struct match *m, const struct directory *d, struct json_out *j);

#endif
