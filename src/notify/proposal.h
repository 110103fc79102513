/* SPDX-License-Identifier: Apache-2.0 */
/* proposal.h: what an organisation says is wrong in what we know of it.
 *
 * Nothing of a record changes by it: it is a notice for who has the duty, at the organisation's record, and a person
 * confirms it (by the number that is already known, not by the one proposed) and changes the record. */
#ifndef RONDA_NOTIFY_PROPOSAL_H
#define RONDA_NOTIFY_PROPOSAL_H

#include "notify/notify.h"

enum { PROPOSAL_WORDS_MAX = 2000, PROPOSALS_WAITING = 20 };
/* Inside a job. `by` is the account's actor, `key` of the form: the same one again changes nothing. RC_INPUT: no
 * plain words; RC_LIMIT: so many of theirs wait already. */
MUST_CHECK enum rc proposal_put(struct tx *tx, struct notify *n, str organisation, str by, str words, str key,
				struct err *err);

#endif
