/* SPDX-License-Identifier: Apache-2.0 */
/* destroyed.h: bytes that were destroyed, and may not come back.
 *
 * What may not be kept at all (node/destroy.h) leaves its SHA-256 here: it tells nothing
 * but that the same bytes came again. Whoever takes bytes in asks before they are named:
 * reports (raw.c), files of records, evidence. What came again is counted and not kept. */
#ifndef RONDA_STORE_DESTROYED_H
#define RONDA_STORE_DESTROYED_H

#include "store/reports.h"

/* Inside a job. `item`: the record that says why ("destruction--…"). A second time is RC_OK
 * and changes nothing. */
MUST_CHECK enum rc destroyed_add(struct tx *tx, const struct digest *d, uint64_t bytes, str item,
				 struct err *err);
MUST_CHECK enum rc destroyed_find(struct conn *c, const struct digest *d, bool *found_out,
				  struct err *err);
/* RC_DENIED when these bytes were destroyed, in the words a sender may read. */
MUST_CHECK enum rc destroyed_refuse(struct conn *c, const struct digest *d, struct err *err);
/* Inside a job that commits: they came again. */
MUST_CHECK enum rc destroyed_again(struct tx *tx, const struct digest *d, struct err *err);
/* Inside a job: the raw file holds parts of them that no row names. */
MUST_CHECK enum rc destroyed_left(struct tx *tx, int32_t day, uint32_t number, struct err *err);

/* Inside a job: what was destroyed came again inside a report, which is then known and goes too. *found_out
 * false: these bytes are none. */
MUST_CHECK enum rc destroyed_inside(struct tx *tx, str bytes, const struct report *r, bool *found_out,
				    struct err *err);
/* Such a report that is still to go; 0: none. */
MUST_CHECK enum rc destroyed_next_report(struct conn *c, int64_t *out, struct err *err);
MUST_CHECK enum rc destroyed_report_goes(struct tx *tx, int64_t report, struct err *err);

struct destroyed {
	struct digest digest;
	str item;
	uint64_t bytes;
	int64_t at_us, last_us; /* last_us 0: never came again */
	uint64_t seen, told;    /* how often it came again, and how often of these was told */
};
/* Of one item ("": of all), newest first. */
MUST_CHECK enum rc destroyed_list(struct conn *c, str item, size_t most, struct arena *a,
				  struct destroyed **out, size_t *count_out, struct err *err);
/* Some that came again and nobody was told of yet. */
MUST_CHECK enum rc destroyed_untold(struct conn *c, struct arena *a, struct destroyed **out,
				    size_t *count_out, struct err *err);
MUST_CHECK enum rc destroyed_told(struct tx *tx, const struct destroyed *d, struct err *err);
/* A file of destroyed_left(), taken off the list; *found_out false: there is none. */
MUST_CHECK enum rc destroyed_take_left(struct tx *tx, int32_t *day_out, uint32_t *number_out,
				       bool *found_out, struct err *err);
MUST_CHECK enum rc destroyed_any_left(struct conn *c, bool *out, struct err *err);

#endif
