/* SPDX-License-Identifier: Apache-2.0 */
/* handover.h: what one shift leaves to the next, signed by the one who takes over.
 *
 * A record of a type that means "handover.leaves", ".takes", ".from", ".to", ".items" and the states
 * ".written" and ".signed". Whoever wrote it does not sign it, and where it says who takes over that
 * person signs; a small team may, and its leads have a notice of it. With the signature the notices
 * that wait for the leaving person because he had the watch go to the one who takes over. */
#ifndef RONDA_DUTY_HANDOVER_H
#define RONDA_DUTY_HANDOVER_H

#include "disclosure/change.h"
#include "duty/duty.h"

/* Between which shifts: the viewer's own that runs or has ended within HANDOVER_LATE, else the first
 * that runs; and the first one that follows it. Either may be NULL. Pure. */
#define HANDOVER_LATE (6 * HOUR_US)
void handover_between(const struct roster *r, const struct uuid *viewer_person, int64_t now_us,
		      const struct shift **from_out, const struct shift **to_out);

/* Writes one with what is open (board.h) filled in; *id_out in `a`. */
MUST_CHECK enum rc handover_write(struct records *r, struct store *s, const struct roles *roles,
				  const struct types *t, const struct viewer *v, str text,
				  struct arena *a, str *id_out, struct err *err);
/* The viewer's own shift that runs, or begins within HANDOVER_LATE, is taken. RC_ABSENT: he has none;
 * RC_CONFLICT: he has said so before. *number_out: the shift's. */
MUST_CHECK enum rc duty_take(struct records *r, struct store *s, const struct types *t,
			     const struct viewer *v, struct arena *a, uint64_t *number_out, struct err *err);
/* Signs it: the shift that ends is over, the one that begins is taken, as far as the viewer may. */
MUST_CHECK enum rc handover_sign(struct records *r, struct store *s, const struct types *t,
				 const struct viewer *v, str id, struct arena *a, struct err *err);

#endif
