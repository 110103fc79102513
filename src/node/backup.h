/* SPDX-License-Identifier: Apache-2.0 */
/* backup.h: a whole node in one stream only its keeper can read.
 *
 * The stream is encrypted (libsodium's secretstream) under a key of its own that is
 * sealed to a public key: the secret one is made anywhere (backup_key_make) and
 * never on the node. Changed, cut or prolonged it is refused. Inside stand a listing,
 * then each file with its digest (docs/backup.md, to the byte). Either way about
 * 1 MiB of memory is used, whatever the size. */
#ifndef RONDA_NODE_BACKUP_H
#define RONDA_NODE_BACKUP_H

#include "record/journal.h"

enum { BACKUP_KEY_TEXT = 80 };
struct backup_key {
	unsigned char b[32]; /* X25519 */
};
/* Both as text: "rbp1…" the public, "rbs1…" the secret one, with a check of typing. */
void backup_key_make(char public[BACKUP_KEY_TEXT], char secret[BACKUP_KEY_TEXT]);
MUST_CHECK enum rc backup_public_parse(str text, struct backup_key *out, struct err *err);
/* Of the text of a key file: its first line that is neither empty nor begins with '#'. */
MUST_CHECK enum rc backup_secret_parse(str text, struct backup_key *out, struct err *err);

struct backup_summary {
	uint64_t files, bytes; /* of the files in it */
	uint64_t missing;      /* segments main.db names that are not there, or shorter */
	char node[64], name[256], version[32], head[128];
	int64_t made_us;
};

/* Where it goes to. False: the rest is not wanted. */
typedef bool (*backup_put)(void *ctx, str bytes);
/* Where it comes from: bytes, 0 at the end, < 0 on an error. */
typedef long (*backup_get)(void *ctx, void *to, size_t n);
typedef void (*backup_progress)(void *ctx, uint64_t done, uint64_t all);

/* Backs up a store that may be in use. The journal has a line before the first byte
 * leaves and one after the last. Once it has begun it lowers the calling thread's
 * priority for good: call it in a thread of its own, or last. `progress` may be
 * NULL; its ctx is that of `put`. RC_IO with errno's words are for the caller of
 * `put` to say: here it is "cannot be written". */
MUST_CHECK enum rc backup_write(struct store *s, struct journal *j, const struct backup_key *to,
				str actor, backup_put put, backup_progress progress, void *ctx,
				struct backup_summary *out, struct err *err);

/* Checks all of it, and with `dir` makes that directory (absent or empty) hold the
 * node: main.db gets its name last. On an error nothing is left of it. RC_INPUT: no
 * backup, damaged, cut off; RC_DENIED: it was made for another key. */
MUST_CHECK enum rc backup_read(const struct backup_key *secret, const char *dir, backup_get get,
			       backup_progress progress, void *ctx, struct backup_summary *out,
			       struct err *err);

#endif
