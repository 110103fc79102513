/* SPDX-License-Identifier: Apache-2.0 */
/* journal_private.h: what the files of the journal share; not for callers. */
#ifndef RONDA_RECORD_JOURNAL_PRIVATE_H
#define RONDA_RECORD_JOURNAL_PRIVATE_H

#include <sodium.h>

#include "record/journal.h"

enum { HASH = 32 };

struct journal {
	struct store *s;
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
	bool key_changed; /* the writer's: since it was opened */
};

/* --- journal.c --- */

/* As texts are hashed and signed: le32 of the length, then the bytes. */
void journal_put_text(struct buf *b, str s);
bool journal_take_digest(str s, struct digest *out);
/* A value of table `node`, of exactly that size. */
MUST_CHECK enum rc journal_load_key(struct conn *c, const char *name, void *to, size_t size,
				    bool *found_out, struct err *err);

void journal_sign_head(const unsigned char *secret, uint64_t number, const struct digest *hash,
		       unsigned char signature[crypto_sign_BYTES]);
/* Of a row of journal_head: number, hash, signature. */
bool journal_head_is_signed(struct sql *q, const unsigned char *public);

/* --- witness.c --- */

/* A head that was kept elsewhere. */
struct kept_head {
	uint64_t number;
	struct digest hash;
};
/* "number:hex" */
bool head_parse(str text, struct kept_head *out);
/* The heads of `node` in a witness file, ascending, in `a`; heads of other nodes
 * are left out. RC_INPUT names the line that is no head, or whose signature
 * does not hold. */
MUST_CHECK enum rc witness_parse(str text, str node, struct arena *a, struct kept_head **out,
				 size_t *count_out, struct err *err);

#endif
