/* SPDX-License-Identifier: Apache-2.0 */
/* access_private.h: how secrets we hand out are made and remembered.
 *
 * A secret is a prefix that scanners know and 32 random bytes; only its keyed
 * BLAKE2b hash is stored, under a key that stands in the `node` table. */
#ifndef RONDA_DISCLOSURE_ACCESS_PRIVATE_H
#define RONDA_DISCLOSURE_ACCESS_PRIVATE_H

#include "disclosure/access.h"

/* Writes prefix and random text; `size` at least TOKEN_TEXT_BYTES. */
MUST_CHECK enum rc secret_text(const char *prefix, char *out, size_t size, struct err *err);

/* The key, made when there is none yet (secret_key_make: inside a job).
 * RC_ABSENT: no secret was ever made here. */
MUST_CHECK enum rc secret_key_read(struct conn *c, struct key *out, struct err *err);
MUST_CHECK enum rc secret_key_make(struct conn *c, struct key *out, struct err *err);

#endif
