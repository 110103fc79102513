/* SPDX-License-Identifier: Apache-2.0 */
/* Everything is done as the people of the demonstration would do it, by the calls of the pages, with
 * their rights: so journal, ledger and timeline have it as they would. */
#include "node/demo_story.h"

#include "duty/call.h"
#include "duty/handover.h"
#include "incident/from.h"
#include "incident/takedown.h"
#include "disclosure/make.h"

enum { FINDINGS_MOST = 6, NAMES_MOST = 24 };

/* What the texts below name as {finding}, {incident}, … */
struct named {
	const char *name;
	str id;
};

struct story {
	struct node *n;
	const struct types *types;
	struct arena *a;
	struct viewer lead, duty, analyst;
	struct named names[NAMES_MOST];
	size_t count;
};

static void name_it(struct story *s, const char *name, str id)
{
	if (s->count < NAMES_MOST)
		s->names[s->count++] = (struct named){ name, id };
}

static str named(const struct story *s, str name)
{
	for (size_t i = 0; i < s->count; i++)
		if (str_eq(str_of(s->names[i].name), name))
			return s->names[i].id;
	return STR("");
}

/* The text with what is named in it: "{incident}". A brace before anything else stays. */
static str fill(const struct story *s, const char *text)
{
	struct buf b = BUF_INIT(KIB(64));
	for (const char *p = text; *p;) {
		const char *end = *p == '{' ? strchr(p, '}') : NULL;
		str id = end ? named(s, (str){ p + 1, (size_t)(end - p - 1) }) : STR("");
		buf_add(&b, id.n > 0 ? id : (str){ p, 1 });
		p = id.n > 0 ? end + 1 : p + 1;
	}
	str filled = arena_str(s->a, buf_str(&b));
	buf_free(&b);
	return filled;
}

static enum rc done(enum rc rc, const struct change_errors *errors, const char *what, struct err *err)
{
	if (rc == RC_OK)
		return RC_OK;
	struct err why = *err;
	return fail(err, rc, "the demonstration's %s: %s", what, errors->count ? errors->list[0].text : why.text);
}

/* --- people and findings --- */

static enum rc person(struct story *s, struct conn *c, const char *name, const char *as, struct viewer *out,
		      struct err *err)
{
	struct account account;
	enum rc rc = account_by_name(c, s->n->roles, str_of(name), s->a, &account, err);
	if (rc == RC_OK)
		rc = account_viewer(c, s->n->roles, account.id, CHANNEL_SCREEN, out, err);
	if (rc == RC_OK)
		rc = policies_apply(s->n->policies, out, err);
	if (rc == RC_OK)
		name_it(s, as, duty_person_id(&out->person, s->a));
	return rc;
}

struct picking {
	struct story *s;
	size_t count;
	int64_t holder;            /* of the first one: number in the directory */
};

static bool pick(void *ctx, const struct finding *f)
{
	static const char *const findings[FINDINGS_MOST] = { "finding", "finding-2", "finding-3", "finding-4",
							     "finding-5", "finding-6" };
	struct picking *k = ctx;
	if (f->concerns.count == 0 || !str_eq(f->cc, STR("ID")) || k->count >= FINDINGS_MOST)
		return k->count < FINDINGS_MOST;
	if (k->count == 0)
		k->holder = f->concerns.list[0].org;
	name_it(k->s, findings[k->count++], arena_fmt(k->s->a, "finding--%016llx%016llx", (unsigned long long)f->id.hi,
						   (unsigned long long)f->id.lo));
	return true;
}

static enum rc name_holder(struct story *s, struct reader *r, int64_t number, struct err *err)
{
	struct record_view v = { 0 };
	enum rc rc = read_record(r, s->types, &s->lead, arena_fmt(s->a, "organisation-%lld", (long long)number), s->a,
				 &v, err);
	if (rc == RC_OK)
		name_it(s, "organisation", record_view_id(&v, s->a));
	record_view_end(&v);
	return rc;
}

/* Who acts, and on what. *told: there is no finding yet, or it was all told before. */
static enum rc begin(struct story *s, bool *told, struct err *err)
{
	struct picking k = { .s = s };
	struct finding_query q = { .severity = "critical", .type = "system-compromise", .limit = 500 };
	struct record_query any = { .type = NULL };
	struct case_type t;
	struct reader *r = NULL;
	uint64_t count = 0;
	bool more;
	*told = true;
	if (!case_type_find(s->types, &t))
		return RC_OK;
	any.type = t.type;
	enum rc rc = store_read_begin(s->n->store, &r, err);
	if (rc == RC_OK)
		rc = person(s, reader_conn(r), "Lead A", "lead", &s->lead, err);
	if (rc == RC_OK)
		rc = person(s, reader_conn(r), "Duty A", "duty", &s->duty, err);
	if (rc == RC_OK)
		rc = person(s, reader_conn(r), "Analyst A", "analyst", &s->analyst, err);
	if (rc == RC_OK)
		rc = read_record_count(r, s->types, &s->lead, &any, 1, &count, &more, err);
	if (rc == RC_OK && count == 0)
		rc = read_findings(r, &s->lead, &q, pick, &k, err);
	if (rc == RC_OK && k.count > 0)
		rc = name_holder(s, r, k.holder, err);
	*told = count > 0 || k.count < FINDINGS_MOST;
	if (r)
		store_read_end(r);
	return rc;
}

/* --- the steps --- */

static enum rc make_case(struct story *s, const struct viewer *v, const char *source, bool open, const char *fields,
			 const char *as, struct err *err)
{
	struct change_errors errors = { .count = 0 };
	str from = named(s, str_of(source)), id = STR("");
	struct snapshot_ref *directory = node_directory(s->n);
	const struct from_request q = { .sources = &from, .source_count = 1, .fields = fill(s, fields), .open = open,
					.why = STR_NONE, .language = STR("en") };
	enum rc rc = case_from(s->n->records, s->n->store, s->types, snapshot_table(directory), v, &q, s->a, &id,
			       &errors, err);
	snapshot_drop(s->n->directory, directory);
	name_it(s, as, id);
	return done(rc, &errors, as, err);
}

/* `id`: of a record that changes; NULL: one of `type` is made, and known as `as` from then on. */
static enum rc put(struct story *s, const struct viewer *v, const char *id, const char *type, const char *to_state,
		   const char *fields, const char *as, struct err *err)
{
	struct change_errors errors = { .count = 0 };
	struct record_view view = { 0 };
	struct change_request q = { .type = type ? str_of(type) : STR_NONE, .id = id ? named(s, str_of(id)) : STR_NONE,
				    .fields = fields ? fill(s, fields) : STR_NONE,
				    .to_state = to_state ? str_of(to_state) : STR_NONE };
	enum rc rc = change_record(s->n->records, s->n->store, v, &q, s->a, &view, &errors, err);
	if (rc == RC_OK && as)
		name_it(s, as, record_view_id(&view, s->a));
	record_view_end(&view);
	return done(rc, &errors, as ? as : id, err);
}

static enum rc call(struct story *s, const struct viewer *v, const char *about, const char *result, const char *words,
		    struct err *err)
{
	struct call_done made;
	const struct call_said q = { .about = named(s, str_of(about)), .organisation = named(s, STR("organisation")),
				     .contact = STR("Operations desk"), .role = STR("abuse"), .phone = STR("+62 21 0000000"),
				     .direction = STR("out"), .result = str_of(result), .words = str_of(words),
				     .at_us = TIME_NONE };
	return done(call_save(s->n->records, s->n->store, s->n->policies, s->types, v, &q, s->a, &made, err),
		    &(struct change_errors){ .count = 0 }, "call", err);
}

static enum rc tasks(struct story *s, struct err *err)
{
	struct made made;
	const struct make_request q = { .origin = named(s, STR("plan")), .parent = named(s, STR("incident")),
					.calendar = s->n->calendar, .now_us = clock_now_us(), .language = STR("en") };
	enum rc rc = change_make(s->n->records, s->n->store, &s->duty, &q, s->a, &made, err);
	return done(rc, &(struct change_errors){ .count = 0 }, "tasks", err);
}

/* From the finding to the end. */
static enum rc tell(struct story *s, struct err *err)
{
	enum rc rc = put(s, &s->lead, NULL, "plan", NULL,
			 "{\"title\":\"A web server was broken into\",\"purpose\":\"When a page of a constituent was changed or "
			 "sends spam.\",\"for_type\":\"incident\",\"steps\":["
			 "{\"title\":\"Call the operations desk\",\"role\":\"duty\",\"after\":\"PT1H\"},"
			 "{\"title\":\"Ask for a copy of the logs\",\"role\":\"analyst\",\"after\":\"P1D\"},"
			 "{\"title\":\"See that the way in is closed\",\"role\":\"analyst\",\"after\":\"P3D\"}]}", "plan", err);
	if (rc == RC_OK)
		rc = put(s, &s->lead, "plan", NULL, "in-use", NULL, NULL, err);
	if (rc == RC_OK)
		rc = make_case(s, &s->duty, "finding", true,
			       "{\"organisation\":\"{organisation}\",\"assignee\":\"{duty}\",\"summary\":\"The web server sends spam "
			       "by a script that is not theirs. Seen by the web watch two days running.\"}", "incident", err);
	if (rc == RC_OK)
		rc = tasks(s, err);
	if (rc == RC_OK)
		rc = call(s, &s->duty, "incident", "no-answer", "Rang for two minutes.", err);
	if (rc == RC_OK)
		rc = call(s, &s->duty, "incident", "reached", "They take the page off line now and look for the way in.", err);
	if (rc == RC_OK)
		rc = put(s, &s->duty, NULL, "handover", NULL,
			 "{\"title\":\"Hand-over of the day\",\"leaves\":\"{duty}\",\"takes\":\"{analyst}\",\"words\":\"They were "
			 "reached and are at work; ask them for the logs.\",\"items\":[{\"kind\":\"open\",\"item\":\"{incident}\","
			 "\"title\":\"A broken web server, its holder reached\"}]}", "handover", err);
	if (rc == RC_OK)
		rc = done(handover_sign(s->n->records, s->n->store, s->types, &s->analyst, named(s, STR("handover")), s->a, err),
			  &(struct change_errors){ .count = 0 }, "signature", err);
	if (rc == RC_OK)
		rc = put(s, &s->analyst, "incident", NULL, NULL, "{\"assignee\":\"{analyst}\"}", NULL, err);
	return rc != RC_OK ? rc : put(s, &s->analyst, "incident", NULL, "resolved",
				      "{\"resolution\":\"solved\",\"outcome\":\"An old plug-in was the way in; it is gone, the page "
				      "is clean, passwords were changed.\"}", NULL, err);
}

/* A page that should go: those who can take it down are found by its address, and asked. */
static enum rc take_down(struct story *s, struct err *err)
{
	struct change_errors errors = { .count = 0 };
	size_t asked;
	int64_t link;
	struct takedown_ask ask = { .id = STR("") };
	const struct takedown_new q = { .incident = STR_NONE, .target = STR("http://198.18.19.9/wp-content/login.php"),
					.fields = STR("{\"kind\":\"phishing\",\"imitates\":\"Bank Dua\"}"),
					.language = STR("en") };
	enum rc rc = takedown_make(s->n->takedowns, &s->duty, &q, s->a, &ask.id, NULL, &errors, err);
	if (rc == RC_OK)
		rc = takedown_ask(s->n->takedowns, &s->duty, &ask, s->a, NULL, NULL, &asked, err);
	if (rc == RC_OK) /* not of the incident: what its feed says of passing on is not about this page */
		rc = change_link(s->n->records, s->n->store, &s->duty, ask.id, STR("related"), named(s, STR("second")),
				 STR("the same holder"), &link, err);
	return done(rc, &errors, "takedown", err);
}

/* What lies on the desk besides. */
static enum rc fill_desk(struct story *s, struct err *err)
{
	static const struct {
		const char *source, *as, *fields;
		bool open;
	} cases[] = {
		{ "finding-2", "second", "{\"organisation\":\"{organisation}\",\"assignee\":\"{duty}\"}", true },
		{ "finding-3", "third", "{\"spread\":\"several\"}", false },
		{ "finding-4", "fourth", "{}", false },
	};
	static const struct {
		const char *type, *as, *fields;
	} records[] = {
		{ "question", "question", "{\"title\":\"Web servers broken into\",\"over\":\"findings\","
					  "\"words\":\"type=system-compromise severity=critical\"}" },
		{ "round", "round", "{\"title\":\"Is your abuse desk still there?\",\"kind\":\"contact\",\"question\":"
				    "\"kind=constituent country=ID\",\"texts\":[{\"language\":\"en\",\"subject\":\"Your contact\","
				    "\"text\":\"Please answer this message, so that we know that it reaches you.\"}]}" },
		{ "organisation", "twin", "{\"name\":\"Bank Dua\",\"kind\":\"constituent\",\"country\":\"ID\","
					  "\"sector\":\"finance\"}" },
		{ "evidence", "evidence", "{\"title\":\"Logs of the web server\",\"exhibit\":\"1/1\",\"case\":\"{incident}\"}" },
		{ "campaign", "campaign", "{\"title\":\"Spam from old plug-ins\",\"description\":\"Several web servers with the "
					  "same plug-in were broken into.\"}" },
	};
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(cases); i++)
		rc = make_case(s, &s->duty, cases[i].source, cases[i].open, cases[i].fields, cases[i].as, err);
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(records); i++)
		rc = put(s, &s->lead, NULL, records[i].type, NULL, records[i].fields, records[i].as, err);
	static const char *const parts[] = { "incident", "second" };
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(parts); i++) {
		int64_t link;
		rc = change_link(s->n->records, s->n->store, &s->lead, named(s, str_of(parts[i])), STR("part-of"),
				 named(s, STR("campaign")), STR("the same plug-in"), &link, err);
	}
	if (rc == RC_OK)
		rc = take_down(s, err);
	return rc == RC_OK ? put(s, &s->duty, "second", NULL, NULL, "{\"title\":\"A second web server of the same holder\"}",
				 NULL, err) : rc;
}

enum rc demo_story(struct node *n, struct err *err)
{
	struct snapshot_ref *types = snapshot_hold(n->types);
	struct story s = { .n = n, .types = snapshot_table(types), .a = arena_new(KIB(64)) };
	bool told;
	enum rc rc = begin(&s, &told, err);
	if (rc == RC_OK && !told)
		rc = tell(&s, err);
	if (rc == RC_OK && !told)
		rc = fill_desk(&s, err);
	arena_free(s.a);
	snapshot_drop(n->types, types);
	return rc;
}
