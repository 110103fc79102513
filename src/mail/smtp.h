/* SPDX-License-Identifier: Apache-2.0 */
/* smtp.h: hands one mail to a relay (RFC 5321), by libcurl.
 *
 * Relays are what an administrator names in settings, asked in order; TLS 1.2 or later is required
 * (RFC 8314; STARTTLS, RFC 3207, without falling back) unless the relay is on loopback. Signing in:
 * password, or OAuth2 (OAUTHBEARER, RFC 7628). Until the first byte of a mail's body goes out
 * nothing has happened; behind the last, an answer that does not come leaves it uncertain. */
#ifndef RONDA_MAIL_SMTP_H
#define RONDA_MAIL_SMTP_H

#include "base/arena.h"
#include "base/rc.h"
#include "base/settings.h"

struct smtp;
MUST_CHECK enum rc smtp_open(const struct settings *s, struct smtp **out, struct err *err);
void smtp_close(struct smtp *m);
const char *smtp_lacks(const struct smtp *m); /* why nothing can be sent; NULL: it can */

/* Is every relay left alone for a moment, because none was reached? */
bool smtp_rests(const struct smtp *m);

enum smtp_end { SMTP_TAKEN, SMTP_LATER, SMTP_REFUSED, SMTP_UNCERTAIN };
struct smtp_mail {
	str from;            /* return path; "" none */
	str to;
	str bytes;
	/* Just before the first byte of the body: anything but RC_OK stops it (SMTP_LATER). */
	enum rc (*begin)(void *ctx, struct err *err);
	void *ctx;
};
struct smtp_result {
	enum smtp_end end;
	int code;            /* of the relay's last reply; 0: none */
	bool of_recipient;   /* refused: when it was told whom the mail is for */
	str words;           /* plain, for the ledger */
	str relay;
};
/* Blocks; threads may share it, and each keeps its connection for the next mail. */
void smtp_send(struct smtp *m, const struct smtp_mail *mail, struct arena *a, struct smtp_result *out);

/* Signs in at relay `i` and leaves: RC_ABSENT: there is none of that number. RC_BUSY: not reached, or
 * it asks to come later. RC_DENIED: no TLS that is trusted, or the login is refused. *relay_out: its
 * name; *words_out: what it said. */
MUST_CHECK enum rc smtp_try(struct smtp *m, size_t i, struct arena *a, str *relay_out, str *words_out,
			    struct err *err);

#endif
