/* SPDX-License-Identifier: Apache-2.0 */
/* What a file says, checked value by value and gathered by organisation. */
#include <stdarg.h>

#include "base/clock.h"
#include "event/normalise.h"
#include "route/import_private.h"

/* What claims mean by the kind of organisation; REFUSED: it makes no such claim. */
#define REFUSED ROLE_COUNT
static const struct org_kind {
	const char *name;
	enum concern_role role[SCOPE_KINDS]; /* net, asn, domain, country */
} org_kinds[] = {
	{ "csirt", { ROLE_ASSET_HOLDER, ROLE_NETWORK, ROLE_NATIONAL_CERT, ROLE_NATIONAL_CERT } },
	{ "constituent", { ROLE_ASSET_HOLDER, ROLE_NETWORK, ROLE_ASSET_HOLDER, REFUSED } },
	{ "agency", { ROLE_ASSET_HOLDER, ROLE_NETWORK, ROLE_ASSET_HOLDER, REFUSED } },
	{ "regulator", { ROLE_ASSET_HOLDER, ROLE_NETWORK, ROLE_ASSET_HOLDER, REFUSED } },
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

void import_error(struct import *im, uint32_t line, struct draft *d, const char *fmt, ...)
{
	struct import_result *r = im->result;
	struct err words;
	va_list args;
	va_start(args, fmt);
	char text[sizeof(words.text)];
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fail(&words, RC_INPUT, "%s", text); /* takes the control characters out */
	if (d)
		d->bad = true;
	if (r->error_count == IMPORT_ERRORS_MAX)
		return;
	if (r->error_count == im->error_room) {
		size_t room = im->error_room ? im->error_room * 2 : 16;
		struct import_row_error *wider = ARENA_ARRAY(im->a, room, struct import_row_error);
		if (r->error_count)
			memcpy(wider, r->errors, r->error_count * sizeof(*wider));
		r->errors = wider;
		im->error_room = room;
	}
	struct import_row_error *e = &r->errors[r->error_count++];
	e->row = line;
	snprintf(e->words, sizeof(e->words), "%.*s", (int)sizeof(e->words) - 1, words.text);
}

/* Lower case (ASCII) and single spaces: how an organisation is known again. */
static str fold(struct arena *a, str name)
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

/* Open addressing in twice as many slots as a file may hold organisations. */
static struct draft **find_slot(struct import *im, str folded)
{
	size_t size = (size_t)IMPORT_ORGS_MAX * 2;
	uint64_t h = im->seed;
	for (size_t i = 0; i < folded.n; i++)
		h = (h ^ (uint8_t)folded.p[i]) * UINT64_C(0x100000001b3);
	size_t at = (size_t)((h ^ h >> 29) % size);
	while (im->slots[at] && !str_eq(im->slots[at]->folded, folded))
		at = (at + 1) % size;
	return &im->slots[at];
}

struct draft *import_find(struct import *im, str folded)
{
	return *find_slot(im, folded);
}

static bool good_name(str s, size_t most)
{
	return s.n > 0 && s.n <= most && str_is_plain(s);
}

static struct draft *new_draft(struct import *im, str name, str folded, str kind, str country)
{
	struct draft *d = ARENA_NEW(im->a, struct draft);
	*d = (struct draft){
		.name = arena_str(im->a, name), .folded = folded, .kind = arena_str(im->a, kind),
		.country = arena_str(im->a, country), .sector = STR(""), .timezone = STR(""),
		.line = im->line,
	};
	d->contacts_end = &d->contacts;
	d->claims_end = &d->claims;
	*im->drafts_end = d;
	im->drafts_end = &d->next;
	im->draft_count++;
	return d;
}

static str upper_country(struct arena *a, str cc)
{
	char *to = arena_alloc(a, cc.n + 1);
	for (size_t i = 0; i < cc.n; i++)
		to[i] = cc.p[i] >= 'a' && cc.p[i] <= 'z' ? (char)(cc.p[i] - 32) : cc.p[i];
	return str_mem(to, cc.n);
}

void import_begin(struct import *im, uint32_t line, str name, str kind, str country)
{
	im->line = line;
	im->now = NULL;
	im->from_us = im->until_us = 0;
	name = str_trim_all(name);
	kind = kind.n ? kind : STR("constituent");
	if (!good_name(name, IMPORT_NAME_MAX)) {
		import_error(im, line, NULL, name.n ? "the name is over %d bytes or not plain text" :
						      "there is no name", IMPORT_NAME_MAX);
		im->result->refused++;
		return;
	}
	str folded = fold(im->a, name);
	struct draft **slot = find_slot(im, folded);
	country = upper_country(im->a, country);
	if (!*slot) {
		*slot = new_draft(im, name, folded, kind, country);
	} else if (!str_eq((*slot)->kind, kind) || !str_eq((*slot)->country, country)) {
		import_error(im, line, *slot, "'" STR_FMT "' stands in row %u with another kind or country",
			     STR_ARG(name), (*slot)->line);
	}
	im->now = *slot;
	if (!org_kind(kind))
		import_error(im, line, im->now, "'" STR_FMT "' is no kind of organisation", STR_ARG(kind));
	if (country.n && !country_known(country))
		import_error(im, line, im->now, "there is no country '" STR_FMT "'", STR_ARG(country));
}

void import_plain(struct import *im, str sector, str zone)
{
	if (!im->now)
		return;
	if ((sector.n && !good_name(sector, IMPORT_NAME_MAX)) ||
	    (zone.n && !good_name(zone, IMPORT_NAME_MAX))) {
		import_error(im, im->line, im->now, "sector or time zone is too long or not plain text");
		return;
	}
	if (sector.n)
		im->now->sector = arena_str(im->a, sector);
	if (zone.n)
		im->now->timezone = arena_str(im->a, zone);
}

/* A bare date as the end of a season means that day and all of it. */
static bool season_time(str text, bool end, int64_t *out)
{
	int64_t us;
	if (text.n == 0)
		return true;
	if (!time_parse(text, true, &us))
		return false;
	*out = end && text.n == 10 ? us + DAY_US : us;
	return true;
}

void import_season(struct import *im, str from, str until)
{
	if (!im->now)
		return;
	if (!season_time(from, false, &im->from_us) || !season_time(until, true, &im->until_us))
		import_error(im, im->line, im->now, "'" STR_FMT "' is no date",
			     STR_ARG(from.n && !season_time(from, false, &im->from_us) ? from : until));
	else if (im->until_us && im->until_us <= im->from_us)
		import_error(im, im->line, im->now, "the season ends before it begins");
}

static bool net_value(struct import *im, str text, str *out)
{
	struct net net;
	char canonical[56];
	if (!net_parse(text, false, &net)) {
		import_error(im, im->line, im->now, "'" STR_FMT "' is no network", STR_ARG(text));
		return false;
	}
	str clean = net_str(canonical, &net);
	if (!net_parse(text, true, &net)) {
		import_error(im, im->line, im->now, "network '" STR_FMT "' has host bits set: is '" STR_FMT
			     "' meant?", STR_ARG(text), STR_ARG(clean));
		return false;
	}
	if (net.bits < (ip_is4(&net.ip) ? 104 : 16)) {
		import_error(im, im->line, im->now, "network '" STR_FMT "' is too large for one organisation",
			     STR_ARG(text));
		return false;
	}
	*out = arena_str(im->a, clean);
	return true;
}

static bool asn_value(struct import *im, str text, str *out)
{
	uint32_t asn;
	str digits = str_starts_nocase(text, STR("AS")) ? str_from(text, 2) : text;
	if (!str_to_u32(digits, &asn) || asn == 0) {
		import_error(im, im->line, im->now, "'" STR_FMT "' is no AS number", STR_ARG(text));
		return false;
	}
	*out = arena_fmt(im->a, "%u", asn);
	return true;
}

static bool domain_value(struct import *im, str text, bool top_level, str *out)
{
	str name = str_starts(text, STR("*.")) ? str_from(text, 2) : text;
	while (name.n && name.p[0] == '.')
		name = str_from(name, 1);
	if (!fqdn_normalise(name, im->a, out)) {
		import_error(im, im->line, im->now, "'" STR_FMT "' is no domain", STR_ARG(text));
		return false;
	}
	if (!top_level && !str_has(*out, '.')) {
		import_error(im, im->line, im->now, "'" STR_FMT "' is a whole top-level domain", STR_ARG(text));
		return false;
	}
	return true;
}

static bool country_value(struct import *im, str text, str *out)
{
	*out = upper_country(im->a, text);
	if (country_known(*out))
		return true;
	import_error(im, im->line, im->now, "there is no country '" STR_FMT "'", STR_ARG(text));
	return false;
}

static bool claim_value(struct import *im, enum scope_kind kind, str text, enum concern_role role,
			str *out)
{
	switch (kind) {
	case SCOPE_NET:
		return net_value(im, text, out);
	case SCOPE_ASN:
		return asn_value(im, text, out);
	case SCOPE_DOMAIN:
		return domain_value(im, text, role == ROLE_NATIONAL_CERT || role == ROLE_REGISTRAR, out);
	case SCOPE_COUNTRY:
		return country_value(im, text, out);
	case SCOPE_KINDS:
		break;
	}
	return false;
}

void import_claim(struct import *im, enum scope_kind kind, str text, bool shared_address)
{
	struct draft *d = im->now;
	const struct org_kind *k = d ? org_kind(d->kind) : NULL;
	if (!k)
		return;
	struct scope_row row = { .kind = kind, .shared_address = shared_address, .from_us = im->from_us,
				 .until_us = im->until_us };
	row.role = shared_address ? ROLE_NETWORK : k->role[kind];
	if (row.role == REFUSED) {
		import_error(im, im->line, d, "an organisation of kind '" STR_FMT "' has no %s of its own",
			     STR_ARG(d->kind), scope_kind_name(kind));
		return;
	}
	if (++im->claim_count > IMPORT_CLAIMS_MAX) {
		import_error(im, im->line, d, "more than %d claims in one file", IMPORT_CLAIMS_MAX);
		return;
	}
	if (!claim_value(im, kind, str_trim_all(text), row.role, &row.value))
		return;
	struct draft_claim *c = ARENA_NEW(im->a, struct draft_claim);
	*c = (struct draft_claim){ .row = row, .line = im->line };
	*d->claims_end = c;
	d->claims_end = &c->next;
}

static bool good_email(str s)
{
	size_t at = str_index(s, '@');
	return s.n <= IMPORT_NAME_MAX && at > 0 && at + 1 < s.n && !str_has(str_from(s, at + 1), '@') &&
	       !str_has(s, ' ') && str_is_plain(s);
}

void import_contact(struct import *im, str role, str email, str phone)
{
	struct draft *d = im->now;
	if (!d)
		return;
	if (email.n && !good_email(email)) {
		import_error(im, im->line, d, "'" STR_FMT "' is no mail address", STR_ARG(email));
		return;
	}
	if ((role.n && !good_name(role, IMPORT_NAME_MAX)) || (phone.n && !good_name(phone, IMPORT_NAME_MAX))) {
		import_error(im, im->line, d, "role or phone of a contact is too long or not plain text");
		return;
	}
	struct draft_contact *c = ARENA_NEW(im->a, struct draft_contact);
	c->c = (struct contact){ .role = arena_str(im->a, role), .email = arena_str(im->a, email),
				 .phone = arena_str(im->a, phone) };
	*d->contacts_end = c;
	d->contacts_end = &c->next;
}

void import_end(struct import *im, bool countries_said)
{
	struct draft *d = im->now;
	const struct org_kind *k = d ? org_kind(d->kind) : NULL;
	if (k && k->role[SCOPE_COUNTRY] != REFUSED && !countries_said && d->country.n)
		import_claim(im, SCOPE_COUNTRY, d->country, false);
}
