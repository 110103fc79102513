/* SPDX-License-Identifier: Apache-2.0 */
/* oauth2.h: access tokens for mail servers (RFC 6749), for SMTP and IMAP alike.
 *
 * By a refresh token that an administrator brought (section 6), or as the client itself (section
 * 4.4). A token is kept until shortly before its end. A refresh token that the server replaces is
 * written over the old one's file, before the new access token is used. */
#ifndef RONDA_MAIL_OAUTH2_H
#define RONDA_MAIL_OAUTH2_H

#include "base/arena.h"
#include "base/settings.h"

struct oauth2;
/* By settings mail_oauth2_… *out NULL: mail_oauth2_token_url is empty. */
MUST_CHECK enum rc oauth2_open(const struct settings *s, struct oauth2 **out, struct err *err);
void oauth2_close(struct oauth2 *o); /* NULL is fine */
/* One that lasts a minute more. Blocks; threads may share it, and one asks for all. RC_DENIED: the
 * server gives us none; RC_BUSY: it was not reached. */
MUST_CHECK enum rc oauth2_token(struct oauth2 *o, struct arena *a, str *out, struct err *err);
/* A mail server did not take this one: the next call asks for another. */
void oauth2_refused(struct oauth2 *o, str token);

#endif
