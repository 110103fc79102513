/* SPDX-License-Identifier: Apache-2.0 */
/* A record of a partner's becomes a copy here, under its origin and version (record.h). What it says of our own
 * accounts, holds and drills is not believed, and its marking only becomes stricter than what we hold. */
#include "exchange/take_private.h"

#include <json-c/json.h>

#include "record/record.h"

struct copying {
	struct taking *t;
	const struct stix_object *o;
	struct json_object *root;
	struct arena *a;
	str type_name;
	struct uuid id;
	struct record held;        /* what stands here */
	bool is_held;
	struct record_change c;
};

static struct uuid uuid_of(str text)
{
	struct uuid id = { { 0 } };
	str type;
	if (!uuid_parse(text, &id) && !record_id_parse(text, &type, &id))
		return (struct uuid){ { 0 } };
	return id;
}

static str object_text(struct copying *k, const char *name)
{
	struct json_object *o = json_get(k->root, name);
	if (!o || !json_object_is_type(o, json_type_object))
		return STR_NONE;
	return arena_str(k->a, str_of(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
									    JSON_C_TO_STRING_NOSLASHESCAPE)));
}

/* --- labels --- */

static bool is_kept(const char *name)
{
	static const char *const not_kept[] = { "tlp", "named", "held", "exercise" };
	for (size_t i = 0; i < COUNT_OF(not_kept); i++)
		if (strcmp(name, not_kept[i]) == 0)
			return false;
	return true;
}

/* `otherwise`: of what is not marked */
static enum tlp tlp_of_labels(struct json_object *labels, enum tlp otherwise)
{
	enum tlp tlp = otherwise;
	struct json_object *said = json_get(labels, "tlp");
	if (said && (!json_text(said).p || !tlp_parse(json_text(said), &tlp)))
		return TLP_RED;
	return tlp;
}

static enum tlp strictest(enum tlp a, enum tlp b)
{
	a = a < TLP_COUNT ? a : TLP_RED;
	b = b < TLP_COUNT ? b : TLP_RED;
	return a > b ? a : b;
}

/* n 0: too long. */
static str labels_text(struct copying *k)
{
	struct json_object *labels = json_get(k->root, "labels");
	struct buf text = BUF_INIT(KIB(64));
	struct json_out j = json_out(&text);
	enum tlp tlp = tlp_of_labels(labels, strictest(TLP_AMBER, k->t->from->tlp));
	bool exercise = k->t->from->exercise;
	(void)json_get_bool(labels, "exercise", &exercise);
	exercise |= k->t->from->exercise;
	if (k->o->marked)
		tlp = strictest(tlp, k->o->tlp);
	if (k->is_held)
		tlp = strictest(tlp, k->held.labels.tlp);
	json_open(&j, '{');
	if (labels && json_object_is_type(labels, json_type_object)) {
		json_object_object_foreach(labels, name, value)
		{
			if (!is_kept(name))
				continue;
			json_key(&j, str_of(name));
			json_raw(&j, str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)));
		}
	}
	json_put_str(&j, "tlp", str_of(tlp_name(tlp)));
	if (k->is_held ? k->held.labels.exercise : exercise)
		json_put_bool(&j, "exercise", true);
	json_close(&j, '}');
	str out = text.over ? STR("") : arena_str(k->a, buf_str(&text));
	buf_free(&text);
	return out;
}

/* --- is it his, and may it be? --- */

static enum rc read_text(struct copying *k, struct err *err)
{
	str type;
	enum rc rc = json_read(k->o->text, &k->root, err);
	if (rc != RC_OK)
		return rc;
	str id = json_get_str(k->root, "id");
	if (!record_id_parse(id, &type, &k->id) || !str_eq(id, k->o->item))
		return fail(err, RC_INPUT, "the record inside is not '" STR_FMT "'", STR_ARG(str_head(k->o->item, 80)));
	k->type_name = arena_str(k->a, type);
	str said = json_get_str(k->root, "type"), origin = json_get_str(k->root, "origin");
	if (!str_eq(said, k->type_name))
		return fail(err, RC_INPUT, "the record inside is of another type than its id says");
	if (!str_eq_nocase(origin, k->t->node))
		return fail(err, RC_DENIED, "it belongs to another node than yours");
	return RC_OK;
}

static enum rc check_type(struct copying *k, struct err *err)
{
	const struct type *t = types_find(k->t->types, k->type_name);
	if (t && !t->exchange)
		return fail(err, RC_DENIED, "records of the type '%s' are not exchanged", t->name);
	k->c.type = t;
	return RC_OK;
}

static enum rc check_held(struct tx *tx, struct copying *k, struct err *err)
{
	struct err none = { 0 };
	enum rc rc = record_load(tx_conn(tx), k->t->types, k->id, k->a, &k->held, &none);
	k->is_held = rc == RC_OK;
	if (rc == RC_ABSENT)
		return RC_OK;
	if (rc != RC_OK)
		return fail(err, rc, "%s", none.text);
	if (str_eq_nocase(k->held.origin, k->t->us))
		return fail(err, RC_DENIED, "it is ours: nobody else changes it");
	if (!str_eq_nocase(k->held.origin, k->t->node))
		return fail(err, RC_DENIED, "it belongs to another node than yours");
	return RC_OK;
}

static enum rc fill(struct copying *k, struct err *err)
{
	int64_t version = 0, type_version = 0;
	str state = json_get_str(k->root, "state"), body = object_text(k, "body");
	if (!json_get_i64(k->root, "version", &version) || version < 1 || !body.p || state.n == 0)
		return fail(err, RC_INPUT, "the record inside lacks its version, state or body");
	(void)json_get_i64(k->root, "type_version", &type_version);
	const struct type *t = k->c.type;
	k->c.id = k->id;
	k->c.fields = body;
	k->c.state_name = arena_str(k->a, state);
	k->c.to_state = t ? type_state(t, k->c.state_name) : -1;
	k->c.labels = labels_text(k);
	if (k->c.labels.n == 0) /* kept without them it would lose what we say of it: held, an exercise */
		return fail(err, RC_INPUT, "its labels are longer than anybody reads");
	k->c.why = STR_NONE;
	k->c.language = STR_NONE;
	k->c.actor = k->t->actor;
	k->c.organisation = uuid_of(json_get_str(k->root, "organisation"));
	k->c.origin = k->t->node;
	k->c.version = (uint64_t)version;
	k->c.type_version = type_version > 0 && type_version <= UINT32_MAX ? (uint32_t)type_version : 1;
	k->c.type_name = k->type_name;
	k->c.act = STR_NONE;
	return RC_OK;
}

/* What its origin withdrew, and nobody else erased, it may give again in a later version. *late: the withdrawal came before
 * what it withdraws. */
static enum rc check_withdrawn(struct tx *tx, struct copying *k, bool *late, struct err *err)
{
	int64_t at_us = TIME_NONE;
	*late = false;
	if (k->is_held && !k->held.erased)
		return RC_OK;
	enum rc rc = take_when_withdrawn(tx_conn(tx), &k->t->from->node, k->o->item, &at_us, err);
	if (rc != RC_OK || at_us == TIME_NONE)
		return rc;
	*late = !k->is_held && (k->o->version_us == TIME_NONE || k->o->version_us <= at_us);
	if (*late)
		return RC_OK;
	k->c.again = k->is_held && record_is_withdrawn(&k->held);
	return RC_OK;
}

/* The body given, as it would be kept. */
static enum rc as_kept(const struct copying *k, struct json_object **out)
{
	struct json_object *given = NULL;
	struct buf text = BUF_INIT(RECORD_BODY_MAX);
	struct err none;
	size_t bad = 0;
	enum rc rc = json_read(k->c.fields, &given, &none);
	bool known = rc == RC_OK && k->c.type && k->c.to_state >= 0 &&
		     body_check(k->c.type, BODY_ANY_STATE, given, true, STR_NONE, &text, NULL, 0, &bad, &none) == RC_OK;
	if (known && !text.over) {
		json_free(given);
		given = NULL;
		rc = json_read(buf_str(&text), &given, &none);
	}
	buf_free(&text);
	*out = given;
	return rc;
}

/* Two bodies of one version: what both have is the same. One may have less: a partner is told what he may see then. */
static bool is_fork(const struct copying *k)
{
	struct json_object *held = NULL, *given = NULL;
	bool differs = !str_eq(k->held.state_name, k->c.state_name);
	if (!differs && json_read(k->held.body, &held, NULL) == RC_OK && as_kept(k, &given) == RC_OK) {
		json_object_object_foreach(given, name, value)
		{
			struct json_object *other = json_get(held, name);
			differs = differs || (other && !json_object_equal(other, value));
		}
	}
	json_free(held);
	json_free(given);
	return differs;
}

/* A version that stands, or one before it, is no news, and no fault: it is counted. */
static enum rc put(struct tx *tx, struct copying *k, size_t i, const struct take_about *asked, struct err *err)
{
	struct record now;
	struct take_about about = *asked;
	if (k->is_held && !k->held.erased && k->held.version == k->c.version && is_fork(k))
		return fail(err, RC_DENIED, "version %llu of it stands here with another content: say what changed in a "
					    "new version", (unsigned long long)k->c.version);
	if (k->is_held && k->held.version >= k->c.version) {
		k->t->old[i] = true;
		return RC_OK;
	}
	bool late = false;
	enum rc rc = take_about_now(tx, k->t, &about, err);
	if (rc == RC_OK && about.says && !about.known)
		return fail(err, RC_DENIED, "it is about nothing that you were told or that came from you");
	if (rc == RC_OK)
		rc = check_withdrawn(tx, k, &late, err);
	if (rc != RC_OK || late) {
		k->t->old[i] = late;
		return rc;
	}
	rc = record_put(tx, k->t->x->w.records, &k->c, k->a, &now, NULL, 0, NULL, err);
	return rc == RC_OK && about.known ? take_contribution(tx, k->t, i, &about, &now, k->a, err) : rc;
}

enum rc take_record(struct tx *tx, struct taking *t, size_t i, const struct take_about *about, struct arena *a,
		    struct err *err)
{
	struct copying k = { .t = t, .o = &t->list[i], .a = a };
	enum rc rc = read_text(&k, err);
	if (rc == RC_OK)
		rc = check_type(&k, err);
	if (rc == RC_OK)
		rc = check_held(tx, &k, err);
	if (rc == RC_OK)
		rc = fill(&k, err);
	if (rc == RC_OK)
		rc = put(tx, &k, i, about, err);
	json_free(k.root);
	return rc;
}
