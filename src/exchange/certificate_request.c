/* SPDX-License-Identifier: Apache-2.0 */
/* What an authority is asked to certify: our key, and the names of our node. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/ip.h"
#include "exchange/certificate.h"
#include "exchange/exchange_private.h"
#include "exchange/pairing_private.h"
#include "http/vouch.h"

enum { NAME_CHARS_MAX = 64 /* ub-common-name, ub-organization-name: RFC 5280 appendix A.1 */ };

static str head_chars(str s, size_t most)
{
	size_t chars = 0, i = 0;
	while (i < s.n && ((s.p[i] & 0xc0) == 0x80 || chars++ < most))
		i++;
	return str_head(s, i);
}

static bool put_name(X509_NAME *name, const char *what, str text)
{
	text = head_chars(text, NAME_CHARS_MAX);
	return X509_NAME_add_entry_by_txt(name, what, MBSTRING_UTF8, (const unsigned char *)text.p, (int)text.n, -1, 0) == 1;
}

static bool put_alt(GENERAL_NAMES *names, int type, ASN1_STRING *text, str value)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	bool good = g && text && ASN1_STRING_set(text, value.p, (int)value.n) == 1;
	if (!good) {
		GENERAL_NAME_free(g);
		ASN1_STRING_free(text);
		return false;
	}
	GENERAL_NAME_set0_value(g, type, text);
	good = sk_GENERAL_NAME_push(names, g) > 0;
	if (!good)
		GENERAL_NAME_free(g);
	return good;
}

/* "https://[2001:db8::1]:8421" */
static str host_of(str address)
{
	str rest = str_from(address, STR("https://").n);
	if (!str_starts(rest, STR("[")))
		return str_cut(&rest, ':');
	rest = str_from(rest, 1);
	return str_cut(&rest, ']');
}

static bool put_host(GENERAL_NAMES *names, str host)
{
	struct ip ip;
	if (!ip_parse(host, &ip))
		return put_alt(names, GEN_DNS, ASN1_IA5STRING_new(), host);
	return put_alt(names, GEN_IPADD, ASN1_OCTET_STRING_new(),
		       ip_is4(&ip) ? str_mem(ip.b + 12, 4) : str_mem(ip.b, sizeof ip.b));
}

static bool put_alts(struct exchange *x, STACK_OF(X509_EXTENSION) **all)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	struct buf node = BUF_INIT(128);
	str address = pairing_own_address(x);
	buf_fmt(&node, URN_UUID STR_FMT, STR_ARG(store_node_id(x->w.store)));
	bool good = names && put_alt(names, GEN_URI, ASN1_IA5STRING_new(), buf_str(&node));
	if (good && pairing_address_ok(address))
		good = put_alt(names, GEN_URI, ASN1_IA5STRING_new(), address) && put_host(names, host_of(address));
	good = good && X509V3_add1_i2d(all, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
	GENERAL_NAMES_free(names);
	buf_free(&node);
	return good;
}

static bool put_use(STACK_OF(X509_EXTENSION) **all, int what, const char *text)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, what, text);
	bool good = e && X509v3_add_ext(all, e, -1);
	X509_EXTENSION_free(e);
	return good;
}

static bool fill(struct exchange *x, X509_REQ *q, EVP_PKEY *key)
{
	STACK_OF(X509_EXTENSION) *all = NULL;
	str team = store_node_name(x->w.store);
	X509_NAME *name = X509_REQ_get_subject_name(q);
	bool good = X509_REQ_set_version(q, 0) == 1 && X509_REQ_set_pubkey(q, key) == 1 && put_name(name, "O", team) &&
		    put_name(name, "CN", team) && put_alts(x, &all) && put_use(&all, NID_key_usage, "critical,digitalSignature") &&
		    put_use(&all, NID_ext_key_usage, "serverAuth,clientAuth") && X509_REQ_add_extensions(q, all) == 1 &&
		    X509_REQ_sign(q, key, EVP_sha256()) > 0;
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
	return good;
}

enum rc certificate_request(struct exchange *x, const struct own_identity *own, struct buf *out, struct err *err)
{
	BIO *k = BIO_new_mem_buf(own->key.p, (int)own->key.n), *b = BIO_new(BIO_s_mem());
	EVP_PKEY *key = k ? PEM_read_bio_PrivateKey(k, NULL, NULL, NULL) : NULL;
	X509_REQ *q = X509_REQ_new();
	bool good = key && b && q && fill(x, q, key) && PEM_write_bio_X509_REQ(b, q) == 1;
	char *p = NULL;
	long n = good ? BIO_get_mem_data(b, &p) : 0;
	buf_add_mem(out, p, n > 0 ? (size_t)n : 0);
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	enum rc rc = good ? RC_OK : fail(err, RC_IO, "no certificate request can be made: %s", reason ? reason : "no reason given");
	ERR_clear_error();
	X509_REQ_free(q);
	EVP_PKEY_free(key);
	BIO_free(k);
	BIO_free(b);
	return rc;
}
