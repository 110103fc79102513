/* SPDX-License-Identifier: Apache-2.0 */
#include "web/web.h"

#include <ftw.h>

#include "disclosure/access_guard.h"
#include "http/client_test.h"
#include "web/page.h"

/* A node of its own in a directory of its own, served on loopback. */
struct served {
	char dir[64], node_dir[80], secret[TOKEN_TEXT_BYTES];
	struct node *n;
	struct web *w;
	struct http *http;
	char tokens[4][TOKEN_TEXT_BYTES]; /* by enum right */
	int64_t ids[4];
	uint16_t port;
};

struct making {
	struct served *s;
	enum right right;
};

static enum rc make_token(struct tx *tx, void *ctx, struct err *err)
{
	struct making *m = ctx;
	struct token_new t = { .label = STR("test"), .right = m->right, .ceiling = TLP_AMBER_STRICT,
			       .expires_us = tx_now_us(tx) + DAY_US };
	return token_make(tx, m->s->n->journal, &t, STR("test"), m->s->tokens[m->right],
			  TOKEN_TEXT_BYTES, &m->s->ids[m->right], err);
}

static enum rc make_feed(struct tx *tx, void *ctx, struct err *err)
{
	struct served *s = ctx;
	struct feed f = { .name = STR("odd"), .provider = STR("<script>alert('x')</script>"),
			  .url = STR(""), .licence = STR("=1+1"), .tlp = TLP_GREEN, .on = true,
			  .format = STR("auto"), .mapping = STR(""), .folder = STR("") };
	int64_t id;
	return feed_add(tx, s->n->journal, &f, STR("test"), &id, err);
}

static struct served *serve(void)
{
	static const struct node_options plain = { 0 };
	struct served *s = x_alloc(sizeof *s);
	struct err err = { 0 };
	CHECK_RC(hash_init(&err), RC_OK, err);
	setenv("RONDA_NETWORK_DB", "", 1); /* flattening it takes longer than the rest */
	snprintf(s->dir, sizeof s->dir, "/tmp/ronda-web-test-XXXXXX");
	CHECK(mkdtemp(s->dir) != NULL);
	snprintf(s->node_dir, sizeof s->node_dir, "%s/node", s->dir);
	CHECK_RC(node_create(s->node_dir, "Team <B>", "ID", s->secret, sizeof s->secret, &err), RC_OK, err);
	CHECK_RC(node_open(s->node_dir, &plain, &s->n, &err), RC_OK, err);
	for (int r = RIGHT_READ; r <= RIGHT_OPERATE; r++) {
		struct making m = { s, (enum right)r };
		CHECK_RC(store_write(s->n->store, make_token, &m, &err), RC_OK, err);
	}
	CHECK_RC(store_write(s->n->store, make_feed, s, &err), RC_OK, err);
	CHECK_RC(web_new(s->n, &s->w, &err), RC_OK, err);
	struct http_handlers h = web_handlers(s->w);
	s->http = test_server(&http_limits_default, &h, "");
	web_watch(s->w, s->http);
	s->port = http_port(s->http);
	return s;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void end(struct served *s)
{
	web_watch(s->w, NULL);
	http_stop(s->http);
	web_free(s->w);
	node_close(s->n);
	nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(s);
}

/* Asks; `headers` and `body` may be "". The answer stands in `out`. */
static int ask(const struct served *s, const char *method, const char *path, const char *headers,
	       const char *body, struct buf *out)
{
	struct buf request = BUF_INIT(KIB(64));
	buf_fmt(&request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n%s", method, path,
		s->port, headers);
	if (*body || str_eq(str_of(method), STR("POST")))
		buf_fmt(&request, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n",
			strlen(body));
	buf_fmt(&request, "\r\n%s", body);
	buf_reset(out);
	int status = exchange(s->port, buf_str(&request), out, NULL, 5000);
	buf_free(&request);
	return status;
}

static bool has(const struct buf *b, const char *part)
{
	return str_find(buf_str(b), str_of(part)) < b->n;
}

/* What stands between `before` and the next `until`. */
static void between(const struct buf *b, const char *before, char until, char *out, size_t size)
{
	str s = buf_str(b);
	str rest = str_from(s, str_find(s, str_of(before)) + strlen(before));
	if (!str_to_z(str_head(rest, str_index(rest, until)), out, size))
		*out = 0;
}

static const char *as_bearer(const char *token, char out[160])
{
	snprintf(out, 160, "Authorization: Bearer %s\r\n", token);
	return out;
}

static const char *as_cookie(const char *cookie, char out[160])
{
	snprintf(out, 160, "Accept: text/html\r\nCookie: %s\r\n", cookie);
	return out;
}

/* A path of the route that can be asked: a type that there is, and 1 for any item. */
static const char *real_path(const char *pattern, char out[64])
{
	struct buf b = BUF_INIT(64);
	for (str rest = str_of(pattern); rest.n > 0;) {
		if (str_starts(rest, STR(":type"))) {
			buf_add(&b, STR("incident"));
			rest = str_from(rest, 5);
		} else {
			buf_char(&b, rest.p[0] == '*' ? '1' : rest.p[0]);
			rest = str_from(rest, 1);
		}
	}
	CHECK(str_to_z(buf_str(&b), out, 64));
	buf_free(&b);
	return out;
}

TEST(routes_without_credentials)
{
	struct served *s = serve();
	struct buf out = BUF_INIT(MIB(1));
	CHECK(web_route_count() >= 15);
	for (size_t i = 0; i < web_route_count() * 3; i++) {
		static const char *const heads[] = { "Accept: application/json\r\n", "Accept: text/html\r\n",
						     "Authorization: Bearer ronda_guess\r\n" };
		const char *method, *path;
		enum right right;
		char real[64];
		web_route(i / 3, &method, &path, &right);
		bool get = str_eq(str_of(method), STR("GET"));
		if (i % 3 == 2 && i / 3 > 5)
			continue; /* the guard answers wrong tokens soon */
		int status = ask(s, method, real_path(path, real), heads[i % 3], "", &out);
		if (right == RIGHT_PUBLIC)
			CHECK_MSG(status != 401 && status != 500, "%s %s: %d", method, real, status);
		else if (str_ends(str_of(path), STR(".ics"))) /* calendars know a name and a password */
			CHECK_MSG(status == 401 && has(&out, "WWW-Authenticate: Basic"), "%s %s: %d", method, real,
				  status);
		else if (get && i % 3 == 1)
			CHECK_MSG(status == 303 && has(&out, "Location: /login?next="), "%s %s: %d", method, real,
				  status);
		else
			CHECK_MSG(status == 401 && has(&out, "WWW-Authenticate: Bearer"), "%s %s: %d", method,
				  real, status);
	}
	buf_free(&out);
	end(s);
}

TEST(rights_and_routes)
{
	struct served *s = serve();
	struct buf out = BUF_INIT(MIB(1));
	char head[160], real[64];
	for (int r = RIGHT_READ; r <= RIGHT_OPERATE; r++) {
		for (size_t i = 0; i < web_route_count(); i++) {
			const char *method, *path;
			enum right right;
			web_route(i, &method, &path, &right);
			if (right == RIGHT_INTAKE && r != RIGHT_READ)
				continue; /* a report; needs parser children */
			int status = ask(s, method, real_path(path, real), as_bearer(s->tokens[r], head), "", &out);
			bool may = right_includes((enum right)r, right);
			CHECK_MSG(may ? status != 401 && status != 500 && status != 503 : status == 403,
				  "%s with the right %s: %d", real, right_name((enum right)r), status);
		}
	}
	buf_free(&out);
	end(s);
}

static int sign_in(const struct served *s, const char *token, char cookie[96], struct buf *out)
{
	char body[160];
	snprintf(body, sizeof body, "token=%s&next=%%2Ffeeds", token);
	int status = ask(s, "POST", "/login", "Accept: text/html\r\n", body, out);
	between(out, "Set-Cookie: ", ';', cookie, 96);
	return status;
}

TEST(a_session_from_sign_in_to_sign_out)
{
	struct served *s = serve();
	struct buf out = BUF_INIT(MIB(1));
	char cookie[96], other[96], head[160], csrf[64], body[128], foreign[320];
	CHECK_INT(ask(s, "GET", "/login?next=//evil.example.org", "", "", &out), 200);
	CHECK(!has(&out, "evil"));
	CHECK_INT(sign_in(s, "ronda_wrong", cookie, &out), 303);
	CHECK(has(&out, "Location: /login?wrong=1") && !has(&out, "Set-Cookie"));
	CHECK_INT(sign_in(s, s->tokens[RIGHT_READ], cookie, &out), 303);
	CHECK(has(&out, "Location: /feeds\r\n"));
	CHECK(has(&out, "; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200"));
	CHECK_INT(ask(s, "GET", "/feeds", as_cookie(cookie, head), "", &out), 200);
	CHECK(has(&out, "Sign out") && has(&out, "Team &lt;B&gt;"));
	between(&out, "name=\"csrf\" value=\"", '"', csrf, sizeof csrf);
	CHECK(strlen(csrf) == 32);

	/* not signed out by: no token, a wrong one, a stranger's page, or a GET */
	snprintf(body, sizeof body, "csrf=%s", csrf);
	CHECK_INT(ask(s, "POST", "/logout", head, "", &out), 403);
	CHECK_INT(ask(s, "POST", "/logout", head, "csrf=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &out), 403);
	snprintf(foreign, sizeof foreign, "%sOrigin: http://evil.example.org\r\n", head);
	CHECK_INT(ask(s, "POST", "/logout", foreign, body, &out), 403);
	snprintf(foreign, sizeof foreign, "%sOrigin: null\r\nSec-Fetch-Site: cross-site\r\n", head);
	CHECK_INT(ask(s, "POST", "/logout", foreign, body, &out), 403);
	CHECK_INT(ask(s, "GET", "/logout", head, "", &out), 405);
	CHECK(has(&out, "Allow: POST\r\n"));
	CHECK_INT(ask(s, "POST", "/who", head, "q=AS64500", &out), 403);
	CHECK_INT(ask(s, "GET", "/", head, "", &out), 200);

	/* a new sign-in is a new id; the old one ends with it */
	CHECK_INT(sign_in(s, s->tokens[RIGHT_READ], other, &out), 303);
	CHECK(!str_eq(str_of(cookie), str_of(other)));
	snprintf(foreign, sizeof foreign, "%sOrigin: http://127.0.0.1:%u\r\n", head, s->port);
	CHECK_INT(ask(s, "POST", "/logout", foreign, body, &out), 303);
	CHECK(has(&out, "Max-Age=0"));
	CHECK_INT(ask(s, "GET", "/feeds.json", head, "", &out), 401);
	CHECK_INT(ask(s, "GET", "/feeds", as_cookie(other, head), "", &out), 200);
	buf_free(&out);
	end(s);
}

struct revoking {
	struct served *s;
	enum right right;
};

static enum rc revoke_token(struct tx *tx, void *ctx, struct err *err)
{
	struct revoking *r = ctx;
	return token_revoke(tx, r->s->n->journal, r->s->ids[r->right], STR("test"), err);
}

TEST(a_session_ends_with_its_token)
{
	struct served *s = serve();
	struct buf out = BUF_INIT(MIB(1));
	struct revoking r = { s, RIGHT_READ };
	struct err err = { 0 };
	char cookie[96], head[160];
	CHECK_INT(sign_in(s, s->tokens[RIGHT_READ], cookie, &out), 303);
	CHECK_INT(ask(s, "GET", "/feeds", as_cookie(cookie, head), "", &out), 200);
	CHECK_RC(store_write(s->n->store, revoke_token, &r, &err), RC_OK, err);
	CHECK_INT(ask(s, "GET", "/feeds", head, "", &out), 303);
	CHECK_INT(ask(s, "GET", "/feeds", as_bearer(s->tokens[RIGHT_READ], head), "", &out), 401);
	buf_free(&out);
	end(s);
}

TEST(a_sign_in_link_works_once)
{
	struct served *s = serve();
	struct buf out = BUF_INIT(MIB(1));
	struct err err = { 0 };
	char link[160], body[96], head[160], cookie[96];
	CHECK_RC(web_login_link(s->w, "http://127.0.0.1:1", link, sizeof link, &err), RC_OK, err);
	const char *path = strstr(link, "/login"), *once = strstr(link, "once=");
	CHECK(path && once);
	snprintf(body, sizeof body, "%s", once ? once : "");
	for (int i = 0; i < 2; i++) { /* looking does not use it up */
		CHECK_INT(ask(s, "GET", path ? path : "/", "Accept: text/html\r\n", "", &out), 200);
		CHECK(has(&out, "name=\"once\"") && !has(&out, "Set-Cookie"));
	}
	CHECK_INT(ask(s, "POST", "/login", "Accept: text/html\r\n", body, &out), 303);
	between(&out, "Set-Cookie: ", ';', cookie, sizeof cookie);
	CHECK_INT(ask(s, "GET", "/metrics", as_cookie(cookie, head), "", &out), 200);
	CHECK(has(&out, "ronda_http_requests_total "));
	CHECK_INT(ask(s, "POST", "/login", "Accept: text/html\r\n", body, &out), 403);
	CHECK(!has(&out, "Set-Cookie"));
	buf_free(&out);
	end(s);
}

TEST(the_set_up_secret_gives_one_token)
{
	struct served *s = serve();
	struct buf out = BUF_INIT(MIB(1));
	char cookie[96], token[96], head[160];
	CHECK_INT(sign_in(s, s->secret, cookie, &out), 200);
	between(&out, "<code>", '<', token, sizeof token);
	CHECK(str_starts(str_of(token), STR("ronda_")));
	CHECK_INT(ask(s, "GET", "/feeds", as_cookie(cookie, head), "", &out), 200);
	CHECK_INT(ask(s, "GET", "/feeds", as_bearer(token, head), "", &out), 200);
	CHECK_INT(sign_in(s, s->secret, cookie, &out), 303);
	CHECK(has(&out, "wrong=1"));
	buf_free(&out);
	end(s);
}

TEST(guessing_is_slow)
{
	struct served *s = serve();
	struct buf out = BUF_INIT(MIB(1));
	char cookie[96], head[160];
	int wrong = 0, busy = 0;
	for (int i = 0; i < 12; i++) {
		int status = i % 2 ? sign_in(s, "ronda_guess", cookie, &out) :
				     ask(s, "GET", "/feeds", "Authorization: Bearer ronda_guess\r\n", "", &out);
		wrong += status == 303 || status == 401;
		busy += status == 429 || status == 503;
	}
	CHECK_INT(wrong, GUARD_TRIES);
	CHECK_INT(busy, 12 - GUARD_TRIES);
	CHECK_INT(ask(s, "GET", "/feeds", as_bearer(s->tokens[RIGHT_READ], head), "", &out), 429);
	CHECK(has(&out, "Retry-After: "));
	buf_free(&out);
	end(s);
}

static const struct {
	const char *path, *headers;
	int status;
	const char *has, *lacks;
} forms[] = {
	{ "/feeds.json", "", 200, "{\"rows\":[{\"name\":\"local\"", "\"frame\":" },
	{ "/feeds", "", 200, "Content-Type: application/json", "<html" },
	{ "/feeds", "Accept: text/html\r\n", 200, "&lt;script&gt;alert(&#39;x&#39;)", "<script" },
	{ "/feeds.csv", "", 200, "\"'=1+1\"", "<html" },
	{ "/feeds", "Accept: text/csv\r\n", 200, "Content-Disposition: attachment", "<html" },
	{ "/feeds.json", "Accept: text/html\r\n", 200, "Content-Type: application/json", "<html" },
	{ "/.json", "", 200, "\"events_today\":0", "\"frame\":" },
	{ "/events.json", "", 200, "\"rows\":[]", "next" },
	{ "/findings.json", "", 200, "\"rows\":[]", "next" },
	{ "/count.json?by=day,type,cc,asn", "", 200, "\"rows\":[]", "cells" },
	{ "/quarantine.json", "", 200, "\"rows\":[]", "next" },
	{ "/objects.json", "", 200, "\"rows\":[]", "next" },
	{ "/objects?before=x", "", 400, "\"kind\":\"input\"", "" },
	{ "/objects/9", "", 404, "\"kind\":\"absent\"", "" },
	{ "/who.json?q=198.18.0.1", "", 200, "\"asked\":\"198.18.0.1\"", "groups" },
	{ "/tour", "Accept: text/html\r\n", 200, "The plug is pulled", "<script" },
	{ "/tour/partners", "Accept: text/html\r\n", 200, "The steps with partners are off here", "<button class" },
	{ "/tour/teams", "Accept: text/html\r\n", 200, "no other team stands beside this node", "<section" },
	{ "/nothing", "", 404, "\"kind\":\"absent\"", "" },
	{ "/nothing", "Accept: text/html\r\n", 404, "there is nothing here", "Watch board" },
	{ "/events/0123456789abcdef0123456789abcdef", "", 404, "\"kind\":\"absent\"", "" },
	{ "/findings/0123456789abcdef0123456789abcdef", "", 404, "\"kind\":\"absent\"", "" },
	{ "/quarantine/99", "", 404, "\"kind\":\"absent\"", "" },
	{ "/quarantine/x", "", 404, "\"kind\":\"absent\"", "" },
	{ "/count?by=%27%22;--", "", 400, "\"kind\":\"input\"", "" },
	{ "/count?by=day,type,cc,asn,feed", "", 400, "\"kind\":\"input\"", "" },
	{ "/events?%27%22;--=1", "", 400, "\"kind\":\"input\"", "" },
	{ "/events?ip=%27%22;--", "", 400, "\"kind\":\"input\"", "" },
	{ "/events?before=1", "", 400, "\"kind\":\"input\"", "" },
	{ "/findings?state=%27%22;--", "", 400, "\"kind\":\"input\"", "" },
	{ "/findings?after=%27", "", 400, "\"kind\":\"input\"", "" },
	{ "/findings?org=x", "", 400, "\"kind\":\"input\"", "" },
	{ "/quarantine?before=-1", "", 400, "\"kind\":\"input\"", "" },
	{ "/healthz", "", 200, "{\"ok\":true,\"read_only\":false", "" },
	{ "/style.css", "", 200, "Cache-Control: public, max-age=31536000, immutable", "no-store" },
	{ "/metrics", "", 200, "ronda_feeds 2\n", "<" },
};

TEST(forms_and_failures)
{
	struct served *s = serve();
	struct buf out = BUF_INIT(MIB(1));
	char head[320], bearer[160];
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		snprintf(head, sizeof head, "%s%s", as_bearer(s->tokens[RIGHT_READ], bearer), forms[i].headers);
		int status = ask(s, "GET", forms[i].path, head, "", &out);
		CHECK_MSG(status == forms[i].status, "%s: %d: %s", forms[i].path, status, out.p);
		CHECK_MSG(has(&out, forms[i].has), "%s: %s", forms[i].path, out.p);
		CHECK_MSG(!forms[i].lacks[0] || !has(&out, forms[i].lacks), "%s: %s", forms[i].path, out.p);
		CHECK_MSG(out.n < KIB(25), "%s: %zu bytes", forms[i].path, out.n);
	}
	char tag[64];
	(void)ask(s, "GET", "/style.css", "", "", &out);
	between(&out, "ETag: ", '\r', tag, sizeof tag);
	snprintf(head, sizeof head, "If-None-Match: %s\r\n", tag);
	CHECK_INT(ask(s, "GET", "/style.css", head, "", &out), 304);
	buf_free(&out);
	end(s);
}

TEST(a_demonstration_says_so)
{
	struct served *s = serve();
	struct buf out = BUF_INIT(MIB(1));
	char cookie[96], head[160];
	s->n->demo = true;
	CHECK_INT(sign_in(s, s->tokens[RIGHT_OPERATE], cookie, &out), 303);
	for (size_t i = 0; i < web_route_count(); i++) {
		const char *method, *path;
		enum right right;
		char real[64];
		web_route(i, &method, &path, &right);
		if (!str_eq(str_of(method), STR("GET")))
			continue;
		(void)ask(s, "GET", real_path(path, real), as_cookie(cookie, head), "", &out);
		if (has(&out, "text/html"))
			CHECK_MSG(has(&out, "DEMONSTRATION"), "%s", real);
	}
	buf_free(&out);
	end(s);
}

TEST(reports_that_are_refused)
{
	struct served *s = serve();
	struct buf out = BUF_INIT(MIB(1));
	char head[320], bearer[160], cookie[96];
	snprintf(head, sizeof head, "%sContent-Type: multipart/form-data; boundary=x\r\n",
		 as_bearer(s->tokens[RIGHT_INTAKE], bearer));
	struct buf request = BUF_INIT(KIB(4));
	buf_fmt(&request, "POST /api/reports HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%sContent-Length: 3\r\n\r\nabc", head);
	CHECK_INT(exchange(s->port, buf_str(&request), &out, NULL, 2000), 415);
	CHECK_INT(ask(s, "POST", "/api/reports", as_bearer(s->tokens[RIGHT_READ], bearer), "x", &out), 403);
	CHECK_INT(ask(s, "POST", "/api/reports?feed=none", as_bearer(s->tokens[RIGHT_INTAKE], bearer), "x",
		      &out), 404);
	CHECK_INT(ask(s, "POST", "/api/reports?format=none", as_bearer(s->tokens[RIGHT_INTAKE], bearer), "x",
		      &out), 400);
	CHECK(has(&out, "\"kind\":\"input\""));
	CHECK_INT(ask(s, "GET", "/api/reports", bearer, "", &out), 405);
	CHECK_INT(sign_in(s, s->tokens[RIGHT_OPERATE], cookie, &out), 303);
	CHECK_INT(ask(s, "POST", "/api/reports", as_cookie(cookie, bearer), "x", &out), 401);
	buf_free(&request);
	buf_free(&out);
	end(s);
}

/* Four of the longest fill the room; of short ones there is room for many. */
TEST(bodies_at_once)
{
	struct served *s = serve();
	struct buf out = BUF_INIT(MIB(1)), request = BUF_INIT(KIB(4)), small = BUF_INIT(KIB(4));
	char bearer[160];
	int fds[5], many[60];
	as_bearer(s->tokens[RIGHT_READ], bearer);
	buf_fmt(&small, "POST /note HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%sContent-Type: application/json\r\n"
		"Content-Length: 10\r\n\r\n{\"a\"", bearer);
	buf_fmt(&request, "POST /note HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%sContent-Type: multipart/form-data;"
		" boundary=x\r\nContent-Length: %d\r\n\r\n--x\r\n", bearer, BODY_MAX);
	for (size_t i = 0; i < COUNT_OF(many); i++) {
		many[i] = dial(s->port, 0);
		CHECK(send_all(many[i], buf_str(&small)));
	}
	for (int k = 0; k < 500 && atomic_load(&s->w->bodies) < 10 * COUNT_OF(many); k++)
		usleep(10000);
	CHECK_INT(atomic_load(&s->w->bodies), 10 * COUNT_OF(many));
	for (size_t i = 0; i < COUNT_OF(many); i++)
		close(many[i]);
	for (int k = 0; k < 500 && atomic_load(&s->w->bodies) > 0; k++)
		usleep(10000);
	CHECK_INT(atomic_load(&s->w->bodies), 0);
	for (size_t i = 0; i < COUNT_OF(fds) - 1; i++) {
		fds[i] = dial(s->port, 0);
		CHECK(send_all(fds[i], buf_str(&request)));
		for (int k = 0; k < 500 && atomic_load(&s->w->bodies) <= i * BODY_MAX; k++)
			usleep(10000);
		CHECK_INT(atomic_load(&s->w->bodies), (i + 1) * BODY_MAX);
	}
	fds[4] = dial(s->port, 0);
	CHECK(send_all(fds[4], buf_str(&small)) && send_all(fds[4], STR(":\"bc\"}")));
	(void)read_answer(fds[4], &out, 5000);
	CHECK_INT(first_status(buf_str(&out)), 503);
	CHECK(has(&out, "Retry-After: 5"));
	/* one goes away: there is room again */
	close(fds[0]);
	for (int k = 0; k < 500 && atomic_load(&s->w->bodies) == BODIES_BYTES; k++)
		usleep(10000);
	close(fds[4]);
	fds[4] = dial(s->port, 0);
	CHECK(send_all(fds[4], buf_str(&small)) && send_all(fds[4], STR(":\"bc\"}")));
	buf_reset(&out);
	(void)read_answer(fds[4], &out, 5000);
	CHECK_MSG(first_status(buf_str(&out)) == 400 && has(&out, "there is no member 'a'"), STR_FMT,
		  STR_ARG(buf_str(&out)));
	for (size_t i = 1; i < COUNT_OF(fds); i++)
		close(fds[i]);
	buf_free(&request);
	buf_free(&small);
	buf_free(&out);
	end(s);
}

TEST_MAIN(TEST_RUN(routes_without_credentials), TEST_RUN(rights_and_routes),
	  TEST_RUN(a_session_from_sign_in_to_sign_out), TEST_RUN(a_session_ends_with_its_token),
	  TEST_RUN(a_sign_in_link_works_once), TEST_RUN(the_set_up_secret_gives_one_token),
	  TEST_RUN(guessing_is_slow), TEST_RUN(forms_and_failures), TEST_RUN(a_demonstration_says_so),
	  TEST_RUN(reports_that_are_refused),
	  TEST_RUN(bodies_at_once))
