/* SPDX-License-Identifier: Apache-2.0 */
/* What happened with a record: in order, page by page, and only what may be seen. Findings: tests/incident.sh. */
#include "disclosure/records_world.h"

#include "disclosure/read_timeline.h"
#include "record/outbox.h"

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

TEST_MAIN(TEST_RUN(in_order), TEST_RUN(page_by_page), TEST_RUN(only_what_may_be_seen))
