/* SPDX-License-Identifier: Apache-2.0 */
#include "http/dns.h"

#include <poll.h>
#include <unbound.h>

#include "base/clock.h"

enum { DNS_A = 1, DNS_AAAA = 28, DNS_TXT = 16, DNS_IN = 1, DNS_NXDOMAIN = 3 };

struct asked {
	struct arena *a;
	str *out;
	size_t count;
	struct ip *ips;            /* of dns_addresses() */
	unsigned pending;
	bool answered, absent;
};

/* Character strings one behind the other, each with its length before it. */
static bool join_parts(struct arena *a, const char *data, size_t n, str *out)
{
	char *to = arena_alloc(a, n + 1);
	size_t at = 0, len = 0;
	while (at < n) {
		size_t part = (unsigned char)data[at++];
		if (part > n - at)
			return false;
		memcpy(to + len, data + at, part);
		at += part;
		len += part;
	}
	*out = str_mem(to, len);
	return true;
}

static void take_answer(void *ctx, int code, struct ub_result *r)
{
	struct asked *q = ctx;
	q->pending--;
	if (code == 0 && r) {
		q->answered = r->rcode == 0 || r->rcode == DNS_NXDOMAIN;
		for (size_t i = 0; r->havedata && r->data[i] && q->count < DNS_TXT_MOST; i++)
			if (r->len[i] > 0 && r->len[i] <= DNS_TXT_BYTES)
				q->count += join_parts(q->a, r->data[i], (size_t)r->len[i], &q->out[q->count]);
	}
	ub_resolve_free(r);
}

static enum rc set_server(struct ub_ctx *ub, const char *server, struct err *err)
{
	if (!server || !*server) {
		/* Without a name server there libunbound goes to the root servers itself. */
		(void)ub_ctx_resolvconf(ub, NULL);
		return RC_OK;
	}
	/* An administrator named it: it may stand on this machine. */
	(void)ub_ctx_set_option(ub, "do-not-query-localhost:", "no");
	return ub_ctx_set_fwd(ub, server) == 0 ? RC_OK :
	       fail(err, RC_INPUT, "'%s' is no name server, as in 192.0.2.53 or 127.0.0.1@5300", server);
}

static void wait_for(struct ub_ctx *ub, struct asked *q, int64_t deadline_us)
{
	while (q->pending) {
		struct pollfd p = { .fd = ub_fd(ub), .events = POLLIN };
		int64_t left_us = deadline_us - clock_mono_us();
		if (left_us <= 0 || poll(&p, 1, (int)(left_us / 1000) + 1) < 0 || ub_process(ub) != 0)
			return;
	}
}

enum rc dns_txt(const struct dns_ask *ask, const char *name, struct arena *a, str **out,
		size_t *count_out, struct err *err)
{
	struct asked q = { .a = a, .out = ARENA_ARRAY(a, DNS_TXT_MOST, str) };
	struct ub_ctx *ub = ub_ctx_create();
	*out = q.out;
	*count_out = 0;
	if (!ub)
		return fail(err, RC_IO, "resolver: does not start");
	(void)ub_ctx_async(ub, 1);
	enum rc rc = set_server(ub, ask->server, err);
	if (rc == RC_OK) {
		q.pending += ub_resolve_async(ub, name, DNS_TXT, DNS_IN, &q, take_answer, NULL) == 0;
		wait_for(ub, &q, clock_mono_us() + ask->timeout_ms * 1000);
	}
	ub_ctx_delete(ub); /* what is under way is forgotten, nothing is called back */
	if (rc != RC_OK)
		return rc;
	*count_out = q.count;
	if (q.count)
		return RC_OK;
	if (q.answered)
		return fail(err, RC_ABSENT, "'%s' has no TXT record", name);
	return fail(err, RC_BUSY, "'%s' could not be looked up", name);
}

static void take_address(void *ctx, int code, struct ub_result *r)
{
	struct asked *q = ctx;
	q->pending--;
	if (code == 0 && r) {
		q->answered = q->answered || r->rcode == 0;
		q->absent = q->absent || r->rcode == DNS_NXDOMAIN;
		for (size_t i = 0; r->havedata && r->data[i] && q->count < DNS_ADDRESSES_MOST; i++) {
			struct ip *ip = &q->ips[q->count];
			if (r->len[i] == 4) {
				*ip = (struct ip){ { [10] = 0xff, [11] = 0xff } };
				memcpy(ip->b + 12, r->data[i], 4);
			} else if (r->len[i] == 16) {
				memcpy(ip->b, r->data[i], 16);
			} else {
				continue;
			}
			q->count++;
		}
	}
	ub_resolve_free(r);
}

enum rc dns_addresses(const struct dns_ask *ask, const char *name, struct ip out[DNS_ADDRESSES_MOST],
		      size_t *count_out, struct err *err)
{
	static const int kinds[] = { DNS_A, DNS_AAAA };
	struct asked q = { .ips = out };
	struct ub_ctx *ub = ub_ctx_create();
	*count_out = 0;
	if (!ub)
		return fail(err, RC_IO, "resolver: does not start");
	(void)ub_ctx_async(ub, 1);
	enum rc rc = set_server(ub, ask->server, err);
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(kinds); i++)
		q.pending += ub_resolve_async(ub, name, kinds[i], DNS_IN, &q, take_address, NULL) == 0;
	if (rc == RC_OK)
		wait_for(ub, &q, clock_mono_us() + ask->timeout_ms * 1000);
	ub_ctx_delete(ub);
	if (rc != RC_OK)
		return rc;
	*count_out = q.count;
	if (q.absent && q.count == 0)
		return fail(err, RC_ABSENT, "there is no name '%s'", name);
	return q.answered && q.pending == 0 ? RC_OK : fail(err, RC_BUSY, "'%s' could not be looked up", name);
}
