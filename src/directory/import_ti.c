/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted Introducer's teams.json: a list of {"short_name","official_name","country":{"code"},
 * "constituency":{"asns","domains","ipranges","countries"},"phones","emails","pgp_keys"}. */
#include <json-c/json.h>

#include "directory/import_private.h"

static void constituency(struct drafting *w, struct json_object *o)
{
	static const struct {
		const char *member, *kind;
	} lists[] = { { "asns", "asn" }, { "domains", "domain" }, { "ipranges", "network" } };
	struct json_object *list = json_get(o, "types");
	bool national = false;
	for (size_t i = 0; i < json_count(list); i++)
		national |= str_starts(json_text(json_at(list, i)), STR("National"));
	for (size_t k = 0; k < COUNT_OF(lists); k++) {
		list = json_get(o, lists[k].member);
		for (size_t i = 0; i < json_count(list); i++) {
			struct json_object *v = json_at(list, i);
			bool number = v && json_object_is_type(v, json_type_int);
			draft_claim(w, lists[k].kind,
				    number ? arena_fmt(w->a, "%lld", (long long)json_object_get_int64(v)) : json_text(v),
				    national ? "national" : "holder");
		}
	}
	list = json_get(o, "types");
	for (size_t i = 0; i < json_count(list); i++)
		draft_sector(w, json_text(json_at(list, i)));
	/* only of a national team is the country its own: of others it is where they are */
	list = json_get(o, "countries");
	for (size_t i = 0; national && i < json_count(list); i++)
		draft_claim(w, "country", json_get_str(json_at(list, i), "code"), "national");
}

static bool usage_has(struct json_object *o, const char *word)
{
	struct json_object *usage = json_get(o, "usage");
	for (size_t i = 0; i < json_count(usage); i++)
		if (str_eq(json_text(json_at(usage, i)), str_of(word)))
			return true;
	return false;
}

/* Keys stand apart from addresses there: the last to expire is the one to write to. */
static void contacts(struct drafting *w, struct json_object *o)
{
	struct json_object *keys = json_get(o, "pgp_keys"), *list = json_get(o, "emails");
	str hours = json_get_str(o, "business_hours"), key = STR(""), until = STR("");
	for (size_t i = 0; i < json_count(keys); i++) {
		str expires = STR("");
		draft_date(w, json_get_str(json_at(keys, i), "expires"), &expires);
		if (key.n && str_cmp(expires, until) <= 0)
			continue;
		key = json_get_str(json_at(keys, i), "fingerprint");
		until = expires;
	}
	for (size_t i = 0; i < json_count(list); i++)
		draft_contact(w, &(struct draft_contact){ .role = STR("security"), .hours = hours, .key = key,
							  .key_until = until,
							  .email = json_get_str(json_at(list, i), "address") });
	list = json_get(o, "phones");
	for (size_t i = 0; i < json_count(list); i++) {
		struct json_object *p = json_at(list, i);
		bool emergency = usage_has(p, "emergency");
		if (usage_has(p, "voice") || emergency)
			draft_contact(w, &(struct draft_contact){ .role = emergency ? STR("point24") : STR("security"),
								  .hours = emergency ? STR("") : hours,
								  .phone = json_get_str(p, "number") });
	}
}

static void team(struct drafting *w, struct json_object *o)
{
	draft_name(w, json_get_str(o, "short_name"));
	draft_name(w, json_get_str(o, "official_name"));
	draft_external(w, "ti", json_get_str(o, "short_name"));
	draft_kind(w, STR("csirt"));
	draft_country(w, json_get_str(json_get(o, "country"), "code"));
	draft_date(w, json_get_str(o, "established"), &w->d.established);
	w->d.address = draft_clean(w->a, json_get_str(o, "postal_address"), 500);
	w->d.timezone = draft_clean(w->a, json_get_str(o, "business_hours_timezone"), 60);
	constituency(w, json_get(o, "constituency"));
	contacts(w, o);
}

static bool claims(str head, str file_name)
{
	static const char *const words[] = { "\"short_name\"", "\"official_name\"", "\"constituency\"" };
	(void)file_name;
	return head_has(head, words, COUNT_OF(words));
}

static enum rc parse(const struct import_input *in, const struct import_sink *to, struct arena *a,
		    struct err *err)
{
	return draft_rows(in, "teams", to, a, team, err);
}

const struct import_form import_form_ti = {
	.name = "ti",
	.brief = "teams as Trusted Introducer gives them (teams.json)",
	.source = "ti",
	.makes = IMPORT_ORGANISATIONS,
	.claims = claims,
	.read = parse,
};
