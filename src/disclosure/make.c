/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/make.h"

#include <json-c/json.h>

#include "disclosure/derive.h"
#include "disclosure/read_records_private.h"

/* One of the two that the new ones come from. */
struct source {
	struct record record;
	struct labels labels;
	struct decision decision;
	str id;
};

struct making {
	struct tx *tx;
	struct records *r;
	const struct viewer *v;
	const struct make_request *q;
	const struct types *types;
	struct arena *a;
	struct err *err;
	struct source origin, parent;
	bool has_parent;
	const struct makes *m;
	const struct type *to;     /* what is made */
	str labels;
	struct made made;
};

/* --- what they come from --- */

static str id_text(struct making *k, const struct record *r)
{
	struct buf b = BUF_INIT(RECORD_ID_BYTES);

	record_id_format(&b, r->type_name, &r->id);
	str id = arena_str(k->a, buf_str(&b));
	buf_free(&b);
	return id;
}

static enum rc load(struct making *k, str id, struct source *out)
{
	enum rc rc = record_gate(tx_conn(k->tx), k->types, k->v, id, k->a, &out->record, &out->labels,
				 &out->decision, k->err);

	if (rc == RC_OK)
		out->id = id_text(k, &out->record);
	return rc;
}

static bool state_allows(const struct makes *m, int state)
{
	return state >= 0 && (m->states >> state & 1);
}

/* Does what its field says, a type's name or nothing, allow a parent of this type? */
static bool is_for_type(const struct makes *m, struct json_object *body, str type_name)
{
	str wanted = m->of_type ? str_trim_all(json_get_str(body, m->of_type->name)) : STR("");

	return wanted.n == 0 || str_eq_nocase(wanted, type_name);
}

static enum rc load_parent(struct making *k)
{
	struct json_object *body = NULL;
	enum rc rc = load(k, k->q->parent, &k->parent);

	if (rc == RC_OK)
		rc = json_read(k->origin.record.body, &body, k->err);
	if (rc == RC_OK && !is_for_type(k->m, body, k->parent.record.type_name))
		rc = fail(k->err, RC_INPUT, "'" STR_FMT "' is not for records of type '" STR_FMT "'",
			  STR_ARG(k->origin.id), STR_ARG(k->parent.record.type_name));
	json_free(body);
	return rc;
}

static enum rc find_sources(struct making *k)
{
	enum rc rc = load(k, k->q->origin, &k->origin);

	if (rc != RC_OK)
		return rc;
	k->m = k->origin.record.type->makes;
	k->to = k->m ? types_find(k->types, str_of(k->m->type)) : NULL;
	if (!k->to)
		return fail(k->err, RC_INPUT, "nothing is made of '" STR_FMT "'", STR_ARG(k->origin.id));
	if (!state_allows(k->m, k->origin.record.state))
		return fail(k->err, RC_INPUT, "nothing is made of '" STR_FMT "' while it is '" STR_FMT "'",
			    STR_ARG(k->origin.id), STR_ARG(k->origin.record.state_name));
	k->has_parent = k->m->parent != NULL;
	if (k->has_parent != (k->q->parent.n > 0))
		return fail(k->err, RC_INPUT, k->has_parent ? "say what they are for" :
							      "what is made of it is for no other record");
	return k->has_parent ? load_parent(k) : RC_OK;
}

/* --- made before? --- */

struct finding_made {
	struct making *k;
	uint64_t first;            /* number of the first that the viewer may see; 0: none */
	size_t count;
	enum rc rc;
};

static bool of_same_origin(struct making *k, const struct record *r)
{
	struct json_object *body = NULL;
	bool same = !k->m->origin || !k->has_parent;

	if (!same && json_read(r->body, &body, NULL) == RC_OK) {
		struct json_object *value = json_get(body, k->m->origin);
		same = str_eq(json_text(value), k->origin.id);
		for (size_t i = 0; !same && i < json_count(value); i++)
			same = str_eq(json_text(json_at(value, i)), k->origin.id);
	}
	json_free(body);
	return same;
}

static bool each_link(void *ctx, const struct record_link *l)
{
	struct finding_made *f = ctx;
	struct making *k = f->k;
	const char *field = k->has_parent ? k->m->parent : k->m->origin;
	struct record *r = ARENA_NEW(k->a, struct record);
	struct labels labels;
	struct decision decision;
	struct uuid id;
	str type = STR("");

	(void)record_id_parse(l->from, &type, &id);
	if (!str_eq(l->kind, str_of(field)) || !str_eq(type, str_of(k->to->name)))
		return true;
	f->rc = record_load(tx_conn(k->tx), k->types, id, k->a, r, k->err);
	if (f->rc != RC_OK || !of_same_origin(k, r)) /* of what is erased no link is left */
		return f->rc == RC_OK;
	f->count++;
	if ((f->first == 0 || r->number < f->first) && record_passes(k->v, r, &labels, &decision))
		f->first = r->number;
	return true;
}

static enum rc refuse_twice(struct making *k)
{
	struct finding_made f = { .k = k, .rc = RC_OK };

	if (!k->has_parent && !k->m->origin)
		return RC_OK;
	enum rc rc = record_links(tx_conn(k->tx), k->has_parent ? k->parent.id : k->origin.id, 0, each_link, &f,
				  k->err);
	if (rc == RC_OK)
		rc = f.rc;
	if (rc != RC_OK || f.count == 0)
		return rc;
	if (f.first == 0)
		return fail(k->err, RC_CONFLICT, "made already");
	str name = arena_fmt(k->a, "%s-%llu", k->to->name, (unsigned long long)f.first);
	return f.count == 1 ? fail(k->err, RC_CONFLICT, "made already: '" STR_FMT "'", STR_ARG(name)) :
			      fail(k->err, RC_CONFLICT, "made already: '" STR_FMT "' and %zu more",
				   STR_ARG(name), f.count - 1);
}

static enum rc make_labels(struct making *k)
{
	const struct labels_of *const both[] = { &k->origin.record.labels, &k->parent.record.labels };

	return derive_labels(both, k->has_parent ? 2 : 1, policy_marks(&k->v->policy), k->a, &k->labels, k->err);
}

/* --- one row --- */

static void put_reference(struct making *k, struct json_out *j, const char *name, str id)
{
	const struct type_field *f = name ? type_find_field(k->to, str_of(name)) : NULL;

	if (!f)
		return;
	json_key(j, str_of(name));
	if (f->list)
		json_open(j, '[');
	json_str(j, id);
	if (f->list)
		json_close(j, ']');
}

static bool counts_business(const struct making *k)
{
	for (size_t i = 0; i < k->to->clock_count; i++) {
		const struct clock_rule *c = &k->to->clocks[i];
		if (c->business && c->start_at && str_eq(str_of(c->start_at), str_of(k->m->due)))
			return true;
	}
	return false;
}

static enum rc put_due(struct making *k, struct json_out *j, struct json_object *row)
{
	int64_t after, due = TIME_NONE;
	str text = k->m->after ? json_get_str(row, k->m->after) : STR_NONE;

	if (text.n == 0)
		return RC_OK;
	if (!iso_duration_parse(text, &after))
		return fail(k->err, RC_INPUT, "'" STR_FMT "' is no duration", STR_ARG(text));
	if (counts_business(k) && k->q->calendar)
		due = calendar_add(k->q->calendar, k->q->now_us, after);
	else if (__builtin_add_overflow(k->q->now_us, after, &due) || due < 0)
		due = TIME_NONE;
	if (due == TIME_NONE)
		return fail(k->err, RC_INPUT, "'" STR_FMT "' leads to no day of the calendar", STR_ARG(text));
	json_put_time(j, k->m->due, due - due % SECOND_US);
	return RC_OK;
}

static enum rc put_row(struct making *k, struct json_object *row, size_t number, struct buf *out)
{
	struct json_out j = json_out(out);
	const struct makes *m = k->m;

	json_open(&j, '{');
	put_reference(k, &j, m->origin, k->origin.id);
	put_reference(k, &j, m->parent, k->parent.id);
	if (m->number)
		json_put_i64(&j, m->number, (int64_t)number);
	enum rc rc = put_due(k, &j, row);
	for (size_t i = 0; i < m->copy_count; i++) {
		struct json_object *value = json_get(row, m->copy[i].column);
		if (!value)
			continue;
		json_key(&j, str_of(m->copy[i].field));
		json_raw(&j, str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)));
	}
	json_close(&j, '}');
	return rc == RC_OK && out->over ? fail(k->err, RC_LIMIT, "row %zu is too large", number) : rc;
}

static enum rc make_row(struct making *k, struct json_object *row, size_t number)
{
	struct buf fields = BUF_INIT(RECORD_BODY_MAX);
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	struct err why = { 0 };

	enum rc rc = put_row(k, row, number, &fields);
	if (rc == RC_OK) {
		const struct change_request q = { .type = str_of(k->to->name), .fields = buf_str(&fields),
						  .labels = k->labels, .language = k->q->language };
		rc = change_record_tx(k->tx, k->r, k->v, &q, k->a, &view, &errors, &why);
		/* whoever may make it sees it: it has no stricter labels than what he sees */
		if (rc == RC_OK && view.record)
			k->made.ids[k->made.count++] = record_view_id(&view, k->a);
		else if (rc == RC_OK)
			rc = fail(k->err, RC_DENIED, "you could not see what you make");
		else if (rc == RC_INPUT || rc == RC_LIMIT)
			rc = fail(k->err, rc, "row %zu: %s", number,
				  errors.count ? errors.list[0].text : why.text);
		else
			rc = fail(k->err, rc, "%s", why.text);
	}
	record_view_end(&view);
	buf_free(&fields);
	return rc;
}

static enum rc make_rows(struct making *k)
{
	struct record_view view = { 0 };
	enum rc rc = record_view_make(k->v, &k->origin.record, &k->origin.labels, &k->origin.decision, &view,
				      k->err);

	if (rc == RC_OK && field_is_cut(&view, k->m->from))
		rc = fail(k->err, RC_DENIED, "you may not see '%s' of it", k->m->from->name);
	struct json_object *rows = rc == RC_OK ? json_get(view.body, k->m->from->name) : NULL;
	size_t count = json_count(rows);
	if (rc == RC_OK && count == 0)
		rc = fail(k->err, RC_INPUT, "'" STR_FMT "' has no %s", STR_ARG(k->origin.id), k->m->from->name);
	k->made.ids = ARENA_ARRAY(k->a, count + 1, str);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = make_row(k, json_at(rows, i), i + 1);
	record_view_end(&view);
	return rc;
}

/* --- the whole --- */

static enum rc make_all(struct tx *tx, void *ctx, struct err *err)
{
	struct making *k = ctx;
	struct snapshot_ref *ref = snapshot_hold(records_types_snapshot(k->r));

	k->tx = tx;
	k->err = err;
	k->types = snapshot_table(ref);
	k->made.count = 0;
	enum rc rc = find_sources(k);
	if (rc == RC_OK)
		rc = refuse_twice(k);
	if (rc == RC_OK)
		rc = make_labels(k);
	if (rc == RC_OK)
		rc = make_rows(k);
	snapshot_drop(records_types_snapshot(k->r), ref);
	return rc;
}

enum rc change_make(struct records *r, struct store *s, const struct viewer *v,
		    const struct make_request *q, struct arena *a, struct made *out, struct err *err)
{
	struct making k = { .r = r, .v = v, .q = q, .a = a };
	struct err why = { 0 };

	enum rc rc = store_write(s, make_all, &k, &why);
	*out = rc == RC_OK ? k.made : (struct made){ 0 };
	if (rc == RC_OK)
		return RC_OK;
	if (rc == RC_DENIED || rc == RC_ABSENT)
		change_refused(r, s, v, q->origin, str_of(why.text));
	return fail(err, rc, "%s", why.text);
}

bool make_possible(const struct types *t, const struct record_view *origin)
{
	const struct makes *m = record_view_type(origin)->makes;
	const struct type *to = m ? types_find(t, str_of(m->type)) : NULL;

	return to && state_allows(m, record_view_state(origin)) && !field_is_cut(origin, m->from) &&
	       json_count(json_get(origin->body, m->from->name)) > 0 &&
	       authz_ever(origin->viewer, ACTION_CREATE, to);
}

/* --- what could be made for a record --- */

enum { OFFERS_READ = 1000 };

struct offering {
	const struct types *t;
	const struct record_view *parent;
	record_view_each each;
	void *ctx;
	size_t left;
	bool go_on;
};

static bool offer(void *ctx, const struct record_view *origin)
{
	struct offering *o = ctx;
	const struct makes *m = record_view_type(origin)->makes;

	if (!make_possible(o->t, origin) || (m->of_type && field_is_cut(origin, m->of_type)) ||
	    !is_for_type(m, origin->body, str_of(record_view_type(o->parent)->name)))
		return true;
	o->go_on = o->each(o->ctx, origin) && --o->left > 0;
	return o->go_on;
}

/* May a field of the made type that says what it is for name such a record? */
static bool may_be_parent(const struct types *t, const struct makes *m, const struct type *parent)
{
	const struct type *to = m && m->parent ? types_find(t, str_of(m->type)) : NULL;
	const struct type_field *f = to ? type_find_field(to, str_of(m->parent)) : NULL;

	return f && f->kind == KIND_REFERENCE && (!f->refers_to || !strcmp(f->refers_to, parent->name));
}

enum rc make_offers(struct reader *r, const struct types *t, const struct record_view *parent,
		    size_t limit, struct arena *a, record_view_each each, void *ctx, struct err *err)
{
	struct offering o = { t, parent, each, ctx, limit, limit > 0 };
	const struct type *parent_type = record_view_type(parent);
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && o.go_on && i < types_count(t); i++) {
		const struct type *from = types_at(t, i);
		struct record_query q = { .type = from };

		if (from == parent_type || !may_be_parent(t, from->makes, parent_type))
			continue;
		q.states = from->makes->states;
		rc = read_records(r, t, parent->viewer, &q, OFFERS_READ, a, offer, &o, err);
		if (rc == RC_DENIED) /* he reads none of that type */
			rc = RC_OK;
	}
	return rc;
}
