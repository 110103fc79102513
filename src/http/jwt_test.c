/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>

#include "http/jwt_test.h"

enum { RS, PS, ES, ED, ALGS };

struct world {
	struct signer signers[ALGS];
	struct jwks *keys;
	struct arena *a;
	struct buf token;
};

static void world_new(struct world *w)
{
	static const char *const names[] = { "RS256", "PS256", "ES256", "EdDSA" };
	static const char *const ids[] = { "rs", "ps", "es", "ed" };

	for (size_t i = 0; i < ALGS; i++)
		w->signers[i] = signer_new(names[i], ids[i]);
	w->keys = signer_keys(w->signers, ALGS);
	w->a = arena_new(KIB(64));
	w->token = (struct buf)BUF_INIT(KIB(64));
}

static void world_end(struct world *w)
{
	for (size_t i = 0; i < ALGS; i++)
		EVP_PKEY_free(w->signers[i].key);
	jwks_free(w->keys);
	arena_free(w->a);
	buf_free(&w->token);
}

static enum rc verify(struct world *w, struct err *err)
{
	str claims;
	return jwt_verify(w->keys, buf_str(&w->token), w->a, &claims, err);
}

TEST(each_algorithm)
{
	struct world w;
	struct err err = { 0 };
	str claims = STR_NONE;

	world_new(&w);
	CHECK_INT(jwks_count(w.keys), ALGS);
	for (size_t i = 0; i < ALGS; i++) {
		for (int round = 0; round < 20; round++) { /* ES256: short r and s happen */
			str payload = arena_fmt(w.a, "{\"n\":%d}", round);
			buf_reset(&w.token);
			signer_token(&w.signers[i], NULL, payload, &w.token);
			CHECK_RC(jwt_verify(w.keys, buf_str(&w.token), w.a, &claims, &err), RC_OK, err);
			CHECK_STR(claims, payload);
		}
		/* every changed byte is seen: in header, payload, signature */
		size_t wrong = 0;
		for (size_t at = 0; at < w.token.n; at++) {
			char kept = w.token.p[at];
			w.token.p[at] = kept == 'A' ? 'B' : 'A';
			wrong += verify(&w, &err) == RC_OK;
			w.token.p[at] = kept;
		}
		CHECK_INT(wrong, 0);
		for (size_t n = 0; n < w.token.n; n++)
			CHECK(jwt_verify(w.keys, str_head(buf_str(&w.token), n), w.a, &claims, &err) != RC_OK);
		CHECK_RC(verify(&w, &err), RC_OK, err);
	}
	world_end(&w);
}

TEST(hostile_headers)
{
	static const struct {
		const char *header;
		int signer;
		enum rc rc;
	} rows[] = {
		{ "{\"alg\":\"RS256\",\"kid\":\"rs\"}", RS, RC_OK },
		{ "{\"alg\":\"RS256\",\"kid\":\"rs\",\"typ\":\"jwt\",\"x\":[1,{\"y\":2}]}", RS, RC_OK },
		{ "{\"alg\":\"none\"}", RS, RC_INPUT },
		{ "{\"alg\":\"None\",\"kid\":\"rs\"}", RS, RC_INPUT },
		{ "{\"alg\":\"HS256\",\"kid\":\"rs\"}", RS, RC_INPUT },
		{ "{\"alg\":\"HS512\"}", RS, RC_INPUT },
		{ "{\"alg\":\"RS1\",\"kid\":\"rs\"}", RS, RC_INPUT },
		{ "{\"alg\":\"rs256\",\"kid\":\"rs\"}", RS, RC_INPUT },
		{ "{\"alg\":\"RS384\",\"kid\":\"rs\"}", RS, RC_INPUT },
		{ "{\"alg\":\"\",\"kid\":\"rs\"}", RS, RC_INPUT },
		{ "{\"alg\":null,\"kid\":\"rs\"}", RS, RC_INPUT },
		{ "{\"alg\":[\"RS256\"],\"kid\":\"rs\"}", RS, RC_INPUT },
		{ "{\"kid\":\"rs\"}", RS, RC_INPUT },
		{ "{}", RS, RC_INPUT },
		{ "[]", RS, RC_INPUT },
		{ "", RS, RC_INPUT },
		{ "{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"rs\"}", RS, RC_INPUT },
		{ "{\"alg\":\"RS256\",\"kid\":\"rs\",\"crit\":[\"b64\"],\"b64\":false}", RS, RC_INPUT },
		{ "{\"alg\":\"RS256\",\"kid\":\"rs\",\"b64\":true}", RS, RC_INPUT },
		{ "{\"alg\":\"RS256\",\"kid\":\"rs\",\"enc\":\"A256GCM\"}", RS, RC_INPUT },
		{ "{\"alg\":\"RS256\",\"kid\":\"rs\",\"typ\":\"at+jwt\"}", RS, RC_INPUT },
		{ "{\"alg\":\"RS256\",\"kid\":\"rs\",\"typ\":7}", RS, RC_INPUT },
		{ "{\"alg\":\"RS256\",\"kid\":7}", RS, RC_INPUT },
		/* a key serves its own kind only */
		{ "{\"alg\":\"ES256\",\"kid\":\"rs\"}", RS, RC_ABSENT },
		{ "{\"alg\":\"EdDSA\",\"kid\":\"es\"}", ES, RC_ABSENT },
		{ "{\"alg\":\"RS256\",\"kid\":\"nobody\"}", RS, RC_ABSENT },
		{ "{\"alg\":\"RS256\",\"kid\":\"../../dev/null\"}", RS, RC_ABSENT },
		/* two RSA keys and no name: none is guessed; one EC key is enough */
		{ "{\"alg\":\"RS256\"}", RS, RC_ABSENT },
		{ "{\"alg\":\"ES256\"}", ES, RC_OK },
		{ "{\"alg\":\"EdDSA\"}", ED, RC_OK },
		/* the other padding, another's key */
		{ "{\"alg\":\"PS256\",\"kid\":\"rs\"}", RS, RC_DENIED },
		{ "{\"alg\":\"RS256\",\"kid\":\"ps\"}", RS, RC_DENIED },
		/* a key inside the token is not used */
		{ "{\"alg\":\"RS256\",\"kid\":\"ps\",\"jwk\":{\"kty\":\"RSA\"},\"jku\":\"https://a.example.org\"}",
		  RS, RC_DENIED },
	};
	struct world w;
	struct err err = { 0 };

	world_new(&w);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		buf_reset(&w.token);
		signer_token(&w.signers[rows[i].signer], rows[i].header, STR("{}"), &w.token);
		enum rc rc = verify(&w, &err);
		CHECK_MSG(rc == rows[i].rc, "%s: %s (%s)", rows[i].header, rc_name(rc), err.text);
	}
	world_end(&w);
}

/* The public key taken for the secret of an HMAC, and no signature at all. */
TEST(forged_without_a_key)
{
	struct world w;
	struct err err = { 0 };
	struct buf n = BUF_INIT(KIB(1));
	uint8_t mac[32];

	world_new(&w);
	put_number(&n, w.signers[RS].key, OSSL_PKEY_PARAM_RSA_N);
	static const char *const headers[] = { "{\"alg\":\"HS256\",\"kid\":\"rs\"}",
					       "{\"alg\":\"RS256\",\"kid\":\"rs\"}" };
	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		crypto_auth_hmacsha256_state state;
		buf_reset(&w.token);
		base64url_format(&w.token, headers[i], strlen(headers[i]));
		buf_add(&w.token, STR(".e30"));
		crypto_auth_hmacsha256_init(&state, (uint8_t *)n.p, n.n);
		crypto_auth_hmacsha256_update(&state, (uint8_t *)w.token.p, w.token.n);
		crypto_auth_hmacsha256_final(&state, mac);
		buf_char(&w.token, '.');
		base64url_format(&w.token, mac, sizeof(mac));
		CHECK_RC(verify(&w, &err), i ? RC_DENIED : RC_INPUT, err);
	}
	/* an ES256 signature of zeros, and of the order of the curve */
	static const char *const sigs[] = {
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"_____wAAAAD__________7zm-q2nF56E87nKwvxjJVH_____AAAAAP__________vOb6racXnoTzucrC_GMlUQ",
	};
	for (size_t i = 0; i < COUNT_OF(sigs); i++) {
		buf_reset(&w.token);
		base64url_format(&w.token, "{\"alg\":\"ES256\"}", 15);
		buf_fmt(&w.token, ".e30.%s", sigs[i]);
		CHECK_RC(verify(&w, &err), RC_DENIED, err);
	}
	static const char *const broken[] = {
		"", ".", "..", "...", "a.b", "a.b.c.d", "e30.e30.", ".e30.e30", "e30..e30", "e30.e30.e30",
		"e30=.e30.e30", "e 30.e30.e30", "{}.{}.{}", "e31.e30.e30", "eyJhbGciOiJub25lIn0.e30.",
	};
	for (size_t i = 0; i < COUNT_OF(broken); i++) {
		buf_reset(&w.token);
		buf_add(&w.token, str_of(broken[i]));
		CHECK_MSG(verify(&w, &err) == RC_INPUT, "%s", broken[i]);
	}
	buf_free(&n);
	world_end(&w);
}

TEST(sizes_below_at_above)
{
	struct world w;
	struct err err = { 0 };
	str claims;

	world_new(&w);
	for (size_t n = JWT_BYTES_MAX - 1; n <= JWT_BYTES_MAX + 1; n++) {
		char *text = arena_alloc(w.a, n);
		memset(text, 'A', n);
		memcpy(text, "e30.", 4);
		text[n - 8] = '.';
		enum rc rc = jwt_verify(w.keys, str_mem(text, n), w.a, &claims, &err);
		CHECK_MSG(rc == (n <= JWT_BYTES_MAX ? RC_INPUT : RC_LIMIT), "%zu: %s", n, rc_name(rc));
	}
	for (size_t n = JWT_HEADER_MAX - 1; n <= JWT_HEADER_MAX + 1; n++) {
		char *header = arena_alloc(w.a, n + 1);
		memset(header, ' ', n);
		memcpy(header, "{\"alg\":\"ES256\"}", 15);
		buf_reset(&w.token);
		signer_token(&w.signers[ES], header, STR("{}"), &w.token);
		CHECK_RC(verify(&w, &err), n <= JWT_HEADER_MAX ? RC_OK : RC_INPUT, err);
	}
	world_end(&w);
}

TEST(key_sets)
{
	struct world w;
	struct err err = { 0 };
	struct buf json = BUF_INIT(KIB(256));
	static const struct { const char *json; enum rc rc; } rows[] = {
		{ "{\"keys\":[]}", RC_INPUT },
		{ "{}", RC_INPUT },
		{ "[]", RC_INPUT },
		{ "", RC_INPUT },
		{ "{\"keys\":{\"kty\":\"RSA\"}}", RC_INPUT },
		{ "{\"keys\":[7,null,[],{}]}", RC_INPUT },
		{ "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", RC_INPUT },
		{ "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", RC_INPUT },
		{ "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}]}", RC_INPUT },
		{ "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}]}", RC_INPUT },
		/* a point that is not on the curve */
		{ "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
		  "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\","
		  "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]}", RC_INPUT },
		{ "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"X25519\","
		  "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]}", RC_INPUT },
		{ "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}", RC_INPUT },
	};
	struct jwks *keys = NULL;

	world_new(&w);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		CHECK_MSG(jwks_read(str_of(rows[i].json), &keys, &err) == rows[i].rc, "%s", rows[i].json);
	/* what a key says it is for */
	static const struct { const char *more; bool taken; } uses[] = {
		{ ",\"use\":\"sig\"", true },
		{ ",\"use\":\"enc\"", false },
		{ ",\"use\":7", false },
		{ ",\"key_ops\":[\"verify\"]", true },
		{ ",\"key_ops\":[\"encrypt\"]", false },
		{ ",\"alg\":\"RS256\"", true },
		{ ",\"alg\":\"RSA-OAEP\"", false },
		{ ",\"alg\":\"HS256\"", false },
		{ ",\"alg\":\"ES256\"", false },
	};
	for (size_t i = 0; i < COUNT_OF(uses); i++) {
		buf_reset(&json);
		buf_fmt(&json, "{\"keys\":[");
		signer_jwk(&w.signers[RS], uses[i].more, &json);
		buf_fmt(&json, "]}");
		enum rc rc = jwks_read(buf_str(&json), &keys, &err);
		CHECK_MSG((rc == RC_OK) == uses[i].taken, "%s: %s", uses[i].more, rc_name(rc));
		if (rc != RC_OK)
			continue;
		/* a key of one algorithm is not used for the other padding */
		struct signer pss = { "PS256", "rs", w.signers[RS].key };
		str claims;
		buf_reset(&w.token);
		signer_token(&pss, NULL, STR("{}"), &w.token);
		rc = jwt_verify(keys, buf_str(&w.token), w.a, &claims, &err);
		CHECK_MSG(rc == (strstr(uses[i].more, "RS256") ? RC_ABSENT : RC_OK), "%s", uses[i].more);
		jwks_free(keys);
	}
	/* a weak one */
	struct signer weak = { "RS256", "weak", EVP_RSA_gen(1024) };
	buf_reset(&json);
	buf_fmt(&json, "{\"keys\":[");
	signer_jwk(&weak, "", &json);
	buf_fmt(&json, "]}");
	CHECK_RC(jwks_read(buf_str(&json), &keys, &err), RC_INPUT, err);
	EVP_PKEY_free(weak.key);
	/* number of keys, bytes of the set: below, at, above */
	for (unsigned n = JWKS_KEYS_MAX - 1; n <= JWKS_KEYS_MAX + 1; n++) {
		buf_reset(&json);
		buf_fmt(&json, "{\"keys\":[");
		for (unsigned i = 0; i < n; i++) {
			if (i)
				buf_char(&json, ',');
			signer_jwk(&w.signers[ED], "", &json);
		}
		buf_fmt(&json, "]}");
		enum rc rc = jwks_read(buf_str(&json), &keys, &err);
		CHECK_RC(rc, n <= JWKS_KEYS_MAX ? RC_OK : RC_LIMIT, err);
		if (rc == RC_OK) {
			CHECK_INT(jwks_count(keys), n);
			jwks_free(keys);
		}
	}
	buf_reset(&json);
	buf_fmt(&json, "{\"keys\":[");
	signer_jwk(&w.signers[ED], "", &json);
	buf_fmt(&json, "]}");
	while (json.n < JWKS_BYTES_MAX - 1)
		buf_char(&json, ' ');
	for (unsigned i = 0; i < 3; i++, buf_char(&json, ' ')) {
		enum rc rc = jwks_read(buf_str(&json), &keys, &err);
		CHECK_RC(rc, i < 2 ? RC_OK : RC_LIMIT, err);
		if (rc == RC_OK)
			jwks_free(keys);
	}
	buf_free(&json);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(each_algorithm), TEST_RUN(hostile_headers), TEST_RUN(forged_without_a_key),
	  TEST_RUN(sizes_below_at_above), TEST_RUN(key_sets))
