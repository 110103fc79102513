/* SPDX-License-Identifier: Apache-2.0 */
/* nets.h: networks that may lie inside each other, and the smallest of them
 * that holds an address.
 *
 * Built once from a sorted list, never changed: one thread or many. What
 * belongs to a network stands with the caller, under the network's place. A network of IPv4 takes
 * 9 bytes, one of IPv6 21. */
#ifndef RONDA_ENRICH_NETS_H
#define RONDA_ENRICH_NETS_H

#include "base/ip.h"

#define NETS_NONE SIZE_MAX

struct nets;

/* Order of the list nets_new() takes: by address, the larger network first. */
int nets_cmp(const struct net *a, const struct net *b);

/* `list`: sorted by nets_cmp, without doubles; at most 2^31. */
struct nets *nets_new(const struct net *list, size_t n);
void nets_free(struct nets *t); /* NULL is fine */

/* Place of the smallest network that holds `ip`; NETS_NONE. */
size_t nets_find(const struct nets *t, const struct ip *ip);
/* Place of the network `net` itself, or of the smallest that holds all of it. */
size_t nets_find_net(const struct nets *t, const struct net *net);
struct net nets_at(const struct nets *t, size_t i);
/* Place of the next larger network around that at place `i`; NETS_NONE. */
size_t nets_around(const struct nets *t, size_t i);

#endif
