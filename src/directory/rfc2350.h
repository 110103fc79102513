/* SPDX-License-Identifier: Apache-2.0 */
/* rfc2350.h: how a team describes itself to others: the outline of RFC 2350, appendix B, filled in
 * from its record. What the record does not say is said to be missing, so that somebody fills it in;
 * nothing is in it that the viewer may not see. Read it before it is published. */
#ifndef RONDA_DIRECTORY_RFC2350_H
#define RONDA_DIRECTORY_RFC2350_H

#include "disclosure/read_records.h"

/* Plain text, lines of at most 78 characters as far as words allow. RC_INPUT: no organisation. */
MUST_CHECK enum rc rfc2350_write(const struct record_view *v, int64_t now_us, struct buf *out,
				 struct err *err);

#endif
