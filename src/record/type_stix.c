/* SPDX-License-Identifier: Apache-2.0 */
/* "stix" of a type file: what its records become for readers of STIX 2.1. */
#include "record/type_private.h"

#include "stix/stix_record.h"

enum { MEMBERS_MOST = 32, PARTS_MOST = 4, PATH_MOST = 300, MAP_MOST = 100 };

/* Names of properties (STIX 2.1 section 3.1), of extensions also with '-', joined by '/'; not those that every
 * object has from its writer. */
static bool is_path(str path)
{
	static const char *const taken[] = { "type", "spec_version", "id", "created", "modified", "created_by_ref", "revoked",
					     "object_marking_refs", "granular_markings", "object_refs", "defanged" };
	size_t parts = 0;
	if (path.n == 0 || path.n > PATH_MOST)
		return false;
	for (size_t i = 0; i < COUNT_OF(taken); i++)
		if (str_eq(path, str_of(taken[i])))
			return false;
	while (path.n > 0) {
		bool last = !str_has(path, '/');
		str part = str_cut(&path, '/');
		if (part.n < 3 || ++parts > PARTS_MOST || (!last && path.n == 0))
			return false;
		for (size_t i = 0; i < part.n; i++)
			if (!((part.p[i] >= 'a' && part.p[i] <= 'z') || (part.p[i] >= '0' && part.p[i] <= '9') ||
			      part.p[i] == '_' || part.p[i] == '-'))
				return false;
	}
	return true;
}

static bool is_text(enum kind k)
{
	return k == KIND_TEXT || k == KIND_LONG;
}

/* Kinds that are one word or number in STIX too. */
static bool is_plain(const struct type_field *f)
{
	switch (f->kind) {
	case KIND_TEXT:
	case KIND_LONG:
	case KIND_NUMBER:
	case KIND_FLAG:
	case KIND_DATE:
	case KIND_TIME:
	case KIND_COUNTRY:
	case KIND_LANGUAGE:
	case KIND_CHOICE:
	case KIND_ADDRESS:
	case KIND_NETWORK:
	case KIND_ASN:
	case KIND_DOMAIN:
	case KIND_URL:
	case KIND_HASH:
		return f->share != SHARE_SEALED;
	case KIND_MONEY:
	case KIND_DURATION:
	case KIND_REFERENCE:
	case KIND_PERSON:
	case KIND_FILE:
	case KIND_SECRET:
	case KIND_ROWS:
	case KINDS:
		break;
	}
	return false;
}

static enum rc scalar(struct reading *r, const struct node *n, str *out)
{
	struct buf b = BUF_INIT(KIB(8));
	if (n->kind == JSON_NEST || n->kind == JSON_NULL)
		return type_refuse(r, n, "this must be a text, a number, true or false");
	if (n->kind == JSON_STRING) {
		struct json_out j = json_out(&b);
		json_str(&j, n->text);
	} else {
		buf_add(&b, n->text);
	}
	*out = arena_str(r->a, buf_str(&b));
	buf_free(&b);
	return RC_OK;
}

/* Choices of `f`, or states when it is NULL, and what each becomes. */
static enum rc values(struct reading *r, const struct node *n, const struct type_field *f, struct stix_member *m)
{
	enum rc rc = RC_OK;
	if (n->kind != JSON_NEST || !n->object || n->count == 0 || n->count > MAP_MOST)
		return type_refuse(r, n, "this must be an object: names and what they become");
	struct stix_value *list = ARENA_ARRAY(r->a, n->count, struct stix_value);
	m->map = list;
	for (const struct node *v = n->first; v && rc == RC_OK; v = v->next) {
		bool known = f ? false : type_state(r->t, v->key) >= 0;
		for (size_t i = 0; f && i < f->choice_count; i++)
			known = known || str_eq(v->key, str_of(f->choices[i].name));
		if (!known)
			return type_refuse(r, v, "there is no %s '" STR_FMT "'", f ? "choice" : "state", STR_ARG(v->key));
		list[m->map_count].from = type_z(r, v->key);
		rc = scalar(r, v, &list[m->map_count++].to);
	}
	return rc;
}

static enum rc member(struct reading *r, const struct node *n, struct stix_member *m)
{
	static const char *const names[] = { "field", "state", "value", "map", "otherwise", "prefix", "list" };
	const struct node *field = tree_get(n, "field"), *state = tree_get(n, "state"), *value = tree_get(n, "value"),
			  *map = tree_get(n, "map"), *otherwise = tree_get(n, "otherwise"), *prefix = tree_get(n, "prefix");
	if (!is_path(n->key))
		return type_refuse(r, n, "'" STR_FMT "' is no member that a type may set", STR_ARG(n->key));
	enum rc rc = type_only(r, n, "a member", names, COUNT_OF(names));
	if (rc != RC_OK)
		return rc;
	if (!!field + !!state + !!value != 1)
		return type_refuse(r, n, "one of 'field', 'state' and 'value' must be there");
	*m = (struct stix_member){ .path = type_z(r, n->key), .state = state != NULL };
	if ((rc = type_flag(r, n, "list", &m->list)) != RC_OK ||
	    (field && (rc = type_field_named(r, field, field->text, &m->field)) != RC_OK))
		return rc;
	if (field && !is_plain(m->field))
		return type_refuse(r, field, "'%s' cannot stand in a STIX object", m->field->name);
	if (map && !(field && m->field->kind == KIND_CHOICE))
		return type_refuse(r, map, "'map' goes with a field that is a choice");
	if (prefix && (prefix->kind != JSON_STRING || !field || map))
		return type_refuse(r, prefix, "'prefix' is a text before a field's");
	m->prefix = prefix ? type_z(r, prefix->text) : NULL;
	if ((map && (rc = values(r, map, m->field, m)) != RC_OK) || (state && (rc = values(r, state, NULL, m)) != RC_OK))
		return rc;
	if (otherwise || value)
		rc = scalar(r, otherwise ? otherwise : value, &m->otherwise);
	return rc;
}

/* Fields of the kinds that `fits` takes. */
static enum rc fields(struct reading *r, const struct node *n, bool refs, const struct type_field *const **out,
		      size_t *count_out)
{
	enum rc rc = RC_OK;
	if (n->kind != JSON_NEST || n->object || n->count > TYPE_LIST_MAX)
		return type_refuse(r, n, "'" STR_FMT "' must be a list of at most %d fields", STR_ARG(n->key), TYPE_LIST_MAX);
	const struct type_field **list = ARENA_ARRAY(r->a, n->count + 1, const struct type_field *);
	for (const struct node *m = n->first; m && rc == RC_OK; m = m->next) {
		const struct type_field **f = &list[*count_out];
		rc = type_field_named(r, m, m->text, f);
		if (rc == RC_OK && (refs ? (*f)->kind != KIND_REFERENCE : !is_text((*f)->kind) || (*f)->list || !is_plain(*f)))
			rc = type_refuse(r, m, "'%s' is no %s", (*f)->name, refs ? "reference" : "text");
		++*count_out;
	}
	*out = list;
	return rc;
}

enum rc type_stix(struct reading *r, const struct node *n)
{
	static const char *const names[] = { "object", "name", "description", "refs", "members" };
	struct type_stix *s = ARENA_NEW(r->a, struct type_stix);
	enum rc rc = type_only(r, n, "'stix'", names, COUNT_OF(names));
	const struct node *object = tree_get(n, "object"), *name = tree_get(n, "name"), *description = tree_get(n, "description"),
			  *refs = tree_get(n, "refs"), *members = tree_get(n, "members");
	if (rc != RC_OK)
		return rc;
	if (!object || object->kind != JSON_STRING || !stix_record_object(object->text))
		return type_refuse(r, object ? object : n, "'object' must name an object that a record becomes, as 'incident'");
	s->object = type_z(r, object->text);
	if (name && (rc = type_field_named(r, name, name->text, &s->name)) != RC_OK)
		return rc;
	if (name && (!is_text(s->name->kind) || s->name->list || !is_plain(s->name)))
		return type_refuse(r, name, "'%s' is no text", s->name->name);
	if (description && (rc = fields(r, description, false, &s->description, &s->description_count)) != RC_OK)
		return rc;
	if (refs && (rc = fields(r, refs, true, &s->refs, &s->ref_count)) != RC_OK)
		return rc;
	if (members && (members->kind != JSON_NEST || !members->object || members->count > MEMBERS_MOST))
		return type_refuse(r, members, "'members' must be an object of at most %d members", MEMBERS_MOST);
	struct stix_member *list = ARENA_ARRAY(r->a, (members ? members->count : 0) + 1, struct stix_member);
	for (const struct node *m = members ? members->first : NULL; m && rc == RC_OK; m = m->next)
		rc = member(r, m, &list[s->member_count++]);
	s->members = list;
	r->t->stix = s;
	return rc;
}
