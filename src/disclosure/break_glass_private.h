/* SPDX-License-Identifier: Apache-2.0 */
/* break_glass_private.h: what reading one record asks. */
#ifndef RONDA_DISCLOSURE_BREAK_GLASS_PRIVATE_H
#define RONDA_DISCLOSURE_BREAK_GLASS_PRIVATE_H

#include "disclosure/read_records.h"

/* Did this viewer break the glass for this record, and is the hour not over? */
MUST_CHECK enum rc glass_is_broken(struct conn *c, const struct viewer *v, const struct record *r,
				   bool *out, struct err *err);
/* The check again, for what the viewer is in an emergency. */
bool glass_passes(const struct viewer *v, const struct record *r, struct viewer *wide_out,
		  struct labels *labels_out, struct decision *decision_out);

#endif
