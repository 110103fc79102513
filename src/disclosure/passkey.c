/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/passkey.h"

#include <assert.h>
#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>
#include <openssl/evp.h>

#include "base/hash.h"
#include "base/ip.h"
#include "base/json.h"

/* Section 6.1: authenticator data */
enum { RP_HASH = 32, FLAGS_AT = 32, COUNT_AT = 33, AUTH_DATA_MIN = 37 };
enum {
	FLAG_UP = 0x01,
	FLAG_UV = 0x04,
	FLAG_BACKED_UP = 0x10,
	FLAG_ATTESTED = 0x40,
	FLAG_EXTENDED = 0x80,
};
enum { ID_LENGTH_AT = 53, ID_AT = 55, NESTS_MAX = 64 };

static const int algs[] = { COSE_ES256, COSE_EDDSA, COSE_RS256 };

enum rc passkey_site_of(str public_url, str name, struct arena *a, struct passkey_site *out,
			struct err *err)
{
	bool https = str_starts(public_url, STR("https://"));
	bool http = str_starts(public_url, STR("http://"));
	str rest = str_from(public_url, https ? 8 : 7);
	str host_port = str_cut(&rest, '/'), port = host_port;
	str host = str_cut(&port, ':');
	uint32_t number = 0;
	struct ip ip;
	bool ok = (https || (http && str_eq(host, STR("localhost")))) && host.n && !rest.n &&
		  !ip_parse(host, &ip) && (!str_has(host_port, ':') || str_to_u32(port, &number)) &&
		  number < 65536;

	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];
		ok = ok && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.');
	}
	if (!ok)
		return fail(err, RC_INPUT, "public_url: '" STR_FMT "' is not https:// and a name in lower "
			    "case", STR_ARG(public_url));
	/* A browser leaves the usual port out. */
	bool usual = number == (https ? 443u : 80u);
	out->origin = arena_str(a, usual ? str_head(public_url, (https ? 8 : 7) + host.n)
					 : str_head(public_url, (https ? 8 : 7) + host_port.n));
	out->rp_id = arena_str(a, host);
	out->name = arena_str(a, name);
	return RC_OK;
}

void passkey_challenge_new(struct passkey_challenge *out)
{
	random_bytes(out->b, sizeof(out->b));
}

/* --- options --- */

static void put_bytes(struct json_out *j, const char *key, str bytes)
{
	struct buf text = BUF_INIT(KIB(2));
	base64url_format(&text, bytes.p, bytes.n);
	json_put_str(j, key, buf_str(&text));
	buf_free(&text);
}

static void put_list(struct json_out *j, const char *key, const struct passkey *list, size_t count)
{
	json_key(j, str_of(key));
	json_open(j, '[');
	for (size_t i = 0; i < count && i < PASSKEYS_OF_ONE; i++) {
		json_open(j, '{');
		json_put_str(j, "type", STR("public-key"));
		put_bytes(j, "id", list[i].id);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_both(struct json_out *j, const struct passkey_challenge *c)
{
	put_bytes(j, "challenge", str_mem(c->b, sizeof(c->b)));
	json_put_i64(j, "timeout", PASSKEY_CHALLENGE_US / 1000);
}

str passkey_create_options(const struct passkey_site *site, const struct passkey_challenge *c,
			   const struct passkey_user *user, const struct passkey *have, size_t count,
			   struct arena *a)
{
	struct buf b = BUF_INIT(KIB(64));
	struct json_out j = json_out(&b);

	json_open(&j, '{');
	put_both(&j, c);
	json_key(&j, STR("rp"));
	json_open(&j, '{');
	json_put_str(&j, "id", site->rp_id);
	json_put_str(&j, "name", site->name);
	json_close(&j, '}');
	json_key(&j, STR("user"));
	json_open(&j, '{');
	put_bytes(&j, "id", str_head(user->id, PASSKEY_USER_MAX));
	json_put_str(&j, "name", user->name);
	json_put_str(&j, "displayName", user->display_name);
	json_close(&j, '}');
	json_key(&j, STR("pubKeyCredParams"));
	json_open(&j, '[');
	for (size_t i = 0; i < COUNT_OF(algs); i++) {
		json_open(&j, '{');
		json_put_str(&j, "type", STR("public-key"));
		json_put_i64(&j, "alg", algs[i]);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	put_list(&j, "excludeCredentials", have, count);
	json_key(&j, STR("authenticatorSelection"));
	json_open(&j, '{');
	json_put_str(&j, "residentKey", STR("preferred"));
	json_put_str(&j, "userVerification", STR("required"));
	json_close(&j, '}');
	json_put_str(&j, "attestation", STR("none"));
	json_close(&j, '}');
	str text = arena_str(a, buf_str(&b));
	buf_free(&b);
	return text;
}

str passkey_get_options(const struct passkey_site *site, const struct passkey_challenge *c,
			const struct passkey *have, size_t count, struct arena *a)
{
	struct buf b = BUF_INIT(KIB(64));
	struct json_out j = json_out(&b);

	json_open(&j, '{');
	put_both(&j, c);
	json_put_str(&j, "rpId", site->rp_id);
	put_list(&j, "allowCredentials", have, count);
	json_put_str(&j, "userVerification", STR("required"));
	json_close(&j, '}');
	str text = arena_str(a, buf_str(&b));
	buf_free(&b);
	return text;
}

/* --- what both kinds of answer have --- */

static enum rc take_bytes(struct json_object *o, const char *key, size_t least, size_t most,
			  struct arena *a, str *out, struct err *err)
{
	struct buf b = BUF_INIT(most);
	bool ok = base64url_parse(json_get_str(o, key), &b) && b.n >= least;

	*out = ok ? arena_str(a, buf_str(&b)) : STR_NONE;
	buf_free(&b);
	return ok ? RC_OK : fail(err, RC_INPUT, "passkey: '%s' is missing, too long or not base64url", key);
}

/* Section 5.8.1; unknown members are to be let pass. */
static enum rc check_client_data(const struct passkey_site *site, const struct passkey_challenge *c,
				 const char *type, str json, struct arena *a, struct err *err)
{
	struct json_pair *pairs = NULL;
	struct buf challenge = BUF_INIT(64);
	size_t n = 0;
	bool right_type = false, right_challenge = false, right_origin = false, framed = false;

	if (json_flat(json, a, &pairs, &n, err) != RC_OK)
		return fail(err, RC_INPUT, "passkey: what the browser signed is not JSON");
	base64url_format(&challenge, c->b, sizeof(c->b));
	for (size_t i = 0; i < n; i++) {
		const struct json_pair *p = &pairs[i];
		if (str_eq(p->key, STR("crossOrigin")))
			framed = framed || p->kind != JSON_FALSE;
		else if (str_eq(p->key, STR("topOrigin")))
			framed = true;
		if (p->kind != JSON_STRING)
			continue;
		if (str_eq(p->key, STR("type")))
			right_type = str_eq(p->value, str_of(type));
		else if (str_eq(p->key, STR("challenge")))
			right_challenge = str_eq_secret(p->value, buf_str(&challenge));
		else if (str_eq(p->key, STR("origin")))
			right_origin = str_eq(p->value, site->origin);
	}
	buf_free(&challenge);
	if (!right_type)
		return fail(err, RC_DENIED, "passkey: the answer is to another question");
	if (!right_challenge)
		return fail(err, RC_DENIED, "passkey: the answer is to another challenge");
	if (!right_origin || framed)
		return fail(err, RC_DENIED, "passkey: the answer was given to another page than '" STR_FMT
			    "'", STR_ARG(site->origin));
	return RC_OK;
}

static enum rc read_answer(str json, struct json_object **out, struct json_object **response_out,
			   struct err *err)
{
	if (json.n > PASSKEY_JSON_MAX)
		return fail(err, RC_INPUT, "passkey: the answer is over %d bytes", PASSKEY_JSON_MAX);
	enum rc rc = json_read(json, out, err);
	if (rc != RC_OK)
		return fail(err, RC_INPUT, "passkey: the answer is not JSON");
	*response_out = json_get(*out, "response");
	return RC_OK;
}

/* --- CBOR (RFC 8949), as much as an attestation object has --- */

/* One head: major type and argument. Lengths must be said beforehand (CTAP2's
 * canonical form); floats and simple values have their bytes as argument. */
static bool cbor_head(struct wire *w, unsigned *major_out, uint64_t *value_out)
{
	uint8_t first = wire_u8(w), info = first & 31;

	*major_out = first >> 5;
	*value_out = info;
	if (info < 24)
		return !w->bad;
	if (info > 27)
		return false;
	*value_out = 0;
	for (unsigned n = 1u << (info - 24); n > 0; n--)
		*value_out = *value_out << 8 | wire_u8(w);
	return !w->bad;
}

/* Steps over one value without recursion; no more arrays, maps and tags in it
 * than `nests`, and none that claims more than there is. */
static bool cbor_skip(struct wire *w, unsigned nests)
{
	for (uint64_t left = 1; left > 0; left--) {
		unsigned major;
		uint64_t value;
		if (!cbor_head(w, &major, &value))
			return false;
		if (major == 2 || major == 3)
			(void)wire_bytes(w, value); /* more than there is: w->bad */
		if (w->bad)
			return false;
		if (major >= 4 && major <= 6) {
			if (nests-- == 0 || (major != 6 && value > wire_left(w)))
				return false;
			left += major == 6 ? 1 : major == 5 ? 2 * value : value;
		}
	}
	return true;
}

/* Whether `data` is `count` maps and nothing more. libfido2 is asked only then:
 * its CBOR library believes a length first and takes memory for it. */
static bool cbor_is_maps(str data, unsigned count)
{
	struct wire w = wire_of(data);

	for (unsigned i = 0; i < count; i++)
		if (wire_left(&w) == 0 || *w.p >> 5 != 5 || !cbor_skip(&w, NESTS_MAX))
			return false;
	return wire_left(&w) == 0;
}

static bool cbor_string(struct wire *w, unsigned wanted, str *out)
{
	unsigned major;
	uint64_t n;

	if (!cbor_head(w, &major, &n) || major != wanted || n > wire_left(w))
		return false;
	*out = wire_bytes(w, n);
	return !w->bad;
}

/* Section 6.5: {"fmt", "attStmt", "authData"}, each once. A statement of another
 * format could hide what we do not know how to read. */
static enum rc read_attestation(str object, str *auth_data_out, struct err *err)
{
	struct wire w = wire_of(object);
	unsigned major;
	uint64_t n;
	str format = STR_NONE, statement = STR_NONE, data = STR_NONE;
	bool ok = cbor_head(&w, &major, &n) && major == 5 && n == 3;

	for (unsigned i = 0; ok && i < 3; i++) {
		str key;
		ok = cbor_string(&w, 3, &key);
		if (ok && str_eq(key, STR("fmt")) && !format.p) {
			ok = cbor_string(&w, 3, &format);
		} else if (ok && str_eq(key, STR("authData")) && !data.p) {
			ok = cbor_string(&w, 2, &data);
		} else if (ok && str_eq(key, STR("attStmt")) && !statement.p) {
			const unsigned char *start = w.p;
			ok = cbor_skip(&w, NESTS_MAX);
			statement = str_mem(start, (size_t)(w.p - start));
		} else {
			ok = false;
		}
	}
	ok = ok && wire_left(&w) == 0 && ((uint8_t)statement.p[0] >> 5) == 5 &&
	     data.n <= PASSKEY_AUTH_DATA_MAX;
	if (!ok)
		return fail(err, RC_INPUT, "passkey: the attestation object is broken");
	bool none = str_eq(format, STR("none")) && str_eq(statement, STR("\xa0"));
	if (!none && !str_eq(format, STR("packed")))
		return fail(err, RC_INPUT, "passkey: attestation '" STR_FMT "' was not asked for",
			    STR_ARG(str_head(format, 32)));
	*auth_data_out = data;
	return RC_OK;
}

static enum rc check_auth_data(const struct passkey_site *site, str data, struct err *err)
{
	struct digest rp = sha256(site->rp_id);
	uint8_t flags;

	if (data.n < AUTH_DATA_MIN)
		return fail(err, RC_INPUT, "passkey: the device's data is too short");
	flags = (uint8_t)data.p[FLAGS_AT];
	bool attested = flags & FLAG_ATTESTED, extended = flags & FLAG_EXTENDED;
	size_t maps_at = AUTH_DATA_MIN;
	if (attested)
		maps_at = data.n < ID_AT ? SIZE_MAX
					 : ID_AT + ((size_t)(uint8_t)data.p[ID_LENGTH_AT] << 8 |
						    (uint8_t)data.p[ID_LENGTH_AT + 1]);
	if (maps_at > data.n ||
	    !cbor_is_maps(str_from(data, maps_at), (unsigned)attested + (unsigned)extended))
		return fail(err, RC_INPUT, "passkey: the device's data is broken");
	if (!str_eq(str_head(data, RP_HASH), str_mem(rp.b, sizeof(rp.b))))
		return fail(err, RC_DENIED, "passkey: it is for another site");
	if (!(flags & FLAG_UP) || !(flags & FLAG_UV))
		return fail(err, RC_DENIED, "passkey: the device did not ask for its holder");
	return RC_OK;
}

/* --- keys --- */

struct public_key {
	int alg;
	void *pk; /* libfido2's for `alg` */
};

static void key_free(struct public_key *k)
{
	es256_pk_t *es = k->alg == COSE_ES256 ? k->pk : NULL;
	eddsa_pk_t *ed = k->alg == COSE_EDDSA ? k->pk : NULL;
	rs256_pk_t *rs = k->alg == COSE_RS256 ? k->pk : NULL;

	es256_pk_free(&es);
	eddsa_pk_free(&ed);
	rs256_pk_free(&rs);
	k->pk = NULL;
}

/* Also whether it is a key at all: a point on its curve. */
static bool key_of(int alg, str bytes, struct public_key *out)
{
	EVP_PKEY *evp = NULL;
	bool ok = false;

	*out = (struct public_key){ .alg = alg };
	if (alg == COSE_ES256) {
		es256_pk_t *pk = x_made(es256_pk_new());
		ok = es256_pk_from_ptr(pk, bytes.p, bytes.n) == FIDO_OK;
		evp = ok ? es256_pk_to_EVP_PKEY(pk) : NULL;
		out->pk = pk;
	} else if (alg == COSE_EDDSA) {
		eddsa_pk_t *pk = x_made(eddsa_pk_new());
		ok = eddsa_pk_from_ptr(pk, bytes.p, bytes.n) == FIDO_OK;
		evp = ok ? eddsa_pk_to_EVP_PKEY(pk) : NULL;
		out->pk = pk;
	} else if (alg == COSE_RS256) {
		rs256_pk_t *pk = x_made(rs256_pk_new());
		ok = rs256_pk_from_ptr(pk, bytes.p, bytes.n) == FIDO_OK;
		evp = ok ? rs256_pk_to_EVP_PKEY(pk) : NULL;
		out->pk = pk;
	}
	ok = evp != NULL;
	EVP_PKEY_free(evp);
	if (!ok && out->pk)
		key_free(out);
	return ok;
}

/* A call of libfido2 that fails, as we call it, for want of memory alone. */
static void done(int result)
{
	assert(result == FIDO_OK);
	(void)result;
}

/* libfido2 wants to know the kind of key before it reads one. */
static enum rc read_credential(str data, struct arena *a, struct passkey *out, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(algs); i++) {
		fido_cred_t *cred = x_made(fido_cred_new());
		struct public_key key;
		done(fido_cred_set_type(cred, algs[i]));
		bool ok = fido_cred_set_authdata_raw(cred, (const uint8_t *)data.p, data.n) == FIDO_OK;
		if (ok) {
			out->alg = algs[i];
			out->id = arena_str(a, str_mem(fido_cred_id_ptr(cred), fido_cred_id_len(cred)));
			out->key = arena_str(a, str_mem(fido_cred_pubkey_ptr(cred),
							fido_cred_pubkey_len(cred)));
			out->count = fido_cred_sigcount(cred);
			out->backed_up = fido_cred_flags(cred) & FLAG_BACKED_UP;
		}
		fido_cred_free(&cred);
		if (!ok)
			continue;
		assert(out->key.n <= PASSKEY_KEY_MAX); /* libfido2's have 64, 32 and 259 bytes */
		if (!out->id.n || out->id.n > PASSKEY_ID_MAX || !key_of(out->alg, out->key, &key))
			return fail(err, RC_INPUT, "passkey: its name or key is none");
		key_free(&key);
		return RC_OK;
	}
	return fail(err, RC_INPUT, "passkey: not a key for ES256, EdDSA or RS256");
}

/* --- registering and signing in --- */

enum rc passkey_register(const struct passkey_site *site, const struct passkey_challenge *c, str json,
			 struct arena *a, struct passkey *out, struct err *err)
{
	struct json_object *o = NULL, *response = NULL;
	str client_data, object, data = STR_NONE, id;

	*out = (struct passkey){ 0 };
	fido_init(0);
	enum rc rc = read_answer(json, &o, &response, err);
	if (rc == RC_OK)
		rc = take_bytes(o, "id", 1, PASSKEY_ID_MAX, a, &id, err);
	if (rc == RC_OK)
		rc = take_bytes(response, "clientDataJSON", 1, PASSKEY_CLIENT_DATA_MAX, a, &client_data, err);
	if (rc == RC_OK)
		rc = take_bytes(response, "attestationObject", 1, PASSKEY_ATTESTATION_MAX, a, &object, err);
	json_free(o);
	if (rc == RC_OK)
		rc = check_client_data(site, c, "webauthn.create", client_data, a, err);
	if (rc == RC_OK)
		rc = read_attestation(object, &data, err);
	if (rc == RC_OK)
		rc = check_auth_data(site, data, err);
	if (rc == RC_OK && !(data.p[FLAGS_AT] & FLAG_ATTESTED))
		rc = fail(err, RC_INPUT, "passkey: there is no key in the answer");
	if (rc == RC_OK)
		rc = read_credential(data, a, out, err);
	if (rc == RC_OK && !str_eq(id, out->id))
		rc = fail(err, RC_INPUT, "passkey: the browser names another one than the device");
	if (rc != RC_OK)
		*out = (struct passkey){ 0 };
	return rc;
}

enum rc passkey_answer_read(str json, struct arena *a, struct passkey_answer *out, struct err *err)
{
	struct json_object *o = NULL, *r = NULL;

	*out = (struct passkey_answer){ 0 };
	enum rc rc = read_answer(json, &o, &r, err);
	if (rc == RC_OK)
		rc = take_bytes(o, "id", 1, PASSKEY_ID_MAX, a, &out->id, err);
	if (rc == RC_OK)
		rc = take_bytes(r, "clientDataJSON", 1, PASSKEY_CLIENT_DATA_MAX, a, &out->client_data, err);
	if (rc == RC_OK)
		rc = take_bytes(r, "authenticatorData", AUTH_DATA_MIN, PASSKEY_AUTH_DATA_MAX, a,
				&out->auth_data, err);
	if (rc == RC_OK)
		rc = take_bytes(r, "signature", 1, PASSKEY_SIGNATURE_MAX, a, &out->signature, err);
	if (rc == RC_OK && json_get_str(r, "userHandle").n)
		rc = take_bytes(r, "userHandle", 1, PASSKEY_USER_MAX, a, &out->user, err);
	json_free(o);
	if (rc != RC_OK)
		*out = (struct passkey_answer){ 0 };
	return rc;
}

static bool signature_is_right(const struct passkey_site *site, const struct passkey_answer *answer,
			       const struct public_key *key, struct arena *a)
{
	const uint8_t *data = (const uint8_t *)answer->auth_data.p;
	fido_assert_t *assertion = x_made(fido_assert_new());

	done(fido_assert_set_clientdata(assertion, (const uint8_t *)answer->client_data.p, answer->client_data.n));
	done(fido_assert_set_rp(assertion, arena_z(a, site->rp_id)));
	done(fido_assert_set_up(assertion, FIDO_OPT_TRUE));
	done(fido_assert_set_uv(assertion, FIDO_OPT_TRUE));
	done(fido_assert_set_count(assertion, 1));
	done(fido_assert_set_sig(assertion, 0, (const uint8_t *)answer->signature.p, answer->signature.n));
	bool ok = fido_assert_set_authdata_raw(assertion, 0, data, answer->auth_data.n) == FIDO_OK &&
		  fido_assert_verify(assertion, 0, key->alg, key->pk) == FIDO_OK;
	fido_assert_free(&assertion);
	return ok;
}

enum rc passkey_check(const struct passkey_site *site, const struct passkey_challenge *c,
		      const struct passkey_answer *answer, const struct passkey *kept,
		      uint32_t *count_out, bool *backed_up_out, struct err *err)
{
	struct public_key key;
	struct arena *a = arena_new(KIB(8));
	const uint8_t *data = (const uint8_t *)answer->auth_data.p;

	fido_init(0);
	enum rc rc = check_client_data(site, c, "webauthn.get", answer->client_data, a, err);
	if (rc == RC_OK)
		rc = check_auth_data(site, answer->auth_data, err);
	if (rc == RC_OK && (!str_eq(answer->id, kept->id) ||
			    (answer->user.n && !str_eq(answer->user, kept->user))))
		rc = fail(err, RC_DENIED, "passkey: it belongs to another account");
	if (rc == RC_OK && !key_of(kept->alg, kept->key, &key))
		rc = fail(err, RC_IO, "passkey: the key that is kept is none");
	else if (rc == RC_OK) {
		if (!signature_is_right(site, answer, &key, a))
			rc = fail(err, RC_DENIED, "passkey: the signature is wrong");
		key_free(&key);
	}
	arena_free(a);
	if (rc != RC_OK)
		return rc;
	uint32_t count = (uint32_t)data[COUNT_AT] << 24 | (uint32_t)data[COUNT_AT + 1] << 16 |
			 (uint32_t)data[COUNT_AT + 2] << 8 | data[COUNT_AT + 3];
	/* Section 6.1.1; a device that does not count stays at 0. */
	if ((count || kept->count) && count <= kept->count)
		return fail(err, RC_DENIED, "passkey: its counter does not go forward, there may be a copy");
	*count_out = count;
	if (backed_up_out)
		*backed_up_out = data[FLAGS_AT] & FLAG_BACKED_UP;
	return RC_OK;
}
