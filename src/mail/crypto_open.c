/* SPDX-License-Identifier: Apache-2.0 */
/* Decrypting and verifying. What a signature is worth is said in one of five words; whether the
 * signer is who the mail says is for the reader to compare. */
#include "mail/crypto_private.h"

struct opening {
	gpgme_ctx_t ctx;
	enum crypto_kind kind;
	struct crypto_sink out;
	bool was_encrypted;
	enum crypto_verdict verdict;
	char fingerprint[72], signer[512];
	int64_t signed_s;
};

/* Of a certificate the whole way up to a root that we were given must hold: anybody makes one. */
static enum crypto_verdict verdict_of(enum crypto_kind kind, gpgme_signature_t s)
{
	switch (gpgme_err_code(s->status)) {
	case GPG_ERR_NO_ERROR:
		if (s->summary & (GPGME_SIGSUM_KEY_REVOKED | GPGME_SIGSUM_KEY_EXPIRED | GPGME_SIGSUM_SIG_EXPIRED))
			return CRYPTO_EXPIRED_KEY;
		return kind == CRYPTO_SMIME && s->validity != GPGME_VALIDITY_FULL &&
			       s->validity != GPGME_VALIDITY_ULTIMATE ? CRYPTO_UNKNOWN_KEY : CRYPTO_GOOD;
	case GPG_ERR_SIG_EXPIRED:
	case GPG_ERR_KEY_EXPIRED:
	case GPG_ERR_CERT_REVOKED:
	case GPG_ERR_CERT_EXPIRED:
		return CRYPTO_EXPIRED_KEY;
	case GPG_ERR_NO_PUBKEY:
		return CRYPTO_UNKNOWN_KEY;
	default:
		return CRYPTO_BAD;
	}
}

static void take_signer(struct opening *o, gpgme_signature_t s)
{
	gpgme_key_t key = NULL;
	snprintf(o->fingerprint, sizeof o->fingerprint, "%s", s->fpr ? s->fpr : "");
	o->signed_s = (int64_t)s->timestamp;
	if (o->verdict == CRYPTO_UNKNOWN_KEY && o->kind == CRYPTO_OPENPGP)
		return;
	/* A subkey signed: its key's fingerprint is the one people know. */
	if (!s->fpr || gpgme_get_key(o->ctx, s->fpr, &key, 0) != 0)
		return;
	if (key->fpr)
		snprintf(o->fingerprint, sizeof o->fingerprint, "%s", key->fpr);
	if (key->uids && key->uids->uid && str_is_utf8(str_of(key->uids->uid)))
		snprintf(o->signer, sizeof o->signer, "%s", key->uids->uid);
	if (!str_is_utf8(str_of(o->signer)))
		o->signer[0] = '\0'; /* cut inside a character */
	gpgme_key_unref(key);
}

/* Of several the worst counts; who adds a good one to a bad one has signed nothing. */
static void take_verdict(struct opening *o)
{
	static const unsigned badness[] = { [CRYPTO_UNSIGNED] = 0, [CRYPTO_GOOD] = 1, [CRYPTO_EXPIRED_KEY] = 2,
					    [CRYPTO_UNKNOWN_KEY] = 3, [CRYPTO_BAD] = 4 };
	gpgme_verify_result_t r = gpgme_op_verify_result(o->ctx);
	gpgme_signature_t worst = NULL;
	for (gpgme_signature_t s = r ? r->signatures : NULL; s; s = s->next) {
		enum crypto_verdict v = verdict_of(o->kind, s);
		if (badness[v] <= badness[o->verdict])
			continue;
		o->verdict = v;
		worst = s;
	}
	if (worst)
		take_signer(o, worst);
}

static enum rc verify_detached(struct opening *o, gpgme_data_t bytes, str signature, struct err *err)
{
	gpgme_data_t sig = NULL;
	enum rc rc = crypto_source(signature, &sig, err);
	gpgme_error_t e = rc == RC_OK ? gpgme_op_verify(o->ctx, sig, bytes, NULL) : 0;
	gpgme_data_release(sig);
	if (rc != RC_OK)
		return rc;
	/* What is no signature at all is a bad one. */
	if (e && gpgme_err_code(e) != GPG_ERR_NO_DATA && gpgme_err_code(e) != GPG_ERR_BAD_DATA &&
	    gpgme_err_code(e) != GPG_ERR_GENERAL && gpgme_err_code(e) != GPG_ERR_INV_BER &&
	    !gpgme_op_verify_result(o->ctx))
		return crypto_fail(err, e, "cannot verify");
	take_verdict(o);
	if (o->verdict == CRYPTO_UNSIGNED)
		o->verdict = CRYPTO_BAD;
	return RC_OK;
}

static bool is_signed_only(gpgme_data_t bytes)
{
	gpgme_data_type_t t = gpgme_data_identify(bytes, 0);
	return t == GPGME_DATA_TYPE_PGP_SIGNED || t == GPGME_DATA_TYPE_CMS_SIGNED;
}

static enum rc open_whole(struct opening *o, gpgme_data_t bytes, struct err *err)
{
	bool only = is_signed_only(bytes);
	gpgme_error_t e = only ? gpgme_op_verify(o->ctx, bytes, NULL, o->out.data) :
		      o->kind == CRYPTO_OPENPGP ? gpgme_op_decrypt_verify(o->ctx, bytes, o->out.data) :
						  gpgme_op_decrypt(o->ctx, bytes, o->out.data);
	if (e)
		return crypto_fail(err, e, only ? "cannot verify" : "cannot decrypt");
	o->was_encrypted = !only;
	if (only || o->kind == CRYPTO_OPENPGP)
		take_verdict(o);
	return RC_OK;
}

enum rc answer_open(struct helper_call *k, struct err *err)
{
	struct opening o = { .kind = crypto_kind_of(k) };
	gpgme_data_t bytes = NULL;
	char facts[64];
	enum rc rc = crypto_context(o.kind, &o.ctx, err);
	if (rc != RC_OK)
		return rc;
	rc = crypto_sink_begin(&o.out, err);
	if (rc == RC_OK)
		rc = crypto_source(k->blocks[2], &bytes, err);
	if (rc == RC_OK)
		rc = k->blocks[3].n > 0 ? verify_detached(&o, bytes, k->blocks[3], err) : open_whole(&o, bytes, err);
	snprintf(facts, sizeof facts, "%d %d %lld", (int)o.verdict, o.was_encrypted, (long long)o.signed_s);
	calls_put(&k->answer, buf_str(&o.out.b));
	calls_put(&k->answer, str_of(facts));
	calls_put(&k->answer, str_of(o.fingerprint));
	calls_put(&k->answer, str_of(o.signer));
	gpgme_data_release(bytes);
	crypto_sink_end(&o.out);
	gpgme_release(o.ctx);
	return rc;
}
