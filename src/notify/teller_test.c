/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/inbox.h"
#include "notify/paper.h"
#include "notify/teller_private.h"

#include "notify/bounce.h"
#include "notify/test_senders.h"

struct telling {
	struct senders s;
	int64_t now_us, seq;
	str house, regulator;
};

/* --- what the fold would have written --- */

struct seen {
	struct telling *t;
	int n;                    /* the finding */
	const char *identifier, *concerns;
	enum finding_state state;
	enum tlp tlp;
	enum transition what;
	const char *sql;
};

static void id_of(int n, char raw[16])
{
	memset(raw, 0, 16);
	raw[14] = (char)(n >> 8);
	raw[15] = (char)n;
}

static enum rc put_seen(struct tx *tx, void *ctx, struct err *e)
{
	const struct seen *k = ctx;
	char raw[16], key[60];
	id_of(k->n, raw);
	snprintf(key, sizeof key, "ip 198.18.%d.%d port 53", k->n >> 8, k->n & 255);
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO finding (id, state, first_seen, last_seen, feed, run, events, returns,"
					 " tlp, exercise, shared_address, asn, feeds, ip, cc, type, identifier, severity, key,"
					 " concerns, sides) VALUES (?1, ?2, ?3, ?3, 1, 0, 1, 0, ?4, 0, 0, 64500, 1, NULL, 'ID',"
					 " 'vulnerable-system', ?5, 'high', ?6, ?7, x'')");
	sql_blob(q, 1, str_mem(raw, 16));
	sql_int(q, 2, k->state);
	sql_int(q, 3, k->t->now_us);
	sql_int(q, 4, k->tlp);
	sql_str(q, 5, str_of(k->identifier));
	sql_str(q, 6, str_of(key));
	sql_str(q, 7, str_of(k->concerns));
	enum rc rc = sql_run(q, e);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "INSERT INTO transition (seq, at_us, finding, what, tlp, exercise) VALUES (?, ?, ?, ?, ?, 0)");
	sql_int(q, 1, ++k->t->seq);
	sql_int(q, 2, k->t->now_us);
	sql_blob(q, 3, str_mem(raw, 16));
	sql_int(q, 4, k->what);
	sql_int(q, 5, k->tlp);
	return sql_run(q, e);
}

static void happens(struct telling *t, int n, enum transition what, const char *identifier, const char *concerns)
{
	struct seen k = { .t = t, .n = n, .identifier = identifier, .concerns = concerns, .what = what, .tlp = TLP_GREEN,
			  .state = what == TRANSITION_GONE ? FINDING_GONE : FINDING_OPEN };
	CHECK_RC(store_write(t->s.w.s, put_seen, &k, &err), RC_OK, err);
}

static void opens(struct telling *t, int n)
{
	happens(t, n, TRANSITION_OPENED, "open-dns", "1 0 net 198.18.0.0/24");
}

/* --- a node with rules --- */

static enum rc put_org(struct tx *tx, void *ctx, struct err *e)
{
	const struct telling *t = ctx;
	const str ids[] = { t->house, t->regulator };
	enum rc rc = RC_OK;
	for (int64_t i = 0; rc == RC_OK && i < 2; i++) {
		struct uuid id;
		str type;
		CHECK(record_id_parse(ids[i], &type, &id));
		struct sql *q = sql(tx_conn(tx), "INSERT INTO org (id, record, name, folded, kind, country, sector, timezone, changed_us)"
						 " VALUES (?1, ?2, 'n' || ?1, 'n' || ?1, 'constituent', 'ID', '', 'Asia/Jakarta', 0)");
		sql_int(q, 1, i + 1);
		sql_blob(q, 2, str_mem((const char *)id.b, sizeof id.b));
		rc = sql_run(q, e);
	}
	return rc;
}

static str rule_on(struct telling *t, const char *fields)
{
	struct viewer lead = staff(LEAD | ANALYST | DUTY, 1);
	str id = make_record(&t->s, "rule", NULL, arena_fmt(t->s.w.a, "{\"title\":\"A rule\",%s}", fields));
	const struct change_request q = { .id = id, .to_state = STR("active"), .why = STR("a test") };
	CHECK_RC(change(&t->s.w, &lead, &q, NULL), RC_OK, err);
	return id;
}

static void begin_telling_by(struct telling *t, const char *channel, const char *setting)
{
	*t = (struct telling){ .seq = 0 };
	begin_senders(&t->s, setting);
	teller_open(t->s.n);
	t->regulator = organisation(&t->s, "/ok", GREEN);
	t->house = make_record(&t->s, "organisation", GREEN,
			       arena_fmt(t->s.w.a, "{\"name\":\"House\",\"kind\":\"constituent\",\"regulator\":\"" STR_FMT "\",\"contacts\":["
						   "{\"role\":\"abuse\",\"channel\":\"%s\",\"webhook\":\"http://127.0.0.1:%u/ok\"},"
						   "{\"role\":\"management\",\"channel\":\"webhook\",\"webhook\":\"http://127.0.0.1:%u/ok\"}]}",
					 STR_ARG(t->regulator), channel, t->s.hook.port, t->s.hook.port));
	CHECK_RC(store_write(t->s.w.s, put_org, t, &err), RC_OK, err);
	/* Midnight UTC, seven in the morning there, after all switches. */
	t->now_us = clock_now_us() + 2 * DAY_US;
	t->now_us -= t->now_us % DAY_US;
}

static void begin_telling(struct telling *t, const char *setting)
{
	begin_telling_by(t, "webhook", setting);
}

/* Whatever is to be done at this time. */
static void runs(struct telling *t)
{
	bool did = true, made = true;
	for (int i = 0; (did || made) && i < 200; i++) {
		CHECK_RC(teller_follow(t->s.n, t->now_us, &did, &err), RC_OK, err);
		CHECK_RC(teller_make(t->s.n, t->now_us, &made, &err), RC_OK, err);
	}
	CHECK(!did && !made);
}

static int64_t asked(struct telling *t, struct sql *(*ask)(struct conn *c))
{
	struct reader *r = begin(&t->s.w);
	struct sql *q = ask(reader_conn(r));
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

static struct sql *all_messages(struct conn *c)
{
	return sql(c, "SELECT count(*) FROM outbox WHERE maker = 'teller:rules'");
}

static struct sql *twice_in_a_period(struct conn *c)
{
	return sql(c, "SELECT count(*) FROM (SELECT v.item, m.recipient, m.rule, m.class, m.period FROM tell_message m"
		      " JOIN outbox_cover v ON v.message = m.message GROUP BY 1, 2, 3, 4, 5 HAVING count(*) > 1)");
}

static int64_t messages(struct telling *t)
{
	return asked(t, all_messages);
}

static struct message newest(struct telling *t)
{
	struct message *list = NULL;
	size_t count = 0;
	const struct outbox_query q = { .limit = 1 };
	struct reader *r = begin(&t->s.w);
	CHECK_RC(outbox_list(reader_conn(r), &q, t->s.w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	return count ? list[0] : (struct message){ .recipient = STR("(none)"), .template = STR(""), .details = STR("") };
}

static size_t covered(struct telling *t)
{
	struct cover *list = NULL;
	size_t count = 0;
	struct reader *r = begin(&t->s.w);
	CHECK_RC(outbox_covers(reader_conn(r), newest(t).id, t->s.w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	return count;
}

static int64_t counted(struct telling *t, enum tell_state state)
{
	struct viewer lead = staff(LEAD, 1);
	struct tell_count *list = NULL;
	size_t count = 0;
	int64_t n = 0;
	struct reader *r = begin(&t->s.w);
	CHECK_RC(teller_counts(r, &lead, 1000, t->s.w.a, &list, &count, &err), RC_OK, err);
	for (size_t i = 0; i < count; i++)
		n += list[i].state == state ? list[i].count : 0;
	store_read_end(r);
	return n;
}

/* --- one message for each recipient, class and period --- */

TEST(one_message_a_period)
{
	struct telling t;
	begin_telling(&t, NULL);
	rule_on(&t, "\"pace\":\"daily\",\"hour\":8,\"contact\":\"abuse\"");
	opens(&t, 1);
	opens(&t, 2);
	happens(&t, 3, TRANSITION_OPENED, "open-ntp", "1 0 net 198.18.0.0/24");
	runs(&t);
	CHECK_INT(messages(&t), 0); /* seven there */
	t.now_us += HOUR_US;
	runs(&t);
	CHECK_INT(messages(&t), 2);
	CHECK(str_ends(newest(&t).recipient, STR("/abuse")));
	opens(&t, 4); /* after the message of the day */
	t.now_us += 5 * HOUR_US;
	runs(&t);
	CHECK_INT(messages(&t), 2);
	t.now_us += 19 * HOUR_US;
	runs(&t);
	CHECK_INT(messages(&t), 3);
	CHECK_STR(newest(&t).template, STR("tell.open-dns"));
	CHECK_INT(covered(&t), 1);
	t.now_us += 30 * DAY_US;
	runs(&t);
	CHECK_INT(messages(&t), 3); /* once */
	CHECK_INT(asked(&t, twice_in_a_period), 0);
	end_senders(&t.s);
}

TEST(at_once_is_collected_and_capped)
{
	struct telling t;
	begin_telling(&t, NULL);
	rule_on(&t, "\"pace\":\"once\",\"pause\":\"PT2M\",\"cap\":2");
	for (int i = 1; i <= 3; i++)
		opens(&t, i);
	runs(&t);
	CHECK_INT(messages(&t), 0);
	t.now_us += 2 * MINUTE_US;
	runs(&t);
	CHECK_INT(messages(&t), 1);
	CHECK_INT(covered(&t), 3);
	for (int i = 4; i <= 6; i++) {
		opens(&t, i);
		t.now_us += 3 * MINUTE_US;
		runs(&t);
	}
	CHECK_INT(messages(&t), 2); /* the rest waits for the hour */
	t.now_us += HOUR_US;
	runs(&t);
	CHECK_INT(messages(&t), 3);
	CHECK_INT(covered(&t), 2);
	end_senders(&t.s);
}

TEST(quiet_hours_there)
{
	struct telling t;
	begin_telling(&t, NULL);
	rule_on(&t, "\"pace\":\"once\",\"pause\":\"PT1M\",\"quiet_from\":6,\"quiet_until\":9");
	opens(&t, 1); /* seven there */
	t.now_us += HOUR_US;
	runs(&t);
	CHECK_INT(messages(&t), 0);
	t.now_us += HOUR_US;
	runs(&t);
	CHECK_INT(messages(&t), 1);
	end_senders(&t.s);
}

/* --- again, and up the ladder --- */

static enum rc answered(struct tx *tx, void *ctx, struct err *e)
{
	const struct telling *t = ctx;
	char raw[16];
	id_of(1, raw);
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO finding_mark (id, mark, at_us, by, reason) VALUES (?, 2, ?, '', '')");
	sql_blob(q, 1, str_mem(raw, 16));
	sql_int(q, 2, t->now_us);
	return sql_run(q, e);
}

TEST(silence_goes_up_the_ladder)
{
	/* Of each telling: to whom, with regulators asked by the node itself or not. */
	static const struct { const char *setting, *told; } cases[] = {
		{ "ladder_sends=regulator", "aammrr" },
		{ "ladder_sends=manager", "aammmm" },
		{ "ladder_sends=none", "aaaaaa" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct telling t;
		char told[8] = "";
		begin_telling(&t, cases[i].setting);
		rule_on(&t, "\"pace\":\"daily\",\"hour\":8,\"repeat\":\"P2D\",\"contact\":\"abuse\",\"escalate_after\":2");
		opens(&t, 1);
		t.now_us += HOUR_US;
		for (size_t n = 0; n < 6; n++) {
			int64_t before = messages(&t);
			runs(&t);
			CHECK_INT(messages(&t), before ? before + 1 : n == 0);
			str to = newest(&t).recipient;
			told[n] = str_ends(to, STR("/abuse")) ? 'a' : str_ends(to, STR("/management")) ? 'm' :
				  str_eq(to, t.regulator) ? 'r' : '?';
			t.now_us += DAY_US;
			runs(&t);
			t.now_us += DAY_US;
		}
		CHECK_MSG(strcmp(told, cases[i].told) == 0, "%s: %s", cases[i].setting, told);
		CHECK((counted(&t, TELL_ABOVE) > 0) == (i > 0));
		end_senders(&t.s);
	}
}

TEST(an_answer_begins_anew)
{
	struct telling t;
	begin_telling(&t, NULL);
	rule_on(&t, "\"pace\":\"daily\",\"hour\":8,\"repeat\":\"P1D\",\"contact\":\"abuse\",\"escalate_after\":2");
	opens(&t, 1);
	t.now_us += HOUR_US;
	runs(&t);
	runs(&t);
	t.now_us += DAY_US;
	runs(&t);
	CHECK_INT(messages(&t), 2);
	t.now_us += HOUR_US;
	CHECK_RC(store_write(t.s.w.s, answered, &t, &err), RC_OK, err);
	t.now_us += 23 * HOUR_US;
	runs(&t);
	CHECK_INT(messages(&t), 3);
	CHECK(str_ends(newest(&t).recipient, STR("/abuse")));
	end_senders(&t.s);
}

/* --- gone, back, another's --- */

TEST(gone_and_back)
{
	struct telling t;
	begin_telling(&t, NULL);
	rule_on(&t, "\"pace\":\"once\",\"pause\":\"PT1M\",\"repeat\":\"P1D\",\"gone\":true");
	opens(&t, 1);
	t.now_us += MINUTE_US;
	runs(&t);
	CHECK_INT(messages(&t), 1);
	opens(&t, 2);
	runs(&t);
	happens(&t, 1, TRANSITION_GONE, "open-dns", "1 0 net 198.18.0.0/24");
	happens(&t, 2, TRANSITION_GONE, "open-dns", "1 0 net 198.18.0.0/24"); /* before it was told */
	runs(&t);
	t.now_us += HOUR_US;
	runs(&t);
	CHECK_INT(messages(&t), 2);
	CHECK_STR(newest(&t).template, STR("told.gone"));
	CHECK_INT(covered(&t), 1);
	t.now_us += 10 * DAY_US;
	runs(&t);
	CHECK_INT(messages(&t), 2); /* and not again */
	happens(&t, 1, TRANSITION_RETURNED, "open-dns", "1 0 net 198.18.0.0/24");
	t.now_us += HOUR_US;
	runs(&t);
	CHECK_INT(messages(&t), 3);
	CHECK(str_find(newest(&t).details, STR("\"returned\":true")) < newest(&t).details.n);
	end_senders(&t.s);
}

TEST(another_directory)
{
	struct telling t;
	begin_telling(&t, NULL);
	rule_on(&t, "\"pace\":\"once\",\"pause\":\"PT10M\"");
	opens(&t, 1);
	runs(&t);
	happens(&t, 2, TRANSITION_OPENED, "open-dns", "");
	happens(&t, 1, TRANSITION_CHANGED, "open-dns", "2 0 net 198.18.0.0/25"); /* before anybody was told */
	runs(&t);
	CHECK_INT(counted(&t, TELL_NOBODY), 1);
	t.now_us += 10 * MINUTE_US;
	runs(&t);
	CHECK_INT(messages(&t), 1);
	CHECK_STR(newest(&t).recipient, t.regulator);
	happens(&t, 1, TRANSITION_CHANGED, "open-dns", "1 0 net 198.18.0.0/24"); /* somebody was told */
	happens(&t, 2, TRANSITION_CHANGED, "open-dns", "1 0 net 198.18.0.0/24"); /* at last somebody is known */
	t.now_us += HOUR_US;
	runs(&t);
	CHECK_INT(messages(&t), 2);
	CHECK_STR(newest(&t).recipient, t.house);
	CHECK_INT(covered(&t), 1);
	end_senders(&t.s);
}

/* --- not told, and counted --- */

static enum rc run_sql(struct tx *tx, void *ctx, struct err *e)
{
	const struct seen *k = ctx;
	char raw[16];
	id_of(k->n, raw);
	struct sql *q = sql(tx_conn(tx), "INSERT INTO finding_mark (id, mark, at_us, by, reason) VALUES (?, 3, 1, '', '')");
	sql_blob(q, 1, str_mem(raw, 16));
	return sql_run(q, e);
}

TEST(what_is_not_told_is_counted)
{
	struct telling t;
	begin_telling(&t, NULL);
	struct viewer lead = staff(LEAD | ANALYST | DUTY, 1);
	str rule = rule_on(&t, "\"pace\":\"once\",\"pause\":\"PT10M\",\"identifiers\":[\"open-dns\"]");
	str stop = make_record(&t.s, "inhibition", NULL, STR("{\"title\":\"x\",\"reason\":\"y\",\"until\":\"2100-01-01T00:00:00Z\","
							     "\"network\":\"198.18.0.2/32\"}"));
	const struct change_request on = { .id = stop, .to_state = STR("active") };
	const struct change_request off = { .id = stop, .to_state = STR("ended"), .why = STR("over") };
	const struct change_request end = { .id = rule, .to_state = STR("ended"), .why = STR("over") };
	CHECK_RC(change(&t.s.w, &lead, &on, NULL), RC_OK, err);
	struct seen held = { .n = 1 }, red = { .t = &t, .n = 3, .identifier = "open-dns", .concerns = "1 0 net 198.18.0.0/24",
					       .state = FINDING_OPEN, .tlp = TLP_RED, .what = TRANSITION_OPENED };
	opens(&t, 1);
	opens(&t, 2);
	CHECK_RC(store_write(t.s.w.s, put_seen, &red, &err), RC_OK, err);
	happens(&t, 4, TRANSITION_OPENED, "open-ntp", "1 0 net 198.18.0.0/24");
	CHECK_RC(store_write(t.s.w.s, run_sql, &held, &err), RC_OK, err);
	runs(&t);
	t.now_us += 10 * MINUTE_US;
	runs(&t);
	CHECK_INT(messages(&t), 0);
	CHECK_INT(counted(&t, TELL_HELD), 1);
	CHECK_INT(counted(&t, TELL_INHIBITED), 1);
	CHECK_INT(counted(&t, TELL_REFUSED), 1);
	CHECK_INT(counted(&t, TELL_NO_RULE), 1);
	CHECK_RC(change(&t.s.w, &lead, &off, NULL), RC_OK, err);
	t.now_us += HOUR_US;
	runs(&t);
	CHECK_INT(messages(&t), 1); /* the inhibition has ended, and it is still open */
	CHECK_INT(covered(&t), 1);
	opens(&t, 5);
	runs(&t);
	CHECK_RC(change(&t.s.w, &lead, &end, NULL), RC_OK, err);
	t.now_us += DAY_US;
	runs(&t);
	CHECK_INT(messages(&t), 1); /* nor does a rule that has ended */
	end_senders(&t.s);
}

/* What was rehearsed, or there before the switch, is not told behind it; what opens then is. */
TEST(live_later)
{
	struct telling t;
	begin_telling(&t, NULL);
	switch_all(&t.s, false);
	rule_on(&t, "\"pace\":\"once\",\"pause\":\"PT0S\",\"repeat\":\"P1D\"");
	int64_t later_us = t.now_us;
	t.now_us = clock_now_us();
	opens(&t, 1);
	runs(&t);
	CHECK_INT(messages(&t), 1);
	CHECK_INT(counted(&t, TELL_REHEARSED), 1);
	usleep(2000);
	switch_all(&t.s, true);
	t.now_us = later_us;
	runs(&t);
	CHECK_INT(messages(&t), 1);
	CHECK_INT(counted(&t, TELL_OLD), 1);
	opens(&t, 2);
	runs(&t);
	CHECK_INT(messages(&t), 2);
	CHECK_INT(counted(&t, TELL_TOLD), 1);
	end_senders(&t.s);
}

/* --- between making and sending --- */

static size_t covers_of(struct telling *t, int64_t message)
{
	struct cover *list = NULL;
	size_t count = 0;
	struct reader *r = begin(&t->s.w);
	CHECK_RC(outbox_covers(reader_conn(r), message, t->s.w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	return count;
}

static struct tell_row row_of(struct telling *t, int n)
{
	struct tell_row *list = NULL;
	size_t count = 0;
	struct reader *r = begin(&t->s.w);
	const struct hash128 id = { 0, (uint64_t)n };
	CHECK_RC(tell_rows_of(reader_conn(r), id, t->s.w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	return count ? list[0] : (struct tell_row){ .told = -1 };
}

static int64_t told_us(struct telling *t, int n)
{
	struct finding f = { .told_us = -1 };
	struct reader *r = begin(&t->s.w);
	const struct hash128 id = { 0, (uint64_t)n };
	CHECK_RC(told_finding(r, id, t->s.w.a, &f, &err), RC_OK, err);
	store_read_end(r);
	return f.told_us;
}

/* The ledger is followed to its end. */
static void marks(struct telling *t)
{
	bool did = true;
	for (int i = 0; did && i < 100; i++)
		CHECK_RC(teller_mark(t->s.n, &did, &err), RC_OK, err);
	CHECK(!did);
}

static enum rc fits(struct telling *t, const struct message *m)
{
	struct reader *r = begin(&t->s.w);
	enum rc rc = teller_fit(t->s.n, &r, types_of(&t->s.w), m, t->s.w.a, &err);
	store_read_end(r);
	return rc;
}

static enum rc ask_again(struct telling *t)
{
	struct message m = newest(t);
	return fits(t, &m);
}

/* One rule told of two findings; its message waits. */
static str two_wait_by(struct telling *t, const char *channel, const char *setting)
{
	begin_telling_by(t, channel, setting);
	str rule = rule_on(t, "\"pace\":\"once\",\"pause\":\"PT0S\"");
	opens(t, 1);
	opens(t, 2);
	runs(t);
	CHECK_INT(messages(t), 1);
	CHECK_INT(covered(t), 2);
	CHECK_RC(ask_again(t), RC_OK, err);
	CHECK_INT(covered(t), 2);
	return rule;
}

static str two_wait(struct telling *t)
{
	return two_wait_by(t, "webhook", NULL);
}

/* What became of the first finding before the message was sent. */
enum meanwhile { GOES, IS_HELD, BECOMES_ANOTHERS, IS_INHIBITED };

static void becomes(struct telling *t, enum meanwhile what, int n)
{
	struct seen held = { .n = n };
	struct viewer lead = staff(LEAD | ANALYST | DUTY, 1);
	str stop;
	switch (what) {
	case GOES:
		happens(t, n, TRANSITION_GONE, "open-dns", "1 0 net 198.18.0.0/24");
		break;
	case IS_HELD:
		CHECK_RC(store_write(t->s.w.s, run_sql, &held, &err), RC_OK, err);
		break;
	case BECOMES_ANOTHERS:
		happens(t, n, TRANSITION_CHANGED, "open-dns", "2 0 net 198.18.0.0/25");
		break;
	case IS_INHIBITED:
		stop = make_record(&t->s, "inhibition", NULL,
				   arena_fmt(t->s.w.a, "{\"title\":\"x\",\"reason\":\"y\",\"until\":\"2100-01-01T00:00:00Z\","
						       "\"network\":\"198.18.0.%d/32\"}", n));
		const struct change_request on = { .id = stop, .to_state = STR("active") };
		CHECK_RC(change(&t->s.w, &lead, &on, NULL), RC_OK, err);
		break;
	}
}

static const struct { const char *name; enum meanwhile what; enum tell_state state; } over[] = {
	{ "gone", GOES, TELL_OVER }, { "held", IS_HELD, TELL_HELD }, { "another's", BECOMES_ANOTHERS, TELL_OVER },
	{ "inhibited", IS_INHIBITED, TELL_INHIBITED },
};

TEST(what_is_over_before_it_was_sent_is_left_out)
{
	for (size_t i = 0; i < COUNT_OF(over); i++) {
		struct telling t;
		two_wait(&t);
		becomes(&t, over[i].what, 1);
		CHECK_MSG(ask_again(&t) == RC_OK, "%s: %s", over[i].name, err.text);
		CHECK_MSG(covered(&t) == 1, "%s: it covers %zu", over[i].name, covered(&t));
		CHECK_MSG(row_of(&t, 1).state == over[i].state && row_of(&t, 1).told == 0, "%s: %s, told %lld", over[i].name,
			  tell_state_name(row_of(&t, 1).state), (long long)row_of(&t, 1).told);
		CHECK_INT(row_of(&t, 2).told, 1);
		becomes(&t, over[i].what, 2);
		CHECK_MSG(ask_again(&t) == RC_DENIED, "%s", over[i].name);
		CHECK_INT(row_of(&t, 2).told, 0);
		CHECK_INT(covered(&t), 1); /* what it was about stays known */
		CHECK_RC(notify_start(t.s.n, &err), RC_OK, err);
		CHECK(comes_to(&t.s, newest(&t).id, MESSAGE_REFUSED));
		notify_stop(t.s.n);
		marks(&t);
		CHECK_INT(told_us(&t, 1) + told_us(&t, 2), 0);
		CHECK_INT(atomic_load(&t.s.hook.got), 0);
		end_senders(&t.s);
	}
}

struct papers {
	struct telling *t;
	size_t pages, others;
	str text, words;
	bool withdraw;
};

static enum rc withdraw_it(struct tx *tx, void *ctx, struct err *e)
{
	struct papers *k = ctx;
	return outbox_withdraw(tx, k->t->s.w.j, newest(k->t).id, STR("account:1"), STR("a mistake"), e);
}

static bool keep_paper(void *ctx, const struct paper *p)
{
	struct papers *k = ctx;
	k->pages += p->words.n == 0;
	k->others += p->words.n > 0;
	k->text = arena_str(k->t->s.w.a, p->text);
	k->words = arena_str(k->t->s.w.a, p->words);
	if (k->withdraw) /* while the first page is in the printer */
		CHECK_RC(store_write(k->t->s.w.s, withdraw_it, k, &err), RC_OK, err);
	k->withdraw = false;
	return true;
}

static struct papers print_all(struct telling *t, bool withdraw)
{
	struct viewer lead = staff(LEAD | ANALYST | LIAISON | DUTY, 1);
	struct papers k = { .t = t, .text = STR(""), .words = STR(""), .withdraw = withdraw };
	lead.right = RIGHT_OPERATE;
	CHECK_RC(paper_print(t->s.n, &lead, NULL, t->s.w.a, keep_paper, &k, &err), RC_OK, err);
	return k;
}

TEST(what_is_over_before_it_was_printed_is_left_out)
{
	for (size_t i = 0; i < COUNT_OF(over); i++) {
		struct telling t;
		two_wait_by(&t, "letter", NULL);
		CHECK_STR(newest(&t).driver, STR("print"));
		struct papers both = print_all(&t, false);
		CHECK_INT(both.pages, 1);
		CHECK(str_find(both.text, STR("198.18.0.1")) < both.text.n && str_find(both.text, STR("198.18.0.2")) < both.text.n);
		becomes(&t, over[i].what, 1);
		struct papers one = print_all(&t, false);
		CHECK_MSG(one.pages == 1 && covered(&t) == 1 && row_of(&t, 1).state == over[i].state, "%s: %zu pages", over[i].name,
			  one.pages);
		CHECK_MSG(str_find(one.text, STR("198.18.0.1")) == one.text.n && str_find(one.text, STR("198.18.0.2")) < one.text.n,
			  "%s: " STR_FMT, over[i].name, STR_ARG(one.text));
		becomes(&t, over[i].what, 2);
		struct papers none = print_all(&t, false);
		CHECK_MSG(none.pages == 0 && none.others == 1 && none.words.n > 0, "%s: %zu pages", over[i].name, none.pages);
		CHECK_INT(newest(&t).state, MESSAGE_REFUSED);
		CHECK_INT(print_all(&t, false).others, 0); /* it is no more in what waits */
		marks(&t);
		CHECK_INT(told_us(&t, 1) + told_us(&t, 2), 0);
		end_senders(&t.s);
	}
}

TEST(withdrawn_while_others_are_printed)
{
	struct telling t;
	two_wait_by(&t, "letter", NULL);
	str item = incident(&t.s, "{\"tlp\":\"CLEAR\"}", STR(""));
	int64_t first = newest(&t).id, second = queue(&t.s, "print", t.regulator, item, "clock.due", LANE_INCIDENT);
	struct papers k = print_all(&t, true);
	CHECK_INT(k.pages, 1);
	CHECK_INT(k.others, 1);
	CHECK_MSG(str_find(k.words, STR("withdrawn")) < k.words.n, STR_FMT, STR_ARG(k.words));
	CHECK_INT(message_of(&t.s, first).state, MESSAGE_QUEUED);
	CHECK_INT(message_of(&t.s, second).state, MESSAGE_WITHDRAWN);
	end_senders(&t.s);
}

static enum rc open_it(struct tx *tx, void *ctx, struct err *e)
{
	struct telling *t = ctx;
	return inbox_read(tx, t->house, newest(t).id, STR("account:9"), 1, "test", e);
}

TEST(what_is_over_before_it_was_opened_is_left_out)
{
	for (size_t i = 0; i < COUNT_OF(over); i++) {
		struct telling t;
		two_wait_by(&t, "portal", "portal=yes");
		CHECK_STR(newest(&t).driver, STR("portal"));
		becomes(&t, over[i].what, 1);
		struct message m = newest(&t);
		CHECK_RC(inbox_fit(t.s.n, &m, &err), RC_OK, err);
		CHECK_INT(covered(&t), 1);
		CHECK_MSG(row_of(&t, 1).state == over[i].state, "%s: %s", over[i].name, tell_state_name(row_of(&t, 1).state));
		if (i % 2) { /* opened in time, and once: what is over later changes nothing of it */
			CHECK_RC(store_write(t.s.w.s, open_it, &t, &err), RC_OK, err);
			becomes(&t, over[i].what, 2);
			m = newest(&t);
			CHECK_RC(inbox_fit(t.s.n, &m, &err), RC_OK, err);
			CHECK_INT(m.state, MESSAGE_SENT);
			marks(&t);
			CHECK(told_us(&t, 1) == 0 && told_us(&t, 2) > 0);
		} else {
			becomes(&t, over[i].what, 2);
			CHECK_RC(inbox_fit(t.s.n, &m, &err), RC_ABSENT, err);
			CHECK_MSG(strstr(err.text, over[i].name) == NULL, "%s", err.text);
			CHECK_INT(newest(&t).state, MESSAGE_REFUSED);
			CHECK_RC(store_write(t.s.w.s, open_it, &t, &err), RC_ABSENT, err);
			CHECK_INT(told_us(&t, 1) + told_us(&t, 2), 0);
		}
		end_senders(&t.s);
	}
}

TEST(a_rule_that_ends_sends_nothing_more)
{
	struct telling t;
	struct viewer lead = staff(LEAD | ANALYST | DUTY, 1);
	str rule = two_wait(&t);
	const struct change_request end = { .id = rule, .to_state = STR("ended"), .why = STR("over") };
	CHECK_RC(change(&t.s.w, &lead, &end, NULL), RC_OK, err);
	CHECK_RC(notify_start(t.s.n, &err), RC_OK, err);
	CHECK(comes_to(&t.s, newest(&t).id, MESSAGE_REFUSED));
	notify_stop(t.s.n);
	marks(&t);
	CHECK_INT(row_of(&t, 1).told, 0);
	CHECK_INT(row_of(&t, 1).state, TELL_OVER);
	CHECK_INT(told_us(&t, 1), 0);
	CHECK_INT(atomic_load(&t.s.hook.got), 0);
	end_senders(&t.s);
}

TEST(back_in_rehearsal_before_it_was_sent)
{
	struct telling t;
	two_wait(&t);
	switch_all(&t.s, false);
	CHECK_RC(notify_start(t.s.n, &err), RC_OK, err);
	CHECK(comes_to(&t.s, newest(&t).id, MESSAGE_REHEARSED));
	notify_stop(t.s.n);
	marks(&t);
	CHECK_INT(row_of(&t, 1).state, TELL_REHEARSED);
	CHECK_INT(told_us(&t, 1), 0);
	CHECK_INT(atomic_load(&t.s.hook.got), 0);
	end_senders(&t.s);
}

/* --- what they say --- */

struct saying {
	struct telling *t;
	struct answer_new a;
	int64_t id;
};

static enum rc say_it(struct tx *tx, void *ctx, struct err *e)
{
	struct saying *k = ctx;
	return answer_put(tx, k->t->s.n, &k->a, &k->id, e);
}

static enum rc decide_it(struct tx *tx, void *ctx, struct err *e)
{
	struct saying *k = ctx;
	return answer_seen(tx, k->t->s.n, k->id, STR("account:1"), e);
}

static int64_t says(struct telling *t, int64_t message, int n, enum answer_kind kind)
{
	char id[48];
	struct saying k = { .t = t, .a = { .message = message, .kind = kind, .channel = STR("link"), .key = STR("k") } };
	k.a.findings = tell_finding_id((struct hash128){ 0, (uint64_t)n }, id);
	k.a.key = arena_fmt(t->s.w.a, "%d", n);
	CHECK_RC(store_write(t->s.w.s, say_it, &k, &err), RC_OK, err);
	return k.id;
}

static bool newest_says(struct telling *t, const char *words)
{
	str details = newest(t).details;
	return str_find(details, str_of(words)) < details.n;
}

/* Two are told; one is false, they say, and the other fixed. */
TEST(what_is_disputed_waits_for_one_of_us)
{
	static const enum answer_kind kinds[] = { ANSWER_FALSE, ANSWER_NOT_OURS };
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct telling t;
		begin_telling(&t, NULL);
		rule_on(&t, "\"pace\":\"once\",\"pause\":\"PT0S\",\"repeat\":\"P1D\"");
		t.now_us = clock_now_us();
		opens(&t, 1);
		opens(&t, 2);
		runs(&t);
		CHECK_RC(notify_start(t.s.n, &err), RC_OK, err);
		CHECK(comes_to(&t.s, newest(&t).id, MESSAGE_SENT));
		notify_stop(t.s.n);
		int64_t first = newest(&t).id;
		struct saying k = { .t = &t, .id = says(&t, first, 1, kinds[i]) };
		(void)says(&t, first, 2, ANSWER_FIXED);
		t.now_us += DAY_US + HOUR_US;
		runs(&t);
		CHECK_INT(messages(&t), 2);
		CHECK_INT(covered(&t), 1);
		CHECK_INT(row_of(&t, 1).state, TELL_DISPUTED);
		CHECK(newest_says(&t, "\"claimed\":true") && newest_says(&t, "\"answer\":\"fixed\"") && newest_says(&t, "\"repeat\":1"));
		t.now_us += DAY_US + HOUR_US;
		runs(&t);
		CHECK_INT(covered(&t), 1); /* however often */
		CHECK_RC(store_write(t.s.w.s, decide_it, &k, &err), RC_OK, err);
		t.now_us += 2 * DAY_US;
		runs(&t);
		CHECK_INT(row_of(&t, 1).told, 2);
		CHECK(newest_says(&t, i == 0 ? "\"answer\":\"false\"" : "\"answer\":\"not-ours\""));
		end_senders(&t.s);
	}
}

/* It was said while the repeat was in the outbox. */
TEST(disputed_before_it_was_sent)
{
	struct telling t;
	begin_telling(&t, NULL);
	rule_on(&t, "\"pace\":\"once\",\"pause\":\"PT0S\",\"repeat\":\"P1D\"");
	t.now_us = clock_now_us();
	opens(&t, 1);
	runs(&t);
	CHECK_RC(notify_start(t.s.n, &err), RC_OK, err);
	int64_t first = newest(&t).id;
	CHECK(comes_to(&t.s, first, MESSAGE_SENT));
	notify_stop(t.s.n);
	t.now_us += DAY_US + HOUR_US;
	runs(&t);
	CHECK_INT(messages(&t), 2);
	struct message second = newest(&t);
	(void)says(&t, first, 1, ANSWER_NOT_OURS);
	CHECK_RC(fits(&t, &second), RC_DENIED, err);
	CHECK_INT(row_of(&t, 1).state, TELL_DISPUTED);
	CHECK_INT(row_of(&t, 1).told, 1);
	end_senders(&t.s);
}

/* --- what hinders one group --- */

static enum rc run_statements(struct tx *tx, void *ctx, struct err *e)
{
	enum rc rc = RC_OK;
	for (const char *const *s = ctx; rc == RC_OK && *s; s++)
		rc = sql_run(sql(tx_conn(tx), *s), e);
	return rc;
}

#define AT_ONCE "\"pace\":\"once\",\"pause\":\"PT0S\""

/* The house's findings cannot be told; the regulator's, behind them, are. An hour later it is tried again. */
TEST(what_hinders_one_group_hinders_no_other)
{
	static const struct { const char *name, *spoil[4], *mend[4]; } cases[] = {
		{ "its message is not taken",
		  { "CREATE TRIGGER spoil BEFORE INSERT ON outbox_cover WHEN NEW.item LIKE '%1' BEGIN"
		    " SELECT RAISE(ABORT, 'not this one'); END" },
		  { "DROP TRIGGER spoil" } },
		{ "its organisation's record is damaged",
		  { "CREATE TABLE spare AS SELECT id, body FROM record_version",
		    "UPDATE record_version SET body = x'7b' WHERE record = (SELECT id FROM record WHERE uuid ="
		    " (SELECT record FROM org WHERE id = 1))" },
		  { "UPDATE record_version SET body = (SELECT body FROM spare WHERE spare.id = record_version.id)",
		    "DROP TABLE spare" } },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct telling t;
		begin_telling(&t, NULL);
		rule_on(&t, AT_ONCE);
		t.now_us = clock_now_us() + MINUTE_US;
		opens(&t, 1);
		opens(&t, 2);
		happens(&t, 3, TRANSITION_OPENED, "open-dns", "2 0 net 198.18.0.0/25");
		CHECK_RC(store_write(t.s.w.s, run_statements, (void *)cases[i].spoil, &err), RC_OK, err);
		runs(&t);
		CHECK_MSG(messages(&t) == 1 && str_eq(newest(&t).recipient, t.regulator), "%s: %lld", cases[i].name,
			  (long long)messages(&t));
		for (int n = 1; n <= 2; n++) {
			struct tell_row row = row_of(&t, n);
			CHECK_MSG(row.next_us == t.now_us + HOUR_US && row.told == 0 && row.message == 0, "%s: told %lld, %lld",
				  cases[i].name, (long long)row.told, (long long)row.message);
		}
		CHECK_INT(row_of(&t, 3).told, 1);
		CHECK_INT(counted(&t, TELL_TOLD), 1);
		t.now_us += HOUR_US - SECOND_US;
		runs(&t);
		CHECK_INT(messages(&t), 1); /* not before */
		t.now_us += SECOND_US;
		runs(&t);
		CHECK_INT(messages(&t), 1); /* it still stands in the way */
		CHECK(row_of(&t, 1).next_us == t.now_us + HOUR_US);
		CHECK_RC(store_write(t.s.w.s, run_statements, (void *)cases[i].mend, &err), RC_OK, err);
		t.now_us += HOUR_US;
		runs(&t);
		CHECK_MSG(messages(&t) == 2 && covered(&t) == 2, "%s: %lld", cases[i].name, (long long)messages(&t));
		CHECK(row_of(&t, 1).told == 1 && row_of(&t, 2).told == 1);
		CHECK_INT(counted(&t, TELL_TOLD), 3);
		CHECK_INT(asked(&t, twice_in_a_period), 0);
		end_senders(&t.s);
	}
}

/* What hinders the node itself is said, and puts nothing off. */
TEST(what_hinders_the_node_puts_nothing_off)
{
	static const char *const spoil[] = { "ALTER TABLE outbox_cover RENAME TO away", NULL },
				*const mend[] = { "ALTER TABLE away RENAME TO outbox_cover", NULL };
	struct telling t;
	bool did = true;
	begin_telling(&t, NULL);
	rule_on(&t, AT_ONCE);
	t.now_us = clock_now_us() + MINUTE_US;
	opens(&t, 1);
	while (did)
		CHECK_RC(teller_follow(t.s.n, t.now_us, &did, &err), RC_OK, err);
	int64_t due_us = row_of(&t, 1).next_us;
	CHECK_RC(store_write(t.s.w.s, run_statements, (void *)spoil, &err), RC_OK, err);
	CHECK_RC(teller_make(t.s.n, t.now_us, &did, &err), RC_IO, err);
	CHECK_INT(row_of(&t, 1).next_us, due_us);
	CHECK_RC(store_write(t.s.w.s, run_statements, (void *)mend, &err), RC_OK, err);
	runs(&t);
	CHECK_INT(messages(&t), 1);
	CHECK_INT(row_of(&t, 1).told, 1);
	end_senders(&t.s);
}

/* --- sent, and come back --- */

struct returning {
	struct telling *t;
	int64_t message;
	const char *status;
	bool permanent;
};

static enum rc comes_back(struct tx *tx, void *ctx, struct err *e)
{
	const struct returning *k = ctx;
	const struct bounce b = { k->message, STR("nobody@example.org"), str_of(k->status), k->permanent, STR("no such mailbox") };
	return bounce_note(tx, k->t->s.n, &b, NULL, e);
}

/* Several messages are marked in one job, and what one covers in two when it is much. */
TEST(much_is_marked_together)
{
	enum { FEW = 3, MANY = 520 };
	struct telling t;
	bool did = false;
	begin_telling(&t, NULL);
	rule_on(&t, "\"pace\":\"once\",\"pause\":\"PT0S\"");
	for (int n = 1; n <= FEW; n++)
		opens(&t, n);
	runs(&t);
	t.now_us += HOUR_US; /* the next message's time */
	for (int n = FEW + 1; n <= FEW + MANY; n++)
		opens(&t, n);
	runs(&t);
	t.now_us += HOUR_US; /* one message takes no more than so many rows at a time */
	runs(&t);
	CHECK_INT(messages(&t), 3);
	int64_t last = newest(&t).id;
	CHECK_RC(notify_start(t.s.n, &err), RC_OK, err);
	for (int64_t id = last - messages(&t) + 1; id <= last; id++)
		CHECK(comes_to(&t.s, id, MESSAGE_SENT));
	notify_stop(t.s.n);
	CHECK_RC(teller_mark(t.s.n, &did, &err), RC_OK, err);
	CHECK(did && t.s.n->teller->more_marks);
	for (int n = 1; n <= FEW + MANY; n++)
		CHECK_MSG((told_us(&t, n) > 0) == (n <= 500), "finding %d", n);
	CHECK_RC(teller_mark(t.s.n, &did, &err), RC_OK, err);
	CHECK(did && !t.s.n->teller->more_marks);
	for (int n = 1; n <= FEW + MANY; n++)
		CHECK_MSG(told_us(&t, n) > 0, "finding %d", n);
	marks(&t);
	end_senders(&t.s);
}

TEST(what_comes_back_is_untold)
{
	struct telling t;
	two_wait(&t);
	CHECK_RC(notify_start(t.s.n, &err), RC_OK, err);
	int64_t first = newest(&t).id;
	CHECK(comes_to(&t.s, first, MESSAGE_SENT));
	notify_stop(t.s.n);
	marks(&t);
	CHECK(told_us(&t, 1) > 0 && told_us(&t, 2) > 0);
	struct returning later = { &t, first, "4.4.1", false }, never = { &t, first, "5.1.1", true };
	CHECK_RC(store_write(t.s.w.s, comes_back, &later, &err), RC_OK, err);
	marks(&t);
	CHECK(told_us(&t, 1) > 0); /* it only takes longer */
	CHECK_RC(store_write(t.s.w.s, comes_back, &never, &err), RC_OK, err);
	marks(&t);
	CHECK_INT(message_of(&t.s, first).state, MESSAGE_FAILED);
	CHECK_INT(told_us(&t, 1) + told_us(&t, 2), 0);
	CHECK_INT(row_of(&t, 1).told, 0);
	CHECK_INT(row_of(&t, 1).unanswered, 0);
	CHECK_INT(row_of(&t, 1).state, TELL_FAILED);
	/* Another day it is told anew, as the first time. */
	t.now_us += 3 * DAY_US;
	runs(&t);
	CHECK_INT(messages(&t), 2);
	CHECK_INT(covered(&t), 2);
	CHECK(str_find(newest(&t).details, STR("\"repeat\"")) == newest(&t).details.n);
	CHECK_RC(notify_start(t.s.n, &err), RC_OK, err);
	CHECK(comes_to(&t.s, newest(&t).id, MESSAGE_SENT));
	notify_stop(t.s.n);
	marks(&t);
	CHECK(told_us(&t, 1) > 0);
	CHECK_INT(covers_of(&t, first), 2);
	end_senders(&t.s);
}

/* A second message told somebody: the first one's bounce takes no mark back. */
TEST(another_one_was_told)
{
	struct telling t;
	two_wait(&t);
	CHECK_RC(notify_start(t.s.n, &err), RC_OK, err);
	int64_t first = newest(&t).id;
	CHECK(comes_to(&t.s, first, MESSAGE_SENT));
	happens(&t, 1, TRANSITION_RETURNED, "open-dns", "1 0 net 198.18.0.0/24");
	t.now_us += HOUR_US;
	runs(&t);
	CHECK_INT(messages(&t), 2);
	CHECK(comes_to(&t.s, newest(&t).id, MESSAGE_SENT));
	notify_stop(t.s.n);
	struct returning never = { &t, first, "5.1.1", true };
	CHECK_RC(store_write(t.s.w.s, comes_back, &never, &err), RC_OK, err);
	marks(&t);
	CHECK(told_us(&t, 1) > 0);
	CHECK_INT(told_us(&t, 2), 0);
	CHECK_INT(row_of(&t, 1).told, 2);
	end_senders(&t.s);
}

TEST_MAIN(TEST_RUN(one_message_a_period), TEST_RUN(at_once_is_collected_and_capped), TEST_RUN(quiet_hours_there),
	  TEST_RUN(silence_goes_up_the_ladder), TEST_RUN(an_answer_begins_anew), TEST_RUN(gone_and_back),
	  TEST_RUN(another_directory), TEST_RUN(what_is_not_told_is_counted), TEST_RUN(live_later),
	  TEST_RUN(what_is_over_before_it_was_sent_is_left_out),
	  TEST_RUN(what_is_over_before_it_was_printed_is_left_out), TEST_RUN(withdrawn_while_others_are_printed),
	  TEST_RUN(what_is_over_before_it_was_opened_is_left_out), TEST_RUN(a_rule_that_ends_sends_nothing_more),
	  TEST_RUN(back_in_rehearsal_before_it_was_sent), TEST_RUN(what_is_disputed_waits_for_one_of_us),
	  TEST_RUN(disputed_before_it_was_sent), TEST_RUN(what_hinders_one_group_hinders_no_other),
	  TEST_RUN(what_hinders_the_node_puts_nothing_off), TEST_RUN(what_comes_back_is_untold),
	  TEST_RUN(much_is_marked_together), TEST_RUN(another_one_was_told))
