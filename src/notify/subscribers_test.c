/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/subscribers.h"

#include "base/test.h"
#include "notify/letter_of.h"
#include "notify/link.h"
#include "notify/test_senders.h"

static int64_t number(struct senders *s, const char *which)
{
	struct reader *r = begin(&s->w);
	struct sql *q = strcmp(which, "messages") == 0 ? sql(reader_conn(r), "SELECT count(*) FROM outbox") :
			strcmp(which, "newest") == 0   ? sql(reader_conn(r), "SELECT max(id) FROM outbox") :
			strcmp(which, "addresses") == 0 ? sql(reader_conn(r), "SELECT count(*) FROM subscriber WHERE email IS NOT NULL") :
							  sql(reader_conn(r), "SELECT count(*) FROM subscriber");
	CHECK(sql_row(q));
	int64_t n = sql_col_int(q, 0);
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

/* What the newest message says; "" when it cannot be said any more. */
static str text_of(struct senders *s, int64_t id)
{
	struct rendering what;
	struct message m = message_of(s, id);
	struct reader *r = begin(&s->w);
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(s->w.r));
	str text = STR("");
	if (notify_render(s->n, r, snapshot_table(types), &m, s->w.a, &what, &err) == RC_OK) {
		text = arena_fmt(s->w.a, STR_FMT "\n" STR_FMT "\n" STR_FMT, STR_ARG(what.who.address), STR_ARG(what.subject),
				 STR_ARG(what.text));
		json_free(what.data);
	}
	snapshot_drop(records_types_snapshot(s->w.r), types);
	store_read_end(r);
	return text;
}

static bool says(str text, const char *words)
{
	return str_find(text, str_of(words)) < text.n;
}

static str token_in(str text)
{
	str mark = STR("/warnings/list/");
	size_t at = str_find(text, mark);
	if (at == text.n)
		return STR("");
	str rest = str_from(text, at + mark.n);
	return str_head(rest, str_index(rest, '\n'));
}

static void tend(struct senders *s)
{
	bool did = true;
	for (int i = 0; did && i < 1000; i++)
		CHECK_RC(store_tend(s->w.s, &did, &err), RC_OK, err);
}

static void publish(struct senders *s, const char *title, const char *labels, const char *more)
{
	str id = make_record(s, "warning", labels,
			     arena_fmt(s->w.a, "{\"title\":\"%s\",\"urgency\":\"act\",\"summary\":\"it spreads\",\"advice\":\"update\","
					       "\"review_by\":\"2030-01-01\",\"internal\":\"canary-team\"%s}", title, more));
	struct viewer lead = staff(LEAD | DUTY, 1);
	const char *const states[] = { "approved", "sent" };
	lead.exercise = lead.as.exercise_member = true;
	for (size_t i = 0; i < COUNT_OF(states); i++) {
		const struct change_request q = { .id = id, .to_state = str_of(states[i]), .why = STR("because") };
		CHECK_RC(change(&s->w, &lead, &q, NULL), RC_OK, err);
	}
	tend(s);
}

static void begin_list(struct senders *s)
{
	begin_senders(s, "public_pages=yes");
	s->n->public_url = "https://ronda.example.org";
	subscribers_open(s->n);
}

TEST(asked_confirmed_told_left)
{
	struct senders s = { .made = 0 };
	struct reader *r;
	enum subscriber_state state;
	int64_t id = 0, other = 0;
	bool leave = true;
	begin_list(&s);
	CHECK_RC(subscriber_ask(s.n, STR("reader@EXAMPLE.org"), STR("id"), &err), RC_OK, err);
	CHECK_INT(number(&s, "messages"), 1);
	str text = text_of(&s, number(&s, "newest"));
	CHECK(says(text, "reader@example.org\n") && says(text, "mohon pastikan"));
	str token = token_in(text);
	CHECK(link_list_parse(s.n, token, &leave, &id) && !leave && id > 0);
	CHECK_RC(subscriber_ask(s.n, STR("reader@example.ORG"), STR("en"), &err), RC_OK, err);
	CHECK_INT(number(&s, "messages"), 1); /* not twice a day */
	/* who has not confirmed gets nothing */
	publish(&s, "too early", "{\"tlp\":\"CLEAR\"}", "");
	CHECK_INT(number(&s, "messages"), 1);
	CHECK_RC(subscriber_confirm(s.n, id, &err), RC_OK, err);
	CHECK_RC(subscriber_confirm(s.n, id, &err), RC_OK, err);
	r = begin(&s.w);
	CHECK_RC(subscriber_find(reader_conn(r), id, &state, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(state, SUBSCRIBER_CONFIRMED);
	tend(&s);
	CHECK_INT(number(&s, "messages"), 1);
	/* none of these is for everybody */
	publish(&s, "canary-amber", "{\"tlp\":\"AMBER\"}", "");
	publish(&s, "canary-drill", "{\"tlp\":\"CLEAR\",\"exercise\":true}", "");
	publish(&s, "canary-partners", "{\"tlp\":\"CLEAR\"}", ",\"audience\":[\"partners\"]");
	CHECK_INT(number(&s, "messages"), 1);
	publish(&s, "for all", "{\"tlp\":\"CLEAR\"}", ",\"audience\":[\"partners\",\"public\"]");
	CHECK_INT(number(&s, "messages"), 2);
	tend(&s);
	CHECK_INT(number(&s, "messages"), 2);
	text = text_of(&s, number(&s, "newest"));
	CHECK(says(text, "for all") && says(text, "it spreads") && says(text, "update") && !says(text, "canary"));
	CHECK(link_list_parse(s.n, token_in(text), &leave, &other) && leave && other == id);
	/* he leaves: the address is gone, what is queued reaches nobody, and links mean nobody else */
	CHECK_RC(subscriber_leave(s.n, id, &err), RC_OK, err);
	CHECK_INT(number(&s, "addresses"), 0);
	CHECK_STR(text_of(&s, number(&s, "newest")), STR(""));
	CHECK_RC(subscriber_confirm(s.n, id, &err), RC_ABSENT, err);
	CHECK_RC(subscriber_ask(s.n, STR("reader@example.org"), STR("en"), &err), RC_OK, err);
	CHECK_INT(number(&s, "rows"), 2);
	CHECK_RC(subscriber_confirm(s.n, id, &err), RC_ABSENT, err);
	end_senders(&s);
}

static enum rc age(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	return sql_run(sql(tx_conn(tx), "UPDATE subscriber SET asked_us = 1 WHERE state = 1"), e);
}

static enum rc fill(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	return sql_run(sql(tx_conn(tx), "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 350)"
					" INSERT INTO subscriber (email, language, state, asked_us, changed_us)"
					" SELECT 'r' || i || '@example.org', 'en', 2, 1, 1 FROM n"), e);
}

TEST(many_and_none)
{
	static const char *const wrong[] = { "", "@", "a", "a@", "a b@example.org", "a@example.org\r\nBcc: b@example.org",
					     "<a@example.org>", "a@example.org,b@example.org" };
	struct senders s = { .made = 0 };
	begin_list(&s);
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		CHECK_MSG(subscriber_ask(s.n, str_of(wrong[i]), STR("en"), &err) == RC_INPUT, "%s", wrong[i]);
	CHECK_RC(subscriber_ask(s.n, STR("never@example.org"), STR("en"), &err), RC_OK, err);
	CHECK_RC(store_write(s.w.s, age, NULL, &err), RC_OK, err);
	tend(&s);
	CHECK_INT(number(&s, "addresses"), 0); /* never confirmed */
	CHECK_RC(store_write(s.w.s, fill, NULL, &err), RC_OK, err);
	int64_t before = number(&s, "messages");
	publish(&s, "to many", "{\"tlp\":\"CLEAR\"}", "");
	CHECK_INT(number(&s, "messages") - before, 350); /* each once */
	s.n->public_url = "";
	CHECK_RC(subscriber_ask(s.n, STR("a@example.org"), STR("en"), &err), RC_ABSENT, err);
	end_senders(&s);
}

TEST(guessed_links)
{
	struct senders s = { .made = 0 };
	bool leave;
	int64_t id;
	begin_list(&s);
	str good = link_list(s.n, true, 7, s.w.a), token = token_in(good);
	CHECK(link_list_parse(s.n, token, &leave, &id) && leave && id == 7);
	for (size_t i = 0; i < token.n; i++) {
		char *bad = arena_z(s.w.a, token);
		bad[i] = bad[i] == 'a' ? 'b' : 'a';
		CHECK(!link_list_parse(s.n, str_of(bad), &leave, &id));
	}
	int64_t message;
	CHECK(!link_answer_parse(s.n, token, &message) && !link_thread_parse(s.n, token, &message));
	end_senders(&s);
}

/* RFC 2369 and RFC 8058: mail programs have a button of their own. */
TEST(a_mail_says_how_it_ends)
{
	struct senders s = { .made = 0 };
	struct letter l;
	struct rendering what = { .rule = "", .cut = STR(""), .subject = STR("subject"), .text = STR("text"), .link = STR(""),
				  .who = { .address = STR("reader@example.org"), .name = STR("") } };
	begin_senders(&s, "mail_from=CERT <cert@example.org>");
	int64_t id = queue(&s, "mail", STR("subscriber:7"), STR(""), "list.warning", LANE_WARNING);
	struct message m = message_of(&s, id);
	CHECK_RC(json_read(STR("{\"language\":\"en\",\"details\":{\"unsubscribe\":\"https://ronda.example.org/x\"}}"), &what.data, &err),
		 RC_OK, err);
	const struct sending to = { .n = s.n, .m = &m, .what = &what, .a = s.w.a };
	struct reader *r = begin(&s.w);
	CHECK_RC(letter_of(&to, r, types_of(&s.w), s.w.a, &l, &err), RC_OK, err);
	store_read_end(r);
	size_t found = 0;
	for (size_t i = 0; i < l.header_count; i++)
		found += (strcmp(l.headers[i].name, "List-Unsubscribe") == 0 &&
			  str_eq(l.headers[i].value, STR("<https://ronda.example.org/x>"))) ||
			 (strcmp(l.headers[i].name, "List-Unsubscribe-Post") == 0 &&
			  str_eq(l.headers[i].value, STR("List-Unsubscribe=One-Click")));
	CHECK_INT(found, 2);
	json_free(what.data);
	end_senders(&s);
}

TEST_MAIN(TEST_RUN(a_mail_says_how_it_ends), TEST_RUN(asked_confirmed_told_left), TEST_RUN(many_and_none), TEST_RUN(guessed_links))
