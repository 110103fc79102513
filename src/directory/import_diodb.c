/* SPDX-License-Identifier: Apache-2.0 */
/* diodb: a list of disclosure programmes, {"program_name","policy_url","contact_url",
 * "contact_email","preferred_languages",…}. */
#include <json-c/json.h>

#include "directory/import_private.h"

static void programme(struct drafting *w, struct json_object *o)
{
	draft_name(w, json_get_str(o, "program_name"));
	draft_external(w, "diodb", json_get_str(o, "program_name"));
	draft_kind(w, STR("vendor"));
	draft_website(w, json_get_str(o, "policy_url"));
	draft_contact(w, &(struct draft_contact){ .role = STR("security"), .email = json_get_str(o, "contact_email"),
						  .languages = json_get_str(o, "preferred_languages") });
	str form = draft_clean(w->a, json_get_str(o, "contact_url"), 300);
	if (form.n)
		w->d.remarks = arena_fmt(w->a, "Reports of weaknesses: " STR_FMT, STR_ARG(form));
}

static bool claims(str head, str file_name)
{
	static const char *const words[] = { "\"program_name\"", "\"policy_url\"" };
	(void)file_name;
	return head_has(head, words, COUNT_OF(words));
}

static enum rc parse(const struct import_input *in, const struct import_sink *to, struct arena *a,
		    struct err *err)
{
	return draft_rows(in, NULL, to, a, programme, err);
}

const struct import_form import_form_diodb = {
	.name = "diodb",
	.brief = "disclosure programmes as diodb lists them (program-list.json)",
	.source = "diodb",
	.makes = IMPORT_ORGANISATIONS,
	.claims = claims,
	.read = parse,
};
