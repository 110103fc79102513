/* SPDX-License-Identifier: Apache-2.0 */
/* import.h: other people's directories read, and made ours.
 *
 * Teams list themselves in several places (FIRST, Trusted Introducer, a Cerebrate, tables people
 * mail around); registries and sites publish whom to write to. A reader (forms.def, one file
 * each) is a pure function from bytes to drafts of organisations, or to contacts of last resort
 * (route/fallback.h). A draft is then joined with the organisation that stands: known again by
 * an id it has elsewhere, else by name or web site; what came is kept with its source, its day
 * and its trust (sources.def), and never takes the place of what is trusted more. All is written
 * by disclosure/bulk.h, so an import is tried first, told row by row, and can be undone. */
#ifndef RONDA_DIRECTORY_IMPORT_H
#define RONDA_DIRECTORY_IMPORT_H

#include "disclosure/bulk.h"
#include "route/fallback.h"

enum { DRAFT_CONTACTS_MAX = 50, DRAFT_CLAIMS_MAX = 10000, DRAFT_NAMES_MAX = 20,
       IMPORT_DRAFTS_MAX = 200000, IMPORT_LINE_MAX = 64 << 10 };
#define IMPORT_TEXT_MAX MIB(64)

/* --- what a reader makes; all text is checked, trimmed and cut to what the type takes --- */

struct draft_contact {
	str role;                  /* as the type's choices: "abuse", "security", "point24", … */
	str name, email, phone, webhook, hours, languages, key, key_until;
};
struct draft_claim {
	str kind, value, role;     /* "network", "192.0.2.0/24", "holder"; canonical */
};
struct draft {
	uint64_t row;              /* of the file, for messages */
	str external;              /* "ti:Team B": its id where it comes from; "" none */
	str name, kind, country, sector, timezone, website, established, address, languages, remarks;
	int32_t seen_day;          /* when the source says it was last true; 0: the file's day */
	str host;                  /* of the website; set once all drafts are there */
	bool website_is_own;       /* no other draft has its host: it may be known by it */
	bool partly;               /* not all the source knows: what it does not name stays */
	str names[DRAFT_NAMES_MAX];
	size_t name_count;
	struct draft_contact *contacts;
	size_t contact_count, contact_room;
	struct draft_claim *claims;
	size_t claim_count, claim_room;
};
/* Where a reader puts what it found; either member may be NULL. */
struct import_sink {
	void *ctx;
	void (*organisation)(void *ctx, const struct draft *d);
	void (*contact)(void *ctx, uint64_t row, const struct fallback_entry *e);
	void (*told)(void *ctx, uint64_t row, const char *words); /* what was left out, and why */
};
/* The bytes: all of them in `text`, or line by line from `line` (without its end; false: no
 * more) for files that are too large for that. */
struct import_input {
	str text;
	bool (*line)(void *ctx, str *out);
	void *ctx;
	str map;                   /* "COLUMN=FIELD,COLUMN=": csv alone */
	str subject;               /* whom it is about: the domain of a security.txt */
	int32_t seen_day;          /* of the file */
	uint8_t trust;             /* of the source, for contacts */
	const char *dir;           /* where what does not fit memory stands for the while (base/spill.h); or NULL */
	size_t memory;             /* of each of its tables; 0: as usual */
};
enum import_makes { IMPORT_ORGANISATIONS, IMPORT_CONTACTS };
struct import_form {
	const char *name, *brief;
	const char *source;        /* what its contacts are said to come from: a row of sources.def */
	enum import_makes makes;
	bool single;               /* says something of one address, number or name: notes, no table */
	bool by_line;              /* asks `line` alone: takes files of any size */
	/* Do bytes that begin so look like it? `head`: the first IMPORT_HEAD at most. NULL: never guessed. */
	bool (*claims)(str head, str file_name);
	/* Whose the file is, of its head: "apnic", "" not told; so that one registry's table does not
	 * replace another's. NULL: there is one of a kind. */
	str (*whose)(str head);
	/* RC_INPUT: none of this form. Rows that are wrong are told and left out. */
	enum rc (*read)(const struct import_input *in, const struct import_sink *to, struct arena *a,
			struct err *err);
};
enum { IMPORT_HEAD = 64 << 10 };
const struct import_form *import_form_find(str name);          /* NULL */
const struct import_form *import_form_guess(str head, str file_name); /* NULL */
const struct import_form *import_form_at(size_t i);            /* NULL: no more */

/* --- sources --- */

/* How much a source is believed, 0..100; what is not in sources.def: 30. "whois:apnic" is "whois". */
unsigned import_trust(str source);

/* --- organisations --- */

struct import_run {
	const struct import_form *form;
	struct import_input in;
	str source;                /* "" : the form's */
	str why, language;
	bool overwrite;            /* what the source says of name, site … wins over what stands */
	bool dry_run;
};
struct import_outcome {
	struct bulk_counts bulk;   /* of organisations */
	uint64_t contacts, claims; /* that the drafts had */
	uint64_t told;             /* sentences about what was left out */
	uint64_t kept;             /* values of ours that differ from the source's and stay */
};
/* RC_INPUT: rows were refused (each told) and nothing is changed. The drafts of one organisation
 * become one row of the run. */
MUST_CHECK enum rc import_organisations(struct records *r, struct store *s, const struct viewer *v,
					const struct import_run *run, bulk_tell tell, void *ctx,
					struct import_outcome *out, struct err *err);

/* --- contacts of last resort --- */

struct import_contacts_outcome {
	struct fallback_counts counts;
	uint64_t told;
	bool same;                 /* the same stood already */
};
/* Reads into a table and, unless dry, puts it in force as `run->source`; of a form that is
 * `single` each subject is noted, beside those of before. Rights are the caller's to ask
 * (RIGHT_OPERATE). */
MUST_CHECK enum rc import_contacts(struct store *s, struct journal *j, str actor,
				   const struct import_run *run, bulk_tell tell, void *ctx,
				   struct import_contacts_outcome *out, struct err *err);

#endif
