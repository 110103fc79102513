/* SPDX-License-Identifier: Apache-2.0 */
/* vouch.h: the one form in which a certificate says for whom an authority vouches: a URI of its subjectAltName
 * (RFC 5280 section 4.2.1.6) that is a UUID as a URN (RFC 9562 section 4). */
#ifndef RONDA_HTTP_VOUCH_H
#define RONDA_HTTP_VOUCH_H

#define URN_UUID "urn:uuid:"
enum { URN_UUID_BYTES = sizeof URN_UUID - 1 + 36 };

#endif
