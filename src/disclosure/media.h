/* SPDX-License-Identifier: Apache-2.0 */
/* media.h: pictures and films nobody asked for are never shown.
 *
 * What strangers send (reports, files of people outside, mail) may hold what nobody may keep, and
 * nobody should have to look at. The bytes themselves say what they are, not their name or declared
 * type. Such bytes are neither shown nor handed out, but to a role that says "opens_media"
 * (roles.json): for all others there is node/destroy.h. Every reader of bytes from outside asks here. */
#ifndef RONDA_DISCLOSURE_MEDIA_H
#define RONDA_DISCLOSURE_MEDIA_H

#include "disclosure/account.h"

enum media { MEDIA_NONE, MEDIA_IMAGE, MEDIA_VIDEO };
/* By the first bytes ("magic"), behind white space and a byte order mark too. */
enum media media_sniff(str bytes);
const char *media_name(enum media m); /* "image", "video" */
/* May this viewer have bytes that came from outside? What is no picture or film: yes. */
bool media_may_have(const struct viewer *v, str bytes);
/* A small file of somebody outside, kept by its digest as files of records are (record.h); nobody may name it in a
 * record by that. RC_DENIED: it was destroyed here before. */
MUST_CHECK enum rc media_take(struct tx *tx, struct records *r, str bytes, struct digest *out, struct err *err);
/* The same for a viewer: RC_DENIED: a picture or film that he may not have. Then `out` is empty. */
MUST_CHECK enum rc media_give(struct reader *r, const struct viewer *v, const struct digest *d, struct buf *out,
			      struct err *err);

#endif
