/* SPDX-License-Identifier: Apache-2.0 */
/* indicators.h: which records have the same address, network, domain, URL or digest.
 *
 * A table kept by a record hook: for every type with a field that means "case.indicators" (rows,
 * found by the kinds of their columns), one row for each value of what stands. Nothing is shown from
 * it: it gives ids, and who reads goes on through disclosure/read_records.h. */
#ifndef RONDA_INCIDENT_INDICATORS_H
#define RONDA_INCIDENT_INDICATORS_H

#include "incident/case.h"

enum { INDICATORS_MOST = 500 }; /* of one record */
enum indicator_kind { INDICATOR_NET = 1, INDICATOR_DOMAIN, INDICATOR_URL, INDICATOR_DIGEST };
struct indicator {
	enum indicator_kind kind;
	str text;                  /* as people read it, canonical */
	struct net net;            /* of INDICATOR_NET */
	bool from_url;             /* the host of a URL, not said by itself */
};
/* Those of a body, each once; in `a`. At most INDICATORS_MOST. */
size_t indicators_of(const struct type_field *f, struct json_object *body, struct arena *a,
		     struct indicator **out);

/* For records_add_hook(): type NULL, no ctx. */
MUST_CHECK enum rc indicators_follow(struct tx *tx, struct records *r, void *ctx,
				     const struct record *before, const struct record *now,
				     struct err *err);
/* Those that have it: the same value; a network that holds it, or is held by it. At most `most`,
 * `text` is what stands there. */
typedef bool (*indicator_each)(void *ctx, str id, str text);
MUST_CHECK enum rc indicators_like(struct conn *c, const struct indicator *i, size_t most,
				   indicator_each each, void *ctx, struct err *err);

#endif
