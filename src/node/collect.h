/* SPDX-License-Identifier: Apache-2.0 */
/* collect.h: watched folders, the first collector.
 *
 * Each file that stands complete in a feed's folder (closed or moved in, and
 * unchanged for a second) is one report. When it is acknowledged it moves to
 * done/, when it is refused as a whole to refused/; on a passing failure (full
 * disk) it stays and is tried again. Names that begin with '.' or end in
 * .part or .tmp are left alone. */
#ifndef RONDA_NODE_COLLECT_H
#define RONDA_NODE_COLLECT_H

#include "node/pipeline.h"

struct collector;
/* Starts its one thread; feeds are read anew at each look (every two seconds). */
MUST_CHECK enum rc collect_start(struct node *n, struct collector **out, struct err *err);
void collect_stop(struct collector *c);

/* One look over all folders, in the calling thread: for tests and --once. */
MUST_CHECK enum rc collect_once(struct node *n, uint64_t *taken_out, struct err *err);

#endif
