/* SPDX-License-Identifier: Apache-2.0 */
/* withdrawn.h: events that a partner sent and takes back leave, and the findings follow.
 *
 * They are erased as single events are (record/erase.h), durably and in the background; when that has ended the
 * findings are made anew from what remains, once for all that waits. What was delivered (the raw report) stays
 * until its day is forgotten, as after an undo. */
#ifndef RONDA_NODE_WITHDRAWN_H
#define RONDA_NODE_WITHDRAWN_H

#include "node/node.h"

/* For exchange_world.take_back; `ctx` is the node. RC_CONFLICT: one of them is held for a case. */
MUST_CHECK enum rc node_take_back(void *ctx, int64_t report, const str *origin_events, size_t count, str why,
				  uint64_t *out, struct err *err);
/* As part of opening the node: what follows in the background. */
void node_withdrawn_open(struct node *n);

#endif
