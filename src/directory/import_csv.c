/* SPDX-License-Identifier: Apache-2.0 */
/* Any table with a header. A column is taken by its name below or by the map ("Surel=email,
 * No=": the latter is left out); one that is neither is refused, so that nothing is lost
 * unseen. Rows with one name or external id are one organisation: a row a contact. */
#include "base/csv.h"
#include "directory/import_private.h"

enum { COLUMNS_MOST = 100 };
enum to {
	TO_NOTHING, TO_NAME, TO_OTHER_NAMES, TO_KIND, TO_COUNTRY, TO_SECTOR, TO_TIMEZONE, TO_LANGUAGES,
	TO_WEBSITE, TO_ESTABLISHED, TO_ADDRESS, TO_REMARKS, TO_EXTERNAL, TO_SEEN, TO_CONTACT_ROLE,
	TO_CONTACT_NAME, TO_EMAIL, TO_PHONE, TO_PHONE24, TO_WEBHOOK, TO_HOURS, TO_CONTACT_LANGUAGES, TO_KEY,
	TO_KEY_UNTIL, TO_ASN, TO_NETWORK, TO_DOMAIN, TO_NATION, TO_CLAIM_ROLE
};
static const struct {
	const char *name;
	enum to to;
} names[] = {
	{ "name", TO_NAME },		   { "organisation", TO_NAME },
	{ "organization", TO_NAME },	   { "team", TO_NAME },
	{ "other_names", TO_OTHER_NAMES }, { "short_name", TO_OTHER_NAMES },
	{ "kind", TO_KIND },		   { "type", TO_KIND },
	{ "country", TO_COUNTRY },	   { "sector", TO_SECTOR },
	{ "timezone", TO_TIMEZONE },	   { "languages", TO_LANGUAGES },
	{ "website", TO_WEBSITE },	   { "url", TO_WEBSITE },
	{ "established", TO_ESTABLISHED }, { "address", TO_ADDRESS },
	{ "remarks", TO_REMARKS },	   { "external", TO_EXTERNAL },
	{ "seen", TO_SEEN },		   { "contact_role", TO_CONTACT_ROLE },
	{ "contact_name", TO_CONTACT_NAME }, { "contact", TO_CONTACT_NAME },
	{ "email", TO_EMAIL },		   { "e-mail", TO_EMAIL },
	{ "phone", TO_PHONE },		   { "telephone", TO_PHONE },
	{ "phone24", TO_PHONE24 },	   { "webhook", TO_WEBHOOK },
	{ "hours", TO_HOURS },		   { "contact_languages", TO_CONTACT_LANGUAGES },
	{ "key", TO_KEY },		   { "key_until", TO_KEY_UNTIL },
	{ "asn", TO_ASN },		   { "asns", TO_ASN },
	{ "network", TO_NETWORK },	   { "networks", TO_NETWORK },
	{ "domain", TO_DOMAIN },	   { "domains", TO_DOMAIN },
	{ "constituency_country", TO_NATION }, { "role", TO_CLAIM_ROLE },
};

static bool column_of(str name, enum to *out)
{
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_eq_nocase(name, str_of(names[i].name))) {
			*out = names[i].to;
			return true;
		}
	return false;
}

/* Does the map name the column? */
static bool mapped(str map, str column, str *field)
{
	while (map.n) {
		str part = str_cut(&map, ','), name = str_trim(str_cut(&part, '='));
		if (!str_eq_nocase(name, column))
			continue;
		*field = str_trim(part);
		return true;
	}
	return false;
}

struct table {
	enum to columns[COLUMNS_MOST];
	size_t count;
	char delimiter;
};

static char delimiter_of(str header)
{
	size_t best = 0;
	char found = ',';
	for (const char *d = ",;\t|"; *d; d++) {
		size_t n = 0;
		for (size_t i = 0; i < header.n; i++)
			n += header.p[i] == *d;
		if (n > best) {
			best = n;
			found = *d;
		}
	}
	return found;
}

static enum rc read_header(struct table *t, str header, str map, struct arena *a, struct err *err)
{
	str cells[COLUMNS_MOST];
	bool named = false;
	t->delimiter = delimiter_of(header);
	enum rc rc = csv_split(header, t->delimiter, '"', a, cells, COLUMNS_MOST, &t->count, err);
	for (size_t i = 0; rc == RC_OK && i < t->count; i++) {
		str name = str_trim_all(cells[i]), field = name;
		bool said = mapped(map, name, &field);
		t->columns[i] = TO_NOTHING;
		if (said && field.n == 0)
			continue;
		if (!column_of(field, &t->columns[i]))
			rc = fail(err, RC_INPUT, said ? "there is no field '" STR_FMT "' in a table of organisations" :
				  "column '" STR_FMT "' is not known: say what it is with --map COLUMN=FIELD, or leave it out "
				  "with --map COLUMN=", STR_ARG(str_head(field, 60)));
		named |= t->columns[i] == TO_NAME;
	}
	if (rc == RC_OK && !named)
		rc = fail(err, RC_INPUT, "no column is the name of an organisation");
	return rc;
}

/* The quote sign our own export puts before what a spreadsheet would run. */
static str unguard(str cell)
{
	bool guarded = cell.n > 1 && cell.p[0] == '\'' && cell.p[1] && strchr("=+-@\t\r", cell.p[1]);
	return guarded ? str_from(cell, 1) : cell;
}

struct row {
	str other_names, claim_role, asn, network, domain, nation, phone24;
	struct draft_contact contact;
};

static void take(struct drafting *w, struct row *r, enum to to, str cell)
{
	struct draft *d = &w->d;
	switch (to) {
	case TO_NOTHING: break;
	case TO_NAME: draft_name(w, cell); break;
	case TO_OTHER_NAMES: r->other_names = cell; break;
	case TO_KIND: draft_kind(w, cell); break;
	case TO_COUNTRY: draft_country(w, cell); break;
	case TO_SECTOR: draft_sector(w, cell); break;
	case TO_TIMEZONE: d->timezone = draft_clean(w->a, cell, 60); break;
	case TO_LANGUAGES: d->languages = draft_clean(w->a, cell, 100); break;
	case TO_WEBSITE: draft_website(w, cell); break;
	case TO_ESTABLISHED: draft_date(w, cell, &d->established); break;
	case TO_ADDRESS: d->address = draft_clean(w->a, cell, 500); break;
	case TO_REMARKS: d->remarks = draft_clean(w->a, cell, 2000); break;
	case TO_EXTERNAL: d->external = draft_clean(w->a, cell, 150); break;
	case TO_SEEN: d->seen_day = draft_day(cell); break;
	case TO_CONTACT_ROLE: r->contact.role = cell; break;
	case TO_CONTACT_NAME: r->contact.name = cell; break;
	case TO_EMAIL: r->contact.email = cell; break;
	case TO_PHONE: r->contact.phone = cell; break;
	case TO_PHONE24: r->phone24 = cell; break;
	case TO_WEBHOOK: r->contact.webhook = cell; break;
	case TO_HOURS: r->contact.hours = cell; break;
	case TO_CONTACT_LANGUAGES: r->contact.languages = cell; break;
	case TO_KEY: r->contact.key = cell; break;
	case TO_KEY_UNTIL: draft_date(w, cell, &r->contact.key_until); break;
	case TO_ASN: r->asn = cell; break;
	case TO_NETWORK: r->network = cell; break;
	case TO_DOMAIN: r->domain = cell; break;
	case TO_NATION: r->nation = cell; break;
	case TO_CLAIM_ROLE: r->claim_role = cell; break;
	}
}

static const char *claim_role(str word)
{
	static const char *const roles[] = { "holder", "host", "network", "registrar", "national" };
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		if (str_eq_nocase(str_trim_all(word), str_of(roles[i])))
			return roles[i];
	return "holder";
}

static void finish(struct drafting *w, struct row *r)
{
	const char *role = claim_role(r->claim_role);
	while (r->other_names.n)
		draft_name(w, str_cut(&r->other_names, ';'));
	draft_contact(w, &r->contact);
	if (r->phone24.n)
		draft_contact(w, &(struct draft_contact){ .role = STR("point24"), .phone = r->phone24 });
	draft_claims(w, "asn", r->asn, role);
	draft_claims(w, "network", r->network, role);
	draft_claims(w, "domain", r->domain, role);
	draft_claims(w, "country", r->nation, "national");
	draft_end(w);
}

static enum rc parse(const struct import_input *in, const struct import_sink *to, struct arena *a,
		    struct err *err)
{
	struct table t = { .count = 0 };
	struct arena *one = arena_new(KIB(16));
	str left = in->text;
	uint64_t row = 0;
	enum rc rc = RC_OK;
	if (str_starts(left, STR("\xef\xbb\xbf")))
		left = str_from(left, 3);
	if (!str_is_utf8(left))
		rc = fail(err, RC_INPUT, "the file is no valid UTF-8");
	while (rc == RC_OK && left.n) {
		size_t n = csv_frame(left, '"', true);
		str record = str_head(left, n), cells[COLUMNS_MOST];
		size_t count = 0;
		struct err why = { 0 };
		left = str_from(left, n);
		row++;
		if (str_trim_all(record).n == 0)
			continue;
		if (t.count == 0) {
			rc = read_header(&t, record, in->map, a, err);
			continue;
		}
		arena_reset(one);
		struct drafting w;
		struct row r = { .contact = { .role = STR("security") } };
		draft_begin(&w, to, a, row);
		if (csv_split(record, t.delimiter, '"', one, cells, COLUMNS_MOST, &count, &why) != RC_OK) {
			draft_told(&w, "%s", why.text);
			continue;
		}
		if (count != t.count) {
			draft_told(&w, "%zu columns, the header has %zu", count, t.count);
			continue;
		}
		for (size_t i = 0; i < count; i++)
			take(&w, &r, t.columns[i], unguard(cells[i]));
		finish(&w, &r);
	}
	if (rc == RC_OK && t.count == 0)
		rc = fail(err, RC_INPUT, "the file is empty");
	arena_free(one);
	return rc;
}

static bool claims(str head, str file_name)
{
	str line = STR(""), s = head;
	(void)str_line(&s, &line);
	return (str_ends(file_name, STR(".csv")) || str_ends(file_name, STR(".tsv"))) && line.n &&
	       line.p[0] != '{' && line.p[0] != '[';
}

const struct import_form import_form_csv = {
	.name = "csv",
	.brief = "any table with a header, its columns by name or by --map",
	.source = "csv",
	.makes = IMPORT_ORGANISATIONS,
	.claims = claims,
	.read = parse,
};
