/* SPDX-License-Identifier: Apache-2.0 */
/* stix_pattern.h: what an indicator's pattern says of single things (STIX 2.1 section 9).
 *
 * Read are comparisons by =, IN and ISSUBSET of addresses, names, URLs, accounts, digests and the ends of traffic,
 * joined by AND and OR, with brackets; observations joined by OR. Each alternative is a match: what must be seen
 * together. What says more than that (NOT, LIKE, FOLLOWEDBY, WITHIN, …) is not read: an alternative loses
 * nothing but itself, and never becomes wider than it was written. No recursion. */
#ifndef RONDA_STIX_STIX_PATTERN_H
#define RONDA_STIX_STIX_PATTERN_H

#include "base/arena.h"

enum { STIX_TERMS_MOST = 8, STIX_MATCHES_MOST = 1000 };
struct stix_term {
	const char *field;  /* name of an event's field: "source.ip" */
	str value;
	bool number;        /* to be written without quotes */
};
struct stix_match {
	struct stix_term terms[STIX_TERMS_MOST];
	size_t count;
};
/* The alternatives that are read, in `a`; *whole: that is all of them. RC_INPUT: it is no pattern, or nothing of it is
 * read; the words say which. RC_LIMIT. */
MUST_CHECK enum rc stix_pattern_read(str pattern, struct arena *a, struct stix_match **out, size_t *count_out,
				     bool *whole, struct err *err);

#endif
