/* SPDX-License-Identifier: Apache-2.0 */
/* With a store: the table of shifts, who signs a hand-over and what moves on with it, and what comes of
 * messages to who has the watch. */
#include "record/record_world.h"

#include "duty/duty.h"
#include "duty/handover.h"

struct office {
	struct world w;
	struct roles *roles;
	struct calendar *calendar;
	struct policies *policies;
	struct duty *duty;
	int64_t accounts[3];
	str persons[3];
};
enum { A, B, C };

static struct viewer viewer_of(const struct office *o, int who)
{
	struct viewer v = {
		.right = RIGHT_OPERATE,
		.as = { .kind = RECIPIENT_STAFF, .ceiling = TLP_RED, .named = true, .personal_basis = true,
			.exercise_member = true },
		.exercise = true, .channel = CHANNEL_SCREEN, .account = o->accounts[who], .all_roles = o->roles,
		.roles = UINT32_C(1) << roles_find(o->roles, STR("lead")) |
			 UINT32_C(1) << roles_find(o->roles, STR("duty")),
		.policy = { .number = 1, .public_k = 5 },
	};
	str type;
	snprintf(v.actor, sizeof v.actor, "account:%lld", (long long)o->accounts[who]);
	(void)record_id_parse(o->persons[who], &type, &v.person);
	return v;
}

static enum rc change(struct office *o, int who, const struct change_request *q, str *id_out)
{
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	struct viewer v = viewer_of(o, who);
	enum rc rc = change_record(o->w.r, o->w.s, &v, q, o->w.a, &view, &errors, &err);
	if (rc == RC_OK && id_out)
		*id_out = record_view_id(&view, o->w.a);
	record_view_end(&view);
	return rc;
}

static str make_labelled(struct office *o, const char *type, str fields, str labels)
{
	str id = STR("");
	struct change_request q = { .type = str_of(type), .fields = fields, .labels = labels };
	CHECK_RC(change(o, A, &q, &id), RC_OK, err);
	return id;
}

static str make(struct office *o, const char *type, str fields)
{
	return make_labelled(o, type, fields, STR_NONE);
}

struct account_job {
	struct office *o;
	int who;
	enum team_size team;
};

static enum rc make_account(struct tx *tx, void *ctx, struct err *e)
{
	static const char *const names[] = { "Duty A", "Duty B", "Duty C" };
	const struct account_job *k = ctx;
	struct account_new n = { .name = str_of(names[k->who]), .unix_uid = -1 };
	str type;
	(void)record_id_parse(k->o->persons[k->who], &type, &n.person);
	enum rc rc = roles_parse(k->o->roles, STR("duty"), &n.roles, e);
	return rc == RC_OK ? account_make(tx, k->o->w.j, k->o->roles, &n, STR("test"),
					  &k->o->accounts[k->who], e) : rc;
}

static enum rc set_team(struct tx *tx, void *ctx, struct err *e)
{
	const struct account_job *k = ctx;
	return team_size_set(tx, k->o->w.j, k->team, STR("test"), e);
}

static void office_new(struct office *o)
{
	*o = (struct office){ .w = world_new() };
	CHECK_RC(roles_load(NULL, &o->roles, &err), RC_OK, err);
	CHECK_RC(calendar_new(STR("UTC"), STR("Mon-Fri 08:00-17:00"), STR_NONE, &o->calendar, &err), RC_OK, err);
	const struct policy_sources from = { NULL, STR("{}"), 5 };
	CHECK_RC(policies_open(o->w.s, o->w.r, &from, &o->policies, &err), RC_OK, err);
	const struct duty_node n = { .store = o->w.s, .records = o->w.r, .journal = o->w.j, .policies = o->policies,
				     .roles = o->roles, .calendar = o->calendar, .ladder_pause_us = 3 * DAY_US };
	CHECK_RC(duty_open(&n, &o->duty, &err), RC_OK, err);
	for (int i = A; i <= C; i++) {
		o->persons[i] = make(o, "person", STR("{\"name\":\"Somebody\"}"));
		struct account_job k = { .o = o, .who = i };
		CHECK_RC(store_write(o->w.s, make_account, &k, &err), RC_OK, err);
	}
}

static void office_end(struct office *o)
{
	struct duty *duty = o->duty;
	struct policies *policies = o->policies;
	world_end(&o->w);
	duty_close(duty);
	policies_close(policies);
	calendar_free(o->calendar);
	roles_free(o->roles);
}

static void team(struct office *o, enum team_size size)
{
	struct account_job k = { .o = o, .team = size };
	CHECK_RC(store_write(o->w.s, set_team, &k, &err), RC_OK, err);
}

static str shift_labelled(struct office *o, int who, const char *role, int64_t from_us, int64_t until_us, str labels)
{
	char from[40], until[40];
	int64_t now = clock_now_us() / SECOND_US * SECOND_US;
	str f = time_str(from, now + from_us), u = time_str(until, now + until_us);
	return make_labelled(o, "shift",
			     arena_fmt(o->w.a, "{\"title\":\"s\",\"person\":\"" STR_FMT "\",\"role\":\"%s\","
				       "\"from\":\"" STR_FMT "\",\"until\":\"" STR_FMT "\"}",
				       STR_ARG(o->persons[who]), role, STR_ARG(f), STR_ARG(u)), labels);
}

static str shift(struct office *o, int who, const char *role, int64_t from_us, int64_t until_us)
{
	return shift_labelled(o, who, role, from_us, until_us, STR_NONE);
}

static size_t on_now(struct office *o, const struct shift **out)
{
	struct reader *r = NULL;
	struct roster roster;
	int64_t now = clock_now_us();
	CHECK_RC(store_read_begin(o->w.s, &r, &err), RC_OK, err);
	CHECK_RC(roster_load(reader_conn(r), now, now + DAY_US, o->w.a, &roster, &err), RC_OK, err);
	store_read_end(r);
	return roster_on(&roster, now, out, ROSTER_ON_MOST);
}

/* --- the table of shifts --- */

TEST(shifts_that_count)
{
	struct office o;
	const struct shift *on[ROSTER_ON_MOST];
	office_new(&o);
	CHECK_INT(on_now(&o, on), 0);
	(void)shift_labelled(&o, A, "first", -HOUR_US, HOUR_US, STR("{\"tlp\":\"AMBER\",\"exercise\":true}"));
	CHECK_MSG(on_now(&o, on) == 0, "an exercise's shift is nobody's");
	str next = shift(&o, B, "first", HOUR_US, 2 * HOUR_US);
	CHECK_INT(on_now(&o, on), 0);
	str other = shift(&o, C, "first", -HOUR_US, HOUR_US);
	struct change_request swap = { .id = other, .to_state = STR("swapped"), .why = STR("ill") };
	CHECK_INT(on_now(&o, on), 1);
	CHECK_RC(change(&o, A, &swap, NULL), RC_OK, err);
	CHECK_INT(on_now(&o, on), 0);
	struct change_request take = { .id = next, .to_state = STR("taken") };
	CHECK_RC(change(&o, B, &take, NULL), RC_OK, err);
	CHECK_MSG(on_now(&o, on) == 1 && on[0]->taken, "who takes it early is on duty");
	struct change_request note = { .id = next, .fields = STR("{\"note\":\"early\"}") };
	CHECK_RC(change(&o, B, &note, NULL), RC_OK, err);
	CHECK_MSG(on_now(&o, on) == 1, "also when the shift is edited");
	struct viewer v = viewer_of(&o, A);
	CHECK_RC(change_erase(o.w.r, o.w.s, &v, next, STR("gone"), &err), RC_OK, err);
	CHECK_INT(on_now(&o, on), 0);
	str id = STR("");
	struct change_request backwards = { .type = STR("shift"), .fields = arena_fmt(o.w.a,
		"{\"title\":\"s\",\"person\":\"" STR_FMT "\",\"role\":\"first\",\"from\":\"2026-12-01T08:00:00Z\","
		"\"until\":\"2026-12-01T08:00:00Z\"}", STR_ARG(o.persons[A])) };
	CHECK_RC(change(&o, A, &backwards, &id), RC_INPUT, err);
	office_end(&o);
}

/* --- messages --- */

struct put_job {
	struct office *o;
	struct message m;
};

static enum rc put_message(struct tx *tx, void *ctx, struct err *e)
{
	const struct put_job *k = ctx;
	return outbox_put(tx, &k->m, NULL, 0, NULL, e);
}

static void message(struct office *o, const char *driver, str to, const char *details, uint64_t at)
{
	struct put_job k = { o, { .lane = LANE_INCIDENT, .driver = str_of(driver), .recipient = to,
				  .item = o->persons[A], .item_version = 1, .template = STR("clock.due"),
				  .details = str_of(details), .purpose = PURPOSE_HANDLING, .policy = 1,
				  .maker = STR("clock:x:y:0"), .made_at = at } };
	CHECK_RC(store_write(o->w.s, put_message, &k, &err), RC_OK, err);
}

static void notice(struct office *o, str to, const char *details, uint64_t at)
{
	message(o, "notice", to, details, at);
}

static size_t waiting(struct office *o, const char *driver, str to)
{
	struct reader *r = NULL;
	struct message *list;
	size_t n = 0;
	CHECK_RC(store_read_begin(o->w.s, &r, &err), RC_OK, err);
	CHECK_RC(outbox_waiting(reader_conn(r), driver, to, 0, 100, o->w.a, &list, &n, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

static void tend(struct office *o)
{
	bool did = true;
	for (int i = 0; did && i < 100; i++)
		CHECK_RC(store_tend(o->w.s, &did, &err), RC_OK, err);
}

TEST(to_whom_has_the_watch)
{
	struct office o;
	str *list;
	size_t n = 0;
	bool is_duty = false;
	struct reader *r = NULL;
	office_new(&o);
	notice(&o, STR("duty:now"), "{}", 1);
	tend(&o);
	CHECK_INT(waiting(&o, "notice", STR("duty:now")), 0);
	CHECK_INT(waiting(&o, "notice", STR("role:duty")), 1);
	(void)shift(&o, B, "first", -HOUR_US, HOUR_US);
	(void)shift(&o, C, "second", -HOUR_US, HOUR_US);
	struct change_request pages = { .id = o.persons[B], .fields = STR("{\"pages\":[\"sms\",\"chat\"]}") };
	CHECK_RC(change(&o, A, &pages, NULL), RC_OK, err);
	notice(&o, STR("duty:now"), "{\"words\":\"look\"}", 2);
	notice(&o, STR("duty:next"), "{}", 3);
	tend(&o);
	CHECK_INT(waiting(&o, "notice", o.persons[B]), 1);
	CHECK_INT(waiting(&o, "sms", o.persons[B]), 1);
	CHECK_INT(waiting(&o, "chat", o.persons[B]), 1);
	CHECK_INT(waiting(&o, "notice", o.persons[C]), 1);
	CHECK_INT(waiting(&o, "sms", o.persons[C]), 0);
	CHECK_RC(store_read_begin(o.w.s, &r, &err), RC_OK, err);
	CHECK_RC(duty_recipients(reader_conn(r), STR("duty:next"), o.w.a, &is_duty, &list, &n, &err), RC_OK, err);
	CHECK(is_duty && n == 1);
	CHECK_STR(list[0], o.persons[C]);
	CHECK_RC(duty_recipients(reader_conn(r), STR("role:lead"), o.w.a, &is_duty, &list, &n, &err), RC_OK, err);
	CHECK(!is_duty && n == 0);
	store_read_end(r);
	office_end(&o);
}

/* --- hand-over --- */

static const struct {
	const char *what;
	enum team_size size;
	int writer, takes, signer; /* takes -1: not said */
	enum rc rc;
	bool told;                 /* the leads */
} signings[] = {
	{ "the one who takes over", TEAM_LARGE, A, B, B, RC_OK, false },
	{ "the one who wrote it", TEAM_LARGE, A, A, A, RC_DENIED, false },
	{ "somebody else", TEAM_LARGE, A, B, C, RC_DENIED, false },
	{ "the writer, where another takes over", TEAM_LARGE, A, B, A, RC_DENIED, false },
	{ "anybody but the writer, when it is not said", TEAM_LARGE, A, -1, C, RC_OK, false },
	{ "the one who wrote it, in a small team", TEAM_SMALL, A, A, A, RC_OK, true },
	{ "somebody else, in a small team", TEAM_SMALL, A, B, C, RC_OK, true },
	{ "the one who takes over, in a small team", TEAM_SMALL, A, B, B, RC_OK, false },
};

static str handover(struct office *o, int leaves, int takes)
{
	struct buf b = BUF_INIT(KIB(1));
	str id = STR("");
	buf_fmt(&b, "{\"title\":\"h\",\"leaves\":\"" STR_FMT "\"", STR_ARG(o->persons[leaves]));
	if (takes >= 0)
		buf_fmt(&b, ",\"takes\":\"" STR_FMT "\"", STR_ARG(o->persons[takes]));
	buf_char(&b, '}');
	struct change_request q = { .type = STR("handover"), .fields = buf_str(&b) };
	CHECK_RC(change(o, leaves, &q, &id), RC_OK, err);
	buf_free(&b);
	return id;
}

static enum rc sign(struct office *o, int who, str id)
{
	struct viewer v = viewer_of(o, who);
	return handover_sign(o->w.r, o->w.s, snapshot_table(o->w.held), &v, id, o->w.a, &err);
}

TEST(who_signs)
{
	struct office o;
	size_t told = 0;
	office_new(&o);
	for (size_t i = 0; i < COUNT_OF(signings); i++) {
		team(&o, signings[i].size);
		str id = handover(&o, signings[i].writer, signings[i].takes);
		enum rc rc = sign(&o, signings[i].signer, id);
		CHECK_MSG(rc == signings[i].rc, "%s: %s (%s)", signings[i].what, rc_name(rc), err.text);
		told += signings[i].told;
		size_t n = waiting(&o, "notice", STR("role:lead"));
		CHECK_MSG(n == told, "%s: %zu notices, want %zu", signings[i].what, n, told);
	}
	struct change_request born = { .type = STR("handover"), .fields = STR("{\"title\":\"h\"}"),
				       .to_state = STR("signed"), .import = true };
	CHECK(change(&o, A, &born, NULL) != RC_OK);
	office_end(&o);
}

TEST(what_moves_on)
{
	struct office o;
	office_new(&o);
	notice(&o, o.persons[A], "{\"clock\":\"y\",\"watch\":\"on-duty\"}", 1);
	notice(&o, o.persons[A], "{\"clock\":\"y\",\"watch\":\"next-on-duty\"}", 2);
	notice(&o, o.persons[A], "{\"clock\":\"y\"}", 3); /* his own task */
	notice(&o, STR("role:duty"), "{\"clock\":\"y\",\"watch\":\"on-duty\",\"nobody\":true}", 4);
	message(&o, "sms", o.persons[A], "{\"clock\":\"y\",\"watch\":\"on-duty\"}", 5);
	message(&o, "sms", o.persons[A], "{\"words\":\"not because he has the watch\"}", 6);
	str id = handover(&o, A, B);
	CHECK_INT(waiting(&o, "notice", o.persons[A]), 3);
	CHECK_RC(sign(&o, B, id), RC_OK, err);
	CHECK_INT(waiting(&o, "notice", o.persons[A]), 1);
	CHECK_INT(waiting(&o, "notice", o.persons[B]), 2);
	CHECK_INT(waiting(&o, "notice", STR("role:duty")), 1);
	CHECK_INT(waiting(&o, "sms", o.persons[A]), 1);
	CHECK_RC(sign(&o, B, id), RC_OK, err); /* again: nothing */
	CHECK_INT(waiting(&o, "notice", o.persons[B]), 2);
	office_end(&o);
}

TEST_MAIN(TEST_RUN(shifts_that_count), TEST_RUN(to_whom_has_the_watch), TEST_RUN(who_signs),
	  TEST_RUN(what_moves_on))
