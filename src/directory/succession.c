/* SPDX-License-Identifier: Apache-2.0 */
#include "directory/succession.h"

#include <json-c/json.h>

#include "base/clock.h"
#include "route/directory_records.h"

/* One of the two. */
struct side {
	struct record_view view;
	const struct type *type;
	str id;
	struct json_object *rows; /* of its constituency, as they will be */
};

struct succeeding {
	struct records *r;
	const struct types *types;
	const struct viewer *v;
	const struct succession *q;
	struct arena *a;
	struct side old, new;
	char day[16], day_before[16];
	bool due;                 /* the day has come */
	size_t moved;
	struct err *err;
};

static const struct type_field *field_of(const struct type *t, const char *word)
{
	const struct meaning *m = type_meaning(t, str_of(word));
	return m ? m->field : NULL;
}

/* --- rows --- */

static void set_text(struct json_object *o, const char *key, str value)
{
	json_object_object_del(o, key);
	if (value.n)
		json_object_object_add(o, key, json_object_new_string_len(value.p, (int)value.n));
}

static struct json_object *copy_of(struct json_object *o)
{
	struct json_object *copy = json_object_new_object();
	json_object_object_foreach(o, key, value)
		json_object_object_add(copy, key, json_object_get(value));
	return copy;
}

static str day_of(struct json_object *o, const char *day, const char *second)
{
	str exact = json_get_str(o, second);
	return exact.n ? str_head(exact, 10) : json_get_str(o, day);
}

/* What the row means at the old one, said so that it means the same at the new one. */
static void say_role(struct succeeding *s, struct json_object *row)
{
	const struct type_field *kind = field_of(s->old.type, "organisation.kind");
	bool shared = false;
	(void)json_get_bool(row, "shared_address", &shared);
	if (!json_get_str(row, "role").n)
		set_text(row, "role", str_of(directory_claim_role(json_get_str(s->old.view.body, kind->name),
								  json_get_str(row, "kind"), shared)));
}

/* Gone before the day: stays. Begun before: ends, and goes on there. Still to begin: goes over. */
static void hand_over(struct succeeding *s, struct json_object *row)
{
	str until = day_of(row, "until", "ends"), from = day_of(row, "from", "starts");
	str day = str_of(s->day);
	if (until.n && str_cmp(until, day) < 0) {
		json_object_array_add(s->old.rows, json_object_get(row));
		return;
	}
	struct json_object *there = copy_of(row);
	say_role(s, there);
	set_text(there, "source", s->old.id);
	if (!from.n || str_cmp(from, day) < 0) {
		struct json_object *here = copy_of(row);
		set_text(here, "ends", STR_NONE);
		set_text(here, "until", str_of(s->day_before));
		json_object_array_add(s->old.rows, here);
		set_text(there, "starts", STR_NONE);
		set_text(there, "from", day);
	}
	json_object_array_add(s->new.rows, there);
	s->moved++;
}

static bool same_claim(struct succeeding *s, struct json_object *mine, struct json_object *row)
{
	struct json_object *said = copy_of(mine);
	say_role(s, said);
	bool same = str_eq(json_get_str(said, "kind"), json_get_str(row, "kind")) &&
		    str_eq(json_get_str(said, "value"), json_get_str(row, "value")) &&
		    str_eq(json_get_str(said, "role"), json_get_str(row, "role"));
	json_object_put(said);
	return same;
}

/* "2026-11-30" before "2026-12-01"; false: no date. */
static bool day_before(str day, char out[16])
{
	int64_t us;
	if (day.n != 10 || !time_parse(day, true, &us) || us < DAY_US)
		return false;
	(void)time_day_str(out, us - DAY_US);
	return true;
}

/* The row that was closed for it, opened again; else the row itself. */
static void take_home(struct succeeding *s, struct json_object *row)
{
	char before[16] = "";
	(void)day_before(json_get_str(row, "from"), before);
	s->moved++;
	for (size_t i = 0; before[0] && i < json_count(s->old.rows); i++) {
		struct json_object *mine = json_at(s->old.rows, i);
		if (!str_eq(json_get_str(mine, "until"), str_of(before)) || !same_claim(s, mine, row))
			continue;
		struct json_object *open = copy_of(mine);
		set_text(open, "until", json_get_str(row, "until"));
		set_text(open, "ends", json_get_str(row, "ends"));
		json_object_array_put_idx(s->old.rows, i, open);
		return;
	}
	struct json_object *mine = copy_of(row);
	set_text(mine, "source", STR_NONE);
	json_object_array_add(s->old.rows, mine);
}

static void move_rows(struct succeeding *s)
{
	struct json_object *old = json_get(s->old.view.body,
					   field_of(s->old.type, "organisation.claims")->name);
	struct json_object *new = json_get(s->new.view.body,
					   field_of(s->new.type, "organisation.claims")->name);
	for (size_t i = 0; s->q->back && i < json_count(old); i++)
		json_object_array_add(s->old.rows, json_object_get(json_at(old, i)));
	for (size_t i = 0; i < json_count(new); i++) {
		struct json_object *row = json_at(new, i);
		if (s->q->back && str_eq(json_get_str(row, "source"), s->old.id))
			take_home(s, row);
		else
			json_object_array_add(s->new.rows, json_object_get(row));
	}
	for (size_t i = 0; !s->q->back && i < json_count(old); i++)
		hand_over(s, json_at(old, i));
}

/* --- both records --- */

static str rows_text(struct arena *a, struct json_object *rows)
{
	return arena_str(a, str_of(json_object_to_json_string_ext(rows, JSON_C_TO_STRING_PLAIN)));
}

static enum rc change_side(struct succeeding *s, struct tx *tx, struct side *side, str to_state,
			   const char *successor)
{
	struct buf fields = BUF_INIT(MIB(1));
	struct json_out j = json_out(&fields);
	struct record_view made;
	struct change_errors errors = { .count = 0 };
	const struct type_field *f = field_of(side->type, "organisation.successor");
	json_open(&j, '{');
	json_key(&j, str_of(field_of(side->type, "organisation.claims")->name));
	json_raw(&j, rows_text(s->a, side->rows));
	if (successor && f) {
		json_key(&j, str_of(f->name));
		if (*successor)
			json_str(&j, str_of(successor));
		else
			json_null(&j);
	}
	json_close(&j, '}');
	struct change_request q = { .id = side->id, .based_on = record_view_version(&side->view),
				    .fields = arena_str(s->a, buf_str(&fields)), .to_state = to_state,
				    .why = s->q->why, .language = s->q->language };
	bool over = fields.over;
	buf_free(&fields);
	if (over)
		return fail(s->err, RC_LIMIT, "the record would be over a mebibyte");
	enum rc rc = change_record_tx(tx, s->r, s->v, &q, s->a, &made, &errors, s->err);
	record_view_end(&made);
	return rc;
}

/* Whose rows end goes first: no claim is two organisations' on the way. */
static enum rc job(struct tx *tx, void *ctx, struct err *err)
{
	struct succeeding *s = ctx;
	const struct type *t = s->old.type;
	const struct meaning *former = type_meaning(t, STR("organisation.former"));
	str state = STR_NONE;
	s->err = err;
	if (former && !former->field && !s->q->back && s->due)
		state = str_of(t->states[former->state].name);
	if (former && !former->field && s->q->back && record_view_state(&s->old.view) == (int)former->state)
		state = str_of(t->states[0].name);
	enum rc rc = s->q->back ? change_side(s, tx, &s->new, STR_NONE, NULL) :
				  change_side(s, tx, &s->old, state, arena_z(s->a, s->new.id));
	if (rc == RC_OK)
		rc = s->q->back ? change_side(s, tx, &s->old, state, "") :
				  change_side(s, tx, &s->new, STR_NONE, NULL);
	return rc;
}

static enum rc read_side(struct succeeding *s, struct reader *rd, str id, struct side *out)
{
	enum rc rc = read_record(rd, s->types, s->v, id, s->a, &out->view, s->err);
	if (rc != RC_OK)
		return rc;
	out->type = record_view_type(&out->view);
	out->id = record_view_id(&out->view, s->a);
	const struct type_field *f = out->type ? field_of(out->type, "organisation.claims") : NULL;
	if (!f || !field_of(out->type, "organisation.kind"))
		return fail(s->err, RC_INPUT, "'" STR_FMT "' is no organisation", STR_ARG(id));
	if (record_view_cuts(&out->view, f))
		return fail(s->err, RC_DENIED, "you may not see what '" STR_FMT "' claims", STR_ARG(id));
	return RC_OK;
}

static enum rc find_day(struct succeeding *s)
{
	char today[16];
	(void)time_day_str(today, s->q->now_us);
	if (s->q->day.n && (s->q->day.n != 10 || !day_before(s->q->day, s->day_before)))
		return fail(s->err, RC_INPUT, "'" STR_FMT "' is no day as in 2026-12-01",
			    STR_ARG(str_head(s->q->day, 40)));
	if (!str_to_z(s->q->day.n ? s->q->day : str_of(today), s->day, sizeof(s->day)) ||
	    !day_before(str_of(s->day), s->day_before))
		return fail(s->err, RC_INPUT, "there is no such day");
	s->due = strcmp(s->day, today) <= 0;
	return RC_OK;
}

static enum rc prepare(struct succeeding *s, struct reader *rd)
{
	enum rc rc = find_day(s);
	if (rc == RC_OK)
		rc = read_side(s, rd, s->q->from, &s->old);
	if (rc == RC_OK)
		rc = read_side(s, rd, s->q->to, &s->new);
	if (rc != RC_OK)
		return rc;
	if (str_eq(s->old.id, s->new.id))
		return fail(s->err, RC_INPUT, "an organisation cannot take its own place");
	move_rows(s);
	if (s->q->back && s->moved == 0)
		return fail(s->err, RC_INPUT, "'" STR_FMT "' has nothing of '" STR_FMT "'", STR_ARG(s->q->to),
			    STR_ARG(s->q->from));
	return RC_OK;
}

enum rc directory_succeed(struct records *r, struct store *st, const struct viewer *v,
			  const struct succession *q, struct arena *a, struct succession_done *out,
			  struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(records_types_snapshot(r));
	struct succeeding s = { .r = r, .types = snapshot_table(ref), .v = v, .q = q, .a = a, .err = err,
				.old.rows = json_object_new_array(), .new.rows = json_object_new_array() };
	struct reader *rd = NULL;
	struct err why = { 0 };
	enum rc rc = store_read_begin(st, &rd, err);
	if (rc == RC_OK)
		rc = prepare(&s, rd);
	if (rd)
		store_read_end(rd);
	if (rc == RC_OK) {
		rc = store_write(st, job, &s, &why);
		if (rc == RC_DENIED || rc == RC_ABSENT)
			change_refused(r, st, v, q->from, str_of(why.text));
		if (rc != RC_OK)
			(void)fail(err, rc, "%s", why.text);
	}
	*out = (struct succession_done){ .moved = s.moved, .former = s.due && !q->back, .from = s.old.id,
					 .to = s.new.id };
	json_object_put(s.old.rows);
	json_object_put(s.new.rows);
	record_view_end(&s.old.view);
	record_view_end(&s.new.view);
	snapshot_drop(records_types_snapshot(r), ref);
	return rc;
}
