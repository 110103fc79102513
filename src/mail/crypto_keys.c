/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: import, list, delete, generate, export. */
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <sodium.h>
#include <unistd.h>

#include "mail/crypto_private.h"

enum { TEXT_MOST = 64 << 10, KEYS_BYTES = 32 << 20, PASSWORD_MOST = 1000, PKCS12_MOST = 8 << 20 };

enum rc crypto_fail(struct err *err, gpgme_error_t e, const char *what)
{
	switch (gpgme_err_code(e)) {
	case GPG_ERR_NO_DATA:
		return fail(err, RC_INPUT, "%s: there is nothing of that kind in it", what);
	case GPG_ERR_NO_SECKEY:
		return fail(err, RC_ABSENT, "%s: there is no private key for it here", what);
	case GPG_ERR_EOF: /* of gpgsm's and gpg's: no such key */
	case GPG_ERR_NO_PUBKEY:
	case GPG_ERR_NOT_FOUND:
		return fail(err, RC_ABSENT, "%s: there is no such key", what);
	case GPG_ERR_UNUSABLE_PUBKEY:
	case GPG_ERR_UNUSABLE_SECKEY:
		return fail(err, RC_ABSENT, "%s: a key may not be used", what);
	case GPG_ERR_BAD_PASSPHRASE:
	case GPG_ERR_NO_PASSPHRASE:
	case GPG_ERR_CANCELED:
	case GPG_ERR_NO_PIN_ENTRY:
		return fail(err, RC_DENIED, "%s: the private key has a passphrase, and nobody is here to say it", what);
	case GPG_ERR_INV_ENGINE:
		return fail(err, RC_IO, "%s: gpg or gpgsm is not installed", what);
	case GPG_ERR_TOO_LARGE:
	case GPG_ERR_ENOSPC:
		return fail(err, RC_LIMIT, "%s: it is longer than 64 MiB", what);
	default:
		return fail(err, RC_INPUT, "%s: %s", what, gpgme_strerror(e));
	}
}

static gpgme_error_t no_passphrase(void *ctx, const char *hint, const char *info, int bad, int fd)
{
	(void)ctx;
	(void)hint;
	(void)info;
	if (bad)
		return gpg_error(GPG_ERR_CANCELED);
	return write(fd, "\n", 1) == 1 ? 0 : gpg_error(GPG_ERR_CANCELED);
}

enum rc crypto_context(enum crypto_kind kind, gpgme_ctx_t *out, struct err *err)
{
	gpgme_protocol_t p = kind == CRYPTO_SMIME ? GPGME_PROTOCOL_CMS : GPGME_PROTOCOL_OpenPGP;
	enum rc rc = crypto_agent(err);
	*out = NULL;
	if (rc != RC_OK)
		return rc;
	gpgme_error_t e = gpgme_new(out);
	if (!e)
		e = gpgme_set_protocol(*out, p);
	if (!e)
		e = gpgme_set_pinentry_mode(*out, GPGME_PINENTRY_MODE_LOOPBACK);
	if (!e) {
		if (kind == CRYPTO_OPENPGP) /* gpgsm's engine refuses to work with one */
			gpgme_set_passphrase_cb(*out, no_passphrase, NULL);
		gpgme_set_offline(*out, 1);
		gpgme_set_armor(*out, kind == CRYPTO_OPENPGP);
		return RC_OK;
	}
	gpgme_release(*out);
	*out = NULL;
	return crypto_fail(err, e, "cannot start");
}

enum rc crypto_source(str bytes, gpgme_data_t *out, struct err *err)
{
	gpgme_error_t e = gpgme_data_new_from_mem(out, bytes.p, bytes.n, 0);
	return e ? crypto_fail(err, e, "cannot read it") : RC_OK;
}

const char *crypto_key_words(gpgme_key_t k)
{
	return k->revoked ? "revoked" : k->expired ? "expired" : k->disabled ? "disabled" :
	       k->invalid ? "not valid: its issuer is not trusted here, or it is broken" : "";
}

static void add_line(struct buf *b, char between, const char *text)
{
	if (!text || !*text || !str_is_utf8(str_of(text)))
		return;
	if (b->n > 0)
		buf_char(b, between);
	buf_add(b, str_of(text));
}

static void put_key(struct buf *out, enum crypto_kind kind, gpgme_key_t k)
{
	struct buf names = BUF_INIT(TEXT_MOST), addresses = BUF_INIT(TEXT_MOST);
	gpgme_subkey_t first = k->subkeys;
	const char *words = crypto_key_words(k);
	int64_t expires = first && first->expires > 0 ? (int64_t)first->expires : 0;
	for (gpgme_user_id_t u = k->uids; u; u = u->next) {
		if (u->revoked)
			continue;
		add_line(&names, '\n', u->uid);
		/* gpgsm says "<address>" of a certificate's second names. */
		str address = str_of(u->address ? u->address : "");
		if (str_starts(address, STR("<")) && str_ends(address, STR(">")))
			address = str_head(str_from(address, 1), address.n - 2);
		if (address.n > 0 && address.n < 255 && str_is_plain(address) && !str_has(address, ' ')) {
			char z[256];
			(void)str_to_z(address, z, sizeof z);
			for (char *p = z; *p; p++)
				*p = *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p;
			add_line(&addresses, ' ', z);
		}
	}
	const struct crypto_key key = {
		.kind = kind, .fingerprint = str_of(k->fpr ? k->fpr : first ? first->fpr : ""), .names = buf_str(&names),
		.addresses = buf_str(&addresses), .words = str_of(words),
		.made_us = first && first->timestamp > 0 ? (int64_t)first->timestamp * 1000000 : 0,
		.expires_us = expires * 1000000, .can_sign = k->can_sign && !*words,
		.can_encrypt = k->can_encrypt && !*words, .has_secret = k->secret,
	};
	crypto_key_put(out, &key);
	buf_free(&names);
	buf_free(&addresses);
}

static bool is_address(str s)
{
	return s.n < 255 && str_has(s, '@') && str_is_plain(s);
}

static bool is_fingerprint(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || ((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'f')))
			return false;
	return s.n == 40 || s.n == 64;
}

/* Of all keys, or those of `pattern`. Private ones are asked for apart: one list says of each key
 * whether we have it. */
static enum rc list_keys(gpgme_ctx_t ctx, enum crypto_kind kind, const char *pattern, struct buf *out,
			 struct err *err)
{
	gpgme_keylist_mode_t mode = GPGME_KEYLIST_MODE_LOCAL | GPGME_KEYLIST_MODE_WITH_SECRET;
	gpgme_error_t e = gpgme_set_keylist_mode(ctx, mode | (kind == CRYPTO_SMIME ? GPGME_KEYLIST_MODE_VALIDATE : 0));
	if (!e)
		e = gpgme_op_keylist_start(ctx, pattern, 0);
	gpgme_key_t k = NULL;
	bool exact = pattern && is_fingerprint(str_of(pattern)); /* gpgsm gives its issuers too */
	while (!e && (e = gpgme_op_keylist_next(ctx, &k)) == 0) {
		if (!exact || !k->fpr || str_eq_nocase(str_of(k->fpr), str_of(pattern)))
			put_key(out, kind, k);
		gpgme_key_unref(k);
	}
	gpgme_op_keylist_end(ctx);
	return gpgme_err_code(e) == GPG_ERR_EOF ? RC_OK : crypto_fail(err, e, "cannot list keys");
}

enum rc answer_list(struct helper_call *k, struct err *err)
{
	str what = k->blocks[2];
	char pattern[300] = "";
	gpgme_ctx_t ctx;
	if (what.n > 0 && !is_address(what) && !is_fingerprint(what))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no fingerprint and no mail address", STR_ARG(what));
	if (what.n > 0)
		snprintf(pattern, sizeof pattern, is_address(what) ? "<" STR_FMT ">" : STR_FMT, STR_ARG(what));
	enum rc rc = crypto_context(crypto_kind_of(k), &ctx, err);
	if (rc != RC_OK)
		return rc;
	struct buf keys = BUF_INIT(KEYS_BYTES);
	rc = list_keys(ctx, crypto_kind_of(k), what.n ? pattern : NULL, &keys, err);
	if (rc == RC_OK && keys.over)
		rc = fail(err, RC_LIMIT, "there are too many keys to list at once");
	calls_put(&k->answer, buf_str(&keys));
	buf_free(&keys);
	gpgme_release(ctx);
	return rc;
}

static bool is_digest(str der, const char *fingerprint)
{
	unsigned char digest[20];
	char hex[41];
	size_t n = sizeof digest;
	if (der.n == 0 || !EVP_Q_digest(NULL, "SHA1", NULL, der.p, der.n, digest, &n) || n != sizeof digest)
		return false;
	sodium_bin2hex(hex, sizeof hex, digest, n);
	return str_eq_nocase(str_of(hex), str_of(fingerprint));
}

/* Does this very certificate stand in the file (DER, or PEM of RFC 7468)? */
static bool stands_in(str bytes, const char *fingerprint)
{
	static const str begin = STR_INIT("-----BEGIN CERTIFICATE-----"), end = STR_INIT("-----END");
	bool found = is_digest(bytes, fingerprint);
	while (!found && bytes.n > 0) {
		bytes = str_from(bytes, str_find(bytes, begin) + begin.n);
		str text = str_head(bytes, str_find(bytes, end));
		unsigned char *der = x_alloc(text.n + 1);
		size_t n = 0;
		if (text.n > 0 && sodium_base642bin(der, text.n, text.p, text.n, "\r\n \t", &n, NULL,
						    sodium_base64_VARIANT_ORIGINAL) == 0)
			found = is_digest(str_mem(der, n), fingerprint);
		free(der);
	}
	return found;
}

/* A certificate that signs itself and that a person gives us is believed in by that. One that gpgsm
 * had already (it keeps those of mails it has seen) is not: it must stand in the file. */
static enum rc trust_roots(gpgme_ctx_t ctx, str bytes, const char *fingerprint, struct err *err)
{
	gpgme_key_t key = NULL;
	enum rc rc = RC_OK;
	if (!stands_in(bytes, fingerprint))
		return RC_OK;
	gpgme_error_t e = gpgme_get_key(ctx, fingerprint, &key, 0);
	if (e)
		return crypto_fail(err, e, "cannot read the certificate");
	const char *subject = key->uids && key->uids->uid ? key->uids->uid : "";
	if (key->issuer_name && strcmp(key->issuer_name, subject) == 0)
		rc = crypto_trust(fingerprint, err);
	gpgme_key_unref(key);
	return rc;
}

struct imported {
	char fpr[256][65];
	size_t count;
};

static void note_imported(struct imported *seen, const char *fpr)
{
	bool again = !fpr || strlen(fpr) >= sizeof seen->fpr[0] || seen->count == COUNT_OF(seen->fpr);
	for (size_t i = 0; !again && i < seen->count; i++)
		again = strcmp(seen->fpr[i], fpr) == 0;
	if (!again)
		snprintf(seen->fpr[seen->count++], sizeof seen->fpr[0], "%s", fpr);
}

static enum rc take_imported(gpgme_ctx_t ctx, enum crypto_kind kind, str bytes, const struct imported *seen,
			     struct buf *keys, struct err *err)
{
	enum rc rc = seen->count > 0 ? RC_OK : fail(err, RC_INPUT, "there is no key in it, or none that can be read");
	for (size_t i = 0; rc == RC_OK && kind == CRYPTO_SMIME && i < seen->count; i++)
		rc = trust_roots(ctx, bytes, seen->fpr[i], err);
	for (size_t i = 0; rc == RC_OK && i < seen->count; i++)
		rc = list_keys(ctx, kind, seen->fpr[i], keys, err);
	return rc;
}

/* The same with an empty password. gpgsm could be told the one it has, but would then protect the key
 * in the ring with it, and nobody is here to say it at each letter. */
static enum rc without_password(str bytes, str password, struct buf *out, struct err *err)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	char secret[PASSWORD_MOST + 1];
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	STACK_OF(X509) *others = NULL;
	PKCS12 *is = bytes.n <= INT_MAX ? d2i_PKCS12(NULL, &p, (long)bytes.n) : NULL, *made = NULL;
	bool fits = str_to_z(password, secret, sizeof secret);
	enum rc rc = is && fits && PKCS12_parse(is, secret, &key, &cert, &others) && key && cert ? RC_OK :
		     fail(err, RC_INPUT, "cannot import: it is damaged, or the password is another one");
	explicit_bzero(secret, sizeof secret);
	if (rc == RC_OK)
		made = PKCS12_create("", NULL, key, cert, others, NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
				     NID_pbe_WithSHA1And3_Key_TripleDES_CBC, 2048, -1, 0);
	unsigned char *der = NULL;
	int n = made && PKCS12_set_mac(made, "", 0, NULL, 0, 2048, EVP_sha1()) ? i2d_PKCS12(made, &der) : -1;
	if (rc == RC_OK && n <= 0)
		rc = fail(err, RC_IO, "cannot import: OpenSSL cannot write it without its password");
	if (n > 0) {
		buf_add(out, str_mem(der, (size_t)n));
		OPENSSL_clear_free(der, (size_t)n);
	}
	PKCS12_free(is);
	PKCS12_free(made);
	EVP_PKEY_free(key);
	X509_free(cert);
	sk_X509_pop_free(others, X509_free);
	return rc;
}

/* A certificate with its private key (PKCS #12, RFC 7292): GPGME cannot tell gpgsm a password, not even
 * an empty one, so gpgsm is run as it is. It derives a wrong key from one salt in a hundred or so (where a sum of
 * RFC 7292, appendix B.2, begins with a zero byte): what it cannot read is written anew, with another salt. */
static enum rc import_pkcs12(str bytes, str password, struct imported *seen, struct err *err)
{
	enum { TRIES = 6 };
	char said[KIB(16)], *rest = said;
	struct buf open = BUF_INIT(PKCS12_MOST);
	struct err first = { 0 };
	enum rc rc = RC_INPUT;
	for (int i = 0; rc == RC_INPUT && i < TRIES; i++) {
		const bool as_is = i == 0 && password.n == 0;
		struct err now = { 0 };
		buf_reset(&open);
		rc = as_is ? RC_OK : without_password(bytes, password, &open, &now);
		const bool opened = rc == RC_OK;
		if (opened)
			rc = crypto_run_gpgsm_import(as_is ? bytes : buf_str(&open), said, sizeof said, &now);
		if (rc != RC_OK && (i == 0 || rc != RC_INPUT))
			first = now;
		if (!opened)
			break;
	}
	if (rc != RC_OK)
		*err = first;
	if (open.p)
		explicit_bzero(open.p, open.n);
	buf_free(&open);
	for (char *line; rc == RC_OK && (line = strsep(&rest, "\n")) != NULL;)
		if (strncmp(line, "[GNUPG:] IMPORT_OK ", 19) == 0 && strchr(line + 19, ' '))
			note_imported(seen, strchr(line + 19, ' ') + 1);
	return rc;
}

static enum rc import(gpgme_ctx_t ctx, str bytes, str password, struct imported *seen, struct err *err)
{
	gpgme_data_t data = NULL;
	enum rc rc = crypto_source(bytes, &data, err);
	if (rc == RC_OK && gpgme_data_identify(data, 0) == GPGME_DATA_TYPE_PKCS12) {
		gpgme_data_release(data);
		return import_pkcs12(bytes, password, seen, err);
	}
	if (rc == RC_OK && password.n > 0) {
		gpgme_data_release(data);
		return fail(err, RC_INPUT, "a password is for a PKCS #12 file, and this is none");
	}
	gpgme_error_t e = rc == RC_OK ? gpgme_op_import(ctx, data) : 0;
	gpgme_data_release(data);
	if (e)
		return crypto_fail(err, e, "cannot import");
	gpgme_import_result_t result = rc == RC_OK ? gpgme_op_import_result(ctx) : NULL;
	for (gpgme_import_status_t s = result ? result->imports : NULL; s; s = s->next)
		if (s->result == 0)
			note_imported(seen, s->fpr);
	return rc;
}

enum rc answer_import(struct helper_call *k, struct err *err)
{
	gpgme_ctx_t ctx;
	struct imported seen = { .count = 0 };
	struct buf keys = BUF_INIT(KEYS_BYTES);
	enum rc rc = crypto_context(crypto_kind_of(k), &ctx, err);
	if (rc != RC_OK)
		return rc;
	rc = k->blocks[3].n > PASSWORD_MOST ? fail(err, RC_LIMIT, "a password has at most %d bytes", PASSWORD_MOST) :
					      import(ctx, k->blocks[2], k->blocks[3], &seen, err);
	if (rc == RC_OK)
		rc = take_imported(ctx, crypto_kind_of(k), k->blocks[2], &seen, &keys, err);
	calls_put(&k->answer, buf_str(&keys));
	buf_free(&keys);
	gpgme_release(ctx);
	return rc;
}

/* By its fingerprint alone. */
static enum rc find_key(struct helper_call *k, gpgme_ctx_t *ctx, gpgme_key_t *key, struct err *err)
{
	char fingerprint[80];
	if (!is_fingerprint(k->blocks[2]) || !str_to_z(k->blocks[2], fingerprint, sizeof fingerprint))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no fingerprint", STR_ARG(k->blocks[2]));
	enum rc rc = crypto_context(crypto_kind_of(k), ctx, err);
	if (rc != RC_OK)
		return rc;
	gpgme_error_t e = gpgme_get_key(*ctx, fingerprint, key, 0);
	if (!e)
		return RC_OK;
	gpgme_release(*ctx);
	return fail(err, RC_ABSENT, "there is no key '%s'", fingerprint);
}

enum rc answer_delete(struct helper_call *k, struct err *err)
{
	gpgme_ctx_t ctx;
	gpgme_key_t key;
	enum rc rc = find_key(k, &ctx, &key, err);
	if (rc != RC_OK)
		return rc;
	gpgme_error_t e = gpgme_op_delete_ext(ctx, key, GPGME_DELETE_ALLOW_SECRET | GPGME_DELETE_FORCE);
	gpgme_key_unref(key);
	gpgme_release(ctx);
	return e ? crypto_fail(err, e, "cannot delete") : RC_OK;
}

enum rc answer_export(struct helper_call *k, struct err *err)
{
	gpgme_ctx_t ctx;
	gpgme_key_t key;
	struct crypto_sink sink = { 0 };
	enum rc rc = find_key(k, &ctx, &key, err);
	if (rc != RC_OK)
		return rc;
	gpgme_set_armor(ctx, 1);
	rc = crypto_sink_begin(&sink, err);
	gpgme_key_t keys[] = { key, NULL };
	gpgme_error_t e = rc == RC_OK ? gpgme_op_export_keys(ctx, keys, 0, sink.data) : 0;
	if (e)
		rc = crypto_fail(err, e, "cannot export");
	calls_put(&k->answer, buf_str(&sink.b));
	crypto_sink_end(&sink);
	gpgme_key_unref(key);
	gpgme_release(ctx);
	return rc;
}

/* Ed25519 that signs and Curve25519 that decrypts, without a passphrase: the node signs alone. */
enum rc answer_generate(struct helper_call *k, struct err *err)
{
	char name[512];
	int64_t until_us = 0;
	gpgme_ctx_t ctx;
	if (!str_to_z(k->blocks[2], name, sizeof name) || !str_to_i64(k->blocks[3], &until_us))
		return fail(err, RC_INPUT, "a key is made for a name and a mail address");
	int64_t left = until_us ? until_us / 1000000 - (int64_t)time(NULL) : 0;
	if (until_us && left < 3600)
		return fail(err, RC_INPUT, "a key that ends within the hour is of no use");
	enum rc rc = crypto_context(CRYPTO_OPENPGP, &ctx, err);
	if (rc != RC_OK)
		return rc;
	gpgme_error_t e = gpgme_op_createkey(ctx, name, "future-default", 0, (unsigned long)left, NULL,
					     GPGME_CREATE_NOPASSWD | GPGME_CREATE_FORCE |
						     (left ? 0 : GPGME_CREATE_NOEXPIRE));
	gpgme_genkey_result_t made = e ? NULL : gpgme_op_genkey_result(ctx);
	if (e || !made || !made->fpr)
		rc = crypto_fail(err, e, "cannot make a key");
	else
		calls_put(&k->answer, str_of(made->fpr));
	gpgme_release(ctx);
	return rc;
}
