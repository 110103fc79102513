/* SPDX-License-Identifier: Apache-2.0 */
/* CERTopedia: a list of {"country","name","fullName","website","emergencyContact","email",…}. */
#include <json-c/json.h>

#include "directory/import_private.h"

static void team(struct drafting *w, struct json_object *o)
{
	str emergency = json_get_str(o, "emergencyContact");
	draft_name(w, json_get_str(o, "name"));
	draft_name(w, json_get_str(o, "fullName"));
	draft_external(w, "certopedia", json_get_str(o, "name"));
	draft_kind(w, STR("csirt"));
	draft_country(w, json_get_str(o, "country"));
	draft_website(w, json_get_str(o, "website"));
	draft_date(w, json_get_str(o, "established"), &w->d.established);
	w->d.remarks = draft_clean(w->a, json_get_str(o, "description"), 2000);
	w->d.seen_day = draft_day(json_get_str(o, "lastUpdated"));
	draft_contact(w, &(struct draft_contact){ .role = STR("security"), .email = json_get_str(o, "email"),
						  .key = json_get_str(json_get(o, "pgpKey"), "fingerprint") });
	if (str_has(emergency, '@'))
		draft_contact(w, &(struct draft_contact){ .role = STR("point24"), .email = emergency });
	else
		draft_contact(w, &(struct draft_contact){ .role = STR("point24"), .phone = emergency });
}

static bool claims(str head, str file_name)
{
	static const char *const words[] = { "\"fullName\"", "\"emergencyContact\"" };
	(void)file_name;
	return head_has(head, words, COUNT_OF(words));
}

static enum rc parse(const struct import_input *in, const struct import_sink *to, struct arena *a,
		    struct err *err)
{
	return draft_rows(in, NULL, to, a, team, err);
}

const struct import_form import_form_certopedia = {
	.name = "certopedia",
	.brief = "national teams as CERTopedia lists them",
	.source = "certopedia",
	.makes = IMPORT_ORGANISATIONS,
	.claims = claims,
	.read = parse,
};
