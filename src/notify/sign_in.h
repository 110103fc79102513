/* SPDX-License-Identifier: Apache-2.0 */
/* sign_in.h: links by which people of the organisations we serve come in: an invitation, and one-time links.
 *
 * Both are messages of the outbox to a contact of the account's own organisation; what they hold is made when they
 * are sent (link.h), so neither main.db nor a copy of it opens anything. A link works once, for an account of an outside role
 * alone, until what the account proves itself by changes, and only when its message went out. */
#ifndef RONDA_NOTIFY_SIGN_IN_H
#define RONDA_NOTIFY_SIGN_IN_H

#include "notify/notify.h"

#define SIGN_IN_INVITED_US (3 * DAY_US)
#define SIGN_IN_ONCE_US (15 * MINUTE_US)
#define SIGN_IN_PAUSE_US MINUTE_US   /* between two that are asked for */

/* The contact of an organisation by which one of its people is invited: with this role ("": any), the first that was
 * confirmed. RC_INPUT: none was; RC_ABSENT: no such organisation, or not in use. */
MUST_CHECK enum rc sign_in_contact(struct conn *c, const struct types *t, str organisation, str role,
				   struct arena *a, str *contact_out, struct err *err);
/* Inside a job: the account belongs to this contact ("organisation--…/abuse") from now on, and is told so. RC_INPUT:
 * an account of ours; RC_ABSENT: the contact is not there, or cannot be reached. */
MUST_CHECK enum rc sign_in_invite(struct tx *tx, struct notify *n, int64_t account, str contact, str by,
				  struct err *err);
/* Inside a job: who says to be `name` would like a link. RC_OK whether there is such an account or not. */
MUST_CHECK enum rc sign_in_ask(struct tx *tx, struct notify *n, str name, struct err *err);
/* Inside a job: whose it is; it is used up. RC_DENIED: one sentence for every reason. */
MUST_CHECK enum rc sign_in_take(struct tx *tx, struct notify *n, str token, int64_t *account_out,
				struct err *err);

#endif
