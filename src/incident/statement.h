/* SPDX-License-Identifier: Apache-2.0 */
/* statement.h: what somebody tells us without signing in, and how far it has come.
 *
 * It becomes a record of the type that means "statement.receipt", which waits for one of us to look
 * at it. Nothing in it is believed. Who told us gets a receipt number of 100 random bits: whoever
 * knows it learns three words (received, being worked, closed), never what was written. A case that
 * is made from it (from.h) accepts it; when the last case it is linked with is closed, it is too. */
#ifndef RONDA_INCIDENT_STATEMENT_H
#define RONDA_INCIDENT_STATEMENT_H

#include "disclosure/change.h"
#include "disclosure/policy.h"
#include "incident/case.h"

enum { STATEMENT_WHAT_MAX = 5000, STATEMENT_WHEN_MAX = 200, STATEMENT_WHERE_MAX = 2000, STATEMENT_CONTACT_MAX = 254,
       RECEIPT_BYTES = 25 }; /* "XXXX-XXXX-XXXX-XXXX-XXXX" and NUL, Crockford's base 32 */

struct statement_new {
	str what;                  /* must be there; the others may be "" */
	str when, where, contact;
	bool consent;              /* we may ask back */
	str language;              /* "en", "id" */
};
/* RC_INPUT: nothing in it, too long, no text. */
MUST_CHECK enum rc statement_check(const struct statement_new *q, struct err *err);
/* `v` is the node's own (viewer_node), with the policy in force. RC_INPUT: as statement_check(). */
MUST_CHECK enum rc statement_make(struct records *r, struct store *s, const struct types *t,
				  const struct viewer *v, const struct statement_new *q,
				  char receipt_out[RECEIPT_BYTES], struct err *err);

enum statement_stage { STATEMENT_RECEIVED = 1, STATEMENT_WORKED, STATEMENT_CLOSED };
const char *statement_stage_name(enum statement_stage s); /* "received", "worked", "closed" */
struct statement_status {
	enum statement_stage stage;
	int64_t received_us, changed_us;
};
/* However it is typed: small letters, spaces, O for 0. RC_ABSENT: there is none of that number. */
MUST_CHECK enum rc statement_find(struct reader *r, const struct types *t, const struct viewer *v, str receipt,
				  struct arena *a, struct statement_status *out, struct err *err);

#endif
