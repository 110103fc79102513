/* SPDX-License-Identifier: Apache-2.0 */
/* own_texts.h: texts of letters that the team wrote itself, in place of those built in.
 *
 * A record of a type that means "letter.class" and "letter.in-force" gives the text of one class in one
 * language while it is in force. It is compiled before it is kept: one that does not compile is refused
 * with line and reason, as is a second one in force for the same class and language. Copies from other
 * nodes and exercises give none. */
#ifndef RONDA_NOTIFY_OWN_TEXTS_H
#define RONDA_NOTIFY_OWN_TEXTS_H

#include "base/mustache.h"
#include "notify/notify.h"

/* Registers its hook; before anything is written. */
void own_texts_open(struct notify *n);
/* The text in force; RC_ABSENT without words: none. End *out with mustache_free(). */
MUST_CHECK enum rc own_text_find(struct conn *c, str class, str language, struct mustache **out, struct err *err);
/* A draft for a class and language ("open-dns.id"), a copy of what is built in. */
MUST_CHECK enum rc own_text_new(struct notify *n, const struct viewer *v, str from, struct arena *a, str *id_out,
				struct err *err);
/* As it would be with made-up findings: subject and text. */
MUST_CHECK enum rc own_text_preview(struct notify *n, const struct viewer *v, str id, struct arena *a,
				    str *subject_out, str *text_out, struct err *err);

#endif
