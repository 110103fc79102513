/* SPDX-License-Identifier: Apache-2.0 */
/* http.h: a listener with limits (HTTP/1.1, RFC 9110 and 9112), on
 * libmicrohttpd; knows no CERT word.
 *
 * Keeps the limits of docs/limits.md: line, head, count, bodies, deadlines,
 * connections in all and by address, idle. Ambiguous framing is refused before
 * any body is read: 400 and close. Two threads move bytes and never wait; a
 * handler runs in one of `threads` threads for answers, or one of as many for
 * uploads, and may block there: a page never waits for an upload. It answers
 * once. */
#ifndef RONDA_HTTP_HTTP_H
#define RONDA_HTTP_HTTP_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/ip.h"
#include "base/log.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_DELETE, HTTP_OTHER };

struct http_request {
	enum http_method method;
	str path;                  /* decoded, without query; no "..", NUL or control characters */
	struct ip from;            /* the client: forwarded address behind a trusted proxy */
	bool secure;               /* TLS here or at the trusted proxy */
	const struct digest *pin;  /* of the certificate the client proved to hold the key of: SHA-256 of its
				    * SubjectPublicKeyInfo (RFC 7469 section 2.4). NULL: none, or not asked */
	str vouched;               /* "urn:uuid:…" (RFC 9562 section 4) of the client, for whom an authority of the listener
				    * vouches now: the only such URI in the subjectAltName of his certificate. STR_NONE: nobody */
	const char *unvouched;     /* why not, in words; NULL: he is vouched for, or no authority is asked */
	struct arena *a;           /* lives as long as the request */
	struct http_exchange *x;   /* private */
};
str http_header(const struct http_request *q, const char *name); /* STR_NONE */
str http_query(const struct http_request *q, const char *name);
/* Calls each pair of the query in order. */
void http_query_each(const struct http_request *q, void (*each)(void *ctx, str name, str value), void *ctx);
str http_cookie(const struct http_request *q, const char *name);
/* Does the client have what `tag` (with its quotes) names: If-None-Match (RFC 9110 section 13.1.2), compared weakly? Then
 * the answer is 304, without a body. */
bool http_has_tag(const struct http_request *q, str tag);
/* Fields of a form (application/x-www-form-urlencoded, <= 64 KiB) of a POST. */
str http_form(const struct http_request *q, const char *name);

/* Calls each field of the form, in order. */
void http_form_each(const struct http_request *q, void (*each)(void *ctx, str name, str value),
		    void *ctx);

/* One part of a multipart/form-data body (RFC 7578). */
struct http_part {
	str name;
	str file_name;             /* STR_NONE: a field; else plain text of the sender, never a path */
	str value;
};
enum { HTTP_PARTS_MAX = 1000, HTTP_PART_NAME_MAX = 200 };
/* Takes such a `body` apart, which `q` came with; parts and their bytes live in `a`. RC_INPUT: it
 * is none, or cut off; RC_LIMIT: too many parts. */
MUST_CHECK enum rc http_parts(const struct http_request *q, str body, struct arena *a,
			      struct http_part **out, size_t *count_out, struct err *err);

struct http_answer {
	int status;
	const char *type;          /* "text/html; charset=utf-8" */
	struct buf body;
	struct { const char *name; str value; } headers[8]; /* values: no CR, LF, NUL (else 500) */
	size_t header_count;
	/* Instead of body: called until it returns 0 (end) or <0 (broken off). Streams. */
	long (*stream)(void *ctx, char *to, size_t n);
	void (*stream_end)(void *ctx);
	void *stream_ctx;
};

/* Streamed bodies (POST of reports): begin is called before the body; give
 * gets it in pieces; end answers. `begin` may answer at once (status != 0):
 * the body is then not read and the connection closed. */
struct http_upload {
	void *ctx;
	/* Anything but RC_OK: the rest is read and thrown away; upload_end then
	 * finds the reason in `failed` and answers. */
	enum rc (*give)(void *ctx, str bytes, struct err *err);
	void (*abort)(void *ctx);  /* the client went away or broke a limit: no upload_end follows */
	struct err failed;         /* .rc RC_OK: all bytes were taken */
};

struct http_handlers {
	void *ctx;
	void (*answer)(void *ctx, const struct http_request *q, struct http_answer *a);
	/* True: the body of this POST is taken as it comes, though its type says form (as
	 * clients do that were told nothing). Must not block. May be NULL. */
	bool (*takes_body)(void *ctx, const struct http_request *q);
	/* How many bytes the body of this POST may have, when not limits.body_bytes. Must not block. May
	 * be NULL. */
	uint64_t (*body_most)(void *ctx, const struct http_request *q);
	/* For POST that is no form: set u->give to take the body, or answer in a. */
	void (*upload_begin)(void *ctx, const struct http_request *q, struct http_upload *u,
			     struct http_answer *a);
	void (*upload_end)(void *ctx, const struct http_request *q, struct http_upload *u,
			   struct http_answer *a);
};

struct http_limits {
	size_t line_bytes, head_bytes, headers, form_bytes;
	uint64_t body_bytes;
	int64_t head_us, idle_us, body_window_us;
	uint32_t body_rate;        /* bytes a second over the window; also least rate of sending */
	unsigned connections;
	unsigned per_address;      /* connections; behind a trusted proxy: requests under way */
	unsigned threads;
};
extern const struct http_limits http_limits_default;

struct http_options {
	const char *listen;        /* "127.0.0.1:8420", "[::1]:0" */
	const char *tls_cert, *tls_key; /* PEM files; both or none */
	const char *trusted_proxies; /* networks, comma separated; may be "" */
	/* Instead of the files: PEM texts. TLS 1.3 alone; each client is asked for a certificate, which may be
	 * signed by anybody: who it is, the handler judges by `pin`. */
	str identity_cert, identity_key;
	/* With those: PEM of authorities that may vouch for clients as well; n 0: none. Never the system's. */
	str identity_authorities;
	struct http_limits limits;
};
struct http;
/* Raises the soft limit of open files where `connections` needs it. */
MUST_CHECK enum rc http_start(const struct http_options *o, const struct http_handlers *h,
			      struct log *log, struct http **out, struct err *err);
uint16_t http_port(const struct http *h);
/* Of a listener with an identity: another one, for connections from now on. RC_LIMIT: changed too often
 * since it was started. */
MUST_CHECK enum rc http_identity(struct http *h, str cert, str key, struct err *err);
struct http_stats { uint64_t requests, refused, by_status[6]; unsigned connections; };
void http_stats(const struct http *h, struct http_stats *out);
void http_stop(struct http *h); /* answers what is under way, at most 10 s */

#endif
