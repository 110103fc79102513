/* SPDX-License-Identifier: Apache-2.0 */
/* told_private.h: who is told, made alike for organisations and partners. */
#ifndef RONDA_DISCLOSURE_TOLD_PRIVATE_H
#define RONDA_DISCLOSURE_TOLD_PRIVATE_H

#include "disclosure/told.h"

MUST_CHECK enum rc told_outsider(struct policies *p, enum recipient_kind kind, enum tlp ceiling, struct uuid organisation,
				 bool exercise, enum channel channel, struct told_to *out, struct err *err);
/* The number that events and findings know an organisation by (route/directory_records.h); 0: none. */
MUST_CHECK enum rc told_number_of(struct conn *c, struct uuid organisation, int64_t *out, struct err *err);

#endif
