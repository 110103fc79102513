/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "base/hash.h"
#include "base/test_dir.h"
#include "http/client_test.h"
#include "http/fetch_private.h"
#include "http/http_private.h"
#include "http/pem_test.h"

/* Globally reachable by their registry (RFC 7534, 7535), and never dialled:
 * give_port() leads elsewhere. */
#define PUBLIC4 "192.31.196.1"
#define PUBLIC6 "2620:4f:8000::1"

/* --- a server that does as its address says --- */

static void set_header(struct http_answer *a, const char *name, str value)
{
	a->headers[a->header_count].name = name;
	a->headers[a->header_count++].value = value;
}

static str fill(const struct http_request *q, const char *name)
{
	uint64_t n = 0;
	char *p;

	if (!str_to_u64(http_query(q, name), &n) || n > MIB(2))
		return STR_NONE;
	p = arena_alloc(q->a, n + 1);
	memset(p, 'x', n);
	return (str){ p, n };
}

static void serve(void *ctx, const struct http_request *q, struct http_answer *a)
{
	struct seen *s = ctx;
	atomic_fetch_add(&s->answers, 1);
	a->status = 200;
	a->type = "text/plain";
	a->body = (struct buf)BUF_INIT(MIB(4));
	if (str_eq(q->path, STR("/to"))) {
		a->status = 302;
		set_header(a, "Location", http_query(q, "url"));
	} else if (str_eq(q->path, STR("/again"))) {
		uint64_t n = fill(q, "n").n;
		a->status = 307;
		set_header(a, "Location", n ? arena_fmt(q->a, "/again?n=%llu", (unsigned long long)n - 1)
					    : STR("/echo"));
	} else if (str_eq(q->path, STR("/body"))) {
		buf_add(&a->body, fill(q, "n"));
	} else if (str_eq(q->path, STR("/head"))) {
		set_header(a, "X-Fill", fill(q, "n"));
	} else if (str_eq(q->path, STR("/slow"))) {
		(void)poll(NULL, 0, 600);
	} else if (str_eq(q->path, STR("/json"))) {
		a->type = "application/json; charset=utf-8";
		buf_add(&a->body, STR("{\"a\":1}"));
	} else if (str_eq(q->path, STR("/cookie"))) {
		set_header(a, "Set-Cookie", STR("c=1; Path=/"));
		buf_fmt(&a->body, "cookie=" STR_FMT, STR_ARG(http_header(q, "Cookie")));
	} else {
		buf_fmt(&a->body, "%s path=" STR_FMT " f=" STR_FMT " auth=" STR_FMT " agent=" STR_FMT,
			q->method == HTTP_POST ? "POST" : "GET", STR_ARG(q->path),
			STR_ARG(http_form(q, "f")), STR_ARG(http_header(q, "Authorization")),
			STR_ARG(http_header(q, "User-Agent")));
	}
}

/* --- a world: fetcher, servers, names --- */

struct world {
	struct fetcher *f;
	struct arena *a;
	struct seen seen;
	struct http *plain, *tls;
	struct test_dir dir;
	char cert[512], key[512], plain_url[64];
	/* what each question for a name is answered with, comma separated; the last repeats */
	const char *answers[8];
	unsigned asked;
	atomic_uint dialled;
	struct ip last;
};

static enum rc give_names(void *ctx, const char *host, int64_t timeout_ms,
			  struct ip out[FETCH_IPS_MAX], size_t *count_out, struct err *err)
{
	struct world *w = ctx;
	str rest = str_of(w->answers[w->asked] ? w->answers[w->asked] : w->answers[w->asked - 1]);

	(void)timeout_ms;
	w->asked += w->answers[w->asked] != NULL;
	for (*count_out = 0; rest.n && *count_out < FETCH_IPS_MAX;)
		CHECK(ip_parse(str_cut(&rest, ','), &out[(*count_out)++]));
	return *count_out ? RC_OK : fail(err, RC_ABSENT, "host '%s' has no address", host);
}

static uint16_t give_port(void *ctx, const struct ip *ip, uint16_t port)
{
	struct world *w = ctx;

	atomic_fetch_add(&w->dialled, 1);
	w->last = *ip;
	return port == 443 ? http_port(w->tls) : port;
}

static void world_new(struct world *w)
{
	struct err err = { 0 };
	struct http_handlers h = { .ctx = &w->seen, .answer = serve };
	struct http_options o = { .listen = "127.0.0.1:0", .limits = http_limits_default };

	w->a = arena_new(KIB(64));
	w->dir = test_dir_new();
	test_dir_in(&w->dir, w->cert, "cert.pem");
	test_dir_in(&w->dir, w->key, "key.pem");
	make_pem(w->cert, w->key);
	CHECK_RC(http_start(&o, &h, NULL, &w->plain, &err), RC_OK, err);
	o.tls_cert = w->cert;
	o.tls_key = w->key;
	CHECK_RC(http_start(&o, &h, NULL, &w->tls, &err), RC_OK, err);
	snprintf(w->plain_url, sizeof(w->plain_url), "http://127.0.0.1:%u", http_port(w->plain));
	CHECK_RC(fetch_new(w->cert, &w->f, &err), RC_OK, err);
	w->f->resolve = give_names;
	w->f->divert = give_port;
	w->f->resolve_ctx = w->f->divert_ctx = w;
	w->answers[0] = PUBLIC4;
}

static void world_end(struct world *w)
{
	fetch_free(w->f);
	http_stop(w->plain);
	http_stop(w->tls);
	arena_free(w->a);
	test_dir_end(&w->dir);
}

static enum rc get(struct world *w, str url, struct fetch_answer *out, struct err *err)
{
	struct fetch_request q = { .purpose = "test", .url = url };
	return fetch(w->f, &q, w->a, out, err);
}

TEST(addresses_that_are_not_public)
{
	static const char *const inside[] = {
		"0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254",
		"172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1",
		"198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1",
		"64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1",
		"2001::1", "2001:db8::1", "3fff::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1",
		"ff02::1", "100::1", "5f00::1", "2620:4f:8000::5efe:7f00:1",
		"2620:4f:8000:0:200:5efe:a00:1",
	};
	static const char *const outside[] = {
		PUBLIC4, PUBLIC6, "::ffff:" PUBLIC4, "64:ff9b::c01f:c401", "2002:c01f:c401::1",
	};
	/* As a URL writes them; some are no host of ours at all. */
	static const char *const forms[] = {
		"127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.",
		"[::1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[fe80::1%25lo]",
		"[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "localhost.", "127.0.0.1:443", "0",
		"user@127.0.0.1", "a@[::1]", "127.0.0.1%00.example.org", "%31%32%37.0.0.1", "999.1.1.1",
		"1.2.3.4.5", "ex ample.org", "\xe2\x91\xa0.0.0.1", "-a.example.org", "a..example.org", "",
	};
	struct world w = { 0 };
	struct fetch_answer out;
	struct err err = { 0 };
	char url[256];

	world_new(&w);
	CHECK_RC(fetch_allow(w.f, "test", STR("*"), &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(inside); i++) {
		bool six = strchr(inside[i], ':') != NULL;
		snprintf(url, sizeof(url), six ? "https://[%s]/" : "https://%s/", inside[i]);
		CHECK_MSG(get(&w, str_of(url), &out, &err) == RC_DENIED, "%s: %s", url, err.text);
		w.asked = 0;
		w.answers[0] = inside[i];
		CHECK_MSG(get(&w, STR("https://node.example.org/"), &out, &err) == RC_DENIED,
			  "name at %s: %s", inside[i], err.text);
	}
	w.answers[0] = "127.0.0.1";
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		snprintf(url, sizeof(url), "https://%s/", forms[i]);
		enum rc rc = get(&w, str_of(url), &out, &err);
		CHECK_MSG(rc == RC_DENIED || rc == RC_INPUT, "%s: %s", url, rc_name(rc));
		CHECK(out.status == 0 && out.body.n == 0);
	}
	/* one bad address among good ones condemns the name */
	w.asked = 0;
	w.answers[0] = PUBLIC4 "," PUBLIC6 ",10.0.0.1";
	CHECK_RC(get(&w, STR("https://node.example.org/"), &out, &err), RC_DENIED, err);
	CHECK_INT(w.dialled, 0);
	CHECK_INT(atomic_load(&w.seen.answers), 0);
	for (size_t i = 0; i < COUNT_OF(outside); i++) {
		struct ip ip;
		CHECK_MSG(ip_parse(str_of(outside[i]), &ip) && fetch_ip_is_public(&ip), "%s", outside[i]);
	}
	world_end(&w);
}

static str header_of(const struct http_request *q, const char *name)
{
	str v = http_header(q, name);
	return v.p ? v : STR("-");
}

struct posted {
	struct world *w;
	char seen[256];
	int status;
};

static void take_post(void *ctx, const struct http_request *q, struct http_answer *a)
{
	struct posted *p = ctx;
	snprintf(p->seen, sizeof(p->seen), STR_FMT " " STR_FMT, STR_ARG(header_of(q, "Content-Type")),
		 STR_ARG(header_of(q, "X-Id")));
	a->status = p->status;
	a->type = "text/plain";
}

/* What a POST of another type brings along, and whether it had begun when it failed. */
TEST(a_post_with_headers)
{
	struct posted p = { .status = 202 };
	struct http_handlers h = { .ctx = &p, .answer = take_post };
	struct http *http = test_server(&http_limits_default, &h, NULL);
	struct fetcher *f = NULL;
	struct arena *a = arena_new(KIB(4));
	struct fetch_answer out;
	struct err err = { 0 };
	struct buf body = BUF_INIT(KIB(1));
	bool begun = false;
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/hook", http_port(http));
	buf_add(&body, STR("a=1"));
	struct fetch_header headers[] = { { "X-Id", STR("7") } };
	struct fetch_request q = { .purpose = "test", .url = str_of(url), .form = &body,
				   .form_type = "application/x-www-form-urlencoded; charset=utf-8",
				   .headers = headers, .header_count = 1, .begun_out = &begun };
	CHECK_RC(fetch_new(NULL, &f, &err), RC_OK, err);
	CHECK_RC(fetch(f, &q, a, &out, &err), RC_DENIED, err);
	CHECK(!begun);
	CHECK_RC(fetch_exempt(f, "test", str_of(url), &err), RC_OK, err);
	CHECK_RC(fetch(f, &q, a, &out, &err), RC_OK, err);
	CHECK(begun);
	CHECK_INT(out.status, 202);
	CHECK_STR(str_of(p.seen), STR("application/x-www-form-urlencoded; charset=utf-8 7"));
	headers[0].value = STR("7\r\nX-More: 1");
	CHECK_RC(fetch(f, &q, a, &out, &err), RC_INPUT, err);
	CHECK(!begun);
	headers[0].value = STR("7");
	http_stop(http);
	CHECK_RC(fetch(f, &q, a, &out, &err), RC_BUSY, err);
	CHECK(!begun);
	buf_free(&body);
	fetch_free(f);
	arena_free(a);
}

TEST(what_no_rule_allows)
{
	static const struct { const char *url; enum rc rc; } rows[] = {
		{ "https://node.example.org/echo", RC_OK },
		{ "https://NODE.example.org:443/echo#part", RC_OK },
		{ "https://node.example.org:8443/", RC_DENIED },
		{ "https://other.example.org/", RC_DENIED },
		{ "https://x.node.example.org/", RC_DENIED },
		{ "http://node.example.org/", RC_DENIED },
		{ "http://node.example.org:443/", RC_DENIED },
		{ "https://localhost/", RC_DENIED },
		{ "https://" PUBLIC4 "/", RC_DENIED },
		{ "ftp://node.example.org/", RC_INPUT },
		{ "file:///etc/passwd", RC_INPUT },
		{ "gopher://node.example.org/", RC_INPUT },
		{ "https:node.example.org", RC_INPUT },
		{ "//node.example.org/", RC_INPUT },
		{ "node.example.org", RC_INPUT },
		{ "https://node.example.org:0/", RC_INPUT },
		{ "https://node.example.org:65536/", RC_INPUT },
		{ "https://node.example.org/a b", RC_INPUT },
		{ "https://node.example.org/\r\nX: y", RC_INPUT },
		{ "https://node.example.org\\@other.example.org/", RC_INPUT },
		{ "", RC_INPUT },
	};
	struct world w = { 0 };
	struct fetch_answer out;
	struct err err = { 0 };
	char long_url[FETCH_URL_MAX + 2];

	world_new(&w);
	CHECK_RC(fetch_allow(w.f, "test", STR("node.example.org"), &err), RC_OK, err);
	CHECK_RC(fetch_allow(w.f, "feed", STR("*"), &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		err.text[0] = '\0';
		enum rc rc = get(&w, str_of(rows[i].url), &out, &err);
		CHECK_MSG(rc == rows[i].rc, "%s: %s (%s)", rows[i].url, rc_name(rc), err.text);
	}
	CHECK_INT(atomic_load(&w.seen.answers), 2);
	CHECK_INT(w.dialled, 2);
	/* a purpose without a row */
	struct fetch_request q = { .purpose = "mail", .url = STR("https://node.example.org/") };
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_DENIED, err);
	/* the length of a URL: at, above */
	memset(long_url, 'a', sizeof(long_url));
	memcpy(long_url, "https://node.example.org/", 25);
	CHECK_RC(get(&w, str_mem(long_url, FETCH_URL_MAX), &out, &err), RC_OK, err);
	CHECK_RC(get(&w, str_mem(long_url, FETCH_URL_MAX + 1), &out, &err), RC_LIMIT, err);
	static const char *const no_host[] = { "", "a/b", "a@b", "a?b", "a:b", "https://a", "127.1.",
					       "*:1" };
	for (size_t i = 0; i < COUNT_OF(no_host); i++)
		CHECK_MSG(fetch_allow(w.f, "test", str_of(no_host[i]), &err) == RC_INPUT, "%s", no_host[i]);
	while (w.f->rule_count < FETCH_RULES_MAX)
		CHECK_RC(fetch_allow(w.f, "test", STR("a.example.org"), &err), RC_OK, err);
	CHECK_RC(fetch_allow(w.f, "test", STR("a.example.org"), &err), RC_LIMIT, err);
	world_end(&w);
}

TEST(an_exemption_is_one_origin_for_one_purpose)
{
	struct world w = { 0 };
	struct fetch_answer out;
	struct err err = { 0 };

	world_new(&w);
	CHECK_RC(fetch_allow(w.f, "test", STR("*"), &err), RC_OK, err);
	str url = arena_fmt(w.a, "%s/echo", w.plain_url);
	CHECK_RC(get(&w, url, &out, &err), RC_DENIED, err);
	CHECK(!fetch_url_is_safe(w.f, "test", url));
	CHECK_RC(fetch_exempt(w.f, "test", str_of(w.plain_url), &err), RC_OK, err);
	CHECK(fetch_url_is_safe(w.f, "test", url));
	CHECK(!fetch_url_is_safe(w.f, "feed", url));
	CHECK(fetch_url_is_safe(w.f, "feed", STR("https://other.example.org/x")));
	CHECK(!fetch_url_is_safe(w.f, "feed", STR("javascript:alert(1)")));
	CHECK_RC(get(&w, url, &out, &err), RC_OK, err);
	CHECK_INT(out.status, 200);
	CHECK_STR(out.body, STR("GET path=/echo f= auth= agent=ronda"));
	CHECK_STR(out.url, url);
	unsigned before = w.dialled;
	/* other scheme, port, name, purpose */
	CHECK_RC(get(&w, arena_fmt(w.a, "https://127.0.0.1:%u/", http_port(w.plain)), &out, &err),
		 RC_DENIED, err);
	CHECK_RC(get(&w, arena_fmt(w.a, "http://127.0.0.1:%u/", http_port(w.tls)), &out, &err),
		 RC_DENIED, err);
	CHECK_RC(get(&w, arena_fmt(w.a, "http://127.0.0.2:%u/", http_port(w.plain)), &out, &err),
		 RC_DENIED, err);
	CHECK_RC(get(&w, arena_fmt(w.a, "http://localhost:%u/", http_port(w.plain)), &out, &err),
		 RC_DENIED, err);
	struct fetch_request q = { .purpose = "feed", .url = url };
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_DENIED, err);
	CHECK_INT(w.dialled, before);
	/* an exempt name may be at a private address; it is still the one looked up */
	w.answers[0] = "10.0.0.1";
	CHECK_RC(fetch_exempt(w.f, "test", STR("https://node.example.org/any/path"), &err), RC_OK, err);
	CHECK_RC(get(&w, STR("https://node.example.org/echo"), &out, &err), RC_OK, err);
	struct ip ten;
	CHECK(ip_parse(STR("10.0.0.1"), &ten) && ip_cmp(&ten, &w.last) == 0);
	world_end(&w);
}

TEST(redirects_are_judged_anew)
{
	struct world w = { 0 };
	struct fetch_answer out;
	struct err err = { 0 };

	world_new(&w);
	CHECK_RC(fetch_allow(w.f, "test", STR("node.example.org"), &err), RC_OK, err);
	CHECK_RC(fetch_exempt(w.f, "test", str_of(w.plain_url), &err), RC_OK, err);
	/* to loopback by address and name, to the exempt one, to another protocol */
	static const char *const to[] = {
		"https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://169.254.169.254/",
		"https://2130706433/", "//127.0.0.1/", "http://node.example.org/",
	};
	for (size_t i = 0; i < COUNT_OF(to); i++) {
		unsigned before = w.dialled;
		enum rc rc = get(&w, arena_fmt(w.a, "https://node.example.org/to?url=%s", to[i]), &out, &err);
		CHECK_MSG(rc == RC_DENIED, "%s: %s %s", to[i], rc_name(rc), err.text);
		CHECK_INT(w.dialled, before + 1);
	}
	str exempt = arena_fmt(w.a, "https://node.example.org/to?url=%s/echo", w.plain_url);
	CHECK_RC(get(&w, exempt, &out, &err), RC_DENIED, err);
	str file = STR("https://node.example.org/to?url=file:///etc/passwd");
	CHECK_RC(get(&w, file, &out, &err), RC_INPUT, err);
	/* from the exempt one to itself it stays exempt */
	CHECK_RC(get(&w, arena_fmt(w.a, "%s/to?url=/echo", w.plain_url), &out, &err), RC_OK, err);
	CHECK_STR(out.url, arena_fmt(w.a, "%s/echo", w.plain_url));
	/* at most five: four, five, six */
	for (unsigned n = 3; n <= 5; n++) {
		enum rc rc = get(&w, arena_fmt(w.a, "%s/again?n=%u", w.plain_url, n), &out, &err);
		CHECK_MSG(rc == (n < 5 ? RC_OK : RC_LIMIT), "%u: %s", n + 1, rc_name(rc));
		CHECK(rc != RC_OK || out.redirects == n + 1);
	}
	/* a POST is not sent anywhere else */
	struct buf form = BUF_INIT(KIB(1));
	fetch_form(&form, "f", STR("a b&c=\xc3\xa9"));
	struct fetch_request q = { .purpose = "test", .form = &form,
				   .url = arena_fmt(w.a, "%s/to?url=/echo", w.plain_url) };
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_OK, err);
	CHECK_INT(out.status, 302);
	q.url = arena_fmt(w.a, "%s/echo", w.plain_url);
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_OK, err);
	CHECK_STR(out.body, STR("POST path=/echo f=a b&c=\xc3\xa9 auth= agent=ronda"));
	buf_free(&form);
	/* authorization goes along within the origin only */
	q = (struct fetch_request){ .purpose = "test", .authorization = STR("Bearer t"),
				    .url = arena_fmt(w.a, "%s/to?url=/echo", w.plain_url) };
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_OK, err);
	CHECK_STR(out.body, STR("GET path=/echo f= auth=Bearer t agent=ronda"));
	q.url = arena_fmt(w.a, "%s/to?url=https://node.example.org/echo", w.plain_url);
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_OK, err);
	CHECK_STR(out.body, STR("GET path=/echo f= auth= agent=ronda"));
	world_end(&w);
}

TEST(a_name_that_changes_its_answer)
{
	struct world w = { 0 };
	struct fetch_answer out;
	struct err err = { 0 };
	struct ip public;

	world_new(&w);
	CHECK_RC(fetch_allow(w.f, "test", STR("node.example.org"), &err), RC_OK, err);
	w.answers[0] = PUBLIC4;
	w.answers[1] = "127.0.0.1";
	/* asked once, and that address is the one dialled */
	CHECK_RC(get(&w, STR("https://node.example.org/echo"), &out, &err), RC_OK, err);
	CHECK_INT(w.asked, 1);
	CHECK_INT(w.dialled, 1);
	CHECK(ip_parse(STR(PUBLIC4), &public) && ip_cmp(&public, &w.last) == 0);
	/* the second question is answered with loopback: nothing connects */
	CHECK_RC(get(&w, STR("https://node.example.org/echo"), &out, &err), RC_DENIED, err);
	CHECK_INT(w.dialled, 1);
	/* and so between a redirect and where it leads */
	w.asked = 0;
	CHECK_RC(get(&w, STR("https://node.example.org/to?url=/echo"), &out, &err), RC_DENIED, err);
	CHECK_INT(w.dialled, 2);
	w.asked = 0;
	w.answers[0] = "";
	CHECK_RC(get(&w, STR("https://node.example.org/"), &out, &err), RC_ABSENT, err);
	world_end(&w);
}

TEST(limits_below_at_above)
{
	struct world w = { 0 };
	struct fetch_answer out;
	struct err err = { 0 };

	world_new(&w);
	CHECK_RC(fetch_exempt(w.f, "test", str_of(w.plain_url), &err), RC_OK, err);
	struct fetch_request q = { .purpose = "test", .limits = { .body_bytes = 5000 } };
	for (unsigned n = 4999; n <= 5001; n++) {
		q.url = arena_fmt(w.a, "%s/body?n=%u", w.plain_url, n);
		enum rc rc = fetch(w.f, &q, w.a, &out, &err);
		CHECK_MSG(rc == (n <= 5000 ? RC_OK : RC_LIMIT), "%u: %s", n, rc_name(rc));
		CHECK_INT(out.body.n, n <= 5000 ? n : 0);
	}
	for (size_t n = MIB(1) - 1; n <= MIB(1) + 1; n++) {
		enum rc rc = get(&w, arena_fmt(w.a, "%s/body?n=%zu", w.plain_url, n), &out, &err);
		CHECK_MSG(rc == (n <= MIB(1) ? RC_OK : RC_LIMIT), "%zu: %s", n, rc_name(rc));
	}
	/* how long the head really is, seen without the fetcher */
	struct buf raw = BUF_INIT(KIB(64));
	str by_hand = STR("GET /head?n=1000 HTTP/1.1\r\nHost: a\r\n\r\n");
	(void)exchange(http_port(w.plain), by_hand, &raw, NULL, 200);
	size_t head = str_find(buf_str(&raw), STR("\r\n\r\n")) + 4;
	CHECK(head > 1000 && head < 2000);
	buf_free(&raw);
	q.url = arena_fmt(w.a, "%s/head?n=1000", w.plain_url);
	for (size_t limit = head - 1; limit <= head + 1; limit++) {
		q.limits.head_bytes = limit;
		enum rc rc = fetch(w.f, &q, w.a, &out, &err);
		CHECK_MSG(rc == (limit >= head ? RC_OK : RC_LIMIT), "%zu of %zu: %s", limit, head, rc_name(rc));
	}
	q = (struct fetch_request){ .purpose = "test", .url = arena_fmt(w.a, "%s/slow", w.plain_url) };
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_OK, err);
	q.limits.total_ms = 100;
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_BUSY, err);
	/* a server that accepts and then says nothing */
	int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	CHECK(bind(silent, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(silent, 1) == 0);
	CHECK(getsockname(silent, (struct sockaddr *)&at, &size) == 0);
	q.url = arena_fmt(w.a, "https://127.0.0.1:%u/", ntohs(at.sin_port));
	CHECK_RC(fetch_exempt(w.f, "test", q.url, &err), RC_OK, err);
	q.limits = (struct fetch_limits){ .connect_ms = 100 };
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_BUSY, err);
	close(silent);
	/* nobody there at all */
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_BUSY, err);
	world_end(&w);
}

TEST(tls_is_checked)
{
	struct world w = { 0 }, other = { 0 };
	struct fetch_answer out;
	struct err err = { 0 };
	struct fetcher *f = NULL;

	world_new(&w);
	world_new(&other);
	CHECK_RC(fetch_allow(w.f, "test", STR("*"), &err), RC_OK, err);
	CHECK_RC(get(&w, STR("https://node.example.org/echo"), &out, &err), RC_OK, err);
	/* the right authority, another name */
	CHECK_RC(get(&w, STR("https://other.example.org/echo"), &out, &err), RC_DENIED, err);
	/* another authority */
	struct http *ours = w.tls;
	w.tls = other.tls;
	CHECK_RC(get(&w, STR("https://node.example.org/echo"), &out, &err), RC_DENIED, err);
	w.tls = ours;
	/* no TLS at all behind https */
	uint16_t plain = http_port(w.plain);
	CHECK_RC(fetch_allow(w.f, "test", arena_fmt(w.a, "node.example.org:%u", plain), &err), RC_OK, err);
	enum rc rc = get(&w, arena_fmt(w.a, "https://node.example.org:%u/", plain), &out, &err);
	CHECK_MSG(rc == RC_DENIED || rc == RC_BUSY, "%s", rc_name(rc));
	/* the system's authorities do not know ours */
	CHECK_RC(fetch_new(NULL, &f, &err), RC_OK, err);
	f->resolve = give_names;
	f->divert = give_port;
	f->resolve_ctx = f->divert_ctx = &w;
	CHECK_RC(fetch_allow(f, "test", STR("*"), &err), RC_OK, err);
	struct fetch_request q = { .purpose = "test", .url = STR("https://node.example.org/") };
	CHECK_RC(fetch(f, &q, w.a, &out, &err), RC_DENIED, err);
	fetch_free(f);
	CHECK_RC(fetch_new("/nowhere/ca.pem", &f, &err), RC_INPUT, err);
	world_end(&other);
	world_end(&w);
}

TEST(json_and_nothing_kept)
{
	struct world w = { 0 };
	struct fetch_answer out;
	struct err err = { 0 };
	struct json_object *o = NULL;
	int64_t v = 0;

	/* what the environment says of proxies is not for us */
	setenv("https_proxy", "http://127.0.0.1:9", 1);
	setenv("http_proxy", "http://127.0.0.1:9", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
	world_new(&w);
	CHECK_RC(fetch_exempt(w.f, "test", str_of(w.plain_url), &err), RC_OK, err);
	struct fetch_request q = { .purpose = "test", .url = arena_fmt(w.a, "%s/json", w.plain_url) };
	CHECK_RC(fetch_json(w.f, &q, w.a, &o, &err), RC_OK, err);
	CHECK(json_get_i64(o, "a", &v) && v == 1);
	json_free(o);
	q.url = arena_fmt(w.a, "%s/echo", w.plain_url);
	CHECK_RC(fetch_json(w.f, &q, w.a, &o, &err), RC_INPUT, err);
	for (int i = 0; i < 2; i++) {
		CHECK_RC(get(&w, arena_fmt(w.a, "%s/cookie", w.plain_url), &out, &err), RC_OK, err);
		CHECK_STR(out.body, STR("cookie="));
	}
	world_end(&w);
}

struct asker {
	struct fetcher *f;
	str url;
	atomic_int right;
};

static void *ask_often(void *ctx)
{
	struct asker *p = ctx;
	struct arena *a = arena_new(KIB(16));
	struct fetch_request q = { .purpose = "test", .url = p->url };

	for (int i = 0; i < 10; i++) {
		struct fetch_answer out;
		bool ok = fetch(p->f, &q, a, &out, NULL) == RC_OK && out.body.n == 3000;
		atomic_fetch_add(&p->right, ok);
		arena_reset(a);
	}
	arena_free(a);
	return NULL;
}

TEST(threads_share_a_fetcher)
{
	struct world w = { 0 };
	struct err err = { 0 };
	pthread_t threads[6];

	world_new(&w);
	CHECK_RC(fetch_exempt(w.f, "test", str_of(w.plain_url), &err), RC_OK, err);
	w.f->divert = NULL; /* straight, as outside of tests */
	struct asker p = { .f = w.f, .url = arena_fmt(w.a, "%s/body?n=3000", w.plain_url) };
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		CHECK(pthread_create(&threads[i], NULL, ask_often, &p) == 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(atomic_load(&p.right), 60);
	world_end(&w);
}

/* A listener that echoes stands for the proxy: what it gets shows what a proxy would. */
TEST(by_a_proxy_nothing_is_asked_from_here)
{
	static const char *const inside[] = {
		"http://127.0.0.1/", "http://10.0.0.1/", "https://192.168.1.1/", "http://[::1]/", "http://[fc00::1]/",
		"http://localhost/", "http://intranet/", "http://169.254.169.254/latest/",
	};
	struct world w = { 0 };
	struct fetch_answer out;
	struct err err = { 0 };

	world_new(&w);
	w.f->divert = NULL;
	CHECK_RC(fetch_proxy(w.f, "look", str_of(w.plain_url), &err), RC_OK, err);
	struct fetch_request q = { .purpose = "look", .url = STR("http://bad.example.org:8080/login"), .look = true,
				   .agent = "Seen/1.0" };
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_OK, err);
	CHECK_INT(out.status, 200);
	CHECK(str_find(out.body, STR("agent=Seen/1.0")) < out.body.n);
	CHECK_INT(w.asked, 0); /* no name was looked up */
	CHECK(str_starts(out.head, STR("HTTP/1.1 200")) && !out.cut && out.location.n == 0);
	q.agent = "Seen/1.0\r\nX-Evil: 1";
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_INPUT, err);
	q.agent = NULL;
	/* a redirect is the answer */
	q.url = STR("http://bad.example.org/to?url=http%3A%2F%2F10.0.0.1%2F");
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_OK, err);
	CHECK_INT(out.status, 302);
	CHECK(str_eq(out.location, STR("http://10.0.0.1/")) && out.redirects == 0);
	/* a body that is too long is cut */
	q.url = STR("http://bad.example.org/body?n=5000");
	q.limits.body_bytes = 1000;
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_OK, err);
	CHECK(out.cut && out.body.n == 1000);
	q.url = STR("http://bad.example.org/body?n=1000");
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_OK, err);
	CHECK(!out.cut && out.body.n == 1000);
	int got = atomic_load(&w.seen.answers);
	for (size_t i = 0; i < COUNT_OF(inside); i++) {
		q.url = str_of(inside[i]);
		CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_DENIED, err);
	}
	CHECK_INT(atomic_load(&w.seen.answers), got);
	/* an administrator's exemption holds by the proxy too; another purpose has no proxy */
	CHECK_RC(fetch_exempt(w.f, "look", STR("http://127.0.0.1:9"), &err), RC_OK, err);
	q.url = STR("http://127.0.0.1:9/echo");
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_OK, err);
	q.purpose = "test";
	CHECK_RC(fetch(w.f, &q, w.a, &out, &err), RC_DENIED, err);
	world_end(&w);
}

TEST(the_resolver_of_the_machine)
{
	struct ip ips[FETCH_IPS_MAX];
	size_t n = 0;
	struct err err = { 0 };
	bool loopback = false;

	/* from /etc/hosts or the resolver's own zone: no packet leaves */
	CHECK_RC(fetch_resolve(NULL, "localhost", 3000, ips, &n, &err), RC_OK, err);
	for (size_t i = 0; i < n; i++)
		loopback = loopback || ip_is_special(&ips[i]);
	CHECK(n > 0 && loopback);
	CHECK(fetch_resolve(NULL, "nothing.invalid", 3000, ips, &n, &err) != RC_OK);
	CHECK_INT(n, 0);
}

/* --- servers known by their keys --- */

static struct digest pin_of(const char *cert_path)
{
	struct digest d = { { 0 } };
	struct buf pem = BUF_INIT(MIB(1));
	gnutls_x509_crt_t cert;
	size_t n = sizeof(d.b);
	CHECK_RC(pem_read(cert_path, &pem, NULL), RC_OK, (struct err){ 0 });
	gnutls_datum_t text = { (unsigned char *)pem.p, (unsigned)pem.n };
	gnutls_x509_crt_init(&cert);
	CHECK(gnutls_x509_crt_import(cert, &text, GNUTLS_X509_FMT_PEM) == 0);
	CHECK(gnutls_x509_crt_get_key_id(cert, GNUTLS_KEYID_USE_SHA256, d.b, &n) == 0);
	gnutls_x509_crt_deinit(cert);
	buf_free(&pem);
	return d;
}

static void say_pin(void *ctx, const struct http_request *q, struct http_answer *a)
{
	atomic_uint *answers = ctx;
	atomic_fetch_add(answers, 1);
	a->status = 200;
	a->type = "text/plain";
	a->body = (struct buf)BUF_INIT(KIB(64));
	set_header(a, "X-Upto", http_header(q, "X-After"));
	if (q->pin)
		hex_format(&a->body, q->pin->b, sizeof(q->pin->b));
	else
		buf_add(&a->body, STR("nobody"));
}

struct keyed {
	struct test_dir dir;
	struct buf cert[3], key[3];
	struct digest pin[3];
	atomic_uint answers;
	struct http *http;
	struct fetcher *f;
	struct arena *a;
	char url[64];
};

static void keyed_new(struct keyed *k)
{
	struct http_handlers h = { .ctx = &k->answers, .answer = say_pin };
	struct http_options o = { .listen = "127.0.0.1:0", .limits = http_limits_default };
	struct err err = { 0 };
	char cert[512], key[512];

	k->dir = test_dir_new();
	k->a = arena_new(KIB(16));
	for (size_t i = 0; i < 3; i++) {
		test_dir_in(&k->dir, cert, "cert.pem");
		test_dir_in(&k->dir, key, "key.pem");
		make_pem(cert, key);
		k->cert[i] = k->key[i] = (struct buf)BUF_INIT(MIB(1));
		CHECK_RC(pem_read(cert, &k->cert[i], &err), RC_OK, err);
		CHECK_RC(pem_read(key, &k->key[i], &err), RC_OK, err);
		k->pin[i] = pin_of(cert);
	}
	o.identity_cert = buf_str(&k->cert[0]);
	o.identity_key = buf_str(&k->key[0]);
	CHECK_RC(http_start(&o, &h, NULL, &k->http, &err), RC_OK, err);
	CHECK_RC(fetch_new(NULL, &k->f, &err), RC_OK, err);
	snprintf(k->url, sizeof(k->url), "https://127.0.0.1:%u/x", http_port(k->http));
}

static void keyed_end(struct keyed *k)
{
	http_stop(k->http);
	fetch_free(k->f);
	arena_free(k->a);
	for (size_t i = 0; i < 3; i++) {
		buf_free(&k->cert[i]);
		buf_free(&k->key[i]);
	}
	test_dir_end(&k->dir);
}

/* `as` -1: shows nothing. */
static enum rc keyed_ask(struct keyed *k, const struct digest *pins, size_t count, int as, struct fetch_keep *keep,
			 struct fetch_answer *out, struct err *err)
{
	const struct fetch_header head = { "X-After", STR_INIT("7") };
	const struct fetch_pinned pinned = { .pins = pins, .pin_count = count,
					     .cert = as < 0 ? STR("") : buf_str(&k->cert[as]),
					     .key = as < 0 ? STR("") : buf_str(&k->key[as]) };
	const struct fetch_request q = { .purpose = "partner", .url = str_of(k->url), .pinned = &pinned,
					 .headers = &head, .header_count = 1, .keep = keep };
	*err = (struct err){ 0 };
	return fetch(k->f, &q, k->a, out, err);
}

TEST(a_server_and_a_client_known_by_their_keys)
{
	struct keyed k = { 0 };
	struct fetch_answer out;
	struct err err = { 0 };
	keyed_new(&k);
	/* a client whose certificate nobody vouches for: the handler sees its key */
	CHECK_RC(keyed_ask(&k, &k.pin[0], 1, 1, NULL, &out, &err), RC_OK, err);
	struct buf want = BUF_INIT(128);
	hex_format(&want, k.pin[1].b, sizeof(k.pin[1].b));
	CHECK_STR(out.body, buf_str(&want));
	CHECK_STR(fetch_head_value(out.head, "x-upto"), STR("7"));
	CHECK(!fetch_head_value(out.head, "x-up").p);
	/* one that shows none */
	CHECK_RC(keyed_ask(&k, &k.pin[0], 1, -1, NULL, &out, &err), RC_OK, err);
	CHECK_STR(out.body, STR("nobody"));
	/* another key than the one expected: nothing is said */
	unsigned before = atomic_load(&k.answers);
	CHECK_RC(keyed_ask(&k, &k.pin[2], 1, 1, NULL, &out, &err), RC_DENIED, err);
	CHECK_RC(keyed_ask(&k, &k.pin[2], 0, 1, NULL, &out, &err), RC_DENIED, err);
	CHECK_INT(atomic_load(&k.answers), before);
	/* one of two will do; the old one no more once the other is shown */
	CHECK_RC(keyed_ask(&k, k.pin, 2, 1, NULL, &out, &err), RC_OK, err);
	CHECK_RC(http_identity(k.http, buf_str(&k.cert[2]), buf_str(&k.key[2]), &err), RC_OK, err);
	CHECK_RC(keyed_ask(&k, &k.pin[0], 1, 1, NULL, &out, &err), RC_DENIED, err);
	CHECK_RC(keyed_ask(&k, &k.pin[2], 1, 1, NULL, &out, &err), RC_OK, err);
	CHECK(http_identity(k.http, buf_str(&k.cert[1]), buf_str(&k.key[2]), &err) != RC_OK);
	/* a connection that stays open is used again, and shows who the client is */
	struct fetch_keep *keep = fetch_keep_new();
	for (int i = 0; i < 3; i++) {
		CHECK_RC(keyed_ask(&k, &k.pin[2], 1, 1, keep, &out, &err), RC_OK, err);
		CHECK_STR(out.body, buf_str(&want));
	}
	fetch_keep_free(keep);
	buf_free(&want);
	keyed_end(&k);
}

/* A certificate that authorities would not take is taken with a pin alone. */
TEST(without_a_pin_authorities_are_asked)
{
	struct keyed k = { 0 };
	struct fetch_answer out;
	struct err err = { 0 };
	keyed_new(&k);
	const struct fetch_request q = { .purpose = "partner", .url = str_of(k.url) };
	CHECK_RC(fetch_exempt(k.f, "partner", str_of(k.url), &err), RC_OK, err);
	CHECK_RC(fetch(k.f, &q, k.a, &out, &err), RC_DENIED, err);
	const struct fetch_pinned pinned = { .pins = &k.pin[0], .pin_count = 1 };
	const struct fetch_request plain = { .purpose = "partner", .url = STR("http://127.0.0.1:9/"),
					     .pinned = &pinned };
	CHECK_RC(fetch(k.f, &plain, k.a, &out, &err), RC_INPUT, err);
	keyed_end(&k);
}

TEST(a_date_has_a_year_of_four_digits)
{
	static const struct { const char *text; bool good; int64_t seconds; } rows[] = {
		{ "Sun, 22 Nov 2026 09:00:00 GMT", true, 1795338000 },
		{ "Sun, 22 Nov 2026009:00:00 GMT", false, 0 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", true, 253402300799 },
		{ "Sat, 01 Jan 10000 00:00:00 GMT", false, 0 },
		{ "yesterday", false, 0 },
		{ "", false, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t us = 0;
		CHECK_MSG(fetch_date(str_of(rows[i].text), &us) == rows[i].good, "'%s'", rows[i].text);
		CHECK_INT(us, rows[i].seconds * SECOND_US);
	}
}

TEST_MAIN(TEST_RUN(a_post_with_headers), TEST_RUN(addresses_that_are_not_public), TEST_RUN(what_no_rule_allows),
	  TEST_RUN(an_exemption_is_one_origin_for_one_purpose), TEST_RUN(redirects_are_judged_anew),
	  TEST_RUN(a_name_that_changes_its_answer), TEST_RUN(limits_below_at_above),
	  TEST_RUN(tls_is_checked), TEST_RUN(json_and_nothing_kept), TEST_RUN(threads_share_a_fetcher),
	  TEST_RUN(by_a_proxy_nothing_is_asked_from_here), TEST_RUN(the_resolver_of_the_machine),
	  TEST_RUN(a_server_and_a_client_known_by_their_keys), TEST_RUN(without_a_pin_authorities_are_asked),
	  TEST_RUN(a_date_has_a_year_of_four_digits))
