/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "http/client_test.h"
#include "http/http_private.h"
#include "http/pem_test.h"

#define HOST "Host: node.example.org\r\n"

/* Status of a GET over TLS with these versions; -1: no handshake. */
static int ask(uint16_t port, const char *versions, struct buf *out)
{
	char priorities[128];
	gnutls_session_t tls;
	gnutls_certificate_credentials_t none;
	int fd = dial(port, 0);
	snprintf(priorities, sizeof priorities, "NORMAL:-VERS-ALL:%s:%%COMPAT", versions);
	gnutls_certificate_allocate_credentials(&none);
	gnutls_init(&tls, GNUTLS_CLIENT);
	gnutls_priority_set_direct(tls, priorities, NULL);
	gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, none);
	gnutls_transport_set_int(tls, fd);
	gnutls_handshake_set_timeout(tls, 3000);
	int rc;
	do {
		rc = gnutls_handshake(tls);
	} while (rc < 0 && !gnutls_error_is_fatal(rc));
	if (rc == 0) {
		static const char request[] = "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n";
		(void)gnutls_record_send(tls, request, sizeof request - 1);
		for (;;) {
			char *to = buf_room(out, KIB(16));
			ssize_t n = to ? gnutls_record_recv(tls, to, KIB(16)) : 0;
			if (n <= 0)
				break;
			out->n += (size_t)n;
		}
	}
	gnutls_deinit(tls);
	gnutls_certificate_free_credentials(none);
	close(fd);
	return rc == 0 ? first_status(buf_str(out)) : -1;
}

TEST(versions_of_tls)
{
	static const struct {
		const char *versions;
		int status;
	} asks[] = { { "+VERS-TLS1.3", 200 }, { "+VERS-TLS1.2", 200 }, { "+VERS-TLS1.1", -1 },
		     { "+VERS-TLS1.0", -1 } };
	char dir[] = "/tmp/ronda-tls-test-XXXXXX", cert[64], key[64];
	struct seen seen = { 0 };
	struct http_handlers h = seen_handlers(&seen);
	struct http *http = NULL;
	struct err err = { 0 };
	CHECK(mkdtemp(dir) != NULL);
	snprintf(cert, sizeof cert, "%s/cert.pem", dir);
	snprintf(key, sizeof key, "%s/key.pem", dir);
	make_pem(cert, key);
	struct http_options o = { .listen = "127.0.0.1:0", .tls_cert = cert, .tls_key = key,
				  .limits = http_limits_default };
	CHECK_RC(http_start(&o, &h, NULL, &http, &err), RC_OK, err);
	for (size_t i = 0; http && i < COUNT_OF(asks); i++) {
		struct buf out = BUF_INIT(KIB(64));
		int status = ask(http_port(http), asks[i].versions, &out);
		CHECK_MSG(status == asks[i].status, "%s: %d", asks[i].versions, status);
		CHECK(status < 0 || str_find(buf_str(&out), STR(" secure=1 ")) < out.n);
		CHECK(status < 0 || str_find(buf_str(&out), STR("Strict-Transport-Security: ")) < out.n);
		buf_free(&out);
	}
	http_stop(http);
	/* a certificate that is none */
	o.tls_cert = key;
	http = NULL;
	CHECK(http_start(&o, &h, NULL, &http, &err) != RC_OK && !http);
	unlink(cert);
	unlink(key);
	rmdir(dir);
}

/* Partners' listener: an older version is no way in. */
TEST(versions_where_clients_prove_who_they_are)
{
	static const struct {
		const char *versions;
		int status;
	} asks[] = { { "+VERS-TLS1.3", 200 }, { "+VERS-TLS1.2", -1 }, { "+VERS-TLS1.1", -1 } };
	char dir[] = "/tmp/ronda-tls-test-XXXXXX", cert[64], key[64];
	struct buf cert_pem = BUF_INIT(MIB(1)), key_pem = BUF_INIT(MIB(1));
	struct seen seen = { 0 };
	struct http_handlers h = seen_handlers(&seen);
	struct http *http = NULL;
	struct err err = { 0 };
	CHECK(mkdtemp(dir) != NULL);
	snprintf(cert, sizeof cert, "%s/cert.pem", dir);
	snprintf(key, sizeof key, "%s/key.pem", dir);
	make_pem(cert, key);
	CHECK_RC(pem_read(cert, &cert_pem, &err), RC_OK, err);
	CHECK_RC(pem_read(key, &key_pem, &err), RC_OK, err);
	struct http_options o = { .listen = "127.0.0.1:0", .limits = http_limits_default,
				  .identity_cert = buf_str(&cert_pem), .identity_key = buf_str(&key_pem) };
	CHECK_RC(http_start(&o, &h, NULL, &http, &err), RC_OK, err);
	for (size_t i = 0; http && i < COUNT_OF(asks); i++) {
		struct buf out = BUF_INIT(KIB(64));
		int status = ask(http_port(http), asks[i].versions, &out);
		CHECK_MSG(status == asks[i].status, "%s: %d", asks[i].versions, status);
		buf_free(&out);
	}
	http_stop(http);
	buf_free(&cert_pem);
	buf_free(&key_pem);
	unlink(cert);
	unlink(key);
	rmdir(dir);
}

TEST(a_handshake_has_a_deadline)
{
	char dir[] = "/tmp/ronda-tls-test-XXXXXX", cert[64], key[64];
	struct seen seen = { 0 };
	struct http_handlers h = seen_handlers(&seen);
	struct http *http = NULL;
	struct err err = { 0 };
	CHECK(mkdtemp(dir) != NULL);
	snprintf(cert, sizeof cert, "%s/cert.pem", dir);
	snprintf(key, sizeof key, "%s/key.pem", dir);
	make_pem(cert, key);
	struct http_options o = { .listen = "127.0.0.1:0", .tls_cert = cert, .tls_key = key,
				  .limits = http_limits_default };
	o.limits.head_us = 300000;
	CHECK_RC(http_start(&o, &h, NULL, &http, &err), RC_OK, err);
	struct buf out = BUF_INIT(KIB(64));
	int fd = dial(http_port(http), 0);
	int64_t start = clock_mono_us();
	CHECK(send_all(fd, STR("\x16\x03\x01\x02\x00")));
	CHECK(read_answer(fd, &out, 3000));
	CHECK(clock_mono_us() - start < SECOND_US);
	close(fd);
	buf_free(&out);
	http_stop(http);
	unlink(cert);
	unlink(key);
	rmdir(dir);
}

TEST_MAIN(TEST_RUN(versions_of_tls), TEST_RUN(versions_where_clients_prove_who_they_are),
	  TEST_RUN(a_handshake_has_a_deadline))
