/* SPDX-License-Identifier: Apache-2.0 */
/* inbox.h: messages as the organisation they went to sees them, in the portal.
 *
 * Whatever was sent to an organisation or one of its contacts, by any way, is there; one that goes by
 * the portal itself (driver "portal") waits until one of the organisation's people opens it: that ends it as
 * sent, and the ledger has a row of kind "shown" with the account that read it. What is rehearsed (also one of
 * the portal while the organisation is not live: rehearsal.h), withdrawn, refused or still on its way by another driver
 * is not there. `to`: the organisation, as told.h makes it. */
#ifndef RONDA_NOTIFY_INBOX_H
#define RONDA_NOTIFY_INBOX_H

#include "notify/notify.h"

/* Newest first, before id `before` (0: from the newest), at most `limit` (1000). `unread`: only what waits to be
 * opened. */
MUST_CHECK enum rc inbox_list(struct reader *r, const struct told_to *to, str organisation, bool unread, int64_t before,
			      size_t limit, struct arena *a, struct message **out, size_t *count_out, struct err *err);
/* RC_ABSENT: there is none, or it is not theirs. */
MUST_CHECK enum rc inbox_load(struct reader *r, const struct told_to *to, str organisation, int64_t id, struct arena *a, struct message *out,
			      struct err *err);
bool inbox_unread(const struct message *m);
/* The newest message to them that told of this finding; 0: none did. */
MUST_CHECK enum rc inbox_about(struct conn *c, str organisation, str finding, int64_t *message_out, struct err *err);
/* Outside of any job, before one that is unread is opened: what it covers and is not to be told any more (teller.h) is
 * taken out of it. RC_ABSENT: nothing is left, and it has ended as refused; why is ours to know. */
MUST_CHECK enum rc inbox_fit(struct notify *n, const struct message *m, struct err *err);
/* Inside a job: one of theirs opens it. Again, or of what came by another way: nothing. `rule` of the check that let
 * it be shown. */
MUST_CHECK enum rc inbox_read(struct tx *tx, str organisation, int64_t id, str by, uint64_t policy,
			      const char *rule, struct err *err);

#endif
