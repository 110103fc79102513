/* SPDX-License-Identifier: Apache-2.0 */
/* vault.h: files of evidence under their own digest.
 *
 * DIR/evidence/HEX is a file whose SHA-256 is HEX: mode 0400, written once. What is written gets its
 * name after it was hashed and synced; "*.part" is what is not ready. Blocks of zeros become holes.
 * Sealed: "RONDAEV1", then libsodium's secretstream (XChaCha20-Poly1305) in messages of 64 KiB, under
 * a key of the caller's; then HEX is the digest of the ciphertext. One thread uses an open file. */
#ifndef RONDA_EVIDENCE_VAULT_H
#define RONDA_EVIDENCE_VAULT_H

#include "base/hash.h"
#include "base/io.h"

enum { VAULT_KEY = 32, VAULT_NAME = 65 };
struct vault;
/* Makes the folder; removes "*.part". `read_only`: neither; RC_ABSENT when there is no folder. */
MUST_CHECK enum rc vault_open(struct io_dir *root, bool read_only, uint64_t reserve_bytes, struct vault **out,
			      struct err *err);
void vault_close(struct vault *v); /* NULL is fine */

struct vault_sums {
	uint64_t bytes, stored_bytes;
	struct digest sha256, stored;
	unsigned char sha512[64];
};
struct vault_in;
/* `key` NULL: as it is. */
MUST_CHECK enum rc vault_in_new(struct vault *v, const unsigned char *key, struct vault_in **out,
				struct err *err);
MUST_CHECK enum rc vault_in_add(struct vault_in *in, str bytes, struct err *err);
uint64_t vault_in_bytes(const struct vault_in *in);
/* All of it is on disk, still as "*.part". */
MUST_CHECK enum rc vault_in_sync(struct vault_in *in, struct vault_sums *out, struct err *err);
/* Gives it its name, durably; one that is there stays. RC_CONFLICT: that one has another length. */
MUST_CHECK enum rc vault_in_name(struct vault_in *in, struct err *err);
void vault_in_end(struct vault_in *in); /* what has no name is removed; NULL is fine */

struct vault_out;
MUST_CHECK enum rc vault_out_new(struct vault *v, const struct digest *stored, const unsigned char *key,
				 struct vault_out **out, struct err *err);
/* *got 0: the end. RC_INPUT: damaged. */
MUST_CHECK enum rc vault_out_read(struct vault_out *o, void *to, size_t n, size_t *got, struct err *err);
uint64_t vault_out_bytes(const struct vault_out *o); /* of the file */
void vault_out_end(struct vault_out *o); /* NULL is fine */

/* Two sums at once. */
struct sums;
struct sums *sums_new(void);
void sums_add(struct sums *s, str bytes);
void sums_end(struct sums *s, struct digest *sha256, unsigned char sha512[64]); /* frees it */

void vault_name(const struct digest *stored, char out[VAULT_NAME]);
MUST_CHECK enum rc vault_remove(struct vault *v, const struct digest *stored, struct err *err); /* absent is fine */
/* Names in the folder that are neither ours nor "*.part": *each* false ends it. */
MUST_CHECK enum rc vault_each(struct vault *v, bool (*each)(void *ctx, const char *name), void *ctx,
			      struct err *err);

#endif
