/* SPDX-License-Identifier: Apache-2.0 */
/* The card of an organisation, on the page of its record: whom to call now, by what agreement, what
 * it claims, what is open there. Of any type that means "organisation.claims". */
#include "base/clock.h"
#include "directory/call.h"
#include "directory/succession.h"
#include "web/records.h"

#define KEY_SOON (30 * DAY_US)
enum { COUNT_MOST = 1000, AGREEMENTS_MOST = 50 };

struct card {
	struct page *p;
	const struct record_view *v;
	const struct type *t;
	str id, zone;
	int64_t now_us;
	str confirmed;         /* the newest day a contact answered */
	struct contact *contacts;
	size_t count;
};

static const struct type_field *field_of(const struct type *t, const char *word)
{
	const struct meaning *m = t ? type_meaning(t, str_of(word)) : NULL;
	return m ? m->field : NULL;
}

static struct json_object *value_of(const struct card *c, const char *word)
{
	const struct type_field *f = field_of(c->t, word);
	return f ? json_get(c->v->body, f->name) : NULL;
}

static str usual_zone(const struct card *c)
{
	return settings_text(c->p->w->n->settings, "timezone");
}

/* --- contacts --- */

static str choice_words(const struct card *c, const struct type_field *rows, const char *column, str name)
{
	for (size_t i = 0; i < rows->row_count; i++) {
		const struct type_field *f = &rows->rows[i];
		for (size_t k = 0; strcmp(f->name, column) == 0 && k < f->choice_count; k++)
			if (str_eq(str_of(f->choices[k].name), name))
				return str_of(words_in(f->choices[k].label, c->p->language));
	}
	return name;
}

static void put_key(const struct card *c, struct json_object *o)
{
	struct json_out *j = &c->p->j;
	str until = json_get_str(o, "key_until");
	int64_t us;
	json_put_str(j, "key", json_get_str(o, "key"));
	json_put_str(j, "key_until", until);
	if (!until.n || !time_parse(until, true, &us))
		return;
	json_put_bool(j, "key_expired", us + DAY_US <= c->now_us);
	json_put_bool(j, "key_soon", us + DAY_US > c->now_us && us < c->now_us + KEY_SOON);
}

static void put_contact(struct card *c, const struct type_field *f, struct json_object *o)
{
	static const char *const plain[] = { "name", "email", "phone", "hours", "languages", "source", "seen",
					     "confirmed" };
	struct json_out *j = &c->p->j;
	int64_t opens, unanswered = 0;
	enum open_now open = hours_open(json_get_str(o, "hours"), c->zone, usual_zone(c), c->now_us, &opens);
	str confirmed = json_get_str(o, "confirmed");
	json_open(j, '{');
	for (size_t i = 0; i < COUNT_OF(plain); i++)
		json_put_str(j, plain[i], json_get_str(o, plain[i]));
	json_put_str(j, "role", json_get_str(o, "role"));
	json_put_str(j, "role_label", choice_words(c, f, "role", json_get_str(o, "role")));
	json_put_str(j, "channel", choice_words(c, f, "channel", json_get_str(o, "channel")));
	json_put_str(j, "now", str_of(open_now_name(open)));
	json_put_bool(j, "closed", open == OPEN_LATER);
	if (open == OPEN_LATER && opens != TIME_NONE)
		json_put_time(j, "opens", opens);
	if (json_get_i64(o, "unanswered", &unanswered) && unanswered > 0)
		json_put_i64(j, "unanswered", unanswered);
	put_key(c, o);
	json_close(j, '}');
	if (str_cmp(confirmed, c->confirmed) > 0)
		c->confirmed = confirmed;
	struct contact *to = &c->contacts[c->count++];
	*to = (struct contact){ .role = json_get_str(o, "role"), .name = json_get_str(o, "name"),
				.email = json_get_str(o, "email"), .phone = json_get_str(o, "phone"),
				.channel = json_get_str(o, "channel"), .hours = json_get_str(o, "hours") };
	(void)json_get_i64(o, "order", &to->order);
}

static void put_contacts(struct card *c)
{
	const struct type_field *f = field_of(c->t, "organisation.contacts");
	struct json_object *list = value_of(c, "organisation.contacts");
	struct json_out *j = &c->p->j;
	struct call call;
	char local[40];
	c->contacts = ARENA_ARRAY(c->p->a, json_count(list) + 1, struct contact);
	json_put_str(j, "local_time", local_time(c->zone, usual_zone(c), c->now_us, local));
	json_key(j, STR("contacts"));
	json_open(j, '[');
	for (size_t i = 0; f && i < json_count(list); i++)
		put_contact(c, f, json_at(list, i));
	json_close(j, ']');
	json_put_str(j, "last_confirmed", c->confirmed);
	if (!call_first(c->contacts, c->count, c->zone, usual_zone(c), c->now_us, &call))
		return;
	json_key(j, STR("call"));
	json_open(j, '{');
	json_put_str(j, "name", call.contact->name);
	json_put_str(j, "role", f ? choice_words(c, f, "role", call.contact->role) : STR(""));
	json_put_str(j, "channel", str_of(call.channel));
	json_put_str(j, "reach", call.reach);
	json_put_str(j, "now", str_of(open_now_name(call.open)));
	if (call.open == OPEN_LATER && call.opens_us != TIME_NONE)
		json_put_time(j, "opens", call.opens_us);
	json_close(j, '}');
}

/* --- what else there is of it --- */

static bool put_agreement(void *ctx, const struct record_view *v)
{
	struct card *c = ctx;
	struct json_out *j = &c->p->j;
	struct buf text = BUF_INIT(KIB(8));
	const struct type *t = record_view_type(v);
	static const struct { const char *key, *word; } shown[] = {
		{ "tlp", "agreement.tlp" }, { "from", "agreement.from" }, { "until", "agreement.until" },
	};
	json_open(j, '{');
	record_view_text(v, t->title, &text);
	json_put_str(j, "title", buf_str(&text));
	for (size_t i = 0; i < COUNT_OF(shown); i++) {
		const struct type_field *f = field_of(t, shown[i].word);
		buf_reset(&text);
		if (f)
			record_view_text(v, f, &text);
		json_put_str(j, shown[i].key, buf_str(&text));
	}
	json_put_str(j, "href", record_href(c->p, v, ""));
	json_close(j, '}');
	buf_free(&text);
	return !c->p->doc.over;
}

/* A type he may not read has nothing for him. */
static enum rc unless_denied(enum rc rc)
{
	return rc == RC_DENIED ? RC_OK : rc;
}

static enum rc put_agreements(struct card *c, struct err *err)
{
	const struct types *types = page_types(c->p);
	enum rc rc = RC_OK;
	json_key(&c->p->j, STR("agreements"));
	json_open(&c->p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < types_count(types); i++) {
		const struct type *t = types_at(types, i);
		const struct type_field *party = field_of(t, "agreement.party");
		const struct meaning *in_force = type_meaning(t, STR("agreement.in-force"));
		if (!party || !party->indexed || !in_force || in_force->field)
			continue;
		struct record_query q = { .type = t, .states = UINT64_C(1) << in_force->state, .text = STR(""),
					  .after = STR(""), .filter_count = 1 };
		q.filters[0] = (struct record_filter){ party, COMPARE_IS, { .text = c->id } };
		rc = unless_denied(read_records(c->p->r, types, &c->p->caller.viewer, &q, AGREEMENTS_MOST,
						c->p->a, put_agreement, c, err));
	}
	json_close(&c->p->j, ']');
	return rc;
}

static uint64_t open_states(const struct type *t)
{
	uint64_t states = 0;
	for (size_t i = 0; i < t->state_count; i++)
		if (!t->states[i].closed)
			states |= UINT64_C(1) << i;
	return states;
}

static void put_open(struct card *c, str label, uint64_t count, bool more, str href)
{
	json_open(&c->p->j, '{');
	json_put_str(&c->p->j, "label", label);
	json_put_i64(&c->p->j, "count", (int64_t)count);
	json_put_bool(&c->p->j, "more", more);
	json_put_str(&c->p->j, "href", href);
	json_close(&c->p->j, '}');
}

static bool count_one(void *ctx, const struct finding *f)
{
	uint64_t *n = ctx;
	(void)f;
	return ++*n <= COUNT_MOST;
}

static enum rc put_findings(struct card *c, struct err *err)
{
	const struct directory *d = page_directory(c->p);
	const struct org *o = NULL;
	uint64_t n = 0;
	for (size_t i = 0; d && !o && i < directory_size(d); i++)
		if (uuid_equal(&directory_at(d, i)->record, &c->v->record->id))
			o = directory_at(d, i);
	if (!o || !right_includes(c->p->caller.viewer.right, RIGHT_READ))
		return RC_OK;
	struct finding_query q = { .org = o->id, .limit = COUNT_MOST + 1 };
	enum rc rc = unless_denied(read_findings(c->p->r, &c->p->caller.viewer, &q, count_one, &n, err));
	if (rc == RC_OK && n)
		put_open(c, STR("Findings"), n > COUNT_MOST ? COUNT_MOST : n, n > COUNT_MOST,
			 arena_fmt(c->p->a, "/findings?org=%lld", (long long)o->id));
	return rc;
}

/* Records of any type that belong to it and are not closed. */
static enum rc put_records(struct card *c, struct err *err)
{
	const struct types *types = page_types(c->p);
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < types_count(types); i++) {
		const struct type *t = types_at(types, i);
		uint64_t n = 0;
		bool more = false;
		if (!t->organisation)
			continue;
		struct record_query q = { .type = t, .states = open_states(t), .text = STR(""), .after = STR(""),
					  .only_organisation = c->v->record->id };
		rc = unless_denied(read_record_count(c->p->r, types, &c->p->caller.viewer, &q, COUNT_MOST, &n,
						     &more, err));
		if (rc != RC_OK || !n)
			continue;
		str list = arena_fmt(c->p->a, "/%s", t->name);
		put_open(c, str_of(words_in(t->plural, c->p->language)), n, more,
			 t->organisation->indexed ? page_link(c->p, list.p, t->organisation->name, c->id) : list);
	}
	return rc;
}

/* Whom it took the place of: those that name it as their successor. */
static bool put_before(void *ctx, const struct link_view *l)
{
	struct card *c = ctx;
	const struct type_field *f = field_of(c->t, "organisation.successor");
	if (!f || l->outward || !str_eq(l->kind, str_of(f->name)))
		return true;
	json_open(&c->p->j, '{');
	json_put_str(&c->p->j, "title", l->other_title);
	json_put_str(&c->p->j, "href", id_href(c->p, l->other));
	json_close(&c->p->j, '}');
	return !c->p->doc.over;
}

static enum rc put_family(struct card *c, struct err *err)
{
	static const struct { const char *key, *word; } named[] = {
		{ "regulator", "organisation.regulator" }, { "successor", "organisation.successor" },
	};
	for (size_t i = 0; i < COUNT_OF(named); i++) {
		str id = json_text(value_of(c, named[i].word));
		if (id.n)
			put_reference(c->p, named[i].key, id);
	}
	json_key(&c->p->j, STR("predecessors"));
	json_open(&c->p->j, '[');
	enum rc rc = read_record_links(c->p->r, page_types(c->p), &c->p->caller.viewer, c->id, c->p->a,
				       put_before, c, err);
	json_close(&c->p->j, ']');
	return rc;
}

enum rc put_organisation(struct page *p, const struct record_view *v, struct err *err)
{
	struct card c = { .p = p, .v = v, .t = record_view_type(v), .id = record_view_id(v, p->a),
			  .now_us = clock_now_us(), .confirmed = STR("") };
	if (!field_of(c.t, "organisation.claims"))
		return RC_OK;
	str zone = json_text(value_of(&c, "organisation.timezone"));
	c.zone = zone.n ? zone : STR("");
	json_key(&p->j, STR("card"));
	json_open(&p->j, '{');
	put_contacts(&c);
	json_put_str(&p->j, "succeed_href",
		     record_view_may(v, ACTION_EDIT, -1) ? record_href(p, v, "/succeed") : STR(""));
	enum rc rc = put_agreements(&c, err);
	if (rc == RC_OK)
		rc = put_family(&c, err);
	json_key(&p->j, STR("open_there"));
	json_open(&p->j, '[');
	if (rc == RC_OK)
		rc = put_findings(&c, err);
	if (rc == RC_OK)
		rc = put_records(&c, err);
	json_close(&p->j, ']');
	json_close(&p->j, '}');
	return rc;
}

/* --- one takes another's place --- */

/* What names the successor: as people type it, in the field there is for it. */
static enum rc successor_of(struct page *p, str text, str *out, struct err *err)
{
	const struct type_field *f = field_of(p->type, "organisation.successor");
	enum rc rc = page_reader(p, err);
	*out = STR("");
	if (rc == RC_OK && !f)
		return fail(err, RC_ABSENT, "there is nothing here");
	if (rc == RC_OK)
		rc = read_references(p->r, page_types(p), &p->caller.viewer, f, text, p->language, p->a, out,
				     err);
	return rc == RC_OK && !out->n ? fail(err, RC_INPUT, "say who takes its place") : rc;
}

/* A form, or {"to":"organisation-7","from":"2026-12-01","why":"…","back":false}; programs get
 * {"moved":3,"former":true}. */
enum rc page_organisation_succeed(struct page *p, struct err *err)
{
	struct node *n = p->w->n;
	struct json_object *o = NULL;
	struct record_view old = { 0 };
	struct succession_done done = { 0 };
	bool program = p->body.p != NULL;
	enum rc rc = load_record(p, &old, err);
	if (rc == RC_OK && program)
		rc = json_read(p->body, &o, err);
	struct succession q = { .language = p->language, .now_us = clock_now_us() };
	if (rc == RC_OK) {
		q.from = record_view_id(&old, p->a);
		q.day = program ? json_get_str(o, "from") : page_form(p, "from");
		q.why = program ? json_get_str(o, "why") : page_form(p, "why");
		q.back = page_form(p, "back").n > 0;
		if (program)
			(void)json_get_bool(o, "back", &q.back);
		rc = successor_of(p, program ? json_get_str(o, "to") : page_form(p, "to"), &q.to, err);
	}
	record_view_end(&old);
	if (rc == RC_OK)
		rc = directory_succeed(n->records, n->store, &p->caller.viewer, &q, p->a, &done, err);
	if (rc == RC_OK && program) {
		p->form = FORM_JSON;
		p->template = "record";
		json_put_i64(&p->j, "moved", (int64_t)done.moved);
		json_put_bool(&p->j, "former", done.former);
	} else if (rc == RC_OK) {
		page_go(p, id_href(p, q.to));
	}
	json_free(o);
	return rc;
}
