/* SPDX-License-Identifier: Apache-2.0 */
/* pairing.h: how two nodes come to know each other's keys.
 *
 * One makes an invitation, a line that people pass on by any means: where it is reached, its identity, its name, a
 * secret that is good once, until when. The other accepts it: it calls that address, which must prove the key that stands
 * in the line, shows its own certificate and gives the secret. Both then have a partner in draft with keys that
 * wait, and show the same six words, made of both identities: read over the telephone they say that nobody stands
 * between. With `confirm` on either side the keys are good and the partner is active.
 *
 * The words are proquints (D. S. Wilkerson, "A Proposal for Proquints: Identifiers that are Readable, Spellable, and
 * Pronounceable", arXiv:0901.4016): 16 bits each, consonants and vowels in turn, no letter that is heard as another. They stand
 * for 96 bits of Argon2id (RFC 9106; 19 MiB, two passes) over SHA-256 of both identities, so that looking for keys with the
 * same words costs that much at each try. */
#ifndef RONDA_EXCHANGE_PAIRING_H
#define RONDA_EXCHANGE_PAIRING_H

#include "exchange/keys.h"
#include "exchange/partner.h"

enum { PAIRING_WORDS = 6, PAIRING_WORDS_MAX = PAIRING_WORDS * 6, PAIRING_LINE_MAX = 4096,
       PAIRING_SECRET_BYTES = 20, PAIRING_BODY_MAX = 16 << 10 };

struct invitation {
	str address, node, name;
	struct identity who;
	unsigned char secret[PAIRING_SECRET_BYTES];
	int64_t expires_us;
};
/* Adds the line ("ronda1.…") to `line`, without a newline. `partner`: an existing one who is to have new keys; zero: a new
 * one. RC_INPUT: the setting exchange_address does not say where we are reached. Journalled. */
MUST_CHECK enum rc pairing_invite(struct exchange *x, int64_t life_us, struct uuid partner, str by, struct buf *line,
				  struct err *err);
/* RC_INPUT: no such line, or not copied whole. In `a`. */
MUST_CHECK enum rc pairing_read(str line, struct arena *a, struct invitation *out, struct err *err);

struct paired {
	struct partner partner;
	char words[PAIRING_WORDS_MAX];
};
/* Blocks: asks the node that invites. RC_DENIED: it refuses, or is not who the line says. Journalled. */
MUST_CHECK enum rc pairing_accept(struct exchange *x, str line, str by, struct arena *a, struct paired *out,
				  struct err *err);
/* At the node that invited: what came at /pair from a client with this pin. *answer: JSON. */
MUST_CHECK enum rc pairing_asked(struct exchange *x, const struct digest *pin, str body, str signature,
				 struct arena *a, struct buf *answer, struct err *err);
/* The words of a partner whose keys wait. RC_ABSENT: none do. */
MUST_CHECK enum rc pairing_words_of(struct exchange *x, struct conn *c, const struct partner *p, struct arena *a,
				    char out[PAIRING_WORDS_MAX], struct err *err);
/* Another partner, one that has ended, whose node says it was this one's: what that node sent may be changed and withdrawn by
 * who has its id now. RC_ABSENT: there is none. */
MUST_CHECK enum rc pairing_before(struct exchange *x, struct conn *c, const struct partner *p, struct arena *a,
				  struct partner *out, struct err *err);
/* The words were the same: keys that wait are good, a draft is active. Inside a job; journalled. RC_DENIED: there is one
 * before, and nobody said that it is the same team. */
MUST_CHECK enum rc pairing_confirm(struct tx *tx, struct exchange *x, const struct partner *p, bool same_team, str by,
				   struct err *err);

/* Of two identities, whoever is first. RC_LIMIT: no memory to make them. */
MUST_CHECK enum rc pairing_words(const struct identity *one, str one_node, const struct identity *other, str other_node,
				 char out[PAIRING_WORDS_MAX], struct err *err);

#endif
