/* SPDX-License-Identifier: Apache-2.0 */
/* letter_state.h: the record of a letter says how its message ended.
 *
 * A record that means "mail.recipient" moves to the state that means how: "mail.sent", "mail.failed",
 * "mail.uncertain", "mail.rehearsed". Senders do it in the job that ends the message; what ends
 * otherwise (a lease that ran out, a withdrawal) follows in the background. */
#ifndef RONDA_NOTIFY_LETTER_STATE_H
#define RONDA_NOTIFY_LETTER_STATE_H

#include "notify/notify.h"

/* Ends it as outbox_end() does. A record that cannot follow keeps no message from ending. */
MUST_CHECK enum rc letter_end(struct notify *n, const struct message *m, const struct outcome_of *o,
			      struct err *err);
/* Inside a job: of a message that ended there. Others than letters are RC_OK. */
MUST_CHECK enum rc letter_follow(struct tx *tx, const struct notify *n, int64_t message, struct err *err);
/* Registers the background work. */
void letter_state_open(struct notify *n);

#endif
