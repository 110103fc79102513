/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.h: asks a registry or a site, one question at a time, whom to write to.
 *
 * Off until an administrator says whom may be asked: setting rdap_url (RFC 9082 addresses below
 * it, or a bootstrap service that redirects, RFC 9224, to one of rdap_hosts) and setting
 * security_txt. Answers are notes among the contacts of last resort (route/fallback.h) with the
 * day they were given; what is noted and still good is not asked again. No host is asked more
 * than once a second, also by several commands at once: the pace stands in main.db. */
#ifndef RONDA_NODE_LOOKUP_H
#define RONDA_NODE_LOOKUP_H

#include "node/node.h"

enum { LOOKUP_KEPT_DAYS = 30, LOOKUP_NOTHING_DAYS = 7, LOOKUP_STALE_MOST = 500 };

struct lookup_done {
	bool still_good;           /* noted before: nobody was asked */
	bool nothing;              /* asked, and there is nothing */
	size_t entries;            /* noted */
	char email[256];           /* of the first */
};
/* `what`: an address, AS number or domain. RC_DENIED: switched off, or the host is not allowed.
 * RC_INPUT: none of these, or an answer that cannot be read. RC_BUSY: not reached, or the
 * registry asks for patience. `again`: ask although the note is still good. */
MUST_CHECK enum rc lookup_rdap(struct node *n, str what, bool again, str actor, struct lookup_done *out,
			       struct err *err);
MUST_CHECK enum rc lookup_site(struct node *n, str domain, bool again, str actor, struct lookup_done *out,
			       struct err *err);
/* What should be asked again: calls `each` with source ("rdap", "security.txt") and subject. */
MUST_CHECK enum rc lookup_stale(struct node *n, struct arena *a,
				bool (*each)(void *ctx, str source, str subject), void *ctx, struct err *err);

#endif
