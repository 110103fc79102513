/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h: the digests and sums we use, and where.
 *
 *   SHA-256         what a sender can compute too: digests of reports
 *   keyed BLAKE2b   what outsiders must not guess or collide: repeats,
 *                   finding ids, outside ids (RFC 7693; key = node secret)
 *   CRC-32          bytes at rest: every frame of a segment (as in zlib)
 *   random          keys, tokens, ids: the kernel's */
#ifndef RONDA_BASE_HASH_H
#define RONDA_BASE_HASH_H

#include "base/buf.h"

struct digest {
	uint8_t b[32];
};
struct hash128 {
	uint64_t hi, lo;
};
struct key {
	uint8_t b[32];
};

/* Call once in main(), before threads. */
MUST_CHECK enum rc hash_init(struct err *err);

struct sha256;
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *h, str s);
struct digest sha256_end(struct sha256 *h); /* frees h */
struct digest sha256(str s);

/* 32 and 16 bytes of BLAKE2b under `key`. `purpose` (at most 15 characters)
 * keeps uses apart: the same bytes for two purposes never give one hash. */
struct digest keyed_digest(const struct key *key, const char *purpose, str s);
struct hash128 keyed_hash128(const struct key *key, const char *purpose, str s);
/* A key for one purpose, made from the node's secret: then keyed_hash128_raw
 * on the hot path needs no purpose. */
struct key key_derive(const struct key *node_secret, const char *purpose);
struct hash128 keyed_hash128_raw(const struct key *key, str s);

uint32_t crc32_of(str s);
uint32_t crc32_more(uint32_t crc, str s);

void random_bytes(void *to, size_t n);
uint64_t random_u64(void);

void hex_format(struct buf *out, const void *p, size_t n);
bool hex_parse(str text, void *out, size_t n); /* exactly n bytes */
/* RFC 4648 section 5 (URL-safe alphabet, no padding). */
void base64url_format(struct buf *out, const void *p, size_t n);
/* Adds what `text` means to *out. False (and nothing added) for any other
 * character, padding, bits left over, or when it does not fit. */
bool base64url_parse(str text, struct buf *out);
/* Into a part of a URL: all but the unreserved of RFC 3986 becomes %XX. */
void percent_format(struct buf *out, str s);

#endif
