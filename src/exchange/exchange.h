/* SPDX-License-Identifier: Apache-2.0 */
/* exchange.h: what nodes and their partners tell each other by machine.
 *
 * A *partner* (partner.h) is an organisation whose server we speak with. What he may have of ours is offered
 * (offer.h) as entries of his *collection* (collection.h): an entry names items, never their bytes, and
 * the disclosure check is asked again each time one is read, so an agreement that ended stops what
 * waits. The courier (courier.h) pushes entries, or the partner reads them (TAXII 2.1); both ways his place is a
 * cursor, and nothing is queued for him. What comes from a partner, pushed, pulled or carried by hand, goes one
 * way in (take.h).
 *
 *   event, record, answer -> offer -> entry of a collection -> check -> STIX -> courier or TAXII -> partner
 *   partner -> take: judge each object alone -> intake | record copy | answer | kept as it came
 *
 * On the wire: STIX 2.1 (stix/), each object of ours with the item whole in an extension. An item belongs
 * to its origin; only the origin changes or withdraws it. */
#ifndef RONDA_EXCHANGE_EXCHANGE_H
#define RONDA_EXCHANGE_EXCHANGE_H

#include "base/settings.h"
#include "disclosure/told.h"
#include "http/fetch.h"

struct exchange;

/* What came from a partner in one delivery and is to go the way of a report: flat event lines (IntelMQ's
 * names, one JSON object a line). */
struct exchange_delivery {
	str feed;          /* "partner-NAME": made when it is not there, with the marking below */
	str provider;      /* name of the partner */
	str lines;
	str name;          /* of the delivery, for the report: the same bytes again are known */
	enum tlp tlp;      /* of events that carry none */
	bool exercise;
};
struct exchange_delivered {
	int64_t report;
	uint64_t accepted, repeats, quarantined;
};

/* What the exchange of one node works with; all of it outlives it. Above the floor it stands on there is only the
 * way of a report: handed in as functions. */
struct exchange_world {
	struct store *store;
	struct journal *journal;
	struct records *records;
	struct roles *roles;
	struct policies *policies;
	struct snapshot *types;
	const struct settings *settings;
	struct log *log;
	const char *dir;   /* DIR: keys stand in it */
	struct snapshot *directory; /* of struct directory; NULL: none */
	void *ctx;         /* of the functions */
	/* RC_OK: on disk. */
	enum rc (*deliver)(void *ctx, const struct exchange_delivery *d, struct exchange_delivered *out,
			   struct err *err);
	/* Takes events of a report of a partner's feed back, by the ids their origin gave them
	 * (extra.origin_event); *out: how many. */
	enum rc (*take_back)(void *ctx, int64_t report, const str *origin_events, size_t count, str why,
			     uint64_t *out, struct err *err);
};

/* Reads or makes our keys; registers hooks and background work. */
MUST_CHECK enum rc exchange_open(const struct exchange_world *w, struct exchange **out, struct err *err);
void exchange_close(struct exchange *x); /* stopped; NULL is fine */
/* Starts the courier, if setting `exchange` is on. */
MUST_CHECK enum rc exchange_start(struct exchange *x, struct err *err);
void exchange_stop(struct exchange *x);
const struct exchange_world *exchange_world_of(const struct exchange *x);
/* PEM of the authority that may vouch for partners' nodes (setting exchange_ca_file); n 0: none. */
str exchange_authority(const struct exchange *x);

#endif
