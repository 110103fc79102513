/* SPDX-License-Identifier: Apache-2.0 */
#include "web/page.h"

/* POST /api/reports?feed=NAME&format=NAME&name=FILE, the report as the body,
 * packed or not. 202 with its summary once it is on disk: the same bytes again
 * get the first summary. What fails is said with a kind and in words. */

struct upload {
	struct web *w;
	struct intake *in;
	bool wait;
};

void api_words(struct http_answer *a, int status, const char *kind, const char *words)
{
	a->status = status;
	a->type = "application/json";
	a->body = (struct buf)BUF_INIT(KIB(4));
	struct json_out j = json_out(&a->body);
	json_open(&j, '{');
	json_key(&j, STR("error"));
	json_open(&j, '{');
	json_put_str(&j, "kind", str_of(kind));
	json_put_str(&j, "words", str_of(words));
	json_close(&j, '}');
	json_close(&j, '}');
	buf_char(&a->body, '\n');
	if (status == 401)
		answer_header(a, "WWW-Authenticate", STR("Bearer"));
	if (status == 429 || status == 503 || status == 507)
		answer_header(a, "Retry-After", status == 429 ? STR("600") : STR("30"));
}

static void answer_failure(struct web *w, struct http_answer *a, enum rc rc, const struct err *err)
{
	int status = rc_http_status(rc);
	/* the report itself is over a limit, or the disk is: rc.h says 507 for both */
	atomic_fetch_add(&w->refused_reports, 1);
	api_words(a, status, rc_name(rc), err->text);
}

/* May this caller send reports here? Answers when not. */
static bool admitted(struct web *w, const struct http_request *q, struct caller *c,
		     struct http_answer *a)
{
	str type = http_header(q, "content-type");
	identify(w, q, c);
	caller_end(c); /* reports are no business of a case key */
	if (c->too_often)
		api_words(a, 429, "busy", "too many wrong tries from this address; wait ten minutes");
	else if (!c->known || c->by_session) /* a cookie alone must not send anything */
		api_words(a, 401, "denied", "send a token: Authorization: Bearer ...");
	else if (!right_includes(c->viewer.right, RIGHT_INTAKE))
		api_words(a, 403, "denied", "this token does not have the right intake");
	else if (str_starts_nocase(type, STR("multipart/")))
		api_words(a, 415, "input", "send the report as the body itself, as curl --data-binary does");
	return a->status == 0;
}

static enum rc give(void *ctx, str bytes, struct err *err)
{
	struct upload *u = ctx;
	return intake_bytes(u->in, bytes, err);
}

static void give_up(void *ctx)
{
	struct upload *u = ctx;
	intake_abort(u->in);
}

uint64_t api_reports_most(const struct web *w)
{
	return (uint64_t)settings_int(w->n->settings, "intake_body_max");
}

static void begin(struct web *w, const struct http_request *q, str format, struct http_upload *u, struct http_answer *a)
{
	struct caller c;
	struct err err = { 0 };
	if (q->method != HTTP_POST || !admitted(w, q, &c, a))
		return;
	str feed = http_query(q, "feed"), bound = str_of(c.feed);
	if (bound.n > 0 && feed.n > 0 && !str_eq(feed, bound)) {
		api_words(a, 403, "denied", "this token is for another feed");
		return;
	}
	struct delivery d = { .feed = bound.n > 0 ? bound : feed,
			      .format = format,
			      .file_name = http_query(q, "name"),
			      .actor = arena_str(q->a, str_of(c.viewer.actor)) };
	d.feed = arena_str(q->a, d.feed);
	struct upload *up = ARENA_NEW(q->a, struct upload);
	up->w = w;
	up->wait = str_eq(http_query(q, "wait"), STR("findings"));
	enum rc rc = intake_begin(w->n->pipeline, &d, &up->in, &err);
	if (rc != RC_OK) {
		answer_failure(w, a, rc, &err);
		return;
	}
	*u = (struct http_upload){ .ctx = up, .give = give, .abort = give_up };
}

void api_reports_begin(struct web *w, const struct http_request *q, struct http_upload *u, struct http_answer *a)
{
	begin(w, q, http_query(q, "format"), u, a);
}

/* As IntelMQ's own collector of that name takes them (docs/intelmq.md). */
void api_intelmq_push_begin(struct web *w, const struct http_request *q, struct http_upload *u, struct http_answer *a)
{
	begin(w, q, STR("intelmq"), u, a);
}

void api_intelmq_push_end(struct web *w, const struct http_request *q, struct http_upload *u, struct http_answer *a)
{
	api_reports_end(w, q, u, a);
}

uint64_t api_intelmq_push_most(const struct web *w)
{
	return api_reports_most(w);
}

void api_reports_end(struct web *w, const struct http_request *q, struct http_upload *u,
		     struct http_answer *a)
{
	struct upload *up = u->ctx;
	struct intake_summary s;
	struct err err = { 0 };
	(void)q;
	if (u->failed.rc != RC_OK) {
		intake_abort(up->in);
		answer_failure(w, a, u->failed.rc, &u->failed);
		return;
	}
	enum rc rc = intake_end(up->in, up->wait, NULL, NULL, &s, &err);
	if (rc != RC_OK) {
		answer_failure(w, a, rc, &err);
		return;
	}
	atomic_fetch_add(&w->reports, 1);
	atomic_fetch_add(&w->inputs, s.counts.inputs);
	a->status = 202;
	a->type = "application/json";
	a->body = (struct buf)BUF_INIT(KIB(4));
	struct json_out j = json_out(&a->body);
	intake_summary_json(&s, &j);
	buf_char(&a->body, '\n');
}
