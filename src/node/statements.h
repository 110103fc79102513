/* SPDX-License-Identifier: Apache-2.0 */
/* statements.h: what people told us follows the cases it is linked with. */
#ifndef RONDA_NODE_STATEMENTS_H
#define RONDA_NODE_STATEMENTS_H

#include "node/node.h"

/* A record hook; ctx: the node. When the last open case of a statement that is being worked is
 * closed, the statement is closed in the same job. */
enum rc statements_follow(struct tx *tx, struct records *r, void *ctx, const struct record *before,
			  const struct record *now, struct err *err);

#endif
