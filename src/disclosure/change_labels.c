/* SPDX-License-Identifier: Apache-2.0 */
/* Labels that change: what is looser, what is only stricter. */
#include "disclosure/change_private.h"

#include <json-c/json.h>

/* Everything somebody may have by `b` he may have by `a` too? Asked for each kind of recipient:
 * a name of a mark says nothing by itself. */
static bool mark_is_looser(const struct labels *before, const struct labels *now)
{
	return (before->uncleared & ~now->uncleared) || (before->unlicensed & ~now->unlicensed) ||
	       (before->unlicensed_own && !now->unlicensed_own) || now->tlp < before->tlp;
}

static bool names_more(const str *before, size_t before_count, const str *now, size_t now_count)
{
	for (size_t i = 0; i < now_count; i++) {
		size_t at = 0;
		while (at < before_count && !str_eq(before[at], now[i]))
			at++;
		if (at == before_count)
			return true;
	}
	return false;
}

/* An audience lets those in it have more, and keeps all others out. */
static bool invites_more(const struct labels_of *before, const struct labels_of *now)
{
	for (size_t i = 0; i < now->audience_count; i++) {
		size_t at = 0;
		while (at < before->audience_count &&
		       !uuid_equal(&before->audience[at], &now->audience[i]))
			at++;
		if (at == before->audience_count)
			return true;
	}
	return before->audience_count > 0 && now->audience_count == 0;
}

bool labels_are_looser(const struct labels_of *before, const struct labels_of *now,
		       const struct marks *m)
{
	struct labels was = { .tlp = before->tlp }, is = { .tlp = now->tlp };
	bool strange = before->tlp == TLP_COUNT || before->pap == PAP_COUNT;

	if (strange && !str_eq(before->json, now->json))
		return true; /* nobody knows what the mark forbids that goes away */
	labels_classify(&was, m, before->classification);
	labels_license(&was, m, before->licence);
	labels_classify(&is, m, now->classification);
	labels_license(&is, m, now->licence);
	return now->pap < before->pap || mark_is_looser(&was, &is) || invites_more(before, now) ||
	       names_more(before->named, before->named_count, now->named, now->named_count) ||
	       before->exercise != now->exercise;
}

enum rc labels_with_name(str json, str actor, struct arena *a, str *out, struct err *err)
{
	struct json_object *labels = NULL, *named;

	enum rc rc = json_read(json.n ? json : STR("{}"), &labels, err);
	if (rc != RC_OK)
		return rc;
	named = json_get(labels, "named");
	for (size_t i = 0; i < json_count(named); i++)
		if (str_eq(json_text(json_at(named, i)), actor)) {
			*out = json;
			json_free(labels);
			return RC_OK;
		}
	if (!json_object_is_type(labels, json_type_object) ||
	    (named && !json_object_is_type(named, json_type_array))) {
		*out = json; /* wrong: labels_parse says how */
	} else if (json_count(named) >= RECORD_NAMED_MAX) {
		rc = fail(err, RC_LIMIT, "labels name more than %d persons", RECORD_NAMED_MAX);
	} else {
		if (!named) {
			named = json_object_new_array();
			json_object_object_add(labels, "named", named);
		}
		json_object_array_add(named, json_object_new_string_len(actor.p, (int)actor.n));
		*out = arena_str(a, str_of(json_object_to_json_string_ext(labels, JSON_C_TO_STRING_PLAIN)));
	}
	json_free(labels);
	return rc;
}
