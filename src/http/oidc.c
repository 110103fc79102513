/* SPDX-License-Identifier: Apache-2.0 */
#include "http/oidc.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/snapshot.h"

#define PROVIDER_AGE_US HOUR_US
#define KEYS_PAUSE_US MINUTE_US

/* The provider as it was described: never changed, swapped whole. */
struct provider {
	struct arena *a;
	struct oidc_metadata m;
	struct jwks *keys;
	int64_t read_us; /* monotonic */
};

struct oidc {
	struct fetcher *f;
	struct arena *a;
	struct oidc_options options;
	struct snapshot *provider;
	_Atomic int64_t keys_asked_us; /* when a key was last missing */
};

static void provider_free(void *table)
{
	struct provider *p = table;

	if (!p)
		return;
	jwks_free(p->keys);
	arena_free(p->a);
	free(p);
}

enum rc oidc_new(struct fetcher *f, const struct oidc_options *options, struct oidc **out,
		 struct err *err)
{
	const struct { const char *name; str value; bool must; } texts[] = {
		{ "issuer", options->issuer, true },
		{ "client id", options->client_id, true },
		{ "client secret", options->client_secret, false },
		{ "address to come back to", options->redirect_uri, true },
		{ "scope", options->scope, true },
		{ "name of the groups claim", options->groups_claim, false },
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (!str_is_plain(texts[i].value) || texts[i].value.n > 1024 ||
		    (texts[i].must && !texts[i].value.n))
			return fail(err, RC_INPUT, "identity provider: the %s is missing or wrong",
				    texts[i].name);
	if (str_has(options->issuer, '?') || str_has(options->issuer, '#'))
		return fail(err, RC_INPUT, "identity provider: the issuer has no query");
	if (str_find(options->scope, STR("openid")) == options->scope.n)
		return fail(err, RC_INPUT, "identity provider: the scope has no 'openid' in it");
	enum rc rc = fetch_exempt(f, OIDC_PURPOSE, options->issuer, err);
	if (rc != RC_OK)
		return rc;
	struct oidc *o = x_alloc(sizeof(*o));
	o->f = f;
	o->a = arena_new(KIB(4));
	o->options = (struct oidc_options){
		.issuer = arena_str(o->a, options->issuer),
		.client_id = arena_str(o->a, options->client_id),
		.client_secret = arena_str(o->a, options->client_secret),
		.redirect_uri = arena_str(o->a, options->redirect_uri),
		.scope = arena_str(o->a, options->scope),
		.groups_claim = arena_str(o->a, options->groups_claim),
	};
	o->provider = snapshot_new(provider_free);
	atomic_init(&o->keys_asked_us, INT64_MIN / 2);
	*out = o;
	return RC_OK;
}

/* A secret stands in a file of its own, so that no list of settings shows it. */
static enum rc read_secret(str path, struct arena *a, str *out, struct err *err)
{
	char text[1026];

	if (!path.n)
		return RC_OK;
	FILE *file = fopen(arena_z(a, path), "re");
	if (!file)
		return fail(err, RC_INPUT, "oidc_client_secret_file: '" STR_FMT "' cannot be read",
			    STR_ARG(path));
	size_t n = fread(text, 1, sizeof(text), file);
	(void)fclose(file);
	*out = arena_str(a, str_trim_all(str_mem(text, n)));
	sodium_memzero(text, sizeof(text));
	if (!out->n || n == sizeof(text))
		return fail(err, RC_INPUT, "oidc_client_secret_file: '" STR_FMT "' holds no secret",
			    STR_ARG(path));
	return RC_OK;
}

enum rc oidc_open(const struct settings *s, const char *back_path, struct fetcher *f,
		  struct oidc **out, struct err *err)
{
	str base = settings_text(s, "public_url"), hosts = settings_text(s, "oidc_hosts");
	enum rc rc = RC_OK;

	if (!settings_text(s, "oidc_issuer").n)
		return fail(err, RC_ABSENT, "no identity provider is set");
	if (!base.n)
		return fail(err, RC_INPUT, "public_url must be set where oidc_issuer is");
	while (str_ends(base, STR("/")))
		base.n--;
	while (rc == RC_OK && hosts.n) {
		str one = str_trim(str_cut(&hosts, ','));
		if (one.n)
			rc = fetch_allow(f, OIDC_PURPOSE, one, err);
	}
	struct arena *a = arena_new(KIB(4));
	struct oidc_options options = {
		.issuer = settings_text(s, "oidc_issuer"),
		.client_id = settings_text(s, "oidc_client_id"),
		.redirect_uri = arena_fmt(a, STR_FMT "%s", STR_ARG(base), back_path),
		.scope = settings_text(s, "oidc_scope"),
		.groups_claim = settings_text(s, "oidc_groups_claim"),
	};
	if (rc == RC_OK)
		rc = read_secret(settings_text(s, "oidc_client_secret_file"), a, &options.client_secret, err);
	if (rc == RC_OK)
		rc = oidc_new(f, &options, out, err);
	sodium_memzero((char *)options.client_secret.p, options.client_secret.n);
	arena_free(a);
	return rc;
}

void oidc_free(struct oidc *o)
{
	if (!o)
		return;
	snapshot_free(o->provider);
	sodium_memzero((char *)o->options.client_secret.p, o->options.client_secret.n);
	arena_free(o->a);
	free(o);
}

/* --- what the provider says of itself --- */

static enum rc get(struct oidc *o, str url, str authorization, struct arena *a,
		   struct fetch_answer *out, struct err *err)
{
	struct fetch_request q = { .purpose = OIDC_PURPOSE, .url = url, .accept = "application/json",
				   .authorization = authorization };
	enum rc rc = fetch(o->f, &q, a, out, err);

	if (rc != RC_OK || out->status == 200)
		return rc;
	return fail(err, out->status >= 500 ? RC_BUSY : RC_INPUT,
		    "identity provider: '" STR_FMT "' answers with status %d",
		    STR_ARG(str_head(out->url, 120)), out->status);
}

static enum rc read_provider(struct oidc *o, struct provider *p, struct err *err)
{
	struct fetch_answer answer;
	str issuer = o->options.issuer;

	while (str_ends(issuer, STR("/"))) /* Discovery 1.0 section 4 */
		issuer.n--;
	str url = arena_fmt(p->a, STR_FMT "/.well-known/openid-configuration", STR_ARG(issuer));
	enum rc rc = get(o, url, STR_NONE, p->a, &answer, err);
	if (rc == RC_OK)
		rc = oidc_metadata_read(answer.body, o->options.issuer, p->a, &p->m, err);
	if (rc == RC_OK && !fetch_url_is_safe(o->f, OIDC_PURPOSE, p->m.authorization_endpoint))
		rc = fail(err, RC_DENIED, "identity provider: its sign-in page is not https");
	if (rc == RC_OK)
		rc = get(o, p->m.jwks_uri, STR_NONE, p->a, &answer, err);
	if (rc == RC_OK)
		rc = jwks_read(answer.body, &p->keys, err);
	return rc;
}

static enum rc refresh(struct oidc *o, struct err *err)
{
	struct provider *p = x_alloc(sizeof(*p));

	p->a = arena_new(KIB(8));
	p->read_us = clock_mono_us();
	enum rc rc = read_provider(o, p, err);
	if (rc == RC_OK)
		snapshot_swap(o->provider, p);
	else
		provider_free(p);
	return rc;
}

/* Holds the provider; on RC_OK end with snapshot_drop(). */
static enum rc hold(struct oidc *o, struct snapshot_ref **ref_out, const struct provider **out,
		    struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(o->provider);
	const struct provider *p = snapshot_table(ref);

	if (!p || clock_mono_us() - p->read_us > PROVIDER_AGE_US) {
		if (ref)
			snapshot_drop(o->provider, ref);
		enum rc rc = refresh(o, err);
		if (rc != RC_OK)
			return rc;
		ref = snapshot_hold(o->provider);
		p = snapshot_table(ref);
	}
	*ref_out = ref;
	*out = p;
	return RC_OK;
}

enum rc oidc_begin(struct oidc *o, struct oidc_flow *flow_out, str *url_out, struct arena *a,
		   struct err *err)
{
	struct snapshot_ref *ref;
	const struct provider *p;
	enum rc rc = hold(o, &ref, &p, err);

	if (rc != RC_OK)
		return rc;
	oidc_flow_new(flow_out);
	*url_out = oidc_authorize_url(&p->m, &o->options, flow_out, a);
	snapshot_drop(o->provider, ref);
	return RC_OK;
}

/* --- the code for tokens --- */

/* RFC 6749 section 2.3.1: both are form-encoded before they are joined. */
static str basic(const struct oidc_options *options, struct arena *a)
{
	struct buf pair = BUF_INIT(KIB(8));

	percent_format(&pair, options->client_id);
	buf_char(&pair, ':');
	percent_format(&pair, options->client_secret);
	size_t most = sodium_base64_ENCODED_LEN(pair.n, sodium_base64_VARIANT_ORIGINAL);
	char *text = arena_alloc(a, most + 6);
	memcpy(text, "Basic ", 6);
	sodium_bin2base64(text + 6, most, (uint8_t *)pair.p, pair.n, sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(pair.p, pair.n);
	buf_free(&pair);
	return str_of(text);
}

struct tokens {
	str id, access;
};

static enum rc read_tokens(const struct fetch_answer *answer, struct arena *a, struct tokens *out,
			   struct err *err)
{
	struct json_object *o = NULL;
	enum rc rc = RC_OK;

	if (answer->status >= 500)
		return fail(err, RC_BUSY, "identity provider: it answers with status %d", answer->status);
	if (json_read(answer->body, &o, err) != RC_OK)
		return fail(err, RC_INPUT, "identity provider: its answer to the code is not JSON");
	if (answer->status != 200)
		rc = fail(err, RC_DENIED, "identity provider: it does not take the code: '" STR_FMT "'",
			  STR_ARG(str_head(json_get_str(o, "error"), 80)));
	else if (!str_eq_nocase(json_get_str(o, "token_type"), STR("Bearer")) ||
		 !json_get_str(o, "id_token").n)
		rc = fail(err, RC_INPUT, "identity provider: there is no ID token in its answer");
	out->id = arena_str(a, json_get_str(o, "id_token"));
	out->access = arena_str(a, json_get_str(o, "access_token"));
	json_free(o);
	return rc;
}

static enum rc exchange(struct oidc *o, const struct oidc_metadata *m, const struct oidc_flow *flow,
			str code, struct arena *a, struct tokens *out, struct err *err)
{
	const struct oidc_options *options = &o->options;
	struct buf form = BUF_INIT(KIB(16));
	struct fetch_answer answer;
	struct fetch_request q = { .purpose = OIDC_PURPOSE, .url = m->token_endpoint, .form = &form,
				   .accept = "application/json" };

	fetch_form(&form, "grant_type", STR("authorization_code"));
	fetch_form(&form, "code", code);
	fetch_form(&form, "redirect_uri", options->redirect_uri);
	fetch_form(&form, "code_verifier", str_of(flow->verifier));
	if (options->client_secret.n && !m->secret_in_form)
		q.authorization = basic(options, a);
	else
		fetch_form(&form, "client_id", options->client_id);
	if (options->client_secret.n && m->secret_in_form)
		fetch_form(&form, "client_secret", options->client_secret);
	enum rc rc = form.over ? fail(err, RC_LIMIT, "sign-in: the code is too long")
			       : fetch(o->f, &q, a, &answer, err);
	if (rc == RC_OK)
		rc = read_tokens(&answer, a, out, err);
	sodium_memzero(form.p, form.n);
	buf_free(&form);
	return rc;
}

/* A key that is not known may be new: the provider is read again, once a minute
 * at most for all sign-ins together. */
static bool may_ask_for_keys(struct oidc *o)
{
	int64_t now = clock_mono_us(), last = atomic_load(&o->keys_asked_us);

	return now - last >= KEYS_PAUSE_US &&
	       atomic_compare_exchange_strong(&o->keys_asked_us, &last, now);
}

static enum rc check(struct oidc *o, const struct provider *p, const struct tokens *t,
		     const struct oidc_expect *expect, struct arena *a, struct oidc_claims *out,
		     struct err *err)
{
	struct snapshot_ref *ref;
	enum rc rc = oidc_token_check(p->keys, t->id, expect, a, out, err);

	if (rc != RC_ABSENT || !may_ask_for_keys(o))
		return rc == RC_ABSENT ? fail(err, RC_DENIED, "ID token: signed with a key that the "
					      "provider does not show") : rc;
	rc = refresh(o, err);
	if (rc == RC_OK)
		rc = hold(o, &ref, &p, err);
	if (rc != RC_OK)
		return rc;
	rc = oidc_token_check(p->keys, t->id, expect, a, out, err);
	snapshot_drop(o->provider, ref);
	return rc == RC_ABSENT ? fail(err, RC_DENIED, "ID token: signed with a key that the provider "
				      "does not show") : rc;
}

enum rc oidc_finish(struct oidc *o, const struct oidc_flow *flow, const struct oidc_back *back,
		    struct arena *a, struct oidc_claims *out, struct err *err)
{
	struct snapshot_ref *ref;
	const struct provider *p;
	struct tokens t;
	struct fetch_answer answer;
	const struct oidc_options *options = &o->options;
	struct oidc_expect expect = { .issuer = options->issuer, .client_id = options->client_id,
				      .nonce = str_of(flow->nonce), .groups_claim = options->groups_claim,
				      .now_us = clock_now_us() };

	*out = (struct oidc_claims){ 0 };
	enum rc rc = hold(o, &ref, &p, err);
	if (rc != RC_OK)
		return rc;
	rc = oidc_back_check(&p->m, flow, back, err);
	if (rc == RC_OK)
		rc = exchange(o, &p->m, flow, back->code, a, &t, err);
	if (rc == RC_OK)
		rc = check(o, p, &t, &expect, a, out, err);
	/* What the ID token lacks stands in userinfo (Core section 5.4). */
	bool lacks = !out->name.n || !out->email.n || (options->groups_claim.n && !out->group_count);
	if (rc == RC_OK && lacks && p->m.userinfo_endpoint.n && t.access.n) {
		str bearer = arena_fmt(a, "Bearer " STR_FMT, STR_ARG(t.access));
		rc = get(o, p->m.userinfo_endpoint, bearer, a, &answer, err);
		if (rc == RC_OK)
			rc = oidc_userinfo_add(answer.body, options->groups_claim, a, out, err);
	}
	snapshot_drop(o->provider, ref);
	if (rc != RC_OK)
		*out = (struct oidc_claims){ 0 };
	return rc;
}
