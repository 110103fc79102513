/* SPDX-License-Identifier: Apache-2.0 */
/* courier_private.h: between the courier's files.
 *
 * One thread hands out: it knows for whom there is something, and gives each such partner to a worker, one at a time.
 * A *peer* is what is kept of a partner between rounds; it belongs to the worker while one is under way. */
#ifndef RONDA_EXCHANGE_COURIER_PRIVATE_H
#define RONDA_EXCHANGE_COURIER_PRIVATE_H

#include <stdatomic.h>

#include "exchange/exchange_private.h"
#include "exchange/line.h"

/* Bytes on the wire before an answer: on a line of which nothing is known, and on a poor one. */
enum { WIRE_FIRST = 64 << 10, WIRE_LEAST = 8 << 10, WIRE_MOST = 1 << 20, POOR_RATE = 32 << 10 };

struct peer {
	struct uuid id;
	enum partner_kind kind;
	struct fetch_keep *keep;
	struct digest kept_pins, kept_own; /* all his good keys, and our certificate, under which `keep` was made */
	size_t kept_refused;       /* keys that were refused then */
	int64_t looked_us[LANE_COUNT];  /* offered up to here there is nothing that may go */
	uint64_t policy;           /* under which that was so */
	int64_t offered_us;        /* last of his collection when the courier looked */
	int64_t round_us, done_us; /* that, when the round under way began, and the last that went well */
	int64_t noted_us;          /* monotonic: when that was last written down */
	size_t wire;               /* bytes of a batch on the wire */
	unsigned ratio;            /* how much larger it is unpacked */
	uint64_t rate;             /* bytes a second; 0: not known */
	int64_t stix_until_us;     /* monotonic: it takes STIX alone */
	int64_t rtt_us;
	int64_t pull_us;           /* monotonic: when it is fetched from again */
	uint64_t unsaid;           /* bytes fetched that no row has yet */
	int64_t key_us;            /* monotonic: when he is asked for his next key again */
	int64_t held_us;           /* monotonic: less urgent things go on then, a quota is used up; 0: now */
	atomic_bool wanted;        /* somebody waits for the end of the round under way */
	bool seen;                 /* the dispatcher's */
	bool busy, again;
	bool lent;                 /* busy by who asked for it */
	bool told;                 /* a failure stands in its row */
	bool greeted;              /* since this node started */
	bool pushes, pulls;
	unsigned fails;
	int64_t next_us;           /* monotonic: not before */
	int64_t reached_us;        /* monotonic: when a call of his last ended a pause */
	int64_t wait_us;           /* what the other side asked for; 0: nothing */
	bool paced;                /* it was no failure: our quota there is used up */
	bool answered;             /* something, in the round under way */
	bool on_the_way;           /* he is fetched from as well, when all was sent */
	bool out_due, in_due;      /* of that round: he is sent to, fetched from. Each has its own pause: what fails of one does not
	                            * keep the other waiting; what stands above and below is of sending */
	struct {
		enum rc rc;
		struct err err;
		int64_t wait_us;
		unsigned fails;
		bool paced, told;
	} in;                      /* of fetching; its next time is pull_us */
	enum rc rc;
	struct err err;
};
struct peer *peer_new(struct uuid id); /* of a node */
void peer_free(struct peer *p);

/* One request to the partner, as it stands now. */
struct call {
	struct exchange *x;
	struct peer *peer;
	struct arena *a;           /* of this call */
	struct partner partner;
	struct own_keys own;
	struct digest pins[FETCH_PINS_MAX];
	size_t pin_count;
	struct digest *refused;    /* with an authority: keys it cannot vouch for */
	size_t refused_count;
	str to;                    /* its node id as text */
};
/* RC_ABSENT: not active, no key, no address. End with call_end(). */
MUST_CHECK enum rc call_begin(struct call *c, struct exchange *x, struct peer *p, struct err *err);
void call_end(struct call *c);
struct call_body {
	const struct buf *bytes;   /* NULL: GET */
	const char *type;
	const struct fetch_header *headers; size_t header_count;
	const char *accept;
};
MUST_CHECK enum rc call_ask(struct call *c, str path, const struct call_body *b, struct fetch_answer *out,
			    int64_t *took_us, struct err *err);
/* When less urgent things may go over our line to him again (line_day), from now; 0: now. */
MUST_CHECK enum rc call_line_wait(struct call *c, int64_t *wait_out, struct err *err);
/* How long it asks us to wait before the next (Retry-After, RFC 9110 section 10.2.3); 0: it does not. */
int64_t call_wait(const struct fetch_answer *answer);
/* What an answer that refuses means, with the next step in words. */
MUST_CHECK enum rc call_refused(struct call *c, const struct fetch_answer *answer, struct err *err);

/* A round with one partner: our next key, what is offered, what he offers: as out_due and in_due say. What it returns is of
 * sending; of fetching: p->in. */
MUST_CHECK enum rc round_run(struct exchange *x, struct peer *p, struct err *err);
/* All that may go now, lane by lane: after each batch the lanes before it are looked at again. */
MUST_CHECK enum rc push_run(struct exchange *x, struct peer *p, struct err *err);
MUST_CHECK enum rc pull_run(struct exchange *x, struct peer *p, struct err *err);
/* Tells the partner of our next key, once. */
MUST_CHECK enum rc announce_run(struct exchange *x, struct peer *p, struct err *err);
/* Asks the partner whether he has a next one. */
MUST_CHECK enum rc announce_fetch(struct call *c, struct err *err);
/* Uses the next key when every partner knows it, or it is time. */
MUST_CHECK enum rc announce_settle(struct exchange *x, struct err *err);

/* The same with a partner's TAXII server (taxii_client.h): what is fetched, then what is sent. */
MUST_CHECK enum rc taxii_round(struct exchange *x, struct peer *p, struct err *err);
struct taxii_server;
struct taxii_offer;
MUST_CHECK enum rc taxii_fetch(struct taxii_server *s, const struct taxii_offer *list, size_t count, struct err *err);
MUST_CHECK enum rc taxii_send(struct taxii_server *s, struct peer *peer, const struct taxii_offer *list, size_t count,
			      struct err *err);

/* bytes and time of an answered batch: how large the next one is. */
void peer_measure(struct peer *p, size_t wire, size_t plain, int64_t took_us);
/* Less urgent things wait so long from now. */
void peer_hold(struct peer *p, int64_t wait_us);
bool peer_held(const struct peer *p, enum lane lane);
/* Growing pauses with jitter, so that those who lost the same line do not come back together: at most 90 s for a ronda, 7.5 min
 * for others. */
int64_t courier_pause(enum partner_kind kind, unsigned fails);
/* A tenth more or less, so that those who were started together do not come together. */
int64_t courier_pull_pause(int64_t every_us);
bool courier_stopping(const struct exchange *x);

#endif
