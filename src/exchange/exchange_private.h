/* SPDX-License-Identifier: Apache-2.0 */
/* exchange_private.h: what the files of this floor share. */
#ifndef RONDA_EXCHANGE_EXCHANGE_PRIVATE_H
#define RONDA_EXCHANGE_EXCHANGE_PRIVATE_H

#include "exchange/exchange.h"
#include "exchange/keys.h"

struct courier;
struct misp;
struct exchange {
	struct exchange_world w;
	struct fetcher *fetcher;   /* of all that asks partners */
	struct courier *courier;   /* NULL: not started */
	struct quotas *quotas;     /* quota.h; NULL: nobody is counted */
	struct buf authority;      /* PEM of exchange_ca_file; n 0: none */
	struct misp *misp;         /* misp_private.h */
	keys_changed keys_fn;      /* set before anything runs */
	void *keys_ctx;
	struct offer *offer;
	int64_t lapse_looked_us;   /* handover_follow.c: of the background thread alone */
	int64_t answers_noted_us;  /* answer_tell.c: the same */
	void (*offered_fn)(void *ctx); /* entries were made; set before anything runs */
	void *offered_ctx;
	/* keys.c, courier.c, offer.c, ...: one pointer each to what they keep */
};

/* At opening: reads exchange_ca_file. */
MUST_CHECK enum rc vouched_open(struct exchange *x, struct err *err);

#endif
