/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the threads of a case. */
#include <json-c/json.h>

#include "incident/thread_private.h"
#include "record/outbox.h"

enum { MESSAGES_LOOKED = 20 };

struct threads {
	struct reader *r;
	const struct types *types;
	const struct viewer *v;
	struct arena *a;
	struct thread_entry *list;
	size_t count;
	str notes[THREAD_LIST_MAX];
	size_t note_count;
};

static str number_of(const struct record_view *v, struct arena *a)
{
	return arena_fmt(a, "%s-%llu", record_view_type(v)->name, (unsigned long long)record_view_number(v));
}

static str first_of(const struct record_view *v, const char *meaning, struct arena *a)
{
	const struct type_field *f = thread_field(record_view_type(v), meaning);
	struct json_object *list = f && !record_view_cuts(v, f) ? json_get(v->body, f->name) : NULL;
	return json_count(list) ? arena_str(a, json_text(json_at(list, 0))) : STR("");
}

static str state_label(const struct record_view *v)
{
	int state = record_view_state(v);
	return state >= 0 ? str_of(record_view_type(v)->states[state].name) : STR("");
}

static bool take_mail(void *ctx, const struct record_view *v)
{
	struct threads *k = ctx;
	const struct type_field *at = thread_field(record_view_type(v), "mail.at"),
				*encrypted = thread_field(record_view_type(v), "mail.encrypted");
	struct thread_entry *e = &k->list[k->count++];
	*e = (struct thread_entry){
		.id = record_view_id(v, k->a), .number = number_of(v, k->a), .from = thread_value(v, "mail.from", k->a),
		.to = first_of(v, "mail.to", k->a), .subject = thread_value(v, "mail.subject", k->a),
		.text = thread_value(v, "mail.text", k->a), .signature = thread_value(v, "mail.signature", k->a),
		.outward = str_eq(thread_value(v, "mail.direction", k->a), STR("out")),
		.party = thread_value(v, "mail.organisation", k->a), .at_us = record_view_changed(v),
		.state = state_label(v), .words = STR(""),
	};
	if (e->outward)
		e->text = thread_value(v, "mail.letter", k->a);
	if (at)
		(void)time_parse(json_get_str(v->body, at->name), true, &e->at_us);
	if (encrypted)
		(void)json_get_bool(v->body, encrypted->name, &e->encrypted);
	return k->count < THREAD_LIST_MAX;
}

static bool take_link(void *ctx, const struct link_view *l)
{
	struct threads *k = ctx;
	const struct type *t = NULL;
	struct uuid id;
	str type;
	if (record_id_parse(l->other, &type, &id))
		t = types_find(k->types, type);
	if (t && type_meaning(t, STR("note.text")) && k->note_count < THREAD_LIST_MAX)
		k->notes[k->note_count++] = arena_str(k->a, l->other);
	return true;
}

static enum rc take_notes(struct threads *k, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < k->note_count; i++) {
		struct record_view v = { 0 };
		rc = read_record(k->r, k->types, k->v, k->notes[i], k->a, &v, err);
		if (rc == RC_OK)
			k->list[k->count++] = (struct thread_entry){
				.id = record_view_id(&v, k->a), .number = number_of(&v, k->a), .note = true, .party = STR(""),
				.from = arena_str(k->a, record_view_author(&v)), .to = STR(""), .subject = STR(""),
				.text = thread_value(&v, "note.text", k->a), .signature = STR(""),
				.at_us = record_view_changed(&v), .state = state_label(&v), .words = STR(""),
			};
		record_view_end(&v);
		rc = rc == RC_ABSENT || rc == RC_DENIED ? RC_OK : rc;
	}
	return rc;
}

/* How the message of a letter of ours stands: for our own people. */
static enum rc take_message(struct threads *k, struct thread_entry *e, struct err *err)
{
	struct message *m = NULL;
	size_t count = 0;
	const struct outbox_query q = { .driver = "mail", .item = e->id, .recipient = STR(""), .limit = MESSAGES_LOOKED };
	if (!e->outward || k->v->as.kind != RECIPIENT_STAFF)
		return RC_OK;
	enum rc rc = outbox_list(reader_conn(k->r), &q, k->a, &m, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		if (!str_eq(m[i].template, STR("mail.letter"))) /* that an answer came is told about it too */
			continue;
		e->message = m[i].id;
		e->state = str_of(message_state_name(m[i].state));
		e->words = m[i].words;
	}
	return rc;
}

static str title_of(struct threads *k, str id)
{
	struct record_view v = { 0 };
	struct buf b = BUF_INIT(KIB(4));
	if (read_record(k->r, k->types, k->v, id, k->a, &v, NULL) == RC_OK)
		record_view_text(&v, record_view_type(&v)->title, &b);
	str title = b.n ? arena_str(k->a, buf_str(&b)) : id;
	record_view_end(&v);
	buf_free(&b);
	return title;
}

static int by_party(const void *a, const void *b)
{
	const struct thread_entry *x = a, *y = b;
	int order = x->note != y->note ? (x->note ? 1 : -1) : str_cmp(x->party, y->party);
	return order ? order : (x->at_us > y->at_us) - (x->at_us < y->at_us);
}

static enum rc read_mails(struct threads *k, str id, struct err *err)
{
	struct record_query q = { .type = types_meaning(k->types, STR("mail.recipient")) };
	const struct type_field *f = q.type ? thread_field(q.type, "mail.incident") : NULL;
	if (!f)
		return RC_OK;
	struct json_object *value = json_object_new_string_len(id.p, (int)id.n);
	q.filters[0] = (struct record_filter){ .field = f, .compare = COMPARE_IS };
	q.filter_count = 1;
	bool keyed = kind_key(f, value, k->a, &q.filters[0].key);
	json_free(value);
	enum rc rc = keyed ? read_records(k->r, k->types, k->v, &q, THREAD_LIST_MAX, k->a, take_mail, k, err) : RC_OK;
	return rc == RC_DENIED ? RC_OK : rc; /* no role of his reads mails */
}

enum rc thread_read(const struct notify *n, struct reader *r, const struct types *t, const struct viewer *v,
		    str about, struct arena *a, struct thread_entry **out, size_t *count_out, struct err *err)
{
	struct threads *k = ARENA_NEW(a, struct threads);
	struct record_view view = { 0 };
	(void)n;
	*k = (struct threads){ .r = r, .types = t, .v = v, .a = a,
			       .list = ARENA_ARRAY(a, 2 * THREAD_LIST_MAX, struct thread_entry) };
	enum rc rc = read_record(r, t, v, about, a, &view, err);
	str id = rc == RC_OK ? record_view_id(&view, a) : STR("");
	record_view_end(&view);
	if (rc == RC_OK)
		rc = read_mails(k, id, err);
	for (size_t i = 0; rc == RC_OK && i < k->count; i++) {
		struct thread_entry *e = &k->list[i];
		e->party = e->party.n ? title_of(k, e->party) : e->outward ? e->to : e->from;
		rc = take_message(k, e, err);
	}
	if (rc == RC_OK)
		rc = read_record_links(r, t, v, id, a, take_link, k, err);
	if (rc == RC_OK)
		rc = take_notes(k, err);
	qsort(k->list, k->count, sizeof *k->list, by_party);
	*out = k->list;
	*count_out = k->count;
	return rc;
}
