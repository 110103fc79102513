/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of the server, and what each takes. */
#include "exchange/taxii_private.h"

#include "exchange/line.h"
#include "exchange/quota.h"

#include <stdio.h>
#include <time.h>

enum { BODY_CAP = TAXII_PAGE_BYTES * 2, SEGMENTS_MAX = 6 };

static const struct address {
	const char *path;               /* "*": anything, the first is the id, the second the object */
	void (*get)(struct taxii *t);
	void (*post)(struct taxii *t);
	void (*del)(struct taxii *t);
	const char *allow;
	bool tagged;                    /* small, asked for often, and mostly the same */
} addresses[] = {
	{ "", taxii_discovery, NULL, NULL, "GET, HEAD", true },
	{ TAXII_API, taxii_api_root, NULL, NULL, "GET, HEAD", true },
	{ TAXII_API "status/*/", taxii_status, NULL, NULL, "GET, HEAD", false },
	{ TAXII_API "collections/", taxii_collections, NULL, NULL, "GET, HEAD", true },
	{ TAXII_API "collections/*/", taxii_collection, NULL, NULL, "GET, HEAD", true },
	{ TAXII_API "collections/*/manifest/", taxii_manifest, NULL, NULL, "GET, HEAD", false },
	{ TAXII_API "collections/*/objects/", taxii_objects, taxii_post, NULL, "GET, HEAD, POST", false },
	{ TAXII_API "collections/*/objects/*/", taxii_object, NULL, taxii_delete, "GET, HEAD, DELETE", false },
	{ TAXII_API "collections/*/objects/*/versions/", taxii_versions, NULL, NULL, "GET, HEAD", false },
};

/* --- answers --- */

void taxii_header(struct taxii *t, const char *name, str value)
{
	struct taxii_answer *out = t->out;
	if (out->header_count == COUNT_OF(out->headers))
		return;
	out->headers[out->header_count].name = name;
	out->headers[out->header_count++].value = value;
}

void taxii_begin(struct taxii *t, int status)
{
	buf_free(&t->out->body);
	t->out->body = (struct buf)BUF_INIT(BODY_CAP);
	t->out->status = status;
	t->j = json_out(&t->out->body);
	json_open(&t->j, '{');
}

void taxii_end(struct taxii *t)
{
	json_close(&t->j, '}');
	buf_char(&t->out->body, '\n');
	if (t->out->body.over)
		taxii_fail(t, 500, "the answer is too large");
}

static void put_error(struct json_out *j, int status, const char *title)
{
	char code[16];
	snprintf(code, sizeof code, "%d", status);
	json_put_str(j, "title", str_of(title));
	json_put_str(j, "http_status", str_of(code));
}

void taxii_refuse(int status, const char *title, struct taxii_answer *out)
{
	struct taxii t = { .out = out };
	out->header_count = 0;
	taxii_begin(&t, status);
	put_error(&t.j, status, title);
	json_close(&t.j, '}');
	buf_char(&out->body, '\n');
	if (status == 401)
		taxii_header(&t, "WWW-Authenticate", STR("Basic realm=\"ronda\", Bearer realm=\"ronda\""));
	if (status == 429 || status == 503)
		taxii_header(&t, "Retry-After", status == 429 ? STR("60") : STR("30"));
}

void taxii_fail(struct taxii *t, int status, const char *title)
{
	taxii_refuse(status, title, t->out);
}

str taxii_seconds(struct arena *a, int64_t wait_us)
{
	return arena_fmt(a, "%lld", (long long)((wait_us + SECOND_US - 1) / SECOND_US));
}

void taxii_fail_later(struct taxii *t, int status, const char *title, int64_t wait_us)
{
	taxii_fail(t, status, title);
	t->out->header_count = 0;
	taxii_header(t, "Retry-After", taxii_seconds(t->a, wait_us));
}

void taxii_fail_rc(struct taxii *t, enum rc rc, const struct err *err)
{
	switch (rc) {
	case RC_INPUT:
		taxii_fail(t, 400, err->text);
		return;
	case RC_DENIED:
		taxii_fail(t, 403, err->text);
		return;
	case RC_ABSENT:
		taxii_fail(t, 404, err->text);
		return;
	case RC_CONFLICT:
		taxii_fail(t, 409, err->text);
		return;
	case RC_OK:
	case RC_LIMIT:
	case RC_BUSY:
	case RC_IO:
		break;
	}
	if (rc == RC_IO)
		log_error(t->x->w.log, "a TAXII request failed", L_Z("why", err->text));
	taxii_fail(t, 503, rc == RC_IO ? "this did not work here: try again later" : err->text);
}

str taxii_time(struct arena *a, int64_t us)
{
	int64_t s = us / SECOND_US, part = us % SECOND_US;
	time_t at = (time_t)s;
	struct tm tm;
	if (us < 0 || !gmtime_r(&at, &tm))
		return STR("1970-01-01T00:00:00.000000Z");
	return arena_fmt(a, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
			 tm.tm_min, tm.tm_sec, (int)part);
}

/* --- finding the address --- */

/* Segment by segment; a path and a pattern both end in '/'. */
static bool matches(struct taxii *t, const char *pattern, str path)
{
	str want = str_of(pattern), items[2] = { STR_NONE, STR_NONE };
	size_t n = 0;
	while (want.n > 0 && path.n > 0) {
		bool closed = str_has(path, '/');
		str one = str_cut(&want, '/'), have = str_cut(&path, '/');
		if (!closed || have.n == 0)
			return false;
		if (str_eq(one, STR("*")))
			items[n++] = have;
		else if (!str_eq(one, have))
			return false;
	}
	t->id = items[0];
	t->object = items[1];
	return want.n == 0 && path.n == 0;
}

static const struct address *address_of(struct taxii *t, str path)
{
	for (size_t i = 0; i < COUNT_OF(addresses); i++)
		if (matches(t, addresses[i].path, path))
			return &addresses[i];
	return NULL;
}

bool taxii_takes_body(str path)
{
	struct taxii t = { .q = NULL };
	const struct address *at = address_of(&t, path);
	return at && at->post;
}

/* --- who --- */

struct sought {
	struct uuid organisation;
	struct arena *a;
	struct partner *out;
	bool found;
};

static bool seek(void *ctx, const struct partner *p)
{
	struct sought *s = ctx;
	if (!uuid_equal(&p->organisation, &s->organisation))
		return true;
	*s->out = *p;
	s->found = true;
	return false;
}

/* A token of somebody of a partner's organisation speaks for the partner. */
static enum rc find_partner(struct taxii *t, struct err *err)
{
	struct sought s = { .organisation = t->q->viewer->organisation, .out = &t->partner };
	struct reader *r;
	if (uuid_is_zero(&s.organisation))
		return RC_OK;
	enum rc rc = store_read_begin(t->x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = partners_list(t->x, reader_conn(r), true, t->a, seek, &s, err);
	store_read_end(r);
	t->is_partner = s.found;
	return rc;
}

static enum rc identify(struct taxii *t, struct err *err)
{
	const struct taxii_request *q = t->q;
	bool is_open = settings_bool(t->x->w.settings, "taxii_public");
	switch (q->who) {
	case TAXII_ANYBODY:
		t->reads_public = is_open;
		return RC_OK;
	case TAXII_VIEWER:
		t->reads_public = is_open || right_includes(q->viewer->right, RIGHT_READ);
		return find_partner(t, err);
	case TAXII_PARTNER:
		t->partner = *q->partner;
		t->is_partner = true;
		t->reads_public = true;
		return RC_OK;
	}
	return RC_OK;
}

static bool may_enter(struct taxii *t)
{
	if (t->is_partner || t->reads_public)
		return true;
	if (t->q->who == TAXII_ANYBODY)
		taxii_fail(t, 401, "say who you are: Basic with a token as the password, or Bearer");
	else
		taxii_fail(t, 403, "this token may read nothing here");
	return false;
}

/* Weak: packed or not, it says the same. */
static str tag_of(struct arena *a, str body)
{
	const struct digest d = sha256(body);
	struct buf text = BUF_INIT(64);
	buf_add(&text, STR("W/\""));
	hex_format(&text, d.b, 16);
	buf_char(&text, '"');
	str tag = arena_str(a, buf_str(&text));
	buf_free(&text);
	return tag;
}

static void run(struct taxii *t)
{
	const struct taxii_request *q = t->q;
	const struct address *at = address_of(t, q->path);
	if (!at) {
		taxii_fail(t, 404, "there is nothing here; every address ends in '/'");
		return;
	}
	void (*fn)(struct taxii *t) = q->method == TAXII_GET || q->method == TAXII_HEAD ? at->get :
				      q->method == TAXII_POST ? at->post : q->method == TAXII_DELETE ? at->del : NULL;
	if (!fn) {
		taxii_fail(t, 405, "this address is not asked in this way");
		taxii_header(t, "Allow", str_of(at->allow));
	} else if (q->query_bytes > TAXII_QUERY_MAX) {
		taxii_fail(t, 414, "the query is too long");
	} else if (!taxii_accepts(q->accept)) {
		taxii_fail(t, 406, "accept application/taxii+json;version=2.1: there is nothing else here");
	} else {
		fn(t);
		if (at->tagged && t->out->status == 200)
			t->out->tag = tag_of(t->a, buf_str(&t->out->body));
	}
}

/* --- how much of us he may use --- */

/* Answers when he has used it up. */
static bool within_quota(struct taxii *t)
{
	const char *why;
	enum lane lane = LANE_BULK;
	(void)lane_of_name(t->q->lane.p ? t->q->lane : STR(""), &lane);
	int64_t wait = quota_ask(t->x, &t->partner, lane != LANE_BULK, &why);
	if (wait)
		taxii_fail_later(t, 429, why, wait);
	return wait == 0;
}

/* Who has used it up with this is told how long to wait before the next: then nothing has to be refused. */
static void pay(struct taxii *t, int64_t begin_us)
{
	const struct quota_cost cost = { t->objects, t->q->body.n, quota_cpu_us() - begin_us };
	quota_spend(t->x, &t->partner, t->q->pin, &cost);
	int64_t wait = quota_wait(t->x, &t->partner);
	if (wait && t->out->status == 202)
		taxii_header(t, "Retry-After", taxii_seconds(t->a, wait));
}

void taxii_answer(struct exchange *x, const struct taxii_request *q, struct arena *a, struct taxii_answer *out)
{
	struct taxii t = { .x = x, .q = q, .a = a, .out = out };
	struct err err = { 0 };
	int64_t begin = quota_cpu_us();
	*out = (struct taxii_answer){ .status = 0 };
	enum rc rc = identify(&t, &err);
	if (rc != RC_OK)
		taxii_fail_rc(&t, rc, &err);
	else if (may_enter(&t) && (!t.is_partner || within_quota(&t))) {
		if (q->who == TAXII_PARTNER)
			courier_reached(x, t.partner.id);
		run(&t);
		if (t.is_partner)
			pay(&t, begin);
	}
}

/* --- the two that say only what the server is --- */

void taxii_discovery(struct taxii *t)
{
	taxii_begin(t, 200);
	json_put_str(&t->j, "title", store_node_name(t->x->w.store));
	json_put_str(&t->j, "description", STR("Reports of abuse, incidents and warnings, shared by agreement."));
	json_put_str(&t->j, "default", STR(TAXII_ROOT TAXII_API));
	json_key(&t->j, STR("api_roots"));
	json_open(&t->j, '[');
	json_str(&t->j, STR(TAXII_ROOT TAXII_API));
	json_close(&t->j, ']');
	taxii_end(t);
}

void taxii_api_root(struct taxii *t)
{
	taxii_begin(t, 200);
	json_put_str(&t->j, "title", store_node_name(t->x->w.store));
	json_key(&t->j, STR("versions"));
	json_open(&t->j, '[');
	json_str(&t->j, STR(TAXII_TYPE));
	json_close(&t->j, ']');
	json_put_i64(&t->j, "max_content_length", TAXII_BODY_MAX);
	taxii_end(t);
}
