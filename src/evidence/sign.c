/* SPDX-License-Identifier: Apache-2.0 */
/* Signature (CMS, RFC 5652) and time stamp (RFC 3161) of a package, by OpenSSL. */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>

#include "base/arena.h"
#include "evidence/package.h"

enum { YEARS = 10, DER_MAX = 1 << 20 };

static enum rc failed(struct err *err, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);
	enum rc rc = fail(err, RC_INPUT, "%s: %s", what, reason ? reason : "no reason given");
	ERR_clear_error();
	return rc;
}

static BIO *bio_of(str s)
{
	BIO *b = BIO_new_mem_buf(s.n ? s.p : "", (int)s.n);
	if (!b)
		abort(); /* out of memory */
	return b;
}

static void take_bio(BIO *b, struct buf *out)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);
	buf_add_mem(out, p, n > 0 ? (size_t)n : 0);
}

/* --- certificates --- */

static X509 *first_certificate(str pem, STACK_OF(X509) *more)
{
	BIO *b = bio_of(pem);
	X509 *cert = PEM_read_bio_X509(b, NULL, NULL, NULL);
	for (X509 *next; cert && more && (next = PEM_read_bio_X509(b, NULL, NULL, NULL));)
		sk_X509_push(more, next);
	ERR_clear_error(); /* the end of the file is one */
	BIO_free(b);
	return cert;
}

enum rc package_fingerprint(str cert_pem, char out[100], struct err *err)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	X509 *cert = first_certificate(cert_pem, NULL);
	out[0] = '\0';
	if (!cert)
		return fail(err, RC_INPUT, "there is no certificate in PEM");
	bool ok = X509_digest(cert, EVP_sha256(), md, &n) == 1;
	X509_free(cert);
	if (!ok)
		return failed(err, "the certificate cannot be read");
	for (unsigned i = 0; i < n && i < 32; i++)
		snprintf(out + 3 * i, 4, "%02X%s", md[i], i + 1 < n ? ":" : "");
	return RC_OK;
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = x && X509_add_ext(cert, x, -1) == 1;
	X509_EXTENSION_free(x);
	return ok;
}

static bool fill_certificate(X509 *cert, EVP_PKEY *key, str name, int64_t now_us)
{
	unsigned char serial[16];
	time_t from = (time_t)(now_us / SECOND_US);
	X509_NAME *n = X509_get_subject_name(cert);
	random_bytes(serial, sizeof(serial));
	serial[0] &= 0x7f;
	BIGNUM *number = BN_bin2bn(serial, sizeof(serial), NULL);
	bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) && X509_set_version(cert, 2) &&
		  X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)name.p,
					     (int)(name.n < 60 ? name.n : 60), -1, 0) &&
		  X509_set_issuer_name(cert, n) && X509_set_pubkey(cert, key) &&
		  X509_time_adj_ex(X509_getm_notBefore(cert), 0, -60, &from) &&
		  X509_time_adj_ex(X509_getm_notAfter(cert), YEARS * 365, 0, &from) &&
		  add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
		  add_extension(cert, NID_key_usage, "critical,digitalSignature,nonRepudiation") &&
		  add_extension(cert, NID_ext_key_usage, "emailProtection") &&
		  add_extension(cert, NID_subject_key_identifier, "hash") && X509_sign(cert, key, EVP_sha256());
	BN_free(number);
	return ok;
}

enum rc package_signer_make(str name, int64_t now_us, struct buf *key_pem, struct buf *cert_pem, struct err *err)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	BIO *k = BIO_new(BIO_s_secmem()), *c = BIO_new(BIO_s_mem());
	bool ok = key && cert && k && c && fill_certificate(cert, key, name, now_us) &&
		  PEM_write_bio_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL) == 1 && PEM_write_bio_X509(c, cert) == 1;
	if (ok) {
		take_bio(k, key_pem);
		take_bio(c, cert_pem);
	}
	BIO_free(k);
	BIO_free(c);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ok ? RC_OK : failed(err, "no signing key can be made");
}

/* --- signature --- */

enum rc package_sign(str key_pem, str cert_pem, str what, struct buf *p7s, struct err *err)
{
	STACK_OF(X509) *more = sk_X509_new_null();
	BIO *kb = bio_of(key_pem), *data = bio_of(what), *out = BIO_new(BIO_s_mem());
	EVP_PKEY *key = PEM_read_bio_PrivateKey(kb, NULL, NULL, (void *)"");
	X509 *cert = first_certificate(cert_pem, more);
	CMS_ContentInfo *cms = NULL;
	enum rc rc = RC_OK;
	if (!key || !cert)
		rc = fail(err, RC_INPUT, "the signer's %s cannot be read as PEM (without passphrase)",
			  key ? "certificate" : "key");
	else if (X509_check_private_key(cert, key) != 1)
		rc = failed(err, "the signer's certificate is of another key");
	if (rc == RC_OK) {
		cms = CMS_sign(cert, key, more, data, CMS_BINARY | CMS_DETACHED | CMS_NOSMIMECAP);
		if (!cms || i2d_CMS_bio(out, cms) != 1)
			rc = failed(err, "the package cannot be signed");
	}
	if (rc == RC_OK)
		take_bio(out, p7s);
	CMS_ContentInfo_free(cms);
	EVP_PKEY_free(key);
	X509_free(cert);
	sk_X509_pop_free(more, X509_free);
	BIO_free(kb);
	BIO_free(data);
	BIO_free(out);
	ERR_clear_error();
	return rc;
}

/* --- time stamp --- */

static bool fill_query(TS_REQ *req, str what)
{
	struct digest d = sha256(what);
	unsigned char nonce[8];
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	X509_ALGOR *algorithm = X509_ALGOR_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	random_bytes(nonce, sizeof(nonce));
	nonce[0] = (unsigned char)((nonce[0] & 0x7f) | 0x40);
	bool ok = imprint && algorithm && number &&
		  X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1 &&
		  TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
		  TS_MSG_IMPRINT_set_msg(imprint, d.b, sizeof(d.b)) == 1 && TS_REQ_set_version(req, 1) == 1 &&
		  TS_REQ_set_msg_imprint(req, imprint) == 1 &&
		  ASN1_STRING_set((ASN1_STRING *)number, nonce, sizeof(nonce)) == 1 &&
		  TS_REQ_set_nonce(req, number) == 1 && TS_REQ_set_cert_req(req, 1) == 1;
	ASN1_INTEGER_free(number);
	X509_ALGOR_free(algorithm);
	TS_MSG_IMPRINT_free(imprint);
	return ok;
}

enum rc package_stamp_query(str what, struct buf *query, struct err *err)
{
	unsigned char *der = NULL;
	TS_REQ *req = TS_REQ_new();
	int n = req && fill_query(req, what) ? i2d_TS_REQ(req, &der) : -1;
	if (n > 0)
		buf_add_mem(query, der, (size_t)n);
	OPENSSL_free(der);
	TS_REQ_free(req);
	return n > 0 ? RC_OK : failed(err, "no time stamp can be asked for");
}

static X509_STORE *store_of(str pem)
{
	X509_STORE *store = X509_STORE_new();
	BIO *b = bio_of(pem);
	for (X509 *cert; store && (cert = PEM_read_bio_X509(b, NULL, NULL, NULL));) {
		X509_STORE_add_cert(store, cert);
		X509_free(cert);
	}
	if (store)
		X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	ERR_clear_error();
	BIO_free(b);
	return store;
}

enum rc package_stamp_check(str query, str answer, str tsa_pem, struct err *err)
{
	const unsigned char *q = (const unsigned char *)query.p, *p = (const unsigned char *)answer.p;
	TS_REQ *req = query.n < DER_MAX ? d2i_TS_REQ(NULL, &q, (long)query.n) : NULL;
	TS_RESP *resp = answer.n < DER_MAX ? d2i_TS_RESP(NULL, &p, (long)answer.n) : NULL;
	TS_VERIFY_CTX *ctx = req ? TS_REQ_to_TS_VERIFY_CTX(req, NULL) : NULL;
	enum rc rc = RC_OK;
	if (!ctx || !resp)
		rc = failed(err, "the time-stamp authority's answer is none of RFC 3161");
	if (rc == RC_OK) {
		long status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(resp)));
		if (status != 0 && status != 1) /* granted, granted with changes */
			rc = fail(err, RC_DENIED, "the time-stamp authority refused, with status %ld", status);
	}
	if (rc == RC_OK && tsa_pem.n) {
		TS_VERIFY_CTX_add_flags(ctx, TS_VFY_SIGNATURE);
		TS_VERIFY_CTX_set_store(ctx, store_of(tsa_pem)); /* now the context's */
	}
	if (rc == RC_OK && TS_RESP_verify_response(ctx, resp) != 1)
		rc = failed(err, "the time stamp does not fit");
	TS_VERIFY_CTX_free(ctx);
	TS_RESP_free(resp);
	TS_REQ_free(req);
	ERR_clear_error();
	return rc;
}
