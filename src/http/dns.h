/* SPDX-License-Identifier: Apache-2.0 */
/* dns.h: what a name's TXT records say (RFC 1035, section 3.3.14), and where it is (A, AAAA), by libunbound. */
#ifndef RONDA_HTTP_DNS_H
#define RONDA_HTTP_DNS_H

#include "base/arena.h"
#include "base/ip.h"

enum { DNS_TXT_MOST = 64, DNS_TXT_BYTES = 4096, DNS_ADDRESSES_MOST = 32 };
struct dns_ask {
	const char *server;  /* "192.0.2.53", "127.0.0.1@5300"; "" or NULL: as the system is set */
	int64_t timeout_ms;
};
/* Each record whole, its parts joined; at most DNS_TXT_MOST, longer ones left out. All in `a`.
 * Nothing is remembered between calls. RC_ABSENT: no such name, or none at it; RC_BUSY: no
 * answer came; RC_INPUT: no server of that form. */
MUST_CHECK enum rc dns_txt(const struct dns_ask *ask, const char *name, struct arena *a, str **out,
			   size_t *count_out, struct err *err);
/* Its addresses, of both families. RC_ABSENT: there is no such name (NXDOMAIN); one without an address
 * is RC_OK with none. RC_BUSY, RC_INPUT as above. */
MUST_CHECK enum rc dns_addresses(const struct dns_ask *ask, const char *name, struct ip out[DNS_ADDRESSES_MOST],
				 size_t *count_out, struct err *err);

#endif
