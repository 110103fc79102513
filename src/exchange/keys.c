/* SPDX-License-Identifier: Apache-2.0 */
/* Our own keys: made, kept, replaced. */
#include "exchange/keys.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sodium.h>

#include "exchange/certificate.h"
#include "exchange/exchange_private.h"
#include "http/vouch.h"

enum { YEARS = 30, KEPT_MAX = 64 << 10 };

/* --- making --- */

static enum rc failed(struct err *err, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	enum rc rc = fail(err, RC_IO, "%s: %s", what, reason ? reason : "no reason given");
	ERR_clear_error();
	return rc;
}

static str take(BIO *b, struct arena *a)
{
	char *p = NULL;
	long n = BIO_get_mem_data(b, &p);
	return arena_str(a, str_mem(p, n > 0 ? (size_t)n : 0));
}

/* Its names say nothing: whoever scans the port learns no team's. */
static bool fill_certificate(X509 *cert, EVP_PKEY *key)
{
	unsigned char serial[16];
	BIGNUM *number = NULL;
	if (RAND_bytes(serial, sizeof serial) != 1)
		return false;
	serial[0] &= 0x7f;
	number = BN_bin2bn(serial, sizeof serial, NULL);
	X509_NAME *name = X509_get_subject_name(cert);
	bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) && X509_set_version(cert, 2) &&
		  X509_gmtime_adj(X509_getm_notBefore(cert), -24L * 3600) &&
		  X509_time_adj_ex(X509_getm_notAfter(cert), YEARS * 365, 0, NULL) && X509_set_pubkey(cert, key) &&
		  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"ronda", -1, -1, 0) &&
		  X509_set_issuer_name(cert, name) && X509_sign(cert, key, EVP_sha256());
	BN_free(number);
	return ok;
}

static enum rc make(struct arena *a, int64_t now_us, struct own_identity *out, struct err *err)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	BIO *k = BIO_new(BIO_s_secmem()), *c = BIO_new(BIO_s_mem());
	*out = (struct own_identity){ .made_us = now_us };
	bool ok = key && cert && k && c && fill_certificate(cert, key) && vouch_pin(cert, &out->who.pin) &&
		  PEM_write_bio_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL) == 1 && PEM_write_bio_X509(c, cert) == 1;
	if (ok) {
		out->cert = take(c, a);
		out->key = take(k, a);
		crypto_sign_keypair(out->who.sign, out->secret);
	}
	BIO_free(k);
	BIO_free(c);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ok ? RC_OK : failed(err, "no key for partners can be made");
}

/* --- keeping: {"now":{…},"next":{…},"switch_us":N} --- */

static void put_identity(struct json_out *j, const char *name, const struct own_identity *i)
{
	struct buf hex = BUF_INIT(256);
	json_key(j, str_of(name));
	json_open(j, '{');
	json_put_str(j, "cert", i->cert);
	json_put_str(j, "key", i->key);
	hex_format(&hex, i->secret, sizeof i->secret);
	json_put_str(j, "secret", buf_str(&hex));
	buf_reset(&hex);
	hex_format(&hex, i->who.pin.b, sizeof i->who.pin.b);
	json_put_str(j, "pin", buf_str(&hex));
	json_put_i64(j, "made_us", i->made_us);
	json_close(j, '}');
	explicit_bzero(hex.p, hex.size);
	buf_free(&hex);
}

static enum rc keep(struct conn *c, const struct own_keys *k, struct err *err)
{
	struct buf text = BUF_INIT(KEPT_MAX);
	struct json_out j = json_out(&text);
	json_open(&j, '{');
	put_identity(&j, "now", &k->now);
	if (k->rotating) {
		put_identity(&j, "next", &k->next);
		json_put_i64(&j, "switch_us", k->switch_us);
	}
	json_close(&j, '}');
	struct sql *q = sql(c, "INSERT INTO node (key, value) VALUES ('exchange.keys', ?1)"
			       " ON CONFLICT (key) DO UPDATE SET value = ?1");
	sql_blob(q, 1, buf_str(&text));
	enum rc rc = sql_run(q, err);
	explicit_bzero(text.p, text.n);
	buf_free(&text);
	return rc;
}

static bool take_identity(struct json_object *o, struct arena *a, struct own_identity *out)
{
	*out = (struct own_identity){ .cert = arena_str(a, json_get_str(o, "cert")),
				      .key = arena_str(a, json_get_str(o, "key")) };
	bool ok = out->cert.n && out->key.n && json_get_i64(o, "made_us", &out->made_us) &&
		  hex_parse(json_get_str(o, "pin"), out->who.pin.b, sizeof out->who.pin.b) &&
		  hex_parse(json_get_str(o, "secret"), out->secret, sizeof out->secret);
	if (ok)
		crypto_sign_ed25519_sk_to_pk(out->who.sign, out->secret);
	return ok;
}

enum rc keys_own(struct conn *c, struct arena *a, struct own_keys *out, struct err *err)
{
	struct json_object *o = NULL;
	struct sql *q = sql(c, "SELECT value FROM node WHERE key = 'exchange.keys'");
	*out = (struct own_keys){ .rotating = false };
	bool found = sql_row(q);
	enum rc rc = found ? json_read(sql_col_blob(q, 0), &o, err) : RC_OK;
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	rc = rc == RC_OK ? end : rc;
	if (rc == RC_OK && !found)
		return fail(err, RC_ABSENT, "there are no keys for partners yet");
	if (rc == RC_OK && !take_identity(json_get(o, "now"), a, &out->now))
		rc = fail(err, RC_IO, "the keys for partners cannot be read");
	if (rc == RC_OK && json_get(o, "next"))
		out->rotating = take_identity(json_get(o, "next"), a, &out->next) &&
				json_get_i64(o, "switch_us", &out->switch_us);
	json_free(o);
	return rc;
}

static void wipe(struct own_identity *i)
{
	explicit_bzero(i->secret, sizeof i->secret);
	if (i->key.n)
		explicit_bzero((void *)(uintptr_t)i->key.p, i->key.n);
}

void keys_wipe(struct own_keys *k)
{
	wipe(&k->now);
	wipe(&k->next);
}

/* --- acts --- */

static enum rc note(struct tx *tx, struct exchange *x, const char *act, const struct own_identity *i, str by,
		    struct err *err)
{
	struct buf body = BUF_INIT(KIB(1)), hex = BUF_INIT(128);
	struct json_out j = json_out(&body);
	hex_format(&hex, i->who.pin.b, sizeof i->who.pin.b);
	json_open(&j, '{');
	json_put_str(&j, "pin", buf_str(&hex));
	json_close(&j, '}');
	const struct journal_act line = { .act = act, .actor = by, .object = STR("node"), .body = buf_str(&body) };
	enum rc rc = journal_add(tx, exchange_world_of(x)->journal, &line, err);
	buf_free(&body);
	buf_free(&hex);
	return rc;
}

static enum rc make_first(struct tx *tx, void *ctx, struct err *err)
{
	struct exchange *x = ctx;
	struct arena *a = arena_new(KIB(8));
	struct own_keys k;
	enum rc rc = keys_own(tx_conn(tx), a, &k, err);
	if (rc == RC_ABSENT) {
		rc = make(a, tx_now_us(tx), &k.now, err);
		if (rc == RC_OK)
			rc = keep(tx_conn(tx), &k, err);
		if (rc == RC_OK)
			rc = note(tx, x, "exchange.key", &k.now, STR("node"), err);
	}
	keys_wipe(&k);
	arena_free(a);
	return rc;
}

enum rc keys_open(struct exchange *x, struct err *err)
{
	struct store *s = exchange_world_of(x)->store;
	struct arena *a = arena_new(KIB(8));
	struct reader *r = NULL;
	struct own_keys k = { .rotating = false };
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK) {
		rc = keys_own(reader_conn(r), a, &k, err);
		store_read_end(r);
	}
	keys_wipe(&k);
	arena_free(a);
	if (rc != RC_ABSENT)
		return rc;
	return store_read_only(s) ? RC_OK : store_write(s, make_first, x, err);
}

enum rc keys_rotate(struct tx *tx, struct exchange *x, int64_t switch_us, str by, struct err *err)
{
	struct arena *a = arena_new(KIB(8));
	struct own_keys k;
	enum rc rc = keys_own(tx_conn(tx), a, &k, err);
	if (rc == RC_OK && k.rotating)
		rc = fail(err, RC_CONFLICT, "a new key was announced already and is not in use yet");
	if (rc == RC_OK)
		rc = make(a, tx_now_us(tx), &k.next, err);
	k.rotating = true;
	k.switch_us = switch_us;
	if (rc == RC_OK)
		rc = keep(tx_conn(tx), &k, err);
	if (rc == RC_OK)
		rc = note(tx, x, "exchange.key.announce", &k.next, by, err);
	keys_wipe(&k);
	arena_free(a);
	return rc;
}

enum rc keys_switch(struct tx *tx, struct exchange *x, str by, struct err *err)
{
	struct arena *a = arena_new(KIB(8));
	struct own_keys k;
	enum rc rc = keys_own(tx_conn(tx), a, &k, err);
	if (rc == RC_OK && !k.rotating)
		rc = fail(err, RC_ABSENT, "no new key was announced: 'ronda partner keys rotate' makes one");
	if (rc == RC_OK) {
		const struct own_keys next = { .now = k.next };
		rc = keep(tx_conn(tx), &next, err);
	}
	if (rc == RC_OK)
		rc = note(tx, x, "exchange.key", &k.next, by, err);
	keys_wipe(&k);
	arena_free(a);
	return rc;
}

void keys_watch(struct exchange *x, keys_changed fn, void *ctx)
{
	x->keys_fn = fn;
	x->keys_ctx = ctx;
}

void keys_tell(struct exchange *x)
{
	struct arena *a = arena_new(KIB(8));
	struct own_keys k = { .rotating = false };
	struct reader *r = NULL;
	if (x->keys_fn && store_read_begin(x->w.store, &r, NULL) == RC_OK) {
		if (keys_own(reader_conn(r), a, &k, NULL) == RC_OK) {
			certificate_use(x, &k, a);
			x->keys_fn(x->keys_ctx, k.now.cert, k.now.key);
		}
		store_read_end(r);
	}
	keys_wipe(&k);
	arena_free(a);
}
