/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_private.h: what outbox.c, outbox_send.c and ledger.c share. */
#ifndef RONDA_RECORD_OUTBOX_PRIVATE_H
#define RONDA_RECORD_OUTBOX_PRIVATE_H

#include "record/outbox.h"

/* In the order that outbox_row() reads. */
#define MESSAGE_COLUMNS                                                                        \
	"id, state, lane, driver, recipient, item, item_version, template, details, purpose," \
	" policy, maker, made_at, made_us, not_before_us, expires_us, tries, words"
/* Statements that must go by an index however many messages there are: the test asks SQLite for their plans. That a
 * state is 2 or 3 is what index outbox_leased is of, and SQLite sees it only when it is said so. */
#define OUTBOX_OF_ITEM                                                                              \
	"SELECT " MESSAGE_COLUMNS " FROM outbox o WHERE o.id IN (SELECT id FROM outbox WHERE item = ?5" \
	" UNION SELECT message FROM outbox_cover WHERE item = ?5) AND o.id < ?1"                         \
	" AND (?2 = '' OR o.driver = ?2) AND (?3 = 0 OR o.state = ?3) AND (?4 = '' OR o.recipient = ?4)" \
	" ORDER BY o.id DESC LIMIT ?6"
#define OUTBOX_LOST                                                                                 \
	"SELECT " MESSAGE_COLUMNS " FROM outbox WHERE state IN (2, 3) AND state = 3 AND lease_us <= ?"
#define OUTBOX_REQUEUE                                                                              \
	"UPDATE outbox SET state = 1, lease_us = 0 WHERE state IN (2, 3) AND state = 2 AND lease_us <= ?"
#define OUTBOX_EXPIRED                                                                              \
	"SELECT " MESSAGE_COLUMNS " FROM outbox WHERE state = 1 AND driver = ? AND expires_us > 0"       \
	" AND expires_us <= ? LIMIT 1000"
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
