/* SPDX-License-Identifier: Apache-2.0 */
/* seal_private.h: what keys and fields of sealed cases share. */
#ifndef RONDA_DISCLOSURE_SEAL_PRIVATE_H
#define RONDA_DISCLOSURE_SEAL_PRIVATE_H

#include <sodium.h>
#include <stdatomic.h>

#include "disclosure/seal.h"

enum { SEAL_KEY = 32, SEAL_NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
       SEAL_TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
       SEAL_BOX = SEAL_NONCE + SEAL_KEY + SEAL_TAG }; /* a key, encrypted */

/* The secret half, in memory that is locked and guarded (sodium_malloc). */
struct seal_ring {
	atomic_uint holders;
	int64_t account;
	unsigned char open[SEAL_KEY]; /* public half */
	unsigned char secret[SEAL_KEY];
};

/* nonce | ciphertext | tag, bound to `about`. */
void seal_box(const unsigned char key[SEAL_KEY], str about, str plain, unsigned char *out);
bool seal_unbox(const unsigned char key[SEAL_KEY], str about, str boxed, unsigned char *out);

/* Shamir's shares over GF(256), any two of n (libgfshare). */
void seal_split(const unsigned char secret[SEAL_KEY], const unsigned char open[SEAL_KEY],
		struct seal_shares *out);
/* False: not two different shares of this key. Two that were made at different times join to
 * a secret that opens nothing. */
bool seal_join(const str *shares, size_t count, const unsigned char open[SEAL_KEY],
	       unsigned char secret_out[SEAL_KEY]);

#endif
