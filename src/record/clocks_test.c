/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks with a store and records: what a move does to them, who is told and how often, and
 * that record, clock, message and journal agree when the power goes in between. */
#include "record/record_world.h"

#include "base/io_trace.h"
#include "record/clocks.h"

#ifdef RONDA_SANITIZED
enum { CUTS = 30 };
#else
enum { CUTS = 120 };
#endif
enum { ERRANDS = 6, ACTS = 3, POLICY = 7 };

/* "answer" counts from entering a state, "by" from a date. */
static const char errand[] =
	"{ \"type\": \"errand\", \"version\": 1, \"label\": { \"en\": \"Errand\" },"
	" \"plural\": { \"en\": \"Errands\" }, \"title\": \"title\", \"assignee\": \"who\", \"fields\": {"
	"  \"title\": { \"kind\": \"text\", \"max\": 100, \"required\": [\"*\"],"
	"   \"label\": { \"en\": \"Title\" } },"
	"  \"who\": { \"kind\": \"person\", \"label\": { \"en\": \"Who\" } },"
	"  \"by\": { \"kind\": \"time\", \"label\": { \"en\": \"By\" } } },"
	" \"states\": {"
	"  \"new\": { \"label\": { \"en\": \"New\" }, \"to\": { \"waiting\": { \"roles\": [\"duty\"] },"
	"   \"done\": { \"roles\": [\"duty\"] } } },"
	"  \"waiting\": { \"label\": { \"en\": \"Waiting\" }, \"to\": { \"new\": { \"roles\": [\"duty\"] },"
	"   \"done\": { \"roles\": [\"duty\"] } } },"
	"  \"done\": { \"label\": { \"en\": \"Done\" }, \"closed\": true,"
	"   \"to\": { \"new\": { \"roles\": [\"duty\"] } } } },"
	" \"clocks\": {"
	"  \"answer\": { \"label\": { \"en\": \"Answer\" }, \"start\": [\"new\"], \"pause\": [\"waiting\"],"
	"   \"stop\": [\"done\"], \"due\": \"PT4H\", \"tell\": \"duty\","
	"   \"escalate\": [{ \"after\": \"PT1H\", \"to\": \"lead\" }] },"
	"  \"by\": { \"label\": { \"en\": \"By\" }, \"start_at\": \"by\", \"start\": [\"new\", \"waiting\"],"
	"   \"stop\": [\"done\"], \"due\": \"PT0S\", \"tell\": \"duty\","
	"   \"escalate\": [{ \"after\": \"PT1H\", \"to\": \"lead\" },"
	"    { \"after\": \"P2D\", \"to\": \"administrator\" }] } },"
	" \"rights\": { \"read\": { \"duty\": \"all\" } },"
	" \"list\": { \"columns\": [\"title\"], \"filters\": [\"by\"], \"sort\": \"by\" } }";

enum { NEW, WAITING, DONE };

struct desk {
	struct world w;
	struct calendar *calendar;
};

static enum rc follow(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		      const struct record *now, struct err *e)
{
	(void)r;
	(void)before;
	return clocks_follow(tx, ctx, now, e);
}

static struct types *errand_types(void)
{
	struct types *base = NULL, *t = NULL;
	CHECK_RC(types_load(NULL, world_roles, &base, &err), RC_OK, err);
	CHECK_RC(types_with(base, str_of(errand), "types/errand.json", &t, &err), RC_OK, err);
	types_free(base);
	return t;
}

static bool desk_open(struct desk *d, const char *path)
{
	if (!world_open(&d->w, path))
		return false;
	CHECK_RC(calendar_new(STR("Asia/Jakarta"), STR("Mon-Fri 08:00-17:00"), STR_NONE, &d->calendar, &err),
		 RC_OK, err);
	snapshot_drop(d->w.types, d->w.held);
	snapshot_swap(d->w.types, errand_types());
	d->w.held = snapshot_hold(d->w.types);
	d->w.t = types_find(snapshot_table(d->w.held), STR("errand"));
	records_add_hook(d->w.r, &(struct record_hook){ .changed = follow, .ctx = d->calendar });
	return d->w.t != NULL;
}

static void desk_close(struct desk *d)
{
	world_close(&d->w);
	calendar_free(d->calendar);
	d->calendar = NULL;
}

static struct desk desk_new(void)
{
	struct desk d = { .w = { .d = test_dir_new() } };
	CHECK_RC(store_create(d.w.d.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_MSG(desk_open(&d, d.w.d.path), "%s", err.text);
	return d;
}

static void desk_end(struct desk *d)
{
	desk_close(d);
	test_dir_end(&d->w.d);
}

/* The process ends and begins again. */
static void restart(struct desk *d)
{
	desk_close(d);
	CHECK_MSG(desk_open(d, d->w.d.path), "%s", err.text);
}

static struct record put(struct desk *d, struct uuid id, const char *fields, int state)
{
	struct record out;
	struct record_change c = { .type = d->w.t, .id = id, .to_state = state,
				   .fields = fields ? str_of(fields) : STR_NONE, .actor = STR("account:1") };
	CHECK_RC(world_put(&d->w, &c, &out), RC_OK, err);
	return out;
}

/* {"by": now + us, "who": …}; `who` may be NULL. */
static const char *by(struct desk *d, int64_t us, const char *who)
{
	char text[40];
	str t = time_str(text, clock_now_us() + us);
	return arena_fmt(d->w.a, "{\"title\":\"t\",\"by\":\"" STR_FMT "\"%s%s%s}", STR_ARG(t),
			 who ? ",\"who\":\"" : "", who ? who : "", who ? "\"" : "").p;
}

static struct record_clock clock_of(struct desk *d, struct uuid id, const char *rule)
{
	struct reader *r;
	struct record_clock *list, found = { .next_us = TIME_NONE };
	size_t n = 0;
	CHECK_RC(store_read_begin(d->w.s, &r, &err), RC_OK, err);
	CHECK_RC(clocks_of(reader_conn(r), id, d->w.a, &list, &n, &err), RC_OK, err);
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].rule, str_of(rule)))
			found = list[i];
	store_read_end(r);
	CHECK_MSG(found.rule.p != NULL, "no clock %s", rule);
	return found;
}

static int64_t due_of(struct desk *d, struct uuid id)
{
	struct reader *r;
	struct record out;
	CHECK_RC(store_read_begin(d->w.s, &r, &err), RC_OK, err);
	CHECK_RC(record_load(reader_conn(r), snapshot_table(d->w.held), id, d->w.a, &out, &err), RC_OK, err);
	store_read_end(r);
	return out.due_us;
}

static size_t tick(struct desk *d)
{
	size_t did = 0;
	CHECK_RC(clocks_tick(d->w.s, snapshot_table(d->w.held), d->calendar, NULL, POLICY, 100, &did, &err), RC_OK,
		 err);
	return did;
}

/* "role:duty queued, role:lead withdrawn": oldest first. */
static str notices(struct desk *d)
{
	struct reader *r;
	struct message *list;
	size_t n = 0;
	char words[200];
	struct buf b = BUF_INIT(KIB(8));
	CHECK_RC(store_read_begin(d->w.s, &r, &err), RC_OK, err);
	const struct outbox_query q = { .driver = "notice", .limit = 100 };
	CHECK_RC(outbox_list(reader_conn(r), &q, d->w.a, &list, &n, &err), RC_OK, err);
	CHECK_RC(outbox_verify(reader_conn(r), words, &err), RC_OK, err);
	CHECK_MSG(!words[0], "%s", words);
	store_read_end(r);
	for (size_t i = n; i-- > 0;) {
		CHECK_INT(list[i].policy, POLICY);
		CHECK_STR(list[i].template, STR("clock.due"));
		buf_fmt(&b, "%s" STR_FMT " %s", b.n ? ", " : "", STR_ARG(list[i].recipient),
			message_state_name(list[i].state));
	}
	str s = arena_str(d->w.a, buf_str(&b));
	buf_free(&b);
	return s;
}

static struct uuid errand_id(int n)
{
	struct uuid id = { { 0xcd } };
	id.b[6] = 0x40;
	id.b[8] = 0x80;
	id.b[15] = (uint8_t)(n + 1);
	return id;
}

struct noting {
	struct desk *d;
	struct uuid record;
	const char *rule;
	int64_t message; /* 0: none */
};

static enum rc note_job(struct tx *tx, void *ctx, struct err *e)
{
	struct noting *n = ctx;
	struct outcome_of o = { .outcome = OUTCOME_SENT, .policy = POLICY, .rule = "shown" };
	enum rc rc = RC_OK;
	if (n->message) {
		rc = outbox_take_one(tx, n->message, e);
		if (rc == RC_OK)
			rc = outbox_end_tx(tx, n->message, &o, e);
		if (rc == RC_OK)
			rc = ledger_receipt(tx, n->message, LEDGER_RECEIPT, STR("account:3"), STR("seen"), e);
	}
	return rc == RC_OK ? clock_noted(tx, n->d->w.j, n->record, str_of(n->rule), STR("account:3"),
					 STR("seen"), e) :
			     rc;
}

static enum rc note(struct desk *d, struct uuid record, const char *rule, int64_t message)
{
	struct noting n = { d, record, rule, message };
	return store_write(d->w.s, note_job, &n, &err);
}

/* --- a record and its clocks --- */

TEST(moves)
{
	struct desk d = desk_new();
	struct record r = put(&d, (struct uuid){ { 0 } }, "{\"title\":\"t\"}", -1);
	struct record_clock k = clock_of(&d, r.id, "answer");
	CHECK_INT(k.state.due_us - k.state.started_us, 4 * HOUR_US);
	CHECK_INT(k.next_us, k.state.due_us);
	CHECK_INT(due_of(&d, r.id), k.state.due_us);
	int64_t due = k.state.due_us;

	(void)put(&d, r.id, "{\"title\":\"an edit\"}", -1);
	CHECK_INT(clock_of(&d, r.id, "answer").state.due_us, due);
	(void)put(&d, r.id, NULL, WAITING);
	k = clock_of(&d, r.id, "answer");
	CHECK(k.state.paused && k.state.left_us > 3 * HOUR_US && k.state.left_us <= 4 * HOUR_US);
	CHECK_INT(k.next_us, TIME_NONE);
	CHECK_INT(due_of(&d, r.id), TIME_NONE);
	restart(&d);
	(void)put(&d, r.id, NULL, NEW);
	k = clock_of(&d, r.id, "answer");
	CHECK(!k.state.paused && k.state.due_us >= due && k.next_us == k.state.due_us);
	/* the soonest clock is the record's */
	(void)put(&d, r.id, by(&d, HOUR_US, NULL), -1);
	CHECK_INT(due_of(&d, r.id), clock_of(&d, r.id, "by").state.due_us);
	(void)put(&d, r.id, NULL, DONE);
	CHECK(clock_of(&d, r.id, "answer").state.stopped_us != TIME_NONE);
	CHECK(clock_of(&d, r.id, "by").state.stopped_us != TIME_NONE);
	CHECK_INT(due_of(&d, r.id), TIME_NONE);
	CHECK_INT(tick(&d), 0);
	CHECK_STR(notices(&d), STR(""));
	/* opened again: it starts anew */
	(void)put(&d, r.id, NULL, NEW);
	k = clock_of(&d, r.id, "answer");
	CHECK(k.state.stopped_us == TIME_NONE && k.state.step == 0);
	CHECK_INT(k.state.due_us - k.state.started_us, 4 * HOUR_US);
	desk_end(&d);
}

/* --- who is told --- */

TEST(due_is_told_once)
{
	struct desk d = desk_new();
	(void)put(&d, (struct uuid){ { 0 } }, by(&d, -MINUTE_US, NULL), -1);
	CHECK_INT(tick(&d), 1);
	CHECK_STR(notices(&d), STR("role:duty queued"));
	CHECK_INT(tick(&d), 0);
	restart(&d);
	CHECK_INT(tick(&d), 0);
	CHECK_STR(notices(&d), STR("role:duty queued"));
	desk_end(&d);
}

TEST(the_ladder)
{
	static const char who[] = "person--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab";
	struct desk d = desk_new();
	struct record r = put(&d, (struct uuid){ { 0 } }, by(&d, -90 * MINUTE_US, who), -1);
	CHECK_INT(tick(&d), 1);
	restart(&d);
	CHECK_INT(tick(&d), 1);
	CHECK_INT(tick(&d), 0);
	CHECK_STR(notices(&d), STR("person--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab queued, role:lead queued"));
	struct record_clock k = clock_of(&d, r.id, "by");
	CHECK_INT(k.state.step, 2);
	CHECK_INT(k.next_us - k.state.due_us, 2 * DAY_US);
	/* another date: whoever was told need not care, and the ladder begins again */
	(void)put(&d, r.id, by(&d, -2 * MINUTE_US, ""), -1);
	CHECK_INT(tick(&d), 1);
	CHECK_STR(notices(&d), STR("person--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab withdrawn,"
				   " role:lead withdrawn, role:duty queued"));
	(void)put(&d, r.id, NULL, DONE);
	CHECK_STR(notices(&d), STR("person--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab withdrawn,"
				   " role:lead withdrawn, role:duty withdrawn"));
	desk_end(&d);
}

TEST(a_note_stops_the_ladder)
{
	struct desk d = desk_new();
	struct record r = put(&d, (struct uuid){ { 0 } }, by(&d, -3 * DAY_US, NULL), -1);
	CHECK_INT(tick(&d), 1);
	CHECK_RC(note(&d, r.id, "by", 1), RC_OK, err);
	CHECK_RC(note(&d, r.id, "by", 1), RC_CONFLICT, err);
	CHECK_INT(tick(&d), 0);
	CHECK_STR(notices(&d), STR("role:duty sent"));
	struct record_clock k = clock_of(&d, r.id, "by");
	CHECK_STR(k.noted_by, STR("account:3"));
	CHECK(k.state.stopped_us == TIME_NONE); /* it runs on: still overdue */
	CHECK(due_of(&d, r.id) < clock_now_us());
	CHECK_RC(note(&d, r.id, "nothing", 0), RC_ABSENT, err);
	desk_end(&d);
}

/* --- the wall clock --- */

TEST(jumps_of_a_day)
{
	struct desk d = desk_new();
	if (!clock_move(0)) {
		printf("# SKIP: this build cannot move the clock\n");
		desk_end(&d);
		return;
	}
	(void)put(&d, (struct uuid){ { 0 } }, "{\"title\":\"t\"}", -1);
	CHECK_INT(tick(&d), 0);
	clock_move(-DAY_US);
	CHECK_INT(tick(&d), 0);
	clock_move(2 * DAY_US);
	CHECK_INT(tick(&d), 1);
	CHECK_INT(tick(&d), 1);
	CHECK_INT(tick(&d), 0);
	clock_move(-2 * DAY_US);
	CHECK_INT(tick(&d), 0);
	restart(&d);
	clock_move(DAY_US);
	CHECK_INT(tick(&d), 0);
	clock_move(DAY_US);
	CHECK_INT(tick(&d), 0);
	CHECK_STR(notices(&d), STR("role:duty queued, role:lead queued"));
	clock_move(-DAY_US);
	desk_end(&d);
}

/* --- the power goes --- */

enum { CREATE, TICK, LAST }; /* LAST: noted, or moved on */

static void act_on(struct desk *d, int n, int act)
{
	struct record out;
	struct record_change c = { .type = d->w.t, .actor = STR("account:1"), .to_state = -1 };
	switch (act) {
	case CREATE:
		c.new_id = errand_id(n);
		c.fields = str_of(by(d, -MINUTE_US, NULL));
		CHECK_RC(world_put(&d->w, &c, &out), RC_OK, err);
		break;
	case TICK:
		CHECK_INT(tick(d), 1);
		break;
	default:
		if (n % 2) {
			CHECK_RC(note(d, errand_id(n), "by", n + 1), RC_OK, err);
			break;
		}
		c.id = errand_id(n);
		c.to_state = DONE;
		CHECK_RC(world_put(&d->w, &c, &out), RC_OK, err);
	}
}

static int64_t count(struct sql *q)
{
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	return n;
}

/* One errand and all that hangs on it, whatever was the last that survived. */
static void check_errand(struct desk *d, struct conn *c, int n, uint64_t acks, const char *where)
{
	struct record r;
	struct record_clock *list;
	struct message m = { 0 };
	size_t clocks = 0;
	uint64_t before = (uint64_t)n * ACTS;
	enum rc rc = record_load(c, snapshot_table(d->w.held), errand_id(n), d->w.a, &r, &err);
	CHECK_RC(clocks_of(c, errand_id(n), d->w.a, &list, &clocks, &err), RC_OK, err);
	if (rc == RC_ABSENT) {
		CHECK_MSG(acks <= before + CREATE && clocks == 0, "%s: errand %d is gone", where, n);
		return;
	}
	CHECK_RC(rc, RC_OK, err);
	CHECK_MSG(clocks == 2, "%s: errand %d has %zu clocks", where, n, clocks);
	if (clocks != 2)
		return;
	const struct record_clock *k = &list[1]; /* "by" */
	bool told = outbox_load(c, n + 1, d->w.a, &m, &err) == RC_OK;
	bool noted = k->noted_by.n > 0, stopped = k->state.stopped_us != TIME_NONE;
	CHECK_MSG(k->state.step == told, "%s: errand %d: step %u, told %d", where, n, k->state.step, told);
	CHECK_MSG(told || acks <= before + TICK, "%s: errand %d: the notice is gone", where, n);
	CHECK_MSG(stopped == (r.state == DONE), "%s: errand %d: clock and state", where, n);
	CHECK_MSG(!told || m.state == (noted ? MESSAGE_SENT : stopped ? MESSAGE_WITHDRAWN : MESSAGE_QUEUED),
		  "%s: errand %d: its message is %s", where, n, message_state_name(m.state));
	CHECK_MSG(noted || stopped || acks <= before + LAST, "%s: errand %d: the last act is gone", where, n);
	CHECK_MSG(stopped ? r.due_us == TIME_NONE : r.due_us == k->state.due_us, "%s: errand %d: due", where, n);
}

static void check_desk(const char *path, uint64_t acks, const char *where)
{
	struct desk d = { .calendar = NULL };
	struct reader *rd;
	struct records_check k;
	struct journal_check j;
	char words[200];
	CHECK_MSG(desk_open(&d, path), "%s: %s", where, err.text);
	if (!d.calendar)
		return;
	CHECK_RC(store_read_begin(d.w.s, &rd, &err), RC_OK, err);
	struct conn *c = reader_conn(rd);
	CHECK_RC(records_verify(c, snapshot_table(d.w.held), &k, &err), RC_OK, err);
	CHECK_MSG(!k.words[0], "%s: %s", where, k.words);
	CHECK_RC(journal_verify(c, STR_NONE, &j, &err), RC_OK, err);
	CHECK_MSG(j.first_bad == 0, "%s: journal line %d: %s", where, (int)j.first_bad, j.words);
	CHECK_RC(outbox_verify(c, words, &err), RC_OK, err);
	CHECK_MSG(!words[0], "%s: %s", where, words);
	for (int n = 0; n < ERRANDS; n++)
		check_errand(&d, c, n, acks, where);
	/* a line, a noted clock, a receipt: all of them or none */
	int64_t noted = count(sql(c, "SELECT count(*) FROM record_clock WHERE noted_by <> ''"));
	CHECK_INT(count(sql(c, "SELECT count(*) FROM ledger WHERE kind = 6")), noted);
	struct journal_line *lines;
	size_t line_count = 0;
	const struct journal_query q = { .act = STR("clock.noted"), .limit = 100 };
	CHECK_RC(journal_find(c, &q, d.w.a, &lines, &line_count, &err), RC_OK, err);
	CHECK_INT(line_count, noted);
	store_read_end(rd);
	/* what was left to do is done now, once */
	size_t did = tick(&d);
	CHECK(did <= 1 && tick(&d) == 0);
	desk_close(&d);
}

TEST(power_cuts)
{
	struct test_dir dir = test_dir_new(), cut = test_dir_new();
	struct io_trace *t = io_trace_begin(dir.path);
	struct desk d = { .w = { .d = dir } };
	uint64_t acks = 0;
	CHECK_RC(store_create(dir.path, "Team B", "ID", &err), RC_OK, err);
	CHECK(desk_open(&d, dir.path));
	size_t created = io_trace_events(t);
	for (int n = 0; n < ERRANDS; n++)
		for (int act = 0; act < ACTS; act++) {
			act_on(&d, n, act);
			io_trace_mark(t, ++acks);
		}
	desk_close(&d);
	io_trace_stop(t);
	size_t all = io_trace_events(t) - created;
	printf("# %zu events, %d cuts\n", all, CUTS);
	for (size_t i = 0; i <= CUTS && test_failures < 20; i++) {
		char path[512], where[64];
		uint64_t highest = 0;
		size_t n = created + all * i / CUTS;
		enum io_cut how = (enum io_cut)(i % IO_CUTS);
		snprintf(where, sizeof(where), "cut %zu at event %zu, kind %u", i, n, (unsigned)how);
		test_dir_in(&cut, path, "store");
		CHECK_RC(io_trace_rebuild(t, n, how, i, path, &err), RC_OK, err);
		(void)io_trace_marks(t, n, &highest);
		check_desk(path, highest, where);
		test_dir_remove_path(path);
	}
	io_trace_free(t);
	test_dir_end(&cut);
	test_dir_end(&dir);
}

TEST_MAIN(TEST_RUN(moves), TEST_RUN(due_is_told_once), TEST_RUN(the_ladder),
	  TEST_RUN(a_note_stops_the_ladder), TEST_RUN(jumps_of_a_day), TEST_RUN(power_cuts))
