/* SPDX-License-Identifier: Apache-2.0 */
/* Signing and encrypting. */
#include <errno.h>
#include <sodium.h>

#include "mail/crypto_private.h"

enum { RECIPIENTS_MOST = 100, MICALG_MOST = 32, SIGNER_S = 30 };

static ssize_t take_bytes(void *handle, const void *p, size_t n)
{
	struct crypto_sink *s = handle;
	buf_add_mem(&s->b, p, n);
	if (!s->b.over)
		return (ssize_t)n;
	errno = ENOSPC;
	return -1;
}

enum rc crypto_sink_begin(struct crypto_sink *s, struct err *err)
{
	static struct gpgme_data_cbs calls = { .write = take_bytes };
	s->b = (struct buf)BUF_INIT(OPEN_MOST);
	gpgme_error_t e = gpgme_data_new_from_cbs(&s->data, &calls, s);
	return e ? crypto_fail(err, e, "cannot write it") : RC_OK;
}

void crypto_sink_end(struct crypto_sink *s)
{
	gpgme_data_release(s->data);
	buf_free(&s->b);
}

static enum rc find_usable(gpgme_ctx_t ctx, str fingerprint, bool to_sign, gpgme_key_t *out, struct err *err)
{
	char z[80];
	if (!str_to_z(fingerprint, z, sizeof z) || fingerprint.n < 40)
		return fail(err, RC_INPUT, "'" STR_FMT "' is no fingerprint", STR_ARG(fingerprint));
	if (gpgme_get_key(ctx, z, out, to_sign) != 0)
		return fail(err, RC_ABSENT, to_sign ? "there is no private key '%s' here" : "there is no key '%s' here", z);
	const char *words = crypto_key_words(*out);
	enum rc rc = RC_OK;
	if (*words)
		rc = fail(err, RC_ABSENT, "key '%s' is %s", z, words);
	else if (to_sign ? !(*out)->can_sign : !(*out)->can_encrypt)
		rc = fail(err, RC_ABSENT, "key '%s' is not for %s", z, to_sign ? "signing" : "encrypting");
	if (rc != RC_OK)
		gpgme_key_unref(*out);
	return rc;
}

/* Our own key is looked up by a gpg of its own: not for each of a thousand mails. That it may still be
 * used gpg asks again when it signs. */
static struct {
	char fingerprint[80];
	enum crypto_kind kind;
	gpgme_key_t key;
	time_t at;
} signer;

static enum rc add_signer(gpgme_ctx_t ctx, enum crypto_kind kind, str fingerprint, struct err *err)
{
	time_t now = time(NULL);
	bool known = signer.key && signer.kind == kind && str_eq(fingerprint, str_of(signer.fingerprint)) &&
		     now >= signer.at && now - signer.at < SIGNER_S;
	if (!known) {
		gpgme_key_t key = NULL;
		enum rc rc = find_usable(ctx, fingerprint, true, &key, err);
		if (rc != RC_OK)
			return rc;
		if (signer.key)
			gpgme_key_unref(signer.key);
		signer.key = key;
		signer.kind = kind;
		signer.at = now;
		(void)str_to_z(fingerprint, signer.fingerprint, sizeof signer.fingerprint);
	}
	gpgme_error_t e = gpgme_signers_add(ctx, signer.key);
	return e ? crypto_fail(err, e, "cannot sign") : RC_OK;
}

/* Names of RFC 3156 section 5 ("pgp-sha256") and RFC 8551 section 3.5.3.2 ("sha-256"). */
static str micalg_of(enum crypto_kind kind, gpgme_hash_algo_t algo, char out[MICALG_MOST])
{
	const char *name = gpgme_hash_algo_name(algo);
	char low[16] = "";
	for (size_t i = 0; name && name[i] && i + 1 < sizeof low; i++)
		low[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 0x20) : name[i];
	if (kind == CRYPTO_OPENPGP)
		snprintf(out, MICALG_MOST, "pgp-%s", low);
	else if (strncmp(low, "sha", 3) == 0)
		snprintf(out, MICALG_MOST, "sha-%s", low + 3);
	else
		snprintf(out, MICALG_MOST, "%s", low);
	return str_of(out);
}

static enum rc sign(gpgme_ctx_t ctx, str bytes, gpgme_sig_mode_t mode, struct crypto_sink *out,
		    gpgme_hash_algo_t *algo_out, struct err *err)
{
	gpgme_data_t data = NULL;
	enum rc rc = crypto_source(bytes, &data, err);
	gpgme_error_t e = rc == RC_OK ? gpgme_op_sign(ctx, data, out->data, mode) : 0;
	gpgme_sign_result_t r = rc == RC_OK && !e ? gpgme_op_sign_result(ctx) : NULL;
	if (e || (rc == RC_OK && (!r || !r->signatures || r->invalid_signers)))
		rc = crypto_fail(err, e, "cannot sign");
	else if (rc == RC_OK)
		*algo_out = r->signatures->hash_algo;
	gpgme_data_release(data);
	return rc;
}

enum rc answer_sign(struct helper_call *k, struct err *err)
{
	gpgme_ctx_t ctx;
	struct crypto_sink sink = { 0 };
	gpgme_hash_algo_t algo = GPGME_MD_NONE;
	char micalg[MICALG_MOST];
	enum crypto_kind kind = crypto_kind_of(k);
	enum rc rc = crypto_context(kind, &ctx, err);
	if (rc != RC_OK)
		return rc;
	rc = add_signer(ctx, kind, k->blocks[2], err);
	if (rc == RC_OK)
		rc = crypto_sink_begin(&sink, err);
	if (rc == RC_OK)
		rc = sign(ctx, k->blocks[3], GPGME_SIG_MODE_DETACH, &sink, &algo, err);
	calls_put(&k->answer, buf_str(&sink.b));
	calls_put(&k->answer, micalg_of(kind, algo, micalg));
	crypto_sink_end(&sink);
	gpgme_release(ctx);
	return rc;
}

/* --- encrypting --- */

static enum rc find_recipients(gpgme_ctx_t ctx, str fingerprints, gpgme_key_t *out, struct err *err)
{
	size_t n = 0;
	enum rc rc = RC_OK;
	while (rc == RC_OK && fingerprints.n > 0) {
		str one = str_cut(&fingerprints, ' ');
		if (one.n == 0)
			continue;
		if (n == RECIPIENTS_MOST)
			return fail(err, RC_LIMIT, "more than %d keys", RECIPIENTS_MOST);
		rc = find_usable(ctx, one, false, &out[n], err);
		if (rc == RC_OK)
			n++;
		else
			out[n] = NULL;
	}
	return rc == RC_OK && n == 0 ? fail(err, RC_ABSENT, "there is no key to encrypt to") : rc;
}

/* Signed inside, as a MIME entity of its own (RFC 8551 section 3.5.2). */
static enum rc sign_inside(gpgme_ctx_t ctx, str bytes, struct buf *out, struct err *err)
{
	struct crypto_sink sink = { 0 };
	gpgme_hash_algo_t algo;
	enum { LINE = 57 }; /* 76 characters */
	char text[LINE * 2];
	enum rc rc = crypto_sink_begin(&sink, err);
	if (rc == RC_OK)
		rc = sign(ctx, bytes, GPGME_SIG_MODE_NORMAL, &sink, &algo, err);
	buf_add(out, STR("Content-Type: application/pkcs7-mime; smime-type=signed-data;\r\n name=\"smime.p7m\"\r\n"
			 "Content-Transfer-Encoding: base64\r\n\r\n"));
	for (size_t at = 0; rc == RC_OK && at < sink.b.n; at += LINE) {
		size_t n = sink.b.n - at < LINE ? sink.b.n - at : LINE;
		sodium_bin2base64(text, sizeof text, (const unsigned char *)sink.b.p + at, n,
				  sodium_base64_VARIANT_ORIGINAL);
		buf_fmt(out, "%s\r\n", text);
	}
	crypto_sink_end(&sink);
	return rc;
}

static enum rc encrypt(gpgme_ctx_t ctx, gpgme_key_t *keys, bool sign_too, str bytes, struct crypto_sink *out,
		       struct err *err)
{
	gpgme_data_t data = NULL;
	enum rc rc = crypto_source(bytes, &data, err);
	if (rc != RC_OK)
		return rc;
	gpgme_error_t e = sign_too ? gpgme_op_encrypt_sign(ctx, keys, GPGME_ENCRYPT_ALWAYS_TRUST, data, out->data) :
				     gpgme_op_encrypt(ctx, keys, GPGME_ENCRYPT_ALWAYS_TRUST, data, out->data);
	gpgme_encrypt_result_t r = gpgme_op_encrypt_result(ctx);
	if (e || !r || r->invalid_recipients)
		rc = crypto_fail(err, e ? e : gpg_error(GPG_ERR_UNUSABLE_PUBKEY), "cannot encrypt");
	gpgme_data_release(data);
	return rc;
}

static enum rc encrypt_it(struct helper_call *k, gpgme_ctx_t ctx, gpgme_key_t *keys, struct crypto_sink *sink,
			  struct err *err)
{
	struct buf inside = BUF_INIT(OPEN_MOST);
	str sign_key = k->blocks[3], bytes = k->blocks[4];
	bool smime = crypto_kind_of(k) == CRYPTO_SMIME;
	enum rc rc = find_recipients(ctx, k->blocks[2], keys, err);
	if (rc == RC_OK && sign_key.n > 0)
		rc = add_signer(ctx, crypto_kind_of(k), sign_key, err);
	if (rc == RC_OK && sign_key.n > 0 && smime) {
		rc = sign_inside(ctx, bytes, &inside, err);
		bytes = buf_str(&inside);
	}
	if (rc == RC_OK)
		rc = crypto_sink_begin(sink, err);
	if (rc == RC_OK)
		rc = encrypt(ctx, keys, sign_key.n > 0 && !smime, bytes, sink, err);
	buf_free(&inside);
	return rc;
}

enum rc answer_encrypt(struct helper_call *k, struct err *err)
{
	gpgme_ctx_t ctx;
	gpgme_key_t keys[RECIPIENTS_MOST + 1] = { NULL };
	struct crypto_sink sink = { 0 };
	enum rc rc = crypto_context(crypto_kind_of(k), &ctx, err);
	if (rc != RC_OK)
		return rc;
	rc = encrypt_it(k, ctx, keys, &sink, err);
	calls_put(&k->answer, buf_str(&sink.b));
	crypto_sink_end(&sink);
	for (size_t i = 0; i < RECIPIENTS_MOST; i++)
		if (keys[i])
			gpgme_key_unref(keys[i]);
	gpgme_release(ctx);
	return rc;
}
