/* SPDX-License-Identifier: Apache-2.0 */
/* access_private.h: how secrets we hand out are made and remembered.
 *
 * A secret is a prefix that scanners know and 32 random bytes; only its keyed
 * BLAKE2b hash is stored. The key is the node's secret. */
#ifndef RONDA_DISCLOSURE_ACCESS_PRIVATE_H
#define RONDA_DISCLOSURE_ACCESS_PRIVATE_H

#include "disclosure/access.h"

/* Writes prefix and random text; `size` at least TOKEN_TEXT_BYTES. */
MUST_CHECK enum rc secret_text(const char *prefix, char *out, size_t size, struct err *err);

/* `purpose` keeps the kinds of secrets apart: "token", "setup". */
struct digest secret_hash(const struct store *s, const char *purpose, str text);

#endif
