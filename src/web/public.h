/* SPDX-License-Identifier: Apache-2.0 */
/* public.h: what the public pages share: /report, /warnings, security.txt, /rfc2350.txt. They are there
 * when the setting public_pages is on; else each of them is as if it were no address of ours.
 *
 * Nobody signs in: no cookie, no script. What is read here is read as by the public, whoever asks,
 * and kept for some seconds, so that a flood of questions reads the store no oftener. */
#ifndef RONDA_WEB_PUBLIC_H
#define RONDA_WEB_PUBLIC_H

#include "web/outside.h"

/* RC_ABSENT in the same words as an address that is not there. */
MUST_CHECK enum rc public_on(struct page *p, struct err *err);
/* The node's own viewer with the policy in force, to find what may be shown; never to show it. */
MUST_CHECK enum rc public_finder(struct page *p, struct viewer *out, struct err *err);
/* "pw":{words} of these pages, and outside_put_frame(); gives the language. */
str public_frame(struct page *p);
str public_word(str language, const char *name);
/* "helplines":[{"name","for","phone","hours","href"}] of DIR/helplines.json, in this language. */
void public_put_helplines(struct page *p, str language);
/* "https://ronda.example.org" without a slash at its end; "" when public_url is not set. */
str public_base(struct page *p);

/* May somebody at this address tell us something, or ask for a number, now? Counts it. `all`: also of
 * what everybody together may in an hour (public_reports). */
bool public_enter(struct page *p, bool all);

/* What was made under this name less than some seconds ago; false: make it, and keep it. */
bool public_kept(struct web *w, const char *name, struct buf *out);
void public_keep(struct web *w, const char *name, str bytes);
void public_open(struct web *w);
void public_close(struct web *w);

#endif
