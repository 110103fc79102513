/* SPDX-License-Identifier: Apache-2.0 */
/* indicators_once.h: indicators of what was written before their table came (version 3 of the store). */
#ifndef RONDA_NODE_INDICATORS_ONCE_H
#define RONDA_NODE_INDICATORS_ONCE_H

#include "store/store.h"

/* Background work, for store_add_tend(); `ctx` is the records engine. Goes once, in small jobs, through all
 * records whose type has indicators, and notes how far it is; then does nothing more. */
MUST_CHECK enum rc indicators_once(struct store *s, void *ctx, bool *did_out, struct err *err);

#endif
