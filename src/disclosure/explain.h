/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h: why somebody would be told, or not: the check's own answer, in words.
 *
 * Asks what reading and sending ask (authz.h, check.h) and nothing else, so an explanation cannot
 * differ from what happens. Who asks must be able to see the item himself. */
#ifndef RONDA_DISCLOSURE_EXPLAIN_H
#define RONDA_DISCLOSURE_EXPLAIN_H

#include "disclosure/account.h"
#include "disclosure/authz.h"
#include "disclosure/policy.h"
#include "disclosure/read.h"

struct explain_ask {
	str item;                  /* record id or "incident-42", "finding--HEX", "event--HEX" */
	const struct viewer *account; /* to a person of an account; NULL: to `to` */
	struct recipient to;
	struct uuid organisation;  /* whose `to` is; zero: nobody's */
	bool own;                  /* an event or finding: as if about his own asset */
	enum channel by;
	enum purpose purpose;
	struct policy policy;
};
struct explanation {
	struct decision decision;
	bool asks_rights;          /* of a person and a record: rights count too */
	struct answer rights;
	bool told;                 /* both together */
	struct labels labels;
	const char *cut[TYPE_FIELDS_MAX]; size_t cut_count; /* names of fields */
	str attribution;           /* whom to name when it is passed on; "" nobody */
};
/* Whose id that is ("organisation--UUID" at its word, "organisation-12" as the asker can see). */
MUST_CHECK enum rc explain_whose(struct reader *r, const struct types *t, const struct viewer *asker,
				 str id, struct arena *a, struct uuid *out, struct err *err);
MUST_CHECK enum rc explain_item(struct reader *r, const struct types *t, const struct viewer *asker,
				const struct explain_ask *ask, struct arena *a,
				struct explanation *out, struct err *err);


/* --- as people ask it (explain_to.c) --- */

bool channel_parse(str text, enum channel *out);
bool purpose_parse(str text, enum purpose *out);
/* Sets whom: `to` is public, staff, log, account:NAME, organisation--UUID or organisation-12, or
 * partner:ORGANISATION; also the policy in force for him. ask->by is set before. `room` holds the
 * viewer of an account and lives as long as *ask; *agreement_out is the kind of agreement that
 * counts, "" none. RC_INPUT: nobody the asker can name so. */
MUST_CHECK enum rc explain_to(struct reader *r, const struct types *t, const struct roles *roles,
			      struct policies *policies, const struct viewer *asker, str to,
			      struct arena *a, struct explain_ask *ask, struct viewer *room,
			      str *agreement_out, struct err *err);
/* "yes", "cut", "no"; and the rule that decided. */
const char *explanation_word(const struct explanation *e);
const char *explanation_rule(const struct explanation *e);

#endif
