/* SPDX-License-Identifier: Apache-2.0 */
/* takedown_sight.h: targets of takedowns looked at, through the proxy of setting takedown_proxy, and their
 * names looked up, at the name server of setting takedown_dns: nothing of it from here. */
#ifndef RONDA_NODE_TAKEDOWN_SIGHT_H
#define RONDA_NODE_TAKEDOWN_SIGHT_H

#include "incident/takedown.h"
#include "node/node.h"

/* As long as the node. */
struct takedown_sight node_takedown_sight(struct node *n);

#endif
