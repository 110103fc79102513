/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_private.h: what outbox.c, outbox_send.c and ledger.c share. */
#ifndef RONDA_RECORD_OUTBOX_PRIVATE_H
#define RONDA_RECORD_OUTBOX_PRIVATE_H

#include "record/outbox.h"

/* In the order that outbox_row() reads. */
#define MESSAGE_COLUMNS                                                                        \
	"id, state, lane, driver, recipient, item, item_version, template, details, purpose," \
	" policy, maker, made_at, made_us, not_before_us, expires_us, tries, words"
void outbox_row(struct sql *q, struct arena *a, struct message *out);
/* The rows of a statement of MESSAGE_COLUMNS, all of them; ends it. */
MUST_CHECK enum rc outbox_rows(struct sql *q, struct arena *a, struct message **out,
				size_t *count_out, struct err *err);

MUST_CHECK enum rc outbox_set_state(struct conn *c, int64_t id, enum message_state state, str words,
				     struct err *err);
/* The row that says how a message ended. */
MUST_CHECK enum rc ledger_of_message(struct tx *tx, const struct message *m, enum ledger_kind kind,
				     const struct outcome_of *o, struct err *err);

static inline str or_empty(str s)
{
	return s.p ? s : STR("");
}

#endif
