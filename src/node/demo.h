/* SPDX-License-Identifier: Apache-2.0 */
/* demo.h: a demonstration node: everything in it is made up.
 *
 * Eleven teams of South-East Asia ("Team A" to "Team K") on 198.18.0.0/15 and
 * 2001:db8::/32 (RFC 2544, RFC 3849), AS numbers of RFC 5398, names under
 * .example; the node is Team B's. Nothing leaves the machine. The same seed
 * gives the same reports. */
#ifndef RONDA_NODE_DEMO_H
#define RONDA_NODE_DEMO_H

#include "node/pipeline.h"

/* Makes DIR with a node for the demonstration: its settings, networks,
 * directory and feeds; no reports yet. */
MUST_CHECK enum rc demo_create(const char *dir, const char *listen, struct err *err);

/* Delivers yesterday's and today's first reports. */
MUST_CHECK enum rc demo_fill(struct node *n, struct err *err);
/* One more small report, the number-th since the start. */
MUST_CHECK enum rc demo_tick(struct node *n, unsigned number, struct err *err);

/* Writes one made-up Shadowserver report: `type` is scan_telnet, scan_rdp,
 * event4_sinkhole or compromised_website; `seed` chooses its lines; hosts
 * number `first` to `first + lines - 1` of the made-up machines are in it. */
MUST_CHECK enum rc demo_report(const char *type, uint64_t seed, unsigned first, unsigned lines,
			       int64_t at_us, struct buf *out, struct err *err);

#endif
