/* SPDX-License-Identifier: Apache-2.0 */
/* vouch.h: the one form in which a certificate says for whom an authority vouches: a URI of its subjectAltName
 * (RFC 5280 section 4.2.1.6) that is a UUID as a URN (RFC 9562 section 4). */
#ifndef RONDA_HTTP_VOUCH_H
#define RONDA_HTTP_VOUCH_H

#include "base/hash.h"

#define URN_UUID "urn:uuid:"
enum { URN_UUID_BYTES = sizeof URN_UUID - 1 + 36 };

struct x509_st; /* a certificate of OpenSSL's */
/* NULL: it says so of `name` ("urn:uuid:…") and of nobody else; or why not, in words. */
const char *vouch_names(struct x509_st *cert, str name);
/* Of its key: SHA-256 of the SubjectPublicKeyInfo (RFC 7469 section 2.4). */
bool vouch_pin(struct x509_st *cert, struct digest *out);

#endif
