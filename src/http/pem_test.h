/* SPDX-License-Identifier: Apache-2.0 */
/* pem_test.h: a certificate for node.example.org, its own authority. Only tests
 * include it. */
#ifndef RONDA_HTTP_PEM_TEST_H
#define RONDA_HTTP_PEM_TEST_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/clock.h"
#include "base/test.h"

static inline void write_file(const char *path, const gnutls_datum_t *pem)
{
	FILE *f = fopen(path, "wb");
	CHECK(f && fwrite(pem->data, 1, pem->size, f) == pem->size);
	if (f)
		fclose(f);
}

/* A key and a certificate of its own, as PEM files. */
static inline void make_pem(const char *cert_path, const char *key_path)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t cert;
	gnutls_datum_t pem;
	gnutls_x509_privkey_init(&key);
	gnutls_x509_crt_init(&cert);
	CHECK(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
					   GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) == 0);
	gnutls_x509_crt_set_version(cert, 3);
	gnutls_x509_crt_set_serial(cert, "\x01", 1);
	gnutls_x509_crt_set_activation_time(cert, (time_t)(clock_now_us() / SECOND_US) - 60);
	gnutls_x509_crt_set_expiration_time(cert, (time_t)(clock_now_us() / SECOND_US) + 3600);
	gnutls_x509_crt_set_key(cert, key);
	gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, "node.example.org", 16);
	CHECK(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0) == 0);
	CHECK(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &pem) == 0);
	write_file(cert_path, &pem);
	gnutls_free(pem.data);
	CHECK(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem) == 0);
	write_file(key_path, &pem);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(cert);
	gnutls_x509_privkey_deinit(key);
}

#endif
