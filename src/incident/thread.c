/* SPDX-License-Identifier: Apache-2.0 */
/* Writing: letters and notes. */
#include "incident/thread.h"

#include <json-c/json.h>

#include "disclosure/policy.h"
#include "incident/thread_private.h"
#include "notify/inbound.h"
#include "notify/letters.h"
#include "notify/rehearsal.h"
#include "record/outbox.h"

enum { WORDS_MAX = 256 << 10 };

const struct type_field *thread_field(const struct type *t, const char *meaning)
{
	const struct meaning *m = t ? type_meaning(t, str_of(meaning)) : NULL;
	return m ? m->field : NULL;
}

str thread_value(const struct record_view *v, const char *meaning, struct arena *a)
{
	const struct type_field *f = thread_field(record_view_type(v), meaning);
	str text = f && !record_view_cuts(v, f) ? json_get_str(v->body, f->name) : STR_NONE;
	return text.p ? arena_str(a, text) : STR("");
}

struct planning {
	const struct notify *n;
	const struct notify_world *w;
	struct reader *r;
	const struct types *types;
	const struct viewer *v;
	const struct thread_letter *q;
	struct arena *a;
	struct thread_plan *out;
	str about;             /* id of the case */
	str number, title;     /* of it: "incident-7" */
	bool exercise;
	struct reached who;
};

/* --- whom --- */

static enum rc take_case(struct planning *k, struct err *err)
{
	struct record_view v = { 0 };
	struct case_type t;
	enum rc rc = read_record(k->r, k->types, k->v, k->q->about, k->a, &v, err);
	if (rc == RC_OK && !case_type_of(record_view_type(&v), &t))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no case", STR_ARG(k->q->about));
	if (rc == RC_OK) {
		struct buf title = BUF_INIT(KIB(4));
		record_view_text(&v, record_view_type(&v)->title, &title);
		k->title = arena_str(k->a, buf_str(&title));
		buf_free(&title);
		k->number = arena_fmt(k->a, "%s-%llu", record_view_type(&v)->name, (unsigned long long)record_view_number(&v));
		k->about = record_view_id(&v, k->a);
		k->exercise = record_view_labels(&v)->exercise;
		k->out->case_tlp = record_view_labels(&v)->tlp;
	}
	record_view_end(&v);
	return rc;
}

static bool came_encrypted(const struct record_view *v)
{
	const struct type_field *f = thread_field(record_view_type(v), "mail.encrypted");
	bool encrypted = false;
	return f && json_get_bool(v->body, f->name, &encrypted) && encrypted;
}

/* What it answers says to whom, and by what the thread holds on the other side. */
static enum rc take_answered(struct planning *k, struct err *err)
{
	struct record_view v = { 0 };
	if (k->q->answers.n == 0)
		return RC_OK;
	enum rc rc = read_record(k->r, k->types, k->v, k->q->answers, k->a, &v, err);
	if (rc == RC_OK && !thread_field(record_view_type(&v), "mail.message-id"))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no mail", STR_ARG(k->q->answers));
	if (rc == RC_OK) {
		str from = thread_value(&v, "mail.from", k->a), own = thread_value(&v, "mail.recipient", k->a), name;
		str subject = inbound_without_tag(thread_value(&v, "mail.subject", k->a),
						  settings_text(k->w->settings, "mail_tag"), k->a);
		str before = thread_value(&v, "mail.references", k->a);
		k->out->previous = record_view_id(&v, k->a);
		k->out->organisation = thread_value(&v, "mail.organisation", k->a);
		k->out->in_reply_to = thread_value(&v, "mail.message-id", k->a);
		k->out->references = arena_fmt(k->a, STR_FMT "%s" STR_FMT, STR_ARG(before), before.n ? " " : "",
					       STR_ARG(k->out->in_reply_to));
		k->out->recipient = own.n ? own : k->out->organisation.n ? k->out->organisation :
				    letter_mailbox(from, &name, &k->out->address) ? k->out->address : STR("");
		if (came_encrypted(&v)) /* what stood inside is not told by an answer that may go in clear */
			subject = STR("[...]");
		k->out->subject = str_starts_nocase(subject, STR("Re:")) ? subject :
				  arena_fmt(k->a, "Re: " STR_FMT, STR_ARG(subject));
	}
	record_view_end(&v);
	return rc;
}

/* As people type it, into what the outbox has. */
static enum rc name_recipient(struct planning *k, str to, struct err *err)
{
	struct record_view v = { 0 };
	str role = to, id = str_cut(&role, '/');
	if (str_starts(to, STR("address:")))
		to = str_from(to, STR("address:").n);
	if (str_has(to, '@')) {
		k->out->recipient = arena_fmt(k->a, "address:" STR_FMT, STR_ARG(to));
		return letter_address_ok(to) ? RC_OK : fail(err, RC_INPUT, "'" STR_FMT "' is no mail address", STR_ARG(to));
	}
	enum rc rc = read_record(k->r, k->types, k->v, id, k->a, &v, err);
	if (rc == RC_OK) {
		str whole = record_view_id(&v, k->a);
		k->out->recipient = role.n ? arena_fmt(k->a, STR_FMT "/" STR_FMT, STR_ARG(whole), STR_ARG(role)) : whole;
		if (type_meaning(record_view_type(&v), STR("organisation.contacts")))
			k->out->organisation = whole;
	}
	record_view_end(&v);
	return rc;
}

static enum rc find_recipient(struct planning *k, struct err *err)
{
	const struct driver *mail = driver_find(STR("mail"));
	str to = k->q->to.n ? str_trim_all(k->q->to) : k->out->recipient;
	if (to.n == 0)
		return fail(err, RC_INPUT, "a letter needs somebody to go to");
	enum rc rc = name_recipient(k, to, err);
	if (rc != RC_OK)
		return rc;
	const struct resolving where = { k->n, k->r, k->types, mail, LANE_INCIDENT, clock_now_us(), k->a };
	rc = mail ? notify_resolve(&where, k->out->recipient, &k->who, err) :
		    fail(err, RC_ABSENT, "this node sends no mail");
	k->out->name = k->who.name;
	k->out->address = k->who.address;
	return rc;
}

/* --- may it --- */

static enum rc judge(struct planning *k, struct err *err)
{
	static const enum pap as_strict[] = { PAP_CLEAR, PAP_GREEN, PAP_AMBER, PAP_AMBER, PAP_RED };
	struct thread_plan *out = k->out;
	const struct viewer *to = &k->who.to.viewer;
	const struct labels labels = { .tlp = out->tlp, .pap = as_strict[out->tlp], .sources = 1, .exercise = k->exercise,
				       .invited = out->organisation.n > 0 };
	struct decision d = may_disclose(&labels, &to->as, CHANNEL_MAIL, PURPOSE_HANDLING, &to->policy);
	enum rc rc = rehearsal_of(k->r, &k->who.to, out->recipient, STR("mail.letter"), &out->live, err);
	if (rc == RC_OK)
		rc = secure_plan(k->n, &k->who, out->tlp, k->a, &out->secure, err);
	if (rc != RC_OK)
		return rc;
	out->may = d.verdict != DISCLOSE_NO && out->secure.how != SECURE_REFUSED && out->tlp < TLP_RED;
	out->words = out->tlp >= TLP_RED ? STR("TLP:RED is never sent by mail") :
		     d.verdict == DISCLOSE_NO || out->may ? str_of(d.rule) : out->secure.words;
	return RC_OK;
}

static enum rc plan(struct planning *k, struct err *err)
{
	struct thread_plan *out = k->out;
	*out = (struct thread_plan){ .recipient = STR(""), .name = STR(""), .address = STR(""), .subject = STR(""),
				     .words = STR(""), .previous = STR(""), .in_reply_to = STR(""),
				     .references = STR(""), .organisation = STR(""), .tlp = TLP_GREEN };
	if (k->v->as.kind != RECIPIENT_STAFF)
		return fail(err, RC_DENIED, "letters are written by our own people");
	if (k->q->tlp.n > 0 && !tlp_parse(k->q->tlp, &out->tlp))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no marking", STR_ARG(k->q->tlp));
	if (k->q->text.n > THREAD_TEXT_MAX)
		return fail(err, RC_LIMIT, "a letter has at most %d bytes", THREAD_TEXT_MAX);
	enum rc rc = take_case(k, err);
	if (rc == RC_OK)
		rc = take_answered(k, err);
	if (rc == RC_OK)
		rc = find_recipient(k, err);
	if (rc == RC_OK && k->q->subject.n > 0)
		out->subject = k->q->subject;
	return rc == RC_OK ? judge(k, err) : rc;
}

static enum rc plan_with(struct planning *k, struct err *err)
{
	struct snapshot *types = records_types_snapshot(k->w->records);
	struct snapshot_ref *ref = snapshot_hold(types);
	k->types = snapshot_table(ref);
	enum rc rc = store_read_begin(k->w->store, &k->r, err);
	if (rc == RC_OK) {
		rc = plan(k, err);
		store_read_end(k->r);
	}
	snapshot_drop(types, ref);
	return rc;
}

enum rc thread_plan(const struct notify *n, const struct viewer *v, const struct thread_letter *q, struct arena *a,
		    struct thread_plan *out, struct err *err)
{
	struct planning k = { .n = n, .w = notify_world_of(n), .v = v, .q = q, .a = a, .out = out };
	return plan_with(&k, err);
}

enum rc thread_begin(const struct notify *n, const struct viewer *v, str name, str writer, struct thread_letter *q,
		     struct arena *a, struct err *err)
{
	struct thread_plan p;
	struct planning k = { .n = n, .w = notify_world_of(n), .v = v, .q = q, .a = a, .out = &p };
	str subject = STR(""), text = STR("");
	struct reader *r = NULL;
	enum rc rc = plan_with(&k, err);
	if (rc == RC_OK)
		rc = store_read_begin(k.w->store, &r, err);
	if (rc == RC_OK) {
		const struct letter_facts facts = { .to = p.name.n ? p.name : p.address, .number = k.number, .title = k.title,
						    .writer = writer };
		rc = letter_text_make(n, reader_conn(r), name, &facts, a, &subject, &text, err);
		store_read_end(r);
	}
	if (rc == RC_OK && p.subject.n == 0)
		q->subject = subject;
	if (rc == RC_OK)
		q->text = text;
	return rc;
}

/* --- writing --- */

struct writing {
	struct planning *k;
	const struct type *type;
	str fields, labels, id, why;
	int64_t message;
};

static void put(struct json_out *j, const struct type *t, const char *meaning, str value)
{
	const struct type_field *f = thread_field(t, meaning);
	if (f && value.n > 0)
		json_put_str(j, f->name, value);
}

static void make_fields(struct writing *w, struct buf *out)
{
	struct planning *k = w->k;
	const struct thread_plan *p = k->out;
	struct json_out j = json_out(out);
	const struct type_field *to = thread_field(w->type, "mail.to"), *at = thread_field(w->type, "mail.at");
	json_open(&j, '{');
	put(&j, w->type, "mail.subject", p->subject);
	put(&j, w->type, "mail.direction", STR("out"));
	put(&j, w->type, "mail.kind", STR("message"));
	put(&j, w->type, "mail.from", settings_text(k->w->settings, "mail_from"));
	if (to) {
		json_key(&j, str_of(to->name));
		json_open(&j, '[');
		json_str(&j, p->name.n ? arena_fmt(k->a, STR_FMT " <" STR_FMT ">", STR_ARG(str_head(p->name, 200)), STR_ARG(p->address)) :
					 p->address);
		json_close(&j, ']');
	}
	if (at)
		json_put_time(&j, at->name, clock_now_us());
	put(&j, w->type, "mail.letter-subject", p->subject);
	put(&j, w->type, "mail.letter", k->q->text);
	put(&j, w->type, "mail.incident", k->about);
	put(&j, w->type, "mail.organisation", p->organisation);
	put(&j, w->type, "mail.previous", p->previous);
	put(&j, w->type, "mail.in-reply-to", p->in_reply_to);
	put(&j, w->type, "mail.recipient", p->recipient);
	json_close(&j, '}');
}

static str labels_of_letter(struct arena *a, enum tlp tlp, bool exercise)
{
	return arena_fmt(a, "{\"tlp\":\"%s\"%s}", tlp_name(tlp), exercise ? ",\"exercise\":true" : "");
}

static enum rc change(struct tx *tx, struct writing *w, const struct change_request *q, uint64_t *version_out,
		      struct err *err)
{
	struct change_errors errors = { .count = 0 };
	struct record_view v = { 0 };
	enum rc rc = change_record_tx(tx, w->k->w->records, w->k->v, q, w->k->a, &v, &errors, err);
	if (rc == RC_OK) {
		w->id = record_view_id(&v, w->k->a);
		*version_out = record_view_version(&v);
	} else if (errors.count > 0) {
		rc = fail(err, rc, "%s: %s", errors.list[0].field ? errors.list[0].field->name : "the record",
			  errors.list[0].text);
	}
	record_view_end(&v);
	return rc;
}

static str details_of(struct planning *k)
{
	struct buf b = BUF_INIT(OUTBOX_DETAILS_MAX);
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "in_reply_to", str_head(k->out->in_reply_to, 250));
	json_put_str(&j, "references", str_head(k->out->references, 8000));
	json_close(&j, '}');
	str details = arena_str(k->a, buf_str(&b));
	buf_free(&b);
	return details;
}

/* The record, that it goes, and its message: all or nothing. */
static enum rc send_job(struct tx *tx, void *ctx, struct err *err)
{
	struct writing *w = ctx;
	struct planning *k = w->k;
	uint64_t version = 0;
	const struct meaning *queued = type_meaning(w->type, STR("mail.queued"));
	const struct change_request made = { .type = str_of(w->type->name), .fields = w->fields, .labels = w->labels,
					     .why = STR("a letter") };
	enum rc rc = queued && !queued->field ? change(tx, w, &made, &version, err) :
						fail(err, RC_ABSENT, "mails have no state that means 'mail.queued'");
	if (rc != RC_OK)
		return rc;
	const struct change_request goes = { .id = w->id, .fields = STR("{}"), .why = STR("sent"),
					     .to_state = str_of(w->type->states[queued->state].name) };
	rc = change(tx, w, &goes, &version, err);
	if (rc != RC_OK)
		return rc;
	const struct message m = {
		.lane = LANE_INCIDENT, .driver = STR("mail"), .recipient = k->out->recipient, .item = w->id,
		.item_version = version, .template = STR("mail.letter"), .details = details_of(k),
		.purpose = PURPOSE_HANDLING, .policy = k->v->policy.number,
		.maker = arena_fmt(k->a, "letter:" STR_FMT, STR_ARG(w->id)), .made_at = 1,
	};
	return outbox_put(tx, &m, NULL, 0, &w->message, err);
}

enum rc thread_send(const struct notify *n, const struct viewer *v, const struct thread_letter *q, struct arena *a,
		    str *id_out, int64_t *message_out, struct err *err)
{
	struct thread_plan p;
	struct planning k = { .n = n, .w = notify_world_of(n), .v = v, .q = q, .a = a, .out = &p };
	struct buf fields = BUF_INIT(WORDS_MAX);
	enum rc rc = plan_with(&k, err);
	if (rc == RC_OK && !p.may)
		rc = fail(err, RC_DENIED, STR_FMT, STR_ARG(p.words));
	if (rc == RC_OK && (str_trim_all(q->text).n == 0 || p.subject.n == 0))
		rc = fail(err, RC_INPUT, "a letter has a subject and a text");
	if (rc != RC_OK)
		return rc;
	struct snapshot *types = records_types_snapshot(k.w->records);
	struct snapshot_ref *ref = snapshot_hold(types);
	struct writing w = { .k = &k, .type = types_meaning(snapshot_table(ref), STR("mail.recipient")) };
	if (!w.type) {
		rc = fail(err, RC_ABSENT, "no type of records means 'mail.recipient'");
	} else {
		make_fields(&w, &fields);
		w.fields = buf_str(&fields);
		w.labels = labels_of_letter(a, p.tlp, k.exercise);
		rc = store_write(k.w->store, send_job, &w, err);
	}
	buf_free(&fields);
	snapshot_drop(types, ref);
	*id_out = w.id;
	*message_out = w.message;
	return rc;
}

/* --- notes --- */

static enum rc note_job(struct tx *tx, void *ctx, struct err *err)
{
	struct writing *w = ctx;
	uint64_t version;
	int64_t link;
	const struct change_request made = { .type = str_of(w->type->name), .fields = w->fields, .labels = w->labels };
	enum rc rc = change(tx, w, &made, &version, err);
	return rc == RC_OK ? change_link_tx(tx, w->k->w->records, w->k->v, w->id, STR("about"), w->k->about, STR(""), w->k->a,
					    &link, err) : rc;
}

enum rc thread_note(const struct notify *n, const struct viewer *v, str about, str text, str tlp, struct arena *a,
		    str *id_out, struct err *err)
{
	struct thread_plan p = { .tlp = TLP_AMBER };
	const struct thread_letter q = { .about = about };
	struct planning k = { .n = n, .w = notify_world_of(n), .v = v, .q = &q, .a = a, .out = &p };
	struct snapshot *types = records_types_snapshot(k.w->records);
	struct snapshot_ref *ref = snapshot_hold(types);
	struct writing w = { .k = &k, .type = types_meaning(snapshot_table(ref), STR("note.text")) };
	struct buf fields = BUF_INIT(WORDS_MAX);
	str rest = str_trim_all(text), first = str_cut(&rest, '\n');
	k.types = snapshot_table(ref);
	enum rc rc = tlp.n > 0 && !tlp_parse(tlp, &p.tlp) ? fail(err, RC_INPUT, "'" STR_FMT "' is no marking", STR_ARG(tlp)) :
		     first.n == 0 ? fail(err, RC_INPUT, "a note has a text") :
		     !w.type ? fail(err, RC_ABSENT, "no type of records means 'note.text'") :
			       store_read_begin(k.w->store, &k.r, err);
	if (rc == RC_OK) {
		rc = take_case(&k, err);
		store_read_end(k.r);
	}
	if (rc == RC_OK) {
		struct json_out j = json_out(&fields);
		size_t n_first = first.n > 150 ? 150 : first.n;
		while (n_first > 0 && n_first < first.n && ((unsigned char)first.p[n_first] & 0xc0) == 0x80)
			n_first--;
		json_open(&j, '{');
		json_put_str(&j, w.type->title->name, str_trim_all(str_head(first, n_first)));
		put(&j, w.type, "note.text", str_trim_all(text));
		json_close(&j, '}');
		w.fields = buf_str(&fields);
		w.labels = labels_of_letter(a, p.tlp, k.exercise);
		rc = store_write(k.w->store, note_job, &w, err);
	}
	*id_out = w.id;
	buf_free(&fields);
	snapshot_drop(types, ref);
	return rc;
}
