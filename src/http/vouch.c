/* SPDX-License-Identifier: Apache-2.0 */
/* Whom authorities of ours vouch for among those who show a certificate: the listener's half (GnuTLS). No list of the
 * system is ever read, and the names of the authorities are not told to who connects. */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "http/http_private.h"

enum { CHAIN_MOST = 8, URI_MOST = 512 };

struct authorities {
	gnutls_x509_trust_list_t list;
};

enum rc authorities_new(str pem, struct authorities **out, struct err *err)
{
	struct authorities *a = x_alloc(sizeof *a);
	const gnutls_datum_t text = { (unsigned char *)(uintptr_t)pem.p, (unsigned)pem.n };
	x_made(gnutls_x509_trust_list_init(&a->list, 0) == 0 ? a : NULL);
	int n = gnutls_x509_trust_list_add_trust_mem(a->list, &text, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
	if (n > 0) {
		*out = a;
		return RC_OK;
	}
	authorities_free(a);
	return fail(err, RC_INPUT, "there is no certificate of an authority: %s", n < 0 ? gnutls_strerror(n) : "it is empty");
}

void authorities_free(struct authorities *a)
{
	if (a)
		gnutls_x509_trust_list_deinit(a->list, 1);
	free(a);
}

/* The name that the certificate is for; a second one makes none of them count. */
static const char *read_name(gnutls_x509_crt_t cert, struct voucher *out)
{
	for (unsigned i = 0; i < 1000; i++) {
		char text[URI_MOST];
		size_t n = sizeof text;
		unsigned critical;
		int type = gnutls_x509_crt_get_subject_alt_name(cert, i, text, &n, &critical);
		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue;
		if (type < 0)
			return "the names in its certificate cannot be read";
		str uri = str_mem(text, n);
		if (type != GNUTLS_SAN_URI || !str_starts_nocase(uri, STR(URN_UUID)))
			continue;
		if (out->name[0] || uri.n != URN_UUID_BYTES || !str_is_plain(uri))
			return "its certificate names more than one node, or none that can be read";
		memcpy(out->name, uri.p, uri.n);
		out->name[uri.n] = '\0';
	}
	return out->name[0] ? NULL : "its certificate names no node (urn:uuid:NODE as subjectAltName)";
}

static const char *why_not(unsigned status)
{
	if (status & GNUTLS_CERT_EXPIRED)
		return "its certificate has expired";
	if (status & GNUTLS_CERT_NOT_ACTIVATED)
		return "its certificate is not valid yet";
	if (status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA))
		return "its certificate is not from our authority";
	if (status & GNUTLS_CERT_PURPOSE_MISMATCH)
		return "its certificate is not for clients of TLS";
	return "its certificate does not hold";
}

static const char *judge(struct authorities *a, gnutls_x509_crt_t *chain, unsigned count, struct voucher *out)
{
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
					  .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
	unsigned status = 0;
	if (gnutls_x509_trust_list_verify_crt2(a->list, chain, count, &purpose, 1, 0, &status, NULL) != 0)
		return "its certificate cannot be checked";
	if (status != 0)
		return why_not(status);
	time_t until = -1;
	for (unsigned i = 0; i < count; i++) {
		time_t end = gnutls_x509_crt_get_expiration_time(chain[i]);
		until = i == 0 || end < until ? end : until;
	}
	out->until_us = (int64_t)until * SECOND_US;
	return read_name(chain[0], out);
}

void authorities_judge(struct authorities *a, struct MHD_Connection *c, struct voucher *out)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_session_t tls = info ? info->tls_session : NULL;
	gnutls_x509_crt_t chain[CHAIN_MOST];
	unsigned count = 0, made = 0;
	const gnutls_datum_t *peers = tls ? gnutls_certificate_get_peers(tls, &count) : NULL;
	*out = (struct voucher){ .why = "its certificate cannot be read" };
	if (!peers || count == 0 || count > CHAIN_MOST)
		return;
	bool good = true;
	while (good && made < count) {
		good = gnutls_x509_crt_init(&chain[made]) == 0;
		made += good;
		good = good && gnutls_x509_crt_import(chain[made - 1], &peers[made - 1], GNUTLS_X509_FMT_DER) == 0;
	}
	if (good)
		out->why = judge(a, chain, count, out);
	if (out->why)
		out->name[0] = '\0';
	while (made > 0)
		gnutls_x509_crt_deinit(chain[--made]);
}

const char *voucher_name(const struct voucher *v, int64_t now_us, const char **why_out)
{
	bool over = !v->why && now_us >= v->until_us;
	*why_out = over ? "its certificate has expired" : v->why;
	return v->why || over ? NULL : v->name;
}
