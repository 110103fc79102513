/* SPDX-License-Identifier: Apache-2.0 */
/* concern.h: whom an event concerns, and why: a list of (organisation, role,
 * reason).
 *
 * Which side (source or destination) and which order follow from the
 * classification, as a data table (concern.def). */
#ifndef RONDA_ROUTE_CONCERN_H
#define RONDA_ROUTE_CONCERN_H

#include "enrich/enrich.h"
#include "route/directory.h"

enum { CONCERNS_MAX = 16 };
struct concerns {
	struct match list[CONCERNS_MAX];
	size_t count;
};

/* For every row: sets ronda.concerns, compact text
 * "ORG ROLE REASON|ORG ROLE REASON" (ROLE as number). */
MUST_CHECK enum rc route_batch(const struct directory *d, struct batch *b, int64_t now_us,
			       struct err *err);
/* Writes that text. */
void concerns_format(const struct concerns *list, struct buf *out);
/* Reads it back; false when it is not of this form. */
bool concerns_parse(str text, struct concerns *out);

/* `ronda who`: an address, network, name, URL or AS number as text. Facts may
 * come from e (may be NULL). RC_INPUT: none of these. */
struct who_asked { /* what the text was about; of a network its first address */
	struct ip ip;
	bool has_ip;
	uint32_t asn;
	char fqdn[256];
};
struct who {
	char kind[8]; /* "ip", "net", "domain", "url", "asn" */
	struct net_facts facts;
	struct concerns concerns;
	struct who_asked asked;
};
MUST_CHECK enum rc route_who(const struct directory *d, const struct enrich *e, str text,
			     int64_t now_us, struct who *out, struct err *err);
/* Asks again with the country a registry gave the address to, when nothing else told one. */
void route_who_country(const struct directory *d, const char cc[3], int64_t now_us, struct who *w);

#endif
