/* SPDX-License-Identifier: Apache-2.0 */
/* who_knows_private.h: between asking and answering. */
#ifndef RONDA_EXCHANGE_WHO_KNOWS_PRIVATE_H
#define RONDA_EXCHANGE_WHO_KNOWS_PRIVATE_H

#include "exchange/exchange_private.h"
#include "exchange/together_private.h"
#include "exchange/who_knows.h"

/* Answers the question of a partner with this id, unless it was answered, or is not to be. */
MUST_CHECK enum rc who_knows_answer(struct exchange *x, struct reader *r, const struct types *types, struct uuid id,
				    struct err *err);

#endif
