/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a letter on a case reaches and whether it may go, what it answers, what sending it leaves behind, notes: by
 * table. Real mail is tests/correspondence.sh. */
#include "incident/thread.h"

#include "notify/test_senders.h"

struct correspondence {
	struct senders s;
	struct viewer lead;
	str house, silent, person, case_, number, seen; /* seen: a mail of theirs */
};

static str house_of(struct senders *s, const char *name, const char *contacts)
{
	return make_record(s, "organisation", GREEN,
			   arena_fmt(s->w.a, "{\"name\":\"%s\",\"kind\":\"constituent\",\"contacts\":[%s]}", name, contacts));
}

static str mail_in(struct correspondence *c, const char *more)
{
	return make_record(&c->s, "mail", "{\"tlp\":\"AMBER\"}",
			   arena_fmt(c->s.w.a, "{\"subject\":\"Re: [ronda #12] Your server\",\"direction\":\"in\",\"from\":\"Ani <ani@example.net>\","
					       "\"message_id\":\"a2@example.net\",\"references\":\"r1@example.org\",\"incident\":\"" STR_FMT "\"%s}",
				     STR_ARG(c->case_), more));
}

static void begin_letters(struct correspondence *c)
{
	*c = (struct correspondence){ .lead = staff(LEAD | ANALYST | LIAISON | DUTY, 1) };
	begin_senders(&c->s, "mail_from=Team B <cert@example.org>");
	c->lead.right = RIGHT_OPERATE;
	c->house = house_of(&c->s, "House", "{\"role\":\"abuse\",\"channel\":\"mail\",\"email\":\"abuse@example.net\"},"
					    "{\"role\":\"legal\",\"channel\":\"mail\",\"email\":\"legal@example.net\"}");
	c->silent = house_of(&c->s, "Silent", "");
	c->case_ = make_record(&c->s, "incident", "{\"tlp\":\"AMBER\"}",
			       STR("{\"title\":\"A server that scans\",\"class\":\"fraud\",\"severity\":\"low\"}"));
	c->seen = mail_in(c, arena_fmt(c->s.w.a, ",\"organisation\":\"" STR_FMT "\"%c", STR_ARG(c->house), 0).p);
}

static enum rc plan(struct correspondence *c, const struct viewer *v, const struct thread_letter *q, struct thread_plan *out)
{
	return thread_plan(c->s.n, v, q, c->s.w.a, out, &err);
}

static bool has(str s, const char *word)
{
	return str_find(s, str_of(word)) < s.n;
}

/* --- whom, and may it --- */

TEST(whom_it_reaches_and_whether_it_may)
{
	struct correspondence c;
	begin_letters(&c);
	struct arena *a = c.s.w.a;
	static char large[THREAD_TEXT_MAX + 1];
	memset(large, 'x', sizeof large);
	str legal = arena_fmt(a, STR_FMT "/legal", STR_ARG(c.house)), nothing = STR("");
	const struct viewer constituent = person_of((struct uuid){ { 7 } }, 2);
	const struct {
		const char *what;
		struct thread_letter q;
		const struct viewer *v;
		enum rc rc;
		bool may;
		const char *address, *words;
	} rows[] = {
		{ "an organisation", { .about = c.case_, .to = c.house }, &c.lead, RC_OK, true, "abuse@example.net", "" },
		{ "by its number", { .about = STR("incident-1"), .to = STR("organisation-1") }, &c.lead, RC_OK, true, "abuse@example.net", "" },
		{ "one role of it", { .about = c.case_, .to = legal }, &c.lead, RC_OK, true, "legal@example.net", "" },
		{ "with blanks around", { .about = c.case_, .to = arena_fmt(a, " " STR_FMT " ", STR_ARG(legal)) }, &c.lead, RC_OK, true,
		  "legal@example.net", "" },
		{ "AMBER", { .about = c.case_, .to = c.house, .tlp = STR("AMBER") }, &c.lead, RC_OK, true, "abuse@example.net", "" },
		{ "AMBER+STRICT, and no key", { .about = c.case_, .to = c.house, .tlp = STR("AMBER+STRICT") }, &c.lead, RC_OK, false,
		  "abuse@example.net", "must be encrypted" },
		{ "RED", { .about = c.case_, .to = c.house, .tlp = STR("RED") }, &c.lead, RC_OK, false, "abuse@example.net",
		  "never sent by mail" },
		{ "a bare address, CLEAR", { .about = c.case_, .to = STR("x@example.net"), .tlp = STR("CLEAR") }, &c.lead, RC_OK, true,
		  "x@example.net", "" },
		{ "written out", { .about = c.case_, .to = STR("address:x@example.net"), .tlp = STR("CLEAR") }, &c.lead, RC_OK, true,
		  "x@example.net", "" },
		{ "a bare address, GREEN", { .about = c.case_, .to = STR("x@example.net") }, &c.lead, RC_OK, false, "x@example.net", "" },
		{ "no address", { .about = c.case_, .to = STR("x@@example.net") }, &c.lead, RC_INPUT, false, "", "is no mail address" },
		{ "a header in it", { .about = c.case_, .to = STR("x@example.net\r\nBcc: y@example.net") }, &c.lead, RC_INPUT, false, "",
		  "is no mail address" },
		{ "nobody", { .about = c.case_, .to = nothing }, &c.lead, RC_INPUT, false, "", "needs somebody" },
		{ "one that is not there", { .about = c.case_, .to = STR("organisation-99") }, &c.lead, RC_ABSENT, false, "", "" },
		{ "one that has no mail", { .about = c.case_, .to = c.silent }, &c.lead, RC_ABSENT, false, "", "" },
		{ "about nothing", { .about = STR("incident-99"), .to = c.house }, &c.lead, RC_ABSENT, false, "", "" },
		{ "about no case", { .about = c.house, .to = c.house }, &c.lead, RC_INPUT, false, "", "is no case" },
		{ "no marking", { .about = c.case_, .to = c.house, .tlp = STR("PURPLE") }, &c.lead, RC_INPUT, false, "", "is no marking" },
		{ "too long", { .about = c.case_, .to = c.house, .text = str_mem(large, sizeof large) }, &c.lead, RC_LIMIT, false, "",
		  "at most" },
		{ "as long as may be", { .about = c.case_, .to = c.house, .text = str_mem(large, sizeof large - 1) }, &c.lead, RC_OK, true,
		  "abuse@example.net", "" },
		{ "by one of theirs", { .about = c.case_, .to = c.house }, &constituent, RC_DENIED, false, "", "our own people" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct thread_plan p;
		err.text[0] = 0;
		enum rc rc = plan(&c, rows[i].v, &rows[i].q, &p);
		CHECK_MSG(rc == rows[i].rc && (rc != RC_OK || p.may == rows[i].may), "%s: %s, may %d (%s)", rows[i].what, rc_name(rc),
			  p.may, rc ? err.text : "");
		CHECK_MSG(rc != RC_OK || (str_eq(p.address, str_of(rows[i].address)) && p.live), "%s: '" STR_FMT "'", rows[i].what,
			  STR_ARG(p.address));
		str said = rc == RC_OK ? p.words : str_of(err.text);
		CHECK_MSG(!rows[i].words[0] || has(said, rows[i].words), "%s: '" STR_FMT "'", rows[i].what, STR_ARG(said));
		CHECK(rc != RC_OK || p.case_tlp == TLP_AMBER);
	}
	switch_all(&c.s, false);
	struct thread_plan p;
	const struct thread_letter q = { .about = c.case_, .to = c.house };
	CHECK_RC(plan(&c, &c.lead, &q, &p), RC_OK, err);
	CHECK(p.may && !p.live);
	end_senders(&c.s);
}

/* --- what it answers --- */

TEST(what_it_answers)
{
	struct correspondence c;
	begin_letters(&c);
	str sealed = mail_in(&c, ",\"encrypted\":true"), note = make_record(&c.s, "note", NULL, STR("{\"title\":\"A note\"}"));
	const struct {
		const char *what;
		str answers, to, subject;
		enum rc rc;
		const char *address, *made;
		bool of_house;
	} rows[] = {
		{ "of an organisation", c.seen, STR_INIT(""), STR_INIT(""), RC_OK, "abuse@example.net", "Re: Your server", true },
		{ "to somebody else", c.seen, STR_INIT("x@example.org"), STR_INIT(""), RC_OK, "x@example.org", "Re: Your server", true },
		{ "with a subject of its own", c.seen, STR_INIT(""), STR_INIT("Another"), RC_OK, "abuse@example.net", "Another", true },
		{ "of nobody known", sealed, STR_INIT(""), STR_INIT(""), RC_OK, "ani@example.net", "Re: [...]", false },
		{ "no mail", note, STR_INIT(""), STR_INIT(""), RC_INPUT, "", "", false },
		{ "none", STR_INIT("mail-99"), STR_INIT(""), STR_INIT(""), RC_ABSENT, "", "", false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct thread_plan p;
		const struct thread_letter q = { .about = c.case_, .answers = rows[i].answers, .to = rows[i].to, .subject = rows[i].subject,
						 .tlp = STR("CLEAR") };
		enum rc rc = plan(&c, &c.lead, &q, &p);
		CHECK_MSG(rc == rows[i].rc, "%s: %s (%s)", rows[i].what, rc_name(rc), rc ? err.text : "");
		if (rc != RC_OK)
			continue;
		CHECK_MSG(str_eq(p.address, str_of(rows[i].address)) && str_eq(p.subject, str_of(rows[i].made)), "%s: '" STR_FMT "', '" STR_FMT "'",
			  rows[i].what, STR_ARG(p.address), STR_ARG(p.subject));
		CHECK_STR(p.in_reply_to, STR("a2@example.net"));
		CHECK_STR(p.references, STR("r1@example.org a2@example.net"));
		CHECK_STR(p.previous, rows[i].answers);
		CHECK_STR(p.organisation, rows[i].of_house ? c.house : STR(""));
	}
	end_senders(&c.s);
}

/* --- sending --- */

static int64_t count_of(struct senders *s, const char *what)
{
	struct reader *r = begin(&s->w);
	struct sql *q = sql(reader_conn(r), what);
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

#define LETTERS "SELECT count(*) FROM outbox WHERE template = 'mail.letter'"

TEST(sending_is_all_or_nothing)
{
	struct correspondence c;
	begin_letters(&c);
	const struct {
		const char *what, *subject, *text, *tlp;
		enum rc rc;
	} rows[] = {
		{ "refused", "A subject", "Words", "RED", RC_DENIED }, { "must be encrypted", "A subject", "Words", "AMBER+STRICT", RC_DENIED },
		{ "no text", "A subject", " \n ", "", RC_INPUT }, { "no subject", "", "Words", "", RC_INPUT },
		{ "a subject of two lines", "A\nsubject", "Words", "", RC_INPUT }, { "good", "A subject", "Words", "", RC_OK },
		{ "again, another letter", "A subject", "Words", "", RC_OK },
	};
	int64_t records = count_of(&c.s, "SELECT count(*) FROM record"), sent = 0;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str id = STR("");
		int64_t message = 0;
		const struct thread_letter q = { .about = c.case_, .to = c.house, .subject = str_of(rows[i].subject), .text = str_of(rows[i].text),
						 .tlp = str_of(rows[i].tlp) };
		enum rc rc = thread_send(c.s.n, &c.lead, &q, c.s.w.a, &id, &message, &err);
		sent += rc == RC_OK;
		CHECK_MSG(rc == rows[i].rc, "%s: %s (%s)", rows[i].what, rc_name(rc), rc ? err.text : "");
		CHECK_MSG(count_of(&c.s, LETTERS) == sent && count_of(&c.s, "SELECT count(*) FROM record") == records + sent, "%s: what is left",
			  rows[i].what);
		if (rc != RC_OK)
			continue;
		struct message m = message_of(&c.s, message);
		CHECK(m.state == MESSAGE_QUEUED && str_eq(m.item, id) && str_eq(m.driver, STR("mail")) && str_eq(m.recipient, c.house));
		CHECK_STR(m.maker, arena_fmt(c.s.w.a, "letter:" STR_FMT, STR_ARG(id)));
		str record = shown(&c.s.w, &c.lead, id);
		CHECK_MSG(has(record, "\"out\"") && has(record, "Words") && has(record, "queued"), STR_FMT, STR_ARG(record));
		CHECK(has(record, "House <abuse@example.net>"));
	}
	CHECK_INT(sent, 2);
	/* A letter that answers keeps the thread. */
	str id;
	int64_t message = 0;
	const struct thread_letter back = { .about = c.case_, .answers = c.seen, .text = STR("Thanks") };
	CHECK_RC(thread_send(c.s.n, &c.lead, &back, c.s.w.a, &id, &message, &err), RC_OK, err);
	CHECK(has(message_of(&c.s, message).details, "\"in_reply_to\":\"a2@example.net\""));
	CHECK(has(message_of(&c.s, message).details, "r1@example.org a2@example.net"));
	end_senders(&c.s);
}

/* --- notes --- */

TEST(a_note_is_for_our_own_people)
{
	struct correspondence c;
	begin_letters(&c);
	char line[200];
	memset(line, 'x', 149);
	memcpy(line + 149, "\xc3\xa9 and more", sizeof "\xc3\xa9 and more"); /* a character across the end of the title */
	const struct {
		const char *what, *text, *tlp;
		enum rc rc;
		const char *title;
	} rows[] = {
		{ "one", "They called.\nAni will look.", "", RC_OK, "\"title\":\"They called.\"" },
		{ "with blank lines before", "\n\n They called again.\n", "", RC_OK, "\"title\":\"They called again.\"" },
		{ "a long first line", line, "", RC_OK, "xxx\"" },
		{ "red", "Not for mail", "RED", RC_OK, "\"tlp\":\"RED\"" },
		{ "nothing", " \n", "", RC_INPUT, NULL },
		{ "no marking", "x", "PURPLE", RC_INPUT, NULL },
	};
	size_t made = 0;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str id = STR("");
		enum rc rc = thread_note(c.s.n, &c.lead, c.case_, str_of(rows[i].text), str_of(rows[i].tlp), c.s.w.a, &id, &err);
		CHECK_MSG(rc == rows[i].rc, "%s: %s (%s)", rows[i].what, rc_name(rc), rc ? err.text : "");
		if (rc != RC_OK)
			continue;
		made++;
		CHECK_MSG(has(shown(&c.s.w, &c.lead, id), rows[i].title), "%s: " STR_FMT, rows[i].what,
			  STR_ARG(shown(&c.s.w, &c.lead, id)));
	}
	str id;
	CHECK_RC(thread_note(c.s.n, &c.lead, c.house, STR("x"), STR(""), c.s.w.a, &id, &err), RC_INPUT, err);
	/* By party, then by time; notes last. */
	struct thread_entry *list = NULL;
	size_t count = 0;
	struct reader *r = begin(&c.s.w);
	CHECK_RC(thread_read(c.s.n, r, types_of(&c.s.w), &c.lead, c.case_, c.s.w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(count, made + 1);
	for (size_t i = 0; i < count; i++)
		CHECK(list[i].note == (i > 0) && (i > 0 || str_eq(list[i].party, STR("House"))));
	CHECK_INT(count_of(&c.s, "SELECT count(*) FROM outbox"), 0); /* nobody outside hears of it */
	end_senders(&c.s);
}

/* --- all whom it concerns --- */

TEST(a_round_about_it_is_a_draft)
{
	struct correspondence c;
	begin_letters(&c);
	const struct { const char *what; struct thread_letter q; enum rc rc; } rows[] = {
		{ "a draft", { .about = c.case_, .subject = STR_INIT("Look"), .text = STR_INIT("Please look.") }, RC_OK },
		{ "no marking", { .about = c.case_, .tlp = STR_INIT("PURPLE") }, RC_INPUT },
		{ "about nothing", { .about = STR_INIT("incident-99") }, RC_ABSENT },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str id = STR("");
		enum rc rc = thread_round(c.s.n, &c.lead, &rows[i].q, c.s.w.a, &id, &err);
		CHECK_MSG(rc == rows[i].rc, "%s: %s (%s)", rows[i].what, rc_name(rc), rc ? err.text : "");
		if (rc != RC_OK)
			continue;
		str record = shown(&c.s.w, &c.lead, id);
		CHECK_MSG(has(record, "A server that scans") && has(record, "Please look."), STR_FMT, STR_ARG(record));
		CHECK(has(record, arena_fmt(c.s.w.a, STR_FMT "%c", STR_ARG(c.house), 0).p)); /* written about with them */
	}
	CHECK_INT(count_of(&c.s, "SELECT count(*) FROM outbox"), 0);
	end_senders(&c.s);
}

TEST_MAIN(TEST_RUN(whom_it_reaches_and_whether_it_may), TEST_RUN(what_it_answers), TEST_RUN(sending_is_all_or_nothing),
	  TEST_RUN(a_note_is_for_our_own_people), TEST_RUN(a_round_about_it_is_a_draft))
