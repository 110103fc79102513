/* SPDX-License-Identifier: Apache-2.0 */
/* The directory as Cerebrate serves its own: organisations, individuals and sharing groups, so that a MISP or a Cerebrate
 * that knows only those can read it. Each record is asked of the check; docs/cerebrate.md has the contract. */
#include "disclosure/told.h"
#include "stix/stix_id.h"
#include "web/public.h"

enum { ROWS_MOST = 20000, LIST_BYTES = 64 << 20 };

/* What one address lists, row by row. */
struct listing {
	struct page *p;
	const struct viewer *v;
	const struct type *type;
	struct told_to *to;        /* not NULL: the public is told, of what the finder found */
	str id;                    /* only this one, by number or uuid; p NULL: all */
	uint64_t skip, left;       /* rows of the pages before, rows of this one */
	struct buf b;
	struct json_out j;
	uint64_t rows;
	void (*put)(struct listing *k, const struct record_view *v);
	struct err err;
};

/* --- fields by what they mean --- */

static struct json_object *value_of(const struct record_view *v, const char *word)
{
	const struct type *t = record_view_type(v);
	const struct meaning *m = t ? type_meaning(t, str_of(word)) : NULL;
	return m && m->field && v->body ? json_get(v->body, m->field->name) : NULL;
}

static str text_of(const struct record_view *v, const char *word)
{
	str s = json_text(value_of(v, word));
	return s.p ? s : STR("");
}

static str country_name(str code)
{
	static const struct { const char *code, *name; } rows[] = {
#define COUNTRY(code, name) { code, name },
#include "directory/countries.def"
#undef COUNTRY
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (str_eq_nocase(code, str_of(rows[i].code)))
			return str_of(rows[i].name);
	return code;
}

/* An organisation that came from a Cerebrate keeps the uuid it has there. */
static str uuid_of(struct listing *k, const struct record_view *v)
{
	struct json_object *list = value_of(v, "organisation.external");
	struct uuid u;
	for (size_t i = 0; i < json_count(list); i++) {
		str one = json_text(json_at(list, i)), head = STR("cerebrate:");
		if (str_starts(one, head) && uuid_parse(str_from(one, head.n), &u))
			return str_from(one, head.n);
	}
	str id = record_view_id(v, k->p->a);
	return str_from(id, str_find(id, STR("--")) + 2);
}

static void put_time(struct json_out *j, const char *name, int64_t us)
{
	char text[40];
	str s = us ? time_str(text, us) : STR("");
	json_put_str(j, name, s);
}

/* --- which rows --- */

/* The query's filters, as Cerebrate names them; `field` holds what the row has. */
static bool fits(const struct listing *k, const char *name, str field)
{
	str want = http_query(k->p->q, name);
	return want.n == 0 || str_eq_nocase(want, field);
}

static bool has_word(str text, str word)
{
	for (size_t i = 0; word.n > 0 && i + word.n <= text.n; i++)
		if (str_eq_nocase(str_head(str_from(text, i), word.n), word))
			return true;
	return word.n == 0;
}

/* One row that fits: of this page, or not. */
static bool wanted(struct listing *k, str number, str uuid)
{
	if (k->id.p)
		return str_eq(k->id, number) || str_eq_nocase(k->id, uuid);
	if (k->skip > 0) {
		k->skip--;
		return false;
	}
	if (k->left == 0)
		return false;
	k->left--;
	return true;
}

/* --- organisations --- */

static void put_meta(struct json_out *j, const char *field, str value)
{
	if (value.n == 0)
		return;
	json_open(j, '{');
	json_put_str(j, "scope", STR("organisation"));
	json_put_str(j, "field", str_of(field));
	json_put_str(j, "value", value);
	json_close(j, '}');
}

static void put_claims(struct json_out *j, const struct record_view *v)
{
	struct json_object *list = value_of(v, "organisation.claims");
	for (size_t i = 0; i < json_count(list); i++) {
		str kind = json_get_str(json_at(list, i), "kind"), value = json_get_str(json_at(list, i), "value");
		put_meta(j, str_eq(kind, STR("network")) ? (str_has(value, ':') ? "IPv6" : "IPv4") :
			    str_eq(kind, STR("asn"))	 ? "AS number" :
			    str_eq(kind, STR("domain"))	 ? "domain" : "country", value);
	}
}

static void put_contacts(struct listing *k, const struct record_view *v)
{
	struct json_object *list = value_of(v, "organisation.contacts");
	struct buf all = BUF_INIT(KIB(16));
	for (size_t i = 0; i < json_count(list); i++) {
		str email = json_get_str(json_at(list, i), "email");
		if (email.n == 0)
			continue;
		if (all.n > 0)
			buf_char(&all, ' ');
		buf_add(&all, email);
	}
	json_put_str(&k->j, "contacts", buf_str(&all));
	buf_free(&all);
}

static void put_empty(struct json_out *j, const char *name)
{
	json_key(j, str_of(name));
	json_open(j, '[');
	json_close(j, ']');
}

static str number_of(struct listing *k, const struct record_view *v)
{
	return arena_fmt(k->p->a, "%llu", (unsigned long long)record_view_number(v));
}

static void put_org(struct listing *k, const struct record_view *v)
{
	str uuid = uuid_of(k, v), name = text_of(v, "organisation.name"), url = text_of(v, "organisation.website");
	str country = country_name(text_of(v, "organisation.country")), sector = text_of(v, "organisation.sector");
	str kind = text_of(v, "organisation.kind"), number = number_of(k, v);
	struct json_out *j = &k->j;
	if (!fits(k, "name", name) || !fits(k, "uuid", uuid) || !fits(k, "nationality", country) || !fits(k, "sector", sector) ||
	    !fits(k, "type", kind) || !fits(k, "url", url) || !has_word(name, http_query(k->p->q, "quickFilter")) ||
	    !wanted(k, number, uuid))
		return;
	json_open(j, '{');
	json_put_i64(j, "id", (int64_t)record_view_number(v));
	json_put_str(j, "uuid", uuid);
	json_put_str(j, "name", name);
	json_put_str(j, "url", url);
	json_put_str(j, "nationality", country);
	json_put_str(j, "sector", sector);
	json_put_str(j, "type", kind);
	put_contacts(k, v);
	put_time(j, "modified", record_view_changed(v));
	put_empty(j, "tags");
	put_empty(j, "alignments");
	json_key(j, STR("meta_fields"));
	json_open(j, '[');
	put_claims(j, v);
	put_meta(j, "time_zone", text_of(v, "organisation.timezone"));
	put_meta(j, "established", text_of(v, "organisation.established"));
	put_meta(j, "postal_address", text_of(v, "organisation.address"));
	json_close(j, ']');
	json_close(j, '}');
	k->rows++;
}

/* --- individuals: who can be reached at an organisation --- */

static void put_individual(struct listing *k, const struct record_view *v, struct json_object *c)
{
	str email = json_get_str(c, "email"), name = str_trim(json_get_str(c, "name")), first = name, last = STR("");
	str org = uuid_of(k, v), key = json_get_str(c, "key");
	struct buf text = BUF_INIT(UUID_TEXT_BYTES + 1);
	struct json_out *j = &k->j;
	struct uuid space;
	if (email.n == 0 || !uuid_parse(org, &space))
		return;
	const struct uuid u = uuid_version5(&space, email);
	uuid_format(&text, &u);
	str uuid = arena_str(k->p->a, buf_str(&text));
	buf_free(&text);
	for (size_t i = name.n; i-- > 0;)
		if (name.p[i] == ' ') {
			first = str_trim(str_head(name, i));
			last = str_from(name, i + 1);
			break;
		}
	str role = json_get_str(c, "role");
	if (!fits(k, "email", email) || !fits(k, "uuid", uuid) || !fits(k, "first_name", first) || !fits(k, "last_name", last) ||
	    !fits(k, "position", role) || !has_word(email, http_query(k->p->q, "quickFilter")) || !wanted(k, uuid, uuid))
		return;
	json_open(j, '{');
	json_put_str(j, "id", uuid);
	json_put_str(j, "uuid", uuid);
	json_put_str(j, "email", email);
	json_put_str(j, "first_name", first);
	json_put_str(j, "last_name", last);
	json_put_str(j, "position", role);
	put_time(j, "modified", record_view_changed(v));
	json_key(j, STR("alignments"));
	json_open(j, '[');
	json_open(j, '{');
	json_put_str(j, "type", role);
	json_key(j, STR("organisation"));
	json_open(j, '{');
	json_put_i64(j, "id", (int64_t)record_view_number(v));
	json_put_str(j, "uuid", org);
	json_put_str(j, "name", text_of(v, "organisation.name"));
	json_close(j, '}');
	json_close(j, '}');
	json_close(j, ']');
	json_key(j, STR("encryption_keys"));
	json_open(j, '[');
	if (key.n > 0) {
		json_open(j, '{');
		json_put_str(j, "type", STR("pgp"));
		json_put_str(j, "fingerprint", key);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
	k->rows++;
}

static void put_individuals(struct listing *k, const struct record_view *v)
{
	struct json_object *list = value_of(v, "organisation.contacts");
	for (size_t i = 0; i < json_count(list); i++)
		put_individual(k, v, json_at(list, i));
}

/* --- sharing groups: agreements in force --- */

static void put_party(struct listing *k, str id)
{
	struct record_view v = { .record = NULL };
	struct json_out *j = &k->j;
	if (read_record(k->p->r, page_types(k->p), k->v, id, k->p->a, &v, NULL) == RC_OK) {
		json_open(j, '{');
		json_put_i64(j, "id", (int64_t)record_view_number(&v));
		json_put_str(j, "uuid", uuid_of(k, &v));
		json_put_str(j, "name", text_of(&v, "organisation.name"));
		json_put_str(j, "nationality", country_name(text_of(&v, "organisation.country")));
		json_put_str(j, "sector", text_of(&v, "organisation.sector"));
		json_put_str(j, "type", text_of(&v, "organisation.kind"));
		json_put_bool(j, "extend", false);
		json_close(j, '}');
	}
	record_view_end(&v);
}

static void put_group(struct listing *k, const struct record_view *v)
{
	const struct meaning *in_force = type_meaning(k->type, STR("agreement.in-force"));
	struct json_object *parties = value_of(v, "agreement.party");
	str uuid = uuid_of(k, v), number = number_of(k, v), tlp = text_of(v, "agreement.tlp");
	str title = json_text(json_get(v->body, k->type->title ? k->type->title->name : "title"));
	struct json_out *j = &k->j;
	if (!in_force || in_force->field || record_view_state(v) != (int)in_force->state || !fits(k, "name", title) ||
	    !fits(k, "uuid", uuid) || !has_word(title, http_query(k->p->q, "quickFilter")) || !wanted(k, number, uuid))
		return;
	json_open(j, '{');
	json_put_i64(j, "id", (int64_t)record_view_number(v));
	json_put_str(j, "uuid", uuid);
	json_put_str(j, "name", title);
	json_put_str(j, "releasability", arena_fmt(k->p->a, "up to TLP:" STR_FMT, STR_ARG(tlp.n ? tlp : STR("CLEAR"))));
	json_put_str(j, "description", text_of(v, "agreement.kind"));
	json_put_bool(j, "active", true);
	json_put_bool(j, "local", false);
	put_time(j, "modified", record_view_changed(v));
	json_key(j, STR("organisation"));
	json_open(j, '{');
	json_put_str(j, "uuid", store_node_id(k->p->w->n->store));
	json_put_str(j, "name", store_node_name(k->p->w->n->store));
	json_close(j, '}');
	json_key(j, STR("sharing_group_orgs"));
	json_open(j, '[');
	for (size_t i = 0; i < json_count(parties); i++)
		put_party(k, json_text(json_at(parties, i)));
	json_close(j, ']');
	json_close(j, '}');
	k->rows++;
}

/* --- a list, one of it --- */

/* To the public goes what the check lets go, of what was found for it. */
static bool each(void *ctx, const struct record_view *v)
{
	struct listing *k = ctx;
	struct told told;
	if (!k->to) {
		k->put(k, v);
		return !k->b.over;
	}
	enum rc rc = told_item(k->p->r, page_types(k->p), k->to, record_view_id(v, k->p->a), 0, k->p->a, &told, &k->err);
	if (rc == RC_OK)
		k->put(k, &told.view);
	told_end(&told);
	return (rc == RC_OK || rc == RC_DENIED || rc == RC_ABSENT) && !k->b.over;
}

static uint64_t number_asked(const struct page *p, const char *name, uint64_t fallback)
{
	uint64_t n = fallback;
	return str_to_u64(http_query(p->q, name), &n) && n > 0 ? n : fallback;
}

static enum rc answer(struct page *p, struct listing *k, enum rc rc, struct err *err)
{
	if (rc == RC_OK && k->b.over)
		rc = fail(err, RC_LIMIT, "the list is too long: ask for pages (limit, page)");
	if (rc == RC_OK && k->id.p && k->rows == 0)
		rc = fail(err, RC_ABSENT, "there is no such entry");
	if (rc != RC_OK) {
		buf_free(&k->b);
		return rc;
	}
	p->template = NULL;
	p->ans->status = 200;
	p->ans->type = "application/json";
	p->ans->body = k->b;
	return RC_OK;
}

/* `word`: what the type means whose records are listed. */
static enum rc list(struct page *p, const char *word, const struct viewer *v, struct told_to *to, bool one,
		    void (*put)(struct listing *k, const struct record_view *v), struct err *err)
{
	struct listing k = { .p = p, .v = v, .to = to, .put = put, .b = BUF_INIT(LIST_BYTES),
			     .type = types_meaning(page_types(p), str_of(word)), .id = one ? p->item : STR_NONE };
	struct record_query q = { .type = k.type, .ascending = true, .with_body = true };
	k.left = number_asked(p, "limit", ROWS_MOST);
	k.skip = (number_asked(p, "page", 1) - 1) * (k.left < ROWS_MOST ? k.left : 0);
	p->form = FORM_JSON;
	k.j = json_out(&k.b);
	enum rc rc = k.type ? page_reader(p, err) : fail(err, RC_ABSENT, "there is nothing here");
	if (!one)
		json_open(&k.j, '[');
	if (rc == RC_OK)
		rc = read_records(p->r, page_types(p), v, &q, ROWS_MOST, p->a, each, &k, err);
	if (!one)
		json_close(&k.j, ']');
	return answer(p, &k, rc, err);
}

enum rc page_cerebrate_organisations(struct page *p, struct err *err)
{
	return list(p, "organisation.claims", &p->caller.viewer, NULL, false, put_org, err);
}

enum rc page_cerebrate_organisation(struct page *p, struct err *err)
{
	return list(p, "organisation.claims", &p->caller.viewer, NULL, true, put_org, err);
}

enum rc page_cerebrate_individuals(struct page *p, struct err *err)
{
	return list(p, "organisation.claims", &p->caller.viewer, NULL, false, put_individuals, err);
}

enum rc page_cerebrate_individual(struct page *p, struct err *err)
{
	return list(p, "organisation.claims", &p->caller.viewer, NULL, true, put_individuals, err);
}

enum rc page_cerebrate_groups(struct page *p, struct err *err)
{
	return list(p, "agreement.in-force", &p->caller.viewer, NULL, false, put_group, err);
}

enum rc page_cerebrate_group(struct page *p, struct err *err)
{
	return list(p, "agreement.in-force", &p->caller.viewer, NULL, true, put_group, err);
}

/* --- for everybody --- */

static enum rc list_open(struct page *p, void (*put)(struct listing *k, const struct record_view *v), struct err *err)
{
	struct told_to to;
	struct viewer finder;
	if (!settings_bool(p->w->n->settings, "cerebrate_open"))
		return fail(err, RC_ABSENT, "there is nothing here");
	enum rc rc = public_finder(p, &finder, err);
	if (rc == RC_OK)
		rc = told_anybody(p->w->n->policies, CHANNEL_API, &to, err);
	return rc == RC_OK ? list(p, "organisation.claims", &finder, &to, false, put, err) : rc;
}

enum rc page_cerebrate_open_organisations(struct page *p, struct err *err)
{
	return list_open(p, put_org, err);
}

enum rc page_cerebrate_open_individuals(struct page *p, struct err *err)
{
	return list_open(p, put_individuals, err);
}

/* Who asks, and of what: how a Cerebrate tests a connection. */
enum rc page_cerebrate_status(struct page *p, struct err *err)
{
	struct buf b = BUF_INIT(KIB(4));
	struct json_out j = json_out(&b);
	(void)err;
	json_open(&j, '{');
	json_key(&j, STR("user"));
	json_open(&j, '{');
	json_put_str(&j, "username", p->caller.name[0] ? str_of(p->caller.name) : str_of(p->caller.viewer.actor));
	json_key(&j, STR("role"));
	json_open(&j, '{');
	json_put_str(&j, "name", str_of(right_name(p->caller.viewer.right)));
	json_close(&j, '}');
	json_close(&j, '}');
	json_put_str(&j, "application", STR("ronda"));
	json_put_str(&j, "version", STR(RONDA_VERSION));
	json_close(&j, '}');
	p->template = NULL;
	p->ans->status = 200;
	p->ans->type = "application/json";
	p->ans->body = b;
	return RC_OK;
}
