/* SPDX-License-Identifier: Apache-2.0 */
/* password.h: passwords, kept as Argon2id (RFC 9106) by libsodium: 19 MiB, two
 * passes, one lane.
 *
 * One is worked on at a time and a bounded number wait, so that a flood costs
 * 19 MiB and not the machine: the rest get RC_BUSY (HTTP 503) at once, and so
 * does who waited PASSWORD_WAIT_MS. A user who is not known costs the same
 * work as one who is. Threads may share a struct passwords; calls block. */
#ifndef RONDA_BASE_PASSWORD_H
#define RONDA_BASE_PASSWORD_H

#include "base/str.h"

enum {
	PASSWORD_HASH_SIZE = 128,   /* with its NUL: crypto_pwhash_STRBYTES */
	PASSWORD_LENGTH_MIN = 12,   /* characters */
	PASSWORD_BYTES_MAX = 1024,
	PASSWORD_WAITING = 16,      /* who wait, besides the one at work */
	PASSWORD_WAIT_MS = 5000,
};

struct passwords;

/* After hash_init(). RC_LIMIT: there is no memory for one. */
MUST_CHECK enum rc passwords_new(struct passwords **out, struct err *err);
void passwords_free(struct passwords *p); /* nobody waits; NULL is fine */

/* The text to keep. RC_INPUT: over PASSWORD_BYTES_MAX; RC_BUSY; RC_LIMIT. */
MUST_CHECK enum rc password_hash(struct passwords *p, str password, char out[PASSWORD_HASH_SIZE],
				 struct err *err);
/* `hash`: the text kept, NULL or "" when there is no such user or no password:
 * the same work, and RC_DENIED. RC_OK: right; *rehash_out (may be NULL) says
 * that the costs have changed since: make a new one from this password. */
MUST_CHECK enum rc password_check(struct passwords *p, const char *hash, str password,
				  bool *rehash_out, struct err *err);

/* Whether a NEW password may be taken: RC_INPUT with the reason when it is
 * short, long, or plainly guessable: listed words (password.def), `names` (of
 * account, person, organisation) and their parts, runs and rows of keys count
 * as one character each, and fewer than eight are left. Pure. */
MUST_CHECK enum rc password_judge(str password, const str *names, size_t name_count,
				  struct err *err);

#endif
