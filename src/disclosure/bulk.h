/* SPDX-License-Identifier: Apache-2.0 */
/* bulk.h: many records from a file, and back to what stood before.
 *
 * JSON lines (flat, or as `export` writes them) and CSV with a header. A row is checked as
 * a change by hand is (change.h) and needs ACTION_IMPORT too. All rows are tried first and
 * nothing is kept; when all are good they are laid aside (import_row) and applied, in jobs
 * that hold the writer for no longer than BULK_HOLD_US. A run that was cut off stands as
 * `applying`: resume or undo it. Undoing writes new versions and erases what the run made;
 * what somebody changed since is left and told. */
#ifndef RONDA_DISCLOSURE_BULK_H
#define RONDA_DISCLOSURE_BULK_H

#include "disclosure/change.h"

#define BULK_FILE_MAX MIB(32)
enum { BULK_ROWS_MAX = 1000000, BULK_ERRORS_MAX = 1000 };
#define BULK_HOLD_US INT64_C(25000)

struct bulk_request {
	const struct type *type;
	bool csv;
	str text;                  /* the file; UTF-8 */
	str map;                   /* "COLUMN=FIELD,COLUMN=": columns named otherwise, or left out; "" none */
	str key;                   /* field (indexed): a row whose value is there changes that record; "" none */
	str why, language;
	str tlp;                   /* of new ones; "": AMBER */
	bool dry_run;
};
/* Columns of every type: id or number (that record is changed), version (refused when a later
 * one stands), state (where a new one starts), tlp; `changed`, `due` and `title` that are no
 * fields are left out. An empty cell takes the value away. */
struct bulk_counts {
	int64_t run;               /* 0: nothing was kept */
	uint64_t rows, added, changed, same, refused;
};
/* `row`: line of JSON lines, record of CSV counted with the header as 1. */
typedef void (*bulk_tell)(void *ctx, uint64_t row, const char *words);
/* RC_INPUT: rows were refused (each told, up to BULK_ERRORS_MAX) and nothing is changed.
 * RC_CONFLICT: a record changed while it ran, and what was applied has been undone. */
MUST_CHECK enum rc bulk_import(struct records *r, struct store *s, const struct viewer *v,
			       const struct bulk_request *q, bulk_tell tell, void *ctx,
			       struct bulk_counts *out, struct err *err);
/* Goes on with a run that was cut off while it was applied. */
MUST_CHECK enum rc bulk_resume(struct records *r, struct store *s, const struct viewer *v,
			       const struct type *t, int64_t run, bulk_tell tell, void *ctx,
			       struct bulk_counts *out, struct err *err);
/* out->changed: put back; out->added: erased; out->refused: changed since, left. May be called
 * again for what was left. */
MUST_CHECK enum rc bulk_undo(struct records *r, struct store *s, const struct viewer *v,
			     const struct type *t, int64_t run, str why, bulk_tell tell, void *ctx,
			     struct bulk_counts *out, struct err *err);

struct bulk_run {
	int64_t id, at_us;
	str actor, state, why;     /* state: "applying", "done", "partly undone", "undone" */
	uint64_t rows, applied;
};
typedef bool (*bulk_run_each)(void *ctx, const struct bulk_run *run);
/* Newest first, for those who may import. */
MUST_CHECK enum rc bulk_runs(struct reader *r, const struct viewer *v, const struct type *t,
			     bulk_run_each each, void *ctx, struct err *err);

#endif
