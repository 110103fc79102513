/* SPDX-License-Identifier: Apache-2.0 */
/* handover_private.h: between the files that hand over. */
#ifndef RONDA_EXCHANGE_HANDOVER_PRIVATE_H
#define RONDA_EXCHANGE_HANDOVER_PRIVATE_H

#include "exchange/exchange_private.h"
#include "exchange/handover.h"

/* What a type means by it (handover.h). */
struct handover_type {
	const struct type_field *by, *outcome; /* outcome: what came of it; NULL: none */
	int waits, work, ends;     /* ends: -1: it stays open */
};
bool handover_type_of(const struct type *t, struct handover_type *out);

/* The offer of an item that waits for an answer, ours or another team's. */
struct handover_found {
	bool is;
	struct uuid id;
	const struct type *type;
	int64_t until_us;
};
MUST_CHECK enum rc handover_find(struct conn *c, struct exchange *x, const struct types *t, str item, bool ours,
				 struct arena *a, struct handover_found *out, struct err *err);
/* The id of the record that node `us` makes when it accepts this offer: it is made once. */
struct uuid handover_own_id(str us, str offer);

#endif
