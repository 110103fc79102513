/* SPDX-License-Identifier: Apache-2.0 */
/* After a call: the note, the ledger, the clocks it stops, the contact. */
#include "duty/call.h"

#include <json-c/json.h>

#include "duty/duty_private.h"

enum { TITLE_MOST = 150 };

struct saving {
	struct records *r;
	const struct types *types;
	const struct viewer *v;
	const struct call_said *q;
	struct call_before before;
	const struct type *type;
	struct arena *a;
	struct call_done *out;
};

static void put(const struct saving *k, struct json_out *j, const char *meaning, str value)
{
	const char *field = duty_field(k->type, meaning);
	if (field && value.n > 0)
		json_put_str(j, field, value);
}

static void put_fields(const struct saving *k, struct buf *out)
{
	struct json_out j = json_out(out);
	char at[40];
	str result = k->q->result, whom = k->before.organisation_name;
	json_open(&j, '{');
	json_put_str(&j, k->type->title->name,
		     arena_fmt(k->a, STR_FMT "%s" STR_FMT, STR_ARG(result), whom.n > 0 ? ": " : "",
			       STR_ARG(str_head(whom, TITLE_MOST))));
	put(k, &j, "call.organisation", k->before.organisation);
	put(k, &j, duty_is_record(k->before.about) ? "call.about" : "call.finding", k->before.about);
	put(k, &j, "call.contact", k->q->contact);
	put(k, &j, "call.contact-role", k->q->role);
	put(k, &j, "call.number", k->q->phone);
	put(k, &j, "call.direction", k->q->direction.n > 0 ? k->q->direction : STR("out"));
	put(k, &j, "call.result", result);
	put(k, &j, "call.words", k->q->words);
	put(k, &j, "call.at", time_str(at, k->q->at_us));
	json_close(&j, '}');
}

static enum rc put_record(struct tx *tx, struct saving *k, struct err *err)
{
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	struct buf fields = BUF_INIT(RECORD_BODY_MAX);
	put_fields(k, &fields);
	struct change_request q = { .type = str_of(k->type->name), .fields = buf_str(&fields) };
	enum rc rc = change_record_tx(tx, k->r, k->v, &q, k->a, &view, &errors, err);
	if (rc == RC_INPUT && errors.count > 0)
		rc = fail(err, RC_INPUT, "%s", errors.list[0].text);
	if (rc == RC_OK && !view.record)
		rc = fail(err, RC_DENIED, "you could not see what you note");
	if (rc == RC_OK)
		k->out->id = record_view_id(&view, k->a);
	record_view_end(&view);
	buf_free(&fields);
	return rc;
}

static str cut_words(const struct saving *k)
{
	struct buf b = BUF_INIT(KIB(8));
	for (size_t i = 0; i < k->before.cut_count; i++)
		buf_fmt(&b, "%s%s", i ? "," : "", k->before.cut[i]);
	str s = arena_str(k->a, buf_str(&b));
	buf_free(&b);
	return s;
}

static bool reached(const struct saving *k)
{
	return str_eq(k->q->result, STR("reached"));
}

/* What was said, by word of mouth or to a machine, and what might be. */
static enum rc put_ledger(struct tx *tx, struct saving *k, struct err *err)
{
	const struct call_before *b = &k->before;
	if ((!reached(k) && !str_eq(k->q->result, STR("left-message"))) || b->organisation.n == 0 ||
	    b->about.n == 0)
		return RC_OK;
	struct ledger_row row = {
		.at_us = tx_now_us(tx), .kind = LEDGER_SAID, .driver = STR("phone"),
		.recipient = k->q->role.n > 0 ? arena_fmt(k->a, STR_FMT "/" STR_FMT, STR_ARG(b->organisation),
							  STR_ARG(k->q->role)) : b->organisation,
		.item = b->about, .item_version = b->version, .policy = b->policy,
		.purpose = PURPOSE_HANDLING, .rule = str_of(b->rule), .cut = cut_words(k),
		.reference = k->out->id,
		.words = b->may ? k->q->result :
				  arena_fmt(k->a, STR_FMT "; nothing of it was to be said", STR_ARG(k->q->result)),
		.covers = 1 };
	k->out->told = true;
	return ledger_add(tx, &row, NULL, err);
}

static bool call_notes(const struct type *t, str rule)
{
	for (size_t i = 0; t && i < t->clock_count; i++)
		if (str_eq(rule, str_of(t->clocks[i].name)))
			return t->clocks[i].call_notes;
	return false;
}

static enum rc note_clocks(struct tx *tx, struct saving *k, struct err *err)
{
	struct uuid id;
	str type;
	struct record_clock *list = NULL;
	size_t count = 0;
	if (!reached(k) || !record_id_parse(k->before.about, &type, &id))
		return RC_OK;
	const struct type *t = types_find(k->types, type);
	enum rc rc = clocks_of(tx_conn(tx), id, k->a, &list, &count, err);
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		const struct clock_state *s = &list[i].state;
		if (!call_notes(t, list[i].rule) || s->started_us == TIME_NONE || s->stopped_us != TIME_NONE ||
		    list[i].noted_by.n > 0)
			continue;
		rc = clock_noted(tx, records_journal(k->r), id, list[i].rule, str_of(k->v->actor),
				 arena_fmt(k->a, "called: " STR_FMT, STR_ARG(k->out->id)), err);
		k->out->clocks++;
	}
	return rc;
}

static enum rc save(struct tx *tx, void *ctx, struct err *err)
{
	struct saving *k = ctx;
	enum rc rc = put_record(tx, k, err);
	if (rc == RC_OK)
		rc = put_ledger(tx, k, err);
	return rc == RC_OK ? note_clocks(tx, k, err) : rc;
}

/* --- the contact that answered --- */

static bool is_contact(struct json_object *row, const struct call_said *q)
{
	str phone = json_get_str(row, "phone"), name = json_get_str(row, "name");
	return (q->phone.n > 0 && str_eq(phone, q->phone)) ||
	       (q->phone.n == 0 && q->contact.n > 0 && str_eq(name, q->contact));
}

static bool has_column(const struct type_field *f, const char *column)
{
	for (size_t i = 0; f && i < f->row_count; i++)
		if (strcmp(f->rows[i].name, column) == 0)
			return true;
	return false;
}

/* Who answered is confirmed for the day; who did not, once more did not. False: nothing to write. */
static bool mark_row(const struct type_field *f, struct json_object *row, const struct call_said *q)
{
	char day[16];
	int64_t times = 0;
	if (str_eq(q->result, STR("reached")) && has_column(f, "confirmed")) {
		str today = time_day_str(day, q->at_us);
		json_object_object_add(row, "confirmed", json_object_new_string_len(today.p, (int)today.n));
		json_object_object_del(row, "unanswered");
		return true;
	}
	if (!str_eq(q->result, STR("no-answer")) || !has_column(f, "unanswered"))
		return false;
	(void)json_get_i64(row, "unanswered", &times);
	json_object_object_add(row, "unanswered", json_object_new_int64(times + 1));
	return true;
}

/* The contacts as they are now, as fields of a change; false: none of them was called. */
static bool mark_rows(const struct type_field *f, struct json_object *rows, const struct call_said *q,
		      struct buf *out)
{
	struct json_out j = json_out(out);
	bool any = false;
	for (size_t i = 0; i < json_count(rows); i++)
		any = (is_contact(json_at(rows, i), q) && mark_row(f, json_at(rows, i), q)) || any;
	json_open(&j, '{');
	json_key(&j, str_of(f->name));
	json_raw(&j, any ? str_of(json_object_to_json_string_ext(rows, JSON_C_TO_STRING_PLAIN)) : STR("[]"));
	json_close(&j, '}');
	return any;
}

/* Who may not change the card, or finds it changed meanwhile, has noted his call all the same. */
static void mark_contact(struct store *s, struct saving *k)
{
	struct record_view view = { 0 }, changed = { 0 };
	struct change_errors errors = { .count = 0 };
	struct buf fields = BUF_INIT(RECORD_BODY_MAX);
	struct reader *r = NULL;
	if (k->before.organisation.n == 0)
		return;
	enum rc rc = store_read_begin(s, &r, NULL);
	if (rc == RC_OK)
		rc = read_record(r, k->types, k->v, k->before.organisation, k->a, &view, NULL);
	store_read_end(r);
	const struct type *t = rc == RC_OK ? record_view_type(&view) : NULL;
	const char *field = duty_field(t, "organisation.contacts");
	const struct type_field *f = field ? type_find_field(t, str_of(field)) : NULL;
	if (f && mark_rows(f, json_get(view.body, field), k->q, &fields)) {
		struct change_request q = { .id = k->before.organisation, .based_on = record_view_version(&view),
					    .fields = buf_str(&fields),
					    .why = reached(k) ? STR("reached by telephone") : STR("no answer") };
		rc = change_record(k->r, s, k->v, &q, k->a, &changed, &errors, NULL);
		k->out->confirmed = rc == RC_OK && reached(k);
	}
	record_view_end(&view);
	record_view_end(&changed);
	buf_free(&fields);
}

enum rc call_save(struct records *r, struct store *s, struct policies *p, const struct types *t,
		  const struct viewer *v, const struct call_said *said, struct arena *a,
		  struct call_done *out, struct err *err)
{
	struct call_said q = *said;
	struct saving k = { .r = r, .types = t, .v = v, .q = &q, .type = types_meaning(t, STR("call.result")), .a = a, .out = out };
	struct reader *reader = NULL;
	struct err why = { 0 };
	*out = (struct call_done){ .id = STR("") };
	if (q.at_us == TIME_NONE)
		q.at_us = clock_now_us();
	q.at_us -= q.at_us % SECOND_US;
	if (!k.type)
		return fail(err, RC_ABSENT, "no type means 'call.result'");
	enum rc rc = store_read_begin(s, &reader, err);
	if (rc == RC_OK)
		rc = call_prepare(reader, t, p, v, q.about, q.organisation, a, &k.before, err);
	store_read_end(reader);
	if (rc != RC_OK)
		return rc;
	rc = store_write(s, save, &k, &why);
	if (rc == RC_DENIED)
		change_refused(r, s, v, str_of(k.type->name), str_of(why.text));
	if (rc != RC_OK)
		return fail(err, rc, "%s", why.text);
	mark_contact(s, &k);
	return RC_OK;
}
