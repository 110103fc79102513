/* SPDX-License-Identifier: Apache-2.0 */
/* client_test.h: a client for tests that sends any bytes, and a server to send
 * them to. Only tests include it. */
#ifndef RONDA_HTTP_CLIENT_TEST_H
#define RONDA_HTTP_CLIENT_TEST_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/test.h"
#include "http/http.h"

/* What the handlers of a test server have seen. */
struct seen {
	atomic_int answers, begins, ends, aborts;
	_Atomic uint64_t bytes;
};

static inline void seen_answer(void *ctx, const struct http_request *q, struct http_answer *a)
{
	struct seen *s = ctx;
	atomic_fetch_add(&s->answers, 1);
	a->status = 200;
	a->type = "text/plain; charset=utf-8";
	a->body = (struct buf)BUF_INIT(KIB(256));
	char from[48];
	buf_fmt(&a->body, "path=" STR_FMT " from=" STR_FMT " secure=%d a=" STR_FMT " form=" STR_FMT
			  " cookie=" STR_FMT "\n",
		STR_ARG(q->path), STR_ARG(ip_str(from, &q->from)), q->secure,
		STR_ARG(http_query(q, "a")), STR_ARG(http_form(q, "f")),
		STR_ARG(http_cookie(q, "c")));
}

static inline enum rc seen_give(void *ctx, str bytes, struct err *err)
{
	struct seen *s = ctx;
	atomic_fetch_add(&s->bytes, bytes.n);
	if (bytes.n >= 4 && str_eq(str_head(bytes, 4), STR("full")))
		return fail(err, RC_LIMIT, "disk full");
	return RC_OK;
}

static inline void seen_abort(void *ctx)
{
	atomic_fetch_add(&((struct seen *)ctx)->aborts, 1);
}

static inline void seen_begin(void *ctx, const struct http_request *q, struct http_upload *u,
		       struct http_answer *a)
{
	struct seen *s = ctx;
	atomic_fetch_add(&s->begins, 1);
	if (str_eq(q->path, STR("/denied"))) {
		a->status = 401;
		return;
	}
	*u = (struct http_upload){ .ctx = s, .give = seen_give, .abort = seen_abort };
}

static inline void seen_end(void *ctx, const struct http_request *q, struct http_upload *u,
		     struct http_answer *a)
{
	struct seen *s = ctx;
	(void)q;
	atomic_fetch_add(&s->ends, 1);
	a->status = u->failed.rc == RC_OK ? 202 : rc_http_status(u->failed.rc);
	a->type = "text/plain; charset=utf-8";
	a->body = (struct buf)BUF_INIT(KIB(1));
	buf_fmt(&a->body, "got %llu", (unsigned long long)atomic_load(&s->bytes));
}

static inline struct http_handlers seen_handlers(struct seen *s)
{
	return (struct http_handlers){ .ctx = s, .answer = seen_answer,
				       .upload_begin = seen_begin, .upload_end = seen_end };
}

static inline struct http *test_server(const struct http_limits *limits, const struct http_handlers *h,
				const char *proxies)
{
	struct http_options o = { .listen = "127.0.0.1:0", .trusted_proxies = proxies,
				  .limits = *limits };
	struct http *http = NULL;
	struct err err = { 0 };
	enum rc rc = http_start(&o, h, NULL, &http, &err);
	CHECK_RC(rc, RC_OK, err);
	return http;
}

/* -1 when it cannot connect. `from`: last byte of 127.0.0.x, 0: any. */
static int dial(uint16_t port, int from)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET };
	if (from > 0) {
		at.sin_addr.s_addr = htonl(0x7f000000u + (uint32_t)from);
		if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0)
			return close(fd), -1;
	}
	at.sin_port = htons(port);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
		return close(fd), -1;
	return fd;
}

static inline bool send_all(int fd, str s)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		s = str_from(s, (size_t)n);
	}
	return true;
}

/* Reads until the other side closes or nothing comes for `quiet_ms`; true: closed. */
static inline bool read_answer(int fd, struct buf *out, int quiet_ms)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, quiet_ms) <= 0)
			return false;
		char *to = buf_room(out, KIB(16));
		ssize_t n = to ? recv(fd, to, KIB(16), 0) : 0;
		if (n <= 0)
			return true;
		out->n += (size_t)n;
	}
}

static inline int count_answers(str s)
{
	int n = 0;
	for (size_t at; (at = str_find(s, STR("HTTP/1.1 "))) < s.n; s = str_from(s, at + 9))
		n += at + 9 < s.n && s.p[at + 9] >= '1' && s.p[at + 9] <= '5';
	return n;
}

/* Status of the first answer; 0: none. */
static int first_status(str s)
{
	uint32_t status = 0;
	if (s.n > 12 && str_starts(s, STR("HTTP/1.")))
		(void)str_to_u32((str){ s.p + 9, 3 }, &status);
	return (int)status;
}

/* Sends all at once and takes what comes until the end or silence. */
static inline int exchange(uint16_t port, str request, struct buf *out, bool *closed_out, int quiet_ms)
{
	int fd = dial(port, 0);
	if (fd < 0)
		return -1;
	(void)send_all(fd, request);
	bool closed = read_answer(fd, out, quiet_ms);
	if (closed_out)
		*closed_out = closed;
	close(fd);
	return first_status(buf_str(out));
}

#endif
