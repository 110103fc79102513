/* SPDX-License-Identifier: Apache-2.0 */
/* passkey_test.h: a device in software, which does what it is told, also wrong.
 * Only tests include it. */
#ifndef RONDA_DISCLOSURE_PASSKEY_TEST_H
#define RONDA_DISCLOSURE_PASSKEY_TEST_H

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/hash.h"
#include "base/test.h"
#include "disclosure/passkey.h"

struct device {
	int alg;
	EVP_PKEY *key;
	uint32_t count;
	uint8_t flags;          /* UP 1, UV 4, backed up 16 */
	const char *rp_id, *origin, *format;
	const char *client_more; /* put into the client data, as ",\"crossOrigin\":true" */
	str id, statement;      /* statement: CBOR */
};

static inline struct device device_new(int alg)
{
	struct device d = { .alg = alg, .count = 1, .flags = 5, .rp_id = "ronda.example.org",
			    .origin = "https://ronda.example.org", .format = "none",
			    .client_more = ",\"crossOrigin\":false", .id = STR("0123456789abcdef"),
			    .statement = STR("\xa0") };
	d.key = alg == -7 ? EVP_EC_gen("P-256") :
		alg == -8 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_RSA_gen(2048);
	CHECK(d.key != NULL);
	return d;
}

/* COSE_Key (RFC 9053) */
static inline void put_cose(const struct device *d, struct buf *out)
{
	uint8_t raw[300];
	size_t n = sizeof(raw);

	if (d->alg == -7) {
		CHECK(EVP_PKEY_get_octet_string_param(d->key, OSSL_PKEY_PARAM_PUB_KEY, raw, n, &n) == 1);
		buf_add(out, STR("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"));
		buf_add_mem(out, raw + 1, 32);
		buf_add(out, STR("\x22\x58\x20"));
		buf_add_mem(out, raw + 33, 32);
	} else if (d->alg == -8) {
		CHECK(EVP_PKEY_get_raw_public_key(d->key, raw, &n) == 1);
		buf_add(out, STR("\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20"));
		buf_add_mem(out, raw, 32);
	} else {
		BIGNUM *bn = NULL;
		CHECK(EVP_PKEY_get_bn_param(d->key, OSSL_PKEY_PARAM_RSA_N, &bn) == 1);
		CHECK(BN_bn2binpad(bn, raw, 256) == 256);
		BN_free(bn);
		buf_add(out, STR("\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\x00"));
		buf_add_mem(out, raw, 256);
		buf_add(out, STR("\x21\x43\x01\x00\x01"));
	}
}

static inline void put_auth_data(const struct device *d, bool with_key, struct buf *out)
{
	struct digest rp = sha256(str_of(d->rp_id));
	uint8_t count[4] = { (uint8_t)(d->count >> 24), (uint8_t)(d->count >> 16),
			     (uint8_t)(d->count >> 8), (uint8_t)d->count };

	buf_add_mem(out, rp.b, sizeof(rp.b));
	buf_char(out, (char)(d->flags | (with_key ? 0x40 : 0)));
	buf_add_mem(out, count, sizeof(count));
	if (!with_key)
		return;
	buf_add_mem(out, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	buf_char(out, (char)(d->id.n >> 8));
	buf_char(out, (char)d->id.n);
	buf_add(out, d->id);
	put_cose(d, out);
}

static inline str client_data(const struct device *d, const char *type, const struct passkey_challenge *c,
			      struct arena *a)
{
	struct buf text = BUF_INIT(64);
	base64url_format(&text, c->b, sizeof(c->b));
	str s = arena_fmt(a, "{\"type\":\"%s\",\"challenge\":\"%s\",\"origin\":\"%s\"%s}", type, text.p,
			  d->origin, d->client_more);
	buf_free(&text);
	return s;
}

static inline str encoded(str bytes, struct arena *a)
{
	struct buf b = BUF_INIT(KIB(64));
	base64url_format(&b, bytes.p, bytes.n);
	str s = arena_str(a, buf_str(&b));
	buf_free(&b);
	return s;
}

static inline str attestation(const struct device *d, struct arena *a)
{
	struct buf data = BUF_INIT(KIB(8)), o = BUF_INIT(KIB(16));
	put_auth_data(d, true, &data);
	buf_add(&o, STR("\xa3\x63" "fmt"));
	buf_char(&o, (char)(0x60 + strlen(d->format)));
	buf_add(&o, str_of(d->format));
	buf_add(&o, STR("\x67" "attStmt"));
	buf_add(&o, d->statement);
	buf_add(&o, STR("\x68" "authData\x59"));
	buf_char(&o, (char)(data.n >> 8));
	buf_char(&o, (char)data.n);
	buf_add(&o, buf_str(&data));
	str s = arena_str(a, buf_str(&o));
	buf_free(&data);
	buf_free(&o);
	return s;
}

static inline str registration_json(str id, str client, str object, struct arena *a)
{
	return arena_fmt(a, "{\"id\":\"%s\",\"type\":\"public-key\",\"response\":{\"clientDataJSON\":\"%s\","
			    "\"attestationObject\":\"%s\"}}",
			 encoded(id, a).p, encoded(client, a).p, encoded(object, a).p);
}

static inline str device_register(const struct device *d, const struct passkey_challenge *c,
				  struct arena *a)
{
	return registration_json(d->id, client_data(d, "webauthn.create", c, a), attestation(d, a), a);
}

static inline str answer_json(str id, str client, str data, str sig, str user, struct arena *a)
{
	return arena_fmt(a, "{\"id\":\"%s\",\"type\":\"public-key\",\"response\":{\"clientDataJSON\":\"%s\","
			    "\"authenticatorData\":\"%s\",\"signature\":\"%s\",\"userHandle\":%s%s%s}}",
			 encoded(id, a).p, encoded(client, a).p, encoded(data, a).p, encoded(sig, a).p,
			 user.n ? "\"" : "", user.n ? encoded(user, a).p : "null", user.n ? "\"" : "");
}

static inline str device_sign(const struct device *d, str client, str auth_data, struct arena *a)
{
	struct digest hash = sha256(client);
	struct buf b = BUF_INIT(KIB(8));
	uint8_t sig[512];
	size_t n = sizeof(sig);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	buf_add(&b, auth_data);
	buf_add_mem(&b, hash.b, sizeof(hash.b));
	CHECK(EVP_DigestSignInit(ctx, NULL, d->alg == -8 ? NULL : EVP_sha256(), NULL, d->key) == 1);
	CHECK(EVP_DigestSign(ctx, sig, &n, (uint8_t *)b.p, b.n) == 1);
	EVP_MD_CTX_free(ctx);
	buf_free(&b);
	return arena_str(a, str_mem(sig, n));
}

static inline str device_answer(const struct device *d, const struct passkey_challenge *c, str user,
				struct arena *a)
{
	struct buf data = BUF_INIT(KIB(8));
	put_auth_data(d, false, &data);
	str client = client_data(d, "webauthn.get", c, a), auth = arena_str(a, buf_str(&data));
	buf_free(&data);
	return answer_json(d->id, client, auth, device_sign(d, client, auth, a), user, a);
}

#endif
