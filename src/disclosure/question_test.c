/* SPDX-License-Identifier: Apache-2.0 */
/* Words into a question, and what it finds for whom. Findings and events: tests/incident.sh. */
#include "disclosure/records_world.h"

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
	store_read_end(r);
	buf_free(&many);
	world_end(&w);
}

/* What is written is read again as it was. */
TEST(quoted)
{
	static const char *const values[] = { "plain", "two words", "a \"quoted\" one", "back\\slash", "", "a=b" };
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

TEST_MAIN(TEST_RUN(words), TEST_RUN(quoted), TEST_RUN(asked_with_the_rights_of_who_asks))
