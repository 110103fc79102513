/* SPDX-License-Identifier: Apache-2.0 */
/* Who is shown which notice, and who may take note of it; outbox and ledger as they are shown. */
#include "record/record_world.h"

#include "disclosure/change.h"
#include "disclosure/notices.h"
#include "disclosure/read_outbox.h"
#include "record/clocks.h"

struct office {
	struct world w;
	struct roles *roles;
	struct calendar *calendar;
};

static enum rc follow(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		      const struct record *now, struct err *e)
{
	(void)r;
	(void)before;
	return clocks_follow(tx, ctx, now, e);
}

static struct office office_new(void)
{
	struct office o = { .w = world_new() };
	CHECK_RC(roles_load(NULL, &o.roles, &err), RC_OK, err);
	CHECK_RC(calendar_new(STR("UTC"), STR("Mon-Fri 08:00-17:00"), STR_NONE, &o.calendar, &err), RC_OK, err);
	records_add_hook(o.w.r, &(struct record_hook){ .changed = follow, .ctx = o.calendar });
	return o;
}

static void office_end(struct office *o)
{
	world_end(&o->w);
	calendar_free(o->calendar);
	roles_free(o->roles);
}

static struct viewer staff(const struct office *o, const char *role, int account)
{
	struct viewer v = {
		.right = RIGHT_READ,
		.as = { .kind = RECIPIENT_STAFF, .ceiling = TLP_RED, .named = true, .personal_basis = true },
		.channel = CHANNEL_SCREEN, .account = account,
		.roles = UINT32_C(1) << roles_find(o->roles, str_of(role)),
		.policy = { .number = 9, .public_k = 5 },
	};
	snprintf(v.actor, sizeof(v.actor), "account:%d", account);
	return v;
}

/* A task that was due a minute ago, and the notice of it. */
static str task(struct office *o, const char *labels, const char *assignee)
{
	struct viewer lead = staff(o, "lead", 1);
	struct record_view view;
	struct change_errors errors;
	char text[40];
	size_t did = 0;
	str due = time_str(text, clock_now_us() - MINUTE_US);
	const struct change_request q = {
		.type = STR("task"), .labels = str_of(labels),
		.fields = arena_fmt(o->w.a, "{\"title\":\"canary-title\",\"due_by\":\"" STR_FMT "\"%s%s%s}",
				    STR_ARG(due), assignee ? ",\"assignee\":\"" : "", assignee ? assignee : "",
				    assignee ? "\"" : ""),
	};
	CHECK_RC(change_record(o->w.r, o->w.s, &lead, &q, o->w.a, &view, &errors, &err), RC_OK, err);
	str id = record_view_id(&view, o->w.a);
	record_view_end(&view);
	CHECK_RC(clocks_tick(o->w.s, snapshot_table(o->w.held), o->calendar, NULL, 9, 100, &did, &err), RC_OK, err);
	CHECK_INT(did, 1);
	return id;
}

static size_t seen(struct office *o, const struct viewer *v, struct notice *first)
{
	struct reader *r = NULL;
	struct notice *list = NULL;
	size_t n = 0;
	CHECK_RC(store_read_begin(o->w.s, &r, &err), RC_OK, err);
	CHECK_RC(read_notices(r, snapshot_table(o->w.held), o->roles, v, 0, 10, o->w.a, &list, &n, &err), RC_OK, err);
	store_read_end(r);
	if (n > 0 && first)
		*first = list[0];
	return n;
}

static enum rc take(struct office *o, const struct viewer *v, int64_t id, const char *words)
{
	return notice_take(o->w.r, o->w.s, o->roles, v, id, str_of(words), &err);
}

TEST(to_a_role)
{
	struct office o = office_new();
	struct viewer duty = staff(&o, "duty", 2), lead = staff(&o, "lead", 1), analyst = staff(&o, "analyst", 3);
	struct notice n = { .id = 0 };
	str id = task(&o, "{\"tlp\":\"AMBER\"}", NULL);
	CHECK_INT(seen(&o, &lead, NULL), 0);
	CHECK_INT(seen(&o, &analyst, NULL), 0);
	CHECK_INT(seen(&o, &duty, &n), 1);
	CHECK(n.visible && n.step == 0 && n.due_us != TIME_NONE);
	CHECK_STR(n.item, id);
	CHECK_STR(n.title, STR("canary-title"));
	CHECK_STR(n.clock, STR("due"));
	CHECK_STR(n.to, STR("role:duty"));
	CHECK_RC(take(&o, &analyst, n.id, ""), RC_ABSENT, err);
	CHECK_RC(take(&o, &duty, n.id + 1, ""), RC_ABSENT, err);
	CHECK_RC(take(&o, &duty, n.id, "two\nlines"), RC_INPUT, err);
	str long_words = arena_fmt(o.w.a, "%01001d", 0);
	CHECK_RC(take(&o, &duty, n.id, long_words.p), RC_INPUT, err);
	duty.reads_only = true;
	CHECK_RC(take(&o, &duty, n.id, ""), RC_DENIED, err);
	duty.reads_only = false;
	CHECK_RC(take(&o, &duty, n.id, "on it"), RC_OK, err);
	CHECK_RC(take(&o, &duty, n.id, ""), RC_CONFLICT, err);
	CHECK_INT(seen(&o, &duty, NULL), 0);
	/* message, receipt and clock say it; so does the journal */
	struct reader *r = NULL;
	struct message m;
	struct record_clock *clocks;
	struct journal_line *lines;
	size_t count = 0;
	str type;
	struct uuid uuid;
	CHECK(record_id_parse(id, &type, &uuid));
	CHECK_RC(store_read_begin(o.w.s, &r, &err), RC_OK, err);
	CHECK_RC(outbox_load(reader_conn(r), n.id, o.w.a, &m, &err), RC_OK, err);
	CHECK_INT(m.state, MESSAGE_SENT);
	CHECK_RC(clocks_of(reader_conn(r), uuid, o.w.a, &clocks, &count, &err), RC_OK, err);
	CHECK(count == 1 && clocks[0].next_us == TIME_NONE && str_eq(clocks[0].noted_by, STR("account:2")));
	const struct journal_query q = { .act = STR("clock.noted"), .limit = 5 };
	CHECK_RC(journal_find(reader_conn(r), &q, o.w.a, &lines, &count, &err), RC_OK, err);
	CHECK(count == 1 && str_eq(lines[0].actor, STR("account:2")));
	store_read_end(r);
	office_end(&o);
}

TEST(to_a_person)
{
	static const char person[] = "person--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab";
	struct office o = office_new();
	struct viewer analyst = staff(&o, "analyst", 3), duty = staff(&o, "duty", 2);
	struct notice n = { .id = 0 };
	str type;
	(void)task(&o, "{\"tlp\":\"AMBER\"}", person);
	CHECK_INT(seen(&o, &duty, NULL), 0);
	CHECK_INT(seen(&o, &analyst, NULL), 0);
	CHECK(record_id_parse(str_of(person), &type, &analyst.person));
	CHECK_INT(seen(&o, &analyst, &n), 1);
	CHECK_RC(take(&o, &analyst, n.id, ""), RC_OK, err);
	office_end(&o);
}

TEST(what_he_may_not_see)
{
	struct office o = office_new();
	struct viewer duty = staff(&o, "duty", 2), lead = staff(&o, "lead", 1);
	struct notice n = { .id = 0 };
	(void)task(&o, "{\"tlp\":\"RED\",\"named\":[\"account:1\"]}", NULL);
	CHECK_INT(seen(&o, &duty, &n), 1);
	CHECK(!n.visible && n.item.n == 0 && n.title.n == 0 && n.clock.n == 0 && n.type.n == 0);
	CHECK(n.due_us == TIME_NONE && n.made_us > 0);
	CHECK_RC(take(&o, &duty, n.id, ""), RC_DENIED, err);
	CHECK_INT(seen(&o, &duty, NULL), 1);
	CHECK_INT(seen(&o, &lead, NULL), 0);
	office_end(&o);
}

/* Messages that no clock made. */
struct posted {
	str driver, recipient, item, details;
	uint64_t number;
	int64_t id;
};
static enum rc post_job(struct tx *tx, void *ctx, struct err *e)
{
	struct posted *p = ctx;
	struct message m = { .lane = LANE_INCIDENT, .driver = p->driver, .recipient = p->recipient, .item = p->item,
			     .item_version = 1, .template = STR("watch.seen"), .details = p->details,
			     .maker = STR("test"), .made_at = p->number };
	return outbox_put(tx, &m, NULL, 0, &p->id, e);
}

TEST(of_other_makers)
{
	struct office o = office_new();
	struct viewer duty = staff(&o, "duty", 2), nobody = staff(&o, "duty", 0);
	struct notice n = { .id = 0 };
	str id = task(&o, "{\"tlp\":\"AMBER\"}", "person--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab");
	struct posted rows[] = {
		{ STR("notice"), STR("account:2"), id, STR("{\"watch\":\"bank\",\"words\":\"seen\"}"), 1, 0 },
		{ STR("notice"), STR("role:duty"), id, STR("{ no JSON"), 2, 0 },
		{ STR("mail"), STR("account:2"), id, STR("{}"), 3, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		CHECK_RC(store_write(o.w.s, post_job, &rows[i], &err), RC_OK, err);
	/* newest first, under whichever of his names; one without an account has those of his role */
	CHECK_INT(seen(&o, &duty, &n), 2);
	CHECK_INT(n.id, rows[1].id);
	CHECK(n.visible && n.watch.n == 0 && n.due_us == TIME_NONE);
	CHECK_INT(seen(&o, &nobody, &n), 1);
	CHECK_INT(n.id, rows[1].id);
	/* no clock is noted, but the journal has that it was */
	CHECK_RC(take(&o, &duty, rows[0].id, NULL), RC_OK, err);
	CHECK_RC(take(&o, &duty, rows[1].id, "so"), RC_OK, err);
	CHECK_RC(take(&o, &duty, rows[2].id, "so"), RC_ABSENT, err); /* a letter is no notice */
	CHECK_INT(seen(&o, &duty, NULL), 0);
	struct reader *r = NULL;
	struct journal_line *lines;
	size_t count = 0;
	const struct journal_query q = { .act = STR("notice.noted"), .limit = 5 };
	CHECK_RC(store_read_begin(o.w.s, &r, &err), RC_OK, err);
	CHECK_RC(journal_find(reader_conn(r), &q, o.w.a, &lines, &count, &err), RC_OK, err);
	CHECK_INT(count, 2);
	store_read_end(r);
	office_end(&o);
}

TEST(outbox_and_ledger)
{
	struct office o = office_new();
	struct viewer duty = staff(&o, "duty", 2), lead = staff(&o, "lead", 1), operator = staff(&o, "lead", 4);
	struct reader *r = NULL;
	struct message *list = NULL;
	struct ledger_row *rows = NULL;
	struct cover *covers = NULL;
	struct message m;
	size_t n = 0, covered = 0;
	duty.right = RIGHT_READ;
	operator.right = RIGHT_OPERATE;
	lead.right = RIGHT_OPERATE;
	str open = task(&o, "{\"tlp\":\"AMBER\"}", NULL);
	str closed = task(&o, "{\"tlp\":\"RED\",\"named\":[\"account:1\"]}", NULL);
	struct outbox_query q = { .limit = 10 };
	CHECK_RC(store_read_begin(o.w.s, &r, &err), RC_OK, err);
	const struct types *t = snapshot_table(o.w.held);
	CHECK_RC(read_outbox(r, t, &duty, &q, o.w.a, &list, &n, &err), RC_DENIED, err);
	CHECK_RC(read_outbox(r, t, &operator, &q, o.w.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 2);
	CHECK(n == 2 && list[0].item.n == 0 && list[0].maker.n == 0 && str_eq(list[0].details, STR("{}")));
	CHECK(n == 2 && str_eq(list[1].item, open));
	q.item = closed;
	CHECK_RC(read_outbox(r, t, &operator, &q, o.w.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 0);
	CHECK_RC(read_outbox(r, t, &lead, &q, o.w.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	CHECK_RC(read_message(r, t, &operator, 2, o.w.a, &m, &covers, &covered, &err), RC_OK, err);
	CHECK(m.item.n == 0 && m.maker.n == 0 && covered == 0);
	CHECK_RC(read_message(r, t, &operator, 9, o.w.a, &m, &covers, &covered, &err), RC_ABSENT, err);
	store_read_end(r);

	CHECK_RC(change_message(o.w.r, o.w.s, &duty, 2, false, STR("no"), &err), RC_DENIED, err);
	CHECK_RC(change_message(o.w.r, o.w.s, &operator, 2, false, STR(""), &err), RC_INPUT, err);
	CHECK_RC(change_message(o.w.r, o.w.s, &operator, 2, true, STR("no"), &err), RC_CONFLICT, err);
	CHECK_RC(change_message(o.w.r, o.w.s, &operator, 2, false, STR("not this one"), &err), RC_OK, err);

	struct viewer analyst = staff(&o, "analyst", 3), auditor = staff(&o, "auditor", 5);
	struct ledger_query lq = { .limit = 10 };
	CHECK_RC(store_read_begin(o.w.s, &r, &err), RC_OK, err);
	CHECK_RC(read_ledger(r, t, o.roles, &analyst, &lq, o.w.a, &rows, &n, &err), RC_DENIED, err);
	CHECK_RC(read_ledger(r, t, o.roles, &auditor, &lq, o.w.a, &rows, &n, &err), RC_OK, err);
	CHECK(n == 1 && rows[0].kind == LEDGER_WITHDRAWN && rows[0].item.n == 0 && rows[0].words.n == 0);
	CHECK_RC(read_ledger(r, t, o.roles, &lead, &lq, o.w.a, &rows, &n, &err), RC_OK, err);
	CHECK(n == 1 && str_eq(rows[0].item, closed) && str_eq(rows[0].words, STR("not this one")));
	lq.item = closed;
	CHECK_RC(read_ledger(r, t, o.roles, &auditor, &lq, o.w.a, &rows, &n, &err), RC_OK, err);
	CHECK_INT(n, 0);
	store_read_end(r);
	office_end(&o);
}

TEST_MAIN(TEST_RUN(to_a_role), TEST_RUN(to_a_person), TEST_RUN(what_he_may_not_see),
	  TEST_RUN(of_other_makers), TEST_RUN(outbox_and_ledger))
