/* SPDX-License-Identifier: Apache-2.0 */
/* kind.h: the values of fields: checked, made canonical, shown as text.
 *
 * Values in a body are JSON as type.h lists them. What comes from outside (form,
 * command line, CSV, API) is checked here and nowhere else. */
#ifndef RONDA_RECORD_KIND_H
#define RONDA_RECORD_KIND_H

#include "record/type.h"

/* Characters of texts and entries of rows: when the type says nothing, and at most. */
enum { KIND_TEXT_USUAL = 200, KIND_TEXT_MOST = 2000, KIND_LONG_USUAL = 20000, KIND_LONG_MOST = 200000,
       KIND_ROWS_USUAL = 100, KIND_ROWS_MOST = 10000, KIND_LIST_MOST = 500, KIND_DECIMALS_MOST = 9,
       KIND_URL_MOST = 8000, KIND_FILE_NAME_MOST = 200 };
#define KIND_FILE_MOST MIB(16)
/* NUMBER counts in steps of its last decimal: least..most, and its key. */
#define KIND_NUMBER_MOST INT64_C(999999999999999999)

/* Checks `value` against `f` and writes it canonically. RC_INPUT or RC_LIMIT with a
 * sentence that begins with the field's label in `language`. */
MUST_CHECK enum rc kind_check(const struct type_field *f, struct json_object *value, str language,
			      struct json_out *out, struct err *err);
/* The same from text as people write it ("4h", "IDR 12,50", "AS64500", lists by line);
 * empty text: null. */
MUST_CHECK enum rc kind_parse(const struct type_field *f, str text, str language, struct json_out *out,
			      struct err *err);
/* As kind_parse would read it again. */
void kind_format(const struct type_field *f, struct json_object *value, struct buf *out);
/* For indexes and sorting: numbers, times (us) and money as 64-bit, else folded text
 * (cut at 120 bytes). False: no value. */
struct kind_key {
	bool is_number;
	int64_t number;
	str text;
};
bool kind_key(const struct type_field *f, struct json_object *value, struct arena *a, struct kind_key *out);

/* A whole body: every member checked (what is SHARE_SEALED must be ciphertext: disclosure/seal.h), unknown names refused (or kept, when
 * `keep_unknown`: newer partners), closed blocks refused, fields required in `state`
 * asked for. `*out` gets the canonical JSON object, members in the type's order.
 * All errors are told, one each, up to `most`; RC_INPUT when there was one. */
struct body_error {
	const struct type_field *field; /* NULL: the body itself */
	unsigned row;              /* of ROWS, from 1; 0: none */
	char text[200];
};
#define BODY_ANY_STATE UINT32_MAX /* nothing must be there */
MUST_CHECK enum rc body_check(const struct type *t, unsigned state, struct json_object *body,
			      bool keep_unknown, str language, struct buf *out,
			      struct body_error *errors, size_t most, size_t *count_out,
			      struct err *err);
/* A DURATION as bodies hold it: ISO 8601, "P1Y2M3W4DT5H6M7S" with an optional sign; a year is 365
 * days, a month 30; at most a thousand years. */
bool iso_duration_parse(str text, int64_t *us_out);
/* Is the block of `f` open in this body? */
bool field_open(const struct type *t, const struct type_field *f, struct json_object *body);

#endif
