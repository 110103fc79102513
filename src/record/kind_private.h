/* SPDX-License-Identifier: Apache-2.0 */
/* kind_private.h: pieces of kind.c, and of reading types, in files of their own. */
#ifndef RONDA_RECORD_KIND_PRIVATE_H
#define RONDA_RECORD_KIND_PRIVATE_H

#include "record/kind.h"

/* Code points of valid UTF-8. */
size_t text_characters(str s);
/* At most `most` bytes, and no half character: what of a value is shown in a sentence. */
str text_brief(str s, size_t most);

/* Of what iso_duration_parse() reads: written as days, hours, minutes and seconds. */
void iso_duration_format(struct buf *out, int64_t us);

/* "-12.5" in steps of its last of `decimals` digits; no exponent. False: more digits, or
 * beyond KIND_NUMBER_MOST. */
bool decimal_parse(str text, unsigned decimals, int64_t *out);
/* Without zeros at the end unless `all`. */
void decimal_format(struct buf *out, int64_t v, unsigned decimals, bool all);

/* "1900-01-01".."2261-12-31" as days since 1970-01-01. */
bool date_parse(str text, int64_t *day_out);

/* One value, not a list, not ROWS: canonical JSON into `out`, or what is wrong in `why`,
 * without the label. */
MUST_CHECK enum rc value_check(const struct type_field *f, struct json_object *v, struct json_out *out,
			       struct err *why);
/* The same from text that is not empty. */
MUST_CHECK enum rc value_parse(const struct type_field *f, str text, str language,
			       struct json_out *out, struct err *why);

/* ROWS: every error is told, with its label and row (from 1; 0: the list itself). */
struct rows_ask {
	bool keep_unknown;
	int state;                /* rows must have what is required there; -1: not asked */
	str language;
	void (*tell)(void *ctx, const struct type_field *f, unsigned row, const struct err *why);
	void *ctx;
};
MUST_CHECK enum rc rows_check(const struct type_field *f, struct json_object *v,
			      const struct rows_ask *ask, struct json_out *out, struct err *err);
/* One row a line, its columns with | between them (\| \n \\ as such); or a JSON array. */
MUST_CHECK enum rc rows_parse(const struct type_field *f, str text, str language,
			      struct json_out *out, struct err *err);
void rows_format(const struct type_field *f, struct json_object *value, struct buf *out);

#endif
