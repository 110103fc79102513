/* SPDX-License-Identifier: Apache-2.0 */
/* holds.h: what is kept for a case.
 *
 * A hold is a record of a type that has the meanings "hold.case", "hold.placed" and "hold.lifted", and
 * a list of what it keeps (store/held.h). Its reason stands in the record alone, sealed when it
 * must be. It ends when the record is moved to the state that means "lifted". */
#ifndef RONDA_NODE_HOLDS_H
#define RONDA_NODE_HOLDS_H

#include "node/node.h"

enum { HOLD_OBJECTS_MOST = 200, HOLD_EVENTS_MOST = 100000 };
struct hold_request {
	str title, in_case, ground, reason, language; /* in_case: "incident-4" */
	bool secret;               /* that it is held may not be told to whom it is about */
	const str *objects; size_t count; /* as in destroy.h, without quarantine; "report:12" */
	struct event_query *events; /* a question: these too, as they are now; NULL: none */
};
struct hold_result {
	str id;
	uint64_t kept;
};
/* RC_DENIED: no role of his places holds; RC_ABSENT: one of them is not there for him. */
MUST_CHECK enum rc node_hold(struct node *n, const struct viewer *v, const struct hold_request *q,
			     struct arena *a, struct hold_result *out, struct err *err);
/* Once, after the records: lifting. */
void node_holds_open(struct node *n);

#endif
