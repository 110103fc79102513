/* SPDX-License-Identifier: Apache-2.0 */
/* csv_mapping.h: what the columns of somebody's CSV mean, as a small text file.
 *
 *   # a comment
 *   delimiter ,                 one character, or: tab space pipe semicolon comma
 *   quote "                     one character, or: none
 *   header yes                  yes: the first record names the columns (default); no
 *   comment #                   lines that begin with this are comments (default: none)
 *   column src -> source.ip     by name (any case), or by number from 1
 *   column host -> source.ip | source.fqdn | source.url     the first that fits
 *   column when -> time.source time                          with a conversion
 *   column note -> extra.note optional   a value that does not fit goes to extra.<column>
 *   column junk -> -            not kept
 *   when category = bot set classification.type = infected-system
 *   set classification.identifier = open-dns
 *   time-format %d/%b/%Y:%H:%M:%S %z     for the conversion "time"; may be repeated
 *   rest drop                   columns not named here: extra (default) or drop
 *
 * Conversions: lower upper time epoch epoch-ms filetime zero-none unknown-none
 * label ("key: value;" becomes value) host (of a URL or host:port) optional.
 * Fields are those of fields.def or extra.NAME. A column fills a field that no
 * earlier one filled; "when" comes after the columns, "set" last, each only
 * where there is no value yet. Lines "when" compare trimmed text, in any case. */
#ifndef RONDA_INTAKE_CSV_MAPPING_H
#define RONDA_INTAKE_CSV_MAPPING_H

#include "event/normalise.h"

enum {
	CSV_TARGETS = 4,
	CSV_TIME_FORMATS = 8,
	MAPPING_LINES = 2000,
};

enum csv_convert {
	CONVERT_LOWER = 1 << 0,
	CONVERT_UPPER = 1 << 1,
	CONVERT_TIME = 1 << 2,
	CONVERT_EPOCH = 1 << 3,
	CONVERT_EPOCH_MS = 1 << 4,
	CONVERT_FILETIME = 1 << 5,
	CONVERT_ZERO_NONE = 1 << 6,
	CONVERT_UNKNOWN_NONE = 1 << 7,
	CONVERT_LABEL = 1 << 8,
	CONVERT_HOST = 1 << 9,
	CONVERT_OPTIONAL = 1 << 10
};

struct csv_target {
	enum field field;
	str key; /* of FIELD_EXTRA */
};

struct csv_column {
	str name;
	size_t number; /* from 1; 0: by name */
	struct csv_target target[CSV_TARGETS];
	size_t targets; /* 0: not kept */
	unsigned convert;
};

struct csv_rule {
	str column;      /* "": always */
	size_t number;
	size_t index;    /* of the column in this report; SIZE_MAX: not there */
	str value;
	struct csv_target target;
	str set;
};

struct csv_mapping {
	char delimiter, quote;
	bool header, drop_rest;
	str comment;
	const char *time_format[CSV_TIME_FORMATS];
	size_t time_formats;
	struct csv_column *column;
	size_t columns;
	struct csv_rule *rule;
	size_t rules;
};

/* True when `text` could be a mapping of this kind (a schema in JSON is none). */
bool csv_mapping_is(str text);
/* Everything in `a`. RC_INPUT with the line that is wrong. */
MUST_CHECK enum rc csv_mapping_read(str text, struct arena *a, struct csv_mapping *out,
				    struct err *err);

/* Sets the first target of `c` that `text` fits. */
MUST_CHECK enum rc csv_column_set(const struct csv_mapping *m, const struct csv_column *c,
				  struct batch *b, str text, struct arena *a, struct err *err);
MUST_CHECK enum rc csv_target_set(const struct csv_target *t, struct batch *b, str text,
				  struct err *err);

#endif
