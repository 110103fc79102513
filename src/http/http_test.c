/* SPDX-License-Identifier: Apache-2.0 */
#include "http/client_test.h"

#define HOST "Host: node.example.org\r\n"

static bool has(str s, const char *part)
{
	return str_find(s, str_of(part)) < s.n;
}

/* --- what a handler is told --- */

static const struct {
	const char *what, *request, *want;
} told[] = {
	{"path and query", "GET /a%20b/c?x=1&a=%c3%a4+b HTTP/1.1\r\n" HOST "\r\n",
	 "path=/a b/c from=127.0.0.1 secure=0 a=\xc3\xa4 b "},
	{"the first of two", "GET /?a=1&a=2 HTTP/1.1\r\n" HOST "\r\n", " a=1 "},
	{"form",
	 "POST / HTTP/1.1\r\n" HOST "Content-Type: application/x-www-form-urlencoded; "
				    "charset=utf-8\r\nContent-Length: 11\r\n\r\ng=1&f=%3Cb+",
	 " form=<b "},
	{"empty form",
	 "POST / HTTP/1.1\r\n" HOST
	 "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n",
	 " form= "},
	{"cookie", "GET / HTTP/1.1\r\n" HOST "Cookie: b=1; c=two ; d=3\r\n\r\n", " cookie=two\n"},
	{"cookie in a second header",
	 "GET / HTTP/1.1\r\n" HOST "Cookie: b=1\r\nCookie: c=2\r\n\r\n", " cookie=2\n"},
	{"absolute target", "GET http://node.example.org/x?a=1 HTTP/1.1\r\n" HOST "\r\n",
	 "path=/x from=127.0.0.1 secure=0 a=1 "},
	{"a stranger's forwarding",
	 "GET / HTTP/1.1\r\n" HOST "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: https\r\n\r\n",
	 " from=127.0.0.1 secure=0 "},
};

TEST(handlers_are_told)
{
	struct seen seen = {0};
	struct http_handlers h = seen_handlers(&seen);
	struct http *http = test_server(&http_limits_default, &h, "");
	for (size_t i = 0; http && i < COUNT_OF(told); i++) {
		struct buf out = BUF_INIT(KIB(64));
		int status = exchange(http_port(http), str_of(told[i].request), &out, NULL, 50);
		CHECK_MSG(status == 200 && has(buf_str(&out), told[i].want), "%s: %s", told[i].what,
			  out.p ? out.p : "");
		buf_free(&out);
	}
	http_stop(http);
}

static const struct {
	const char *what, *headers, *want;
} forwarded[] = {
	{"one hop", "X-Forwarded-For: 192.0.2.9\r\n", " from=192.0.2.9 secure=0 "},
	{"over TLS", "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: https\r\n",
	 " from=192.0.2.9 secure=1 "},
	{"what the client wrote is not believed", "X-Forwarded-For: 198.18.0.1, 192.0.2.9\r\n",
	 " from=192.0.2.9 "},
	{"through two of ours", "X-Forwarded-For: 192.0.2.9, 198.51.100.7\r\n", " from=192.0.2.9 "},
	{"two headers", "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-For: 198.51.100.7\r\n",
	 " from=192.0.2.9 "},
	{"only ours", "X-Forwarded-For: 198.51.100.7\r\n", " from=198.51.100.7 "},
	{"with a port", "X-Forwarded-For: 192.0.2.9:4711\r\n", " from=192.0.2.9 "},
	{"IPv6 with a port", "X-Forwarded-For: [2001:db8::7]:4711\r\n", " from=2001:db8::7 "},
	{"nonsense", "X-Forwarded-For: unknown\r\n", " from=127.0.0.1 "},
	{"nonsense before ours", "X-Forwarded-For: <b>, 198.51.100.7\r\n", " from=198.51.100.7 "},
	{"none", "", " from=127.0.0.1 secure=0 "},
};

TEST(proxies_are_believed_when_ours)
{
	struct seen seen = {0};
	struct http_handlers h = seen_handlers(&seen);
	struct http *http = test_server(&http_limits_default, &h, "127.0.0.0/8, 198.51.100.0/24");
	for (size_t i = 0; http && i < COUNT_OF(forwarded); i++) {
		struct buf request = BUF_INIT(KIB(4)), out = BUF_INIT(KIB(64));
		buf_fmt(&request, "GET / HTTP/1.1\r\n" HOST "%s\r\n", forwarded[i].headers);
		(void)exchange(http_port(http), buf_str(&request), &out, NULL, 50);
		CHECK_MSG(has(buf_str(&out), forwarded[i].want), "%s: %s", forwarded[i].what,
			  out.p ? out.p : "");
		buf_free(&request);
		buf_free(&out);
	}
	http_stop(http);
}

TEST(settings_that_cannot_be)
{
	static const struct http_options bad[] = {
		{ .listen = "127.0.0.1" },
		{ .listen = "localhost:80" },
		{ .listen = "::1:80" },
		{ .listen = "127.0.0.1:65536" },
		{ .listen = "127.0.0.1:0", .trusted_proxies = "127.0.0.1/33" },
		{ .listen = "127.0.0.1:0", .trusted_proxies = "127.0.0.1/8" },
		{ .listen = "127.0.0.1:0", .tls_cert = "/nowhere.pem" },
		{ .listen = "127.0.0.1:0", .tls_cert = "/nowhere.pem", .tls_key = "/nowhere.pem" },
		{ .listen = "192.0.2.1:0" },
	};
	struct seen seen = {0};
	struct http_handlers h = seen_handlers(&seen);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct http_options o = bad[i];
		struct http *http = NULL;
		struct err err = {0};
		o.limits = http_limits_default;
		CHECK_MSG(http_start(&o, &h, NULL, &http, &err) != RC_OK && !http && err.text[0],
			  "options %zu", i);
	}
}

/* --- answers --- */

static void odd_answer(void *ctx, const struct http_request *q, struct http_answer *a)
{
	(void)ctx;
	a->status = 200;
	a->body = (struct buf)BUF_INIT(KIB(1));
	buf_add(&a->body, STR("body"));
	if (str_eq(q->path, STR("/crlf"))) {
		a->headers[0].name = "Location";
		a->headers[0].value = STR("/a\r\nSet-Cookie: x=1");
		a->header_count = 1;
	} else if (str_eq(q->path, STR("/nul"))) {
		a->headers[0].name = "Location";
		a->headers[0].value = STR("/a\0b");
		a->header_count = 1;
	} else if (str_eq(q->path, STR("/nothing"))) {
		a->status = 0;
	} else if (str_eq(q->path, STR("/over"))) {
		a->body.cap = 8;
		buf_add(&a->body, STR("too much of it"));
	} else if (str_eq(q->path, STR("/empty"))) {
		a->status = 204;
		buf_reset(&a->body);
	}
}

static const struct {
	const char *request;
	int status;
	const char *has, *lacks;
} answers[] = {
	{"GET / HTTP/1.1\r\n" HOST "\r\n", 200, "\r\n\r\nbody", "Connection: close"},
	{"HEAD / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 200, "Content-Length: 4\r\n",
	 "\r\n\r\nbody"},
	{"GET /crlf HTTP/1.1\r\n" HOST "\r\n", 500, "Connection: close", "Set-Cookie"},
	{"GET /nul HTTP/1.1\r\n" HOST "\r\n", 500, "", "Location"},
	{"GET /nothing HTTP/1.1\r\n" HOST "\r\n", 500, "", "body"},
	{"GET /over HTTP/1.1\r\n" HOST "\r\n", 500, "", "body\r\n"},
	{"GET /empty HTTP/1.1\r\n" HOST "\r\n", 204, "", "body"},
	{"POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 405, "Connection: close", ""},
	{"PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na", 405, "Allow: GET, HEAD, POST", ""},
	{"POST / HTTP/1.1\r\n" HOST "Expect: magic\r\nContent-Length: 1\r\n\r\na", 417, "",
	 "100 Continue"},
};

TEST(answers_are_sound)
{
	static const char *const always[] = {
		"Content-Security-Policy: default-src 'none'; script-src 'self'; "
		"style-src 'self'; img-src 'self' "
		"data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n",
		"X-Content-Type-Options: nosniff\r\n",
		"Referrer-Policy: no-referrer\r\n",
		"Cache-Control: no-store\r\n",
		"Cross-Origin-Opener-Policy: same-origin\r\n",
	};
	struct http_handlers h = { .answer = odd_answer };
	struct http *http = test_server(&http_limits_default, &h, "");
	for (size_t i = 0; http && i < COUNT_OF(answers); i++) {
		struct buf out = BUF_INIT(KIB(64));
		int status = exchange(http_port(http), str_of(answers[i].request), &out, NULL, 50);
		CHECK_MSG(status == answers[i].status, "answer %zu: status %d", i, status);
		CHECK_MSG(has(buf_str(&out), answers[i].has), "answer %zu: %s", i,
			  out.p ? out.p : "");
		CHECK_MSG(!answers[i].lacks[0] || !has(buf_str(&out), answers[i].lacks),
			  "answer %zu: %s", i, out.p ? out.p : "");
		for (size_t k = 0; k < COUNT_OF(always); k++)
			CHECK_MSG(has(buf_str(&out), always[k]), "answer %zu lacks %s", i,
				  always[k]);
		buf_free(&out);
	}
	http_stop(http);
}

static void long_answer(void *ctx, const struct http_request *q, struct http_answer *a)
{
	(void)ctx;
	size_t n = str_eq(q->path, STR("/short")) ? 1023 : 5000;
	a->status = 200;
	a->type = str_eq(q->path, STR("/bytes")) ? "application/octet-stream" : "text/plain";
	a->body = (struct buf)BUF_INIT(KIB(8));
	memset(buf_room(&a->body, n), 'a', n);
	a->body.n += n;
}

TEST(packing)
{
	static const struct {
		const char *path, *accept;
		bool packed;
	} asks[] = {
		{"/long", "gzip", true},          {"/long", "deflate, gzip;q=0.5, br", true},
		{"/long", "br", false},           {"/long", "gzip;q=0", false},
		{"/long", "gzip; q=0.00", false}, {"/long", "xgzip", false},
		{"/short", "gzip", false},        {"/bytes", "gzip", false},
	};
	struct http_handlers h = { .answer = long_answer };
	struct http *http = test_server(&http_limits_default, &h, "");
	for (size_t i = 0; http && i < COUNT_OF(asks); i++) {
		struct buf request = BUF_INIT(KIB(4)), out = BUF_INIT(KIB(64));
		buf_fmt(&request, "GET %s HTTP/1.1\r\n" HOST "Accept-Encoding: %s\r\n\r\n",
			asks[i].path, asks[i].accept);
		(void)exchange(http_port(http), buf_str(&request), &out, NULL, 40);
		CHECK_MSG(has(buf_str(&out), "Content-Encoding: gzip\r\n") == asks[i].packed,
			  "%s, %s", asks[i].path, asks[i].accept);
		CHECK_MSG(asks[i].packed ? out.n < 1500 : out.n > 1023, "%s, %s: %zu bytes",
			  asks[i].path, asks[i].accept, out.n);
		buf_free(&request);
		buf_free(&out);
	}
	http_stop(http);
}

/* --- uploads --- */

TEST(uploads)
{
	struct seen seen = {0};
	struct http_handlers h = seen_handlers(&seen);
	struct http *http = test_server(&http_limits_default, &h, "");
	uint16_t port = http_port(http);
	struct buf out = BUF_INIT(KIB(64));
	CHECK_INT(exchange(port, STR("POST /r HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcde"),
			   &out, NULL, 100),
		  202);
	CHECK(has(buf_str(&out), "got 5"));
	buf_reset(&out);
	/* a refusal still reaches who sends a short body, and who waits to be asked for it */
	CHECK_INT(exchange(port,
			   STR("POST /denied HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcde"),
			   &out, NULL, 100),
		  401);
	buf_reset(&out);
	CHECK_INT(exchange(port,
			   STR("POST /denied HTTP/1.1\r\n" HOST
			       "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"),
			   &out, NULL, 100),
		  401);
	CHECK(!has(buf_str(&out), "100 Continue"));
	buf_reset(&out);
	/* the store is full: the rest is read, then the reason is told */
	CHECK_INT(exchange(port, STR("POST /r HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nfull!!"),
			   &out, NULL, 100),
		  507);
	CHECK_INT(atomic_load(&seen.aborts), 0);
	/* who waits to be asked is asked */
	int fd = dial(port, 0);
	buf_reset(&out);
	CHECK(send_all(fd, STR("POST /r HTTP/1.1\r\n" HOST
			       "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")));
	(void)read_until(fd, &out, STR("\r\n\r\n"));
	CHECK(has(buf_str(&out), "100 Continue"));
	CHECK(send_all(fd, STR("abcde")));
	buf_reset(&out);
	(void)read_answer(fd, &out, 100);
	CHECK_INT(first_status(buf_str(&out)), 202);
	close(fd);
	/* the client goes away */
	fd = dial(port, 0);
	CHECK(send_all(fd, STR("POST /r HTTP/1.1\r\n" HOST "Content-Length: 500\r\n\r\nabc")));
	usleep(50000);
	close(fd);
	usleep(50000);
	CHECK_INT(atomic_load(&seen.aborts), 1);
	CHECK_INT(atomic_load(&seen.ends), 3);
	buf_free(&out);
	http_stop(http);
}

static bool take_all(void *ctx, const struct http_request *q)
{
	(void)ctx;
	return str_eq(q->path, STR("/r"));
}

TEST(a_form_type_on_an_upload)
{
	struct seen seen = {0};
	struct http_handlers h = seen_handlers(&seen);
	h.takes_body = take_all;
	struct http *http = test_server(&http_limits_default, &h, "");
	struct buf request = BUF_INIT(KIB(256)), out = BUF_INIT(KIB(64));
	buf_add(&request, STR("POST /r HTTP/1.1\r\n" HOST
			      "Content-Type: application/x-www-form-urlencoded\r\n"
			      "Content-Length: 100000\r\n\r\n"));
	memset(buf_room(&request, 100000), '%', 100000);
	request.n += 100000;
	CHECK_INT(exchange(http_port(http), buf_str(&request), &out, NULL, 200), 202);
	CHECK_INT(atomic_load(&seen.bytes), 100000);
	buf_free(&request);
	buf_free(&out);
	http_stop(http);
}

/* --- streams --- */

struct streaming {
	atomic_int ended;
	long left; /* <0 at the end: broken off */
	bool breaks;
};

static long stream_some(void *ctx, char *to, size_t n)
{
	struct streaming *s = ctx;
	if (s->left == 0)
		return s->breaks ? -1 : 0;
	size_t take = (size_t)s->left < n ? (size_t)s->left : n;
	memset(to, 's', take);
	s->left -= (long)take;
	return (long)take;
}

static void stream_over(void *ctx)
{
	atomic_fetch_add(&((struct streaming *)ctx)->ended, 1);
}

static void stream_answer(void *ctx, const struct http_request *q, struct http_answer *a)
{
	struct streaming *s = ctx;
	(void)q;
	a->status = 200;
	a->type = "text/plain";
	a->stream = stream_some;
	a->stream_end = stream_over;
	a->stream_ctx = s;
}

static size_t count_char(str s, char c)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == c;
	return n;
}

TEST(streams)
{
	for (int breaks = 0; breaks < 2; breaks++) {
		struct streaming s = { .left = 300000, .breaks = breaks };
		struct http_handlers h = { .ctx = &s, .answer = stream_answer };
		struct http *http = test_server(&http_limits_default, &h, "");
		struct buf out = BUF_INIT(MIB(1));
		int fd = dial(http_port(http), 0);
		CHECK(send_all(fd, STR("GET / HTTP/1.1\r\n" HOST "\r\n")));
		bool closed = read_until(fd, &out, STR("\r\n0\r\n\r\n"));
		CHECK_INT(first_status(buf_str(&out)), 200);
		size_t head = str_find(buf_str(&out), STR("\r\n\r\n"));
		CHECK_INT(count_char(str_from(buf_str(&out), head), 's'), 300000);
		CHECK(has(buf_str(&out), "\r\n0\r\n\r\n") == !breaks);
		CHECK(closed == breaks);
		CHECK_INT(waited_for(&s.ended, 1), 1);
		close(fd);
		buf_free(&out);
		http_stop(http);
	}
}

TEST(a_stream_nobody_reads)
{
	struct streaming s = { .left = 100 << 20 };
	struct http_handlers h = { .ctx = &s, .answer = stream_answer };
	struct http *http = test_server(&http_limits_default, &h, "");
	int fd = dial(http_port(http), 0);
	CHECK(send_all(fd, STR("GET / HTTP/1.1\r\n" HOST "\r\n")));
	usleep(50000);
	close(fd);
	CHECK_INT(waited_for(&s.ended, 1), 1);
	CHECK(s.left > 0);
	http_stop(http);
}

/* --- side by side --- */

static void slow_end(void *ctx, const struct http_request *q, struct http_upload *u,
		     struct http_answer *a)
{
	(void)waited_for(&((struct seen *)ctx)->go_on, 1);
	seen_end(ctx, q, u, a);
}

static void slow_answer(void *ctx, const struct http_request *q, struct http_answer *a)
{
	if (str_starts(q->path, STR("/slow")))
		usleep(300000);
	seen_answer(ctx, q, a);
}

TEST(pages_do_not_wait_for_uploads)
{
	struct seen seen = {0};
	struct http_handlers h = seen_handlers(&seen);
	struct http_limits limits = http_limits_default;
	struct buf out = BUF_INIT(KIB(64));
	h.upload_end = slow_end;
	limits.threads = 1;
	struct http *http = test_server(&limits, &h, "");
	int fd = dial(http_port(http), 0);
	CHECK(send_all(fd, STR("POST /r HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na")));
	CHECK_INT(waited_for(&seen.begins, 1), 1);
	/* the upload does not end before the page was answered */
	CHECK_INT(exchange(http_port(http),
			   STR("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"), &out, NULL,
			   300),
		  200);
	atomic_store(&seen.go_on, 1);
	buf_reset(&out);
	(void)read_answer(fd, &out, 600);
	CHECK_INT(first_status(buf_str(&out)), 202);
	close(fd);
	buf_free(&out);
	http_stop(http);
}

TEST(a_pipeline_is_answered_in_order)
{
	struct seen seen = {0};
	struct http_handlers h = seen_handlers(&seen);
	struct buf out = BUF_INIT(KIB(64));
	h.answer = slow_answer;
	struct http *http = test_server(&http_limits_default, &h, "");
	(void)exchange(http_port(http),
		       STR("GET /slow1 HTTP/1.1\r\n" HOST "\r\nGET /quick2 HTTP/1.1\r\n" HOST
			   "\r\nPOST /three HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
			   "GET /four HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"),
		       &out, NULL, 1000);
	str s = buf_str(&out);
	size_t one = str_find(s, STR("path=/slow1")), two = str_find(s, STR("path=/quick2"));
	size_t three = str_find(s, STR("got 3")), four = str_find(s, STR("path=/four"));
	CHECK(one < two && two < three && three < four && four < s.n);
	buf_free(&out);
	http_stop(http);
}

TEST(requests_of_one_forwarded_address)
{
	struct seen seen = {0};
	struct http_handlers h = seen_handlers(&seen);
	struct http_limits limits = http_limits_default;
	h.answer = slow_answer;
	limits.per_address = 2;
	struct http *http = test_server(&limits, &h, "127.0.0.1");
	static const struct {
		const char *from;
		int status;
	} asks[] = {{"192.0.2.1", 200}, {"192.0.2.1", 200}, {"192.0.2.1", 429}, {"192.0.2.2", 200}};
	int fds[COUNT_OF(asks)];
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		struct buf request = BUF_INIT(KIB(4));
		buf_fmt(&request, "GET /slow HTTP/1.1\r\n" HOST "X-Forwarded-For: %s\r\n\r\n",
			asks[i].from);
		fds[i] = dial(http_port(http), 0);
		CHECK(send_all(fds[i], buf_str(&request)));
		usleep(20000);
		buf_free(&request);
	}
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		struct buf out = BUF_INIT(KIB(64));
		(void)read_answer(fds[i], &out, 500);
		CHECK_MSG(first_status(buf_str(&out)) == asks[i].status, "request %zu: %d", i,
			  first_status(buf_str(&out)));
		close(fds[i]);
		buf_free(&out);
	}
	http_stop(http);
}

TEST(stopping_answers_what_is_under_way)
{
	struct seen seen = {0};
	struct http_handlers h = seen_handlers(&seen);
	struct buf out = BUF_INIT(KIB(64));
	h.answer = slow_answer;
	struct http *http = test_server(&http_limits_default, &h, "");
	uint16_t port = http_port(http);
	int idle = dial(port, 0), fd = dial(port, 0);
	CHECK(send_all(fd, STR("GET /slow HTTP/1.1\r\n" HOST "\r\n")));
	usleep(50000);
	int64_t start = clock_mono_us();
	http_stop(http);
	CHECK(clock_mono_us() - start < 2 * SECOND_US);
	(void)read_answer(fd, &out, 100);
	CHECK_INT(first_status(buf_str(&out)), 200);
	CHECK(dial(port, 0) < 0);
	close(fd);
	close(idle);
	buf_free(&out);
}

TEST(counts)
{
	struct seen seen = {0};
	struct http_handlers h = seen_handlers(&seen);
	struct http *http = test_server(&http_limits_default, &h, "");
	struct buf out = BUF_INIT(KIB(64));
	struct http_stats s;
	(void)exchange(http_port(http),
		       STR("GET / HTTP/1.1\r\n" HOST "\r\nGET /#x HTTP/1.1\r\n" HOST "\r\n"), &out,
		       NULL, 500);
	http_stats(http, &s);
	CHECK_INT(s.requests, 2);
	CHECK_INT(s.by_status[2], 1);
	CHECK_INT(s.by_status[4], 1);
	CHECK_INT(s.refused, 1);
	buf_free(&out);
	http_stop(http);
}

TEST_MAIN(TEST_RUN(handlers_are_told), TEST_RUN(proxies_are_believed_when_ours),
	  TEST_RUN(settings_that_cannot_be), TEST_RUN(answers_are_sound), TEST_RUN(packing),
	  TEST_RUN(uploads), TEST_RUN(a_form_type_on_an_upload), TEST_RUN(streams),
	  TEST_RUN(a_stream_nobody_reads), TEST_RUN(pages_do_not_wait_for_uploads),
	  TEST_RUN(a_pipeline_is_answered_in_order), TEST_RUN(requests_of_one_forwarded_address),
	  TEST_RUN(stopping_answers_what_is_under_way), TEST_RUN(counts))
