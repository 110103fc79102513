/* SPDX-License-Identifier: Apache-2.0 */
/* seal_share.c: "ronda_share_" and base64url of: number (1 byte), whose key (4 bytes of the
 * BLAKE2b of its public half), the share (32 bytes), check (4 bytes of BLAKE2b over all before). */
#include <libgfshare.h>

#include "disclosure/seal_private.h"

enum { WHOSE = 4, CHECK = 4, RAW = 1 + WHOSE + SEAL_KEY + CHECK, NEEDED = 2 };
static const char prefix[] = "ronda_share_";

static void fill_random(unsigned char *to, unsigned n)
{
	randombytes_buf(to, n);
}

/* The library asks for random bytes through a pointer of its own, also to wipe: always the same. */
static void give_random(void)
{
	gfshare_fill_rand = fill_random;
}

static void short_hash(const void *p, size_t n, unsigned char out[4])
{
	unsigned char hash[16];
	crypto_generichash(hash, sizeof(hash), p, n, NULL, 0);
	memcpy(out, hash, 4);
}

static void write_share(unsigned char number, const unsigned char open[SEAL_KEY],
			const unsigned char share[SEAL_KEY], char out[SEAL_SHARE_BYTES])
{
	unsigned char raw[RAW];
	raw[0] = number;
	short_hash(open, SEAL_KEY, raw + 1);
	memcpy(raw + 1 + WHOSE, share, SEAL_KEY);
	short_hash(raw, RAW - CHECK, raw + RAW - CHECK);
	memcpy(out, prefix, sizeof(prefix));
	sodium_bin2base64(out + sizeof(prefix) - 1, SEAL_SHARE_BYTES - sizeof(prefix) + 1, raw, RAW,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(raw, sizeof(raw));
}

void seal_split(const unsigned char secret[SEAL_KEY], const unsigned char open[SEAL_KEY],
		struct seal_shares *out)
{
	unsigned char numbers[SEAL_SHARES_MOST], share[SEAL_KEY], copy[SEAL_KEY];
	give_random();
	for (size_t i = 0; i < out->count; i++)
		numbers[i] = (unsigned char)(i + 1);
	gfshare_ctx *ctx = x_made(gfshare_ctx_init_enc(numbers, (unsigned)out->count, NEEDED, SEAL_KEY));
	memcpy(copy, secret, SEAL_KEY);
	gfshare_ctx_enc_setsecret(ctx, copy);
	for (size_t i = 0; i < out->count; i++) {
		gfshare_ctx_enc_getshare(ctx, (unsigned char)i, share);
		write_share(numbers[i], open, share, out->text[i]);
	}
	gfshare_ctx_free(ctx);
	sodium_memzero(share, sizeof(share));
	sodium_memzero(copy, sizeof(copy));
}

static bool read_share(str text, const unsigned char open[SEAL_KEY], unsigned char raw[RAW])
{
	unsigned char check[CHECK], whose[WHOSE];
	size_t n = 0;
	text = str_trim_all(text);
	if (!str_starts(text, STR("ronda_share_")))
		return false;
	text = str_from(text, sizeof(prefix) - 1);
	if (sodium_base642bin(raw, RAW, text.p, text.n, "", &n, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 || n != RAW || raw[0] == 0)
		return false;
	short_hash(raw, RAW - CHECK, check);
	short_hash(open, SEAL_KEY, whose);
	return memcmp(check, raw + RAW - CHECK, CHECK) == 0 && memcmp(whose, raw + 1, WHOSE) == 0;
}

bool seal_join(const str *shares, size_t count, const unsigned char open[SEAL_KEY],
	       unsigned char secret_out[SEAL_KEY])
{
	unsigned char raw[NEEDED][RAW], numbers[NEEDED];
	bool good = count == NEEDED;
	give_random();
	for (size_t i = 0; good && i < NEEDED; i++)
		good = read_share(shares[i], open, raw[i]);
	if (good && raw[0][0] != raw[1][0]) {
		for (size_t i = 0; i < NEEDED; i++)
			numbers[i] = raw[i][0];
		gfshare_ctx *ctx = x_made(gfshare_ctx_init_dec(numbers, NEEDED, SEAL_KEY));
		for (size_t i = 0; i < NEEDED; i++)
			gfshare_ctx_dec_giveshare(ctx, (unsigned char)i, raw[i] + 1 + WHOSE);
		gfshare_ctx_dec_extract(ctx, secret_out);
		gfshare_ctx_free(ctx);
	} else {
		good = false;
	}
	sodium_memzero(raw, sizeof(raw));
	return good;
}
