/* SPDX-License-Identifier: Apache-2.0 */
/* partner.h: with whom we exchange, and how they prove who they are.
 *
 * A partner is a record (its type means "partner.organisation", "partner.kind", "partner.address",
 * "partner.node", "partner.active", ...); its keys stand in a table, as people do not edit them. What may flow is
 * another matter: the agreement with its organisation (disclosure/policy.h) decides at each item.
 *
 * A node's key is a self-signed certificate; its digest is pinned (SHA-256 of the SubjectPublicKeyInfo,
 * as in RFC 7469 section 2.4), no authority is needed, one is allowed (exchange_ca_file, docs/exchange.md). Bodies are signed besides (Ed25519, RFC 8032) over a fixed head and
 * the exact bytes, so that they can be carried by anybody. Old and new key of one who rotates are both good until
 * `until_us`; a revoked one is refused at once. */
#ifndef RONDA_EXCHANGE_PARTNER_H
#define RONDA_EXCHANGE_PARTNER_H

#include "exchange/exchange.h"

enum partner_kind { PARTNER_NODE = 1 /* a ronda */, PARTNER_TAXII, PARTNER_MISP };
struct partner {
	struct uuid id;            /* of its record */
	str name;                  /* title; for feeds: partner_feed() */
	enum partner_kind kind;
	struct uuid organisation;  /* whose agreement counts; zero: none is named, nothing flows */
	int64_t org;               /* its number in the directory; 0: none */
	str address;               /* "https://watch.example.org:8421"; "" : only they reach us */
	struct uuid node;          /* node id of a PARTNER_NODE; zero: not known yet */
	bool active;               /* state of the record */
	bool ended;                /* its state is closed: it stays for what it did */
	bool push, pull;           /* we push to them; we pull from them */
	str collection, inbox;     /* at a PARTNER_TAXII: where we fetch (several by comma) and send; "": the only one */
	enum tlp tlp;              /* of what comes from it without a marking */
	bool exercise;
	uint64_t quota_objects, quota_bytes; /* he may send us, a second; 0: as the settings say (quota.h) */
	uint64_t line_day, line_rate; /* bytes on our line to him, a day and a second; 0: any */
	uint64_t version;          /* of the record */
};
/* By record id ("partner--…", a number as people say it, its title) or by the pin a client showed.
 * RC_ABSENT: none, or not active when `pin` asks. In `a`. */
MUST_CHECK enum rc partner_find(struct exchange *x, struct conn *c, str what, struct arena *a, struct partner *out,
				struct err *err);
MUST_CHECK enum rc partner_by_pin(struct exchange *x, struct conn *c, const struct digest *pin, struct arena *a,
				  struct partner *out, struct err *err);
/* A caller, as the listener saw him (http/http.h). */
struct partner_caller {
	const struct digest *pin;
	str vouched;               /* "urn:uuid:NODE": our authority vouches for that node; n 0: it does not */
	const char *unvouched;     /* why not; NULL: no authority is asked */
};
struct partner_key;
/* By the pin; a pin that nobody has, by the node that the authority vouches for, if it is one active partner's. *key_out
 * signs what he sends: of a vouched one a good key of his pairing, or none (id 0), which signs nothing.
 * RC_ABSENT, RC_DENIED: in words for the log. A revoked key is refused whoever vouches. */
MUST_CHECK enum rc partner_by_caller(struct exchange *x, struct conn *c, const struct partner_caller *who, struct arena *a,
				     struct partner *out, struct partner_key *key_out, struct err *err);
typedef bool (*partner_each)(void *ctx, const struct partner *p);
MUST_CHECK enum rc partners_list(struct exchange *x, struct conn *c, bool active_only, struct arena *a,
				 partner_each each, void *ctx, struct err *err);
/* The one whose node this is (a node id). RC_ABSENT. */
MUST_CHECK enum rc partner_by_node(struct exchange *x, struct conn *c, bool active_only, str node, struct arena *a,
				   struct partner *out, struct err *err);
/* "partner-NAME" as feeds are called: lower case, other characters '-', made unique by its record's number. */
str partner_feed(const struct partner *p, struct arena *a);

#endif
