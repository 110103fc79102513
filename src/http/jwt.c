/* SPDX-License-Identifier: Apache-2.0 */
#include "http/jwt.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/hash.h"
#include "base/json.h"

enum kind { KIND_RSA, KIND_P256, KIND_ED25519 };

static const struct alg {
	const char *name;
	enum kind kind;
	bool pss;
} algs[] = {
	{ "RS256", KIND_RSA, false },
	{ "PS256", KIND_RSA, true },
	{ "ES256", KIND_P256, false },
	{ "EdDSA", KIND_ED25519, false },
};

struct jwk {
	str id, alg; /* "": not said */
	enum kind kind;
	EVP_PKEY *key;
};

struct jwks {
	struct arena *a;
	size_t count;
	struct jwk keys[JWKS_KEYS_MAX];
};

static const struct alg *find_alg(str name)
{
	for (size_t i = 0; i < COUNT_OF(algs); i++)
		if (str_eq(name, str_of(algs[i].name)))
			return &algs[i];
	return NULL;
}

/* --- keys --- */

/* A member in base64url; `least` to `most` bytes without leading zeros. */
static bool member(struct json_object *o, const char *name, size_t least, size_t most,
		   struct buf *out)
{
	if (!base64url_parse(json_get_str(o, name), out))
		return false;
	return out->n >= least && out->n <= most;
}

static EVP_PKEY *key_of(const char *type, OSSL_PARAM_BLD *b)
{
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

/* The mathematics of the key itself: a point on the curve, a sane modulus. */
static EVP_PKEY *checked(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;

	if (ctx && EVP_PKEY_public_check(ctx) == 1) {
		EVP_PKEY_CTX_free(ctx);
		return key;
	}
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return NULL;
}

static EVP_PKEY *read_rsa(struct json_object *o)
{
	struct buf n = BUF_INIT(512), e = BUF_INIT(4);
	EVP_PKEY *key = NULL;

	if (member(o, "n", 256, 512, &n) && member(o, "e", 1, 4, &e) && (uint8_t)n.p[0] >= 0x80) {
		OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
		BIGNUM *bn_n = BN_bin2bn((uint8_t *)n.p, (int)n.n, NULL);
		BIGNUM *bn_e = BN_bin2bn((uint8_t *)e.p, (int)e.n, NULL);
		if (b && bn_n && bn_e && BN_is_odd(bn_e) && !BN_is_one(bn_e) &&
		    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, bn_n) &&
		    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, bn_e))
			key = checked(key_of("RSA", b));
		BN_free(bn_n);
		BN_free(bn_e);
		OSSL_PARAM_BLD_free(b);
	}
	buf_free(&n);
	buf_free(&e);
	return key;
}

static EVP_PKEY *read_p256(struct json_object *o)
{
	struct buf point = BUF_INIT(65), y = BUF_INIT(32);
	EVP_PKEY *key = NULL;

	buf_char(&point, 4); /* uncompressed: x, y */
	bool ok = str_eq(json_get_str(o, "crv"), STR("P-256")) && member(o, "x", 33, 33, &point) &&
		  member(o, "y", 32, 32, &y);
	buf_add(&point, buf_str(&y));
	if (ok && !point.over) {
		OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
		if (b && OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
		    OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n))
			key = checked(key_of("EC", b));
		OSSL_PARAM_BLD_free(b);
	}
	buf_free(&point);
	buf_free(&y);
	return key;
}

static EVP_PKEY *read_ed25519(struct json_object *o)
{
	struct buf x = BUF_INIT(32);
	EVP_PKEY *key = NULL;

	if (str_eq(json_get_str(o, "crv"), STR("Ed25519")) && member(o, "x", 32, 32, &x))
		key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (uint8_t *)x.p, x.n);
	buf_free(&x);
	return key;
}

static bool for_signatures(struct json_object *o)
{
	struct json_object *use = json_get(o, "use"), *ops = json_get(o, "key_ops");
	bool verify = !ops;

	for (size_t i = 0; i < json_count(ops); i++)
		verify = verify || str_eq(json_text(json_at(ops, i)), STR("verify"));
	return verify && (!use || str_eq(json_text(use), STR("sig")));
}

static void read_key(struct jwks *set, struct json_object *o)
{
	static const struct {
		const char *type;
		enum kind kind;
		EVP_PKEY *(*read)(struct json_object *);
	} types[] = {
		{ "RSA", KIND_RSA, read_rsa },
		{ "EC", KIND_P256, read_p256 },
		{ "OKP", KIND_ED25519, read_ed25519 },
	};
	str type = json_get_str(o, "kty"), id = json_get_str(o, "kid"), alg = json_get_str(o, "alg");
	const struct alg *known = find_alg(alg);

	if (!for_signatures(o) || id.n > 255 || (alg.n && !known))
		return;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (!str_eq(type, str_of(types[i].type)) || (known && known->kind != types[i].kind))
			continue;
		EVP_PKEY *key = types[i].read(o);
		if (key)
			set->keys[set->count++] = (struct jwk){ .id = arena_str(set->a, id),
				.alg = arena_str(set->a, alg), .kind = types[i].kind, .key = key };
	}
}

enum rc jwks_read(str json, struct jwks **out, struct err *err)
{
	struct json_object *o = NULL;

	if (json.n > JWKS_BYTES_MAX)
		return fail(err, RC_LIMIT, "key set: over %d bytes", JWKS_BYTES_MAX);
	enum rc rc = json_read(json, &o, err);
	if (rc != RC_OK)
		return rc;
	struct json_object *list = json_get(o, "keys");
	struct jwks *set = x_alloc(sizeof(*set));
	set->a = arena_new(KIB(4));
	if (json_count(list) > JWKS_KEYS_MAX)
		rc = fail(err, RC_LIMIT, "key set: over %d keys", JWKS_KEYS_MAX);
	for (size_t i = 0; rc == RC_OK && i < json_count(list); i++)
		read_key(set, json_at(list, i));
	if (rc == RC_OK && set->count == 0)
		rc = fail(err, RC_INPUT, "key set: no key for RS256, PS256, ES256 or EdDSA in it");
	json_free(o);
	if (rc == RC_OK)
		*out = set;
	else
		jwks_free(set);
	return rc;
}

void jwks_free(struct jwks *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->count; i++)
		EVP_PKEY_free(k->keys[i].key);
	arena_free(k->a);
	free(k);
}

size_t jwks_count(const struct jwks *k)
{
	return k->count;
}

/* --- tokens --- */

struct header {
	const struct alg *alg;
	str key_id; /* "": not said */
};

static enum rc read_header(str part, struct arena *a, struct header *out, struct err *err)
{
	struct buf text = BUF_INIT(JWT_HEADER_MAX);
	struct json_pair *pairs = NULL;
	size_t n = 0;
	bool has_alg = false;

	*out = (struct header){ 0 };
	bool ok = base64url_parse(part, &text);
	str json = arena_str(a, buf_str(&text));
	buf_free(&text);
	if (!ok)
		return fail(err, RC_INPUT, "token: header is not base64url or too long");
	enum rc rc = json_flat(json, a, &pairs, &n, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		const struct json_pair *p = &pairs[i];
		bool text_kind = p->kind == JSON_STRING;
		if (str_eq(p->key, STR("alg"))) {
			has_alg = true;
			out->alg = text_kind ? find_alg(p->value) : NULL;
			if (!out->alg)
				return fail(err, RC_INPUT, "token: algorithm '" STR_FMT "' is not taken",
					    STR_ARG(str_head(p->value, 32)));
		} else if (str_eq(p->key, STR("kid"))) {
			if (!text_kind || p->value.n > 255)
				return fail(err, RC_INPUT, "token: 'kid' is no name");
			out->key_id = p->value;
		} else if (str_eq(p->key, STR("typ"))) {
			if (!text_kind || !str_eq_nocase(p->value, STR("JWT")))
				return fail(err, RC_INPUT, "token: not of type JWT");
		} else if (str_eq(p->key, STR("crit")) || str_eq(p->key, STR("enc")) ||
			   str_eq(p->key, STR("b64"))) {
			return fail(err, RC_INPUT, "token: asks for an extension");
		}
	}
	return rc != RC_OK ? rc : has_alg ? RC_OK : fail(err, RC_INPUT, "token: names no algorithm");
}

/* Without 'kid' there must be just one key that fits (OpenID Connect Core 10.1). */
static const struct jwk *find_key(const struct jwks *set, const struct header *h)
{
	const struct jwk *found = NULL;

	for (size_t i = 0; i < set->count; i++) {
		const struct jwk *k = &set->keys[i];
		if (k->kind != h->alg->kind || (k->alg.n && !str_eq(k->alg, str_of(h->alg->name))))
			continue;
		if (h->key_id.n ? !str_eq(k->id, h->key_id) : false)
			continue;
		if (found)
			return NULL;
		found = k;
	}
	return found;
}

/* r and s of 32 bytes each, as JOSE has them, into the DER that OpenSSL takes. */
static size_t der_of_p256(str raw, uint8_t der[80])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn((const uint8_t *)raw.p, 32, NULL);
	BIGNUM *s = BN_bin2bn((const uint8_t *)raw.p + 32, 32, NULL);
	uint8_t *to = der;
	int n = 0;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s))
		n = i2d_ECDSA_SIG(sig, &to); /* at most 72 */
	else
		BN_free(r), BN_free(s);
	ECDSA_SIG_free(sig);
	return n > 0 ? (size_t)n : 0;
}

static bool signature_is_right(const struct alg *alg, EVP_PKEY *key, str signed_part, str sig)
{
	uint8_t der[80];
	EVP_PKEY_CTX *pctx = NULL;
	const EVP_MD *md = alg->kind == KIND_ED25519 ? NULL : EVP_sha256();

	if (alg->kind != KIND_RSA && sig.n != 64)
		return false;
	if (alg->kind == KIND_P256) {
		sig = str_mem(der, der_of_p256(sig, der));
		if (!sig.n)
			return false;
	}
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestVerifyInit(ctx, &pctx, md, NULL, key) == 1;
	if (ok && alg->pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok && EVP_DigestVerify(ctx, (const uint8_t *)sig.p, sig.n,
				    (const uint8_t *)signed_part.p, signed_part.n) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

enum rc jwt_verify(const struct jwks *keys, str token, struct arena *a, str *claims_out,
		   struct err *err)
{
	struct header h;
	str rest = token;

	if (token.n > JWT_BYTES_MAX)
		return fail(err, RC_LIMIT, "token: over %d bytes", JWT_BYTES_MAX);
	str head = str_cut(&rest, '.');
	str payload = str_cut(&rest, '.');
	str signed_part = str_head(token, head.n + 1 + payload.n);
	if (signed_part.n + 1 >= token.n || str_has(rest, '.') || !rest.n || !payload.n)
		return fail(err, RC_INPUT, "token: not of three parts");
	enum rc rc = read_header(head, a, &h, err);
	if (rc != RC_OK)
		return rc;
	struct buf sig = BUF_INIT(512), claims = BUF_INIT(JWT_BYTES_MAX);
	if (!base64url_parse(rest, &sig) || !base64url_parse(payload, &claims))
		rc = fail(err, RC_INPUT, "token: not base64url");
	const struct jwk *key = rc == RC_OK ? find_key(keys, &h) : NULL;
	if (rc == RC_OK && !key)
		rc = fail(err, RC_ABSENT, "token: no key '" STR_FMT "' for %s",
			  STR_ARG(str_head(h.key_id, 64)), h.alg->name);
	if (rc == RC_OK && !signature_is_right(h.alg, key->key, signed_part, buf_str(&sig)))
		rc = fail(err, RC_DENIED, "token: signature is wrong");
	if (rc == RC_OK)
		*claims_out = arena_str(a, buf_str(&claims));
	buf_free(&sig);
	buf_free(&claims);
	return rc;
}
