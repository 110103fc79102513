/* SPDX-License-Identifier: Apache-2.0 */
/* jwt.h: signed tokens (JWS compact form, RFC 7515; JWT, RFC 7519) and the keys
 * they are checked with (JWK sets, RFC 7517). Pure functions.
 *
 * Signatures: RS256, PS256, ES256, EdDSA with Ed25519 (RFC 7518, 8037), by
 * OpenSSL. "none", every HS*, and whatever else is refused by its name alone;
 * a key serves only the algorithm of its own kind, so no key is ever taken for
 * another's (RFC 8725 section 3.1). Keys named inside a token are not used. */
#ifndef RONDA_HTTP_JWT_H
#define RONDA_HTTP_JWT_H

#include "base/arena.h"

enum { JWT_BYTES_MAX = 16384, JWT_HEADER_MAX = 2048, JWKS_BYTES_MAX = 65536, JWKS_KEYS_MAX = 64 };

struct jwks; /* never changes once read; threads may share it */

/* Keys for other uses, of other kinds, broken, or of a size not taken (RSA: 2048
 * to 4096 bits) are passed over; RC_INPUT when none is left, RC_LIMIT over the
 * sizes above. */
MUST_CHECK enum rc jwks_read(str json, struct jwks **out, struct err *err);
void jwks_free(struct jwks *k); /* NULL is fine */
size_t jwks_count(const struct jwks *k);

/* RC_OK: the signature is right; *claims_out is the payload, bytes in `a` that
 * are yet to be read as JSON. RC_INPUT: no such token, or an algorithm that is
 * not taken; RC_ABSENT: no key fits (they may have changed: read them again,
 * seldom); RC_DENIED: the signature is wrong; RC_LIMIT: too long. */
MUST_CHECK enum rc jwt_verify(const struct jwks *keys, str token, struct arena *a, str *claims_out,
			      struct err *err);

#endif
