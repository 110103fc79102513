/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <unbound.h>

#include "base/clock.h"
#include "http/fetch_private.h"

enum { DNS_A = 1, DNS_AAAA = 28, DNS_IN = 1, DNS_NXDOMAIN = 3, LOOK_MS = 500 };

struct asked {
	struct ip *out;
	size_t count;
	unsigned pending;
	bool answered, absent;
	const atomic_bool *stop;
};

static void take_answer(void *ctx, int code, struct ub_result *r)
{
	struct asked *q = ctx;

	q->pending--;
	if (code == 0 && r) {
		/* rcode 0 without data is "no address of this kind" */
		q->answered = q->answered || r->rcode == 0 || r->rcode == DNS_NXDOMAIN;
		q->absent = q->absent || r->rcode == DNS_NXDOMAIN;
		for (size_t i = 0; r->havedata && r->data[i] && q->count < FETCH_IPS_MAX; i++) {
			struct ip *ip = &q->out[q->count];
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

/* Waits on the library's thread for both answers, at most until `deadline_us`. */
static void wait_for(struct ub_ctx *ub, struct asked *q, int64_t deadline_us)
{
	while (q->pending) {
		struct pollfd p = { .fd = ub_fd(ub), .events = POLLIN };
		int64_t left_us = deadline_us - clock_mono_us();
		int64_t wait_ms = left_us / 1000 < LOOK_MS ? left_us / 1000 + 1 : LOOK_MS;
		if (left_us <= 0 || (q->stop && atomic_load(q->stop)) || poll(&p, 1, (int)wait_ms) < 0 || ub_process(ub) != 0)
			return;
	}
}

enum rc fetch_resolve(void *ctx, const char *host, int64_t timeout_ms, struct ip out[FETCH_IPS_MAX],
		      size_t *count_out, struct err *err)
{
	int64_t deadline_us = clock_mono_us() + timeout_ms * 1000;
	struct asked q = { .out = out, .stop = ctx };
	/* A context a request: nothing is remembered, nothing shared between threads. */
	struct ub_ctx *ub = ub_ctx_create();
	if (!ub)
		return fail(err, RC_IO, "resolver: does not start");
	(void)ub_ctx_async(ub, 1);
	/* Without a nameserver there libunbound goes to the root servers itself. */
	(void)ub_ctx_resolvconf(ub, NULL);
	(void)ub_ctx_hosts(ub, NULL);
	static const int kinds[] = { DNS_A, DNS_AAAA };
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (ub_resolve_async(ub, host, kinds[i], DNS_IN, &q, take_answer, NULL) == 0)
			q.pending++;
	wait_for(ub, &q, deadline_us);
	ub_ctx_delete(ub); /* what is under way is forgotten, nothing is called back */
	*count_out = q.count;
	if (q.count)
		return RC_OK;
	if (q.absent || q.answered)
		return fail(err, RC_ABSENT, "host '%s' has no address", host);
	return fail(err, RC_BUSY, "host '%s' could not be looked up", host);
}
