/* SPDX-License-Identifier: Apache-2.0 */
/* fields.h: the names, types and limits of what an event can say, from
 * fields.def and taxonomy.def (RSIT, IntelMQ's data format). Static tables;
 * any thread. */
#ifndef RONDA_EVENT_FIELDS_H
#define RONDA_EVENT_FIELDS_H

#include "base/ip.h"

enum field {
#define FIELD(id, name, type, longest, personal) FIELD_##id,
#include "event/fields.def"
#undef FIELD
	FIELD_COUNT,
	FIELD_EXTRA = 255 /* extra.*: the name is the cell's key */
};

enum field_type {
	FT_TEXT, FT_LOWER, FT_UPPER, FT_IP, FT_NET, FT_FQDN, FT_URL, FT_TIME, FT_ASN, FT_INT,
	FT_FLOAT, FT_BOOL, FT_ACCURACY, FT_REGISTRY, FT_TLP, FT_TAXONOMY, FT_TYPE, FT_SEVERITY,
	FT_JSON, FT_BASE64, FT_CONCERNS
};

enum field_class { FIELD_PLAIN, FIELD_PERSONAL, FIELD_OURS };

struct field_row {
	const char *name;
	enum field_type type;
	uint16_t longest; /* characters; 0: no own limit */
	enum field_class class;
};

const struct field_row *field_row(enum field f); /* f < FIELD_COUNT */
bool field_find(str name, enum field *out);      /* not for extra.* */

/* TLP 2.0 (FIRST). Ordered: a stricter marking is a larger number. */
enum tlp { TLP_CLEAR, TLP_GREEN, TLP_AMBER, TLP_AMBER_STRICT, TLP_RED, TLP_COUNT };
const char *tlp_name(enum tlp t); /* "CLEAR", "AMBER+STRICT", ... */
/* With or without "TLP:", any case; WHITE = CLEAR, YELLOW = AMBER (TLP 1);
 * false when not understood: the caller then treats it as RED. */
bool tlp_parse(str text, enum tlp *out);

/* RSIT: the canonical type and its taxonomy; aliases of yesterday understood
 * in any case. STR_NONE when unknown. Static strings. */
str type_canonical(str text);
str type_taxonomy(str type);     /* of a canonical type */
str taxonomy_canonical(str text);

/* "info", "low", "medium", "high", "critical": 0..4; -1 when none of these. */
int severity_rank(str text);

#endif
