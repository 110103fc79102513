/* SPDX-License-Identifier: Apache-2.0 */
/* erase.h: what must go for good, down to the last byte of it on the disk.
 *
 * Erasing is a process that is listed until it has ended, and goes on after a crash
 * where it was: (1) erasers remove bodies and salts, (2) tidy what keeps old words
 * (a full-text index), (3) segment files that hold bytes of it are rewritten without
 * them, (4) the log of main.db is folded and emptied, (5) the old files are removed.
 * Only then it counts as erased. The journal has a line "erase" at its begin, with
 * who and why, and "erase.done" at its end; neither holds anything of what is gone.
 *
 * What is erased is named as in the journal: "report:12", "journal:5". Each file
 * that keeps bodies has one struct eraser and a row in erasers.def. */
#ifndef RONDA_RECORD_ERASE_H
#define RONDA_RECORD_ERASE_H

#include "record/journal.h"

enum erase_step { ERASE_REMOVE, ERASE_TIDY, ERASE_FILES, ERASE_LOG, ERASE_UNLINK, ERASE_STEPS };

struct erasing {
	int64_t id;
	str object, why, by;
	int64_t asked_us, ended_us; /* ended 0: under way */
	enum erase_step step;
	uint64_t at;                /* how far the one eraser came that keeps it: erase_at() */
	str words; /* what it waits for; "" when nothing */
};

/* Each call is a part of one job of the writer: at most some hundred rows or 4 MiB,
 * *more_out when there is more. May be called again after a crash, also when all is
 * done. NULL: none. */
struct eraser {
	const char *kind; /* of the objects that are its own: "report"; NULL: none are */
	/* May it be erased now? RC_ABSENT: there is none; RC_DENIED: something forbids it
	 * (a hold); RC_BUSY: not now. `id` is what follows "KIND:". */
	enum rc (*check)(struct conn *c, str id, struct err *err);
	/* Called for every erasing, also of objects of others: removes what it keeps
	 * about e->object. Frames it un-names are told to erase_file(). */
	enum rc (*remove)(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err);
	/* Afterwards: makes an index forget words of deleted rows. */
	enum rc (*tidy)(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err);
};
/* Of erasers.c; others stand with what keeps the bodies. */
extern const struct eraser eraser_journal; /* "journal:N": the body of a line */
extern const struct eraser eraser_report;  /* "report:N": raw bytes, quarantine, file
					    * name; its events when it was undone */

extern const struct eraser eraser_events;  /* "events:N": single ones, listed by events_list_add() */
extern const struct eraser eraser_raw;     /* "raw:DAY/NUMBER": what no row names in that file */

/* Inside eraser.remove: the segment file holds bytes that must go. */
MUST_CHECK enum rc erase_file(struct tx *tx, const struct erasing *e, enum segment which,
			      int32_t day, uint32_t number, struct err *err);

/* Inside eraser.remove: kept as e->at for the next call, 0 before the first. */
MUST_CHECK enum rc erase_at(struct tx *tx, const struct erasing *e, uint64_t at, struct err *err);

struct erase; /* a node has one */
/* `erasers` outlive it. Registers itself with store_add_tend(). */
MUST_CHECK enum rc erase_open(struct store *s, struct journal *j,
			      const struct eraser *const *erasers, size_t count,
			      struct erase **out, struct err *err);
void erase_close(struct erase *x); /* when nobody tends any more; NULL is fine */

/* Inside a job: lists it; the background does the rest. RC_INPUT: nothing of that
 * kind can be erased, or no reason; RC_CONFLICT: it is being erased already. */
MUST_CHECK enum rc erase_begin(struct tx *tx, struct erase *x, str object, str why, str by,
			       int64_t *id_out, struct err *err);
/* May it be erased now, as erase_begin() would ask? */
MUST_CHECK enum rc erase_check(struct erase *x, struct conn *c, str object, struct err *err);
/* One piece of work, for who does not want to wait for the background; *did_out
 * false: nothing to do, or all of it must wait. */
MUST_CHECK enum rc erase_work(struct erase *x, bool *did_out, struct err *err);

/* Newest first, in `a`; `all`: also those that ended. */
MUST_CHECK enum rc erase_list(struct conn *c, bool all, struct arena *a, struct erasing **out,
			      size_t *count_out, struct err *err);
MUST_CHECK enum rc erase_get(struct conn *c, int64_t id, struct arena *a, struct erasing *out,
			     struct err *err);
const char *erase_step_name(enum erase_step step);

#endif
