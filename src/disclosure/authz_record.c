/* SPDX-License-Identifier: Apache-2.0 */
/* What the two checks need of a record. */
#include "disclosure/authz.h"

static bool listed(const struct labels_of *l, const struct viewer *v)
{
	for (size_t i = 0; i < l->named_count; i++)
		if (v->actor[0] && str_eq(l->named[i], str_of(v->actor)))
			return true;
	return false;
}

static bool is_assignee(const struct record *r, const struct viewer *v)
{
	struct buf id = BUF_INIT(UUID_TEXT_BYTES + 1);
	struct json_object *body = NULL;
	bool is = false;

	if (!r->type || !r->type->assignee || uuid_is_zero(&v->person))
		return false;
	uuid_format(&id, &v->person);
	/* most bodies do not have it anywhere: no need to read them */
	if (str_find(r->body, buf_str(&id)) < r->body.n && json_read(r->body, &body, NULL) == RC_OK)
		is = str_ends(json_get_str(body, r->type->assignee->name), buf_str(&id));
	json_free(body);
	buf_free(&id);
	return is;
}

/* An organisation's own record is that organisation's. */
static struct uuid organisation_of(const struct record *r, const struct viewer *v)
{
	return uuid_equal(&r->id, &v->organisation) ? v->organisation : r->organisation;
}

struct object object_of(const struct record *r, const struct viewer *v)
{
	/* Whoever edits is the author of a version: only the first one's made the record. */
	bool made_it = r->version == 1 && v->actor[0] && str_eq(r->author, str_of(v->actor));

	return (struct object){
		.type = r->type,
		.state = r->state,
		.organisation = organisation_of(r, v),
		.names_actor = made_it || listed(&r->labels, v) || is_assignee(r, v),
		.ours = r->number != 0,
		.held = r->labels.held,
		.to_state = -1,
	};
}

static bool has_personal_fields(const struct type *t)
{
	for (size_t i = 0; t && i < t->field_count; i++)
		if (t->fields[i].personal)
			return true;
	return !t; /* not known: it may */
}

struct labels labels_for(const struct record *r, const struct viewer *v)
{
	const struct labels_of *l = &r->labels;
	const struct marks *m = policy_marks(&v->policy);
	struct uuid organisation = organisation_of(r, v);
	bool outsider = !uuid_is_zero(&v->organisation), invited = false;

	for (size_t i = 0; outsider && i < l->audience_count; i++)
		invited = invited || uuid_equal(&l->audience[i], &v->organisation);
	struct labels out = {
		.tlp = l->tlp,
		.pap = l->pap,
		.personal = has_personal_fields(r->type),
		.sealed = r->sealed,
		.exercise = l->exercise,
		.about_recipient = outsider && uuid_equal(&organisation, &v->organisation),
		.held = l->held,
		.foreign = r->number == 0,
		.excluded = l->audience_count > 0 && !invited,
		.invited = invited,
		.for_named = true,
		.names_recipient = listed(l, v),
		.sources = 1,
	};
	labels_classify(&out, m, l->classification);
	labels_license(&out, m, l->licence);
	return out;
}
