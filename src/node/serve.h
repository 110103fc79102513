/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h: the long-running node: listener, control socket, watched folders,
 * background work; sd_notify; SIGHUP reads settings again, SIGTERM ends it. */
#ifndef RONDA_NODE_SERVE_H
#define RONDA_NODE_SERVE_H

#include "base/queue.h"
#include "node/node.h"

/* Runs until a signal or `stop` (may be NULL) opens. `ready` is called once
 * with the address ("http://127.0.0.1:8420"). */
MUST_CHECK enum rc node_serve(struct node *n, struct gate *stop,
			      void (*ready)(void *ctx, const char *address), void *ctx,
			      struct err *err);

#endif
