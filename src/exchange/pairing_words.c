/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>

#include "exchange/pairing.h"

enum { WORD_LETTERS = 5 };

static void put_identity(struct sha256 *h, const struct identity *i, str node)
{
	sha256_add(h, str_mem(i->pin.b, sizeof i->pin.b));
	sha256_add(h, str_mem(i->sign, sizeof i->sign));
	sha256_add(h, node);
	sha256_add(h, STR("\n"));
}

static void proquint(uint16_t v, char out[WORD_LETTERS])
{
	static const char consonants[] = "bdfghjklmnprstvz", vowels[] = "aiou";
	out[0] = consonants[v >> 12 & 15];
	out[1] = vowels[v >> 10 & 3];
	out[2] = consonants[v >> 6 & 15];
	out[3] = vowels[v >> 4 & 3];
	out[4] = consonants[v & 15];
}

enum rc pairing_words(const struct identity *one, str one_node, const struct identity *other, str other_node,
		      char out[PAIRING_WORDS_MAX], struct err *err)
{
	static const unsigned char salt[crypto_pwhash_SALTBYTES] = "ronda pairing 1";
	bool swap = memcmp(one->pin.b, other->pin.b, sizeof one->pin.b) > 0;
	struct sha256 *h = sha256_new();
	uint8_t slow[crypto_pwhash_BYTES_MIN > 2 * PAIRING_WORDS ? crypto_pwhash_BYTES_MIN : 2 * PAIRING_WORDS];
	put_identity(h, swap ? other : one, swap ? other_node : one_node);
	put_identity(h, swap ? one : other, swap ? one_node : other_node);
	struct digest d = sha256_end(h);
	out[0] = '\0';
	if (crypto_pwhash(slow, sizeof slow, (const char *)d.b, sizeof d.b, salt, 2, MIB(19),
			  crypto_pwhash_ALG_ARGON2ID13) != 0)
		return fail(err, RC_LIMIT, "there is no memory to make the words");
	for (size_t i = 0; i < PAIRING_WORDS; i++) {
		proquint((uint16_t)(slow[2 * i] << 8 | slow[2 * i + 1]), out + i * (WORD_LETTERS + 1));
		out[i * (WORD_LETTERS + 1) + WORD_LETTERS] = i + 1 < PAIRING_WORDS ? ' ' : '\0';
	}
	return RC_OK;
}
