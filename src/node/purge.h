/* SPDX-License-Identifier: Apache-2.0 */
/* purge.h: what was found for a request of a person (privacy/subject.h) is erased. */
#ifndef RONDA_NODE_PURGE_H
#define RONDA_NODE_PURGE_H

#include "node/destroy.h"
#include "privacy/subject.h"

struct purge_result {
	struct erase_result erased; /* with what is held, or not his to erase */
	size_t excepted;            /* by the request; and rows of the ledger, which stay */
};
/* What this node's part of an ask is. */
struct subject_ask node_subject_ask(struct node *n, const struct types *t, const struct viewer *v, str id);
/* RC_CONFLICT: the request was not reviewed yet. RC_DENIED: none of his roles erases for it. */
MUST_CHECK enum rc node_purge(struct node *n, const struct subject_ask *q, struct arena *a,
			      struct purge_result *out, struct err *err);
/* The reply, with a line in the journal that it was made. */
MUST_CHECK enum rc node_subject_reply(struct node *n, const struct subject_ask *q, struct arena *a,
				      struct subject_pack *out, struct err *err);

#endif
