/* SPDX-License-Identifier: Apache-2.0 */
#include "http/dns.h"

#include <poll.h>
#include <unbound.h>

#include "base/clock.h"

enum { DNS_A = 1, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_IN = 1, DNS_NXDOMAIN = 3 };

/* One record's data as it stands in the answer, into a place of `to`; false: it is none. */
typedef bool (*take_record)(struct arena *a, str data, void *to, size_t at);

struct asked {
	struct arena *a;
	take_record take;
	void *out;
	size_t count, most;
	unsigned pending;
	bool answered, absent;
};

/* Character strings one behind the other, each with its length before it. */
static bool take_txt(struct arena *a, str data, void *out, size_t place)
{
	char *to = arena_alloc(a, data.n + 1);
	size_t at = 0, len = 0;
	while (at < data.n) {
		size_t part = (unsigned char)data.p[at++];
		if (part > data.n - at)
			return false;
		memcpy(to + len, data.p + at, part);
		at += part;
		len += part;
	}
	((str *)out)[place] = str_mem(to, len);
	return true;
}

static bool take_address(struct arena *a, str data, void *out, size_t place)
{
	struct ip ip = { { [10] = 0xff, [11] = 0xff } };
	(void)a;
	if (data.n != 4 && data.n != 16)
		return false;
	memcpy(ip.b + (data.n == 4 ? 12 : 0), data.p, data.n);
	((struct ip *)out)[place] = ip;
	return true;
}

/* Labels with their lengths; libunbound has undone compression (section 4.1.4). */
static bool read_name(struct arena *a, str data, str *out)
{
	struct buf b = BUF_INIT(256);
	size_t at = 0;
	while (at < data.n && data.p[at] != 0) {
		size_t part = (unsigned char)data.p[at++];
		if (part > 63 || part > data.n - at)
			break;
		if (b.n)
			buf_char(&b, '.');
		buf_add(&b, str_mem(data.p + at, part));
		at += part;
	}
	bool ok = at + 1 == data.n && !b.over;
	*out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return ok && (out->n == 0 || str_is_plain(*out));
}

static bool take_name(struct arena *a, str data, void *out, size_t place)
{
	return read_name(a, data, (str *)out + place);
}

static bool take_mx(struct arena *a, str data, void *out, size_t place)
{
	struct dns_mx *mx = (struct dns_mx *)out + place;
	if (data.n < 3)
		return false;
	mx->preference = (unsigned)(unsigned char)data.p[0] << 8 | (unsigned char)data.p[1];
	return read_name(a, str_from(data, 2), &mx->host);
}

static void take_answer(void *ctx, int code, struct ub_result *r)
{
	struct asked *q = ctx;
	q->pending--;
	if (code == 0 && r) {
		q->answered = q->answered || r->rcode == 0 || r->rcode == DNS_NXDOMAIN;
		q->absent = q->absent || r->rcode == DNS_NXDOMAIN;
		for (size_t i = 0; r->havedata && r->data[i] && q->count < q->most; i++)
			if (r->len[i] > 0 && r->len[i] <= DNS_TXT_BYTES)
				q->count += q->take(q->a, str_mem(r->data[i], (size_t)r->len[i]), q->out, q->count);
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

static enum rc ask_for(const struct dns_ask *ask, const char *name, const int *kinds, size_t count, struct asked *q,
		       struct err *err)
{
	struct ub_ctx *ub = ub_ctx_create();
	if (!ub)
		return fail(err, RC_IO, "resolver: does not start");
	(void)ub_ctx_async(ub, 1);
	enum rc rc = set_server(ub, ask->server, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		q->pending += ub_resolve_async(ub, name, kinds[i], DNS_IN, q, take_answer, NULL) == 0;
	if (rc == RC_OK)
		wait_for(ub, q, clock_mono_us() + ask->timeout_ms * 1000);
	ub_ctx_delete(ub); /* what is under way is forgotten, nothing is called back */
	return rc;
}

static enum rc ask_one(const struct dns_ask *ask, const char *name, int kind, const char *what, struct asked *q,
		       size_t *count_out, struct err *err)
{
	enum rc rc = ask_for(ask, name, &kind, 1, q, err);
	*count_out = q->count;
	if (rc != RC_OK || q->count)
		return rc;
	if (q->answered)
		return fail(err, RC_ABSENT, "'%s' has no %s record", name, what);
	return fail(err, RC_BUSY, "'%s' could not be looked up", name);
}

enum rc dns_txt(const struct dns_ask *ask, const char *name, struct arena *a, str **out,
		size_t *count_out, struct err *err)
{
	struct asked q = { .a = a, .take = take_txt, .most = DNS_TXT_MOST };
	q.out = *out = ARENA_ARRAY(a, DNS_TXT_MOST, str);
	return ask_one(ask, name, DNS_TXT, "TXT", &q, count_out, err);
}

enum rc dns_addresses(const struct dns_ask *ask, const char *name, struct ip out[DNS_ADDRESSES_MOST],
		      size_t *count_out, struct err *err)
{
	static const int kinds[] = { DNS_A, DNS_AAAA };
	struct asked q = { .take = take_address, .out = out, .most = DNS_ADDRESSES_MOST };
	enum rc rc = ask_for(ask, name, kinds, COUNT_OF(kinds), &q, err);
	*count_out = q.count;
	if (rc != RC_OK)
		return rc;
	if (q.absent && q.count == 0)
		return fail(err, RC_ABSENT, "there is no name '%s'", name);
	return q.answered && q.pending == 0 ? RC_OK : fail(err, RC_BUSY, "'%s' could not be looked up", name);
}

enum rc dns_names(const struct dns_ask *ask, const struct ip *ip, struct arena *a, str **out,
		  size_t *count_out, struct err *err)
{
	struct asked q = { .a = a, .take = take_name, .most = DNS_MOST };
	struct buf name = BUF_INIT(128);
	if (ip_is4(ip))
		buf_fmt(&name, "%u.%u.%u.%u.in-addr.arpa", ip->b[15], ip->b[14], ip->b[13], ip->b[12]);
	for (int i = 15; i >= 0 && !ip_is4(ip); i--)
		buf_fmt(&name, "%x.%x.", ip->b[i] & 15u, ip->b[i] >> 4);
	if (!ip_is4(ip))
		buf_fmt(&name, "ip6.arpa");
	const char *asked = arena_z(a, buf_str(&name));
	buf_free(&name);
	q.out = *out = ARENA_ARRAY(a, DNS_MOST, str);
	return ask_one(ask, asked, DNS_PTR, "PTR", &q, count_out, err);
}

enum rc dns_mx(const struct dns_ask *ask, const char *name, struct arena *a, struct dns_mx **out,
	       size_t *count_out, struct err *err)
{
	struct dns_mx *list = ARENA_ARRAY(a, DNS_MOST, struct dns_mx);
	struct asked q = { .a = a, .take = take_mx, .out = list, .most = DNS_MOST };
	enum rc rc = ask_one(ask, name, DNS_MX, "MX", &q, count_out, err);
	for (size_t i = 1; i < q.count; i++)
		for (size_t k = i; k > 0 && list[k].preference < list[k - 1].preference; k--) {
			struct dns_mx other = list[k];
			list[k] = list[k - 1];
			list[k - 1] = other;
		}
	*out = list;
	return rc;
}
