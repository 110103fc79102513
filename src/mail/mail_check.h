/* SPDX-License-Identifier: Apache-2.0 */
/* mail_check.h: will others take our mail, and will theirs come? What they look for, looked for.
 *
 * Of the domain of mail_from: MX (RFC 5321, section 5.1; RFC 7505), DMARC (RFC 7489), the keys of
 * mail_dkim_selectors (RFC 6376). Of each address that mail leaves from: SPF (RFC 7208), and a name
 * that leads back to it. Of each relay: TLS and login. */
#ifndef RONDA_MAIL_MAIL_CHECK_H
#define RONDA_MAIL_MAIL_CHECK_H

#include "base/settings.h"
#include "http/dns.h"
#include "mail/smtp.h"

enum mail_verdict { MAIL_GOOD, MAIL_WEAK, MAIL_BAD, MAIL_UNKNOWN };
const char *mail_verdict_name(enum mail_verdict v); /* "good" */

enum { MAIL_CHECKS_MAX = 64 };
struct mail_checked {
	const char *what;    /* "SPF" */
	str of;              /* domain, address, relay */
	enum mail_verdict verdict;
	str words;
};
struct mail_checks {
	struct mail_checked list[MAIL_CHECKS_MAX];
	size_t count;
};
/* Asks the DNS of setting dns_server, and each relay of `m`. All in `a`. RC_INPUT: mail_from is no
 * address, or mail_addresses names one that is none. */
MUST_CHECK enum rc mail_check(const struct settings *s, struct smtp *m, struct arena *a, struct mail_checks *out,
			      struct err *err);

#endif
