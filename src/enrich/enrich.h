/* SPDX-License-Identifier: Apache-2.0 */
/* enrich.h: from an address to network, ASN and country; from a host name to
 * its registrable domain.
 *
 * Network data come from libloc's database, flattened once per digest into a
 * cache file that is mapped read-only and shared between nodes, and from an
 * overlay file ("CIDR asn cc name" a line; its networks win). Names use the
 * Public Suffix List (libpsl). What an event already says is never replaced.
 * Tables are immutable: one thread or many. */
#ifndef RONDA_ENRICH_ENRICH_H
#define RONDA_ENRICH_ENRICH_H

#include "base/log.h"
#include "event/batch.h"

struct enrich;

struct enrich_sources {
	const char *network_db; /* path of libloc's database; NULL or absent: without */
	const char *cache_dir;  /* for the flattened cache; NULL: private memory */
	const char *overlay;    /* path of the overlay file; NULL: none */
};
/* Parts that are missing are logged and left out; RC_INPUT: a broken overlay,
 * with its line. */
MUST_CHECK enum rc enrich_open(const struct enrich_sources *from, struct log *log,
			       struct enrich **out, struct err *err);
void enrich_close(struct enrich *e);

struct net_facts {
	struct net net;
	uint32_t asn;  /* 0: unknown */
	char cc[3];    /* "" : unknown */
};
bool enrich_ip(const struct enrich *e, const struct ip *ip, struct net_facts *out);
/* "AS64500 name" as known to the database; STR_NONE. Valid as long as e. */
str enrich_asn_name(const struct enrich *e, uint32_t asn, char name[128]);
/* "www.example.co.id" -> "example.co.id"; STR_NONE for a suffix itself. A view. */
str enrich_site(const struct enrich *e, str fqdn);

/* Fills source.* and destination.* asn, network, geolocation.cc and
 * domain_suffix of every row where they are absent; gives source.fqdn from
 * source.url when that is all there is. */
MUST_CHECK enum rc enrich_batch(const struct enrich *e, struct batch *b, struct err *err);

/* For "where does this come from": file, digest, date; one line each. */
void enrich_describe(const struct enrich *e, struct buf *out);

#endif
