/* SPDX-License-Identifier: Apache-2.0 */
/* mime_text.h: text out of what strangers wrote. Pure functions, without recursion. */
#ifndef RONDA_MAIL_MIME_TEXT_H
#define RONDA_MAIL_MIME_TEXT_H

#include "base/buf.h"

/* UTF-8 as it may be kept: what is none becomes U+FFFD, CR LF and CR become \n, other control
 * characters and marks that turn the direction of writing fall away. `lines` false: line ends and
 * tabs become one space, and both ends are trimmed. At most `most` bytes, cut between characters;
 * true: it was cut. */
bool mime_clean(str text, bool lines, size_t most, struct buf *out);
/* HTML without tags, scripts, styles and comments; entities as characters; paragraphs as lines. */
void mime_html_text(str html, struct buf *out);
/* The next "Name: value" of a block of header fields, unfolded in *scratch; false: the block ends
 * (*text is then behind the blank line, or empty). Lines that are no field are stepped over. */
bool mime_field_next(str *text, struct buf *scratch, str *name_out, str *value_out);

#endif
