/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/answer.h"
#include "exchange/courier.h"
#include "exchange/exchange_private.h"
#include "exchange/object_index.h"
#include "exchange/offer.h"
#include "exchange/quota.h"
#include "exchange/together.h"
#include "exchange/who_knows.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "exchange/misp_feed.h"
#include "exchange/misp_sync.h"

enum rc exchange_open(const struct exchange_world *w, struct exchange **out, struct err *err)
{
	struct exchange *x = x_alloc(sizeof *x);
	*x = (struct exchange){ .w = *w, .quotas = quotas_new() };
	x->objects = object_index_new(w->store);
	enum rc rc = fetch_new(NULL, &x->fetcher, err);
	if (rc == RC_OK)
		rc = vouched_open(x, err);
	if (rc == RC_OK)
		rc = keys_open(x, err);
	if (rc == RC_OK)
		rc = offer_open(x, err);
	if (rc == RC_OK)
		rc = partner_answers_open(x, err);
	if (rc == RC_OK)
		rc = together_open(x, err);
	if (rc == RC_OK)
		rc = who_knows_open(x, err);
	if (rc != RC_OK) {
		exchange_close(x);
		return rc;
	}
	*out = x;
	return misp_feed_open(x, err);
}

void exchange_close(struct exchange *x)
{
	if (!x)
		return;
	exchange_stop(x);
	misp_close(x);
	offer_close(x);
	courier_free(x);
	fetch_free(x->fetcher);
	quotas_free(x->quotas);
	object_index_free(x->objects);
	buf_free(&x->authority);
	free(x);
}

enum rc exchange_start(struct exchange *x, struct err *err)
{
	bool on = settings_bool(x->w.settings, "exchange");
	enum rc rc = on ? courier_start(x, err) : RC_OK;
	if (rc == RC_OK && (on || settings_bool(x->w.settings, "taxii_public")))
		rc = offer_start(x, err); /* wakes the courier, so behind it */
	return rc == RC_OK ? misp_start(x, err) : rc;
}

void exchange_stop(struct exchange *x)
{
	if (!x)
		return;
	misp_stop(x);
	offer_stop(x); /* it wakes the courier */
	courier_stop(x);
}

const char *exchange_read_file(str name, struct buf *out)
{
	char path[4096];
	int fd = str_to_z(name, path, sizeof path) ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	ssize_t n = -1;
	char *to = NULL;
	if (fd < 0)
		return "it cannot be read";
	while ((to = buf_room(out, KIB(16))) != NULL && (n = read(fd, to, KIB(16))) > 0)
		out->n += (size_t)n;
	close(fd);
	return !to ? "it is too large" : n < 0 ? "it cannot be read" : out->n == 0 ? "it is empty" : NULL;
}

const struct exchange_world *exchange_world_of(const struct exchange *x)
{
	return &x->w;
}
