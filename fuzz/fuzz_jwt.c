/* SPDX-License-Identifier: Apache-2.0 */
/* What an identity provider sends: the first line as description and key set, the
 * rest as token, claims and userinfo. Whatever comes, a sign-in that succeeds
 * names the issuer that was expected and somebody. */
#include "base/hash.h"
#include "fuzz.h"
#include "http/oidc.h"

#define ISSUER "https://idp.example.org"

static void see(const struct oidc_claims *c)
{
	MUST(str_eq(c->issuer, STR(ISSUER)) && c->subject.n > 0 && c->subject.n <= OIDC_TEXT_MAX);
	MUST(str_is_plain(c->subject) && str_is_plain(c->name) && str_is_plain(c->email));
	MUST(c->group_count <= OIDC_GROUPS_MAX);
	for (size_t i = 0; i < c->group_count; i++)
		MUST(c->groups[i].n > 0 && str_is_plain(c->groups[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct oidc_expect expect = {
		.issuer = STR_INIT(ISSUER), .client_id = STR_INIT("ronda"), .nonce = STR_INIT("n"),
		.groups_claim = STR_INIT("groups"), .now_us = INT64_C(1795000000) * SECOND_US,
	};
	struct arena *a = arena_new(KIB(16));
	struct oidc_claims *c = ARENA_NEW(a, struct oidc_claims);
	struct oidc_metadata m;
	struct jwks *keys = NULL;
	struct err err = { 0 };
	str rest = str_mem(data, size), first = str_cut(&rest, '\n');

	if (oidc_metadata_read(first, STR(ISSUER), a, &m, &err) == RC_OK)
		MUST(m.token_endpoint.n && m.jwks_uri.n && str_eq(m.issuer, STR(ISSUER)));
	if (jwks_read(first, &keys, &err) == RC_OK) {
		MUST(jwks_count(keys) > 0 && jwks_count(keys) <= JWKS_KEYS_MAX);
		str token = str_trim_all(rest);
		if (oidc_token_check(keys, token, &expect, a, c, &err) == RC_OK)
			see(c);
		jwks_free(keys);
	}
	if (oidc_claims_check(rest, &expect, a, c, &err) == RC_OK) {
		see(c);
		if (oidc_userinfo_add(first, STR("groups"), a, c, &err) == RC_OK)
			see(c);
	}
	arena_free(a);
	return 0;
}
