/* SPDX-License-Identifier: Apache-2.0 */
/* letter_of.h: from what a message says to the mail that says it.
 *
 * Who it is from, where answers go, and by what a thread holds whatever the other side's program
 * does to it: a Message-ID that is the message's own at each try, the ids of what the same recipient
 * was sent about the same things, a tag in the subject, a token in Reply-To and in the text. Mails
 * made by the node say that they are (RFC 3834), so that no program answers them. */
#ifndef RONDA_NOTIFY_LETTER_OF_H
#define RONDA_NOTIFY_LETTER_OF_H

#include "mail/letter.h"
#include "notify/notify.h"

/* In the arena. RC_INPUT: setting mail_from is no address. */
MUST_CHECK enum rc letter_of(const struct sending *s, struct reader *r, const struct types *t, struct arena *a,
			     struct letter *out, struct err *err);
/* "[ronda #123]" */
str letter_tag(const struct notify *n, int64_t message, struct arena *a);

#endif
