/* SPDX-License-Identifier: Apache-2.0 */
/* offer_private.h: between the files that offer. */
#ifndef RONDA_EXCHANGE_OFFER_PRIVATE_H
#define RONDA_EXCHANGE_OFFER_PRIVATE_H

#include "disclosure/told_partner.h"
#include "exchange/exchange_private.h"
#include "exchange/offer.h"

/* One to whom we offer; anybody: a partner of zeros. */
struct target {
	struct partner p;
	bool anybody;
	struct told_to to;
	bool findings;             /* an agreement lets them flow now */
	bool indicators;           /* the same; objects of others go under that word */
	int64_t feed;              /* id of the feed of what comes from him; 0: there is none */
	size_t place;              /* of its organisation among those looked for */
	uint64_t first, last, count; /* events found for him */
};
struct targets {
	struct arena *a;
	struct target *list;       /* with room for one more */
	size_t count, room;
	int64_t *orgs;             /* of those who get findings, ascending, each once */
	size_t org_count;
};
/* Those who are active; or all, also those to whom nothing flows now. End with targets_free(). */
MUST_CHECK enum rc targets_load(struct exchange *x, struct reader *r, bool all, struct targets *out, struct err *err);
void targets_free(struct targets *t);

/* For each event numbered first..last that concerns one of them and did not come from him: counted there. */
MUST_CHECK enum rc targets_count(struct targets *t, struct reader *r, uint64_t first, uint64_t last, struct err *err);
/* Inside a job: entries of what was counted. */
MUST_CHECK enum rc targets_offer_events(struct tx *tx, struct targets *t, struct err *err);

/* Records whose newest version has an id behind `from`: entries, withdrawals, refusals. *upto_out: looked at up to
 * there. With `only`: to him alone, whatever he was offered before, in no need of a cursor. */
MUST_CHECK enum rc offer_records(struct exchange *x, struct reader *r, struct targets *t, uint64_t from, bool again,
				 uint64_t *upto_out, struct err *err);
/* Objects of others that came behind the cursor: entries; anybody is among `t`. */
MUST_CHECK enum rc offer_objects(struct exchange *x, struct reader *r, struct targets *t, bool *did, struct err *err);
/* What an offerer knows of the last look at claims (offer_later.c). */
struct later {
	bool known;
	bool passing;              /* there is a next event to ask about */
	uint64_t version, flows;   /* of the directory, and who got findings, when all was done for them */
	int64_t until_us;          /* monotonic: events that come are asked about until then; 0: not known */
};
/* Events of the last days once more, when claims or flows changed: a piece of those up to `upto`. *did: there may be more. */
MUST_CHECK enum rc offer_later(struct exchange *x, struct reader *r, struct targets *t, struct later *l, uint64_t upto,
			       bool *did, struct err *err);
/* The first event received on the day of a time, or later; 0: none. */
MUST_CHECK enum rc offer_first_since(struct reader *r, int64_t since_us, uint64_t *out, struct err *err);
/* By what an agreement calls it. */
enum lane lane_of_flow(str flow);

#endif
