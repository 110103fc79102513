/* SPDX-License-Identifier: Apache-2.0 */
/* finding_say.h: what our people say of a finding that came from a partner, in words.
 *
 * A finding is not a record: it is the fold of events, and each event says from which node it came and under which id there.
 * The words go to that node as an answer to its event (answer.h), once, by the same line; it puts them to its own finding:
 * in its ledger, on the page of the finding. No further: who else has the event is not told. */
#ifndef RONDA_EXCHANGE_FINDING_SAY_H
#define RONDA_EXCHANGE_FINDING_SAY_H

#include "disclosure/read.h"
#include "exchange/answer.h"

enum { FINDING_WORDS_MOST = 2000 }; /* bytes: no more stands in a row of the ledger */
struct finding_say {
	str finding;               /* its id, as read_finding() takes it */
	str what;                  /* "comment", "question", "opinion"; "": comment */
	str text;
	str tlp;                   /* "": as the finding; never looser */
};
/* *count_out: to how many partners. RC_ABSENT: there is no such finding for him, or it came from no partner. RC_DENIED:
 * no agreement lets findings flow with any of them, or none goes up to its marking. */
MUST_CHECK enum rc finding_say(struct exchange *x, const struct viewer *v, const struct finding_say *q, struct arena *a,
			       size_t *count_out, struct err *err);

#endif
