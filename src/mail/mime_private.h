/* SPDX-License-Identifier: Apache-2.0 */
/* mime_private.h: how the mail child and the node say to each other what a mail says (parse.h). */
#ifndef RONDA_MAIL_MIME_PRIVATE_H
#define RONDA_MAIL_MIME_PRIVATE_H

#include "base/calls.h"
#include "mail/parse.h"

/* Blocks of an answer. In the area those of the parts come before them (mime_read.c writes each while it is
 * decoded, so that it is held once); mail_parse() turns that round. The first is read by struct wire: strings as blocks, numbers as varints, in the
 * order of mime_read.c. */
enum { MIME_ABOUT, MIME_TEXT, MIME_ENTITY, MIME_SEALED, MIME_PARTS };

/* In the child. */
void mime_prepare(void); /* before it locks itself in: what libraries look up in files */
enum rc mime_read(struct helper_call *k, struct err *err);

#endif
