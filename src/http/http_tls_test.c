/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <pthread.h>

#include "base/clock.h"
#include "http/client_test.h"
#include "http/http_private.h"
#include "http/pem_test.h"

#define HOST "Host: node.example.org\r\n"

/* The server ends the connection at our first word (it says no reason), or anything else. */
enum { REFUSED = -1, FAILED = -2 };

/* Status of a GET over TLS with these versions; else REFUSED or FAILED. */
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
	gnutls_handshake_set_timeout(tls, 60000);
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
	bool refused = rc == GNUTLS_E_PREMATURE_TERMINATION;
	gnutls_deinit(tls);
	gnutls_certificate_free_credentials(none);
	close(fd);
	return rc == 0 ? first_status(buf_str(out)) : refused ? REFUSED : FAILED;
}

/* A listener with a certificate of its own, in files. */
struct tls {
	char dir[40], cert[64], key[64];
	struct buf cert_pem, key_pem;
	struct seen seen;
	struct http_handlers handlers;
	struct http_options o;
	struct http *http;
	struct err err;
};

static void tls_new(struct tls *t)
{
	*t = (struct tls){ .dir = "/tmp/ronda-tls-test-XXXXXX", .cert_pem = BUF_INIT(MIB(1)), .key_pem = BUF_INIT(MIB(1)),
			   .o = { .listen = "127.0.0.1:0", .limits = http_limits_default } };
	CHECK(mkdtemp(t->dir) != NULL);
	snprintf(t->cert, sizeof t->cert, "%s/cert.pem", t->dir);
	snprintf(t->key, sizeof t->key, "%s/key.pem", t->dir);
	make_pem(t->cert, t->key);
	t->handlers = seen_handlers(&t->seen);
}

static void tls_end(struct tls *t)
{
	if (t->http)
		http_stop(t->http);
	buf_free(&t->cert_pem);
	buf_free(&t->key_pem);
	unlink(t->cert);
	unlink(t->key);
	rmdir(t->dir);
}

/* For browsers: the files; for partners: the same as texts. */
static void tls_start(struct tls *t, bool partners)
{
	if (partners) {
		CHECK_RC(pem_read(t->cert, &t->cert_pem, &t->err), RC_OK, t->err);
		CHECK_RC(pem_read(t->key, &t->key_pem, &t->err), RC_OK, t->err);
		t->o.identity_cert = buf_str(&t->cert_pem);
		t->o.identity_key = buf_str(&t->key_pem);
	} else {
		t->o.tls_cert = t->cert;
		t->o.tls_key = t->key;
	}
	CHECK_RC(http_start(&t->o, &t->handlers, NULL, &t->http, &t->err), RC_OK, t->err);
}

/* A server that takes every version there is: one connection, its handshake alone. */
struct lenient {
	struct tls *t;
	int fd;
	gnutls_protocol_t version;
};

static void *lenient(void *ctx)
{
	struct lenient *l = ctx;
	gnutls_certificate_credentials_t own;
	gnutls_session_t tls;
	int fd = accept(l->fd, NULL, NULL), rc;
	gnutls_certificate_allocate_credentials(&own);
	CHECK(gnutls_certificate_set_x509_key_file(own, l->t->cert, l->t->key, GNUTLS_X509_FMT_PEM) == 0);
	gnutls_init(&tls, GNUTLS_SERVER);
	CHECK(gnutls_priority_set_direct(tls, "NORMAL:+VERS-TLS-ALL:%COMPAT", NULL) == 0);
	gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, own);
	gnutls_transport_set_int(tls, fd);
	do {
		rc = gnutls_handshake(tls);
	} while (rc < 0 && !gnutls_error_is_fatal(rc));
	l->version = rc == 0 ? gnutls_protocol_get_version(tls) : GNUTLS_VERSION_UNKNOWN;
	gnutls_deinit(tls);
	gnutls_certificate_free_credentials(own);
	close(fd);
	return NULL;
}

/* What is refused below is refused by our listener: our client does speak it. */
TEST(the_client_speaks_old_versions)
{
	static const struct {
		const char *versions;
		gnutls_protocol_t version;
	} asks[] = { { "+VERS-TLS1.2", GNUTLS_TLS1_2 }, { "+VERS-TLS1.1", GNUTLS_TLS1_1 }, { "+VERS-TLS1.0", GNUTLS_TLS1_0 } };
	struct tls t;
	tls_new(&t);
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		struct lenient l = { .t = &t };
		struct buf out = BUF_INIT(KIB(1));
		pthread_t thread;
		uint16_t port;
		CHECK_RC(listen_open("127.0.0.1:0", 1, &l.fd, &port, &t.err), RC_OK, t.err);
		CHECK(fcntl(l.fd, F_SETFL, 0) == 0 && pthread_create(&thread, NULL, lenient, &l) == 0);
		(void)ask(port, asks[i].versions, &out);
		pthread_join(thread, NULL);
		CHECK_MSG(l.version == asks[i].version, "%s: %d", asks[i].versions, (int)l.version);
		close(l.fd);
		buf_free(&out);
	}
	tls_end(&t);
}

TEST(versions_of_tls)
{
	static const struct {
		const char *versions;
		int browsers, partners;
	} asks[] = { { "+VERS-TLS1.3", 200, 200 },
		     { "+VERS-TLS1.2", 200, REFUSED },
		     { "+VERS-TLS1.1", REFUSED, REFUSED },
		     { "+VERS-TLS1.0", REFUSED, REFUSED },
		     { "+VERS-TLS1.0:+VERS-TLS1.1:+VERS-TLS1.2", 200, REFUSED },
		     { "+VERS-TLS1.2:+VERS-TLS1.3", 200, 200 } };
	for (int partners = 0; partners < 2; partners++) {
		struct tls t;
		tls_new(&t);
		tls_start(&t, partners);
		for (size_t i = 0; t.http && i < COUNT_OF(asks); i++) {
			struct buf out = BUF_INIT(KIB(64));
			int status = ask(http_port(t.http), asks[i].versions, &out), want = partners ? asks[i].partners : asks[i].browsers;
			CHECK_MSG(status == want, "%s, partners %d: %d", asks[i].versions, partners, status);
			CHECK(status < 0 || str_find(buf_str(&out), STR(" secure=1 ")) < out.n);
			CHECK(status < 0 || partners || str_find(buf_str(&out), STR("Strict-Transport-Security: ")) < out.n);
			buf_free(&out);
		}
		tls_end(&t);
	}
}

TEST(a_certificate_that_is_none)
{
	struct tls t;
	tls_new(&t);
	t.o.tls_cert = t.key;
	t.o.tls_key = t.key;
	CHECK(http_start(&t.o, &t.handlers, NULL, &t.http, &t.err) != RC_OK && !t.http);
	tls_end(&t);
}

TEST(a_handshake_has_a_deadline)
{
	struct tls t;
	tls_new(&t);
	t.o.limits.head_us = 300000;
	tls_start(&t, false);
	struct buf out = BUF_INIT(KIB(64));
	int fd = dial(http_port(t.http), 0);
	int64_t start = clock_mono_us();
	CHECK(send_all(fd, STR("\x16\x03\x01\x02\x00")));
	CHECK(read_answer(fd, &out, 3000));
	CHECK(clock_mono_us() - start < http_limits_default.head_us);
	close(fd);
	buf_free(&out);
	tls_end(&t);
}

TEST_MAIN(TEST_RUN(the_client_speaks_old_versions), TEST_RUN(versions_of_tls), TEST_RUN(a_certificate_that_is_none),
	  TEST_RUN(a_handshake_has_a_deadline))
