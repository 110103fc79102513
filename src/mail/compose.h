/* SPDX-License-Identifier: Apache-2.0 */
/* compose.h: the question MAIL_COMPOSE between letter.c and compose.c: blocks in this order, then a
 * block "Name: value" for each further header, then type, name and bytes of each part. What is in
 * them has been made fit for headers before it is asked. The answer is one block: the bytes. */
#ifndef RONDA_MAIL_COMPOSE_H
#define RONDA_MAIL_COMPOSE_H

#include "base/calls.h"

enum compose_what { COMPOSE_MESSAGE = 'm', COMPOSE_ENTITY = 'e', COMPOSE_WRAP = 'w' };
enum compose_block {
	COMPOSE_WHAT,        /* one letter; of COMPOSE_WRAP a second one: enum letter_seal behind 'a' */
	COMPOSE_HEADER_COUNT,/* decimal */
	COMPOSE_FROM_NAME, COMPOSE_FROM, COMPOSE_TO_NAME, COMPOSE_TO, COMPOSE_REPLY_TO, COMPOSE_SUBJECT,
	COMPOSE_ID, COMPOSE_IN_REPLY_TO, COMPOSE_REFERENCES, COMPOSE_DATE, COMPOSE_TYPE, COMPOSE_TEXT,
	COMPOSE_ENTITY_BYTES, COMPOSE_SEALED, COMPOSE_MICALG,
	COMPOSE_FIXED,
};

/* The helper's side. */
void compose_warm_up(void); /* before it is locked in */
MUST_CHECK enum rc compose_answer(struct helper_call *k, struct err *err);

#endif
