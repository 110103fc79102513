/* SPDX-License-Identifier: Apache-2.0 */
#include "record/outbox_private.h"

#include "base/arena.h"
#include "base/test.h"
#include "base/test_dir.h"

static struct err err;

struct world {
	struct test_dir d;
	struct store *s;
	struct journal *j;
	struct arena *a;
};

static void begin(struct world *w)
{
	CHECK_RC(store_open(w->d.path, NULL, NULL, &w->s, &err), RC_OK, err);
	CHECK_RC(journal_open(w->s, &w->j, &err), RC_OK, err);
}

static struct world opened(void)
{
	struct world w = { .d = test_dir_new(), .a = arena_new(KIB(64)) };
	CHECK_RC(store_create(w.d.path, "Team B", "ID", &err), RC_OK, err);
	begin(&w);
	return w;
}

static void stop(struct world *w)
{
	journal_close(w->j);
	store_close(w->s);
}

static void ended(struct world *w)
{
	stop(w);
	arena_free(w->a);
	test_dir_end(&w->d);
}

struct put {
	struct message m;
	const struct cover *covers;
	size_t cover_count;
	uint64_t from, to; /* of the cursor; equal: not moved */
	int64_t id;
};

static enum rc put_job(struct tx *tx, void *ctx, struct err *e)
{
	struct put *p = ctx;
	enum rc rc = outbox_put(tx, &p->m, p->covers, p->cover_count, &p->id, e);
	if (rc == RC_OK && p->from != p->to)
		rc = outbox_cursor_move(tx, p->m.maker, p->from, p->to, e);
	return rc;
}

static struct sql *plan_of_item(struct conn *c)
{
	return sql(c, "EXPLAIN QUERY PLAN " OUTBOX_OF_ITEM);
}
static struct sql *plan_of_lost(struct conn *c)
{
	return sql(c, "EXPLAIN QUERY PLAN " OUTBOX_LOST);
}
static struct sql *plan_of_requeue(struct conn *c)
{
	return sql(c, "EXPLAIN QUERY PLAN " OUTBOX_REQUEUE);
}
static struct sql *plan_of_expired(struct conn *c)
{
	return sql(c, "EXPLAIN QUERY PLAN " OUTBOX_EXPIRED);
}

static struct message a_message(uint64_t made_at)
{
	return (struct message){ .lane = LANE_INCIDENT, .driver = STR("mail"),
				 .recipient = STR("organisation--a"), .item = STR("incident--1"),
				 .item_version = 3, .template = STR("told"), .details = STR("{}"),
				 .purpose = 1, .policy = 7, .maker = STR("rules"), .made_at = made_at };
}

static int64_t put(struct world *w, struct message m)
{
	struct put p = { .m = m };
	CHECK_RC(store_write(w->s, put_job, &p, &err), RC_OK, err);
	return p.id;
}

static size_t take(struct world *w, struct message **out)
{
	size_t n = 0;
	CHECK_RC(outbox_take(w->s, "mail", 100, MINUTE_US, w->a, out, &n, &err), RC_OK, err);
	return n;
}

static enum message_state state_of(struct world *w, int64_t id)
{
	struct reader *r;
	struct message m = { 0 };
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(outbox_load(reader_conn(r), id, w->a, &m, &err), RC_OK, err);
	store_read_end(r);
	return m.state;
}

static size_t ledger(struct world *w, str item, struct ledger_row **out)
{
	struct reader *r;
	struct ledger_query q = { .item = item, .limit = 100 };
	size_t n = 0;
	char words[200];
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(ledger_list(reader_conn(r), &q, w->a, out, &n, &err), RC_OK, err);
	CHECK_RC(outbox_verify(reader_conn(r), words, &err), RC_OK, err);
	CHECK_STR(str_of(words), STR(""));
	store_read_end(r);
	return n;
}

static enum rc end(struct world *w, int64_t id, enum outcome outcome)
{
	struct outcome_of o = { .outcome = outcome, .policy = 8, .rule = "a rule", .cut = STR("reporter"),
				.reference = STR("<1@example.org>"), .words = STR("250 taken") };
	return outbox_end(w->s, id, &o, &err);
}

TEST(sent_once)
{
	struct world w = opened();
	struct message *list;
	struct ledger_row *rows;
	int64_t id = put(&w, a_message(1));
	CHECK_INT(put(&w, a_message(1)), id); /* the same maker and place: the same message */
	CHECK(put(&w, a_message(2)) != id);
	CHECK_INT(take(&w, &list), 2);
	CHECK_INT(list[0].id, id);
	CHECK_INT(list[0].tries, 1);
	CHECK_INT(take(&w, &list), 0); /* nobody gets what another has */
	CHECK_RC(outbox_draining(w.s, id, &err), RC_OK, err);
	CHECK_RC(end(&w, id, OUTCOME_SENT), RC_OK, err);
	CHECK_INT(end(&w, id, OUTCOME_SENT), RC_CONFLICT);
	CHECK_INT(ledger(&w, STR("incident--1"), &rows), 1);
	CHECK_INT(rows[0].kind, LEDGER_SENT);
	CHECK_INT(rows[0].policy, 8); /* the one it was sent under, not the one it was queued under */
	CHECK_STR(rows[0].cut, STR("reporter"));
	CHECK_STR(rows[0].rule, STR("a rule"));
	CHECK_INT(rows[0].item_version, 3);
	ended(&w);
}

TEST(lanes_and_times)
{
	struct world w = opened();
	struct message m = a_message(1), *list;
	m.lane = LANE_BULK;
	int64_t bulk = put(&w, m);
	m = a_message(2);
	m.not_before_us = clock_now_us() + HOUR_US;
	int64_t later = put(&w, m);
	m = a_message(3);
	m.lane = LANE_WARNING;
	int64_t warning = put(&w, m);
	m = a_message(4);
	m.expires_us = clock_now_us() - 1;
	int64_t expired = put(&w, m);
	m = a_message(5);
	m.driver = STR("webhook");
	put(&w, m);
	CHECK_INT(take(&w, &list), 2);
	CHECK_INT(list[0].id, warning);
	CHECK_INT(list[1].id, bulk);
	CHECK_INT(state_of(&w, expired), MESSAGE_FAILED);
	CHECK_INT(state_of(&w, later), MESSAGE_QUEUED);
	if (clock_move(2 * HOUR_US)) {
		CHECK_INT(take(&w, &list), 3); /* and the leases of the two have run out */
		clock_move(-2 * HOUR_US);
	}
	ended(&w);
}

TEST(tried_again)
{
	struct world w = opened();
	struct message *list;
	struct ledger_row *rows;
	int64_t id = put(&w, a_message(1)), pause = 0;
	for (unsigned i = 1; i <= 12; i++) {
		int64_t before = clock_now_us();
		CHECK_INT(take(&w, &list), 1);
		CHECK_INT(list[0].tries, i);
		CHECK_RC(end(&w, id, OUTCOME_RETRY), RC_OK, err);
		struct reader *r;
		struct message m;
		CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
		CHECK_RC(outbox_load(reader_conn(r), id, w.a, &m, &err), RC_OK, err);
		store_read_end(r);
		int64_t now_pause = m.not_before_us - before;
		CHECK(now_pause >= OUTBOX_PAUSE_LEAST * 2 / 3 && now_pause <= OUTBOX_PAUSE_MOST + SECOND_US);
		CHECK(i > 8 || now_pause > pause / 2);
		pause = now_pause;
		CHECK_INT(take(&w, &list), 0);
		if (!clock_move(now_pause + SECOND_US))
			break; /* this build cannot move the clock */
	}
	CHECK_INT(ledger(&w, STR("incident--1"), &rows), 0);
	ended(&w);
}

static enum rc again_job(struct tx *tx, void *ctx, struct err *e)
{
	struct world *w = ctx;
	return outbox_again(tx, w->j, 1, STR("account:1"), STR("they never got it"), e);
}

static enum rc withdraw_job(struct tx *tx, void *ctx, struct err *e)
{
	struct world *w = ctx;
	return outbox_withdraw(tx, w->j, 1, STR("account:1"), STR("sent to the wrong one"), e);
}

static enum rc receipt_job(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	return ledger_receipt(tx, 1, LEDGER_RECEIPT, STR("r1"), STR("delivered"), e);
}

/* A sender dies: before draining the message is sent again, after it nobody knows. */
TEST(a_sender_dies)
{
	struct world w = opened();
	struct message *list;
	struct ledger_row *rows;
	int64_t id = put(&w, a_message(1));
	CHECK_INT(take(&w, &list), 1);
	stop(&w);
	begin(&w);
	CHECK_RC(outbox_recover(w.s, &err), RC_OK, err);
	CHECK_INT(take(&w, &list), 1);
	CHECK_RC(outbox_draining(w.s, id, &err), RC_OK, err);
	CHECK_INT(outbox_draining(w.s, id, &err), RC_CONFLICT);
	stop(&w);
	begin(&w);
	CHECK_RC(outbox_recover(w.s, &err), RC_OK, err);
	CHECK_INT(state_of(&w, id), MESSAGE_UNCERTAIN);
	CHECK_INT(take(&w, &list), 0); /* never again by itself */
	CHECK_INT(ledger(&w, STR("incident--1"), &rows), 1);
	CHECK_INT(rows[0].kind, LEDGER_UNCERTAIN);
	/* a receipt that comes late is kept, once */
	CHECK_RC(store_write(w.s, receipt_job, NULL, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, receipt_job, NULL, &err), RC_OK, err);
	CHECK_INT(ledger(&w, STR("incident--1"), &rows), 2);
	CHECK_INT(rows[0].kind, LEDGER_RECEIPT);
	/* a person sends it again */
	CHECK_RC(store_write(w.s, again_job, &w, &err), RC_OK, err);
	CHECK_INT(take(&w, &list), 1);
	CHECK_RC(store_write(w.s, withdraw_job, &w, &err), RC_OK, err);
	CHECK_INT(outbox_draining(w.s, id, &err), RC_CONFLICT); /* stopped in time */
	CHECK_INT(state_of(&w, id), MESSAGE_WITHDRAWN);
	CHECK_INT(store_write(w.s, withdraw_job, &w, &err), RC_CONFLICT);
	CHECK_INT(store_write(w.s, receipt_job, NULL, &err), RC_CONFLICT);
	ended(&w);
}

TEST(cursor_and_covers)
{
	struct world w = opened();
	struct cover covers[] = { { STR_INIT("finding--01"), 1 }, { STR_INIT("finding--02"), 4 },
				  { STR_INIT("finding--01"), 1 } };
	struct put p = { .m = a_message(10), .covers = covers, .cover_count = 3, .to = 10 };
	struct message *list;
	struct ledger_row *rows;
	uint64_t at;
	CHECK_RC(store_write(w.s, put_job, &p, &err), RC_OK, err);
	/* the cursor stands elsewhere: neither message nor move */
	struct put wrong = { .m = a_message(11), .from = 9, .to = 11 };
	CHECK_INT(store_write(w.s, put_job, &wrong, &err), RC_CONFLICT);
	struct reader *r;
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(outbox_cursor(reader_conn(r), STR("rules"), &at, &err), RC_OK, err);
	struct cover *got;
	size_t n;
	CHECK_RC(outbox_covers(reader_conn(r), p.id, w.a, &got, &n, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(at, 10);
	CHECK_INT(n, 2);
	CHECK_STR(got[1].item, STR("finding--02"));
	CHECK_INT(take(&w, &list), 1);
	CHECK_RC(end(&w, p.id, OUTCOME_SENT), RC_OK, err);
	CHECK_INT(ledger(&w, STR("finding--02"), &rows), 1); /* by what it covered */
	CHECK_INT(rows[0].covers, 2);
	CHECK_INT(ledger(&w, STR("finding--03"), &rows), 0);
	ended(&w);
}

static enum rc spoil(struct tx *tx, void *ctx, struct err *e)
{
	return sql_run(sql(tx_conn(tx), ctx), e);
}

static void found_spoiled(struct world *w, char *statement, const char *words)
{
	struct reader *r;
	char got[200];
	CHECK_RC(store_write(w->s, spoil, statement, &err), RC_OK, err);
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(outbox_verify(reader_conn(r), got, &err), RC_OK, err);
	CHECK_MSG(strstr(got, words), "%s", got);
	store_read_end(r);
}

static enum rc unsure_job(struct tx *tx, void *ctx, struct err *e)
{
	return outbox_unsure(tx, "mail", STR("a backup"), ctx, e);
}

/* Of what a backup had under way nobody knows; what ended stays as it ended. */
/* However many messages there are: no statement of those that run all the time reads them all. */
TEST(found_by_index)
{
	static const struct { const char *what; struct sql *(*ask)(struct conn *c); const char *index; } cases[] = {
		{ "of one item", plan_of_item, "outbox_item" },   { "covering it", plan_of_item, "outbox_cover_item" },
		{ "lost", plan_of_lost, "outbox_leased" },        { "queued again", plan_of_requeue, "outbox_leased" },
		{ "expired", plan_of_expired, "outbox_expires" },
	};
	struct world w = opened();
	struct reader *r;
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf plan = BUF_INIT(KIB(4));
		struct sql *q = cases[i].ask(reader_conn(r));
		while (sql_row(q)) {
			str step = sql_col_str(q, 3);
			CHECK_MSG(!str_starts(step, STR("SCAN")), "%s: " STR_FMT, cases[i].what, STR_ARG(step));
			buf_fmt(&plan, STR_FMT "\n", STR_ARG(step));
		}
		CHECK_RC(sql_end(q, &err), RC_OK, err);
		CHECK_MSG(str_find(buf_str(&plan), str_of(cases[i].index)) < plan.n, "%s: " STR_FMT, cases[i].what,
			  STR_ARG(buf_str(&plan)));
		buf_free(&plan);
	}
	store_read_end(r);
	ended(&w);
}

/* What an item was told in, and what covers it; newest first, with what else is asked. */
TEST(of_one_item)
{
	struct world w = opened();
	struct reader *r;
	struct message *list;
	size_t n = 0;
	struct message other = a_message(2), third = a_message(3);
	other.item = STR("incident--2");
	third.driver = STR("print");
	int64_t first = put(&w, a_message(1));
	(void)put(&w, other);
	int64_t last = put(&w, third);
	static const struct { struct outbox_query q; size_t want; } cases[] = {
		{ { .item = STR_INIT("incident--1"), .limit = 9 }, 2 },
		{ { .item = STR_INIT("incident--1"), .limit = 1 }, 1 },
		{ { .item = STR_INIT("incident--1"), .driver = "mail", .limit = 9 }, 1 },
		{ { .item = STR_INIT("incident--1"), .state = MESSAGE_SENT, .limit = 9 }, 0 },
		{ { .item = STR_INIT("incident--3"), .limit = 9 }, 0 },
		{ { .limit = 9 }, 3 },
	};
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CHECK_RC(outbox_list(reader_conn(r), &cases[i].q, w.a, &list, &n, &err), RC_OK, err);
		CHECK_MSG(n == cases[i].want, "%zu: %zu", i, n);
	}
	CHECK_RC(outbox_list(reader_conn(r), &cases[0].q, w.a, &list, &n, &err), RC_OK, err);
	CHECK(n == 2 && list[0].id == last && list[1].id == first);
	store_read_end(r);
	ended(&w);
}

TEST(a_backup_knows_no_ends)
{
	struct world w = opened();
	struct message m = a_message(9), *list;
	int64_t sent = put(&w, a_message(1)), draining = put(&w, a_message(2)), taken = put(&w, a_message(3));
	CHECK_INT(take(&w, &list), 3);
	CHECK_RC(outbox_draining(w.s, sent, &err), RC_OK, err);
	CHECK_RC(end(&w, sent, OUTCOME_SENT), RC_OK, err);
	CHECK_RC(outbox_draining(w.s, draining, &err), RC_OK, err);
	int64_t queued = put(&w, a_message(4));
	m.driver = STR("notice");
	int64_t notice = put(&w, m);
	uint64_t count = 0;
	CHECK_RC(store_write(w.s, unsure_job, &count, &err), RC_OK, err);
	CHECK_INT(count, 3);
	CHECK_INT(state_of(&w, sent), MESSAGE_SENT);
	CHECK_INT(state_of(&w, draining), MESSAGE_UNCERTAIN);
	CHECK_INT(state_of(&w, taken), MESSAGE_UNCERTAIN);
	CHECK_INT(state_of(&w, queued), MESSAGE_UNCERTAIN);
	CHECK_INT(state_of(&w, notice), MESSAGE_QUEUED);
	CHECK_INT(take(&w, &list), 0);
	struct ledger_row *rows;
	CHECK_INT(ledger(&w, STR("incident--1"), &rows), 4);
	ended(&w);
}

TEST(verify)
{
	struct world w = opened();
	struct message *list;
	int64_t id = put(&w, a_message(1));
	CHECK_INT(take(&w, &list), 1);
	CHECK_RC(end(&w, id, OUTCOME_REFUSED), RC_OK, err);
	found_spoiled(&w, "UPDATE ledger SET kind = 1", "message 1 is refused");
	found_spoiled(&w, "DELETE FROM outbox", "names message 1");
	ended(&w);
}

static const struct {
	const char *what;
	struct message m;
	enum rc rc;
} bad[] = {
	{ "no driver", { .recipient = STR_INIT("a"), .template = STR_INIT("t"), .maker = STR_INIT("m") },
	  RC_INPUT },
	{ "no recipient", { .driver = STR_INIT("d"), .template = STR_INIT("t"), .maker = STR_INIT("m") },
	  RC_INPUT },
	{ "a recipient of two lines",
	  { .driver = STR_INIT("d"), .recipient = STR_INIT("a\nb"), .template = STR_INIT("t"),
	    .maker = STR_INIT("m") }, RC_INPUT },
};

TEST(bad_messages)
{
	struct world w = opened();
	static char many[OUTBOX_DETAILS_MAX + 1];
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct put p = { .m = bad[i].m };
		CHECK_MSG(store_write(w.s, put_job, &p, &err) == bad[i].rc, "%s", bad[i].what);
	}
	memset(many, ' ', sizeof many);
	struct put p = { .m = a_message(1) };
	p.m.details = str_mem(many, sizeof many);
	CHECK_INT(store_write(w.s, put_job, &p, &err), RC_LIMIT);
	p.m.details.n--;
	CHECK_RC(store_write(w.s, put_job, &p, &err), RC_OK, err);
	ended(&w);
}

TEST_MAIN(TEST_RUN(sent_once), TEST_RUN(lanes_and_times), TEST_RUN(tried_again),
	  TEST_RUN(a_sender_dies), TEST_RUN(cursor_and_covers), TEST_RUN(found_by_index), TEST_RUN(of_one_item),
	  TEST_RUN(a_backup_knows_no_ends), TEST_RUN(verify), TEST_RUN(bad_messages))
