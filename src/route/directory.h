/* SPDX-License-Identifier: Apache-2.0 */
/* directory.h: who is concerned with which ASN, network, domain, country.
 *
 * Rows in main.db with stable ids, made of the organisations' records
 * (directory_records.h), and an immutable table built from them (prefix trie,
 * hash of ASNs, domain suffixes, countries) that `snapshot` swaps whole.
 * Networks may be marked "shared address" (carrier-grade NAT) and may have a
 * season (from, until). */
#ifndef RONDA_ROUTE_DIRECTORY_H
#define RONDA_ROUTE_DIRECTORY_H

#include "base/arena.h"
#include "base/ip.h"
#include "base/uuid.h"
#include "store/store.h"

struct directory; /* the immutable table */

/* Roles an organisation can have towards something; number = preference. */
enum concern_role { ROLE_ASSET_HOLDER, ROLE_HOST, ROLE_NETWORK, ROLE_REGISTRAR, ROLE_NATIONAL_CERT,
		    ROLE_COUNT };
const char *role_name(enum concern_role r); /* "asset holder", ... */

struct contact {
	str role, email, phone;
	str name, channel, hours, languages; /* hours: as calendar.h; "": always */
	int64_t order;       /* 0: not said */
};
struct org {
	int64_t id;
	struct uuid record;  /* zero: none yet */
	bool former;         /* kept for its name */
	str name, kind, country, sector, timezone;
};

/* Contacts of an organisation, in their order, in `a`: not in the table, as a large directory has
 * hundreds of thousands and few are asked for. */
MUST_CHECK enum rc directory_org_contacts(struct conn *c, int64_t org, struct arena *a,
				      struct contact **out, size_t *count_out, struct err *err);

MUST_CHECK enum rc directory_load(struct conn *c, struct directory **out, struct err *err);
/* Of the rows as they stand: goes up with each commit that changed some. */
MUST_CHECK enum rc directory_stored_version(struct conn *c, uint64_t *out, struct err *err);
void directory_free(struct directory *d);
uint64_t directory_version(const struct directory *d);
const struct org *directory_org(const struct directory *d, int64_t id); /* NULL */
size_t directory_size(const struct directory *d);
const struct org *directory_at(const struct directory *d, size_t i); /* by name */

/* What of the table matched, most specific first. Up to `most` results.
 * `shared_address` (and "shared" in the reason) is told of the smallest network
 * only that anybody claims: it decides. */
struct match {
	int64_t org;
	enum concern_role role;
	bool shared_address;
	/* "net 198.18.0.0/16", "shared net 100.64.0.0/10", "asn AS64500",
	 * "domain example.org", "country ID" */
	char reason[64];
};
size_t directory_match_ip(const struct directory *d, const struct ip *ip, int64_t at_us,
			  struct match *out, size_t most);
/* Claims on networks that hold all of `net`. */
size_t directory_match_net(const struct directory *d, const struct net *net, int64_t at_us,
			   struct match *out, size_t most);
size_t directory_match_asn(const struct directory *d, uint32_t asn, int64_t at_us,
			   struct match *out, size_t most);
size_t directory_match_domain(const struct directory *d, str fqdn, int64_t at_us,
			      struct match *out, size_t most);
size_t directory_match_country(const struct directory *d, str cc, int64_t at_us,
			       struct match *out, size_t most);
bool directory_shared_address(const struct directory *d, const struct ip *ip, int64_t at_us);

#endif
