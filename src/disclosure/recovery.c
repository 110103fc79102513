/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/recovery.h"

enum { LETTERS = 16, LETTER_BITS = 5, GROUP = 4 };

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

static struct digest digest_of(const struct key *key, const char letters[LETTERS])
{
	return keyed_digest(key, "recovery code", str_mem(letters, LETTERS));
}

void recovery_new(const struct key *key, struct recovery *out)
{
	for (size_t i = 0; i < RECOVERY_CODES; i++) {
		unsigned char random[LETTERS]; /* 5 bits of each byte: 80 in all */
		char letters[LETTERS], *to = out->codes[i];
		random_bytes(random, sizeof(random));
		for (size_t n = 0; n < LETTERS; n++) {
			letters[n] = alphabet[random[n] & ((1 << LETTER_BITS) - 1)];
			if (n && n % GROUP == 0)
				*to++ = '-';
			*to++ = letters[n];
		}
		*to = '\0';
		out->digests[i] = digest_of(key, letters);
		explicit_bzero(letters, sizeof(letters));
		explicit_bzero(random, sizeof(random));
	}
}

void recovery_wipe(struct recovery *r)
{
	explicit_bzero(r->codes, sizeof(r->codes));
}

int recovery_find(const struct key *key, str typed, const struct digest *digests, size_t count)
{
	char letters[LETTERS];
	size_t n = 0;
	int found = -1;

	for (size_t i = 0; i < typed.n; i++) {
		char c = typed.p[i];
		if (c == ' ' || c == '-')
			continue;
		c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
		if (n == LETTERS || !c || !strchr(alphabet, c))
			return -1;
		letters[n++] = c;
	}
	if (n != LETTERS)
		return -1;
	struct digest d = digest_of(key, letters);
	explicit_bzero(letters, sizeof(letters));
	for (size_t i = 0; i < count; i++)
		if (str_eq_secret(str_mem(d.b, sizeof(d.b)), str_mem(digests[i].b, sizeof(d.b))))
			found = (int)i;
	return found;
}
