/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of registries by RDAP (RFC 9083): an "ip network" (section 5.4), "autnum" (5.5) or
 * "domain" (5.3) with entities (5.1), whose addresses stand in a jCard (RFC 7095). One answer,
 * or a list of them. */
#include <json-c/json.h>

#include "base/ip.h"
#include "directory/import_private.h"
#include "event/normalise.h"
#include "record/codes.h"

enum { ENTITIES_MOST = 200 };

/* Who of those an answer names is written to: the lower the better. */
static int rank_of(struct json_object *entity)
{
	static const char *const ranks[] = { "abuse", "noc", "technical", "administrative", "registrant" };
	struct json_object *roles = json_get(entity, "roles");
	int best = (int)COUNT_OF(ranks);
	for (size_t i = 0; i < json_count(roles) && i < 32; i++)
		for (int r = 0; r < best; r++)
			if (str_eq_nocase(json_text(json_at(roles, i)), str_of(ranks[r])))
				best = r;
	return best == (int)COUNT_OF(ranks) ? -1 : best;
}

/* ["vcard",[["version",{},"text","4.0"],["email",{},"text","abuse@example.org"],…]] */
static str vcard(struct json_object *entity, const char *property)
{
	struct json_object *card = json_get(entity, "vcardArray"), *list = json_count(card) > 1 ? json_at(card, 1) : NULL;
	for (size_t i = 0; i < json_count(list) && i < 100; i++) {
		struct json_object *p = json_at(list, i);
		if (json_count(p) >= 4 && str_eq_nocase(json_text(json_at(p, 0)), str_of(property)) &&
		    json_text(json_at(p, 3)).n)
			return json_text(json_at(p, 3));
	}
	return STR("");
}

/* Entities stand inside entities: in turn, up to a number. */
static void best_contact(struct json_object *o, struct arena *a, struct fallback_entry *e, uint8_t trust)
{
	struct json_object *todo[ENTITIES_MOST];
	size_t count = 0, at = 0;
	int best = 100;
	struct json_object *list = json_get(o, "entities");
	for (size_t i = 0; i < json_count(list) && count < ENTITIES_MOST; i++)
		todo[count++] = json_at(list, i);
	for (; at < count; at++) {
		int rank = rank_of(todo[at]);
		str email = draft_email(a, vcard(todo[at], "email"));
		if (rank >= 0 && rank < best && email.n) {
			best = rank;
			e->email = email;
			e->name = draft_clean(a, vcard(todo[at], "fn"), 120);
			/* the desk for abuse is meant for us; others are a guess */
			e->trust = rank == 0 ? trust : (uint8_t)(trust / 2);
		}
		list = json_get(todo[at], "entities");
		for (size_t i = 0; i < json_count(list) && count < ENTITIES_MOST; i++)
			todo[count++] = json_at(list, i);
	}
}

static bool about(struct json_object *o, struct arena *a, struct fallback_entry *e)
{
	str class = json_get_str(o, "objectClassName");
	int64_t first, last;
	if (str_eq(class, STR("ip network"))) {
		e->kind = FALLBACK_NET;
		return ip_parse(json_get_str(o, "startAddress"), &e->first) &&
		       ip_parse(json_get_str(o, "endAddress"), &e->last);
	}
	if (str_eq(class, STR("autnum"))) {
		e->kind = FALLBACK_ASN;
		if (!json_get_i64(o, "startAutnum", &first) || !json_get_i64(o, "endAutnum", &last) || first < 1 ||
		    last < first || last > UINT32_MAX)
			return false;
		e->asn_first = (uint32_t)first;
		e->asn_last = (uint32_t)last;
		return true;
	}
	e->kind = FALLBACK_DOMAIN;
	return str_eq(class, STR("domain")) && fqdn_normalise(json_get_str(o, "ldhName"), a, &e->domain) &&
	       str_has(e->domain, '.');
}

static void told(const struct import_sink *to, uint64_t row, const char *words)
{
	if (to->told)
		to->told(to->ctx, row, words);
}

static void one(const struct import_input *in, const struct import_sink *to, struct json_object *o,
		struct arena *a, uint64_t row)
{
	struct fallback_entry e = { .domain = STR(""), .email = STR(""), .name = STR(""), .trust = in->trust,
				    .seen_day = in->seen_day };
	str cc = json_get_str(o, "country");
	if (!about(o, a, &e)) {
		told(to, row, "is no answer about a network, AS number or domain");
		return;
	}
	best_contact(o, a, &e, in->trust);
	if (e.name.n == 0)
		e.name = draft_clean(a, json_get_str(o, "name"), 120);
	if (cc.n == 2 && code_country(cc))
		memcpy(e.country, cc.p, 2);
	if (e.email.n == 0)
		told(to, row, "names nobody to write to");
	if ((e.email.n || e.country[0]) && to->contact)
		to->contact(to->ctx, row, &e);
}

static enum rc parse(const struct import_input *in, const struct import_sink *to, struct arena *a,
		    struct err *err)
{
	struct json_object *root = NULL;
	enum rc rc = json_read(in->text, &root, err);
	if (rc != RC_OK)
		return rc;
	if (json_object_is_type(root, json_type_array))
		for (size_t i = 0; i < json_count(root); i++)
			one(in, to, json_at(root, i), a, i + 1);
	else if (json_get(root, "objectClassName"))
		one(in, to, root, a, 1);
	else
		rc = fail(err, RC_INPUT, "the document is no answer by RDAP");
	json_free(root);
	return rc;
}

static bool claims(str head, str file_name)
{
	static const char *const words[] = { "\"objectClassName\"" };
	(void)file_name;
	return head_has(head, words, COUNT_OF(words));
}

const struct import_form import_form_rdap = {
	.name = "rdap",
	.brief = "answers of registries by RDAP, one or a list",
	.source = "rdap",
	.makes = IMPORT_CONTACTS,
	.single = true,
	.claims = claims,
	.read = parse,
};
