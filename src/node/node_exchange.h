/* SPDX-License-Identifier: Apache-2.0 */
/* node_exchange.h: the exchange of a node: the floor that speaks with partners (exchange/exchange.h), with the
 * way of a report handed to it. */
#ifndef RONDA_NODE_NODE_EXCHANGE_H
#define RONDA_NODE_NODE_EXCHANGE_H

#include "exchange/exchange.h"
#include "node/node.h"

/* As part of opening and closing a node: before the pipeline begins to work in the background, and when it has
 * stopped. */
MUST_CHECK enum rc node_exchange_open(struct node *n, struct err *err);
void node_exchange_close(struct node *n);

#endif
