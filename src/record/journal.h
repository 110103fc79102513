/* SPDX-License-Identifier: Apache-2.0 */
/* journal.h: every act is a line in an append-only chain whose head is signed.
 *
 * A line holds: number, time, actor, act, object, count and root hash of the
 * items it touched, and a salted commitment to its body (BLAKE2b over salt and
 * body); body and salt stand apart, so that erasing both leaves the chain
 * valid. hash[n] = BLAKE2b(hash[n-1] || line n). Once a commit group the head
 * is signed with the node's Ed25519 key. One line an act, never one an event. */
#ifndef RONDA_RECORD_JOURNAL_H
#define RONDA_RECORD_JOURNAL_H

#include "store/store.h"

struct journal;
/* Makes the node's key on first use and registers store_before_commit. */
MUST_CHECK enum rc journal_open(struct store *s, struct journal **out, struct err *err);
void journal_close(struct journal *j);

struct journal_act {
	const char *act; /* "init", "token.make", "import", "intake", "forget", "retry", "export", "refusal", ... */
	str actor;       /* "unix:0", "token:ID", "node" */
	str object;      /* what it was done to: "report:12", "feed:local" */
	uint64_t count;  /* items touched; 0 when none */
	struct digest root; /* of the items; zero when none */
	str body;        /* JSON object with what else should be known; "" when nothing */
};
/* Inside a job: part of the same commit as the act itself. */
MUST_CHECK enum rc journal_add(struct tx *tx, struct journal *j, const struct journal_act *act,
			       struct err *err);
/* For acts without a transaction of their own (a refusal, an export). */
MUST_CHECK enum rc journal_write(struct journal *j, const struct journal_act *act, struct err *err);

struct journal_check {
	uint64_t lines, first_bad; /* first_bad 0: sound */
	char words[200];
};
/* Checks chain, commitments and signed heads. `witness` (may be NONE) is a head
 * printed earlier as "number:hex": a cut tail shows against it. */
MUST_CHECK enum rc journal_verify(struct conn *c, str witness, struct journal_check *out,
				  struct err *err);
/* "number:hex" of the newest signed head, to be kept elsewhere. */
MUST_CHECK enum rc journal_head(struct conn *c, struct buf *out, struct err *err);

struct journal_line {
	uint64_t number;
	int64_t at_us;
	str actor, act, object, body;
	uint64_t count;
};
MUST_CHECK enum rc journal_list(struct conn *c, uint64_t before, size_t limit, struct arena *a,
				struct journal_line **out, size_t *count_out, struct err *err);

#endif
