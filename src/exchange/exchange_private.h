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
	struct digest certificate_said, certificate_shown; /* certificate.c: of the thread that tends it */
	struct misp *misp;         /* misp_private.h */
	keys_changed keys_fn;      /* set before anything runs */
	void *keys_ctx;
	struct offer *offer;
	struct object_index *objects; /* object_index.h; NULL: none */
	int64_t lapse_looked_us;   /* handover_follow.c: of the background thread alone */
	int64_t answers_noted_us;  /* answer_tell.c: the same */
	uint64_t forget_entry;     /* forget.c: how far it came; the same */
	int64_t forget_receipt, forget_next_us;
	void (*offered_fn)(void *ctx); /* entries were made; set before anything runs */
	void *offered_ctx;
	/* keys.c, courier.c, offer.c, ...: one pointer each to what they keep */
};

/* A store_tend_fn; `ctx` is the exchange (forget.c). */
MUST_CHECK enum rc exchange_forget(struct store *s, void *ctx, bool *did_out, struct err *err);
/* The whole of a file that a setting names; NULL, or why not, as "it cannot be read". */
const char *exchange_read_file(str name, struct buf *out);
/* At opening: reads exchange_ca_file. */
MUST_CHECK enum rc vouched_open(struct exchange *x, struct err *err);

#endif
