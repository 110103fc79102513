/* SPDX-License-Identifier: Apache-2.0 */
/* answer.h: what we tell partners of what became of their items here.
 *
 * An event that came from a partner is a finding of ours. When it was told to who is responsible, when he says that he
 * works on it, fixed it or that it is not his, when it is gone or came back, that is an answer to the partner's event, once each:
 * a teller over the transitions and the ledger keeps it and offers it in his collection (ENTRY_ANSWER), in
 * one job with its cursor. Who was told, and his words, stay here: the answer says only what happened and when. People
 * answer in words by a record of a type that means "contribution.about" (contribution.json); what they say of a finding goes
 * this way (finding_say.h). */
#ifndef RONDA_EXCHANGE_ANSWER_H
#define RONDA_EXCHANGE_ANSWER_H

#include "exchange/collection.h"
#include "stix/stix_record.h"

struct partner_answer {
	struct uuid partner;   /* whose item it is; who gets the answer */
	str item;              /* the item's id there: "event--…" */
	str origin;            /* node id there */
	str about;             /* STIX id of the item */
	str what;              /* of struct stix_answer */
	str words;
	str key;               /* makes it once for this partner */
	int64_t at_us;
	enum tlp tlp;
};
/* Inside a job: keeps it and offers it; the same key again changes nothing. */
MUST_CHECK enum rc partner_answer_offer(struct tx *tx, const struct partner_answer *n, struct err *err);
/* What an ENTRY_ANSWER names (its `first`), for collection_page(). In `a`. RC_ABSENT: forgotten. */
MUST_CHECK enum rc partner_answer_read(struct conn *c, int64_t id, struct arena *a, struct stix_answer *out,
					struct err *err);
/* As part of exchange_open(): the teller. */
MUST_CHECK enum rc partner_answers_open(struct exchange *x, struct err *err);

#endif
