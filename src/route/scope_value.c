/* SPDX-License-Identifier: Apache-2.0 */
/* What an organisation may claim, and how that is written: the same for files and records. */
#include "event/normalise.h"
#include "route/directory_private.h"

#define REFUSED ROLE_COUNT
static const struct org_kind {
	const char *name;
	enum concern_role role[SCOPE_KINDS]; /* net, asn, domain, country */
} org_kinds[] = {
	{ "csirt", { ROLE_ASSET_HOLDER, ROLE_NETWORK, ROLE_NATIONAL_CERT, ROLE_NATIONAL_CERT } },
	{ "constituent", { ROLE_ASSET_HOLDER, ROLE_NETWORK, ROLE_ASSET_HOLDER, REFUSED } },
	{ "agency", { ROLE_ASSET_HOLDER, ROLE_NETWORK, ROLE_ASSET_HOLDER, REFUSED } },
	{ "regulator", { ROLE_ASSET_HOLDER, ROLE_NETWORK, ROLE_ASSET_HOLDER, REFUSED } },
	{ "vendor", { ROLE_ASSET_HOLDER, ROLE_NETWORK, ROLE_ASSET_HOLDER, REFUSED } },
	{ "other", { ROLE_ASSET_HOLDER, ROLE_NETWORK, ROLE_ASSET_HOLDER, REFUSED } },
	{ "provider", { ROLE_NETWORK, ROLE_NETWORK, ROLE_ASSET_HOLDER, REFUSED } },
	{ "host", { ROLE_HOST, ROLE_NETWORK, ROLE_HOST, REFUSED } },
	{ "registrar", { ROLE_ASSET_HOLDER, ROLE_NETWORK, ROLE_REGISTRAR, REFUSED } },
};

static const struct org_kind *org_kind(str name)
{
	for (size_t i = 0; i < COUNT_OF(org_kinds); i++)
		if (str_eq(name, str_of(org_kinds[i].name)))
			return &org_kinds[i];
	return NULL;
}

bool org_kind_known(str kind)
{
	return org_kind(kind) != NULL;
}

bool scope_usual_role(str kind, enum scope_kind what, bool shared_address, enum concern_role *out)
{
	const struct org_kind *k = org_kind(kind);
	if (!k || (!shared_address && k->role[what] == REFUSED))
		return false;
	*out = shared_address ? ROLE_NETWORK : k->role[what];
	return true;
}

str org_fold(struct arena *a, str name)
{
	char *to = arena_alloc(a, name.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (c == ' ' && n && to[n - 1] == ' ')
			continue;
		to[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	return str_mem(to, n);
}

str country_upper(struct arena *a, str cc)
{
	char *to = arena_alloc(a, cc.n + 1);
	for (size_t i = 0; i < cc.n; i++)
		to[i] = cc.p[i] >= 'a' && cc.p[i] <= 'z' ? (char)(cc.p[i] - 32) : cc.p[i];
	return str_mem(to, cc.n);
}

static enum rc net_value(str text, struct arena *a, str *out, struct err *err)
{
	struct net net;
	char canonical[56];
	if (!net_parse(text, false, &net))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no network", STR_ARG(text));
	str clean = net_str(canonical, &net);
	if (!net_parse(text, true, &net))
		return fail(err, RC_INPUT, "network '" STR_FMT "' has host bits set: is '" STR_FMT
			    "' meant?", STR_ARG(text), STR_ARG(clean));
	if (net.bits < (ip_is4(&net.ip) ? 104 : 16))
		return fail(err, RC_INPUT, "network '" STR_FMT "' is too large for one organisation",
			    STR_ARG(text));
	*out = arena_str(a, clean);
	return RC_OK;
}

static enum rc asn_value(str text, struct arena *a, str *out, struct err *err)
{
	uint32_t asn;
	str digits = str_starts_nocase(text, STR("AS")) ? str_from(text, 2) : text;
	if (!str_to_u32(digits, &asn) || asn == 0)
		return fail(err, RC_INPUT, "'" STR_FMT "' is no AS number", STR_ARG(text));
	*out = arena_fmt(a, "%u", asn);
	return RC_OK;
}

static enum rc domain_value(str text, bool top_level, struct arena *a, str *out, struct err *err)
{
	str name = str_starts(text, STR("*.")) ? str_from(text, 2) : text;
	while (name.n && name.p[0] == '.')
		name = str_from(name, 1);
	if (!fqdn_normalise(name, a, out))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no domain", STR_ARG(text));
	if (!top_level && !str_has(*out, '.'))
		return fail(err, RC_INPUT, "'" STR_FMT "' is a whole top-level domain", STR_ARG(text));
	return RC_OK;
}

enum rc scope_value(enum scope_kind kind, str text, enum concern_role role, struct arena *a, str *out,
		    struct err *err)
{
	text = str_trim_all(text);
	switch (kind) {
	case SCOPE_NET:
		return net_value(text, a, out, err);
	case SCOPE_ASN:
		return asn_value(text, a, out, err);
	case SCOPE_DOMAIN:
		return domain_value(text, role == ROLE_NATIONAL_CERT || role == ROLE_REGISTRAR, a, out, err);
	case SCOPE_COUNTRY:
		*out = country_upper(a, text);
		return country_known(*out) ? RC_OK : fail(err, RC_INPUT, "there is no country '" STR_FMT "'",
							  STR_ARG(text));
	case SCOPE_KINDS:
		break;
	}
	return fail(err, RC_INPUT, "there is no such kind of claim");
}
