/* SPDX-License-Identifier: Apache-2.0 */
/* destroy_private.h: what destroy.c and destroy_work.c share. */
#ifndef RONDA_NODE_DESTROY_PRIVATE_H
#define RONDA_NODE_DESTROY_PRIVATE_H

#include "node/destroy.h"

/* Of a row of table `destroying`. The row with object "" is the last: first its step is whether
 * the findings have to follow (0 or 1), then DESTROY_TIDY. */
enum destroy_step { DESTROY_UNDO, DESTROY_BEGIN, DESTROY_WAIT, DESTROY_TIDY };

/* The type such records are of; NULL: none is loaded. */
const struct type *destroy_type(const struct types *t);
/* Rows that are left of this record. */
MUST_CHECK enum rc destroy_rows(struct conn *c, const struct uuid *record, int64_t *count_out,
				struct err *err);
/* What else keeps words about it: outbox, ledger, approvals, imports, emergencies. */
MUST_CHECK enum rc destroy_words(struct tx *tx, struct node *n, str name, str actor, struct err *err);

/* Copies of the report's bytes in watched folders. */
MUST_CHECK enum rc destroy_copies(struct node *n, int64_t report, struct err *err);

#endif
