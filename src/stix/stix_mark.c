/* SPDX-License-Identifier: Apache-2.0 */
#include "stix/stix_mark.h"

#define EXTENSION "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

static const struct { enum tlp tlp; const char *id, *name; } marks[] = {
	{ TLP_CLEAR, "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", "clear" },
	{ TLP_GREEN, "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "green" },
	{ TLP_AMBER, "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", "amber" },
	{ TLP_AMBER_STRICT, "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", "amber+strict" },
	{ TLP_RED, "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", "red" },
	/* TLP 1.0, only read */
	{ TLP_CLEAR, "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", NULL },
	{ TLP_GREEN, "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", NULL },
	{ TLP_AMBER, "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", NULL },
	{ TLP_RED, "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", NULL },
};

const char *stix_tlp_id(enum tlp t)
{
	for (size_t i = 0; i < COUNT_OF(marks); i++)
		if (marks[i].tlp == t && marks[i].name)
			return marks[i].id;
	return stix_tlp_id(TLP_RED);
}

bool stix_tlp_by_id(str id, enum tlp *out)
{
	for (size_t i = 0; i < COUNT_OF(marks); i++)
		if (str_eq_nocase(id, str_of(marks[i].id))) {
			*out = marks[i].tlp;
			return true;
		}
	return false;
}

bool stix_tlp_of(struct json_object *object, enum tlp *out)
{
	struct json_object *refs = json_get(object, "object_marking_refs");
	enum tlp strictest = TLP_CLEAR;
	for (size_t i = 0; i < json_count(refs); i++) {
		enum tlp t = TLP_RED;
		(void)stix_tlp_by_id(json_text(json_at(refs, i)), &t);
		strictest = t > strictest ? t : strictest;
	}
	if (refs && json_count(refs) == 0)
		strictest = TLP_RED; /* a mark that is no list is one we do not understand */
	/* parts that are marked on their own: as strict as can be, since the parts are not told apart */
	if (json_get(object, "granular_markings"))
		strictest = TLP_RED;
	else if (!refs)
		return false;
	*out = strictest;
	return true;
}

void stix_tlp_json(enum tlp t, struct json_out *j)
{
	for (size_t i = 0; i < COUNT_OF(marks); i++) {
		if (marks[i].tlp != t || !marks[i].name)
			continue;
		char name[32] = "TLP:";
		for (size_t k = 0; marks[i].name[k] && k + 5 < sizeof name; k++)
			name[k + 4] = (char)(marks[i].name[k] >= 'a' ? marks[i].name[k] - 32 : marks[i].name[k]);
		json_open(j, '{');
		json_put_str(j, "type", STR("marking-definition"));
		json_put_str(j, "spec_version", STR("2.1"));
		json_put_str(j, "id", str_of(marks[i].id));
		json_put_str(j, "created", STR("2022-10-01T00:00:00.000Z"));
		json_put_str(j, "name", str_of(name));
		json_key(j, STR("extensions"));
		json_open(j, '{');
		json_key(j, STR(EXTENSION));
		json_open(j, '{');
		json_put_str(j, "extension_type", STR("property-extension"));
		json_put_str(j, "tlp_2_0", str_of(marks[i].name));
		json_close(j, '}');
		json_close(j, '}');
		json_close(j, '}');
		return;
	}
}
