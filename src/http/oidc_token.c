/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/json.h"
#include "http/oidc.h"

static const struct json_pair *find(const struct json_pair *pairs, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(pairs[i].key, str_of(key)))
			return &pairs[i];
	return NULL;
}

/* Plain text of reasonable length, else STR_NONE. */
static str text_of(const struct json_pair *p)
{
	bool ok = p && p->kind == JSON_STRING && p->value.n <= OIDC_TEXT_MAX && str_is_plain(p->value);
	return ok ? p->value : STR_NONE;
}

/* NumericDate: seconds since 1970, perhaps with a fraction. */
static bool time_of(const struct json_pair *p, int64_t *us_out)
{
	double seconds;

	if (!p || p->kind != JSON_NUMBER || !str_to_double(p->value, &seconds) ||
	    !(seconds >= 0 && seconds < 9e12))
		return false;
	*us_out = (int64_t)(seconds * 1e6);
	return true;
}

/* A string, or the strings of an array, each given to `each`; false: another kind. */
static bool each_text(const struct json_pair *p, bool (*each)(void *ctx, str text), void *ctx)
{
	struct json_object *list = NULL;
	bool ok = true;

	if (p->kind == JSON_STRING)
		return each(ctx, p->value);
	if (p->kind != JSON_NEST || json_read(p->value, &list, NULL) != RC_OK)
		return false;
	for (size_t i = 0; ok && i < json_count(list); i++) {
		str text = json_text(json_at(list, i));
		ok = text.p && each(ctx, text);
	}
	ok = ok && str_starts(p->value, STR("["));
	json_free(list);
	return ok;
}

struct audience {
	str wanted;
	unsigned count;
	bool has;
};

static bool one_audience(void *ctx, str text)
{
	struct audience *a = ctx;
	a->count++;
	a->has = a->has || str_eq(text, a->wanted);
	return true;
}

static enum rc check_audience(const struct json_pair *pairs, size_t n, str client_id, struct err *err)
{
	const struct json_pair *aud = find(pairs, n, "aud"), *azp = find(pairs, n, "azp");
	struct audience a = { .wanted = client_id };

	if (!aud || !each_text(aud, one_audience, &a) || !a.has)
		return fail(err, RC_DENIED, "ID token: it was made for another client");
	if (azp ? !str_eq(text_of(azp), client_id) : a.count > 1)
		return fail(err, RC_DENIED, "ID token: another client asked for it");
	return RC_OK;
}

static enum rc check_times(const struct json_pair *pairs, size_t n, int64_t now_us, struct err *err)
{
	int64_t exp_us, iat_us, nbf_us;
	const struct json_pair *nbf = find(pairs, n, "nbf");

	if (!time_of(find(pairs, n, "exp"), &exp_us) || !time_of(find(pairs, n, "iat"), &iat_us) ||
	    (nbf && !time_of(nbf, &nbf_us)))
		return fail(err, RC_DENIED, "ID token: its times are missing or none");
	if (exp_us + OIDC_TOLERANCE_US <= now_us)
		return fail(err, RC_DENIED, "ID token: it has expired");
	if (iat_us - OIDC_TOLERANCE_US > now_us || (nbf && nbf_us - OIDC_TOLERANCE_US > now_us))
		return fail(err, RC_DENIED, "ID token: it is from the future, look at the clocks");
	if (iat_us + OIDC_TOKEN_AGE_US + OIDC_TOLERANCE_US < now_us)
		return fail(err, RC_DENIED, "ID token: it is old");
	return RC_OK;
}

struct groups {
	struct arena *a;
	struct oidc_claims *out;
};

static bool one_group(void *ctx, str text)
{
	struct groups *g = ctx;

	if (text.n == 0 || text.n > OIDC_TEXT_MAX || !str_is_plain(text) ||
	    g->out->group_count == OIDC_GROUPS_MAX)
		return false;
	g->out->groups[g->out->group_count++] = arena_str(g->a, text);
	return true;
}

static void fill(struct arena *a, str *to, const struct json_pair *p)
{
	if (to->n == 0)
		*to = arena_str(a, text_of(p));
}

/* Who it is, beyond the subject. Groups come whole or not at all: a list that
 * was cut could lack the one that takes a right away. */
static enum rc read_profile(const struct json_pair *pairs, size_t n, str groups_claim,
			    struct arena *a, struct oidc_claims *out, struct err *err)
{
	const struct json_pair *verified = find(pairs, n, "email_verified");
	bool had_email = out->email.n > 0;

	fill(a, &out->username, find(pairs, n, "preferred_username"));
	fill(a, &out->name, find(pairs, n, "name"));
	fill(a, &out->email, find(pairs, n, "email"));
	if (!had_email)
		out->email_verified = verified && verified->kind == JSON_TRUE;
	for (size_t i = 0; i < n && groups_claim.n && out->group_count == 0; i++) {
		struct groups g = { a, out };
		if (!str_eq(pairs[i].key, groups_claim) || pairs[i].kind == JSON_NULL)
			continue;
		if (!each_text(&pairs[i], one_group, &g))
			return fail(err, RC_DENIED, "identity provider: '" STR_FMT "' is no list of "
				    "at most %d names", STR_ARG(groups_claim), OIDC_GROUPS_MAX);
	}
	return RC_OK;
}

enum rc oidc_claims_check(str json, const struct oidc_expect *expect, struct arena *a,
			  struct oidc_claims *out, struct err *err)
{
	struct json_pair *pairs = NULL;
	size_t n = 0;

	*out = (struct oidc_claims){ 0 };
	if (json_flat(json, a, &pairs, &n, err) != RC_OK)
		return fail(err, RC_DENIED, "ID token: its claims are not JSON");
	if (!str_eq(text_of(find(pairs, n, "iss")), expect->issuer) || !expect->issuer.n)
		return fail(err, RC_DENIED, "ID token: another provider made it");
	enum rc rc = check_audience(pairs, n, expect->client_id, err);
	if (rc == RC_OK)
		rc = check_times(pairs, n, expect->now_us, err);
	if (rc != RC_OK)
		return rc;
	str nonce = text_of(find(pairs, n, "nonce")), subject = text_of(find(pairs, n, "sub"));
	if (!expect->nonce.n || !str_eq_secret(nonce, expect->nonce))
		return fail(err, RC_DENIED, "ID token: it belongs to another sign-in");
	if (!subject.n)
		return fail(err, RC_DENIED, "ID token: it names nobody");
	out->issuer = arena_str(a, expect->issuer);
	out->subject = arena_str(a, subject);
	return read_profile(pairs, n, expect->groups_claim, a, out, err);
}

enum rc oidc_token_check(const struct jwks *keys, str id_token, const struct oidc_expect *expect,
			 struct arena *a, struct oidc_claims *out, struct err *err)
{
	str claims = STR_NONE;
	enum rc rc = jwt_verify(keys, id_token, a, &claims, err);

	return rc == RC_OK ? oidc_claims_check(claims, expect, a, out, err) : rc;
}

enum rc oidc_userinfo_add(str json, str groups_claim, struct arena *a, struct oidc_claims *out,
			  struct err *err)
{
	struct json_pair *pairs = NULL;
	size_t n = 0;

	if (json_flat(json, a, &pairs, &n, err) != RC_OK)
		return fail(err, RC_DENIED, "userinfo: not JSON");
	if (!out->subject.n || !str_eq(text_of(find(pairs, n, "sub")), out->subject))
		return fail(err, RC_DENIED, "userinfo: it is about somebody else");
	return read_profile(pairs, n, groups_claim, a, out, err);
}
