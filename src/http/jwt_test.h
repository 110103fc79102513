/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_test.h: a maker of keys and tokens, right and wrong ones. Only tests
 * include it. */
#ifndef RONDA_HTTP_JWT_TEST_H
#define RONDA_HTTP_JWT_TEST_H

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/hash.h"
#include "base/test.h"
#include "http/jwt.h"

struct signer {
	const char *alg, *id;
	EVP_PKEY *key;
};

static inline struct signer signer_new(const char *alg, const char *id)
{
	struct signer s = { .alg = alg, .id = id };

	if (strcmp(alg, "ES256") == 0)
		s.key = EVP_EC_gen("P-256");
	else if (strcmp(alg, "EdDSA") == 0)
		s.key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		s.key = EVP_RSA_gen(2048);
	CHECK(s.key != NULL);
	return s;
}

static inline void put_number(struct buf *out, EVP_PKEY *key, const char *name)
{
	BIGNUM *bn = NULL;
	uint8_t bytes[1024];

	CHECK(EVP_PKEY_get_bn_param(key, name, &bn) == 1 && BN_num_bytes(bn) <= 1024);
	base64url_format(out, bytes, (size_t)BN_bn2bin(bn, bytes));
	BN_free(bn);
}

/* The public key as a JWK; `more` is put into it, as ",\"use\":\"sig\"". */
static inline void signer_jwk(const struct signer *s, const char *more, struct buf *out)
{
	uint8_t raw[65];
	size_t n = sizeof(raw);

	buf_fmt(out, "{\"kid\":\"%s\"%s,", s->id, more);
	if (strcmp(s->alg, "ES256") == 0) {
		CHECK(EVP_PKEY_get_octet_string_param(s->key, OSSL_PKEY_PARAM_PUB_KEY, raw, n, &n) == 1 &&
		      n == 65);
		buf_fmt(out, "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"");
		base64url_format(out, raw + 1, 32);
		buf_fmt(out, "\",\"y\":\"");
		base64url_format(out, raw + 33, 32);
	} else if (strcmp(s->alg, "EdDSA") == 0) {
		CHECK(EVP_PKEY_get_raw_public_key(s->key, raw, &n) == 1 && n == 32);
		buf_fmt(out, "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"");
		base64url_format(out, raw, 32);
	} else {
		buf_fmt(out, "\"kty\":\"RSA\",\"n\":\"");
		put_number(out, s->key, OSSL_PKEY_PARAM_RSA_N);
		buf_fmt(out, "\",\"e\":\"");
		put_number(out, s->key, OSSL_PKEY_PARAM_RSA_E);
	}
	buf_fmt(out, "\"}");
}

static inline struct jwks *signer_keys(const struct signer *list, size_t n)
{
	struct buf json = BUF_INIT(KIB(64));
	struct jwks *keys = NULL;
	struct err err = { 0 };

	buf_fmt(&json, "{\"keys\":[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_char(&json, ',');
		signer_jwk(&list[i], "", &json);
	}
	buf_fmt(&json, "]}");
	CHECK_RC(jwks_read(buf_str(&json), &keys, &err), RC_OK, err);
	buf_free(&json);
	return keys;
}

/* The signature of `data` as JOSE has it. */
static inline void put_signature(const struct signer *s, str data, struct buf *out)
{
	uint8_t sig[1024], raw[64];
	size_t n = sizeof(sig);
	EVP_PKEY_CTX *pctx = NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = strcmp(s->alg, "EdDSA") == 0 ? NULL : EVP_sha256();

	CHECK(EVP_DigestSignInit(ctx, &pctx, md, NULL, s->key) == 1);
	if (strcmp(s->alg, "PS256") == 0)
		CHECK(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		      EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1);
	CHECK(EVP_DigestSign(ctx, sig, &n, (const uint8_t *)data.p, data.n) == 1);
	EVP_MD_CTX_free(ctx);
	if (strcmp(s->alg, "ES256") == 0) {
		const uint8_t *at = sig;
		ECDSA_SIG *der = d2i_ECDSA_SIG(NULL, &at, (long)n);
		CHECK(der && BN_bn2binpad(ECDSA_SIG_get0_r(der), raw, 32) == 32 &&
		      BN_bn2binpad(ECDSA_SIG_get0_s(der), raw + 32, 32) == 32);
		ECDSA_SIG_free(der);
		base64url_format(out, raw, sizeof(raw));
	} else {
		base64url_format(out, sig, n);
	}
}

/* header.payload.signature; `header` NULL: the one that belongs to the key. */
static inline void signer_token(const struct signer *s, const char *header, str payload,
				struct buf *out)
{
	char usual[200];

	snprintf(usual, sizeof(usual), "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}", s->alg, s->id);
	header = header ? header : usual;
	base64url_format(out, header, strlen(header));
	buf_char(out, '.');
	base64url_format(out, payload.p, payload.n);
	struct buf sig = BUF_INIT(KIB(2));
	put_signature(s, buf_str(out), &sig);
	buf_char(out, '.');
	buf_add(out, buf_str(&sig));
	buf_free(&sig);
}

#endif
