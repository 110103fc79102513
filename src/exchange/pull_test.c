/* SPDX-License-Identifier: Apache-2.0 */
/* What a partner's server says when it is fetched from: here one that never comes to an end. */
#include "exchange/exchange_world.h"

#include <stdatomic.h>

#include "exchange/courier_private.h"
#include "http/http.h"

/* Both sides show the same key: who the other one is matters to nobody here. */
struct endless {
	struct team t;
	struct http *http;
	atomic_uint pages;         /* of objects */
	size_t padding;            /* bytes of a page */
	unsigned most;             /* pages, then the end */
};

static void answer(void *ctx, const struct http_request *q, struct http_answer *a)
{
	struct endless *e = ctx;
	a->type = "application/taxii+json;version=2.1";
	a->body = (struct buf)BUF_INIT(e->padding + KIB(1));
	if (!str_starts(q->path, STR("/taxii2/"))) {
		a->status = 404;
		return;
	}
	unsigned n = atomic_fetch_add(&e->pages, 1) + 1;
	a->status = 200;
	if (n >= e->most) {
		buf_add(&a->body, STR("{}"));
		return;
	}
	buf_fmt(&a->body, "{\"more\":true,\"next\":\"%u\",\"x\":\"", n);
	for (size_t i = 0; i < e->padding; i += 64)
		buf_add(&a->body, STR("................................................................"));
	buf_add(&a->body, STR("\"}"));
}

static enum rc add_key(struct tx *tx, void *ctx, struct err *e)
{
	const struct partner_key *k = ctx;
	return partner_key_add(tx, k->partner, &k->who, KEY_GOOD, 0, e);
}

/* How pull_run() ends with such a server. */
static enum rc pull(size_t padding, unsigned most, unsigned *pages)
{
	struct endless e = { .padding = padding, .most = most };
	struct reader *r = NULL;
	struct own_keys own;
	char address[64];
	team_new(&e.t);
	CHECK_RC(fetch_new(NULL, &e.t.x.fetcher, &err), RC_OK, err);
	CHECK_RC(store_read_begin(e.t.w.s, &r, &err), RC_OK, err);
	CHECK_RC(keys_own(reader_conn(r), e.t.w.a, &own, &err), RC_OK, err);
	store_read_end(r);
	const struct http_handlers h = { .ctx = &e, .answer = answer };
	const struct http_options o = { .listen = "127.0.0.1:0", .limits = http_limits_default, .identity_cert = own.now.cert,
					.identity_key = own.now.key };
	CHECK_RC(http_start(&o, &h, NULL, &e.http, &err), RC_OK, err);
	snprintf(address, sizeof address, "https://127.0.0.1:%u", http_port(e.http));
	struct partner_key k = { .partner = team_partner(&e.t, "Team C", address, "pull", true), .who = own.now.who };
	CHECK_RC(store_write(e.t.w.s, add_key, &k, &err), RC_OK, err);
	struct peer *p = peer_new(k.partner);
	enum rc rc = pull_run(&e.t.x, p, &err);
	*pages = atomic_load(&e.pages);
	peer_free(p);
	http_stop(e.http);
	fetch_free(e.t.x.fetcher);
	world_end(&e.t.w);
	return rc;
}

TEST(pages_without_anything_come_to_an_end)
{
	static const struct { const char *what; size_t padding; unsigned most, least_pages, most_pages; bool fails; } rows[] = {
		{ "some, as where much may not go", 64, 50, 50, 60, false },
		{ "large ones for ever", 1 << 20, 400, 2, 80, true },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		unsigned pages = 0;
		err = (struct err){ 0 };
		enum rc rc = pull(rows[i].padding, rows[i].most, &pages);
		CHECK_MSG((rc == RC_INPUT) == rows[i].fails && (rc == RC_OK) == !rows[i].fails, "%s: %s, %s", rows[i].what, rc_name(rc),
			  err.text);
		CHECK_MSG(pages >= rows[i].least_pages && pages <= rows[i].most_pages, "%s: %u pages", rows[i].what, pages);
		CHECK_MSG(!rows[i].fails || strstr(err.text, "page after page"), "%s: %s", rows[i].what, err.text);
	}
}

TEST_MAIN(TEST_RUN(pages_without_anything_come_to_an_end))
