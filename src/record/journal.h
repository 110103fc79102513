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

/* Destroys body and salt of a line: the chain stays valid, nothing of the body can
 * be guessed from what is left, and a new line ("erase", object "journal:N") says
 * when, by whom and why. Erased a second time it does nothing. RC_DENIED: the line
 * says itself that something was erased. The bytes have left the disk only when the
 * log of main.db was folded: erase.h sees to that. */
MUST_CHECK enum rc journal_erase(struct tx *tx, struct journal *j, uint64_t number, str why, str by,
				 struct err *err);
/* The same for the bodies of up to `most` lines about `object` ("record:ID": about ID and
 * its versions "ID@N"), where a line "erase" about it stands already; *more_out: there may be further ones. */
MUST_CHECK enum rc journal_erase_about(struct tx *tx, str object, size_t most, bool *more_out,
				       struct err *err);

/* Another key to sign with from this commit on, as after the machine was in other hands. The line
 * "node.key" names both, and the old one signs the new; heads kept so far are signed again. Heads
 * kept elsewhere stay good: they name hashes, not keys. RC_INPUT: without a reason. */
MUST_CHECK enum rc journal_new_key(struct tx *tx, struct journal *j, str why, str by, struct err *err);

struct journal_check {
	uint64_t lines, first_bad; /* first_bad 0: sound */
	uint64_t heads;            /* of those kept elsewhere: compared */
	char words[200];
};
/* Checks chain, commitments, signed heads, and that each erased body has a line
 * that says so. `kept` (may be NONE) is what was kept elsewhere: one head as
 * journal_head() gives it, or the text of a witness file with one on each line
 * (docs/journal.md): a cut tail shows against it. RC_INPUT: it is neither. */
MUST_CHECK enum rc journal_verify(struct conn *c, str kept, struct journal_check *out,
				  struct err *err);
/* "number:hex" of the newest signed head, to be kept elsewhere. */
MUST_CHECK enum rc journal_head(struct conn *c, struct buf *out, struct err *err);
/* Witnesses the head ("number:hex") of another node: appends a line for its witness
 * file, signed with our key, without a newline, and remembers the head. RC_CONFLICT:
 * we witnessed another head with that number, so its history was changed. */
MUST_CHECK enum rc journal_witness(struct tx *tx, struct journal *j, str node, str head, str by,
				   struct buf *out, struct err *err);

struct journal_line {
	uint64_t number;
	int64_t at_us;
	str actor, act, object, body;
	uint64_t count;
	bool erased; /* the body was; see journal_erased_by() */
	struct digest root, hash;
};
struct journal_query {
	uint64_t before;           /* lines with a lower number; 0: from the newest */
	str actor, act, object;    /* exactly these; p == NULL: any */
	int64_t from_us, until_us; /* half open; until 0: no end */
	size_t limit;
};
/* Newest first, in `a`. With an object it is found by index: the history of it. */
MUST_CHECK enum rc journal_find(struct conn *c, const struct journal_query *q, struct arena *a,
				struct journal_line **out, size_t *count_out, struct err *err);
MUST_CHECK enum rc journal_list(struct conn *c, uint64_t before, size_t limit, struct arena *a,
				struct journal_line **out, size_t *count_out, struct err *err);
/* RC_ABSENT: there is no such line. */
MUST_CHECK enum rc journal_get(struct conn *c, uint64_t number, struct arena *a,
			       struct journal_line *out, struct err *err);
/* The line that says when, by whom and (its body) why the body of `l` was erased. */
MUST_CHECK enum rc journal_erased_by(struct conn *c, const struct journal_line *l, struct arena *a,
				     struct journal_line *out, struct err *err);

#endif
