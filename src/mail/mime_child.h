/* SPDX-License-Identifier: Apache-2.0 */
/* mime_child.h: what the files of the mail child share that read mails. */
#ifndef RONDA_MAIL_MIME_CHILD_H
#define RONDA_MAIL_MIME_CHILD_H

#include "mail/mime_private.h"
#include "mail/mime_text.h"

/* UTF-8 of `bytes`, which are of `charset` (NULL: not said), about `most` bytes; may still hold what
 * mime_clean() takes away. */
void mime_decode_text(str bytes, const char *charset, size_t most, struct buf *out);

/* --- mime_seal.c --- */

/* What stands between the first and second delimiter of a multipart with this boundary, lines by CRLF: what a
 * signature was made over (RFC 1847 section 2.1). */
void mime_entity(str raw, const char *boundary, struct buf *out);

#endif
