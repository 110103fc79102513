/* SPDX-License-Identifier: Apache-2.0 */
/* What is signed: two heads and two bodies out of one input. A signature is good for what it was made over, for nothing
 * else, and none that comes with the bytes is good. Lines: from, to, what, lane, type, encoding, after, upto, of one head and then the
 * other; a signature as a header brings it; then the body, of which the second half is the other's. */
#include <sodium.h>

#include "base/hash.h"
#include "exchange/keys.h"

#include "fuzz.h"

static struct signed_head read_head(str *text)
{
	struct signed_head h = { .from = str_cut(text, '\n') };
	h.to = str_cut(text, '\n');
	h.what = str_cut(text, '\n');
	h.lane = str_cut(text, '\n');
	h.type = str_cut(text, '\n');
	h.encoding = str_cut(text, '\n');
	if (!str_to_i64(str_cut(text, '\n'), &h.after_us))
		h.after_us = 7;
	if (!str_to_i64(str_cut(text, '\n'), &h.upto_us))
		h.upto_us = 8;
	return h;
}

static bool is_same(const struct signed_head *a, const struct signed_head *b)
{
	return str_eq(a->from, b->from) && str_eq(a->to, b->to) && str_eq(a->what, b->what) && str_eq(a->lane, b->lane) &&
	       str_eq(a->type, b->type) && str_eq(a->encoding, b->encoding) && a->after_us == b->after_us &&
	       a->upto_us == b->upto_us;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char seed[crypto_sign_SEEDBYTES] = { 9 };
	unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
	struct buf made = BUF_INIT(256);
	str text = str_mem(data, size);
	MUST(sodium_init() >= 0 && crypto_sign_seed_keypair(public, secret, seed) == 0);
	const struct signed_head one = read_head(&text), other = read_head(&text);
	str brought = str_cut(&text, '\n'), half = str_head(text, text.n / 2), rest = str_from(text, text.n / 2);
	signature_make(secret, &one, half, &made);
	if (made.n > 0) { /* a head with line breaks in it is not signed at all */
		MUST(signature_good(public, &one, half, buf_str(&made)));
		MUST(is_same(&one, &other) || !signature_good(public, &other, half, buf_str(&made)));
		MUST(str_eq(half, rest) || !signature_good(public, &one, rest, buf_str(&made)));
		MUST(str_eq(brought, buf_str(&made)) || !signature_good(public, &one, half, brought));
		public[size % sizeof public] ^= 4;
		MUST(!signature_good(public, &one, half, buf_str(&made)));
	} else {
		MUST(!signature_good(public, &one, half, brought));
	}
	buf_free(&made);
	return 0;
}
