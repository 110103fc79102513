/* SPDX-License-Identifier: Apache-2.0 */
/* directory_records.h: organisations are records; what routes is made from them.
 *
 * A record of a type that means "organisation.name" and "organisation.claims" has one row in
 * `org`, with a number that stays for good (events and findings keep it), and rows for its
 * contacts and claims; a hook writes them in the job that changed the record. Two organisations
 * cannot hold one claim in one role at one time: the change is refused, with a sentence at the
 * row. A record in the state that means "organisation.former" keeps its name and loses its
 * claims. Copies from other nodes, and exercises, route nothing. */
#ifndef RONDA_ROUTE_DIRECTORY_RECORDS_H
#define RONDA_ROUTE_DIRECTORY_RECORDS_H

#include "record/record.h"
#include "route/directory.h"

struct directory_records;
/* Registers its hook; before anything is written. */
MUST_CHECK enum rc directory_records_open(struct store *s, struct records *r,
					  struct directory_records **out, struct err *err);
void directory_records_close(struct directory_records *d); /* NULL is fine */

/* At start, once in a store's life: rows of older versions become records under the same number,
 * and records that were never in the table get their rows. *left_out: rows that fit no record;
 * they stay as they are. One line in the journal. */
MUST_CHECK enum rc directory_records_settle(struct directory_records *d, size_t *made_out,
					    size_t *left_out, struct err *err);

/* The type whose records these are; NULL: none here means that. */
const struct type *directory_type(const struct types *t);
/* How often rows were about to be committed anew: who follows them need look only when it went up,
 * and then for a moment, as the commit comes after. Any thread. */
unsigned directory_changes(const struct directory_records *d);
struct records *directory_engine(struct directory_records *d);
/* In which role an organisation of that kind ("provider") claims a thing of that kind ("network") when
 * none is said: "holder"; "": it makes no such claim. Words of the record. */
const char *directory_claim_role(str kind, str claim_kind, bool shared_address);

/* How an import changes a record: `id` zero makes one. In the job of the import. */
struct directory_writer {
	enum rc (*put)(struct tx *tx, void *ctx, const struct type *t, const struct uuid *id,
		       str fields, struct arena *a, struct err *err);
	void *ctx;
};
/* As the node itself: for what it makes of its own. `ctx`: struct directory_system. */
struct directory_system {
	struct records *records;
	str actor, why;
};
enum rc directory_put_as_system(struct tx *tx, void *ctx, const struct type *t, const struct uuid *id,
				str fields, struct arena *a, struct err *err);

/* --- import (organisations as JSON {"organisations":[...]} or CSV) --- */
struct import_row_error {
	uint32_t row; /* CSV line or number of the object, from 1 */
	char words[160];
};
struct import_result {
	uint32_t added, changed, same, refused;
	struct import_row_error *errors; /* bad CIDRs, doubles, overlaps; in `a` */
	size_t error_count;
};
/* An organisation is known by its name (folded); importing again changes its record. Of what the
 * file says nothing (no contacts, no sector) stays what stands; of claims and contacts
 * those stay that did not come from a file ("source" of the row). `dry`: only says what would happen. With errors nothing is
 * written unless `partly`. */
struct import_run;
/* In two steps, so that a long file does not hold the writer: reads and compares, changing nothing;
 * *run_out lives in `a`, for which `text` must stay. */
MUST_CHECK enum rc directory_import_begin(struct conn *c, struct directory_records *d, str text,
					  struct arena *a, struct import_result *out,
					  struct import_run **run_out, struct err *err);
/* Writes what differs; called while *more_out. Where the file only adds, about `budget_us` in each
 * job; where it also changes what stands all is one job, as claims may go from one to another.
 * `a` is reset by nobody; a failure leaves what jobs before wrote. */
MUST_CHECK enum rc directory_import_write(struct tx *tx, struct import_run *run,
					  const struct directory_writer *w, int64_t budget_us,
					  bool *more_out, struct err *err);
/* Both at once, in one job. */
MUST_CHECK enum rc directory_import(struct tx *tx, struct directory_records *d,
				    const struct directory_writer *w, str text, bool dry, bool partly,
				    struct arena *a, struct import_result *out, struct err *err);

#endif
