/* SPDX-License-Identifier: Apache-2.0 */
/* A server that is known by its key, or whom one authority vouches for: judged while TLS begins, before a word of ours
 * is said (OpenSSL, as libcurl is built with it). */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "http/fetch_private.h"

#define CONNECTION_MOST_S 600L /* what it vouches for may end */
#define BITS_LEVEL 2 /* of OpenSSL: 112 bits, RSA from 2048, no SHA-1 */

static bool is_one_of(const struct digest *pin, const struct digest *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(&list[i], pin, sizeof *pin) == 0)
			return true;
	return false;
}

bool vouch_pin(X509 *cert, struct digest *out)
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	if (n > 0)
		*out = sha256(str_mem(der, (size_t)n));
	OPENSSL_free(der);
	return n > 0;
}

static X509_STORE *store_of(str pem)
{
	X509_STORE *s = X509_STORE_new();
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *cert;
	size_t count = 0;
	while (s && b && (cert = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL) {
		count += X509_STORE_add_cert(s, cert) == 1;
		X509_free(cert);
	}
	BIO_free(b);
	ERR_clear_error(); /* the end of the text is said as one */
	if (count)
		return s;
	X509_STORE_free(s);
	return NULL;
}

/* As the listener has it: one name of this kind, and it is his. */
const char *vouch_names(X509 *cert, str name)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	size_t found = 0;
	bool his = false;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		if (g->type != GEN_URI)
			continue;
		const ASN1_IA5STRING *text = g->d.uniformResourceIdentifier;
		str uri = str_mem((const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
		if (!str_starts_nocase(uri, STR(URN_UUID)))
			continue;
		found++;
		his = str_eq_nocase(uri, name);
	}
	GENERAL_NAMES_free(names);
	if (found != 1)
		return found ? "its certificate names more than one node" :
			       "its certificate names no node (urn:uuid:NODE as subjectAltName)";
	return his ? NULL : "its certificate names another node";
}

static const char *why_not(int code)
{
	switch (code) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "its certificate has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "its certificate is not valid yet";
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return "its certificate is not from our authority";
	case X509_V_ERR_INVALID_PURPOSE:
		return "its certificate is not for servers of TLS";
	default:
		return "its certificate does not hold";
	}
}

static const char *judge_chain(const struct fetch_pinned *p, X509 *cert, STACK_OF(X509) *chain)
{
	X509_STORE *store = store_of(p->authority);
	X509_STORE_CTX *s = X509_STORE_CTX_new();
	const char *why = "its certificate cannot be checked";
	if (!store)
		why = "the file of our authority has no certificate";
	else if (s && X509_STORE_CTX_init(s, store, cert, chain) == 1 &&
		 X509_STORE_CTX_set_purpose(s, X509_PURPOSE_SSL_SERVER) == 1) {
		X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(s), BITS_LEVEL);
		why = X509_verify_cert(s) == 1 ? vouch_names(cert, p->name) : why_not(X509_STORE_CTX_get_error(s));
	}
	X509_STORE_CTX_free(s);
	X509_STORE_free(store);
	ERR_clear_error();
	return why;
}

static int judge(X509_STORE_CTX *s, void *ctx)
{
	struct fetch_voucher *v = ctx;
	const struct fetch_pinned *p = v->pinned;
	X509 *cert = X509_STORE_CTX_get0_cert(s);
	struct digest pin;
	v->why = NULL;
	if (!cert || !vouch_pin(cert, &pin))
		v->why = "its certificate cannot be read";
	else if (is_one_of(&pin, p->pins, p->pin_count))
		return 1;
	else if (is_one_of(&pin, p->refused, p->refused_count))
		v->why = "that key was revoked or has run out";
	else
		v->why = judge_chain(p, cert, X509_STORE_CTX_get0_untrusted(s));
	X509_STORE_CTX_set_error(s, v->why ? X509_V_ERR_APPLICATION_VERIFICATION : X509_V_OK);
	return v->why == NULL;
}

static CURLcode begin(CURL *c, void *tls, void *ctx)
{
	(void)c;
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(tls, judge, ctx);
	return CURLE_OK;
}

bool fetch_vouch(struct fetch_voucher *v, CURL *c)
{
	/* A session that is taken up again would show no certificate. */
	return curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, begin) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, v) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_MAXLIFETIME_CONN, CONNECTION_MOST_S) == CURLE_OK;
}
