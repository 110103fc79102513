/* SPDX-License-Identifier: Apache-2.0 */
#include "incident/takedown.h"

#include <json-c/json.h>

#include "disclosure/derive.h"
#include "event/normalise.h"
#include "incident/case.h"
#include "incident/takedown_private.h"

/* --- open --- */

enum rc takedowns_open(const struct takedown_world *w, struct takedowns **out, struct err *err)
{
	struct takedowns *t = x_alloc(sizeof *t);
	bool checks = settings_bool(w->settings, "takedown_check");
	t->w = *w;
	*out = t;
	if (checks && settings_text(w->settings, "takedown_proxy").n == 0)
		return fail(err, RC_INPUT, "takedown_check is on without takedown_proxy: the node does not look from its own address");
	records_add_hook(w->records, &(struct record_hook){ .changed = takedown_changed, .ctx = t });
	store_add_tend(w->store, takedown_tend, t);
	return RC_OK;
}

void takedowns_close(struct takedowns *t)
{
	takedowns_stop(t);
	free(t);
}

/* --- bodies --- */

static str text_of(struct json_object *o, struct arena *a)
{
	return arena_str(a, str_of(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)));
}

static void add_text(struct json_object *o, const char *name, str s)
{
	json_object_object_add(o, name, json_object_new_string_len(s.p ? s.p : "", (int)s.n));
}

/* A copy of the rows that may be changed; json_free(). */
static struct json_object *rows_of(const struct takedown_type *t, struct json_object *body)
{
	struct json_object *rows = json_get(body, t->parties->name), *copy = NULL;
	if (!rows || json_object_deep_copy(rows, &copy, NULL) != 0)
		copy = json_object_new_array();
	return copy;
}

/* --- making --- */

struct making {
	struct takedowns *t;
	const struct viewer *v;
	const struct takedown_new *q;
	struct takedown_type type;
	struct arena *a;
	str fields, labels, id, said;
	bool quiet;
	struct change_errors *errors;
};

static const struct { const char *type, *kind; } kinds[] = {
	{ "phishing", "phishing" }, { "masquerade", "imposter" }, { "malware-distribution", "malware" },
	{ "c2-server", "c2" }, { "data-leak", "leak" },
};

/* What is said of the incident: its kind, how it is marked. */
static enum rc take_incident(struct making *k, struct reader *r, const struct types *types, const char **kind_out,
			     struct err *err)
{
	struct record_view v = { 0 };
	struct case_type c;
	*kind_out = "other";
	if (k->q->incident.n == 0)
		return RC_OK;
	enum rc rc = read_record(r, types, k->v, k->q->incident, k->a, &v, err);
	if (rc == RC_OK && !case_type_of(record_view_type(&v), &c))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no incident", STR_ARG(str_head(k->q->incident, 80)));
	if (rc == RC_OK && c.kind) {
		str type = json_text(case_value(&v, c.kind));
		for (size_t i = 0; i < COUNT_OF(kinds); i++)
			if (str_eq(type, str_of(kinds[i].type)))
				*kind_out = kinds[i].kind;
		if (str_eq(type, STR("violence")))
			rc = fail(err, RC_DENIED, "what is about violence or abuse of children goes to the authority alone: no takedown is made of it");
	}
	if (rc == RC_OK) {
		const struct labels_of *marked = record_view_labels(&v);
		k->quiet = takedown_is_quiet(marked);
		rc = derive_labels(&marked, 1, policy_marks(&k->v->policy), k->a, &k->labels, err);
	}
	record_view_end(&v);
	return rc;
}

/* A URL, or a domain: each in its one form. */
static bool take_target(struct making *k, struct json_object *o, str *target_out)
{
	str text = str_trim_all(k->q->target), one;
	struct buf mended = BUF_INIT(KIB(16));
	for (size_t i = 0; i < text.n; i++) {
		bool dot = str_starts(str_from(text, i), STR("[.]"));
		buf_char(&mended, dot ? '.' : text.p[i]);
		i += dot ? 2 : 0;
	}
	text = arena_str(k->a, buf_str(&mended));
	buf_free(&mended);
	bool url = str_find(text, STR("://")) < text.n;
	if (url ? !url_normalise(text, k->a, &one) : !fqdn_normalise(text, k->a, &one) || !str_has(one, '.'))
		return false;
	add_text(o, url ? k->type.url->name : k->type.domain->name, one);
	*target_out = one;
	return true;
}

static enum rc fill(struct making *k, const char *kind, struct json_object *o, struct err *err)
{
	struct json_object *more = NULL, *rows = NULL;
	struct takedown_found found;
	str target;
	if (!take_target(k, o, &target))
		return fail(err, RC_INPUT, "'" STR_FMT "' is neither a URL nor a domain", STR_ARG(str_head(k->q->target, 80)));
	enum rc rc = k->q->fields.n > 0 ? json_read(k->q->fields, &more, err) : RC_OK;
	if (rc == RC_OK && more) {
		json_object_object_foreach(more, name, value)
			json_object_object_add(o, name, json_object_get(value));
	}
	json_free(more);
	if (rc != RC_OK)
		return rc;
	if (!json_get(o, k->type.kind->name))
		add_text(o, k->type.kind->name, str_of(kind));
	if (!json_get(o, k->type.type->title->name))
		add_text(o, k->type.type->title->name,
			 str_head(arena_fmt(k->a, STR_FMT ": " STR_FMT, STR_ARG(json_get_str(o, k->type.kind->name)),
					    STR_ARG(takedown_defanged(str_head(target, 120), k->a))), 190));
	if (k->q->incident.n > 0 && k->type.incident)
		add_text(o, k->type.incident->name, k->q->incident);
	rows = rows_of(&k->type, o);
	rc = takedown_find(k->t, k->v, target, json_get_str(o, k->type.kind->name), k->quiet, rows, k->a, &found, err);
	k->said = found.said;
	json_object_object_add(o, k->type.parties->name, rows);
	return rc;
}

static enum rc make_job(struct tx *tx, void *ctx, struct err *err)
{
	struct making *k = ctx;
	struct record_view made = { 0 };
	int64_t link;
	const struct change_request q = { .type = str_of(k->type.type->name), .fields = k->fields, .labels = k->labels,
					  .language = k->q->language };
	enum rc rc = change_record_tx(tx, k->t->w.records, k->v, &q, k->a, &made, k->errors, err);
	if (rc == RC_OK)
		k->id = record_view_id(&made, k->a);
	record_view_end(&made);
	if (rc == RC_OK && k->q->incident.n > 0)
		rc = change_link_tx(tx, k->t->w.records, k->v, k->id, STR("part-of"), k->q->incident, STR(""), k->a, &link, err);
	return rc;
}

/* "incident-42" as its id, for the reference. */
static enum rc resolve_incident(struct making *k, struct takedown_new *q, struct reader *r, const struct types *types,
				struct err *err)
{
	struct record_view v = { 0 };
	if (q->incident.n == 0)
		return RC_OK;
	enum rc rc = read_record(r, types, k->v, q->incident, k->a, &v, err);
	if (rc == RC_OK)
		q->incident = record_view_id(&v, k->a);
	record_view_end(&v);
	return rc;
}

enum rc takedown_make(struct takedowns *t, const struct viewer *v, const struct takedown_new *asked,
		      struct arena *a, str *id_out, str *said_out, struct change_errors *errors, struct err *err)
{
	struct takedown_new q = *asked;
	struct making k = { .t = t, .v = v, .q = &q, .a = a, .labels = STR_NONE, .said = STR(""), .errors = errors };
	struct reader *r = NULL;
	const char *kind = "other";
	struct json_object *o = json_object_new_object();
	struct snapshot *types = records_types_snapshot(t->w.records);
	struct snapshot_ref *held = snapshot_hold(types);
	enum rc rc = takedown_type_find(snapshot_table(held), &k.type) ? store_read_begin(t->w.store, &r, err) :
									 fail(err, RC_ABSENT, "no type here is a takedown");
	if (rc == RC_OK)
		rc = resolve_incident(&k, &q, r, snapshot_table(held), err);
	if (rc == RC_OK)
		rc = take_incident(&k, r, snapshot_table(held), &kind, err);
	if (r)
		store_read_end(r);
	if (rc == RC_OK)
		rc = fill(&k, kind, o, err);
	if (rc == RC_OK) {
		k.fields = text_of(o, a);
		rc = store_write(t->w.store, make_job, &k, err);
	}
	json_free(o);
	snapshot_drop(types, held);
	if (rc == RC_DENIED)
		change_refused(t->w.records, t->w.store, v, STR("takedown"), str_of(err ? err->text : "denied"));
	*id_out = rc == RC_OK ? k.id : STR("");
	if (said_out)
		*said_out = k.said;
	return rc;
}

/* --- a record that is there --- */

struct one {
	struct takedowns *t;
	const struct viewer *v;
	struct takedown_type type;
	struct record_view view;
	struct reader *r;
	struct snapshot_ref *held;
	struct arena *a;
	str id;
	uint64_t version;
	int state;
};

static void one_end(struct one *k)
{
	record_view_end(&k->view);
	if (k->r)
		store_read_end(k->r);
	if (k->held)
		snapshot_drop(records_types_snapshot(k->t->w.records), k->held);
	k->r = NULL;
	k->held = NULL;
	k->view = (struct record_view){ 0 };
}

static enum rc one_begin(struct one *k, str id, struct err *err)
{
	k->held = snapshot_hold(records_types_snapshot(k->t->w.records));
	enum rc rc = store_read_begin(k->t->w.store, &k->r, err);
	if (rc == RC_OK)
		rc = read_record(k->r, snapshot_table(k->held), k->v, id, k->a, &k->view, err);
	if (rc == RC_OK && (!takedown_type_of(record_view_type(&k->view), &k->type) ||
			    record_view_cuts(&k->view, k->type.parties)))
		rc = fail(err, RC_ABSENT, "'" STR_FMT "' is no takedown", STR_ARG(str_head(id, 80)));
	if (rc != RC_OK)
		return rc;
	k->id = record_view_id(&k->view, k->a);
	k->version = record_view_version(&k->view);
	k->state = record_view_state(&k->view);
	return RC_OK;
}

struct writing {
	struct one *k;
	str fields, to_state;
	/* messages that go with it */
	struct message *messages;
	str *keys;
	size_t count;
};

static enum rc put_messages(struct tx *tx, struct writing *w, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < w->count; i++) {
		rc = takedown_put_ask(tx, w->k->id, w->keys[i], &w->messages[i], err);
	}
	return rc;
}

static enum rc write_job(struct tx *tx, void *ctx, struct err *err)
{
	struct writing *w = ctx;
	struct one *k = w->k;
	struct record_view made = { 0 };
	struct change_errors errors = { .count = 0 };
	const struct change_request q = { .id = k->id, .based_on = k->version, .fields = w->fields,
					  .to_state = w->to_state };
	enum rc rc = change_record_tx(tx, k->t->w.records, k->v, &q, k->a, &made, &errors, err);
	if (rc == RC_INPUT && errors.count > 0)
		rc = fail(err, RC_INPUT, "%s", errors.list[0].text);
	record_view_end(&made);
	return rc == RC_OK ? put_messages(tx, w, err) : rc;
}

static enum rc write_one(struct writing *w, struct err *err)
{
	struct one *k = w->k;
	struct err why = { 0 };
	enum rc rc = store_write(k->t->w.store, write_job, w, &why);
	if (rc == RC_DENIED)
		change_refused(k->t->w.records, k->t->w.store, k->v, k->id, str_of(why.text));
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}

static str parties_field(const struct one *k, struct json_object *rows)
{
	return arena_fmt(k->a, "{\"%s\":" STR_FMT "}", k->type.parties->name, STR_ARG(text_of(rows, k->a)));
}

enum rc takedown_propose(struct takedowns *t, const struct viewer *v, str id, struct arena *a, size_t *added_out,
			 str *said_out, struct err *err)
{
	struct one k = { .t = t, .v = v, .a = a };
	struct takedown_found found = { .said = STR("") };
	struct json_object *rows = NULL;
	enum rc rc = one_begin(&k, id, err);
	if (rc == RC_OK) {
		rows = rows_of(&k.type, k.view.body);
		str kind = arena_str(a, json_get_str(k.view.body, k.type.kind->name));
		str target = arena_str(a, takedown_target(&k.type, k.view.body));
		store_read_end(k.r); /* no view stays open while a registry thinks */
		k.r = NULL;
		rc = takedown_find(t, v, target, kind, takedown_is_quiet(record_view_labels(&k.view)), rows, a, &found, err);
	}
	*added_out = found.added;
	if (said_out)
		*said_out = found.said;
	struct writing w = { .k = &k, .to_state = STR_NONE };
	if (rc == RC_OK)
		w.fields = parties_field(&k, rows);
	json_free(rows);
	one_end(&k);
	return rc == RC_OK && *added_out > 0 ? write_one(&w, err) : rc;
}

/* --- asking --- */

static bool chosen(const struct takedown_ask *q, const struct takedown_party *p)
{
	if (q->party_count == 0)
		return !str_eq(p->tell, STR("no"));
	for (size_t i = 0; i < q->party_count; i++)
		if (str_eq(q->parties[i], p->key) || str_eq(q->parties[i], p->role))
			return true;
	return false;
}

static void render_line(struct one *k, const struct message *m, struct takedown_line *l)
{
	struct rendering what = { .data = NULL };
	struct err why = { 0 };
	const struct render_as as = { .invited = true, .no_names = !k->v->as.personal_basis };
	enum rc rc = notify_render_as(k->t->w.notify, k->r, snapshot_table(k->held), m, &as, k->a, &what, &why);
	l->told = rc == RC_OK;
	if (rc == RC_OK) {
		l->subject = what.subject;
		l->text = what.text;
		l->address = what.who.address;
		l->language = arena_str(k->a, json_get_str(what.data, "language"));
	} else {
		l->words = arena_str(k->a, str_of(why.text));
	}
	json_free(what.data);
}

static void confirm(struct json_object *rows, size_t i)
{
	add_text(json_at(rows, i), "tell", STR("yes"));
}

/* Those that are told are asked; who is told nothing says why, and stays as it is. */
static size_t ask_each(struct one *k, const struct takedown_ask *q, struct json_object *rows, struct writing *w,
		       takedown_each each, void *ctx)
{
	struct takedown_party list[TAKEDOWN_PARTIES_MOST];
	size_t n = takedown_parties(rows, k->a, list, COUNT_OF(list)), found = 0;
	w->messages = ARENA_ARRAY(k->a, n + 1, struct message);
	w->keys = ARENA_ARRAY(k->a, n + 1, str);
	for (size_t i = 0; i < n; i++) {
		const char *driver = NULL;
		struct takedown_line l = { .party = list[i], .driver = STR(""), .words = STR(""), .subject = STR(""),
					   .text = STR(""), .language = STR(""), .address = STR("") };
		if (!chosen(q, &list[i]))
			continue;
		found++;
		l.recipient = takedown_recipient(k->r, k->t, snapshot_table(k->held), k->id, &list[i], k->a, &driver);
		if (driver) {
			struct message m = takedown_message(k->t, k->id, "takedown.ask", &list[i], l.recipient, driver, 0,
							    k->a);
			l.driver = str_of(driver);
			render_line(k, &m, &l);
			w->messages[w->count] = m;
		} else {
			l.words = STR("no contact is known");
		}
		if (l.told) {
			w->keys[w->count++] = arena_str(k->a, list[i].key);
			confirm(rows, i);
			l.party.tell = STR("yes"); /* the old one is freed */
		}
		if (each && !each(ctx, &l))
			break;
	}
	return found;
}

enum rc takedown_ask(struct takedowns *t, const struct viewer *v, const struct takedown_ask *q, struct arena *a,
		     takedown_each each, void *ctx, size_t *count_out, struct err *err)
{
	struct one k = { .t = t, .v = v, .a = a };
	struct writing w = { .k = &k, .to_state = STR_NONE, .fields = STR_NONE };
	*count_out = 0;
	enum rc rc = one_begin(&k, q->id, err);
	if (rc == RC_OK && !record_view_may(&k.view, ACTION_EDIT, -1))
		rc = fail(err, RC_DENIED, "none of your roles may ask for this");
	if (rc == RC_OK && k.state != k.type.draft && !takedown_is_open(&k.type, k.state) && !q->dry_run)
		rc = fail(err, RC_CONFLICT, "it is over: open it again before anybody is asked");
	if (rc == RC_OK) {
		struct json_object *rows = rows_of(&k.type, k.view.body);
		if (ask_each(&k, q, rows, &w, each, ctx) == 0)
			rc = fail(err, RC_INPUT, "there is nobody of that name who could take it down");
		w.fields = parties_field(&k, rows);
		json_free(rows);
	}
	if (rc == RC_OK && k.state == k.type.draft)
		w.to_state = str_of(k.type.type->states[k.type.asked].name);
	*count_out = w.count;
	one_end(&k);
	return rc == RC_OK && !q->dry_run && w.count > 0 ? write_one(&w, err) : rc;
}

/* --- answers --- */

static bool is_answer(str a)
{
	return str_eq(a, STR("acknowledged")) || str_eq(a, STR("done")) || str_eq(a, STR("refused"));
}

enum rc takedown_answer(struct takedowns *t, const struct viewer *v, str id, str party, str answer, str words,
			struct arena *a, struct err *err)
{
	struct one k = { .t = t, .v = v, .a = a };
	struct takedown_party list[TAKEDOWN_PARTIES_MOST];
	char at[40];
	bool found = false;
	struct writing w = { .k = &k, .to_state = STR_NONE };
	if (!is_answer(answer))
		return fail(err, RC_INPUT, "an answer is 'acknowledged', 'done' or 'refused'");
	enum rc rc = one_begin(&k, id, err);
	if (rc == RC_OK) {
		struct json_object *rows = rows_of(&k.type, k.view.body);
		size_t n = takedown_parties(rows, a, list, COUNT_OF(list));
		for (size_t i = 0; i < n; i++) {
			if (!str_eq(list[i].key, party) && !str_eq(list[i].role, party))
				continue;
			found = true;
			add_text(json_at(rows, i), "answer", answer);
			add_text(json_at(rows, i), "answered", time_str(at, clock_now_us() - clock_now_us() % SECOND_US));
			if (words.n > 0)
				add_text(json_at(rows, i), "words", words);
			break;
		}
		w.fields = parties_field(&k, rows);
		json_free(rows);
	}
	if (rc == RC_OK && !found)
		rc = fail(err, RC_INPUT, "there is nobody of that name who could take it down");
	if (rc == RC_OK && (k.state == k.type.asked || k.state == k.type.relapsed) && str_eq(answer, STR("acknowledged")))
		w.to_state = str_of(k.type.type->states[k.type.acknowledged].name);
	one_end(&k);
	return rc == RC_OK ? write_one(&w, err) : rc;
}
