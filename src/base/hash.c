/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <sodium.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/arena.h"

enum rc hash_init(struct err *err)
{
	if (sodium_init() < 0)
		return fail(err, RC_IO, "libsodium does not start");
	return RC_OK;
}

struct sha256 {
	crypto_hash_sha256_state state;
};

struct sha256 *sha256_new(void)
{
	struct sha256 *h = x_alloc(sizeof(*h));
	crypto_hash_sha256_init(&h->state);
	return h;
}

void sha256_add(struct sha256 *h, str s)
{
	crypto_hash_sha256_update(&h->state, (const unsigned char *)s.p, s.n);
}

struct digest sha256_end(struct sha256 *h)
{
	struct digest d;
	crypto_hash_sha256_final(&h->state, d.b);
	free(h);
	return d;
}

struct digest sha256(str s)
{
	struct digest d;
	crypto_hash_sha256(d.b, (const unsigned char *)s.p, s.n);
	return d;
}

static void blake2(void *out, size_t out_bytes, const struct key *key, const char *purpose, str s)
{
	crypto_generichash_state state;
	unsigned char label[16] = { 0 };
	size_t n = strlen(purpose);
	memcpy(label, purpose, n < 15 ? n : 15);
	crypto_generichash_init(&state, key->b, sizeof(key->b), out_bytes);
	crypto_generichash_update(&state, label, sizeof(label));
	crypto_generichash_update(&state, (const unsigned char *)s.p, s.n);
	crypto_generichash_final(&state, out, out_bytes);
}

static struct hash128 load128(const unsigned char b[16])
{
	struct wire w = wire_of(str_mem(b, 16));
	uint64_t hi = wire_le64(&w), lo = wire_le64(&w);
	return (struct hash128){ hi, lo };
}

struct digest keyed_digest(const struct key *key, const char *purpose, str s)
{
	struct digest d;
	blake2(d.b, sizeof(d.b), key, purpose, s);
	return d;
}

struct hash128 keyed_hash128(const struct key *key, const char *purpose, str s)
{
	unsigned char b[16];
	blake2(b, sizeof(b), key, purpose, s);
	return load128(b);
}

struct key key_derive(const struct key *node_secret, const char *purpose)
{
	struct key k;
	blake2(k.b, sizeof(k.b), node_secret, purpose, STR_NONE);
	return k;
}

struct hash128 keyed_hash128_raw(const struct key *key, str s)
{
	unsigned char b[16];
	crypto_generichash(b, sizeof(b), (const unsigned char *)s.p, s.n, key->b, sizeof(key->b));
	return load128(b);
}

uint32_t crc32_more(uint32_t crc, str s)
{
	return (uint32_t)crc32_z(crc, (const unsigned char *)s.p, s.n);
}

uint32_t crc32_of(str s)
{
	return crc32_more(0, s);
}

void random_bytes(void *to, size_t n)
{
	randombytes_buf(to, n);
}

uint64_t random_u64(void)
{
	uint64_t v;
	randombytes_buf(&v, sizeof(v));
	return v;
}

void hex_format(struct buf *out, const void *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *b = p;
	char *to = buf_room(out, 2 * n);
	if (!to)
		return;
	for (size_t i = 0; i < n; i++) {
		to[2 * i] = hex[b[i] >> 4];
		to[2 * i + 1] = hex[b[i] & 15];
	}
	out->n += 2 * n;
	out->p[out->n] = '\0';
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 :
				      -1;
}

bool hex_parse(str text, void *out, size_t n)
{
	unsigned char *b = out;
	if (text.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int hi = nibble(text.p[2 * i]), lo = nibble(text.p[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		b[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}

void base64url_format(struct buf *out, const void *p, size_t n)
{
	size_t most = sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *to = buf_room(out, most);
	if (!to)
		return;
	sodium_bin2base64(to, most, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	out->n += strlen(to);
}

bool base64url_parse(str text, struct buf *out)
{
	size_t most = text.n / 4 * 3 + 2, n = 0;
	unsigned char *tail = x_alloc(most + 1);
	bool ok = sodium_base642bin(tail, most, text.n ? text.p : "", text.n, NULL, &n, NULL,
				    sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
		  n <= out->cap - out->n && !out->over;

	if (ok)
		buf_add_mem(out, tail, n);
	free(tail);
	return ok;
}

void percent_format(struct buf *out, str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			     c == '-' || c == '.' || c == '_' || c == '~';
		if (plain)
			buf_char(out, (char)c);
		else
			buf_fmt(out, "%%%02X", c);
	}
}
