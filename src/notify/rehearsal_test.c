/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/rehearsal.h"

#include "base/test.h"
#include "notify/paper.h"
#include "notify/teller.h"
#include "notify/test_senders.h"

static enum rc set(struct senders *s, struct viewer v, enum rehearsal_scope scope, str key, bool live, const char *why)
{
	const struct rehearsal_switch q = { .scope = scope, .key = key, .live = live, .why = str_of(why) };
	return rehearsal_set(s->n, &v, &q, &err);
}

static bool is_live(struct senders *s, str organisation_id, const char *template, int64_t *since_out)
{
	struct uuid id;
	str type;
	bool live = false;
	struct reader *r = begin(&s->w);
	CHECK(record_id_parse(organisation_id, &type, &id));
	CHECK_RC(rehearsal_since(reader_conn(r), id, rehearsal_class(str_of(template)), &live, since_out, &err), RC_OK, err);
	store_read_end(r);
	return live;
}

/* --- which switch counts --- */

TEST(the_narrower_switch_counts_when_it_is_back)
{
	static const struct {
		const char *what;
		int node, organisation, class; /* 0: never switched, 1: live, -1: back */
		bool live;
	} cases[] = {
		{ "a new node", 0, 0, 0, false },
		{ "all live", 1, 0, 0, true },
		{ "one organisation", 0, 1, 0, true },
		{ "one class", 0, 0, 1, true },
		{ "all but one organisation", 1, -1, 0, false },
		{ "all but one class", 1, 0, -1, false },
		{ "an organisation live, the class back", 1, 1, -1, false },
		{ "a class live, the organisation back", 0, -1, 1, false },
		{ "both live", 0, 1, 1, true },
	};
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	struct viewer lead = staff(LEAD, 1);
	str house = organisation(&s, "/ok", GREEN), other = organisation(&s, "/ok", GREEN);
	int64_t since;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		switch_all(&s, false);
		CHECK(!is_live(&s, house, "tell.open-dns", &since) && since == 0);
		if (cases[i].node)
			CHECK_RC(set(&s, lead, REHEARSAL_NODE, STR(""), cases[i].node > 0, "why"), RC_OK, err);
		if (cases[i].organisation)
			CHECK_RC(set(&s, lead, REHEARSAL_ORGANISATION, house, cases[i].organisation > 0, "why"), RC_OK, err);
		if (cases[i].class)
			CHECK_RC(set(&s, lead, REHEARSAL_CLASS, STR("open-dns"), cases[i].class > 0, "why"), RC_OK, err);
		CHECK_MSG(is_live(&s, house, "tell.open-dns", &since) == cases[i].live, "%s", cases[i].what);
		CHECK_MSG((since > 0) == cases[i].live, "since: %s", cases[i].what);
		CHECK_MSG(is_live(&s, other, "round.check", &since) == (cases[i].node > 0), "another: %s", cases[i].what);
	}
	switch_all(&s, false);
	CHECK(!is_live(&s, house, "tell.open-dns", &since)); /* ends the switches beside it */
	CHECK_RC(set(&s, lead, REHEARSAL_NODE, STR(""), true, "why"), RC_OK, err);
	CHECK(is_live(&s, house, "tell.open-dns", &since));
	int64_t again;
	CHECK_RC(set(&s, lead, REHEARSAL_NODE, STR(""), true, "another reason"), RC_OK, err);
	CHECK(is_live(&s, house, "tell.open-dns", &again));
	CHECK_INT(again, since);
	end_senders(&s);
}

/* --- who switches --- */

TEST(a_named_person_whose_role_may_approve)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	struct viewer token = staff(LEAD, 0), owner = viewer_owner(1000), reads = staff(LEAD, 1);
	str house = organisation(&s, "/ok", GREEN), event = incident(&s, GREEN, STR(""));
	reads.reads_only = true;
	CHECK_RC(set(&s, staff(ANALYST | DUTY, 1), REHEARSAL_NODE, STR(""), true, "why"), RC_DENIED, err);
	CHECK_RC(set(&s, token, REHEARSAL_NODE, STR(""), true, "why"), RC_DENIED, err);
	CHECK_RC(set(&s, owner, REHEARSAL_NODE, STR(""), true, "why"), RC_DENIED, err);
	CHECK_RC(set(&s, reads, REHEARSAL_NODE, STR(""), true, "why"), RC_DENIED, err);
	CHECK_RC(set(&s, person_of(house_a, 4), REHEARSAL_NODE, STR(""), true, "why"), RC_DENIED, err);
	CHECK_RC(set(&s, staff(LEAD, 1), REHEARSAL_NODE, STR(""), true, ""), RC_INPUT, err);
	CHECK_RC(set(&s, staff(LEAD, 1), REHEARSAL_NODE, STR(""), true, "two\nlines"), RC_INPUT, err);
	CHECK_RC(set(&s, staff(LEAD, 1), REHEARSAL_ORGANISATION, STR("organisation-99"), true, "why"), RC_ABSENT, err);
	CHECK_RC(set(&s, staff(LEAD | ANALYST, 1), REHEARSAL_ORGANISATION, event, true, "why"), RC_INPUT, err);
	CHECK_RC(set(&s, staff(LEAD, 1), REHEARSAL_CLASS, STR("two words"), true, "why"), RC_INPUT, err);
	CHECK_RC(set(&s, staff(LEAD, 1), REHEARSAL_ORGANISATION, house, true, "they asked for it"), RC_OK, err);
	struct rehearsal_row *list = NULL;
	size_t count = 0;
	struct viewer lead = staff(LEAD, 1), outside = person_of(house_a, 4);
	struct reader *r = begin(&s.w);
	CHECK_RC(rehearsal_list(r, types_of(&s.w), &lead, s.w.a, &list, &count, &err), RC_OK, err);
	CHECK_INT(count, 2);
	CHECK(list[0].scope == REHEARSAL_NODE && list[0].live);
	CHECK(list[1].scope == REHEARSAL_ORGANISATION && list[1].live);
	CHECK_STR(list[1].by, STR("account:1"));
	CHECK_STR(list[1].why, STR("they asked for it"));
	CHECK_RC(rehearsal_list(r, types_of(&s.w), &outside, s.w.a, &list, &count, &err), RC_DENIED, err);
	store_read_end(r);
	end_senders(&s);
}

/* --- nothing goes out --- */

TEST(a_new_node_begins_in_rehearsal)
{
	struct world w = world_new();
	struct reader *r = begin(&w);
	struct sql *q = sql(reader_conn(r), "SELECT count(*) FROM rehearsal");
	CHECK(sql_row(q) && sql_col_int(q, 0) == 0);
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	world_end(&w);
}

TEST(nothing_reaches_anybody_outside)
{
	static const char *const drivers[] = { "webhook", "chat" };
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	switch_all(&s, false);
	str house = organisation(&s, "/ok", GREEN), role = arena_fmt(s.w.a, STR_FMT "/abuse", STR_ARG(house));
	str item = incident(&s, "{\"tlp\":\"CLEAR\"}", STR(""));
	CHECK_RC(notify_start(s.n, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(drivers); i++) {
		int64_t id = queue(&s, "webhook", i ? role : house, item, "clock.due", LANE_INCIDENT);
		CHECK(comes_to(&s, id, MESSAGE_REHEARSED));
	}
	struct ledger_row row = last_row(&s, house);
	CHECK_INT(row.kind, LEDGER_REHEARSED);
	CHECK_MSG(str_starts(row.words, STR("in rehearsal: not sent to http")), STR_FMT, STR_ARG(row.words));
	CHECK_INT(atomic_load(&s.hook.got), 0);
	char words[200];
	struct reader *r = begin(&s.w);
	CHECK_RC(outbox_verify(reader_conn(r), words, &err), RC_OK, err);
	CHECK_STR(str_of(words), STR(""));
	store_read_end(r);
	struct viewer lead = staff(LEAD, 1);
	CHECK_RC(set(&s, lead, REHEARSAL_ORGANISATION, house, true, "why"), RC_OK, err);
	int64_t sent = queue(&s, "webhook", role, item, "clock.due", LANE_INCIDENT);
	CHECK(comes_to(&s, sent, MESSAGE_SENT));
	CHECK_INT(atomic_load(&s.hook.got), 1);
	end_senders(&s);
}

static bool is_restored(struct senders *s)
{
	struct reader *r = begin(&s->w);
	bool is = false;
	CHECK_RC(rehearsal_is_restored(reader_conn(r), &is, &err), RC_OK, err);
	store_read_end(r);
	return is;
}

/* What waited may have gone from the node it came from, and nothing goes before a person says so. */
TEST(a_copy_writes_to_nobody)
{
	struct senders s = { .made = 0 };
	struct viewer lead = staff(LEAD, 1);
	begin_senders(&s, NULL);
	str house = organisation(&s, "/ok", GREEN), item = incident(&s, "{\"tlp\":\"CLEAR\"}", STR(""));
	int64_t since, id = queue(&s, "webhook", house, item, "clock.due", LANE_INCIDENT);
	int64_t page = queue(&s, "print", house, item, "clock.due", LANE_INCIDENT);
	uint64_t messages = 9;
	CHECK(is_live(&s, house, "tell.open-dns", &since) && !is_restored(&s));
	CHECK_RC(rehearsal_restored(s.w.s, &messages, &err), RC_OK, err);
	CHECK_INT(messages, 1);
	CHECK(is_restored(&s) && !is_live(&s, house, "tell.open-dns", &since));
	CHECK_INT(message_of(&s, id).state, MESSAGE_UNCERTAIN);
	CHECK_INT(message_of(&s, page).state, MESSAGE_QUEUED);
	CHECK_RC(notify_start(s.n, &err), RC_OK, err);
	CHECK_MSG(strstr(notify_idle(s.n), "made from a backup"), "%s", notify_idle(s.n));
	int64_t later = queue(&s, "webhook", house, item, "clock.due", LANE_INCIDENT);
	usleep(300000);
	CHECK_INT(message_of(&s, later).state, MESSAGE_QUEUED);
	/* a person has looked at it */
	CHECK_RC(set(&s, lead, REHEARSAL_NODE, STR(""), true, "the old one is gone"), RC_OK, err);
	CHECK(!is_restored(&s));
	CHECK_RC(notify_start(s.n, &err), RC_OK, err);
	CHECK(comes_to(&s, later, MESSAGE_SENT));
	CHECK_INT(message_of(&s, id).state, MESSAGE_UNCERTAIN);
	CHECK_INT(atomic_load(&s.hook.got), 1);
	end_senders(&s);
}

/* --- verify --- */

struct spoiling {
	const char *spoil;
	char words[200];
};

static enum rc spoil_and_look(struct tx *tx, void *ctx, struct err *e)
{
	struct spoiling *k = ctx;
	enum rc rc = sql_run(sql(tx_conn(tx), k->spoil), e);
	if (rc == RC_OK)
		rc = notify_verify(tx_conn(tx), k->words, e);
	return rc == RC_OK ? fail(e, RC_CONFLICT, "taken back") : rc;
}

TEST(verify_finds_what_does_not_agree)
{
	static const struct {
		const char *spoil, *words;
	} cases[] = {
		{ "DELETE FROM mail_in", "" },
		{ "INSERT INTO answer (id, message, kind, at_us, channel, by, words, organisation, recipient, item, findings,"
		  " file_name, key, seen_by) VALUES (3, 99, 1, 0, '', '', '', '', '', '', 0, '', '', '')",
		  "answer 3 is to a message that is not there" },
		{ "INSERT INTO answer (id, message, kind, at_us, channel, by, words, organisation, recipient, item, findings,"
		  " file_name, key, seen_by) SELECT 3, id, 1, 0, '', '', '', '', '', '', 0, '', '', '' FROM outbox LIMIT 1",
		  "answer 3 does not stand in the ledger" },
		{ "INSERT INTO answer_finding (finding, answer, claim, claim_us) VALUES (x'00', 4, 0, 0)", "findings name answer 4" },
		{ "INSERT INTO answer_follow (answer, behind) VALUES (6, '')", "the background follows answer 6" },
		{ "INSERT INTO tell_message (message, recipient, rule, class, period, at_us, findings)"
		  " VALUES (98, '', x'00', '', '', 0, 1)", "a rule made message 98" },
		{ "INSERT INTO tell (finding, organisation, rule, class, what, at_us, step, told, unanswered, last_us, message,"
		  " state) VALUES (x'00', x'00', x'00', '', 0, 0, 0, 1, 0, 0, 97, 1)", "was told by message 97" },
		{ "INSERT INTO mail_in (id, digest, at_us, box, bytes, state, kind, message_id, record, reports, tries, words)"
		  " VALUES (5, x'00', 0, '', 1, 2, 1, '', x'01', 0, 0, '')", "mail 5 became a record" },
		{ "INSERT INTO mail_in (id, digest, at_us, box, bytes, state, kind, message_id, record, reports, tries, words)"
		  " VALUES (5, x'00', 0, '', 1, 1, 0, '', NULL, 0, 0, '')", "mail 5 waits" },
		{ "INSERT INTO mail_in_raw (id, body) VALUES (6, x'00')", "bytes of mail 6" },
		{ "INSERT INTO subscriber (id, email, language, state, asked_us, changed_us) VALUES (7, NULL, 'en', 2, 0, 0)",
		  "subscriber 7" },
		{ "INSERT INTO subscriber (id, email, language, state, asked_us, changed_us) VALUES (8, 'a', 'en', 3, 0, 0)",
		  "subscriber 8" },
	};
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	str house = organisation(&s, "/ok", GREEN), item = incident(&s, "{\"tlp\":\"CLEAR\"}", STR(""));
	(void)queue(&s, "webhook", house, item, "clock.due", LANE_INCIDENT);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct spoiling k = { .spoil = cases[i].spoil };
		CHECK_MSG(store_write(s.w.s, spoil_and_look, &k, &err) == RC_CONFLICT, "%s: %s", cases[i].spoil, err.text);
		CHECK_MSG(cases[i].words[0] ? strstr(k.words, cases[i].words) != NULL : !k.words[0], "%s: '%s'", cases[i].spoil,
			  k.words);
	}
	end_senders(&s);
}

/* What a rule made before the switch is not told behind it, though it waits until then. */
TEST(what_a_rule_made_before_the_switch_is_not_told_behind_it)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	teller_open(s.n);
	switch_all(&s, false);
	struct viewer lead = staff(LEAD | ANALYST | DUTY, 1);
	str house = organisation(&s, "/ok", GREEN), item = incident(&s, "{\"tlp\":\"CLEAR\"}", STR(""));
	str rule = make_record(&s, "rule", NULL, STR("{\"title\":\"A rule\",\"pace\":\"once\"}"));
	const struct change_request on = { .id = rule, .to_state = STR("active"), .why = STR("a test") };
	CHECK_RC(change(&s.w, &lead, &on, NULL), RC_OK, err);
	struct putting p = { .m = { .lane = LANE_INCIDENT, .driver = STR("webhook"), .recipient = house, .item = rule,
				    .template = STR("tell.open-dns"), .details = STR("{}"), .purpose = 1, .policy = 1,
				    .maker = STR("teller:rules"), .made_at = 1 } };
	CHECK_RC(store_write(s.w.s, put_it, &p, &err), RC_OK, err);
	int64_t other = queue(&s, "webhook", house, item, "clock.due", LANE_INCIDENT);
	usleep(2000);
	switch_all(&s, true);
	CHECK_RC(notify_start(s.n, &err), RC_OK, err);
	CHECK(comes_to(&s, p.id, MESSAGE_REHEARSED));
	CHECK(comes_to(&s, other, MESSAGE_SENT)); /* a person's own act */
	CHECK_INT(atomic_load(&s.hook.got), 1);
	end_senders(&s);
}

/* --- paper --- */

static bool keep_page(void *ctx, const struct paper *p)
{
	str *subject = ctx;
	CHECK_STR(p->address, STR("(in rehearsal: not to be posted)"));
	*subject = str_starts(p->subject, STR("[rehearsal for ")) ? STR("said") : STR("not said");
	return true;
}

TEST(paper_says_so)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	switch_all(&s, false);
	struct viewer lead = staff(LEAD | ANALYST, 1);
	lead.right = RIGHT_OPERATE;
	str house = organisation(&s, "/ok", GREEN), subject = STR("none"), item = incident(&s, "{\"tlp\":\"CLEAR\"}", STR(""));
	int64_t id = queue(&s, "print", house, item, "clock.due", LANE_INCIDENT);
	CHECK_RC(paper_print(s.n, &lead, NULL, s.w.a, keep_page, &subject, &err), RC_OK, err);
	CHECK_STR(subject, STR("said"));
	CHECK_RC(paper_posted(s.n, &lead, id, STR(""), &err), RC_OK, err);
	CHECK_INT(message_of(&s, id).state, MESSAGE_REHEARSED);
	CHECK_INT(last_row(&s, house).kind, LEDGER_REHEARSED);
	end_senders(&s);
}

/* --- upgrade --- */

static enum rc mark_old(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	enum rc rc = sql_run(sql(tx_conn(tx), "DELETE FROM rehearsal"), e);
	return rc == RC_OK ? sql_run(sql(tx_conn(tx), "INSERT INTO rehearsal VALUES (0, '', 0, 0, '', '')"), e) : rc;
}

TEST(a_node_that_sent_goes_on_sending)
{
	struct senders s = { .made = 0 };
	int64_t since;
	begin_senders(&s, NULL);
	str house = organisation(&s, "/ok", GREEN);
	for (int sends = 0; sends < 2; sends++) {
		CHECK_RC(store_write(s.w.s, mark_old, NULL, &err), RC_OK, err);
		CHECK(!is_live(&s, house, "round.check", &since));
		CHECK_RC(rehearsal_upgrade(s.n, sends, &err), RC_OK, err);
		CHECK(is_live(&s, house, "round.check", &since) == (sends == 1));
		CHECK_RC(rehearsal_upgrade(s.n, true, &err), RC_OK, err); /* once */
		CHECK(is_live(&s, house, "round.check", &since) == (sends == 1));
	}
	end_senders(&s);
}

TEST_MAIN(TEST_RUN(the_narrower_switch_counts_when_it_is_back), TEST_RUN(a_named_person_whose_role_may_approve),
	  TEST_RUN(a_new_node_begins_in_rehearsal), TEST_RUN(nothing_reaches_anybody_outside), TEST_RUN(a_copy_writes_to_nobody),
	  TEST_RUN(verify_finds_what_does_not_agree), TEST_RUN(what_a_rule_made_before_the_switch_is_not_told_behind_it),
	  TEST_RUN(paper_says_so), TEST_RUN(a_node_that_sent_goes_on_sending))
