/* SPDX-License-Identifier: Apache-2.0 */
/* node_notify.h: the senders of a node, with the resolvers of all floors. */
#ifndef RONDA_NODE_NODE_NOTIFY_H
#define RONDA_NODE_NODE_NOTIFY_H

#include "node/node.h"
#include "notify/notify.h"

/* As part of opening and closing a node. */
MUST_CHECK enum rc node_notify_open(struct node *n, struct err *err);
void node_notify_close(struct node *n);

#endif
