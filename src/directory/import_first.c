/* SPDX-License-Identifier: Apache-2.0 */
/* FIRST, API v1: GET /data/v1/teams, {"status":…,"data":[{"id","team","team-full",…}]}.
 * Members may be a string or a list of strings. */
#include <json-c/json.h>

#include "directory/import_private.h"

/* The i-th value of a member that is one or many. */
static str nth(struct json_object *o, const char *key, size_t i, struct arena *a)
{
	struct json_object *v = json_get(o, key);
	if (v && json_object_is_type(v, json_type_array)) {
		struct json_object *item = i < json_count(v) ? json_at(v, i) : NULL;
		return item ? json_text(item) : STR_NONE;
	}
	return i == 0 && v ? json_word(o, key, a) : STR_NONE;
}

static void contacts(struct drafting *w, struct json_object *o)
{
	str hours = nth(o, "operating-hours", 0, w->a), key = nth(o, "pgp-fingerprint", 0, w->a);
	str phone = nth(o, "phone", 0, w->a);
	for (size_t i = 0; i < DRAFT_CONTACTS_MAX; i++) {
		str email = nth(o, "email", i, w->a);
		if (!email.p)
			break;
		draft_contact(w, &(struct draft_contact){ .role = STR("security"), .email = email,
							  .phone = i ? STR("") : phone, .hours = hours, .key = key });
	}
	if (!nth(o, "email", 0, w->a).p && phone.n)
		draft_contact(w, &(struct draft_contact){ .role = STR("security"), .phone = phone, .hours = hours });
	for (size_t i = 0; i < DRAFT_CONTACTS_MAX; i++) {
		str emergency = nth(o, "phone-emergency", i, w->a);
		if (!emergency.p)
			break;
		draft_contact(w, &(struct draft_contact){ .role = STR("point24"), .phone = emergency });
	}
}

static void team(struct drafting *w, struct json_object *o)
{
	draft_name(w, nth(o, "team", 0, w->a));
	draft_name(w, nth(o, "team-full", 0, w->a));
	draft_external(w, "first", nth(o, "id", 0, w->a));
	draft_kind(w, STR("csirt"));
	draft_country(w, nth(o, "country", 0, w->a));
	draft_website(w, nth(o, "website", 0, w->a));
	draft_date(w, nth(o, "establishment", 0, w->a), &w->d.established);
	draft_sector(w, nth(o, "constituency", 0, w->a));
	w->d.address = draft_clean(w->a, nth(o, "address", 0, w->a), 500);
	w->d.timezone = draft_clean(w->a, nth(o, "timezone", 0, w->a), 60);
	w->d.remarks = draft_clean(w->a, nth(o, "constituency-description", 0, w->a), 2000);
	w->d.seen_day = draft_day(nth(o, "last-modified", 0, w->a));
	contacts(w, o);
}

static bool claims(str head, str file_name)
{
	static const char *const words[] = { "\"team\"", "\"team-full\"" };
	(void)file_name;
	return head_has(head, words, COUNT_OF(words));
}

static enum rc parse(const struct import_input *in, const struct import_sink *to, struct arena *a,
		    struct err *err)
{
	return draft_rows(in, "data", to, a, team, err);
}

const struct import_form import_form_first = {
	.name = "first",
	.brief = "teams as FIRST's API gives them",
	.source = "first",
	.makes = IMPORT_ORGANISATIONS,
	.claims = claims,
	.read = parse,
};
