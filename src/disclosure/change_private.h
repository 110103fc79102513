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

#endif
