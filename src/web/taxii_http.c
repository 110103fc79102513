/* SPDX-License-Identifier: Apache-2.0 */
#include "web/taxii_http.h"

#include "web/page.h"

enum { PAIRS_MAX = 64 };

/* --- asking --- */

struct pairs {
	struct taxii_pair *list;
	size_t count, bytes;
	struct arena *a;
};

static void add_pair(void *ctx, str name, str value)
{
	struct pairs *p = ctx;
	p->bytes += name.n + value.n + 2;
	if (p->count < PAIRS_MAX)
		p->list[p->count++] = (struct taxii_pair){ arena_str(p->a, name), arena_str(p->a, value) };
}

static enum taxii_method method_of(enum http_method m)
{
	switch (m) {
	case HTTP_GET:
		return TAXII_GET;
	case HTTP_HEAD:
		return TAXII_HEAD;
	case HTTP_POST:
		return TAXII_POST;
	case HTTP_DELETE:
		return TAXII_DELETE;
	case HTTP_OTHER:
		break;
	}
	return TAXII_OTHER;
}

static void put_header(struct http_answer *a, const char *name, str value)
{
	a->headers[a->header_count].name = name;
	a->headers[a->header_count++].value = value;
}

void taxii_http_give(const struct http_request *q, struct taxii_answer *from, struct http_answer *a)
{
	a->status = from->status;
	a->type = TAXII_TYPE;
	a->body = from->body;
	if (from->tag.n > 0) {
		put_header(a, "ETag", from->tag);
		put_header(a, "Cache-Control", STR("private, no-cache"));
		if (http_has_tag(q, from->tag)) {
			a->status = 304;
			buf_free(&a->body);
		}
	}
	for (size_t i = 0; i < from->header_count; i++)
		put_header(a, from->headers[i].name, from->headers[i].value);
}

void taxii_http_answer(struct exchange *x, const struct http_request *q, const struct taxii_request *who, str body,
		       struct http_answer *a)
{
	struct pairs pairs = { .list = ARENA_ARRAY(q->a, PAIRS_MAX, struct taxii_pair), .a = q->a };
	struct taxii_answer out;
	http_query_each(q, add_pair, &pairs);
	const struct taxii_request t = {
		.method = method_of(q->method), .path = str_from(q->path, sizeof TAXII_ROOT - 1),
		.query = pairs.list, .query_count = pairs.count, .query_bytes = pairs.bytes,
		.accept = http_header(q, "accept"), .content_type = http_header(q, "content-type"),
		.content_encoding = http_header(q, "content-encoding"), .lane = http_header(q, "ronda-lane"),
		.after = http_header(q, "ronda-after"), .upto = http_header(q, "ronda-upto"), .body = body,
		.who = who->who, .viewer = who->viewer, .partner = who->partner,
	};
	taxii_answer(x, &t, q->a, &out);
	taxii_http_give(q, &out, a);
}

void taxii_http_refuse(int status, const char *title, struct http_answer *a)
{
	struct taxii_answer out = { .status = 0 };
	taxii_refuse(status, title, &out);
	taxii_http_give(NULL, &out, a);
}

/* --- bodies --- */

struct taxii_body {
	void *ctx;
	_Atomic size_t *under_way;
	size_t room;
	struct buf text;
};

static enum rc collect(void *ctx, str bytes, struct err *err)
{
	struct taxii_body *b = ctx;
	buf_add(&b->text, bytes);
	return b->text.over ? fail(err, RC_LIMIT, "the body is larger than max_content_length") : RC_OK;
}

static void drop(void *ctx)
{
	struct taxii_body *b = ctx;
	atomic_fetch_sub(b->under_way, b->room);
	buf_free(&b->text);
	free(b);
}

void taxii_body_begin(const struct http_request *q, _Atomic size_t *under_way, void *ctx, struct http_upload *u,
		      struct http_answer *a)
{
	uint64_t length = 0;
	bool said = str_to_u64(http_header(q, "content-length"), &length);
	if (said && length > TAXII_BODY_MAX) {
		taxii_http_refuse(413, "the body is larger than max_content_length", a);
		return;
	}
	size_t room = said ? (size_t)length : TAXII_BODY_MAX;
	if (atomic_fetch_add(under_way, room) + room > BODIES_BYTES) {
		atomic_fetch_sub(under_way, room);
		taxii_http_refuse(503, "too much is being sent at once: try again in a moment", a);
		return;
	}
	struct taxii_body *b = x_alloc(sizeof *b);
	*b = (struct taxii_body){ .ctx = ctx, .under_way = under_way, .room = room, .text = BUF_INIT(TAXII_BODY_MAX) };
	*u = (struct http_upload){ .ctx = b, .give = collect, .abort = drop };
}

void *taxii_body_ctx(const struct http_upload *u)
{
	const struct taxii_body *b = u->ctx;
	return b->ctx;
}

str taxii_body_end(const struct http_upload *u, struct http_answer *a)
{
	const struct taxii_body *b = u->ctx;
	if (u->failed.rc != RC_OK)
		taxii_http_refuse(u->failed.rc == RC_LIMIT ? 413 : 503, u->failed.text, a);
	return buf_str(&b->text);
}

void taxii_body_drop(struct http_upload *u)
{
	drop(u->ctx);
	u->ctx = NULL;
}
