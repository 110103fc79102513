/* SPDX-License-Identifier: Apache-2.0 */
/* The whole way of a sign-in with a provider in this process that lies. What it
 * says must lead to no other server and let nobody in. */
#include "http/client_test.h"
#include "http/jwt_test.h"
#include "http/oidc.h"

struct world {
	struct arena *a;
	struct http *provider, *victim;
	struct seen victim_seen;
	struct signer signer;
	struct buf keys;
	str issuer;
	/* what the provider answers */
	str description, token, userinfo;
	int description_status, token_status;
	const char *token_type;
	atomic_int key_reads, description_reads, userinfo_reads;
};

static void serve(void *ctx, const struct http_request *q, struct http_answer *out)
{
	struct world *w = ctx;

	out->status = 200;
	out->type = "application/json";
	out->body = (struct buf)BUF_INIT(MIB(4));
	if (str_eq(q->path, STR("/.well-known/openid-configuration"))) {
		atomic_fetch_add(&w->description_reads, 1);
		out->status = w->description_status;
		buf_add(&out->body, w->description);
		if (out->status == 302) {
			out->headers[out->header_count].name = "Location";
			out->headers[out->header_count++].value = w->description;
		}
	} else if (str_eq(q->path, STR("/keys"))) {
		atomic_fetch_add(&w->key_reads, 1);
		buf_add(&out->body, buf_str(&w->keys));
	} else if (str_eq(q->path, STR("/token"))) {
		out->status = w->token_status;
		out->type = w->token_type;
		buf_add(&out->body, w->token);
	} else if (str_eq(q->path, STR("/me"))) {
		atomic_fetch_add(&w->userinfo_reads, 1);
		CHECK_STR(http_header(q, "Authorization"), STR("Bearer access"));
		buf_add(&out->body, w->userinfo);
	} else {
		out->status = 404;
	}
}

/* The description with one member changed; NULL: the right one. */
static str description_with(struct world *w, const char *key, str value)
{
	static const char *const keys[] = { "issuer", "authorization_endpoint", "token_endpoint", "jwks_uri",
					    "userinfo_endpoint" };
	static const char *const paths[] = { "", "/auth", "/token", "/keys", "/me" };
	struct buf b = BUF_INIT(KIB(8));
	struct json_out j = json_out(&b);

	json_open(&j, '{');
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		bool changed = key && strcmp(key, keys[i]) == 0;
		json_put_str(&j, keys[i],
			     changed ? value : arena_fmt(w->a, STR_FMT "%s", STR_ARG(w->issuer), paths[i]));
	}
	json_close(&j, '}');
	str s = arena_str(w->a, buf_str(&b));
	buf_free(&b);
	return s;
}

static void put_keys(struct world *w)
{
	buf_reset(&w->keys);
	buf_fmt(&w->keys, "{\"keys\":[");
	signer_jwk(&w->signer, "", &w->keys);
	buf_fmt(&w->keys, "]}");
}

static void world_new(struct world *w)
{
	struct http_handlers h = { .ctx = w, .answer = serve };

	w->a = arena_new(KIB(64));
	w->keys = (struct buf)BUF_INIT(KIB(64));
	w->signer = signer_new("ES256", "k1");
	put_keys(w);
	w->provider = test_server(&http_limits_default, &h, "");
	struct http_handlers v = seen_handlers(&w->victim_seen);
	w->victim = test_server(&http_limits_default, &v, "");
	w->issuer = arena_fmt(w->a, "http://127.0.0.1:%u", http_port(w->provider));
	w->description_status = w->token_status = 200;
	w->token_type = "application/json";
	w->description = description_with(w, NULL, STR_NONE);
	w->userinfo = STR("{\"sub\":\"4711\",\"name\":\"Team B\",\"email\":\"b@example.org\"}");
}

static void world_end(struct world *w)
{
	http_stop(w->provider);
	http_stop(w->victim);
	EVP_PKEY_free(w->signer.key);
	buf_free(&w->keys);
	arena_free(w->a);
}

struct sign_in {
	struct fetcher *f;
	struct oidc *o;
};

static struct sign_in sign_in_new(struct world *w)
{
	struct sign_in s = { 0 };
	struct err err = { 0 };
	struct oidc_options options = { .issuer = w->issuer, .client_id = STR("ronda"),
					.redirect_uri = STR("https://ronda.example.org/login/oidc"),
					.scope = STR("openid") };

	CHECK_RC(fetch_new(NULL, &s.f, &err), RC_OK, err);
	CHECK_RC(oidc_new(s.f, &options, &s.o, &err), RC_OK, err);
	return s;
}

static void sign_in_end(struct sign_in *s)
{
	oidc_free(s->o);
	fetch_free(s->f);
}

/* The answer to a code: an ID token for `flow`, with another nonce or subject when asked. */
static void make_token(struct world *w, const char *nonce, const char *subject)
{
	struct buf token = BUF_INIT(KIB(8));
	int64_t now = clock_now_us() / SECOND_US;
	str claims = arena_fmt(w->a, "{\"iss\":\"" STR_FMT "\",\"aud\":\"ronda\",\"sub\":\"%s\",\"nonce\":\"%s\","
			       "\"exp\":%lld,\"iat\":%lld}", STR_ARG(w->issuer), subject, nonce,
			       (long long)now + 60, (long long)now);
	signer_token(&w->signer, NULL, claims, &token);
	w->token = arena_fmt(w->a, "{\"token_type\":\"bearer\",\"access_token\":\"access\",\"id_token\":\"%s\"}",
			     token.p);
	buf_free(&token);
}

static enum rc finish(struct world *w, struct sign_in *s, const struct oidc_flow *flow,
		      struct oidc_claims *out, struct err *err)
{
	struct oidc_back back = { .state = str_of(flow->state), .code = STR("c") };
	return oidc_finish(s->o, flow, &back, w->a, out, err);
}

TEST(a_provider_that_tells_the_truth)
{
	struct world w = { 0 };
	struct oidc_flow flow;
	struct oidc_claims *out;
	struct err err = { 0 };
	str url;

	world_new(&w);
	out = ARENA_NEW(w.a, struct oidc_claims);
	struct sign_in s = sign_in_new(&w);
	for (int i = 0; i < 3; i++) {
		CHECK_RC(oidc_begin(s.o, &flow, &url, w.a, &err), RC_OK, err);
		CHECK(str_starts(url, arena_fmt(w.a, STR_FMT "/auth?response_type=code", STR_ARG(w.issuer))));
		make_token(&w, flow.nonce, "4711");
		CHECK_RC(finish(&w, &s, &flow, out, &err), RC_OK, err);
		CHECK_STR(out->subject, STR("4711"));
		CHECK_STR(out->email, STR("b@example.org"));
	}
	/* its description was read once for all of them */
	CHECK_INT(atomic_load(&w.description_reads), 1);
	CHECK_INT(atomic_load(&w.key_reads), 1);
	CHECK_INT(atomic_load(&w.userinfo_reads), 3);
	/* a key nobody knows: asked for once, then no more for a minute */
	EVP_PKEY *old = w.signer.key;
	w.signer = signer_new("ES256", "k2");
	for (int i = 0; i < 5; i++) {
		make_token(&w, flow.nonce, "4711");
		CHECK_RC(finish(&w, &s, &flow, out, &err), RC_DENIED, err);
		CHECK_INT(out->subject.n, 0);
	}
	CHECK_INT(atomic_load(&w.key_reads), 2);
	EVP_PKEY_free(old);
	sign_in_end(&s);
	world_end(&w);
}

TEST(keys_that_change)
{
	struct world w = { 0 };
	struct oidc_flow flow;
	struct oidc_claims *out;
	struct err err = { 0 };
	str url;

	world_new(&w);
	out = ARENA_NEW(w.a, struct oidc_claims);
	struct sign_in s = sign_in_new(&w);
	CHECK_RC(oidc_begin(s.o, &flow, &url, w.a, &err), RC_OK, err);
	EVP_PKEY_free(w.signer.key);
	w.signer = signer_new("EdDSA", "k2");
	put_keys(&w);
	make_token(&w, flow.nonce, "4711");
	CHECK_RC(finish(&w, &s, &flow, out, &err), RC_OK, err);
	CHECK_INT(atomic_load(&w.key_reads), 2);
	sign_in_end(&s);
	world_end(&w);
}

TEST(a_description_that_lies)
{
	struct world w = { 0 };
	struct oidc_flow flow;
	struct err err = { 0 };
	str url;

	world_new(&w);
	str victim = arena_fmt(w.a, "http://127.0.0.1:%u/", http_port(w.victim));
	const struct { const char *key; str value; bool at_begin; } rows[] = {
		{ "issuer", STR("https://other.example.org"), true },
		{ "issuer", victim, true },
		{ "authorization_endpoint", victim, true }, /* not https: nobody is sent there */
		{ "authorization_endpoint", STR("javascript:alert(1)"), true },
		{ "jwks_uri", victim, true },
		{ "jwks_uri", STR("https://127.0.0.1/keys"), true },
		{ "jwks_uri", STR("file:///etc/passwd"), true },
		{ "token_endpoint", victim, false },
		{ "token_endpoint", STR("https://[::ffff:127.0.0.1]/token"), false },
		{ "userinfo_endpoint", victim, false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct oidc_claims *out = ARENA_NEW(w.a, struct oidc_claims);
		struct sign_in s = sign_in_new(&w);
		w.description = description_with(&w, rows[i].key, rows[i].value);
		enum rc rc = oidc_begin(s.o, &flow, &url, w.a, &err);
		CHECK_MSG((rc != RC_OK) == rows[i].at_begin, "row %zu: %s", i, err.text);
		if (rc == RC_OK) {
			make_token(&w, flow.nonce, "4711");
			CHECK_RC(finish(&w, &s, &flow, out, &err), RC_DENIED, err);
			CHECK_INT(out->subject.n, 0);
		}
		sign_in_end(&s);
	}
	/* elsewhere by a redirect, too long, not there, not JSON */
	const struct { int status; str body; enum rc rc; } answers[] = {
		{ 302, victim, RC_DENIED },
		{ 302, STR("https://127.0.0.1/"), RC_DENIED },
		{ 404, STR("{}"), RC_INPUT },
		{ 500, STR("{}"), RC_BUSY },
		{ 200, STR("<html>"), RC_INPUT },
		{ 200, str_mem(arena_alloc(w.a, MIB(1) + 1), MIB(1) + 1), RC_LIMIT },
	};
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct sign_in s = sign_in_new(&w);
		w.description_status = answers[i].status;
		w.description = answers[i].body;
		enum rc rc = oidc_begin(s.o, &flow, &url, w.a, &err);
		CHECK_MSG(rc == answers[i].rc, "answer %zu: %s %s", i, rc_name(rc), err.text);
		sign_in_end(&s);
	}
	CHECK_INT(atomic_load(&w.victim_seen.answers), 0);
	CHECK_INT(atomic_load(&w.victim_seen.begins), 0);
	world_end(&w);
}

TEST(tokens_that_lie)
{
	struct world w = { 0 };
	struct oidc_flow flow;
	struct oidc_claims *out;
	struct err err = { 0 };
	str url;

	world_new(&w);
	out = ARENA_NEW(w.a, struct oidc_claims);
	struct sign_in s = sign_in_new(&w);
	CHECK_RC(oidc_begin(s.o, &flow, &url, w.a, &err), RC_OK, err);
	make_token(&w, "another", "4711");
	CHECK_RC(finish(&w, &s, &flow, out, &err), RC_DENIED, err);
	make_token(&w, flow.nonce, "4712"); /* userinfo is about 4711 */
	CHECK_RC(finish(&w, &s, &flow, out, &err), RC_DENIED, err);
	CHECK_INT(out->subject.n, 0);
	make_token(&w, flow.nonce, "4711");
	str right = w.token;
	const struct { int status; str body; enum rc rc; } answers[] = {
		{ 200, right, RC_OK },
		{ 400, STR("{\"error\":\"invalid_grant\"}"), RC_DENIED },
		{ 401, STR("{\"error\":7}"), RC_DENIED },
		{ 302, right, RC_DENIED },
		{ 503, right, RC_BUSY },
		{ 200, STR(""), RC_INPUT },
		{ 200, STR("<html>"), RC_INPUT },
		{ 200, STR("[]"), RC_INPUT },
		{ 200, STR("{\"token_type\":\"Bearer\",\"access_token\":\"a\"}"), RC_INPUT },
		{ 200, STR("{\"token_type\":\"mac\",\"id_token\":\"a.b.c\"}"), RC_INPUT },
		{ 200, STR("{\"token_type\":\"Bearer\",\"id_token\":\"eyJhbGciOiJub25lIn0.e30.\"}"), RC_INPUT },
		{ 200, STR("{\"token_type\":\"Bearer\",\"id_token\":\"eyJhbGciOiJIUzI1NiJ9.e30.AAAA\"}"), RC_INPUT },
	};
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		w.token_status = answers[i].status;
		w.token = answers[i].body;
		enum rc rc = finish(&w, &s, &flow, out, &err);
		CHECK_MSG(rc == answers[i].rc, "answer %zu: %s %s", i, rc_name(rc), err.text);
		CHECK((out->subject.n > 0) == (rc == RC_OK));
	}
	/* userinfo that is signed is not read */
	w.token_status = 200;
	w.token = right;
	w.userinfo = STR("eyJhbGciOiJFUzI1NiJ9.e30.AAAA");
	CHECK_RC(finish(&w, &s, &flow, out, &err), RC_DENIED, err);
	/* a flow of another browser, one that was never begun */
	struct oidc_flow none = { 0 };
	struct oidc_back back = { .state = str_of(flow.state), .code = STR("c") };
	CHECK_RC(oidc_finish(s.o, &none, &back, w.a, out, &err), RC_DENIED, err);
	sign_in_end(&s);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(a_provider_that_tells_the_truth), TEST_RUN(keys_that_change),
	  TEST_RUN(a_description_that_lies), TEST_RUN(tokens_that_lie))
