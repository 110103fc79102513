/* SPDX-License-Identifier: Apache-2.0 */
/* certificate.h: our key, certified by an authority of the community (setting exchange_certificate).
 *
 * Nobody needs one: partners know our key by its pin, which stays the same. Who names that authority in exchange_ca_file
 * takes us then also when he does not know the key (docs/exchange.md). The file is read each time it is asked for, so a
 * renewed one is shown without a restart, and one that has run out is not shown any more. It may hold chains of several
 * keys, in any order: while ours is rotated, of the one in use and of the next. */
#ifndef RONDA_EXCHANGE_CERTIFICATE_H
#define RONDA_EXCHANGE_CERTIFICATE_H

#include "exchange/keys.h"

struct certificate {
	bool set;                  /* the setting names a file */
	str chain;                 /* PEM, ours first, as it is shown; n 0: the certificate we made ourselves is */
	int64_t until_us;          /* when the first of the chain ends */
	str why;                   /* nothing of the file is shown; or it is, and some will mind this. n 0: all is well */
};
/* What stands in `file` for the key in use, to be shown by node "urn:uuid:…" now. Strings in `a`. */
void certificate_judge(str file, const struct own_keys *k, str node, int64_t now_us, struct arena *a,
		       struct certificate *out);
/* The same of the file that the setting names. */
void certificate_look(struct exchange *x, const struct own_keys *k, struct arena *a, struct certificate *out);
/* The key in use is shown with that chain from now on, if there is one: k->now.cert, in `a`. */
void certificate_use(struct exchange *x, struct own_keys *k, struct arena *a);
/* Often, by one thread: says in the log what is shown when that changes, and tells keys_watch(). */
void certificate_tend(struct exchange *x);

/* A request for one (PKCS #10, RFC 2986; PEM) for this key of ours, with the names an authority should put into it:
 * our node, address and host as subjectAltName (RFC 5280 section 4.2.1.6), the team as subject. */
MUST_CHECK enum rc certificate_request(struct exchange *x, const struct own_identity *own, struct buf *out,
				       struct err *err);

#endif
