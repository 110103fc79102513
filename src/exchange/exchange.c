/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/exchange_private.h"

#include <stdlib.h>

#include "exchange/misp_feed.h"
#include "exchange/misp_sync.h"

enum rc exchange_open(const struct exchange_world *w, struct exchange **out, struct err *err)
{
	struct exchange *x = x_alloc(sizeof *x);
	*x = (struct exchange){ .w = *w };
	enum rc rc = keys_open(x, err);
	if (rc != RC_OK) {
		exchange_close(x);
		return rc;
	}
	*out = x;
	return misp_feed_open(x, err);
}

void exchange_close(struct exchange *x)
{
	if (x)
		misp_close(x);
	free(x);
}

enum rc exchange_start(struct exchange *x, struct err *err)
{
	return misp_start(x, err);
}

void exchange_stop(struct exchange *x)
{
	misp_stop(x);
}

const struct exchange_world *exchange_world_of(const struct exchange *x)
{
	return &x->w;
}
