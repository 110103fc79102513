/* SPDX-License-Identifier: Apache-2.0 */
/* org_card.h: what of an organisation's record routes; between the files that make rows of records
 * and records of rows. Not for callers. */
#ifndef RONDA_ROUTE_ORG_CARD_H
#define RONDA_ROUTE_ORG_CARD_H

#include <json-c/json.h>

#include "record/record.h"
#include "route/directory_private.h"
#include "route/directory_records.h"

enum org_gone { ORG_ACTIVE, ORG_FORMER, ORG_ERASED };
enum { ORG_ROLE_BYTES = 32 };

struct directory_records {
	struct store *s;
	struct records *r;
	/* the writer thread's alone */
	bool touched;   /* rows changed since the last commit */
	bool moving;    /* an import that has compared all claims: they may pass through a double */
	bool lenient;   /* doubles are left out instead of refused */
	int64_t adopt;  /* the row the next record is of; 0: a new one */
};

struct card_row {
	struct scope_row scope;
	unsigned row;   /* of the record, from 1 */
};
struct card {
	str name, folded, kind, country, sector, timezone;
	struct contact *contacts;
	size_t contact_count;
	struct card_row *rows; /* in order, each once */
	size_t row_count;
	enum org_gone gone;
	bool succeeded; /* has a successor */
};
/* What is wrong of one row of the field that means "organisation.claims". */
typedef void (*card_wrong)(void *ctx, const struct type_field *f, unsigned row, const char *words);
/* `wrong` NULL: what is wrong is left out without a word. All in `a`. */
MUST_CHECK enum rc card_read(const struct record *rec, struct arena *a, card_wrong wrong, void *ctx,
			     struct card *out, struct err *err);
int card_row_cmp(const void *a, const void *b);

const struct type_field *meant_field(const struct type *t, const char *word); /* NULL */
struct json_object *meant_value(const struct type *t, struct json_object *body, const char *word);

/* Words of records for kinds and roles of claims: "network", "holder", ... */
const char *claim_kind_word(enum scope_kind k);
bool claim_kind_parse(str word, enum scope_kind *out);
const char *claim_role_word(enum concern_role r);
bool claim_role_parse(str word, enum concern_role *out);
/* A contact's role as files say it ("24x7"), as records do; "": they have none like it. */
str contact_role_word(str said);

/* The rows of one record, made or brought up to date. */
MUST_CHECK enum rc directory_project(struct tx *tx, struct directory_records *d,
				     const struct record *now, struct err *err);

/* claim_records.c: a hook: what is approved becomes a row of its organisation. */
enum rc claim_changed(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		      const struct record *now, struct err *err);

/* directory_former.c: a store_tend_fn of struct directory_records. */
enum rc former_tend(struct store *s, void *ctx, bool *did_out, struct err *err);

/* One claim as a row of a record's body. */
void claim_json(struct json_out *j, const struct scope_row *row, const char *source);

#endif
