/* SPDX-License-Identifier: Apache-2.0 */
/* The policy follows the agreements: in the commit that changes them, and by the clock. */
#include <errno.h>

#include "record/record_world.h"

#include "disclosure/change.h"
#include "disclosure/policy.h"
#include "store/fault_test.h"
#include "store/upkeep.h"

static const struct uuid partner = { { 0xa, 1 } }, stranger = { { 0xb, 2 } };

enum { LEAD = 1 << 3 };

static struct viewer lead_viewer(void)
{
	struct viewer v = viewer_owner(0);

	v.roles = LEAD;
	return v;
}

struct asked {
	struct recipient to;
	struct policy policy;
	str kind;
};

static struct asked ask(struct world *w, struct policies *p, struct uuid organisation)
{
	struct asked a = { .to = { .kind = RECIPIENT_PARTNER, .ceiling = TLP_RED } };

	CHECK_RC(policies_recipient(p, organisation, &a.to, &a.policy, w->a, &a.kind, &err), RC_OK, err);
	return a;
}

static struct policies *open_policies(struct world *w, str roles)
{
	const struct policy_sources from = { .roles = roles, .public_k = 5 };
	struct policies *p = NULL;

	CHECK_RC(policies_open(w->s, w->r, &from, &p, &err), RC_OK, err);
	return p;
}

static str put(struct world *w, str id, const char *fields, const char *state, const char *labels,
	       const char *why)
{
	struct viewer lead = lead_viewer();
	struct record_view view;
	const struct change_request q = { .type = STR("agreement"), .id = id, .fields = str_of(fields),
					  .to_state = str_of(state), .labels = str_of(labels),
					  .why = str_of(why) };
	struct buf text = BUF_INIT(RECORD_ID_BYTES);

	enum rc rc = change_record(w->r, w->s, &lead, &q, w->a, &view, NULL, &err);
	CHECK_RC(rc, RC_OK, err);
	if (rc == RC_OK && view.record)
		record_id_format(&text, STR("agreement"), &view.record->id);
	record_view_end(&view);
	str s = arena_str(w->a, buf_str(&text));
	buf_free(&text);
	return s;
}

#define PARTIES "\"parties\":[\"organisation--0a010000-0000-0000-0000-000000000000\"]"
#define AGREEMENT(kind, tlp, more)                                                              \
	"{\"title\":\"x\",\"kind\":\"" kind "\"," PARTIES ",\"flows\":[\"findings\"],\"tlp_ceiling\":\"" tlp \
	"\"," more "}"

/* Its whole life; each step another number, a step that changes nothing none. */
TEST(an_agreement_lives_and_ends)
{
	struct world w = world_new();
	struct policies *p = open_policies(&w, STR("roles"));
	struct asked a = ask(&w, p, partner);
	uint64_t first = a.policy.number;

	CHECK(first >= 1 && !a.to.agreement);
	str id = put(&w, STR_NONE, AGREEMENT("informal", "AMBER", "\"from\":\"2020-01-01\""), "", NULL, "");
	a = ask(&w, p, partner);
	CHECK(!a.to.agreement && a.policy.number == first); /* a draft allows nothing */
	put(&w, id, "", "in-force", NULL, "");
	a = ask(&w, p, partner);
	CHECK(a.to.agreement && a.to.agreed == TLP_AMBER && a.to.agreed_pap == PAP_RED);
	CHECK(!a.to.personal_basis && a.policy.number == first + 1);
	CHECK_STR(a.kind, STR("informal"));
	CHECK(!ask(&w, p, stranger).to.agreement);
	put(&w, id, "{\"remarks\":\"nothing to do with it\"}", "", NULL, "");
	CHECK_INT(ask(&w, p, partner).policy.number, first + 2); /* another version is another text */
	put(&w, id, "{\"tlp_ceiling\":\"GREEN\",\"pap_ceiling\":\"AMBER\",\"personal\":true}", "", NULL, "");
	a = ask(&w, p, partner);
	CHECK(a.to.agreed == TLP_GREEN && a.to.agreed_pap == PAP_AMBER && a.to.personal_basis);
	put(&w, id, "", "suspended", NULL, "a quarrel");
	a = ask(&w, p, partner);
	CHECK(!a.to.agreement && a.policy.number == first + 4);
	put(&w, id, "", "in-force", NULL, "made up");
	CHECK(ask(&w, p, partner).to.agreement);
	put(&w, id, "", "ended", NULL, "over");
	CHECK(!ask(&w, p, partner).to.agreement);
	/* all of them are kept */
	struct reader *r = NULL;
	struct policy_row row;
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(policy_kept(reader_conn(r), first + 1, w.a, &row, &err), RC_OK, err);
	CHECK(str_find(row.body, STR("\"informal\"")) < row.body.n);
	CHECK_RC(policy_kept(reader_conn(r), 999, w.a, &row, &err), RC_ABSENT, err);
	store_read_end(r);
	policies_close(p);
	world_end(&w);
}

/* What does not count: days that are not now, copies, exercises, dates nobody can read. */
TEST(what_counts)
{
	static const struct { const char *more, *labels; bool counts; } cases[] = {
		{ "\"from\":\"2020-01-01\"", NULL, true },
		{ "\"from\":\"2020-01-01\",\"personal\":false", NULL, true },
		{ "\"from\":\"2020-01-01\",\"until\":\"2200-01-01\"", NULL, true },
		{ "\"from\":\"2020-01-01\",\"until\":\"2021-01-01\"", NULL, false },
		{ "\"from\":\"2200-01-01\"", NULL, false },
		{ "\"from\":\"2020-01-01\"", "{\"tlp\":\"AMBER\",\"exercise\":true}", false },
		{ "\"from\":\"2020-01-01\"", "{\"tlp\":\"RED\"}", true }, /* a secret one counts too */
	};

	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct world w = world_new();
		struct policies *p = open_policies(&w, STR("roles"));
		str fields = arena_fmt(w.a, AGREEMENT("treaty", "RED", "%s"), cases[n].more);
		str id = put(&w, STR_NONE, fields.p, "", cases[n].labels, "");

		put(&w, id, "", "in-force", NULL, "");
		CHECK_MSG(ask(&w, p, partner).to.agreement == cases[n].counts, "row %zu", n);
		CHECK(!ask(&w, p, partner).to.personal_basis);
		policies_close(p);
		world_end(&w);
	}
}

static void tend_all(struct world *w)
{
	bool did = true;

	for (int i = 0; i < 100 && did; i++)
		CHECK_RC(store_tend(w->s, &did, &err), RC_OK, err);
}

/* One begins tomorrow and runs out the day after: nobody touches it. */
TEST(the_clock_begins_and_ends_it)
{
	struct world w = world_new();
	struct policies *p = open_policies(&w, STR("roles"));
	char from[16], until[16];
	str a = time_day_str(from, clock_now_us() + DAY_US), b = time_day_str(until, clock_now_us() + 2 * DAY_US);
	str fields = arena_fmt(w.a, AGREEMENT("memorandum", "AMBER", "\"from\":\"" STR_FMT "\",\"until\":\"" STR_FMT
							"\""), STR_ARG(a), STR_ARG(b));
	str id = put(&w, STR_NONE, fields.p, "", NULL, "");
	put(&w, id, "", "in-force", NULL, "");
	uint64_t before = ask(&w, p, partner).policy.number;

	tend_all(&w);
	CHECK(!ask(&w, p, partner).to.agreement);
	CHECK_INT(ask(&w, p, partner).policy.number, before);
	if (clock_move(DAY_US)) {
		tend_all(&w);
		CHECK(ask(&w, p, partner).to.agreement);
		CHECK_INT(ask(&w, p, partner).policy.number, before + 1);
		CHECK(clock_move(DAY_US)); /* its last day */
		tend_all(&w);
		CHECK(ask(&w, p, partner).to.agreement);
		CHECK(clock_move(DAY_US));
		CHECK(!ask(&w, p, partner).to.agreement); /* at once, before any background work */
		tend_all(&w);
		CHECK_INT(ask(&w, p, partner).policy.number, before + 2);
	}
	policies_close(p);
	world_end(&w);
}

TEST(opened_again)
{
	struct world w = world_new();
	struct policies *p = open_policies(&w, STR("roles"));
	str id = put(&w, STR_NONE, AGREEMENT("community", "GREEN", "\"from\":\"2020-01-01\""), "", NULL, "");
	put(&w, id, "", "in-force", NULL, "");
	uint64_t number = ask(&w, p, partner).policy.number;
	struct viewer v = viewer_public(CHANNEL_SCREEN);

	v.organisation = partner;
	CHECK_RC(policies_apply(p, &v, &err), RC_OK, err);
	CHECK(v.as.agreement && v.policy.number == number);
	v.organisation = stranger;
	CHECK_RC(policies_apply(p, &v, &err), RC_OK, err);
	CHECK(!v.as.agreement); /* taken away too */
	world_close(&w);
	policies_close(p);
	CHECK(world_open(&w, w.d.path));
	p = open_policies(&w, STR("roles"));
	CHECK(ask(&w, p, partner).to.agreement);
	CHECK_INT(ask(&w, p, partner).policy.number, number);
	world_close(&w);
	policies_close(p);
	CHECK(world_open(&w, w.d.path));
	p = open_policies(&w, STR("other roles")); /* other rights are another policy */
	CHECK_INT(ask(&w, p, partner).policy.number, number + 1);
	policies_close(p);
	world_end(&w);
}

static enum rc put_row(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO policy (number, next_us, at_us, digest, body)"
					 " SELECT max(number) + 1, 9000000000000000000, 1, x'00', ? FROM policy");
	sql_str(q, 1, *(str *)ctx);
	return sql_run(q, e);
}

/* Of several agreements the widest counts, whole; of two as wide the one that lets personal data flow. */
TEST(the_widest_counts)
{
	static const struct { const char *first, *second; bool has_basis; enum tlp agreed; const char *kind; bool personal; } rows[] = {
		{ "GREEN", "AMBER", false, TLP_AMBER, "second", false },
		{ "AMBER", "GREEN", false, TLP_AMBER, "first", false },
		{ "AMBER", "AMBER", false, TLP_AMBER, "first", false },
		{ "AMBER", "AMBER\",\"personal\":true,\"x\":\"", false, TLP_AMBER, "second", true },
		{ "AMBER\",\"personal\":true,\"x\":\"", "AMBER\",\"personal\":true,\"x\":\"", false, TLP_AMBER, "first", true },
		{ "GREEN\",\"personal\":true,\"x\":\"", "AMBER", false, TLP_AMBER, "second", false },
		{ "GREEN", "AMBER", true, TLP_AMBER, "second", true }, /* an agreement takes no basis away */
	};
	struct world w = world_new();
	struct policies *p = open_policies(&w, STR("roles"));

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str body = arena_fmt(w.a, "{\"agreements\":[{\"kind\":\"first\"," PARTIES ",\"from_us\":0,\"until_us\":"
				     "9000000000000000000,\"tlp\":\"%s\"},{\"kind\":\"second\"," PARTIES ",\"from_us\":0,"
				     "\"until_us\":9000000000000000000,\"tlp\":\"%s\"}]}", rows[i].first, rows[i].second);
		struct asked a = { .to = { .kind = RECIPIENT_PARTNER, .ceiling = TLP_RED,
					   .personal_basis = rows[i].has_basis } };
		CHECK_RC(store_write(w.s, put_row, &body, &err), RC_OK, err);
		CHECK_RC(policies_recipient(p, partner, &a.to, &a.policy, w.a, &a.kind, &err), RC_OK, err);
		CHECK_MSG(a.to.agreement && a.to.agreed == rows[i].agreed && a.to.personal_basis == rows[i].personal &&
			  str_eq(a.kind, str_of(rows[i].kind)), "row %zu", i);
		CHECK(!ask(&w, p, (struct uuid){ { 0 } }).to.agreement); /* nobody's */
	}
	policies_close(p);
	world_end(&w);
}

/* --- other types, strange rows --- */

/* `means`: of a type of a test's own, read over the built-in ones. */
static void add_pact(struct world *w, const char *means)
{
	struct types *t = NULL;
	str text = arena_fmt(w->a,
		"{ \"type\": \"pact\", \"version\": 1, \"label\": { \"en\": \"Pact\" },"
		" \"plural\": { \"en\": \"Pacts\" }, \"title\": \"title\", \"means\": { %s }, \"fields\": {"
		"  \"title\": { \"kind\": \"text\", \"required\": [\"*\"], \"label\": { \"en\": \"Title\" } },"
		"  \"with\": { \"kind\": \"reference\", \"to\": \"organisation\", \"label\": { \"en\": \"With\" } },"
		"  \"words\": { \"kind\": \"long\", \"max\": 200000, \"label\": { \"en\": \"Words\" } },"
		"  \"last\": { \"kind\": \"time\", \"label\": { \"en\": \"Last\" } } },"
		" \"states\": { \"open\": { \"label\": { \"en\": \"Open\" } } },"
		" \"rights\": { \"read\": { \"lead\": \"all\" }, \"create\": { \"lead\": \"all\" },"
		"  \"erase\": { \"lead\": \"all\" } },"
		" \"list\": { \"columns\": [\"title\"] } }", means);
	CHECK_RC(types_with(snapshot_table(w->held), text, "types/pact.json", &t, &err), RC_OK, err);
	if (!t)
		return;
	snapshot_drop(w->types, w->held);
	snapshot_swap(w->types, t);
	w->held = snapshot_hold(w->types);
}

static str put_own(struct world *w, const char *type, str fields)
{
	struct viewer lead = lead_viewer();
	struct record_view view;
	const struct change_request q = { .type = str_of(type), .fields = fields };
	CHECK_RC(change_record(w->r, w->s, &lead, &q, w->a, &view, NULL, &err), RC_OK, err);
	str id = view.record ? record_view_id(&view, w->a) : STR("");
	record_view_end(&view);
	return id;
}

#define WITH "\"with\":\"organisation--0a010000-0000-0000-0000-000000000000\""
#define IN_FORCE "\"agreement.party\": \"with\", \"agreement.in-force\": \"state:open\""

/* Whoever of several agreements hides the others hides them; one that does not count hides nothing. */
TEST(who_else_takes_part_is_hidden)
{
	static const struct { const char *first, *second; bool hidden; } rows[] = {
		{ "\"from\":\"2020-01-01\"", "\"from\":\"2020-01-01\"", false },
		{ "\"from\":\"2020-01-01\",\"members_hidden\":true", "\"from\":\"2020-01-01\"", true },
		{ "\"from\":\"2020-01-01\"", "\"from\":\"2020-01-01\",\"members_hidden\":true", true },
		{ "\"from\":\"2020-01-01\",\"members_hidden\":false", "\"from\":\"2200-01-01\",\"members_hidden\":true", false },
		{ "\"from\":\"2020-01-01\"", "\"from\":\"2020-01-01\",\"until\":\"2020-02-01\",\"members_hidden\":true", false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct world w = world_new();
		struct policies *p = open_policies(&w, STR("roles"));
		const char *both[] = { rows[i].first, rows[i].second };
		for (size_t k = 0; k < 2; k++) {
			str fields = arena_fmt(w.a, "{\"title\":\"x\",\"kind\":\"treaty\"," PARTIES
						    ",\"flows\":[\"findings\"],\"tlp_ceiling\":\"GREEN\",%s}", both[k]);
			str id = put(&w, STR_NONE, arena_z(w.a, fields), "", NULL, "");
			(void)put(&w, id, "{}", "in-force", NULL, "");
		}
		CHECK_MSG(ask(&w, p, partner).to.members_hidden == rows[i].hidden, "row %zu", i);
		CHECK_MSG(!ask(&w, p, stranger).to.members_hidden, "row %zu: a stranger", i);
		policies_close(p);
		world_end(&w);
	}
}

TEST(types_of_ones_own)
{
	static const struct { const char *means, *fields; bool counts, personal; } rows[] = {
		{ "\"agreement.party\": \"with\"", "", false, false },
		{ "\"agreement.in-force\": \"state:open\"", "", false, false },
		{ IN_FORCE, "", true, false },
		{ IN_FORCE ", \"agreement.personal\": \"state:open\", \"agreement.kind\": \"state:open\","
		  " \"agreement.until\": \"state:open\"", "", true, false },
		{ IN_FORCE ", \"agreement.from\": \"words\"", ",\"words\":\"as soon as may be\"", false, false },
		{ IN_FORCE ", \"agreement.until\": \"last\"", ",\"last\":\"2200-01-01T00:00:00Z\"", true, false },
		{ IN_FORCE ", \"agreement.until\": \"last\"", ",\"last\":\"2020-01-01T00:00:00Z\"", false, false },
		{ IN_FORCE ", \"agreement.until\": \"words\"", ",\"words\":\"for ever\"", false, false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct world w = world_new();
		add_pact(&w, rows[i].means);
		struct policies *p = open_policies(&w, STR("roles"));
		str id = put_own(&w, "pact", arena_fmt(w.a, "{\"title\":\"x\"," WITH "%s}", rows[i].fields));
		struct asked a = ask(&w, p, partner);
		CHECK_MSG(a.to.agreement == rows[i].counts && a.to.personal_basis == rows[i].personal, "row %zu", i);
		CHECK(!a.to.agreement || (a.to.agreed == TLP_CLEAR && a.to.agreed_pap == PAP_RED));
		/* erased, it allows nothing any more */
		struct viewer lead = lead_viewer();
		CHECK_RC(change_erase(w.r, w.s, &lead, id, STR("asked for"), &err), RC_OK, err);
		CHECK_MSG(!ask(&w, p, partner).to.agreement, "row %zu, erased", i);
		policies_close(p);
		world_end(&w);
	}
}

/* A date that is there and nobody can read ends it; so does a body, and another node's is not ours. */
static enum rc spoil(struct tx *tx, void *ctx, struct err *e)
{
	enum rc rc = RC_OK;
	switch (*(int *)ctx) {
	case 0: rc = sql_run(sql(tx_conn(tx), "UPDATE record SET number = 0"), e); break;
	case 1: rc = sql_run(sql(tx_conn(tx), "UPDATE record_version SET body = '{ no JSON'"), e); break;
	case 2: rc = sql_run(sql(tx_conn(tx), "UPDATE record_version SET body = replace(body, '2200-01-01', 'for ever')"), e); break;
	case 3: rc = sql_run(sql(tx_conn(tx), "UPDATE record SET erased = 1"), e); break;
	}
	return rc;
}

TEST(rows_that_are_spoiled)
{
	for (int how = 0; how < 4; how++) {
		struct world w = world_new();
		struct policies *p = open_policies(&w, STR("roles"));
		str id = put(&w, STR_NONE, AGREEMENT("treaty", "RED", "\"from\":\"2020-01-01\",\"until\":\"2200-01-01\""), "", NULL, "");
		put(&w, id, "", "in-force", NULL, "");
		CHECK(ask(&w, p, partner).to.agreement);
		CHECK_RC(store_write(w.s, spoil, &how, &err), RC_OK, err);
		world_close(&w);
		policies_close(p);
		CHECK(world_open(&w, w.d.path));
		p = open_policies(&w, STR("roles"));
		CHECK_MSG(!ask(&w, p, partner).to.agreement, "row %d", how);
		policies_close(p);
		world_end(&w);
	}
}

struct erasing {
	struct records *r;
	struct uuid id;
};
static enum rc erase_it(struct tx *tx, void *ctx, struct err *e)
{
	struct erasing *k = ctx;
	return record_erase(tx, k->r, k->id, STR("account:1"), STR("asked for"), e);
}

/* Of a type that is not loaded any more: it can still be erased, and then it is none. */
TEST(a_type_that_is_gone)
{
	struct world w = world_new();
	struct policies *p = open_policies(&w, STR("roles"));
	add_pact(&w, IN_FORCE);
	struct erasing k = { .r = w.r };
	str type;
	CHECK(record_id_parse(put_own(&w, "pact", STR("{\"title\":\"x\"," WITH "}")), &type, &k.id));
	CHECK(ask(&w, p, partner).to.agreement);
	snapshot_drop(w.types, w.held);
	snapshot_swap(w.types, world_types(world_case));
	w.held = snapshot_hold(w.types);
	CHECK_RC(store_write(w.s, erase_it, &k, &err), RC_OK, err);
	CHECK(!ask(&w, p, partner).to.agreement);
	policies_close(p);
	world_end(&w);
}

TEST(as_long_as_it_may_be)
{
	struct world w = world_new();
	add_pact(&w, IN_FORCE ", \"agreement.kind\": \"words\"");
	struct policies *p = open_policies(&w, STR("roles"));
	struct viewer lead = lead_viewer();
	struct record_view view;
	const struct change_request q = { .type = STR("pact"),
		.fields = arena_fmt(w.a, "{\"title\":\"x\"," WITH ",\"words\":\"%099999d\"}", 1) };
	enum rc rc = RC_OK;
	int put = 0;
	for (; rc == RC_OK && put < 20; put++) {
		rc = change_record(w.r, w.s, &lead, &q, w.a, &view, NULL, &err);
		record_view_end(&view);
	}
	CHECK_RC(rc, RC_LIMIT, err); /* the one too many is not made */
	CHECK_MSG(strstr(err.text, "too many agreements") && put > 8 && put < 14, "%s, at %d", err.text, put);
	CHECK(ask(&w, p, partner).to.agreement);
	policies_close(p);
	world_end(&w);
}

TEST(own_marks_are_another_policy)
{
	struct world w = world_new();
	const struct marks *m = NULL;
	struct policies *p = open_policies(&w, STR("roles"));
	uint64_t number = ask(&w, p, partner).policy.number;
	world_close(&w);
	policies_close(p);
	CHECK_RC(marks_read(STR("{\"classifications\":{\"RAHASIA\":{\"tlp\":\"RED\",\"to\":[]}}}"), &m, &err), RC_OK, err);
	CHECK(world_open(&w, w.d.path));
	const struct policy_sources from = { .roles = STR("roles"), .public_k = 5, .marks = m };
	CHECK_RC(policies_open(w.s, w.r, &from, &p, &err), RC_OK, err);
	struct asked a = ask(&w, p, partner);
	CHECK(a.policy.number == number + 1 && a.policy.marks == m);
	policies_close(p);
	world_end(&w);
	marks_free(m);
}

/* --- when statements fail --- */

struct failing {
	struct world w;
	struct policies *p;
};

static enum rc open_them(void *ctx, struct err *e)
{
	struct failing *f = ctx;
	const struct policy_sources from = { .roles = STR("roles"), .public_k = 5 };
	return policies_open(f->w.s, f->w.r, &from, &f->p, e);
}

static enum rc set_due(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	return sql_run(sql(tx_conn(tx), "UPDATE policy SET next_us = 1"), e);
}

/* What should have begun long ago is seen, then tended to. */
static enum rc tend_late(void *ctx, struct err *e)
{
	struct failing *f = ctx;
	bool did = false;
	if (policies_number(f->p) == 0)
		return fail(e, RC_ABSENT, "none is known");
	enum rc rc = store_tend(f->w.s, &did, e);
	for (int i = 0; rc == RC_OK && did && i < 100; i++)
		rc = store_tend(f->w.s, &did, e);
	return rc;
}

static int64_t next_of(struct world *w)
{
	struct reader *r = NULL;
	int64_t us = 0;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), "SELECT min(next_us) FROM policy");
	if (sql_row(q))
		us = sql_col_int(q, 0);
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return us;
}

TEST(when_statements_fail)
{
	struct failing f = { .w = world_new() };
	struct fault fault = fault_begin(f.w.d.path);

	fault.forgives_change = true; /* a row is a job of its own */
	CHECK(fault_each(&fault, "open", open_them, &f) > 0);
	fault.forgives = fault.forgives_change = true; /* background work of others too */
	for (unsigned n = 1; n < 200; n++) {
		struct err e = { 0 };
		CHECK_RC(store_write(f.w.s, set_due, NULL, &err), RC_OK, err);
		(void)ask(&f.w, f.p, partner);
		io_trace_fail_step(fault.trace, n);
		enum rc rc = tend_late(&f, &e);
		bool failed = io_trace_failed(fault.trace);
		io_trace_fail_step(fault.trace, 0);
		/* what failed is done the next time */
		CHECK_RC(tend_late(&f, &err), RC_OK, err);
		CHECK_MSG(next_of(&f.w) > clock_now_us(), "step %u", n);
		if (!failed) {
			CHECK_RC(rc, RC_OK, e);
			break;
		}
	}
	fault_end(&fault);
	struct world *w = &f.w;
	world_close(w);
	policies_close(f.p);
	test_dir_end(&w->d);
}

/* On a disk that cannot be written the last policy is in force. */
TEST(a_read_only_disk)
{
	struct world w = world_new();
	struct policies *p = open_policies(&w, STR("roles"));
	uint64_t number = ask(&w, p, partner).policy.number;

	world_close(&w);
	policies_close(p);
	struct io_trace *t = io_trace_begin(w.d.path);
	io_trace_fail_op(t, IO_OP_OPEN, 3, EROFS); /* main.db, for writing */
	CHECK(world_open(&w, w.d.path));
	CHECK(io_trace_failed(t) && store_read_only(w.s));
	p = open_policies(&w, STR("other roles"));
	CHECK_INT(ask(&w, p, partner).policy.number, number);
	world_close(&w);
	policies_close(p);
	io_trace_free(t);
	test_dir_end(&w.d);
}

TEST_MAIN(TEST_RUN(an_agreement_lives_and_ends), TEST_RUN(what_counts),
	  TEST_RUN(the_clock_begins_and_ends_it), TEST_RUN(opened_again), TEST_RUN(the_widest_counts), TEST_RUN(types_of_ones_own),
	  TEST_RUN(who_else_takes_part_is_hidden),
	  TEST_RUN(rows_that_are_spoiled), TEST_RUN(a_type_that_is_gone), TEST_RUN(as_long_as_it_may_be), TEST_RUN(own_marks_are_another_policy),
	  TEST_RUN(when_statements_fail), TEST_RUN(a_read_only_disk))
