/* SPDX-License-Identifier: Apache-2.0 */
/* lives.h: what became of each finding: when it opened, when somebody was told, when he answered,
 * when it was gone, and whether it came back.
 *
 * Put together from three records that do not know each other: the transitions, the disclosure
 * ledger (what was sent to an organisation, or said to it, about the finding), and the marks people
 * set. A message that was only rehearsed, refused or is uncertain told nobody. Read in the order of
 * the ids, with `memory` bytes for sorting and the rest in a file: for figures over all findings.
 *
 * Reading for people goes through disclosure/read_lives.h. */
#ifndef RONDA_ROUTE_LIVES_H
#define RONDA_ROUTE_LIVES_H

#include "route/findings.h"

struct life {
	int64_t opened_us;   /* when the node first knew of it; without its transition: first seen */
	int64_t told_us;     /* the first time an organisation was; 0: never, as are those below */
	int64_t answered_us; /* the first answer after it was told */
	int64_t claimed_us;  /* the first answer that said it is fixed */
	int64_t gone_us;     /* the first time */
	int64_t fixed_us;    /* the first time it was gone after somebody was told */
	unsigned returns;    /* how often it came back */
	bool relapsed;       /* came back after somebody had said that it is fixed */
	int64_t held_us;     /* since when somebody holds it back */
};
typedef bool (*life_each)(void *ctx, const struct finding *f, const struct life *l);
struct lives_query {
	uint32_t tlp_mask;
	const char *dir;     /* where the file may be; NULL: all in memory */
	size_t memory;       /* 0: as spill.h */
};
/* All findings but those of exercises; until `each` says enough. What it is given lives until it
 * returns. Of the marks in `f` only held_us is filled in; the others are steps of the life. */
MUST_CHECK enum rc lives_each(struct reader *r, const struct lives_query *q, life_each each, void *ctx,
			      struct err *err);

#endif
