/* SPDX-License-Identifier: Apache-2.0 */
/* Who could take it down: proposals, from what is known of the target. Nobody is asked anything here but
 * a name server and a registry, where an administrator named one.
 *
 * DIR/platforms.json, written by an administrator, says what no registry does:
 *
 *   [ { "name": "Example Pages", "role": "platform", "domains": ["pages.example.org"],
 *       "form": "https://pages.example.org/abuse", "language": "en" },
 *     { "name": "Example Block List", "role": "block-list", "kinds": ["phishing"], "email": "…" } ]
 *
 * One with domains stands for targets on them; one without, for all of its kinds. */
#include <json-c/json.h>

#include "disclosure/read.h"
#include "event/normalise.h"
#include "incident/takedown_private.h"
#include "route/fallback.h"

enum { PLATFORMS_MAX = 256 << 10, ADDRESSES_ASKED = 4, REGISTRY_ASKED = 2 };

struct finding_parties {
	struct takedowns *t;
	const struct viewer *v;
	struct json_object *rows;
	struct arena *a;
	bool quiet;
	struct takedown_found *out;
};

static void put(struct json_object *row, const char *name, str value)
{
	if (value.n > 0)
		json_object_object_add(row, name, json_object_new_string_len(value.p, (int)value.n));
}

/* One address gets one message, whatever it is to the target. */
static bool is_there(struct finding_parties *k, const struct takedown_party *p)
{
	struct takedown_party have[TAKEDOWN_PARTIES_MOST];
	size_t n = takedown_parties(k->rows, k->a, have, COUNT_OF(have));
	bool there = n == COUNT_OF(have);
	for (size_t i = 0; i < n; i++)
		there = there || (p->organisation.n > 0 && str_eq(have[i].organisation, p->organisation)) ||
			(p->email.n > 0 && str_eq_nocase(have[i].email, p->email)) ||
			(p->form.n > 0 && str_eq(have[i].form, p->form));
	return there;
}

static void propose(struct finding_parties *k, const struct takedown_party *p)
{
	if (is_there(k, p))
		return;
	struct json_object *row = json_object_new_object();
	put(row, "role", p->role);
	put(row, "organisation", p->organisation);
	put(row, "name", str_head(p->name, 190));
	put(row, "email", p->email);
	put(row, "form", p->form);
	put(row, "language", p->language);
	put(row, "found", str_head(p->found, 190));
	put(row, "tell", STR("proposed"));
	json_object_array_add(k->rows, row);
	k->out->added++;
}

/* --- the directory, and the contacts of last resort --- */

static const char *const roles[ROLE_COUNT] = {
	[ROLE_ASSET_HOLDER] = "asset-holder", [ROLE_HOST] = "host", [ROLE_NETWORK] = "network",
	[ROLE_REGISTRAR] = "registrar", [ROLE_NATIONAL_CERT] = "cert",
};

static str organisation_id(struct finding_parties *k, const struct org *o)
{
	struct buf b = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&b, STR("organisation"), &o->record);
	str id = arena_str(k->a, buf_str(&b));
	buf_free(&b);
	return id;
}

static void take_concerns(struct finding_parties *k, const struct directory *d, const struct who *who)
{
	for (size_t i = 0; d && i < who->concerns.count; i++) {
		const struct match *m = &who->concerns.list[i];
		const struct org *o = directory_org(d, m->org);
		if (!o || o->former || uuid_is_zero(&o->record) || (unsigned)m->role >= ROLE_COUNT)
			continue;
		const struct takedown_party p = { .role = str_of(roles[m->role]), .organisation = organisation_id(k, o),
						  .name = o->name, .found = arena_str(k->a, str_of(m->reason)) };
		propose(k, &p);
	}
}

/* What a registry says of a name is its registrar's; a site's own word is its holder's. */
static str role_of(const struct fallback_hit *h)
{
	bool name = str_starts(str_of(h->reason), STR("domain"));
	return name ? (str_eq(h->source, STR("security.txt")) ? STR("asset-holder") : STR("registrar")) : STR("host");
}

static enum rc ask_directory(struct finding_parties *k, str what, struct err *err)
{
	struct takedown_world *w = &k->t->w;
	struct who who;
	struct fallback_hit hits[FALLBACK_HITS_MAX];
	int64_t now = clock_now_us();
	struct snapshot_ref *directory = snapshot_hold(w->directory), *contacts = w->contacts ? snapshot_hold(w->contacts) : NULL;
	const struct directory *d = snapshot_table(directory);
	enum rc rc = read_who(k->v, d, w->enrich, what, now, &who, err);
	size_t n = rc == RC_OK ? read_last_resort(k->v, d, contacts ? snapshot_table(contacts) : NULL, now, &who, hits) : 0;
	if (rc == RC_OK)
		take_concerns(k, d, &who);
	for (size_t i = 0; i < n; i++) {
		const struct takedown_party p = { .role = role_of(&hits[i]), .name = arena_str(k->a, hits[i].name),
						  .email = arena_str(k->a, hits[i].email),
						  .found = arena_fmt(k->a, STR_FMT ", %s", STR_ARG(hits[i].source), hits[i].reason) };
		propose(k, &p);
	}
	snapshot_drop(w->directory, directory);
	if (contacts)
		snapshot_drop(w->contacts, contacts);
	return rc;
}

/* --- registries --- */

bool takedown_is_quiet(const struct labels_of *labels)
{
	return labels->tlp >= TLP_RED || labels->held || labels->exercise;
}

/* What it says is a contact of last resort then. One that is not reached is not asked again at once. */
static void ask_registry(struct finding_parties *k, str what)
{
	const struct takedown_sight *sight = &k->t->w.sight;
	struct err why = { 0 };
	if (k->out->said.n > 0)
		return;
	if (k->quiet)
		k->out->said = STR("registries were not asked: of what is RED, held or of an exercise nobody outside hears");
	else if (sight->ask_registry(sight->ctx, what, str_of(k->v->actor), &why) != RC_OK)
		k->out->said = arena_fmt(k->a, "registries were not asked, or did not say: %s", why.text);
}

/* They know a name as it was registered, and addresses of the internet. */
static void ask_registry_of(struct finding_parties *k, str host)
{
	struct ip ip;
	str site = enrich_site(k->t->w.enrich, host);
	if (!ip_parse(host, &ip))
		ask_registry(k, site.n > 0 ? arena_str(k->a, site) : host);
	else if (!ip_is_special(&ip))
		ask_registry(k, host);
}

/* Where the name is says who hosts it. */
static enum rc ask_addresses(struct finding_parties *k, str host, struct err *err)
{
	const struct takedown_sight *sight = &k->t->w.sight;
	struct ip ips[TAKEDOWN_ADDRESSES_MOST];
	size_t n = 0;
	char text[48];
	enum rc rc = RC_OK;
	if (ip_parse(host, &ips[0]) || sight->resolve(sight->ctx, host, ips, &n, NULL) != RC_OK)
		return RC_OK;
	for (size_t i = 0; rc == RC_OK && i < n && i < ADDRESSES_ASKED; i++) {
		str address = arena_str(k->a, ip_str(text, &ips[i]));
		if (i < REGISTRY_ASKED)
			ask_registry_of(k, address);
		rc = ask_directory(k, address, err);
	}
	return rc;
}

/* --- platforms --- */

static bool names(struct json_object *list, str value)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (str_eq(json_text(json_at(list, i)), value))
			return true;
	return false;
}

static bool is_on(struct json_object *domains, str host)
{
	for (size_t i = 0; i < json_count(domains); i++) {
		str d = json_text(json_at(domains, i));
		if (d.n > 0 && (str_eq_nocase(host, d) ||
				(host.n > d.n && host.p[host.n - d.n - 1] == '.' && str_eq_nocase(str_from(host, host.n - d.n), d))))
			return true;
	}
	return false;
}

static void ask_platforms(struct finding_parties *k, struct json_object *list, str host, str kind)
{
	static const char *const fields[] = { "role", "name", "email", "form", "language", "organisation" };
	for (size_t i = 0; i < json_count(list); i++) {
		struct json_object *o = json_at(list, i), *domains = json_get(o, "domains"), *kinds = json_get(o, "kinds");
		struct takedown_party p = { .found = STR("platforms.json") };
		str *to[] = { &p.role, &p.name, &p.email, &p.form, &p.language, &p.organisation };
		for (size_t f = 0; f < COUNT_OF(fields); f++) {
			str s = json_get_str(o, fields[f]);
			*to[f] = s.p ? arena_str(k->a, s) : STR("");
		}
		bool fits = (!domains || is_on(domains, host)) && (!kinds || names(kinds, kind)) && (domains || kinds);
		if (fits && p.role.n > 0 && (p.email.n > 0 || p.form.n > 0 || p.organisation.n > 0))
			propose(k, &p);
	}
}

static enum rc read_platforms(struct finding_parties *k, str host, str kind, struct err *err)
{
	struct buf text = BUF_INIT(PLATFORMS_MAX);
	struct json_object *list = NULL;
	struct err why = { 0 };
	enum rc rc = io_read_file(store_dir(k->t->w.store), "platforms.json", &text, &why);
	if (rc == RC_ABSENT) {
		buf_free(&text);
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = json_read(buf_str(&text), &list, &why);
	if (rc == RC_OK && !json_object_is_type(list, json_type_array))
		rc = fail(&why, RC_INPUT, "is no list");
	if (rc == RC_OK)
		ask_platforms(k, list, host, kind);
	json_free(list);
	buf_free(&text);
	return rc == RC_OK ? RC_OK : fail(err, rc, "platforms.json: %s", why.text);
}

enum rc takedown_find(struct takedowns *t, const struct viewer *v, str target, str kind, bool quiet,
		      struct json_object *rows, struct arena *a, struct takedown_found *out, struct err *err)
{
	struct finding_parties k = { .t = t, .v = v, .rows = rows, .a = a, .quiet = quiet, .out = out };
	str host;
	*out = (struct takedown_found){ .said = STR("") };
	if (!url_host(target, &host))
		host = target;
	ask_registry_of(&k, host);
	enum rc rc = ask_directory(&k, target, err);
	if (rc == RC_OK)
		rc = ask_addresses(&k, host, err);
	if (rc == RC_OK)
		rc = read_platforms(&k, host, kind, err);
	return rc;
}
