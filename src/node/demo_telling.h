/* SPDX-License-Identifier: Apache-2.0 */
/* demo_telling.h: in the demonstration findings are told by a rule. All but one organisation are in
 * rehearsal; that one is live, and is told by the portal, which leaves no machine: so its page of answers
 * has something to show. */
#ifndef RONDA_NODE_DEMO_TELLING_H
#define RONDA_NODE_DEMO_TELLING_H

#include "node/node.h"

#define DEMO_LIVE "Universitas Empat" /* in the directory with this name */
#define DEMO_DESK "Constituent A"     /* its account in the portal */

/* Before the first report: rules, of which two are active; the live organisation, its account. Nothing
 * when there are rules already. */
MUST_CHECK enum rc demo_rules(struct node *n, struct err *err);
/* When all reports were taken: waits, at most some seconds, until the rules have told; ends what went
 * to nobody as rehearsed; what was told is read and answered. */
MUST_CHECK enum rc demo_told(struct node *n, struct err *err);

#endif
