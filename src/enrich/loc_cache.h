/* SPDX-License-Identifier: Apache-2.0 */
/* loc_cache.h: libloc's database, enumerated plainly and flattened by us into
 * disjoint sorted ranges with a /16 index, as a file that is mapped read-only
 * (its layout is in loc_private.h; it never leaves the machine). Made once per
 * database digest. */
#ifndef RONDA_ENRICH_LOC_CACHE_H
#define RONDA_ENRICH_LOC_CACHE_H

#include "enrich/enrich.h"

struct loc_cache;
/* `cache_dir` NULL, absent or not writable: private memory instead of a file. A
 * damaged file is made anew. */
MUST_CHECK enum rc loc_cache_open(const char *database, const char *cache_dir,
				  struct loc_cache **out, struct err *err);
void loc_cache_close(struct loc_cache *c);
bool loc_cache_find(const struct loc_cache *c, const struct ip *ip, struct net_facts *out);
/* "AS64500 name"; STR_NONE. */
str loc_cache_asn_name(const struct loc_cache *c, uint32_t asn, char name[128]);
/* "digest 0011..., made 2022-10-29, N ranges ..." */
void loc_cache_describe(const struct loc_cache *c, struct buf *out);

#endif
