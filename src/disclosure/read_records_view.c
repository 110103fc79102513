/* SPDX-License-Identifier: Apache-2.0 */
/* What of a record is shown. */
#include "disclosure/read_records_private.h"

#include <assert.h>
#include <json-c/json.h>

#include "disclosure/seal.h"

static void bit_set(uint64_t *bits, const struct type_field *f)
{
	bits[f->at / 64] |= UINT64_C(1) << f->at % 64;
}

static bool bit_get(const uint64_t *bits, const struct type_field *f)
{
	return bits[f->at / 64] >> f->at % 64 & 1;
}

static bool is_ours(const struct viewer *v)
{
	return v->as.kind == RECIPIENT_STAFF;
}

bool field_is_cut(const struct record_view *v, const struct type_field *f)
{
	return bit_get(v->cut, f);
}

bool field_is_hidden(const struct type_field *f, const struct labels *l, unsigned cut,
		     const struct recipient *to)
{
	if (!share_reaches(f->share, l, to))
		return true;
	return (f->personal && (cut & CUT_PERSONAL)) || (f->members && to->members_hidden) ||
	       (f->share == SHARE_SEALED && (cut & CUT_SEALED));
}

static void hide(struct record_view *v, const struct labels *l, const struct decision *d)
{
	const struct type *t = v->record->type;

	for (size_t i = 0; i < t->field_count; i++) {
		const struct type_field *f = &t->fields[i];

		if (f->kind != KIND_SECRET && !field_is_hidden(f, l, d->cut, &v->viewer->as))
			continue;
		bit_set(v->cut, f);
		if (json_get(v->body, f->name)) {
			bit_set(v->hidden, f);
			json_object_object_del(v->body, f->name);
		}
	}
}

/* Members a newer partner wrote: nobody here knows who may see them. */
static void hide_unknown(struct record_view *v, const struct decision *d)
{
	struct json_object *kept;

	if (is_ours(v->viewer) && !(d->cut & CUT_PERSONAL))
		return;
	kept = json_object_new_object();
	json_object_object_foreach(v->body, key, value)
		if (type_find_field(v->record->type, str_of(key)))
			json_object_object_add(kept, key, json_object_get(value));
	json_free(v->body);
	v->body = kept;
}

enum rc record_view_make(const struct viewer *v, const struct record *r, const struct labels *l,
			 const struct decision *d, struct record_view *out, struct err *err)
{
	*out = (struct record_view){ .record = r, .viewer = v };
	enum rc rc = r->body.n ? json_read(r->body, &out->body, err) : RC_OK;

	if (rc != RC_OK)
		return rc;
	if (!out->body)
		out->body = json_object_new_object();
	hide(out, l, d);
	hide_unknown(out, d);
	return RC_OK;
}

/* --- what is sealed, opened for who gave his passphrase --- */

static void bit_clear(uint64_t *bits, const struct type_field *f)
{
	bits[f->at / 64] &= ~(UINT64_C(1) << f->at % 64);
}

static bool may_open(const struct viewer *v, const struct record *r)
{
	struct object o = object_of(r, v);
	struct recipient holder = v->as;
	struct labels l = labels_for(r, v);

	holder.opened = true;
	return v->seal && authz(v, ACTION_OPEN_SEALED, &o).yes &&
	       !(may_disclose(&l, &holder, v->channel, PURPOSE_HANDLING, &v->policy).cut & CUT_SEALED);
}

/* One that cannot be opened (the person is not named, the value damaged) stays cut. */
static void open_one(struct conn *c, struct record_view *view, struct json_object *kept,
		     const struct type_field *f)
{
	struct buf text = BUF_INIT(RECORD_BODY_MAX);
	struct json_object *sealed = json_get(kept, f->name), *value = NULL;
	bool personal = f->personal && !view->viewer->as.personal_basis;

	if (sealed && seal_is_sealed(sealed) && !personal &&
	    open_field(c, view->viewer->seal, view->record->id, str_of(f->name),
		       str_of(json_object_to_json_string_ext(sealed, JSON_C_TO_STRING_PLAIN)), &text,
		       NULL) == RC_OK &&
	    json_read(buf_str(&text), &value, NULL) == RC_OK && value) {
		json_object_object_add(view->body, f->name, value);
		bit_clear(view->cut, f);
		bit_clear(view->hidden, f);
	}
	if (text.p)
		explicit_bzero(text.p, text.n);
	buf_free(&text);
}

void record_view_open(struct conn *c, struct record_view *view)
{
	const struct type *t = view->record->type;
	struct json_object *kept = NULL;

	if (!view->record->sealed || !may_open(view->viewer, view->record))
		return;
	enum rc rc = json_read(view->record->body, &kept, NULL);
	assert(rc == RC_OK); /* it was read when the view was made */
	(void)rc;
	for (size_t i = 0; i < t->field_count; i++)
		if (t->fields[i].share == SHARE_SEALED)
			open_one(c, view, kept, &t->fields[i]);
	json_free(kept);
}

void record_view_end(struct record_view *v)
{
	json_free(v->body);
	*v = (struct record_view){ 0 };
}

/* --- as text --- */

void record_view_text(const struct record_view *v, const struct type_field *f, struct buf *out)
{
	struct json_object *value = json_get(v->body, f->name);

	if (value)
		kind_format(f, value, out);
}

const struct type *record_view_type(const struct record_view *v)
{
	return v->record->type;
}

str record_view_id(const struct record_view *v, struct arena *a)
{
	struct buf text = BUF_INIT(RECORD_ID_BYTES);

	record_id_format(&text, v->record->type_name, &v->record->id);
	str id = arena_str(a, buf_str(&text));
	buf_free(&text);
	return id;
}

uint64_t record_view_version(const struct record_view *v)
{
	return v->record->version;
}

uint64_t record_view_number(const struct record_view *v)
{
	return v->record->number;
}

str record_view_why(const struct record_view *v)
{
	return is_ours(v->viewer) ? v->record->why : STR("");
}

str record_view_author(const struct record_view *v)
{
	return is_ours(v->viewer) ? v->record->author : STR("");
}

int64_t record_view_changed(const struct record_view *v)
{
	return v->record->changed_us;
}

const struct labels_of *record_view_labels(const struct record_view *v)
{
	return &v->record->labels;
}

int record_view_state(const struct record_view *v)
{
	return v->record->state;
}

bool record_view_cuts(const struct record_view *v, const struct type_field *f)
{
	return field_is_cut(v, f);
}

bool record_view_in_emergency(const struct record_view *v, const struct viewer *asked)
{
	return v->viewer != asked; /* a wider one reads in his place */
}

bool record_view_may(const struct record_view *v, enum action action, int to_state)
{
	struct object o = object_of(v->record, v->viewer);

	o.to_state = to_state;
	return authz(v->viewer, action, &o).yes;
}

/* The title is a field's text: cut with it. */
static str title_of(const struct record_view *v)
{
	return field_is_cut(v, v->record->type->title) ? STR("") : v->record->title;
}

/* --- as JSON --- */

static void put_id(struct json_out *j, const char *key, str type, const struct uuid *id)
{
	struct buf text = BUF_INIT(RECORD_ID_BYTES);

	record_id_format(&text, type, id);
	json_put_str(j, key, buf_str(&text));
	buf_free(&text);
}

static const char *const pap_names[] = { "CLEAR", "GREEN", "AMBER", "RED" };

/* Others are not told whom it names, nor who else has it. */
static void put_labels(const struct record_view *v, struct json_out *j)
{
	const struct labels_of *l = &v->record->labels;

	json_key(j, STR("labels"));
	if (is_ours(v->viewer)) {
		json_raw(j, l->json.n ? l->json : STR("{}"));
		return;
	}
	json_open(j, '{');
	json_put_str(j, "tlp", str_of(l->tlp == TLP_COUNT ? "RED" : tlp_name(l->tlp)));
	json_put_str(j, "pap", str_of(pap_names[(unsigned)l->pap < PAP_COUNT ? l->pap : PAP_RED]));
	if (l->classification.n)
		json_put_str(j, "classification", l->classification);
	if (l->licence.n)
		json_put_str(j, "licence", l->licence);
	if (l->exercise)
		json_put_bool(j, "exercise", true);
	json_close(j, '}');
}

static void put_hidden(const struct record_view *v, struct json_out *j)
{
	const struct type *t = v->record->type;

	json_key(j, STR("cut"));
	json_open(j, '[');
	for (size_t i = 0; i < t->field_count; i++)
		if (bit_get(v->hidden, &t->fields[i]) && is_ours(v->viewer))
			json_str(j, str_of(t->fields[i].name));
	json_close(j, ']');
}

static void put_body(const struct record_view *v, struct json_out *j)
{
	json_key(j, STR("body"));
	json_raw(j, str_of(json_object_to_json_string_ext(v->body, JSON_C_TO_STRING_PLAIN |
							   JSON_C_TO_STRING_NOSLASHESCAPE)));
}

void record_view_json(const struct record_view *v, struct json_out *j)
{
	const struct record *r = v->record;

	json_open(j, '{');
	put_id(j, "id", r->type_name, &r->id);
	json_put_str(j, "type", r->type_name);
	json_put_i64(j, "number", (int64_t)r->number);
	json_put_i64(j, "version", (int64_t)r->version);
	json_put_str(j, "state", r->state_name);
	if (!uuid_is_zero(&r->organisation))
		put_id(j, "organisation", STR("organisation"), &r->organisation);
	if (is_ours(v->viewer))
		json_put_str(j, "author", r->author);
	json_put_time(j, "created", r->created_us);
	json_put_time(j, "changed", r->changed_us);
	put_labels(v, j);
	if (r->due_us != TIME_NONE)
		json_put_time(j, "due", r->due_us);
	json_put_str(j, "title", title_of(v));
	if (is_ours(v->viewer))
		json_put_str(j, "why", r->why);
	if (r->erased)
		json_put_bool(j, "erased", true);
	put_body(v, j);
	put_hidden(v, j);
	json_close(j, '}');
}
