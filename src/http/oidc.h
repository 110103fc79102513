/* SPDX-License-Identifier: Apache-2.0 */
/* oidc.h: signing in at somebody else's identity provider (OpenID Connect Core
 * 1.0, code flow with PKCE S256, RFC 7636; discovery 1.0; RFC 9207). Says who
 * somebody is; what an account of that name may do is not known here.
 *
 *   oidc_begin(o, &flow, &url, a, err);  keep `flow` with THIS browser, go to url
 *   ... the browser comes back with a query ...
 *   oidc_finish(o, &flow, &back, a, &claims, err);  and forget the flow
 *
 * Keep the flow on the server, under a cookie of that browser that is not a
 * session yet, at most OIDC_FLOW_US, and take it out before oidc_finish(): one
 * flow, one try. An account is known by (issuer, subject) alone; name and
 * e-mail may change hands. */
#ifndef RONDA_HTTP_OIDC_H
#define RONDA_HTTP_OIDC_H

#include "base/clock.h"
#include "base/settings.h"
#include "http/fetch.h"
#include "http/jwt.h"

#define OIDC_PURPOSE "oidc"
#define OIDC_FLOW_US (10 * MINUTE_US)
#define OIDC_TOLERANCE_US (5 * MINUTE_US)  /* between the provider's clock and ours */
#define OIDC_TOKEN_AGE_US (10 * MINUTE_US) /* an ID token is fetched as it is made */
enum { OIDC_GROUPS_MAX = 200, OIDC_TEXT_MAX = 255 };

struct oidc; /* one provider; threads may share it */

/* All from settings, none from outside; copied. */
struct oidc_options {
	str issuer;        /* "https://idp.example.org/realms/cert": as in its tokens, to the byte */
	str client_id;
	str client_secret; /* "" for a public client */
	str redirect_uri;  /* ours, as registered at the provider */
	str scope;         /* "openid profile email" */
	str groups_claim;  /* "groups"; "" for none */
};

/* Exempts the issuer's origin (an administrator named it) in `f` for
 * OIDC_PURPOSE: so before the first request. Asks nobody yet. `f` outlives it.
 * RC_INPUT: an option is missing or wrong. */
MUST_CHECK enum rc oidc_new(struct fetcher *f, const struct oidc_options *options,
			    struct oidc **out, struct err *err);
/* The same from the settings oidc_* and public_url; `back_path` is where the
 * provider sends browsers to, as "/login/oidc". oidc_hosts become rules of `f`.
 * RC_ABSENT: no provider is set. */
MUST_CHECK enum rc oidc_open(const struct settings *s, const char *back_path, struct fetcher *f,
			     struct oidc **out, struct err *err);
void oidc_free(struct oidc *o); /* NULL is fine */

struct oidc_flow {
	char state[44], nonce[44], verifier[44]; /* 256 bits each, base64url */
};

/* What the browser brought back; STR_NONE for what it did not. */
struct oidc_back {
	str state, code, iss, error;
};

struct oidc_claims {
	str issuer, subject;            /* the identity */
	str username, name, email;      /* "" when not said */
	bool email_verified;
	str groups[OIDC_GROUPS_MAX];
	size_t group_count;
};

/* Reads the provider's description when it is older than an hour. RC_BUSY and
 * the other kinds of fetch(); RC_INPUT: the description is not what it must be. */
MUST_CHECK enum rc oidc_begin(struct oidc *o, struct oidc_flow *flow_out, str *url_out,
			      struct arena *a, struct err *err);
/* RC_DENIED: the provider or a check says no. Blocks for up to three requests.
 * Keys that are not known are asked for, at most once a minute. */
MUST_CHECK enum rc oidc_finish(struct oidc *o, const struct oidc_flow *flow,
			       const struct oidc_back *back, struct arena *a,
			       struct oidc_claims *out, struct err *err);

/* --- the pure parts --- */

struct oidc_metadata {
	str issuer, authorization_endpoint, token_endpoint, jwks_uri;
	str userinfo_endpoint;          /* "" when there is none */
	bool names_itself;              /* RFC 9207: `iss` comes back, always */
	bool secret_in_form;            /* client_secret_post, as basic is not taken */
};

/* `issuer` must stand in it to the byte. Texts in `a`. */
MUST_CHECK enum rc oidc_metadata_read(str json, str issuer, struct arena *a,
				      struct oidc_metadata *out, struct err *err);
void oidc_flow_new(struct oidc_flow *out);
str oidc_authorize_url(const struct oidc_metadata *m, const struct oidc_options *options,
		       const struct oidc_flow *flow, struct arena *a);
/* State, issuer and error; RC_OK: there is a code to exchange. */
MUST_CHECK enum rc oidc_back_check(const struct oidc_metadata *m, const struct oidc_flow *flow,
				   const struct oidc_back *back, struct err *err);

struct oidc_expect {
	str issuer, client_id, nonce, groups_claim;
	int64_t now_us;
};
/* Signature and all of Core section 3.1.3.7. RC_ABSENT: no key fits, see jwt.h. */
MUST_CHECK enum rc oidc_token_check(const struct jwks *keys, str id_token,
				    const struct oidc_expect *expect, struct arena *a,
				    struct oidc_claims *out, struct err *err);
/* The payload alone, after the signature. */
MUST_CHECK enum rc oidc_claims_check(str json, const struct oidc_expect *expect, struct arena *a,
				     struct oidc_claims *out, struct err *err);
/* Adds from the userinfo answer what `out` lacks; its `sub` must be out's. */
MUST_CHECK enum rc oidc_userinfo_add(str json, str groups_claim, struct arena *a,
				     struct oidc_claims *out, struct err *err);

#endif
