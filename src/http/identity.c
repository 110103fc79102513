/* SPDX-License-Identifier: Apache-2.0 */
/* A listener whose clients prove who they are: its credentials, which may change while it runs, and the digest of
 * the key that a client showed. The library finishes the handshake with any certificate, also one that nobody
 * vouches for: who it is, the handler judges. */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "http/http_private.h"

struct identities {
	_Atomic(gnutls_certificate_credentials_t) now;
	gnutls_certificate_credentials_t all[IDENTITIES_MAX]; /* connections may still use an older one */
	_Atomic size_t count;
};

struct identities *identities_new(void)
{
	return x_alloc(sizeof(struct identities));
}

void identities_free(struct identities *i)
{
	for (size_t n = 0; i && n < atomic_load(&i->count); n++)
		gnutls_certificate_free_credentials(i->all[n]);
	free(i);
}

enum rc identities_set(struct identities *i, str cert, str key, struct err *err)
{
	gnutls_certificate_credentials_t made;
	const gnutls_datum_t c = { (unsigned char *)(uintptr_t)cert.p, (unsigned)cert.n };
	const gnutls_datum_t k = { (unsigned char *)(uintptr_t)key.p, (unsigned)key.n };
	if (atomic_load(&i->count) == IDENTITIES_MAX)
		return fail(err, RC_LIMIT, "the certificate was changed too often since the start");
	x_made(gnutls_certificate_allocate_credentials(&made) == 0 ? made : NULL);
	int rc = gnutls_certificate_set_x509_key_mem(made, &c, &k, GNUTLS_X509_FMT_PEM);
	if (rc < 0) {
		gnutls_certificate_free_credentials(made);
		return fail(err, RC_INPUT, "the certificate and its key cannot be used: %s", gnutls_strerror(rc));
	}
	i->all[atomic_load(&i->count)] = made;
	atomic_fetch_add(&i->count, 1);
	atomic_store(&i->now, made);
	return RC_OK;
}

void identities_ask(struct identities *i, struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_session_t tls = info ? info->tls_session : NULL;
	if (!tls)
		return;
	(void)gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, atomic_load(&i->now));
	gnutls_certificate_server_set_request(tls, GNUTLS_CERT_REQUEST);
}

bool identities_pin(struct MHD_Connection *c, struct digest *out)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_session_t tls = info ? info->tls_session : NULL;
	unsigned count = 0;
	gnutls_x509_crt_t cert;
	if (!tls || gnutls_certificate_type_get2(tls, GNUTLS_CTYPE_PEERS) != GNUTLS_CRT_X509)
		return false;
	const gnutls_datum_t *peers = gnutls_certificate_get_peers(tls, &count);
	if (!peers || count == 0 || gnutls_x509_crt_init(&cert) != 0)
		return false;
	size_t n = sizeof out->b;
	/* With this flag: SHA-256 of the SubjectPublicKeyInfo. */
	bool good = gnutls_x509_crt_import(cert, &peers[0], GNUTLS_X509_FMT_DER) == 0 &&
		    gnutls_x509_crt_get_key_id(cert, GNUTLS_KEYID_USE_SHA256, out->b, &n) == 0 && n == sizeof out->b;
	gnutls_x509_crt_deinit(cert);
	return good;
}
