/* SPDX-License-Identifier: Apache-2.0 */
/* recovery.h: codes on paper for the day the second factor is lost.
 *
 * Ten of 80 bits each, shown once, as "abcd-efgh-ijkl-mnop" (base32 of RFC
 * 4648). Only keyed digests are kept. A code is good once: delete its digest in
 * the SAME transaction that lets the person in. New codes replace all old
 * ones. Pure functions. */
#ifndef RONDA_DISCLOSURE_RECOVERY_H
#define RONDA_DISCLOSURE_RECOVERY_H

#include "base/hash.h"

enum { RECOVERY_CODES = 10, RECOVERY_CODE_SIZE = 20 /* with its NUL */ };

struct recovery {
	char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE]; /* show, then wipe */
	struct digest digests[RECOVERY_CODES];          /* keep */
};

/* `key`: of the node, so that a stolen table alone tells nothing. */
void recovery_new(const struct key *key, struct recovery *out);
void recovery_wipe(struct recovery *r); /* the codes */

/* Which of the account's digests a typed code belongs to; -1: to none. Case,
 * spaces and hyphens do not matter. Looks at all, whichever fits. */
int recovery_find(const struct key *key, str typed, const struct digest *digests, size_t count);

#endif
