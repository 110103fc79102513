/* SPDX-License-Identifier: Apache-2.0 */
/* The policy follows the agreements: in the commit that changes them, and by the clock. */
#include "record/record_world.h"

#include "disclosure/change.h"
#include "disclosure/policy.h"
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

TEST_MAIN(TEST_RUN(an_agreement_lives_and_ends), TEST_RUN(what_counts),
	  TEST_RUN(the_clock_begins_and_ends_it), TEST_RUN(opened_again))
