/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/test_senders.h"

#include "notify/bounce.h"

TEST(status_codes)
{
	static const struct { const char *text, *status; bool of_address; } rows[] = {
		{ "mail:25: 550 5.1.1 no such mailbox", "5.1.1", true },
		{ "550-5.1.10 null MX", "5.1.10", true },
		{ "554 5.7.1 relay access denied", "5.7.1", false },
		{ "552 5.2.2 mailbox full", "5.2.2", false },
		{ "450 4.2.1 later", "4.2.1", false },
		{ "at 192.0.2.1 there is nobody", "", false },
		{ "5.1", "", false },
		{ "5.1.", "", false },
		{ "5.1.1.1", "", false },
		{ "version 15.1.1", "", false },
		{ "5.1.1", "5.1.1", true },
		{ "", "", false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str status = bounce_status(str_of(rows[i].text));
		CHECK_MSG(str_eq(status, str_of(rows[i].status)), "'%s': '" STR_FMT "'", rows[i].text, STR_ARG(status));
		CHECK(bounce_is_of_address(status) == rows[i].of_address);
	}
}

struct noting {
	struct notify *n;
	struct bounce b;
	bool next;
};

static enum rc note_it(struct tx *tx, void *ctx, struct err *e)
{
	struct noting *k = ctx;
	return bounce_note(tx, k->n, &k->b, &k->next, e);
}

static enum rc note(struct senders *s, int64_t message, const char *address, const char *status, bool permanent,
		    bool *next_out)
{
	struct noting k = { .n = s->n, .b = { message, str_of(address), str_of(status), permanent, STR("nobody there") } };
	enum rc rc = store_write(s->w.s, note_it, &k, &err);
	*next_out = k.next;
	return rc;
}

static str house(struct senders *s)
{
	return make_record(s, "organisation", GREEN,
			   STR("{\"name\":\"House\",\"kind\":\"constituent\",\"contacts\":["
			       "{\"role\":\"abuse\",\"channel\":\"mail\",\"email\":\"first@example.org\",\"order\":1},"
			       "{\"role\":\"point24\",\"channel\":\"mail\",\"email\":\"point24@example.org\",\"order\":1},"
			       "{\"role\":\"abuse\",\"channel\":\"mail\",\"email\":\"second@example.org\",\"order\":2}]}"));
}

static str reached(struct senders *s, str recipient)
{
	struct reached who;
	struct reader *r = begin(&s->w);
	const struct resolving k = { s->n, r, types_of(&s->w), driver_find(STR("mail")), LANE_INCIDENT, clock_now_us(), s->w.a };
	enum rc rc = notify_resolve(&k, recipient, &who, &err);
	store_read_end(r);
	return rc == RC_OK ? who.address : STR("nobody");
}

/* As the senders do: taken, and sent. */
static int64_t send_one(struct senders *s, str recipient)
{
	struct message *list;
	size_t count = 0;
	int64_t id = queue(s, "mail", recipient, STR(""), "clock.due", LANE_INCIDENT);
	const struct outcome_of sent = { .outcome = OUTCOME_SENT, .rule = "", .reference = STR("<x@example.org>") };
	CHECK_RC(outbox_take(s->w.s, "mail", 10, MINUTE_US, s->w.a, &list, &count, &err), RC_OK, err);
	CHECK_INT(count, 1);
	CHECK_RC(outbox_end(s->w.s, id, &sent, &err), RC_OK, err);
	return id;
}

static size_t rows_of(struct senders *s, str recipient, enum ledger_kind kind)
{
	struct ledger_row *list = NULL;
	size_t count = 0, n = 0;
	struct reader *r = begin(&s->w);
	const struct ledger_query q = { .recipient = recipient, .limit = 100 };
	CHECK_RC(ledger_list(reader_conn(r), &q, s->w.a, &list, &count, &err), RC_OK, err);
	for (size_t i = 0; i < count; i++)
		n += list[i].kind == kind;
	store_read_end(r);
	return n;
}

TEST(the_next_contact_is_asked)
{
	struct senders s = { .made = 0 };
	bool next = false;
	char words[200];
	begin_senders(&s, NULL);
	str org = house(&s), to = arena_fmt(s.w.a, STR_FMT "/abuse", STR_ARG(org));
	CHECK_STR(reached(&s, to), STR("first@example.org"));
	int64_t id = send_one(&s, to);
	/* A delay changes little. */
	CHECK_RC(note(&s, id, "first@example.org", "4.4.1", false, &next), RC_OK, err);
	CHECK_INT(message_of(&s, id).state, MESSAGE_SENT);
	CHECK_STR(reached(&s, to), STR("first@example.org"));
	/* What is said twice counts once. */
	CHECK_RC(note(&s, id, "FIRST@example.org", "5.1.1", true, &next), RC_OK, err);
	CHECK(next);
	CHECK_RC(note(&s, id, "FIRST@example.org", "5.1.1", true, &next), RC_OK, err);
	CHECK_INT(rows_of(&s, to, LEDGER_BOUNCED), 2);
	CHECK_INT(message_of(&s, id).state, MESSAGE_QUEUED);
	CHECK_STR(reached(&s, to), STR("second@example.org"));
	/* The last one: a person has to see to it. */
	struct message *list;
	size_t count;
	const struct outcome_of sent = { .outcome = OUTCOME_SENT, .rule = "", .reference = STR("<x@example.org>") };
	CHECK_RC(outbox_take(s.w.s, "mail", 10, MINUTE_US, s.w.a, &list, &count, &err), RC_OK, err);
	CHECK_RC(outbox_end(s.w.s, id, &sent, &err), RC_OK, err);
	CHECK_RC(note(&s, id, "", "5.1.1", true, &next), RC_OK, err);
	CHECK(!next);
	CHECK_INT(message_of(&s, id).state, MESSAGE_FAILED);
	CHECK_INT(rows_of(&s, to, LEDGER_FAILED), 1);
	CHECK_STR(reached(&s, to), STR("nobody"));
	CHECK_STR(reached(&s, arena_fmt(s.w.a, STR_FMT "/point24", STR_ARG(org))), STR("point24@example.org"));
	struct reader *r = begin(&s.w);
	CHECK_RC(outbox_verify(reader_conn(r), words, &err), RC_OK, err);
	CHECK_STR(str_of(words), STR(""));
	store_read_end(r);
	end_senders(&s);
}

TEST(what_cannot_come_back)
{
	struct senders s = { .made = 0 };
	bool next = false;
	begin_senders(&s, NULL);
	str org = house(&s);
	int64_t waits = queue(&s, "mail", org, STR(""), "clock.due", LANE_INCIDENT);
	CHECK_RC(note(&s, waits, "first@example.org", "5.1.1", true, &next), RC_CONFLICT, err);
	CHECK_RC(note(&s, 4711, "first@example.org", "5.1.1", true, &next), RC_ABSENT, err);
	CHECK_STR(reached(&s, org), STR("first@example.org"));
	/* An address that is no contact's changes no contact. */
	struct message *list;
	size_t count;
	CHECK_RC(outbox_take(s.w.s, "mail", 10, MINUTE_US, s.w.a, &list, &count, &err), RC_OK, err);
	CHECK_RC(note(&s, waits, "other@example.org", "5.1.1", true, &next), RC_OK, err);
	CHECK_STR(reached(&s, org), STR("first@example.org"));
	end_senders(&s);
}

TEST_MAIN(TEST_RUN(status_codes), TEST_RUN(the_next_contact_is_asked), TEST_RUN(what_cannot_come_back))
