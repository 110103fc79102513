/* SPDX-License-Identifier: Apache-2.0 */
/* test_letter.h: one letter that says no more than that it is a test, by the way all mail goes. */
#ifndef RONDA_NOTIFY_TEST_LETTER_H
#define RONDA_NOTIFY_TEST_LETTER_H

#include "notify/notify.h"

/* Waits for the relay's answer, which is in *words_out (`a`) and in the ledger. RC_DENIED: the node is in
 * rehearsal and `address` is none of ours. RC_CONFLICT: a setting is missing. RC_BUSY: it may be taken
 * later, or nobody knows whether it was. RC_ABSENT: it is refused. */
MUST_CHECK enum rc test_letter_send(const struct notify *n, str address, struct arena *a, str *words_out,
				    struct err *err);

#endif
