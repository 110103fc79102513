/* SPDX-License-Identifier: Apache-2.0 */
/* import_private.h: what the readers share. */
#ifndef RONDA_DIRECTORY_IMPORT_PRIVATE_H
#define RONDA_DIRECTORY_IMPORT_PRIVATE_H

#include "directory/import.h"

#define FORM(name) extern const struct import_form import_form_##name;
#include "directory/forms.def"
#undef FORM

/* --- import_draft.c: values into a draft; what cannot be taken is told --- */

struct drafting {
	const struct import_sink *to;
	struct arena *a;           /* of the whole import */
	struct draft d;
};
void draft_begin(struct drafting *w, const struct import_sink *to, struct arena *a, uint64_t row);
void draft_end(struct drafting *w); /* a draft without a name is told and dropped */

/* Plain text of one line, in the arena: controls and line ends become a space, at most `most`
 * characters. "" for what means nothing ("-", "N/A"). */
str draft_clean(struct arena *a, str text, size_t most);
void draft_name(struct drafting *w, str name);       /* the first is the name, others other_names */
void draft_kind(struct drafting *w, str word);       /* our choices, or words people use for them */
void draft_sector(struct drafting *w, str word);
void draft_country(struct drafting *w, str text);    /* a code, or an English name */
void draft_website(struct drafting *w, str text);
void draft_date(struct drafting *w, str text, str *out); /* "2003-01-01", "2003"; told when it is none */
void draft_external(struct drafting *w, const char *source, str id);
/* Values that are lists as text are added one by one. */
void draft_claim(struct drafting *w, const char *kind, str value, const char *role);
void draft_claims(struct drafting *w, const char *kind, str values, const char *role); /* by , ; space */
/* Copied; one without e-mail, telephone and webhook is left out, of two alike the first stays. */
void draft_contact(struct drafting *w, const struct draft_contact *c);
bool draft_is_email(str s);
str draft_email(struct arena *a, str text);          /* "mailto:a@b", "<a@b>" → a@b in lower case host; "" none */
/* "Thu, 29 Aug 2019 21:31:54 GMT", RFC 3339, a date: days since 1970; 0: none */
int32_t draft_day(str text);
void draft_told(struct drafting *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Next line of either kind of input; *row counts. Lines over IMPORT_LINE_MAX are cut. */
bool input_line(const struct import_input *in, str *left, uint64_t *row, str *line);
/* A JSON document whose rows are an array: itself, or its member `inside`. End *root with
 * json_free(). */
MUST_CHECK enum rc input_rows(const struct import_input *in, const char *inside, struct json_object **root,
			      struct json_object **rows, struct err *err);
/* One draft a row of such a document, filled by `fill`; *row is valid during the call. */
MUST_CHECK enum rc draft_rows(const struct import_input *in, const char *inside, const struct import_sink *to,
			      struct arena *a, void (*fill)(struct drafting *w, struct json_object *row),
			      struct err *err);
/* A string, or the number it is; "" else. */
str json_word(struct json_object *o, const char *key, struct arena *a);
/* Does a JSON document beginning so have these members (quoted, anywhere in the head)? */
bool head_has(str head, const char *const *words, size_t count);

/* --- import_drafts.c, import_known.c, import_join.c: drafts with what stands --- */

/* Drafts of one import, those of one organisation as one. */
struct drafts {
	struct arena *a;
	struct draft **list;
	size_t count, room;
	uint64_t *slots;           /* by external id and by name */
	size_t mask;
	bool over;
	const struct import_run *run;
	bulk_tell tell;
	void *ctx;
	struct import_outcome *out;
};
void drafts_add(void *ctx, const struct draft *d);
void drafts_end(struct drafts *w);

/* Small letters of ASCII, one space between words, no punctuation: to compare names. */
str import_fold(struct arena *a, str name);
/* Of a URL without "www."; "" none. */
str import_host(struct arena *a, str url);

/* Organisations that stand, to be known again. */
struct known {
	str id, body;              /* "organisation--…"; JSON as the viewer sees it */
	uint64_t version;
};
struct known_all;
MUST_CHECK enum rc known_load(struct reader *r, const struct types *t, const struct viewer *v,
			      struct known_all **out, struct err *err);
void known_free(struct known_all *k);
/* NULL: nobody. RC_CONFLICT: several could be meant. */
MUST_CHECK enum rc known_find(struct known_all *k, const struct draft *d, const struct known **out,
			      struct err *err);
/* The name of another who holds this claim in its role, or of whom a draft before wants it; "". */
str known_rival(struct known_all *k, const struct known *who, const struct draft *d,
		const struct draft_claim *c);
/* The members to be set, as JSON; *changes_out false: nothing would change. */
MUST_CHECK enum rc join_fields(const struct known *k, const struct draft *d, const struct import_run *run,
			       str source, int32_t today, struct json_out *out, bool *changes_out,
			       struct import_outcome *counts, struct err *err);

#endif
