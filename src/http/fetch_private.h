/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_private.h: a URL taken apart, and the seams of fetch.c. */
#ifndef RONDA_HTTP_FETCH_PRIVATE_H
#define RONDA_HTTP_FETCH_PRIVATE_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "http/fetch.h"
#include "http/vouch.h"

enum { FETCH_HOST_MAX = 253, FETCH_IPS_MAX = 16 };

struct fetch_target {
	char *url;                      /* as libcurl writes it; curl_free() */
	char host[FETCH_HOST_MAX + 1];  /* lower case, without brackets */
	uint16_t port;
	bool tls;
	bool literal;                   /* the host is an address: `ip` */
	struct ip ip;
};
MUST_CHECK enum rc fetch_target_parse(str url, struct fetch_target *out, struct err *err);
void fetch_target_free(struct fetch_target *t);
bool fetch_same_origin(const struct fetch_target *a, const struct fetch_target *b);

/* Addresses of a name, IPv4 and IPv6. RC_ABSENT: there is no such name. */
typedef enum rc fetch_resolve_fn(void *ctx, const char *host, int64_t timeout_ms,
				 struct ip out[FETCH_IPS_MAX], size_t *count_out, struct err *err);
fetch_resolve_fn fetch_resolve; /* by libunbound: resolv.conf and hosts; ctx: an atomic_bool that ends it, or NULL */

struct fetch_rule {
	const char *purpose;
	char host[FETCH_HOST_MAX + 1];
	uint16_t port;
	bool tls, exempt, proxy;
};

/* --- fetch_vouch.c --- */

struct fetch_voucher {
	const struct fetch_pinned *pinned;
	const char *why;                /* the server was refused, in words */
};
/* `v` lives as long as the request. False: libcurl cannot. */
bool fetch_vouch(struct fetch_voucher *v, CURL *c);

struct fetcher {
	atomic_bool stopping;
	char *ca_file;
	size_t rule_count;
	struct fetch_rule rules[FETCH_RULES_MAX];
	fetch_resolve_fn *resolve;      /* a test puts its own here */
	void *resolve_ctx;
	/* A test's: the port of loopback that stands for this address, as no test may
	 * dial the address itself; else NULL. */
	uint16_t (*divert)(void *ctx, const struct ip *ip, uint16_t port);
	void *divert_ctx;
};

#endif
