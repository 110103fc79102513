/* SPDX-License-Identifier: Apache-2.0 */
/* import_private.h: an organisation as a file states it, between the files
 * that read it (JSON, CSV), check it and write it. */
#ifndef RONDA_ROUTE_IMPORT_PRIVATE_H
#define RONDA_ROUTE_IMPORT_PRIVATE_H

#include "route/directory_private.h"
#include "route/directory_records.h"

enum {
	IMPORT_ORGS_MAX = 100000,
	IMPORT_CLAIMS_MAX = 1000000, /* of a file */
	IMPORT_ERRORS_MAX = 1000,
	IMPORT_CLAIMS_OF_ONE = 10000, /* as many rows a record has room for */
	IMPORT_CONTACTS_OF_ONE = 200,
	IMPORT_NAME_MAX = 200        /* bytes of a name, a sector, a mail address */
};
#define IMPORT_BYTES_MAX MIB(64)

struct draft_claim {
	struct scope_row row;
	uint32_t line;
	bool again; /* said twice of one organisation: not written */
	struct draft_claim *next;
};
struct draft_contact {
	struct contact c;
	struct draft_contact *next;
};
struct draft {
	str name, folded, kind, country, sector, timezone;
	struct draft_contact *contacts, **contacts_end;
	struct draft_claim *claims, **claims_end;
	size_t claim_count, contact_count;
	uint32_t line;  /* first seen at */
	bool bad;       /* has an error: not written */
	bool touched;   /* was written, or would be */
	struct draft *next;
};

struct import {
	struct arena *a;
	struct import_result *result;
	struct draft *drafts, **drafts_end;
	size_t draft_count, claim_count;
	struct draft **slots; /* hash of drafts by folded name */
	uint64_t seed;
	size_t error_room;
	struct draft *now;    /* being read */
	uint32_t line;        /* of it */
	int64_t from_us, until_us; /* season of this row */
};

/* Notes an error at the row being read, and spoils its organisation. */
void import_error(struct import *im, uint32_t line, struct draft *d, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* A row: begin, then the rest in any order but season before claims, then end. */
void import_begin(struct import *im, uint32_t line, str name, str kind, str country);
void import_plain(struct import *im, str sector, str zone);
void import_season(struct import *im, str from, str until);
void import_claim(struct import *im, enum scope_kind kind, str text, bool shared_address);
void import_contact(struct import *im, str role, str email, str phone);
/* A CSIRT of which no country is said is concerned with its own. */
void import_end(struct import *im, bool countries_said);

MUST_CHECK enum rc import_json(struct import *im, str text, struct err *err);
MUST_CHECK enum rc import_csv(struct import *im, str text, struct err *err);

/* Finds claims of two organisations on one thing, in the file or between file
 * and store: the later row is spoilt. Also marks what is said `again`. */
MUST_CHECK enum rc import_doubles(struct import *im, struct conn *c, struct err *err);
struct draft *import_find(struct import *im, str folded); /* NULL */

#endif
