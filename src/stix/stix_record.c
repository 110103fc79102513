/* SPDX-License-Identifier: Apache-2.0 */
#include "stix/stix_record.h"

#include <json-c/json.h>

#include "base/clock.h"
#include "stix/stix_private.h"

enum { REFS_MOST = 1000 };

/* How the objects that we make call things; what the standard asks for and nobody said. TIME: when the record was
 * made. `pointing`: object_refs must be there. */
#define TIME "\1"
static const struct object_row {
	const char *type, *name, *description;
	bool pointing;
	struct { const char *member, *value; } needs[2];
} objects[] = {
	{ "incident", "name", "description", false, { { NULL } } },
	{ "report", "name", "description", true, { { "published", TIME } } },
	{ "note", "abstract", "content", true, { { NULL } } },
	{ "identity", "name", "description", false, { { "identity_class", "organization" } } },
	{ "campaign", "name", "description", false, { { NULL } } },
	{ "course-of-action", "name", "description", false, { { NULL } } },
	{ "grouping", "name", "description", true, { { "context", "unspecified" } } },
	/* not of records */
	{ "opinion", NULL, "explanation", true, { { "opinion", "neutral" } } },
	{ "observed-data", NULL, NULL, true, { { "first_observed", TIME }, { "last_observed", TIME } } },
	{ "indicator", "name", NULL, false, { { "valid_from", TIME }, { "pattern_type", "stix" } } },
	{ "sighting", NULL, "description", false, { { NULL } } },
};
enum { RECORD_OBJECTS = 7 };

static const struct object_row *row_of(str type)
{
	for (size_t i = 0; i < COUNT_OF(objects); i++)
		if (str_eq(type, str_of(objects[i].type)))
			return &objects[i];
	return NULL;
}

bool stix_record_object(str object)
{
	const struct object_row *o = row_of(object);
	return o && o - objects < RECORD_OBJECTS;
}

/* "TYPE--UUID" of that type: into `out` for the writers, which take C strings. */
static bool id_ok(str id, str type, char out[STIX_ID_MAX])
{
	struct uuid u;
	return str_starts(id, type) && str_starts(str_from(id, type.n), STR("--")) &&
	       uuid_parse(str_from(id, type.n + 2), &u) && str_to_z(id, out, STIX_ID_MAX);
}

static void put_needs(struct json_out *j, const struct object_row *o, struct json_object *more, const char *created)
{
	for (size_t i = 0; i < COUNT_OF(o->needs) && o->needs[i].member; i++)
		if (!json_get(more, o->needs[i].member))
			json_put_str(j, o->needs[i].member,
				     str_of(strcmp(o->needs[i].value, TIME) == 0 ? created : o->needs[i].value));
}

static void put_refs(struct json_out *j, const str *refs, size_t count)
{
	json_key(j, STR("object_refs"));
	json_open(j, '[');
	for (size_t i = 0; i < count && i < REFS_MOST; i++)
		json_str(j, refs[i]);
	json_close(j, ']');
}

/* --- records --- */

static void put_relationship(struct stix_writer *w, const struct stix_record *r, str ref, const char *created, enum tlp tlp)
{
	char id[STIX_ID_MAX], both[2 * STIX_ID_MAX + 2];
	struct buf b = BUF_INIT(KIB(16));
	snprintf(both, sizeof both, STR_FMT " " STR_FMT, STR_ARG(str_head(r->id, STIX_ID_MAX)),
		 STR_ARG(str_head(ref, STIX_ID_MAX)));
	stix_named_id(&w->space, "relationship", str_of(both), id);
	struct json_out j = stix_begin(w, &b, "relationship", id, created, created, tlp);
	json_put_str(&j, "relationship_type", STR("related-to"));
	json_put_str(&j, "source_ref", r->id);
	json_put_str(&j, "target_ref", ref);
	stix_put_extension(&j, NULL, STR_NONE, str_of(w->node_text), r->item);
	json_close(&j, '}');
	stix_out(w, &b, id, created, tlp, STIX_PART);
	buf_free(&b);
}

enum rc stix_write_record(struct stix_writer *w, const struct stix_record *r, struct err *err)
{
	const struct object_row *o = stix_record_object(r->object) ? row_of(r->object) : NULL;
	const enum tlp tlp = r->tlp < TLP_COUNT ? r->tlp : TLP_RED;
	char id[STIX_ID_MAX], created[STIX_TIME_MAX], modified[STIX_TIME_MAX];
	if (!o || !id_ok(r->id, r->object, id) || r->created_us < 0 || r->changed_us < r->created_us)
		return fail(err, RC_INPUT, "'" STR_FMT "' is no object that a record becomes", STR_ARG(str_head(r->id, 80)));
	if (r->text.n > STIX_RECORD_MAX)
		return fail(err, RC_LIMIT, "'" STR_FMT "' has %zu KiB as text: what is longer than %d KiB is not told to other nodes",
			    STR_ARG(str_head(r->item, 80)), r->text.n / 1024, STIX_RECORD_MAX / 1024);
	stix_time(r->created_us / 1000 * 1000, created);
	stix_time(r->changed_us / 1000 * 1000 + (int64_t)(r->version % 1000), modified);
	stix_put_mark(w, tlp);
	w->at = 0;
	struct buf b = BUF_INIT(STIX_OBJECT_MAX);
	struct json_out j = stix_begin(w, &b, o->type, id, created, modified, tlp);
	/* every one of these is asked for: a name for want of a text, the node for want of anything it points to */
	str name = r->name.n ? r->name : r->item, description = r->description;
	if (strcmp(o->description, "content") == 0 && description.n == 0)
		description = name;
	if (!json_get(r->more, o->name))
		json_put_str(&j, o->name, name);
	if (description.n > 0 && !json_get(r->more, o->description))
		json_put_str(&j, o->description, description);
	put_needs(&j, o, r->more, created);
	const str node = str_of(w->identity);
	if (o->pointing)
		put_refs(&j, r->ref_count ? r->refs : &node, r->ref_count ? r->ref_count : 1);
	struct json_object *others = json_get(r->more, "extensions");
	json_put_members(&j, r->more, "extensions");
	stix_put_extension_among(&j, others, "record", r->text, str_of(w->node_text), r->item);
	json_close(&j, '}');
	stix_out(w, &b, id, modified, tlp, STIX_CARRIER);
	buf_free(&b);
	for (size_t i = 0; !o->pointing && i < r->ref_count && w->at < STIX_PARTS_MOST; i++)
		put_relationship(w, r, r->refs[i], created, tlp);
	return stix_end(w, err);
}

/* --- answers --- */

/* How far who answers agrees that it is so (opinion-enum, STIX 2.1 section 10.19). */
static const struct { const char *what, *opinion; } opinions[] = {
	{ "acknowledged", "agree" }, { "acted", "agree" },     { "fixed", "strongly-agree" },
	{ "gone", "agree" },	     { "returned", "agree" },  { "not-ours", "disagree" },
	{ "false", "strongly-disagree" },
};

enum rc stix_write_answer(struct stix_writer *w, const struct stix_answer *t, struct err *err)
{
	const enum tlp tlp = t->tlp < TLP_COUNT ? t->tlp : TLP_RED;
	char id[STIX_ID_MAX], at[STIX_TIME_MAX];
	const char *opinion = "neutral";
	if (t->key.n == 0 || t->what.n == 0 || t->about.n == 0 || t->at_us < 0)
		return fail(err, RC_INPUT, "an answer without key, subject or meaning");
	for (size_t i = 0; i < COUNT_OF(opinions); i++)
		if (str_eq(t->what, str_of(opinions[i].what)))
			opinion = opinions[i].opinion;
	stix_time(t->at_us, at);
	stix_named_id(&w->space, "opinion", t->key, id);
	stix_put_mark(w, tlp);
	w->at = 0;
	struct buf b = BUF_INIT(STIX_OBJECT_MAX), text = BUF_INIT(STIX_OBJECT_MAX);
	struct json_out k = json_out(&text);
	json_open(&k, '{');
	json_put_str(&k, "about", t->about);
	json_put_str(&k, "item", t->item);
	json_put_str(&k, "origin", t->origin);
	json_put_str(&k, "what", t->what);
	json_put_str(&k, "words", t->words);
	json_put_str(&k, "at", str_of(at));
	json_close(&k, '}');
	struct json_out j = stix_begin(w, &b, "opinion", id, at, at, tlp);
	json_put_str(&j, "opinion", str_of(opinion));
	if (t->words.n > 0)
		json_put_str(&j, "explanation", t->words);
	json_key(&j, STR("labels"));
	json_open(&j, '[');
	json_str(&j, t->what);
	json_close(&j, ']');
	put_refs(&j, &t->about, 1);
	stix_put_extension(&j, "answer", buf_str(&text), str_of(w->node_text), t->item);
	json_close(&j, '}');
	w->over = w->over || text.over;
	if (!text.over)
		stix_out(w, &b, id, at, tlp, STIX_CARRIER);
	buf_free(&b);
	buf_free(&text);
	return stix_end(w, err);
}

/* --- withdrawals --- */

/* An observation must observe something: the word "withdrawn". */
static struct buf nothing_observed(char id[STIX_ID_MAX])
{
	struct buf b = BUF_INIT(KIB(4));
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "type", json_object_new_string("artifact"));
	json_object_object_add(o, "spec_version", json_object_new_string("2.1"));
	json_object_object_add(o, "mime_type", json_object_new_string("text/plain"));
	json_object_object_add(o, "payload_bin", json_object_new_string("d2l0aGRyYXdu"));
	if (stix_observable_id(o, id, NULL) == RC_OK)
		json_object_object_add(o, "id", json_object_new_string(id));
	buf_add(&b, str_of(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
	json_free(o);
	return b;
}

struct revoking {
	str item, why;
	enum tlp tlp;
	char at[STIX_TIME_MAX];
};

static void put_description(struct json_out *j, const char *member, str why)
{
	struct buf text = BUF_INIT(KIB(4));
	buf_fmt(&text, "withdrawn%s" STR_FMT, why.n ? ": " : "", STR_ARG(why));
	json_put_str(j, member, buf_str(&text));
	buf_free(&text);
}

static void put_withdrawn(struct stix_writer *w, const struct object_row *o, const char *id, const struct revoking *v, str ref,
			  enum stix_part part)
{
	struct buf b = BUF_INIT(KIB(16));
	struct json_out j = stix_begin(w, &b, o->type, id, v->at, v->at, v->tlp);
	json_put_bool(&j, "revoked", true);
	if (o->name)
		json_put_str(&j, o->name, STR("withdrawn"));
	if (o->description)
		put_description(&j, o->description, v->why);
	put_needs(&j, o, NULL, v->at);
	if (o->pointing)
		put_refs(&j, &ref, 1);
	if (strcmp(o->type, "observed-data") == 0)
		json_put_i64(&j, "number_observed", 1);
	if (strcmp(o->type, "indicator") == 0)
		json_put_str(&j, "pattern", STR("[artifact:payload_bin = 'd2l0aGRyYXdu']"));
	if (strcmp(o->type, "sighting") == 0)
		json_put_str(&j, "sighting_of_ref", ref);
	stix_put_extension(&j, v->why.n ? "why" : NULL, v->why, str_of(w->node_text), v->item);
	json_close(&j, '}');
	stix_out(w, &b, id, v->at, v->tlp, part);
	buf_free(&b);
}

enum rc stix_write_withdrawn(struct stix_writer *w, const struct stix_withdrawn *gone, struct err *err)
{
	static const str event = STR_INIT("event--");
	const str type = str_head(gone->id, str_find(gone->id, STR("--")));
	const struct object_row *o = row_of(type);
	struct revoking v = { .item = gone->item, .why = gone->why, .tlp = TLP_CLEAR };
	char id[STIX_ID_MAX], nothing[STIX_ID_MAX] = "", indicator[STIX_ID_MAX], sighting[STIX_ID_MAX];
	if (!o || !id_ok(gone->id, type, id) || gone->at_us < 0 || gone->why.n > STIX_WHY_MOST)
		return fail(err, RC_INPUT, "'" STR_FMT "' is no object of ours", STR_ARG(str_head(gone->id, 80)));
	if (gone->why.n)
		v.tlp = gone->tlp < TLP_COUNT ? gone->tlp : TLP_RED;
	stix_time(gone->at_us, v.at);
	stix_put_mark(w, v.tlp);
	w->at = 0;
	if (strcmp(o->type, "observed-data") != 0) {
		put_withdrawn(w, o, id, &v, str_of(w->identity), STIX_CARRIER);
		return stix_end(w, err);
	}
	struct buf b = nothing_observed(nothing);
	stix_out(w, &b, nothing, "", TLP_CLEAR, STIX_PART);
	buf_free(&b);
	put_withdrawn(w, o, id, &v, str_of(nothing), STIX_CARRIER);
	if (str_starts(v.item, event)) { /* what was said with it */
		stix_named_id(&w->space, "indicator", str_from(v.item, event.n), indicator);
		stix_named_id(&w->space, "sighting", str_from(v.item, event.n), sighting);
		put_withdrawn(w, row_of(STR("indicator")), indicator, &v, STR_NONE, STIX_PART);
		put_withdrawn(w, row_of(STR("sighting")), sighting, &v, str_of(indicator), STIX_PART);
	}
	return stix_end(w, err);
}
