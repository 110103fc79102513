/* SPDX-License-Identifier: Apache-2.0 */
/* A hand-over begins with what is open; what is signed moves the shifts too. */
#include "duty/board.h"
#include "duty/handover.h"

#include "duty/duty_private.h"

enum { TITLE_MOST = 250 };

void handover_between(const struct roster *r, const struct uuid *viewer_person, int64_t now_us,
		      const struct shift **from_out, const struct shift **to_out)
{
	const struct shift *own = NULL, *running = NULL;
	*from_out = *to_out = NULL;
	for (size_t i = 0; i < r->count; i++) {
		const struct shift *s = &r->shifts[i];
		if (s->role != SHIFT_FIRST || s->from_us > now_us)
			continue;
		if (uuid_equal(&s->person, viewer_person) && s->until_us > now_us - HANDOVER_LATE)
			own = s;
		if (s->until_us > now_us)
			running = s;
	}
	*from_out = own ? own : running;
	for (size_t i = 0; *from_out && !*to_out && i < r->count; i++) {
		const struct shift *s = &r->shifts[i];
		if (s->role == SHIFT_FIRST && s->from_us > (*from_out)->from_us &&
		    s->until_us > (*from_out)->until_us)
			*to_out = s;
	}
}

static str shift_id(const struct types *t, const struct shift *s, struct arena *a)
{
	const struct type *type = types_meaning(t, STR("duty.person"));
	struct buf b = BUF_INIT(RECORD_ID_BYTES);
	if (type)
		record_id_format(&b, str_of(type->name), &s->id);
	str id = arena_str(a, buf_str(&b));
	buf_free(&b);
	return id;
}

/* --- what is open --- */

static void put_items(struct json_out *j, const struct board_part *p, const char *kind)
{
	for (size_t i = 0; i < p->item_count; i++) {
		const struct board_item *item = &p->items[i];
		json_open(j, '{');
		json_put_str(j, "kind", str_of(kind));
		json_put_str(j, "item", item->name);
		if (item->title.n > 0 && str_is_plain(item->title))
			json_put_str(j, "title", str_head(item->title, TITLE_MOST));
		json_close(j, '}');
	}
}

static void put_open(struct json_out *j, const struct board *b)
{
	put_items(j, &b->parts[BOARD_OVERDUE], "overdue");
	put_items(j, &b->parts[BOARD_UNASSIGNED], "open");
	put_items(j, &b->parts[BOARD_WAITING], "waiting");
	put_items(j, &b->parts[BOARD_UNCERTAIN], "message");
	put_items(j, &b->parts[BOARD_FAILED], "message");
	put_items(j, &b->parts[BOARD_NOTICES], "notice");
}

static void put_shift(struct json_out *j, const struct types *types, const struct type *t,
		      const char *shift, const char *person, const struct shift *s, struct arena *a)
{
	const char *shift_field = duty_field(t, shift), *person_field = duty_field(t, person);
	if (s && shift_field)
		json_put_str(j, shift_field, shift_id(types, s, a));
	if (s && person_field)
		json_put_str(j, person_field, duty_person_id(&s->person, a));
}

struct draft {
	const struct type *type;
	const struct types *types;
	const struct viewer *v;
	struct board board;
	const struct shift *from, *to;
	str text;
};

static void put_fields(const struct draft *d, int64_t now_us, struct arena *a, struct buf *out)
{
	struct json_out j = json_out(out);
	char at[40];
	const char *items = duty_field(d->type, "handover.items"), *words = duty_field(d->type, "handover.words");
	json_open(&j, '{');
	json_put_str(&j, d->type->title->name,
		     arena_fmt(a, "Hand-over of " STR_FMT, STR_ARG(str_head(time_str(at, now_us), 16))));
	put_shift(&j, d->types, d->type, "handover.from", "handover.leaves", d->from, a);
	if (!d->from && duty_field(d->type, "handover.leaves") && !uuid_is_zero(&d->v->person))
		json_put_str(&j, duty_field(d->type, "handover.leaves"), duty_person_id(&d->v->person, a));
	put_shift(&j, d->types, d->type, "handover.to", "handover.takes", d->to, a);
	if (d->text.n > 0 && words)
		json_put_str(&j, words, d->text);
	if (items) {
		json_key(&j, str_of(items));
		json_open(&j, '[');
		put_open(&j, &d->board);
		json_close(&j, ']');
	}
	json_close(&j, '}');
}

static enum rc read_draft(struct store *s, const struct roles *roles, struct draft *d, int64_t now_us,
			  struct arena *a, struct err *err)
{
	struct reader *r = NULL;
	d->type = types_meaning(d->types, STR("handover.signed"));
	if (!d->type)
		return fail(err, RC_ABSENT, "no type means 'handover.signed'");
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK)
		rc = board_read(r, d->types, roles, d->v, now_us, a, &d->board, err);
	store_read_end(r);
	if (rc == RC_OK)
		handover_between(&d->board.roster, &d->v->person, now_us, &d->from, &d->to);
	return rc;
}

enum rc handover_write(struct records *r, struct store *s, const struct roles *roles,
		       const struct types *t, const struct viewer *v, str text, struct arena *a, str *id_out,
		       struct err *err)
{
	int64_t now_us = clock_now_us();
	struct draft d = { .types = t, .v = v, .text = text };
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	struct buf fields = BUF_INIT(RECORD_BODY_MAX);
	enum rc rc = read_draft(s, roles, &d, now_us, a, err);
	if (rc == RC_OK) {
		put_fields(&d, now_us, a, &fields);
		struct change_request q = { .type = str_of(d.type->name), .fields = buf_str(&fields) };
		rc = change_record(r, s, v, &q, a, &view, &errors, err);
		if (rc == RC_INPUT && errors.count > 0)
			rc = fail(err, RC_INPUT, "%s", errors.list[0].text);
	}
	if (rc == RC_OK && !view.record)
		rc = fail(err, RC_DENIED, "you could not see what you write");
	if (rc == RC_OK)
		*id_out = record_view_id(&view, a);
	record_view_end(&view);
	buf_free(&fields);
	return rc;
}

/* --- signing --- */

struct signed_shifts {
	struct records *r;
	const struct types *types;
	const struct viewer *v;
	str id;
	struct arena *a;
};

static enum rc move(struct tx *tx, const struct signed_shifts *k, str id, str state, struct record_view *out,
		    struct err *err)
{
	struct change_errors errors = { .count = 0 };
	struct change_request q = { .id = id, .to_state = state };
	enum rc rc = change_record_tx(tx, k->r, k->v, &q, k->a, out, &errors, err);
	return rc == RC_INPUT && errors.count > 0 ? fail(err, rc, "%s", errors.list[0].text) : rc;
}

/* A shift that is over already, or that he may not move, is no reason not to sign. */
static enum rc move_shift(struct tx *tx, const struct signed_shifts *k, str id, const char *meaning,
			  struct err *err)
{
	const struct type *t = types_meaning(k->types, str_of(meaning));
	int state = duty_state(t, meaning);
	struct record_view view = { 0 };
	struct err why = { 0 };
	if (id.n == 0 || state < 0)
		return RC_OK;
	enum rc rc = move(tx, k, id, str_of(t->states[state].name), &view, &why);
	record_view_end(&view);
	return rc == RC_IO || rc == RC_BUSY ? fail(err, rc, "%s", why.text) : RC_OK;
}

static enum rc sign(struct tx *tx, void *ctx, struct err *err)
{
	const struct signed_shifts *k = ctx;
	const struct type *t = types_meaning(k->types, STR("handover.signed"));
	int state = duty_state(t, "handover.signed");
	struct record_view view = { 0 };
	str from = STR(""), to = STR("");
	enum rc rc = move(tx, k, k->id, str_of(t->states[state].name), &view, err);
	if (rc == RC_OK) {
		from = arena_str(k->a, duty_text(t, view.body, "handover.from"));
		to = arena_str(k->a, duty_text(t, view.body, "handover.to"));
	}
	record_view_end(&view);
	if (rc == RC_OK)
		rc = move_shift(tx, k, from, "duty.over", err);
	return rc == RC_OK ? move_shift(tx, k, to, "duty.taken", err) : rc;
}

enum rc handover_sign(struct records *r, struct store *s, const struct types *t, const struct viewer *v,
		      str id, struct arena *a, struct err *err)
{
	struct signed_shifts k = { r, t, v, id, a };
	struct err why = { 0 };
	if (!types_meaning(t, STR("handover.signed")))
		return fail(err, RC_ABSENT, "no type means 'handover.signed'");
	enum rc rc = store_write(s, sign, &k, &why);
	if (rc == RC_DENIED || rc == RC_ABSENT)
		change_refused(r, s, v, id, str_of(why.text));
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}

/* --- to be there --- */

static enum rc own_shift(struct store *s, const struct viewer *v, struct arena *a, const struct shift **out,
			 struct err *err)
{
	struct reader *r = NULL;
	struct roster roster = { .count = 0 };
	int64_t now = clock_now_us();
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK)
		rc = roster_load(reader_conn(r), now, now + HANDOVER_LATE, a, &roster, err);
	store_read_end(r);
	*out = NULL;
	for (size_t i = 0; i < roster.count; i++) /* by start: the one that runs before the one to come */
		if (!uuid_is_zero(&v->person) && uuid_equal(&roster.shifts[i].person, &v->person) &&
		    (!*out || ((*out)->taken && !roster.shifts[i].taken)))
			*out = &roster.shifts[i];
	if (rc == RC_OK && !*out)
		rc = fail(err, RC_ABSENT, "no shift of yours runs or begins soon");
	return rc == RC_OK && (*out)->taken ? fail(err, RC_CONFLICT, "shift %llu is taken already",
						   (unsigned long long)(*out)->number) : rc;
}

enum rc duty_take(struct records *r, struct store *s, const struct types *t, const struct viewer *v,
		  struct arena *a, uint64_t *number_out, struct err *err)
{
	const struct shift *own = NULL;
	const struct type *type = types_meaning(t, STR("duty.taken"));
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	enum rc rc = type ? own_shift(s, v, a, &own, err) : fail(err, RC_ABSENT, "no type means 'duty.taken'");
	if (rc != RC_OK)
		return rc;
	struct change_request q = { .id = shift_id(t, own, a),
				    .to_state = str_of(type->states[duty_state(type, "duty.taken")].name) };
	rc = change_record(r, s, v, &q, a, &view, &errors, err);
	record_view_end(&view);
	*number_out = own->number;
	return rc;
}
