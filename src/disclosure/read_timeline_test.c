/* SPDX-License-Identifier: Apache-2.0 */
/* What happened with a record: in order, page by page, and only what may be seen. Findings and events
 * are those of doubles. */
#include "disclosure/records_world.h"

#include "disclosure/break_glass.h"
#include "disclosure/floor_test.h"

#include "disclosure/read_timeline.h"
#include "record/outbox.h"
#include "store/fault_test.h"
#include "store/sql.h"

enum { MOST = 64 };
struct seen {
	struct timeline_entry list[MOST];
	size_t n;
	char next[TIMELINE_CURSOR_BYTES];
	bool cut;
};

static bool note(void *ctx, const struct timeline_entry *e)
{
	struct seen *s = ctx;
	if (s->n < MOST)
		s->list[s->n++] = *e;
	return true;
}

static enum rc look(struct world *w, const struct viewer *v, str id, str after, size_t limit, bool messages,
		    struct seen *out)
{
	struct reader *r = begin(w);
	const struct timeline_query q = { .id = id, .after = after, .limit = limit, .language = STR("en"), .messages = messages };
	*out = (struct seen){ .n = 0 };
	enum rc rc = read_timeline(r, types_of(w), v, &q, w->a, note, out, out->next, &out->cut, &err);
	store_read_end(r);
	return rc;
}

static int count(const struct seen *s, enum timeline_kind kind)
{
	int n = 0;
	for (size_t i = 0; i < s->n; i++)
		n += s->list[i].kind == kind;
	return n;
}

static bool has_words(const struct seen *s, const char *text)
{
	for (size_t i = 0; i < s->n; i++) {
		const str parts[] = { s->list[i].what, s->list[i].who, s->list[i].other_title, s->list[i].words };
		for (size_t k = 0; k < COUNT_OF(parts); k++)
			if (str_find(parts[k], str_of(text)) < parts[k].n)
				return true;
	}
	return false;
}

static str put_new(struct world *w, const struct viewer *v, const char *type, const char *fields, const char *labels)
{
	struct record_view view = { 0 };
	const struct change_request q = { .type = str_of(type), .fields = str_of(fields),
					  .labels = labels ? str_of(labels) : STR_NONE };
	CHECK_RC(change(w, v, &q, &view), RC_OK, err);
	str id = view.record ? record_view_id(&view, w->a) : STR("");
	record_view_end(&view);
	return id;
}

static void tell_job_put(struct world *w, str item, const char *recipient, bool sent);

struct telling {
	str item;
	const char *recipient;
	int64_t id;
};

static enum rc tell_job(struct tx *tx, void *ctx, struct err *e)
{
	struct telling *k = ctx;
	const struct message m = { .lane = LANE_INCIDENT, .driver = STR("webhook"), .recipient = str_of(k->recipient),
				   .item = k->item, .item_version = 1, .template = STR("round.notify"), .details = STR("{}"),
				   .maker = STR("test"), .made_at = (uint64_t)strlen(k->recipient) };
	return outbox_put(tx, &m, NULL, 0, &k->id, e);
}

static void tell_job_put(struct world *w, str item, const char *recipient, bool sent)
{
	struct telling k = { .item = item, .recipient = recipient };
	struct message *taken;
	size_t n = 0;
	CHECK_RC(store_write(w->s, tell_job, &k, &err), RC_OK, err);
	if (!sent)
		return;
	CHECK_RC(outbox_take(w->s, "webhook", 1, MINUTE_US, w->a, &taken, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	const struct outcome_of o = { .outcome = OUTCOME_SENT, .rule = "test", .words = STR("accepted") };
	CHECK_RC(outbox_end(w->s, k.id, &o, &err), RC_OK, err);
}

/* An incident of house a with a task, a note, a link to one in red, and two messages. */
static str story(struct world *w, struct viewer *lead)
{
	struct uuid id = make(w, id_str(w, "organisation", &house_a), "{\"tlp\":\"AMBER\"}", 1);
	str incident = id_str(w, "incident", &id);
	int64_t link;
	str task = put_new(w, lead, "task", arena_fmt(w->a, "{\"title\":\"call the bank\",\"parent\":\"" STR_FMT "\"}", STR_ARG(incident)).p, NULL);
	str red = put_new(w, lead, "note", "{\"title\":\"canary red\"}", "{\"tlp\":\"RED\",\"named\":[\"account:1\"]}");
	CHECK_RC(change_link(w->r, w->s, lead, incident, STR("related"), red, STR("canary why"), &link, &err), RC_OK, err);
	CHECK_RC(change(w, lead, &(struct change_request){ .id = incident, .fields = STR("{\"severity\":\"high\",\"internal\":\"x\"}"),
			.why = STR("canary reason") }, NULL), RC_OK, err);
	CHECK_RC(change(w, lead, &(struct change_request){ .id = incident, .to_state = STR("open") }, NULL), RC_OK, err);
	CHECK_RC(change(w, lead, &(struct change_request){ .id = task, .fields = STR("{\"help\":\"by phone\"}") }, NULL), RC_OK, err);
	CHECK_RC(change(w, lead, &(struct change_request){ .id = task, .to_state = STR("done") }, NULL), RC_OK, err);
	tell_job_put(w, incident, "organisation--11111111-1111-4111-8111-111111111111", true);
	tell_job_put(w, incident, "role:duty", false);
	return incident;
}

TEST(in_order)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	struct seen s;
	str id = story(&w, &lead);
	CHECK_RC(look(&w, &lead, id, STR(""), 50, false, &s), RC_OK, err);
	for (size_t i = 1; i < s.n; i++)
		CHECK_MSG(s.list[i - 1].at_us >= s.list[i].at_us, "%zu", i);
	CHECK_INT(count(&s, TIMELINE_MADE), 1);
	CHECK_INT(count(&s, TIMELINE_CHANGED), 1);
	CHECK_INT(count(&s, TIMELINE_MOVED), 1);
	CHECK_INT(count(&s, TIMELINE_LINKED), 2); /* the task's field, and by hand */
	CHECK_INT(count(&s, TIMELINE_RECORD), 3); /* the task made and done, the note made; an edit of it is its own */
	CHECK_INT(count(&s, TIMELINE_MESSAGE), 2);
	CHECK(has_words(&s, "Severity, Internal remarks") && has_words(&s, "canary reason") && has_words(&s, "sent by webhook") &&
	      has_words(&s, "queued by webhook") && has_words(&s, "call the bank"));
	CHECK(s.n && s.list[s.n - 1].kind == TIMELINE_MADE);
	CHECK(!s.next[0] && !s.cut);
	CHECK_RC(look(&w, &lead, id, STR(""), 50, true, &s), RC_OK, err);
	CHECK_INT(s.n, 2);
	int disclosed = 0;
	for (size_t i = 0; i < s.n; i++)
		disclosed += s.list[i].disclosed;
	CHECK_INT(disclosed, 1);
	world_end(&w);
}

TEST(page_by_page)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	struct seen all, s;
	str id = story(&w, &lead);
	CHECK_RC(look(&w, &lead, id, STR(""), 50, false, &all), RC_OK, err);
	for (size_t limit = 1; limit <= all.n + 1; limit++) {
		size_t n = 0;
		char next[TIMELINE_CURSOR_BYTES] = "";
		do {
			CHECK_RC(look(&w, &lead, id, str_of(next), limit, false, &s), RC_OK, err);
			for (size_t i = 0; i < s.n; i++, n++)
				CHECK_MSG(n < all.n && all.list[n].at_us == s.list[i].at_us && all.list[n].kind == s.list[i].kind &&
					  str_eq(all.list[n].what, s.list[i].what) && str_eq(all.list[n].other, s.list[i].other),
					  "limit %zu: %zu", limit, n);
			memcpy(next, s.next, sizeof(next));
		} while (next[0] && n <= all.n);
		CHECK_MSG(n == all.n, "limit %zu: %zu of %zu", limit, n, all.n);
	}
	CHECK_RC(look(&w, &lead, id, STR("soon"), 5, false, &s), RC_INPUT, err);
	CHECK_RC(look(&w, &lead, id, STR("5:x"), 5, false, &s), RC_INPUT, err);
	world_end(&w);
}

TEST(only_what_may_be_seen)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1), viewer = staff(VIEWER, 2);
	struct viewer a = person_of(house_a, 3), b = person_of(house_b, 4);
	struct seen s;
	str id = story(&w, &lead);
	viewer.as.named = false;
	/* of our team, but not named in what is red */
	CHECK_RC(look(&w, &viewer, id, STR(""), 50, false, &s), RC_OK, err);
	CHECK(!has_words(&s, "canary red") && !has_words(&s, "canary why") && has_words(&s, "canary reason"));
	/* whom it is about: no colleagues, reasons, messages, tasks of ours, fields of ours */
	CHECK_RC(look(&w, &a, id, STR(""), 50, false, &s), RC_OK, err);
	CHECK(s.n >= 2);
	CHECK(!has_words(&s, "account:") && !has_words(&s, "canary") && !has_words(&s, "webhook") && !has_words(&s, "call the bank") &&
	      !has_words(&s, "Internal"));
	CHECK(has_words(&s, "Severity"));
	CHECK_INT(count(&s, TIMELINE_MESSAGE), 0);
	CHECK_RC(look(&w, &a, id, STR(""), 50, true, &s), RC_OK, err);
	CHECK_INT(s.n, 0);
	/* whom it is not */
	CHECK_RC(look(&w, &b, id, STR(""), 50, false, &s), RC_ABSENT, err);
	CHECK_INT(s.n, 0);
	world_end(&w);
}

/* --- findings, their events and messages --- */

#define FINDING "finding--%016x%016x"

struct linking {
	struct world *w;
	str incident;
	size_t findings, links;
	str to;
};

static enum rc link_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct linking *k = ctx;
	enum rc rc = RC_OK;
	int64_t id;
	for (size_t i = 0; rc == RC_OK && i < k->findings; i++)
		rc = record_link(tx, k->w->r, k->incident, STR("about"), arena_fmt(k->w->a, FINDING, 1u, (unsigned)i + 1),
				 STR("account:1"), STR(""), &id, e);
	for (size_t i = 0; rc == RC_OK && i < k->links; i++)
		rc = record_link(tx, k->w->r, k->incident, arena_fmt(k->w->a, "kind%zu", i), k->to, STR("account:1"), STR(""),
				 &id, e);
	return rc;
}

static void link_many(struct world *w, str incident, size_t findings, size_t links, str to)
{
	struct linking k = { w, incident, findings, links, to };
	CHECK_RC(store_write(w->s, link_job, &k, &err), RC_OK, err);
}

/* Events at these times; "" none, "?" one of no form. */
static void put_event(const char *time, const char *feed)
{
	int64_t us = 0;
	batch_row_begin(below.events, below.events->c.rows + 1, 0, 0, 1);
	batch_set_int(below.events, FIELD_TLP, STR_NONE, TLP_GREEN);
	if (time_parse(str_of(time), true, &us))
		batch_set_time(below.events, FIELD_TIME_SOURCE, us);
	else if (time[0])
		batch_set_text(below.events, FIELD_TIME_SOURCE, STR_NONE, str_of(time));
	if (feed)
		batch_set_text(below.events, FIELD_FEED_NAME, STR_NONE, str_of(feed));
	CHECK_RC(batch_row_end(below.events, &err), RC_OK, err);
}

static const char *const keys[] = { "ip 192.0.2.1 port 23", "account x", "ip here", "" };

static void below_begin(size_t findings)
{
	below = (struct below){ .events = batch_new(), .finding_count = findings };
	for (size_t i = 0; i < findings; i++)
		below.findings[i] = (struct finding){
			.id = { 1, i + 1 }, .tlp = TLP_GREEN, .type = STR("scanner"), .key = str_of(keys[i % COUNT_OF(keys)]),
			.first_seen_us = 1000, .last_seen_us = 2000, .events = 3, .state = FINDING_OPEN };
}

static void below_end_all(void)
{
	batch_free(below.events);
	below = (struct below){ .events = NULL };
}

static struct viewer lead_who_reads(void)
{
	struct viewer lead = staff(LEAD | ANALYST, 1);
	lead.right = RIGHT_READ;
	return lead;
}

static str incident_of(struct world *w, int n)
{
	struct uuid id = make(w, STR(""), "{\"tlp\":\"AMBER\"}", n);
	return id_str(w, "incident", &id);
}

TEST(findings_and_their_events)
{
	struct world w = world_new();
	struct viewer lead = lead_who_reads();
	struct seen s;
	str id = incident_of(&w, 1);
	below_begin(5);
	below.findings[0].told_us = 3000;
	below.findings[0].answered_us = 4000;
	below.findings[0].held_us = 5000;
	below.findings[0].mark_reason = STR("canary mark");
	below.findings[4].type = STR("no such type");
	below.findings[1].last_seen_us = INT64_C(1772366400) * SECOND_US; /* when the first one's events happened */
	put_event("2026-03-01T12:00:00Z", "local");
	put_event("2026-03-01T12:00:00Z", NULL);
	put_event("", NULL);
	put_event("?", NULL);
	link_many(&w, id, 5, 0, STR(""));
	CHECK_RC(look(&w, &lead, id, STR(""), 60, false, &s), RC_OK, err);
	CHECK_INT(count(&s, TIMELINE_EVENT), 2); /* only the first one's key can be asked for */
	CHECK_INT(count(&s, TIMELINE_FINDING), 5 * 2 + 3);
	CHECK(has_words(&s, "canary mark") && has_words(&s, "first seen") && has_words(&s, "scanner ip 192.0.2.1 port 23") &&
	      has_words(&s, "local"));
	CHECK(!s.cut);
	for (size_t i = 1; i < s.n; i++) /* of one time: the event above what was seen in it */
		CHECK(s.list[i - 1].at_us > s.list[i].at_us || s.list[i - 1].kind >= s.list[i].kind);
	CHECK_INT(below.asked.from_us, 1000);
	CHECK_INT(below.asked.until_us, 2001);
	/* nothing newer than where the page before ended */
	CHECK_RC(look(&w, &lead, id, STR("3500:0"), 60, false, &s), RC_OK, err);
	CHECK_INT(s.n, 5 * 2);
	CHECK_INT(below.asked.until_us, 3501);
	/* damaged events are left out; what cannot be read is said, and no finding is left out unsaid */
	below.events_rc = RC_INPUT;
	CHECK_RC(look(&w, &lead, id, STR(""), 60, false, &s), RC_OK, err);
	below.events_rc = RC_IO;
	CHECK_RC(look(&w, &lead, id, STR(""), 60, false, &s), RC_IO, err);
	below.events_rc = RC_OK;
	below.findings_rc = RC_IO;
	below.findings_good = 5; /* as ends of links they were read */
	CHECK_RC(look(&w, &lead, id, STR(""), 60, false, &s), RC_IO, err);
	below.findings_rc = RC_OK;
	/* more events than are looked at */
	for (int i = 0; i < 120; i++)
		put_event("2026-03-02T12:00:00Z", NULL);
	CHECK_RC(look(&w, &lead, id, STR(""), 60, false, &s), RC_OK, err);
	CHECK(s.cut && s.next[0]);
	below_end_all();
	world_end(&w);
}

/* --- messages of every kind --- */

static enum rc ledger_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct linking *k = ctx;
	int64_t id;
	enum rc rc = RC_OK;
	for (int kind = LEDGER_SENT; rc == RC_OK && kind <= LEDGER_SAID; kind++) {
		const struct ledger_row row = { .at_us = 5, .kind = (enum ledger_kind)kind, .recipient = STR("person--x"),
						.driver = kind == LEDGER_SAID ? STR("") : STR("mail"), .item = k->to, .rule = STR(""),
						.cut = STR(""), .reference = STR(""), .words = STR("w") };
		rc = ledger_add(tx, &row, &id, e);
	}
	return rc;
}

static enum rc drain_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct telling *k = ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE outbox SET state = ?2 WHERE id = ?1");
	sql_int(q, 1, k->id);
	sql_int(q, 2, k->recipient ? MESSAGE_DRAINING : MESSAGE_TAKEN);
	return sql_run(q, e);
}

TEST(messages_of_every_kind)
{
	struct world w = world_new();
	struct viewer lead = lead_who_reads();
	struct seen s;
	str id = incident_of(&w, 1), finding = arena_fmt(w.a, FINDING, 1u, 1u);
	struct linking k = { .w = &w, .to = finding };
	struct telling first = { .item = id, .recipient = "person--a" }, second = { .item = finding, .recipient = "person--bb" };
	below_begin(1);
	put_event("", NULL);
	link_many(&w, id, 1, 0, STR(""));
	link_many(&w, id, 0, 1, STR("event--x"));
	CHECK_RC(store_write(w.s, ledger_job, &k, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, tell_job, &first, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, tell_job, &second, &err), RC_OK, err);
	first.recipient = NULL;
	CHECK_RC(store_write(w.s, drain_job, &first, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, drain_job, &second, &err), RC_OK, err);
	CHECK_RC(look(&w, &lead, id, STR(""), 60, true, &s), RC_OK, err);
	CHECK_INT(s.n, LEDGER_SAID + 2);
	size_t disclosed = 0, about = 0;
	for (size_t i = 0; i < s.n; i++) {
		disclosed += s.list[i].disclosed;
		about += str_eq(s.list[i].other, finding);
	}
	/* sent, uncertain, receipt, answer, shown, said; not what was withdrawn, refused, failed, or waits */
	CHECK_INT(disclosed, 6);
	CHECK_INT(about, LEDGER_SAID + 1);
	CHECK(has_words(&s, "taken by webhook") && has_words(&s, "draining by webhook") && has_words(&s, "sent by mail"));
	below_end_all();
	world_end(&w);
}

/* --- moves, states and fields --- */

TEST(states_and_fields)
{
	struct world w = world_new();
	struct viewer lead = lead_who_reads(), without = lead;
	struct seen s;
	str id = incident_of(&w, 1), person = put_new(&w, &lead, "person", "{\"name\":\"canary name\"}", NULL);
	const struct record_change theirs = {
		.type = types_find(types_of(&w), STR("note")), .id = uuid_random(), .fields = STR("{\"title\":\"theirs\"}"),
		.to_state = -1, .labels = STR("{\"tlp\":\"GREEN\"}"), .actor = STR("node:x"), .type_name = STR("note"),
		.state_name = STR("elsewhere"), .version = 1, .type_version = 1,
		.origin = STR("0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab"),
	};
	struct record copy;
	CHECK_RC(world_put(&w, &theirs, &copy), RC_OK, err);
	str note = id_str(&w, "note", &copy.id);
	link_many(&w, id, 0, 1, person);
	link_many(&w, id, 0, 1, note);
	link_many(&w, id, 0, 2, STR("report--1"));
	static const char *const edits[] = { "{\"summary\":null}", "{\"summary\":\"again\",\"severity\":\"high\"}" };
	for (size_t i = 0; i < COUNT_OF(edits); i++)
		CHECK_RC(change(&w, &lead, &(struct change_request){ .id = id, .fields = str_of(edits[i]) }, NULL), RC_OK, err);
	CHECK_RC(look(&w, &lead, id, STR(""), 60, false, &s), RC_OK, err);
	CHECK_INT(count(&s, TIMELINE_CHANGED), 2);
	CHECK(has_words(&s, "canary name") && has_words(&s, "theirs"));
	CHECK_INT(count(&s, TIMELINE_LINKED), 4);
	CHECK_RC(look(&w, &lead, note, STR(""), 60, false, &s), RC_OK, err);
	CHECK_INT(count(&s, TIMELINE_MADE), 1); /* in a state nobody knows here */
	without.as.personal_basis = false;
	CHECK_RC(look(&w, &without, id, STR(""), 60, false, &s), RC_OK, err);
	CHECK(!has_words(&s, "canary name"));
	/* what a record's own field names stands in its versions */
	str task = put_new(&w, &lead, "task", arena_fmt(w.a, "{\"title\":\"call\",\"parent\":\"" STR_FMT "\"}", STR_ARG(id)).p, NULL);
	CHECK_RC(look(&w, &lead, task, STR(""), 60, false, &s), RC_OK, err);
	CHECK_INT(count(&s, TIMELINE_LINKED), 0);
	CHECK_RC(look(&w, &lead, STR("incident-99"), STR(""), 60, false, &s), RC_ABSENT, err);
	static const char *const names[] = { "made", "changed", "moved", "linked", "record", "finding", "event", "message", "noted", "" };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		CHECK_STR(str_of(timeline_kind_name((enum timeline_kind)i)), str_of(names[i]));
	world_end(&w);
}

/* Shown in an emergency is the record, and nothing of what was before. */
TEST(in_an_emergency)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1), duty = staff(DUTY, 2);
	struct roles *roles = NULL;
	struct seen s;
	int64_t glass, until;
	str id = incident_of(&w, 1), red = put_new(&w, &lead, "note", "{\"title\":\"canary red\"}", "{\"tlp\":\"RED\",\"named\":[\"account:1\"]}");
	link_many(&w, id, 0, 1, red);
	CHECK_RC(roles_load(NULL, &roles, &err), RC_OK, err);
	CHECK_RC(look(&w, &duty, id, STR(""), 60, false, &s), RC_OK, err);
	CHECK_INT(count(&s, TIMELINE_LINKED), 0);
	CHECK_RC(break_glass(w.r, w.s, roles, &duty, red, STR("nobody named is here"), &glass, &until, &err), RC_OK, err);
	CHECK_RC(look(&w, &duty, id, STR(""), 60, false, &s), RC_OK, err);
	CHECK_INT(count(&s, TIMELINE_LINKED), 1);
	CHECK_INT(count(&s, TIMELINE_RECORD), 0);
	CHECK_RC(look(&w, &duty, red, STR(""), 60, false, &s), RC_ABSENT, err);
	roles_free(roles);
	world_end(&w);
}

/* --- who took note --- */

TEST(who_took_note)
{
	struct world w = world_new();
	struct viewer lead = lead_who_reads();
	struct seen s;
	str id = incident_of(&w, 1), uuid = str_from(id, 10);
	static const char *const bodies[] = { "{\"words\":\"on it\"}", "" };
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct journal_act act = { .act = "clock.noted", .actor = STR("account:3"), .body = str_of(bodies[i]),
					   .object = arena_fmt(w.a, "clock:triage:" STR_FMT, STR_ARG(uuid)) };
		CHECK_RC(journal_write(w.j, &act, &err), RC_OK, err);
	}
	CHECK_RC(look(&w, &lead, id, STR(""), 60, false, &s), RC_OK, err);
	CHECK_INT(count(&s, TIMELINE_NOTED), 2);
	CHECK(has_words(&s, "on it") && has_words(&s, "account:3") && has_words(&s, "To be triaged"));
	CHECK_RC(look(&w, &lead, id, STR("5:0"), 60, false, &s), RC_OK, err);
	CHECK_INT(s.n, 0); /* nothing is that old */
	world_end(&w);
}

/* --- more than is looked at --- */

static bool note_one(void *ctx, const struct timeline_entry *e)
{
	(void)e;
	++*(size_t *)ctx;
	return false;
}

static enum rc copies_job(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 2100)"
		" INSERT INTO record_version (record, version, type_version, organisation, author, at_us, state, commitment, hash,"
		" salt, labels, why, body) SELECT record, i, type_version, organisation, author, at_us, state, commitment, hash,"
		" salt, labels, why, body FROM n JOIN record_version v WHERE v.version = 1");
	enum rc rc = sql_run(q, e);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
		" INSERT INTO ledger (at_us, message, kind, driver, recipient, item, item_version, purpose, policy, rule, cut,"
		" reference, words, covers) SELECT 7, 0, 1 + i % 5, 'mail', 'r', item, 1, 0, 0, '', '', '', '', 0 FROM n,"
		" (SELECT 'finding--0000000000000001' || printf('%016x', f) AS item FROM (WITH RECURSIVE m(f) AS (SELECT 1 UNION"
		" ALL SELECT f + 1 FROM m WHERE f < 50) SELECT f FROM m))");
	(void)ctx;
	return sql_run(q, e);
}

TEST(more_than_is_looked_at)
{
	struct world w = world_new();
	struct viewer lead = lead_who_reads();
	str id = incident_of(&w, 1), other = incident_of(&w, 2), third = incident_of(&w, 3);
	struct seen s;
	below_begin(55);
	link_many(&w, id, 55, 0, STR(""));
	link_many(&w, other, 0, 205, third);
	CHECK_RC(look(&w, &lead, other, STR(""), 60, false, &s), RC_OK, err);
	CHECK(s.cut); /* records */
	CHECK_RC(look(&w, &lead, third, STR(""), 2000, false, &s), RC_OK, err);
	CHECK_RC(look(&w, &lead, id, STR(""), 60, false, &s), RC_OK, err);
	CHECK(s.cut); /* findings */
	CHECK_RC(store_write(w.s, copies_job, NULL, &err), RC_OK, err);
	CHECK_RC(look(&w, &lead, id, STR(""), 60, false, &s), RC_OK, err);
	CHECK(s.cut); /* versions, messages, and all of it */
	str fourth = incident_of(&w, 4);
	link_many(&w, fourth, 1, 0, STR(""));
	CHECK_RC(look(&w, &lead, fourth, STR(""), 60, true, &s), RC_OK, err);
	CHECK(s.cut); /* messages alone */
	size_t n = 0;
	bool cut;
	char next[TIMELINE_CURSOR_BYTES];
	struct reader *r = begin(&w);
	const struct timeline_query q = { .id = id, .limit = 60, .language = STR("en") };
	CHECK_RC(read_timeline(r, types_of(&w), &lead, &q, w.a, note_one, &n, next, &cut, &err), RC_OK, err);
	CHECK(n == 1 && cut);
	store_read_end(r);
	below_end_all();
	world_end(&w);
}

/* --- each statement fails once --- */

struct asking {
	struct world *w;
	const struct viewer *v;
	str id;
};

static enum rc ask_all(void *ctx, struct err *e)
{
	const struct asking *k = ctx;
	struct reader *r = NULL;
	struct seen s = { .n = 0 };
	const struct timeline_query q = { .id = k->id, .limit = 60, .language = STR("en") };
	enum rc rc = store_read_begin(k->w->s, &r, e);
	if (rc == RC_OK)
		rc = read_timeline(r, types_of(k->w), k->v, &q, k->w->a, note, &s, s.next, &s.cut, e);
	store_read_end(r);
	return rc;
}

TEST(faults)
{
	struct world w = world_new();
	struct viewer lead = lead_who_reads();
	struct asking k = { &w, &lead, story(&w, &lead) };
	struct linking said = { .w = &w, .to = arena_fmt(w.a, FINDING, 1u, 1u) };
	below_begin(2);
	link_many(&w, k.id, 2, 0, STR(""));
	CHECK_RC(store_write(w.s, ledger_job, &said, &err), RC_OK, err);
	struct journal_act act = { .act = "clock.noted", .actor = STR("account:3"), .body = STR("{\"words\":\"on it\"}"),
				   .object = arena_fmt(w.a, "clock:triage:" STR_FMT, STR_ARG(str_from(k.id, 10))) };
	CHECK_RC(journal_write(w.j, &act, &err), RC_OK, err);
	struct fault f = fault_begin(w.d.path);
	CHECK(fault_each(&f, "timeline", ask_all, &k) > 0);
	fault_end(&f);
	below_end_all();
	world_end(&w);
}

TEST_MAIN(TEST_RUN(in_order), TEST_RUN(page_by_page), TEST_RUN(only_what_may_be_seen), TEST_RUN(findings_and_their_events),
	  TEST_RUN(messages_of_every_kind), TEST_RUN(states_and_fields), TEST_RUN(in_an_emergency), TEST_RUN(who_took_note),
	  TEST_RUN(more_than_is_looked_at), TEST_RUN(faults))
