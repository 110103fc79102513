/* SPDX-License-Identifier: Apache-2.0 */
/* told_private.h: what the files that tell share. */
#ifndef RONDA_DISCLOSURE_TOLD_PRIVATE_H
#define RONDA_DISCLOSURE_TOLD_PRIVATE_H

#include "disclosure/told.h"

/* The number that events and findings know an organisation by (route/directory_records.h); 0: none. */
MUST_CHECK enum rc told_number_of(struct conn *c, struct uuid organisation, int64_t *out, struct err *err);
/* Somebody who is none of ours. */
MUST_CHECK enum rc told_outsider(struct policies *p, enum recipient_kind kind, enum tlp ceiling,
				 struct uuid organisation, bool exercise, enum channel channel, struct told_to *out,
				 struct err *err);
/* Of a contact of last resort: the terms of all feeds that saw it; a feed that is not known: as terms that are not. */
MUST_CHECK enum rc told_last_resort_terms(struct reader *r, const struct told_to *to, const struct finding *f,
					  struct arena *a, struct labels *into, struct err *err);
/* Is it about the recipient's own? */
bool told_concerns(const struct told_to *to, const struct finding *f);

#endif
