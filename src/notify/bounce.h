/* SPDX-License-Identifier: Apache-2.0 */
/* bounce.h: mail that did not arrive.
 *
 * Said by the relay at once, or later by a delivery status notification (RFC 3464) that mail-in read.
 * It stands in the ledger, and lowers the trust of the contact it was sent to: for good (5.x.x) to 0,
 * and a contact of trust 0 is passed over until a person sets it anew; a delay (4.x.x) by a little.
 * A message that did not arrive for good is sent to the next contact of that role; without one it
 * ends as failed, for a person to see. */
#ifndef RONDA_NOTIFY_BOUNCE_H
#define RONDA_NOTIFY_BOUNCE_H

#include "notify/notify.h"

struct bounce {
	int64_t message;     /* number of the outbox row */
	str address;         /* that could not be reached; "": not said, the contact it would go to now */
	str status;          /* "5.1.1" (RFC 3463); "" unknown */
	bool permanent;
	str words;           /* plain, for the ledger */
};
/* Inside a job. The same message, address and status again is RC_OK and changes nothing. RC_ABSENT: no
 * such message. RC_CONFLICT: one that was not sent. *next_out (may be NULL): it goes to another contact. */
MUST_CHECK enum rc bounce_note(struct tx *tx, const struct notify *n, const struct bounce *b, bool *next_out,
			       struct err *err);
/* The first status of the form 5.1.1 in a text; "": there is none. */
str bounce_status(str text);
/* Is it the mailbox that is at fault, and not the sender, the content, a policy or the way there? */
bool bounce_is_of_address(str status);

#endif
