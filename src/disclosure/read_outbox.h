/* SPDX-License-Identifier: Apache-2.0 */
/* read_outbox.h: outbox and ledger (record/outbox.h) for output, and what a person does about a
 * message.
 *
 * Who operates the node sees that there are messages, where to, and how they fare; what an item
 * is that he may not see is left out: its id, what was rendered of it, what was said about it. */
#ifndef RONDA_DISCLOSURE_READ_OUTBOX_H
#define RONDA_DISCLOSURE_READ_OUTBOX_H

#include "disclosure/account.h"
#include "disclosure/read_records.h"
#include "record/outbox.h"

/* RC_DENIED: he does not operate this node. `q->item` is taken as read_record takes it; one that he may not
 * see has no messages. Of what he may not see item, item_version, details, maker and words are
 * empty. */
MUST_CHECK enum rc read_outbox(struct reader *r, const struct types *t, const struct viewer *v,
			       const struct outbox_query *q, struct arena *a, struct message **out,
			       size_t *count_out, struct err *err);
MUST_CHECK enum rc read_message(struct reader *r, const struct types *t, const struct viewer *v,
				int64_t id, struct arena *a, struct message *out, struct cover **covers,
				size_t *cover_count, struct err *err);
/* outbox_again() or outbox_withdraw(): journalled, with a reason. */
MUST_CHECK enum rc change_message(struct records *r, struct store *s, const struct viewer *v,
				  int64_t id, bool again, str why, struct err *err);
/* For who operates the node, and for roles that read the journal. Of what he may not see item,
 * item_version, cut, reference and words are empty. */
MUST_CHECK enum rc read_ledger(struct reader *r, const struct types *t, const struct roles *roles,
			       const struct viewer *v, const struct ledger_query *q, struct arena *a,
			       struct ledger_row **out, size_t *count_out, struct err *err);

#endif
