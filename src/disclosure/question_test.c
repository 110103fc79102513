/* SPDX-License-Identifier: Apache-2.0 */
/* Words into a question, and what it finds for whom. Findings and events are those of doubles. */
#include "disclosure/records_world.h"

#include "disclosure/floor_test.h"

#include "disclosure/question.h"

static const struct {
	const char *over, *words;
	enum rc rc;
	const char *says;
} asked[] = {
	{ "findings", "", RC_OK, NULL },
	{ "findings", "type=phishing state=returned severity=high ip=192.0.2.0/24 org=3", RC_OK, NULL },
	{ "findings", "  type=phishing\t ip=192.0.2.7  ", RC_OK, NULL },
	{ "findings", "state=asleep", RC_INPUT, "'asleep' is no state of a finding" },
	{ "findings", "severity=9", RC_INPUT, "'9' is no severity" },
	{ "findings", "ip=here", RC_INPUT, "'here' is no address or network" },
	{ "findings", "org=x", RC_INPUT, "'x' is no number of an organisation" },
	{ "findings", "colour=red", RC_INPUT, "findings have no filter 'colour'" },
	{ "findings", "type>=a", RC_INPUT, "only NAME=VALUE is understood here" },
	{ "findings", "phishing", RC_INPUT, "'phishing' is no NAME=VALUE" },
	{ "events", "type=phishing from=2d extra.a=b", RC_OK, NULL },
	{ "events", "from=soon", RC_INPUT, "from" },
	{ "incident", "state=report,triage class=fraud happened>=2026-11-01 title^=\"A \\\"B\" overdue=yes text=\"two words\"", RC_OK, NULL },
	{ "incident", "state=asleep", RC_INPUT, "there is no state 'asleep'" },
	{ "incident", "class=weather", RC_INPUT, "weather" },
	{ "incident", "summary=x", RC_INPUT, "cannot be filtered by 'summary'" },
	{ "incident", "organisation=organisation-99", RC_INPUT, "organisation-99" },
	{ "incident", "happened<=2026-11-01 class=fraud", RC_OK, NULL },
	{ "incident", "happened^=2026", RC_INPUT, "'2026' can be no value of 'happened'" },
	{ "incident", "mood=bad", RC_INPUT, "cannot be filtered by 'mood'" },
	{ "incident", "class=fraud class=fraud class=fraud class=fraud class=fraud class=fraud class=fraud class=fraud",
	  RC_OK, NULL },
	{ "incident", "class=fraud class=fraud class=fraud class=fraud class=fraud class=fraud class=fraud class=fraud "
		      "class=fraud", RC_LIMIT, "more than 8 filters" },
	{ "incident", "text=a\\b", RC_OK, NULL },
	{ "incident", "text=\"a\\", RC_OK, NULL }, /* cut off in the middle */
	{ "incident", "=fraud", RC_INPUT, "'=fraud' is no NAME=VALUE" },
	{ "incident", ">=fraud", RC_INPUT, "is no NAME=VALUE" },
	{ "findings", "state=open type=no-such-type", RC_OK, NULL },
	{ "weather", "", RC_INPUT, "nothing is called 'weather'" },
	{ "", "", RC_INPUT, "nothing is called ''" },
};

TEST(words)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	for (size_t i = 0; i < COUNT_OF(asked); i++) {
		struct reader *r = begin(&w);
		struct question q;
		err = (struct err){ 0 };
		enum rc rc = question_parse(r, types_of(&w), &lead, str_of(asked[i].over), str_of(asked[i].words), STR("en"), w.a, &q, &err);
		CHECK_MSG(rc == asked[i].rc, "%s %s: %s %s", asked[i].over, asked[i].words, rc_name(rc), err.text);
		if (asked[i].says)
			CHECK_MSG(strstr(err.text, asked[i].says), "%s %s: %s", asked[i].over, asked[i].words, err.text);
		store_read_end(r);
	}
	struct buf many = BUF_INIT(KIB(8));
	for (int i = 0; i < 40; i++)
		question_add_word(&many, STR("type"), STR("phishing"));
	struct reader *r = begin(&w);
	struct question q;
	CHECK_RC(question_parse(r, types_of(&w), &lead, STR("findings"), buf_str(&many), STR(""), w.a, &q, &err), RC_LIMIT, err);
	buf_reset(&many);
	for (int i = 0; i < 5000; i++)
		buf_char(&many, ' ');
	CHECK_RC(question_parse(r, types_of(&w), &lead, STR("findings"), buf_str(&many), STR(""), w.a, &q, &err), RC_LIMIT, err);
	CHECK(strstr(err.text, "characters"));
	/* of a type that no role of his reads there is none */
	struct viewer none = staff(0, 9);
	CHECK_RC(question_parse(r, types_of(&w), &none, STR("incident"), STR(""), STR(""), w.a, &q, &err), RC_INPUT, err);
	CHECK(strstr(err.text, "nothing is called 'incident'"));
	/* as a type's own list is ordered */
	static const struct { const char *type; bool sorted, ascending; } orders[] = {
		{ "incident", false, false }, { "person", true, true }, { "call", true, false },
	};
	for (size_t i = 0; i < COUNT_OF(orders); i++) {
		struct viewer all = staff(UINT32_MAX, 1);
		CHECK_RC(question_parse(r, types_of(&w), &all, str_of(orders[i].type), STR(""), STR(""), w.a, &q, &err), RC_OK, err);
		CHECK_MSG((q.records.sort != NULL) == orders[i].sorted && q.records.ascending == orders[i].ascending, "%s",
			  orders[i].type);
	}
	store_read_end(r);
	buf_free(&many);
	world_end(&w);
}

/* What is written is read again as it was. */
TEST(quoted)
{
	static const char *const values[] = { "plain", "two words", "a \"quoted\" one", "back\\slash", "", "a=b", "a\"b" };
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		struct buf b = BUF_INIT(KIB(1));
		struct reader *r = begin(&w);
		struct question q;
		question_add_word(&b, STR("text"), str_of(values[i]));
		CHECK_RC(question_parse(r, types_of(&w), &lead, STR("incident"), buf_str(&b), STR(""), w.a, &q, &err), RC_OK, err);
		CHECK_STR(q.records.text, str_of(values[i]));
		store_read_end(r);
		buf_free(&b);
	}
	world_end(&w);
}

static bool count_item(void *ctx, const struct question_item *i)
{
	(void)i;
	++*(int *)ctx;
	return true;
}

static int found(struct world *w, const struct viewer *v, str id, size_t limit, bool *more)
{
	struct reader *r = begin(w);
	struct record_view view = { 0 };
	struct question q;
	int n = 0;
	enum rc rc = read_record(r, types_of(w), v, id, w->a, &view, &err);
	if (rc == RC_OK)
		rc = question_of_view(r, types_of(w), &view, STR("en"), w->a, &q, &err);
	if (rc == RC_OK)
		rc = question_ask(r, types_of(w), v, &q, limit, w->a, count_item, &n, more, &err);
	record_view_end(&view);
	store_read_end(r);
	return rc == RC_OK ? n : -(int)rc;
}

TEST(asked_with_the_rights_of_who_asks)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1), viewer = staff(VIEWER, 2), person = person_of(house_a, 3);
	struct record_view view;
	bool more;
	viewer.as.named = false;
	(void)make(&w, STR(""), "{\"tlp\":\"AMBER\"}", 1);
	(void)make(&w, STR(""), "{\"tlp\":\"AMBER\"}", 2);
	(void)make(&w, STR(""), "{\"tlp\":\"RED\",\"named\":[\"account:1\"]}", 3);
	const struct change_request q = { .type = STR("question"), .fields = STR("{\"title\":\"q\",\"over\":\"incident\",\"words\":\"class=fraud\"}") };
	CHECK_RC(change(&w, &lead, &q, &view), RC_OK, err);
	str id = record_view_id(&view, w.a);
	record_view_end(&view);
	CHECK_INT(found(&w, &lead, id, 10, &more), 3);
	CHECK(!more);
	CHECK_INT(found(&w, &lead, id, 2, &more), 2);
	CHECK(more);
	CHECK_INT(found(&w, &viewer, id, 10, &more), 2);
	CHECK_INT(found(&w, &person, id, 10, &more), -RC_ABSENT);
	/* what holds none */
	struct uuid incident = make(&w, STR(""), "{\"tlp\":\"AMBER\"}", 4);
	CHECK_INT(found(&w, &lead, id_str(&w, "incident", &incident), 10, &more), -RC_INPUT);
	world_end(&w);
}

struct got {
	struct arena *a;
	str ids[8], titles[8], states[8];
	int64_t at_us[8];
	size_t n;
};

static bool keep_item(void *ctx, const struct question_item *i)
{
	struct got *g = ctx;
	CHECK((i->finding != NULL) + (i->event != NULL) + (i->record != NULL) == 1);
	if (g->n == COUNT_OF(g->ids))
		return false;
	g->ids[g->n] = arena_str(g->a, i->id);
	g->titles[g->n] = arena_str(g->a, i->title);
	g->states[g->n] = arena_str(g->a, i->state);
	g->at_us[g->n++] = i->at_us;
	return true;
}

static struct got asked_of(struct world *w, const struct viewer *v, const char *over, size_t limit, bool *more)
{
	struct got g = { .a = w->a };
	struct reader *r = begin(w);
	struct question q;
	CHECK_RC(question_parse(r, types_of(w), v, str_of(over), STR(""), STR("en"), w->a, &q, &err), RC_OK, err);
	CHECK_RC(question_ask(r, types_of(w), v, &q, limit, w->a, keep_item, &g, more, &err), RC_OK, err);
	store_read_end(r);
	return g;
}

TEST(findings_and_events)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1);
	static const char *const rows[][3] = { /* address, name, time */
		{ "192.0.2.1", NULL, "2026-03-01T12:00:00Z" }, { NULL, "h.example.org", NULL },
	};
	bool more;
	lead.right = RIGHT_READ;
	below = (struct below){ .events = batch_new(), .finding_count = 3, .findings = {
		{ .id = { 1, 1 }, .tlp = TLP_GREEN, .type = STR("scanner"), .key = STR("ip 192.0.2.1"), .state = FINDING_GONE,
		  .last_seen_us = 7 },
		{ .id = { 1, 2 }, .tlp = TLP_COUNT }, { .id = { 1, 3 }, .tlp = TLP_GREEN, .type = STR("spam"), .key = STR("k") } } };
	lead.as.ceiling = TLP_AMBER;
	struct got g = asked_of(&w, &lead, "findings", 9, &more);
	CHECK(g.n == 2 && !more); /* what he may not see is not there */
	CHECK_STR(g.ids[0], STR("finding--00000000000000010000000000000001"));
	CHECK_STR(g.titles[0], STR("scanner ip 192.0.2.1"));
	CHECK_STR(g.states[0], STR("gone"));
	CHECK_INT(g.at_us[0], 7);
	g = asked_of(&w, &lead, "findings", 1, &more);
	CHECK(g.n == 1 && more);
	CHECK_INT(below.asked_findings.limit, 2);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ip ip;
		int64_t us = 0;
		batch_row_begin(below.events, i + 1, 0, 0, 1);
		batch_set_int(below.events, FIELD_TLP, STR_NONE, TLP_GREEN);
		batch_set_text(below.events, FIELD_CLASSIFICATION_TYPE, STR_NONE, STR("scanner"));
		if (rows[i][0] && ip_parse(str_of(rows[i][0]), &ip))
			batch_set_ip(below.events, FIELD_SOURCE_IP, &ip);
		if (rows[i][1])
			batch_set_text(below.events, FIELD_SOURCE_FQDN, STR_NONE, str_of(rows[i][1]));
		if (rows[i][2] && time_parse(str_of(rows[i][2]), true, &us))
			batch_set_time(below.events, FIELD_TIME_SOURCE, us);
		CHECK_RC(batch_row_end(below.events, &err), RC_OK, err);
	}
	g = asked_of(&w, &lead, "events", 9, &more);
	CHECK(g.n == 2 && !more && str_starts(g.ids[0], STR("event--")));
	CHECK_STR(g.titles[0], STR("scanner 192.0.2.1"));
	CHECK_STR(g.titles[1], STR("scanner h.example.org"));
	CHECK_INT(g.at_us[0], INT64_C(1772366400) * SECOND_US);
	CHECK_INT(g.at_us[1], SECOND_US); /* no time of its own: when it was received */
	batch_free(below.events);
	below = (struct below){ .events = NULL };
	world_end(&w);
}

/* A name is cut for who has no basis; of a copy the state may not be known here. */
TEST(titles_and_states)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1), without = lead;
	struct record_view view;
	bool more;
	const struct change_request q = { .type = STR("person"), .fields = STR("{\"name\":\"canary name\"}") };
	CHECK_RC(change(&w, &lead, &q, &view), RC_OK, err);
	record_view_end(&view);
	without.as.personal_basis = false;
	struct got g = asked_of(&w, &lead, "person", 9, &more);
	CHECK(g.n == 1 && holds(g.titles[0], "canary name"));
	g = asked_of(&w, &without, "person", 9, &more);
	CHECK_INT(g.n, 1);
	CHECK_STR(g.titles[0], STR(""));
	const struct record_change theirs = {
		.type = types_find(types_of(&w), STR("note")), .id = uuid_random(), .fields = STR("{\"title\":\"theirs\"}"),
		.to_state = -1, .labels = STR("{\"tlp\":\"GREEN\"}"), .actor = STR("node:x"), .type_name = STR("note"),
		.state_name = STR("elsewhere"), .version = 1, .type_version = 1,
		.origin = STR("0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab"),
	};
	struct record out;
	CHECK_RC(world_put(&w, &theirs, &out), RC_OK, err);
	g = asked_of(&w, &lead, "note", 9, &more);
	CHECK_INT(g.n, 1);
	CHECK_STR(g.titles[0], STR("theirs"));
	CHECK_STR(g.states[0], STR(""));
	world_end(&w);
}

/* What is cut asks nothing, and neither does a meaning that is no field. */
TEST(questions_that_are_cut)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	struct type t = *types_find(types_of(&w), STR("question"));
	struct record record = { .type = &t };
	struct record_view view = { .record = &record, .viewer = &lead };
	struct question q;
	struct meaning means[8];
	struct reader *r = begin(&w);
	const struct type_field *over = type_find_field(&t, STR("over"));
	CHECK_RC(json_read(STR("{\"over\":\"incident\",\"words\":\"class=fraud\"}"), &view.body, &err), RC_OK, err);
	CHECK_RC(question_of_view(r, types_of(&w), &view, STR("en"), w.a, &q, &err), RC_OK, err);
	CHECK_INT(q.records.filter_count, 1);
	view.cut[over->at / 64] |= UINT64_C(1) << over->at % 64;
	CHECK_RC(question_of_view(r, types_of(&w), &view, STR("en"), w.a, &q, &err), RC_INPUT, err);
	view.cut[over->at / 64] = 0;
	CHECK(t.mean_count <= COUNT_OF(means));
	memcpy(means, t.means, t.mean_count * sizeof(*means));
	for (size_t i = 0; i < t.mean_count; i++)
		if (strcmp(means[i].name, "question.over") == 0)
			means[i].field = NULL;
	t.means = means;
	CHECK_RC(question_of_view(r, types_of(&w), &view, STR("en"), w.a, &q, &err), RC_INPUT, err);
	record_view_end(&view);
	store_read_end(r);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(words), TEST_RUN(quoted), TEST_RUN(asked_with_the_rights_of_who_asks), TEST_RUN(findings_and_events),
	  TEST_RUN(titles_and_states), TEST_RUN(questions_that_are_cut))
