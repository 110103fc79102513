/* SPDX-License-Identifier: Apache-2.0 */
/* told_private.h: what the files that tell share. */
#ifndef RONDA_DISCLOSURE_TOLD_PRIVATE_H
#define RONDA_DISCLOSURE_TOLD_PRIVATE_H

#include "disclosure/told.h"

/* Somebody who is none of ours. */
MUST_CHECK enum rc told_outsider(struct policies *p, enum recipient_kind kind, enum tlp ceiling,
				 struct uuid organisation, bool exercise, enum channel channel, struct told_to *out,
				 struct err *err);
/* Is it about the recipient's own? */
bool told_concerns(const struct told_to *to, const struct finding *f);

#endif
