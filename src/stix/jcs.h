/* SPDX-License-Identifier: Apache-2.0 */
/* jcs.h: JSON in the one form that everybody hashes alike (RFC 8785).
 *
 * Keys sorted by their UTF-16 code units, no blanks, numbers as ECMAScript writes them, of strings
 * only the quote, the backslash and controls escaped. */
#ifndef RONDA_STIX_JCS_H
#define RONDA_STIX_JCS_H

#include "base/json.h"

/* Adds the canonical text of `o` to *out. RC_LIMIT: deeper than JSON_DEPTH_MAX, an object of more than
 * JSON_KEYS_MAX members, or over the buffer's cap. RC_INPUT: a number that is not finite. */
MUST_CHECK enum rc jcs_write(struct json_object *o, struct buf *out, struct err *err);
/* A string alone, in quotes. */
void jcs_text(struct buf *out, str s);

#endif
