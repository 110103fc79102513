/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/record_stix.h"

#include <json-c/json.h>

#include "base/clock.h"

enum { PARTS_MOST = 4, DESCRIPTION_MOST = 256 * 1024, PLAIN = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE };

str record_stix_id(const struct types *t, str record_id, struct arena *a)
{
	const size_t end = str_find(record_id, STR("--"));
	const struct type *type = types_find(t, str_head(record_id, end));
	return arena_fmt(a, "%s" STR_FMT, type && type->stix ? type->stix->object : "note", STR_ARG(str_from(record_id, end)));
}

/* --- members --- */

static struct json_object *text_object(const char *prefix, str s, struct arena *a)
{
	if (prefix)
		s = arena_fmt(a, "%s" STR_FMT, prefix, STR_ARG(s));
	return json_object_new_string_len(s.p ? s.p : "", (int)s.n);
}

/* With three digits of a second; a date is its midnight. */
static struct json_object *time_object(str s)
{
	int64_t us;
	char text[40], out[48];
	if (!time_parse(s, true, &us))
		return NULL;
	str t = time_str(text, us);
	bool whole = !str_has(t, '.');
	snprintf(out, sizeof out, STR_FMT "%s", STR_ARG(str_head(t, str_find(t, STR("+00:00")))), whole ? ".000Z" : "Z");
	return json_object_new_string(out);
}

static struct json_object *mapped(const struct stix_member *m, str name)
{
	struct json_object *o = NULL;
	for (size_t i = 0; i < m->map_count; i++)
		if (str_eq(name, str_of(m->map[i].from)) && json_read(m->map[i].to, &o, NULL) == RC_OK)
			return o;
	return NULL;
}

static struct json_object *one_value(const struct stix_member *m, struct json_object *value, struct arena *a)
{
	if (m->map_count > 0)
		return mapped(m, json_text(value));
	if (m->field->kind == KIND_DATE || m->field->kind == KIND_TIME)
		return time_object(json_text(value));
	if (json_object_is_type(value, json_type_string))
		return text_object(m->prefix, json_text(value), a);
	return json_object_get(value);
}

/* NULL: there is nothing to say. */
static struct json_object *member_value(const struct stix_member *m, struct json_object *body, str state, struct arena *a)
{
	struct json_object *out = NULL, *value = m->field ? json_get(body, m->field->name) : NULL;
	if (json_object_is_type(value, json_type_array)) {
		out = json_object_new_array();
		for (size_t i = 0; i < json_count(value); i++) {
			struct json_object *one = one_value(m, json_at(value, i), a);
			if (one)
				json_object_array_add(out, one);
		}
		if (json_count(out) == 0) { /* STIX has no empty lists */
			json_free(out);
			out = NULL;
		}
		return out;
	}
	if (value)
		out = one_value(m, value, a);
	if (m->state)
		out = mapped(m, state);
	if (!out && m->otherwise.p && json_read(m->otherwise, &out, NULL) != RC_OK)
		out = NULL;
	if (out && m->list) {
		struct json_object *list = json_object_new_array();
		json_object_array_add(list, out);
		return list;
	}
	return out;
}

/* Takes `value`. */
static void put_at(struct json_object *root, const char *path, struct json_object *value)
{
	str left = str_of(path);
	for (size_t depth = 1;; depth++) {
		bool last = !str_has(left, '/') || depth == PARTS_MOST;
		char name[128];
		(void)str_to_z(str_cut(&left, '/'), name, sizeof name);
		if (last) {
			json_object_object_add(root, name, value);
			return;
		}
		struct json_object *next = json_get(root, name);
		if (!next) {
			next = json_object_new_object();
			json_object_object_add(root, name, next);
		}
		root = next;
	}
}

static struct json_object *members_of(const struct type_stix *s, struct json_object *body, str state, struct arena *a)
{
	struct json_object *out = json_object_new_object();
	for (size_t i = 0; i < s->member_count; i++) {
		struct json_object *value = member_value(&s->members[i], body, state, a);
		if (value)
			put_at(out, s->members[i].path, value);
	}
	return out;
}

/* --- texts and references --- */

static str description_of(const struct type_stix *s, struct json_object *body, struct arena *a)
{
	struct buf b = BUF_INIT(DESCRIPTION_MOST);
	for (size_t i = 0; i < s->description_count; i++) {
		str text = json_get_str(body, s->description[i]->name);
		if (text.n > 0 && b.n > 0)
			buf_add(&b, STR("\n\n"));
		buf_add(&b, text);
	}
	str out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return out;
}

static void add_ref(struct stix_record *out, str *list, str id, const struct types *t, struct arena *a)
{
	str type;
	struct uuid u;
	if (record_id_parse(id, &type, &u))
		list[out->ref_count++] = record_stix_id(t, id, a);
}

static void refs_of(const struct type_stix *s, struct json_object *body, const struct types *t, struct arena *a,
		    struct stix_record *out)
{
	size_t most = 0;
	for (size_t i = 0; i < s->ref_count; i++) {
		struct json_object *v = json_get(body, s->refs[i]->name);
		most += json_object_is_type(v, json_type_array) ? json_count(v) : 1;
	}
	str *list = ARENA_ARRAY(a, most + 1, str);
	for (size_t i = 0; i < s->ref_count; i++) {
		struct json_object *v = json_get(body, s->refs[i]->name);
		for (size_t k = 0; k < json_count(v); k++)
			add_ref(out, list, json_text(json_at(v, k)), t, a);
		if (json_text(v).n > 0)
			add_ref(out, list, json_text(v), t, a);
	}
	out->refs = list;
}

/* --- the whole --- */

static void put_text(struct buf *b, struct json_object *root, uint32_t type_version, str node_id)
{
	static const char *const as_told[] = { "organisation", "created", "changed", "state" };
	struct json_out j = json_out(b);
	int64_t version = 0;
	(void)json_get_i64(root, "version", &version);
	json_open(&j, '{');
	json_put_str(&j, "id", json_get_str(root, "id"));
	json_put_str(&j, "type", json_get_str(root, "type"));
	json_put_i64(&j, "type_version", type_version);
	json_put_i64(&j, "version", version);
	json_put_str(&j, "origin", node_id);
	for (size_t i = 0; i < COUNT_OF(as_told); i++)
		if (json_get(root, as_told[i]))
			json_put_str(&j, as_told[i], json_get_str(root, as_told[i]));
	json_key(&j, STR("labels"));
	json_raw(&j, str_of(json_object_to_json_string_ext(json_get(root, "labels"), PLAIN)));
	json_key(&j, STR("body"));
	json_raw(&j, str_of(json_object_to_json_string_ext(json_get(root, "body"), PLAIN)));
	json_close(&j, '}');
}

static enum rc fill(struct json_object *root, const struct record_view *v, const struct types *t, str node_id, struct arena *a,
		    struct stix_record *out, struct err *err)
{
	static const struct type_stix bare = { .object = "note" };
	const struct type *type = record_view_type(v);
	const struct type_stix *s = type && type->stix ? type->stix : &bare;
	struct json_object *body = json_get(root, "body");
	int64_t created;
	if (!body || json_get(root, "erased") || !time_parse(json_get_str(root, "created"), false, &created))
		return fail(err, RC_INPUT, "the record has no body or no time");
	struct buf text = BUF_INIT(RECORD_BODY_MAX + KIB(64));
	put_text(&text, root, type ? type->version : 1, node_id);
	out->object = str_of(s->object);
	out->item = record_view_id(v, a);
	out->id = record_stix_id(t, out->item, a);
	out->version = record_view_version(v);
	out->created_us = created;
	out->changed_us = record_view_changed(v) < created ? created : record_view_changed(v);
	out->tlp = record_view_labels(v)->tlp;
	out->name = arena_str(a, s->name ? json_get_str(body, s->name->name) : json_get_str(root, "title"));
	out->description = description_of(s, body, a);
	out->more = members_of(s, body, json_get_str(root, "state"), a);
	refs_of(s, body, t, a, out);
	out->text = arena_str(a, buf_str(&text));
	enum rc rc = text.over ? fail(err, RC_LIMIT, "the record is too large to be told") : RC_OK;
	buf_free(&text);
	return rc;
}

enum rc record_stix(const struct record_view *v, const struct types *t, str node_id, struct arena *a, struct stix_record *out,
		    struct err *err)
{
	struct buf b = BUF_INIT(RECORD_BODY_MAX + KIB(64));
	struct json_out j = json_out(&b);
	struct json_object *root = NULL;
	*out = (struct stix_record){ .more = NULL };
	record_view_json(v, &j);
	enum rc rc = b.over ? fail(err, RC_LIMIT, "the record is too large to be told") : json_read(buf_str(&b), &root, err);
	if (rc == RC_OK)
		rc = fill(root, v, t, node_id, a, out, err);
	json_free(root);
	buf_free(&b);
	return rc;
}

void record_stix_end(struct stix_record *r)
{
	json_free(r->more);
	r->more = NULL;
}
