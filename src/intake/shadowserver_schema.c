/* SPDX-License-Identifier: Apache-2.0 */
/* The official schema file, as it is published for IntelMQ: an object of reports,
 * each with file_name, required_fields, optional_fields ([field, column,
 * conversion]) and constant_fields. */
#include <json-c/json.h>

#include "base/json.h"
#include "intake/shadowserver_private.h"

enum { RULES_MAX = 2000, TYPES_MAX = 2000 };

static const struct {
	str name;
	enum ss_conversion conversion;
} conversions[] = {
	{ STR_INIT("validate_to_none"), SS_TEXT },
	{ STR_INIT("convert_int"), SS_INT },
	{ STR_INIT("convert_float"), SS_FLOAT },
	{ STR_INIT("convert_bool"), SS_BOOL },
	{ STR_INIT("invalidate_zero"), SS_COUNT },
	{ STR_INIT("add_UTC_to_timestamp"), SS_TIME },
	{ STR_INIT("validate_ip"), SS_IP },
	{ STR_INIT("validate_network"), SS_NET },
	{ STR_INIT("validate_fqdn"), SS_FQDN },
	{ STR_INIT("convert_http_host_and_url"), SS_URL },
	{ STR_INIT("convert_date"), SS_DATE },
	{ STR_INIT("convert_date_utc"), SS_DATE_UTC },
	{ STR_INIT("extract_cve_from_tag"), SS_CVE },
	{ STR_INIT("category_or_detail"), SS_CATEGORY },
	{ STR_INIT("force_base64"), SS_BASE64 },
	{ STR_INIT("scan_exchange_taxonomy"), SS_EXCHANGE_TAXONOMY },
	{ STR_INIT("scan_exchange_type"), SS_EXCHANGE_TYPE },
	{ STR_INIT("scan_exchange_identifier"), SS_EXCHANGE_IDENTIFIER },
};

/* One that we do not know yet leaves the text as it is: better than no event. */
static enum ss_conversion conversion_of(str name)
{
	for (size_t i = 0; i < COUNT_OF(conversions); i++)
		if (str_eq(conversions[i].name, name))
			return conversions[i].conversion;
	return SS_PLAIN;
}

static void add_fields(struct ss_type *t, struct json_object *list, bool required, struct arena *a)
{
	for (size_t i = 0; i < json_count(list); i++) {
		struct json_object *item = json_at(list, i);
		str field = arena_str(a, json_text(json_at(item, 0)));
		str column = arena_str(a, json_text(json_at(item, 1)));
		if (!column.n)
			continue;
		if (!field.n) { /* false: the column is left out on purpose */
			t->rules[t->count++] = (struct ss_rule){ .column = column };
			continue;
		}
		if (str_eq(field, STR("extra.")))
			field = arena_fmt(a, "extra." STR_FMT, STR_ARG(column));
		t->rules[t->count++] = (struct ss_rule){
			.column = column,
			.field = field,
			.conversion = conversion_of(json_text(json_at(item, 2))),
			.required = required,
		};
	}
}

static void add_constants(struct ss_type *t, struct json_object *o, size_t most, struct arena *a)
{
	if (!o || !json_object_is_type(o, json_type_object))
		return;
	struct json_object_iterator i = json_object_iter_begin(o), end = json_object_iter_end(o);
	for (; !json_object_iter_equal(&i, &end); json_object_iter_next(&i)) {
		str value = json_text(json_object_iter_peek_value(&i));
		if (t->count >= most || !value.n)
			continue;
		t->rules[t->count++] = (struct ss_rule){
			.field = arena_str(a, str_of(json_object_iter_peek_name(&i))),
			.value = arena_str(a, value),
			.conversion = SS_CONSTANT,
		};
	}
}

static enum rc read_type(const char *key, struct json_object *o, struct arena *a, struct ss_type *t,
			 struct err *err)
{
	struct json_object *required = json_get(o, "required_fields");
	struct json_object *optional = json_get(o, "optional_fields");
	struct json_object *constants = json_get(o, "constant_fields");
	size_t all = json_count(required) + json_count(optional);
	if (constants && json_object_is_type(constants, json_type_object))
		all += (size_t)json_object_object_length(constants);
	if (all > RULES_MAX)
		return fail(err, RC_INPUT, "schema: report '%s' has too many fields", key);
	str name = json_get_str(o, "file_name");
	*t = (struct ss_type){ .name = arena_str(a, name.n ? name : str_of(key)) };
	t->rules = ARENA_ARRAY(a, all + 1, struct ss_rule);
	add_fields(t, required, true, a);
	add_fields(t, optional, false, a);
	add_constants(t, constants, all, a);
	return RC_OK;
}

enum rc ss_schema_read(str json, struct arena *a, struct ss_schema *out, struct err *err)
{
	struct json_object *root = NULL;
	enum rc rc = json_read(json, &root, err);
	if (rc != RC_OK)
		return rc == RC_IO ? rc : RC_INPUT;
	*out = (struct ss_schema){ 0 };
	if (!root || !json_object_is_type(root, json_type_object)) {
		json_free(root);
		return fail(err, RC_INPUT, "the schema is no JSON object of reports");
	}
	int types = json_object_object_length(root);
	if (types > TYPES_MAX)
		rc = fail(err, RC_INPUT, "the schema has more than %d reports", TYPES_MAX);
	else
		out->types = ARENA_ARRAY(a, (size_t)types, struct ss_type);
	struct json_object_iterator i = json_object_iter_begin(root);
	struct json_object_iterator end = json_object_iter_end(root);
	for (; rc == RC_OK && !json_object_iter_equal(&i, &end); json_object_iter_next(&i)) {
		struct json_object *o = json_object_iter_peek_value(&i);
		if (json_get(o, "required_fields"))
			rc = read_type(json_object_iter_peek_name(&i), o, a,
				       &out->types[out->count++], err);
	}
	json_free(root);
	if (rc == RC_OK && out->count == 0)
		rc = fail(err, RC_INPUT, "the schema has no report in it");
	return rc;
}

const struct ss_type *ss_schema_find(const struct ss_schema *s, str name)
{
	for (size_t i = 0; name.n && i < s->count; i++)
		if (str_eq(s->types[i].name, name))
			return &s->types[i];
	return NULL;
}

static bool among(const struct ss_columns *c, str name)
{
	for (size_t i = 0; i < c->count; i++)
		if (str_eq(c->name[i], name))
			return true;
	return false;
}

/* As in our own tables: only when one report fits best, and well. */
const struct ss_type *ss_schema_by_columns(const struct ss_schema *s, const struct ss_columns *c)
{
	const struct ss_type *found = NULL;
	size_t best = 800;
	for (size_t i = 0; i < s->count; i++) {
		const struct ss_type *t = &s->types[i];
		size_t here = 0, all = 0;
		for (size_t k = 0; k < t->count; k++) {
			bool again = k > 0 && str_eq(t->rules[k].column, t->rules[k - 1].column);
			if (!t->rules[k].column.n || again)
				continue;
			all++;
			here += among(c, t->rules[k].column);
		}
		size_t alike = here > all || c->count + all == here
				       ? 0
				       : 1000 * here / (c->count + all - here);
		if (alike < best)
			continue;
		found = alike == best && found ? NULL : t;
		best = alike;
	}
	return found;
}
