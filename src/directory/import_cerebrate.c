/* SPDX-License-Identifier: Apache-2.0 */
/* Cerebrate: /organisations/index.json and /individuals/index.json, lists of objects with a uuid,
 * which is kept. Individuals name the organisations they are aligned with. */
#include <json-c/json.h>

#include "directory/import_private.h"

/* Values of meta_fields by the name their template gives them ("constituency", "FIRST"). */
static void meta(struct drafting *w, struct json_object *o)
{
	struct json_object *list = json_get(o, "meta_fields");
	for (size_t i = 0; i < json_count(list); i++) {
		struct json_object *m = json_at(list, i);
		str field = json_get_str(m, "field"), value = json_word(m, "value", w->a);
		struct draft_contact c = { .role = STR("security") };
		if (str_eq_nocase(field, STR("IPv4")) || str_eq_nocase(field, STR("IPv6")) ||
		    str_eq_nocase(field, STR("network")))
			draft_claims(w, "network", value, "holder");
		else if (str_eq_nocase(field, STR("AS number")) || str_eq_nocase(field, STR("asn")))
			draft_claims(w, "asn", value, "holder");
		else if (str_eq_nocase(field, STR("domain")))
			draft_claims(w, "domain", value, "holder");
		else if (str_eq_nocase(field, STR("website")))
			draft_website(w, value);
		else if (str_eq_nocase(field, STR("established")) || str_eq_nocase(field, STR("establishment")))
			draft_date(w, value, &w->d.established);
		else if (str_eq_nocase(field, STR("postal_address")) || str_eq_nocase(field, STR("address")))
			w->d.address = draft_clean(w->a, value, 500);
		else if (str_eq_nocase(field, STR("time_zone")) || str_eq_nocase(field, STR("timezone")))
			w->d.timezone = draft_clean(w->a, value, 60);
		else if (str_eq_nocase(field, STR("official_name")) || str_eq_nocase(field, STR("team-full")))
			draft_name(w, value);
		else if (str_eq_nocase(field, STR("email")) && (c.email = value).n)
			draft_contact(w, &c);
		else if ((str_eq_nocase(field, STR("team_contact_number")) || str_eq_nocase(field, STR("phone"))) &&
			 (c.phone = value).n)
			draft_contact(w, &c);
		else if (str_eq_nocase(field, STR("phone-emergency")) && (c.phone = value).n) {
			c.role = STR("point24");
			draft_contact(w, &c);
		}
	}
}

static void organisation(struct drafting *w, struct json_object *o)
{
	str contacts = json_get_str(o, "contacts");
	draft_name(w, json_get_str(o, "name"));
	draft_external(w, "cerebrate", json_get_str(o, "uuid"));
	draft_country(w, json_get_str(o, "nationality"));
	draft_sector(w, json_get_str(o, "sector"));
	draft_website(w, json_get_str(o, "url"));
	if (json_get_str(o, "type").n)
		draft_kind(w, json_get_str(o, "type"));
	w->d.seen_day = draft_day(json_get_str(o, "modified"));
	/* one free text: the addresses in it */
	for (size_t i = 0, from = 0; i <= contacts.n; i++)
		if (i == contacts.n || strchr(" ,;\r\n\t<>", contacts.p[i])) {
			str piece = str_head(str_from(contacts, from), i - from);
			if (str_has(piece, '@'))
				draft_contact(w, &(struct draft_contact){ .role = STR("security"), .email = piece });
			from = i + 1;
		}
	meta(w, o);
}

static str fingerprint(struct json_object *o)
{
	struct json_object *keys = json_get(o, "encryption_keys");
	for (size_t i = 0; i < json_count(keys); i++)
		if (json_get_str(json_at(keys, i), "fingerprint").n)
			return json_get_str(json_at(keys, i), "fingerprint");
	return STR("");
}

/* Somebody of an organisation: a contact of each that he is aligned with. */
static void individual(const struct import_sink *to, struct json_object *o, struct arena *a, uint64_t row)
{
	struct json_object *list = json_get(o, "alignments");
	struct draft_contact c = { .role = STR("security"), .email = json_get_str(o, "email"),
				   .key = fingerprint(o) };
	c.name = arena_fmt(a, STR_FMT " " STR_FMT, STR_ARG(json_get_str(o, "first_name")),
			   STR_ARG(json_get_str(o, "last_name")));
	if (json_count(list) == 0 && to->told)
		to->told(to->ctx, row, "is aligned with no organisation: left out");
	for (size_t i = 0; i < json_count(list); i++) {
		struct json_object *of = json_get(json_at(list, i), "organisation");
		struct drafting w;
		draft_begin(&w, to, a, row);
		draft_name(&w, json_get_str(of, "name"));
		draft_external(&w, "cerebrate", json_get_str(of, "uuid"));
		w.d.seen_day = draft_day(json_get_str(o, "modified"));
		w.d.partly = true;
		draft_contact(&w, &c);
		draft_end(&w);
	}
}

static bool claims(str head, str file_name)
{
	static const char *const of_teams[] = { "\"uuid\"", "\"name\"", "\"nationality\"" };
	static const char *const of_people[] = { "\"uuid\"", "\"first_name\"", "\"last_name\"" };
	(void)file_name;
	return head_has(head, of_teams, COUNT_OF(of_teams)) || head_has(head, of_people, COUNT_OF(of_people));
}

static enum rc parse(const struct import_input *in, const struct import_sink *to, struct arena *a,
		    struct err *err)
{
	struct json_object *root, *rows;
	enum rc rc = input_rows(in, "data", &root, &rows, err);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < json_count(rows); i++) {
		struct json_object *o = json_at(rows, i);
		struct drafting w;
		if (json_get(o, "last_name") || json_get(o, "first_name")) {
			individual(to, o, a, i + 1);
			continue;
		}
		draft_begin(&w, to, a, i + 1);
		organisation(&w, o);
		draft_end(&w);
	}
	json_free(root);
	return RC_OK;
}

const struct import_form import_form_cerebrate = {
	.name = "cerebrate",
	.brief = "organisations or individuals of a Cerebrate (index.json)",
	.source = "cerebrate",
	.makes = IMPORT_ORGANISATIONS,
	.claims = claims,
	.read = parse,
};
