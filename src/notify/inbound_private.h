/* SPDX-License-Identifier: Apache-2.0 */
/* inbound_private.h: what the files of mail in share. */
#ifndef RONDA_NOTIFY_INBOUND_PRIVATE_H
#define RONDA_NOTIFY_INBOUND_PRIVATE_H

#include "notify/inbound.h"
#include "notify/notify_private.h"

enum { INBOUND_WAITS = 1, INBOUND_DONE = 2, INBOUND_TRIES = 10 };

/* --- inbound_erase.c --- */

/* What mail_in.digest is once the record is erased. */
struct digest inbound_erased_digest(const struct key *secret, str digest);

/* --- inbound_keep.c --- */

/* The row is done, its bytes go. `record` NULL: none. */
MUST_CHECK enum rc inbound_done(struct tx *tx, const struct inbound *in, const struct uuid *record, size_t reports,
				str words, struct err *err);

/* --- inbound_receipt.c --- */

/* In the job that files it: a message to who wrote, or nothing. */
MUST_CHECK enum rc inbound_receipt(struct tx *tx, struct notify *n, const struct inbound *in, str record, uint64_t policy,
				   struct arena *a, struct err *err);

/* --- inbound_sort.c --- */

MUST_CHECK enum rc inbound_sort(struct notify *n, struct reader *r, const struct types *t, struct arena *a,
				struct inbound *in, struct err *err);

/* The domain of an address, behind its '@'. */
str inbound_domain(str address);

#endif
