/* SPDX-License-Identifier: Apache-2.0 */
/* shadowserver_private.h: between the files of this format, never for callers. */
#ifndef RONDA_INTAKE_SHADOWSERVER_PRIVATE_H
#define RONDA_INTAKE_SHADOWSERVER_PRIVATE_H

#include "intake/format.h"

/* How the text of a column becomes a value. "" is never one. */
enum ss_conversion {
	SS_PLAIN, /* as it is */
	SS_TEXT,  /* "0" and "unknown" mean none */
	SS_INT,
	SS_FLOAT,
	SS_BOOL,
	SS_COUNT, /* a whole number; 0 means none */
	SS_TIME,  /* UTC */
	SS_IP,    /* 0.0.0.0 means none */
	SS_NET,   /* only with a prefix length */
	SS_FQDN,
	SS_URL, /* from the columns for host and path */
	SS_DATE,
	SS_DATE_UTC,
	SS_CVE,      /* the CVE numbers in a list of tags */
	SS_CATEGORY, /* or the detail when it is empty */
	SS_BASE64,   /* encoded when it is not yet */
	SS_EXCHANGE_TAXONOMY,
	SS_EXCHANGE_TYPE,
	SS_EXCHANGE_IDENTIFIER, /* by 'webshell' in the tags */
	SS_CONSTANT,            /* no column: the value stands in the rule */
	SS_DEFAULT              /* the same, where no column gives one */
};

/* Of two rules for one field the later one wins. */
struct ss_rule {
	str column;
	str field; /* "source.ip", "extra.tag" */
	enum ss_conversion conversion;
	str value; /* SS_CONSTANT, SS_DEFAULT */
	bool required;
};

struct ss_type {
	str name;
	struct ss_rule *rules;
	size_t count;
};

struct ss_columns {
	const str *name;
	size_t count;
};

/* --- our own tables --- */

/* The name as it is today; "" when there is no such report. */
str ss_report_name(str name);
/* The report whose columns these are, "" when none or several fit. */
str ss_report_by_columns(const struct ss_columns *columns);
/* Rules for these columns; with name "": by the columns alone. */
struct ss_type ss_tables_type(str name, const struct ss_columns *columns, struct arena *a);
size_t ss_report_count(void);
str ss_report_at(size_t i);
/* Names of the columns of report `i`, separated by spaces. */
str ss_report_columns(str name, struct arena *a);

/* --- the official schema file (intelmq.json) --- */

struct ss_schema {
	struct ss_type *types;
	size_t count;
};
MUST_CHECK enum rc ss_schema_read(str json, struct arena *a, struct ss_schema *out,
				  struct err *err);
const struct ss_type *ss_schema_find(const struct ss_schema *s, str name);
const struct ss_type *ss_schema_by_columns(const struct ss_schema *s,
					   const struct ss_columns *columns);

/* --- one line --- */

/* The columns of a line as Python's csv module reads them, which these reports are tried with:
 * bytes behind a closing quote belong to the field. The first `most` are kept, all (but empty
 * ones behind those) are counted. False: a quote is not closed. */
bool ss_split(str line, struct arena *a, str *fields, size_t most, size_t *count_out,
	      size_t *longest_out);

/* --- one value --- */

/* How the columns are found that a conversion needs beside its own: indices, or -1. */
struct ss_beside {
	int host, path, application, detail;
};
struct ss_step {
	uint16_t column;
	uint8_t field;      /* enum field, FIELD_EXTRA */
	uint8_t conversion; /* enum ss_conversion */
	bool required;
	bool also; /* the same target as the step before: only when that gave nothing */
	bool keep; /* what does not convert is kept as extra.<column> */
	str key;   /* of FIELD_EXTRA */
	str column_name;
	str value; /* of SS_CONSTANT, SS_DEFAULT: as it is stored when `ready` */
	bool ready;
};
enum ss_outcome { SS_NONE, SS_SET, SS_WRONG };
enum ss_outcome ss_convert(struct parse *p, const struct ss_step *step, const str *fields,
			   const struct ss_beside *beside);

#endif
