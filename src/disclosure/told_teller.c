/* SPDX-License-Identifier: Apache-2.0 */
/* What the teller reads whole. */
#include "disclosure/told.h"

enum rc told_finding(struct reader *r, struct hash128 id, struct arena *a, struct finding *out, struct err *err)
{
	return findings_get(r, id, a, out, err);
}

enum rc told_transitions(struct conn *c, const char *teller, size_t most, struct arena *a, struct transition_row **out,
			 size_t *count_out, struct err *err)
{
	return transitions_read(c, teller, most, a, out, count_out, err);
}
