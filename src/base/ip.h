/* SPDX-License-Identifier: Apache-2.0 */
/* ip.h: addresses and networks, IPv4 and IPv6 alike.
 *
 * Both are 16 bytes in network order; an IPv4 address is ::ffff:a.b.c.d
 * (RFC 4291 section 2.5.5.2), so a prefix is always 0..128 (IPv4 /24 = 120)
 * and memcmp sorts. Text follows RFC 4291 in, RFC 5952 out. */
#ifndef RONDA_BASE_IP_H
#define RONDA_BASE_IP_H

#include "base/buf.h"

struct ip {
	uint8_t b[16];
};

struct net {
	struct ip ip;
	uint8_t bits; /* 0..128 over the 16 bytes */
};

bool ip_is4(const struct ip *ip);
int ip_cmp(const struct ip *a, const struct ip *b);

/* Strict: dotted quad without leading zeros, or RFC 4291; no zone, no port. */
bool ip_parse(str text, struct ip *out);
/* "a.b.c.d/n" or "x::/n"; a bare address is a /32 or /128. Host bits set:
 * refused when `strict`, else cleared. */
bool net_parse(str text, bool strict, struct net *out);

void ip_format(struct buf *out, const struct ip *ip);
str ip_str(char text[48], const struct ip *ip);
void net_format(struct buf *out, const struct net *net);
str net_str(char text[56], const struct net *net);

bool net_has(const struct net *net, const struct ip *ip);
void ip_mask(struct ip *ip, uint8_t bits); /* clears the host bits */
struct ip net_last(const struct net *net);

/* Private, loopback, link-local, multicast, unspecified, documentation or
 * otherwise not globally reachable (RFC 6890 and its registries). */
bool ip_is_special(const struct ip *ip);

#endif
