/* SPDX-License-Identifier: Apache-2.0 */
#include "http/jwt_test.h"
#include "http/oidc.h"

#define NOW_S INT64_C(1795000000)
#define ISSUER "https://idp.example.org/realm"
#define CLIENT "ronda"
#define NONCE "0123456789abcdef0123456789abcdef0123456789a"

static const struct oidc_expect expect = {
	.issuer = STR_INIT(ISSUER), .client_id = STR_INIT(CLIENT), .nonce = STR_INIT(NONCE),
	.groups_claim = STR_INIT("groups"), .now_us = NOW_S * SECOND_US,
};

/* Claims with one replaced or added: `more` comes last and `without` is left out. */
static str claims_with(struct arena *a, const char *without, const char *more)
{
	static const struct { const char *key, *value; } usual[] = {
		{ "iss", "\"" ISSUER "\"" }, { "aud", "\"" CLIENT "\"" },
		{ "sub", "\"4711\"" },       { "nonce", "\"" NONCE "\"" },
		{ "exp", "1795000300" },     { "iat", "1795000000" },
	};
	struct buf b = BUF_INIT(KIB(64));

	buf_char(&b, '{');
	for (size_t i = 0; i < COUNT_OF(usual); i++)
		if (strcmp(without, usual[i].key) != 0)
			buf_fmt(&b, "\"%s\":%s,", usual[i].key, usual[i].value);
	buf_fmt(&b, "%s%s}", more, more[0] ? "" : "\"x\":0");
	str text = arena_str(a, buf_str(&b));
	buf_free(&b);
	return text;
}

TEST(claims_that_are_refused)
{
	static const struct {
		const char *without, *more;
		enum rc rc;
	} rows[] = {
		{ "", "", RC_OK },
		{ "iss", "", RC_DENIED },
		{ "iss", "\"iss\":\"https://idp.example.org/realm/\"", RC_DENIED },
		{ "iss", "\"iss\":\"https://idp.example.org\"", RC_DENIED },
		{ "iss", "\"iss\":[\"" ISSUER "\"]", RC_DENIED },
		{ "", "\"iss\":\"https://other.example.org\"", RC_DENIED }, /* twice */
		{ "aud", "", RC_DENIED },
		{ "aud", "\"aud\":\"other\"", RC_DENIED },
		{ "aud", "\"aud\":\"rondax\"", RC_DENIED },
		{ "aud", "\"aud\":[]", RC_DENIED },
		{ "aud", "\"aud\":{\"a\":\"ronda\"}", RC_DENIED },
		{ "aud", "\"aud\":[\"ronda\",7]", RC_DENIED },
		{ "aud", "\"aud\":[\"ronda\"]", RC_OK },
		{ "aud", "\"aud\":[\"other\",\"ronda\"]", RC_DENIED }, /* who asked is not said */
		{ "aud", "\"aud\":[\"other\",\"ronda\"],\"azp\":\"ronda\"", RC_OK },
		{ "aud", "\"aud\":[\"other\",\"ronda\"],\"azp\":\"other\"", RC_DENIED },
		{ "", "\"azp\":\"other\"", RC_DENIED },
		{ "", "\"azp\":null", RC_DENIED },
		{ "", "\"azp\":\"ronda\"", RC_OK },
		{ "sub", "", RC_DENIED },
		{ "sub", "\"sub\":\"\"", RC_DENIED },
		{ "sub", "\"sub\":4711", RC_DENIED },
		{ "sub", "\"sub\":\"a\\u0000b\"", RC_DENIED },
		{ "sub", "\"sub\":\"a\\nb\"", RC_DENIED },
		{ "nonce", "", RC_DENIED },
		{ "nonce", "\"nonce\":\"\"", RC_DENIED },
		{ "nonce", "\"nonce\":\"0123456789abcdef0123456789abcdef0123456789b\"", RC_DENIED },
		{ "exp", "", RC_DENIED },
		{ "exp", "\"exp\":\"1795000300\"", RC_DENIED },
		{ "exp", "\"exp\":-1", RC_DENIED },
		{ "exp", "\"exp\":1e999", RC_DENIED },
		{ "exp", "\"exp\":1e30", RC_DENIED },
		{ "exp", "\"exp\":1795000300.5", RC_OK },
		/* five minutes between the clocks: at, above */
		{ "exp", "\"exp\":1794999701", RC_OK },
		{ "exp", "\"exp\":1794999700", RC_DENIED },
		{ "iat", "", RC_DENIED },
		{ "iat", "\"iat\":1795000300", RC_OK },
		{ "iat", "\"iat\":1795000301", RC_DENIED },
		/* ten minutes old and five between the clocks: at, above */
		{ "iat", "\"iat\":1794999100", RC_OK },
		{ "iat", "\"iat\":1794999099", RC_DENIED },
		{ "", "\"nbf\":1795000300", RC_OK },
		{ "", "\"nbf\":1795000301", RC_DENIED },
		{ "", "\"nbf\":\"now\"", RC_DENIED },
		{ "", "\"groups\":[\"a\",7]", RC_DENIED },
		{ "", "\"groups\":[[\"a\"]]", RC_DENIED },
		{ "", "\"groups\":{\"a\":\"b\"}", RC_DENIED },
		{ "", "\"groups\":[\"a\\nb\"]", RC_DENIED },
		{ "", "\"groups\":7", RC_DENIED },
		{ "", "\"groups\":null", RC_OK },
		{ "", "\"groups\":[]", RC_OK },
	};
	struct arena *a = arena_new(KIB(64));
	struct oidc_claims out;
	struct err err = { 0 };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str json = claims_with(a, rows[i].without, rows[i].more);
		err.text[0] = '\0';
		enum rc rc = oidc_claims_check(json, &expect, a, &out, &err);
		CHECK_MSG(rc == rows[i].rc, "-%s %s: %s (%s)", rows[i].without, rows[i].more, rc_name(rc),
			  err.text);
	}
	static const char *const no_json[] = { "", "[]", "null", "{", "{\"iss\":}", "\"a\"" };
	for (size_t i = 0; i < COUNT_OF(no_json); i++)
		CHECK_RC(oidc_claims_check(str_of(no_json[i]), &expect, a, &out, &err), RC_DENIED, err);
	/* a check that expects nothing accepts nothing */
	struct oidc_expect none = expect;
	none.nonce = STR_NONE;
	CHECK_RC(oidc_claims_check(claims_with(a, "nonce", ""), &none, a, &out, &err), RC_DENIED, err);
	none = expect;
	none.issuer = STR_NONE;
	CHECK_RC(oidc_claims_check(claims_with(a, "iss", ""), &none, a, &out, &err), RC_DENIED, err);
	arena_free(a);
}

TEST(who_it_is)
{
	struct arena *a = arena_new(KIB(64));
	struct oidc_claims out;
	struct err err = { 0 };
	str json = claims_with(a, "", "\"name\":\"Team B\",\"email\":\"b@example.org\","
			       "\"email_verified\":true,\"preferred_username\":\"b\","
			       "\"groups\":[\"duty\",\"lead\"]");

	CHECK_RC(oidc_claims_check(json, &expect, a, &out, &err), RC_OK, err);
	CHECK_STR(out.issuer, STR(ISSUER));
	CHECK_STR(out.subject, STR("4711"));
	CHECK_STR(out.name, STR("Team B"));
	CHECK_STR(out.username, STR("b"));
	CHECK_STR(out.email, STR("b@example.org"));
	CHECK(out.email_verified);
	CHECK_INT(out.group_count, 2);
	CHECK_STR(out.groups[1], STR("lead"));
	/* userinfo adds what lacks and changes nothing */
	CHECK_RC(oidc_userinfo_add(STR("{\"sub\":\"4711\",\"name\":\"Other\",\"email\":\"c@example.org\","
				       "\"email_verified\":false,\"groups\":[\"x\"]}"),
				   STR("groups"), a, &out, &err), RC_OK, err);
	CHECK_STR(out.name, STR("Team B"));
	CHECK(out.email_verified && out.group_count == 2);
	CHECK_RC(oidc_claims_check(claims_with(a, "", ""), &expect, a, &out, &err), RC_OK, err);
	CHECK_RC(oidc_userinfo_add(STR("{\"sub\":\"4712\",\"name\":\"Other\"}"), STR("groups"), a, &out, &err),
		 RC_DENIED, err);
	CHECK_RC(oidc_userinfo_add(STR("{\"name\":\"Other\"}"), STR("groups"), a, &out, &err), RC_DENIED, err);
	CHECK_RC(oidc_userinfo_add(STR("<html>"), STR("groups"), a, &out, &err), RC_DENIED, err);
	CHECK_INT(out.name.n, 0);
	CHECK_RC(oidc_userinfo_add(STR("{\"sub\":\"4711\",\"name\":\"Team B\",\"groups\":\"one\"}"),
				   STR("groups"), a, &out, &err), RC_OK, err);
	CHECK_STR(out.name, STR("Team B"));
	CHECK(out.group_count == 1 && !out.email_verified);
	CHECK_STR(out.groups[0], STR("one"));
	/* names that are no plain text are no names */
	CHECK_RC(oidc_claims_check(claims_with(a, "", "\"name\":\"a\\nb\",\"email\":7"), &expect, a, &out,
				   &err), RC_OK, err);
	CHECK(out.name.n == 0 && out.email.n == 0);
	/* groups: below, at, above */
	for (unsigned n = OIDC_GROUPS_MAX - 1; n <= OIDC_GROUPS_MAX + 1; n++) {
		struct buf b = BUF_INIT(KIB(16));
		buf_fmt(&b, "\"groups\":[\"g\"");
		for (unsigned i = 1; i < n; i++)
			buf_fmt(&b, ",\"g%u\"", i);
		buf_char(&b, ']');
		enum rc rc = oidc_claims_check(claims_with(a, "", b.p), &expect, a, &out, &err);
		CHECK_RC(rc, n <= OIDC_GROUPS_MAX ? RC_OK : RC_DENIED, err);
		buf_free(&b);
	}
	arena_free(a);
}

TEST(a_whole_token)
{
	struct arena *a = arena_new(KIB(64));
	struct signer s = signer_new("ES256", "k"), other = signer_new("ES256", "k");
	struct jwks *keys = signer_keys(&s, 1);
	struct buf token = BUF_INIT(KIB(8));
	struct oidc_claims out;
	struct err err = { 0 };

	signer_token(&s, NULL, claims_with(a, "", ""), &token);
	CHECK_RC(oidc_token_check(keys, buf_str(&token), &expect, a, &out, &err), RC_OK, err);
	buf_reset(&token);
	signer_token(&other, NULL, claims_with(a, "", ""), &token);
	CHECK_RC(oidc_token_check(keys, buf_str(&token), &expect, a, &out, &err), RC_DENIED, err);
	buf_free(&token);
	jwks_free(keys);
	EVP_PKEY_free(s.key);
	EVP_PKEY_free(other.key);
	arena_free(a);
}

#define ENDPOINTS "\"authorization_endpoint\":\"https://idp.example.org/auth?x=1\"," \
		  "\"token_endpoint\":\"https://idp.example.org/token\"," \
		  "\"jwks_uri\":\"https://idp.example.org/keys\""

TEST(what_a_provider_says_of_itself)
{
	static const struct { const char *json; enum rc rc; bool in_form, names; } rows[] = {
		{ "{\"issuer\":\"" ISSUER "\"," ENDPOINTS "}", RC_OK, false, false },
		{ "{\"issuer\":\"" ISSUER "/\"," ENDPOINTS "}", RC_INPUT, false, false },
		{ "{\"issuer\":\"https://other.example.org\"," ENDPOINTS "}", RC_INPUT, false, false },
		{ "{" ENDPOINTS "}", RC_INPUT, false, false },
		{ "{\"issuer\":\"" ISSUER "\"}", RC_INPUT, false, false },
		{ "[]", RC_INPUT, false, false },
		{ "<html>", RC_INPUT, false, false },
		{ "{\"issuer\":\"" ISSUER "\"," ENDPOINTS ",\"userinfo_endpoint\":\"javascript:1\"}", RC_INPUT,
		  false, false },
		{ "{\"issuer\":\"" ISSUER "\"," ENDPOINTS ",\"userinfo_endpoint\":\"https://a\\nb\"}", RC_INPUT,
		  false, false },
		{ "{\"issuer\":\"" ISSUER "\"," ENDPOINTS ",\"response_types_supported\":[\"id_token\"]}",
		  RC_INPUT, false, false },
		{ "{\"issuer\":\"" ISSUER "\"," ENDPOINTS ",\"response_types_supported\":[\"code\"],"
		  "\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"],"
		  "\"authorization_response_iss_parameter_supported\":true}", RC_OK, true, true },
		{ "{\"issuer\":\"" ISSUER "\"," ENDPOINTS ",\"token_endpoint_auth_methods_supported\":"
		  "[\"client_secret_post\",\"client_secret_basic\"]}", RC_OK, false, false },
	};
	struct arena *a = arena_new(KIB(64));
	struct oidc_metadata m;
	struct err err = { 0 };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum rc rc = oidc_metadata_read(str_of(rows[i].json), STR(ISSUER), a, &m, &err);
		CHECK_MSG(rc == rows[i].rc, "%s: %s", rows[i].json, rc_name(rc));
		CHECK(rc != RC_OK || (m.secret_in_form == rows[i].in_form && m.names_itself == rows[i].names));
	}
	arena_free(a);
}

TEST(the_way_there_and_back)
{
	/* RFC 7636 appendix B */
	struct oidc_flow flow = { "s-t_a", "n", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" }, other;
	struct arena *a = arena_new(KIB(64));
	struct oidc_metadata m;
	struct err err = { 0 };
	struct oidc_options options = { .client_id = STR("ronda & co"), .scope = STR("openid email"),
					.redirect_uri = STR("https://ronda.example.org/login/oidc") };

	CHECK_RC(oidc_metadata_read(STR("{\"issuer\":\"" ISSUER "\"," ENDPOINTS "}"), STR(ISSUER), a, &m,
				    &err), RC_OK, err);
	CHECK_STR(oidc_authorize_url(&m, &options, &flow, a),
		  STR("https://idp.example.org/auth?x=1&response_type=code&client_id=ronda%20%26%20co"
		      "&redirect_uri=https%3A%2F%2Fronda.example.org%2Flogin%2Foidc"
		      "&scope=openid%20email&state=s-t_a&nonce=n"
		      "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
		      "&code_challenge_method=S256"));
	const struct {
		struct oidc_back back;
		bool names_itself;
		enum rc rc;
	} rows[] = {
		{ { .state = STR("s-t_a"), .code = STR("c") }, false, RC_OK },
		{ { .state = STR("s-t_b"), .code = STR("c") }, false, RC_DENIED },
		{ { .state = STR("s-t_"), .code = STR("c") }, false, RC_DENIED },
		{ { .state = STR(""), .code = STR("c") }, false, RC_DENIED },
		{ { .code = STR("c") }, false, RC_DENIED },
		{ { .state = STR("s-t_a") }, false, RC_DENIED },
		{ { .state = STR("s-t_a"), .code = STR("c\n") }, false, RC_DENIED },
		{ { .state = STR("s-t_a"), .error = STR("access_denied") }, false, RC_DENIED },
		{ { .state = STR("s-t_a"), .code = STR("c"), .error = STR("x") }, false, RC_DENIED },
		/* the answer of one provider given to another (RFC 9207) */
		{ { .state = STR("s-t_a"), .code = STR("c") }, true, RC_DENIED },
		{ { .state = STR("s-t_a"), .code = STR("c"), .iss = STR(ISSUER) }, true, RC_OK },
		{ { .state = STR("s-t_a"), .code = STR("c"), .iss = STR("https://b") }, true, RC_DENIED },
		{ { .state = STR("s-t_a"), .code = STR("c"), .iss = STR("https://b") }, false, RC_DENIED },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		m.names_itself = rows[i].names_itself;
		CHECK_MSG(oidc_back_check(&m, &flow, &rows[i].back, &err) == rows[i].rc, "row %zu", i);
	}
	/* a flow that was never begun takes nothing back */
	struct oidc_back empty = { .state = STR(""), .code = STR("c") };
	CHECK_RC(oidc_back_check(&m, &(struct oidc_flow){ 0 }, &empty, &err), RC_DENIED, err);
	oidc_flow_new(&flow);
	oidc_flow_new(&other);
	CHECK(strlen(flow.state) == 43 && strlen(flow.nonce) == 43 && strlen(flow.verifier) == 43);
	CHECK(strcmp(flow.state, other.state) != 0 && strcmp(flow.state, flow.nonce) != 0 &&
	      strcmp(flow.nonce, flow.verifier) != 0);
	arena_free(a);
}

TEST(options_that_are_refused)
{
	const struct { struct oidc_options o; enum rc rc; } rows[] = {
#define GOOD .issuer = STR(ISSUER), .client_id = STR("a"), .redirect_uri = STR("https://r.example.org/b"), \
	     .scope = STR("openid")
		{ { GOOD }, RC_OK },
		{ { .issuer = STR(ISSUER), .client_id = STR("a"), .scope = STR("openid") }, RC_INPUT },
		{ { .issuer = STR(ISSUER), .redirect_uri = STR("x"), .scope = STR("openid") }, RC_INPUT },
		{ { .issuer = STR("idp.example.org"), .client_id = STR("a"), .redirect_uri = STR("x"),
		    .scope = STR("openid") }, RC_INPUT },
		{ { .issuer = STR(ISSUER "?x=1"), .client_id = STR("a"), .redirect_uri = STR("x"),
		    .scope = STR("openid") }, RC_INPUT },
		{ { .issuer = STR(ISSUER), .client_id = STR("a"), .redirect_uri = STR("x"),
		    .scope = STR("email") }, RC_INPUT },
		{ { GOOD, .client_secret = STR("a\nb") }, RC_INPUT },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fetcher *f = NULL;
		struct oidc *o = NULL;
		struct err err = { 0 };
		CHECK_RC(fetch_new(NULL, &f, &err), RC_OK, err);
		enum rc rc = oidc_new(f, &rows[i].o, &o, &err);
		CHECK_MSG(rc == rows[i].rc, "row %zu: %s", i, rc_name(rc));
		oidc_free(rc == RC_OK ? o : NULL);
		fetch_free(f);
	}
}

TEST_MAIN(TEST_RUN(claims_that_are_refused), TEST_RUN(who_it_is), TEST_RUN(a_whole_token),
	  TEST_RUN(what_a_provider_says_of_itself), TEST_RUN(the_way_there_and_back),
	  TEST_RUN(options_that_are_refused))
