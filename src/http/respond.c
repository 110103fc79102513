/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_private.h"

/* On every answer. A page carries no script, loads nothing from elsewhere and
 * is framed by nobody. */
static const struct {
	const char *name, *value;
} always[] = {
	{ "Content-Security-Policy",
	  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
	  "frame-ancestors 'none'; base-uri 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Permissions-Policy", "camera=(), geolocation=(), microphone=()" },
};

static void drop_answer(struct http_exchange *x)
{
	if (x->ans.stream_end)
		x->ans.stream_end(x->ans.stream_ctx);
	buf_free(&x->ans.body);
	x->ans = (struct http_answer){ 0 };
}

void respond_words(struct http_exchange *x, int status, const char *words)
{
	drop_answer(x);
	x->ans.status = status;
	x->ans.type = "text/plain; charset=utf-8";
	x->ans.body = (struct buf)BUF_INIT(KIB(1));
	buf_add(&x->ans.body, str_of(words));
	buf_char(&x->ans.body, '\n');
	x->close = true;
}

/* No control characters: what is written stands on one line. */
static bool value_good(str v)
{
	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];
		if (c < 0x20 || c == 0x7f)
			return false;
	}
	return true;
}

static bool headers_good(const struct http_answer *a)
{
	if (a->header_count > COUNT_OF(a->headers))
		return false;
	for (size_t i = 0; i < a->header_count; i++) {
		if (!value_good(a->headers[i].value))
			return false;
	}
	return !a->type || value_good(str_of(a->type));
}

static bool has_header(const struct http_answer *a, const char *name)
{
	for (size_t i = 0; i < a->header_count; i++) {
		if (str_eq_nocase(str_of(a->headers[i].name), str_of(name)))
			return true;
	}
	return false;
}

static void add_headers(struct http_exchange *x, struct MHD_Response *r)
{
	const struct http_answer *a = &x->ans;
	for (size_t i = 0; i < COUNT_OF(always); i++) {
		if (!has_header(a, always[i].name))
			(void)MHD_add_response_header(r, always[i].name, always[i].value);
	}
	if (x->q.secure)
		(void)MHD_add_response_header(r, "Strict-Transport-Security", "max-age=31536000");
	if (!has_header(a, "Cache-Control"))
		(void)MHD_add_response_header(r, "Cache-Control", "no-store");
	if (a->type)
		(void)MHD_add_response_header(r, "Content-Type", a->type);
	for (size_t i = 0; i < a->header_count; i++)
		(void)MHD_add_response_header(r, a->headers[i].name,
					      arena_z(x->q.a, a->headers[i].value));
	if (x->close)
		(void)MHD_add_response_header(r, "Connection", "close");
}

/* The library asks for more of a stream: hand over what a worker has made, or
 * have some made. */
static ssize_t read_stream(void *cls, uint64_t at, char *to, size_t most)
{
	struct http_exchange *x = cls;
	(void)at;
	if (MHD_get_connection_info(x->c, MHD_CONNECTION_INFO_CONNECTION_SUSPENDED)->suspended)
		return 0;
	if (x->piece_at < x->piece_n) {
		size_t n = (size_t)(x->piece_n - x->piece_at);
		n = n < most ? n : most;
		memcpy(to, x->piece + x->piece_at, n);
		x->piece_at += (long)n;
		link_send(x->h->links, x->link, n);
		return (ssize_t)n;
	}
	if (x->step == STEP_DONE && x->piece_n == 0 && x->piece) /* a worker found the end */
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (x->piece_n < 0 || x->over)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	http_exchange_submit(x, JOB_STREAM);
	return 0;
}

static struct MHD_Response *make(struct http_exchange *x)
{
	struct http_answer *a = &x->ans;
	if (a->stream)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, KIB(32), read_stream, x, NULL);
	char *p = a->body.p;
	size_t n = a->body.n;
	a->body = (struct buf){ 0 }; /* the library frees it */
	return MHD_create_response_from_buffer(n, p ? p : NULL,
					       p ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
}

static void count(struct http *h, int status)
{
	atomic_fetch_add(&h->by_status[status / 100], 1);
	if (status >= 400)
		atomic_fetch_add(&h->refused, 1);
}

enum MHD_Result respond(struct http_exchange *x)
{
	struct http_answer *a = &x->ans;
	if (a->status < 200 || a->status > 599 || a->body.over || !headers_good(a)) {
		log_error(x->h->log, "an answer could not be sent as it was", L_INT("status", a->status),
			  L_STR("path", x->q.path));
		respond_words(x, 500, "the answer could not be written");
	}
	uint64_t bytes = a->body.n;
	struct MHD_Response *r = make(x);
	if (!r)
		return MHD_NO;
	add_headers(x, r);
	count(x->h, a->status);
	link_send(x->h->links, x->link, bytes);
	enum MHD_Result done = MHD_queue_response(x->c, (unsigned)a->status, r);
	MHD_destroy_response(r);
	return done;
}
