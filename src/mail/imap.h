/* SPDX-License-Identifier: Apache-2.0 */
/* imap.h: mails of a mailbox on a server (IMAP4rev1, RFC 3501), by libcurl.
 *
 * libcurl connects and signs in: TLS 1.2 or later from the first byte (imaps://) or by STARTTLS (imap://),
 * never without; by
 * password, or OAuth2 (mail/oauth2.h). The few commands stand here: nothing is marked as seen by
 * reading it (BODY.PEEK), only by imap_taken(), after the mail is on disk. */
#ifndef RONDA_MAIL_IMAP_H
#define RONDA_MAIL_IMAP_H

#include "base/arena.h"
#include "base/settings.h"
#include "mail/maildir.h"

struct imap_at {             /* how far a mailbox was read */
	uint32_t validity;   /* UIDVALIDITY: another one, and uids say nothing */
	uint32_t uid;        /* all up to this one were taken */
};
/* Is the setting mail_in an address of IMAP? */
bool imap_is(str mail_in);
/* Opens a connection, takes the mails behind *at (all of them, when the mailbox's validity is
 * another), oldest first, at most `most`, and moves *at along; *left_out: those behind them. RC_INPUT names a setting that is wrong. RC_DENIED: the server does
 * not let us in. RC_BUSY: not reached, or it went away. Else whatever `take` said that ended it. */
MUST_CHECK enum rc imap_each(const struct settings *s, size_t most, struct imap_at *at, mail_take take, void *ctx,
			     size_t *count_out, size_t *left_out, struct err *err);

#endif
