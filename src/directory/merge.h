/* SPDX-License-Identifier: Apache-2.0 */
/* merge.h: organisations that stand twice in the directory, and making them one.
 *
 * Lists name one team in several ways, so imports bring doubles. Those that could be one are
 * shown with the reason; merging unites all fields in the one that is kept, moves links to it and
 * what open records refer to, and leaves the other former, with the one kept as its successor.
 * Both keep their history. Taking a merge back restores both bodies to the byte, and the links. */
#ifndef RONDA_DIRECTORY_MERGE_H
#define RONDA_DIRECTORY_MERGE_H

#include "disclosure/change.h"

struct duplicate {
	str a, b;                  /* ids; a is the older record */
	str a_name, b_name;
	uint64_t a_number, b_number;
	str why;                   /* "same id elsewhere 'ti:Team B', same web site 'b.example.org'" */
	unsigned weight;           /* how sure: the sum of its reasons */
};
enum { DUPLICATES_MOST = 1000 };
/* Surest first, in `a`, at most DUPLICATES_MOST; *more_out: there are more. Only of what the
 * viewer may see, and of organisations that are active. */
MUST_CHECK enum rc duplicates_find(struct reader *r, const struct types *t, const struct viewer *v,
				   struct arena *a, struct duplicate **out, size_t *count_out,
				   bool *more_out, struct err *err);

struct merge_done {
	str keep, other;           /* ids */
	size_t links;              /* moved */
	size_t references;         /* fields of other records that name the one kept now */
	size_t left;               /* … that still name the other: closed, or not yours to edit */
};
/* RC_INPUT: not two active organisations, or no reason; RC_DENIED: not yours to change, or you
 * do not see all of both; RC_CONFLICT: one changed meanwhile. */
MUST_CHECK enum rc organisations_merge(struct records *r, struct store *s, const struct viewer *v,
				       str keep, str other, str why, struct arena *a,
				       struct merge_done *out, struct err *err);
/* `other`: the one that was merged away. RC_ABSENT: it was not. RC_CONFLICT: either was changed
 * since; nothing is done then. */
MUST_CHECK enum rc organisations_unmerge(struct records *r, struct store *s, const struct viewer *v,
					 str other, str why, struct arena *a, struct merge_done *out,
					 struct err *err);

#endif
