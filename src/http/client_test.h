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
	atomic_int answers, begins, ends, aborts, go_on;
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
	buf_fmt(&a->body,
		"path=" STR_FMT " from=" STR_FMT " secure=%d a=" STR_FMT " form=" STR_FMT
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
	return (struct http_handlers){ .ctx = s,
				      .answer = seen_answer,
				      .upload_begin = seen_begin,
				      .upload_end = seen_end };
}

static inline struct http *test_server(const struct http_limits *limits,
				       const struct http_handlers *h, const char *proxies)
{
	struct http_options o = {
		.listen = "127.0.0.1:0", .trusted_proxies = proxies, .limits = *limits};
	struct http *http = NULL;
	struct err err = {0};
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

/* Takes one chunk off `s`; 0: not all of it is there, 1: one taken, 2: the last. */
static inline int take_chunk(str *s)
{
	unsigned long n = strtoul(s->p, NULL, 16); /* a buf ends in a zero byte */
	size_t line = str_find(*s, STR("\r\n"));
	if (line == s->n || s->n - line - 2 < n + 2)
		return 0;
	*s = str_from(*s, line + 2 + n + 2);
	return n ? 1 : 2;
}

/* Whether `s` is answers that are all there, to the last byte. */
static inline bool is_whole(str s)
{
	bool any = false;
	while (s.n) {
		size_t end = str_find(s, STR("\r\n\r\n"));
		if (end == s.n || s.n < 13)
			return false;
		str head = str_head(s, end + 2);
		int kind = 1;
		const char *length = strcasestr(head.p, "\r\ncontent-length:");
		bool bare = head.p[9] == '1' || str_starts(str_from(head, 9), STR("204")) ||
			    str_starts(str_from(head, 9), STR("304"));
		s = str_from(s, end + 4);
		any = any || head.p[9] != '1';
		if (bare)
			continue;
		if (length && length < head.p + head.n) {
			size_t n = strtoul(length + 17, NULL, 10);
			if (n > s.n)
				return false;
			s = str_from(s, n);
			continue;
		}
		while (kind == 1)
			kind = take_chunk(&s);
		if (!kind)
			return false;
	}
	return any;
}

enum { ANSWER_MS = 20000 }; /* a busy machine takes long to say anything */

/* Reads until the other side closes (true), or a whole answer is there and nothing
 * more comes for `quiet_ms`. */
static inline bool read_answer(int fd, struct buf *out, int quiet_ms)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int wait_ms = is_whole(buf_str(out)) || quiet_ms > ANSWER_MS ? quiet_ms : ANSWER_MS;
		if (poll(&p, 1, wait_ms) <= 0)
			return false;
		char *to = buf_room(out, KIB(16));
		ssize_t n = to ? recv(fd, to, KIB(16), 0) : 0;
		if (n <= 0)
			return true;
		out->n += (size_t)n;
	}
}

/* Reads until `end` stands in what came, or the other side closes (true). Silence
 * is not taken for an end: a busy machine is silent too. */
static inline bool read_until(int fd, struct buf *out, str end)
{
	while (str_find(buf_str(out), end) == out->n) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char *to = buf_room(out, KIB(16));
		if (!to || poll(&p, 1, 60000) <= 0)
			return false;
		ssize_t n = recv(fd, to, KIB(16), 0);
		if (n <= 0)
			return true;
		out->n += (size_t)n;
	}
	return false;
}

/* The server's threads get there in their own time. */
static inline int waited_for(atomic_int *v, int want)
{
	for (int i = 0; i < 60000 && atomic_load(v) < want; i++)
		usleep(1000);
	return atomic_load(v);
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
		(void)str_to_u32((str){s.p + 9, 3}, &status);
	return (int)status;
}

/* Sends all at once and takes what comes until the end or silence. */
static inline int exchange(uint16_t port, str request, struct buf *out, bool *closed_out,
			   int quiet_ms)
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
