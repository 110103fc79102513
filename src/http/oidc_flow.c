/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "base/json.h"
#include "http/oidc.h"

static bool is_endpoint(str url)
{
	return url.n <= FETCH_URL_MAX && str_is_plain(url) && !str_has(url, '#') && !str_has(url, ' ') &&
	       (str_starts(url, STR("https://")) || str_starts(url, STR("http://")));
}

static bool lists(struct json_object *list, str word)
{
	bool found = false;
	for (size_t i = 0; i < json_count(list); i++)
		found = found || str_eq(json_text(json_at(list, i)), word);
	return found;
}

static enum rc read_all(struct json_object *o, str issuer, struct arena *a,
			struct oidc_metadata *out, struct err *err)
{
	const struct { const char *key; str *to; bool must; } texts[] = {
		{ "authorization_endpoint", &out->authorization_endpoint, true },
		{ "token_endpoint", &out->token_endpoint, true },
		{ "jwks_uri", &out->jwks_uri, true },
		{ "userinfo_endpoint", &out->userinfo_endpoint, false },
	};
	struct json_object *types = json_get(o, "response_types_supported");
	struct json_object *methods = json_get(o, "token_endpoint_auth_methods_supported");

	if (!str_eq(json_get_str(o, "issuer"), issuer))
		return fail(err, RC_INPUT, "identity provider: it calls itself '" STR_FMT "', not '" STR_FMT
			    "'", STR_ARG(str_head(json_get_str(o, "issuer"), 80)),
			    STR_ARG(str_head(issuer, 80)));
	if (types && !lists(types, STR("code")))
		return fail(err, RC_INPUT, "identity provider: it has no code flow");
	out->issuer = arena_str(a, issuer);
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		str url = json_get_str(o, texts[i].key);
		if (!url.n && !texts[i].must)
			continue;
		if (!is_endpoint(url))
			return fail(err, RC_INPUT, "identity provider: its '%s' is no address",
				    texts[i].key);
		*texts[i].to = arena_str(a, url);
	}
	(void)json_get_bool(o, "authorization_response_iss_parameter_supported", &out->names_itself);
	out->secret_in_form = methods && !lists(methods, STR("client_secret_basic")) &&
			      lists(methods, STR("client_secret_post"));
	return RC_OK;
}

enum rc oidc_metadata_read(str json, str issuer, struct arena *a, struct oidc_metadata *out,
			   struct err *err)
{
	struct json_object *o = NULL;

	*out = (struct oidc_metadata){ 0 };
	enum rc rc = json_read(json, &o, err);
	if (rc == RC_OK)
		rc = read_all(o, issuer, a, out, err);
	json_free(o);
	return rc;
}

static void random_text(char out[44])
{
	unsigned char bytes[32];
	struct buf b = BUF_INIT(64);

	random_bytes(bytes, sizeof(bytes));
	base64url_format(&b, bytes, sizeof(bytes));
	(void)str_to_z(buf_str(&b), out, 44);
	buf_free(&b);
}

void oidc_flow_new(struct oidc_flow *out)
{
	random_text(out->state);
	random_text(out->nonce);
	random_text(out->verifier);
}

str oidc_authorize_url(const struct oidc_metadata *m, const struct oidc_options *options,
		       const struct oidc_flow *flow, struct arena *a)
{
	struct buf query = BUF_INIT(KIB(16)), challenge = BUF_INIT(64);
	struct digest d = sha256(str_of(flow->verifier));

	base64url_format(&challenge, d.b, sizeof(d.b));
	fetch_form(&query, "response_type", STR("code"));
	fetch_form(&query, "client_id", options->client_id);
	fetch_form(&query, "redirect_uri", options->redirect_uri);
	fetch_form(&query, "scope", options->scope);
	fetch_form(&query, "state", str_of(flow->state));
	fetch_form(&query, "nonce", str_of(flow->nonce));
	fetch_form(&query, "code_challenge", buf_str(&challenge));
	fetch_form(&query, "code_challenge_method", STR("S256"));
	/* The endpoint may have a query of its own, which stays (RFC 6749 section 3.1). */
	str base = m->authorization_endpoint;
	str url = arena_fmt(a, STR_FMT "%c%s", STR_ARG(base), str_has(base, '?') ? '&' : '?', query.p);
	buf_free(&query);
	buf_free(&challenge);
	return url;
}

enum rc oidc_back_check(const struct oidc_metadata *m, const struct oidc_flow *flow,
			const struct oidc_back *back, struct err *err)
{
	/* State first: without it nothing else is believed to come from the provider. */
	if (!flow->state[0] || !str_eq_secret(back->state, str_of(flow->state)))
		return fail(err, RC_DENIED, "sign-in: this answer belongs to no sign-in of this browser");
	if ((m->names_itself || back->iss.n) && !str_eq(back->iss, m->issuer))
		return fail(err, RC_DENIED, "sign-in: the answer is from another provider");
	if (back->error.n)
		return fail(err, RC_DENIED, "identity provider: '" STR_FMT "'",
			    STR_ARG(str_head(back->error, 80)));
	if (!back->code.n || back->code.n > 2048 || !str_is_plain(back->code))
		return fail(err, RC_DENIED, "sign-in: the answer has no code");
	return RC_OK;
}
