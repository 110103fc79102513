/* SPDX-License-Identifier: Apache-2.0 */
/* directory_private.h: rows of the directory between its files: import writes
 * them, load reads them, the table is made from them. */
#ifndef RONDA_ROUTE_DIRECTORY_PRIVATE_H
#define RONDA_ROUTE_DIRECTORY_PRIVATE_H

#include "base/arena.h"
#include "route/directory.h"

enum scope_kind { SCOPE_NET, SCOPE_ASN, SCOPE_DOMAIN, SCOPE_COUNTRY, SCOPE_KINDS };
/* "net", "asn", "domain", "country": as stored. */
const char *scope_kind_name(enum scope_kind k);
bool scope_kind_parse(str text, enum scope_kind *out);

/* One claim: "this organisation, in this role, is concerned with this". */
struct scope_row {
	int64_t org;
	enum scope_kind kind;
	str value; /* "198.18.0.0/16", "64500", "example.org", "ID": canonical text */
	enum concern_role role;
	bool shared_address;
	int64_t from_us, until_us; /* season, half open; 0: no end on that side */
};

/* The table made from rows, which may be millions: each is kept in 48 bytes until the end, and no
 * text of it is needed after. */
struct directory_builder;
struct directory_builder *directory_builder_new(void);
void directory_builder_free(struct directory_builder *b); /* NULL is fine */
/* RC_INPUT: a value that is not canonical. */
MUST_CHECK enum rc directory_builder_row(struct directory_builder *b, const struct scope_row *row,
					 struct err *err);
/* Takes copies of the organisations; the builder is good for nothing else after. */
struct directory *directory_builder_end(struct directory_builder *b, const struct org *orgs,
					size_t org_count, uint64_t version);
/* All at once. */
MUST_CHECK enum rc directory_make(const struct org *orgs, size_t org_count,
				  const struct scope_row *rows, size_t row_count, uint64_t version,
				  struct directory **out, struct err *err);

/* ISO 3166-1 alpha-2, upper case. */
bool country_known(str cc);
str country_upper(struct arena *a, str cc);

/* Lower case (ASCII) and single spaces: how an organisation is known again. */
str org_fold(struct arena *a, str name);
bool org_kind_known(str kind);
/* What a claim means of which no role is said, by the kind of organisation; false: it makes no
 * such claim. */
bool scope_usual_role(str kind, enum scope_kind what, bool shared_address, enum concern_role *out);
/* A value as people write it, made canonical. RC_INPUT in plain words: host bits set, far too
 * large, no such country. */
MUST_CHECK enum rc scope_value(enum scope_kind kind, str text, enum concern_role role,
			       struct arena *a, str *out, struct err *err);

#endif
