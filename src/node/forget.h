/* SPDX-License-Identifier: Apache-2.0 */
/* forget.h: days of events and raw reports end: by a person, or by the setting keep_events. */
#ifndef RONDA_NODE_FORGET_H
#define RONDA_NODE_FORGET_H

#include "node/node.h"
#include "store/upkeep.h"

/* Days of receipt before `day`. What the fold has not seen waits for it, so that nothing is forgotten
 * before it became a finding. A line of the journal by `actor`; `dry`: only counts. */
MUST_CHECK enum rc node_forget(struct node *n, int32_t day, bool dry, str actor, struct forget_result *out,
			       struct err *err);
/* As part of opening a node: once an hour, days that are older than keep_events. */
void node_forget_open(struct node *n);

#endif
