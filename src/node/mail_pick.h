/* SPDX-License-Identifier: Apache-2.0 */
/* mail_pick.h: takes mails from the mailbox that settings name, and sees each to its end.
 *
 * One thread looks every `mail_in_every`: each mail is kept (notify/inbound.h) and only then marked as
 * seen in its mailbox; then those that wait are understood one by one, what they bring goes to intake
 * under the feed that the sender's rule names, and they are filed. Killed at any moment: what was not
 * kept is still in the mailbox, what was not filed waits here, and intake knows a report it has. */
#ifndef RONDA_NODE_MAIL_PICK_H
#define RONDA_NODE_MAIL_PICK_H

#include "node/pipeline.h"
#include "notify/inbound.h"

struct mail_pick;
/* Starts the thread; without mail_in it sees only to what waits. */
MUST_CHECK enum rc mail_pick_start(struct node *n, struct mail_pick **out, struct err *err);
void mail_pick_stop(struct mail_pick *m);

/* One mail by hand: kept and seen to its end. *known_out: it was here before. */
MUST_CHECK enum rc mail_pick_take(struct node *n, str bytes, struct arena *a, struct inbound_row *out, str *record_out,
				  bool *known_out, struct err *err);

#endif
