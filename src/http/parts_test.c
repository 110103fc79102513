/* SPDX-License-Identifier: Apache-2.0 */
/* Forms with files (RFC 7578), from whole to hostile. */
#include "http/client_test.h"

#define TYPE "multipart/form-data; boundary=b0undary"
#define PART(name, value) "--b0undary\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_PART(name, file, value)                                                              \
	"--b0undary\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"" file       \
	"\"\r\nContent-Type: application/octet-stream\r\n\r\n" value "\r\n"
#define END "--b0undary--\r\n"

static bool takes_all(void *ctx, const struct http_request *q)
{
	(void)ctx;
	(void)q;
	return true;
}

static enum rc take(void *ctx, str bytes, struct err *err)
{
	(void)err;
	buf_add(ctx, bytes);
	return RC_OK;
}

static void drop(void *ctx)
{
	buf_free(ctx);
	free(ctx);
}

static void begin(void *ctx, const struct http_request *q, struct http_upload *u, struct http_answer *a)
{
	struct buf *b = x_alloc(sizeof *b);
	(void)ctx;
	(void)q;
	(void)a;
	*b = (struct buf)BUF_INIT(MIB(2));
	u->ctx = b;
	u->give = take;
	u->abort = drop;
}

/* Each part as "name=value;" or "name@file=value;", a long value as its length. */
static void end(void *ctx, const struct http_request *q, struct http_upload *u, struct http_answer *a)
{
	struct buf *b = u->ctx;
	struct http_part *parts = NULL;
	size_t count = 0;
	struct err err = { 0 };
	(void)ctx;
	enum rc rc = http_parts(q, buf_str(b), q->a, &parts, &count, &err);
	a->status = rc_http_status(rc);
	a->type = "text/plain; charset=utf-8";
	a->body = (struct buf)BUF_INIT(MIB(1));
	if (rc != RC_OK)
		buf_fmt(&a->body, "%s", err.text);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		buf_add(&a->body, parts[i].name);
		if (parts[i].file_name.p)
			buf_fmt(&a->body, "@" STR_FMT, STR_ARG(parts[i].file_name));
		if (parts[i].value.n > 60)
			buf_fmt(&a->body, "=%zu bytes;", parts[i].value.n);
		else
			buf_fmt(&a->body, "=" STR_FMT ";", STR_ARG(parts[i].value));
	}
	drop(b);
}

static int post(struct http *http, const char *type, str body, struct buf *out)
{
	struct buf request = BUF_INIT(MIB(2));
	buf_fmt(&request, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
		type, body.n);
	buf_add(&request, body);
	buf_reset(out);
	int status = exchange(http_port(http), buf_str(&request), out, NULL, 5000);
	buf_free(&request);
	return status;
}

static const struct {
	const char *what, *type;
	str body;
	int status;
	const char *says;
} forms[] = {
	{ "one", TYPE, STR_INIT(PART("a", "1") END), 200, "\r\n\r\na=1;" },
	{ "two, one empty", TYPE, STR_INIT(PART("a", "") PART("b", "2") END), 200, "\r\n\r\na=;b=2;" },
	{ "the same name twice", TYPE, STR_INIT(PART("a", "1") PART("a", "2") END), 200, "a=1;a=2;" },
	{ "a file", TYPE, STR_INIT(FILE_PART("f", "x.txt", "bytes") END), 200, "f@x.txt=bytes;" },
	{ "line ends inside", TYPE, STR_INIT(PART("a", "x\r\n--b0undar\r\ny\r\n") END), 200,
	  "a=x\r\n--b0undar\r\ny\r\n;" },
	{ "folders in a name", TYPE, STR_INIT(FILE_PART("f", "../../x", "1") END), 200, "f@x=1;" },
	{ "folders of another system", TYPE, STR_INIT(FILE_PART("f", "C:\\\\temp\\\\x.doc", "1") END), 200, "f@x.doc=1;" },
	{ "control characters in a name", TYPE, STR_INIT(FILE_PART("f", "a\tb\x01" "c", "1") END), 200, "f@a?b?c=1;" },
	{ "markup in a name", TYPE, STR_INIT(FILE_PART("f", "<img src=x>.png", "1") END), 200, "f@<img src=x>.png=1;" },
	{ "text before the first", TYPE, STR_INIT("preamble\r\n" PART("a", "1") END), 200, "a=1;" },
	{ "text behind the last", TYPE, STR_INIT(PART("a", "1") END "epilogue"), 400, "malformed" },
	{ "nothing", TYPE, STR_INIT(""), 400, "malformed, or was cut off" },
	{ "no boundary said", "multipart/form-data", STR_INIT(PART("a", "1") END), 400, "malformed" },
	{ "another boundary", "multipart/form-data; boundary=other", STR_INIT(PART("a", "1") END), 400, "malformed" },
	{ "no last boundary", TYPE, STR_INIT(PART("a", "1")), 400, "malformed, or was cut off" },
	{ "cut in a value", TYPE, STR_INIT("--b0undary\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n12"), 400, "cut off" },
	{ "cut in a head", TYPE, STR_INIT("--b0undary\r\nContent-Disposition: form-da"), 400, "cut off" },
	{ "a part without a name", TYPE, STR_INIT("--b0undary\r\nContent-Disposition: form-data\r\n\r\n1\r\n" END), 400, "too long a name, or none" },
};

TEST(whole_and_hostile)
{
	struct http_handlers h = { .takes_body = takes_all, .upload_begin = begin, .upload_end = end,
				   .answer = seen_answer };
	struct http *http = test_server(&http_limits_default, &h, "");
	struct buf out = BUF_INIT(MIB(1));
	for (size_t i = 0; http && i < COUNT_OF(forms); i++) {
		int status = post(http, forms[i].type, forms[i].body, &out);
		CHECK_MSG(status == forms[i].status && str_find(buf_str(&out), str_of(forms[i].says)) < out.n,
			  "%s: %d, " STR_FMT, forms[i].what, status, STR_ARG(buf_str(&out)));
	}
	/* cut off at every byte: an answer, and never a whole form */
	str whole = STR(PART("a", "12345") FILE_PART("f", "x", "67890") "--b0undary--");
	for (size_t n = 0; http && n < whole.n; n++) {
		int status = post(http, TYPE, str_head(whole, n), &out);
		CHECK_MSG(status == 400, "cut at %zu: %d", n, status);
	}
	buf_free(&out);
	http_stop(http);
}

static void fill(struct buf *b, char c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_char(b, c);
}

static void make_parts(struct buf *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_add(b, STR(PART("a", "1")));
}

static void make_name(struct buf *b, size_t n)
{
	buf_add(b, STR("--b0undary\r\nContent-Disposition: form-data; name=\""));
	fill(b, 'n', n);
	buf_add(b, STR("\"\r\n\r\n1\r\n"));
}

static void make_head(struct buf *b, size_t n)
{
	buf_add(b, STR("--b0undary\r\nX: "));
	fill(b, 'x', n);
	buf_add(b, STR("\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"));
}

TEST(limits_below_at_above)
{
	static const struct {
		const char *what;
		void (*make)(struct buf *b, size_t n);
		size_t n;
		int status;
	} sizes[] = {
		{ "parts", make_parts, HTTP_PARTS_MAX - 1, 200 }, { "parts", make_parts, HTTP_PARTS_MAX, 200 },
		{ "parts", make_parts, HTTP_PARTS_MAX + 1, 400 },
		{ "a name", make_name, HTTP_PART_NAME_MAX - 1, 200 },
		{ "a name", make_name, HTTP_PART_NAME_MAX, 200 },
		{ "a name", make_name, HTTP_PART_NAME_MAX + 1, 400 },
		{ "a line of a head", make_head, 1000, 200 }, { "a line of a head", make_head, 100000, 400 },
	};
	struct http_handlers h = { .takes_body = takes_all, .upload_begin = begin, .upload_end = end,
				   .answer = seen_answer };
	struct http *http = test_server(&http_limits_default, &h, "");
	struct buf body = BUF_INIT(MIB(2)), out = BUF_INIT(MIB(1));
	for (size_t i = 0; http && i < COUNT_OF(sizes); i++) {
		buf_reset(&body);
		sizes[i].make(&body, sizes[i].n);
		buf_add(&body, STR(END));
		int status = post(http, TYPE, buf_str(&body), &out);
		CHECK_MSG(status == sizes[i].status, "%s of %zu: %d", sizes[i].what, sizes[i].n, status);
	}
	/* a name of a file is cut between characters */
	buf_reset(&body);
	buf_add(&body, STR("--b0undary\r\nContent-Disposition: form-data; name=\"f\"; filename=\""));
	fill(&body, 'x', HTTP_PART_NAME_MAX - 1);
	buf_add(&body, STR("\xc3\xa9\"\r\n\r\n1\r\n" END));
	CHECK_INT(post(http, TYPE, buf_str(&body), &out), 200);
	CHECK(str_find(buf_str(&out), STR("x=1;")) < out.n);
	/* a long value whole, across every reading of the socket */
	buf_reset(&body);
	buf_add(&body, STR("--b0undary\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n"));
	fill(&body, '\r', 300001);
	buf_add(&body, STR("\r\n" END));
	CHECK_INT(post(http, TYPE, buf_str(&body), &out), 200);
	CHECK(str_find(buf_str(&out), STR("f@x=300001 bytes;")) < out.n);
	buf_free(&body);
	buf_free(&out);
	http_stop(http);
}

TEST_MAIN(TEST_RUN(whole_and_hostile), TEST_RUN(limits_below_at_above))
