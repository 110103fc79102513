/* SPDX-License-Identifier: Apache-2.0 */
#include "duty/show.h"

#include "duty/duty_private.h"

str duty_person_name(struct reader *r, const struct types *t, const struct viewer *v,
		     const struct uuid *person, struct arena *a)
{
	struct record_view view = { 0 };
	str name = duty_person_id(person, a);
	struct buf b = BUF_INIT(KIB(8));
	if (read_record(r, t, v, name, a, &view, NULL) == RC_OK && record_view_type(&view))
		record_view_text(&view, record_view_type(&view)->title, &b);
	record_view_end(&view);
	if (b.n > 0)
		name = arena_str(a, buf_str(&b));
	buf_free(&b);
	return name;
}

enum rc duty_may_see(const struct types *t, const struct viewer *v, struct err *err)
{
	for (size_t i = 0; i < types_count(t); i++)
		if (type_meaning(types_at(t, i), STR("duty.person")) &&
		    authz_ever(v, ACTION_READ, types_at(t, i)))
			return RC_OK;
	return fail(err, RC_DENIED, "no role of yours reads shifts");
}

static str shift_type(const struct types *t)
{
	const struct type *shift = types_meaning(t, STR("duty.person"));
	return shift ? str_of(shift->name) : STR("shift");
}

void duty_put_shift(struct json_out *j, struct reader *r, const struct types *t, const struct viewer *v,
		    const struct shift *s, struct arena *a)
{
	str type = shift_type(t);
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&id, type, &s->id);
	json_open(j, '{');
	json_put_str(j, "id", buf_str(&id));
	json_put_str(j, "shift", arena_fmt(a, STR_FMT "-%llu", STR_ARG(type), (unsigned long long)s->number));
	json_put_str(j, "role", str_of(shift_role_name(s->role)));
	json_put_str(j, "person", duty_person_id(&s->person, a));
	json_put_str(j, "name", duty_person_name(r, t, v, &s->person, a));
	json_put_time(j, "from", s->from_us);
	json_put_time(j, "until", s->until_us);
	json_put_bool(j, "taken", s->taken);
	json_close(j, '}');
	buf_free(&id);
}

/* --- the board --- */

static const char *const part_labels[BOARD_KINDS] = {
	[BOARD_OVERDUE] = "overdue",
	[BOARD_DUE_SOON] = "due within four hours",
	[BOARD_UNASSIGNED] = "assigned to nobody",
	[BOARD_TRIAGE] = "waiting to be looked at",
	[BOARD_WAITING] = "waiting for an answer",
	[BOARD_TO_SIGN] = "hand-overs to be signed",
	[BOARD_ROUNDS] = "rounds open",
	[BOARD_NOTICES] = "notices for you",
	[BOARD_UNCERTAIN] = "messages uncertain",
	[BOARD_FAILED] = "messages failed",
	[BOARD_FEEDS] = "feeds silent",
};

/* "/incident/incident--…", "/findings/…"; nothing for what has no page. */
static void put_href(struct json_out *j, str id, struct arena *a)
{
	size_t at = str_find(id, STR("--"));
	str type = str_head(id, at);
	if (at == id.n)
		return;
	json_put_str(j, "href", str_eq(type, STR("finding")) ?
					arena_fmt(a, "/findings/" STR_FMT, STR_ARG(str_from(id, at + 2))) :
					arena_fmt(a, "/" STR_FMT "/" STR_FMT, STR_ARG(type), STR_ARG(id)));
}

static void put_item(struct json_out *j, struct reader *r, const struct types *t, const struct viewer *v,
		     const struct board_item *i, struct arena *a)
{
	struct uuid person;
	str type;
	json_open(j, '{');
	json_put_str(j, "id", i->id);
	json_put_str(j, "name", i->name);
	json_put_str(j, "title", i->title.n > 0 ? i->title : i->name);
	json_put_str(j, "state", i->state);
	put_href(j, i->id, a);
	if (i->due_us != TIME_NONE)
		json_put_time(j, "due", i->due_us);
	if (i->at_us != TIME_NONE && i->at_us > 0)
		json_put_time(j, "at", i->at_us);
	if (record_id_parse(i->person, &type, &person))
		json_put_str(j, "who", duty_person_name(r, t, v, &person, a));
	else if (i->person.n > 0)
		json_put_str(j, "who", i->person);
	json_close(j, '}');
}

static void put_part(struct json_out *j, struct reader *r, const struct types *t, const struct viewer *v,
		     enum board_kind kind, const struct board_part *p, struct arena *a)
{
	json_open(j, '{');
	json_put_str(j, "part", str_of(p->kind));
	json_put_str(j, "label", str_of(part_labels[kind]));
	json_put_str(j, "href", kind == BOARD_FEEDS ? STR("/feeds") : kind == BOARD_NOTICES ? STR("/notices") :
				p->count == 0 ? STR("/duty") : arena_fmt(a, "#%s", p->kind));
	json_put_bool(j, "signing", kind == BOARD_TO_SIGN);
	json_put_i64(j, "count", (int64_t)p->count);
	json_put_bool(j, "more", p->more);
	json_put_bool(j, "filled", p->item_count > 0);
	json_key(j, STR("items"));
	json_open(j, '[');
	for (size_t i = 0; i < p->item_count; i++)
		put_item(j, r, t, v, &p->items[i], a);
	json_close(j, ']');
	json_close(j, '}');
}

void duty_put_board(struct json_out *j, struct reader *r, const struct types *t, const struct viewer *v,
		    const struct board *b, struct arena *a)
{
	json_key(j, STR("on"));
	json_open(j, '[');
	for (size_t i = 0; i < b->on_count; i++)
		duty_put_shift(j, r, t, v, b->on[i], a);
	json_close(j, ']');
	json_key(j, STR("next"));
	json_open(j, '[');
	for (int role = 0; role < SHIFT_ROLES; role++)
		if (b->next[role])
			duty_put_shift(j, r, t, v, b->next[role], a);
	json_close(j, ']');
	if (b->covered_until_us != TIME_NONE)
		json_put_time(j, "covered_until", b->covered_until_us);
	json_key(j, STR("parts"));
	json_open(j, '[');
	for (int kind = 0; kind < BOARD_KINDS; kind++)
		put_part(j, r, t, v, (enum board_kind)kind, &b->parts[kind], a);
	json_close(j, ']');
}

/* --- a ladder --- */

static void put_step(struct json_out *j, const struct ladder_next *n, enum ladder_rung rung)
{
	const struct ladder_contact *c = n->rungs[rung];
	json_open(j, '{');
	json_put_str(j, "step", str_of(ladder_rung_name(rung)));
	if (c) {
		json_put_str(j, "organisation", c->organisation);
		json_put_str(j, "organisation_name", c->organisation_name);
		json_put_str(j, "role", c->role);
		json_put_str(j, "name", c->name);
		json_put_str(j, "phone", c->phone);
		json_put_str(j, "channel", c->channel);
	}
	if (n->asked_us[rung] != TIME_NONE)
		json_put_time(j, "asked", n->asked_us[rung]);
	json_put_bool(j, "next", !n->finished && n->rung == rung);
	json_close(j, '}');
}

static void put_event(struct json_out *j, const struct ladder_event *e)
{
	static const char *const what[] = { "told", "tried", "answered", "asked" };
	json_open(j, '{');
	json_put_time(j, "at", e->at_us);
	json_put_str(j, "what", str_of(what[e->what]));
	json_put_str(j, "how", e->how);
	json_put_str(j, "organisation", e->organisation);
	json_put_str(j, "role", e->role);
	json_put_str(j, "call", e->item);
	json_put_str(j, "words", e->words);
	json_close(j, '}');
}

void duty_put_ladder(struct json_out *j, const struct ladder *l)
{
	json_put_str(j, "item", l->item);
	json_put_str(j, "name", l->name);
	json_put_str(j, "item_title", l->title);
	json_put_bool(j, "waits", l->waits);
	if (l->waits)
		json_put_time(j, "since", l->ask.since_us);
	json_key(j, STR("steps"));
	json_open(j, '[');
	for (int rung = 0; rung < RUNGS; rung++)
		put_step(j, &l->next, (enum ladder_rung)rung);
	json_close(j, ']');
	json_put_bool(j, "finished", l->next.finished);
	if (!l->next.finished)
		json_put_str(j, "next_step", str_of(ladder_rung_name(l->next.rung)));
	if (l->waits && l->next.due_us != TIME_NONE)
		json_put_time(j, "due", l->next.due_us);
	json_put_bool(j, "by_person", l->next.by_person);
	json_put_str(j, "reason", str_of(l->next.why));
	json_key(j, STR("history"));
	json_open(j, '[');
	for (size_t i = 0; i < l->ask.event_count; i++)
		put_event(j, &l->ask.events[i]);
	json_close(j, ']');
}
