/* SPDX-License-Identifier: Apache-2.0 */
/* POSTs of programs (JSON) and of forms with files (multipart): who asks is known before a byte
 * of the body is kept, and only so many bytes of bodies are kept at once: a body counts as what
 * its Content-Length says, one that does not say as the longest there may be. */
#include "web/page.h"

struct collected {
	struct web *w;
	size_t room; /* of BODIES_BYTES, for this one */
	struct buf body;
};

static void drop(struct collected *c)
{
	atomic_fetch_sub(&c->w->bodies, c->room);
	buf_free(&c->body);
	free(c);
}

static enum rc give(void *ctx, str bytes, struct err *err)
{
	struct collected *c = ctx;
	buf_add(&c->body, bytes);
	return c->body.over ? fail(err, RC_LIMIT, "what was sent is larger than %zu KiB",
				   c->body.cap / 1024) : RC_OK;
}

static void give_up(void *ctx)
{
	drop(ctx);
}

static void say(struct http_answer *a, int status, const char *words)
{
	a->status = status;
	a->type = "text/plain; charset=utf-8";
	a->body = (struct buf)BUF_INIT(KIB(1));
	buf_fmt(&a->body, "%s\n", words);
	if (status == 503)
		answer_header(a, "Retry-After", STR("5"));
}

static size_t room_for(const struct http_request *q, size_t most)
{
	uint64_t n;
	return str_to_u64(http_header(q, "content-length"), &n) && n < most ? (size_t)n : most;
}

void body_begin(struct web *w, const struct http_request *q, struct http_upload *u,
		struct http_answer *a)
{
	bool is_public = false;
	if (!body_admitted(w, q, &is_public, a))
		return;
	if (is_public && !answer_body_wanted(w, q)) {
		say(a, 404, "this link opens nothing");
		return;
	}
	str type = http_header(q, "content-type");
	bool multipart = str_starts_nocase(type, STR("multipart/form-data"));
	if (!multipart && !str_starts_nocase(type, STR("application/json"))) {
		say(a, 415, "send application/json, or a form");
		return;
	}
	size_t most = is_public ? BODY_PUBLIC_MAX : multipart ? BODY_MAX : BODY_JSON_MAX, room = room_for(q, most);
	if (atomic_fetch_add(&w->bodies, room) + room > BODIES_BYTES) {
		atomic_fetch_sub(&w->bodies, room);
		say(a, 503, "too much is being sent at once: try again in a moment");
		return;
	}
	struct collected *c = x_alloc(sizeof *c);
	c->w = w;
	c->room = room;
	c->body = (struct buf)BUF_INIT(most);
	u->ctx = c;
	u->give = give;
	u->abort = give_up;
}

void body_end(struct web *w, const struct http_request *q, struct http_upload *u,
	      struct http_answer *a)
{
	struct collected *c = u->ctx;
	if (u->failed.rc != RC_OK)
		say(a, u->failed.rc == RC_LIMIT ? 413 : rc_http_status(u->failed.rc), u->failed.text);
	else
		answer_request(w, q, buf_str(&c->body), a);
	drop(c);
}
