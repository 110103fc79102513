/* SPDX-License-Identifier: Apache-2.0 */
/* change_private.h: parts of changing a record. */
#ifndef RONDA_DISCLOSURE_CHANGE_PRIVATE_H
#define RONDA_DISCLOSURE_CHANGE_PRIVATE_H

#include "disclosure/change.h"

/* Does `now` let anybody have more than `before` did? Holds apart. */
bool labels_are_looser(const struct labels_of *before, const struct labels_of *now,
		       const struct marks *m);
/* `json` with `actor` among those it names. RC_LIMIT: too many. */
MUST_CHECK enum rc labels_with_name(str json, str actor, struct arena *a, str *out, struct err *err);
/* Sets in `fields` what a change takes of secret fields: change_request.secrets_of. `to`: what stands. RC_ABSENT: there
 * is no such record or version for this viewer; RC_INPUT: it is of another type. */
MUST_CHECK enum rc secrets_taken(struct conn *c, const struct types *t, const struct viewer *v,
				 const struct change_request *q, const struct record *to,
				 struct arena *a, struct json_object *fields, struct err *err);

#endif
