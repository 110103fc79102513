/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_private.h"

enum { STREAM_BYTES = 32 << 10 };

struct http_exchange *http_exchange_new(struct http *h, struct MHD_Connection *c, str target)
{
	struct http_exchange *x = x_alloc(sizeof *x);
	x->h = h;
	x->c = c;
	x->q.a = arena_new(KIB(4));
	x->q.x = x;
	x->head.target = arena_str(x->q.a, target);
	atomic_fetch_add(&h->requests, 1);
	atomic_fetch_add(&h->under_way, 1);
	return x;
}

static void free_exchange(struct http_exchange *x)
{
	struct http *h = x->h;
	if (x->taking && x->u.abort)
		x->u.abort(x->u.ctx);
	if (x->ans.stream_end)
		x->ans.stream_end(x->ans.stream_ctx);
	buf_free(&x->ans.body);
	buf_free(&x->body);
	free(x->piece);
	arena_free(x->q.a);
	free(x);
	atomic_fetch_sub(&h->under_way, 1);
}

void http_exchange_finish(struct http_exchange *x)
{
	bool may_block = x->taking || x->ans.stream_end;
	x->job = JOB_FINISH;
	if (!may_block || !queue_put(x->h->uploads, x))
		free_exchange(x);
}

/* --- what comes next --- */

static enum http_method method_of(str m)
{
	if (str_eq(m, STR("GET")))
		return HTTP_GET;
	if (str_eq(m, STR("HEAD")))
		return HTTP_HEAD;
	if (str_eq(m, STR("DELETE")))
		return HTTP_DELETE;
	return str_eq(m, STR("POST")) ? HTTP_POST : HTTP_OTHER;
}

static bool is_form(const struct http_request *q)
{
	str type = http_header(q, "content-type");
	return str_eq_nocase(str_trim(str_head(type, str_index(type, ';'))),
			     STR("application/x-www-form-urlencoded"));
}

static bool open_body(struct http_exchange *x)
{
	const struct http_limits *l = &x->h->o.limits;
	const struct http_handlers *to = &x->h->handlers;
	bool form = is_form(&x->q) && !(to->takes_body && to->takes_body(to->ctx, &x->q));
	x->body = (struct buf)BUF_INIT(form ? l->form_bytes : PIECE_BYTES + l->head_bytes * 4);
	x->step = form ? STEP_FORM : STEP_BEGIN;
	x->most = form ? l->form_bytes : to->body_most ? to->body_most(to->ctx, &x->q) : l->body_bytes;
	/* a form that is a little too large is read, so that its sender sees the answer */
	return x->head.length <= x->most + (form ? DRAIN_BYTES : 0);
}

static bool open_target(struct http_exchange *x)
{
	str query, host;
	if (!target_parse(x->head.target, x->q.a, &x->q.path, &query, &host) ||
	    !pairs_parse(query, x->q.a, &x->query))
		return false;
	/* the host stands twice in an absolute target: both must say the same */
	return !host.p || str_eq_nocase(host, str_trim(http_header(&x->q, "host")));
}

int http_exchange_open(struct http_exchange *x, const char **words_out)
{
	int status = framing_check(&x->head, &x->h->o.limits, words_out);
	if (status)
		return status;
	if (!open_target(x))
		return *words_out = "the address is malformed", 400;
	x->q.method = method_of(str_of(x->head.method));
	x->q.secure = x->h->tls;
	x->q.from = x->link->peer;
	if (x->link->trusted) {
		x->q.from = proxies_client(&x->h->proxies, &x->link->peer, &x->head.headers,
					   &x->q.secure);
		if (!links_forwarded(x->h->links, x->link, &x->q.from))
			return *words_out = "too many requests at once", 429;
	}
	bool has_body = x->head.chunked || x->head.length > 0;
	x->step = STEP_READY;
	if (x->q.method == HTTP_POST)
		return open_body(x) ? 0 : (*words_out = "the body is too large", 413);
	if (has_body)
		return *words_out = "a body where none belongs", x->q.method == HTTP_OTHER ? 405 : 400;
	return 0;
}

/* --- in a worker --- */

static void fail_answer(struct http_exchange *x)
{
	if (x->ans.status == 0)
		respond_words(x, 500, "nothing was answered");
}

static void run_begin(struct http_exchange *x)
{
	if (!x->h->handlers.upload_begin) {
		respond_words(x, 405, "nothing can be sent here");
		return;
	}
	x->h->handlers.upload_begin(x->h->handlers.ctx, &x->q, &x->u, &x->ans);
	x->taking = x->ans.status == 0 && x->u.give;
	if (!x->taking)
		fail_answer(x);
}

static void run_give(struct http_exchange *x)
{
	if (x->taking && x->body.n > 0 && x->u.failed.rc == RC_OK) {
		enum rc rc = x->u.give(x->u.ctx, buf_str(&x->body), &x->u.failed);
		if (rc != RC_OK && x->u.failed.rc == RC_OK)
			x->u.failed.rc = rc;
	}
	buf_reset(&x->body);
}

static void run_end(struct http_exchange *x)
{
	run_give(x);
	x->taking = false;
	x->h->handlers.upload_end(x->h->handlers.ctx, &x->q, &x->u, &x->ans);
	fail_answer(x);
	x->step = STEP_DONE;
}

static void run_answer(struct http_exchange *x)
{
	x->h->handlers.answer(x->h->handlers.ctx, &x->q, &x->ans);
	fail_answer(x);
	compress_answer(&x->q, &x->ans);
	x->step = STEP_DONE;
}

static void run_stream(struct http_exchange *x)
{
	if (!x->piece)
		x->piece = x_alloc(STREAM_BYTES);
	x->piece_at = 0;
	x->piece_n = x->ans.stream(x->ans.stream_ctx, x->piece, STREAM_BYTES);
	if (x->piece_n > STREAM_BYTES)
		x->piece_n = -1;
}

void *http_exchange_worker(void *queue)
{
	struct http_exchange *x;
	while ((x = queue_take(queue)) != NULL) {
		switch (x->job) {
		case JOB_BEGIN: run_begin(x); break;
		case JOB_GIVE:
			run_give(x);
			link_body(x->h->links, x->link, false);
			break;
		case JOB_END: run_end(x); break;
		case JOB_ANSWER: run_answer(x); break;
		case JOB_STREAM: run_stream(x); break;
		case JOB_FINISH: free_exchange(x); continue;
		}
		MHD_resume_connection(x->c); /* from here on x is the library's thread's */
	}
	return NULL;
}

void http_exchange_submit(struct http_exchange *x, enum job job)
{
	x->job = job;
	link_work(x->link);
	MHD_suspend_connection(x->c);
	if (queue_put(job == JOB_ANSWER ? x->h->answers : x->h->uploads, x))
		return;
	x->close = x->over = true; /* we are stopping */
	MHD_resume_connection(x->c);
}

/* --- what a handler may ask --- */

str http_header(const struct http_request *q, const char *name)
{
	const struct pairs *h = &q->x->head.headers;
	for (size_t i = 0; i < h->count; i++) {
		if (str_eq_nocase(h->list[i].name, str_of(name)))
			return str_trim(h->list[i].value);
	}
	return STR_NONE;
}

bool http_has_tag(const struct http_request *q, str tag)
{
	str list = http_header(q, "if-none-match");
	const str weak = STR("W/");
	if (str_eq(list, STR("*")))
		return true;
	while (list.n > 0) {
		str one = str_trim(str_cut(&list, ','));
		if (str_eq(str_starts(one, weak) ? str_from(one, weak.n) : one, str_starts(tag, weak) ? str_from(tag, weak.n) : tag))
			return true;
	}
	return false;
}

str http_query(const struct http_request *q, const char *name)
{
	return pairs_find(&q->x->query, str_of(name));
}

void http_query_each(const struct http_request *q, void (*each)(void *ctx, str name, str value),
		     void *ctx)
{
	for (size_t i = 0; i < q->x->query.count; i++)
		each(ctx, q->x->query.list[i].name, q->x->query.list[i].value);
}

str http_form(const struct http_request *q, const char *name)
{
	return pairs_find(&q->x->form, str_of(name));
}

void http_form_each(const struct http_request *q, void (*each)(void *ctx, str name, str value),
		    void *ctx)
{
	for (size_t i = 0; i < q->x->form.count; i++)
		each(ctx, q->x->form.list[i].name, q->x->form.list[i].value);
}

str http_cookie(const struct http_request *q, const char *name)
{
	const struct pairs *h = &q->x->head.headers;
	for (size_t i = 0; i < h->count; i++) {
		if (!str_eq_nocase(h->list[i].name, STR("cookie")))
			continue;
		str rest = h->list[i].value;
		while (rest.n > 0) {
			str value = str_trim(str_cut(&rest, ';'));
			str key = str_trim(str_cut(&value, '='));
			if (str_eq(key, str_of(name)))
				return value;
		}
	}
	return STR_NONE;
}
