/* SPDX-License-Identifier: Apache-2.0 */
/* crypto_calls.h: what the node and ronda-crypto say to each other (base/calls.h).
 *
 * First block of every question: the GNUPGHOME (calls_options.always), the same one each time. Second:
 * one byte, the enum crypto_kind. The rest as below. */
#ifndef RONDA_MAIL_CRYPTO_CALLS_H
#define RONDA_MAIL_CRYPTO_CALLS_H

#include "mail/crypto.h"

enum crypto_call {
	CRYPTO_IMPORT = 1, /* bytes, password or ""       -> keys */
	CRYPTO_LIST,       /* what                        -> keys */
	CRYPTO_DELETE,     /* fingerprint                 -> */
	CRYPTO_GENERATE,   /* name <address>, expiry      -> fingerprint */
	CRYPTO_EXPORT,     /* fingerprint                 -> bytes */
	CRYPTO_SIGN,       /* key, bytes                  -> signature, micalg */
	CRYPTO_ENCRYPT,    /* keys, sign key or "", bytes -> bytes */
	CRYPTO_OPEN,       /* bytes, signature or ""      -> bytes, facts, fingerprint, signer */
};

/* Keys stand in one block behind each other: what may be 300 bytes each does not fit in blocks. */
static inline void crypto_key_put(struct buf *b, const struct crypto_key *k)
{
	const str texts[] = { k->fingerprint, k->names, k->addresses, k->words };
	buf_char(b, (char)k->kind);
	buf_char(b, (char)(k->can_sign | k->can_encrypt << 1 | k->has_secret << 2));
	buf_le64(b, (uint64_t)k->made_us);
	buf_le64(b, (uint64_t)k->expires_us);
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		buf_varint(b, texts[i].n);
		buf_add(b, texts[i]);
	}
}

static inline struct crypto_key crypto_key_take(struct wire *w)
{
	struct crypto_key k = { .kind = wire_u8(w) };
	unsigned flags = wire_u8(w);
	k.can_sign = flags & 1;
	k.can_encrypt = flags >> 1 & 1;
	k.has_secret = flags >> 2 & 1;
	k.made_us = (int64_t)wire_le64(w);
	k.expires_us = (int64_t)wire_le64(w);
	k.fingerprint = wire_block(w);
	k.names = wire_block(w);
	k.addresses = wire_block(w);
	k.words = wire_block(w);
	return k;
}

#endif
