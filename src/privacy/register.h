/* SPDX-License-Identifier: Apache-2.0 */
/* register.h: the register of processing: what is kept about persons, and why.
 *
 * As article 30 of the General Data Protection Regulation (EU) 2016/679 and laws like it ask for,
 * made from the types themselves: purpose, legal basis, personal fields, who reads them, how long
 * they are kept; and whom something went to, from the ledger. */
#ifndef RONDA_PRIVACY_REGISTER_H
#define RONDA_PRIVACY_REGISTER_H

#include "disclosure/read_outbox.h"

struct register_ask {
	const struct types *types;
	const struct roles *roles;
	const struct viewer *viewer;
	str language;
};
/* Members of the object that is open: "rows":[{"type","label","purpose","basis","personal":[…],
 * "read_by":[…],"retention","exchange","recipients":[{"recipient","count"}]}]. Recipients only
 * for who may read the ledger ("recipients_shown"). RC_DENIED: for our own people alone. */
MUST_CHECK enum rc privacy_register(struct reader *r, const struct register_ask *q, struct arena *a,
				    struct json_out *j, uint64_t *count_out, struct err *err);

#endif
