/* SPDX-License-Identifier: Apache-2.0 */
/* pairing_private.h: between the files of pairing. */
#ifndef RONDA_EXCHANGE_PAIRING_PRIVATE_H
#define RONDA_EXCHANGE_PAIRING_PRIVATE_H

#include "exchange/pairing.h"

/* "https://host:port", nothing behind it. */
bool pairing_address_ok(str address);
/* Of ours as partners write it; n 0: they do not reach us. */
str pairing_own_address(struct exchange *x);
bool pairing_name_ok(str name);
void pairing_write(const struct invitation *i, struct buf *line);

/* Who the other one says that it is. */
struct claim {
	str node, name, address;   /* address "": it is not reached from outside */
	struct identity who;
};
/* Inside a job: its partner, in draft, with keys that wait; `partner` zero: a new one. RC_CONFLICT: the node id is another
 * partner's, or ours. `way`: the partner's field of that meaning. */
MUST_CHECK enum rc pairing_keep(struct tx *tx, struct exchange *x, const struct claim *c, struct uuid partner,
				const char *way, str by, struct arena *a, struct partner *out, struct err *err);

#endif
