/* SPDX-License-Identifier: Apache-2.0 */
/* Changing a record: the gate, then rights, then fields, then the engine. */
#include "disclosure/change_private.h"

#include <json-c/json.h>

#include "disclosure/read_records_private.h"
#include "disclosure/seal.h"

/* A change under way. */
struct changing {
	struct tx *tx;
	struct records *r;
	const struct types *types;
	const struct viewer *v;
	const struct change_request *q;
	struct arena *a;
	struct change_errors *errors;
	struct err *err;
	struct record *old, *now;  /* old: NULL for a new one */
	struct labels labels;      /* of what stands; of a new one, as it would be */
	struct labels_of after;    /* asked for, of what stands */
	unsigned cut;              /* enum CUT_*: what may not be sent */
	struct object object;
	const struct type *type;
	struct json_object *fields; /* as sent */
	struct record_change change;
};

static enum rc denied(struct changing *c, struct answer a)
{
	return a.yes ? RC_OK : fail(c->err, RC_DENIED, "%s", a.rule);
}

static enum rc wrong(struct changing *c, const struct type_field *f, const char *words)
{
	struct change_errors *e = c->errors;

	if (e && e->count < COUNT_OF(e->list)) {
		struct body_error *to = &e->list[e->count++];
		*to = (struct body_error){ .field = f };
		snprintf(to->text, sizeof(to->text), "%s", words);
	}
	return fail(c->err, RC_INPUT, "%s", words);
}

/* --- what is changed --- */

static enum rc find_old(struct changing *c)
{
	struct record *old = ARENA_NEW(c->a, struct record);
	struct decision d;

	enum rc rc = record_gate(tx_conn(c->tx), c->types, c->v, c->q->id, c->a, old, &c->labels, &d,
				 c->err);
	if (rc != RC_OK)
		return rc;
	c->old = old;
	c->cut = d.cut;
	c->type = old->type;
	c->object = object_of(old, c->v);
	c->change.id = old->id;
	return RC_OK;
}

/* The organisation a body names, in the field the type says. */
static bool named_organisation(const struct changing *c, struct uuid *out)
{
	const struct type_field *f = c->type->organisation;
	str type;

	return f && record_id_parse(json_get_str(c->fields, f->name), &type, out);
}

/* Of another organisation: what it makes is its own, whatever it says. */
static void give_organisation(struct changing *c)
{
	const struct type_field *f = c->type->organisation;
	struct buf id = BUF_INIT(RECORD_ID_BYTES);

	c->change.organisation = c->v->organisation;
	if (uuid_is_zero(&c->v->organisation) || !f || json_get(c->fields, f->name))
		return;
	record_id_format(&id, str_of(f->refers_to), &c->v->organisation); /* type_check.c: it has one */
	json_object_object_add(c->fields, f->name, json_object_new_string(id.p));
	buf_free(&id);
}

static enum rc begin_new(struct changing *c)
{
	c->type = types_find(c->types, c->q->type);
	if (!c->type)
		return fail(c->err, RC_ABSENT, "there is no type '" STR_FMT "'", STR_ARG(c->q->type));
	struct record made = { .type = c->type, .number = 1, .version = 1, .author = str_of(c->v->actor),
			       .organisation = c->v->organisation };
	struct uuid organisation;

	give_organisation(c);
	if (named_organisation(c, &organisation))
		made.organisation = organisation;
	enum rc rc = labels_parse(c->q->labels, c->a, &made.labels, c->err);
	if (rc != RC_OK)
		return rc;
	c->labels = labels_for(&made, c->v);
	c->labels.names_recipient = true; /* who writes it knows it */
	c->object = object_of(&made, c->v);
	return RC_OK;
}

/* --- rights --- */

static bool sends_fields(const struct changing *c)
{
	return c->fields && json_object_object_length(c->fields) > 0;
}

static enum rc may_move(struct changing *c)
{
	const struct change_request *q = c->q;

	if (!q->to_state.n)
		return RC_OK;
	c->change.to_state = type_state(c->type, q->to_state);
	if (c->change.to_state < 0)
		return fail(c->err, RC_INPUT, "there is no state '" STR_FMT "'", STR_ARG(q->to_state));
	if (c->change.to_state == c->object.state || (!c->old && q->import))
		return RC_OK;
	c->object.to_state = c->change.to_state;
	return denied(c, authz(c->v, ACTION_MOVE, &c->object));
}

/* What moves to another organisation must be his to change there too. */
static enum rc may_give_away(struct changing *c)
{
	struct object after = c->object;
	const struct type_field *f = c->type->organisation;

	if (!c->old || !f || !c->fields || !json_object_object_get_ex(c->fields, f->name, NULL))
		return RC_OK;
	after.organisation = (struct uuid){ 0 };
	if (!named_organisation(c, &after.organisation))
		after.organisation = (struct uuid){ 0 };
	return denied(c, authz(c->v, ACTION_EDIT, &after));
}

static enum rc may_change(struct changing *c)
{
	enum rc rc = RC_OK;

	if (c->q->import)
		rc = denied(c, authz(c->v, ACTION_IMPORT, &c->object));
	if (rc == RC_OK && !c->old)
		rc = denied(c, authz(c->v, ACTION_CREATE, &c->object));
	if (rc == RC_OK && c->old && sends_fields(c))
		rc = denied(c, authz(c->v, ACTION_EDIT, &c->object));
	if (rc == RC_OK)
		rc = may_move(c);
	return rc == RC_OK ? may_give_away(c) : rc;
}

static enum rc may_label(struct changing *c)
{
	if (!c->old || !c->q->labels.p)
		return RC_OK;
	enum rc rc = labels_parse(c->q->labels, c->a, &c->after, c->err);
	const struct labels_of now = c->after;
	if (rc != RC_OK || str_eq(now.json, c->old->labels.json))
		return rc;
	if (now.exercise != c->old->labels.exercise)
		return fail(c->err, RC_DENIED, "a record is of an exercise from its beginning or never");
	if (now.held != c->old->labels.held)
		rc = denied(c, authz(c->v, ACTION_HOLD, &c->object));
	if (rc != RC_OK)
		return rc;
	bool looser = labels_are_looser(&c->old->labels, &now, policy_marks(&c->v->policy));
	rc = denied(c, authz(c->v, looser ? ACTION_LABEL : ACTION_EDIT, &c->object));
	if (rc == RC_DENIED && !looser && authz(c->v, ACTION_LABEL, &c->object).yes)
		rc = RC_OK;
	/* only the hold: asked for already */
	if (rc == RC_DENIED && !looser && now.held != c->old->labels.held)
		rc = RC_OK;
	return rc;
}

/* --- fields --- */

/* Other organisations' people can name only what they can see: the answer would tell that it is
 * there. */
static bool may_refer(struct changing *c, struct json_object *value)
{
	struct record other;
	struct labels l;
	struct decision d;
	struct uuid id;
	str type;

	if (!record_id_parse(json_text(value), &type, &id)) /* is no id: the engine says so */
		return true;
	return uuid_equal(&id, &c->v->organisation) ||
	       record_gate(tx_conn(c->tx), c->types, c->v, json_text(value), c->a, &other, &l, &d,
			   NULL) == RC_OK;
}

static enum rc check_references(struct changing *c, const struct type_field *f,
				struct json_object *value)
{
	bool refers = f->kind == KIND_REFERENCE || f->kind == KIND_PERSON;
	bool seen = true;

	if (!refers || uuid_is_zero(&c->v->organisation))
		return RC_OK;
	if (json_object_is_type(value, json_type_array))
		for (size_t i = 0; seen && i < json_count(value) && i < KIND_LIST_MOST; i++)
			seen = may_refer(c, json_at(value, i));
	else
		seen = may_refer(c, value);
	return seen ? RC_OK : wrong(c, f, "there is no such record to refer to");
}

static enum rc check_fields(struct changing *c)
{
	enum rc rc = RC_OK;

	if (!c->fields)
		return RC_OK;
	json_object_object_foreach(c->fields, key, value) {
		const struct type_field *f = type_find_field(c->type, str_of(key));

		if (!f) /* the engine says so, with all else that is wrong */
			continue;
		/* what is sealed may be put in by who cannot read it again */
		if (f->share != SHARE_SEALED && field_is_hidden(f, &c->labels, c->cut, &c->v->as))
			return fail(c->err, RC_DENIED, "you may not write '%s'", f->name);
		if ((rc = check_references(c, f, value)) != RC_OK)
			return rc;
	}
	return rc;
}

/* Text of forms and CSV into values. */
static enum rc values_from_text(struct changing *c)
{
	struct buf text = BUF_INIT(RECORD_BODY_MAX);
	struct json_out j = json_out(&text);
	enum rc rc = RC_OK, one;

	json_open(&j, '{');
	json_object_object_foreach(c->fields, key, value) {
		const struct type_field *f = type_find_field(c->type, str_of(key));
		struct err err = { 0 };

		json_key(&j, str_of(key));
		if (!f || !json_object_is_type(value, json_type_string)) {
			json_raw(&j, str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)));
			continue;
		}
		one = kind_parse(f, json_text(value), c->q->language, &j, &err);
		if (one != RC_OK) {
			json_null(&j);
			rc = wrong(c, f, err.text);
		}
	}
	json_close(&j, '}');
	if (rc == RC_OK && text.over)
		rc = fail(c->err, RC_LIMIT, "the record is over %zu bytes", RECORD_BODY_MAX);
	if (rc == RC_OK) {
		json_free(c->fields);
		c->fields = NULL;
		rc = json_read(buf_str(&text), &c->fields, c->err);
	}
	buf_free(&text);
	return rc;
}

static enum rc read_fields(struct changing *c)
{
	if (!c->q->fields.n && c->q->id.p && !c->q->secrets_of.n)
		return RC_OK;
	if (c->q->fields.n > RECORD_BODY_MAX)
		return fail(c->err, RC_LIMIT, "the record is over %zu bytes", RECORD_BODY_MAX);
	enum rc rc = json_read(c->q->fields.n ? c->q->fields : STR("{}"), &c->fields, c->err);
	if (rc == RC_OK && !json_object_is_type(c->fields, json_type_object))
		rc = fail(c->err, RC_INPUT, "fields must be a JSON object");
	return rc;
}

/* What only named persons see must name who writes it, or it would be lost to him. */
static bool must_name_author(const struct changing *c)
{
	bool needed = c->labels.tlp == TLP_RED || c->labels.tlp == TLP_COUNT;

	if (c->old)
		return false;
	json_object_object_foreach(c->fields, key, value) {
		const struct type_field *f = type_find_field(c->type, str_of(key));
		needed = needed || (f && value && f->share >= SHARE_NAMED);
	}
	return needed;
}

/* --- the whole --- */

static enum rc prepare(struct changing *c)
{
	enum rc rc = read_fields(c);

	if (rc == RC_OK)
		rc = c->q->id.p ? find_old(c) : begin_new(c);
	if (rc == RC_OK && c->old && c->q->secrets_of.n)
		rc = secrets_taken(tx_conn(c->tx), c->types, c->v, c->q, c->old, c->a, c->fields, c->err);
	if (rc == RC_OK)
		rc = may_change(c);
	if (rc == RC_OK)
		rc = may_label(c);
	if (rc == RC_OK && c->q->as_text && c->fields)
		rc = values_from_text(c);
	return rc == RC_OK ? check_fields(c) : rc;
}

/* --- what is sealed --- */

/* The labels as they will be. */
static enum rc labels_after(struct changing *c, struct labels_of *out)
{
	if (!c->old) /* with the name that was added */
		return labels_parse(c->change.labels, c->a, out, c->err);
	*out = c->change.labels.p ? c->after : c->old->labels;
	return RC_OK;
}

static enum rc seal_one(struct changing *c, const struct type_field *f, struct json_object *value,
			const struct labels_of *l, struct uuid record,
			struct json_object **out)
{
	struct buf plain = BUF_INIT(RECORD_BODY_MAX), sealed = BUF_INIT(2 * RECORD_BODY_MAX);
	struct json_out j = json_out(&plain);
	struct err why = { 0 };

	enum rc rc = kind_check(f, value, c->q->language, &j, &why);
	if (rc != RC_OK)
		rc = wrong(c, f, why.text);
	else
		rc = seal_field(c->tx, record, str_of(f->name), l->named, l->named_count,
				buf_str(&plain), &sealed, c->err);
	if (rc == RC_OK)
		rc = json_read(buf_str(&sealed), out, c->err);
	if (plain.p)
		explicit_bzero(plain.p, plain.n);
	buf_free(&plain);
	buf_free(&sealed);
	return rc;
}

static enum rc seal_fields(struct changing *c, struct uuid *record)
{
	struct labels_of l;
	struct json_object *sealed = NULL;

	enum rc rc = labels_after(c, &l);
	for (size_t i = 0; rc == RC_OK && c->fields && i < c->type->field_count; i++) {
		const struct type_field *f = &c->type->fields[i];
		struct json_object *value = json_get(c->fields, f->name);

		if (f->share != SHARE_SEALED || !value)
			continue;
		if (!c->old && uuid_is_zero(record))
			*record = c->change.new_id = uuid_random();
		rc = seal_one(c, f, value, &l, *record, &sealed);
		if (rc == RC_OK)
			json_object_object_add(c->fields, f->name, sealed);
	}
	return rc;
}

/* Keys go with the names: who is gone opens nothing new, who is new needs one who can open it. */
static enum rc seal_names(struct changing *c)
{
	if (!c->old || !c->old->sealed || !c->change.labels.p)
		return RC_OK;
	return seal_named(c->tx, c->v->seal, c->old->id, c->after.named, c->after.named_count, c->err);
}

static enum rc put(struct changing *c)
{
	struct record_change *to = &c->change;
	size_t count = 0;
	struct change_errors *e = c->errors;

	to->type = c->type;
	to->based_on = c->q->based_on;
	to->labels = c->q->labels;
	to->why = c->q->why;
	to->language = c->q->language;
	to->actor = str_of(c->v->actor);
	struct uuid record = c->change.id;
	enum rc rc = must_name_author(c) ?
		labels_with_name(to->labels, to->actor, c->a, &to->labels, c->err) : RC_OK;
	if (rc == RC_OK)
		rc = seal_names(c);
	if (rc == RC_OK)
		rc = seal_fields(c, &record);
	if (rc != RC_OK)
		return rc;
	if (c->fields)
		to->fields = arena_str(c->a, str_of(json_object_to_json_string_ext(
						     c->fields, JSON_C_TO_STRING_PLAIN)));
	rc = record_put(c->tx, c->r, to, c->a, c->now, e ? e->list : NULL,
			e ? COUNT_OF(e->list) : 0, &count, c->err);
	if (e)
		e->count = count < COUNT_OF(e->list) ? count : COUNT_OF(e->list);
	return rc;
}

/* The version made, or the one that stands, as far as he may see it now. */
static enum rc show(struct changing *c, struct record_view *out)
{
	struct labels l;
	struct decision d;

	if (!c->now->type || !record_passes(c->v, c->now, &l, &d))
		return RC_OK;
	return record_view_make(c->v, c->now, &l, &d, out, c->err);
}

enum rc change_record_tx(struct tx *tx, struct records *r, const struct viewer *v,
			 const struct change_request *q, struct arena *a, struct record_view *out,
			 struct change_errors *errors, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(records_types_snapshot(r));
	struct changing c = { .tx = tx, .r = r, .types = snapshot_table(ref), .v = v, .q = q, .a = a,
			      .errors = errors, .err = err, .now = ARENA_NEW(a, struct record),
			      .change = { .to_state = -1 } };

	*out = (struct record_view){ 0 };
	if (errors)
		errors->count = 0;
	enum rc rc = prepare(&c);
	if (rc == RC_OK)
		rc = put(&c);
	if (rc == RC_OK)
		rc = show(&c, out);
	else if (rc == RC_CONFLICT && show(&c, out) != RC_OK)
		*out = (struct record_view){ 0 };
	json_free(c.fields);
	snapshot_drop(records_types_snapshot(r), ref);
	return rc;
}

struct change_job {
	struct records *r;
	const struct viewer *v;
	const struct change_request *q;
	struct arena *a;
	struct record_view *out;
	struct change_errors *errors;
};

static enum rc run_change(struct tx *tx, void *ctx, struct err *err)
{
	struct change_job *j = ctx;

	return change_record_tx(tx, j->r, j->v, j->q, j->a, j->out, j->errors, err);
}

enum rc change_record(struct records *r, struct store *s, const struct viewer *v,
		      const struct change_request *q, struct arena *a, struct record_view *out,
		      struct change_errors *errors, struct err *err)
{
	struct change_job j = { r, v, q, a, out, errors };
	struct err why = { 0 };

	enum rc rc = store_write(s, run_change, &j, &why);
	if (rc == RC_OK)
		return RC_OK;
	/* absent or forbidden: written down alike, or the time it takes would tell which */
	if (rc == RC_DENIED || rc == RC_ABSENT)
		change_refused(r, s, v, q->id.n ? q->id : q->type, str_of(why.text));
	return fail(err, rc, "%s", why.text);
}
