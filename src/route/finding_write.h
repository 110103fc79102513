/* SPDX-License-Identifier: Apache-2.0 */
/* finding_write.h: findings that changed, on their way to the disk in one job:
 * few as rows of main.db, many as a new layer.
 *
 * What was read in a view is changed outside the writer; the job then sees
 * whether anybody changed findings meanwhile and writes all or nothing
 * (RC_CONFLICT: read again). */
#ifndef RONDA_ROUTE_FINDING_WRITE_H
#define RONDA_ROUTE_FINDING_WRITE_H

#include "route/finding_layer.h"

enum { WRITE_FEW = 1024 }; /* findings of one job as rows; with more it is a layer */

struct writing {
	struct store *s;
	struct arena *a;
	int64_t folded, disturbed;  /* as the view saw them */
	int64_t fold_upto;          /* the cursor of the fold moves with it; -1: not */
	bool raises;                /* written by another than the fold */
	bool hides;                 /* there are layers, in which older ones may stand */
	store_job_fn also;          /* in the same job; may be NULL */
	void *ctx;
	/* its own */
	struct layer_writer *layer; /* many */
	struct written {
		struct finding_row row;
		bool in_db;
		struct sighting *note;
		uint32_t notes;
	} *list;                    /* few: all; many: of those that had rows in main.db */
	size_t n, room;
	struct told *told;
	size_t tolds, told_room;
};
MUST_CHECK enum rc writing_begin(struct writing *w, struct store *s, const struct view *v, bool many,
				 struct err *err);
/* `was`: as found before (NULL: it was not looked for); what was noted beside it
 * is in `f`. Copied. `what` 0: nobody is told. */
MUST_CHECK enum rc writing_put(struct writing *w, const struct finding_row *f, const struct found *was,
			       enum transition what, struct err *err);
/* It is no more. */
MUST_CHECK enum rc writing_drop(struct writing *w, const struct finding_row *f, const struct found *was,
				enum transition what, struct err *err);
MUST_CHECK enum rc writing_commit(struct writing *w, struct err *err);
void writing_end(struct writing *w);

/* Looks findings up anew, lets `fn` change them in place (their notes are taken
 * away as read, unless it sets f->notes to 0), and writes those it wants
 * written; again from the start when others changed some meanwhile. Ids ascend.
 * `also` (may be NULL) runs in the job, also when nothing changed. RC_BUSY:
 * others never let it through. */
enum change { CHANGE_NOTHING, CHANGE_PUT, CHANGE_DROP };
typedef enum change (*change_fn)(void *ctx, size_t i, struct found *f, bool is_there, struct arena *a,
				 enum transition *what);
MUST_CHECK enum rc findings_change(struct store *s, const struct hash128 *ids, size_t n, change_fn fn,
				   store_job_fn also, void *ctx, struct err *err);

#endif
