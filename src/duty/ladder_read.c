/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts and history of one record, for ladder_find(). */
#include "duty/duty_private.h"
#include "duty/ladder.h"

enum { EVENTS_MOST = 500, CONTACTS_MOST = 100 };

struct reading {
	struct reader *r;
	const struct types *t;
	const struct viewer *v;
	struct arena *a;
	struct ladder *l;
	struct ladder_event *events;
	struct ladder_contact *contacts;
	str above;                 /* id of the regulator; "" none */
	struct err *err;
	enum rc rc;
};

/* --- contacts --- */

static str member(struct reading *k, struct json_object *o, const char *name)
{
	str s = json_get_str(o, name);
	return s.n > 0 ? arena_str(k->a, s) : STR("");
}

static void add_contacts(struct reading *k, const struct record_view *v, str organisation, bool above)
{
	struct json_object *list = duty_list(record_view_type(v), v->body, "organisation.contacts");
	str name = duty_text(record_view_type(v), v->body, "organisation.name");
	name = name.n > 0 ? arena_str(k->a, name) : organisation;
	for (size_t i = 0; i < json_count(list) && k->l->ask.contact_count < CONTACTS_MOST; i++) {
		struct json_object *o = json_at(list, i);
		struct ladder_contact *c = &k->contacts[k->l->ask.contact_count++];
		*c = (struct ladder_contact){ .organisation = organisation, .organisation_name = name,
					      .role = member(k, o, "role"), .name = member(k, o, "name"),
					      .email = member(k, o, "email"), .phone = member(k, o, "phone"),
					      .webhook = member(k, o, "webhook"),
					      .channel = member(k, o, "channel"), .above = above };
		(void)json_get_i64(o, "order", &c->order);
	}
}

/* An organisation that the viewer may not see has no contacts for him. */
static enum rc read_contacts(struct reading *k, str id, bool above)
{
	struct record_view view = { 0 };
	struct err why = { 0 };
	if (id.n == 0)
		return RC_OK;
	enum rc rc = read_record(k->r, k->t, k->v, id, k->a, &view, &why);
	if (rc == RC_OK) {
		add_contacts(k, &view, id, above);
		str regulator = duty_text(record_view_type(&view), view.body, "organisation.regulator");
		if (!above && regulator.n > 0)
			k->above = arena_str(k->a, regulator);
	}
	record_view_end(&view);
	return rc == RC_OK || rc == RC_ABSENT ? RC_OK : fail(k->err, rc, "%s", why.text);
}

/* --- history --- */

static void add_event(struct reading *k, const struct ladder_event *e)
{
	if (k->l->ask.event_count < EVENTS_MOST)
		k->events[k->l->ask.event_count++] = *e;
}

/* "organisation--…/abuse" */
static void split_recipient(str recipient, str *organisation, str *role)
{
	*role = recipient;
	*organisation = str_cut(role, '/');
}

static enum rc read_sent(struct reading *k)
{
	struct ledger_query q = { .item = k->l->item, .recipient = STR(""), .limit = EVENTS_MOST };
	struct ledger_row *rows = NULL;
	size_t count = 0;
	enum rc rc = ledger_list(reader_conn(k->r), &q, k->a, &rows, &count, k->err);
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		const struct ledger_row *row = &rows[i];
		bool answer = row->kind == LEDGER_ANSWER;
		struct ladder_event e = { .at_us = row->at_us, .how = row->driver, .item = STR(""),
					  .what = answer ? LADDER_ANSWERED : LADDER_TOLD, .words = row->words };
		split_recipient(row->recipient, &e.organisation, &e.role);
		if ((row->kind == LEDGER_SENT || row->kind == LEDGER_UNCERTAIN || answer) &&
		    str_starts(e.organisation, STR("organisation--")))
			add_event(k, &e);
	}
	return rc;
}

/* Steps that were taken by themselves: their messages may still wait for a sender. */
static enum rc read_steps(struct reading *k, const struct uuid *record)
{
	/* What one of us was asked to do counts while it waits, what went out for ever. */
	struct sql *q = sql(reader_conn(k->r), "SELECT at_us, organisation, contact, channel FROM duty_step"
					       " WHERE record = ? AND (channel <> 'person' OR since_us = ?)"
					       " ORDER BY at_us LIMIT ?");
	sql_blob(q, 1, duty_id_bytes(record));
	sql_int(q, 2, k->l->ask.since_us);
	sql_int(q, 3, EVENTS_MOST);
	while (sql_row(q)) {
		bool person = str_eq(sql_col_str(q, 3), STR("person"));
		struct ladder_event e = { .at_us = sql_col_int(q, 0), .item = STR(""),
					  .what = person ? LADDER_ASKED : LADDER_TOLD,
					  .organisation = arena_str(k->a, sql_col_str(q, 1)),
					  .role = arena_str(k->a, sql_col_str(q, 2)),
					  .how = arena_str(k->a, sql_col_str(q, 3)),
					  .words = person ? STR("who is on duty was asked to do it") :
							    STR("step of the ladder") };
		add_event(k, &e);
	}
	return sql_end(q, k->err);
}

static enum ladder_what result_of(str result, str direction)
{
	return str_eq(result, STR("reached")) || str_eq(direction, STR("in")) ? LADDER_ANSWERED :
	       str_eq(result, STR("left-message")) ? LADDER_TOLD : LADDER_TRIED;
}

static void add_call(struct reading *k, const struct record_view *view, str id)
{
	const struct type *t = record_view_type(view);
	struct ladder_event e = { .how = STR("phone"), .item = id };
	str result = duty_text(t, view->body, "call.result");
	if (!time_parse(duty_text(t, view->body, "call.at"), true, &e.at_us))
		return;
	e.what = result_of(result, duty_text(t, view->body, "call.direction"));
	e.organisation = arena_str(k->a, duty_text(t, view->body, "call.organisation"));
	e.role = arena_str(k->a, duty_text(t, view->body, "call.contact-role"));
	e.words = arena_fmt(k->a, STR_FMT "%s" STR_FMT, STR_ARG(result),
			    duty_text(t, view->body, "call.words").n > 0 ? ": " : "",
			    STR_ARG(duty_text(t, view->body, "call.words")));
	/* Who answered was asked too. */
	if (e.what == LADDER_ANSWERED) {
		struct ladder_event told = e;
		told.what = LADDER_TOLD;
		add_event(k, &told);
	}
	add_event(k, &e);
}

static bool each_link(void *ctx, const struct link_view *l)
{
	struct reading *k = ctx;
	struct record_view view = { 0 };
	struct err why = { 0 };
	const struct type *t = types_find(k->t, l->other_type);
	if (!t || !type_meaning(t, STR("call.result")))
		return true;
	str id = arena_str(k->a, l->other);
	enum rc rc = read_record(k->r, k->t, k->v, id, k->a, &view, &why);
	if (rc == RC_OK)
		add_call(k, &view, id);
	record_view_end(&view);
	if (rc != RC_OK && rc != RC_ABSENT)
		k->rc = fail(k->err, rc, "%s", why.text);
	return k->rc == RC_OK;
}

static int newest_first(const void *a, const void *b)
{
	const struct ladder_event *x = a, *y = b;
	return x->at_us < y->at_us ? 1 : x->at_us > y->at_us ? -1 : (int)y->what - (int)x->what;
}

/* --- the record --- */

static enum rc read_since(struct reading *k, const struct uuid *record, int64_t otherwise)
{
	struct sql *q = sql(reader_conn(k->r), "SELECT since_us FROM duty_ladder WHERE record = ?");
	sql_blob(q, 1, duty_id_bytes(record));
	k->l->ask.since_us = sql_row(q) ? sql_col_int(q, 0) : otherwise;
	return sql_end(q, k->err);
}

static enum rc read_item(struct reading *k, str id, struct uuid *record)
{
	struct record_view view = { 0 };
	struct buf title = BUF_INIT(KIB(8));
	enum rc rc = read_record(k->r, k->t, k->v, id, k->a, &view, k->err);
	const struct type *t = rc == RC_OK ? record_view_type(&view) : NULL;
	str type;
	if (rc == RC_OK && (!t || !t->organisation || duty_state(t, "duty.waits") < 0))
		rc = fail(k->err, RC_INPUT, "'" STR_FMT "' waits for no organisation's answer", STR_ARG(id));
	if (rc == RC_OK) {
		struct ladder *l = k->l;
		l->item = record_view_id(&view, k->a);
		l->name = arena_fmt(k->a, "%s-%llu", t->name, (unsigned long long)record_view_number(&view));
		record_view_text(&view, t->title, &title);
		l->title = arena_str(k->a, buf_str(&title));
		l->waits = record_view_state(&view) == duty_state(t, "duty.waits");
		l->ask.organisation = member(k, view.body, t->organisation->name);
		(void)record_id_parse(l->item, &type, record);
	}
	record_view_end(&view);
	buf_free(&title);
	return rc;
}

enum rc ladder_read(struct reader *r, const struct types *t, const struct viewer *v, str id,
		    const struct calendar *c, int64_t pause_us, struct arena *a, struct ladder *out,
		    struct err *err)
{
	struct uuid record = { 0 };
	*out = (struct ladder){ .ask = { .calendar = c, .pause_us = pause_us } };
	struct reading k = { .r = r, .t = t, .v = v, .a = a, .l = out, .above = STR(""), .err = err };
	k.events = ARENA_ARRAY(a, EVENTS_MOST, struct ladder_event);
	k.contacts = ARENA_ARRAY(a, CONTACTS_MOST, struct ladder_contact);
	out->ask.events = k.events;
	out->ask.contacts = k.contacts;
	enum rc rc = read_item(&k, id, &record);
	if (rc == RC_OK)
		rc = read_since(&k, &record, clock_now_us());
	if (rc == RC_OK)
		rc = read_contacts(&k, out->ask.organisation, false);
	if (rc == RC_OK)
		rc = read_contacts(&k, k.above, true);
	if (rc == RC_OK)
		rc = read_sent(&k);
	if (rc == RC_OK)
		rc = read_steps(&k, &record);
	if (rc == RC_OK)
		rc = read_record_links(r, t, v, out->item, a, each_link, &k, err);
	if (rc == RC_OK)
		rc = k.rc;
	if (rc != RC_OK)
		return rc;
	qsort(k.events, out->ask.event_count, sizeof *k.events, newest_first);
	out->next = ladder_find(&out->ask);
	return RC_OK;
}
